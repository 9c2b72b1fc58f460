/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ssh.get: a file of a host as output, or into a file here; what came is compared with the SHA-256 that the host computes. */
#define _GNU_SOURCE
#include "actions/worker/builtin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/worker/call_int.h"
#include "actions/do/command.h"
#include "actions/do/exact.h"
#include "actions/transport/link.h"
#include "actions/ssh/ssh_child.h"
#include "actions/do/ssh_file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "get_sh.h"
#include "path_sh.h"

#define AGAIN_MAX (60 * TIME_SECOND)
#define MARK "bellbook:get"

struct get {
	struct call *call;	/* borrowed */
	const char *path;	/* borrowed */
	const char *to;		/* borrowed; NULL: as output */
	int64_t max;		/* bytes; -1 = any */
	char *part;		/* owned; the file while it comes */
	int fd;			/* -1 = none */
	int64_t size;
	struct sha256 *digest;
};

static const struct action_param get_params[] = {
	{ "path", ARG_TEXT, .required = true, .help = "the file, from / on", .rank = 1 },
	{ "max", ARG_INT, .unit = "bytes", .help = "refuse a larger file (1 MiB; with `to`: any size)" },
	{ "to", ARG_TEXT, .writes_here = true,
	  .help = "file of the ops host to write it to (0600), instead of telling it as output" },
	{ "as", ARG_TEXT, .help = "do it as this user, by sudo" },
	{ "sudo_password", ARG_DATA, .help = "the password for sudo, a secret; without it a person is asked where sudo asks" },
	{ "timeout", ARG_DURATION, .unit = "s", .help = "at most so long" },
	{ .name = NULL },
};

static const struct action_gives get_gives[] = {
	{ "out", ARG_TEXT, NULL, "the file; empty when it went into a file here" },
	{ "sha256", ARG_TEXT, NULL, "its digest in hex" },
	{ "bytes", ARG_INT, "bytes", "how long it is" },
	{ "mode", ARG_TEXT, "octal", "its permissions, like 0644" },
	{ "ok", ARG_BOOL, NULL, "true: a file that cannot be read is an error" },
	{ .name = NULL },
};

