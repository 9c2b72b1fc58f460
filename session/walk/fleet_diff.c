/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/fleet_diff.h"

#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

#define NAMED 40	/* settings that are named one by one */

static void add_part(struct json *parts, const char *name, const struct json *value)
{
	unsigned char digest[SHA256_LEN];
	char *text = json_print(value);
	struct buf hex = {0};

	sha256_of(text, strlen(text), digest);
	str_hex(&hex, digest, 8);
	json_set_text(parts, name, buf_text(&hex));
	buf_done(&hex);
	mem_free(text);
}

/* {host: folder} of the hosts that have a place of their own for jobs. Caller owns. */
static struct json *places_of(const struct json *hosts)
{
	struct json *places = json_new_object(), *options;
	const char *host;
	void *it = NULL;

	while (hosts && (host = json_next(hosts, &it, &options)) != NULL)
		json_set_text(places, host, json_text(options, "jobs", NULL));
	return places;
}

struct json *fleet_facts(const struct json *fleet)
{
	struct json *facts = json_new_object(), *parts = json_new_object(), *value, *member;
	const char *key, *name;
	void *it = NULL;

	json_set_text(facts, "name", json_text(fleet, "name", NULL));
	json_set_text(facts, "path", json_text(fleet, "path", NULL));
	json_set_text(facts, "digest", json_text(fleet, "digest", NULL));
	while (fleet && (key = json_next(fleet, &it, &value)) != NULL) {
		void *at = NULL;

		if (str_is(key, "path") || str_is(key, "digest"))
			continue;
		if (json_type_of(value) != JSON_IS_OBJECT || json_count(value) == 0) {
			add_part(parts, key, value);
			continue;
		}
		while ((name = json_next(value, &at, &member)) != NULL) {
			char *full = mem_printf("%s.%s", key, name);

			add_part(parts, full, member);
			mem_free(full);
		}
	}
	json_put(facts, "parts", parts);
	json_put(facts, "jobs", places_of(json_at(fleet, "hosts")));
	return facts;
}

static void set_place(struct json *fleet, const char *host, const char *place)
{
	struct json *hosts = json_copy_of(json_at(fleet, "hosts")), *options = json_copy_of(json_at(hosts, host));

	json_set_text(options, "jobs", place);
	json_put(hosts, host, options);
	json_put(fleet, "hosts", hosts);
}

bool fleet_keep_places(struct json *fleet, const struct json *was, struct buf *words)
{
	const struct json *places = json_at(was, "jobs");
	struct json *now = places_of(json_at(fleet, "hosts")), *hosts = json_copy_of(json_at(fleet, "hosts")), *value;
	const char *host;
	void *it = NULL;
	size_t n = 0;

	while (places && (host = json_next(hosts, &it, &value)) != NULL) {
		const char *then = json_text(places, host, NULL);
		char *part;
		bool known;

		if (str_is(then ? then : "", json_text(now, host, "")))
			continue;
		/* A host that the session did not know has nothing anywhere. */
		part = mem_printf("hosts.%s", host);
		known = then || json_at(json_at(was, "parts"), part);
		mem_free(part);
		if (!known)
			continue;
		set_place(fleet, host, then);
		buf_printf(words, "%s%s (%s)", n++ ? ", " : "", host, then ? then : "~/.bellbook/jobs");
	}
	json_free(now);
	json_free(hosts);
	return n > 0;
}

/* "Changed: a, b. ": those of one that the other has with another digest (differ), or has not. */
static size_t name_parts(struct buf *words, const char *what, const struct json *one, const struct json *other, bool differ)
{
	struct json *value;
	const char *key;
	void *it = NULL;
	size_t n = 0;

	while (one && (key = json_next(one, &it, &value)) != NULL) {
		const char *there = json_text(other, key, NULL);

		if (differ ? !there || str_is(there, json_as_text(value)) : there != NULL)
			continue;
		if (n < NAMED)
			buf_printf(words, "%s%s", n ? ", " : what, key);
		n++;
	}
	if (n > NAMED)
		buf_printf(words, " and %zu more", n - NAMED);
	if (n)
		buf_puts(words, ". ");
	return n;
}

bool fleet_differs(const struct json *was, const struct json *now, struct buf *words)
{
	const char *old = json_text(was, "digest", NULL), *new = json_text(now, "digest", NULL);
	const struct json *before = json_at(was, "parts"), *after = json_at(now, "parts");
	size_t n;

	if ((!old && !new) || (old && new && str_is(old, new)))
		return false;
	if (!old || !new) {
		buf_printf(words, old ? "The session began with the fleet file %s, and now has none. " : "The session began without a fleet file, and now has %s. ",
			   json_text(old ? was : now, "path", "one"));
		return true;
	}
	if (!before || !after) {
		buf_puts(words, "Which settings changed is not known: an older bellbook began the session. ");
		return true;
	}
	n = name_parts(words, "Changed: ", before, after, true);
	n += name_parts(words, "New: ", after, before, false);
	n += name_parts(words, "Gone: ", before, after, false);
	return n > 0;
}
