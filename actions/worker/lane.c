/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets and their lanes. A call goes to an idle lane of its target, else it
 * waits; when it has waited for a moment, a further lane is opened for it, up
 * to what its kind may have: a reindex of six hours does not block a probe of
 * the same host, and ten short probes in a row do not open ten connections.
 */
#define _GNU_SOURCE
#include "actions/worker/call.h"
#include "actions/worker/call_int.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actions/worker/worker_frames.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/wire.h"

#define LANE_WAIT (20 * TIME_SECOND / 1000)
#define IDLE (300 * TIME_SECOND)	/* a database counts who is connected; an API closes what says nothing */
#define LITTER_WAIT (300 * TIME_SECOND / 1000)	/* since the last piece, so that it does not come between calls */
#define LITTER_MANY 64		/* pieces that do not wait any longer, and go at once */
#define LITTER_TIME (10 * TIME_SECOND)
#define LITTER_AGAIN TIME_SECOND	/* before a host that could not be reached is tried again; doubled each time */
#define LITTER_AGAIN_MAX (60 * TIME_SECOND)
#define SWEEP_TIME (10 * TIME_SECOND)	/* the session waits no longer for hosts that do not answer */
#define FILES_OTHER 24		/* descriptors of the process itself, and for files and commands that come and go */
/* What a lane may need at once: its own, its connection's, and those of a call, also in the moment in which they are made. */
#define FILES_SSH2 8		/* one socket; for a moment the pipes of ssh -G */
#define FILES_SSH 24		/* a master, a shell and an output of the system's ssh, each a process with pipes */
#define FILES_HERE 16
#define FILES_SOCKET 8
#define FULL_TOLD (5 * TIME_SECOND)	/* a call that waits so long for a descriptor says so */

static struct target_limits limits[] = {
	[TARGET_HERE] = { .lanes = 4, .wait_us = LANE_WAIT },
	[TARGET_HOST] = { .lanes = 4, .wait_us = LANE_WAIT },
	[TARGET_DATABASE] = { .lanes = 2, .wait_us = LANE_WAIT, .idle_us = IDLE },
	[TARGET_SERVICE] = { .lanes = 4, .wait_us = LANE_WAIT, .idle_us = IDLE },
};

struct target_limits *targets_limits(enum action_target kind)
{
	return &limits[kind];
}

/* Before the last word goes out: who hears it may close us down, and a lane that was told to be busy is not waited for. */
static void mark_told(struct call *call)
{
	pthread_mutex_lock(&call->child->lock);
	call->told = true;
	pthread_mutex_unlock(&call->child->lock);
}

/* An answer that fits into no frame was had all the same: what a change did stays known, only what it said is lost. */
static int answer_fits(struct call *call, struct err *e)
{
	char *printed = call->result ? json_print(call->result) : mem_strdup("");
	size_t size = strlen(printed);

	mem_free(printed);
	if (size <= LIMIT_ARGS)
		return 0;
	json_free(call->result);
	call->result = NULL;
	return err_set(e, ERR_REMOTE, "what it answered takes %zu bytes as JSON; at most %zu can be passed on: take less of it, or fetch it into a file (`to`)", size,
		LIMIT_ARGS);
}

static void tell_ended(struct call *call, const char *outcome, const struct err *e)
{
	struct json *data = json_new_object();
	struct err large = {0};

	if (answer_fits(call, &large) < 0) {
		e = e ? e : &large;
		if (call->action->effect == EFFECT_READ && str_is(outcome, "ok"))
			outcome = "failed";
	}
	json_set_text(data, "outcome", outcome);
	if (e)
		json_set_text(data, "error", e->text);
	if (call->not_run && str_is(outcome, "failed"))
		json_set_bool(data, "not_run", true);
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
	target->told_full = false;
	return call;
}

static void litter_free(struct litter *list)
{
	while (list) {
		struct litter *next = list->next;

		mem_free(list->job);
		mem_free(list);
		list = next;
	}
}

