/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams to what is behind a host, over both ssh transports and from here: what libraries see of
 * them. */
#include "actions_behind.h"

#include <dirent.h>
#include <malloc.h>

#include <curl/curl.h>

#include "actions/transport/via.h"

#define MANY 100
#define PLENTY ((size_t)32 << 20) /* more than all buffers on the way hold */

/* How a host is reached in a test. */
struct reach {
	const char *host, *transport;
};

static const struct reach here = { "", NULL };
static const struct reach libssh2 = { "plain", "libssh2" }, openssh = { "plain", "ssh" };

struct fixture_via {
	struct held held;
	const struct reach *reach;
	struct via *via;
};

static int set_up_via(void **state)
{
	struct fixture_via *f = mem_alloc(sizeof(*f));
	struct err e;

	behind_open();
	f->reach = *state;
	atomic_store(&behind.gate, 0);
	atomic_store(&behind.stalled, 0);
	atomic_store(&behind.sent, 0);
	atomic_store(&behind.ended, 0);
	held_open(&f->held, f->reach->transport);
	f->via = via_open(&f->held.call, f->reach->host, &e);
	if (!f->via)
		fail_msg("%s", e.text);
	*state = f;
	return 0;
}

static int tear_down_via(void **state)
{
	struct fixture_via *f = *state;

	via_close(f->via);
	held_close(&f->held);
	mem_free(f);
	return 0;
}

static struct stream_to by_port(void)
{
	return (struct stream_to){ .host = "127.0.0.1", .port = behind.port };
}

static struct stream_to by_path(void)
{
	return (struct stream_to){ .path = behind.path };
}

