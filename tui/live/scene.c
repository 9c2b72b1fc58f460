/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/scene.h"

#include <string.h>

#include "base/mem.h"
#include "base/line.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/part/people.h"
#include "tui/part/waits.h"

struct scene *scene_new(void)
{
	struct scene *scene = mem_alloc(sizeof(*scene));

	scene->model = model_new();
	scene->head = -1;
	return scene;
}

static void talk_done(struct talk *talk)
{
	mem_free(talk->who);
	mem_free(talk->text);
	mem_free(talk->step);
}

void scene_free(struct scene *scene)
{
	if (!scene)
		return;
	for (size_t i = 0; i < scene->question_count; i++)
		question_free(scene->questions[i]);
	for (size_t i = 0; i < scene->output_count; i++)
		output_free(scene->outputs[i].output);
	for (size_t i = 0; i < scene->talk_count; i++)
		talk_done(&scene->talk[i]);
	mem_free(scene->questions);
	mem_free(scene->outputs);
	mem_free(scene->talk);
	mem_free(scene->me);
	mem_free(scene->my_role);
	mem_free(scene->halted);
	mem_free(scene->gone);
	mem_free(scene->turned_away);
	json_free(scene->presence);
	json_free(scene->hosts);
	vt_free(scene->vt);
	model_free(scene->model);
	mem_free(scene);
}

static char *safe_dup(const char *text)
{
	struct buf safe = { 0 };

	if (text)
		utf8_safe(&safe, text, strlen(text), false);
	return buf_take(&safe);
}

void scene_text(const struct event *ev, struct buf *out, bool keep_lines)
{
	struct err e;
	struct json *data;
	const char *text;

	if (ev->bytes && ev->len > 0) {
		line_words(out, ev->bytes, ev->len, keep_lines);
		return;
	}
	if (!ev->data)
		return;
	data = json_parse(ev->data, strlen(ev->data), &e);
	text = json_text(data, "text", "");
	line_words(out, text, strlen(text), keep_lines);
	json_free(data);
}

static void talk_add(struct scene *scene, const struct event *ev)
{
	struct buf text = { 0 };

	if (scene->talk_count == SCENE_TALK) {
		talk_done(&scene->talk[0]);
		memmove(scene->talk, scene->talk + 1, --scene->talk_count * sizeof(*scene->talk));
	}
	scene_text(ev, &text, true);
	while (text.len && text.data[text.len - 1] == '\n')
		buf_cut(&text, text.len - 1);
	scene->talk = mem_grow(scene->talk, scene->talk_count + 1, sizeof(*scene->talk));
	scene->talk[scene->talk_count++] = (struct talk){
		.seq = ev->seq, .at_us = ev->at_us, .note = ev->kind == EVENT_NOTE,
		.warned = ev->kind == EVENT_WARNED,
		.who = safe_dup(ev->who), .text = buf_take(&text), .step = safe_dup(ev->step),
	};
}

/* What was told of a step until its attempt failed is of that attempt. */
static void talk_of_failure(struct scene *scene, const struct event *ev)
{
	const struct model_step *step = model_step_find(scene->model, ev->step ? ev->step : "");

	for (size_t i = 0; step && step->state == STEP_FAILED && i < scene->talk_count; i++)
		scene->talk[i].failed |= str_is(scene->talk[i].step, step->id);
}

static void question_add(struct scene *scene, const struct event *ev)
{
	scene->questions = mem_grow(scene->questions, scene->question_count + 1,
		sizeof(struct question *));
	scene->questions[scene->question_count++] = question_new(ev);
}

/* An answered or withdrawn event closes the question it names. */
static void question_close(struct scene *scene, const struct event *ev)
{
	struct err e;
	struct json *data = json_parse(ev->data ? ev->data : "", ev->data ? strlen(ev->data) : 0, &e);
	int64_t seq = json_int(data, "seq", 0);
	const struct json *value = json_at(data, "value");

	for (size_t i = 0; i < scene->question_count; i++) {
		if (scene->questions[i]->seq != seq)
			continue;
		char *who = safe_dup(ev->who && *ev->who ? ev->who : "bellbook");
		char *print = json_print(value);
		char *said = safe_dup(json_as_text(value) ? json_as_text(value) : print);
		char *reason = safe_dup(json_text(data, "reason", ""));

		mem_free(scene->gone);
		scene->gone_seq = seq;
		scene->gone_mine = ev->kind == EVENT_ANSWERED && scene->me && str_is(who, scene->me);
		if (ev->kind == EVENT_WITHDRAWN)
			scene->gone = mem_printf("Question %lld was withdrawn%s%s.", (long long)seq, *reason ? ": " : "", reason);
		else if (value && !scene->questions[i]->secret)
			scene->gone = mem_printf("%s answered question %lld: %s.", who, (long long)seq, said);
		else
			scene->gone = mem_printf("%s answered question %lld.", who, (long long)seq);
		mem_free(who);
		mem_free(print);
		mem_free(said);
		mem_free(reason);
		question_free(scene->questions[i]);
		scene->question_count--;
		memmove(scene->questions + i, scene->questions + i + 1,
			(scene->question_count - i) * sizeof(struct question *));
		break;
	}
	json_free(data);
}

