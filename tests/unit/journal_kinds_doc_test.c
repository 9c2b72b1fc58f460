/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the manual says of the kinds of steps, and the protocol of those of questions, is made of the
 * tables: tools/kinds-doc writes it between two lines of the page, this test tells when it is stale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/model/ask_kind.h"
#include "journal/model/step_kind.h"

static void read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	size_t got;

	assert_non_null(file);
	while ((got = fread(buf_room(out, 4096), 1, 4096, file)) > 0)
		buf_added(out, got);
	fclose(file);
}

static void write_file(const char *path, const struct buf *text)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text->data, 1, text->len, file), text->len);
	assert_int_equal(fclose(file), 0);
}

/* Between the lines begin and end of the file stands what is wanted. */
static void check_part(const char *path, const char *begin, const char *end, const struct buf *wanted)
{
	struct buf there = {0}, whole = {0};
	const char *from, *to;

	read_file(path, &there);
	from = strstr(buf_text(&there), begin);
	assert_non_null(from);
	from += strlen(begin);
	to = strstr(from, end);
	assert_non_null(to);
	buf_append(&whole, there.data, (size_t)(from - buf_text(&there)));
	buf_append(&whole, wanted->data, wanted->len);
	buf_puts(&whole, to);
	if (getenv("GENERATE"))
		write_file(path, &whole);
	else if (!str_is(buf_text(&whole), buf_text(&there)))
		fail_msg("%s is stale: run tools/kinds-doc", path);
	buf_done(&there);
	buf_done(&whole);
}

/* " why run done " as "Needs", then "why, run and done" with the marks of a manual page. */
static void put_needs(struct buf *out, const char *fields)
{
	struct buf words = {0};
	size_t n = 0, left = 0;

	for (const char *at = fields; *at; at++)
		left += *at == ' ';
	for (const char *at = fields + 1; *at; at += strcspn(at, " ") + 1, n++) {
		int len = (int)strcspn(at, " ");
		bool last = n + 2 == left;

		if (last && n)
			buf_puts(&words, "\nand\n.Ic ");
		else if (n)
			buf_puts(&words, " , ");
		buf_printf(&words, "%.*s", len, at);
	}
	if (words.len)
		buf_printf(out, "Needs\n.Ic %s .\n", buf_text(&words));
	buf_done(&words);
}

static void the_manual__tells_the_kinds_of_steps(void **state)
{
	struct buf wanted = {0};

	(void)state;
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		const struct step_type *type = step_type_of((enum step_kind)kind);

		buf_printf(&wanted, ".It Ic %s\n%s\n", type->name, type->about);
		put_needs(&wanted, type->needs);
	}
	check_part("man/bellbook-runbook.7",
		   ".\\\" The kinds, made by tools/kinds-doc from journal/model/step_kinds.def:\n",
		   ".\\\" The kinds end here.\n", &wanted);
	buf_done(&wanted);
}

/* " go skip(why) defer(why,owner,due) " as "`go` `skip`(why) `defer`(why, owner, due)". */
static void put_choices(struct buf *out, const char *choices)
{
	for (const char *at = choices; *at && !str_is(choices, " *(why) "); at++) {
		size_t len = strcspn(at, " ("), more;

		if (!len)
			continue;
		buf_printf(out, " `%.*s`", (int)len, at);
		more = strcspn(at + len, " ");
		for (at += len; more; more--, at++)
			buf_printf(out, *at == ',' ? ", " : "%c", *at);
	}
	buf_puts(out, str_is(choices, " *(why) ") ? " the text it expects (why)" : "");
}

static const char *void_words(enum ask_void voided)
{
	switch (voided) {
	case VOID_BY_PROCESS:
		return "always";
	case VOID_BY_RUNBOOK:
		return "the runbook changed";
	case VOID_BY_STEP:
		return "its step is gone";
	case VOID_NEVER:
		break;
	}
	return "never";
}

static const char *who_words(enum ask_who who)
{
	return who == ANSWER_SECOND ? "a second person" : who == ANSWER_NAMED ? "the person it names" : "who drives";
}

static void the_protocol__tells_the_kinds_of_questions(void **state)
{
	struct buf wanted = {0};

	(void)state;
	buf_puts(&wanted, "| `of` | asks | answers | choices | void after a takeover |\n|---|---|---|---|---|\n");
	for (const struct ask_type *type = ask_types(); type->name; type++) {
		buf_printf(&wanted, "| `%s` | %s | %s |", type->name, type->about, who_words(type->who));
		put_choices(&wanted, type->choices);
		buf_printf(&wanted, " | %s |\n", void_words(type->voided));
	}
	check_part("docs/protocol.md",
		   "<!-- The kinds, made by tools/kinds-doc from journal/model/ask_kinds.def: -->\n",
		   "<!-- The kinds end here. -->\n", &wanted);
	buf_done(&wanted);
}

