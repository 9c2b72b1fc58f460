/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/question.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/day.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/model/ask_kind.h"

struct question *question_new(const struct event *asked)
{
	struct question *question = mem_alloc(sizeof(*question));
	const char *data = asked->data ? asked->data : "";
	struct err e;

	question->seq = asked->seq;
	question->at_us = asked->at_us;
	question->data = json_parse(data, strlen(data), &e);
	question->step = mem_strdup(asked->step ? asked->step : "");
	question->host = mem_strdup(asked->host ? asked->host : "");
	question->of = json_text(question->data, "of", "question");
	question->text = json_text(question->data, "text", "");
	question->details = json_text(question->data, "details", "");
	question->type = json_text(question->data, "type", "text");
	question->expect = json_text(question->data, "expect", NULL);
	question->fallback = json_text(question->data, "default", NULL);
	question->name = json_text(question->data, "name", "");
	question->secret = json_bool(question->data, "secret", str_is(question->type, "secret"));

	struct json *fallback = json_at(question->data, "default");

	if (fallback && !question->fallback) {		/* a number or a boolean: kept as text */
		char *text = json_print(fallback);

		json_set_text(question->data, "default", text);
		question->fallback = json_text(question->data, "default", NULL);
		mem_free(text);
	}
	return question;
}

void question_free(struct question *question)
{
	if (!question)
		return;
	json_free(question->data);
	mem_free(question->step);
	mem_free(question->host);
	mem_free(question);
}

size_t question_choices(const struct question *question)
{
	if (str_is(question->type, "boolean"))
		return 2;
	if (!str_is(question->type, "choice"))
		return 0;
	return json_count(json_at(question->data, "choices"));
}

bool question_choice_at(const struct question *question, size_t i, struct choice *choice)
{
	static const struct choice yes = { "yes", "yes", "", false }, no = { "no", "no", "", false };
	const struct json *item = json_item(json_at(question->data, "choices"), i);

	if (i >= question_choices(question))
		return false;
	if (str_is(question->type, "boolean")) {
		*choice = i == 0 ? yes : no;
		return true;
	}
	choice->value = json_as_text(item) ? json_as_text(item) : json_text(item, "value", "");
	choice->label = json_text(item, "label", choice->value);
	choice->help = json_text(item, "help", "");
	choice->why = json_bool(item, "why", false);
	return true;
}

bool question_is_dangerous(const struct question *question)
{
	/* A session of before may offer one: what changes something is chosen all the same. */
	if (ask_type_of(question->of)->chosen)
		return true;
	return !question->fallback || str_is(question->type, "typed") || question->secret;
}

