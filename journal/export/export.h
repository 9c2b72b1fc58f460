/* export.h - a session as a text log, a post-mortem in Markdown, JSON lines, a page or a recording, and the list of sessions; read from the journal, never from a live session. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_EXPORT_EXPORT_H
#define JOURNAL_EXPORT_EXPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "journal/feed/feed.h"
#include "journal/index/index.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum export_format {
	EXPORT_TEXT,	/* a line per event, outputs indented; safe on any terminal */
	EXPORT_MD,	/* skeleton of a post-mortem; safe for Markdown and HTML renderers */
	EXPORT_JSONL,	/* every event with its hash, lossless */
	EXPORT_HTML,	/* one page that needs nothing else: no scripts, no network; of long outputs the beginning and the end */
	EXPORT_CAST,	/* asciicast v2 for a player of terminal recordings, with a marker at each step; paints, does nothing else to a terminal */
};

/* Takes len bytes of the export; false stops it. */
typedef bool export_fn(void *arg, const char *bytes, size_t len);

/* Format by name: "text" "md" "jsonl" "html" "cast"; false when there is none. */
bool export_format_parse(const char *name, enum export_format *out);

/* An export_fn for a FILE * as arg; false when the write fails (errno says why). */
bool export_to_file(void *arg, const char *bytes, size_t len);

/* Writes a session of the journal. ERR_NOTFOUND when it has no such session, ERR_IO when out stopped it, else as store_open. Blocks for disk. */
int export_log(const char *journal, int64_t session, enum export_format format, export_fn *out, void *arg, struct err *e);

struct export_range { int64_t session, before; };	/* what stands before the event `before` of the journal, 0 = all */

/* The same for a part of a session. Of a damaged journal everything before the damage is written, then -1 with ERR_CORRUPT. */
int export_log_before(const char *journal, struct export_range range, enum export_format format, export_fn *out, void *arg, struct err *e);

/* The same from any feed whose feed_next never waits (stored, memory); reads it to its end; does not close it. */
int export_feed(struct feed *feed, enum export_format format, export_fn *out, void *arg, struct err *e);

/* Sessions, newest first: array of {"session","runbook","title","fleet","who","state" ("ok" "failed" "aborted" … as closed, else "open"), "reason", "running" (a live process
 * carries it), "dry_run","opened","closed"?,"last" (times), "took_us","step","steps" (x of y), "people" and "hosts" (arrays of names), "down_since"?, "doubt" {"step","host"}?, and numbers
 * named as the members of struct index_session}. The index is brought up by the caller. Caller owns; NULL with *e. Blocks for disk. */
struct json *export_sessions_found(struct index *index, const char *journal, const struct index_filter *filter, struct err *e);

/* The same for a journal, at most limit (0 = all); brings its index up, or reads everything when there can be none (fewer members then). NULL with *e as store_open. */
struct json *export_sessions(const char *journal, bool only_open, int64_t limit, struct err *e);

/* That array as a table for people: safe on any terminal, one line a session. */
void export_sessions_text(const struct json *sessions, struct buf *out);

/* What is otherwise in session b than in a: {"a","b": {"session","runbook","title","who","opened","state","dry_run","took_us","down_us"}, "params": [{"name","a"?,"b"?}] that differ,
 * "steps": [{"step","title","a"?,"b"?: {"state","attempts","took_us","waited_us","reason"}, "same", "outputs": [{"call","host","line","a_lines","b_lines","a"?,"b"?}] with the first line that
 * differs}]}. Outputs are those of a step's last attempt, the first 16 KiB of each call, as text. Caller owns; NULL with *e. Blocks for disk. */
struct json *export_diff(const char *journal, int64_t a, int64_t b, struct err *e);

/* That for people: safe on any terminal, or as Markdown. */
void export_diff_text(const struct json *diff, bool md, struct buf *out);

#endif
