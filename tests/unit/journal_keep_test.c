/* journal_keep_test.c - one process carries a session: lease, socket and the fence in the journal itself. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal_fixture.h"

#include "journal/store/keep.h"
#include "journal/store/place.h"

/* --- the fence in the journal --- */

static void refused(struct store *store, int64_t session, const char *words)
{
	struct event ev = { .kind = EVENT_NOTE, .session = session, .who = "ada" };
	struct err e = { 0 };
	int64_t head = store_head(store, &e);

	assert_int_equal(store_append(store, &ev, 1, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.text, words));
	assert_int_equal(store_head(store, &e), head);
	assert_true(store_is_taken(store));
}

static void take_over(struct store *store, int64_t session)
{
	struct event ev = { .kind = EVENT_SESSION_RESUMED, .session = session, .who = "ada" };

	append_ok(store, &ev, 1);
}

static void store_carry__of_two_carriers_the_one_before_is_refused(void **state)
{
	struct place *place = *state;
	struct store *one = open_ok(place->path, STORE_WRITE), *two = open_ok(place->path, STORE_WRITE);
	int64_t session;

	store_carry(one, 0, 0);
	session = session_ok(one);
	note_ok(one, session, "by the first");
	assert_false(store_is_taken(one));
	store_carry(two, session, 2);
	take_over(two, session);
	refused(one, session, "was taken over by another process (event 3)");
	note_ok(two, session, "by the second");
	refused(one, session, "does nothing more");
	assert_false(store_is_taken(two));
	store_close(one);
	store_close(two);
	is_intact(place->path, 4);
}

static void store_carry__a_second_that_knows_less_than_is_there_is_refused(void **state)
{
	struct place *place = *state;
	struct store *one = open_ok(place->path, STORE_WRITE), *two = open_ok(place->path, STORE_WRITE);
	int64_t session;

	store_carry(one, 0, 0);
	session = session_ok(one);
	store_carry(two, session, 1);
	note_ok(one, session, "while the second read");
	refused(two, session, "it wrote event 2 just now");
	note_ok(one, session, "the first goes on");
	assert_false(store_is_taken(one));
	store_close(one);
	store_close(two);
	is_intact(place->path, 3);
}

static void store_carry__of_two_that_take_over_at_once_one_wins(void **state)
{
	struct place *place = *state;
	struct store *one = open_ok(place->path, STORE_WRITE), *two = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(one);

	store_carry(one, session, 1);
	store_carry(two, session, 1);
	take_over(two, session);
	refused(one, session, "event 2");
	store_close(one);
	store_close(two);
	is_intact(place->path, 2);
}

static void store_carry__other_sessions_of_the_journal_are_nobodys_business(void **state)
{
	struct place *place = *state;
	struct store *one = open_ok(place->path, STORE_WRITE), *two = open_ok(place->path, STORE_WRITE);
	int64_t session, other;

	store_carry(one, 0, 0);
	session = session_ok(one);
	other = session_ok(two);
	take_over(two, other);
	note_ok(one, session, "goes on");
	note_ok(one, other, "and of the other one it may write");
	assert_false(store_is_taken(one));
	store_close(one);
	store_close(two);
}

/* --- lease and socket --- */

struct run {
	struct keep *keep;
	char lease[300], sock[300], dir[300];
};

static struct run run_of(const struct place *place)
{
	struct err e = { 0 };
	struct run run = { .keep = keep_take(place->path, 7, &e) };

	assert_non_null(run.keep);
	snprintf(run.dir, sizeof(run.dir), "%s.run", place->path);
	snprintf(run.lease, sizeof(run.lease), "%s/7.lease", run.dir);
	snprintf(run.sock, sizeof(run.sock), "%s/7.sock", run.dir);
	return run;
}

/* Looks once; the words when it cannot keep it, else "" */
static struct err looked(struct run *run, bool anew, bool listens)
{
	struct keep_news news;
	struct err e = { 0 };

	if (keep_look(run->keep, &news, &e) < 0)
		return e;
	assert_int_equal(news.anew, anew);
	assert_int_equal(news.fd >= 0, listens);
	if (news.fd >= 0)
		close(news.fd);
	return e;
}

