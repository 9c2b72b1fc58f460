/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/line.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/downtime.h"
#include "tui/part/meter.h"
#include "tui/part/people.h"
#include "tui/plain/plain_int.h"
#include "tui/plain/plain_shell.h"
#include "tui/plain/plain_people.h"
#include "tui/part/prose.h"
#include "tui/part/waits.h"

void plain_safe(struct plain *plain, const char *text)
{
	if (text)
		utf8_safe(&plain->out, text, strlen(text), false);
}

void plain_stamp(struct plain *plain, int64_t at_us)
{
	char clock[TIME_TEXT];

	if (at_us > 0)
		buf_printf(&plain->out, "%s ", time_format_clock(at_us, clock));
}

void plain_words(struct plain *plain, const char *text)
{
	if (text)
		line_words(&plain->out, text, strlen(text), false);
}

static void put(struct plain *plain, const char *text)
{
	buf_puts(&plain->out, text);
}

/* "label: text", nothing when text is empty. */
static void labelled(struct plain *plain, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	put(plain, label);
	prose_flow(&plain->out, text);
	put(plain, "\n");
}

/* A host's name, or words for this one. */
static void host_name(struct plain *plain, const char *host)
{
	plain_safe(plain, host && *host ? host : "this computer");
}

/* ": " and a command; of a script the first line, for it would be read aloud at every look. */
static void command(struct plain *plain, const char *shown)
{
	put(plain, ": ");
	prose_line(&plain->out, shown);
	put(plain, "\n");
}

/* Several lines, each safe. */
static void lines(struct plain *plain, const char *text)
{
	labelled(plain, "", text);
}

static long step_number(const struct model *model, const char *id)
{
	for (size_t i = 0; i < model->step_count; i++)
		if (str_is(model->steps[i].id, id))
			return (long)i + 1;
	return 0;
}

static void step_name(struct plain *plain, const char *id)
{
	const struct model *model = plain->scene->model;
	const struct model_step *step = id ? model_step_find(model, id) : NULL;

	if (!step) {
		plain_safe(plain, id ? id : "");
		return;
	}
	buf_printf(&plain->out, "step %ld, ", step_number(model, id));
	plain_safe(plain, step->title);
}

static void step_title(struct plain *plain, const struct model_step *step)
{
	const struct model *model = plain->scene->model;
	const struct step_type *type = step_type_of(step->kind);

	buf_printf(&plain->out, "Step %ld of %zu: ", step_number(model, step->id), model->step_count);
	plain_safe(plain, step->title);
	buf_printf(&plain->out, " (%s%s%s).\n", type->name, *type->warning ? ", " : "", type->warning);
}

static void step_body(struct plain *plain, const struct model_step *step)
{
	labelled(plain, "What it is: ", step->about);
	labelled(plain, "Why: ", step->why);
	labelled(plain, "Takes about: ", step->takes);
	char *down = downtime_words(plain->scene->model, step);

	labelled(plain, "", down);
	mem_free(down);
	labelled(plain, "If it fails: ", step->back);
}

void plain_tell_step(struct plain *plain, const struct model_step *step)
{
	step_title(plain, step);
	step_body(plain, step);
}

/* What a step is about follows its title with the next event: one that is left out on the chosen way is over by then, and does nothing of it. */
static void tell_entered(struct plain *plain, const struct event *ev)
{
	const struct model_step *step = plain->entered ? model_step_find(plain->scene->model, plain->entered) : NULL;

	if (step && ev->kind != EVENT_STEP_ENDED)
		step_body(plain, step);
	mem_free(plain->entered);
	plain->entered = NULL;
}

static void choices(struct plain *plain, const struct question *question)
{
	struct choice choice;

	put(plain, "Choose: ");
	for (size_t i = 0; question_choice_at(question, i, &choice); i++) {
		buf_printf(&plain->out, "%zu ", i + 1);
		plain_safe(plain, choice.label);
		if (!str_is(choice.label, choice.value)) {
			put(plain, " (");
			plain_safe(plain, choice.value);
			put(plain, ")");
		}
		if (choice.why)
			put(plain, " with a reason");
		put(plain, ", ");
	}
	put(plain, "0 leave, or help.\n");
}

