/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * To a host by hand in the plain view. A shell has no screen here: its type of
 * terminal is "dumb", each line typed goes to it, each line it prints is told,
 * and so is a prompt without an end, once. The echo of what was just typed is
 * left out. Lines are for the shell from its first word on until it is over;
 * plain_question() is negative then, so that a line begun before or meant for
 * it never answers a question.
 */
#define _GNU_SOURCE	/* explicit_bzero, strcasestr */
#include "tui/plain/plain_shell.h"

#include <string.h>

#include "base/str.h"
#include "tui/plain/plain_int.h"

#define ROWS 24
#define COLS 200	/* long lines are not broken for a screen that is not there */

static void put(struct plain *plain, const char *text)
{
	buf_puts(&plain->out, text);
}

static struct json *intent_of(const char *what)
{
	struct json *intent = json_new_object();

	json_set_text(intent, "do", what);
	return intent;
}

/* An intent about the open shell. It is answered, so that a script goes on when the session has it. */
static struct json *intent_at(const struct plain *plain, const char *what)
{
	struct json *intent = intent_of(what);

	json_set_int(intent, "call", plain->shell);
	json_set_int(intent, "id", plain->shell);
	return intent;
}

void plain_shell(struct plain *plain, const char *text)
{
	struct json *intent;

	if (!*text || strchr(text, ' ')) {
		put(plain, "Say on which host: shell HOST. There are:");
		for (size_t i = 0; i < json_count(plain->scene->hosts); i++) {
			put(plain, i ? ", " : " ");
			plain_safe(plain, json_as_text(json_item(plain->scene->hosts, i)));
		}
		put(plain, ". \"here\" is this computer.\n");
		plain->faults++;
		return;
	}
	intent = intent_of("detour");
	json_set_text(intent, "host", text);
	json_set_bool(intent, "shell", true);
	json_set_text(intent, "term", "dumb");
	json_set_int(intent, "rows", ROWS);
	json_set_int(intent, "cols", COLS);
	plain->shell_asked = true;
	plain_send_json(plain, intent);
}

void plain_run(struct plain *plain, const char *text)
{
	size_t len = strcspn(text, " ");
	const char *cmd = text + len + strspn(text + len, " ");
	struct json *hosts;

	if (!*cmd) {
		put(plain, "Say where and what: run HOST,HOST COMMAND\n");
		plain->faults++;
		return;
	}
	hosts = json_new_array();
	for (size_t at = 0; at < len;) {
		size_t n = strcspn(text + at, ", ");

		if (n > 0)
			json_add(hosts, json_new_text(text + at, n));
		at += n + 1;
	}
	for (size_t i = 0; i < json_count(hosts); i++) {
		if (scene_has_host(plain->scene, json_as_text(json_item(hosts, i))))
			continue;
		plain_safe(plain, json_as_text(json_item(hosts, i)));
		put(plain, " is no host of this fleet. Say where first, then what: run HOST,HOST COMMAND\n");
		plain->faults++;
		json_free(hosts);
		return;
	}
	json_free(plain->wish);
	plain->wish = intent_of("detour");
	json_put(plain->wish, "hosts", hosts);
	json_set_text(plain->wish, "cmd", cmd);
	plain->mode = PLAIN_RUN;
	put(plain, "Exactly this runs, once, now, on ");
	for (size_t i = 0; i < json_count(hosts); i++) {
		put(plain, i ? ", " : "");
		plain_safe(plain, json_as_text(json_item(hosts, i)));
	}
	put(plain, ": ");
	plain_safe(plain, cmd);
	put(plain, "\nIt is recorded as done by hand at this step. Type yes to run it; anything else does nothing.\n");
}

void plain_run_sure(struct plain *plain, const char *line)
{
	plain->mode = PLAIN_NORMAL;
	plain->shown = 0;
	if (str_is(line, "yes"))
		plain_send_json(plain, plain->wish);
	else
		put(plain, "Nothing was run.\n");
	if (!str_is(line, "yes"))
		json_free(plain->wish);
	plain->wish = NULL;
}

static void type(struct plain *plain, const char *text, size_t len)
{
	struct json *intent = intent_at(plain, "detour.input");
	struct buf coded = { 0 };

	str_base64(&coded, text, len);
	json_set_text(intent, "bytes", buf_text(&coded));
	plain_send_json(plain, intent);
	explicit_bzero(coded.data, coded.cap);
	buf_done(&coded);
}

