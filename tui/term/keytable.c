/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/term/keytable.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#define EVERY ((1u << SCREENS) - 1)
#define LINED (EVERY & ~(unsigned)IN_PLAYBACK)
#define TIMED (IN_REVIEW | IN_PLAYBACK)
#define KEY_NAME 24

static const struct action_row rows[] = {
#define ACTION(NAME, where, name, keys, hint, help, arg, changes) { ACTION_##NAME, where, name, keys, hint, help, arg, changes },
#include "tui/term/keytable.def"
	{ ACTION_NONE, 0, NULL, NULL, NULL, NULL, NULL, false },
};

struct binding {
	struct press press;	/* code and cp only */
	char name[KEY_NAME];
	enum action action;	/* ACTION_NONE: unbound by the keys file */
	unsigned where;
};

static struct {
	struct binding *all;	/* owned */
	size_t count;
	bool ready;
} bound;

/* Keys with a name of more than one character. */
static const struct {
	const char *name;
	enum press_code code;
} named[] = {
	{ "Enter", PRESS_ENTER }, { "Tab", PRESS_TAB }, { "Shift-Tab", PRESS_BACKTAB }, { "Esc", PRESS_ESC },
	{ "Backspace", PRESS_BACKSPACE }, { "Delete", PRESS_DELETE }, { "Insert", PRESS_INSERT },
	{ "Up", PRESS_UP }, { "Down", PRESS_DOWN }, { "Left", PRESS_LEFT }, { "Right", PRESS_RIGHT },
	{ "Home", PRESS_HOME }, { "End", PRESS_END }, { "PgUp", PRESS_PAGE_UP }, { "PgDn", PRESS_PAGE_DOWN },
};

const char *keytable_screen(unsigned at)
{
	static const char *const words[] = {
#define SCREEN(NAME, word) word,
#include "tui/term/keytable.def"
	};

	return at < sizeof(words) / sizeof(words[0]) ? words[at] : NULL;
}

const struct action_row *keytable(void)
{
	return rows;
}

const struct action_row *keytable_row(enum action action)
{
	const struct action_row *row = rows;

	while (row->action != ACTION_NONE && row->action != action)
		row++;
	return row;
}

const struct action_row *keytable_named(unsigned where, const char *name)
{
	for (const struct action_row *row = rows; row->action != ACTION_NONE; row++)
		if ((row->where & where) && str_is(row->name, name))
			return row;
	return NULL;
}

static bool has_cp(enum press_code code)
{
	return code == PRESS_CHAR || code == PRESS_CTRL || code == PRESS_F;
}

static bool same_key(const struct press *a, const struct press *b)
{
	return a->code == b->code && (!has_cp(a->code) || a->cp == b->cp);
}

bool keytable_parse(const char *text, struct press *out)
{
	size_t len = strlen(text);
	int64_t number;
	uint32_t cp;

	*out = (struct press){ 0 };
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (strcasecmp(named[i].name, text) == 0) {
			out->code = named[i].code;
			return true;
		}
	if (strcasecmp(text, "space") == 0) {
		*out = (struct press){ .code = PRESS_CHAR, .cp = ' ' };
		return true;
	}
	if (len == 6 && strncasecmp(text, "Ctrl-", 5) == 0) {
		char letter = text[5] >= 'a' && text[5] <= 'z' ? (char)(text[5] - 'a' + 'A') : text[5];

		/* Ctrl-H, I, J and M are Backspace, Tab and Enter to every terminal. */
		*out = (struct press){ .code = PRESS_CTRL, .cp = (uint32_t)letter };
		return letter >= 'A' && letter <= 'Z' && !strchr("HIJM", letter);
	}
	if ((text[0] == 'F' || text[0] == 'f') && str_to_int(text + 1, 1, 12, &number)) {
		*out = (struct press){ .code = PRESS_F, .cp = (uint32_t)number };
		return true;
	}
	*out = (struct press){ .code = PRESS_CHAR };
	if (len == 0 || utf8_decode(text, len, &cp) != len || utf8_width(cp) <= 0)
		return false;
	out->cp = cp;
	return true;
}

/* The key's name as the table spells it. */
static void name_of(const struct press *press, char *name)
{
	char bytes[5] = "";

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (named[i].code == press->code) {
			snprintf(name, KEY_NAME, "%s", named[i].name);
			return;
		}
	if (press->code == PRESS_CTRL)
		snprintf(name, KEY_NAME, "Ctrl-%c", (int)press->cp);
	else if (press->code == PRESS_F)
		snprintf(name, KEY_NAME, "F%u", press->cp);
	else if (press->cp == ' ')
		snprintf(name, KEY_NAME, "space");
	else {
		bytes[utf8_encode(press->cp, bytes)] = '\0';
		snprintf(name, KEY_NAME, "%s", bytes);
	}
}

char *keytable_stray(const struct press *press, const char *instead)
{
	char name[KEY_NAME] = "pressed";

	if (press->code != PRESS_PASTE && press->code != PRESS_MOUSE && press->code != PRESS_REPORT && press->code != PRESS_ALT)
		name_of(press, name);
	return mem_printf("The key %s does nothing here%s%s.", name, instead ? ": " : "; ", instead ? instead : "? shows what the keys do");
}

