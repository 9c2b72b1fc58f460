/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _DEFAULT_SOURCE	/* explicit_bzero */
#include "session/call/detour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/str.h"
#include "base/time.h"
#include "session/call/calls.h"
#include "session/people/orders.h"
#include "session/call/records.h"
#include "session/walk/step.h"

/*
 * A detour is a call like any other, with three differences: a person wants
 * it, not the runbook; its path, "detour.N/HOST", is outside the numbering of
 * the step's own calls, so that replay never meets it; and nobody waits for
 * it: the step stays as it is, the question stays open.
 *
 * A one-line command runs as a job: after a crash it is settled
 * like the others, but never started anew. A shell cannot be settled. What
 * is typed into it goes to the host and nowhere else: the journal says that
 * and by whom, not what. What the terminal shows is recorded.
 */

#define HOSTS_MAX 200
#define CELLS_MAX 1000
#define TYPED_EVERY TIME_SECOND		/* at most one event about typing in this time */
#define GRACE (60 * TIME_SECOND)	/* a shell without a driver */
#define HERE "here"

struct detour {
	int timer_grace, timer_typed;
	char *typist;		/* owned: who typed what is not told yet */
	uint64_t shell;		/* number of the record typed into */
	int64_t typed;		/* bytes */
	int rows, cols;		/* of the open shell */
	char *why;		/* owned: why it was asked to end, NULL = it was not */
};

static struct detour *detour_get(struct engine *engine)
{
	if (!engine->detour)
		engine->detour = mem_alloc(sizeof(*engine->detour));
	return engine->detour;
}

void detour_done(struct engine *engine)
{
	struct detour *detour = engine->detour;

	engine->detour = NULL;
	if (!detour)
		return;
	loop_cancel(engine->loop, detour->timer_grace);
	loop_cancel(engine->loop, detour->timer_typed);
	mem_free(detour->typist);
	mem_free(detour->why);
	mem_free(detour);
}

bool detour_is_shell(const struct record *record)
{
	const struct action *action = record->detour ? action_find(record->action) : NULL;

	return action && action->use == USE_SHELL;
}

static bool is_open(const struct record *record)
{
	return record->detour && (record->state == RECORD_PLANNED || record->state == RECORD_BEGUN);
}

/* A record of the detour that is open, NULL = none is. */
static struct record *open_record(const struct engine *engine)
{
	for (size_t i = engine->record_count; i-- > 0;)
		if (is_open(engine->records[i]))
			return engine->records[i];
	return NULL;
}

static const char *host_name(const struct record *record)
{
	return *record->host ? record->host : "this computer";
}

/* ---- ends ---- */

/* An event about the terminal that is no output: {"stream": name, key: value, …}. */
static void add_remark(struct engine *engine, const struct record *record, const char *who, struct json *data)
{
	struct batch batch = {0};

	batch_add(&batch, EVENT_CALL_OUTPUT, who, record->step, record->attempt, data);
	batch.events[0].call = record->path;
	batch.events[0].host = record->host;
	batch_commit(engine, &batch);
}

static void tell_typed(struct engine *engine)
{
	struct detour *detour = detour_get(engine);
	const struct record *record = detour->typed ? record_by_number(engine, detour->shell) : NULL;
	struct json *data;

	if (!record)
		return;
	data = json_new_object();
	json_set_text(data, "stream", "typed");
	json_set_int(data, "bytes", detour->typed);
	add_remark(engine, record, detour->typist, data);
	detour->typed = 0;
}

static void add_end(struct engine *engine, struct record *record, const char *outcome, const char *error)
{
	struct book_call key = {.step = record->step, .attempt = record->attempt, .call = record->path, .host = record->host};

	if (record->ending)
		return;
	record->ending = true;
	tell_typed(engine);
	book_output_end(engine->book, &key, true);
	calls_add(engine, record, EVENT_CALL_ENDED, calls_ended_data(record, outcome, error, NULL));
}

void detour_lost(struct engine *engine, struct record *record)
{
	add_end(engine, record, "unknown", "the shell was lost together with bellbook's connection; it is not opened again by itself, and what it was doing may have ended or not");
}

void detour_settled(struct engine *engine, struct record *record, const char *how)
{
	if (str_is(how, "never"))
		add_end(engine, record, "canceled", "it had not been started when bellbook was interrupted; give it again if it is still wanted");
	else if (str_is(how, "unknown"))
		add_end(engine, record, "unknown", "it was started, and whether it ended cannot be known from here: look at the host");
}

