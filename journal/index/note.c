/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/index/note.h"

#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/store/carrier.h"
#include "journal/feed/feed.h"
#include "journal/store/keep.h"
#include "journal/store/place.h"
#include "journal/store/store.h"

#define ANSWER_US (10 * TIME_SECOND)
#define TRIES 3	/* a session that ends, is taken over, and ends again while one note is written */

static bool is_opening(void *arg, const struct event *ev)
{
	*(bool *)arg = ev->kind == EVENT_SESSION_OPENED && ev->seq == ev->session;
	return false;
}

static int check_session(struct store *store, int64_t session, struct err *e)
{
	bool there = false;

	if (session <= 0 || store_each(store, (struct store_range){ .session = session, .after = session - 1, .limit = 1 }, is_opening, &there, e) < 0)
		return e->text[0] ? -1 : err_set(e, ERR_USAGE, "%lld is no session number", (long long)session);
	return there ? 0 : err_set(e, ERR_NOTFOUND, "the journal %s has no session %lld; bellbook sessions lists them", store_path(store),
		(long long)session);
}

/* Name of the real user, as the session has it from the kernel. Caller owns. */
static char *my_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw ? mem_strdup(pw->pw_name) : mem_printf("uid%u", (unsigned)getuid());
}

/* --- nobody carries the session --- */

static int append(const char *journal, const struct note *note, int64_t *seq, struct err *e)
{
	struct store *store = store_open(journal, STORE_WRITE, e);
	struct json *data = json_new_object();
	struct err ignored = { 0 };
	char *who = note->who ? mem_strdup(note->who) : my_name(), *text;
	struct event ev = {
		.session = note->session, .kind = note->settles ? EVENT_DEBT_SETTLED : EVENT_NOTE, .who = who, .step = note->step, .attempt = note->attempt,
		.bytes = note->settles ? NULL : note->text, .len = note->settles ? 0 : strlen(note->text),
	};
	int rc = -1;

	if (note->settles) {
		json_set_int(data, "seq", note->settles);
		json_set_text(data, "how", note->text);
	}
	if (note->pin) {
		json_set_int(data, "pin", note->pin);
		json_set_int(data, "at_us", note->at_us);
	}
	json_set_text(data, "stuck", note->stuck);
	text = json_print(data);
	ev.data = text;
	if (store && check_session(store, note->session, e) == 0)
		rc = store_append(store, &ev, 1, e);
	if (rc == 0) {
		*seq = ev.seq;
		(void)store_checkpoint(store, true, &ignored);	/* the journal stays one file where it was one */
	}
	store_close(store);
	json_free(data);
	mem_free(text);
	mem_free(who);
	return rc;
}

/* --- a process carries it --- */

static struct json *intent_of(const struct note *note)
{
	struct json *intent = json_new_object();

	json_set_text(intent, "do", note->settles ? "settle" : "note");
	json_set_text(intent, note->settles ? "how" : "text", note->text);
	if (note->settles)
		json_set_int(intent, "seq", note->settles);
	json_set_text(intent, "step", note->step);
	if (note->attempt)
		json_set_int(intent, "attempt", note->attempt);
	if (note->pin) {
		json_set_int(intent, "pin", note->pin);
		json_set_int(intent, "at_us", note->at_us);
	}
	return intent;
}

/* 1 = accepted or refused, 0 = go on waiting, -1. */
static int take_item(struct feed *feed, int64_t *seq, struct err *e)
{
	const struct json *reply = NULL, *accepted, *refused;
	struct event ev;
	enum feed_item item;

	while ((item = feed_next(feed, &ev, &reply, e)) != FEED_NONE) {
		if (item == FEED_END)
			return err_set(e, ERR_TIMEOUT, "the session ended before it said that the note is written: look whether it is there");
		if (item == FEED_ERROR)
			return -1;
		if (item != FEED_REPLY)
			continue;
		accepted = json_at(reply, "accepted");
		refused = json_at(reply, "refused");
		if (refused)
			return err_set(e, ERR_USAGE, "the session refused the note: %s", json_text(refused, "why", "it did not say why"));
		if (!accepted)
			continue;
		*seq = json_int(accepted, "seq", 0);
		return 1;
	}
	return 0;
}

