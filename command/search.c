/* search.c - bellbook search: words in everything that was ever recorded. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/index/index.h"

struct found {
	const struct options *options;
	struct json *all;	/* of --json */
	int64_t count;
	bool bold;		/* stdout is a terminal that may show it */
};

static void put_safe(struct buf *out, const char *text, size_t len)
{
	utf8_safe(out, text, len, false);
}

static void print_hit(const struct found *found, const struct index_hit *hit)
{
	size_t from = hit->mark, to = hit->mark + hit->mark_len, len = strlen(hit->line);
	struct buf out = {0};
	char at[TIME_TEXT];

	time_format(hit->at_us, at);
	buf_printf(&out, "%lld  %.10s %.8s  ", (long long)hit->session, at, at + 11);
	put_safe(&out, *hit->step ? hit->step : "-", strlen(*hit->step ? hit->step : "-"));
	buf_puts(&out, "  ");
	if (*hit->host)
		put_safe(&out, hit->host, strlen(hit->host));
	else
		put_safe(&out, *hit->who ? hit->who : "-", strlen(*hit->who ? hit->who : "-"));
	buf_puts(&out, "  ");
	if (!hit->mark_len || to > len)
		from = to = len;
	put_safe(&out, hit->line, from);
	if (from < to) {
		buf_puts(&out, found->bold ? "\033[1m" : "");
		put_safe(&out, hit->line + from, to - from);
		buf_puts(&out, found->bold ? "\033[0m" : "");
		put_safe(&out, hit->line + to, len - to);
	}
	puts(buf_text(&out));
	buf_done(&out);
}

static bool take_hit(void *arg, const struct index_hit *hit)
{
	struct found *found = arg;
	struct json *one;
	char at[TIME_TEXT];

	found->count++;
	if (!found->all) {
		print_hit(found, hit);
		return true;
	}
	one = json_new_object();
	json_set_int(one, "seq", hit->seq);
	json_set_int(one, "session", hit->session);
	json_set_text(one, "at", time_format(hit->at_us, at));
	json_set_text(one, "kind", hit->kind);
	json_set_text(one, "step", hit->step);
	json_set_text(one, "host", hit->host);
	json_set_text(one, "who", hit->who);
	json_set_text(one, "line", hit->line);
	json_set_int(one, "mark", (int64_t)hit->mark);
	json_set_int(one, "mark_len", (int64_t)hit->mark_len);
	json_add(found->all, one);
	return true;
}

/* Words as one text; a word with blanks in it was quoted for the shell and means a phrase. */
static void join_words(const struct options *o, struct buf *words)
{
	for (size_t i = 0; i < o->count; i++) {
		bool phrase = o->count > 1 && strchr(o->args[i], ' ') && !strchr(o->args[i], '"');

		buf_printf(words, phrase ? "%s\"%s\"" : "%s%s", i ? " " : "", o->args[i]);
	}
}

int cmd_search(struct options *o)
{
	struct found found = {.options = o, .bold = isatty(STDOUT_FILENO)};
	struct index_filter filter;
	struct buf words = {0};
	struct err e = {0};
	struct index *index;
	int result = -1, status;

	if (!o->count)
		return cmd_fail(EXIT_USAGE, "search needs words: bellbook search timeout, bellbook search 'migr*' --host db1, bellbook search '\"could not connect\"'");
	if (cmd_filter(o, &filter, &e) < 0)
		return cmd_fail_err(&e);
	join_words(o, &words);
	found.all = o->json ? json_new_array() : NULL;
	index = cmd_index(o, INDEX_TEXT, &e);
	if (index)
		result = index_search(index, buf_text(&words), &filter, take_hit, &found, &e);
	status = index && index_is_lacking(index) ? EXIT_FAILED : EXIT_OK;
	index_close(index);
	buf_done(&words);
	if (result < 0) {
		json_free(found.all);
		return cmd_fail_err(&e);
	}
	if (o->json) {
		(void)cmd_print_json(found.all);
		return status;
	}
	if (!found.count)
		fputs("bellbook: nothing found\n", stderr);
	return found.count ? status : EXIT_FAILED;
}
