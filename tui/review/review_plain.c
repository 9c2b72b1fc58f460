/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The review as a dialogue: numbered lines, whole sentences, one command a line; nothing moves, nothing is told by colour or place. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/export/export.h"
#include "tui/review/review.h"
#include "tui/review/review_int.h"
#include "tui/review/review_list.h"
#include "tui/review/review_work.h"
#include "tui/live/view.h"

#define LINE_ROOM (LIMIT_COMMAND + 2)	/* with its end */
#define OUTPUT_PAGE 200	/* lines told at once */

struct talker {
	const struct review_options *options;
	struct review_list *list;
	struct review *review;
	long told;		/* output lines of the line picked that were told */
	bool quit;
};

static void say_err(const struct err *e)
{
	struct buf out = { 0 };

	utf8_safe(&out, e->text, strlen(e->text), true);
	printf("%s\n", buf_text(&out));
	buf_done(&out);
}

/* --- sessions --- */

static void say_sessions(const struct review_list *list)
{
	char date[TIME_TEXT], span[TIME_TEXT];

	if (list->words)
		printf("%s\n", list->words);
	printf("%zu of %zu sessions%s%s.\n", list->shown_count, list->count, *list->filter.text ? " with " : "", list->filter.text);
	for (size_t i = 0; i < list->shown_count; i++) {
		const struct listed *one = &list->rows[list->shown[i]];

		time_format(one->opened_us, date);
		date[10] = ' ';
		printf("%lld: %s, %s, opened %.16s UTC by %s, lasted %s, step %lld of %lld%s%s.\n", (long long)one->session, *one->title ? one->title : one->runbook,
			one->state, date, one->who, time_format_span(one->lasted_us, span), (long long)one->step,
			(long long)one->steps, one->left_out > 0 ? ", with steps left out by people" : one->failures > 0 ? ", with failures" : "", one->dry_run ? ", dry run" : "");
	}
	puts("Say the number of a session to read it, filter WORDS, list, or quit.");
}

static void refilter(struct talker *talker, const char *words)
{
	struct err e = { 0 };
	struct review_list *list = review_list_new(talker->options->journal, words, &e);

	if (!list) {
		say_err(&e);
		return;
	}
	review_list_free(talker->list);
	talker->list = list;
	say_sessions(list);
}

/* --- the timeline --- */

static void say_facts(const struct review *review)
{
	const struct timeline *timeline = review->timeline;
	const struct model *model = timeline->model;
	int64_t down = timeline_total(timeline, SPAN_DOWN);
	char from[TIME_TEXT], span[TIME_TEXT];
	struct buf people = { 0 }, title = { 0 }, outcome = { 0 }, damage = { 0 };

	utf8_safe(&title, model->title, strlen(model->title), false);
	utf8_safe(&outcome, model->outcome, strlen(model->outcome), false);
	model_left_out_words(model, &outcome);
	utf8_safe(&damage, timeline->damage ? timeline->damage : "", timeline->damage ? strlen(timeline->damage) : 0, false);
	timeline_people(timeline, &people);
	time_format(model->opened_us, from);
	from[10] = ' ';
	printf("Session %lld, %s, opened %.19s UTC, lasted %s, %s.\n", (long long)timeline->session, buf_text(&title), from,
		time_format_span(timeline->end_us - model->opened_us, span),
		model->state == SESSION_CLOSED ? buf_text(&outcome) : review->running ? "running now: bellbook attach joins it" : "not closed, nobody carries it");
	printf("%zu steps: %zu ok, %zu failed, %zu skipped. %lld attempts failed. ", model->step_count, timeline_steps(timeline, STEP_OK),
		timeline_steps(timeline, STEP_FAILED), timeline_steps(timeline, STEP_SKIPPED), (long long)model->failures);
	printf("Site down: %s. People: %s. %s.\n", down > 0 ? time_format_span(down, span) : "no", buf_text(&people), review->chain);
	if (timeline->damage)
		printf("DAMAGED: %lld events could not be read: %s\n", (long long)timeline->lost, buf_text(&damage));
	buf_done(&people);
	buf_done(&outcome);
	buf_done(&damage);
	buf_done(&title);
}

