/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "journal/feed.h"
#include "tui/plain.h"

#define HELLO "{\"hello\":{\"session\":1,\"who\":\"ruud\",\"uid\":1000,\"role\":\"driver\",\"head\":1,\"v\":1}}\n"
#define OPENED "{\"seq\":1,\"session\":1,\"at\":\"2026-11-21T18:00:00.000000Z\",\"kind\":\"session.opened\",\"v\":1,\"who\":\"ruud\",\"data\":" \
	"{\"runbook\":{\"id\":\"m\",\"title\":\"Server migration\",\"digest\":\"0\"},\"tool\":\"t\",\"process\":{\"pid\":1,\"started\":1,\"boot\":\"b\"}," \
	"\"steps\":[{\"id\":\"copy\",\"title\":\"copy the database\",\"kind\":\"change\",\"why\":\"the new server needs it\",\"back\":\"nothing is lost\"}," \
	"{\"id\":\"check\",\"title\":\"compare rows\",\"kind\":\"observe\"}]}}\n"
#define EVENT(seq, kind, rest) "{\"seq\":" #seq ",\"session\":1,\"at\":\"2026-11-21T18:00:01.000000Z\",\"kind\":\"" kind "\",\"v\":1,\"who\":\"bellbook\"," rest "}\n"
#define ENTERED EVENT(2, "step.entered", "\"step\":\"copy\",\"attempt\":1")
#define ASKED EVENT(3, "asked", "\"step\":\"copy\",\"data\":{\"of\":\"step\",\"text\":\"Copy now?\",\"type\":\"choice\",\"default\":\"go\"," \
	"\"commands\":[{\"host\":\"db2\",\"as\":\"postgres\",\"shown\":\"pg_restore -j 4\"}],\"choices\":[{\"value\":\"go\",\"label\":\"run\"}," \
	"{\"value\":\"skip\",\"label\":\"skip\",\"why\":true},{\"value\":\"defer\",\"label\":\"defer\",\"why\":true},{\"value\":\"abort\",\"label\":\"abort\",\"why\":true}]}")
#define ANSWERED EVENT(4, "answered", "\"data\":{\"seq\":3,\"value\":\"go\"}")

static int64_t now_us;

static void play(struct plain *plain, const char *lines)
{
	struct feed *feed = feed_memory(lines, strlen(lines));
	struct event ev;
	const struct json *reply;
	struct err e = { 0 };
	enum feed_item item;

	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY) {
		now_us += 1000;
		plain_item(plain, item == FEED_EVENT ? LINK_EVENT : LINK_REPLY, &ev, reply, NULL, now_us);
	}
	assert_int_equal(item, FEED_END);
	feed_close(feed);
	plain_settle(plain);
}

static struct plain *started(const char *more)
{
	struct plain *plain = plain_new(1);

	play(plain, HELLO OPENED);
	play(plain, more);
	return plain;
}

/* What was printed since the last look. */
static void assert_said(struct plain *plain, const char *text)
{
	if (!strstr(buf_text(plain_out(plain)), text))
		fail_msg("\"%s\" is not in:\n%s", text, buf_text(plain_out(plain)));
	buf_clear(plain_out(plain));
}

static void assert_not_said(struct plain *plain, const char *text)
{
	if (strstr(buf_text(plain_out(plain)), text))
		fail_msg("\"%s\" is in:\n%s", text, buf_text(plain_out(plain)));
}

static void assert_sends(struct plain *plain, const char *text)
{
	struct json *intent = plain_intent(plain);
	char *print = json_print(intent);

	assert_non_null(intent);
	assert_string_equal(print, text);
	mem_free(print);
	json_free(intent);
}

static void assert_silent(struct plain *plain)
{
	struct json *intent = plain_intent(plain);

	assert_null(intent);
}

static void type(struct plain *plain, const char *line)
{
	plain_line(plain, line, plain_question(plain));
}

static void plain__sums_history_up_instead_of_telling_it(void **state)
{
	struct plain *plain = plain_new(1);

	(void)state;
	play(plain, "{\"hello\":{\"session\":1,\"who\":\"gov\",\"role\":\"observer\",\"head\":4}}\n" OPENED ENTERED ASKED);
	assert_int_equal(plain_out(plain)->len, 0);
	play(plain, ANSWERED);
	assert_not_said(plain, "Copy now?");
	assert_said(plain, "session 1, Server migration: 0 of 2 steps over");
	plain_free(plain);
}

