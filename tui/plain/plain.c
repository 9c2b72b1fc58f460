/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The late line rule: a line answers the question that was on the screen when its first byte was typed, or
 * none at all. plain_question says which that is; it is 0 from the moment an answer is sent until the next
 * question is shown, so that a second Enter in a hurry meets nothing.
 */
#include "tui/plain/plain.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/part/people.h"
#include "tui/plain/plain_int.h"
#include "tui/plain/plain_shell.h"

struct plain *plain_new(int64_t session)
{
	struct plain *plain = mem_alloc(sizeof(*plain));

	plain->scene = scene_new();
	plain->session = session;
	return plain;
}

void plain_free(struct plain *plain)
{
	if (!plain)
		return;
	for (size_t i = 0; i < plain->intent_count; i++)
		json_free(plain->intents[i]);
	mem_free(plain->intents);
	mem_free(plain->told);
	mem_free(plain->entered);
	mem_free(plain->looked);
	plain_shell_done(plain);
	answer_done(&plain->answer);
	buf_done(&plain->out);
	scene_free(plain->scene);
	mem_free(plain);
}

void plain_send_json(struct plain *plain, struct json *intent)
{
	plain->intents = mem_grow(plain->intents, plain->intent_count + 1, sizeof(struct json *));
	plain->intents[plain->intent_count++] = intent;
	plain->waiting++;
}

void plain_send(struct plain *plain, const char *name, const char *key, const char *text)
{
	struct json *intent = json_new_object();

	json_set_text(intent, "do", name);
	if (key)
		json_set_text(intent, key, text);
	plain_send_json(plain, intent);
}

struct json *plain_intent(struct plain *plain)
{
	struct json *first;

	if (plain->intent_count == 0)
		return NULL;
	first = plain->intents[0];
	memmove(plain->intents, plain->intents + 1, --plain->intent_count * sizeof(struct json *));
	return first;
}

void plain_unsent(struct plain *plain, const char *why)
{
	plain->faults++;
	buf_puts(&plain->out, "Not sent: ");
	plain_safe(plain, why);
	buf_puts(&plain->out, "\n");
	plain->sent = 0;
	plain->waiting = 0;
}

/* The question on the screen, or the one an unfinished answer belongs to, is closed. */
static void drop_closed(struct plain *plain)
{
	if (plain->shown && !scene_question_find(plain->scene, plain->shown))
		plain->shown = 0;
	if (plain->sent && !scene_question_find(plain->scene, plain->sent))
		plain->sent = 0;
	if (plain->mode != PLAIN_MORE || scene_question_find(plain->scene, plain->answer.seq))
		return;
	plain->mode = PLAIN_NORMAL;
	answer_done(&plain->answer);
	if (plain->summed)
		buf_puts(&plain->out, "Your answer was not sent: the question is closed.\n");
}

static void tell_people(struct plain *plain, const struct json *reply)
{
	char *text = people_notice(plain->scene, reply, true);

	if (text)
		buf_printf(&plain->out, "%s\n", text);
	mem_free(text);
}

static void take_reply(struct plain *plain, const struct json *reply)
{
	const struct json *refused = json_at(reply, "refused"), *halted = json_at(reply, "halted");
	bool again = plain->scene->halted && str_is(json_text(halted, "why", ""), plain->scene->halted);

	scene_reply(plain->scene, reply);
	tell_people(plain, reply);
	plain_shell_reply(plain, reply);
	if ((refused || json_at(reply, "accepted")) && plain->waiting > 0)
		plain->waiting--;
	if (plain->scene->turned_away) {
		plain->ending = ENDING_REFUSED;
		return;
	}
	if (refused) {
		char *why = people_refusal(plain->scene, refused);

		plain->faults++;
		plain_safe(plain, why);
		buf_puts(&plain->out, "\n");
		mem_free(why);
		if (str_is(json_text(refused, "do", ""), "answer")) {
			plain->sent = 0;
			plain->shown = 0;	/* show it again */
		}
	}
	if (halted && plain->summed && !again) {
		buf_puts(&plain->out, "NOTHING GOES ON: ");
		buf_puts(&plain->out, plain->scene->halted);
		buf_puts(&plain->out, "\n");
	}
	if (json_at(reply, "cleared") && plain->summed)
		buf_puts(&plain->out, "The journal can be written again; the session goes on.\n");
}

