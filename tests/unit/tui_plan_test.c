/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan screen as text: tests/screen/CASE.json and plan-WHAT.screen. */
#include "tui/plan/plan.h"

#include "base/str.h"
#include "tui_golden.h"

struct picture {
	const char *data, *golden;
	int rows, cols;
	bool ascii;
	const char *rehearsal;	/* which events of the case, NULL = none */
	bool over;
	const char *keys;
};

static const struct picture pictures[] = {
	{ "plan", "plan-80x24", 24, 80, false, NULL, false, "" },
	{ "plan", "plan-132x43", 43, 132, false, NULL, false, "" },
	{ "plan", "plan-60x20", 20, 60, false, NULL, false, "" },
	{ "plan", "plan-ascii", 24, 80, true, "failed", true, "\006\006" },
	{ "plan", "plan-setting", 24, 80, false, NULL, false, "j\r" },
	{ "plan", "plan-setting-wrong", 24, 80, false, NULL, false, "jjj\r\00599\r" },
	{ "plan", "plan-setting-choice", 24, 80, false, NULL, false, "jj\r\033[B" },
	{ "plan", "plan-secret", 24, 80, false, NULL, false, "jjjj\r" },
	{ "plan", "plan-steps", 24, 80, false, NULL, false, "G" },
	{ "plan", "plan-details", 24, 80, false, NULL, false, "G\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\r" },
	{ "plan", "plan-running", 43, 132, false, "runs", false, "" },
	{ "plan", "plan-failed-132x43", 43, 132, false, "failed", true, "jjjjjjjj\r" },
	{ "plan", "plan-foreseen", 24, 80, false, "ok", true, "jjjjjjjjj\r" },
	{ "plan", "plan-warned", 24, 80, false, "warned", true, "jjjjjjjjj" },
	{ "plan", "plan-start-failed", 24, 80, false, "failed", true, "S" },
	{ "plan", "plan-start-no-reason", 24, 80, false, "failed", true, "Sx\r" },
	{ "plan", "plan-help", 30, 100, false, NULL, false, "?" },
	{ "plan-first", "plan-first", 24, 80, false, NULL, false, "" },
	{ "plan-first", "plan-first-start", 24, 80, false, NULL, false, "S" },
	{ "plan-alone", "plan-alone", 24, 80, false, NULL, false, "S" },
	{ "plan-filled", "plan-filled", 24, 80, false, NULL, false, "jjj" },
	{ "plan-down", "plan-down-80x24", 24, 80, false, NULL, false, "" },
	{ "plan-down", "plan-down-132x43", 43, 132, false, NULL, false, "" },
	{ "plan-back", "plan-back", 24, 80, false, NULL, false, "" },
	{ "plan-ways", "plan-ways", 24, 80, false, NULL, false, "GS" },
	{ "plan-ways", "plan-ways-stop", 24, 80, false, NULL, false, "jj\r\033[C\rG\r" },
	{ "plan-past", "plan-past-80x24", 24, 80, false, NULL, false, "" },
	{ "plan-past", "plan-past-132x43", 43, 132, false, NULL, false, "" },
	{ "plan-past", "plan-past-start", 24, 80, false, NULL, false, "S" },
	{ "plan-past", "plan-past-stop-132x43", 43, 132, false, NULL, false, "jj\r\033[B\r" },
	{ "plan-past", "plan-past-stop-80x24", 24, 80, false, NULL, false, "jj\r\033[B\rG\033[A\033[A\033[A\033[A\r" },
	{ "plan-past", "plan-past-stop-start", 24, 80, false, NULL, false, "jj\r\033[B\rS" },
	{ "plan-form", "plan-form", 24, 80, false, NULL, false, "G\r" },
	{ "plan", "plan-too-small", 9, 39, false, NULL, false, "" },
};

/* As a runbook would say it. */
static int check(void *arg, const char *name, const char *value, struct err *e)
{
	int64_t number;

	(void)arg;
	if (str_is(name, "jobs") && !str_to_int(value, 1, 16, &number))
		return err_set(e, ERR_USAGE, "jobs: a number from 1 to 16 is needed");
	if (str_is(name, "target") && !*value)
		return err_set(e, ERR_USAGE, "target: a host name is needed");
	return 0;
}

static struct plan *plan_of(const struct picture *one, int64_t *now_us)
{
	struct json *value = golden_case(str_is(one->data, "plan-down") ? "plan" : one->data);
	const struct json *lines = json_at(value, "lines"), *events = one->rehearsal ? json_at(value, one->rehearsal) : NULL;
	struct plan *plan = plan_new(json_at(value, "data"), check, NULL);

