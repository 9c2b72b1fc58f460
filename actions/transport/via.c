/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/transport/via.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actions/ssh/ssh_folder.h"
#include "actions/transport/flow.h"
#include "actions/transport/transport.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

#define BACKLOG 128
#define FULL_PAUSE (TIME_SECOND / 10) /* there was no descriptor: before the next is accepted */
#define TRYING_TOLD (3 * TIME_SECOND) /* a place that has been tried for so long is told of */

/* A place, and the socket that leads to it. */
struct door {
	struct stream_way *way; /* owned */
	char *path;		/* owned; NULL = none: used by via_connect only */
	int listener;		/* -1 = none */
	struct door *next;
};

/* A descriptor on its way to the pump. */
struct arrival {
	const struct stream_way *way;
	int fd; /* owned */
	struct arrival *next;
};

struct via {
	struct transport *transport; /* owned; the pump's while it runs */
	char *folder;		     /* owned; NULL = none was needed yet */
	pthread_t thread;
	pthread_mutex_t lock;
	struct door *doors;	  /* under lock: the lane adds in front; none goes before the end */
	struct arrival *arrivals; /* under lock */
	struct err failure;	  /* under lock; ERR_NONE = nothing new */
	const struct stream_way *trying; /* under lock: silent for longest; NULL = nothing */
	int64_t trying_us; /* under lock: since then */
	int wake;	   /* eventfd: look at what is under lock */
	bool closing;	   /* under lock */
	bool lost;	   /* under lock */
	/* The pump's own. */
	struct flow *flows;
	int flow_count;
	int64_t full_until; /* no descriptor was left: nothing is accepted before */
	struct pollfd *fds; /* owned */
	size_t fds_cap;
};

/* ---- the pump ---- */

static void note_failure(struct via *via, const struct err *e)
{
	pthread_mutex_lock(&via->lock);
	if (!via->lost)
		via->failure = *e;
	pthread_mutex_unlock(&via->lock);
}

static void add_flow(struct via *via, const struct stream_way *way, int fd)
{
	struct flow *flow = flow_new(via->transport, way, fd);

	flow->next = via->flows;
	via->flows = flow;
	via->flow_count++;
}

static bool is_closing(struct via *via)
{
	bool closing;

	pthread_mutex_lock(&via->lock);
	closing = via->closing;
	pthread_mutex_unlock(&via->lock);
	return closing;
}

static bool lets_in(const struct via *via, const struct door *door, int64_t now)
{
	return door->listener >= 0 && via->full_until <= now && via->flow_count < VIA_STREAMS_MAX;
}

/* Lets in who waits before it. */
static void open_door(struct via *via, const struct door *door)
{
	while (lets_in(via, door, time_mono_us())) {
		int fd = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			via->full_until = time_mono_us() + FULL_PAUSE;
		if (fd < 0)
			return;
		add_flow(via, door->way, fd);
	}
}

/* Takes what via_connect left, and who stands before the doors. */
static void take_arrivals(struct via *via)
{
	struct arrival *arrivals;
	const struct door *doors;

	pthread_mutex_lock(&via->lock);
	arrivals = via->arrivals;
	via->arrivals = NULL;
	doors = via->doors;
	pthread_mutex_unlock(&via->lock);
	while (arrivals) {
		struct arrival *next = arrivals->next;

		add_flow(via, arrivals->way, arrivals->fd);
		mem_free(arrivals);
		arrivals = next;
	}
	for (const struct door *door = doors; door; door = door->next)
		open_door(via, door);
}

/* Moves what can be moved, and takes out what has ended. -1: the connection is lost. */
static int serve_flows(struct via *via, struct err *e)
{
	const struct stream_way *trying = NULL;
	int64_t since = 0;
	struct flow *flow;

	for (struct flow **at = &via->flows; (flow = *at);) {
		struct err why = { 0 };
		enum flow_state state = flow_step(flow, &why);

		if (state == FLOW_LOST) {
			*e = why;
			return -1;
		}
		if (state == FLOW_OPENING && (!trying || flow->began_us < since)) {
			trying = flow->stream->way;
			since = flow->began_us;
		}
		if (state != FLOW_OVER) {
			at = &flow->next;
			continue;
		}
		if (why.kind != ERR_NONE)
			note_failure(via, &why);
		*at = flow->next;
		via->flow_count--;
		flow_free(flow);
	}
	pthread_mutex_lock(&via->lock);
	via->trying = trying;
	via->trying_us = since;
	pthread_mutex_unlock(&via->lock);
	return 0;
}

static struct pollfd *next_fd(struct via *via, size_t *count)
{
	if (*count == via->fds_cap) {
		via->fds_cap = via->fds_cap ? via->fds_cap * 2 : 64;
		via->fds = mem_grow(via->fds, via->fds_cap, sizeof(*via->fds));
	}
	via->fds[*count] = (struct pollfd){ .fd = -1 };
	return &via->fds[(*count)++];
}

