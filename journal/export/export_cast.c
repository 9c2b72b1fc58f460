/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * asciicast v2: https://docs.asciinema.org/manual/asciicast/v2/. A person replays this on a terminal of their own, so nothing in it may do more than
 * paint: output of commands is text; what a shell's terminal showed keeps the sequences that move, colour and erase, and loses those that ask the terminal
 * something, name a window, touch the clipboard or change how keys and mouse are sent.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/plain.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/export/export_int.h"

#define COLUMNS 100
#define ROWS 30

static const char settle[] = "\033[0m\033[?1049l\033[?25h\033[r\r\n";	/* behind a shell: whatever a program left */

struct cast_state {
	struct export_lines *lines;
	struct buf *out;	/* borrowed for one event */
	int64_t began_us, last_us;
	bool headed;
	char *shell;		/* owned; path of the call whose terminal is shown, NULL = none */
	struct escape escape;	/* of the shell's stream */
};

/* [seconds, type, text] */
static void put(struct cast_state *me, const char *type, const char *text, size_t len)
{
	struct json *value = json_new_text(text, len);
	int64_t us = me->last_us - me->began_us;
	char *printed = json_print(value);

	buf_printf(me->out, "[%lld.%06lld,\"%s\",%s]\n", (long long)(us / 1000000), (long long)(us % 1000000), type, printed);
	mem_free(printed);
	json_free(value);
}

/* Text from outside as lines of a terminal. */
static void put_line(struct cast_state *me, const char *before, const char *text, size_t len, const char *after)
{
	struct buf line = { 0 };

	buf_puts(&line, before);
	utf8_safe(&line, text, len, false);
	buf_printf(&line, "%s\r\n", after);
	put(me, "o", line.data, line.len);
	buf_done(&line);
}

static void put_mark(struct cast_state *me, const char *text)
{
	struct buf safe = { 0 };

	utf8_safe(&safe, text, strlen(text), false);
	put(me, "m", buf_text(&safe), safe.len);
	buf_done(&safe);
}

static void output_line(void *arg, const struct export_line *line)
{
	struct cast_state *me = arg;
	struct buf plain = { 0 }, before = { 0 };

	plain_text(&plain, line->text, line->len);
	if (line->host[0]) {
		utf8_safe(&before, line->host, strlen(line->host), false);
		buf_puts(&before, ": ");
	}
	for (size_t i = 0; i < plain.len || i == 0;) {
		const char *end = plain.len > i ? memchr(plain.data + i, '\n', plain.len - i) : NULL;
		size_t len = end ? (size_t)(end - plain.data) - i : plain.len - i;

		put_line(me, buf_text(&before), buf_text(&plain) + i, len, "");
		i += len + 1;
	}
	buf_done(&plain);
	buf_done(&before);
}

static void *cast_start(void)
{
	struct cast_state *me = mem_alloc(sizeof(*me));

	me->lines = export_lines_new(output_line, me);
	return me;
}

/* --- a shell's terminal --- */

/* Private modes that only change the picture. */
static bool mode_is_harmless(const char *digits)
{
	static const char *const modes[] = { "1", "7", "12", "25", "47", "1047", "1048", "1049", NULL };

	for (const char *const *mode = modes; *mode; mode++)
		if (str_is(digits, *mode))
			return true;
	return false;
}

/* Scrolling down with more than one number is xterm's tracking of the mouse. */
static bool csi_is_harmless(const struct escape_token *csi)
{
	const char *numbers = csi->code == 'T' ? "0123456789" : "0123456789;:";
	char text[ESCAPE_SEQUENCE + 1] = "";

	if (csi->odd || csi->code >= 0x7f)
		return false;
	memcpy(text, csi->text, csi->len);
	if (text[0] == '?' && (csi->code == 'h' || csi->code == 'l'))
		return mode_is_harmless(text + 1);
	return strspn(text, numbers) == csi->len
		&& strchr("ABCDEFGHJKLMPSTXZ@defgmr`a", (int)csi->code);
}

