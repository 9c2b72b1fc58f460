/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system's ssh as a transport, for log-ins that libssh2 cannot do. One
 * master (ssh -M -N) holds the connection; its control socket lies in a 0700
 * directory of ours and goes with it. A channel is `ssh -S SOCKET HOST COMMAND`,
 * a child with three pipes. Questions come through ssh_prompt.
 */
#define _GNU_SOURCE
#include "actions/transport/transport.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/worker/call_int.h"
#include "actions/ssh/ssh_child.h"
#include "actions/ssh/ssh_config.h"
#include "actions/ssh/ssh_dial.h"
#include "actions/ssh/ssh_known.h"
#include "actions/ssh/ssh_prompt.h"
#include "actions/transport/transport_child.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

#define ALIVE_INTERVAL 15
#define QUIET_LOOK (5 * TIME_SECOND)	/* without a byte, before a sign of life is asked for to tell a silent host */
#define PROBE_LOOK (TIME_SECOND / 2)	/* between two looks at what was asked */
#define FORWARD_TIME (10 * TIME_SECOND)	/* the master is asked here, not the host */
#define OPEN_FAILED "open failed: "
#define LOGIN_TIME (180 * TIME_SECOND)	/* PAM, security keys; the time of questions does not count */

struct openssh {
	struct transport transport;
	struct ssh_config *config;	/* owned */
	struct ssh_prompt *prompt;	/* owned */
	char *socket;			/* owned */
	pid_t master;			/* 0 = gone */
	int pidfd;			/* of the master; -1 = proc_watch has none */
	int ready;			/* pipe: the master's local command says that it is connected */
	int interval, count_max;
	int ways;			/* sockets that lead behind the host; the opener's */
	struct channel *probe;		/* owned: asks the host for a sign of life; NULL = none does */
	int64_t asked_us;		/* since then */
};

/* ---- the master ---- */

/* The words of a command line, some of them made here. */
struct words {
	const char *argv[40];
	char *made[8];		/* owned */
	size_t count, made_count;
};

static void add(struct words *words, const char *word)
{
	words->argv[words->count++] = word;
}

static void add_option(struct words *words, const char *option)
{
	add(words, "-o");
	add(words, option);
}

static const char *make(struct words *words, char *word)
{
	words->made[words->made_count++] = word;
	return word;
}

static void words_done(struct words *words)
{
	while (words->made_count > 0)
		mem_free(words->made[--words->made_count]);
}

static void plan_master(struct words *words, const struct openssh *own, struct call *call)
{
	const char *file = json_text(call_config(call), "ssh_config", NULL);

	add(words, "ssh");
	if (file && *file) {
		add(words, "-F");
		add(words, file);
	}
	add(words, "-MNT");
	add(words, "-S");
	add(words, own->socket);
	/* Told when the log-in is through and the control socket is there. */
	add_option(words, "PermitLocalCommand=yes");
	add_option(words, "LocalCommand=echo connected");
	add_option(words, "ControlPersist=no");
	add_option(words, "RemoteCommand=none");
	add_option(words, "ForkAfterAuthentication=no");
	add_option(words, "ClearAllForwardings=yes");
	add_option(words, "ForwardAgent=no");
	add_option(words, "ForwardX11=no");
	add_option(words, "Tunnel=no");
	add_option(words, "BatchMode=no");
	add_option(words, "LogLevel=INFO");
	add_option(words, make(words, mem_printf("ConnectTimeout=%lld",
						 (long long)(ssh_dial_time(own->config) / TIME_SECOND))));
	add_option(words, make(words, mem_printf("ServerAliveInterval=%d", own->interval)));
	add_option(words, make(words, mem_printf("ServerAliveCountMax=%d", own->count_max)));
	add(words, "--");
	add(words, ssh_config_name(own->config));
	add(words, NULL);
}

static bool master_has_ended(struct openssh *own)
{
	int status;

	if (own->master > 0 && waitpid(own->master, &status, WNOHANG) == own->master)
		own->master = 0;
	return own->master == 0;
}

