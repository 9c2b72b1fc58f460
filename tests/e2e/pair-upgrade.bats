#!/usr/bin/env bats
# pair-upgrade.bats - two Unix users walk the whole upgrade on the practice fleet, by what their screens say: one drives, the other agrees to what cannot be undone.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"
REPO="$BATS_TEST_DIRNAME/../.."
SOCKET=pairup
# shellcheck source=tests/lib/panes.sh
. "$BATS_TEST_DIRNAME/../lib/panes.sh"
# shellcheck source=tests/lib/standin.sh
. "$BATS_TEST_DIRNAME/../lib/standin.sh"

setup() {
	dir=$BATS_TEST_TMPDIR
	export FLEET_STATE=$dir/fleet TMUX_TMPDIR=$dir BELLBOOK_JOURNAL=$dir/share/j.db BELLBOOK_BALLAST=1048576 BELLBOOK_RUNBOOKS=$dir/runbooks
	BELLBOOK=${BELLBOOK:-$REPO/build/release/bellbook}
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	command -v tmux >/dev/null || skip "tmux is not installed"
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	ann=$(python3 "$PAIR" name $ANN) || skip "$ann"
	ben=$(python3 "$PAIR" name $BEN)
	cp "$BELLBOOK" "$dir/bellbook" # the tree may be in a folder that is not theirs
	cp -r "$REPO/runbooks" "$dir/runbooks"
	chmod 755 "$dir" "$BATS_RUN_TMPDIR"
	team_folder "$dir/share"
	FLEET_MASTODON=v4.6.6 "$FLEET" up >&2
	for host in app1 app2; do "$FLEET" in $host standin set pace 0; done
	mkdir "$dir/ann"
	# What ann has of the fleet is hers; nobody agrees with themselves.
	cp "$FLEET_STATE/id" "$FLEET_STATE/known_hosts" "$dir/ann"
	for file in ssh_config fleet.lua; do sed "s,$FLEET_STATE,$dir/ann,; s/alone = \"waiver\"/alone = \"refuse\"/" "$FLEET_STATE/$file" >"$dir/ann/$file"; done
	grep -q 'alone = "refuse"' "$dir/ann/fleet.lua"
	chown -R $ANN:$TEAM "$dir/ann"
	chmod 700 "$dir/ann"
	cd "$dir" || return
	world tmux -L pairup -f /dev/null new-session -d -s ann -x 80 -y 24 "export BELLBOOK_FLEET=$dir/ann/fleet.lua BELLBOOK_SSH_CONFIG=$dir/ann/ssh_config; $(as $ANN "$dir/ann")"
	world tmux -L pairup new-session -d -s ben -x 80 -y 24 "$(as $BEN "$dir/share")"
	see ann 'ready>'
	see ben 'ready>'
}

# The sessions live in the fleet's world: they end with it.
teardown() {
	[ -S "$TMUX_TMPDIR/tmux-$(id -u)/pairup" ] && tm kill-server
	"$FLEET" down >&2
}

# Runs something on the ops side, where the users exist.
world() { "$FLEET" exec python3 "$PAIR" "$@"; }

# bellbook, as ben
bellbook() { world "${AS_BEN[@]}" "$dir/bellbook" "$@"; }

# The text of somebody's dialog, in one line.
dialog() { screen "$1" | sed -n 's/^│ \(.*[^ ]\) *│$/\1/p' | tr '\n' ' '; }

# approved FILE: ben, and nobody else, agreed to what step 32 ran, before it ran; who they were is the kernel's word.
approved() {
	python3 - "$1" "$ann" $ANN "$ben" $BEN <<'PY'
import json, sys
ann, ben = (sys.argv[2], int(sys.argv[3])), (sys.argv[4], int(sys.argv[5]))
events = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
def of(kind, **data):
    return [e for e in events if e["kind"] == kind and all(e["data"].get(k) == v for k, v in data.items())]
assert {(e["who"], e["data"]["uid"], e["data"]["role"]) for e in of("joined")} == {(*ann, "driver"), (*ben, "navigator")}, of("joined")
given, asked = of("approval.given"), of("approval.asked")
assert len(given) == len(asked) == 1, (given, asked)
given, asked = given[0], asked[0]
question = next(e for e in events if e["seq"] == given["data"]["seq"])
assert given["who"] == given["data"]["by"] == ben[0] and given["data"]["waiver"] is False, given
assert given["data"]["why"] == "members are told", given
assert given["step"] == given["data"]["step"] == question["step"] == "migrate-post", (given, question)
assert given["data"]["hash"] == asked["data"]["hash"] == question["data"]["hash"], (given, asked, question)
assert question["data"]["of"] == "approval" and question["data"]["expect"] == "social.practice.test", question
begun = [e for e in of("step.begun", part="run") if e["step"] == "migrate-post"]
assert [e["attempt"] for e in begun] == [given["data"]["attempt"]] and begun[0]["seq"] > given["seq"], begun
assert {e["who"] for e in of("answered") if e["data"]["seq"] != question["seq"]} == {ann[0]}
assert [e["data"]["outcome"] for e in of("session.closed")] == ["ok"]
PY
}

