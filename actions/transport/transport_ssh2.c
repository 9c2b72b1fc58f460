/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libssh2, never blocking: each of its calls is repeated, with call_wait in
 * between, until it no longer says EAGAIN. Sockets are read through our own
 * callback, so that we know when the host was heard last.
 *
 * What was begun must be repeated with the same arguments until it is done:
 * libssh2 keeps half of a packet inside. A request given up in the middle
 * (cancel) therefore ends the connection: see give_up.
 */
#define _GNU_SOURCE
#include "actions/ssh/ssh2_int.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/worker/call_int.h"
#include "actions/ssh/ssh_child.h"
#include "actions/ssh/ssh_dial.h"
#include "actions/ssh/ssh_fit.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define WINDOW (8u << 20)	/* a long link needs it: 2 MiB give 2 MiB per round trip */
#define PACKET 32768u
#define READ_STEP ((size_t)65536)
#define READ_MAX ((size_t)262144)
#define PUT_MAX ((size_t)4096)
#define ALIVE_INTERVAL 15
#define QUIET_LOOK (5 * TIME_SECOND)	/* without a byte, before a sign of life is asked for to tell a silent host */
#define WAIT_GAP TIME_SECOND
#define AUTH_SILENCE (120 * TIME_SECOND)	/* PAM may take its time */

/* Cheap and safe first; RFC 9142 forbids or discourages the rest that libssh2 knows. */
static const char *const kex_methods[] = {
	"curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
	"ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512",
	"diffie-hellman-group18-sha512", "diffie-hellman-group-exchange-sha256", NULL,
};
static const char *const ciphers[] = { "aes128-ctr", "aes256-ctr", "aes192-ctr", NULL };
static const char *const macs[] = { "hmac-sha2-256", "hmac-sha2-512", NULL };

struct ssh2_channel {
	struct channel channel;
	LIBSSH2_CHANNEL *handle;
	struct ssh2_channel *next;	/* of the dying */
};

static LIBSSH2_ALLOC_FUNC(give_memory)
{
	(void)abstract;
	return mem_grow(NULL, count ? count : 1, 1);
}

static LIBSSH2_FREE_FUNC(free_memory)
{
	const struct ssh2 *own = *abstract;

	if (own->wiping && ptr)
		explicit_bzero(ptr, malloc_usable_size(ptr));
	mem_free(ptr);
}

static LIBSSH2_REALLOC_FUNC(grow_memory)
{
	const struct ssh2 *own = *abstract;
	size_t old = ptr ? malloc_usable_size(ptr) : 0;
	void *grown;

	if (!own->wiping)
		return mem_grow(ptr, count ? count : 1, 1);
	grown = mem_grow(NULL, count ? count : 1, 1);
	if (old)
		memcpy(grown, ptr, old < count ? old : count);
	free_memory(ptr, abstract);
	return grown;
}

static LIBSSH2_RECV_FUNC(receive)
{
	struct ssh2 *own = *abstract;
	ssize_t got;

	(void)flags;
	if (own->closed)
		return -ECONNRESET;
	got = recv(socket, buffer, length, MSG_NOSIGNAL);
	if (got < 0)
		return -errno;
	if (got == 0) {
		own->hung_up = true;
		return 0;
	}
	own->received += (uint64_t)got;
	own->heard_us = time_mono_us();
	own->probes = 0;
	return got;
}

static LIBSSH2_SEND_FUNC(transmit)
{
	struct ssh2 *own = *abstract;
	ssize_t put;

	(void)flags;
	if (own->closed)
		return -ECONNRESET;
	if (own->gathers)
		return ssh2_gather(own, buffer, length);
	put = send(socket, buffer, length, MSG_NOSIGNAL);
	return put < 0 ? -errno : put;
}

