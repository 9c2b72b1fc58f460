/* note.c - the command that writes a note into a session from outside, during the walk or after it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/index/note.h"
#include "journal/model/timeline.h"

/* The step named by id or number. Caller owns; NULL with words. */
static char *step_named(const struct timeline *timeline, const char *name, struct err *e)
{
	const struct model *model = timeline->model;
	const char **names = mem_array(model->step_count + 1, sizeof(*names)), *near;
	char *found = NULL;
	int64_t number = 0;

	for (size_t i = 0; i < model->step_count; i++)
		names[i] = model->steps[i].id;
	near = str_nearest(name, names);
	if (model_step_find(model, name))
		found = mem_strdup(name);
	else if (str_to_int(name, 1, (int64_t)model->step_count, &number))
		found = mem_strdup(model->steps[number - 1].id);
	else
		err_set(e, ERR_USAGE, "session %lld has no step %s%s%s; give its id, or its number from 1 to %zu", (long long)timeline->session, name,
			near ? "; did you mean " : "", near ? near : "", model->step_count);
	mem_free(names);
	return found;
}

/* Checks session and step; 0 and *step (owned by the caller, NULL = none). */
static int look(const struct options *o, int64_t session, char **step, struct err *e)
{
	struct store *store = store_open(o->journal, STORE_READ, e);
	struct timeline *timeline = timeline_new(session);
	int rc = store ? timeline_read(timeline, store, e) : -1;

	if (rc == 0 && o->step) {
		*step = step_named(timeline, o->step, e);
		rc = *step ? 0 : -1;
	}
	timeline_free(timeline);
	store_close(store);
	return rc;
}

int cmd_note(struct options *o)
{
	struct note note = {0};
	struct buf text = {0};
	struct err e = {0};
	char *step = NULL;
	int64_t seq = 0;
	int result;

	if (o->count < 2 || !str_to_int(o->args[0], 1, INT64_MAX, &note.session))
		return cmd_fail(EXIT_USAGE, "note needs the number of a session and a text: bellbook note 42 \"the cache was cold\"; bellbook sessions lists the numbers");
	for (size_t i = 1; i < o->count; i++)
		buf_printf(&text, "%s%s", i > 1 ? " " : "", o->args[i]);
	note.text = buf_text(&text);
	if (cmd_check_cut(o) != EXIT_OK) {
		buf_done(&text);
		return EXIT_FAILED;
	}
	result = look(o, note.session, &step, &e);
	note.step = step;
	if (result == 0)
		result = note_write(o->journal, &note, &seq, &e);
	buf_done(&text);
	mem_free(step);
	if (result < 0)
		return cmd_fail_err(&e);
	if (o->json) {
		struct json *value = json_new_object();

		json_set_int(value, "session", note.session);
		json_set_int(value, "seq", seq);
		return cmd_print_json(value);
	}
	printf("Noted in session %lld, event %lld. What was recorded before is unchanged.\n", (long long)note.session, (long long)seq);
	return EXIT_OK;
}
