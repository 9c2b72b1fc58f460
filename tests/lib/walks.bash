# shellcheck shell=bash disable=SC2154 # output and lines are of bats
# walks.bash - for bats files that walk runbooks on a practice fleet of their own: the walk, driven by rules, and looks at its transcript. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later

FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
DRIVE="$BATS_TEST_DIRNAME/../lib/drive.py"
# shellcheck disable=SC2034 # for the file that sources this
LIVE=/home/mastodon/live
# shellcheck source=tests/lib/standin.sh
. "$BATS_TEST_DIRNAME/../lib/standin.sh"

both() {
	local h
	for h in app1 app2; do "$FLEET" in "$h" "$@"; done
}

# What happened on the hosts so far is forgotten.
forget() { both standin effects clear; }

# walk BOOK [OPTION…], with the rules of RULES (one a line); the transcript is $output. BOOK: a file, or the name of one of ours.
walk() {
	local -a rules=()
	local book=$1
	[[ $book == */* ]] || book=$BATS_TEST_DIRNAME/../../runbooks/$book.lua
	[ -z "${RULES:-}" ] || mapfile -t rules <<<"$RULES"
	mkdir -p "$BATS_TEST_TMPDIR/journal"
	BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/journal/j.db run "$FLEET" exec python3 "$DRIVE" "${rules[@]}" -- "$BELLBOOK" run "$book" "${@:2}" --json
}

# upgrade VERSION [OPTION…]
upgrade() { walk upgrade --set "target=$1" "${@:2}"; }

has() { [[ $output == *"$1"* ]] || { echo "no \"$1\" in the transcript"; return 1; }; }

lacks() { [[ $output != *"$1"* ]] || { echo "there is \"$1\" in the transcript"; return 1; }; }

# The walk ended with this outcome.
closed() { [[ ${lines[-1]} == "CLOSED $1"* ]] || { echo "it ended as: ${lines[-1]}"; return 1; }; }
