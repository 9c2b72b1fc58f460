#!/usr/bin/env bats
# view.bats - the live and the plain view on a real terminal (tmux) with a real session: keys, sizes, signals, two people.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
SOCKET=view
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
			run = function(s) here.run("for i in $(seq 30); do echo line $i; done; sleep 1; echo last line") s.ok = true end,
			done = function(s) return s.ok == true end }
		change "fail" { title = "Fail", why = "To see what happens.",
			run = function(s) here.run("echo oops >&2; exit 3") end, done = function(s) return true end }
		manual "hand" { title = "Look out of the window", why = "Fresh air." }
	END
	open_shell 80 24
}

teardown() { end_sessions; }

# Fails when a line of the input is like this.
without() {
	! grep -- "$1"
}

keys() {
	type_in "" "$@"
}

# Starts the walk (with shell text before it) and waits until the first question takes keys.
walk() {
	keys "clear; ${1-} $BELLBOOK run $BATS_TEST_TMPDIR/walk.lua; echo rc=\$?" Enter
	see 'Run step'
	see 'arrows or a number'
}

# Closes the question's dialog, then the view.
leave() {
	see 'arrows or a number'
	keys Escape
	see 'Nothing was decided'
	keys q
	see 'rc=3'
}

# The terminal is as a shell wants it.
sane() {
	keys "clear; stty -a | grep -o ' icanon' ; stty -a | grep -o ' echo '; echo checked" Enter
	see 'checked'
	see ' icanon'
	see ' echo'
}

view_pid() {
	pgrep -P "$(tm display-message -p '#{pane_pid}')" | tail -1
}

@test "a walk: a choice and Enter run, output is followed, a failure is skipped with a reason, the end is told" {
	walk ''
	# A command typed into the wrong window confirms nothing, and is said.
	keys 'df -h'
	see 'does nothing here: choose with the arrows or a number'
	keys Enter
	keys 1 Enter
	see 'Run step “Fail”?'
	see 'arrows or a number'
	keys '['
	see 'following, 31 lines'
	keys '='
	gone 'following, 31 lines'
	keys 1 Enter
	see 'What now?'
	see 'FAIL'
	see 'Known: 0 commands ended well; on this computer “echo oops >&2; exit 3” ended'
	see 'Not known: how far'
	see 'arrows or a number'
	keys Enter
	see 'choose with the arrows or a number first'
	keys Down Down Enter
	see 'Why?'
	keys 'not needed' Enter
	see 'Is “Look out of the window” done?'
	see 'arrows or a number'
	keys 1 Enter
	see 'closed, outcome ok'
	end_read ''
	see 'rc=0'
	see 'closed, outcome ok'
	sane
	"$BELLBOOK" log 1 | grep -F 'not needed'
}

@test "keys that change something open a dialog, and Esc leaves everything as it is" {
	walk ''
	keys Escape
	see 'Nothing was decided'
	keys X
	see 'STOP'
	keys Escape
	gone 'STOP'
	keys P
	see 'PAUSE'
	keys Escape
	gone 'PAUSE'
	keys C-c
	see 'Nothing was stopped.'
	keys Escape
	gone 'Nothing was stopped.'
	keys q
	see 'rc=3'
	see 'Come back with: bellbook attach 1'
	run "$BELLBOOK" log 1 --format jsonl
	[[ $output != *'"kind":"answered"'* ]]
	[[ $output != *'"kind":"session.paused"'* ]]
}

@test "sizes: very wide, small, too small, and back" {
	walk ''
	tm resize-window -x 200 -y 60
	see 'v explain  y copy'
	tm resize-window -x 60 -y 20
	see 'i note'
	tm resize-window -x 39 -y 9
	see 'The window is too small (40x10).'
	tm resize-window -x 80 -y 24
	see 'QUESTION'
	leave
}

@test "the terminal is put back when the view is killed, crashes or fails an assert" {
	for signal in TERM SEGV ABRT INT; do
		walk 'ulimit -c 0;'
		kill -"$signal" "$(view_pid)"
		if [ "$signal" = INT ]; then
			see 'WHAT DO YOU WANT?'
			keys Escape
			gone 'WHAT DO YOU WANT?'
			leave
		fi
		see 'rc='
		sane
	done
}

@test "when the terminal goes away, with or without a hang-up signal, the view leaves at once and the session goes on" {
	local pid
	for signal in '' "trap '' HUP;"; do
		walk "$signal"
		pid=$(view_pid)
		tm kill-server
		for _ in $(seq 200); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
		run ! kill -0 "$pid"
		run -3 "$BELLBOOK" attach --plain < <(printf 'where\nleave\n')
		[[ $output == *'Run step “Print lines”?'* ]]
		printf 'abort\nover\n' | "$BELLBOOK" attach --plain >/dev/null || true
		open_shell 80 24
	done
}

