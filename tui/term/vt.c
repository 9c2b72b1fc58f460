/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvterm does the emulation. What comes out of it are characters and
 * attributes, never sequences; characters that would steer the terminal they
 * are shown on, or that it may measure otherwise than we do, are replaced.
 */
#include "tui/term/vt.h"

#include <stdio.h>
#include <string.h>
#include <vterm.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/term/gate.h"
#include "tui/term/shade.h"

#define ANSWERS_MAX ((size_t)4096)	/* more is a shell that asks and asks */

struct vt {
	VTerm *term;
	VTermScreen *screen;
	bool cursor_hidden;
	struct gate gate;
	struct buf answers;
	struct buf *keys;	/* while a key is pressed: where it goes; borrowed */
};

static void *give_memory(size_t size, void *data)
{
	(void)data;
	return mem_alloc(size ? size : 1);
}

static void free_memory(void *ptr, void *data)
{
	(void)data;
	mem_free(ptr);
}

/* A wide character has no place in one column: libvterm 0.1.4 writes behind it then. */
static int within(int size)
{
	return size < 2 ? 2 : size > VT_MAX ? VT_MAX : size;
}

static void on_output(const char *bytes, size_t len, void *arg)
{
	struct vt *vt = arg;

	if (vt->keys)
		buf_append(vt->keys, bytes, len);
	else if (vt->answers.len + len <= ANSWERS_MAX)
		buf_append(&vt->answers, bytes, len);
}

static int on_property(VTermProp property, VTermValue *value, void *arg)
{
	struct vt *vt = arg;

	if (property == VTERM_PROP_CURSORVISIBLE)
		vt->cursor_hidden = !value->boolean;
	return 1;
}

static void put(struct vt *vt, const char *sequence)
{
	vterm_input_write(vt->term, sequence, strlen(sequence));
}

struct vt *vt_new(int rows, int cols)
{
	static VTermAllocatorFunctions memory = { .malloc = give_memory, .free = free_memory };
	static const VTermScreenCallbacks callbacks = { .settermprop = on_property };
	struct vt *vt = mem_alloc(sizeof(*vt));

	vt->term = vterm_new_with_allocator(within(rows), within(cols), &memory, NULL);
	vterm_set_utf8(vt->term, 1);
	vterm_output_set_callback(vt->term, on_output, vt);
	vt->screen = vterm_obtain_screen(vt->term);
	vterm_screen_set_callbacks(vt->screen, &callbacks, vt);
	vterm_screen_set_damage_merge(vt->screen, VTERM_DAMAGE_SCREEN);
	vterm_screen_enable_altscreen(vt->screen, 1);
	vterm_screen_reset(vt->screen, 1);
	/* What was never saved is restored as black on black. */
	put(vt, "\0337");
	return vt;
}

void vt_free(struct vt *vt)
{
	if (!vt)
		return;
	vterm_free(vt->term);
	buf_done(&vt->answers);
	mem_free(vt);
}

void vt_feed(struct vt *vt, const void *bytes, size_t len)
{
	struct buf fine = { 0 };
	int rows, cols;

	vt_size(vt, &rows, &cols);
	gate_pass(&vt->gate, bytes, len, cols, &fine);
	vterm_input_write(vt->term, buf_text(&fine), fine.len);
	vterm_screen_flush_damage(vt->screen);
	buf_done(&fine);
}

static void move_to(struct vt *vt, VTermPos at)
{
	char sequence[40];

	snprintf(sequence, sizeof(sequence), "\033[%d;%dH", at.row + 1, at.col + 1);
	put(vt, sequence);
}

/* Where the cursor is, brought into the terminal. */
static VTermPos cursor_within(const struct vt *vt)
{
	VTermPos at;
	int rows, cols;

	vterm_state_get_cursorpos(vterm_obtain_state(vt->term), &at);
	vterm_get_size(vt->term, &rows, &cols);
	at.row = at.row < 0 ? 0 : at.row >= rows ? rows - 1 : at.row;
	at.col = at.col < 0 ? 0 : at.col >= cols ? cols - 1 : at.col;
	return at;
}

/* libvterm 0.1.4 leaves margins, the cursor and the one that was saved outside of a terminal that has become smaller, and writes there. */
void vt_resize(struct vt *vt, int rows, int cols)
{
	VTermPos at = cursor_within(vt), saved;

	put(vt, "\033[r");
	move_to(vt, at);
	vterm_set_size(vt->term, within(rows), within(cols));
	at = cursor_within(vt);
	put(vt, "\0338");
	saved = cursor_within(vt);
	move_to(vt, saved);
	put(vt, "\0337");
	move_to(vt, at);
	vterm_screen_flush_damage(vt->screen);
}

void vt_size(const struct vt *vt, int *rows, int *cols)
{
	vterm_get_size(vt->term, rows, cols);
}

/* The colour as our cells count them: 0 = the terminal's own, else 1 + its number of 256. */
static short shade(const VTermColor *color)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(color) || VTERM_COLOR_IS_DEFAULT_BG(color))
		return 0;
	if (VTERM_COLOR_IS_INDEXED(color))
		return (short)(color->indexed.idx + 1);
	return (short)(shade_of_rgb(color->rgb.red, color->rgb.green, color->rgb.blue) + 1);
}

