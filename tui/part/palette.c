/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/palette.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#define RANKS 3
#define KEY_COLUMNS 20	/* "PgDn, Ctrl-D, space" */
#define NAME_COLUMNS 24

static void items_done(struct palette *palette)
{
	for (size_t i = 0; i < palette->count; i++)
		mem_free(palette->items[i].word);
	palette->count = 0;
	palette->pick = 0;
}

static void item_add(struct palette *palette, enum action action, const char *word, size_t len)
{
	struct buf safe = { 0 };

	if (palette->count == PALETTE_MAX)
		return;
	if (word)
		utf8_safe(&safe, word, len, false);
	palette->items[palette->count++] = (struct palette_item){ action, word ? buf_take(&safe) : NULL };
}

static bool holds(const char *text, const char *part)
{
	size_t len = strlen(part);

	for (; *text; text++)
		if (strncasecmp(text, part, len) == 0)
			return true;
	return len == 0;
}

/* Whether one of the action's keys is this. */
static bool has_key(enum action action, const char *key)
{
	struct press press;

	return keytable_parse(key, &press) && *key
		&& (keytable_find(keytable_row(action)->where, &press) == action);
}

/* How well a row fits what was typed: 0 best, RANKS not at all. */
static int rank(const struct palette *palette, const struct action_row *row)
{
	const char *text = palette->edit.text;

	if (!(row->where & palette->where))
		return RANKS;
	if (!*text)
		return 0;
	if (palette->keys ? has_key(row->action, text) : strcasecmp(row->name, text) == 0)
		return 0;
	if (strncasecmp(row->name, text, strlen(text)) == 0)
		return 1;
	return holds(row->name, text) || holds(row->help, text) ? 2 : RANKS;
}

/* Row named by the first word: whole, or the only one that begins so. */
static const struct action_row *first_word(const struct palette *palette)
{
	char name[64];
	size_t len = strcspn(palette->edit.text, " ");
	const struct action_row *only = NULL;

	if (len >= sizeof(name))
		return NULL;
	memcpy(name, palette->edit.text, len);
	name[len] = '\0';
	if (keytable_named(palette->where, name))
		return keytable_named(palette->where, name);
	for (const struct action_row *row = keytable(); row->action != ACTION_NONE && len > 0; row++) {
		if (!(row->where & palette->where) || strncasecmp(row->name, name, len) != 0)
			continue;
		if (only)
			return NULL;
		only = row;
	}
	return only;
}

/* What was typed behind the first word; NULL when there is no blank. */
static const char *behind(const struct palette *palette)
{
	const char *blank = strchr(palette->edit.text, ' ');

	return blank ? blank + strspn(blank, " ") : NULL;
}

static void add_words(struct palette *palette, const struct action_row *row, const char *typed)
{
	struct buf words = { 0 };

	if (strchr(row->arg, '|'))
		buf_puts(&words, row->arg);
	else if (palette->words)
		palette->words(palette->words_arg, row->action, &words);
	for (const char *at = buf_text(&words); *at;) {
		size_t len = strcspn(at, "|\n");
		char *word = mem_dup(at, len);

		if (len > 0 && holds(word, typed))
			item_add(palette, row->action, word, len);
		mem_free(word);
		at += len + (at[len] ? 1 : 0);
	}
	buf_done(&words);
}

static void narrow(struct palette *palette)
{
	const char *typed = palette->keys ? NULL : behind(palette);
	const struct action_row *first = typed ? first_word(palette) : NULL;

	items_done(palette);
	mem_set(&palette->error, NULL);
	if (typed) {
		if (first && first->arg)
			add_words(palette, first, typed);
		return;
	}
	for (int want = 0; want < RANKS; want++)
		for (const struct action_row *row = keytable(); row->action != ACTION_NONE; row++)
			if (rank(palette, row) == want)
				item_add(palette, row->action, NULL, 0);
}

void palette_open(struct palette *palette, unsigned where, bool keys, palette_words *words, void *arg)
{
	palette_close(palette);
	palette->is_open = true;
	palette->keys = keys;
	palette->where = where;
	palette->words = words;
	palette->words_arg = arg;
	narrow(palette);
}

