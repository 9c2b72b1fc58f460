/* plan_int.h - private to tui/plan/plan*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PLAN_PLAN_INT_H
#define TUI_PLAN_PLAN_INT_H

#include "journal/model/model.h"
#include "tui/part/dialog.h"
#include "tui/part/edit.h"
#include "tui/part/palette.h"
#include "tui/plan/plan.h"
#include "tui/part/rows.h"

enum rehearsal { REHEARSAL_NONE, REHEARSAL_RUNS, REHEARSAL_OVER };

struct plan {
	struct json *data;	/* owned */
	plan_check_fn *check;
	void *check_arg;
	struct json *values;	/* owned: name → text */
	struct json *hosts;	/* owned: name → last line */
	struct json *outside;	/* owned: last line about the site, NULL = none came */
	bool asking, blind;	/* blind: the window is too small for anything to be read; set by plan_draw */
	enum rehearsal rehearsal;
	struct model *model;	/* owned: of the rehearsal */
	struct json *foreseen;	/* owned: step → what would be run */
	struct rows rows;
	char *pick;		/* owned: key of the row picked */
	char *unfolded;		/* owned: key of the row whose details are shown, or NULL */
	long top;
	int page;
	char *editing;		/* owned: name of the setting being typed, or NULL */
	struct edit edit;
	char *error;		/* owned: why the last Enter was not taken */
	struct dialog dialog;
	struct palette palette;
	char *reason;		/* owned */
	char *notice;		/* owned, safe */
	char *down;		/* owned, safe: that the site is, for the header; NULL = nothing says so */
};

/* A setting by its name, NULL when there is none. Borrowed. */
const struct json *plan_param(const struct plan *plan, const char *name);

/* True when a step belongs to a walk with the settings as they are now. */
bool plan_applies(const struct plan *plan, const struct json *step);

/* True when a walk cannot go without it and nobody gave it. */
bool plan_is_missing(const struct plan *plan, const struct json *param);

/* Builds the rows for that width. */
void plan_build(struct plan *plan, int cols);

/* Parts of it. */
void plan_build_facts(struct plan *plan, int cols);
void plan_build_settings(struct plan *plan, int cols);
void plan_build_checks(struct plan *plan, int cols);
void plan_build_steps(struct plan *plan, int cols);

/* What the settings as they are now mean for members (downtime, refused requests), and where there is no way back: appends sentences, not yet safe; the latter may be none. */
void plan_pause_words(const struct plan *plan, struct buf *out);
void plan_no_return_words(const struct plan *plan, struct buf *out);

/* Which version runs now and when that was asked, as a sentence, not yet safe; appends nothing when the site did not say. */
void plan_version_words(const struct plan *plan, struct buf *out);

/* How many checks failed; appends what they say, a line each. */
int plan_failures(const struct plan *plan, struct buf *out);

/* Number (from 1) of the first step without a way back, or with that word about downtime, of those that apply; 0 = none. */
long plan_no_return(const struct plan *plan);
long plan_downtime_step(const struct plan *plan, const char *word);

/* What a setting is now: given, else as usual; NULL = not known. Borrowed. */
const char *plan_value(const struct plan *plan, const char *name);

/* What walks of this fleet that went the same way took: a member of "walks", or one step when it is not NULL; {"n","median_us","min_us","max_us"}, NULL = there was none. Caller owns. */
struct json *plan_past(const struct plan *plan, const char *key, const char *step);

/* Appends what plan_past gave and where it comes from: "34 min (20 min to 1 h 02), as on 3 walks of this fleet, way two-phase". Not yet safe. */
void plan_past_words(const struct plan *plan, const struct json *past, struct buf *out);

/* Appends "34 min (20 min to 1 h 02, 3 runs)"; nothing when span is NULL. */
void plan_span(struct buf *out, const struct json *span);

#endif
