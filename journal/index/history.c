/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/index/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/store/health.h"
#include "journal/model/model.h"
#include "journal/store/place.h"
#include "journal/store/store.h"

/*
 * A summary is made by folding a session's events but its output. It is kept until the session moves; of one that
 * is not over the fold itself is kept, too, and goes on where it was. So a screen which looks every few seconds
 * reads little more than the list of sessions. A session with very many events is read to a bound. When a reading
 * takes long it stops between two sessions, and the next one goes on.
 */

#define OPEN_MAX 20
#define BUDGET_US (TIME_SECOND / 5)
#define EVENTS_MAX 50000	/* of one session */
#define NOTES 3
#define HOSTS 6		/* of a step */
#define NOTE_MAX 400		/* bytes of a note that are kept */

struct fold {
	int64_t session;
	struct model *model;	/* owned */
	struct json *notes;	/* owned */
	int64_t events;
	bool cut;
};

struct history {
	struct json *sessions;	/* owned: array, newest first */
	struct fold *folds;	/* owned: of sessions that are not over */
	size_t fold_count;
	bool behind;		/* sessions were left out for now */
	bool checked;		/* the journal, once: what is damaged is said before anything is shown */
};

static void fold_done(struct fold *fold)
{
	model_free(fold->model);
	json_free(fold->notes);
}

struct history *history_new(void)
{
	struct history *history = mem_alloc(sizeof(*history));

	history->sessions = json_new_array();
	return history;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->fold_count; i++)
		fold_done(&history->folds[i]);
	mem_free(history->folds);
	json_free(history->sessions);
	mem_free(history);
}

const struct json *history_sessions(const struct history *history)
{
	return history->sessions;
}

bool history_is_behind(const struct history *history)
{
	return history->behind;
}

/* ---- one session ---- */

static void keep_note(struct fold *fold, const struct event *ev)
{
	size_t len = ev->len < NOTE_MAX ? ev->len : NOTE_MAX;
	struct json *note;

	if (!ev->bytes || !len || str_is(ev->who, "bellbook"))
		return;
	note = json_new_object();
	json_set_int(note, "at_us", ev->at_us);
	json_set_text(note, "who", ev->who ? ev->who : "");
	json_put(note, "text", json_new_text(ev->bytes, len));
	json_add(fold->notes, note);
}

static bool fold_event(void *arg, const struct event *ev)
{
	struct fold *fold = arg;

	if (ev->kind == EVENT_NOTE)
		keep_note(fold, ev);
	model_apply(fold->model, ev);
	fold->cut = ++fold->events >= EVENTS_MAX;
	return !fold->cut;
}

static struct json *last_notes(const struct json *notes)
{
	struct json *last = json_new_array();
	size_t n = json_count(notes);

	for (size_t i = n > NOTES ? n - NOTES : 0; i < n; i++)
		json_add(last, json_copy_of(json_item(notes, i)));
	return last;
}

/* Host of the call that is in doubt, or "". */
static const char *doubt_host(const struct model *model, const struct model_step *step)
{
	for (size_t i = model->call_count; i-- > 0;)
		if (model->calls[i].state == CALL_UNKNOWN && str_is(model->calls[i].step, step->id))
			return model->calls[i].host;
	return "";
}

static struct json *doubts_of(const struct model *model)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];
		struct json *one;

		if (step->state != STEP_IN_DOUBT || model->state == SESSION_CLOSED)
			continue;
		one = json_new_object();
		json_set_text(one, "step", step->id);
		json_set_text(one, "title", step->title);
		json_set_text(one, "host", doubt_host(model, step));
		json_add(list, one);
	}
	return list;
}

/* Hosts that the step's calls went to, the first few. */
static struct json *hosts_of(const struct model *model, const struct model_step *step)
{
	struct json *hosts = json_new_object(), *list = json_new_array(), *value;
	const char *host;
	void *it = NULL;

	for (size_t i = 0; i < model->call_count && json_count(hosts) < HOSTS; i++)
		if (*model->calls[i].host && str_is(model->calls[i].step, step->id))
			json_set_bool(hosts, model->calls[i].host, true);
	while ((host = json_next(hosts, &it, &value)) != NULL)
		json_add(list, json_new_text(host, strlen(host)));
	json_free(hosts);
	return list;
}