	for (size_t i = 0; i < json_count(lines); i++)
		plan_host(plan, json_item(lines, i));
	if (events)
		plan_rehearsal(plan);
	for (size_t i = 0; i < json_count(events); i++)
		plan_event(plan, json_item(events, i));
	if (one->over)
		plan_rehearsed(plan);
	if (str_is(one->data, "plan-down"))
		assert_true(plan_down(plan, "DOWN since 18:35 (session 41)"));
	*now_us = json_int(value, "now_us", 0);
	json_free(value);
	return plan;
}

/* Presses keys until one asks for something. */
static enum plan_do press_all(struct plan *plan, const char *text, struct canvas *canvas, int64_t now_us)
{
	struct keys *keys = keys_new();
	enum plan_do what = PLAN_STAY;
	struct press press;

	keys_feed(keys, text, strlen(text), 0);
	while (what == PLAN_STAY && keys_next(keys, KEYS_ESC_US, &press)) {
		what = plan_press(plan, &press);
		plan_draw(plan, canvas, now_us);
	}
	keys_free(keys);
	return what;
}

static struct canvas *paint(const struct picture *one)
{
	struct canvas *canvas = canvas_new(one->rows, one->cols, one->ascii);
	int64_t now_us;
	struct plan *plan = plan_of(one, &now_us);

	plan_draw(plan, canvas, now_us);
	press_all(plan, one->keys, canvas, now_us);
	plan_draw(plan, canvas, now_us);
	plan_free(plan);
	return canvas;
}

static void plan__is(void **state)
{
	const struct picture *one = *state;
	struct canvas *canvas = paint(one);

	golden_check(one->golden, canvas);
	golden_whole(canvas, one->rows - 2);
	if (golden_has_looks(one->golden))
		golden_check_looks(one->golden, canvas);
	canvas_free(canvas);
}

static void plan__hints_are_as_recorded(void **state)
{
	struct golden_hints hints = { .count = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		struct canvas *canvas = paint(&pictures[i]);

		golden_hint(&hints, pictures[i].golden, canvas);
		canvas_free(canvas);
	}
	golden_hints(&hints, "plan");
}

static void plan__is_sound_at_any_size(void **state)
{
	(void)state;
	for (int cols = 1; cols < 160; cols += 11)
		for (int rows = 1; rows < 50; rows += 7) {
			struct picture one = { "plan", NULL, rows, cols, cols % 2 == 0, cols % 3 ? "failed" : NULL, true, cols % 3 ? "jjjj\r" : "j\rabcS" };
			struct canvas *canvas = paint(&one);

			golden_sound(canvas);
			canvas_free(canvas);
		}
}

static struct plan *assert_does(const struct picture *one, enum plan_do what)
{
	struct canvas *canvas = canvas_new(24, 80, false);
	int64_t now_us;
	struct plan *plan = plan_of(one, &now_us);

	plan_draw(plan, canvas, now_us);
	assert_int_equal(press_all(plan, one->keys, canvas, now_us), what);
	canvas_free(canvas);
	return plan;
}

static void plan__takes_settings_that_are_right(void **state)
{
	struct plan *plan = assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "j\rdb2\rjj\r\025" "99\r\025" "8\rk\r\033[B\r" }, PLAN_STAY);
	char *print = json_print(plan_values(plan));

	(void)state;
	assert_string_equal(print, "{\"jobs\":\"8\",\"target\":\"db2\",\"way\":\"full-stop\"}");
	mem_free(print);
	plan_free(plan);
}

static void plan__keeps_what_it_was_filled_in_with(void **state)
{
	struct plan *plan = assert_does(&(struct picture){ "plan-filled", NULL, 0, 0, false, NULL, false, "jjj\r\025" "9\r" }, PLAN_STAY);
	char *print = json_print(plan_values(plan));

	(void)state;
	assert_string_equal(print, "{\"account\":\"admin\",\"jobs\":\"9\",\"target\":\"db2\"}");
	mem_free(print);
	plan_free(plan);
}

static void plan__empty_means_as_usual_and_ctrl_c_leaves_it(void **state)
{
	struct plan *plan = assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "jjj\r\025" "8\r\r\025\rj\003" }, PLAN_HOME);
	char *print = json_print(plan_values(plan));

	(void)state;
	assert_string_equal(print, "{}");
	mem_free(print);
	plan_free(plan);
}