static int start_master(struct openssh *own, struct call *call, struct err *e)
{
	struct words words = { .count = 0 };
	struct proc_spawn spawn = { .in = -1, .new_session = true, .die_with_parent = true };
	int pipe[2];

	if (proc_pipe(pipe, e) < 0)
		return -1;
	own->ready = pipe[0];
	plan_master(&words, own, call);
	spawn.argv = words.argv;
	spawn.env = ssh_prompt_env(own->prompt);
	spawn.out = pipe[1];
	spawn.err = ssh_prompt_errors(own->prompt);
	own->master = proc_start(&spawn, e);
	close(pipe[1]);
	words_done(&words);
	if (own->master < 0) {
		own->master = 0;
		return -1;
	}
	return proc_watch(own->master, &own->pidfd, e);
}

static int no_connection(struct openssh *own, struct call *call, struct err *e)
{
	const char *name = ssh_config_name(own->config);
	const char *said = ssh_prompt_said(own->prompt);
	enum err_kind kind;
	const char *words;

	/* ssh explains it at length, with fingerprint and file. */
	if (strstr(said, "REMOTE HOST IDENTIFICATION HAS CHANGED")) {
		call_output(call, "note", said, strlen(said));
		return err_set(e, ERR_DENIED, "the host key of %s has CHANGED; refused by ssh: " SSH_NOTHING_SENT, name);
	}
	words = ssh_prompt_words(own->prompt, &kind);
	if (kind == ERR_DENIED && strstr(said, "Host key verification failed"))
		return err_set(e, ERR_DENIED, "ssh %s: the host key was refused: " SSH_NOTHING_SENT " (%s)", name, words);
	if (kind == ERR_DENIED)
		return err_set(e, ERR_DENIED, "ssh %s: %s", name, words);
	return err_set(e, ERR_IO, "ssh %s: %s", name, words ? words : "it ended without a word");
}

/* Until the master says that it is connected, or ends. */
static int await_master(struct openssh *own, struct call *call, struct err *e)
{
	int waited = ssh_prompt_wait(own->prompt, call, own->ready, CALL_SILENT, e);
	char text[64];

	if (waited > 0) {
		ssh_dial_silent(call);
		waited = ssh_prompt_wait(own->prompt, call, own->ready, LOGIN_TIME - CALL_SILENT, e);
	}
	if (waited < 0)
		return -1;
	if (waited > 0)
		return err_set(e, ERR_IO, "no answer from %s during the log-in", ssh_config_name(own->config));
	if (read(own->ready, text, sizeof(text)) > 0) {
		ssh_prompt_succeeded(own->prompt);
		return 0;
	}
	/* Its pipe is closed: it is about to end. */
	ssh_child_kill(own->master);
	own->master = 0;
	return no_connection(own, call, e);
}

/* What a dead master means: ssh has said why. */
static int lost(struct openssh *own, struct err *e)
{
	static const char *const closed[] = { "closed", "reset by", "Broken pipe", NULL };
	const char *words, *name = ssh_config_name(own->config);
	enum err_kind kind;
	char *other;
	bool silent;

	/* These are about a stream. */
	while ((other = ssh_prompt_take(own->prompt, OPEN_FAILED)))
		mem_free(other);
	silent = strstr(ssh_prompt_said(own->prompt), "not responding") != NULL;
	words = ssh_prompt_words(own->prompt, &kind);
	if (silent)
		return err_set(e, ERR_IO, "connection to %s lost: no answer for %d s", name,
			       own->interval * own->count_max);
	for (const char *const *text = closed; words && *text; text++) {
		if (strstr(words, *text))
			return err_set(e, ERR_IO, "connection to %s lost: it was closed at the other end",
				       name);
	}
	return err_set(e, ERR_IO, "connection to %s lost: %s", name, words ? words : "ssh ended");
}

/* ---- channels ---- */

/* It holds nothing but our pipes; the command on the host is not its child. */
static void leave(struct child_channel *child)
{
	ssh_child_kill(child->pid);
}

