/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/time.h"
#include "journal/place.h"
#include "journal/store.h"
#include "session/book.h"
#include "session/server.h"

/* A book and a server on a real store, as a session has them, and views that are plain sockets. */
struct fixture {
	struct loop *loop;
	struct store *store;
	struct book *book;
	struct server *server;
	char *journal;
	struct buf stored;	/* kinds and payloads as they were stored */
	int intents;
};

struct view {
	int fd;
	struct buf in;
	int64_t last, events;
	bool eof;
};

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

static void on_intent(void *arg, struct client *client, const struct json *intent)
{
	struct fixture *f = arg;

	f->intents++;
	server_accept(f->server, client, intent, 0);
}

static void fixture_open(struct fixture *f)
{
	static const struct book_hooks hooks = {.stored = on_stored};
	static const struct server_hooks served = {.hello = on_hello, .intent = on_intent};
	struct event opened = {.kind = EVENT_SESSION_OPENED, .who = "t"};
	struct err e = {0};
	static int n;

	setenv("BELLBOOK_BALLAST", "0", 1);
	f->journal = mem_printf("%s/j%d.db", folder, ++n);
	f->loop = loop_new(NULL);
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
	for (int i = 0; i < 200 && !long_line.eof; i++) {
		view_send(&long_line, line, 65536);
		turn(&f, 1);
		view_read(&long_line);
	}
	assert_true(long_line.eof);
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

static int setup(void **state)
{
	(void)state;
	folder_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove();
	return 0;
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
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
