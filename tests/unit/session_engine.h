/* session_engine.h - a whole session in the test's own process: a real journal, a double of the worker, a clock and people that the test sets. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_SESSION_ENGINE_H
#define TESTS_SESSION_ENGINE_H

#define _GNU_SOURCE	/* as session.c */
#include "session/walk/session.c" /* its engine, with what stands below in the place of clock, accounts and worker */

#include <sys/socket.h>

#include "journal/store/place.h"
#include "session_fixture.h"
#include "tests/lib/worker_double.h"

/*
 * The linker puts __wrap_NAME in the place of NAME (Makefile: session_engine_). Time stands still but for a
 * millisecond with each turn of the loop, and for later(). Who is behind a socket is whom view_open names.
 */
int64_t __wrap_time_mono_us(void);
int64_t __wrap_time_wall_us(void);
char *__wrap_account_name(uid_t uid);
bool __wrap_account_of_peer(int fd, struct account *account);
int __real_store_append(struct store *store, struct event *events, size_t n, struct err *e);
int __wrap_store_append(struct store *store, struct event *events, size_t n, struct err *e);
void __real_model_apply(struct model *model, const struct event *ev);
void __wrap_model_apply(struct model *model, const struct event *ev);

static int64_t passed_us;

int64_t __wrap_time_mono_us(void)
{
	return 5000 * TIME_SECOND + passed_us;
}

int64_t __wrap_time_wall_us(void)
{
	return 1790000000 * TIME_SECOND + passed_us;
}

/* A fault in bellbook: events of that kind change nothing. */
static enum event_kind deaf_to;

void __wrap_model_apply(struct model *model, const struct event *ev)
{
	struct event nothing = {.seq = ev->seq, .session = ev->session, .at_us = ev->at_us, .kind = EVENT_UNKNOWN};

	__real_model_apply(model, deaf_to && ev->kind == deaf_to ? &nothing : ev);
}

/* ann is the account that runs the tests; the others are ben, cal, gus … */
static const char *const accounts[] = {"ann", "ben", "cal", "gus", "dee"};

static int peer;		/* index of whoever connects now */
static const char *doubt;	/* what the kernel's word about that account leaves open; NULL = nothing */
static int login = -1;		/* who logged in to become that account; -1 = the same */

static inline uid_t uid_of(int index)
{
	return index == 0 ? getuid() : (uid_t)(getuid() + 7000 + (uid_t)index);
}

char *__wrap_account_name(uid_t uid)
{
	for (int i = 0; i < (int)(sizeof(accounts) / sizeof(accounts[0])); i++)
		if (uid == uid_of(i))
			return mem_strdup(accounts[i]);
	return mem_printf("uid %u", (unsigned)uid);
}

bool __wrap_account_of_peer(int fd, struct account *account)
{
	(void)fd;
	*account = (struct account){.uid = uid_of(peer), .name = mem_strdup(accounts[peer]), .doubt = mem_strdup(doubt), .login = uid_of(login >= 0 ? login : peer)};
	return true;
}

/* ---- the hosts ---- */

struct job {
	char name[160], host[16], args[200];
	int begun;		/* how often it was started there; more than once is a fault */
	bool ended;
};

/* All that is on the hosts. What a command comes to, its words say: see double_answers. */
struct world {
	struct job jobs[64];
	size_t count;
	bool go;		/* commands with "wait" end now */
	bool clear;		/* what has become of commands with "vanish" can be seen now */
	bool deaf;		/* commands do not hear that their facts are kept */
	char facts[200];	/* those that the call had which was settled last, as JSON */
	char started[200];	/* and those of the call that told a fact last, before it */
	int reads;
};

static struct world world;

static inline struct job *job_find(const char *name)
{
	for (size_t i = 0; i < world.count; i++)
		if (str_is(world.jobs[i].name, name))
			return &world.jobs[i];
	return NULL;
}

/* Jobs whose command has those words, and how often they were begun. */
static inline int begun_of(const char *words)
{
	int n = 0;

	for (size_t i = 0; i < world.count; i++)
		n += strstr(world.jobs[i].args, words) ? world.jobs[i].begun : 0;
	return n;
}

static inline void end_job(struct worker *worker, struct double_call *call, const char *out)
{
	struct json *result = json_new_object();

	if (*out)
		worker->events->output(worker->arg, call->number, "out", out, strlen(out));
	json_set_int(result, "exit", strstr(call->args, "exit 3") ? 3 : 0);
	worker->events->ended(worker->arg, call->number, "ok", NULL, false, result);
	json_free(result);
}

