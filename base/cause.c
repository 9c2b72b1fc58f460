/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cause.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

/*
 * The last line of a failed command is seldom the reason: "BUILD FAILED",
 * "Request URL: …", "and the repository exists.". The programs of a server say
 * the reason in few ways, so lines are ranked by what stands in them: a cause
 * that is known by name, an error of any kind, a word that something failed.
 * The first line of the highest rank is taken. Warnings never are one: git,
 * bundler and yarn print them by the dozen in runs that end well.
 */

#define LINE_LOOKED ((size_t)4096)	/* of a line is looked at */

enum rank { RANK_NONE, RANK_VAGUE, RANK_ERROR, RANK_CAUSE };

/* What stands in lines that say nothing about a failure, in lower case. */
static const char *const noise[] = {
	"[dotenv] loaded", "[strong_migrations] danger", "rails aborted!", "rake aborted!", "tasks: top =>",
	"(see full trace by running", "response code:", "request method:", "request url:", "initializing audit plugin",
	"connecting to redis with options", "npm notice", "[getter/setter]", "yn0000:", "if you are sure",
	"a complete log of this run can be found", "this is an error in the npm", "(see https://", "error code: 0",
	"0 errors", "no errors", "error docs", "node.js v", "without error", "0 failed",
};

/* Lines like these are told again and again in good runs. */
static const char *const warnings[] = {
	"warning:", "warn ", "[warn", "npm warn", "deprecat", "yn0002:", "yn0007:", "yn0013:", "yn0060:", "yn0086:",
	"warning ", "retrying", "will retry",
};

/* Causes by name: whoever reads one of these knows what is wrong. */
static const char *const causes[] = {
	/* disk, files */
	"no space left on device", "enospc", "quota exceeded", "read-only file system", "permission denied", "eacces",
	"eperm", "operation not permitted", "too many open files", "input/output error", "text file busy",
	/* names and links */
	"could not resolve host", "eai_again", "enotfound", "temporary failure in name resolution",
	"name or service not known", "getaddrinfo", "could not translate host name", "connection refused", "econnrefused",
	"connection timed out", "etimedout", "connection reset", "network is unreachable", "no route to host",
	"could not reach host", "certificate verify failed", "ssl certificate problem", "cert_has_expired",
	"host key verification failed", "connection closed by", "could not connect to redis", "server closed the connection",
	/* memory */
	"out of memory", "cannot allocate memory", "heap limit", "sigkill", "signal 9", "std::bad_alloc", "killed signal",
	/* bundler, gems, Ruby */
	"gemnotfound", "could not find gem", "could not find compatible versions", "your ruby version is", "requires ruby version",
	"fatal error:", "definition not found:", "cannot load such file", "permissionerror", "library not found", "libyaml is missing",
	"you need to install", "can't find header", "missing in this ruby",
	/* yarn, npm, corepack, node */
	"package not found", "lockfile would have been modified", "lockfile needs to be updated", "couldn't find a script named",
	"doesn't match the expected checksum", "checksum mismatch", "is incompatible with this module", "cannot find matching keyid",
	"defines \"packagemanager\"", "err_module_not_found", "cannot find module", "module not found", "can't resolve",
	"failed to resolve import", "could not resolve \"", "eresolve", "couldn't find package", "doesn't seem to have been installed",
	"undefined variable", "rolluperror",
	/* Rails, PostgreSQL */
	"must be owner of", "could not create unique index", "password authentication failed", "no pg_hba.conf entry",
	"peer authentication failed", "is not permitted to log in", "canceling statement due", "deadlock detected", "too many clients",
	"remaining connection slots", "server version mismatch", "duplicate key value", "read-only transaction", "the database system is",
	"migration process is currently running", "release advisory lock", "unable to decrypt", "decryption", "variables are set",
	"requires postgresql", "zero-downtime migrations", "no password supplied", "silent data corruption", "dangerous operation detected",
	"pg::", "uninitialized constant", "migration timestamp", "must be in form yyyymmddhhmmss", "has an unset variable", "missing `secret_key_base`",
	"redis_namespace", "issue connecting to your database", "is not set", "terminating connection", "no pg_hba",
	/* Redis */
	"noauth", "wrongpass", "misconf", "oom command not allowed", "loading redis is loading", "noperm", "readonly you can't write",
	/* git, ssh, sudo, systemd */
	"repository not found", "could not read username", "dubious ownership", "would be overwritten", "did not match any file",
	"not a git repository", "authentication failed for", "index.lock", "unknown user", "does not exist or the user entry", "a password is required",
	"must have a tty", "is not allowed to", "not in the sudoers", "incorrect password", "no tty present", "account validation failure",
	"unit not found", ".service not found", "is masked", "address already in use", "eaddrinuse", "command not found",
};

