#!/usr/bin/env bats
# services.bats - the upgrade finds what really runs: split units, other names, sockets, several hosts; and it sees when that changes meanwhile.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Order matters: one fleet is put into one set-up after another, and walked from 4.6.5 to 4.6.6 in the middle.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	FLEET_MASTODON=v4.6.5 "$FLEET" up >&2
	both standin set pace 0.1
	# Web hosts follow one another at once where no proxy has to be waited for.
	sed -i 's/mastodon = { /mastodon = { settle = 0, /' "$FLEET_STATE/fleet.lua"
}

teardown_file() { "$FLEET" down >&2; }

app1() { "$FLEET" in app1 "$@"; }
app2() { "$FLEET" in app2 "$@"; }

teardown() {
	[ -z "${output:-}" ] || echo "$output" | cut -c1-600 | tail -n 60
	both standin mend
}

untouched() { [ -z "$(effects app1 | grep -v '^systemctl')$(effects app2 | grep -v '^systemctl')" ]; }

# unit HOST NAME FROM [SED…]: a unit file made of another one.
unit() { "$FLEET" in "$1" sh -c "sed $(printf -- "-e '%s' " "${@:4}") /etc/systemd/system/$3.service >/etc/systemd/system/$2.service"; }

answers() { [ "$("$FLEET" in "$1" curl -s -m 5 "${@:2}")" = OK ]; }
is_active() { [ "$("$FLEET" in "$1" systemctl is-active "$2")" = active ]; }
main_pid() { "$FLEET" in "$1" systemctl show -p MainPID --value "$2"; }
# in_redis HOST UNIT: Redis knows the process of that unit.
in_redis() { "$FLEET" in "$1" redis-cli -h db1 smembers processes | grep -q "^$1:$(main_pid "$1" "$2"):"; }

# The first set-up: two web processes from a template of another name, Sidekiq in units of other names with the official one disabled on app1
# and masked on app2, three ports of streaming, and a unit that systemd only remembers.
split_up() {
	app1 systemctl disable --now mastodon-web mastodon-sidekiq
	unit app1 toot-web@ mastodon-web 's/PORT=3000/PORT=%i/'
	unit app1 toot-jobs mastodon-sidekiq 's/-c 25/-c 5 -q default -q ingress -q push -q pull/'
	unit app1 toot-mail mastodon-sidekiq 's/-c 25/-c 5 --queue mailers -q scheduler -q fasp/'
	unit app1 mastodon-ghost mastodon-sidekiq
	app1 systemctl start mastodon-ghost
	app1 sh -c 'systemctl stop mastodon-ghost; rm /etc/systemd/system/mastodon-ghost.service; systemctl daemon-reload'
	app1 systemctl enable --now toot-web@3000 toot-web@3001 toot-jobs toot-mail mastodon-streaming@4001 mastodon-streaming@4002
	unit app2 sidekiq-default mastodon-sidekiq 's/-c 25/-c 5 -q default/'
	app2 systemctl disable --now mastodon-sidekiq
	app2 rm /etc/systemd/system/mastodon-sidekiq.service
	app2 systemctl mask mastodon-sidekiq
	app2 systemctl enable --now sidekiq-default
	until_true answers app1 http://127.0.0.1:3000/health
	until_true answers app1 http://127.0.0.1:3001/health
	until_true answers app1 http://127.0.0.1:4002/api/v1/streaming/health
	until_true in_redis app1 toot-jobs
	until_true in_redis app1 toot-mail
	until_true in_redis app2 sidekiq-default
}

@test "a Sidekiq that was started by hand is named with its pid, command and user, and stops the walk" {
	split_up
	forget
	app1 sh -c "cd $LIVE && exec setsid runuser -u mastodon -- env PATH=/home/mastodon/.rbenv/shims:/usr/bin:/bin RAILS_ENV=production bundle exec sidekiq -c 3 >/dev/null 2>&1 </dev/null &"
	by_hand() { app1 pgrep -u mastodon -f '^sidekiq .*of 3 busy'; }
	until_true by_hand
	local pid
	pid=$(by_hand)
	upgrade 4.6.6
	app1 kill "$pid"
	closed aborted
	has "app1: pid $pid of mastodon: sidekiq 8.1.6 live"
	has "it would go on with the old code"
	untouched
}

@test "queues are those that processes serve, also by --queue" {
	app1 systemctl disable --now toot-mail
	RULES="failure:gates=skip" upgrade 4.6.6
	app1 systemctl enable --now toot-mail
	closed aborted
	has "app1: mastodon-web is disabled and off: it stays off."
	has "app2: mastodon-sidekiq is masked and off: it stays off."
	has "none serves"
	has "no Sidekiq process serves the queues mailers, scheduler, fasp"
	until_true in_redis app1 toot-mail
}

