# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# faults.sh - break and mend. Each returns once the fault is in force or gone; doing it twice is doing it once.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is broken now is noted in the state directory as faults/HOST.KIND, for status and for the next mend.

FAULTS="link loss delay freeze sshd sshd-session kill stop oom power disk hostkey"

fault_list() {
	cat <<E
     link HOST                the cable
     loss HOST PERCENT        drop packets that reach HOST
     delay HOST MS            add MS to the round trip
     freeze HOST              stop every process on HOST
     sshd HOST                kill the listener (it comes back by itself)
     sshd-session HOST [all]  kill the newest ssh session, or all
     kill HOST [UNIT]         SIGKILL for the main process of a unit (mastodon-web)
     stop HOST UNIT           stop a service: postgresql on db1, redis on db1, mastodon-web on app1 …; mend starts it
     oom HOST [TEXT]          SIGKILL for the process with the most memory (of those whose command has TEXT)
     power HOST               cable out, then power off; mend boots it with its disk kept
     disk HOST                fill the disk to the last block
     hostkey HOST             another host key
E
}

# Checks the words, then works in the world (or in the loopback tier, which has few faults).
fault() {
	local verb=$1 kind=${2:-} host=${3:-} arg=${4:-}
	if [ -z "$kind" ] && [ "$verb" = break ]; then
		echo "fleet: break WHAT, and mend WHAT to take it back; there are:"
		fault_list
		echo "hosts: ${HOSTS[*]}"
		return
	fi
	case " $FAULTS " in
	*" ${kind:-?} "*) ;;
	*) die "$verb: \"$kind\" is not a fault; there are: $FAULTS" ;;
	esac
	[ -n "$host" ] || die "$verb $kind: which host?"
	need_host "$host"
	if [ "$verb" = break ]; then
		case $kind in
		loss) is_number "$arg" 0 100 || die "break loss $host: how many percent?" ;;
		delay) is_number "$arg" 0 10000 || die "break delay $host: how many milliseconds?" ;;
		stop) [ -n "$arg" ] || die "break stop $host: which unit? (fleet in $host systemctl list-units)" ;;
		esac
	fi
	if [ "$(<"$STATE/tier")" = loopback ]; then
		loop_fault "$verb" "$kind" "$host" "$arg"
	else
		in_world __fault "$verb" "$kind" "$host" "$arg"
	fi
}

is_number() {
	[[ $1 =~ ^[0-9]+(\.[0-9]+)?$ ]] && awk -v n="$1" -v lo="$2" -v hi="$3" 'BEGIN { exit !(n >= lo && n <= hi) }'
}

world_fault() {
	local verb=$1 kind=$2 h=$3 arg=$4
	exec 8<"$STATE/faults"
	flock 8
	if [ ! -e "$STATE/pid.$h" ] && [ "$kind" != power ] && [ "$kind" != disk ]; then
		die "$h is powered off (mend power $h)"
	fi
	"${verb}_${kind//-/_}" "$h" "$arg" || die "$verb $kind $h: did not work"
	case $verb.$kind in
	*.sshd | *.sshd-session | *.kill | *.oom) ;;
	break.*) echo "$arg" >"$STATE/faults/$h.$kind" ;;
	mend.*) rm -f "$STATE/faults/$h.$kind" ;;
	esac
}

# For status: "broken: link, loss 20".
faults_of() {
	local f words=''
	for f in "$STATE/faults/$1".*; do
		[ -e "$f" ] || continue
		words+="${words:+, }${f##*.}$(sed 's/^./ &/' "$f")"
	done
	[ -z "$words" ] || echo "broken: $words"
}

# --- the cable

break_link() { ip link set "v-$1" down; }

mend_link() { ip link set "v-$1" up && await 5 "carrier of $1" has_carrier "$1" && forget_neighbour "$1"; }

# The others have found nobody at this address, and would go on believing it for seconds.
forget_neighbour() {
	local h
	ip neigh del "$(address_of "$1")" dev br0 2>/dev/null
	for h in "${HOSTS[@]}"; do
		[ ! -e "$STATE/pid.$h" ] || nsenter -t "$(<"$STATE/pid.$h")" -n ip neigh del "$(address_of "$1")" dev eth0 2>/dev/null
	done
	return 0
}

has_carrier() { ip link show "v-$1" | grep -q LOWER_UP; }

break_loss() {
	local some=''
	awk -v p="$2" 'BEGIN { exit p >= 100 }' && some="numgen random mod 10000 < $(awk -v p="$2" 'BEGIN { printf "%d", p * 100 }')"
	nsenter -t "$(<"$STATE/pid.$1")" -n nft -f - <<-E
		table inet fleet_loss
		delete table inet fleet_loss
		table inet fleet_loss {
			chain in {
				type filter hook input priority -300
				iifname "eth0" $some drop
			}
		}
	E
}

mend_loss() {
	nsenter -t "$(<"$STATE/pid.$1")" -n nft -f - <<-E
		table inet fleet_loss
		delete table inet fleet_loss
	E
}