static const char *type_words(const char *type)
{
	static const char *const words[][2] = {
		{ "integer", "Type a whole number." },
		{ "number", "Type a number." },
		{ "duration", "Type a duration: 90s, 10m, 6h or 2d." },
		{ "secret", "Type it; it is not shown and never stored." },
		{ "text", "Type your answer. Commands begin with a colon here: \":help\"." },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_is(words[i][0], type))
			return words[i][1];
	return "Type your answer.";
}

/* What a step by hand is about was told when it was entered: what stands before and behind it is told. */
static void details_but_about(struct plain *plain, const char *details, const char *about)
{
	const char *at = about && *about ? strstr(details, about) : NULL;
	char *before = at ? mem_dup(details, (size_t)(at - details)) : NULL;

	if (before && *before)
		lines(plain, before);
	if (at)
		details = at + strlen(about) + strspn(at + strlen(about), "\n");
	if (*details)
		lines(plain, details);
	mem_free(before);
}

void plain_tell_question(struct plain *plain, const struct question *question)
{
	const struct scene *scene = plain->scene;
	const struct model_step *step = model_step_find(scene->model, question->step);

	buf_printf(&plain->out, "Question %lld: ", (long long)question->seq);
	if (str_is(question->of, "approval")) {
		people_approval(scene, question, &plain->out);
		put(plain, people_drives(scene) ? "Commands begin with a colon here: \":help\". \":withdraw WHY\" takes the request back.\n"
			: "Commands begin with a colon here: \":disagree WHY\", \":take\", \":help\".\n");
		return;
	}
	plain_safe(plain, question->text);
	put(plain, "\n");
	details_but_about(plain, question->details, step ? step->about : NULL);
	prose_question(&plain->out, "", question->data);
	if (question->expect && question_choices(question) == 0) {
		labelled(plain, "To agree, type exactly: ", question->expect);
		put(plain, "Commands begin with a colon here: \":help\".\n");
	} else if (question_choices(question) > 0) {
		choices(plain, question);
	} else {
		put(plain, type_words(question->secret ? "secret" : question->type));
		put(plain, "\n");
	}
	if (question->fallback && *question->fallback && !question_is_dangerous(question))
		labelled(plain, "Enter alone means: ", question->fallback);
}

static void step_line(struct plain *plain, size_t i)
{
	const struct model_step *step = &plain->scene->model->steps[i];

	model_step_words(step, &plain->out);
	buf_printf(&plain->out, " %zu ", i + 1);
	plain_safe(plain, step->title);
	if (step->reason && *step->reason)
		put(plain, ": ");
	prose_flow(&plain->out, step->reason);
	put(plain, "\n");
}

void plain_tell_steps(struct plain *plain)
{
	for (size_t i = 0; i < plain->scene->model->step_count; i++)
		step_line(plain, i);
}

static void down_clock(struct plain *plain)
{
	const struct model *model = plain->scene->model;
	int64_t down = model->down_total_us;
	char span[TIME_TEXT];

	if (model->down_since_us > 0)
		down += time_wall_us() - model->down_since_us;
	if (model->outside.seq) {
		model_outside_words(model, time_wall_us(), &plain->out);
		put(plain, "\n");
	} else if (down > 0)
		buf_printf(&plain->out, "The site %s down %s.\n",
			model->down_since_us > 0 ? "has been" : "was", time_format_span(down, span));
}

