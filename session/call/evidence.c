/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/evidence.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

/*
 * What a second person decides by, read from the journal: what this session
 * looked at and what came of it, what it did not look at, and how the same
 * step went the last time. Nothing here is an opinion of bellbook.
 */

#define CHECKED_MAX 12		/* the latest count most */
#define SESSIONS_MAX 500	/* looked through for an earlier one */
#define WARNINGS_MAX 20		/* in a question; the record has all */
#define WARNING_BYTES 600	/* of one of them */
#define ADDRESSES_MAX 60	/* as many release notes as lie between two series, and more */

struct note {
	struct note *next;
	char *step, *text;	/* owned */
};

struct survey {
	struct engine *engine;
	struct note *notes;	/* owned: the last note of each step */
	struct json *checked, *unchecked;	/* owned */
};

static struct note *note_of(struct survey *survey, const char *step)
{
	struct note *note = survey->notes;

	while (note && !str_is(note->step, step))
		note = note->next;
	if (note)
		return note;
	note = mem_alloc(sizeof(*note));
	note->step = mem_strdup(step);
	note->next = survey->notes;
	survey->notes = note;
	return note;
}

/* Without the entries of that step, but for what that attempt (0 = none) warned of: it was made again. */
static struct json *without(struct json *list, const char *step, int attempt)
{
	struct json *rest = json_new_array();

	for (size_t i = 0; i < json_count(list); i++)
		if (!str_is(json_text(json_item(list, i), "step", ""), step) || (attempt && json_int(json_item(list, i), "attempt", 0) == attempt))
			json_add(rest, json_copy_of(json_item(list, i)));
	json_free(list);
	return rest;
}

static struct json *entry_of(const struct event *ev, const struct model_step *step)
{
	struct json *entry = json_new_object();

	json_set_text(entry, "step", ev->step);
	json_set_text(entry, "title", step->title);
	json_set_int(entry, "at_us", ev->at_us);
	return entry;
}

static void on_ended(struct survey *survey, const struct event *ev, const struct json *data, const struct model_step *step)
{
	const char *state = json_text(data, "state", "");
	struct json *entry = entry_of(ev, step);

	json_set_text(entry, "state", state);
	survey->checked = without(survey->checked, ev->step, 0);
	survey->unchecked = without(survey->unchecked, ev->step, ev->attempt);
	if (str_is(state, "ok") || str_is(state, "warn")) {
		json_set_text(entry, "text", note_of(survey, ev->step)->text);
		if (step_type_of(step->kind)->effect == STEP_LOOKS || str_is(state, "warn")) {
			json_add(survey->checked, entry);
			return;
		}
	} else if (!str_is(state, "failed")) {
		json_set_text(entry, "who", ev->who);
		json_set_text(entry, "why", json_text(data, "reason", NULL));
		json_add(survey->unchecked, entry);
		return;
	}
	json_free(entry);
}

static bool survey_event(void *arg, const struct event *ev)
{
	struct survey *survey = arg;
	const struct model_step *step = ev->step ? model_step_find(survey->engine->model, ev->step) : NULL;
	struct err e = {0};
	struct json *data;

	if (!step || (ev->kind != EVENT_STEP_ENDED && ev->kind != EVENT_NOTE && ev->kind != EVENT_WARNED))
		return true;
	if (ev->kind == EVENT_NOTE) {
		if (str_is(ev->who, "bellbook") && ev->len) {
			struct note *note = note_of(survey, ev->step);

			mem_free(note->text);
			note->text = mem_dup(ev->bytes, ev->len);
		}
		return true;
	}
	data = json_parse(ev->data, strlen(ev->data), &e);
	if (ev->kind == EVENT_STEP_ENDED) {
		on_ended(survey, ev, data, step);
	} else {
		struct json *entry = entry_of(ev, step);

		json_set_text(entry, "state", "warned");
		json_set_int(entry, "attempt", ev->attempt);
		json_set_text(entry, "why", json_text(data, "text", NULL));
		json_add(survey->unchecked, entry);
	}
	json_free(data);
	return true;
}

/* ---- the last time ---- */

struct past {
	const struct engine *engine;
	const struct script_step *step;
	int64_t sessions[16];	/* of this runbook, newest first */
	size_t n;
	struct json *found;	/* owned; NULL = it did not run there */
	bool over;		/* the step has ended there */
};

