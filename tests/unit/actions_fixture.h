/* actions_fixture.h - a worker from a real fork server, and a record of all that it tells, for the tests of actions/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_ACTIONS_FIXTURE_H
#define TESTS_ACTIONS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/worker/worker.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define CALLS 8
#define PATIENCE (600 * TIME_SECOND)	/* only ever reached when a test fails */

/* What was told about one call. */
struct told {
	struct buf out, err, pty;
	struct buf how;		/* settled, one word after the other */
	struct buf links, link_text, progress, notes;
	char asked[400];
	char outcome[16], error[300], of[16], seen[300];
	struct buf facts;	/* as JSON, a line each */
	int64_t ask, fact;	/* number of the question, and of the fact, that was told last */
	int exit;
	char signal[16];
	bool ended, not_run, settled;	/* settled: never or unknown, so over */
};

struct fixture {
	struct loop *loop;
	struct worker *worker;
	struct told told[CALLS];
	int lost;
	bool swept;
	char left[80];	/* the hosts on which something stays */
};

static struct fork_server *server;
static char home[200];

static inline void on_output(void *arg, uint64_t call, const char *stream, const void *bytes, size_t len)
{
	struct told *told = &((struct fixture *)arg)->told[call];

	if (str_is(stream, "note")) {
		buf_append(&told->notes, bytes, len);
		return;
	}
	buf_append(str_is(stream, "pty") ? &told->pty : str_is(stream, "err") ? &told->err : &told->out, bytes, len);
}

static inline void on_progress(void *arg, uint64_t call, const struct json *progress)
{
	buf_printf(&((struct fixture *)arg)->told[call].progress, "%s|", json_text(progress, "text", ""));
}

static inline void on_link(void *arg, uint64_t call, const char *state, const char *text)
{
	buf_printf(&((struct fixture *)arg)->told[call].links, "%s ", state);
	buf_printf(&((struct fixture *)arg)->told[call].link_text, "%s\n", text);
}

static inline void on_settled(void *arg, uint64_t call, const char *how, const char *text)
{
	struct told *told = &((struct fixture *)arg)->told[call];

	buf_printf(&told->how, "%s ", how);
	str_copy(told->seen, sizeof(told->seen), text);
	if (str_is(how, "again")) {
		buf_clear(&told->out);
		buf_clear(&told->err);
	}
	told->settled = str_is(how, "never") || str_is(how, "unknown");
}

static inline void on_ask(void *arg, uint64_t call, int64_t ask, const char *of, const char *text, const char *details)
{
	struct told *told = &((struct fixture *)arg)->told[call];

	(void)details;
	told->ask = ask;
	str_copy(told->asked, sizeof(told->asked), text);
	str_copy(told->of, sizeof(told->of), of);
}

static inline void on_ended(void *arg, uint64_t call, const char *outcome, const char *error, bool not_run, const struct json *result)
{
	struct told *told = &((struct fixture *)arg)->told[call];

	assert_false(told->ended);
	told->ended = true;
	str_copy(told->outcome, sizeof(told->outcome), outcome);
	str_copy(told->error, sizeof(told->error), error ? error : "");
	told->not_run = not_run;
	told->exit = (int)json_int(result, "exit", -2);
	str_copy(told->signal, sizeof(told->signal), json_text(result, "signal", ""));
}

/* It is kept when the test says so. */
static inline void on_fact(void *arg, uint64_t call, int64_t number, const struct json *fact)
{
	struct told *told = &((struct fixture *)arg)->told[call];
	char *text = json_print(fact);

	buf_printf(&told->facts, "%s\n", text);
	told->fact = number;
	mem_free(text);
}

static inline void on_lost(void *arg, pid_t pid)
{
	(void)pid;
	((struct fixture *)arg)->lost++;
}

static inline void on_swept(void *arg, const char *left)
{
	struct fixture *f = arg;

	f->swept = true;
	str_copy(f->left, sizeof(f->left), left);
}

