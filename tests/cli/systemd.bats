#!/usr/bin/env bats
# systemd.bats - practice hosts whose first process is systemd: units, faults and set-ups are real there, and nothing stays behind.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: each test leaves the host as installed.

# shellcheck disable=SC2016,SC2030,SC2031 # inner shells expand; settings are meant for one test
bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"
# shellcheck source=tests/lib/standin.sh
. "$BATS_TEST_DIRNAME/../lib/standin.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet FLEET_SYSTEMD=1 BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	"$FLEET" up >&2
}

teardown_file() { "$FLEET" down >&2; }

teardown() {
	[ -z "${output:-}" ] || echo "$output"
	[ -z "${OTHER:-}" ] || FLEET_STATE=$OTHER "$FLEET" down
}

need_systemd() { [[ $(<"$FLEET_STATE/systemd") == real:* ]] || skip "$(<"$FLEET_STATE/systemd")"; }

app1() { "$FLEET" in app1 "$@"; }

app2() { "$FLEET" in app2 "$@"; }

has() { [[ $output == *"$1"* ]] || { echo "no \"$1\""; return 1; }; }

has_not() { [[ $output != *"$1"* ]] || { echo "there is \"$1\""; return 1; }; }

shows() { app1 systemctl show -p "$2" --value "$1"; }

# The site as members get it, never from a cache: what nginx answers to a post without a signature.
posts() { [ "$(app1 curl -s -o /dev/null -m 5 -w '%{http_code}' -X POST -H 'Host: social.practice.test' http://127.0.0.1/inbox)" = "$1" ]; }

units() { app1 systemctl list-units --all --plain --no-legend 'mast*' 'sidekiq*' | awk '{ print $1, $2, $3, $4 }'; }

listeners() { app1 ss -Hltnx | awk '{ print $4 $5 }'; }

@test "systemd is the first process of the app hosts, and status says so" {
	need_systemd
	run "$FLEET" status
	has "is process 1 of app1 and app2"
	[ "$(app1 cat /proc/1/comm)" = systemd ]
	[ "$(app2 systemctl is-system-running)" = running ]
	[ "$("$FLEET" in db1 cat /proc/1/comm)" != systemd ]
}

@test "the web is Puma in its unit, with its workers; it loads anew without refusing anybody" {
	need_systemd
	local pid
	pid=$(shows mastodon-web MainPID)
	run app1 systemctl status mastodon-web
	has "Main PID: $pid (puma)"
	has "puma: cluster worker 1: $pid [live]"
	run app1 journalctl -u mastodon-web -o cat
	has "Restarts: (✔) hot (✖) phased"
	has "Worker 1 (PID: "
	app1 systemctl reload mastodon-web
	inherited() { app1 journalctl -u mastodon-web -o cat | grep -qF '* Inherited tcp://127.0.0.1:3000'; }
	until_true inherited
	posts 401
	[ "$(shows mastodon-web MainPID)" = "$pid" ]
}

@test "a killed Puma is started again and counted; restarted by hand the count is 0" {
	need_systemd
	local pid
	pid=$(shows mastodon-web MainPID)
	run "$FLEET" break kill app1
	has "app1: mastodon-web killed (pid $pid)"
	until_true posts 401
	[ "$(shows mastodon-web NRestarts)" = 1 ]
	run app1 journalctl -u mastodon-web -o cat
	has "Main process exited, code=killed, status=9/KILL"
	app1 systemctl restart mastodon-web
	[ "$(shows mastodon-web NRestarts)" = 0 ]
	until_true posts 401
	run "$FLEET" break kill app1 no-such
	[ "$status" -eq 1 ]
	has "no-such has no main process"
}

@test "out of memory: the biggest goes, and Puma replaces its worker" {
	need_systemd
	local pid
	pid=$(shows mastodon-web MainPID)
	run "$FLEET" break oom app1 'cluster worker'
	has "killed for its memory"
	until_true posts 401
	[ "$(shows mastodon-web MainPID)" = "$pid" ]
	[ "$(shows mastodon-web NRestarts)" = 0 ]
}

@test "a web that cannot boot is called active for ever, only its count grows" {
	need_systemd
	"$FLEET" setup app1 web-looping
	more() { [ "$(shows mastodon-web NRestarts)" -gt 4 ]; }
	until_true more
	[[ $(app1 systemctl is-active mastodon-web) == activ* ]]
	run app1 journalctl -u mastodon-web -o cat -n 40
	has "! Unable to load application: NoMethodError: undefined method 'fetch' for nil:NilClass"
	has_not "Start request repeated too quickly"
	posts 502
	"$FLEET" setup app1 plain
	posts 401
}

