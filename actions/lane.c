/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets and their lanes. A call goes to an idle lane of its target, else it
 * waits; when it has waited LANE_WAIT, a further lane is opened for it, up to
 * LANE_MAX: a reindex of six hours does not block a probe of the same host,
 * and ten short probes in a row do not open ten connections.
 */
#define _GNU_SOURCE
#include "actions/call_int.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actions/worker_frames.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define LANE_WAIT (20 * TIME_SECOND / 1000)
#define LITTER_WAIT (300 * TIME_SECOND / 1000)	/* since the last piece, so that it does not come between calls */
#define LITTER_MANY 64		/* pieces that do not wait any longer, and go at once */
#define LITTER_TIME (10 * TIME_SECOND)

/* Before the last word goes out: who hears it may close us down, and a lane that was told to be busy is not waited for. */
static void mark_told(struct call *call)
{
	pthread_mutex_lock(&call->child->lock);
	call->told = true;
	pthread_mutex_unlock(&call->child->lock);
}

static void tell_ended(struct call *call, const char *outcome, const struct err *e)
{
	struct json *data = json_new_object();

	json_set_text(data, "outcome", outcome);
	if (e)
		json_set_text(data, "error", e->text);
	if (call->result)
		json_put(data, "result", json_copy_of(call->result));
	mark_told(call);
	outbox_json(call->child, FRAME_ENDED, call->id, data);
}

static void tell_failed(struct call *call, const struct err *e)
{
	const char *outcome = "failed";

	/* Before it was settled, its job may be anywhere: a failure to look is no failure of the job. */
	if (e->kind == ERR_TIMEOUT || (call->settle && !call->settled_told && call->action->effect != EFFECT_READ))
		outcome = "unknown";
	else if (e->kind == ERR_CANCELED)
		outcome = "canceled";
	tell_ended(call, outcome, e);
}

/* Settles a call that had begun before. True when it goes on as start. */
static bool settle_call(struct call *call)
{
	enum action_settled how = SETTLED_UNKNOWN;
	struct err e = {0};

	if (call->action->effect == EFFECT_READ) {
		call_set_seen(call, "it changes nothing and is run again");
		call_again(call);
		return true;
	}
	if (!call->action->settle) {
		call_set_seen(call, "this kind of call cannot be looked up");
		mark_told(call);
		call_settled(call, SETTLED_UNKNOWN);
	} else if (call->action->settle(call, &how, &e) < 0) {
		tell_failed(call, &e);
	} else if (how == SETTLED_NEVER || how == SETTLED_UNKNOWN) {
		mark_told(call);
		call_settled(call, how);
	} else {
		tell_ended(call, "ok", NULL);
	}
	return false;
}

static void run_call(struct call *call)
{
	struct err e = {0};

	if (call->settle && !settle_call(call))
		return;
	if (call->action->start(call, &e) < 0)
		tell_failed(call, &e);
	else
		tell_ended(call, "ok", NULL);
}

/* Runs a call in this lane. Lock held on entry and exit, not in between. */
static void lane_run(struct lane *lane, struct call *call)
{
	struct child *child = lane->target->child;
	uint64_t count;

	call->lane = lane;
	lane->call = call;
	lane->target->idle--;
	(void)!read(lane->wake, &count, sizeof(count));
	pthread_mutex_unlock(&child->lock);
	run_call(call);
	pthread_mutex_lock(&child->lock);
	lane->call = NULL;
	lane->target->idle++;
	call_free(call);
}

/* The next waiting call, NULL when there is none. Lock held. */
static struct call *take_call(struct target *target)
{
	struct call *call = target->first;

	if (!call)
		return NULL;
	target->first = call->next;
	if (!target->first)
		target->last = NULL;
	target->waiting_since = target->first ? time_mono_us() : 0;
	return call;
}

