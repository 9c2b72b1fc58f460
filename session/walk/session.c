/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* pipe2 */
#include "session/walk/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/store/carrier.h"
#include "session/ask/asks.h"
#include "session/call/calls.h"
#include "session/call/carry.h"
#include "session/call/detour.h"
#include "session/walk/engine.h"
#include "session/walk/fleet_diff.h"
#include "session/walk/foresee.h"
#include "session/lua/lua_watch.h"
#include "session/watch/meter.h"
#include "session/watch/outside.h"
#include "session/people/pairing.h"
#include "session/people/people.h"
#include "session/call/records.h"
#include "session/walk/resume.h"
#include "session/secret/secrets.h"
#include "session/ask/transport_asks.h"
#include "session/walk/steps.h"
#include "session/call/tasks.h"
#include "session/watch/stopped.h"
#include "session/watch/stuck.h"
#include "session/walk/way_back.h"

/*
 * A session is a fold and a loop.
 *
 * The fold: everything that is true of the session follows from its events in
 * the journal (journal/model/model.c for people and views, session/call/calls.c for the
 * calls). The process may be killed between any two instructions; the next
 * one reads the events and is where this one was.
 *
 * The loop: views' intents, the worker's frames, timers. Each becomes an
 * event in the book (session/walk/book.c), and the book stores it. Only then, in
 * on_stored() below, is it folded, told to the views and acted on: a stored
 * call.begun starts the command, a stored call.ended answers Lua, a stored
 * answer lets the step machine (session/walk/steps.c) go on. So nothing is shown
 * that is not stored, and nothing is done that is not written down first.
 * When the journal cannot be written nothing is stored, and so nothing new
 * happens; no other brake is needed.
 *
 * Replay: after a take-over the function of the running step runs again from
 * its beginning. Each call it makes has a path (its position); a call whose
 * path is known answers from the records. The first that is not known is
 * where the session was killed. A call that had begun is settled with the
 * host first (actions/do/job.c): never started, running, finished, or unknown;
 * only a person decides about the unknown.
 *
 * Processes: the fork server is started before anything is opened, so that a
 * worker never holds the journal, Lua or a socket of a view.
 */

#define AWAITED_US (3 * TIME_SECOND)	/* for the view of whoever began or resumed it */
#define LINGER_US (2 * TIME_SECOND)

static void tick(void *arg)
{
	struct engine *engine = arg;
	bool more;

	engine->advance_planned = false;
	if (book_drain(engine->book) < 0)
		return;
	steps_advance(engine);
	if (!engine->script || engine->closed)
		return;
	/* Whoever wants us to go on meanwhile is heard afterwards. */
	engine->advance_planned = engine->in_script = true;
	more = script_run(engine->script);
	engine->in_script = false;
	if (more) {
		foresee_turn(engine);
		/* Not deferred: views and worker have their turn in between. */
		loop_after(engine->loop, 0, tick, engine);
	} else if (engine->woken) {
		loop_defer(engine->loop, tick, engine);
	} else {
		engine->advance_planned = false;
	}
	engine->woken = false;
}

/* ---- what a stored event does ---- */

static void on_step_ended(struct engine *engine, const struct json *data)
{
	const struct json *gives = json_at(data, "gives");
	struct json *value;
	const char *key;
	void *it = NULL;

	while (gives && (key = json_next(gives, &it, &value)) != NULL)
		json_put(engine->vars, key, json_copy_of(value));
}

/* The attempt was begun by an earlier process, perhaps on another boot: when, the wall clock tells. */
static void went_on(struct engine *engine, const struct event *ev)
{
	const struct model_step *step = model_step_find(engine->model, ev->step);

	engine->step_mono_us = ev->mono_us;
	if (!step || step->begun_us <= 0 || step->begun_us > ev->at_us)
		return;
	engine->step_mono_us -= ev->at_us - step->begun_us;
	engine->step_waited_us = step->waited_us;
}

static void on_step_begun(struct engine *engine, const struct event *ev, const struct json *data)
{
	engine->undoing = str_is(json_text(data, "part", ""), "undo");
	engine->warned = false;
	if (!json_bool(data, "again", false)) {
		engine->step_mono_us = ev->mono_us;
		engine->step_waited_us = 0;
	} else if (!engine->step_mono_us) {
		went_on(engine, ev);
	}
}

static void leave(void *arg)
{
	struct engine *engine = arg;

	engine->timer_exit = 0;
	loop_stop(engine->loop);
}

static void leave_when_told(void *arg)
{
	struct engine *engine = arg;

	if (!engine->server || server_is_idle(engine->server))
		leave(engine);
	else
		engine->timer_exit = loop_after(engine->loop, TIME_SECOND / 50, leave_when_told, engine);
}

