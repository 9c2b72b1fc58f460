#!/usr/bin/env bats
# jobs.bats - jobs on the practice fleet through every loss: their output whole, their effect once, their end known or in doubt, never invented.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Has a fleet of its own, so that faults disturb nobody. tests/fleet/call.c runs one call through a real worker.

# shellcheck disable=SC2016,SC2030,SC2031 # inner shells expand; settings are meant for one test
bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/fleet.bash
. "$BATS_TEST_DIRNAME/../lib/fleet.bash"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup_file() {
	fleet_start 64m
	# Losses are noticed in 3 s instead of 45.
	sed 's/^Host \*$/&\n  ServerAliveInterval 1\n  ConnectTimeout 3/' "$FLEET_STATE/ssh_config" >"$BATS_FILE_TMPDIR/quick"
	# What a job says in 20 parts: 20 times 901 numbers on one stream and 100 on the other.
	script='i=0; while [ $i -lt 20 ]; do i=$((i+1)); seq $((i*1000)) $((i*1000+900)); seq 100 >&2; PAUSE; done'
	sums "${script//PAUSE/:}" >"$BATS_FILE_TMPDIR/want"
	# The last part waits until the faults are over, however slow this machine makes them.
	pause='sleep 0.15; [ $i -lt 19 ] || until [ -e /var/tmp/JOB.go ]; do sleep 0.05; done'
	export SCRIPT="echo x >>/var/tmp/JOB.effects; ${script//PAUSE/$pause}; exit 7"
}

teardown_file() {
	"$FLEET" down >&2
}

setup() {
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR
	JOB=jobs-$BATS_TEST_NUMBER-$$
	LOG=$BATS_TEST_TMPDIR/log
}

# Both outputs of a script as call -q tells them.
sums() {
	sh -c "$1" >"$BATS_FILE_TMPDIR/out" 2>"$BATS_FILE_TMPDIR/err"
	for s in out err; do echo "$s $(wc -c <"$BATS_FILE_TMPDIR/$s") $(sha256sum <"$BATS_FILE_TMPDIR/$s" | cut -d' ' -f1)"; done
}

call() { timeout "${PATIENCE:-120}" "$FLEET" exec "$CALL" -F "$BATS_FILE_TMPDIR/quick" -j "$JOB" -q "$@"; }

# Starts the job on host $1 and waits until it runs there. $2...: options of call.
begin() {
	local host=$1
	shift
	call "$@" "$host" ssh.run "{\"cmd\":\"${SCRIPT//JOB/$JOB}\"}" >"$LOG" 3>&- &
	pid=$!
	until_true "$FLEET" in "$host" test -e "/var/tmp/$JOB.effects"
}

effects() { "$FLEET" in "$1" sh -c "wc -l </var/tmp/$JOB.effects"; }

came_back() { [ "$(grep -c 'link back' "$LOG")" -eq "$1" ]; }

# The job on host $1 ended as it should, with all of its output, and ran once.
whole() {
	"$FLEET" in "$1" touch "/var/tmp/$JOB.go"
	wait "$pid" || :
	cat "$LOG"
	grep -q 'ended ok {"exit":7}' "$LOG"
	grep '^\(out\|err\) ' "$LOG" >"$BATS_TEST_TMPDIR/got"
	diff "$BATS_FILE_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
	[ "$(effects "$1")" -eq 1 ]
}

@test "the cable is out for 2 s" {
	need_namespaces "link faults"
	begin db1
	"$FLEET" break link db1
	sleep 2
	"$FLEET" mend link db1
	whole db1
}

@test "its sessions are killed three times" {
	begin db1
	for i in 1 2 3; do
		"$FLEET" break sshd-session db1 all
		until_true came_back "$i"
	done
	whole db1
}

@test "the host stands still for longer than silence is borne" {
	need_namespaces "frozen hosts"
	begin db2
	"$FLEET" break freeze db2
	until_true grep -q 'connection to db2 lost: no answer for 3 s' "$LOG"
	"$FLEET" mend freeze db2
	whole db2
}

@test "a host that allows one session at a time" {
	need_namespaces "sshd of its own"
	"$FLEET" in search1 sh -c 'echo "MaxSessions 1" >>/etc/ssh/sshd_config; kill -HUP "$(cat /run/sshd.pid)"'
	begin search1
	"$FLEET" break sshd-session search1 all
	whole search1
}

@test "the host is switched off: in doubt, never failed, never twice" {
	need_namespaces "power faults"
	begin app2
	"$FLEET" break power app2
	"$FLEET" mend power app2
	wait "$pid" || :
	cat "$LOG"
	grep -q 'ended unknown .*the host was restarted since' "$LOG"
	run call -S app2 ssh.run '{"cmd":"x"}'
	[[ $output == *"settled unknown: the host was restarted since"* ]]
	[ "$(effects app2)" -eq 1 ]
}

@test "whoever started it is killed: found running, and followed to its end" {
	begin app1
	# The worker and the processes above it: those that have the name of the job behind -j.
	pgrep -f -- "-j $JOB " | xargs kill -9 2>/dev/null || :
	wait "$pid" || :
	call -S app1 ssh.run '{"cmd":"x"}' >"$LOG" 3>&- &
	pid=$!
	whole app1
	grep -q 'settled running' "$LOG"
}

@test "a job that never was is ruled out, and a late start of it refused" {
	run call -S db1 ssh.run '{"cmd":"x"}'
	[[ $output == *"settled never: "* ]]
	run call db1 ssh.run "{\"cmd\":\"echo x >>/var/tmp/$JOB.effects\"}"
	[[ $output == *"ruled out"* ]]
	run ! "$FLEET" in db1 test -e "/var/tmp/$JOB.effects"
}
