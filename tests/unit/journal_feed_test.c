/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/proc.h"
#include "base/str.h"
#include "journal/store/place.h"
#include "journal/store/store.h"
#include "journal_story.h"

#define MIB ((size_t)1 << 20)

/* A journal in a directory of its own, and a server for session 1 in this very process. */
struct world {
	char dir[40];
	char *journal;
	int listener, peer;	/* peer: the server's end of the view's connection */
	struct feed *feed;
	struct buf out;		/* what the server has yet to write */
};

static int set_up(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));

	str_copy(world->dir, sizeof(world->dir), "/tmp/feed-test-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	world->journal = mem_printf("%s/journal.db", world->dir);
	world->listener = world->peer = -1;
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	const char *const argv[] = { "rm", "-rf", world->dir, NULL };
	struct proc_spawn spawn = { .argv = argv, .in = -1, .out = -1, .err = -1 };
	struct err e = {0};

	feed_close(world->feed);
	if (world->peer >= 0)
		close(world->peer);
	if (world->listener >= 0)
		close(world->listener);
	buf_done(&world->out);
	assert_int_equal(proc_wait(proc_start(&spawn, &e)), 0);
	mem_free(world->journal);
	mem_free(world);
	return 0;
}

static void listen_here(struct world *world)
{
	struct err e = {0};
	struct store *store = store_open(world->journal, STORE_WRITE, &e);

	/* The run directory is made beside a journal that is there. */
	assert_non_null(store);
	store_close(store);
	world->listener = place_listen(world->journal, 1, &e);
	assert_true(world->listener >= 0);
}

static void attach(struct world *world, int64_t after)
{
	struct err e = {0};

	world->feed = feed_live(world->journal, 1, after, "plain", "driver", &e);
	assert_non_null(world->feed);
	/* The listener need not be blocking. */
	assert_int_equal(poll(&(struct pollfd){ .fd = world->listener, .events = POLLIN }, 1, 600000), 1);
	world->peer = accept(world->listener, NULL, NULL);
	assert_true(world->peer >= 0);
	assert_int_equal(proc_nonblock(world->peer, true, &e), 0);
}

static void serve(struct world *world, const char *text)
{
	buf_puts(&world->out, text);
}

/* Writes at most limit bytes of what waits; true when something was left. */
static bool pump(struct world *world, size_t limit)
{
	size_t len = world->out.len < limit ? world->out.len : limit;
	ssize_t put = len > 0 ? send(world->peer, world->out.data, len, MSG_NOSIGNAL) : 0;

	assert_true(put >= 0 || errno == EAGAIN);
	if (put > 0)
		buf_consume(&world->out, (size_t)put);
	return world->out.len > 0;
}

static void hang_up(struct world *world)
{
	while (pump(world, MIB))
		assert_int_equal(poll(&(struct pollfd){ .fd = world->peer, .events = POLLOUT }, 1, 600000), 1);
	close(world->peer);
	world->peer = -1;
}

/* What the view sent so far. Caller owns. */
static char *heard(struct world *world)
{
	struct buf in = {0};
	ssize_t got;

	while ((got = recv(world->peer, buf_room(&in, 4096), 4096, 0)) > 0)
		buf_added(&in, (size_t)got);
	return buf_take(&in);
}

/* The next thing that is no FEED_NONE; the server writes step bytes at a time meanwhile. */
static enum feed_item wait_item(struct world *world, size_t step, struct event *ev, const struct json **reply, struct err *e)
{
	for (;;) {
		enum feed_item item;
		bool more = world->peer >= 0 && pump(world, step);
		bool wants_write;

		item = feed_next(world->feed, ev, reply, e);
		if (item != FEED_NONE)
			return item;
		if (!more) {
			struct pollfd ready = { .fd = feed_fd(world->feed, &wants_write), .events = POLLIN };

			assert_int_equal(poll(&ready, 1, 600000), 1);
		}
	}
}

static void assert_event(struct world *world, size_t step, int64_t seq)
{
	const struct json *reply;
	struct event ev;
	struct err e = {0};

	assert_int_equal(wait_item(world, step, &ev, &reply, &e), FEED_EVENT);
	assert_int_equal(ev.seq, seq);
	assert_int_equal(feed_last(world->feed), seq);
}

