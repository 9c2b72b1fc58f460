#!/usr/bin/env bats
# fleet.bats - the practice fleet: it comes up, every login works, every fault is real and can be taken back, nothing stays.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Has a fleet of its own, so that faults disturb nobody. Hosts without services, but for the tests that ask for them.

# shellcheck disable=SC2016,SC2030,SC2031 # inner shells expand; settings are meant for one test
bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet FLEET_SERVICES=no FLEET_DISK=64m
	"$FLEET" up >&2
}

teardown_file() {
	"$FLEET" down >&2
}

teardown() {
	[ -z "${OTHER:-}" ] || FLEET_STATE=$OTHER "$FLEET" down
}

tier() { cat "$FLEET_STATE/tier"; }

need_namespaces() { [ "$(tier)" != loopback ] || skip "tier loopback: no $1"; }

# ssh from the ops side, as a script would.
ops_ssh() { timeout "$PATIENCE" "$FLEET" exec ssh -F "$FLEET_STATE/ssh_config" -o BatchMode=yes -o ConnectTimeout="${CONNECT:-$PATIENCE}" "$@"; }

@test "up twice is one fleet, and says so" {
	run "$FLEET" up
	[ "$status" -eq 0 ]
	[[ $output == "fleet: is up "* ]]
}

@test "status names the tier and every host" {
	run "$FLEET" status
	[ "$status" -eq 0 ]
	[[ $output == *"tier $(tier):"* ]]
	for h in ops app1 app2 db1 db2 search1; do [[ $output == *"$h "*"answers"* ]]; done
}

@test "every host answers with its own name" {
	for h in app1 app2 db1 db2 search1; do [ "$(ops_ssh "$h" hostname)" = "$h" ]; done
}

@test "RSA key, jump and chain of jumps lead in" {
	[ "$(ops_ssh rsa-app1 hostname)" = app1 ]
	[ "$(ops_ssh jump-db1 hostname)" = db1 ]
	[ "$(ops_ssh chain-db2 hostname)" = db2 ]
}

@test "a host that known_hosts does not know is refused" {
	run ops_ssh unknown-app2 true
	[ "$status" -eq 255 ]
	[[ $output == *"Host key verification failed"* ]]
}

@test "password, keyboard-interactive and an encrypted key lead in" {
	need_namespaces "password logins"
	command -v sshpass >/dev/null || skip "sshpass is not installed"
	ssh=("$FLEET" exec sshpass -p practice-only ssh -F "$FLEET_STATE/ssh_config")
	[ "$("${ssh[@]}" -o PreferredAuthentications=password pw-app1 id -un)" = pwlogin ]
	[ "$("${ssh[@]}" -o PreferredAuthentications=keyboard-interactive pw-app1 id -un)" = pwlogin ]
	[ "$("$FLEET" exec sshpass -P passphrase -p practice-only ssh -F "$FLEET_STATE/ssh_config" enc-app1 id -un)" = deploy ]
}

@test "sudo is free for deploy, and asks secure for the password" {
	need_namespaces sudo
	[ "$(ops_ssh app1 sudo -n id -un)" = root ]
	[ "$(ops_ssh app1 sudo -n -u mastodon id -un)" = mastodon ]
	run ops_ssh secure-app1 sudo -n id -un
	[ "$status" -ne 0 ]
	[ "$(echo practice-only | ops_ssh secure-app1 "sudo -S -p '' id -un" 2>/dev/null)" = root ]
	run ops_ssh secure-app1 "echo wrong | sudo -S id -un"
	[ "$status" -ne 0 ]
}

@test "a host has its own files, and /usr is not one of them" {
	need_namespaces "files of its own"
	ops_ssh app1 "echo here >/tmp/mark"
	run ops_ssh app2 "cat /tmp/mark"
	[ "$status" -ne 0 ]
	[ ! -e /tmp/mark ]
	run ops_ssh app1 "sudo touch /usr/bin/mark"
	[[ $output == *"Read-only file system"* ]]
	ops_ssh app1 "sudo touch /usr/local/bin/mark"
}

