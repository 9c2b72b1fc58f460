/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop of the session, the views and other processes that must not block:
 * everything they do happens in a callback from here, one at a time. Work that
 * blocks belongs into a worker. One round (loop_once) is, in this order:
 *
 *   1. deferred calls, until none is left, also those deferred meanwhile;
 *   2. poll(2), at most until the next timer is due;
 *   3. timers that were due when poll returned, the earliest first, of equal
 *      ones the older first; a timer set meanwhile waits for the next round,
 *      so that a chain of loop_after(0) never starves the descriptors;
 *   4. ready descriptors, in the order of their watches; signals come first,
 *      as a descriptor (signalfd) that delivers them here rather than in a
 *      handler, where almost nothing is allowed;
 *   5. deferred calls again, for a callback that also stopped the loop.
 *
 * Callbacks may change everything while a round runs. That is safe because a
 * watch is found by its descriptor and knows which answer of poll is its own
 * in this round, and one made meanwhile has none: neither an unwatched
 * descriptor nor another file that got its number sees a stale event.
 * Nothing is kept of an array's element across a call, which may move it.
 * A callback that runs the loop is our own bug (assert). So is closing a
 * watched descriptor: poll would say POLLNVAL for ever and we would spin.
 *
 * Time is the boot clock, which goes on while a laptop sleeps; poll's time-out
 * does not. So a round waits WAIT_MAX_MS at most and looks at the clock again:
 * after a suspend a timer is late by that at most.
 */
#define _GNU_SOURCE
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"

#define WAIT_MAX_MS 30000

struct watch {
	int fd;
	short events;
	int asked;		/* index in polled for this round; -1 = not asked */
	loop_fd_fn *fn;
	void *arg;
};

struct timer {
	int id;
	uint64_t serial;	/* order of equal times, and what was set during a round */
	int64_t due_us;
	loop_fn *fn;
	void *arg;
};

struct deferred {
	loop_fn *fn;
	void *arg;
};

struct handler {
	loop_signal_fn *fn;	/* NULL: signal not taken */
	void *arg;
	bool was_blocked;	/* before we took it */
};

struct loop {
	int64_t (*clock)(void);
	struct watch *watches;		/* owned; order of registration */
	size_t watch_count;
	struct timer *timers;		/* owned; sorted by due_us, serial */
	size_t timer_count;
	struct deferred *deferred;	/* owned; a queue */
	size_t deferred_count;
	struct pollfd *polled;		/* owned; question and answer of this round */
	size_t polled_cap;
	struct handler handlers[NSIG];
	sigset_t signals;		/* all that are taken */
	int signal_fd;			/* -1 until the first loop_signal */
	uint64_t serial;
	int last_id;
	bool running;
	bool stopping;
};

struct loop *loop_new(int64_t (*clock)(void))
{
	struct loop *loop = mem_alloc(sizeof(*loop));

	loop->clock = clock ? clock : time_mono_us;
	loop->signal_fd = -1;
	sigemptyset(&loop->signals);
	return loop;
}

static struct watch *watch_find(struct loop *loop, int fd)
{
	size_t at = 0;

	while (at < loop->watch_count && loop->watches[at].fd != fd)
		at++;
	return at < loop->watch_count ? &loop->watches[at] : NULL;
}

void loop_watch(struct loop *loop, int fd, short events, loop_fd_fn *fn, void *arg)
{
	struct watch *watch = watch_find(loop, fd);

	assert(fd >= 0 && fn);
	if (!watch) {
		loop->watches = mem_more(loop->watches, loop->watch_count, sizeof(*loop->watches));
		watch = &loop->watches[loop->watch_count++];
	}
	*watch = (struct watch){
		.fd = fd, .events = events, .asked = -1, .fn = fn, .arg = arg,
	};
}

void loop_events(struct loop *loop, int fd, short events)
{
	struct watch *watch = watch_find(loop, fd);

	if (watch)
		watch->events = events;
}

