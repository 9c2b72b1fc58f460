/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forms in which programs that run on a server print a value: taken from those programs. */
#define _GNU_SOURCE	/* memmem */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Each kind of program escapes something in it. */
#define VALUE "pA#$w0\"rd'\303\251\\x&y/z+q,~1"

static struct redactor *with(const char *value)
{
	struct redactor *redactor = redactor_new();
	struct err e;
	struct secret *secret = secret_new("k", value, strlen(value), &e);

	assert_non_null(secret);
	redactor_add(redactor, secret);
	secret_free(secret);
	return redactor;
}

static void assert_redacts(const struct redactor *redactor, const char *who, const char *text, const char *expected)
{
	struct buf out = {0};

	redactor_text(redactor, &out, text, strlen(text));
	if (strcmp(buf_text(&out), expected) != 0)
		fail_msg("%s: %s instead of %s", who, buf_text(&out), expected);
	buf_done(&out);
}

static void redactor_text__finds_what_programs_print(void **state)
{
	static const struct {
		const char *who, *text;
	} cases[] = {
		{ "bash %q", "pA#\\$w0\\\"rd\\'\303\251\\\\x\\&y/z+q\\,~1" },
		{ "bash %q, LC_ALL=C", "pA#$w0\"rd\\'\\303\\251\\\\x&y/z+q,~1" },
		{ "ruby inspect", "pA\\#$w0\\\"rd'\303\251\\\\x&y/z+q,~1" },
		{ "ruby dump", "pA\\#$w0\\\"rd'\\u00E9\\\\x&y/z+q,~1" },
		{ "ruby binary", "pA\\#$w0\\\"rd'\\xC3\\xA9\\\\x&y/z+q,~1" },
		{ "ruby shellescape", "pA\\#\\$w0\\\"rd\\'\\\303\251\\\\x\\&y/z+q,\\~1" },
		{ "ruby inspect twice", "pA\\\\\\#$w0\\\\\\\"rd'\303\251\\\\\\\\x&y/z+q,~1" },
		{ "ruby to_json inspect", "pA\\#$w0\\\\\\\"rd'\303\251\\\\\\\\x&y/z+q,~1" },
		{ "ruby inspect to_json", "pA\\\\#$w0\\\\\\\"rd'\303\251\\\\\\\\x&y/z+q,~1" },
		{ "json json", "pA#$w0\\\\\\\"rd'\303\251\\\\\\\\x&y/z+q,~1" },
		{ "json json ascii", "pA#$w0\\\\\\\"rd'\\\\u00e9\\\\\\\\x&y/z+q,~1" },
		{ "json ascii over plain", "pA#$w0\\\\\\\"rd'\\u00e9\\\\\\\\x&y/z+q,~1" },
		{ "json php json", "pA#$w0\\\\\\\"rd'\303\251\\\\\\\\x&y\\\\/z+q,~1" },
		{ "json in shell", "pA#$w0\\\"rd'\"'\"'\303\251\\\\x&y/z+q,~1" },
		{ "shell in json", "pA#$w0\\\"rd'\\\"'\\\"'\303\251\\\\x&y/z+q,~1" },
		{ "shell shell", "pA#$w0\"rd'\"'\"'\"'\"'\"'\"'\"'\"'\303\251\\x&y/z+q,~1" },
		{ "sh '\\'' twice", "pA#$w0\"rd'\\''\\'\\'''\\''\303\251\\x&y/z+q,~1" },
		{ "json %q", "pA#\\$w0\\\\\\\"rd\\'\303\251\\\\\\\\x\\&y/z+q\\,~1" },
		{ "%q %q", "pA#\\\\\\$w0\\\\\\\"rd\\\\\\'\303\251\\\\\\\\x\\\\\\&y/z+q\\\\\\,~1" },
		{ "url url", "pA%2523%2524w0%2522rd%2527%25C3%25A9%255Cx%2526y%252Fz%252Bq%252C~1" },
		{ "url url /", "pA%2523%2524w0%2522rd%2527%25C3%25A9%255Cx%2526y/z%252Bq%252C~1" },
		{ "form form", "pA%2523%2524w0%2522rd%2527%25C3%25A9%255Cx%2526y%252Fz%252Bq%252C~1" },
		{ "json url", "pA%23%24w0%5C%22rd%27%C3%A9%5C%5Cx%26y%2Fz%2Bq%2C~1" },
		{ "json form", "pA%23%24w0%5C%22rd%27%C3%A9%5C%5Cx%26y%2Fz%2Bq%2C~1" },
		{ "html html", "pA#$w0&amp;quot;rd&amp;#x27;\303\251\\x&amp;amp;y/z+q,~1" },
		{ "json html", "pA#$w0\\&quot;rd&#x27;\303\251\\\\x&amp;y/z+q,~1" },
		{ "json html rails", "pA#$w0\\&quot;rd&#39;\303\251\\\\x&amp;y/z+q,~1" },
		{ "html json", "pA#$w0&quot;rd&#x27;\303\251\\\\x&amp;y/z+q,~1" },
		{ "python repr", "pA#$w0\"rd\\'\303\251\\\\x&y/z+q,~1" },
		{ "python ascii", "pA#$w0\"rd\\'\\xe9\\\\x&y/z+q,~1" },
		{ "python bytes", "pA#$w0\"rd\\'\\xc3\\xa9\\\\x&y/z+q,~1" },
		{ "json repr", "pA#$w0\\\"rd\\\\'\303\251\\\\\\\\x&y/z+q,~1" },
		{ "pyyaml", "pA#$w0\\\"rd'\\xE9\\\\x&y/z+q,~1" },
		{ "node inspect", "pA#$w0\"rd\\'\303\251\\\\x&y/z+q,~1" },
		{ "sed l", "pA#$w0\"rd'\\303\\251\\\\x&y/z+q,~1" },
		{ "cat -v", "pA#$w0\"rd'M-CM-)\\x&y/z+q,~1" },
		{ "quoted printable", "pA#$w0\"rd'=C3=A9\\x&y/z+q,~1" },
		{ "xxd -p", "70412324773022726427c3a95c7826792f7a2b712c7e31" },
		{ "od -An -tx1", "70 41 23 24 77 30 22 72 64 27 c3 a9 5c 78 26 79\n 2f 7a 2b 71 2c 7e 31" },
		{ "xxd -i", "0x70, 0x41, 0x23, 0x24, 0x77, 0x30, 0x22, 0x72, 0x64, 0x27, 0xc3, 0xa9, 0x5c, 0x78, 0x26, 0x79, 0x2f, 0x7a, 0x2b, 0x71, 0x2c, 0x7e, 0x31" },
		{ "colons", "70:41:23:24:77:30:22:72:64:27:c3:a9:5c:78:26:79:2f:7a:2b:71:2c:7e:31" },
		{ "COLONS", "70:41:23:24:77:30:22:72:64:27:C3:A9:5C:78:26:79:2F:7A:2B:71:2C:7E:31" },
		{ "blanks", "70 41 23 24 77 30 22 72 64 27 c3 a9 5c 78 26 79 2f 7a 2b 71 2c 7e 31" },
		{ "BLANKS", "70 41 23 24 77 30 22 72 64 27 C3 A9 5C 78 26 79 2F 7A 2B 71 2C 7E 31" },
		{ "\\x", "\\x70\\x41\\x23\\x24\\x77\\x30\\x22\\x72\\x64\\x27\\xc3\\xa9\\x5c\\x78\\x26\\x79\\x2f\\x7a\\x2b\\x71\\x2c\\x7e\\x31" },
		{ "\\X", "\\x70\\x41\\x23\\x24\\x77\\x30\\x22\\x72\\x64\\x27\\xC3\\xA9\\x5C\\x78\\x26\\x79\\x2F\\x7A\\x2B\\x71\\x2C\\x7E\\x31" },
		{ "octal", "\\160\\101\\043\\044\\167\\060\\042\\162\\144\\047\\303\\251\\134\\170\\046\\171\\057\\172\\053\\161\\054\\176\\061" },
		{ "compose", "pA#$$w0\"rd'\303\251\\x&y/z+q,~1" },
	};
	struct redactor *redactor = with(VALUE);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_redacts(redactor, cases[i].who, cases[i].text, "[secret k]");
	redactor_free(redactor);
	redactor = with("it's ~\"{x}'");
	assert_redacts(redactor, "PHP's urlencode", "it%27s+%7E%22%7Bx%7D%27", "[secret k]");
	assert_redacts(redactor, "PHP's addslashes", "it\\'s ~\\\"{x}\\'", "[secret k]");
	assert_redacts(redactor, "dash's set", "S='it'\"'\"'s ~\"{x}'\"'\"", "S='[secret k]");
	assert_redacts(redactor, "ruby to_json shellescape", "\\\"it\\'s\\ \\~\\\\\\\"\\{x\\}\\'\\\"", "\\\"[secret k]\\\"");
	assert_redacts(redactor, "python quote of JSON", "%22it%27s%20~%5C%22%7Bx%7D%27%22", "%22[secret k]%22");
	redactor_free(redactor);
	redactor = with("a\tb@$\303\237\"/x");
	assert_redacts(redactor, "cat -A", "a^Ib@$M-CM-^_\"/x$", "[secret k]$");
	assert_redacts(redactor, "Data::Dumper", "\"a\\tb\\@\\$\\303\\237\\\"/x\"", "\"[secret k]\"");
	assert_redacts(redactor, "shellescape", "a\\\tb@\\$\\\303\237\\\"/x", "[secret k]");
	assert_redacts(redactor, "repr in JSON", "\"'a\\\\tb@$\\u00df\\\"/x'\"", "\"'[secret k]'\"");
	assert_redacts(redactor, "JSON in a page", "&quot;a\\tb@$\\u00df\\&quot;/x&quot;", "&quot;[secret k]&quot;");
	redactor_free(redactor);
}

