/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What action code may ask of its call. Runs in the lane's thread. */
#define _GNU_SOURCE
#include "actions/worker/call.h"
#include "actions/worker/call_int.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actions/worker/worker_frames.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

static void free_answer(struct answer *answer)
{
	explicit_bzero(answer->value, answer->len);
	mem_free(answer->value);
	mem_free(answer);
}

void call_free(struct call *call)
{
	while (call->answers) {
		struct answer *next = call->answers->next;

		free_answer(call->answers);
		call->answers = next;
	}
	if (call->typed.data)
		explicit_bzero(call->typed.data, call->typed.cap);
	buf_done(&call->typed);
	json_free(call->args);
	json_free(call->result);
	json_free(call->facts);
	mem_free(call->kept_why);
	mem_free(call->host);
	mem_free(call->job);
	mem_free(call);
}

const struct json *call_args(const struct call *call)
{
	return call->args;
}

const char *call_host(const struct call *call)
{
	return call->host;
}

const char *call_peer(const struct call *call)
{
	return call->peer ? call->peer : call->host;
}

const char *call_job(const struct call *call)
{
	return call->job;
}

int call_generation(const struct call *call)
{
	return call->generation;
}

void call_set_generation(struct call *call, int generation)
{
	call->generation = generation;
}

int call_not_run(struct call *call)
{
	call->not_run = true;
	return -1;
}

void call_set_seen(struct call *call, const char *text)
{
	str_copy(call->seen, sizeof(call->seen), text);
}

void call_offsets(const struct call *call, int64_t *out, int64_t *err)
{
	*out = call->offsets[0];
	*err = call->offsets[1];
}

bool call_is_canceled(const struct call *call)
{
	struct child *child = call->child;
	bool canceled;

	pthread_mutex_lock(&child->lock);
	canceled = call->canceled;
	pthread_mutex_unlock(&child->lock);
	return canceled;
}

/* True when an answer to that question is there. */
static bool is_answered(const struct call *call, int64_t ask)
{
	bool found = false;

	pthread_mutex_lock(&call->child->lock);
	for (const struct answer *answer = call->answers; answer; answer = answer->next)
		found |= answer->ask == ask;
	pthread_mutex_unlock(&call->child->lock);
	return found;
}

/* True when it is, or when nobody is there any more to answer. */
static bool fact_is_answered(const struct call *call, int64_t fact)
{
	bool answered;

	pthread_mutex_lock(&call->child->lock);
	answered = call->kept == fact || call->child->closing;
	pthread_mutex_unlock(&call->child->lock);
	return answered;
}

void call_listen(struct call *call, bool on)
{
	call->listening = on;
}

bool call_has_typed(const struct call *call)
{
	bool has;

	if (!call->listening)
		return false;
	pthread_mutex_lock(&call->child->lock);
	has = call->typed.len > 0 || call->rows > 0;
	pthread_mutex_unlock(&call->child->lock);
	return has;
}

bool call_take_typed(struct call *call, struct buf *typed, int *rows, int *cols)
{
	bool resized;

	pthread_mutex_lock(&call->child->lock);
	if (typed && call->typed.len > 0) {
		buf_append(typed, call->typed.data, call->typed.len);
		explicit_bzero(call->typed.data, call->typed.len);
		buf_clear(&call->typed);
	}
	resized = call->rows > 0;
	if (resized) {
		*rows = call->rows;
		*cols = call->cols;
	}
	call->rows = 0;
	pthread_mutex_unlock(&call->child->lock);
	return resized;
}

