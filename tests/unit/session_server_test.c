/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/time.h"
#include "journal/store/place.h"
#include "journal/store/store.h"
#include "session/walk/book.h"
#include "session/people/server.h"

/* A book and a server on a real store, as a session has them, and views that are plain sockets. */
struct fixture {
	struct loop *loop;
	struct store *store;
	struct book *book;
	struct server *server;
	char *journal;
	struct buf stored;	/* kinds and payloads as they were stored */
	int intents;
	bool drives;		/* who comes now is the driver's account */
};

struct view {
	int fd;
	struct buf in;
	int64_t last, events;
	char why[300];		/* of the last refusal */
	int refusals;
	bool eof, greeted;
};

static int64_t later_us;	/* what the loop's clock is ahead of the real one */

static int64_t clock_us(void)
{
	return time_mono_us() + later_us;
}

static void on_stored(void *arg, const struct event *ev)
{
	struct fixture *f = arg;

	buf_printf(&f->stored, "%s:", event_type_of(ev->kind)->name);
	buf_append(&f->stored, ev->bytes ? ev->bytes : "", ev->len);
	buf_puts(&f->stored, "\n");
	if (f->server)
		server_tell(f->server, ev);
}

static const char *on_hello(void *arg, struct client *client, const char *role, char **why)
{
	(void)arg;
	(void)client;
	if (!str_is(role, "observer"))
		return "driver";
	*why = mem_strdup("no observers here");
	return NULL;
}

static bool drives(void *arg, const struct client *client, const char *role)
{
	(void)client;
	(void)role;
	return ((struct fixture *)arg)->drives;
}

static void on_intent(void *arg, struct client *client, const struct json *intent)
{
	struct fixture *f = arg;

	f->intents++;
	server_accept(f->server, client, intent, 0);
}

static void fixture_open(struct fixture *f)
{
	static const struct book_hooks hooks = {.stored = on_stored};
	static const struct server_hooks served = {.hello = on_hello, .drives = drives, .intent = on_intent};
	struct event opened = {.kind = EVENT_SESSION_OPENED, .who = "t"};
	struct err e = {0};
	static int n;

	setenv("BELLBOOK_BALLAST", "0", 1);
	f->journal = mem_printf("%s/j%d.db", folder, ++n);
	f->loop = loop_new(clock_us);
	f->store = store_open(f->journal, STORE_WRITE, &e);
	if (!f->store)
		fail_msg("%s", e.text);
	f->book = book_new(f->loop, f->store, &hooks, f);
	book_add(f->book, &opened, 1);
	assert_int_equal(book_drain(f->book), 0);
	f->server = server_new(f->loop, place_listen(f->journal, 1, &e), f->store, 1, &served, f);
}

static void fixture_close(struct fixture *f)
{
	server_free(f->server);
	book_free(f->book);
	store_close(f->store);
	loop_free(f->loop);
	buf_done(&f->stored);
	mem_free(f->journal);
}

static void turn(struct fixture *f, int rounds)
{
	struct err e = {0};

	for (int i = 0; i < rounds; i++)
		assert_int_equal(loop_once(f->loop, 0, &e), 0);
}

