/* glance.h - a host at a glance: the shell text that looks, and what its answer means. Runs nothing itself. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_GLANCE_H
#define ACTIONS_DO_GLANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/* Shell text for ssh.read: only looks; with sudo it also asks whether sudo needs a password. jobs: the host's option of that name, NULL = it has none. Caller owns. */
char *glance_command(bool sudo, const char *jobs);

/* When the command was sent and its answer was there, in microseconds of the wall clock. */
struct glance_times {
	int64_t asked_us, answered_us;
};

/* What the answer says: {"state" ("ok" "attention"),"disk_pct"?,"disk_free_kb"?,"disk_mount"?,"memory_pct"?,"load" (text)?,"cpus"?,"skew_s"?,"sudo" ("root" "yes" "no", "tty": it wants a terminal)?,"problems":[text]}.
 * Lines that make no sense are left out; an answer without its end is a problem. The texts are the host's words: show them safely. Caller owns. */
struct json *glance_read(const char *text, size_t len, const struct glance_times *times);

#endif
