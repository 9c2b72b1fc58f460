/* draw.h - the live view's screen from what is known: scene and ui in, canvas out. Nothing else is read, not even the clock. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_DRAW_H
#define TUI_LIVE_DRAW_H

#include <stdint.h>

#include "tui/term/canvas.h"
#include "tui/live/scene.h"
#include "tui/live/ui.h"

/* Draws everything; wall_us is the time shown, mono_us ages the notice. Sets ui->page. */
void draw(const struct scene *scene, struct ui *ui, struct canvas *canvas, int64_t wall_us, int64_t mono_us);

#endif
