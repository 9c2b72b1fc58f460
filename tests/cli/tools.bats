#!/usr/bin/env bats
# tools.bats - each check of `make lint` fails on the fault that it is there for, and passes without it.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup() {
	TREE=$(mktemp -d)
	mkdir -p "$TREE/base" "$TREE/journal" "$TREE/session" "$TREE/tui"
	cat >"$TREE/base/one.h" <<-'END'
		/* one.h - a header without fault. */
		/* SPDX-License-Identifier: GPL-3.0-or-later */
		#ifndef BASE_ONE_H
		#define BASE_ONE_H

		/* Gives one. Never blocks. */
		int one_get(int a, int b);

		#endif
	END
	cat >"$TREE/base/one.c" <<-'END'
		/* SPDX-License-Identifier: GPL-3.0-or-later */
		#include "base/one.h"

		int one_get(int a, int b)
		{
			return a + b;
		}
	END
}

teardown() {
	rm -rf "$TREE"
}

# Runs a check on the tree of this test; status and output as bats has them.
check() {
	run "$REPO/tools/check-$1" "$TREE"
}

@test "every check passes a tree without fault" {
	for c in layers knots headers size protos text actions; do
		check $c
		[ "$status" -eq 0 ]
	done
}

@test "layers: tui may not include session" {
	echo '/* x */' >"$TREE/session/run.h"
	echo '#include "session/run.h"' >"$TREE/tui/view.c"
	check layers
	[ "$status" -eq 1 ]
	[[ $output == *'tui/view.c:1: error: tui may not include "session/run.h"'* ]]
}

@test "layers: base may not include journal" {
	echo '/* x */' >"$TREE/journal/event.h"
	echo '#include "journal/event.h"' >>"$TREE/base/one.c"
	check layers
	[ "$status" -eq 1 ]
}

# A module of this tree: its name, and a header of another that its own includes.
knot_module() {
	printf '/* x */\n%s\nint %s_do(void);\n' "${2:+#include \"base/$2.h\"}" "$1" >"$TREE/base/$1.h"
	printf '#include "base/%s.h"\nint %s_do(void)\n{\n\treturn 0;\n}\n' "$1" "$1" >"$TREE/base/$1.c"
}

@test "knots: modules that lead to each other are counted, by what they include and by what they call" {
	mkdir "$TREE/tools"
	knot_module left right
	knot_module right
	check knots
	[ "$status" -eq 0 ]
	# The header of the right one is the face of a third, which leads back to the left one.
	echo 'int third_do(void);' >>"$TREE/base/right.h"
	knot_module third left
	printf '#include "base/right.h"\nint right_do(void)\n{\n\treturn third_do();\n}\n' >"$TREE/base/right.c"
	check knots
	[ "$status" -eq 1 ]
	[[ $output == *'base: error: the largest knot has 3 modules (at most 0), and 3 lie in knots (at most 0)'* ]]
	[[ $output == *'base: a knot of 3: left right third'* ]]
	echo 'base 3 3' >"$TREE/tools/knots"
	check knots
	[ "$status" -eq 0 ]
	# A member of that name is no call.
	printf '#include "base/right.h"\nint right_do(void)\n{\n\treturn x.third_do + x->third_do;\n}\n' >"$TREE/base/right.c"
	check knots
	[ "$status" -eq 0 ]
	[[ $output == *'base: better than tools/knots says: write 0 0 there'* ]]
}

@test "layers: a third-party header has one home" {
	echo '#include <sqlite3.h>' >"$TREE/journal/store.c"
	check layers
	[ "$status" -eq 0 ]
	echo '#include <sqlite3.h>' >>"$TREE/base/one.c"
	check layers
	[ "$status" -eq 1 ]
	[[ $output == *"<sqlite3.h> belongs in journal/*"* ]]
}

