/* mouse.h - what the mouse may do: the wheel scrolls, a click selects what is under it; it never confirms anything. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_MOUSE_H
#define TUI_LIVE_MOUSE_H

#include "tui/live/ui.h"

/* Forgets where things are; a new picture is drawn. */
void mouse_clear(struct ui *ui);

/* Something that can be selected is here: a step (index), an option of the dialog or palette (index), a call (seq). */
void mouse_mark(struct ui *ui, struct area area, enum hit_kind kind, int64_t value);

/* A report of the mouse; nothing happens unless the person turned it on. */
void mouse_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us);

#endif
