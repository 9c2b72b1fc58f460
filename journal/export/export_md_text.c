/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text of people and hosts in Markdown that is also read as it is, in a mail:
 * a sign is escaped where it would mean something, and stands alone elsewhere.
 * Emphasis, for one, needs a sign that opens and one that closes; only those
 * that could close one are touched.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "journal/export/export_md.h"

#define COLUMNS 78

struct md_text {
	struct buf *out;
	const char *text;
	size_t len, at;
	bool cell;
	bool starts;		/* nothing but blanks stands before it in its line */
	size_t digits;		/* that its line begins with, while it has nothing else */
	bool opened[4];		/* a sign of OPENS stands there that could begin something */
};

static const char opens[] = "*_~$";

static char near(const struct md_text *me, size_t at)
{
	return at < me->len ? me->text[at] : '\0';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* In a cell a newline becomes a tag: no blank. */
static bool is_blank(const struct md_text *me, char c)
{
	return c == ' ' || c == '\t' || c == '\0' || (c == '\n' && !me->cell);
}

/* It could close what another one opened; remembers that it could open something. */
static bool closes(struct md_text *me, char c)
{
	char before = me->at ? me->text[me->at - 1] : '\0', behind = near(me, me->at + 1);
	bool *opened = &me->opened[strchr(opens, c) - opens];
	bool may_close = !is_blank(me, before) && (c != '_' || !is_word(behind)), may_open = !is_blank(me, behind) && (c != '_' || !is_word(before));
	bool escape = *opened && may_close;

	/* What stands beside the text is not known here. */
	if (c != '$' && (me->at == 0 || me->at + 1 == me->len))
		return true;
	*opened = *opened || (may_open && !escape);
	return escape;
}

/* It would begin a list, a heading, a quotation, a table, a fence or a rule. */
static bool begins(const struct md_text *me, char c)
{
	char behind = near(me, me->at + 1);

	if ((c == '.' || c == ')') && me->digits && me->digits < 10)
		return is_blank(me, behind);
	if (!me->starts)
		return false;
	return strchr("#=>|[*", c) != NULL || (strchr("-+:", c) && (is_blank(me, behind) || strchr("-|:", behind))) || (strchr("~_", c) && (behind == c || behind == ' '));
}

static bool is_entity(const struct md_text *me)
{
	size_t at = me->at + 1;

	at += near(me, at) == '#';
	while (isalnum((unsigned char)near(me, at)))
		at++;
	return near(me, at) == ';';
}

static bool means_something(struct md_text *me, char c)
{
	char before = me->at ? me->text[me->at - 1] : '\0', behind = near(me, me->at + 1);

	if (begins(me, c))
		return true;
	switch (c) {
	case '`':
		return true;
	case '\\':
		return !behind || ispunct((unsigned char)behind) || (behind == '\n' && me->cell);
	case '|':
		return me->cell;
	case '(':
	case '[':
		return before == ']';
	case '*':
	case '_':
	case '~':
	case '$':
		return closes(me, c);
	default:
		return false;
	}
}

static void put(struct md_text *me, char c)
{
	char behind = near(me, me->at + 1);

	if (c == '<' && (!behind || isalpha((unsigned char)behind) || strchr("/!?", behind)))
		buf_puts(me->out, "&lt;");
	else if (c == '&' && is_entity(me))
		buf_puts(me->out, "&amp;");
	else if (means_something(me, c))
		buf_printf(me->out, "\\%c", c);
	else
		buf_putc(me->out, c == '\t' ? ' ' : c);
}

/* The next of its lines; empty ones are left out, for they would end a paragraph. */
static void put_newline(struct md_text *me)
{
	while (near(me, me->at + 1) == '\n')
		me->at++;
	if (me->at + 1 < me->len)
		buf_puts(me->out, me->cell ? "<br>" : "  \n  ");
	me->starts = !me->cell;
	me->digits = 0;
}

static void put_all(struct buf *out, const char *text, size_t len, bool cell)
{
	struct buf safe = {0};
	struct md_text me = { .out = out, .cell = cell, .starts = out->len == 0 || out->data[out->len - 1] == '\n' || (out->len > 1 && memcmp(out->data + out->len - 2, "- ", 2) == 0) };

	utf8_safe(&safe, text, len, true);
	me.text = buf_text(&safe);
	me.len = safe.len;
	while (me.starts && !cell && me.at < me.len && strchr(" \t\n", near(&me, me.at)))
		me.at++;
	for (; me.at < me.len; me.at++) {
		char c = me.text[me.at];

		if (c == '\n') {
			put_newline(&me);
			continue;
		}
		put(&me, c);
		me.digits = isdigit((unsigned char)c) && (me.starts || me.digits) ? me.digits + 1 : 0;
		me.starts = me.starts && (c == ' ' || c == '\t');
	}
	buf_done(&safe);
}

void export_md_text(struct buf *out, const char *text, size_t len)
{
	put_all(out, text, len, false);
}

void export_md_cell(struct buf *out, const char *text, size_t len)
{
	put_all(out, text, len, true);
}

/* A line may begin with what stands behind this blank, and end with what stands before it. */
static bool may_break(const char *line, size_t at, size_t len)
{
	size_t digits = at + 1;

	if (line[at] != ' ' || at + 1 >= len || line[at - 1] == '\\' || line[at - 1] == ' ' || strchr(" -+*#>|=~:[_$", line[at + 1]))
		return false;
	while (digits < len && isdigit((unsigned char)line[digits]))
		digits++;
	return digits == at + 1 || digits >= len || !strchr(".)", line[digits]);
}

/* Where the line is cut: the last blank within the columns, else the first behind them; its length when nowhere. */
static size_t cut_of(const char *line, size_t len, int columns)
{
	size_t cut = len;

	for (size_t at = 1; at < len; at++) {
		if (!may_break(line, at, len))
			continue;
		if (utf8_columns(line, at) > columns)
			return cut < len ? cut : at;
		cut = at;
	}
	return utf8_columns(line, len) > columns ? cut : len;
}

void export_md_wrap(struct buf *out, size_t from)
{
	struct buf whole = {0};
	const char *line, *end, *next;

	buf_append(&whole, out->data + from, out->len - from);
	buf_cut(out, from);
	line = buf_text(&whole);
	end = line + whole.len;
	next = str_starts(line, "- ") ? "\n  " : "\n";
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = newline ? (size_t)(newline - line) : (size_t)(end - line), cut;
		int columns = COLUMNS;

		while ((cut = cut_of(line, len, columns)) < len) {
			buf_append(out, line, cut);
			buf_puts(out, next);
			line += cut + 1;
			len -= cut + 1;
			columns = COLUMNS - 2;
		}
		buf_append(out, line, len);
		line += len;
		if (newline) {
			buf_putc(out, '\n');
			line++;
		}
	}
	buf_done(&whole);
}
