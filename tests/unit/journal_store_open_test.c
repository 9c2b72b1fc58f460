/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <grp.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "journal/store/store_int.h"

static mode_t mode_of(const struct place *place, const char *suffix)
{
	char name[400];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", place->path, suffix);
	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 07777;
}

static void all_modes(const struct place *place, mode_t mode)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock", "-ballast" };

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(mode_of(place, suffixes[i]), mode);
}

static void store_open__files_are_private_whatever_the_umask(void **state)
{
	struct place *place = *state;
	mode_t old = umask(0);

	journal_with(place->path, 1);
	umask(old);
	all_modes(place, 0600);
}

static void store_open__files_belong_to_the_group_in_a_setgid_directory(void **state)
{
	struct place *place = *state;
	mode_t old;

	assert_int_equal(chmod(place->dir, 02770), 0);
	old = umask(077);
	journal_with(place->path, 1);
	umask(old);
	all_modes(place, 0660);
}

/* Opening in that mode is refused with kind and words; no file changes, none appears. */
static void refused_untouched(const struct place *place, enum store_mode mode, enum err_kind kind, const char *words)
{
	char *before = directory_digest(place->dir), *after;
	struct err e = { 0 };
	struct store *store = store_open(place->path, mode, &e);

	assert_null(store);
	if (e.kind != kind || !strstr(e.text, words))
		fail_msg("%s: \"%s\", not %s with \"%s\"", err_kind_name(e.kind), e.text, err_kind_name(kind), words);
	after = directory_digest(place->dir);
	assert_string_equal(before, after);
	mem_free(before);
	mem_free(after);
}

static void both_refuse(const struct place *place, enum err_kind kind, const char *words)
{
	refused_untouched(place, STORE_READ, kind, words);
	refused_untouched(place, STORE_WRITE, kind, words);
}

