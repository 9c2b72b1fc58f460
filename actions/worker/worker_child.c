/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The worker process. The main thread moves frames between the session and the
 * lanes and never blocks on anything else; lanes run the calls. What the lanes
 * say goes into one outbox of bounded size: when the session does not read,
 * the lanes wait, and with them the hosts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actions/worker/call_int.h"
#include "actions/worker/worker.h"
#include "actions/worker/worker_frames.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "base/wire.h"

#ifdef TINY_LIMITS
#define OUTBOX_MAX ((size_t)4096)
#else
#define OUTBOX_MAX ((size_t)1 << 20)
#endif
#define CLOSING_MAX (15 * TIME_SECOND)

void outbox_put(struct child *child, uint32_t type, uint64_t id, const struct buf *head, const void *tail,
		size_t len)
{
	struct buf frame = {0};

	if (head)
		buf_append(&frame, head->data, head->len);
	if (len > 0)
		buf_append(&frame, tail, len);
	pthread_mutex_lock(&child->lock);
	while (child->outbox.len > OUTBOX_MAX && !child->closing)
		pthread_cond_wait(&child->room, &child->lock);
	if (!child->closing) {
		bool empty = child->outbox.len == 0;

		wire_put(&child->outbox, type, id, buf_text(&frame), frame.len);
		if (empty)
			(void)!write(child->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
	}
	pthread_mutex_unlock(&child->lock);
	buf_done(&frame);
}

void outbox_json(struct child *child, uint32_t type, uint64_t id, struct json *json)
{
	char *text = json_print(json);

	outbox_put(child, type, id, NULL, text, strlen(text));
	mem_free(text);
	json_free(json);
}

/* From the main thread, which must not wait for room that only it can make. */
static void tell_at_once(struct child *child, uint64_t id, const char *outcome, const char *error)
{
	struct json *data = json_new_object();
	char *text;

	json_set_text(data, "outcome", outcome);
	json_set_text(data, "error", error);
	text = json_print(data);
	wire_put(&child->outbox, FRAME_ENDED, id, text, strlen(text));
	mem_free(text);
	json_free(data);
}

static void take_config(struct child *child, struct json *json)
{
	struct kept_config *kept = mem_alloc(sizeof(*kept));

	kept->json = json;
	kept->next = child->configs;
	child->configs = kept;
	/* Before the first call: no thread of a lane runs yet. */
	for (size_t i = 0; i < json_count(json_at(json, "hidden")); i++)
		secret_forget_env(json_as_text(json_item(json_at(json, "hidden"), i)));
}

static void take_secret(struct child *child, const struct frame *frame)
{
	const char *end = memchr(frame->bytes, '\0', frame->len);
	struct kept_secret *kept;
	struct secret *secret;
	struct err e;

	if (!end)
		return;
	end++;
	secret = secret_new_any(frame->bytes, end, frame->len - (size_t)(end - frame->bytes), &e);
	if (!secret)
		return;
	kept = mem_alloc(sizeof(*kept));
	kept->secret = secret;
	kept->next = child->secrets;
	child->secrets = kept;
}

/* The nearer of the deadline the session gave and the one in the arguments; 0 = none. */
static int64_t deadline_of(const struct json *data, const struct json *args)
{
	int64_t timeout = json_int(data, "timeout", 0);
	int64_t us = 0;

	(void)duration_of(json_at(args, "timeout"), &us);
	if (us > 0 && (timeout == 0 || us < timeout))
		timeout = us;
	return timeout > 0 ? time_mono_us() + timeout : 0;
}

static void take_start(struct child *child, uint64_t id, const struct json *data)
{
	const struct action *action = action_find(json_text(data, "action", ""));
	const struct json *args = json_at(data, "args");
	struct call *call;
	struct err e;

	if (!action) {
		tell_at_once(child, id, "failed", "no such action");
		return;
	}
	if (action_check(action, args, &e) < 0) {
		tell_at_once(child, id, "failed", e.text);
		return;
	}
	call = mem_alloc(sizeof(*call));
	*call = (struct call){
		.id = id, .action = action, .args = json_copy_of(args), .child = child,
		.host = mem_strdup(json_text(data, "host", "")),
		.job = mem_strdup(json_text(data, "job", "")),
		.deadline_us = deadline_of(data, args), .settle = json_bool(data, "settle", false),
		.offsets = { json_int(data, "out", 0), json_int(data, "err", 0) },
		.generation = (int)json_int(data, "generation", 1),
		.config = child->configs ? child->configs->json : NULL,
		.facts = json_at(data, "facts") ? json_copy_of(json_at(data, "facts")) : json_new_array(),
	};
	target_add(child, call);
}

static void take_cancel(struct child *child, uint64_t id)
{
	struct call *call = targets_find(child, id);

	if (!call || call->canceled)
		return;
	call->canceled = true;
	if (call->lane) {
		(void)!write(call->lane->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
	} else if (!call->settle && target_withdraw(child, call)) {
		tell_at_once(child, id, "canceled", "it had not been started");
		call_free(call);
	}
}

static void take_answer(struct child *child, const struct frame *frame)
{
	struct call *call = targets_find(child, frame->id);
	struct answer *answer;
	uint64_t ask = 0;

	if (!call || frame->len < 8)
		return;
	for (int i = 7; i >= 0; i--)
		ask = ask << 8 | (unsigned char)frame->bytes[i];
	answer = mem_alloc(sizeof(*answer));
	answer->ask = (int64_t)ask;
	answer->len = frame->len - 8;
	answer->value = mem_dup(frame->bytes + 8, answer->len);
	answer->next = call->answers;
	call->answers = answer;
	if (call->lane)
		(void)!write(call->lane->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static void wake_call(const struct call *call)
{
	if (call->lane)
		(void)!write(call->lane->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static void take_typed(struct child *child, const struct frame *frame)
{
	static const char words[] = "note\0some of what was typed is lost: the program there does not read it";
	struct call *call = targets_find(child, frame->id);

	if (!call)
		return;
	if (call->typed.len + frame->len > LIMIT_AHEAD) {
		wire_put(&child->outbox, FRAME_OUTPUT, frame->id, words, sizeof(words) - 1);
		return;
	}
	buf_append(&call->typed, frame->bytes, frame->len);
	wake_call(call);
}

static void take_size(struct child *child, uint64_t id, const struct json *data)
{
	struct call *call = targets_find(child, id);

	if (!call)
		return;
	call->rows = (int)json_int(data, "rows", 0);
	call->cols = (int)json_int(data, "cols", 0);
	wake_call(call);
}

static void take_kept(struct child *child, uint64_t id, const struct json *data)
{
	struct call *call = targets_find(child, id);

	if (!call)
		return;
	call->kept = json_int(data, "number", 0);
	mem_free(call->kept_why);
	call->kept_why = mem_strdup(json_text(data, "why", NULL));
	wake_call(call);
}

static void take_forget(struct child *child, const struct json *data)
{
	const struct action *action = action_find(json_text(data, "action", ""));

	if (action && action->forget)
		target_litter(child, json_text(data, "host", ""), action, json_text(data, "job", ""), json_bool(data, "patient", true));
}

/* One frame of the session. Lock held. */
static void take_frame(struct child *child, const struct frame *frame)
{
	struct json *data = NULL;
	struct err e;

	if (frame->type == FRAME_SECRET) {
		take_secret(child, frame);
	} else if (frame->type == FRAME_ANSWER) {
		take_answer(child, frame);
	} else if (frame->type == FRAME_TYPED) {
		take_typed(child, frame);
	} else if (frame->type == FRAME_CANCEL) {
		take_cancel(child, frame->id);
	} else if ((data = json_parse(frame->bytes, frame->len, &e))) {
		if (frame->type == FRAME_CONFIG) {
			take_config(child, data);
			data = NULL;
		} else if (frame->type == FRAME_START) {
			take_start(child, frame->id, data);
		} else if (frame->type == FRAME_SIZE) {
			take_size(child, frame->id, data);
		} else if (frame->type == FRAME_KEPT) {
			take_kept(child, frame->id, data);
		} else if (frame->type == FRAME_FORGET) {
			take_forget(child, data);
		} else if (frame->type == FRAME_SWEEP) {
			targets_sweep(child);
		}
	}
	json_free(data);
}

/* All whole frames in `in`. 0, or -1 when the session talks nonsense. */
static int take_frames(struct child *child, struct buf *in)
{
	struct frame frame;
	size_t offset = 0;
	struct err e;
	int got;

	while ((got = wire_get(in, &offset, &frame, &e)) > 0) {
		struct lane *woken;

		pthread_mutex_lock(&child->lock);
		child->woken = NULL;
		take_frame(child, &frame);
		woken = child->woken;
		pthread_mutex_unlock(&child->lock);
		if (woken)
			pthread_cond_signal(&woken->work);
	}
	/* Secrets and answers have been here; what stays is moved to the front, so wipe behind it. */
	buf_consume(in, offset);
	if (offset > 0)
		explicit_bzero(in->data + in->len, in->cap - in->len);
	return got;
}

/* Sends what is in `sending`, refilled from the outbox. *more: something is left. */
static int send_frames(struct child *child, struct buf *sending, bool *more)
{
	struct err e;

	if (sending->len == 0) {
		struct buf swap = *sending;

		pthread_mutex_lock(&child->lock);
		*sending = child->outbox;
		child->outbox = swap;
		pthread_cond_broadcast(&child->room);
		pthread_mutex_unlock(&child->lock);
	}
	if (sending->len > 0 && wire_flush(child->fd, sending, &e) < 0)
		return -1;
	*more = sending->len > 0;
	return 0;
}

/* Lock held. */
static void tell_swept(struct child *child)
{
	struct json *data = json_new_object();
	struct buf left = {0};
	char *text;

	targets_left(child, &left);
	json_set_text(data, "left", buf_text(&left));
	text = json_print(data);
	wire_put(&child->outbox, FRAME_SWEPT, 0, text, strlen(text));
	mem_free(text);
	buf_done(&left);
	json_free(data);
}

static int tick_ms(struct child *child)
{
	int64_t next;

	pthread_mutex_lock(&child->lock);
	if (child->sweep_until && targets_swept(child)) {
		child->sweep_until = 0;
		tell_swept(child);
		next = 0;
	} else {
		next = targets_tick(child);
		if (child->sweep_until) {
			int64_t left = child->sweep_until - time_mono_us();

			next = next < 0 || left < next ? (left > 0 ? left : 0) : next;
		}
	}
	pthread_mutex_unlock(&child->lock);
	return next < 0 ? -1 : (int)((next + 999) / 1000);
}

/* Moves frames until the session is gone. */
static void serve(struct child *child)
{
	struct buf in = {0};
	struct buf sending = {0};
	uint64_t count;
	struct err e;
	bool more = false;
	int eof = 0;

	while (!eof) {
		struct pollfd fds[2] = {
			{ .fd = child->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0)) },
			{ .fd = child->wake, .events = POLLIN },
		};

		if (poll(fds, 2, tick_ms(child)) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			(void)!read(child->wake, &count, sizeof(count));
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
			if (wire_read(child->fd, &in, &eof, &e) < 0 || take_frames(child, &in) < 0)
				break;
		}
		if (send_frames(child, &sending, &more) < 0)
			break;
		if (!more) {
			pthread_mutex_lock(&child->lock);
			more = child->outbox.len > 0;
			pthread_mutex_unlock(&child->lock);
		}
	}
	buf_done(&in);
	buf_done(&sending);
}

/* The session is gone: clean up behind what it has journaled, for a little while; running jobs go on without us. */
static void close_down(struct child *child)
{
	int64_t until = time_mono_us() + CLOSING_MAX;
	bool clean = false;

	pthread_mutex_lock(&child->lock);
	child->closing = true;
	pthread_cond_broadcast(&child->room);
	for (struct target *target = child->targets; target; target = target->next) {
		for (struct lane *lane = target->lanes; lane; lane = lane->next) {
			pthread_cond_signal(&lane->work);
			/* Nobody answers any more what it may be waiting for. */
			(void)!write(lane->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
		}
	}
	pthread_mutex_unlock(&child->lock);
	while (!clean && time_mono_us() < until) {
		struct pollfd wake = { .fd = child->wake, .events = POLLIN };
		uint64_t count;

		pthread_mutex_lock(&child->lock);
		/* Lanes that are in long calls do not get to it; the tick opens others. */
		(void)targets_tick(child);
		clean = targets_clean(child);
		pthread_mutex_unlock(&child->lock);
		if (!clean && poll(&wake, 1, 50) > 0)
			(void)!read(child->wake, &count, sizeof(count));
	}
}

/* Commands of this computer begin where those of other hosts do, and the folder that bellbook was started in is not held. */
static void go_home(void)
{
	const char *home = getenv("HOME");
	struct passwd *pw = home && *home == '/' ? NULL : getpwuid(geteuid());

	home = pw ? pw->pw_dir : home;
	if (!home || chdir(home) < 0)
		(void)!chdir("/");
}

int worker_main(int fd)
{
	struct child *child = mem_alloc(sizeof(*child));

	go_home();
	proc_raise_files();
	secret_protect_process();
	/* A command that ends early must not take the worker with it; children get the default again. */
	signal(SIGPIPE, SIG_IGN);
	child->fd = fd;
	child->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (child->wake < 0)
		return 1;
	targets_limit(child);
	pthread_mutex_init(&child->lock, NULL);
	pthread_cond_init(&child->room, NULL);
	serve(child);
	close_down(child);
	/* Lanes may be in the middle of a call: nothing is freed under them. */
	_exit(0);
}
