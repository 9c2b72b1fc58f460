/* review_work.h - what a review does when it is asked to: search, look elsewhere, write notes and files; private to tui/review/review*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_REVIEW_REVIEW_WORK_H
#define TUI_REVIEW_REVIEW_WORK_H

#include "base/buf.h"
#include "base/err.h"
#include "tui/review/review_int.h"

enum review_found { REVIEW_FOUND, REVIEW_NOT_FOUND, REVIEW_SEARCHING };

/* Begins to search on from where the person is, in the lines shown and in all outputs; false when there is nothing to search for. */
bool review_find_begin(struct review *review, bool backwards);

/* Goes on for about so long, at least one line (INT64_MAX: to its end). SEARCHING: call it again; NOT_FOUND: the person is back where it began. Blocks for disk. */
enum review_found review_find_on(struct review *review, int64_t for_us);

/* Gives up: back to where it began. Harmless when nothing is searched for. */
void review_find_stop(struct review *review);

/* Searches for that text from here on. */
void review_find_text(struct review *review, const char *text, int64_t now_us);

/* A search that is under way goes on for a moment, and says how it stands. */
void review_search(struct review *review, int64_t now_us);

/* Appends in which other sessions the line picked in the pane, else the first error, was printed too, and what was decided then. -1 with words. Blocks for disk, a few seconds at most. */
int review_elsewhere(struct review *review, struct buf *out, struct err *e);

/* Writes the session to a new file; one that is there is never written over. Blocks for disk. */
int review_export(struct review *review, const char *format, const char *path, struct err *e);

/* Writes a note, or a pin, about the line picked; as note_write. */
int review_note(struct review *review, const char *text, bool pin, struct err *e);

#endif
