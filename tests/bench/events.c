/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: events rate DIRECTORY DECISIONS GROUPS
 *        events fill JOURNAL COUNT
 *        events read JOURNAL
 *        events find JOURNAL
 *
 * rate: decisions stored one by one, each fsynced and chained, against JSON
 * lines appended and fsynced one by one; and output in groups, as a session
 * stores it, against JSON lines in groups of as many. fill: a journal of COUNT
 * events, 5000 a session. read: opening it and looking around in it. find:
 * the same through the index beside it. One
 * line of JSON, in events or seconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/index/index.h"
#include "journal/store/store.h"
#include "tests/bench/bench.h"

#define GROUP 64	/* events of output in one transaction, as session/walk/book.c joins them at most */
#define STEPS 20
#define STEP_EVENTS 250
#define LINE 400	/* bytes of one line of output, or of an event's data */
#define TURNS 5

static const char begun[] = "{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"systemctl restart mastodon-web\"},\"effect\":\"change\",\"job\":\"0123456789ab.1.restart.1.1\","
	"\"shown\":\"systemctl restart mastodon-web\"}";
static const char output[] = "== 20260101000000 AddIndexToStatuses: migrating ==================================\n"
	"-- add_index(:statuses, [:account_id, :id], {:algorithm=>:concurrently})\n   -> 12.3456s\n";
static const char line[] = "{\"at\":\"2026-01-01T00:00:00.000000Z\",\"kind\":\"call.begun\",\"session\":1,\"step\":\"restart\",\"attempt\":1,\"call\":\"1\",\"host\":\"app1\","
	"\"data\":{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"systemctl restart mastodon-web\"},\"effect\":\"change\",\"job\":\"0123456789ab.1.restart.1.1\","
	"\"shown\":\"systemctl restart mastodon-web\"}}\n";

static struct store *open_store(const char *path, enum store_mode mode)
{
	struct err e = {0};
	struct store *store = store_open(path, mode, &e);

	if (!store)
		bench_fail("events", e.text);
	return store;
}

static void append(struct store *store, struct event *events, size_t n)
{
	struct err e = {0};

	if (store_append(store, events, n, &e) < 0 || store_checkpoint(store, false, &e) < 0)
		bench_fail("events", e.text);
}

static int64_t open_session(struct store *store)
{
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "bench", .data = "{\"runbook\":{\"id\":\"bench\",\"title\":\"Bench\"}}" };

	append(store, &ev, 1);
	return ev.session;
}

static struct event decision(int64_t session)
{
	return (struct event){ .kind = EVENT_CALL_BEGUN, .session = session, .who = "bellbook", .step = "restart", .attempt = 1, .call = "1", .host = "app1", .data = begun };
}

static struct event chunk(int64_t session)
{
	return (struct event){ .kind = EVENT_CALL_OUTPUT, .session = session, .who = "bellbook", .step = "restart", .attempt = 1, .call = "1", .host = "app1",
			       .data = "{\"stream\":\"out\",\"to\":12345}", .bytes = output, .len = sizeof(output) - 1 };
}

/* Seconds for n decisions, each in a transaction of its own. */
static double decide(struct store *store, int64_t session, int n)
{
	double began = bench_now();

	for (int i = 0; i < n; i++) {
		struct event ev = decision(session);

		append(store, &ev, 1);
	}
	return bench_now() - began;
}

static double pour(struct store *store, int64_t session, int groups)
{
	double began = bench_now();

	for (int i = 0; i < groups; i++) {
		struct event events[GROUP];

		for (int k = 0; k < GROUP; k++)
			events[k] = chunk(session);
		append(store, events, GROUP);
	}
	return bench_now() - began;
}

/* JSON lines, fsynced after every `group` of them. */
static double write_lines(const char *path, int n, int group)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	double began = bench_now();

	for (int i = 1; i <= n; i++)
		if (write(fd, line, sizeof(line) - 1) < 0 || (i % group == 0 && fdatasync(fd) < 0))
			bench_fail("events", "cannot write");
	close(fd);
	return bench_now() - began;
}

static void rate(const char *directory, int decisions, int groups)
{
	char *journal = mem_printf("%s/journal.db", directory), *lines = mem_printf("%s/lines.jsonl", directory);
	struct store *store = open_store(journal, STORE_WRITE);
	double one[TURNS], many[TURNS], line_one[TURNS], line_many[TURNS];
	int64_t session = open_session(store);

	for (int i = 0; i < TURNS; i++) {
		one[i] = decide(store, session, decisions);
		line_one[i] = write_lines(lines, decisions, 1);
		many[i] = pour(store, session, groups);
		line_many[i] = write_lines(lines, groups * GROUP, GROUP);
	}
	printf("{\"decisions\":%.1f,\"lines\":%.1f,\"outputs\":%.1f,\"grouped_lines\":%.1f}\n", decisions / bench_part(one, TURNS, 0.5),
	       decisions / bench_part(line_one, TURNS, 0.5), groups * GROUP / bench_part(many, TURNS, 0.5), groups * GROUP / bench_part(line_many, TURNS, 0.5));
	store_close(store);
	mem_free(journal);
	mem_free(lines);
}