static void ask_kinds__tell_what_an_answer_needs(void **state)
{
	const struct ask_type *step = ask_type_of("step"), *manual = ask_type_of("manual");

	(void)state;
	assert_true(ask_type_wants(step, "skip", "why"));
	assert_false(ask_type_wants(step, "skip", "owner"));
	assert_true(ask_type_wants(step, "defer", "why"));
	assert_true(ask_type_wants(step, "defer", "owner"));
	assert_true(ask_type_wants(step, "defer", "due"));
	assert_false(ask_type_wants(step, "go", "why"));
	assert_false(ask_type_wants(step, "", "why"));
	assert_false(ask_type_wants(step, "go skip", "why"));
	assert_true(ask_type_wants(manual, "other", "owner"));
	assert_false(ask_type_wants(manual, "other", "why"));
	assert_true(ask_type_wants(ask_type_of("approval"), "anything", "why"));
	/* A password may be any word. */
	assert_false(ask_type_wants(ask_type_of("secret"), "skip", "why"));
	assert_true(ask_type_is_usual(step, "go"));
	assert_false(ask_type_is_usual(step, "already"));
	assert_true(ask_type_is_usual(ask_type_of("parameter"), "anything"));
	assert_int_equal(ask_type_of("nonsense")->kind, ASK_UNKNOWN);
	assert_int_equal(ask_type_of(NULL)->kind, ASK_UNKNOWN);
	assert_false(ask_type_is_usual(ask_type_of("nonsense"), "go"));
}

static void ask_kinds__of_which_the_walk_waits_hold_it(void **state)
{
	(void)state;
	assert_true(ask_type_holds(ask_type_of("step")) && ask_type_holds(ask_type_of("change")));
	assert_true(ask_type_holds(ask_type_of("approval")) && ask_type_holds(ask_type_of("nonsense")));
	assert_false(ask_type_holds(ask_type_of("doubt")) || ask_type_holds(ask_type_of("hostkey")));
}

/* Names of fields, blanks around each. */
static void check_fields(const char *fields)
{
	size_t len = strlen(fields);

	assert_true(len == 0 || (len > 2 && fields[0] == ' ' && fields[len - 1] == ' '));
	assert_null(strstr(fields, "  "));
}

/* Each field that a kind needs has words to demand it with. */
static void check_words(const char *needs)
{
	static const char *const known[] = {
#define FIELD(name, words) " " name " ",
#include "journal/model/step_kinds.def"
	};
	size_t wanted = 0, found = 0;

	for (const char *at = needs; *at; at++)
		wanted += *at == ' ';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		found += strstr(needs, known[i]) != NULL;
	assert_int_equal(found + (wanted > 0), wanted);
}

static void step_kinds__say_all_that_is_asked_of_them(void **state)
{
	(void)state;
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		const struct step_type *type = step_type_of((enum step_kind)kind);
		enum step_kind back;

		assert_true(step_kind_parse(type->name, &back));
		assert_int_equal(back, kind);
		assert_true(*type->about && *type->word && *type->counted);
		check_fields(type->needs);
		check_words(type->needs);
		check_fields(type->own);
		assert_true(utf8_columns(type->glyph, strlen(type->glyph)) <= 2);
		/* What only looks has nothing to agree to. */
		assert_false(type->final && type->effect == STEP_LOOKS);
	}
}

static void step_kinds__tell_their_fields(void **state)
{
	(void)state;
	assert_true(step_kind_needs(STEP_CHANGE, "done"));
	assert_false(step_kind_needs(STEP_OBSERVE, "done"));
	assert_false(step_kind_needs(STEP_CHANGE, "why run"));
	assert_false(step_kind_needs(STEP_CHANGE, "on"));
	assert_false(step_kind_needs(STEP_CHANGE, ""));
	assert_true(step_kind_owns(STEP_MANUAL, "commands"));
	assert_false(step_kind_owns(STEP_MANUAL, "command"));
	assert_int_equal(step_kind_owner("target"), STEP_IRREVERSIBLE);
	assert_int_equal(step_kind_owner("title"), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual__tells_the_kinds_of_steps),
		cmocka_unit_test(the_protocol__tells_the_kinds_of_questions),
		cmocka_unit_test(ask_kinds__tell_what_an_answer_needs),
		cmocka_unit_test(ask_kinds__of_which_the_walk_waits_hold_it),
		cmocka_unit_test(step_kinds__say_all_that_is_asked_of_them),
		cmocka_unit_test(step_kinds__tell_their_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
