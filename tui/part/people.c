/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/people.h"

#include <string.h>

#include "base/mem.h"
#include "base/line.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/prose.h"

#define IDLE_US (120 * TIME_SECOND)	/* without a key for so long is worth a word */

static void put_safe(struct buf *out, const char *text)
{
	utf8_safe(out, text, strlen(text), false);
}

void people_take(struct scene *scene, const struct json *reply)
{
	const struct json *you = json_at(reply, "you"), *wheel = json_at(reply, "wheel");

	if (you) {
		struct buf role = { 0 };

		put_safe(&role, json_text(you, "role", ""));
		mem_free(scene->my_role);
		scene->my_role = buf_take(&role);
		scene->until_us = json_int(you, "until_us", 0);
	}
	if (wheel)
		scene->lost_us = json_int(wheel, "lost_us", 0);
}

static char *about_you(const struct scene *scene, const struct json *you, bool plain)
{
	struct buf text = { 0 };
	int64_t views = json_int(you, "views", 1);

	if (json_bool(you, "newcomer", false))
		buf_printf(&text, "This is your first session in this journal. %s %s. ",
			str_is(json_text(you, "role", ""), "driver") ? "You are asked before every change, and see what would run."
			: "Watch, ask, and answer what you are asked.", plain ? "explain: what this step is, help: all that you can say" : "v: explanations, ?: all keys");
	if (str_is(json_text(you, "role", ""), "observer"))
		buf_printf(&text, "You observe: you see everything; %s; who drives answers. To take part: attach --role navigator. ",
			plain ? "say TEXT and note TEXT are yours" : "s (say) and i (note) are yours");
	if (json_text(you, "why", NULL)) {
		buf_printf(&text, "You are %s: ", scene->my_role ? scene->my_role : "here");
		put_safe(&text, json_text(you, "why", ""));
		buf_puts(&text, ". ");
	}
	if (views > 1)
		buf_printf(&text, "%lld views of your account are here. If that is another person: bellbook cannot tell you apart, and you cannot agree for each other. ",
			(long long)views);
	if (text.len == 0)
		return NULL;
	return buf_take(&text);
}

char *people_notice(const struct scene *scene, const struct json *reply, bool plain)
{
	const struct json *you = json_at(reply, "you"), *knock = json_at(reply, "knock"), *wheel = json_at(reply, "wheel");
	const struct json *skipped = json_at(reply, "skipped");
	struct buf text = { 0 };

	if (you)
		return about_you(scene, you, plain);
	if (skipped) {
		buf_puts(&text, "Something cannot be shown (");
		put_safe(&text, json_text(skipped, "why", "it cannot be read"));
		buf_puts(&text, "). It begins: ");
		put_safe(&text, json_text(skipped, "text", ""));
	}
	if (knock) {
		put_safe(&text, json_text(knock, "who", "somebody"));
		buf_puts(&text, " asks to be let in as a guest: invite NAME TIME.");
	} else if (wheel && json_int(wheel, "lost_us", 0) && !people_drives(scene)) {
		put_safe(&text, json_text(wheel, "driver", "the driver"));
		buf_puts(&text, ", who drives, is gone: what runs goes on, nothing new starts. A navigator may take the wheel.");
	}
	return text.len ? buf_take(&text) : NULL;
}

bool people_drives(const struct scene *scene)
{
	if (!scene->model->driver)
		return str_is(scene->my_role, "driver");
	/* A second view of that account may have come to navigate or to watch: it drives nothing. */
	return scene->me && str_is(scene->model->driver, scene->me) && str_is(scene->my_role, "driver");
}

size_t people_others(const struct scene *scene)
{
	size_t n = 0;

	for (size_t i = 0; i < json_count(scene->presence); i++) {
		const struct json *one = json_item(scene->presence, i);

		n += !str_is(json_text(one, "who", ""), scene->me) && !str_is(json_text(one, "role", ""), "guest");
	}
	return n;
}

bool people_mine(const struct scene *scene, const struct question *question)
{
	const char *to = json_text(question->data, "to", NULL);

	if (!scene->me)
		return true;
	if (to)
		return str_is(to, scene->me);
	/* Who may be the driver in another window is no second person. */
	if (str_is(question->of, "approval") && !people_drives(scene))
		return str_is(scene->my_role, "navigator") && !str_is(scene->model->driver, scene->me);
	if (str_is(question->of, "approval"))
		return people_others(scene) == 0;
	/* Before the first view of a driver nobody knows better. */
	return people_drives(scene) || !scene->model->driver;
}

