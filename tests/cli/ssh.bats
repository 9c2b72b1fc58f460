#!/usr/bin/env bats
# ssh.bats - bellbook's ssh on the practice fleet: every way in, every loss, files, and nothing left behind.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Has a fleet of its own, so that faults disturb nobody. tests/fleet/call.c runs one call through a real worker.

# shellcheck disable=SC2016,SC2030,SC2031 # inner shells expand; settings are meant for one test
bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/fleet.bash
. "$BATS_TEST_DIRNAME/../lib/fleet.bash"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"
PASSWORD=practice-only

setup_file() {
	fleet_start 128m
	# Losses are noticed in 3 s instead of 45.
	sed 's/^Host \*$/&\n  ServerAliveInterval 1\n  ConnectTimeout 3/' "$FLEET_STATE/ssh_config" >"$BATS_FILE_TMPDIR/quick"
}

teardown_file() {
	"$FLEET" down >&2
}

setup() {
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR
	JOB=bats-$BATS_TEST_NUMBER-$$
}

# No master of ssh's and no directory may stay.
teardown() {
	! compgen -G "$BATS_TEST_TMPDIR/bellbook-ssh.*"
}

call() { timeout "${PATIENCE:-120}" "$FLEET" exec "$CALL" -F "$FLEET_STATE/ssh_config" -j "$JOB" "$@"; }
quick() { timeout "${PATIENCE:-120}" "$FLEET" exec "$CALL" -F "$BATS_FILE_TMPDIR/quick" -j "$JOB" "$@"; }

# Waits until a file has the text.
until_has() {
	until_true grep -qs "$2" "$1" && return 0
	echo "never in $1: $2" >&2
	return 1
}

@test "output apart, exit status, signal" {
	run call app1 ssh.read '{"cmd":"echo hi; echo no >&2; exit 3"}'
	# Two streams of ssh have no order between them.
	[ "$(sort <<<"$output")" = $'ended ok {"exit":3} \nerr "no\\n"\nout "hi\\n"' ]
	run call app1 ssh.run '{"cmd":"kill -TERM $$"}'
	[[ $output == *'"signal":"TERM"'* ]]
}

@test "200 MB arrive as they were sent, by libssh2 and by ssh" {
	want=$(yes 0123456789abcde | head -c 200000000 | sha256sum | cut -d' ' -f1)
	for t in libssh2 ssh; do
		run call -T "$t" -q app1 ssh.read '{"cmd":"yes 0123456789abcde | head -c 200000000"}'
		[[ $output == *"out 200000000 $want"* ]]
	done
}

@test "a jump and a chain of jumps" {
	for h in jump-db1=db1 chain-db2=db2; do
		for t in libssh2 ssh; do
			run call -T "$t" "${h%=*}" ssh.read '{"cmd":"hostname"}'
			[[ $output == "out \"${h#*=}\\n\""* ]]
		done
	done
}

@test "an RSA key falls back to ssh, and says so" {
	run call rsa-app1 ssh.read '{"cmd":"hostname"}'
	[[ ${lines[0]} == "link fallback: rsa-app1: libssh2 cannot log in with RSA keys;"* ]]
	[ "${lines[1]}" = 'out "app1\n"' ]
}

@test "a password is asked for until it is right" {
	need_namespaces "passwords"
	run call -a secret=wrong-one -a "secret=$PASSWORD" pw-app1 ssh.read '{"cmd":"id -un"}'
	[[ ${lines[0]} == "ask secret: pw-app1 asks pwlogin: Password:"* ]]
	[[ ${lines[1]} == "ask secret: That was not it."* ]]
	[ "${lines[2]}" = 'out "pwlogin\n"' ]
	run call -T ssh -a "secret=$PASSWORD" pw-app1 ssh.read '{"cmd":"id -un"}'
	[ "${lines[1]}" = 'out "pwlogin\n"' ]
}

@test "a passphrase is asked for, by both" {
	for t in libssh2 ssh; do
		run call -T "$t" -a "secret=$PASSWORD" enc-app1 ssh.read '{"cmd":"hostname"}'
		[[ ${lines[0]} == "ask secret: "*id_enc* ]]
		[ "${lines[1]}" = 'out "app1\n"' ]
	done
}

