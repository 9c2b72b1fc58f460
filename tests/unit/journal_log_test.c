/* journal_log_test.c - the files of a journal that a process writes are removed or replaced under it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal_fixture.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

static void beside(const struct place *place, const char *suffix, char name[300])
{
	snprintf(name, 300, "%s%s", place->path, suffix);
}

static void remove_one(const struct place *place, const char *suffix)
{
	char name[300];

	beside(place, suffix, name);
	assert_int_equal(unlink(name), 0);
}

static bool count_one(void *arg, const struct event *ev)
{
	(void)ev;
	++*(int64_t *)arg;
	return true;
}

static const char *const all[] = { "", "-wal", "-shm", "-lock", "-ballast" };
static const char *const removals[][5] = {
	{ "-wal" }, { "-shm" }, { "-wal", "-shm" }, { "-wal", "-shm", "-lock" }, { "-wal", "-shm", "-lock", "-ballast" },
};
#define REMOVALS (sizeof(removals) / sizeof(removals[0]))

static void removed(const struct place *place, size_t which)
{
	for (const char *const *suffix = removals[which]; *suffix; suffix++)
		remove_one(place, *suffix);
}

static void store_look__moves_a_removed_log_into_the_journal_and_goes_on(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < REMOVALS; i++) {
		struct store *store = open_ok(place->path, STORE_WRITE);
		int64_t session = session_ok(store), head;

		for (int n = 0; n < 20; n++)
			note_ok(store, session, "in the log");
		assert_int_equal(look(store), 0);
		removed(place, i);
		assert_int_equal(look(store), 1);
		assert_int_equal(look(store), 0);
		head = note_ok(store, session, "after it");
		is_intact(place->path, head);
		store_close(store);
		is_intact(place->path, head);
	}
}

static void store_append__says_that_its_log_was_removed_and_the_next_goes_on(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < REMOVALS; i++) {
		struct store *store = open_ok(place->path, STORE_WRITE);
		int64_t session = session_ok(store), head;

		note_ok(store, session, "in the log");
		removed(place, i);
		append_refused(store, session, "was removed, replaced or cut while in use");
		head = note_ok(store, session, "after it");
		store_close(store);
		is_intact(place->path, head);
	}
}

static void store_checkpoint__touches_nothing_while_the_log_is_another(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct err e = { 0 };

	note_ok(store, session, "in the log");
	remove_one(place, "-wal");
	assert_int_equal(store_checkpoint(store, true, &e), -1);
	assert_int_equal(look(store), 1);
	store_close(store);
	is_intact(place->path, 2);
}

static void store_append__waits_until_a_log_from_elsewhere_is_moved_away(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	char name[300], away[300];
	FILE *file;

	note_ok(store, session, "in the log");
	beside(place, "-wal", name);
	beside(place, "-wal.away", away);
	remove_one(place, "-wal");
	file = fopen(name, "we");
	assert_non_null(file);
	fputs("what somebody put there", file);
	fclose(file);
	append_refused(store, session, "was removed, replaced or cut while in use");
	append_refused(store, session, "Move it away");
	append_refused(store, session, "Do not end process");
	assert_int_equal(rename(name, away), 0);
	note_ok(store, session, "after it");
	store_close(store);
	is_intact(place->path, 3);
}

static void store_append__refuses_a_copy_in_the_place_of_the_journal(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	char away[300], copy[300];
	struct err e = { 0 };

	note_ok(store, session, "before");
	beside(place, ".away", away);
	assert_int_equal(rename(place->path, away), 0);
	assert_int_equal(store_look(store, &e), -1);
	assert_non_null(strstr(e.text, "moved or deleted"));
	assert_int_equal(link(away, place->path), 0);	/* the same file under its name again */
	assert_int_equal(look(store), 0);
	beside(place, ".copy", copy);
	journal_with(copy, 0);
	assert_int_equal(rename(copy, place->path), 0);
	append_refused(store, session, "another file was put in the place of");
	append_refused(store, session, "Put the first one back");
	assert_int_equal(rename(away, place->path), 0);
	note_ok(store, session, "after it");
	store_close(store);
	is_intact(place->path, 3);
}

/* --- several processes --- */

/* A process that writes a note when it is told a byte, and answers with 'y', or 'n' when it was refused. */
struct peer {
	pid_t pid;
	int to, from;
};

static void peer_main(const char *path, int in, int out)
{
	const int64_t session = 1;
	struct err e = { 0 };
	struct store *store = store_open(path, STORE_WRITE, &e);
	char order;

	if (!store || write(out, "y", 1) != 1)
		leave(1);
	while (read(in, &order, 1) == 1 && order == 'w') {
		struct event ev = { .kind = EVENT_NOTE, .session = session, .who = "peer" };

		if (write(out, store_append(store, &ev, 1, &e) == 0 ? "y" : "n", 1) != 1)
			leave(1);
	}
	store_close(store);
	leave(0);
}

static char heard(const struct peer *peer)
{
	char answer = '?';

	assert_int_equal(read(peer->from, &answer, 1), 1);
	return answer;
}

static char ask(const struct peer *peer, char order)
{
	assert_int_equal(write(peer->to, &order, 1), 1);
	return heard(peer);
}

