#!/usr/bin/env bats
# mastodon.bats - the Mastodon stand-in of the practice fleet behaves as the real thing does where a runbook looks.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Uses the fleet of FLEET_STATE when that is up, else starts one of its own and ends it. Order matters: the tests walk
# one upgrade from 4.5.15 to 4.6.5 to 4.7.4.

bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"
LIVE=/home/mastodon/live
SHIMS=/home/mastodon/.rbenv/shims:/home/mastodon/.rbenv/bin:/usr/local/bin:/usr/bin:/bin

setup_file() {
	export FLEET_STATE=${FLEET_STATE:-$BATS_FILE_TMPDIR/fleet} BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	if ! "$FLEET" status >/dev/null 2>&1; then
		"$FLEET" up >&2
		: >"$BATS_FILE_TMPDIR/ours"
	fi
	"$FLEET" in app1 standin wait-web
	pace 0.3
}

# Both app hosts live faster while we test; all durations keep their proportions.
pace() {
	local h
	for h in app1 app2; do "$FLEET" in "$h" standin set pace "$1"; done
}

teardown_file() {
	pace 1
	[ ! -e "$BATS_FILE_TMPDIR/ours" ] || "$FLEET" down >&2
}

teardown() { "$FLEET" in app1 standin mend; }

app1() { "$FLEET" in app1 "$@"; }

# A command as the official guide's user runs it, with the PATH that a non-interactive session lacks.
# Without the line that dotenv writes before anything else: one test looks at that.
live() { (set -o pipefail && noisy "$@" | sed -u '/ INFO -- : \[dotenv\] Loaded /d'); }

noisy() { "$FLEET" in "${HOST:-app1}" sudo -u mastodon -H env "PATH=$SHIMS" RAILS_ENV=production "${@:2}" bash -c "cd /home/mastodon/live && $1"; }

