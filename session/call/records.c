/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/records.h"

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

	engine->records = mem_more(engine->records, engine->record_count, sizeof(struct record *));
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
		mem_free(record->said_who);
		mem_free(record->said_why);
		mem_free(record->known);
		mem_free(record->first_job);
		json_free(record->args);
		json_free(record->result);
		facts_done(&record->facts);
		excerpt_done(&record->out);
		excerpt_done(&record->err);
		mem_free(record);
	}
	mem_free(engine->records);
	engine->records = NULL;
	engine->record_count = 0;
}

void records_rename(struct engine *engine)
{
	for (size_t i = 0; i < engine->model->step_count; i++) {
		const struct model_step *step = &engine->model->steps[i];

		for (size_t r = 0; *step->former && r < engine->record_count; r++)
			if (str_is(engine->records[r]->step, step->former))
				mem_set(&engine->records[r]->step, step->id);
	}
}

void record_output(struct record *record, const struct event *ev, const struct json *data)
{
	const char *stream = json_text(data, "stream", "out");
	bool is_err = str_is(stream, "err");
	int64_t to = json_int(data, "to", -1);

	if (str_is(stream, "note"))
		return;
	if (to >= 0)
		*(is_err ? &record->err_to : &record->out_to) = to;
	/* No Lua reads what a detour printed. */
	if (!record->detour)
		excerpt_add(is_err ? &record->err : &record->out, ev->bytes ? ev->bytes : "", ev->len);
	record->dropped = record->dropped || json_int(data, "dropped", 0);
}

static struct json *text_of(const struct excerpt *excerpt)
{
	struct buf text = {0};
	struct json *value;

	excerpt_put(excerpt, &text);
	value = json_new_text(buf_text(&text), text.len);
	buf_done(&text);
	return value;
}

struct json *record_value(const struct record *record)
{
	struct json *value = record->result ? json_copy_of(record->result) : json_new_object();

	if (json_type_of(value) != JSON_IS_OBJECT)
		return value;
	json_set_int(value, "code", json_int(record->result, "exit", -1));
	/* What a person typed for it counts instead of what is stored. */
	if (!json_text(value, "out", NULL))
		json_put(value, "out", text_of(&record->out));
	json_put(value, "err", text_of(&record->err));
	if (record->dropped || excerpt_is_cut(&record->out) || excerpt_is_cut(&record->err))
		json_set_bool(value, "out_cut", true);
	json_set_text(value, "host", record->host);
	return value;
}
