/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_mark.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

/*
 * A database file of which the log was deleted is a good one: it ends earlier, every hash fits, and
 * nothing in it says that there was more. What was done behind that end would be done again. So each
 * synced commit leaves a mark outside the file, in the lock file, which every writer holds anyway: the
 * number, session and hash of the last event. One mark is enough for all sessions, as seq and chain run
 * through the whole file.
 *
 * A lock file looks like debris, and is removed together with the log. So the ballast has the mark, too, in
 * its first bytes. It is given up on a full disk, and has one again with the first commit behind that.
 *
 * The mark is written with the lock held, after the commit was synced, and is itself not synced. So it
 * is never ahead of the disk, and after a power cut it may be behind, which says less and nothing wrong.
 * Commits of output alone are not synced and leave none: a power cut may take them. The block has one
 * size and a checksum; a reader that meets it half written reads again. Whatever does not fit (an empty
 * lock file, one of an older or newer bellbook, of another journal) says nothing.
 */

#define MARK_TEXT "bellbook head 1\nid %s\nseq %020lld\nsession %020lld\nat_us %020lld\nhash %s\n"
#define MARK_SIZE 272	/* bytes of it, with "sum ", 64 digits and a newline */
#define MARK_TRIES 4

static const char *const witnesses[] = { "-lock", "-ballast" };
#define WITNESSES (sizeof(witnesses) / sizeof(witnesses[0]))

static void put_sum(const struct store *store, struct buf *out)
{
	unsigned char sum[SHA256_LEN];

	sha256_add(store->sha, "bb1m", 4);
	sha256_add(store->sha, buf_text(out), out->len);
	sha256_end(store->sha, sum);
	buf_puts(out, "sum ");
	str_hex(out, sum, sizeof(sum));
	buf_putc(out, '\n');
}

/* The block for a mark; the same mark gives the same bytes. */
static void print_mark(const struct store *store, const struct store_mark *mark, struct buf *out)
{
	struct buf hash = { 0 };

	str_hex(&hash, mark->hash, SHA256_LEN);
	buf_printf(out, MARK_TEXT, mark->id, (long long)mark->seq, (long long)mark->session, (long long)mark->at_us, buf_text(&hash));
	put_sum(store, out);
	buf_done(&hash);
}

/* It is not made here, and not made longer: what is there is whole. */
static void write_ballast(const struct store *store, const char block[MARK_SIZE])
{
	char *name = mem_printf("%s-ballast", store->path);
	struct err ignored = { 0 };
	int fd = access(name, F_OK) == 0 ? file_open(name, O_WRONLY | O_NOFOLLOW, 0, &ignored) : -1;
	struct stat st;
	ssize_t done = fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= MARK_SIZE ? pwrite(fd, block, MARK_SIZE, 0) : 0;

	(void)done;
	if (fd >= 0)
		close(fd);
	mem_free(name);
}

void store_mark_write(const struct store *store, const struct event *ev)
{
	struct store_mark mark = { .seq = ev->seq, .session = ev->session, .at_us = ev->at_us };
	struct buf out = { 0 };
	ssize_t done;

	memcpy(mark.hash, ev->hash, SHA256_LEN);
	str_copy(mark.id, sizeof(mark.id), store->id);
	print_mark(store, &mark, &out);
	assert(out.len == MARK_SIZE);
	done = pwrite(store->lock_fd, buf_text(&out), out.len, 0);
	(void)done;	/* on a full disk it stays behind */
	write_ballast(store, buf_text(&out));
	buf_done(&out);
}

void store_mark_clear(const struct store *store)
{
	static const char none[MARK_SIZE];
	int failed = ftruncate(store->lock_fd, 0);

	(void)failed;	/* it names another journal, and so says nothing of this one */
	write_ballast(store, none);
}

