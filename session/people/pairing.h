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

struct reply;		/* an answer being taken in: asks_int.h */
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

/* Takes a stored event in: live, or (news false) while a session is resumed. */
void pairing_stored(struct engine *engine, const struct event *ev, const struct json *data, bool news);

/* A duration of the fleet's policy, usual when it says nothing; microseconds. */
int64_t pairing_policy_us(const struct engine *engine, const char *name, int64_t usual);

/* True when a person alone may waive the second one. */
bool pairing_may_waive(const struct engine *engine);

/* ---- wheel.c ---- */

/* Account of the driver when a view of it is attached, else NULL. Borrowed. */
const char *wheel_driver_here(const struct engine *engine);

/* Gives the wheel to an account. how: given, accepted, "no answer" … */
void wheel_pass(struct engine *engine, const char *to, const char *who, const char *how, const char *why);

/* wheel.passed is stored: the views get their roles. */
void wheel_stored(struct engine *engine, const char *to);

/* take, give. */
void wheel_intent(struct engine *engine, struct client *client, const struct json *intent);

/* Why this person may not answer the question about the wheel, NULL = may. And what the answer does. */
const char *wheel_problem(const struct reply *reply);
void wheel_answered(struct reply *reply);

/* The last view of an account went. */
void wheel_gone(struct engine *engine, const char *who);

/* ---- approval.c ---- */

/* Asks for agreement to the next attempt of a step that was looked at; adds to the batch. */
void approval_ask(struct engine *engine, struct batch *batch, const struct model_step *step);

/* Why this person may not agree now, NULL = may. Caller owns. */
char *approval_problem(const struct reply *reply);

/* The answer agrees: what is added to its batch. */
void approval_answered(struct reply *reply);

/* True when what was agreed to is the next attempt of this step, still valid and still the same. Voids what is not. */
bool approval_stands(struct engine *engine, const struct model_step *step);

/* True when the session was paused because the second person is missing. */
bool approval_misses_navigator(struct engine *engine, const struct model_step *step);

/* A command that is about to begin. */
struct approval_command {
	const char *name, *host;	/* borrowed */
	const struct json *args;	/* borrowed */
	int again;			/* how often it is begun anew because a person said that it did not run; 0 = the first time */
};

/* True when a changing command of the running attempt is not in the list that was agreed to, or would run once more: it must wait, and agreement to it is asked for. */
bool approval_holds(struct engine *engine, const struct approval_command *command);

/* withdraw, disagree. */
void approval_withdraw(struct engine *engine, struct client *client, const struct json *intent);
void approval_disagree(struct engine *engine, struct client *client, const struct json *intent);

/* Ends what is asked for or agreed to, if anything is; who may be NULL (bellbook). */
void approval_void(struct engine *engine, const char *who, const char *reason);

/* Sets the timer for what is asked for or agreed to. */
void approval_watch(struct engine *engine);

/* The last view of an account went. */
void approval_gone(struct engine *engine, const struct client *client);

#endif
