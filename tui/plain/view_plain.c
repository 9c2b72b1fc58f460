/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal side of the plain view. On a terminal, keys are read one by one and echoed here, so that the
 * first byte of a line is seen when it is typed and a line being typed survives what arrives meanwhile. The
 * cursor is never moved but backwards over what was typed. Anything else on stdin is a script: its next line
 * is taken when the session asks for one, and what was written ahead is dropped when an answer was refused.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "tui/live/view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/edit.h"
#include "tui/term/keys.h"
#include "tui/plain/plain.h"
#include "tui/part/prose.h"
#include "tui/part/pump.h"
#include "tui/term/seen.h"
#include "tui/term/term.h"
#include "tui/term/tty.h"

#define TOO_SOON_US (TIME_SECOND * 3 / 10)	/* nobody reads a question faster */
#define CALM_US (TIME_SECOND / 2)		/* silence after which history is taken as told */

struct screen {
	struct loop *loop;
	struct pump *pump;
	struct plain *plain;
	bool is_tty, in_open;
	struct keys *keys;
	int key_timer, calm_timer, leave_timer;
	struct edit edit;
	bool prompted;		/* the prompt stands on the last line */
	bool typing;		/* a line was begun */
	bool held;		/* an Enter of a burst was left out, and is to be told */
	int64_t begun;		/* plain_question when it was */
	int64_t shown, shown_us;	/* question on the screen, since when */
	struct seen seen;
	unsigned faults;	/* of plain, when a script's line was taken last */
	struct buf script;	/* read from a stdin that is no terminal */
	bool out_gone;		/* nobody reads what we print */
};

static void put(struct screen *screen, const char *text, size_t len)
{
	while (len > 0 && !screen->out_gone) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&out, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			screen->out_gone = true;
			plain_leave(screen->plain);
		}
	}
}

static void prompt(struct screen *screen)
{
	const char *text = plain_prompt(screen->plain);

	put(screen, text, strlen(text));
	if (!plain_hides(screen->plain))
		put(screen, screen->edit.text, screen->edit.len);
	screen->prompted = true;
}

static void send_all(struct screen *screen)
{
	struct json *intent;

	while ((intent = plain_intent(screen->plain)) != NULL) {
		struct err e;

		if (pump_send(screen->pump, intent, &e) != 0)
			plain_unsent(screen->plain, e.text);
		json_free(intent);
	}
}

/* Text of ours; a terminal would break its lines within words. */
static void put_prose(struct screen *screen, const char *text, size_t len)
{
	struct winsize size = { 0 };
	struct buf wrapped = { 0 };

	if (!screen->is_tty || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) {
		put(screen, text, len);
		return;
	}
	prose_wrap(&wrapped, text, size.ws_col);
	put(screen, buf_text(&wrapped), wrapped.len);
	buf_done(&wrapped);
}

/* Sends what is to be sent, prints what is to be printed, and puts the prompt back. */
static void show(struct screen *screen)
{
	struct buf *out = plain_out(screen->plain);

	send_all(screen);
	if (out->len > 0) {
		if (screen->prompted)
			put(screen, "\n", 1);
		put_prose(screen, buf_text(out), out->len);
		buf_clear(out);
		screen->prompted = false;
	}
	if (plain_ending(screen->plain) != ENDING_NONE) {
		loop_stop(screen->loop);
		return;
	}
	if (plain_question(screen->plain) != screen->shown) {
		screen->shown = plain_question(screen->plain);
		screen->shown_us = time_mono_us();
		seen_question(&screen->seen, screen->shown > 0 ? screen->shown : 0);
	}
	if (!screen->prompted && (screen->typing || plain_is_asking(screen->plain)))
		prompt(screen);
	if (seen_painted(&screen->seen, time_mono_us()) && screen->seen.can)
		put(screen, SEEN_REQUEST, sizeof(SEEN_REQUEST) - 1);
}

static void line_done(struct screen *screen)
{
	put(screen, "\n", 1);
	screen->prompted = false;
	screen->typing = false;
	plain_line(screen->plain, screen->edit.text, screen->begun);
	edit_clear(&screen->edit);
	show(screen);
}

/* Takes n columns back from the screen. */
static void rub(struct screen *screen, int columns)
{
	while (columns-- > 0)
		put(screen, "\b \b", 3);
}

static void edit_key(struct screen *screen, const struct press *press)
{
	size_t before = screen->edit.len;
	int columns = utf8_columns(screen->edit.text, before);

	if (press->code == PRESS_LEFT || press->code == PRESS_RIGHT || press->code == PRESS_HOME
		|| press->code == PRESS_END || !edit_press(&screen->edit, press))
		return;
	screen->edit.cursor = screen->edit.len;
	if (plain_hides(screen->plain))
		return;
	if (screen->edit.len > before)
		put(screen, screen->edit.text + before, screen->edit.len - before);
	else
		rub(screen, columns - utf8_columns(screen->edit.text, screen->edit.len));
}

