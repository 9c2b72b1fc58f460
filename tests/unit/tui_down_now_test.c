/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the heads of home, plan and review say while a site is down: from real journals, and from looks from outside. */
#include "tui/part/down_now.h"

#include "base/time.h"
#include "journal/index/history.h"
#include "journal_fixture.h"

#define START_US (1700000000 * TIME_SECOND)	/* 22:13:20 UTC */
#define AT(seconds) (START_US + (seconds) * TIME_SECOND)

static int64_t opened(struct store *store, const char *fleet, bool dry_run)
{
	char data[256];
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "ada", .at_us = START_US, .data = data };

	snprintf(data, sizeof(data), "{\"runbook\":{\"id\":\"up\",\"title\":\"Upgrade\"},\"dry_run\":%s,\"fleet\":{\"name\":\"%s\",\"digest\":\"0\"},"
		"\"steps\":[{\"id\":\"stop\",\"kind\":\"change\",\"title\":\"Stop it\"}]}", dry_run ? "true" : "false", fleet);
	append_ok(store, &ev, 1);
	return ev.session;
}

static void happens(struct store *store, int64_t session, enum event_kind kind, int seconds, const char *data)
{
	struct event ev = { .kind = kind, .session = session, .at_us = AT(seconds), .data = data };

	append_ok(store, &ev, 1);
}

/* What a head says `seconds` after the beginning, with a look from outside as JSON or NULL; "" when nothing. */
static void assert_says_at(const char *journal, const char *outside, int64_t seconds, const char *want)
{
	struct history *history = history_new();
	struct err e = { 0 };
	struct json *look = outside ? json_parse(outside, strlen(outside), &e) : NULL;
	char *words;

	assert_true(!outside || look);
	assert_int_equal(history_read(history, journal, false, HISTORY_SESSIONS, &e), 0);
	words = down_now(history_sessions(history), look, AT(seconds));
	assert_string_equal(words ? words : "", want);
	mem_free(words);
	json_free(look);
	history_free(history);
}

static void assert_says(const char *journal, const char *outside, const char *want)
{
	assert_says_at(journal, outside, 600, want);
}

static void down__is_said_from_the_step_that_takes_the_site_down_to_the_one_that_brings_it_back(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = opened(store, "toot", false);

	assert_says(place->path, NULL, "");
	happens(store, session, EVENT_DOWNTIME_BEGAN, 60, NULL);
	assert_says(place->path, NULL, "DOWN since 22:14 (session 1)");
	/* A page out of a cache proves nothing against the steps. */
	assert_says(place->path, "{\"state\":\"ok\",\"status\":200}", "DOWN since 22:14 (session 1)");
	happens(store, session, EVENT_DOWNTIME_ENDED, 120, NULL);
	assert_says(place->path, NULL, "");
	store_close(store);
}

static void down__keeps_its_hour_over_midnight(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);

	happens(store, opened(store, "toot", false), EVENT_DOWNTIME_BEGAN, 60, NULL);
	assert_says_at(place->path, NULL, 3 * 3600, "DOWN since 22:14 (session 1)");
	assert_says_at(place->path, NULL, 30 * 3600, "DOWN since 2023-11-14 22:14 (session 1)");
	assert_says_at(place->path, "{\"state\":\"silent\",\"at\":\"2023-11-14T22:20:00.000000Z\"}", 3 * 3600, "DOWN since 22:14 (session 1)");
	store_close(store);
}

static void down__is_said_as_it_was_last_seen_when_nobody_asks_any_more(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = opened(store, "toot", false);

	happens(store, session, EVENT_OUTSIDE_BEGAN, 1, "{\"asks\":[\"a page\"]}");
	happens(store, session, EVENT_OUTSIDE_COUNTED, 10, "{\"state\":\"refuses\",\"asked\":3,\"refused\":3,\"from_us\":1700000005000000,\"to_us\":1700000041000000}");
	assert_says(place->path, NULL, "DOWN at 22:14 (session 1)");
	happens(store, session, EVENT_OUTSIDE_COUNTED, 50, "{\"state\":\"waits\",\"asked\":3,\"waited\":3,\"from_us\":1700000042000000,\"to_us\":1700000049000000}");
	assert_says(place->path, NULL, "WAITS at 22:14 (session 1)");
	happens(store, session, EVENT_OUTSIDE_COUNTED, 60, "{\"state\":\"answers\",\"asked\":3,\"answered\":3,\"from_us\":1700000050000000,\"to_us\":1700000059000000}");
	assert_says(place->path, NULL, "");
	store_close(store);
}

static void down__outlives_its_walk_until_another_begins_or_the_site_answers(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = opened(store, "toot", false);

	happens(store, session, EVENT_DOWNTIME_BEGAN, 60, NULL);
	happens(store, session, EVENT_SESSION_CLOSED, 90, "{\"outcome\":\"aborted\"}");
	assert_says(place->path, NULL, "LEFT DOWN since 22:14 (session 1)");
	assert_says(place->path, "{\"state\":\"ok\",\"status\":200}", "");
	(void)opened(store, "toot", true);
	(void)opened(store, "another", false);
	assert_says(place->path, NULL, "LEFT DOWN since 22:14 (session 1)");
	(void)opened(store, "toot", false);
	assert_says(place->path, NULL, "");
	store_close(store);
}

static void down__is_said_from_a_look_from_outside_alone(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);

	(void)opened(store, "toot", false);
	assert_says(place->path, "{\"state\":\"silent\",\"at\":\"2023-11-14T22:20:00Z\"}", "DOWN from outside, 22:20");
	assert_says(place->path, "{\"state\":\"attention\",\"status\":502,\"at\":\"2023-11-14T22:20:00Z\"}", "DOWN from outside, 22:20");
	assert_says(place->path, "{\"state\":\"attention\",\"status\":200,\"fresh_status\":503,\"at\":\"2023-11-14T22:20:00Z\"}", "DOWN from outside, 22:20");
	assert_says(place->path, "{\"state\":\"attention\",\"status\":200,\"inbox_status\":502,\"at\":\"2023-11-14T22:20:00Z\"}", "DOWN from outside, 22:20");
	/* A certificate that ends soon takes nothing down, nor does a server that takes no POST. */
	assert_says(place->path, "{\"state\":\"attention\",\"status\":200,\"cert_days\":2,\"inbox_status\":501}", "");
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(down__is_said_from_the_step_that_takes_the_site_down_to_the_one_that_brings_it_back, place_make, place_remove),
		cmocka_unit_test_setup_teardown(down__keeps_its_hour_over_midnight, place_make, place_remove),
		cmocka_unit_test_setup_teardown(down__is_said_as_it_was_last_seen_when_nobody_asks_any_more, place_make, place_remove),
		cmocka_unit_test_setup_teardown(down__outlives_its_walk_until_another_begins_or_the_site_answers, place_make, place_remove),
		cmocka_unit_test_setup_teardown(down__is_said_from_a_look_from_outside_alone, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
