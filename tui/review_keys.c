/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing here alters a session; a note or a pin is written only from its own field. */
#include "tui/review_keys.h"

#include <stdbool.h>

#define MOVES \
	{ PRESS_CHAR, 'k', REVIEW_ACT_UP, "k", NULL, "one line up (also the arrow)" }, \
	{ PRESS_UP, 0, REVIEW_ACT_UP, "Up", NULL, NULL }, \
	{ PRESS_CHAR, 'j', REVIEW_ACT_DOWN, "j", NULL, "one line down (also the arrow)" }, \
	{ PRESS_DOWN, 0, REVIEW_ACT_DOWN, "Down", NULL, NULL }, \
	{ PRESS_PAGE_UP, 0, REVIEW_ACT_PAGE_UP, "PgUp", NULL, "a page up (also Ctrl-U)" }, \
	{ PRESS_CTRL, 'U', REVIEW_ACT_PAGE_UP, "Ctrl-U", NULL, NULL }, \
	{ PRESS_PAGE_DOWN, 0, REVIEW_ACT_PAGE_DOWN, "PgDn", NULL, "a page down (also Ctrl-D)" }, \
	{ PRESS_CTRL, 'D', REVIEW_ACT_PAGE_DOWN, "Ctrl-D", NULL, NULL }, \
	{ PRESS_CHAR, 'g', REVIEW_ACT_TOP, "g", NULL, "to the first line (also Home)" }, \
	{ PRESS_HOME, 0, REVIEW_ACT_TOP, "Home", NULL, NULL }, \
	{ PRESS_CHAR, 'G', REVIEW_ACT_BOTTOM, "G", NULL, "to the last line (also End)" }, \
	{ PRESS_END, 0, REVIEW_ACT_BOTTOM, "End", NULL, NULL }, \
	{ PRESS_CTRL, 'L', REVIEW_ACT_REDRAW, "Ctrl-L", NULL, "draw the screen anew" }, \
	{ PRESS_CTRL, 'Z', REVIEW_ACT_SUSPEND, "Ctrl-Z", NULL, "suspend bellbook" }, \
	{ PRESS_ESC, 0, REVIEW_NOTHING, NULL, NULL, NULL }

static const struct review_key keys[] = {
	{ PRESS_CHAR, '?', REVIEW_ACT_HELP, "?", "help", "this list" },
	{ PRESS_F, 1, REVIEW_ACT_HELP, "F1", NULL, NULL },
	{ PRESS_CHAR, '[', REVIEW_ACT_BACK, "[", NULL, "previous failure or decision" },
	{ PRESS_CHAR, ']', REVIEW_ACT_ON, "[ ]", "fail", "next failure or decision" },
	{ PRESS_TAB, 0, REVIEW_ACT_PANE, "Tab", "pane", "between the timeline and the details below it (also Enter, and Esc back)" },
	{ PRESS_CHAR, '/', REVIEW_ACT_FIND, "/", "find", "find in the timeline and in all outputs" },
	{ PRESS_CHAR, 'f', REVIEW_ACT_FILTER, "f", "filter", "which kinds of lines are shown" },
	{ PRESS_CHAR, 'q', REVIEW_ACT_LEAVE, "q", "back", "back; at the top: leave" },
	{ PRESS_CHAR, 'o', REVIEW_ACT_RAW, "o", "output", "the details alone, full width, long lines whole" },
	{ PRESS_CHAR, 'p', REVIEW_ACT_PLAY, "p", "play", "play the session from here, as its screen was" },
	{ PRESS_CHAR, 'd', REVIEW_ACT_DIFF, "d", "diff", "compare with another session" },
	{ PRESS_CHAR, 'i', REVIEW_ACT_NOTE, "i", "note", "write a note into the journal, now, about this line" },
	{ PRESS_CHAR, 'm', REVIEW_ACT_MARK, "m", "pin", "pin this line to the timeline, at its own time" },
	{ PRESS_CHAR, 'e', REVIEW_ACT_EXPORT, "e", "export", "write the session to a file" },
	{ PRESS_ENTER, 0, REVIEW_ACT_OPEN, "Enter", NULL, "into the details" },
	{ PRESS_BACKTAB, 0, REVIEW_ACT_PANE, "Shift-Tab", NULL, NULL },
	{ PRESS_CHAR, 'n', REVIEW_ACT_NEXT, "n", NULL, "next place found" },
	{ PRESS_CHAR, 'N', REVIEW_ACT_PREVIOUS, "N", NULL, "place found before" },
	{ PRESS_CHAR, 'r', REVIEW_ACT_REFRESH, "r", NULL, "read what came since" },
	{ PRESS_CHAR, 'a', REVIEW_ACT_ATTACH, "a", NULL, "attach, while the session runs" },
	{ PRESS_CHAR, ' ', REVIEW_ACT_PAGE_DOWN, "space", NULL, NULL },
	MOVES,
};

