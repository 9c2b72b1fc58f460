/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lower case looks, UPPER CASE may change something and opens a dialog first; no Ctrl or Alt letter changes anything. */
#include "tui/keytable.h"

static const struct key keys[] = {
	{ PRESS_CHAR, '?', ACTION_HELP, false, "?", "help", "this list" },
	{ PRESS_F, 1, ACTION_HELP, false, "F1", NULL, NULL },
	{ PRESS_ENTER, 0, ACTION_QUESTION, false, "Enter", "answer", "open the question that waits" },
	{ PRESS_CHAR, 'q', ACTION_LEAVE, false, "q", "leave", "leave; the session goes on" },
	{ PRESS_CHAR, 'X', ACTION_STOP, true, "X", "stop", "stop a running command, or abort the session" },
	{ PRESS_CHAR, 'P', ACTION_PAUSE, true, "P", "pause", "pause after what runs now; again: continue" },
	{ PRESS_CHAR, 'i', ACTION_NOTE, false, "i", "note", "write a note for the journal" },
	{ PRESS_CHAR, 'r', ACTION_RECORD, false, "r", "record", "what was found and done so far, step by step" },
	{ PRESS_CHAR, '/', ACTION_FIND, false, "/", "find", "find in the output" },
	{ PRESS_CHAR, 's', ACTION_SAY, false, "s", "say", "say something to the others" },
	{ PRESS_CHAR, 'v', ACTION_EXPLAIN, false, "v", "explain", "explanations on or off" },
	{ PRESS_CHAR, 'o', ACTION_RAW, false, "o", "raw", "output alone, full width, long lines whole" },
	{ PRESS_TAB, 0, ACTION_NEXT_CALL, false, "Tab", NULL, "output of the next command" },
	{ PRESS_BACKTAB, 0, ACTION_PREVIOUS_CALL, false, "Shift-Tab", NULL, "output of the command before" },
	{ PRESS_CHAR, 'k', ACTION_UP, false, "k", NULL, "output one line up (also the arrow)" },
	{ PRESS_UP, 0, ACTION_UP, false, "Up", NULL, NULL },
	{ PRESS_CHAR, 'j', ACTION_DOWN, false, "j", NULL, "one line down (also the arrow)" },
	{ PRESS_DOWN, 0, ACTION_DOWN, false, "Down", NULL, NULL },
	{ PRESS_PAGE_UP, 0, ACTION_PAGE_UP, false, "PgUp", NULL, "a page up (also Ctrl-U)" },
	{ PRESS_CTRL, 'U', ACTION_PAGE_UP, false, "Ctrl-U", NULL, NULL },
	{ PRESS_PAGE_DOWN, 0, ACTION_PAGE_DOWN, false, "PgDn", NULL, "a page down (also Ctrl-D, space)" },
	{ PRESS_CTRL, 'D', ACTION_PAGE_DOWN, false, "Ctrl-D", NULL, NULL },
	{ PRESS_CHAR, ' ', ACTION_PAGE_DOWN, false, "space", NULL, NULL },
	{ PRESS_CHAR, 'g', ACTION_TOP, false, "g", NULL, "first line that is kept (also Home)" },
	{ PRESS_HOME, 0, ACTION_TOP, false, "Home", NULL, NULL },
	{ PRESS_CHAR, 'G', ACTION_FOLLOW, false, "G", NULL, "last line, and follow (also End)" },
	{ PRESS_END, 0, ACTION_FOLLOW, false, "End", NULL, NULL },
	{ PRESS_CHAR, 'n', ACTION_FIND_NEXT, false, "n", NULL, "next line found" },
	{ PRESS_CHAR, 'N', ACTION_FIND_PREVIOUS, false, "N", NULL, "line found before" },
	{ PRESS_CHAR, 'T', ACTION_TAKE, true, "T", NULL, "take the wheel" },
	{ PRESS_CHAR, 'H', ACTION_GIVE, true, "H", NULL, "hand the wheel over" },
	{ PRESS_CTRL, 'C', ACTION_MENU, false, "Ctrl-C", NULL, "asks what to stop; stops nothing by itself" },
	{ PRESS_CTRL, 'L', ACTION_REDRAW, false, "Ctrl-L", NULL, "draw the screen anew" },
	{ PRESS_CTRL, 'Z', ACTION_SUSPEND, false, "Ctrl-Z", NULL, "suspend this view only" },
	{ PRESS_ESC, 0, ACTION_NONE, false, NULL, NULL, NULL },
};

const struct key *keytable(void)
{
	return keys;
}

enum action keytable_find(const struct press *press)
{
	bool has_cp = press->code == PRESS_CHAR || press->code == PRESS_CTRL || press->code == PRESS_F;

	for (const struct key *key = keys; key->action != ACTION_NONE; key++)
		if (key->code == press->code && (!has_cp || key->cp == press->cp))
			return key->action;
	return ACTION_NONE;
}
