/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A journal of which something is damaged: it is read as if nothing were, or it is said and nothing is done. */
#include "journal_fixture.h"

#include "journal/store/store_int.h"

#define SESSIONS 3
#define PAGE 4096

/* Sessions in turn, so that none stands alone on its pages; output, long payloads, a purge. */
static void make(const char *path, int rounds)
{
	struct store *store = open_ok(path, STORE_WRITE);
	int64_t session[SESSIONS];
	char *text = mem_alloc(9001);

	memset(text, 'x', 9000);
	for (int i = 0; i < SESSIONS; i++)
		session[i] = session_ok(store);
	for (int i = 0; i < rounds; i++) {
		struct event batch[] = {
			{ .kind = EVENT_CALL_BEGUN, .session = session[i % SESSIONS], .who = "bellbook", .step = "restart-web", .attempt = 1, .call = "1", .host = "web1",
			  .data = "{\"action\":\"ssh.run\"}" },
			{ .kind = EVENT_CALL_OUTPUT, .session = session[i % SESSIONS], .step = "restart-web", .attempt = 1, .call = "1", .host = "web1", .bytes = text,
			  .len = i % 16 == 7 ? 9000 : 40 },
		};

		append_ok(store, batch, 2);
	}
	mem_free(text);
	store_close(store);
	journal_alone(path);
}

static bool digest_event(void *arg, const struct event *ev)
{
	sha256_add(arg, ev->hash, SHA256_LEN);
	sha256_add(arg, ev->bytes ? ev->bytes : "", ev->len);
	return true;
}

/* What a walk through one session sees. false: it said that something is wrong. */
static bool seen(const char *path, int64_t session, unsigned char out[SHA256_LEN])
{
	struct err e = { 0 };
	struct store *store = store_open_as(path, STORE_READ, false, &e);
	struct sha256 *sha = sha256_new();
	bool fine = store && store_each(store, (struct store_range){ .session = session, .after = session - 1 }, digest_event, sha, &e) == 0;

	sha256_end(sha, out);
	sha256_free(sha);
	store_close(store);
	return fine;
}

static char *read_file(const char *path, size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *bytes;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	bytes = mem_alloc(*len);
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

struct whole {
	char *path, *bytes;
	size_t len;
	unsigned char digest[SESSIONS][SHA256_LEN];
};

static void look_at_whole(struct whole *whole, const char *path)
{
	whole->path = mem_printf("%s-copy.db", path);
	whole->bytes = read_file(path, &whole->len);
	for (int i = 0; i < SESSIONS; i++)
		assert_true(seen(path, i + 1, whole->digest[i]));
}

static void whole_done(struct whole *whole)
{
	mem_free(whole->path);
	mem_free(whole->bytes);
}

/* A session shows all that it had, or an error. How many did. */
static int same_or_said(const struct whole *whole, const char *what, size_t at)
{
	unsigned char digest[SHA256_LEN];
	int same = 0;

	for (int i = 0; i < SESSIONS; i++) {
		if (!seen(whole->path, i + 1, digest))
			continue;
		if (memcmp(digest, whole->digest[i], SHA256_LEN) != 0)
			fail_msg("%s at %zu: session %d shows something else and says nothing", what, at, i + 1);
		same++;
	}
	return same;
}

/* A writer refuses and changes nothing, or what it appends makes a journal that is whole. */
static void written_or_refused(const struct whole *whole, const char *what, size_t at)
{
	struct err e = { 0 };
	struct store *store = store_open(whole->path, STORE_WRITE, &e);
	struct verify_report report;
	char *bytes;
	size_t len;

	if (!store) {
		bytes = read_file(whole->path, &len);
		assert_true(len == whole->len);
		mem_free(bytes);
		return;
	}
	note_ok(store, 1, "added");
	store_close(store);
	if (store_verify(whole->path, &report, &e) < 0 || report.bad_seq)
		fail_msg("%s at %zu: written to, and damaged: %s%s", what, at, e.text, report.text);
}

static void remove_companions(const char *path)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-lock", "-ballast" };

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		char name[400];

		snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		(void)unlink(name);
	}
}

