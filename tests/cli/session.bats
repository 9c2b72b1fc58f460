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

@test "what a walk says of its steps: left out by people, gone back to, done already" { driver session-plan; }

@test "the way back that a runbook names: offered, filled in, told" { driver session-back; }

@test "two Unix users in one session" { driver session-people; }

@test "who is no second person: uids that anybody can take on, accounts without a person, one person with two accounts" { driver session-second; }

@test "agreement between two Unix users, guests, newcomers" { driver session-agree; }

@test "kills, doubts and changed runbooks" { STEP=9 driver session-kill; }

@test "calls in doubt, divergence, variables without a value" { driver session-doubt; }

@test "secrets, and a full disk" { driver session-secret; }

@test "clock, disk and indexes give way under a session" { driver session-trust; }

@test "one process carries a session: lease, socket, run directory and journal removed, changed, taken over" { driver session-fence; }

@test "the files of a journal cut, or links and pipes in their places, under a session" { driver session-files; }

@test "a secret that is also a word breaks nothing" { driver session-words; }

@test "what is too large or too silent ends nobody's view; orders are stored first" { driver session-limits; }

@test "the site asked from outside: refused, slow and unseen answers counted once, across kills" { driver session-outside; }
