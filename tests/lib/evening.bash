# shellcheck shell=bash
# evening.bash - servers as other people have them: a fork, Sidekiq in four units, another Redis database, sudo that wants a password, a login shell
# that prints, a replica that is down. For tests that walk the upgrade there; the disk of app2 is theirs to fill. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later

FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
LIVE=/home/mastodon/live
# shellcheck source=tests/lib/standin.sh
. "$BATS_TEST_DIRNAME/../lib/standin.sh"

# What whoever logs in there types for sudo.
# shellcheck disable=SC2034 # for the file that sources this
PASSWORD=practice-only

evening_up() {
	local host
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet
	"$FLEET" up >&2
	both standin set pace 0
	other v4.6.5 v4.6.5-glitch "$GLITCH"
	other v4.6.6 v4.6.6-glitch "$GLITCH"
	both sh -c "printf '%s\n' MASTODON_VERSION_METADATA=ours REDIS_DB=1 >>$LIVE/.env.production"
	"$FLEET" in app2 systemctl restart mastodon-sidekiq
	"$FLEET" in app1 systemctl restart mastodon-web mastodon-streaming
	"$FLEET" setup app1 sidekiq-split
	# Whose sudo wants a password logs in everywhere, and its shell prints at each log-in.
	sed -i 's/^  User deploy/  User secure/' "$FLEET_STATE/ssh_config"
	# shellcheck disable=SC2016 # that shell expands it
	for host in app1 app2 db1; do "$FLEET" in "$host" sh -c 'echo "echo Welcome to \$(uname -n); echo mind the noise >&2" >>/home/secure/.bashrc'; done
	"$FLEET" break power db2
	# A primary finds that out by itself after a minute.
	"$FLEET" in db1 runuser -u postgres -- psql -qAtc 'SELECT pg_terminate_backend(pid) FROM pg_stat_replication' >&2
	"$FLEET" in app1 standin wait-web
	both standin effects clear
}

# What happened on the hosts: each unit that ran was renewed, and no other; each host's assets were built once; the site runs the fork's release.
evening_effects() {
	local host
	[ "$(effects app1 | grep -E 'systemctl (stop|start|restart) ' | sort -u)" = "systemctl restart mastodon-streaming
systemctl restart mastodon-web
systemctl start mastodon-sidekiq-default
systemctl start mastodon-sidekiq-federation
systemctl start mastodon-sidekiq-mailers
systemctl start mastodon-sidekiq-scheduler
systemctl stop mastodon-sidekiq-default
systemctl stop mastodon-sidekiq-federation
systemctl stop mastodon-sidekiq-mailers
systemctl stop mastodon-sidekiq-scheduler" ]
	for host in app1 app2; do [ "$(effects $host | grep -c '^assets:precompile v4.6.5')" -eq 1 ]; done
	[[ $("$FLEET" in app1 curl -s -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://127.0.0.1:3000/api/v2/instance) == *'"version":"4.6.5+glitch.ours"'* ]]
}

tells() { grep -qF -- "$1" "$BATS_TEST_TMPDIR/account" || { echo "the account does not tell: $1"; return 1; }; }

# What whoever has to be told should know of it, each as a part of a line that no view breaks.
# shellcheck disable=SC2034 # for the file that sources this
EVENING=('Running: 4.5.15+ours.'
	'From 4.5.15+ours to 4.6.5+glitch: a new series'
	'v4.6.6-glitch is out'
	'db2, a replica, could not be looked at: '
	'Nobody reads the replication slot db2'
	'2 Sidekiq processes serve the queue “scheduler”; Mastodon wants exactly one.'
	'app1: mastodon-sidekiq is disabled and off: it stays off.')

# The account for those who were asleep, of session 1 of that journal: without its line ends it stays in account.
evening_account() {
	local text
	BELLBOOK_JOURNAL=$1 "$BELLBOOK" log 1 --format md | tr -s ' \n' ' ' >"$BATS_TEST_TMPDIR/account"
	for text in "${EVENING[@]}"; do tells "$text"; done
	tells 'app2: the disk is full: / (0 KiB free)'
	tells "| 21 | assets | Build the pages' assets | change | ok | 2 |"
	tells 'no space left on app2: the job was not started'
	tells "redis-cli --no-auth-warning -h 'db1' -p 6379 -n 1 --rdb"
	tells '| Downtime | none by the steps; asked from outside: '
	# Nothing of what log-in shells print, and the password nowhere.
	run ! grep -F 'mind the noise' "$BATS_TEST_TMPDIR/account"
	run ! grep -raq "$PASSWORD" "${1%/*}" "$BATS_TEST_TMPDIR/account"
}
