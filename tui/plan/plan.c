/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plan/plan_int.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/event/event.h"
#include "tui/part/board.h"

#define REASON_MIN 3	/* bytes of a reason */
#define FORESEEN_MAX ((size_t)8192)	/* bytes of a step's notes */
#define FIELD_COL 20	/* where a setting's value stands */

#define NO_GUARD 0	/* a time: what comes here by a key waits for the terminal alone, not for a clock */

/* Values that are known beforehand, as a person would type them. */
static void fill_in(struct plan *plan, const struct json *values)
{
	struct json *value;
	const char *key;
	void *it = NULL;

	while ((key = json_next(values, &it, &value)) != NULL) {
		char *text = json_as_text(value) ? mem_strdup(json_as_text(value)) : json_print(value);

		json_set_text(plan->values, key, text);
		mem_free(text);
	}
}

struct plan *plan_new(const struct json *data, plan_check_fn *check, void *arg)
{
	struct plan *plan = mem_alloc(sizeof(*plan));

	plan->data = json_copy_of(data);
	plan->check = check;
	plan->check_arg = arg;
	plan->values = json_new_object();
	fill_in(plan, json_at(data, "values"));
	plan->hosts = json_new_object();
	plan->foreseen = json_new_object();
	plan->model = model_new();
	plan->page = 10;
	return plan;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	json_free(plan->data);
	json_free(plan->values);
	json_free(plan->hosts);
	json_free(plan->outside);
	json_free(plan->foreseen);
	model_free(plan->model);
	rows_clear(&plan->rows);
	edit_clear(&plan->edit);
	dialog_close(&plan->dialog);
	palette_close(&plan->palette);
	mem_free(plan->pick);
	mem_free(plan->unfolded);
	mem_free(plan->editing);
	mem_free(plan->error);
	mem_free(plan->reason);
	mem_free(plan->notice);
	mem_free(plan->down);
	mem_free(plan);
}

void plan_host(struct plan *plan, const struct json *line)
{
	const char *host = json_text(line, "host", NULL);

	if (host) {
		json_put(plan->hosts, host, json_copy_of(line));
	} else if (json_at(line, "url")) {
		json_free(plan->outside);
		plan->outside = json_copy_of(line);
	}
}

void plan_asking(struct plan *plan, bool asking)
{
	plan->asking = asking;
}

void plan_rehearsal(struct plan *plan)
{
	model_free(plan->model);
	plan->model = model_new();
	json_free(plan->foreseen);
	plan->foreseen = json_new_object();
	plan->rehearsal = REHEARSAL_RUNS;
}

/* What a step found or foresees, a line each. */
static void keep_note(struct plan *plan, const struct event *ev)
{
	const char *before = json_text(plan->foreseen, ev->step, "");
	struct buf text = { 0 };

	if (strlen(before) + ev->len > FORESEEN_MAX)
		return;
	buf_printf(&text, "%s%s", before, *before ? "\n" : "");
	buf_append(&text, ev->bytes, ev->len);
	json_put(plan->foreseen, ev->step, json_new_text(text.data, text.len));
	buf_done(&text);
}

void plan_event(struct plan *plan, const struct json *line)
{
	struct arena *arena = arena_new();
	struct event ev = { 0 };
	struct err ignored = { 0 };

	if (json_at(line, "kind") && event_from_json(line, arena, &ev, &ignored) == 0) {
		model_apply(plan->model, &ev);
		if (ev.kind == EVENT_NOTE && ev.bytes && ev.step && *ev.step)
			keep_note(plan, &ev);
	}
	arena_free(arena);
}

void plan_rehearsed(struct plan *plan)
{
	plan->rehearsal = REHEARSAL_OVER;
}

bool plan_is_rehearsed(const struct plan *plan)
{
	return *plan->model->outcome;
}

int64_t plan_session(const struct plan *plan)
{
	return plan->rehearsal == REHEARSAL_RUNS ? plan->model->session : 0;
}

bool plan_down(struct plan *plan, const char *words)
{
	if (str_is(words, plan->down))
		return false;
	mem_set(&plan->down, words);
	return true;
}

void plan_notice(struct plan *plan, const char *text)
{
	struct buf safe = { 0 };

	utf8_safe(&safe, text, strlen(text), false);
	mem_free(plan->notice);
	plan->notice = buf_take(&safe);
}

const struct json *plan_values(const struct plan *plan)
{
	return plan->values;
}

const char *plan_reason(const struct plan *plan)
{
	return plan->reason;
}

struct front *plan_front(struct plan *plan)
{
	return plan->palette.is_open ? NULL : dialog_front(&plan->dialog);
}

