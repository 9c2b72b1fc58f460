/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* syscall */
#include "session_fixture.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/loop.h"
#include "journal/store/store.h"
#include "session/walk/book.h"

static int syncs_that_fail;

/* In the place of libc's: SQLite calls them. */
int fsync(int fd)
{
	errno = EIO;
	return syncs_that_fail > 0 && syncs_that_fail-- ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	errno = EIO;
	return syncs_that_fail > 0 && syncs_that_fail-- ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* A book on a real store, and what its hooks were told. */
struct desk {
	struct loop *loop;
	struct store *store;
	struct book *book;
	char *journal;
	struct buf told;	/* payloads in the order they were told */
	const char *nested;	/* told this, the hook wants another note stored at once */
	int halts, clears;
	const char *unfit;	/* why nothing may be stored, NULL = it may */
	bool remarks;		/* the next look adds a note of its own */
};

static void note(struct desk *desk, const char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .who = "t", .bytes = text, .len = strlen(text)};

	book_add(desk->book, &ev, 1);
}

static bool says(const struct event *ev, const char *text)
{
	return text && ev->bytes && ev->len == strlen(text) && memcmp(ev->bytes, text, ev->len) == 0;
}

static void on_stored(void *arg, const struct event *ev)
{
	struct desk *desk = arg;
	struct err e = {0};

	buf_append(&desk->told, ev->bytes ? ev->bytes : "", ev->len);
	buf_putc(&desk->told, ' ');
	if (!says(ev, desk->nested))
		return;
	desk->nested = NULL;
	note(desk, "inner");
	assert_int_equal(book_drain(desk->book), 0);
	/* What it asked for is stored and told when it comes back. */
	assert_contains(buf_text(&desk->told), "inner");
	assert_int_equal(store_head(desk->store, &e), 4);
}

static void on_halted(void *arg, const char *why)
{
	(void)why;
	((struct desk *)arg)->halts++;
}

static void on_cleared(void *arg)
{
	((struct desk *)arg)->clears++;
}

static int on_fit(void *arg, struct err *e)
{
	struct desk *desk = arg;

	if (desk->remarks) {
		desk->remarks = false;
		note(desk, "remark");
	}
	return desk->unfit ? err_set(e, ERR_DENIED, "%s", desk->unfit) : 0;
}

static void desk_open(struct desk *desk)
{
	static const struct book_hooks hooks = {.fit = on_fit, .stored = on_stored, .halted = on_halted, .cleared = on_cleared};
	struct event opened = {.kind = EVENT_SESSION_OPENED, .who = "t"};
	struct err e = {0};
	static int n;

	setenv("BELLBOOK_BALLAST", "0", 1);
	desk->journal = mem_printf("%s/j%d.db", folder, ++n);
	desk->loop = loop_new(NULL);
	desk->store = store_open(desk->journal, STORE_WRITE, &e);
	if (!desk->store)
		fail_msg("%s", e.text);
	desk->book = book_new(desk->loop, desk->store, &hooks, desk);
	book_add(desk->book, &opened, 1);
	assert_int_equal(book_drain(desk->book), 0);
	buf_clear(&desk->told);
}

static void desk_close(struct desk *desk)
{
	book_free(desk->book);
	store_close(desk->store);
	loop_free(desk->loop);
	buf_done(&desk->told);
	mem_free(desk->journal);
}

static void book_drain__from_a_hook_stores_and_tells_in_order(void **state)
{
	struct desk desk = {.nested = "one"};
	struct verify_report report;
	struct err e = {0};

	(void)state;
	desk_open(&desk);
	note(&desk, "one");
	note(&desk, "two");
	assert_int_equal(book_drain(desk.book), 0);
	assert_string_equal(buf_text(&desk.told), "one two inner ");
	assert_int_equal(store_verify(desk.journal, &report, &e), 0);
	assert_int_equal(report.events, 4);
	desk_close(&desk);
}