static void say_row(const struct review *review, size_t i)
{
	const struct mark *mark = review_row(review, i);
	char clock[TIME_TEXT], span[TIME_TEXT];
	struct buf text = { 0 }, versus = { 0 };

	timeline_text(review->timeline, review->store, mark, &text);
	review_versus(review, mark, &versus);
	printf("%zu: %s %s%s%s %s", i + 1, time_format_clock(mark->at_us, clock), mark->word, *mark->who ? " by " : "", mark->who, buf_text(&text));
	if (mark->took_us >= 0)
		printf(", took %s", time_format_span(mark->took_us, span));
	if (versus.len > 0)
		printf(", run before: %s", buf_text(&versus));
	if (mark->late)
		printf(", written afterwards");
	puts(text.len > 0 && versus.len == 0 && mark->took_us < 0 && strchr(".?!", text.data[text.len - 1]) ? "" : ".");
	buf_done(&text);
	buf_done(&versus);
}

static void say_lines(const struct review *review, size_t from)
{
	for (size_t i = from; i < review->row_count; i++)
		say_row(review, i);
	puts("Say the number of a line for its details, output for what was printed, next failure, find TEXT, note TEXT, everything, list, help or quit.");
}

static void say_output_line(const struct pane_line *line)
{
	char clock[TIME_TEXT];

	printf("%s%s%s%s\n", line->at_us ? time_format_clock(line->at_us, clock) : "", line->at_us ? " " : "", line->err ? "error: " : "", line->text);
}

/* The details of the line picked: for commands how each ended, and the first error; the output on request. */
static void say_details(struct talker *talker)
{
	struct review *review = talker->review;
	const struct pane *pane = &review->pane;
	size_t outputs = 0;

	if (review->row_count == 0)
		return;
	pane_load(review, true);
	say_row(review, (size_t)review->at);
	for (size_t i = 0; i < pane->count; i++) {
		if (pane->lines[i].at_us)
			outputs++;
		else
			say_output_line(&pane->lines[i]);
	}
	if (pane->first_error >= 0) {
		printf("First error, line %ld: ", pane->first_error + 1);
		say_output_line(&pane->lines[pane->first_error]);
	}
	printf("%zu lines of output%s.\n", outputs, outputs > 0 ? ": say output to read them" : "");
	talker->told = 0;
}

static void say_output(struct talker *talker)
{
	struct review *review = talker->review;
	const struct pane *pane = &review->pane;
	long until;

	pane_load(review, true);
	if (talker->told >= (long)pane->count)
		talker->told = 0;
	until = talker->told + OUTPUT_PAGE < (long)pane->count ? talker->told + OUTPUT_PAGE : (long)pane->count;
	for (; talker->told < until; talker->told++)
		say_output_line(&pane->lines[talker->told]);
	printf("Line %ld of %zu.%s\n", talker->told, pane->count, talker->told < (long)pane->count ? " Say output again for more." : " That was all.");
}

static void say_next(struct talker *talker, int by)
{
	struct review *review = talker->review;

	for (long at = review->at + by; at >= 0 && at < (long)review->row_count; at += by) {
		if (!(review_row(review, (size_t)at)->groups & MARK_JUMP))
			continue;
		review_pick(review, at);
		say_details(talker);
		return;
	}
	printf("There is no failure or decision %s.\n", by > 0 ? "after this line" : "before this line");
}

