/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON and the plain view as processes with pipes, attached to a session made of a few lines of C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/proc.h"
#include "journal/store/place.h"
#include "tui/live/view.h"

#define WAIT_MS 20000
#define HELLO "{\"hello\":{\"session\":1,\"who\":\"ruud\",\"uid\":1000,\"role\":\"driver\",\"head\":1,\"v\":1}}\n"
#define OPENED "{\"seq\":1,\"session\":1,\"at\":\"2026-11-21T18:00:00.000000Z\",\"kind\":\"session.opened\",\"v\":1,\"who\":\"ruud\",\"data\":" \
	"{\"runbook\":{\"id\":\"m\",\"title\":\"Migration\",\"digest\":\"0\"},\"tool\":\"t\",\"process\":{\"pid\":1,\"started\":1,\"boot\":\"b\"}," \
	"\"steps\":[{\"id\":\"copy\",\"title\":\"copy\",\"kind\":\"change\"}]}}\n"
#define EVENT(seq, kind, data) "{\"seq\":" #seq ",\"session\":1,\"at\":\"2026-11-21T18:00:01.000000Z\",\"kind\":\"" kind "\",\"v\":1,\"who\":\"ruud\",\"data\":" data "}\n"
#define ASKED(seq) EVENT(seq, "asked", "{\"of\":\"step\",\"text\":\"Go?\",\"type\":\"choice\",\"choices\":[{\"value\":\"go\"},{\"value\":\"abort\",\"why\":true}]}")
#define ANSWERED(seq, of) EVENT(seq, "answered", "{\"seq\":" #of ",\"value\":\"go\"}")
#define CLOSED(seq, outcome) EVENT(seq, "session.closed", "{\"outcome\":\"" outcome "\"}")
#define ACCEPTED "{\"accepted\":{\"do\":\"answer\"}}\n"

struct fake {
	int listen, fd;
	struct buf in;
};

struct world {
	char dir[64];
	char *journal;		/* owned */
	pid_t session;
};

/* ---- the session: straight lines, in a child ---- */

static void fake_accept(struct fake *fake)
{
	struct pollfd wait = { .fd = fake->listen, .events = POLLIN };

	if (poll(&wait, 1, WAIT_MS) != 1)
		_exit(10);
	fake->fd = accept(fake->listen, NULL, NULL);
	buf_clear(&fake->in);
}

/* Next line of the view must hold text. */
static void fake_expect(struct fake *fake, const char *text)
{
	char *stop;

	while (!(stop = fake->in.len ? memchr(fake->in.data, '\n', fake->in.len) : NULL)) {
		struct pollfd wait = { .fd = fake->fd, .events = POLLIN };
		ssize_t n;

		if (poll(&wait, 1, WAIT_MS) != 1)
			_exit(11);
		n = read(fake->fd, buf_room(&fake->in, 4096), 4096);
		if (n <= 0)
			_exit(12);
		buf_added(&fake->in, (size_t)n);
	}
	*stop = '\0';
	if (!strstr(fake->in.data, text)) {
		fprintf(stderr, "the view sent %s, not %s\n", fake->in.data, text);
		_exit(13);
	}
	buf_consume(&fake->in, (size_t)(stop - fake->in.data) + 1);
}

/* True when the view closed the connection and sent nothing before. */
static void fake_expect_end(struct fake *fake)
{
	struct pollfd wait = { .fd = fake->fd, .events = POLLIN };
	char byte;

	if (fake->in.len > 0 || poll(&wait, 1, WAIT_MS) != 1 || read(fake->fd, &byte, 1) != 0)
		_exit(14);
}

static void fake_say(struct fake *fake, const char *lines)
{
	if (write(fake->fd, lines, strlen(lines)) != (ssize_t)strlen(lines))
		_exit(15);
}