void plain_shell_line(struct plain *plain, const char *line)
{
	struct buf text = { 0 };

	if (str_is(line, "~.")) {
		plain_send_json(plain, intent_at(plain, "detour.end"));
		return;
	}
	if (str_is(line, "~c")) {
		plain_shell_interrupt(plain);
		return;
	}
	/* As in ssh: a second ~ stands for one. */
	buf_puts(&text, line + str_starts(line, "~~"));
	mem_set(&plain->shell_sent, plain_shell_hides(plain) ? NULL : buf_text(&text));
	plain->shell_waits = true;
	buf_putc(&text, '\n');
	type(plain, text.data, text.len);
	explicit_bzero(text.data, text.cap);
	buf_done(&text);
}

void plain_shell_interrupt(struct plain *plain)
{
	type(plain, "\003", 1);
}

bool plain_shell_hides(const struct plain *plain)
{
	static const char *const words[] = { "password", "passphrase", "passcode", "pin:", "pin for" };

	for (size_t i = 0; plain->shell_prompt && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(plain->shell_prompt, words[i]))
			return true;
	return false;
}

static void tell_line(struct plain *plain, const char *text)
{
	put(plain, "| ");
	put(plain, text);
	put(plain, "\n");
}

/* A line it completed, without the prompt that was told already and without the echo of what was typed. */
static void tell_whole(struct plain *plain, const char *text)
{
	const char *rest = text;
	const char *sent = plain->shell_sent;
	size_t len = strlen(text), sent_len = sent ? strlen(sent) : 0;

	if (plain->shell_prompt && str_starts(text, plain->shell_prompt))
		rest += strlen(plain->shell_prompt);
	if (sent && len >= sent_len && str_is(text + len - sent_len, sent)) {
		mem_set(&plain->shell_sent, NULL);
		mem_set(&plain->shell_prompt, NULL);
		return;
	}
	mem_set(&plain->shell_prompt, NULL);
	tell_line(plain, rest);
}

static void tell_news(struct plain *plain, struct output *output)
{
	struct told *told = plain_told(plain, plain->shell);
	const char *partial;

	for (; told->lines < output_total(output); told->lines++) {
		int64_t kept = told->lines - output_dropped(output);
		const struct output_line *line = kept >= 0 ? output_at(output, (size_t)kept) : NULL;

		if (line)
			tell_whole(plain, line->text);
	}
	partial = output_partial(output, false);
	if (*partial && !str_is(plain->shell_prompt, partial)) {
		tell_line(plain, partial);
		mem_set(&plain->shell_prompt, partial);
	}
}

static void over(struct plain *plain)
{
	plain->mode = plain->mode == PLAIN_SHELL ? PLAIN_NORMAL : plain->mode;
	plain->shell = 0;
	plain->shell_asked = plain->shell_waits = false;
	plain->shown = 0;
	mem_set(&plain->shell_prompt, NULL);
	mem_set(&plain->shell_sent, NULL);
}

bool plain_shell_tell(struct plain *plain, const struct event *ev)
{
	const struct model_call *call = scene_call(plain->scene, ev);
	struct output *output = call ? scene_output(plain->scene, call->seq) : NULL;

	if (call && ev->kind == EVENT_CALL_BEGUN && plain->shell_asked && call->rows > 0)
		plain->shell = call->seq;
	if (!call || call->seq != plain->shell)
		return false;
	if (ev->kind == EVENT_CALL_OUTPUT && ev->len > 0 && plain->mode == PLAIN_NORMAL) {
		plain->mode = PLAIN_SHELL;
		plain->shell_asked = false;
		put(plain, "The shell is yours: each line goes to it. A line \"~.\" ends it, \"~c\" is Ctrl-C. What it prints is recorded, what you type is not.\n");
	}
	if (ev->kind == EVENT_CALL_OUTPUT && ev->len > 0)
		plain->shell_waits = false;
	if (ev->kind == EVENT_CALL_OUTPUT && output)
		tell_news(plain, output);
	if (ev->kind == EVENT_CALL_ENDED)
		over(plain);
	return ev->kind == EVENT_CALL_OUTPUT;
}

void plain_shell_reply(struct plain *plain, const struct json *reply)
{
	if (str_is(json_text(json_at(reply, "refused"), "do", ""), "detour"))
		plain->shell_asked = false;
}

void plain_shell_done(struct plain *plain)
{
	json_free(plain->wish);
	mem_free(plain->shell_prompt);
	mem_free(plain->shell_sent);
}
