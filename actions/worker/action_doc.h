/* action_doc.h - the documentation that the tables of actions hold, for the command line and the manual. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_ACTION_DOC_H
#define ACTIONS_WORKER_ACTION_DOC_H

#include "actions/worker/action.h"
#include "base/buf.h"
#include "base/json.h"

/* Appends what a runbook writes: "ssh.run(host, cmd, { … })". */
void action_doc_usage(const struct action *action, struct buf *out);

/* Appends all that there is to know, as text for a terminal. */
void action_doc_text(const struct action *action, struct buf *out);

/* The same as an object: action, usage, effect, target, help, about?, raises, by_hand, params and gives (lists). Caller owns. */
struct json *action_doc_json(const struct action *action);

/* "read", "change", "once". Static. */
const char *action_effect_name(enum action_effect effect);

/* Appends the manual's sections (mdoc) about all that a runbook may call. */
void action_doc_manual(struct buf *out);

#endif