void plain_tell_summary(struct plain *plain)
{
	struct scene *scene = plain->scene;
	const struct model *model = scene->model;
	long at = model_current(model);

	buf_printf(&plain->out, "bellbook: session %lld, ", (long long)plain->session);
	plain_safe(plain, model->title && *model->title ? model->title : model->runbook);
	buf_printf(&plain->out, "%s: %zu of %zu steps over%s.\n", model->dry_run ? " (dry run)" : "",
		scene_steps_over(scene), model->step_count,
		model->state == SESSION_PAUSED ? ", paused" : "");
	if (scene_steps_over(scene) == 0)
		lines(plain, model->about);
	for (size_t i = 0; i < model->step_count; i++)
		if (model->steps[i].state != STEP_PLANNED && model->steps[i].state != STEP_OK
			&& (long)i != at)
			step_line(plain, i);
	down_clock(plain);
	if (json_count(scene->presence) > 0 || model->people_count > 0) {
		put(plain, "Here: ");
		scene_people(scene, &plain->out);
		put(plain, ". ");
	}
	if (scene->me)
		buf_printf(&plain->out, "You are %s, %s.\n", scene->me, scene->my_role);
	if (scene->halted)
		labelled(plain, "NOTHING GOES ON: ", scene->halted);
	if (at >= 0)
		plain_tell_step(plain, &model->steps[at]);
	if (at >= 0 && model->steps[at].state == STEP_RUNNING && model->steps[at].meter.moved_us) {
		put(plain, "So far: ");
		meter_words(&model->steps[at], time_wall_us(), false, &plain->out);
		put(plain, ".\n");
	}
	const struct model_call *call = scene_focus(scene);

	if (call && call->wait) {
		waits_words(call, time_wall_us(), &plain->out);
		put(plain, ".\n");
	} else if (call && call->state == CALL_RUNNING) {
		put(plain, "Running on ");
		host_name(plain, call->host);
		plain_safe(plain, call->where);
		command(plain, call->shown);
	}
}

void plain_tell_output(struct plain *plain, const struct model_call *call, size_t n)
{
	struct output *output = call ? scene_output(plain->scene, call->seq) : NULL;
	size_t count = output ? output_count(output) : 0;
	size_t from = count > n ? count - n : 0;

	if (!call || !output) {
		put(plain, "No output is held here; bellbook log has all of it.\n");
		return;
	}
	put(plain, "Output of: ");
	prose_line(&plain->out, call->shown);
	buf_printf(&plain->out, ", lines %lld to %lld of %lld\n",
		(long long)output_dropped(output) + (long long)from + 1,
		(long long)output_total(output), (long long)output_total(output));
	for (size_t i = from; i < count; i++) {
		plain_safe(plain, call->host && *call->host ? call->host : "here");
		put(plain, ": ");
		put(plain, output_at(output, i)->text);
		put(plain, "\n");
	}
	for (int err = 0; err < 2; err++)
		if (*output_partial(output, err)) {
			put(plain, "not finished: ");
			put(plain, output_partial(output, err));
			put(plain, "\n");
		}
}

struct told *plain_told(struct plain *plain, int64_t call)
{
	for (size_t i = plain->told_count; i-- > 0;)
		if (plain->told[i].call == call)
			return &plain->told[i];
	plain->told = mem_grow(plain->told, plain->told_count + 1, sizeof(*plain->told));
	plain->told[plain->told_count] = (struct told){ .call = call, .percent = 0 };
	return &plain->told[plain->told_count++];
}

/* A call that changes nothing: what it saw is the runbook's to judge, and told when something is wrong. */
static bool is_look(const struct model_call *call)
{
	return !call->told && (call->reads || scene_is_probe(call));
}

/* New lines of a call, as far as it may still print; the rest is passed over. */
static void tell_output(struct plain *plain, const struct event *ev)
{
	const struct model_call *call = scene_call(plain->scene, ev);
	struct output *output = call ? scene_output(plain->scene, call->seq) : NULL;
	struct told *told;

	if (!output || is_look(call))
		return;
	told = plain_told(plain, call->seq);
	while (told->lines < output_total(output) && told->printed < PLAIN_OUTPUT_LINES) {
		int64_t kept = told->lines - output_dropped(output);
		const struct output_line *line = kept >= 0 ? output_at(output, (size_t)kept) : NULL;

		told->lines++;
		if (!line)
			continue;
		plain_safe(plain, call->host && *call->host ? call->host : "here");
		put(plain, ": ");
		put(plain, line->text);
		put(plain, "\n");
		if (++told->printed == PLAIN_OUTPUT_LINES)
			put(plain, "More output comes and is kept; say \"output\" to read it.\n");
	}
}