# Half of it each way. The kernel's netem where it has that, else a cable of our own (wire.c) between host and bridge.
break_delay() {
	local half p
	half=$(awk -v ms="$2" 'BEGIN { printf "%d", ms * 500 }')
	p=$(<"$STATE/pid.$1")
	mend_delay "$1"
	if tc qdisc replace dev "v-$1" root netem delay "${half}us" limit 20000 2>/dev/null; then
		nsenter -t "$p" -n tc qdisc replace dev eth0 root netem delay "${half}us" limit 20000
	else
		start_wire "$1" "$half"
	fi
}

mend_delay() {
	local h=$1
	tc qdisc del dev "v-$h" root 2>/dev/null
	nsenter -t "$(<"$STATE/pid.$h")" -n tc qdisc del dev eth0 root 2>/dev/null
	stop_wire "$h"
	ip link set "v-$h" master br0
}

start_wire() {
	local h=$1
	if [ ! -x "$W/wire" ]; then
		command -v cc >/dev/null || { echo "fleet: no delay: the kernel has no netem, and there is no C compiler for wire.c" >&2; return 1; }
		cc -std=c11 -O2 -o "$W/wire" "$FLEET_DIR/wire.c" || return 1
	fi
	ip link add "wx-$h" type veth peer name "wy-$h" || return 1
	ip link set "wx-$h" up && ip link set "wy-$h" master br0 up || return 1
	rm -f "$W/wire.$h.ready"
	setsid "$W/wire" "v-$h" "wx-$h" "$2" >"$W/wire.$h.ready" 2>>"$W/log.$h" </dev/null 8<&- &
	echo $! >"$W/wire.$h"
	await 5 "the cable of $h" test -s "$W/wire.$h.ready" || return 1
	ip link set "v-$h" nomaster
}

stop_wire() {
	[ -e "$W/wire.$1" ] || return 0
	kill -KILL "$(<"$W/wire.$1")" 2>/dev/null
	rm -f "$W/wire.$1"
	ip link del "wx-$1" 2>/dev/null
	await 5 "end of the cable of $1" no_link "wx-$1"
}

no_link() { ! ip link show "$1" >/dev/null 2>&1; }

# --- processes

# Every process of host $1, seen from the world: pid, state, command line.
processes_of() {
	local ns
	ns=$(readlink "/proc/$(<"$STATE/pid.$1")/ns/pid")
	ps -eo pid=,pidns=,state=,ppid=,args= --sort=-start_time | awk -v ns="${ns//[!0-9]/}" '$2 == ns { $2 = ""; print }'
}

# Again until none runs: one may be born while the others are stopped.
break_freeze() { await 10 "processes of $1 stop" all_stopped "$1"; }

all_stopped() {
	local running
	running=$(processes_of "$1" | awk '$2 !~ /[TtZX]/ { print $1 }')
	[ -n "$running" ] || return 0
	# shellcheck disable=SC2086 # pids are words
	kill -STOP $running
	return 1
}

mend_freeze() { await 10 "processes of $1 go on" none_stopped "$1"; }

none_stopped() {
	local stopped
	stopped=$(processes_of "$1" | awk '$2 == "T" { print $1 }')
	[ -n "$stopped" ] || return 0
	# shellcheck disable=SC2086 # pids are words
	kill -CONT $stopped
	return 1
}

listener_of() { processes_of "$1" | awk '/sshd: .*\[listener\]/ { print $1 }'; }

# Returns when the old listener is gone; the host's init brings another one.
break_sshd() {
	local p
	p=$(listener_of "$1")
	[ -n "$p" ] || return 0
	kill -KILL "$p"
	await 5 "end of sshd on $1" no_process "$p"
	echo "fleet: $1: sshd killed"
}

mend_sshd() { await 10 "sshd on $1" listens "$1" 22; }

no_process() { ! is_alive "$1"; }

# The newest session: its process for the user and the privileged one above it. The remote command goes on, as it would.
break_sshd_session() {
	local list victims p n=0
	list=$(processes_of "$1" | awk '$4 == "sshd:" && !/\[listener\]/')
	if [ "$2" = all ]; then
		victims=$(awk '{ print $1 }' <<<"$list")
		n=$(awk '/@/ { n++ } END { print n + 0 }' <<<"$list")
	else
		victims=$(awk '/@/ && !u { u = $1; up = $3 } { priv[$1] = /\[priv\]/ } END { if (u) print u; if (priv[up]) print up }' <<<"$list")
		[ -z "$victims" ] || n=1
	fi
	# shellcheck disable=SC2086 # pids are words
	[ -z "$victims" ] || kill -KILL $victims 2>/dev/null
	for p in $victims; do await 5 "end of a session on $1" no_process "$p"; done
	echo "fleet: $1: $n ssh session$([ "$n" = 1 ] || echo s) killed"
}

mend_sshd_session() { :; }

