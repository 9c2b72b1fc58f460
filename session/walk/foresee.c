/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/foresee.h"

#include <string.h>
#include <time.h>

#include "base/sha256.h"
#include "base/shown.h"
#include "base/str.h"
#include "base/time.h"
#include "session/call/calls.h"
#include "session/call/tasks.h"

/*
 * Before its question a step is looked at: does its check say that it is done,
 * and what would its function do? Nobody has said go, and nobody is asked to
 * wait: a look has an end in calls, in processor time and on the clock, and it
 * never lets time pass. Where the function would sleep, it ends.
 */

#define LOOK_US (120 * TIME_SECOND)	/* hosts may be slow to answer; a person waits */
#define LOOK_CPU_US (3 * TIME_SECOND)
#define LOOK_WANTS 20000		/* two looks at each of 10,000 hosts */
#define LOOK_INSTANTS 200		/* the time, random numbers, notes: what no host has a part in */
#define LOOK_BYTES ((int64_t)4 << 20)	/* output of hosts that is stored for it */
#define LOOK_CHANGES 50			/* more is not read by anybody */

struct json *foresee_entry(const struct action *action, const char *host, const struct json *args)
{
	struct json *entry = action_entry(action, args);
	const struct json *also = json_at(entry, "also");
	char *print = json_print(args);
	unsigned char digest[SHA256_LEN];
	struct buf hex = {0}, exact = {0};

	sha256_of(print, strlen(print), digest);
	str_hex(&hex, digest, sizeof(digest));
	json_set_text(entry, "host", *host ? host : "this computer");
	/* For a shell: what it cannot say stands in remarks. */
	for (size_t i = 0; i < json_count(also); i++)
		buf_printf(&exact, "# %s\n", json_as_text(json_item(also, i)));
	shown_before(&exact, entry);
	buf_puts(&exact, json_text(entry, "shown", ""));
	json_set_text(entry, "exact", buf_text(&exact));
	json_set_text(entry, "digest", buf_text(&hex));
	buf_done(&hex);
	buf_done(&exact);
	mem_free(print);
	return entry;
}

bool foresee_looks(const struct engine *engine)
{
	return engine->part == PART_LOOK || engine->part == PART_FORESEE || engine->part == PART_COMMANDS;
}

static int64_t processor_us(void)
{
	struct timespec at = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (int64_t)at.tv_sec * TIME_SECOND + at.tv_nsec / 1000;
}

/* What was asked of hosts for the look is of no use any more. */
static void cancel_reads(struct engine *engine)
{
	size_t len = strlen(engine->prefix);

	for (size_t i = 0; i < engine->record_count; i++) {
		const struct record *record = engine->records[i];

		if (record->state == RECORD_BEGUN && record->at_worker && !record->ending && record->task == engine->task && strncmp(record->path, engine->prefix, len) == 0)
			worker_cancel(engine->worker, record->number);
	}
}

void foresee_stop(struct engine *engine, const char *why)
{
	bool check = engine->part == PART_LOOK, computed = engine->part == PART_COMMANDS;

	cancel_reads(engine);
	if (check || computed || why) {
		tasks_cut(engine, why ? why : "it waits");
	} else {
		tasks_drop(engine);
		engine->looked = true;
	}
	if (check && why)
		engine->look_details = mem_printf("The check of this step (done) could not tell: %s.", why);
	engine_wake(engine);
}

static void too_long(void *arg)
{
	struct engine *engine = arg;

	engine->timer_look = 0;
	if (foresee_looks(engine) && engine->task)
		foresee_stop(engine, "no answer within two minutes");
}

void foresee_begin(struct engine *engine)
{
	foresee_end(engine);
	engine->wants = engine->instants = 0;
	engine->look_bytes = 0;
	buf_clear(&engine->look_raised);
	mem_set(&engine->look_if, NULL);
	engine->look_cpu_us = processor_us();
	if (foresee_looks(engine))
		engine->timer_look = loop_after(engine->loop, LOOK_US, too_long, engine);
}

void foresee_end(struct engine *engine)
{
	loop_cancel(engine->loop, engine->timer_look);
	engine->timer_look = 0;
}

/* Words when the look has had enough, else NULL. */
static const char *enough(struct engine *engine, const struct action *action)
{
	engine->instants += action == NULL;
	if (engine->instants > LOOK_INSTANTS || engine->wants > LOOK_WANTS)
		return "it goes on without end";
	return processor_us() - engine->look_cpu_us > LOOK_CPU_US ? "it takes too much computing" : NULL;
}

void foresee_turn(struct engine *engine)
{
	if (engine->task && foresee_looks(engine) && processor_us() - engine->look_cpu_us > LOOK_CPU_US)
		foresee_stop(engine, "it takes too much computing");
}

void foresee_output(struct engine *engine, size_t len)
{
	if (!engine->task || !foresee_looks(engine))
		return;
	engine->look_bytes += (int64_t)len;
	if (engine->look_bytes > LOOK_BYTES)
		foresee_stop(engine, "it reads too much");
}

