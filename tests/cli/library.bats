#!/usr/bin/env bats
# library.bats - what runbooks/lib finds out, without a fleet.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

# says SCRIPT: that one of tests/lib ends with ok.
says() {
	mkdir "$BATS_TEST_TMPDIR/place"
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/$1" "$BATS_TEST_DIRNAME/../../runbooks/lib" "$BATS_TEST_TMPDIR/place"
	[ "${lines[-1]}" = ok ] || { printf '%s\n' "$output"; false; }
}

@test "room for PostgreSQL is looked at where its server keeps its data, WAL and tablespaces, behind links and on their own mounts; whose host the fleet file does not name is found" {
	says rooms.lua
}

@test "whether indexes are whole is asked of the server of the settings, on its port" { says indexes.lua; }

@test "from outside only what became different is a fault; a web on a socket or on an address of its own is asked there" {
	local pid port
	python3 "$BATS_TEST_DIRNAME/../lib/places.py" "$BATS_TEST_TMPDIR/web.sock" 127.0.0.2 >"$BATS_TEST_TMPDIR/port" 3>&- &
	pid=$!
	until_true test -s "$BATS_TEST_TMPDIR/port"
	read -r port <"$BATS_TEST_TMPDIR/port"
	run lua5.4 "$BATS_TEST_DIRNAME/../lib/pages.lua" "$BATS_TEST_DIRNAME/../../runbooks/lib" "$BATS_TEST_TMPDIR/web.sock" 127.0.0.2 "$port"
	kill "$pid"
	wait "$pid" || :
	[ "${lines[-1]}" = ok ] || { printf '%s\n' "$output"; false; }
}

@test "the digest of a copy is taken from the note beside it, until somebody writes to the copy" { says copies.lua; }

@test "a web that is connected to another database of the same server is seen; one that was just started and has asked Redis alone is none" { says proof.lua; }

@test "what of git's own would refuse a checkout is seen before; the commit that was looked at is checked out, whatever has its name by then" { says tree.lua; }

@test "webs of several hosts that run different versions are told; one that was just started is waited for before it is said that none answers" { says running.lua; }

@test "a unit is Mastodon's by what it runs; one that watches, counts or warms it is none; who they run as" { says units.lua; }

@test "what would start a unit again is stopped before it and started before it; a web whose words do not come to the journal" { says services.lua; }

@test "a build counts as done only while all of it lies there, also behind a link" { says assets.lua; }

@test "Sidekiq itself is told to take no more jobs, also where a shell stands before it" { says quiet.lua; }

@test "each step says itself what leads back from it: on a screen no other stands above it" {
	local name
	for name in upgrade upgrade-back; do
		"$BELLBOOK" show "$BATS_TEST_DIRNAME/../../runbooks/$name.lua" >"$BATS_TEST_TMPDIR/$name"
		grep -q 'Way back: ' "$BATS_TEST_TMPDIR/$name"
		run ! grep -E 'Way back: (As above|As for|See )' "$BATS_TEST_TMPDIR/$name"
	done
}
