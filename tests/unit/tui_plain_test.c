/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "journal/feed/feed.h"
#include "tui/plain/plain.h"
#include "tui_golden.h"

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

/* tests/screen/NAME.events told in lines of text, as NAME.plain says; GENERATE=1 writes it anew. */
static void tell(const char *name)
{
	char *path = mem_printf("tests/screen/%s.events", name);
	size_t len = 0;
	char *lines = golden_read(path, &len);
	struct plain *plain = plain_new(1);

	assert_non_null(lines);
	play(plain, lines);
	golden_same(name, "plain", plain_out(plain));
	plain_free(plain);
	mem_free(lines);
	mem_free(path);
}

static void plain__doubts_are_told_as_recorded(void **state)
{
	(void)state;
	tell("doubt");
	tell("result");
	tell("result-out");
}

static void plain__a_step_by_hand_waits_for_who_is_named(void **state)
{
	struct plain *plain = plain_new(1);
	size_t len = 0;
	char *lines = golden_read("tests/screen/manual.events", &len);

	(void)state;
	tell("manual-waits");
	play(plain, lines);
	plain_caught_up(plain);
	buf_clear(plain_out(plain));
	type(plain, "wait");
	assert_silent(plain);
	assert_said(plain, "Who is to judge it?");
	type(plain, "ben");
	assert_sends(plain, "{\"do\":\"answer\",\"owner\":\"ben\",\"seq\":38,\"value\":\"wait\"}");
	plain_free(plain);
	mem_free(lines);
}

static void plain__a_silent_host_is_told_once(void **state)
{
	struct plain *plain = started(EVENT(2, "call.begun", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"app2\",\"data\":{\"action\":\"ssh.run\",\"effect\":\"change\",\"shown\":\"bundle install\"}"));
#define LINK(seq, state, text) EVENT(seq, "link.changed", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"app2\",\"data\":{\"state\":\"" state "\",\"text\":\"" text "\"}")

	(void)state;
	plain_caught_up(plain);
	buf_clear(plain_out(plain));
	play(plain, "{\"seq\":3,\"session\":1,\"at\":\"2026-11-21T17:59:00.000000Z\",\"kind\":\"link.changed\",\"v\":1,\"who\":\"bellbook\",\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"app2\",\"data\":{\"state\":\"silent\",\"text\":\"no answer for 10 s\"}}\n");
	assert_said(plain, "NO ANSWER from app2: no answer for 10 s. bellbook waits on, and tells when it answers again.");
	/* That the connection is given up is news; each try to come back is none. */
	play(plain, LINK(4, "lost", "no answer for 45 s"));
	assert_said(plain, "NO ANSWER from app2: no answer for 45 s. It is tried again by itself. What was begun there may go on");
	play(plain, "{\"seq\":5,\"session\":1,\"at\":\"2026-11-21T18:00:09.000000Z\",\"kind\":\"link.changed\",\"v\":1,\"who\":\"bellbook\",\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"app2\",\"data\":{\"state\":\"lost\",\"text\":\"No route\"}}\n");
	assert_int_equal(plain_out(plain)->len, 0);
	play(plain, LINK(6, "back", ""));
	assert_said(plain, "app2 answers again.");
	play(plain, LINK(7, "fallback", "libssh2 cannot log in with RSA keys"));
	assert_said(plain, "app2: libssh2 cannot log in with RSA keys.");
#undef LINK
	plain_free(plain);
}

/* A wait is told when it begins and from time to time, not at every look; its looks are not told at all. */
static void plain__a_wait_is_told_with_what_was_last_seen(void **state)
{
#define SLEEP(seq, at, look, seen) "{\"seq\":" #seq ",\"session\":1,\"at\":\"2026-11-21T18:00:" at ".000000Z\",\"kind\":\"call.begun\",\"v\":1,\"who\":\"bellbook\",\"step\":\"copy\",\"attempt\":1,\"call\":\"" #seq "\",\"data\":{\"action\":\"sleep\",\"effect\":\"read\",\"shown\":\"wait 1s\",\"args\":{\"for\":\"1s\",\"what\":\"waiting for the web\",\"look\":" #look ",\"of\":90,\"seen\":\"" seen "\"}}}\n"
	struct plain *plain = started("");

	(void)state;
	plain_caught_up(plain);
	buf_clear(plain_out(plain));
	play(plain, SLEEP(2, "02", 1, "status 502"));
	assert_said(plain, "18:00:02 Waiting for the web: look 1 of 90; last seen: status 502.\n");
	play(plain, SLEEP(3, "03", 2, "status 503"));
	assert_int_equal(plain_out(plain)->len, 0);
	play(plain, SLEEP(4, "17", 15, "status 200\\u001b[31m"));
	assert_said(plain, "18:00:17 Waiting for the web: 15 s so far, look 15 of 90; last seen: status 200^[[31m.\n");
	/* Another wait for the same is a wait of its own. */
	play(plain, SLEEP(5, "18", 1, ""));
	assert_said(plain, "18:00:18 Waiting for the web: look 1 of 90.\n");
#undef SLEEP
	plain_free(plain);
}

