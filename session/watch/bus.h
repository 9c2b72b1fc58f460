/* bus.h - private to session/: a file that this process has mapped was cut from outside, and it must end; the next one goes on. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WATCH_BUS_H
#define SESSION_WATCH_BUS_H

#include <stdint.h>

/* From now on SIGBUS in this process, and in none that it forks, makes it the program session_stuck_main with words for the journal; that resumes the session. When the
 * shared index of the journal is whole and the last one ended so less than a minute ago, it only ends. Journal's path borrowed; NULL = no more of it. */
void bus_watch(const char *journal, int64_t session);

#endif