/* Views get everything, a stopped one is not waited for long. */
static void end_when_told(struct engine *engine)
{
	if (engine->timer_exit)
		return;
	loop_after(engine->loop, LINGER_US, leave, engine);
	engine->timer_exit = loop_after(engine->loop, TIME_SECOND / 50, leave_when_told, engine);
}

static void on_closed(struct engine *engine)
{
	engine->closed = true;
	tasks_drop(engine);
	end_when_told(engine);
}

static void act(struct engine *engine, const struct event *ev)
{
	struct err e = {0};
	struct json *data = NULL;

	if (ev->kind == EVENT_CALL_OUTPUT)
		return;
	data = json_parse(ev->data, strlen(ev->data), &e);
	if (!str_is(ev->who, "bellbook"))
		rounds_anew(&engine->rounds);
	pairing_stored(engine, ev, data);
	people_stored(engine, ev, data);
	if (ev->kind == EVENT_STEP_ENDED)
		on_step_ended(engine, data);
	else if (ev->kind == EVENT_STEP_BEGUN)
		on_step_begun(engine, ev, data);
	else if (ev->kind == EVENT_WARNED)
		engine->warned = true;
	else if (ev->kind == EVENT_ASKED || ev->kind == EVENT_ANSWERED || ev->kind == EVENT_WITHDRAWN)
		asks_stored(engine, ev);
	else if (ev->kind == EVENT_SESSION_CONTINUED || ev->kind == EVENT_APPROVAL_GIVEN)
		calls_release(engine);
	else if (ev->kind == EVENT_RUNBOOK_CHANGED && engine->settle_later && str_is(json_text(data, "change", ""), "fleet"))
		calls_settle(engine);
	else if (ev->kind == EVENT_SESSION_CLOSED)
		on_closed(engine);
	json_free(data);
	engine_wake(engine);
}

static void on_stored(void *arg, const struct event *ev)
{
	struct engine *engine = arg;

	if (ev->kind == EVENT_SESSION_OPENED)
		engine->session = ev->seq;
	model_apply(engine->model, ev);
	if (engine->server)
		server_tell(engine->server, ev);
	calls_stored(engine, ev, true);
	act(engine, ev);
}

static void on_halted(void *arg, const char *why)
{
	struct engine *engine = arg;
	struct json *value = json_new_object();

	json_set_text(value, "why", why);
	if (engine->worker)
		worker_pause(engine->worker, true);
	if (engine->server)
		server_say(engine->server, NULL, "halted", value);
	else
		json_free(value);
	if (carry_is_over(engine))
		end_when_told(engine);
}

static void on_cleared(void *arg)
{
	struct engine *engine = arg;

	if (engine->worker)
		worker_pause(engine->worker, false);
	if (engine->server)
		server_say(engine->server, NULL, "cleared", json_new_object());
	engine_wake(engine);
}

/* ---- opening ---- */

static int load_script(struct engine *engine, const struct session_options *options, const char *path, struct err *e)
{
	engine->script = script_load(path, e);
	if (!engine->script)
		return -1;
	if (options->fleet) {
		engine->fleet = fleet_load(options->fleet, e);
		return engine->fleet ? 0 : -1;
	}
	engine->fleet = json_new_object();
	json_set_text(engine->fleet, "name", "none");
	json_put(engine->fleet, "hosts", json_new_object());
	json_put(engine->fleet, "roles", json_new_object());
	return 0;
}

/* Checked values of the given parameters, an object. NULL with words. */
static struct json *given_params(struct script *script, const struct json *given, struct err *e)
{
	const struct script_book *book = script_book(script);
	struct json *checked = json_new_object(), *value;
	const char *names[64] = {NULL}, *key;
	void *it = NULL;

	for (size_t i = 0; i < book->param_count && i < 63; i++)
		names[i] = book->params[i].name;
	while (given && (key = json_next(given, &it, &value)) != NULL) {
		size_t i = 0;
		const char *near = str_nearest(key, names);

		while (i < book->param_count && !str_is(book->params[i].name, key))
			i++;
		if (i == book->param_count) {
			err_set(e, ERR_USAGE, "%s has no parameter %s%s%s", book->id, key, near ? "; did you mean " : "", near ? near : "");
		} else if (str_is(book->params[i].type, "secret")) {
			err_set(e, ERR_USAGE, "%s is a secret: it is not given on the command line, where everybody can read it; bellbook asks for it", key);
		} else {
			struct json *fine = script_param_check(script, &book->params[i], value, e);

			if (fine) {
				json_put(checked, key, fine);
				continue;
			}
		}
		json_free(checked);
		return NULL;
	}
	return checked;
}