static void drain(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

/* Milliseconds for poll until the nearer of both times (0 = none), rounded up; -1 = for ever. */
static int poll_ms(int64_t now, int64_t one, int64_t other)
{
	int64_t until = one && (!other || one < other) ? one : other;
	int64_t ms;

	if (!until)
		return -1;
	ms = until <= now ? 0 : (until - now + 999) / 1000;
	return ms > 3600000 ? 3600000 : (int)ms;
}

/* What call_wait and call_ask wait for. */
struct waiting {
	int fd;			/* -1 = none */
	short events;
	int64_t until_us;	/* end of this wait alone; 0 = none */
	int64_t ask;		/* the question whose answer ends it; 0 = none */
	int64_t fact;		/* the fact whose answer ends it; 0 = none */
	bool clock_stands;	/* the call's deadline does not count */
};

static int wait_for(struct call *call, const struct waiting *waiting, struct err *e)
{
	int64_t deadline = call->cancel_seen ? call->grace_us : waiting->clock_stands ? 0 : call->deadline_us;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = call->lane->wake, .events = POLLIN },
			{ .fd = waiting->fd, .events = waiting->events },
		};
		int64_t now;

		if (!call->cancel_seen && call_is_canceled(call))
			return err_set(e, ERR_CANCELED, "canceled");
		if (waiting->ask && is_answered(call, waiting->ask))
			return 0;
		if (waiting->fact && fact_is_answered(call, waiting->fact))
			return 0;
		if (call_has_typed(call))
			return 0;
		now = time_mono_us();
		if (poll(fds, 2, poll_ms(now, deadline, waiting->until_us)) < 0 && errno != EINTR)
			return err_errno(e, "cannot wait");
		if (fds[0].revents)
			drain(call->lane->wake);
		if (waiting->fd >= 0 && fds[1].revents)
			return 0;
		now = time_mono_us();
		if (deadline && now >= deadline)
			return err_set(e, ERR_TIMEOUT, CALL_NO_END);
		if (waiting->until_us && now >= waiting->until_us)
			return 1;
	}
}

int call_wait(struct call *call, int fd, short events, int64_t extra_us, struct err *e)
{
	struct waiting waiting = {
		.fd = fd, .events = events, .until_us = extra_us >= 0 ? time_mono_us() + extra_us : 0,
	};

	return wait_for(call, &waiting, e);
}

void call_cancel_seen(struct call *call, int64_t grace_us)
{
	call->cancel_seen = true;
	call->grace_us = time_mono_us() + grace_us;
}

void call_output(struct call *call, const char *stream, const void *bytes, size_t len)
{
	struct buf head = {0};

	if (len == 0 || call->id == 0)
		return;
	buf_append(&head, stream, strlen(stream) + 1);
	for (size_t at = 0; at < len;) {
		size_t part = len - at < 65536 ? len - at : 65536;

		outbox_put(call->child, FRAME_OUTPUT, call->id, &head, (const char *)bytes + at, part);
		at += part;
	}
	buf_done(&head);
}

void call_progress(struct call *call, struct json *progress)
{
	outbox_json(call->child, FRAME_PROGRESS, call->id, progress);
}

void call_link(struct call *call, const char *state, const char *text)
{
	bool silent = str_is(state, "silent"), back = str_is(state, "back");
	struct json *data;

	if (call->id == 0 || (silent && call->silent) || (back && !call->silent))
		return;
	if (silent || back || str_is(state, "lost"))
		call->silent = !back;
	data = json_new_object();
	json_set_text(data, "state", state);
	json_set_text(data, "text", text);
	outbox_json(call->child, FRAME_LINK, call->id, data);
}

static const char *settled_name(enum action_settled how)
{
	switch (how) {
	case SETTLED_NEVER:
		return "never";
	case SETTLED_RUNNING:
		return "running";
	case SETTLED_FINISHED:
		return "finished";
	case SETTLED_UNKNOWN:
		break;
	}
	return "unknown";
}

static void tell_settled(struct call *call, const char *how)
{
	struct json *data = json_new_object();

	json_set_text(data, "how", how);
	json_set_text(data, "text", call->seen);
	json_set_int(data, "generation", call->generation);
	outbox_json(call->child, FRAME_SETTLED, call->id, data);
}

void call_settled(struct call *call, enum action_settled how)
{
	call->settled_told = true;
	tell_settled(call, settled_name(how));
}

void call_again(struct call *call)
{
	tell_settled(call, "again");
}

/* Takes the answer out of the call; its value is the caller's. */
static char *take_answer(struct call *call, int64_t ask)
{
	struct answer *answer;
	char *value = NULL;

	pthread_mutex_lock(&call->child->lock);
	for (struct answer **at = &call->answers; (answer = *at); at = &answer->next) {
		if (answer->ask == ask) {
			*at = answer->next;
			break;
		}
	}
	pthread_mutex_unlock(&call->child->lock);
	if (answer) {
		value = answer->value;
		mem_free(answer);
	}
	return value;
}

int call_ask(struct call *call, const char *of, const char *text, const char *details, char **answer,
	     struct err *e)
{
	/* No events: only that the other end is gone. */
	struct waiting waiting = { .fd = call->asker - 1, .clock_stands = true };
	int64_t began = time_mono_us();
	struct json *data;