only_shells() { [ "$(world ps -u $ANN,$BEN -o comm= | sort | tr '\n' ' ')" = 'bash bash ' ]; }

# Nothing of the two users runs in the fleet's world but their shells.
alone() {
	until_true only_shells && return 0
	world ps -u $ANN,$BEN -o pid,args
	return 1
}

@test "two users: the whole upgrade to 4.7.4, past a failure that the screen explains, over the point of no return" {
	local command target
	type_in ann "clear; ./bellbook run upgrade; echo rc=\$?" Enter
	see ann 'Which version'
	type_in ben "clear; ./bellbook attach; echo rc=\$?" Enter
	see ben "[YOU: $ben"
	see ann "DRIVES] $ben"
	# The screen names the command that is missing; somebody runs it, and tries again.
	answer_all ann 4.7.4 'What now'
	see ben 'Step “Is the database healthy?” failed. What n'
	command=$(dialog ann | grep -o "sudo .* 'CREATE EXTENSION amcheck'")
	world "${AS_ANN[@]}" ssh -F "$dir/ann/ssh_config" db1 "$command" >&2
	answer_all ann '' 'another person is asked'
	run -0 effects app1
	[[ $output == *'systemctl restart mastodon-streaming' ]] # and nothing after it
	see ben 'YOUR AGREEMENT IS NEEDED'
	see ben "$ann wants to run step 32"
	see ben '$ bundle exec rails db:migrate'
	see ben 'PgDn shows the rest'
	see ben 'Enter agrees'
	target=$(dialog ben | sed -n 's/.*To agree, type \([^ ]*\)\. .*/\1/p')
	type_in ben "$target" Enter
	see ben 'Why?'
	type_in ben 'members are told' Enter
	answer_all ann ''
	see ann 'rc=0'
	end_read ben
	see ben 'rc=0'
	told ann 'closed, outcome ok'
	told ben 'closed, outcome ok'
	bellbook log 1 --format jsonl >"$dir/log"
	approved "$dir/log"
	run -0 bellbook verify
	[[ $output == intact:* ]]
	is app1 "git checkout v4.6.6..v4.7.4
bundle install v4.7.4 ruby-4.0.5 new=3
corepack enable
yarn install v4.7.4
assets:precompile v4.7.4
migrate 20260526084516 AddIdSchemeToAccounts pre
migrate 20260602091127 CreateAccountMerges pre
migrate 20260611120410 AddIndexOnStatusesUriHash pre
systemctl kill -s TSTP mastodon-sidekiq
systemctl restart mastodon-web
tootctl cache clear
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq
systemctl restart mastodon-streaming
migrate 20260623132145 MigrateLocalAccountKeypairs post
migrate 20260630101010 CleanUpInvalidAccounts post
migrate 20260707093000 AddUniqueIndexOnAccountsUri post
migrate 20260714160812 ReplaceInstancesViewWithTable post
systemctl kill -s TSTP mastodon-sidekiq
systemctl reload mastodon-web
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq"
	is app2 "git checkout v4.6.6..v4.7.4
bundle install v4.7.4 ruby-4.0.5 new=3
corepack enable
yarn install v4.7.4
assets:precompile v4.7.4
systemctl kill -s TSTP mastodon-sidekiq
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq
systemctl kill -s TSTP mastodon-sidekiq
systemctl stop mastodon-sidekiq
systemctl start mastodon-sidekiq"
	alone
	[ -z "$(ls -A "$BELLBOOK_JOURNAL.run")" ]
}