static int record_opened(struct engine *engine, const struct json *params, struct err *e)
{
	struct json *value;
	const char *key;
	void *it = NULL;

	engine_add(engine, EVENT_SESSION_OPENED, engine->who, NULL, 0, resume_opened_data(engine, true));
	if (book_drain(engine->book) < 0)
		return err_set(e, ERR_FULL, "%s", book_halted(engine->book));
	while ((key = json_next(params, &it, &value)) != NULL) {
		struct json *data = json_new_object();

		json_set_text(data, "name", key);
		json_put(data, "value", json_copy_of(value));
		json_set_text(data, "source", "given");
		engine_add(engine, EVENT_PARAM_SET, engine->who, NULL, 0, data);
	}
	return 0;
}

/* Why it was begun as it was. */
static void record_note(struct engine *engine, const char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .who = engine->who, .bytes = text, .len = text ? strlen(text) : 0};

	if (ev.len)
		book_add(engine->book, &ev, 1);
}

struct opened {
	char *runbook, *fleet;	/* owned */
	struct json *facts;	/* owned; of the fleet */
};

static bool find_paths(void *arg, const struct event *ev)
{
	struct opened *opened = arg;
	struct err e = {0};
	struct json *data = json_parse(ev->data, strlen(ev->data), &e);

	if (ev->kind == EVENT_SESSION_OPENED) {
		mem_set(&opened->runbook, json_text(json_at(data, "runbook"), "path", NULL));
		mem_set(&opened->fleet, json_text(json_at(data, "fleet"), "path", NULL));
		json_free(opened->facts);
		opened->facts = json_copy_of(json_at(data, "fleet"));
	}
	json_free(data);
	return ev->kind != EVENT_SESSION_OPENED;
}

/* The fleet file is read anew, but jobs stay where they were begun: resume_compare says so. */
static void keep_places(struct engine *engine, const struct json *facts)
{
	struct buf words = {0};

	if (facts && fleet_keep_places(engine->fleet, facts, &words))
		engine->places_kept = mem_printf("The fleet file names other folders for jobs now. This session keeps to those it began with, where its jobs are: %s.",
						 buf_text(&words));
	buf_done(&words);
}

/* Its lease could be taken, but files can be removed: the journal knows who carries it. */
static int refuse_living(struct engine *engine, struct err *e)
{
	struct proc_id who = {0};
	int lives = carrier_lives(engine->store, engine->session, &who, e);

	if (lives <= 0)
		return lives;
	return err_set(e, ERR_DENIED, "session %lld is carried by process %d, which lives though its lease file is gone: attach to it (bellbook attach %lld), or end that process first",
		       (long long)engine->session, (int)who.pid, (long long)engine->session);
}

static int open_resumed(struct engine *engine, const struct session_options *options, struct err *e)
{
	struct session_options found = *options;
	struct opened opened = {0};
	int result = -1;

	engine->session = options->resume;
	book_session(engine->book, engine->session);
	/* Before the lease is taken, which who carries it would see as taken over; and once more, as it may have begun just now. */
	if (carrier_await(engine->journal, engine->session, e) < 0)
		return -1;
	engine->keep = keep_take(engine->journal, engine->session, e);
	if (!engine->keep || refuse_living(engine, e) < 0)
		return -1;
	if (store_each_marker(engine->store, engine->session, engine->session - 1, find_paths, &opened, e) < 0)
		return -1;
	if (!found.runbook)
		found.runbook = opened.runbook;
	if (!found.fleet)
		found.fleet = opened.fleet;
	if (!found.runbook)
		err_set(e, ERR_NOTFOUND, "the journal %s has no session %lld", engine->journal, (long long)engine->session);
	else if (load_script(engine, &found, found.runbook, e) == 0) {
		keep_places(engine, opened.facts);
		result = resume_load(engine, e);
	}
	if (result == 0)
		secrets_start(engine);
	mem_free(opened.runbook);
	mem_free(opened.fleet);
	json_free(opened.facts);
	return result;
}

static int open_new(struct engine *engine, const struct session_options *options, struct err *e)
{
	struct json *params;
	int result;

	if (load_script(engine, options, options->runbook, e) < 0)
		return -1;
	params = given_params(engine->script, options->params, e);
	if (!params)
		return -1;
	secrets_start(engine);
	store_carry(engine->store, 0, 0);
	result = record_opened(engine, params, e);
	json_free(params);
	if (result < 0)
		return -1;
	record_note(engine, options->note);
	engine->keep = keep_take(engine->journal, engine->session, e);
	return engine->keep ? 0 : -1;
}

