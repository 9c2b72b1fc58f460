#!/usr/bin/env bats
# troubles.bats - what happens in the middle of an upgrade and is mended there: a disk that fills while JavaScript and assets are made, Redis that stops
# while Sidekiq's jobs are waited for; a web at an address of its own; streaming that is off on one host stays off; who stops behind “quiet” is told what that leaves, and the way back
# takes it away.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: the first walk goes to 4.6.5, the second from there.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	"$FLEET" up >&2
	both standin set pace 0
	# The web is not where the guide has it.
	"$FLEET" setup app1 web-address
	# FFmpeg as Debian writes it, and one built from git.
	"$FLEET" in app1 standin set ffmpeg 7.1.1-0+deb13u1
	"$FLEET" in app2 standin set ffmpeg N-118193-g358fdf3083
	# app2 has streaming, too, and it is switched off.
	"$FLEET" in app2 sh -ec "cp $LIVE/dist/mastodon-streaming*.service /etc/systemd/system/; systemctl daemon-reload"
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | grep -v '^[<>] ' | cut -c1-400 | tail -n 60; }

redis() { "$FLEET" in db1 redis-cli "$@"; }

# Shell text: the disk of app2 is filled once that runs there.
fill() { printf '%s' "until '$FLEET' in app2 pgrep -f '[m]ain.py .*$1' >/dev/null; do sleep 0.1; done; '$FLEET' break disk app2"; }

@test "the disk of app2 fills while yarn and vite work, Redis stops during the drain: each is named, and gone on from; streaming stays off where it is" {
	local room="'$FLEET' mend disk app2; '$FLEET' in app2 standin mend"
	# A member posts, and whoever takes the job needs long for it.
	cat >"$BATS_TEST_TMPDIR/work" <<-E
		for host in app1 app2; do
			'$FLEET' in \$host standin fail sidekiq-long-job 900
			'$FLEET' in \$host standin set pace 1
		done
		'$FLEET' in app1 sh -c 'curl -sf -o /dev/null -H "Host: social.practice.test" -H "X-Forwarded-Proto: https" -H "Authorization: Bearer \$(standin token bob)" -d status=x http://127.0.0.2:3100/api/v1/statuses'
		until '$FLEET' in db1 redis-cli eval 'local n = 0; for _, p in ipairs(redis.call("smembers", "processes")) do n = n + (redis.call("hget", p, "busy") or 0) end; return n' 0 | grep -q '[1-9]'; do sleep 0.1; done
	E
	RULES="step:yarn=go@1!'$FLEET' in app2 standin fail disk-fills
seen:> yarn app2 yarn install=x@1!$(fill "yarn install")
failure:yarn=retry@1!$room
step:assets=go@1!'$FLEET' in app2 standin fail disk-fills
seen:> assets app2 mkdir -p tmp/bellbook && echo begun=x@1!$(fill assets:precompile)
failure:assets=retry@1!$room
step:quiet=go@1!bash '$BATS_TEST_TMPDIR/work'
seen:waiting for Sidekiq's jobs=x@1!'$FLEET' in db1 redis-cli shutdown nosave
failure:quiet=retry@1!'$FLEET' in app1 standin mend; '$FLEET' in app2 standin mend; '$FLEET' in db1 sh -c 'cd /; runuser -u redis -- redis-server /etc/redis/redis.conf'" upgrade v4.6.5
	closed ok
	has "app2: mastodon-streaming is disabled and off: it stays off."
	has "app2: FFmpeg is there, but tells no number as its version; at least 5.1 is wanted"
	[[ $output != *"app1: FFmpeg"* ]]
	# What the programs said of it may be lost with the disk (tests/lib/reason.lua has what is said then).
	[[ $output == *"STEP yarn failed 1 of 2 failed:"*"app2: yarn install failed:"*"? failure yarn"*"STEP yarn ok"* ]] || { echo "yarn: not failed on app2"; return 1; }
	[[ $output == *"STEP assets failed 1 of 2 failed:"*"app2: the assets could not be built:"*"? failure assets"*"STEP assets ok"* ]] || { echo "assets: not failed on app2"; return 1; }
	[[ $output =~ "STEP quiet failed "[^$'\n']*"Could not connect to Redis at db1:6379" ]]
	run effects app2
	[[ $output != *streaming* ]]
	[ "$("$FLEET" in app2 systemctl is-active mastodon-streaming)" = inactive ]
}

@test "who stops behind “quiet” is told what that leaves, and the way back starts Sidekiq with the old code" {
	RULES="step:web=abort" upgrade v4.6.6
	closed aborted
	has "Whoever stops before that leaves them there: the runbook upgrade-back starts it with the old code."
	# At the end, too, for who comes to it later.
	run env BELLBOOK_JOURNAL="$BATS_TEST_TMPDIR/journal/j.db" "$BELLBOOK" log 1 --format md
	has "Sidekiq takes no new jobs from now on"
	# A job that comes now waits, until the way back was walked.
	# shellcheck disable=SC2016 # expanded on the host
	"$FLEET" in app1 sh -c 'curl -sf -o /dev/null -H "Host: social.practice.test" -H "X-Forwarded-Proto: https" -H "Authorization: Bearer $(standin token bob)" -d status=waits http://127.0.0.2:3100/api/v1/statuses'
	[ "$(redis llen queue:push)" -ge 1 ]
	walk upgrade-back
	closed ok
	none_waits() { [ "$(redis llen queue:push)" -eq 0 ]; }
	until_true none_waits
	[[ $("$FLEET" in app1 curl -s -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://127.0.0.2:3100/api/v2/instance) == *'"version":"4.6.5"'* ]]
	[ "$("$FLEET" in app2 systemctl is-active mastodon-streaming)" = inactive ]
}
