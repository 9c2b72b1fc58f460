/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh/ssh_dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

/*
 * getaddrinfo blocks for as long as the name servers please, and nothing stops
 * it: so it runs in a thread of its own, which is left to itself when the call
 * is cancelled. Who comes last frees.
 */
struct lookup {
	char *name;		/* owned */
	char port[8];
	int family;
	int done;		/* eventfd */
	int status;
	struct addrinfo *found;
	atomic_int users;
};

static void leave_lookup(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->users, 1) > 1)
		return;
	if (lookup->found)
		freeaddrinfo(lookup->found);
	close(lookup->done);
	mem_free(lookup->name);
	mem_free(lookup);
}

static void *look_up(void *arg)
{
	struct lookup *lookup = arg;
	struct addrinfo hints = { .ai_family = lookup->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	uint64_t one = 1;

	lookup->status = getaddrinfo(lookup->name, lookup->port, &hints, &lookup->found);
	(void)!write(lookup->done, &one, sizeof(one));
	leave_lookup(lookup);
	return NULL;
}

static int start_lookup(struct lookup *lookup, struct err *e)
{
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&lookup->users, 1);
	failed = pthread_create(&thread, &attr, look_up, lookup);
	pthread_attr_destroy(&attr);
	if (failed) {
		atomic_fetch_sub(&lookup->users, 1);
		errno = failed;
		return err_errno(e, "cannot look up %s", lookup->name);
	}
	return 0;
}

static int family_of(const struct ssh_config *config)
{
	const char *family = ssh_config_text(config, "addressfamily", "any");

	return str_is(family, "inet") ? AF_INET : str_is(family, "inet6") ? AF_INET6 : AF_UNSPEC;
}

/* Addresses into lookup->found; an address that is written out needs no thread. */
static int find_addresses(struct call *call, struct lookup *lookup, int64_t limit_us, struct err *e)
{
	struct addrinfo plain = { .ai_family = lookup->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	int waited;

	if (getaddrinfo(lookup->name, lookup->port, &plain, &lookup->found) == 0)
		return 0;
	lookup->found = NULL;
	if (start_lookup(lookup, e) < 0)
		return -1;
	waited = call_wait(call, lookup->done, POLLIN, limit_us, e);
	if (waited < 0)
		return -1;
	if (waited > 0)
		return err_set(e, ERR_IO, "no answer from the name servers about %s", lookup->name);
	if (lookup->status != 0)
		return err_set(e, ERR_IO, "cannot find the address of %s: %s", lookup->name,
			       gai_strerror(lookup->status));
	return 0;
}

static int64_t seconds(int64_t us)
{
	return (us + TIME_SECOND - 1) / TIME_SECOND;
}

/* Connects to one address. The descriptor, or -1. */
static int connect_one(struct call *call, const struct addrinfo *to, int64_t limit_us, struct err *e)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(int);
	int64_t first = limit_us < CALL_SILENT ? limit_us : CALL_SILENT;
	int failed = 0;
	int waited = 0;

	if (fd < 0)
		return err_errno(e, "cannot make a socket");
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		failed = errno == EINPROGRESS ? 0 : errno;
		if (!failed)
			waited = call_wait(call, fd, POLLOUT, first, e);
		if (waited > 0 && limit_us > first) {
			ssh_dial_silent(call);
			waited = call_wait(call, fd, POLLOUT, limit_us - first, e);
		}
		if (!failed && waited == 0)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
	}
	if (waited == 0 && !failed)
		return fd;
	close(fd);
	if (waited == 1)
		err_set(e, ERR_IO, "no answer in %lld s", (long long)seconds(limit_us));
	else if (failed)
		err_set(e, ERR_IO, "%s", strerror(failed));
	return -1;
}

void ssh_dial_silent(struct call *call)
{
	char *text = mem_printf("no answer for %d s", (int)(CALL_SILENT / TIME_SECOND));

	call_link(call, "silent", text);
	mem_free(text);
}

int64_t ssh_dial_time(const struct ssh_config *config)
{
	int limit = ssh_config_int(config, "connecttimeout", 0);

	return limit > 0 ? limit * TIME_SECOND : SSH_CONNECT_TIME;
}

