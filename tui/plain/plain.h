/* plain.h - the plain view without its terminal: events and typed lines in, text and intents out. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PLAIN_PLAIN_H
#define TUI_PLAIN_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "journal/event/event.h"
#include "tui/live/ending.h"
#include "tui/part/link.h"

struct plain;

/* New view of a session that has told nothing yet. Caller owns. */
struct plain *plain_new(int64_t session);

/* Frees. NULL is fine. */
void plain_free(struct plain *plain);

/* Takes an item of the link in; now_us is monotonic and only spaces progress reports. */
void plain_item(struct plain *plain, enum link_item item, const struct event *ev,
	const struct json *reply, const char *why, int64_t now_us);

/* After a batch of items: shows the summary once history is read, and the next question when it is due. */
void plain_settle(struct plain *plain);

/* Nothing came for a while after hello: what is known is all there was. */
void plain_caught_up(struct plain *plain);

/* True between hello and the end of what happened before. */
bool plain_is_catching_up(const struct plain *plain);

/* True once the summary was printed: before, nobody knows what a line would be about. */
bool plain_is_ready(const struct plain *plain);

/* Question that a line begun now would answer, 0 when none: hand it back with the line. */
int64_t plain_question(const struct plain *plain);

/* True when the line typed next must not be shown. */
bool plain_hides(const struct plain *plain);

/* True when a line that is no command has somebody to go to now; a script's next line waits for it. */
bool plain_is_asking(const struct plain *plain);

/* True when the line is a command that needs no question. */
bool plain_is_command(const struct plain *plain, const char *line);

/* True while an answer or another intent was sent and no reply came. */
bool plain_is_sending(const struct plain *plain);

/* Takes a typed line; begun is what plain_question said when its first byte came. */
void plain_line(struct plain *plain, const char *line, int64_t begun);

/* Ctrl-C: asks what is meant; nothing is stopped by it. */
void plain_interrupt(struct plain *plain);

/* Text to print, through utf8_safe already. The caller consumes it. */
struct buf *plain_out(struct plain *plain);

/* What stands before the line being typed: "> ", "why> ". Static. */
const char *plain_prompt(const struct plain *plain);

/* Next intent to send, NULL when there is none. Caller owns. */
struct json *plain_intent(struct plain *plain);

/* An intent could not be sent. */
void plain_unsent(struct plain *plain, const char *why);

/* How many answers and intents came to nothing so far: a script that is out of step must not go on. */
unsigned plain_faults(const struct plain *plain);

/* How it ended, ENDING_NONE while it goes on. */
enum ending plain_ending(const struct plain *plain);

/* The way back that the person ended the session for, NULL when it was not. Borrowed. */
const struct json *plain_way_back(const struct plain *plain);

/* Leaves. */
void plain_leave(struct plain *plain);

/* Appends the last lines, and gives the exit code. */
int plain_end(struct plain *plain, struct buf *out);

#endif