/* ---- settings ---- */

static void edit_setting(struct plan *plan, const char *name)
{
	const struct json *param = plan_param(plan, name);
	const char *value = json_text(plan->values, name, NULL), *usual = json_text(param, "default", "");
	char *key;

	if (str_is(json_text(param, "type", ""), "secret")) {
		key = mem_printf("setting %s", name);
		mem_set(&plan->unfolded, key);
		mem_free(key);
		return;
	}
	mem_set(&plan->editing, name);
	mem_set(&plan->error, NULL);
	edit_clear(&plan->edit);
	value = value ? value : usual;
	edit_paste(&plan->edit, value, strlen(value));
}

static void end_edit(struct plan *plan)
{
	edit_clear(&plan->edit);
	mem_set(&plan->editing, NULL);
	mem_set(&plan->error, NULL);
}

static void take_setting(struct plan *plan)
{
	const struct json *param = plan_param(plan, plan->editing);
	const char *text = plan->edit.text;
	struct err e = { 0 };

	if (!*text && (json_at(param, "default") || json_bool(param, "optional", false))) {
		json_set_text(plan->values, plan->editing, NULL);
	} else if (plan->check(plan->check_arg, plan->editing, text, &e) < 0) {
		mem_set(&plan->error, e.text);
		return;
	} else {
		json_set_text(plan->values, plan->editing, text);
	}
	end_edit(plan);
}

/* The choice by steps from what is typed now. */
static void next_choice(struct plan *plan, const struct json *choices, long by)
{
	long count = (long)json_count(choices), at = by > 0 ? -1 : 0;
	const char *text;

	if (count == 0)
		return;
	for (long i = 0; i < count; i++)
		if (str_is(json_as_text(json_item(choices, (size_t)i)), plan->edit.text))
			at = i;
	text = json_as_text(json_item(choices, (size_t)((at + by + count) % count)));
	edit_clear(&plan->edit);
	if (text)
		edit_paste(&plan->edit, text, strlen(text));
}

