/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/book.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_cut.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "session/secret/masks.h"

/*
 * Order is all: what is queued first is stored first, and nothing is told or
 * done before it is stored. Output is collected per stream and joins the
 * transaction of whatever is stored next, so a stored outcome implies stored
 * output. When the store refuses, the queue stands still: the events keep
 * their order and are tried again each second; the session acts only on
 * stored events, so it stands still too.
 */

#define CHUNK LIMIT_CHUNK
#define GROUP_US (TIME_SECOND / 10)
#define LIVELY_US (TIME_SECOND / 60)
#define RETRY_US TIME_SECOND
#define OUTPUT_CAP ((int64_t)1 << 30)

struct item {
	struct item *next;
	struct arena *arena;
	struct event *events;	/* in the arena */
	size_t n;
	size_t bytes;
	size_t told;		/* how many of the stored events were told */
	bool opening;		/* promises a new effect: not on the ballast's room */
};

struct stream {
	struct stream *next;
	char *step, *call, *host, *name;	/* owned */
	int attempt;
	struct redact_stream *redact;
	struct buf ready;	/* redacted, not yet queued */
	int64_t offset;		/* raw bytes fed since the start of the call */
	int64_t stored;		/* redacted bytes queued so far, for the cap */
	int64_t dropped;
};

struct book {
	struct loop *loop;
	struct store *store;
	struct book_hooks hooks;
	void *arg;
	int64_t session;
	struct redactor *redactor;	/* owned: all secrets, for text */
	struct redactor *values;	/* owned: those that are no ordinary words, for what a runbook computes with */
	struct item *first, **last;
	struct item *telling;	/* stored and not all told; NULL = none */
	struct stream *streams;
	size_t waiting;
	int timer, retry;
	int draining;		/* calls of book_drain that are under way, one in the other */
	bool timer_lively;	/* the timer is the short one */
	bool deferred, ballast_gone;
	char *halted;		/* owned; NULL = well */
	enum err_kind halted_kind;
};

struct book *book_new(struct loop *loop, struct store *store, const struct book_hooks *hooks, void *arg)
{
	struct book *book = mem_alloc(sizeof(*book));

	book->loop = loop;
	book->store = store;
	book->hooks = *hooks;
	book->arg = arg;
	book->redactor = redactor_new();
	book->values = redactor_new();
	book->last = &book->first;
	return book;
}

static void stream_free(struct stream *stream)
{
	redact_stream_free(stream->redact);
	buf_done(&stream->ready);
	mem_free(stream->step);
	mem_free(stream->call);
	mem_free(stream->host);
	mem_free(stream->name);
	mem_free(stream);
}

void book_free(struct book *book)
{
	if (!book)
		return;
	loop_cancel(book->loop, book->timer);
	loop_cancel(book->loop, book->retry);
	while (book->first) {
		struct item *item = book->first;

		book->first = item->next;
		arena_free(item->arena);
		mem_free(item);
	}
	while (book->streams) {
		struct stream *stream = book->streams;

		book->streams = stream->next;
		stream_free(stream);
	}
	redactor_free(book->redactor);
	redactor_free(book->values);
	mem_free(book->halted);
	mem_free(book);
}

void book_session(struct book *book, int64_t session)
{
	book->session = session;
}

void book_secret(struct book *book, const struct secret *secret)
{
	redactor_add(book->redactor, secret);
	redactor_add(book->values, secret);
}

void book_word(struct book *book, const struct secret *secret)
{
	redactor_add(book->redactor, secret);
}

char *book_value(const struct book *book, const char *text)
{
	struct buf out = {0};

	redactor_text(book->values, &out, text ? text : "", text ? strlen(text) : 0);
	return buf_take(&out);
}

const char *book_halted(const struct book *book)
{
	return book->halted;
}

bool book_is_idle(const struct book *book)
{
	return !book->first;
}

size_t book_waiting(const struct book *book)
{
	size_t sum = book->waiting;

	for (const struct stream *s = book->streams; s; s = s->next)
		sum += s->ready.len;
	return sum;
}

/* ---- queueing ---- */

static const char *copied(struct arena *arena, const char *text)
{
	return text && *text ? arena_dup(arena, text, strlen(text)) : "";
}