static void plain__history_ends_at_the_first_later_event(void **state)
{
	struct plain *plain = plain_new(1);

	(void)state;
	/* The journal's head belongs to another session. */
	play(plain, "{\"hello\":{\"session\":1,\"who\":\"gov\",\"role\":\"observer\",\"head\":3}}\n" OPENED ENTERED);
	assert_true(plain_is_catching_up(plain));
	play(plain, EVENT(9, "said", "\"data\":{\"text\":\"hello there\"}"));
	assert_false(plain_is_catching_up(plain));
	assert_said(plain, "bellbook: hello there");
	plain_free(plain);
}

static void plain__question_shows_everything_known(void **state)
{
	struct plain *plain = started(ENTERED ASKED);
	const char *out = buf_text(plain_out(plain));

	(void)state;
	assert_non_null(strstr(out, "Step 1 of 2: copy the database (change)."));
	assert_non_null(strstr(out, "Why: the new server needs it"));
	assert_non_null(strstr(out, "If it fails: nothing is lost"));
	assert_non_null(strstr(out, "Question 3: Copy now?"));
	assert_non_null(strstr(out, "Will run on db2 as postgres:\n$ pg_restore -j 4"));
	assert_non_null(strstr(out, "Choose: 1 run (go), 2 skip with a reason"));
	assert_non_null(strstr(out, "Enter alone means: go"));
	assert_int_equal(plain_question(plain), 3);
	plain_free(plain);
}

static void plain__answers_by_number_word_and_enter(void **state)
{
	static const char *const ways[] = { "1", "go", "run", "GO", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct plain *plain = started(ENTERED ASKED);

		type(plain, ways[i]);
		assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":\"go\"}");
		plain_free(plain);
	}
}

static void plain__line_begun_before_the_question_is_not_sent(void **state)
{
	struct plain *plain = started(ENTERED);
	int64_t begun = plain_question(plain);

	(void)state;
	play(plain, ASKED);
	buf_clear(plain_out(plain));
	plain_line(plain, "1", begun);
	assert_silent(plain);
	assert_said(plain, "the question changed while you typed");
	plain_free(plain);
}

static void plain__second_enter_in_a_hurry_meets_nothing(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "");
	assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":\"go\"}");
	assert_int_equal(plain_question(plain), 0);
	type(plain, "");
	assert_silent(plain);
	plain_free(plain);
}

static void plain__reason_owner_and_due_are_asked_for(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "defer");
	assert_silent(plain);
	assert_said(plain, "Why?");
	type(plain, "no time");
	assert_said(plain, "Who will do it later?");
	type(plain, "jello");
	assert_said(plain, "Until when?");
	type(plain, "3d");
	assert_sends(plain, "{\"do\":\"answer\",\"due\":\"3d\",\"owner\":\"jello\",\"seq\":3,\"value\":\"defer\",\"why\":\"no time\"}");
	plain_free(plain);
}

static void plain__empty_reason_takes_the_answer_back(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "abort");
	type(plain, "");
	assert_silent(plain);
	assert_said(plain, "Taken back");
	assert_int_equal(plain_question(plain), 3);
	plain_free(plain);
}

static void plain__question_answered_by_another_ends_my_reason(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "abort");
	buf_clear(plain_out(plain));
	play(plain, ANSWERED);
	assert_non_null(strstr(buf_text(plain_out(plain)), "bellbook answered question 3: go."));
	plain_line(plain, "because", 3);
	assert_silent(plain);
	assert_said(plain, "Your answer was not sent");
	plain_free(plain);
}

static void plain__refused_answer_shows_the_question_again(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "go");
	assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":\"go\"}");
	assert_true(plain_is_sending(plain));
	buf_clear(plain_out(plain));
	play(plain, "{\"refused\":{\"do\":\"answer\",\"seq\":3,\"why\":\"you only watch\"}}\n");
	assert_false(plain_is_sending(plain));
	assert_non_null(strstr(buf_text(plain_out(plain)), "Refused: you only watch"));
	assert_said(plain, "Question 3: Copy now?");
	plain_free(plain);
}