static void press_edit(struct plan *plan, const struct press *press)
{
	const struct json *choices = json_at(plan_param(plan, plan->editing), "choices");
	bool back = press->code == PRESS_UP || press->code == PRESS_LEFT, on = press->code == PRESS_DOWN || press->code == PRESS_RIGHT;

	if (press->code == PRESS_ENTER)
		take_setting(plan);
	else if (press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C'))
		end_edit(plan);
	else if (json_type_of(choices) == JSON_IS_ARRAY && (back || on))
		next_choice(plan, choices, on ? 1 : -1);
	else
		edit_press(&plan->edit, press);
}

/* ---- starting ---- */

static void missing_words(const struct plan *plan, struct buf *out)
{
	const struct json *params = json_at(plan->data, "params");
	const char *gap = "Not filled in, so the walk asks for it: ";

	for (size_t i = 0; i < json_count(params); i++) {
		if (!plan_is_missing(plan, json_item(params, i)))
			continue;
		buf_printf(out, "%s%s", gap, json_text(json_item(params, i), "name", ""));
		gap = ", ";
	}
	buf_puts(out, *gap == ',' ? ".\n" : "");
	gap = "Asked in the walk, when enough is known: ";
	for (size_t i = 0; i < json_count(params); i++) {
		const char *name = json_text(json_item(params, i), "name", "");

		if (!json_bool(json_item(params, i), "later", false) || json_at(plan->values, name))
			continue;
		buf_printf(out, "%s%s", gap, name);
		gap = ", ";
	}
	buf_puts(out, *gap == ',' ? ".\n" : "");
}

static void ask_start(struct plan *plan)
{
	const char *fleet = json_text(json_at(plan->data, "fleet"), "name", NULL);
	struct buf text = { 0 }, failed = { 0 }, about = { 0 };
	int failures = plan_failures(plan, &failed);

	buf_printf(&text, "Starts the walk “%s”%s%s. Steps that only look run at once; before every change it shows the exact commands and asks. You can leave at any time.\n",
		json_text(plan->data, "title", ""), fleet ? " on the fleet " : "", fleet ? fleet : "");
	plan_version_words(plan, &text);
	buf_puts(&text, json_at(plan->outside, "version") ? "\n" : "");
	plan_pause_words(plan, &about);
	buf_puts(&about, plan_no_return(plan) ? "\n" : "");
	plan_no_return_words(plan, &about);
	buf_printf(&text, "%s\n", buf_text(&about));
	missing_words(plan, &text);
	if (failures)
		buf_printf(&text, "%sTo start nevertheless, type why. It is kept in the journal.", buf_text(&failed));
	else if (plan->rehearsal != REHEARSAL_OVER)
		buf_puts(&text, "The steps that only look were not tried beforehand (p does).");
	dialog_open(&plan->dialog, failures ? DIALOG_FIELD : DIALOG_LIST, PLAN_START, "START", buf_text(&text));
	if (!failures) {
		dialog_option(&plan->dialog, (struct dialog_option){ .use = PLAN_START }, "start the walk", "");
		dialog_option(&plan->dialog, (struct dialog_option){ .use = PLAN_STAY }, "not now", "");
	}
	dialog_decides(&plan->dialog);
	buf_done(&text);
	buf_done(&failed);
	buf_done(&about);
}

static enum plan_do press_dialog(struct plan *plan, const struct press *press)
{
	struct dialog *dialog = &plan->dialog;
	enum plan_do what = PLAN_START;

	if (!dialog_take(dialog, press, NO_GUARD))
		return PLAN_STAY;
	if (dialog->kind == DIALOG_LIST) {
		what = (enum plan_do)dialog->options[dialog->pick].use;
	} else if (dialog->edit.len < REASON_MIN || !utf8_says(dialog->edit.text)) {
		dialog_error(dialog, "A reason is needed: some words that the people who read the journal will understand.");
		return PLAN_STAY;
	} else {
		mem_set(&plan->reason, dialog->edit.text);
	}
	dialog_close(dialog);
	return what;
}

/* A dry run in the background has nobody who could answer. */
static enum plan_do rehearse(struct plan *plan)
{
	const struct json *params = json_at(plan->data, "params");

	if (plan->rehearsal == REHEARSAL_RUNS) {
		plan_notice(plan, "The dry run is not over yet.");
		return PLAN_STAY;
	}
	for (size_t i = 0; i < json_count(params); i++) {
		char *text;

		if (!plan_is_missing(plan, json_item(params, i)))
			continue;
		text = mem_printf("Fill in %s first: nobody can be asked in the background. Enter on it lets you type.", json_text(json_item(params, i), "name", ""));
		plan_notice(plan, text);
		mem_free(text);
		return PLAN_STAY;
	}
	return PLAN_REHEARSE;
}

/* ---- keys ---- */

static void move(struct plan *plan, long by)
{
	long at = rows_find(&plan->rows, plan->pick);

	at = at < 0 ? rows_step(&plan->rows, -1, 1) : rows_step(&plan->rows, at, by);
	if (at >= 0)
		mem_set(&plan->pick, plan->rows.row[at].key);
}

static void open_picked(struct plan *plan)
{
	if (plan->pick && str_starts(plan->pick, "setting "))
		edit_setting(plan, plan->pick + strlen("setting "));
	else
		mem_set(&plan->unfolded, str_is(plan->unfolded, plan->pick) ? NULL : plan->pick);
}

static long distance(const struct plan *plan, enum action action)
{
	long whole = (long)plan->rows.count, half = plan->page / 2 + 1;

	return action == ACTION_UP ? -1 : action == ACTION_DOWN ? 1 : action == ACTION_PAGE_UP ? -half : action == ACTION_PAGE_DOWN ? half
		: action == ACTION_TOP ? -whole : action == ACTION_FOLLOW ? whole : 0;
}

static enum plan_do act(struct plan *plan, enum action action)
{
	long by = distance(plan, action);

	if (by)
		move(plan, by);
	if (action == ACTION_TOP)
		plan->top = 0;
	else if (action == ACTION_HELP || action == ACTION_PALETTE)
		palette_open(&plan->palette, IN_PLAN, action == ACTION_HELP, NULL, NULL);
	else if (action == ACTION_OPEN)
		open_picked(plan);
	else if (action == ACTION_START)
		ask_start(plan);
	else if (action == ACTION_REHEARSE)
		return rehearse(plan);
	return action == ACTION_DRY_RUN ? PLAN_DRY_RUN : action == ACTION_CHECK ? PLAN_CHECK : action == ACTION_REDRAW ? PLAN_REDRAW
		: action == ACTION_SUSPEND ? PLAN_SUSPEND : action == ACTION_LEAVE ? PLAN_HOME : PLAN_STAY;
}

static enum plan_do press_palette(struct plan *plan, const struct press *press)
{
	enum palette_did did = palette_press(&plan->palette, press);
	enum action action = plan->palette.run;

	if (did != PALETTE_GOES_ON)
		palette_close(&plan->palette);
	return did == PALETTE_RUNS ? act(plan, action) : PLAN_STAY;
}

static enum plan_do press_key(struct plan *plan, const struct press *press)
{
	enum action action = keytable_find(IN_PLAN, press);
	char *words;

	if (action != ACTION_NONE)
		return act(plan, action);
	words = keytable_stray(press, NULL);
	plan_notice(plan, words);
	mem_free(words);
	return PLAN_STAY;
}

/* The dialog lies over the line where notices stand. */
static void burst(struct plan *plan)
{
	if (plan->dialog.kind != DIALOG_NONE && !plan->palette.is_open)
		dialog_error(&plan->dialog, KEYS_BURST_WORDS);
	else
		plan_notice(plan, KEYS_BURST_WORDS);
}

/* In a window where nothing can be read nothing is chosen. */
static enum plan_do press_blind(const struct press *press)
{
	if (press->code == PRESS_CTRL && press->cp == 'Z')
		return PLAN_SUSPEND;
	return press->code == PRESS_CHAR && press->cp == 'q' ? PLAN_HOME : PLAN_STAY;
}

enum plan_do plan_press(struct plan *plan, const struct press *press)
{
	if (plan->blind)
		return press_blind(press);
	mem_set(&plan->notice, NULL);
	if (keys_stops(press, plan->palette.is_open || (plan->editing && plan->dialog.kind == DIALOG_NONE) ? KEYS_FIELD : dialog_place(&plan->dialog))) {
		burst(plan);
		return PLAN_STAY;
	}
	if (plan->palette.is_open)
		return press_palette(plan, press);
	if (plan->dialog.kind != DIALOG_NONE)
		return press_dialog(plan, press);
	if (plan->editing) {
		press_edit(plan, press);
		return PLAN_STAY;
	}
	if (press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C'))
		return PLAN_HOME;
	return press_key(plan, press);
}

/* ---- drawing ---- */

static const char *advice(const struct plan *plan)
{
	if (plan->editing)
		return "Enter takes it, Esc leaves it as it was.";
	if (plan->pick && str_starts(plan->pick, "setting "))
		return "Enter lets you change it.";
	return "Enter shows more or less. Nothing was changed yet; S asks before it starts.";
}

/* The line being typed lies over the value in the list. */
static void draw_field(const struct plan *plan, struct canvas *canvas, struct area body, long pick)
{
	if (plan->editing && pick >= plan->top && pick < plan->top + body.rows)
		edit_draw(&plan->edit, canvas, (struct area){ body.row + (int)(pick - plan->top), FIELD_COL,
			1, body.cols - FIELD_COL - 1 });
}

void plan_draw(struct plan *plan, struct canvas *canvas, int64_t wall_us)
{
	struct area body = { 1, 0, canvas->rows - 4, canvas->cols }, over = { 1, 0, canvas->rows - 2, canvas->cols };
	char *title = mem_printf(" bellbook  PLAN  %s", json_text(plan->data, "title", ""));
	long pick, show;

	canvas_clear(canvas);
	plan->blind = board_too_small(canvas);
	if (!plan->blind) {
		plan_build(plan, canvas->cols - 2);
		pick = rows_find(&plan->rows, plan->pick);
		if (pick < 0) {
			pick = rows_step(&plan->rows, -1, 1);
			mem_set(&plan->pick, pick >= 0 ? plan->rows.row[pick].key : NULL);
		}
		plan->page = body.rows;
		/* What belongs to the picked row is below it. */
		show = pick;
		while (show >= 0 && show + 1 < (long)plan->rows.count && !plan->rows.row[show + 1].key && show - pick < body.rows / 2 && plan->rows.row[show + 1].text[0] == ' ')
			show++;
		plan->top = rows_top(&plan->rows, show, plan->top, body.rows);
		if (pick >= 0 && plan->top > pick)
			plan->top = pick;
		board_header(canvas, title, plan->down, "nothing changed yet", wall_us);
		rows_draw(&plan->rows, canvas, body, plan->editing ? -1 : pick, plan->top);
		draw_field(plan, canvas, body, pick);
		board_say(canvas, canvas->rows - 2, plan->notice ? ROLE_WARN : ROLE_DIM, plan->notice ? plan->notice : advice(plan));
		if (plan->editing)
			canvas_text(canvas, canvas->rows - 1, 1, canvas->cols - 1, ROLE_DIM, "Letters go into the field: the plan's keys are back when it is closed.");
		else
			board_bottom(canvas, IN_PLAN, ACTION_NONE);
		if (plan->dialog.kind != DIALOG_NONE)
			dialog_draw(&plan->dialog, &(struct dialog_look){ .arg = NULL }, canvas, over);
		if (plan->palette.is_open)
			palette_draw(&plan->palette, canvas, over);
	}
	mem_free(title);
}
