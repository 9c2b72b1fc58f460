/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"
#include "journal/export/export.h"
#include "journal_story.h"

#define HOSTILE "\x1b]0;owned\x07\x1b[2J\x9b" "31m\xe2\x80\xae" "evil \xff\xfe</pre></title></style><script>alert(1)</script><img src=x onerror=alert(1)>\r" \
	"\n\" onload=\"x' <!-- ]]> &lt; \x1b[6n\x1b]52;c;aGk=\x07\xc2\x9b" "5n\x7f\x01"

static bool to_buf(void *arg, const char *bytes, size_t len)
{
	buf_append(arg, bytes, len);
	return true;
}

static char *export_of(const struct buf *lines, enum export_format format)
{
	struct feed *feed = feed_memory(buf_text(lines), lines->len);
	struct buf out = { 0 };
	struct err e = { 0 };

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

/* Every member that a person, a runbook or a server fills holds hostile bytes. Caller owns. */
static char *hostile_data(void)
{
	static const char *const members[] = { "title", "id", "about", "name", "reason", "text", "shown", "error", "value", "why", "owner", "due", "as", "role",
					       "view", "by", "how", "of", "outcome", "state", "action" };
	struct json *data = json_new_object(), *steps = json_new_array(), *step;
	char *text;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_set_text(data, members[i], HOSTILE);
	step = json_copy_of(data);
	json_add(steps, step);
	json_put(data, "runbook", json_copy_of(data));
	json_put(data, "fleet", json_copy_of(json_at(data, "runbook")));
	json_put(data, "steps", steps);
	text = json_print(data);
	json_free(data);
	return text;
}

static void put_hostile(struct buf *lines)
{
	char *data = hostile_data();
	int64_t seq = 1;

	for (const struct event_type *type = event_types(); type->name; type++) {
		struct event ev = { .seq = seq++, .session = 1, .at_us = STORY_START_US, .kind = type->kind, .kind_number = (int)type->kind, .v = 1, .who = HOSTILE,
				    .step = HOSTILE, .call = HOSTILE, .host = HOSTILE, .attempt = 1, .data = data, .bytes = HOSTILE, .len = strlen(HOSTILE) };

		put_event(lines, &ev);
	}
	mem_free(data);
}

static void assert_has(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		fail_msg("no \"%s\" in:\n%s", wanted, text);
}

/* Every tag is one of ours, with attributes of ours only; no control or bidi character is anywhere. */
static void assert_page(const char *page)
{
	static const char *const tags[] = { "!DOCTYPE html>", "html lang=\"en\">", "head>", "body>", "meta ", "title>", "style>", "h1>", "h2>", "h3>", "h3 id=\"e", "p>", "div>", "html>",
		"p class=\"", "div class=\"wide\">", "table>", "tr>", "th>", "th scope=\"row\">", "td>", "td class=\"", "ol>", "li>", "li id=\"e", "time>", "span>", "span class=\"",
		"details>", "details open>", "summary>", "pre>", "br>", "footer>", NULL };
	size_t len = strlen(page);

	assert_true(utf8_valid(page, len));
	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(page + at, len - at, &cp);
		if ((utf8_width(cp) < 0 && cp != '\n' && cp != '\t') || (cp >= 0x202a && cp <= 0x202e))
			fail_msg("U+%04X at %zu", (unsigned)cp, at);
	}
	for (const char *at = strchr(page, '<'); at; at = strchr(at + 1, '<')) {
		const char *name = at[1] == '/' ? at + 2 : at + 1, *const *tag = tags;

		while (*tag && !str_starts(name, *tag))
			tag++;
		if (!*tag)
			fail_msg("tag %.40s", at);
	}
	assert_null(strstr(page, "http:"));
	assert_null(strstr(page, "https:"));
}