@test "layers: lua.h only in session/lua/, curses.h only in tui/term/term.c" {
	mkdir "$TREE/session/lua" "$TREE/tui/term"
	echo '#include <lua.h>' >"$TREE/session/lua/lua_ssh.c"
	echo '#include <curses.h>' >"$TREE/tui/term/term.c"
	check layers
	[ "$status" -eq 0 ]
	echo '#include <lua.h>' >"$TREE/session/run.c"
	check layers
	[ "$status" -eq 1 ]
	rm "$TREE/session/run.c"
	echo '#include <ncurses.h>' >"$TREE/tui/view.c"
	check layers
	[ "$status" -eq 1 ]
}

@test "layers: an include cycle is named" {
	echo '#include "base/two.h"' >>"$TREE/base/one.h"
	echo '#include "base/one.h"' >"$TREE/base/two.h"
	check layers
	[ "$status" -eq 1 ]
	[[ $output == *"include cycle: base/one.h -> base/two.h -> base/one.h"* ]]
}

@test "layers: includes are written from the root and exist" {
	echo '#include "one.h"' >"$TREE/base/two.c"
	check layers
	[ "$status" -eq 1 ]
	echo '#include "base/nowhere.h"' >"$TREE/base/two.c"
	check layers
	[ "$status" -eq 1 ]
}

@test "layers: own header comes first" {
	sed -i 's|^#include.*|#include <stdio.h>\n&|' "$TREE/base/one.c"
	check layers
	[ "$status" -eq 1 ]
	[[ $output == *"is not the first include"* ]]
}

@test "headers: one that needs another to compile is refused" {
	cat >>"$TREE/base/one.h" <<-'END'
		/* Fills. */
		int one_fill(size_t n);
	END
	check headers
	[ "$status" -eq 1 ]
	[[ $output == *"base/one.h: error: does not compile alone"* ]]
	[[ $output == *"unknown type name"*size_t* ]]
}

# Prints a C function with a body of N statements between its braces.
long_function() {
	printf 'int f(void)\n{\n'
	for ((i = 0; i < $1; i++)); do printf '\tg(%d);\n' "$i"; done
	printf '}\n'
}

@test "size: 60 lines from brace to brace pass with a warning, 61 fail" {
	long_function 58 >"$TREE/base/two.c"
	check size
	[ "$status" -eq 0 ]
	[[ $output == *"base/two.c:1: warning: f: 60 lines in the function"* ]]
	long_function 59 >"$TREE/base/two.c"
	check size
	[ "$status" -eq 1 ]
	[[ $output == *"base/two.c:1: error: f: 61 lines in the function"* ]]
}

@test "size: a comment that says why lifts the limit on lines" {
	long_function 70 | sed '2a\	/* long: one case per kind */' >"$TREE/base/two.c"
	check size
	[ "$status" -eq 0 ]
	long_function 70 | sed '2a\	/* long: */' >"$TREE/base/two.c"
	check size
	[ "$status" -eq 1 ]
}

@test "size: six parameters warn, seven fail, a callback's own do not count" {
	echo 'int f(int a, int b, int c, int d, int e, void (*g)(int, int, int));' >"$TREE/base/two.h"
	check size
	[ "$status" -eq 0 ]
	[[ $output == *"f: 6 parameters"* ]]
	echo 'int f(int a, int b, int c, int d, int e, int g, int h);' >"$TREE/base/two.h"
	check size
	[ "$status" -eq 1 ]
}

@test "size: the fifth level of nesting fails, else-if is no level" {
	cat >"$TREE/base/two.c" <<-'END'
		int f(int a)
		{
			for (;;) {
				while (a) {
					switch (a) {
					case 1:
						if (a) {
							g();
						} else if (b) {
							g();
						}
					}
				}
			}
		}
	END
	check size
	[ "$status" -eq 0 ]
	[[ $output == *"f: 4 levels of nesting"* ]]
	sed -i 's/} else if (b) {/&\n\t\t\t\t\t\tdo\n\t\t\t\t\t\t\tg();\n\t\t\t\t\t\twhile (b);/' "$TREE/base/two.c"
	check size
	[ "$status" -eq 1 ]
	[[ $output == *"f: 5 levels of nesting"* ]]
}