/* What a look prints is the runbook's to judge, but where people asked to see it. */
static void plain__a_look_that_people_want_to_see_is_told(void **state)
{
#define LOOK(seq, tell) EVENT(seq, "call.begun", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1/app2/" #seq "\",\"host\":\"app2\",\"data\":{\"action\":\"ssh.read\",\"effect\":\"read\",\"shown\":\"uptime\",\"args\":{\"cmd\":\"uptime\"" tell "}}")
#define PRINTS(seq, of) EVENT(seq, "call.output", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1/app2/" #of "\",\"host\":\"app2\",\"data\":{\"stream\":\"out\",\"text\":\"up 3 days\\n\"},\"text\":\"up 3 days\\n\"")
	struct plain *plain = started("");

	(void)state;
	plain_caught_up(plain);
	buf_clear(plain_out(plain));
	play(plain, LOOK(2, "") PRINTS(3, 2));
	assert_not_said(plain, "up 3 days");
	play(plain, LOOK(4, ",\"tell\":true") PRINTS(5, 4));
	assert_said(plain, "Runs on app2: uptime\napp2: up 3 days\n");
#undef LOOK
#undef PRINTS
	plain_free(plain);
}

static void plain__a_session_that_failed_at_once_says_why(void **state)
{
	struct plain *plain = started("");

	(void)state;
	plain_caught_up(plain);
	buf_clear(plain_out(plain));
	play(plain, EVENT(2, "note", "\"text\":\"would run on app1: a\\nb\\n\",\"data\":{}"));
	assert_said(plain, ": would run on app1: a\nb\n");
	play(plain, EVENT(3, "session.closed", "\"data\":{\"outcome\":\"failed\",\"reason\":\"es needs 1 host with the role 'web'; the fleet toot has 0\"}"));
	assert_said(plain, "the session is closed: failed: es needs 1 host with the role 'web'; the fleet toot has 0\n");
	plain_free(plain);
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
	assert_null(strstr(out, "Enter alone"));
	assert_int_equal(plain_question(plain), 3);
	plain_free(plain);
}

static void plain__answers_by_number_and_word(void **state)
{
	static const char *const ways[] = { "1", "go", "run", "GO" };

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

/* ASKED offers "go" as a default, as sessions of before did. */
static void plain__enter_alone_runs_no_step(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "");
	assert_silent(plain);
	assert_said(plain, "type an answer");
	plain_free(plain);
}

static void plain__a_question_mark_is_help(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "?");
	assert_said(plain, "explain");
	plain_free(plain);
}