const char *detour_ending(struct engine *engine, const struct record *record, const char *outcome, const char *error)
{
	const struct detour *detour = detour_get(engine);

	if (!record->detour)
		return error;
	tell_typed(engine);
	return detour->why && str_is(outcome, "canceled") ? detour->why : error;
}

static void end_all(struct engine *engine, const char *why)
{
	mem_set(&detour_get(engine)->why, why);
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		if (is_open(record) && record->at_worker && !record->ending)
			worker_cancel(engine->worker, record->number);
	}
}

void detour_end(struct engine *engine, const char *who, const char *given)
{
	char *why = mem_printf("ended by %s%s%s", who, given ? ": " : "", given ? given : "");

	end_all(engine, why);
	mem_free(why);
}

bool detour_holds(struct engine *engine, bool end)
{
	bool open = open_record(engine) != NULL;

	if (open && end)
		end_all(engine, "ended with the session");
	return open;
}

/* ---- who is there ---- */

static void grace_over(void *arg)
{
	struct engine *engine = arg;

	engine->detour->timer_grace = 0;
	end_all(engine, "ended by bellbook: nobody who drives was there any more");
}

static int64_t grace(void)
{
	const char *text = getenv("BELLBOOK_DETOUR_GRACE");
	int64_t us;

	return text && str_to_duration(text, &us) ? us : GRACE;
}

void detour_people(struct engine *engine)
{
	struct detour *detour = detour_get(engine);
	const struct record *record = open_record(engine);
	bool driven = false;

	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		driven = driven || str_is(client_role(c), "driver");
	if (driven || !record || !detour_is_shell(record)) {
		loop_cancel(engine->loop, detour->timer_grace);
		detour->timer_grace = 0;
	} else if (!detour->timer_grace) {
		detour->timer_grace = loop_after(engine->loop, grace(), grace_over, engine);
	}
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

void detour_tell_hosts(struct engine *engine)
{
	const struct json *fleet = json_at(engine->fleet, "hosts");
	struct json *hosts = json_new_array(), *value;
	size_t count = 0;
	const char **names = mem_array(json_count(fleet) + 1, sizeof(*names));
	void *it = NULL;

	while (count < json_count(fleet) && (names[count] = json_next(fleet, &it, &value)) != NULL)
		count++;
	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++)
		json_add(hosts, json_new_text(names[i], strlen(names[i])));
	mem_free(names);
	json_add(hosts, json_new_text(HERE, strlen(HERE)));
	server_say(engine->server, NULL, "hosts", hosts);
}

/* ---- beginning ---- */

/* What a person wants. */
struct wish {
	const char *hosts[HOSTS_MAX];	/* borrowed; "" = here */
	size_t count;
	const char *cmd;		/* NULL = a shell */
	const char *as, *term;
	int64_t rows, cols;
};

static char *refuse_host(const struct engine *engine, const struct client *client, struct wish *wish, const char *name)
{
	bool known = name && json_at(json_at(engine->fleet, "hosts"), name);
	bool here = !known && str_is(name, HERE);

	if (!known && !here)
		return mem_printf("there is no host %s in the fleet file (\"here\" is this computer)", name && *name ? name : "without a name");
	if (here && client_uid(client) != getuid() && client_uid(client) != 0)
		return mem_printf("on this computer it would run as %s, who started the session: only %s may do that", engine->who, engine->who);
	if (wish->count == HOSTS_MAX)
		return mem_printf("at most %d hosts at a time", HOSTS_MAX);
	for (size_t i = 0; i < wish->count; i++)
		if (str_is(wish->hosts[i], here ? "" : name))
			return NULL;
	wish->hosts[wish->count++] = here ? "" : name;
	return NULL;
}

static bool is_term(const char *term)
{
	static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._";

	return *term && strlen(term) < 40 && strspn(term, fine) == strlen(term);
}

