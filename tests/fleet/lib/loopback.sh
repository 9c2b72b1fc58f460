# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# loopback.sh - the tier without namespaces: one sshd per host on 127.0.1.N, as the calling user, files apart where bwrap works.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# No process can take all others with it here, so there are two: the keeper, which the state names, and a guard that
# waits for the keeper's death, whatever the cause, then ends everything of the fleet and removes its state.
# A process belongs to the fleet by its environment (FLEET_MARK), by its parents, or by its open log of sshd.

loop_port() { cat "$STATE/port" 2>/dev/null || echo 2222; }

loop_address() { echo "127.0.1.$((10 + $(index_of "$1")))"; }

# A port that is free on all addresses, so that several fleets can run.
choose_port() {
	local p
	for ((p = ${FLEET_PORT:-2222}; p < 65535; p++)); do
		loop_port_free "$p" && echo "$p" && return
	done
	return 1
}

loop_port_free() {
	local h
	for h in "${HOSTS[@]}"; do ! answers "$(loop_address "$h")" "$1" || return 1; done
}

has_bwrap() { command -v bwrap >/dev/null && bwrap --ro-bind / / --unshare-uts --hostname probe true 2>/dev/null; }

# The keeper.
loop_world() {
	local h
	trap '' HUP INT TERM
	umask 077
	mkfifo "$STATE/alive"
	exec 7<>"$STATE/alive"
	setsid "$SELF" __loop_guard 7>&- >>"$STATE/log" 2>&1 &
	echo $! >"$STATE/guard"
	await 10 "the guard" test -e "$STATE/guarded" || exit 1
	make_keys 7>&-
	cat "$STATE/id.pub" "$STATE/id_rsa.pub" "$STATE/id_enc.pub" >"$STATE/authorized_keys"
	if ! has_bwrap; then echo "no bwrap: the hosts share this machine's files; only HOME is apart" >>"$STATE/notes"; fi
	for h in "${HOSTS[@]}"; do
		loop_host_files "$h"
		loop_host "$h" 7>&- &
		echo $! >"$STATE/h/$h/loop"
	done
	for h in "${HOSTS[@]}"; do await 20 "sshd on $h" answers "$(loop_address "$h")" "$(loop_port)" || exit 1; done
	: >"$STATE/ready"
	while :; do
		env FLEET_MARK="$STATE" sleep 86400 7>&- &	# marked: the sweep ends it when the keeper was killed
		wait $!
	done
}

# The guard holds the reading end; the keeper's death closes the only writing end.
loop_guard() {
	local _
	trap '' HUP INT TERM
	exec 6<"$STATE/alive"
	: >"$STATE/guarded"
	read -r _ <&6
	loop_sweep
	remove_state
}

loop_host() {
	trap '' HUP INT TERM
	while :; do
		env -i PATH="$PATH" FLEET_MARK="$STATE" /usr/sbin/sshd -D -f "$STATE/h/$1/sshd_config" -E "$STATE/h/$1/sshd.log"
		pause 0.1
	done
}

loop_host_files() {
	local h=$1 d=$STATE/h/$1
	mkdir -p "$d"/{home,srv,tmp,vartmp}
	chmod 1777 "$d/tmp" "$d/vartmp"
	loop_hostkeys "$h" ''
	loop_login "$h" >"$d/login"
	chmod 700 "$d/login"
	cat >"$d/sshd_config" <<-E
		Port $(loop_port)
		ListenAddress $(loop_address "$h")
		HostKey $d/key_ed25519
		HostKey $d/key_ecdsa
		PidFile $d/pid
		UsePAM no
		StrictModes no
		PermitRootLogin prohibit-password
		PasswordAuthentication no
		AuthorizedKeysFile $STATE/authorized_keys
		SetEnv FLEET_MARK=$STATE FLEET_HOST=$h
		ForceCommand $d/login
		Subsystem sftp /usr/lib/openssh/sftp-server
		LogLevel VERBOSE
		MaxStartups 200:30:400
		MaxSessions 100
		PrintMotd no
	E
	if [ "$UID" = 0 ] && [ ! -d /run/sshd ]; then
		mkdir -m 755 /run/sshd
		: >"$STATE/made_run_sshd"
	fi
}

loop_hostkeys() {
	local type
	for type in ed25519 ecdsa; do
		cp "$STATE/hostkeys/$1.$type$2" "$STATE/h/$1/key_$type"
		chmod 600 "$STATE/h/$1/key_$type"
	done
}

# The command that every login of host $1 runs. Processes are not bound to the login: jobs live on, as on a real host.
loop_login() {
	local d=$STATE/h/$1
	cat <<-E
		#!/bin/bash
		# login - a session on the practice host $1 (loopback tier)
		export FLEET_MARK='$STATE' FLEET_HOST='$1'
		export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
		if [ -n "\${SSH_ORIGINAL_COMMAND:-}" ]; then set -- bash -c "\$SSH_ORIGINAL_COMMAND"; else set -- bash -l; fi
	E
	if has_bwrap; then
		cat <<-E
			exec bwrap --ro-bind / / --dev-bind /dev /dev --dev-bind /proc /proc --unshare-uts --hostname $1 --bind '$d/tmp' /tmp \\
				--bind '$d/vartmp' /var/tmp --bind '$d/srv' /srv --bind '$d/home' "\$HOME" --chdir "\$HOME" -- "\$@"
		E
	else
		cat <<-E
			export HOME='$d/home'
			cd
			exec "\$@"
		E
	fi
}

