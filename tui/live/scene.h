/* scene.h - all that a view knows: the model, the open questions, outputs, chat and who is here. Filled by the feed, drawn by the views. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_SCENE_H
#define TUI_LIVE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/strip.h"
#include "journal/event/event.h"
#include "journal/model/model.h"
#include "tui/part/output.h"
#include "tui/part/question.h"
#include "tui/term/vt.h"

#define SCENE_TALK 500				/* lines of chat, notes and warnings kept */
#define SCENE_OUTPUT_BYTES ((size_t)64 << 20)	/* of all scrollbacks; the oldest go first */

struct talk {			/* strings owned, safe to show */
	int64_t seq, at_us;
	bool note, warned;	/* neither: somebody said it */
	bool failed;		/* told in an attempt of its step that failed */
	char *who, *text, *step;
};

struct scene_output {
	int64_t call;		/* seq of its call.begun */
	struct output *output;	/* owned; NULL once it was dropped for room */
};

struct scene {
	struct model *model;		/* owned */
	struct question **questions;	/* owned, oldest first */
	size_t question_count;
	struct scene_output *outputs;	/* in order of begin */
	size_t output_count;
	size_t output_bytes;
	struct talk *talk;
	size_t talk_count;
	char *me;			/* who we are, from hello; NULL before */
	char *my_role;
	int64_t until_us;		/* of a guest: when the time is up; 0 = no guest */
	int64_t lost_us;		/* wall clock: since when no view of the driver is attached; 0 = one is */
	int64_t head;			/* last seq of the journal when we first came; -1 before hello */
	bool caught_up;			/* what happened before we came was all told */
	char *turned_away;		/* why the session would not have us, NULL = it does */
	struct json *presence;		/* owned; last list told, NULL = none yet */
	struct json *hosts;		/* owned; where a detour may be, NULL = not told yet */
	int64_t shell;			/* call of the shell that is open; 0 = none */
	struct vt *vt;			/* owned: its terminal, NULL = none is open */
	struct strip strip;		/* what it writes, as lines */
	char *halted;			/* why nothing goes on, NULL = it does */
	char *gone;			/* who answered or withdrew the question closed last, as a sentence */
	int64_t gone_seq;		/* and which it was */
	bool gone_mine;			/* by our own account, in whatever view */
};

/* A detour may go there; true also while nobody has told where that is. */
bool scene_has_host(const struct scene *scene, const char *name);

/* Empty scene. Caller owns. */
struct scene *scene_new(void);

/* Frees. NULL is fine. */
void scene_free(struct scene *scene);

/* True when ev is news, not history: call it before scene_event. Sets caught_up then. */
bool scene_is_news(struct scene *scene, const struct event *ev);

/* Takes one event in. */
void scene_event(struct scene *scene, const struct event *ev);

/* Takes hello, you, wheel, presence, halted and cleared in; other replies change nothing. */
void scene_reply(struct scene *scene, const struct json *reply);

/* Question to be shown first: the oldest that we may answer, else the oldest; NULL when nothing is open. Borrowed until the next event. */
const struct question *scene_question(const struct scene *scene);

/* Open question by seq, NULL when it is closed. Borrowed until the next event. */
const struct question *scene_question_find(const struct scene *scene, int64_t seq);

/* The call of that seq; NULL when there is none, and for 0. Borrowed until the next event. */
const struct model_call *scene_call_find(const struct scene *scene, int64_t seq);

/* Scrollback of a call, NULL when it printed nothing or was dropped. Borrowed until the next event. */
struct output *scene_output(const struct scene *scene, int64_t call);

/* Call that an event belongs to, NULL when there is none. Borrowed until the next event. */
const struct model_call *scene_call(const struct scene *scene, const struct event *ev);

/* Call to look at: the newest running one of the present step, else the newest of all; NULL before the first. Borrowed. */
const struct model_call *scene_focus(const struct scene *scene);

/* True for a look at the world around a step's work: is it done already, what would run, did it work. */
bool scene_is_probe(const struct model_call *call);

/* Call of a step to look at: what went wrong in its present attempt, else its newest work, else its newest probe; NULL when it has none. Borrowed. */
const struct model_call *scene_step_call(const struct scene *scene, const struct model_step *step);

/* True when this view may drive, as far as was told. */
bool scene_drives(const struct scene *scene);

/* The shell that is open, NULL when there is none. Borrowed. */
const struct model_call *scene_shell(const struct scene *scene);

/* Steps that need nothing more. */
size_t scene_steps_over(const struct scene *scene);

/* Free text of an event: its payload, else data.text. Appends it safe to show; keep_lines as utf8_safe. */
void scene_text(const struct event *ev, struct buf *out, bool keep_lines);

/* "ruud (driver), jello (observer)": appends who is here, safe to show; "nobody" when the list is empty. */
void scene_people(const struct scene *scene, struct buf *out);

#endif