static bool past_session(void *arg, const struct store_session *row)
{
	struct past *past = arg;
	struct err e = {0};
	struct json *opened;

	if (row->session >= past->engine->session)
		return true;
	opened = json_parse(row->opened, strlen(row->opened), &e);
	if (str_is(json_text(json_at(opened, "runbook"), "id", ""), script_book(past->engine->script)->id) && !json_bool(opened, "dry_run", false))
		past->sessions[past->n++] = row->session;
	json_free(opened);
	return past->n < sizeof(past->sessions) / sizeof(past->sessions[0]);
}

static bool is_step(const struct past *past, const char *id)
{
	if (str_is(past->step->id, id))
		return true;
	for (char **was = past->step->was; id && *was; was++)
		if (str_is(*was, id))
			return true;
	return false;
}

static void past_ended(struct past *past, const struct event *ev, const struct json *data)
{
	if (is_step(past, ev->step)) {
		json_set_text(past->found, "state", json_text(data, "state", NULL));
		json_set_text(past->found, "reason", json_text(data, "reason", NULL));
		json_put(past->found, "took_us", json_new_int(json_int(data, "took_us", 0)));
		past->over = true;
	} else if (past->over && str_is(json_text(data, "state", ""), "failed") && !json_at(past->found, "after")) {
		char *after = mem_printf("%s: %s", ev->step, json_text(data, "reason", "it failed"));

		json_set_text(past->found, "after", after);
		mem_free(after);
	}
}

static bool past_event(void *arg, const struct event *ev)
{
	struct past *past = arg;
	struct err e = {0};
	struct json *data;

	if (ev->kind == EVENT_STEP_BEGUN && is_step(past, ev->step)) {
		json_free(past->found);
		past->found = json_new_object();
		json_set_int(past->found, "session", ev->session);
		json_set_int(past->found, "at_us", ev->at_us);
		json_set_int(past->found, "attempt", ev->attempt);
		past->over = false;
	}
	if (!past->found || ev->kind != EVENT_STEP_ENDED)
		return true;
	data = json_parse(ev->data, strlen(ev->data), &e);
	past_ended(past, ev, data);
	json_free(data);
	return true;
}

static struct json *last_time(struct engine *engine, const struct model_step *step)
{
	long i = script_step_find(engine->script, step->id);
	struct past past = {.engine = engine, .step = &script_book(engine->script)->steps[i]};
	struct err e = {0};

	if (store_sessions(engine->store, false, SESSIONS_MAX, past_session, &past, &e) < 0)
		return NULL;
	for (size_t k = 0; k < past.n && !past.found; k++)
		if (store_each_marker(engine->store, past.sessions[k], 0, past_event, &past, &e) < 0)
			break;
	return past.found;
}

static struct json *newest(struct json *list, size_t most)
{
	struct json *tail = json_new_array();
	size_t n = json_count(list);

	for (size_t i = n > most ? n - most : 0; i < n; i++)
		json_add(tail, json_copy_of(json_item(list, i)));
	json_free(list);
	return tail;
}

static void survey_done(struct survey *survey)
{
	json_free(survey->checked);
	json_free(survey->unchecked);
	while (survey->notes) {
		struct note *note = survey->notes;

		survey->notes = note->next;
		mem_free(note->step);
		mem_free(note->text);
		mem_free(note);
	}
}

void evidence_add(struct engine *engine, const struct model_step *step, struct json *data)
{
	struct survey survey = {.engine = engine, .checked = json_new_array(), .unchecked = json_new_array()};
	struct err e = {0};
	struct json *last = last_time(engine, step);

	if (store_each_marker(engine->store, engine->session, 0, survey_event, &survey, &e) < 0)
		json_set_text(data, "unknown", e.text);
	json_put(data, "checked", newest(survey.checked, CHECKED_MAX));
	json_put(data, "unchecked", survey.unchecked);
	if (last)
		json_put(data, "last", last);
	survey.checked = survey.unchecked = NULL;
	survey_done(&survey);
}

static bool has_changed(const struct model *model)
{
	for (size_t i = 0; i < model->step_count; i++)
		if (model->steps[i].attempt > 0 && step_type_of(model->steps[i].kind)->effect == STEP_CHANGES)
			return true;
	return false;
}

/* One of them as a line, cut where no character is; with the title of its step, where the entry has one. */
static void put_warning(struct buf *out, const struct json *entry)
{
	const char *text = json_text(entry, "why", "");
	size_t len = strlen(text), most = len > WARNING_BYTES ? utf8_border(text, WARNING_BYTES) : len;

	if (!json_at(entry, "title"))
		buf_puts(out, "WARNING: ");
	else
		buf_printf(out, str_ends(json_text(entry, "title", ""), "?") ? "- %s " : "- %s: ", json_text(entry, "title", ""));
	buf_append(out, text, most);
	buf_puts(out, most < len ? " … (the record has all of it)\n" : "\n");
}

