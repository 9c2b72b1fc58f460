#!/usr/bin/env bats
# home.bats - bellbook without a command and without a terminal: text and JSON; and how long a runbook usually takes.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db BELLBOOK_RUNBOOKS=$BATS_TEST_TMPDIR/books HOME=$BATS_TEST_TMPDIR
	unset BELLBOOK_FLEET XDG_CONFIG_HOME
	mkdir -p "$BELLBOOK_RUNBOOKS"
	cat >"$BELLBOOK_RUNBOOKS/look.lua" <<-'END'
		runbook { id = "look", bellbook = 1, title = "Look around" }
		observe "one" { title = "One look", run = function(s) s:note(here.read("echo seen").out) end }
	END
	echo 'nonsense(' >"$BELLBOOK_RUNBOOKS/broken.lua"
}

@test "text for pipes names runbooks and what to do; JSON has all of it" {
	run -0 "$BELLBOOK" </dev/null
	[[ $output == *"Look around"* && $output == *"BROKEN"* && $output == *"bellbook help"* && $output != *UNFINISHED* ]]
	run -0 "$BELLBOOK" --json </dev/null
	python3 - "$output" <<-'END'
		import json, sys
		home = json.loads(sys.argv[1])
		books = {book["id"]: book for book in home["runbooks"]}
		assert home["sessions"] == [] and books["look"]["usual"] == {} and "broken.lua" in books["broken"]["broken"], home
	END
	[ ! -e "$BELLBOOK_JOURNAL" ]
}

@test "the runbooks of the folder that counts most come first, wherever the folders lie" {
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/aaa
	mkdir -p "$XDG_CONFIG_HOME/bellbook/runbooks"
	sed 's/look/again/' "$BELLBOOK_RUNBOOKS/look.lua" >"$XDG_CONFIG_HOME/bellbook/runbooks/again.lua"
	run -0 --separate-stderr "$BELLBOOK" list
	[[ $output == *" look "*" again "*" each "*" upgrade "* ]]
}

@test "after a walk, home and show tell who walked last and how long it takes" {
	run -0 "$BELLBOOK" run look --plain </dev/null
	run -0 "$BELLBOOK" --json </dev/null
	python3 - "$output" <<-'END'
		import json, sys
		home = json.loads(sys.argv[1])
		usual = {book["id"]: book["usual"] for book in home["runbooks"]}["look"]
		assert usual["runs"] == 1 and usual["last"]["state"] == "ok" and usual["took"]["n"] == 1, usual
		assert home["sessions"][0]["state"] == "ok" and home["sessions"][0]["list"][0]["state"] == "ok", home["sessions"]
	END
	run -0 "$BELLBOOK" show look --format md
	[[ $output == *"- Usual work: "* && $output == *"(\`one\`, observe, usually "* ]]
}
