/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static const char *skip_reason;

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

/* A mount namespace of our own; as a plain user, with a user namespace around it. */
static bool own_namespace(void)
{
	char map[60];
	uid_t uid = getuid();

	if (uid == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			return false;
	} else {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return false;
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
		if (write_text("/proc/self/uid_map", map) < 0)
			return false;
	}
	return mount("none", "/", "none", MS_REC | MS_PRIVATE, "") == 0;
}

/* An 8 MiB tmpfs over the test's directory, gone with this process. */
static int small_disk(void **state)
{
	struct place *place;

	place_make(state);
	place = *state;
	if (!skip_reason && mount("none", place->dir, "tmpfs", 0, "size=8m,mode=0700") < 0)
		skip_reason = "a tmpfs cannot be mounted here";
	if (!skip_reason)
		setenv("BELLBOOK_BALLAST", "1048576", 1);
	return 0;
}

static int small_disk_gone(void **state)
{
	struct place *place = *state;

	umount2(place->dir, MNT_DETACH);
	return place_remove(state);
}

#define NEEDS_DISK() do { if (skip_reason) { print_message("skipped: %s\n", skip_reason); skip(); } } while (0)

/* Output until the disk is full; how many events there are then. */
static int64_t fill(struct store *store, int64_t session)
{
	static char chunk[64 << 10];
	struct err e = { 0 };
	int64_t head;

	memset(chunk, 'x', sizeof(chunk));
	for (size_t len = sizeof(chunk); len > 0; len = len > 512 ? len / 2 : 0) {
		for (;;) {
			struct event ev = { .kind = EVENT_CALL_OUTPUT, .session = session, .step = "s", .call = "1", .bytes = chunk, .len = len };

			if (store_append(store, &ev, 1, &e) == 0)
				continue;
			assert_int_equal(e.kind, ERR_FULL);
			assert_int_equal(ev.seq, 0);
			break;
		}
	}
	head = store_head(store, &e);
	assert_true(head > 10);
	return head;
}

static void store_append__full_disk_rolls_back_and_ballast_lets_the_session_close(void **state)
{
	struct place *place = *state;
	struct event closing[2] = {
		{ .kind = EVENT_JOURNAL_GAP, .data = "{\"reason\":\"disk full\"}" },
		{ .kind = EVENT_SESSION_PAUSED, .data = "{\"reason\":\"the journal's disk is full\"}" },
	};
	struct store *store;
	struct err e = { 0 };
	int64_t session, head;

	NEEDS_DISK();
	store = open_ok(place->path, STORE_WRITE);
	session = session_ok(store);
	head = fill(store, session);
	verify_ok(place->path, head);
	closing[0].session = closing[1].session = session;
	assert_int_equal(store_append(store, closing, 2, &e), -1);
	assert_int_equal(e.kind, ERR_FULL);
	assert_int_equal(store_ballast_restore(store, &e), 0);	/* it is still there */
	assert_true(store_ballast_drop(store));
	assert_false(store_ballast_drop(store));
	append_ok(store, closing, 2);
	assert_int_equal(closing[1].seq, head + 2);
	for (int i = 0; i < 50; i++)
		note_ok(store, session, "a closing record");
	assert_int_equal(store_ballast_restore(store, &e), -1);
	assert_int_equal(e.kind, ERR_FULL);
	store_close(store);
	verify_ok(place->path, head + 52);
}

/* Something else on the disk, of which a person frees half. */
static void store_append__goes_on_when_there_is_space_again(void **state)
{
	struct place *place = *state;
	struct store *store;
	struct err e = { 0 };
	char other[300];
	int fd;

	NEEDS_DISK();
	snprintf(other, sizeof(other), "%s/other", place->dir);
	store = open_ok(place->path, STORE_WRITE);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 5 << 20), 0);
	close(fd);
	fill(store, session_ok(store));
	assert_true(store_ballast_drop(store));
	assert_int_equal(store_ballast_restore(store, &e), -1);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(store_ballast_restore(store, &e), 0);
	assert_true(store_space(store) > 1 << 20);
	note_ok(store, 1, "on we go");
	assert_int_equal(store_checkpoint(store, true, &e), 0);
	store_close(store);
	verify_ok(place->path, -1);
}

/* Not a byte left, and the machine was restarted: -shm is gone or was never there. */
static void store_read__works_on_a_full_disk_without_shm(void **state)
{
	struct place *place = *state;
	struct store *store;
	char name[300], *before, *after;
	int64_t head;
	int fd;

	NEEDS_DISK();
	store = open_ok(place->path, STORE_WRITE);
	head = fill(store, session_ok(store));
	store_close(store);
	snprintf(name, sizeof(name), "%s-shm", place->path);
	assert_int_equal(unlink(name), 0);
	snprintf(name, sizeof(name), "%s/rest", place->dir);
	fd = open(name, O_CREAT | O_WRONLY | O_APPEND, 0600);
	for (char page[4096] = { 1 }; write(fd, page, sizeof(page)) > 0; )
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
	before = directory_digest(place->dir);
	store = open_ok(place->path, STORE_READ);
	assert_int_equal(count_events(store), head);
	store_close(store);
	verify_ok(place->path, head);
	after = directory_digest(place->dir);
	assert_string_equal(before, after);
	mem_free(before);
	mem_free(after);
}

static void store_read__works_on_a_read_only_disk(void **state)
{
	struct place *place = *state;
	struct store *store;

	NEEDS_DISK();
	journal_with(place->path, 20);
	assert_int_equal(mount("none", place->dir, "none", MS_REMOUNT | MS_RDONLY, ""), 0);
	store = open_ok(place->path, STORE_READ);
	assert_int_equal(count_events(store), 21);
	store_close(store);
	verify_ok(place->path, 21);
	assert_int_equal(mount("none", place->dir, "none", MS_REMOUNT, "size=8m"), 0);
	journal_alone(place->path);
	assert_int_equal(mount("none", place->dir, "none", MS_REMOUNT | MS_RDONLY, ""), 0);
	verify_ok(place->path, 21);
}

static void store_ballast__is_at_most_an_eighth_of_what_is_free(void **state)
{
	struct place *place = *state;
	char name[300];
	struct stat st;

	NEEDS_DISK();
	unsetenv("BELLBOOK_BALLAST");	/* 32 MiB on a disk of 8 */
	store_close(open_ok(place->path, STORE_WRITE));
	snprintf(name, sizeof(name), "%s-ballast", place->path);
	assert_int_equal(stat(name, &st), 0);
	assert_true(st.st_size > 900 << 10 && st.st_size <= 1 << 20);
	assert_true(st.st_blocks * 512 >= st.st_size);
}

#define WITH_DISK(test) cmocka_unit_test_setup_teardown(test, small_disk, small_disk_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DISK(store_append__full_disk_rolls_back_and_ballast_lets_the_session_close),
		WITH_DISK(store_append__goes_on_when_there_is_space_again),
		WITH_DISK(store_read__works_on_a_full_disk_without_shm),
		WITH_DISK(store_read__works_on_a_read_only_disk),
		WITH_DISK(store_ballast__is_at_most_an_eighth_of_what_is_free),
	};

	if (!own_namespace())
		skip_reason = "no mount namespace can be made here";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