static void take_event(struct plain *plain, const struct event *ev, int64_t now_us)
{
	bool known = ev->seq <= plain->scene->model->last_seq;

	/* History is what happened before we came; it is summed up, not told. */
	if (scene_is_news(plain->scene, ev) && !plain->summed)
		plain_settle(plain);
	scene_event(plain->scene, ev);
	drop_closed(plain);
	if (plain->summed && !known)
		plain_tell(plain, ev, now_us);
}

static void take_loss(struct plain *plain, enum link_item item, const char *why)
{
	plain->waiting = 0;
	plain->sent = 0;
	if (plain->scene->model->state == SESSION_CLOSED) {
		plain->ending = ENDING_CLOSED;
		return;
	}
	if (item == LINK_GONE) {
		plain->ending = ENDING_GONE;
		return;
	}
	buf_puts(&plain->out, "The connection to the session is lost (");
	plain_safe(plain, why && *why ? why : "no reason known");
	buf_puts(&plain->out, "); trying again.\n");
}

static void take_halt(struct plain *plain, const char *why)
{
	buf_puts(&plain->out, "Nothing comes now: ");
	plain_safe(plain, why);
	buf_puts(&plain->out, ".\n");
}

void plain_item(struct plain *plain, enum link_item item, const struct event *ev,
	const struct json *reply, const char *why, int64_t now_us)
{
	if (item == LINK_EVENT)
		take_event(plain, ev, now_us);
	else if (item == LINK_REPLY)
		take_reply(plain, reply);
	else if (item == LINK_LOST || item == LINK_GONE)
		take_loss(plain, item, why);
	else if (item == LINK_HALTED)
		take_halt(plain, why);
	else if (item == LINK_BACK)
		buf_puts(&plain->out, "The connection is back.\n");
}

void plain_caught_up(struct plain *plain)
{
	if (plain->scene->head >= 0)
		plain->scene->caught_up = true;
	plain_settle(plain);
}

bool plain_is_catching_up(const struct plain *plain)
{
	return plain->scene->head >= 0 && !plain->scene->caught_up;
}

bool plain_is_ready(const struct plain *plain)
{
	return plain->summed;
}

/* A question that is another's is told once, and not waited for. */
static void tell_others(struct plain *plain, const struct question *question)
{
	plain->shown = 0;
	if (plain->others == question->seq)
		return;
	plain->others = question->seq;
	people_asked(plain->scene, question, &plain->out);
	buf_puts(&plain->out, str_is(question->of, "approval") ? " Say \"again\" for all of it.\n" : "\n");
}

void plain_settle(struct plain *plain)
{
	const struct question *question;

	if (!plain->scene->caught_up)
		return;
	if (!plain->summed) {
		plain->summed = true;
		plain_tell_summary(plain);
	}
	if (plain->ending == ENDING_NONE && plain->scene->model->state == SESSION_CLOSED)
		plain->ending = ENDING_CLOSED;
	if (plain->mode == PLAIN_MORE || plain->mode == PLAIN_SHELL || plain->sent || plain->ending != ENDING_NONE)
		return;
	question = scene_question(plain->scene);
	if (question && !people_mine(plain->scene, question))
		tell_others(plain, question);
	if (!question || plain->shown == question->seq || !people_mine(plain->scene, question))
		return;
	plain->shown = question->seq;
	plain_tell_question(plain, question);
}

int64_t plain_question(const struct plain *plain)
{
	if (plain->mode == PLAIN_MORE)
		return plain->answer.seq;
	if (plain->mode == PLAIN_SHELL)
		return -plain->shell;
	return plain->sent ? 0 : plain->shown;
}

static const struct question *asked(const struct plain *plain)
{
	int64_t seq = plain_question(plain);

	return seq > 0 ? scene_question_find(plain->scene, seq) : NULL;
}

bool plain_hides(const struct plain *plain)
{
	const struct question *question = asked(plain);

	return (plain->mode == PLAIN_NORMAL && question && question->secret)
		|| (plain->mode == PLAIN_SHELL && plain_shell_hides(plain));
}

