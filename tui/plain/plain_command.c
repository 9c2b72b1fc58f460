/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tui/part/people.h"
#include "tui/plain/plain_int.h"
#include "tui/plain/plain_shell.h"
#include "tui/plain/plain_people.h"
#include "tui/part/prose.h"

static void put(struct plain *plain, const char *text)
{
	buf_puts(&plain->out, text);
}

static void send_text(struct plain *plain, const char *name, const char *text)
{
	if (!utf8_says(text)) {
		buf_printf(&plain->out, "Say it on one line: %s TEXT\n", name);
		return;
	}
	plain_send(plain, name, "text", text);
}

static void do_note(struct plain *plain, const char *text)
{
	send_text(plain, "note", text);
}

static void do_say(struct plain *plain, const char *text)
{
	send_text(plain, "say", text);
}

static void do_who(struct plain *plain, const char *text)
{
	const char *driver = plain->scene->model->driver;

	(void)text;
	put(plain, "Here: ");
	scene_people(plain->scene, &plain->out);
	put(plain, ". ");
	plain_safe(plain, driver ? driver : "Nobody");
	put(plain, " drives.\n");
}

static void do_output(struct plain *plain, const char *text)
{
	int64_t n = 200;

	if (*text && !str_to_int(text, 1, OUTPUT_LINES, &n))
		put(plain, "\"output 50\" shows the last 50 lines.\n");
	plain_tell_output(plain, scene_focus(plain->scene), (size_t)n);
}

static void do_pause(struct plain *plain, const char *text)
{
	plain_send(plain, "pause", *text ? "why" : NULL, text);
}

static void do_continue(struct plain *plain, const char *text)
{
	plain_send(plain, "continue", *text ? "why" : NULL, text);
}

/* Running calls, oldest first; the n-th (from 1), NULL when there is none. */
static const struct model_call *running(const struct plain *plain, int64_t n)
{
	const struct model *model = plain->scene->model;

	for (size_t i = 0; i < model->call_count; i++)
		if (model->calls[i].state == CALL_RUNNING && --n == 0)
			return &model->calls[i];
	return NULL;
}

static void name_call(struct plain *plain, const struct model_call *call)
{
	prose_line(&plain->out, call->shown && *call->shown ? call->shown : call->action);
	put(plain, " on ");
	plain_safe(plain, call->host && *call->host ? call->host : "this computer");
}

static void do_cancel(struct plain *plain, const char *text)
{
	int64_t n = 1;
	const struct model_call *call;

	if (*text && !str_to_int(text, 1, INT64_MAX, &n))
		n = 0;
	if (!running(plain, 1)) {
		put(plain, "No command is running.\n");
		return;
	}
	call = running(plain, n);
	if (!call || (!*text && running(plain, 2))) {
		put(plain, "Several commands may be running; say which:\n");
		for (n = 1; (call = running(plain, n)) != NULL; n++) {
			buf_printf(&plain->out, "cancel %lld: ", (long long)n);
			name_call(plain, call);
			put(plain, "\n");
		}
		return;
	}
	plain->cancel = call->seq;
	plain->mode = PLAIN_CANCEL;
	put(plain, "Stop ");
	name_call(plain, call);
	put(plain, "? It and all its children get TERM, later KILL; what is half done stays half done.\n"
		"Why? An empty line lets it run.\n");
}

static void do_abort(struct plain *plain, const char *text)
{
	(void)text;
	plain->mode = PLAIN_ABORT;
	put(plain, "Abort ends the session after what runs now has been stopped or has ended. "
		"Nothing is undone.\nWhy? An empty line does not abort.\n");
}

static void do_enter(struct plain *plain, const char *text)
{
	const struct model *model = plain->scene->model;
	int64_t number;

	if (!str_to_int(text, 1, (int64_t)model->step_count, &number)) {
		put(plain, "Say the number of a step that was skipped or put off: enter NUMBER\n");
		plain_tell_summary(plain);
		return;
	}
	plain_send(plain, "enter", "step", model->steps[number - 1].id);
}

