/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/index/index_int.h"
#include "journal/store/store_int.h"

#define HITS 50			/* when no limit is given */
#define PAGE 200		/* rows asked for at once */
#define LINE_BEFORE 60		/* bytes shown before what was found, in a long line */
#define LINE_BYTES 200
#define MARK_FROM '\x02'	/* never in plain text: control characters are blanks there */
#define MARK_TO '\x03'

/* Newest first, never by rank: that would read every hit. ?1 words, ?2 and ?3 first and last event, ?4 rows */
const char *const index_search_sql = "SELECT rowid FROM text WHERE text MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4";

struct search {
	struct index *index;
	const struct index_filter *filter;
	struct buf query, body;		/* of FTS5; body: without the tags */
	int64_t first, last, left;
	index_hit_fn *fn;
	void *arg;
	sqlite3 *one;			/* owned: one event at a time, to find the place in it */
	sqlite3_stmt *put, *drop, *mark;	/* owned */
	bool stopped;
	int64_t rows[PAGE];
	size_t n;
};

/* --- what was asked for --- */

/* A word that has nothing that counts as a letter would find nothing. */
static bool has_letter(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			return true;
	}
	return false;
}

static void add_phrase(struct buf *out, const char *text, size_t len, bool beginning)
{
	if (!has_letter(text, len))
		return;
	buf_puts(out, out->len ? " AND \"" : "\"");
	for (size_t i = 0; i < len; i++)
		if (text[i] != '"')
			buf_putc(out, text[i]);
	buf_puts(out, beginning ? "\"*" : "\"");
}

/* Words, "several in a row", begin*. Nothing of FTS5's own language gets through. */
static void read_words(struct buf *out, const char *text)
{
	while (*text) {
		bool quoted = *text == '"';
		const char *from = text + quoted;
		size_t len = quoted ? strcspn(from, "\"") : strcspn(from, " \t\r\n\"");
		bool beginning;

		text = from + len + (quoted && from[len] == '"');
		beginning = quoted ? *text == '*' : len > 0 && from[len - 1] == '*';
		text += quoted && beginning;
		add_phrase(out, from, len, beginning);
		text += strspn(text, " \t\r\n");
	}
}

static void add_tag(struct buf *out, char which, const char *text)
{
	struct buf tag = { 0 };

	if (!text)
		return;
	index_tag(&tag, which, text);
	buf_printf(out, " AND tags : \"%s\"", buf_text(&tag) + 1);
	buf_done(&tag);
}

static int make_query(struct search *search, const char *words, struct err *e)
{
	const struct index_filter *filter = search->filter;
	struct buf phrases = { 0 };

	read_words(&phrases, words);
	if (!phrases.len) {
		buf_done(&phrases);
		return err_set(e, ERR_USAGE, "there is nothing to look for: give words, beginnings (migr*) or \"words in a row\"");
	}
	buf_printf(&search->body, "body : (%s)", buf_text(&phrases));
	buf_append(&search->query, search->body.data, search->body.len);
	if (filter->session)
		buf_printf(&search->query, " AND tags : \"s%lld\"", (long long)filter->session);
	add_tag(&search->query, 'h', filter->host);
	add_tag(&search->query, 'r', filter->runbook);
	add_tag(&search->query, 'w', filter->person);
	buf_done(&phrases);
	return 0;
}

/* --- from when to when --- */

static bool take_time(void *arg, const struct event *ev)
{
	*(int64_t *)arg = ev->at_us;
	return false;
}

/* First event from that time on, if the clock was never set back. */
static int find_time(struct store *store, int64_t at_us, int64_t head, int64_t *out, struct err *e)
{
	int64_t low = 1, high = head + 1;

	while (low < high) {
		int64_t middle = low + (high - low) / 2, time_us = 0;

		if (store_each(store, (struct store_range){ .after = middle - 1, .limit = 1 }, take_time, &time_us, e) < 0)
			return -1;
		if (time_us < at_us)
			low = middle + 1;
		else
			high = middle;
	}
	*out = low;
	return 0;
}