/* A connection to a socket of ours; -1 when nobody listens. */
static int reach_socket(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(str_copy(where.sun_path, sizeof(where.sun_path), path));
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A descriptor of via_connect, made to block. */
static int connected(struct fixture_via *f, struct stream_to to)
{
	struct err e;
	int fd = via_connect(f->via, &f->held.call, &to, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	assert_int_equal(proc_nonblock(fd, false, &e), 0);
	return fd;
}

static const char *listening(struct fixture_via *f, struct stream_to to, const char *name)
{
	struct err e;
	const char *path = via_socket(f->via, &f->held.call, &to, name, &e);

	if (!path)
		fail_msg("%s", e.text);
	return path;
}

static void say(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = send(fd, bytes, len, MSG_NOSIGNAL);

		assert_true(put > 0);
		bytes += put;
		len -= (size_t)put;
	}
}

/* All that comes, to the end. False when that is no proper one. */
static bool hear(int fd, struct buf *out)
{
	ssize_t got;

	while ((got = recv(fd, buf_room(out, 65536), 65536, 0)) > 0)
		buf_added(out, (size_t)got);
	return got == 0;
}

/* Until the via tells of something, which it does before it ends a stream. */
static void assert_failed(struct fixture_via *f, enum err_kind kind, const char *words)
{
	struct err e = { 0 };

	assert_true(via_failed(f->via, &e));
	assert_has(e.text, words);
	assert_int_equal(e.kind, kind);
}

static void assert_echoes(int fd)
{
	struct buf sent = { 0 }, heard = { 0 };

	for (size_t i = 0; i < 60000; i++)
		buf_putc(&sent, flood_at(i));
	say(fd, "e", 1);
	say(fd, sent.data, sent.len);
	shutdown(fd, SHUT_WR);
	assert_true(hear(fd, &heard));
	assert_int_equal(heard.len, sent.len);
	assert_memory_equal(heard.data, sent.data, sent.len);
	close(fd);
	buf_done(&sent);
	buf_done(&heard);
}

static void via__leads_to_a_port_and_to_a_socket(void **state)
{
	struct fixture_via *f = *state;
	struct stat st;
	struct err e;
	const char *port = listening(f, by_port(), ".s.PGSQL.5432");
	const char *path = listening(f, by_path(), "path");
	char *folder = mem_dup(port, (size_t)(strrchr(port, '/') - port));

	assert_echoes(reach_socket(port));
	assert_echoes(reach_socket(path));
	assert_echoes(connected(f, by_port()));
	assert_echoes(connected(f, by_path()));
	assert_false(via_failed(f->via, &e));
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	via_close(f->via);
	f->via = NULL;
	assert_int_equal(stat(folder, &st), -1);
	mem_free(folder);
}

static void via__passes_on_the_end_of_what_is_said(void **state)
{
	struct fixture_via *f = *state;
	struct buf heard = { 0 };
	int fd = connected(f, by_port());
	char *bytes = mem_alloc(300000);

	say(fd, "c", 1);
	say(fd, bytes, 300000);
	shutdown(fd, SHUT_WR);
	assert_true(hear(fd, &heard));
	assert_string_equal(buf_text(&heard), "300000\n");
	close(fd);
	mem_free(bytes);
	buf_done(&heard);
}

static void await_heard(long long bytes)
{
	while (atomic_load(&behind.ended) == 0)
		poll(NULL, 0, 2);
	assert_int_equal(atomic_load(&behind.heard), bytes);
}

static void via__passes_on_the_end_of_what_is_heard(void **state)
{
	struct fixture_via *f = *state;
	struct buf heard = { 0 };
	char *bytes = mem_alloc(300000);
	int fd = connected(f, by_path());

	say(fd, "h", 1);
	assert_true(hear(fd, &heard));
	assert_string_equal(buf_text(&heard), "hello");
	/* The other direction is still open. */
	say(fd, bytes, 300000);
	shutdown(fd, SHUT_WR);
	await_heard(300000);
	close(fd);
	mem_free(bytes);
	buf_done(&heard);
}

static void via__delivers_what_was_said_before_a_close(void **state)
{
	struct fixture_via *f = *state;
	char *bytes = mem_alloc(100000);
	int fd = connected(f, by_port());

	say(fd, "c", 1);
	say(fd, bytes, 100000);
	close(fd);
	await_heard(100000);
	mem_free(bytes);
}

static void via__tells_a_writer_that_nobody_reads(void **state)
{
	struct fixture_via *f = *state;
	struct buf heard = { 0 };
	int fd = connected(f, by_port());
	ssize_t put;

	say(fd, "x", 1);
	(void)hear(fd, &heard);
	assert_int_equal(heard.len, 0);
	do
		put = send(fd, "more", 4, MSG_NOSIGNAL);
	while (put > 0);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	close(fd);
	buf_done(&heard);
}

static void via__carries_a_hundred_at_once(void **state)
{
	struct fixture_via *f = *state;
	const char *path = listening(f, by_port(), "many");
	struct buf sent = { 0 }, heard = { 0 };
	int fds[MANY];

	for (size_t i = 0; i < 20000; i++)
		buf_putc(&sent, flood_at(i));
	for (int i = 0; i < MANY; i++) {
		fds[i] = reach_socket(path);
		assert_true(fds[i] >= 0);
		say(fds[i], "e", 1);
	}
	for (int i = 0; i < MANY; i++) {
		say(fds[i], (const char *)&i, sizeof(i));
		say(fds[i], sent.data, sent.len);
		shutdown(fds[i], SHUT_WR);
	}
	for (int i = MANY - 1; i >= 0; i--) {
		buf_clear(&heard);
		assert_true(hear(fds[i], &heard));
		assert_int_equal(heard.len, sizeof(i) + sent.len);
		assert_memory_equal(heard.data, &i, sizeof(i));
		assert_memory_equal(heard.data + sizeof(i), sent.data, sent.len);
		close(fds[i]);
	}
	buf_done(&sent);
	buf_done(&heard);
}

static long long memory_used(void)
{
	return (long long)mallinfo2().uordblks;
}

static void via__a_slow_reader_holds_up_the_sender(void **state)
{
	struct fixture_via *f = *state;
	int fd = connected(f, by_port());
	long long before = memory_used();
	char bytes[65536];
	size_t at = 0;
	ssize_t got;

	say(fd, "f", 1);
	while (!atomic_load(&behind.stalled) && (size_t)atomic_load(&behind.sent) < FLOOD)
		poll(NULL, 0, 5);
	assert_true(memory_used() - before < 8 << 20);
	assert_true((size_t)atomic_load(&behind.sent) < FLOOD / 2);
	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		for (ssize_t i = 0; i < got; i++, at++) {
			if (bytes[i] != flood_at(at))
				fail_msg("byte %zu is another one", at);
		}
	}
	assert_int_equal(got, 0);
	assert_int_equal(at, FLOOD);
	close(fd);
}

/* Writes until nothing is taken for a while, or it is as much as `max`. Bytes. */
static size_t write_until_stalled(int fd, size_t max)
{
	char bytes[16384] = "";
	size_t at = 0;

	while (at < max) {
		struct pollfd ready = { .fd = fd, .events = POLLOUT };
		size_t len = max - at < sizeof(bytes) ? max - at : sizeof(bytes);
		ssize_t put;

		if (poll(&ready, 1, STALL_MS) == 0)
			break;
		put = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		at += put > 0 ? (size_t)put : 0;
	}
	return at;
}

