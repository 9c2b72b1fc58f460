#!/usr/bin/env bats
# review.bats - a recorded session read on a real terminal (tmux): the list, the failure, its output, playback, a note, a running session.
# SPDX-License-Identifier: GPL-3.0-or-later

SOCKET=review
# shellcheck source=tests/lib/screen.sh
. "$BATS_TEST_DIRNAME/../lib/screen.sh"

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	export TMUX_TMPDIR=$TMPDIR
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db
	cat >"$BATS_TEST_TMPDIR/walk.lua" <<-'END'
		runbook { id = "walk", bellbook = 1, title = "Practice walk", about = "Shows what a walk looks like." }
		change "print" { title = "Print lines", why = "The next step needs them.", gives = { "ok" },
			run = function(s) here.run("for i in $(seq 30); do echo line $i; done; echo needle in the hay; echo last line") s.ok = true end,
			done = function(s) return s.ok == true end }
		change "fail" { title = "Fail", why = "To see what happens.",
			run = function(s) here.run("exec 2>&1; echo fine; echo 'oops: connection refused'; exit 3") end, done = function(s) return false end }
		change "last" { title = "The last one", why = "It is the end.", gives = { "over" },
			run = function(s) here.run("echo over and out") s.over = true end, done = function(s) return s.over == true end }
	END
	open_shell 100 30
}

teardown() {
	end_sessions
	until_true no_leases
}

no_leases() { ! compgen -G "$BELLBOOK_JOURNAL.run/*.lease" >/dev/null; }

keys() {
	type_in "" "$@"
}

running() { "$BELLBOOK" sessions 2>/dev/null | grep -q running; }

record() {
	timeout "$PATIENCE" tests/lib/drive.py failure=skip -- "$BELLBOOK" run "$BATS_TEST_TMPDIR/walk.lua" --json >&2
}

@test "review: to the failure, search its output, play, write a note, quit" {
	record
	keys "$BELLBOOK review; echo rc=\$?" Enter
	see '1 of 1'
	see 'Practice walk'
	keys Enter
	see 'Enter details'
	# Two answers with reasons, then the failure with its first error.
	keys ']' ']' ']'
	see 'first error is line 4'
	see '> '
	see 'oops: connection refused'
	keys g
	keys / 'line 27' Enter
	see '/ line 27'
	see 'line 29 of 34'
	keys Tab p
	see 'UTC ['
	keys End
	see 'END x1'
	see 'The last one'
	keys q
	see 'Enter details'
	keys i
	see 'Enter writes it into the journal'
	keys 'the cache was cold' Enter
	see 'Noted. What was recorded is unchanged.'
	see '(written afterwards)'
	keys q
	see 'typing filters'
	keys 'nowhere'
	see 'none passes the filter'
	keys Escape
	see '1 of 1'
	keys Escape
	see 'rc=0'
	"$BELLBOOK" verify | grep -q '^intact'
	"$BELLBOOK" log 1 --format jsonl | grep -q 'the cache was cold'
}

@test "review of a session that runs: what comes is shown, a attaches, leaving comes back" {
	coproc RUN { timeout "$PATIENCE" "$BELLBOOK" run "$BATS_TEST_TMPDIR/walk.lua" --json; }
	until_true running
	keys "$BELLBOOK review 1; echo rc=\$?" Enter
	see 'RUNNING NOW'
	"$BELLBOOK" note 1 'seen from outside'
	see 'seen from outside'
	keys a
	see 'is asked: Run step'
	see 'YOU HERE: navigator'
	keys q
	see 'RUNNING NOW'
	keys q
	see 'rc=0'
	echo '{"do":"leave"}' >&"${RUN[1]}"
	wait "$RUN_PID" || true
}