/* No file of settings, and no way round the master: without it the client fails, and starts nothing by itself. */
static struct channel *start_client(struct openssh *own, const struct child_kind *kind,
				    const char *command, struct err *e)
{
	const char *argv[] = {
		"ssh", "-F", "/dev/null", "-T", "-S", own->socket, "-o", "ControlMaster=no", "-o", "ProxyCommand=false",
		"-o", "LogLevel=ERROR", "-o", "EscapeChar=none", "--", "master", command, NULL,
	};
	struct proc_spawn spawn = { .argv = argv, .new_session = true, .die_with_parent = true };

	return child_channel_exec(&own->transport, kind, &spawn, e);
}

/* ---- is it there? ---- */

static void end_probe(struct openssh *own)
{
	if (own->probe)
		child_channel_free(own->probe);
	own->probe = NULL;
}

static void start_probe(struct openssh *own)
{
	static const struct child_kind kind = { .leave = leave };
	struct err e = { 0 };

	own->asked_us = time_mono_us();
	own->probe = start_client(own, &kind, "true", &e);
}

static bool probe_has_ended(struct openssh *own, struct call *call)
{
	struct buf said = { 0 };
	struct err e = { 0 };
	int got;

	do {
		got = child_channel_read(own->probe, call, &said, &said, 0, &e);
	} while (got == 1);
	buf_done(&said);
	return got == 0;
}

/*
 * Long before the connection is given up, people want to know that the host
 * does not answer. A quiet command is no silent host: it is asked for a sign
 * of life first, by a channel of its own. As child_channel.look.
 */
static int64_t look_for_life(struct child_channel *child, struct call *call)
{
	struct openssh *own = (struct openssh *)child->channel.transport;
	int64_t now = time_mono_us(), since = child->heard_us > child->began_us ? child->heard_us : child->began_us;

	if (own->probe && probe_has_ended(own, call)) {
		/* Ended otherwise, it was refused, or the connection is lost: no sign of life. */
		if (own->probe->exit_code == 0)
			child->heard_us = now;
		else
			end_probe(own);
	}
	if (own->probe && child->heard_us >= own->asked_us) {
		end_probe(own);
		call_link(call, "back", "it answers");
		return QUIET_LOOK;
	}
	if (own->probe) {
		if (now - own->asked_us >= CALL_SILENT - QUIET_LOOK)
			ssh_dial_silent(call);
		return PROBE_LOOK;
	}
	since = since > own->asked_us ? since : own->asked_us;
	if (now - since < QUIET_LOOK)
		return QUIET_LOOK - (now - since);
	if (!master_has_ended(own))
		start_probe(own);
	return PROBE_LOOK;
}

/* Until the master has ended, for a fifth of a second. -1 when the call is over. */
static int await_end(struct openssh *own, struct call *call, struct err *e)
{
	int64_t until = time_mono_us() + TIME_SECOND / 5;
	int waited;

	if (own->pidfd >= 0)
		return call_wait(call, own->pidfd, POLLIN, TIME_SECOND / 5, e);
	do {
		waited = call_wait(call, -1, 0, CHILD_LOOK_PAUSE, e);
	} while (waited >= 0 && !master_has_ended(own) && time_mono_us() < until);
	return waited;
}

/* ssh says 255 for a lost connection; for a command that said so, or was killed by a signal, the master still lives. */
static int judge_end(struct child_channel *child, struct call *call, struct err *e)
{
	struct openssh *own = (struct openssh *)child->channel.transport;

	if (child->killed)
		child->channel.exit_code = 255;
	if (child->channel.exit_code != 255)
		return 0;
	/* The client sees the end of the connection a moment before the master is gone. */
	if (await_end(own, call, e) < 0 && e->kind != ERR_CANCELED)
		return -1;
	if (master_has_ended(own))
		return lost(own, e);
	/* Ended here, by whoever: that says nothing of the log-in or the command. */
	if (child->killed)
		return err_set(e, ERR_IO, "connection to %s lost: its ssh was ended by signal %d", ssh_config_name(own->config), child->killed);
	return 0;
}

/* It reads no more because the connection is gone: that is what there is to say. */
static int broken(struct child_channel *child, struct err *e)
{
	struct openssh *own = (struct openssh *)child->channel.transport;

	return master_has_ended(own) ? lost(own, e) : -1;
}