static void store_each__one_flipped_bit_leaves_nothing_out(void **state)
{
	struct place *place = *state;
	struct whole whole;
	int told = 0;

	make(place->path, 60);
	look_at_whole(&whole, place->path);
	for (size_t at = 0, turn = 0; at < whole.len; at += 61 + turn % 7, turn++) {
		whole.bytes[at] = (char)(whole.bytes[at] ^ 1 << turn % 8);
		write_file(whole.path, whole.bytes, whole.len);
		told += same_or_said(&whole, "a bit flipped", at) < SESSIONS;
		if (turn % 3 == 0)
			written_or_refused(&whole, "a bit flipped", at);
		remove_companions(whole.path);
		whole.bytes[at] = (char)(whole.bytes[at] ^ 1 << turn % 8);
	}
	assert_true(told > 100);	/* else it flips where nothing is */
	whole_done(&whole);
}

static void store_each__a_page_of_zeros_leaves_nothing_out(void **state)
{
	struct place *place = *state;
	struct whole whole;

	make(place->path, 60);
	look_at_whole(&whole, place->path);
	for (size_t at = 0; at < whole.len; at += PAGE) {
		char *copy = mem_dup(whole.bytes, whole.len);

		memset(copy + at, 0, PAGE);
		write_file(whole.path, copy, whole.len);
		mem_free(copy);
		same_or_said(&whole, "zeros", at);
		written_or_refused(&whole, "zeros", at);
		remove_companions(whole.path);
	}
	whole_done(&whole);
}

/* --- a journal that is too large to be checked as a whole before it is used --- */

#define CALLS 4
#define LARGE_EVENTS 6000
#define LARGE_PAYLOAD 1000000

/* More than STORE_WHOLE: sessions in turn, resumed and closed now and then. */
static void make_large(const char *path)
{
	struct store *store = open_ok(path, STORE_WRITE);
	int64_t session[SESSIONS];
	char *text = mem_alloc(LARGE_PAYLOAD);
	struct event batch[50];

	memset(text, 'x', LARGE_PAYLOAD);
	for (int i = 0; i < SESSIONS; i++)
		session[i] = session_ok(store);
	/* what makes it large belongs to none of them, so that they are read fast */
	for (int i = 0; i < 17; i++) {
		struct event own = { .kind = EVENT_ANCHORED, .bytes = text, .len = LARGE_PAYLOAD };

		append_ok(store, &own, 1);
	}
	for (int n = SESSIONS; n < LARGE_EVENTS; n += 50) {
		for (int i = 0; i < 50; i++) {
			static const char *const calls[CALLS] = { "1", "2", "each.web1", "each.web2" };

			batch[i] = (struct event){ .session = session[(n + i) % SESSIONS], .who = "bellbook", .step = n % 2 ? "restart-web" : "look", .attempt = 1,
				.call = calls[i % CALLS], .host = "web1" };
			batch[i].kind = i == 11 ? EVENT_SESSION_CLOSED : i == 17 ? EVENT_SESSION_RESUMED : i % 3 ? EVENT_CALL_OUTPUT : EVENT_CALL_PROGRESS;
			batch[i].bytes = i % 3 ? text : NULL;
			batch[i].len = 60;
		}
		append_ok(store, batch, 50);
	}
	mem_free(text);
	store_close(store);
	journal_alone(path);
}

enum { WALKS = SESSIONS * (3 + CALLS) + 2 };