/* Removes what jobs left; names: theirs, taken. A failure is left to the next `forget` of a void job on that host, or to a person: it harms nothing. */
static void pick_litter(struct lane *lane, const struct action *action, char *names)
{
	struct child *child = lane->target->child;
	struct call call = {
		.action = action, .host = lane->target->host, .job = names, .child = child,
		.lane = lane, .deadline_us = time_mono_us() + LITTER_TIME,
		.config = child->configs ? child->configs->json : NULL,
	};
	struct err e = {0};

	lane->target->idle--;
	pthread_mutex_unlock(&child->lock);
	(void)action->forget(&call, &e);
	pthread_mutex_lock(&child->lock);
	lane->target->idle++;
	if (child->sweeping)
		(void)!write(child->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
	mem_free(names);
}

/* The names of the first pieces that can go together, with blanks between, and their action; NULL when it is not time yet. Caller frees. Lock held. */
static char *take_litter(struct target *target, const struct action **action)
{
	struct buf names = {0};
	int count = 0;

	if (!target->litter || (!target->child->closing && !target->child->sweeping && time_mono_us() < target->litter_at))
		return NULL;
	*action = target->litter->action;
	do {
		struct litter *litter = target->litter;

		buf_printf(&names, count++ ? " %s" : "%s", litter->job);
		target->litter = litter->next;
		target->litter_count--;
		mem_free(litter->job);
		mem_free(litter);
	} while ((*action)->forgets_many && count < LITTER_MANY && target->litter && target->litter->action == *action);
	return buf_take(&names);
}

static void *lane_main(void *arg)
{
	struct lane *lane = arg;
	struct target *target = lane->target;
	struct child *child = target->child;

	pthread_mutex_lock(&child->lock);
	for (;;) {
		struct call *call = child->closing ? NULL : take_call(target);
		const struct action *action = NULL;
		char *litter = call ? NULL : take_litter(target, &action);

		if (call) {
			lane_run(lane, call);
		} else if (litter) {
			pick_litter(lane, action, litter);
		} else if (child->closing) {
			break;
		} else {
			lane->waiting = true;
			pthread_cond_wait(&lane->work, &child->lock);
			lane->waiting = false;
		}
	}
	pthread_mutex_unlock(&child->lock);
	if (lane->keep_free)
		lane->keep_free(lane->keep);
	lane->keep = NULL;
	/* The last word to the main thread, which waits for the connections to be closed: they may have files and processes. */
	pthread_mutex_lock(&child->lock);
	lane->closed = true;
	(void)!write(child->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
	pthread_mutex_unlock(&child->lock);
	return NULL;
}

/* Opens a lane. When the system has no thread for us, calls wait for the lanes there are; the first one must be. */
static void open_lane(struct target *target)
{
	struct lane *lane = mem_alloc(sizeof(*lane));
	struct lane **end = &target->lanes;

	lane->target = target;
	pthread_cond_init(&lane->work, NULL);
	lane->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert(lane->wake >= 0);
	target->lane_count++;
	target->idle++;
	while (*end)
		end = &(*end)->next;
	*end = lane;
	if (pthread_create(&lane->thread, NULL, lane_main, lane) == 0) {
		/* It ends with the process. */
		pthread_detach(lane->thread);
		return;
	}
	*end = NULL;
	target->idle--;
	target->lane_count--;
	assert(target->lane_count > 0);
	close(lane->wake);
	mem_free(lane);
}

/* The lane that is to get what has come, NULL when none waits: it is signalled by the caller. Lock held. */
static struct lane *lane_to_wake(struct target *target)
{
	for (struct lane *lane = target->lanes; lane; lane = lane->next) {
		if (lane->waiting) {
			lane->waiting = false;
			return lane;
		}
	}
	return NULL;
}

static struct target *target_get(struct child *child, const char *host)
{
	struct target *target;

	for (target = child->targets; target; target = target->next) {
		if (str_is(target->host, host))
			return target;
	}
	target = mem_alloc(sizeof(*target));
	target->child = child;
	target->host = mem_strdup(host);
	target->next = child->targets;
	child->targets = target;
	open_lane(target);
	return target;
}

void target_add(struct child *child, struct call *call)
{
	struct target *target = target_get(child, call->host);

	call->next = NULL;
	if (target->last)
		target->last->next = call;
	else
		target->first = call;
	target->last = call;
	if (!target->waiting_since)
		target->waiting_since = time_mono_us();
	child->woken = lane_to_wake(target);
}

void target_litter(struct child *child, const char *host, const struct action *action, const char *job)
{
	struct target *target = target_get(child, host);
	struct litter *litter = mem_alloc(sizeof(*litter));
	struct litter **end = &target->litter;

	litter->action = action;
	litter->job = mem_strdup(job);
	while (*end)
		end = &(*end)->next;
	*end = litter;
	target->litter_at = ++target->litter_count < LITTER_MANY ? time_mono_us() + LITTER_WAIT : 0;
}

/* Microseconds until the target wants attention, -1 = none. */
static int64_t target_tick(struct target *target, int64_t now)
{
	int64_t next = -1;

	if (target->first && target->lane_count < LANE_MAX) {
		int64_t left = target->waiting_since + LANE_WAIT - now;

		if (left <= 0 && target->idle == 0) {
			open_lane(target);
			left = LANE_WAIT;
		}
		next = left > 0 ? left : LANE_WAIT;
	}
	if (target->litter) {
		int64_t left = target->child->sweeping ? 0 : target->litter_at - now;

		if (left <= 0) {
			struct lane *lane = lane_to_wake(target);

			if (lane)
				pthread_cond_signal(&lane->work);
			else if (target->idle == 0 && target->lane_count < LANE_MAX)
				open_lane(target);
			left = LITTER_WAIT;
		}
		if (next < 0 || left < next)
			next = left;
	}
	return next;
}

int64_t targets_tick(struct child *child)
{
	int64_t now = time_mono_us();
	int64_t next = -1;

	for (struct target *target = child->targets; target; target = target->next) {
		int64_t wants = target_tick(target, now);

		if (wants >= 0 && (next < 0 || wants < next))
			next = wants;
	}
	return next;
}

struct call *targets_find(struct child *child, uint64_t id)
{
	for (struct target *target = child->targets; target; target = target->next) {
		for (struct call *call = target->first; call; call = call->next) {
			if (call->id == id)
				return call;
		}
		for (struct lane *lane = target->lanes; lane; lane = lane->next) {
			if (lane->call && lane->call->id == id)
				return lane->call;
		}
	}
	return NULL;
}

bool target_withdraw(struct child *child, struct call *call)
{
	struct target *target = target_get(child, call->host);
	struct call *before = NULL;

	for (struct call *at = target->first; at; before = at, at = at->next) {
		if (at != call)
			continue;
		if (before)
			before->next = at->next;
		else
			target->first = at->next;
		if (target->last == at)
			target->last = before;
		if (!target->first)
			target->waiting_since = 0;
		return true;
	}
	return false;
}

bool targets_swept(const struct child *child)
{
	for (const struct target *target = child->targets; target; target = target->next) {
		int in_calls = 0;

		for (const struct lane *lane = target->lanes; lane; lane = lane->next)
			in_calls += lane->call != NULL;
		if (target->litter || target->idle + in_calls < target->lane_count)
			return false;
	}
	return true;
}

bool targets_clean(const struct child *child)
{
	for (const struct target *target = child->targets; target; target = target->next) {
		/* A lane in a call is not waited for; its job goes on without us. */
		int in_calls = 0;

		for (const struct lane *lane = target->lanes; lane; lane = lane->next) {
			bool in_call = lane->call && !lane->call->told;

			in_calls += in_call;
			if (!in_call && !lane->closed)
				return false;
		}
		if (target->idle + in_calls < target->lane_count)
			return false;
		if (target->litter)
			return false;
	}
	return true;
}
