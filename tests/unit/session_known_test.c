/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said to be known and not known of a failed step, from recorded sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "journal/feed/feed.h"
#include "session/watch/known.h"

/* The model of tests/screen/NAME.events. */
static struct model *told(const char *name)
{
	char *path = mem_printf("tests/screen/%s.events", name);
	FILE *file = fopen(path, "rb");
	struct model *model = model_new();
	struct buf text = { 0 };
	struct feed *feed;
	struct event ev;
	const struct json *reply;
	struct err e;
	enum feed_item item;
	size_t n;

	assert_non_null(file);
	while ((n = fread(buf_room(&text, 4096), 1, 4096, file)) > 0)
		buf_added(&text, n);
	fclose(file);
	feed = feed_memory(buf_text(&text), text.len);
	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY)
		if (item == FEED_EVENT)
			model_apply(model, &ev);
	feed_close(feed);
	buf_done(&text);
	mem_free(path);
	return model;
}

static void says(const char *name, const char *step, const char *want)
{
	struct model *model = told(name);
	struct buf text = { 0 };

	known_text(model, model_step_find(model, step), &text);
	assert_string_equal(buf_text(&text), want);
	buf_done(&text);
	model_free(model);
}

static void known__names_what_ended_badly_and_what_nobody_saw(void **state)
{
	(void)state;
	says("hosts-failed", "s5", "Known: 8 commands ended well; on app3 “apt-get -y upgrade” ended with status 100 after 15 s; "
		"on db2 “apt-get -y upgrade” ended with status 100 after 18 s; on media2 “apt-get -y upgrade” ended with status 1 after 36 s.\n\n"
		"Not known: how far on app3 “apt-get -y upgrade” came before it ended; how far on db2 “apt-get -y upgrade” came before it ended; "
		"whether on 日本語ホスト “apt-get -y upgrade” was carried out; how far on media2 “apt-get -y upgrade” came before it ended.");
}

static void known__says_so_when_nothing_ran(void **state)
{
	(void)state;
	says("hosts", "s12", "Known: no command of this step was run.\n\n"
		"Not known: no command of it is in doubt; why it failed is said above.");
}

/* One command of a step that failed with that error and without a status; not_run: the action knows that it did not begin. */
static void failed_with(const char *error, bool not_run, const char *want)
{
	struct model *model = model_new();
	char *end = mem_printf("{\"outcome\":\"failed\",\"error\":\"%s\"%s}", error, not_run ? ",\"not_run\":true" : "");
	struct event events[] = {
		{ .seq = 1, .session = 1, .kind = EVENT_SESSION_OPENED, .who = "r", .data = "{\"runbook\":{\"id\":\"t\"},\"steps\":[{\"id\":\"a\",\"title\":\"a\",\"kind\":\"change\"}]}" },
		{ .seq = 2, .session = 1, .kind = EVENT_STEP_ENTERED, .who = "bellbook", .step = "a", .attempt = 1, .data = "{}" },
		{ .seq = 3, .session = 1, .kind = EVENT_STEP_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .data = "{}" },
		{ .seq = 4, .session = 1, .at_us = 1000000, .kind = EVENT_CALL_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .call = "1", .host = "app1",
			.data = "{\"action\":\"ssh.run\",\"effect\":\"change\",\"shown\":\"systemctl restart x\"}" },
		{ .seq = 5, .session = 1, .at_us = 1500000, .kind = EVENT_CALL_ENDED, .who = "bellbook", .step = "a", .attempt = 1, .call = "1", .host = "app1", .data = end },
	};
	struct buf text = { 0 };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		model_apply(model, &events[i]);
	known_text(model, model_step_find(model, "a"), &text);
	assert_string_equal(buf_text(&text), want);
	buf_done(&text);
	mem_free(end);
	model_free(model);
}

static void known__a_command_that_never_began_leaves_nothing_to_know(void **state)
{
	static const char nothing[] = "Known: 0 commands ended well; on app1 “systemctl restart x” was not run.\n\n"
		"Not known: no command of it is in doubt; why it failed is said above.";

	(void)state;
	failed_with("app1: it was not run as root: sudo wants a password, and none was given", true, nothing);
	failed_with("keine Rechte", true, nothing);
	/* a fact, whatever the words are */
	failed_with("the last attempt was not started", false, "Known: 0 commands ended well; on app1 “systemctl restart x” failed after 0.5 s.\n\n"
		"Not known: how far on app1 “systemctl restart x” came before it ended.");
	failed_with("the connection broke", false, "Known: 0 commands ended well; on app1 “systemctl restart x” failed after 0.5 s.\n\n"
		"Not known: how far on app1 “systemctl restart x” came before it ended.");
}

