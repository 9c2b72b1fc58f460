#!/usr/bin/env bats
# code.bats - the upgrade and the code: where it comes from, what it runs on, forks, commits and files of one's own, versions that are no release.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# One fleet, in order: app1 becomes a shallow clone with rbenv, app2 follows a remote of another name and has asdf; both are walked from 4.5.15 to
# 4.6.5, then to a fork's 4.6.5. Each set-up that is refused is mended as the refusal itself advises, and looked at again in the same walk.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"
OFFICIAL=https://github.com/mastodon/mastodon.git

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	[ -n "${FLEET_STANDING:-}" ] && export FLEET_STATE=$FLEET_STANDING
	"$FLEET" up >&2
	both standin set pace 0.1
}

teardown_file() { [ -n "${FLEET_STANDING:-}" ] || "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | grep -v '^> ' | cut -c1-1500 | tail -n 60; }

# The folder of the code on a host, as Mastodon's user: live HOST SHELL
live() { "$FLEET" in "$1" runuser -u mastodon -- env HOME=/home/mastodon sh -ec "cd $LIVE; $2"; }

# mends STEP COMMAND…: rules that mend one failure of the step after the other, each with its command; they are run by bash, with the functions here.
mends() {
	local step=$1 i=0 file
	shift
	for command in "$@"; do
		file=$BATS_TEST_TMPDIR/$step.$((++i))
		{
			declare -p FLEET LIVE OFFICIAL
			declare -f both live
			printf 'set -e\n%s\n' "$command"
		} >"$file"
		printf 'failure:%s=retry@1!bash %s\n' "$step" "$file"
	done
}

@test "versions as semver has them, ways that are closed, and what units run: the tables" {
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/versions.lua" "$BATS_TEST_DIRNAME/../../runbooks/lib"
	[ "$output" = ok ]
}

@test "what a later step needs is looked at first, and each refusal names a way on that works; then 4.5.15 to 4.6.5 from a shallow clone, another remote, with asdf" {
	local clone="git init -q && git remote add origin $OFFICIAL && git fetch --depth 1 origin tag v4.5.15 && git reset -q v4.5.15"
	local builder="git clone https://github.com/rbenv/ruby-build.git '/home/mastodon/.rbenv/plugins/ruby-build'"
	local kept="mkdir -p ../kept && mv 'db/migrate/20251118115657_create_collections.rb' ../kept/"
	local stash="git stash push -- 'package.json'" chown="chown -R mastodon: '$LIVE/streaming'"
	"$FLEET" in app2 standin ruby-by asdf 3.4.7
	"$FLEET" in app2 systemctl daemon-reload
	"$FLEET" in app2 systemctl restart mastodon-sidekiq
	live app2 "git remote rename origin vanilla"
	live app1 "git remote remove origin"
	RULES="$(mends way \
		"live app1 'git remote add origin $OFFICIAL'; live app1 'git remote set-url origin file:///nowhere'; live app1 'git fetch -q || true'" \
		"live app1 'git remote set-url origin $OFFICIAL; git tag -f v4.6.5 HEAD'" \
		"live app1 'git tag -d v4.6.5; mv .git ../git'; '$FLEET' in app1 runuser -u mastodon -- git init -q /home/mastodon" \
		"'$FLEET' in app1 rm -rf /home/mastodon/.git" \
		"live app1 \"$clone\"; '$FLEET' in app1 chown -R root: $LIVE/.git" \
		"'$FLEET' in app1 chown -R mastodon: $LIVE/.git; '$FLEET' in db1 redis-cli acl setuser default -sync -psync >/dev/null
		'$FLEET' in app1 standin set vips ''; '$FLEET' in app1 standin set libvips 8.12.1; '$FLEET' in app1 mv /usr/local/bin/node /root/; '$FLEET' in app1 sh -c 'printf \"#!/bin/sh\nexit 127\n\" >/usr/local/bin/node; chmod 755 /usr/local/bin/node'
		'$FLEET' in app1 sh -c 'printf \"#!/bin/sh\\necho pg_dump \\\"(PostgreSQL) 11.2\\\"\\n\" >/usr/local/bin/pg_dump; chmod 755 /usr/local/bin/pg_dump'
		'$FLEET' in app1 mv /home/mastodon/.rbenv/plugins/ruby-build /root/; '$FLEET' in app2 rm /home/mastodon/.asdfrc")
$(mends programs \
		"'$FLEET' in app1 standin set libvips 8.14.1; '$FLEET' in app1 rm /usr/local/bin/pg_dump; '$FLEET' in app1 mkdir -p /home/mastodon/.nvm/versions/node/v24/bin
		'$FLEET' in app1 mv /root/node /home/mastodon/.nvm/versions/node/v24/bin/; '$FLEET' in app1 sh -c 'sed -i s,/usr/local/bin/node,/home/mastodon/.nvm/versions/node/v24/bin/node, /etc/systemd/system/mastodon-streaming@.service; systemctl daemon-reload'
		'$FLEET' in app2 sh -c 'echo legacy_version_file = yes >/home/mastodon/.asdfrc'; live app2 'echo ruby 3.4.7 >.tool-versions'" \
		"live app2 'rm .tool-versions'; '$FLEET' in app2 standin set rubies-until 3.4.7" \
		"live app1 \"$builder\"; '$FLEET' in app2 rm /etc/standin/rubies-until")
$(mends tree "live app1 \"$kept; $stash\"; '$FLEET' in app1 $chown")
question=go"
	live app1 'mkdir -p app/themes; echo ours >app/themes/ours.scss; echo dump >dump.sql; echo x >.env.production.bak; echo "# ours" >>Rakefile; echo >>package.json'
	live app1 "echo ours >db/migrate/20251118115657_create_collections.rb"
	"$FLEET" in app1 chown root: $LIVE/streaming
	upgrade 4.6.5
	"$FLEET" in db1 redis-cli acl setuser default +sync +psync
	closed ok
	# The code
	has "git knows no place to fetch new code from. As mastodon in $LIVE: git remote add origin $OFFICIAL"
	has "git on app1 cannot ask for releases."
	has "does not appear to be a git repository"
	has "the tag v4.6.5 on this host is another commit"
	has "a folder in that of /home/mastodon"
	has "$clone"
	has "it belongs to root and git runs as mastodon. As root: chown -R mastodon: $LIVE/.git"
	has "4.6.6 is out"
	# The programs
	has "app1: Node.js is not installed; at least 22 is needed. Looked for in /home/mastodon/.rbenv/shims"
	has "app1: libvips 8.12.1 is too old"
	has "app1: pg_dump 11 cannot save a server of PostgreSQL"
	has "app1: Ruby 4.0.5 has to be built, and rbenv has no ruby-build to do it. As the owner of /home/mastodon/.rbenv: $builder"
	has "app2: asdf does not go by .ruby-version"
	has "app2: .tool-versions names a Ruby of its own"
	has "app2: Ruby 4.0.5 has to be built, and asdf does not know it"
	# The files
	has "$kept"
	has "$stash"
	has "streaming. As root: chown"
	lacks "ours.scss"
	lacks "dump.sql"
	has "left as they are, because v4.6.5 does not change them: Rakefile"
	# Redis
	has "Redis gives no copy of itself ("
	has "! settings Redis gives no copy of itself, so there is none"
	# And it was done, each with its own means.
	[[ $(effects app1) == *"rbenv install 4.0.5"*"bundle install v4.6.5 ruby-4.0.5"* ]] # its hook went with its old .git
	[[ $(effects app2) == *"git checkout v4.5.15..v4.6.5"*"asdf install ruby 4.0.5"*"bundle install v4.6.5 ruby-4.0.5"* ]]
	[ "$(live app1 "git describe --tags; git rev-parse --is-shallow-repository; cat app/themes/ours.scss; cat dump.sql")" = "v4.6.5
true
ours
dump" ]
	run "$FLEET" in app1 ls /var/backups/mastodon
	[[ $output == *settings-before-4.6.5* && $output != *.rdb* ]]
}

@test "a version that runs already: nothing to do, and it ends before the first change unless it is wanted; then its backup is not called before; mise, and a system's own Ruby" {
	both standin effects clear
	upgrade 4.6.5
	closed aborted
	has "4.6.5 runs already: nothing to do, and nothing was changed"
	# A walk to it was begun, and the code came after a Sidekiq was started: that one is not the new one.
	live app2 "git checkout -q -b other && git checkout -q v4.6.5 && git branch -qD other"
	RULES="manual:agree=abort" upgrade 4.6.5
	closed aborted
	has "4.6.5 runs and its migrations are done, but not every process was started since"
	"$FLEET" in app2 systemctl restart mastodon-sidekiq
	both standin effects clear
	# On the way: a Ruby of the system's own that is too old, one that fits, and mise, which is told to follow the code.
	"$FLEET" in app2 standin ruby-by system 3.1.2
	"$FLEET" in app2 systemctl daemon-reload
	RULES="$(mends programs \
		"'$FLEET' in app2 standin ruby-by mise 4.0.5; '$FLEET' in app2 standin set mise-follows no; '$FLEET' in app2 systemctl daemon-reload" \
		"'$FLEET' in app2 standin set mise-follows yes")
question=go
step:settings=abort" upgrade 4.6.5
	closed aborted
	has "app2: its services run /usr/local/bin/bundle, Ruby 3.1.2, and the release wants >= 3.3.0, < 4.1.0"
	has "app2: mise does not go by .ruby-version"
	has "app2: the services run /home/mastodon/.local/share/mise/shims/bundle of mise"
	"$FLEET" in app2 standin ruby-by asdf 4.0.5
	"$FLEET" in app2 systemctl daemon-reload
	run "$FLEET" in app1 sh -c 'ls /var/backups/mastodon/*.dump'
	[[ $output == */at-4.6.5-*.dump* ]]
	[ -z "$(effects app1)$(effects app2 | grep -v daemon-reload)" ]
}

@test "a fork's tag is walked to and counts as done; from it to Mastodon's own release is warned and asked; pre-releases, a database that does not fit, own commits" {
	other v4.6.5 v4.6.5-glitch "$GLITCH"
	both standin effects clear
	upgrade v4.6.5-glitch
	closed ok
	has "The version is the same, but the code on app1, app2 is another one than v4.6.5-glitch"
	[ "$("$FLEET" in app1 curl -s -H 'Host: social.practice.test' -H 'X-Forwarded-Proto: https' http://127.0.0.1:3000/api/v2/instance | grep -o '"version":"4[^"]*"')" = '"version":"4.6.5+glitch"' ]
	both standin effects clear
	upgrade 4.6.6
	closed aborted
	has "This server runs a fork of Mastodon: the web says that it is 4.6.5+glitch"
	has "the fork stays"
	upgrade 4.7.0-rc.1
	has "there is no release v4.7.0-rc.1"
	# A newer release of the fork, a branch; commits of one's own on it; and what the database says.
	other v4.6.6 v4.7.0-rc.1 "s/^      ''/      'rc.1'/"
	other v4.6.6 ours/4.6.6 "$GLITCH"
	"$FLEET" in db1 runuser -u postgres -- psql -qd mastodon_production -c "update ar_internal_metadata set value = 'development'; insert into schema_migrations values ('20990101000000'); delete from schema_migrations where version = '20260319142348'"
	live app1 "git config user.name ann; git config user.email ann@practice.example; git checkout -q -b ours; echo more >>README.md; git commit -qam 'Longer posts'"
	RULES="manual:agree=abort" upgrade ours/4.6.6
	closed aborted
	has "commits of your own on ours are not in ours/4.6.6, so they would no longer run:"
	has "ann: Longer posts"
	has "git worktree add -b 'own-4.6.6' '$LIVE-own' 'ours' && cd '$LIVE-own'"
	has "Then start again with target=own-4.6.6. Nothing was changed"
	[ -z "$(effects app1 | grep -v checkout)$(effects app2)" ]
	# Carried as it says, they are there; what is wrong with the database is said.
	live app1 "git fetch --no-tags 'origin' tag 'ours/4.6.6'; git worktree add -q -b 'own-4.6.6' '$LIVE-own' 'ours' && cd '$LIVE-own'
git rebase -q --onto 'ours/4.6.6' 'v4.6.5-glitch'
cd '$LIVE' && git worktree remove '$LIVE-own'"
	live app2 "git fetch -q vanilla tag 'ours/4.6.6' && git branch own-4.6.6 ours/4.6.6"
	RULES="manual:agree=abort" upgrade own-4.6.6
	closed aborted
	has "own-4.6.6 is a branch of the host's own"
	has "? manual agree"
	lacks "no longer run"
	has ", not production (ar_internal_metadata)"
	has "Migrations of 4.6.5+glitch, the release that runs, were never done: 1 (20260319142348"
	has "Migrations in it that are neither of 4.6.5+glitch nor of what it goes to: 1 (the newest is 20990101000000)"
	# A nightly build is said to be one.
	both sh -c "echo MASTODON_VERSION_PRERELEASE=nightly.2026-05-01 >>$LIVE/.env.production; rm /tmp/x 2>/dev/null; true"
	"$FLEET" in app1 systemctl restart mastodon-web
	"$FLEET" in app1 standin wait-web
	live app1 "PATH=/home/mastodon/.rbenv/shims:/usr/bin:/bin RAILS_ENV=production bin/tootctl cache clear" >/dev/null
	RULES="question=go
manual:agree=abort" upgrade v4.7.0-rc.1
	has "4.6.5-nightly.2026-05-01+glitch is a nightly build"
	has "4.6.6-rc.1 is a pre-release"
	# A fork's tag has the name of a release of Mastodon's own makers: it is the fork's all the same.
	other v4.6.6 v4.6.7 "$GLITCH"
	RULES="question=go
manual:agree=abort" upgrade 4.6.7
	has "? manual agree"
	has "A fork: the web says that it is 4.6.5-nightly.2026-05-01+glitch; the code on app1 calls itself 4.6.5+glitch"
	lacks "Replace the fork"
}
