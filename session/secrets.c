/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* O_NOFOLLOW with fstat on what was opened */
#include "session/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "session/asks.h"
#include "session/calls.h"

/*
 * A secret is fetched when a call first needs it: from the environment, a
 * file that nobody else can read, the output of a command, or a person. Its
 * value goes to the redactor first, then to the worker, and nowhere else.
 */

#define COMMAND_US (60 * TIME_SECOND)
#define SECRET_BYTES ((size_t)65536)

struct fetch {			/* a secret command under way */
	struct engine *engine;
	char *name;
	pid_t pid;
	int fd, timer;
	struct buf out;
};

static struct known_secret *known_get(struct engine *engine, const char *name)
{
	struct known_secret *known;

	for (known = engine->secrets; known; known = known->next)
		if (str_is(known->name, name))
			return known;
	known = mem_alloc(sizeof(*known));
	known->name = mem_strdup(name);
	known->next = engine->secrets;
	engine->secrets = known;
	return known;
}

static int accept_value(struct engine *engine, const char *name, const char *value, size_t len, struct err *e)
{
	struct known_secret *known = known_get(engine, name);
	struct secret *secret;

	while (len && (value[len - 1] == '\n' || value[len - 1] == '\r'))
		len--;
	secret = secret_new(name, value, len, e);
	if (!secret)
		return -1;
	book_secret(engine->book, secret);
	worker_secret(engine->worker, secret);
	secret_free(known->secret);
	known->secret = secret;
	known->asked = false;
	return 0;
}

static void release_later(void *arg)
{
	struct engine *engine = arg;

	calls_release(engine);
	engine_wake(engine);
}

int secrets_take(struct engine *engine, const char *name, const char *value, struct err *e)
{
	if (accept_value(engine, name, value, strlen(value), e) < 0)
		return -1;
	loop_defer(engine->loop, release_later, engine);
	return 0;
}

static void ask_person(struct engine *engine, const char *name, const char *text, const char *problem)
{
	struct json *data = asks_data("secret", text && *text ? text : name, "secret");

	json_set_text(data, "name", name);
	json_set_bool(data, "secret", true);
	json_set_text(data, "details", problem);
	asks_add(engine, NULL, 0, NULL, NULL, data);
}

/* 0 found, -1 with words. */
static int from_file(struct engine *engine, const char *name, const char *path, struct err *e)
{
	struct stat st;
	char bytes[65536];
	ssize_t len;
	int result = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_errno(e, "secret %s: %s", name, path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077)) {
		err_set(e, ERR_DENIED, "secret %s: %s must be a regular file that only its owner can read (chmod 600)", name, path);
	} else {
		len = read(fd, bytes, sizeof(bytes));
		if (len < 0)
			err_errno(e, "secret %s: %s", name, path);
		else
			result = accept_value(engine, name, bytes, (size_t)len, e);
		explicit_bzero(bytes, sizeof(bytes));
	}
	close(fd);
	return result;
}

static void fetch_free(struct fetch *fetch)
{
	loop_cancel(fetch->engine->loop, fetch->timer);
	loop_unwatch(fetch->engine->loop, fetch->fd);
	close(fetch->fd);
	if (fetch->out.data)
		explicit_bzero(fetch->out.data, fetch->out.cap);
	buf_done(&fetch->out);
	mem_free(fetch->name);
	mem_free(fetch);
}

static void fetch_over(struct fetch *fetch, const char *problem)
{
	struct engine *engine = fetch->engine;
	struct err e = {0};

	if (!problem && accept_value(engine, fetch->name, buf_text(&fetch->out), fetch->out.len, &e) < 0)
		problem = e.text;
	if (problem)
		ask_person(engine, fetch->name, NULL, problem);
	else
		loop_defer(engine->loop, release_later, engine);
	fetch_free(fetch);
}

static void fetch_late(void *arg)
{
	struct fetch *fetch = arg;

	fetch->timer = 0;
	kill(-fetch->pid, SIGKILL);
	(void)proc_wait(fetch->pid);
	fetch_over(fetch, "its command gave no answer within 60 s; type the value");
}

static void fetch_ready(void *arg, int fd, short events)
{
	struct fetch *fetch = arg;
	ssize_t n;
	int status;

	(void)events;
	/* All room is made at once, as growing would leave copies of a secret behind. */
	n = read(fd, buf_room(&fetch->out, SECRET_BYTES + 1 - fetch->out.len), SECRET_BYTES + 1 - fetch->out.len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0)
		buf_added(&fetch->out, (size_t)n);
	if (n > 0 && fetch->out.len <= SECRET_BYTES)
		return;
	if (n != 0)
		kill(-fetch->pid, SIGKILL);
	status = proc_wait(fetch->pid);
	fetch_over(fetch, status == 0 ? NULL : "its command failed; type the value");
}

