/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal_fixture.h"

#include "base/json.h"
#include "base/limits.h"

static void event_types__are_unique_and_whole(void **state)
{
	(void)state;
	for (const struct event_type *a = event_types(); a->name; a++) {
		assert_true(a->kind > 0 && a->v > 0 && a->about[0] && a->fields);
		assert_ptr_equal(event_type_of(a->kind), a);
		assert_ptr_equal(event_type_find(a->name), a);
		for (const struct event_type *b = a + 1; b->name; b++)
			assert_true(a->kind != b->kind && strcmp(a->name, b->name) != 0);
		if ((int)a->kind >= EVENT_OUTPUT_FIRST)
			assert_int_equal(a->durability, DURABLE_OUTPUT);
	}
	assert_string_equal(event_type_of(EVENT_UNKNOWN)->name, "unknown");
	assert_null(event_type_find("unknown"));
	assert_null(event_type_find(NULL));
}

/* A stored journal must verify for ever: this hash never changes. */
static void event_hash__is_what_it_always_was(void **state)
{
	static const unsigned char zero[SHA256_LEN];
	struct event ev = {
		.seq = 2, .session = 1, .at_us = 1795287127123456, .mono_us = 77, .kind = EVENT_CALL_BEGUN, .v = 1, .who = "ada",
		.step = "count", .attempt = 1, .call = "3", .host = "db1", .data = "{\"action\":\"ssh.read\"}",
	};
	unsigned char hash[SHA256_LEN], again[SHA256_LEN];
	struct buf hex = { 0 };

	(void)state;
	event_hash(&ev, zero, hash);
	str_hex(&hex, hash, sizeof(hash));
	assert_string_equal(buf_text(&hex), "29ca95198e3921ed6e5695dc7b62bf170f43e2f8e35e5802696e33c6436c14a6");
	buf_done(&hex);
	ev.step = "coun";
	ev.call = "t3";		/* no two rows have the same encoding */
	event_hash(&ev, zero, again);
	assert_memory_not_equal(hash, again, sizeof(hash));
	event_hash(&(struct event){ .kind = EVENT_NOTE }, zero, hash);
	event_hash(&(struct event){ .kind = EVENT_NOTE, .who = "", .data = "{}" }, zero, again);
	assert_memory_equal(hash, again, sizeof(hash));
}

static void same_text(const char *a, const char *b)
{
	assert_string_equal(a ? a : "", b ? b : "");
}

static void prints_the_same(const struct event *ev, bool with_hash)
{
	struct json *value = event_to_json(ev, with_hash);
	char *text = json_print(value);
	struct buf printed = { 0 };

	event_print(ev, with_hash, &printed);
	assert_string_equal(buf_text(&printed), text);
	assert_int_equal(printed.len, strlen(text));
	buf_done(&printed);
	mem_free(text);
	json_free(value);
}

static void event_print__is_event_to_json_as_text(void **state)
{
	struct event ev = { .seq = INT64_MAX, .session = 1, .kind = EVENT_CALL_OUTPUT, .v = 1, .at_us = 1 };
	char bytes[256 + 9];

	(void)state;
	/* Each character at each place of a word. */
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < 9; at++) {
			memset(bytes, 'a', 17);
			bytes[at] = (char)c;
			ev.bytes = bytes;
			ev.len = 17;
			prints_the_same(&ev, false);
		}
	}
	for (int c = 0; c < 255; c++)
		bytes[c] = (char)(c + 1);
	bytes[255] = '\0';
	ev.who = bytes;
	prints_the_same(&ev, false);
	bytes[127] = '\0';
	ev.len = 127;
	prints_the_same(&ev, true);
	ev.bytes = "\xe4\xbd\xa0\xe5\xa5\xbd\xe2\x80\xa8\xf0\x9f\x92\xbb\x7f\xc2\x9b";
	ev.len = strlen(ev.bytes);
	ev.data = "{\"b\":1, \"a\":[2.5,null]}";
	prints_the_same(&ev, true);
	ev.data = "no JSON \"\xff";
	prints_the_same(&ev, true);
}

