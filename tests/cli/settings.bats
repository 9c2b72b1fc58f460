#!/usr/bin/env bats
# settings.bats - which database, which Redis, which settings: read as Rails reads them, and proven before anything begins.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: the server of one fleet is moved from set-up to set-up. A walk to 4.7.4 ends in its second step (it skips a series), so that only the
# first looks are paid for.

bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
DRIVE="$BATS_TEST_DIRNAME/../lib/drive.py"
LIVE=/home/mastodon/live
PASSWORD="it's #1 \$HOME \\ \"q\" pässwörd"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	FLEET_MASTODON=v4.5.15 "$FLEET" up >&2
	both standin set pace 0.1
	both cp -p $LIVE/.env.production $LIVE/tmp/usual
	db1 mkdir -p /opt/test
	db1 sh -c 'cat >/opt/test/pooler.py' <"$BATS_TEST_DIRNAME/../lib/pooler.py"
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | cut -c1-600 | tail -n 30; }

app1() { "$FLEET" in app1 "$@"; }

db1() { "$FLEET" in db1 "$@"; }

both() {
	local h
	for h in app1 app2; do "$FLEET" in "$h" "$@"; done
}

# Looks as an upgrade does; the transcript is $output.
look() {
	mkdir -p "$BATS_TEST_TMPDIR/journal"
	BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/journal/j.db DRIVE_DETAILS=1 run "$FLEET" exec python3 "$DRIVE" -- \
		"$BELLBOOK" run "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --set target=4.7.4 "$@" --json
}

has() { [[ $output == *"$1"* ]] || { echo "no \"$1\" in the transcript"; return 1; }; }

hasnt() { [[ $output != *"$1"* ]] || { echo "\"$1\" is in the transcript"; return 1; }; }

# The database is proven by what the web's sockets lead to: one or more, as the web just uses them.
proven() { [[ $output =~ [1-9][0-9]*" socket"(" of the web on app1 is its connection"|"s of the web on app1 are its connections")"${1-}" ]] || { echo "not proven by the web's sockets"; return 1; }; }

passed() { has "STEP facts ok"; has "skips the series 4.6"; }

refused() { has "STEP facts failed"; has "CLOSED aborted"; }

# Puts lines behind the usual settings of both hosts, without those of the same names.
set_env() {
	local names host
	names=$(sed -n 's/^ *\(export \)\{0,1\}\([A-Z_]*\).*/\2/p' <<<"$1" | paste -sd'|')
	for host in app1 app2; do "$FLEET" in "$host" sh -c "cd $LIVE && { grep -Ev '^($names)=' tmp/usual; cat; } >.env.production" <<<"$1"; done
}

restart() {
	# shellcheck disable=SC2016 # expanded on the host
	both sh -c 'systemctl restart $(systemctl list-units --all --plain --no-legend "mastodon-*.service" | cut -d" " -f1 | grep -v @)'
	app1 standin wait-web
}

@test "files, units and addresses are read as dotenv, systemd and Mastodon read them" {
	mkdir "$BATS_TEST_TMPDIR/place"
	local -a awks=(awk)
	! command -v busybox >/dev/null || awks+=("busybox awk")
	! command -v gawk >/dev/null || awks+=(gawk)
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/settings.lua" "$BATS_TEST_TMPDIR/place" "${awks[@]}"
	[ "$status" -eq 0 ]
}

@test "the usual server: the web's sockets and Rails prove the database" {
	look
	passed
	proven "; Rails names the same"
}

# A newer cluster beside the old one, as a PostgreSQL upgrade leaves them: the old one still listens on 5432.
new_cluster() {
	db1 runuser -u postgres -- sh -ec "cd /tmp; b=/usr/lib/postgresql/15/bin; d=/var/lib/postgresql/15/new; \$b/initdb -D \$d -A trust -N --locale=C.UTF-8 -E UTF8 --wal-segsize=1 >/dev/null
printf '%s\n' \"listen_addresses = '*'\" 'port = 5433' 'shared_buffers = 16MB' 'fsync = off' \"unix_socket_directories = '/var/run/postgresql'\" >>\$d/postgresql.conf
printf '%s\n' 'local all all trust' 'host all all 0.0.0.0/0 scram-sha-256' >\$d/pg_hba.conf
\$b/pg_ctl -D \$d -w -l \$d/log start >/dev/null 2>&1
export PGHOST=/var/run/postgresql; psql -qp 5433 -c 'create role mastodon login createdb' -c 'create database mastodon_production owner mastodon' template1
pg_dump -Fc mastodon_production >/tmp/copy; pg_restore -p 5433 -d mastodon_production /tmp/copy; rm /tmp/copy
psql -qp 5433 template1"
	# shellcheck disable=SC2016 # psql's own quotes
	db1 runuser -u postgres -- psql -qp 5433 -v "word=$PASSWORD" template1 <<<"alter role mastodon password :'word'"
}

