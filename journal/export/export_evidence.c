/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/export/export_evidence.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#define EVIDENCE_LINES 5
#define EVIDENCE_BYTES ((size_t)300)	/* of a line */

struct evidence {		/* of one call; strings owned */
	char *step, *call;
	int attempt;
	int errors;		/* lines in text */
	struct buf text;	/* first lines that tell of errors */
	struct buf tail;	/* the last line, whatever it says */
};

struct export_evidence {
	struct evidence *list;	/* owned */
	size_t count;
};

struct export_evidence *export_evidence_new(void)
{
	return mem_alloc(sizeof(struct export_evidence));
}

static void evidence_done(struct evidence *one)
{
	mem_free(one->step);
	mem_free(one->call);
	buf_done(&one->text);
	buf_done(&one->tail);
}

void export_evidence_free(struct export_evidence *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		evidence_done(&all->list[i]);
	mem_free(all->list);
	mem_free(all);
}

static struct evidence *find(const struct export_evidence *all, const char *step, int attempt, const char *call)
{
	for (size_t i = 0; i < all->count; i++) {
		struct evidence *one = &all->list[i];

		if (one->attempt == attempt && str_is(one->call, call) && str_is(one->step, step))
			return one;
	}
	return NULL;
}

static struct evidence *add(struct export_evidence *all, const struct export_line *line)
{
	struct evidence *one;

	all->list = mem_more(all->list, all->count, sizeof(*one));
	one = &all->list[all->count++];
	*one = (struct evidence){ .attempt = line->attempt };
	mem_set(&one->step, line->step);
	mem_set(&one->call, line->call);
	return one;
}

/* True when a line of ordinary output tells of an error. */
static bool tells_of_error(const char *text, size_t len)
{
	static const char *const words[] = { "error", "fatal", "fail", "denied", "cannot", "panic", "refused",
					     "not found", "exception", "no space" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t word = strlen(words[i]);

		for (size_t at = 0; at + word <= len; at++) {
			size_t k = 0;

			while (k < word && tolower((unsigned char)text[at + k]) == words[i][k])
				k++;
			if (k == word)
				return true;
		}
	}
	return false;
}

void export_evidence_line(struct export_evidence *all, const struct export_line *line)
{
	size_t len = line->len > EVIDENCE_BYTES ? utf8_border(line->text, EVIDENCE_BYTES) : line->len;
	struct evidence *one = find(all, line->step, line->attempt, line->call);

	if (!one)
		one = add(all, line);
	if (one->errors < EVIDENCE_LINES && (str_is(line->stream, "err") || tells_of_error(line->text, len))) {
		one->errors++;
		buf_append(&one->text, line->text, len);
		buf_putc(&one->text, '\n');
	}
	if (len > 0) {
		buf_clear(&one->tail);
		buf_append(&one->tail, line->text, len);
		buf_putc(&one->tail, '\n');
	}
}

void export_evidence_drop(struct export_evidence *all, const struct event *ev)
{
	struct evidence *one = find(all, ev->step ? ev->step : "", ev->attempt, ev->call ? ev->call : "");

	if (!one)
		return;
	evidence_done(one);
	*one = all->list[--all->count];
}

const struct buf *export_evidence_of(const struct export_evidence *all, const struct model_call *call)
{
	const struct evidence *one = find(all, call->step, call->attempt, call->path);

	if (!one)
		return NULL;
	return one->text.len > 0 ? &one->text : &one->tail;
}
