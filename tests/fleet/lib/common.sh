# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# common.sh - names, addresses, state directory and the way into the namespaces of the practice fleet.
# SPDX-License-Identifier: GPL-3.0-or-later

HOSTS=(ops app1 app2 db1 db2 search1)
BOOT_ORDER=(db1 app1 db2 app2 ops search1) # the others wait for the database
NET=10.77.0
STATE=${FLEET_STATE:-${XDG_RUNTIME_DIR:-/tmp}/bellbook-fleet.$UID}
case $STATE in /*) ;; *) STATE=$PWD/$STATE ;; esac
W=$STATE/w # a tmpfs that only the world sees: disks, templates
PASSWORD=practice-only
PATH=$PATH:/usr/sbin:/sbin

die() {
	echo "fleet: $*" >&2
	exit 1
}

now() { echo "$EPOCHREALTIME"; }

since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }

# A short wait without a process of its own.
pause() { read -r -t "$1" <><(:) || :; }

# await SECONDS WHAT CMD...: runs CMD until it succeeds; after SECONDS (FLEET_PATIENCE times that, for tests on a busy machine) says what did not happen.
await() {
	local until=$((SECONDS + $1 * ${FLEET_PATIENCE:-1})) what=$2
	shift 2
	until "$@" 2>/dev/null; do
		if [ "$SECONDS" -gt "$until" ]; then
			echo "fleet: gave up waiting: $what" >&2
			return 1
		fi
		pause 0.01
	done
}

index_of() {
	local i
	for i in "${!HOSTS[@]}"; do [ "${HOSTS[i]}" = "$1" ] && echo "$i" && return; done
	return 1
}

address_of() { echo "$NET.$((10 + $(index_of "$1")))"; }

answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# Alive and not a zombie (this machine's pid 1 may reap late).
is_alive() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) }
	[ "${stat%% *}" != Z ] && [ "${stat%% *}" != X ]
}

start_time() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086 # the fields of stat are words
	set -- $stat
	echo "${20}"
}

# True in a process of the world itself, for example below "fleet exec".
is_inside() {
	[ -e "$STATE/pidns" ] && [ "$(readlink /proc/self/ns/pid)" = "$(<"$STATE/pidns")" ]
}

# A pid alone may have been given to somebody else since: the start time belongs to it.
is_up() {
	[ -e "$STATE/ready" ] || return 1
	is_inside && return 0
	[ "$(start_time "$(<"$STATE/outer")")" = "$(cat "$STATE/outer.since" 2>/dev/null)" ] && is_alive "$(<"$STATE/outer")"
}

# Replaces this process by CMD in the world's user, mount, net and pid namespaces, working directory kept.
enter_world() {
	local -a user=()
	if is_inside; then exec nsenter -t 1 -n -- "$@"; fi
	if [ "$(<"$STATE/tier")" = rootless ]; then user=(-U --preserve-credentials); fi
	exec nsenter -t "$(<"$STATE/world")" "${user[@]}" -m -n -p --wdns="$PWD" -- "$@"
}

in_world() { (enter_world env "FLEET_STATE=$STATE" "$SELF" "$@"); }

# Runs CMD as root in the namespaces of HOST.
in_host() {
	local h=$1
	shift
	[ $# -gt 0 ] || die "in: which command?"
	if [ "$(<"$STATE/tier")" = loopback ]; then loop_in "$h" "$@"; fi
	[ -e "$STATE/pid.$h" ] || die "$h is powered off"
	enter_world setpriv --pdeathsig TERM nsenter -t "$(<"$STATE/pid.$h")" -n -u -i -m -p -r -w -- \
		env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root USER=root LC_ALL=C.UTF-8 "TERM=${TERM:-dumb}" "$@"
}

# The same from a process of the world.
at_host() {
	local p
	p=$(<"$STATE/pid.$1")
	shift
	nsenter -t "$p" -n -u -i -m -p -r -w -- \
		env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root USER=root LC_ALL=C.UTF-8 "$@" </dev/null
}

clear_state() { find "$STATE" -mindepth 1 -xdev -delete 2>/dev/null; }

remove_state() { remove_cgroups; clear_state; rmdir "$STATE" 2>/dev/null; }

# Ends the world by its first process; the kernel ends the rest. Returns when they are gone.
stop_world() {
	local outer world
	[ -e "$STATE/outer" ] || return 0
	outer=$(<"$STATE/outer")
	if [ "$(cat "$STATE/tier" 2>/dev/null)" = loopback ]; then
		loop_stop "$outer"
		return
	fi
	[ ! -e "$STATE/outer.since" ] || [ "$(start_time "$outer")" = "$(<"$STATE/outer.since")" ] || return 0
	world=$(cat "$STATE/world" 2>/dev/null)
	kill -KILL ${world:+"$world"} "$outer" 2>/dev/null
	while is_alive "$outer" || { [ -n "$world" ] && is_alive "$world"; }; do pause 0.01; done
}

can_unshare() { unshare "$@" --net --mount --pid --uts --ipc --fork true 2>/dev/null; }

# Prints root, rootless or loopback.
choose_tier() {
	case ${FLEET_TIER:-} in
	'') ;;
	root | rootless | loopback) echo "$FLEET_TIER"; return ;;
	*) die "FLEET_TIER=$FLEET_TIER: choose root, rootless or loopback" ;;
	esac
	if [ "$UID" = 0 ] && can_unshare; then
		echo root
	elif can_unshare -U -r --map-auto; then
		echo rootless
	else
		echo loopback
	fi
}

why_loopback() {
	if [ -n "${FLEET_TIER:-}" ]; then
		echo "loopback was asked for (FLEET_TIER)"
	elif ! unshare -U true 2>/dev/null; then
		echo "this kernel or container gives $(id -un) no user namespaces"
	elif ! grep -q "^$(id -un):" /etc/subuid 2>/dev/null; then
		echo "$(id -un) has no subordinate ids: usermod --add-subuids 200000-265535 --add-subgids 200000-265535 $(id -un)"
	else
		echo "namespaces are refused: $(unshare -U -r --map-auto --net --mount --pid --fork true 2>&1 | head -n 1)"
	fi
}

tier_words() {
	case $1 in
	root) echo "root: namespaces, all faults" ;;
	rootless) echo "rootless: namespaces below a user namespace, all faults; sudo is a copy that the mapped root owns" ;;
	loopback) echo "loopback: no link faults, no power, no delay, no loss, no size-limited disk, one user, no sudo, no services" ;;
	esac
}

# Says which packages are missing instead of failing later without words.
check_packages() {
	local c p missing=''
	while read -r p c; do
		[ -e "$c" ] || missing+=" $p"
	done <<-E
		openssh-server /usr/sbin/sshd
		openssh-client /usr/bin/ssh
		$([ "$1" = loopback ] || echo "iproute2 $(command -v ip || echo /usr/sbin/ip)")
		$([ "$1" = loopback ] || echo "sudo /usr/bin/sudo")
		$([ "$1" = loopback ] || [ "${FLEET_SERVICES:-yes}" = no ] || printf '%s\n' \
			"postgresql-15 /usr/lib/postgresql/15/bin/initdb" "redis-server /usr/bin/redis-server" "nginx-light /usr/sbin/nginx")
	E
	missing=$(tr -s ' ' <<<"$missing")
	[ "$missing" = '' ] || [ "$missing" = ' ' ] || { echo "fleet: packages are missing:$missing (make deps installs them)" >&2; return 1; }
}
