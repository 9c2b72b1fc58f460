/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/carrier.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "journal/store/keep.h"
#include "journal/store/place.h"

static bool last_process(void *arg, const struct event *ev)
{
	struct proc_id *id = arg;
	struct err e = {0};
	struct json *data;
	const struct json *process;

	if (ev->kind != EVENT_SESSION_OPENED && ev->kind != EVENT_SESSION_RESUMED)
		return true;
	data = json_parse(ev->data, strlen(ev->data), &e);
	process = json_at(data, "process");
	*id = (struct proc_id){.pid = (pid_t)json_int(process, "pid", 0),
			       .started = json_int(process, "started", 0)};
	str_copy(id->boot, sizeof(id->boot), json_text(process, "boot", ""));
	json_free(data);
	return true;
}

int carrier_lives(struct store *store, int64_t session, struct proc_id *who, struct err *e)
{
	struct proc_id id = {0};
	const struct store_range opened = {.session = session, .after = session - 1, .limit = 1};

	if (store_each(store, opened, last_process, &id, e) < 0 ||
	    store_each_resumed(store, session, last_process, &id, e) < 0)
		return -1;
	if (who)
		*who = id;
	return id.pid > 0 && id.pid != getpid() && proc_is_alive(&id);
}

static int lost(int64_t session, const struct proc_id *who, struct err *e)
{
	if (proc_is_stopped(who->pid))
		return err_set(e, ERR_DENIED, "process %d carries session %lld; its lease file is gone, and it is stopped: let it go on (kill -CONT %d), or end it (kill -9 %d) and resume",
			(int)who->pid, (long long)session, (int)who->pid, (int)who->pid);
	return err_set(e, ERR_DENIED, "process %d carries session %lld; its lease file is gone, and it did not make it anew within %d s: end it (kill %d), then resume",
		(int)who->pid, (long long)session, (int)(CARRIER_WAIT_US / TIME_SECOND), (int)who->pid);
}

int carrier_await(const char *journal, int64_t session, struct err *e)
{
	const struct timespec pause = { .tv_nsec = KEEP_US / 20 * 1000 };
	int64_t until = time_mono_us() + CARRIER_WAIT_US;
	struct proc_id who = { 0 };
	struct store *store;
	int lives;

	if (lease_is_held(journal, session))
		return 1;
	store = store_open(journal, STORE_READ, e);
	if (!store)
		return -1;
	while ((lives = carrier_lives(store, session, &who, e)) > 0 && !lease_is_held(journal, session)) {
		if (proc_is_stopped(who.pid) || time_mono_us() >= until) {
			lives = lost(session, &who, e);
			break;
		}
		nanosleep(&pause, NULL);
	}
	store_close(store);
	return lives;
}