@test "an unknown host key is asked about, by both, and can be refused" {
	for t in libssh2 ssh; do
		run call -T "$t" -a hostkey=refuse unknown-app2 ssh.read '{"cmd":"hostname"}'
		[[ $output == "ask hostkey: "*SHA256:*"ended failed"* ]]
	done
	run call -a hostkey=trust unknown-app2 ssh.read '{"cmd":"hostname"}'
	[[ $output == *'out "app2\n"'* ]]
	run call unknown-app2 ssh.read '{"cmd":"hostname"}'
	[ "${lines[0]}" = 'out "app2\n"' ]
	grep -v '^app2,' "$FLEET_STATE/known_hosts" >"$FLEET_STATE/known_hosts.unknown"	# as it was, for the next test
}

@test "a changed host key is refused in words" {
	"$FLEET" break hostkey db1
	run call db1 ssh.read '{"cmd":"true"}'
	[[ $output == *"host key of db1 has CHANGED: known SHA256:"*", now SHA256:"* ]]
	run call -T ssh db1 ssh.read '{"cmd":"true"}'
	[[ $output == *"host key of db1 has CHANGED"* ]]
	"$FLEET" mend hostkey db1
}

@test "sudo with a password, which shows nowhere" {
	need_namespaces "sudo with a password"
	run call -s "PW=$PASSWORD" secure-app1 ssh.read '{"cmd":"id -un; ps axww","as":"root","sudo_password":{"$secret":"PW"}}'
	[[ $output == 'out "root\n'* ]]
	[[ $output != *"$PASSWORD"* ]]
}