static void goes_round(const struct event *ev)
{
	struct json *value = event_to_json(ev, true), *parsed;
	struct arena *arena = arena_new();
	char *text = json_print(value);
	struct err e = { 0 };
	struct event back;

	prints_the_same(ev, true);
	prints_the_same(ev, false);
	parsed = json_parse(text, strlen(text), &e);
	assert_non_null(parsed);
	if (event_from_json(parsed, arena, &back, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(back.seq, ev->seq);
	assert_int_equal(back.session, ev->session);
	assert_int_equal(back.at_us, ev->at_us);
	assert_int_equal(back.mono_us, ev->mono_us);
	assert_int_equal(back.kind, ev->kind);
	assert_int_equal(back.kind_number, ev->kind_number);
	assert_int_equal(back.v, ev->v);
	assert_int_equal(back.attempt, ev->attempt);
	same_text(back.who, ev->who);
	same_text(back.step, ev->step);
	same_text(back.call, ev->call);
	same_text(back.host, ev->host);
	same_text(back.data, ev->data);
	assert_int_equal(back.len, ev->len);
	if (ev->len)
		assert_memory_equal(back.bytes, ev->bytes, ev->len);
	assert_int_equal(back.purged, ev->purged);
	assert_memory_equal(back.hash, ev->hash, SHA256_LEN);
	assert_memory_equal(back.digest, ev->digest, SHA256_LEN);
	json_free(parsed);
	json_free(value);
	mem_free(text);
	arena_free(arena);
}

static void event_json__goes_there_and_back(void **state)
{
	struct event ev = {
		.seq = 9, .session = 1, .at_us = 1795287127123456, .mono_us = 77, .kind = EVENT_CALL_OUTPUT, .kind_number = 100, .v = 1,
		.who = "ad\xc3\xa4", .step = "count", .attempt = 2, .call = "3/app1", .host = "app1", .data = "{\"stream\":\"out\"}",
		.bytes = "plain\ttext\n", .len = 11,
	};

	(void)state;
	goes_round(&ev);
	memset(ev.hash, 0xab, sizeof(ev.hash));
	memset(ev.digest, 0x01, sizeof(ev.digest));
	ev.bytes = "nul \0 and \xff";
	ev.len = 11;
	goes_round(&ev);
	ev.bytes = NULL;
	ev.len = 0;
	ev.purged = true;
	goes_round(&ev);
	goes_round(&(struct event){ .seq = 1, .session = 1, .kind = EVENT_UNKNOWN, .kind_number = 77, .v = 3, .at_us = 1 });
	goes_round(&(struct event){ .seq = 1, .session = 1, .kind = EVENT_SAID, .kind_number = 41, .v = 1, .at_us = 1 });
}

static void event_to_json__leaves_out_what_is_empty(void **state)
{
	struct event ev = { .seq = 3, .session = 1, .at_us = 0, .kind = EVENT_SAID, .v = 1, .who = "ada", .bytes = "hi", .len = 2 };
	struct json *value = event_to_json(&ev, false);
	char *text = json_print(value);

	(void)state;
	assert_string_equal(text, "{\"at\":\"1970-01-01T00:00:00.000000Z\",\"kind\":\"said\",\"seq\":3,\"session\":1,\"text\":\"hi\",\"v\":1,\"who\":\"ada\"}");
	mem_free(text);
	json_free(value);
}

static const struct { const char *text, *words; } wrong[] = {
	{ "[]", "not a JSON object" }, { "{}", "\"kind\"" }, { "{\"kind\":3}", "\"kind\"" }, { "{\"kind\":\"note\",\"seq\":\"1\"}", "\"seq\"" },
	{ "{\"kind\":\"note\",\"seq\":-1}", "\"seq\"" }, { "{\"kind\":\"note\",\"session\":1.5}", "\"session\"" },
	{ "{\"kind\":\"note\",\"v\":4294967297}", "\"v\"" }, { "{\"kind\":\"note\",\"attempt\":true}", "\"attempt\"" },
	{ "{\"kind\":\"note\",\"at\":\"yesterday\"}", "\"at\"" }, { "{\"kind\":\"note\",\"at\":5}", "\"at\"" },
	{ "{\"kind\":\"note\",\"who\":5}", "\"who\"" }, { "{\"kind\":\"note\",\"host\":{}}", "\"host\"" },
	{ "{\"kind\":\"note\",\"data\":\"{}\"}", "\"data\"" }, { "{\"kind\":\"note\",\"b64\":\"!!\"}", "\"b64\"" },
	{ "{\"kind\":\"note\",\"text\":\"a\",\"b64\":\"YQ==\"}", "\"b64\"" }, { "{\"kind\":\"note\",\"hash\":\"12\"}", "\"hash\"" },
	{ "{\"kind\":\"note\",\"digest\":\"zz00000000000000000000000000000000000000000000000000000000000000\"}", "\"digest\"" },
};

static void event_from_json__says_which_member_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct arena *arena = arena_new();
		struct err e = { 0 };
		struct json *value = json_parse(wrong[i].text, strlen(wrong[i].text), &e);
		struct event ev;

		assert_non_null(value);
		if (event_from_json(value, arena, &ev, &e) == 0)
			fail_msg("taken: %s", wrong[i].text);
		assert_int_equal(e.kind, ERR_CORRUPT);
		if (!strstr(e.text, wrong[i].words))
			fail_msg("%s: %s", wrong[i].text, e.text);
		json_free(value);
		arena_free(arena);
	}
}

