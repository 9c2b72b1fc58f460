/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "base/secret.h"

#include <string.h>

#include "base/mem.h"
#include "base/redact_int.h"

struct redactor {
	struct automaton_form *forms;	/* owned, their bytes too */
	size_t form_count;
	char **names;			/* owned */
	size_t name_count;
	size_t longest;
	struct automaton *automaton;	/* owned; NULL while nothing is registered */
	uint64_t version;		/* grows with each rebuild; streams compare it */
};

/* Where a scan stands in a text: the same for a whole text and for the pending bytes of a stream. */
struct scan {
	uint32_t state;
	size_t at;		/* next byte to look at */
	size_t done;		/* text before this has gone to the output */
	size_t start, len;	/* best match so far that is not yet certain; len 0 = none */
	uint32_t name;
	size_t count;		/* replacements */
};

struct redact_stream {
	const struct redactor *redactor;	/* borrowed */
	struct buf pending;			/* owned; held back, begins at scan.done = 0 */
	struct scan scan;
	uint64_t version;			/* of the automaton that scan.state belongs to */
};

struct redactor *redactor_new(void)
{
	return mem_alloc(sizeof(struct redactor));
}

void redactor_free(struct redactor *redactor)
{
	if (!redactor)
		return;
	automaton_free(redactor->automaton);
	for (size_t i = 0; i < redactor->form_count; i++) {
		struct automaton_form form = redactor->forms[i];
		union {
			const char *in;
			void *out;
		} bytes = { .in = form.bytes };

		explicit_bzero(bytes.out, form.len);
		mem_free(bytes.out);
	}
	mem_free(redactor->forms);
	for (size_t i = 0; i < redactor->name_count; i++)
		mem_free(redactor->names[i]);
	mem_free(redactor->names);
	mem_free(redactor);
}

static uint32_t name_number(struct redactor *redactor, const char *name)
{
	for (size_t i = 0; i < redactor->name_count; i++) {
		if (strcmp(redactor->names[i], name) == 0)
			return (uint32_t)i;
	}
	redactor->names = mem_more(redactor->names, redactor->name_count, sizeof(*redactor->names));
	redactor->names[redactor->name_count] = mem_strdup(name);
	return (uint32_t)redactor->name_count++;
}

struct adding {
	struct redactor *redactor;
	uint32_t name;
};

/* Keeps a form unless it is there already. */
static void add_form(void *arg, const char *bytes, size_t len)
{
	const struct adding *adding = arg;
	struct redactor *redactor = adding->redactor;

	for (size_t i = 0; i < redactor->form_count; i++) {
		const struct automaton_form *form = &redactor->forms[i];

		if (form->len == len && memcmp(form->bytes, bytes, len) == 0)
			return;
	}
	redactor->forms = mem_more(redactor->forms, redactor->form_count, sizeof(*redactor->forms));
	redactor->forms[redactor->form_count++] = (struct automaton_form){
		.bytes = mem_dup(bytes, len), .len = len, .name = adding->name,
	};
	if (len > redactor->longest)
		redactor->longest = len;
}

void redactor_add(struct redactor *redactor, const struct secret *secret)
{
	struct adding adding = { .redactor = redactor };
	size_t before = redactor->form_count;
	size_t len;
	const char *value = secret_reveal(secret, &len);

	/* Its hexadecimal form would be long enough, and innocent. */
	if (len < SECRET_MIN)
		return;
	adding.name = name_number(redactor, secret_name(secret));
	redact_forms(value, len, add_form, &adding);
	if (redactor->form_count == before)
		return;
	automaton_free(redactor->automaton);
	redactor->automaton = automaton_new(redactor->forms, redactor->form_count);
	redactor->version++;
}

size_t redactor_hold(const struct redactor *redactor)
{
	return redactor->longest ? redactor->longest - 1 : 0;
}

/* The best match is certain: writes what is before it and its name, and goes on behind it. */
static void replace(const struct redactor *redactor, struct scan *scan, struct buf *out,
		    const char *text)
{
	buf_append(out, text + scan->done, scan->start - scan->done);
	buf_printf(out, "[secret %s]", redactor->names[scan->name]);
	scan->done = scan->start + scan->len;
	scan->at = scan->done;
	scan->state = 0;
	scan->len = 0;
	scan->count++;
}

/* Looks at the match that ends at scan->at: leftmost first, then longest. */
static void consider(struct scan *scan, const struct automaton_state *found)
{
	size_t start = scan->at - found->match;

	/* Equal starts: what ends later is longer. */
	if (scan->len == 0 || start <= scan->start) {
		scan->start = start;
		scan->len = found->match;
		scan->name = found->name;
	}
}

