/* fleet_diff.h - what the journal keeps of a fleet file, so that a later process can say which settings changed, without keeping a value. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_FLEET_DIFF_H
#define SESSION_FLEET_DIFF_H

#include "base/buf.h"
#include "base/json.h"

#include <stdbool.h>

/* For session.opened: {name, path, digest of the file, parts {"hosts.app1": digest}}; NULL members are left out. Caller owns. */
struct json *fleet_facts(const struct json *fleet);

/* True when the two facts differ in something that a runbook can see; says in words what. Facts of an older bellbook have no parts: then only that it differs is known. */
bool fleet_differs(const struct json *was, const struct json *now, struct buf *words);

#endif
