/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include "journal/export/export.h"
#include "journal_story.h"

/* In the second telling: four workers, app1 says something else, "wipe" is called "drop" and "index" takes 9 s more. */
static void vary(struct arena *arena, struct event *ev)
{
	char *data = arena_dup(arena, ev->data ? ev->data : "", ev->data ? strlen(ev->data) : 0), *at;

	if (ev->seq == 1 && (at = strstr(data, "\"id\":\"wipe\"")) != NULL)
		memcpy(at + 6, "drop", 4);
	if (ev->seq == 3 && (at = strstr(data, "2")) != NULL)
		*at = '4';
	if (ev->seq == 18)
		ev->bytes = "stOp";
	if (ev->seq >= 37)
		ev->at_us += 9000000;
	ev->data = data;
}

static int64_t tell(struct store *store, bool varied)
{
	struct arena *arena = arena_new();
	struct err e = { 0 };
	int64_t base = store_head(store, &e);

	for (size_t i = 0; i < STORY_COUNT; i++) {
		struct event ev = story_event(arena, i);

		if (varied)
			vary(arena, &ev);
		if (ev.kind == EVENT_ANSWERED) {	/* its question is where this telling has it */
			struct json *data = json_parse(ev.data, strlen(ev.data), &e);

			ev.data = arena_printf(arena, "{\"seq\":%lld}", (long long)(base + json_int(data, "seq", 0)));
			json_free(data);
		}
		ev.session = i ? base + 1 : 0;
		ev.seq = 0;
		append_ok(store, &ev, 1);
	}
	arena_free(arena);
	return base + 1;
}

static struct json *diff_ok(const char *journal, int64_t a, int64_t b)
{
	struct err e = { 0 };
	struct json *diff = export_diff(journal, a, b, &e);

	if (!diff)
		fail_msg("%s", e.text);
	return diff;
}

static void export_diff__names_what_is_otherwise(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t a = tell(store, false), b = tell(store, true);
	struct json *diff = diff_ok(place->path, a, b);
	struct buf out = { 0 };

	export_diff_text(diff, false, &out);
	assert_string_equal(buf_text(&out),
		"first: session 1, es, 2025-11-21T18:52 UTC by ann, aborted after 1 m 10 s, downtime 47 s\n"
		"second: session 50, es, 2025-11-21T18:52 UTC by ann, aborted after 1 m 19 s, downtime 56 s\n"
		"\nSettings\n  workers: 2 -> 4\n"
		/* What came out otherwise stands before the other steps, whatever its place in the runbook. */
		"\nSteps that came out otherwise\n"
		"* wipe: ready -> not there\n"
		"* drop: not there -> planned\n"
		"\nSteps that printed something else\n"
		"* stop: deferred in 3.0 s (waited 13 s) -> deferred in 3.0 s (waited 13 s)\n"
		"    call 1/app1/1 on app1, line 1 (of 2 and 2):\n      - stopping\n      + stOpping\n"
		"\nSteps that are the same\n"
		"  count: ok in 1.0 s -> ok in 1.0 s\n"
		"  index: warn in 20 s (waited 10 s) -> warn in 29 s (waited 10 s)\n"
		"  tell: skipped -> skipped\n");
	json_free(diff);
	buf_done(&out);
	store_close(store);
}

static void export_diff__of_a_session_with_itself_is_empty(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t a = tell(store, false);
	struct json *diff = diff_ok(place->path, a, a);
	const struct json *steps = json_at(diff, "steps");

	assert_int_equal(json_count(json_at(diff, "params")), 0);
	assert_int_equal(json_count(steps), 5);
	for (size_t i = 0; i < json_count(steps); i++)
		assert_true(json_bool(json_item(steps, i), "same", false));
	json_free(diff);
	store_close(store);
}

static void export_diff__of_a_session_that_is_not_there_says_so(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };

	journal_with(place->path, 1);
	assert_null(export_diff(place->path, 1, 77, &e));
	assert_int_equal(e.kind, ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "session 77 is not in the journal"));
}

static void export_diff__is_safe_to_show(void **state)
{
	static const char bad[] = "\033[31m\033]0;x\007<b>\xe2\x80\xae*x*\n";
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct buf out = { 0 };
	struct json *diff;

	tell(store, false);
	for (int i = 0; i < 2; i++) {
		struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "\033[2J", .data = "{\"runbook\":{\"id\":\"<i>\"},\"steps\":[{\"id\":\"s\\u001b[2J\"}]}" };
		struct event said = { .kind = EVENT_CALL_OUTPUT, .step = "s\033[2J", .attempt = 1, .call = "1", .bytes = bad, .len = sizeof(bad) - 1 - (size_t)i * 3 };

		append_ok(store, &ev, 1);
		said.session = ev.session;
		append_ok(store, &said, 1);
	}
	diff = diff_ok(place->path, 50, 52);
	export_diff_text(diff, false, &out);
	export_diff_text(diff, true, &out);
	assert_null(strchr(buf_text(&out), '\033'));
	assert_null(strstr(buf_text(&out), "\xe2\x80\xae"));
	assert_non_null(strstr(buf_text(&out), "- first: &lt;b>"));
	json_free(diff);
	buf_done(&out);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(export_diff__names_what_is_otherwise, place_make, place_remove),
		cmocka_unit_test_setup_teardown(export_diff__of_a_session_with_itself_is_empty, place_make, place_remove),
		cmocka_unit_test_setup_teardown(export_diff__of_a_session_that_is_not_there_says_so, place_make, place_remove),
		cmocka_unit_test_setup_teardown(export_diff__is_safe_to_show, place_make, place_remove),
	};

	return cmocka_run_group_tests_name("journal_diff", tests, NULL, NULL);
}