static void poke(const char *path, off_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static void flip(const char *path, off_t at)
{
	unsigned char byte;
	int fd = open(path, O_RDWR);

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void copy_bytes(const char *from, const char *to)
{
	char chunk[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t got;

	assert_true(in >= 0 && out >= 0);
	while ((got = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(write(out, chunk, (size_t)got), got);
	close(in);
	close(out);
}

/* The file and its log. Not from the process that has it open: closing would drop SQLite's locks. */
static void copy_file(const char *from, const char *to)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char from_wal[400], to_wal[400];

		snprintf(from_wal, sizeof(from_wal), "%s-wal", from);
		snprintf(to_wal, sizeof(to_wal), "%s-wal", to);
		copy_bytes(from, to);
		copy_bytes(from_wal, to_wal);
		leave(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void store_open__read_of_nothing_is_not_found_and_makes_nothing(void **state)
{
	struct place *place = *state;

	refused_untouched(place, STORE_READ, ERR_NOTFOUND, "No such file");
}

static void store_open__refuses_what_is_no_journal(void **state)
{
	struct place *place = *state;
	sqlite3 *db;
	FILE *file;

	file = fopen(place->path, "w");
	for (int i = 0; i < 500; i++)
		fprintf(file, "Dear diary, line %d\n", i);
	fclose(file);
	both_refuse(place, ERR_CORRUPT, "not a bellbook journal");
	assert_int_equal(truncate(place->path, 20), 0);
	both_refuse(place, ERR_CORRUPT, "cut short");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x); PRAGMA user_version=1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	both_refuse(place, ERR_CORRUPT, "application id is 00000000");
}

static void store_open__refuses_a_wrong_application_id(void **state)
{
	struct place *place = *state;

	journal_with(place->path, 5);
	journal_alone(place->path);
	poke(place->path, 68, "bxll", 4);
	both_refuse(place, ERR_CORRUPT, "application id is 62786c6c");
}

static void store_open__refuses_a_newer_schema(void **state)
{
	struct place *place = *state;

	journal_with(place->path, 5);
	journal_alone(place->path);
	poke(place->path, 60, "\0\0\0\2", 4);
	both_refuse(place, ERR_USAGE, "newer bellbook");
}

static void store_open__refuses_an_empty_file_for_reading(void **state)
{
	struct place *place = *state;

	close(open(place->path, O_CREAT | O_WRONLY, 0600));
	refused_untouched(place, STORE_READ, ERR_CORRUPT, "is empty");
	journal_with(place->path, 1);
	verify_ok(place->path, 2);
}

static void store_open__refuses_to_make_a_new_file_beside_an_old_log(void **state)
{
	struct place *place = *state;

	journal_with(place->path, 5);
	assert_int_equal(truncate(place->path, 0), 0);
	refused_untouched(place, STORE_WRITE, ERR_CORRUPT, "its log (-wal) is there");
}

static void store_open__refuses_a_file_cut_short(void **state)
{
	struct place *place = *state;
	struct stat st;

	journal_with(place->path, 300);
	journal_alone(place->path);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(truncate(place->path, st.st_size - 4096), 0);
	both_refuse(place, ERR_CORRUPT, "damaged");
	assert_int_equal(truncate(place->path, 4096 + 100), 0);
	both_refuse(place, ERR_CORRUPT, "damaged");
	assert_int_equal(truncate(place->path, 90), 0);
	both_refuse(place, ERR_CORRUPT, "cut short");
}

/* SQLite by itself believes the log's page count and would not notice. */
static void store_open__refuses_a_file_cut_short_under_a_full_log(void **state)
{
	struct place *place = *state;
	struct store *store;
	struct stat st;
	struct err e = { 0 };

	journal_with(place->path, 3000);
	store = open_ok(place->path, STORE_WRITE);
	assert_int_equal(store_checkpoint(store, true, &e), 0);
	note_ok(store, 1, "in the log");
	store_close(store);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(truncate(place->path, st.st_size - 20 * 4096), 0);
	both_refuse(place, ERR_CORRUPT, "pages are missing");
}

/* As after a power cut in the middle of a checkpoint: its first page was written and says how large the file will be, the other
 * pages are in the log alone. */
static void store_open__takes_a_short_file_whose_pages_are_in_the_log(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	unsigned char first[4096];
	struct err e = { 0 };
	char copy[300];
	int fd;

	session_ok(store);
	while (note_ok(store, 1, "much") < 201)
		;
	snprintf(copy, sizeof(copy), "%s/copy.db", place->dir);
	copy_file(place->path, copy);
	assert_int_equal(store_checkpoint(store, true, &e), 0);
	store_close(store);
	fd = open(place->path, O_RDONLY);
	assert_int_equal(pread(fd, first, sizeof(first), 0), sizeof(first));
	close(fd);
	poke(copy, 0, first, sizeof(first));
	store = open_ok(copy, STORE_WRITE);
	assert_int_equal(count_events(store), 201);
	store_close(store);
	verify_ok(copy, 201);
}

static void store_open__writer_refuses_a_flipped_byte_in_the_tail(void **state)
{
	struct place *place = *state;
	static const char needle[] = "note number 150";
	char *bytes = mem_alloc(1 << 20), *at;
	ssize_t len;
	int fd;

	journal_with(place->path, 200);
	journal_alone(place->path);
	fd = open(place->path, O_RDONLY);
	len = read(fd, bytes, 1 << 20);
	close(fd);
	at = memmem(bytes, (size_t)len, needle, strlen(needle));
	assert_non_null(at);
	flip(place->path, at - bytes);
	mem_free(bytes);
	refused_untouched(place, STORE_WRITE, ERR_CORRUPT, "event 152 has a payload that was changed");
}

static void store_open__refuses_a_schema_that_somebody_changed(void **state)
{
	static const char *const changes[] = {
		"DROP TRIGGER event_update", "CREATE TRIGGER more AFTER INSERT ON event BEGIN SELECT 1; END", "DROP INDEX event_marker",
	};
	struct place *place = *state;

	for (size_t i = 0; i < 3; i++) {
		sqlite3 *db;

		journal_with(place->path, 2);
		assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
		both_refuse(place, ERR_CORRUPT, "somebody changed them");
		assert_int_equal(unlink(place->path), 0);
	}
}

/* Ends where mode 0 would otherwise be: reading leaves names, sizes, modes and bytes of all files as they were. */
static void reads_untouched(const struct place *place, int64_t events)
{
	char *before = directory_digest(place->dir), *after;
	struct store *store = open_ok(place->path, STORE_READ);

	assert_int_equal(count_events(store), events);
	store_close(store);
	verify_ok(place->path, events);
	after = directory_digest(place->dir);
	assert_string_equal(before, after);
	mem_free(before);
	mem_free(after);
}

static void remove_companion(const struct place *place, const char *suffix)
{
	char name[400];

	snprintf(name, sizeof(name), "%s%s", place->path, suffix);
	assert_int_equal(unlink(name), 0);
}

static void store_read__changes_nothing_when_the_writer_is_gone(void **state)
{
	struct place *place = *state;

	journal_with(place->path, 20);
	reads_untouched(place, 21);
	remove_companion(place, "-shm");
	reads_untouched(place, 21);
	journal_with(place->path, 1);
	journal_alone(place->path);
	reads_untouched(place, 23);
}

static void store_read__odd_names_are_no_uri(void **state)
{
	struct place *place = *state;

	snprintf(place->path, sizeof(place->path), "%s/100%%20 ?mode=rw#&\xc3\xa4.db", place->dir);
	journal_with(place->path, 2);
	reads_untouched(place, 3);
}

static void store_read__follows_a_writer_that_came_later(void **state)
{
	static const char *const gone[] = { NULL, "-shm", "-wal" };	/* how the file was when the reader came: shared, heap, alone */
	struct place *place = *state;
	int64_t have = 2;

	journal_with(place->path, 1);
	for (size_t i = 0; i < 3; i++) {
		struct store *reader, *writer;
		struct err e = { 0 };

		if (i == 2)
			journal_alone(place->path);
		else if (gone[i])
			remove_companion(place, gone[i]);
		reader = open_ok(place->path, STORE_READ);
		assert_int_equal(count_events(reader), have);
		writer = open_ok(place->path, STORE_WRITE);
		for (int n = 0; n < 30; n++)
			have = note_ok(writer, 1, "later");
		assert_int_equal(count_events(reader), have);
		assert_int_equal(store_checkpoint(writer, true, &e), 0);
		have = note_ok(writer, 1, "after the checkpoint");
		assert_int_equal(count_events(reader), have);
		store_close(writer);
		assert_int_equal(count_events(reader), have);
		store_close(reader);
	}
}

struct nested { struct store *store; int64_t seen; };

static bool append_while_reading(void *arg, const struct event *ev)
{
	struct nested *nested = arg;
	int64_t n = 0;
	struct err e = { 0 };

	nested->seen++;
	if (ev->seq <= 5) {
		note_ok(nested->store, 1, "while reading");
		assert_int_equal(store_each_marker(nested->store, 1, 0, count_event, &n, &e), 0);
		assert_true(n >= 6);
	}
	return true;
}

static void store_each__callback_may_read_and_append(void **state)
{
	struct place *place = *state;
	struct nested nested = { 0 };
	struct err e = { 0 };

	journal_with(place->path, 4);
	nested.store = open_ok(place->path, STORE_WRITE);
	assert_int_equal(store_each(nested.store, (struct store_range){0}, append_while_reading, &nested, &e), 0);
	assert_true(nested.seen >= 5);
	store_close(nested.store);
	verify_ok(place->path, 10);
}

static void store_open__one_journal_by_two_names_has_one_lock(void **state)
{
	struct place *place = *state;
	char link_name[300];
	struct store *one, *two;

	journal_with(place->path, 1);
	snprintf(link_name, sizeof(link_name), "%s/other.db", place->dir);
	assert_int_equal(symlink("journal.db", link_name), 0);
	one = open_ok(place->path, STORE_WRITE);
	two = open_ok(link_name, STORE_WRITE);
	assert_string_equal(store_path(one), store_path(two));
	note_ok(one, 1, "a");
	assert_int_equal(note_ok(two, 1, "b"), 4);
	store_close(one);
	store_close(two);
}

static void store_fs_refused__names_network_file_systems_only(void **state)
{
	(void)state;
	assert_string_equal(store_fs_refused(0x6969), "NFS");
	assert_string_equal(store_fs_refused(0x65735546), "FUSE");
	assert_string_equal(store_fs_refused((long)(int)0xff534d42), "CIFS");
	assert_null(store_fs_refused(0x01021994));	/* tmpfs */
	assert_null(store_fs_refused(0xef53));		/* ext4 */
	assert_null(store_fs_refused(0x9123683e));	/* btrfs */
	assert_null(store_fs_refused(0x794c7630));	/* overlayfs */
}

static void store_open__refuses_a_directory_and_no_name(void **state)
{
	struct place *place = *state;
	char lock[300];
	struct err e = { 0 };

	assert_null(store_open(place->dir, STORE_WRITE, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	snprintf(lock, sizeof(lock), "%s-lock", place->dir);
	assert_int_equal(access(lock, F_OK), -1);
	assert_null(store_open("", STORE_WRITE, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_null(store_open("/nonexistent/dir/journal.db", STORE_WRITE, &e));
	assert_int_equal(e.kind, ERR_NOTFOUND);
}

static void store_open__refuses_a_named_pipe_in_the_place_of_any_of_its_files(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-lock" };
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *name = mem_printf("%s%s", place->path, suffixes[i]);
		struct err e = { 0 };

		assert_int_equal(mkfifo(name, 0600), 0);
		alarm(20);	/* who waits at it is ended */
		assert_null(store_open(place->path, STORE_WRITE, &e));
		assert_non_null(strstr(e.text, "a named pipe"));
		alarm(0);
		assert_int_equal(unlink(name), 0);
		unlink(place->path);
		mem_free(name);
	}
}

/* Killed at any write while the file is made: the next one makes it or finds it, never a half. */
static void store_open__making_it_may_be_killed_anywhere(void **state)
{
	struct place *place = *state;

	for (int limit = 0; limit < 120 * 1024; limit += 2048) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			struct rlimit size = { (rlim_t)limit, (rlim_t)limit };
			struct err e = { 0 };

			signal(SIGXFSZ, SIG_DFL);	/* the write that goes beyond kills */
			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
			setrlimit(RLIMIT_FSIZE, &size);
			setenv("BELLBOOK_BALLAST", "0", 1);
			leave(store_open(place->path, STORE_WRITE, &e) ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) && WEXITSTATUS(status) == 0)
			assert_true(limit > 4096);
		journal_with(place->path, 1);
		verify_ok(place->path, 2);
		assert_int_equal(unlink(place->path), 0);
		remove_companion(place, "-wal");
		remove_companion(place, "-shm");
	}
}

/* --- migration --- */

static int64_t user_version(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	int64_t version;

	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	version = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return version;
}

static void store_migrate__runs_only_the_steps_that_are_missing(void **state)
{
	static const char *const steps[] = { "CREATE TABLE a(x)", "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES(1, 2)", "CREATE TABLE b(z)" };
	struct err e = { 0 };
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(store_migrate(db, steps, 1, &e), 0);
	assert_int_equal(user_version(db), 1);
	assert_int_equal(store_migrate(db, steps, 3, &e), 0);
	assert_int_equal(user_version(db), 3);
	assert_int_equal(sqlite3_exec(db, "SELECT a.y, b.z FROM a, b", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_migrate(db, steps, 3, &e), 0);
	sqlite3_close(db);
}

static void store_migrate__a_step_that_fails_changes_nothing(void **state)
{
	static const char *const steps[] = { "CREATE TABLE a(x)", "CREATE TABLE b(x); nonsense" };
	struct err e = { 0 };
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(store_migrate(db, steps, 1, &e), 0);
	assert_int_equal(store_migrate(db, steps, 2, &e), -1);
	assert_non_null(strstr(e.text, "version 1 to 2"));
	assert_int_equal(user_version(db), 1);
	assert_int_not_equal(sqlite3_exec(db, "SELECT * FROM b", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What SQLite calls SHARED on the main file: 510 bytes behind 1 GiB + 2. Asked from another process. */
static bool shared_lock_is_held(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510 };
		int fd = open(path, O_RDWR);

		leave(fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 ? 2 : lock.l_type != F_UNLCK);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

/* POSIX drops the locks of a process when it closes any descriptor of the file. */
static void store_close__of_a_reader_leaves_the_writers_locks_alone(void **state)
{
	struct place *place = *state;
	struct store *early, *again, *writer;

	journal_with(place->path, 3);
	early = open_ok(place->path, STORE_READ);
	again = open_ok(place->path, STORE_READ);
	writer = open_ok(place->path, STORE_WRITE);
	assert_int_equal(count_events(again), 4);	/* opens again, beside the writer */
	note_ok(writer, 1, "x");
	store_close(early);
	store_close(again);
	verify_ok(place->path, 5);
	assert_true(shared_lock_is_held(place->path));
	store_close(writer);
	assert_false(shared_lock_is_held(place->path));
}

/* One note by that user of group 54321, in another process. 0 = stored. */
static int note_as(const char *path, uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct event ev = { .kind = EVENT_NOTE, .session = 1, .bytes = "hello", .len = 5 };
		struct store *store;
		struct err e = { 0 };

		umask(077);
		if (setgroups(0, NULL) < 0 || setgid(54321) < 0 || setuid(uid) < 0)
			leave(9);
		store = store_open(path, STORE_WRITE, &e);
		if (!store || store_append(store, &ev, 1, &e) < 0 || store_checkpoint(store, true, &e) < 0) {
			fprintf(stderr, "user %u: %s\n", (unsigned)uid, e.text);
			leave(1);
		}
		store_close(store);
		leave(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void store_append__people_of_one_group_share_a_journal(void **state)
{
	struct place *place = *state;

	if (geteuid() != 0) {
		print_message("skipped: only root can be two people\n");
		skip();
	}
	assert_int_equal(chown(place->dir, 60001, 54321), 0);
	assert_int_equal(chmod(place->dir, 02770), 0);
	journal_with(place->path, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(note_as(place->path, 60001), 0);
		assert_int_equal(note_as(place->path, 60002), 0);
	}
	verify_ok(place->path, 6);
	assert_int_equal(chmod(place->dir, 0770), 0);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_open__files_are_private_whatever_the_umask),
		WITH_PLACE(store_open__files_belong_to_the_group_in_a_setgid_directory),
		WITH_PLACE(store_open__read_of_nothing_is_not_found_and_makes_nothing),
		WITH_PLACE(store_open__refuses_what_is_no_journal),
		WITH_PLACE(store_open__refuses_a_wrong_application_id),
		WITH_PLACE(store_open__refuses_a_newer_schema),
		WITH_PLACE(store_open__refuses_an_empty_file_for_reading),
		WITH_PLACE(store_open__refuses_to_make_a_new_file_beside_an_old_log),
		WITH_PLACE(store_open__refuses_a_file_cut_short),
		WITH_PLACE(store_open__refuses_a_file_cut_short_under_a_full_log),
		WITH_PLACE(store_open__takes_a_short_file_whose_pages_are_in_the_log),
		WITH_PLACE(store_open__writer_refuses_a_flipped_byte_in_the_tail),
		WITH_PLACE(store_open__refuses_a_schema_that_somebody_changed),
		WITH_PLACE(store_read__changes_nothing_when_the_writer_is_gone),
		WITH_PLACE(store_read__odd_names_are_no_uri),
		WITH_PLACE(store_read__follows_a_writer_that_came_later),
		WITH_PLACE(store_each__callback_may_read_and_append),
		WITH_PLACE(store_open__one_journal_by_two_names_has_one_lock),
		cmocka_unit_test(store_fs_refused__names_network_file_systems_only),
		WITH_PLACE(store_open__refuses_a_directory_and_no_name),
		WITH_PLACE(store_open__refuses_a_named_pipe_in_the_place_of_any_of_its_files),
		WITH_PLACE(store_open__making_it_may_be_killed_anywhere),
		WITH_PLACE(store_close__of_a_reader_leaves_the_writers_locks_alone),
		WITH_PLACE(store_append__people_of_one_group_share_a_journal),
		cmocka_unit_test(store_migrate__runs_only_the_steps_that_are_missing),
		cmocka_unit_test(store_migrate__a_step_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