/* Digests of what is read in every way there is. false: it said that something is wrong. */
static bool walk(struct store *store, int way, unsigned char out[SHA256_LEN])
{
	static const char *const calls[CALLS] = { "1", "2", "each.web1", "each.web2" };
	struct sha256 *sha = sha256_new();
	int64_t session = way % SESSIONS + 1;
	struct err e = { 0 };
	int rc;

	if (way == 0 || way == 1)
		rc = way ? store_each_marker(store, 0, 0, digest_event, sha, &e) : store_each(store, (struct store_range){ 0 }, digest_event, sha, &e);
	else if ((way - 2) / SESSIONS == 0)
		rc = store_each(store, (struct store_range){ .session = session }, digest_event, sha, &e);
	else if ((way - 2) / SESSIONS == 1)
		rc = store_each_marker(store, session, 0, digest_event, sha, &e);
	else if ((way - 2) / SESSIONS == 2)
		rc = store_each_resumed(store, session, digest_event, sha, &e);
	else
		rc = store_each_output(store, &(struct store_call){ .session = session, .step = "look", .attempt = 1, .path = calls[(way - 2) / SESSIONS - 3] },
			digest_event, sha, &e);
	sha256_end(sha, out);
	sha256_free(sha);
	assert_true(rc == 0 || e.text[0]);
	return rc == 0;
}

struct large {
	char *path;
	int fd;
	size_t len;
	unsigned char digest[WALKS][SHA256_LEN], list[SHA256_LEN];
};

static bool digest_row(void *arg, const struct store_session *row)
{
	sha256_add(arg, &row->session, sizeof(row->session));
	sha256_add(arg, &row->opened_us, sizeof(row->opened_us));
	return true;
}

/* The list as a home screen has it: checked once, then read. false: it said something. */
static bool listed(const char *path, unsigned char out[SHA256_LEN])
{
	struct err e = { 0 };
	struct store *store = store_open_as(path, STORE_READ, true, &e);
	struct sha256 *sha = sha256_new();
	bool fine = store && store_sessions(store, false, 0, digest_row, sha, &e) == 0;

	sha256_end(sha, out);
	sha256_free(sha);
	store_close(store);
	return fine;
}

/* 2, 5: inside of an index, of a table; 10, 13: their leaves; else what is too large for a page. */
static unsigned char page_type(const struct large *large, size_t page)
{
	unsigned char type = 0;

	assert_int_equal(pread(large->fd, &type, 1, (off_t)(page * PAGE + (page ? 0 : 100))), 1);
	return type;
}

/* These ways that store reads give what they gave, or words. How many gave it. */
static int walk_all(struct large *large, struct store *store, int from, int to, size_t at)
{
	const char *what = "a bit flipped";
	unsigned char digest[SHA256_LEN];
	int same = 0;

	for (int way = from; store && way < to; way++) {
		if (!walk(store, way, digest))
			continue;
		if (memcmp(digest, large->digest[way], SHA256_LEN) != 0)
			fail_msg("%s at %zu (page %zu): way %d shows something else and says nothing", what, at, at / PAGE + 1, way);
		same++;
	}
	return same;
}

static int same_or_words(struct large *large, size_t at)
{
	unsigned char type = page_type(large, at / PAGE);
	int from = type == 2 || type == 10 ? 2 : 0;	/* an index: walks along the table do not meet it */
	unsigned char digest[SHA256_LEN];
	struct err e = { 0 };
	struct store *store = store_open(large->path, STORE_READ, &e);
	int same = from + walk_all(large, store, from, WALKS, at);

	store_close(store);
	if (listed(large->path, digest) && memcmp(digest, large->list, SHA256_LEN) != 0)
		fail_msg("a bit flipped at %zu (page %zu): the list of sessions is another and says nothing", at, at / PAGE + 1);
	store = store_open(large->path, STORE_WRITE, &e);
	(void)walk_all(large, store, 2, 2 + SESSIONS, at);	/* as who resumes */
	store_close(store);
	for (size_t i = 0; i < 4; i++) {
		char *name = mem_printf("%s%s", large->path, (const char *[]){ "-wal", "-shm", "-lock", "-ballast" }[i]);

		(void)unlink(name);
		mem_free(name);
	}
	return same;
}

