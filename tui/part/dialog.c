/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changes something is either picked from a list with the arrows and Enter, or typed into a field; a letter alone never answers. */
#include "tui/part/dialog.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tui/term/keytable.h"

static char *safe(const char *text, bool keep_lines)
{
	struct buf out = { 0 };

	utf8_safe(&out, text, strlen(text), keep_lines);
	return buf_take(&out);
}

void dialog_clear(struct dialog *dialog)
{
	for (size_t i = 0; i < dialog->option_count; i++) {
		mem_free(dialog->options[i].label);
		mem_free(dialog->options[i].help);
	}
	mem_free(dialog->options);
	dialog->options = NULL;
	dialog->option_count = 0;
}

void dialog_close(struct dialog *dialog)
{
	dialog_clear(dialog);
	mem_free(dialog->title);
	mem_free(dialog->text);
	mem_free(dialog->error);
	edit_clear(&dialog->edit);
	*dialog = (struct dialog){ .pick = -1 };
}

void dialog_open(struct dialog *dialog, enum dialog_kind kind, int use, const char *title, const char *text)
{
	char *safe_title = safe(title, false), *safe_text = safe(text, true);

	dialog_close(dialog);
	dialog->kind = kind;
	dialog->use = use;
	dialog->title = safe_title;
	dialog->text = safe_text;
}

void dialog_option(struct dialog *dialog, struct dialog_option option, const char *label, const char *help)
{
	option.label = safe(label, false);
	option.help = safe(help, false);
	dialog->options = mem_more(dialog->options, dialog->option_count, sizeof(option));
	dialog->options[dialog->option_count++] = option;
}

void dialog_error(struct dialog *dialog, const char *text)
{
	char *error = text ? safe(text, false) : NULL;

	mem_free(dialog->error);
	dialog->error = error;
}

void dialog_stray(struct dialog *dialog, const struct press *press, const char *instead)
{
	char *text = keytable_stray(press, dialog->kind == DIALOG_LIST ? "choose with the arrows or a number, then Enter"
		: instead ? instead : "Esc closes this");

	dialog_error(dialog, text);
	mem_free(text);
}

enum keys_place dialog_place(const struct dialog *dialog)
{
	return dialog->kind == DIALOG_FIELD ? KEYS_FIELD : dialog->kind == DIALOG_LIST ? KEYS_LIST : KEYS_NOWHERE;
}

/* ---- keys ---- */

void dialog_scroll(struct dialog *dialog, int by)
{
	dialog->scroll = by >= DIALOG_END ? DIALOG_END : dialog->scroll + by > 0 ? dialog->scroll + by : 0;
}

static bool is_letter(const struct press *press, const char *letters)
{
	return press->code == PRESS_CHAR && press->cp < 0x80 && press->cp && strchr(letters, (int)press->cp);
}

static bool is_ctrl(const struct press *press, uint32_t letter)
{
	return press->code == PRESS_CTRL && press->cp == letter;
}

/* A text to be read: keys that move never close it. */
static enum dialog_did text_press(struct dialog *dialog, const struct press *press)
{
	int page = dialog->page > 0 ? dialog->page : 1;

	dialog_error(dialog, NULL);
	if (press->code == PRESS_UP || is_letter(press, "k"))
		dialog_scroll(dialog, -1);
	else if (press->code == PRESS_DOWN || is_letter(press, "j"))
		dialog_scroll(dialog, 1);
	else if (press->code == PRESS_PAGE_UP || is_ctrl(press, 'U'))
		dialog_scroll(dialog, -page);
	else if (press->code == PRESS_PAGE_DOWN || is_letter(press, " ") || is_ctrl(press, 'D'))
		dialog_scroll(dialog, page);
	else if (press->code == PRESS_HOME || is_letter(press, "g"))
		dialog_scroll(dialog, -DIALOG_END);
	else if (press->code == PRESS_END || is_letter(press, "G"))
		dialog_scroll(dialog, DIALOG_END);
	else
		return press->code == PRESS_ENTER || press->code == PRESS_ESC || is_letter(press, "q") ? DIALOG_LEFT : DIALOG_OTHER;
	return DIALOG_STAYS;
}

static void move_pick(struct dialog *dialog, long to)
{
	long last = (long)dialog->option_count - 1;

	if (to > last)
		to = dialog->wraps ? 0 : last;
	else if (to < 0)
		to = dialog->wraps ? last : 0;
	dialog->pick = to;
	dialog_error(dialog, NULL);
}

static enum dialog_did list_press(struct dialog *dialog, const struct press *press)
{
	bool letter = press->code == PRESS_CHAR;

	if (press->code == PRESS_UP || (letter && press->cp == 'k'))
		move_pick(dialog, dialog->pick < 0 ? (long)dialog->option_count - 1 : dialog->pick - 1);
	else if (press->code == PRESS_DOWN || (letter && press->cp == 'j'))
		move_pick(dialog, dialog->pick + 1);
	else if (letter && press->cp >= '1' && press->cp <= '9' && press->cp < '1' + (uint32_t)dialog->option_count)
		move_pick(dialog, (long)(press->cp - '1'));
	else if (is_letter(press, "q"))
		return DIALOG_LEFT;
	else if (press->code != PRESS_ENTER)
		return DIALOG_OTHER;
	else if (dialog->pick >= 0)
		return DIALOG_DONE;
	else
		dialog_error(dialog, "choose with the arrows or a number first, then Enter");
	return DIALOG_STAYS;
}

static enum dialog_did field_press(struct dialog *dialog, const struct press *press)
{
	if (press->code == PRESS_ENTER)
		return DIALOG_DONE;
	if (!edit_press(&dialog->edit, press))
		return DIALOG_OTHER;
	dialog_error(dialog, NULL);
	return DIALOG_STAYS;
}

enum dialog_did dialog_press(struct dialog *dialog, const struct press *press, int64_t now_us)
{
	bool pages = press->code == PRESS_PAGE_UP || press->code == PRESS_PAGE_DOWN;

	if (front_is_early(&dialog->front, now_us))
		return DIALOG_EARLY;
	if (dialog->kind == DIALOG_TEXT)
		return text_press(dialog, press);
	if (press->code == PRESS_ESC)
		return DIALOG_LEFT;
	if (pages && dialog->page > 0) {
		dialog_scroll(dialog, press->code == PRESS_PAGE_DOWN ? dialog->page : -dialog->page);
		return DIALOG_STAYS;
	}
	return dialog->kind == DIALOG_LIST ? list_press(dialog, press) : field_press(dialog, press);
}

void dialog_decides(struct dialog *dialog)
{
	dialog->front.question = front_number();
}

struct front *dialog_front(struct dialog *dialog)
{
	return dialog->kind == DIALOG_NONE ? NULL : &dialog->front;
}

bool dialog_take(struct dialog *dialog, const struct press *press, int64_t now_us)
{
	enum dialog_did did = dialog_press(dialog, press, now_us);

	if (did == DIALOG_EARLY) {
		dialog_error(dialog, FRONT_EARLY_WORDS);
	} else if (did == DIALOG_LEFT || (did == DIALOG_OTHER && is_ctrl(press, 'C'))) {
		dialog_close(dialog);
	} else if (did == DIALOG_OTHER && dialog->kind != DIALOG_FIELD) {
		/* Nothing stays picked: whoever types words means another window. */
		dialog_stray(dialog, press, NULL);
		dialog->pick = -1;
	}
	return did == DIALOG_DONE;
}
