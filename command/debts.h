/* debts.h - what was put off, as JSON. Private to command/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_DEBTS_H
#define COMMAND_DEBTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "journal/index/index.h"

/* Debts of one session (0 = of all), owed ones first, by day: [{"debt","session","step","title","of","owner","due","reason","settled"?,"by"?,"how"?}]; settled ones only when asked for.
 * Caller owns; NULL when the index cannot be read. Blocks for disk. */
struct json *debts_read(struct index *index, int64_t session, bool settled, struct err *e);

/* Prints debts of debts_read under a headline, nothing when there are none. NULL is fine. */
void debts_tell(const struct json *debts);

#endif
