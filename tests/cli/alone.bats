#!/usr/bin/env bats
# alone.bats - one host that is right, as the guide leaves it or a little beside: PostgreSQL by its socket (DB_HOST= empty, peer), and whatever of a host
# is no fault: another zone, a language that is not installed, /tmp without exec, live a link, nobody may log in as mastodon, banners, versions as
# distributions write them. Walked from 4.5.15 to 4.6.5, and nobody is asked about any of it.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	"$FLEET" up >&2
	both standin set pace 0
	"$FLEET" in app2 systemctl disable --now mastodon-sidekiq
	by_socket
	odd_but_right
	sed -i -e 's/roles = {.*/roles = { app = { "app1" }, db = { "app1" }, redis = { "db1" } },/' -e '/^ *db = { "db1" }/d' "$FLEET_STATE/fleet.lua"
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | grep -v '^[<>] ' | cut -c1-400 | tail -n 60; }

app1() { "$FLEET" in app1 "$@"; }

# PostgreSQL beside Mastodon, as the guide has it: who is mastodon there is mastodon here, and nothing listens on the network.
# shellcheck disable=SC2016 # expanded on the host
by_socket() {
	app1 sh -ec 'install -d -o postgres -g postgres -m 2775 /run/postgresql; install -d -o postgres -g postgres /var/lib/postgresql'
	app1 runuser -u postgres -- sh -ec 'cd /tmp; b=/usr/lib/postgresql/15/bin; d=/var/lib/postgresql/own; $b/initdb -D $d -A peer -N --locale=C.UTF-8 -E UTF8 --wal-segsize=1 >/dev/null
printf "%s\n" "listen_addresses = '"''"'" "shared_buffers = 16MB" "fsync = off" "unix_socket_directories = '"'/run/postgresql'"'" >>$d/postgresql.conf
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
printf 'LANG=de_DE.UTF-8\nLC_ALL=de_DE.UTF-8\n' >/etc/environment; echo 'session required pam_env.so' >>/etc/pam.d/sshd
mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp
sed -i '/^mastodon:/s,:[^:]*\$,:/usr/sbin/nologin,' /etc/passwd
echo 'Only for those who keep this server' >/etc/issue.net; echo 'Banner /etc/issue.net' >>/etc/ssh/sshd_config; pkill -HUP -o -x sshd
echo 'PATH=/usr/bin:/bin' >>/home/deploy/.bashrc
systemctl start mastodon-web mastodon-sidekiq mastodon-streaming"
	app1 standin set ffmpeg n7.1
	app1 standin wait-web
}

@test "by PostgreSQL's socket, live a link, in Auckland and German, /tmp noexec, nologin, a banner, FFmpeg n7.1: nothing is asked, and it is upgraded" {
	local warnings
	forget
	DRIVE_COMMANDS=1 upgrade v4.6.5
	closed ok
	has "The database is mastodon_production at PostgreSQL's own socket, port 5432"
	# Nothing of that is a fault or worth a warning.
	lacks "? failure"
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
	[ "$("$FLEET" in app1 readlink $LIVE)" = /srv/social/live ]
}