@test "a web that dies while it boots is told as that before a walk, and not as one that uses another database" {
	need_systemd
	"$FLEET" setup app1 web-looping
	dies_on() { [ "$(shows mastodon-web NRestarts)" -gt 4 ]; }
	until_true dies_on
	BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db run "$FLEET" exec python3 "$BATS_TEST_DIRNAME/../lib/drive.py" -- "$BELLBOOK" run "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --set target=4.5.15 --json
	"$FLEET" setup app1 plain
	# It may be seen between two starts, too: both are said as they are.
	[[ $output == *"on app1 the web does not answer, so that its connections do not tell"* || $output == *"No web process runs"* ]]
	has "app1: mastodon-web does not stay up"
	has "undefined method 'fetch' for nil:NilClass"
	has_not "none of them leads there"
	posts 401
}

@test "Puma itself says what it cannot read" {
	need_systemd
	app1 chmod 0 /home/mastodon/live/config/puma.rb
	app1 systemctl restart mastodon-web
	said() { app1 journalctl -u mastodon-web -o cat -n 60 | grep -q 'Permission denied.*config/puma.rb (Errno::EACCES)'; }
	until_true said
	posts 502
	app1 chmod 644 /home/mastodon/live/config/puma.rb
	app1 systemctl reset-failed mastodon-web
	app1 systemctl start mastodon-web
	until_true posts 401
}

@test "a full disk ends no service" {
	need_systemd
	"$FLEET" break disk app1
	posts 401
	app1 systemctl restart mastodon-streaming
	[ "$(app1 systemctl is-active mastodon-streaming@4000)" = active ]
	"$FLEET" mend disk app1
	until_true posts 401
}

@test "power loss: what is enabled comes up again, the journal of the boot before is there" {
	need_systemd
	local before
	before=$(app1 cat /proc/sys/kernel/random/boot_id)
	"$FLEET" setup app1 sidekiq-split
	"$FLEET" break power app1
	"$FLEET" mend power app1
	[ "$(app1 cat /proc/sys/kernel/random/boot_id)" != "$before" ]
	until_true posts 401
	run units
	has "mastodon-sidekiq-mailers.service loaded active running"
	has_not "mastodon-sidekiq.service"
	[[ $(app1 journalctl -b -1 -u mastodon-web -o cat) == *"Puma starting in cluster mode"* ]]
	"$FLEET" setup app1 plain
}

# Every set-up that there is, twice over: it is made, it works, and the next one begins as installed.
@test "set-ups: services of other shapes, all of them working" {
	need_systemd
	"$FLEET" setup app1 sidekiq-split masked
	[ "$(app1 systemctl is-enabled mastodon-sidekiq)" = masked ]
	"$FLEET" setup app1 sidekiq-template fasp mailers
	run units
	has "mastodon-sidekiq@push.service loaded active running"
	has_not "@mailers"
	"$FLEET" setup app1 sidekiq-extra
	run units
	has "sidekiq-default.service loaded active running"
	has "mastodon-sidekiq.service loaded active running"
	"$FLEET" setup app1 sidekiq-by-hand
	by_hand() { app1 sh -c 'cat /proc/[0-9]*/cgroup' | grep -q session-77.scope; }
	until_true by_hand
	"$FLEET" setup app1 ghost
	run ! by_hand
	run units
	has "mastodon-sidekiq-old.service not-found inactive dead"
	"$FLEET" setup app1 plain
	run units
	[ "$(grep -c . <<<"$output")" = 4 ]
}

@test "set-ups: the web and streaming elsewhere" {
	need_systemd
	"$FLEET" setup app1 web-two
	run listeners
	has 127.0.0.1:3001
	"$FLEET" setup app1 web-unix
	run listeners
	has /home/mastodon/live/tmp/sockets/puma.sock
	has_not 127.0.0.1:3000
	"$FLEET" setup app1 web-address
	run listeners
	has 127.0.0.2:3100
	"$FLEET" setup app1 streaming-three
	run listeners
	has 127.0.0.1:4002
	"$FLEET" setup app1 streaming-off
	run units
	has_not "streaming@4000.service loaded active"
	"$FLEET" setup app1 other-names
	run units
	has "masto-web.service loaded active running"
	has_not mastodon-web
	"$FLEET" setup app1 plain
	run listeners
	has 127.0.0.1:3000
	has_not 127.0.0.1:4001
}

@test "set-ups: behind the socket unit a restart refuses nobody" {
	need_systemd
	"$FLEET" setup app1 web-socket
	app1 systemctl restart --no-block mastodon-web
	for _ in 1 2 3 4 5 6 7 8; do posts 401; done
	run app1 journalctl -u mastodon-web -o cat
	has "* Activated tcp://127.0.0.1:3000"
	"$FLEET" setup app1 plain
}