/* Only what the terminal will measure as libvterm did, and show as itself. */
static uint32_t character(const VTermScreenCell *from)
{
	uint32_t cp = from->chars[0];

	if (cp == 0)
		return ' ';
	return utf8_is_safe(cp) && utf8_width(cp) == from->width ? cp : '?';
}

static void take_cell(const VTermScreenCell *from, struct cell *to)
{
	int n = 0;

	*to = (struct cell){ .cp = character(from), .fg = shade(&from->fg), .bg = shade(&from->bg) };
	for (int i = 1; i < VTERM_MAX_CHARS_PER_CELL && from->chars[0] && from->chars[i] && n < CANVAS_COMBINING; i++)
		if (utf8_is_safe(from->chars[i]) && utf8_width(from->chars[i]) == 0)
			to->combining[n++] = from->chars[i];
	to->attrs = (unsigned char)((from->attrs.bold ? CELL_BOLD : 0) | (from->attrs.underline ? CELL_UNDERLINE : 0)
		| (from->attrs.reverse ? CELL_REVERSE : 0));
}

void vt_draw(const struct vt *vt, int row, int col, struct canvas *canvas, struct area area)
{
	int rows, cols;

	vt_size(vt, &rows, &cols);
	for (int i = 0; i < area.rows && row + i < rows; i++)
		for (int k = 0; k < area.cols && col + k < cols; k++) {
			VTermScreenCell from;
			struct cell to;

			if (!vterm_screen_get_cell(vt->screen, (VTermPos){ row + i, col + k }, &from))
				continue;
			/* The right half of a wide character was drawn with it. */
			if (from.chars[0] == (uint32_t)-1 && k > 0)
				continue;
			take_cell(&from, &to);
			if (from.width == 2 && to.cp != '?' && k + 1 >= area.cols)
				to.cp = '+';
			canvas_cell(canvas, area.row + i, area.col + k, &to);
		}
}

bool vt_cursor(const struct vt *vt, int *row, int *col)
{
	VTermPos at;

	vterm_state_get_cursorpos(vterm_obtain_state(vt->term), &at);
	*row = at.row;
	*col = at.col;
	return !vt->cursor_hidden;
}

/* ---- keys ---- */

static VTermKey key_of(const struct press *press)
{
	static const struct {
		enum press_code code;
		VTermKey key;
	} keys[] = {
		{ PRESS_ENTER, VTERM_KEY_ENTER }, { PRESS_TAB, VTERM_KEY_TAB }, { PRESS_BACKTAB, VTERM_KEY_TAB },
		{ PRESS_BACKSPACE, VTERM_KEY_BACKSPACE }, { PRESS_DELETE, VTERM_KEY_DEL },
		{ PRESS_INSERT, VTERM_KEY_INS }, { PRESS_ESC, VTERM_KEY_ESCAPE }, { PRESS_UP, VTERM_KEY_UP },
		{ PRESS_DOWN, VTERM_KEY_DOWN }, { PRESS_LEFT, VTERM_KEY_LEFT }, { PRESS_RIGHT, VTERM_KEY_RIGHT },
		{ PRESS_HOME, VTERM_KEY_HOME }, { PRESS_END, VTERM_KEY_END }, { PRESS_PAGE_UP, VTERM_KEY_PAGEUP },
		{ PRESS_PAGE_DOWN, VTERM_KEY_PAGEDOWN },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].code == press->code)
			return keys[i].key;
	return press->code == PRESS_F ? (VTermKey)VTERM_KEY_FUNCTION(press->cp) : VTERM_KEY_NONE;
}

/* A paste: what could end the brackets around it, or be a key, is left out; lines end as Enter does. */
static void paste(struct vt *vt, const struct press *press)
{
	vterm_keyboard_start_paste(vt->term);
	for (size_t i = 0; i < press->len; i++) {
		char c = press->text[i];

		if (c == '\n' && i > 0 && press->text[i - 1] == '\r')
			continue;
		if (c == '\n')
			c = '\r';
		if ((unsigned char)c >= 0x20 ? c != 0x7f : c == '\r' || c == '\t')
			buf_putc(vt->keys, c);
	}
	vterm_keyboard_end_paste(vt->term);
}

void vt_press(struct vt *vt, const struct press *press, struct buf *out)
{
	VTermModifier mods = (VTermModifier)(press->mods & VTERM_ALL_MODS_MASK);

	vt->keys = out;
	if (press->code == PRESS_CHAR)
		vterm_keyboard_unichar(vt->term, press->cp, VTERM_MOD_NONE);
	else if (press->code == PRESS_ALT)
		vterm_keyboard_unichar(vt->term, press->cp, VTERM_MOD_ALT);
	else if (press->code == PRESS_CTRL)
		buf_putc(out, (char)(press->cp & 0x1f));
	else if (press->code == PRESS_PASTE)
		paste(vt, press);
	else
		vterm_keyboard_key(vt->term, key_of(press), press->code == PRESS_BACKTAB ? VTERM_MOD_SHIFT : mods);
	vt->keys = NULL;
}

void vt_answers(struct vt *vt, struct buf *out)
{
	buf_append(out, buf_text(&vt->answers), vt->answers.len);
	buf_clear(&vt->answers);
}
