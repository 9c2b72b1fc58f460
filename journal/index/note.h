/* note.h - a note or a pin written into a session by somebody who does not carry it: afterwards into the journal, or through the process that carries it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_INDEX_NOTE_H
#define JOURNAL_INDEX_NOTE_H

#include <stdint.h>

#include "base/err.h"

struct note {			/* strings borrowed */
	int64_t session;
	const char *text;	/* not empty */
	const char *step;	/* id, NULL = none */
	int attempt;
	int64_t pin;		/* seq of the event it is about, 0 = a plain note */
	int64_t at_us;		/* with pin: when that was */
	const char *who;	/* who says it when nobody carries the session, NULL = the user */
	int64_t settles;	/* seq of the event deferred whose debt is paid; text says how; 0 = a note */
	const char *stuck;	/* the function of the step that took the session's process with it, NULL = none */
};

/*
 * Writes it as an event of its own, in the name of the user whose process this is; nothing that was recorded is changed. While a
 * process carries the session, that process is asked to write it; else it is appended under the session's lease, so that nobody takes
 * the session up meanwhile. *seq (may be NULL) gets the event's number. ERR_USAGE (no text, more than LIMIT_TEXT, or refused by the session), ERR_NOTFOUND (no
 * such session), ERR_TIMEOUT (asked, no answer: it may be written), else as store_append. Blocks for disk, and up to ten seconds for the session.
 */
int note_write(const char *journal, const struct note *note, int64_t *seq, struct err *e);

#endif
