/* loop.h - a poll(2) loop for processes that must never block: descriptors, timers, signals, deferred calls. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* events: what poll(2) reported (POLLIN | POLLOUT | POLLERR | POLLHUP). */
typedef void loop_fd_fn(void *arg, int fd, short events);
typedef void loop_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);

/* New loop; caller owns. clock gives monotonic microseconds, NULL means time_mono_us (tests inject their own). */
struct loop *loop_new(int64_t (*clock)(void));

/* Frees the loop, closes its signal descriptor and unblocks the signals it took; watched descriptors stay open. NULL is fine. */
void loop_free(struct loop *loop);

/* Calls fn whenever events (POLLIN, POLLOUT) are ready on fd. One watch per fd; again replaces it. */
void loop_watch(struct loop *loop, int fd, short events, loop_fd_fn *fn, void *arg);

/* Changes only the events of a watched fd (0 = only errors and hang-up). */
void loop_events(struct loop *loop, int fd, short events);

/* Forgets fd; safe inside callbacks, its own included; no further call for it comes, even if already polled. Unwatch before close: a closed fd that is watched is an assert. */
void loop_unwatch(struct loop *loop, int fd);

/* Calls fn once after delay_us (≥ 0). Returns an id (> 0) for loop_cancel. */
int loop_after(struct loop *loop, int64_t delay_us, loop_fn *fn, void *arg);

/* Cancels a timer; an id that has fired or 0 is fine. */
void loop_cancel(struct loop *loop, int id);

/* Delivers signo through the loop (signalfd; blocks the normal delivery). */
int loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *arg, struct err *e);

/* Calls fn before the loop polls again, in the order of deferring; what defers itself for ever starves the loop: use loop_after(0). */
void loop_defer(struct loop *loop, loop_fn *fn, void *arg);

/* One round: waits at most timeout_us (-1 = until something happens, but half a minute at most), runs what is due. 0, or -1 when poll itself fails. */
int loop_once(struct loop *loop, int64_t timeout_us, struct err *e);

/* Runs until loop_stop. 0, or -1 when poll itself fails. */
int loop_run(struct loop *loop, struct err *e);

/* loop_run returns after the present round. */
void loop_stop(struct loop *loop);

#endif
