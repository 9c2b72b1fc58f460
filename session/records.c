/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/records.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

struct record *record_find(const struct engine *engine, const char *step, int attempt, const char *path)
{
	for (size_t i = engine->record_count; i-- > 0;) {
		struct record *record = engine->records[i];

		if (record->attempt == attempt && str_is(record->path, path) && str_is(record->step, step))
			return record;
	}
	return NULL;
}

struct record *record_by_number(const struct engine *engine, uint64_t number)
{
	for (size_t i = engine->record_count; i-- > 0;)
		if (engine->records[i]->number == number)
			return engine->records[i];
	return NULL;
}

struct record *record_new(struct engine *engine, const char *step, int attempt, const char *path)
{
	struct record *record = mem_alloc(sizeof(*record));

	if (engine->record_count == engine->record_cap) {
		engine->record_cap = engine->record_cap ? 2 * engine->record_cap : 64;
		engine->records = mem_grow(engine->records, engine->record_cap, sizeof(struct record *));
	}
	engine->records[engine->record_count++] = record;
	record->number = ++engine->next_number;
	record->step = mem_strdup(step);
	record->path = mem_strdup(path);
	record->attempt = attempt;
	return record;
}

void records_free(struct engine *engine)
{
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		loop_cancel(engine->loop, record->timer);
		mem_free(record->sleeper);
		mem_free(record->step);
		mem_free(record->path);
		mem_free(record->action);
		mem_free(record->host);
		mem_free(record->job);
		mem_free(record->outcome);
		mem_free(record->error);
		json_free(record->args);
		json_free(record->result);
		buf_done(&record->out);
		buf_done(&record->err);
		mem_free(record);
	}
	mem_free(engine->records);
	engine->records = NULL;
	engine->record_count = engine->record_cap = 0;
}

static bool has_step(const struct json *steps, const char *id)
{
	for (size_t i = 0; i < json_count(steps); i++)
		if (str_is(json_text(json_item(steps, i), "id", ""), id))
			return true;
	return false;
}

void records_rename(struct engine *engine, const struct json *steps)
{
	for (size_t i = 0; i < json_count(steps); i++) {
		const struct json *step = json_item(steps, i), *was = json_at(step, "was");

		for (size_t k = 0; k < json_count(was); k++) {
			const char *old = json_as_text(json_item(was, k));

			for (size_t r = 0; old && !has_step(steps, old) && r < engine->record_count; r++)
				if (str_is(engine->records[r]->step, old))
					mem_set(&engine->records[r]->step, json_text(step, "id", old));
		}
	}
}

void record_output(struct record *record, const struct event *ev, const struct json *data)
{
	const char *stream = json_text(data, "stream", "out");
	bool is_err = str_is(stream, "err");
	struct buf *text = is_err ? &record->err : &record->out;
	int64_t to = json_int(data, "to", -1);
	size_t room;

	if (str_is(stream, "note"))
		return;
	if (to >= 0)
		*(is_err ? &record->err_to : &record->out_to) = to;
	/* No Lua reads what a detour printed. */
	room = text->len < RECORD_TEXT && !record->detour ? RECORD_TEXT - text->len : 0;
	if (ev->len > room || json_int(data, "dropped", 0))
		record->out_cut = true;
	buf_append(text, ev->bytes ? ev->bytes : "", ev->len < room ? ev->len : room);
}

struct json *record_value(const struct record *record)
{
	struct json *value = record->result ? json_copy_of(record->result) : json_new_object();

	if (json_type_of(value) != JSON_IS_OBJECT)
		return value;
	json_set_int(value, "code", json_int(record->result, "exit", -1));
	json_put(value, "out", json_new_text(buf_text(&record->out), record->out.len));
	json_put(value, "err", json_new_text(buf_text(&record->err), record->err.len));
	if (record->out_cut)
		json_set_bool(value, "out_cut", true);
	json_set_text(value, "host", record->host);
	return value;
}
