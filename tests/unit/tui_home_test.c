/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The home screen as text: tests/screen/CASE.json and home-WHAT.screen. */
#include "tui/home/home.h"

#include "base/str.h"
#include "base/time.h"
#include "tui_golden.h"

struct picture {
	const char *data, *golden;
	int rows, cols;
	bool ascii;
	const char *keys;
};

static const struct picture pictures[] = {
	{ "home", "home-80x24", 24, 80, false, "" },
	{ "home", "home-132x43", 43, 132, false, "" },
	{ "home", "home-60x20", 20, 60, false, "" },
	{ "home", "home-ascii", 24, 80, true, "" },
	{ "home", "home-scrolled", 24, 80, false, "G" },
	{ "home", "home-filter", 24, 80, false, "/sear" },
	{ "home", "home-filter-nothing", 24, 80, false, "/zebra" },
	{ "home", "home-take-over", 24, 80, false, "\r" },
	{ "home", "home-help", 30, 100, false, "?" },
	{ "home", "home-broken", 24, 80, false, "jjjjj\r" },
	{ "home-debts", "home-debts-80x24", 24, 80, false, "jjj" },
	{ "home-debts", "home-debts-132x43", 43, 132, false, "jj" },
	{ "home-debts", "home-debts-filter", 24, 80, false, "/index" },
	{ "home-back", "home-back-80x24", 24, 80, false, "j" },
	{ "home-back", "home-back-132x43", 43, 132, false, "j" },
	{ "home-back", "home-back-60x20", 20, 60, false, "j" },
	{ "home-down", "home-down-80x24", 24, 80, false, "" },
	{ "home-down", "home-down-132x43", 43, 132, false, "" },
	{ "home-first", "home-first-80x24", 24, 80, false, "" },
	{ "home-first", "home-first-132x43", 43, 132, false, "" },
	{ "home", "home-too-small", 9, 39, false, "" },
};

static struct home *home_of(const char *name, int64_t *now_us)
{
	bool down = str_is(name, "home-down");	/* the same, while the walk that stopped has the site down */
	struct json *value = golden_case(down ? "home" : name), *now = json_new_object();
	const struct json *lines = json_at(value, "lines");
	struct home *home = home_new();

	json_set_int(now, "since_us", json_int(value, "now_us", 0) - 1062 * TIME_SECOND);
	json_set_text(now, "by", "steps");
	if (down)
		json_put(json_item(json_at(json_at(value, "data"), "sessions"), 0), "down", json_copy_of(now));
	json_free(now);
	assert_true(home_data(home, json_at(value, "data")));
	assert_false(home_data(home, json_at(value, "data")));
	for (size_t i = 0; i < json_count(lines); i++)
		home_line(home, json_item(lines, i));
	*now_us = json_int(value, "now_us", 0);
	json_free(value);
	return home;
}

/* Presses keys until one makes a choice. */
static struct home_choice press_all(struct home *home, const char *text, struct canvas *canvas, int64_t now_us)
{
	struct keys *keys = keys_new();
	struct home_choice choice = { .what = HOME_STAY };
	struct press press;

	keys_feed(keys, text, strlen(text), 0);
	while (choice.what == HOME_STAY && keys_next(keys, KEYS_ESC_US, &press)) {
		home_press(home, &press, &choice);
		home_draw(home, canvas, now_us);
	}
	keys_free(keys);
	return choice;
}

static struct canvas *paint(const struct picture *one)
{
	struct canvas *canvas = canvas_new(one->rows, one->cols, one->ascii);
	int64_t now_us;
	struct home *home = home_of(one->data, &now_us);

	home_draw(home, canvas, now_us);
	press_all(home, one->keys, canvas, now_us);
	home_draw(home, canvas, now_us);
	home_free(home);
	return canvas;
}

static void home__is(void **state)
{
	const struct picture *one = *state;
	struct canvas *canvas = paint(one);

	golden_check(one->golden, canvas);
	golden_whole(canvas, one->rows - 2);
	if (golden_has_looks(one->golden))
		golden_check_looks(one->golden, canvas);
	canvas_free(canvas);
}

static void home__hints_are_as_recorded(void **state)
{
	struct golden_hints hints = { .count = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		struct canvas *canvas = paint(&pictures[i]);

		golden_hint(&hints, pictures[i].golden, canvas);
		canvas_free(canvas);
	}
	golden_hints(&hints, "home");
}

static void home__is_sound_at_any_size(void **state)
{
	(void)state;
	for (int cols = 1; cols < 160; cols += 7)
		for (int rows = 1; rows < 50; rows += 5) {
			struct picture one = { rows % 2 ? "home-down" : "home", NULL, rows, cols, cols % 2 == 0, cols % 3 ? "jj" : "/a?" };
			struct canvas *canvas = paint(&one);

			golden_sound(canvas);
			canvas_free(canvas);
		}
}