/* Also the text beside the numbers, and with the end of line that echo writes. */
static void redactor_text__finds_a_value_in_dumps(void **state)
{
	struct redactor *redactor = with(VALUE);

	(void)state;
	assert_redacts(redactor, "hexdump -C",
		       "00000000  70 41 23 24 77 30 22 72  64 27 c3 a9 5c 78 26 79  |pA#$w0\"rd'..\\x&y|\n"
		       "00000010  2f 7a 2b 71 2c 7e 31                              |/z+q,~1|\n00000017\n",
		       "00000000  [secret k]\n00000017\n");
	assert_redacts(redactor, "echo, hexdump -C",
		       "00000000  70 41 23 24 77 30 22 72  64 27 c3 a9 5c 78 26 79  |pA#$w0\"rd'..\\x&y|\n"
		       "00000010  2f 7a 2b 71 2c 7e 31 0a                           |/z+q,~1.|\n00000018\n",
		       "00000000  [secret k]\n00000018\n");
	assert_redacts(redactor, "xxd",
		       "00000000: 7041 2324 7730 2272 6427 c3a9 5c78 2679  pA#$w0\"rd'..\\x&y\n"
		       "00000010: 2f7a 2b71 2c7e 31                        /z+q,~1\n",
		       "00000000: [secret k]\n");
	assert_redacts(redactor, "echo, xxd",
		       "00000000: 7041 2324 7730 2272 6427 c3a9 5c78 2679  pA#$w0\"rd'..\\x&y\n"
		       "00000010: 2f7a 2b71 2c7e 310a                      /z+q,~1.\n",
		       "00000000: [secret k]\n");
	assert_redacts(redactor, "od -tx1", "0000000 70 41 23 24 77 30 22 72 64 27 c3 a9 5c 78 26 79\n0000020 2f 7a 2b 71 2c 7e 31\n0000027\n", "0000000 [secret k]\n0000027\n");
	assert_redacts(redactor, "od -c",
		       "0000000   p   A   #   $   w   0   \"   r   d   ' 303 251   \\   x   &   y\n0000020   /   z   +   q   ,   ~   1  \\n\n0000030\n",
		       "0000000   [secret k]  \\n\n0000030\n");
	assert_redacts(redactor, "od -An -c", "   p   A   #   $   w   0   \"   r   d   ' 303 251   \\   x   &   y\n   /   z   +   q   ,   ~   1\n", "   [secret k]\n");
	redactor_free(redactor);
}

