/* exact.h - what a person confirms of a command, a file or a request, besides the words of it: for the tables of actions. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_EXACT_H
#define ACTIONS_DO_EXACT_H

#include "actions/worker/action.h"

/* `shown` of actions that run `cmd`: the command as sh runs it. */
void exact_show_command(const struct action *action, const struct json *args, struct buf *out);

/* `exact` of the same: user, folder, every variable that is no secret, what it is fed with, and whether it has a terminal. */
void exact_command(const struct json *args, struct json *entry);

/* Of the manual. */
extern const struct action_group exact_files;

/* `shown` of actions on a file: which, and the one on this computer that it is copied to or from. */
void exact_show_file(const struct action *action, const struct json *args, struct buf *out);

/* `exact` of the same: user, content, mode and owner. */
void exact_file(const struct json *args, struct json *entry);

/* `shown` of actions that ask a site: the addresses. */
void exact_show_asks(const struct action *action, const struct json *args, struct buf *out);

/* `shown` of actions whose name says all. */
void exact_show_name(const struct action *action, const struct json *args, struct buf *out);

#endif
