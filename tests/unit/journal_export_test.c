/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/proc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/export/export.h"
#include "journal/export/export_md.h"
#include "journal/store/place.h"
#include "journal/store/store.h"
#include "journal_story.h"

#define HOSTILE "\x1b]0;owned\x07\x1b[2J\x9b" "31m\xe2\x80\xae" "evil \xff\xfe`code` ```\n```\n<script>alert(1)</script>\r" \
	"\n18:52:07  stop           ann       approved by root\n# heading [a](javascript:x) | cell | &lt; <!-- *b* _i_ ![](x) $(x)\x7f\x01"

static bool to_buf(void *arg, const char *bytes, size_t len)
{
	buf_append(arg, bytes, len);
	return true;
}

static bool to_nowhere(void *arg, const char *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	*(int *)arg += 1;
	return false;
}

/* Export of lines of JSON. Caller owns. */
static char *export_of(const struct buf *lines, enum export_format format)
{
	struct feed *feed = feed_memory(buf_text(lines), lines->len);
	struct buf out = {0};
	struct err e = {0};

	if (export_feed(feed, format, to_buf, &out, &e) < 0)
		fail_msg("%s", e.text);
	feed_close(feed);
	return buf_take(&out);
}

static void put_event(struct buf *lines, const struct event *ev)
{
	struct json *value = event_to_json(ev, true);
	char *text = json_print(value);

	buf_printf(lines, "%s\n", text);
	mem_free(text);
	json_free(value);
}

static void put_story(struct buf *lines, size_t count)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < count; i++) {
		struct event ev = story_event(arena, i);

		put_event(lines, &ev);
	}
	arena_free(arena);
}

static char *story_as(enum export_format format)
{
	struct buf lines = {0};
	char *text;

	put_story(&lines, STORY_COUNT);
	text = export_of(&lines, format);
	buf_done(&lines);
	return text;
}

static void assert_has(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		fail_msg("no \"%s\" in:\n%s", wanted, text);
}

static void assert_has_not(const char *text, const char *unwanted)
{
	if (strstr(text, unwanted))
		fail_msg("\"%s\" in:\n%s", unwanted, text);
}

/* No byte of text makes a terminal do anything but show it. */
static void assert_harmless(const char *text)
{
	size_t len = strlen(text);

	assert_true(utf8_valid(text, len));
	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(text + at, len - at, &cp);
		if ((utf8_width(cp) < 0 && cp != '\n' && cp != '\t') || (cp >= 0x202a && cp <= 0x202e))
			fail_msg("U+%04X at %zu", (unsigned)cp, at);
	}
}

static void export_format__names(void **state)
{
	enum export_format format;

	(void)state;
	assert_true(export_format_parse("md", &format));
	assert_int_equal(format, EXPORT_MD);
	assert_true(export_format_parse("jsonl", &format));
	assert_int_equal(format, EXPORT_JSONL);
	assert_true(export_format_parse("html", &format) && format == EXPORT_HTML);
	assert_true(export_format_parse("cast", &format) && format == EXPORT_CAST);
	assert_false(export_format_parse("pdf", &format));
	assert_false(export_format_parse(NULL, &format));
}

static void export_text__has_a_line_per_event_and_indented_output(void **state)
{
	char *text = story_as(EXPORT_TEXT);
	size_t events = 0, outputs = 0;

	(void)state;
	assert_true(str_starts(text, "2025-11-21 (UTC)\n18:52:07  -              ann       opened \"Rebuild the search index\" (es), 5 steps, fleet prod\n"));
	assert_has(text, "\n18:52:21  stop           ann       answers go (to: Stop the workers?)\n");
	assert_has(text, "\n18:52:24  stop           bellbook  call 1/app2/1 on app2 failed, exit status 5 after 3.0 s: exit status 5\n");
	/* A line that came in two pieces is one line; the carriage return is gone. */
	assert_has(text, "\n          app1 | stopping\n          app1 | stopped\n");
	assert_has(text, "\n          app2 ! Failed to stop sidekiq.service: Unit not loaded.\n");
	/* The piece without a newline comes before the end of its call. */
	assert_has(text, "\n          app2 ! See the \n18:52:24  stop           bellbook  call 1/app2/1 on app2 failed");
	assert_has(text, "note: app2 was reinstalled on Tuesday\n");
	assert_has(text, "deferred: unit is missing, owner bob, due 2025-11-24\n");
	assert_has(text, "lesson: Check the unit first.\n");
	assert_has(text, "closed: aborted, 1 step put off, enough for today\n");
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		events += isdigit((unsigned char)line[0]) && line[2] == ':';
		outputs += line[0] == ' ';
	}
	assert_int_equal(outputs, 4);
	assert_int_equal(events, STORY_COUNT - 3);
	mem_free(text);
}