/* Until something can be moved. */
static void await_work(struct via *via)
{
	const struct stream_ops *ops = via->transport->ops->streams;
	int64_t now = time_mono_us(), wait = -1;
	size_t count = 0;
	const struct door *doors;

	*next_fd(via, &count) = (struct pollfd){ .fd = via->wake, .events = POLLIN };
	if (ops->watch)
		wait = ops->watch(via->transport, next_fd(via, &count));
	pthread_mutex_lock(&via->lock);
	doors = via->doors;
	pthread_mutex_unlock(&via->lock);
	if (via->full_until > now)
		wait = flow_sooner(wait, via->full_until - now);
	for (const struct door *door = doors; door; door = door->next) {
		struct pollfd listener = { .fd = door->listener, .events = POLLIN };

		if (lets_in(via, door, now))
			*next_fd(via, &count) = listener;
	}
	for (struct flow *flow = via->flows; flow; flow = flow->next) {
		struct pollfd fds[2];

		wait = flow_sooner(wait, flow_watch(flow, now, fds));
		*next_fd(via, &count) = fds[0];
		*next_fd(via, &count) = fds[1];
	}
	(void)poll(via->fds, (nfds_t)count, wait < 0 ? -1 : (int)((wait + 999) / 1000));
	if (via->fds[0].revents)
		(void)!read(via->wake, &(uint64_t){ 0 }, sizeof(uint64_t));
}

static void end_flows(struct via *via)
{
	while (via->flows) {
		struct flow *next = via->flows->next;

		flow_free(via->flows);
		via->flows = next;
	}
	via->flow_count = 0;
}

/* From now on nobody can connect, and who is connected reads the end. */
static void lose(struct via *via, const struct err *e)
{
	pthread_mutex_lock(&via->lock);
	via->lost = true;
	via->failure = *e;
	via->trying = NULL;
	for (struct door *door = via->doors; door; door = door->next) {
		if (door->listener >= 0)
			close(door->listener);
		door->listener = -1;
	}
	while (via->arrivals) {
		struct arrival *next = via->arrivals->next;

		close(via->arrivals->fd);
		mem_free(via->arrivals);
		via->arrivals = next;
	}
	pthread_mutex_unlock(&via->lock);
	/* Last: whoever reads an end finds out why. */
	end_flows(via);
}

static void *pump(void *arg)
{
	struct via *via = arg;
	const struct stream_ops *ops = via->transport->ops->streams;
	struct err e = { 0 };

	while (!is_closing(via)) {
		take_arrivals(via);
		if ((ops->tend && ops->tend(via->transport, &e) < 0) || serve_flows(via, &e) < 0) {
			lose(via, &e);
			break;
		}
		await_work(via);
	}
	end_flows(via);
	return NULL;
}

/* ---- what the lane asks for ---- */

static void wake(struct via *via)
{
	(void)!write(via->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static int start_pump(struct via *via, struct err *e)
{
	int failed;

	via->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (via->wake < 0)
		return err_errno(e, "cannot watch a connection");
	failed = pthread_create(&via->thread, NULL, pump, via);
	if (failed) {
		close(via->wake);
		errno = failed;
		return err_errno(e, "cannot start a thread");
	}
	return 0;
}

struct via *via_open(struct call *call, const char *host, struct err *e)
{
	struct transport *transport = transport_open(call, host, e);
	struct via *via;

	if (!transport)
		return NULL;
	via = mem_alloc(sizeof(*via));
	via->transport = transport;
	pthread_mutex_init(&via->lock, NULL);
	if (start_pump(via, e) == 0)
		return via;
	transport->ops->free(transport);
	pthread_mutex_destroy(&via->lock);
	mem_free(via);
	return NULL;
}

static void free_door(struct door *door)
{
	if (door->listener >= 0)
		close(door->listener);
	mem_free(door->path);
	stream_way_free(door->way);
	mem_free(door);
}

void via_close(struct via *via)
{
	if (!via)
		return;
	pthread_mutex_lock(&via->lock);
	via->closing = true;
	pthread_mutex_unlock(&via->lock);
	wake(via);
	(void)pthread_join(via->thread, NULL);
	via->transport->ops->free(via->transport);
	while (via->arrivals) {
		struct arrival *next = via->arrivals->next;

		close(via->arrivals->fd);
		mem_free(via->arrivals);
		via->arrivals = next;
	}
	while (via->doors) {
		struct door *next = via->doors->next;

		free_door(via->doors);
		via->doors = next;
	}
	ssh_folder_remove(via->folder);
	close(via->wake);
	pthread_mutex_destroy(&via->lock);
	mem_free(via->folder);
	mem_free(via->fds);
	mem_free(via);
}

/* A door without a socket to a place that can be reached. NULL with e; else the caller owns it. */
static struct door *new_door(
	struct via *via, struct call *call, const struct stream_to *to, struct err *e)
{
	const struct stream_ops *ops = via->transport->ops->streams;
	struct stream_way *way = via_is_up(via) ? stream_way_new(to, e) : NULL;
	struct door *door;

	if (!way) {
		if (!via_is_up(via))
			(void)via_failed(via, e);
		return NULL;
	}
	if (ops->lead(via->transport, call, way, e) < 0) {
		stream_way_free(way);
		return NULL;
	}
	door = mem_alloc(sizeof(*door));
	door->way = way;
	door->listener = -1;
	return door;
}

/* The folder is 0700, so that only this user can connect, whatever the umask is. */
static int listen_at(struct via *via, struct door *door, const char *name, struct err *e)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	if (!*name || strchr(name, '/') || str_is(name, ".") || str_is(name, ".."))
		return err_set(e, ERR_USAGE, "\"%.60s\" is no name of a file", name);
	if (!via->folder)
		via->folder = ssh_folder_make("via", e);
	if (!via->folder)
		return -1;
	door->path = mem_printf("%s/%s", via->folder, name);
	if (!str_copy(where.sun_path, sizeof(where.sun_path), door->path))
		return err_set(
			e, ERR_USAGE, "\"%.60s\" is too long for the name of a socket", name);
	door->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door->listener < 0 ||
		bind(door->listener, (const struct sockaddr *)&where, sizeof(where)) < 0 ||
		listen(door->listener, BACKLOG) < 0)
		return err_errno(e, "cannot listen at %s", door->path);
	return 0;
}

