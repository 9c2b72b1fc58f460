/* outside_ask.h - one HTTP(S) request that only asks, as a runbook describes it: what is sent, and what its answer means. It is no browser: no redirects, no cookies. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_OUTSIDE_ASK_H
#define ACTIONS_DO_OUTSIDE_ASK_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/worker/call.h"
#include "base/err.h"
#include "base/json.h"

#define OUTSIDE_ASKS 8	/* at most, of one watch */
#define OUTSIDE_WANTS 8
#define OUTSIDE_PAUSE 10	/* beats that are left out where we are refused, or where the site is slow */

/* What an answer says of the site. */
enum outside_seen {
	SEEN_NOTHING,	/* not asked yet */
	SEEN_ANSWER,	/* the answer that was wanted */
	SEEN_REFUSED,	/* 5xx, no connection, no answer in time */
	SEEN_ODD,	/* another answer */
	SEEN_US_REFUSED,	/* nothing: 403 or 429 is about the asker, and so is a network of ours that is down */
};

struct outside_ask {
	char *name, *method, *url, *body;	/* owned; body NULL = none */
	struct curl_slist *headers;		/* owned; may hold a token: wiped */
	bool any_certificate;			/* that of this site is not trusted here, and was not before */
	long want[OUTSIDE_WANTS];
	int want_count;
	int64_t every_us;
	int64_t next_us;			/* boot clock: its next beat */
	int64_t begun_us;			/* boot clock: when it was asked last */
	enum outside_seen last;
};

/* Reads the call's "asks": {name, url, method?, body?, headers? (text → text), token? (secret), want? ([status]), every?, any_certificate?}. Returns how many, at most OUTSIDE_ASKS; -1 with words. */
int outside_asks_read(struct call *call, struct outside_ask asks[OUTSIDE_ASKS], struct err *e);

/* Frees and wipes what n of them own. */
void outside_asks_done(struct outside_ask *asks, int n);

/* Makes curl ready to send it. The ask and words (CURL_ERROR_SIZE bytes) must outlive the request. */
void outside_ask_prepare(const struct outside_ask *ask, CURL *curl, int64_t limit_us, char *words);

/*
 * Whether it is asked now, at boot clock `now`; its beat goes on. While an answer that was asked for at oldest_us (0 = none) is waited for longer
 * than slow_us (0 = none is slow), only each OUTSIDE_PAUSE-th beat is asked: a site that cannot keep up would have our requests, too, to answer.
 */
bool outside_ask_is_due(struct outside_ask *ask, int64_t now, int64_t oldest_us, int64_t slow_us);

/* What came of it; *text gets words for an answer that is none, or "". */
enum outside_seen outside_ask_judge(const struct outside_ask *ask, CURL *curl, CURLcode code, const char *words, char *text, size_t size);

#endif
