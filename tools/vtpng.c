/* vtpng.c - reads what a terminal was sent (tmux capture-pane -e) and writes the picture of its screen. Build: tools/pictures. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <cairo.h>
#include <pango/pangocairo.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#define FONT "DejaVu Sans Mono 11"
#define MARGIN 8

struct picture {
	cairo_t *cairo;
	PangoLayout *layout;
	int wide, high;		/* of a cell, in pixels */
};

static const VTermColor ink = { .rgb = { .type = VTERM_COLOR_RGB, .red = 0xd8, .green = 0xd8, .blue = 0xd8 } };
static const VTermColor paper = { .rgb = { .type = VTERM_COLOR_RGB, .red = 0x16, .green = 0x18, .blue = 0x1c } };

/* The terminal gets all of stdin; capture-pane ends lines with LF alone. */
static void feed(VTerm *vt)
{
	bool first = true;
	int c;

	while ((c = getchar()) != EOF) {
		char byte = (char)c;

		/* The line end behind the last row would scroll the first one away. */
		if (c == '\n') {
			int next = getchar();

			if (next == EOF)
				return;
			ungetc(next, stdin);
			vterm_input_write(vt, "\r\n", 2);
			continue;
		}
		if (first)
			vterm_input_write(vt, "\033[H\033[2J", 7);
		first = false;
		vterm_input_write(vt, &byte, 1);
	}
}

static void set_color(struct picture *picture, VTermScreen *screen, VTermColor color)
{
	vterm_screen_convert_color_to_rgb(screen, &color);
	cairo_set_source_rgb(picture->cairo, color.rgb.red / 255.0, color.rgb.green / 255.0,
		color.rgb.blue / 255.0);
}

static void cell_text(const VTermScreenCell *cell, char *text, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i] && len + 7 < size; i++)
		len += (size_t)g_unichar_to_utf8(cell->chars[i], text + len);
	text[len] = '\0';
}

static void draw_cell(struct picture *picture, VTermScreen *screen, VTermPos at, bool cursor)
{
	VTermScreenCell cell;
	VTermColor fg, bg;
	PangoAttrList *attrs = pango_attr_list_new();
	double x = MARGIN + at.col * picture->wide, y = MARGIN + at.row * picture->high;
	char text[VTERM_MAX_CHARS_PER_CELL * 6 + 8];

	vterm_screen_get_cell(screen, at, &cell);
	if (cell.chars[0] == (uint32_t)-1) {	/* the right half of a wide character */
		pango_attr_list_unref(attrs);
		return;
	}
	fg = VTERM_COLOR_IS_DEFAULT_FG(&cell.fg) ? ink : cell.fg;
	bg = VTERM_COLOR_IS_DEFAULT_BG(&cell.bg) ? paper : cell.bg;
	set_color(picture, screen, cell.attrs.reverse != cursor ? fg : bg);
	cairo_rectangle(picture->cairo, x, y, picture->wide * (cell.width > 1 ? cell.width : 1), picture->high);
	cairo_fill(picture->cairo);
	if (cell.attrs.bold)
		pango_attr_list_insert(attrs, pango_attr_weight_new(PANGO_WEIGHT_BOLD));
	cell_text(&cell, text, sizeof(text));
	pango_layout_set_attributes(picture->layout, attrs);
	pango_layout_set_text(picture->layout, text, -1);
	set_color(picture, screen, cell.attrs.reverse != cursor ? bg : fg);
	cairo_move_to(picture->cairo, x, y);
	pango_cairo_show_layout(picture->cairo, picture->layout);
	if (cell.attrs.underline) {
		cairo_rectangle(picture->cairo, x, y + picture->high - 2, picture->wide, 1);
		cairo_fill(picture->cairo);
	}
	pango_attr_list_unref(attrs);
}

/* Size of a cell of the font. */
static void measure(struct picture *picture)
{
	PangoFontDescription *font = pango_font_description_from_string(FONT);

	pango_layout_set_font_description(picture->layout, font);
	pango_layout_set_text(picture->layout, "M", 1);
	pango_layout_get_pixel_size(picture->layout, &picture->wide, &picture->high);
	pango_font_description_free(font);
}

static int write_picture(VTermScreen *screen, int rows, int cols, VTermPos cursor, const char *path)
{
	cairo_surface_t *ruler = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1), *surface;
	cairo_t *first = cairo_create(ruler);
	struct picture picture = { .cairo = first, .layout = pango_cairo_create_layout(first) };
	cairo_status_t status;

	measure(&picture);
	surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, cols * picture.wide + 2 * MARGIN,
		rows * picture.high + 2 * MARGIN);
	picture.cairo = cairo_create(surface);
	set_color(&picture, screen, paper);
	cairo_paint(picture.cairo);
	for (int row = 0; row < rows; row++)
		for (int col = 0; col < cols; col++)
			draw_cell(&picture, screen, (VTermPos){ row, col }, row == cursor.row && col == cursor.col);
	status = cairo_surface_write_to_png(surface, path);
	if (status != CAIRO_STATUS_SUCCESS)
		fprintf(stderr, "vtpng: %s: %s\n", path, cairo_status_to_string(status));
	g_object_unref(picture.layout);
	cairo_destroy(picture.cairo);
	cairo_destroy(first);
	cairo_surface_destroy(surface);
	cairo_surface_destroy(ruler);
	return status == CAIRO_STATUS_SUCCESS ? 0 : 1;
}

int main(int argc, char **argv)
{
	int rows = argc > 2 ? atoi(argv[1]) : 0, cols = argc > 2 ? atoi(argv[2]) : 0, rc;
	VTermPos cursor = { -1, -1 };
	VTermScreen *screen;
	VTerm *vt;

	if ((argc != 4 && argc != 6) || rows < 1 || cols < 1 || rows > 500 || cols > 1000) {
		fprintf(stderr, "usage: tmux capture-pane -epN | vtpng ROWS COLS [CURSOR-ROW CURSOR-COL] PICTURE.png\n");
		return 2;
	}
	if (argc == 6)
		cursor = (VTermPos){ atoi(argv[3]), atoi(argv[4]) };
	vt = vterm_new(rows, cols);
	vterm_set_utf8(vt, 1);
	screen = vterm_obtain_screen(vt);
	vterm_screen_reset(screen, 1);
	feed(vt);
	rc = write_picture(screen, rows, cols, cursor, argv[argc - 1]);
	vterm_free(vt);
	return rc;
}
