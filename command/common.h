/* common.h - what the commands share: options, words for faults, JSON out, and where things are found. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_COMMON_H
#define COMMAND_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "journal/index/index.h"

enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LEFT = 3 };

/* What the command line said. Strings are borrowed from argv unless owned is written. */
struct options {
	const char *journal_arg, *fleet, *format, *role, *reason, *step, *note;
	const char *session, *runbook, *host, *person, *since, *until, *limit;	/* which sessions or hits */
	const char *at_once, *stop_after;	/* of each */
	char *journal;			/* owned */
	struct json *set;		/* owned: object of --set */
	struct json *way_back;		/* owned: what the person of a view that ended wants to see next, NULL = nothing */
	const char *used[64];		/* the options that were given */
	size_t used_count;
	bool help;
	bool json, md, plain, dry_run, read_only, open_only, sudo, failed, guest, all, types;
	int64_t after;
	const char *args[512];
	size_t count;
	const char *const *rest;	/* behind "--" */
};

/* Says text on stderr, made safe to show. Gives code. */
int cmd_fail(enum exit_code code, const char *text);

/* The same for an error: EXIT_USAGE when the person can put it right on the command line, else EXIT_FAILED. */
int cmd_fail_err(const struct err *e);

/* Prints value as one line of JSON and frees it. EXIT_OK. */
int cmd_print_json(struct json *value);

/* Absolute path of a runbook named by id or path. Caller owns; NULL with words. */
char *cmd_find_runbook(const char *name, struct err *e);

/* Paths of all runbooks there are: folder by folder, the most important first, by name in each. The array and the paths are the caller's; returns how many, NULL in *paths when none. */
size_t cmd_all_runbooks(char ***paths);

/* The fleet file: --fleet, $BELLBOOK_FLEET, or the usual place when there is one; else NULL. Borrowed; *owned is the caller's to free, may be NULL. */
const char *cmd_fleet(const struct options *o, char **owned);

/* A journal with a damaged event, or one that is cut, is not written on. 0, or an exit status after words. Reads the whole file up to 64 MiB. */
int cmd_check_journal(const struct options *o);

/* Of a journal that is known to have held more: EXIT_FAILED after words what is missing and where to look, else EXIT_OK. Reads little. */
int cmd_check_cut(const struct options *o);

/* Shows a running session in the view that the options and the terminal call for. Blocks until left; the exit status. */
int cmd_watch(struct options *o, int64_t session);

/* Shows o->way_back, filled in: its plan at home, or a question in plain lines. Starts nothing that was not agreed to. result: of the session before; the exit status. */
int cmd_way_back(struct options *o, int result);

/* True when this run is in lines of text. */
bool cmd_is_plain(const struct options *o);

/* Says that the journal has no such session, and which it has. EXIT_USAGE; EXIT_OK and no word when it has it. */
int cmd_check_session(const struct options *o, int64_t session);

/* Starts a session of the runbook and shows it. As cmd_watch. */
int cmd_start(struct options *o, const char *name);

/* The filters of the command line. -1 with words when one makes no sense. */
int cmd_filter(const struct options *o, struct index_filter *filter, struct err *e);

/* The journal's index, brought up to date; words about it and how far it is go to stderr. NULL with *e. Caller owns. */
struct index *cmd_index(const struct options *o, enum index_part part, struct err *e);

#endif