void palette_close(struct palette *palette)
{
	items_done(palette);
	edit_clear(&palette->edit);
	mem_free(palette->error);
	mem_free(palette->arg);
	*palette = (struct palette){ 0 };
}

static void complete(struct palette *palette)
{
	struct palette_item item;
	char *text;

	if (palette->keys || palette->count == 0)
		return;
	item = palette->items[palette->pick];
	text = item.word ? mem_printf("%s %s", keytable_row(item.action)->name, item.word)
		: mem_printf("%s%s", keytable_row(item.action)->name, keytable_row(item.action)->arg ? " " : "");
	edit_clear(&palette->edit);
	edit_paste(&palette->edit, text, strlen(text));
	mem_free(text);
	narrow(palette);
}

static enum palette_did runs(struct palette *palette, const struct action_row *row, const char *arg)
{
	if (arg && *arg && !row->arg) {
		mem_free(palette->error);
		palette->error = mem_printf("\"%s\" takes nothing behind it", row->name);
		return PALETTE_GOES_ON;
	}
	palette->run = row->action;
	mem_set(&palette->arg, arg && *arg ? arg : NULL);
	return PALETTE_RUNS;
}

static enum palette_did enter(struct palette *palette)
{
	const char *typed = palette->keys ? NULL : behind(palette);
	const struct action_row *first = typed ? first_word(palette) : NULL;

	/* A word of the list counts when it was chosen, or when nothing else is possible. */
	if (first && palette->count > 0 && (palette->pick > 0 || (*typed && strchr(first->arg, '|'))))
		return runs(palette, first, palette->items[palette->pick].word);
	if (first)
		return runs(palette, first, typed);
	if (!typed && palette->count > 0)
		return runs(palette, keytable_row(palette->items[palette->pick].action), NULL);
	mem_set(&palette->error, "nothing here is called that; Esc closes");
	return PALETTE_GOES_ON;
}

enum palette_did palette_press(struct palette *palette, const struct press *press)
{
	long last = (long)palette->count - 1;

	/* q closes what is read, here too: as a filter it found "leave", and Enter left. */
	if (press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C')
		|| (palette->edit.len == 0 && (press->code == PRESS_BACKSPACE || (palette->keys && press->code == PRESS_CHAR && press->cp == 'q'))))
		return PALETTE_CLOSED;
	if (press->code == PRESS_ENTER)
		return enter(palette);
	if (press->code == PRESS_TAB)
		complete(palette);
	else if (press->code == PRESS_UP)
		palette->pick -= palette->pick > 0;
	else if (press->code == PRESS_DOWN)
		palette->pick += palette->pick < last;
	else if (press->code == PRESS_PAGE_UP)
		palette->pick = palette->pick > 10 ? palette->pick - 10 : 0;
	else if (press->code == PRESS_PAGE_DOWN)
		palette->pick = palette->pick + 10 < last ? palette->pick + 10 : last > 0 ? last : 0;
	else if (edit_press(&palette->edit, press))
		narrow(palette);
	return PALETTE_GOES_ON;
}

/* "[X] stop a running command (asks first)"; the keys are told where the name stands first. Caller owns. */
static char *help_of(const struct palette *palette, size_t i)
{
	const struct action_row *row = keytable_row(palette->items[i].action);
	struct buf out = { 0 }, keys = { 0 };

	keytable_keys(row->action, &keys);
	if (!palette->keys && keys.len > 0)
		buf_printf(&out, "[%s] ", buf_text(&keys));
	buf_printf(&out, "%s%s", row->help, row->changes ? " (asks first)" : "");
	buf_done(&keys);
	return buf_take(&out);
}

