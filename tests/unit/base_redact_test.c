/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_bytes(struct redactor *redactor, const char *name, const char *value, size_t len)
{
	struct err e;
	struct secret *secret = secret_new(name, value, len, &e);

	assert_non_null(secret);
	redactor_add(redactor, secret);
	secret_free(secret);
}

static void add(struct redactor *redactor, const char *name, const char *value)
{
	add_bytes(redactor, name, value, strlen(value));
}

static struct redactor *with(const char *name, const char *value)
{
	struct redactor *redactor = redactor_new();

	add(redactor, name, value);
	return redactor;
}

static void assert_redacts(const struct redactor *redactor, const char *text, const char *expected,
			   size_t count)
{
	struct buf out = {0};

	buf_puts(&out, ">");
	assert_int_equal(redactor_text(redactor, &out, text, strlen(text)), count);
	assert_string_equal(buf_text(&out) + 1, expected);
	buf_done(&out);
}

static void redactor_text__copies_when_nothing_is_registered(void **state)
{
	struct redactor *redactor = redactor_new();
	struct redact_stream *stream = redact_stream_new(redactor);
	struct buf out = {0};

	(void)state;
	assert_int_equal(redactor_hold(redactor), 0);
	assert_redacts(redactor, "hunter2 is no secret", "hunter2 is no secret", 0);
	assert_redacts(redactor, "", "", 0);
	assert_int_equal(redact_stream_feed(stream, &out, "abc", 3), 0);
	assert_string_equal(buf_text(&out), "abc");
	assert_int_equal(redact_stream_end(stream, &out), 0);
	assert_string_equal(buf_text(&out), "abc");
	buf_done(&out);
	redact_stream_free(stream);
	redact_stream_free(NULL);
	redactor_free(redactor);
	redactor_free(NULL);
}

static void redactor_text__replaces_plain_values(void **state)
{
	struct redactor *redactor = with("db", "hunter2");

	(void)state;
	assert_redacts(redactor, "", "", 0);
	assert_redacts(redactor, "hunter2", "[secret db]", 1);
	assert_redacts(redactor, "xhunter2y", "x[secret db]y", 1);
	assert_redacts(redactor, "hunter2hunter2", "[secret db][secret db]", 2);
	assert_redacts(redactor, "hunter", "hunter", 0);
	assert_redacts(redactor, "huhunter2 hunterhunter2", "hu[secret db] hunter[secret db]", 2);
	assert_redacts(redactor, "Hunter2", "Hunter2", 0);
	redactor_free(redactor);
}