static const struct child_kind client_kind = {
	.look = look_for_life, .judge = judge_end, .broken = broken, .leave = leave,
};

/* The client has a terminal of ours, and tells the host its type, its size, and each change. */
static struct channel *shell_openssh(struct transport *transport, struct call *call,
				     const struct terminal *terminal, struct err *e)
{
	struct openssh *own = (struct openssh *)transport;
	const char *argv[] = {
		"ssh", "-F", "/dev/null", "-tt", "-S", own->socket, "-o", "ControlMaster=no",
		"-o", "ProxyCommand=false", "-o", "LogLevel=ERROR", "-o", "EscapeChar=none", "--", "master", NULL,
	};
	struct proc_spawn spawn = { .argv = argv, .die_with_parent = true };

	(void)call;
	if (master_has_ended(own)) {
		lost(own, e);
		return NULL;
	}
	return child_channel_shell(transport, &client_kind, &spawn, terminal, e);
}

static struct channel *exec_openssh(struct transport *transport, struct call *call,
				    const char *command, struct err *e)
{
	struct openssh *own = (struct openssh *)transport;

	(void)call;
	if (master_has_ended(own)) {
		lost(own, e);
		return NULL;
	}
	return start_client(own, &client_kind, command, e);
}

/* ---- streams: a socket of the master's for each place; who connects to it is there ---- */

/* ssh reads these as HOST:PORT or PATH, and expands tokens in paths. */
static void put_field(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == ':' || *text == '\\')
			buf_putc(out, '\\');
		if (*text == '%')
			buf_putc(out, '%');
		buf_putc(out, *text);
	}
}

static int forward_spec(const struct openssh *own, struct stream_way *way, struct buf *spec,
			struct err *e)
{
	if (strstr(way->local, "${") || (way->to.path && strstr(way->to.path, "${")))
		return err_set(e, ERR_USAGE,
			       "%s: ssh would take the ${ in the path of a socket for a variable",
			       ssh_config_name(own->config));
	put_field(spec, way->local);
	buf_putc(spec, ':');
	if (way->to.path)
		put_field(spec, way->to.path);
	else
		buf_puts(spec, way->name);
	return 0;
}

static int lead(struct transport *transport, struct call *call, struct stream_way *way,
		struct err *e)
{
	struct openssh *own = (struct openssh *)transport;
	struct buf spec = { 0 }, out = { 0 }, words = { 0 };
	int status = -1;

	way->local = mem_printf("%s/way%d", ssh_prompt_folder(own->prompt), ++own->ways);
	if (forward_spec(own, way, &spec, e) == 0) {
		const char *argv[] = {
			"ssh", "-F", "/dev/null", "-S", own->socket, "-O", "forward",
			"-L", buf_text(&spec), "--", "master", NULL,
		};

		status = ssh_child_run(call, argv, &out, &words, FORWARD_TIME, e);
		if (status > 0)
			err_set(e, ERR_IO, "the ssh that is connected to %s opens no way to %s: %s",
				ssh_config_name(own->config), way->name,
				ssh_child_last_line(&words, "without a word"));
	}
	buf_done(&spec);
	buf_done(&out);
	buf_done(&words);
	return status == 0 ? 0 : -1;
}

/* A master that ends closes its streams, and a moment later is gone: what looks like the end of a
 * stream is none if the socket on which it listens, which it closes before, is no longer there. */
static bool master_listens(const struct openssh *own)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool listens = fd < 0;

	if (fd >= 0) {
		listens = str_copy(where.sun_path, sizeof(where.sun_path), own->socket) &&
			  (connect(fd, (const struct sockaddr *)&where, sizeof(where)) == 0 ||
			   errno == EAGAIN);
		close(fd);
	}
	return listens;
}

/* True when the master is gone or about to be: then it gets 0.2 s to say why. */
static bool master_is_leaving(struct openssh *own)
{
	struct pollfd poll_fd = { .fd = own->pidfd, .events = POLLIN };

	if (!master_has_ended(own) && master_listens(own))
		return false;
	if (own->master > 0)
		(void)poll(&poll_fd, 1, 200);
	return true;
}

