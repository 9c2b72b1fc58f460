/* stopped.h - private to session/: processes of the session that somebody stopped (kill -STOP) are said, and an end does not wait for them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WATCH_STOPPED_H
#define SESSION_WATCH_STOPPED_H

#include "session/walk/engine.h"

/* From now on, every two seconds until the session is closed, looks at the processes below this one. A stopped one is told in a note, and one that goes on, too; when the session is to end it is killed.
 * What a shell's job control stops in its own terminal is none of them. */
void stopped_watch(struct engine *engine);

/* The session's process is about to end: what is stopped then would stay for ever, and is killed. Frees what was remembered. */
void stopped_end(struct engine *engine);

#endif