bool plain_is_asking(const struct plain *plain)
{
	return plain->mode != PLAIN_NORMAL || asked(plain) != NULL;
}

bool plain_is_sending(const struct plain *plain)
{
	return plain->waiting > 0 || plain->sent != 0 || plain->shell_asked || plain->shell_waits;
}

const char *plain_prompt(const struct plain *plain)
{
	const struct question *question = asked(plain);

	switch (plain->mode) {
	case PLAIN_MORE:
		return question && answer_lacks(question, &plain->answer) == ANSWER_OWNER ? "who> "
			: question && answer_lacks(question, &plain->answer) == ANSWER_DUE
			? "until> " : "why> ";
	case PLAIN_ABORT:
	case PLAIN_CANCEL:
		return "why> ";
	case PLAIN_RUN:
		return "yes?> ";
	case PLAIN_SHELL:
		return plain_shell_hides(plain) ? "hidden shell> " : "shell> ";
	case PLAIN_MENU:
	case PLAIN_NORMAL:
		break;
	}
	return question && question->secret ? "hidden> " : "> ";
}

/* Asks for what the answer lacks, or sends it. */
static void answer_on(struct plain *plain, const struct question *question)
{
	enum answer_need need = answer_lacks(question, &plain->answer);

	if (need != ANSWER_COMPLETE) {
		plain->mode = PLAIN_MORE;
		buf_printf(&plain->out, "%s An empty line takes the answer back.\n", answer_prompt(question, &plain->answer, need));
		return;
	}
	plain->mode = PLAIN_NORMAL;
	plain->sent = question->seq;
	plain_send_json(plain, answer_intent(&plain->answer));
	answer_done(&plain->answer);
}

static void answer_first(struct plain *plain, const struct question *question, const char *line)
{
	struct err e;
	struct json *value = question_value(question, line, &e);

	if (!value) {
		plain->faults++;
		plain_safe(plain, e.text);
		buf_puts(&plain->out, ".\n");
		return;
	}
	answer_done(&plain->answer);
	plain->answer.seq = question->seq;
	plain->answer.value = value;
	answer_on(plain, question);
}

static void answer_more(struct plain *plain, const char *line)
{
	const struct question *question = scene_question_find(plain->scene, plain->answer.seq);
	struct err e;

	if (!question)
		return;
	if (!utf8_says(line)) {
		buf_puts(&plain->out, "Taken back, nothing was sent.\n");
		plain->mode = PLAIN_NORMAL;
		answer_done(&plain->answer);
		plain->shown = 0;
		return;
	}
	if (answer_fill(&plain->answer, answer_lacks(question, &plain->answer), line, &e) != 0) {
		plain->faults++;
		plain_safe(plain, e.text);
		buf_puts(&plain->out, ".\n");
	}
	answer_on(plain, question);
}

void plain_interrupt(struct plain *plain)
{
	if (plain->mode == PLAIN_SHELL) {
		plain_shell_interrupt(plain);
		return;
	}
	answer_done(&plain->answer);
	plain->mode = PLAIN_MENU;
	buf_puts(&plain->out, "Nothing was stopped. What do you want? 1 pause after what runs now, "
		"2 stop the running command, 3 abort the session, 4 leave while the session goes on, "
		"0 nothing.\n");
}

static void menu(struct plain *plain, const char *line)
{
	static const char *const commands[] = { "pause", "cancel", "abort", "leave" };
	int64_t number = 0;

	plain->mode = PLAIN_NORMAL;
	if (!str_to_int(line, 0, 4, &number) || number == 0) {
		buf_puts(&plain->out, "Nothing was done.\n");
		plain->shown = 0;
		return;
	}
	plain_command(plain, commands[number - 1]);
}

/* A reason for abort or cancel. */
static void reason(struct plain *plain, const char *line)
{
	enum plain_mode mode = plain->mode;
	struct json *intent;

	plain->mode = PLAIN_NORMAL;
	if (!utf8_says(line)) {
		buf_puts(&plain->out, "Nothing was done.\n");
		return;
	}
	intent = json_new_object();
	json_set_text(intent, "do", mode == PLAIN_ABORT ? "abort" : "cancel");
	if (mode == PLAIN_CANCEL)
		json_set_int(intent, "call", plain->cancel);
	json_set_text(intent, "why", line);
	plain_send_json(plain, intent);
}

