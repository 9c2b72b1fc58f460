/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/plan_data.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/store/place.h"
#include "session/walk/plan.h"
#include "session/walk/session.h"

#define SPACE_LOW ((int64_t)256 << 20)	/* bytes that a journal should find free */

static void add_check(struct json *checks, const char *state, char *text)
{
	struct json *one = json_new_object();

	json_set_text(one, "state", state);
	json_set_text(one, "text", text);
	json_add(checks, one);
	mem_free(text);
}

static void check_fleet(const struct home_data *data, const struct script *script, struct json *checks)
{
	struct session_options options = {.runbook = script_book(script)->path, .fleet = data->fleet_path};
	struct err e = {0};

	if (session_check(&options, &e) < 0)
		add_check(checks, "FAIL", mem_strdup(e.text));
	else if (!data->fleet_path)
		add_check(checks, "warn", mem_strdup("there is no fleet file, so no host is known; this runbook may do without"));
	else
		add_check(checks, "ok", mem_strdup("the fleet file has the roles that this runbook needs"));
}

/* The folder of a path. Caller owns. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash > path ? mem_dup(path, (size_t)(slash - path)) : mem_strdup(slash ? "/" : ".");
}

static void check_journal(const struct home_data *data, struct json *checks)
{
	const char *path = data->o->journal;
	char *folder = folder_of(path);
	struct statvfs space;
	struct err e = {0};
	int64_t bytes = statvfs(folder, &space) == 0 ? (int64_t)space.f_bavail * (int64_t)space.f_frsize : -1;

	if (data->error)
		add_check(checks, "FAIL", mem_printf("the journal cannot be read: %s", data->error));
	else if (access(folder, W_OK) < 0 || (access(path, F_OK) == 0 && access(path, W_OK) < 0))
		add_check(checks, "FAIL", mem_printf("the journal %s may not be written by you", path));
	else if (place_check(path, &e) < 0)
		add_check(checks, "FAIL", mem_strdup(e.text));
	else if (bytes >= 0 && bytes < SPACE_LOW)
		add_check(checks, "FAIL", mem_printf("only %lld MB are free where the journal lies", (long long)(bytes / 1000000)));
	else
		add_check(checks, "ok", mem_printf("the journal can be written, %lld GB are free", (long long)(bytes / 1000000000)));
	mem_free(folder);
}

/* Whatever else is not over on the same hosts. */
static void check_others(const struct home_data *data, struct json *checks)
{
	const struct json *sessions = history_sessions(data->history);

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *one = json_item(sessions, i);
		long long number = (long long)json_int(one, "session", 0);

		if (!str_is(json_text(one, "state", ""), "open") || json_bool(one, "dry_run", false) || !str_is(json_text(one, "fleet", ""), json_text(data->fleet, "name", "")))
			continue;
		if (json_count(json_at(one, "doubts")))
			add_check(checks, "FAIL", mem_printf("session %lld (%s) has a step IN DOUBT: settle it first (u at home)", number, json_text(one, "title", "")));
		else
			add_check(checks, "warn", mem_printf("session %lld (%s, %s) is not over on this fleet", number, json_text(one, "title", ""), json_text(one, "who", "")));
	}
}

/* Hosts that the step went to the last time it ran. Borrowed; NULL when it never did. */
static const struct json *last_hosts(const struct home_data *data, const char *runbook, const char *step)
{
	const struct json *sessions = history_sessions(data->history);

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *list = json_at(json_item(sessions, i), "list");

		if (!str_is(json_text(json_item(sessions, i), "runbook", ""), runbook))
			continue;
		for (size_t k = 0; k < json_count(list); k++)
			if (str_is(json_text(json_item(list, k), "id", ""), step) && json_count(json_at(json_item(list, k), "hosts")))
				return json_at(json_item(list, k), "hosts");
	}
	return NULL;
}

static void add_past(struct home_data *data, const char *runbook, struct json *steps)
{
	struct json *past = home_data_steps(data, runbook);

	for (size_t i = 0; i < json_count(steps); i++) {
		struct json *step = json_item(steps, i);
		const char *id = json_text(step, "id", "");
		const struct json *hosts = last_hosts(data, runbook, id);

		if (json_at(past, id))
			json_put(step, "usual", json_copy_of(json_at(past, id)));
		if (hosts)
			json_put(step, "hosts", json_copy_of(hosts));
	}
	json_free(past);
}

/* Earlier walks that ended well: what they took, with which settings, on which fleet. Newest first. */
static struct json *walks_of(const struct home_data *data, const char *runbook)
{
	static const char *const kept[] = {"session", "work_us", "wait_us", "down_us"};
	const struct json *sessions = history_sessions(data->history);
	struct json *walks = json_new_array();

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *one = json_item(sessions, i), *list = json_at(one, "list");
		struct json *walk, *steps;

		if (!str_is(json_text(one, "runbook", ""), runbook) || !str_is(json_text(one, "state", ""), "ok") || json_bool(one, "dry_run", false))
			continue;
		walk = json_new_object();
		steps = json_new_object();
		for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++)
			json_set_int(walk, kept[k], json_int(one, kept[k], 0));
		json_set_text(walk, "fleet", json_text(one, "fleet", ""));
		json_put(walk, "params", json_copy_of(json_at(one, "params")));
		for (size_t k = 0; k < json_count(list); k++)
			if (str_is(json_text(json_item(list, k), "state", ""), "ok") || str_is(json_text(json_item(list, k), "state", ""), "warn"))
				json_set_int(steps, json_text(json_item(list, k), "id", ""), json_int(json_item(list, k), "took_us", 0));
		json_put(walk, "steps", steps);
		json_add(walks, walk);
	}
	return walks;
}

/* The fleet as home knows it, with what may be agreed to alone as the file says it now: who is told that it may not will edit it. */
static struct json *fleet_of(const struct home_data *data)
{
	struct json *out = json_copy_of(data->fleet), *fleet;
	struct err e = {0};

	fleet = data->fleet_path ? fleet_load(data->fleet_path, &e) : NULL;
	if (fleet)
		json_set_text(out, "alone", json_text(json_at(fleet, "policy"), "alone", "refuse"));
	json_free(fleet);
	return out;
}

struct json *plan_data(struct home_data *data, const struct script *script)
{
	const char *id = script_book(script)->id;
	struct json *out = plan_json(script_book(script)), *checks = json_new_array();

	add_past(data, id, json_at(out, "steps"));
	if (json_at(data->usual, id))
		json_put(out, "usual", json_copy_of(json_at(data->usual, id)));
	json_put(out, "walks", walks_of(data, id));
	json_put(out, "fleet", fleet_of(data));
	check_fleet(data, script, checks);
	check_journal(data, checks);
	check_others(data, checks);
	json_put(out, "checks", checks);
	return out;
}
