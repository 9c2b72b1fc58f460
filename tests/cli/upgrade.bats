#!/usr/bin/env bats
# upgrade.bats - the upgrade runbook on the practice fleet: it does each thing once and in order, refuses what must not be, and goes on after a failure.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: one server is walked from 4.5.15 over 4.6.5 and 4.6.6 to 4.7.4; another one of 4.2.29 comes last.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"

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

teardown() {
	[ -z "${output:-}" ] || echo "$output" | cut -c1-400 | tail -n 40
	both standin mend
}

# Shell text: the process of a host's unit dies, and systemd starts another.
die() { printf '%s' "'$FLEET' in $1 sh -c 'main() { systemctl show -p MainPID --value $2; }; pid=\$(main); test \$pid -gt 1 && kill -9 \$pid && until new=\$(main); [ \$new != 0 ] && [ \$new != \$pid ]; do sleep 0.1; done'"; }

# Shell text: the next TSTP on a host reaches no Sidekiq, as when its host had no power just then.
deaf() {
	# shellcheck disable=SC2016 # the script's own
	printf '%s' "'$FLEET' in $1 sh -ec 'cd /usr/local/bin; mkdir -p on; mv systemctl on/; printf \"%s\\n\" \"#!/bin/sh\" \"case \\\"\\\$*\\\" in *TSTP*) exec mv /usr/local/bin/on/systemctl /usr/local/bin/ ;; esac; exec /usr/local/bin/on/systemctl \\\"\\\$@\\\"\" >systemctl; chmod 755 systemctl'"
}

# Shell text: other code is put on a host.
checkout() { printf '%s' "'$FLEET' in $1 runuser -u mastodon -- git -C $LIVE checkout -q $2"; }

# The question of that step did not say that nothing is left to do.
asked_open() {
	[[ $output == *"? step $1 "* ]] || { echo "no question of $1"; return 1; }
	! sed -n "/^? step $1 /,/^= /p" <<<"$output" | grep 'already says yes'
}

