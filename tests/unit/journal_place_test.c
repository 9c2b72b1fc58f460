/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/proc.h"
#include "journal/store/place.h"

static void place_journal__given_then_environment_then_home(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };
	char want[300], *path;
	struct stat st;

	setenv("BELLBOOK_JOURNAL", "/from/env.db", 1);
	path = place_journal("given.db", &e);
	assert_string_equal(path, "given.db");
	mem_free(path);
	path = place_journal(NULL, &e);
	assert_string_equal(path, "/from/env.db");
	mem_free(path);
	unsetenv("BELLBOOK_JOURNAL");
	setenv("XDG_STATE_HOME", place->dir, 1);
	path = place_journal(NULL, &e);
	snprintf(want, sizeof(want), "%s/bellbook/journal.db", place->dir);
	assert_string_equal(path, want);
	mem_free(path);
	setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
	setenv("HOME", place->dir, 1);
	path = place_journal(NULL, &e);
	snprintf(want, sizeof(want), "%s/.local/state/bellbook/journal.db", place->dir);
	assert_string_equal(path, want);
	mem_free(path);
	snprintf(want, sizeof(want), "%s/.local/state/bellbook", place->dir);
	assert_int_equal(stat(want, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static mode_t run_mode(const struct place *place)
{
	struct err e = { 0 };
	struct stat st;
	char *run = place_run_dir(place->path, &e);

	if (!run)
		fail_msg("%s", e.text);
	assert_int_equal(stat(run, &st), 0);
	mem_free(run);
	return st.st_mode & 07777;
}

static void place_run_dir__is_private(void **state)
{
	mode_t old = umask(0);

	assert_int_equal(run_mode(*state), 0700);
	umask(old);
}

static void place_run_dir__is_the_groups_in_a_setgid_directory(void **state)
{
	struct place *place = *state;
	mode_t old = umask(077);

	assert_int_equal(chmod(place->dir, 02770), 0);
	assert_int_equal(run_mode(place), 02770);
	umask(old);
}

static void place_run_dir__refuses_one_that_others_can_enter(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };
	char run[300];

	snprintf(run, sizeof(run), "%s.run", place->path);
	assert_int_equal(mkdir(run, 0700), 0);
	assert_int_equal(chmod(run, 0755), 0);
	assert_null(place_run_dir(place->path, &e));
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.text, "can be entered by others"));
	assert_int_equal(rmdir(run), 0);
	assert_int_equal(symlink("/tmp", run), 0);
	assert_null(place_run_dir(place->path, &e));
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.text, "no directory"));
}

static void talk(const char *path)
{
	struct err e = { 0 };
	int listener = place_listen(path, 12, &e), client, served;
	char byte = 0;

	if (listener < 0)
		fail_msg("%s", e.text);
	client = place_connect(path, 12, &e);
	if (client < 0)
		fail_msg("%s", e.text);
	served = accept(listener, NULL, NULL);
	assert_true(served >= 0);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(read(served, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(served);
	close(client);
	close(listener);
}

static void place_listen__connects_and_replaces_a_stale_socket(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };
	struct stat st;
	char name[300];

	assert_int_equal(place_connect(place->path, 12, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	talk(place->path);
	assert_int_equal(place_connect(place->path, 12, &e), -1);	/* the file is there, nobody listens */
	assert_int_equal(e.kind, ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "no process carries session 12"));
	talk(place->path);
	snprintf(name, sizeof(name), "%s.run/12.sock", place->path);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	place_unlisten(place->path, 12);
	assert_int_equal(stat(name, &st), -1);
}

static void place_listen__works_for_paths_longer_than_a_socket_address(void **state)
{
	struct place *place = *state;
	char path[600];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", place->dir);

	for (int i = 0; i < 4; i++) {
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/a-directory-with-a-rather-long-name-of-fifty-letters");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path + len, sizeof(path) - len, "/journal.db");
	assert_true(strlen(path) > 200);
	talk(path);
}

/* --- leases --- */

static struct lease *take_ok(const char *path, int64_t session)
{
	struct err e = { 0 };
	struct lease *lease = lease_take(path, session, NULL, &e);

	if (!lease)
		fail_msg("%s", e.text);
	return lease;
}

static void lease_take__one_at_a_time_and_says_who(void **state)
{
	struct place *place = *state;
	struct proc_id holder = { 0 };
	struct err e = { 0 };
	struct lease *lease = take_ok(place->path, 5), *other;
	char words[40];

	assert_true(lease_is_held(place->path, 5));
	assert_false(lease_is_held(place->path, 6));
	assert_null(lease_take(place->path, 5, &holder, &e));
	assert_int_equal(e.kind, ERR_DENIED);
	snprintf(words, sizeof(words), "process %d of ", (int)getpid());
	assert_non_null(strstr(e.text, words));
	assert_non_null(strstr(e.text, "attach"));
	assert_int_equal(holder.pid, getpid());
	assert_true(proc_is_alive(&holder));
	other = take_ok(place->path, 6);
	lease_drop(other);
	lease_drop(lease);
	assert_false(lease_is_held(place->path, 5));
	lease_drop(take_ok(place->path, 5));
	lease_drop(NULL);
}

static void lease__a_named_pipe_in_its_place_is_refused_at_once(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };
	char name[600];

	lease_drop(take_ok(place->path, 5));
	snprintf(name, sizeof(name), "%s.run/5.lease", place->path);
	assert_int_equal(mkfifo(name, 0600), 0);
	alarm(20);	/* who waits at it is ended */
	assert_false(lease_is_held(place->path, 5));
	assert_null(lease_take(place->path, 5, NULL, &e));
	alarm(0);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.text, "a named pipe"));
	assert_int_equal(unlink(name), 0);
}

static void lease_take__succeeds_once_its_holder_was_killed(void **state)
{
	struct place *place = *state;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct err e = { 0 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (lease_take(place->path, 5, NULL, &e) && write(ready[1], "x", 1) == 1)
			pause();
		leave(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	assert_true(lease_is_held(place->path, 5));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(lease_is_held(place->path, 5));
	lease_drop(take_ok(place->path, 5));
}

/* Many at once: never two holders, although the file is removed each time. */
static void lease_take__races_have_one_winner(void **state)
{
	struct place *place = *state;
	char name[300];
	pid_t pids[4];

	snprintf(name, sizeof(name), "%s/inside", place->dir);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int won = 0; won < 50; ) {
			struct err e = { 0 };
			struct lease *lease = lease_take(place->path, 5, NULL, &e);
			int fd;

			if (!lease)
				continue;
			fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
			if (fd < 0)
				leave(1);
			close(fd);
			unlink(name);
			lease_drop(lease);
			won++;
		}
		leave(0);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(place_journal__given_then_environment_then_home),
		WITH_PLACE(place_run_dir__is_private),
		WITH_PLACE(place_run_dir__is_the_groups_in_a_setgid_directory),
		WITH_PLACE(place_run_dir__refuses_one_that_others_can_enter),
		WITH_PLACE(place_listen__connects_and_replaces_a_stale_socket),
		WITH_PLACE(place_listen__works_for_paths_longer_than_a_socket_address),
		WITH_PLACE(lease_take__one_at_a_time_and_says_who),
		WITH_PLACE(lease__a_named_pipe_in_its_place_is_refused_at_once),
		WITH_PLACE(lease_take__succeeds_once_its_holder_was_killed),
		WITH_PLACE(lease_take__races_have_one_winner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
