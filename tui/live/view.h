/* view.h - the three ways to watch and drive a running session: plain lines, JSON lines, and the full screen. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_VIEW_H
#define TUI_LIVE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

struct json;

/* What every view returns; bellbook.c hands it to exit(3). */
enum view_exit {
	VIEW_OK = 0,		/* the session was closed and its outcome is ok */
	VIEW_FAILED = 1,	/* the session was closed with another outcome, or the view itself failed (said on stderr) */
	VIEW_LEFT = 3,		/* left while the session goes on, or its process is gone without having closed it */
};

struct view_options {
	const char *journal;	/* borrowed: path, as place_journal gives it */
	int64_t session;	/* seq of its session.opened */
	const char *role;	/* borrowed: "driver", "navigator", "observer", "guest"; NULL = the session chooses */
	int64_t after;		/* JSON view: print only events after this seq; 0 = all. The others always need all */
	struct json **way_back;	/* set to the way back (of session.closed) that the person wants to see next; the caller's then. NULL = nobody could show it */
};

/*
 * Each attaches to the running session (reconnecting while its process lives), blocks until the session has
 * ended or the person leaves, tells on stdout how it stands and how to come back, and gives a view_exit.
 */

/* Lines of text, no cursor movement: for screen readers, dumb terminals and pipes. Uses stdin and stdout. */
int view_plain(const struct view_options *options);

/* Session's lines to stdout, stdin's lines to the session. {"do":"leave"} leaves; the end of stdin does not. */
int view_json(const struct view_options *options);

/* Full screen on /dev/tty; falls back to view_plain, saying why, where the terminal cannot do it. */
int view_live(const struct view_options *options);

#endif