@test "size: more than 800 lines in a file, more than 25 functions in a header" {
	yes '/* a line */' | head -n 801 >"$TREE/base/two.c"
	check size
	[ "$status" -eq 1 ]
	rm "$TREE/base/two.c"
	for i in $(seq 26); do echo "int f$i(void);"; done >"$TREE/base/two.h"
	check size
	[ "$status" -eq 1 ]
	[[ $output == *"26 public functions"* ]]
	sed -i '1i/* long: one function a number */' "$TREE/base/two.h"
	check size
	[ "$status" -eq 0 ]
}

@test "protos: a prototype without a comment is named" {
	sed -i '/Gives one/d' "$TREE/base/one.h"
	check protos
	[ "$status" -eq 1 ]
	[[ $output == *"base/one.h:6: error: one_get has no comment above it"* ]]
}

@test "protos: a group shares its comment, a blank line ends it" {
	sed -i 's/^int one_get.*/&\nint one_put(int a);/' "$TREE/base/one.h"
	check protos
	[ "$status" -eq 0 ]
	sed -i 's/^int one_put.*/\n&/' "$TREE/base/one.h"
	check protos
	[ "$status" -eq 1 ]
}

@test "protos: the first line says what the header is, the guard is its path" {
	sed -i '1s/.*/\/* a header *\//' "$TREE/base/one.h"
	check protos
	[ "$status" -eq 1 ]
	setup
	sed -i 's/BASE_ONE_H/ONE_H/' "$TREE/base/one.h"
	check protos
	[ "$status" -eq 1 ]
}

@test "text: trailing space, a missing newline, a missing SPDX line" {
	printf 'a \n' >"$TREE/notes.md"
	check text
	[ "$status" -eq 1 ]
	printf 'a' >"$TREE/notes.md"
	check text
	[ "$status" -eq 1 ]
	rm "$TREE/notes.md"
	printf '#!/bin/sh\ntrue\n' >"$TREE/script"
	check text
	[ "$status" -eq 1 ]
	[[ $output == *"script:1: error: no SPDX line"* ]]
}

@test "text: typedef struct and indenting with spaces" {
	printf '/* SPDX-License-Identifier: GPL-3.0-or-later */\ntypedef struct a b;\n' >"$TREE/base/two.c"
	check text
	[ "$status" -eq 1 ]
	printf '/* SPDX-License-Identifier: GPL-3.0-or-later */\nint f(void)\n{\n    g();\n}\n' >"$TREE/base/two.c"
	check text
	[ "$status" -eq 1 ]
}

# Compiles a function body with the forced header; bats' status says whether it was accepted.
compile() {
	printf '#include <stdlib.h>\n#include <string.h>\n#include <time.h>\nvoid f(char *p, time_t *t);\nvoid f(char *p, time_t *t)\n{\n\t%s;\n\t(void)p, (void)t;\n}\n' "$1" |
		"${CC:-cc}" ${2:+"$2"} -std=c11 -D_XOPEN_SOURCE=700 -O2 -I"$REPO" -include base/banned.h -fsyntax-only -x c -
}

@test "banned: each function is refused, with the better one named" {
	for call in 'strcpy(p, "x")' 'strcat(p, "x")' 'strncpy(p, "x", 1)' 'strncat(p, "x", 1)' 'strtok(p, "x")' 'gmtime(t)' \
		'localtime(t)' 'ctime(t)' '(void)atoi(p)' '(void)atol(p)' '(void)system(p)' 'p = malloc(1)' 'p = calloc(1, 1)' \
		'p = realloc(p, 1)' 'free(p)' 'p = strdup(p)'; do
		run compile "$call"
		[ "$status" -ne 0 ]
		[[ $output == *"unavailable"*"use "* ]]
	done
	run compile 'memcpy(p, t, 1)'
	[ "$status" -eq 0 ]
}

@test "banned: the malloc family is there with BANNED_ALLOW_ALLOC only" {
	run compile 'free(p)' -DBANNED_ALLOW_ALLOC
	[ "$status" -eq 0 ]
	run compile 'strcpy(p, "x")' -DBANNED_ALLOW_ALLOC
	[ "$status" -ne 0 ]
}

