/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A journal that ends earlier than it did, though every hash in it fits: its log was deleted, or an older copy put in its place. */
#include "journal_fixture.h"

#include "journal/store/store_int.h"

static char *beside(const char *path, const char *suffix)
{
	return mem_printf("%s%s", path, suffix);
}

static char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *bytes;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	bytes = mem_alloc(*len + 1);
	assert_int_equal(read(fd, bytes, *len), (ssize_t)*len);
	close(fd);
	return bytes;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static void copy_file(const char *from, const char *to)
{
	size_t len;
	char *bytes = read_file(from, &len);

	write_file(to, bytes, len);
	mem_free(bytes);
}

static void remove_beside(const char *path, const char *suffix)
{
	char *name = beside(path, suffix);

	assert_int_equal(unlink(name), 0);
	mem_free(name);
}

/* Two sessions; all of the first and a part of the second in the file, events 5 to 8 in the log alone. */
static void make(const char *path)
{
	struct store *store = open_ok(path, STORE_WRITE);
	struct err e = { 0 };
	int64_t session;

	(void)note_ok(store, session_ok(store), "one");
	session = session_ok(store);
	(void)note_ok(store, session, "two");
	assert_int_equal(store_checkpoint(store, true, &e), 0);
	for (int i = 0; i < 4; i++)
		(void)note_ok(store, session, "in the log");
	store_close(store);
}

/* A writer refuses with these words and changes nothing; readers go on, and know. */
static void is_cut(const struct place *place, int64_t events, const char *words)
{
	char *before = directory_digest(place->dir), *after;
	struct verify_report report;
	struct err e = { 0 };
	struct store *store = store_open(place->path, STORE_WRITE, &e);

	assert_null(store);
	assert_int_equal(e.kind, ERR_CORRUPT);
	if (!strstr(e.text, words))
		fail_msg("\"%s\" is not in: %s", words, e.text);
	err_clear(&e);
	store = open_ok(place->path, STORE_READ);
	assert_int_equal(count_events(store), events);
	assert_true(store_is_cut(store, &e));
	assert_non_null(strstr(e.text, words));
	store_close(store);
	err_clear(&e);
	assert_int_equal(store_verify(place->path, &report, &e), 0);
	assert_true(report.cut);
	assert_non_null(strstr(report.text, words));
	after = directory_digest(place->dir);
	assert_string_equal(before, after);
	mem_free(before);
	mem_free(after);
}

/* Nobody sees anything wrong, and a writer goes on. */
static void is_whole(const char *path, int64_t events)
{
	struct store *store = open_ok(path, STORE_READ);
	struct err e = { 0 };

	if (store_is_cut(store, &e))
		fail_msg("%s", e.text);
	store_close(store);
	verify_ok(path, events);
	store = open_ok(path, STORE_WRITE);
	(void)note_ok(store, 1, "goes on");
	store_close(store);
	verify_ok(path, events + 1);
}

static void store_is_cut__when_the_log_was_deleted(void **state)
{
	struct place *place = *state;
	char *wal = beside(place->path, "-wal"), *kept = beside(place->path, "-kept");

	make(place->path);
	verify_ok(place->path, 8);
	assert_int_equal(rename(wal, kept), 0);
	is_cut(place, 4, "it ends with event 4, but event 8 of session 3 was stored at ");
	is_cut(place, 4, "4 events are missing");
	assert_int_equal(rename(kept, wal), 0);
	is_whole(place->path, 8);
	mem_free(wal);
	mem_free(kept);
}

static void store_is_cut__when_the_log_was_cut_anywhere(void **state)
{
	struct place *place = *state;
	char *wal = beside(place->path, "-wal"), *bytes;
	struct err e = { 0 };
	size_t len;

	make(place->path);
	bytes = read_file(wal, &len);
	for (size_t at = 0; at < len; at += 1 + len / 40) {
		struct store *store;

		write_file(wal, bytes, at);
		assert_null(store_open(place->path, STORE_WRITE, &e));
		assert_int_equal(e.kind, ERR_CORRUPT);
		store = open_ok(place->path, STORE_READ);
		assert_true(count_events(store) < 8);
		assert_true(store_is_cut(store, &e));
		store_close(store);
	}
	write_file(wal, bytes, len);
	is_whole(place->path, 8);
	mem_free(bytes);
	mem_free(wal);
}