static void large_open(struct large *large, const char *path)
{
	struct store *store = open_ok(path, STORE_READ);
	struct stat st;

	large->path = mem_strdup(path);
	large->fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(large->fd >= 0 && fstat(large->fd, &st) == 0);
	large->len = (size_t)st.st_size;
	assert_true(st.st_size > STORE_WHOLE);
	for (int way = 0; way < WALKS; way++)
		assert_true(walk(store, way, large->digest[way]));
	store_close(store);
	assert_true(listed(path, large->list));
	assert_int_equal(same_or_words(large, 0), WALKS);
}

static void large_done(struct large *large)
{
	close(large->fd);
	mem_free(large->path);
}

/* One page of each kind's turn: all pages of indexes and of the trees' insides, every fiftieth other one. */
static bool is_picked(const struct large *large, size_t page, int every)
{
	unsigned char type = page_type(large, page);

	return type == 2 || type == 5 || type == 10 || page == 0 ? (int)(page % 4) < every : page % 200 == 0;
}

static void store_each__of_a_large_journal_leaves_nothing_out_for_one_flipped_bit(void **state)
{
	const char *thorough = getenv("DAMAGE_TURNS");
	int turns = thorough ? (int)strtol(thorough, NULL, 10) : 1, told = 0, whole = 0;
	struct place *place = *state;
	struct large large;
	unsigned random = 12345;

	make_large(place->path);
	large_open(&large, place->path);
	for (int turn = 0; turn < turns; turn++) {
		for (size_t page = 0; page < large.len / PAGE; page++) {
			unsigned char byte, bad;
			size_t at;
			int same;

			if (!is_picked(&large, page, thorough ? 4 : 1))
				continue;
			random = random * 1103515245u + 12345u;
			/* the first bytes of a page say where all others are */
			at = page * PAGE + (random >> 8) % (random >> 28 < 5 ? 16 : PAGE);
			assert_int_equal(pread(large.fd, &byte, 1, (off_t)at), 1);
			bad = (unsigned char)(byte ^ 1 << (random >> 4) % 8);
			assert_int_equal(pwrite(large.fd, &bad, 1, (off_t)at), 1);
			same = same_or_words(&large, at);
			told += same < WALKS;
			whole += same == WALKS;
			assert_int_equal(pwrite(large.fd, &byte, 1, (off_t)at), 1);
		}
	}
	assert_true(told > 5 && whole > 5);
	large_done(&large);
}

/* Page number of the root of an index or table, and of the file's bytes. */
static size_t root_of(const char *path, const char *name)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	size_t root;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	root = (size_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return root;
}

static size_t big16(const unsigned char *at)
{
	return (size_t)at[0] << 8 | at[1];
}

static void read_page(const struct large *large, size_t page, unsigned char bytes[PAGE])
{
	assert_int_equal(pread(large->fd, bytes, PAGE, (off_t)((page - 1) * PAGE)), PAGE);
}

static void poke(const struct large *large, size_t at, unsigned char byte)
{
	assert_int_equal(pwrite(large->fd, &byte, 1, (off_t)at), 1);
}

/* An inner entry of an index that is out of order leads only some searches past what they look for: the first page of a session is
 * found, a later one is not. */
static void store_each__is_not_led_astray_by_an_entry_out_of_order(void **state)
{
	static const char *const names[] = { "event_session", "event_marker", "event_output" };
	struct place *place = *state;
	struct large large;

	make_large(place->path);
	large_open(&large, place->path);
	for (size_t i = 0; i < 3; i++) {
		size_t root = root_of(place->path, names[i]);
		unsigned char page[PAGE];

		read_page(&large, root, page);
		assert_int_equal(page[0], 2);	/* an inside of an index */
		for (size_t cell = 0; cell < big16(page + 3); cell++) {
			size_t start = big16(page + 12 + 2 * cell) + 4;	/* behind the child's number: length, then the record */
			size_t session = start + 1 + page[start + 1];	/* its first value, unless it is 1 and so has no bytes */

			if (page[start + 2] != 1)
				continue;
			for (int bit = 0; bit < 2; bit++) {
				poke(&large, (root - 1) * PAGE + session, (unsigned char)(page[session] ^ 1 << bit));
				same_or_words(&large, (root - 1) * PAGE + session);
			}
			poke(&large, (root - 1) * PAGE + session, page[session]);
		}
	}
	large_done(&large);
}