/* "did WORDS": yes when a job with these words has ended. */
static inline bool read_answers(struct worker *worker, struct double_call *call)
{
	const char *did = strstr(call->args, "did ");
	char words[40] = "";
	bool yes = false;

	world.reads++;
	if (did)
		sscanf(did + 4, "%39[a-z0-9]", words);
	snprintf(words + strlen(words), sizeof(words) - strlen(words), "!");
	for (size_t i = 0; i < world.count; i++)
		yes = yes || (world.jobs[i].ended && strstr(world.jobs[i].args, words));
	end_job(worker, call, yes ? "yes\n" : "no\n");
	return true;
}

/* True until its fact is kept. */
static inline bool fact_first(struct worker *worker, struct double_call *call)
{
	struct json *fact;
	struct err e = {0};

	if (!call->telling) {
		call->telling = true;
		str_copy(world.started, sizeof(world.started), call->facts);
		fact = json_parse("{\"n\":1}", 7, &e);
		worker->events->fact(worker->arg, call->number, 7, fact);
		json_free(fact);
	}
	return world.deaf || worker->kept != call->number;
}

#define PRINTED "it ran\n"	/* by each command */

static inline bool settles(struct worker *worker, struct double_call *call, struct job *job)
{
	const char *how = !job ? "never" : strstr(call->args, "vanish") && !world.clear ? "unknown" : !job->ended && strstr(call->args, "wait") ? "running" : "finished";
	size_t have = (size_t)call->out_offset < strlen(PRINTED) ? (size_t)call->out_offset : strlen(PRINTED);

	str_copy(world.facts, sizeof(world.facts), call->facts);
	if (!call->asking)
		worker->events->settled(worker->arg, call->number, how, "the host was asked");
	call->asking = true;
	if (str_is(how, "running") && !world.go)
		return false;
	if (job && !str_is(how, "unknown")) {
		job->ended = true;
		end_job(worker, call, &PRINTED[have]);
	}
	return true;
}

static inline bool asks_first(struct worker *worker, struct double_call *call, const char *of)
{
	if (call->answer)
		return false;
	if (!call->asking)
		worker->events->ask(worker->arg, call->number, 1, of, "The host asks.", "");
	call->asking = true;
	return true;
}

/* A command that has "fact" in it tells {"n":1} before it begins. One that has "hostkey" or "password" in it asks first; "wait" waits for world.go; "vanish" is not seen to end; "refuse" cannot be done; "exit 3" fails. */
static bool double_answers(struct worker *worker, struct double_call *call)
{
	struct job *job = job_find(call->job);

	if (str_is(call->action, "ssh.read") || str_is(call->action, "here.read"))
		return read_answers(worker, call);
	if (call->settle)
		return settles(worker, call, job);
	if ((strstr(call->args, "hostkey") && asks_first(worker, call, "hostkey")) || (strstr(call->args, "password") && asks_first(worker, call, "secret")))
		return false;
	if (strstr(call->args, "fact") && fact_first(worker, call))
		return false;
	if (str_is(call->answer, "refuse") || strstr(call->args, "refuse")) {
		worker->events->ended(worker->arg, call->number, "failed", "it could not be done", true, NULL);
		return true;
	}
	if (!job) {
		assert_true(world.count < sizeof(world.jobs) / sizeof(world.jobs[0]));
		job = &world.jobs[world.count++];
		str_copy(job->name, sizeof(job->name), call->job);
		str_copy(job->host, sizeof(job->host), call->host);
		str_copy(job->args, sizeof(job->args), call->args);
	}
	job->begun += !call->begun;
	call->begun = true;
	if (call->canceled) {
		worker->events->ended(worker->arg, call->number, "canceled", "it was canceled", false, NULL);
	} else if (strstr(call->action, "shell") || (strstr(call->args, "wait") && !world.go)) {
		return false;
	} else if (strstr(call->args, "vanish")) {
		worker->events->ended(worker->arg, call->number, "unknown", "the host was lost", false, NULL);
	} else {
		job->ended = true;
		end_job(worker, call, PRINTED);
	}
	return true;
}

static void double_forgets(const char *job)
{
	(void)job;
}

/* ---- the session ---- */

/* Of a group, as folder_setup. */
static inline int bench_setup(void **state)
{
	int result = folder_setup(state);

	setenv("BELLBOOK_BALLAST", "0", 1);
	setenv("BELLBOOK_LUA_SECONDS", "60", 1);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	return result;
}

#define ENDLESS 5000	/* transactions that follow from one intent */

struct bench {
	struct engine engine;
	bool open;
	char *runbook, *fleet, *journal;	/* owned paths */
	struct view *views[8];			/* borrowed */
	struct buf log;				/* a line for each event that was stored: kind who step data */
	int transactions;			/* since the last view_say */
	void (*storing)(struct bench *bench);	/* before each transaction; may be NULL */
	void (*stored)(struct bench *bench);	/* after it, before anybody acts on it; may be NULL */
	void *arg;				/* theirs; borrowed */
};

