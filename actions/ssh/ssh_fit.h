/* ssh_fit.h - whether a host's OpenSSH configuration asks for anything that libssh2 does not do as ssh would. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_FIT_H
#define ACTIONS_SSH_SSH_FIT_H

#include "actions/worker/call.h"
#include "actions/ssh/ssh_config.h"
#include "base/err.h"

/* 0, or ERR_USAGE naming what only the system's ssh does: then it connects. Looks at values, and at files of known hosts;
 * asks ssh for its own defaults (blocks in call_wait) when there is a keyword that is not known here. */
int ssh_fit_check(struct call *call, const struct ssh_config *config, struct err *e);

/* As ssh_fit_check with the defaults given; they are looked at only for keywords that are not known here. */
int ssh_fit_compare(const struct ssh_config *config, const struct ssh_config *builtin, struct err *e);

#endif