/* The last row of a page of the table is not counted any more: a marker, before an output that the walk along the markers passes over. */
static void store_each_marker__of_all_sessions_misses_a_row_that_its_page_lost(void **state)
{
	struct place *place = *state;
	struct large large;
	int tried = 0;

	make_large(place->path);
	large_open(&large, place->path);
	for (size_t n = 2; n < large.len / PAGE && tried < 5; n++) {
		unsigned char page[PAGE], digest[SHA256_LEN];
		struct store *store;

		read_page(&large, n, page);
		if (page[0] != 13 || big16(page + 3) < 5)	/* a leaf of a table, of small rows */
			continue;
		poke(&large, (n - 1) * PAGE + 4, (unsigned char)(page[4] - 1));
		store = open_ok(place->path, STORE_READ);
		if (walk(store, 1, digest))
			assert_memory_equal(digest, large.digest[1], SHA256_LEN);
		else
			tried++;
		store_close(store);
		poke(&large, (n - 1) * PAGE + 4, page[4]);
	}
	assert_int_equal(tried, 5);
	large_done(&large);
}

/* The entry of a session's opening names another session. */
static void store_roll_call__misses_a_session_that_an_index_lost(void **state)
{
	static const unsigned char entry[] = { 4, 9, 1, 1, 2, 2 };	/* kind 1, session 2, event 2 */
	unsigned char page[PAGE], digest[SHA256_LEN];
	struct place *place = *state;
	struct err e = { 0 };
	struct large large;
	size_t root, at = 0;

	make_large(place->path);
	large_open(&large, place->path);
	root = root_of(place->path, "event_state");
	read_page(&large, root, page);
	assert_int_equal(page[0], 10);
	while (at + sizeof(entry) < PAGE && memcmp(page + at, entry, sizeof(entry)) != 0)
		at++;
	assert_int_equal(page[at], 4);
	poke(&large, (root - 1) * PAGE + at + 4, 3);
	if (listed(place->path, digest))
		assert_memory_equal(digest, large.list, SHA256_LEN);
	assert_null(store_open(place->path, STORE_WRITE, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	large_done(&large);
}

static void store_each__of_a_large_journal_cut_short_says_so(void **state)
{
	struct place *place = *state;
	struct large large;

	make_large(place->path);
	large_open(&large, place->path);
	for (size_t cut = large.len - 1; cut > large.len / 8; cut -= large.len / 8 + 777) {
		unsigned char digest[SHA256_LEN];
		struct err e = { 0 };
		struct store *store;

		assert_int_equal(ftruncate(large.fd, (off_t)cut), 0);
		store = store_open(place->path, STORE_READ, &e);
		assert_null(store);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_null(store_open(place->path, STORE_WRITE, &e));
		assert_false(listed(place->path, digest));
	}
	large_done(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(store_each__one_flipped_bit_leaves_nothing_out, place_make, place_remove),
		cmocka_unit_test_setup_teardown(store_each__a_page_of_zeros_leaves_nothing_out, place_make, place_remove),
		cmocka_unit_test_setup_teardown(store_each__of_a_large_journal_leaves_nothing_out_for_one_flipped_bit, place_make, place_remove),
		cmocka_unit_test_setup_teardown(store_each__is_not_led_astray_by_an_entry_out_of_order, place_make, place_remove),
		cmocka_unit_test_setup_teardown(store_each_marker__of_all_sessions_misses_a_row_that_its_page_lost, place_make, place_remove),
		cmocka_unit_test_setup_teardown(store_roll_call__misses_a_session_that_an_index_lost, place_make, place_remove),
		cmocka_unit_test_setup_teardown(store_each__of_a_large_journal_cut_short_says_so, place_make, place_remove),
	};

	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