/* Prints what was read again: then every byte of it was as it must be, the sum too. */
static bool parse(const struct store *store, const char *text, struct store_mark *mark)
{
	long long seq, session, at_us;
	char hash[65];
	struct buf again = { 0 };
	bool good;

	*mark = (struct store_mark){ 0 };
	if (sscanf(text, "bellbook head 1\nid %32s\nseq %20lld\nsession %20lld\nat_us %20lld\nhash %64s\n", mark->id, &seq, &session, &at_us, hash) != 5)
		return false;
	mark->seq = seq;
	mark->session = session;
	mark->at_us = at_us;
	for (size_t i = 0; i < SHA256_LEN; i++) {
		unsigned byte;

		if (sscanf(hash + 2 * i, "%2x", &byte) != 1)
			return false;
		mark->hash[i] = (unsigned char)byte;
	}
	print_mark(store, mark, &again);
	good = seq > 0 && str_is(buf_text(&again), text);
	buf_done(&again);
	return good;
}

static bool read_one(const struct store *store, const char *suffix, struct store_mark *mark)
{
	char *name = mem_printf("%s%s", store->path, suffix), text[MARK_SIZE + 1];
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct err ignored = { 0 };
	int fd = file_open(name, O_RDONLY | O_NOFOLLOW, 0, &ignored);
	bool good = false;

	mem_free(name);
	for (int i = 0; fd >= 0 && !good && i < MARK_TRIES; i++) {
		ssize_t got = pread(fd, text, MARK_SIZE, 0);

		if (got < MARK_SIZE || !text[0])
			break;
		text[got] = '\0';
		good = parse(store, text, mark);
		if (!good)
			nanosleep(&ms, NULL);	/* it is being written */
	}
	if (fd >= 0)
		close(fd);
	mark->from = suffix;
	return good;
}

bool store_mark_read(const struct store *store, struct store_mark *mark)
{
	struct store_mark one;
	int64_t farthest = -1;

	for (size_t i = 0; i < WITNESSES; i++) {
		if (!read_one(store, witnesses[i], &one) || (*store->id && !str_is(one.id, store->id)) || one.seq <= farthest)
			continue;
		*mark = one;
		farthest = one.seq;
	}
	return farthest >= 0;
}

/* Who says so, when it is not the one that is asked first. */
static void add_witness(const struct store *store, const struct store_mark *mark, char *words, size_t size)
{
	const char *slash = strrchr(store->path, '/'), *name = slash ? slash + 1 : store->path;
	size_t n = strlen(words);

	if (!str_is(mark->from, witnesses[0]))
		snprintf(words + n, size - n, " (%s%s remembers)", name, mark->from);
}

bool store_mark_differs(struct store *store, const struct store_mark *mark, int64_t head, char *words, size_t size)
{
	unsigned char hash[SHA256_LEN];
	struct err ignored = { 0 };
	char at[TIME_TEXT];

	if (!str_is(mark->id, store->id))
		return false;
	if (mark->seq > head) {
		time_format(mark->at_us, at);
		snprintf(words, size, "it ends with event %lld, but event %lld of session %lld was stored at %.10s %.8s UTC: %lld %s missing",
			(long long)head, (long long)mark->seq, (long long)mark->session, at, at + 11, (long long)(mark->seq - head),
			mark->seq - head == 1 ? "event is" : "events are");
		add_witness(store, mark, words, size);
		return true;
	}
	if (store_hash_at(store, mark->seq, hash, &ignored) < 0 || memcmp(hash, mark->hash, SHA256_LEN) == 0)
		return false;	/* one that cannot be read is found by who reads it */
	snprintf(words, size, "its event %lld is another one than was stored: the file was replaced or written anew", (long long)mark->seq);
	add_witness(store, mark, words, size);
	return true;
}

bool store_is_cut(struct store *store, struct err *why)
{
	struct store_mark mark;
	struct err ignored = { 0 };
	char words[400];
	int64_t head;

	if (!store_mark_read(store, &mark) || (head = store_head(store, &ignored)) < 0 || !store_mark_differs(store, &mark, head, words, sizeof(words)))
		return false;
	err_set(why, ERR_CORRUPT, "%s is cut: %s", store->path, words);
	return true;
}

char *store_cut_advice(const char *path)
{
	return mem_printf("Nothing was changed. What is missing stood in %s-wal, or in a newer %s: look whether one was moved or deleted, and put it back (or both, from a "
		"copy), before anything is written. If it is lost for good, remove %s-lock and %s-ballast: bellbook then goes on without it, and may ask or do again what it told of",
		path, path, path, path);
}
