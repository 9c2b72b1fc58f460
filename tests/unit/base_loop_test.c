/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"
#include "base/time.h"
#include "tests/unit/base_dies.h"
#include "tests/unit/base_limit.h"

static int64_t fake_now;

static int64_t fake_clock(void)
{
	return fake_now;
}

/* What the callbacks did, in their order, as text. */
struct scene {
	struct loop *loop;
	struct buf seen;
	int pipes[4][2];	/* socket pairs: [0] is watched, [1] written to */
	int id;
	int count;
	struct err e;
};

static int setup(void **state)
{
	static struct scene scene;

	scene = (struct scene){0};
	fake_now = 1000;
	scene.loop = loop_new(fake_clock);
	for (int i = 0; i < 4; i++) {
		if (proc_pair(scene.pipes[i], &scene.e) < 0)
			return -1;
	}
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	loop_free(scene->loop);
	buf_done(&scene->seen);
	for (int i = 0; i < 4; i++) {
		close(scene->pipes[i][0]);
		close(scene->pipes[i][1]);
	}
	return 0;
}

static void once(struct scene *scene)
{
	assert_int_equal(loop_once(scene->loop, 0, &scene->e), 0);
}

static void saw(struct scene *scene, const char *expected)
{
	assert_string_equal(buf_text(&scene->seen), expected);
	buf_clear(&scene->seen);
}

static void poke(struct scene *scene, int i)
{
	assert_int_equal(write(scene->pipes[i][1], "x", 1), 1);
}

static int which(const struct scene *scene, int fd)
{
	for (int i = 0; i < 4; i++) {
		if (scene->pipes[i][0] == fd)
			return i;
	}
	return -1;
}

static void on_ready(void *arg, int fd, short events)
{
	struct scene *scene = arg;
	char c;

	buf_printf(&scene->seen, "%d%s%s%s ", which(scene, fd), events & POLLIN ? "i" : "",
		   events & POLLOUT ? "o" : "", events & POLLHUP ? "h" : "");
	if (events & POLLIN)
		assert_true(read(fd, &c, 1) >= 0);
}

static void loop_watch__calls_when_ready_and_only_then(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	loop_watch(scene->loop, scene->pipes[1][0], POLLIN, on_ready, scene);
	once(scene);
	saw(scene, "");
	poke(scene, 1);
	once(scene);
	saw(scene, "1i ");
	poke(scene, 1);
	poke(scene, 0);
	once(scene);
	saw(scene, "0i 1i ");
	once(scene);
	saw(scene, "");
}

static void loop_watch__is_level_triggered(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	poke(scene, 0);
	poke(scene, 0);
	once(scene);
	once(scene);
	once(scene);
	saw(scene, "0i 0i ");
}

static void other_ready(void *arg, int fd, short events)
{
	struct scene *scene = arg;

	(void)events;
	buf_printf(&scene->seen, "other%d ", which(scene, fd));
}

static void loop_watch__again_replaces(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	loop_watch(scene->loop, scene->pipes[0][0], POLLOUT, other_ready, scene);
	once(scene);
	saw(scene, "other0 ");
}

static void loop_events__changes_what_is_waited_for(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], 0, on_ready, scene);
	poke(scene, 0);
	once(scene);
	saw(scene, "");
	loop_events(scene->loop, scene->pipes[0][0], POLLOUT);
	once(scene);
	saw(scene, "0o ");
	loop_events(scene->loop, scene->pipes[0][0], POLLIN | POLLOUT);
	once(scene);
	saw(scene, "0io ");
	/* Not watched: nothing to change. */
	loop_events(scene->loop, scene->pipes[1][0], POLLOUT);
	once(scene);
	saw(scene, "0o ");
}

static void loop_events__of_0_still_tells_the_hang_up(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], 0, on_ready, scene);
	close(scene->pipes[0][1]);
	scene->pipes[0][1] = -1;
	once(scene);
	saw(scene, "0h ");
}

static void unwatch_all(void *arg, int fd, short events)
{
	struct scene *scene = arg;

	on_ready(arg, fd, events);
	for (int i = 0; i < 4; i++)
		loop_unwatch(scene->loop, scene->pipes[i][0]);
}

static void loop_unwatch__in_a_callback_silences_those_already_polled(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 4; i++) {
		loop_watch(scene->loop, scene->pipes[i][0], POLLIN, unwatch_all, scene);
		poke(scene, i);
	}
	once(scene);
	once(scene);
	saw(scene, "0i ");
	loop_unwatch(scene->loop, scene->pipes[0][0]);
}

static void unwatch_first(void *arg, int fd, short events)
{
	struct scene *scene = arg;

	on_ready(arg, fd, events);
	loop_unwatch(scene->loop, scene->pipes[0][0]);
}

