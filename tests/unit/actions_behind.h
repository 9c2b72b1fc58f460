/* actions_behind.h - what stands behind a host in tests of streams, in threads; and a call alone. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_ACTIONS_BEHIND_H
#define TESTS_ACTIONS_BEHIND_H

#include "actions_sshd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "actions/worker/call_int.h"

#define FLOOD ((size_t)32 << 20)
#define STALL_MS 400 /* without a byte taken: the sender waits for the reader */

/* What a connection is for is its first byte: e = comes back; c = counted, and told after its end;
 * h = it gets "hello" and its end at once, what it sends is counted; f = it gets FLOOD bytes; s =
 * as c, once the gate is open; x = closed at once; G = an HTTP request. */
static struct {
	int port, tcp, local;
	char folder[40], path[60];
	atomic_llong heard; /* bytes of the last 'c', 'h' or 's' that ended */
	atomic_int ended;   /* how many of them did */
	atomic_llong sent;  /* of the flood */
	atomic_int stalled; /* the flood waits */
	atomic_int gate;
} behind;

static inline void behind_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = send(fd, bytes, len, MSG_NOSIGNAL);

		if (put < 0 && errno != EINTR)
			return;
		bytes += put > 0 ? put : 0;
		len -= put > 0 ? (size_t)put : 0;
	}
}

/* A byte of the flood, by its place. */
static inline char flood_at(size_t at)
{
	return (char)((at * 31 + at / 257) & 0xff);
}

static inline void behind_flood(int fd)
{
	char bytes[16384];
	size_t at = 0;

	while (at < FLOOD) {
		struct pollfd ready = { .fd = fd, .events = POLLOUT };
		ssize_t put;

		if (poll(&ready, 1, STALL_MS) == 0)
			atomic_store(&behind.stalled, 1);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = flood_at(at + i);
		put = send(fd, bytes, sizeof(bytes) < FLOOD - at ? sizeof(bytes) : FLOOD - at,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return;
		at += put > 0 ? (size_t)put : 0;
		atomic_store(&behind.sent, (long long)at);
	}
}

/* Reads to the end. */
static inline long long behind_count(int fd)
{
	char bytes[16384];
	long long total = 0;
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		total += got;
	atomic_store(&behind.heard, got < 0 ? -1 : total);
	atomic_fetch_add(&behind.ended, 1);
	return total;
}

static inline void behind_http(int fd)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
	char bytes[4096], last[4] = "";
	ssize_t got;

	/* Requests come one after the other, and each ends with an empty line. */
	while ((got = recv(fd, bytes, 1, 0)) > 0) {
		memmove(last, last + 1, 3);
		last[3] = bytes[0];
		if (memcmp(last, "\r\n\r\n", 4) == 0)
			behind_send(fd, answer, sizeof(answer) - 1);
	}
}

static inline void *behind_serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char bytes[16384], mode = 'x';
	ssize_t got = recv(fd, &mode, 1, 0);

	if (mode == 'h') {
		behind_send(fd, "hello", 5);
		shutdown(fd, SHUT_WR);
	}
	while (mode == 's' && !atomic_load(&behind.gate))
		poll(NULL, 0, 5);
	if (mode == 'f')
		behind_flood(fd);
	if (mode == 'G')
		behind_http(fd);
	if (mode == 'c' || mode == 'h' || mode == 's')
		snprintf(bytes, sizeof(bytes), "%lld\n", behind_count(fd));
	if (mode == 'c' || mode == 's')
		behind_send(fd, bytes, strlen(bytes));
	while (mode == 'e' && (got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		behind_send(fd, bytes, (size_t)got);
	close(fd);
	return NULL;
}

static inline void *behind_listen(void *arg)
{
	int listener = (int)(intptr_t)arg;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			break;
		if (fd >= 0 &&
			pthread_create(&thread, &attr, behind_serve, (void *)(intptr_t)fd) != 0)
			abort();
	}
	pthread_attr_destroy(&attr);
	return NULL;
}

static inline int behind_bind(int family, const struct sockaddr *where, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	if (bind(fd, where, len) < 0 || listen(fd, 200) < 0 ||
		pthread_create(&thread, NULL, behind_listen, (void *)(intptr_t)fd) != 0)
		abort();
	pthread_detach(thread);
	return fd;
}

/* Starts it, when it does not run yet. Its threads end with the program. */
static inline void behind_open(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(in);

	if (behind.port)
		return;
	/* A short name, and none of sshd_runtime's. */
	snprintf(behind.folder, sizeof(behind.folder), "/tmp/bellbook.XXXXXX");
	if (!mkdtemp(behind.folder))
		abort();
	snprintf(behind.path, sizeof(behind.path), "%s/behind", behind.folder);
	if (!str_copy(un.sun_path, sizeof(un.sun_path), behind.path))
		abort();
	behind.tcp = behind_bind(AF_INET, (struct sockaddr *)&in, sizeof(in));
	behind.local = behind_bind(AF_UNIX, (struct sockaddr *)&un, sizeof(un));
	if (getsockname(behind.tcp, (struct sockaddr *)&in, &len) < 0)
		abort();
	behind.port = ntohs(in.sin_port);
}

static inline void behind_close(void)
{
	if (behind.port) {
		unlink(behind.path);
		rmdir(behind.folder);
	}
}

/* A call as a lane has it in its hands. */
struct held {
	struct child child;
	struct target target;
	struct lane lane;
	struct call call;
	struct json *config;
	char host[8];
};

/* transport: of all hosts. */
static inline void held_open(struct held *held, const char *transport)
{
	static const char *const names[] = { "plain", "quick", "login", NULL };
	struct json *hosts = json_new_object();

	memset(held, 0, sizeof(*held));
	str_copy(held->host, sizeof(held->host), "db");
	held->config = json_new_object();
	json_set_text(held->config, "ssh_config", at_home("ssh_config"));
	for (const char *const *name = names; *name; name++) {
		struct json *options = json_new_object();

		json_set_text(options, "transport", transport);
		json_put(hosts, *name, options);
	}
	json_put(held->config, "hosts", hosts);
	pthread_mutex_init(&held->child.lock, NULL);
	pthread_cond_init(&held->child.room, NULL);
	held->lane.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	held->target = (struct target){ .child = &held->child, .host = held->host };
	held->lane.target = &held->target;
	held->call.child = &held->child;
	held->call.lane = &held->lane;
	held->call.host = held->target.host;
	held->call.config = held->config;
	held->call.deadline_us = time_mono_us() + PATIENCE;
}

static inline void held_close(struct held *held)
{
	close(held->lane.wake);
	pthread_mutex_destroy(&held->child.lock);
	pthread_cond_destroy(&held->child.room);
	json_free(held->config);
}

#endif
