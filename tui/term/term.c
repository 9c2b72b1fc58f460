/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * curses is used for output alone: it knows the terminal's sequences and sends only differences. Keys are read
 * as bytes and decoded in tui/term/keys.c, because get_wch() swallows keys after one invalid byte. Signals are the
 * loop's. Text on the screen comes from canvas cells, which have been made safe.
 */
#define _DEFAULT_SOURCE		/* TIOCOUTQ, cchar_t */
#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_NOMACROS 1
#include "tui/term/term.h"

#include <curses.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "tui/term/clip.h"
#include "tui/term/looks.h"
#include "tui/term/seen.h"
#include "tui/term/shade.h"
#include "tui/term/tty.h"

#define BEHIND 4096	/* bytes the kernel still holds for the terminal */

static struct {
	int fd;
	FILE *file;
	SCREEN *screen;
	bool ascii, paste, color, redraw, mouse;
	struct canvas *last;	/* owned: what is on the screen */
	attr_t attrs[ROLE_COUNT];
	short pairs[ROLE_COUNT];
} term = { .fd = -1 };

/* UTF-8 unless the person's locale says otherwise; an environment that says nothing is taken as UTF-8 where that exists. */
static bool set_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	bool said = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		said = said || (value && *value);
	}
	if (!setlocale(LC_CTYPE, "") || !said)
		setlocale(LC_CTYPE, "C.UTF-8");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static const char *capability(const char *name)
{
	const char *text = tigetstr(name);

	return text && text != (const char *)-1 ? text : NULL;
}

static void set_looks(void)
{
	const char *no_color = getenv("NO_COLOR");

	term.color = !(no_color && *no_color) && has_colors() && start_color() == OK && COLORS >= 8
		&& use_default_colors() == OK;
	for (int role = 0; role < ROLE_COUNT; role++) {
		struct look look = look_of((enum role)role, term.color ? COLORS : 0);

		term.attrs[role] = (look.bold ? A_BOLD : A_NORMAL) | (look.underline ? A_UNDERLINE : A_NORMAL)
			| (look.reverse ? A_REVERSE : A_NORMAL);
		term.pairs[role] = 0;
		if (look.color == LOOK_OWN)
			continue;
		init_pair((short)(role + 1), (short)look.color, -1);
		term.pairs[role] = (short)(role + 1);
	}
}

/* What must be written to leave the screen in order, kept ready for a crash. */
static void set_last_words(void)
{
	static const char *const names[] = { "rmcup", "sgr0", "cnorm" };
	struct buf words = { 0 };

	if (term.paste)
		buf_puts(&words, "\033[?2004l");
	if (term.mouse)
		buf_puts(&words, "\033[?1006l\033[?1000l");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = capability(names[i]);
		const char *delay = text ? strstr(text, "$<") : NULL;

		if (text)
			buf_append(&words, text, delay ? (size_t)(delay - text) : strlen(text));
	}
	tty_last_words(buf_text(&words), words.len);
	buf_done(&words);
}

/* Modes that curses knows nothing of, on or off. */
static void own_modes(bool on)
{
	struct buf words = { 0 };

	if (term.paste)
		buf_puts(&words, on ? "\033[?2004h" : "\033[?2004l");
	if (term.mouse)
		buf_puts(&words, on ? "\033[?1000h\033[?1006h" : "\033[?1006l\033[?1000l");
	if (words.len > 0 && write(term.fd, words.data, words.len) < 0)
		term.paste = term.mouse = false;	/* it is gone: reading will tell */
	buf_done(&words);
}

static void set_modes(void)
{
	const char *name = getenv("TERM");

	raw();
	noecho();
	nonl();
	term.paste = COLORS >= 8 && name && !str_starts(name, "linux");
	own_modes(true);
	set_last_words();
	tty_adopt();
}

/* Undoes a half-made term_open. */
static int give_up(struct err *e, const char *why)
{
	if (term.screen) {
		endwin();
		delscreen(term.screen);
	}
	if (term.file)
		fclose(term.file);
	else if (term.fd >= 0)
		close(term.fd);
	term.screen = NULL;
	term.file = NULL;
	term.fd = -1;
	return err_set(e, ERR_USAGE, "%s", why);
}

