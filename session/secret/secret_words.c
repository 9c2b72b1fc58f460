/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* memmem */
#include "session/secret/secret_words.h"

#include <ctype.h>
#include <string.h>

#include "actions/worker/action.h"
#include "base/str.h"
#include "session/secret/secrets.h"

/*
 * DB_PASS=mastodon is common, and so are mastodon-web and /home/mastodon in
 * what hosts print. Such a value is masked in that text, but Lua, which looks
 * for mastodon-web there and gives it to the next step, sees what was printed:
 * when the text is read from the journal the mask gives way to the word. Which
 * secrets are words is in the journal too, so that a session that was taken
 * over sees them as the one before it did.
 */

#define WORD_MAX 24
#define MASKED_OUTSIDE "outside"
#define MASKED_NEVER "never"

enum { SMALL = 1, LARGE = 2, DIGIT = 4 };

/* Letters of one case, or with one capital in front, or digits: what people call a word or a number. */
static bool is_plain_part(const char *part, size_t len)
{
	int seen = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)part[i];

		if (i == 0 && isupper(c) && len > 1 && islower((unsigned char)part[1]))
			continue;
		seen |= islower(c) ? SMALL : isupper(c) ? LARGE : DIGIT;
	}
	return (seen & (seen - 1)) == 0;
}

/* Words, with what stands between the parts of a path, an address, a name. */
static bool looks_like_words(const char *value, size_t len)
{
	size_t begin = 0;

	if (len > WORD_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && isalnum((unsigned char)value[i]))
			continue;
		if (!is_plain_part(value + begin, i - begin) || (i < len && !strchr("-_./:@{} ", value[i])))
			return false;
		begin = i + 1;
	}
	return true;
}

struct wanted {
	const char *value;	/* borrowed */
	size_t len;
};

static bool inside(const struct wanted *wanted, const char *text)
{
	return text && memmem(text, strlen(text), wanted->value, wanted->len) != NULL;
}

/* In a text or key of value, however deep. */
static bool inside_json(const struct wanted *wanted, const struct json *value)
{
	struct json *member;
	const char *key;
	void *it = NULL;

	if (inside(wanted, json_as_text(value)))
		return true;
	if (json_type_of(value) == JSON_IS_OBJECT)
		while ((key = json_next(value, &it, &member)) != NULL)
			if (inside(wanted, key) || inside_json(wanted, member))
				return true;
	if (json_type_of(value) == JSON_IS_ARRAY)
		for (size_t i = 0; i < json_count(value); i++)
			if (inside_json(wanted, json_item(value, i)))
				return true;
	return false;
}

/* Of steps, parameters, files. */
static bool inside_runbook(const struct engine *engine, const struct wanted *wanted)
{
	const struct script_book *book = script_book(engine->script);

	if (inside(wanted, book->id) || inside(wanted, book->path) || inside(wanted, engine->journal) || inside(wanted, engine->who))
		return true;
	for (size_t i = 0; i < book->step_count; i++)
		if (inside(wanted, book->steps[i].id) || inside(wanted, book->steps[i].title))
			return true;
	for (size_t i = 0; i < book->param_count; i++)
		if (inside(wanted, book->params[i].name))
			return true;
	return false;
}

static bool inside_fleet(const struct engine *engine, const struct wanted *wanted)
{
	static const char *const names[] = {"name", "path", "hosts", "roles", "mastodon", "people"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (inside_json(wanted, json_at(engine->fleet, names[i])))
			return true;
	return false;
}

static bool inside_vocabulary(const struct wanted *wanted)
{
	for (const struct event_type *type = event_types(); type->name; type++)
		if (inside(wanted, type->name))
			return true;
	for (const struct action *const *action = action_list(); *action; action++)
		if (inside(wanted, (*action)->name))
			return true;
	return false;
}

bool secret_is_word(const struct engine *engine, const char *value, size_t len)
{
	struct wanted wanted = {.value = value, .len = len};

	return looks_like_words(value, len) || inside_vocabulary(&wanted) || inside_runbook(engine, &wanted) || inside_fleet(engine, &wanted);
}

/* ---- said once ---- */

void secret_word_tell(struct engine *engine, struct known_secret *known)
{
	size_t len;
	bool never = (secret_reveal(known->secret, &len), len < SECRET_MIN);
	struct json *data;
	struct event ev = {.kind = EVENT_NOTE, .who = "bellbook"};
	char *text, *printed;

	if (known->told || (!never && !known->word))
		return;
	known->told = true;
	text = never ? mem_printf("The secret %s is shorter than %d bytes. It is used, but not masked: it would be found in the middle of other words. "
				  "Whatever prints it puts it into the journal.", known->name, SECRET_MIN)
		     : mem_printf("The secret %s is also an ordinary word, or a part of a name here. It is masked in what hosts and people write; "
				  "names, and what the runbook computes with, stay as they are.", known->name);
	data = json_new_object();
	json_set_text(data, "secret", known->name);
	json_set_text(data, "masked", never ? MASKED_NEVER : MASKED_OUTSIDE);
	printed = json_print(data);
	ev.data = printed;
	ev.bytes = text;
	ev.len = strlen(text);
	book_add(engine->book, &ev, 1);
	json_free(data);
	mem_free(printed);
	mem_free(text);
}

void secret_word_told(struct engine *engine, const struct json *data)
{
	const char *name = json_text(data, "secret", NULL);
	struct known_secret *known = name ? secrets_entry(engine, name) : NULL;

	if (!known)
		return;
	known->told = true;
	known->word = str_is(json_text(data, "masked", ""), MASKED_OUTSIDE);
}

/* ---- what Lua saw ---- */

/* The secret whose mask text begins with; *len gets the mask's length. NULL when there is none. */
static const struct known_secret *mask_at(const struct engine *engine, const char *text, size_t *len)
{
	static const char begins[] = "[secret ";

	if (!str_starts(text, begins))
		return NULL;
	for (const struct known_secret *known = engine->secrets; known; known = known->next) {
		size_t name = strlen(known->name);

		*len = sizeof(begins) - 1 + name + 1;
		if (known->word && known->secret && strncmp(text + sizeof(begins) - 1, known->name, name) == 0 && text[*len - 1] == ']')
			return known;
	}
	return NULL;
}

char *secret_word_restore(const struct engine *engine, const char *text)
{
	struct buf out = {0};
	const char *from = text, *at = text;
	size_t len;

	while ((at = strstr(at, "[secret ")) != NULL) {
		const struct known_secret *known = mask_at(engine, at, &len);

		if (known) {
			buf_append(&out, from, (size_t)(at - from));
			buf_puts(&out, secret_reveal(known->secret, NULL));
			from = at + len;
		}
		at += known ? len : 1;
	}
	buf_puts(&out, from);
	return buf_take(&out);
}

void secret_word_restore_in(const struct engine *engine, struct json *object, const char *key)
{
	const char *text = json_text(object, key, NULL);
	char *restored;

	if (!text || !strstr(text, "[secret "))
		return;
	restored = secret_word_restore(engine, text);
	json_set_text(object, key, restored);
	mem_free(restored);
}