static int start_serving(struct engine *engine, const struct session_options *options, struct err *e)
{
	struct json *config = json_new_object();
	int fd = keep_listen(engine->keep, e);
	const char *ssh_config = json_text(engine->fleet, "ssh_config", getenv("BELLBOOK_SSH_CONFIG"));

	json_set_text(config, "ssh_config", ssh_config);
	json_put(config, "hosts", json_copy_of(json_at(engine->fleet, "hosts")));
	if (fd < 0) {
		json_free(config);
		return -1;
	}
	engine->server = server_new(engine->loop, fd, engine->store, engine->session, people_hooks(), engine);
	engine->worker = worker_new(engine->loop, engine->forks, calls_worker_events(), engine, e);
	if (!engine->worker) {
		json_free(config);
		return -1;
	}
	secrets_hide(engine, config);
	worker_config(engine->worker, config);
	secrets_started(engine);
	stopped_watch(engine);
	if (options->resume) {
		if (resume_compare(engine, options->reason, e) < 0)
			return -1;
		if (!engine->settle_later)
			calls_settle(engine);
	}
	carry_start(engine);
	engine_wake(engine);
	return 0;
}

static void on_term(void *arg, int signo)
{
	struct engine *engine = arg;

	(void)signo;
	/* Like a kill, only politer: the session stays open and can be resumed. */
	if (book_drain(engine->book) < 0)
		(void)book_drain(engine->book);		/* what was found wrong may be mended by now */
	loop_stop(engine->loop);
}

/* This program again, also when its file was replaced meanwhile. */
static const char *const fork_program[] = {"/proc/self/exe", SESSION_FORK_SERVER, NULL};

/* It goes on without a view, as it would when its view was lost. */
static void nobody_came(void *arg)
{
	struct engine *engine = arg;

	engine->awaited = false;
	engine_wake(engine);
}

static int engine_open(struct engine *engine, const struct session_options *options, struct err *e)
{
	static const struct book_hooks hooks = {.fit = carry_fit, .stored = on_stored, .halted = on_halted, .cleared = on_cleared};

	engine->journal = options->journal;
	engine->dry_run = options->dry_run;
	engine->who = account_name(getuid());
	engine->model = model_new();
	pairing_open(engine);
	engine->vars = json_new_object();
	engine->prefix = mem_strdup("");
	engine->forks = fork_server_start(worker_main, e);
	if (!engine->forks)
		return -1;
	fork_server_program(engine->forks, fork_program);
	/* What the session itself makes is its own; commands of the worker keep the umask that bellbook was started with. */
	umask(077);
	engine->loop = loop_new(NULL);
	engine->turn = tick;
	engine->store = store_open(options->journal, STORE_WRITE, e);
	if (!engine->store)
		return -1;
	engine->book = book_new(engine->loop, engine->store, &hooks, engine);
	if ((options->resume ? open_resumed(engine, options, e) : open_new(engine, options, e)) < 0)
		return -1;
	if (loop_signal(engine->loop, SIGTERM, on_term, engine, e) < 0)
		return -1;
	engine->awaited = true;
	loop_after(engine->loop, AWAITED_US, nobody_came, engine);
	return start_serving(engine, options, e);
}

static void engine_close(struct engine *engine)
{
	struct err e = {0};

	server_free(engine->server);
	stopped_end(engine);
	meter_end(engine);
	outside_done(engine);
	worker_free(engine->worker);
	if (engine->script)
		script_free(engine->script);
	records_free(engine);
	detour_done(engine);
	transport_ask_free(engine);
	stuck_done(engine);
	secrets_free(engine);
	book_free(engine->book);
	if (engine->store)
		(void)store_checkpoint(engine->store, engine->closed, &e);
	store_close(engine->store);
	keep_drop(engine->keep);
	fork_server_stop(engine->forks);
	loop_free(engine->loop);
	model_free(engine->model);
	pairing_close(engine);
	json_free(engine->fleet);
	json_free(engine->vars);
	json_free(engine->gives);
	json_free(engine->look_commands);
	buf_done(&engine->look_raised);
	mem_free(engine->look_if);
	json_free(engine->look_places);
	json_free(engine->closing_data);
	mem_free(engine->look_details);
	mem_free(engine->look_by_hand);
	mem_free(engine->probe_text);
	mem_free(engine->prefix);
	mem_free(engine->abort_why);
	mem_free(engine->abort_who);
	mem_free(engine->who);
}

/* ---- the process ---- */

