/* ui.h - what the person does to the live view: scrolling, searching, dialogs. Keys in, intents out; draws nothing. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_UI_H
#define TUI_LIVE_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "tui/part/dialog.h"
#include "tui/live/kept.h"
#include "tui/term/keys.h"
#include "tui/term/keytable.h"
#include "tui/part/palette.h"
#include "tui/part/question.h"
#include "tui/live/scene.h"
#include "tui/live/sitting.h"

#define UI_DEAF_US ((int64_t)1000000)	/* a pause in typing after which keys are for the new screen */
#define UI_NOTICE_US ((int64_t)10000000)

/* What a list's or field's answer is for. */
enum dialog_use {
	USE_NOTHING,
	USE_ANSWER,	/* value of the question: option.choice */
	USE_NEED,	/* why, owner, due of an answer */
	USE_CANCEL,	/* why cancel matter.call */
	USE_ENDED,	/* was one of these: it ended while the box stood */
	USE_ABORT,	/* why abort */
	USE_HOST,	/* look at the output of option.about */
	USE_SHELL,	/* a shell on host option.choice */
	USE_RUN, USE_RUN_SURE,	/* a command by hand: ask for it, run it */
	USE_DISAGREE,	/* why, with matter.call the question's seq */
	USE_WITHDRAW, USE_INVITE, USE_DISMISS,
	USE_PAUSE, USE_CONTINUE, USE_ENTER, USE_TAKE, USE_GIVE, USE_NOTE, USE_SAY, USE_FIND, USE_LEAVE,
};

/* What the dialog is about, beyond what every dialog has. All zero when it is about nothing. */
struct matter {
	int64_t seq;		/* the question it shows, 0 = none */
	int64_t about;		/* another's question that it tells of, 0 = none */
	int64_t call;
	struct answer answer;	/* owned: as far as it is given */
	bool buttons;		/* those of agreement, below the field */
	bool stops;		/* of a list: what can be stopped, kept true */
	bool over;		/* of a text: what came of a session that is over; there is nothing but it */
	bool back;		/* and a key opens the way back that it tells of */
	int focus;		/* 0 = the field, else the button */
};

#define UI_HITS 256

enum hit_kind { HIT_STEP, HIT_OPTION, HIT_CALL };

/* Where on the screen something is that a click may select. */
struct hit {
	struct area area;
	enum hit_kind kind;
	int64_t value;
};

struct ui {
	bool explain, raw;
	char *step;		/* owned: id of the step looked at, NULL = whatever is worked on */
	int64_t call;		/* output chosen with Tab; 0 = whatever runs */
	bool follow;
	int64_t top;		/* first line shown, counted from the call's very first; only when not following */
	int page;		/* lines of output on the screen; set by draw */
	char *find;		/* owned; what is searched for, NULL = nothing */
	int64_t match;		/* line found, counted as top; -1 = none */
	bool at_match;		/* it was found last, and nothing was scrolled since */
	struct dialog dialog;
	struct matter matter;
	struct palette palette;	/* `?` and `:`; while it is open no dialog is */
	struct kept kept;	/* what was typed and is under way */
	struct sitting sitting;
	char *notice;		/* owned, safe */
	int64_t notice_us;	/* since when */
	int64_t pressed_us;	/* last key */
	int64_t deaf_us;	/* keys before this were meant for a dialog that is gone */
	int64_t told_us;	/* when the others were last told of a key */
	bool told_typing;
	int64_t dismissed;	/* question whose dialog was closed with Esc */
	int64_t sent;		/* question whose answer is under way */
	struct json **intents;
	size_t intent_count;
	bool go_back;		/* the person wants the way back of a session that is over */
	bool leave, redraw, suspend;	/* wanted by the person; the view resets the latter two */
	bool lost;		/* no connection just now */
	bool blind;		/* the window is too small for anything to be seen; set by draw */
	bool mouse, slow;	/* wanted by the person; the view does it */
	struct hit hits[UI_HITS];	/* set by draw */
	size_t hit_count;
	char *copy, *copy_name;	/* owned: text to be copied and what it is; the view takes it */
};

/* The person has done nothing yet. Caller owns. */
struct ui *ui_new(void);

/* Frees and wipes. NULL is fine. */
void ui_free(struct ui *ui);

/* After the scene changed: closes the dialog of a question that is closed, opens that of a new one. */
void ui_update(struct ui *ui, const struct scene *scene, int64_t now_us);

/* A reply to this view, which the scene has taken in: tells refusals, and what changed for the person. */
void ui_reply(struct ui *ui, const struct scene *scene, const struct json *reply, int64_t now_us);

/* One key. */
void ui_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us);

/* Does what a key or the palette asked for; arg may be NULL. What changes the session opens a dialog. */
void ui_act(struct ui *ui, const struct scene *scene, enum action action, const char *arg, int64_t now_us);

/* Says something in the status line; text need not be safe. */
void ui_notice(struct ui *ui, const char *text, int64_t now_us);

/* Next intent to send, NULL when there is none. Caller owns. */
struct json *ui_intent(struct ui *ui);

/* True while letters go into a line that is typed. */
bool ui_types(const struct ui *ui);

/* Queues an intent. Takes it. */
void ui_send(struct ui *ui, struct json *intent);

/* Call whose output is shown: chosen, or whatever runs. NULL when there is none. Borrowed. */
const struct model_call *ui_call(const struct ui *ui, const struct scene *scene);

/* Step that the right side is about: chosen, or the present one. NULL when there is none. Borrowed. */
const struct model_step *ui_step(const struct ui *ui, const struct scene *scene);

/* First line shown with page lines, counted from the call's very first. */
int64_t ui_top(const struct ui *ui, const struct output *output, int page);

#endif