/* What a meter of words alone says, whatever numbers are in it; 0 = it has an amount, which is told by how far it went. */
static uint64_t gist_of(const struct model_meter *meter)
{
	uint64_t gist = 14695981039346656037U;	/* FNV-1a */

	if (meter->done >= 0 || !meter->text)
		return 0;
	for (const char *c = meter->text; *c; c++)
		if (*c < '0' || *c > '9')
			gist = (gist ^ (unsigned char)*c) * 1099511628211U;
	return gist;
}

/* What the step's meter says; a stall and other words are always told. */
static void tell_meter(struct plain *plain, const struct event *ev)
{
	const struct model *model = plain->scene->model;
	const struct model_step *step = model_step_find(model, ev->step ? ev->step : "");
	struct meter_look look;
	struct told *told;
	uint64_t gist;

	if (!step || step->attempt != ev->attempt || !step->meter.moved_us)
		return;
	look = meter_look(step, ev->at_us);
	/* Calls have seqs above 0. */
	told = plain_told(plain, -((int64_t)(step - model->steps) * 100000 + step->attempt));
	gist = gist_of(&step->meter);
	if (told->progress && !step->meter.stalled && ev->at_us - told->progress_us < PLAIN_PROGRESS_US
		&& look.percent - told->percent < PLAIN_PROGRESS_PERCENT && gist == told->gist)
		return;
	told->progress = true;
	told->gist = gist;
	told->progress_us = ev->at_us;
	told->percent = look.percent > 0 ? look.percent : 0;
	plain_stamp(plain, ev->at_us);
	meter_words(step, ev->at_us, false, &plain->out);
	put(plain, ".\n");
}

static void tell_progress(struct plain *plain, const struct event *ev)
{
	const struct model_call *call = scene_call(plain->scene, ev);
	struct told *told;

	if (!call && (!ev->call || !*ev->call))
		tell_meter(plain, ev);
	if (!call)
		return;
	told = plain_told(plain, call->seq);
	if (told->progress && plain->now_us - told->progress_us < PLAIN_PROGRESS_US
		&& (call->percent < 0 || call->percent - told->percent < PLAIN_PROGRESS_PERCENT))
		return;
	told->progress = true;
	told->progress_us = plain->now_us;
	told->percent = call->percent > 0 ? call->percent : 0;
	plain_stamp(plain, ev->at_us);
	if (call->host && *call->host) {
		plain_safe(plain, call->host);
		put(plain, ": ");
	}
	if (call->percent >= 0)
		buf_printf(&plain->out, "%.0f percent%s", call->percent,
			call->progress && *call->progress ? ", " : "");
	plain_words(plain, call->progress);
	put(plain, ".\n");
}

/* Looks at the world are told once for all of their commands: the journal has each, and "output" the last. */
static void tell_look(struct plain *plain, const struct model_call *call, int64_t at_us)
{
	bool after = str_starts(call->path, "done/");
	char *key = mem_printf("%s/%d/%d", call->step, call->attempt, after);

	if (!str_is(plain->looked, key)) {
		plain_stamp(plain, at_us);
		put(plain, after ? "Checks the result.\n" : "Looks how it is now.\n");
	}
	mem_set(&plain->looked, key);
	mem_free(key);
}

/* A wait is told when it begins, and from time to time with what was last seen. */
static void tell_wait(struct plain *plain, const struct model_call *call, int64_t at_us)
{
	struct told *told = plain_told(plain, -call->wait->since_us);
	char clock[80];

	if (told->progress && at_us - told->progress_us < PLAIN_WAIT_US)
		return;
	told->progress = true;
	told->progress_us = at_us;
	plain_stamp(plain, at_us);
	downtime_clock(plain->scene->model, at_us, true, clock, sizeof(clock));
	if (plain->scene->model->down_since_us > 0)
		buf_printf(&plain->out, "%s. ", clock);
	waits_words(call, at_us, &plain->out);
	put(plain, ".\n");
}

