/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/worker/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/worker/worker_frames.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/wire.h"

#define FREE_MAX (16 * TIME_SECOND)

/* The generation that a job was settled to: its start takes that claim. Outlives the worker process. */
struct generation {
	char *job;	/* owned */
	int generation;
	struct generation *next;
};

/* Which job a call is about, as "never" comes with the call's number. */
struct open_call {
	uint64_t call;
	char *job;	/* owned */
	struct open_call *next;
};

/* A call that somebody wants to end: the process that gets it next, when this one is lost, is told so too. */
struct cancel {
	uint64_t call;
	struct cancel *next;
};

struct kept {
	struct secret *secret;	/* owned */
	struct kept *next;
};

struct worker {
	struct loop *loop;		/* borrowed */
	struct fork_server *server;	/* borrowed */
	const struct worker_events *events;	/* borrowed */
	void *arg;
	int fd;				/* -1 = lost */
	pid_t pid;
	bool paused;
	bool dispatching;		/* frames are being told; worker_free waits for its end */
	bool dead;			/* worker_free was called meanwhile */
	struct buf in, out;
	struct json *config;		/* owned */
	struct kept *secrets;		/* oldest first */
	struct generation *generations;
	struct open_call *calls;
	struct cancel *cancels;
};

/* Room in `out` without leaving a copy of secrets behind in freed memory. */
static void make_room(struct buf *out, size_t extra)
{
	struct buf larger = {0};

	if (out->cap - out->len > extra)
		return;
	buf_room(&larger, (out->len + extra) * 2);
	buf_append(&larger, buf_text(out), out->len);
	if (out->data)
		explicit_bzero(out->data, out->cap);
	buf_done(out);
	*out = larger;
}

/* Sends what goes now and asks the loop for the rest. A broken connection shows when reading. */
static void flush(struct worker *worker)
{
	size_t before = worker->out.len;
	struct err e;
	short events = worker->paused ? 0 : POLLIN;

	if (worker->fd < 0)
		return;
	if (before > 0 && wire_flush(worker->fd, &worker->out, &e) < 0)
		buf_clear(&worker->out);
	/* Secrets and answers go through here. */
	if (worker->out.len < before)
		explicit_bzero(worker->out.data + worker->out.len, before - worker->out.len);
	loop_events(worker->loop, worker->fd, worker->out.len > 0 ? (short)(events | POLLOUT) : events);
}

static void send_frame(struct worker *worker, uint32_t type, uint64_t id, const void *bytes, size_t len)
{
	if (worker->fd < 0)
		return;
	make_room(&worker->out, WIRE_HEADER + len + 1);
	wire_put(&worker->out, type, id, bytes, len);
	flush(worker);
}

static void send_json(struct worker *worker, uint32_t type, uint64_t id, const struct json *json)
{
	char *text = json_print(json);

	send_frame(worker, type, id, text, strlen(text));
	mem_free(text);
}

/* Two parts in one frame, wiped behind. */
static void send_wiped(struct worker *worker, uint32_t type, uint64_t id, const struct buf *head,
		       const char *value, size_t len)
{
	size_t size = head->len + len;
	char *bytes = mem_alloc(size);

	if (head->len > 0)
		memcpy(bytes, head->data, head->len);
	if (len > 0)
		memcpy(bytes + head->len, value, len);
	send_frame(worker, type, id, bytes, size);
	explicit_bzero(bytes, size);
	mem_free(bytes);
}

static void send_secret(struct worker *worker, const struct secret *secret)
{
	struct buf name = {0};
	size_t len;
	const char *value = secret_reveal(secret, &len);

	buf_append(&name, secret_name(secret), strlen(secret_name(secret)) + 1);
	send_wiped(worker, FRAME_SECRET, 0, &name, value, len);
	buf_done(&name);
}

static void set_generation(struct worker *worker, const char *job, int generation)
{
	struct generation *at;

	for (at = worker->generations; at; at = at->next) {
		if (str_is(at->job, job)) {
			at->generation = generation;
			return;
		}
	}
	at = mem_alloc(sizeof(*at));
	at->job = mem_strdup(job);
	at->generation = generation;
	at->next = worker->generations;
	worker->generations = at;
}

/* Takes the generation of a job out of the list; 1 when it has none. */
static int get_generation(const struct worker *worker, const char *job)
{
	for (const struct generation *at = worker->generations; at; at = at->next) {
		if (str_is(at->job, job))
			return at->generation;
	}
	return 1;
}

