/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/plain.h"
#include "base/str.h"
#include "journal/index/index_int.h"

#define CARRY_MAX 512		/* bytes of a broken-off line that go to the next chunk: no word is longer */

/* --- what is said in an event --- */

static const char every[] = "*";	/* instead of a member: all texts */

/* Members of data that are worth a search, ended by NULL. */
static const char *const *texts_of(enum event_kind kind)
{
	static const char *const all[] = { every, NULL };

	switch (kind) {
#define ALL_TEXTS { every, NULL }
#define NO_TEXTS { NULL }
#define TEXTS(...) { __VA_ARGS__, NULL }
#define KIND(id, number, name, durability, version, about, members, words, values, fold, indexed, said, line, groups, mark, lazy, plain, texts) \
	case EVENT_##id: { \
		static const char *const list[] = texts; \
		return list; \
	}
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return all;
}

/* Every text in value, however deep; a secret gives its name alone, which is all that the journal has of it. */
static void add_value(struct buf *out, const struct json *value, int depth)
{
	const char *text = json_as_text(value);
	struct json *member;
	void *it = NULL;

	if (text || json_type_of(value) == JSON_IS_INT) {
		char *printed = text ? NULL : json_print(value);

		plain_text(out, text ? text : printed, strlen(text ? text : printed));
		buf_putc(out, '\n');
		mem_free(printed);
		return;
	}
	if (depth > 8)
		return;
	for (size_t i = 0; json_type_of(value) == JSON_IS_ARRAY && i < json_count(value); i++)
		add_value(out, json_item(value, i), depth + 1);
	while (json_type_of(value) == JSON_IS_OBJECT && json_next(value, &it, &member))
		add_value(out, member, depth + 1);
}

/* The explanations: what the runbook and its steps are for. */
static void add_opened(struct buf *out, const struct json *data)
{
	static const char *const members[] = { "title", "why", "about", "back" };
	const struct json *runbook = json_at(data, "runbook"), *steps = json_at(data, "steps");

	add_value(out, json_at(runbook, "id"), 0);
	add_value(out, json_at(runbook, "title"), 0);
	add_value(out, json_at(runbook, "about"), 0);
	add_value(out, json_at(json_at(data, "fleet"), "name"), 0);
	for (size_t i = 0; i < json_count(steps); i++)
		for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++)
			add_value(out, json_at(json_item(steps, i), members[k]), 0);
}

static void add_data(struct buf *out, const struct event *ev)
{
	const char *const *texts = texts_of(ev->kind);
	struct err ignored = { 0 };
	struct json *data;

	if (ev->kind == EVENT_CALL_OUTPUT || !ev->data || !*ev->data || str_is(ev->data, "{}"))
		return;
	data = json_parse(ev->data, strlen(ev->data), &ignored);
	if (ev->kind == EVENT_SESSION_OPENED) {
		add_opened(out, data);
		json_free(data);
		return;
	}
	for (size_t i = 0; texts[i]; i++)
		add_value(out, texts[i] == every ? data : json_at(data, texts[i]), 0);
	json_free(data);
}

void index_plain(struct buf *out, const struct event *ev, const struct buf *before)
{
	struct buf whole = { 0 };

	add_data(out, ev);
	if (!ev->bytes || !ev->len)
		return;
	if (before && before->len) {
		buf_append(&whole, before->data, before->len);
		buf_append(&whole, ev->bytes, ev->len);
		plain_text(out, whole.data, whole.len);
		buf_done(&whole);
		return;
	}
	plain_text(out, ev->bytes, ev->len);
}

/* --- words cut in two --- */

static void keep_rest(struct buf *out, const char *bytes, size_t len)
{
	size_t from = len;

	while (from > 0 && len - from < CARRY_MAX && bytes[from - 1] != '\n')
		from--;
	buf_append(out, bytes + from, len - from);
}

/* Name of the stream, borrowed from data: the store keeps it without blanks and with sorted keys. */
static const char *stream_of(const struct event *ev, size_t *len)
{
	static const char key[] = "\"stream\":\"";
	const char *at = ev->data ? strstr(ev->data, key) : NULL;

	at = at ? at + sizeof(key) - 1 : "out";
	*len = strcspn(at, "\"");
	return at;
}

struct looking {
	const struct event *ev;
	struct buf *out;
};

static bool take_rest(void *arg, const struct event *ev)
{
	const struct looking *looking = arg;
	size_t len, wanted_len;
	const char *stream = stream_of(ev, &len), *wanted = stream_of(looking->ev, &wanted_len);

	if (len != wanted_len || memcmp(stream, wanted, len) != 0)
		return true;
	if (ev->bytes)
		keep_rest(looking->out, ev->bytes, ev->len);
	return false;
}

void index_carry(struct store *store, const struct event *ev, struct buf *out)
{
	const struct store_call call = { .session = ev->session, .step = ev->step, .attempt = ev->attempt, .path = ev->call ? ev->call : "" };
	struct looking looking = { .ev = ev, .out = out };
	struct err ignored = { 0 };

	if (ev->kind == EVENT_CALL_OUTPUT)
		(void)store_each_before(store, &call, ev->seq, take_rest, &looking, &ignored);
}