@test "a second cluster, the old one running or stopped: the one of the settings is taken; odd ways to write them are all right; nothing secret is stored" {
	new_cluster
	db1 redis-cli acl setuser toot on '>r@d/s #1+' '~*' '&*' +@all >/dev/null
	both sh -c "printf '\\357\\273\\277LOCAL_DOMAIN=social.practice.test # our name\\r\\n' >$LIVE/tmp/head"
	set_env "  export DB_HOST = db1   # moved
DB_PORT=5432
DB_PORT = \"5433\" # the new one
DB_PASS=\"it's #1 \\\$HOME \\\\ \\\"q\\\" pässwörd\" # secret
WHERE=db1
REDIS_PORT=6379 # note
SIDEKIQ_REDIS_URL='redis://toot:r%40d%2Fs%20%231%2B@'\${WHERE}/3
SIDEKIQ_REDIS_URL=\"redis://toot:r%40d%2Fs%20%231%2B@\${WHERE}/3\""
	both sh -c "cd $LIVE && { cat tmp/head; sed /^LOCAL_DOMAIN=/d .env.production; } >tmp/new && cat tmp/new >.env.production"
	restart
	look
	passed
	has "The database is mastodon_production at db1, port 5433"
	proven
	hasnt "-p 5432"
	has "-h 'db1' -p 6379 -n 3"
	has "--user 'toot'"
	run ! grep -aqE "it's #1|pässwörd|r@d/s|r%40d" "$BATS_TEST_TMPDIR/journal/j.db"
	# The database that the place of a person's own leads to is another one: nothing begins.
	look --set db_direct_port=5432
	refused
	has "is another database than the one of the settings"
	has "Start again with db_direct_port=5433"
	run ! app1 test -e /var/backups/mastodon
	# Where the old one was stopped nothing else is true; only who names its port is told that nobody is there.
	"$FLEET" break stop db1 postgresql
	look
	passed
	has "The database is mastodon_production at db1, port 5433"
	proven
	look --set db_direct_port=5432
	"$FLEET" mend stop db1
	refused
	has "mastodon_production at db1, port 5432 does not answer as the settings ask"
	has "The database of the settings listens on port 5433"
}

@test "settings that were changed since the web was started are not the web's" {
	set_env "DB_PORT=5432"
	look
	refused
	has "It is not proven that the database looked at is the one that the running web uses"
	has "port 5433: none of them leads there"
	restart
}