int ssh2_lost(struct ssh2 *own, const char *doing, struct err *e)
{
	const char *name = ssh_config_name(own->config);
	char *words = NULL;
	int code = libssh2_session_last_error(own->session, &words, NULL, 0);

	own->closed = true;
	if (own->hung_up || code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_RECV ||
	    code == LIBSSH2_ERROR_SOCKET_SEND)
		return err_set(e, ERR_IO, "connection to %s lost: it was closed at the other end", name);
	return err_set(e, ERR_IO, "connection to %s lost: %s: %s", name, doing, words && *words ? words : "no reason");
}

/* What was begun is not finished: the connection is of no use any more. */
static int give_up(struct ssh2 *own)
{
	own->closed = true;
	return -1;
}

static int lost_silent(struct ssh2 *own, int64_t silent_us, struct err *e)
{
	own->closed = true;
	return err_set(e, ERR_IO, "connection to %s lost: no answer for %lld s", ssh_config_name(own->config),
		       (long long)(silent_us / TIME_SECOND));
}

static bool is_writable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT);
}

/* Asks for a sign of life; never into a full socket: a packet of which half is sent would block all others. */
static void ask_for_life(struct ssh2 *own)
{
	int next;

	if (is_writable(own->fd) && !(libssh2_session_block_directions(own->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND)) {
		libssh2_keepalive_config(own->session, 1, 1);
		(void)libssh2_keepalive_send(own->session, &next);
	}
}

int ssh2_probe(struct ssh2 *own, struct err *e)
{
	if (own->probes >= own->count_max)
		return lost_silent(own, own->interval_us * own->count_max, e);
	own->probes++;
	ask_for_life(own);
	return 0;
}

/* Long before the connection is given up, people want to know that the host does not answer. A quiet command is no silent host: it is asked first. */
static int64_t silence_due(const struct ssh2 *own, const struct call *call, int64_t since)
{
	if (call->silent || (!own->is_up && own->prompt))
		return INT64_MAX;
	return since + (own->is_up && own->looked_us <= since ? QUIET_LOOK : CALL_SILENT);
}

static void look_at_silence(struct ssh2 *own, struct call *call, int64_t since, int64_t now)
{
	if (own->is_up && own->looked_us <= since) {
		own->looked_us = now;
		ask_for_life(own);
	} else {
		ssh_dial_silent(call);
	}
}

/* Something can be read: it answers again, unless that is the end of the connection. */
static void tell_back(const struct ssh2 *own, struct call *call)
{
	char byte;

	if (own->is_up && call->silent && recv(own->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		call_link(call, "back", "it answers");
}

/* Waits for the socket, and meanwhile answers what the proxy's children ask. As call_wait. */
static int wait_socket(struct ssh2 *own, struct call *call, int64_t limit_us, struct err *e)
{
	int directions = libssh2_session_block_directions(own->session);
	short events = POLLIN;

	if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		events |= POLLOUT;
	if (own->prompt && !own->is_up)
		return ssh_prompt_wait(own->prompt, call, own->fd, limit_us, e);
	return call_wait(call, own->fd, events, limit_us, e);
}

static int wait_long(struct ssh2 *own, struct call *call, int64_t until, struct err *e)
{
	for (;;) {
		int64_t now = time_mono_us();
		int64_t since = own->heard_us > own->since_us ? own->heard_us : own->since_us;
		int64_t due = own->is_up ? since + own->interval_us * (own->probes + 1) : since + own->silence_us;
		int64_t silent = silence_due(own, call, since), next = due < silent ? due : silent;
		int64_t nearest = until < next ? until : next;
		int waited;

		/* Asked of the clock, not of the socket: a wait of length 0 still looks at the socket. */
		waited = wait_socket(own, call, nearest > now ? nearest - now : 0, e);
		if (waited == 0)
			tell_back(own, call);
		if (waited <= 0)
			return waited;
		now = time_mono_us();
		if (now >= silent && now < due)
			look_at_silence(own, call, since, now);
		if (now >= until)
			return 1;
		if (now >= due && !own->is_up)
			return lost_silent(own, own->silence_us, e);
		if (now >= due && ssh2_probe(own, e) < 0)
			return -1;
	}
}

int ssh2_wait(struct ssh2 *own, struct call *call, int64_t extra_us, struct err *e)
{
	int64_t began = time_mono_us();
	int waited;

	if (own->closed)
		return err_set(e, ERR_IO, "connection to %s lost: a request was given up half-way",
			       ssh_config_name(own->config));
	/* Silence counts only while somebody waits, but over many short waits too. */
	if (began - own->waited_us > WAIT_GAP) {
		own->since_us = began;
		own->probes = 0;
	}
	waited = wait_long(own, call, extra_us >= 0 ? began + extra_us : INT64_MAX, e);
	own->waited_us = time_mono_us();
	return waited;
}

static int set_methods(struct ssh2 *own, int what, const char *key, const char *const *methods, struct err *e)
{
	const char *allowed = ssh_config_text(own->config, key, "");
	struct buf list = {0};
	int result = 0;

	for (; *methods; methods++) {
		if (!*allowed || ssh_config_has_word(allowed, *methods))
			buf_printf(&list, "%s%s", list.len ? "," : "", *methods);
	}
	if (list.len == 0 || libssh2_session_method_pref(own->session, what, buf_text(&list)) != 0)
		result = err_set(e, ERR_USAGE, "libssh2 knows none of the %s that your ssh_config allows", key);
	buf_done(&list);
	return result;
}

static int set_all_methods(struct ssh2 *own, struct err *e)
{
	struct buf hostkeys = {0};
	int result = ssh2_hostkey_methods(own, &hostkeys, e);

	if (result == 0 && libssh2_session_method_pref(own->session, LIBSSH2_METHOD_HOSTKEY, buf_text(&hostkeys)) != 0)
		result = err_set(e, ERR_USAGE, "libssh2 knows none of the host key types wanted");
	buf_done(&hostkeys);
	if (result < 0 || set_methods(own, LIBSSH2_METHOD_KEX, "kexalgorithms", kex_methods, e) < 0 ||
	    set_methods(own, LIBSSH2_METHOD_CRYPT_CS, "ciphers", ciphers, e) < 0 ||
	    set_methods(own, LIBSSH2_METHOD_CRYPT_SC, "ciphers", ciphers, e) < 0 ||
	    set_methods(own, LIBSSH2_METHOD_MAC_CS, "macs", macs, e) < 0 ||
	    set_methods(own, LIBSSH2_METHOD_MAC_SC, "macs", macs, e) < 0)
		return -1;
	return 0;
}

static int dial(struct ssh2 *own, struct call *call, struct err *e)
{
	if (!ssh_dial_is_proxied(own->config)) {
		own->fd = ssh_dial_tcp(call, own->config, e);
		return own->fd < 0 ? -1 : 0;
	}
	own->prompt = ssh_prompt_new(ssh_config_name(own->config), e);
	if (!own->prompt)
		return -1;
	own->fd = ssh_dial_proxy(call, own->config, ssh_prompt_env(own->prompt), ssh_prompt_errors(own->prompt),
				 &own->proxy, e);
	return own->fd < 0 ? -1 : 0;
}

/* What the proxy said on its stderr explains a closed connection better than we can. */
static int explain(struct ssh2 *own, struct err *e)
{
	enum err_kind kind = e->kind;
	const char *words;

	if (!own->prompt || kind != ERR_IO)
		return -1;
	words = ssh_prompt_words(own->prompt, &kind);
	if (words)
		return err_set(e, kind, "%s: on the way there: %s", ssh_config_name(own->config), words);
	return -1;
}

static int shake_hands(struct ssh2 *own, struct call *call, struct err *e)
{
	char *words = NULL;
	int rc;

	own->silence_us = ssh_dial_time(own->config);
	if (own->prompt)
		own->silence_us += AUTH_SILENCE;	/* its children log in first */
	while ((rc = libssh2_session_handshake(own->session, own->fd)) == LIBSSH2_ERROR_EAGAIN) {
		if (ssh2_wait(own, call, -1, e) < 0)
			return explain(own, e);
	}
	if (rc == 0) {
		if (own->prompt)
			ssh_prompt_succeeded(own->prompt);
		return 0;
	}
	if ((rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE) && !own->hung_up) {
		libssh2_session_last_error(own->session, &words, NULL, 0);
		return err_set(e, ERR_USAGE, "libssh2 and %s have no method in common (%s)",
			       ssh_config_name(own->config), words ? words : "key exchange");
	}
	ssh2_lost(own, "the handshake failed", e);
	return explain(own, e);
}

static int free_handle(LIBSSH2_CHANNEL *handle)
{
	return handle ? libssh2_channel_free(handle) : 0;
}

void ssh2_bury(struct ssh2 *own)
{
	struct ssh2_channel *channel;

	for (struct ssh2_channel **at = &own->dying; (channel = *at);) {
		if (free_handle(channel->handle) == LIBSSH2_ERROR_EAGAIN) {
			at = &channel->next;
		} else {
			*at = channel->next;
			mem_free(channel);
		}
	}
}

static void free_channel(struct channel *channel)
{
	struct ssh2_channel *dead = (struct ssh2_channel *)channel;
	struct ssh2 *own = (struct ssh2 *)channel->transport;

	if (free_handle(dead->handle) != LIBSSH2_ERROR_EAGAIN) {
		mem_free(dead);
		return;
	}
	dead->next = own->dying;
	own->dying = dead;
}

void ssh2_let_die(struct ssh2 *own, LIBSSH2_CHANNEL *handle)
{
	struct ssh2_channel *channel = mem_alloc(sizeof(*channel));

	channel->channel.transport = &own->transport;
	channel->handle = handle;
	free_channel(&channel->channel);
}

static int open_channel(struct ssh2 *own, struct call *call, struct ssh2_channel *channel, struct err *e)
{
	char *words = NULL;

	while (!channel->handle) {
		int code;

		channel->handle = libssh2_channel_open_ex(own->session, "session", sizeof("session") - 1, WINDOW, PACKET,
							  NULL, 0);
		if (channel->handle)
			break;
		code = libssh2_session_last_error(own->session, &words, NULL, 0);
		if (code == LIBSSH2_ERROR_CHANNEL_FAILURE)
			return err_set(e, ERR_REMOTE, "%s refuses another command on this connection (%s)",
				       ssh_config_name(own->config), words ? words : "");
		if (code != LIBSSH2_ERROR_EAGAIN)
			return ssh2_lost(own, "opening a channel", e);
		if (ssh2_wait(own, call, -1, e) < 0)
			return give_up(own);
	}
	return 0;
}

static struct channel *exec_ssh2(struct transport *transport, struct call *call, const char *command, struct err *e)
{
	struct ssh2 *own = (struct ssh2 *)transport;
	struct ssh2_channel *channel = mem_alloc(sizeof(*channel));
	int rc = LIBSSH2_ERROR_EAGAIN;

	channel->channel = (struct channel){ .transport = transport, .exit_code = -1 };
	ssh2_bury(own);
	if (open_channel(own, call, channel, e) < 0) {
		mem_free(channel);
		return NULL;
	}
	while (rc == LIBSSH2_ERROR_EAGAIN) {
		rc = libssh2_channel_process_startup(channel->handle, "exec", sizeof("exec") - 1, command,
						     (unsigned int)strlen(command));
		if (rc == LIBSSH2_ERROR_EAGAIN && ssh2_wait(own, call, -1, e) < 0) {
			(void)give_up(own);
			free_channel(&channel->channel);
			return NULL;
		}
	}
	if (rc == 0)
		return &channel->channel;
	if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		err_set(e, ERR_REMOTE, "%s does not let this login run commands", ssh_config_name(own->config));
	else
		ssh2_lost(own, "starting a command", e);
	free_channel(&channel->channel);
	return NULL;
}

/* A terminal of that type and size on a fresh channel, then the login shell. As libssh2: 0, or EAGAIN. */
static int start_shell(struct ssh2_channel *channel, const struct terminal *terminal, bool *has_pty)
{
	int rc = 0;

	if (!*has_pty)
		rc = libssh2_channel_request_pty_ex(channel->handle, terminal->type, (unsigned int)strlen(terminal->type), NULL, 0,
						    terminal->cols, terminal->rows, 0, 0);
	*has_pty = *has_pty || rc == 0;
	return rc != 0 ? rc : libssh2_channel_process_startup(channel->handle, "shell", sizeof("shell") - 1, NULL, 0);
}

static struct channel *shell_ssh2(struct transport *transport, struct call *call, const struct terminal *terminal,
				  struct err *e)
{
	struct ssh2 *own = (struct ssh2 *)transport;
	struct ssh2_channel *channel = mem_alloc(sizeof(*channel));
	bool has_pty = false;
	int rc;

	channel->channel = (struct channel){ .transport = transport, .exit_code = -1 };
	ssh2_bury(own);
	if (open_channel(own, call, channel, e) < 0) {
		mem_free(channel);
		return NULL;
	}
	while ((rc = start_shell(channel, terminal, &has_pty)) == LIBSSH2_ERROR_EAGAIN) {
		if (ssh2_wait(own, call, -1, e) < 0) {
			(void)give_up(own);
			free_channel(&channel->channel);
			return NULL;
		}
	}
	if (rc == 0)
		return &channel->channel;
	if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		err_set(e, ERR_REMOTE, "%s does not give this login a %s", ssh_config_name(own->config), has_pty ? "shell" : "terminal");
	else
		ssh2_lost(own, "starting a shell", e);
	free_channel(&channel->channel);
	return NULL;
}

static int resize_ssh2(struct channel *base, struct call *call, const struct terminal *terminal, struct err *e)
{
	struct ssh2_channel *channel = (struct ssh2_channel *)base;
	struct ssh2 *own = (struct ssh2 *)base->transport;
	int rc;

	while ((rc = libssh2_channel_request_pty_size_ex(channel->handle, terminal->cols, terminal->rows, 0, 0)) ==
	       LIBSSH2_ERROR_EAGAIN) {
		if (ssh2_wait(own, call, -1, e) < 0)
			return give_up(own);
	}
	/* A shell that has just ended has no size. */
	if (rc < 0 && rc != LIBSSH2_ERROR_CHANNEL_CLOSED && rc != LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		return ssh2_lost(own, "changing the terminal's size", e);
	return 0;
}

/* Appends what has come for one stream. Bytes, or -1 when the connection is lost. */
static int take(struct ssh2_channel *channel, int stream, struct buf *to)
{
	size_t total = 0;

	while (total < READ_MAX) {
		ssize_t got = libssh2_channel_read_ex(channel->handle, stream, buf_room(to, READ_STEP), READ_STEP);

		if (got == LIBSSH2_ERROR_EAGAIN || got == 0)
			break;
		if (got < 0)
			return total > 0 ? (int)total : -1;
		buf_added(to, (size_t)got);
		total += (size_t)got;
	}
	channel->channel.in_bytes[stream] += (int64_t)total;
	return (int)total;
}

/* Both streams: reading one puts packets of the other aside, so until nothing came in between. Bytes, or -1. */
static int take_both(struct ssh2 *own, struct ssh2_channel *channel, struct buf *out, struct buf *errout)
{
	uint64_t before;

	do {
		int a, b;

		before = own->received;
		a = take(channel, 0, out);
		b = a < 0 ? -1 : take(channel, 1, errout);
		if (a > 0 || b > 0)
			return (a > 0 ? a : 0) + (b > 0 ? b : 0);
		if (b < 0)
			return -1;
	} while (own->received != before);
	return 0;
}

static void take_status(struct ssh2 *own, struct ssh2_channel *channel)
{
	char *name = NULL;
	size_t len = 0;

	(void)libssh2_channel_get_exit_signal(channel->handle, &name, &len, NULL, NULL, NULL, NULL);
	if (name) {
		channel->channel.exit_code = -1;
		str_copy(channel->channel.signal, sizeof(channel->channel.signal), name);
		libssh2_free(own->session, name);
		return;
	}
	channel->channel.exit_code = libssh2_channel_get_exit_status(channel->handle);
}

static int read_ssh2(struct channel *base, struct call *call, struct buf *out, struct buf *errout, int64_t extra_us,
		     struct err *e)
{
	struct ssh2_channel *channel = (struct ssh2_channel *)base;
	struct ssh2 *own = (struct ssh2 *)base->transport;
	int64_t until = extra_us >= 0 ? time_mono_us() + extra_us : 0;

	for (;;) {
		int64_t left = extra_us >= 0 ? until - time_mono_us() : -1;
		int got = take_both(own, channel, out, errout);
		int waited;

		if (got > 0)
			return 1;
		if (got < 0)
			return ssh2_lost(own, "reading", e);
		if (call_has_typed(call))
			return 2;
		if (libssh2_channel_eof(channel->handle)) {
			int rc = libssh2_channel_wait_closed(channel->handle);

			if (rc == 0) {
				take_status(own, channel);
				return 0;
			}
			if (rc != LIBSSH2_ERROR_EAGAIN)
				return ssh2_lost(own, "waiting for the end of a command", e);
		}
		waited = ssh2_wait(own, call, extra_us >= 0 && left < 0 ? 0 : left, e);
		if (waited != 0)
			return waited == 1 ? 2 : -1;
	}
}

/* After a write that took nothing: the command reads no more. */
static bool has_stopped(struct ssh2_channel *channel, ssize_t put)
{
	if (put == LIBSSH2_ERROR_CHANNEL_CLOSED || put == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		return true;
	/* Not libssh2_channel_eof, which says no while output waits to be read. */
	return (put == LIBSSH2_ERROR_EAGAIN || put == 0) && libssh2_channel_wait_eof(channel->handle) == 0;
}

static int write_ssh2(struct channel *base, struct call *call, const void *bytes, size_t len, struct err *e)
{
	struct ssh2_channel *channel = (struct ssh2_channel *)base;
	struct ssh2 *own = (struct ssh2 *)base->transport;
	const char *at = bytes;

	while (len > 0) {
		ssize_t put = libssh2_channel_write_ex(channel->handle, 0, at, len);

		if (put > 0) {
			at += put;
			len -= (size_t)put;
		} else if (has_stopped(channel, put)) {
			return err_set(e, ERR_REMOTE, "the command ended before it had read all of its input");
		} else if (put != LIBSSH2_ERROR_EAGAIN && put != 0) {
			return ssh2_lost(own, "writing", e);
		} else if (ssh2_wait(own, call, -1, e) < 0) {
			return give_up(own);
		}
	}
	return 0;
}

/* Only into a socket that takes a packet whole: half a packet inside libssh2 must go before anything else does. */
static ssize_t put_ssh2(struct channel *base, struct call *call, const void *bytes, size_t len, struct err *e)
{
	struct ssh2_channel *channel = (struct ssh2_channel *)base;
	struct ssh2 *own = (struct ssh2 *)base->transport;
	ssize_t put;

	if (!is_writable(own->fd))
		return 0;
	if (len > PUT_MAX)
		len = PUT_MAX;
	while ((put = libssh2_channel_write_ex(channel->handle, 0, bytes, len)) == LIBSSH2_ERROR_EAGAIN &&
	       (libssh2_session_block_directions(own->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND)) {
		if (ssh2_wait(own, call, -1, e) < 0)
			return give_up(own);
	}
	if (put > 0)
		return put;
	if (has_stopped(channel, put))
		return (ssize_t)len;
	return put == LIBSSH2_ERROR_EAGAIN || put == 0 ? 0 : ssh2_lost(own, "writing", e);
}

static int eof_ssh2(struct channel *base, struct call *call, struct err *e)
{
	struct ssh2_channel *channel = (struct ssh2_channel *)base;
	struct ssh2 *own = (struct ssh2 *)base->transport;
	int rc;

	while ((rc = libssh2_channel_send_eof(channel->handle)) == LIBSSH2_ERROR_EAGAIN) {
		if (ssh2_wait(own, call, -1, e) < 0)
			return give_up(own);
	}
	/* A command that has ended already needs no end of file. */
	if (rc < 0 && rc != LIBSSH2_ERROR_CHANNEL_CLOSED && rc != LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		return ssh2_lost(own, "ending the input of a command", e);
	return 0;
}

static void free_ssh2(struct transport *transport)
{
	struct ssh2 *own = (struct ssh2 *)transport;

	if (own->session && own->is_up && !own->closed)
		(void)libssh2_session_disconnect(own->session, "bellbook is done");
	/* Now nothing can say EAGAIN any more. */
	own->closed = true;
	ssh2_streams_done(own);
	if (own->session) {
		ssh2_bury(own);
		(void)libssh2_session_free(own->session);
	}
	while (own->dying) {
		struct ssh2_channel *next = own->dying->next;

		mem_free(own->dying);
		own->dying = next;
	}
	if (own->fd >= 0)
		close(own->fd);
	ssh_child_kill(own->proxy);
	ssh_prompt_free(own->prompt);
	ssh_config_free(own->config);
	mem_free(own);
}

static void init_libssh2(void)
{
	(void)libssh2_init(0);
}

static int start_session(struct ssh2 *own, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int count;

	pthread_once(&once, init_libssh2);
	own->session = libssh2_session_init_ex(give_memory, free_memory, grow_memory, own);
	if (!own->session)
		return err_set(e, ERR_USAGE, "libssh2 cannot be used");
	libssh2_session_set_blocking(own->session, 0);
	/* The header passes functions as data; ISO C has no cast for it but a union. */
	union { LIBSSH2_RECV_FUNC((*function)); void *data; } on_receive = { .function = receive };
	union { LIBSSH2_SEND_FUNC((*function)); void *data; } on_send = { .function = transmit };
	(void)libssh2_session_callback_set(own->session, LIBSSH2_CALLBACK_RECV, on_receive.data);
	(void)libssh2_session_callback_set(own->session, LIBSSH2_CALLBACK_SEND, on_send.data);
	count = ssh_config_int(own->config, "serveraliveinterval", 0);
	own->interval_us = (count > 0 ? count : ALIVE_INTERVAL) * TIME_SECOND;
	count = ssh_config_int(own->config, "serveralivecountmax", 3);
	own->count_max = count > 0 ? count : 1;
	return set_all_methods(own, e);
}

struct transport *transport_ssh2_open(struct call *call, struct err *e)
{
	static const struct transport_ops ops = {
		.name = "libssh2", .streams = &ssh2_stream_ops,
		.exec = exec_ssh2, .read = read_ssh2, .write = write_ssh2, .eof = eof_ssh2,
		.shell = shell_ssh2, .put = put_ssh2, .resize = resize_ssh2, .channel_free = free_channel, .free = free_ssh2,
	};
	struct ssh_config *config = ssh_config_load(call, e);
	struct ssh2 *own;

	if (!config) {
		/* Nothing that another transport would do better. */
		if (e->kind == ERR_USAGE)
			e->kind = ERR_DENIED;
		return NULL;
	}
	own = mem_alloc(sizeof(*own));
	*own = (struct ssh2){ .transport = { .ops = &ops }, .config = config, .fd = -1, .call = call };
	if (ssh_fit_check(call, config, e) == 0 && start_session(own, e) == 0 && dial(own, call, e) == 0 && shake_hands(own, call, e) == 0 &&
	    ssh2_hostkey_check(own, call, e) == 0) {
		own->silence_us = AUTH_SILENCE;
		if (ssh2_auth(own, call, e) == 0) {
			own->is_up = true;
			own->call = NULL;
			return &own->transport;
		}
	}
	free_ssh2(&own->transport);
	return NULL;
}