@test "a wrong password for sudo is tried once, eats nothing of the command's, and leaves no ticket" {
	need_namespaces "sudo with a password"
	for action in ssh.read ssh.run; do
		args='{"cmd":"echo $A; cat; echo ran >>/tmp/sudo-effects","as":"root","sudo_password":{"$secret":"PW"},"env":{"A":{"$secret":"VALUE"}},"stdin":"first\nsecond\n"}'
		run call -s "PW=not-this-one" -s "VALUE=precious" secure-app1 "$action" "$args"
		[[ $output == *"sudo: 1 incorrect password attempt"*"ended failed"*"it was not run: sudo refused the password for root; it was asked once"* ]]
		JOB=$JOB-right
		run call -s "PW=$PASSWORD" -s "VALUE=precious" secure-app1 "$action" "$args"
		# It may come in parts.
		output=${output//$'"\nout "'/}
		[[ $output == *'precious\nfirst\nsecond\n'*'ended ok {"exit":0}'* ]]
	done
	run call -s "PW=not-this-one" secure-app1 ssh.read '{"cmd":"id -un","as":"nosuchuser","sudo_password":{"$secret":"PW"}}'
	[[ $output == *"ended failed"*"it was not run: sudo refused"* ]]
	run call secure-app1 ssh.read '{"cmd":"wc -l </tmp/sudo-effects; sudo -n true"}'
	[[ $output == 'out "2\n"'*"a password is required"* ]]
}

@test "the signal that ended a read is told, by both" {
	for t in libssh2 ssh; do
		run call -T "$t" app1 ssh.read '{"cmd":"echo a; kill -SEGV $$"}'
		[[ $output == *'out "a\n"'*'"signal":"SEGV"'* ]]
		[[ $output != *again* ]]
		run call -T "$t" app1 ssh.read '{"cmd":"d=$; eval kill -SEGV $d$d"}'
		[[ $output == *'"signal":"SEGV"'* ]]
	done
}

@test "a run whose session is killed goes on, by both" {
	for t in libssh2 ssh; do
		JOB=$JOB-$t
		: >"$BATS_TEST_TMPDIR/log"
		call -T "$t" app1 ssh.run '{"cmd":"echo x >>/tmp/effects; echo one; until [ -e /tmp/go-'"$JOB"' ]; do sleep 0.05; done; echo two"}' >"$BATS_TEST_TMPDIR/log" 3>&- &
		pid=$!
		until_has "$BATS_TEST_TMPDIR/log" one
		"$FLEET" break sshd-session app1 all
		until_has "$BATS_TEST_TMPDIR/log" 'link lost'
		"$FLEET" in app1 touch "/tmp/go-$JOB"
		wait "$pid"
		grep -q 'link lost: connection to app1 lost: it was closed at the other end' "$BATS_TEST_TMPDIR/log"
		grep -q 'two' "$BATS_TEST_TMPDIR/log"
		grep -q 'ended ok' "$BATS_TEST_TMPDIR/log"
	done
	run call app1 ssh.read '{"cmd":"wc -l </tmp/effects"}'
	[ "${lines[0]}" = 'out "2\n"' ]
}

@test "a frozen host is noticed, by both" {
	need_namespaces "frozen hosts"
	for t in libssh2 ssh; do
		JOB=$JOB-$t
		: >"$BATS_TEST_TMPDIR/log"
		quick -T "$t" app1 ssh.run '{"cmd":"echo one; until [ -e /tmp/go-'"$JOB"' ]; do sleep 0.05; done; echo two"}' >"$BATS_TEST_TMPDIR/log" 3>&- &
		pid=$!
		until_has "$BATS_TEST_TMPDIR/log" one
		"$FLEET" break freeze app1
		until_has "$BATS_TEST_TMPDIR/log" 'connection to app1 lost: no answer for 3 s'
		"$FLEET" mend freeze app1
		"$FLEET" in app1 touch "/tmp/go-$JOB"
		wait "$pid"
		grep -q 'ended ok' "$BATS_TEST_TMPDIR/log"
	done
}

@test "a cable pulled out: says so, tries again, comes back" {
	need_namespaces "link faults"
	: >"$BATS_TEST_TMPDIR/log"
	quick app1 ssh.run '{"cmd":"echo one; until [ -e /tmp/go-'"$JOB"' ]; do sleep 0.05; done; echo two"}' >"$BATS_TEST_TMPDIR/log" 3>&- &
	pid=$!
	until_has "$BATS_TEST_TMPDIR/log" one
	"$FLEET" break link app1
	until_has "$BATS_TEST_TMPDIR/log" 'cannot connect to .* no answer in 3 s; next try'
	"$FLEET" mend link app1
	"$FLEET" in app1 touch "/tmp/go-$JOB"
	wait "$pid"
	grep -q 'ended ok' "$BATS_TEST_TMPDIR/log"
}

@test "a host that stands still is told of after 10 s, and when it answers again, by both; a quiet command is no silent host" {
	need_namespaces "frozen hosts"
	local logs=() pids=()
	for t in libssh2 ssh; do
		JOB=$JOB-$t
		logs+=("$BATS_TEST_TMPDIR/log.$t")
		: >"$BATS_TEST_TMPDIR/log.$t"
		call -T "$t" app1 ssh.run '{"cmd":"echo one; until [ -e /tmp/go ]; do sleep 0.05; done; echo two"}' >"$BATS_TEST_TMPDIR/log.$t" 3>&- &
		pids+=("$!")
		until_has "$BATS_TEST_TMPDIR/log.$t" one
		# On another host nothing is to be seen for longer than that.
		call -T "$t" app2 ssh.run '{"cmd":"sleep 12; echo slept"}' >"$BATS_TEST_TMPDIR/quiet.$t" 3>&- &
	done
	until_has "$BATS_TEST_TMPDIR/quiet.libssh2" 'ended ok'
	until_has "$BATS_TEST_TMPDIR/quiet.ssh" 'ended ok'
	run ! grep -h ^link "$BATS_TEST_TMPDIR"/quiet.* "${logs[@]}"
	"$FLEET" break freeze app1
	for log in "${logs[@]}"; do
		until_has "$log" '^link silent: no answer for 10 s'
	done
	"$FLEET" mend freeze app1
	for log in "${logs[@]}"; do
		until_has "$log" '^link back: '
	done
	"$FLEET" in app1 touch /tmp/go
	wait "${pids[@]}"
	for log in "${logs[@]}"; do
		grep -q 'ended ok' "$log"
		run ! grep 'link lost' "$log"
	done
}

@test "cancel works while connecting and at a question" {
	need_namespaces "frozen hosts"
	"$FLEET" break freeze app1
	for t in libssh2 ssh; do
		run quick -T "$t" -c 500 app1 ssh.read '{"cmd":"true"}'
		[[ $output == *"ended canceled"* ]]
	done
	"$FLEET" mend freeze app1
	for t in libssh2 ssh; do
		run call -T "$t" -c ask pw-app1 ssh.read '{"cmd":"true"}'
		[[ $output == *"ended canceled"* ]]
	done
}

@test "files are put and got whole, by both, also as another user" {
	head -c 20000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	for t in libssh2 ssh; do
		JOB=$JOB-$t
		run call -T "$t" app1 ssh.put "{\"file\":\"$BATS_TEST_TMPDIR/big\",\"path\":\"/var/tmp/big.$t\",\"mode\":\"0600\"}"
		[[ $output == *'"changed":true'* ]]
		run call -T "$t" app1 ssh.put "{\"file\":\"$BATS_TEST_TMPDIR/big\",\"path\":\"/var/tmp/big.$t\",\"mode\":\"0600\"}"
		[[ $output == *'"changed":false'* ]]
		run call -T "$t" app1 ssh.get "{\"path\":\"/var/tmp/big.$t\",\"to\":\"$BATS_TEST_TMPDIR/back\"}"
		cmp "$BATS_TEST_TMPDIR/big" "$BATS_TEST_TMPDIR/back"
		[ "$(stat -c %a "$BATS_TEST_TMPDIR/back")" = 600 ]
	done
	run call app1 ssh.put '{"content":"x\n","path":"/etc/bats.conf","as":"root","mode":"0640","owner":"root:mastodon"}'
	[[ $output == *'"mode":"0640"'* ]]
	run call app1 ssh.read '{"cmd":"echo $(stat -c %U:%G:%a /etc/bats.conf) $(ls -a /etc | grep -c bellbook)"}'
	[[ $output == 'out "root:mastodon:640 0\n"'* ]]
}

@test "a put that is cut off in the middle leaves the file as it was" {
	need_namespaces "frozen hosts"
	head -c 30000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	run call app1 ssh.put '{"content":"before","path":"/var/tmp/cut"}'
	[[ $output == *"ended ok"* ]]
	JOB=$JOB-cut
	"$FLEET" break delay app1 200
	call -c 1500 app1 ssh.put "{\"file\":\"$BATS_TEST_TMPDIR/big\",\"path\":\"/var/tmp/cut\"}" >"$BATS_TEST_TMPDIR/log" 3>&- || :
	"$FLEET" mend delay app1
	grep -q 'ended canceled' "$BATS_TEST_TMPDIR/log"
	run call app1 ssh.read '{"cmd":"cat /var/tmp/cut"}'
	[[ $output == 'out "before"'* ]]
}

@test "a full disk is told, and nothing stays of the put" {
	need_namespaces "full disks"
	head -c 30000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	"$FLEET" break disk app2
	run call app2 ssh.put "{\"file\":\"$BATS_TEST_TMPDIR/big\",\"path\":\"/var/tmp/full\"}"
	"$FLEET" mend disk app2
	[[ $output == *"ended failed"*"No space left"* ]]
	run call app2 ssh.read '{"cmd":"ls -a /var/tmp | grep -c -e full -e bellbook"}'
	[[ $output == 'out "0\n"'* ]]
}

@test "doctor finds and reaches hosts, and says of one that it asks for sudo's password" {
	need_namespaces "a host of its own"
	sed 's/app2 = {}/["secure-app1"] = {}/; s/"app2"/"secure-app1"/g' "$FLEET_STATE/fleet.lua" >"$BATS_TEST_TMPDIR/f.lua"
	run timeout "${PATIENCE:-120}" "$FLEET" exec env HOME="$BATS_TEST_TMPDIR" "$BELLBOOK" doctor db1 secure-app1 --fleet "$BATS_TEST_TMPDIR/f.lua" --journal "$BATS_TEST_TMPDIR/j.db"
	[ "$status" = 0 ]
	[[ $output == *"ok    host db1: deploy@"*":22, disk "*"%, clock +0 s, "*"sudo yes"* ]]
	[[ $output == *"warn  host secure-app1: sudo asks for a password"*"NOPASSWD"* ]]
	[[ $output != *"host db2"* ]]
}

@test "hosts at a glance: all side by side, a frozen one is said to be silent, and nothing is asked" {
	need_namespaces freeze
	glance() { timeout "${PATIENCE:-120}" "$FLEET" exec "$BELLBOOK" hosts --fleet "$FLEET_STATE/fleet.lua" --json "$@"; }
	"$FLEET" break freeze db2
	run glance
	"$FLEET" mend freeze db2
	[ "$status" = 0 ]
	# How loaded they are is this machine's affair.
	[ "$(grep -cE '"state":"(ok|attention)"' <<<"$output")" = 4 ]
	[[ $output == *'"host":"db2","state":"silent","text":"no answer in 5 s"'* ]]
	run glance --sudo web
	[[ $output == *'"disk_pct":'* && $output == *'"sudo":"yes"'* && $output != *app2* ]]
	sed 's/app2 = {}/["unknown-app2"] = {}/; s/"app2"/"unknown-app2"/g' "$FLEET_STATE/fleet.lua" >"$BATS_TEST_TMPDIR/f.lua"
	run timeout "${PATIENCE:-120}" "$FLEET" exec "$BELLBOOK" hosts unknown-app2 --fleet "$BATS_TEST_TMPDIR/f.lua"
	[[ $output == *"host key is not known"* ]]
}
