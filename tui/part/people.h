/* people.h - what a view knows of the people in the session, in words: who drives, who is away, whose a question is. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_PEOPLE_H
#define TUI_PART_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tui/term/keytable.h"
#include "tui/live/scene.h"

/* Takes you, wheel and presence in; other replies change nothing. */
void people_take(struct scene *scene, const struct json *reply);

/* What a reply means for the person, as a sentence (somebody knocks, a first session, a shared account, another role); NULL = nothing to say. plain: in the words of that view. Caller owns. */
char *people_notice(const struct scene *scene, const struct json *reply, bool plain);

/* True when our role lets us do it; also when it is not known who we are. */
bool people_may(const struct scene *scene, enum action action);

/* The wheel's question that is ours to answer, NULL when there is none. Borrowed. */
const struct question *people_wheel(const struct scene *scene);

/* True when we may answer the question; also when it is not known who we are. */
bool people_mine(const struct scene *scene, const struct question *question);

/* Why an intent was not taken, as a sentence; of an answer that came second, whose was first. Not yet safe; caller owns. */
char *people_refusal(const struct scene *scene, const struct json *refused);

/* True when we drive. */
bool people_drives(const struct scene *scene);

/* Accounts here besides ours, guests left out. */
size_t people_others(const struct scene *scene);

/* "[ruud DRIVES] [YOU: jello], gov idle 6m": appends it, safe to show. */
void people_header(const struct scene *scene, int64_t wall_us, struct buf *out);

/* "ruud is asked: …", of a question that is another's: appends it, safe to show, one line. */
void people_asked(const struct scene *scene, const struct question *question, struct buf *out);

/* All that a second person decides by, and what a driver has asked for: appends it, safe to show, in lines. */
void people_approval(const struct scene *scene, const struct question *question, struct buf *out);

/* "asked 1 m 12 s ago, ends in 8 m 48 s": appends it; nothing for a question without an end. */
void people_countdown(const struct question *question, int64_t wall_us, struct buf *out);

#endif
