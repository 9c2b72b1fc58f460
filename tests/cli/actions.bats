#!/usr/bin/env bats
# actions.bats - bellbook actions: what a runbook can ask of the world, from the tables of actions.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

@test "actions: a line each of what a runbook may call, and nothing else" {
	run -0 "$BELLBOOK" actions
	[[ $output == *'ssh.read         read    run a command on a host that only looks'* ]]
	[[ $output == *'ssh.put          change  put a file in place'* ]]
	[[ $output != *shell* && $output != *outside.run* ]]
}

@test "actions: one with its arguments, what it gives and when it raises" {
	run -0 "$BELLBOOK" actions ssh.job
	[ "${lines[0]}" = 'ssh.job(host, name, cmd, { … })' ]
	[[ $output == *'  timeout        duration, s: after this time'* ]]
	[[ $output == *'  code           integer: its exit status'* ]]
	[[ $output == *'when its status is not 0.'* ]]
	run -0 "$BELLBOOK" actions outside.look
	[ "${lines[0]}" = 'outside.look({ … })' ]
	[[ $output == *'  asks           list of tables, needed:'* ]]
	[[ $output != *'codes'* ]]
	run -0 "$BELLBOOK" actions here.shell
	[[ $output == *'Runbooks cannot call it'* ]]
}

@test "actions: as JSON" {
	run -0 "$BELLBOOK" actions --json
	python3 -c '
import json, sys
all = {a["action"]: a for a in map(json.loads, sys.stdin)}
job = all["ssh.job"]
assert [p["name"] for p in job["params"] if p.get("rank")] == ["name", "cmd"], job
assert job["target"] == "host" and job["effect"] == "change" and job["raises"] == "status"
assert any(g["name"] == "out" and g["type"] == "text" for g in job["gives"])
assert all["here.read"]["target"] == "here"' <<<"$output"
}

@test "actions: the nearest name for one that is not there" {
	run -2 "$BELLBOOK" actions ssh.raed
	[[ $output == *'there is no action ssh.raed; did you mean ssh.read'* ]]
}
