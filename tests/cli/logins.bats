#!/usr/bin/env bats
# logins.bats - what `ssh HOST` can, bellbook can: ssh_config, logins of odd kinds, and sudo in all its moods.
# SPDX-License-Identifier: GPL-3.0-or-later

# shellcheck disable=SC2016,SC2030,SC2031 # inner shells expand; settings are meant for one test
bats_require_minimum_version 1.5.0
load ../lib/fleet.bash
PASSWORD=practice-only

setup_file() {
	fleet_start 64m
	cp "$FLEET_STATE/id" "$FLEET_STATE/id_ops"
	chmod 600 "$FLEET_STATE/id_ops"
}

teardown_file() {
	"$FLEET" down >&2
}

setup() {
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR
	JOB=bats-$BATS_TEST_NUMBER-$$
	CONFIG=$FLEET_STATE/ssh_config
}

# No master of ssh's and no directory may stay.
teardown() {
	! compgen -G "$BATS_TEST_TMPDIR/bellbook-ssh.*"
}

call() { timeout "${PATIENCE:-120}" "$FLEET" exec "$CALL" -F "$CONFIG" -j "$JOB" "$@"; }

# host ALIAS OF LINE...: ALIAS is the fleet's host OF with these lines of ssh_config, in a file of the test's own.
host() {
	local alias=$1 of=$2
	shift 2
	[ "$CONFIG" != "$FLEET_STATE/ssh_config" ] || CONFIG=$BATS_TEST_TMPDIR/config
	{
		printf 'Host %s\n' "$alias"
		printf '  %s\n' "$@" "HostName $(sed -n "/^Host $of\$/,/HostName/s/ *HostName //p" "$FLEET_STATE/ssh_config")"
		[ ! -e "$CONFIG" ] || cat "$CONFIG"
	} >"$CONFIG.new"
	mv "$CONFIG.new" "$CONFIG"
}

# The fleet's own settings behind those of the test.
config_end() { cat "$FLEET_STATE/ssh_config" >>"$CONFIG"; }

@test "the tokens of ssh_config are those of ssh" {
	need_namespaces "name of its own for the ops host"
	host tok-app1 app1 "IdentityFile $FLEET_STATE/id_%L" "IdentitiesOnly yes"
	host hash-app1 app1 "IdentityFile $FLEET_STATE/id.%C" "IdentitiesOnly yes"
	host home-app1 app1 'IdentityFile ${KEYS}/id' "IdentitiesOnly yes"
	config_end
	cp "$FLEET_STATE/id" "$FLEET_STATE/id.$("$FLEET" exec ssh -F "$CONFIG" -o ControlPath=%C -G hash-app1 </dev/null 2>/dev/null |
		sed -n 's/^controlpath //p')"
	run call tok-app1 ssh.read '{"cmd":"hostname"}'
	[ "${lines[0]}" = 'out "app1\n"' ]
	run call hash-app1 ssh.read '{"cmd":"hostname"}'
	[ "${lines[0]}" = 'out "app1\n"' ]
	KEYS=$FLEET_STATE run call home-app1 ssh.read '{"cmd":"hostname"}'
	[ "${lines[0]}" = 'out "app1\n"' ]
}

@test "a key that only the agent has is found by its public half" {
	need_namespaces "agent of its own"
	mkdir "$BATS_TEST_TMPDIR/keys"
	cp "$FLEET_STATE/id.pub" "$BATS_TEST_TMPDIR/keys/work.pub"
	host agent-app1 app1 "IdentityFile $BATS_TEST_TMPDIR/keys/work" "IdentitiesOnly yes"
	config_end
	run ssh-agent sh -c 'ssh-add -q "$FLEET_STATE/id" && exec timeout "${PATIENCE:-120}" "$0" exec "$CALL" -F "$1" -j "$2" agent-app1 ssh.read "{\"cmd\":\"hostname\"}"' \
		"$FLEET" "$CONFIG" "$JOB"
	[ "${lines[0]}" = 'out "app1\n"' ]
}