/* What cannot be stored would halt the session for ever: what grew too large on its way, of many hosts' words, is cut. */
static const char *bounded(struct arena *arena, const char *text)
{
	struct err e = {0};
	struct json *data, *small;
	const char *copy;
	char *printed;

	if (strlen(text) <= LIMIT_DATA)
		return text;
	data = json_parse(text, strlen(text), &e);
	small = json_cut(data, LIMIT_DATA);
	printed = json_print(small);
	copy = data ? arena_dup(arena, printed, strlen(printed)) : "{}";
	mem_free(printed);
	json_free(small);
	json_free(data);
	return copy;
}

/* A copy. Who, step, call and host are names: redacted, they would name nothing any more. */
static void take_event(struct book *book, struct arena *arena, struct event *to, const struct event *from, bool redact)
{
	char *masked = redact ? masks_data(book->redactor, book->values, from->kind, from->data) : NULL;

	*to = *from;
	to->who = copied(arena, from->who);
	to->step = copied(arena, from->step);
	to->call = copied(arena, from->call);
	to->host = copied(arena, from->host);
	to->data = bounded(arena, copied(arena, masked ? masked : from->data && *from->data ? from->data : "{}"));
	to->at_us = time_wall_us();
	to->mono_us = time_mono_us();
	mem_free(masked);
	if (from->bytes && from->len && redact) {
		struct buf out = {0};

		redactor_text(book->redactor, &out, from->bytes, from->len);
		to->bytes = arena_dup(arena, buf_text(&out), out.len);
		to->len = out.len;
		buf_done(&out);
	} else if (from->bytes) {
		to->bytes = arena_dup(arena, from->bytes, from->len);
	}
}

static bool is_opening(enum event_kind kind)
{
	return kind == EVENT_CALL_BEGUN || kind == EVENT_STEP_BEGUN || kind == EVENT_SESSION_OPENED;
}

static void enqueue(struct book *book, const struct event *events, size_t n, bool redact)
{
	struct item *item = mem_alloc(sizeof(*item));

	item->arena = arena_new();
	item->n = n;
	item->events = arena_alloc(item->arena, n * sizeof(*events));
	for (size_t i = 0; i < n; i++) {
		take_event(book, item->arena, &item->events[i], &events[i], redact);
		item->bytes += events[i].len;
		item->opening = item->opening || is_opening(events[i].kind);
	}
	book->waiting += item->bytes;
	*book->last = item;
	book->last = &item->next;
}

static void drain_deferred(void *arg)
{
	struct book *book = arg;

	book->deferred = false;
	(void)book_drain(book);
}

static void plan_drain(struct book *book)
{
	if (book->deferred || book->draining || book->halted)
		return;
	book->deferred = true;
	loop_defer(book->loop, drain_deferred, book);
}

/* ---- output ---- */

static struct stream *stream_find(const struct book *book, const struct book_call *call, const char *name)
{
	for (struct stream *s = book->streams; s; s = s->next)
		if (s->attempt == call->attempt && str_is(s->call, call->call) && str_is(s->step, call->step) && str_is(s->name, name))
			return s;
	return NULL;
}

static struct stream *stream_get(struct book *book, const struct book_call *call, const char *name)
{
	struct stream *s = stream_find(book, call, name);

	if (s)
		return s;
	s = mem_alloc(sizeof(*s));
	s->step = mem_strdup(call->step);
	s->call = mem_strdup(call->call);
	s->host = mem_strdup(call->host ? call->host : "");
	s->name = mem_strdup(name);
	s->attempt = call->attempt;
	s->redact = redact_stream_new(book->redactor);
	s->next = book->streams;
	book->streams = s;
	return s;
}

/* Raw bytes before this offset are in what was queued; held-back bytes are not. */
static int64_t stream_safe_offset(const struct stream *s)
{
	return s->offset - (int64_t)redact_stream_held(s->redact);
}

