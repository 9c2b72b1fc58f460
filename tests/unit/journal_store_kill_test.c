/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <signal.h>
#include <sys/prctl.h>

#define ROUNDS 20

/* Appends for ever; tells each seq that was acknowledged. Decisions, notes and output in turn, with a checkpoint now and then. */
static void write_until_killed(const char *path, int tell)
{
	struct err e = { 0 };
	struct store *store = store_open(path, STORE_WRITE, &e);
	struct event opened = { .kind = EVENT_SESSION_OPENED, .who = "ada" };
	int64_t session;

	if (!store || store_append(store, &opened, 1, &e) < 0)
		leave(2);
	session = opened.session;
	for (int i = 0; ; i++) {
		struct event batch[2] = {
			{ .kind = EVENT_CALL_OUTPUT, .session = session, .step = "s", .attempt = 1, .call = "1", .bytes = "some output\n", .len = 12 },
			{ .kind = i % 3 ? EVENT_NOTE : EVENT_CALL_ENDED, .session = session, .step = "s", .data = "{\"outcome\":\"ok\"}" },
		};

		if (store_append(store, batch, i % 2 ? 1 : 2, &e) < 0)
			leave(3);
		if (write(tell, &batch[i % 2 ? 0 : 1].seq, sizeof(int64_t)) != (ssize_t)sizeof(int64_t))
			leave(0);
		if (i % 50 == 49 && store_checkpoint(store, i % 100 == 99, &e) < 0)
			leave(1);
	}
}

static pid_t start_writer(const char *path, int *ack)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) > 0);	/* so that an unheard writer waits after some hundred */
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		write_until_killed(path, fds[1]);
		leave(1);
	}
	close(fds[1]);
	*ack = fds[0];
	return pid;
}

/* Last acknowledged seq: reads at least `least` of them, kills, reads the rest. */
static int64_t kill_after(pid_t pid, int ack, int least)
{
	int64_t seq = 0, last = 0;
	int n = 0, status;

	while (n < least && read(ack, &seq, sizeof(seq)) == (ssize_t)sizeof(seq)) {
		last = seq;
		n++;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (read(ack, &seq, sizeof(seq)) == (ssize_t)sizeof(seq))
		last = seq;
	close(ack);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))	/* its exit code says at what */
		fail_msg("the writer ended by itself, with status %d", WEXITSTATUS(status));
	return last;
}

static void store_append__what_was_acknowledged_survives_sigkill(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };
	int64_t acked, before = 0;

	srand(42);
	for (int round = 0; round < ROUNDS; round++) {
		struct store *store;
		pid_t pid;
		int ack;

		pid = start_writer(place->path, &ack);
		acked = kill_after(pid, ack, 1 + rand() % 120);
		assert_true(acked > before);
		verify_ok(place->path, -1);
		store = open_ok(place->path, STORE_READ);
		before = store_head(store, &e);
		assert_true(before >= acked);
		assert_int_equal(count_events(store), before);
		store_close(store);
	}
}

static void store_append__several_processes_share_one_gapless_chain(void **state)
{
	struct place *place = *state;
	struct store *store;
	struct err e = { 0 };
	int64_t before;
	pid_t pids[3];
	int acks[3];

	store_close(open_ok(place->path, STORE_WRITE));
	for (int i = 0; i < 3; i++)
		pids[i] = start_writer(place->path, &acks[i]);
	store = open_ok(place->path, STORE_READ);
	for (int i = 0; i < 3; i++) {
		assert_true(kill_after(pids[i], acks[i], 150) > 0);
		before = store_head(store, &e);
		assert_true(before >= 150 && count_events(store) >= before);
	}
	assert_int_equal(count_events(store), store_head(store, &e));
	store_close(store);
	verify_ok(place->path, -1);
}

/* A reader that checks every row beside a writer that checkpoints and is killed. */
static void store_each__is_right_beside_writers_that_come_and_go(void **state)
{
	struct place *place = *state;
	struct store *reader;
	struct err e = { 0 };
	int64_t seen = 0;

	journal_with(place->path, 2);
	reader = open_ok(place->path, STORE_READ);
	for (int round = 0; round < 4; round++) {
		int ack;
		pid_t pid = start_writer(place->path, &ack);

		for (int i = 0; i < 8; i++) {
			int64_t n = count_events(reader);

			assert_true(n >= seen);
			seen = n;
			verify_ok(place->path, -1);
		}
		assert_true(kill_after(pid, ack, 60) > 0);
		assert_int_equal(count_events(reader), store_head(reader, &e));
	}
	store_close(reader);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_append__what_was_acknowledged_survives_sigkill),
		WITH_PLACE(store_append__several_processes_share_one_gapless_chain),
		WITH_PLACE(store_each__is_right_beside_writers_that_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