static void from_command(struct engine *engine, const char *name, const char *command)
{
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};
	struct fetch *fetch = mem_alloc(sizeof(*fetch));
	struct err e = {0};
	int fds[2];
	struct proc_spawn spawn = {.argv = argv, .in = -1, .err = -1, .new_group = true, .die_with_parent = true};

	fetch->engine = engine;
	fetch->name = mem_strdup(name);
	fetch->fd = -1;
	if (proc_pipe(fds, &e) < 0) {
		fetch_over(fetch, e.text);
		return;
	}
	spawn.out = fds[1];
	fetch->fd = fds[0];
	fetch->pid = proc_start(&spawn, &e);
	close(fds[1]);
	if (fetch->pid < 0 || proc_nonblock(fds[0], true, &e) < 0) {
		fetch_over(fetch, e.text);
		return;
	}
	loop_watch(engine->loop, fetch->fd, POLLIN, fetch_ready, fetch);
	fetch->timer = loop_after(engine->loop, COMMAND_US, fetch_late, fetch);
}

/* True when the value is known at once. */
static bool fetch_secret(struct engine *engine, const char *name)
{
	const struct json *where = json_at(json_at(engine->fleet, "secrets"), name);
	const char *env = json_text(where, "env", NULL), *file = json_text(where, "file", NULL), *command = json_text(where, "command", NULL);
	struct err e = {0};
	const char *value = env ? getenv(env) : NULL;

	if (command) {
		from_command(engine, name, command);
		return false;
	}
	if (value && accept_value(engine, name, value, strlen(value), &e) == 0)
		return true;
	if (file && from_file(engine, name, file, &e) == 0)
		return true;
	if (env && !value)
		err_set(&e, ERR_NOTFOUND, "the environment of this session has no %s", env);
	ask_person(engine, name, json_text(where, "ask", NULL), e.text[0] ? e.text : NULL);
	return false;
}

static bool each_secret(struct engine *engine, const struct json *value)
{
	const char *name = json_text(value, "$secret", NULL);
	struct json *member;
	void *it = NULL;
	bool ready = true;

	if (name) {
		struct known_secret *known = known_get(engine, name);

		if (known->secret)
			return true;
		if (known->asked)
			return false;
		known->asked = true;
		return fetch_secret(engine, name);
	}
	if (json_type_of(value) == JSON_IS_OBJECT)
		while (json_next(value, &it, &member))
			ready = each_secret(engine, member) && ready;
	if (json_type_of(value) == JSON_IS_ARRAY)
		for (size_t i = 0; i < json_count(value); i++)
			ready = each_secret(engine, json_item(value, i)) && ready;
	return ready;
}

const char *secrets_unknown(const struct engine *engine, const struct json *args)
{
	const struct script_book *book = script_book(engine->script);
	const char *name = json_text(args, "$secret", NULL), *found = NULL;
	struct json *member;
	void *it = NULL;

	if (name) {
		for (size_t i = 0; i < book->param_count; i++)
			if (str_is(book->params[i].name, name))
				return NULL;
		return json_at(json_at(engine->fleet, "secrets"), name) ? NULL : name;
	}
	if (json_type_of(args) == JSON_IS_OBJECT)
		while (!found && json_next(args, &it, &member))
			found = secrets_unknown(engine, member);
	return found;
}

bool secrets_ready(struct engine *engine, const struct json *args)
{
	return each_secret(engine, args);
}

bool secrets_known(const struct engine *engine, const struct json *args)
{
	const struct known_secret *known = engine->secrets;
	const char *name = json_text(args, "$secret", NULL);
	struct json *member;
	void *it = NULL;
	bool is_known = true;

	if (name) {
		while (known && !str_is(known->name, name))
			known = known->next;
		return known && known->secret;
	}
	if (json_type_of(args) == JSON_IS_OBJECT)
		while (is_known && json_next(args, &it, &member))
			is_known = secrets_known(engine, member);
	return is_known;
}

void secrets_free(struct engine *engine)
{
	while (engine->secrets) {
		struct known_secret *known = engine->secrets;

		engine->secrets = known->next;
		secret_free(known->secret);
		mem_free(known->name);
		mem_free(known);
	}
}