@test "a web behind a socket unit stays down when it was stopped, whoever comes; socket and web are started again" {
	need_systemd
	mkdir -p "$BATS_TEST_TMPDIR/runbooks" "$BATS_TEST_TMPDIR/journal"
	ln -s "$BATS_TEST_DIRNAME/../../runbooks/lib" "$BATS_TEST_TMPDIR/runbooks/lib"
	cp "$BATS_TEST_DIRNAME/../lib/restarts.lua" "$BATS_TEST_TMPDIR/runbooks/"
	"$FLEET" setup app1 web-socket
	BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/journal/j.db run "$FLEET" exec python3 "$BATS_TEST_DIRNAME/../lib/drive.py" \
		"manual:between=done!! '$FLEET' in app1 curl -sf -m 5 -o /dev/null http://127.0.0.1:3000/health" -- "$BELLBOOK" run "$BATS_TEST_TMPDIR/runbooks/restarts.lua" --set way=stop --json
	has "CLOSED ok"
	has "systemctl stop 'mastodon-web.socket' 'mastodon-web'"
	has_not "RUNS app1: mastodon-web"
	has "systemctl start 'mastodon-web.socket' && systemctl restart 'mastodon-web'"
	[ "$(shows mastodon-web.socket ActiveState)" = active ]
	posts 401
	"$FLEET" setup app1 plain
}

@test "what is no set-up is refused with the list, and a host without the service too" {
	run "$FLEET" setup app1 everything
	[ "$status" -eq 2 ]
	has "there are: plain sidekiq-split"
	run "$FLEET" setup app2 web-two
	[ "$status" -eq 2 ]
	has "this host has no web"
}

@test "the upgrade is walked on it: each service is restarted once, by the walk alone, and serves the new release" {
	need_systemd
	local h
	for h in app1 app2; do
		"$FLEET" in "$h" standin set pace 0.1
		"$FLEET" in "$h" standin effects clear
	done
	app1 systemctl restart mastodon-web mastodon-streaming # the counts begin anew
	until_true posts 401
	"$FLEET" in app1 standin effects clear
	app1 env STANDIN_UNCOUNTED=1 systemctl reset-failed # what a test does to a host is no effect
	BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db run "$FLEET" exec python3 "$BATS_TEST_DIRNAME/../lib/drive.py" -- \
		"$BELLBOOK" run "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --set target=4.6.5 --json
	has "CLOSED ok"
	[ "$(effects app1 | grep ^systemctl)" = "systemctl kill -s TSTP mastodon-sidekiq
systemctl restart mastodon-web
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq
systemctl restart mastodon-streaming" ]
	[ "$(effects app2 | grep ^systemctl)" = "systemctl kill -s TSTP mastodon-sidekiq
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq" ]
	[ "$(effects app1 | grep -c ^migrate)" = 5 ]
	for h in mastodon-web mastodon-streaming@4000 mastodon-sidekiq; do [ "$h $(shows "$h" NRestarts)" = "$h 0" ]; done
	run app1 journalctl -u mastodon-sidekiq -o cat
	has "Received TSTP, no longer accepting new work"
	has "sidekiq.service: Deactivated successfully."
	[[ $(app1 curl -s -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://127.0.0.1:3000/api/v2/instance) == *'"version":"4.6.5"'* ]]
}

# The fleet's own directories in the kernel's hierarchy of groups.
# shellcheck source=tests/fleet/lib/systemd.sh
groups_of() { (STATE=$BATS_TEST_TMPDIR . "$BATS_TEST_DIRNAME/../fleet/lib/systemd.sh" && with_cgroups find "$(dirname "./$1")" -maxdepth 1 -name "$(basename "$1")"); }

@test "a fleet that is down, or was killed, leaves no group of processes behind" {
	need_systemd
	local first second
	OTHER=$BATS_TEST_TMPDIR/other
	export FLEET_STATE=$OTHER
	"$FLEET" up
	first=$(<"$OTHER/cgroup")
	[ -n "$(groups_of "$first")" ]
	kill -KILL "$(<"$OTHER/outer")"
	"$FLEET" up
	second=$(<"$OTHER/cgroup")
	[ -z "$(groups_of "$first")" ]
	"$FLEET" down
	[ -z "$(groups_of "$second")" ]
	[ ! -e "$OTHER" ]
}

@test "where systemd does not come up there is the stand-in, and it says why; set-ups work there too" {
	need_systemd
	OTHER=$BATS_TEST_TMPDIR/other
	export FLEET_STATE=$OTHER FLEET_SYSTEMD=/bin/false
	run "$FLEET" up
	has "app1 and app2 have a stand-in for systemd and Puma: it did not come up on app2"
	run "$FLEET" status
	has "have a stand-in for systemd and Puma"
	[[ $(app1 cat /proc/1/comm) == bash ]]
	[ "$(app1 systemctl is-active mastodon-web)" = active ]
	"$FLEET" setup app1 sidekiq-split
	run units
	has "mastodon-sidekiq-mailers.service loaded active running"
	"$FLEET" setup app1 web-unix
	posts 401
	"$FLEET" setup app1 ghost
	run units
	has "mastodon-sidekiq-old.service not-found inactive dead"
	run "$FLEET" setup app1 web-socket
	[ "$status" -eq 4 ]
	has "needs systemd as process 1"
	"$FLEET" setup app1 plain
	posts 401
}