static struct json *steps_of(const struct fold *fold)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < fold->model->step_count; i++) {
		const struct model_step *step = &fold->model->steps[i];
		struct json *one = json_new_object();

		json_set_text(one, "id", step->id);
		json_set_text(one, "state", step_state_name(step->state));
		json_set_int(one, "took_us", step->took_us);
		json_set_int(one, "wait_us", step->people_us);
		if (*step->reason)
			json_set_text(one, "reason", step->reason);
		if (step->attempt)
			json_put(one, "hosts", hosts_of(fold->model, step));
		json_add(list, one);
	}
	return list;
}

static void set_times(struct json *one, const struct fold *fold, const struct store_session *row)
{
	int64_t end = row->closed_us ? row->closed_us : row->last_us, work = 0;
	const struct model *model = fold->model;

	for (size_t i = 0; i < model->step_count; i++)
		work += model->steps[i].took_us;
	json_set_int(one, "opened_us", row->opened_us);
	json_set_int(one, "last_us", row->last_us);
	if (row->closed_us)
		json_set_int(one, "closed_us", row->closed_us);
	json_set_int(one, "took_us", end > row->opened_us ? end - row->opened_us : 0);
	json_set_int(one, "work_us", work);
	json_set_int(one, "wait_us", model->people_us);
	json_set_int(one, "down_us", model_down_us(model, end));
}

static struct json *summary(const struct fold *fold, const struct store_session *row)
{
	const struct model *model = fold->model;
	struct json *one = json_new_object(), *down = model_down(model);
	long now = model_current(model);
	size_t over = 0;

	for (size_t i = 0; i < model->step_count; i++)
		over += step_state_is_over(model->steps[i].state);
	json_set_int(one, "session", row->session);
	json_set_text(one, "runbook", model->runbook);
	json_set_text(one, "title", model->title);
	json_set_text(one, "fleet", model->fleet);
	json_set_text(one, "who", model->who);
	json_set_text(one, "state", row->closed_us ? *model->outcome ? model->outcome : "closed" : "open");
	json_set_bool(one, "running", false);
	json_set_bool(one, "dry_run", model->dry_run);
	json_set_bool(one, "cut", fold->cut);
	set_times(one, fold, row);
	json_set_int(one, "failures", model->failures);
	json_set_int(one, "left_out", (int64_t)model_left_out(model));
	json_set_int(one, "put_off", (int64_t)model_put_off(model));
	json_set_int(one, "step", now >= 0 ? now + 1 : (int64_t)over);
	json_set_int(one, "steps", (int64_t)model->step_count);
	json_set_text(one, "at", now >= 0 ? model->steps[now].title : "");
	json_set_text(one, "at_state", now >= 0 ? step_state_name(model->steps[now].state) : "");
	if (model->ask_count && !row->closed_us)
		json_set_text(one, "waits", model->asks[0].text);
	json_put(one, "doubts", doubts_of(model));
	json_put(one, "notes", last_notes(fold->notes));
	json_put(one, "list", steps_of(fold));
	if (model->way_back)
		json_put(one, "way_back", json_copy_of(model->way_back));
	if (down)
		json_put(one, "down", down);
	json_put(one, "params", json_copy_of(model->params));
	return one;
}

/* The fold of a session as far as it got. Borrowed until the next call. */
static struct fold *fold_of(struct history *history, int64_t session)
{
	for (size_t i = 0; i < history->fold_count; i++)
		if (history->folds[i].session == session)
			return &history->folds[i];
	history->folds = mem_more(history->folds, history->fold_count, sizeof(*history->folds));
	history->folds[history->fold_count] = (struct fold){.session = session, .model = model_new(), .notes = json_new_array()};
	return &history->folds[history->fold_count++];
}

static struct json *read_session(struct history *history, struct store *store, const struct store_session *row, struct err *e)
{
	struct fold *fold = fold_of(history, row->session);
	int64_t after = fold->model->last_seq ? fold->model->last_seq : row->session - 1;
	struct json *one = NULL;