static void redactor_text__finds_each_written_form(void **state)
{
	/* Value, and texts it may turn up in, each to be replaced as a whole. */
	static const struct {
		const char *value;
		const char *forms[9];
	} cases[] = {
		{ "a b/c+d=e?f", { "a b/c+d=e?f", "a%20b%2Fc%2Bd%3De%3Ff", "a%20b%2fc%2bd%3de%3ff",
				   "a+b%2Fc%2Bd%3De%3Ff", "a%20b/c+d=e?f", "a b\\/c+d=e?f",
				   "6120622f632b643d653f66", "6120622F632B643D653F66" } },
		{ "p\"q\\r\ns\tt", { "p\\\"q\\\\r\\ns\\tt", "p%22q%5Cr%0As%09t" } },
		{ "it's $ecret", { "it'\\''s $ecret", "it's \\$ecret", "it\\'s\\ \\$ecret",
				   "it's%20%24ecret", "it%27s%20%24ecret" } },
		{ "\x01\x02\x03" "abc", { "\\u0001\\u0002\\u0003abc", "%01%02%03abc" } },
		{ "p\xc3\xa4ssw\xc3\xb6rd", { "p%C3%A4ssw%C3%B6rd", "p%c3%a4ssw%c3%b6rd" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct redactor *redactor = with("k", cases[i].value);

		for (size_t f = 0; f < COUNT(cases[i].forms) && cases[i].forms[f]; f++)
			assert_redacts(redactor, cases[i].forms[f], "[secret k]", 1);
		redactor_free(redactor);
	}
}

/* The output of str_shell_quote, a JSON string and so on come out without a trace of the value. */
static void redactor_text__finds_what_our_own_quoting_writes(void **state)
{
	struct redactor *redactor = with("k", "qu'o\"te\\d/");
	struct buf quoted = {0};

	(void)state;
	str_shell_quote(&quoted, "qu'o\"te\\d/");
	assert_redacts(redactor, buf_text(&quoted), "'[secret k]'", 1);
	buf_done(&quoted);
	redactor_free(redactor);
}

/* As Python's json, html, shlex and urllib, Ruby, Go and PHP write it. */
static void redactor_text__finds_what_programs_escape(void **state)
{
	static const char *const forms[] = {
		"it's <a> \\\"q\\\" & \\u00e9/\\ud83d\\udd11",
		"it's <a> \\\"q\\\" & \303\251/\360\237\224\221",
		"it's \\u003ca\\u003e \\\"q\\\" \\u0026 \303\251/\360\237\224\221",
		"\\u0069\\u0074\\u0027\\u0073\\u0020\\u003c\\u0061\\u003e\\u0020\\u0022\\u0071\\u0022\\u0020\\u0026\\u0020\\u00e9\\u002f\\ud83d\\udd11",
		"it&#x27;s &lt;a&gt; &quot;q&quot; &amp; \303\251/\360\237\224\221",
		"it&#39;s &lt;a&gt; &quot;q&quot; &amp; \303\251/\360\237\224\221",
		"it's &lt;a&gt; \"q\" &amp; \303\251/\360\237\224\221",
		"it&#39;s &lt;a&gt; &quot;q&quot; &amp; &#233;/&#128273;",
		"it'\"'\"'s <a> \"q\" & \303\251/\360\237\224\221",
		"it'\\''s <a> \"q\" & \303\251/\360\237\224\221",
		"it''s <a> \"q\" & \303\251/\360\237\224\221",
		"it's <a> \"\"q\"\" & \303\251/\360\237\224\221",
		"it%27s%20%3Ca%3E%20%22q%22%20%26%20%C3%A9%2F%F0%9F%94%91",
		"it%27s+%3Ca%3E+%22q%22+%26+%C3%A9%2F%F0%9F%94%91",
		"%69%74%27%73%20%3C%61%3E%20%22%71%22%20%26%20%C3%A9%2F%F0%9F%94%91",
		"%69%74%27%73%20%3c%61%3e%20%22%71%22%20%26%20%c3%a9%2f%f0%9f%94%91",
		"&#105;&#116;&#39;&#115;&#32;&#60;&#97;&#62;&#32;&#34;&#113;&#34;&#32;&#38;&#32;&#233;&#47;&#128273;",
		"&#x69;&#x74;&#x27;&#x73;&#x20;&#x3c;&#x61;&#x3e;&#x20;&#x22;&#x71;&#x22;&#x20;&#x26;&#x20;&#xe9;&#x2f;&#x1f511;",
	};
	struct redactor *redactor = with("k", "it's <a> \"q\" & \303\251/\360\237\224\221");

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++)
		assert_redacts(redactor, forms[i], "[secret k]", 1);
	redactor_free(redactor);
}

/* However far into its line the secret begins, and with either end of lines. */
static void redactor_text__finds_base64_that_is_wrapped(void **state)
{
	static const char value[] = "a-secret+that/is?longer~than one line of base64 and a half, so that it is wrapped twice";
	struct redactor *redactor = with("k", value);

	(void)state;
	for (size_t before = 0; before < 160; before++) {
		for (int kind = 0; kind < 4; kind++) {
			struct buf plain = {0}, coded = {0}, text = {0}, out = {0};
			size_t width = kind & 1 ? 64 : 76;

			for (size_t i = 0; i < before; i++)
				buf_putc(&plain, 'x');
			buf_puts(&plain, value);
			buf_puts(&plain, " and more");
			str_base64(&coded, plain.data, plain.len);
			for (size_t i = 0; i < coded.len; i++) {
				buf_putc(&text, coded.data[i]);
				if (i % width == width - 1)
					buf_puts(&text, kind & 2 ? "\r\n" : "\n");
			}
			assert_int_equal(redactor_text(redactor, &out, text.data, text.len), 1);
			buf_done(&plain);
			buf_done(&coded);
			buf_done(&text);
			buf_done(&out);
		}
	}
	redactor_free(redactor);
}

static void redactor_text__finds_each_line_of_a_value(void **state)
{
	struct redactor *redactor = with("k", "-----BEGIN KEY-----\nQUJDREVGR0g=\n\n  it's 7\n-----END KEY-----");

	(void)state;
	assert_redacts(redactor, "-----BEGIN KEY-----\nQUJDREVGR0g=\n\n  it's 7\n-----END KEY-----", "[secret k]", 1);
	assert_redacts(redactor, "-----BEGIN KEY-----\r\nQUJDREVGR0g=\r\n\r\n  it's 7\r\n-----END KEY-----", "[secret k]", 1);
	assert_redacts(redactor, "  key: |\n    QUJDREVGR0g=\n", "  key: |\n    [secret k]\n", 1);
	assert_redacts(redactor, "+\tQUJDREVGR0g=\r\n+it's 7\n", "+\t[secret k]\r\n+[secret k]\n", 2);
	assert_redacts(redactor, "echo 'it'\"'\"'s 7'", "echo '[secret k]'", 1);
	redactor_free(redactor);
}

static void to_url_safe(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '+')
			text->data[i] = '-';
		if (text->data[i] == '/')
			text->data[i] = '_';
	}
}