@test "exec keeps directory, files and exit status, and gives the fleet file" {
	cd "$BATS_TEST_TMPDIR"
	run "$FLEET" exec sh -c 'pwd; test -r "$BELLBOOK_SSH_CONFIG" && test -r "$BELLBOOK_FLEET" && exit 7'
	[ "$status" -eq 7 ]
	[ "${lines[0]}" = "$BATS_TEST_TMPDIR" ]
}

@test "host names resolve on the ops side" {
	need_namespaces "host names"
	[ "$("$FLEET" exec hostname)" = ops ]
	[[ $("$FLEET" exec getent hosts social.practice.test) == 10.77.0.11* ]]
}

@test "in enters a host without ssh" {
	[ "$("$FLEET" in db1 hostname)" = db1 ]
	run "$FLEET" in nowhere true
	[ "$status" -eq 1 ]
	[[ $output == *'no host "nowhere"'* ]]
}

@test "env can be evaluated" {
	(
		unset BELLBOOK_FLEET
		eval "$("$FLEET" env)"
		[ "$BELLBOOK_FLEET" = "$FLEET_STATE/fleet.lua" ]
	)
}

@test "link: down is silence, up is back at once" {
	need_namespaces "link faults"
	"$FLEET" break link app1
	"$FLEET" break link app1
	CONNECT=2 run ops_ssh app1 true
	[ "$status" -eq 255 ]
	[[ $("$FLEET" status) == *"broken: link"* ]]
	"$FLEET" mend link app1
	"$FLEET" mend link app1
	ops_ssh app1 true
}

@test "loss: all is nothing, none is all" {
	need_namespaces loss
	"$FLEET" break loss app1 100
	run "$FLEET" exec ping -q -c 2 -i 0.2 -W 1 app1
	[[ $output == *"100% packet loss"* ]]
	"$FLEET" mend loss app1
	run "$FLEET" exec ping -q -c 2 -i 0.2 -W 1 app1
	[[ $output == *" 0% packet loss"* ]]
}

@test "delay: the round trip takes longer by that much, also for bulk" {
	need_namespaces delay
	"$FLEET" break delay app1 100
	rtt=$("$FLEET" exec ping -q -c 3 -i 0.2 app1 | awk -F/ '/^rtt/ { printf "%d", $5 }')
	[ "$rtt" -ge 100 ]
	[ "$rtt" -lt 150 ]
	[ "$(ops_ssh app1 head -c 5000000 /dev/zero | wc -c)" -eq 5000000 ]
	"$FLEET" mend delay app1
	rtt=$("$FLEET" exec ping -q -c 3 -i 0.2 app1 | awk -F/ '/^rtt/ { printf "%d", $5 }')
	[ "$rtt" -lt 50 ]
}

@test "freeze: nothing runs, and goes on where it was" {
	"$FLEET" break freeze app1
	CONNECT=2 run ops_ssh app1 true
	[ "$status" -eq 255 ]
	"$FLEET" mend freeze app1
	ops_ssh app1 true
}

@test "sshd: killed, it comes back by itself" {
	run "$FLEET" break sshd app1
	[[ $output == *"sshd killed"* ]]
	"$FLEET" mend sshd app1
	ops_ssh app1 true
}

# A session that runs until it is killed; the descriptor keeps bats from waiting for it.
start_session() {
	ops_ssh "$1" "touch ~/$2; exec sleep 60" 3>&- &
	session=$!
	until_true ops_ssh "$1" "test -e ~/$2 && rm ~/$2"
}

@test "sshd-session: the client loses it, others can still come" {
	start_session app1 begun
	"$FLEET" break sshd-session app1 all
	lost=0
	wait "$session" || lost=$?
	[ "$lost" -eq 255 ]
	ops_ssh app1 true
	run "$FLEET" break sshd-session app1 all
	[[ $output == *"0 ssh sessions killed"* ]]
}