static void plain__typed_answer_must_be_exact_and_has_no_default(void **state)
{
	struct plain *plain = started(EVENT(3, "asked", "\"data\":{\"of\":\"approval\",\"text\":\"Sure?\",\"type\":\"typed\",\"expect\":\"db2\",\"default\":\"db2\"}"));

	(void)state;
	type(plain, "");
	type(plain, "DB2");
	assert_silent(plain);
	type(plain, "db2");
	type(plain, "checked twice");
	assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":\"db2\",\"why\":\"checked twice\"}");
	plain_free(plain);
}

static void plain__secret_is_hidden_and_never_a_command(void **state)
{
	struct plain *plain = started(EVENT(3, "asked", "\"data\":{\"of\":\"secret\",\"text\":\"Passphrase\",\"type\":\"secret\",\"secret\":true}"));

	(void)state;
	assert_true(plain_hides(plain));
	buf_clear(plain_out(plain));
	type(plain, "leave");
	assert_int_equal(plain_ending(plain), ENDING_NONE);
	assert_not_said(plain, "leave");
	assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":\"leave\"}");
	plain_free(plain);
}

static void plain__free_text_needs_a_colon_for_commands(void **state)
{
	struct plain *plain = started(EVENT(3, "asked", "\"data\":{\"of\":\"parameter\",\"name\":\"x\",\"text\":\"Name?\",\"type\":\"text\"}"));

	(void)state;
	type(plain, ":note found it");
	assert_sends(plain, "{\"do\":\"note\",\"text\":\"found it\"}");
	type(plain, "who");
	assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":\"who\"}");
	plain_free(plain);
}

static void plain__numbers_are_sent_as_numbers(void **state)
{
	struct plain *plain = started(EVENT(3, "asked", "\"data\":{\"of\":\"parameter\",\"name\":\"x\",\"text\":\"How many?\",\"type\":\"integer\",\"default\":2}"));

	(void)state;
	type(plain, "many");
	assert_silent(plain);
	type(plain, "");
	assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":2}");
	plain_free(plain);
}

#define BEGUN EVENT(4, "call.begun", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"db2\",\"data\":{\"action\":\"ssh.run\",\"shown\":\"pg_restore\"}")
#define OUTPUT(seq, text) EVENT(seq, "call.output", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"db2\",\"data\":{\"stream\":\"out\"},\"text\":\"" text "\"")

static void plain__output_is_safe_and_progress_lines_collapse(void **state)
{
	struct plain *plain = started(ENTERED BEGUN OUTPUT(5, "10%\\r20%\\r30%\\n\\u001b[2Jgone\\n"));

	(void)state;
	assert_non_null(strstr(buf_text(plain_out(plain)), "db2: 30%\n"));
	assert_null(strchr(buf_text(plain_out(plain)), '\033'));
	assert_said(plain, "db2: ^[[2Jgone\n");
	plain_free(plain);
}

static void plain__flood_is_cut_and_can_be_read_later(void **state)
{
	struct plain *plain = started(ENTERED BEGUN);
	struct buf line = { 0 };

	(void)state;
	for (int i = 0; i < 500; i++) {
		buf_clear(&line);
		buf_printf(&line, "{\"seq\":%d,\"session\":1,\"at\":\"2026-11-21T18:00:01.000000Z\",\"kind\":\"call.output\",\"v\":1,"
			"\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"data\":{\"stream\":\"out\"},\"text\":\"line %d\\n\"}\n", 10 + i, i);
		play(plain, buf_text(&line));
	}
	assert_not_said(plain, "line 20\n");
	assert_said(plain, "say \"output\" to read it");
	type(plain, "output 3");
	assert_said(plain, "db2: line 497\ndb2: line 498\ndb2: line 499\n");
	play(plain, EVENT(900, "call.ended", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"db2\",\"data\":{\"outcome\":\"failed\",\"exit\":1,\"error\":\"exit status 1\"}"));
	assert_non_null(strstr(buf_text(plain_out(plain)), "last lines: line 499"));
	assert_said(plain, "500 lines of output, say \"output\"");
	buf_done(&line);
	plain_free(plain);
}