static char tell(const struct peer *peer)
{
	return ask(peer, 'w');
}

static struct peer peer_start(void (*peer_does)(const char *, int, int), const char *path)
{
	int to[2], from[2];
	struct peer peer;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	peer.pid = fork();
	if (peer.pid == 0) {
		close(to[1]);
		close(from[0]);
		peer_does(path, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	peer.to = to[1];
	peer.from = from[0];
	assert_int_equal(heard(&peer), 'y');
	return peer;
}

static void peer_end(struct peer *peer)
{
	int status;

	assert_int_equal(write(peer->to, "q", 1), 1);
	close(peer->to);
	assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
	assert_int_equal(status, 0);
	close(peer->from);
}

/* Which processes write first after it does not matter. */
static void store_append__two_processes_lose_nothing_when_their_log_is_removed(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < REMOVALS; i++) {
		for (int first = 0; first < 2; first++) {
			struct store *store = open_ok(place->path, STORE_WRITE);
			int64_t session = session_ok(store), head;
			struct peer peers[2];

			note_ok(store, session, "first of all");
			store_close(store);
			for (int p = 0; p < 2; p++) {
				peers[p] = peer_start(peer_main, place->path);
				assert_int_equal(tell(&peers[p]), 'y');
			}
			removed(place, i);
			head = 0;
			for (int n = 0; n < 8; n++)	/* each hears of it once */
				head += tell(&peers[(n + first) % 2]) == 'y';
			assert_int_equal(head, 6);
			for (int p = 0; p < 2; p++)
				peer_end(&peers[p]);
			store = open_ok(place->path, STORE_WRITE);
			is_intact(place->path, session + 1 + 2 + 6);
			store_close(store);
		}
	}
}

/* A process that reads all of the journal when it is told a byte, and answers with 'y' when it found as many events as there are. */
static void reader_main(const char *path, int in, int out)
{
	struct err e = { 0 };
	struct store *store = store_open(path, STORE_READ, &e);
	unsigned char order;

	if (!store || write(out, "y", 1) != 1)
		leave(1);
	while (read(in, &order, 1) == 1 && order != 'q') {
		int64_t seen = 0;
		bool fine = store_each(store, (struct store_range){ 0 }, count_one, &seen, &e) == 0 && seen == order && store_head(store, &e) == order;

		if (write(out, fine ? "y" : "n", 1) != 1)
			leave(1);
	}
	store_close(store);
	leave(0);
}

static void store_each__goes_over_to_the_new_log(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < REMOVALS; i++) {
		struct store *store;
		struct peer writer, reader;
		unsigned char events;

		unlink(place->path);
		store = open_ok(place->path, STORE_WRITE);
		assert_int_equal(session_ok(store), 1);
		store_close(store);
		writer = peer_start(peer_main, place->path);
		assert_int_equal(tell(&writer), 'y');
		reader = peer_start(reader_main, place->path);
		events = 2;
		assert_int_equal(ask(&reader, (char)events), 'y');
		removed(place, i);
		assert_int_equal(tell(&writer), 'n');
		for (; events < 12; events++)
			assert_int_equal(tell(&writer), 'y');
		assert_int_equal(ask(&reader, (char)events), 'y');
		assert_int_equal(tell(&writer), 'y');
		assert_int_equal(ask(&reader, (char)(events + 1)), 'y');
		peer_end(&reader);
		peer_end(&writer);
		for (size_t s = 0; s < sizeof(all) / sizeof(all[0]); s++) {
			char name[300];

			beside(place, all[s], name);
			unlink(name);
		}
	}
}

static void store_append__does_not_wait_for_a_writer_that_is_stopped(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct event ev = { .kind = EVENT_NOTE, .session = session, .who = "ada" };
	struct err e = { 0 };
	char name[300], words[40];
	int status;
	pid_t pid;

	beside(place, "-lock", name);
	pid = fork();
	if (pid == 0) {
		int fd = open(name, O_RDWR | O_CLOEXEC);

		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			leave(1);
		raise(SIGSTOP);
		leave(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(store_append(store, &ev, 1, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	snprintf(words, sizeof(words), "kill -CONT %d", (int)pid);
	assert_non_null(strstr(e.text, words));
	assert_null(store_open(place->path, STORE_WRITE, &e));
	assert_non_null(strstr(e.text, words));
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	append_ok(store, &ev, 1);
	store_close(store);
	is_intact(place->path, 2);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_look__moves_a_removed_log_into_the_journal_and_goes_on),
		WITH_PLACE(store_append__says_that_its_log_was_removed_and_the_next_goes_on),
		WITH_PLACE(store_checkpoint__touches_nothing_while_the_log_is_another),
		WITH_PLACE(store_append__waits_until_a_log_from_elsewhere_is_moved_away),
		WITH_PLACE(store_append__refuses_a_copy_in_the_place_of_the_journal),
		WITH_PLACE(store_append__two_processes_lose_nothing_when_their_log_is_removed),
		WITH_PLACE(store_each__goes_over_to_the_new_log),
		WITH_PLACE(store_append__does_not_wait_for_a_writer_that_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
