/* ssh_config.h - what `ssh -G HOST` says about a host: the user's own OpenSSH configuration, resolved by ssh itself. Not a parser of ssh_config files. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_CONFIG_H
#define ACTIONS_SSH_SSH_CONFIG_H

#include "actions/worker/call.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssh_config;

/* Asks `ssh -G` about the call's host, with the fleet's ssh_config file when there is one. Blocks in call_wait. ERR_USAGE = the host's name or the configuration is wrong.
 * Caller owns. */
struct ssh_config *ssh_config_load(struct call *call, struct err *e);

/* As ssh_config_load without any file: what ssh does when nothing is set. Caller owns. */
struct ssh_config *ssh_config_builtin(struct call *call, struct err *e);

/* Parses the output of ssh -G for the host of that name. ERR_USAGE when names in it could be taken for options or hold control characters. Caller owns. */
struct ssh_config *ssh_config_parse(const char *name, const char *text, size_t len, struct err *e);

/* Frees. NULL is fine. */
void ssh_config_free(struct ssh_config *config);

/* The host as bellbook names it; and the host's address, login name, port. Borrowed. */
const char *ssh_config_name(const struct ssh_config *config);
const char *ssh_config_address(const struct ssh_config *config);
const char *ssh_config_user(const struct ssh_config *config);
int ssh_config_port(const struct ssh_config *config);

/* First value of a keyword (in lower case, as ssh -G prints it); fallback when it is missing or "none". Borrowed. */
const char *ssh_config_text(const struct ssh_config *config, const char *key, const char *fallback);

/* A keyword that is "yes", "true" or a whole number. */
bool ssh_config_is(const struct ssh_config *config, const char *key);
int ssh_config_int(const struct ssh_config *config, const char *key, int fallback);

/* All values of a keyword that may come several times; NULL when it is missing. Borrowed array of texts. */
const struct json *ssh_config_list(const struct ssh_config *config, const char *key);

/* False when a value holds bytes that are no UTF-8: it cannot be told what it says. */
bool ssh_config_is_text(const struct ssh_config *config);

/* Goes through all keywords: the next one, with its values (borrowed), NULL at the end. *it begins as NULL. */
const char *ssh_config_next(const struct ssh_config *config, void **it, struct json **values);

/* True when a name can be a word of a command: no option, and nothing that a shell would read. */
bool ssh_config_is_plain(const char *name);

/* True when a comma-separated list of words has this word. */
bool ssh_config_has_word(const char *list, const char *word);

/* Appends text with ssh's %-tokens, and for a path also ~, ~USER and ${VARIABLE}, replaced. False when it has one that is not known here. */
bool ssh_config_expand(const struct ssh_config *config, const char *text, struct buf *out);
bool ssh_config_path(const struct ssh_config *config, const char *text, struct buf *out);

#endif