/* Whatever stands before and behind: at most the characters shared with neighbours stay. */
static void redactor_text__finds_base64_in_every_alignment(void **state)
{
	static const char value[] = "\xfb\xef\xbe?s3\xff\xff~ret";
	struct redactor *redactor = with("k", value);

	(void)state;
	for (size_t before = 0; before < 9; before++) {
		for (size_t behind = 0; behind < 4; behind++) {
			for (int url = 0; url < 2; url++) {
				struct buf plain = {0};
				struct buf text = {0};
				struct buf out = {0};
				size_t whole;

				buf_append(&plain, "User:Name:", before);
				buf_append(&plain, value, strlen(value));
				buf_append(&plain, "&&&&", behind);
				str_base64(&text, plain.data, plain.len);
				if (url)
					to_url_safe(&text);
				assert_int_equal(redactor_text(redactor, &out, text.data, text.len), 1);
				assert_non_null(strstr(buf_text(&out), "[secret k]"));
				/* All but the characters shared with what is around it, at most two. */
				whole = strlen(value) * 8 / 6 - 1;
				assert_true(out.len <= text.len - whole + strlen("[secret k]"));
				buf_done(&plain);
				buf_done(&text);
				buf_done(&out);
			}
		}
	}
	redactor_free(redactor);
}

static void redactor_text__takes_the_leftmost_then_the_longest(void **state)
{
	struct redactor *redactor = redactor_new();

	(void)state;
	add(redactor, "short", "abcdef");
	add(redactor, "long", "abcdefghij");
	add(redactor, "inner", "cdefgh");
	add(redactor, "later", "efghijklmn");
	assert_redacts(redactor, "abcdefghij", "[secret long]", 1);
	assert_redacts(redactor, "abcdefghi", "[secret short]ghi", 1);
	assert_redacts(redactor, "xcdefghx", "x[secret inner]x", 1);
	assert_redacts(redactor, "bcdefghijklmn", "b[secret inner]ijklmn", 1);
	assert_redacts(redactor, "abcdefghijklmn", "[secret long]klmn", 1);
	assert_redacts(redactor, "abcdefefghijklmn", "[secret short][secret later]", 2);
	assert_redacts(redactor, "abcdefghabcdef", "[secret short]gh[secret short]", 2);
	redactor_free(redactor);
}

static void redactor_add__keeps_the_first_name_and_takes_several_values(void **state)
{
	struct redactor *redactor = redactor_new();
	size_t hold;

	(void)state;
	add(redactor, "one", "same-value");
	hold = redactor_hold(redactor);
	assert_true(hold >= 19);
	add(redactor, "two", "same-value");
	add(redactor, "one", "same-value");
	assert_int_equal(redactor_hold(redactor), hold);
	add(redactor, "one", "another-value");
	assert_redacts(redactor, "same-value another-value", "[secret one] [secret one]", 2);
	redactor_free(redactor);
}