web() { app1 curl -sS -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' "${@:2}" "http://127.0.0.1:3000$1"; }

effects() { app1 cat /var/log/standin/effects | grep -c "$1" || true; }

has() { [[ $output == *"$1"* ]] || { echo "no \"$1\" in: $output"; return 1; }; }

# sidekiq_id HOST: the identity of the process that runs there now; a killed one stays in the set for a while.
sidekiq_id() { app1 redis-cli -h db1 smembers processes | grep "^$1:$("$FLEET" in "$1" systemctl show -p MainPID --value mastodon-sidekiq):"; }

# sidekiq_says HOST FIELD VALUE
sidekiq_says() { [ "$(app1 redis-cli -h db1 hget "$(sidekiq_id "$1")" "$2")" = "$3" ]; }

web_is_up() { [ "$(app1 curl -s -m 5 http://127.0.0.1:3000/health)" = OK ]; }

runs_version() { [[ $(web /api/v1/instance -m 5) == *"\"version\":\"$1\""* ]]; }

@test "without rbenv on PATH a command fails as env says it" {
	# Whether this machine has a Ruby of its own must not matter: the hosts share its /usr.
	run -127 app1 sudo -u mastodon /usr/bin/env PATH=/home/mastodon /bin/bash -c 'cd /home/mastodon/live && bin/tootctl --version'
	has "ruby’: No such file or directory"
}

@test "tootctl tells the version of the code on disk" {
	run live 'bin/tootctl --version'
	[ "$status" -eq 0 ]
	[ "$output" = 4.5.15 ]
}

@test "dotenv speaks first, in colour, on stdout; a Redis that refuses is no failure" {
	run --separate-stderr noisy 'bin/tootctl --version'
	[[ ${lines[0]} =~ ^'I, ['.*'] '' INFO -- : [dotenv] Loaded '$'\e[33m.env.production\e[0m'$ ]]
	[ "${lines[1]}" = 4.5.15 ]
	app1 redis-cli -h db1 config set maxmemory 1 >/dev/null
	run live 'bin/tootctl feeds build'
	app1 redis-cli -h db1 config set maxmemory 0 >/dev/null
	[ "$status" -eq 0 ]
	has "Error processing"
	has "OOM command not allowed"
	has "Regenerated feeds for"
	run live 'bin/tootctl cache clear' REDIS_HOST=127.0.0.1
	[ "$status" -eq 0 ]
	has "RedisCacheStore: "
	[ "${lines[-1]}" = OK ]
}

@test "the tree is clean and on its tag" {
	[ -z "$(live 'git status --porcelain')" ]
	[ "$(live 'git describe --tags')" = v4.5.15 ]
}

@test "forgetting RAILS_ENV is an uninitialized constant" {
	run app1 sudo -u mastodon -H env "PATH=$SHIMS" bash -c 'cd /home/mastodon/live && bundle exec rails db:migrate:status'
	[ "$status" -eq 1 ]
	has "uninitialized constant"
}

@test "the env file is private and the nodes of the fleet share its secrets" {
	[ "$(app1 stat -c %a:%U /home/mastodon/live/.env.production)" = 600:mastodon ]
	[ "$(app1 grep -c ^ACTIVE_RECORD_ENCRYPTION_ /home/mastodon/live/.env.production)" -eq 3 ]
	[ "$(app1 sha256sum /home/mastodon/live/.env.production)" = "$("$FLEET" in app2 sha256sum /home/mastodon/live/.env.production)" ]
}

@test "health is static, other paths want host and https" {
	[ "$(app1 curl -s http://127.0.0.1:3000/health)" = OK ]
	run app1 curl -si http://127.0.0.1:3000/api/v2/instance
	has "403 Forbidden"
	has "Blocked hosts"
	run app1 curl -si -H 'Host: social.practice.test' http://127.0.0.1:3000/about
	has "301 Moved"
	run web /api/v2/instance
	has '"domain":"social.practice.test"'
	has '"version":"4.5.15"'
	has '"api_versions":{"mastodon":8}'
}

@test "webfinger, actor key, nodeinfo, inbox and assets answer" {
	run web '/.well-known/webfinger?resource=acct:alice@social.practice.test'
	has '"href":"https://social.practice.test/users/alice"'
	run web /users/alice -H 'Accept: application/activity+json'
	has '"publicKeyPem":"-----BEGIN PUBLIC KEY-----'
	run web /nodeinfo/2.0
	has '"version":"4.5.15"'
	[ "$(web /inbox -X POST -d '{}' -o /dev/null -w '%{http_code}')" = 401 ]
	local path n=0
	for path in $(web / | grep -o '/packs/[^"]*'); do
		[ "$(web "$path" -o /dev/null -w '%{http_code}')" = 200 ]
		n=$((n + 1))
	done
	[ "$n" -eq 6 ]
	# The first names are those of icons, which no release changes; what comes after them is in the manifest of this one.
	[[ $(web / | grep -o '/packs/[^"]*' | head -n 3 | tr '\n' ' ') == *favicon-16*favicon-32*touch-icon* ]]
	for path in $(web / | grep -o '/packs/[^"]*'); do app1 grep -q "${path#/packs/}" $LIVE/public/packs/.vite/manifest.json; done
}

# What the outside gets through nginx: status and where it came from.
through() { app1 curl -sS -o /dev/null -w '%{http_code} %header{x-cached}' "${@:2}" "http://social.practice.test$1"; }

@test "nginx gives out what it has when the web is stopped; only what nobody asked before, and posts, show that" {
	local path
	for path in / /about /api/v2/instance; do through "$path" >/dev/null; done
	[ "$(through /about)" = "200 HIT" ]
	[ "$(through "/about?fresh=1")" = "200 MISS" ]
	[ "$(through /health)" = "200 MISS" ]
	[ "$(through /health)" = "200 MISS" ]
	app1 systemctl stop mastodon-web
	for path in / /about /api/v2/instance; do [[ $(through "$path") == "200 "@(HIT|STALE) ]]; done
	[[ $(through /about?fresh=2) == 502* ]]
	[[ $(through /health) == 502* ]]
	[[ $(through /inbox -X POST -d '{}') == 502* ]]
	[[ $(through "$(app1 curl -sS http://social.practice.test/ | grep -o '/packs/[^"]*js' | head -n 1)") == 200* ]]
	[[ $(through /packs/nosuch.js) == 404* ]]
	run -1 "$FLEET" exec "$BELLBOOK" outside
	has "attention"
	has "502"
	app1 systemctl start mastodon-web
	until_true web_is_up
	run -0 "$FLEET" exec "$BELLBOOK" outside
	has "  ok  "
}

@test "streaming is healthy, knows members and refuses strangers" {
	[ "$(app1 curl -s http://127.0.0.1:4000/api/v1/streaming/health)" = OK ]
	run app1 curl -s http://127.0.0.1:4000/api/v1/streaming/user
	has "Missing access token"
	run app1 curl -sN -m 0.5 -H "Authorization: Bearer $(app1 standin token alice)" http://127.0.0.1:4000/api/v1/streaming/user
	[ "${lines[0]}" = ":)" ]
}

@test "a post is made once for one idempotency key" {
	local token
	token=$(app1 standin token alice)
	run web /api/v1/statuses -H "Authorization: Bearer $token" -H 'Idempotency-Key: one' -d 'status=hello' -d visibility=unlisted
	has '"visibility":"unlisted"'
	[ "$(web /api/v1/statuses -H "Authorization: Bearer $token" -H 'Idempotency-Key: one' -d 'status=hello' -d visibility=unlisted)" = "$output" ]
	[ "$(app1 psql -h db1 -U mastodon -Atc "select count(*) from statuses where text = 'hello'" mastodon_production)" -eq 1 ]
	[ "$(web /api/v1/statuses -d status=x -o /dev/null -w '%{http_code}')" = 401 ]
}

@test "a member's stream carries the member's new post" {
	local token
	token=$(app1 standin token alice)
	app1 curl -sN -m 3 -H "Authorization: Bearer $token" http://127.0.0.1:4000/api/v1/streaming/user >"$BATS_TEST_TMPDIR/stream" 3>&- &
	subscribed() { [ "$(app1 redis-cli -h db1 pubsub numsub timeline:2 | tail -n 1)" -ge 1 ]; }
	until_true subscribed
	web /api/v1/statuses -H "Authorization: Bearer $token" -d status=streamed >/dev/null
	until_true grep -q streamed "$BATS_TEST_TMPDIR/stream"
	grep -q '^event: update$' "$BATS_TEST_TMPDIR/stream"
	wait || true
}

@test "Sidekiq registers, beats and works in the real Redis" {
	app1 redis-cli -h db1 smembers processes >"$BATS_TEST_TMPDIR/ids"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/ids")" -eq 2 ]
	local id first
	id=$(sidekiq_id app1)
	run app1 redis-cli -h db1 hget "$id" info
	has '"version": "8.0.9"'
	has '"fasp"'
	[ "$(app1 redis-cli -h db1 hget "$id" quiet)" = false ]
	[ "$(app1 redis-cli -h db1 hget "$id" concurrency)" = 25 ]
	first=$(app1 redis-cli -h db1 get stat:processed)
	more() { [ "$(app1 redis-cli -h db1 get stat:processed)" -gt "$first" ]; }
	until_true more
}

@test "systemctl speaks like systemd" {
	[ "$(app1 systemctl is-active mastodon-web)" = active ]
	run app1 systemctl status mastodon-web
	has "Active: active (running) since"
	run app1 systemctl is-active no-such
	[ "$status" -eq 3 ]
	[ "$output" = inactive ]
	run app1 systemctl restart no-such
	[ "$status" -eq 5 ]
	has "Unit no-such.service not found."
	[ "$(app1 systemctl show -p TimeoutStopUSec mastodon-sidekiq)" = TimeoutStopUSec=15s ]
	run app1 sudo -u mastodon systemctl restart mastodon-web
	[ "$status" -eq 4 ]
	has "Failed to restart mastodon-web.service: Access denied"
	run app1 systemctl kill -s TSTP --kill-who=main no-such
	[ "$status" -eq 1 ]
	has "Failed to kill unit no-such.service: Unit no-such.service not loaded."
	run app1 systemctl reload mastodon-sidekiq
	[ "$status" -eq 3 ]
	has "Job type reload is not applicable for unit mastodon-sidekiq.service."
	run app1 journalctl -u 'mastodon-*' -n 200 -o cat
	has "Restarts: (✔) hot (✖) phased"
}

@test "unit files on disk are noticed and a drop-in counts after daemon-reload" {
	dropin() { app1 sh -c "mkdir -p /etc/systemd/system/mastodon-sidekiq.service.d && printf '[Service]\nTimeoutStopSec=$1\n' >/etc/systemd/system/mastodon-sidekiq.service.d/stop.conf"; }
	stale() { [ "$(app1 systemctl show -p NeedDaemonReload --value mastodon-sidekiq)" = "$1" ]; }
	# systemd looks only into the directories that were there when it last looked for them.
	dropin 60
	stale no
	app1 systemctl daemon-reload
	[ "$(app1 systemctl show -p TimeoutStopUSec --value mastodon-sidekiq)" = "1min" ]
	dropin 90
	stale yes
	app1 systemctl daemon-reload
	[ "$(app1 systemctl show -p TimeoutStopUSec --value mastodon-sidekiq)" = "1min 30s" ]
	app1 rm -r /etc/systemd/system/mastodon-sidekiq.service.d
	stale yes
	app1 systemctl daemon-reload
}

@test "TSTP quiets Sidekiq, stop takes it out of Redis, a stopped unit says inactive" {
	app1 systemctl kill -s TSTP mastodon-sidekiq
	until_true sidekiq_says app1 quiet true
	run app1 journalctl -u mastodon-sidekiq -o cat
	has "Received TSTP, no longer accepting new work"
	app1 systemctl stop mastodon-sidekiq
	run app1 systemctl is-active mastodon-sidekiq
	[ "$status" -eq 3 ]
	[ "$output" = inactive ]
	[ "$(app1 redis-cli -h db1 smembers processes | grep -c ^app1:)" -eq 0 ]
	app1 systemctl start mastodon-sidekiq
}

@test "the quiet order through Redis is heard by the other host" {
	app1 redis-cli -h db1 lpush "$(sidekiq_id app2)-signals" TSTP
	until_true sidekiq_says app2 quiet true
	"$FLEET" in app2 systemctl restart mastodon-sidekiq
}

@test "a stop with TimeoutSec=15 kills Sidekiq and loses its running job" {
	until_true sidekiq_says app1 quiet false
	"$FLEET" in app2 systemctl stop mastodon-sidekiq
	app1 standin fail sidekiq-long-job 900
	web /api/v1/statuses -H "Authorization: Bearer $(app1 standin token bob)" -d status=lost >/dev/null
	until_true sidekiq_says app1 busy 1
	app1 systemctl stop mastodon-sidekiq
	[ "$(app1 systemctl is-active mastodon-sidekiq)" = failed ]
	run app1 journalctl -u mastodon-sidekiq -o cat -n 20
	has "State 'stop-sigterm' timed out. Killing."
	[ "$(app1 redis-cli -h db1 llen queue:push)" -eq 0 ]
	app1 systemctl start mastodon-sidekiq
	"$FLEET" in app2 systemctl start mastodon-sidekiq
}

@test "a service that cannot boot is tried again and then failed" {
	app1 standin fail streaming-boot-fails
	app1 systemctl restart mastodon-streaming
	gone() { [ "$(app1 systemctl is-active mastodon-streaming@4000)" = failed ]; }
	until_true gone
	run app1 systemctl status mastodon-streaming@4000
	[ "$status" -eq 3 ]
	has "failed (Result: exit-code)"
	has "Start request repeated too quickly."
	app1 standin mend
	app1 systemctl reset-failed 'mastodon-*'
	app1 systemctl restart mastodon-streaming
	until_true bash -c "[ \"\$('$FLEET' in app1 curl -s http://127.0.0.1:4000/api/v1/streaming/health)\" = OK ]"
}

@test "new tags need a fetch, and a checkout is one effect" {
	run live 'git checkout v4.6.5'
	[ "$status" -eq 1 ]
	has "did not match any file(s) known to git"
	run live 'git fetch --tags && git checkout v4.6.5'
	[ "$status" -eq 0 ]
	has "Bump version to v4.6.5"
	[ "$(effects 'git checkout v4.5.15..v4.6.5')" -eq 1 ]
}

status_of() { web "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }

@test "a page that the running web has not rendered before the checkout is 500 after it, the others go on" {
	live 'git checkout -q v4.5.15'
	app1 systemctl restart mastodon-web
	until_true web_is_up
	for _ in 1 2 3 4 5 6 7 8 9 10; do [ "$(status_of /about)" = 200 ]; done
	live 'git checkout -q v4.6.5'
	[ "$(status_of /auth/password/new)" = 500 ]
	[ "$(status_of /api/v2/instance)" = 200 ]
	[ "$(status_of /inbox -X POST -d '{}')" = 401 ]
	# Back again does not help: the process remembers.
	live 'git checkout -q v4.5.15'
	many() { for _ in 1 2 3 4 5 6 7 8 9 10; do status_of "$1"; done; }
	[[ $(many /auth/password/new) == *500* ]]
	[[ $(many /about) != *500* ]]
	run app1 journalctl -u mastodon-web -o cat
	has "FATAL"
	has "status=500"
	app1 systemctl restart mastodon-web
	until_true web_is_up
	[[ $(many /auth/password/new) != *500* ]]
	live 'git checkout -q v4.6.5'
}

@test "a new Ruby is missing, then its definition, then it installs" {
	run live 'bundle install'
	[ "$status" -eq 1 ]
	has "rbenv: version \`4.0.5' is not installed"
	run live 'rbenv install -s'
	[ "$status" -eq 2 ]
	has "definition not found: 4.0.5"
	live 'git -C ~/.rbenv/plugins/ruby-build pull -q && rbenv install -s'
	[ "$(live 'ruby -v' | cut -d' ' -f2)" = 4.0.5 ]
	[ -z "$(live 'rbenv install -s')" ]
	[ "$(effects 'rbenv install 4.0.5')" -eq 1 ]
}

@test "commands before bundle install miss their gems; charlock_holmes may not build" {
	run live 'bin/tootctl --version'
	[ "$status" -eq 7 ]
	has "Bundler::GemNotFound"
	app1 standin fail bundle-charlock
	run live 'bundle install'
	[ "$status" -eq 5 ]
	has "An error occurred while installing charlock_holmes"
	run live 'bundle install' 'BUNDLE_BUILD__CHARLOCK_HOLMES=--with-cxxflags=-std=c++17'
	[ "$status" -eq 0 ]
	has "Bundle complete!"
}

@test "assets: too little memory leaves a trap, the cache clear opens it" {
	live 'yarn install --immutable'
	app1 standin fail assets-oom
	run live 'bundle exec rails assets:precompile'
	[ "$status" -eq 1 ]
	has "Build with Vite failed!"
	has "SIGKILL (signal 9)"
	app1 standin mend
	run live 'bundle exec rails assets:precompile'
	[ "$status" -eq 0 ]
	has "Everything's OK"
	[ "$(effects assets:precompile)" -eq 0 ]
	live 'bundle exec rails tmp:cache:clear && bundle exec rails assets:precompile'
	[ "$(effects 'assets:precompile v4.6.5')" -eq 1 ]
}

@test "migrations: floors and PostgreSQL versions are checked first" {
	app1 standin fail pg-version 130012
	run live 'bundle exec rails db:migrate'
	[ "$status" -eq 1 ]
	has "This version of Mastodon requires PostgreSQL 14.0 or newer."
	[ "$(live 'bundle exec rails db:migrate:status' | grep -c '^ *down')" -eq 5 ]
}

@test "an aborted migration says so and leaves the later ones down" {
	app1 standin fail migrate-abort CreateCollectionItems
	run live 'bundle exec rails db:migrate'
	[ "$status" -eq 1 ]
	has "bin/rails aborted!"
	has "StandardError: An error has occurred, this and all later migrations canceled:"
	has "PG::UniqueViolation"
	[ "$(live 'bundle exec rails db:migrate:status' | grep -c '^ *down')" -eq 4 ]
}

@test "two migrations at once: the second is refused" {
	app1 standin fail migrate-slow 900 CreateCollectionItems
	app1 standin fail index-invalid AddIndexOnCollectionItemsAccountId
	live 'bundle exec rails db:migrate; true' >"$BATS_TEST_TMPDIR/first" 3>&- &
	local first=$!
	until_true grep -q 'CreateCollectionItems: migrating' "$BATS_TEST_TMPDIR/first"
	run live 'bundle exec rails db:migrate'
	[ "$status" -eq 1 ]
	has "ActiveRecord::ConcurrentMigrationError"
	has "Cannot run migrations because another migration process is currently running."
	app1 standin mend migrate-slow
	wait "$first"
	grep -q '== 20251119093332 CreateCollectionItems: migrated (' "$BATS_TEST_TMPDIR/first"
	[ "$(effects ' migrate 2025111909')" -eq 1 ]
}

@test "a cancelled concurrent index stays behind, invalid, and is in the way" {
	local find='select indexrelid::regclass from pg_index where not indisvalid'
	[ "$(app1 psql -h db1 -U mastodon -Atc "$find" mastodon_production)" = index_collection_items_on_account_id ]
	run live 'bundle exec rails db:migrate'
	[ "$status" -eq 1 ]
	has "StandardError: An error has occurred, all later migrations canceled:"
	has "already exists"
	app1 psql -h db1 -U mastodon -qc 'drop index index_collection_items_on_account_id' mastodon_production
}

@test "through PgBouncer the lock is lost unless DB_PORT says otherwise" {
	app1 standin fail pgbouncer
	run live 'bundle exec rails db:migrate'
	[ "$status" -eq 1 ]
	has "you don't own a lock of type ExclusiveLock"
	has "Failed to release advisory lock"
}

@test "nothing to migrate prints nothing; 4.6 has no post-deployment migrations" {
	run live 'bundle exec rails db:migrate'
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(app1 psql -h db1 -U mastodon -Atc 'select max(version) from schema_migrations' mastodon_production)" = 20260319142348 ]
}

@test "reload keeps Puma's old Ruby, so that a new one needs a restart" {
	app1 systemctl reload mastodon-web
	died() { app1 journalctl -u mastodon-web -o cat | grep -q 'Bundler::GemNotFound'; }
	until_true died
	until_true web_is_up
	app1 systemctl restart mastodon-web mastodon-sidekiq mastodon-streaming
	until_true web_is_up
}

@test "the instance answer is cached until tootctl cache clear" {
	[[ $(web /nodeinfo/2.0) == *'"version":"4.5.15"'* ]]
	[ "$(live 'bin/tootctl cache clear')" = OK ]
	[[ $(web /nodeinfo/2.0) == *'"version":"4.6.5"'* ]]
	runs_version 4.6.5
	[ "$(effects 'tootctl cache clear')" -eq 1 ]
}

@test "reload within one Ruby is a hot restart: same pid, requests wait" {
	local pid
	pid=$(app1 systemctl show -p MainPID --value mastodon-web)
	app1 systemctl reload mastodon-web
	inherited() { app1 journalctl -u mastodon-web -o cat | grep -q "^\[$pid\] \* Inherited tcp://127.0.0.1:3000"; }
	until_true inherited
	[ "$(app1 curl -s -m 10 http://127.0.0.1:3000/health)" = OK ]
	[ "$(app1 systemctl show -p MainPID --value mastodon-web)" = "$pid" ]
}

@test "4.6.5 to 4.7.4 in two phases: keys move only in the second" {
	keys() { app1 psql -h db1 -U mastodon -Atc "select count(*) from accounts where domain is null and private_key is not null" mastodon_production; }
	live 'git checkout -q v4.7.4 && bundle install && yarn install --immutable && bundle exec rails assets:precompile' >/dev/null
	run live 'bundle exec rails db:migrate' SKIP_POST_DEPLOYMENT_MIGRATIONS=true
	[ "$status" -eq 0 ]
	has "[strong_migrations] DANGER: No lock timeout set"
	has "== 20260611120410 AddIndexOnStatusesUriHash: migrated ("
	[ "$(live 'bundle exec rails db:migrate:status' | grep -c '^ *down')" -eq 4 ]
	[ "$(keys)" -eq 3 ]
	app1 systemctl restart mastodon-sidekiq
	app1 systemctl reload mastodon-web
	until_true web_is_up
	live 'bin/tootctl cache clear'
	runs_version 4.7.4
	live 'bundle exec rails db:migrate'
	[ "$(keys)" -eq 0 ]
	[ "$(live 'bundle exec rails db:migrate:status' | grep -c '^ *down')" -eq 0 ]
	[ "$(effects ' migrate .* post$')" -eq 4 ]
}

@test "effects are counted even on a full disk" {
	"$FLEET" break disk app1
	run live 'bin/tootctl cache clear'
	"$FLEET" mend disk app1
	[ "$output" = OK ]
	[ "$(effects 'tootctl cache clear')" -eq 3 ]
}

@test "jobs carry milliseconds from Sidekiq 8 on" {
	"$FLEET" in app2 systemctl kill -s TSTP mastodon-sidekiq
	app1 systemctl stop mastodon-sidekiq
	until_true sidekiq_says app2 quiet true
	web /api/v1/statuses -H "Authorization: Bearer $(app1 standin token bob)" -d status=late >/dev/null
	run app1 redis-cli -h db1 lindex queue:push -1
	echo "$output"
	[[ $output =~ \"enqueued_at\":\ 1[0-9]{12}\} ]]
	"$FLEET" in app2 systemctl restart mastodon-sidekiq
	app1 systemctl start mastodon-sidekiq
}

@test "an old worker left on app2 cannot sign any more" {
	until_true sidekiq_says app2 quiet false
	app1 systemctl stop mastodon-sidekiq
	web /api/v1/statuses -H "Authorization: Bearer $(app1 standin token bob)" -d status=unsigned >/dev/null
	complained() { "$FLEET" in app2 journalctl -u mastodon-sidekiq -o cat | grep -q 'Neither PUB key nor PRIV key'; }
	until_true complained
	[ "$(app1 redis-cli -h db1 zcard retry)" -ge 1 ]
	app1 systemctl start mastodon-sidekiq
}

@test "a boot without encryption keys aborts with their names" {
	app1 sed -i.bak /^ACTIVE_RECORD_ENCRYPTION_/d /home/mastodon/live/.env.production
	run live 'bin/tootctl --version'
	[ "$status" -eq 1 ]
	has "Mastodon now requires that these variables are set:"
	run live 'bin/rails db:encryption:init'
	[ "$status" -eq 0 ]
	[ "$(grep -c '^ACTIVE_RECORD_ENCRYPTION_[A-Z_]*=' <<<"$output")" -eq 3 ]
	app1 sh -c 'cd /home/mastodon/live && cp -p .env.production.bak .env.production && rm .env.production.bak && chown mastodon: .env.production && chmod 600 .env.production'
	run live 'bin/rails db:encryption:init'
	[ "$status" -eq 1 ]
	has "this step can likely be ignored!"
	run live 'bin/tootctl --version' REDIS_NAMESPACE=old
	[ "$status" -eq 1 ]
	has "ERROR: the REDIS_NAMESPACE environment variable is no longer supported"
}

@test "dangerous and impossible tootctl commands refuse without a terminal" {
	run live 'bin/tootctl self-destruct </dev/null'
	[ "$status" -eq 1 ]
	run live 'bin/tootctl search deploy'
	[ "$status" -eq 1 ]
	has "There was an issue connecting to the search server."
	run live 'bin/rails runner "puts Account.local.count"'
	[ "$output" = 3 ]
	run live 'bin/rails runner "Account.destroy_all"'
	[ "$status" -eq 1 ]
}
