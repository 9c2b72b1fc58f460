/* actions_sshd.h - a real sshd on loopback for the tests of the ssh transports: its keys, an ssh_config with a host for each case, an agent. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_ACTIONS_SSHD_H
#define TESTS_ACTIONS_SSHD_H

#include "actions_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "actions/transport/askpass.h"
#include "base/proc.h"

#define PASSPHRASE "correct-horse-battery"

static char sshd_runtime[] = "/tmp/bellbook.XXXXXX";	/* $XDG_RUNTIME_DIR */
static pid_t sshd_pid, agent_pid;
static int sshd_port;
static int login_port;	/* of the same server: there every command is given to the script home/login, as its $SSH_ORIGINAL_COMMAND, and nothing is forwarded */

/* Starts a program whose output goes to home/log. Its pid. */
static inline pid_t sshd_start(const char *const *argv)
{
	char path[300];		/* argv may hold at_home's buffer */
	struct proc_spawn spawn = { .argv = argv, .in = -1 };
	struct err e;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/log", home);
	spawn.out = spawn.err = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid = proc_start(&spawn, &e);
	close(spawn.out);
	if (pid < 0) {
		fprintf(stderr, "%s: %s\n", argv[0], e.text);
		abort();
	}
	return pid;
}

static inline void sshd_do(const char *const *argv)
{
	int status = proc_wait(sshd_start(argv));

	if (status != 0) {
		fprintf(stderr, "%s %s: status %d\n", argv[0], argv[1], status);
		abort();
	}
}

static inline void sshd_keygen(const char *type, const char *name, const char *passphrase)
{
	sshd_do((const char *const[]){ "ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", name, "-f", at_home(name), NULL });
}

static inline void write_text(const char *name, const char *text)
{
	FILE *file = fopen(at_home(name), "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	chmod(at_home(name), 0600);
}

/* "TYPE BASE64" of a public key file. Caller frees. */
static inline char *public_key(const char *name)
{
	char path[64];
	char *text;
	char *blank;

	snprintf(path, sizeof(path), "%s.pub", name);
	text = slurp(at_home(path));
	blank = strchr(strchr(text, ' ') + 1, ' ');
	if (blank)
		*blank = '\0';
	return text;
}

static inline int reach(int family, const struct sockaddr *where, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = connect(fd, where, len);

	close(fd);
	return result;
}

static inline int free_port(void)
{
	struct sockaddr_in where = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0 || getsockname(fd, (struct sockaddr *)&where, &len) < 0)
		abort();
	close(fd);
	return ntohs(where.sin_port);
}

static inline void sshd_await(int family, const struct sockaddr *where, socklen_t len)
{
	int64_t until = time_mono_us() + PATIENCE;

	while (reach(family, where, len) < 0) {
		if (time_mono_us() > until)
			abort();
		poll(NULL, 0, 5);
	}
}

/* The server itself, with the configuration that is there; until it listens. */
static inline void sshd_listen(void)
{
	struct sockaddr_in where = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	sshd_pid = sshd_start((const char *const[]){ "/usr/sbin/sshd", "-D", "-e", "-f", at_home("sshd_config"), NULL });
	where.sin_port = htons((uint16_t)sshd_port);
	sshd_await(AF_INET, (struct sockaddr *)&where, sizeof(where));
}

static inline void sshd_run(void)
{
	struct buf text = {0};
	char *keys[3] = { public_key("id"), public_key("id_enc"), public_key("id_rsa") };
	char *agent = public_key("id_agent");

	buf_printf(&text, "%s\n%s\n%s\n%s\n", keys[0], keys[1], keys[2], agent);
	write_text("authorized", buf_text(&text));
	for (int i = 0; i < 3; i++)
		mem_free(keys[i]);
	mem_free(agent);
	buf_clear(&text);
	sshd_port = free_port();
	do
		login_port = free_port();
	while (login_port == sshd_port);
	buf_printf(&text, "ListenAddress 127.0.0.1\nPort %d\nPort %d\nHostKey %s/host\nPidFile none\nUsePAM no\nStrictModes no\n"
		   "AuthorizedKeysFile %s/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
		   "PermitRootLogin yes\nSetEnv HOME=%s\nMaxStartups 100\nMaxAuthTries 20\n"
		   "Match LocalPort %d\n\tForceCommand exec /bin/sh %s/login\n"
		   "\tAllowTcpForwarding no\n\tAllowStreamLocalForwarding no\n",
		   sshd_port, login_port, home, home, home, login_port, home);
	write_text("sshd_config", buf_text(&text));
	buf_done(&text);
	if (geteuid() == 0)
		(void)mkdir("/run/sshd", 0755);
	sshd_listen();
}

