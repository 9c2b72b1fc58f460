/* ssh_prompt.h - questions of the system's ssh, on their way to a person: the environment that makes it ask through us, and the socket where its questions come in. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_PROMPT_H
#define ACTIONS_SSH_SSH_PROMPT_H

#include "actions/worker/call.h"
#include "base/err.h"

#include <stdint.h>

struct ssh_prompt;

/* A socket in a new 0700 directory, and a pipe for what ssh says. host: for the words of the questions. Caller owns. */
struct ssh_prompt *ssh_prompt_new(const char *host, struct err *e);

/* Removes socket and directory. NULL is fine. */
void ssh_prompt_free(struct ssh_prompt *prompt);

/* The directory, for other sockets; the environment for the child; where its stderr goes. Borrowed. */
const char *ssh_prompt_folder(const struct ssh_prompt *prompt);
const char *const *ssh_prompt_env(const struct ssh_prompt *prompt);
int ssh_prompt_errors(const struct ssh_prompt *prompt);

/* As call_wait for input on fd (-1 = only limit_us), and meanwhile hands questions of the children to a person. */
int ssh_prompt_wait(struct ssh_prompt *prompt, struct call *call, int fd, int64_t limit_us, struct err *e);

/* What ssh said last on stderr and means the end, and what kind of failure that is; NULL when it said nothing. Borrowed until the next call. */
const char *ssh_prompt_words(struct ssh_prompt *prompt, enum err_kind *kind);

/* All that it said, as text. Borrowed until the next call. */
const char *ssh_prompt_said(struct ssh_prompt *prompt);

/* Takes the first line with `part` in it out of what it said, from `part` on and without control
 * characters. Caller owns; NULL = there is none. */
char *ssh_prompt_take(struct ssh_prompt *prompt, const char *part);

/* The log-in is through: answers that were right are remembered. */
void ssh_prompt_succeeded(struct ssh_prompt *prompt);

#endif
