/* account.h - whose process is at the other end of a socket, as far as the kernel says it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_ACCOUNT_H
#define SESSION_PEOPLE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACCOUNT_ABOVE 16
#define ACCOUNT_NOBODY ((uid_t)-1)

/*
 * What is proved: the uid. What the rest is for: one person who drives must not be taken for the second one by
 * means that need no rights (user namespaces, subordinate uids) or that everybody has at hand (sudo, su). Whoever
 * has root and means it gets around this; docs/protocol.md says so.
 */
struct account {
	uid_t uid;
	char *name;			/* owned: "uid 100000" when there is no account */
	char *doubt;			/* owned: why this is nobody who navigates or agrees; NULL = nothing speaks against it */
	uid_t login;			/* who logged in to become this account; ACCOUNT_NOBODY = the kernel does not know */
	uid_t above[ACCOUNT_ABOVE];	/* other accounts whose processes started this one, by sudo or su; without root */
	size_t above_count;
};

/* Who is at the other end of a connected Unix socket: to be asked when it comes, while that process is there.
   False when the kernel does not say. Blocks no longer than a look-up of an account does. Fill with zeros first. */
bool account_of_peer(int fd, struct account *account);

/* Frees what it holds. */
void account_done(struct account *account);

/* Name of an account, "uid 100000" when there is none. Caller owns. */
char *account_name(uid_t uid);

/* The range of subordinate uids that a uid lies in: name of whom it belongs to, NULL when in none. file: /etc/subuid
   and its like. Caller owns. */
char *account_subordinate(const char *file, uid_t uid);

/* Why a uid is no person: no account, everybody's, a subordinate one; NULL = nothing speaks against it. Caller owns. */
char *account_doubt(uid_t uid);

/* Why this process's own namespace proves nothing about other accounts, NULL = it does. Static. */
const char *account_namespace(void);

/* Why two accounts may be one person: the same uid, one login, one started by the other. NULL = nothing says so. Caller owns. */
char *account_same(const struct account *a, const struct account *b);

#endif