	*answer = NULL;
	if (call->id == 0)
		return err_set(e, ERR_DENIED, "nobody to ask: %s", text);
	pthread_mutex_lock(&call->child->lock);
	waiting.ask = ++call->child->asks;
	pthread_mutex_unlock(&call->child->lock);
	data = json_new_object();
	json_set_int(data, "ask", waiting.ask);
	json_set_text(data, "of", of);
	json_set_text(data, "text", text);
	json_set_text(data, "details", details);
	outbox_json(call->child, FRAME_ASK, call->id, data);
	if (wait_for(call, &waiting, e) < 0)
		return -1;
	/* A person's time is not the host's. */
	if (call->deadline_us)
		call->deadline_us += time_mono_us() - began;
	*answer = take_answer(call, waiting.ask);
	if (!*answer && call->asker)
		return err_set(e, ERR_IO, "the program that asked is gone, and with it the log-in");
	return 0;
}

const struct json *call_facts(const struct call *call)
{
	return call->facts;
}

/* The fact, as text, beside those there are. */
static int fact_fits(const struct call *call, const struct json *fact, struct err *e)
{
	char *one = json_print(fact), *all = json_print(call->facts);
	size_t size = strlen(one) + strlen(all);

	mem_free(one);
	mem_free(all);
	if (size <= LIMIT_FACTS)
		return 0;
	return err_set(e, ERR_USAGE, "the facts of this call take %zu bytes as JSON; at most %zu can be kept", size, LIMIT_FACTS);
}

/* What came of it. */
static int fact_answer(struct call *call, int64_t number, struct err *e)
{
	int result = 0;

	pthread_mutex_lock(&call->child->lock);
	if (call->kept != number)
		result = err_set(e, ERR_IO, "the session is gone: whether it kept a fact of this call is not known");
	else if (call->kept_why)
		result = err_set(e, ERR_USAGE, "%s", call->kept_why);
	pthread_mutex_unlock(&call->child->lock);
	return result;
}

int call_fact(struct call *call, struct json *fact, struct err *e)
{
	struct waiting waiting = { .fd = -1 };
	struct json *data;
	int result = -1;

	if (call->id == 0) {
		err_set(e, ERR_USAGE, "what is forgotten has no facts");
	} else if (fact_fits(call, fact, e) == 0) {
		pthread_mutex_lock(&call->child->lock);
		waiting.fact = ++call->child->facts;
		pthread_mutex_unlock(&call->child->lock);
		data = json_new_object();
		json_set_int(data, "number", waiting.fact);
		json_put(data, "fact", json_copy_of(fact));
		outbox_json(call->child, FRAME_FACT, call->id, data);
		result = wait_for(call, &waiting, e) < 0 ? -1 : fact_answer(call, waiting.fact, e);
	}
	if (result == 0)
		json_add(call->facts, fact);
	else
		json_free(fact);
	return result;
}

void call_set_result(struct call *call, struct json *result)
{
	json_free(call->result);
	call->result = result;
}

const char *call_reveal(struct call *call, const struct json *value, size_t *len, struct err *e)
{
	const char *text = json_as_text(value);
	const char *name;
	const struct kept_secret *kept;

	if (text) {
		*len = strlen(text);
		return text;
	}
	name = json_as_text(json_at(value, "$secret"));
	if (!name) {
		err_set(e, ERR_USAGE, "neither a text nor a secret");
		return NULL;
	}
	pthread_mutex_lock(&call->child->lock);
	for (kept = call->child->secrets; kept; kept = kept->next) {
		if (str_is(secret_name(kept->secret), name))
			break;
	}
	pthread_mutex_unlock(&call->child->lock);
	if (!kept) {
		err_set(e, ERR_NOTFOUND, "the secret %s is not known", name);
		return NULL;
	}
	return secret_reveal(kept->secret, len);
}

const struct json *call_config(const struct call *call)
{
	return call->config;
}

void *call_keep(struct call *call, const struct keep_type *type)
{
	for (const struct kept *kept = call->lane->kept; kept; kept = kept->next) {
		if (kept->type == type)
			return kept->keep;
	}
	return NULL;
}

void call_set_keep(struct call *call, const struct keep_type *type, void *keep)
{
	struct kept *kept = mem_alloc(sizeof(*kept));

	assert(!call_keep(call, type));
	kept->type = type;
	kept->keep = keep;
	kept->next = call->lane->kept;
	call->lane->kept = kept;
}