@test "the user of a domain logs in, by both, and as a jump" {
	need_namespaces "more accounts"
	"$FLEET" in app1 sh -c 'for f in passwd shadow; do sed -n "s/^deploy:/CORP\\\\deploy:/p" /etc/$f >>/etc/$f; done'
	host corp-app1 app1 'User CORP\deploy' "IdentityFile $FLEET_STATE/id"
	host over-db1 db1 'ProxyJump CORP\deploy@app1' "IdentityFile $FLEET_STATE/id"
	config_end
	for t in libssh2 ssh; do
		run call -T "$t" corp-app1 ssh.read '{"cmd":"hostname"}'
		[ "${lines[0]}" = 'out "app1\n"' ]
	done
	# By libssh2 alone: the shell that ssh runs for a jump would eat the backslash.
	run call -T libssh2 over-db1 ssh.read '{"cmd":"hostname"}'
	[ "${lines[0]}" = 'out "db1\n"' ]
}

@test "what libssh2 does not do goes to the system's ssh, and is said once" {
	need_namespaces "address of its own"
	host bind-app1 app1 "BindAddress 10.77.0.10" "IdentityFile $FLEET_STATE/id"
	host order-app1 app1 "PreferredAuthentications keyboard-interactive,publickey" "KbdInteractiveAuthentication no" "IdentityFile $FLEET_STATE/id"
	host blank-app1 app1 "UserKnownHostsFile \"$BATS_TEST_TMPDIR/known hosts\"" "IdentityFile $FLEET_STATE/id"
	sed -n '/^app1/p' "$FLEET_STATE/known_hosts" >"$BATS_TEST_TMPDIR/known hosts"
	host revoked-app1 app1 "RevokedHostKeys $BATS_TEST_TMPDIR/krl" "IdentityFile $FLEET_STATE/id"
	ssh-keygen -q -k -f "$BATS_TEST_TMPDIR/krl"
	config_end
	for h in bind:BindAddress order:'the order of PreferredAuthentications' blank:UserKnownHostsFile revoked:RevokedHostKeys; do
		run call -n 3 "${h%%:*}-app1" ssh.read '{"cmd":"hostname"}'
		[ "${lines[0]}" = "link fallback: ${h%%:*}-app1: ${h#*:} of its ssh_config is for the system's ssh, which connects instead" ]
		[ "$(grep -c '^link' <<<"$output")" = 1 ]
		[ "$(grep -c '^out "app1' <<<"$output")" = 3 ]
	done
}

@test "a jump's tokens and addresses are understood" {
	need_namespaces "network"
	host pp-db1 db1 "ProxyJump 10.77.0.11" "IdentityFile $FLEET_STATE/id"
	host tok-app1-db1 db1 "ProxyJump %n-jump" "IdentityFile $FLEET_STATE/id"
	host tok-app1-db1-jump app1 "IdentityFile $FLEET_STATE/id"
	config_end
	sed -i "s/^Host 10.77.0.11\$/&/; s/^Host app1\$/Host app1 10.77.0.11/" "$CONFIG"
	for h in pp-db1 tok-app1-db1; do
		run call -T libssh2 "$h" ssh.read '{"cmd":"hostname"}'
		[ "${lines[0]}" = 'out "db1\n"' ]
	done
}

# account HOST NAME SHELL [HOME]: another log-in with deploy's rights there.
account() {
	"$FLEET" in "$1" sh -c 'grep -q "^$1:" /etc/passwd || { echo "$1:x:1000:1000::$3:$2" >>/etc/passwd
		echo "$1:*:19700:0:99999:7:::" >>/etc/shadow; }' sh "$2" "$3" "${4:-/home/deploy}"
}

# sshd_says HOST: what its sshd makes of log-ins comes from stdin; the keys of NAME may be in /etc/keys/NAME.
sshd_says() {
	{ cat; echo "Match all"; } | "$FLEET" in "$1" sh -c 'cat >>/etc/ssh/sshd_config
		mkdir -p /etc/keys && cp /home/deploy/.ssh/authorized_keys /etc/keys/deploy && chmod 644 /etc/keys/deploy'
	"$FLEET" break sshd "$1"
	"$FLEET" mend sshd "$1"
}

