/* book.h - how one session writes its events: queued, redacted, stored in order, and only then told and acted on. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_BOOK_H
#define SESSION_WALK_BOOK_H

#include "base/err.h"
#include "base/loop.h"
#include "base/secret.h"
#include "journal/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct book;

struct book_hooks {
	/* ev is stored as durably as its kind says; the place to fold, tell and act. Borrowed during the call. May add more events. */
	void (*stored)(void *arg, const struct event *ev);
	/* Asked before anything is stored, and by each book_drain: -1 with words when nothing may be stored now. May add events. NULL = always. */
	int (*fit)(void *arg, struct err *e);
	/* Nothing can be written (why: words for people); nothing more is stored, so nothing more happens, until cleared. Called again when the reason is another one. */
	void (*halted)(void *arg, const char *why);
	void (*cleared)(void *arg);
};

/* Which call an output belongs to. Strings are copied where needed. */
struct book_call {
	const char *step;
	int attempt;
	const char *call;
	const char *host;
	bool lively;		/* a person types and waits for its echo: stored sooner */
};

/* A writer for one session on an open store (borrowed). The redactor is the book's own. Caller owns. */
struct book *book_new(struct loop *loop, struct store *store, const struct book_hooks *hooks, void *arg);

/* Frees; what is queued is lost (drain first). NULL is fine. */
void book_free(struct book *book);

/* The session number that goes into every event (0 until session.opened is stored; it is then taken from it). */
void book_session(struct book *book, int64_t session);

/* Registers a secret: from now on it is replaced in all that people or the world wrote and in what a runbook computes with (arguments,
 * variables, results). In what bellbook names itself it never is: event_member_of(). */
void book_secret(struct book *book, const struct secret *secret);

/* The same for a secret that is also an ordinary word: what a runbook computes with keeps it. */
void book_word(struct book *book, const struct secret *secret);

/* Queues events to be stored in one transaction, in order, soon (before the loop polls again). Everything in them is copied and redacted. */
void book_add(struct book *book, const struct event *events, size_t n);

/* Output of a call: collected, redacted over chunk borders, stored in groups (100 ms or 64 KiB), always before any event added later. */
void book_output(struct book *book, const struct book_call *call, const char *stream, const void *bytes, size_t len);

/* The call's streams ended or are void: what was held back is queued (keep) or forgotten (not keep). Call before adding the call's end. */
void book_output_end(struct book *book, const struct book_call *call, bool keep);

/* How many raw bytes of a stream are stored or queued to be stored; where streaming goes on after a lost worker. Sets a first value with set_output_offset after a resume. */
int64_t book_output_offset(const struct book *book, const struct book_call *call, const char *stream);
void book_set_output_offset(struct book *book, const struct book_call *call, const char *stream, int64_t offset);

/* Copy of a text that a runbook is to compute with and that is not stored, redacted as a value. Caller owns. */
char *book_value(const struct book *book, const char *text);

/* Stores and tells all that is queued now (also output), from inside a hook too: then what was stored before is told first. 0, or -1 when halted. */
int book_drain(struct book *book);

/* Words why nothing can be written, NULL when all is well. Borrowed. */
const char *book_halted(const struct book *book);

/* True when no event waits to be stored; output may. */
bool book_is_idle(const struct book *book);

/* Bytes waiting to be stored. */
size_t book_waiting(const struct book *book);

#endif