static void assert_item(struct world *world, enum feed_item item)
{
	const struct json *reply;
	struct event ev;
	struct err e = {0};

	assert_int_equal(wait_item(world, MIB, &ev, &reply, &e), item);
	if (item == FEED_ERROR)
		assert_int_equal(e.kind, ERR_CORRUPT);
}

/* The story as the session tells it. */
static void story_lines(struct buf *out, size_t from, size_t to)
{
	struct arena *arena = arena_new();

	for (size_t i = from; i < to; i++) {
		struct event ev = story_event(arena, i);
		struct json *value = event_to_json(&ev, false);
		char *text = json_print(value);

		buf_printf(out, "%s\n", text);
		mem_free(text);
		json_free(value);
	}
	arena_free(arena);
}

/* Everything a feed gives, as lines, and the model it folds to; clocks and hashes that only the store has are left out. */
static char *drain(struct world *world, struct feed *feed, char **dump)
{
	struct model *model = model_new();
	const struct json *reply;
	struct buf lines = {0};
	struct event ev;
	struct err e = {0};
	enum feed_item item;

	while ((item = world ? wait_item(world, 1000, &ev, &reply, &e) : feed_next(feed, &ev, &reply, &e)) == FEED_EVENT) {
		struct json *value = event_to_json(&ev, false);
		char *text = json_print(value);

		buf_printf(&lines, "%s\n", text);
		model_apply(model, &ev);
		mem_free(text);
		json_free(value);
		if (world && world->out.len == 0 && world->peer >= 0)
			hang_up(world);
	}
	assert_int_equal(item, FEED_END);
	*dump = story_dump(model);
	model_free(model);
	return buf_take(&lines);
}

static void feed_memory__gives_events_then_end(void **state)
{
	struct buf lines = {0};
	struct feed *feed;
	char *seen, *dump;
	bool wants_write = true;

	(void)state;
	story_lines(&lines, 0, STORY_COUNT);
	feed = feed_memory(lines.data, lines.len);
	assert_int_equal(feed_fd(feed, &wants_write), -1);
	assert_false(wants_write);
	seen = drain(NULL, feed, &dump);
	assert_string_equal(seen, buf_text(&lines));
	assert_int_equal(feed_last(feed), STORY_COUNT);
	feed_close(feed);
	mem_free(seen);
	mem_free(dump);
	buf_done(&lines);
}

static void feed_memory__garbage_is_told_and_the_rest_is_read(void **state)
{
	static const char text[] = "{\"seq\":1,\"session\":1,\"kind\":\"note\"}\n\n \t\r\nwhat?\n[1]\n"
		"{\"seq\":-4,\"kind\":\"note\"}\n{\"seq\":2,\"session\":1,\"kind\":\"from.the.future\"}\n"
		"{\"presence\":[]}\n{\"seq\":1,\"kind\":\"note\"}\n{\"seq\":3,\"kind\":\"note\"}";
	static const enum feed_item wanted[] = { FEED_EVENT, FEED_ERROR, FEED_ERROR, FEED_ERROR, FEED_EVENT, FEED_REPLY,
						 FEED_EVENT, FEED_END, FEED_END };
	struct feed *feed = feed_memory(text, sizeof(text) - 1);
	const struct json *reply = NULL;
	struct event ev;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_int_equal(feed_next(feed, &ev, &reply, &e), wanted[i]);
		if (wanted[i] == FEED_REPLY)
			assert_int_equal(json_type_of(json_at(reply, "presence")), JSON_IS_ARRAY);
	}
	assert_int_equal(feed_last(feed), 3);
	feed_close(feed);
}