/* Somebody's screen. */
struct view {
	int fd;
	struct buf in;
	int accepted, refused;		/* replies since the last view_say */
	char why[400];			/* of the refusal */
	char role[16];
	bool gone;			/* the session closed it */
	bool heard;
};

static struct bench *at_work;		/* whose transactions are logged */
static int64_t latest[256];		/* seq of the latest event of each kind */
static int64_t latest_seq;		/* and of all */

int __wrap_store_append(struct store *store, struct event *events, size_t n, struct err *e)
{
	int result;

	if (at_work && at_work->storing)
		at_work->storing(at_work);
	if (at_work && ++at_work->transactions > ENDLESS)
		fail_msg("what is stored has no end:\n%.1000s", buf_text(&at_work->log));
	result = __real_store_append(store, events, n, e);
	for (size_t i = 0; result == 0 && at_work && i < n; i++) {
		latest[events[i].kind] = latest_seq = events[i].seq;
		buf_printf(&at_work->log, "%s %s %s %s\n", event_type_of(events[i].kind)->name, events[i].who ? events[i].who : "", events[i].step && *events[i].step ? events[i].step : "-",
			   events[i].data ? events[i].data : "");
	}
	if (result == 0 && at_work)
		buf_puts(&at_work->log, "\n");
	if (result == 0 && at_work && at_work->stored)
		at_work->stored(at_work);
	return result;
}

static inline void hear(struct view *view, const struct json *message)
{
	const struct json *refused = json_at(message, "refused"), *you = json_at(message, "you"), *hello = json_at(message, "hello");

	view->accepted += json_at(message, "accepted") != NULL;
	if (refused) {
		view->refused++;
		str_copy(view->why, sizeof(view->why), json_text(refused, "why", ""));
	}
	if (you || hello)
		str_copy(view->role, sizeof(view->role), json_text(you ? you : hello, "role", ""));
}

static inline void view_read(struct view *view)
{
	char *end;
	ssize_t n;

	view->heard = false;
	while ((n = recv(view->fd, buf_room(&view->in, 65536), 65536, MSG_DONTWAIT)) > 0) {
		buf_added(&view->in, (size_t)n);
		view->heard = true;
	}
	view->gone = view->gone || n == 0;
	while (view->in.len && (end = memchr(view->in.data, '\n', view->in.len)) != NULL) {
		struct err e = {0};
		struct json *message = json_parse(view->in.data, (size_t)(end - view->in.data), &e);

		assert_non_null(message);
		hear(view, message);
		json_free(message);
		buf_consume(&view->in, (size_t)(end - view->in.data) + 1);
	}
}

#define IDLE 12		/* turns without anything new: nothing more comes by itself */
#define BUSY 4000	/* turns at most */

/* Turns the loop until nothing more comes. False when there is no end of it. */
static inline bool turn_idle(struct bench *bench)
{
	struct err e = {0};
	int idle = 0;

	for (int i = 0; i < BUSY && idle < IDLE; i++) {
		int64_t seq = bench->engine.model->last_seq;
		bool heard = false;

		assert_int_equal(loop_once(bench->engine.loop, 0, &e), 0);
		passed_us += TIME_SECOND / 1000;
		for (size_t v = 0; v < 8; v++) {
			if (bench->views[v])
				view_read(bench->views[v]);
			heard = heard || (bench->views[v] && bench->views[v]->heard);
		}
		idle = heard || seq != bench->engine.model->last_seq ? 0 : idle + 1;
	}
	return idle == IDLE;
}

static inline void turn(struct bench *bench)
{
	if (!turn_idle(bench))
		fail_msg("the session goes on without end:\n%.3000s", buf_text(&bench->log));
}

static inline void later(struct bench *bench, int64_t us)
{
	passed_us += us;
	turn(bench);
}

static inline void bench_start(struct bench *bench, const struct session_options *given)
{
	struct session_options options = *given;
	struct err e = {0};

	options.journal = bench->journal;
	options.fleet = bench->fleet;
	bench->engine = (struct engine){0};
	at_work = bench;
	if (engine_open(&bench->engine, &options, &e) < 0)
		fail_msg("%s", e.text);
	bench->open = true;
}

#define FLEET_TEXT "fleet { name = 'f', hosts = { app1 = {}, app2 = {} }, roles = { web = { 'app1', 'app2' } }%s }\n"

/* A new session of that runbook (its steps; the head is added), with more for the fleet file. Nobody is here yet. */
static inline void bench_open(struct bench *bench, const char *steps, const char *fleet)
{
	static int n;
	char name[40], *text = mem_printf("%s%s", strstr(steps, "runbook {") ? "" : HEAD, steps), *fleet_text = mem_printf(FLEET_TEXT, fleet);

	*bench = (struct bench){0};
	world = (struct world){0};
	deaf_to = EVENT_UNKNOWN;
	snprintf(name, sizeof(name), "t%d.lua", ++n);
	bench->runbook = mem_strdup(folder_file(name, text));
	snprintf(name, sizeof(name), "fleet%d.lua", n);
	bench->fleet = mem_strdup(folder_file(name, fleet_text));
	bench->journal = mem_printf("%s/j%d.db", folder, n);
	bench_start(bench, &(struct session_options){.runbook = bench->runbook});
	mem_free(text);
	mem_free(fleet_text);
}

