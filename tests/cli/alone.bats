#!/usr/bin/env bats
# alone.bats - one host that is right, as the guide leaves it or a little beside: PostgreSQL by its socket (DB_HOST= empty, peer), the web on a socket of
# its own, one more Sidekiq beside the official one; and whatever of a host is no fault: another zone, German all over (PostgreSQL, too), /tmp without
# exec, /boot full, a hostname that knows no options, live a link, nobody may log in as mastodon, banners, versions as distributions write them. Walked
# from 4.5.15 to 4.6.5, and nobody is asked about any of it; what PostgreSQL refuses in German is told as what it is.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"

# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	"$FLEET" up >&2
	both standin set pace 0
	"$FLEET" in app2 systemctl disable --now mastodon-sidekiq
	in_german
	by_socket
	"$FLEET" setup app1 web-unix
	one_more_sidekiq
	odd_but_right
	sed -i -e 's/roles = {.*/roles = { app = { "app1" }, db = { "app1" }, redis = { "db1" } },/' -e '/^ *db = { "db1" }/d' "$FLEET_STATE/fleet.lua"
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | grep -v '^[<>] ' | cut -c1-400 | tail -n 60; }

app1() { "$FLEET" in app1 "$@"; }

answers() { app1 curl -sf -o /dev/null -H 'Host: social.practice.test' http://127.0.0.1/health; }

# Programs speak German to whoever's environment wants it: the locale is C.UTF-8's under another name, the words are those of Debian's packages.
in_german() {
	app1 sh -ec 'cp -r /usr/lib/locale /run/locale; cp -r /run/locale/C.utf8 /run/locale/de_DE.utf8; mount --bind /run/locale /usr/lib/locale
printf "LANG=de_DE.UTF-8\nLC_ALL=de_DE.UTF-8\n" >/etc/environment; echo "session required pam_env.so" | tee -a /etc/pam.d/sshd >>/etc/pam.d/sudo'
}

one_more_sidekiq() {
	app1 sh -ec "sed 's/-c 25/-c 5 -q default/' /etc/systemd/system/mastodon-sidekiq.service >/etc/systemd/system/sidekiq-default.service
systemctl daemon-reload; systemctl enable --now sidekiq-default"
}

# PostgreSQL beside Mastodon, as the guide has it: who is mastodon there is mastodon here, and nothing listens on the network.
# shellcheck disable=SC2016 # expanded on the host
by_socket() {
	app1 sh -ec 'install -d -o postgres -g postgres -m 2775 /run/postgresql; install -d -o postgres -g postgres /var/lib/postgresql'
	app1 runuser -u postgres -- sh -ec 'cd /tmp; b=/usr/lib/postgresql/15/bin; d=/var/lib/postgresql/own; $b/initdb -D $d -A peer -N --locale=C.UTF-8 -E UTF8 --wal-segsize=1 >/dev/null
printf "%s\n" "listen_addresses = '"''"'" "shared_buffers = 16MB" "fsync = off" "unix_socket_directories = '"'/run/postgresql'"'" "lc_messages = '"'de_DE.UTF-8'"'" >>$d/postgresql.conf
echo "local all all peer" >$d/pg_hba.conf
$b/pg_ctl -D $d -w -l $d/log start >/dev/null 2>&1
export PGHOST=/run/postgresql; psql -q -c "create role mastodon login createdb" -c "create database mastodon_production owner mastodon" postgres
pg_dump -h db1 -Fc mastodon_production >/tmp/copy; pg_restore -d mastodon_production /tmp/copy; rm /tmp/copy'
	app1 sh -ec "cd $LIVE; sed -i -e 's/^DB_HOST=.*/DB_HOST=/' -e '/^DB_PASS=/d' .env.production"
}

odd_but_right() {
	app1 sh -ec "systemctl stop mastodon-web mastodon-sidekiq mastodon-streaming
mkdir /srv/social; mv $LIVE /srv/social/live; ln -s /srv/social/live $LIVE
chown root:mastodon $LIVE/.env.production; chmod 640 $LIVE/.env.production
ln -sf /usr/share/zoneinfo/Pacific/Auckland /etc/localtime
mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp
sed -i '/^mastodon:/s,:[^:]*\$,:/usr/sbin/nologin,' /etc/passwd
echo 'Only for those who keep this server' >/etc/issue.net; echo 'Banner /etc/issue.net' >>/etc/ssh/sshd_config; pkill -HUP -o -x sshd
echo 'PATH=/usr/bin:/bin' >>/home/deploy/.bashrc
printf '%s\n' '#!/bin/sh' '[ \$# = 0 ] || { echo \"hostname: unrecognized option\" >&2; exit 1; }' 'exec uname -n' >/usr/local/bin/hostname; chmod 755 /usr/local/bin/hostname
mkdir -p /boot; mount -t tmpfs -o size=64k tmpfs /boot; head -c 64k /dev/zero >/boot/initrd.img || true
systemctl start mastodon-web mastodon-sidekiq mastodon-streaming"
	app1 standin set ffmpeg n7.1
	until_true answers
}

@test "PostgreSQL and the web by sockets, one more Sidekiq, live a link, in Auckland and German, /tmp noexec, nologin, a banner, FFmpeg n7.1: nothing is asked, and it is upgraded" {
	local warnings
	forget
	# But one thing is a fault: a table that only postgres may read. Its server says so in German, where Debian's words are there.
	app1 runuser -u postgres -- psql -qd mastodon_production -c 'create table geheim ()'
	RULES="failure:backup=retry@1!'$FLEET' in app1 runuser -u postgres -- psql -qd mastodon_production -c 'drop table geheim'" DRIVE_COMMANDS=1 upgrade v4.6.5
	closed ok
	[[ $output =~ STEP\ backup\ failed\ [^$'\n']*"pg_dump: error: query failed: "(FEHLER:  keine Berechtigung|ERROR:  permission denied)[^$'\n']*geheim ]]
	[ "$(grep -c '^? failure' <<<"$output")" -eq 1 ]
	has "The database is mastodon_production at PostgreSQL's own socket, port 5432"
	[[ $output =~ [1-9][0-9]*" socket"(" of the web on app1 is its connection"|"s of the web on app1 are its connections") ]]
	# Nothing of the rest is a fault or worth a warning.
	warnings=$(grep '^! ' <<<"$output" | grep -v -e ' 4.6.6 is out' -e 'are free where Mastodon lies' -e 'digests were not compared' -e 'everything is built' || true)
	[ -z "$warnings" ] || { printf 'warned: %s\n' "$warnings"; false; }
	lacks "no longer run"
	# Dumped and migrated there, and the old one on db1 not looked at.
	run "$FLEET" in app1 runuser -u mastodon -- psql -qAt -d mastodon_production -c "select max(version) from schema_migrations"
	[ "$output" -gt 20251007142305 ]
	run "$FLEET" in db1 runuser -u postgres -- psql -qAt -d mastodon_production -c "select max(version) from schema_migrations"
	[ "$output" = 20251007142305 ]
	run effects app1
	[ "$(grep -c '^migrate ' <<<"$output")" -gt 3 ]
	# Each unit once.
	[ "$(grep -E '^systemctl (stop|start|restart|reload) ' <<<"$output" | sort)" = "systemctl restart mastodon-streaming
systemctl restart mastodon-web
systemctl start mastodon-sidekiq
systemctl start sidekiq-default
systemctl stop mastodon-sidekiq
systemctl stop sidekiq-default" ]
	[ "$(app1 curl -s -m 30 --unix-socket $LIVE/tmp/sockets/puma.sock -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://localhost/api/v2/instance | grep -o '"version":"4[^"]*"')" = '"version":"4.6.5"' ]
	[ "$("$FLEET" in app1 readlink $LIVE)" = /srv/social/live ]
}