@test "power: off is off; on is another boot with the same files" {
	need_namespaces power
	before=$(ops_ssh app2 cat /proc/sys/kernel/random/boot_id)
	ops_ssh app2 "echo kept >~/kept; echo gone >/tmp/gone; setsid sleep 300 >/dev/null 2>&1 </dev/null &"
	"$FLEET" break power app2
	"$FLEET" break power app2
	CONNECT=2 run ops_ssh app2 true
	[ "$status" -eq 255 ]
	[[ $("$FLEET" status) == *"powered off"* ]]
	"$FLEET" mend power app2
	"$FLEET" mend power app2
	[ "$(ops_ssh app2 cat kept)" = kept ]
	[ "$(ops_ssh app2 cat /proc/sys/kernel/random/boot_id)" != "$before" ]
	run ops_ssh app2 "test -e /tmp/gone || pgrep -x sleep"
	[ "$status" -eq 1 ]
}

@test "disk: not a block is left, then there is room" {
	need_namespaces "size-limited disk"
	"$FLEET" break disk search1
	"$FLEET" break disk search1
	run ops_ssh search1 "echo x >~/x"
	[ "$status" -ne 0 ]
	[[ $output == *"No space left on device"* ]]
	"$FLEET" mend disk search1
	ops_ssh search1 "echo x >~/x"
}

@test "hostkey: a changed key is refused until the old one is back" {
	"$FLEET" break hostkey app2
	run ops_ssh app2 true
	[ "$status" -eq 255 ]
	[[ $output == *"IDENTIFICATION HAS CHANGED"* ]]
	"$FLEET" mend hostkey app2
	ops_ssh app2 true
}

@test "faults can be made from the ops side too" {
	need_namespaces "link faults"
	"$FLEET" exec "$FLEET" break link db2
	[[ $("$FLEET" status) == *"db2"*"broken: link"* ]]
	"$FLEET" exec "$FLEET" mend link db2
}

@test "what is not a fault, a host or a number is refused with words" {
	run "$FLEET" break wind app1
	[ "$status" -eq 1 ]
	[[ $output == *"there are: link"* ]]
	run "$FLEET" break link
	[[ $output == *"which host?"* ]]
	run "$FLEET" break loss app1 lots
	[[ $output == *"how many percent?"* ]]
	run "$FLEET" break stop db1
	[[ $output == *"which unit?"* ]]
	# Alone it says what there is, each with what it does.
	run -0 "$FLEET" break
	[[ $output == *"disk HOST                fill the disk"*"hosts: "* ]]
}

@test "PostgreSQL replicates, Redis and nginx answer, and a power failure loses nothing; a service stops and starts" {
	need_namespaces services
	OTHER=$BATS_TEST_TMPDIR/other
	export FLEET_STATE=$OTHER FLEET_SERVICES=yes FLEET_DISK=512m
	"$FLEET" up
	psql=("$FLEET" exec psql -U mastodon -At mastodon_production)
	"${psql[@]}" -h db1 -c 'create table marks (n int)' -c 'insert into marks values (42)'
	replicated() { [ "$("${psql[@]}" -h db2 -c 'select n from marks' 2>/dev/null)" = 42 ]; }
	until_true replicated
	[ "$("${psql[@]}" -h db2 -c 'select pg_is_in_recovery()')" = t ]
	"$FLEET" exec redis-cli -h db1 set mark 43
	"$FLEET" exec redis-cli -h db1 waitaof 1 0 1000 >/dev/null || :
	"$FLEET" break stop db1 redis
	[[ $("$FLEET" status) == *"db1"*"broken: stop redis"* ]]
	run ! "$FLEET" exec redis-cli -h db1 get mark
	"$FLEET" mend stop db1
	"$FLEET" mend stop db1
	[ "$("$FLEET" exec redis-cli -h db1 get mark)" = 43 ]
	"$FLEET" break stop db1 postgresql
	run ! "${psql[@]}" -h db1 -c 'select n from marks'
	"$FLEET" mend stop db1
	[ "$("${psql[@]}" -h db1 -c 'select n from marks')" = 42 ]
	[[ $("$FLEET" status) != *"broken: stop"* ]]
	"$FLEET" break power db1
	"$FLEET" mend power db1
	[ "$("${psql[@]}" -h db1 -c 'select n from marks')" = 42 ]
	[ "$("$FLEET" exec redis-cli -h db1 get mark)" = 43 ]
	run "$FLEET" exec curl -s -o /dev/null -w '%{http_code}' http://social.practice.test/health
	[[ $output =~ ^(200|502)$ ]]
}

