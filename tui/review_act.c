/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>

#include "base/mem.h"
#include "base/str.h"
#include "tui/review_int.h"
#include "tui/review_keys.h"

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
	if (!review->find)
		review_notice(review, "Search with / first.", now_us);
	else if (!review_find(review, backwards))
		review_notice(review, backwards ? "Not found above." : "Not found below.", now_us);
}

static void help(struct review *review)
{
	struct buf text = { 0 };

	for (const struct review_key *key = review_keys(); key->action != REVIEW_NOTHING; key++)
		if (key->help)
			buf_printf(&text, "%-7s %s\n", str_is(key->name, "[ ]") ? "]" : key->name, key->help);
	buf_puts(&text, "\nThe strip is the time of the walk: . site up  # site down  X failed, nothing decided yet  ~ waiting for a person\n"
			"The last column is the same step in the run before, where there is room for it.\n"
			"Nothing that was recorded can be changed here. Notes and pins are added, with your name and the time of now.");
	box_open(review, REVIEW_HELP, "REVIEW", buf_text(&text));
	buf_done(&text);
}

static void open_note(struct review *review, bool pin)
{
	const struct mark *mark = review_mark(review);
	const struct pane *pane = &review->pane;
	struct buf text = { 0 };

	if (!mark)
		return;
	box_open(review, pin ? REVIEW_PIN : REVIEW_NOTE, pin ? "PIN" : "NOTE", pin ? "Stands in the timeline at the time of this line, with your name:"
		: "Written now, with your name, about this step:");
	if (!pin)
		return;
	if (review->in_pane && pane->at < (long)pane->count)
		buf_puts(&text, pane->lines[pane->at].text);
	else
		timeline_text(review->timeline, review->store, mark, &text);
	edit_paste(&review->edit, buf_text(&text), text.len);
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

static void act_move(struct review *review, enum review_action action)
{
	int page = review->in_pane || review->raw ? review->pane.page : review->page;

	if (action == REVIEW_ACT_UP || action == REVIEW_ACT_DOWN)
		move(review, action == REVIEW_ACT_UP ? -1 : 1);
	else if (action == REVIEW_ACT_PAGE_UP || action == REVIEW_ACT_PAGE_DOWN)
		move(review, action == REVIEW_ACT_PAGE_UP ? -page : page);
	else if (action == REVIEW_ACT_TOP || action == REVIEW_ACT_BOTTOM)
		move(review, action == REVIEW_ACT_TOP ? -FAR : FAR);
}

static void act_open(struct review *review, enum review_action action)
{
	if (action == REVIEW_ACT_HELP)
		help(review);
	else if (action == REVIEW_ACT_FIND)
		box_open(review, REVIEW_FIND, "FIND", "In the lines shown and in all outputs (upper and lower case are the same):");
	else if (action == REVIEW_ACT_FILTER)
		box_open(review, REVIEW_FILTER, "FILTER", "Which lines shall be shown?");
	else if (action == REVIEW_ACT_NOTE || action == REVIEW_ACT_MARK)
		open_note(review, action == REVIEW_ACT_MARK);
	else if (action == REVIEW_ACT_EXPORT)
		box_open(review, REVIEW_FORMAT, "EXPORT", "The whole session, as:");
	else if (action == REVIEW_ACT_PANE && review->in_pane)
		review->in_pane = false;
	else if (action == REVIEW_ACT_PANE || action == REVIEW_ACT_OPEN)
		enter_pane(review);
}

static void act(struct review *review, enum review_action action, int64_t now_us)
{
	if (action == REVIEW_ACT_BACK || action == REVIEW_ACT_ON)
		jump(review, action == REVIEW_ACT_ON ? 1 : -1, now_us);
	else if (action == REVIEW_ACT_NEXT || action == REVIEW_ACT_PREVIOUS)
		find_on(review, action == REVIEW_ACT_PREVIOUS, now_us);
	else if (action == REVIEW_ACT_LEAVE)
		leave(review);
	else if (action == REVIEW_ACT_RAW) {
		review->raw = !review->raw;
		if (review->raw)
			pane_load(review, true);
	} else if (action == REVIEW_ACT_PLAY)
		review->play = true;
	else if (action == REVIEW_ACT_REFRESH) {
		review_refresh(review);
		review_notice(review, "Read again.", now_us);
	} else if (action == REVIEW_ACT_ATTACH && review->running)
		review->attach = true;
	else if (action == REVIEW_ACT_ATTACH)
		review_notice(review, "No process carries this session now.", now_us);
	else if (action == REVIEW_ACT_REDRAW)
		review->redraw = true;
	else if (action == REVIEW_ACT_SUSPEND)
		review->suspend = true;
	else
		act_move(review, action);
}

void review_press(struct review *review, const struct press *press, int64_t now_us)
{
	enum review_action action;

	mem_set(&review->notice, NULL);
	if (review->box.use != USE_CLOSED) {
		box_press(review, press, now_us);
		return;
	}
	if (press->code == PRESS_PASTE) {
		review_notice(review, "A paste was ignored: no field is open.", now_us);
		return;
	}
	action = press->code == PRESS_ESC ? (review->raw || review->in_pane ? REVIEW_ACT_LEAVE : REVIEW_NOTHING)
		: review_key_find(review_keys(), press);
	act_open(review, action);
	act(review, action, now_us);
}
