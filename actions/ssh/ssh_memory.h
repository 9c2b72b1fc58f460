/* ssh_memory.h - passphrases and passwords that a person gave and that were right, kept in this process so that a reconnect at night asks nobody; and one opener at a time per host. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_MEMORY_H
#define ACTIONS_SSH_SSH_MEMORY_H

#include "actions/worker/call.h"
#include "base/err.h"

#include <stdbool.h>

/* Copy of what is remembered under key, NULL when nothing is. Caller wipes and frees (ssh_memory_wipe). From any thread. */
char *ssh_memory_get(const char *key);

/* Remembers a copy of value; NULL forgets. */
void ssh_memory_set(const char *key, const char *value);

/* True for the first who asks with that key: what is told once for a host. From any thread. */
bool ssh_memory_first(const char *key);

/* Wipes and frees a text. NULL is fine. */
void ssh_memory_wipe(char *text);

/* True when a server's question is about a lasting password, and not about one that is used once. */
bool ssh_memory_is_password(const char *prompt);

/* Until ssh_memory_leave, no other thread opens a connection to that host: questions come once, and their answers serve all. Blocks in call_wait. */
int ssh_memory_enter(struct call *call, const char *host, struct err *e);
void ssh_memory_leave(const char *host);

#endif
