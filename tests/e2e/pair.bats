#!/usr/bin/env bats
# pair.bats - two Unix users in one session, each in a terminal of their own (tmux): one agrees to what the other wants to do, then drives.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
SOCKET=pair
# shellcheck source=tests/lib/panes.sh
. "$BATS_TEST_DIRNAME/../lib/panes.sh"

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	export TMUX_TMPDIR=$TMPDIR
	dir=$BATS_TEST_TMPDIR
	ann=$(python3 "$PAIR" name $ANN) || skip "$ann"
	ben=$(python3 "$PAIR" name $BEN)
	cp "$BELLBOOK" "$dir/bellbook" # the tree may be in a folder that is not theirs
	cat >"$dir/fleet.lua" <<-'END'
		fleet { name = "f", hosts = {}, policy = { alone = "refuse" }, mastodon = { domain = "db2" } }
	END
	cat >"$dir/walk.lua" <<-END
		runbook { id = "walk", bellbook = 1, title = "Switch over", about = "Moves the writes." }
		observe "rows" { title = "Rows agree", run = function(s) s:note("63 of 63 tables") end }
		irreversible "switch" { title = "Switch writes to db2", why = "The old one is full.", target = "fleet.mastodon.domain",
			back = "Going back loses what was posted since.",
			run = function(s) here.run("echo switched >> $dir/share/effects") end, done = function(s) return true end }
		change "after" { title = "Say that it is done", why = "People wait.",
			run = function(s) here.run("echo said >> $dir/share/effects") end, done = function(s) return true end }
	END
	team_folder "$dir/share"
	chmod 755 "$dir" "$BATS_RUN_TMPDIR"
	export BELLBOOK_JOURNAL=$dir/share/j.db BELLBOOK_FLEET=$dir/fleet.lua BELLBOOK_BALLAST=1048576
	python3 "$PAIR" tmux -L pair -f /dev/null new-session -d -s ann -x 100 -y 30 "$(as $ANN "$dir/share")"
	tm new-session -d -s ben -x 80 -y 24 "$(as $BEN "$dir/share")"
	see ann 'ready>'
	see ben 'ready>'
}

teardown() {
	[ -S "$TMUX_TMPDIR/tmux-$(id -u)/pair" ] && tm kill-server
	for session in "$BELLBOOK_JOURNAL".run/*.sock; do # a test that failed
		[ -S "$session" ] || continue
		for uid in $ANN $BEN; do
			printf 'abort\nover\n' | timeout "$PATIENCE" python3 "$PAIR" setpriv --reuid "$uid" --regid $TEAM --clear-groups \
				"$dir/bellbook" attach "$(basename "$session" .sock)" --plain >/dev/null || true
		done
		until_true is_no_socket "$session"
	done
}

is_no_socket() { ! [ -S "$1" ]; }

keys() { type_in "$@"; }

# Waits until somebody's screen shows a pattern so often.
times() {
	until_true shows_times "$@" && return 0
	echo "never seen $2 times by $1: $3"
	all_screens
	return 1
}

shows_times() { [ "$(screen "$1" | grep -c -- "$3")" -ge "$2" ]; }

# Types a line into somebody's plain view until another's screen shows what follows from it (so often). A line that
# was begun sooner than anybody reads is not sent, and the view says so: then once more.
answer() {
	local refused
	for _ in 1 2 3 4 5; do
		refused=$(screen "$1" | grep -c 'Not sent' || true)
		keys "$1" "$2" Enter
		for _ in $(seq $((20 * PATIENCE))); do
			[ "$(screen "$3" | grep -c -- "$4")" -ge "${5-1}" ] && return 0
			[ "$(screen "$1" | grep -c 'Not sent')" -gt "$refused" ] && sleep 0.5 && continue 2 # reading takes time
			sleep 0.05
		done
		break
	done
	echo "never seen by $3: $4"
	all_screens
	return 1
}

bellbook() {
	python3 "$PAIR" "${AS_BEN[@]}" "$dir/bellbook" "$@"
}

@test "two users, live: one sees what will run and agrees, the wheel is handed over, the other drives to the end" {
	keys ann "clear; $dir/bellbook run $dir/walk.lua; echo rc=\$?" Enter
	see ann 'Run step “Switch writes to db2”?'
	keys ben "clear; $dir/bellbook attach; echo rc=\$?" Enter
	see ben "[YOU: $ben"
	see ben 'first session in this journal'
	see ann "DRIVES] $ben"
	see ann 'arrows or a number'
	keys ann 1 Enter
	see ann 'another person is asked to agree'
	see ben 'YOUR AGREEMENT IS NEEDED'
	see ben "$ann wants to run step 2"
	see ben 'Exactly this will run'
	see ben 'Rows agree at '
	see ben '63 of 63 tables'
	see ben 'no earlier run of this step'
	see ben 'Enter agrees'
	keys ben db1 Enter
	see ben 'that is not "db2"; nothing was sent'
	[ ! -e "$dir/share/effects" ]
	keys ben C-u
	keys ben BSpace BSpace BSpace db2 Enter
	see ben 'Why?'
	keys ben 'we looked together' Enter
	see ann 'Run step “Say that it is done”?'
	see ann 'arrows or a number'
	keys ann Escape
	see ann 'Nothing was decided'
	keys ann H
	see ann 'HAND OVER'
	keys ann "$ben" Enter
	see ben 'hands the wheel to you'
	see ben 'arrows or a number'
	keys ben 1 Enter
	see ann "[$ben DRIVES"
	see ann "$ben is asked: Run step"
	see ben 'Run step “Say that it is done”?'
	see ben 'arrows or a number'
	keys ben 1 Enter
	end_read ann
	end_read ben
	see ann 'rc=0'
	see ben 'rc=0'
	[ "$(cat "$dir/share/effects")" = $'switched\nsaid' ]
	run -0 bellbook log 1
	[[ $output == *"approval given for switch by $ben: we looked together"* ]]
	[[ $output == *"the wheel passes from $ann to $ben, accepted"* ]]
	run -0 bellbook verify
}

@test "two users, plain: disagreeing with a reason, agreeing after it" {
	tm resize-window -t ann -y 90 # nothing scrolls away
	tm resize-window -t ben -y 90
	keys ann "clear; $dir/bellbook run $dir/walk.lua --plain; echo rc=\$?" Enter
	see ann 'Run step “Switch writes to db2”?'
	keys ben "clear; $dir/bellbook attach --plain; echo rc=\$?" Enter
	see ben "$ann is asked: Run step"
	answer ann go ben 'To agree, type exactly: db2'
	answer ben ':disagree not before the backup' ann 'not before the backup'
	times ann 2 'Question .*Run step .Switch writes to db2'
	answer ann go ben 'Question .*wants to run step 2' 2
	answer ben db2 ben 'Why?'
	answer ben 'now it is' ann 'agreed: now it is'
	times ann 1 'Question .*Run step .Say that it is done'
	answer ann go ann 'rc=0'
	see ann 'rc=0'
	see ben 'rc=0'
	[ "$(cat "$dir/share/effects")" = $'switched\nsaid' ]
}
