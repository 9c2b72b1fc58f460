/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ssh asks through SSH_ASKPASS: that is this program again, which finds our
 * socket by an environment variable (askpass.c). A question is two strings,
 * each with its NUL: the hint of SSH_ASKPASS_PROMPT and the text.
 */
#define _GNU_SOURCE
#include "actions/ssh/ssh_prompt.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actions/transport/askpass.h"
#include "actions/worker/call_int.h"
#include "actions/ssh/ssh_child.h"
#include "actions/ssh/ssh_folder.h"
#include "actions/ssh/ssh_memory.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

#define WORDS_MAX ((size_t)16384)
#define QUESTION_MAX ((size_t)16384)
#define QUESTION_TIME (5 * TIME_SECOND)

extern char **environ;

/* An answer that was given, until it is known to be right. */
struct given {
	char *question;		/* owned */
	char *memory;		/* owned; key in ssh_memory; NULL = not to be remembered */
	char *answer;		/* owned; wiped */
	struct given *next;
};

struct ssh_prompt {
	char *host;		/* owned */
	char *folder;		/* owned */
	char *socket;		/* owned */
	int listener, epoll;
	int from, to;		/* the stderr pipe */
	struct buf words;
	char *settings[5];	/* owned; ours, behind the inherited ones in env */
	const char **env;	/* owned array */
	struct given *given;
};

static bool is_ours(const char *entry)
{
	static const char *const names[] = {
		"SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", ASKPASS_VARIABLE, "LC_ALL", "LANGUAGE", NULL,
	};

	for (const char *const *name = names; *name; name++) {
		if (str_starts(entry, *name) && entry[strlen(*name)] == '=')
			return true;
	}
	return false;
}

static void make_env(struct ssh_prompt *prompt)
{
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	size_t count = 0, n = 0;

	program[len > 0 ? len : 0] = '\0';
	prompt->settings[0] = mem_printf("SSH_ASKPASS=%s", program);
	prompt->settings[1] = mem_strdup("SSH_ASKPASS_REQUIRE=force");
	prompt->settings[2] = mem_printf("%s=%s", ASKPASS_VARIABLE, prompt->socket);
	/* We read what it says on stderr. */
	prompt->settings[3] = mem_strdup("LC_ALL=C");
	while (environ[count])
		count++;
	prompt->env = mem_array(count + 5, sizeof(*prompt->env));
	for (size_t i = 0; i < count; i++) {
		if (!is_ours(environ[i]))
			prompt->env[n++] = environ[i];
	}
	for (size_t i = 0; prompt->settings[i]; i++)
		prompt->env[n++] = prompt->settings[i];
}

static int make_folder(struct ssh_prompt *prompt, struct err *e)
{
	prompt->folder = ssh_folder_make("ssh", e);
	if (!prompt->folder)
		return -1;
	prompt->socket = mem_printf("%s/ask", prompt->folder);
	return 0;
}

static int listen_there(struct ssh_prompt *prompt, struct err *e)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	prompt->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (prompt->listener < 0 || !str_copy(where.sun_path, sizeof(where.sun_path), prompt->socket) ||
	    bind(prompt->listener, (const struct sockaddr *)&where, sizeof(where)) < 0 || listen(prompt->listener, 8) < 0)
		return err_errno(e, "cannot listen at %s", prompt->socket);
	return 0;
}

static int watch(struct ssh_prompt *prompt, int fd, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(prompt->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, "cannot watch a connection");
	return 0;
}

static int open_pipe(struct ssh_prompt *prompt, struct err *e)
{
	int ends[2];

	if (proc_pipe(ends, e) < 0)
		return -1;
	prompt->from = ends[0];
	prompt->to = ends[1];
	/* The writer's end too: nobody reads while a command runs, and ssh must not wait for that. */
	if (proc_nonblock(ends[0], true, e) < 0 || proc_nonblock(ends[1], true, e) < 0)
		return -1;
	return watch(prompt, prompt->from, e);
}

struct ssh_prompt *ssh_prompt_new(const char *host, struct err *e)
{
	struct ssh_prompt *prompt = mem_alloc(sizeof(*prompt));

