#!/usr/bin/env bats
# journal.bats - journals that are damaged, cut or too new: clear words, and no byte of them changed.
# SPDX-License-Identifier: GPL-3.0-or-later

# shellcheck disable=SC2154 # stderr comes from run --separate-stderr
bats_require_minimum_version 1.5.0

setup() {
	export HOME=$BATS_TEST_TMPDIR XDG_STATE_HOME=$BATS_TEST_TMPDIR BELLBOOK_BALLAST=65536
	J=$BATS_TEST_TMPDIR/j/journal.db
	mkdir -p "$BATS_TEST_TMPDIR/j"
	cat >"$BATS_TEST_TMPDIR/look.lua" <<-'E'
		runbook { id = "look", bellbook = 1, title = "Look" }
		observe "one" { title = "One", run = function(s) here.read("echo something-to-find") end }
	E
	"$BELLBOOK" run "$BATS_TEST_TMPDIR/look.lua" --plain --journal "$J" </dev/null
	until "$BELLBOOK" sessions --json --journal "$J" | grep -q '"running":false'; do :; done
}

# damage CODE: runs Python over the file's bytes in b.
damage() {
	python3 -c "import sys; p = sys.argv[1]; b = bytearray(open(p, 'rb').read()); $1; open(p, 'wb').write(b)" "$J"
	rm -f "$J-wal" "$J-shm"
	sum=$(sha256sum <"$J")
}

refused() {
	run "$BELLBOOK" run "$BATS_TEST_TMPDIR/look.lua" --plain --journal "$J" </dev/null
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"$1"* ]]
	[ "$(sha256sum <"$J")" = "$sum" ]
}

fold_log() {
	# What is in the log alone goes into the file, so that a flipped byte is a flipped byte.
	sqlite3 "$J" "pragma wal_checkpoint(truncate)" >/dev/null
}

@test "one flipped byte of an output" {
	fold_log
	damage "i = b.index(b'something-to-find\\n'); b[i] ^= 1"
	refused "NOT INTACT"
	run "$BELLBOOK" verify "$J"
	[ "$status" -eq 1 ]
	[[ $output == *"NOT INTACT: event"* ]]
}

@test "one flipped byte of an event" {
	fold_log
	damage "i = b.index(b'step.') if b'step.' in b else b.index(b'\"Look\"'); b[i + 2] ^= 1"
	refused "NOT INTACT"
}

@test "the log of a damaged journal says so" {
	fold_log
	damage "i = b.index(b'something-to-find\\n'); b[i] ^= 1"
	run --separate-stderr "$BELLBOOK" log 1 --journal "$J"
	[ "$status" -eq 1 ]
	[[ $stderr == *"NOT INTACT"* ]]
	# What stands before the damage is shown, with words before and after; nothing from behind it.
	[[ ${lines[0]} == "!! The journal is NOT INTACT at event "* ]]
	[[ $output == *"step 1 of 1: One"* ]]
	[[ ${lines[-1]} == "!! Here it ends, before event "* ]]
	[[ $output != *"closed: ok"* ]]
	"$BELLBOOK" log 1 --json --journal "$J" 2>/dev/null | python3 -c 'import json, sys; assert [json.loads(l)["seq"] for l in sys.stdin][:2] == [1, 2]'
	[ "$(sha256sum <"$J")" = "$sum" ]
}

@test "the log of a journal with a changed event stops before it" {
	fold_log
	damage "i = b.index(b'\"title\":\"One\"'); b[i + 9] ^= 1"
	run --separate-stderr "$BELLBOOK" log 1 --journal "$J"
	[ "$status" -eq 1 ]
	[[ $stderr == *"NOT INTACT at event 1"*"nothing vouches for it"* ]]
	[ -z "$output" ]
	[ "$(sha256sum <"$J")" = "$sum" ]
}

@test "cut short" {
	fold_log
	damage "b = b[:len(b) // 2]"
	refused "journal"
}

@test "from a newer bellbook" {
	fold_log
	damage "b[60:64] = (99).to_bytes(4, 'big')"
	refused "newer"
}

@test "no journal at all" {
	damage "b = bytearray(b'hello ' * 1000)"
	refused "journal"
}