bool people_may(const struct scene *scene, enum action action)
{
	static const enum action drivers[] = { ACTION_STOP, ACTION_ENTER, ACTION_DETOUR, ACTION_RUN, ACTION_GIVE, ACTION_INVITE, ACTION_DISMISS };
	const char *role = scene->my_role ? scene->my_role : "";
	bool guest = str_is(role, "guest"), watches = guest || str_is(role, "observer");

	if (!scene->me || people_drives(scene))
		return true;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (drivers[i] == action)
			return action == ACTION_DETOUR && scene->vt;	/* who does not type there may watch */
	if (action == ACTION_PAUSE)
		return !watches && scene->model->state != SESSION_PAUSED;
	if (action == ACTION_TAKE || action == ACTION_WITHDRAW)
		return !watches;
	return !guest || (action != ACTION_SAY && action != ACTION_NOTE);
}

const struct question *people_wheel(const struct scene *scene)
{
	for (size_t i = 0; i < scene->question_count; i++)
		if (str_is(scene->questions[i]->of, "wheel") && people_mine(scene, scene->questions[i]))
			return scene->questions[i];
	return NULL;
}

/* ---- header ---- */

static bool is_first(const struct scene *scene, size_t at)
{
	const char *who = json_text(json_item(scene->presence, at), "who", "");

	for (size_t i = 0; i < at; i++)
		if (str_is(json_text(json_item(scene->presence, i), "who", ""), who))
			return false;
	return true;
}

/* " idle 6m", " typing", " guest": of all views of that account the liveliest. */
static void put_state(const struct scene *scene, const char *who, int64_t wall_us, struct buf *out)
{
	int64_t active_us = 0;
	bool typing = false, guest = false;

	for (size_t i = 0; i < json_count(scene->presence); i++) {
		const struct json *one = json_item(scene->presence, i);
		int64_t us = json_int(one, "active_us", 0);

		if (!str_is(json_text(one, "who", ""), who))
			continue;
		active_us = us > active_us ? us : active_us;
		typing = typing || json_bool(one, "typing", false);
		guest = guest || str_is(json_text(one, "role", ""), "guest");
	}
	if (guest)
		buf_puts(out, " guest");
	if (typing)
		buf_puts(out, " typing");
	else if (active_us && wall_us - active_us >= IDLE_US && !str_is(who, scene->me))
		buf_printf(out, " idle %lldm", (long long)((wall_us - active_us) / (60 * TIME_SECOND)));
}

static void put_driver(const struct scene *scene, int64_t wall_us, struct buf *out)
{
	const char *driver = scene->model->driver;
	int64_t lost_s = scene->lost_us ? (wall_us - scene->lost_us) / TIME_SECOND : 0;

	if (!driver || !*driver) {
		buf_puts(out, "[nobody drives]");
		return;
	}
	buf_puts(out, "[");
	put_safe(out, driver);
	if (scene->lost_us && lost_s < 120)
		buf_printf(out, " LOST %lld s]", (long long)(lost_s > 0 ? lost_s : 0));
	else if (scene->lost_us)
		buf_printf(out, " LOST %lldm]", (long long)(lost_s / 60));
	else {
		buf_puts(out, " DRIVES");
		put_state(scene, driver, wall_us, out);
		buf_puts(out, "]");
	}
}

void people_header(const struct scene *scene, int64_t wall_us, struct buf *out)
{
	size_t count = scene->presence ? json_count(scene->presence) : scene->model->people_count;
	const char *driver = scene->model->driver;
	bool some = false;

	put_driver(scene, wall_us, out);
	for (size_t i = 0; i < count; i++) {
		const char *who = scene->presence ? json_text(json_item(scene->presence, i), "who", "")
			: scene->model->people[i].who;
		bool me = str_is(who, scene->me);

		if (str_is(who, driver) || (scene->presence && !is_first(scene, i)))
			continue;
		buf_printf(out, "%s %s", some ? "," : "", me ? "[YOU: " : "");
		put_safe(out, who);
		if (scene->presence)
			put_state(scene, who, wall_us, out);
		buf_puts(out, me && str_is(scene->my_role, "observer") ? ", you observe]" : me ? "]" : "");
		some = true;
	}
	if (scene->me && str_is(driver, scene->me) && !people_drives(scene) && *scene->my_role)
		buf_printf(out, "%s [YOU HERE: %s]", some ? "," : "", scene->my_role);
}