static void via__a_slow_server_holds_up_the_writer(void **state)
{
	struct fixture_via *f = *state;
	struct buf heard = { 0 };
	int fd = connected(f, by_port());
	long long before = memory_used();
	size_t said;

	say(fd, "s", 1);
	said = write_until_stalled(fd, PLENTY);
	assert_true(said < PLENTY);
	assert_true(memory_used() - before < 8 << 20);
	/* Others are not held up by it. */
	assert_echoes(connected(f, by_port()));
	atomic_store(&behind.gate, 1);
	for (size_t at = said; at < PLENTY;)
		at += write_until_stalled(fd, PLENTY - at);
	shutdown(fd, SHUT_WR);
	assert_true(hear(fd, &heard));
	assert_int_equal(strtoll(buf_text(&heard), NULL, 10), PLENTY);
	close(fd);
	buf_done(&heard);
}

static void assert_nothing_comes(int fd)
{
	struct buf heard = { 0 };

	(void)hear(fd, &heard);
	assert_int_equal(heard.len, 0);
	close(fd);
	buf_done(&heard);
}

static void via__says_that_nothing_listens(void **state)
{
	struct fixture_via *f = *state;
	struct stream_to to;
	char path[200];
	struct err e;

	to = (struct stream_to){ .host = "127.0.0.1", .port = free_port() };
	assert_nothing_comes(connected(f, to));
	assert_failed(f, ERR_REMOTE, "cannot connect to 127.0.0.1:");
	snprintf(path, sizeof(path), "%s/nobody", behind.folder);
	assert_nothing_comes(connected(f, (struct stream_to){ .path = path }));
	assert_failed(f, ERR_REMOTE, "cannot connect to ");
	/* Told once; the others go on. */
	assert_false(via_failed(f->via, &e));
	assert_true(via_is_up(f->via));
	assert_echoes(connected(f, by_port()));
}

