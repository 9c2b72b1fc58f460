/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/events.md is made of the table in journal/event/event.c: tools/events-doc writes it, this test tells when it is stale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "journal/event/event.h"

#define DOC "docs/events.md"

static const char head[] =
	"# Events\n\n"
	"<!-- Made by tools/events-doc from journal/event/kinds.def. Do not edit. -->\n\n"
	"Everything that bellbook decides or observes is one of these events. They are stored in the journal, told to every view\n"
	"(docs/protocol.md) and written by `bellbook log --format jsonl`. Numbers and names are never used for anything else later;\n"
	"a kind that an older bellbook does not know is kept and shown raw.\n\n"
	"Besides `data`, an event has `seq`, `session`, `at`, `kind`, `v`, `who`, and where it is about one `step`, `attempt`, `call`\n"
	"(its path in the step) and `host`. *Payload* is free text or raw output, kept apart so that it can be purged.\n\n"
	"How it is stored: **decision** is on disk before anybody is told and before anything is done about it; **note** is on disk at\n"
	"once; **output** is on disk within 100 ms, and a power cut may take the last of it.\n\n"
	"A member with `?` may be missing. Times ending in `_us` are microseconds.\n\n"
	"| number | kind | v | stored as | what it says | members of `data` |\n"
	"|---|---|---|---|---|---|\n";

static const char *durability_name(enum durability durability)
{
	switch (durability) {
	case DURABLE_OUTPUT:
		return "output";
	case DURABLE_NOTE:
		return "note";
	case DURABLE_DECISION:
		break;
	}
	return "decision";
}

static void make_doc(struct buf *out)
{
	buf_puts(out, head);
	for (const struct event_type *type = event_types(); type->name; type++)
		buf_printf(out, "| %d | `%s` | %d | %s | %s | %s |\n", (int)type->kind, type->name, type->v,
			   durability_name(type->durability), type->about, type->fields);
}

static void read_doc(struct buf *out)
{
	FILE *file = fopen(DOC, "rb");
	size_t got;

	while (file && (got = fread(buf_room(out, 4096), 1, 4096, file)) > 0)
		buf_added(out, got);
	if (file)
		fclose(file);
}

static void write_doc(const struct buf *doc)
{
	FILE *file = fopen(DOC, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(doc->data, 1, doc->len, file), doc->len);
	assert_int_equal(fclose(file), 0);
}

static void events_doc__is_what_the_table_says(void **state)
{
	struct buf wanted = {0}, there = {0};

	(void)state;
	make_doc(&wanted);
	if (getenv("GENERATE"))
		write_doc(&wanted);
	read_doc(&there);
	if (strcmp(buf_text(&wanted), buf_text(&there)) != 0)
		fail_msg("%s is stale: run tools/events-doc (from the top of the tree)", DOC);
	buf_done(&wanted);
	buf_done(&there);
}

static void event_types__say_something_of_every_kind_once(void **state)
{
	bool seen[256] = { false };

	(void)state;
	for (const struct event_type *type = event_types(); type->name; type++) {
		assert_true((int)type->kind > 0 && (int)type->kind < 256);
		assert_false(seen[type->kind]);
		seen[type->kind] = true;
		assert_true(type->about && type->about[0]);
		assert_non_null(type->fields);
		/* They stand in a table of Markdown. */
		assert_null(strchr(type->about, '|'));
		assert_null(strchr(type->fields, '|'));
		assert_true((type->durability == DURABLE_OUTPUT) == (type->kind >= EVENT_OUTPUT_FIRST ||
								     type->kind == EVENT_CALL_PROGRESS));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_doc__is_what_the_table_says),
		cmocka_unit_test(event_types__say_something_of_every_kind_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