static void export_md__tells_the_story(void **state)
{
	char *text = story_as(EXPORT_MD);

	(void)state;
	assert_true(str_starts(text, "# Post-mortem: Rebuild the search index\n"));
	assert_has(text, "| Runbook | es |\n");
	assert_has(text, "| Closed | 2025-11-21T18:53:17.000000Z: aborted, 1 step put off |\n");
	assert_has(text, "| Downtime | 47 s |\n");
	assert_has(text, "| Steps | 1 ready, 1 ok, 1 warn, 1 skipped, 1 deferred of 5 |\n");
	assert_has(text, "| Record | session 1, events 1 to 49 |\n");
	assert_has(text, "\n## Summary\n");
	assert_has(text, "\nDowntime:\n\n- 2025-11-21T18:52:21.000000Z to 2025-11-21T18:53:08.000000Z (47 s)\n");
	assert_has(text, "| 3 | index | Index | change | warn | 1 | 20 s | 10 s |\n");
	assert_has(text, "\n\n- **stop**: unit is missing (owed by bob until 2025-11-24)\n- **index**: slow\n");
	assert_has(text, "| Waited for people | 33 s |\n");
	assert_has(text, "\n### 2025-11-21\n\n- 18:52:07 ann: opened");
	assert_has(text, "### stop, call 1/app2/1 on app2");
	assert_has(text, "it failed with exit status 5:\nexit status 5\n\n```text\nsystemctl stop sidekiq\n```\n\nIt said:\n\n"
		   "```text\nFailed to stop sidekiq.service: Unit not loaded.\nSee the \n```\n");
	/* What changed something is a part of the story, whether it went well or not. */
	assert_has(text, "call 1/app1/1 on app1");
	assert_has(text, "**stop** bob: note: app2 was reinstalled on Tuesday\n");
	assert_has(text, "| token | [secret token] |\n");
	assert_has(text, "- [ ] stop (deferred): unit is missing; owner bob, due 2025-11-24\n");
	assert_has(text, "\n## Where we were lucky\n");
	mem_free(text);
}

static void export_md__open_session_says_what_had_not_ended(void **state)
{
	struct buf lines = {0};
	char *text;

	(void)state;
	put_story(&lines, 31);
	buf_puts(&lines, "{\"seq\":32,\"session\":1,\"kind\":\"param.set\",\"data\":{\"name\":\"a|b\",\"value\":{\"$secret\":\"pw\"},\"source\":\"asked\"}}\n");
	buf_puts(&lines, "{\"seq\":33,\"session\":1,\"kind\":\"call.begun\",\"who\":\"ann\",\"step\":\"index\",\"call\":\"detour.1/db1\",\"host\":\"db1\","
		"\"data\":{\"of\":\"detour\",\"shown\":\"df -h\"}}\n");
	text = export_of(&lines, EXPORT_MD);
	assert_has(text, "ann: call detour.1/db1 on db1 by hand: df -h\n");	/* by hand: a part of the story */
	assert_has(text, "| a\\|b | [secret pw] |\n");
	assert_has(text, "| Closed | not yet |\n");
	assert_has(text, "| Downtime | not over |\n");
	assert_has(text, "### index, call 1 on app1\n");
	assert_has(text, "it had not ended when the record\nends.\n");
	mem_free(text);
	buf_done(&lines);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		count++;
	return count;
}

