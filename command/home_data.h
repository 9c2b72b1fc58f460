/* home_data.h - what the home screen and `bellbook --json` show, gathered from the journal, the runbooks and the fleet file. Private to command/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_HOME_DATA_H
#define COMMAND_HOME_DATA_H

#include <sys/stat.h>
#include <sys/types.h>

#include "command/common.h"
#include "journal/index/history.h"
#include "journal/index/index.h"

struct home_data {		/* zero-initialised has read nothing */
	const struct options *o;	/* borrowed */
	struct history *history;	/* owned */
	struct index *index;		/* owned; NULL while it is closed */
	bool behind;			/* the index has more to read */
	struct json *debts;		/* owned: what is owed, as debts_read */
	struct json *usual;		/* owned: runbook → what is usual */
	struct json *runbooks;		/* owned: id, title, steps, path, broken? */
	struct json *fleet;		/* owned: as home.h says */
	char *fleet_path;		/* owned, or NULL */
	struct timespec seen[2];	/* journal and its log, when they were read */
	off_t sizes[2];
	bool whole;			/* closed sessions were read, too */
	char *error;			/* owned: why the journal cannot be read */
	char *cut;			/* owned: what is missing at its end; NULL = nothing that is known */
};

/* Reads runbooks, fleet file and unfinished sessions. */
void home_data_open(struct home_data *data, const struct options *o);

/* Reads what has changed in the journal, closed sessions included, for about a fifth of a second: when that was too short, data->behind says so. False when nothing can have changed. */
bool home_data_refresh(struct home_data *data);

/* Closes what must not be open when a session is launched, which forks. */
void home_data_park(struct home_data *data);

/* What is usual for each step of a runbook: {ID → {"took"?,"wait"?,"runs","failed"}}, each {"n","median_us","min_us","max_us"}. Empty when nothing is known. Caller owns. */
struct json *home_data_steps(struct home_data *data, const char *runbook);

/* Runbooks and fleet file once more. */
void home_data_again(struct home_data *data);

/* All of it, as tui/home/home.h wants it. Caller owns. */
struct json *home_data_json(const struct home_data *data);

/* Path of a runbook by its id, NULL when there is none. Borrowed. */
const char *home_data_path(const struct home_data *data, const char *id);

/* Frees. */
void home_data_close(struct home_data *data);

#endif
