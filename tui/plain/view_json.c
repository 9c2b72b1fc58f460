/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON view: what the session tells goes to stdout, one object a line, what comes on stdin goes to the
 * session. Lines of its own: {"lost":{"why"}} {"back":{}} {"gone":{"session","why"}} {"refused":{"why"}}.
 * stdin is read only while the connection is up, so that no line is lost to a reconnection.
 */
#include "tui/live/view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "tui/live/ending.h"
#include "tui/part/pump.h"

struct json_view {
	struct loop *loop;
	struct pump *pump;
	int64_t session;
	struct buf in;
	struct buf line;	/* being printed */
	bool in_long;		/* inside a line that was too long: drop up to its end */
	bool in_open, watching;
	enum ending ending;
	bool closing;		/* session.closed was seen: end when nothing more is there */
	char *outcome;		/* owned */
};

static void end(struct json_view *view, enum ending ending)
{
	if (view->ending == ENDING_NONE)
		view->ending = ending;
	loop_stop(view->loop);
}

/* Prints the line in view->line; a reader that is gone ends the view. */
static void print_line(struct json_view *view)
{
	const char *text = buf_text(&view->line);
	size_t at = 0;

	while (at < view->line.len && view->ending == ENDING_NONE) {
		ssize_t n = write(STDOUT_FILENO, text + at, view->line.len - at);

		if (n > 0) {
			at += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&out, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			end(view, ENDING_LEFT);
		}
	}
	buf_clear(&view->line);
}

/* Prints one object. Takes value. */
static void print(struct json_view *view, struct json *value)
{
	char *text = json_print(value);

	buf_puts(&view->line, text);
	buf_putc(&view->line, '\n');
	print_line(view);
	mem_free(text);
	json_free(value);
}

static void print_named(struct json_view *view, const char *name, const char *why)
{
	struct json *line = json_new_object(), *inside = json_new_object();

	if (str_is(name, "gone"))
		json_set_int(inside, "session", view->session);
	if (why && *why)
		json_set_text(inside, "why", why);
	json_put(line, name, inside);
	print(view, line);
}

static void refuse(struct json_view *view, const struct json *intent, const char *why)
{
	struct json *line = json_new_object(), *inside = json_new_object();

	json_set_text(inside, "do", json_text(intent, "do", NULL));
	json_set_text(inside, "why", why);
	if (json_at(intent, "id"))
		json_put(inside, "id", json_copy_of(json_at(intent, "id")));
	json_put(line, "refused", inside);
	print(view, line);
}

static void line_in(struct json_view *view, const char *text, size_t len)
{
	struct err e = { 0 };
	struct json *intent;

	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (len == 0)
		return;
	intent = json_parse(text, len, &e);
	if (intent && json_type_of(intent) != JSON_IS_OBJECT)
		err_set(&e, ERR_USAGE, "a line must be one JSON object");
	else if (intent && !json_text(intent, "do", NULL))
		err_set(&e, ERR_USAGE, "the object has no \"do\"");
	if (e.kind == ERR_NONE && str_is(json_text(intent, "do", ""), "leave"))
		end(view, ENDING_LEFT);
	else if (e.kind != ERR_NONE || pump_send(view->pump, intent, &e) != 0)
		refuse(view, intent, e.text);
	json_free(intent);
}

static void lines_in(struct json_view *view)
{
	char *stop;

	while (view->ending == ENDING_NONE && view->in.len > 0
		&& (stop = memchr(view->in.data, '\n', view->in.len)) != NULL) {
		size_t len = (size_t)(stop - view->in.data);

		if (!view->in_long)
			line_in(view, view->in.data, len);
		view->in_long = false;
		buf_consume(&view->in, len + 1);
	}
	if (view->in.len > LIMIT_LINE) {
		if (!view->in_long)
			refuse(view, NULL, "a line is too long: nothing of it was sent");
		view->in_long = true;
		buf_clear(&view->in);
	}
}

static void stdin_ready(void *arg, int fd, short events)
{
	struct json_view *view = arg;
	char *room = buf_room(&view->in, 65536);
	ssize_t n = read(fd, room, 65536);

	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		buf_added(&view->in, (size_t)n);
		lines_in(view);
		return;
	}
	if (view->in.len > 0 && !view->in_long)
		line_in(view, view->in.data, view->in.len);
	loop_unwatch(view->loop, fd);
	view->in_open = view->watching = false;
}

static void watch_stdin(struct json_view *view)
{
	bool want = view->in_open && pump_is_up(view->pump);

	if (want && !view->watching)
		loop_watch(view->loop, STDIN_FILENO, POLLIN, stdin_ready, view);
	if (!want && view->watching)
		loop_unwatch(view->loop, STDIN_FILENO);
	view->watching = want;
}

static void take_event(struct json_view *view, const struct event *ev)
{
	struct err e;

	event_tell(ev, &view->line);
	buf_putc(&view->line, '\n');
	print_line(view);
	if (ev->kind != EVENT_SESSION_CLOSED)
		return;
	struct json *data = ev->data ? json_parse(ev->data, strlen(ev->data), &e) : NULL;

	mem_set(&view->outcome, json_text(data, "outcome", ""));
	view->closing = true;
	json_free(data);
}

static void take_reply(struct json_view *view, const struct json *reply)
{
	print(view, json_copy_of(reply));
	if (str_is(json_text(json_at(reply, "refused"), "do", ""), "hello"))
		end(view, ENDING_REFUSED);
}

static void item_in(void *arg, enum link_item item, const struct event *ev, const struct json *reply,
	const char *why)
{
	struct json_view *view = arg;

	if (item == LINK_EVENT)
		take_event(view, ev);
	else if (item == LINK_REPLY)
		take_reply(view, reply);
	else if ((item == LINK_LOST || item == LINK_HALTED) && !view->closing)
		print_named(view, "lost", why);
	else if (item == LINK_BACK)
		print_named(view, "back", NULL);
	else if (item == LINK_GONE && !view->closing) {
		print_named(view, "gone", why && *why ? why : "no process carries the session");
		end(view, ENDING_GONE);
	}
}

static void batch_end(void *arg)
{
	struct json_view *view = arg;

	if (view->closing)
		end(view, ENDING_CLOSED);
	if (view->ending == ENDING_NONE)
		watch_stdin(view);
}

static void signal_in(void *arg, int signo)
{
	(void)signo;
	end(arg, ENDING_LEFT);
}

int view_json(const struct view_options *options)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct json_view view = { .session = options->session, .in_open = true };
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	view.loop = loop_new(NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		loop_signal(view.loop, signals[i], signal_in, &view, &e);
	view.pump = pump_new(view.loop, link_new(options->journal, options->session, options->after,
		"json", options->role), item_in, batch_end, &view);
	if (loop_run(view.loop, &e) != 0)
		fprintf(stderr, "bellbook: %s\n", e.text);
	int code = view.ending == ENDING_NONE ? VIEW_FAILED : (int)ending_exit(view.ending, view.outcome);

	pump_free(view.pump);
	loop_free(view.loop);
	buf_done(&view.in);
	buf_done(&view.line);
	mem_free(view.outcome);
	return code;
}