/* ---- questions of others ---- */

void people_asked(const struct scene *scene, const struct question *question, struct buf *out)
{
	const char *to = json_text(question->data, "to", scene->model->driver ? scene->model->driver : "the driver");
	bool approval = str_is(question->of, "approval");

	put_safe(out, approval ? "another person" : to);
	buf_puts(out, approval ? " is asked to agree: " : " is asked: ");
	put_safe(out, question->text);
}

static void put_span(struct buf *out, int64_t us)
{
	char span[TIME_TEXT];

	/* Whole seconds: it is told each second. */
	buf_puts(out, us < TIME_SECOND ? "0 s" : time_format_span(us < 60 * TIME_SECOND ? us / TIME_SECOND * TIME_SECOND : us, span));
}

void people_countdown(const struct question *question, int64_t wall_us, struct buf *out)
{
	int64_t until_us = json_int(question->data, "until_us", 0), alone_us = json_int(question->data, "alone_us", 0);
	bool taking = str_is(question->of, "wheel") && str_is(json_text(question->data, "name", ""), "take");

	if (!until_us)
		return;
	buf_puts(out, "asked ");
	put_span(out, wall_us - question->at_us);
	buf_puts(out, " ago, ");
	buf_puts(out, str_is(question->of, "approval") ? "ends in " : taking ? "passes in " : "over in ");
	put_span(out, until_us - wall_us);
	if (alone_us > wall_us && str_is(question->of, "approval")) {
		buf_puts(out, ", alone it counts in ");
		put_span(out, alone_us - wall_us);
	}
}

/* ---- agreement ---- */

static void put_when(struct buf *out, int64_t at_us, bool with_date)
{
	char text[TIME_TEXT];

	if (with_date) {
		time_format(at_us, text);
		text[10] = '\0';
	} else {
		time_format_clock(at_us, text);
		text[5] = '\0';
	}
	buf_puts(out, text);
}

static void put_clock(struct buf *out, int64_t at_us)
{
	char text[TIME_TEXT];

	buf_puts(out, time_format_clock(at_us, text));
}

static void put_commands(const struct question *question, struct buf *out)
{
	const struct json *commands = json_at(question->data, "commands");
	bool added = json_bool(question->data, "added", false);

	if (json_count(commands) > 0) {
		if (added || json_bool(question->data, "whole", false))
			buf_puts(out, added ? "This one more command, and nothing else:\n" : "Exactly this will run, once, for this attempt only:\n");
		prose_commands(out, commands);
	}
	if (!added && json_at(question->data, "whole") && !json_bool(question->data, "whole", true))
		buf_puts(out, json_count(commands) > 0 ? "NOT FORESEEN: what comes after these depends on what is found then.\n"
			: "NOT FORESEEN: what it will run depends on what is found then.\n");
}

static void put_list(const struct json *list, const char *heading, bool checked, struct buf *out)
{
	if (json_count(list) > 0)
		buf_printf(out, "%s\n", heading);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_item(list, i);
		const char *text = json_text(one, checked ? "text" : "why", NULL);

		buf_puts(out, "- ");
		put_safe(out, json_text(one, "title", json_text(one, "step", "")));
		if (checked && str_is(json_text(one, "state", ""), "warn"))
			buf_puts(out, " WITH A WARNING");
		if (!checked) {
			buf_puts(out, ": ");
			put_safe(out, json_text(one, "state", ""));
			if (!str_is(json_text(one, "who", "bellbook"), "bellbook")) {
				buf_puts(out, " by ");
				put_safe(out, json_text(one, "who", ""));
			}
		}
		buf_puts(out, " at ");
		put_when(out, json_int(one, "at_us", 0), false);
		if (text) {
			buf_puts(out, ": ");
			line_words(out, text, strlen(text), false);
		}
		buf_puts(out, "\n");
	}
}

