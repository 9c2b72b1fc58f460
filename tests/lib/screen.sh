# shellcheck shell=bash
# screen.sh - for tests in tmux: waits for states, sees and types in the terminals of one or more people. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SOCKET names the tmux server, WORLD is the command that leads to where the sessions are (none: here). WHO is a session of it; without one, it is the only session.

# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

tm() { tmux -L "$SOCKET" "$@"; }

# screen [WHO]
screen() { tm capture-pane -p ${1:+-t "$1"}; }

changed() { [ "$(screen "$1")" != "$2" ]; }

# type_in WHO KEY…: WHO may be empty. An Enter at the end comes by itself, when what was typed before it is seen: keys
# that come at once are a burst to bellbook, and decide nothing; nor does an Enter that comes as those of a held key do.
type_in() {
	local who=$1 before
	shift
	if [ $# -gt 1 ] && [ "${!#}" = Enter ]; then
		before=$(screen "$who")
		tm send-keys ${who:+-t "$who"} "${@:1:$#-1}"
		PATIENCE=2 until_true changed "$who" "$before" || true # what was typed may show nothing
		set -- Enter
		sleep 0.1 # what a hand takes between two keys
	fi
	case " $* " in *" Enter "*)
		[ -z "${entered-}" ] || sleep 0.75
		entered=yes
		;;
	esac
	tm send-keys ${who:+-t "$who"} "$@"
	# What comes right behind an Enter makes a burst of both.
	case " $* " in *" Enter "*) sleep 0.1 ;; esac
}

# Every screen, for somebody who reads why a test failed.
all_screens() {
	local who
	for who in $(tm list-sessions -F '#S'); do screen "$who"; done
}

shows() { screen "$1" | grep -qF -- "$2"; }

shows_not() { ! shows "$@"; }

# see [WHO] TEXT: waits until the screen shows a text.
see() {
	[ $# -gt 1 ] || set -- '' "$1"
	until_true shows "$@" && return 0
	echo "never seen${1:+ by $1}: $2"
	all_screens
	return 1
}

# end_read [WHO]: waits for what came of the session, and takes it away.
end_read() {
	see "${1-}" 'THE SESSION IS OVER'
	see "${1-}" ' closes'
	type_in "${1-}" Enter
}

history_shows() { tm capture-pane -p -S - ${1:+-t "$1"} | grep -qF -- "$2"; }

# told [WHO] TEXT: waits until the text is on the screen, or has scrolled away above it.
told() {
	[ $# -gt 1 ] || set -- '' "$1"
	until_true history_shows "$@" && return 0
	echo "never told${1:+ to $1}: $2"
	all_screens
	return 1
}

# How often a text was told, what has scrolled away included.
count_of() { tm capture-pane -p -S - ${1:+-t "$1"} | grep -cF -- "$2" || true; }

more_than() { [ "$(count_of "$1" "$2")" -gt "$3" ] || [ "$(count_of "$1" 'Not sent')" -gt "$4" ]; }

# line TEXT SEEN [WHO]: types a line into a plain view until what follows from it is told once more. A line that was begun
# sooner than anybody reads is not sent, and the view says so: then anew.
line() {
	local seen refused
	for _ in 1 2 3 4 5 6; do
		seen=$(count_of "${3-}" "$2") refused=$(count_of "${3-}" 'Not sent')
		type_in "${3-}" "$1" Enter
		until_true more_than "${3-}" "$2" "$seen" "$refused" || break
		[ "$(count_of "${3-}" "$2")" -eq "$seen" ] || return 0
	done
	echo "never told${3:+ to $3}: $2"
	all_screens
	return 1
}

# gone [WHO] TEXT: waits until the screen shows a text no more.
gone() {
	[ $# -gt 1 ] || set -- '' "$1"
	until_true shows_not "$@" && return 0
	echo "still there${1:+ for $1}: $2"
	all_screens
	return 1
}

# open_shell COLS ROWS: a terminal of that size in which a shell waits.
open_shell() {
	tm -f /dev/null new-session -d -x "$1" -y "$2" "env PS1='ready> ' bash --norc --noprofile -i"
	see 'ready>'
}

# Ends the tmux server, and the sessions of BELLBOOK_JOURNAL that a test left; their processes sweep behind themselves before they go.
end_sessions() {
	local session pid
	[ ! -S "$TMUX_TMPDIR/tmux-$(id -u)/$SOCKET" ] || tm kill-server
	for session in "$BELLBOOK_JOURNAL".run/*.sock; do
		[ -S "$session" ] || continue
		session=$(basename "$session" .sock)
		printf 'abort\nover\n' | timeout "$PATIENCE" "${WORLD[@]}" "$BELLBOOK" attach "$session" --plain >/dev/null || true
		pid=$("$BELLBOOK" log "$session" --format jsonl | grep -o '"process":{[^}]*"pid":[0-9]*' | grep -o '[0-9]*$' | tail -n 1)
		until_true has_ended "$pid"
	done
}

has_ended() { ! "${WORLD[@]}" kill -0 "$1" 2>/dev/null; }
