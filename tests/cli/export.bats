#!/usr/bin/env bats
# export.bats - a session with hostile output as a page and as a recording, read by programs that others use for them.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup_file() {
	export HOME=$BATS_FILE_TMPDIR XDG_STATE_HOME=$BATS_FILE_TMPDIR BELLBOOK_BALLAST=65536
	export BELLBOOK_JOURNAL=$BATS_FILE_TMPDIR/journal.db
	cat >"$BATS_FILE_TMPDIR/bad.sh" <<-'E'
		printf '<script>alert(1)</script></pre></html><img src=x onerror=alert(2)>\n'
		printf '\033[6n\033]0;owned\007\033]52;c;aGk=\007\033[?1049h\033[31mred\033[0m \302\233 \342\200\256evil\n'
		printf 'a very plain line at the end\n'
	E
	cat >"$BATS_FILE_TMPDIR/bad.lua" <<-E
		runbook { id = "bad", bellbook = 1, title = "Bad </title><script>alert(3)</script> \\27[2J", about = "<b>bold</b>" }
		observe "look" { title = "Look \\"at\\" <this>", run = function(s) here.read("sh $BATS_FILE_TMPDIR/bad.sh") end }
		observe "again" { title = "And again", run = function(s) here.read("echo 'fine & well'") end }
	E
	"$BELLBOOK" run "$BATS_FILE_TMPDIR/bad.lua" --plain </dev/null
	until [ "$("$BELLBOOK" sessions --json | jq '[.[] | select(.running)] | length')" = 0 ]; do :; done
}

@test "the page is valid and has nothing in it that runs, loads or leads elsewhere" {
	"$BELLBOOK" log 1 --format html >"$BATS_TEST_TMPDIR/page.html"
	run "$REPO/tools/check-html" "$BATS_TEST_TMPDIR/page.html"
	echo "$output"
	[ "$status" -eq 0 ]
	grep -q '&lt;script&gt;alert(1)&lt;/script&gt;&lt;/pre&gt;' "$BATS_TEST_TMPDIR/page.html"
	grep -q 'fine &amp; well' "$BATS_TEST_TMPDIR/page.html"
	# The check itself finds what must not be there.
	sed 's/<footer>/<footer onclick="x()"><script>x()<\/script>/' "$BATS_TEST_TMPDIR/page.html" >"$BATS_TEST_TMPDIR/worse.html"
	run "$REPO/tools/check-html" "$BATS_TEST_TMPDIR/worse.html"
	[ "$status" -eq 1 ]
	[[ $output == *"<script> does not belong here"* && $output == *onclick* ]]
}

@test "the recording plays in asciinema, and asks the terminal nothing" {
	"$BELLBOOK" log 1 --format cast >"$BATS_TEST_TMPDIR/s.cast"
	[ "$(head -1 "$BATS_TEST_TMPDIR/s.cast" | jq .version)" = 2 ]
	[ "$(jq -r 'select(type == "array" and .[1] == "m") | .[2]' "$BATS_TEST_TMPDIR/s.cast")" = $'step 1: Look "at" <this>\nstep 2: And again' ]
	run script -qec "asciinema cat $BATS_TEST_TMPDIR/s.cast" /dev/null </dev/null	# it wants a terminal
	echo "$output" | cat -v
	[ "$status" -eq 0 ]
	[[ $output == *"a very plain line at the end"* && $output == *"fine & well"* ]]
	[[ $output != *$'\033[6n'* && $output != *$'\033]'* && $output != *$'\033[?'* && $output != *$'\302\233'* ]]
}