bool term_is_known(const char *name)
{
	int found = 0;
	bool known;

	if (!*name || setupterm(name, STDOUT_FILENO, &found) != OK)
		return false;
	known = capability("cup") && capability("clear");
	del_curterm(cur_term);
	return known;
}

bool term_reports(const char *name)
{
	int found = 0;
	bool known;

	if (!*name || setupterm(name, STDOUT_FILENO, &found) != OK)
		return false;
	known = capability("u7");
	del_curterm(cur_term);
	return known;
}

bool term_can_report(void)
{
	return capability("u7");
}

/* Most terminals of today understand the first of these; what is not installed here is no advice. */
static int give_up_unknown(struct err *e)
{
	static const char *const usual[] = { "xterm-256color", "xterm", "screen", "vt100", "linux" };
	char words[120];
	size_t i = 0;

	while (i < sizeof(usual) / sizeof(usual[0]) && !term_is_known(usual[i]))
		i++;
	if (i == sizeof(usual) / sizeof(usual[0]))
		return give_up(e, "the terminal's type (TERM) is not known here, nor is any usual one (ncurses-base has them)");
	snprintf(words, sizeof(words), "the terminal's type (TERM) is not known here; TERM=%s may do", usual[i]);
	return give_up(e, words);
}

int term_open(struct err *e)
{
	const char *name = getenv("TERM");
	int found = 0;

	term.fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (term.fd < 0)
		return give_up(e, "there is no terminal");
	if (!name || !*name || setupterm(name, term.fd, &found) != OK)
		return give_up_unknown(e);
	bool placeable = capability("cup") && capability("clear");

	del_curterm(cur_term);
	if (!placeable)
		return give_up(e, "this type of terminal (TERM) cannot place text");
	if (tty_save(term.fd, e) != 0)
		return give_up(e, "the terminal's modes cannot be read");
	/* A vt100 shows bytes: to it UTF-8 is garbage, whatever the locale says. */
	term.ascii = !set_locale() || str_starts(name, "vt") || str_is(name, "ansi");
	term.file = fdopen(term.fd, "w+");
	if (!term.file)
		return give_up(e, "the terminal cannot be opened");
	term.screen = newterm(name, term.file, term.file);
	if (!term.screen)
		return give_up(e, "the terminal cannot be set up");
	set_looks();
	set_modes();
	term.redraw = true;
	return 0;
}

void term_close(void)
{
	if (!term.screen)
		return;
	own_modes(false);
	curs_set(1);
	endwin();
	tty_release();
	delscreen(term.screen);
	fclose(term.file);
	canvas_free(term.last);
	term.last = NULL;
	term.screen = NULL;
	term.file = NULL;
	term.fd = -1;
}

int term_fd(void)
{
	return term.fd;
}

bool term_is_ascii(void)
{
	return term.ascii;
}