static void plain__progress_comes_every_ten_percent(void **state)
{
	struct plain *plain = started(ENTERED BEGUN);

	(void)state;
	play(plain, EVENT(5, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"data\":{\"percent\":1}"));
	assert_said(plain, "1 percent");
	play(plain, EVENT(6, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"data\":{\"percent\":9}"));
	assert_not_said(plain, "percent");
	play(plain, EVENT(7, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"data\":{\"percent\":12}"));
	assert_said(plain, "12 percent");
	now_us += 60000000;
	play(plain, EVENT(8, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"data\":{\"percent\":13}"));
	assert_said(plain, "13 percent");
	plain_free(plain);
}

static void plain__meter_comes_every_ten_percent_or_minute(void **state)
{
	struct plain *plain = started(ENTERED EVENT(4, "step.begun", "\"step\":\"copy\",\"attempt\":1"));

	(void)state;
	play(plain, EVENT(5, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"done\":1,\"total\":100,\"unit\":\"rows\"}"));
	assert_said(plain, "1 of 100 rows, 1.0 percent.");
	play(plain, EVENT(6, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"done\":9,\"total\":100,\"unit\":\"rows\"}"));
	assert_not_said(plain, "percent");
	play(plain, EVENT(7, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"stalled\":true}"));
	assert_said(plain, "9 of 100 rows, 9.0 percent, no progress since");
	play(plain, EVENT(8, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"done\":19,\"total\":100,\"unit\":\"rows\"}"));
	assert_said(plain, "19 of 100 rows, 19 percent");
	plain_free(plain);
}

static void plain__looks_back_at_talk_parameters_and_progress(void **state)
{
	struct plain *plain = started(ENTERED EVENT(4, "step.begun", "\"step\":\"copy\",\"attempt\":1"));

	(void)state;
	buf_clear(plain_out(plain));
	type(plain, "talk");
	assert_said(plain, "Nothing was said or noted yet.");
	type(plain, "parameters");
	assert_said(plain, "no parameters, or none was asked for yet");
	play(plain, EVENT(5, "param.set", "\"data\":{\"name\":\"target\",\"value\":\"4.5.9\\u001b[2J\"}"));
	play(plain, EVENT(6, "param.set", "\"data\":{\"name\":\"drain\",\"value\":600}"));
	play(plain, EVENT(7, "said", "\"text\":\"coffee?\""));
	play(plain, EVENT(8, "warned", "\"step\":\"copy\",\"data\":{\"text\":\"the disk is slow\"}"));
	play(plain, EVENT(9, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"done\":30,\"total\":100,\"unit\":\"rows\"}"));
	buf_clear(plain_out(plain));
	type(plain, "parameters");
	assert_non_null(strstr(buf_text(plain_out(plain)), "drain: 600\n"));
	assert_said(plain, "target: 4.5.9^[[2J\n");
	type(plain, "talk 1");
	assert_not_said(plain, "coffee?");
	assert_said(plain, "WARNING (copy): the disk is slow\n");
	type(plain, "talk");
	assert_said(plain, "bellbook: coffee?\n");
	type(plain, "where");
	assert_said(plain, "So far: 30 of 100 rows, 30 percent");
	plain_free(plain);
}

static void plain__cancel_names_the_call_and_needs_a_reason(void **state)
{
	struct plain *plain = started(ENTERED BEGUN);

	(void)state;
	type(plain, "cancel");
	assert_said(plain, "Stop pg_restore on db2?");
	type(plain, "");
	assert_silent(plain);
	type(plain, "cancel");
	type(plain, "wrong file");
	assert_sends(plain, "{\"call\":4,\"do\":\"cancel\",\"why\":\"wrong file\"}");
	plain_free(plain);
}

static void plain__interrupt_stops_nothing_by_itself(void **state)
{
	struct plain *plain = started(ENTERED BEGUN);

	(void)state;
	plain_interrupt(plain);
	assert_silent(plain);
	type(plain, "0");
	assert_silent(plain);
	plain_interrupt(plain);
	type(plain, "4");
	assert_int_equal(plain_ending(plain), ENDING_LEFT);
	plain_free(plain);
}

