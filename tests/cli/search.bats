#!/usr/bin/env bats
# search.bats - what the command line finds in a journal: sessions by filters, words in all sessions.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

# Two sessions: 1 says two things and ends ok, the other one fails. Made once.
setup_file() {
	export HOME=$BATS_FILE_TMPDIR XDG_STATE_HOME=$BATS_FILE_TMPDIR BELLBOOK_BALLAST=65536
	export BELLBOOK_JOURNAL=$BATS_FILE_TMPDIR/j/journal.db
	mkdir -p "$BATS_FILE_TMPDIR/j"
	cat >"$BATS_FILE_TMPDIR/talk.lua" <<-'E'
		runbook { id = "talk", bellbook = 1, title = "Talk" }
		observe "hello" { title = "Say hello", run = function(s) here.read("printf 'the quick brown fox\\n'; printf '\\033]0;evil\\007\\033[31mjumps over\\033[0m 120 %%\\n'") end }
	E
	cat >"$BATS_FILE_TMPDIR/fall.lua" <<-'E'
		runbook { id = "fall", bellbook = 1, title = "Fall" }
		observe "trip" { title = "Trip", run = function(s) here.read("echo the lazy dog trips; exit 3") end }
	E
	"$BELLBOOK" run "$BATS_FILE_TMPDIR/talk.lua" --plain </dev/null
	"$BELLBOOK" run "$BATS_FILE_TMPDIR/fall.lua" --plain <<<$'4\nenough' || true	# stop, and why
	until [ "$("$BELLBOOK" sessions --json | jq '[.[] | select(.running)] | length')" = 0 ]; do :; done
}

numbers() {
	run --separate-stderr "$BELLBOOK" sessions --json "$@"
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.[].runbook]' <<<"$output")" = "$WANT" ]
}

@test "sessions by outcome, runbook, person, host and time" {
	WANT='["fall","talk"]' numbers
	WANT='["fall"]' numbers --limit 1
	WANT='["fall"]' numbers --failed
	WANT='["talk"]' numbers --runbook talk
	WANT='["fall","talk"]' numbers --person "$(id -un)"
	WANT='[]' numbers --person nobody-at-all
	WANT='[]' numbers --host nowhere
	WANT='["fall","talk"]' numbers --since 1h
	WANT='[]' numbers --until 2001-01-01
	WANT='["fall","talk"]' numbers --since 2001-01-01 --until 2101-01-01
}

@test "filters that make no sense are refused in words" {
	run "$BELLBOOK" sessions --since yesterday
	[ "$status" -eq 2 ]
	[[ $output == *"--since yesterday: a day (2026-11-21)"* ]]
	run "$BELLBOOK" sessions --limit none
	[ "$status" -eq 2 ]
	run "$BELLBOOK" sessions talk
	[ "$status" -eq 2 ]
	run "$BELLBOOK" search
	[ "$status" -eq 2 ]
	run "$BELLBOOK" search --- -- x
	[ "$status" -eq 2 ]
	run "$BELLBOOK" search '(('
	[ "$status" -eq 2 ]
	[[ $output == *"nothing to look for"* ]]
}

@test "words, beginnings and phrases are found, with where they were" {
	run "$BELLBOOK" search quick fox
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == "1  "*"  hello  "*"the quick brown fox"* ]]
	run "$BELLBOOK" search '"lazy dog"' --json
	[ "$(jq -r '[.[] | select(.kind == "call.output")][0].line' <<<"$output")" = "the lazy dog trips" ]
	[ "$(jq -r '[.[] | select(.kind == "call.output")][0] | .line[.mark:.mark + .mark_len]' <<<"$output")" = "lazy dog" ]
	run "$BELLBOOK" search 'tri*' --runbook fall
	[ "$status" -eq 0 ]
	run "$BELLBOOK" search 'tri*' --runbook talk
	[ "$status" -eq 1 ]
	[[ $output == *"nothing found"* ]]
	run "$BELLBOOK" search the --session 1
	[[ $output == *quick* && $output != *lazy* ]]
}

@test "what was found is safe to show" {
	run "$BELLBOOK" search jumps
	[ "$status" -eq 0 ]
	[[ $output != *$'\033'* && $output != *evil* ]]
	[[ $output == *"jumps over 120 %"* ]]
}

@test "an index that is gone, damaged or cannot be written costs nothing but time" {
	rm -f "$BATS_FILE_TMPDIR"/j/index.db*
	run --separate-stderr "$BELLBOOK" search fox
	[ "$status" -eq 0 ] && [ -z "$stderr" ]
	head -c 20000 /dev/urandom >"$BATS_FILE_TMPDIR/j/index.db"
	run --separate-stderr "$BELLBOOK" search fox
	[ "$status" -eq 0 ]
	[[ $stderr == *"made anew: it is damaged"* ]]
	rm -f "$BATS_FILE_TMPDIR"/j/index.db*
	mkdir "$BATS_FILE_TMPDIR/j/index.db"
	run --separate-stderr "$BELLBOOK" search fox
	[ "$status" -eq 0 ]
	[[ $stderr == *"working without"* ]]
	rmdir "$BATS_FILE_TMPDIR/j/index.db"
}

@test "two sessions side by side" {
	other=$("$BELLBOOK" sessions --json --limit 1 | jq '.[0].session')
	run "$BELLBOOK" diff 1 "$other"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"* hello: ok"*" -> not there"* && $output == *"* trip: not there -> failed"* ]]
	[ "$("$BELLBOOK" diff 1 1 --json | jq -c '[.params, [.steps[].same]]')" = '[[],[true]]' ]
	run "$BELLBOOK" diff 1 "$other" --format md
	[[ $output == "# Two sessions"* ]]
	run "$BELLBOOK" diff 1
	[ "$status" -eq 2 ]
	run "$BELLBOOK" diff 1 999999
	[ "$status" -eq 2 ]
	[[ $output == *"session 999999 is not in the journal"* ]]
}
