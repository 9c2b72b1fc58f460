/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/export/export.h"
#include "journal/model/model.h"
#include "journal/store/place.h"
#include "journal/store/store.h"

static void set_time(struct json *object, const char *key, int64_t at_us)
{
	char room[TIME_TEXT];

	json_set_text(object, key, time_format(at_us, room));
}

static struct json *parse(const char *text)
{
	struct err ignored = {0};

	return text && text[0] ? json_parse(text, strlen(text), &ignored) : NULL;
}

static bool add_row(void *arg, const struct store_session *row)
{
	struct json *opened = parse(row->opened), *closed = parse(row->closed);
	const struct json *runbook = json_at(opened, "runbook");
	struct json *one = json_new_object();
	int64_t end = row->closed_us ? row->closed_us : row->last_us;

	json_set_int(one, "session", row->session);
	json_set_text(one, "runbook", json_text(runbook, "id", ""));
	json_set_text(one, "title", json_text(runbook, "title", ""));
	json_set_text(one, "fleet", json_text(json_at(opened, "fleet"), "name", ""));
	json_set_text(one, "who", row->who ? row->who : "");
	json_set_text(one, "state", row->closed_us ? json_text(closed, "outcome", "closed") : "open");
	json_set_bool(one, "running", false);
	json_set_bool(one, "dry_run", json_bool(opened, "dry_run", false));
	set_time(one, "opened", row->opened_us);
	if (row->closed_us)
		set_time(one, "closed", row->closed_us);
	set_time(one, "last", row->last_us);
	json_set_int(one, "took_us", end > row->opened_us ? end - row->opened_us : 0);
	json_set_int(one, "step", 0);
	json_set_int(one, "steps", (int64_t)json_count(json_at(opened, "steps")));
	json_add(arg, one);
	json_free(opened);
	json_free(closed);
	return true;
}

/* Only the last step entered matters: its data are read once, at the end. */
static bool keep_entered(void *arg, const struct event *ev)
{
	if (ev->kind == EVENT_STEP_ENTERED)
		mem_set(arg, ev->data ? ev->data : "");
	return true;
}

static int add_progress(struct store *store, const char *journal, struct json *one, struct err *e)
{
	int64_t session = json_int(one, "session", 0), opened;
	char *data = NULL;
	struct json *entered;

	if (store_each_marker(store, session, 0, keep_entered, &data, e) < 0) {
		mem_free(data);
		return -1;
	}
	entered = parse(data);
	if (entered) {
		json_set_int(one, "step", json_int(entered, "index", 0));
		json_set_int(one, "steps", json_int(entered, "total", json_int(one, "steps", 0)));
	}
	if (str_is(json_text(one, "state", ""), "open") && lease_is_held(journal, session)) {
		json_set_bool(one, "running", true);
		if (time_parse(json_text(one, "opened", ""), &opened) == 0 && time_wall_us() > opened)
			json_set_int(one, "took_us", time_wall_us() - opened);
	}
	json_free(entered);
	mem_free(data);
	return 0;
}

/* Without an index: every marker of every session is read. */
static struct json *sessions_of_store(const char *journal, bool only_open, int64_t limit, struct err *e)
{
	struct store *store = store_open(journal, STORE_READ, e);
	struct json *list;
	int result;

	if (!store)
		return NULL;
	list = json_new_array();
	result = store_sessions(store, only_open, limit, add_row, list, e);
	for (size_t i = 0; result == 0 && i < json_count(list); i++)
		result = add_progress(store, journal, json_item(list, i), e);
	store_close(store);
	if (result < 0) {
		json_free(list);
		return NULL;
	}
	return list;
}

/* --- by the index --- */

struct found {
	struct json *list;
	const char *journal;
};