static void key(struct screen *screen, const struct press *press)
{
	int64_t now = time_mono_us();

	if (press->code == PRESS_REPORT) {
		if (seen_answer(&screen->seen))
			screen->shown_us = now;
		return;
	}
	if (press->code == PRESS_CTRL && press->cp == 'D') {
		if (screen->edit.len == 0)
			plain_leave(screen->plain);
		return;
	}
	if (!screen->typing) {
		if (press->code != PRESS_CHAR && press->code != PRESS_ENTER && press->code != PRESS_PASTE)
			return;
		screen->typing = true;
		screen->begun = plain_question(screen->plain);
		if (screen->begun && (now - screen->shown_us < TOO_SOON_US || seen_waits(&screen->seen, now)))
			screen->begun = -1;
		if (!screen->prompted)
			prompt(screen);
	}
	if (press->code == PRESS_ENTER && press->burst && plain_question(screen->plain) >= 0)
		screen->held = true;
	else if (press->code == PRESS_ENTER)
		line_done(screen);
	else
		edit_key(screen, press);
	if (screen->edit.len == 0 && !screen->held)
		screen->typing = false; /* what comes next begins a line, and is for what is asked then */
}

/* A burst sends nothing, but to a shell: its line stands there, and wants an Enter of its own. */
static void tell_held(struct screen *screen)
{
	if (screen->held && screen->edit.len > 0)
		buf_puts(plain_out(screen->plain), "Not sent: several keys came at once, as in a paste. "
			"Enter sends the line that stands there, Ctrl-U empties it.\n");
	screen->typing = screen->typing && screen->edit.len > 0;
	screen->held = false;
}

static void keys_due(void *arg)
{
	struct screen *screen = arg;
	struct press press;
	int64_t wait;

	loop_cancel(screen->loop, screen->key_timer);
	screen->key_timer = 0;
	while (plain_ending(screen->plain) == ENDING_NONE
		&& keys_next(screen->keys, time_mono_us(), &press))
		key(screen, &press);
	if (screen->held)
		tell_held(screen);
	wait = keys_wait(screen->keys, time_mono_us());
	if (wait >= 0)
		screen->key_timer = loop_after(screen->loop, wait, keys_due, screen);
	show(screen);
}

/* Something the script said came to nothing: what it wrote ahead was meant for another course of events. */
static void script_check(struct screen *screen)
{
	static const char words[] = "The lines written ahead are dropped: they were meant for another course of events.\n";

	if (plain_faults(screen->plain) == screen->faults)
		return;
	screen->faults = plain_faults(screen->plain);
	if (screen->script.len == 0)
		return;
	buf_puts(plain_out(screen->plain), words);
	explicit_bzero(screen->script.data, screen->script.cap);
	buf_clear(&screen->script);
}

/* The script has ended, and the session waits for somebody. */
static bool is_left_alone(const struct screen *screen)
{
	return !screen->in_open && screen->script.len == 0 && plain_is_asking(screen->plain)
		&& !plain_is_sending(screen->plain);
}

/* What the script said last had time to take effect. */
static void leave_due(void *arg)
{
	struct screen *screen = arg;

	screen->leave_timer = 0;
	if (is_left_alone(screen))
		plain_leave(screen->plain);
	show(screen);
}

/* True when a line is too long for anything: no part of it may be taken for another, and what comes
 * behind it was meant for another course of events. So the script ends before it. */
static bool script_cut(struct screen *screen, size_t len)
{
	struct buf *in = &screen->script;

	if (len <= LIMIT_COMMAND)
		return false;
	buf_printf(plain_out(screen->plain),
		"A line of the script has more than %zu bytes: nothing of it was done, "
		"and the script ends there.\n", LIMIT_COMMAND);
	explicit_bzero(in->data, in->cap);
	buf_clear(in);
	if (screen->in_open)
		loop_unwatch(screen->loop, STDIN_FILENO);
	screen->in_open = false;
	return true;
}

/* Takes the script's lines that have somebody to go to. */
static void script_lines(struct screen *screen)
{
	struct buf *in = &screen->script;

	script_check(screen);
	while (in->len > 0 && plain_ending(screen->plain) == ENDING_NONE && plain_is_ready(screen->plain)
		&& !plain_is_sending(screen->plain)) {
		char *stop = memchr(in->data, '\n', in->len);
		size_t len = stop ? (size_t)(stop - in->data) : in->len;
		char *line;

		if (script_cut(screen, len))
			break;
		if (!stop && screen->in_open)
			return;
		line = mem_dup(in->data, len);
		if (len > 0 && line[len - 1] == '\r')
			line[len - 1] = '\0';
		if (plain_is_command(screen->plain, line) || plain_is_asking(screen->plain)) {
			int64_t asked = plain_question(screen->plain);

			explicit_bzero(in->data, len);
			buf_consume(in, stop ? len + 1 : len);
			plain_line(screen->plain, line, asked);
			screen->prompted = false;
		} else if (!*line) {
			buf_consume(in, stop ? len + 1 : len);
		} else {
			len = 0;	/* waits for its question */
		}
		explicit_bzero(line, strlen(line));
		mem_free(line);
		send_all(screen);
		script_check(screen);
		if (len == 0 && in->len > 0 && !plain_is_asking(screen->plain))
			return;
	}
	if (is_left_alone(screen) && screen->leave_timer == 0)
		screen->leave_timer = loop_after(screen->loop, CALM_US, leave_due, screen);
}

