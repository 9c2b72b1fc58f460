# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# services.sh - which services a host starts at boot (the scripts in rc/), and waiting until they do their work.
# SPDX-License-Identifier: GPL-3.0-or-later

services_of() {
	[ "$FLEET_SERVICES" != no ] || return 0
	case $1 in
	db1) echo postgresql redis ;;
	db2) echo postgresql ;;
	app1) echo nginx mastodon ;;
	app2) echo mastodon ;;
	esac
}

roles_of() {
	case $1 in
	app1) echo web streaming sidekiq ;;
	app2) echo sidekiq ;;
	esac
}

# Into the new disk of host $1.
put_services() {
	local d=$W/disk/$1/etc/fleet s
	mkdir -p "$d/rc.d"
	for s in $(services_of "$1"); do cp "$FLEET_DIR/rc/$s" "$d/rc.d/$s"; done
	printf '%s\n' FLEET_DB=db1 FLEET_REDIS=db1 "FLEET_MASTODON=$FLEET_MASTODON" "FLEET_ROLES='$(roles_of "$1")'" >"$d/env"
}

# Ready, or failed for good: a dead database cannot be waited for.
is_settled() {
	[ -s "/proc/$(<"$STATE/pid.$1")/root/run/fleet/$2" ]
}

# Waits up to $2 seconds for each of the services that the init of host $1 has started.
await_services() {
	local h=$1 s result
	for s in "$W/disk/$h/etc/fleet/rc.d"/*; do
		[ -e "$s" ] || continue
		s=${s##*/}
		if ! await "$2" "$s on $h" is_settled "$h" "$s"; then
			tail -n 10 "$W/disk/$h/var/log/rc.log" >&2
			return 1
		fi
		result=$(<"/proc/$(<"$STATE/pid.$h")/root/run/fleet/$s")
		case $result in
		absent) echo "$h: no Mastodon stand-in (tests/fleet/mastodon/install is not there)" >>"$STATE/notes" ;;
		failed)
			echo "$h: the Mastodon stand-in could not be installed; the end of its log:" >>"$STATE/notes"
			tail -n 5 "$W/disk/$h/var/log/rc.log" | sed 's/^/  /' >>"$STATE/notes"
			;;
		esac
	done
}