/* The process is killed: nothing more is stored. */
static inline void bench_kill(struct bench *bench)
{
	at_work = NULL;
	if (!bench->open)
		return;
	bench->open = false;
	bench->engine.closed = true;	/* whoever is here leaves no event behind */
	book_free(bench->engine.book);
	bench->engine.book = book_new(bench->engine.loop, bench->engine.store, &(struct book_hooks){0}, NULL);
	engine_close(&bench->engine);
}

/* Another process takes the session over. The views are those of the old one: closed. */
static inline void bench_resume(struct bench *bench, int64_t session)
{
	bench_kill(bench);
	bench_start(bench, &(struct session_options){.resume = session});
}

static inline void bench_close(struct bench *bench)
{
	bench_kill(bench);
	buf_done(&bench->log);
	mem_free(bench->runbook);
	mem_free(bench->fleet);
	mem_free(bench->journal);
}

/* ---- people ---- */

static inline void view_open(struct bench *bench, struct view *view, int who, const char *role)
{
	char *hello = mem_printf("{\"do\":\"hello\",\"v\":1%s%s%s}\n", *role ? ",\"role\":\"" : "", role, *role ? "\"" : "");
	struct err e = {0};
	size_t i = 0;

	*view = (struct view){0};
	peer = who;
	view->fd = place_connect(bench->journal, bench->engine.session, &e);
	assert_true(view->fd >= 0);
	assert_int_equal(send(view->fd, hello, strlen(hello), MSG_NOSIGNAL), (ssize_t)strlen(hello));
	while (bench->views[i])
		i++;
	bench->views[i] = view;
	turn(bench);
	mem_free(hello);
}

static inline void view_close(struct bench *bench, struct view *view)
{
	for (size_t i = 0; i < 8; i++)
		if (bench->views[i] == view)
			bench->views[i] = NULL;
	close(view->fd);
	buf_done(&view->in);
	if (bench->open)
		turn(bench);
}

/* Sends an intent, as JSON, and lets the session go on until nothing more comes. True when it was accepted. */
static inline bool view_say(struct bench *bench, struct view *view, const char *intent)
{
	view->accepted = view->refused = 0;
	*view->why = '\0';
	bench->transactions = 0;
	buf_clear(&bench->log);
	assert_int_equal(send(view->fd, intent, strlen(intent), MSG_NOSIGNAL), (ssize_t)strlen(intent));
	assert_int_equal(send(view->fd, "\n", 1, MSG_NOSIGNAL), 1);
	turn(bench);
	assert_int_equal(view->accepted + view->refused, 1);
	return view->accepted == 1;
}

/* The open question of that kind; NULL = none is. */
static inline const struct model_ask *ask_find(const struct bench *bench, const char *of)
{
	for (size_t i = 0; i < bench->engine.model->ask_count; i++)
		if (str_is(bench->engine.model->asks[i].of, of))
			return &bench->engine.model->asks[i];
	return NULL;
}

static inline const struct model_ask *ask_of(const struct bench *bench, const char *of)
{
	const struct model_ask *ask = ask_find(bench, of);

	if (!ask) {
		fail_msg("no question of %s is open, but %s; stored was:\n%.2000s", of, bench->engine.model->ask_count ? bench->engine.model->asks[0].of : "none", buf_text(&bench->log));
		abort();
	}
	return ask;
}

/* Answers the open question of that kind; value and more are JSON: "\"go\"", ",\"why\":\"x\"". True when it was accepted. */
static inline bool answer(struct bench *bench, struct view *view, const char *of, const char *value, const char *more)
{
	const struct model_ask *ask = ask_of(bench, of);
	char *intent = mem_printf("{\"do\":\"answer\",\"seq\":%lld,\"value\":%s%s}", (long long)ask->seq, value, more);
	bool accepted = view_say(bench, view, intent);

	mem_free(intent);
	return accepted;
}

static inline enum step_state state_of(const struct bench *bench, const char *step)
{
	const struct model_step *found = model_step_find(bench->engine.model, step);

	assert_non_null(found);
	return found->state;
}

static inline bool logged(const struct bench *bench, const char *part)
{
	return strstr(buf_text(&bench->log), part) != NULL;
}

static inline void assert_logged(const struct bench *bench, const char *part)
{
	if (!logged(bench, part))
		fail_msg("“%s” is not in what was stored:\n%.3000s", part, buf_text(&bench->log));
}

#endif
