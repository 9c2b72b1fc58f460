# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# host.sh - the world (bridge, disks) and the boot of a host in it.
# SPDX-License-Identifier: GPL-3.0-or-later

# First process of the world. Its death ends everything.
world() {
	local h
	trap '' HUP INT TERM
	cd / || exit 1
	mount -t proc proc /proc || die "cannot mount /proc"
	readlink /proc/self/ns/pid >"$STATE/pidns"
	if ! { mkdir -p "$W" && mount -t tmpfs -o mode=755,size=64m fleet-world "$W"; }; then die "cannot mount $W"; fi
	make_keys &
	ip link set lo up
	if ! { ip link add br0 type bridge && ip addr add "$NET.1/24" dev br0 && ip link set br0 up; }; then die "no bridge"; fi
	mount --bind "$STATE/hosts" /etc/hosts || die "cannot mount /etc/hosts"
	make_template || die "no template"
	make_suid || die "no copies of sudo"
	mount_cgroups || die "no cgroups"
	for h in "${BOOT_ORDER[@]}"; do
		await 30 "host key of $h" test -e "$STATE/hostkeys/$h.ready" || exit 1
		make_disk "$h" || die "no disk for $h"
		boot "$h" || die "$h does not boot"
	done
	systemd_or_standin || die "the app hosts do not boot"
	await 60 "the volunteer's keys" test -e "$STATE/hostkeys/ready" || exit 1
	for h in "${HOSTS[@]}"; do authorize "$h"; done
	for h in "${HOSTS[@]}"; do
		await 20 "sshd on $h" listens "$h" 22 || exit 1
		await_services "$h" 60 || exit 1
	done
	: >"$STATE/ready"
	while :; do
		sleep 86400 &
		wait $!
	done
}

# Starts host $1 on its disk and joins it to the bridge. Returns before sshd answers.
boot() {
	local h=$1 outer p
	rm -f "$STATE/pid.$h"
	! has_systemd "$h" || fresh_cgroup "$h" || return 1
	setsid unshare --net --uts --ipc --pid --mount --fork --kill-child=KILL "$SELF" __host "$h" >>"$W/log.$h" 2>&1 </dev/null 8<&- &
	outer=$!
	await 10 "$h" has_child "$outer" || return 1
	read -r p <"/proc/$outer/task/$outer/children"
	echo "${p%% *}" >"$STATE/pid.$h"
	ip link add "v-$h" type veth peer name eth0 netns "${p%% *}" && ip link set "v-$h" master br0 up
}

# True when a process on host $1 listens on TCP port $2. Unlike a connection it loses no time to a lost first packet.
listens() {
	local p
	p=$(<"$STATE/pid.$1")
	grep -q "$(printf ':%04X 0*:0000 0A' "$2")" "/proc/$p/net/tcp"
}

has_child() {
	local p=''
	read -r p <"/proc/$1/task/$1/children"
	[ -n "$p" ]
}

# Pid 1 of the host's namespaces: its view of the file system, its address, then init.
host_boot() {
	local h=$1 r=$W/disk/$1 d systemd=no
	hostname "$h"
	if has_systemd "$h"; then
		systemd=$(<"$STATE/systemd")
		echo 0 >"$W/cgroups/$(<"$STATE/cgroup")/$h/cgroup.procs" || exit 1
	fi
	cd "$r" || exit 1
	find tmp -mindepth 1 -delete # as Debian does at boot
	mount --rbind /usr usr && mount -o remount,bind,ro usr
	mount --bind "$W/local/$h" usr/local
	for d in sudo su; do mount --bind "$W/suid/$d" "usr/bin/$d"; done
	mount --bind "$W/suid/libexec" usr/libexec/sudo
	if [ -d "$FLEET_DIR/mastodon" ]; then
		mount --bind "$FLEET_DIR/mastodon" opt/standin && mount -o remount,bind,ro opt/standin
	fi
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys 2>/dev/null
	mount -t tmpfs -o mode=755,size=64m run run
	mkdir -p -m 755 run/sshd run/sudo run/fleet
	mkdir -p -m 1777 run/lock
	[ "$systemd" = no ] || mount --bind mnt usr/share/dbus-1/system-services # no polkit: a server has none
	host_dev
	host_boot_id
	host_net "$h"
	pivot_root . old || exit 1
	cd / || exit 1
	umount -l /old
	[ "$systemd" = no ] || become_systemd "${systemd#real: }"
	exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio \
		env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LC_ALL=C.UTF-8 /bin/bash /etc/fleet/init
}

# A /dev of its own: terminals and shared memory are not shared between hosts.
host_dev() {
	local d
	mount -t tmpfs -o mode=755,size=1m dev dev
	for d in null:3 zero:5 full:7 random:8 urandom:9; do
		host_node "${d%:*}" 1 "${d#*:}"
	done
	host_node tty 5 0
	mkdir -p dev/pts dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
	mount -t tmpfs -o mode=1777,size=64m shm dev/shm
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	ln -s /proc/self/fd/0 dev/stdin
	ln -s /proc/self/fd/1 dev/stdout
	ln -s /proc/self/fd/2 dev/stderr
}

# A device of its own, or in a user namespace this machine's.
host_node() {
	if mknod -m 666 "dev/$1" c "$2" "$3" 2>/dev/null; then return; fi
	rm -f "dev/$1"
	: >"dev/$1"
	mount --bind "/dev/$1" "dev/$1"
} 2>/dev/null

# Another boot id each time, and no kernel setting of this machine within reach.
host_boot_id() {
	cat /proc/sys/kernel/random/uuid >run/fleet/boot_id
	mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
	[ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger
	mount --bind run/fleet/boot_id proc/sys/kernel/random/boot_id
}

host_net() {
	ip link set lo up
	await 10 "eth0" ip link show eth0 >/dev/null || exit 1
	ip addr add "$(address_of "$1")/24" dev eth0
	ip link set eth0 up
	ip route add default via "$NET.1"
}

world_status() {
	local h p state
	for h in "${HOSTS[@]}"; do
		p=$(cat "$STATE/pid.$h" 2>/dev/null)
		if [ -z "$p" ] || ! is_alive "$p"; then
			state="powered off"
		elif answers_soon "$(address_of "$h")"; then
			state="answers"
		else
			state="does not answer"
		fi
		printf '  %-8s %-11s %-16s disk %s  %s\n' "$h" "$(address_of "$h")" "$state" \
			"$(df -h --output=used,size "$W/disk/$h" | awk 'NR == 2 { print $1 " of " $2 }')" "$(faults_of "$h")"
	done
}

# shellcheck disable=SC2016 # the inner shell expands it
answers_soon() { timeout "${FLEET_PATIENCE:-1}" bash -c 'exec 3<>"/dev/tcp/$0/22" && read -r -u 3' "$1" 2>/dev/null; }
