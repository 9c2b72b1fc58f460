/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* explicit_bzero */
#include "session/secret/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "session/ask/asks.h"
#include "session/call/calls.h"
#include "session/secret/secret_words.h"

/*
 * A secret comes from the environment, from a file that nobody else can read,
 * from the output of a command, or from a person. The first two are read when
 * the session begins, for a command here can print them before any call has
 * used them; a command is run and a person is asked when a call first needs
 * the value. It goes to the redactor first, then to the worker, and nowhere
 * else.
 */

#define COMMAND_US (60 * TIME_SECOND)
#define LOOK_US (TIME_SECOND / 20)

/* A secret's command under way. It is over when its process has ended, whatever else still holds its output open; until then the loop goes on. */
struct fetch {
	struct engine *engine;
	char *name;		/* owned */
	pid_t pid;		/* 0 = it was reaped */
	int fd;			/* its output; -1 = ended */
	int pidfd;		/* readable when the process has ended; -1 = look from time to time */
	int timer, look;
	struct buf out;
};

struct known_secret *secrets_entry(struct engine *engine, const char *name)
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
	struct known_secret *known = secrets_entry(engine, name);
	struct secret *secret;

	while (len && (value[len - 1] == '\n' || value[len - 1] == '\r'))
		len--;
	if (len == 0)
		return err_set(e, ERR_USAGE, "secret %s is empty", name);
	secret = secret_new_any(name, value, len, e);
	if (!secret)
		return -1;
	known->word = len >= SECRET_MIN && secret_is_word(engine, value, len);
	if (known->word)
		book_word(engine->book, secret);
	else
		book_secret(engine->book, secret);
	if (engine->worker)
		worker_secret(engine->worker, secret);
	secret_free(known->secret);
	known->secret = secret;
	known->asked = known->stale = false;
	if (engine->secrets_told)
		secret_word_tell(engine, known);
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
	if (strlen(value) < SECRET_MIN)
		return err_set(e, ERR_USAGE, "that has %zu bytes; a secret that is typed has at least %d", strlen(value), SECRET_MIN);
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

