#!/usr/bin/env bats
# webs.bats - several webs behind a proxy are started anew one after the other, and nobody is refused or waits; who would be missed is
# only loaded anew.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	"$FLEET" up >&2
	both standin set pace 1 # a boot must last long enough to be missed
	"$FLEET" setup app1 web-two
	# As nginx does when nobody told it otherwise: who refused is left out for ten seconds.
	"$FLEET" in app1 sed -i 's/ fail_timeout=0//g' /etc/nginx/nginx.conf
	"$FLEET" in app1 nginx -s reload
	mkdir "$BATS_FILE_TMPDIR/runbooks"
	ln -s "$BATS_TEST_DIRNAME/../../runbooks/lib" "$BATS_FILE_TMPDIR/runbooks/lib"
	cp "$BATS_TEST_DIRNAME/../lib/restarts.lua" "$BATS_FILE_TMPDIR/runbooks/"
}

teardown_file() { "$FLEET" down >&2; }

teardown() {
	[ -z "${MEMBERS-}" ] || kill "$MEMBERS" 2>/dev/null || true
	[ -z "${output:-}" ] || echo "$output" | cut -c1-600 | tail -n 60
}

# again: the walk, after what happened before is forgotten.
again() {
	forget
	DRIVE_COMMANDS=1 walk "$BATS_FILE_TMPDIR/runbooks/restarts.lua" --set way=spare
}

# What the question of the step lists for app1.
listed() { sed -n '/^? step again/,/^= /p' <<<"$output" | sed -n 's/^  \$ app1 //p'; }

# Members post through the proxy as long as it lasts; what they are answered, and how long that took, is in answers. MEMBERS is who does.
members_post() {
	"$FLEET" in app1 sh -c 'while :; do curl -s -m 30 -o /dev/null -w "%{http_code} %{time_total}\n" -X POST -H "Host: social.practice.test" -d "{}" http://127.0.0.1/inbox; sleep 0.05; done' \
		>"$BATS_TEST_TMPDIR/answers" 3>&- &
	MEMBERS=$!
	until_true [ -s "$BATS_TEST_TMPDIR/answers" ]
}

@test "two webs behind the proxy: each is restarted while the other serves, the second when the first has its requests again; nobody is refused or waits" {
	members_post
	again
	kill "$MEMBERS"
	closed ok
	[ "$(listed)" = "systemctl restart 'mastodon-web@3000'
systemctl restart 'mastodon-web@3001'" ]
	is app1 "systemctl restart mastodon-web@3000
systemctl restart mastodon-web@3001"
	has "mastodon-web@3000 on app1 works again, and the proxy gives it requests."
	[ "$(wc -l <"$BATS_TEST_TMPDIR/answers")" -gt 10 ]
	run ! grep -v '^401 ' "$BATS_TEST_TMPDIR/answers"
}

@test "one that the proxy gives no requests is no help: the other is only loaded anew, and it is said why" {
	"$FLEET" in app1 sed -i 's/server 127.0.0.1:3001;//' /etc/nginx/nginx.conf
	"$FLEET" in app1 nginx -s reload
	again
	closed ok
	[ "$(listed)" = "systemctl reload 'mastodon-web@3000'
systemctl restart 'mastodon-web@3001'" ]
	is app1 "systemctl reload mastodon-web@3000
systemctl restart mastodon-web@3001"
	has "mastodon-web@3001 on app1: none of the requests to "
}

@test "one web alone is only loaded anew, also where it listens on a socket or at an address of its own" {
	local where
	for where in web-unix "web-address 127.0.0.2:3100" plain; do
		# shellcheck disable=SC2086 # a set-up and its argument
		"$FLEET" setup app1 $where
		again
		closed ok
		is app1 "systemctl reload mastodon-web"
		rm -r "$BATS_TEST_TMPDIR/journal"
	done
}