static void plain__end_tells_how_to_come_back(void **state)
{
	struct plain *plain = started(ENTERED ASKED);
	struct buf out = { 0 };

	(void)state;
	type(plain, "leave");
	assert_int_equal(plain_end(plain, &out), 3);
	assert_non_null(strstr(buf_text(&out), "Come back with: bellbook attach 1"));
	buf_clear(&out);
	plain_free(plain);
	plain = started(ENTERED EVENT(3, "session.closed", "\"data\":{\"outcome\":\"ok\"}"));
	assert_int_equal(plain_ending(plain), ENDING_CLOSED);
	assert_int_equal(plain_end(plain, &out), 0);
	assert_non_null(strstr(buf_text(&out), "closed, outcome ok"));
	buf_clear(&out);
	plain_free(plain);
	plain = started(ENTERED EVENT(3, "session.closed", "\"data\":{\"outcome\":\"aborted\"}"));
	assert_int_equal(plain_end(plain, &out), 1);
	buf_done(&out);
	plain_free(plain);
}

static void plain__being_turned_away_ends_the_view(void **state)
{
	struct plain *plain = plain_new(1);
	struct buf out = { 0 };

	(void)state;
	play(plain, "{\"refused\":{\"do\":\"hello\",\"why\":\"not in the team\"}}\n");
	assert_int_equal(plain_ending(plain), ENDING_REFUSED);
	assert_int_equal(plain_end(plain, &out), 1);
	assert_non_null(strstr(buf_text(&out), "not in the team"));
	buf_done(&out);
	plain_free(plain);
}

#define SHELL(seq, kind, data) EVENT(seq, kind, "\"step\":\"copy\",\"attempt\":1,\"call\":\"detour.1/app1\",\"host\":\"app1\"," data)
#define SHELL_BEGUN SHELL(4, "call.begun", "\"data\":{\"action\":\"ssh.shell\",\"of\":\"detour\",\"shown\":\"a shell\",\"args\":{\"rows\":24,\"cols\":200}}")
#define SHELL_SAYS(seq, text) SHELL(seq, "call.output", "\"data\":{\"stream\":\"pty\"},\"text\":\"" text "\"")

static struct plain *at_a_shell(void)
{
	struct plain *plain = started(ENTERED ASKED "{\"hosts\":[\"app1\",\"here\"]}\n");

	buf_clear(plain_out(plain));
	type(plain, "shell");
	assert_said(plain, "app1, here");
	type(plain, "shell app1");
	assert_sends(plain, "{\"cols\":200,\"do\":\"detour\",\"host\":\"app1\",\"rows\":24,\"shell\":true,\"term\":\"dumb\"}");
	play(plain, SHELL_BEGUN "{\"accepted\":{\"do\":\"detour\",\"seq\":4}}\n");
	/* A line of a script waits for the shell's first word, a question of the connection would be asked here. */
	assert_true(plain_is_sending(plain));
	play(plain, SHELL_SAYS(5, "$ "));
	assert_false(plain_is_sending(plain));
	assert_said(plain, "| $ ");
	assert_string_equal(plain_prompt(plain), "shell> ");
	return plain;
}

static void plain__lines_go_to_the_shell_and_come_from_it(void **state)
{
	struct plain *plain = at_a_shell();

	(void)state;
	type(plain, "~~uname");
	assert_sends(plain, "{\"bytes\":\"fnVuYW1lCg==\",\"call\":4,\"do\":\"detour.input\",\"id\":4}");
	assert_true(plain_is_sending(plain));
	play(plain, "{\"accepted\":{\"do\":\"detour.input\",\"id\":4}}\n" SHELL_SAYS(6, "$ ~uname\\r\\nLi\\u001b[1mnux\\r\\n$ "));
	assert_not_said(plain, "~uname");
	assert_said(plain, "| Linux\n| $ ");
	plain_interrupt(plain);
	assert_sends(plain, "{\"bytes\":\"Aw==\",\"call\":4,\"do\":\"detour.input\",\"id\":4}");
	type(plain, "~.");
	assert_sends(plain, "{\"call\":4,\"do\":\"detour.end\",\"id\":4}");
	play(plain, SHELL(7, "call.ended", "\"data\":{\"outcome\":\"canceled\"}"));
	assert_said(plain, "Copy now?");
	plain_free(plain);
}

