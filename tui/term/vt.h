/* vt.h - a terminal inside ours: what a shell on a host writes becomes cells, keys become what the shell reads; the only user of libvterm. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_VT_H
#define TUI_TERM_VT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "tui/term/canvas.h"
#include "tui/term/keys.h"

#define VT_MAX 1000	/* rows or columns; more is taken as this, and less than 2 as 2 */

struct vt;

/* Blank terminal. Caller owns. */
struct vt *vt_new(int rows, int cols);

/* Frees. NULL is fine. */
void vt_free(struct vt *vt);

/* Takes bytes as they came, cut anywhere, hostile or not. Never fails. */
void vt_feed(struct vt *vt, const void *bytes, size_t len);

/* Another size. */
void vt_resize(struct vt *vt, int rows, int cols);
void vt_size(const struct vt *vt, int *rows, int *cols);

/* Draws the cells of a part that begins at row, col of the terminal; where the terminal ends the area stays as it is. Nothing in a cell can steer the terminal it is shown on. */
void vt_draw(const struct vt *vt, int row, int col, struct canvas *canvas, struct area area);

/* Where the cursor is; false when it is hidden. */
bool vt_cursor(const struct vt *vt, int *row, int *col);

/* Appends what the press means to the shell (application cursor keys, bracketed paste as it asked for). */
void vt_press(struct vt *vt, const struct press *press, struct buf *out);

/* Appends what the terminal itself answered since the last time (where is the cursor, who are you). To be sent by one view, while live, or thrown away. */
void vt_answers(struct vt *vt, struct buf *out);

#endif
