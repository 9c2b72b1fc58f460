/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/ask/transport_asks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "session/ask/asks.h"

/* What goes to the worker and into the journal is noted here instead: these two stand in for the real ones. */
static struct buf sent, withdrawn;

void worker_answer(struct worker *worker, uint64_t call, int64_t ask, const char *value, size_t len)
{
	(void)worker;
	buf_printf(&sent, "%llu.%lld=%.*s ", (unsigned long long)call, (long long)ask, (int)len, value);
}

void asks_withdraw(struct engine *engine, int64_t seq, const char *reason)
{
	(void)engine;
	buf_printf(&withdrawn, "%lld:%s ", (long long)seq, reason);
}

static int fresh(void **state)
{
	(void)state;
	buf_done(&sent);
	buf_done(&withdrawn);
	return 0;
}

static void stored(struct engine *engine, enum event_kind kind, int64_t seq, const char *key)
{
	struct event ev = {.kind = kind, .seq = kind == EVENT_ASKED ? seq : seq + 1};
	struct json *data = json_new_object();

	if (kind == EVENT_ASKED)
		json_set_text(data, "ask", key);
	else
		json_set_int(data, "seq", seq);
	transport_ask_stored(engine, &ev, data);
	json_free(data);
}

static void transport_ask__answer_goes_to_the_host_when_it_is_stored(void **state)
{
	struct engine engine = {0};

	(void)state;
	assert_string_equal(transport_ask_new(&engine, 3, 1, "hostkey"), "3.1");
	stored(&engine, EVENT_ASKED, 20, "3.1");
	assert_false(transport_ask_answer(&engine, 21, "trust"));
	assert_true(transport_ask_answer(&engine, 20, "trust"));
	assert_false(transport_ask_answer(&engine, 20, "refuse"));
	assert_string_equal(buf_text(&sent), "");
	stored(&engine, EVENT_ANSWERED, 19, NULL);
	assert_string_equal(buf_text(&sent), "");
	stored(&engine, EVENT_ANSWERED, 20, NULL);
	assert_string_equal(buf_text(&sent), "3.1=trust ");
	stored(&engine, EVENT_ANSWERED, 20, NULL);
	assert_string_equal(buf_text(&sent), "3.1=trust ");
	assert_string_equal(buf_text(&withdrawn), "");
	assert_null(engine.transport_asks);
}

static void transport_ask__call_that_ends_in_the_same_breath_leaves_no_question_open(void **state)
{
	struct engine engine = {0};

	(void)state;
	transport_ask_new(&engine, 3, 1, "hostkey");
	transport_ask_new(&engine, 4, 1, "secret");
	transport_ask_withdraw(&engine, 3, "the call ended");
	assert_string_equal(buf_text(&withdrawn), "");
	stored(&engine, EVENT_ASKED, 20, "3.1");
	assert_string_equal(buf_text(&withdrawn), "20:the call ended ");
	stored(&engine, EVENT_ASKED, 21, "4.1");
	assert_string_equal(buf_text(&withdrawn), "20:the call ended ");
	transport_ask_withdraw(&engine, 4, "over");
	assert_string_equal(buf_text(&withdrawn), "20:the call ended 21:over ");
	assert_null(engine.transport_asks);
}

static void transport_ask__call_that_ends_before_its_answer_is_stored_gets_none(void **state)
{
	struct engine engine = {0};

	(void)state;
	transport_ask_new(&engine, 3, 1, "secret");
	stored(&engine, EVENT_ASKED, 20, "3.1");
	assert_true(transport_ask_answer(&engine, 20, "hunter2"));
	transport_ask_withdraw(&engine, 3, "the worker was lost; the question comes again");
	stored(&engine, EVENT_ANSWERED, 20, NULL);
	assert_string_equal(buf_text(&sent), "");
	assert_string_equal(buf_text(&withdrawn), "");
	assert_null(engine.transport_asks);
	transport_ask_new(&engine, 3, 2, "secret");
	transport_ask_free(&engine);
	assert_null(engine.transport_asks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(transport_ask__answer_goes_to_the_host_when_it_is_stored, fresh, fresh),
		cmocka_unit_test_setup_teardown(transport_ask__call_that_ends_in_the_same_breath_leaves_no_question_open, fresh, fresh),
		cmocka_unit_test_setup_teardown(transport_ask__call_that_ends_before_its_answer_is_stored_gets_none, fresh, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