static void start_session(struct world *world, void (*play)(struct fake *))
{
	struct err e;
	struct lease *lease;
	int ready[2];
	char byte = 0;

	snprintf(world->dir, sizeof(world->dir), "/tmp/bellbook-view-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	world->journal = mem_printf("%s/journal.db", world->dir);
	assert_int_equal(proc_pipe(ready, &e), 0);
	world->session = fork();
	if (world->session == 0) {
		struct fake fake = { .fd = -1 };

		lease = lease_take(world->journal, 1, NULL, &e);
		fake.listen = lease ? place_listen(world->journal, 1, &e) : -1;
		if (fake.listen < 0 || write(ready[1], "x", 1) != 1)
			_exit(16);
		play(&fake);
		buf_done(&fake.in);
		lease_drop(lease);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

/* The session's part must have gone as written. */
static void end_session(struct world *world)
{
	int status = 0;
	char *command_dir = mem_printf("%s.run", world->journal);
	static const char *const files[] = { "1.sock", "1.lease" };

	assert_int_equal(waitpid(world->session, &status, 0), world->session);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = mem_printf("%s/%s", command_dir, files[i]);

		unlink(path);
		mem_free(path);
	}
	rmdir(command_dir);
	rmdir(world->dir);
	mem_free(command_dir);
	mem_free(world->journal);
	if (status != 0)
		fail_msg("the session ended with %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* ---- the view ---- */

struct view {
	pid_t pid;
	int in, out;
	struct buf said;
};

static void start_view(struct view *view, const struct world *world, int (*run)(const struct view_options *))
{
	int in[2], out[2];
	struct err e;

	*view = (struct view){ 0 };
	assert_int_equal(proc_pipe(in, &e), 0);
	assert_int_equal(proc_pipe(out, &e), 0);
	view->pid = fork();
	if (view->pid == 0) {
		struct view_options options = { .journal = world->journal, .session = 1 };

		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		_exit(run(&options));
	}
	close(in[0]);
	close(out[1]);
	view->in = in[1];
	view->out = out[0];
}

static void say(struct view *view, const char *text)
{
	assert_int_equal(write(view->in, text, strlen(text)), (ssize_t)strlen(text));
}

static void stop_input(struct view *view)
{
	close(view->in);
	view->in = -1;
}

/* Reads until text was said; NULL = until the end. */
static void wait_for(struct view *view, const char *text)
{
	while (!text || !strstr(buf_text(&view->said), text)) {
		struct pollfd wait = { .fd = view->out, .events = POLLIN };
		ssize_t n;

		if (poll(&wait, 1, WAIT_MS) != 1)
			fail_msg("waited for \"%s\" in vain:\n%s", text ? text : "the end", buf_text(&view->said));
		n = read(view->out, buf_room(&view->said, 4096), 4096);
		if (n > 0)
			buf_added(&view->said, (size_t)n);
		else if (text)
			fail_msg("ended without \"%s\":\n%s", text, buf_text(&view->said));
		else
			return;
	}
}

static void end_view(struct view *view, int code)
{
	int status = 0;

	wait_for(view, NULL);
	if (view->in >= 0)
		close(view->in);
	close(view->out);
	assert_int_equal(waitpid(view->pid, &status, 0), view->pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		fail_msg("status %d, not %d:\n%s", status, code, buf_text(&view->said));
	buf_done(&view->said);
}

static void assert_said(const struct view *view, const char *text, bool said)
{
	if ((strstr(buf_text(&view->said), text) != NULL) != said)
		fail_msg("\"%s\" %s:\n%s", text, said ? "is missing" : "is there", buf_text(&view->said));
}

/* ---- JSON ---- */

static void play_drop(struct fake *fake)
{
	fake_accept(fake);
	fake_expect(fake, "\"after\":0,\"do\":\"hello\"");
	fake_say(fake, HELLO OPENED EVENT(2, "said", "{\"text\":\"one\"}"));
	close(fake->fd);
	fake_accept(fake);
	fake_expect(fake, "\"after\":2,");
	fake_say(fake, HELLO CLOSED(3, "ok"));
	fake_expect_end(fake);
}

static void json__goes_on_after_the_last_event_when_the_connection_drops(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_drop);
	start_view(&view, &world, view_json);
	stop_input(&view);
	wait_for(&view, "session.closed");
	assert_said(&view, "{\"lost\":{", true);
	assert_said(&view, "{\"back\":{}}\n", true);
	assert_said(&view, "\"text\":\"one\"", true);
	end_view(&view, VIEW_OK);
	end_session(&world);
}

static void play_lines(struct fake *fake)
{
	fake_accept(fake);
	fake_expect(fake, "hello");
	fake_say(fake, HELLO OPENED);
	fake_expect(fake, "{\"do\":\"note\",\"text\":\"good\"}");
	fake_expect_end(fake);
}

static void json__bad_lines_are_refused_here_and_good_ones_sent(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_lines);
	start_view(&view, &world, view_json);
	wait_for(&view, "session.opened");	/* else the view may have left before the session said a word */
	say(&view, "nonsense\n");
	wait_for(&view, "{\"refused\":{\"why\":");
	say(&view, "[1]\n{\"what\":1,\"id\":7}\n");
	wait_for(&view, "\"id\":7");
	say(&view, "{\"do\":\"note\",\"text\":\"good\"}\n{\"do\":\"leave\"}\n{\"do\":\"abort\"}\n");
	end_view(&view, VIEW_LEFT);
	end_session(&world);
}

static void play_gone(struct fake *fake)
{
	fake_accept(fake);
	fake_expect(fake, "hello");
	fake_say(fake, HELLO OPENED);
}

static void json__says_when_the_process_is_gone(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_gone);
	start_view(&view, &world, view_json);
	wait_for(&view, "{\"gone\":{\"session\":1");
	end_view(&view, VIEW_LEFT);
	end_session(&world);
}

static void play_turn_away(struct fake *fake)
{
	fake_accept(fake);
	fake_expect(fake, "hello");
	fake_say(fake, "{\"refused\":{\"do\":\"hello\",\"why\":\"not in the team\"}}\n");
	fake_expect_end(fake);
}

static void json__does_not_come_again_when_turned_away(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_turn_away);
	start_view(&view, &world, view_json);
	end_view(&view, VIEW_FAILED);
	end_session(&world);
}

/* ---- plain ---- */

static void play_walk(struct fake *fake)
{
	fake_accept(fake);
	fake_expect(fake, "\"view\":\"plain\"");
	fake_say(fake, HELLO OPENED ASKED(2));
	fake_expect(fake, "{\"do\":\"answer\",\"seq\":2,\"value\":\"go\"}");
	fake_say(fake, ACCEPTED ANSWERED(3, 2));
	fake_say(fake, ASKED(4));
	fake_expect(fake, "{\"do\":\"note\",\"text\":\"fine\"}");
	fake_say(fake, "{\"accepted\":{\"do\":\"note\"}}\n");
	fake_expect(fake, "{\"do\":\"answer\",\"seq\":4,\"value\":\"go\"}");
	fake_say(fake, ACCEPTED ANSWERED(5, 4) CLOSED(6, "failed"));
	fake_expect_end(fake);
}

static void plain__script_is_taken_line_by_line_as_it_is_asked(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_walk);
	start_view(&view, &world, view_plain);
	say(&view, "1\nnote fine\ngo\n");
	stop_input(&view);
	wait_for(&view, "closed, outcome failed");
	assert_said(&view, "\033", false);
	end_view(&view, VIEW_FAILED);
	end_session(&world);
}

