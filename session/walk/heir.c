/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/session.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/str.h"
#include "journal/index/note.h"

/*
 * lua_watch.c ends a process that stays inside one C function of Lua: it
 * becomes session_stuck_main, which forks and goes, so that the session has no
 * carrier any more. The child writes a note with "stuck" into the journal and
 * has the session resumed, like a person would. The process that resumes reads
 * the note, and does not run that function again: it has failed, in words, and
 * people are asked what to do. Run again it would end that process, too.
 *
 * A process whose files were cut comes to the same end (bus.c), and no function is to blame then.
 */

#define GONE_MS 10000
#define TRIES 8
#define TRY_NS 250000000

/* A session is taken up again only when its process is gone. */
static void await_end(pid_t pid)
{
	struct pollfd end = {.fd = -1, .events = POLLIN};
	struct err e = {0};

	if (getppid() != pid || proc_watch(pid, &end.fd, &e) < 0 || end.fd < 0)
		return;
	(void)poll(&end, 1, GONE_MS);
	close(end.fd);
}

/* 0, or -1: another process of the journal may be mending just now what was cut. */
static int take_up(char **words, int64_t session, bool *noted, struct err *e)
{
	struct session_options options = {.journal = words[0], .resume = session, .reason = *words[3] ? "a function of the runbook went on without end" : "a file of the journal was cut"};
	struct note note = {.session = session, .text = words[4], .step = *words[2] ? words[2] : NULL, .who = "bellbook", .stuck = *words[3] ? words[3] : NULL};

	if (!*noted && note_write(words[0], &note, NULL, e) < 0)
		return -1;
	*noted = true;
	return session_launch(&options, &session, e);
}

int session_stuck_main(char **words)
{
	pid_t pid = getpid(), child;
	int64_t session = 0;
	bool noted = false;
	struct err e = {0};
	int rc = -1;

	if (!str_to_int(words[1], 1, INT64_MAX, &session))
		return 2;
	child = fork();
	if (child != 0)
		return 2;
	await_end(pid);
	for (int i = 0; rc < 0 && i < TRIES; i++) {
		if (i > 0)
			nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL);
		err_clear(&e);
		rc = take_up(words, session, &noted, &e);
	}
	if (rc < 0)
		fprintf(stderr, "bellbook: session %lld is not carried any more: %s\n", (long long)session, e.text);
	return 0;
}