static inline void agent_run(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	char *path = mem_strdup(at_home("agent"));

	agent_pid = sshd_start((const char *const[]){ "ssh-agent", "-D", "-a", path, NULL });
	if (!str_copy(where.sun_path, sizeof(where.sun_path), path))
		abort();
	sshd_await(AF_UNIX, (struct sockaddr *)&where, sizeof(where));
	setenv("SSH_AUTH_SOCK", path, 1);
	sshd_do((const char *const[]){ "ssh-add", "-q", at_home("id_agent"), NULL });
	unsetenv("SSH_AUTH_SOCK");
	mem_free(path);
}

/* known_hosts as a person's: the right key, another one, a hashed one, a revoked one. */
static inline void known_write(void)
{
	struct buf text = {0};
	char *right = public_key("host"), *other = public_key("other");

	buf_printf(&text, "[127.0.0.1]:%d %s\n", login_port, right);
	write_text("known.login", buf_text(&text));
	buf_clear(&text);
	buf_printf(&text, "[127.0.0.1]:%d %s\n", sshd_port, right);
	write_text("known", buf_text(&text));
	write_text("known.hashed", buf_text(&text));
	sshd_do((const char *const[]){ "ssh-keygen", "-q", "-H", "-f", at_home("known.hashed"), NULL });
	buf_clear(&text);
	buf_printf(&text, "# a comment\n\n[127.0.0.1]:%d %s\n", sshd_port, other);
	write_text("known.changed", buf_text(&text));
	buf_clear(&text);
	buf_printf(&text, "@revoked * %s\n[127.0.0.1]:%d %s\n", right, sshd_port, right);
	write_text("known.revoked", buf_text(&text));
	buf_clear(&text);
	/* Patterns, several names, other hosts, nonsense; the last line has no end. */
	buf_printf(&text, "garbage\nh1,h2 %s\n!alias,al* %s\nother,!x,al?as %s", other, other, right);
	write_text("known.alias", buf_text(&text));
	buf_done(&text);
	mem_free(right);
	mem_free(other);
}

static inline void config_host(struct buf *text, const char *name, const char *key, const char *known, const char *more)
{
	buf_printf(text, "Host %s\n  IdentityFile %s/%s\n  UserKnownHostsFile %s/%s\n%s", name, home, key, home, known, more);
}

static inline void config_write(void)
{
	struct buf text = {0};
	char more[400];

	config_host(&text, "plain", "id", "known", "");
	config_host(&text, "quick", "id", "known", "  ServerAliveInterval 1\n  ServerAliveCountMax 1\n  ConnectTimeout 2\n");
	config_host(&text, "enc", "id_enc", "known", "");
	config_host(&text, "wrong", "id_wrong", "known", "");
	config_host(&text, "rsa", "id_rsa", "known", "  ServerAliveInterval 1\n  ServerAliveCountMax 1\n");
	snprintf(more, sizeof(more), "  Port %d\n", login_port);
	config_host(&text, "login", "id", "known.login", more);
	config_host(&text, "login-rsa", "id_rsa", "known.login", more);
	config_host(&text, "unknown", "id", "known.unknown", "");
	config_host(&text, "strict", "id", "known.none", "  StrictHostKeyChecking yes\n");
	config_host(&text, "accept", "id", "known.accept", "  StrictHostKeyChecking accept-new\n  HashKnownHosts yes\n");
	config_host(&text, "changed", "id", "known.changed", "");
	config_host(&text, "hashed", "id", "known.hashed", "  StrictHostKeyChecking yes\n");
	config_host(&text, "revoked", "id", "known.revoked", "");
	config_host(&text, "alias", "id", "known.alias", "  HostKeyAlias alias\n  StrictHostKeyChecking yes\n");
	snprintf(more, sizeof(more), "  IdentityAgent %s/agent\n", home);
	config_host(&text, "agent", "id_agent.pub", "known", more);
	config_host(&text, "proxied", "id", "known", "  ProxyCommand /bin/bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & exec cat >&3'\n");
	buf_printf(&text, "Host *\n  HostName 127.0.0.1\n  Port %d\n  User %s\n  IdentitiesOnly yes\n  IdentityAgent none\n"
		   "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking ask\n  UpdateHostKeys no\n",
		   sshd_port, getpwuid(geteuid())->pw_name);
	write_text("ssh_config", buf_text(&text));
	buf_done(&text);
}

