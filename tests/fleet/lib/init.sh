#!/bin/bash
# init.sh [services] - the first process of a practice host: starts what /etc/fleet/rc.d holds, keeps sshd alive, reaps orphans.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# On a host with systemd that is the first process, and this one unit of it, which only starts what rc.d holds.
trap '' HUP INT TERM
for rc in /etc/fleet/rc.d/*; do
	[ ! -x "$rc" ] || "$rc" >>"/var/log/rc.log" 2>&1 &
done
if [ "${1:-}" = services ]; then
	: >/run/fleet/begun
	wait
	exit
fi
while :; do
	/usr/sbin/sshd -D -E /var/log/sshd.log &
	wait $!
	read -r -t 0.1 <><(:)
done