/* Wherever in its line it begins. */
static void redactor_text__finds_hexadecimal_that_is_wrapped(void **state)
{
	static const char value[] = "a-secret that/is?longer~than one line.";
	struct redactor *redactor = with(value);

	(void)state;
	for (size_t before = 0; before < 40; before++) {
		for (int kind = 0; kind < 2; kind++) {
			struct buf plain = {0}, text = {0}, out = {0};

			for (size_t i = 0; i < before; i++)
				buf_putc(&plain, 'x');
			buf_puts(&plain, value);
			for (size_t i = 0; i < plain.len; i++)
				buf_printf(&text, kind ? " %02x%s" : "%02x%s", (unsigned)(unsigned char)plain.data[i], i % (kind ? 16 : 30) == (kind ? 15 : 29) ? "\n" : "");
			assert_int_equal(redactor_text(redactor, &out, text.data, text.len), 1);
			assert_int_equal(out.len - before * (kind ? 3 : 2) - before / (kind ? 16 : 30), strlen("[secret k]") + (size_t)kind + (plain.len % (kind ? 16 : 30) == 0));
			buf_done(&plain);
			buf_done(&text);
			buf_done(&out);
		}
	}
	redactor_free(redactor);
}

/* Ruby's Base64.encode64 and pack("m"): 60 characters a line. */
static void redactor_text__finds_base64_as_ruby_wraps_it(void **state)
{
	char value[150];
	struct redactor *redactor;

	(void)state;
	for (size_t i = 0; i < sizeof(value) - 1; i++)
		value[i] = (char)(33 + i * 37 % 90);
	value[sizeof(value) - 1] = 0;
	redactor = with(value);
	for (size_t before = 0; before < 60; before++) {
		struct buf plain = {0}, coded = {0}, text = {0}, out = {0};

		for (size_t i = 0; i < before; i++)
			buf_putc(&plain, 'x');
		buf_puts(&plain, value);
		str_base64(&coded, plain.data, plain.len);
		for (size_t i = 0; i < coded.len; i++) {
			buf_putc(&text, coded.data[i]);
			if (i % 60 == 59)
				buf_putc(&text, '\n');
		}
		assert_int_equal(redactor_text(redactor, &out, text.data, text.len), 1);
		buf_done(&plain);
		buf_done(&coded);
		buf_done(&text);
		buf_done(&out);
	}
	redactor_free(redactor);
}