static void export_html__tells_the_session(void **state)
{
	struct buf lines = { 0 };
	char *page;

	(void)state;
	put_story(&lines, STORY_COUNT);
	page = export_of(&lines, EXPORT_HTML);
	assert_page(page);
	assert_has(page, "<title>Rebuild the search index (session 1)</title>");
	assert_has(page, "default-src &#39;none&#39;; style-src &#39;sha256-");
	assert_has(page, "<th scope=\"row\">Downtime</th><td>47 s</td>");
	assert_has(page, "by ann</td>");
	assert_has(page, "<td>Stop the workers</td><td class=\"warn\">deferred</td>");
	assert_has(page, "<h3 id=\"e10\">stop: Stop the workers</h3>\n<p class=\"note\">w2</p>");
	assert_has(page, "<span class=\"who\">bob:</span> <span>note: app2 was reinstalled on Tuesday</span>");
	/* A word that came in two chunks is one. */
	assert_has(page, "<details open><summary>output, 2 lines</summary><pre>stopping\nstopped\n</pre></details></li>");
	assert_has(page, "<span class=\"bad\">call 1/app2/1 on app2 failed, exit status 5 after 3.0 s: exit status 5</span>");
	assert_has(page, "[secret token]");
	mem_free(page);
	buf_done(&lines);
}

static void export_html__hostile_bytes_are_harmless(void **state)
{
	struct buf lines = { 0 };
	char *page;

	(void)state;
	put_hostile(&lines);
	page = export_of(&lines, EXPORT_HTML);
	assert_page(page);
	assert_has(page, "&lt;script&gt;alert(1)&lt;/script&gt;");
	mem_free(page);
	buf_done(&lines);
}

static void export_html__long_outputs_keep_their_ends(void **state)
{
	struct buf lines = { 0 }, text = { 0 };
	char *page;

	(void)state;
	put_story(&lines, 17);
	for (int i = 0; i < 60; i++) {
		struct event ev = { .seq = 18 + i, .session = 1, .at_us = STORY_START_US, .kind = EVENT_CALL_OUTPUT, .v = 1, .step = "stop", .attempt = 1, .call = "1/app1/1",
				    .data = "{\"stream\":\"out\"}" };

		buf_clear(&text);
		for (int k = 0; k < 1000; k++)
			buf_printf(&text, "line %06d\n", i * 1000 + k);
		ev.bytes = text.data;
		ev.len = text.len;
		put_event(&lines, &ev);
	}
	page = export_of(&lines, EXPORT_HTML);
	assert_page(page);
	assert_has(page, "line 000000\n");
	assert_has(page, "line 059999\n");
	assert_null(strstr(page, "line 040000\n"));
	assert_has(page, " bytes are not in this page; bellbook log has what was kept");
	assert_has(page, "stop, call 1/app1/1 had not ended when the record ends");
	assert_true(strlen(page) < 500000);
	mem_free(page);
	buf_done(&lines);
	buf_done(&text);
}

/* --- recordings --- */

/* Header, then [time, type, text] with times that never go back; the texts of that type behind one another. Caller owns. */
static char *cast_texts(const char *cast, const char *type)
{
	struct buf out = { 0 };
	double last = 0;
	bool header = true;

	for (const char *line = cast; *line; line += strcspn(line, "\n") + 1) {
		struct err e = { 0 };
		struct json *value = json_parse(line, strcspn(line, "\n"), &e);

		if (!value)
			fail_msg("%s in %.80s", e.text, line);
		if (header) {
			assert_int_equal(json_int(value, "version", 0), 2);
			assert_true(json_int(value, "width", 0) > 0 && json_int(value, "height", 0) > 0);
		} else {
			assert_int_equal(json_count(value), 3);
			assert_true(json_as_real(json_item(value, 0), -1) >= last);
			last = json_as_real(json_item(value, 0), -1);
			assert_non_null(strstr("o m r", json_as_text(json_item(value, 1))));
			if (str_is(json_as_text(json_item(value, 1)), type))
				buf_printf(&out, "%s%s", json_as_text(json_item(value, 2)), *type == 'o' ? "" : "\n");
		}
		header = false;
		json_free(value);
	}
	assert_false(header);
	return buf_take(&out);
}