/* One session of the large journal: STEPS steps with one order each and its output, as a real one has them; one of 33 stays open, one of 11 fails. */
static void step_events(struct event *events, char (*room)[LINE], const struct event *like, int at)
{
	static const char *const words[] = { "migrating", "index", "restart", "connection", "timeout", "vacuum", "queue", "worker", "certificate", "database", "status", "account" };
	static int line_number;

	events[0] = events[1] = events[2] = *like;
	events[0].kind = EVENT_STEP_ENTERED;
	snprintf(room[0], LINE, "{\"index\":%d,\"total\":%d}", at, STEPS);
	events[0].data = room[0];
	events[1].kind = EVENT_STEP_BEGUN;
	events[1].data = "{\"part\":\"run\"}";
	events[2].kind = EVENT_CALL_BEGUN;
	events[2].data = begun;
	for (int i = 3; i < STEP_EVENTS - 2; i++) {
		events[i] = *like;
		events[i].kind = EVENT_CALL_OUTPUT;
		events[i].data = "{\"stream\":\"out\",\"to\":12345}";
		events[i].len = (size_t)snprintf(room[i], LINE, "== %08d %s %s: %s id%06d ==\n-- %s(:statuses, [:%s_id]) -> %d.%03ds%s\n", line_number,
			words[line_number % 12], words[line_number / 7 % 12], words[line_number / 31 % 12], line_number % 1000000, words[line_number / 3 % 12],
			words[line_number / 5 % 12], line_number % 60, line_number % 997, line_number % 100003 == 77 ? " needle in a haystack" : "");
		events[i].bytes = room[i];
		line_number++;
	}
	events[STEP_EVENTS - 2] = events[STEP_EVENTS - 1] = *like;
	events[STEP_EVENTS - 2].kind = EVENT_CALL_ENDED;
	events[STEP_EVENTS - 2].data = "{\"outcome\":\"ok\",\"exit\":0,\"took_us\":900000}";
	events[STEP_EVENTS - 1].kind = EVENT_STEP_ENDED;
	snprintf(room[STEP_EVENTS - 1], LINE, "{\"state\":\"ok\",\"took_us\":%d}", 1000000 + line_number % 977 * 1000);
	events[STEP_EVENTS - 1].data = room[STEP_EVENTS - 1];
}

static void one_session(struct store *store, int number, const char *opened)
{
	static char room[STEP_EVENTS][LINE];
	char host[16], step[16];
	struct event first = { .kind = EVENT_SESSION_OPENED, .who = number % 3 ? "ann" : "bob", .data = opened };
	struct event closed = { .kind = EVENT_SESSION_CLOSED, .who = "ann", .data = number % 11 ? "{\"outcome\":\"ok\"}" : "{\"outcome\":\"failed\"}" };

	append(store, &first, 1);
	for (int at = 1; at <= STEPS; at++) {
		struct event events[STEP_EVENTS];
		struct event like = { .session = first.session, .who = "bellbook", .step = step, .attempt = 1, .call = "1", .host = host };

		snprintf(host, sizeof(host), "app%d", (number + at) % 40);
		snprintf(step, sizeof(step), "step%d", at);
		step_events(events, room, &like, at);
		append(store, events, STEP_EVENTS);
	}
	closed.session = first.session;
	if (number % 33)
		append(store, &closed, 1);
}

static void fill(const char *path, int count)
{
	struct store *store = open_store(path, STORE_WRITE);
	struct buf opened = {0};
	double began = bench_now();
	struct err e = {0};

	for (int number = 1; store_head(store, &e) < count; number++) {
		buf_clear(&opened);
		buf_printf(&opened, "{\"fleet\":{\"name\":\"prod\"},\"runbook\":{\"id\":\"book%d\",\"title\":\"Bench %d\"},\"steps\":[", number % 6, number % 6);
		for (int i = 1; i <= STEPS; i++)
			buf_printf(&opened, "%s{\"id\":\"step%d\",\"kind\":\"change\",\"title\":\"Step %d\",\"why\":\"because\"}", i > 1 ? "," : "", i, i);
		buf_puts(&opened, "]}");
		one_session(store, number, buf_text(&opened));
	}
	printf("{\"wall\":%.3f}\n", bench_now() - began);
	buf_done(&opened);
	store_close(store);
}