/* A script that ran four times, twice in vain, and a shell that a person closed. */
static void export_md__shows_a_script_once_and_counts(void **state)
{
	struct buf lines = {0};
	char *text;

	(void)state;
	put_story(&lines, 31);
	for (int i = 0; i < 4; i++)
		buf_printf(&lines, "{\"seq\":%d,\"session\":1,\"at\":\"2025-11-21T19:00:0%d.000000Z\",\"kind\":\"call.begun\",\"step\":\"index\",\"attempt\":9,\"call\":\"7/%d\","
			"\"host\":\"app%d\",\"data\":{\"effect\":\"change\",\"shown\":\"set -e\\nfirst thing\\nlast thing\"}}\n", 32 + i, i, i, i);
	for (int i = 1; i < 3; i++)
		buf_printf(&lines, "{\"seq\":%d,\"session\":1,\"kind\":\"call.ended\",\"step\":\"index\",\"attempt\":9,\"call\":\"7/%d\",\"host\":\"app%d\","
			"\"data\":{\"outcome\":\"failed\",\"exit\":3}}\n", 35 + i, i, i);
	buf_puts(&lines, "{\"seq\":38,\"session\":1,\"kind\":\"call.begun\",\"who\":\"ann\",\"step\":\"index\",\"call\":\"detour.1/db1\",\"host\":\"db1\","
		"\"data\":{\"of\":\"detour\",\"action\":\"ssh.shell\",\"shown\":\"sh\",\"args\":{\"rows\":24,\"cols\":80}}}\n"
		"{\"seq\":39,\"session\":1,\"kind\":\"call.ended\",\"step\":\"index\",\"call\":\"detour.1/db1\",\"host\":\"db1\",\"data\":{\"outcome\":\"canceled\"}}\n");
	text = export_of(&lines, EXPORT_MD);
	assert_has(text, "call 7/0 on app0: set -e  \n  first thing  \n  last thing (shown once, 4 times in all)\n");
	assert_has(text, "call 7/1 on app1: set -e ... (and the same 2 lines as at\n  19:00:00)\n");
	assert_has(text, "call 7/3 on app3: set -e ... (and the same 2 lines as at\n  19:00:00)\n");
	/* Once as what ran, once as what failed; each failure is there. */
	assert_int_equal(count_of(text, "last thing"), 2);
	assert_has(text, "### index, call 7/1 on app1\n");
	assert_has(text, "### index, call 7/2 on app2\n");
	assert_int_equal(count_of(text, "The same command as call 7/0 of index at 19:00:00, above.\n"), 3);
	assert_has_not(text, "### index, call detour.1/db1");
	mem_free(text);
	buf_done(&lines);
}

static void export_jsonl__reads_back_as_the_same_events(void **state)
{
	struct buf lines = {0}, again = {0};
	char *text = story_as(EXPORT_JSONL), *twice;

	(void)state;
	put_story(&lines, STORY_COUNT);
	assert_string_equal(text, buf_text(&lines));
	buf_puts(&again, text);
	twice = export_of(&again, EXPORT_JSONL);
	assert_string_equal(twice, text);
	mem_free(text);
	mem_free(twice);
	buf_done(&lines);
	buf_done(&again);
}

/* The story with hostile bytes wherever a person, a runbook or a server can put some. */
static void put_hostile(struct buf *lines)
{
	static const char *const members[] = { "title", "id", "about", "name", "reason", "text", "shown", "error", "value",
					       "why", "owner", "due", "as", "role", "view", "by", "how", "stream", "of",
					       "outcome", "state", "action" };
	struct json *data = json_new_object(), *runbook, *steps = json_new_array(), *step = json_new_object();
	char *text;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_set_text(data, members[i], HOSTILE);
	runbook = json_copy_of(data);
	json_set_text(step, "kind", "change");
	json_set_text(step, "id", HOSTILE);
	json_set_text(step, "title", HOSTILE);
	json_add(steps, step);
	json_put(data, "runbook", runbook);
	json_put(data, "fleet", json_copy_of(runbook));
	json_put(data, "steps", steps);
	text = json_print(data);
	for (size_t i = 0; i < STORY_COUNT; i++) {
		const struct event_type *type = event_type_find(story[i].kind);
		struct event ev = { .seq = (int64_t)i + 1, .session = 1, .at_us = STORY_START_US, .kind = type->kind, .v = 1,
				    .who = HOSTILE, .step = HOSTILE, .call = HOSTILE, .host = HOSTILE, .attempt = 1,
				    .data = text, .bytes = HOSTILE, .len = strlen(HOSTILE) };

		put_event(lines, &ev);
	}
	for (int kind = 0; kind < 110; kind++) {
		struct event ev = { .seq = (int64_t)STORY_COUNT + 1 + kind, .session = 1, .at_us = STORY_START_US,
				    .kind = event_type_of((enum event_kind)kind)->kind, .kind_number = kind ? kind : 999,
				    .who = HOSTILE, .step = "x", .data = text, .bytes = "\0\x1b[A", .len = 5 };

		put_event(lines, &ev);
	}
	mem_free(text);
	json_free(data);
}