void term_size(int *rows, int *cols)
{
	struct winsize size = { 0 };

	if (ioctl(term.fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
		size.ws_row = (unsigned short)LINES;
		size.ws_col = (unsigned short)COLS;
	}
	if (size.ws_row != LINES || size.ws_col != COLS) {
		resize_term(size.ws_row, size.ws_col);
		term.redraw = true;
	}
	*rows = size.ws_row;
	*cols = size.ws_col;
}

static bool same(const struct cell *a, const struct cell *b)
{
	return a->cp == b->cp && a->role == b->role && a->fg == b->fg && a->bg == b->bg && a->attrs == b->attrs
		&& memcmp(a->combining, b->combining, sizeof(a->combining)) == 0;
}

/* Looks that a terminal inside ours asked for, as far as this one has them. */
static void own_look(const struct cell *cell, attr_t *attrs, short *pair)
{
	bool bold = cell->attrs & CELL_BOLD, bright = false, unused;
	int fg = -1, bg = -1, found;

	if (term.color && cell->fg)
		fg = shade_for(cell->fg - 1, COLORS, &bright);
	if (term.color && cell->bg)
		bg = shade_for(cell->bg - 1, COLORS, &unused);
	*attrs = (bold || bright ? A_BOLD : A_NORMAL) | (cell->attrs & CELL_UNDERLINE ? A_UNDERLINE : A_NORMAL)
		| (cell->attrs & CELL_REVERSE ? A_REVERSE : A_NORMAL);
	/* A background is what the program marks with: without colours it is reverse. */
	if (!term.color && cell->bg)
		*attrs ^= A_REVERSE;
	found = fg < 0 && bg < 0 ? 0 : alloc_pair(fg, bg);
	*pair = (short)(found > 0 && found <= SHRT_MAX ? found : 0);
}

static void show_cell(int row, int col, const struct cell *cell)
{
	wchar_t text[CANVAS_COMBINING + 2] = { (wchar_t)cell->cp };
	cchar_t out;

	attr_t attrs = term.attrs[cell->role];
	short pair = term.pairs[cell->role];

	for (int i = 0; i < CANVAS_COMBINING; i++)
		text[i + 1] = (wchar_t)cell->combining[i];
	if (cell->fg || cell->bg || cell->attrs)
		own_look(cell, &attrs, &pair);
	if (setcchar(&out, text, attrs, pair, NULL) != OK)
		setcchar(&out, L"?", attrs, pair, NULL);
	mvadd_wch(row, col, &out);
}

void term_show(const struct canvas *canvas)
{
	bool whole = term.redraw || !term.last || term.last->rows != canvas->rows
		|| term.last->cols != canvas->cols;

	if (whole) {
		canvas_free(term.last);
		term.last = canvas_new(canvas->rows, canvas->cols, canvas->ascii);
		clearok(stdscr, TRUE);
		werase(stdscr);
	}
	for (int row = 0; row < canvas->rows; row++)
		for (int col = 0; col < canvas->cols; col++) {
			const struct cell *cell = &canvas->cells[row * canvas->cols + col];
			struct cell *old = &term.last->cells[row * canvas->cols + col];

			if (!whole && same(cell, old))
				continue;
			if (cell->cp != 0)
				show_cell(row, col, cell);
			*old = *cell;
		}
	curs_set(canvas->cursor_row >= 0);
	if (canvas->cursor_row >= 0)
		move(canvas->cursor_row, canvas->cursor_col);
	term.redraw = false;
	refresh();
}

void term_redraw(void)
{
	term.redraw = true;
}

bool term_is_behind(void)
{
	int queued = 0;

	return ioctl(term.fd, TIOCOUTQ, &queued) == 0 && queued > BEHIND;
}

void term_request(void)
{
	fputs(SEEN_REQUEST, term.file);
	fflush(term.file);
}

bool term_copy(const char *text, size_t len)
{
	const char *name = getenv("TERM");
	struct buf out = { 0 };
	bool sent;

	if (!clip_terminal_can(name) || len > CLIP_TERMINAL_MAX)
		return false;
	clip_sequence(&out, text, len, str_starts(name, "screen") && !getenv("TMUX"));
	fflush(term.file);
	sent = write(term.fd, out.data, out.len) == (ssize_t)out.len;
	buf_done(&out);
	return sent;
}

bool term_mouse(bool on)
{
	const char *name = getenv("TERM");

	/* The Linux console reports in the old form alone, in which a click far right is no valid text. */
	if (on && (!capability("kmous") || !name || str_starts(name, "linux")))
		return false;
	if (on == term.mouse)
		return true;
	own_modes(false);
	term.mouse = on;
	own_modes(true);
	set_last_words();
	return true;
}

void term_suspend(void)
{
	static const char words[] = "bellbook: only this view is suspended; the session goes on. \"fg\" brings it back.\n";

	own_modes(false);
	curs_set(1);
	endwin();
	tty_release();
	if (write(term.fd, words, sizeof(words) - 1) >= 0)
		raise(SIGSTOP);
	own_modes(true);
	tty_adopt();
	term.redraw = true;
	refresh();
}
