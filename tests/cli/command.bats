#!/usr/bin/env bats
# command.bats - the command line itself: help, JSON, what is refused and with which words, and a terminal that is hung up.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup() {
	export HOME=$BATS_TEST_TMPDIR XDG_STATE_HOME=$BATS_TEST_TMPDIR BELLBOOK_BALLAST=65536 BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db
	unset BELLBOOK_FLEET
	printf '%s\n' 'runbook { id = "one", bellbook = 1, title = "One" }' 'manual "s" { title = "ONE-STEP", why = "w" }' >"$BATS_TEST_TMPDIR/one.lua"
	printf '%s\n' 'runbook { id = "bad", bellbook = 1, title = "Bad", oops = 1 }' >"$BATS_TEST_TMPDIR/bad.lua"
}

refuses() {
	local words=$1
	shift
	run "$BELLBOOK" "$@" </dev/null
	echo "$output"
	[ "$status" -eq 2 ]
	[[ $output == *"$words"* ]]
}

json() { python3 -c "import json, sys; d = json.load(sys.stdin); assert $1, d"; }

@test "every command tells what it takes, and nothing else" {
	"$BELLBOOK" help --json | python3 -c 'import json, sys; [print(c["name"]) for c in json.load(sys.stdin)]' >"$BATS_TEST_TMPDIR/commands"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/commands")" -ge 15 ]
	while read -r name; do
		run "$BELLBOOK" "$name" --help
		[ "$status" -eq 0 ]
		[[ ${lines[0]} == "bellbook $name"* ]]
		[[ $output == *"--journal PATH"* ]]
		[ "$("$BELLBOOK" help "$name")" = "$output" ]
	done <"$BATS_TEST_TMPDIR/commands"
	run "$BELLBOOK" run --help
	[[ $output == *"--dry-run "*"change nothing"* ]]
	[[ $output != *"--sudo"* ]]
	refuses "did you mean resume" help resum
}

@test "what a command does not take is refused" {
	refuses 'list takes no word “upgrade”' list upgrade
	refuses 'run takes no word “b”' run a b
	refuses "sessions takes no --sudo; bellbook help sessions" sessions --sudo
	refuses "list takes nothing behind --" list -- uptime
	refuses "takes no --open" --open
	refuses "there is no option --dry; did you mean" run a --dry
	[ ! -e "$BELLBOOK_JOURNAL" ]
}

@test "check and version print JSON" {
	"$BELLBOOK" version --json | json 'd["name"] == "bellbook"'
	"$BELLBOOK" check --json "$BATS_TEST_TMPDIR/one.lua" | json 'd[0]["ok"] and d[0]["runbook"].endswith("/one.lua")'
	run "$BELLBOOK" check --json "$BATS_TEST_TMPDIR/one.lua" "$BATS_TEST_TMPDIR/bad.lua"
	[ "$status" -eq 1 ]
	json 'd[0]["ok"] and not d[1]["ok"] and "bad.lua:1:" in d[1]["error"] and len(d) == 2' <<<"$output"
}

@test "check finds in the calls of a runbook what an editor with its types would" {
	local words
	while IFS='|' read -r body words; do
		printf '%s\n' 'runbook { id = "t", bellbook = 1, title = "T" }' \
			"observe \"a\" { title = \"A\", $body }" >"$BATS_TEST_TMPDIR/t.lua"
		run "$BELLBOOK" check "$BATS_TEST_TMPDIR/t.lua"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ $output == "t.lua:2: "*"$words"* ]]
	done <<-'END'
		titel = "A", run = function(s) end|step 'a' has no field 'titel' (did you mean 'title'?)
		run = function(s) ssh.run("a", "ls", { cwd = 7 }) end|ssh.run: 'cwd' must be a text
		run = function(s) ssh.raed("a", "ls") end|there is no ssh.raed (did you mean ssh.read?)
		run = function(s) ssh.run("a", "ls", { ass = "x" }) end|ssh.run has no argument 'ass' (did you mean 'as'?)
		run = function(s) ssh.run("a") end|ssh.run: 'cmd' is missing
	END
}

@test "check --types prints the types for editors" {
	"$BELLBOOK" check --types | cmp - "$REPO/runbooks/types/bellbook.lua"
	refuses "check --types looks at no file" check --types "$BATS_TEST_TMPDIR/one.lua"
}

@test "check: what a way back gets must be parameters of it, and it must load" {
	local books=$BATS_TEST_TMPDIR/books step='observe "a" { title = "A", gives = { "rekord" }, run = function(s) s.rekord = 1 end }'
	mkdir "$books"
	echo 'runbook { id = "back", bellbook = 1, title = "Back", params = { record = { type = "text", ask = "Which?" }, drain = { type = "integer", ask = "How long?" } } }
observe "a" { title = "A", run = function(s) end }' >"$books/back.lua"
	for with in rekord drain; do
		echo 'runbook { id = "'$with'", bellbook = 1, title = "There", params = { drain = { type = "integer", ask = "How long?" } }, way_back = { runbook = "back", with = { "'$with'" } } }'"
$step" >"$books/$with.lua"
	done
	"$BELLBOOK" check "$books/drain.lua"
	run "$BELLBOOK" check "$books/rekord.lua"
	[ "$status" -eq 1 ]
	[[ $output == *"rekord.lua: way_back: with names 'rekord', which is no parameter of back (did you mean 'record'?)"* ]]
	echo 'runbook {' >"$books/back.lua"
	run "$BELLBOOK" check "$books/drain.lua"
	[ "$status" -eq 1 ]
	[[ $output == *"drain.lua: way_back: "*"back.lua:"* ]]
	"$BELLBOOK" check "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" "$BATS_TEST_DIRNAME/../../runbooks/upgrade-back.lua"
}