static struct json *with(const struct json *list, size_t at, struct json *item)
{
	struct json *all = json_new_array();

	for (size_t i = 0; i < json_count(list); i++) {
		if (i == at)
			json_add(all, item);
		json_add(all, json_copy_of(json_item(list, i)));
	}
	if (at == json_count(list))
		json_add(all, item);
	return all;
}

/* Into the list where the runbook has it, in the order of its hosts: which of them answers first says nothing. */
static void list_change(struct engine *engine, char *place, struct json *entry)
{
	struct json *commands, *places;
	size_t at = json_count(engine->look_commands);

	if (at == 0) {
		json_free(engine->look_places);
		engine->look_places = json_new_array();
	}
	while (at > 0 && strcmp(json_as_text(json_item(engine->look_places, at - 1)), place) > 0)
		at--;
	commands = with(engine->look_commands, at, entry);
	places = with(engine->look_places, at, json_new_text(place, strlen(place)));
	json_free(engine->look_commands);
	json_free(engine->look_places);
	engine->look_commands = commands;
	engine->look_places = places;
	mem_free(place);
}

/* What a change would do, noted instead of done. */
static void note_change(struct engine *engine, const char *path, const char *host, const struct json *args, const struct action *action)
{
	struct json *value = json_new_object();

	if (action) {
		struct json *entry = foresee_entry(action, host, args);

		json_set_text(entry, "if", engine->look_if);
		list_change(engine, script_ahead_note(engine->task, path), entry);
		json_set_int(value, "exit", 0);
		json_set_int(value, "code", 0);
		json_set_text(value, "out", "");
		json_set_text(value, "err", "");
		json_set_text(value, "host", host);
	}
	script_answer(engine->task, path, true, value, NULL, NULL);
	json_free(value);
	engine_wake(engine);
}

/* ---- behind the first change ---- */

/*
 * What a read would give then is not known. It is answered with an error of its own kind; retry takes that for what it
 * waits for having come true, says so by a sleep, and the look goes on: what comes is conditional. Anybody else who
 * goes on after such an error would show what may never run, so that is the end of the look.
 */

static char *branch_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return mem_printf("\n%.*s", slash ? (int)(slash - path) : 0, path);
}

static bool has_raised(const struct engine *engine, const char *path)
{
	char *branch = branch_of(path), *whole = mem_printf("%s\n", branch);
	bool found = strstr(buf_text(&engine->look_raised), whole) != NULL;

	mem_free(branch);
	mem_free(whole);
	return found;
}

static void raise_foreseen(struct engine *engine, const char *path)
{
	char *branch = branch_of(path);

	buf_printf(&engine->look_raised, "%s\n", branch);
	script_answer(engine->task, path, false, NULL, "foreseen", "this is known only when it runs");
	engine_wake(engine);
	mem_free(branch);
}

/* The branch, and those within it, go on. False when nothing was raised there. */
static bool take_for_granted(struct engine *engine, const char *path, const struct json *args)
{
	char *branch = branch_of(path);
	struct buf rest = {0};
	size_t len = strlen(branch);
	bool found = false;

	for (const char *at = buf_text(&engine->look_raised); *at; at += 1 + strcspn(at + 1, "\n") + 1) {
		size_t n = 1 + strcspn(at + 1, "\n");
		bool mine = n >= len && strncmp(at, branch, len) == 0 && (n == len || len == 1 || at[len] == '/');

		found = found || mine;
		if (!mine)
			buf_append(&rest, at, n + 1);
	}
	mem_free(branch);
	buf_done(&engine->look_raised);
	engine->look_raised = rest;
	if (!found)
		return false;
	mem_free(engine->look_if);
	engine->look_if = mem_printf("what it waits for before comes true (else: %s)", json_text(args, "unless", ""));
	script_answer(engine->task, path, true, NULL, NULL, NULL);
	engine_wake(engine);
	return true;
}

bool foresee_cut(const struct engine *engine)
{
	return engine->look_raised.len > 0;
}

bool foresee_wants(struct engine *engine, const char *path, const char *name, const char *host, const struct json *args)
{
	const struct action *action = action_find(name);
	bool reads = action && action_looks(action, args);
	const char *why;

	if (!foresee_looks(engine))
		return false;
	why = enough(engine, action);
	if (!why && str_is(name, "sleep") && json_at(args, "unless") && take_for_granted(engine, path, args))
		return true;
	if (why || str_is(name, "sleep") || has_raised(engine, path)) {
		foresee_stop(engine, why);
		return true;
	}
	if (engine->part != PART_FORESEE || str_is(name, "now") || str_is(name, "random"))
		return false;
	/* Reads are real until the first change on their own way: what comes after depends on it. Other hosts are looked at all the same. */
	if (reads && !script_ahead_changed(engine->task, path))
		return false;
	if (reads)
		raise_foreseen(engine, path);
	else if (str_is(name, "ask") || json_count(engine->look_commands) >= LOOK_CHANGES)
		foresee_stop(engine, NULL);
	else
		note_change(engine, path, host, args, action);
	return true;
}
