/* meter.h - how far a step is by its meter, as a view says it: rate, time left, stall, history as a sparkline. Only words; draws nothing. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_METER_H
#define TUI_PART_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "journal/model/model.h"

struct meter_look {
	bool there;		/* the meter has said something in this attempt */
	double percent;		/* -1 = not known */
	double rate;		/* units a second, lately; -1 = not known yet */
	int64_t left_us;	/* -1 = not known: before 1 %, without a total, or when nothing moves */
	int64_t still_since_us;	/* wall clock: nothing has moved since then, for longer than the step's stall; 0 = it moves */
};

/* What can be said of the step's meter at that wall clock time. */
struct meter_look meter_look(const struct model_step *step, int64_t now_us);

/* "1200 of 9000 rows, 13 percent, 4.2 a second, about 31 m left" or "… no progress since 14:03:10 (12 m 00 s)": appends it, safe to show; nothing when the meter has said nothing.
 * is_short: for a line that may be cut at its end: "13%, about 31 m left, 4.2/s, 1200 of 9000 rows". */
void meter_words(const struct model_step *step, int64_t now_us, bool is_short, struct buf *out);

/* The speed over the time of the attempt in cols columns, newest at the right: appends blocks (UTF-8), or " .:-=+*#" when ascii; nothing when fewer than three values are known. */
void meter_spark(const struct model_step *step, int64_t now_us, int cols, bool ascii, struct buf *out);

#endif
