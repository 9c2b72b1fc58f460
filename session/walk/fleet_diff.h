/* fleet_diff.h - what the journal keeps of a fleet file, so that a later process can say which settings changed, without keeping a value. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_FLEET_DIFF_H
#define SESSION_WALK_FLEET_DIFF_H

#include "base/buf.h"
#include "base/json.h"

#include <stdbool.h>

/* For session.opened: {name, path, digest of the file, parts {"hosts.app1": digest}, jobs {"app1": its folder of jobs, when it has one}}; NULL members are left out. Caller owns. */
struct json *fleet_facts(const struct json *fleet);

/* True when the two facts differ in something that a runbook can see; says in words what. Facts of an older bellbook have no parts: then only that it differs is known. */
bool fleet_differs(const struct json *was, const struct json *now, struct buf *words);

/* A session finds its jobs where it began them: gives the fleet the folders (hosts.NAME.jobs) that were kept in the facts of session.opened. True when the file names others now;
 * words get which hosts, and the folders that are kept. Facts of an older bellbook have none: false. */
bool fleet_keep_places(struct json *fleet, const struct json *was, struct buf *words);

#endif
