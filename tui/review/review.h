/* review.h - reading a session afterwards, or while it runs: the list of sessions, the timeline, playback; on the full screen or as a dialogue of lines. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_REVIEW_REVIEW_H
#define TUI_REVIEW_REVIEW_H

#include <stdint.h>

struct review_options {
	const char *journal;	/* borrowed: path, as place_journal gives it */
	int64_t session;	/* seq of its session.opened; 0 = choose from the list */
	const char *filter;	/* borrowed: of the list, as a person types it; NULL = none */
};

/* Full screen on /dev/tty until the person leaves; review_plain where the terminal cannot do it. Changes no session: notes and pins are added
 * as events of their own. Blocks. A view_exit: VIEW_OK, or VIEW_FAILED after words on stderr. */
int view_review(const struct review_options *options);

/* Lines of text on stdout, commands from stdin: for screen readers, dumb terminals and pipes. As view_review. */
int review_plain(const struct review_options *options);

#endif