@test "a clock that is off: what is told by times would be told wrongly" {
	"$FLEET" in app2 sh -c "printf '%s\n' '#!/bin/sh' 'case \"\$*\" in +%s) exec /bin/date -d \"-600 sec\" +%s ;; esac' 'exec /bin/date \"\$@\"' >/usr/local/bin/date && chmod 755 /usr/local/bin/date"
	look
	refused
	[[ $output =~ the\ clock\ of\ app2\ is\ [1-9][0-9]+\ s\ behind\ app1\'s\.\ Which\ processes ]]
	"$FLEET" in app2 rm /usr/local/bin/date
	look
	passed
}

@test "the wrong Redis: units are active and Redis knows no process" {
	set_env "REDIS_DB=9"
	look
	refused
	has "mastodon-sidekiq on app1"
	has "Redis at db1:6379, database 9 knows no Sidekiq process"
	set_env "REDIS_DB=\$(echo 0)"
	look
	refused
	has "REDIS_DB in .env.production is the output of a command"
	set_env "REDIS_URL=redis://:p@ss@db1/0"
	look
	refused
	has "must be written as %XX"
}

@test "Sentinel is asked where Redis is; WEB_DOMAIN is the web's address where the fleet file has none" {
	db1 sh -c 'printf "%s\n" "port 26400" "sentinel resolve-hostnames yes" "sentinel monitor toots db1 6379 1" >/run/sentinel.conf; redis-server /run/sentinel.conf --sentinel --daemonize yes >/dev/null'
	set_env "REDIS_SENTINELS=nowhere:1,db1:26400
REDIS_SENTINEL_MASTER=toots
REDIS_DB=5
WEB_DOMAIN=streaming.social.practice.test"
	restart
	cp "$FLEET_STATE/fleet.lua" "$FLEET_STATE/fleet.lua.kept"
	sed -i 's/ web = "social.practice.test",//' "$FLEET_STATE/fleet.lua"
	look
	cp "$FLEET_STATE/fleet.lua.kept" "$FLEET_STATE/fleet.lua"
	passed
	has "-p 6379 -n 5"
	has "Host: streaming.social.practice.test"
	set_env "REDIS_SENTINELS=db1:26400
REDIS_SENTINEL_MASTER=boosts"
	look
	refused
	has "No Sentinel names a master for boosts"
}

@test "a pooler is known by what it answers, not by its port; the way past it is found" {
	db1 sh -c 'python3 /opt/test/pooler.py 6432 /var/run/postgresql >/run/pooler.log 2>&1 & until grep -q listens /run/pooler.log; do sleep 0.05; done' 3>&-
	set_env "DB_PORT=6432"
	restart
	look
	passed
	has "The settings lead to PgBouncer 1.18.0; behind it PostgreSQL listens itself: mastodon_production at db1, port 5432"
	[[ $output =~ " socket"(" of the web on app1 leads"|"s of the web on app1 lead")" to mastodon_production at db1, port 6432, which gives the same server" ]]
	# Who has told Mastodon of a pooler is told the same.
	set_env "DB_PORT=6432
PREPARED_STATEMENTS=false"
	look --set db_direct_port=6432
	refused
	has "PostgreSQL itself listens on 5432. Start again with db_direct_port=5432"
	look --set db_direct_port=5499
	refused
	has "port 5499"
	has "listens on port 5432, after its own word"
}

@test "DATABASE_URL: taken where it needs no other port, refused with words before anything where it does" {
	set_env "DATABASE_URL=postgres://mastodon:x%20y@db1:5432/mastodon%5Fproduction
DB_HOST=nowhere"
	restart
	look
	passed
	has "mastodon_production at db1, port 5432"
	set_env "DATABASE_URL=postgres://mastodon@db1:6432/mastodon_production"
	look
	refused
	has "DATABASE_URL leads to a pooler"
}

@test "settings in the unit and its EnvironmentFile go along; where that cannot be it is said" {
	both sh -c "cd /etc && { cat $LIVE/tmp/usual; echo REDIS_DB=7; } | grep -Ev '^(SMTP_FROM_ADDRESS|REDIS_PASSWORD)=' >mastodon.env && chgrp mastodon mastodon.env && chmod 640 mastodon.env && : >$LIVE/.env.production
for u in web sidekiq streaming; do mkdir -p systemd/system/mastodon-\$u.service.d; printf '%s\n' '[Service]' 'Environment=DB_PORT=5433 ES_ENABLED=false' 'EnvironmentFile=/etc/mastodon.env' >systemd/system/mastodon-\$u.service.d/env.conf; done
systemctl daemon-reload"
	restart
	look
	passed
	has "-n 7"
	has "Rails names the same"
	both chmod 600 /etc/mastodon.env
	both chown root: /etc/mastodon.env
	look
	refused
	has "/etc/mastodon.env holds settings (EnvironmentFile= of mastodon-web), and Mastodon's user may not read it"
	both rm /etc/mastodon.env
	look
	refused
	has "EnvironmentFile=/etc/mastodon.env, which could not be read"
	both sh -c 'rm /etc/systemd/system/mastodon-*.service.d/env.conf; systemctl daemon-reload'
	both rm $LIVE/.env.production
	look
	refused
	has "no LOCAL_DOMAIN was found. Looked for were $LIVE/.env.production"
}