static void export_cast__has_a_marker_for_each_step(void **state)
{
	struct buf lines = { 0 };
	char *cast, *marks, *shown;

	(void)state;
	put_story(&lines, STORY_COUNT);
	cast = export_of(&lines, EXPORT_CAST);
	marks = cast_texts(cast, "m");
	shown = cast_texts(cast, "o");
	assert_string_equal(marks, "step 1: How much?\nstep 2: Stop the workers\nFAILED: Stop the workers\nstep 3: Index\nstep 4: Tell the users\nstep 5: Drop the old index\n");
	assert_has(shown, "> \033[0mcall 1/app1/1 on app1 as root: systemctl stop sidekiq\r\n");
	assert_has(shown, "app1: stopping\r\napp1: stopped\r\n");
	assert_has(shown, "# bob: note: app2 was reinstalled on Tuesday\r\n");
	mem_free(cast);
	mem_free(marks);
	mem_free(shown);
	buf_done(&lines);
}

/* Only the sequences that we write ourselves. */
static void assert_tame(const char *text)
{
	size_t len = strlen(text);

	for (const char *at = strchr(text, '\033'); at; at = strchr(at + 1, '\033'))
		if (!str_starts(at, "\033[1m") && !str_starts(at, "\033[0m"))
			fail_msg("escape sequence: %.12s", at + 1);
	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(text + at, len - at, &cp);
		if ((cp < 0x20 && !strchr("\r\n\033", (int)cp)) || (cp >= 0x7f && cp <= 0x9f) || (cp >= 0x202a && cp <= 0x202e))
			fail_msg("U+%04X", (unsigned)cp);
	}
}

static void export_cast__hostile_bytes_are_harmless(void **state)
{
	struct buf lines = { 0 };
	char *cast, *shown, *marks;

	(void)state;
	put_hostile(&lines);
	cast = export_of(&lines, EXPORT_CAST);
	shown = cast_texts(cast, "o");
	marks = cast_texts(cast, "m");
	assert_tame(shown);
	assert_null(strchr(marks, '\033'));
	assert_has(shown, "<script>");
	mem_free(cast);
	mem_free(shown);
	mem_free(marks);
	buf_done(&lines);
}

static void put_shell(struct buf *lines, int64_t seq, int ms, const char *data, const char *bytes, size_t len)
{
	struct event ev = { .seq = seq, .session = 1, .at_us = STORY_START_US + 20000000 + ms * 1000LL, .kind = EVENT_CALL_OUTPUT, .v = 1, .step = "stop", .attempt = 1,
			    .call = "detour.1/app1", .host = "app1", .data = data, .bytes = bytes, .len = len };

	if (!bytes && !strstr(data, "size"))
		ev.kind = strstr(data, "outcome") ? EVENT_CALL_ENDED : EVENT_CALL_BEGUN;
	put_event(lines, &ev);
}