/* Save, restore, down, next line, up; two character sets. Reset and keypad modes go. */
static bool short_is_harmless(const struct escape_token *token)
{
	if (token->len == 0)
		return strchr("78DEM", (int)token->code);
	return token->len == 1 && strchr("()*+", token->text[0]) && strchr("0B", (int)token->code);
}

static bool control_is_harmless(uint32_t code)
{
	return code && code < 0x20 && strchr("\b\t\n\r\016\017", (int)code);
}

/* C1 controls do what ESC sequences do, as one character: out. */
static void screen_put(const struct escape_token *token, struct buf *screen)
{
	bool csi = token->kind == ESCAPE_CSI, brief = token->kind == ESCAPE_SHORT;

	if (token->kind == ESCAPE_TEXT)
		buf_append(screen, token->text, token->len);
	else if (token->kind == ESCAPE_INVALID)
		buf_puts(screen, "\357\277\275");
	else if (token->kind == ESCAPE_CONTROL && control_is_harmless(token->code))
		buf_putc(screen, (char)token->code);
	else if ((csi && csi_is_harmless(token)) || (brief && short_is_harmless(token)))
		buf_printf(screen, "\033%s%.*s%c", csi ? "[" : "", (int)token->len, token->text,
			(char)token->code);
}

static void put_screen(struct cast_state *me, const struct buf *screen)
{
	if (screen->len)
		put(me, "o", screen->data, screen->len);
}

static void put_size(struct cast_state *me, int64_t rows, int64_t cols)
{
	char text[48];

	if (rows < 1 || cols < 1 || rows > 9999 || cols > 9999)
		return;
	put(me, "r", text, (size_t)snprintf(text, sizeof(text), "%dx%d", (int)cols, (int)rows));
}

static void shell_output(struct cast_state *me, const struct event *ev, const struct json *data)
{
	const char *bytes = ev->bytes;
	size_t len = bytes ? ev->len : 0;
	struct escape_token token;
	struct buf screen = { 0 };

	if (str_is(json_text(data, "stream", ""), "size"))
		put_size(me, json_int(data, "rows", 0), json_int(data, "cols", 0));
	while (escape_next(&me->escape, &bytes, &len, &token))
		screen_put(&token, &screen);
	put_screen(me, &screen);
	buf_done(&screen);
}

static void begin_shell(struct cast_state *me, const struct event *ev, const struct json *data)
{
	const struct json *args = json_at(data, "args");

	if (!json_int(args, "rows", 0))
		return;
	mem_set(&me->shell, ev->call ? ev->call : "");
	put_size(me, json_int(args, "rows", 0), json_int(args, "cols", 0));
}

static void end_shell(struct cast_state *me)
{
	struct escape_token token;
	struct buf screen = { 0 };

	if (!me->shell)
		return;
	while (escape_end(&me->escape, &token))
		screen_put(&token, &screen);
	put_screen(me, &screen);
	buf_done(&screen);
	mem_set(&me->shell, NULL);
	put(me, "o", settle, sizeof(settle) - 1);
	put_size(me, ROWS, COLUMNS);
}

/* --- the session --- */

static void put_header(struct cast_state *me, const struct event *ev, const struct json *data)
{
	const struct json *runbook = json_at(data, "runbook");
	struct json *head = json_new_object();
	struct buf title = { 0 };
	char *printed;

	utf8_safe(&title, json_text(runbook, "title", json_text(runbook, "id", "session")), strlen(json_text(runbook, "title", json_text(runbook, "id", "session"))), false);
	json_set_int(head, "version", 2);
	json_set_int(head, "width", COLUMNS);
	json_set_int(head, "height", ROWS);
	json_set_int(head, "timestamp", ev->at_us / 1000000);
	json_set_int(head, "idle_time_limit", 2);
	json_set_text(head, "title", buf_text(&title));
	printed = json_print(head);
	buf_printf(me->out, "%s\n", printed);
	mem_free(printed);
	json_free(head);
	buf_done(&title);
	me->headed = true;
	me->began_us = me->last_us = ev->at_us;
}

