#!/usr/bin/env bats
# procs.bats - any process of a session is killed or stopped; the work is done by tests/lib/session-procs.py.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

procs() {
	run env TEST="$1" python3 "$REPO/tests/lib/session-procs.py"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"not ok"* ]]
}

@test "ssh's processes and askpass, killed and stopped" { procs "ssh"; procs "askpass"; }

@test "the shells of commands on this computer, killed and stopped" { procs "on this computer"; }

@test "shells by hand, killed and stopped" { procs "a shell by hand"; }

@test "fork server, session, views and a secret's command, stopped" { procs "fork server"; procs "the session's process"; procs "a view"; procs "a secret's"; }
