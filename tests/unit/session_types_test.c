/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runbooks/types/bellbook.lua is made by tools/types-doc; this test tells when it is stale. */
#include "session_fixture.h"

#include "base/buf.h"
#include "session/lua/lua_api.h"
#include "session/lua/script.h"

#define TYPES "runbooks/types/bellbook.lua"

static void read_file(struct buf *out)
{
	FILE *file = fopen(TYPES, "rb");
	size_t got;

	while (file && (got = fread(buf_room(out, 4096), 1, 4096, file)) > 0)
		buf_added(out, got);
	if (file)
		fclose(file);
}

static void write_file(const struct buf *types)
{
	FILE *file = fopen(TYPES, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(types->data, 1, types->len, file), types->len);
	assert_int_equal(fclose(file), 0);
}

static void script_types__are_what_the_tables_say(void **state)
{
	struct buf wanted = { 0 }, there = { 0 };

	(void)state;
	script_types(&wanted);
	if (getenv("GENERATE"))
		write_file(&wanted);
	read_file(&there);
	if (strcmp(buf_text(&wanted), buf_text(&there)) != 0)
		fail_msg("%s is stale: run tools/types-doc (from the top of the tree)", TYPES);
	buf_done(&wanted);
	buf_done(&there);
}

/* Whether a runbook loads that has these words at its end. */
static void loads(const char *words)
{
	char *text = mem_printf(
		"%sobserve \"a\" { title = \"A\", run = function(s) end }\n%s\n", HEAD, words);
	struct err e = { 0 };
	struct script *script = script_load(folder_file("t.lua", text), &e);

	if (!script)
		fail_msg("%s", e.text);
	script_free(script);
	mem_free(text);
}

static void lua_api__names_what_there_is(void **state)
{
	(void)state;
	for (const struct lua_function *fn = lua_api_functions(); fn->name; fn++) {
		char *words = mem_printf("if type(%s) ~= \"function\" then error(\"no %s\") end",
			fn->name, fn->name);

		/* Those of s are there when a step runs. */
		if (!str_starts(fn->name, "s:"))
			loads(words);
		mem_free(words);
		assert_true(*fn->help);
	}
}

/* A class that a type names is in the table, or made of an action's parameters. */
static void lua_api__has_every_class_that_it_names(void **state)
{
	(void)state;
	for (const struct lua_class *class = lua_api_classes(); class->name; class ++)
		for (const struct lua_arg *f = class->fields; f->name; f++) {
			const char *at = f->type;

			for (; (at = strstr(at, "bellbook.")) != NULL; at++) {
				char *name = mem_dup(at, strspn(at, "abcdefghijklmnopqrstuvwxyzABCD"
								    "EFGHIJKLMNOPQRSTUVWXYZ."));

				if (!lua_api_class(name) && !str_is(name, "bellbook.Duration") &&
					!str_is(name, "bellbook.Command") &&
					!str_is(name, "bellbook.DoneWhen"))
					fail_msg("%s.%s: there is no %s", class->name, f->name,
						name);
				mem_free(name);
			}
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_types__are_what_the_tables_say),
		cmocka_unit_test(lua_api__names_what_there_is),
		cmocka_unit_test(lua_api__has_every_class_that_it_names),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
