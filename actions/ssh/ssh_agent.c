/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The protocol of draft-miller-ssh-agent: a length, a type, and what belongs to it. */
#define _GNU_SOURCE
#include "actions/ssh/ssh_agent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

enum { AGENT_REQUEST_IDENTITIES = 11, AGENT_IDENTITIES = 12, AGENT_SIGN_REQUEST = 13, AGENT_SIGN_RESPONSE = 14 };

#define KEYS_MAX 256
#define ANSWER_MAX ((size_t)1 << 20)
#define LIST_TIME (10 * TIME_SECOND)

struct agent_key {
	struct buf blob;
	char *name;
};

struct ssh_agent {
	int fd;
	struct agent_key keys[KEYS_MAX];
	size_t count;
};

/* Walks a message. */
struct cursor {
	const unsigned char *at;
	size_t left;
};

struct ssh_agent *ssh_agent_open(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct ssh_agent *agent;
	int fd;

	if (!path || !*path || !str_copy(where.sun_path, sizeof(where.sun_path), path))
		return NULL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return NULL;
	if (connect(fd, (const struct sockaddr *)&where, sizeof(where)) < 0) {
		close(fd);
		return NULL;
	}
	agent = mem_alloc(sizeof(*agent));
	agent->fd = fd;
	return agent;
}

static void forget_keys(struct ssh_agent *agent)
{
	for (size_t i = 0; i < agent->count; i++) {
		buf_done(&agent->keys[i].blob);
		mem_free(agent->keys[i].name);
	}
	agent->count = 0;
}

void ssh_agent_close(struct ssh_agent *agent)
{
	if (!agent)
		return;
	forget_keys(agent);
	close(agent->fd);
	mem_free(agent);
}

static void put_number(struct buf *out, size_t number)
{
	buf_putc(out, (char)(unsigned char)(number >> 24));
	buf_putc(out, (char)(unsigned char)(number >> 16));
	buf_putc(out, (char)(unsigned char)(number >> 8));
	buf_putc(out, (char)(unsigned char)number);
}

static void put_string(struct buf *out, const void *bytes, size_t len)
{
	put_number(out, len);
	buf_append(out, bytes, len);
}

static bool take_number(struct cursor *cursor, size_t *number)
{
	if (cursor->left < 4)
		return false;
	*number = (size_t)cursor->at[0] << 24 | (size_t)cursor->at[1] << 16 | (size_t)cursor->at[2] << 8 | cursor->at[3];
	cursor->at += 4;
	cursor->left -= 4;
	return true;
}

static bool take_string(struct cursor *cursor, const unsigned char **bytes, size_t *len)
{
	if (!take_number(cursor, len) || *len > cursor->left)
		return false;
	*bytes = cursor->at;
	cursor->at += *len;
	cursor->left -= *len;
	return true;
}

static int wait_agent(struct ssh_agent *agent, struct call *call, short events, int64_t limit_us, struct err *e)
{
	int waited = call_wait(call, agent->fd, events, limit_us, e);

	return waited == 1 ? err_set(e, ERR_IO, "the ssh agent does not answer") : waited;
}

static int send_all(struct ssh_agent *agent, struct call *call, const struct buf *message, struct err *e)
{
	for (size_t done = 0; done < message->len;) {
		ssize_t put = send(agent->fd, message->data + done, message->len - done, MSG_NOSIGNAL);

		if (put > 0)
			done += (size_t)put;
		else if (errno != EAGAIN && errno != EINTR)
			return err_errno(e, "the ssh agent is gone");
		else if (wait_agent(agent, call, POLLOUT, LIST_TIME, e) < 0)
			return -1;
	}
	return 0;
}

static int receive(struct ssh_agent *agent, struct call *call, size_t wanted, struct buf *to, int64_t limit_us,
		   struct err *e)
{
	size_t end = to->len + wanted;