/* Errors of any kind. */
static const char *const errors[] = {
	"error:", "error)", "error (", "error!", "fatal:", "fatal ", "errno::", "err!", "npm error", "(error)", "panic:", "exception",
	"could not ", "couldn't ", "cannot ", "can't ", "unable to ", "failed to ", "refused", "denied", " not found", "no such ",
	"does not exist", "doesn't exist", "not permitted", "aborting because", "incompatible", "unrecognized", "unknown ", "invalid ",
	"missing ", "is not installed", "not recognized", "syntax error", "unexpected ", "already exists", "timed out", "timeout", "already running",
	"an error occurred", "is not a ", "not running", "you are trying to", "too old", "yn0001:", "no files were",
};

/* What PostgreSQL calls an error where it speaks another language (lc_messages), and its programs where they do; as `lower` leaves them. */
static const char *const abroad[] = {
	"fehler:", "panik:", "erreur:", "erreur :", "errore:", "fatale:", "panico:", "erro:", "fel:", "fatalt:", "hata:", "chyba:", "bŁĄd:",
	"ОШИБКА:", "ошибка:", "ВАЖНО:", "важно:", "ПОМИЛКА:", "помилка:", "ФАТАЛЬНО:", "фатально:", "エラー:", "오류:", "错误:", "錯誤:", "შეცდომა:", "ფატალური:",
};

/* Words that something failed, but not what. */
static const char *const vague[] = {
	"failed", "aborted", "an error has occurred", "exiting with failure", "error is not recoverable", "exit status", "make: ***", "build failed", "unsuccessful",
	"for troubleshooting help", "error is not recoverable",
};

static bool holds(const char *line, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(line, list[i]))
			return true;
	return false;
}

#define HOLDS(line, list) holds(line, list, sizeof(list) / sizeof((list)[0]))

/* "Killed" as a shell prints it, alone or behind the command. */
static bool is_killed(const char *lower)
{
	return str_is(lower, "killed") || str_ends(lower, ": killed") || str_ends(lower, " killed");
}

/* A line of a backtrace: where, not what. One with the message and the class at its end is what. */
static bool is_frame(const char *lower)
{
	if ((str_starts(lower, "at ") || str_starts(lower, "from ")) && strchr(lower, ':'))
		return true;
	return (*lower == '/' || str_starts(lower, "./") || str_starts(lower, "internal:")) && strstr(lower, ":in ") && !str_ends(lower, ")");
}

static enum rank rank_of(const char *lower)
{
	enum rank rank;

	if (is_frame(lower) || HOLDS(lower, noise))
		return RANK_NONE;
	if (HOLDS(lower, causes) || is_killed(lower))
		rank = RANK_CAUSE;
	else if (str_starts(lower, "error ") || str_starts(lower, "e: ") || HOLDS(lower, errors) || HOLDS(lower, abroad))
		rank = RANK_ERROR;
	else
		rank = HOLDS(lower, vague) ? RANK_VAGUE : RANK_NONE;
	/* A sentence that is about the whole says less than any line of its parts. */
	if (rank == RANK_ERROR && (strstr(lower, "an error has occurred") || strstr(lower, "error is not recoverable") || strstr(lower, "exiting with failure")))
		rank = RANK_VAGUE;
	if (rank > RANK_VAGUE && (HOLDS(lower, warnings) || str_starts(lower, "warning")))
		rank = RANK_VAGUE;
	return rank;
}

/* ---- clean lines ---- */

/* Yarn's arrow and boxes, checks and bars, variation selectors. */
static bool is_ornament(uint32_t cp)
{
	return (cp >= 0x2500 && cp <= 0x257f) || cp == 0x27a4 || cp == 0xfe0f || cp == 0x2716 || cp == 0x2717 || cp == 0x2718;
}

/* A line as it is cleaned. */
struct clean {
	struct buf *line;
	bool ornament;		/* nothing but them came lately */
};