static void redactor_text__finds_base64_upon_and_in_others(void **state)
{
	struct redactor *redactor = with(VALUE);

	(void)state;
	/* What is left belongs to the last characters of the inner text, too: its last bits and its padding. */
	assert_redacts(redactor, "base64 of base64", "Y0VFakpIY3dJbkprSjhPcFhIZ21lUzk2SzNFc2ZqRT0=", "[secret k]RT0=");
	assert_redacts(redactor, "base64 of JSON", "InBBIyR3MFwicmQnw6lcXHgmeS96K3EsfjEi", "In[secret k]Ei");
	redactor_free(redactor);
	redactor = with("\373\357\276?s3\377\377~ret");
	assert_redacts(redactor, "base64 in a URL", "%2B%2B%2B%2BP3Mz%2F%2F9%2BcmV0", "[secret k]");
	assert_redacts(redactor, "base64 in a URL, small", "%2b%2b%2b%2bP3Mz%2f%2f9%2bcmV0", "[secret k]");
	assert_redacts(redactor, "base64 in PHP's JSON", "++++P3Mz\\/\\/9+cmV0", "[secret k]");
	redactor_free(redactor);
}

/* Of the text at most so many bytes are left beside the mask: what stands around the value, and characters that it shares with that. */
static void assert_leaves(const struct redactor *redactor, const char *who, const char *text, size_t len, size_t left)
{
	struct buf out = {0};

	redactor_text(redactor, &out, text, len);
	if (!memmem(out.data, out.len, "[secret k]", 10) || out.len - 10 > left)
		fail_msg("%s: %.*s", who, (int)out.len, out.data);
	buf_done(&out);
}

#define LEAVES(who, text, left) assert_leaves(redactor, who, text, sizeof(text) - 1, left)