static void report(int fd, const char *kind, const char *text)
{
	struct buf line = {0};
	ssize_t n;

	buf_printf(&line, "%s %s", kind, text);
	do
		n = write(fd, line.data, line.len);
	while (n < 0 && errno == EINTR);
	buf_done(&line);
	close(fd);
}

/* Away from the terminal, from what the launcher had open, and from its folder, which somebody may want to unmount. */
static void detach(int ready)
{
	const char *log = getenv("BELLBOOK_SESSION_LOG");
	struct err e;
	int null = open("/dev/null", O_RDWR);
	int err = log ? file_open(log, O_WRONLY | O_CREAT | O_APPEND, 0600, &e) : -1;

	setsid();
	dup2(null, 0);
	dup2(null, 1);
	dup2(err >= 0 ? err : null, 2);
	proc_close_from(3, ready);
	(void)!chdir("/");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
}

/* The same file seen from any folder. NULL stays NULL. Caller owns. */
static char *absolute(const char *path)
{
	char here[PATH_MAX];

	if (!path || *path == '/' || !getcwd(here, sizeof(here)))
		return mem_strdup(path);
	return mem_printf("%s/%s", here, path);
}

/* ready: where the launcher is told. */
static int carry(const struct session_options *options, int ready)
{
	struct engine engine = {0};
	struct err e = {0};
	char number[32];
	int result = 0;

	detach(ready);
	secret_protect_process();
	lua_watch_tell(ready);
	if (engine_open(&engine, options, &e) < 0) {
		report(ready, err_kind_name(e.kind), e.text);
		engine_close(&engine);
		return 1;
	}
	snprintf(number, sizeof(number), "%lld", (long long)engine.session);
	report(ready, "ok", number);
	lua_watch_tell(-1);
	stuck_arm(&engine);
	if (loop_run(engine.loop, &e) < 0)
		result = 1;
	engine_close(&engine);
	return result;
}

/* What names files is made absolute, as the folder is left. */
static int session_main(const struct session_options *given, int ready)
{
	struct session_options options = *given;
	char *journal = absolute(given->journal), *runbook = absolute(given->runbook), *fleet = absolute(given->fleet);
	char *ssh_config = absolute(getenv("BELLBOOK_SSH_CONFIG"));
	/* Clear of 0, 1 and 2, should we have been started without them. */
	int clear = fcntl(ready, F_DUPFD_CLOEXEC, 3), result;

	options.journal = journal;
	options.runbook = runbook;
	options.fleet = fleet;
	if (ssh_config)
		setenv("BELLBOOK_SSH_CONFIG", ssh_config, 1);
	result = carry(&options, clear >= 0 ? clear : ready);
	mem_free(journal);
	mem_free(runbook);
	mem_free(fleet);
	mem_free(ssh_config);
	return result;
}

int session_check(const struct session_options *options, struct err *e)
{
	struct engine engine = {0};
	struct json *params = NULL;
	int result = load_script(&engine, options, options->runbook, e);

	if (result == 0)
		result = script_check_calls(engine.script, e);
	if (result == 0) {
		params = given_params(engine.script, options->params, e);
		result = params ? way_back_check(engine.script, e) : -1;
	}
	json_free(params);
	json_free(engine.fleet);
	mem_free(engine.places_kept);
	script_free(engine.script);
	return result;
}

static int read_report(int fd, int64_t *session, struct err *e)
{
	char text[512];
	size_t len = 0;
	ssize_t n;
	char *space;

	while (len < sizeof(text) - 1 && ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0 || (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	text[len] = '\0';
	space = strchr(text, ' ');
	if (!space)
		return err_set(e, ERR_IO, "the session's process ended before it was ready");
	*space = '\0';
	if (!str_is(text, "ok"))
		return err_set(e, err_kind_find(text), "%s", space + 1);
	if (!str_to_int(space + 1, 1, INT64_MAX, session))
		return err_set(e, ERR_CORRUPT, "the session's process answered nonsense");
	return 0;
}

int session_launch(const struct session_options *options, int64_t *session, struct err *e)
{
	int fds[2], result;
	pid_t pid;

	if (proc_pipe(fds, e) < 0)
		return -1;
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_errno(e, "cannot start the session's process");
	}
	if (pid == 0) {
		/* Forked twice, so that whoever launched it never has a zombie of it. */
		if (fork() != 0)
			_exit(0);
		/* Not _exit: the leak check of a sanitizer comes at exit. Standard streams lead nowhere by then. */
		exit(session_main(options, fds[1]));
	}
	close(fds[1]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	result = read_report(fds[0], session, e);
	close(fds[0]);
	return result;
}
