/* journal_short_test.c - the files of a journal that a process writes are cut under it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal_fixture.h"

#include <signal.h>

#include "journal/store/store_bus.h"

static void beside(const struct place *place, const char *suffix, char name[300])
{
	snprintf(name, 300, "%s%s", place->path, suffix);
}

static void refused(struct store *store, int64_t session, const char *words)
{
	struct err e = { 0 };

	append_refused(store, session, words);
	assert_int_equal(store_look(store, &e), -1);
	if (!strstr(e.text, words))
		fail_msg("%s", e.text);
	assert_int_equal(store_checkpoint(store, true, &e), -1);
}

static off_t size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_size;
}

/* The bytes from `from` on are cut off, kept, and written again. */
static char *cut_off(const char *name, off_t from)
{
	size_t n = (size_t)(size_of(name) - from);
	char *bytes = mem_alloc(n);
	int fd = open(name, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, n, from), n);
	assert_int_equal(ftruncate(fd, from), 0);
	close(fd);
	return bytes;
}

/* In a process of its own: a descriptor of the journal, once closed, would drop SQLite's locks. */
static void cut_and_back(struct store *store, const char *name, off_t from, void then(struct store *, int64_t), int64_t session)
{
	off_t size = size_of(name);
	int to[2], back[2], status;
	char c = 0;
	pid_t pid;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(back), 0);
	pid = fork();
	if (pid == 0) {
		char *bytes = cut_off(name, from);
		int fd;

		if (write(back[1], "c", 1) != 1 || read(to[0], &c, 1) != 1)
			leave(1);
		fd = open(name, O_WRONLY | O_CLOEXEC);
		if (pwrite(fd, bytes, (size_t)(size - from), from) != size - from)
			leave(1);
		leave(0);
	}
	assert_int_equal(read(back[0], &c, 1), 1);
	then(store, session);
	assert_int_equal(write(to[1], "b", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(back[i]);
	}
}

static void is_short(struct store *store, int64_t session)
{
	refused(store, session, "cut short");
	refused(store, session, "cut short");
}

static void store_append__refuses_while_the_journal_or_its_log_is_cut(void **state)
{
	static const char *const suffixes[] = { "", "-wal" };
	struct place *place = *state;
	int64_t events = 0;

	for (size_t i = 0; i < 2; i++) {
		for (int part = 0; part < 3; part++) {
			struct store *store = open_ok(place->path, STORE_WRITE);
			int64_t session = session_ok(store);
			char name[300];
			off_t size;

			for (int n = 0; n < 20; n++)
				note_ok(store, session, "in the log");
			beside(place, suffixes[i], name);
			size = size_of(name);
			cut_and_back(store, name, part == 0 ? 0 : part == 1 ? size / 2 : size - 1, is_short, session);
			assert_int_equal(look(store), 1);
			note_ok(store, session, "after it");
			events += 22;
			store_close(store);
			is_intact(place->path, events);
		}
	}
}

/* Another process moved all of the log into the file and emptied it: nobody cut it. */
static void store_append__takes_no_emptied_log_for_a_cut_one(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE), *other = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct err e = { 0 };

	for (int n = 0; n < 20; n++)
		note_ok(store, session, "in the log");
	assert_int_equal(store_checkpoint(other, true, &e), 0);
	assert_int_equal(look(store), 0);
	note_ok(store, session, "after it");
	note_ok(other, session, "and the other");
	assert_int_equal(look(store), 0);
	assert_int_equal(store_checkpoint(store, true, &e), 0);
	note_ok(other, session, "and the other");
	store_close(store);
	store_close(other);
	is_intact(place->path, 24);
}

static void store_append__makes_a_cut_index_of_the_log_anew(void **state)
{
	struct place *place = *state;
	char name[300];

	beside(place, "-shm", name);
	for (int i = 0; i < 3; i++) {
		struct store *store = open_ok(place->path, STORE_WRITE);
		int64_t session = session_ok(store);
		struct event ev = { .kind = EVENT_NOTE, .session = session, .who = "ada" };
		struct err e = { 0 };

		note_ok(store, session, "in the log");
		assert_int_equal(truncate(name, (off_t)i * 4096), 0);
		if (i < 2)
			assert_int_equal(look(store), 1);
		else
			assert_int_equal(store_append(store, &ev, 1, &e), -1);
		note_ok(store, session, "after it");
		assert_int_equal(size_of(name), 32768);
		store_close(store);
		is_intact(place->path, 3 * (i + 1));
	}
}

