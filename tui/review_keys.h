/* review_keys.h - which key does what in the review of a session, in the list of sessions and in playback: tables for acting, hints and help. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_REVIEW_KEYS_H
#define TUI_REVIEW_KEYS_H

#include "tui/keys.h"

enum review_action {
	REVIEW_NOTHING, REVIEW_ACT_HELP, REVIEW_ACT_LEAVE, REVIEW_ACT_OPEN, REVIEW_ACT_UP, REVIEW_ACT_DOWN, REVIEW_ACT_PAGE_UP, REVIEW_ACT_PAGE_DOWN,
	REVIEW_ACT_TOP, REVIEW_ACT_BOTTOM, REVIEW_ACT_BACK, REVIEW_ACT_ON, REVIEW_ACT_PANE, REVIEW_ACT_FILTER, REVIEW_ACT_FIND, REVIEW_ACT_NEXT,
	REVIEW_ACT_PREVIOUS, REVIEW_ACT_MARK, REVIEW_ACT_NOTE, REVIEW_ACT_PLAY, REVIEW_ACT_DIFF, REVIEW_ACT_EXPORT, REVIEW_ACT_RAW,
	REVIEW_ACT_REFRESH, REVIEW_ACT_ATTACH, REVIEW_ACT_REDRAW, REVIEW_ACT_SUSPEND, REVIEW_ACT_PAUSE, REVIEW_ACT_FASTER, REVIEW_ACT_SLOWER,
	REVIEW_ACT_LATER, REVIEW_ACT_EARLIER, REVIEW_ACT_GAPS,
};

struct review_key {
	enum press_code code;
	uint32_t cp;			/* for PRESS_CHAR, PRESS_CTRL, PRESS_F */
	enum review_action action;	/* REVIEW_NOTHING ends the table */
	const char *name;		/* "Ctrl-L" */
	const char *hint;		/* short, for the bottom line, most important first; NULL = not shown there */
	const char *help;		/* NULL: another key of an action that has help already */
};

/* The three tables, each ended by REVIEW_NOTHING. */
const struct review_key *review_keys(void);
const struct review_key *review_list_keys(void);
const struct review_key *review_play_keys(void);

/* What a press does by a table, REVIEW_NOTHING when nothing. */
enum review_action review_key_find(const struct review_key *keys, const struct press *press);

#endif
