#!/usr/bin/env bats
# upgrade.bats - the upgrade runbook on the practice fleet: it does each thing once and in order, refuses what must not be, and goes on after a failure.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: one server is walked from 4.5.15 over 4.6.5 and 4.6.6 to 4.7.4; another one of 4.2.29 comes last.

bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
DRIVE="$BATS_TEST_DIRNAME/../lib/drive.py"
LIVE=/home/mastodon/live
# shellcheck source=tests/lib/standin.sh
. "$BATS_TEST_DIRNAME/../lib/standin.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	start v4.5.15
}

teardown_file() { "$FLEET" down >&2; }

# A fleet with this release, in which everything takes a tenth of its time.
start() {
	FLEET_MASTODON=$1 "$FLEET" up >&2
	both standin set pace 0.1
}

both() {
	local h
	for h in app1 app2; do "$FLEET" in "$h" "$@"; done
}

teardown() {
	[ -z "${output:-}" ] || echo "$output" | cut -c1-400 | tail -n 40
	both standin mend
}

# upgrade VERSION [OPTION…], with the rules of RULES (one a line); the transcript is $output.
upgrade() {
	local -a rules=()
	[ -z "${RULES:-}" ] || mapfile -t rules <<<"$RULES"
	mkdir -p "$BATS_TEST_TMPDIR/journal"
	BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/journal/j.db run "$FLEET" exec python3 "$DRIVE" "${rules[@]}" -- \
		"$BELLBOOK" run "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --set "target=$1" "${@:2}" --json
}

forget() { both standin effects clear; }

has() { [[ $output == *"$1"* ]] || { echo "no \"$1\" in the transcript"; return 1; }; }

# The walk ended with this outcome.
closed() { [[ ${lines[-1]} == "CLOSED $1"* ]] || { echo "it ended as: ${lines[-1]}"; return 1; }; }

@test "a dry run looks at everything and changes nothing" {
	forget
	upgrade 4.6.5 --dry-run
	closed ok
	has "would run on app2 as mastodon: git fetch --tags && git checkout 'v4.6.5'"
	has "would run on app1 as mastodon: bundle exec rails db:migrate"
	has "nothing was changed"
	[ -z "$(effects app1)$(effects app2)" ]
	run ! "$FLEET" in app1 test -e /var/backups/mastodon
}

@test "ways that are closed are refused before anything is changed" {
	upgrade 4.7.4
	closed aborted
	has "skips the series 4.6"
	upgrade 4.4.13
	has "Mastodon cannot go back"
	upgrade 4.6.99
	has "there is no release v4.6.99"
	upgrade 5.0.0
	has "does not know 5.0"
	upgrade newest
	has "does not look right"
	[ -z "$(effects app1)$(effects app2)" ]
}

@test "old programs and bad settings are refused, and looked at again when mended" {
	"$FLEET" in app2 standin set node 20.19.5
	"$FLEET" in app1 standin set vips ''
	"$FLEET" in app2 sh -c "echo REDIS_NAMESPACE=old >>$LIVE/.env.production"
	local mend="'$FLEET' in app2 standin set node 24.16.0; '$FLEET' in app1 standin set vips 8.14.1"
	RULES="failure:programs=retry@1!$mend" upgrade 4.6.5
	closed aborted
	has "app2: Node.js 20.19.5 is too old; at least 22 is needed"
	has "app1: libvips is not installed; at least 8.13 is needed"
	has "STEP programs warn"
	has "app2 sets REDIS_NAMESPACE"
	"$FLEET" in app2 sed -i /^REDIS_NAMESPACE/d $LIVE/.env.production
	[ -z "$(effects app1)$(effects app2)" ]
}

@test "a Sidekiq on a host that nobody named stops the walk" {
	local id=stray:7:abc
	redis() { "$FLEET" in app1 redis-cli -h db1 "$@" >/dev/null; }
	redis sadd processes "$id"
	redis hset "$id" info '{"hostname":"stray","pid":7,"version":"8.0.9","queues":["default"]}' busy 0 quiet false beat 9999999999
	upgrade 4.6.5
	redis del "$id"
	redis srem processes "$id"
	closed aborted
	has "stray (pid 7, Sidekiq 8.0.9)"
	[ -z "$(effects app1)$(effects app2)" ]
}