/* Polls are counted once, looks leave nothing to know, and a step that a person skipped is named. */
static void known__counts_polls_once_and_names_what_was_skipped(void **state)
{
	struct model *model = model_new();
	struct event events[] = {
		{ .kind = EVENT_SESSION_OPENED, .who = "r", .data = "{\"runbook\":{\"id\":\"t\"},\"steps\":[{\"id\":\"y\",\"title\":\"Install the JavaScript libraries\",\"kind\":\"change\"},{\"id\":\"w\",\"title\":\"w\",\"kind\":\"change\"},{\"id\":\"a\",\"title\":\"a\",\"kind\":\"change\"}]}" },
		{ .kind = EVENT_STEP_ENDED, .who = "ann", .step = "y", .data = "{\"state\":\"skipped\",\"reason\":\"no time\"}" },
		{ .kind = EVENT_STEP_ENDED, .who = "bellbook", .step = "w", .data = "{\"state\":\"skipped\",\"reason\":\"not needed here\"}" },
		{ .kind = EVENT_STEP_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .data = "{}" },
	};
	struct buf text = { 0 };
	int64_t seq = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		events[i].seq = ++seq;
		events[i].session = 1;
		model_apply(model, &events[i]);
	}
	for (int i = 0; i < 14; i++) {
		char path[8];
		struct event begun = { .seq = ++seq, .session = 1, .at_us = 1000000, .kind = EVENT_CALL_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .call = path, .host = "app1",
			.data = "{\"action\":\"ssh.read\",\"effect\":\"read\",\"shown\":\"A=1 curl -sS http://127.0.0.1:3000/health\"}" };
		struct event ended = { .seq = ++seq, .session = 1, .at_us = 1500000, .kind = EVENT_CALL_ENDED, .who = "bellbook", .step = "a", .attempt = 1, .call = path, .host = "app1",
			.data = "{\"outcome\":\"ok\",\"exit\":7}" };

		snprintf(path, sizeof(path), "%d", i + 1);
		model_apply(model, &begun);
		model_apply(model, &ended);
	}
	known_text(model, model_step_find(model, "a"), &text);
	assert_string_equal(buf_text(&text), "Look there first: step 1, “Install the JavaScript libraries”, was skipped by ann. What it makes may be what is missing. "
		"E (in plain lines: enter NUMBER) goes back to it.\n\n"
		"Known: 0 commands ended well; on app1 “curl -sS http://127.0.0.1:3000/health” ended with status 7 after 0.5 s (14 times).\n\n"
		"Not known: no command of it is in doubt; why it failed is said above.");
	buf_done(&text);
	model_free(model);
}

/* One call of step a on a host that ended with that status. */
static void run_on(struct model *model, int64_t seq, const char *host, const char *effect, const char *shown, int status)
{
	char *path = mem_printf("%d", (int)seq), *data = mem_printf("{\"action\":\"ssh.%s\",\"effect\":\"%s\",\"shown\":\"%s\"}", effect, effect, shown);
	char *end = mem_printf("{\"outcome\":\"ok\",\"exit\":%d}", status);
	struct event begun = { .seq = seq, .session = 1, .at_us = 1000000, .kind = EVENT_CALL_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .call = path, .host = host, .data = data };
	struct event ended = { .seq = seq + 1, .session = 1, .at_us = 1500000, .kind = EVENT_CALL_ENDED, .who = "bellbook", .step = "a", .attempt = 1, .call = path, .host = host, .data = end };

	model_apply(model, &begun);
	model_apply(model, &ended);
	mem_free(path);
	mem_free(data);
	mem_free(end);
}

/* "Is it there already?" - "no" - is no fault: the step went on. The look at which it ended is one. */
static void known__a_look_that_said_no_is_an_answer_when_the_step_went_on(void **state)
{
	struct model *model = model_new();
	struct event events[] = {
		{ .seq = 1, .session = 1, .kind = EVENT_SESSION_OPENED, .who = "r", .data = "{\"runbook\":{\"id\":\"t\"},\"steps\":[{\"id\":\"a\",\"title\":\"a\",\"kind\":\"change\"}]}" },
		{ .seq = 2, .session = 1, .kind = EVENT_STEP_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .data = "{}" },
	};
	struct buf text = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		model_apply(model, &events[i]);
	run_on(model, 3, "app1", "read", "test -s mark", 2);
	run_on(model, 5, "app2", "read", "test -s mark", 2);
	run_on(model, 7, "app1", "change", "yarn install", 1);
	known_text(model, model_step_find(model, "a"), &text);
	assert_string_equal(buf_text(&text), "Known: 1 command ended well; on app2 “test -s mark” ended with status 2 after 0.5 s; on app1 “yarn install” ended with status 1 after 0.5 s.\n\n"
		"Not known: how far on app1 “yarn install” came before it ended.");
	buf_done(&text);
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known__a_look_that_said_no_is_an_answer_when_the_step_went_on),
		cmocka_unit_test(known__names_what_ended_badly_and_what_nobody_saw),
		cmocka_unit_test(known__a_command_that_never_began_leaves_nothing_to_know),
		cmocka_unit_test(known__counts_polls_once_and_names_what_was_skipped),
		cmocka_unit_test(known__says_so_when_nothing_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