/* --- the writer --- */

struct carry {
	uint64_t key;		/* 0 = free */
	struct buf rest;
};

struct range {
	int64_t first, last;
};

struct index_text {
	struct carry carries[INDEX_CARRIES];
	struct range *purged;	/* owned */
	size_t purged_count;
	int64_t session;	/* whose tags are in `of_session` */
	struct buf of_session;
	struct buf body, tags;
};

void index_text_free(struct index_text *text)
{
	if (!text)
		return;
	for (size_t i = 0; i < INDEX_CARRIES; i++)
		buf_done(&text->carries[i].rest);
	mem_free(text->purged);
	buf_done(&text->of_session);
	buf_done(&text->body);
	buf_done(&text->tags);
	mem_free(text);
}

static uint64_t mix(uint64_t hash, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
	return (hash ^ 0xff) * 1099511628211u;
}

/* What the stream's last chunk broke off in; from memory, else from the journal. Two streams in one place throw each other out, no more. */
static struct carry *carry_of(struct index *index, const struct event *ev)
{
	uint64_t key = 14695981039346656037u ^ (uint64_t)ev->session * 31u ^ (uint64_t)ev->attempt;
	size_t len;
	const char *stream = stream_of(ev, &len);
	struct carry *carry;

	key = mix(key, ev->step ? ev->step : "", ev->step ? strlen(ev->step) : 0);
	key = mix(key, ev->call ? ev->call : "", ev->call ? strlen(ev->call) : 0);
	key = mix(key, stream, len);
	carry = &index->text->carries[key % INDEX_CARRIES];
	if (carry->key != key) {
		carry->key = key;
		buf_clear(&carry->rest);
		index_carry(index->store, ev, &carry->rest);
	}
	return carry;
}

void index_tag(struct buf *out, char which, const char *text)
{
	buf_putc(out, ' ');
	buf_putc(out, which);
	str_hex(out, text, strlen(text));
}

static void tag_session(struct index *index, int64_t session)
{
	struct index_text *text = index->text;
	sqlite3_stmt *stmt = NULL;
	const char *runbook;

	if (text->session == session)
		return;
	text->session = session;
	buf_clear(&text->of_session);
	buf_printf(&text->of_session, "s%lld", (long long)session);
	if (sqlite3_prepare_v2(index->db, "SELECT runbook FROM session WHERE id = ?1", -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(stmt, 1, session);
		if (sqlite3_step(stmt) == SQLITE_ROW) {
			runbook = (const char *)sqlite3_column_text(stmt, 0);
			index_tag(&text->of_session, 'r', runbook ? runbook : "");
		}
	}
	sqlite3_finalize(stmt);
}

void index_text_begin(struct index *index)
{
	struct index_text *text = index->text;
	sqlite3_stmt *stmt = NULL;
	int code = SQLITE_ERROR;

	if (!text)
		text = index->text = mem_alloc(sizeof(*text));
	text->session = 0;
	text->purged_count = 0;
	if (sqlite3_prepare_v2(index->db, "SELECT first, last FROM purged", -1, &stmt, NULL) == SQLITE_OK) {
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
			text->purged = mem_more(
				text->purged, text->purged_count, sizeof(*text->purged));
			text->purged[text->purged_count++] = (struct range){ sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1) };
		}
	}
	if (code != SQLITE_DONE)
		index_sql_err(index, &index->sql_err, "reading the index");
	sqlite3_finalize(stmt);
}

static bool is_purged(const struct index_text *text, int64_t seq)
{
	for (size_t i = 0; i < text->purged_count; i++)
		if (seq >= text->purged[i].first && seq <= text->purged[i].last)
			return true;
	return false;
}

void index_text_add(struct index *index, const struct event *ev)
{
	struct index_text *text = index->text;
	struct carry *carry = ev->kind == EVENT_CALL_OUTPUT ? carry_of(index, ev) : NULL;
	struct event bare = *ev;

	buf_clear(&text->body);
	buf_clear(&text->tags);
	if (is_purged(text, ev->seq)) {
		bare.bytes = NULL;
		bare.len = 0;
	}
	index_plain(&text->body, &bare, carry ? &carry->rest : NULL);
	if (carry) {
		buf_clear(&carry->rest);
		keep_rest(&carry->rest, bare.bytes ? bare.bytes : "", bare.len);
	}
	if (!text->body.len)
		return;
	tag_session(index, ev->session);
	buf_append(&text->tags, text->of_session.data, text->of_session.len);
	if (ev->host && *ev->host)
		index_tag(&text->tags, 'h', ev->host);
	if (ev->who && *ev->who && !str_is(ev->who, "bellbook"))
		index_tag(&text->tags, 'w', ev->who);
	index_run(index, INDEX_TEXT_SLOT, "INSERT INTO text(rowid, body, tags) VALUES(?1, ?2, ?3)", (const struct index_value[]){
		{ .number = ev->seq }, { .text = text->body.data, .number = (int64_t)text->body.len },
		{ .text = text->tags.data, .number = (int64_t)text->tags.len } }, 3);
}