const struct model_call *scene_call(const struct scene *scene, const struct event *ev)
{
	if (!ev->call || !*ev->call)
		return NULL;
	return model_call_find(scene->model, ev->step ? ev->step : "", ev->attempt, ev->call);
}

static void shell_close(struct scene *scene)
{
	vt_free(scene->vt);
	scene->vt = NULL;
	scene->shell = 0;
}

static void shell_open(struct scene *scene, const struct event *ev)
{
	const struct model_call *call = scene_call(scene, ev);

	if (!call || call->rows == 0)
		return;
	shell_close(scene);
	scene->shell = call->seq;
	scene->vt = vt_new(call->rows, call->cols);
	scene->strip = (struct strip){ 0 };
}

/* Feeds the terminal; appends the bytes as lines of text. */
static void shell_take(struct scene *scene, const struct event *ev, const struct json *data, struct buf *text)
{
	if (str_is(json_text(data, "stream", ""), "size"))
		vt_resize(scene->vt, (int)json_int(data, "rows", 24), (int)json_int(data, "cols", 80));
	if (!ev->bytes || ev->len == 0 || !str_is(json_text(data, "stream", ""), "pty"))
		return;
	vt_feed(scene->vt, ev->bytes, ev->len);
	strip_feed(&scene->strip, ev->bytes, ev->len, text);
}

const struct model_call *scene_call_find(const struct scene *scene, int64_t seq)
{
	const struct model *model = scene->model;

	for (size_t i = model->call_count; seq && i-- > 0;)
		if (model->calls[i].seq == seq)
			return &model->calls[i];
	return NULL;
}

const struct model_call *scene_shell(const struct scene *scene)
{
	return scene_call_find(scene, scene->shell);
}

static struct scene_output *output_find_call(const struct scene *scene, int64_t call)
{
	for (size_t i = scene->output_count; i-- > 0;)
		if (scene->outputs[i].call == call)
			return &scene->outputs[i];
	return NULL;
}

/* Keeps all scrollbacks together within bounds: the oldest is dropped whole. */
static void outputs_bound(struct scene *scene, const struct scene_output *keep)
{
	for (size_t i = 0; i < scene->output_count && scene->output_bytes > SCENE_OUTPUT_BYTES; i++) {
		struct scene_output *old = &scene->outputs[i];

		if (old == keep || !old->output)
			continue;
		scene->output_bytes -= output_bytes(old->output);
		output_free(old->output);
		old->output = NULL;
	}
}

/* Scrollback of a call, made when it is new. */
static struct scene_output *output_slot(struct scene *scene, int64_t call)
{
	struct scene_output *slot = output_find_call(scene, call);

	if (!slot) {
		scene->outputs = mem_grow(scene->outputs, scene->output_count + 1,
			sizeof(*scene->outputs));
		slot = &scene->outputs[scene->output_count++];
		*slot = (struct scene_output){ .call = call };
	}
	if (!slot->output)
		slot->output = output_new();
	return slot;
}

static void output_add(struct scene *scene, const struct event *ev)
{
	const struct model_call *call = scene_call(scene, ev);
	struct err e;
	struct json *data;
	struct buf text = { 0 };
	struct scene_output *slot;
	bool shell = call && call->seq == scene->shell;

	if (!call || (!ev->bytes && !shell))
		return;
	data = json_parse(ev->data ? ev->data : "", ev->data ? strlen(ev->data) : 0, &e);
	if (shell)
		shell_take(scene, ev, data, &text);
	if (!shell || text.len > 0) {
		slot = output_slot(scene, call->seq);
		scene->output_bytes -= output_bytes(slot->output);
		output_feed(slot->output, shell ? text.data : ev->bytes, shell ? text.len : ev->len,
			str_is(json_text(data, "stream", "out"), "err"), ev->at_us);
		scene->output_bytes += output_bytes(slot->output);
		outputs_bound(scene, slot);
	}
	json_free(data);
	buf_done(&text);
}

static void output_close(struct scene *scene, const struct event *ev)
{
	const struct model_call *call = scene_call(scene, ev);
	struct output *output = call ? scene_output(scene, call->seq) : NULL;

	if (call && call->seq == scene->shell && ev->kind == EVENT_CALL_ENDED)
		shell_close(scene);
	if (!output)
		return;
	scene->output_bytes -= output_bytes(output);
	output_end(output);
	scene->output_bytes += output_bytes(output);
}

