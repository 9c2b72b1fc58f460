/* calls.h - private to session/: durable calls: what Lua wants, from its call.begun to the answer. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_CALLS_H
#define SESSION_CALL_CALLS_H

#include "actions/worker/worker.h"
#include "session/walk/engine.h"

#include <stdbool.h>
#include <stddef.h>

/* call.fact is stored: the call has it from now on, and while it is live the worker hears so. */
void calls_fact_stored(struct engine *engine, struct record *record, const struct json *data, bool live);

/* The function of the running task wants something (handler of script_task_start). */
void calls_wanted(void *arg, struct script_task *task, const char *path, const char *name, const char *host, const struct json *args);

/* Folds a stored event into the records and acts on it (starts the call, answers Lua …). live = false while the journal is read at resume. */
void calls_stored(struct engine *engine, const struct event *ev, bool live);

/* The callbacks of the worker. */
const struct worker_events *calls_worker_events(void);

/* Hands every call that has begun and not ended to the worker to be settled. */
void calls_settle(struct engine *engine);

/* Gives a begun call to the worker: to start it, or (settle) to find out what became of it. */
void calls_hand_over(struct engine *engine, struct record *record, bool settle);

/* Asks the host once more what became of a call in doubt, for as long as it takes. */
void calls_look_again(struct engine *engine, struct record *record);

/* What a call that has its end left on its host goes: its job, and those that it was begun under before. */
void calls_forget(struct engine *engine, const struct record *record);

/* Calls that are begun and have no outcome. */
size_t calls_open(const struct engine *engine);

/* Cancels every call that runs. */
void calls_cancel_all(struct engine *engine, const char *why);

/* Goes on with calls that were held. */
void calls_release(struct engine *engine);

/* Answers the calls that wait for agreement with an error. */
void calls_refuse_held(struct engine *engine, const char *why);

/* Forgets who waits for records (the task is gone). */
void calls_orphan(struct engine *engine);

/* What a call does, as a person reads it. Caller owns. */
char *calls_shown(const char *name, const struct json *args);

/* Adds one event about a call. Takes data. */
void calls_add(struct engine *engine, const struct record *record, enum event_kind kind, struct json *data);

/* Data of call.begun. Caller owns. */
struct json *calls_begun_data(const struct engine *engine, const struct record *record);

/* The name that the call's job has on its host: never used for another. Caller owns. */
char *calls_job_name(const struct engine *engine, const struct record *record);

/* Data of call.ended; error and result may be NULL. Caller owns. */
struct json *calls_ended_data(const struct record *record, const char *outcome, const char *error, const struct json *result);

/* What finished calls left on the hosts goes at once; then, at the latest after some seconds, session.closed is written with data (taken). */
void calls_sweep_and_close(struct engine *engine, struct json *data);

/* One of those that the end waits for has ended: closes when nobody is waited for any more. */
void calls_close_now(struct engine *engine);

#endif