/* What people left out is not checked; what warned is, and what the runbook itself found needless is nothing that is missing. */
static void put_unchecked(const struct json *list, struct buf *out)
{
	static const char *const headings[] = { "NOT checked:", "Warned of:", "Left out by the runbook:" };
	struct json *parts[] = { json_new_array(), json_new_array(), json_new_array() };

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_item(list, i);
		const char *state = json_text(one, "state", "");
		bool needless = str_is(state, "skipped") && str_is(json_text(one, "who", "bellbook"), "bellbook");

		json_add(parts[str_is(state, "warned") ? 1 : needless ? 2 : 0], json_copy_of(one));
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		put_list(parts[i], headings[i], false, out);
		json_free(parts[i]);
	}
}

static void put_last(const struct json *last, struct buf *out)
{
	const char *state = json_text(last, "state", NULL), *reason = json_text(last, "reason", NULL);
	char span[TIME_TEXT];

	if (!last) {
		buf_puts(out, "Last time: this journal knows of no earlier run of this step.\n");
		return;
	}
	buf_puts(out, "Last time: ");
	put_when(out, json_int(last, "at_us", 0), true);
	buf_printf(out, ", session %lld: ", (long long)json_int(last, "session", 0));
	put_safe(out, !state ? "it was begun, and its end is not known" : str_is(state, "ok") ? "it worked" : state);
	if (json_int(last, "took_us", 0) > 0)
		buf_printf(out, ", took %s", time_format_span(json_int(last, "took_us", 0), span));
	if (reason) {
		buf_puts(out, ", ");
		line_words(out, reason, strlen(reason), false);
	}
	if (json_text(last, "after", NULL)) {
		buf_puts(out, "; after it failed ");
		put_safe(out, json_text(last, "after", ""));
	}
	buf_puts(out, "\n");
}

/* Who drives and sees nobody else here is told at once whether they may agree, and from when on. */
static void put_alone(const struct scene *scene, const struct question *question, struct buf *out)
{
	int64_t alone_us = json_int(question->data, "alone_us", 0);

	if (!people_drives(scene) || people_others(scene) > 0)
		return;
	if (!alone_us) {
		buf_printf(out, "ANOTHER PERSON must agree, and nobody else is here: with an account of their own they type bellbook attach %lld. You cannot, as the fleet file has no "
			   "policy = { alone = \"waiver\" }.\n", (long long)scene->model->session);
		return;
	}
	buf_puts(out, "You are alone: read it all. What you type counts from ");
	put_clock(out, alone_us);
	buf_puts(out, " UTC on.\n");
}

void people_approval(const struct scene *scene, const struct question *question, struct buf *out)
{
	const struct model_step *step = model_step_find(scene->model, question->step);
	const char *by = json_text(question->data, "by", NULL);

	if (by) {
		put_safe(out, people_drives(scene) ? "You" : by);
		buf_puts(out, people_drives(scene) ? " want" : " wants");
		buf_printf(out, " to run step %lld, ", step ? (long long)(step - scene->model->steps) + 1 : 0);
		put_safe(out, step ? step->title : question->step);
		buf_puts(out, ".\n");
	}
	put_alone(scene, question, out);
	prose_flow(out, question->text);
	buf_puts(out, "\n");
	put_commands(question, out);
	if (json_at(question->data, "checked")) {
		put_list(json_at(question->data, "checked"), "Checked:", true, out);
		put_unchecked(json_at(question->data, "unchecked"), out);
		if (json_count(json_at(question->data, "checked")) == 0)
			buf_puts(out, "Nothing was checked in this session before it.\n");
		put_last(json_at(question->data, "last"), out);
	}
	/* What the whole list covers is said in the lines above. */
	if (*question->details && !json_bool(question->data, "whole", false)) {
		prose_flow(out, question->details);
		buf_puts(out, "\n");
	}
	if (people_drives(scene) && people_others(scene) > 0)
		buf_puts(out, "Another person must agree: you drive.\n");
	else if (question->expect)
		buf_printf(out, "To agree, type exactly: %s\n", question->expect);
}

char *people_refusal(const struct scene *scene, const struct json *refused)
{
	const char *why = json_text(refused, "why", "no reason was given");
	bool second = str_is(json_text(refused, "do", ""), "answer") && scene->gone && json_int(refused, "seq", 0) == scene->gone_seq;

	if (second)
		return mem_printf("Your answer came later and does not count. %s%s", scene->gone, scene->gone_mine ? " That was in another view of your account." : "");
	/* Not now is no refusal. */
	return mem_printf(str_starts(why, "Your answer is kept") ? "%s." : "Refused: %s", why);
}
