#!/usr/bin/env bats
# back.bats - the way back of a walk on a real terminal (tmux): offered when a step fails, at the end and at home; opened filled in; started only when a person says so.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
SOCKET=back
# shellcheck source=tests/lib/screen.sh
. "$BATS_TEST_DIRNAME/../lib/screen.sh"

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	export TMUX_TMPDIR=$TMPDIR BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db BELLBOOK_RUNBOOKS=$BATS_TEST_TMPDIR/runbooks
	mkdir "$BELLBOOK_RUNBOOKS"
	cat >"$BELLBOOK_RUNBOOKS/forth.lua" <<-'END'
		runbook { id = "forth", bellbook = 1, title = "Go forth", params = { dir = { default = "/srv/a" } },
			way_back = { runbook = "home-again", with = { "record", "dir" }, open = "for a week" } }
		observe "dump" { title = "Dump", gives = { "record" }, run = function(s) s.record = "/srv/a/before.record" end }
		change "fail" { title = "Fail", why = "To see what happens.", run = function(s) fail "broken" end, done = function(s) return false end }
	END
	cat >"$BELLBOOK_RUNBOOKS/home-again.lua" <<-END
		runbook { id = "home-again", bellbook = 1, title = "Home again", params = { record = { ask = "Which record?" }, dir = { ask = "Which folder?" } } }
		change "undo" { title = "Undo it", why = "It did not hold.", gives = { "ok" },
			run = function(s) here.run("echo " .. s.params.record .. " >>$BATS_TEST_TMPDIR/undone") s.ok = true end, done = function(s) return s.ok == true end }
	END
	open_shell 80 24
}

teardown() { end_sessions; }

keys() { type_in "" "$@"; }

# Walks until the step has failed; OPTION… for run.
walk() {
	keys "clear; $BELLBOOK run forth $*; echo rc=\$?" Enter
}

sessions() { "$BELLBOOK" sessions --json | grep -o '"session":' | wc -l; }

fail_step() {
	see 'Run step “Fail”?'
	see 'arrows or a number'
	keys 1 Enter
	see 'What now?'
}

# Chosen in the box of the failed step.
go_back() {
	see 'arrows or a number'
	keys 5 Enter
	see 'Why?'
	keys 'it does not hold' Enter
	see 'PLAN  Home again'
	see 'record           /srv/a/before.record'
}

@test "the box of a failed step leads to the way back, filled in; home keeps it until somebody starts it" {
	walk
	fail_step
	see '5 Go back (home-again)'
	go_back
	see 'dir              /srv/a'
	[ "$(sessions)" -eq 1 ]
	keys q
	see 'THE WAY BACK IS OPEN'
	[ "$(sessions)" -eq 1 ]
	keys Enter
	see 'PLAN  Home again'
	see '/srv/a/before.record'
	keys S
	see 'start the walk'
	keys 1 Enter
	see 'Run step “Undo it”?'
	see 'arrows or a number'
	[ ! -e "$BATS_TEST_TMPDIR/undone" ]
	keys 1 Enter
	end_read ''
	see 'RUNBOOKS'
	gone 'THE WAY BACK IS OPEN'
	[ "$(cat "$BATS_TEST_TMPDIR/undone")" = /srv/a/before.record ]
	keys q
	see 'rc=1'
}

@test "who chose it in a walk begun at home is shown its plan at once" {
	keys "clear; $BELLBOOK; echo rc=\$?" Enter
	see 'Go forth'
	keys Enter
	see 'PLAN  Go forth'
	keys S
	see 'start the walk'
	keys 1 Enter
	fail_step
	go_back
	keys q
	see 'THE WAY BACK IS OPEN'
	keys q
	see 'rc=0'
}

@test "the end of a walk leads to it by a key, and says that a walk goes back already" {
	walk
	see 'Run step “Fail”?'
	see 'arrows or a number'
	keys 4 Enter
	see 'Why?'
	keys 'enough' Enter
	see 'THE SESSION IS OVER'
	see 'The way back is open for a week:'
	see 'bellbook run home-again --set dir=/srv/a --set record=/srv/a/before.record'
	see 'b: the way back, filled in; Esc closes'
	keys b
	see 'PLAN  Home again'
	see '/srv/a/before.record'
	[ "$(sessions)" -eq 1 ]
	keys q
	see 'THE WAY BACK IS OPEN'
	run "$BELLBOOK" run home-again --set dir=/srv/a --set record=/r --plain < <(printf 'leave\n')
	see 'UNFINISHED SESSIONS (1)'
	gone 'THE WAY BACK IS OPEN'
	keys q
	see 'rc=1'
}

@test "in plain lines it is filled in, and started by the word yes alone" {
	walk --plain
	see 'Run step “Fail”?'
	line go 'What now?'
	line back 'why>'
	keys 'it does not hold' Enter
	see 'The way back, filled in: bellbook run home-again --set dir=/srv/a'
	see 'start>'
	keys y Enter
	see 'Nothing was started.'
	see 'rc=1'
	[ "$(sessions)" -eq 1 ]
	walk --plain
	see 'Run step “Fail”?'
	line go 'What now?'
	line back 'why>'
	keys 'still not' Enter
	see 'start>'
	keys yes Enter
	see 'Run step “Undo it”?'
	[ ! -e "$BATS_TEST_TMPDIR/undone" ]
	line go 'closed, outcome ok'
	see 'rc=0'
	[ "$(cat "$BATS_TEST_TMPDIR/undone")" = /srv/a/before.record ]
}