/* Watches move up when an earlier one goes: none may be called twice or left out. */
static void loop_unwatch__of_an_earlier_one_loses_nobody(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	loop_watch(scene->loop, scene->pipes[1][0], POLLIN, unwatch_first, scene);
	loop_watch(scene->loop, scene->pipes[2][0], POLLIN, on_ready, scene);
	for (int i = 0; i < 3; i++)
		poke(scene, i);
	once(scene);
	saw(scene, "0i 1i 2i ");
	poke(scene, 0);
	poke(scene, 2);
	once(scene);
	saw(scene, "2i ");
}

/* The descriptor is closed and its number given to another file that is watched: the old answer is not for it. */
static void reuse_number(void *arg, int fd, short events)
{
	struct scene *scene = arg;
	int victim = scene->pipes[1][0];

	on_ready(arg, fd, events);
	loop_unwatch(scene->loop, victim);
	assert_int_equal(dup2(scene->pipes[2][0], victim), victim);
	loop_watch(scene->loop, victim, POLLIN, on_ready, scene);
}

static void loop_watch__of_a_reused_number_sees_no_stale_event(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, reuse_number, scene);
	loop_watch(scene->loop, scene->pipes[1][0], POLLIN, on_ready, scene);
	poke(scene, 0);
	poke(scene, 1);
	once(scene);
	saw(scene, "0i ");
	once(scene);
	saw(scene, "");
	poke(scene, 2);
	once(scene);
	saw(scene, "1i ");
}

static void stop_output(void *arg, int fd, short events)
{
	struct scene *scene = arg;

	on_ready(arg, fd, events);
	loop_events(scene->loop, scene->pipes[1][0], POLLIN);
}

static void loop_events__in_a_callback_filters_what_was_polled(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, stop_output, scene);
	loop_watch(scene->loop, scene->pipes[1][0], POLLOUT, on_ready, scene);
	poke(scene, 0);
	once(scene);
	saw(scene, "0i ");
}

static void on_time(void *arg)
{
	struct scene *scene = arg;

	buf_printf(&scene->seen, "t%d ", scene->count++);
}

static void say_a(void *arg)
{
	buf_puts(&((struct scene *)arg)->seen, "a ");
}

static void say_b(void *arg)
{
	buf_puts(&((struct scene *)arg)->seen, "b ");
}

static void say_c(void *arg)
{
	buf_puts(&((struct scene *)arg)->seen, "c ");
}

static void loop_after__fires_in_order_of_time_then_age(void **state)
{
	struct scene *scene = *state;

	loop_after(scene->loop, 300, say_c, scene);
	loop_after(scene->loop, 100, say_a, scene);
	loop_after(scene->loop, 300, say_a, scene);
	loop_after(scene->loop, 200, say_b, scene);
	once(scene);
	saw(scene, "");
	fake_now += 99;
	once(scene);
	saw(scene, "");
	fake_now += 1;
	once(scene);
	saw(scene, "a ");
	fake_now += 1000;
	once(scene);
	saw(scene, "b c a ");
	once(scene);
	saw(scene, "");
}

static void loop_after__takes_any_delay(void **state)
{
	struct scene *scene = *state;

	loop_after(scene->loop, INT64_MAX, say_c, scene);
	loop_after(scene->loop, -5, say_a, scene);
	loop_after(scene->loop, 0, say_b, scene);
	once(scene);
	saw(scene, "a b ");
	fake_now = INT64_MAX - 1;
	once(scene);
	saw(scene, "");
	fake_now = INT64_MAX;
	once(scene);
	saw(scene, "c ");
}

static void loop_cancel__stops_a_timer(void **state)
{
	struct scene *scene = *state;
	int a = loop_after(scene->loop, 10, say_a, scene);
	int b = loop_after(scene->loop, 10, say_b, scene);

	assert_true(a > 0 && b > 0 && a != b);
	loop_cancel(scene->loop, a);
	loop_cancel(scene->loop, a);
	loop_cancel(scene->loop, 0);
	loop_cancel(scene->loop, 12345);
	fake_now += 10;
	once(scene);
	saw(scene, "b ");
	loop_cancel(scene->loop, b);
}

static void cancel_other(void *arg)
{
	struct scene *scene = arg;

	buf_puts(&scene->seen, "cancel ");
	loop_cancel(scene->loop, scene->id);
}

static void loop_cancel__in_a_callback_stops_one_that_is_due(void **state)
{
	struct scene *scene = *state;

	loop_after(scene->loop, 10, cancel_other, scene);
	scene->id = loop_after(scene->loop, 10, say_a, scene);
	loop_after(scene->loop, 10, say_b, scene);
	fake_now += 10;
	once(scene);
	saw(scene, "cancel b ");
}

static void again_at_once(void *arg)
{
	struct scene *scene = arg;

	on_time(arg);
	loop_after(scene->loop, 0, again_at_once, scene);
}

