/* ssh_known.h - known_hosts files in all of OpenSSH's forms: which keys are known for a host, and adding one. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_KNOWN_H
#define ACTIONS_SSH_SSH_KNOWN_H

#include "actions/ssh/ssh_config.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum ssh_known_kind { KNOWN_KEY, KNOWN_REVOKED, KNOWN_AUTHORITY };

#define SSH_NOTHING_SENT "nothing was sent over this connection"	/* the end of the words for a host key that was refused */

/* One line of a known_hosts file that is about the host. */
struct ssh_known {
	enum ssh_known_kind kind;
	char *type;		/* owned; "ssh-ed25519" */
	struct buf key;		/* the key's bytes */
	char *file;		/* owned */
	int line;
	bool portless;		/* known by the name alone, while the host is asked for at another port */
	struct ssh_known *next;
};

/* All lines about the host in the user's and the system's files; reads files only. NULL when there is none. Caller owns. */
struct ssh_known *ssh_known_load(const struct ssh_config *config);

/* Frees the list. NULL is fine. */
void ssh_known_free(struct ssh_known *known);

/* Name under which the host stands in the files: its HostKeyAlias, "app1", or "[app1]:2222". Appends. */
void ssh_known_name(const struct ssh_config *config, struct buf *out);

/* Appends "SHA256:…" as OpenSSH writes it. */
void ssh_known_fingerprint(const void *key, size_t len, struct buf *out);

/* Name of the type that key bytes begin with; "" when they make no sense. Appends. */
void ssh_known_type(const void *key, size_t len, struct buf *out);

/* Appends the key to the user's first known_hosts file, which is made when it is missing; the file's name into where. Hashes the name when HashKnownHosts says so. Blocks on disk only. */
int ssh_known_add(struct call *call, const struct ssh_config *config, const void *key, size_t len, struct buf *where, struct err *e);

#endif