static int await(struct feed *feed, int64_t *seq, struct err *e)
{
	int64_t until = time_mono_us() + ANSWER_US, left;
	int rc;

	while ((rc = take_item(feed, seq, e)) == 0) {
		bool wants_write;
		struct pollfd pfd = { .fd = feed_fd(feed, &wants_write), .events = POLLIN };

		left = until - time_mono_us();
		if (left <= 0)
			return err_set(e, ERR_TIMEOUT, "the session did not answer within 10 s: the note may be written or not");
		pfd.events = (short)(POLLIN | (wants_write ? POLLOUT : 0));
		(void)poll(&pfd, 1, (int)(left / 1000) + 1);
	}
	return rc < 0 ? -1 : 0;
}

/* Its socket may be missing for a moment, when somebody removed it. */
static struct feed *reach(const char *journal, const struct note *note, int64_t head, struct err *e)
{
	const struct timespec pause = { .tv_nsec = KEEP_US / 20 * 1000 };
	int64_t until = time_mono_us() + CARRIER_WAIT_US;
	struct feed *feed;

	while (!(feed = feed_live(journal, note->session, head, "note", "observer", e)) && e->kind == ERR_NOTFOUND && lease_is_held(journal, note->session)
		&& time_mono_us() < until) {
		nanosleep(&pause, NULL);
		err_clear(e);
	}
	return feed;
}

/* 0, -1; 1 when the process that carried it went before it was asked: nothing was sent. */
static int ask_session(const char *journal, const struct note *note, int64_t *seq, struct err *e)
{
	struct store *store = store_open(journal, STORE_READ, e);
	int64_t head = store ? store_head(store, e) : -1;
	struct feed *feed = head >= 0 ? reach(journal, note, head, e) : NULL;
	struct json *intent;
	int rc = -1;

	store_close(store);
	if (!feed)
		return head >= 0 && e->kind == ERR_NOTFOUND && !lease_is_held(journal, note->session) ? 1 : -1;
	intent = intent_of(note);
	if (feed_send(feed, intent, e) == 0)
		rc = await(feed, seq, e);
	json_free(intent);
	feed_close(feed);
	return rc;
}

/* As ask_session: 1 when who carries the session has just changed, and it is to be looked at again. */
static int write_once(const char *journal, const struct note *note, int64_t *seq, struct err *e)
{
	int carried = carrier_await(journal, note->session, e), rc;
	struct lease *lease;

	if (carried < 0)
		return -1;
	lease = carried ? NULL : lease_take(journal, note->session, NULL, e);
	if (!lease && lease_is_held(journal, note->session)) {
		err_clear(e);
		return ask_session(journal, note, seq, e);
	}
	if (!lease)
		return carried ? err_set(e, ERR_IO, "the process that carried session %lld has just ended: nothing was noted; try again", (long long)note->session), 1 : -1;
	rc = append(journal, note, seq, e);
	lease_drop(lease);
	return rc;
}

int note_write(const char *journal, const struct note *note, int64_t *seq, struct err *e)
{
	int64_t ignored;
	int rc = -1;

	if (!utf8_says(note->text))
		return err_set(e, ERR_USAGE, "a note needs a text");
	if (strlen(note->text) > LIMIT_TEXT)
		return err_set(e, ERR_USAGE, "a note has at most %zu bytes, this one %zu; nothing was written", LIMIT_TEXT, strlen(note->text));
	if (!seq)
		seq = &ignored;
	if (access(journal, F_OK) < 0)
		return err_errno(e, "%s", journal);
	for (int i = 0; i < TRIES && (rc = write_once(journal, note, seq, e)) > 0; i++)
		if (i + 1 < TRIES)
			err_clear(e);
	return rc ? -1 : 0;
}