	if (fold->cut || store_each_marker(store, row->session, after, fold_event, fold, e) == 0)
		one = summary(fold, row);
	if (row->closed_us || !one) {
		fold_done(fold);
		*fold = history->folds[--history->fold_count];
	}
	return one;
}

/* ---- all of them ---- */

struct wanted {
	struct store_session *rows;	/* owned; without their strings */
	size_t count;
};

static bool want(void *arg, const struct store_session *row)
{
	struct wanted *wanted = arg;

	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->rows[i].session == row->session)
			return true;
	wanted->rows = mem_more(wanted->rows, wanted->count, sizeof(*row));
	wanted->rows[wanted->count++] = (struct store_session){.session = row->session, .opened_us = row->opened_us, .last_us = row->last_us, .closed_us = row->closed_us};
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct store_session *x = a, *y = b;

	return x->session < y->session ? 1 : x->session > y->session ? -1 : 0;
}

/* The summary made before, when the session has not moved since. */
static struct json *known(const struct history *history, const struct store_session *row)
{
	for (size_t i = 0; i < json_count(history->sessions); i++) {
		const struct json *one = json_item(history->sessions, i);

		if (json_int(one, "session", 0) == row->session)
			return json_int(one, "last_us", 0) == row->last_us && json_int(one, "closed_us", 0) == row->closed_us ? json_copy_of(one) : NULL;
	}
	return NULL;
}

/* True when the later session leaves nothing to go back to from the earlier one: it goes back or went back, goes on with it, or has a way back of its own. */
static bool shuts(const struct json *later, const struct json *earlier)
{
	const char *runbook = json_text(later, "runbook", ""), *state = json_text(later, "state", "");

	if (json_bool(later, "dry_run", false) || !str_is(json_text(later, "fleet", ""), json_text(earlier, "fleet", "")))
		return false;
	if (str_is(runbook, json_text(json_at(earlier, "way_back"), "runbook", "")))
		return str_is(state, "open") || str_is(state, "ok");
	return str_is(runbook, json_text(earlier, "runbook", "")) && (str_is(state, "open") || json_at(later, "way_back"));
}

/* Which ways back are still open, as far as the journal can tell. */
static void mark_ways_back(struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		struct json *one = json_item(list, i);
		bool open = json_at(one, "way_back") != NULL;

		for (size_t k = 0; open && k < i; k++)
			open = !shuts(json_item(list, k), one);
		if (json_at(one, "way_back"))
			json_set_bool(one, "back_open", open);
	}
}

static int read_all(struct history *history, struct store *store, const struct wanted *wanted, struct err *e)
{
	int64_t until = time_mono_us() + BUDGET_US;
	struct json *list = json_new_array();

	history->behind = false;
	for (size_t i = 0; i < wanted->count; i++) {
		struct json *one = known(history, &wanted->rows[i]);

		if (!one && time_mono_us() > until) {
			history->behind = true;
			continue;
		}
		if (!one)
			one = read_session(history, store, &wanted->rows[i], e);
		if (!one) {
			json_free(list);
			return -1;
		}
		json_set_bool(one, "running", !wanted->rows[i].closed_us && lease_is_held(store_path(store), wanted->rows[i].session));
		json_add(list, one);
	}
	mark_ways_back(list);
	json_free(history->sessions);
	history->sessions = list;
	return 0;
}

int history_read(struct history *history, const char *journal, bool open_only, int64_t limit, struct err *e)
{
	struct store *store = history->checked || health_check(journal, e) == 0 ? store_open(journal, STORE_READ, e) : NULL;
	struct wanted wanted = {0};
	int result;

	if (!store && e->kind == ERR_NOTFOUND) {
		json_free(history->sessions);
		history->sessions = json_new_array();
		err_clear(e);
		return 0;
	}
	if (!store)
		return -1;
	history->checked = true;
	result = store_sessions(store, true, OPEN_MAX, want, &wanted, e);
	if (result == 0 && !open_only)
		result = store_sessions(store, false, limit, want, &wanted, e);
	if (wanted.count)
		qsort(wanted.rows, wanted.count, sizeof(*wanted.rows), newest_first);
	if (result == 0)
		result = read_all(history, store, &wanted, e);
	mem_free(wanted.rows);
	store_close(store);
	return result;
}