static void draw_item(const struct palette *palette, size_t i, struct canvas *canvas, struct area at)
{
	const struct palette_item *item = &palette->items[i];
	const struct action_row *row = keytable_row(item->action);
	enum role role = (long)i == palette->pick ? ROLE_PICK : ROLE_TEXT;
	int width = palette->keys ? KEY_COLUMNS : NAME_COLUMNS;
	struct buf keys = { 0 };
	char *help;

	canvas_fill(canvas, at, role);
	canvas_text(canvas, at.row, at.col, 2, role, (long)i == palette->pick ? "> " : "  ");
	at.col += 2;
	at.cols -= 2;
	if (item->word) {
		canvas_text(canvas, at.row, at.col, at.cols, role, item->word);
		return;
	}
	keytable_keys(item->action, &keys);
	if (palette->keys)
		canvas_printf(canvas, (struct area){ at.row, at.col, 1, width - 1 }, role, "%s%s",
			keys.len > 0 ? buf_text(&keys) : ":", keys.len > 0 ? "" : row->name);
	else
		canvas_printf(canvas, (struct area){ at.row, at.col, 1, width - 1 }, role, "%s%s%s", row->name,
			row->arg ? " " : "", row->arg ? row->arg : "");
	help = help_of(palette, i);
	canvas_text(canvas, at.row, at.col + width, at.cols - width, role, help);
	mem_free(help);
	buf_done(&keys);
}

/* What the picked one does, where its line has no room for it; NULL = it has. Caller owns. */
static char *picked_whole(const struct palette *palette, int cols)
{
	int room = cols - 2 - (palette->keys ? KEY_COLUMNS : NAME_COLUMNS);
	char *help;

	if (palette->pick < 0 || (size_t)palette->pick >= palette->count || palette->items[palette->pick].word)
		return NULL;
	help = help_of(palette, (size_t)palette->pick);
	if (utf8_columns(help, strlen(help)) > room)
		return help;
	mem_free(help);
	return NULL;
}

static void draw_field(const struct palette *palette, struct canvas *canvas, struct area at)
{
	const char *mark = palette->keys ? "filter: " : ": ";
	int cursor = utf8_columns(palette->edit.text, palette->edit.cursor);

	at.col += canvas_text(canvas, at.row, at.col, at.cols, ROLE_BOLD, mark);
	at.cols -= (int)strlen(mark);
	canvas_fill(canvas, at, ROLE_FIELD);
	canvas_text(canvas, at.row, at.col, at.cols, ROLE_FIELD, palette->edit.text);
	canvas->cursor_row = at.row;
	canvas->cursor_col = at.col + (cursor < at.cols ? cursor : at.cols - 1);
}

long palette_first(const struct palette *palette, int rows)
{
	return palette->pick >= rows ? palette->pick - rows + 1 : 0;
}

struct area palette_draw(const struct palette *palette, struct canvas *canvas, struct area area)
{
	int most = palette->keys ? area.rows : area.rows < 14 ? area.rows : 14;
	int width = area.cols < 100 ? area.cols : 100;
	struct area box = { area.row + area.rows - most, area.col + (area.cols - width) / 2, most, width };
	struct area in = { box.row + 1, box.col + 2, box.rows - 4, width - 4 };
	long from = palette_first(palette, in.rows);
	char *whole = picked_whole(palette, in.cols);

	canvas_box(canvas, box, palette->keys ? "KEYS" : "COMMAND");
	draw_field(palette, canvas, (struct area){ in.row, in.col, 1, in.cols });
	for (int i = 0; i < in.rows && (size_t)(from + i) < palette->count; i++)
		draw_item(palette, (size_t)(from + i), canvas, (struct area){ in.row + 1 + i, in.col, 1, in.cols });
	if (palette->error)
		canvas_text(canvas, box.row + box.rows - 2, in.col, in.cols, ROLE_FAIL, palette->error);
	else if (whole)
		canvas_text(canvas, box.row + box.rows - 2, in.col, in.cols, ROLE_TEXT, whole);
	else if (palette->keys)
		canvas_text(canvas, box.row + box.rows - 2, in.col, in.cols, ROLE_DIM,
			"type a key or a word to filter; arrows, then Enter does it; Esc closes");
	else
		canvas_text(canvas, box.row + box.rows - 2, in.col, in.cols, ROLE_DIM,
			"Tab completes; arrows choose; Enter does it; Esc closes");
	mem_free(whole);
	return (struct area){ in.row + 1, in.col, in.rows, in.cols };
}