/* Reads the wish; words why not (caller owns), NULL when it is fine. */
static char *read_wish(const struct engine *engine, const struct client *client, const struct json *intent, struct wish *wish)
{
	const struct json *list = json_at(intent, "hosts");
	bool shell = json_bool(intent, "shell", false);
	char *why = NULL;

	wish->cmd = json_text(intent, "cmd", NULL);
	wish->as = json_text(intent, "as", NULL);
	wish->term = json_text(intent, "term", "xterm-256color");
	wish->rows = json_int(intent, "rows", 24);
	wish->cols = json_int(intent, "cols", 80);
	if (shell == (wish->cmd != NULL))
		return mem_strdup("say what to do: a command (cmd), or a shell (shell: true)");
	if (wish->cmd && (!*wish->cmd || strlen(wish->cmd) > LIMIT_TEXT))
		return mem_strdup(*wish->cmd ? "the command is too long; put it into a file first" : "there is no command");
	if (!is_term(wish->term) || wish->rows < 1 || wish->cols < 1 || wish->rows > CELLS_MAX || wish->cols > CELLS_MAX)
		return mem_strdup("that is no terminal: term is a name, rows and cols are 1 to 1000");
	if (!list || json_at(intent, "host"))
		why = refuse_host(engine, client, wish, json_text(intent, "host", NULL));
	for (size_t i = 0; !why && i < json_count(list); i++)
		why = refuse_host(engine, client, wish, json_as_text(json_item(list, i)));
	if (!why && wish->count == 0)
		why = mem_strdup("say on which host");
	if (!why && shell && wish->count > 1)
		why = mem_strdup("a shell is on one host");
	return why;
}

/* Why no detour can begin now, NULL when it can. Caller owns. */
static char *not_now(const struct engine *engine)
{
	const struct record *record = open_record(engine);

	if (engine->dry_run)
		return mem_strdup("this is a dry run: nothing is done on the hosts");
	if (engine->closing || engine->abort_asked)
		return mem_strdup("the session is ending");
	if (book_halted(engine->book))
		return mem_strdup("the journal cannot be written, and nothing is done unrecorded");
	if (record)
		return mem_printf("one detour at a time: %s on %s is not over", detour_is_shell(record) ? "the shell" : "the command", host_name(record));
	return NULL;
}

static int64_t next_number(const struct engine *engine)
{
	int64_t last = 0;

	for (size_t i = 0; i < engine->record_count; i++) {
		const char *path = engine->records[i]->path;
		long long number = engine->records[i]->detour && str_starts(path, "detour.") ? strtoll(path + 7, NULL, 10) : 0;

		if (number > last)
			last = number;
	}
	return last + 1;
}

static struct json *args_of(const struct wish *wish)
{
	struct json *args = json_new_object();

	if (wish->cmd) {
		json_set_text(args, "cmd", wish->cmd);
		json_set_text(args, "as", wish->as);
	} else {
		json_set_int(args, "rows", wish->rows);
		json_set_int(args, "cols", wish->cols);
		json_set_text(args, "term", wish->term);
	}
	return args;
}

static struct record *begin_on(struct engine *engine, const char *who, const struct wish *wish, const char *host, int64_t number)
{
	size_t index;
	const struct model_step *step = step_current(engine, &index);
	char *path = mem_printf("detour.%lld/%s", (long long)number, *host ? host : HERE);
	struct record *record = record_new(engine, step ? step->id : "", step ? step->attempt : 0, path);
	struct batch batch = {0};
	struct json *data;

	record->detour = true;
	record->action = mem_strdup(action_for(wish->cmd ? USE_COMMAND : USE_SHELL, !*host)->name);
	record->host = mem_strdup(host);
	record->args = args_of(wish);
	record->job = calls_job_name(engine, record);
	data = calls_begun_data(engine, record);
	json_set_text(data, "of", "detour");
	if (!wish->cmd)
		json_set_text(data, "job", NULL);
	batch_add(&batch, EVENT_CALL_BEGUN, who, record->step, record->attempt, data);
	batch.events[0].call = record->path;
	batch.events[0].host = record->host;
	batch_commit(engine, &batch);
	mem_free(path);
	return record;
}

static void on_begin(struct engine *engine, struct client *client, const struct json *intent)
{
	struct wish wish = {.count = 0};
	struct detour *detour = detour_get(engine);
	struct record *first = NULL;
	int64_t number = next_number(engine);
	char *why = not_now(engine);

	if (!why)
		why = read_wish(engine, client, intent, &wish);
	if (why) {
		server_refuse(engine->server, client, intent, why);
		mem_free(why);
		return;
	}
	mem_set(&detour->why, NULL);
	detour->rows = (int)wish.rows;
	detour->cols = (int)wish.cols;
	for (size_t i = 0; i < wish.count; i++) {
		struct record *record = begin_on(engine, client_who(client), &wish, wish.hosts[i], number);

		first = first ? first : record;
	}
	if (book_drain(engine->book) == 0 && first)
		server_accept(engine->server, client, intent, first->seq);
}

