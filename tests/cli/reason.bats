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

@test "a record names the commit that ran, whatever lies there or was started anew since an earlier try" {
	mkdir "$BATS_TEST_TMPDIR/repository"
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/records.lua" "$BATS_TEST_DIRNAME/../../runbooks/lib" "$BATS_TEST_TMPDIR/repository"
	[ "$output" = ok ] || { printf '%s\n' "$output"; false; }
}

@test "every wait of the runbooks says what it waits for" {
	cd "$BATS_TEST_DIRNAME/../.."
	# sleep "1s" alone, or with a time alone; a retry of more than one try without a sentence.
	run ! grep -rnE 'sleep "|sleep\("[0-9a-z]+"\)|sleep\([^,"]*"s"\)' runbooks
	run ! grep -rnP 'retry\(\{ (?!times = 1,)(?!.*waiting =)' runbooks
	run ! grep -rnP 'pcall\(retry, \{ (?!times = 1,)(?!.*waiting =)' runbooks
}

# excerpt RESTARTED: of the journal on stdin, as services.lua takes it.
excerpt() {
	mkdir -p "$BATS_TEST_TMPDIR/books"
	ln -sfn "$BATS_TEST_DIRNAME/../../runbooks/lib" "$BATS_TEST_TMPDIR/books/lib"
	cp "$BATS_TEST_DIRNAME/../lib/failures.lua" "$BATS_TEST_TMPDIR/books/"
	sed 's/^/Nov 30 20:00:01 app1 /' >"$BATS_TEST_TMPDIR/books/journal"
	BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/books/j.db "$BELLBOOK" run "$BATS_TEST_TMPDIR/books/failures.lua" --set "journal=$BATS_TEST_TMPDIR/books/journal" --set "restarted=$1" --json </dev/null |
		sed -n 's/.*"kind":"note".*\[\[\(.*\)\]\].*/\1/p' | sed 's/\\n/\n/g'
}

boot='systemd[1]: Started mastodon-web.service - mastodon-web.
bundle[71]: [71] Puma starting in cluster mode...
bundle[71]: [71] * Preloading application'
dies='bundle[71]: [71] ! Unable to load application: Errno::EACCES: Permission denied @ rb_sysopen - config/puma.rb
bundle[71]: config/puma.rb:3:in `read'"'"'
systemd[1]: mastodon-web.service: Main process exited, code=exited, status=1/FAILURE
systemd[1]: mastodon-web.service: Failed with result "exit-code".'

@test "of a unit's journal is shown where the failure begins, not the last line that names an error" {
	export BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	# Since a restart: the first try, not what the old process said, and not the last of its tries.
	run excerpt true <<<"bundle[70]: FATAL -- : an error of the process before
$boot
bundle[71]: [71] ! Unable to load application: NoMethodError: undefined method 'fetch' for nil
bundle[71]: config/boot.rb:3:in \`fetch'
systemd[1]: mastodon-web.service: Scheduled restart job, restart counter is at 1.
$boot
bundle[72]: [72] ! Address already in use - bind(2) (Errno::EADDRINUSE)"
	[[ ${lines[0]} == *"! Unable to load application: NoMethodError"* ]]
	[[ $output != *"process before"* && $output != *"systemd[1]"* ]]
	# Without one: the last start that tells of an error; one that has just begun tells nothing yet.
	run excerpt false <<<"$boot
bundle[71]: [71] ! Unable to load application: NoMethodError: an older one
$boot
$dies
$boot"
	[[ ${lines[0]} == *"Permission denied @ rb_sysopen - config/puma.rb"* ]]
	[[ $output != *"an older one"* ]]
	# What has run for long says it last.
	run excerpt false <<<"$boot
bundle[71]: [71] - Worker 0 (PID: 80) booted in 0.03s, phase: 0
$(for _ in {1..30}; do echo "bundle[80]: I, [2026-11-30T20:00:00.000001 #80]  INFO -- : method=GET path=/about status=200"; done)
bundle[80]: F, [2026-11-30T20:00:00.000001 #80] FATAL -- : [1e8fe3c0-9d43-4a0f-8c55-1c2f3a4b5c6d] PG::ConnectionBad (connection to server failed: Connection refused)"
	[[ ${lines[0]} == *"PG::ConnectionBad"* ]]
	# No error at all: its end.
	run excerpt false <<<"$boot"
	[[ ${lines[1]} == *"Preloading application"* ]]
}
