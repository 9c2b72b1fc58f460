/* base_escape_test.c - where sequences end: a table, at every cut, and libvterm's reading of it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <vterm.h>

#include "base/buf.h"
#include "base/escape.h"

/*
 * What is read: text as it is, controls as {0a}, invalid bytes as {?ff}, sequences as {ESC(B}
 * {CSI1;31m} {OSC}, and with a ! when they are odd. vterm: what libvterm 0.1.4 prints and carries out
 * of it, where that differs, with the reason; one that reads it as we do is right, too.
 */
static const struct {
	const char *bytes, *read, *vterm;
} cases[] = {
	{ "plain", "plain", NULL },
	{ "a\r\n\tb\b", "a{0d}{0a}{09}b{08}", NULL },
	{ "na\303\257ve \346\227\245 \360\237\246\243", "na\303\257ve \346\227\245 \360\237\246\243", NULL },
	/* CSI */
	{ "\033[1;31mred\033[m", "{CSI1;31m}red{CSIm}", NULL },
	{ "\033[?2004hx\033[38:5:1my", "{CSI?2004h}x{CSI38:5:1m}y", NULL },
	{ "\033[1 qx\033[!py", "{CSI1 q}x{CSI!p}y", NULL },
	{ "\033[1?2hx", "{!CSI1?2h}x", "2hx" },	/* libvterm gives up, a VT500 waits */
	{ "\033[1 2hx", "{!CSI1 2h}x", "hx" },
	{ "\033[??1hx", "{!CSI??1h}x", NULL },
	/* one within another */
	{ "\033\033[31m red", "{CSI31m} red", NULL },
	{ "\033[31\033[32m green", "{CSI32m} green", NULL },
	{ "\033(\033[32m green", "{CSI32m} green", NULL },
	{ "\033[12\033\033\033[3mi", "{CSI3m}i", NULL },
	{ "\033[31\030X\033[31\032Y", "XY", NULL },
	{ "\033\030X\033(\032Y", "XY", NULL },
	/* controls within are carried out */
	{ "\033[3\n1mx", "{0a}{CSI31m}x", NULL },
	{ "\033\r(\bBx", "{0d}{08}{ESC(B}x", NULL },
	{ "\033[3\1771\177mx", "{CSI31m}x", NULL },
	/* short ones */
	{ "\0337\0338\033=\033>x", "{ESC7}{ESC8}{ESC=}{ESC>}x", NULL },
	{ "\033(Bx\033)0y\033#8z\033%G.", "{ESC(B}x{ESC)0}y{ESC#8}z{ESC%G}.", NULL },
	{ "\033$(Cx", "{ESC$(C}x", NULL },
	{ "\033 [x", "{ESC [}x", "" },		/* to libvterm [ begins a CSI also here */
	{ "\033OPx", "{ESCO}Px", NULL },
	{ "\033\\x", "{ESC\\}x", NULL },
	/* strings */
	{ "\033]0;title\007a\033]8;;http://x\033\\b", "{OSC}a{OSC}{ESC\\}b", NULL },
	{ "\033P$q\"p\033\\a\033_k\033\\b\033^p\033\\c\033Xs\033\\d",
		"{DCS}{ESC\\}a{APC}{ESC\\}b{PM}{ESC\\}c{SOS}{ESC\\}d", "akbpcsd" },		/* libvterm knows two kinds of strings */
	{ "\033]0;ti\ntle\303\251\007a", "{OSC}a", "{0a}a" },	/* not so a VT500 */
	{ "\033Pone\007two\033\\a", "{DCS}{ESC\\}a", "twoa" },	/* xterm: OSC alone */
	{ "\033]0;title\033[31mred", "{OSC}{CSI31m}red", NULL },
	{ "\033]0;title\030a\033Pq\032b", "{OSC}a{DCS}b", NULL },
	{ "\033]never ended", "", NULL },
	{ "\033]0;\302\234a", "{OSC}a", "" },	/* libvterm: in UTF-8 C1 is none */
	/* C1 and bytes that are no UTF-8 */
	{ "\302\23331m", "{9b}31m", "\302\23331m" },
	{ "\302\235quoted\302\234", "{9d}quoted{9c}", "\302\235quoted\302\234" },
	{ "\033[1\302\2332mx", "{9b}2mx", "\2332mx" },	/* libvterm loses a byte */
	{ "a\233b\377c", "a{?9b}b{?ff}c", NULL },
	{ "\303(", "{?c3}(", NULL },
	{ "\303\033[31m\251x", "{?c3}{CSI31m}{?a9}x", NULL },
	{ "\302\033]0;t\007\23331m", "{?c2}{OSC}{?9b}31m", NULL },
	{ "\033[1\303\2512mx", "\303\2512mx", "\2512mx" },
	{ "\360\237\246", "{?f0}{?9f}{?a6}", NULL },
	{ "\033]\360\237", "", NULL },
	{ "\355\240\200\300\200", "{?ed}{?a0}{?80}{?c0}{?80}", NULL },
	{ "\001\033[K\002\177\030", "{01}{CSIK}{02}{7f}{18}", NULL },
	/* 64 bytes are kept, one more is too many */
	{ "\033[0000000000000000000000000000000000000000000000000000000000000001mx",
		"{CSI0000000000000000000000000000000000000000000000000000000000000001m}x", NULL },
	{ "\033[00000000000000000000000000000000000000000000000000000000000000001mx",
		"{!CSI0000000000000000000000000000000000000000000000000000000000000000m}x", NULL },
};