# fleet_file HOST[=OPTIONS]...: a fleet file with them.
fleet_file() {
	local h
	{
		printf 'fleet { name = "t", ssh_config = "%s", hosts = {\n' "$CONFIG"
		for h; do printf '["%s"] = { %s },\n' "${h%%=*}" "$([[ $h != *=* ]] || echo "${h#*=}")"; done
		echo '} }'
	} >"$BATS_TEST_TMPDIR/fleet.lua"
}

glance() { timeout "${PATIENCE:-120}" "$FLEET" exec "$BELLBOOK" hosts --fleet "$BATS_TEST_TMPDIR/fleet.lua" --json "$@"; }

@test "a log-in that runs no commands fails at once, with what the host said, by both" {
	need_namespaces "more accounts"
	account app2 closed /usr/sbin/nologin
	account app2 narrow /bin/rbash
	host closed-app2 app2 "User closed" "IdentityFile $FLEET_STATE/id"
	host narrow-app2 app2 "User narrow" "IdentityFile $FLEET_STATE/id"
	config_end
	for t in libssh2 ssh; do
		for action in ssh.read ssh.run; do
			run call -T "$t" closed-app2 "$action" '{"cmd":"hostname"}'
			[ "$output" = "ended failed null the log-in on closed-app2 runs no commands, so nothing was run; it says: This account is currently not available." ]
			run call -T "$t" narrow-app2 "$action" '{"cmd":"hostname"}'
			[[ $output == "ended failed null the log-in on narrow-app2 runs no commands"*"restricted"* ]]
		done
	done
}

@test "a log-in that swallows what is meant for the shell is said to, and can be cancelled" {
	need_namespaces "more accounts"
	"$FLEET" in app2 sh -c 'printf "#!/bin/sh\nexec cat >/dev/null\n" >/opt/swallow && chmod 755 /opt/swallow'
	account app2 hungry /opt/swallow
	host hungry-app2 app2 "User hungry" "IdentityFile $FLEET_STATE/id"
	config_end
	run call -c output hungry-app2 ssh.read '{"cmd":"hostname"}'
	[[ $output == 'note "hungry-app2 let us in, but its log-in has begun no shell for 5 s'*'[ -t 0 ] || return'*"ended canceled"* ]]
	fleet_file hungry-app2
	run glance
	[[ $output == *'"text":"hungry-app2 let us in, but its log-in has begun no shell in time: something in its start files (.bashrc, a ForceCommand) waits, or reads what is meant for the shell"'* ]]
}

@test "a log-in that throws stderr away shows at a glance, and runs what is asked, by both" {
	need_namespaces "more accounts"
	"$FLEET" in app2 sh -c 'printf "#!/bin/sh\nexec sh \"\$@\" 2>/dev/null\n" >/opt/mute && chmod 755 /opt/mute'
	account app2 muted /opt/mute
	host muted-app2 app2 "User muted" "IdentityFile $FLEET_STATE/id"
	config_end
	fleet_file muted-app2
	run glance
	[[ $output == *'"disk_pct":'*'"host":"muted-app2"'* ]]
	for t in libssh2 ssh; do
		JOB=$JOB-$t
		run call -T "$t" muted-app2 ssh.run '{"cmd":"echo one; echo two >&2; exit 3"}'
		[[ $output == 'note "the log-in on muted-app2 throws away what is printed on stderr '* ]]
		[[ $output == *'out "one\n"'*'err "two\n"'*'ended ok {"exit":3}'* ]]
		run call -T "$t" muted-app2 ssh.get '{"path":"/no/such"}'
		[[ $output == *'ended failed null muted-app2: cannot read /no/such: //no: there is no such folder' ]]
	done
}

@test "what sudo refuses was not run, whatever the command's status means" {
	need_namespaces "sudo"
	for action in ssh.read ssh.run; do
		JOB=$JOB-$action
		run call app1 "$action" '{"cmd":"exit 1","as":"mastodon"}'
		[ "${lines[0]}" = 'ended ok {"exit":1} ' ]
		JOB=$JOB-user
		run call app1 "$action" '{"cmd":"true","as":"toot"}'
		[ "$output" = "ended failed null app1: it was not run as toot: sudo: unknown user toot (there is no such account on that host)" ]
		JOB=$JOB-folder
		run call app1 "$action" '{"cmd":"true","as":"mastodon","cwd":"/no/such"}'
		[[ $output == *"ended failed null app1: it was not run: the folder /no/such is not there, or not for this user" ]]
		JOB=$JOB-own
		run call app1 "$action" '{"cmd":"true","cwd":"/no/such"}'
		[[ $output == *"ended failed null app1: it was not run: the folder /no/such is not there, or not for this user" ]]
	done
}

@test "a sudo that wants a terminal (requiretty) has run nothing, also where it would ask for a password; doctor knows it" {
	need_namespaces "sudo"
	"$FLEET" in app2 cp -a /etc/sudoers /etc/sudoers.before
	"$FLEET" in app2 sed -i '1i Defaults requiretty' /etc/sudoers
	host tty-app2 app2 "User secure" "IdentityFile $FLEET_STATE/id"
	config_end
	for action in ssh.read ssh.run; do
		JOB=$JOB-$action
		run call app2 "$action" '{"cmd":"exit 1","as":"mastodon"}'
		[ "$output" = "ended failed null app2: it was not run as mastodon: sudo: sorry, you must have a tty to run sudo (requiretty in its sudoers; an exception for this log-in helps)" ]
		run call -a "secret=$PASSWORD" tty-app2 "$action" '{"cmd":"exit 1","as":"mastodon"}'
		[[ $output == *"ended failed null tty-app2: it was not run as mastodon: sudo: sorry, you must have a tty to run sudo (requiretty"* ]]
	done
	run "$FLEET" exec env HOME="$BATS_TEST_TMPDIR" "$BELLBOOK" doctor app2 --journal "$BATS_TEST_TMPDIR/j.db"
	"$FLEET" in app2 cp -a /etc/sudoers.before /etc/sudoers
	[[ $output == *"warn  host app2: sudo there wants a terminal, which no command of a runbook has (requiretty)"*"!requiretty"* ]]
	[[ $output != *NOPASSWD* ]]
}

# Before, a shell's "Permission denied" and its status 126 were taken for the command's answer.
@test "a sudo that lets a shell start nothing, or says nothing, has not run it" {
	need_namespaces "sudo"
	"$FLEET" in app2 cp -a /etc/sudoers /etc/sudoers.before
	"$FLEET" in app2 sed -i 's/^deploy .*/deploy ALL=(ALL:ALL) NOPASSWD: NOEXEC: ALL/; s/^secure .*/secure ALL=(ALL:ALL) NOEXEC: ALL/' /etc/sudoers
	host noexec-app2 app2 "User secure" "IdentityFile $FLEET_STATE/id"
	config_end
	for action in ssh.read ssh.run; do
		JOB=$JOB-$action
		run call app2 "$action" '{"cmd":"echo x >/tmp/noexec; id","as":"root"}'
		[ "$output" = "ended failed null app2: it was not run as root: sudo there starts the shell and lets it start no program (noexec in its sudoers); EXEC: before what this log-in may run helps" ]
		run call -a "secret=$PASSWORD" noexec-app2 "$action" '{"cmd":"echo x >/tmp/noexec; id","as":"root"}'
		[[ $output == *"ended failed null noexec-app2: it was not run as root: sudo there starts the shell and lets it start no program"* ]]
		run call -s "PW=$PASSWORD" noexec-app2 "$action" '{"cmd":"echo x >/tmp/noexec; id","as":"root","sudo_password":{"$secret":"PW"}}'
		[[ $output == *"ended failed null noexec-app2: it was not run: sudo there starts the shell and lets it start no program"* ]]
	done
	"$FLEET" in app2 cp -a /etc/sudoers.before /etc/sudoers
	run call app2 ssh.read '{"cmd":"ls /tmp/noexec"}'
	[[ $output == *'"exit":2'* ]]
	"$FLEET" in app2 sh -c 'mkdir -p /usr/local/bin && printf "#!/bin/sh\nexit 1\n" >/usr/local/bin/sudo && chmod 755 /usr/local/bin/sudo'
	run call app2 ssh.read '{"cmd":"true","as":"root"}'
	"$FLEET" in app2 rm /usr/local/bin/sudo
	echo "$output"
	[ "$output" = "ended failed null app2: it was not run as root: it gave no reason" ]
}

@test "rights that go in the middle of a connection are no status of a command" {
	need_namespaces "sudo"
	run call -n 2 db1 ssh.read '{"cmd":"echo gone; sed -i /^deploy/d /etc/sudoers; exit 1","as":"root"}'
	[[ $output == 'out "gone\n"'*'ended ok {"exit":1}'*"ended failed null db1: it was not run: sudo refused to run this as root" ]]
}

@test "a file for which sudo is refused in the middle of a connection is known not to be put" {
	need_namespaces "sudo"
	"$FLEET" in app2 cp -a /etc/sudoers /etc/sudoers.before
	run call -n 2 app2 ssh.put '{"path":"/etc/sudoers","content":"root ALL=(ALL:ALL) ALL\n","as":"root","mode":"0440"}'
	"$FLEET" in app2 cp -a /etc/sudoers.before /etc/sudoers
	echo "$output"
	[[ $output == *'ended ok '*"ended failed null app2: it was not run: sudo refused to run this as root" ]]
}

@test "a disk that is full in the middle of a file leaves what was there, and nothing beside it" {
	need_namespaces "disk of its own"
	head -c 200000000 /dev/zero >"$BATS_TEST_TMPDIR/large"
	for t in libssh2 ssh; do
		run call -T "$t" app2 ssh.put "{\"path\":\"/home/deploy/large\",\"file\":\"$BATS_TEST_TMPDIR/large\"}"
		echo "$output"
		[[ $output == *"ended failed null app2: cannot write to /home/deploy/: "*"No space left on device; /home/deploy/large is as it was" ]]
	done
	run call app2 ssh.read '{"cmd":"ls -A | grep -c \"[.]bellbook+\\|large\""}'
	[ "${lines[0]}" = 'out "0\n"' ]
}

@test "as root no sudo is needed" {
	need_namespaces "sudo"
	"$FLEET" in db2 sh -c 'sed -i /^root/d /etc/sudoers; mkdir -p /root/.ssh; cp /home/deploy/.ssh/authorized_keys /root/.ssh/'
	host root-db2 db2 "User root" "IdentityFile $FLEET_STATE/id"
	config_end
	run call root-db2 ssh.run '{"cmd":"id -un; echo $HOME; cat; exit 1","as":"mastodon","stdin":"fed"}'
	[[ $(tr -d '\n' <<<"$output") == *mastodon*/home/mastodon*fed*'ended ok {"exit":1}'* ]]
	run call root-db2 ssh.read '{"cmd":"id -un","as":"root"}'
	[ "${lines[0]}" = 'out "root\n"' ]
}

@test "sudo's password is asked for until it is right, once, and given where it is needed" {
	need_namespaces "sudo with a password"
	run call -a secret=not-this-one -a "secret=$PASSWORD" -n 2 secure-app1 ssh.read '{"cmd":"id -un; cat; exit 3","as":"root","stdin":"fed\n"}'
	[[ ${lines[0]} == "ask secret: sudo on secure-app1 asks secure for a password, to run commands as root:"* ]]
	[[ ${lines[1]} == "ask secret: That was not it. sudo on secure-app1 asks secure"* ]]
	[ "$(grep -c '^ask' <<<"$output")" = 2 ]
	[ "$(grep -c '{"exit":3}' <<<"$output")" = 2 ]
	JOB=$JOB-put
	run call -a "secret=$PASSWORD" secure-app1 ssh.put '{"path":"/etc/put-by-sudo","content":"hello\n","as":"root"}'
	[[ ${lines[1]} == 'ended ok '*'"changed":true'* ]]
	run call -a secret=wrong-1 -a secret=wrong-2 -a secret=wrong-3 secure-app1 ssh.run '{"cmd":"touch /tmp/never","as":"root"}'
	[[ $output == *"ended failed null secure-app1: it was not run as root: sudo there refused the password of secure 3 times" ]]
	run call -a secret= secure-app1 ssh.run '{"cmd":"touch /tmp/never","as":"root"}'
	[[ $output == *"ended failed null secure-app1: it was not run as root: sudo wants a password, and none was given" ]]
	run call secure-app1 ssh.read '{"cmd":"ls /tmp/never"}'
	[[ $output == *'"exit":2'* ]]
}

@test "a session asks for sudo's password once for all hosts of an each, also in a dry run, and keeps it nowhere" {
	need_namespaces "sudo with a password"
	host secure-db1 db1 "User secure" "IdentityFile $FLEET_STATE/id"
	config_end
	run "$FLEET" exec python3 "$REPO/tests/lib/session-sudo.py" "$CONFIG" secure-app1 secure-db1
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a log-in for files alone, or into a folder without a shell, runs nothing and is told" {
	need_namespaces "sshd of its own"
	account app2 filer /bin/bash
	account app2 jailed /bin/bash
	"$FLEET" in app2 mkdir -p /opt/jail
	sshd_says app2 <<-'E'
		Match User filer
			ForceCommand internal-sftp
		Match User jailed
			ChrootDirectory /opt/jail
	E
	host filer-app2 app2 "User filer" "IdentityFile $FLEET_STATE/id"
	host jailed-app2 app2 "User jailed" "IdentityFile $FLEET_STATE/id"
	config_end
	for h in filer jailed; do
		for t in libssh2 ssh; do
			run call -T "$t" "$h-app2" ssh.read '{"cmd":"true"}'
			[[ $output == "ended failed null the log-in on $h-app2 runs no commands, so nothing was run; it says: "* ]]
			run call -T "$t" "$h-app2" ssh.put '{"path":"/tmp/never-put","content":"x"}'
			[[ $output == "ended failed null the log-in on $h-app2 runs no commands"* ]]
			run call -T "$t" "$h-app2" ssh.get '{"path":"/etc/hostname"}'
			[[ $output == "ended failed null the log-in on $h-app2 runs no commands"* ]]
			run call -T "$t" "$h-app2" ssh.run '{"cmd":"touch /tmp/never-put"}'
			[[ $output == "ended failed null the log-in on $h-app2 runs no commands"* ]]
		done
	done
	run call app2 ssh.read '{"cmd":"ls /tmp/never-put"}'
	[[ $output == *'"exit":2'* ]]
}

@test "a host that allows one channel at a time lets everything be done" {
	need_namespaces "sshd of its own"
	account app2 single /bin/bash
	sshd_says app2 <<-'E'
		Match User single
			MaxSessions 1
	E
	host single-app2 app2 "User single" "IdentityFile $FLEET_STATE/id"
	config_end
	for t in libssh2 ssh; do
		JOB=$JOB-$t
		run call -T "$t" single-app2 ssh.put "{\"path\":\"/var/tmp/single.$t\",\"content\":\"12345678\"}"
		[[ $output == *'ended ok '*'"changed":true'* ]]
		run call -T "$t" -n 2 single-app2 ssh.get "{\"path\":\"/var/tmp/single.$t\",\"to\":\"$BATS_TEST_TMPDIR/back.$t\"}"
		[ "$(grep -c '^ended ok' <<<"$output")" = 2 ]
		[ "$(cat "$BATS_TEST_TMPDIR/back.$t")" = 12345678 ]
		run call -T "$t" single-app2 ssh.put "{\"path\":\"/etc/single.$t\",\"content\":\"x\",\"as\":\"root\"}"
		[[ $output == *'ended ok '*'"changed":true'* ]]
		run call -T "$t" single-app2 ssh.run '{"cmd":"echo one; sleep 0.3; echo two; exit 3"}'
		output=${output//$'"\nout "'/}
		echo "$output"
		[[ $output == *'out "one\ntwo\n"'*'ended ok {"exit":3}'* ]]
	done
}

@test "what SetEnv names is set there, for whom the server takes it" {
	need_namespaces "sshd of its own"
	account app2 envy /bin/bash
	sshd_says app2 <<-'E'
		Match User envy
			AcceptEnv BB_WORD
	E
	host envy-app2 app2 "User envy" "IdentityFile $FLEET_STATE/id" 'SetEnv BB_WORD=hello BB_OTHER=never'
	config_end
	for action in ssh.read ssh.run; do
		JOB=$JOB-$action
		run call envy-app2 "$action" '{"cmd":"echo \"$BB_WORD$BB_OTHER\""}'
		[ "${lines[0]}" = "link fallback: envy-app2: SetEnv of its ssh_config is for the system's ssh, which connects instead" ]
		[[ $output == *'out "hello\n"'* ]]
	done
}

@test "without a home that can be written another place for jobs can be named" {
	need_namespaces "accounts"
	account app2 nohome /bin/bash /no/home
	account app2 still /bin/bash /opt/still
	"$FLEET" in app2 mkdir -p /opt/still /var/tmp
	"$FLEET" in app2 chmod 1777 /var/tmp
	sshd_says app2 <<-'E'
		Match User nohome,still
			AuthorizedKeysFile /etc/keys/deploy
	E
	for h in nohome still; do host "$h-app2" app2 "User $h" "IdentityFile $FLEET_STATE/id"; done
	config_end
	for h in nohome still; do
		JOB=$JOB-$h
		run call "$h-app2" ssh.run '{"cmd":"echo ran"}'
		[[ $output == *"ended failed null $h-app2 has no place for jobs, so nothing was started: cannot mkdir: "*'jobs = "/FOLDER" among the options of this host in the fleet file names another' ]]
		run call -J "/var/tmp/jobs-$h" -n 2 "$h-app2" ssh.run '{"cmd":"echo ran; sleep 0.3; echo still"}'
		[ "$(grep -c '^ended ok {"exit":0}' <<<"$output")" -ge 1 ]
		run call -J /var/tmp/none/jobs "$h-app2" ssh.run '{"cmd":"echo ran"}'
		[[ $output == *"ended failed null $h-app2 has no place for jobs"*'(the fleet file says jobs = "/var/tmp/none/jobs" for this host)' ]]
	done
	"$FLEET" in app2 mkdir -m 777 /var/tmp/open
	run call -J /var/tmp/open still-app2 ssh.run '{"cmd":"echo ran"}'
	[[ $output == *"ended failed null still-app2 has no place for jobs"* ]]
	run call app2 ssh.read '{"cmd":"stat -c %a /var/tmp/jobs-still"}'
	[ "${lines[0]}" = 'out "700\n"' ]
	fleet_file nohome-app2 'still-app2=jobs = "/var/tmp/jobs-still"' app2
	run glance
	[[ $output == *'"host":"nohome-app2"'*'no place for jobs: /no/home is not there'* ]]
	[ "$(grep -c 'no place for jobs' <<<"$output")" = 1 ]
	fleet_file 'still-app2=jobs = "/var/tmp/open"'
	run glance
	[[ $output == *'no place for jobs: others can write to /var/tmp/open'* || $output == *'no place for jobs: /var/tmp/open cannot'* || $output == *'belongs to somebody else'* ]]
	run timeout "${PATIENCE:-120}" "$FLEET" exec env HOME="$BATS_TEST_TMPDIR" "$BELLBOOK" doctor --fleet "$BATS_TEST_TMPDIR/fleet.lua" --journal "$BATS_TEST_TMPDIR/j.db"
	[[ $output == *"warn  host still-app2: no place for jobs"* ]]
}

@test "an unfinished job is found in its folder, also when the fleet file names another one now" {
	need_namespaces "place of its own"
	run "$FLEET" exec python3 "$REPO/tests/lib/session-place.py" "$CONFIG" app2
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "hosts at a glance says of a log-in what it is" {
	need_namespaces "more accounts"
	account app1 closed /usr/sbin/nologin
	account app1 chatty /bin/bash /opt/chatty
	"$FLEET" in app1 sh -c 'mkdir -p /opt/chatty && chown 1000:1000 /opt/chatty && echo "echo disk 10 0 /chatter; echo end; echo noise >&2" >/opt/chatty/.bashrc'
	sshd_says app1 <<-'E'
		Match User chatty
			AuthorizedKeysFile /etc/keys/deploy
	E
	host closed-app1 app1 "User closed" "IdentityFile $FLEET_STATE/id"
	host chatty-app1 app1 "User chatty" "IdentityFile $FLEET_STATE/id"
	config_end
	fleet_file closed-app1 chatty-app1
	run glance
	[[ $output == *'the log-in on closed-app1 runs no commands, so nothing was run; it says: This account is currently not available.'* ]]
	[[ $output == *'"disk_pct":'*'"host":"chatty-app1"'* ]]
	[[ $output != *"cut short"* && $output != *chatter* ]]
}
