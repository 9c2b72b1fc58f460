#!/usr/bin/env bats
# evening.bats - the whole upgrade in plain lines on servers as other people have them (tests/lib/evening.bash), with a disk that fills up twice. Nothing
# of it passes unseen, every way out that is offered leads on, and what is told afterwards is true. e2e/evening has the same in 80x24. Order matters: the
# second walk begins where the first one ends.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
PLAINLY="$BATS_TEST_DIRNAME/../lib/plainly.py"
# shellcheck source=tests/lib/evening.bash
. "$BATS_TEST_DIRNAME/../lib/evening.bash"

setup_file() {
	export BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	evening_up
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | cut -c1-400 | tail -n 60; }

has() { [[ $output == *"$1"* ]] || { echo "no \"$1\" in the transcript"; return 1; }; }

# How many lines end with it, behind their time.
times() { grep -cE -- "^[0-9:]{8} $1" <<<"$output" || true; }

@test "plain: a fork, split Sidekiq, REDIS_DB=1, sudo with a password, a shell that prints, a replica down, a full disk: seen, mended as said, walked, and told as it was" {
	local journal=$BATS_TEST_TMPDIR/journal text
	mkdir "$journal"
	"$FLEET" break disk app2
	BELLBOOK_JOURNAL=$journal/j.db run "$FLEET" exec python3 "$PLAINLY" "ask:sudo on=$PASSWORD@1" \
		'ask:“What runs, and where?” failed=skip@1' 'why=later' 'ask:“Do all services run and answer?” failed=enter 1@1' \
		'ask:“Do all services run and answer?” failed=retry@1' \
		'ask:“What runs, and where?” failed=retry@1'"!'$FLEET' mend disk app2" 'ask:Run step “Build the pages=go@1'"!'$FLEET' break disk app2" \
		'ask:assets” failed=retry@1'"!'$FLEET' mend disk app2" -- \
		"$BELLBOOK" run "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --set target=v4.6.5-glitch --plain
	[ "$status" -eq 0 ]
	has '35 of 35 steps over: closed, outcome ok.'
	# The password is asked for once, and not shown.
	[ "$(grep -c '^Type it; it is not shown and never stored.$' <<<"$output")" -eq 1 ]
	# The full disk is told as that, before anything else and in the middle; what the skipped look leaves out is named, and the way back to it.
	[ "$(times 'FAILED after .*: step 1, What runs, and where\?: app2: the disk is full: / \(0 KiB free\)\.')" -eq 2 ]
	has 'it needs what step “facts” (What runs, and where?) finds out (its value “site”), and that step was skipped: later.'
	has 'in plain lines: enter NUMBER'
	has "step 21, Build the pages' assets: 1 of 2 failed: app2: no space left on app2: the job was not started, as its output is kept in a file there first."
	for text in "${EVENING[@]}"; do has "$text"; done
	# Every warning of the looks stands once more where it is agreed on the upgrade, and at the end.
	[ "$(grep -c '^- Is the database healthy? db2, a replica, could not be looked at: ' <<<"$output")" -eq 2 ]
	[[ ${output##*Warnings of this walk:} == *'v4.6.6-glitch is out'*'2 Sidekiq processes serve the queue'* ]]
	# What a person types for the copy by hand fits who logs in.
	has "read -rs P"
	[[ $output =~ "printf '%s\n' \"\$P\" | ssh app1 \"sudo -S -p '' cat '/var/backups/mastodon/before-4.6.5-"[^\']+".dump'\" | tail -c "[0-9]+" >app1-before-4.6.5-" ]]
	# A step that is not on the chosen way says its title, why it is left out, and nothing of what it would do.
	[[ $output == *$'\n'"Step 24 of 35: Stop Mastodon (change)."$'\n'*"skipped: step 24, Stop Mastodon: the site stays up in the two-phase way."* ]]
	run ! grep -F 'The site goes down with this step' <<<"$output"
	# No control character of a text, nothing that a log-in shell printed in between.
	run ! grep -E '\^[A-Z[]|─|│|mind the noise|Welcome to' <<<"$output"
	evening_effects
	evening_account "$journal/j.db"
	tells '| 1 | facts | What runs, and where? | observe | ok | 3 |'
}

@test "plain: from there to the fork's next release, with a disk that fills up for good: the way back that is offered and told leads back, and nothing of the old release is missing" {
	local journal=$BATS_TEST_TMPDIR/journal host words
	mkdir "$journal"
	both standin effects clear
	BELLBOOK_JOURNAL=$journal/j.db run "$FLEET" exec python3 "$PLAINLY" "ask:sudo on=$PASSWORD@1" \
		'ask:Run step “Build the pages=go@1'"!'$FLEET' break disk app2" 'ask:assets” failed=back@1'"!'$FLEET' mend disk app2" -- \
		"$BELLBOOK" run "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --set target=v4.6.6-glitch --plain
	has "step 21, Build the pages' assets: 1 of 2 failed: app2: no space left on app2"
	has "closed, outcome aborted: stopped by "
	# What it says is to be typed, as it stands there.
	[[ $output =~ $'\n  bellbook run '(upgrade-back\ [^$'\n']*) ]]
	read -ra words <<<"${BASH_REMATCH[1]}"
	BELLBOOK_JOURNAL=$journal/j.db run "$FLEET" exec python3 "$PLAINLY" "ask:sudo on=$PASSWORD@1" -- "$BELLBOOK" run "${words[@]}" --plain
	[ "$status" -eq 0 ]
	has "from 4.6.5+glitch.ours ("
	has "The second part of the migration has not run"
	has "closed, outcome ok."
	run ! grep -F 'mind the noise' <<<"$output"
	for host in app1 app2; do
		[ "$("$FLEET" in $host runuser -u mastodon -- git -C $LIVE describe --tags)" = v4.6.5-glitch ]
		"$FLEET" in $host sh -c "grep -q 4.6.5 $LIVE/public/packs/.vite/manifest.json && grep -q 4.6.5 $LIVE/node_modules/.yarn-state.yml"
	done
	# Each unit that runs was started anew, and no other.
	[ "$(effects app1 | grep -oE 'systemctl (start|restart) .*' | cut -d' ' -f3 | sort -u)" = "mastodon-sidekiq-default
mastodon-sidekiq-federation
mastodon-sidekiq-mailers
mastodon-sidekiq-scheduler
mastodon-streaming
mastodon-web" ]
	[[ $("$FLEET" in app1 curl -s -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://127.0.0.1:3000/api/v2/instance) == *'"version":"4.6.5+glitch.ours"'* ]]
	run ! grep -raq "$PASSWORD" "$journal"
}
