#!/usr/bin/env bats
# locks.bats - a migration that waits for a lock, or loses its database: who blocks is seen, members are let through, its end is named.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# 4.3 to 4.4: the part before the restart runs in transactions only, the part after it has an index that is dropped beside the writers.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	FLEET_MASTODON=v4.3.20 "$FLEET" up >&2
	both standin set pace 0.1
	"$FLEET" in app1 runuser -u mastodon -- env "PATH=/home/mastodon/.rbenv/shims:/home/mastodon/.rbenv/bin:/usr/local/bin:/usr/bin:/bin" RAILS_ENV=production \
		sh -ec 'cd /home/mastodon/live; git fetch -q --tags; git checkout -q v4.4.13; git -C ~/.rbenv/plugins/ruby-build pull -q; rbenv install -s; bundle install' >&2
	mkdir "$BATS_FILE_TMPDIR/runbooks"
	ln -s "$BATS_TEST_DIRNAME/../../runbooks/lib" "$BATS_FILE_TMPDIR/runbooks/lib"
	cp "$BATS_TEST_DIRNAME/../lib/locks.lua" "$BATS_FILE_TMPDIR/runbooks/"
	"$FLEET" in app1 sh -c 'cat >/usr/local/bin/hold' <<'E'
#!/bin/sh
ask() { psql -XqAt -h db1 -U "${PGUSER:-mastodon}" -d mastodon_production -c "$1"; }
PGAPPNAME=$1 ask "begin; select count(*) from users where email = 'eve@members.example'; select pg_sleep(600)" >/dev/null 2>&1 </dev/null &
until psql -XqAt -h db1 -U mastodon -d mastodon_production -c "select 1 from pg_locks join pg_stat_activity using (pid) where application_name = '$1' and granted and relation = 'users'::regclass" | grep -q 1; do sleep 0.1; done
E
	"$FLEET" in app1 sh -c 'cat >/usr/local/bin/request' <<'E'
#!/bin/sh
psql -XqAt -h db1 -U mastodon -d mastodon_production -c "select count(*) from users" >/dev/null 2>&1 </dev/null &
E
	"$FLEET" in app1 sh -c 'cat >/usr/local/bin/busy' <<'E'
#!/bin/sh
until psql -XqAt -h db1 -U mastodon -d mastodon_production -c "select 1 from pg_stat_activity where query like 'SELECT pg_sleep(%' and state = 'active'" | grep -q 1; do sleep 0.1; done
E
	"$FLEET" in app1 chmod 755 /usr/local/bin/hold /usr/local/bin/request /usr/local/bin/busy
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | cut -c1-600 | grep -v '^[<>] ' | tail -n 60; }

# Shell text: somebody's report of that name reads the members' table in a transaction that it does not end.
hold() { printf '%s' "'$FLEET' in app1 hold $1"; }

# Shell text: it is ended.
release() { printf '%s' "'$FLEET' in db1 runuser -u postgres -- psql -XqAtd mastodon_production -c \"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '$1'\" >/dev/null"; }

# Shell text: a member's request for the same table comes.
request() { printf '%s' "'$FLEET' in app1 request"; }

# A report that another user of the database runs.
others_hold() { printf '%s' "'$FLEET' in app1 env PGUSER=stats hold $1"; }

# migrate [RULE…]: the transcript is $output.
migrate() { RULES=$(printf '%s\n' "$@") DRIVE_DETAILS=1 walk "$BATS_FILE_TMPDIR/runbooks/locks.lua"; }

recorded() { BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/journal/j.db run "$BELLBOOK" log 1 --format text; }