	*prompt = (struct ssh_prompt){ .host = mem_strdup(host), .listener = -1, .from = -1, .to = -1 };
	prompt->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (prompt->epoll < 0)
		err_errno(e, "cannot watch a connection");
	else if (make_folder(prompt, e) == 0 && listen_there(prompt, e) == 0 && watch(prompt, prompt->listener, e) == 0 &&
		 open_pipe(prompt, e) == 0) {
		make_env(prompt);
		return prompt;
	}
	ssh_prompt_free(prompt);
	return NULL;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void ssh_prompt_free(struct ssh_prompt *prompt)
{
	if (!prompt)
		return;
	close_fd(prompt->listener);
	close_fd(prompt->epoll);
	close_fd(prompt->from);
	close_fd(prompt->to);
	ssh_folder_remove(prompt->folder);
	while (prompt->given) {
		struct given *next = prompt->given->next;

		mem_free(prompt->given->question);
		mem_free(prompt->given->memory);
		ssh_memory_wipe(prompt->given->answer);
		mem_free(prompt->given);
		prompt->given = next;
	}
	for (size_t i = 0; prompt->settings[i]; i++)
		mem_free(prompt->settings[i]);
	mem_free(prompt->env);
	mem_free(prompt->host);
	mem_free(prompt->folder);
	mem_free(prompt->socket);
	buf_done(&prompt->words);
	mem_free(prompt);
}

const char *ssh_prompt_folder(const struct ssh_prompt *prompt)
{
	return prompt->folder;
}

const char *const *ssh_prompt_env(const struct ssh_prompt *prompt)
{
	return prompt->env;
}

int ssh_prompt_errors(const struct ssh_prompt *prompt)
{
	return prompt->to;
}

static void drain_words(struct ssh_prompt *prompt)
{
	char text[4096];
	ssize_t got;

	while ((got = read(prompt->from, text, sizeof(text))) > 0) {
		buf_append(&prompt->words, text, (size_t)got);
		if (prompt->words.len > WORDS_MAX)
			buf_consume(&prompt->words, prompt->words.len - WORDS_MAX);
	}
}

/* ---- questions ---- */

/* Reads a whole question. 0 = it is there, 1 = it is none, -1. */
static int read_question(struct call *call, int fd, struct buf *question, struct err *e)
{
	for (;;) {
		int waited = call_wait(call, fd, POLLIN, QUESTION_TIME, e);
		ssize_t got;

		if (waited != 0)
			return waited;
		got = recv(fd, buf_room(question, 1024), 1024, 0);
		if (got == 0)
			break;
		if (got > 0)
			buf_added(question, (size_t)got);
		else if (errno != EAGAIN && errno != EINTR)
			return 1;
		if (question->len > QUESTION_MAX)
			return 1;
	}
	/* Both strings have their end. */
	if (question->len < 2 || question->data[question->len - 1] != '\0' ||
	    strlen(question->data) + 1 >= question->len)
		return 1;
	return 0;
}

/* "key PATH" for a passphrase, as libssh2's log-in remembers it; else the question itself, when it is about a password. Caller owns. */
static char *memory_of(const char *text)
{
	const char *quote = strstr(text, "assphrase for key '");
	const char *end;

	if (quote) {
		quote = strchr(quote, '\'') + 1;
		end = strrchr(quote, '\'');
		if (end) {
			char *path = mem_dup(quote, (size_t)(end - quote));
			char *key = mem_printf("key %s", path);

			mem_free(path);
			return key;
		}
	}
	if (ssh_memory_is_password(text))
		return mem_printf("ssh %s", text);
	return NULL;
}

static struct given *find_given(struct ssh_prompt *prompt, const char *question)
{
	struct given *at = prompt->given;

	while (at && !str_is(at->question, question))
		at = at->next;
	return at;
}

static int ask_secret(struct ssh_prompt *prompt, struct call *call, const char *text, char **answer, struct err *e)
{
	struct given *given = find_given(prompt, text);
	struct buf words = {0};
	int result = 0;

	if (!given) {
		given = mem_alloc(sizeof(*given));
		given->question = mem_strdup(text);
		given->memory = memory_of(text);
		given->next = prompt->given;
		prompt->given = given;
		*answer = given->memory ? ssh_memory_get(given->memory) : NULL;
	} else if (given->memory) {
		/* Asked again: what was given was wrong. */
		ssh_memory_set(given->memory, NULL);
		buf_puts(&words, "That was not it. ");
	}
	if (!*answer) {
		buf_printf(&words, "To log in to %s: %s", prompt->host, text);
		result = call_ask(call, "secret", buf_text(&words), NULL, answer, e);
	}
	ssh_memory_wipe(given->answer);
	given->answer = mem_strdup(*answer);
	buf_done(&words);
	return result;
}

/* yes or no. The answer is what ssh wants to read. */
static int ask_trust(struct call *call, const char *text, char **answer, struct err *e)
{
	struct buf words = {0};
	char *said = NULL;
	const char *end = strstr(text, "Are you sure you want to continue connecting");
	int result;

	buf_append(&words, text, end ? (size_t)(end - text) : strlen(text));
	if (end)
		buf_puts(&words, "Is that right?");
	result = call_ask(call, "hostkey", buf_text(&words),
			  "Compare the fingerprint with what whoever runs the host says.", &said, e);
	if (result == 0)
		*answer = mem_strdup(str_is(said, "trust") ? "yes" : "no");
	mem_free(said);
	buf_done(&words);
	return result;
}

static int answer_question(struct ssh_prompt *prompt, struct call *call, const struct buf *question, char **answer,
			   struct err *e)
{
	const char *hint = question->data;
	const char *text = hint + strlen(hint) + 1;

