#!/usr/bin/env bats
# session.bats - sessions as views, kills and full disks meet them; the work is done by the Python drivers in tests/lib.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

driver() {
	run python3 "$REPO/tests/lib/$1.py"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"not ok"* ]]
}

@test "people: answers, refusals, pauses, failures, parameters, several views" { driver session-basic; }

@test "two Unix users in one session" { driver session-people; }

@test "agreement between two Unix users, guests, newcomers" { driver session-agree; }

@test "kills, doubts and changed runbooks" { STEP=9 driver session-kill; }

@test "secrets, and a full disk" { driver session-secret; }
