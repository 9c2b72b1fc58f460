/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#include "session/people/account.h"

static void check_range(const char *text, uid_t uid, const char *owner)
{
	char *found = account_subordinate(folder_file("subuid", text), uid);

	if (!owner)
		assert_null(found);
	else
		assert_string_equal(found, owner);
	mem_free(found);
}

static void account_subordinate__a_range_holds_its_first_and_last_uid_and_no_other(void **state)
{
	static const char ranges[] = "# ours\nann:100000:65536\n1002:165536:10\n";

	(void)state;
	check_range(ranges, 99999, NULL);
	check_range(ranges, 100000, "ann");
	check_range(ranges, 165535, "ann");
	check_range(ranges, 165536, "1002");
	check_range(ranges, 165545, "1002");
	check_range(ranges, 165546, NULL);
}

static void account_subordinate__what_is_no_range_holds_nothing(void **state)
{
	(void)state;
	check_range("", 5, NULL);
	check_range("ann\nann:\nann:1\nann:x:9\nann:1:y\nann:-1:9\nann:1:99999999999999999999\n#ann:1:9\n", 5, NULL);
	check_range("ann:1:9", 5, "ann");
	check_range("ann:4294967295:4294967295\n", 5, NULL);
	assert_null(account_subordinate("/nowhere/subuid", 5));
}

static struct account made(uid_t uid, uid_t login)
{
	return (struct account){ .uid = uid, .name = mem_printf("n%u", (unsigned)uid), .login = login };
}

static void check_same(struct account a, struct account b, bool same)
{
	for (int turn = 0; turn < 2; turn++) {
		char *why = turn ? account_same(&b, &a) : account_same(&a, &b);

		assert_int_equal(why != NULL, same);
		mem_free(why);
	}
	account_done(&a);
	account_done(&b);
}

static void account_same__one_uid_one_login_or_one_started_by_the_other(void **state)
{
	struct account child = made(2, ACCOUNT_NOBODY), root = made(2, ACCOUNT_NOBODY);

	(void)state;
	check_same(made(1, ACCOUNT_NOBODY), made(1, ACCOUNT_NOBODY), true);
	check_same(made(1, ACCOUNT_NOBODY), made(2, ACCOUNT_NOBODY), false);
	check_same(made(1, 1), made(2, 2), false);
	check_same(made(1, 1), made(2, 1), true);
	check_same(made(1, ACCOUNT_NOBODY), made(2, 1), true);
	check_same(made(1, 7), made(2, 7), true);
	check_same(made(1, 7), made(2, 8), false);
	child.above[child.above_count++] = 1;
	check_same(made(1, ACCOUNT_NOBODY), child, true);
	root.above[root.above_count++] = 9;
	check_same(made(1, ACCOUNT_NOBODY), root, false);
}

static void account_of_peer__this_process_has_its_own_uid(void **state)
{
	struct account account = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_true(account_of_peer(fds[0], &account));
	assert_int_equal(account.uid, getuid());
	assert_non_null(account.name);
	account_done(&account);
	close(fds[0]);
	close(fds[1]);
	assert_false(account_of_peer(-1, &account));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(account_subordinate__a_range_holds_its_first_and_last_uid_and_no_other),
		cmocka_unit_test(account_subordinate__what_is_no_range_holds_nothing),
		cmocka_unit_test(account_same__one_uid_one_login_or_one_started_by_the_other),
		cmocka_unit_test(account_of_peer__this_process_has_its_own_uid),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
