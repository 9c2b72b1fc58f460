# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# systemd.sh - Debian's systemd as process 1 of the app hosts in the root tier; where that cannot be had, a reason in words.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Such a host has a cgroup of its own in the kernel's second hierarchy, wherever this machine has that mounted, or not at
# all. Nothing but an empty directory is left of it when its processes are gone; remove_cgroups takes that away.

SYSTEMD=/lib/systemd/systemd
# Of Debian's own units what looks after hardware, consoles and logins that a host has not; the rest runs as it would.
SYSTEMD_MASKED=(console-getty.service getty.target dev-hugepages.mount dev-mqueue.mount kmod-static-nodes.service
	proc-sys-fs-binfmt_misc.automount sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount
	sys-kernel-tracing.mount systemd-ask-password-console.path systemd-ask-password-wall.path systemd-binfmt.service
	systemd-journald-audit.socket systemd-logind.service systemd-modules-load.service systemd-pcrphase.service
	systemd-pcrphase-sysinit.service systemd-remount-fs.service systemd-repart.service systemd-sysctl.service
	systemd-sysusers.service systemd-tmpfiles-clean.timer systemd-tmpfiles-setup-dev.service systemd-udevd.service
	systemd-udev-trigger.service systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-user-sessions.service)

# choose_systemd TIER: "real: PROGRAM", "standin: why" or "none: why".
choose_systemd() {
	local p missing=''
	case ${FLEET_SYSTEMD:-} in
	'' | 0 | 1) ;;
	/*) SYSTEMD=$FLEET_SYSTEMD ;;
	*) die "FLEET_SYSTEMD=$FLEET_SYSTEMD: choose 1 (systemd as process 1), another systemd's path, or 0 (the stand-in)" ;;
	esac
	if [ "${FLEET_SERVICES:-yes}" = no ]; then echo "none: no services"; return; fi
	if [ "${FLEET_SYSTEMD:-0}" = 0 ]; then echo "standin: FLEET_SYSTEMD is 0"; return; fi
	if [ "$1" != root ]; then echo "standin: systemd as process 1 needs root"; return; fi
	for p in "systemd $SYSTEMD" "dbus /usr/bin/dbus-daemon" "puma /usr/bin/puma"; do
		[ -x "${p#* }" ] || missing+=" ${p% *}"
	done
	if [ -n "$missing" ]; then echo "standin: packages are missing:$missing (make deps installs them)"; return; fi
	if ! p=$(try_cgroup 2>&1); then
		echo "standin: no cgroup of its own for a host here (${p##*$'\n'})"
		return
	fi
	echo "real: $SYSTEMD"
}

# The kernel's second hierarchy, mounted for this command alone.
try_cgroup() { with_cgroups mkdir "$(own_cgroup)/bellbook-probe.$$" && with_cgroups rmdir "$(own_cgroup)/bellbook-probe.$$"; }

own_cgroup() { echo ".$(sed -n 's/^0:://p' /proc/self/cgroup)"; }

# with_cgroups CMD...: runs it in the top directory of a mount of its own.
# shellcheck disable=SC2016 # the inner shell expands it
with_cgroups() {
	mkdir -p "$STATE/cgroups" || return 1
	unshare --mount --propagation private sh -c 'mount -t cgroup2 cgroup2 "$0" && cd "$0" && exec "$@"' "$STATE/cgroups" "$@"
}

# "systemd 252 is process 1 of app1 app2", or why it is not.
systemd_words() {
	local how
	how=$(cat "$STATE/systemd" 2>/dev/null) || return 0
	case $how in
	real:*) echo "systemd $("${how#real: }" --version | awk 'NR == 1 { print $2 }') is process 1 of app1 and app2" ;;
	standin:*) echo "app1 and app2 have a stand-in for systemd and Puma:${how#standin:}" ;;
	esac
}

# For the world: is systemd the first process of host $1?
has_systemd() { [[ $1 == app* ]] && real_systemd; }

real_systemd() { [[ $(<"$STATE/systemd") == real:* ]]; }

# The world's own view of the hierarchy, and the fleet's directory in it.
mount_cgroups() {
	real_systemd || return 0
	mkdir -p "$W/cgroups" && mount -t cgroup2 cgroup2 "$W/cgroups" && mkdir -p "$W/cgroups/$(<"$STATE/cgroup")"
}

# A fresh cgroup for the boot of host $1: the one of an earlier boot is empty by now.
fresh_cgroup() {
	local d
	d=$W/cgroups/$(<"$STATE/cgroup")/$1
	[ ! -d "$d" ] || await 10 "end of the old cgroup of $1" no_cgroup "$d" || return 1
	mkdir -p "$d"
}

no_cgroup() {
	find "$1" -depth -type d -exec rmdir {} +
	[ ! -d "$1" ]
}

# After the end of the world: its cgroups, and those of fleets that were killed with nobody to clean up behind them.
# shellcheck disable=SC2016 # the inner shell expands it
remove_cgroups() {
	[ -e "$STATE/cgroup" ] || return 0
	with_cgroups bash -c 'for d in "$0" $(find "${0%/*}" -maxdepth 1 -name "bellbook-fleet.*" -mmin +5); do
			[ "$d" = "$0" ] || grep -q "populated 0" "$d/cgroup.events" || continue
			for ((n = 0; n < 500; n++)); do
				find "$d" -depth -type d -exec rmdir {} + || :
				[ -d "$d" ] || break
				sleep 0.01
			done
		done' "./$(<"$STATE/cgroup")" 2>/dev/null
	rmdir "$STATE/cgroups" 2>/dev/null
}

# What systemd needs on the new disk of host $1.
put_systemd() {
	local d=$W/disk/$1 u
	mkdir -p "$d/etc/systemd/system/multi-user.target.wants" "$d/etc/systemd/journald.conf.d" "$d/etc/systemd/system/ssh.service.d" \
		"$d/var/log/journal" "$d/var/lib/systemd"
	tr -d - </proc/sys/kernel/random/uuid >"$d/etc/machine-id"
	ln -s /lib/systemd/system/multi-user.target "$d/etc/systemd/system/default.target"
	for u in "${SYSTEMD_MASKED[@]}"; do ln -s /dev/null "$d/etc/systemd/system/$u"; done
	ln -s /lib/systemd/system/ssh.service "$d/etc/systemd/system/multi-user.target.wants/ssh.service"
	printf '%s\n' '[Journal]' SystemMaxUse=24M SystemMaxFileSize=8M RuntimeMaxUse=4M >"$d/etc/systemd/journald.conf.d/fleet.conf"
	# A killed listener comes back, however often: the fleet's faults kill it.
	printf '%s\n' '[Unit]' StartLimitIntervalSec=0 '[Service]' Environment="SSHD_OPTS='-E /var/log/sshd.log'" Restart=always \
		>"$d/etc/systemd/system/ssh.service.d/fleet.conf"
	printf '%s\n' '[Unit]' 'Description=services of the practice fleet' DefaultDependencies=no After=systemd-journald.socket \
		'[Service]' 'ExecStart=/bin/bash /etc/fleet/init services' RemainAfterExit=yes KillMode=process \
		>"$d/etc/systemd/system/fleet.service"
	ln -s ../fleet.service "$d/etc/systemd/system/multi-user.target.wants/fleet.service"
	echo "messagebus:x:123:123::/nonexistent:/usr/sbin/nologin" >>"$d/etc/passwd"
	printf '%s\n' messagebus:x:123: systemd-journal:x:124: >>"$d/etc/group"
}

# become_systemd PROGRAM: the last act of host_boot, in the host's own root, in a cgroup namespace of its own.
# shellcheck disable=SC2016 # the inner shell expands it
become_systemd() {
	exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio unshare --cgroup sh -c \
		'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec env -i container=lxc LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$0"' "$1"
}

# The first process of host $1 runs its services, or ended, or never came so far.
systemd_begun() { [ -e "/proc/$(<"$STATE/pid.$1")/root/run/fleet/begun" ]; }

systemd_over() { systemd_begun "$1" || ! is_alive "$(<"$STATE/pid.$1")"; }

# Where systemd does not come up after all, both hosts are started anew with the stand-in, and the reason is kept.
systemd_or_standin() {
	local h failed=''
	real_systemd || return 0
	for h in app1 app2; do
		await 30 "systemd on $h" systemd_over "$h"
		systemd_begun "$h" || failed=$h
	done
	[ -n "$failed" ] || return 0
	echo "standin: it did not come up on $failed ($(tail -n 1 "$W/log.$failed"))" >"$STATE/systemd"
	for h in app1 app2; do break_power "$h" && boot "$h" || return 1; done
}