static void set_options(int fd)
{
	int on = 1;

	/* Short requests go at once; a router that forgets idle connections is reminded. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* A name to look up; leave_lookup ends it. NULL with e. */
static struct lookup *new_lookup(const char *name, int port, int family, struct err *e)
{
	struct lookup *lookup = mem_alloc(sizeof(*lookup));

	lookup->name = mem_strdup(name);
	lookup->family = family;
	lookup->done = eventfd(0, EFD_CLOEXEC);
	atomic_init(&lookup->users, 1);
	snprintf(lookup->port, sizeof(lookup->port), "%d", port);
	if (lookup->done >= 0)
		return lookup;
	err_errno(e, "cannot look up %s", lookup->name);
	mem_free(lookup->name);
	mem_free(lookup);
	return NULL;
}

int ssh_dial_tcp(struct call *call, const struct ssh_config *config, struct err *e)
{
	struct lookup *lookup = new_lookup(ssh_config_address(config), ssh_config_port(config),
					   family_of(config), e);
	int64_t limit = ssh_dial_time(config);
	char where[NI_MAXHOST] = "";
	int fd = -1;

	if (!lookup)
		return -1;
	if (find_addresses(call, lookup, limit, e) == 0) {
		for (struct addrinfo *at = lookup->found; at && fd < 0; at = at->ai_next) {
			fd = connect_one(call, at, limit, e);
			if (fd >= 0 || e->kind != ERR_IO)
				break;
			(void)getnameinfo(at->ai_addr, at->ai_addrlen, where, sizeof(where), NULL, 0, NI_NUMERICHOST);
		}
		if (fd < 0 && e->kind == ERR_IO && *where)
			err_wrap(e, "cannot connect to %s port %s", where, lookup->port);
	}
	leave_lookup(lookup);
	if (fd >= 0)
		set_options(fd);
	return fd;
}

int ssh_dial_find(struct call *call, const char *name, int port, struct buf *out, struct err *e)
{
	struct lookup *lookup = new_lookup(name, port, AF_UNSPEC, e);
	char where[NI_MAXHOST];
	int result;

	if (!lookup)
		return -1;
	result = find_addresses(call, lookup, SSH_CONNECT_TIME, e);
	for (const struct addrinfo *at = result == 0 ? lookup->found : NULL; at; at = at->ai_next) {
		if (getnameinfo(at->ai_addr, at->ai_addrlen, where, sizeof(where), NULL, 0,
				NI_NUMERICHOST) == 0)
			buf_printf(out, "%s %s\n", where, lookup->port);
	}
	leave_lookup(lookup);
	return result;
}

bool ssh_dial_is_proxied(const struct ssh_config *config)
{
	return ssh_config_text(config, "proxyjump", NULL) || ssh_config_text(config, "proxycommand", NULL);
}

/* The words of `ssh -W` for ProxyJump: the last hop is logged in to, the others are its own ProxyJump. */
struct jump {
	const char *argv[16];
	char *before;		/* owned; NULL when there is one hop */
	char *hop;		/* owned */
	char *target;		/* owned */
	size_t count;
};

static void add(struct jump *jump, const char *option, const char *value)
{
	jump->argv[jump->count++] = option;
	if (value)
		jump->argv[jump->count++] = value;
}

static void plan_jump(struct jump *jump, struct call *call, const struct ssh_config *config, const char *hops)
{
	const char *file = json_text(call_config(call), "ssh_config", NULL);
	const char *last = strrchr(hops, ',');

	jump->hop = last ? mem_strdup(last + 1) : mem_strdup(hops);
	jump->before = last ? mem_dup(hops, (size_t)(last - hops)) : NULL;
	/* ssh://user@host:port is understood as a destination; [user@]host[:port] is made one. Addresses come in brackets. */
	if (!str_starts(jump->hop, "ssh://") && strpbrk(jump->hop, ":[")) {
		char *uri = mem_printf("ssh://%s", jump->hop);

		mem_free(jump->hop);
		jump->hop = uri;
	}
	jump->target = mem_printf("[%s]:%d", ssh_config_address(config), ssh_config_port(config));
	add(jump, "ssh", NULL);
	if (file && *file)
		add(jump, "-F", file);
	if (jump->before)
		add(jump, "-J", jump->before);
	add(jump, "-o", "ClearAllForwardings=no");
	add(jump, "-o", "ServerAliveInterval=15");
	add(jump, "-W", jump->target);
	add(jump, "--", jump->hop);
}

static pid_t start_on(const char *const *argv, const char *const *env, int errors, int fd, struct err *e)
{
	struct proc_spawn spawn = {
		.argv = argv, .env = env, .in = fd, .out = fd, .err = errors, .new_session = true, .die_with_parent = true,
	};

	return proc_start(&spawn, e);
}

static pid_t start_command(const struct ssh_config *config, const char *command, const char *const *env, int errors,
			   int fd, struct err *e)
{
	const char *shell = getenv("SHELL");	/* as ssh does */
	struct buf line = {0};
	pid_t pid = -1;

	buf_puts(&line, "exec ");
	/* A user's name that a shell would read as more than a name is for ssh to judge. */
	if ((!strstr(command, "%r") || ssh_config_is_plain(ssh_config_user(config))) &&
	    ssh_config_expand(config, command, &line))
		pid = start_on((const char *const[]){ shell && *shell ? shell : "/bin/sh", "-c", buf_text(&line), NULL }, env,
			       errors, fd, e);
	else
		err_set(e, ERR_USAGE, "only ssh itself can expand the ProxyCommand of %s", ssh_config_name(config));
	buf_done(&line);
	return pid;
}

int ssh_dial_proxy(struct call *call, const struct ssh_config *config, const char *const *env, int errors,
		   pid_t *pid, struct err *e)
{
	const char *hops = ssh_config_text(config, "proxyjump", NULL);
	struct jump jump = { .count = 0 };
	struct buf names = {0};
	int pair[2];

	if (proc_pair(pair, e) < 0)
		return -1;
	if (hops && !ssh_config_expand(config, hops, &names)) {
		err_set(e, ERR_USAGE, "only ssh itself can expand the ProxyJump of %s", ssh_config_name(config));
		*pid = -1;
	} else if (hops) {
		plan_jump(&jump, call, config, buf_text(&names));
		*pid = start_on(jump.argv, env, errors, pair[1], e);
	} else {
		*pid = start_command(config, ssh_config_text(config, "proxycommand", ""), env, errors, pair[1], e);
	}
	buf_done(&names);
	mem_free(jump.before);
	mem_free(jump.hop);
	mem_free(jump.target);
	close(pair[1]);
	if (*pid > 0 && proc_nonblock(pair[0], true, e) == 0)
		return pair[0];
	close(pair[0]);
	return -1;
}