static void put_counts(struct json *one, const struct index_session *row)
{
	const struct { const char *key; int64_t n; } counts[] = {
		{ "step", row->step }, { "steps", row->steps }, { "ok", row->ok }, { "warn", row->warn }, { "failed", row->failed },
		{ "skipped", row->skipped }, { "deferred", row->deferred }, { "left_out", row->left_out }, { "in_doubt", row->in_doubt }, { "unsettled", row->unsettled },
		{ "failures", row->failures }, { "warnings", row->warnings }, { "notes", row->notes }, { "resumed", row->resumed },
		{ "active_us", row->active_us }, { "waited_us", row->waited_us }, { "down_us", row->down_us },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_set_int(one, counts[i].key, counts[i].n);
}

static bool add_found(void *arg, const struct index_session *row)
{
	struct found *found = arg;
	struct json *one = json_new_object();
	bool running = !row->outcome[0] && lease_is_held(found->journal, row->session);
	int64_t end = row->closed_us ? row->closed_us : running ? time_wall_us() : row->last_us;

	json_set_int(one, "session", row->session);
	json_set_text(one, "runbook", row->runbook);
	json_set_text(one, "title", row->title);
	json_set_text(one, "fleet", row->fleet);
	json_set_text(one, "who", row->who);
	json_set_text(one, "state", row->outcome[0] ? row->outcome : "open");
	json_set_text(one, "reason", row->reason);
	json_set_bool(one, "running", running);
	json_set_bool(one, "dry_run", row->dry_run);
	set_time(one, "opened", row->opened_us);
	if (row->closed_us)
		set_time(one, "closed", row->closed_us);
	set_time(one, "last", row->last_us);
	json_set_int(one, "took_us", end > row->opened_us ? end - row->opened_us : 0);
	put_counts(one, row);
	if (row->down_since_us)
		set_time(one, "down_since", row->down_since_us);
	if (row->doubt_step[0] || row->doubt_host[0]) {
		struct json *doubt = json_new_object();

		json_set_text(doubt, "step", row->doubt_step);
		json_set_text(doubt, "host", row->doubt_host);
		json_put(one, "doubt", doubt);
	}
	json_put(one, "people", row->people ? json_copy_of(row->people) : json_new_array());
	json_put(one, "hosts", row->hosts ? json_copy_of(row->hosts) : json_new_array());
	json_add(found->list, one);
	return true;
}

struct json *export_sessions_found(struct index *index, const char *journal, const struct index_filter *filter, struct err *e)
{
	struct found found = { .list = json_new_array(), .journal = journal };

	if (index_sessions(index, filter, add_found, &found, e) == 0)
		return found.list;
	json_free(found.list);
	return NULL;
}

struct json *export_sessions(const char *journal, bool only_open, int64_t limit, struct err *e)
{
	const struct index_filter filter = { .open = only_open, .limit = limit };
	struct index *index = index_open(journal, e);
	struct json *list = NULL;

	if (index && index_update(index, INDEX_FACTS, NULL, NULL, e) == 0)
		list = export_sessions_found(index, journal, &filter, e);
	index_close(index);
	if (list)
		return list;
	err_clear(e);
	return sessions_of_store(journal, only_open, limit, e);
}

/* --- as a table --- */

#define COLUMNS 7

/* The cells of one row as safe text. */
static void fill_row(struct buf cells[COLUMNS], const struct json *one)
{
	const char *state = json_text(one, "state", "");
	const char *opened = json_text(one, "opened", "");
	bool open = str_is(state, "open");
	char span[TIME_TEXT], left_out[MODEL_LEFT_OUT_WORD];

	for (size_t i = 0; i < COLUMNS; i++)
		buf_clear(&cells[i]);
	buf_printf(&cells[0], "%lld", (long long)json_int(one, "session", 0));
	if (open)
		buf_puts(&cells[1], json_bool(one, "running", false) ? "running" : "open, nobody carries it");
	else
		utf8_safe(&cells[1], state, strlen(state), false);
	if (!open && model_left_out_word(json_int(one, "left_out", 0), json_int(one, "deferred", 0), left_out))
		buf_printf(&cells[1], ", %s", left_out);
	if (strlen(opened) >= 16)
		buf_printf(&cells[2], "%.10s %.5s", opened, opened + 11);
	buf_puts(&cells[3], time_format_span(json_int(one, "took_us", 0), span));
	buf_printf(&cells[4], "%lld of %lld", (long long)json_int(one, "step", 0), (long long)json_int(one, "steps", 0));
	utf8_safe(&cells[5], json_text(one, "who", ""), strlen(json_text(one, "who", "")), false);
	utf8_safe(&cells[6], json_text(one, "runbook", ""), strlen(json_text(one, "runbook", "")), false);
	if (json_bool(one, "dry_run", false))
		buf_puts(&cells[6], " (dry run)");
}

static void put_row(struct buf *out, struct buf cells[COLUMNS], const int widths[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		int used = utf8_columns(buf_text(&cells[i]), cells[i].len);

		buf_append(out, buf_text(&cells[i]), cells[i].len);
		for (; i + 1 < COLUMNS && used < widths[i] + 2; used++)
			buf_putc(out, ' ');
	}
	buf_putc(out, '\n');
}

void export_sessions_text(const struct json *sessions, struct buf *out)
{
	static const char *const names[COLUMNS] = { "SESSION", "STATE", "OPENED (UTC)", "LASTED", "STEP", "WHO", "RUNBOOK" };
	struct buf cells[COLUMNS] = {0};
	int widths[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		widths[i] = (int)strlen(names[i]);
	for (size_t n = 0; n < json_count(sessions); n++) {
		fill_row(cells, json_item(sessions, n));
		for (size_t i = 0; i < COLUMNS; i++) {
			int used = utf8_columns(buf_text(&cells[i]), cells[i].len);

			widths[i] = used > widths[i] ? used : widths[i];
		}
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		buf_clear(&cells[i]);
		buf_puts(&cells[i], names[i]);
	}
	put_row(out, cells, widths);
	for (size_t n = 0; n < json_count(sessions); n++) {
		fill_row(cells, json_item(sessions, n));
		put_row(out, cells, widths);
	}
	for (size_t i = 0; i < COLUMNS; i++)
		buf_done(&cells[i]);
}