@test "whoever blocks as another user is asked for as postgres; where the fleet file names no host for that, it is said how to see more" {
	"$FLEET" in db1 runuser -u postgres -- psql -qd mastodon_production -c 'create role stats login' -c 'grant select on users to stats'
	cp "$FLEET_STATE/fleet.lua" "$BATS_TEST_TMPDIR/kept"
	sed -i 's/ db = { "db1"/ other = { "db1"/' "$FLEET_STATE/fleet.lua"
	migrate "step:migrate=go!$(others_hold report)" "failure:migrate=abort!$(release report) && cp '$BATS_TEST_TMPDIR/kept' '$FLEET_STATE/fleet.lua'"
	grep -Eq '^! migrate The migration got no lock on users within 1 s; .* Held by pid [0-9]+ \(report of stats\), whose age and query only that user and postgres may see. On the database.s host: sudo -u postgres psql -c .SELECT \* FROM pg_stat_activity WHERE pid = [0-9]+' <<<"$output"
	migrate "step:migrate=go!$(others_hold report)" "failure:migrate=abort!$(release report)"
	grep -Eq '^! migrate The migration got no lock on users within 1 s; .* Held by pid [0-9]+ \(report of stats from [0-9.]+\), whose transaction is (less than a minute|[0-9]+ min) old, at: begin; select' <<<"$output"
	has "where email = '?'"
	[[ $output != *eve@members.example* && $output != *"insufficient privilege"* ]]
}

@test "migrations in transactions give way to members while somebody holds the lock, are tried again, and say who it was" {
	migrate "step:migrate=go!$(hold report)" "seen:got no lock on users=x@1" "failure:migrate=retry@1" "seen:got no lock on users=x@1!$(release report)" \
		"step:migrate-post=skip"
	closed ok
	grep -Eq '^! migrate The migration got no lock on users within 1 s; .* Held by pid [0-9]+ \(report of mastodon from [0-9.]+\), whose transaction is less than a minute old, at: begin; select' <<<"$output"
	has "PG::LockNotAvailable"
	has "in the migration 20250313123400 AddAgeVerifiedAtToUsers"
	has "a lock on users did not come. 6 times it was waited for, 1 s each"
	has "pg_terminate_backend(PID)"
	# At the second one, or later where the machine is busy.
	[[ $output =~ It\ got\ its\ lock\ at\ the\ [2-6]\.\ try ]]
	# What the other one looks for is nobody's business.
	has "where email = '?'"
	[[ $output != *eve@members.example* ]]
	# What was done stayed done, and what was rolled back was done once.
	[ "$(effects app1 | grep -c '^migrate .* pre$')" -eq 4 ]
	[ -z "$(effects app1 | grep '^migrate ' | sort | uniq -d)" ]
	recorded
	has "PGOPTIONS="
}

@test "PostgreSQL restarted under a migration is named; one that may not be cut short waits in sight, with who blocks it and who waits behind it" {
	local restart="'$FLEET' in db1 runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl -D /var/lib/postgresql/15/main -m fast -w -l /dev/null restart >/dev/null"
	migrate "step:migrate-post=go!'$FLEET' in app1 standin fail migrate-slow 300 RemoveLegacyDeviseTwoFactorSecretsFromUsers" \
		"seen:~ migrate-post It waits for no lock=x@1!'$FLEET' in app1 busy && $restart" \
		"failure:migrate-post=retry@1!'$FLEET' in app1 standin mend; $(hold export)" \
		"seen:~ migrate-post It waits for a lock on users=x@1!$(request)" "seen: behind it (members=x@1!$(release export)"
	closed ok
	has "PostgreSQL was restarted at "
	has "UTC, under it, and answers again"
	has "because of 20250605110215 Drop unused index on notifications"
	grep -Eq '^~ migrate-post It waits for a lock on users since [0-9:]{8} UTC \(less than a minute\); [1-9][0-9]* sessions? waits? behind it \(members. requests, jobs\)\. Held up by pid [0-9]+ \(export of mastodon' <<<"$output"
	[[ $output != *eve@members.example* ]]
	[ "$(effects app1 | grep -c '^migrate .* post$')" -eq 2 ]
	recorded
	has "meter: It waits for a lock on users since"
	[[ $output != *lock_timeout=* ]]
}
