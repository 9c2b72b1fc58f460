#!/usr/bin/env bats
# reason.bats - why a command of a runbook failed, and what is advised.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

@test "advice is given only where the host bears witness: full disks by mount, memory by the kernel's word, rights, names, gems, timeouts" {
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/reason.lua" "$BATS_TEST_DIRNAME/../../runbooks/lib"
	[ "$output" = ok ] || { printf '%s\n' "$output"; false; }
}

@test "what hosts say is taken as it is meant: where services listen or should, replicas that do not follow, full disks" {
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/looks.lua" "$BATS_TEST_DIRNAME/../../runbooks/lib"
	[ "$output" = ok ] || { printf '%s\n' "$output"; false; }
}

@test "every wait of the runbooks says what it waits for" {
	cd "$BATS_TEST_DIRNAME/../.."
	# sleep "1s" alone, or with a time alone; a retry of more than one try without a sentence.
	run ! grep -rnE 'sleep "|sleep\("[0-9a-z]+"\)|sleep\([^,"]*"s"\)' runbooks
	run ! grep -rnP 'retry\(\{ (?!times = 1,)(?!.*waiting =)' runbooks
	run ! grep -rnP 'pcall\(retry, \{ (?!times = 1,)(?!.*waiting =)' runbooks
}
