/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plain/plain_people.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

/* The plain view's part about the others: the wheel, agreement, guests. */

void plain_take(struct plain *plain, const char *text)
{
	plain_send(plain, "take", *text ? "why" : NULL, text);
}

void plain_give(struct plain *plain, const char *text)
{
	plain_send(plain, "give", *text ? "to" : NULL, text);
}

void plain_dismiss(struct plain *plain, const char *text)
{
	plain_send(plain, "dismiss", *text ? "to" : NULL, text);
}

void plain_withdraw(struct plain *plain, const char *text)
{
	plain_send(plain, "withdraw", *text ? "why" : NULL, text);
}

void plain_disagree(struct plain *plain, const char *text)
{
	const struct question *question = scene_question(plain->scene);
	struct json *intent;

	if (!question || !str_is(question->of, "approval") || !utf8_says(text)) {
		buf_puts(&plain->out, utf8_says(text) ? "Nobody asks for your agreement now.\n" : "Say why: disagree WHY\n");
		return;
	}
	intent = json_new_object();
	json_set_text(intent, "do", "disagree");
	json_set_int(intent, "seq", question->seq);
	json_set_text(intent, "why", text);
	plain_send_json(plain, intent);
}

void plain_invite(struct plain *plain, const char *text)
{
	size_t len = strcspn(text, " ");
	const char *time = text + len + strspn(text + len, " ");
	struct json *intent;
	char *name;

	if (!*text) {
		buf_puts(&plain->out, "Say whom, and for how long: invite NAME 30m\n");
		return;
	}
	name = mem_dup(text, len);
	intent = json_new_object();
	json_set_text(intent, "do", "invite");
	json_set_text(intent, "to", name);
	if (*time)
		json_set_text(intent, "for", time);
	plain_send_json(plain, intent);
	mem_free(name);
}

static void put_after(struct plain *plain, const char *before, const char *text)
{
	if (!text || !*text)
		return;
	buf_puts(&plain->out, before);
	plain_safe(plain, text);
}

static void tell_wheel(struct plain *plain, const struct json *data)
{
	bool me = plain->scene->me && str_is(plain->scene->me, json_text(data, "to", ""));

	plain_safe(plain, me ? "You" : json_text(data, "to", "Somebody"));
	buf_puts(&plain->out, me ? " drive now" : " drives now");
	put_after(plain, " (", json_text(data, "how", NULL));
	buf_puts(&plain->out, json_text(data, "how", NULL) ? ")" : "");
	put_after(plain, ": ", json_text(data, "why", NULL));
}

static void tell_given(struct plain *plain, const struct event *ev, const struct json *data)
{
	plain_safe(plain, ev->who);
	buf_puts(&plain->out, json_bool(data, "waiver", false) ? " agreed ALONE, by waiver" : " agreed");
	put_after(plain, ": ", json_text(data, "why", NULL));
}

void plain_tell_people(struct plain *plain, const struct event *ev)
{
	struct err e;
	struct json *data = ev->data ? json_parse(ev->data, strlen(ev->data), &e) : NULL;

	plain_stamp(plain, ev->at_us);
	if (ev->kind == EVENT_WHEEL_PASSED) {
		tell_wheel(plain, data);
	} else if (ev->kind == EVENT_APPROVAL_GIVEN) {
		tell_given(plain, ev, data);
	} else if (ev->kind == EVENT_APPROVAL_VOIDED) {
		buf_puts(&plain->out, "What ");
		plain_safe(plain, json_text(data, "by", "somebody"));
		buf_puts(&plain->out, " agreed to counts no more");
		put_after(plain, ": ", json_text(data, "reason", NULL));
	} else {
		plain_safe(plain, ev->who);
		buf_puts(&plain->out, ev->kind == EVENT_INVITED ? " lets in as a guest" : ev->kind == EVENT_DISMISSED ? " ends the time of the guest" : " needs another person's agreement");
		put_after(plain, " ", json_text(data, "to", NULL));
		put_after(plain, ": ", json_text(data, "why", NULL));
	}
	buf_puts(&plain->out, ".\n");
	json_free(data);
}