/* Taken from base32, iconv, xxd and base64. */
static void redactor_text__finds_base32_and_utf_16(void **state)
{
	struct redactor *redactor = with("Xy7-secret/9\303\251");

	(void)state;
	LEAVES("base32", "LB4TOLLTMVRXEZLUF444HKJAMFXGIIDNN5ZGK===", 18);
	LEAVES("base32, 1 before", "MFMHSNZNONSWG4TFOQXTTQ5JEBQW4ZBANVXXEZI=", 18);
	LEAVES("base32, 2 before", "MFRFQ6JXFVZWKY3SMV2C6OODVEQGC3TEEBWW64TF", 19);
	LEAVES("base32, 3 before", "MFRGGWDZG4WXGZLDOJSXILZZYOUSAYLOMQQG233SMU======", 26);
	LEAVES("base32, 4 before", "MFRGGZCYPE3S243FMNZGK5BPHHB2SIDBNZSCA3LPOJSQ====", 27);
	LEAVES("UTF-16LE", "t\000h\000e\000 \000X\000y\0007\000-\000s\000e\000c\000r\000e\000t\000/\0009\000\351\000 \000e\000n\000d\000", 17);
	LEAVES("UTF-16BE", "\000t\000h\000e\000 \000X\000y\0007\000-\000s\000e\000c\000r\000e\000t\000/\0009\000\351\000 \000e\000n\000d", 17);
	LEAVES("UTF-16LE in base64", "JABwAD0AJwBYAHkANwAtAHMAZQBjAHIAZQB0AC8AOQDpACcA", 16);
	LEAVES("UTF-16BE in base64", "ACQAcAA9ACcAWAB5ADcALQBzAGUAYwByAGUAdAAvADkA6QAn", 16);
	LEAVES("UTF-16LE in hexadecimal", "240070003d0027005800790037002d007300650063007200650074002f003900e9002700", 22);
	LEAVES("UTF-16BE in hexadecimal", "00240070003d0027005800790037002d007300650063007200650074002f003900e90027", 22);
	LEAVES("hexadecimal in base64", "cHc9NTg3OTM3MmQ3MzY1NjM3MjY1NzQyZjM5YzNhOQ==", 8);
	LEAVES("capital hexadecimal in base64", "cHc9NTg3OTM3MkQ3MzY1NjM3MjY1NzQyRjM5QzNBOQ==", 8);
	LEAVES("base64 in hexadecimal", "57486b334c584e6c59334a6c6443383577366b3d", 4);
	LEAVES("base64 in base32", "K5EGWM2MLBHGYWJTJJWGIQZYGV3TM2Z5", 4);
	redactor_free(redactor);
}

static void redactor_text__finds_each_line_in_base64(void **state)
{
	struct redactor *redactor = with("first line\nsecond #$line\n");

	(void)state;
	assert_redacts(redactor, "base64 of a line", "Zmlyc3QgbGluZQo=\n", "[secret k]Qo=\n");
	assert_redacts(redactor, "hexadecimal", "66697273 7365636f6e6420232 7365636f6e642023246c696e65", "66697273 7365636f6e6420232 [secret k]");
	assert_redacts(redactor, "ruby", "\"second \\#$line\"", "\"[secret k]\"");
	redactor_free(redactor);
}

/* A short line of a key file is no secret in any form. */
static void redactor_text__leaves_what_a_short_line_would_mask(void **state)
{
	static const char innocent[] = "\\u007b \\u007d &#x7d; &#125; &quot; &#39; %7B%7D%2C aGVsbG8= \\u0031 7b 7d 22 68656c6c6f \\x7d 0x7d";
	struct redactor *redactor = with("{\n\"\n'\nhello\n1\n \"private\": \"AbCdEfGh\"\n}\n");

	(void)state;
	assert_redacts(redactor, "short lines", innocent, innocent);
	redactor_free(redactor);
}

/* The shortest secret has no form that is shorter than itself, or like a word. */
static void redactor_text__leaves_ordinary_text_to_a_short_secret(void **state)
{
	static const char innocent[] =
		"total 61 62 63 64 65\n00000000  61 62 63 64 65 67 \n0x61, 0x62, 0x63, 0x64 2e:61:62:63:64:65 \\141\\142\\143 drwxr-xr-x abcde fabcde bcdef YWJj ZGVm YWJjZGVn\n"
		"a   b   c   d   e\n6162 6364 6500 M-a=62=63";
	struct redactor *redactor = with("abcdef");

	(void)state;
	assert_redacts(redactor, "a short secret", innocent, innocent);
	redactor_free(redactor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redactor_text__finds_what_programs_print),
		cmocka_unit_test(redactor_text__finds_a_value_in_dumps),
		cmocka_unit_test(redactor_text__finds_hexadecimal_that_is_wrapped),
		cmocka_unit_test(redactor_text__finds_base64_as_ruby_wraps_it),
		cmocka_unit_test(redactor_text__finds_base64_upon_and_in_others),
		cmocka_unit_test(redactor_text__finds_base32_and_utf_16),
		cmocka_unit_test(redactor_text__finds_each_line_in_base64),
		cmocka_unit_test(redactor_text__leaves_what_a_short_line_would_mask),
		cmocka_unit_test(redactor_text__leaves_ordinary_text_to_a_short_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