void loop_unwatch(struct loop *loop, int fd)
{
	struct watch *watch = watch_find(loop, fd);
	struct watch *end = loop->watches + loop->watch_count;

	if (!watch)
		return;
	memmove(watch, watch + 1, (size_t)(end - watch - 1) * sizeof(*watch));
	loop->watch_count--;
}

/* Index of a timer, timer_count when there is none with that id. */
static size_t timer_find(const struct loop *loop, int id)
{
	size_t at = 0;

	while (at < loop->timer_count && loop->timers[at].id != id)
		at++;
	return at;
}

int loop_after(struct loop *loop, int64_t delay_us, loop_fn *fn, void *arg)
{
	int64_t now = loop->clock();
	struct timer timer = { .serial = ++loop->serial, .fn = fn, .arg = arg };
	size_t at = loop->timer_count;

	assert(fn);
	/* Used again only after 2^31 others. */
	timer.id = loop->last_id = loop->last_id % INT_MAX + 1;
	if (delay_us < 0)
		delay_us = 0;
	timer.due_us = delay_us < INT64_MAX - now ? now + delay_us : INT64_MAX;
	loop->timers = mem_more(loop->timers, loop->timer_count, sizeof(timer));
	/* The newest has the highest serial: behind all that are not later. */
	while (at > 0 && loop->timers[at - 1].due_us > timer.due_us)
		at--;
	memmove(&loop->timers[at + 1], &loop->timers[at], (loop->timer_count - at) * sizeof(timer));
	loop->timers[at] = timer;
	loop->timer_count++;
	return timer.id;
}

static void timer_remove(struct loop *loop, size_t at)
{
	loop->timer_count--;
	memmove(&loop->timers[at], &loop->timers[at + 1],
		(loop->timer_count - at) * sizeof(*loop->timers));
}

void loop_cancel(struct loop *loop, int id)
{
	size_t at = timer_find(loop, id);

	if (at < loop->timer_count)
		timer_remove(loop, at);
}

void loop_defer(struct loop *loop, loop_fn *fn, void *arg)
{
	assert(fn);
	loop->deferred = mem_more(loop->deferred, loop->deferred_count, sizeof(*loop->deferred));
	loop->deferred[loop->deferred_count++] = (struct deferred){ .fn = fn, .arg = arg };
}

static void run_deferred(struct loop *loop)
{
	for (size_t i = 0; i < loop->deferred_count; i++)
		loop->deferred[i].fn(loop->deferred[i].arg);
	loop->deferred_count = 0;
}

static void on_signals(void *arg, int fd, short events)
{
	struct signalfd_siginfo info;
	const struct loop *loop = arg;

	(void)events;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		struct handler handler = loop->handlers[info.ssi_signo];

		if (handler.fn)
			handler.fn(handler.arg, (int)info.ssi_signo);
	}
}

/* Puts the watch of the signal descriptor before all others. */
static void watch_signals_first(struct loop *loop)
{
	struct watch last;

	loop_watch(loop, loop->signal_fd, POLLIN, on_signals, loop);
	last = loop->watches[loop->watch_count - 1];
	memmove(loop->watches + 1, loop->watches, (loop->watch_count - 1) * sizeof(last));
	loop->watches[0] = last;
}

int loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *arg, struct err *e)
{
	sigset_t wanted = loop->signals;
	sigset_t before;
	int fd;

	if (!fn || signo <= 0 || signo >= NSIG || sigaddset(&wanted, signo) < 0)
		return err_set(e, ERR_USAGE, "cannot take signal %d", signo);
	fd = signalfd(loop->signal_fd, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(e, "cannot make a signal descriptor");
	sigprocmask(SIG_BLOCK, &wanted, &before);
	if (!loop->handlers[signo].fn)
		loop->handlers[signo].was_blocked = sigismember(&before, signo) == 1;
	loop->handlers[signo].fn = fn;
	loop->handlers[signo].arg = arg;
	loop->signals = wanted;
	if (loop->signal_fd < 0) {
		loop->signal_fd = fd;
		watch_signals_first(loop);
	}
	return 0;
}

/* Milliseconds that poll may wait, rounded up: a timer must be due when it returns. */
static int wait_ms(const struct loop *loop, int64_t timeout_us)
{
	int64_t wait = timeout_us < 0 ? INT64_MAX : timeout_us;
	int64_t left = loop->timer_count > 0 ? loop->timers[0].due_us - loop->clock() : wait;

	if (loop->stopping || left <= 0)
		return 0;
	if (left < wait)
		wait = left;
	return wait > WAIT_MAX_MS * (int64_t)1000 ? WAIT_MAX_MS : (int)((wait + 999) / 1000);
}

/* Fills polled from the watches; returns how many. */
static size_t ask(struct loop *loop)
{
	size_t count = loop->watch_count;

	if (count > loop->polled_cap) {
		loop->polled_cap = 2 * count;
		loop->polled = mem_grow(loop->polled, loop->polled_cap, sizeof(*loop->polled));
	}
	for (size_t i = 0; i < count; i++) {
		loop->polled[i] = (struct pollfd){
			.fd = loop->watches[i].fd, .events = loop->watches[i].events,
		};
		loop->watches[i].asked = (int)i;
	}
	return count;
}

static void run_timers(struct loop *loop)
{
	int64_t now = loop->clock();
	uint64_t last = loop->serial;
	size_t i = 0;

	/* From the front again after each call: it may have added and cancelled. */
	while (i < loop->timer_count && loop->timers[i].due_us <= now) {
		struct timer timer = loop->timers[i];

		if (timer.serial > last) {
			i++;
			continue;
		}
		timer_remove(loop, i);
		timer.fn(timer.arg);
		i = 0;
	}
}

static void run_watches(struct loop *loop, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct watch *watch;
		short events;

		if (loop->polled[i].revents == 0)
			continue;
		watch = watch_find(loop, loop->polled[i].fd);
		if (!watch || watch->asked != (int)i)
			continue;
		events = loop->polled[i].revents & (watch->events | POLLERR | POLLHUP | POLLNVAL);
		assert(!(events & POLLNVAL));
		if (events)
			watch->fn(watch->arg, watch->fd, events);
	}
}

int loop_once(struct loop *loop, int64_t timeout_us, struct err *e)
{
	size_t count;
	int ready, result = 0;

	assert(!loop->running);
	loop->running = true;
	run_deferred(loop);
	count = ask(loop);
	ready = poll(loop->polled, count, wait_ms(loop, timeout_us));
	if (ready < 0 && errno != EINTR)
		result = err_errno(e, "cannot poll %zu descriptors", count);
	if (result == 0)
		run_timers(loop);
	if (ready > 0)
		run_watches(loop, count);
	run_deferred(loop);
	loop->running = false;
	return result;
}

int loop_run(struct loop *loop, struct err *e)
{
	int result = 0;

	while (result == 0 && !loop->stopping)
		result = loop_once(loop, -1, e);
	loop->stopping = false;
	return result;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

/* Signals that arrived and were not delivered are dropped: unblocked, they would end the process on its way out. */
static void release_signals(struct loop *loop)
{
	struct signalfd_siginfo info;
	sigset_t ours;

	if (loop->signal_fd < 0)
		return;
	while (read(loop->signal_fd, &info, sizeof(info)) > 0)
		continue;
	close(loop->signal_fd);
	ours = loop->signals;
	for (int signo = 1; signo < NSIG; signo++) {
		if (loop->handlers[signo].was_blocked)
			sigdelset(&ours, signo);
	}
	sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	assert(!loop->running);
	release_signals(loop);
	mem_free(loop->watches);
	mem_free(loop->timers);
	mem_free(loop->deferred);
	mem_free(loop->polled);
	mem_free(loop);
}