static void event_copy__owns_its_bytes(void **state)
{
	char who[] = "ada", bytes[] = "a\0b";
	struct event from = { .kind = EVENT_NOTE, .who = who, .bytes = bytes, .len = 3 }, to;
	struct arena *arena = arena_new();

	(void)state;
	event_copy(arena, &to, &from);
	memset(who, 'x', 3);
	memset(bytes, 'x', 3);
	assert_string_equal(to.who, "ada");
	assert_memory_equal(to.bytes, "a\0b", 3);
	assert_int_equal(to.len, 3);
	arena_free(arena);
}

/* What is told of an event: always a line that can be read again, and that says so when it is not all. */
static void tells(const struct event *ev, bool whole)
{
	struct buf told = {0};
	struct arena *arena = arena_new();
	struct event back = {0};
	struct err e = {0};
	struct json *value;

	buf_puts(&told, "before");
	event_tell(ev, &told);
	assert_true(told.len - 6 < LIMIT_LINE);
	value = json_parse(told.data + 6, told.len - 6, &e);
	assert_non_null(value);
	assert_int_equal(event_from_json(value, arena, &back, &e), 0);
	assert_int_equal(back.seq, ev->seq);
	assert_int_equal(back.kind, ev->kind);
	assert_int_equal(json_bool(value, "cut", false), !whole);
	if (whole)
		assert_int_equal(back.len, ev->len);
	else
		assert_non_null(strstr(told.data, "bytes in all; the journal has them"));
	json_free(value);
	arena_free(arena);
	buf_done(&told);
}

static char *repeated(const char *piece, size_t len)
{
	char *text = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = piece[i % strlen(piece)];
	return text;
}

static void event_tell__fits_into_a_line_whatever_the_payload(void **state)
{
	static const char *const pieces[] = {"x", "\x01", "\"", "\n", "\x7f", "\xe2\x80\xa8", "\xf0\x9f\x92\xbb"};
	static const size_t sizes[] = {LIMIT_TOLD_TEXT - 1, LIMIT_TOLD_TEXT, LIMIT_TOLD_TEXT + 1, LIMIT_LINE - 1, LIMIT_LINE, LIMIT_LINE + 1, 7 * LIMIT_LINE};

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			size_t len = sizes[k] / strlen(pieces[i]) * strlen(pieces[i]);
			char *text = repeated(pieces[i], len);
			struct event ev = {.seq = 7, .session = 1, .kind = EVENT_NOTE, .v = 1, .bytes = text, .len = len};

			/* What grows little may be more than is sure to fit. */
			if (len <= LIMIT_TOLD_TEXT || LIMIT_GROWTH * len < LIMIT_LINE / 2)
				tells(&ev, true);
			else if (len >= LIMIT_LINE)
				tells(&ev, false);
			mem_free(text);
		}
}

static void event_tell__cuts_texts_of_data_and_keeps_its_shape(void **state)
{
	struct event ev = {.seq = 7, .session = 1, .kind = EVENT_CALL_BEGUN, .v = 1, .host = "db"};
	struct json *data = json_new_object(), *args = json_new_object(), *told;
	char *text = repeated("\x01", LIMIT_STDIN), *printed;
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	json_set_text(args, "stdin", text);
	json_set_text(args, "cmd", "cat");
	json_put(data, "args", args);
	json_set_text(data, "effect", "change");
	printed = json_print(data);
	ev.data = printed;
	tells(&ev, false);
	event_tell(&ev, &out);
	told = json_parse(buf_text(&out), out.len, &e);
	assert_string_equal(json_text(json_at(told, "data"), "effect", ""), "change");
	assert_string_equal(json_text(json_at(json_at(told, "data"), "args"), "cmd", ""), "cat");
	assert_true(str_starts(json_text(json_at(json_at(told, "data"), "args"), "stdin", ""), "\x01\x01\x01"));
	json_free(told);
	json_free(data);
	mem_free(printed);
	mem_free(text);
	buf_done(&out);
}

static void event_tell__cuts_names_that_are_no_names(void **state)
{
	char *text = repeated("\x02", LIMIT_LINE);
	struct event ev = {.seq = 7, .session = 1, .kind = EVENT_NOTE, .v = 1, .who = text, .step = text, .call = text, .host = text, .data = "no JSON"};

	(void)state;
	tells(&ev, false);
	mem_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_types__are_unique_and_whole),
		cmocka_unit_test(event_hash__is_what_it_always_was),
		cmocka_unit_test(event_json__goes_there_and_back),
		cmocka_unit_test(event_to_json__leaves_out_what_is_empty),
		cmocka_unit_test(event_print__is_event_to_json_as_text),
		cmocka_unit_test(event_tell__fits_into_a_line_whatever_the_payload),
		cmocka_unit_test(event_tell__cuts_texts_of_data_and_keeps_its_shape),
		cmocka_unit_test(event_tell__cuts_names_that_are_no_names),
		cmocka_unit_test(event_from_json__says_which_member_is_wrong),
		cmocka_unit_test(event_copy__owns_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
