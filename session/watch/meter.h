/* meter.h - private to session/: the meter of the running step, read now and then while its run function works. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WATCH_METER_H
#define SESSION_WATCH_METER_H

#include "session/walk/engine.h"

#include <stdbool.h>
#include <stdint.h>

/* The run of that step of the runbook begins (also: goes on after a resume): its meter, if it has one, is read from now on. */
void meter_begin(struct engine *engine, size_t step);

/* The run is over or dropped: what the meter still reads is cancelled. */
void meter_end(struct engine *engine);

/* What the worker says of a call: true when it is one of the meter's, which is no call of the journal. */
bool meter_output(struct engine *engine, uint64_t call, const char *stream, const void *bytes, size_t len);
bool meter_settled(struct engine *engine, uint64_t call);
bool meter_ask(struct engine *engine, uint64_t call);
bool meter_ended(struct engine *engine, uint64_t call, const char *outcome, const char *error, const struct json *result);

/* The worker was lost, with all that it read for the meter. */
void meter_lost(struct engine *engine);

#endif