/* Index of the choice that line means, -1 when none or more than one. */
static long choice_find(const struct question *question, const char *line)
{
	size_t count = question_choices(question), len = strlen(line);
	int64_t number;
	long found = -1;
	struct choice choice;

	if (str_to_int(line, 1, (int64_t)count, &number))
		return (long)number - 1;
	for (size_t i = 0; question_choice_at(question, i, &choice); i++)
		if (strcasecmp(choice.value, line) == 0 || strcasecmp(choice.label, line) == 0)
			return (long)i;
	for (size_t i = 0; len >= 2 && question_choice_at(question, i, &choice); i++) {
		if (strncasecmp(choice.value, line, len) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = (long)i;
	}
	return found;
}

static struct json *choice_value(const struct question *question, const char *line, struct err *e)
{
	size_t count = question_choices(question);
	long found = choice_find(question, line);
	struct choice choice;

	if (str_is(question->type, "boolean") && found < 0) {
		if (strcasecmp(line, "y") == 0 || strcasecmp(line, "true") == 0)
			found = 0;
		if (strcasecmp(line, "n") == 0 || strcasecmp(line, "false") == 0)
			found = 1;
	}
	if (found < 0 || !question_choice_at(question, (size_t)found, &choice)) {
		err_set(e, ERR_USAGE, "no choice is called \"%.80s\"; type a number from 1 to %zu, or a word from the list",
			line, count);
		return NULL;
	}
	if (str_is(question->type, "boolean"))
		return json_new_bool(found == 0);
	return json_new_text(choice.value, strlen(choice.value));
}

static struct json *number_value(const struct question *question, const char *line, struct err *e)
{
	int64_t number;
	double real;
	char *end;

	if (str_to_int(line, INT64_MIN, INT64_MAX, &number))
		return json_new_int(number);
	real = strtod(line, &end);
	if (str_is(question->type, "number") && end != line && *end == '\0')
		return json_new_real(real);
	err_set(e, ERR_USAGE, "\"%.80s\" is no %s", line,
		str_is(question->type, "number") ? "number" : "whole number");
	return NULL;
}

struct json *question_value(const struct question *question, const char *line, struct err *e)
{
	int64_t span;

	if (*line == '\0' && question->fallback && !question_is_dangerous(question))
		line = question->fallback;
	else if (*line == '\0' && !question->secret) {
		err_set(e, ERR_USAGE, "this question has no default: type an answer");
		return NULL;
	}
	if (question_choices(question) > 0)
		return choice_value(question, line, e);
	if (str_is(question->type, "integer") || str_is(question->type, "number"))
		return number_value(question, line, e);
	if (str_is(question->type, "duration") && !str_to_duration(line, &span)) {
		err_set(e, ERR_USAGE, "\"%.80s\" is no duration: 90s, 10m, 6h, 2d", line);
		return NULL;
	}
	if (question->expect && !str_is(line, question->expect)) {
		err_set(e, ERR_USAGE, "that is not \"%.120s\"; nothing was sent", question->expect);
		return NULL;
	}
	return json_new_text(line, strlen(line));
}

static bool value_wants_why(const struct question *question, const char *value)
{
	struct choice choice;

	if (str_is(question->of, "approval"))
		return true;
	for (size_t i = 0; value && question_choice_at(question, i, &choice); i++)
		if (choice.why && str_is(choice.value, value))
			return true;
	return json_bool(question->data, "why", false);
}

/* What the choice wants to know of whom, NULL = nothing. */
static const char *value_wants_whom(const struct question *question, const char *value)
{
	const struct json *choices = json_at(question->data, "choices");

	for (size_t i = 0; value && i < question_choices(question); i++)
		if (str_is(json_text(json_item(choices, i), "value", NULL), value))
			return json_text(json_item(choices, i), "owner", NULL);
	return NULL;
}

enum answer_need answer_lacks(const struct question *question, const struct answer *answer)
{
	const char *value = json_as_text(answer->value);

	if (!answer->why && value_wants_why(question, value))
		return ANSWER_WHY;
	if (!answer->owner && value_wants_whom(question, value))
		return ANSWER_OWNER;
	if (str_is(value, "defer") && question_choices(question) > 0) {
		if (!answer->owner)
			return ANSWER_OWNER;
		if (!answer->due)
			return ANSWER_DUE;
	}
	return ANSWER_COMPLETE;
}

const char *answer_prompt(const struct question *question, const struct answer *answer, enum answer_need need)
{
	const char *whom = value_wants_whom(question, json_as_text(answer->value));

	switch (need) {
	case ANSWER_WHY:
		return "Why? (one line, kept in the journal)";
	case ANSWER_OWNER:
		return whom ? whom : "Who will do it later?";
	case ANSWER_DUE:
		return "Until when? (" DAY_HELP ")";
	case ANSWER_COMPLETE:
		break;
	}
	return "";
}

int answer_fill(struct answer *answer, enum answer_need need, const char *line, struct err *e)
{
	char **field = need == ANSWER_WHY ? &answer->why
		: need == ANSWER_OWNER ? &answer->owner : &answer->due;

	char day[DAY_TEXT];

	if (!utf8_says(line))
		return err_set(e, ERR_USAGE, "an answer is needed here");
	if (need == ANSWER_DUE && day_parse(line, time_wall_us(), day, e) < 0)
		return -1;
	mem_set(field, need == ANSWER_DUE ? day : line);
	return 0;
}

struct json *answer_intent(const struct answer *answer)
{
	struct json *intent = json_new_object();

	json_set_text(intent, "do", "answer");
	json_set_int(intent, "seq", answer->seq);
	json_put(intent, "value", json_copy_of(answer->value));
	json_set_text(intent, "why", answer->why);
	json_set_text(intent, "owner", answer->owner);
	json_set_text(intent, "due", answer->due);
	return intent;
}

void answer_done(struct answer *answer)
{
	json_free(answer->value);
	mem_free(answer->why);
	mem_free(answer->owner);
	mem_free(answer->due);
	*answer = (struct answer){ 0 };
}