@test "embed: the array holds the file's bytes, whatever they are" {
	printf 'a "quoted" \\n %%s\t\303\244\r\n# ??=\n' >"$TREE/odd-name.sh"
	(cd "$TREE" && "$REPO/tools/embed" odd-name.sh >odd.h)
	printf '#include <stdio.h>\n#include "odd.h"\nint main(void)\n{\n\treturn fwrite(odd_name_sh, 1, sizeof odd_name_sh - 1, stdout) == 0;\n}\n' >"$TREE/m.c"
	"${CC:-cc}" -Wall -Wextra -Werror -o "$TREE/m" "$TREE/m.c"
	"$TREE/m" >"$TREE/out"
	cmp "$TREE/odd-name.sh" "$TREE/out"
}

@test "practice: a fleet anew begins a new journal and puts the old one aside, one that is up goes on with its own; no line is wider than a terminal" {
	mkdir -p "$TREE/tools" "$TREE/tests/fleet" "$TREE/build/release" "$TREE/state"
	cp "$BATS_TEST_DIRNAME/../../tools/practice" "$TREE/tools/"
	# shellcheck disable=SC2016 # the script's own
	printf '#!/bin/sh\n[ "$1" != status ] || exit "$(cat %s)"\n[ "$1" != up ] || echo "called: $FLEET_CALLED"\n' "$TREE/rc" >"$TREE/tests/fleet/fleet"
	chmod +x "$TREE/tests/fleet/fleet"
	export BELLBOOK_JOURNAL=$TREE/state/practice.db
	echo old >"$BELLBOOK_JOURNAL"
	echo index >"$BELLBOOK_JOURNAL-index.db"
	echo 0 >"$TREE/rc"
	run -0 "$TREE/tools/practice"
	[ "$(<"$BELLBOOK_JOURNAL")" = old ]
	[[ $output != *"put aside"* && $output == *"called: tests/fleet/fleet exec ./bellbook"* ]]
	echo 3 >"$TREE/rc"
	run -0 "$TREE/tools/practice"
	[[ $output == *"put aside"*"--journal $TREE/state/practice-until-"*" sessions"* ]]
	[ ! -e "$BELLBOOK_JOURNAL" ] && [ ! -e "$BELLBOOK_JOURNAL-index.db" ]
	[ "$(cat "$TREE"/state/practice-until-*[0-9].db)" = old ]
	[ "$(cat "$TREE"/state/practice-until-*.db-index.db)" = index ]
	run ! grep -vF -- --journal <(awk 'length > 80' <<<"$output")
}

@test "actions: no other file names one; a comment, and a longer word, may" {
	mkdir -p "$TREE/actions/do"
	echo 'const struct action action_ssh_run = { .name = "ssh.run", .target = TARGET_HOST };' >"$TREE/actions/do/job.c"
	printf '/* ssh.run */\nconst char *x = "ssh.running";\n' >"$TREE/session/call.c"
	check actions
	[ "$status" -eq 0 ]
	echo 'int y = is(name, "ssh.run");' >>"$TREE/session/call.c"
	check actions
	[ "$status" -eq 1 ]
	[[ $output == 'session/call.c:3: error: ssh.run is named here;'* ]]
}

@test "utf8: the table of widths is as its maker makes it, and one that was changed by hand is not" {
	cp "$REPO/base/utf8_table.c" "$TREE/base/"
	ROOT=$TREE run "$REPO/tools/utf8-table" -c
	[ "$status" -eq 0 ]
	sed -i '0,/{ 0x300, 0x36f }/s//{ 0x300, 0x36e }/' "$TREE/base/utf8_table.c"
	ROOT=$TREE run "$REPO/tools/utf8-table" -c
	[[ $output == *"not as tools/utf8-table makes it"* && $status -eq 1 || $output == *"not compared"* ]]
	ROOT=$TREE "$REPO/tools/utf8-table"
	ROOT=$TREE run "$REPO/tools/utf8-table" -c
	[ "$status" -eq 0 ]
}