static void drop_generation(struct worker *worker, const char *job)
{
	struct generation *at;

	for (struct generation **link = &worker->generations; (at = *link); link = &at->next) {
		if (str_is(at->job, job)) {
			*link = at->next;
			mem_free(at->job);
			mem_free(at);
			return;
		}
	}
}

static void add_call(struct worker *worker, uint64_t call, const char *job)
{
	struct open_call *open = mem_alloc(sizeof(*open));

	open->call = call;
	open->job = mem_strdup(job);
	open->next = worker->calls;
	worker->calls = open;
}

/* Takes a call out of the list; its job name is the caller's, NULL when it is not there. */
static char *drop_call(struct worker *worker, uint64_t call)
{
	struct open_call *at;
	char *job;

	for (struct open_call **link = &worker->calls; (at = *link); link = &at->next) {
		if (at->call == call) {
			*link = at->next;
			job = at->job;
			mem_free(at);
			return job;
		}
	}
	return NULL;
}

static bool is_canceled(const struct worker *worker, uint64_t call)
{
	const struct cancel *at = worker->cancels;

	while (at && at->call != call)
		at = at->next;
	return at;
}

/* The call is over. */
static void drop_cancel(struct worker *worker, uint64_t call)
{
	struct cancel *at;

	for (struct cancel **link = &worker->cancels; (at = *link); link = &at->next) {
		if (at->call == call) {
			*link = at->next;
			mem_free(at);
			return;
		}
	}
}

static void told_settled(struct worker *worker, uint64_t call, const struct json *data)
{
	const char *how = json_text(data, "how", "unknown");

	if (str_is(how, "never") || str_is(how, "unknown")) {
		char *job = drop_call(worker, call);

		drop_cancel(worker, call);
		if (job && str_is(how, "never"))
			set_generation(worker, job, (int)json_int(data, "generation", 1));
		mem_free(job);
	}
	worker->events->settled(worker->arg, call, how, json_text(data, "text", ""));
}

static void told_ended(struct worker *worker, uint64_t call, const struct json *data)
{
	mem_free(drop_call(worker, call));
	drop_cancel(worker, call);
	worker->events->ended(worker->arg, call, json_text(data, "outcome", "unknown"),
			      json_text(data, "error", NULL), json_bool(data, "not_run", false), json_at(data, "result"));
}

static void told_output(struct worker *worker, const struct frame *frame)
{
	const char *end = memchr(frame->bytes, '\0', frame->len);

	if (!end)
		return;
	end++;
	worker->events->output(worker->arg, frame->id, frame->bytes, end,
			       frame->len - (size_t)(end - frame->bytes));
}

static void told_fact(struct worker *worker, uint64_t call, const struct json *data)
{
	int64_t number = json_int(data, "number", 0);

	if (worker->events->fact)
		worker->events->fact(worker->arg, call, number, json_at(data, "fact"));
	else
		worker_kept(worker, call, number, "nobody keeps facts of this call");
}

/* Tells one frame. -1 when it makes no sense. */
static int told(struct worker *worker, const struct frame *frame)
{
	struct json *data;
	struct err e;

	if (frame->type == FRAME_OUTPUT) {
		told_output(worker, frame);
		return 0;
	}
	data = json_parse(frame->bytes, frame->len, &e);
	if (!data)
		return -1;
	if (frame->type == FRAME_PROGRESS)
		worker->events->progress(worker->arg, frame->id, data);
	else if (frame->type == FRAME_LINK)
		worker->events->link(worker->arg, frame->id, json_text(data, "state", ""),
				     json_text(data, "text", ""));
	else if (frame->type == FRAME_SETTLED)
		told_settled(worker, frame->id, data);
	else if (frame->type == FRAME_ASK)
		worker->events->ask(worker->arg, frame->id, json_int(data, "ask", 0),
				    json_text(data, "of", ""), json_text(data, "text", ""),
				    json_text(data, "details", NULL));
	else if (frame->type == FRAME_ENDED)
		told_ended(worker, frame->id, data);
	else if (frame->type == FRAME_FACT)
		told_fact(worker, frame->id, data);
	else if (frame->type == FRAME_SWEPT && worker->events->swept)
		worker->events->swept(worker->arg, json_text(data, "left", ""));
	json_free(data);
	return 0;
}