static void export_text__hostile_bytes_are_harmless(void **state)
{
	struct buf lines = {0};
	size_t events = 0;
	char *text;

	(void)state;
	put_hostile(&lines);
	text = export_of(&lines, EXPORT_TEXT);
	assert_harmless(text);
	assert_has(text, "^[[2J");
	/* Nobody can make up a line: each begins with a time of ours, a date of ours or an indent. */
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (line[0] == ' ' || str_starts(line, "2025-11-21 (UTC)\n"))
			continue;
		assert_true(str_starts(line, "18:52:07  "));
		events++;
	}
	/* All but the four outputs (three in the story, one of kind 100). */
	assert_int_equal(events, STORY_COUNT + 110 - 4);
	mem_free(text);
	buf_done(&lines);
}

/* The text without its fenced blocks, which must all be closed. Caller owns. */
static char *outside_fences(const char *text)
{
	struct buf out = {0};
	size_t fence = 0;

	while (*text) {
		size_t len = strcspn(text, "\n"), ticks = strspn(text, "`");

		if (fence == 0 && ticks >= 3)
			fence = ticks;
		else if (fence > 0 && ticks >= fence && ticks == len)
			fence = 0;
		else if (fence == 0)
			buf_append(&out, text, len + 1);
		text += len + (text[len] ? 1 : 0);
	}
	assert_int_equal(fence, 0);
	return buf_take(&out);
}

static void export_md__hostile_bytes_are_harmless(void **state)
{
	struct buf lines = {0};
	char *text, *outside;
	size_t headings = 0;

	(void)state;
	put_hostile(&lines);
	text = export_of(&lines, EXPORT_MD);
	assert_harmless(text);
	outside = outside_fences(text);
	assert_has(text, "<script>");
	assert_has_not(outside, "<script");
	assert_has_not(outside, "<!--");
	assert_has_not(outside, "](");
	assert_has(outside, "[a]\\(javascript:x)");
	assert_has_not(outside, "\n18:52");
	for (const char *c = strchr(outside, '`'); c; c = strchr(c + 1, '`'))
		assert_int_equal(c[-1], '\\');
	for (const char *c = strchr(outside, '<'); c; c = strchr(c + 1, '<'))
		assert_true(str_starts(c, "<br>") || strchr(" =<1234567890.,;:)", c[1]));
	assert_has_not(outside, "\n# ");
	/* Summary, Impact … What we will do: ours, and no other. */
	for (const char *c = strstr(outside, "\n## "); c; c = strstr(c + 1, "\n## "))
		headings++;
	assert_int_equal(headings, 11);
	mem_free(outside);
	mem_free(text);
	buf_done(&lines);
}