static void feed_memory__takes_no_orders(void **state)
{
	struct feed *feed = feed_memory("", 0);
	struct json *intent = json_new_object();
	struct err e = {0};

	(void)state;
	assert_int_equal(feed_send(feed, intent, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	json_free(intent);
	feed_close(feed);
}

static void feed_live__nobody_there_is_not_found(void **state)
{
	struct world *world = *state;
	struct err e = {0};

	assert_null(feed_live(world->journal, 1, 0, "plain", "driver", &e));
	assert_int_equal(e.kind, ERR_NOTFOUND);
}

static void feed_live__says_hello_with_its_last_seq(void **state)
{
	struct world *world = *state;
	char *text;

	listen_here(world);
	attach(world, 17);
	text = heard(world);
	assert_string_equal(text, "{\"after\":17,\"do\":\"hello\",\"role\":\"driver\",\"v\":1,\"view\":\"plain\"}\n");
	assert_int_equal(feed_last(world->feed), 17);
	mem_free(text);
}

static void feed_live__gives_replies_and_events_in_order(void **state)
{
	struct world *world = *state;
	const struct json *reply;
	struct event ev;
	struct err e = {0};

	listen_here(world);
	attach(world, 0);
	assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_NONE);
	serve(world, "{\"hello\":{\"head\":2,\"session\":1}}\n{\"seq\":1,\"session\":1,\"kind\":\"note\",\"text\":\"hi\"}\n"
	      "{\"seq\":1,\"session\":1,\"kind\":\"note\"}\n{\"seq\":2,\"session\":1,\"kind\":\"said\"}\n");
	assert_int_equal(wait_item(world, MIB, &ev, &reply, &e), FEED_REPLY);
	assert_int_equal(json_int(json_at(reply, "hello"), "head", 0), 2);
	assert_int_equal(wait_item(world, MIB, &ev, &reply, &e), FEED_EVENT);
	assert_int_equal(ev.len, 2);
	assert_memory_equal(ev.bytes, "hi", 2);
	assert_event(world, MIB, 2);
	assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_NONE);
}

static void feed_live__slow_writer_gives_whole_lines_only(void **state)
{
	struct world *world = *state;

	listen_here(world);
	attach(world, 0);
	serve(world, "{\"seq\":1,\"session\":1,\"kind\":\"note\"}\n\n{\"seq\":2,\"session\":1,\"kind\":\"note\"}\n");
	assert_event(world, 1, 1);
	assert_event(world, 1, 2);
}

static void feed_live__reconnects_after_a_cut_line(void **state)
{
	struct world *world = *state;
	char *text;

	listen_here(world);
	attach(world, 0);
	serve(world, "{\"seq\":1,\"session\":1,\"kind\":\"note\"}\n{\"seq\":2,\"session\":1,\"kind\":\"no");
	hang_up(world);
	assert_event(world, MIB, 1);
	assert_item(world, FEED_END);
	assert_item(world, FEED_END);
	feed_close(world->feed);
	attach(world, 1);
	text = heard(world);
	assert_true(str_starts(text, "{\"after\":1,"));
	mem_free(text);
	serve(world, "{\"seq\":2,\"session\":1,\"kind\":\"note\"}\n");
	assert_event(world, MIB, 2);
}

/* The next item tells of a line that cannot be read. */
static void assert_skipped(struct world *world, const char *beginning)
{
	const struct json *reply = NULL;
	struct event ev;
	struct err e = {0};

	assert_int_equal(wait_item(world, MIB, &ev, &reply, &e), FEED_REPLY);
	assert_non_null(json_text(json_at(reply, "skipped"), "why", NULL));
	assert_true(str_starts(json_text(json_at(reply, "skipped"), "text", ""), beginning));
	assert_true(strlen(json_text(json_at(reply, "skipped"), "text", "")) <= LIMIT_BEGINNING);
}

static void feed_live__garbage_lines_are_told_one_by_one(void **state)
{
	struct world *world = *state;

	listen_here(world);
	attach(world, 0);
	serve(world, "GET / HTTP/1.1\r\n\x1b[2J\xff\xfe\n{\"kind\":7}\n{\"seq\":5,\"session\":1,\"kind\":\"note\"}\n");
	assert_skipped(world, "GET / HTTP/1.1");
	assert_skipped(world, "\x1b[2J");
	assert_skipped(world, "{\"kind\":7}");
	assert_event(world, MIB, 5);
}