	while (to->len < end) {
		ssize_t got = recv(agent->fd, buf_room(to, end - to->len), end - to->len, 0);

		if (got > 0)
			buf_added(to, (size_t)got);
		else if (got == 0)
			return err_set(e, ERR_IO, "the ssh agent is gone");
		else if (errno != EAGAIN && errno != EINTR)
			return err_errno(e, "the ssh agent is gone");
		else if (wait_agent(agent, call, POLLIN, limit_us, e) < 0)
			return -1;
	}
	return 0;
}

/* Sends body as one message; the answer's bytes behind its length into answer. */
static int ask(struct ssh_agent *agent, struct call *call, const struct buf *body, struct buf *answer,
	       int64_t limit_us, struct err *e)
{
	struct buf message = {0}, head = {0};
	struct cursor cursor;
	size_t len = 0;
	int result = -1;

	put_string(&message, body->data, body->len);
	if (send_all(agent, call, &message, e) == 0 && receive(agent, call, 4, &head, limit_us, e) == 0) {
		cursor = (struct cursor){ (const unsigned char *)head.data, head.len };
		(void)take_number(&cursor, &len);
		if (len == 0 || len > ANSWER_MAX)
			err_set(e, ERR_IO, "the ssh agent talks nonsense");
		else
			result = receive(agent, call, len, answer, limit_us, e);
	}
	buf_done(&message);
	buf_done(&head);
	return result;
}

int ssh_agent_load(struct ssh_agent *agent, struct call *call, struct err *e)
{
	struct buf body = {0}, answer = {0};
	struct cursor cursor;
	const unsigned char *blob, *name;
	size_t count = 0, blob_len, name_len;
	int result;

	forget_keys(agent);
	buf_putc(&body, AGENT_REQUEST_IDENTITIES);
	result = ask(agent, call, &body, &answer, LIST_TIME, e);
	if (result == 0 && answer.data[0] == AGENT_IDENTITIES) {
		cursor = (struct cursor){ (const unsigned char *)answer.data + 1, answer.len - 1 };
		if (!take_number(&cursor, &count))
			count = 0;
		while (agent->count < count && agent->count < KEYS_MAX && take_string(&cursor, &blob, &blob_len) &&
		       take_string(&cursor, &name, &name_len)) {
			struct agent_key *key = &agent->keys[agent->count++];

			buf_init(&key->blob);
			buf_append(&key->blob, blob, blob_len);
			key->name = mem_dup(name, name_len);
		}
	}
	buf_done(&body);
	buf_done(&answer);
	return result;
}

bool ssh_agent_key(const struct ssh_agent *agent, size_t i, const struct buf **blob, const char **name)
{
	if (i >= agent->count)
		return false;
	*blob = &agent->keys[i].blob;
	*name = agent->keys[i].name;
	return true;
}

int ssh_agent_sign(struct ssh_agent *agent, struct call *call, const struct ssh_agent_work *work,
		   struct buf *signature, struct err *e)
{
	struct buf body = {0}, answer = {0};
	const unsigned char *whole, *method, *bytes;
	size_t whole_len, method_len, bytes_len;
	int result;

	buf_putc(&body, AGENT_SIGN_REQUEST);
	put_string(&body, work->blob->data, work->blob->len);
	put_string(&body, work->data, work->len);
	put_number(&body, 0);
	result = ask(agent, call, &body, &answer, -1, e);
	if (result == 0) {
		struct cursor cursor = { (const unsigned char *)answer.data + 1, answer.len - 1 };
		struct cursor inner;

		if (answer.data[0] != AGENT_SIGN_RESPONSE || !take_string(&cursor, &whole, &whole_len)) {
			result = err_set(e, ERR_DENIED, "the ssh agent refuses to sign");
		} else {
			inner = (struct cursor){ whole, whole_len };
			if (take_string(&inner, &method, &method_len) && take_string(&inner, &bytes, &bytes_len))
				buf_append(signature, bytes, bytes_len);
			else
				result = err_set(e, ERR_IO, "the ssh agent talks nonsense");
		}
	}
	buf_done(&body);
	buf_done(&answer);
	return result;
}
