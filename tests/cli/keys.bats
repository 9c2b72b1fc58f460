#!/usr/bin/env bats
# keys.bats - bellbook keys: the table of keys with one's own, and faults of the keys file.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup() {
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR
	mkdir -p "$XDG_CONFIG_HOME/bellbook"
}

@test "keys: lists every action, and as JSON" {
	run -0 "$BELLBOOK" keys
	[[ $output == *'leave            q                  leave; a session goes on'* ]]
	run -0 "$BELLBOOK" keys --json
	[[ ${lines[0]} == '{"action":"help","help":'*'"keys":"?, F1"'* ]]
}

@test "keys: a person's own hold, a bad line is named and the others hold" {
	printf 'z note\n\nX say\ny stop\n' >"$XDG_CONFIG_HOME/bellbook/keys"
	run -2 "$BELLBOOK" keys
	[[ $output == *'note             i, z'* ]]
	[[ $output == *'say              s, X'* ]]
	[[ $output == *"/bellbook/keys:4: "*'changes something: it takes an upper case letter'* ]]
}