static void redactor_add__takes_bytes_of_any_kind(void **state)
{
	struct redactor *redactor = redactor_new();
	struct buf out = {0};

	(void)state;
	add_bytes(redactor, "bin", "\0\xff\0\n\0\x80", 6);
	assert_int_equal(redactor_text(redactor, &out, "a\0\xff\0\n\0\x80z", 8), 1);
	assert_string_equal(buf_text(&out), "a[secret bin]z");
	buf_done(&out);
	redactor_free(redactor);
}

/* Feeds text in two chunks cut at each byte, and byte by byte; the whole must equal redactor_text's. */
static void assert_same_in_chunks(const struct redactor *redactor, const char *text, size_t len)
{
	struct buf whole = {0};
	size_t count = redactor_text(redactor, &whole, text, len);

	for (size_t cut = 0; cut <= len + 1; cut++) {
		struct redact_stream *stream = redact_stream_new(redactor);
		struct buf out = {0};
		size_t got = 0;

		if (cut > len) {
			for (size_t i = 0; i < len; i++) {
				got += redact_stream_feed(stream, &out, text + i, 1);
				got += redact_stream_feed(stream, &out, "", 0);
			}
		} else {
			got += redact_stream_feed(stream, &out, text, cut);
			got += redact_stream_feed(stream, &out, text + cut, len - cut);
		}
		got += redact_stream_end(stream, &out);
		assert_int_equal(got, count);
		assert_int_equal(out.len, whole.len);
		assert_memory_equal(buf_text(&out), buf_text(&whole), whole.len);
		redact_stream_free(stream);
		buf_done(&out);
	}
	buf_done(&whole);
}

static void redact_stream_feed__does_not_depend_on_the_chunks(void **state)
{
	static const char *const texts[] = {
		"", "x", "hunter2", "a hunter2 b hunter2", "hunterhunter2hunte", "hhhhhunter2",
		"68756e74657232 aHVudGVyMg== eGh1bnRlcjI=", "abcabcabcabd abcabcabcabcabd abcabc",
		"abcabcabdabcabcabd", "hunter2abcabd", "'hunter2'", "hunter2hunter",
	};
	struct redactor *redactor = redactor_new();

	(void)state;
	add(redactor, "a", "hunter2");
	add(redactor, "b", "abcabcabd");
	add(redactor, "c", "bcabcabcab");
	add(redactor, "d", "hunter2abcabc");
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_same_in_chunks(redactor, texts[i], strlen(texts[i]));
	redactor_free(redactor);
}

/* What is held back is a proper prefix of a form, so everything else is told at once. */
static void redact_stream_feed__holds_back_only_what_may_be_a_secret(void **state)
{
	struct redactor *redactor = with("db", "hunter2");
	struct redact_stream *stream = redact_stream_new(redactor);
	struct buf out = {0};

	(void)state;
	redact_stream_feed(stream, &out, "password: ", 10);
	assert_string_equal(buf_text(&out), "password: ");
	redact_stream_feed(stream, &out, "hunter", 6);
	assert_string_equal(buf_text(&out), "password: ");
	redact_stream_feed(stream, &out, "2", 1);
	assert_string_equal(buf_text(&out), "password: [secret db]");
	buf_clear(&out);
	redact_stream_feed(stream, &out, "hunt", 4);
	redact_stream_feed(stream, &out, "er!hun", 6);
	assert_string_equal(buf_text(&out), "hunter!");
	assert_int_equal(redact_stream_end(stream, &out), 0);
	assert_string_equal(buf_text(&out), "hunter!hun");
	/* Ended, it can begin anew. */
	buf_clear(&out);
	redact_stream_feed(stream, &out, "ter2 hunter2", 12);
	redact_stream_end(stream, &out);
	assert_string_equal(buf_text(&out), "ter2 [secret db]");
	buf_done(&out);
	redact_stream_free(stream);
	redactor_free(redactor);
}

