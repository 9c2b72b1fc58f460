/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/facts.h"

#include "base/mem.h"

/*
 * A fact is answered when it is on disk, and not to another worker than the one
 * that told it: numbers of two workers may be the same. So the journal counts
 * the facts of a call, and it is known here which of the worker's is which.
 */
struct fact_wait {
	int64_t count, number;
	struct fact_wait *next;
};

struct json *facts_add(struct facts *facts, int64_t number, const struct json *fact)
{
	struct fact_wait *wait = mem_alloc(sizeof(*wait));
	struct json *data = json_new_object();

	wait->count = ++facts->count;
	wait->number = number;
	wait->next = facts->waits;
	facts->waits = wait;
	json_set_int(data, "count", wait->count);
	json_put(data, "fact", fact ? json_copy_of(fact) : json_new_object());
	return data;
}

int64_t facts_stored(struct facts *facts, const struct json *data)
{
	int64_t count = json_int(data, "count", 0), number = 0;

	if (!facts->list)
		facts->list = json_new_array();
	json_add(facts->list, json_copy_of(json_at(data, "fact")));
	if (facts->count < count)
		facts->count = count;
	for (struct fact_wait **at = &facts->waits, *wait; (wait = *at) != NULL; at = &wait->next) {
		if (wait->count != count)
			continue;
		number = wait->number;
		*at = wait->next;
		mem_free(wait);
		break;
	}
	return number;
}

void facts_void(struct facts *facts)
{
	json_free(facts->list);
	facts->list = NULL;
}

void facts_lost(struct facts *facts)
{
	while (facts->waits) {
		struct fact_wait *wait = facts->waits;

		facts->waits = wait->next;
		mem_free(wait);
	}
}

void facts_done(struct facts *facts)
{
	facts_lost(facts);
	facts_void(facts);
}