static void feed_live__silent_end_is_told_at_once(void **state)
{
	struct world *world = *state;
	const struct json *reply;
	struct event ev;
	struct err e = {0};

	listen_here(world);
	attach(world, 0);
	mem_free(heard(world));
	hang_up(world);
	assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_END);
}

/* A line with a newline that has just len bytes. */
static void long_line(struct buf *out, int64_t seq, size_t len)
{
	size_t start = out->len;

	buf_printf(out, "{\"seq\":%lld,\"session\":1,\"kind\":\"note\",\"text\":\"", (long long)seq);
	while (out->len - start < len - 3)
		buf_putc(out, 'x');
	buf_puts(out, "\"}\n");
}

static void feed_live__longest_line_of_a_session_passes(void **state)
{
	struct world *world = *state;

	listen_here(world);
	attach(world, 0);
	long_line(&world->out, 1, LIMIT_LINE);
	long_line(&world->out, 2, LIMIT_LINE);
	assert_event(world, MIB, 1);
	assert_event(world, MIB, 2);
}

static void feed_live__longer_line_of_an_older_session_is_read_too(void **state)
{
	struct world *world = *state;

	listen_here(world);
	attach(world, 0);
	long_line(&world->out, 1, LIMIT_LINE + 1);
	long_line(&world->out, 2, LIMIT_LINE_TAKEN);
	serve(world, "{\"seq\":3,\"session\":1,\"kind\":\"note\"}\n");
	assert_event(world, MIB, 1);
	assert_event(world, MIB, 2);
	assert_event(world, MIB, 3);
}

/* What is typed ahead goes in parts; were the last refused, a terminal would have half a paste. */
static void feed_live__holds_a_paste_for_a_session_that_is_slow(void **state)
{
	size_t part = LIMIT_TYPED / 3 * 4;
	char *text = mem_alloc(part + 1);
	struct world *world = *state;

	memset(text, 'A', part);
	listen_here(world);
	attach(world, 0);
	for (size_t sent = 0; sent < LIMIT_AHEAD; sent += LIMIT_TYPED) {
		struct json *intent = json_new_object();
		struct err e = {0};

		json_set_text(intent, "do", "detour.input");
		json_set_int(intent, "call", 1234567890123);
		json_set_text(intent, "bytes", text);
		if (feed_send(world->feed, intent, &e) < 0)
			fail_msg("at %zu: %s", sent, e.text);
		json_free(intent);
	}
	mem_free(text);
}

static void feed_live__too_long_line_shows_its_beginning_and_the_next_is_read(void **state)
{
	struct world *world = *state;

	listen_here(world);
	attach(world, 0);
	long_line(&world->out, 1, LIMIT_LINE_TAKEN + 1);
	long_line(&world->out, 2, LIMIT_LINE_TAKEN + 5 * MIB);
	serve(world, "{\"seq\":3,\"session\":1,\"kind\":\"note\"}\n");
	assert_skipped(world, "{\"seq\":1,");
	assert_skipped(world, "{\"seq\":2,");
	assert_event(world, MIB, 3);
}

static void feed_live__endless_line_is_not_hoarded(void **state)
{
	struct world *world = *state;
	const struct json *reply;
	struct event ev;
	struct err e = {0};
	size_t served = 0;

	listen_here(world);
	attach(world, 0);
	while (served < LIMIT_LINE_TAKEN + 8 * MIB) {
		while (world->out.len < MIB)
			buf_puts(&world->out, "all work and no play ");
		served += world->out.len;
		while (pump(world, MIB))
			assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_NONE);
	}
	serve(world, "\n{\"seq\":9,\"session\":1,\"kind\":\"note\"}\n");
	assert_skipped(world, "all work and no play ");
	assert_event(world, MIB, 9);
}