static void script_in(struct screen *screen)
{
	char *room = buf_room(&screen->script, 4096);
	ssize_t n = read(STDIN_FILENO, room, 4096);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		buf_added(&screen->script, (size_t)n);
	} else {
		screen->in_open = false;
		loop_unwatch(screen->loop, STDIN_FILENO);
	}
	script_lines(screen);
	show(screen);
}

static void stdin_ready(void *arg, int fd, short events)
{
	struct screen *screen = arg;
	char bytes[4096];
	ssize_t n;

	(void)events;
	if (!screen->is_tty) {
		script_in(screen);
		return;
	}
	n = read(fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {		/* the terminal is gone: leave at once, the session goes on */
		screen->out_gone = true;
		plain_leave(screen->plain);
		loop_stop(screen->loop);
		return;
	}
	keys_read(screen->keys, bytes, (size_t)n, time_mono_us());
	explicit_bzero(bytes, sizeof(bytes));
	keys_due(screen);
}

static void item_in(void *arg, enum link_item item, const struct event *ev, const struct json *reply,
	const char *why)
{
	struct screen *screen = arg;

	plain_item(screen->plain, item, ev, reply, why, time_mono_us());
}

static void calm(void *arg)
{
	struct screen *screen = arg;

	screen->calm_timer = 0;
	plain_caught_up(screen->plain);
	show(screen);
}

static void batch_end(void *arg)
{
	struct screen *screen = arg;

	loop_cancel(screen->loop, screen->calm_timer);
	screen->calm_timer = 0;
	if (plain_is_catching_up(screen->plain))
		screen->calm_timer = loop_after(screen->loop, CALM_US, calm, screen);
	plain_settle(screen->plain);
	if (!screen->is_tty)
		script_lines(screen);
	show(screen);
}

static void interrupted(void *arg, int signo)
{
	struct screen *screen = arg;

	(void)signo;
	edit_clear(&screen->edit);
	screen->typing = false;
	if (screen->is_tty)
		plain_interrupt(screen->plain);
	else
		plain_leave(screen->plain);
	show(screen);
}

static void hung_up(void *arg, int signo)
{
	struct screen *screen = arg;

	screen->out_gone = signo == SIGHUP;
	plain_leave(screen->plain);
	loop_stop(screen->loop);
}

static void suspended(void *arg, int signo)
{
	struct screen *screen = arg;
	static const char words[] = "\nbellbook: only this view is suspended; the session goes on. \"fg\" brings it back.\n";

	(void)signo;
	seen_drain(&screen->seen, STDIN_FILENO, time_mono_us());
	put(screen, words, sizeof(words) - 1);
	tty_suspend();
	screen->prompted = false;
	show(screen);
}

static void watch(struct screen *screen)
{
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	loop_signal(screen->loop, SIGINT, interrupted, screen, &e);
	loop_signal(screen->loop, SIGTERM, hung_up, screen, &e);
	loop_signal(screen->loop, SIGHUP, hung_up, screen, &e);
	loop_signal(screen->loop, SIGQUIT, hung_up, screen, &e);
	if (screen->is_tty) {
		loop_signal(screen->loop, SIGTSTP, suspended, screen, &e);
		tty_raw(true);
	}
	loop_watch(screen->loop, STDIN_FILENO, POLLIN, stdin_ready, screen);
}

int view_plain(const struct view_options *options)
{
	struct screen screen = { .in_open = true };
	const char *term = getenv("TERM");
	struct buf last = { 0 };
	struct err e = { 0 };
	int code;

	screen.is_tty = isatty(STDIN_FILENO) && tty_save(STDIN_FILENO, &e) == 0;
	screen.loop = loop_new(NULL);
	screen.keys = keys_new();
	keys_reports(screen.keys);
	screen.seen.can = screen.is_tty && isatty(STDOUT_FILENO) && term && term_reports(term);
	screen.plain = plain_new(options->session);
	screen.pump = pump_new(screen.loop, link_new(options->journal, options->session, 0, "plain",
		options->role), item_in, batch_end, &screen);
	watch(&screen);
	if (loop_run(screen.loop, &e) != 0)
		fprintf(stderr, "bellbook: %s\n", e.text);
	plain_leave(screen.plain);
	if (screen.prompted)
		put(&screen, "\n", 1);
	code = plain_end(screen.plain, &last);
	if (screen.is_tty && options->way_back && plain_way_back(screen.plain))
		*options->way_back = json_copy_of(plain_way_back(screen.plain));
	put_prose(&screen, buf_text(&last), last.len);
	if (!screen.out_gone)
		seen_drain(&screen.seen, STDIN_FILENO, time_mono_us());
	tty_restore();
	buf_done(&last);
	buf_done(&screen.script);
	edit_clear(&screen.edit);
	pump_free(screen.pump);
	keys_free(screen.keys);
	plain_free(screen.plain);
	loop_free(screen.loop);
	return code;
}