/* Reads at most one byte more than a secret may have. Length, or -1 with words. */
static ssize_t read_value(int fd, char *bytes, const char *name, const char *path, struct err *e)
{
	size_t len = 0;
	ssize_t n;

	while (len <= LIMIT_SECRET) {
		n = read(fd, bytes + len, LIMIT_SECRET + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "secret %s: %s", name, path);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* 0 found, -1 with words. */
static int from_file(struct engine *engine, const char *name, const char *path, struct err *e)
{
	struct stat st;
	char bytes[LIMIT_SECRET + 1];
	ssize_t len;
	int result = -1, fd = file_open(path, O_RDONLY, 0, e);

	if (fd < 0)
		return err_wrap(e, "secret %s", name);
	if (fstat(fd, &st) < 0 || (st.st_mode & 077)) {
		err_set(e, ERR_DENIED, "secret %s: %s must be a regular file that only its owner can read (chmod 600)", name, path);
	} else {
		len = read_value(fd, bytes, name, path, e);
		if (len >= 0)
			result = accept_value(engine, name, bytes, (size_t)len, e);
		explicit_bzero(bytes, sizeof(bytes));
	}
	close(fd);
	return result;
}

static void from_env(struct engine *engine, const char *name, const char *variable)
{
	const char *value = getenv(variable);
	struct err e = {0};

	if (value && accept_value(engine, name, value, strlen(value), &e) < 0)
		mem_set(&secrets_entry(engine, name)->problem, e.text);
	secret_forget_env(variable);
}

void secrets_start(struct engine *engine)
{
	const struct json *secrets = json_at(engine->fleet, "secrets");
	struct json *where;
	const char *name;
	void *it = NULL;

	while (secrets && (name = json_next(secrets, &it, &where)) != NULL) {
		struct err ignored = {0};

		if (json_text(where, "env", NULL))
			from_env(engine, name, json_text(where, "env", ""));
		else if (json_text(where, "file", NULL) && from_file(engine, name, json_text(where, "file", ""), &ignored) == 0)
			secrets_entry(engine, name)->stale = true;
	}
}

void secrets_started(struct engine *engine)
{
	engine->secrets_told = true;
	for (struct known_secret *known = engine->secrets; known; known = known->next) {
		if (!known->secret)
			continue;
		worker_secret(engine->worker, known->secret);
		secret_word_tell(engine, known);
	}
}

void secrets_hide(const struct engine *engine, struct json *config)
{
	const struct json *secrets = json_at(engine->fleet, "secrets");
	struct json *hidden = json_new_array(), *where;
	void *it = NULL;

	while (secrets && json_next(secrets, &it, &where)) {
		const char *variable = json_text(where, "env", NULL);

		if (variable)
			json_add(hidden, json_new_text(variable, strlen(variable)));
	}
	json_put(config, "hidden", hidden);
}

static void unwatch(struct fetch *fetch, int *fd)
{
	if (*fd < 0)
		return;
	loop_unwatch(fetch->engine->loop, *fd);
	close(*fd);
	*fd = -1;
}

static void fetch_free(struct fetch *fetch)
{
	loop_cancel(fetch->engine->loop, fetch->timer);
	loop_cancel(fetch->engine->loop, fetch->look);
	unwatch(fetch, &fetch->fd);
	unwatch(fetch, &fetch->pidfd);
	if (fetch->out.data)
		explicit_bzero(fetch->out.data, fetch->out.cap);
	buf_done(&fetch->out);
	mem_free(fetch->name);
	mem_free(fetch);
}

static void reap_later(void *arg);

/* Ends what is left of it. A process that the kernel does not let go yet is reaped later, not waited for. */
static void fetch_kill(struct fetch *fetch)
{
	if (!fetch->pid)
		return;
	kill(-fetch->pid, SIGKILL);
	if (waitpid(fetch->pid, NULL, WNOHANG) == 0) {
		struct fetch *dead = mem_alloc(sizeof(*dead));

		*dead = (struct fetch){.engine = fetch->engine, .pid = fetch->pid};
		loop_after(fetch->engine->loop, LOOK_US, reap_later, dead);
	}
	fetch->pid = 0;
}

static void reap_later(void *arg)
{
	struct fetch *dead = arg;

	if (waitpid(dead->pid, NULL, WNOHANG) == 0)
		loop_after(dead->engine->loop, LOOK_US, reap_later, dead);
	else
		mem_free(dead);
}

static void fetch_over(struct fetch *fetch, const char *problem)
{
	struct engine *engine = fetch->engine;
	struct err e = {0};

	fetch_kill(fetch);
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
	fetch_over(fetch, "its command did not end within 60 s; type the value");
}

/* Takes what it printed; false when it was ended for printing too much. */
static bool fetch_take(struct fetch *fetch)
{
	ssize_t n = 1;

	while (fetch->fd >= 0 && n > 0) {
		/* All room is made at once, as growing would leave copies of a secret behind. */
		size_t room = LIMIT_SECRET + 1 - fetch->out.len;

		n = read(fetch->fd, buf_room(&fetch->out, room), room);
		if (n > 0)
			buf_added(&fetch->out, (size_t)n);
		if (fetch->out.len > LIMIT_SECRET) {
			fetch_over(fetch, "its command printed more than 64 KiB; type the value");
			return false;
		}
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			unwatch(fetch, &fetch->fd);
	}
	return true;
}

static void fetch_failed(struct fetch *fetch, int status)
{
	char *words = NULL;

	if (WIFSIGNALED(status))
		words = mem_printf("its command was ended by signal %d (%s); type the value", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		words = mem_printf("its command failed with exit status %d; type the value", WEXITSTATUS(status));
	fetch_over(fetch, words);
	mem_free(words);
}

/* True: it is over, and the fetch is gone. */
static bool fetch_ended(struct fetch *fetch)
{
	int status = 0;

	if (waitpid(fetch->pid, &status, WNOHANG) == 0)
		return false;
	/* What it left running may hold the pipe, and is none of ours. */
	fetch->pid = 0;
	if (fetch_take(fetch))
		fetch_failed(fetch, status);
	return true;
}

static void fetch_look(void *arg)
{
	struct fetch *fetch = arg;

	fetch->look = 0;
	if (!fetch_ended(fetch))
		fetch->look = loop_after(fetch->engine->loop, LOOK_US, fetch_look, fetch);
}

static void fetch_end(void *arg, int fd, short events)
{
	(void)fd;
	(void)events;
	(void)fetch_ended(arg);
}

static void fetch_ready(void *arg, int fd, short events)
{
	(void)fd;
	(void)events;
	(void)fetch_take(arg);
}

static int fetch_start(struct fetch *fetch, const char *command, struct err *e)
{
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};
	const char *fleet = json_text(fetch->engine->fleet, "path", "/"), *slash = strrchr(fleet, '/');
	char *folder = slash ? mem_dup(fleet, (size_t)(slash - fleet) + 1) : mem_strdup("/");
	struct proc_spawn spawn = {.argv = argv, .dir = folder, .in = -1, .err = -1, .new_group = true, .die_with_parent = true};
	int fds[2], result = -1;

	if (proc_pipe(fds, e) == 0) {
		fetch->fd = fds[0];
		spawn.out = fds[1];
		fetch->pid = proc_start(&spawn, e);
		close(fds[1]);
		if (fetch->pid < 0)
			fetch->pid = 0;
		else
			result = proc_nonblock(fds[0], true, e);
		loop_watch(fetch->engine->loop, fetch->fd, POLLIN, fetch_ready, fetch);
	}
	mem_free(folder);
	return result < 0 ? -1 : proc_watch(fetch->pid, &fetch->pidfd, e);
}

static void from_command(struct engine *engine, const char *name, const char *command)
{
	struct fetch *fetch = mem_alloc(sizeof(*fetch));
	struct err e = {0};

	*fetch = (struct fetch){.engine = engine, .name = mem_strdup(name), .fd = -1, .pidfd = -1};
	if (fetch_start(fetch, command, &e) < 0) {
		fetch_over(fetch, e.text);
		return;
	}
	fetch->timer = loop_after(engine->loop, COMMAND_US, fetch_late, fetch);
	if (fetch->pidfd >= 0)
		loop_watch(engine->loop, fetch->pidfd, POLLIN, fetch_end, fetch);
	else
		fetch->look = loop_after(engine->loop, LOOK_US, fetch_look, fetch);
}

/* True when the value is known at once. */
static bool fetch_secret(struct engine *engine, struct known_secret *known)
{
	const struct json *where = json_at(json_at(engine->fleet, "secrets"), known->name);
	const char *env = json_text(where, "env", NULL), *file = json_text(where, "file", NULL), *command = json_text(where, "command", NULL);
	struct err e = {0};

	known->asked = true;
	if (command) {
		from_command(engine, known->name, command);
		return false;
	}
	if (file && from_file(engine, known->name, file, &e) == 0)
		return true;
	if (env && known->problem)
		err_set(&e, ERR_USAGE, "%s in the environment of this session", known->problem);
	else if (env)
		err_set(&e, ERR_NOTFOUND, "the environment of this session has no %s", env);
	ask_person(engine, known->name, json_text(where, "ask", NULL), e.text[0] ? e.text : NULL);
	return false;
}

/* A file may hold another value by now; one that cannot be read any more leaves what it held. */
static void refresh(struct engine *engine, struct known_secret *known)
{
	const struct json *where = json_at(json_at(engine->fleet, "secrets"), known->name);
	struct err ignored = {0};

	known->stale = false;
	(void)from_file(engine, known->name, json_text(where, "file", ""), &ignored);
}

static bool one_ready(struct engine *engine, struct known_secret *known)
{
	if (known->secret && known->stale)
		refresh(engine, known);
	if (known->secret)
		return true;
	return !known->asked && fetch_secret(engine, known);
}

bool secrets_words_ready(struct engine *engine)
{
	bool ready = true;

	for (struct known_secret *known = engine->secrets; known; known = known->next)
		if (known->word && !known->secret)
			ready = one_ready(engine, known) && ready;
	return ready;
}

static bool each_secret(struct engine *engine, const struct json *value)
{
	const char *name = json_text(value, "$secret", NULL);
	struct json *member;
	void *it = NULL;
	bool ready = true;

	if (name)
		return one_ready(engine, secrets_entry(engine, name));
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
	if (json_type_of(args) == JSON_IS_ARRAY)
		for (size_t i = 0; !found && i < json_count(args); i++)
			found = secrets_unknown(engine, json_item(args, i));
	return found;
}

/* Where in the fleet the secrets stand: path has what leads to value. */
static void list_places(struct buf *out, const char *path, const struct json *value)
{
	const char *name = json_text(value, "$secret", NULL), *key;
	struct json *member;
	void *it = NULL;

	if (name) {
		buf_printf(out, "%s%s (secret \"%s\")", out->len ? ", " : "", path, name);
		return;
	}
	if (json_type_of(value) != JSON_IS_OBJECT)
		return;
	while ((key = json_next(value, &it, &member)) != NULL) {
		char *inner = mem_printf("%s.%s", path, key);

		if (!str_is(inner, "s.fleet.secrets"))
			list_places(out, inner, member);
		mem_free(inner);
	}
}

char *secrets_unknown_words(const struct engine *engine, const char *name)
{
	const struct script_book *book = script_book(engine->script);
	struct buf list = {0};
	char *words;

	for (size_t i = 0; i < book->param_count; i++)
		if (str_is(book->params[i].type, "secret"))
			buf_printf(&list, "%ss.params.%s", list.len ? ", " : "", book->params[i].name);
	list_places(&list, "s.fleet", engine->fleet);
	words = list.len ? mem_printf("there is no secret \"%s\"; there are %s", name, buf_text(&list))
			 : mem_printf("there is no secret \"%s\": the runbook has no parameter of type secret, and the fleet file names none", name);
	buf_done(&list);
	return words;
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
	if (json_type_of(args) == JSON_IS_ARRAY)
		for (size_t i = 0; is_known && i < json_count(args); i++)
			is_known = secrets_known(engine, json_item(args, i));
	return is_known;
}

void secrets_free(struct engine *engine)
{
	while (engine->secrets) {
		struct known_secret *known = engine->secrets;

		engine->secrets = known->next;
		secret_free(known->secret);
		mem_free(known->name);
		mem_free(known->problem);
		mem_free(known);
	}
}
