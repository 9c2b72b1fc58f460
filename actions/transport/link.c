/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/transport/link.h"

#include <errno.h>
#include <string.h>

#include "actions/worker/call.h"
#include "actions/worker/call_int.h"
#include "actions/ssh/ssh_memory.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define PAUSE_FIRST (TIME_SECOND / 5)
#define PAUSE_MAX (10 * TIME_SECOND)
#define OPEN_TRIES 4
#define FILES_PATIENCE (60 * TIME_SECOND)
#define OPEN_QUICK TIME_SECOND

static void close_link(struct link *link)
{
	/* The shell's channel lives on the connection. */
	shell_free(link->shell);
	link->shell = NULL;
	sudo_known_free(link->sudo);
	link->sudo = NULL;
	link->one_channel = false;
	if (link->transport)
		link->transport->ops->free(link->transport);
	link->transport = NULL;
}

static void free_link(void *keep)
{
	struct link *link = keep;

	close_link(link);
	mem_free(link);
}

static const struct keep_type link_type = { .name = "link", .free = free_link };

struct link *link_of(struct call *call)
{
	struct link *link = call_keep(call, &link_type);

	if (!link) {
		link = mem_alloc(sizeof(*link));
		call_set_keep(call, &link_type, link);
	}
	return link;
}

const char *link_name(const struct call *call)
{
	const char *host = call_host(call);

	return *host ? host : "this host";
}

const char *link_option(const struct call *call, const char *name)
{
	return json_text(json_at(json_at(call_config(call), "hosts"), call_peer(call)), name, NULL);
}

/* Once said, it is so for every lane of that host: nobody is told twice, and nothing is tried in vain. */
static bool needs_system_ssh(const struct call *call)
{
	char *key = mem_printf("system ssh %s", call_peer(call));
	char *reason = ssh_memory_get(key);
	bool needs = reason != NULL;

	ssh_memory_wipe(reason);
	mem_free(key);
	return needs;
}

static void fall_back(struct call *call, const char *reason)
{
	char *key = mem_printf("system ssh %s", call_peer(call));

	call_link(call, "fallback", reason);
	ssh_memory_set(key, reason);
	mem_free(key);
}

/* A host's option "transport" of the fleet file chooses; without one libssh2 is tried, and ssh when libssh2 says that it cannot. */
static struct transport *open_ssh(struct call *call, bool *system_ssh, struct err *e)
{
	const char *wanted = link_option(call, "transport");
	struct transport *transport;

	if (str_is(wanted, "ssh") || (!str_is(wanted, "libssh2") && needs_system_ssh(call)))
		*system_ssh = true;
	if (!*system_ssh) {
		transport = transport_ssh2_open(call, e);
		if (transport || e->kind != ERR_USAGE || str_is(wanted, "libssh2"))
			return transport;
		fall_back(call, e->text);
		*system_ssh = true;
	}
	return transport_openssh_open(call, e);
}

/* A server that is being restarted, or has too many log-ins, closes fresh connections for a moment; one that takes long to fail is not tried again. */
static struct transport *open_tried(struct call *call, bool *system_ssh, struct err *e)
{
	struct transport *transport = NULL;

	for (int left = OPEN_TRIES - 1;; left--) {
		int64_t began = time_mono_us();

		if (ssh_memory_enter(call, call_peer(call), e) == 0) {
			transport = open_ssh(call, system_ssh, e);
			ssh_memory_leave(call_peer(call));
		}
		if (transport || e->kind != ERR_IO || left == 0 || time_mono_us() - began > OPEN_QUICK)
			return transport;
		if (call_wait(call, -1, 0, (OPEN_TRIES - left) * PAUSE_FIRST, e) < 0)
			return NULL;
	}
}

/* Descriptors are counted in lane.c, which may be wrong, as for a host whose log-in only the system's ssh can do. Nothing was asked of the host yet: it waits for those who have them. */
static bool wait_for_files(struct call *call, int64_t began, bool *told, struct err *e)
{
	static const char words[] = "it waits for a connection: all open files that bellbook may have (ulimit -n) are in use\n";

	if (!strstr(e->text, strerror(EMFILE)) || time_mono_us() - began > FILES_PATIENCE)
		return false;
	if (!*told)
		call_output(call, "note", words, strlen(words));
	*told = true;
	pthread_mutex_lock(&call->child->lock);
	(void)targets_make_room(call->child);
	pthread_mutex_unlock(&call->child->lock);
	return call_wait(call, -1, 0, PAUSE_FIRST, e) >= 0;
}

static struct transport *open_patiently(struct call *call, bool *system_ssh, struct err *e)
{
	struct transport *transport;
	int64_t began = time_mono_us();
	bool told = false;

	do
		transport = *call_peer(call) ? open_tried(call, system_ssh, e) :
					       transport_here_open(call, e);
	while (!transport && wait_for_files(call, began, &told, e));
	if (transport)
		call_link(call, "back", "connected");
	return transport;
}

struct transport *transport_get(struct call *call, struct err *e)
{
	struct link *link = link_of(call);

	if (!link->transport)
		link->transport = open_patiently(call, &link->system_ssh, e);
	return link->transport;
}

struct transport *transport_open(struct call *call, const char *host, struct err *e)
{
	struct transport *transport;
	bool system_ssh = false;

	call->peer = host;
	transport = open_patiently(call, &system_ssh, e);
	call->peer = NULL;
	return transport;
}

void transport_drop(struct call *call)
{
	struct link *link = call_keep(call, &link_type);

	if (link)
		close_link(link);
}

int link_again(struct call *call, const char *why, int64_t limit_us, struct err *e)
{
	int64_t began = time_mono_us();
	int64_t pause = PAUSE_FIRST;
	char text[TIME_TEXT];
	struct buf words = {0};
	int result = -1;

	transport_drop(call);
	call_link(call, "lost", why);
	for (;;) {
		if (transport_get(call, e)) {
			result = 0;
			break;
		}
		if (e->kind != ERR_IO || (limit_us && time_mono_us() - began + pause > limit_us))
			break;
		buf_clear(&words);
		buf_printf(&words, "%s; next try in %s", e->text, time_format_span(pause, text));
		call_link(call, "lost", buf_text(&words));
		if (call_wait(call, -1, 0, pause, e) < 0)
			break;
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
	buf_done(&words);
	return result;
}
