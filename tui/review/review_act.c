/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>

#include "base/mem.h"
#include "base/str.h"
#include "tui/review/review_work.h"

#define MOUSE_UP 64
#define MOUSE_DOWN 65
#define WHEEL_LINES 3
#define SEARCH_US ((int64_t)50000)	/* between two looks at the keyboard */
#define FAR (LONG_MAX / 4)	/* cut to what there is */

static void move_in_pane(struct review *review, long by)
{
	struct pane *pane = &review->pane;
	long last = (long)pane->count - 1;

	if (by != 0 && (pane->cut && !pane->whole))
		pane_load(review, true);
	pane->at += by;
	pane->at = pane->at > last ? last : pane->at;
	pane->at = pane->at < 0 ? 0 : pane->at;
}

static void move(struct review *review, long by)
{
	if (review->in_pane || review->raw)
		move_in_pane(review, by);
	else
		review_pick(review, review->at + by);
}

/* To the next or previous line that failed or was decided, among those shown. */
static void jump(struct review *review, int by, int64_t now_us)
{
	for (long at = review->at + by; at >= 0 && at < (long)review->row_count; at += by) {
		if (!(review_row(review, (size_t)at)->groups & MARK_JUMP))
			continue;
		review_pick(review, at);
		review->in_pane = false;
		return;
	}
	review_notice(review, by > 0 ? "No failure or decision below." : "No failure or decision above.", now_us);
}

static void find_on(struct review *review, bool backwards, int64_t now_us)
{
	if (!review_find_begin(review, backwards))
		review_notice(review, "Search with / first.", now_us);
	else
		review_search(review, now_us);
}

void review_search(struct review *review, int64_t now_us)
{
	bool backwards = review->finding < 0;
	enum review_found found = review_find_on(review, SEARCH_US);

	if (found == REVIEW_NOT_FOUND)
		review_notice(review, "Not found in this session.", now_us);
	else if (found == REVIEW_SEARCHING)
		review_notice(review, "Searching; any key stops it.", now_us);
	else if (review->find_wrapped)
		review_notice(review, backwards ? "The search went on from the end." : "The search went on from the beginning.", now_us);
	else
		mem_set(&review->notice, NULL);
}

void review_find_text(struct review *review, const char *text, int64_t now_us)
{
	mem_set(&review->find, text);
	find_on(review, false, now_us);
}

static void open_note(struct review *review, bool pin, const char *given)
{
	const struct mark *mark = review_mark(review);
	const struct pane *pane = &review->pane;
	struct buf text = { 0 };

	if (!mark)
		return;
	box_open(review, pin ? REVIEW_PIN : REVIEW_NOTE, pin ? "PIN" : "NOTE", pin ? "Stands in the timeline at the time of this line, with your name:"
		: "Written now, with your name, about this step:");
	if (given)
		buf_puts(&text, given);
	else if (pin && review->in_pane && pane->at < (long)pane->count)
		buf_puts(&text, pane->lines[pane->at].text);
	else if (pin)
		timeline_text(review->timeline, review->store, mark, &text);
	edit_paste(&review->dialog.edit, buf_text(&text), text.len);
	buf_done(&text);
}

static void enter_pane(struct review *review)
{
	pane_load(review, true);
	review->in_pane = true;
}

static void leave(struct review *review)
{
	if (review->raw)
		review->raw = false;
	else if (review->in_pane)
		review->in_pane = false;
	else
		review->leave = true;
}

static void act_move(struct review *review, enum action action)
{
	int page = review->in_pane || review->raw ? review->pane.page : review->page;

	if (action == ACTION_UP || action == ACTION_DOWN)
		move(review, action == ACTION_UP ? -1 : 1);
	else if (action == ACTION_PAGE_UP || action == ACTION_PAGE_DOWN)
		move(review, action == ACTION_PAGE_UP ? -page : page);
	else if (action == ACTION_TOP || action == ACTION_FOLLOW)
		move(review, action == ACTION_TOP ? -FAR : FAR);
}

