/* journal_fixture.h - what the tests of journal/ share: a directory of their own, events by the line, digests of files. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_JOURNAL_FIXTURE_H
#define TESTS_JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "journal/store/store.h"

#define UNUSED __attribute__((unused))

struct place {
	char dir[200];
	char path[240];		/* of the journal in it */
};

/* A new directory under TMPDIR and the path of a journal in it; a small ballast, so that tests stay light. */
static UNUSED int place_make(void **state)
{
	struct place *place = mem_alloc(sizeof(*place));
	const char *tmp = getenv("TMPDIR");

	snprintf(place->dir, sizeof(place->dir), "%s/bellbook-journal-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->path, sizeof(place->path), "%s/journal.db", place->dir);
	setenv("BELLBOOK_BALLAST", "65536", 1);
	*state = place;
	return 0;
}

static UNUSED int place_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static UNUSED int place_remove(void **state)
{
	struct place *place = *state;

	nftw(place->dir, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mem_free(place);
	return 0;
}

/* Ends a forked child by exec: what the parent still owns is then no leak of the child's, and its atexit work is not done twice. */
static UNUSED void leave(int code)
{
	char text[20];

	snprintf(text, sizeof(text), "exit %d", code);
	execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	_exit(127);
}

static UNUSED struct store *open_ok(const char *path, enum store_mode mode)
{
	struct err e = { 0 };
	struct store *store = store_open(path, mode, &e);

	if (!store)
		fail_msg("%s: %s", err_kind_name(e.kind), e.text);
	return store;
}

static UNUSED void append_ok(struct store *store, struct event *events, size_t n)
{
	struct err e = { 0 };

	if (store_append(store, events, n, &e) < 0)
		fail_msg("%s: %s", err_kind_name(e.kind), e.text);
}

/* The chain of hashes holds, over so many events. */
static UNUSED void is_intact(const char *path, int64_t events)
{
	struct verify_report report;
	struct err e = { 0 };

	assert_int_equal(store_verify(path, &report, &e), 0);
	if (report.bad_seq)
		fail_msg("event %lld: %s", (long long)report.bad_seq, report.text);
	assert_int_equal(report.events, events);
}

static UNUSED int look(struct store *store)
{
	struct err e = { 0 };
	int rc = store_look(store, &e);

	if (rc < 0)
		fail_msg("%s", e.text);
	return rc;
}

/* A note is refused, as what is not there, with these words. */
static UNUSED void append_refused(struct store *store, int64_t session, const char *words)
{
	struct event ev = { .kind = EVENT_NOTE, .session = session, .who = "ada" };
	struct err e = { 0 };

	assert_int_equal(store_append(store, &ev, 1, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	if (!strstr(e.text, words))
		fail_msg("%s", e.text);
}

static UNUSED int64_t session_ok(struct store *store)
{
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "ada", .data = "{\"runbook\":{\"id\":\"upgrade\"}}" };

	append_ok(store, &ev, 1);
	return ev.session;
}

/* One note with that text as payload; returns its seq. */
static UNUSED int64_t note_ok(struct store *store, int64_t session, const char *text)
{
	struct event ev = { .kind = EVENT_NOTE, .session = session, .who = "ada", .bytes = text, .len = text ? strlen(text) : 0 };

	append_ok(store, &ev, 1);
	return ev.seq;
}

/* A closed journal with one session and n notes: 1 + n events. */
static UNUSED void journal_with(const char *path, int n)
{
	struct store *store = open_ok(path, STORE_WRITE);
	int64_t session = session_ok(store);
	char text[40];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "note number %d", i);
		note_ok(store, session, text);
	}
	store_close(store);
}

/* All in the log moved into the file, then -wal and -shm removed: the journal as one file. */
static UNUSED void journal_alone(const char *path)
{
	struct store *store = open_ok(path, STORE_WRITE);
	struct err e = { 0 };
	char name[400];

	assert_int_equal(store_checkpoint(store, true, &e), 0);
	store_close(store);
	snprintf(name, sizeof(name), "%s-wal", path);
	assert_int_equal(unlink(name), 0);
	snprintf(name, sizeof(name), "%s-shm", path);
	assert_int_equal(unlink(name), 0);
}

/* Name, size, mode and SHA-256 of every file in dir, as text. Caller owns. */
static UNUSED char *directory_digest(const char *dir)
{
	struct dirent **names;
	struct buf out = { 0 };
	int n = scandir(dir, &names, NULL, alphasort);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		char path[600], chunk[65536];
		unsigned char digest[SHA256_LEN];
		struct sha256 *sha = sha256_new();
		struct stat st;
		ssize_t got;
		int fd;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		assert_int_equal(lstat(path, &st), 0);
		fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY) : -1;
		while (fd >= 0 && (got = read(fd, chunk, sizeof(chunk))) > 0)
			sha256_add(sha, chunk, (size_t)got);
		if (fd >= 0)
			close(fd);
		sha256_end(sha, digest);
		sha256_free(sha);
		if (S_ISREG(st.st_mode)) {
			buf_printf(&out, "%s %lld %o ", names[i]->d_name, (long long)st.st_size, (unsigned)st.st_mode);
			str_hex(&out, digest, sizeof(digest));
			buf_putc(&out, '\n');
		}
		free(names[i]);
	}
	free(names);
	return buf_take(&out);
}

static UNUSED bool count_event(void *arg, const struct event *ev)
{
	(void)ev;
	++*(int64_t *)arg;
	return true;
}

static UNUSED int64_t count_events(struct store *store)
{
	struct err e = { 0 };
	int64_t n = 0;

	if (store_each(store, (struct store_range){0}, count_event, &n, &e) < 0)
		fail_msg("%s", e.text);
	return n;
}

static UNUSED void verify_ok(const char *path, int64_t events)
{
	struct verify_report report;
	struct err e = { 0 };

	if (store_verify(path, &report, &e) < 0)
		fail_msg("%s: %s", err_kind_name(e.kind), e.text);
	assert_string_equal(report.text, "");
	assert_int_equal(report.bad_seq, 0);
	if (events >= 0)
		assert_int_equal(report.events, events);
}

#endif
