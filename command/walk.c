/* walk.c - the commands that start, join and take over a walk: run, each, attach, resume. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/store/carrier.h"
#include "journal/export/export.h"
#include "journal/store/place.h"
#include "journal/store/store.h"
#include "session/walk/session.h"
#include "tui/live/view.h"

#define CHECK_MAX ((off_t)64 << 20)	/* larger journals: the store looks at their tail, `bellbook verify` at all */

int cmd_check_journal(const struct options *o)
{
	struct verify_report report = {0};
	struct err e = {0};
	struct stat st;
	char *text;
	int result = cmd_check_cut(o);

	if (result != EXIT_OK)
		return result;
	/* An empty file: another process is just making it, or the store will say what it was. */
	if (stat(o->journal, &st) < 0 || st.st_size == 0 || st.st_size > CHECK_MAX)
		return 0;
	if (store_verify(o->journal, &report, &e) < 0)
		return cmd_fail_err(&e);
	if (!report.bad_seq)
		return 0;
	text = mem_printf("the journal %s is NOT INTACT at event %lld: %s. Nothing was written to it. Keep it as evidence, and use another one: --journal PATH", o->journal,
			  (long long)report.bad_seq, report.text);
	result = cmd_fail(EXIT_FAILED, text);
	mem_free(text);
	return result;
}

bool cmd_is_plain(const struct options *o)
{
	return o->plain || getenv("BELLBOOK_PLAIN") || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
}

int cmd_watch(struct options *o, int64_t session)
{
	struct view_options view = {.journal = o->journal, .session = session, .role = o->guest ? "guest" : o->role, .after = o->after, .way_back = &o->way_back};

	if (o->json)
		return view_json(&view);
	if (cmd_is_plain(o))
		return view_plain(&view);
	return view_live(&view);
}

const char *cmd_fleet(const struct options *o, char **owned)
{
	const char *env = getenv("BELLBOOK_FLEET"), *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");

	*owned = NULL;
	if (o->fleet)
		return o->fleet;
	if (env && *env)
		return env;
	*owned = config && *config ? mem_printf("%s/bellbook/fleet.lua", config) : mem_printf("%s/.config/bellbook/fleet.lua", home ? home : "");
	return access(*owned, R_OK) == 0 ? *owned : NULL;
}

int cmd_start(struct options *o, const char *name)
{
	struct session_options options = {.journal = o->journal, .params = o->set, .dry_run = o->dry_run, .reason = o->reason, .note = o->note};
	struct err e = {0};
	int64_t session = 0;
	char *path = cmd_find_runbook(name, &e), *owned;
	int result = -1, damaged;

	options.runbook = path;
	options.fleet = cmd_fleet(o, &owned);
	damaged = path ? cmd_check_journal(o) : 0;
	if (path && !damaged && session_check(&options, &e) == 0)
		result = session_launch(&options, &session, &e);
	mem_free(path);
	mem_free(owned);
	if (damaged)
		return damaged;
	return result < 0 ? cmd_fail_err(&e) : cmd_watch(o, session);
}

int cmd_run(struct options *o)
{
	return o->count == 1 ? cmd_start(o, o->args[0]) : cmd_fail(EXIT_USAGE, "run needs one runbook: bellbook run RUNBOOK");
}

int cmd_each(struct options *o)
{
	struct buf hosts = {0}, command = {0};
	int result;

	if (!o->count || !o->rest || !*o->rest)
		return cmd_fail(EXIT_USAGE, "each needs hosts or roles, then -- and a command: bellbook each web db1 -- uptime");
	for (size_t i = 0; i < o->count; i++)
		buf_printf(&hosts, "%s%s", i ? " " : "", o->args[i]);
	for (const char *const *word = o->rest; *word; word++)
		buf_printf(&command, "%s%s", word == o->rest ? "" : " ", *word);
	if (!o->set)
		o->set = json_new_object();
	json_set_text(o->set, "hosts", buf_text(&hosts));
	json_set_text(o->set, "command", buf_text(&command));
	if (o->at_once)
		json_set_text(o->set, "at_once", o->at_once);
	if (o->stop_after)
		json_set_text(o->set, "stop_after", o->stop_after);
	buf_done(&hosts);
	buf_done(&command);
	result = cmd_start(o, o->read_only ? "each-read" : "each");
	return result;
}

/* The session named on the command line, or the newest open one that wanted says; 0 with words. */
static int64_t pick_session(const struct options *o, bool running, struct err *e)
{
	struct json *sessions;
	int64_t session = 0;

	if (o->count) {
		if (!str_to_int(o->args[0], 1, INT64_MAX, &session))
			err_set(e, ERR_USAGE, "%s is no session number; bellbook sessions lists them", o->args[0]);
		return session;
	}
	sessions = export_sessions(o->journal, true, 0, e);
	for (size_t i = 0; i < json_count(sessions) && !session; i++)
		if (json_bool(json_item(sessions, i), "running", false) == running)
			session = json_int(json_item(sessions, i), "session", 0);
	json_free(sessions);
	if (!session && !e->text[0])
		err_set(e, ERR_NOTFOUND, running ? "no session is running; bellbook resume goes on with one that was killed, bellbook sessions lists all" : "no session waits to be resumed; bellbook sessions lists all");
	return session;
}

int cmd_attach(struct options *o)
{
	struct err e = {0};
	int64_t session = place_check(o->journal, &e) < 0 ? 0 : pick_session(o, true, &e);
	int missing, carried;

	if (!session)
		return cmd_fail_err(&e);
	if (!lease_is_held(o->journal, session) && (missing = cmd_check_session(o, session)) != 0)
		return missing;
	carried = carrier_await(o->journal, session, &e);
	if (carried < 0)
		return cmd_fail_err(&e);
	if (!carried) {
		char *text = mem_printf("no process carries session %lld now. If it is not over, `bellbook resume %lld` takes it over where it stopped", (long long)session, (long long)session);
		int result = cmd_fail(EXIT_USAGE, text);

		mem_free(text);
		return result;
	}
	return cmd_watch(o, session);
}

int cmd_resume(struct options *o)
{
	struct session_options options = {.journal = o->journal, .reason = o->reason ? o->reason : "its process was gone"};
	struct err e = {0};
	int64_t session = place_check(o->journal, &e) < 0 ? 0 : pick_session(o, false, &e);
	int damaged, carried = session ? carrier_await(o->journal, session, &e) : -1;

	if (!session && cmd_check_cut(o) != EXIT_OK)	/* it may be behind the end */
		return EXIT_FAILED;
	/* Of a damaged journal, or one that is not there, more is known below. */
	if (!session || (carried < 0 && e.kind == ERR_DENIED))
		return cmd_fail_err(&e);
	if (carried > 0) {
		fprintf(stderr, "bellbook: session %lld is running: attaching to it\n", (long long)session);
		return cmd_watch(o, session);
	}
	options.resume = session;
	options.fleet = o->fleet;
	if ((damaged = cmd_check_journal(o)) != 0 || (damaged = cmd_check_session(o, session)) != 0)
		return damaged;
	if (session_launch(&options, &session, &e) < 0)
		return cmd_fail_err(&e);
	return cmd_watch(o, session);
}