@test "a web, a Sidekiq and one of three streamings that die again and again stop the walk, each named, with what its journal says" {
	app1 standin fail web-boot-fails
	app1 standin fail sidekiq-boot-fails
	app1 standin fail streaming-boot-fails
	app1 systemctl restart toot-web@3001 mastodon-streaming@4002
	app2 standin fail sidekiq-boot-fails
	app2 systemctl restart sidekiq-default
	upgrade 4.6.6
	both standin mend
	app1 systemctl reset-failed toot-web@3001 mastodon-streaming@4002
	app1 systemctl restart toot-web@3001 mastodon-streaming@4002
	app2 systemctl reset-failed sidekiq-default
	app2 systemctl restart sidekiq-default
	closed aborted
	has "STEP services failed"
	has "app1: toot-web@3001 does not stay up"
	has "Unable to load application: NoMethodError"
	has "app1: mastodon-streaming@4002 does not stay up"
	has "app2: sidekiq-default does not stay up"
	lacks "app1: toot-web@3000 does"
	lacks "app1: mastodon-streaming@4001 does"
	untouched
	until_true answers app1 http://127.0.0.1:3001/health
	until_true answers app1 http://127.0.0.1:4002/api/v1/streaming/health
	until_true in_redis app2 sidekiq-default
}

# The second set-up: app2 has a web of its own, on all addresses; and the official Sidekiq.
two_webs() {
	app2 sh -c "cp $LIVE/dist/mastodon-web.service /etc/systemd/system/ && sed -i 's/PORT=3000\"/PORT=3010\"\\nEnvironment=\"BIND=0.0.0.0\"/' /etc/systemd/system/mastodon-web.service"
	app2 systemctl unmask mastodon-sidekiq
	app2 cp $LIVE/dist/mastodon-sidekiq.service /etc/systemd/system/
	app2 systemctl daemon-reload
	app2 systemctl disable --now sidekiq-default
	app2 systemctl enable --now mastodon-web mastodon-sidekiq
	until_true answers app2 http://127.0.0.1:3010/health
	until_true in_redis app2 mastodon-sidekiq
}

@test "two hosts of one name are refused at once; settings that differ are named, but for what may differ; each file system has room" {
	two_webs
	app2 hostname app1
	upgrade 4.6.6
	app2 hostname app2
	closed aborted
	has "app1 and app2 both call themselves app1"
	cp "$FLEET_STATE/fleet.lua" "$BATS_TEST_TMPDIR/fleet.lua"
	sed -i 's/ hosts = {/ hosts = { ["rsa-app1"] = {},/; s/ app = { "app1", "app2" }/ app = { "app1", "rsa-app1" }/' "$FLEET_STATE/fleet.lua"
	upgrade 4.6.6
	cp "$BATS_TEST_TMPDIR/fleet.lua" "$FLEET_STATE/fleet.lua"
	closed aborted
	has "app1 and rsa-app1 are one host (app1, with the addresses "
	app2 cp -p $LIVE/.env.production $LIVE/.env.kept
	app2 sh -c "cd $LIVE && sed -i -e 's/^VAPID_PUBLIC_KEY=.*/VAPID_PUBLIC_KEY=other/' -e '/^VAPID_PRIVATE_KEY=/d' -e 's/^SMTP_PORT=25/SMTP_PORT=\"587\" # ours/' -e 's/^DB_NAME=\\(.*\\)/DB_NAME=\"\\1\" # the same/' .env.production && echo DB_POOL=40 >>.env.production"
	app2 mount -t tmpfs -o size=2m tmpfs $LIVE/log
	# The same code comes anew to one of them, whose web was started before that.
	app2 runuser -u mastodon -- sh -ec "cd $LIVE; git checkout -q -b other; git checkout -q v4.6.5; git branch -qD other"
	forget
	RULES="failure:programs=skip" upgrade 4.6.6
	app2 umount $LIVE/log
	app2 mv $LIVE/.env.kept $LIVE/.env.production
	closed aborted
	has "The webs do not run one version: the one on app2 was started before the code that lies there came, the one on app1 after it;"
	has "app2: $LIVE/log is a file system of its own with"
	has "VAPID_PUBLIC_KEY is not the same on app1 as on app2"
	has "VAPID_PRIVATE_KEY is missing on app2, and set on app1"
	has "SMTP_PORT is not the same on app1 as on app2; is that meant?"
	lacks "DB_POOL is"
	lacks "DB_NAME is"
	has "PostgreSQL runs elsewhere, at db1:5432 (host db1)."
	untouched
}

die() { printf '%s' "'$FLEET' in $1 sh -c 'main() { systemctl show -p MainPID --value $2; }; pid=\$(main); test \$pid -gt 1 && kill -9 \$pid && until new=\$(main); [ \$new != 0 ] && [ \$new != \$pid ]; do sleep 0.1; done'"; }
checkout() { printf '%s' "'$FLEET' in $1 runuser -u mastodon -- git -C $LIVE checkout -q $2"; }
on() { printf '%s' "'$FLEET' in $1 $2"; }
# Shell text: waits until the Sidekiq of that unit works.
serves() { printf '%s' "until pid=\$('$FLEET' in $1 systemctl show -p MainPID --value $2) && '$FLEET' in $1 redis-cli -h db1 smembers processes | grep -q \"^$1:\$pid:\"; do sleep 0.1; done"; }

