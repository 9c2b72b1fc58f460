# shellcheck shell=sh
# glance.sh - what a host looks like at a glance: clock, disks, memory, load. Only looks, and writes nothing.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# One fact a line, read by glance.c. BB_SUDO=1 also asks whether sudo works without a password. BB_JOBS: where jobs have their files,
# empty for the home.
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin
echo "clock $(date +%s)"
{ df -Pkl 2>/dev/null || df -Pk / 2>/dev/null; } | while read -r device _ used free _ mount; do
	case $device:$mount in
	/dev/loop*) ;;
	# What is kept for root is neither used nor free: left out, as df does for its percent.
	/dev/* | *:/) echo "disk $((used + free)) $free $mount" ;;
	esac
done
while read -r name value _; do
	case $name in
	MemTotal:) echo "memory $value" ;;
	MemAvailable:) echo "available $value" ;;
	esac
done 2>/dev/null </proc/meminfo
read -r one _ </proc/loadavg && echo "load $one"
echo "cpus $(getconf _NPROCESSORS_ONLN 2>/dev/null)"
if [ "${BB_SUDO-}" = 1 ]; then
	if [ "$(id -u)" = 0 ]; then
		echo "sudo root"
	elif one=$(sudo -n true 2>&1); then
		echo "sudo yes"
	else
		case $one in *"must have a tty"*) echo "sudo tty" ;; *) echo "sudo no" ;; esac
	fi
fi
# A job makes what is missing: the last folder of a place that was named, two in the home.
bb_j=${BB_JOBS:-$HOME/.bellbook/jobs}
for _ in 1 2; do
	[ -d "$bb_j" ] || bb_j=${bb_j%/*}
	[ -z "${BB_JOBS-}" ] || break
done
bb_j=${bb_j:-/}
if [ ! -d "$bb_j" ]; then
	echo "jobs $bb_j is not there"
elif [ ! -w "$bb_j" ] || [ ! -x "$bb_j" ]; then
	echo "jobs $bb_j cannot be written"
elif [ "$bb_j" = "${BB_JOBS-}" ]; then
	[ -O "$bb_j" ] || echo "jobs $bb_j belongs to somebody else"
	case $(stat -L -c %a -- "$bb_j") in *[2367] | *[2367]?) echo "jobs others can write to $bb_j" ;; esac
fi
echo end
