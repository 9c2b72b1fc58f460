#!/usr/bin/env bats
# practice.bats - a newcomer's walk: the whole upgrade on the practice fleet in a terminal, answering only what the screen says.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: the first test walks 4.5.15 to 4.6.5 in the live view, the second goes on to 4.6.6 in the plain view.

bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
REPO="$BATS_TEST_DIRNAME/../.."
SOCKET=practice
# shellcheck source=tests/lib/panes.sh
. "$BATS_TEST_DIRNAME/../lib/panes.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet
	export BELLBOOK_JOURNAL=$BATS_FILE_TMPDIR/j.db
	export TMUX_TMPDIR=$BATS_FILE_TMPDIR
	BELLBOOK=$(realpath "${BELLBOOK:-$REPO/build/release/bellbook}")
	export BELLBOOK
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	"$FLEET" up >&2
	"$FLEET" in app1 standin set pace 0
	"$FLEET" in app2 standin set pace 0
}

teardown_file() { "$FLEET" down >&2; }

setup() {
	cd "$REPO" || return
	open_shell 80 24
}

teardown() { tm kill-server; }

keys() { type_in "" "$@"; }

version() { "$FLEET" in app1 git -c safe.directory='*' -C /home/mastodon/live describe --tags; }

@test "live: the whole upgrade, left and come back to, with a failure on the way" {
	"$FLEET" in app1 standin fail assets-oom
	keys "clear; $FLEET exec $BELLBOOK run upgrade; echo rc=\$?" Enter
	see 'Which version do you upgrade to? 4.5.15 runs'
	see 'step 3/35'
	see '4.6.6: the newest of the next series'
	see 'Enter sends'
	keys 4.6.5 Enter
	see 'Are the release notes read'
	see 'r: record so far'
	keys r
	see 'Compared afterwards'	# what the steps before found
	keys Escape
	see 'Are the release notes read'
	# What the screen offers: help finds by word and runs, a finished step is looked at, and back.
	see 'r: record so far'
	keys '?' 'look at a step'
	see ':step'
	keys Escape
	see 'Are the release notes read'
	see 'r: record so far'
	keys Escape
	see 'Nothing was decided'
	keys ':step 1' Enter
	see 'What runs, and where? (observe)'
	see '= back to now'
	keys '='
	see 'Agree on the upgrade (manual)'
	keys q
	see 'rc=3'
	see 'Come back with'
	keys "clear; $FLEET exec $BELLBOOK attach; echo rc=\$?" Enter
	see 'Are the release notes read'
	# The assets of app1 fail until somebody gives it memory; the screen says what failed, and where.
	for _ in $(seq $((10 * PATIENCE))); do
		screen | grep -q 'What now' && break
		case $(asked) in
		'') ;;
		*'copy of the backup go'* | *'sha256sum say'*) keys Enter ;;
		*) keys 1 Enter ;;
		esac
		sleep 0.1
	done
	see 'the assets could not be built'
	see 'FAIL'
	see 'r: record so far'
	"$FLEET" in app1 standin mend assets-oom
	answer_all '' 4.6.5
	see 'rc=0'
	told 'closed, outcome ok'
	told 'skipped: step 24'
	[ "$(version)" = v4.6.5 ]
	# Every question was seen, and no text's own line ends.
	[ "$(grep -c ' QUESTION ' "$BATS_TEST_TMPDIR/screens")" -ge 6 ]
	run ! grep -F '^J' "$BATS_TEST_TMPDIR/screens"
}

@test "plain: a patch upgrade, line by line" {
	local text last deadline=$((SECONDS + 4 * PATIENCE))
	tm resize-window -x 100 -y 200
	keys "clear; $FLEET exec $BELLBOOK run upgrade --plain; echo rc=\$?" Enter
	see 'Which version'
	# Whenever the last line is the prompt, the last question gets its answer.
	while [ $SECONDS -lt $deadline ]; do
		text=$(screen | grep -v '^$')
		! grep -q '^rc=' <<<"$text" || break
		if [ "$(tail -1 <<<"$text")" = '>' ]; then
			last=$(grep '^Question' <<<"$text" | tail -1)
			case $last in
			*'Which version'*) keys 4.6.6 Enter ;;
			*'copy of the backup go'* | *'sha256sum say'*) keys Enter ;;
			*'release notes'*)
				# A newcomer looks back before saying yes.
				if ! grep -q '^State: ok' <<<"$text"; then
					keys 'record' Enter
					keys 'step 9' Enter
				else
					keys 1 Enter
				fi
				;;
			*) keys 1 Enter ;;
			esac
		fi
		sleep 0.1
	done
	see 'rc=0'
	see 'closed, outcome ok'
	[ "$(version)" = v4.6.6 ]
	tm capture-pane -p -J -S -2000 >"$BATS_TEST_TMPDIR/all"
	grep '^Step 13 of 35: ' "$BATS_TEST_TMPDIR/all"
	grep -F 'WARNING: app1' "$BATS_TEST_TMPDIR/all"
	# No control character of a text, and nothing of ours that is not a line.
	run ! grep -E '\^J|─|│' "$BATS_TEST_TMPDIR/all"
	# A step by hand is explained once, looks around a step in one line, and looking back shows what was found.
	[ "$(grep -c 'Read the release notes of' "$BATS_TEST_TMPDIR/all")" -eq 1 ]
	[ "$(grep -c 'Compared afterwards' "$BATS_TEST_TMPDIR/all")" -ge 2 ]
	grep -F 'Remember what must not change (observe).' "$BATS_TEST_TMPDIR/all"
	[ "$(grep -c 'Looks how it is now' "$BATS_TEST_TMPDIR/all")" -le 40 ]
	[ "$(grep -vc '^$' "$BATS_TEST_TMPDIR/all")" -lt 1400 ]
}
