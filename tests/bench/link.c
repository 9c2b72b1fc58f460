/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: link ADDRESS PORT MICROSECONDS
 *
 * A long link made of two sockets: listens on a port of 127.0.0.1 (printed),
 * connects each caller to ADDRESS:PORT, and hands every byte on MICROSECONDS
 * after it came, in both directions. As wide as wanted, never lossy: only
 * what the two ends have under way themselves limits the rate, so a protocol's
 * own window shows. (tests/fleet/wire.c does this to whole network cards, for
 * which one needs namespaces.) Ends when it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define PIPES 64		/* both directions of 32 connections */
#define UNDER_WAY (64 << 20)	/* bytes in one direction at most; a rate of 3 GB/s at 20 ms */
#define CHUNK 65536

struct chunk {
	struct chunk *next;
	int64_t due;
	size_t len, sent;
	char bytes[];
};

/* One direction. */
struct way {
	int in, out;		/* -1 = unused */
	bool ended;		/* `in` has given its end */
	struct chunk *first, **last;
	size_t under_way;
};

static struct way ways[PIPES];

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void fail(const char *what)
{
	fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void close_way(struct way *way)
{
	struct way *back = &ways[(way - ways) ^ 1];

	while (way->first) {
		struct chunk *next = way->first->next;

		mem_free(way->first);
		way->first = next;
	}
	way->ended = true;
	way->last = &way->first;
	shutdown(way->out, SHUT_WR);
	shutdown(way->in, SHUT_RD);
	way->under_way = 0;
	/* Both directions are over: the two sockets go. */
	if (back->ended && !back->first) {
		close(way->in);
		close(way->out);
		way->in = way->out = back->in = back->out = -1;
	}
}

static void take(struct way *way, int64_t delay)
{
	struct chunk *chunk = mem_alloc(sizeof(*chunk) + CHUNK);
	ssize_t got = recv(way->in, chunk->bytes, CHUNK, MSG_DONTWAIT);

	if (got <= 0) {
		mem_free(chunk);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		way->ended = true;
		if (!way->first)
			close_way(way);
		return;
	}
	chunk = mem_grow(chunk, 1, sizeof(*chunk) + (size_t)got);
	chunk->len = (size_t)got;
	chunk->due = now_us() + delay;
	way->under_way += chunk->len;
	*way->last = chunk;
	way->last = &chunk->next;
}

/* Sends what is due. */
static void give(struct way *way)
{
	while (way->first && way->first->due <= now_us()) {
		struct chunk *chunk = way->first;
		ssize_t put = send(way->out, chunk->bytes + chunk->sent, chunk->len - chunk->sent,
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (put < 0) {
			close_way(way);
			return;
		}
		chunk->sent += (size_t)put;
		if (chunk->sent < chunk->len)
			return;
		way->under_way -= chunk->len;
		way->first = chunk->next;
		if (!way->first)
			way->last = &way->first;
		mem_free(chunk);
	}
	if (way->ended && !way->first && way->in >= 0)
		close_way(way);
}

static void add_ways(int caller, const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	int i = 0;

	while (i < PIPES && ways[i].in >= 0)
		i += 2;
	if (i >= PIPES || fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		close(caller);
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(caller, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (int k = i; k < i + 2; k++) {
		ways[k] = (struct way){ .in = k == i ? caller : fd, .out = k == i ? fd : caller };
		ways[k].last = &ways[k].first;
	}
}

/* Fills in what to wait for; returns for how long, in ms. */
static int64_t arm(struct pollfd *fds, int listener)
{
	int64_t next = 1000000;

	fds[PIPES] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (int i = 0; i < PIPES; i++)
		fds[i] = (struct pollfd){ .fd = -1 };
	for (int i = 0; i < PIPES; i++) {
		struct way *way = &ways[i];
		int64_t left;

		if (way->in < 0)
			continue;
		/* fds[i] watches the socket that way i reads; its writing side is watched by the other way's entry. */
		if (!way->ended && way->under_way < UNDER_WAY) {
			fds[i].fd = way->in;
			fds[i].events |= POLLIN;
		}
		if (!way->first)
			continue;
		left = way->first->due - now_us();
		if (left <= 0) {
			fds[i ^ 1].fd = way->out;
			fds[i ^ 1].events |= POLLOUT;
		} else if (left < next) {
			next = left;
		}
	}
	return next;
}

static void serve(int listener, const struct sockaddr_in *to, int64_t delay)
{
	for (;;) {
		struct pollfd fds[PIPES + 1];
		int64_t left = arm(fds, listener);
		struct timespec wait = { .tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000 };

		if (ppoll(fds, PIPES + 1, &wait, NULL) < 0 && errno != EINTR)
			fail("poll");
		for (int i = 0; i < PIPES; i++) {
			if (ways[i].in >= 0 && (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) && !ways[i].ended)
				take(&ways[i], delay);
			if (ways[i].in >= 0)
				give(&ways[i]);
		}
		if (fds[PIPES].revents & POLLIN) {
			int caller = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (caller >= 0)
				add_ways(caller, to);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: link ADDRESS PORT MICROSECONDS\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	to.sin_port = htons((uint16_t)strtol(argv[2], NULL, 10));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 32) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) < 0)
		fail("listen");
	for (int i = 0; i < PIPES; i++)
		ways[i] = (struct way){ .in = -1, .out = -1 };
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	serve(listener, &to, strtoll(argv[3], NULL, 10));
}