static void stream_queue(struct book *book, struct stream *s)
{
	char data[160];
	struct event ev = {0};
	size_t done = 0;

	if (s->stored >= OUTPUT_CAP) {
		s->dropped += (int64_t)s->ready.len;
		buf_clear(&s->ready);
	}
	while (done < s->ready.len) {
		size_t len = s->ready.len - done < CHUNK ? s->ready.len - done : CHUNK;

		/* Only the last chunk may say how far the raw stream has come: the earlier ones end somewhere before. */
		if (done + len == s->ready.len)
			snprintf(data, sizeof(data), "{\"stream\":\"%s\",\"to\":%lld}", s->name, (long long)stream_safe_offset(s));
		else
			snprintf(data, sizeof(data), "{\"stream\":\"%s\"}", s->name);
		ev.kind = EVENT_CALL_OUTPUT;
		ev.who = "bellbook";
		ev.step = s->step;
		ev.attempt = s->attempt;
		ev.call = s->call;
		ev.host = s->host;
		ev.data = data;
		ev.bytes = s->ready.data + done;
		ev.len = len;
		enqueue(book, &ev, 1, false);
		done += len;
		s->stored += (int64_t)len;
	}
	buf_clear(&s->ready);
}

static void queue_outputs(struct book *book)
{
	for (struct stream *s = book->streams; s; s = s->next)
		if (s->ready.len)
			stream_queue(book, s);
}

static void group_due(void *arg)
{
	struct book *book = arg;

	book->timer = 0;
	book->timer_lively = false;
	queue_outputs(book);
	(void)book_drain(book);
}

void book_output(struct book *book, const struct book_call *call, const char *name, const void *bytes, size_t len)
{
	struct stream *s = stream_get(book, call, name);

	redact_stream_feed(s->redact, &s->ready, bytes, len);
	s->offset += (int64_t)len;
	if (s->ready.len >= CHUNK) {
		stream_queue(book, s);
		plan_drain(book);
	} else if (!book->timer || (call->lively && !book->timer_lively)) {
		loop_cancel(book->loop, book->timer);
		book->timer = loop_after(book->loop, call->lively ? LIVELY_US : GROUP_US, group_due, book);
		book->timer_lively = call->lively;
	}
}

static void stream_end(struct book *book, struct stream *s, bool keep)
{
	char data[160];

	if (keep) {
		redact_stream_end(s->redact, &s->ready);
		stream_queue(book, s);
	}
	if (s->dropped) {
		struct event ev = {.kind = EVENT_CALL_OUTPUT, .who = "bellbook", .step = s->step, .attempt = s->attempt, .call = s->call, .host = s->host, .data = data};

		snprintf(data, sizeof(data), "{\"stream\":\"%s\",\"dropped\":%lld}", s->name, (long long)s->dropped);
		enqueue(book, &ev, 1, false);
	}
}

void book_output_end(struct book *book, const struct book_call *call, bool keep)
{
	struct stream **at = &book->streams;

	while (*at) {
		struct stream *s = *at;

		if (s->attempt != call->attempt || !str_is(s->call, call->call) || !str_is(s->step, call->step)) {
			at = &s->next;
			continue;
		}
		stream_end(book, s, keep);
		*at = s->next;
		stream_free(s);
	}
	plan_drain(book);
}

int64_t book_output_offset(const struct book *book, const struct book_call *call, const char *name)
{
	const struct stream *s = stream_find(book, call, name);

	return s ? stream_safe_offset(s) : 0;
}

void book_set_output_offset(struct book *book, const struct book_call *call, const char *name, int64_t offset)
{
	struct stream *s = stream_get(book, call, name);

	/* Bytes held back when the worker was lost are sent again from offset on. */
	stream_queue(book, s);
	redact_stream_free(s->redact);
	s->redact = redact_stream_new(book->redactor);
	s->offset = offset;
}

/* ---- storing ---- */

void book_add(struct book *book, const struct event *events, size_t n)
{
	queue_outputs(book);
	enqueue(book, events, n, true);
	plan_drain(book);
}

static void retry_due(void *arg)
{
	struct book *book = arg;

	book->retry = 0;
	(void)book_drain(book);
}

static int halt(struct book *book, const struct err *e)
{
	bool words = e->kind == ERR_CORRUPT || e->kind == ERR_DENIED || e->kind == ERR_NOTFOUND;
	char *why = words
		? mem_printf("%s. Nothing new is started; what runs on the hosts goes on.", e->text)
		: mem_printf("The journal %s cannot be written: %s. Nothing new is started until it can; what runs on the hosts goes on. "
			     "Make room there (or mend the disk): bellbook looks again each second.", store_path(book->store), e->text);

	/* A number of free bytes that changes each second is no other reason. */
	bool news = !book->halted || book->halted_kind != e->kind || (words && !str_is(book->halted, why));

	mem_free(book->halted);
	book->halted = why;
	book->halted_kind = e->kind;
	if (!book->retry)
		book->retry = loop_after(book->loop, RETRY_US, retry_due, book);
	if (news && book->hooks.halted)
		book->hooks.halted(book->arg, why);
	return -1;
}