static int find_range(struct search *search, struct err *e)
{
	const struct index_filter *filter = search->filter;
	struct store *store = search->index->store;
	int64_t head = store_head(store, e);

	if (head < 0)
		return -1;
	search->first = 1;
	search->last = head;
	if (filter->since_us && find_time(store, filter->since_us, head, &search->first, e) < 0)
		return -1;
	if (filter->until_us && find_time(store, filter->until_us, head, &search->last, e) < 0)
		return -1;
	search->last -= filter->until_us != 0;
	if (filter->session > search->first)
		search->first = filter->session;
	return 0;
}

/* --- where in the event --- */

static int open_one(struct search *search, struct err *e)
{
	if (sqlite3_open_v2(":memory:", &search->one, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK
	    || store_exec(search->one, "CREATE VIRTUAL TABLE one USING fts5(body, tags, " INDEX_TOKENIZE ")", e) < 0)
		return e->text[0] ? -1 : err_set(e, ERR_IO, "cannot look into what was found");
	search->put = store_prepare(search->one, "INSERT INTO one(rowid, body) VALUES(1, ?1)", e);
	search->drop = search->put ? store_prepare(search->one, "DELETE FROM one", e) : NULL;
	search->mark = search->drop ? store_prepare(search->one, "SELECT highlight(one, 0, x'02', x'03') FROM one WHERE one MATCH ?1", e) : NULL;
	return search->mark ? 0 : -1;
}

/* The text with marks around what was found; without any when it cannot be told. False when more may be found with what was before: there is no mark, or one in the
 * first line. Caller frees out. */
static bool mark_text(struct search *search, const struct buf *text, struct buf *out)
{
	const char *found, *line;

	sqlite3_bind_text(search->put, 1, buf_text(text), (int)text->len, SQLITE_STATIC);
	sqlite3_step(search->put);
	sqlite3_reset(search->put);
	sqlite3_bind_text(search->mark, 1, buf_text(&search->body), -1, SQLITE_STATIC);
	if (sqlite3_step(search->mark) == SQLITE_ROW)
		buf_append(out, sqlite3_column_text(search->mark, 0), (size_t)sqlite3_column_bytes(search->mark, 0));
	else
		buf_append(out, buf_text(text), text->len);
	sqlite3_reset(search->mark);
	sqlite3_step(search->drop);
	sqlite3_reset(search->drop);
	found = out->len ? memchr(out->data, MARK_FROM, out->len) : NULL;
	line = out->len ? memchr(out->data, '\n', out->len) : NULL;
	return found && line && line < found;
}

/* The line around the first mark, cut when it is long; marks taken out. */
static void cut_line(const struct buf *marked, struct buf *line, struct index_hit *hit)
{
	const char *text = buf_text(marked), *found = memchr(text, MARK_FROM, marked->len);
	size_t at = found ? (size_t)(found - text) : 0, from = at, to = at;
	bool first = true;

	while (from > 0 && text[from - 1] != '\n' && at - from < LINE_BEFORE)
		from--;
	while (from < at && ((unsigned char)text[from] & 0xc0) == 0x80)
		from++;
	while (to < marked->len && text[to] != '\n')
		to++;
	to = to - from > LINE_BYTES ? from + utf8_border(text + from, LINE_BYTES) : to;
	if (from > 0 && text[from - 1] != '\n')
		buf_puts(line, "\xe2\x80\xa6");
	for (size_t i = from; i < to; i++) {
		if (text[i] == MARK_FROM && first)
			hit->mark = line->len;
		else if (text[i] == MARK_TO && first)
			hit->mark_len = line->len - hit->mark, first = false;
		else if (text[i] != MARK_FROM && text[i] != MARK_TO)
			buf_putc(line, text[i]);
	}
	if (to < marked->len && text[to] != '\n')
		buf_puts(line, "\xe2\x80\xa6");
	hit->line = buf_text(line);
}

static bool tell(struct search *search, const struct event *ev)
{
	struct index_hit hit = {
		.seq = ev->seq, .session = ev->session, .at_us = ev->at_us, .kind = event_type_of(ev->kind)->name, .step = ev->step ? ev->step : "",
		.host = ev->host ? ev->host : "", .who = ev->who ? ev->who : "",
	};
	struct buf before = { 0 }, text = { 0 }, marked = { 0 }, line = { 0 };
	bool more;

	index_plain(&text, ev, NULL);
	if (!mark_text(search, &text, &marked)) {	/* cut in two by the border between chunks, or its line is */
		index_carry(search->index->store, ev, &before);
		if (before.len) {
			buf_clear(&text);
			buf_clear(&marked);
			index_plain(&text, ev, &before);
			(void)mark_text(search, &text, &marked);
		}
	}
	cut_line(&marked, &line, &hit);
	more = search->fn(search->arg, &hit);
	buf_done(&before);
	buf_done(&text);
	buf_done(&marked);
	buf_done(&line);
	return more;
}

static bool take_hit(void *arg, const struct event *ev)
{
	struct search *search = arg;
	const struct index_filter *filter = search->filter;

	if ((filter->since_us && ev->at_us < filter->since_us) || (filter->until_us && ev->at_us >= filter->until_us))
		return false;
	search->left--;
	search->stopped = !tell(search, ev) || search->left <= 0;
	return false;
}

/* --- the walk --- */

static int read_rows(struct search *search, sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	int code = SQLITE_ERROR;

	search->n = 0;
	if (sqlite3_prepare_v2(db, index_search_sql, -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, buf_text(&search->query), -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, search->first);
		sqlite3_bind_int64(stmt, 3, search->last);
		sqlite3_bind_int(stmt, 4, PAGE);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW && search->n < PAGE)
			search->rows[search->n++] = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

/* All hits in one database, newest first. 1 = the index is at fault. */
static int walk(struct search *search, sqlite3 *db, struct err *e)
{
	do {
		if (read_rows(search, db) < 0)
			return 1;
		for (size_t i = 0; i < search->n && !search->stopped; i++) {
			search->last = search->rows[i] - 1;
			if (store_each(search->index->store, (struct store_range){ .after = search->rows[i] - 1, .limit = 1 }, take_hit, search, e) < 0)
				return -1;
		}
	} while (search->n == PAGE && !search->stopped);
	return 0;
}

/* What is not in the file yet is in the temporary one, and is newer. */
static int search_all(struct search *search, struct err *e)
{
	struct index *index = search->index;
	int rc = 1;

	for (int tries = 0; rc > 0 && tries < 2; tries++) {
		rc = walk(search, index->db, e);
		if (rc == 0 && index->base && !search->stopped)
			rc = walk(search, index->base, e);
		if (rc <= 0)
			break;
		err_clear(&index->sql_err);
		index_sql_err(index, &index->sql_err, "searching the index");
		if (index_recover(index, e) < 0 || index_update(index, INDEX_TEXT, NULL, NULL, e) < 0)
			return -1;
	}
	return rc > 0 ? err_set(e, ERR_CORRUPT, "the index cannot be searched") : rc;
}

int index_search(struct index *index, const char *words, const struct index_filter *filter, index_hit_fn *fn, void *arg, struct err *e)
{
	struct search search = { .index = index, .filter = filter, .left = filter->limit > 0 ? filter->limit : HITS, .fn = fn, .arg = arg };
	int rc = make_query(&search, words, e);

	if (rc == 0)
		rc = find_range(&search, e);
	if (rc == 0)
		rc = open_one(&search, e);
	if (rc == 0)
		rc = search_all(&search, e);
	sqlite3_finalize(search.put);
	sqlite3_finalize(search.drop);
	sqlite3_finalize(search.mark);
	sqlite3_close_v2(search.one);
	buf_done(&search.query);
	buf_done(&search.body);
	return rc;
}