static void plain__second_enter_in_a_hurry_meets_nothing(void **state)
{
	struct plain *plain = started(ENTERED ASKED);

	(void)state;
	type(plain, "1");
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
	type(plain, "soon");
	assert_silent(plain);
	assert_said(plain, "\"soon\" is no day: a date like 2026-12-01, or tomorrow, friday, 3d, 2 weeks.\nUntil when?");
	type(plain, "2030-01-01");
	assert_sends(plain, "{\"do\":\"answer\",\"due\":\"2030-01-01\",\"owner\":\"jello\",\"seq\":3,\"value\":\"defer\",\"why\":\"no time\"}");
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
	assert_said(plain, "db2: gone\n");
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

/* A minute is long when somebody holds a lock: other words are told at once, other numbers in the same ones are not. */
static void plain__meter_of_words_is_told_when_they_change(void **state)
{
	struct plain *plain = started(ENTERED EVENT(4, "step.begun", "\"step\":\"copy\",\"attempt\":1"));

	(void)state;
	play(plain, EVENT(5, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"text\":\"It waits for no lock\"}"));
	assert_said(plain, "It waits for no lock.");
	play(plain, EVENT(6, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"text\":\"It waits for a lock; 2 sessions wait behind it\"}"));
	assert_said(plain, "It waits for a lock; 2 sessions wait behind it.");
	play(plain, EVENT(7, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"text\":\"It waits for a lock; 13 sessions wait behind it\"}"));
	assert_not_said(plain, "13 sessions");
	play(plain, EVENT(8, "call.progress", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"text\":\"It waits for no lock\"}"));
	assert_said(plain, "It waits for no lock.");
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
	/* Where it is called otherwise, it says so: what is shown can be typed. */
	assert_int_equal(setenv("BELLBOOK_CALLED", "tests/fleet/fleet exec ./bellbook", 1), 0);
	buf_clear(&out);
	assert_int_equal(plain_end(plain, &out), 3);
	assert_int_equal(unsetenv("BELLBOOK_CALLED"), 0);
	assert_non_null(strstr(buf_text(&out), "Come back with: tests/fleet/fleet exec ./bellbook attach 1\n"));
	buf_clear(&out);
	plain_free(plain);
	/* What a process that is gone had begun is not said to have ended. */
	plain = started(ENTERED EVENT(3, "step.begun", "\"step\":\"copy\",\"attempt\":1") EVENT(4, "call.begun", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"db2\",\"data\":{\"action\":\"ssh.job\",\"effect\":\"change\",\"shown\":\"pg_restore -j 4\"}"));
	plain_item(plain, LINK_GONE, NULL, NULL, NULL, now_us);
	plain_end(plain, &out);
	assert_null(strstr(buf_text(&out), "nothing is being done"));
	assert_non_null(strstr(buf_text(&out), "This may go on without it: start nothing by hand there before the session is resumed.\n  On db2: pg_restore -j 4\n"));
	buf_clear(&out);
	plain_free(plain);
	plain = started(ENTERED ASKED "{\"halted\":{\"why\":\"the disk is full\"}}\n");
	type(plain, "leave");
	plain_end(plain, &out);
	assert_non_null(strstr(buf_text(&out), "nothing goes on there, with you or without: the disk is full"));
	buf_clear(&out);
	plain_free(plain);
	/* What was put off, warned of and noted is said once more. */
	plain = started(ENTERED EVENT(3, "step.ended", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"state\":\"deferred\",\"reason\":\"no room\",\"owner\":\"ben\",\"due\":\"2026-12-01\"}")
		EVENT(4, "warned", "\"text\":\"port 80 is closed\"") EVENT(5, "warned", "\"text\":\"port 80 is closed\"") EVENT(6, "note", "\"text\":\"keep the dump\"")
		EVENT(7, "session.closed", "\"data\":{\"outcome\":\"ok\"}"));
	assert_int_equal(plain_ending(plain), ENDING_CLOSED);
	assert_int_equal(plain_end(plain, &out), 0);
	assert_non_null(strstr(buf_text(&out), "closed, outcome ok, 1 step put off.\n"));
	assert_non_null(strstr(buf_text(&out), "no room (owed by ben until 2026-12-01)"));
	assert_non_null(strstr(buf_text(&out), "Warnings of this walk:\n  port 80 is closed\nNotes:\n  keep the dump\nRead it with"));
	buf_clear(&out);
	plain_free(plain);
	/* A failure that was mended since is no news at the end, nor what was warned of in it. */
	plain = started(ENTERED EVENT(3, "step.begun", "\"step\":\"copy\",\"attempt\":1") EVENT(4, "warned", "\"step\":\"copy\",\"attempt\":1,\"text\":\"app2 does not answer\"")
		EVENT(5, "step.ended", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"state\":\"failed\"}") EVENT(6, "step.begun", "\"step\":\"copy\",\"attempt\":2")
		EVENT(7, "warned", "\"step\":\"copy\",\"attempt\":2,\"text\":\"db1 is slow\"") EVENT(8, "step.ended", "\"step\":\"copy\",\"attempt\":2,\"data\":{\"state\":\"warn\"}")
		EVENT(9, "session.closed", "\"data\":{\"outcome\":\"ok\"}"));
	plain_end(plain, &out);
	assert_null(strstr(strstr(buf_text(&out), "closed, outcome ok"), "app2 does not answer"));
	assert_non_null(strstr(buf_text(&out), "Warnings of this walk:\n  db1 is slow\nRead it with"));
	buf_clear(&out);
	plain_free(plain);
	/* One that was not mended still is. */
	plain = started(ENTERED EVENT(3, "step.begun", "\"step\":\"copy\",\"attempt\":1") EVENT(4, "warned", "\"step\":\"copy\",\"attempt\":1,\"text\":\"app2 does not answer\"")
		EVENT(5, "step.ended", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"state\":\"failed\"}") EVENT(6, "session.closed", "\"data\":{\"outcome\":\"failed\"}"));
	plain_end(plain, &out);
	assert_non_null(strstr(buf_text(&out), "Warnings of this walk:\n  app2 does not answer\n"));
	buf_clear(&out);
	plain_free(plain);
	/* A step that a person skipped makes no walk that is simply ok. */
	plain = started(ENTERED "{\"seq\":3,\"session\":1,\"at\":\"2026-11-21T18:00:01.000000Z\",\"kind\":\"step.ended\",\"v\":1,\"who\":\"ruud\",\"step\":\"copy\",\"data\":{\"state\":\"skipped\",\"reason\":\"no room\"}}\n"
		EVENT(4, "session.closed", "\"data\":{\"outcome\":\"ok\"}"));
	assert_said(plain, "the session is closed: ok, 1 step skipped by people\n");
	plain_end(plain, &out);
	assert_non_null(strstr(buf_text(&out), "closed, outcome ok, 1 step skipped by people.\n  skipped by ruud: step 1, "));
	buf_clear(&out);
	plain_free(plain);
	plain = started(ENTERED EVENT(3, "step.begun", "\"step\":\"copy\",\"attempt\":1") EVENT(4, "call.begun", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"app1\",\"data\":{\"action\":\"ssh.job\",\"effect\":\"change\",\"shown\":\"pg_restore -j 4\"}")
		EVENT(5, "call.ended", "\"step\":\"copy\",\"attempt\":1,\"call\":\"1\",\"host\":\"app1\",\"data\":{\"outcome\":\"unknown\"}") EVENT(6, "session.closed", "\"data\":{\"outcome\":\"aborted\"}"));
	plain_end(plain, &out);
	assert_non_null(strstr(buf_text(&out), "IN DOUBT, nobody knows how it ended: on app1: pg_restore -j 4\n"));
	buf_clear(&out);
	plain_free(plain);
	plain = started(ENTERED EVENT(3, "session.closed", "\"data\":{\"outcome\":\"aborted\"}"));
	assert_int_equal(plain_end(plain, &out), 1);
	buf_done(&out);
	plain_free(plain);
}

static void plain__goes_back_to_a_step(void **state)
{
	struct plain *plain = started(ENTERED);

	(void)state;
	type(plain, "enter 1");
	assert_sends(plain, "{\"do\":\"enter\",\"step\":\"copy\"}");
	for (int i = 0; i < 4; i++) {
		type(plain, (const char *const[]){ "enter", "enter 3", "enter copy", "enter 0" }[i]);
		assert_silent(plain);
		assert_said(plain, "Say the number of a step that was skipped or put off");
	}
	play(plain, "{\"seq\":3,\"session\":1,\"at\":\"2026-11-21T18:00:01.000000Z\",\"kind\":\"step.entered\",\"v\":1,\"who\":\"ruud\",\"step\":\"check\","
		"\"data\":{\"index\":2,\"total\":2,\"back\":true}}\n");
	assert_said(plain, "ruud goes back to a step that was left out.\n");
	plain_free(plain);
}

static void plain__a_step_that_is_left_out_says_its_title_alone(void **state)
{
	struct plain *plain = started("");

	(void)state;
	play(plain, ENTERED);
	assert_not_said(plain, "the new server needs it");
	play(plain, EVENT(3, "step.ended", "\"step\":\"copy\",\"attempt\":1,\"data\":{\"state\":\"skipped\",\"reason\":\"not on this way\"}"));
	assert_not_said(plain, "the new server needs it");
	assert_said(plain, "Step 1 of 2: copy the database (change).\n");
	plain_free(plain);
	plain = started("");
	play(plain, ENTERED);
	play(plain, ASKED);
	assert_said(plain, "Step 1 of 2: copy the database (change).\nWhy: the new server needs it\nIf it fails: nothing is lost\nQuestion 3: Copy now?\n");
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
	play(plain, "{\"hosts\":[\"app1\",\"app2\",\"here\"]}\n");
	type(plain, "run uptime -p");
	assert_silent(plain);
	assert_said(plain, "uptime is no host of this fleet. Say where first");
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

#define CLOSED_BACK(by) EVENT(3, "session.closed", "\"data\":{\"outcome\":\"aborted\",\"way_back\":{\"runbook\":\"m-back\",\"path\":\"/opt/runbooks/m-back.lua\"," \
	"\"fleet\":\"/etc/my fleet.lua\",\"open\":\"as long as \\u001b[2Jthe dump lies there\",\"params\":{\"jobs\":4,\"record\":\"/b/x.record\"}" by "}}")

static void plain__tells_the_way_back_and_opens_it_for_who_chose_it(void **state)
{
	static const struct { const char *lines; bool opens; } all[] = {
		{ ENTERED CLOSED_BACK(""), false }, { ENTERED CLOSED_BACK(",\"by\":\"ruud\""), true }, { ENTERED CLOSED_BACK(",\"by\":\"jello\""), false },
		{ "{\"you\":{\"role\":\"observer\"}}\n" ENTERED CLOSED_BACK(",\"by\":\"ruud\""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct plain *plain = started(all[i].lines);
		struct buf out = { 0 };

		assert_int_equal(plain_way_back(plain) != NULL, all[i].opens);
		plain_end(plain, &out);
		if (!strstr(buf_text(&out), "The way back is open as long as ^[[2Jthe dump lies there:\n  bellbook run m-back --fleet '/etc/my fleet.lua' --set jobs=4 --set record=/b/x.record\n"))
			fail_msg("%s", buf_text(&out));
		buf_done(&out);
		plain_free(plain);
	}
}

/* What a step by hand is about is told when it is entered; its question tells what stands before and behind that alone. */
static void plain__a_step_by_hand_is_explained_once(void **state)
{
	struct plain *plain = plain_new(1);
	const char *out, *first;

	(void)state;
	play(plain, HELLO "{\"seq\":1,\"session\":1,\"at\":\"2026-11-21T18:00:00.000000Z\",\"kind\":\"session.opened\",\"v\":1,\"who\":\"ruud\",\"data\":"
		"{\"runbook\":{\"id\":\"m\",\"title\":\"M\",\"digest\":\"0\"},\"tool\":\"t\",\"process\":{\"pid\":1,\"started\":1,\"boot\":\"b\"},"
		"\"steps\":[{\"id\":\"agree\",\"title\":\"Agree\",\"kind\":\"manual\",\"why\":\"w\",\"about\":\"Read the notes.\"}]}}\n"
		EVENT(2, "step.entered", "\"step\":\"agree\",\"attempt\":1")
		EVENT(3, "asked", "\"step\":\"agree\",\"data\":{\"of\":\"manual\",\"text\":\"Agreed?\",\"type\":\"choice\","
			"\"details\":\"1 warning so far; nothing was changed yet:\\n- Look: too old\\n\\nRead the notes.\\n\\nNoted so far:\\nhttps://example.org/1\","
			"\"choices\":[{\"value\":\"done\",\"label\":\"Done\"}]}"));
	out = buf_text(plain_out(plain));
	first = strstr(out, "Read the notes.");
	assert_non_null(first);
	assert_null(strstr(first + 1, "Read the notes."));
	assert_non_null(strstr(out, "- Look: too old"));
	assert_non_null(strstr(first, "https://example.org/1"));
	plain_free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain__a_step_by_hand_is_explained_once),
		cmocka_unit_test(plain__tells_the_way_back_and_opens_it_for_who_chose_it),
		cmocka_unit_test(plain__lines_go_to_the_shell_and_come_from_it),
		cmocka_unit_test(plain__what_a_shell_asks_for_is_hidden),
		cmocka_unit_test(plain__a_line_for_the_shell_never_answers),
		cmocka_unit_test(plain__a_command_by_hand_is_shown_before_it_runs),
		cmocka_unit_test(plain__doubts_are_told_as_recorded),
		cmocka_unit_test(plain__a_step_by_hand_waits_for_who_is_named),
		cmocka_unit_test(plain__a_silent_host_is_told_once),
		cmocka_unit_test(plain__a_wait_is_told_with_what_was_last_seen),
		cmocka_unit_test(plain__a_look_that_people_want_to_see_is_told),
		cmocka_unit_test(plain__a_session_that_failed_at_once_says_why),
		cmocka_unit_test(plain__sums_history_up_instead_of_telling_it),
		cmocka_unit_test(plain__history_ends_at_the_first_later_event),
		cmocka_unit_test(plain__question_shows_everything_known),
		cmocka_unit_test(plain__answers_by_number_and_word),
		cmocka_unit_test(plain__line_begun_before_the_question_is_not_sent),
		cmocka_unit_test(plain__enter_alone_runs_no_step),
		cmocka_unit_test(plain__a_question_mark_is_help),
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
		cmocka_unit_test(plain__meter_of_words_is_told_when_they_change),
		cmocka_unit_test(plain__looks_back_at_talk_parameters_and_progress),
		cmocka_unit_test(plain__cancel_names_the_call_and_needs_a_reason),
		cmocka_unit_test(plain__interrupt_stops_nothing_by_itself),
		cmocka_unit_test(plain__end_tells_how_to_come_back),
		cmocka_unit_test(plain__goes_back_to_a_step),
		cmocka_unit_test(plain__a_step_that_is_left_out_says_its_title_alone),
		cmocka_unit_test(plain__being_turned_away_ends_the_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