bool scene_drives(const struct scene *scene)
{
	return scene->me && str_is(scene->my_role, "driver") && str_is(scene->model->driver, scene->me);
}

/* The wheel passes between the names; a view that only observes goes on observing. */
static void wheel_passed(struct scene *scene, const struct event *ev)
{
	if (scene->me && scene->head >= 0 && ev->seq > scene->head && !str_is(scene->my_role, "observer"))
		mem_set(&scene->my_role, str_is(scene->model->driver, scene->me) ? "driver" : "navigator");
}

bool scene_is_news(struct scene *scene, const struct event *ev)
{
	if (scene->head >= 0 && ev->seq > scene->head)
		scene->caught_up = true;
	return scene->caught_up;
}

void scene_event(struct scene *scene, const struct event *ev)
{
	if (ev->seq <= scene->model->last_seq)
		return;
	model_apply(scene->model, ev);
	if (scene->head >= 0 && ev->seq >= scene->head)
		scene->caught_up = true;
	if (ev->kind == EVENT_ASKED)
		question_add(scene, ev);
	else if (ev->kind == EVENT_ANSWERED || ev->kind == EVENT_WITHDRAWN)
		question_close(scene, ev);
	else if (ev->kind == EVENT_NOTE || ev->kind == EVENT_SAID || ev->kind == EVENT_WARNED)
		talk_add(scene, ev);
	else if (ev->kind == EVENT_STEP_ENDED)
		talk_of_failure(scene, ev);
	else if (ev->kind == EVENT_WHEEL_PASSED)
		wheel_passed(scene, ev);
	else if (ev->kind == EVENT_CALL_BEGUN)
		shell_open(scene, ev);
	else if (ev->kind == EVENT_CALL_OUTPUT)
		output_add(scene, ev);
	else if (ev->kind == EVENT_CALL_ENDED || ev->kind == EVENT_CALL_SETTLED)
		output_close(scene, ev);
	else if (ev->kind == EVENT_SESSION_CLOSED)
		while (scene->question_count > 0)
			question_free(scene->questions[--scene->question_count]);
}

void scene_reply(struct scene *scene, const struct json *reply)
{
	const struct json *hello = json_at(reply, "hello"), *presence = json_at(reply, "presence");
	const struct json *hosts = json_at(reply, "hosts"), *halted = json_at(reply, "halted"), *refused = json_at(reply, "refused");

	if (refused && str_is(json_text(refused, "do", ""), "hello")) {
		mem_free(scene->turned_away);
		scene->turned_away = safe_dup(json_text(refused, "why", "it did not say why"));
	}
	if (hello) {
		mem_free(scene->me);
		mem_free(scene->my_role);
		scene->me = safe_dup(json_text(hello, "who", ""));
		scene->my_role = safe_dup(json_text(hello, "role", ""));
		if (scene->head < 0)
			scene->head = json_int(hello, "head", 0);
		mem_set(&scene->halted, NULL);
	}
	people_take(scene, reply);
	if (presence) {
		json_free(scene->presence);
		scene->presence = json_copy_of(presence);
	}
	if (hosts) {
		json_free(scene->hosts);
		scene->hosts = json_copy_of(hosts);
	}
	if (halted) {
		mem_free(scene->halted);
		scene->halted = safe_dup(json_text(halted, "why", "the journal cannot be written"));
	}
	if (json_at(reply, "cleared"))
		mem_set(&scene->halted, NULL);
}

const struct question *scene_question(const struct scene *scene)
{
	/* Without these a connection does not come up, and what is done on it by hand is of now. */
	for (size_t i = 0; i < scene->question_count; i++)
		if (str_is(scene->questions[i]->of, "hostkey") || (str_is(scene->questions[i]->of, "secret") && *scene->questions[i]->host))
			return scene->questions[i];
	/* It has an end of its own, and what else is asked waits. */
	if (people_wheel(scene))
		return people_wheel(scene);
	for (size_t i = 0; i < scene->question_count; i++)
		if (people_mine(scene, scene->questions[i]))
			return scene->questions[i];
	return scene->question_count > 0 ? scene->questions[0] : NULL;
}

const struct question *scene_question_find(const struct scene *scene, int64_t seq)
{
	for (size_t i = 0; i < scene->question_count; i++)
		if (scene->questions[i]->seq == seq)
			return scene->questions[i];
	return NULL;
}

struct output *scene_output(const struct scene *scene, int64_t call)
{
	const struct scene_output *slot = output_find_call(scene, call);

	return slot ? slot->output : NULL;
}