static void say_found(struct talker *talker, const char *text)
{
	struct review *review = talker->review;

	if (*text)
		mem_set(&review->find, text);
	if (!review->find) {
		puts("Find what? Say find and a word.");
		return;
	}
	if (!review_find_begin(review, false) || review_find_on(review, INT64_MAX) != REVIEW_FOUND) {
		puts("Not found from here on. Say 1, then find again, to look from the first line.");
		return;
	}
	say_row(review, (size_t)review->at);
	if (review->in_pane && review->pane.at < (long)review->pane.count) {
		printf("In its output, line %ld: ", review->pane.at + 1);
		say_output_line(&review->pane.lines[review->pane.at]);
	}
	talker->told = review->in_pane ? review->pane.at : 0;
}

static void write_note(struct talker *talker, const char *text, bool pin)
{
	const struct review *review = talker->review;
	struct buf line = { 0 };
	struct err e = { 0 };

	if (pin && review->in_pane && review->pane.at < (long)review->pane.count)
		buf_puts(&line, review->pane.lines[review->pane.at].text);
	else if (pin && review_mark(review))
		timeline_text(review->timeline, review->store, review_mark(review), &line);
	if (review_note(talker->review, *text ? text : buf_text(&line), pin, &e) < 0)
		say_err(&e);
	else
		printf("%s, with your name. What was recorded is unchanged.\n", pin ? "Pinned at the time of that line" : "Noted");
	buf_done(&line);
}

/* "md FILE" */
static void write_file(struct talker *talker, const char *words)
{
	const char *path = strchr(words, ' ');
	struct err e = { 0 };
	char *format;

	if (!path || !path[1]) {
		puts("Say export, a format and a file: export md walk.md. Formats: md, html, jsonl, cast, text.");
		return;
	}
	format = mem_dup(words, (size_t)(path - words));
	if (review_export(talker->review, format, path + 1, &e) < 0)
		say_err(&e);
	else
		printf("Written: %s\n", path + 1);
	mem_free(format);
}

static void say_diff(struct talker *talker, const char *number)
{
	const struct review *review = talker->review;
	int64_t other = review->before ? review->before->session : 0;
	struct json *diff = NULL;
	struct buf text = { 0 };
	struct err e = { 0 };

	if (*number && !str_to_int(number, 1, INT64_MAX, &other))
		other = 0;
	if (other)
		diff = export_diff(review->journal, other, review->timeline->session, &e);
	else
		err_set(&e, ERR_USAGE, "Compare with which session? Say diff and its number.");
	if (diff)
		export_diff_text(diff, false, &text);
	else
		say_err(&e);
	fputs(buf_text(&text), stdout);
	json_free(diff);
	buf_done(&text);
}

static void say_elsewhere(struct talker *talker)
{
	struct buf text = { 0 };
	struct err e = { 0 };

	if (review_elsewhere(talker->review, &text, &e) < 0)
		say_err(&e);
	fputs(buf_text(&text), stdout);
	buf_done(&text);
}

static void say_help(void)
{
	puts("list: all lines again. N: details of line N. output, or output N: what was printed, 200 lines at a time.\n"
	     "next failure, previous failure: also decisions. find TEXT: in lines and outputs; find: the next place.\n"
	     "everything: show every kind of line. usual: the important ones.\n"
	     "note TEXT: write a note about the line you are at. pin, or pin TEXT: pin that line, or the line of output found last, at its own time.\n"
	     "elsewhere: other sessions with the same error. diff N: what was otherwise in session N. export FORMAT FILE: md, html, jsonl, cast or text.\n"
	     "sessions: back to the list of sessions. quit: leave.");
}

/* The rest of the line behind a word, NULL when it does not begin with it. */
static const char *after(const char *line, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) != 0 || (line[len] && line[len] != ' '))
		return NULL;
	return line + len + (line[len] == ' ');
}

static void pick(struct talker *talker, int64_t number)
{
	review_pick(talker->review, (long)number - 1);
	talker->review->in_pane = false;
	talker->told = 0;
}

static void show(struct talker *talker, unsigned groups)
{
	review_show(talker->review, groups);
	say_lines(talker->review, 0);
}

static void back_to_sessions(struct talker *talker)
{
	review_free(talker->review);
	talker->review = NULL;
	refilter(talker, talker->list ? talker->list->filter.text : NULL);
}