static void loop_after__0_in_a_chain_does_not_starve_descriptors(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	loop_after(scene->loop, 0, again_at_once, scene);
	loop_after(scene->loop, 0, say_b, scene);
	poke(scene, 0);
	once(scene);
	saw(scene, "t0 b 0i ");
	poke(scene, 0);
	once(scene);
	saw(scene, "t1 0i ");
}

static void many_timers(void *arg)
{
	struct scene *scene = arg;

	for (int i = 0; i < 100; i++)
		loop_after(scene->loop, 100 - i, on_time, scene);
}

static void loop_after__may_grow_the_list_in_a_callback(void **state)
{
	struct scene *scene = *state;

	loop_after(scene->loop, 0, many_timers, scene);
	loop_after(scene->loop, 0, say_b, scene);
	once(scene);
	saw(scene, "b ");
	fake_now += 100;
	once(scene);
	assert_int_equal(scene->count, 100);
}

static void defer_more(void *arg)
{
	struct scene *scene = arg;

	buf_puts(&scene->seen, "d ");
	if (++scene->count < 50)
		loop_defer(scene->loop, defer_more, scene);
}

static void loop_defer__runs_all_before_the_poll_in_order(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	poke(scene, 0);
	loop_defer(scene->loop, say_a, scene);
	loop_defer(scene->loop, say_b, scene);
	once(scene);
	saw(scene, "a b 0i ");
	loop_defer(scene->loop, defer_more, scene);
	once(scene);
	assert_int_equal(scene->count, 50);
}

static void defer_and_stop(void *arg, int fd, short events)
{
	struct scene *scene = arg;

	on_ready(arg, fd, events);
	loop_defer(scene->loop, say_c, scene);
	loop_stop(scene->loop);
}

static void loop_stop__still_runs_what_was_deferred(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, defer_and_stop, scene);
	loop_watch(scene->loop, scene->pipes[1][0], POLLIN, on_ready, scene);
	poke(scene, 0);
	poke(scene, 1);
	assert_int_equal(loop_run(scene->loop, &scene->e), 0);
	saw(scene, "0i 1i c ");
	/* And it can be run again. */
	poke(scene, 0);
	assert_int_equal(loop_run(scene->loop, &scene->e), 0);
	saw(scene, "0i c ");
}

static void loop_stop__before_loop_run_ends_it_at_once(void **state)
{
	struct scene *scene = *state;

	loop_stop(scene->loop);
	assert_int_equal(loop_run(scene->loop, &scene->e), 0);
}

static void on_signal(void *arg, int signo)
{
	struct scene *scene = arg;

	buf_printf(&scene->seen, "s%s ", signo == SIGUSR1 ? "usr1" : "usr2");
}

static void other_signal(void *arg, int signo)
{
	(void)signo;
	buf_puts(&((struct scene *)arg)->seen, "other ");
}

static void loop_signal__delivers_before_other_descriptors(void **state)
{
	struct scene *scene = *state;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	assert_int_equal(loop_signal(scene->loop, SIGUSR1, on_signal, scene, &scene->e), 0);
	assert_int_equal(loop_signal(scene->loop, SIGUSR2, on_signal, scene, &scene->e), 0);
	poke(scene, 0);
	raise(SIGUSR2);
	raise(SIGUSR1);
	once(scene);
	saw(scene, "susr1 susr2 0i ");
	assert_int_equal(loop_signal(scene->loop, SIGUSR1, other_signal, scene, &scene->e), 0);
	raise(SIGUSR1);
	once(scene);
	saw(scene, "other ");
}

static void loop_signal__refuses_what_is_no_signal(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(loop_signal(scene->loop, 0, on_signal, scene, &scene->e), -1);
	assert_int_equal(scene->e.kind, ERR_USAGE);
	assert_int_equal(loop_signal(scene->loop, -1, on_signal, scene, &scene->e), -1);
	assert_int_equal(loop_signal(scene->loop, 1000, on_signal, scene, &scene->e), -1);
	assert_int_equal(loop_signal(scene->loop, SIGUSR1, NULL, scene, &scene->e), -1);
}

static void loop_signal__reports_when_descriptors_run_out(void **state)
{
	struct scene *scene = *state;
	struct rlimit before;

	if (!descriptors_end(&before))
		skip();
	assert_int_equal(loop_signal(scene->loop, SIGUSR1, on_signal, scene, &scene->e), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(scene->e.kind, ERR_IO);
	assert_int_equal(loop_signal(scene->loop, SIGUSR1, on_signal, scene, &scene->e), 0);
}

static void loop_once__reports_when_poll_fails(void **state)
{
	struct scene *scene = *state;
	struct rlimit before;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	if (!descriptors_end(&before))
		skip();
	assert_int_equal(loop_once(scene->loop, 0, &scene->e), -1);
	assert_int_equal(loop_run(scene->loop, &scene->e), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(scene->e.kind, ERR_IO);
	/* The loop itself is still good. */
	poke(scene, 0);
	once(scene);
	saw(scene, "0i ");
}

static bool is_blocked(int signo)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, signo) == 1;
}