@test "a session that is not there is told from one that is, and a hung-up view gives the terminal back" {
	refuses "there is no session 99999 in the journal" attach 99999
	[[ $output == *"it is empty, or not there yet"* ]]
	run timeout "${PATIENCE:-120}" python3 "$REPO/tests/lib/hangup.py" "$BELLBOOK" "$BATS_TEST_TMPDIR/one.lua" </dev/null
	echo "$output"
	[ "$output" = "given back" ]
	run python3 "$REPO/tests/lib/drive.py" manual=abort -- "$BELLBOOK" attach --json </dev/null
	[[ $output == *"CLOSED aborted"* ]]
	for command in attach resume log; do
		refuses "there is no session 99999 in the journal $BELLBOOK_JOURNAL; the newest there are: 1. bellbook sessions lists all" "$command" 99999
	done
	run "$BELLBOOK" sessions
	[[ $output == *"number of the session's first event"* ]]
}

@test "a host's disk is as full as df says: what is kept for root counts for nothing" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	# The first is no disk; the third would be 70% full if what root keeps counted.
	printf '%s\n' '#!/bin/sh' 'echo "Filesystem 1024-blocks Used Available Capacity Mounted on"' 'echo "tmpfs 100 99 1 99% /run"' \
		'echo "/dev/vda1 264212084 20021324 77931880 21% /"' >"$BATS_TEST_TMPDIR/bin/df"
	chmod +x "$BATS_TEST_TMPDIR/bin/df"
	run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" sh "$REPO/actions/do/glance.sh"
	echo "$output"
	[ "$(grep ^disk <<<"$output")" = "disk 97953204 77931880 /" ]
}

@test "what the steps of the upgrade say of the way back holds for each of its ways" {
	"$BELLBOOK" show "$BATS_TEST_DIRNAME/../../runbooks/upgrade.lua" --json >"$BATS_TEST_TMPDIR/plan"
	python3 - "$BATS_TEST_TMPDIR/plan" <<-'END'
		import json, sys
		back = {step["id"]: step.get("back", "") for step in json.load(open(sys.argv[1]))["steps"]}
		# From the checkout on, whatever is started by hand is the new code: the runbook brings the old one.
		for step in ("checkout", "gems", "yarn", "assets", "migrate", "quiet", "stop", "migrate-all", "web", "migrate-post"):
		    assert "upgrade-back" in back[step], (step, back[step])
		for step in ("quiet", "stop"):
		    assert "Start the services again" not in back[step] and "systemctl restart" not in back[step], back[step]
		# Restarted after a full stop, everything is migrated: no old code bears that.
		assert "full stop" in back["web"].replace("\n", " ") and "only the dump leads back" in back["web"], back["web"]
	END
}

@test "in plain lines a role without hosts is the reason, not “failed” alone" {
	printf '%s\n' 'runbook { id = "roles", bellbook = 1, title = "Roles", roles = { app = "1+" } }' 'manual "s" { title = "S", why = "w" }' >"$BATS_TEST_TMPDIR/roles.lua"
	printf '%s\n' 'fleet { name = "small", hosts = { a = {} }, roles = { web = { "a" } } }' >"$BATS_TEST_TMPDIR/small.lua"
	run "$BELLBOOK" run "$BATS_TEST_TMPDIR/roles.lua" --fleet "$BATS_TEST_TMPDIR/small.lua" --plain </dev/null
	[[ $output == *"the session is closed: failed: roles needs 1+ hosts with the role 'app'; the fleet small has 0. Add it to roles in the fleet file"* ]]
}

@test "each: on how many hosts at once, and after how many failures on no more, is said to the command" {
	printf '%s\n' 'Host *' '	ProxyCommand false' >"$BATS_TEST_TMPDIR/ssh_config"
	printf '%s\n' "fleet { name = 'three', ssh_config = '$BATS_TEST_TMPDIR/ssh_config', hosts = { a = {}, b = {}, c = {} }, roles = { web = { 'a', 'b', 'c' } } }" \
		>"$BATS_TEST_TMPDIR/three.lua"
	refuses "at_once: a whole number is needed" each --read --at-once many --fleet "$BATS_TEST_TMPDIR/three.lua" web -- true
	refuses "stop_after" each --stop-after 0 --fleet "$BATS_TEST_TMPDIR/three.lua" web -- true
	refuses "takes no --at-once" sessions --at-once 3
	tried() { # EXPECTED OPTION…
		local count=$1
		shift
		export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/each-$count.db
		python3 - "$BELLBOOK" each --read --json "$@" --fleet "$BATS_TEST_TMPDIR/three.lua" web -- true <<-'END' >"$BATS_TEST_TMPDIR/said"
			import json, subprocess, sys
			walk = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
			for line in walk.stdout:
			    print(line, end="")
			    event = json.loads(line)
			    if event.get("kind") == "asked":
			        walk.stdin.write(json.dumps({"do": "answer", "seq": event["seq"], "value": "abort", "why": "seen"}) + "\n")
			        walk.stdin.flush()
			    if event.get("kind") == "session.closed":
			        break
			walk.communicate()
		END
		[ "$(grep -c '"call.begun"' "$BATS_TEST_TMPDIR/said")" -eq "$count" ]
	}
	tried 1 --at-once 1 --stop-after 1
	tried 2 --at-once 1 --stop-after 2
	tried 3 --at-once 1
}
