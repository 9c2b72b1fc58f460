#!/usr/bin/env bats
# manual.bats - manual pages and shell completions name what the program knows, and are installed.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup() {
	export HOME=$BATS_TEST_TMPDIR BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db BELLBOOK_BALLAST=65536 BELLBOOK_RUNBOOKS=$BATS_TEST_TMPDIR
}

@test "manual pages name every command, option, field, type and function" {
	run python3 "$REPO/tests/lib/manuals.py" "$BELLBOOK"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "manual pages are formatted without a warning" {
	for page in "$REPO"/man/*.[1-9]; do
		run groff -mdoc -ww -z -Tutf8 "$page"
		echo "$output"
		[ -z "$output" ]
	done
}

# completes WORD…: what bash offers for the last word, on one line.
completes() {
	COMP_WORDS=("$BELLBOOK" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_bellbook
	echo "${COMPREPLY[*]}"
}

@test "bash completes commands, options, runbooks, sessions and words" {
	# shellcheck source=/dev/null
	source "$REPO/completions/bellbook.bash"
	printf '%s\n' 'runbook { id = "walk", bellbook = 1, title = "Walk" }' 'observe "one" { title = "One", run = function(s) end }' >"$BATS_TEST_TMPDIR/walk.lua"
	"$BELLBOOK" run walk --plain </dev/null
	[ "$(completes att)" = attach ]
	[ "$(completes --jou)" = --journal ]
	[ "$(completes run wal)" = walk ]
	[ "$(completes log '')" = 1 ]
	[ "$(completes actions here)" = "here.read here.run" ]
	[ "$(completes log 1 '')" = "" ]
	[ "$(completes run walk --role n)" = navigator ]
	[ "$(completes run --fleet f wal)" = walk ]
	[ "$(completes --journal "$BELLBOOK_JOURNAL" help ver)" = "verify version" ]
	[ "$(completes each web -- upt)" = "" ]
	"$BELLBOOK" help --json | python3 -c '
import json, sys
for c in json.load(sys.stdin):
    if c["name"] in ("list", "run", "sessions", "each"):
        print(c["name"], *[o["name"] for o in c["options"]])' | while read -r name options; do
		[ "$(completes "$name" --)" = "$options" ]
	done
	bash -n "$REPO/completions/bellbook.bash"
}

@test "make install puts all of it in place" {
	make -s --no-print-directory -C "$REPO" MODE="$(basename "$(dirname "$(readlink -f "$BELLBOOK")")")" install-data DESTDIR="$BATS_TEST_TMPDIR/to" PREFIX=/usr
	cd "$BATS_TEST_TMPDIR/to/usr/share"
	[ -s man/man1/bellbook.1 ] && [ -s man/man5/bellbook-fleet.5 ] && [ -s man/man7/bellbook-runbook.7 ] && [ -s bellbook/runbooks/upgrade.lua ]
	[ -s bellbook/runbooks/types/bellbook.lua ]
	[ -s bash-completion/completions/bellbook ] && [ -s zsh/vendor-completions/_bellbook ] && [ -s fish/vendor_completions.d/bellbook.fish ]
}
