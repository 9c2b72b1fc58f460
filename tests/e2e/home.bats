#!/usr/bin/env bats
# home.bats - the home screen on a real terminal (tmux): the first start, finding, hosts, what is unfinished, and back.
# SPDX-License-Identifier: GPL-3.0-or-later

SOCKET=home
# shellcheck source=tests/lib/screen.sh
. "$BATS_TEST_DIRNAME/../lib/screen.sh"

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	export TMUX_TMPDIR=$TMPDIR HOME=$BATS_TEST_TMPDIR
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db BELLBOOK_RUNBOOKS=$BATS_TEST_TMPDIR/books BELLBOOK_FLEET=$BATS_TEST_TMPDIR/fleet.lua
	mkdir -p "$BELLBOOK_RUNBOOKS"
	printf 'fleet { name = "small", hosts = { nowhere = {} }, mastodon = { url = "http://127.0.0.1:1" } }\n' >"$BELLBOOK_FLEET"
	cat >"$BELLBOOK_RUNBOOKS/walk.lua" <<-'END'
		runbook { id = "walk", bellbook = 1, title = "Practice walk", about = "Shows what a walk looks like.",
			params = { who = { type = "text", pattern = "%l+", ask = "Who is greeted?", help = "Small letters only." },
				times = { type = "integer", min = 1, max = 9, default = 2, ask = "How often?" } } }
		phase "Look"
		observe "look" { title = "Look around", gives = { "n" }, run = function(s) s.n = here.read("echo here").out end }
		phase "Work"
		change "greet" { title = "Greet them", why = "It is polite.", back = "Nothing to undo.", needs = { "n" }, gives = { "ok" }, downtime = "begins",
			run = function(s) here.run("echo hello " .. q(s.params.who)) s.ok = true end, done = function(s) return s.ok == true end }
		manual "wave" { title = "Wave", why = "They like it.", downtime = "ends" }
	END
	open_shell 80 24
}

teardown() { end_sessions; }

keys() { type_in "" "$@"; }

go_home() {
	keys "clear; $BELLBOOK; echo rc=\$?" Enter
	see '? help'
}

@test "the first start says what to do, finds as one types, and tells which hosts are silent" {
	go_home
	see 'WELCOME'
	see 'HOME  small'
	see 'silent'
	# Wider, the fleet has a column of its own.
	tm resize-window -x 132 -y 43
	see '│ HOSTS'
	tm resize-window -x 80 -y 24
	gone '│ HOSTS'
	keys /
	see 'find:'
	keys zebra
	see 'Nothing here contains that'
	keys Escape
	see 'Practice walk'
	keys q
	see 'rc=0'
	[ ! -e "$BELLBOOK_JOURNAL" ]
}

# Process of the only session.
carrier() {
	"$BELLBOOK" log 1 --format jsonl | grep -o '"process":{[^}]*"pid":[0-9]*' | grep -o '[0-9]*$' | tail -n 1
}

# From an open question to home, with nothing decided.
leave_it() {
	see 'arrows or a number'
	keys Escape
	see 'Nothing was decided'
	keys q
	see 'goes on'
	go_home
}

@test "an unfinished session is joined, and taken over when its process was killed; leaving it leads home" {
	keys "clear; $BELLBOOK run walk --set who=ann" Enter
	see 'Run step'
	leave_it
	see 'UNFINISHED SESSIONS (1)'
	see 'asks'
	keys Home Enter
	see 'Run step'
	see 'arrows or a number'
	keys Escape
	see 'Nothing was decided'
	keys q
	see 'goes on without you'
	kill -9 "$(carrier)"
	see 'stopped'
	keys Home Enter
	see 'UNFINISHED SESSION '
	keys 1 Enter
	see 'Run step'
	see 'arrows or a number'
	keys Escape
	see 'Nothing was decided'
	keys q
	see 'goes on without you'
	keys q
	see 'rc=0'
}

@test "while a walk has the site down, home, plan and review say so in their heads" {
	keys "clear; $BELLBOOK run walk --set who=ann" Enter
	see 'Run step'
	see 'arrows or a number'
	keys 1 Enter
	see 'Is “Wave” done?'
	leave_it
	see 'HOME  small   DOWN since '
	see ' (session 1) '
	keys Down
	see '>  Practice walk'
	keys Enter
	see 'PLAN  Practice walk   DOWN since '
	keys q
	gone 'PLAN'
	keys Home
	see '>    1 Practice'
	keys r
	see 'REVIEW  Pra'
	see 'DOWN since '
	keys q
	see 'HOME'
	keys q
	see 'rc=0'
	keys "clear; $BELLBOOK --plain" Enter
	see 'THE SITE IS DOWN since '
}

@test "a plan: a setting filled in wrongly and rightly, a preflight, a dry run, a start, and back home" {
	go_home
	keys /
	see 'find:'
	keys practice
	see '>  Practice walk'
	keys Enter
	see 'PLAN  Practice walk'
	see 'NEEDED'
	see 'nowhere: '
	keys p
	see 'Fill in who first'
	keys Down
	see '>  who'
	keys Enter
	see 'Small letters only'
	keys ANN Enter
	see 'does not look right'
	keys C-u
	keys ann Enter
	gone 'Small letters only'
	see 'who              ann'
	keys p
	see '(session 1): all steps that only look went well'
	keys d
	end_read ''
	gone '(session 1)'
	see 'all steps that only look went well'
	keys S
	see 'START'
	see 'FAIL nowhere'
	keys Enter
	see 'A reason is needed'
	keys 'it is only practice' Enter
	see 'Run step “Greet them”?'
	see 'arrows or a number'
	keys 1 Enter
	see 'Is “Wave” done?'
	see 'arrows or a number'
	keys 1 Enter
	end_read ''
	see 'ended: ok'
	see 'HOME  small'
	keys q
	see 'rc=0'
	run "$BELLBOOK" log "$(BELLBOOK_PLAIN=1 "$BELLBOOK" sessions --json | grep -o '"session":[0-9]*' | head -1 | grep -o '[0-9]*')"
	[[ $output == *"it is only practice"* && $output == *"hello ann"* ]]
}
