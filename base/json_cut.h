/* json_cut.h - a JSON value made small enough to be told: the beginnings of what is long, in the same shape. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_CUT_H
#define BASE_JSON_CUT_H

#include "base/buf.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy that json_print gives at most max bytes for (max ≥ 4096): long texts are cut to their beginning, with words that
 * say so, and only when that is not enough are lists and objects cut too. Caller owns.
 */
struct json *json_cut(const struct json *value, size_t max);

/* Appends text, or with len > max its beginning and how long it was: at most max bytes (max ≥ 128), never half a character. */
void text_cut(struct buf *out, const char *text, size_t len, size_t max);

/* True when brackets nest deeper than max. */
bool json_is_deeper(const struct json *value, int max);

#endif
