/* model_int.h - what the parts of the fold share; private to model*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_MODEL_MODEL_INT_H
#define JOURNAL_MODEL_MODEL_INT_H

#include "journal/model/model.h"

/* Folds one kind of event. data is an object; the event is of this session and new. */
typedef void model_fold_fn(struct model *model, const struct event *ev, const struct json *data);

model_fold_fn model_fold_opened, model_fold_resumed;
model_fold_fn model_fold_step_entered, model_fold_step_begun, model_fold_step_ended, model_fold_step_doubted;
model_fold_fn model_fold_call_begun, model_fold_call_ended, model_fold_call_settled, model_fold_call_progress, model_fold_link_changed;
model_fold_fn model_fold_call_output, model_fold_worker_lost;
model_fold_fn model_fold_asked, model_fold_answered;
model_fold_fn model_fold_outside_began, model_fold_outside_counted, model_fold_outside_ended;
model_fold_fn model_fold_joined, model_fold_left, model_fold_wheel_passed;

/* Frees what *field holds and stores a copy; NULL is stored as "". */
void model_set(char **field, const char *text);

/* Member of data as text, "" when it is missing or no text. Borrowed. */
const char *model_text(const struct json *data, const char *key);

/* The meter of a step: a new value, the beginning of an attempt, the end of its life; from takes the owned parts along. */
void model_meter_take(struct model_meter *meter, int64_t at_us, const struct json *data);
void model_meter_clear(struct model_meter *meter);

/* Frees what a step, call, question or person owns (not the struct itself). */
void model_step_done(struct model_step *step);
void model_call_done(struct model_call *call);
void model_ask_done(struct model_ask *ask);
void model_person_done(struct model_person *person);

/* Begins and frees what was seen from outside; the end of the session ends it. */
void model_outside_init(struct model_outside *outside);
void model_outside_done(struct model_outside *outside);
void model_outside_close(struct model_outside *outside, int64_t at_us);

/* Ends all open questions, all presence. */
void model_drop_asks(struct model *model);
void model_drop_people(struct model *model);

/* A question of the step opened, or the last open one was closed: keeps waited_us right. step may be NULL. */
void model_step_wait(struct model_step *step, bool open, int64_t at_us);

/* True when a question about that step is open. */
bool model_asks_about(const struct model *model, const char *step);

#endif
