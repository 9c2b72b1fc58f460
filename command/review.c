/* review.c - the command that reads a session afterwards, or while it runs. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/export/export.h"
#include "journal/index/index.h"
#include "journal/model/timeline.h"
#include "tui/review/review.h"

static struct json *mark_json(const struct timeline *timeline, struct store *store, const struct mark *mark)
{
	struct json *one = json_new_object();
	char at[TIME_TEXT];
	struct buf text = {0};

	timeline_text(timeline, store, mark, &text);
	json_set_int(one, "seq", mark->seq);
	json_set_text(one, "at", time_format(mark->at_us, at));
	json_set_text(one, "kind", event_type_of(mark->kind)->name);
	if (*mark->who)
		json_set_text(one, "who", mark->who);
	if (*mark->step)
		json_set_text(one, "step", mark->step);
	if (mark->attempt)
		json_set_int(one, "attempt", mark->attempt);
	if (mark->is_step)
		json_set_text(one, "state", step_state_name(mark->state));
	if (mark->took_us >= 0)
		json_set_int(one, "took_us", mark->took_us);
	if (mark->late)
		json_set_bool(one, "afterwards", true);
	json_set_text(one, "text", buf_text(&text));
	buf_done(&text);
	return one;
}

/* The timeline as one object: facts, then the lines that the screen shows first. */
static int print_timeline(const struct options *o, int64_t session)
{
	struct err e = {0};
	struct store *store = store_open(o->journal, STORE_READ, &e);
	struct timeline *timeline = timeline_new(session);
	struct json *all = json_new_object(), *lines = json_new_array();
	int rc = store ? timeline_read(timeline, store, &e) : -1;

	for (size_t i = 0; rc == 0 && i < timeline->count; i++)
		if (timeline->marks[i].groups & MARK_DEFAULT)
			json_add(lines, mark_json(timeline, store, &timeline->marks[i]));
	json_set_int(all, "session", session);
	json_set_text(all, "runbook", timeline->model->runbook);
	json_set_text(all, "title", timeline->model->title);
	json_set_text(all, "outcome", timeline->model->state == SESSION_CLOSED ? timeline->model->outcome : "open");
	json_set_int(all, "lasted_us", timeline->end_us - timeline->model->opened_us);
	json_set_int(all, "down_us", timeline_total(timeline, SPAN_DOWN));
	json_set_int(all, "waited_us", timeline_total(timeline, SPAN_WAIT));
	json_set_text(all, "damage", timeline->damage);
	json_put(all, "lines", lines);
	timeline_free(timeline);
	store_close(store);
	if (rc == 0) {
		(void)cmd_print_json(all);
		return cmd_check_cut(o);
	}
	json_free(all);
	return cmd_fail_err(&e);
}

/* A damaged journal is read as far as it can be: whoever looks must see what there is. */
static int print_markdown(const struct options *o, int64_t session)
{
	struct err e = {0};

	if (export_log(o->journal, session, EXPORT_MD, export_to_file, stdout, &e) < 0)
		return cmd_fail_err(&e);
	return fflush(stdout) == 0 ? cmd_check_cut(o) : cmd_fail(EXIT_FAILED, "the page could not be written");
}

/* What the command line asks for, as a person types it in the list. */
static void filter_by(struct buf *filter, const char *name, const char *value)
{
	if (value)
		buf_printf(filter, "%s%s%s", filter->len ? " " : "", name, value);
}

int cmd_review(struct options *o)
{
	struct review_options review = {.journal = o->journal};
	struct index_filter asked;
	struct buf filter = {0};
	struct err e = {0};
	char time[TIME_TEXT];
	int result;

	if (o->count == 1 && str_to_int(o->args[0], 1, INT64_MAX, &review.session) && (o->json || o->md))
		return o->json ? print_timeline(o, review.session) : print_markdown(o, review.session);
	if (o->json || o->md)
		return cmd_fail(EXIT_USAGE, "--md and --json need the number of a session; bellbook sessions lists them");
	for (size_t i = 0; !review.session && i < o->count; i++)
		filter_by(&filter, "", o->args[i]);
	if (cmd_filter(o, &asked, &e) < 0) {
		buf_done(&filter);
		return cmd_fail_err(&e);
	}
	filter_by(&filter, "runbook:", asked.runbook);
	filter_by(&filter, "host:", asked.host);
	filter_by(&filter, "who:", asked.person);
	filter_by(&filter, "after:", asked.since_us ? time_format(asked.since_us, time) : NULL);
	filter_by(&filter, "before:", asked.until_us ? time_format(asked.until_us, time) : NULL);
	filter_by(&filter, "", asked.failed ? "failed" : NULL);
	filter_by(&filter, "", asked.open ? "open" : NULL);
	review.filter = filter.len ? buf_text(&filter) : NULL;
	/* The first time in a large journal takes a while: that is told before the screen is. What is wrong with it, the list says. */
	if (!review.session)
		index_close(cmd_index(o, INDEX_FACTS, &e));
	if (o->plain || getenv("BELLBOOK_PLAIN") || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		result = review_plain(&review);
	else
		result = view_review(&review);
	buf_done(&filter);
	return result;
}