static void close_worker(struct worker *worker)
{
	if (worker->fd < 0)
		return;
	loop_unwatch(worker->loop, worker->fd);
	close(worker->fd);
	worker->fd = -1;
	worker->pid = 0;
	if (worker->out.data)
		explicit_bzero(worker->out.data, worker->out.cap);
	buf_clear(&worker->out);
	buf_clear(&worker->in);
	while (worker->calls)
		mem_free(drop_call(worker, worker->calls->call));
}

static void lose(struct worker *worker)
{
	pid_t pid = worker->pid;

	close_worker(worker);
	worker->events->lost(worker->arg, pid);
}

static void free_now(struct worker *worker)
{
	close_worker(worker);
	while (worker->generations)
		drop_generation(worker, worker->generations->job);
	while (worker->cancels)
		drop_cancel(worker, worker->cancels->call);
	while (worker->secrets) {
		struct kept *next = worker->secrets->next;

		secret_free(worker->secrets->secret);
		mem_free(worker->secrets);
		worker->secrets = next;
	}
	json_free(worker->config);
	buf_done(&worker->in);
	buf_done(&worker->out);
	mem_free(worker);
}

/* Tells the frames that are whole. -1 when the stream is broken. */
static int dispatch(struct worker *worker)
{
	struct frame frame;
	size_t offset = 0;
	struct err e;
	int got = 0;

	/* A callback may pause us, restart us or free us. */
	while (worker->fd >= 0 && !worker->dead && !worker->paused) {
		got = wire_get(&worker->in, &offset, &frame, &e);
		if (got <= 0 || (got = told(worker, &frame)) < 0)
			break;
	}
	if (worker->fd >= 0 && offset > 0)
		buf_consume(&worker->in, offset);
	return got < 0 ? -1 : 0;
}

static void on_ready(void *arg, int fd, short events);

static void resume(void *arg)
{
	struct worker *worker = arg;

	on_ready(worker, worker->fd, 0);
}

static void on_ready(void *arg, int fd, short events)
{
	struct worker *worker = arg;
	struct err e;
	int eof = 0;
	bool broken = false;

	if (worker->dispatching || worker->fd < 0 || worker->fd != fd)
		return;
	worker->dispatching = true;
	if (events & POLLOUT)
		flush(worker);
	if (events & (POLLIN | POLLHUP | POLLERR))
		broken = wire_read(worker->fd, &worker->in, &eof, &e) < 0;
	broken = dispatch(worker) < 0 || broken;
	worker->dispatching = false;
	if (worker->dead) {
		free_now(worker);
		return;
	}
	/* The same descriptor number may be another worker's by now, after a restart in a callback. */
	if (worker->fd == fd && (broken || eof))
		lose(worker);
}

static int connect_worker(struct worker *worker, struct err *e)
{
	pid_t pid;
	int fd = fork_server_child(worker->server, &pid, e);

	if (fd < 0)
		return err_wrap(e, "no worker");
	worker->fd = fd;
	worker->pid = pid;
	loop_watch(worker->loop, fd, worker->paused ? 0 : POLLIN, on_ready, worker);
	if (worker->config)
		send_json(worker, FRAME_CONFIG, 0, worker->config);
	for (const struct kept *kept = worker->secrets; kept; kept = kept->next)
		send_secret(worker, kept->secret);
	return 0;
}

struct worker *worker_new(struct loop *loop, struct fork_server *server, const struct worker_events *events,
			  void *arg, struct err *e)
{
	struct worker *worker = mem_alloc(sizeof(*worker));

	*worker = (struct worker){ .loop = loop, .server = server, .events = events, .arg = arg, .fd = -1 };
	if (connect_worker(worker, e) < 0) {
		free_now(worker);
		return NULL;
	}
	return worker;
}

/* Gives the process time to remove what its finished jobs left: end of file on its side, then its end on ours. */
static void wait_for_end(struct worker *worker)
{
	int64_t until = time_mono_us() + FREE_MAX;
	struct pollfd ready = { .fd = worker->fd, .events = POLLIN };
	struct err e;
	int eof = 0;

	(void)wire_flush(worker->fd, &worker->out, &e);
	shutdown(worker->fd, SHUT_WR);
	while (!eof && time_mono_us() < until) {
		buf_clear(&worker->in);
		if (poll(&ready, 1, 100) > 0 && wire_read(worker->fd, &worker->in, &eof, &e) < 0)
			break;
	}
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	if (worker->fd >= 0)
		wait_for_end(worker);
	worker->dead = true;
	if (!worker->dispatching)
		free_now(worker);
}

