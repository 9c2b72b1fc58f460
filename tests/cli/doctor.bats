#!/usr/bin/env bats
# doctor.bats - bellbook doctor with nothing configured, with everything broken, and as JSON.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup() {
	export HOME=$BATS_TEST_TMPDIR/home XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config BELLBOOK_BALLAST=65536
	unset BELLBOOK_JOURNAL BELLBOOK_FLEET BELLBOOK_SSH_CONFIG XDG_STATE_HOME SSH_AUTH_SOCK
	mkdir -p "$HOME"
	J=$BATS_TEST_TMPDIR/j.db
}

doctor() {
	run timeout "${PATIENCE:-120}" "$BELLBOOK" doctor "$@" </dev/null
	echo "$output"
}

journal() {
	printf '%s\n' 'runbook { id = "look", bellbook = 1, title = "Look" }' \
		'observe "one" { title = "One", run = function(s) s:note("something-to-find") end }' >"$BATS_TEST_TMPDIR/look.lua"
	"$BELLBOOK" run "$BATS_TEST_TMPDIR/look.lua" --plain --journal "$J" </dev/null
	until "$BELLBOOK" sessions --json --journal "$J" | grep -q '"running":false'; do :; done
}

@test "with nothing configured it says what is missing, and nothing is wrong" {
	LC_ALL=C.UTF-8 doctor
	[ "$status" -eq 0 ]
	[[ $output == *"ok    locale: UTF-8"* ]]
	[[ $output == *"ok    journal: $HOME/.local/state/bellbook/journal.db (made by the first session)"* ]]
	[[ $output == *"warn  fleet file: there is none"*"Put one at ~/.config/bellbook/fleet.lua"* ]]
	[[ $output == *"ok    account: $(id -un)"* && $output == *"  user namespaces: "* && $output == *"  logins: the kernel "* ]]
	[[ $output == *", 0 wrong" ]]
	[ ! -e "$HOME/.local/state/bellbook/journal.db" ]
}

@test "a good journal, then a damaged one, and a folder that is not there" {
	journal
	doctor --journal "$J"
	[[ $output == *"ok    journal chain: "* && $output == *"ok    journal ballast: 64 KiB"* && $output == *"ok    journal lock: free"* ]]
	(
		flock 9
		doctor --journal "$J"
		[ "$status" -eq 1 ]
		[[ $output == *"FAIL  journal lock: somebody has held it"* ]]
	) 9<"$J-lock"
	sqlite3 "$J" "pragma wal_checkpoint(truncate)" >/dev/null
	python3 -c "import sys; p = sys.argv[1]; b = bytearray(open(p, 'rb').read()); b[b.index(b'something-to-find')] ^= 1; open(p, 'wb').write(b)" "$J"
	rm -f "$J-wal" "$J-shm" "$J-ballast"
	chmod o+r "$J"
	sum=$(sha256sum <"$J")
	doctor --journal "$J"
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  journal chain: "*"damaged"* && $output == *"warn  journal ballast: there is none"* ]]
	[[ $output == *"warn  journal permissions: everybody on this computer may read it"* ]]
	[ "$(sha256sum <"$J")" = "$sum" ]
	doctor --journal "$BATS_TEST_TMPDIR/nowhere/j.db"
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  journal: "*"nowhere/j.db"* ]]
}

@test "a broken fleet file, hosts that are not reached, an agent that is gone, a locale that is none" {
	echo 'fleet { nam = "x" }' >"$BATS_TEST_TMPDIR/bad.lua"
	SSH_AUTH_SOCK=$BATS_TEST_TMPDIR/none LC_ALL=xx_YY doctor --fleet "$BATS_TEST_TMPDIR/bad.lua" --journal "$J"
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  fleet file: bad.lua:1: "* && $output == *"warn  ssh agent: SSH_AUTH_SOCK names one that does not answer"* && $output == *"warn  locale: "* ]]
	printf '%s\n' 'Host gone' '  HostName 127.0.0.1' '  Port 1' '  User nobody' >"$BATS_TEST_TMPDIR/ssh_config"
	echo 'fleet { name = "x", ssh_config = "ssh_config", hosts = { gone = {}, other = {} }, roles = { web = { "gone" } } }' >"$BATS_TEST_TMPDIR/fleet.lua"
	doctor web --json --fleet "$BATS_TEST_TMPDIR/fleet.lua" --journal "$J"
	[ "$status" -eq 1 ]
	python3 -c '
import json, sys
found = {}
for one in json.load(sys.stdin):
    assert one["state"] in ("ok", "warn", "FAIL") and one["text"] and (one["state"] == "ok") == ("do" not in one), one
    found[one["check"]] = one
assert found["fleet file"]["state"] == "ok" and "2 hosts" in found["fleet file"]["text"], found
assert found["host gone"]["state"] == "FAIL" and found["host gone"]["text"].startswith("nobody@127.0.0.1:1 is not reached: "), found
assert "host other" not in found
' <<<"$output"
}

@test "a uid without an account, and people who have none here" {
	[ "$EUID" -eq 0 ] || skip "taking on a uid needs root"
	echo 'fleet { name = "x", people = { "root", "nobody-of-that-name" } }' >"$BATS_TEST_TMPDIR/fleet.lua"
	doctor --fleet "$BATS_TEST_TMPDIR/fleet.lua" --journal "$J"
	[[ $output == *"warn  people: nobody-of-that-name, whom the fleet file names, has no account here"* && $output != *"people: root"* ]]
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
	cp "$BELLBOOK" "$BATS_TEST_TMPDIR/bellbook"
	run timeout 60 setpriv --reuid 61009 --regid 61009 --clear-groups "$BATS_TEST_TMPDIR/bellbook" doctor --journal "$BATS_TEST_TMPDIR/j.db" </dev/null
	[[ $output == *"warn  account: uid 61009 has no account on this computer"* ]]
}
