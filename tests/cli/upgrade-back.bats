#!/usr/bin/env bats
# upgrade-back.bats - the runbook upgrade-back on the practice fleet: before the second part of the migration the old code comes back, after it the dump.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: one server goes from 4.6.6 to 4.7.4 and back, twice.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"

setup_file() {
	export DRIVE_DETAILS=1 FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	FLEET_MASTODON=v4.6.6 "$FLEET" up >&2
	both standin set pace 0.1
	"$FLEET" in db1 runuser -u postgres -- psql -qd mastodon_production -c 'create extension amcheck' -c "alter database mastodon_production set work_mem to '5MB'" \
		-c "alter database mastodon_production set search_path to \"\$user\", public" -c 'alter database mastodon_production set log_min_duration_statement to 5000' \
		-c "alter role mastodon in database mastodon_production set statement_timeout to '7min'" -c 'create role reader login' \
		-c 'revoke all on database mastodon_production from public' -c 'grant connect on database mastodon_production to reader' -c 'grant select on accounts to reader'
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | cut -c1-500 | tail -n 40; }

sql() { "$FLEET" in app1 psql -h db1 -U mastodon -Atc "$1" "${2:-mastodon_production}"; }

runs() { [[ $("$FLEET" in app1 curl -sS -m 5 -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' "http://127.0.0.1:3000/api/v2/instance?$RANDOM") == *"\"version\":\"$1\""* ]]; }

post() {
	"$FLEET" in app1 curl -sS -o /dev/null -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' -H "Authorization: Bearer $("$FLEET" in app1 standin token alice)" \
		-d "status=$1" http://127.0.0.1:3000/api/v1/statuses
}

page() { "$FLEET" in app1 curl -sS -m 5 -o /dev/null -w '%{http_code}' -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' "http://127.0.0.1:3000$1"; }

# What nginx gives out at an address that it keeps for days.
through_nginx() { "$FLEET" in app1 curl -sS -m 5 -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://127.0.0.1/api/v2/instance; }

redis() { "$FLEET" in db1 redis-cli "$@"; }

@test "given up before the restart: a web of the old release that saw newer code is started anew, and what that refuses is counted" {
	"$FLEET" in app2 standin fail bundle-network
	RULES="failure:gems=abort" walk upgrade --set target=4.7.4
	closed aborted
	"$FLEET" in app2 standin mend
	both standin effects clear
	walk upgrade-back
	closed ok
	# The old release runs all the while; nobody is told that this is done already.
	[[ $output =~ \?\ step\ web\ [^=]*=\ go ]]
	[[ ${BASH_REMATCH[0]} != *"already says yes"* ]] || { echo "${BASH_REMATCH[0]}"; return 1; }
	"$FLEET" in app1 standin effects | grep -q 'systemctl restart mastodon-web'
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/journal/j.db
	run "$BELLBOOK" log "$("$BELLBOOK" sessions --json | grep -o '"session":[ 0-9]*' | tr -dc '0-9\n' | sort -n | tail -n 1)" --format md
	output=${output//$'\n'/ }
	[[ $output =~ Asked\ from\ outside\ it\ refused\ (none|[0-9]+)\ of\ [0-9]+\ requests ]]
	runs 4.6.6
}

@test "before the second part: code, gems, assets and restart; the database stays" {
	# Begun again, it finds the new code there: what ran is still what it goes back to.
	"$FLEET" in app2 standin fail bundle-network
	RULES="failure:gems=abort" walk upgrade --set target=4.7.4
	closed aborted
	"$FLEET" in app2 standin mend
	RULES="manual:try=abort" walk upgrade --set target=4.7.4
	closed aborted
	has "STEP web ok"
	post before-the-way-back
	local h
	# A page that nobody has asked of the new web yet works on, when the old code lies under it.
	RULES="step:gems=abort" walk upgrade-back
	closed aborted
	lacks "Members meet errors"
	[ "$(page /explore)" = 200 ]
	for h in app1 app2; do "$FLEET" in $h runuser -u mastodon -- git -C "$LIVE" checkout -q v4.7.4; done
	both standin effects clear
	walk upgrade-back
	closed ok
	has "The second part of the migration has not run"
	[[ $output =~ made\ at\ 20[0-9-]+\ [0-9:]+\ UTC ]]
	has "STEP restore skipped"
	runs 4.6.6
	[ "$(sql "select count(*) from statuses where text = 'before-the-way-back'")" -eq 1 ]
	is app2 "git checkout v4.7.4..v4.6.6
corepack enable
yarn install v4.6.6
assets:precompile v4.6.6
systemctl kill -s TSTP mastodon-sidekiq
systemctl restart mastodon-sidekiq"
}

@test "begun again when the web came back as the newer release by itself: the record still names the one from before" {
	RULES="step:quiet=abort" walk upgrade --set target=4.7.4
	closed aborted
	"$FLEET" in app1 systemctl restart mastodon-web
	"$FLEET" in app1 standin wait-web
	"$FLEET" in app1 standin fail instance-fails
	RULES="manual:agree=done!'$FLEET' in app1 standin mend
manual:try=abort" walk upgrade --set target=4.7.4
	closed aborted
	has "The web answers, but does not say its version (app1: /api/v2/instance answers 500)"
	[ "$(grep -c '^! .*does not say its version' <<<"$output")" -eq 1 ]
	walk upgrade-back
	closed ok
	has "from 4.6.6 ("
	runs 4.6.6
}

@test "left in the middle of the second part and begun again: that dump is no way back, the first one is; a quiet Sidekiq is named" {
	# Written while the dump is made, after what it sees: it is not in it. A lock holds pg_dump there meanwhile.
	cat >"$BATS_TEST_TMPDIR/meanwhile" <<-'END'
		#!/bin/sh
		ask() { psql -XqAt -h db1 -U mastodon -d mastodon_production -c "$1" 2>/dev/null; }
		PGAPPNAME=holder ask "begin; lock table preview_cards; select pg_sleep(600)" </dev/null >/dev/null 2>&1 &
		until ask "select 1 from pg_locks where relation = 'preview_cards'::regclass and mode = 'AccessExclusiveLock' and granted" | grep -q 1; do sleep 0.1; done
		{
			until ask "select 1 from pg_stat_activity where application_name = 'pg_dump' and wait_event_type = 'Lock'" | grep -q 1; do sleep 0.1; done
			curl -sS -o /dev/null -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' -H "Authorization: Bearer $(standin token alice)" \
				-d status=during-the-dump http://127.0.0.1:3000/api/v1/statuses
			ask "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holder'"
		} </dev/null >/dev/null 2>&1 &
	END
	"$FLEET" in app1 sh -c 'cat >/usr/local/bin/meanwhile && chmod +x /usr/local/bin/meanwhile' <"$BATS_TEST_TMPDIR/meanwhile"
	"$FLEET" in app1 standin fail migrate-abort CleanUpInvalidAccounts
	"$FLEET" in app2 systemctl kill -s TSTP --kill-who=main mastodon-sidekiq
	until [ "$(redis hget "$(redis smembers processes | grep '^app2:')" quiet)" = true ]; do sleep 0.2; done
	RULES="step:backup=go@1!'$FLEET' in app1 meanwhile
failure:migrate-post=abort!'$FLEET' in app1 standin mend" DRIVE_COMMANDS=1 walk upgrade --set target=4.7.4
	closed aborted
	has "  $ app1 umask 077 && pg_dump "
	[[ $output =~ Sidekiq\ on\ app2\ \(pid\ [0-9]+\)\ takes\ no\ jobs,\ as\ it\ was\ told\ to\ be\ quiet.*That\ can\ be\ done\ at\ once ]]
	RULES="step:settings=abort" walk upgrade --set target=4.7.4
	closed aborted
	[[ $output =~ has\ migrations\ that\ 4\.6\.6\ does\ not\ bear\ \(20260623132145\),\ and\ so\ has\ this\ dump.*earlier\ dump\ [^,]*,\ with\ the\ record\ ([^:]*): ]]
	[ "$("$FLEET" in app1 sh -c 'ls -t /var/backups/mastodon/before-*.record | head -n 1')" = "${BASH_REMATCH[1]}" ]
	[ "$(sql "select count(*) from statuses where text = 'during-the-dump'")" -eq 1 ]
}

@test "no room for two databases, no right to make one, a prepared transaction: refused with what helps before anything is stopped" {
	both standin effects clear
	# shellcheck disable=SC2016 # it is db1's shell that expands
	"$FLEET" in db1 bash -c 'free=$(df -Pk /var/lib/postgresql | awk "NR == 2 { print \$4 }")
		kb=$(runuser -u postgres -- psql -Atd mastodon_production -c "select pg_database_size(current_database()) / 1024")
		fallocate -l $((free - kb * 8 / 10))K /var/lib/postgresql/filled'
	walk upgrade-back
	closed aborted
	[[ $output =~ STEP\ room\ failed\ .*db1:\ [0-9]+\ MiB\ are\ free\ for\ PostgreSQL,\ and\ a\ second\ database\ of\ [0-9]+\ MiB ]]
	lacks "was found there"
	"$FLEET" in db1 rm /var/lib/postgresql/filled
	"$FLEET" in db1 runuser -u postgres -- psql -qc 'alter role mastodon nocreatedb'
	sql "begin; select 1; prepare transaction 'it''s 1'"
	RULES="failure:room=retry@1!'$FLEET' in db1 runuser -u postgres -- psql -qc 'alter role mastodon createdb'" walk upgrade-back
	closed aborted
	has 'mastodon may make no database, and the dump is restored into a second one. As an administrator of PostgreSQL: ALTER ROLE "mastodon" CREATEDB'
	[[ $output =~ "a prepared transaction is open in the database ('it''s 1' of mastodon since "20[0-9:\ -]+" UTC), and while it is the database cannot be renamed." ]]
	has "in mastodon_production: ROLLBACK PREPARED 'it''s 1'"
	sql "rollback prepared 'it''s 1'"
	runs 4.7.4
	[ -z "$(effects app1)$(effects app2)" ]
}

@test "a dump made too late, a record of another upgrade, a database that was left closed: refused in words that help" {
	local record
	record=$("$FLEET" in app1 sh -c 'ls -t /var/backups/mastodon/before-*.record | head -n 1')
	# A dump that was made too late is refused also where a record names it.
	"$FLEET" in app1 sh -c "cd /var/backups/mastodon && sed s,^dump=.*,dump=\$PWD/\$(ls -t before-*.dump | head -n 1), '$record' >late.record"
	walk upgrade-back --set record=/var/backups/mastodon/late.record
	closed aborted
	has "was made when the second part had run already (20260623132145), so it does not lead back to 4.6.6"
	# A record of some earlier upgrade is the newest where a later one left none.
	"$FLEET" in app1 sh -c "cd /var/backups/mastodon && sed 's/^from=.*/from=4.5.15/; s/^target=.*/target=4.6.6/' '$record' >before-4.6.6-9.record"
	walk upgrade-back
	closed aborted
	has "before-4.6.6-9.record is about an upgrade from 4.5.15 to 4.6.6, and what runs is 4.7.4: something came after it that left no record here. Nothing was done."
	"$FLEET" in app1 rm /var/backups/mastodon/before-4.6.6-9.record /var/backups/mastodon/late.record
	# Cut off while the dump is restored, it leaves the database closed: the words that open it do so.
	"$FLEET" in db1 runuser -u postgres -- psql -qc 'alter database mastodon_production with allow_connections false'
	walk upgrade-back
	closed aborted
	[[ $output =~ Nobody\ may\ connect\ to\ it:.*as\ mastodon\ on\ app1\ in\ /home/mastodon/live:\ ([^$'\n']*) ]]
	"$FLEET" in app1 runuser -u mastodon -- sh -c "cd /home/mastodon/live && ${BASH_REMATCH[1]}"
	[ "$(sql 'select 1')" -eq 1 ]
	runs 4.7.4
	[ -z "$(effects app1)$(effects app2)" ]
}

@test "after it: the dump beside the damaged database, what is lost counted and typed, the names swapped" {
	post after-the-dump
	[[ $(through_nginx) == *'"version":"4.7.4"'* ]]
	# A proxy on a host of its own keeps answers, too.
	"$FLEET" in search1 sh -c 'mkdir -p /etc/nginx /var/cache/ngx/a && echo "proxy_cache_path /var/cache/ngx keys_zone=C:1m;" >/etc/nginx/nginx.conf && echo old >/var/cache/ngx/a/page'
	sed -i 's/ roles = {/ roles = { proxy = { "search1" },/' "$FLEET_STATE/fleet.lua"
	# A monitor's session, say, which Mastodon's user may not end.
	"$FLEET" in db1 sh -c "runuser -u postgres -- psql -XAtqd mastodon_production -c 'select pg_sleep(3000)' </dev/null >/dev/null 2>&1 &
		until runuser -u postgres -- psql -Atc \"select count(*) from pg_stat_activity where wait_event = 'PgSleep'\" | grep -qx 1; do sleep 0.1; done"
	RULES="question:How many posts=7@1
failure:restore=retry@1
question:Others are in the database=stop@1
failure:restore=retry@1!test \$('$FLEET' in db1 runuser -u postgres -- psql -Atc 'select count(*) from pg_database where datallowconn and datname = \$\$mastodon_production\$\$') = 1
question:Others are in the database=look@1!'$FLEET' in db1 runuser -u postgres -- psql -qAtc 'select pg_terminate_backend(pid) from pg_stat_activity where datname = \$\$mastodon_production\$\$'
question:How many posts=2!'$FLEET' in db1 redis-cli sadd queues mailers >/dev/null; for n in 1 2 3; do '$FLEET' in db1 redis-cli lpush queue:mailers '{\"jid\":\"'\$n'\",\"enqueued_at\":1,\"created_at\":1}' >/dev/null; done; '$FLEET' in db1 redis-cli zadd retry 9999999999 '{\"jid\":\"4\"}' >/dev/null
question:to be tried again=drop" walk upgrade-back
	closed ok
	# Redis: what it is about stands in the question, and what was thrown away in the record.
	[[ $output =~ ([0-9]+)\ jobs\ wait,\ and\ ([0-9]+)\ to\ be\ tried\ again\.\ Keep\ them\? ]]
	[ "${BASH_REMATCH[1]}" -ge 3 ] && [ "${BASH_REMATCH[2]}" -ge 1 ]
	has "Thrown away: ${BASH_REMATCH[1]} jobs that waited, and ${BASH_REMATCH[2]} that were to be tried again."
	[ "$(redis exists queue:mailers retry)" -eq 0 ]
	# nginx kept the newer release's answer for a week.
	[[ $(through_nginx) == *'"version":"4.6.6"'* ]]
	has "What nginx kept of answers was removed: app1:/var/cache/nginx, search1:/var/cache/ngx"
	"$FLEET" in search1 test ! -e /var/cache/ngx/a/page
	has "only the dump leads back"
	has "7 was typed, and it is 2: nothing was done"
	has "Lost with the dump in its place, and only in the database that is kept: 2 posts of members"
	[[ $output =~ Others\ are\ in\ the\ database\ \(pid\ [0-9]+\ of\ postgres\)\. ]]
	has "  $ sudo -u postgres psql -p 5432 -c 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"
	has "2 posts of members"
	[[ $output == *"DOWNTIME.BEGAN stop"*"STEP restore warn"*"DOWNTIME.ENDED web"* ]]
	runs 4.6.6
	[ "$(sql "select count(*) from statuses where text in ('during-the-dump', 'after-the-dump')")" -eq 0 ]
	[ "$(sql "select count(*) from statuses where text = 'before-the-way-back'")" -eq 1 ]
	[ "$(sql 'show work_mem')" = 5MB ]
	[ "$(sql 'show search_path')" = "\"\$user\", public" ]
	[ "$(sql 'show statement_timeout')" = 7min ]
	[ "$(sql "select has_database_privilege('public', current_database(), 'connect'), has_database_privilege('reader', current_database(), 'connect')")" = 'f|t' ]
	[ "$(sql "select has_table_privilege('reader', 'accounts', 'select'), has_table_privilege('reader', 'users', 'select')")" = 't|f' ]
	# What only an administrator may do is told with the words to type.
	has 'in mastodon_production once it has its name: CREATE EXTENSION IF NOT EXISTS "amcheck"'
	has 'ALTER DATABASE "mastodon_production" SET log_min_duration_statement TO '
	[ "$(sql "select count(*) from pg_database where datname like 'mastodon_production_damaged_%' and not datallowconn" postgres)" -eq 1 ]
	# What the second part had moved is where the old code looks for it.
	[ "$(sql 'select count(*) from accounts where domain is null and private_key is not null')" -eq 3 ]
}

# Nothing of Mastodon runs on the hosts.
all_stopped() {
	local h
	for h in app1 app2; do
		! "$FLEET" in "$h" systemctl is-active mastodon-web mastodon-sidekiq mastodon-streaming@4000 | grep -x active || { echo "something runs on $h"; return 1; }
	done
}

# Every service of the hosts is there, and Sidekiq of each takes jobs.
all_run() {
	"$FLEET" in app1 systemctl is-active mastodon-web mastodon-sidekiq mastodon-streaming@4000 >/dev/null && "$FLEET" in app2 systemctl is-active mastodon-sidekiq >/dev/null
}

@test "a full stop that was left before its migration, as something was started again: the old code comes back, and everything is started" {
	"$FLEET" in db1 runuser -u postgres -- psql -qd mastodon_production -c 'create extension if not exists amcheck'
	RULES="approval:migrate-all=social.practice.test!'$FLEET' in app2 systemctl start mastodon-sidekiq
failure:migrate-all=abort!'$FLEET' in app2 systemctl stop mastodon-sidekiq" walk upgrade --set target=4.7.4 --set way=full-stop
	closed aborted
	has "STEP stop ok"
	has "STEP migrate-all failed Everything must be stopped for all of the migration"
	[[ $output =~ "app2: mastodon-sidekiq is activ"(e|ating) ]]
	all_stopped
	both standin effects clear
	walk upgrade-back
	closed ok
	has "The second part of the migration has not run"
	has "Nothing of Mastodon runs: the site is down until"
	has "are compared with those in the record"
	[[ $output == *"DOWNTIME.BEGAN stop"*"STEP restore skipped"*"DOWNTIME.ENDED web"* ]]
	runs 4.6.6
	all_run
}

@test "a full stop that was left behind its migration: only the dump leads back, with everything down all the while" {
	"$FLEET" in db1 runuser -u postgres -- psql -qd mastodon_production -c 'create extension if not exists amcheck'
	RULES="step:web=abort" walk upgrade --set target=4.7.4 --set way=full-stop
	closed aborted
	has "STEP migrate-all ok"
	all_stopped
	RULES="question:How many posts=0" walk upgrade-back
	closed ok
	has "only the dump leads back"
	has "0 posts of members"
	runs 4.6.6
	all_run
	[ "$(sql "select count(*) from accounts where domain is null and private_key is not null")" -eq 3 ]
}
