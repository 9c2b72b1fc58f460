#!/usr/bin/env bats
# plain.bats - steps in their data form; the work is done by tests/lib/session-plain.py.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

plain() {
	run env TEST="$1" python3 "$REPO/tests/lib/session-plain.py"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"ok 1 - "* && $output != *"not ok"* ]]
}

@test "walked, a step in its data form leaves the journal that functions leave" { plain "walked"; }

@test "its check says done, not done, or neither" { plain "a check that"; }

@test "a dry run lists what it would run" { plain "a dry run"; }

@test "show prints what it runs, check says what is wrong" { plain "show, as"; plain "check says"; }

@test "commands of a manual step may be computed" { plain "commands of"; }

@test "the runbook of docs/first-change.md is fine, and its step is the one that is printed there" {
	local example=$REPO/docs/examples/backup-folder.lua
	"$BELLBOOK" check "$example"
	sed -n '/^change/,$p' "$example" >"$BATS_TEST_TMPDIR/step"
	[ -s "$BATS_TEST_TMPDIR/step" ]
	sed -n '/^change "folder"/,/^```/p' "$REPO/docs/first-change.md" | sed '$d' | cmp - "$BATS_TEST_TMPDIR/step"
}