/* What is told in a line; the rest is not for a terminal. */
static bool is_told(const struct event *ev)
{
	static const enum event_kind untold[] = {
		EVENT_CALL_PROGRESS, EVENT_CALL_OUTPUT, EVENT_STEP_BEGUN, EVENT_JOINED, EVENT_LEFT, EVENT_ANCHORED, EVENT_WITHDRAWN,
	};

	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++)
		if (untold[i] == ev->kind)
			return false;
	return true;
}

static void put_words(struct cast_state *me, const struct model *model, const struct event *ev, const struct json *data)
{
	bool step = ev->kind == EVENT_STEP_ENTERED, order = ev->kind == EVENT_CALL_BEGUN;
	struct buf words = { 0 };

	if (ev->who && *ev->who && !str_is(ev->who, "bellbook"))
		buf_printf(&words, "%s: ", ev->who);
	export_words(&words, model, ev, data);
	if (step)
		put_line(me, "\r\n\033[1m", buf_text(&words), words.len, "\033[0m");
	else
		put_line(me, order ? "\033[1m> \033[0m" : "# ", buf_text(&words), words.len, "");
	buf_done(&words);
}

/* Where a player can jump to. */
static void mark(struct cast_state *me, const struct model *model, const struct event *ev, const struct json *data)
{
	const struct model_step *step = model_step_find(model, ev->step);
	struct buf label = { 0 };

	if (ev->kind == EVENT_STEP_ENTERED)
		buf_printf(&label, "step %lld: %s", (long long)json_int(data, "index", 0), step ? step->title : ev->step);
	else if (ev->kind == EVENT_STEP_ENDED && str_is(json_text(data, "state", ""), "failed"))
		buf_printf(&label, "FAILED: %s", step ? step->title : ev->step);
	else if (ev->kind == EVENT_STEP_DOUBTED)
		buf_printf(&label, "IN DOUBT: %s", step ? step->title : ev->step);
	else if (ev->kind == EVENT_CALL_BEGUN && str_is(json_text(data, "of", ""), "detour"))
		buf_printf(&label, "by hand on %s", ev->host && *ev->host ? ev->host : "this computer");
	if (label.len)
		put_mark(me, buf_text(&label));
	buf_done(&label);
}

static void cast_event(void *state, struct buf *out, const struct model *model, const struct event *ev, const struct json *data)
{
	struct cast_state *me = state;
	const char *stream = json_text(data, "stream", "out");

	me->out = out;
	if (!me->headed)
		put_header(me, ev, data);
	me->last_us = ev->at_us > me->last_us ? ev->at_us : me->last_us;	/* a clock may be set back, a cast may not */
	if (ev->kind == EVENT_CALL_OUTPUT && (str_is(stream, "pty") || str_is(stream, "size")))
		shell_output(me, ev, data);
	else if (ev->kind == EVENT_CALL_OUTPUT && ev->len)
		export_lines_feed(me->lines, ev, data);
	if (ev->kind == EVENT_CALL_ENDED) {
		export_lines_end(me->lines, ev);
		if (me->shell && str_is(me->shell, ev->call ? ev->call : ""))
			end_shell(me);
	}
	mark(me, model, ev, data);
	if (is_told(ev))
		put_words(me, model, ev, data);
	if (ev->kind == EVENT_CALL_BEGUN)
		begin_shell(me, ev, data);
}

static void cast_finish(void *state, struct buf *out, const struct model *model)
{
	struct cast_state *me = state;

	(void)model;
	me->out = out;
	export_lines_flush(me->lines);
	end_shell(me);
}

static void cast_drop(void *state)
{
	struct cast_state *me = state;

	export_lines_free(me->lines);
	mem_free(me->shell);
	mem_free(me);
}

const struct export_writer export_cast_writer = {
	.start = cast_start,
	.event = cast_event,
	.finish = cast_finish,
	.drop = cast_drop,
};