/* Free text as an answer: commands need a colon. */
static bool is_free(const struct question *question)
{
	static const char *const strict[] = { "integer", "number", "duration", "boolean", "choice", NULL };

	for (size_t i = 0; strict[i]; i++)
		if (str_is(strict[i], question->type))
			return false;
	return true;
}

/* As the full screen has it. */
static const char *as_command(const char *line)
{
	return str_is(line, "?") || str_is(line, ":?") ? "help" : line + (*line == ':');
}

bool plain_is_command(const struct plain *plain, const char *line)
{
	const struct question *question = asked(plain);

	if (plain->mode != PLAIN_NORMAL)
		return false;
	if (question && (question->secret || (is_free(question) && *line != ':')))
		return false;
	return plain_is_command_word(as_command(line));
}

/* True when the line is a value of the open question (and not only a command of the same name). */
static bool is_choice(const struct question *question, const char *line)
{
	struct err e;
	struct json *value = question_choices(question) > 0 ? question_value(question, line, &e) : NULL;

	json_free(value);
	return value != NULL;
}

static bool is_late(struct plain *plain, int64_t begun)
{
	if (begun == plain_question(plain))
		return false;
	plain->faults++;
	buf_puts(&plain->out, "Not sent: the question changed while you typed. Read on and answer anew.\n");
	plain->shown = 0;
	return true;
}

static void normal_line(struct plain *plain, const char *line, int64_t begun)
{
	const struct question *question = asked(plain);
	bool command = plain_is_command(plain, line);

	if (question && question->seq == begun && !question->secret && is_choice(question, line))
		command = false;
	if (question && str_is(line, "0") && question_choices(question) > 0) {
		plain_leave(plain);
		return;
	}
	if (command) {
		plain_command(plain, as_command(line));
		return;
	}
	if (*line == '\0' && begun == 0 && !question)
		return;
	if (is_late(plain, begun))
		return;
	if (question)
		answer_first(plain, question, line);
	else if (plain->sent)
		buf_puts(&plain->out, "Not sent: your answer is still under way.\n");
	else
		buf_puts(&plain->out, "Nothing is asked now. \"help\" lists what you can say.\n");
}

void plain_line(struct plain *plain, const char *line, int64_t begun)
{
	switch (plain->mode) {
	case PLAIN_NORMAL:
		normal_line(plain, line, begun);
		break;
	case PLAIN_MORE:
		if (!is_late(plain, begun))
			answer_more(plain, line);
		break;
	case PLAIN_MENU:
		menu(plain, line);
		break;
	case PLAIN_ABORT:
	case PLAIN_CANCEL:
		reason(plain, line);
		break;
	case PLAIN_RUN:
		plain_run_sure(plain, line);
		break;
	case PLAIN_SHELL:
		if (!is_late(plain, begun))
			plain_shell_line(plain, line);
		break;
	}
	plain_settle(plain);
}

struct buf *plain_out(struct plain *plain)
{
	return &plain->out;
}

unsigned plain_faults(const struct plain *plain)
{
	return plain->faults;
}

enum ending plain_ending(const struct plain *plain)
{
	return plain->ending;
}

void plain_leave(struct plain *plain)
{
	if (plain->ending == ENDING_NONE)
		plain->ending = ENDING_LEFT;
}

const struct json *plain_way_back(const struct plain *plain)
{
	return plain->ending == ENDING_CLOSED && ending_goes_back(plain->scene) ? plain->scene->model->way_back : NULL;
}

int plain_end(struct plain *plain, struct buf *out)
{
	if (!plain->summed && plain->scene->model->session && plain->ending != ENDING_REFUSED)
		plain_tell_summary(plain);
	buf_append(out, buf_text(&plain->out), plain->out.len);
	buf_clear(&plain->out);
	ending_tell(plain->scene, plain->session, plain->ending, out);
	return (int)ending_exit(plain->ending, plain->scene->model->outcome);
}