int worker_restart(struct worker *worker, struct err *e)
{
	close_worker(worker);
	return connect_worker(worker, e);
}

pid_t worker_pid(const struct worker *worker)
{
	return worker->pid;
}

void worker_start(struct worker *worker, uint64_t call, const struct worker_call *what)
{
	struct json *data = json_new_object();

	json_set_text(data, "action", what->action);
	json_put(data, "args", what->args ? json_copy_of(what->args) : json_new_object());
	json_set_text(data, "host", what->host ? what->host : "");
	json_set_text(data, "job", what->job ? what->job : "");
	json_set_int(data, "timeout", what->timeout_us);
	json_set_bool(data, "settle", what->settle);
	json_set_int(data, "out", what->out_offset);
	json_set_int(data, "err", what->err_offset);
	if (what->facts)
		json_put(data, "facts", json_copy_of(what->facts));
	json_set_int(data, "generation", what->job ? get_generation(worker, what->job) : 1);
	if (worker->fd >= 0)
		add_call(worker, call, what->job ? what->job : "");
	send_json(worker, FRAME_START, call, data);
	json_free(data);
	if (is_canceled(worker, call))
		send_frame(worker, FRAME_CANCEL, call, "", 0);
}

void worker_cancel(struct worker *worker, uint64_t call)
{
	struct cancel *cancel = is_canceled(worker, call) ? NULL : mem_alloc(sizeof(*cancel));

	if (cancel) {
		cancel->call = call;
		cancel->next = worker->cancels;
		worker->cancels = cancel;
	}
	send_frame(worker, FRAME_CANCEL, call, "", 0);
}

void worker_answer(struct worker *worker, uint64_t call, int64_t ask, const char *value, size_t len)
{
	struct buf head = {0};

	for (int i = 0; i < 8; i++)
		buf_putc(&head, (char)((uint64_t)ask >> (8 * i) & 255));
	send_wiped(worker, FRAME_ANSWER, call, &head, value, len);
	buf_done(&head);
}

void worker_kept(struct worker *worker, uint64_t call, int64_t number, const char *why)
{
	struct json *data = json_new_object();

	json_set_int(data, "number", number);
	json_set_text(data, "why", why);
	send_json(worker, FRAME_KEPT, call, data);
	json_free(data);
}

void worker_type(struct worker *worker, uint64_t call, const void *bytes, size_t len)
{
	struct buf none = {0};

	if (len > 0)
		send_wiped(worker, FRAME_TYPED, call, &none, bytes, len);
}

void worker_resize(struct worker *worker, uint64_t call, int rows, int cols)
{
	struct json *data = json_new_object();

	json_set_int(data, "rows", rows);
	json_set_int(data, "cols", cols);
	send_json(worker, FRAME_SIZE, call, data);
	json_free(data);
}

void worker_forget(struct worker *worker, const char *action, const char *host, const char *job, bool patient)
{
	struct json *data = json_new_object();

	drop_generation(worker, job);
	json_set_text(data, "action", action);
	json_set_text(data, "host", host ? host : "");
	json_set_text(data, "job", job);
	json_set_bool(data, "patient", patient);
	send_json(worker, FRAME_FORGET, 0, data);
	json_free(data);
}

void worker_sweep(struct worker *worker)
{
	send_frame(worker, FRAME_SWEEP, 0, "{}", 2);
}

void worker_secret(struct worker *worker, const struct secret *secret)
{
	struct kept **end = &worker->secrets;
	struct kept *kept;
	struct err e;
	size_t len;
	const char *value = secret_reveal(secret, &len);
	struct secret *copy = secret_new_any(secret_name(secret), value, len, &e);

	if (!copy)
		return;
	kept = mem_alloc(sizeof(*kept));
	kept->secret = copy;
	while (*end)
		end = &(*end)->next;
	*end = kept;
	send_secret(worker, copy);
}

void worker_config(struct worker *worker, struct json *config)
{
	json_free(worker->config);
	worker->config = config;
	send_json(worker, FRAME_CONFIG, 0, config);
}

void worker_pause(struct worker *worker, bool paused)
{
	if (worker->paused == paused)
		return;
	worker->paused = paused;
	flush(worker);
	/* Frames that are here already are told before the next round. */
	if (!paused && worker->fd >= 0 && worker->in.len > 0)
		loop_defer(worker->loop, resume, worker);
}