static const struct review_key list_keys[] = {
	{ PRESS_F, 1, REVIEW_ACT_HELP, "F1", "help", "this list" },
	{ PRESS_ENTER, 0, REVIEW_ACT_OPEN, "Enter", "review", "review the session" },
	{ PRESS_UP, 0, REVIEW_ACT_UP, "Up", NULL, "one line up" },
	{ PRESS_DOWN, 0, REVIEW_ACT_DOWN, "Down", NULL, "one line down" },
	{ PRESS_PAGE_UP, 0, REVIEW_ACT_PAGE_UP, "PgUp", NULL, "a page up" },
	{ PRESS_PAGE_DOWN, 0, REVIEW_ACT_PAGE_DOWN, "PgDn", NULL, "a page down" },
	{ PRESS_HOME, 0, REVIEW_ACT_TOP, "Home", NULL, "to the newest session" },
	{ PRESS_END, 0, REVIEW_ACT_BOTTOM, "End", NULL, "to the oldest session" },
	{ PRESS_ESC, 0, REVIEW_ACT_LEAVE, "Esc", "back", "empties the filter; when it is empty: leave (also Ctrl-C)" },
	{ PRESS_CTRL, 'C', REVIEW_ACT_LEAVE, "Ctrl-C", NULL, NULL },
	{ PRESS_CTRL, 'R', REVIEW_ACT_REFRESH, "Ctrl-R", "read again", "read the journal again" },
	{ PRESS_CTRL, 'L', REVIEW_ACT_REDRAW, "Ctrl-L", NULL, "draw the screen anew" },
	{ PRESS_CTRL, 'Z', REVIEW_ACT_SUSPEND, "Ctrl-Z", NULL, "suspend bellbook" },
	{ PRESS_CHAR, 0, REVIEW_NOTHING, NULL, NULL, NULL },
};

static const struct review_key play_keys[] = {
	{ PRESS_CHAR, '?', REVIEW_ACT_HELP, "?", "help", "this list" },
	{ PRESS_F, 1, REVIEW_ACT_HELP, "F1", NULL, NULL },
	{ PRESS_CHAR, ' ', REVIEW_ACT_PAUSE, "space", "pause", "pause, and go on" },
	{ PRESS_CHAR, '+', REVIEW_ACT_FASTER, "+", NULL, "faster: x1 2 5 10 20 50 100" },
	{ PRESS_CHAR, '=', REVIEW_ACT_FASTER, "=", NULL, NULL },
	{ PRESS_CHAR, '-', REVIEW_ACT_SLOWER, "+ -", "speed", "slower" },
	{ PRESS_RIGHT, 0, REVIEW_ACT_LATER, "Right", NULL, "10 seconds on" },
	{ PRESS_LEFT, 0, REVIEW_ACT_EARLIER, "Left", "10 s", "10 seconds back" },
	{ PRESS_CHAR, '[', REVIEW_ACT_BACK, "[", NULL, "back to the step, failure or decision before" },
	{ PRESS_CHAR, ']', REVIEW_ACT_ON, "[ ]", "step", "on to the next step, failure or decision" },
	{ PRESS_CHAR, 'c', REVIEW_ACT_GAPS, "c", "cut idle", "idle time is cut to a second, or not" },
	{ PRESS_CHAR, 'q', REVIEW_ACT_LEAVE, "q", "back", "back to the timeline (also Esc)" },
	{ PRESS_ESC, 0, REVIEW_ACT_LEAVE, "Esc", NULL, NULL },
	{ PRESS_HOME, 0, REVIEW_ACT_TOP, "Home", NULL, "to the beginning (also g)" },
	{ PRESS_CHAR, 'g', REVIEW_ACT_TOP, "g", NULL, NULL },
	{ PRESS_END, 0, REVIEW_ACT_BOTTOM, "End", NULL, "to the end (also G)" },
	{ PRESS_CHAR, 'G', REVIEW_ACT_BOTTOM, "G", NULL, NULL },
	{ PRESS_CHAR, 'o', REVIEW_ACT_RAW, "o", NULL, "the output alone, full width" },
	{ PRESS_CTRL, 'L', REVIEW_ACT_REDRAW, "Ctrl-L", NULL, "draw the screen anew" },
	{ PRESS_CTRL, 'Z', REVIEW_ACT_SUSPEND, "Ctrl-Z", NULL, "suspend bellbook" },
	{ PRESS_CHAR, 0, REVIEW_NOTHING, NULL, NULL, NULL },
};

const struct review_key *review_keys(void)
{
	return keys;
}

const struct review_key *review_list_keys(void)
{
	return list_keys;
}

const struct review_key *review_play_keys(void)
{
	return play_keys;
}

enum review_action review_key_find(const struct review_key *table, const struct press *press)
{
	bool has_cp = press->code == PRESS_CHAR || press->code == PRESS_CTRL || press->code == PRESS_F;

	for (const struct review_key *key = table; key->action != REVIEW_NOTHING; key++)
		if (key->code == press->code && (!has_cp || key->cp == press->cp))
			return key->action;
	return REVIEW_NOTHING;
}