static bool see_session(void *arg, const struct store_session *row)
{
	*(int64_t *)arg = row->session;
	return true;
}

static bool see_event(void *arg, const struct event *ev)
{
	*(int64_t *)arg += (int64_t)ev->len;
	return true;
}

static void look(const char *path)
{
	double opened[TURNS], listed[TURNS], unfinished[TURNS], page[TURNS], began;
	int64_t session = 0, bytes = 0;
	struct err e = {0};

	for (int i = 0; i < TURNS; i++) {
		struct store *store;

		began = bench_now();
		store = open_store(path, STORE_READ);
		opened[i] = bench_now() - began;
		began = bench_now();
		if (store_sessions(store, false, 50, see_session, &session, &e) < 0)
			bench_fail("events", e.text);
		listed[i] = bench_now() - began;
		began = bench_now();
		if (store_sessions(store, true, 0, see_session, &session, &e) < 0)
			bench_fail("events", e.text);
		unfinished[i] = bench_now() - began;
		began = bench_now();
		if (store_each(store, (struct store_range){.session = session, .after = session + 1000, .limit = 200}, see_event, &bytes, &e) < 0)
			bench_fail("events", e.text);
		page[i] = bench_now() - began;
		store_close(store);
	}
	printf("{\"open\":%.6f,\"list\":%.6f,\"unfinished\":%.6f,\"page\":%.6f}\n", bench_part(opened, TURNS, 0.5), bench_part(listed, TURNS, 0.5),
	       bench_part(unfinished, TURNS, 0.5), bench_part(page, TURNS, 0.5));
}

static bool see_row(void *arg, const struct index_session *row)
{
	*(int64_t *)arg += row->session;
	return true;
}

static bool see_hit(void *arg, const struct index_hit *hit)
{
	*(int64_t *)arg += hit->seq;
	return true;
}

static struct index *open_index(const char *path)
{
	struct err e = {0};
	struct index *index = index_open(path, &e);

	if (!index || index_update(index, INDEX_TEXT, NULL, NULL, &e) < 0)
		bench_fail("events", e.text);
	return index;
}

/* Median seconds of a list, or with words of a search, in an index that is open. */
static double ask(struct index *index, const char *words, struct index_filter filter)
{
	double took[TURNS];
	int64_t sum = 0;
	struct err e = {0};

	for (int i = 0; i < TURNS; i++) {
		double began = bench_now();

		if ((words ? index_search(index, words, &filter, see_hit, &sum, &e) : index_sessions(index, &filter, see_row, &sum, &e)) < 0)
			bench_fail("events", e.text);
		took[i] = bench_now() - began;
	}
	return bench_part(took, TURNS, 0.5);
}

static void find(const char *path)
{
	struct index *index = open_index(path);
	double opened[TURNS];

	for (int i = 0; i < TURNS; i++) {
		double began = bench_now();

		index_close(index);
		index = open_index(path);
		opened[i] = bench_now() - began;
	}
	printf("{\"open\":%.6f,\"list\":%.6f,\"unfinished\":%.6f,\"failed\":%.6f,\"rare\":%.6f,\"common\":%.6f,\"two\":%.6f,\"phrase\":%.6f,\"prefix\":%.6f,\"host\":%.6f,"
	       "\"session\":%.6f}\n", bench_part(opened, TURNS, 0.5), ask(index, NULL, (struct index_filter){.limit = 50}), ask(index, NULL, (struct index_filter){.open = true}),
	       ask(index, NULL, (struct index_filter){.failed = true, .host = "app7"}), ask(index, "needle", (struct index_filter){0}), ask(index, "timeout", (struct index_filter){0}),
	       ask(index, "timeout vacuum", (struct index_filter){0}), ask(index, "\"needle in a haystack\"", (struct index_filter){0}), ask(index, "id0001*", (struct index_filter){0}),
	       ask(index, "timeout", (struct index_filter){.host = "app7"}), ask(index, "timeout", (struct index_filter){.session = 1}));
	index_close(index);
}

int main(int argc, char **argv)
{
	if (argc == 5 && str_is(argv[1], "rate"))
		rate(argv[2], (int)strtol(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10));
	else if (argc == 4 && str_is(argv[1], "fill"))
		fill(argv[2], (int)strtol(argv[3], NULL, 10));
	else if (argc == 3 && str_is(argv[1], "read"))
		look(argv[2]);
	else if (argc == 3 && str_is(argv[1], "find"))
		find(argv[2]);
	else
		bench_fail("usage", "events rate DIRECTORY DECISIONS GROUPS | fill JOURNAL COUNT | read JOURNAL | find JOURNAL");
	return 0;
}
