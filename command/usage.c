/* usage.c - reads usage lines. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/usage.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Those that all commands take, and what each is for; docs, help and completions say it with these words. */
static const struct { const char *name, *value, *about; bool all; } known[] = {
	{"--journal", "PATH", "another journal (also BELLBOOK_JOURNAL)", true},
	{"--json", NULL, "print JSON; with a walk: one object a line, both ways", true},
	{"--help", NULL, "what the command does and takes", true},
	{"--all", NULL, "also those that are settled", false},
	{"--after", "SEQ", "show what came after that event", false},
	{"--at-once", "N", "on at most so many hosts at the same time", false},
	{"--dry-run", NULL, "look, and say what would be done; change nothing", false},
	{"--failed", NULL, "only sessions that failed", false},
	{"--fleet", "F", "the fleet file (also BELLBOOK_FLEET)", false},
	{"--format", "FORMAT", "how it is written", false},
	{"--guest", NULL, "look on, for a while", false},
	{"--host", "H", "only where that host had a part", false},
	{"--limit", "N", "at most so many", false},
	{"--md", NULL, "as Markdown", false},
	{"--open", NULL, "only sessions that are not over", false},
	{"--person", "P", "only where that person had a part", false},
	{"--plain", NULL, "lines of text, for screen readers, dumb terminals and pipes (also BELLBOOK_PLAIN)", false},
	{"--read", NULL, "the command only looks", false},
	{"--reason", "WHY", "why, for the journal", false},
	{"--role", "ROLE", "driver, navigator or observer", false},
	{"--runbook", "R", "only that runbook", false},
	{"--session", "N", "only that session", false},
	{"--set", "name=value", "a parameter of the runbook; may stand several times", false},
	{"--since", "T", "from then on: 2026-11-21, 12h, 7d", false},
	{"--step", "ID", "at that step", false},
	{"--stop-after", "N", "begin no more hosts after so many failures", false},
	{"--sudo", NULL, "whether sudo works, too", false},
	{"--types", NULL, "print types of what a runbook may call, for editors", false},
	{"--until", "T", "until then", false},
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

struct part {
	char text[80];		/* "RUNBOOK", "--fleet" */
	char value[80];		/* of an option, "" = a switch */
	bool many;
	bool end;		/* "--": what follows is passed on */
};

/* One word between blanks without brackets; closed: it ended with ']' or was followed by '…'. */
static const char *next_word(const char *at, char *out, size_t size, bool *closed, bool *many)
{
	size_t len;

	at += strspn(at, " [");
	len = strcspn(at, " ");
	*many = false;
	*closed = false;
	if (!len)
		return NULL;
	(void)str_copy(out, size < len + 1 ? size : len + 1, at);
	for (char *end = out + strlen(out); end > out;) {
		if (str_ends(out, "…")) {
			*many = true;
			end -= strlen("…");
		} else if (end[-1] == ']') {
			*closed = true;
			end--;
		} else {
			break;
		}
		*end = '\0';
	}
	return at + len;
}

/* The next part of a usage line; NULL at its end. */
static const char *next_part(const char *at, struct part *part)
{
	bool closed, many;

	*part = (struct part){.many = false};
	at = next_word(at, part->text, sizeof(part->text), &closed, &part->many);
	if (!at)
		return NULL;
	part->end = str_is(part->text, "--");
	if (str_starts(part->text, "--") && !part->end && !closed && *at) {
		at = next_word(at, part->value, sizeof(part->value), &closed, &many);
		part->many = part->many || many;
	}
	return at;
}

int usage_words(const char *usage)
{
	struct part part;
	int n = 0;

	while ((usage = next_part(usage, &part)) != NULL && !part.end) {
		if (str_starts(part.text, "--"))
			continue;
		if (part.many)
			return -1;
		n++;
	}
	return n;
}

/* "--plain|--json" are two. */
static bool is_one_of(const char *list, const char *option)
{
	size_t len = strlen(option);

	for (const char *at = list; (at = strstr(at, option)) != NULL; at += len)
		if ((at == list || at[-1] == '|') && (!at[len] || at[len] == '|'))
			return true;
	return false;
}

bool usage_has(const char *usage, const char *option)
{
	struct part part;

	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].all && str_is(known[i].name, option))
			return true;
	while ((usage = next_part(usage, &part)) != NULL && !part.end)
		if (is_one_of(part.text, option))
			return true;
	return str_is(option, "--") && strstr(part.text, "--") != NULL;
}

static const char *about_of(const char *name)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (str_is(known[i].name, name))
			return known[i].about;
	return "";
}

static void add_option(struct json *options, const char *name, const char *value)
{
	struct json *one = json_new_object();

	json_set_text(one, "name", name);
	json_set_text(one, "value", value && *value ? value : NULL);
	json_set_text(one, "about", about_of(name));
	json_add(options, one);
}

/* The options of one part: "--plain|--json". */
static void add_options(struct json *options, const struct part *part)
{
	const char *at = part->text;

	while (*at) {
		size_t len = strcspn(at, "|");
		char *name = mem_dup(at, len);

		if (!str_is(name, "--json"))
			add_option(options, name, part->value);
		mem_free(name);
		at += len + (at[len] == '|');
	}
}

struct json *usage_json(const char *usage)
{
	struct json *all = json_new_object(), *words = json_new_array(), *options = json_new_array();
	struct part part;

	while ((usage = next_part(usage, &part)) != NULL && !part.end) {
		if (str_starts(part.text, "--"))
			add_options(options, &part);
		else
			json_add(words, json_new_text(part.text, strlen(part.text)));
	}
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].all)
			add_option(options, known[i].name, known[i].value);
	json_put(all, "words", words);
	json_put(all, "options", options);
	return all;
}

void usage_lines(const char *usage, struct buf *out)
{
	struct json *all = usage_json(usage);
	const struct json *options = json_at(all, "options");
	const char *at = usage;
	struct part part;
	bool first = true;

	while ((at = next_part(at, &part)) != NULL && !part.end) {
		if (str_starts(part.text, "--"))
			continue;
		buf_printf(out, "%s%s%s", first ? "" : " ", part.text, part.many ? "…" : "");
		first = false;
	}
	for (size_t i = 0; i < json_count(options); i++) {
		const struct json *one = json_item(options, i);
		const char *value = json_text(one, "value", NULL);

		buf_printf(out, "%c%s%s%s", i ? ' ' : '\t', json_text(one, "name", ""), value ? "=" : "", value ? value : "");
	}
	json_free(all);
}

void usage_help(const char *usage, struct buf *out)
{
	struct json *all = usage_json(usage);
	const struct json *options = json_at(all, "options");

	for (size_t i = 0; i < json_count(options); i++) {
		const struct json *one = json_item(options, i);
		char *head = mem_printf("%s %s", json_text(one, "name", ""), json_text(one, "value", ""));

		buf_printf(out, "  %-22s %s\n", head, json_text(one, "about", ""));
		mem_free(head);
	}
	json_free(all);
}