static void do_explain(struct plain *plain, const char *text)
{
	const struct model *model = plain->scene->model;
	const struct question *question = scene_question(plain->scene);
	long at = model_current(model);
	struct choice choice;

	(void)text;
	if (at >= 0)
		plain_tell_step(plain, &model->steps[at]);
	for (size_t i = 0; question && question_choice_at(question, i, &choice); i++) {
		plain_safe(plain, choice.value);
		put(plain, ": ");
		plain_safe(plain, *choice.help ? choice.help : choice.label);
		put(plain, "\n");
	}
	if (at < 0 && !question)
		put(plain, "Nothing is being done just now.\n");
}

static void do_steps(struct plain *plain, const char *text)
{
	(void)text;
	plain_tell_steps(plain);
}

static void do_where(struct plain *plain, const char *text)
{
	(void)text;
	plain_tell_summary(plain);
}

static void do_again(struct plain *plain, const char *text)
{
	const struct question *question = scene_question(plain->scene);

	(void)text;
	if (question && !people_mine(plain->scene, question))
		plain_tell_question(plain, question);
	else if (question)
		plain->shown = 0;
	else
		put(plain, "Nothing is asked now.\n");
}

static void do_leave(struct plain *plain, const char *text)
{
	(void)text;
	plain_leave(plain);
}

static void do_help(struct plain *plain, const char *text);

static const struct {
	const char *name, *help;
	void (*run)(struct plain *plain, const char *text);
} commands[] = {
	{ "help", "this list", do_help },
	{ "explain", "what this step is, why, and what each choice means", do_explain },
	{ "again", "the question again", do_again },
	{ "where", "where the session stands", do_where },
	{ "steps", "all steps with their states", do_steps },
	{ "step", "step NUMBER: what it is, how it stands, its output", plain_look_step },
	{ "enter", "enter NUMBER: go back to a step that was skipped or put off; it is asked about as usual", do_enter },
	{ "record", "what was found and done so far, step by step", plain_look_record },
	{ "hosts", "the hosts of this step, failures first; \"hosts 3\" of step 3", plain_look_hosts },
	{ "find", "find TEXT: in the output of the newest command", plain_look_find },
	{ "copy", "write the record into a file", plain_look_copy },
	{ "talk", "the last notes, warnings and what was said; \"talk 50\" for more", plain_look_talk },
	{ "parameters", "what this walk was told", plain_look_parameters },
	{ "output", "the last lines of the newest command; \"output 1000\" for more", do_output },
	{ "who", "who is here and who drives", do_who },
	{ "note", "note TEXT: a note for the journal", do_note },
	{ "say", "say TEXT: to the others who are here", do_say },
	{ "shell", "shell HOST: a shell there, by hand; the question stays open", plain_shell },
	{ "run", "run HOST,HOST COMMAND: one command by hand; asks before it runs", plain_run },
	{ "pause", "no new step or command starts; what runs goes on", do_pause },
	{ "continue", "after a pause", do_continue },
	{ "cancel", "stop a running command; asks why", do_cancel },
	{ "abort", "end the session; asks why", do_abort },
	{ "take", "take the wheel; the driver has 20 seconds to refuse", plain_take },
	{ "give", "give NAME: hand the wheel over, to be accepted within 60 seconds", plain_give },
	{ "disagree", "disagree WHY: to a question for your agreement", plain_disagree },
	{ "withdraw", "withdraw WHY: takes back your agreement, or your request for it", plain_withdraw },
	{ "invite", "invite NAME TIME: lets somebody watch as a guest; \"invite eve 30m\"", plain_invite },
	{ "dismiss", "dismiss NAME: ends a guest's time", plain_dismiss },
	{ "leave", "close this view; the session goes on", do_leave },
};

static void do_help(struct plain *plain, const char *text)
{
	(void)text;
	put(plain, "Answer the question by number or word. Besides, you can say:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		buf_printf(&plain->out, "%s: %s\n", commands[i].name, commands[i].help);
	put(plain, "Ctrl-C asks what to stop; Ctrl-D on an empty line leaves.\n");
}

bool plain_is_command_word(const char *line)
{
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strlen(commands[i].name) == len && memcmp(commands[i].name, line, len) == 0)
			return true;
	return false;
}

bool plain_command(struct plain *plain, const char *line)
{
	size_t len = strcspn(line, " ");
	const char *text = line + len + strspn(line + len, " ");

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strlen(commands[i].name) != len || memcmp(commands[i].name, line, len) != 0)
			continue;
		commands[i].run(plain, text);
		return true;
	}
	return false;
}