/* A process that opens a session, says 'y', and then writes a note, saying 'y' again, for each byte it is told. */
struct writer {
	pid_t pid;
	int to, from;
};

static void told_writer(const char *path, int in, int out)
{
	struct err e = { 0 };
	struct store *store = store_open(path, STORE_WRITE, &e);
	struct event opened = { .kind = EVENT_SESSION_OPENED, .who = "ada" };
	char c;

	if (!store || store_append(store, &opened, 1, &e) < 0 || write(out, "y", 1) != 1)
		leave(1);
	while (read(in, &c, 1) == 1) {
		struct event ev = { .kind = EVENT_NOTE, .session = opened.session, .who = "ada" };

		if (store_look(store, &e) < 0 || store_append(store, &ev, 1, &e) < 0 || write(out, "y", 1) != 1)
			leave(2);
	}
	store_close(store);
	leave(0);
}

static void heard(const struct writer *writer)
{
	char c = 0;

	assert_int_equal(read(writer->from, &c, 1), 1);
	assert_int_equal(c, 'y');
}

static struct writer writer_start(const char *path)
{
	int to[2], from[2];
	struct writer writer;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	writer.pid = fork();
	if (writer.pid == 0) {
		close(to[1]);
		close(from[0]);
		told_writer(path, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	writer.to = to[1];
	writer.from = from[0];
	heard(&writer);
	return writer;
}

static void writer_writes(const struct writer *writer)
{
	assert_int_equal(write(writer->to, "w", 1), 1);
	heard(writer);
}

static void writer_end(struct writer *writer)
{
	int status;

	close(writer->to);
	assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
	assert_int_equal(status, 0);
	close(writer->from);
}

struct cutting {
	const char *name;
	off_t to;
	int64_t seen;
};

static bool cut_at_first(void *arg, const struct event *ev)
{
	struct cutting *cutting = arg;

	(void)ev;
	if (++cutting->seen == 1)
		assert_int_equal(truncate(cutting->name, cutting->to), 0);
	return true;
}

/* Before, it was ended by SIGBUS. Two readers share what is mapped: neither goes on with what was put in its place. */
static void store_each__of_a_reader_goes_on_when_the_index_of_the_log_is_cut(void **state)
{
	static const off_t sizes[] = { 0, 3, 100, 4096, 12288 };
	struct place *place = *state;
	struct writer writer = writer_start(place->path);
	struct store *one = open_ok(place->path, STORE_READ), *two = open_ok(place->path, STORE_READ);
	int64_t events = 1;
	char name[300];

	signal(SIGBUS, SIG_DFL);	/* cmocka takes it, too */
	store_bus_arm();
	beside(place, "-shm", name);
	for (int n = 0; n < 600; n++, events++)	/* more than a page of what is read at once */
		writer_writes(&writer);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct cutting cutting = { .name = name, .to = sizes[i] };
		struct err e = { 0 };

		assert_int_equal(count_events(one), events);
		assert_int_equal(count_events(two), events);
		assert_int_equal(truncate(name, sizes[i]), 0);
		assert_int_equal(count_events(i % 2 ? one : two), events);
		writer_writes(&writer);
		events++;
		assert_int_equal(count_events(one), events);
		assert_int_equal(count_events(two), events);
		if (store_each(one, (struct store_range){ .limit = 0 }, cut_at_first, &cutting, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(cutting.seen, events);
		writer_writes(&writer);
		events++;
		assert_int_equal(count_events(two), events);
		assert_int_equal(count_events(one), events);
	}
	store_close(one);
	store_close(two);
	writer_end(&writer);
	is_intact(place->path, events);
}

/* Cut at each of some places, read and verified, and put back. */
static void cut_and_read(const char *name, off_t size, struct store *store, int64_t *n, struct verify_report *report, struct err *e)
{
	for (int part = 0; part < 4; part++) {
		char *bytes = cut_off(name, size * part / 4);
		int fd = open(name, O_WRONLY | O_CLOEXEC);

		err_clear(e);
		if (store_each(store, (struct store_range){ .limit = 0 }, count_event, n, e) < 0)
			assert_string_not_equal(e->text, "");
		err_clear(e);
		if (store_verify(store_path(store), report, e) < 0)
			assert_string_not_equal(e->text, "");
		if (size_of(name) <= size * part / 4)
			assert_int_equal(pwrite(fd, bytes, (size_t)(size - size * part / 4), size * part / 4), size - size * part / 4);
		close(fd);
		mem_free(bytes);
	}
}

/* Whatever is cut, whoever reads says so or goes on. */
static void readers__of_cut_files_end_with_words(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	struct place *place = *state;
	char name[300];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		struct writer writer = writer_start(place->path);
		struct store *store;
		struct verify_report report;
		struct err e = { 0 };
		int64_t n = 0, whole;
		off_t size;

		signal(SIGBUS, SIG_DFL);
		store_bus_arm();
		for (int k = 0; k < 40; k++)
			writer_writes(&writer);
		store = open_ok(place->path, STORE_READ);
		whole = count_events(store);
		beside(place, suffixes[i], name);
		size = size_of(name);
		cut_and_read(name, size, store, &n, &report, &e);
		assert_int_equal(count_events(store), whole);
		store_close(store);
		writer_end(&writer);
	}
}

static void writer_main(const char *path, int in, int out)
{
	struct err e = { 0 };
	struct store *store = store_open(path, STORE_WRITE, &e);
	struct event opened = { .kind = EVENT_SESSION_OPENED, .who = "ada" }, ev = { .kind = EVENT_NOTE, .who = "ada" };
	char c;

	if (!store || store_append(store, &opened, 1, &e) < 0 || write(out, "y", 1) != 1 || read(in, &c, 1) != 1)
		leave(1);
	ev.session = opened.session;
	if (store_look(store, &e) != 1 || store_append(store, &ev, 1, &e) < 0)
		leave(1);
	store_close(store);
	leave(0);
}

/* SQLite makes the index as long as it must be and believes its header: then no frame of the log is found. */
static void store_open__takes_nothing_from_a_cut_index(void **state)
{
	static const off_t sizes[] = { 0, 3, 4, 100, 200, 4096, 20000 };
	struct place *place = *state;
	char name[300], c;

	beside(place, "-shm", name);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int to[2], from[2], status;
		pid_t pid;

		assert_int_equal(pipe(to), 0);
		assert_int_equal(pipe(from), 0);
		pid = fork();
		if (pid == 0) {
			close(to[1]);
			close(from[0]);
			writer_main(place->path, to[0], from[1]);
		}
		close(from[1]);
		close(to[0]);
		assert_int_equal(read(from[0], &c, 1), 1);
		assert_int_equal(truncate(name, sizes[i]), 0);
		is_intact(place->path, (int64_t)(2 * i + 1));
		if (sizes[i] > 3)	/* else it is good again, and nothing was to be seen of it */
			assert_int_equal(size_of(name), 32768);
		assert_int_equal(write(to[1], "g", 1), 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (sizes[i] > 3)
			assert_int_equal(status, 0);
		if (status) {
			struct store *store = open_ok(place->path, STORE_WRITE);

			note_ok(store, (int64_t)(2 * i + 1), "in its place");
			store_close(store);
		}
		is_intact(place->path, (int64_t)(2 * i + 2));
		close(to[1]);
		close(from[0]);
	}
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_append__refuses_while_the_journal_or_its_log_is_cut),
		WITH_PLACE(store_append__takes_no_emptied_log_for_a_cut_one),
		WITH_PLACE(store_append__makes_a_cut_index_of_the_log_anew),
		WITH_PLACE(store_open__takes_nothing_from_a_cut_index),
		WITH_PLACE(store_each__of_a_reader_goes_on_when_the_index_of_the_log_is_cut),
		WITH_PLACE(readers__of_cut_files_end_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