@test "4.5.15 to 4.6.5: each effect once, in its order, past PgBouncer" {
	both standin fail pgbouncer
	"$FLEET" in app2 standin fail bundle-charlock
	upgrade 4.6.5
	closed ok
	has "charlock_holmes did not build"
	has "STEP inside ok"
	has "STEP outside ok"
	is app1 "git checkout v4.5.15..v4.6.5
rbenv install 4.0.5
bundle install v4.6.5 ruby-4.0.5 new=4
corepack enable
yarn install v4.6.5
assets:precompile v4.6.5
migrate 20251118115657 CreateCollections pre
migrate 20251119093332 CreateCollectionItems pre
migrate 20260119153538 CreateKeypairs pre
migrate 20260212131934 AddItemCountToCollections pre
migrate 20260319142348 AddIndexOnCollectionItemsAccountId pre
systemctl kill -s TSTP mastodon-sidekiq
systemctl restart mastodon-web
tootctl cache clear
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq
systemctl restart mastodon-streaming"
	is app2 "git checkout v4.5.15..v4.6.5
rbenv install 4.0.5
bundle install v4.6.5 ruby-4.0.5 new=4
corepack enable
yarn install v4.6.5
assets:precompile v4.6.5
systemctl kill -s TSTP mastodon-sidekiq
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq"
	run "$FLEET" in app1 sh -c 'cd /var/backups/mastodon && pg_restore --list before-4.6.5-*.dump | grep -c "TABLE DATA"; ls; stat -c %a .'
	has redis-before-4.6.5
	has settings-before-4.6.5
	[ "${lines[-1]}" = 700 ]
}

@test "a patch: nothing to migrate, a reload is enough; assets that died are built after their cache is cleared" {
	forget
	"$FLEET" in app1 standin fail assets-oom
	RULES="failure:assets=retry@1!'$FLEET' in app1 standin mend" upgrade 4.6.6
	closed ok
	has "Usually that is too little memory"
	has "STEP migrate skipped this release has no migrations"
	has "STEP migrate-post skipped"
	is app1 "git checkout v4.6.5..v4.6.6
corepack enable
yarn install v4.6.6
tmp:cache:clear
assets:precompile v4.6.6
systemctl kill -s TSTP mastodon-sidekiq
systemctl reload mastodon-web
tootctl cache clear
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq
systemctl restart mastodon-streaming"
}

@test "4.7 wants its indexes checked; a migration that failed is gone on with, an index half-built is dropped" {
	forget
	"$FLEET" in app1 standin fail migrate-abort CreateAccountMerges
	"$FLEET" in app1 standin fail index-invalid AddUniqueIndexOnAccountsUri
	RULES="failure:database=retry@1!'$FLEET' in db1 runuser -u postgres -- psql -qd mastodon_production -c 'create extension amcheck'
failure:migrate=retry@1!'$FLEET' in app1 standin mend migrate-abort
failure:migrate-post=retry@1!'$FLEET' in app1 standin mend" upgrade 4.7.4
	closed ok
	has "4.7 fails on a server with damaged indexes"
	has "two accounts have one name"
	has "? approval migrate-post"
	has "The index index_accounts_on_uri is invalid. Drop it?"
	[ "$(effects app1 | grep -c '^migrate ')" -eq 7 ]
	[ -z "$(effects app1 | grep '^migrate ' | sort | uniq -d)" ]
	[ "$(effects app1 | grep -c ' post$')" -eq 4 ]
	# What the post-deployment part removes, the web that still ran the old code never missed.
	run effects app1
	[[ $output == *"AddIndexOnStatusesUriHash pre"*"systemctl restart mastodon-web"*"MigrateLocalAccountKeypairs post"*"systemctl reload mastodon-web"* ]]
}

@test "4.2.29 to 4.3.20: keys first, then the full stop, with its downtime in the record" {
	"$FLEET" down >&2
	start v4.2.29
	local keys="for n in DETERMINISTIC_KEY KEY_DERIVATION_SALT PRIMARY_KEY; do echo ACTIVE_RECORD_ENCRYPTION_\$n=key-of-\$n; done >>$LIVE/.env.production"
	upgrade 4.3.20
	closed aborted
	has "of the three ACTIVE_RECORD_ENCRYPTION_… lines"
	[ -z "$(effects app1)$(effects app2)" ]
	both sh -c "$keys"
	upgrade 4.3.20 --set way=full-stop
	closed ok
	[[ $output == *"DOWNTIME.BEGAN stop"*"? approval migrate-all"*"STEP migrate-all ok"*"DOWNTIME.ENDED web"* ]]
	run effects app1
	[[ $output == *"systemctl kill -s TSTP mastodon-sidekiq"*"systemctl stop mastodon-web"*"systemctl stop mastodon-sidekiq"*" pre"*" post"*"systemctl restart mastodon-web"* ]]
	[ "$(effects app1 | grep -c '^migrate ')" -eq 7 ]
}
