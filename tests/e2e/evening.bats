#!/usr/bin/env bats
# evening.bats - the whole upgrade in a terminal of 80x24 on servers as other people have them (tests/lib/evening.bash), with a disk that fills up twice,
# answered by what the screen says alone. cli/evening has the same in plain lines.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
REPO="$BATS_TEST_DIRNAME/../.."
SOCKET=evening
# shellcheck source=tests/lib/panes.sh
. "$BATS_TEST_DIRNAME/../lib/panes.sh"
# shellcheck source=tests/lib/evening.bash
. "$BATS_TEST_DIRNAME/../lib/evening.bash"

setup_file() {
	export TMUX_TMPDIR=$BATS_FILE_TMPDIR BELLBOOK_JOURNAL=$BATS_FILE_TMPDIR/journal/j.db
	BELLBOOK=$(realpath "${BELLBOOK:-$REPO/build/release/bellbook}")
	export BELLBOOK
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	mkdir "$BATS_FILE_TMPDIR/journal"
	evening_up
}

teardown_file() { "$FLEET" down >&2; }

setup() {
	cd "$REPO" || return
	open_shell 80 24
}

teardown() { tm kill-server; }

keys() { type_in "" "$@"; }

# Until a dialog with this text takes keys.
box() {
	see "$1"
	until_true takes_keys "$1" || { all_screens; return 1; }
}

takes_keys() {
	local text
	text=$(screen)
	[[ $text == *"$1"* && $text == *"Esc decides nothing"* && $text != *"wait ..."* ]]
}

# The text of the dialog that is up, without its frame.
page() { screen | sed -n 's/^│ \(.*[^ ]\) *│$/\1/p'; }

# Which lines of it are seen.
lines_seen() { page | grep '^-- lines '; }

no_longer() { [ "$("$1")" != "$2" ]; }

no_wait() { ! screen | grep -q 'wait \.\.\.'; }

# All of its pages, in one line. Each key is seen to turn its page before the next is sent, or two of them would turn two.
whole_box() {
	local now text='' lines
	until_true no_wait
	while :; do
		now=$(page)
		text+=$now$'\n'
		[[ $now == *'PgDn shows'* ]] || break
		lines=$(lines_seen)
		keys PageDown
		until_true no_longer lines_seen "$lines" || { all_screens; return 1; }
	done
	grep -v -e '^-- lines ' -e 'Esc decides nothing' -e 'Esc closes' <<<"$text" | tr '\n' ' '
}

@test "80x24: a fork, split Sidekiq, REDIS_DB=1, sudo with a password, a shell that prints, a replica down, a full disk: seen, mended as said, walked, and told as it was" {
	local text warning
	"$FLEET" break disk app2
	keys "clear; $FLEET exec $BELLBOOK run upgrade --set target=v4.6.5-glitch; echo rc=\$?" Enter
	box 'asks secure for a password'
	keys "$PASSWORD" Enter
	# The full disk is the first thing that is said. Left out, what it keeps from being done says where to look, and leads back.
	box 'app2: the disk is full: / (0 KiB free)'
	keys 2 Enter
	box 'Why?'
	keys 'later' Enter
	box 'it needs what step “facts”'
	see 'Look there first: step 1, “What runs, and where?”, was skipped by root.'
	keys E
	box '1 go back to step 1'
	keys 1 Enter
	box 'app2: the disk is full: / (0 KiB free)'
	# By hand there, as the box says: what fills it is found and taken away.
	keys '!'
	box '2 a shell on app2'
	keys 2 Enter
	see 'secure@app2:~$'
	keys 'sudo du -xh --max-depth=3 / | sort -h | tail -n 4' Enter
	see 'password for secure:'
	keys "$PASSWORD" Enter
	see '/var/tmp'
	keys 'sudo rm /var/tmp/fleet-fill; exit' Enter
	see 'The shell on app2 is over, exit status 0'
	box 'app2: the disk is full'
	keys 1 Enter
	answer_all '' '' 'Are the release notes read'
	box 'Are the release notes read'
	text=$(whole_box)
	for warning in 'v4.6.6-glitch is out' 'db2, a replica, could not be looked at: ' 'Nobody reads the replication slot' '2 Sidekiq processes serve the queue'; do
		[[ $text == *"$warning"* ]] || { echo "not in the box: $warning"; echo "$text"; return 1; }
	done
	keys 1 Enter
	answer_all '' '' 'Run step “Build the pages'
	box 'Run step “Build the pages'
	"$FLEET" break disk app2
	keys 1 Enter
	box 'no space left on app2: the job was not started'
	"$FLEET" mend disk app2
	keys 1 Enter
	answer_all '' '' 'THE SESSION IS OVER'
	text=$(whole_box)
	for warning in '35 of 35 steps over: closed, outcome ok.' 'By the steps the site was never down.' 'v4.6.6-glitch is out' 'db2, a replica, could not be looked at: ' \
		'The copy of the backup was made by hand, and its digests were not' 'bellbook run upgrade-back --fleet'; do
		[[ $text == *"$warning"* ]] || { echo "not told at the end: $warning"; echo "$text"; return 1; }
	done
	end_read
	see 'rc=0'
	run ! grep -F "$PASSWORD" "$BATS_TEST_TMPDIR/screens"
	run ! grep -E '\^[A-Z[]|mind the noise' "$BATS_TEST_TMPDIR/screens"
	evening_effects
	evening_account "$BELLBOOK_JOURNAL"
}
