/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/model/model_int.h"

void model_person_done(struct model_person *person)
{
	mem_free(person->who);
	mem_free(person->role);
	mem_free(person->view);
}

void model_drop_people(struct model *model)
{
	for (size_t i = 0; i < model->people_count; i++)
		model_person_done(&model->people[i]);
	model->people_count = 0;
}

static struct model_person *person_find(struct model *model, const char *who)
{
	for (size_t i = 0; i < model->people_count; i++) {
		if (str_is(model->people[i].who, who))
			return &model->people[i];
	}
	return NULL;
}

static int rank(const char *role)
{
	return str_is(role, "driver") ? 2 : str_is(role, "navigator") ? 1 : 0;
}

static struct model_person *person_add(struct model *model, const struct event *ev, const struct json *data)
{
	int64_t uid = json_int(data, "uid", -1);
	struct model_person *person;

	model->people = mem_more(model->people, model->people_count, sizeof(*person));
	person = &model->people[model->people_count++];
	*person = (struct model_person){ .since_us = ev->at_us };
	person->uid = uid >= 0 && uid < UINT32_MAX ? (uid_t)uid : (uid_t)-1;
	model_set(&person->who, ev->who);
	model_set(&person->role, json_text(data, "role", "observer"));
	return person;
}

void model_fold_joined(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_person *person;
	const char *role = json_text(data, "role", "observer");

	if (!ev->who || !ev->who[0])
		return;
	person = person_find(model, ev->who);
	if (!person)
		person = person_add(model, ev, data);
	/* Two views of one person: the person has the stronger role. */
	else if (rank(role) > rank(person->role))
		model_set(&person->role, role);
	if (person->count < INT32_MAX)
		person->count++;
	model_set(&person->view, model_text(data, "view"));
	if (rank(role) == 2)
		mem_set(&model->driver, person->who);
}

/* The wheel stays where it is: a driver whose line dropped is still the driver until it is passed. */
void model_fold_left(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_person *person = person_find(model, ev->who);
	size_t behind;

	(void)data;
	if (!person || --person->count > 0)
		return;
	model_person_done(person);
	behind = model->people_count - (size_t)(person - model->people) - 1;
	memmove(person, person + 1, behind * sizeof(*person));
	model->people_count--;
}

void model_fold_wheel_passed(struct model *model, const struct event *ev, const struct json *data)
{
	const char *to = json_text(data, "to", NULL);
	struct model_person *old = person_find(model, model->driver);
	struct model_person *new = person_find(model, to);

	(void)ev;
	if (old && old != new)
		model_set(&old->role, "navigator");
	if (new)
		model_set(&new->role, "driver");
	mem_set(&model->driver, to && to[0] ? to : NULL);
}