static void feed_live__sends_intents(void **state)
{
	struct world *world = *state;
	struct json *intent = json_new_object(), *wrong = json_new_array();
	struct err e = {0};
	char *text;

	listen_here(world);
	attach(world, 0);
	mem_free(heard(world));
	assert_int_equal(feed_send(world->feed, wrong, &e), -1);
	assert_int_equal(feed_send(world->feed, intent, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	json_set_text(intent, "do", "note");
	json_set_text(intent, "text", "two\nlines");
	assert_int_equal(feed_send(world->feed, intent, &e), 0);
	text = heard(world);
	assert_string_equal(text, "{\"do\":\"note\",\"text\":\"two\\nlines\"}\n");
	mem_free(text);
	json_free(intent);
	json_free(wrong);
}

static void feed_live__intents_wait_for_a_slow_session_up_to_a_bound(void **state)
{
	struct world *world = *state;
	struct json *intent = json_new_object();
	struct err e = {0};
	const struct json *reply;
	struct event ev;
	size_t sent = 0, got = 0;
	bool wants_write;

	listen_here(world);
	attach(world, 0);
	mem_free(heard(world));
	json_set_text(intent, "do", "say");
	json_put(intent, "text", json_new_text(world->dir, strlen(world->dir)));
	while (feed_send(world->feed, intent, &e) == 0)
		assert_true(++sent < 100000);
	assert_int_equal(e.kind, ERR_FULL);
	assert_true(feed_fd(world->feed, &wants_write) >= 0);
	assert_true(wants_write);
	while (wants_write) {
		char *text = heard(world);

		for (const char *c = text; *c; c++)
			got += *c == '\n';
		mem_free(text);
		assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_NONE);
		feed_fd(world->feed, &wants_write);
	}
	{
		char *text = heard(world);

		for (const char *c = text; *c; c++)
			got += *c == '\n';
		mem_free(text);
	}
	assert_int_equal(got, sent);
	json_free(intent);
}

static void feed_live__last_words_are_read_after_a_failed_send(void **state)
{
	struct world *world = *state;
	struct json *intent = json_new_object();
	struct err e = {0};

	listen_here(world);
	attach(world, 0);
	mem_free(heard(world));
	json_set_text(intent, "do", "pause");
	serve(world, "{\"seq\":1,\"session\":1,\"kind\":\"session.closed\"}\n");
	hang_up(world);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(feed_send(world->feed, intent, &e), -1);
		assert_int_equal(e.kind, ERR_IO);
	}
	assert_event(world, MIB, 1);
	assert_item(world, FEED_END);
	assert_int_equal(feed_send(world->feed, intent, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	json_free(intent);
}

/* Stores events [from, to) of the story; the journal numbers them as the story does. */
static void append_story(struct store *store, size_t from, size_t to)
{
	struct arena *arena = arena_new();
	struct err e = {0};

	for (size_t i = from; i < to; i++) {
		struct event ev = story_event(arena, i);

		ev.seq = 0;
		ev.session = i == 0 ? 0 : 1;
		if (store_append(store, &ev, 1, &e) < 0)
			fail_msg("event %zu: %s", i + 1, e.text);
		assert_int_equal(ev.seq, i + 1);
	}
	arena_free(arena);
}

static void store_story(struct world *world, size_t from, size_t to)
{
	struct err e = {0};
	struct store *store = store_open(world->journal, STORE_WRITE, &e);

	assert_non_null(store);
	append_story(store, from, to);
	store_close(store);
}

static void feed__stored_live_and_memory_are_equal(void **state)
{
	struct world *world = *state;
	char *stored, *live, *memory, *dumps[3];
	struct buf lines = {0};
	struct feed *feed;
	struct err e = {0};

	store_story(world, 0, STORY_COUNT);
	feed = feed_stored(world->journal, 1, 0, &e);
	assert_non_null(feed);
	stored = drain(NULL, feed, &dumps[0]);
	feed_close(feed);

	story_lines(&lines, 0, STORY_COUNT);
	feed = feed_memory(lines.data, lines.len);
	memory = drain(NULL, feed, &dumps[1]);
	feed_close(feed);

	listen_here(world);
	attach(world, 0);
	serve(world, buf_text(&lines));
	live = drain(world, NULL, &dumps[2]);

	assert_string_equal(stored, memory);
	assert_string_equal(stored, live);
	assert_string_equal(dumps[0], dumps[1]);
	assert_string_equal(dumps[0], dumps[2]);
	mem_free(stored);
	mem_free(memory);
	mem_free(live);
	for (int i = 0; i < 3; i++)
		mem_free(dumps[i]);
	buf_done(&lines);
}

static void feed_stored__begins_behind_after(void **state)
{
	struct world *world = *state;
	const struct json *reply;
	struct event ev;
	struct err e = {0};

	store_story(world, 0, 20);
	world->feed = feed_stored(world->journal, 1, 18, &e);
	assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_EVENT);
	assert_int_equal(ev.seq, 19);
	assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_EVENT);
	assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_END);
	assert_int_equal(feed_next(world->feed, &ev, &reply, &e), FEED_END);
	assert_int_equal(feed_last(world->feed), 20);
}