static void keep_look__changes_nothing_while_all_is_well(void **state)
{
	struct run run = run_of(*state);
	struct err e = { 0 };
	int fd;

	assert_string_equal(looked(&run, false, false).text, "");
	fd = keep_listen(run.keep, &e);
	assert_true(fd >= 0);
	assert_string_equal(looked(&run, false, false).text, "");
	keep_drop(run.keep);
	assert_int_equal(access(run.sock, F_OK), -1);
	assert_int_equal(access(run.lease, F_OK), -1);
	close(fd);
}

static void keep_look__makes_anew_what_was_removed(void **state)
{
	struct place *place = *state;
	struct run run = run_of(place);
	struct err e = { 0 };
	int fd = keep_listen(run.keep, &e);

	unlink(run.lease);
	assert_false(keep_is_named(run.keep));
	assert_false(lease_is_held(place->path, 7));
	assert_string_equal(looked(&run, true, false).text, "");
	assert_true(lease_is_held(place->path, 7));
	unlink(run.sock);
	assert_string_equal(looked(&run, true, true).text, "");
	unlink(run.sock);
	unlink(run.lease);
	rmdir(run.dir);
	assert_string_equal(looked(&run, true, true).text, "");
	assert_true(lease_is_held(place->path, 7));
	assert_int_equal(access(run.sock, F_OK), 0);
	assert_string_equal(looked(&run, false, false).text, "");
	keep_drop(run.keep);
	close(fd);
}

static void keep_look__a_lease_in_other_hands_is_lost_for_good(void **state)
{
	struct place *place = *state;
	struct run run = run_of(place);
	struct err e = { 0 };
	int fd = keep_listen(run.keep, &e), other_fd;
	struct keep *other;

	unlink(run.lease);
	other = keep_take(place->path, 7, &e);
	assert_non_null(other);
	other_fd = keep_listen(other, &e);
	assert_non_null(strstr(looked(&run, false, false).text, "another process has taken this session over"));
	assert_true(keep_is_taken(run.keep));
	assert_non_null(strstr(looked(&run, false, false).text, "does nothing more"));
	keep_drop(run.keep);	/* and takes nothing of the other's along */
	assert_true(lease_is_held(place->path, 7));
	assert_int_equal(access(run.sock, F_OK), 0);
	keep_drop(other);
	close(fd);
	close(other_fd);
}

static void keep_look__says_what_stands_in_the_way(void **state)
{
	struct run run = run_of(*state);
	struct err e = { 0 };
	int fd = keep_listen(run.keep, &e);

	unlink(run.lease);
	mkdir(run.lease, 0700);
	e = looked(&run, false, false);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.text, "what shows that session 7 runs cannot be kept"));
	assert_non_null(strstr(e.text, "7.lease"));
	assert_false(keep_is_taken(run.keep));
	rmdir(run.lease);
	assert_string_equal(looked(&run, true, false).text, "");
	unlink(run.sock);
	mkdir(run.sock, 0700);
	e = looked(&run, true, false);
	assert_non_null(strstr(e.text, "7.sock"));
	e = looked(&run, true, false);
	assert_non_null(strstr(e.text, "7.sock"));
	rmdir(run.sock);
	assert_string_equal(looked(&run, true, true).text, "");
	keep_drop(run.keep);
	close(fd);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_carry__of_two_carriers_the_one_before_is_refused),
		WITH_PLACE(store_carry__a_second_that_knows_less_than_is_there_is_refused),
		WITH_PLACE(store_carry__of_two_that_take_over_at_once_one_wins),
		WITH_PLACE(store_carry__other_sessions_of_the_journal_are_nobodys_business),
		WITH_PLACE(keep_look__changes_nothing_while_all_is_well),
		WITH_PLACE(keep_look__makes_anew_what_was_removed),
		WITH_PLACE(keep_look__a_lease_in_other_hands_is_lost_for_good),
		WITH_PLACE(keep_look__says_what_stands_in_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