@test "run passes the exit status on and leaves nothing" {
	OTHER=$BATS_TEST_TMPDIR/other
	FLEET_STATE=$OTHER run "$FLEET" run sh -c 'exit 9'
	[ "$status" -eq 9 ]
	[ ! -e "$OTHER" ]
}

gone() { ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]; }

@test "SIGKILL of its one process ends every other, and up starts afresh" {
	OTHER=$BATS_TEST_TMPDIR/other
	export FLEET_STATE=$OTHER
	"$FLEET" up
	"$FLEET" exec sleep 300 3>&- &
	p=$!
	kill -KILL "$(<"$OTHER/outer")"
	until_true gone "$p" || [ "$(tier)" = loopback ]
	run "$FLEET" status
	[ "$status" -eq 3 ]
	"$FLEET" up
	[ "$("$FLEET" in app1 hostname)" = app1 ]
	kill "$p" 2>/dev/null || :
}

@test "down when it is down is fine" {
	FLEET_STATE=$BATS_TEST_TMPDIR/none run "$FLEET" down
	[ "$status" -eq 0 ]
	[ "$output" = "fleet: is down" ]
}

# A user with subordinate ids: one that is there, or one made for the test (remove_user takes it away).
find_user() {
	user=$(awk -F: '$2 + 0 > 0 && $3 + 0 >= 65536 { print $1; exit }' /etc/subuid)
	made=
	if [ -n "$user" ] && id "$user" >/dev/null 2>&1; then return; fi
	user=bbfleet made=1
	useradd --no-create-home --home-dir "$home" --shell /bin/bash "$user"
	if ! grep -q "^$user:" /etc/subuid; then usermod --add-subuids 600000-665535 --add-subgids 600000-665535 "$user"; fi
}

remove_user() {
	if [ -n "$made" ]; then userdel "$user"; fi
}

@test "a plain user has the same fleet" {
	[ "$(id -u)" = 0 ] || skip "not root: the tests above already ran as a plain user"
	home=$(mktemp -d)
	find_user
	# A copy, since a checkout may lie where only its owner can read.
	cp -r "$(dirname "$FLEET")" "$home/src"
	chown -R "$user" "$home"
	as=(runuser -u "$user" -- env "FLEET_STATE=$home/fleet" FLEET_SERVICES=no "$home/src/fleet")
	cd "$home"
	run "${as[@]}" up
	echo "$output"
	if [[ $output != *"tier rootless"* ]]; then
		remove_user
		rm -rf "$home"
		skip "no user namespaces for $user: $output"
	fi
	"${as[@]}" exec ssh -F "$home/fleet/ssh_config" app1 "sudo -n hostname" >"$BATS_TEST_TMPDIR/name"
	run "${as[@]}" down
	remove_user
	[ "$status" -eq 0 ]
	[ ! -e "$home/fleet" ]
	cd /
	rm -rf "$home"
	[ "$(<"$BATS_TEST_TMPDIR/name")" = app1 ]
}

@test "the loopback tier names itself and what it cannot do" {
	OTHER=$BATS_TEST_TMPDIR/other
	export FLEET_STATE=$OTHER FLEET_TIER=loopback
	run "$FLEET" up 3>&-
	[[ $output == *"tier loopback: no link faults"* ]]
	[ "$(ops_ssh app1 echo yes)" = yes ]
	[ "$(ops_ssh jump-db1 echo yes)" = yes ]
	run "$FLEET" break link app1
	[ "$status" -eq 4 ]
	p=$(<"$OTHER/outer")
	kill -KILL "$p"
	removed() { [ ! -e "$OTHER" ]; }
	until_true removed
	for p in $(pgrep -x sleep); do
		[ "$(tr '\0' '\n' <"/proc/$p/environ" | grep -cxF "FLEET_STATE=$OTHER")" = 0 ]
	done 2>/dev/null
}