static void loop_free__gives_signals_back_and_drops_pending_ones(void **state)
{
	struct scene *scene = *state;
	struct loop *loop = loop_new(NULL);
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGUSR2);
	sigprocmask(SIG_BLOCK, &one, NULL);
	assert_int_equal(loop_signal(loop, SIGUSR1, on_signal, scene, &scene->e), 0);
	assert_int_equal(loop_signal(loop, SIGUSR2, on_signal, scene, &scene->e), 0);
	assert_true(is_blocked(SIGUSR1));
	raise(SIGUSR1);
	/* Delivered with its default action, the pending SIGUSR1 would end this program. */
	loop_free(loop);
	assert_false(is_blocked(SIGUSR1));
	assert_true(is_blocked(SIGUSR2));
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	saw(scene, "");
	loop_free(NULL);
}

static void stop_now(void *arg)
{
	loop_stop(((struct scene *)arg)->loop);
}

static void loop_run__waits_for_timers_on_the_real_clock(void **state)
{
	struct scene *scene = *state;
	int64_t began = time_mono_us();

	loop_free(scene->loop);
	scene->loop = loop_new(NULL);
	loop_after(scene->loop, 3000, say_a, scene);
	loop_after(scene->loop, 5500, stop_now, scene);
	assert_int_equal(loop_run(scene->loop, &scene->e), 0);
	saw(scene, "a ");
	assert_true(time_mono_us() - began >= 5500);
}

static void *write_one(void *arg)
{
	const int *fd = arg;

	return write(*fd, "x", 1) == 1 ? arg : NULL;
}

static void loop_once__without_timeout_waits_for_an_event(void **state)
{
	struct scene *scene = *state;
	pthread_t writer;
	void *written;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	assert_int_equal(pthread_create(&writer, NULL, write_one, &scene->pipes[0][1]), 0);
	assert_int_equal(loop_once(scene->loop, -1, &scene->e), 0);
	pthread_join(writer, &written);
	assert_non_null(written);
	saw(scene, "0i ");
}

static void run_inside(void *arg)
{
	struct scene *scene = arg;

	loop_once(scene->loop, 0, &scene->e);
}

static void nested(void *arg)
{
	struct scene *scene = arg;

	loop_defer(scene->loop, run_inside, scene);
	loop_once(scene->loop, 0, &scene->e);
}

static void watch_closed(void *arg)
{
	struct scene *scene = arg;

	loop_watch(scene->loop, scene->pipes[0][0], POLLIN, on_ready, scene);
	close(scene->pipes[0][0]);
	loop_once(scene->loop, 0, &scene->e);
}

static void watch_nothing(void *arg)
{
	struct scene *scene = arg;

	loop_watch(scene->loop, -1, POLLIN, on_ready, scene);
}

static void loop__stops_on_our_own_bugs(void **state)
{
	assert_true(dies(nested, *state));
	assert_true(dies(watch_closed, *state));
	assert_true(dies(watch_nothing, *state));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(loop_watch__calls_when_ready_and_only_then),
		T(loop_watch__is_level_triggered),
		T(loop_watch__again_replaces),
		T(loop_events__changes_what_is_waited_for),
		T(loop_events__of_0_still_tells_the_hang_up),
		T(loop_unwatch__in_a_callback_silences_those_already_polled),
		T(loop_unwatch__of_an_earlier_one_loses_nobody),
		T(loop_watch__of_a_reused_number_sees_no_stale_event),
		T(loop_events__in_a_callback_filters_what_was_polled),
		T(loop_after__fires_in_order_of_time_then_age),
		T(loop_after__takes_any_delay),
		T(loop_cancel__stops_a_timer),
		T(loop_cancel__in_a_callback_stops_one_that_is_due),
		T(loop_after__0_in_a_chain_does_not_starve_descriptors),
		T(loop_after__may_grow_the_list_in_a_callback),
		T(loop_defer__runs_all_before_the_poll_in_order),
		T(loop_stop__still_runs_what_was_deferred),
		T(loop_stop__before_loop_run_ends_it_at_once),
		T(loop_signal__delivers_before_other_descriptors),
		T(loop_signal__refuses_what_is_no_signal),
		T(loop_signal__reports_when_descriptors_run_out),
		T(loop_once__reports_when_poll_fails),
		T(loop_free__gives_signals_back_and_drops_pending_ones),
		T(loop_run__waits_for_timers_on_the_real_clock),
		T(loop_once__without_timeout_waits_for_an_event),
		T(loop__stops_on_our_own_bugs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