static void clear_halt(struct book *book)
{
	if (!book->halted)
		return;
	mem_free(book->halted);
	book->halted = NULL;
	if (book->hooks.cleared)
		book->hooks.cleared(book->arg);
}

/* The ballast's room is for outcomes only; before a new effect it must be back. */
/* Not inlined: gcc 12 sees a null item there that cannot be. */
static __attribute__((noinline)) int store_item(struct book *book, struct item *item, struct err *e)
{
	if (item->opening && book->ballast_gone) {
		if (store_ballast_restore(book->store, e) < 0)
			return -1;
		book->ballast_gone = false;
	}
	for (size_t i = 0; i < item->n; i++)
		if (item->events[i].kind != EVENT_SESSION_OPENED)
			item->events[i].session = book->session;
	if (store_append(book->store, item->events, item->n, e) == 0)
		return 0;
	if (e->kind != ERR_FULL || item->opening || !store_ballast_drop(book->store))
		return -1;
	book->ballast_gone = true;
	return store_append(book->store, item->events, item->n, e);
}

/* Joins what waits into one transaction, which is told and acted on only when it is stored: moves the events of the run of items at the front into one item. */
static struct item *join_front(struct book *book)
{
	struct item *head = book->first;
	size_t total = 0, bytes = 0, items = 0, k = 0;
	struct item *item, *joined;

	if (!head)
		return NULL;
	/* What promises a new effect is not joined with what does not: on a full disk the latter may still be stored. */
	for (item = head; item && item->opening == head->opening && items < 64 && bytes < ((size_t)1 << 20); item = item->next) {
		total += item->n;
		bytes += item->bytes;
		items++;
	}
	if (items < 2)
		return head;
	joined = mem_alloc(sizeof(*joined));
	joined->arena = arena_new();
	joined->events = arena_alloc(joined->arena, total * sizeof(struct event));
	for (; items; items--) {
		item = book->first;
		for (size_t i = 0; i < item->n; i++)
			event_copy(joined->arena, &joined->events[k++], &item->events[i]);
		joined->opening = joined->opening || item->opening;
		joined->bytes += item->bytes;
		book->first = item->next;
		arena_free(item->arena);
		mem_free(item);
	}
	joined->n = total;
	joined->next = book->first;
	book->first = joined;
	if (!joined->next)
		book->last = &joined->next;
	return joined;
}

static void tell_rest(struct book *book)
{
	struct item *item = book->telling;

	while (item && item->told < item->n) {
		const struct event *ev = &item->events[item->told++];

		if (ev->kind == EVENT_SESSION_OPENED)
			book->session = ev->seq;
		if (book->hooks.stored)
			book->hooks.stored(book->arg, ev);
	}
	if (book->telling == item)
		book->telling = NULL;
}

static void item_stored(struct book *book, struct item *item)
{
	book->first = item->next;
	if (!book->first)
		book->last = &book->first;
	book->waiting -= item->bytes;
	book->telling = item;
	clear_halt(book);
	tell_rest(book);
	arena_free(item->arena);
	mem_free(item);
}

/* 0, or -1 when it may not be; else it is stored and told. */
static int store_front(struct book *book, bool *more, struct err *e)
{
	struct item *item;

	*more = false;
	if (book->hooks.fit && book->hooks.fit(book->arg, e) < 0)
		return -1;
	item = join_front(book);
	if (!item)
		return 0;
	if (store_item(book, item, e) < 0)
		return -1;
	item_stored(book, item);
	*more = true;
	return 0;
}

int book_drain(struct book *book)
{
	struct err e = {0};
	bool more = true;
	int result = 0;

	book->draining++;
	tell_rest(book);
	queue_outputs(book);
	while (result == 0 && more)
		result = store_front(book, &more, &e);
	book->draining--;
	if (result < 0)
		return halt(book, &e);
	clear_halt(book);
	err_clear(&e);
	if (!book->draining)
		(void)store_checkpoint(book->store, false, &e);
	return 0;
}
