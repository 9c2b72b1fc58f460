/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: channel ADDRESS PORT USER KEY TIMES FILE
 *
 * What a change must be compared with: `true` on an exec channel of an open
 * libssh2 session, bare (nothing survives a lost connection, nothing is
 * journaled), and the same between two lines that are appended to FILE and
 * fsynced. Blocking, as one would write it by hand. One line of JSON with the
 * medians in seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/bench/bench.h"

static int dial(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		bench_fail("channel", "cannot connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void exec_true(LIBSSH2_SESSION *session)
{
	LIBSSH2_CHANNEL *channel = libssh2_channel_open_session(session);
	char scrap[256];

	if (!channel || libssh2_channel_exec(channel, "true") != 0)
		bench_fail("channel", "cannot run the command");
	while (libssh2_channel_read(channel, scrap, sizeof(scrap)) > 0)
		;
	libssh2_channel_close(channel);
	libssh2_channel_wait_closed(channel);
	if (libssh2_channel_get_exit_status(channel) != 0)
		bench_fail("channel", "the command failed");
	libssh2_channel_free(channel);
}

static void append(int fd)
{
	static const char line[] = "{\"at\":\"2026-01-01T00:00:00.000000Z\",\"kind\":\"call.begun\",\"step\":\"bench\",\"attempt\":1,\"call\":\"1\",\"host\":\"host\","
		"\"data\":{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"true\"},\"effect\":\"change\",\"job\":\"bench.1.step.1.1\",\"shown\":\"true\"}}\n";

	if (write(fd, line, sizeof(line) - 1) < 0 || fdatasync(fd) < 0)
		bench_fail("channel", "cannot write");
}

int main(int argc, char **argv)
{
	size_t times = argc == 7 ? (size_t)strtol(argv[5], NULL, 10) : 0;
	double *bare = mem_array(times + 1, sizeof(double)), *synced = mem_array(times + 1, sizeof(double)), *append_only = mem_array(times + 1, sizeof(double));
	LIBSSH2_SESSION *session;
	int fd, file;

	if (!times || libssh2_init(0) != 0)
		bench_fail("usage", "channel ADDRESS PORT USER KEY TIMES FILE");
	fd = dial(argv[1], argv[2]);
	file = open(argv[6], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	session = libssh2_session_init();
	if (!session || file < 0 || libssh2_session_handshake(session, fd) != 0 ||
	    libssh2_userauth_publickey_fromfile(session, argv[3], NULL, argv[4], "") != 0)
		bench_fail("channel", "cannot log in");
	exec_true(session);
	for (size_t i = 0; i < times; i++) {
		double began = bench_now();

		exec_true(session);
		bare[i] = bench_now() - began;
		began = bench_now();
		append(file);
		append_only[i] = bench_now() - began;
		exec_true(session);
		append(file);
		synced[i] = bench_now() - began;
	}
	libssh2_session_disconnect(session, "done");
	libssh2_session_free(session);
	libssh2_exit();
	printf("{\"bare\":%.6f,\"synced\":%.6f,\"append\":%.6f}\n", bench_part(bare, times, 0.5), bench_part(synced, times, 0.5),
	       bench_part(append_only, times, 0.5));
	mem_free(bare);
	mem_free(synced);
	mem_free(append_only);
	close(fd);
	close(file);
	return 0;
}
