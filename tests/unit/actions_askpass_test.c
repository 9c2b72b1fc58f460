/* actions_askpass_test.c - what ssh asks goes to a socket, and the answer comes back whole. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "actions/transport/askpass.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

/* A folder with the socket in it. */
struct place {
	char folder[64], path[96];
	int listening;
};

static void place_open(struct place *place)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	const char *tmp = getenv("TMPDIR");

	snprintf(place->folder, sizeof(place->folder), "%.40s/askpass.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/socket", place->folder);
	assert_true(str_copy(where.sun_path, sizeof(where.sun_path), place->path));
	place->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(place->listening, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(place->listening, 1), 0);
}

static void place_close(struct place *place)
{
	close(place->listening);
	unlink(place->path);
	rmdir(place->folder);
}

/* The helper as ssh runs it, its stdout in a pipe. */
static pid_t ask(const struct place *place, int *out)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		setenv(ASKPASS_VARIABLE, place->path, 1);
		_exit(askpass_main("Passphrase?"));
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

static void put_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		assert_true(n > 0);
		bytes += n;
		len -= (size_t)n;
	}
}

static size_t get_all(int fd, char *room, size_t max)
{
	size_t len = 0;
	ssize_t n;

	while (len < max && (n = read(fd, room + len, max - len)) > 0)
		len += (size_t)n;
	return len;
}

/* Answers with "y" and len bytes; the helper's status, and what it printed. */
static int answered(size_t len, char *printed, size_t *printed_len)
{
	struct place place;
	char *answer = mem_alloc(len + 1), heard[64];
	int out, fd, status;
	pid_t pid;

	memset(answer, 'k', len + 1);
	answer[0] = 'y';
	place_open(&place);
	pid = ask(&place, &out);
	fd = accept(place.listening, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(get_all(fd, heard, sizeof(heard)), 13);
	assert_memory_equal(heard, "\0Passphrase?", 13);
	put_all(fd, answer, len + 1);
	close(fd);
	*printed_len = get_all(out, printed, 2 * LIMIT_SECRET);
	close(out);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	place_close(&place);
	mem_free(answer);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void askpass__gives_the_longest_secret(void **state)
{
	char *printed = mem_alloc(2 * LIMIT_SECRET);
	size_t len;

	(void)state;
	assert_int_equal(answered(1, printed, &len), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(printed, "k\n", 2);
	assert_int_equal(answered(LIMIT_SECRET, printed, &len), 0);
	assert_int_equal(len, LIMIT_SECRET + 1);
	assert_int_not_equal(answered(LIMIT_SECRET + 1, printed, &len), 0);
	assert_int_equal(len, 0);
	mem_free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(askpass__gives_the_longest_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
