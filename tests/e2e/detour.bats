#!/usr/bin/env bats
# detour.bats - a shell by hand on a host of the fleet, in the live view on a real terminal (tmux): full-screen programs, sizes, a second person.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2016 # what is typed is expanded on the host
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
SOCKET=detour
WORLD=("$FLEET" exec) # from another pid namespace one only observes
# shellcheck source=tests/lib/screen.sh
. "$BATS_TEST_DIRNAME/../lib/screen.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet FLEET_SERVICES=no FLEET_DISK=128m
	"$FLEET" up >&2
}

teardown_file() {
	"$FLEET" down >&2
}

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	export TMUX_TMPDIR=$TMPDIR BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db
	cat >"$BATS_TEST_TMPDIR/walk.lua" <<-'END'
		runbook { id = "walk", bellbook = 1, title = "Practice walk", about = "Shows what a walk looks like." }
		change "fail" { title = "Fail", why = "To see what happens.",
			run = function(s) here.run("[ -e " .. "$HOME/mended ] || { echo oops >&2; exit 3; }") end, done = function(s) return true end }
	END
	cat >"$BATS_TEST_TMPDIR/fleet.lua" <<-END
		fleet { name = "practice", ssh_config = "$FLEET_STATE/ssh_config", hosts = { app1 = { transport = "libssh2" }, app2 = { transport = "ssh" } } }
	END
	mkdir "$BATS_TEST_TMPDIR/home"
	tm -f /dev/null new-session -d -s driver -x 80 -y 24 \
		"$FLEET exec env HOME=$BATS_TEST_TMPDIR/home PS1='ready> ' bash --norc --noprofile -i"
	tm new-session -d -s other -x 90 -y 26 "$FLEET exec env PS1='ready> ' bash --norc --noprofile -i"
	see driver 'ready>'
	see other 'ready>'
	keys driver "clear; $BELLBOOK run $BATS_TEST_TMPDIR/walk.lua --fleet $BATS_TEST_TMPDIR/fleet.lua; echo rc=\$?" Enter
	see driver 'arrows or a number'
	gone driver 'wait ...'
	keys driver 1 Enter
	see driver 'Try again'
	keys other "clear; $BELLBOOK attach --role navigator" Enter
	see other 'Practice walk'
}

teardown() { end_sessions; }

keys() {
	type_in "$@"
}

both() {
	see driver "$1"
	see other "$1"
}

# Opens a shell on the NUMBERth host of the list, and waits for its prompt.
open_shell() {
	gone driver 'wait ...'
	keys driver '!'
	see driver 'TO A HOST BY HAND'
	keys driver "$1" Enter
	see driver 'All keys go to the shell'
	keys driver "PS1='here> '; clear" Enter
	both 'here>'
}

# Asks vim until both see the answer: what is typed before the view has heard of its new size is answered with the old one.
answers() {
	local i
	for i in $(seq $((20 * PATIENCE))); do
		[ $((i % 20)) != 1 ] || keys driver "$1" Enter
		! screen driver | grep -qF -- "$2" || break
		sleep 0.05
	done
	both "$2"
}

full_screen_programs() {
	open_shell "$1"
	see other 'You watch'
	keys driver "seq -f 'line %g of many' 200 >f; vim.tiny -u NONE -N f" Enter
	both 'line 1 of many'
	keys driver G
	both 'line 200 of many'
	tm resize-window -t driver -x 100 -y 40
	answers ':set lines?' 'lines=38'
	answers ':set columns?' 'columns=100'
	see driver 'line 165 of many'
	tm resize-window -t driver -x 80 -y 24
	answers ':set lines?' 'lines=22'
	keys driver ':q!' Enter
	see driver 'here>'
	gone other 'line 200 of many'
	keys driver 'less f' Enter
	both 'line 21 of'
	keys driver G
	both 'line 200 of many'
	tm resize-window -t driver -x 70 -y 25
	see driver '~'
	keys driver g G
	both 'line 179 of many'
	keys driver q
	see driver 'here>'
	keys driver 'htop' Enter
	both 'F3Search'
	tm resize-window -t driver -x 100 -y 24
	both 'F10Quit'
	keys driver q
	gone driver 'F3Search'
	keys driver 'exit 4' Enter
	see driver 'exit status 4'
	# The question was open all the time.
	see driver 'Try again'
	see other 'is asked: Step “Fail” failed'
}

@test "vim, less and htop through libssh2: resized, and seen by the second person" {
	full_screen_programs 1
}

@test "vim, less and htop through the system's ssh: resized, and seen by the second person" {
	full_screen_programs 2
}

@test "Ctrl-] is for bellbook, all else is the shell's; what a host writes cannot steer our terminal" {
	open_shell 3
	keys driver "printf '\\033]0;pwned\\007\\033]52;c;cm0gLXJm\\007\\033[?1000h'; echo a\$((1+1))b" Enter
	both 'a2b'
	[ "$(tm display-message -p -t driver '#{pane_title}')" != pwned ]
	[ "$(tm display-message -p -t driver '#{mouse_any_flag}')" = 0 ]
	[ -z "$(tm show-buffer 2>/dev/null)" ]
	keys driver 'cat' Enter 'x' C-c
	keys driver 'echo c$((1+1))d' Enter
	both 'c2d'
	keys driver C-]
	see driver 'q ends the shell'
	keys driver s
	see driver 'Try again'
	see driver 'The shell stays open'
	gone driver 'wait ...'
	keys driver '!'
	see driver 'All keys go to the shell'
	keys other q
	see other 'is asked: Step “Fail” failed'
	gone other 'wait ...'
	keys other '!'
	see other 'You watch'
	keys driver 'touch ~/mended' Enter 'echo e$((1+1))f' Enter
	both 'e2f'
	keys driver C-]
	see driver 'q ends the shell'
	keys driver q
	see driver 'Try again'
	see driver 'ended by'
	see other 'is asked: Step “Fail” failed'
	# The prompt works as before.
	gone driver 'wait ...'
	keys driver 1 Enter
	end_read driver
	see driver 'rc=0'
	"$BELLBOOK" log 1 | grep -q 'by hand: a shell'
}

@test "one command on two hosts is shown before it runs" {
	gone driver 'wait ...'
	keys driver Escape
	see driver 'Nothing was decided'
	keys driver ':run app1,app2 echo "on $(hostname)" a$((6*7))b' Enter
	see driver 'Exactly this runs, once, now, on app1, app2'
	keys driver 1 Enter
	both 'a42b'
	"$BELLBOOK" log 1 | grep -c 'by hand: echo "on' | grep -qx 2
}
