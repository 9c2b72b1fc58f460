/* debts.c - what was put off, by whom and until when; and that it was done. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/debts.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "command/command.h"
#include "journal/index/note.h"

static bool take_debt(void *arg, const struct index_debt *row)
{
	struct json *all = arg, *one = json_new_object();
	char at[TIME_TEXT];

	json_set_int(one, "debt", row->seq);
	json_set_int(one, "session", row->session);
	json_set_text(one, "step", row->step);
	json_set_text(one, "title", row->title);
	json_set_text(one, "of", row->of);
	json_set_text(one, "owner", row->owner);
	json_set_text(one, "due", row->due);
	json_set_text(one, "reason", row->reason);
	if (row->settled_us) {
		json_set_text(one, "settled", time_format(row->settled_us, at));
		json_set_text(one, "by", row->settled_by);
		json_set_text(one, "how", *row->how ? row->how : "the step was done later in the same walk");
	}
	json_add(all, one);
	return true;
}

struct json *debts_read(struct index *index, int64_t session, bool settled, struct err *e)
{
	struct json *all = json_new_array();

	if (index_debts(index, session, settled, take_debt, all, e) == 0)
		return all;
	json_free(all);
	return NULL;
}

static void put_safe(struct buf *out, const char *text)
{
	utf8_safe(out, text, strlen(text), false);
}

/* One debt in two lines. today: "2026-11-30". */
static void print_debt(const struct json *debt, const char *today)
{
	const char *due = json_text(debt, "due", ""), *settled = json_text(debt, "settled", NULL);
	struct buf out = {0};

	buf_printf(&out, "%lld  ", (long long)json_int(debt, "debt", 0));
	buf_puts(&out, settled ? "settled " : strcmp(due, today) < 0 ? "OVERDUE since " : "due ");
	if (settled)
		buf_printf(&out, "%.10s by ", settled);
	put_safe(&out, settled ? json_text(debt, "by", "") : due);
	buf_puts(&out, "  ");
	put_safe(&out, json_text(debt, "owner", ""));
	buf_puts(&out, "  ");
	put_safe(&out, json_text(debt, "title", ""));
	buf_printf(&out, "  (session %lld, ", (long long)json_int(debt, "session", 0));
	put_safe(&out, json_text(debt, "of", ""));
	buf_puts(&out, ")\n      put off because: ");
	put_safe(&out, json_text(debt, "reason", ""));
	if (settled) {
		buf_puts(&out, "\n      how it was settled: ");
		put_safe(&out, json_text(debt, "how", ""));
	}
	puts(buf_text(&out));
	buf_done(&out);
}

static void print_debts(const struct json *debts)
{
	char today[TIME_TEXT];

	time_format(time_wall_us(), today);
	today[10] = '\0';
	for (size_t i = 0; i < json_count(debts); i++)
		print_debt(json_item(debts, i), today);
}

void debts_tell(const struct json *debts)
{
	if (!json_count(debts))
		return;
	puts("PUT OFF, AND STILL OWED (bellbook debts settle NUMBER HOW says that one is done)");
	print_debts(debts);
	putchar('\n');
}

static int list(const struct options *o)
{
	struct index_filter filter;
	struct err e = {0};
	struct index *index;
	struct json *debts = NULL;
	int status;

	if (cmd_filter(o, &filter, &e) < 0)
		return cmd_fail_err(&e);
	index = cmd_index(o, INDEX_FACTS, &e);
	if (index)
		debts = debts_read(index, filter.session, o->all, &e);
	status = index && index_is_lacking(index) ? EXIT_FAILED : EXIT_OK;
	index_close(index);
	if (!debts)
		return cmd_fail_err(&e);
	if (o->json) {
		(void)cmd_print_json(debts);
		return status;
	}
	print_debts(debts);
	if (!json_count(debts))
		puts("Nothing is owed.");
	else if (!o->all)
		puts("\nbellbook debts settle NUMBER HOW says that one is done.");
	json_free(debts);
	return status;
}

/* The session of a debt that is still owed; 0 with words. */
static int64_t session_of(const struct options *o, int64_t seq, struct err *e)
{
	struct index *index = cmd_index(o, INDEX_FACTS, e);
	struct json *debts = index ? debts_read(index, 0, true, e) : NULL;
	int64_t session = 0;

	index_close(index);
	for (size_t i = 0; i < json_count(debts) && !session && !e->text[0]; i++) {
		const struct json *debt = json_item(debts, i);

		if (json_int(debt, "debt", 0) != seq)
			continue;
		if (json_at(debt, "settled"))
			err_set(e, ERR_USAGE, "debt %lld was settled on %.10s by %s; nothing was written", (long long)seq, json_text(debt, "settled", ""), json_text(debt, "by", ""));
		else
			session = json_int(debt, "session", 0);
	}
	if (debts && !session && !e->text[0])
		err_set(e, ERR_NOTFOUND, "there is no debt %lld; bellbook debts lists them", (long long)seq);
	json_free(debts);
	return session;
}

static int settle(struct options *o)
{
	struct note note = {0};
	struct buf how = {0};
	struct err e = {0};
	int64_t seq = 0;
	int result = -1;

	if (o->count < 3 || !str_to_int(o->args[1], 1, INT64_MAX, &note.settles))
		return cmd_fail(EXIT_USAGE, "say which debt and how it was settled: bellbook debts settle 120 \"the index is built\"; bellbook debts lists the numbers");
	if (cmd_check_cut(o) != EXIT_OK)
		return EXIT_FAILED;
	for (size_t i = 2; i < o->count; i++)
		buf_printf(&how, "%s%s", i > 2 ? " " : "", o->args[i]);
	note.text = buf_text(&how);
	note.session = session_of(o, note.settles, &e);
	if (note.session)
		result = note_write(o->journal, &note, &seq, &e);
	buf_done(&how);
	if (result < 0)
		return cmd_fail_err(&e);
	if (o->json) {
		struct json *value = json_new_object();

		json_set_int(value, "debt", note.settles);
		json_set_int(value, "session", note.session);
		json_set_int(value, "seq", seq);
		return cmd_print_json(value);
	}
	printf("Debt %lld is settled: event %lld of session %lld.\n", (long long)note.settles, (long long)seq, (long long)note.session);
	return EXIT_OK;
}

int cmd_debts(struct options *o)
{
	if (o->count && str_is(o->args[0], "settle"))
		return settle(o);
	if (o->count)
		return cmd_fail(EXIT_USAGE, "bellbook debts lists what is owed, bellbook debts settle NUMBER HOW says that one is done");
	return list(o);
}