@test "a dry run looks at everything and changes nothing" {
	forget
	upgrade 4.6.5 --dry-run
	closed ok
	# With its folder and its variables.
	grep -q "would run on app2 as mastodon in $LIVE with .*RAILS_ENV=production.*: git fetch --no-tags 'origin' tag 'v4.6.5' && git checkout --detach '[0-9a-f]\{40\}'" <<<"$output"
	grep -q "would run on app1 as mastodon in $LIVE with .*RAILS_ENV=production.*: bundle exec rails db:migrate" <<<"$output"
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
	has "there is neither a tag nor a branch"
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
	# It boots for seconds, as in life: a look each second meets that.
	"$FLEET" in app1 standin fail web-boot-slow 30
	# What a build with webpack left years ago is nobody's.
	both sh -c 'echo "{ \"old.js\": \"/packs/js/old-0123456789abcdef.js\" }" >/home/mastodon/live/public/packs/manifest.json'
	# A page that nobody had asked for before would be an error from the checkout to the restart: this one the step itself had asked for.
	local form="-o /dev/null -H Host:social.practice.test -H X-Forwarded-Proto:https http://127.0.0.1:3000/auth/password/new"
	# A streaming that was started anew after the first look still has the old code.
	RULES="manual:agree=done!$(die app1 mastodon-streaming@4000)
step:ruby=go!'$FLEET' in app1 sh -ec 'for i in 1 2 3 4 5 6; do curl -sfS $form; done'" DRIVE_DETAILS=1 upgrade 4.6.5
	closed ok
	[[ $output != *"Members meet errors"* ]]
	asked_open streaming
	has "charlock_holmes did not build"
	has "its digests were not compared"
	has "STEP inside ok"
	has "STEP outside ok"
	# The restart refused requests; the steps never took the site down. Both are told, and what was not proved.
	account=$(BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/journal/j.db "$BELLBOOK" log 1 --format md | tr -s ' \n' ' ')
	[[ $account == *"| Downtime | none by the steps; asked from outside: "* ]]
	[[ $account =~ 'Asked from outside it refused '[1-9][0-9]*' of '[0-9]+' requests, for ' ]]
	[[ $account == *"POST /inbox answers 502"*"Not proved: that members can read and post"* ]]
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

@test "a patch: nothing to migrate, a reload is enough; assets that died are built after their cache is cleared; a Sidekiq that was not reached is told again" {
	forget
	"$FLEET" in app1 standin fail assets-oom
	# Styles that the proxy may not read, which no look at the start page's first names would show.
	local page="-o /dev/null -H Host:social.practice.test -H X-Forwarded-Proto:https http://127.0.0.1:3000/explore"
	local css="public/packs/assets/application-*.css"
	RULES="failure:assets=retry@1!'$FLEET' in app1 standin mend
step:streaming=go!'$FLEET' in app1 sh -c 'cd $LIVE && chmod 600 $css && mv public/packs/.vite public/packs/.away && curl -s $page; mv public/packs/.away public/packs/.vite'
failure:inside=retry@1!'$FLEET' in app1 sh -c 'cd $LIVE && chmod -R o+rX public/packs'
step:quiet=go!$(deaf app1)
question=go" upgrade 4.6.6 --set drain=60
	closed ok
	has "cannot be read by the proxy"
	# A page that the new web could not render: it is in its journal, and told.
	has "of errors in the web's journal since its start. Most often:"
	has "the assets could not be built:"
	has "SIGKILL (signal 9)"
	has "What this means: "
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

# The way back by hand, as people do it after a look at the log.
go_back() {
	both runuser -u mastodon -- env "PATH=/home/mastodon/.rbenv/shims:/home/mastodon/.rbenv/bin:/usr/local/bin:/usr/bin:/bin" RAILS_ENV=production \
		sh -ec "cd $LIVE; git checkout -q $1; bundle install; yarn install --immutable; bundle exec rails assets:precompile" >/dev/null
	"$FLEET" in app1 systemctl restart mastodon-web
}

@test "back to the old release by hand and forward again: what was noted of the newer one does not count, all is built" {
	go_back v4.6.5
	"$FLEET" in app2 sh -c "grep -q 4.6.5 $LIVE/public/packs/.vite/manifest.json && grep -q 4.6.5 $LIVE/node_modules/.yarn-state.yml"
	forget
	upgrade 4.6.6
	closed ok
	for host in app1 app2; do
		run effects $host
		[[ $output == *"yarn install v4.6.6"*"assets:precompile v4.6.6"* ]]
		"$FLEET" in $host sh -c "grep -q 4.6.6 $LIVE/public/packs/.vite/manifest.json && grep -q 4.6.6 $LIVE/node_modules/.yarn-state.yml"
	done
	# What lies there is as it was noted, but for the pages of one host, which somebody built for another release.
	"$FLEET" in app1 sh -c "sed -i s/4.6.6/4.6.5/ $LIVE/public/packs/.vite/manifest.json"
	forget
	RULES="question=go" upgrade 4.6.6
	has "4.6.6 runs already: there is nothing to do"
	closed ok
	run effects app1
	[[ $output == *"assets:precompile v4.6.6"* && $output != *"yarn install"* ]]
}

@test "4.7 wants its indexes checked; a migration that failed is gone on with, an index half-built is dropped" {
	# A server that shows its actors to nobody unsigned: that is so before, and no fault afterwards; its key is the database's.
	both sh -c "echo AUTHORIZED_FETCH=true >>$LIVE/.env.production"
	"$FLEET" in app1 systemctl restart mastodon-web
	"$FLEET" in app1 standin wait-web
	forget
	"$FLEET" in app1 standin fail migrate-abort CreateAccountMerges
	"$FLEET" in app1 standin fail index-invalid AddUniqueIndexOnAccountsUri
	RULES="failure:database=retry@1!'$FLEET' in db1 runuser -u postgres -- psql -qd mastodon_production -c 'create extension amcheck'
failure:migrate=retry@1!'$FLEET' in app1 standin mend migrate-abort
failure:migrate-post=retry@1!'$FLEET' in app1 standin mend
step:web=go!$(checkout app2 v4.6.6) && '$FLEET' in app2 systemctl restart mastodon-sidekiq
failure:web=retry@1!$(checkout app2 v4.7.4)
step:restart-again=abort" DRIVE_DETAILS=1 upgrade 4.7.4
	closed aborted
	# Other code is seen before anything is started anew; whoever was started with it meanwhile is no new one.
	has "app2: the code was v4.7.4"
	asked_open sidekiq
	has "4.7 fails on a server with damaged indexes"
	has "the actor (http://social.practice.test/users/admin) answers 401 now"
	has "Compared afterwards: the key of @admin"
	has "the actor (http://social.practice.test/users/admin) answers 401 as it did before"
	has "two accounts have one name"
	has "? approval migrate-post"
	has "The index index_accounts_on_uri is invalid. Drop it?"
	[ "$(effects app1 | grep -c '^migrate ')" -eq 7 ]
	[ -z "$(effects app1 | grep '^migrate ' | sort | uniq -d)" ]
	[ "$(effects app1 | grep -c ' post$')" -eq 4 ]
	# What the post-deployment part removes, the web that still ran the old code never missed.
	run effects app1
	[[ $output == *"AddIndexOnStatusesUriHash pre"*"systemctl restart mastodon-web"*"MigrateLocalAccountKeypairs post"* && $output != *"systemctl reload mastodon-web"* ]]
	# Left before the last restart it is not done, though the version runs and nothing is left to migrate.
	forget
	upgrade 4.7.4
	closed ok
	has "4.7.4 runs and its migrations are done, but not every process was started since"
	run effects app1
	[[ $output == *"systemctl reload mastodon-web"*"systemctl start mastodon-sidekiq"* && $output != *"migrate "* ]]
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
