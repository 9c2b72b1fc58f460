/* limits.h - how large things may be, in one place: whatever can be put in anywhere fits through every pipe behind it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <assert.h>
#include <stddef.h>

/*
 * A pipe's limit is not that of what goes in, but of what that grows to on its
 * way: a control byte takes six in JSON. The asserts below hold the two
 * together; who changes a number hears from the compiler what else it touches.
 * What is put in is refused with the size and the limit; what is told is cut
 * to its beginning, and the journal has it all.
 */
#ifdef TINY_LIMITS
#define LIMIT_LINE ((size_t)256 << 10)
#define LIMIT_LINE_TAKEN ((size_t)1 << 20)
#define LIMIT_CHUNK ((size_t)4 << 10)
#define LIMIT_TEXT ((size_t)4 << 10)
#define LIMIT_TOLD_TEXT ((size_t)4 << 10)
#define LIMIT_TOLD_DATA ((size_t)128 << 10)
#define LIMIT_APART ((size_t)512)
#else
#define LIMIT_LINE ((size_t)1 << 20)		/* a line on a session's socket, either way, with its newline */
#define LIMIT_LINE_TAKEN ((size_t)32 << 20)	/* a view still reads one of an older session whole; from a longer one it shows the beginning */
#define LIMIT_CHUNK ((size_t)64 << 10)		/* output of a command in one event */
#define LIMIT_TEXT ((size_t)64 << 10)		/* what a person or a runbook says in one go: a message, a note, a reason, a value */
#define LIMIT_TOLD_TEXT ((size_t)64 << 10)	/* an event's payload as told to views */
#define LIMIT_TOLD_DATA ((size_t)512 << 10)	/* and its data, as JSON text */
#define LIMIT_APART ((size_t)64 << 10)		/* longer data of an event is kept as its payload in the journal */
#endif
#define LIMIT_NAME ((size_t)1 << 10)		/* told of each of an event's names: who, step, call, host */
#define LIMIT_TAG ((size_t)1 << 10)		/* an intent's id, as JSON text; it comes back in the reply */
#define LIMIT_BEGINNING ((size_t)4 << 10)	/* shown of what cannot be shown */
#define LIMIT_DEPTH 16				/* brackets in an intent: the reply and the events that it makes nest deeper */
#define LIMIT_FRAME ((size_t)16 << 20)		/* between session and worker */
#define LIMIT_SEND ((size_t)2 << 20)		/* intents that wait in a view for a slow session */
#define LIMIT_COMMAND (LIMIT_TEXT + LIMIT_NAME)	/* a line for a plain view: a word, and a text */
#define LIMIT_PASTE ((size_t)1 << 20)		/* one paste */
#define LIMIT_TYPED ((size_t)48 << 10)		/* typed into a terminal, in one intent */
#define LIMIT_AHEAD (LIMIT_PASTE + LIMIT_NAME)	/* typed ahead of a terminal that does not read */
#define LIMIT_STDIN ((size_t)1 << 20)		/* of a command */
#define LIMIT_SECRET ((size_t)64 << 10)		/* a password, a key's passphrase, a token */
#define LIMIT_READ ((size_t)1 << 20)		/* of a file or a page, as a call's result */
#define LIMIT_SCRIPT ((size_t)100000)		/* one argument of a program is at most 128 KiB on Linux, and the text is quoted on its way */
#define LIMIT_ARGS ((size_t)8 << 20)		/* all arguments of a call, or all that a step gives, as JSON text */
#define LIMIT_FACTS ((size_t)1 << 20)		/* all facts of a call, as JSON text: they go to the worker with it */
#define LIMIT_DATA ((size_t)16 << 20)		/* an event's data, as JSON text; what bellbook puts together itself is cut to it */
#define LIMIT_PAYLOAD ((size_t)64 << 20)	/* an event's payload */
#define LIMIT_QUESTION (LIMIT_TOLD_DATA / 2)	/* of a runbook, as JSON: told whole */
#define LIMIT_VALUE_DEPTH 32			/* brackets in a value of a runbook */
#define LIMIT_JSON_DEPTH 64			/* in any JSON text that is read */
#define LIMIT_AROUND 16				/* what a value lies in on its way */

/* Bytes of JSON text that one byte of text may become. */
#define LIMIT_GROWTH 6

static_assert(LIMIT_GROWTH * (LIMIT_TOLD_TEXT + 4 * LIMIT_NAME) + LIMIT_TOLD_DATA + LIMIT_BEGINNING <= LIMIT_LINE, "an event that is told fits into a line");
static_assert(LIMIT_CHUNK <= LIMIT_TOLD_TEXT, "output is told whole");
static_assert(LIMIT_TEXT <= LIMIT_TOLD_TEXT, "what people say is told whole");
static_assert(LIMIT_GROWTH * LIMIT_TEXT + LIMIT_TAG + LIMIT_BEGINNING <= LIMIT_LINE, "what people may say fits into an intent");
static_assert(LIMIT_GROWTH * LIMIT_BEGINNING + LIMIT_TAG + LIMIT_BEGINNING <= LIMIT_LINE, "so does a refusal into a reply");
static_assert(LIMIT_LINE <= LIMIT_LINE_TAKEN, "a view reads what a session tells");
static_assert(LIMIT_GROWTH * (LIMIT_STDIN + LIMIT_SCRIPT) + LIMIT_BEGINNING <= LIMIT_ARGS, "a command with its stdin fits into a call");
static_assert(LIMIT_ARGS + LIMIT_GROWTH * LIMIT_FACTS + LIMIT_TOLD_DATA <= LIMIT_FRAME, "a call fits into a frame, with its facts, in which secrets may have been replaced by their names");
static_assert(LIMIT_ARGS + LIMIT_GROWTH * (LIMIT_SCRIPT + LIMIT_TEXT) + LIMIT_BEGINNING <= LIMIT_DATA, "and into the journal");
static_assert(LIMIT_DATA <= LIMIT_PAYLOAD, "data may be kept as a payload");
static_assert(LIMIT_GROWTH * LIMIT_TEXT + LIMIT_BEGINNING <= LIMIT_TOLD_DATA,
	"a command for a detour is told whole");
static_assert(LIMIT_TYPED % 3 == 0 && LIMIT_TYPED / 3 * 4 + LIMIT_TAG <= LIMIT_LINE,
	"what is typed fits into an intent");
static_assert((LIMIT_AHEAD / LIMIT_TYPED + 1) * (LIMIT_TYPED / 3 * 4 + LIMIT_TAG) <= LIMIT_SEND,
	"a paste into a terminal waits whole for a slow session");
static_assert(LIMIT_LINE <= LIMIT_SEND, "so does an intent");
static_assert(LIMIT_PASTE < LIMIT_AHEAD, "and for a slow terminal, with brackets around it");
static_assert(LIMIT_TEXT <= LIMIT_SECRET, "what a person may type for a secret is one");
static_assert(LIMIT_SECRET <= LIMIT_STDIN && LIMIT_SECRET < LIMIT_FRAME,
	"a secret fits where it is used");
static_assert(LIMIT_GROWTH * LIMIT_READ + LIMIT_BEGINNING <= LIMIT_ARGS,
	"what is read fits into a call's result");
static_assert(LIMIT_VALUE_DEPTH + LIMIT_AROUND <= LIMIT_JSON_DEPTH,
	"a value is read wherever it comes");
static_assert(LIMIT_DEPTH + LIMIT_AROUND <= LIMIT_JSON_DEPTH, "so is what an intent brings");

#endif