/* ---- at the terminal ---- */

static void typed_due(void *arg)
{
	struct engine *engine = arg;

	engine->detour->timer_typed = 0;
	if (!engine->detour->typed)
		return;
	tell_typed(engine);
	engine->detour->timer_typed = loop_after(engine->loop, TYPED_EVERY, typed_due, engine);
}

/* That something is typed, and by whom: stored before it is sent, then at most once a second. False when it cannot be stored now. */
static bool count_typed(struct engine *engine, const struct record *record, const char *who, size_t len)
{
	struct detour *detour = detour_get(engine);

	if (!str_is(detour->typist, who) || detour->shell != record->number)
		tell_typed(engine);
	mem_set(&detour->typist, who);
	detour->shell = record->number;
	detour->typed += (int64_t)len;
	if (detour->timer_typed)
		return !book_halted(engine->book);
	tell_typed(engine);
	detour->timer_typed = loop_after(engine->loop, TYPED_EVERY, typed_due, engine);
	return book_drain(engine->book) == 0;
}

static const char *type(struct engine *engine, struct client *client, const struct json *intent, const struct record *record)
{
	const char *text = json_text(intent, "bytes", ""), *why = NULL;
	struct buf bytes = {0};

	if (!str_unbase64(&bytes, text, strlen(text)))
		return "bytes must be base64";
	if (bytes.len > 0 && count_typed(engine, record, client_who(client), bytes.len))
		worker_type(engine->worker, record->number, bytes.data, bytes.len);
	else if (bytes.len > 0)
		why = "the journal cannot be written, and nothing is typed unrecorded";
	if (bytes.data)
		explicit_bzero(bytes.data, bytes.cap);
	buf_done(&bytes);
	return why;
}

static const char *resize(struct engine *engine, struct client *client, const struct json *intent, const struct record *record)
{
	struct detour *detour = detour_get(engine);
	int64_t rows = json_int(intent, "rows", 0), cols = json_int(intent, "cols", 0);
	struct json *data;

	if (rows < 1 || cols < 1 || rows > CELLS_MAX || cols > CELLS_MAX)
		return "rows and cols are 1 to 1000";
	if (rows == detour->rows && cols == detour->cols)
		return NULL;
	detour->rows = (int)rows;
	detour->cols = (int)cols;
	worker_resize(engine->worker, record->number, detour->rows, detour->cols);
	data = json_new_object();
	json_set_text(data, "stream", "size");
	json_set_int(data, "rows", rows);
	json_set_int(data, "cols", cols);
	add_remark(engine, record, client_who(client), data);
	return NULL;
}

/* The open detour that the intent names by the seq of its call.begun. */
static struct record *named(const struct engine *engine, const struct json *intent)
{
	int64_t seq = json_int(intent, "call", 0);

	for (size_t i = engine->record_count; i-- > 0;) {
		struct record *record = engine->records[i];

		if (record->seq == seq && seq > 0 && is_open(record) && record->at_worker && !record->ending)
			return record;
	}
	return NULL;
}

static void on_sitting(struct engine *engine, struct client *client, const struct json *intent, const char *what)
{
	const struct record *record = named(engine, intent);
	bool end = str_is(what, "detour.end");
	const char *why;

	if (!record)
		why = "no such detour is open";
	else if (!end && !detour_is_shell(record))
		why = "that is a command; only a shell has a keyboard";
	else if (end)
		why = NULL;
	else if (str_is(what, "detour.input"))
		why = type(engine, client, intent, record);
	else
		why = resize(engine, client, intent, record);
	if (why)
		server_refuse(engine->server, client, intent, why);
	else if (end)
		orders_stop(engine, client, intent, record, true);
	/* One answer a key would be too much. */
	else if (json_at(intent, "id"))
		server_accept(engine->server, client, intent, record->seq);
}

bool detour_intent(struct engine *engine, struct client *client, const struct json *intent)
{
	const char *what = json_text(intent, "do", "");
	bool begin = str_is(what, "detour");

	if (!begin && !str_is(what, "detour.input") && !str_is(what, "detour.size") && !str_is(what, "detour.end"))
		return false;
	if (!str_is(client_role(client), "driver"))
		server_refuse(engine->server, client, intent, "only the driver may do that");
	else if (begin)
		on_begin(engine, client, intent);
	else
		on_sitting(engine, client, intent, what);
	return true;
}