static void view_send(struct view *view, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(view->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static struct view view_open(struct fixture *f, const char *hello)
{
	struct view view = {0};
	struct err e = {0};

	view.fd = place_connect(f->journal, 1, &e);
	assert_true(view.fd >= 0);
	view_send(&view, hello, strlen(hello));
	turn(f, 4);
	return view;
}

/* Reads what is there; each event once, in order. */
static void view_read(struct view *view)
{
	char *end;

	for (;;) {
		ssize_t n = recv(view->fd, buf_room(&view->in, 65536), 65536, MSG_DONTWAIT);

		if (n <= 0) {
			view->eof = n == 0 || (errno != EAGAIN && errno != EINTR);
			break;
		}
		buf_added(&view->in, (size_t)n);
	}
	while (view->in.len && (end = memchr(view->in.data, '\n', view->in.len)) != NULL) {
		struct err e = {0};
		struct json *message = json_parse(view->in.data, (size_t)(end - view->in.data), &e);
		int64_t seq = json_int(message, "seq", 0);

		assert_non_null(message);
		assert_true(end - view->in.data < (long)LIMIT_LINE);
		view->greeted = view->greeted || json_at(message, "hello");
		if (json_at(message, "refused")) {
			view->refusals++;
			str_copy(view->why, sizeof(view->why), json_text(json_at(message, "refused"), "why", ""));
		}
		if (seq) {
			assert_int_equal(seq, view->last + 1);
			view->last = seq;
			view->events++;
		}
		json_free(message);
		buf_consume(&view->in, (size_t)(end - view->in.data) + 1);
	}
}

static void view_close(struct view *view)
{
	close(view->fd);
	buf_done(&view->in);
}

static void note(struct fixture *f, const char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .who = "t", .bytes = text, .len = strlen(text)};

	book_add(f->book, &ev, 1);
}

static const struct book_call call = {.step = "a", .attempt = 1, .call = "1", .host = "h"};

static void book__stores_output_before_what_is_added_later(void **state)
{
	struct fixture f = {0};

	(void)state;
	fixture_open(&f);
	book_output(f.book, &call, "out", "one", 3);
	note(&f, "between");
	book_output(f.book, &call, "out", "two", 3);
	book_output_end(f.book, &call, true);
	note(&f, "end");
	assert_int_equal(book_drain(f.book), 0);
	assert_string_equal(buf_text(&f.stored), "session.opened:\ncall.output:one\nnote:between\ncall.output:two\nnote:end\n");
	fixture_close(&f);
}

static void book__redacts_over_chunk_borders(void **state)
{
	struct fixture f = {0};
	struct err e = {0};
	struct secret *secret = secret_new("PW", "hunter2hunter2", 14, &e);
	const char *text = "ab hunter2hunter2 cd";

	(void)state;
	fixture_open(&f);
	book_secret(f.book, secret);
	for (size_t i = 0; i < strlen(text); i++) {
		book_output(f.book, &call, "out", text + i, 1);
		assert_int_equal(book_drain(f.book), 0);
	}
	assert_true(book_output_offset(f.book, &call, "out") <= (int64_t)strlen(text));
	note(&f, "it was hunter2hunter2");
	book_output(f.book, &call, "out", " hunter2", 8);
	book_output_end(f.book, &call, true);
	assert_int_equal(book_drain(f.book), 0);
	assert_null(strstr(buf_text(&f.stored), "hunter2h"));
	assert_contains(buf_text(&f.stored), "note:it was [secret PW]");
	secret_free(secret);
	fixture_close(&f);
}

static void book__keeps_the_offset_of_what_is_stored(void **state)
{
	struct fixture f = {0};
	struct err e = {0};
	struct secret *secret = secret_new("PW", "hunter2hunter2", 14, &e);

	(void)state;
	fixture_open(&f);
	book_secret(f.book, secret);
	book_output(f.book, &call, "out", "abc hunter2", 11);
	assert_int_equal(book_output_offset(f.book, &call, "out"), 4);
	book_set_output_offset(f.book, &call, "out", 4);
	book_output(f.book, &call, "out", "hunter2hunter2!", 15);
	book_output_end(f.book, &call, true);
	assert_int_equal(book_drain(f.book), 0);
	assert_string_equal(buf_text(&f.stored), "session.opened:\ncall.output:abc \ncall.output:[secret PW]!\n");
	secret_free(secret);
	fixture_close(&f);
}

static void server__feeds_each_view_once_and_in_order_also_the_slow_one(void **state)
{
	struct fixture f = {0};
	struct view fast, slow, late;
	char *text = mem_alloc(4001);

	(void)state;
	memset(text, 'x', 4000);
	fixture_open(&f);
	fast = view_open(&f, "{\"do\":\"hello\",\"after\":0}\n");
	slow = view_open(&f, "{\"do\":\"hello\",\"after\":0}\n");
	for (int i = 0; i < 1000; i++) {
		note(&f, text);
		assert_int_equal(book_drain(f.book), 0);
		turn(&f, 1);
		view_read(&fast);
	}
	for (int i = 0; i < 100 && fast.last < 1001; i++) {
		turn(&f, 1);
		view_read(&fast);
	}
	assert_int_equal(fast.last, 1001);
	late = view_open(&f, "{\"do\":\"hello\",\"after\":0}\n");
	for (int i = 0; i < 2000 && (slow.last < 1001 || late.last < 1001); i++) {
		turn(&f, 1);
		view_read(&slow);
		view_read(&late);
	}
	assert_int_equal(slow.events, 1001);
	assert_int_equal(late.events, 1001);
	turn(&f, 2);
	assert_true(server_is_idle(f.server));
	view_close(&fast);
	view_close(&slow);
	view_close(&late);
	turn(&f, 3);
	assert_null(server_next(f.server, NULL));
	mem_free(text);
	fixture_close(&f);
}

static void server__goes_on_after_the_last_event_that_a_view_has(void **state)
{
	struct fixture f = {0};
	struct view view;

	(void)state;
	fixture_open(&f);
	note(&f, "two");
	note(&f, "three");
	assert_int_equal(book_drain(f.book), 0);
	view = view_open(&f, "{\"do\":\"hello\",\"after\":2}\n");
	view.last = 2;
	view_read(&view);
	assert_int_equal(view.last, 3);
	assert_int_equal(view.events, 1);
	view_close(&view);
	fixture_close(&f);
}

static void server__refuses_garbage_and_serves_the_others(void **state)
{
	struct fixture f = {0};
	struct view good, bad, long_line, old, observer, rude;
	char *line = mem_alloc(2 << 20);

	(void)state;
	fixture_open(&f);
	good = view_open(&f, "{\"do\":\"hello\"}\n");
	rude = view_open(&f, "{\"do\":\"answer\",\"seq\":1}\n");
	view_read(&rude);
	assert_true(rude.eof);
	bad = view_open(&f, "{\"do\":\"hello\"}\n{{{\n[1]\n\n\"x\"\n\377\376\n{\"do\":\"hello\"}\n");
	turn(&f, 4);
	view_read(&bad);
	assert_false(bad.eof);
	assert_int_equal(f.intents, 1);
	old = view_open(&f, "{\"do\":\"hello\",\"v\":2}\n");
	observer = view_open(&f, "{\"do\":\"hello\",\"role\":\"observer\"}\n");
	turn(&f, 2);
	view_read(&old);
	view_read(&observer);
	assert_true(old.eof && observer.eof);
	long_line = view_open(&f, "{\"do\":\"hello\"}\n");
	memset(line, 'x', 2 << 20);
	for (int i = 0; i < 200; i++) {
		view_send(&long_line, line, 65536);
		turn(&f, 1);
		view_read(&long_line);
	}
	assert_false(long_line.eof);
	assert_int_equal(long_line.refusals, 1);
	assert_contains(long_line.why, "a line of more than");
	view_send(&long_line, "\n{\"do\":\"say\"}\n", 15);
	turn(&f, 4);
	assert_int_equal(f.intents, 2);
	note(&f, "still here");
	assert_int_equal(book_drain(f.book), 0);
	turn(&f, 2);
	view_read(&good);
	assert_int_equal(good.last, 2);
	view_close(&good);
	view_close(&bad);
	view_close(&long_line);
	view_close(&old);
	view_close(&observer);
	view_close(&rude);
	mem_free(line);
	fixture_close(&f);
}

static void server__bounds_a_view_that_asks_and_does_not_read(void **state)
{
	struct fixture f = {0};
	struct view view;
	struct buf many = {0};

	(void)state;
	fixture_open(&f);
	view = view_open(&f, "{\"do\":\"hello\"}\n");
	for (int i = 0; i < 200; i++)
		buf_puts(&many, "{\"do\":\"x\",\"id\":\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"}\n");
	for (int i = 0; i < 5000 && server_next(f.server, NULL); i++) {
		view_send(&view, many.data, many.len);
		turn(&f, 1);
	}
	assert_null(server_next(f.server, NULL));
	buf_done(&many);
	view_close(&view);
	fixture_close(&f);
}

/* ---- sizes ---- */

static char *repeated(const char *piece, size_t times)
{
	struct buf text = {0};

	for (size_t i = 0; i < times; i++)
		buf_puts(&text, piece);
	return buf_take(&text);
}

static void view_until(struct fixture *f, struct view *view, int64_t last)
{
	for (int i = 0; i < 1000 && view->last < last; i++) {
		turn(f, 1);
		view_read(view);
	}
	assert_int_equal(view->last, last);
}

static void server__a_text_of_any_size_ends_no_view(void **state)
{
	static const char *const pieces[] = {"x", "\x01", "\x7f", "\xe2\x80\xae"};
	static const size_t sizes[] = {LIMIT_TEXT, LIMIT_TEXT + 1, LIMIT_LINE - 100, LIMIT_LINE, 3 * LIMIT_LINE};
	struct fixture f = {0};
	struct view there, late;
	int64_t seq = 1;

	(void)state;
	fixture_open(&f);
	there = view_open(&f, "{\"do\":\"hello\"}\n");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			char *text = repeated(pieces[i], sizes[k]);

			note(&f, text);
			assert_int_equal(book_drain(f.book), 0);
			mem_free(text);
			view_until(&f, &there, ++seq);
		}
	late = view_open(&f, "{\"do\":\"hello\"}\n");
	view_until(&f, &late, seq);
	assert_false(there.eof || late.eof);
	view_close(&there);
	view_close(&late);
	fixture_close(&f);
}

