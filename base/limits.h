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
#define LIMIT_STDIN ((size_t)1 << 20)		/* of a command */
#define LIMIT_SCRIPT ((size_t)100000)		/* one argument of a program is at most 128 KiB on Linux, and the text is quoted on its way */
#define LIMIT_ARGS ((size_t)8 << 20)		/* all arguments of a call, or all that a step gives, as JSON text */
#define LIMIT_DATA ((size_t)16 << 20)		/* an event's data, as JSON text; what bellbook puts together itself is cut to it */
#define LIMIT_PAYLOAD ((size_t)64 << 20)	/* an event's payload */

/* Bytes of JSON text that one byte of text may become. */
#define LIMIT_GROWTH 6

static_assert(LIMIT_GROWTH * (LIMIT_TOLD_TEXT + 4 * LIMIT_NAME) + LIMIT_TOLD_DATA + LIMIT_BEGINNING <= LIMIT_LINE, "an event that is told fits into a line");
static_assert(LIMIT_CHUNK <= LIMIT_TOLD_TEXT, "output is told whole");
static_assert(LIMIT_TEXT <= LIMIT_TOLD_TEXT, "what people say is told whole");
static_assert(LIMIT_GROWTH * LIMIT_TEXT + LIMIT_TAG + LIMIT_BEGINNING <= LIMIT_LINE, "what people may say fits into an intent");
static_assert(LIMIT_GROWTH * LIMIT_BEGINNING + LIMIT_TAG + LIMIT_BEGINNING <= LIMIT_LINE, "so does a refusal into a reply");
static_assert(LIMIT_LINE <= LIMIT_LINE_TAKEN, "a view reads what a session tells");
static_assert(LIMIT_GROWTH * (LIMIT_STDIN + LIMIT_SCRIPT) + LIMIT_BEGINNING <= LIMIT_ARGS, "a command with its stdin fits into a call");
static_assert(LIMIT_ARGS + LIMIT_TOLD_DATA <= LIMIT_FRAME, "a call fits into a frame");
static_assert(LIMIT_ARGS + LIMIT_GROWTH * (LIMIT_SCRIPT + LIMIT_TEXT) + LIMIT_BEGINNING <= LIMIT_DATA, "and into the journal");
static_assert(LIMIT_DATA <= LIMIT_PAYLOAD, "data may be kept as a payload");

#endif