/* Scans text[scan->at..len) and replaces what is certain. */
static void scan_on(const struct redactor *redactor, struct scan *scan, struct buf *out,
		    const char *text, size_t len)
{
	const struct automaton *automaton = redactor->automaton;

	while (scan->at < len) {
		const struct automaton_state *facts;

		if (scan->len == 0)
			scan->at += automaton_run(automaton, &scan->state, text + scan->at,
						  len - scan->at);
		else
			scan->state = automaton_step(automaton, scan->state,
						     (unsigned char)text[scan->at++]);
		facts = automaton_at(automaton, scan->state);
		if (facts->match)
			consider(scan, facts);
		/* Certain when nothing that began as early can still grow. */
		if (scan->len > 0 && scan->at - facts->live > scan->start)
			replace(redactor, scan, out, text);
	}
}

/* No more text comes: what is found stands, and what follows it is scanned again. */
static void scan_end(const struct redactor *redactor, struct scan *scan, struct buf *out,
		     const char *text, size_t len)
{
	while (scan->len > 0) {
		replace(redactor, scan, out, text);
		scan_on(redactor, scan, out, text, len);
	}
	buf_append(out, text + scan->done, len - scan->done);
	scan->done = len;
}

size_t redactor_text(const struct redactor *redactor, struct buf *out, const char *text, size_t len)
{
	struct scan scan = {0};

	if (!redactor->automaton) {
		buf_append(out, text, len);
		return 0;
	}
	scan_on(redactor, &scan, out, text, len);
	scan_end(redactor, &scan, out, text, len);
	return scan.count;
}

struct redact_stream *redact_stream_new(const struct redactor *redactor)
{
	struct redact_stream *stream = mem_alloc(sizeof(*stream));

	stream->redactor = redactor;
	return stream;
}

void redact_stream_free(struct redact_stream *stream)
{
	if (!stream)
		return;
	/* Held back because it may be a part of a secret. */
	if (stream->pending.data)
		explicit_bzero(stream->pending.data, stream->pending.cap);
	buf_done(&stream->pending);
	mem_free(stream);
}

/* Moves the scan's view so that text begins at what is still held back. */
static void forget_done(struct scan *scan)
{
	scan->at -= scan->done;
	scan->start -= scan->len > 0 ? scan->done : scan->start;
	scan->done = 0;
	scan->count = 0;
}

/* Scans text, of which stream->scan has seen a part; what cannot be decided stays pending. */
static size_t feed(struct redact_stream *stream, struct buf *out, const char *text, size_t len)
{
	const struct redactor *redactor = stream->redactor;
	struct scan *scan = &stream->scan;
	size_t held, count;

	scan_on(redactor, scan, out, text, len);
	held = automaton_at(redactor->automaton, scan->state)->live;
	buf_append(out, text + scan->done, len - held - scan->done);
	scan->done = len - held;
	count = scan->count;
	forget_done(scan);
	return count;
}

/* A secret was added: the pending bytes are looked at again from the first. */
static void catch_up(struct redact_stream *stream)
{
	if (stream->version == stream->redactor->version)
		return;
	stream->version = stream->redactor->version;
	stream->scan = (struct scan){0};
}

size_t redact_stream_feed(struct redact_stream *stream, struct buf *out, const char *bytes,
			  size_t len)
{
	struct buf *pending = &stream->pending;
	size_t count, before;

	if (!stream->redactor->automaton) {
		buf_append(out, bytes, len);
		return 0;
	}
	catch_up(stream);
	if (pending->len == 0) {
		count = feed(stream, out, bytes, len);
		before = len - stream->scan.at;
		buf_append(pending, bytes + before, stream->scan.at);
		return count;
	}
	buf_append(pending, bytes, len);
	before = pending->len;
	count = feed(stream, out, pending->data, pending->len);
	buf_consume(pending, before - stream->scan.at);
	return count;
}

size_t redact_stream_held(const struct redact_stream *stream)
{
	return stream->pending.len;
}

size_t redact_stream_end(struct redact_stream *stream, struct buf *out)
{
	struct buf *pending = &stream->pending;
	struct scan *scan = &stream->scan;
	size_t count;

	if (!stream->redactor->automaton)
		return 0;
	catch_up(stream);
	scan_on(stream->redactor, scan, out, pending->data, pending->len);
	scan_end(stream->redactor, scan, out, buf_text(pending), pending->len);
	count = scan->count;
	buf_clear(pending);
	*scan = (struct scan){0};
	return count;
}
