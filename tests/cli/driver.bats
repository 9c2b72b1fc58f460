#!/usr/bin/env bats
# driver.bats - tests/run counts what it should: failures, crashes, broken plans, skips, in words and in its exit status.
# SPDX-License-Identifier: GPL-3.0-or-later

# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup() {
	TREE=$(mktemp -d)
	unset CI
	mkdir -p "$TREE/tests/unit" "$TREE/tests/cli" "$TREE/tests/e2e" "$TREE/build/debug/tests"
	cp "$REPO/tests/run" "$TREE/tests/run"
	printf 'all unit-bin:\n\t@:\n' >"$TREE/Makefile"
}

teardown() {
	rm -rf "$TREE"
}

# Gone, or dead and not yet reaped by init; pids are not reused within a test.
is_gone() {
	local state
	state=$(ps -o stat= -p "$1" || true)
	[[ -z $state || $state == Z* ]]
}

# A unit test program that is a shell script: its body is read from stdin.
program() {
	: >"$TREE/tests/unit/$1.c"
	{ echo '#!/bin/sh'; cat; } >"$TREE/build/debug/tests/$1"
	chmod +x "$TREE/build/debug/tests/$1"
}

# The last line and the exit status of the driver.
counts() {
	[ "${lines[-1]}" = "$1" ]
	[ "$status" -eq "$2" ]
}

@test "all is well: counts, names, exit status 0" {
	echo 'echo 1..2; echo "ok 1 - a__holds"; echo "ok 2 - b__holds"' | program x_test
	run "$TREE/tests/run" unit
	counts "tests: 3 passed, 0 failed, 0 skipped" 0
	[[ $output == *"ok   unit/x_test/b__holds ("* ]]
}

@test "a failed test fails, with what it said" {
	echo 'echo 1..1; echo "not ok 1 - a__holds"; echo "# 1 != 2"; exit 1' | program x_test
	run "$TREE/tests/run" unit
	counts "tests: 1 passed, 1 failed, 0 skipped" 1
	[[ $output == *"| # 1 != 2"* ]]
}

@test "a program that is killed is a failure" {
	echo 'echo 1..2; echo "ok 1 - a__holds"; kill -SEGV $$' | program x_test
	run "$TREE/tests/run" unit
	counts "tests: 2 passed, 1 failed, 0 skipped" 1
	[[ $output == *"died of signal 11 (SIGSEGV); last result: a__holds"* ]]
}

@test "fewer results than planned are a failure, with exit status 0 too" {
	echo 'echo 1..2; echo "ok 1 - a__holds"' | program x_test
	run "$TREE/tests/run" unit
	counts "tests: 2 passed, 1 failed, 0 skipped" 1
	[[ $output == *"1 results of 2 planned"* ]]
}

@test "no plan at all is a failure" {
	echo 'exit 0' | program x_test
	run "$TREE/tests/run" unit
	counts "tests: 1 passed, 1 failed, 0 skipped" 1
}

@test "results without a failure and another exit status are a failure" {
	echo 'echo 1..1; echo "ok 1 - a__holds"; exit 3' | program x_test
	run "$TREE/tests/run" unit
	counts "tests: 2 passed, 1 failed, 0 skipped" 1
}

@test "a skip says why, and is a failure in CI" {
	echo 'echo 1..1; echo "no such kernel"; echo "not ok 1 # SKIP a__holds"' | program x_test
	run "$TREE/tests/run" unit
	counts "tests: 1 passed, 0 failed, 1 skipped" 0
	[[ $output == *"skip unit/x_test/a__holds: no such kernel"* ]]
	CI=true run "$TREE/tests/run" unit
	counts "tests: 1 passed, 1 failed, 0 skipped" 1
}

@test "bats: passed, failed, skipped with its reason" {
	printf '@test "one" {\n\ttrue\n}\n@test "two" {\n\tfalse\n}\n@test "three" {\n\tskip "no net"\n}\n' >"$TREE/tests/cli/x.bats"
	run "$TREE/tests/run" cli
	counts "tests: 2 passed, 1 failed, 1 skipped" 1
	[[ $output == *"skip cli/x/three: no net"* ]]
}

@test "e2e: a program's exit status is its result, 77 skips" {
	printf '#!/bin/sh\nexit 0\n' >"$TREE/tests/e2e/good"
	printf '#!/bin/sh\necho boom\nexit 4\n' >"$TREE/tests/e2e/bad"
	printf '#!/bin/sh\necho not here\nexit 77\n' >"$TREE/tests/e2e/skips"
	chmod +x "$TREE"/tests/e2e/*
	run "$TREE/tests/run" e2e
	counts "tests: 2 passed, 1 failed, 1 skipped" 1
	[[ $output == *"| boom"* ]]
	[[ $output == *"skip e2e/skips: not here"* ]]
}

@test "a program that says nothing for too long is ended and is a failure, one that goes on talking is not" {
	# What it started for its test, in an environment of its own as a fleet's host, goes with it.
	# shellcheck disable=SC2016 # the program expands it
	echo 'env -i STATE=$TMPDIR/fleet setsid sleep 300 </dev/null >/dev/null 2>&1 & echo $! >'"$TREE/pid"'; echo 1..1; exec sleep 300' | program mute_test
	printf '#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9; do echo talk; sleep 1; done\n' >"$TREE/tests/e2e/slow.sh"
	chmod +x "$TREE/tests/e2e/slow.sh"
	PATIENCE=1 run "$TREE/tests/run" unit e2e
	counts "tests: 2 passed, 1 failed, 0 skipped" 1
	[[ $output == *"FAIL unit/mute_test/(program)"*"said nothing for too long"* ]]
	until_true is_gone "$(cat "$TREE/pid")"
}

@test "a build that fails is a failure, and what it did not make is not run" {
	echo 'echo 1..1; echo "ok 1 - a__holds"' | program x_test
	printf 'all:\nunit-bin build/debug/tests/x_test: force\n\tfalse\nforce:\n' >"$TREE/Makefile"
	run "$TREE/tests/run" unit
	counts "tests: 0 passed, 2 failed, 0 skipped" 1
	[[ $output == *"| not built"* ]]
}

@test "a pattern picks by name; one that picks nothing is a failure" {
	echo 'echo 1..2; echo "ok 1 - a__holds"; echo "not ok 2 - b__holds"; exit 1' | program x_test
	echo 'cmocka_unit_test(a__holds) cmocka_unit_test(b__holds)' >"$TREE/tests/unit/x_test.c"
	run "$TREE/tests/run" -k a__h unit
	counts "tests: 1 passed, 0 failed, 0 skipped" 0
	run "$TREE/tests/run" -k nothing_like_it unit
	[ "$status" -eq 1 ]
}

@test "a process that a test leaves running is ended and is a failure" {
	# until it is sleep: before, its command line is the shell's
	echo "setsid sleep 300 & echo \$! >'$TREE/pid'; until grep -q sleep /proc/\$!/comm; do :; done; echo 1..1; echo 'ok 1 - a__holds'" | program x_test
	PATIENCE=20 run "$TREE/tests/run" unit # the child holds the pipe open
	counts "tests: 2 passed, 1 failed, 0 skipped" 1
	[[ $output == *"FAIL unit/x_test/(left running)"*"sleep 300"* ]]
	until_true is_gone "$(cat "$TREE/pid")"
}
