/* records.h - private to session/: the calls of a session in memory, by step, attempt and path. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_RECORDS_H
#define SESSION_CALL_RECORDS_H

#include "base/json.h"
#include "journal/event/event.h"
#include "session/walk/engine.h"

#include <stdint.h>

/* Borrowed, NULL when there is none. */
struct record *record_find(const struct engine *engine, const char *step, int attempt, const char *path);
struct record *record_by_number(const struct engine *engine, uint64_t number);

/* A new record, owned by the engine. */
struct record *record_new(struct engine *engine, const char *step, int attempt, const char *path);

/* Frees all. */
void records_free(struct engine *engine);

/* The runbook's new list of steps (of session.resumed) is in force and in the model: records of a step that was renamed go on under its new id. */
void records_rename(struct engine *engine);

/* Appends redacted output that is stored to the record's text. */
void record_output(struct record *record, const struct event *ev, const struct json *data);

/* Value for Lua of an ended record. Caller owns. */
struct json *record_value(const struct record *record);

#endif