static void show_elsewhere(struct review *review, int64_t now_us)
{
	struct buf text = { 0 };
	struct err e = { 0 };

	if (review_elsewhere(review, &text, &e) < 0)
		review_notice(review, e.text, now_us);
	else
		box_open(review, REVIEW_TEXT, "THE SAME ELSEWHERE", buf_text(&text));
	buf_done(&text);
}

/* What is copied: the line, or all that belongs to it. */
static void copy(struct review *review, const char *what, int64_t now_us)
{
	const struct mark *mark = review_mark(review);
	const struct pane *pane = &review->pane;
	bool line = what ? str_is(what, "line") : !review->in_pane && !review->raw;
	struct buf text = { 0 };

	if (!mark)
		return;
	pane_load(review, true);
	if (line && review->in_pane && pane->at < (long)pane->count)
		buf_puts(&text, pane->lines[pane->at].text);
	else if (line)
		timeline_text(review->timeline, review->store, mark, &text);
	for (size_t i = 0; !line && i < pane->count; i++)
		if (pane->lines[i].role == (str_is(what, "command") ? ROLE_COMMAND : ROLE_TEXT) || str_is(what, "record"))
			buf_printf(&text, "%s\n", pane->lines[i].text);
	if (text.len == 0)
		review_notice(review, "There is nothing of that here to copy.", now_us);
	mem_free(review->copy);
	review->copy = text.len > 0 ? buf_take(&text) : NULL;
	review->copy_name = line ? "line" : str_is(what, "command") ? "command" : str_is(what, "record") ? "record" : "output";
	buf_done(&text);
}

static void turn(struct review *review, bool *what, const char *arg, int64_t now_us)
{
	*what = arg ? str_is(arg, "on") : !*what;
	if (what == &review->mouse)
		review_notice(review, *what ? "The mouse is on: the wheel moves, a click picks." : "The mouse is off.", now_us);
	else
		review_notice(review, *what ? "Sparing a slow line is on." : "Sparing a slow line is off.", now_us);
}

/* Actions that open something. */
static bool act_open(struct review *review, enum action action, const char *arg, int64_t now_us)
{
	if (action == ACTION_HELP || action == ACTION_PALETTE)
		palette_open(&review->palette, IN_REVIEW, action == ACTION_HELP, NULL, NULL);
	else if (action == ACTION_FIND && arg)
		review_find_text(review, arg, now_us);
	else if (action == ACTION_FIND)
		box_open(review, REVIEW_FIND, "FIND", "In the lines shown and in all outputs (upper and lower case are the same):");
	else if (action == ACTION_KINDS)
		box_open(review, REVIEW_FILTER, "FILTER", "Which lines shall be shown?");
	else if (action == ACTION_NOTE || action == ACTION_PIN)
		open_note(review, action == ACTION_PIN, arg);
	else if (action == ACTION_EXPORT)
		box_open(review, REVIEW_FORMAT, "EXPORT", "The whole session, as:");
	else if (action == ACTION_DIFF)
		box_diff(review, arg);
	else if (action == ACTION_ELSEWHERE)
		show_elsewhere(review, now_us);
	else if (action == ACTION_PANE && review->in_pane)
		review->in_pane = false;
	else if (action == ACTION_PANE || action == ACTION_DETAILS)
		enter_pane(review);
	else
		return false;
	return true;
}

/* Actions that whoever runs the review carries out. */
static bool act_outside(struct review *review, enum action action, const char *arg, int64_t now_us)
{
	if (action == ACTION_PLAY)
		review->play = true;
	else if (action == ACTION_ATTACH && review->running)
		review->attach = true;
	else if (action == ACTION_ATTACH)
		review_notice(review, "No process carries this session now.", now_us);
	else if (action == ACTION_REDRAW)
		review->redraw = true;
	else if (action == ACTION_SUSPEND)
		review->suspend = true;
	else if (action == ACTION_COPY)
		copy(review, arg, now_us);
	else if (action == ACTION_MOUSE)
		turn(review, &review->mouse, arg, now_us);
	else if (action == ACTION_SLOW)
		turn(review, &review->slow, arg, now_us);
	else
		return false;
	return true;
}