static void plain__what_a_shell_asks_for_is_hidden(void **state)
{
	struct plain *plain = at_a_shell();

	(void)state;
	play(plain, SHELL_SAYS(6, "sudo -k true\\r\\n[sudo] password for ruud: "));
	assert_true(plain_hides(plain));
	assert_string_equal(plain_prompt(plain), "hidden shell> ");
	type(plain, "sesame");
	assert_sends(plain, "{\"bytes\":\"c2VzYW1lCg==\",\"call\":4,\"do\":\"detour.input\",\"id\":4}");
	play(plain, SHELL_SAYS(7, "\\r\\n$ "));
	assert_false(plain_hides(plain));
	plain_free(plain);
}

static void plain__a_line_for_the_shell_never_answers(void **state)
{
	struct plain *plain = at_a_shell();
	int64_t begun = plain_question(plain);

	(void)state;
	play(plain, SHELL(6, "call.ended", "\"data\":{\"outcome\":\"unknown\",\"error\":\"lost\"}"));
	plain_line(plain, "go", begun);
	assert_silent(plain);
	assert_said(plain, "Not sent");
	type(plain, "go");
	assert_sends(plain, "{\"do\":\"answer\",\"seq\":3,\"value\":\"go\"}");
	plain_free(plain);
	plain = started(ENTERED ASKED);
	begun = plain_question(plain);
	type(plain, "shell app1");
	assert_sends(plain, "{\"cols\":200,\"do\":\"detour\",\"host\":\"app1\",\"rows\":24,\"shell\":true,\"term\":\"dumb\"}");
	play(plain, SHELL_BEGUN SHELL_SAYS(5, "$ "));
	plain_line(plain, "go", begun);
	assert_silent(plain);
	plain_free(plain);
}

static void plain__a_command_by_hand_is_shown_before_it_runs(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "run app1");
	assert_said(plain, "Say where and what");
	type(plain, "run app1,app2 echo  two blanks");
	assert_silent(plain);
	assert_said(plain, "on app1, app2: echo  two blanks\n");
	type(plain, "go");
	assert_silent(plain);
	assert_said(plain, "Nothing was run.");
	type(plain, "run app1,app2 uptime");
	type(plain, "yes");
	assert_sends(plain, "{\"cmd\":\"uptime\",\"do\":\"detour\",\"hosts\":[\"app1\",\"app2\"]}");
	plain_free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain__lines_go_to_the_shell_and_come_from_it),
		cmocka_unit_test(plain__what_a_shell_asks_for_is_hidden),
		cmocka_unit_test(plain__a_line_for_the_shell_never_answers),
		cmocka_unit_test(plain__a_command_by_hand_is_shown_before_it_runs),
		cmocka_unit_test(plain__sums_history_up_instead_of_telling_it),
		cmocka_unit_test(plain__history_ends_at_the_first_later_event),
		cmocka_unit_test(plain__question_shows_everything_known),
		cmocka_unit_test(plain__answers_by_number_word_and_enter),
		cmocka_unit_test(plain__line_begun_before_the_question_is_not_sent),
		cmocka_unit_test(plain__second_enter_in_a_hurry_meets_nothing),
		cmocka_unit_test(plain__reason_owner_and_due_are_asked_for),
		cmocka_unit_test(plain__empty_reason_takes_the_answer_back),
		cmocka_unit_test(plain__question_answered_by_another_ends_my_reason),
		cmocka_unit_test(plain__refused_answer_shows_the_question_again),
		cmocka_unit_test(plain__typed_answer_must_be_exact_and_has_no_default),
		cmocka_unit_test(plain__secret_is_hidden_and_never_a_command),
		cmocka_unit_test(plain__free_text_needs_a_colon_for_commands),
		cmocka_unit_test(plain__numbers_are_sent_as_numbers),
		cmocka_unit_test(plain__output_is_safe_and_progress_lines_collapse),
		cmocka_unit_test(plain__flood_is_cut_and_can_be_read_later),
		cmocka_unit_test(plain__progress_comes_every_ten_percent),
		cmocka_unit_test(plain__meter_comes_every_ten_percent_or_minute),
		cmocka_unit_test(plain__looks_back_at_talk_parameters_and_progress),
		cmocka_unit_test(plain__cancel_names_the_call_and_needs_a_reason),
		cmocka_unit_test(plain__interrupt_stops_nothing_by_itself),
		cmocka_unit_test(plain__end_tells_how_to_come_back),
		cmocka_unit_test(plain__being_turned_away_ends_the_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
