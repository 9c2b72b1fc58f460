/* kept.h - what was typed into a field and sent: when the session refuses it, the field comes back with it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_KEPT_H
#define TUI_LIVE_KEPT_H

#include "tui/part/question.h"

struct ui;

/* All zero: nothing is kept. */
struct kept {
	bool is;
	int use;		/* enum dialog_use */
	int64_t seq, call;
	struct answer answer;	/* owned: as far as it was when the line was typed */
	char *title, *text, *line;	/* owned */
	bool buttons;
};

/* The field as it stands before Enter takes it; what is not shown is not kept. */
void kept_take(struct ui *ui);

/* The field did not send anything: forgotten. */
void kept_drop(struct ui *ui);

/* Refused: the field again, with the line and why. False when nothing was kept, or something else is open. */
bool kept_back(struct ui *ui, const char *why);

#endif
