/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Aho-Corasick. All forms are put into a trie; for each state, fail is the
 * state of its longest proper suffix that is in the trie too. The states
 * nearest to the root, where a scan spends nearly all its time, have a full
 * row of successors with the failures already followed (dense). The others,
 * of which a long key has tens of thousands with mostly one successor each,
 * have a list of children and follow fail until one fits or a dense state is
 * reached. Breadth-first numbers make "dense" one comparison, and fail always
 * points to a lower number.
 */
#define _GNU_SOURCE
#include "base/redact_int.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#ifdef TINY_LIMITS
#define DENSE_MAX 2
#else
#define DENSE_MAX 512
#endif

struct node {
	uint32_t child;		/* first; 0 = none, as the root is nobody's child */
	uint32_t sibling;	/* next child of the same parent */
	uint32_t fail;
	uint32_t depth;
	unsigned char byte;	/* that leads here */
};

struct automaton {
	struct node *nodes;		/* owned */
	struct automaton_state *facts;	/* owned; same index */
	uint32_t (*rows)[256];		/* owned; of the dense states */
	uint32_t count;
	uint32_t dense;
	bool starts[256];		/* bytes that leave the root */
};

static uint32_t child_find(const struct node *nodes, uint32_t state, unsigned char c)
{
	uint32_t child = nodes[state].child;

	while (child && nodes[child].byte != c)
		child = nodes[child].sibling;
	return child;
}

static void insert(struct automaton *automaton, const struct automaton_form *form)
{
	struct node *nodes = automaton->nodes;
	uint32_t state = 0;

	for (size_t i = 0; i < form->len; i++) {
		unsigned char c = (unsigned char)form->bytes[i];
		uint32_t next = child_find(nodes, state, c);

		if (!next) {
			next = automaton->count++;
			nodes[next] = (struct node){
				.byte = c, .sibling = nodes[state].child,
				.depth = nodes[state].depth + 1,
			};
			nodes[state].child = next;
		}
		state = next;
	}
	if (automaton->facts[state].match == 0) {
		automaton->facts[state].match = (uint32_t)form->len;
		automaton->facts[state].name = form->name;
	}
}

static void wipe(void *block, size_t size)
{
	if (block)
		explicit_bzero(block, size);
	mem_free(block);
}

/* Renumbers the states breadth first, into arrays of the right size. */
static void renumber(struct automaton *automaton, size_t room)
{
	uint32_t count = automaton->count;
	struct node *nodes = mem_array(count, sizeof(*nodes));
	struct automaton_state *facts = mem_array(count, sizeof(*facts));
	uint32_t *old = mem_array(count, sizeof(*old));	/* by new number */
	uint32_t used = 1;

	for (uint32_t state = 0; state < count; state++) {
		const struct node *from = &automaton->nodes[old[state]];
		uint32_t last = 0;

		nodes[state].byte = from->byte;
		nodes[state].depth = from->depth;
		facts[state] = automaton->facts[old[state]];
		for (uint32_t child = from->child; child; child = automaton->nodes[child].sibling) {
			old[used] = child;
			if (last)
				nodes[last].sibling = used;
			else
				nodes[state].child = used;
			last = used++;
		}
	}
	assert(used == count);
	mem_free(old);
	wipe(automaton->nodes, room * sizeof(*nodes));
	wipe(automaton->facts, room * sizeof(*facts));
	automaton->nodes = nodes;
	automaton->facts = facts;
}

uint32_t automaton_step(const struct automaton *automaton, uint32_t state, unsigned char c)
{
	while (state >= automaton->dense) {
		uint32_t child = child_find(automaton->nodes, state, c);

		if (child)
			return child;
		state = automaton->nodes[state].fail;
	}
	return automaton->rows[state][c];
}

/* Row of a dense state: that of its fail, with its own children on top. */
static void fill_row(struct automaton *automaton, uint32_t state)
{
	const struct node *node = &automaton->nodes[state];

	if (state > 0)
		memcpy(automaton->rows[state], automaton->rows[node->fail],
		       sizeof(automaton->rows[state]));
	for (uint32_t child = node->child; child; child = automaton->nodes[child].sibling)
		automaton->rows[state][automaton->nodes[child].byte] = child;
}

/* Failures and facts in breadth-first order: those of shorter states are there already. */
static void link_states(struct automaton *automaton)
{
	struct node *nodes = automaton->nodes;
	struct automaton_state *facts = automaton->facts;

	for (uint32_t state = 0; state < automaton->count; state++) {
		uint32_t fail = nodes[state].fail;
		bool more = nodes[state].child != 0;

		/* Own form first: it is longer than any that ends in fail. */
		if (facts[state].match == 0) {
			facts[state].match = facts[fail].match;
			facts[state].name = facts[fail].name;
		}
		facts[state].live = more ? nodes[state].depth : facts[fail].live;
		for (uint32_t child = nodes[state].child; child; child = nodes[child].sibling) {
			if (state > 0)
				nodes[child].fail = automaton_step(automaton, fail, nodes[child].byte);
		}
		if (state < automaton->dense)
			fill_row(automaton, state);
	}
}

struct automaton *automaton_new(const struct automaton_form *forms, size_t count)
{
	struct automaton *automaton = mem_alloc(sizeof(*automaton));
	size_t room = 1;

	for (size_t i = 0; i < count; i++)
		room += forms[i].len;
	assert(room < UINT32_MAX);
	automaton->nodes = mem_array(room, sizeof(*automaton->nodes));
	automaton->facts = mem_array(room, sizeof(*automaton->facts));
	automaton->count = 1;
	for (size_t i = 0; i < count; i++)
		insert(automaton, &forms[i]);
	renumber(automaton, room);
	automaton->dense = automaton->count < DENSE_MAX ? automaton->count : DENSE_MAX;
	automaton->rows = mem_array(automaton->dense, sizeof(*automaton->rows));
	link_states(automaton);
	for (size_t c = 0; c < 256; c++)
		automaton->starts[c] = automaton->rows[0][c] != 0;
	return automaton;
}

void automaton_free(struct automaton *automaton)
{
	if (!automaton)
		return;
	wipe(automaton->nodes, automaton->count * sizeof(*automaton->nodes));
	wipe(automaton->facts, automaton->count * sizeof(*automaton->facts));
	wipe(automaton->rows, automaton->dense * sizeof(*automaton->rows));
	wipe(automaton, sizeof(*automaton));
}

size_t automaton_run(const struct automaton *automaton, uint32_t *state, const char *bytes,
		     size_t len)
{
	const unsigned char *in = (const unsigned char *)bytes;
	uint32_t at = *state;
	size_t i = 0;

	while (i < len) {
		while (at == 0 && i < len && !automaton->starts[in[i]])
			i++;
		if (i == len)
			break;
		at = automaton_step(automaton, at, in[i++]);
		if (automaton->facts[at].match)
			break;
	}
	*state = at;
	return i;
}

const struct automaton_state *automaton_at(const struct automaton *automaton, uint32_t state)
{
	return &automaton->facts[state];
}