static void redact_stream_feed__never_holds_more_than_redactor_hold(void **state)
{
	struct redactor *redactor = with("k", "aaaaaaaaaaab");
	struct redact_stream *stream = redact_stream_new(redactor);
	struct buf out = {0};

	(void)state;
	for (size_t fed = 1; fed <= 1000; fed++) {
		redact_stream_feed(stream, &out, "a", 1);
		assert_true(fed - out.len <= redactor_hold(redactor));
		assert_true(fed - out.len <= 11);
	}
	assert_int_equal(out.len, 1000 - 11);
	assert_int_equal(redact_stream_feed(stream, &out, "b", 1), 1);
	assert_int_equal(out.len, 1000 - 11 + strlen("[secret k]"));
	redact_stream_free(stream);
	buf_done(&out);
	redactor_free(redactor);
}

static void redactor_add__is_seen_by_running_streams(void **state)
{
	struct redactor *redactor = redactor_new();
	struct redact_stream *stream = redact_stream_new(redactor);
	struct buf out = {0};

	(void)state;
	redact_stream_feed(stream, &out, "new-password ", 13);
	add(redactor, "old", "hunter2");
	redact_stream_feed(stream, &out, "hunter", 6);
	/* While "hunter" is held back, a longer secret that begins like it. */
	add(redactor, "new", "hunter42-and-more");
	redact_stream_feed(stream, &out, "42-and-more hunter2 hunt", 24);
	assert_string_equal(buf_text(&out), "new-password [secret new] [secret old] ");
	/* Held back bytes that now are a secret by themselves. */
	add(redactor, "third", "er2 or");
	redact_stream_feed(stream, &out, "er2 o", 5);
	add(redactor, "fourth", "hunter2 or not");
	redact_stream_feed(stream, &out, "r n", 3);
	redact_stream_end(stream, &out);
	assert_string_equal(buf_text(&out),
			    "new-password [secret new] [secret old] [secret old] or n");
	buf_done(&out);
	redact_stream_free(stream);
	redactor_free(redactor);
}