/* Blanks behind ornaments, and before the first word, are left out, too. */
static void clean_character(struct clean *clean, const char *text, size_t len, uint32_t cp)
{
	if (cp == '\r')
		buf_clear(clean->line);
	else if (cp == '\t' || cp == ' ')
		buf_puts(clean->line, clean->ornament ? "" : " ");
	else if (!is_ornament(cp) && utf8_is_safe(cp))
		buf_append(clean->line, text, len);
	clean->ornament =
		is_ornament(cp) || clean->line->len == 0 || (clean->ornament && cp == ' ');
}

static void clean_token(struct clean *clean, const struct escape_token *token)
{
	uint32_t cp;

	if (token->kind == ESCAPE_CONTROL)
		clean_character(clean, "", 0, token->code);
	else if (token->kind == ESCAPE_TEXT || token->kind == ESCAPE_INVALID)
		for (size_t i = 0, n; i < token->len; i += n) {
			n = utf8_decode(token->text + i, token->len - i, &cp);
			clean_character(clean, token->text + i, n, cp);
		}
}

/* What a terminal would show of the line at last; ornaments are left out where they stand before the words. */
static void clean(const char *text, size_t len, struct buf *line)
{
	struct clean clean = { .line = line, .ornament = true };
	struct escape escape = { 0 };
	struct escape_token token;

	buf_clear(line);
	len = len > LINE_LOOKED ? LINE_LOOKED : len;
	while (len && (text[len - 1] == '\r' || text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	while (escape_next(&escape, &text, &len, &token))
		clean_token(&clean, &token);
	while (escape_end(&escape, &token))
		clean_token(&clean, &token);
	while (line->len && line->data[line->len - 1] == ' ')
		buf_cut(line, line->len - 1);
}

/* Rails' logger writes "E, [2026-11-29T13:00:29.085184 #397] ERROR -- : [request] words". False: it was no error. */
static bool strip_logger(struct buf *line)
{
	const char *text = buf_text(line), *words = strstr(text, " -- : ");
	bool bad = *text == 'E' || *text == 'F';

	if (!words || strlen(text) < 4 || strncmp(text + 1, ", [", 3) != 0)
		return true;
	words += 6;
	if (*words == '[' && strlen(words) > 38 && words[37] == ']')
		words += 38;
	words += strspn(words, " ");
	buf_consume(line, (size_t)(words - text));
	return bad;
}

static void lower(const struct buf *line, struct buf *to)
{
	buf_clear(to);
	for (size_t i = 0; i < line->len; i++)
		buf_putc(to, (char)tolower((unsigned char)line->data[i]));
}

/* ---- the search ---- */

struct search {
	enum rank rank, last_rank;
	struct buf found;	/* the best line and its details */
	struct buf last;	/* the last line that names an error */
	struct buf paragraph;	/* the last one */
	int lines, follow;	/* lines of found; lines that may still belong to it */
	int paragraph_lines;
	bool list;		/* found ends with a colon */
	bool gap;		/* a blank line came */
};

static void search_done(struct search *search)
{
	buf_done(&search->found);
	buf_done(&search->last);
	buf_done(&search->paragraph);
}

static void put_line(struct buf *to, const struct buf *line)
{
	size_t len = line->len > CAUSE_LINE_BYTES ? utf8_border(line->data, CAUSE_LINE_BYTES) : line->len;

	if (to->len)
		buf_putc(to, '\n');
	buf_append(to, buf_text(line), len);
	if (len < line->len)
		buf_puts(to, "...");
}

/* Does the line tell more of what was found just before it? Behind a colon comes a list. */
static bool is_detail(const struct search *search, const char *words, const char *low)
{
	static const char *const leads[] = {"detail:", "hint:", "line 1:"};

	if (!search->follow || is_frame(low) || strstr(buf_text(&search->found), words))
		return false;
	return search->list || holds(low, leads, sizeof(leads) / sizeof(leads[0]));
}

static void to_paragraph(struct search *search, const struct buf *line, const char *low)
{
	const char *newline;

	if (HOLDS(low, noise) || is_frame(low))
		return;
	if (search->gap) {
		buf_clear(&search->paragraph);
		search->paragraph_lines = 0;
	}
	search->gap = false;
	if (search->paragraph_lines == CAUSE_LINES) {
		newline = strchr(buf_text(&search->paragraph), '\n');
		buf_consume(&search->paragraph, newline ? (size_t)(newline - search->paragraph.data) + 1 : search->paragraph.len);
		search->paragraph_lines--;
	}
	put_line(&search->paragraph, line);
	search->paragraph_lines++;
}

static void search_line(struct search *search, struct buf *line, struct buf *low)
{
	bool bad = strip_logger(line);
	enum rank rank;

	lower(line, low);
	rank = bad ? rank_of(buf_text(low)) : RANK_NONE;
	if (rank > search->rank) {
		search->rank = rank;
		buf_clear(&search->found);
		put_line(&search->found, line);
		search->lines = 1;
		search->follow = CAUSE_LINES - 1;
		search->list = str_ends(buf_text(line), ":");
	} else if (is_detail(search, buf_text(line), buf_text(low))) {
		search->follow--;
		search->lines++;
		put_line(&search->found, line);
	} else if (!is_frame(buf_text(low))) {
		search->follow = 0;
	}
	if (rank >= RANK_ERROR) {
		buf_clear(&search->last);
		put_line(&search->last, line);
	}
	if (bad)
		to_paragraph(search, line, buf_text(low));
}

static void search_text(struct search *search, const char *text)
{
	struct buf line = {0}, low = {0};

	while (text && *text) {
		size_t len = strcspn(text, "\n");

		clean(text, len, &line);
		if (line.len) {
			search_line(search, &line, &low);
		} else {
			search->gap = true;
			search->follow = 0;
		}
		text += len + (text[len] == '\n');
	}
	buf_done(&line);
	buf_done(&low);
}

/* The last error adds something when it is another one. */
static void put_found(const struct search *search, struct buf *lines)
{
	buf_append(lines, buf_text(&search->found), search->found.len);
	if (search->lines < CAUSE_LINES && search->last.len && !strstr(buf_text(&search->found), buf_text(&search->last)) &&
	    !strstr(buf_text(&search->last), buf_text(&search->found)))
		put_line(lines, &search->last);
}

void cause_find(const char *err, const char *out, struct buf *lines)
{
	struct search in_err = {0}, in_out = {0}, *best = &in_err;

	search_text(&in_err, err);
	search_text(&in_out, out);
	if (in_out.rank > in_err.rank)
		best = &in_out;
	if (best->rank >= RANK_ERROR)
		put_found(best, lines);
	else if (in_err.paragraph.len)
		buf_append(lines, buf_text(&in_err.paragraph), in_err.paragraph.len);
	else
		buf_append(lines, buf_text(&in_out.paragraph), in_out.paragraph.len);
	search_done(&in_err);
	search_done(&in_out);
}

/* ---- the command ---- */

/* Behind the word of a shell text that begins there, with its quotes and substitutions. */
static const char *behind_word(const char *text)
{
	int depth = 0;
	char quote = '\0';

	for (; *text; text++) {
		if (*text == '\\' && quote != '\'' && text[1]) {
			text++;
		} else if (quote == '\'') {
			quote = *text == quote ? '\0' : quote;
		} else if (*text == '(') {
			depth++;
		} else if (*text == ')' && depth) {
			depth--;
		} else if (*text == '\'' && !quote) {
			quote = '\'';
		} else if (*text == '"' && !depth) {
			quote = quote ? '\0' : '"';
		} else if (strchr(" \t\n;|&", *text) && !quote && !depth) {
			break;
		}
	}
	return text;
}

/* Behind one setting or one small command that only prepares, with what joins it to the next; NULL = there is none. */
static const char *behind_setting(const char *text)
{
	static const char *const small[] = {"umask ", "cd ", "mkdir ", "export ", "set "};
	size_t name = strspn(text, "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
	bool prepares = false;

	if (name && text[name] == '=') {
		text = behind_word(text + name + 1);
		return *text == ' ' ? text + strspn(text, " ") : NULL;
	}
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		prepares = prepares || str_starts(text, small[i]);
	while (prepares && *text && !strchr(";&\n|", *text))
		text += *text == ' ' ? strspn(text, " ") : (size_t)(behind_word(text) - text);
	return prepares && *text && *text != '|' ? text + strspn(text, "&; \n") : NULL;
}

void cause_command(const char *shown, struct buf *words)
{
	const char *text = shown + strspn(shown, " \t\n"), *next;
	size_t len, keep;

	while ((next = behind_setting(text)) && *next)
		text = next;
	len = strcspn(text, "\n");
	keep = len > CAUSE_COMMAND_BYTES ? utf8_border(text, CAUSE_COMMAND_BYTES) : len;
	buf_append(words, text, keep);
	buf_puts(words, text[keep + strspn(text + keep, "\n ")] ? "…" : "");
}
