/* find.c - what the commands that look into the index share: filters, and bringing it up to date with words on stderr. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/store/health.h"
#include "journal/index/index.h"

/* A day, a time as events have it, or how long ago: 2026-11-21, 2026-11-21T18:00:00Z, 2h. */
static int read_time(const char *option, const char *text, int64_t *out, struct err *e)
{
	int64_t ago;

	if (!text || time_parse(text, out) == 0)
		return 0;
	if (!str_to_duration(text, &ago))
		return err_set(e, ERR_USAGE, "%s %s: a day (2026-11-21), a time (2026-11-21T18:00:00Z) or how long ago (90m, 12h, 7d) is needed; times are UTC", option, text);
	*out = time_wall_us() - ago;
	return 0;
}

static int read_number(const char *option, const char *text, int64_t *out, struct err *e)
{
	if (!text || str_to_int(text, 1, INT64_MAX, out))
		return 0;
	return err_set(e, ERR_USAGE, "%s %s: a number from 1 on is needed", option, text);
}

int cmd_filter(const struct options *o, struct index_filter *filter, struct err *e)
{
	*filter = (struct index_filter){ .runbook = o->runbook, .host = o->host, .person = o->person, .failed = o->failed, .open = o->open_only };
	if (read_number("--session", o->session, &filter->session, e) < 0 || read_number("--limit", o->limit, &filter->limit, e) < 0)
		return -1;
	if (read_time("--since", o->since, &filter->since_us, e) < 0 || read_time("--until", o->until, &filter->until_us, e) < 0)
		return -1;
	return 0;
}

struct waiting {
	int64_t since_us, told_us;
};

/* Says nothing in the first second, then how far it is: in place on a terminal, else once. */
static bool tell_progress(void *arg, int64_t done, int64_t total)
{
	struct waiting *waiting = arg;
	int64_t now = time_mono_us();
	bool terminal = isatty(STDERR_FILENO);

	if (now - waiting->since_us < TIME_SECOND || (waiting->told_us && (!terminal || now - waiting->told_us < TIME_SECOND)))
		return true;
	waiting->told_us = now;
	fprintf(stderr, "%sbellbook: bringing the index up to date: %d %% of %lld events. It is kept, next time is faster.%s", terminal ? "\r" : "",
		(int)(total > 0 ? done * 100 / total : 100), (long long)total, terminal ? "" : "\n");
	return true;
}

/* The events are read one by one, as `log` does, and each is checked: what the journal's own indexes say is not asked. */
static void say_damaged(struct index *index, const struct err *why)
{
	char *words = mem_printf("%s. What follows is made of the events themselves, read one by one; the file was not touched", why->text);

	(void)cmd_fail(EXIT_FAILED, words);
	mem_free(words);
	index_set_lacking(index);
}

struct index *cmd_index(const struct options *o, enum index_part part, struct err *e)
{
	struct waiting waiting = {.since_us = time_mono_us()};
	struct err damage = {0};
	bool good = health_check(o->journal, &damage) == 0;
	struct index *index = good || damage.kind == ERR_CORRUPT ? index_open(o->journal, e) : NULL;
	struct buf safe = {0};
	int result;
	bool cut;

	if (!index) {
		*e = good ? *e : damage;
		return NULL;
	}
	if (!good)
		say_damaged(index, &damage);
	cut = cmd_check_cut(o) != EXIT_OK;
	result = index_update(index, part, tell_progress, &waiting, e);
	if (waiting.told_us && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (*index_words(index) && !cut) {
		utf8_safe(&safe, index_words(index), strlen(index_words(index)), false);
		fprintf(stderr, "bellbook: %s\n", buf_text(&safe));
		buf_done(&safe);
	}
	if (result == 0)
		return index;
	index_close(index);
	return NULL;
}
