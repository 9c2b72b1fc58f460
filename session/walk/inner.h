/* inner.h - words after the program's name that make it one of the processes of a session: for bellbook itself, not for people. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_INNER_H
#define SESSION_WALK_INNER_H

/* The fork server of a session: bellbook.c calls fork_server_main then. */
#define SESSION_FORK_SERVER "--fork-server"

/* What comes behind a session's process that stayed inside one function of Lua: bellbook.c calls session_stuck_main then. */
#define SESSION_STUCK "--stuck"

#endif