/* What a step warned of since it was begun the last time. */
struct heard {
	const struct model_step *of;
	struct json *list;	/* owned: why of each */
};

static bool heard_event(void *arg, const struct event *ev)
{
	struct heard *heard = arg;
	struct err e = {0};
	struct json *data, *entry;

	if (!ev->step || !str_is(ev->step, heard->of->id))
		return true;
	if (ev->kind == EVENT_STEP_BEGUN) {
		json_free(heard->list);
		heard->list = json_new_array();
	} else if (ev->kind == EVENT_WARNED) {
		data = json_parse(ev->data, strlen(ev->data), &e);
		entry = json_new_object();
		json_set_text(entry, "why", json_text(data, "text", NULL));
		json_add(heard->list, entry);
		json_free(data);
	}
	return true;
}

void evidence_just_now(struct engine *engine, const struct model_step *step, struct buf *out)
{
	struct heard heard = {.list = json_new_array(), .of = step};
	struct err e = {0};
	size_t n;

	if (has_changed(engine->model))
		(void)store_each_marker(engine->store, engine->session, 0, heard_event, &heard, &e);
	n = json_count(heard.list);
	for (size_t i = 0; i < n && i < WARNINGS_MAX; i++)
		put_warning(out, json_item(heard.list, i));
	if (n > WARNINGS_MAX)
		buf_printf(out, "- and %zu more, which the record has\n", n - WARNINGS_MAX);
	if (n)
		buf_puts(out, "\n");
	if (e.text[0])
		buf_printf(out, "What was warned of just now could not be read: %s\n\n", e.text);
	json_free(heard.list);
}

void evidence_warnings(struct engine *engine, struct buf *out)
{
	struct survey survey = {.engine = engine, .checked = json_new_array(), .unchecked = json_new_array()};
	struct buf list = {0};
	struct err e = {0};
	size_t n = 0;

	if (!has_changed(engine->model))
		(void)store_each_marker(engine->store, engine->session, 0, survey_event, &survey, &e);
	for (size_t i = 0; i < json_count(survey.unchecked); i++) {
		const struct json *entry = json_item(survey.unchecked, i);

		if (str_is(json_text(entry, "state", ""), "warned") && n++ < WARNINGS_MAX)
			put_warning(&list, entry);
	}
	if (n > WARNINGS_MAX)
		buf_printf(&list, "- and %zu more, which the record has\n", n - WARNINGS_MAX);
	if (n)
		buf_printf(out, "%zu warning%s so far; nothing was changed yet:\n%s\n", n, n == 1 ? "" : "s", buf_text(&list));
	if (e.text[0])
		buf_printf(out, "What was warned of so far could not be read: %s\n\n", e.text);
	buf_done(&list);
	survey_done(&survey);
}

struct noted {
	struct json *texts;	/* owned: each once, in order */
	size_t more;
};

static bool note_with_address(void *arg, const struct event *ev)
{
	struct noted *noted = arg;
	char *text;

	if (ev->kind != EVENT_NOTE || !str_is(ev->who, "bellbook") || !ev->len || ev->len > WARNING_BYTES)
		return true;
	text = mem_dup(ev->bytes, ev->len);
	for (size_t i = 0; i < json_count(noted->texts); i++)
		if (str_is(json_as_text(json_item(noted->texts, i)), text))
			mem_set(&text, "");
	if (strstr(text, "https://") || strstr(text, "http://")) {
		if (json_count(noted->texts) < ADDRESSES_MAX)
			json_add(noted->texts, json_new_text(text, strlen(text)));
		else
			noted->more++;
	}
	mem_free(text);
	return true;
}

void evidence_addresses(struct engine *engine, struct buf *out)
{
	struct noted noted = {.texts = json_new_array()};
	struct err e = {0};

	if (store_each_marker(engine->store, engine->session, 0, note_with_address, &noted, &e) < 0)
		buf_printf(out, "What was noted so far could not be read: %s\n\n", e.text);
	if (json_count(noted.texts))
		buf_puts(out, "\n\nNoted so far:\n");
	for (size_t i = 0; i < json_count(noted.texts); i++)
		buf_printf(out, "%s\n", json_as_text(json_item(noted.texts, i)));
	if (noted.more)
		buf_printf(out, "and %zu more, which the record has\n", noted.more);
	json_free(noted.texts);
}