static void act(struct review *review, enum action action, const char *arg, int64_t now_us)
{
	if (act_open(review, action, arg, now_us) || act_outside(review, action, arg, now_us))
		return;
	if (action == ACTION_JUMP_BACK || action == ACTION_JUMP_ON) {
		jump(review, action == ACTION_JUMP_ON ? 1 : -1, now_us);
	} else if (action == ACTION_FIND_NEXT || action == ACTION_FIND_PREVIOUS) {
		find_on(review, action == ACTION_FIND_PREVIOUS, now_us);
	} else if (action == ACTION_LEAVE) {
		leave(review);
	} else if (action == ACTION_RAW) {
		review->raw = !review->raw;
		pane_load(review, review->raw);
	} else if (action == ACTION_REFRESH) {
		review_refresh(review);
		review_notice(review, "Read again.", now_us);
	} else {
		act_move(review, action);
	}
}

static void palette_key(struct review *review, const struct press *press, int64_t now_us)
{
	enum palette_did did = palette_press(&review->palette, press);
	enum action action = review->palette.run;
	char *arg;

	if (did == PALETTE_GOES_ON)
		return;
	arg = did == PALETTE_RUNS ? mem_strdup(review->palette.arg) : NULL;
	palette_close(&review->palette);
	if (did == PALETTE_RUNS)
		act(review, action, arg, now_us);
	mem_free(arg);
}

/* The wheel moves, a click picks; nothing is opened or written by the mouse. */
static void mouse(struct review *review, const struct press *press)
{
	bool over = review->dialog.use != USE_CLOSED || review->palette.is_open;

	if (!review->mouse || over)
		return;
	if (press->cp == MOUSE_UP || press->cp == MOUSE_DOWN) {
		move(review, press->cp == MOUSE_UP ? -WHEEL_LINES : WHEEL_LINES);
	} else if (press->cp == 0 && press->row >= review->pane_row && press->row < review->pane_row + review->pane.page) {
		enter_pane(review);
		move_in_pane(review, review->pane.top + press->row - review->pane_row - review->pane.at);
	} else if (press->cp == 0 && press->row >= review->list_row && press->row < review->list_row + review->page) {
		review->in_pane = false;
		review_pick(review, review->top + press->row - review->list_row);
	}
}

static void say_stray(struct review *review, const struct press *press, int64_t now_us)
{
	char *words = keytable_stray(press, NULL);

	review_notice(review, words, now_us);
	mem_free(words);
}

void review_press(struct review *review, const struct press *press, int64_t now_us)
{
	enum action action = press->code == PRESS_ESC ? (review->raw || review->in_pane ? ACTION_LEAVE : ACTION_NONE)
		: keytable_find(IN_REVIEW, press);

	if (press->code == PRESS_MOUSE) {
		mouse(review, press);
		return;
	}
	mem_set(&review->notice, NULL);
	if (keys_stops(press, review->palette.is_open || box_types(review) ? KEYS_FIELD : KEYS_NOWHERE)) {
		review_notice(review, KEYS_BURST_WORDS, now_us);
		return;
	}
	if (review->finding != 0) {
		review_find_stop(review);
		return;
	}
	if (action == ACTION_SUSPEND)
		review->suspend = true;
	else if (review->palette.is_open)
		palette_key(review, press, now_us);
	else if (review->dialog.use != USE_CLOSED)
		box_press(review, press, now_us);
	else if (press->code == PRESS_PASTE)
		review_notice(review, "A paste was ignored: no field is open.", now_us);
	else if (action == ACTION_NONE && press->code != PRESS_ESC)
		say_stray(review, press, now_us);
	else
		act(review, action, NULL, now_us);
}