static int get_init(struct get *get, struct call *call, struct err *e)
{
	const struct json *args = call_args(call);
	struct stat st;

	*get = (struct get){
		.call = call, .path = json_text(args, "path", ""), .to = json_text(args, "to", NULL), .fd = -1,
		.digest = sha256_new(),
	};
	get->max = json_int(args, "max", get->to ? -1 : (int64_t)LIMIT_READ);
	if (*get->path != '/')
		return err_set(e, ERR_USAGE, "ssh.get: path \"%s\" must begin with /", get->path);
	if (get->to && !*get->to)
		return err_set(e, ERR_USAGE, "ssh.get: \"to\" is empty");
	/* Nothing but a plain file is replaced. */
	if (get->to && stat(get->to, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "ssh.get: to: %s is %s", get->to,
			       S_ISDIR(st.st_mode) ? "a directory" : "no plain file, and only such a one is replaced");
	return 0;
}

static void drop_part(struct get *get)
{
	if (get->fd >= 0)
		close(get->fd);
	get->fd = -1;
	if (get->part)
		(void)unlink(get->part);
	mem_free(get->part);
	get->part = NULL;
}

/* errno of the file on the ops host: no matter of the connection, whatever it is. -1. */
static int cannot_keep(const struct get *get, struct err *e)
{
	err_errno(e, "cannot write to %s", get->to);
	if (e->kind == ERR_IO || e->kind == ERR_TIMEOUT)
		e->kind = ERR_REMOTE;
	return -1;
}

static int open_part(struct get *get, struct err *e)
{
	drop_part(get);
	if (!get->to)
		return 0;
	get->part = mem_printf("%s.bellbook.XXXXXX", get->to);
	get->fd = mkostemp(get->part, O_CLOEXEC);
	if (get->fd >= 0)
		return 0;
	cannot_keep(get, e);
	mem_free(get->part);
	get->part = NULL;
	return -1;
}

static int take(struct get *get, struct buf *got, struct err *e)
{
	size_t done = 0;

	sha256_add(get->digest, got->data, got->len);
	get->size += (int64_t)got->len;
	if (!get->to)
		call_output(get->call, "out", got->data, got->len);
	while (get->to && done < got->len) {
		ssize_t put = write(get->fd, got->data + done, got->len - done);

		if (put < 0 && errno != EINTR)
			return cannot_keep(get, e);
		done += put > 0 ? (size_t)put : 0;
	}
	buf_clear(got);
	return 0;
}

/* Reads the run to its end. */
static int receive(struct get *get, struct run *run, struct buf *words, struct err *e)
{
	struct buf got = {0};
	int result = run_eof(run, get->call, e);

	while (result == 0) {
		int more = run_read(run, get->call, &got, words, -1, e);

		if (more <= 0) {
			result = more;
			break;
		}
		if (got.len > 0)
			result = take(get, &got, e);
		if (get->max >= 0 && get->size > get->max)
			result = err_set(e, ERR_REMOTE, "%s grows while it is read", get->path);
	}
	buf_done(&got);
	return result;
}

static int keep_part(struct get *get, struct err *e)
{
	if (!get->to)
		return 0;
	if (fsync(get->fd) < 0 || rename(get->part, get->to) < 0)
		return cannot_keep(get, e);
	mem_free(get->part);
	get->part = NULL;
	return 0;
}

/* Compares what came with what the host says. */
static int judge(struct get *get, struct buf *words, struct err *e)
{
	const char *host = link_name(get->call);
	struct buf head = {0}, sum = {0}, mine = {0};
	unsigned char digest[SHA256_LEN];
	long long size = -1;
	char mode[8] = "";
	int result = -1;

	sha256_end(get->digest, digest);
	str_hex(&mine, digest, sizeof(digest));
	if (ssh_file_line(words, MARK, &head))
		(void)sscanf(buf_text(&head), "file %lld %7s", &size, mode);
	if (size >= 0 && get->max >= 0 && size > get->max) {
		err_set(e, ERR_REMOTE, "%s: %s has %lld bytes, more than max (%lld)", host, get->path, size,
			(long long)get->max);
	} else if (command_was_not_run(get->call, words, e)) {
		;
	} else if (!ssh_file_line(words, MARK ".sum", &sum)) {
		err_set(e, ERR_REMOTE, "%s: cannot read %s: %s", host, get->path,
			ssh_child_last_line(words, "no reason given"));
	} else if (!str_is(buf_text(&sum), buf_text(&mine))) {
		err_set(e, ERR_REMOTE, "%s: %s changed while it was read", host, get->path);
	} else if (keep_part(get, e) == 0) {
		struct json *answer = json_new_object();

		json_set_int(answer, "exit", 0);
		json_set_text(answer, "sha256", buf_text(&mine));
		json_set_int(answer, "bytes", get->size);
		memmove(mode + 1, mode, sizeof(mode) - 2);
		mode[0] = '0';
		json_set_text(answer, "mode", mode);
		call_set_result(get->call, answer);
		result = 0;
	}
	buf_done(&head);
	buf_done(&sum);
	buf_done(&mine);
	return result;
}

static int get_once(struct get *get, struct err *e)
{
	struct buf text = {0}, words = {0};
	struct run *run = NULL;
	bool is_cut;
	int result = open_part(get, e);

	get->size = 0;
	buf_printf(&text, "%s\n%s\nbb_get " MARK " ", path_sh, get_sh);
	str_shell_quote(&text, get->path);
	buf_printf(&text, " %lld", (long long)get->max);
	if (result == 0) {
		run = ssh_file_open(get->call, buf_text(&text), e);
		result = run ? receive(get, run, &words, e) : -1;
	}
	is_cut = run && result == 0 && run_is_cut(run);
	run_close(run, get->call);
	if (is_cut)
		result = err_set(e, ERR_REMOTE, "%s: %s: its shell was ended before all of it was read", link_name(get->call), get->path);
	else if (result == 0)
		result = judge(get, &words, e);
	buf_done(&text);
	buf_done(&words);
	return result;
}

static int get_start(struct call *call, struct err *e)
{
	struct get get;
	int result = get_init(&get, call, e);

	while (result == 0 && (result = get_once(&get, e)) < 0) {
		unsigned char digest[SHA256_LEN];
		char why[sizeof(e->text)];

		if (e->kind != ERR_IO || !link_of(call)->transport)
			break;
		memcpy(why, e->text, sizeof(why));
		result = link_again(call, why, AGAIN_MAX, e);
		if (result == 0 && !get.to && get.size > 0) {
			call_set_seen(call, why);
			call_again(call);
		}
		sha256_end(get.digest, digest);
	}
	drop_part(&get);
	sha256_free(get.digest);
	return result;
}

const struct action action_ssh_get = {
	.name = "ssh.get", .target = TARGET_HOST, .effect = EFFECT_READ, .params = get_params, .gives = get_gives,
	.group = &exact_files, .shown = exact_show_file, .exact = exact_file, .start = get_start,
	.help = "read a file of a host",
	.about = "What comes is compared with the digest that the host has. Into a file of this computer it is a change: before its step's "
		 "question it is listed, and not done",
};