static int opened_openssh(struct stream *stream, struct err *e)
{
	struct openssh *own = (struct openssh *)stream->transport;
	int result = stream_local_opened(stream, e);

	if (result < 0 && master_is_leaving(own))
		return lost(own, e);
	return result;
}

/* The master has accepted before it asked the host: what came of that is in its words, which it
 * wrote before it closed. */
static ssize_t take_openssh(struct stream *stream, void *bytes, size_t size, struct err *e)
{
	struct openssh *own = (struct openssh *)stream->transport;
	ssize_t got = stream_local_take(stream, bytes, size, e);
	char *why;

	if (got > 0 || (got == 0 && !stream->ended))
		return got;
	if (master_is_leaving(own))
		return lost(own, e);
	why = stream_local_taken(stream) == 0 ? ssh_prompt_take(own->prompt, OPEN_FAILED) : NULL;
	if (why)
		got = stream_refused(ssh_config_name(own->config), stream->way,
				     why + strlen(OPEN_FAILED), e);
	mem_free(why);
	return got;
}

static int tend(struct transport *transport, struct err *e)
{
	struct openssh *own = (struct openssh *)transport;

	return master_has_ended(own) ? lost(own, e) : 0;
}

static int64_t watch(struct transport *transport, struct pollfd *fd)
{
	const struct openssh *own = (const struct openssh *)transport;

	fd->fd = own->pidfd;
	fd->events = POLLIN;
	return own->pidfd < 0 ? CHILD_LOOK_PAUSE : -1;
}

/* The master gets a moment to say good-bye to the host and to remove its socket. */
static void end_master(struct openssh *own)
{
	struct pollfd poll_fd = { .fd = own->pidfd, .events = POLLIN };
	int64_t until = time_mono_us() + TIME_SECOND / 5;

	if (own->master <= 0)
		return;
	kill(own->master, SIGTERM);
	if (own->pidfd >= 0)
		(void)poll(&poll_fd, 1, 200);
	while (own->pidfd < 0 && !master_has_ended(own) && time_mono_us() < until)
		(void)poll(NULL, 0, 5);
	ssh_child_kill(own->master);
	own->master = 0;
}

static void free_openssh(struct transport *transport)
{
	struct openssh *own = (struct openssh *)transport;

	end_probe(own);
	end_master(own);
	child_close_fd(&own->pidfd);
	child_close_fd(&own->ready);
	if (own->socket)
		(void)unlink(own->socket);
	ssh_prompt_free(own->prompt);
	ssh_config_free(own->config);
	mem_free(own->socket);
	mem_free(own);
}

struct transport *transport_openssh_open(struct call *call, struct err *e)
{
	static const struct stream_ops streams = {
		.lead = lead, .begin = stream_local_begin, .opened = opened_openssh,
		.take = take_openssh, .put = stream_local_put, .end = stream_local_end,
		.free = stream_local_free, .tend = tend, .watch = watch,
	};
	static const struct transport_ops ops = {
		.name = "ssh", .streams = &streams,
		.exec = exec_openssh, .read = child_channel_read, .write = child_channel_write,
		.eof = child_channel_eof, .shell = shell_openssh, .put = child_channel_put,
		.resize = child_channel_resize, .channel_free = child_channel_free, .free = free_openssh,
	};
	struct ssh_config *config = ssh_config_load(call, e);
	struct openssh *own;
	int value;

	if (!config)
		return NULL;
	own = mem_alloc(sizeof(*own));
	*own = (struct openssh){ .transport = { .ops = &ops }, .config = config, .pidfd = -1, .ready = -1 };
	value = ssh_config_int(config, "serveraliveinterval", 0);
	own->interval = value > 0 ? value : ALIVE_INTERVAL;
	value = ssh_config_int(config, "serveralivecountmax", 3);
	own->count_max = value > 0 ? value : 1;
	own->prompt = ssh_prompt_new(ssh_config_name(config), e);
	if (own->prompt) {
		own->socket = mem_printf("%s/master", ssh_prompt_folder(own->prompt));
		if (start_master(own, call, e) == 0 && await_master(own, call, e) == 0)
			return &own->transport;
	}
	free_openssh(&own->transport);
	return NULL;
}