@test "Ctrl-Z suspends the view only, fg draws it again" {
	walk ''
	keys C-z
	see 'only this view is suspended'
	sane
	keys 'clear; fg; echo rc=$?' Enter
	see 'QUESTION'
	leave
}

@test "when another view answers, the dialog closes, says who, and what is typed on is for nobody" {
	walk ''
	keys 4 Enter
	see 'Why?'
	keys 'half a'
	see 'half a'
	run "$BELLBOOK" attach 1 --plain < <(printf 'go\nleave\n')
	[ "$status" -eq 3 ]
	see 'answered question'
	see 'What you typed was not sent.'
	keys 'bort X'
	see 'Run step “Fail”?'
	run "$BELLBOOK" log 1 --format jsonl
	grep '"kind":"answered"' <<<"$output" | without abort
	leave
}

@test "a killed session: the view says so and how to resume" {
	walk ''
	pid=$("$BELLBOOK" log 1 --format jsonl | grep -o '"process":{[^}]*"pid":[0-9]*' | grep -o '[0-9]*$' | head -1)
	kill -KILL "$pid"
	see 'its process is gone'
	see 'bellbook resume 1'
	see 'rc=3'
	sane
}

@test "terminals that cannot place text get the plain view, and are told why" {
	keys "clear; TERM=dumb $BELLBOOK run $BATS_TEST_TMPDIR/walk.lua; echo rc=\$?" Enter
	see 'no full screen here'
	see 'Choose: 1 Run it (go)'
	line 2 'why>'
	keys 'no time' Enter
	see 'Run step “Fail”?'
	keys C-c
	see 'Nothing was stopped.'
	line 4 'rc=3'
	sane
}

nothing_answered() {
	"$BELLBOOK" log 1 --format jsonl >"$BATS_TEST_TMPDIR/log"
	grep -q '"kind":"asked"' "$BATS_TEST_TMPDIR/log" && ! grep '"kind":"answered"' "$BATS_TEST_TMPDIR/log"
}

@test "a paste without brackets answers nothing, in the full screen and in lines of text; keys one by one do" {
	walk
	printf '1\nrecord\n1\n' | tm load-buffer -
	tm paste-buffer
	see 'Several keys came at once: nothing was decided'
	see 'arrows or a number'
	nothing_answered
	keys Escape
	see 'Nothing was decided'
	keys q
	see 'rc='
	keys "clear; $BELLBOOK attach --plain" Enter
	see 'Run step'
	tm paste-buffer
	see 'Not sent: several keys came at once'
	nothing_answered
	keys C-u
	line 2 'why>'
}

@test "a slow line: keys pressed before the terminal has a question are for nobody" {
	for name in one two three; do printf 'manual "%s" { title = "%s", why = "w" }\n' $name $name; done >"$BATS_TEST_TMPDIR/late.steps"
	{ echo 'runbook { id = "late", bellbook = 1, title = "Late" }'; cat "$BATS_TEST_TMPDIR/late.steps"; } >"$BATS_TEST_TMPDIR/late.lua"
	run "$BATS_TEST_DIRNAME/../lib/late.py" "$BELLBOOK" "$BATS_TEST_TMPDIR/late.lua"
	echo "$output"
	[[ $output == *'decided nothing'* ]]
}

@test "a terminal whose type is not known gets lines of text, and is told what may do" {
	keys "clear; TERM=no-such-terminal $BELLBOOK run $BATS_TEST_TMPDIR/walk.lua" Enter
	see 'M=xterm-256color may do'
	see 'this is the plain view'
}

@test "? finds an action by word and Enter runs it, : runs it by name, own keys hold" {
	mkdir -p "$BATS_TEST_TMPDIR/config/bellbook"
	printf '# mine\nz explain\nv nothing\nq fnd\n' >"$BATS_TEST_TMPDIR/config/bellbook/keys"
	walk "XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config XDG_STATE_HOME=$BATS_TEST_TMPDIR/state"
	see 'keys:4: there is no action "fnd"'
	keys Escape
	see 'Nothing was decided'
	keys '?' 'explanations'
	see 'z '
	keys Enter
	gone 'Why: The next step needs them.'
	keys z
	see 'Why: The next step needs them.'
	keys v
	keys ':' 'copy record' Enter
	see 'Copied the record to'
	see 'Why: The next step needs them.'
	grep -F 'Print lines: ready' "$BATS_TEST_TMPDIR/state/bellbook/copies/session-1-record.txt"
	keys ':step 3' Enter
	see 'Why: Fresh air.'
	keys q
	see 'rc=3'
}

@test "without UTF-8 the screen is ASCII" {
	walk 'LC_ALL=C'
	see '+- QUESTION'
	see '| '
	screen | LC_ALL=C without '[^ -~]'
	leave
}

@test "NO_COLOR: no colour sequence is sent" {
	walk 'NO_COLOR=1'
	tm capture-pane -p -e | without $'\033\\[[0-9;]*3[0-7]m'
	leave
}