static void feed_stored__ends_where_the_journal_ended_when_it_was_opened(void **state)
{
	struct world *world = *state;
	struct err e = {0};
	struct store *store;
	char *lines, *dump;

	store = store_open(world->journal, STORE_WRITE, &e);
	append_story(store, 0, 10);
	world->feed = feed_stored(world->journal, 1, 0, &e);
	append_story(store, 10, 20);
	store_close(store);
	lines = drain(NULL, world->feed, &dump);
	assert_int_equal(feed_last(world->feed), 10);
	mem_free(lines);
	mem_free(dump);
}

/* More events than a batch, and more bytes than a batch. */
static void feed_stored__reads_many_batches(void **state)
{
	struct world *world = *state;
	struct err e = {0};
	struct store *store;
	struct event *events = mem_array(700, sizeof(*events));
	char *big = mem_alloc(60000), *lines, *dump;
	size_t outputs = 0;

	memset(big, 'y', 60000);
	store_story(world, 0, 1);
	store = store_open(world->journal, STORE_WRITE, &e);
	for (size_t i = 0; i < 700; i++)
		events[i] = (struct event){ .session = 1, .kind = EVENT_CALL_OUTPUT, .who = "bellbook", .bytes = big,
					    .len = i > 500 ? 60000 : 10 };
	assert_int_equal(store_append(store, events, 700, &e), 0);
	store_close(store);
	world->feed = feed_stored(world->journal, 1, 0, &e);
	lines = drain(NULL, world->feed, &dump);
	for (const char *c = lines; *c; c++)
		outputs += *c == '\n';
	assert_int_equal(outputs, 701);
	assert_int_equal(feed_last(world->feed), 701);
	mem_free(lines);
	mem_free(dump);
	mem_free(events);
	mem_free(big);
}

static void feed_stored__no_journal_is_not_found(void **state)
{
	struct world *world = *state;
	struct err e = {0};

	assert_null(feed_stored(world->journal, 1, 0, &e));
	assert_int_equal(e.kind, ERR_NOTFOUND);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		cmocka_unit_test(feed_memory__gives_events_then_end),
		cmocka_unit_test(feed_memory__garbage_is_told_and_the_rest_is_read),
		cmocka_unit_test(feed_memory__takes_no_orders),
		T(feed_live__nobody_there_is_not_found),
		T(feed_live__says_hello_with_its_last_seq),
		T(feed_live__gives_replies_and_events_in_order),
		T(feed_live__slow_writer_gives_whole_lines_only),
		T(feed_live__reconnects_after_a_cut_line),
		T(feed_live__garbage_lines_are_told_one_by_one),
		T(feed_live__silent_end_is_told_at_once),
		T(feed_live__longest_line_of_a_session_passes),
		T(feed_live__longer_line_of_an_older_session_is_read_too),
		T(feed_live__holds_a_paste_for_a_session_that_is_slow),
		T(feed_live__too_long_line_shows_its_beginning_and_the_next_is_read),
		T(feed_live__endless_line_is_not_hoarded),
		T(feed_live__sends_intents),
		T(feed_live__intents_wait_for_a_slow_session_up_to_a_bound),
		T(feed_live__last_words_are_read_after_a_failed_send),
		T(feed__stored_live_and_memory_are_equal),
		T(feed_stored__begins_behind_after),
		T(feed_stored__ends_where_the_journal_ended_when_it_was_opened),
		T(feed_stored__reads_many_batches),
		T(feed_stored__no_journal_is_not_found),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
