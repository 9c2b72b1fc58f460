/* wire.c - a cable with a delay between two network interfaces, for kernels without netem. Not a shaper: no loss, no rate. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: wire INTERFACE INTERFACE MICROSECONDS
 *
 * Frames that arrive at one interface leave the other one MICROSECONDS
 * later. Packet sockets, so a plain user's namespaces are enough. The
 * virtio header in front of each frame keeps what the sender left undone
 * (checksum, segmentation), so that nothing has to be switched off in the
 * hosts. Prints a line when frames flow; ends when it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME_MAX = 70000,       /* a 64 KiB segment with its headers */
	RING_BYTES = 48 << 20,   /* frames on their way, each direction */
	BURST = 64               /* frames read before the other side's turn */
};

/* A frame in the ring; its bytes follow. len 0: the rest of the ring is unused. */
struct frame {
	uint64_t due; /* ns */
	uint64_t len;
};

/* One direction. head and tail are offsets into ring; used tells empty from full. */
struct lane {
	int in, out;
	size_t head, tail, used;
	_Alignas(16) unsigned char ring[RING_BYTES];
};

static struct lane lanes[2];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A socket that sees what arrives at the interface, not what leaves it. */
static int open_interface(const char *name)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int on = 1, size = 8 << 20, fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	addr.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || addr.sll_ifindex == 0)
		fail(name);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		fail("packet socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		fail(name);
	return fd;
}

static size_t record_bytes(size_t len)
{
	return sizeof(struct frame) + ((len + 15) & ~(size_t)15);
}

/* Makes room for one largest frame at the tail; NULL when the ring is full. */
static struct frame *lane_room(struct lane *l)
{
	size_t need = record_bytes(FRAME_MAX), rest = RING_BYTES - l->tail;

	if (rest < need) {
		if (l->used + rest + need > RING_BYTES)
			return NULL;
		((struct frame *)(void *)(l->ring + l->tail))->len = 0;
		l->used += rest;
		l->tail = 0;
	}
	if (l->used + need > RING_BYTES)
		return NULL;
	return (struct frame *)(void *)(l->ring + l->tail);
}

/* Reads what has arrived. A full ring drops, as a switch does. */
static void lane_read(struct lane *l, uint64_t delay)
{
	static unsigned char scrap[FRAME_MAX];

	for (int i = 0; i < BURST; i++) {
		struct frame *f = lane_room(l);
		ssize_t n = recv(l->in, f ? (void *)(f + 1) : scrap, FRAME_MAX, 0);

		if (n <= 0)
			return;
		if (!f)
			continue;
		f->due = now_ns() + delay;
		f->len = (uint64_t)n;
		l->tail += record_bytes((size_t)n);
		l->used += record_bytes((size_t)n);
	}
}

/* Sends what is due. Returns when the next frame is due, UINT64_MAX for none. */
static uint64_t lane_send(struct lane *l)
{
	while (l->used > 0) {
		struct frame *f = (struct frame *)(void *)(l->ring + l->head);

		if (f->len == 0) {
			l->used -= RING_BYTES - l->head;
			l->head = 0;
			continue;
		}
		if (f->due > now_ns())
			return f->due;
		/* A link that is down loses the frame; that is its business. */
		(void)!write(l->out, f + 1, f->len);
		l->used -= record_bytes(f->len);
		l->head += record_bytes(f->len);
	}
	return UINT64_MAX;
}

int main(int argc, char **argv)
{
	uint64_t delay;

	if (argc != 4) {
		fputs("usage: wire INTERFACE INTERFACE MICROSECONDS\n", stderr);
		return 2;
	}
	delay = strtoull(argv[3], NULL, 10) * 1000;
	lanes[0].in = lanes[1].out = open_interface(argv[1]);
	lanes[1].in = lanes[0].out = open_interface(argv[2]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd fds[2] = {{lanes[0].in, POLLIN, 0}, {lanes[1].in, POLLIN, 0}};
		uint64_t a = lane_send(&lanes[0]), b = lane_send(&lanes[1]);
		uint64_t next = a < b ? a : b, t = now_ns();
		struct timespec wait = {0, 0};

		if (next != UINT64_MAX && next > t) {
			wait.tv_sec = (time_t)((next - t) / 1000000000U);
			wait.tv_nsec = (long)((next - t) % 1000000000U);
		}
		if (ppoll(fds, 2, next == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
			fail("poll");
		lane_read(&lanes[0], delay);
		lane_read(&lanes[1], delay);
	}
}
