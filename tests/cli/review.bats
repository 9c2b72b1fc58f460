#!/usr/bin/env bats
# review.bats - reading a session afterwards without a terminal: lines, Markdown, JSON, notes, a damaged journal.
# SPDX-License-Identifier: GPL-3.0-or-later

setup_file() {
	export RECORDED=$BATS_FILE_TMPDIR/recorded.db
	cat >"$BATS_FILE_TMPDIR/walk.lua" <<-'END'
		runbook { id = "walk", bellbook = 1, title = "Practice walk", about = "Shows what a walk looks like." }
		change "print" { title = "Print lines", why = "The next step needs them.", gives = { "ok" }, downtime = "begins",
			run = function(s) here.run("echo first; echo needle in the hay") s.ok = true end, done = function(s) return s.ok == true end }
		change "fail" { title = "Fail", why = "To see what happens.",
			run = function(s) here.run("echo fine; echo 'oops: connection refused' >&2; exit 3") end, done = function(s) return false end }
		change "up" { title = "Bring it up", why = "It is down.", downtime = "ends", run = function(s) here.run("echo up") s.up = true end,
			gives = { "up" }, done = function(s) return s.up == true end }
	END
	timeout "${PATIENCE:-120}" tests/lib/drive.py failure=skip -- "$BELLBOOK" run "$BATS_FILE_TMPDIR/walk.lua" --json --journal "$RECORDED" >&2
}

setup() {
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db
	cp "$RECORDED" "$BELLBOOK_JOURNAL"
	[ ! -e "$RECORDED-wal" ] || cp "$RECORDED-wal" "$BELLBOOK_JOURNAL-wal"
}

# Says the lines of stdin to the review.
review() {
	timeout "${PATIENCE:-120}" "$BELLBOOK" review "$@" --plain
}

@test "lines: the list, a session, its failure, its output, search, a note, quit" {
	run review < <(printf '%s\n' 1 next 6 output 'find needle' 'note it was DNS' list quit)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'1 of 1 sessions.'* ]]
	[[ $output == *'1: Practice walk, '* ]]
	[[ $output == *' FAIL by '*' 2 Fail: '* ]]
	[[ $output == *'First error, line '*'error: oops: connection refused'* ]]
	[[ $output == *'Noted, with your name'* ]]
	[[ $output == *'NOTE by '*' it was DNS, written afterwards'* ]]
	"$BELLBOOK" verify | grep -q '^intact'
	[ "$("$BELLBOOK" log 1 --format jsonl | grep -c 'it was DNS')" -eq 1 ]
}

@test "lines: a pin, an export that overwrites nothing, diff, elsewhere, help" {
	run review 1 < <(printf '%s\n' 'find oops' find pin "export md $BATS_TEST_TMPDIR/walk.md" "export md $BATS_TEST_TMPDIR/walk.md" 'diff 1' elsewhere help quit)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'Pinned at the time of that line'* ]]
	[[ $output == *"Written: $BATS_TEST_TMPDIR/walk.md"* ]]
	[[ $output == *'there is a file of that name'* ]]
	[[ $output == *'all the same'* ]]
	[[ $output == *'No other session has printed these words.'* ]]
	grep -q 'Practice walk' "$BATS_TEST_TMPDIR/walk.md"
	"$BELLBOOK" log 1 --format jsonl | grep '"kind":"note"' | grep -q '"pin":'
}

@test "a filter on the command line, and one that nothing passes" {
	run review host:nowhere < <(echo quit)
	[ "$status" -eq 0 ]
	[[ $output == *'0 of 1 sessions with host:nowhere.'* ]]
	run review --failed --runbook walk < <(echo quit)
	[[ $output == *'1 of 1 sessions with runbook:walk failed.'* ]]
}

@test "Markdown and JSON" {
	run timeout "${PATIENCE:-120}" "$BELLBOOK" review 1 --md
	[ "$status" -eq 0 ]
	[[ $output == *'Practice walk'* ]]
	run timeout "${PATIENCE:-120}" "$BELLBOOK" review 1 --json
	[ "$status" -eq 0 ]
	python3 -c 'import json, sys
page = json.loads(sys.argv[1])
assert page["session"] == 1 and page["runbook"] == "walk" and page["down_us"] >= 0, page
assert [line["state"] for line in page["lines"] if line.get("step") == "fail" and "state" in line] == ["failed", "skipped"], page' "$output"
	run timeout "${PATIENCE:-120}" "$BELLBOOK" review --md
	[ "$status" -eq 2 ]
}

@test "a note names its step, in words when there is none" {
	run timeout "${PATIENCE:-120}" "$BELLBOOK" note 1 --step fail the cache was cold
	[ "$status" -eq 0 ]
	[[ $output == 'Noted in session 1, event '* ]]
	"$BELLBOOK" log 1 --format jsonl | grep 'the cache was cold' | grep -q '"step":"fail"'
	run timeout "${PATIENCE:-120}" "$BELLBOOK" note 1 --step fial text
	[ "$status" -eq 2 ]
	[[ $output == *'did you mean fail'* ]]
	run timeout "${PATIENCE:-120}" "$BELLBOOK" note 7 text
	[ "$status" -eq 2 ]
	[[ $output == *'no session 7'* ]]
	"$BELLBOOK" verify | grep -q '^intact'
}

@test "a damaged journal is read as far as it goes, and not written to" {
	# One byte of an output's text.
	python3 - "$BELLBOOK_JOURNAL" <<-'END'
		import sys
		for name in (sys.argv[1], sys.argv[1] + "-wal"):
		    try:
		        data = bytearray(open(name, "rb").read())
		    except FileNotFoundError:
		        continue
		    at = data.rfind(b"needle in the hay\n")
		    if at >= 0:
		        data[at] = ord("N")
		        open(name, "wb").write(data)
		        break
	END
	run review 1 < <(printf '%s\n' 3 output quit)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'Practice walk'* ]]
	[[ $output == *'CHAIN BROKEN at event '* ]]
	[[ $output == *'cannot be read'* ]]
	run review < <(echo quit)
	[ "$status" -eq 0 ]
	[[ $output == *'1: Practice walk'* ]]
	run timeout "${PATIENCE:-120}" "$BELLBOOK" note 1 text
	[ "$status" -ne 0 ]
	[[ $output == *damaged* ]]
}
