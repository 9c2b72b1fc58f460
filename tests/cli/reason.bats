#!/usr/bin/env bats
# reason.bats - why a command of a runbook failed, and what is advised.
# SPDX-License-Identifier: GPL-3.0-or-later

@test "advice is given only where the host bears witness: full disks by mount, memory by the kernel's word, rights, names, gems, timeouts" {
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/reason.lua" "$BATS_TEST_DIRNAME/../../runbooks/lib"
	[ "$output" = ok ] || { printf '%s\n' "$output"; false; }
}