static void via__refuses_what_is_no_place(void **state)
{
	static const struct stream_to wrong[] = {
		{ .host = "", .port = 1 },
		{ .host = "a b", .port = 1 },
		{ .host = "a", .port = 0 },
		{ .host = "a", .port = 65536 },
		{ .path = "relative" },
		{ .path = NULL },
		{ .path = "/a\nb" },
	};
	struct fixture_via *f = *state;
	struct stream_to to = by_port();
	struct err e;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(via_connect(f->via, &f->held.call, &wrong[i], &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	assert_null(via_socket(f->via, &f->held.call, &to, "../up", &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_true(via_is_up(f->via));
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	buf_append(arg, bytes, size * count);
	return size * count;
}

static void via__serves_libcurl(void **state)
{
	struct fixture_via *f = *state;
	const char *path = listening(f, by_path(), "http");
	CURL *curl = curl_easy_init();
	struct buf body = { 0 };

	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
	curl_easy_setopt(curl, CURLOPT_URL, "http://elastic/_cluster/health");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	/* It blocks, and keeps the connection for the second. */
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	assert_string_equal(buf_text(&body), "hellohello");
	curl_easy_cleanup(curl);
	buf_done(&body);
}

static void via__ends_all_when_the_link_is_lost(void **state)
{
	struct fixture_via *f = *state;
	const char *path = listening(f, by_port(), "lost");
	struct stream_to to = by_port();
	struct buf heard = { 0 };
	struct err e;
	int fds[10];

	for (int i = 0; i < 10; i++) {
		fds[i] = reach_socket(path);
		say(fds[i], i % 2 ? "f" : "eabc", i % 2 ? 1 : 4);
		assert_int_equal(recv(fds[i], &(char){ 0 }, 1, 0), 1);
	}
	assert_true(signal_sessions(SIGKILL) > 0);
	for (int i = 0; i < 10; i++) {
		buf_clear(&heard);
		(void)hear(fds[i], &heard);
		assert_true(heard.len < FLOOD - 1);
		close(fds[i]);
	}
	assert_false(via_is_up(f->via));
	assert_failed(f, ERR_IO, "connection to plain lost: ");
	/* ssh does not always say why it ends. */
	assert_failed(f, ERR_IO, f->reach == &openssh ? "" : "it was closed at the other end");
	assert_int_equal(reach_socket(path), -1);
	assert_int_equal(via_connect(f->via, &f->held.call, &to, &e), -1);
	assert_has(e.text, "connection to plain lost");
	assert_null(via_socket(f->via, &f->held.call, &to, "again", &e));
	buf_done(&heard);
	/* And a new one is as good as the first was. */
	via_close(f->via);
	f->via = via_open(&f->held.call, f->reach->host, &e);
	assert_non_null(f->via);
	assert_echoes(connected(f, by_port()));
}

/* Also while no stream is there. */
static void via__notices_a_lost_link_while_it_is_idle(void **state)
{
	struct fixture_via *f = *state;

	assert_echoes(connected(f, by_port()));
	assert_true(signal_sessions(SIGKILL) > 0);
	while (via_is_up(f->via))
		poll(NULL, 0, 2);
	assert_failed(f, ERR_IO, "connection to plain lost");
}

static void via__gives_up_a_host_that_does_not_answer(void **state)
{
	struct fixture_via *f = *state;
	int fd = connected(f, by_port());
	struct buf rest = {0};

	say(fd, "eabc", 4);
	assert_int_equal(recv(fd, &(char){ 0 }, 1, 0), 1);
	assert_true(signal_sessions(SIGSTOP) > 0);
	(void)hear(fd, &rest);
	buf_done(&rest);
	close(fd);
	assert_failed(f, ERR_IO, "connection to quick lost: no answer for 1 s");
	signal_sessions(SIGCONT);
}

static void via__says_that_forwarding_is_forbidden(void **state)
{
	struct fixture_via *f = *state;

	assert_nothing_comes(connected(f, by_port()));
	assert_failed(f, ERR_DENIED, "login does not forward to 127.0.0.1:");
	assert_nothing_comes(connected(f, by_path()));
	assert_failed(f, ERR_REMOTE, "AllowStreamLocalForwarding");
	assert_true(via_is_up(f->via));
}

static int count_folders(void)
{
	DIR *dir = opendir(sshd_runtime);
	const struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir)))
		count += str_starts(entry->d_name, "bellbook-via.");
	closedir(dir);
	return count;
}

#define LEAVES "TEST_VIA_LEAVES"

static const char *program;	/* argv[0]: under valgrind /proc/self/exe is another one */

/* This program again, as a worker that is killed: it takes nothing away. Its status. */
static int leave_all(void)
{
	struct stream_to to = { .path = "/nowhere" };
	struct held held;
	struct via *via;
	struct err e;

	held_open(&held, NULL);
	via = via_open(&held.call, "", &e);
	_exit(!via || !via_socket(via, &held.call, &to, "left", &e));
}

static void via__what_a_killed_worker_left_is_swept(void **state)
{
	struct fixture_via *f = *state;

	setenv(LEAVES, "1", 1);
	sshd_do((const char *const[]){ program, NULL });
	unsetenv(LEAVES);
	assert_int_equal(count_folders(), 1);
	(void)listening(f, by_port(), "mine");
	assert_int_equal(count_folders(), 1);
	via_close(f->via);
	f->via = NULL;
	assert_int_equal(count_folders(), 0);
}

static const struct reach quick_libssh2 = { "quick", "libssh2" };
static const struct reach quick_openssh = { "quick", "ssh" };
static const struct reach login_libssh2 = { "login", "libssh2" };
static const struct reach login_openssh = { "login", "ssh" };

/* The reach is the state that set_up finds; it only reads it. */
#define OVER(test, how) { #test "__over_" #how, test, set_up_via, tear_down_via, STATE(how) }
#define STATE(how) ((void *)(uintptr_t)&(how))
#define SSH(test) OVER(test, libssh2), OVER(test, openssh)
#define EACH(test) OVER(test, here), SSH(test)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		EACH(via__leads_to_a_port_and_to_a_socket),
		EACH(via__passes_on_the_end_of_what_is_said),
		EACH(via__passes_on_the_end_of_what_is_heard),
		EACH(via__delivers_what_was_said_before_a_close),
		EACH(via__tells_a_writer_that_nobody_reads),
		EACH(via__carries_a_hundred_at_once),
		EACH(via__a_slow_reader_holds_up_the_sender),
		EACH(via__a_slow_server_holds_up_the_writer),
		EACH(via__says_that_nothing_listens),
		EACH(via__refuses_what_is_no_place),
		EACH(via__serves_libcurl),
		SSH(via__ends_all_when_the_link_is_lost),
		SSH(via__notices_a_lost_link_while_it_is_idle),
		OVER(via__gives_up_a_host_that_does_not_answer, quick_libssh2),
		OVER(via__gives_up_a_host_that_does_not_answer, quick_openssh),
		OVER(via__says_that_forwarding_is_forbidden, login_libssh2),
		OVER(via__says_that_forwarding_is_forbidden, login_openssh),
		OVER(via__what_a_killed_worker_left_is_swept, here),
	};

	int failed;

	program = argv[0];
	if (getenv(LEAVES))
		return leave_all();
	failed = sshd_tests(tests, sizeof(tests) / sizeof(*tests), argc, argv);
	behind_close();
	return failed;
}
