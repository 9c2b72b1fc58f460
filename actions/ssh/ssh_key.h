/* ssh_key.h - what a private key file says about itself without its passphrase: type, public half, whether it is encrypted. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_KEY_H
#define ACTIONS_SSH_SSH_KEY_H

#include "base/buf.h"

#include <stdbool.h>

struct ssh_key {
	char *path;		/* owned */
	struct buf type;	/* "ssh-ed25519"; empty when it cannot be known */
	struct buf blob;	/* public key; empty when it cannot be known */
	bool is_private;	/* the file holds the private half (else the agent may) */
	bool is_encrypted;
	bool has_cert;		/* a certificate lies beside it */
	struct ssh_key *next;
};

/* Reads the file (and PATH.pub, when the file does not tell); NULL when it is no key that can be read. Caller owns. */
struct ssh_key *ssh_key_read(const char *path);

/* Frees one key. NULL is fine. */
void ssh_key_free(struct ssh_key *key);

/* True for the types that libssh2 1.10 can sign with and that a current sshd takes. */
bool ssh_key_is_plain(const char *type);

#endif