/* The pending bytes are a whole match already, waiting for a longer one, when a secret comes that is longer still. */
static void redactor_add__rescans_an_uncertain_match(void **state)
{
	struct redactor *redactor = redactor_new();
	struct redact_stream *stream = redact_stream_new(redactor);
	struct buf out = {0};

	(void)state;
	add(redactor, "short", "abcdef");
	add(redactor, "long", "abcdefXYZ");
	assert_int_equal(redact_stream_feed(stream, &out, "abcdefX", 7), 0);
	assert_int_equal(out.len, 0);
	add(redactor, "other", "abcdefXQQQ");
	assert_int_equal(redact_stream_feed(stream, &out, "QQ", 2), 0);
	assert_int_equal(redact_stream_feed(stream, &out, "Q", 1), 1);
	assert_string_equal(buf_text(&out), "[secret other]");
	buf_clear(&out);
	redact_stream_feed(stream, &out, "abcdefX", 7);
	add(redactor, "unrelated", "zzzzzz");
	assert_int_equal(redact_stream_end(stream, &out), 1);
	assert_string_equal(buf_text(&out), "[secret short]X");
	redact_stream_free(stream);
	buf_done(&out);
	redactor_free(redactor);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Longest value at text[at..len), NULL when none; the plain and slow way. */
static const char *value_at(const char *const *values, const char *text, size_t len, size_t at)
{
	const char *best = NULL;

	for (; *values; values++) {
		size_t size = strlen(*values);

		if (size <= len - at && memcmp(text + at, *values, size) == 0 &&
		    (!best || size > strlen(best)))
			best = *values;
	}
	return best;
}

static void redactor_text__agrees_with_the_naive_way_on_random_text(void **state)
{
	static const char *const values[] = {
		"xyxyxy", "xyxyxyxx", "yxyxyyyx", "xxxxxx", "xyyxyyxyyx", "yyyyyyyyyy", NULL,
	};
	struct redactor *redactor = redactor_new();
	uint32_t seed = 99;

	(void)state;
	for (size_t i = 0; values[i]; i++)
		add(redactor, values[i], values[i]);
	for (int round = 0; round < 300; round++) {
		char text[60];
		size_t len = next_random(&seed) % sizeof(text);
		struct buf expected = {0};
		struct buf out = {0};

		for (size_t i = 0; i < len; i++)
			text[i] = next_random(&seed) % 2 ? 'x' : 'y';
		for (size_t at = 0; at < len;) {
			const char *value = value_at(values, text, len, at);

			if (value)
				buf_printf(&expected, "[secret %s]", value);
			else
				buf_putc(&expected, text[at]);
			at += value ? strlen(value) : 1;
		}
		redactor_text(redactor, &out, text, len);
		assert_string_equal(buf_text(&out), buf_text(&expected));
		assert_same_in_chunks(redactor, text, len);
		buf_done(&expected);
		buf_done(&out);
	}
	redactor_free(redactor);
}

/* A private key: tens of thousands of states, far more than those with a full row. */
static void redactor_add__takes_a_key_of_several_thousand_bytes(void **state)
{
	static char key[5000];
	struct redactor *redactor = redactor_new();
	struct redact_stream *stream = redact_stream_new(redactor);
	struct buf text = {0};
	struct buf out = {0};
	uint32_t seed = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (char)(i % 65 == 64 ? '\n' : 33 + next_random(&seed) % 94);
	add_bytes(redactor, "key", key, sizeof(key));
	add(redactor, "part", "middle-of-nothing");
	assert_int_equal(redactor_text(redactor, &out, key, sizeof(key)), 1);
	assert_string_equal(buf_text(&out), "[secret key]");
	buf_clear(&out);
	str_base64(&text, key, sizeof(key));
	for (size_t i = 0; i < text.len; i += 7)
		redact_stream_feed(stream, &out, text.data + i, text.len - i < 7 ? text.len - i : 7);
	redact_stream_end(stream, &out);
	assert_true(out.len < 20);
	assert_non_null(strstr(buf_text(&out), "[secret key]"));
	/* All but the last byte: each whole line is hidden, nothing is lost of the last. */
	buf_clear(&out);
	assert_int_equal(redactor_text(redactor, &out, key, sizeof(key) - 1), sizeof(key) / 65);
	assert_true(str_starts(buf_text(&out), "[secret key]\n[secret key]\n"));
	assert_memory_equal(out.data + out.len - (sizeof(key) % 65 - 1), key + sizeof(key) / 65 * 65, sizeof(key) % 65 - 1);
	redact_stream_free(stream);
	buf_done(&text);
	buf_done(&out);
	redactor_free(redactor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redactor_text__copies_when_nothing_is_registered),
		cmocka_unit_test(redactor_text__replaces_plain_values),
		cmocka_unit_test(redactor_text__finds_each_written_form),
		cmocka_unit_test(redactor_text__finds_what_our_own_quoting_writes),
		cmocka_unit_test(redactor_text__finds_what_programs_escape),
		cmocka_unit_test(redactor_text__finds_base64_that_is_wrapped),
		cmocka_unit_test(redactor_text__finds_each_line_of_a_value),
		cmocka_unit_test(redactor_text__finds_base64_in_every_alignment),
		cmocka_unit_test(redactor_text__takes_the_leftmost_then_the_longest),
		cmocka_unit_test(redactor_add__keeps_the_first_name_and_takes_several_values),
		cmocka_unit_test(redactor_add__takes_bytes_of_any_kind),
		cmocka_unit_test(redact_stream_feed__does_not_depend_on_the_chunks),
		cmocka_unit_test(redact_stream_feed__holds_back_only_what_may_be_a_secret),
		cmocka_unit_test(redact_stream_feed__never_holds_more_than_redactor_hold),
		cmocka_unit_test(redactor_add__is_seen_by_running_streams),
		cmocka_unit_test(redactor_add__rescans_an_uncertain_match),
		cmocka_unit_test(redactor_text__agrees_with_the_naive_way_on_random_text),
		cmocka_unit_test(redactor_add__takes_a_key_of_several_thousand_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