/* All of it, in the fixture's home. */
static inline void sshd_open(void)
{
	sshd_keygen("ed25519", "host", "");
	sshd_keygen("ed25519", "other", "");
	sshd_keygen("ed25519", "id", "");
	sshd_keygen("ed25519", "id_enc", PASSPHRASE);
	sshd_keygen("ecdsa", "id_agent", "");
	sshd_keygen("ed25519", "id_wrong", "");
	sshd_do((const char *const[]){ "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", at_home("id_rsa"), NULL });
	sshd_run();
	agent_run();
	known_write();
	config_write();
}

static inline void sshd_close(void)
{
	kill(sshd_pid, SIGCONT);
	kill(sshd_pid, SIGTERM);
	kill(agent_pid, SIGTERM);
	(void)proc_wait(sshd_pid);
	(void)proc_wait(agent_pid);
}

/* A listener in the place of the server that has gone: what it accepts is nobody's. */
static inline int sshd_replace(void)
{
	struct sockaddr_in where = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)sshd_port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0 || listen(fd, 20) < 0)
		abort();
	return fd;
}

/* Children of a process into pids; their number. */
static inline int children_of(pid_t pid, pid_t *pids, int max)
{
	char path[64];
	FILE *file;
	long child;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
	file = fopen(path, "r");
	while (file && count < max && fscanf(file, "%ld", &child) == 1)
		pids[count++] = (pid_t)child;
	if (file)
		fclose(file);
	return count;
}

/* Sends a signal to every session of sshd, with the unprivileged half of each. */
static inline int signal_sessions(int signo)
{
	pid_t sessions[64], halves[8];
	int count = children_of(sshd_pid, sessions, 64);

	for (int i = 0; i < count; i++) {
		int n = children_of(sessions[i], halves, 8);

		for (int k = 0; k < n; k++) {
			char path[40], name[20] = "";
			FILE *file;

			snprintf(path, sizeof(path), "/proc/%ld/comm", (long)halves[k]);
			file = fopen(path, "r");
			/* The command itself is left alone. */
			if (file && fscanf(file, "%19s", name) == 1 && str_starts(name, "sshd"))
				kill(halves[k], signo);
			if (file)
				fclose(file);
		}
		kill(sessions[i], signo);
	}
	return count;
}

/* set_up, with the fixture's ssh_config. */
static inline int set_up_ssh(void **state)
{
	struct json *config = json_new_object();
	int result = set_up(state);

	json_set_text(config, "ssh_config", at_home("ssh_config"));
	worker_config(((struct fixture *)*state)->worker, config);
	return result;
}

static inline void begin_on(struct fixture *f, uint64_t call, const char *host, const char *action, const char *job,
			    const char *args)
{
	begin_as(f, call, action, job, args, (struct worker_call){ .host = host });
}

static inline struct told *run_on(struct fixture *f, const char *host, const char *action, const char *job,
				  const char *args)
{
	begin_on(f, 1, host, action, job, args);
	return finish(f, 1);
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" has no \"%s\"", text, part);
}

#define ON_SSHD(test) cmocka_unit_test_setup_teardown(test, set_up_ssh, tear_down)

/* What main does: all of these tests against an sshd of their own. Its status. */
static inline int sshd_tests(const struct CMUnitTest *tests, size_t count, int argc, char **argv)
{
	int failed;

	/* ssh runs this program to ask. */
	if (getenv(ASKPASS_VARIABLE))
		return askpass_main(argc > 1 ? argv[1] : NULL);
	if (access("/usr/sbin/sshd", X_OK) != 0) {
		print_message("SKIP: no sshd on this machine\n");
		return 0;
	}
	if (!mkdtemp(sshd_runtime) || setenv("XDG_RUNTIME_DIR", sshd_runtime, 1) < 0)
		return 1;
	fixture_open();
	sshd_open();
	failed = _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
	sshd_close();
	failed += rmdir(sshd_runtime) < 0;
	return fixture_close(failed);
}

#endif
