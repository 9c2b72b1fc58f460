/* command.h - the arguments of a call as shell text, with the secrets apart, for stdin; private to job code. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_COMMAND_H
#define ACTIONS_DO_COMMAND_H

#include "actions/worker/call.h"
#include "actions/transport/sudo.h"
#include "base/buf.h"

#include <stdbool.h>

struct command {
	struct buf script;	/* shell text; holds no secret */
	struct buf feed;	/* lines for the script's stdin: secrets and stdin data; wiped by command_done */
	bool fed;		/* the script reads feed */
	bool streams;		/* its stdin stays open for what is sent while it runs: set before command_as */
	struct sudo sudo;	/* how `as` is reached: command_prepare, before command_build or command_as */
};

/* Finds out how the call's `as` user is reached, as sudo_prepare. Blocks. */
int command_prepare(struct call *call, struct command *command, bool may_ask, struct err *e);

/* Builds it from cmd, as, sudo_password, env, cwd, stdin, pty of the call's arguments. ERR_USAGE, ERR_NOTFOUND in words. Free with command_done also after a failure. */
int command_build(struct call *call, struct command *command, struct err *e);

/* Wraps shell text so that it runs as the call's `as` user; feed gets the password line when there is one. */
int command_as(struct call *call, struct command *command, const char *script, struct err *e);

/* What a script ends with that did not get to run what it was for; and the reason, which it says behind a mark of the call's own. */
#define COMMAND_NOT_RUN 125

/* True when text, the end of what a command said on stderr, says that it was not run: then e is ERR_USAGE with the reason. */
bool command_was_not_run(struct call *call, const struct buf *text, struct err *e);

/* Wipes and frees. */
void command_done(struct command *command);

/* Exit status as a shell would give it: 128 + N when the signal's name ("SEGV", "" = none) is known, else code. */
int command_status(int code, const char *name);

/* Exit status of a shell as a result object: {"exit":N}, or {"exit":-1,"signal":NAME} for 128 + signal. Caller owns. */
struct json *command_result(int status);

#endif