/* As it stands in a paragraph, and in a cell when that differs. */
static void export_md__escapes_what_would_mean_something_and_nothing_else(void **state)
{
	static const char *const texts[][3] = {
		{ "db:migrate (step 3) failed! {x} #12 + 1 - 2 = 0", "db:migrate (step 3) failed! {x} #12 + 1 - 2 = 0", NULL },
		{ "DB_HOST=db2 in .env.production, see tmp/bellbook_*", "DB_HOST=db2 in .env.production, see tmp/bellbook_\\*", NULL },
		{ "mastodon-*.service, ~/live, $HOME and a_b_c", "mastodon-*.service, ~/live, $HOME and a_b_c", NULL },
		{ "a *b* and **c** and _d_ and ~e~ and $f$.", "a *b\\* and *\\*c\\*\\* and _d\\_ and ~e\\~ and $f\\$.", NULL },
		{ "grep x | sort 2>&1 <in >out && a < 3; &amp; &#39;", "grep x | sort 2>&1 &lt;in >out && a < 3; &amp;amp; &amp;#39;",
		  "grep x \\| sort 2>&1 &lt;in >out && a < 3; &amp;amp; &amp;#39;" },
		{ "`date` C:\\dir \\* [a](b) [c][d] <b>", "\\`date\\` C:\\dir \\\\* [a]\\(b) [c]\\[d] &lt;b>", NULL },
		{ "# a", "\\# a", "# a" }, { "- a", "\\- a", "- a" }, { "12. a", "12\\. a", "12. a" }, { "> a", "\\> a", "> a" }, { "[a]: b", "\\[a]: b", "[a]: b" },
		{ "a\n\n---\n=\n|-|\n  1) b\n", "a  \n  \\---  \n  \\=  \n  \\|-|  \n    1\\) b", "a<br>---<br>=<br>\\|-\\|<br>  1) b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf flow = {0}, cell = {0};

		export_md_text(&flow, texts[i][0], strlen(texts[i][0]));
		buf_puts(&cell, "| ");
		export_md_cell(&cell, texts[i][0], strlen(texts[i][0]));
		assert_string_equal(buf_text(&flow), texts[i][1]);
		assert_string_equal(buf_text(&cell) + 2, texts[i][2] ? texts[i][2] : texts[i][1]);
		buf_done(&flow);
		buf_done(&cell);
	}
}

/* No line is longer than a mail bears, but for what has no blank; none begins with what would mean something. */
static void export_md__wraps_what_people_and_hosts_say(void **state)
{
	struct buf out = {0}, text = {0};
	size_t lines = 0;

	(void)state;
	buf_puts(&out, "before\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&text, "the %d. host - as it was - says 1. # yes * > no -- ", i);
	buf_puts(&text, "https://a.practice.example/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789 end");
	buf_puts(&out, "- ");
	export_md_text(&out, buf_text(&text), text.len);
	export_md_wrap(&out, strlen("before\n"));
	for (const char *line = buf_text(&out), *end; line; line = end ? end + 1 : NULL, lines++) {
		end = strchr(line, '\n');
		assert_true((end ? (size_t)(end - line) : strlen(line)) <= 80 || strstr(line, "https://"));
		if (lines > 1)
			assert_true(str_starts(line, "  ") && !strchr(" #*>-", line[2]) && strspn(line + 2, "0123456789") == 0);
	}
	assert_in_range(lines, 25, 40);
	assert_true(str_starts(buf_text(&out), "before\n- the 0. host - as it was"));
	buf_done(&out);
	buf_done(&text);
}

/* What was put off and done in the same walk is owed by nobody; how, stands there. */
static void export_md__a_debt_that_was_settled_is_not_open(void **state)
{
	struct buf lines = {0};
	char *text;

	(void)state;
	put_story(&lines, STORY_COUNT);
	buf_puts(&lines, "{\"seq\":60,\"session\":1,\"at\":\"2025-11-21T19:00:00.000000Z\",\"kind\":\"step.ended\",\"who\":\"bellbook\",\"step\":\"count\",\"attempt\":2,\"data\":{\"state\":\"deferred\",\"reason\":\"after lunch\",\"owner\":\"ann\",\"due\":\"2025-11-22\"}}\n"
		"{\"seq\":61,\"session\":1,\"at\":\"2025-11-21T19:10:00.000000Z\",\"kind\":\"debt.settled\",\"who\":\"ann\",\"step\":\"count\",\"data\":{\"seq\":60,\"how\":\"counted by hand\"}}\n"
		"{\"seq\":62,\"session\":1,\"at\":\"2025-11-21T19:20:00.000000Z\",\"kind\":\"step.ended\",\"who\":\"bellbook\",\"step\":\"stop\",\"attempt\":3,\"data\":{\"state\":\"ok\"}}\n");
	text = export_of(&lines, EXPORT_MD);
	assert_has(text, "- [x] stop (deferred): unit is missing; owner bob, due 2025-11-24; settled in\n  this walk at 19:20:00 by bellbook: ok\n");
	assert_has(text, "- [x] count (deferred): after lunch; owner ann, due 2025-11-22; settled in\n  this walk at 19:10:00 by ann: counted by hand\n");
	assert_has_not(text, "- [ ]");
	mem_free(text);
	buf_done(&lines);
}

static void export__survives_malformed_data(void **state)
{
	static const char *const bad[] = {
		"{}", "{\"stream\":7,\"took_us\":\"x\",\"seq\":[],\"runbook\":3,\"steps\":{\"a\":1},\"calls\":\"x\"}",
		("{\"from_us\":9223372036854775807,\"to_us\":-9223372036854775808,\"took_us\":9223372036854775807,"
		 "\"percent\":1e308,\"done\":-1e308,\"total\":0,\"exit\":-9223372036854775808,\"dropped\":-5}"),
		"{\"steps\":[{\"id\":\"\"},null,{\"id\":\"a\"},{\"id\":\"a\"}],\"state\":\"deferred\",\"outcome\":\"maybe\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf lines = {0};

		for (int kind = 1; kind < 110; kind++)
			buf_printf(&lines, "{\"seq\":%d,\"session\":1,\"kind\":\"%s\",\"data\":%s}\n", kind,
				   event_type_of((enum event_kind)kind)->name, bad[i]);
		for (int format = EXPORT_TEXT; format <= EXPORT_JSONL; format++) {
			char *text = export_of(&lines, (enum export_format)format);

			assert_harmless(text);
			mem_free(text);
		}
		buf_done(&lines);
	}
}

static void export__stops_when_the_target_does(void **state)
{
	struct buf lines = {0};
	struct feed *feed;
	struct err e = {0};
	int calls = 0;

	(void)state;
	put_story(&lines, STORY_COUNT);
	feed = feed_memory(lines.data, lines.len);
	assert_int_equal(export_feed(feed, EXPORT_TEXT, to_nowhere, &calls, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(calls, 1);
	feed_close(feed);
	buf_done(&lines);
}

/* A journal with two sessions: the story (closed), and one that is open. */
struct world {
	char dir[40];
	char *journal;
};

static void append(struct store *store, struct event ev)
{
	struct err e = {0};

	if (store_append(store, &ev, 1, &e) < 0)
		fail_msg("%s", e.text);
}

static int set_up(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));
	struct arena *arena = arena_new();
	struct err e = {0};
	struct store *store;

	str_copy(world->dir, sizeof(world->dir), "/tmp/export-test-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	world->journal = mem_printf("%s/journal.db", world->dir);
	store = store_open(world->journal, STORE_WRITE, &e);
	assert_non_null(store);
	for (size_t i = 0; i < STORY_COUNT; i++) {
		struct event ev = story_event(arena, i);

		ev.seq = 0;
		ev.session = i == 0 ? 0 : 1;
		append(store, ev);
	}
	append(store, (struct event){ .kind = EVENT_SESSION_OPENED, .who = "bob\x1b[1m", .at_us = STORY_START_US,
		.data = "{\"runbook\":{\"id\":\"drain\",\"title\":\"Drain\"},\"dry_run\":true,\"steps\":[{\"id\":\"a\"},{\"id\":\"b\"}]}" });
	append(store, (struct event){ .session = STORY_COUNT + 1, .kind = EVENT_STEP_ENTERED, .who = "bellbook", .step = "a",
		.at_us = STORY_START_US + 90 * 1000000LL, .data = "{\"index\":1,\"total\":2}" });
	store_close(store);
	arena_free(arena);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	const char *const argv[] = { "rm", "-rf", world->dir, NULL };
	struct proc_spawn spawn = { .argv = argv, .in = -1, .out = -1, .err = -1 };
	struct err e = {0};

	assert_int_equal(proc_wait(proc_start(&spawn, &e)), 0);
	mem_free(world->journal);
	mem_free(world);
	return 0;
}

static void export_log__reads_one_session_of_the_journal(void **state)
{
	struct world *world = *state;
	struct buf text = {0}, md = {0};
	char *memory = story_as(EXPORT_TEXT);
	struct err e = {0};

	assert_int_equal(export_log(world->journal, 1, EXPORT_TEXT, to_buf, &text, &e), 0);
	assert_string_equal(buf_text(&text), memory);
	assert_int_equal(export_log(world->journal, 1, EXPORT_MD, to_buf, &md, &e), 0);
	assert_has(buf_text(&md), "events 1 to 49, last hash ");
	mem_free(memory);
	buf_done(&text);
	buf_done(&md);
}

static void export_log__unknown_session_is_not_found(void **state)
{
	struct world *world = *state;
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(export_log(world->journal, 7, EXPORT_TEXT, to_buf, &out, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	assert_has(e.text, "session 7");
	assert_int_equal(out.len, 0);
	assert_int_equal(export_log("/nonexistent/journal.db", 1, EXPORT_TEXT, to_buf, &out, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
}

static void export_sessions__lists_newest_first_with_state_and_progress(void **state)
{
	struct world *world = *state;
	struct err e = {0};
	struct json *list = export_sessions(world->journal, false, 0, &e), *one;

	assert_non_null(list);
	assert_int_equal(json_count(list), 2);
	one = json_item(list, 0);
	assert_int_equal(json_int(one, "session", 0), STORY_COUNT + 1);
	assert_string_equal(json_text(one, "state", ""), "open");
	assert_false(json_bool(one, "running", true));
	assert_true(json_bool(one, "dry_run", false));
	assert_int_equal(json_int(one, "step", 0), 1);
	assert_int_equal(json_int(one, "steps", 0), 2);
	assert_int_equal(json_int(one, "took_us", 0), 90 * 1000000LL);
	one = json_item(list, 1);
	assert_string_equal(json_text(one, "state", ""), "aborted");
	assert_string_equal(json_text(one, "runbook", ""), "es");
	assert_string_equal(json_text(one, "who", ""), "ann");
	assert_string_equal(json_text(one, "opened", ""), "2025-11-21T18:52:07.000000Z");
	assert_string_equal(json_text(one, "closed", ""), "2025-11-21T18:53:17.000000Z");
	assert_int_equal(json_int(one, "took_us", 0), 70 * 1000000LL);
	assert_int_equal(json_int(one, "step", 0), 5);
	json_free(list);
	list = export_sessions(world->journal, true, 0, &e);
	assert_int_equal(json_count(list), 1);
	json_free(list);
	list = export_sessions(world->journal, false, 1, &e);
	assert_int_equal(json_count(list), 1);
	json_free(list);
}

static void export_sessions__running_while_its_lease_is_held(void **state)
{
	struct world *world = *state;
	struct err e = {0};
	struct lease *lease = lease_take(world->journal, STORY_COUNT + 1, NULL, &e);
	struct json *list;

	assert_non_null(lease);
	list = export_sessions(world->journal, true, 0, &e);
	assert_true(json_bool(json_item(list, 0), "running", false));
	/* It goes on: it has taken as long as it is open. */
	assert_true(json_int(json_item(list, 0), "took_us", 0) > 90 * 1000000LL);
	json_free(list);
	lease_drop(lease);
}

static void export_sessions_text__is_a_safe_table(void **state)
{
	struct world *world = *state;
	struct err e = {0};
	struct json *list = export_sessions(world->journal, false, 0, &e);
	struct buf out = {0};

	export_sessions_text(list, &out);
	assert_harmless(buf_text(&out));
	assert_string_equal(buf_text(&out),
		"SESSION  STATE                    OPENED (UTC)      LASTED    STEP    WHO       RUNBOOK\n"
		"50       open, nobody carries it  2025-11-21 18:52  1 m 30 s  1 of 2  bob^[[1m  drain (dry run)\n"
		"1        aborted, 1 put off       2025-11-21 18:52  1 m 10 s  5 of 5  ann       es\n");
	buf_done(&out);
	json_free(list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(export_format__names),
		cmocka_unit_test(export_text__has_a_line_per_event_and_indented_output),
		cmocka_unit_test(export_md__tells_the_story),
		cmocka_unit_test(export_md__open_session_says_what_had_not_ended),
		cmocka_unit_test(export_md__shows_a_script_once_and_counts),
		cmocka_unit_test(export_jsonl__reads_back_as_the_same_events),
		cmocka_unit_test(export_text__hostile_bytes_are_harmless),
		cmocka_unit_test(export_md__hostile_bytes_are_harmless),
		cmocka_unit_test(export_md__escapes_what_would_mean_something_and_nothing_else),
		cmocka_unit_test(export_md__wraps_what_people_and_hosts_say),
		cmocka_unit_test(export_md__a_debt_that_was_settled_is_not_open),
		cmocka_unit_test(export__survives_malformed_data),
		cmocka_unit_test(export__stops_when_the_target_does),
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		T(export_log__reads_one_session_of_the_journal),
		T(export_log__unknown_session_is_not_found),
		T(export_sessions__lists_newest_first_with_state_and_progress),
		T(export_sessions__running_while_its_lease_is_held),
		T(export_sessions_text__is_a_safe_table),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