# The main process of a unit, as a stray kill -9 would.
break_kill() {
	local unit=${2:-mastodon-web} p
	p=$(at_host "$1" systemctl show -p MainPID --value "$unit")
	if [ "${p:-0}" = 0 ]; then
		echo "fleet: $1: $unit has no main process" >&2
		return 1
	fi
	at_host "$1" kill -KILL "$p" && await 5 "end of $unit on $1" no_process_at "$1" "$p"
	echo "fleet: $1: $unit killed (pid $p)"
}

mend_kill() { :; }

no_process_at() { ! at_host "$1" kill -0 "$2"; }

# Hosts without systemd have a script for each of their services (rc/), and the pid file of the program itself.
pid_file_of() {
	case $1 in
	postgresql) echo /var/run/postgresql/15-main.pid ;;
	redis) echo /run/redis/redis-server.pid ;;
	nginx) echo /run/nginx.pid ;;
	esac
}

break_stop() {
	local file p signal=TERM
	file=$(pid_file_of "$2")
	if [ -z "$file" ]; then
		at_host "$1" systemctl stop "$2" || return 1
	elif p=$(at_host "$1" head -n 1 "$file" 2>/dev/null); then
		[ "$2" != postgresql ] || signal=INT # fast: it does not wait for who is connected
		at_host "$1" kill "-$signal" "$p" && await 30 "end of $2 on $1" no_process_at "$1" "$p"
	fi
	echo "fleet: $1: $2 stopped"
}

# The one that was stopped there, or that is named.
mend_stop() {
	local unit=${2:-} p
	[ -n "$unit" ] || unit=$(cat "$STATE/faults/$1.stop" 2>/dev/null)
	if [ -z "$unit" ]; then
		return 0
	elif [ -z "$(pid_file_of "$unit")" ]; then
		at_host "$1" systemctl start "$unit"
	elif p=$(at_host "$1" head -n 1 "$(pid_file_of "$unit")" 2>/dev/null) && at_host "$1" kill -0 "$p" 2>/dev/null; then
		return 0
	else
		at_host "$1" "/etc/fleet/rc.d/$unit" 8<&- # what it starts lives on, and would keep our lock
	fi
}

# What the kernel does when there is no memory left: the process with the most of it goes, of those that say $2 if that is given.
break_oom() {
	local p kb words
	read -r p kb words < <(at_host "$1" ps -eo pid=,rss=,args= --sort=-rss | awk -v say="${2:-}" '$1 > 1 && $3 != "ps" && index($0, say) { print; exit }')
	if [ -z "$p" ]; then
		echo "fleet: $1: no process says \"$2\"" >&2
		return 1
	fi
	at_host "$1" kill -KILL "$p"
	echo "fleet: $1: killed for its memory, ${kb} kB: $p $words"
}

mend_oom() { :; }

# --- the host

# The cable first: nobody gets a goodbye. Then the first process, and with it all of the host but its disk.
break_power() {
	local h=$1 p
	[ -e "$STATE/pid.$h" ] || return 0
	p=$(<"$STATE/pid.$h")
	ip link set "v-$h" down
	stop_wire "$h"
	kill -KILL "$p"
	await 10 "end of $h" no_process "$p" || return 1
	rm -f "$STATE/pid.$h" "$STATE/faults/$h".{link,loss,delay,freeze}
	# It may be gone already; but connections without a goodbye can keep the old network alive for minutes.
	ip link del "v-$h" 2>/dev/null
	await 5 "end of the cable of $h" no_link "v-$h"
}

# Boots on the same disk, with a new boot id. Services may miss others that are off: that is not this host's fault.
mend_power() {
	local h=$1
	[ ! -e "$STATE/pid.$h" ] || return 0
	boot "$h" && forget_neighbour "$h" && await 20 "sshd on $h" listens "$h" 22 || return 1
	await_services "$h" 20 || echo "fleet: $h has booted, but not all of its services have come up"
}

break_disk() {
	local f=$W/disk/$1/var/tmp/fleet-fill left
	while left=$(stat -f -c '%a * %S' "$W/disk/$1"); [ $((left)) -gt 0 ]; do
		fallocate -o "$(stat -c %s "$f" 2>/dev/null || echo 0)" -l $((left)) "$f" 2>/dev/null || pause 0.01
	done
}

mend_disk() { rm -f "$W/disk/$1/var/tmp/fleet-fill"; }

new_hostkeys() {
	local type
	for type in ed25519 ecdsa; do
		[ -e "$STATE/hostkeys/$1.$type.new" ] || ssh-keygen -q -t "$type" -N '' -C "root@$1" -f "$STATE/hostkeys/$1.$type.new"
	done
}

break_hostkey() {
	new_hostkeys "$1"
	put_hostkeys "$1" .new
	restart_sshd "$1"
}

mend_hostkey() {
	put_hostkeys "$1" ''
	restart_sshd "$1"
}

restart_sshd() { break_sshd "$1" >/dev/null && mend_sshd "$1"; }