/* Hands a door, and an arrival if there is one, to the pump. -1 when it has ended meanwhile. */
static int hand_over(struct via *via, struct door *door, struct arrival *arrival, struct err *e)
{
	bool lost;

	pthread_mutex_lock(&via->lock);
	lost = via->lost;
	if (!lost) {
		if (door) {
			door->next = via->doors;
			via->doors = door;
		}
		if (arrival) {
			arrival->next = via->arrivals;
			via->arrivals = arrival;
		}
	}
	pthread_mutex_unlock(&via->lock);
	if (lost) {
		(void)via_failed(via, e);
		return -1;
	}
	wake(via);
	return 0;
}

const char *via_socket(struct via *via, struct call *call, const struct stream_to *to,
	const char *name, struct err *e)
{
	struct door *door = new_door(via, call, to, e);

	if (!door)
		return NULL;
	if (listen_at(via, door, name, e) == 0 && hand_over(via, door, NULL, e) == 0)
		return door->path;
	free_door(door);
	return NULL;
}

static bool same_text(const char *one, const char *other)
{
	return one && other ? str_is(one, other) : one == other;
}

/* A place that a door leads to already. Only this thread adds doors. */
static const struct stream_way *find_way(const struct via *via, const struct stream_to *to)
{
	for (const struct door *door = via->doors; door; door = door->next) {
		const struct stream_to *at = &door->way->to;

		if (same_text(at->host, to->host) && same_text(at->path, to->path) &&
			at->port == to->port)
			return door->way;
	}
	return NULL;
}

int via_connect(struct via *via, struct call *call, const struct stream_to *to, struct err *e)
{
	const struct stream_way *way = find_way(via, to);
	struct door *door = way ? NULL : new_door(via, call, to, e);
	struct arrival *arrival;
	int pair[2];

	if (!way && !door)
		return -1;
	if (proc_pair(pair, e) == 0) {
		arrival = mem_alloc(sizeof(*arrival));
		*arrival = (struct arrival){ .way = way ? way : door->way, .fd = pair[1] };
		if (proc_nonblock(pair[0], true, e) == 0 && proc_nonblock(pair[1], true, e) == 0 &&
			hand_over(via, door, arrival, e) == 0)
			return pair[0];
		close(pair[0]);
		close(pair[1]);
		mem_free(arrival);
	}
	if (door)
		free_door(door);
	return -1;
}

bool via_failed(struct via *via, struct err *e)
{
	bool failed;

	pthread_mutex_lock(&via->lock);
	failed = via->failure.kind != ERR_NONE;
	if (failed) {
		*e = via->failure;
		if (!via->lost)
			via->failure.kind = ERR_NONE;
	} else if (via->trying && time_mono_us() - via->trying_us >= TRYING_TOLD) {
		err_set(e, ERR_TIMEOUT, "%s has not answered for %lld s", via->trying->name,
			(long long)((time_mono_us() - via->trying_us) / TIME_SECOND));
		failed = true;
	}
	pthread_mutex_unlock(&via->lock);
	return failed;
}

bool via_is_up(struct via *via)
{
	bool lost;

	pthread_mutex_lock(&via->lock);
	lost = via->lost;
	pthread_mutex_unlock(&via->lock);
	return !lost;
}
