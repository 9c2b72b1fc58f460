/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "journal/model/model.h"
#include "tui/part/meter.h"

#define BEGIN (1000 * TIME_SECOND)

static int64_t seq;

static void apply(struct model *model, enum event_kind kind, int64_t at_us, const char *data)
{
	model_apply(model, &(struct event){ .seq = ++seq, .session = 1, .at_us = at_us, .kind = kind, .v = 1, .who = "bellbook",
		.step = kind == EVENT_SESSION_OPENED ? "" : "copy", .attempt = kind == EVENT_SESSION_OPENED ? 0 : 1, .data = data });
}

static struct model *running(const char *more)
{
	struct model *model = model_new();
	char data[200];

	seq = 0;
	snprintf(data, sizeof(data), "{\"runbook\":{\"id\":\"r\"},\"steps\":[{\"id\":\"copy\",\"kind\":\"change\"%s}]}", more);
	apply(model, EVENT_SESSION_OPENED, BEGIN, data);
	apply(model, EVENT_STEP_BEGUN, BEGIN, "{}");
	return model;
}

static void says(struct model *model, int seconds, const char *data)
{
	apply(model, EVENT_CALL_PROGRESS, BEGIN + seconds * TIME_SECOND, data);
}

static void words(const struct model *model, int seconds, bool is_short, const char *want)
{
	struct buf out = {0};

	meter_words(&model->steps[0], BEGIN + seconds * TIME_SECOND, is_short, &out);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void spark(const struct model *model, int seconds, int cols, bool ascii, const char *want)
{
	struct buf out = {0};

	meter_spark(&model->steps[0], BEGIN + seconds * TIME_SECOND, cols, ascii, &out);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void meter__says_nothing_before_the_first_value(void **state)
{
	struct model *model = running("");

	(void)state;
	words(model, 5, false, "");
	spark(model, 5, 8, true, "");
	assert_false(model->gap);
	model_free(model);
}

static void meter__tells_no_time_left_before_one_percent(void **state)
{
	struct model *model = running("");

	(void)state;
	says(model, 0, "{\"done\":0,\"total\":10000,\"unit\":\"rows\"}");
	words(model, 0, false, "0 of 10000 rows, 0 percent");
	says(model, 10, "{\"done\":99,\"total\":10000,\"unit\":\"rows\"}");
	words(model, 10, false, "99 of 10000 rows, 1.0 percent, 9.9 a second");
	says(model, 20, "{\"done\":200,\"total\":10000,\"unit\":\"rows\"}");
	words(model, 20, false, "200 of 10000 rows, 2.0 percent, 10 a second, about 16 m left");
	words(model, 20, true, "2.0%, about 16 m left, 10/s, 200 of 10000 rows");
	/* Shortly behind a value the rate stays what it was. */
	words(model, 24, true, "2.0%, about 16 m left, 10/s, 200 of 10000 rows");
	says(model, 1000, "{\"done\":10000,\"total\":10000,\"unit\":\"rows\"}");
	words(model, 5000, true, "100%, 10000 of 10000 rows");
	model_free(model);
}

static void meter__rate_is_that_of_late(void **state)
{
	struct model *model = running("");

	(void)state;
	says(model, 0, "{\"done\":0,\"total\":1000}");
	says(model, 100, "{\"done\":500,\"total\":1000}");
	says(model, 200, "{\"done\":510,\"total\":1000}");
	words(model, 200, true, "51%, about 1 h 21 m left, 6/min, 510 of 1000");
	model_free(model);
}

static void meter__says_since_when_nothing_moves(void **state)
{
	struct model *model = running(",\"stall_us\":60000000");

	(void)state;
	says(model, 0, "{\"done\":10,\"total\":100}");
	says(model, 10, "{\"done\":20,\"total\":100}");
	words(model, 20, true, "20%, about 1 m 20 s left, 1/s, 20 of 100");
	words(model, 70, true, "20%, no progress since 00:16:50 (1 m 00 s), 20 of 100");
	says(model, 40, "{\"stalled\":true}");
	words(model, 41, true, "20%, no progress since 00:16:50 (31 s), 20 of 100");
	says(model, 50, "{\"done\":21,\"total\":100}");
	words(model, 51, true, "21%, about 5 m 59 s left, 13/min, 21 of 100");
	model_free(model);
}

static void meter__takes_texts_percents_and_nonsense(void **state)
{
	struct model *model = running("");

	(void)state;
	says(model, 1, "{\"text\":\"warming\\u001b[2J up\"}");
	words(model, 2, false, "warming up");
	says(model, 3, "{\"percent\":30}");
	words(model, 3, false, "30 percent");
	says(model, 4, "{\"done\":-5,\"total\":1e300,\"unit\":7}");
	words(model, 4, false, "");
	says(model, 5, "{\"done\":12,\"unit\":\"mails\"}");
	words(model, 5, false, "12 mails");
	model_free(model);
}

static void meter__draws_the_speed(void **state)
{
	struct model *model = running("");

	(void)state;
	says(model, 0, "{\"done\":0,\"total\":100}");
	says(model, 10, "{\"done\":10,\"total\":100}");
	spark(model, 10, 4, true, "");
	says(model, 20, "{\"done\":50,\"total\":100}");
	says(model, 30, "{\"done\":50,\"total\":100}");
	says(model, 40, "{\"done\":70,\"total\":100}");
	spark(model, 40, 4, true, ":# =");
	spark(model, 40, 4, false, "\u2582\u2588 \u2584");
	model_free(model);
}

static void meter__history_is_bounded_and_keeps_its_ends(void **state)
{
	struct model *model = running("");
	const struct model_meter *meter = &model->steps[0].meter;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char data[80];

		snprintf(data, sizeof(data), "{\"done\":%d,\"total\":1000}", i);
		says(model, i, data);
		assert_true(meter->count <= MODEL_POINTS);
	}
	assert_true(meter->count > MODEL_POINTS / 2 - 1);
	assert_true(meter->points[0].done < 1);
	assert_true(meter->points[meter->count - 1].done > 998);
	/* The clock was set back; and a new attempt begins with nothing. */
	says(model, 500, "{\"done\":1000,\"total\":1000}");
	assert_int_equal(meter->count, 1);
	apply(model, EVENT_STEP_BEGUN, BEGIN, "{}");
	words(model, 501, false, "");
	assert_null(meter->points);
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meter__says_nothing_before_the_first_value),
		cmocka_unit_test(meter__tells_no_time_left_before_one_percent),
		cmocka_unit_test(meter__rate_is_that_of_late),
		cmocka_unit_test(meter__says_since_when_nothing_moves),
		cmocka_unit_test(meter__takes_texts_percents_and_nonsense),
		cmocka_unit_test(meter__draws_the_speed),
		cmocka_unit_test(meter__history_is_bounded_and_keeps_its_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