static void hear_review(struct talker *talker, const char *line)
{
	int64_t number, most = (int64_t)talker->review->row_count;
	const char *rest;

	if (str_to_int(line, 1, most, &number)) {
		pick(talker, number);
		say_details(talker);
	} else if ((rest = after(line, "output")) != NULL && (!*rest || str_to_int(rest, 1, most, &number))) {
		if (*rest)
			pick(talker, number);
		say_output(talker);
	} else if (str_is(line, "next failure") || str_is(line, "next"))
		say_next(talker, 1);
	else if (str_is(line, "previous failure") || str_is(line, "previous"))
		say_next(talker, -1);
	else if ((rest = after(line, "find")) != NULL)
		say_found(talker, rest);
	else if ((rest = after(line, "note")) != NULL)
		write_note(talker, rest, false);
	else if ((rest = after(line, "pin")) != NULL)
		write_note(talker, rest, true);
	else if ((rest = after(line, "export")) != NULL)
		write_file(talker, rest);
	else if ((rest = after(line, "diff")) != NULL)
		say_diff(talker, rest);
	else if (str_is(line, "elsewhere"))
		say_elsewhere(talker);
	else if (str_is(line, "list"))
		say_lines(talker->review, 0);
	else if (str_is(line, "everything") || str_is(line, "usual"))
		show(talker, str_is(line, "usual") ? MARK_DEFAULT : MARK_ALL);
	else if (str_is(line, "sessions"))
		back_to_sessions(talker);
	else if (str_is(line, "help") || str_is(line, "?"))
		say_help();
	else
		puts("That is no command here. Say help.");
}

static void open_session(struct talker *talker, int64_t session)
{
	struct err e = { 0 };

	talker->review = review_new(talker->options->journal, session, &e);
	if (!talker->review) {
		say_err(&e);
		return;
	}
	talker->review->at = 0;
	say_facts(talker->review);
	say_lines(talker->review, 0);
}

static void hear(struct talker *talker, const char *line)
{
	const char *rest;
	int64_t number;

	if (str_is(line, "quit") || str_is(line, "q"))
		talker->quit = true;
	else if (talker->review)
		hear_review(talker, line);
	else if (str_to_int(line, 1, INT64_MAX, &number))
		open_session(talker, number);
	else if ((rest = after(line, "filter")) != NULL)
		refilter(talker, rest);
	else
		say_sessions(talker->list);
}

/* A line of stdin without its end; false at the end of input. What is too long is none. */
static bool read_line(char line[LINE_ROOM])
{
	size_t len;
	int c = 0;

	printf("> ");
	fflush(stdout);
	if (!fgets(line, (int)LINE_ROOM, stdin))
		return false;
	len = strlen(line);
	if (len == LINE_ROOM - 1 && line[len - 1] != '\n') {
		printf("The line has more than %zu bytes: nothing of it was done.\n",
			LIMIT_COMMAND);
		while (c != '\n' && c != EOF)
			c = getchar();
		len = 0;
		*line = '\0';
	}
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r' || line[len - 1] == ' '))
		line[--len] = '\0';
	return true;
}

int review_plain(const struct review_options *options)
{
	struct talker talker = { .options = options };
	char line[LINE_ROOM];
	struct err e = { 0 };
	int code = VIEW_OK;

	if (options->session)
		open_session(&talker, options->session);
	else if ((talker.list = review_list_new(options->journal, options->filter, &e)) != NULL)
		say_sessions(talker.list);
	else
		say_err(&e);
	if (!talker.review && !talker.list)
		code = VIEW_FAILED;
	while (code == VIEW_OK && !talker.quit && (talker.review || talker.list) && read_line(line))
		if (*line)
			hear(&talker, line);
	if (!talker.quit)
		putchar('\n');
	fflush(stdout);
	review_free(talker.review);
	review_list_free(talker.list);
	return code;
}