static void play_wrong(struct fake *fake)
{
	fake_accept(fake);
	fake_expect(fake, "hello");
	fake_say(fake, HELLO OPENED ASKED(2));
	fake_expect_end(fake);
}

static void plain__script_out_of_step_is_dropped(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_wrong);
	start_view(&view, &world, view_plain);
	say(&view, "yes\ngo\ngo\n");
	stop_input(&view);
	wait_for(&view, "Come back with: bellbook attach 1");
	assert_said(&view, "no choice is called \"yes\"", true);
	assert_said(&view, "The lines written ahead are dropped", true);
	end_view(&view, VIEW_LEFT);
	end_session(&world);
}

static void plain__leaves_when_asked_and_nobody_can_answer(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_wrong);
	start_view(&view, &world, view_plain);
	stop_input(&view);
	wait_for(&view, "waits for an answer");
	end_view(&view, VIEW_LEFT);
	end_session(&world);
}

static void plain__hang_up_leaves_at_once(void **state)
{
	struct world world;
	struct view view;

	(void)state;
	start_session(&world, play_wrong);
	start_view(&view, &world, view_plain);
	wait_for(&view, "Question 2");
	assert_int_equal(kill(view.pid, SIGHUP), 0);
	end_view(&view, VIEW_LEFT);
	end_session(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json__goes_on_after_the_last_event_when_the_connection_drops),
		cmocka_unit_test(json__bad_lines_are_refused_here_and_good_ones_sent),
		cmocka_unit_test(json__says_when_the_process_is_gone),
		cmocka_unit_test(json__does_not_come_again_when_turned_away),
		cmocka_unit_test(plain__script_is_taken_line_by_line_as_it_is_asked),
		cmocka_unit_test(plain__script_out_of_step_is_dropped),
		cmocka_unit_test(plain__leaves_when_asked_and_nobody_can_answer),
		cmocka_unit_test(plain__hang_up_leaves_at_once),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
