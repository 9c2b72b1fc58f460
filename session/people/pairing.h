/* pairing.h - private to session/: what people in one session share: the wheel, agreement to steps without a way back, guests. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_PAIRING_H
#define SESSION_PEOPLE_PAIRING_H

#include "base/json.h"
#include "journal/model/model.h"
#include "session/walk/engine.h"
#include "session/people/server.h"

#include <stdbool.h>
#include <stdint.h>

struct guest;

/* What was asked for, or agreed to: one attempt of one step with exactly these commands. */
struct agreement {
	char *step;			/* owned; NULL = none */
	int attempt;
	char *hash;			/* owned: of everything it depends on */
	char *by;			/* owned: who agreed; NULL while it is only asked for */
	bool waiver;
	bool whole;			/* every command is in the list: no other may be run */
	bool added;			/* it is about one more command of the attempt that runs */
	struct json *commands;		/* owned */
	int64_t seq;			/* of the question */
	int64_t asked_us, until_us;	/* boot clock: when it was asked for, and when it dies */
};

struct pairing {
	int64_t wheel_seq;		/* open question about the wheel, 0 = none */
	bool wheel_queued;		/* it is queued, not stored */
	bool wheel_taking;		/* else it is being given */
	char *wheel_who;		/* owned: who gets it */
	int wheel_timer;
	int64_t driver_lost_us;		/* wall clock: since when no view of the driver is attached; 0 = one is */
	char *navigator_left;		/* owned: the second person who left; NULL = none, or another came */
	struct agreement asked, given, running;	/* running: what the attempt under way was agreed to run */
	bool look_whole;		/* the look before the step foresaw all its commands */
	bool again;			/* a failed or doubtful attempt without a way back shall be made once more: look, then ask */
	bool adding;			/* a question about one more command is queued */
	int approval_timer;
	struct guest *guests;		/* owned: who is invited until when */
};

/* Makes and frees engine->pairing. */
void pairing_open(struct engine *engine);
void pairing_close(struct engine *engine);

/* Empties it. */
void pairing_forget(struct agreement *agreement);

/* Folds a stored event in, also while a session is resumed; people_stored acts on it. */
void pairing_stored(struct engine *engine, const struct event *ev, const struct json *data);

/* A duration of the fleet's policy, usual when it says nothing; microseconds. */
int64_t pairing_policy_us(const struct engine *engine, const char *name, int64_t usual);

/* True when a person alone may waive the second one. */
bool pairing_may_waive(const struct engine *engine);

#endif