static void tell_call_begun(struct plain *plain, const struct event *ev)
{
	const struct model_call *call = scene_call(plain->scene, ev);

	if (!call || !call->shown || !*call->shown)
		return;
	if (call->wait) {
		tell_wait(plain, call, ev->at_us);
		return;
	}
	if (is_look(call)) {
		tell_look(plain, call, ev->at_us);
		return;
	}
	plain_stamp(plain, ev->at_us);
	if (call->by_hand) {
		plain_safe(plain, ev->who);
		put(plain, ", by hand: ");
	}
	put(plain, "Runs on ");
	host_name(plain, call->host);
	if (call->as && *call->as)
		put(plain, " as ");
	plain_safe(plain, call->as);
	plain_safe(plain, call->where);
	command(plain, call->shown);
}

/* Last lines of a failed call that were passed over. */
static void tell_tail(struct plain *plain, struct output *output, struct told *told)
{
	int64_t total = output_total(output);
	int64_t from = total - PLAIN_TAIL_LINES > told->lines ? total - PLAIN_TAIL_LINES : told->lines;

	for (int64_t i = from; i < total; i++) {
		const struct output_line *line = output_at(output, (size_t)(i - output_dropped(output)));

		put(plain, "last lines: ");
		put(plain, line ? line->text : "");
		put(plain, "\n");
	}
	told->lines = total;
}

static void tell_call_ended(struct plain *plain, const struct event *ev)
{
	static const char *const names[] = { "goes on", "ok", "FAILED", "stopped", "outcome UNKNOWN" };
	const struct model_call *call = scene_call(plain->scene, ev);
	struct output *output = call ? scene_output(plain->scene, call->seq) : NULL;
	char span[TIME_TEXT];

	if (!call || ((is_look(call) || call->wait) && call->state == CALL_OK))
		return;
	tell_output(plain, ev);
	if (output && call->state != CALL_OK)
		tell_tail(plain, output, plain_told(plain, call->seq));
	if (call->state == CALL_OK && call->exit_code <= 0
		&& (!output || output_total(output) <= PLAIN_OUTPUT_LINES))
		return;
	plain_stamp(plain, ev->at_us);
	if (call->host && *call->host) {
		plain_safe(plain, call->host);
		put(plain, ": ");
	}
	/* A call is ok when its outcome is known; another status than 0 is the runbook's to judge. */
	buf_printf(&plain->out, "%s after %s",
		call->state == CALL_OK && call->exit_code > 0 ? "ended" : names[call->state],
		time_format_span(call->ended_us - call->begun_us, span));
	if (call->exit_code >= 0)
		buf_printf(&plain->out, ", exit status %d", call->exit_code);
	if (call->error && *call->error) {
		put(plain, ", ");
		plain_words(plain, call->error);
	}
	if (output && output_total(output) > PLAIN_OUTPUT_LINES)
		buf_printf(&plain->out, ", %lld lines of output, say \"output\" to read them",
			(long long)output_total(output));
	put(plain, ".\n");
}

static void tell_step_ended(struct plain *plain, const struct event *ev)
{
	const struct model_step *step = model_step_find(plain->scene->model, ev->step ? ev->step : "");
	char span[TIME_TEXT];

	if (!step)
		return;
	plain_stamp(plain, ev->at_us);
	put(plain, step->already ? "ALREADY DONE" : step->state == STEP_FAILED ? "FAILED" : step->state == STEP_OK ? "OK"
		: step_state_name(step->state));
	if (model_step_is_left_out(step) && *step->by) {
		put(plain, " by ");
		plain_safe(plain, step->by);
	}
	if (step->took_us > 0)
		buf_printf(&plain->out, " after %s", time_format_span(step->took_us, span));
	put(plain, ": ");
	step_name(plain, ev->step);
	if (step->reason && *step->reason)
		put(plain, ": ");
	prose_flow(&plain->out, step->reason);
	put(plain, strchr(".?!", buf_text(&plain->out)[plain->out.len - 1]) ? "\n" : ".\n");
}

