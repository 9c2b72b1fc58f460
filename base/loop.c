/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop of the session, the views and the fork server: everything in those
 * processes happens inside a callback from here, one at a time, and none of
 * them may block. Work that blocks belongs into a worker.
 *
 * One round (loop_once) is, in this order:
 *
 *   1. deferred calls, until none is left, also those deferred meanwhile;
 *   2. poll(2), at most until the next timer is due;
 *   3. timers that were due when poll returned, earliest first, of equal
 *      ones the older first; a timer set meanwhile waits for the next round,
 *      so that loop_after(0) in a chain never starves the descriptors;
 *   4. ready descriptors, in the order of their watches; signals come first
 *      among them, as one descriptor (signalfd) that delivers them here
 *      rather than in a handler, where almost nothing is allowed;
 *   5. deferred calls again, so that a callback's loop_defer also runs when
 *      that callback stopped the loop.
 *
 * Callbacks may change everything while a round runs. What makes that safe:
 * watches are found by descriptor and carry a serial number that a new watch
 * never shares, and poll's answers are kept with it. An answer counts only
 * while the watch it was asked for still stands, so neither an unwatched
 * descriptor nor another file that got its number sees a stale event.
 * Watches and timers are copied before their function is called, as it may
 * move the arrays they lie in.
 *
 * Calls do not nest: a callback that runs the loop is our own bug (assert).
 * So is closing a descriptor that is still watched; poll says POLLNVAL for
 * ever then, and we stop with an assert instead of spinning.
 *
 * Time is the boot clock, which goes on while a laptop sleeps, but poll's
 * time-out does not. A round therefore waits at most WAIT_MAX_MS and looks at
 * the clock again: after a suspend a timer is that late at most.
 *
 * The arrays are searched from the front. A process watches tens of
 * descriptors and a hundred timers, and poll itself is linear too.
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
	uint64_t serial;	/* never used twice */
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
	size_t watch_count, watch_cap;
	struct timer *timers;		/* owned; sorted by due_us, serial */
	size_t timer_count, timer_cap;
	struct deferred *deferred;	/* owned; a queue */
	size_t deferred_count, deferred_cap;
	struct pollfd *polled;		/* owned; question and answer of this round */
	uint64_t *polled_serial;	/* owned; watch that polled[i] was asked for */
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

/* Room for one more element in an array of the loop. */
static void *grow(void *array, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 8;
	return mem_grow(array, *cap, size);
}

static struct watch *watch_find(struct loop *loop, int fd)
{
	for (size_t i = 0; i < loop->watch_count; i++) {
		if (loop->watches[i].fd == fd)
			return &loop->watches[i];
	}
	return NULL;
}

