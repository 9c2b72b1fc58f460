#!/usr/bin/env bats
# detour.bats - shells and commands by hand in a session, on a fleet of its own; the work is done by tests/lib/detour.py.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet FLEET_SERVICES=no FLEET_DISK=128m
	"$FLEET" up >&2
}

teardown_file() {
	"$FLEET" down >&2
}

scenario() {
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db TMPDIR=$BATS_TEST_TMPDIR
	run timeout "${PATIENCE:-120}" "$FLEET" exec python3 "$REPO/tests/lib/detour.py" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "ok ${*: -1}" ]
}

need_namespaces() { [ "$(cat "$FLEET_STATE/tier")" != loopback ] || skip "tier loopback: no $1"; }

@test "shells by libssh2, by ssh and here: sizes, ends, seen by another view" { scenario shells; }

@test "a command on several hosts" { scenario commands; }

@test "who may not, and what is no detour" { scenario refusals; }

@test "a flood is stopped with Ctrl-C" { scenario flood; }

@test "a lost connection, worker or session: unknown, and never opened again" {
	need_namespaces "sessions to kill"
	scenario losses
}

@test "the driver's view is killed: come back, or the shell is ended" { scenario people; }

@test "a detour in the middle of a step does not disturb its replay" {
	need_namespaces "home on a host"
	scenario replay
}

@test "the end of the session and a shell" { scenario ends; }

@test "a secret on the terminal is not recorded" { scenario secret; }
