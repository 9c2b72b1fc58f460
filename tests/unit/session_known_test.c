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
#include "journal/feed.h"
#include "session/known.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known__names_what_ended_badly_and_what_nobody_saw),
		cmocka_unit_test(known__says_so_when_nothing_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