void loop_watch(struct loop *loop, int fd, short events, loop_fd_fn *fn, void *arg)
{
	struct watch *watch = watch_find(loop, fd);

	assert(fd >= 0 && fn);
	if (!watch) {
		loop->watches = grow(loop->watches, loop->watch_count, &loop->watch_cap,
				     sizeof(*loop->watches));
		watch = &loop->watches[loop->watch_count++];
	}
	*watch = (struct watch){
		.fd = fd, .events = events, .serial = ++loop->serial, .fn = fn, .arg = arg,
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
	size_t behind;

	if (!watch)
		return;
	behind = loop->watch_count - (size_t)(watch - loop->watches) - 1;
	memmove(watch, watch + 1, behind * sizeof(*watch));
	loop->watch_count--;
}

static bool id_is_used(const struct loop *loop, int id)
{
	for (size_t i = 0; i < loop->timer_count; i++) {
		if (loop->timers[i].id == id)
			return true;
	}
	return false;
}

static int new_id(struct loop *loop)
{
	do {
		loop->last_id = loop->last_id == INT_MAX ? 1 : loop->last_id + 1;
	} while (id_is_used(loop, loop->last_id));
	return loop->last_id;
}

int loop_after(struct loop *loop, int64_t delay_us, loop_fn *fn, void *arg)
{
	int64_t now = loop->clock();
	struct timer timer = { .id = new_id(loop), .serial = ++loop->serial, .fn = fn, .arg = arg };
	size_t at = loop->timer_count;

	assert(fn);
	if (delay_us < 0)
		delay_us = 0;
	timer.due_us = delay_us < INT64_MAX - now ? now + delay_us : INT64_MAX;
	loop->timers = grow(loop->timers, loop->timer_count, &loop->timer_cap, sizeof(timer));
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
	for (size_t i = 0; i < loop->timer_count; i++) {
		if (loop->timers[i].id == id) {
			timer_remove(loop, i);
			return;
		}
	}
}

void loop_defer(struct loop *loop, loop_fn *fn, void *arg)
{
	assert(fn);
	loop->deferred = grow(loop->deferred, loop->deferred_count, &loop->deferred_cap,
			      sizeof(*loop->deferred));
	loop->deferred[loop->deferred_count++] = (struct deferred){ .fn = fn, .arg = arg };
}

static void run_deferred(struct loop *loop)
{
	for (size_t i = 0; i < loop->deferred_count; i++) {
		struct deferred call = loop->deferred[i];

		call.fn(call.arg);
	}
	loop->deferred_count = 0;
}

static void on_signals(void *arg, int fd, short events)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

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
	sigset_t one, before;
	int fd;

	if (!fn || signo <= 0 || signo >= NSIG || sigaddset(&wanted, signo) < 0)
		return err_set(e, ERR_USAGE, "cannot take signal %d", signo);
	fd = signalfd(loop->signal_fd, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(e, "cannot make a signal descriptor");
	sigemptyset(&one);
	sigaddset(&one, signo);
	if (sigprocmask(SIG_BLOCK, &one, &before) < 0)
		return err_errno(e, "cannot block signal %d", signo);
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

	if (loop->stopping)
		return 0;
	if (loop->timer_count > 0) {
		int64_t left = loop->timers[0].due_us - loop->clock();

		if (left < wait)
			wait = left > 0 ? left : 0;
	}
	if (wait > (int64_t)WAIT_MAX_MS * 1000)
		return WAIT_MAX_MS;
	return (int)((wait + 999) / 1000);
}

/* Fills polled from the watches; returns how many. */
static size_t ask(struct loop *loop)
{
	size_t count = loop->watch_count;

	if (count > loop->polled_cap) {
		loop->polled_cap = loop->watch_cap;
		loop->polled = mem_grow(loop->polled, loop->polled_cap, sizeof(*loop->polled));
		loop->polled_serial = mem_grow(loop->polled_serial, loop->polled_cap,
					       sizeof(*loop->polled_serial));
	}
	for (size_t i = 0; i < count; i++) {
		loop->polled[i] = (struct pollfd){
			.fd = loop->watches[i].fd, .events = loop->watches[i].events,
		};
		loop->polled_serial[i] = loop->watches[i].serial;
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
		struct watch *found;
		struct watch watch;
		short events;

		if (loop->polled[i].revents == 0)
			continue;
		found = watch_find(loop, loop->polled[i].fd);
		if (!found || found->serial != loop->polled_serial[i])
			continue;
		watch = *found;
		events = loop->polled[i].revents & (watch.events | POLLERR | POLLHUP | POLLNVAL);
		assert(!(events & POLLNVAL));
		if (events)
			watch.fn(watch.arg, watch.fd, events);
	}
}

int loop_once(struct loop *loop, int64_t timeout_us, struct err *e)
{
	size_t count;
	int ready;

	assert(!loop->running);
	loop->running = true;
	run_deferred(loop);
	count = ask(loop);
	ready = poll(loop->polled, count, wait_ms(loop, timeout_us));
	if (ready < 0 && errno != EINTR) {
		loop->running = false;
		return err_errno(e, "cannot poll %zu descriptors", count);
	}
	run_timers(loop);
	if (ready > 0)
		run_watches(loop, count);
	run_deferred(loop);
	loop->running = false;
	return 0;
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
	sigemptyset(&ours);
	for (int signo = 1; signo < NSIG; signo++) {
		if (loop->handlers[signo].fn && !loop->handlers[signo].was_blocked)
			sigaddset(&ours, signo);
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
	mem_free(loop->polled_serial);
	mem_free(loop);
}
