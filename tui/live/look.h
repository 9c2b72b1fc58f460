/* look.h - what a person looks at in the live view: another step, another command's output, and what is copied of it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_LOOK_H
#define TUI_LIVE_LOOK_H

#include "tui/live/ui.h"

/* Looks at the step by steps further, or back at what happens now. */
void look_step(struct ui *ui, const struct scene *scene, long by, int64_t now_us);
void look_now(struct ui *ui);

/* Looks at the step of this number or id; says so when there is none. */
void look_at(struct ui *ui, const struct scene *scene, const char *word, int64_t now_us);

/* Looks at the output of the call with this seq. */
void look_output(struct ui *ui, int64_t call);

/* Next call with output, in order of begin: of the step looked at, else of all. */
void look_call(struct ui *ui, const struct scene *scene, int by);

/* Wants text copied: output, command, line or record; NULL = the addresses of the box in front, else its commands, else the output; of the end's box what it says. */
void look_copy(struct ui *ui, const struct scene *scene, const char *what, int64_t now_us);

/* What look_copy takes of the box in front: "addresses", "commands", "ending"; NULL = it has nothing of it. Static. */
const char *look_box(const struct ui *ui, const struct scene *scene);

#endif