static void store_is_cut__when_an_older_copy_was_put_back(void **state)
{
	struct place *place = *state;
	char *copy = beside(place->path, "-copy");
	struct store *store;

	journal_with(place->path, 20);
	journal_alone(place->path);
	copy_file(place->path, copy);
	store = open_ok(place->path, STORE_WRITE);
	(void)note_ok(store, 1, "newer");
	store_close(store);
	remove_beside(place->path, "-wal");
	copy_file(copy, place->path);
	is_cut(place, 21, "1 event is missing");
	/* That is accepted by removing what remembers: both. */
	remove_beside(place->path, "-lock");
	is_cut(place, 21, "1 event is missing (journal.db-ballast remembers)");
	remove_beside(place->path, "-ballast");
	is_whole(place->path, 21);
	mem_free(copy);
}

static void store_is_cut__when_the_copy_went_another_way(void **state)
{
	struct place *place = *state;
	char *copy = mem_printf("%s/copy.db", place->dir);
	struct store *store;

	journal_with(place->path, 20);
	journal_alone(place->path);
	copy_file(place->path, copy);
	store = open_ok(copy, STORE_WRITE);
	for (int i = 0; i < 5; i++)
		(void)note_ok(store, 1, "elsewhere");
	store_close(store);
	journal_alone(copy);
	store = open_ok(place->path, STORE_WRITE);
	(void)note_ok(store, 1, "here");
	store_close(store);
	remove_beside(place->path, "-wal");
	copy_file(copy, place->path);
	is_cut(place, 26, "its event 22 is another one than was stored");
	mem_free(copy);
}

static void store_is_cut__not_without_a_mark_that_fits(void **state)
{
	struct place *place = *state;
	static const char *const odd[] = { "", "x", "bellbook head 2\nid of a newer bellbook\n", "bellbook head 1\nid " };
	char *lock = beside(place->path, "-lock"), *other = mem_printf("%s/other.db", place->dir), *other_lock = beside(other, "-lock"), *mark;
	size_t len;

	make(place->path);
	journal_with(other, 300);
	journal_alone(other);
	remove_beside(place->path, "-wal");
	is_cut(place, 4, "4 events are missing");
	remove_beside(place->path, "-ballast");
	mark = read_file(lock, &len);
	/* one bit of it, or a part: it says nothing */
	for (size_t at = 0; at < len; at += 7) {
		struct store *store = open_ok(place->path, STORE_READ);
		struct err e = { 0 };

		mark[at] = (char)(mark[at] ^ 1);
		write_file(lock, mark, len);
		assert_false(store_is_cut(store, &e));
		write_file(lock, mark, at);
		assert_false(store_is_cut(store, &e));
		mark[at] = (char)(mark[at] ^ 1);
		store_close(store);
	}
	/* another journal's */
	copy_file(other_lock, lock);
	is_whole(place->path, 4);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		write_file(lock, odd[i], strlen(odd[i]));
		remove_beside(place->path, "-ballast");
		is_whole(place->path, 5 + (int64_t)i);
	}
	/* another journal in its place, and a new one */
	copy_file(other, place->path);
	remove_beside(place->path, "-wal");
	is_whole(place->path, 301);
	remove_beside(place->path, "-wal");
	assert_int_equal(unlink(place->path), 0);
	journal_with(place->path, 3);
	is_whole(place->path, 4);
	mem_free(mark);
	mem_free(other_lock);
	mem_free(other);
	mem_free(lock);
}

static void store_is_cut__not_in_a_copy_without_its_lock_file(void **state)
{
	struct place *place = *state;
	char *copy = mem_printf("%s/copy.db", place->dir);

	make(place->path);
	copy_file(place->path, copy);
	is_whole(copy, 4);
	mem_free(copy);
}

static void store_is_cut__when_the_file_is_empty(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };

	make(place->path);
	remove_beside(place->path, "-wal");
	assert_int_equal(truncate(place->path, 0), 0);
	assert_null(store_open(place->path, STORE_WRITE, &e));
	assert_non_null(strstr(e.text, "is empty, and held 8 events"));
	remove_beside(place->path, "-lock");
	assert_null(store_open(place->path, STORE_WRITE, &e));
	assert_non_null(strstr(e.text, "is empty, and held 8 events"));
	remove_beside(place->path, "-ballast");
	journal_with(place->path, 2);
	is_whole(place->path, 3);
}

