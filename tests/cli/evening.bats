#!/usr/bin/env bats
# evening.bats - the whole upgrade on servers as other people have them: a fork, Sidekiq in four units, another Redis database, sudo that wants a
# password, a login shell that prints, a replica that is down, a disk that fills up twice. Nothing of it passes unseen, and what is told afterwards is true.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
DRIVE="$BATS_TEST_DIRNAME/../lib/drive.py"
LIVE=/home/mastodon/live
# shellcheck source=tests/lib/standin.sh
. "$BATS_TEST_DIRNAME/../lib/standin.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	"$FLEET" up >&2
	both standin set pace 0
	other v4.6.5 v4.6.5-glitch "$GLITCH"
	other v4.6.6 v4.6.6-glitch "$GLITCH"
	both sh -c "printf '%s\n' MASTODON_VERSION_METADATA=ours REDIS_DB=1 >>$LIVE/.env.production"
	"$FLEET" in app2 systemctl restart mastodon-sidekiq
	"$FLEET" in app1 systemctl restart mastodon-web mastodon-streaming
	"$FLEET" setup app1 sidekiq-split
	# Whose sudo wants a password logs in everywhere, and its shell prints at each log-in.
	sed -i 's/^  User deploy/  User secure/' "$FLEET_STATE/ssh_config"
	local host
	# shellcheck disable=SC2016 # that shell expands it
	for host in app1 app2 db1; do "$FLEET" in $host sh -c 'echo "echo Welcome to \$(uname -n); echo mind the noise >&2" >>/home/secure/.bashrc'; done
	"$FLEET" break power db2
	"$FLEET" in app1 standin wait-web
	both standin effects clear
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | grep -v '^[<>] ' | cut -c1-400 | tail -n 60; }

has() { [[ $output == *"$1"* ]] || { echo "no \"$1\" in the transcript"; return 1; }; }

tells() { grep -qF -- "$1" "$BATS_TEST_TMPDIR/account" || { echo "the account does not tell: $1"; return 1; }; }

@test "a fork, split Sidekiq, REDIS_DB=1, sudo with a password, a shell that prints, a replica down, a full disk: seen, mended as said, walked, and told as it was" {
	local journal=$BATS_TEST_TMPDIR/journal
	mkdir "$journal"
	"$FLEET" break disk app2
	DRIVE_DETAILS=1 BELLBOOK_JOURNAL=$journal/j.db run "$FLEET" exec python3 "$DRIVE" secret=practice-only \
		"failure:facts=retry@1" "failure:facts=retry@1!'$FLEET' mend disk app2" \
		"step:assets=go@1!'$FLEET' break disk app2" "failure:assets=retry@1!'$FLEET' mend disk app2" -- \
		"$BELLBOOK" run "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --set target=v4.6.5-glitch --json
	[[ ${lines[-1]} == "CLOSED ok"* ]]
	# The password is asked for once.
	[ "$(grep -c '^? secret ' <<<"$output")" -eq 1 ]
	# The full disk is told as that, before anything else and in the middle.
	[ "$(grep -c '^STEP facts failed app2: the disk is full: / (0 KiB free)' <<<"$output")" -eq 2 ]
	has "STEP assets failed 1 of 2 failed: app2: no space left on app2: the job was not started"
	# What a person types for the copy by hand fits who logs in.
	has "read -rs P"
	[[ $output =~ "printf '%s\n' \"\$P\" | ssh app1 \"sudo -S -p '' cat '/var/backups/mastodon/before-4.6.5-"[^\']+".dump'\" | tail -c "[0-9]+" >app1-before-4.6.5-" ]]
	# Each unit that ran, and no other.
	[ "$(effects app1 | grep -E 'systemctl (stop|start) ' | sort -u)" = "systemctl start mastodon-sidekiq-default
systemctl start mastodon-sidekiq-federation
systemctl start mastodon-sidekiq-mailers
systemctl start mastodon-sidekiq-scheduler
systemctl stop mastodon-sidekiq-default
systemctl stop mastodon-sidekiq-federation
systemctl stop mastodon-sidekiq-mailers
systemctl stop mastodon-sidekiq-scheduler" ]
	local host
	for host in app1 app2; do [ "$(effects $host | grep -c '^assets:precompile v4.6.5')" -eq 1 ]; done
	[[ $("$FLEET" in app1 curl -s -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://127.0.0.1:3000/api/v2/instance) == *'"version":"4.6.5+glitch.ours"'* ]]
	# The account for those who were asleep, without the escapes of Markdown.
	BELLBOOK_JOURNAL=$journal/j.db "$BELLBOOK" log 1 --format md | sed 's/\\//g' >"$BATS_TEST_TMPDIR/account"
	tells '| 1 | facts | What runs, and where? | observe | ok | 3 |'
	tells 'app2: the disk is full: / (0 KiB free)'
	tells "| 21 | assets | Build the pages' assets | change | ok | 2 |"
	tells 'no space left on app2: the job was not started'
	tells 'Running: 4.5.15+ours.'
	tells 'From 4.5.15+ours to 4.6.5+glitch: a new series'
	tells 'v4.6.6-glitch is out'
	tells 'db2, a replica, could not be looked at: '
	tells 'Nobody reads the replication slot db2'
	tells '2 Sidekiq processes serve the queue “scheduler”; Mastodon wants exactly one.'
	tells 'app1: mastodon-sidekiq is disabled and off: it stays off.'
	tells "redis-cli --no-auth-warning -h 'db1' -p 6379 -n 1 --rdb"
	tells '| Downtime | none by the steps; asked from outside: '
	run ! grep -F 'mind the noise' "$BATS_TEST_TMPDIR/account"
	run ! grep -raq practice-only "$journal" "$BATS_TEST_TMPDIR/account"
}