static void assert_chooses_of(const char *data, const char *keys, enum home_do what, int64_t session, const char *runbook)
{
	struct canvas *canvas = canvas_new(24, 80, false);
	int64_t now_us;
	struct home *home = home_of(data, &now_us);
	struct home_choice choice;

	home_draw(home, canvas, now_us);
	choice = press_all(home, keys, canvas, now_us);
	assert_int_equal(choice.what, what);
	if (session)
		assert_int_equal(choice.session, session);
	assert_string_equal(choice.runbook, runbook);
	home_free(home);
	canvas_free(canvas);
}

static void assert_chooses(const char *keys, enum home_do what, int64_t session, const char *runbook)
{
	assert_chooses_of("home", keys, what, session, runbook);
}

/* What is over and can be undone has a row of its own: it leads there, and can be read. */
static void home__leads_to_the_way_back(void **state)
{
	(void)state;
	assert_chooses_of("home-back", "j\r", HOME_BACK, 40, "");
	assert_chooses_of("home-back", "jr", HOME_REVIEW, 40, "");
}

static void home__chooses(void **state)
{
	(void)state;
	assert_chooses("j\r", HOME_ATTACH, 38, "");
	assert_chooses("\r1\r", HOME_RESUME, 41, "");
	assert_chooses("\r2\r", HOME_REVIEW, 41, "");
	assert_chooses("\r\r", HOME_STAY, 0, "");
	assert_chooses("u1\r", HOME_RESUME, 41, "");
	assert_chooses("jr", HOME_REVIEW, 38, "");
	assert_chooses("jj\r", HOME_PLAN, 0, "upgrade");
	assert_chooses("/drill\r", HOME_PLAN, 0, "drill");
	assert_chooses("/mrkap\r", HOME_REVIEW, 40, "");
	assert_chooses("jjjjj\r", HOME_STAY, 0, "");
	assert_chooses("/q\003q", HOME_QUIT, 0, "");
	assert_chooses("c", HOME_ACT, 0, "");
}

/* A doubt is taken over from wherever the person was. */
static void home__settles_the_doubt_and_not_what_is_picked(void **state)
{
	(void)state;
	assert_chooses("jju1\r", HOME_RESUME, 41, "");
	assert_chooses("ju1\r", HOME_RESUME, 41, "");
}

/* A key from before the question could be seen takes nothing over. */
static void home__early_keys_take_nothing_over(void **state)
{
	struct canvas *canvas = canvas_new(24, 80, false);
	struct home_choice choice;
	struct home *home;
	int64_t now_us;

	(void)state;
	home = home_of("home", &now_us);
	home_draw(home, canvas, now_us);
	assert_null(home_front(home));
	assert_int_equal(press_all(home, "\r", canvas, now_us).what, HOME_STAY);
	assert_non_null(home_front(home));
	assert_true(home_front(home)->question != 0);
	home_front(home)->unseen = true;
	assert_int_equal(press_all(home, "1\r", canvas, now_us).what, HOME_STAY);
	assert_non_null(home_front(home));
	home_front(home)->unseen = false;
	assert_int_equal(press_all(home, "\r", canvas, now_us).what, HOME_STAY);
	choice = press_all(home, "1\r", canvas, now_us);
	assert_int_equal(choice.what, HOME_RESUME);
	home_free(home);
	canvas_free(canvas);
}

static void home__bears_odd_data(void **state)
{
	static const char *const odd[] = { "null", "[]", "{}", "{\"sessions\":[1,{}],\"runbooks\":[{},null],\"fleet\":{\"hosts\":[5,\"a\\u001b[31m\"],\"site\":7}}",
		"{\"sessions\":[{\"session\":-1,\"state\":\"open\",\"doubts\":[{}],\"notes\":[{}]}],\"fleet\":{\"error\":\"f.lua:1: \\u0007 no\"}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct err e = { 0 };
		struct json *data = json_parse(odd[i], strlen(odd[i]), &e);
		struct canvas *canvas = canvas_new(24, 80, false);
		struct home *home = home_new();

		home_data(home, data);
		home_line(home, data);
		home_line(home, json_item(data, 0));
		home_draw(home, canvas, 1);
		press_all(home, "jj\r?\003/x\r", canvas, 1);
		golden_sound(canvas);
		home_free(home);
		canvas_free(canvas);
		json_free(data);
	}
}

int main(void)
{
	static struct golden_tests all;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(home__hints_are_as_recorded),
		cmocka_unit_test(home__is_sound_at_any_size),
		cmocka_unit_test(home__chooses),
		cmocka_unit_test(home__leads_to_the_way_back),
		cmocka_unit_test(home__settles_the_doubt_and_not_what_is_picked),
		cmocka_unit_test(home__early_keys_take_nothing_over),
		cmocka_unit_test(home__bears_odd_data),
	};

	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++)
		golden_tests_case(&all, "home", pictures[i].golden, (struct CMUnitTest){ .test_func = home__is,
			.initial_state = golden_state(&pictures[i]) });
	return golden_tests_run(&all, tests, sizeof(tests) / sizeof(tests[0]));
}
