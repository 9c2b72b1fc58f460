/* sitting.h - a person at a host by hand, from the live view: where, what, and the keys of the shell that is open; drawn in draw_sitting.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_SITTING_H
#define TUI_LIVE_SITTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "tui/term/keys.h"

struct ui;
struct scene;
struct dialog_option;

struct sitting {
	bool on;		/* the shell's terminal is on the screen, and has the keys */
	bool menu;		/* Ctrl-] was pressed: the next key is for bellbook */
	bool mine;		/* opened or typed into from here: this view answers what its programs ask the terminal */
	bool asked;		/* an intent of ours to open one is under way */
	int64_t seen;		/* the shell that came up by itself last */
	int64_t run;		/* the command by hand whose output came up by itself last */
	int rows, cols;		/* room for it on the screen; set by draw */
	int told_rows, told_cols;	/* its size as we told it last; 0 = not yet */
	struct json *wish;	/* owned: what a confirmation is asked for */
};

/* What `!` does: back to the shell that is open, else asks where to go. */
void sitting_open(struct ui *ui, const struct scene *scene, int64_t now_us);

/* `:shell HOST` and `:run HOST,… COMMAND`. */
void sitting_shell(struct ui *ui, const struct scene *scene, const char *host, int64_t now_us);
void sitting_run(struct ui *ui, const struct scene *scene, const char *line, int64_t now_us);

/* The names of the hosts, a line each. */
void sitting_hosts(const struct scene *scene, struct buf *out);

/* A picked option (USE_SHELL …) and a filled field (USE_RUN) of its dialogs; false = not one of its. */
bool sitting_option(struct ui *ui, const struct scene *scene, const struct dialog_option *option, int64_t now_us);
bool sitting_field(struct ui *ui, const struct scene *scene, int64_t now_us);

/* After the scene changed: a shell comes up, or is gone; its terminal's answers are sent. */
void sitting_update(struct ui *ui, const struct scene *scene, int64_t now_us);

/* A reply to this view. */
void sitting_reply(struct ui *ui, const struct json *reply);

/* True while the shell's terminal is on the screen. */
bool sitting_is_on(const struct ui *ui, const struct scene *scene);

/* A key while it is; false when the table may have it. */
bool sitting_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us);

/* After it was drawn: tells the session its size when that is ours to say and has changed. */
void sitting_tell_size(struct ui *ui, const struct scene *scene);

/* Frees what is kept. */
void sitting_done(struct ui *ui);

#endif
