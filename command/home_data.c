/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/home_data.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "command/debts.h"
#include "command/usual.h"
#include "journal/store/health.h"
#include "session/lua/script.h"

/* ---- runbooks and fleet ---- */

static struct json *read_runbook(const char *path)
{
	struct json *one = json_new_object();
	struct err e = {0};
	struct script *script = script_load(path, &e);
	const char *name = strrchr(path, '/');
	char *stem = mem_strdup(name ? name + 1 : path);

	if (str_ends(stem, ".lua"))
		stem[strlen(stem) - 4] = '\0';
	json_set_text(one, "id", script ? script_book(script)->id : stem);
	json_set_text(one, "path", path);
	if (script) {
		json_set_text(one, "title", script_book(script)->title);
		json_set_int(one, "steps", (int64_t)script_book(script)->step_count);
	} else {
		json_set_text(one, "broken", e.text);
	}
	script_free(script);
	mem_free(stem);
	return one;
}

static void read_runbooks(struct home_data *data)
{
	char **paths;
	size_t n = cmd_all_runbooks(&paths);

	json_free(data->runbooks);
	data->runbooks = json_new_array();
	for (size_t i = 0; i < n; i++) {
		json_add(data->runbooks, read_runbook(paths[i]));
		mem_free(paths[i]);
	}
	mem_free(paths);
}

/* Where the site is: as it is asked for, without what nobody needs to read. */
static void set_site(struct json *out, const struct json *fleet)
{
	const struct json *mastodon = json_at(fleet, "mastodon");
	const char *url = json_text(mastodon, "url", NULL), *domain = json_text(mastodon, "domain", NULL);

	if (url || domain)
		json_set_text(out, "site", url ? url : domain);
}

static void read_fleet(struct home_data *data)
{
	struct json *out = json_new_object(), *hosts = json_new_array(), *value, *fleet = NULL;
	struct err e = {0};
	const char *name, *path;
	char *owned;
	void *it = NULL;

	path = cmd_fleet(data->o, &owned);
	mem_set(&data->fleet_path, path);
	if (path)
		fleet = fleet_load(path, &e);
	if (fleet)
		json_set_text(out, "name", json_text(fleet, "name", ""));
	else if (path)
		json_set_text(out, "error", e.text);
	while ((name = json_next(json_at(fleet, "hosts"), &it, &value)) != NULL)
		json_add(hosts, json_new_text(name, strlen(name)));
	json_put(out, "hosts", hosts);
	set_site(out, fleet);
	json_free(data->fleet);
	data->fleet = out;
	json_free(fleet);
	mem_free(owned);
}

void home_data_again(struct home_data *data)
{
	read_runbooks(data);
	read_fleet(data);
}

/* ---- the journal ---- */

/* True when the journal's files are as they were the last time; remembers how they are. */
static bool is_unchanged(struct home_data *data)
{
	char *log = mem_printf("%s-wal", data->o->journal);
	const char *const paths[2] = {data->o->journal, log};
	bool same = true;

	for (int i = 0; i < 2; i++) {
		struct stat st = {0};

		if (stat(paths[i], &st) < 0)
			st.st_size = -1;
		same = same && st.st_size == data->sizes[i] && st.st_mtim.tv_sec == data->seen[i].tv_sec && st.st_mtim.tv_nsec == data->seen[i].tv_nsec;
		data->sizes[i] = st.st_size;
		data->seen[i] = st.st_mtim;
	}
	mem_free(log);
	return same;
}

static bool has_open(const struct home_data *data)
{
	const struct json *sessions = history_sessions(data->history);

	for (size_t i = 0; i < json_count(sessions); i++)
		if (str_is(json_text(json_item(sessions, i), "state", ""), "open"))
			return true;
	return false;
}

/* ---- what is usual ---- */

#define SLICE_US (TIME_SECOND / 5)	/* keys wait no longer */