loop_in() {
	local h=$1
	shift
	exec env "SSH_ORIGINAL_COMMAND=$(printf '%q ' "$@")" "$STATE/h/$h/login"
}

loop_status() {
	local h
	for h in "${HOSTS[@]}"; do
		printf '  %-8s %-16s %s  %s\n' "$h" "$(loop_address "$h"):$(loop_port)" \
			"$(answers "$(loop_address "$h")" "$(loop_port)" && echo answers || echo "does not answer")" "$(faults_of "$h")"
	done
}

# Every process of host $1, or of the fleet without $1, by marker, by open log, by descent.
loop_processes() {
	local where=${1:-*} roots mark="FLEET_MARK=$STATE"
	[ -z "${1:-}" ] || mark="FLEET_HOST=$1"
	# shellcheck disable=SC2086 # a pattern
	roots=$({
		cat "$STATE/h"/$where/loop
		find /proc/[0-9]*/fd -lname "$STATE/h/$where/sshd.log" | cut -d/ -f3
		grep -lzx -e "$mark" /proc/[0-9]*/environ | while read -r f; do
			grep -qzx "FLEET_MARK=$STATE" "$f" && cut -d/ -f3 <<<"$f"
		done
	} 2>/dev/null | sort -u)
	ps -eo pid=,ppid=,state=,args= | awk -v roots="$roots" -v me="$BASHPID" '
		BEGIN { n = split(roots, r, "\n"); for (i = 1; i <= n; i++) in_fleet[r[i]] = 1 }
		{ parent[$1] = $2; line[$1] = $0 }
		END {
			for (again = 1; again; ) {
				again = 0
				for (p in parent) if (!in_fleet[p] && in_fleet[parent[p]]) { in_fleet[p] = 1; again = 1 }
			}
			for (p in line) if (in_fleet[p] && p != me) print line[p]
		}'
}

# Ends all processes of the fleet; the ones that would start others go with the first blow.
loop_sweep() {
	local victims
	while victims=$(loop_processes | awk '$3 !~ /[ZX]/ { print $1 }'); [ -n "$victims" ]; do
		# shellcheck disable=SC2086 # pids are words
		kill -KILL $victims 2>/dev/null
		pause 0.01
	done
	[ ! -e "$STATE/made_run_sshd" ] || rmdir /run/sshd 2>/dev/null
}

# The guard first: it must not clear away what a next fleet puts in the same place.
loop_stop() {
	local guard
	guard=$(cat "$STATE/guard" 2>/dev/null)
	if [ -n "$guard" ] && tr '\0' ' ' <"/proc/$guard/cmdline" 2>/dev/null | grep -q __loop_guard; then
		kill -KILL "$guard"
	fi
	if [ "$(start_time "$1")" = "$(cat "$STATE/outer.since" 2>/dev/null)" ] && kill -KILL "$1" 2>/dev/null; then
		while is_alive "$1"; do pause 0.01; done
	fi
	loop_sweep
}

loop_fault() {
	local verb=$1 kind=$2 h=$3 arg=$4
	case $kind in
	link | loss | delay | kill | stop | oom | power | disk)
		echo "fleet: tier loopback: no $kind faults" >&2
		exit 4
		;;
	esac
	"loop_${kind//-/_}" "$verb" "$h" "$arg" || die "$verb $kind $h: did not work"
	case $verb.$kind in
	*.sshd | *.sshd-session) ;;
	break.*) echo "$arg" >"$STATE/faults/$h.$kind" ;;
	mend.*) rm -f "$STATE/faults/$h.$kind" ;;
	esac
}

# $1 = STOP or CONT, $2 = host, $3 = states in which a process still needs the signal
loop_signal() {
	local victims
	while victims=$(loop_processes "$2" | awk -v s="$3" '$3 ~ s { print $1 }'); [ -n "$victims" ]; do
		# shellcheck disable=SC2086 # pids are words
		kill "-$1" $victims 2>/dev/null
		pause 0.01
	done
}

loop_freeze() {
	if [ "$1" = break ]; then loop_signal STOP "$2" '[^TtZX]'; else loop_signal CONT "$2" 'T'; fi
}

loop_sshd() {
	local p
	if [ "$1" = break ]; then
		p=$(loop_processes "$2" | awk '/\[listener\]/ { print $1 }')
		[ -n "$p" ] || return 0
		# shellcheck disable=SC2086 # pids are words
		kill -KILL $p
		for p in $p; do await 5 "end of sshd on $2" no_process "$p"; done
		echo "fleet: $2: sshd killed"
	else
		await 10 "sshd on $2" answers "$(loop_address "$2")" "$(loop_port)"
	fi
}

loop_sshd_session() {
	local victims n
	[ "$1" = break ] || return 0
	victims=$(loop_processes "$2" | awk '$4 == "sshd:" && !/\[listener\]/ { print $1 }' | sort -n)
	[ "$3" = all ] || victims=$(tail -n 1 <<<"$victims")
	n=$(wc -w <<<"$victims")
	# shellcheck disable=SC2086 # pids are words
	[ "$n" = 0 ] || kill -KILL $victims 2>/dev/null
	echo "fleet: $2: $n ssh session$([ "$n" = 1 ] || echo s) killed"
}

loop_hostkey() {
	local new=''
	if [ "$1" = break ]; then
		new=.new
		new_hostkeys "$2"
	fi
	loop_hostkeys "$2" "$new"
	loop_sshd break "$2" >/dev/null && loop_sshd mend "$2"
}