/* "who: words from data", for kinds that need no more. */
static void tell_simple(struct plain *plain, const struct event *ev, const char *words,
	const char *member)
{
	struct err e;
	struct json *data = ev->data ? json_parse(ev->data, strlen(ev->data), &e) : NULL;
	const char *text = member ? json_text(data, member, "") : "";

	plain_stamp(plain, ev->at_us);
	if (ev->who && *ev->who && !str_is(ev->who, "bellbook")) {
		plain_safe(plain, ev->who);
		put(plain, " ");
	}
	if (ev->host && *ev->host) {
		plain_safe(plain, ev->host);
		put(plain, ": ");
	}
	put(plain, words);
	if (*text)
		put(plain, ": ");
	plain_words(plain, text);
	put(plain, "\n");
	json_free(data);
}

static const char *after_silence(const char *state)
{
	return str_is(state, "lost") ? ". It is tried again by itself. What was begun there may go on, or be cut off: it is looked up when the host answers.\n"
		: str_is(state, "silent") ? ". bellbook waits on, and tells when it answers again. Whether what was begun there goes on is not known.\n" : ".\n";
}

/* A host that does not answer is told once, that its connection is lost once more, and when it answers again; each try between is in the journal. */
static void tell_link(struct plain *plain, const struct event *ev)
{
	const struct model_call *call = model_call_find(plain->scene->model, ev->step ? ev->step : "", ev->attempt, ev->call ? ev->call : "");
	struct err e;
	struct json *data = ev->data ? json_parse(ev->data, strlen(ev->data), &e) : NULL;
	const char *state = json_text(data, "state", ""), *why = json_text(data, "text", "");
	bool silent = str_is(state, "silent"), lost = str_is(state, "lost"), back = str_is(state, "back");

	if (call && ((lost && call->lost_us != ev->at_us) || (silent && call->silent_us != ev->at_us))) {
		json_free(data);
		return;
	}
	plain_stamp(plain, ev->at_us);
	put(plain, lost || silent ? "NO ANSWER from " : "");
	plain_safe(plain, ev->host && *ev->host ? ev->host : "this computer");
	put(plain, back ? " answers again" : *why ? ": " : "");
	plain_words(plain, back ? "" : why);
	put(plain, after_silence(state));
	json_free(data);
}

/* What somebody said, its lines as lines. */
static void put_text(struct plain *plain, const struct event *ev)
{
	scene_text(ev, &plain->out, true);
	while (plain->out.len && plain->out.data[plain->out.len - 1] == '\n')
		buf_cut(&plain->out, plain->out.len - 1);
	put(plain, "\n");
}

static void tell_talk(struct plain *plain, const struct event *ev)
{
	plain_stamp(plain, ev->at_us);
	put(plain, ev->kind == EVENT_NOTE ? "note by " : "");
	plain_safe(plain, ev->who);
	put(plain, ": ");
	put_text(plain, ev);
}

static void tell_warned(struct plain *plain, const struct event *ev)
{
	plain_stamp(plain, ev->at_us);
	put(plain, "WARNING: ");
	put_text(plain, ev);
}

