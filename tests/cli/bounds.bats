#!/usr/bin/env bats
# bounds.bats - nothing that a session uses or waits for is without end; the work is done by tests/lib/session-bounds.py.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

bounds() {
	run env TEST="$1" python3 "$REPO/tests/lib/session-bounds.py"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"not ok"* ]]
}

@test "secrets whose command stays, or whose file is a pipe, stop nothing" { bounds "secret's"; }

@test "a lease or a socket that is a pipe is refused in words" { bounds "a named pipe in the place of a lease"; }

@test "a session holds neither the folder nor the descriptors of who started it" { bounds "a session keeps"; }

@test "the fork server killed at any time: nothing twice, and the walk goes on" { bounds "fork server"; }

@test "looking ahead ends at the first sleep, and has an end in calls, branches and computing" { bounds "looking ahead"; }

@test "each inside each without end stays within a runbook's memory" { bounds "each inside each"; }

@test "times and counts that are none are refused in words" { bounds "times and counts"; }

@test "a meter without end holds nothing up" { bounds "a meter"; }

@test "few descriptors: calls wait their turn, and no worker dies" { bounds "64 descriptors"; }

@test "2,000 hosts with 1,024 descriptors" { bounds "1,024 descriptors"; }

@test "a stopped worker is said, and abort does not wait for it" { bounds "a worker that was stopped"; }

@test "a runbook that stays inside one function of Lua: its words reach views and journal, the session goes on" { bounds "Lua stays"; }
