/* doctor.h - the checks of bellbook doctor; private to command/doctor*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_DOCTOR_H
#define COMMAND_DOCTOR_H

#include "base/buf.h"
#include "base/json.h"
#include "command/common.h"

#include <stdbool.h>

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct doctor {
	const struct options *o;	/* borrowed */
	struct json *all;		/* owned: the findings, with --json */
	int counts[3];
};

/* Tells one finding, at once. what: what was looked at ("journal", "host app1"); text: what was found; advice: what to do, or NULL. Texts are made safe to show. */
void doctor_tell(struct doctor *doctor, enum finding finding, const char *what, const char *text, const char *advice);

/* Runs a program and gives at most 64 KiB of what it prints (stderr too, with errors); its exit status, -1 when it cannot be run or takes longer than seconds: it is killed then. */
int doctor_run(const char *const *argv, bool errors, int seconds, struct buf *out);

/* The journal: place, permissions, space, ballast, lock, end of its chain, SQLite. */
void doctor_journal(struct doctor *doctor);

/* Who counts as a second person here: this account, user namespaces, logins. */
void doctor_people(struct doctor *doctor);

/* Whether whom the fleet's people name has an account here. */
void doctor_team(struct doctor *doctor, const struct json *fleet);

/* The fleet file, ssh, keys and agent, and every host (or those named): found, reached, clock, disk, sudo. */
void doctor_fleet(struct doctor *doctor);

#endif