static void plan__starts_only_after_a_further_question(void **state)
{
	(void)state;
	plan_free(assert_does(&(struct picture){ "plan-first", NULL, 0, 0, false, NULL, false, "S" }, PLAN_STAY));
	plan_free(assert_does(&(struct picture){ "plan-first", NULL, 0, 0, false, NULL, false, "S\r\r" }, PLAN_STAY));
	plan_free(assert_does(&(struct picture){ "plan-first", NULL, 0, 0, false, NULL, false, "S2\r" }, PLAN_STAY));
	plan_free(assert_does(&(struct picture){ "plan-first", NULL, 0, 0, false, NULL, false, "S1\r" }, PLAN_START));
	plan_free(assert_does(&(struct picture){ "plan-first", NULL, 0, 0, false, NULL, false, ":start\r1\r" }, PLAN_START));
}

static void plan__with_a_failure_starts_only_with_a_reason(void **state)
{
	struct plan *plan = assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "S\r\rab\r" }, PLAN_STAY);

	(void)state;
	assert_null(plan_reason(plan));
	plan_free(plan);
	plan = assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "Sapp2 is being replaced\r" }, PLAN_START);
	assert_string_equal(plan_reason(plan), "app2 is being replaced");
	plan_free(plan);
}

static void plan__rehearses_when_nobody_need_be_asked(void **state)
{
	(void)state;
	plan_free(assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "p" }, PLAN_STAY));
	plan_free(assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "j\rdb2\rp" }, PLAN_REHEARSE));
	plan_free(assert_does(&(struct picture){ "plan", NULL, 0, 0, false, "runs", false, "j\rdb2\rp" }, PLAN_STAY));
	plan_free(assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "d" }, PLAN_DRY_RUN));
	plan_free(assert_does(&(struct picture){ "plan", NULL, 0, 0, false, NULL, false, "q" }, PLAN_HOME));
}

/* Where nothing can be read nothing is chosen; q leaves. */
static void plan__in_a_tiny_window_starts_nothing(void **state)
{
	static const struct { const char *keys; enum plan_do does; } all[] = { { "Sbecause it is\r", PLAN_STAY }, { "d", PLAN_STAY }, { "p", PLAN_STAY }, { "\r", PLAN_STAY }, { "q", PLAN_HOME } };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct canvas *canvas = canvas_new(9, 39, false);
		int64_t now_us;
		struct plan *plan = plan_of(&(struct picture){ "plan", NULL, 9, 39, false, NULL, false, "" }, &now_us);

		plan_draw(plan, canvas, now_us);
		assert_int_equal(press_all(plan, all[i].keys, canvas, now_us), all[i].does);
		plan_free(plan);
		canvas_free(canvas);
	}
}

static void plan__bears_odd_data(void **state)
{
	static const char *const odd[] = { "null", "{}", "{\"params\":[1,{\"choices\":[2]}],\"steps\":[null,{\"kind\":7,\"usual\":[]}],\"checks\":[0],\"fleet\":{\"hosts\":[1]}}",
		"{\"title\":\"\\u001b[2J\",\"params\":[{\"name\":\"a\\u0007\",\"help\":\"\\u009b\"}],\"steps\":[{\"title\":\"\\u202e\",\"hosts\":[3],\"usual\":{\"took\":{\"n\":-1}}}]}" };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct err e = { 0 };
		struct json *data = json_parse(odd[i], strlen(odd[i]), &e);
		struct canvas *canvas = canvas_new(24, 80, false);
		struct plan *plan = plan_new(data, check, NULL);

		plan_host(plan, data);
		plan_rehearsal(plan);
		plan_event(plan, data);
		plan_rehearsed(plan);
		plan_draw(plan, canvas, 1);
		press_all(plan, "jj\rx\r\003j\rj\rS", canvas, 1);
		golden_sound(canvas);
		plan_free(plan);
		canvas_free(canvas);
		json_free(data);
	}
}

int main(void)
{
	static struct golden_tests all;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan__hints_are_as_recorded),
		cmocka_unit_test(plan__is_sound_at_any_size),
		cmocka_unit_test(plan__takes_settings_that_are_right),
		cmocka_unit_test(plan__keeps_what_it_was_filled_in_with),
		cmocka_unit_test(plan__empty_means_as_usual_and_ctrl_c_leaves_it),
		cmocka_unit_test(plan__starts_only_after_a_further_question),
		cmocka_unit_test(plan__with_a_failure_starts_only_with_a_reason),
		cmocka_unit_test(plan__rehearses_when_nobody_need_be_asked),
		cmocka_unit_test(plan__in_a_tiny_window_starts_nothing),
		cmocka_unit_test(plan__bears_odd_data),
	};

	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++)
		golden_tests_case(&all, "plan", pictures[i].golden, (struct CMUnitTest){ .test_func = plan__is,
			.initial_state = golden_state(&pictures[i]) });
	return golden_tests_run(&all, tests, sizeof(tests) / sizeof(tests[0]));
}
