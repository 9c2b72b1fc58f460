/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh/ssh_memory.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define TURN_PAUSE (TIME_SECOND / 100)

struct kept {
	char *key;		/* owned */
	char *value;		/* owned; wiped; locked in memory where that is allowed */
	struct kept *next;
};

struct turn {
	char *host;		/* owned */
	struct turn *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *kept;	/* lives as long as the process */
static struct turn *turns;	/* hosts that somebody is connecting to */

void ssh_memory_wipe(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, strlen(text));
	mem_free(text);
}

bool ssh_memory_is_password(const char *prompt)
{
	return strcasestr(prompt, "password") && !strcasestr(prompt, "one-time") && !strcasestr(prompt, "one time") &&
	       !strcasestr(prompt, "otp") && !strcasestr(prompt, "new password");
}

static struct kept *find(const char *key)
{
	struct kept *at = kept;

	while (at && !str_is(at->key, key))
		at = at->next;
	return at;
}

char *ssh_memory_get(const char *key)
{
	struct kept *found;
	char *value;

	pthread_mutex_lock(&lock);
	found = find(key);
	value = found ? mem_strdup(found->value) : NULL;
	pthread_mutex_unlock(&lock);
	return value;
}

/* The entry of key, made when there is none. Lock held. */
static struct kept *find_or_make(const char *key)
{
	struct kept *found = find(key);

	if (!found) {
		found = mem_alloc(sizeof(*found));
		found->key = mem_strdup(key);
		found->next = kept;
		kept = found;
	}
	return found;
}

void ssh_memory_set(const char *key, const char *value)
{
	struct kept *found;

	pthread_mutex_lock(&lock);
	found = value ? find_or_make(key) : find(key);
	if (found) {
		ssh_memory_wipe(found->value);
		found->value = mem_strdup(value);
		if (value)
			(void)mlock(found->value, strlen(value) + 1);
	}
	pthread_mutex_unlock(&lock);
}

bool ssh_memory_first(const char *key)
{
	struct kept *found;
	bool is_first;

	pthread_mutex_lock(&lock);
	found = find_or_make(key);
	is_first = !found->value;
	if (is_first)
		found->value = mem_strdup("");
	pthread_mutex_unlock(&lock);
	return is_first;
}

static bool try_enter(const char *host)
{
	struct turn *at;

	pthread_mutex_lock(&lock);
	for (at = turns; at && !str_is(at->host, host); at = at->next)
		;
	if (!at) {
		struct turn *mine = mem_alloc(sizeof(*mine));

		mine->host = mem_strdup(host);
		mine->next = turns;
		turns = mine;
	}
	pthread_mutex_unlock(&lock);
	return !at;
}

int ssh_memory_enter(struct call *call, const char *host, struct err *e)
{
	while (!try_enter(host)) {
		if (call_wait(call, -1, 0, TURN_PAUSE, e) < 0)
			return -1;
	}
	return 0;
}

void ssh_memory_leave(const char *host)
{
	struct turn *turn;

	pthread_mutex_lock(&lock);
	for (struct turn **at = &turns; (turn = *at); at = &turn->next) {
		if (str_is(turn->host, host)) {
			*at = turn->next;
			mem_free(turn->host);
			mem_free(turn);
			break;
		}
	}
	pthread_mutex_unlock(&lock);
}