#define COUNT (sizeof(cases) / sizeof(cases[0]))

static const char *string_name(uint32_t code)
{
	return code == ']' ? "OSC" : code == 'P' ? "DCS" : code == 'X' ? "SOS" : code == '^' ? "PM"
		: "APC";
}

static void tell(const struct escape_token *token, struct buf *out)
{
	if (token->kind == ESCAPE_TEXT)
		buf_append(out, token->text, token->len);
	else if (token->kind == ESCAPE_INVALID)
		buf_printf(out, "{?%02x}", (unsigned char)token->text[0]);
	else if (token->kind == ESCAPE_CONTROL)
		buf_printf(out, "{%02x}", token->code);
	else if (token->kind == ESCAPE_STRING)
		buf_printf(out, "{%s}", string_name(token->code));
	else
		buf_printf(out, "{%s%s%.*s%c}", token->odd ? "!" : "",
			token->kind == ESCAPE_CSI ? "CSI" : "ESC", (int)token->len, token->text,
			(char)token->code);
}

static void read_all(struct escape *escape, const char *bytes, size_t len, struct buf *out)
{
	struct escape_token token;

	while (escape_next(escape, &bytes, &len, &token))
		tell(&token, out);
	assert_int_equal(len, 0);
}

static void read_end(struct escape *escape, struct buf *out)
{
	struct escape_token token;

	while (escape_end(escape, &token))
		tell(&token, out);
}

static void escape__ends_where_a_terminal_ends_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct escape escape = { 0 };
		struct buf out = { 0 };

		read_all(&escape, cases[i].bytes, strlen(cases[i].bytes), &out);
		read_end(&escape, &out);
		assert_string_equal(buf_text(&out), cases[i].read);
		buf_done(&out);
	}
}

static void escape__does_not_mind_where_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		size_t len = strlen(cases[i].bytes);

		for (size_t cut = 0; cut <= len; cut++)
			for (size_t other = cut; other <= len; other++) {
				struct escape escape = { 0 };
				struct buf out = { 0 };

				read_all(&escape, cases[i].bytes, cut, &out);
				read_all(&escape, cases[i].bytes + cut, other - cut, &out);
				read_all(&escape, cases[i].bytes + other, len - other, &out);
				read_end(&escape, &out);
				assert_string_equal(buf_text(&out), cases[i].read);
				buf_done(&out);
			}
	}
}

static void escape__begins_anew_after_an_end(void **state)
{
	struct escape escape = { 0 };
	struct buf out = { 0 };

	(void)state;
	read_all(&escape, "\033]title\303", 8, &out);
	read_end(&escape, &out);
	read_all(&escape, "text", 4, &out);
	assert_string_equal(buf_text(&out), "text");
	buf_done(&out);
}

/* ---- the judge ---- */

/* Up to a control: so much the parser gives at once. */
static int vterm_text(const char *bytes, size_t len, void *user)
{
	size_t n = 0;

	while (n < len && (unsigned char)bytes[n] >= 0x20 && bytes[n] != 0x7f)
		n++;
	buf_append(user, bytes, n);
	return (int)n;
}

static int vterm_control(unsigned char control, void *user)
{
	/* From 0x80 on it is ESC and a letter. */
	if (control < 0x80)
		buf_printf(user, "{%02x}", control);
	return 1;
}

/* What we read, but for what libvterm does not tell: sequences, DEL, a lone CAN. */
static void as_vterm(const char *bytes, struct buf *out)
{
	struct escape escape = { 0 };
	struct escape_token token;
	size_t len = strlen(bytes);

	while (escape_next(&escape, &bytes, &len, &token) || escape_end(&escape, &token))
		if (token.kind == ESCAPE_TEXT || token.kind == ESCAPE_INVALID)
			buf_append(out, token.text, token.len);
		else if (token.kind == ESCAPE_CONTROL && token.code < 0x7f && token.code != 0x18)
			buf_printf(out, "{%02x}", token.code);
}

static void escape__is_read_as_libvterm_reads_it(void **state)
{
	static const VTermParserCallbacks callbacks = {
		.text = vterm_text, .control = vterm_control,
	};

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		VTerm *vterm = vterm_new(24, 80);
		struct buf theirs = { 0 }, ours = { 0 };

		vterm_set_utf8(vterm, 1);
		vterm_parser_set_callbacks(vterm, &callbacks, &theirs);
		vterm_input_write(vterm, cases[i].bytes, strlen(cases[i].bytes));
		as_vterm(cases[i].bytes, &ours);
		if (!cases[i].vterm || strcmp(buf_text(&theirs), cases[i].vterm) != 0)
			assert_string_equal(buf_text(&theirs), buf_text(&ours));
		buf_done(&theirs);
		buf_done(&ours);
		vterm_free(vterm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escape__ends_where_a_terminal_ends_it),
		cmocka_unit_test(escape__does_not_mind_where_it_is_cut),
		cmocka_unit_test(escape__begins_anew_after_an_end),
		cmocka_unit_test(escape__is_read_as_libvterm_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
