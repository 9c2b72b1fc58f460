# shellcheck shell=bash disable=SC2034
# panes.sh - for tests in tmux: sees, types and answers in the terminals of one or more people; two Unix users. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SOCKET names the tmux server. WHO is a session of it; without one, it is the only session.

PAIR="$BATS_TEST_DIRNAME/../lib/pair.py"
ANN=61001 BEN=61002 TEAM=61000
AS_ANN=(setpriv --reuid "$ANN" --regid "$TEAM" --clear-groups)
AS_BEN=(setpriv --reuid "$BEN" --regid "$TEAM" --clear-groups)

tm() { tmux -L "$SOCKET" "$@"; }

# screen [WHO]
screen() { tm capture-pane -p ${1:+-t "$1"}; }

# type_in WHO KEY…: WHO may be empty.
type_in() {
	local who=$1
	shift
	tm send-keys ${who:+-t "$who"} "$@"
}

# Every screen, for somebody who reads why a test failed.
all_screens() {
	local who
	for who in $(tm list-sessions -F '#S'); do screen "$who"; done
}

# see [WHO] TEXT: waits until the screen shows a text.
see() {
	[ $# -gt 1 ] || set -- '' "$1"
	for _ in $(seq 400); do
		screen "$1" | grep -qF -- "$2" && return 0
		sleep 0.05
	done
	echo "never seen${1:+ by $1}: $2"
	all_screens
	return 1
}

# asked [WHO]: "STEP|FIRST LINE" of the question whose dialog takes keys now; nothing while there is none.
asked() {
	local text
	text=$(screen "$@")
	[[ $text == *" QUESTION "* && $text == *"Esc decides nothing"* && $text != *"wait ..."* ]] || return 0
	[[ $text =~ step\ ([0-9]+)/ ]] && printf '%s' "${BASH_REMATCH[1]}"
	grep -A1 ' QUESTION ' <<<"$text" | tail -1 | sed 's/^[^A-Z]*/|/; s/ *[^ ]*$//'
}

# answer_all WHO VERSION [PATTERN]: gives what the questions on the screen ask for, until it shows PATTERN (else: until
# the shell is back). Each screen with a question is kept in screens.
answer_all() {
	local now last='' deadline=$((SECONDS + 120))
	while [ $SECONDS -lt $deadline ]; do
		screen "$1" | grep -q -- "${3:-^rc=}" && return 0
		now=$(asked "$1")
		if [ -n "$now" ] && [ "$now" != "$last" ]; then
			last=$now
			screen "$1" >>"$BATS_TEST_TMPDIR/screens"
			case $now in
			*'Which version'*) type_in "$1" "$2" Enter ;;
			*) type_in "$1" 1 Enter ;;
			esac
		fi
		sleep 0.05
	done
	echo "after 120 s still not seen: ${3:-^rc=}"
	all_screens
	return 1
}

# as UID HOME: a shell of that user.
as() { echo "exec setpriv --reuid $1 --regid $TEAM --clear-groups env PS1='ready> ' HOME=$2 bash --norc --noprofile -i"; }

# team_folder FOLDER: makes it, for both users' journal.
team_folder() {
	mkdir "$1"
	python3 "$PAIR" sh -c "chown $ANN:$TEAM '$1' && chmod 2770 '$1'"
}