static bool in_time(void *arg, int64_t done, int64_t total)
{
	const int64_t *until = arg;

	(void)done;
	(void)total;
	return time_mono_us() < *until;
}

/* The index as far as it got in time; what it does not know yet is not known here. */
static void read_index(struct home_data *data)
{
	int64_t until = time_mono_us() + SLICE_US;
	struct json *usual = json_new_object();
	struct err e = {0};

	if (!data->index)
		data->index = index_open(data->o->journal, &e);
	if (data->index && index_update(data->index, INDEX_FACTS, in_time, &until, &e) < 0)
		home_data_park(data);
	data->behind = data->index && time_mono_us() >= until;
	for (size_t i = 0; i < json_count(data->runbooks); i++) {
		const char *id = json_text(json_item(data->runbooks, i), "id", "");

		json_put(usual, id, usual_runbook(data->index, id));
	}
	json_free(data->usual);
	data->usual = usual;
	json_free(data->debts);
	data->debts = data->index ? debts_read(data->index, 0, false, &e) : NULL;
}

void home_data_park(struct home_data *data)
{
	index_close(data->index);
	data->index = NULL;
}

struct json *home_data_steps(struct home_data *data, const char *runbook)
{
	if (!data->index)
		read_index(data);
	return usual_steps(data->index, runbook);
}

/* ---- all of it ---- */

static void read_sessions(struct home_data *data)
{
	struct err e = {0};

	mem_set(&data->error, NULL);
	if (history_read(data->history, data->o->journal, !data->whole, HISTORY_SESSIONS, &e) < 0)
		mem_set(&data->error, e.text);
	mem_set(&data->cut, !e.text[0] && health_is_cut(data->o->journal, &e) ? e.text : NULL);
}

bool home_data_refresh(struct home_data *data)
{
	/* A process that was killed leaves its journal as it was. */
	if (is_unchanged(data) && data->whole && !data->behind && !has_open(data))
		return false;
	data->whole = true;
	read_sessions(data);
	read_index(data);
	data->behind = data->behind || history_is_behind(data->history);
	return true;
}

void home_data_open(struct home_data *data, const struct options *o)
{
	*data = (struct home_data){.o = o, .history = history_new()};
	home_data_again(data);
	read_sessions(data);
}

struct json *home_data_json(const struct home_data *data)
{
	struct json *out = json_new_object(), *journal = json_new_object(), *runbooks = json_new_array();

	json_set_text(journal, "path", data->o->journal);
	json_set_int(journal, "bytes", (data->sizes[0] > 0 ? data->sizes[0] : 0) + (data->sizes[1] > 0 ? data->sizes[1] : 0));
	json_set_text(journal, "error", data->error);
	json_set_text(journal, "cut", data->cut);
	for (size_t i = 0; i < json_count(data->runbooks); i++) {
		struct json *one = json_copy_of(json_item(data->runbooks, i));

		json_put(one, "usual", json_copy_of(json_at(data->usual, json_text(one, "id", ""))));
		json_add(runbooks, one);
	}
	json_put(out, "fleet", json_copy_of(data->fleet));
	json_put(out, "journal", journal);
	json_put(out, "sessions", json_copy_of(history_sessions(data->history)));
	json_put(out, "runbooks", runbooks);
	json_put(out, "debts", json_copy_of(data->debts));
	json_set_bool(out, "loading", !data->whole);
	return out;
}

const char *home_data_path(const struct home_data *data, const char *id)
{
	for (size_t i = 0; i < json_count(data->runbooks); i++)
		if (str_is(json_text(json_item(data->runbooks, i), "id", ""), id))
			return json_text(json_item(data->runbooks, i), "path", NULL);
	return NULL;
}

void home_data_close(struct home_data *data)
{
	history_free(data->history);
	home_data_park(data);
	json_free(data->usual);
	json_free(data->debts);
	json_free(data->runbooks);
	json_free(data->fleet);
	mem_free(data->fleet_path);
	mem_free(data->error);
	mem_free(data->cut);
}
