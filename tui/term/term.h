/* term.h - the terminal as a place to show a canvas; its .c is the only user of curses. One per process. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_TERM_H
#define TUI_TERM_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "tui/term/canvas.h"

/* Opens /dev/tty in raw mode on the alternate screen. 0; -1 with words when this terminal cannot show a full screen: nothing was changed then. */
int term_open(struct err *e);

/* True when the terminal type of that name is known here and can place text; opens nothing. Not while the terminal is open. */
bool term_is_known(const char *name);

/* True when a terminal of that name answers status requests (seen.h): its description has one of them (u7). Opens nothing. Not while the terminal is open. */
bool term_reports(const char *name);

/* The same of the open terminal. */
bool term_can_report(void);

/* Sends SEEN_REQUEST behind all that was shown. Blocks as term_show does. */
void term_request(void);

/* Puts the terminal back. Harmless when it is not open. */
void term_close(void);

/* Descriptor to read keys from. */
int term_fd(void);

/* Asks the kernel for the size and takes it over. */
void term_size(int *rows, int *cols);

/* True when only ASCII can be shown. */
bool term_is_ascii(void);

/* Sends what differs from the last canvas shown. Blocks when the terminal does not take it: see term_is_behind. */
void term_show(const struct canvas *canvas);

/* Next term_show draws everything. */
void term_redraw(void);

/* True while so much is queued that a frame should be left out. */
bool term_is_behind(void);

/* Puts text into the terminal's clipboard where this type of terminal may have one (OSC 52); false when it was not tried. */
bool term_copy(const char *text, size_t len);

/* Mouse reports (clicks and wheel) on or off; they end with the view and while it is suspended. False when this terminal has no mouse. */
bool term_mouse(bool on);

/* Ctrl-Z: back to the shell; returns when the person comes back. */
void term_suspend(void);

#endif