static void bind(const struct press *press, const struct action_row *row, unsigned where)
{
	bound.all = mem_more(bound.all, bound.count, sizeof(*bound.all));
	bound.all[bound.count] = (struct binding){ .press = *press, .action = row->action, .where = where };
	name_of(press, bound.all[bound.count].name);
	bound.count++;
}

static void prepare(void)
{
	if (bound.ready)
		return;
	bound.ready = true;
	for (const struct action_row *row = rows; row->action != ACTION_NONE; row++) {
		char keys[64], *at = keys;

		str_copy(keys, sizeof(keys), row->keys);
		while (*at) {
			size_t len = strcspn(at, " ");
			bool last = at[len] == '\0';
			struct press press;

			at[len] = '\0';
			if (keytable_parse(at, &press))
				bind(&press, row, row->where);
			at += len + (last ? 0 : 1);
		}
	}
}

void keytable_reset(void)
{
	mem_free(bound.all);
	memset(&bound, 0, sizeof(bound));
}

enum action keytable_find(unsigned where, const struct press *press)
{
	prepare();
	/* The last word is the keys file's. */
	for (size_t i = bound.count; i-- > 0;)
		if ((bound.all[i].where & where) && same_key(&bound.all[i].press, press))
			return bound.all[i].action;
	return ACTION_NONE;
}

/* Binding i of the action is in force on all screens it was made for. */
static bool holds(size_t i, enum action action)
{
	const struct binding *one = &bound.all[i];

	if (one->action != action)
		return false;
	for (size_t k = i + 1; k < bound.count; k++)
		if ((bound.all[k].where & one->where) && same_key(&bound.all[k].press, &one->press))
			return false;
	return true;
}

const char *keytable_key(enum action action)
{
	prepare();
	for (size_t i = 0; i < bound.count; i++)
		if (holds(i, action))
			return bound.all[i].name;
	return "";
}

void keytable_keys(enum action action, struct buf *out)
{
	size_t start = out->len;

	prepare();
	for (size_t i = 0; i < bound.count; i++)
		if (holds(i, action))
			buf_printf(out, "%s%s", out->len > start ? ", " : "", bound.all[i].name);
}

/* What nobody should have to look for is always where everybody knows it. */
static bool is_reserved(const struct press *press)
{
	return press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C')
		|| (press->code == PRESS_CHAR && press->cp == '?');
}

/* A key that is pressed by mistake, or that a terminal sends by itself, must not open what changes something. */
static bool may_change(const struct press *press)
{
	return press->code == PRESS_F || (press->code == PRESS_CHAR && press->cp >= 'A' && press->cp <= 'Z');
}

static int no_such_action(const char *name, struct err *e)
{
	const char *names[sizeof(rows) / sizeof(rows[0]) + 1];
	const char *near;
	size_t count = 0;

	for (const struct action_row *row = rows; row->action != ACTION_NONE; row++)
		names[count++] = row->name;
	names[count++] = "nothing";
	names[count] = NULL;
	near = str_nearest(name, names);
	return err_set(e, ERR_USAGE, "there is no action \"%.40s\"%s%s%s", name, near ? "; do you mean \"" : "",
		near ? near : "", near ? "\"?" : "");
}

int keytable_bind(const char *key, const char *name, struct err *e)
{
	static const struct action_row nothing = { .action = ACTION_NONE, .where = EVERY };
	const struct action_row *row = str_is(name, "nothing") ? &nothing : keytable_named(EVERY, name);
	struct press press;

	prepare();
	if (!keytable_parse(key, &press))
		return err_set(e, ERR_USAGE, "there is no key \"%.40s\": a character, or Enter Tab Up PgDn F5 Ctrl-L space …", key);
	if (!row)
		return no_such_action(name, e);
	if (is_reserved(&press))
		return err_set(e, ERR_USAGE, "\"%.40s\" always does the same and cannot be bound", key);
	if (row->changes && !may_change(&press))
		return err_set(e, ERR_USAGE, "\"%s\" changes something: it takes an upper case letter or F1 to F12, not \"%.40s\"",
			name, key);
	bind(&press, row, row->where);
	return 0;
}

/* Cuts the next word off *line; "" at the end or before a comment. */
static const char *word(char **line)
{
	char *start = *line + strspn(*line, " \t\r");
	size_t len = strcspn(start, " \t\r");

	*line = start + len + (start[len] ? 1 : 0);
	start[len] = '\0';
	return start;
}

static int read_line(char *line, struct err *e)
{
	const char *key = word(&line), *name = word(&line), *more = word(&line);

	/* '#' begins a comment, so the key of that name cannot be bound. */
	if (!*key || *key == '#')
		return 0;
	if (!*name || *name == '#')
		return err_set(e, ERR_USAGE, "\"%.40s\" lacks an action behind it", key);
	if (*more && *more != '#')
		return err_set(e, ERR_USAGE, "a line is KEY ACTION, and nothing more");
	return keytable_bind(key, name, e);
}

int keytable_read(const char *text, const char *file, struct err *e)
{
	int number = 0, bad = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = mem_dup(text, len);
		struct err fault = { 0 };

		number++;
		if (read_line(line, &fault) != 0 && bad++ == 0)
			err_set(e, ERR_USAGE, "%s:%d: %s", file, number, fault.text);
		mem_free(line);
		text += len + (text[len] ? 1 : 0);
	}
	return bad;
}