	if (str_is(hint, "none")) {
		/* "Confirm user presence for key …": words, no question. */
		call_output(call, "note", text, strlen(text));
		call_output(call, "note", "\n", 1);
		*answer = mem_strdup("");
		return 0;
	}
	if (str_is(hint, "confirm") || strstr(text, "(yes/no"))
		return ask_trust(call, text, answer, e);
	return ask_secret(prompt, call, text, answer, e);
}

static void send_answer(int fd, const char *answer)
{
	size_t len = strlen(answer);

	/* Short, and the buffer is empty. */
	if (send(fd, "y", 1, MSG_NOSIGNAL) == 1 && len > 0)
		(void)!send(fd, answer, len, MSG_NOSIGNAL);
}

static int serve(struct ssh_prompt *prompt, struct call *call, struct err *e)
{
	struct buf question = {0};
	char *answer = NULL;
	int fd = accept4(prompt->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int result;

	if (fd < 0)
		return 0;
	result = read_question(call, fd, &question, e);
	call->asker = fd + 1;
	if (result == 0)
		result = answer_question(prompt, call, &question, &answer, e);
	call->asker = 0;
	if (result == 0 && answer)
		send_answer(fd, answer);
	ssh_memory_wipe(answer);
	buf_done(&question);
	close(fd);
	return result < 0 ? -1 : 0;
}

static bool is_ready(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	return fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

static int wait_once(struct ssh_prompt *prompt, struct call *call, int fd, int64_t limit_us, struct err *e)
{
	int64_t until = limit_us >= 0 ? time_mono_us() + limit_us : 0;
	int64_t began;

	for (;;) {
		int64_t left = limit_us >= 0 ? until - time_mono_us() : -1;
		int waited = call_wait(call, prompt->epoll, POLLIN, limit_us >= 0 && left < 0 ? 0 : left, e);

		if (waited != 0)
			return waited;
		drain_words(prompt);
		began = time_mono_us();
		if (is_ready(prompt->listener, POLLIN) && serve(prompt, call, e) < 0)
			return -1;
		/* A person's time is not the host's. */
		until += time_mono_us() - began;
		if (is_ready(fd, POLLIN))
			return 0;
	}
}

int ssh_prompt_wait(struct ssh_prompt *prompt, struct call *call, int fd, int64_t limit_us, struct err *e)
{
	int result;

	if (fd >= 0 && watch(prompt, fd, e) < 0)
		return -1;
	result = wait_once(prompt, call, fd, limit_us, e);
	if (fd >= 0)
		(void)epoll_ctl(prompt->epoll, EPOLL_CTL_DEL, fd, NULL);
	return result;
}

const char *ssh_prompt_words(struct ssh_prompt *prompt, enum err_kind *kind)
{
	static const char *const refused[] = {
		"Permission denied", "Host key verification failed", "REMOTE HOST IDENTIFICATION", "Too many authentication",
		"No matching host key", "No supported authentication", "Unable to negotiate", "Bad configuration option", NULL,
	};

	drain_words(prompt);
	*kind = ERR_IO;
	for (const char *const *text = refused; *text; text++) {
		if (strstr(buf_text(&prompt->words), *text))
			*kind = ERR_DENIED;
	}
	return ssh_child_last_line(&prompt->words, NULL);
}

const char *ssh_prompt_said(struct ssh_prompt *prompt)
{
	drain_words(prompt);
	return buf_text(&prompt->words);
}

char *ssh_prompt_take(struct ssh_prompt *prompt, const char *part)
{
	struct buf left = { 0 };
	const char *text, *found, *start, *end;
	char *line;

	drain_words(prompt);
	text = buf_text(&prompt->words);
	found = strstr(text, part);
	if (!found)
		return NULL;
	for (start = found; start > text && start[-1] != '\n'; start--)
		;
	end = found + strcspn(found, "\r\n");
	line = mem_dup(found, (size_t)(end - found));
	for (char *at = line; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	}
	end += strspn(end, "\r\n");
	buf_append(&left, text, (size_t)(start - text));
	buf_puts(&left, end);
	buf_done(&prompt->words);
	prompt->words = left;
	return line;
}

void ssh_prompt_succeeded(struct ssh_prompt *prompt)
{
	for (struct given *at = prompt->given; at; at = at->next) {
		if (at->memory && at->answer && *at->answer)
			ssh_memory_set(at->memory, at->answer);
	}
}