/* Somebody tidied up: the log and all that does not look like a journal. */
static void store_is_cut__when_the_lock_file_was_removed_too(void **state)
{
	static const char *const lost[] = { "-lock", "-ballast" };
	struct place *place = *state;
	char *wal = beside(place->path, "-wal"), *kept = beside(place->path, "-kept");

	for (size_t i = 0; i < 2; i++) {
		char *name = mem_printf("%s%s", place->path, lost[i]), *bytes;
		size_t len;

		if (i == 0)
			make(place->path);
		bytes = read_file(name, &len);
		remove_beside(place->path, lost[i]);
		assert_int_equal(rename(wal, kept), 0);
		is_cut(place, 4, i == 0 ? "4 events are missing (journal.db-ballast remembers)" : "4 events are missing");
		/* one that is empty, or that knows less, is no witness against the other */
		write_file(name, "", 0);
		is_cut(place, 4, "4 events are missing");
		assert_int_equal(rename(kept, wal), 0);
		write_file(name, bytes, len);
		verify_ok(place->path, 8);
		mem_free(bytes);
		mem_free(name);
	}
	is_whole(place->path, 8);
	mem_free(wal);
	mem_free(kept);
}

/* The ballast of a journal that is no more says nothing of the next one of its name. */
static void store_is_cut__not_by_the_ballast_of_another_journal(void **state)
{
	struct place *place = *state;

	journal_with(place->path, 20);
	journal_alone(place->path);
	remove_beside(place->path, "-lock");
	assert_int_equal(unlink(place->path), 0);
	journal_with(place->path, 3);
	is_whole(place->path, 4);
}

/* What only output was committed behind is not synced: a power cut may take it, and nothing is said. */
static void store_is_cut__not_for_output_that_a_power_cut_may_take(void **state)
{
	struct place *place = *state;
	char *wal = beside(place->path, "-wal"), *bytes;
	struct event output = { .kind = EVENT_CALL_OUTPUT, .session = 1, .step = "s", .attempt = 1, .call = "1", .bytes = "some\n", .len = 5 };
	struct store *store = open_ok(place->path, STORE_WRITE);
	size_t len;

	(void)note_ok(store, session_ok(store), "synced");
	bytes = read_file(wal, &len);
	for (int i = 0; i < 5; i++)
		append_ok(store, &output, 1);
	store_close(store);
	write_file(wal, bytes, len);
	is_whole(place->path, 2);
	mem_free(bytes);
	mem_free(wal);
}

/* A reader that was open before keeps the removed log open, which says nothing any more. */
static void store_each__beside_a_writer_whose_log_was_removed_reads_the_new_one(void **state)
{
	struct place *place = *state;
	struct store *store, *reader;
	struct event ev = { .kind = EVENT_NOTE, .session = 1, .who = "ada" };
	struct err e = { 0 };

	make(place->path);
	store = open_ok(place->path, STORE_WRITE);
	reader = open_ok(place->path, STORE_READ);
	assert_int_equal(count_events(reader), 8);
	remove_beside(place->path, "-wal");
	for (int i = 1; i <= 40; i++) {
		while (store_append(store, &ev, 1, &e) < 0)	/* what is gone is noticed by the first one */
			assert_int_equal(e.kind, ERR_NOTFOUND);
		ev.seq = 0;
		assert_int_equal(count_events(reader), 8 + i);
	}
	store_close(reader);
	store_close(store);
	is_whole(place->path, 48);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_is_cut__when_the_log_was_deleted),
		WITH_PLACE(store_is_cut__when_the_log_was_cut_anywhere),
		WITH_PLACE(store_is_cut__when_an_older_copy_was_put_back),
		WITH_PLACE(store_is_cut__when_the_copy_went_another_way),
		WITH_PLACE(store_is_cut__not_without_a_mark_that_fits),
		WITH_PLACE(store_is_cut__not_in_a_copy_without_its_lock_file),
		WITH_PLACE(store_is_cut__when_the_file_is_empty),
		WITH_PLACE(store_is_cut__when_the_lock_file_was_removed_too),
		WITH_PLACE(store_is_cut__not_by_the_ballast_of_another_journal),
		WITH_PLACE(store_each__beside_a_writer_whose_log_was_removed_reads_the_new_one),
		WITH_PLACE(store_is_cut__not_for_output_that_a_power_cut_may_take),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