bool scene_is_probe(const struct model_call *call)
{
	static const char *const prefixes[] = { "look", "see", "when", "doubt", "done/" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (str_starts(call->path, prefixes[i]))
			return true;
	return false;
}

/* Of calls that ran side by side the one that went wrong first; elsewhere the last one that did. */
static bool is_worse(const struct model_call *call, const struct model_call *than)
{
	return !than || (strchr(call->path, '/') && strchr(than->path, '/') && call->ended_us < than->ended_us);
}

/* Of those that ended with another status than 0: looks come behind what failed, to say why, and may end so, too. */
static bool is_odder(const struct model_call *call, const struct model_call *than)
{
	return !than || (than->reads && !call->reads) || (than->reads == call->reads && is_worse(call, than));
}

/* What a step's trouble is in: the call that went wrong, or at least ended with another status than 0. */
static const struct model_call *bad_call(const struct model *model, const struct model_step *step)
{
	const struct model_call *odd = NULL, *bad = NULL;

	for (size_t i = model->call_count; i-- > 0;) {
		const struct model_call *call = &model->calls[i];

		if (!str_is(call->step, step->id) || call->attempt != step->attempt)
			continue;
		if (call->by_hand)
			continue;
		if ((call->state == CALL_FAILED || call->state == CALL_UNKNOWN) && is_worse(call, bad))
			bad = call;
		if (call->exit_code > 0 && !scene_is_probe(call) && is_odder(call, odd))
			odd = call;
	}
	return bad ? bad : odd;
}

const struct model_call *scene_step_call(const struct scene *scene, const struct model_step *step)
{
	const struct model *model = scene->model;
	const struct model_call *probe = NULL;

	if (step->state == STEP_FAILED || step->state == STEP_IN_DOUBT)
		probe = bad_call(model, step);
	if (probe)
		return probe;
	for (size_t i = model->call_count; i-- > 0;) {
		const struct model_call *call = &model->calls[i];

		if (!str_is(call->step, step->id))
			continue;
		if (!scene_is_probe(call) && !call->by_hand)
			return call;
		if (!probe)
			probe = call;
	}
	return probe;
}

const struct model_call *scene_focus(const struct scene *scene)
{
	const struct model *model = scene->model;
	const struct model_call *bad = NULL, *work = NULL, *part = NULL, *waits[WAITS_MOST];
	long at = model_current(model);
	bool waiting = at >= 0 && waits_of(model, &model->steps[at], waits) > 0;

	/* While the step waits, its looks come and go each second: what it did before them is worth more than those. */
	for (size_t i = model->call_count; i-- > 0;) {
		const struct model_call *call = &model->calls[i];

		if (call->state == CALL_RUNNING && !call->wait && !(waiting && call->reads))
			return call;
		if (call->state == CALL_RUNNING && !part)
			part = call;
		if (!work && !scene_is_probe(call) && !call->by_hand && !call->wait && !(waiting && call->reads))
			work = call;
	}
	if (waiting)
		return work && str_is(work->step, model->steps[at].id) && work->attempt == model->steps[at].attempt ? work : waits[0];
	if (part)
		return part;
	if (at >= 0 && (model->steps[at].state == STEP_FAILED || model->steps[at].state == STEP_IN_DOUBT))
		bad = scene_step_call(scene, &model->steps[at]);
	return bad ? bad : work || model->call_count == 0 ? work : &model->calls[model->call_count - 1];
}

size_t scene_steps_over(const struct scene *scene)
{
	size_t over = 0;

	for (size_t i = 0; i < scene->model->step_count; i++)
		over += step_state_is_over(scene->model->steps[i].state);
	return over;
}

static void person(struct buf *out, const char *who, const char *role, bool first)
{
	if (!first)
		buf_puts(out, ", ");
	utf8_safe(out, who, strlen(who), false);
	if (*role) {
		buf_puts(out, " (");
		utf8_safe(out, role, strlen(role), false);
		buf_puts(out, ")");
	}
}

void scene_people(const struct scene *scene, struct buf *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < json_count(scene->presence); i++) {
		const struct json *one = json_item(scene->presence, i);

		person(out, json_text(one, "who", "?"), json_text(one, "role", ""), out->len == start);
	}
	for (size_t i = 0; !scene->presence && i < scene->model->people_count; i++) {
		const struct model_person *one = &scene->model->people[i];

		person(out, one->who ? one->who : "?", one->role ? one->role : "", out->len == start);
	}
	if (out->len == start)
		buf_puts(out, "nobody");
}

bool scene_has_host(const struct scene *scene, const char *name)
{
	for (size_t i = 0; i < json_count(scene->hosts); i++)
		if (str_is(json_as_text(json_item(scene->hosts, i)), name))
			return true;
	return !scene->hosts;
}