/* That all is well is told when it was not. */
static void tell_outside(struct plain *plain, const struct event *ev)
{
	const struct model_outside *outside = &plain->scene->model->outside;
	bool bad = outside->refuses_since_us || outside->waits_since_us;
	char span[TIME_TEXT];

	if (ev->kind == EVENT_OUTSIDE_COUNTED && bad == plain->outside_bad)
		return;
	plain_stamp(plain, ev->at_us);
	if (ev->kind == EVENT_OUTSIDE_BEGAN) {
		put(plain, "the site is asked from outside from here on: ");
		plain_safe(plain, outside->asks);
		if (*outside->unproven) {
			put(plain, ". Not proved by that: ");
			plain_safe(plain, outside->unproven);
		}
		put(plain, ".\n");
		return;
	}
	plain->outside_bad = bad;
	if (outside->refuses_since_us) {
		put(plain, "SEEN FROM OUTSIDE: the site REFUSES requests (");
		plain_safe(plain, outside->words);
		put(plain, ").\n");
	} else if (bad) {
		put(plain, "SEEN FROM OUTSIDE: requests WAIT for an answer.\n");
	} else {
		buf_printf(&plain->out, "Seen from outside: the site answers again. %lld requests were refused so far, for %s; %lld waited.\n",
			(long long)outside->refused, time_format_span(outside->refused_us, span), (long long)outside->waited);
	}
}

static void tell_step_start(struct plain *plain, const struct event *ev)
{
	const struct model_step *step = model_step_find(plain->scene->model, ev->step ? ev->step : "");

	if (!step)
		return;
	if (ev->kind == EVENT_STEP_ENTERED) {
		if (ev->who && *ev->who && !str_is(ev->who, "bellbook")) {
			plain_stamp(plain, ev->at_us);
			plain_safe(plain, ev->who);
			put(plain, " goes back to a step that was left out.\n");
		}
		step_title(plain, step);
		plain->entered = mem_strdup(step->id);
		return;
	}
	plain_stamp(plain, ev->at_us);
	buf_printf(&plain->out, "started, try %d.\n", step->attempt);
}

/* A session that failed before its first step has no other place to say why. */
static void tell_closed(struct plain *plain, const struct event *ev)
{
	struct err e;
	struct json *data = ev->data ? json_parse(ev->data, strlen(ev->data), &e) : NULL;
	const char *reason = json_text(data, "reason", "");

	tell_simple(plain, ev, "the session is closed", "outcome");
	buf_cut(&plain->out, plain->out.len - 1);
	model_left_out_words(plain->scene->model, &plain->out);
	if (*reason) {
		put(plain, ": ");
		prose_flow(&plain->out, reason);
	}
	put(plain, "\n");
	json_free(data);
}

static void tell_closed_question(struct plain *plain, const struct event *ev)
{
	if (!plain->scene->gone)
		return;
	plain_stamp(plain, ev->at_us);
	put(plain, plain->scene->gone);
	put(plain, "\n");
}

/* Of a newer bellbook's kind nothing but this is known. */
static void tell_unknown(struct plain *plain, const struct event *ev)
{
	plain_stamp(plain, ev->at_us);
	buf_printf(&plain->out, "an event of a newer bellbook (kind %d): ", ev->kind_number);
	plain_safe(plain, ev->data);
	put(plain, "\n");
}

/* What is printed of a kind: by a function, or as one sentence and one member of its data; neither: nothing. */
struct telling {
	void (*by)(struct plain *plain, const struct event *ev);
	const char *words, *member;
};

static struct telling telling_of(enum event_kind kind)
{
	switch (kind) {
#define PLAIN_NOTHING NULL, NULL, NULL
#define PLAIN_BY(function) function, NULL, NULL
#define PLAIN_SAYS(words, member) NULL, words, member
#define KIND(id, number, name, durability, version, about, members, words, values, fold, indexed, said, line, groups, mark, lazy, plain, ...) \
	case EVENT_##id: \
		return (struct telling){ plain };
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return (struct telling){ PLAIN_BY(tell_unknown) };
}

void plain_tell(struct plain *plain, const struct event *ev, int64_t now_us)
{
	struct telling telling = telling_of(ev->kind);

	plain->now_us = now_us;
	tell_entered(plain, ev);
	if (plain_shell_tell(plain, ev))
		return;
	if (telling.by)
		telling.by(plain, ev);
	else if (telling.words)
		tell_simple(plain, ev, telling.words, telling.member);
}