static inline int set_up(void **state)
{
	static const struct worker_events events = {
		.output = on_output, .progress = on_progress, .link = on_link, .settled = on_settled,
		.ask = on_ask, .ended = on_ended, .swept = on_swept, .fact = on_fact, .lost = on_lost,
	};
	struct fixture *f = mem_alloc(sizeof(*f));
	struct err e;

	f->loop = loop_new(NULL);
	f->worker = worker_new(f->loop, server, &events, f, &e);
	assert_non_null(f->worker);
	*state = f;
	return 0;
}

static inline void clear_told(struct told *told)
{
	buf_done(&told->out);
	buf_done(&told->err);
	buf_done(&told->pty);
	buf_done(&told->how);
	buf_done(&told->links);
	buf_done(&told->progress);
	buf_done(&told->link_text);
	buf_done(&told->notes);
	buf_done(&told->facts);
	*told = (struct told){ .exit = -3 };
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	worker_free(f->worker);
	loop_free(f->loop);
	for (int i = 0; i < CALLS; i++)
		clear_told(&f->told[i]);
	mem_free(f);
	return 0;
}

/* Runs the loop until *flag is true. */
#define UNTIL(f, condition) do { \
	int64_t until_us = time_mono_us() + PATIENCE; \
	struct err until_e; \
	while (!(condition)) { \
		assert_true(time_mono_us() < until_us); \
		assert_int_equal(loop_once((f)->loop, TIME_SECOND / 50, &until_e), 0); \
	} \
} while (0)

/* A call of "here" with arguments as JSON text with ' for ". */
static inline void begin_as(struct fixture *f, uint64_t call, const char *action, const char *job, const char *args,
			    struct worker_call what)
{
	char *text = mem_strdup(args);
	struct json *json;
	struct err e;

	for (char *at = text; *at; at++) {
		if (*at == '\'')
			*at = '"';
	}
	json = json_parse(text, strlen(text), &e);
	if (!json)
		fail_msg("%s: %s", text, e.text);
	clear_told(&f->told[call]);
	what.action = action;
	what.args = json;
	what.host = what.host ? what.host : "";
	what.job = job;
	worker_start(f->worker, call, &what);
	json_free(json);
	mem_free(text);
}

static inline void begin(struct fixture *f, uint64_t call, const char *action, const char *job, const char *args)
{
	begin_as(f, call, action, job, args, (struct worker_call){0});
}

static inline struct told *finish(struct fixture *f, uint64_t call)
{
	UNTIL(f, f->told[call].ended || f->told[call].settled);
	return &f->told[call];
}

static inline struct told *run(struct fixture *f, const char *action, const char *job, const char *args)
{
	begin(f, 1, action, job, args);
	return finish(f, 1);
}

/* Path below the fixture's home; one buffer, used until the next call. */
static inline const char *at_home(const char *name)
{
	static char path[500];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static inline bool exists(const char *name)
{
	return access(at_home(name), F_OK) == 0;
}

/* Appends a whole file. */
static inline void slurp_to(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "r");
	size_t got;

	if (!file)
		return;
	while ((got = fread(buf_room(text, 65536), 1, 65536, file)) > 0)
		buf_added(text, got);
	fclose(file);
}

/* A whole file as text, "" when there is none; caller frees. */
static inline char *slurp(const char *path)
{
	struct buf text = {0};

	slurp_to(path, &text);
	return buf_take(&text);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Makes the home directory and starts the fork server; first thing in main. */
static inline void fixture_open(void)
{
	struct err e;

	snprintf(home, sizeof(home), "%s/bellbook.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(home) || setenv("HOME", home, 1) < 0)
		abort();
	server = fork_server_start(worker_main, &e);
	if (!server)
		abort();
}

static inline int fixture_close(int failed)
{
	fork_server_stop(server);
	nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}

#endif
