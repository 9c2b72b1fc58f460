/* usage.h - what a usage line ("RUNBOOK [--fleet F] [--plain|--json]") says: how many words, which options; for checking, help and completions. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_USAGE_H
#define COMMAND_USAGE_H

#include "base/buf.h"
#include "base/json.h"

#include <stdbool.h>

/* How many words (not options, nor their values, nor what is behind "--") a command takes at most; -1 = any number. */
int usage_words(const char *usage);

/* True when the command takes that option ("--fleet"): those in its usage, and those that all take. */
bool usage_has(const char *usage, const char *option);

/* Appends a line for each option of the command, with what it is for. */
void usage_help(const char *usage, struct buf *out);

/* Appends "RUNBOOK SESSION…<tab>--fleet=F --json", for shell completions. */
void usage_lines(const char *usage, struct buf *out);

/* {"words": ["RUNBOOK"], "options": [{"name": "--fleet", "value": "F", "about": "…"}]}; value is left out for a switch. Caller owns. */
struct json *usage_json(const char *usage);

#endif
