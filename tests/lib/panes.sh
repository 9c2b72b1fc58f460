# shellcheck shell=bash disable=SC2034
# panes.sh - screen.sh, and answers to what a walk asks; two Unix users. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later

# shellcheck source=tests/lib/screen.sh
. "$BATS_TEST_DIRNAME/../lib/screen.sh"

PAIR="$BATS_TEST_DIRNAME/../lib/pair.py"
ANN=61001 BEN=61002 TEAM=61000
AS_ANN=(setpriv --reuid "$ANN" --regid "$TEAM" --clear-groups)
AS_BEN=(setpriv --reuid "$BEN" --regid "$TEAM" --clear-groups)

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
	local now last='' shown deadline=$((SECONDS + 4 * PATIENCE))
	while [ $SECONDS -lt $deadline ]; do
		shown=$(screen "$1") # one picture for both: the end may come between two
		grep -q -- "${3:-^rc=}" <<<"$shown" && return 0
		[[ $shown != *'THE SESSION IS OVER'* ]] || end_read "$1"
		now=$(asked "$1")
		if [ -n "$now" ] && [ "$now" != "$last" ]; then
			last=$now
			screen "$1" >>"$BATS_TEST_TMPDIR/screens"
			case $now in
			*'Which version'*) type_in "$1" "$2" Enter ;;
			*'copy of the backup go'* | *'sha256sum say'*) type_in "$1" Enter ;;
			*) type_in "$1" 1 Enter ;;
			esac
		fi
		sleep 0.05
	done
	echo "still not seen: ${3:-^rc=}"
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
