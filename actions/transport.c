/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/transport.h"

#include "actions/call_int.h"
#include "actions/link.h"
#include "actions/ssh_memory.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define PAUSE_FIRST (TIME_SECOND / 5)
#define PAUSE_MAX (10 * TIME_SECOND)
#define OPEN_TRIES 4
#define OPEN_QUICK TIME_SECOND

static void close_link(struct link *link)
{
	/* The shell's channel lives on the connection. */
	shell_free(link->shell);
	link->shell = NULL;
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

struct link *link_of(struct call *call)
{
	struct link *link = call_keep(call);

	if (!link) {
		link = mem_alloc(sizeof(*link));
		call_set_keep(call, link, free_link);
	}
	return link;
}

const char *link_name(const struct call *call)
{
	const char *host = call_host(call);

	return *host ? host : "this host";
}

/* A host's option "transport" of the fleet file chooses; without one libssh2 is tried, and ssh when libssh2 says that it cannot. */
static struct transport *open_ssh(struct call *call, struct link *link, struct err *e)
{
	const struct json *hosts = json_at(call_config(call), "hosts");
	const char *wanted = json_text(json_at(hosts, call_host(call)), "transport", "");
	struct transport *transport;

	if (str_is(wanted, "ssh"))
		link->system_ssh = true;
	if (!link->system_ssh) {
		transport = transport_ssh2_open(call, e);
		if (transport || e->kind != ERR_USAGE || str_is(wanted, "libssh2"))
			return transport;
		call_link(call, "fallback", e->text);
		link->system_ssh = true;
	}
	return transport_openssh_open(call, e);
}

/* A server that is being restarted, or has too many log-ins, closes fresh connections for a moment; one that takes long to fail is not tried again. */
static struct transport *open_tried(struct call *call, struct link *link, struct err *e)
{
	struct transport *transport = NULL;

	for (int left = OPEN_TRIES - 1;; left--) {
		int64_t began = time_mono_us();

		if (ssh_memory_enter(call, call_host(call), e) == 0) {
			transport = open_ssh(call, link, e);
			ssh_memory_leave(call_host(call));
		}
		if (transport || e->kind != ERR_IO || left == 0 || time_mono_us() - began > OPEN_QUICK)
			return transport;
		if (call_wait(call, -1, 0, (OPEN_TRIES - left) * PAUSE_FIRST, e) < 0)
			return NULL;
	}
}

struct transport *transport_get(struct call *call, struct err *e)
{
	struct link *link = link_of(call);

	if (link->transport)
		return link->transport;
	link->transport = *call_host(call) ? open_tried(call, link, e) : transport_here_open(call, e);
	return link->transport;
}

void transport_drop(struct call *call)
{
	struct link *link = call_keep(call);

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
			call_link(call, "back", "connected again");
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
