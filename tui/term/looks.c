/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/term/looks.h"

/* Colours by number: the eight of ANSI, and of the 256 those that stand out from black and from white alike. */
enum { RED = 1, GREEN = 2, MAGENTA = 5, CYAN = 6 };
enum { FINE_GREEN = 28, FINE_CYAN = 30, FINE_MAGENTA = 133, FINE_ORANGE = 130, FINE_RED = 160 };

static const struct {
	bool bold, underline, reverse;
	int few, many;	/* colour of 8 and 16, of 256 */
} looks[ROLE_COUNT] = {
	[ROLE_TEXT] = { false, false, false, LOOK_OWN, LOOK_OWN },
	[ROLE_DIM] = { false, false, false, LOOK_OWN, LOOK_OWN },
	[ROLE_BOLD] = { true, false, false, LOOK_OWN, LOOK_OWN },
	[ROLE_HEADER] = { false, false, true, LOOK_OWN, LOOK_OWN },
	[ROLE_DOWN] = { true, false, true, RED, FINE_RED },
	[ROLE_OK] = { false, false, false, GREEN, FINE_GREEN },
	[ROLE_RUN] = { true, false, false, CYAN, FINE_CYAN },
	[ROLE_WAIT] = { false, false, false, CYAN, FINE_CYAN },
	[ROLE_FAIL] = { true, false, false, RED, FINE_RED },
	[ROLE_WARN] = { true, false, false, LOOK_OWN, FINE_ORANGE },
	[ROLE_DOUBT] = { false, false, true, MAGENTA, FINE_MAGENTA },
	[ROLE_PICK] = { false, false, true, LOOK_OWN, LOOK_OWN },
	[ROLE_FIELD] = { false, true, false, LOOK_OWN, LOOK_OWN },
	[ROLE_MATCH] = { false, false, true, LOOK_OWN, LOOK_OWN },
	[ROLE_COMMAND] = { true, false, false, LOOK_OWN, LOOK_OWN },
};

struct look look_of(enum role role, int colors)
{
	return (struct look){ .bold = looks[role].bold, .underline = looks[role].underline,
		.reverse = looks[role].reverse,
		.color = colors >= 256 ? looks[role].many : colors >= 8 ? looks[role].few : LOOK_OWN };
}
