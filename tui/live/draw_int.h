/* draw_int.h - private to tui/live/draw*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_DRAW_INT_H
#define TUI_LIVE_DRAW_INT_H

#include "tui/live/draw.h"

/* One frame being drawn. */
struct frame {
	const struct scene *scene;
	struct ui *ui;
	struct canvas *canvas;
	int64_t wall_us, mono_us;
};

/* Steps with their states, the present one in sight. */
void draw_steps(struct frame *frame, struct area area);

/* Present step: explanation, command, progress, output. */
void draw_work(struct frame *frame, struct area area);

/* What the meter of a running step says: bar, words, speed over the time. Rows it took: 0 to 2. */
int draw_meter(struct frame *frame, struct area area, const struct model_step *step);

/* The output alone. */
void draw_output(struct frame *frame, struct area area, bool times);

/* The shell's terminal over the whole screen. */
void draw_sitting(struct frame *frame);

/* The part of the shell's terminal that has the cursor. */
void draw_shell(struct frame *frame, struct area area);

/* Columns for the steps: as many as the titles want, at most three eighths of the screen. */
int draw_steps_width(const struct model *model, int cols);

/* What was noted, warned of and said, the last at the bottom. */
void draw_talk(struct frame *frame, struct area area);

/* Rows of the area that the dialog covers, from below. */
int draw_dialog_rows(struct frame *frame, struct area area);

/* A step's number, title, state and time; a call's state, host and command: a row each, the area moves down. */
void draw_title(struct frame *frame, struct area *area, const struct model_step *step);
void draw_call_line(struct frame *frame, struct area *area, const struct model_call *call);

/* Rows that what must be said now takes, whole; and it, the last of them at row. */
int draw_status_rows(const struct frame *frame);
void draw_status(struct frame *frame, int row);

/* Of it what cannot wait, where there is one row; NULL = nothing. Caller owns. */
char *draw_urgent(const struct frame *frame);

/* Dialog over the lower part of the area. */
void draw_dialog(struct frame *frame, struct area area);

/* Rows below a dialog's field: time left, buttons. */
int draw_approval_rows(const struct frame *frame);

/* Draws them. */
void draw_approval(struct frame *frame, struct area area);

/* "ok", "RUN", "FAIL" …, at most 5 columns, and its role. */
const char *draw_state(enum step_state state, enum role *role);
/* The same of a step; one that was done before the walk is told apart. */
const char *draw_step_state(const struct model_step *step, enum role *role);

/* The same for a call: "RUN", "ok", "FAIL", "stop", "DOUBT". */
const char *draw_call_state(enum call_state state, enum role *role);

/* "Label: text" wrapped, nothing for an empty text; moves the area down. */
void draw_explain(struct frame *frame, struct area *area, const char *label, const char *text);

/* Table of a step's hosts when it works on several, failures first, the finished ones folded. Returns the rows used. */
int draw_fanout(struct frame *frame, struct area area, const struct model_step *step, const struct model_call *focus);

/* What the keys do now, most useful first. */
void draw_hints(struct frame *frame, int row);

/* Safe copy of text for showing. Caller owns. */
char *draw_safe(const char *text);

/* The same of what a host may have said: without colours and the like. Caller owns. */
char *draw_words(const char *text);

#endif