/* Events whose fsync failed so many times are stored once each, and all that was there before too. */
static void sync_fails(int times, const char *more)
{
	struct desk desk = {0};
	struct verify_report report;
	struct err e = {0};
	int tries = 0;

	desk_open(&desk);
	note(&desk, "before");
	assert_int_equal(book_drain(desk.book), 0);
	note(&desk, "one");
	note(&desk, "two");
	syncs_that_fail = times;
	assert_int_equal(book_drain(desk.book), -1);
	assert_string_equal(buf_text(&desk.told), "before ");
	if (more)
		note(&desk, more);	/* it joins those that are tried again */
	while (book_drain(desk.book) < 0 && tries < times)
		tries++;
	assert_int_equal(syncs_that_fail, 0);
	if (book_halted(desk.book))
		fail_msg("%d: %s", times, book_halted(desk.book));
	assert_int_equal(desk.halts, 1);
	assert_int_equal(desk.clears, 1);
	assert_string_equal(buf_text(&desk.told), more ? "before one two three " : "before one two ");
	assert_int_equal(store_verify(desk.journal, &report, &e), 0);
	assert_int_equal(report.bad_seq, 0);
	assert_int_equal(report.events, more ? 5 : 4);
	desk_close(&desk);
}

static void book_drain__an_fsync_that_failed_stores_each_event_once(void **state)
{
	(void)state;
	for (int times = 1; times <= 8; times++) {
		sync_fails(times, NULL);
		sync_fails(times, "three");
	}
}

static void book_drain__says_what_the_disk_lost_after_an_fsync_that_failed(void **state)
{
	struct desk desk = {0};
	struct stat st;
	char *wal;

	(void)state;
	desk_open(&desk);
	note(&desk, "told");
	assert_int_equal(book_drain(desk.book), 0);
	wal = mem_printf("%s-wal", desk.journal);
	note(&desk, "one");
	syncs_that_fail = 1;
	assert_int_equal(book_drain(desk.book), -1);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(truncate(wal, 0), 0);	/* what the kernel dropped: the file is as long, and empty */
	assert_int_equal(truncate(wal, st.st_size), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(book_drain(desk.book), -1);
		assert_contains(book_halted(desk.book), "lost what had been stored");
	}
	assert_string_equal(buf_text(&desk.told), "told ");
	mem_free(wal);
	desk_close(&desk);
}

static void book_drain__stores_nothing_while_it_is_not_fit_and_tells_each_reason(void **state)
{
	struct desk desk = {0};

	(void)state;
	desk_open(&desk);
	desk.unfit = "the lease is gone";
	note(&desk, "one");
	for (int i = 0; i < 3; i++)
		assert_int_equal(book_drain(desk.book), -1);
	assert_int_equal(desk.halts, 1);
	desk.unfit = "another process has it";
	desk.remarks = true;
	assert_int_equal(book_drain(desk.book), -1);
	assert_int_equal(desk.halts, 2);	/* whoever was told the first reason hears the second */
	assert_contains(book_halted(desk.book), "another process has it");
	assert_string_equal(buf_text(&desk.told), "");
	desk.unfit = NULL;
	assert_int_equal(book_drain(desk.book), 0);
	assert_string_equal(buf_text(&desk.told), "one remark ");
	assert_int_equal(desk.clears, 1);
	desk.unfit = "again";	/* said also when nothing waits to be stored */
	assert_int_equal(book_drain(desk.book), -1);
	assert_int_equal(desk.halts, 3);
	desk_close(&desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(book_drain__from_a_hook_stores_and_tells_in_order),
		cmocka_unit_test(book_drain__an_fsync_that_failed_stores_each_event_once),
		cmocka_unit_test(book_drain__says_what_the_disk_lost_after_an_fsync_that_failed),
		cmocka_unit_test(book_drain__stores_nothing_while_it_is_not_fit_and_tells_each_reason),
	};

	return cmocka_run_group_tests_name("book", tests, folder_setup, folder_teardown);
}