@test "the walk: what is listed is what runs; deaths, other code, a last web, failed units and a dead heartbeat are seen; only what ran is restarted" {
	forget
	app1 standin set pace 2
	app2 standin fail yarn-network
	# A changed unit wants a restart, even where a patch is content with a reload.
	app1 sh -c 'echo >>/etc/systemd/system/toot-web@.service'
	app2 sh -c 'echo >>/etc/systemd/system/mastodon-web.service'
	export PATIENCE
	# Behind a proxy that leaves out who refused it, the next web is taken when the one before gets requests again.
	app1 sed -i 's/upstream backend {.*/upstream backend { server 127.0.0.1:3000; server 127.0.0.1:3001; server app2:3010; }/' /etc/nginx/nginx.conf
	app1 nginx -s reload
	sed -i 's/ settle = 0,//' "$FLEET_STATE/fleet.lua"
	RULES="failure:yarn=retry@1!$(on app1 "standin set pace 0.1"); $(on app2 "standin mend")
step:assets=go@1!$(die app1 toot-web@3000)
question:Members=web
step:web=go@1!$(checkout app2 v4.6.5)
failure:web=retry@1!$(checkout app2 v4.6.6); $(on app1 "systemctl stop toot-web@3001"); $(on app2 "systemctl stop mastodon-web")
failure:web=retry@1!$(on app1 "systemctl start toot-web@3001"); $(on app2 "systemctl start mastodon-web"); until $(on app2 "curl -sf http://127.0.0.1:3010/health"); do sleep 0.1; done; $(on app2 "standin fail web-boot-fails")
failure:web=retry@1!$(on app2 "standin mend"); $(on app2 "systemctl reset-failed mastodon-web")
step:sidekiq=go@1!$(die app2 mastodon-sidekiq); $(on app1 "standin fail sidekiq-boot-fails")
failure:sidekiq=retry@1!$(on app1 "standin mend"); $(on app1 "systemctl reset-failed toot-jobs toot-mail"); $(on app1 "env STANDIN_UNCOUNTED=1 systemctl start toot-jobs toot-mail"); $(serves app1 toot-jobs); $(serves app1 toot-mail)" DRIVE_DETAILS=1 DRIVE_COMMANDS=1 upgrade 4.6.6
	closed ok
	has "It failed on app2; app1 still at work: "
	# Before the question of the next step.
	[[ $output == *"STEP assets ok"*"toot-web@3000 was started anew at"*"It runs what lies there now: the new release, half-installed."*"The shortest way out is to go on to"*"? question quiet"* ]]
	has "STEP quiet skipped members have errors"
	# In the question itself, too: on a small screen its box covers what was said before it.
	[[ $output == *"? step web "*"| WARNING: app1: toot-web@3000 was started anew at"* ]]
	has "app2: the code was v4.6.6"
	has "and is v4.6.5"
	has "(checkout: moving from"
	has "toot-web@3000 on app1 is the last web that answers. Restart it now?"
	has "app2: mastodon-web does not stay up"
	has "It said: "
	has "Unable to load application: NoMethodError"
	# One host's Sidekiq alone does not come up: that host, its unit, and what it said.
	[[ $output =~ "app1: toot-"(jobs|mail)" does not stay up: "[^$'\n']*"undefined method 'configure_server'" ]]
	lacks "app2: mastodon-sidekiq does not stay up"
	has "toot-web@3000 on app1 works again, and the proxy gives it requests."
	has "toot-web@3001 on app1 works again, and the proxy gives it requests."
	# In the order of the fleet, whole.
	[[ $(sed -n '/^? step web/,/^= /p' <<<"$output" | grep '^  \$' | cut -d' ' -f4-) == "app1 systemctl daemon-reload
app1 systemctl restart 'toot-web@3000'
app1 systemctl restart 'toot-web@3001'
app2 systemctl daemon-reload
app2 systemctl restart 'mastodon-web'
app1 bin/tootctl cache clear" ]]
	# One that was started anew since, and works, is left alone; the heartbeat of the dead one is not its own.
	[ "$(effects app2 | grep -c 'systemctl stop mastodon-sidekiq')" -eq 0 ]
	[ "$(effects app1 | grep -cE 'systemctl (restart|start|reload) mastodon-(web|sidekiq)')" -eq 0 ]
	[ "$(effects app1 | grep -E 'systemctl (stop|start) toot-(jobs|mail)')" = "systemctl stop toot-jobs
systemctl start toot-jobs
systemctl stop toot-mail
systemctl start toot-mail" ]
	[ "$(app1 systemctl is-active mastodon-sidekiq)" = inactive ]
	"$FLEET" in db1 sh -c 'ls /var/backups/mastodon/settings-before-4.6.6-*'
	app1 sh -c 'tar -tzf /var/backups/mastodon/settings-before-4.6.6-*.tar.gz | grep toot-web@.service'
}