/* A host that could not be asked may be there later: the patient pieces come first again, after a pause. Takes list. Lock held. */
static void litter_again(struct target *target, struct litter *list)
{
	struct litter **end = &list;

	while (*end) {
		struct litter *litter = *end;

		if (litter->patient) {
			target->litter_count++;
			end = &litter->next;
		} else {
			*end = litter->next;
			litter->next = NULL;
			litter_free(litter);
		}
	}
	*end = target->litter;
	target->litter = list;
	if (!target->litter)
		return;
	target->litter_pause = target->litter_pause && !target->child->sweep_until ? target->litter_pause * 2 : LITTER_AGAIN;
	if (target->litter_pause > LITTER_AGAIN_MAX)
		target->litter_pause = LITTER_AGAIN_MAX;
	target->litter_at = time_mono_us() + target->litter_pause;
}

/* Removes what jobs left; takes list, pieces of one action. Lock held. */
static void pick_litter(struct lane *lane, struct litter *list)
{
	struct target *target = lane->target;
	struct child *child = target->child;
	struct buf names = {0};
	struct call call = {
		.action = list->action, .host = target->host, .child = child,
		.lane = lane, .deadline_us = time_mono_us() + LITTER_TIME,
		.config = child->configs ? child->configs->json : NULL,
	};
	struct err e = {0};

	for (const struct litter *at = list; at; at = at->next)
		buf_printf(&names, names.len ? " %s" : "%s", at->job);
	call.job = buf_take(&names);
	target->idle--;
	pthread_mutex_unlock(&child->lock);
	if (list->action->forget(&call, &e) == 0)
		e.kind = ERR_NONE;
	pthread_mutex_lock(&child->lock);
	target->idle++;
	/* A host that goes down or comes up may answer anything; one that lets nobody in is not asked on and on. */
	if (e.kind != ERR_NONE && e.kind != ERR_DENIED && !child->closing) {
		litter_again(target, list);
	} else {
		target->litter_pause = 0;
		litter_free(list);
	}
	/* The main thread may wait for this, or has to come back for it. */
	(void)!write(child->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
	mem_free(call.job);
}

/* Microseconds until the target's litter goes. Lock held. */
static int64_t litter_wait(const struct target *target, int64_t now)
{
	if (target->child->closing || (target->child->sweep_until && !target->litter_pause))
		return 0;
	return target->litter_at - now;
}

/* The first pieces that can go together; NULL when it is not time yet. Caller frees. Lock held. */
static struct litter *take_litter(struct target *target)
{
	struct litter *list = target->litter;
	struct litter **end = &target->litter;
	int count = 0;

	if (!list || litter_wait(target, time_mono_us()) > 0)
		return NULL;
	do {
		end = &(*end)->next;
		target->litter_count--;
		count++;
	} while (list->action->forgets_many && count < LITTER_MANY && *end && (*end)->action == list->action);
	target->litter = *end;
	*end = NULL;
	return list;
}

/* Takes a lane that has closed its connection out of its target. Lock held. */
static void lane_leave(struct lane *lane)
{
	struct target *target = lane->target;

	for (struct lane **at = &target->lanes; *at; at = &(*at)->next) {
		if (*at == lane) {
			*at = lane->next;
			break;
		}
	}
	target->idle--;
	target->lane_count--;
	target->child->files -= lane->files;
	close(lane->wake);
	pthread_cond_destroy(&lane->work);
	mem_free(lane);
}

static void free_kept(struct lane *lane)
{
	while (lane->kept) {
		struct kept *kept = lane->kept;

		lane->kept = kept->next;
		kept->type->free(kept->keep);
		mem_free(kept);
	}
}

static void *lane_main(void *arg)
{
	struct lane *lane = arg;
	struct target *target = lane->target;
	struct child *child = target->child;

	pthread_mutex_lock(&child->lock);
	for (;;) {
		struct call *call = child->closing ? NULL : take_call(target);
		struct litter *litter = call ? NULL : take_litter(target);

		if (call) {
			lane_run(lane, call);
		} else if (litter) {
			pick_litter(lane, litter);
		} else if (child->closing || lane->retiring) {
			break;
		} else {
			lane->waiting = true;
			lane->idle_us = time_mono_us();
			/* The main thread is to know when its time is over. */
			if (target->limits->idle_us)
				(void)!write(child->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
			pthread_cond_wait(&lane->work, &child->lock);
			lane->waiting = false;
		}
	}
	pthread_mutex_unlock(&child->lock);
	free_kept(lane);
	/* The last word to the main thread, which waits for the connections to be closed: they may have files and processes. */
	pthread_mutex_lock(&child->lock);
	lane->closed = true;
	if (lane->retiring && !child->closing)
		lane_leave(lane);
	(void)!write(child->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
	pthread_mutex_unlock(&child->lock);
	return NULL;
}

void targets_limit(struct child *child)
{
	struct rlimit limit = { .rlim_cur = 1024 };
	rlim_t files;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	files = limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
	child->files_max = files > FILES_OTHER ? (int)(files - FILES_OTHER) : 0;
}

static int files_for(const struct target *target)
{
	const struct kept_config *configs = target->child->configs;
	const struct json *hosts = configs ? json_at(configs->json, "hosts") : NULL;

	if (target->limits == &limits[TARGET_HERE] || !*target->host)
		return FILES_HERE;
	if (target->limits != &limits[TARGET_HOST])
		return FILES_SOCKET;
	return str_is(json_text(json_at(hosts, target->host), "transport", ""), "ssh") ? FILES_SSH : FILES_SSH2;
}

/* Nothing waits for it: it closes its connection and ends. Lock held. */
static void retire(struct lane *lane)
{
	lane->retiring = true;
	lane->waiting = false;
	pthread_cond_signal(&lane->work);
}

/* Asks the lane that has been idle longest to make room. False when all are at work. Lock held. */
bool targets_make_room(struct child *child)
{
	struct lane *oldest = NULL;

	for (struct target *target = child->targets; target; target = target->next) {
		for (struct lane *lane = target->lanes; lane; lane = lane->next) {
			if (lane->retiring && !lane->closed)
				return true;
			if (lane->waiting && (!target->litter || target->litter_pause) && (!oldest || lane->idle_us < oldest->idle_us))
				oldest = lane;
		}
	}
	if (!oldest)
		return false;
	retire(oldest);
	return true;
}

/* Opens a lane. When the system has no thread or descriptor for us, calls wait for the lanes there are, or until others have made room: tick tries again. */
static void open_lane(struct target *target)
{
	struct lane *lane;
	struct lane **end = &target->lanes;
	struct child *child = target->child;
	int files = files_for(target);

	/* A further lane is a comfort, the first is needed; and one there may be in any case. */
	if (child->files > 0 && child->files + files > child->files_max) {
		if (target->lane_count == 0)
			(void)targets_make_room(child);
		return;
	}
	lane = mem_alloc(sizeof(*lane));
	lane->target = target;
	pthread_cond_init(&lane->work, NULL);
	lane->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lane->wake < 0) {
		(void)targets_make_room(child);
		mem_free(lane);
		return;
	}
	lane->files = files;
	child->files += files;
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
	lane_leave(lane);
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

static struct target *target_get(struct child *child, enum action_target kind, const char *host)
{
	struct target *target;

	for (target = child->targets; target; target = target->next) {
		if (target->limits == &limits[kind] && str_is(target->host, host))
			return target;
	}
	target = mem_alloc(sizeof(*target));
	target->child = child;
	target->limits = &limits[kind];
	target->host = mem_strdup(host);
	target->next = child->targets;
	child->targets = target;
	open_lane(target);
	return target;
}

void target_add(struct child *child, struct call *call)
{
	struct target *target = target_get(child, call->action->target, call->host);

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

void target_litter(struct child *child, const char *host, const struct action *action, const char *job, bool patient)
{
	struct target *target = target_get(child, action->target, host);
	struct litter *litter = mem_alloc(sizeof(*litter));
	struct litter **end = &target->litter;

	litter->action = action;
	litter->job = mem_strdup(job);
	litter->patient = patient;
	while (*end)
		end = &(*end)->next;
	*end = litter;
	target->litter_count++;
	/* A host that could not be reached is not tried earlier for one piece more. */
	if (!target->litter_pause)
		target->litter_at = target->litter_count < LITTER_MANY ? time_mono_us() + LITTER_WAIT : 0;
}

/* From the main thread: the first call has waited for room among the descriptors; people hear why. */
static void tell_full(struct target *target)
{
	char *text = mem_printf("it waits: bellbook has as many connections as the limit of open files (ulimit -n: %d) lets it have, and all of them are at work",
				target->child->files_max + FILES_OTHER);
	struct buf note = { 0 };

	target->told_full = true;
	buf_append(&note, "note", 5);
	buf_puts(&note, text);
	wire_put(&target->child->outbox, FRAME_OUTPUT, target->first->id, note.data, note.len);
	buf_done(&note);
	mem_free(text);
}

/* Closes connections that nobody has used for long. Gives next, or less when one of them has its time before. */
static int64_t close_idle(struct target *target, int64_t now, int64_t next)
{
	if (!target->limits->idle_us || target->litter || target->first)
		return next;
	for (struct lane *lane = target->lanes; lane; lane = lane->next) {
		int64_t left = lane->idle_us + target->limits->idle_us - now;

		if (!lane->waiting)
			continue;
		if (left <= 0)
			retire(lane);
		else if (next < 0 || left < next)
			next = left;
	}
	return next;
}

/* Microseconds until the target wants attention, -1 = none. */
static int64_t target_tick(struct target *target, int64_t now)
{
	int64_t next = -1;

	if (target->first && target->lane_count < target->limits->lanes) {
		int64_t left = target->waiting_since + target->limits->wait_us - now;

		if (left <= 0 && target->idle == 0) {
			open_lane(target);
			left = target->limits->wait_us;
			if (target->lane_count == 0 && !target->told_full && now - target->waiting_since > FULL_TOLD)
				tell_full(target);
		}
		next = left > 0 ? left : target->limits->wait_us;
	}
	if (target->litter) {
		int64_t left = litter_wait(target, now);

		if (left <= 0) {
			struct lane *lane = lane_to_wake(target);

			if (lane)
				pthread_cond_signal(&lane->work);
			else if (target->idle == 0 && target->lane_count < target->limits->lanes)
				open_lane(target);
			left = LITTER_WAIT;
		}
		if (next < 0 || left < next)
			next = left;
	}
	return close_idle(target, now, next);
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
	struct target *target = target_get(child, call->action->target, call->host);
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

void targets_sweep(struct child *child)
{
	child->sweep_until = time_mono_us() + SWEEP_TIME;
	for (struct target *target = child->targets; target; target = target->next)
		target->litter_pause = 0;
}

/* Something is left, or is being removed. */
static bool is_littered(const struct target *target)
{
	int in_calls = 0;

	for (const struct lane *lane = target->lanes; lane; lane = lane->next)
		in_calls += lane->call != NULL;
	return target->litter || target->idle + in_calls < target->lane_count;
}

void targets_left(const struct child *child, struct buf *out)
{
	for (const struct target *target = child->targets; target; target = target->next) {
		if (is_littered(target))
			buf_printf(out, "%s%s", out->len ? ", " : "", *target->host ? target->host : "here");
	}
}

bool targets_swept(const struct child *child)
{
	if (time_mono_us() >= child->sweep_until)
		return true;
	for (const struct target *target = child->targets; target; target = target->next) {
		if (is_littered(target))
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