/* What paints stays, with its time and size; what asks, names, copies or switches keys goes; characters cut in two are put together. */
static void export_cast__shows_a_shell_as_it_was(void **state)
{
	static const char first[] = "\033[?1049h\033[2J\033[1;1H\033[38;5;3mvim caf\xc3";
	static const char second[] = "\xa9 \033[6n\033]0;title\007\033]52;c;aGk=\033\\\033[?1000h\033[?2004h\033[c\033[?1";
	static const char third[] = "049l\033[0m\033(0q\033(B\033)0\033[1;1;1;1;1T\033[3T\033\033[31\030\xc2\x9b" "5n\033cdone\r\n";
	struct buf lines = { 0 };
	char *cast, *shown, *sizes, *marks;

	(void)state;
	put_story(&lines, 17);
	put_shell(&lines, 18, 0, "{\"action\":\"ssh.shell\",\"of\":\"detour\",\"args\":{\"rows\":24,\"cols\":80},\"shown\":\"a shell\"}", NULL, 0);
	put_shell(&lines, 19, 100, "{\"stream\":\"pty\"}", first, sizeof(first) - 1);
	put_shell(&lines, 20, 200, "{\"stream\":\"size\",\"rows\":50,\"cols\":132}", NULL, 0);
	put_shell(&lines, 21, 300, "{\"stream\":\"pty\"}", second, sizeof(second) - 1);
	put_shell(&lines, 22, 400, "{\"stream\":\"pty\"}", third, sizeof(third) - 1);
	put_shell(&lines, 23, 500, "{\"outcome\":\"ok\",\"exit\":0}", NULL, 0);
	cast = export_of(&lines, EXPORT_CAST);
	shown = cast_texts(cast, "o");
	sizes = cast_texts(cast, "r");
	marks = cast_texts(cast, "m");
	assert_has(shown, "\033[?1049h\033[2J\033[1;1H\033[38;5;3mvim caf\xc3\xa9 \033[?1049l\033[0m\033(0q\033(B\033)0\033[3T5ndone\r\n\033[0m\033[?1049l\033[?25h");
	assert_string_equal(sizes, "80x24\n132x50\n100x30\n");
	assert_has(marks, "by hand on app1\n");
	assert_has(cast, "[20.300000,\"o\",");
	mem_free(cast);
	mem_free(shown);
	mem_free(sizes);
	mem_free(marks);
	buf_done(&lines);
}

/* Any bytes: nothing but what is allowed comes out. */
static void export_cast__never_lets_a_question_through(void **state)
{
	uint32_t seed = 11;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct buf lines = { 0 };
		char bytes[400], *cast, *shown;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245u + 12345u;
			bytes[i] = (seed >> 16) % 3 == 0 ? "\033[]?PX^_6n52c;\007h"[(seed >> 20) % 16] : (char)(seed >> 19);
		}
		put_story(&lines, 17);
		put_shell(&lines, 18, 0, "{\"action\":\"ssh.shell\",\"of\":\"detour\",\"args\":{\"rows\":24,\"cols\":80}}", NULL, 0);
		put_shell(&lines, 19, 1, "{\"stream\":\"pty\"}", bytes, sizeof(bytes) / 2);
		put_shell(&lines, 20, 2, "{\"stream\":\"pty\"}", bytes + sizeof(bytes) / 2, sizeof(bytes) / 2);
		put_shell(&lines, 21, 3, "{\"outcome\":\"ok\"}", NULL, 0);
		cast = export_of(&lines, EXPORT_CAST);
		shown = cast_texts(cast, "o");
		for (const char *at = strchr(shown, '\033'); at; at = strchr(at + 1, '\033')) {
			size_t len = strspn(at + 2, "0123456789;:?");

			if (at[1] == '[' ? !at[2 + len] || !strchr("ABCDEFGHJKLMPSTXZ@defgmr`ahl", at[2 + len]) : !strchr("78DEM(", at[1]))
				fail_msg("ESC %.10s", at + 1);
		}
		mem_free(cast);
		mem_free(shown);
		buf_done(&lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(export_html__tells_the_session),
		cmocka_unit_test(export_html__hostile_bytes_are_harmless),
		cmocka_unit_test(export_html__long_outputs_keep_their_ends),
		cmocka_unit_test(export_cast__has_a_marker_for_each_step),
		cmocka_unit_test(export_cast__hostile_bytes_are_harmless),
		cmocka_unit_test(export_cast__shows_a_shell_as_it_was),
		cmocka_unit_test(export_cast__never_lets_a_question_through),
	};

	return cmocka_run_group_tests_name("journal_page", tests, NULL, NULL);
}