/* Sends {"do":"say",name:text} and gives the number of intents that came through. */
static int say(struct fixture *f, struct view *view, const char *name, struct json *value)
{
	struct json *intent = json_new_object();
	int before = f->intents;
	struct buf line = {0};
	size_t done = 0;
	char *text;

	json_set_text(intent, "do", "say");
	json_put(intent, name, value);
	text = json_print(intent);
	buf_printf(&line, "%s\n", text);
	view->why[0] = '\0';
	while (done < line.len) {
		ssize_t n = send(view->fd, line.data + done, line.len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		done += n > 0 ? (size_t)n : 0;
		turn(f, 1);
		view_read(view);
	}
	turn(f, 2);
	view_read(view);
	buf_done(&line);
	mem_free(text);
	json_free(intent);
	return f->intents - before;
}

static struct json *text_of(const char *piece, size_t times)
{
	char *text = repeated(piece, times);
	struct json *value = json_new_text(text, strlen(text));

	mem_free(text);
	return value;
}

static struct json *nested(int depth)
{
	struct json *value = json_new_int(1);

	while (depth-- > 0) {
		struct json *outer = json_new_array();

		json_add(outer, value);
		value = outer;
	}
	return value;
}

static void server__what_is_too_large_is_refused_with_size_and_limit(void **state)
{
	static const struct { const char *name; size_t max; } cases[] = {
		{"text", LIMIT_TEXT}, {"why", LIMIT_TEXT}, {"value", LIMIT_TEXT}, {"owner", LIMIT_TEXT}, {"to", LIMIT_TEXT}, {"cmd", LIMIT_TEXT}, {"view", LIMIT_NAME},
		{"id", LIMIT_TAG}, {"unheard of", LIMIT_TEXT},
	};
	struct fixture f = {0};
	struct view view;

	(void)state;
	fixture_open(&f);
	view = view_open(&f, "{\"do\":\"hello\"}\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* A control byte is six in the line, and counts as one. */
		const char *piece = LIMIT_GROWTH * cases[i].max < LIMIT_LINE ? "\x01" : "x";

		assert_int_equal(say(&f, &view, cases[i].name, text_of(piece, cases[i].max - 1)), 1);
		assert_int_equal(say(&f, &view, cases[i].name, text_of(piece, cases[i].max)), 1);
		assert_string_equal(view.why, "");
		assert_int_equal(say(&f, &view, cases[i].name, text_of(piece, cases[i].max + 1)), 0);
		assert_contains(view.why, cases[i].name);
		assert_contains(view.why, "bytes long, and at most");
	}
	assert_int_equal(say(&f, &view, "text", text_of("x", LIMIT_LINE)), 0);
	assert_contains(view.why, "a line of more than");
	assert_int_equal(say(&f, &view, "value", nested(LIMIT_DEPTH - 1)), 1);
	assert_int_equal(say(&f, &view, "value", nested(LIMIT_DEPTH)), 0);
	assert_contains(view.why, "brackets");
	assert_int_equal(say(&f, &view, "id", nested(60)), 0);
	assert_contains(view.why, "brackets");
	assert_false(view.eof);
	view_close(&view);
	fixture_close(&f);
}

/* ---- who is let in ---- */

static void server__silence_is_sent_away_with_words(void **state)
{
	struct fixture f = {0};
	struct view silent, half, there;

	(void)state;
	fixture_open(&f);
	there = view_open(&f, "{\"do\":\"hello\"}\n");
	silent = view_open(&f, "");
	half = view_open(&f, "{\"do\":");
	later_us += 9 * TIME_SECOND;
	turn(&f, 3);
	view_read(&silent);
	assert_false(silent.eof);
	later_us += 2 * TIME_SECOND;
	turn(&f, 3);
	view_read(&silent);
	view_read(&half);
	view_read(&there);
	assert_true(silent.eof && half.eof);
	assert_contains(silent.why, "no hello came");
	assert_false(there.eof);
	view_close(&silent);
	view_close(&half);
	view_close(&there);
	fixture_close(&f);
}

static void server__silent_connections_keep_nobody_out(void **state)
{
	struct fixture f = {0};
	struct view silent[200], view;

	(void)state;
	fixture_open(&f);
	for (size_t i = 0; i < 200; i++)
		silent[i] = view_open(&f, "");
	view = view_open(&f, "{\"do\":\"hello\"}\n");
	view_until(&f, &view, 1);
	view_read(&silent[0]);
	assert_true(silent[0].eof);
	assert_contains(silent[0].why, "too many connections");
	for (size_t i = 0; i < 200; i++)
		view_close(&silent[i]);
	view_close(&view);
	fixture_close(&f);
}

static void server__too_many_views_of_one_account_are_called_that(void **state)
{
	struct fixture f = {0};
	struct view views[100], again;
	size_t n = 0;

	(void)state;
	fixture_open(&f);
	f.drives = true;
	do {
		assert_true(n < 100);
		views[n] = view_open(&f, "{\"do\":\"hello\"}\n");
		view_read(&views[n]);
	} while (views[n++].greeted);
	assert_true(n > 2);
	assert_true(views[n - 1].eof);
	assert_contains(views[n - 1].why, "too many views");
	assert_contains(views[n - 1].why, "close one of them first");
	view_close(&views[0]);
	turn(&f, 3);
	again = view_open(&f, "{\"do\":\"hello\"}\n");
	view_read(&again);
	assert_true(again.greeted);
	view_close(&again);
	for (size_t i = 1; i < n; i++)
		view_close(&views[i]);
	fixture_close(&f);
}

static int connect_to(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(str_copy(to.sun_path, sizeof(to.sun_path), path));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Views of two other accounts fill the session; the driver still comes in, and once. */
static void server__a_place_is_kept_for_the_driver(void **state)
{
	struct fixture f = {0};
	struct view views[200], driver;
	struct err e = {0};
	char *run, *sock;
	size_t n = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	fixture_open(&f);
	run = place_run_dir(f.journal, &e);
	sock = mem_printf("%s/1.sock", run);
	assert_int_equal(chmod(folder, 0711), 0);
	assert_int_equal(chmod(run, 0711), 0);
	assert_int_equal(chmod(sock, 0666), 0);
	for (uid_t uid = 60001; uid <= 60002; uid++)
		do {
			assert_true(n < 200);
			assert_int_equal(seteuid(uid), 0);
			views[n] = (struct view){.fd = connect_to(sock)};
			assert_int_equal(seteuid(0), 0);
			assert_true(views[n].fd >= 0);
			view_send(&views[n], "{\"do\":\"hello\"}\n", 15);
			turn(&f, 4);
			view_read(&views[n]);
		} while (views[n++].greeted);
	assert_int_equal(chmod(run, 0700), 0);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_contains(views[n - 1].why, "one of them the driver's");
	f.drives = true;
	driver = view_open(&f, "{\"do\":\"hello\"}\n");
	view_read(&driver);
	assert_true(driver.greeted);
	view_close(&driver);
	mem_free(sock);
	mem_free(run);
	for (size_t i = 0; i < n; i++)
		view_close(&views[i]);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(book__stores_output_before_what_is_added_later),
		cmocka_unit_test(book__redacts_over_chunk_borders),
		cmocka_unit_test(book__keeps_the_offset_of_what_is_stored),
		cmocka_unit_test(server__feeds_each_view_once_and_in_order_also_the_slow_one),
		cmocka_unit_test(server__goes_on_after_the_last_event_that_a_view_has),
		cmocka_unit_test(server__refuses_garbage_and_serves_the_others),
		cmocka_unit_test(server__bounds_a_view_that_asks_and_does_not_read),
		cmocka_unit_test(server__a_text_of_any_size_ends_no_view),
		cmocka_unit_test(server__what_is_too_large_is_refused_with_size_and_limit),
		cmocka_unit_test(server__silence_is_sent_away_with_words),
		cmocka_unit_test(server__silent_connections_keep_nobody_out),
		cmocka_unit_test(server__too_many_views_of_one_account_are_called_that),
		cmocka_unit_test(server__a_place_is_kept_for_the_driver),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
