/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ssh.put: the near side of put.sh, whose head says why nothing is half done and nothing comes late. */
#define _GNU_SOURCE
#include "actions/worker/builtin.h"

#include <assert.h>
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
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "path_sh.h"
#include "put_sh.h"

#define PIECE ((size_t)262144)
#define PROGRESS_FROM ((int64_t)1 << 20)
#define PROGRESS_EVERY (TIME_SECOND / 2)
#define CANCEL_GRACE (10 * TIME_SECOND)
#define MARK "bellbook:put"

struct put {
	struct call *call;	/* borrowed */
	const char *path;	/* borrowed */
	const char *owner;	/* borrowed; "" = as it is */
	char mode[8];		/* octal without zeros in front; "" = as it is */
	const char *bytes;	/* borrowed; NULL: the content is in file */
	int file;
	int64_t size;
	bool is_secret;
	struct buf sha;		/* hex */
	int attempt;
	bool cut;		/* the script's shell was ended before it said what became of the file */
};

enum put_end { PUT_SAME, PUT_DONE, PUT_OTHER };

static const struct action_param put_params[] = {
	{ "content", ARG_DATA, .help = "text or secret that the file is to hold" },
	{ "file", ARG_TEXT, .help = "file of the ops host that is to be copied, instead of content" },
	{ "path", ARG_TEXT, .required = true, .help = "where it is to be, from / on; a link stays and what it points to is replaced" },
	{ "mode", ARG_TEXT, .unit = "octal",
	  .help = "permissions, like \"0644\"; without it those of the file that is there, or 0644" },
	{ "owner", ARG_TEXT, .help = "user, or user:group; without it that of the file that is there" },
	{ "as", ARG_TEXT, .help = "do it as this user, by sudo" },
	{ "sudo_password", ARG_DATA, .help = "the password for sudo, a secret; without it a person is asked where sudo asks" },
	{ "timeout", ARG_DURATION, .unit = "s", .help = "after this time without an end the outcome is unknown" },
	{ .name = NULL },
};

static const struct action_gives put_gives[] = {
	{ "changed", ARG_BOOL, NULL, "whether another file was there, or none" },
	{ "sha256", ARG_TEXT, NULL, "the digest of what it holds, in hex; not of a secret" },
	{ "bytes", ARG_INT, "bytes", "how long it is" },
	{ "mode", ARG_TEXT, "octal", "its permissions, like 0644" },
	{ "ok", ARG_BOOL, NULL, "true: a file that cannot be put there is an error" },
	{ .name = NULL },
};

static int read_mode(struct put *put, struct err *e)
{
	const char *text = json_text(call_args(put->call), "mode", "");
	size_t len = strlen(text);

	if (len == 0)
		return 0;
	if (len > 5 || strspn(text, "01234567") != len || strtol(text, NULL, 8) > 07777)
		return err_set(e, ERR_USAGE, "ssh.put: mode \"%s\" is none; write it like \"0644\"", text);
	snprintf(put->mode, sizeof(put->mode), "%lo", strtol(text, NULL, 8));
	return 0;
}

/* errno of a file on the ops host: no matter of the connection, whatever it is. -1. */
static int of_this_host(struct err *e)
{
	err_errno(e, "cannot read the file");
	if (e->kind == ERR_IO || e->kind == ERR_TIMEOUT)
		e->kind = ERR_REMOTE;
	return -1;
}

static int hash_file(struct put *put, struct err *e)
{
	struct sha256 *digest = sha256_new();
	unsigned char sum[SHA256_LEN];
	char *piece = mem_alloc(PIECE);
	ssize_t got;

	put->size = 0;
	while ((got = read(put->file, piece, PIECE)) > 0) {
		sha256_add(digest, piece, (size_t)got);
		put->size += got;
		if (call_is_canceled(put->call)) {
			got = -1;
			errno = ECANCELED;
			break;
		}
	}
	sha256_end(digest, sum);
	str_hex(&put->sha, sum, sizeof(sum));
	sha256_free(digest);
	mem_free(piece);
	if (got < 0 && errno == ECANCELED)
		return err_set(e, ERR_CANCELED, "canceled");
	return got < 0 ? of_this_host(e) : 0;
}

static int open_file(struct put *put, const char *name, struct err *e)
{
	struct stat st;

	put->file = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (put->file < 0)
		return err_errno(e, "%s", name);
	if (fstat(put->file, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is no plain file", name);
	return hash_file(put, e);
}

static int open_content(struct put *put, const struct json *content, struct err *e)
{
	unsigned char sum[SHA256_LEN];
	size_t len;

	put->bytes = call_reveal(put->call, content, &len, e);
	if (!put->bytes)
		return err_wrap(e, "content");
	put->size = (int64_t)len;
	put->is_secret = json_as_text(content) == NULL;
	sha256_of(put->bytes, len, sum);
	str_hex(&put->sha, sum, sizeof(sum));
	return 0;
}

static int put_init(struct put *put, struct call *call, struct err *e)
{
	const struct json *args = call_args(call);
	const struct json *content = json_at(args, "content");
	const char *file = json_text(args, "file", NULL);

	*put = (struct put){
		.call = call, .file = -1, .path = json_text(args, "path", ""), .owner = json_text(args, "owner", ""), .attempt = 1,
	};
	if (*put->path != '/' || str_ends(put->path, "/"))
		return err_set(e, ERR_USAGE, "ssh.put: path \"%s\" must name a file, from / on", put->path);
	if (*put->owner == '-' || strpbrk(put->owner, " \t\n"))
		return err_set(e, ERR_USAGE, "ssh.put: owner \"%s\" is none", put->owner);
	if (!content == !file)
		return err_set(e, ERR_USAGE, "ssh.put: it takes either content or file");
	if (read_mode(put, e) < 0)
		return -1;
	return file ? open_file(put, file, e) : open_content(put, content, e);
}

static void put_done(struct put *put)
{
	if (put->file >= 0)
		close(put->file);
	buf_done(&put->sha);
}

/* The text of put.sh and a call of one of its functions. attempt 0: all of them. */
static void write_script(const struct put *put, const char *verb, int attempt, struct buf *script)
{
	unsigned char unguessed[8];

	random_bytes(unguessed, sizeof(unguessed));
	buf_printf(script, "%s\n%s", path_sh, put_sh);
	buf_printf(script, "\n%s %s ", verb, MARK);
	str_shell_quote(script, put->path);
	buf_printf(script, " %s+%d ", call_job(put->call), call_generation(put->call));
	if (attempt > 0)
		buf_printf(script, "%d ", attempt);
	else
		buf_puts(script, "- ");
	str_shell_quote(script, put->mode);
	buf_putc(script, ' ');
	str_shell_quote(script, put->owner);
	buf_putc(script, ' ');
	str_hex(script, unguessed, sizeof(unguessed));
}

static void tell_progress(struct put *put, int64_t sent)
{
	struct json *progress = json_new_object();
	char text[80];

	snprintf(text, sizeof(text), "%lld of %lld MiB", (long long)(sent >> 20), (long long)(put->size >> 20));
	json_set_text(progress, "text", text);
	json_set_int(progress, "done", sent);
	json_set_int(progress, "total", put->size);
	json_set_int(progress, "percent", put->size ? sent * 100 / put->size : 100);
	json_set_text(progress, "unit", "bytes");
	call_progress(put->call, progress);
}

/* The next bytes of the content at offset: into *piece. Their number, 0 at the end, -1. */
static int64_t next_piece(struct put *put, int64_t offset, char *room, const char **piece, struct err *e)
{
	int64_t left = put->size - offset;
	ssize_t got;

	if (put->bytes) {
		*piece = put->bytes + offset;
		return left < (int64_t)PIECE ? left : (int64_t)PIECE;
	}
	*piece = room;
	got = pread(put->file, room, left < (int64_t)PIECE ? (size_t)left : PIECE, offset);
	return got < 0 ? of_this_host(e) : got;
}

static int send_content(struct put *put, struct run *run, struct err *e)
{
	char *room = put->bytes ? NULL : mem_alloc(PIECE);
	int64_t told = time_mono_us();
	int64_t sent = 0, len = 0;
	const char *piece;
	bool ended = false;
	int result = 0;

	while (result == 0 && !ended && (len = next_piece(put, sent, room, &piece, e)) > 0) {
		result = run_write(run, put->call, piece, (size_t)len, &ended, e);
		sent += len;
		if (put->size >= PROGRESS_FROM && time_mono_us() - told > PROGRESS_EVERY) {
			told = time_mono_us();
			tell_progress(put, sent);
		}
	}
	mem_free(room);
	return len < 0 ? -1 : result;
}

/* Runs one script; its answer behind the mark into line. */
static int talk(struct put *put, const char *verb, int attempt, struct buf *line, struct buf *words, struct err *e)
{
	struct buf script = {0}, out = {0};
	struct run *run;
	bool ended = false, is_cut;
	int result = -1;

	write_script(put, verb, attempt, &script);
	run = ssh_file_open(put->call, buf_text(&script), e);
	buf_clear(&script);
	buf_printf(&script, "%s\n", buf_text(&put->sha));
	if (run && run_write(run, put->call, script.data, script.len, &ended, e) == 0 &&
	    (ended || !str_is(verb, "bb_put") || send_content(put, run, e) == 0))
		result = ssh_file_finish(run, put->call, &out, words, e);
	is_cut = run && result == 0 && run_is_cut(run);
	run_close(run, put->call);
	put->cut = false;
	if (result == 0 && !ssh_file_line(&out, MARK, line)) {
		result = -1;
		put->cut = is_cut;
		if (is_cut)
			err_set(e, ERR_REMOTE, "%s: its shell was ended on the way", link_name(put->call));
		else if (!command_was_not_run(put->call, words, e))
			err_set(e, ERR_REMOTE, "%s: %s", link_name(put->call),
				ssh_child_last_line(words, "the script for the file ended early"));
	}
	buf_done(&script);
	buf_done(&out);
	return result;
}

/* What the script said, as a result or in words. */
static int judge(struct put *put, const char *line, struct buf *words, enum put_end *end, struct err *e)
{
	const char *host = link_name(put->call);

	if (str_starts(line, "same ") || str_starts(line, "done ")) {
		*end = str_starts(line, "same ") ? PUT_SAME : PUT_DONE;
		str_copy(put->mode, sizeof(put->mode), line + 5);
		return 0;
	}
	if (str_is(line, "other")) {
		*end = PUT_OTHER;
		return 0;
	}
	if (str_is(line, "cut"))
		return err_set(e, ERR_REMOTE, "%s: what came was not what was sent; %s is as it was", host, put->path);
	if (str_is(line, "unsure"))
		return err_set(e, ERR_TIMEOUT, "%s: %s is not as it should be, and nothing can be written beside it", host,
			       put->path);
	if (str_is(line, "placed"))
		return err_set(e, ERR_TIMEOUT, "%s: %s is put, but whether that outlives a power cut is not known: its folder cannot be brought to the disk",
			       host, put->path);
	if (str_starts(line, "failed "))
		return err_set(e, ERR_REMOTE, "%s: cannot %s: %s; %s is as it was", host, line + 7,
			       ssh_child_last_line(words, "no reason given"), put->path);
	return err_set(e, ERR_REMOTE, "%s: the file was not put: %s", host, line);
}

static int put_once(struct put *put, const char *verb, int attempt, enum put_end *end, struct err *e)
{
	struct buf line = {0}, words = {0};
	int result = talk(put, verb, attempt, &line, &words, e);

	if (result == 0)
		result = judge(put, buf_text(&line), &words, end, e);
	buf_done(&line);
	buf_done(&words);
	return result;
}

static void set_result(struct put *put, bool changed)
{
	struct json *result = json_new_object();
	char mode[16];

	json_set_int(result, "exit", 0);
	/* That of a secret would let anybody who reads the journal try values. */
	if (!put->is_secret)
		json_set_text(result, "sha256", buf_text(&put->sha));
	json_set_int(result, "bytes", put->size);
	json_set_bool(result, "changed", changed);
	snprintf(mode, sizeof(mode), "0%s", put->mode);
	json_set_text(result, "mode", mode);
	call_set_result(put->call, result);
}

/* Cancelled on the way: was it in time? 0 = no, it is done. */
static int after_cancel(struct put *put, enum put_end *end, struct err *e)
{
	struct err look;

	call_cancel_seen(put->call, CANCEL_GRACE);
	if (put_once(put, "bb_look", put->attempt, end, &look) < 0 && look.kind == ERR_IO) {
		transport_drop(put->call);
		if (put_once(put, "bb_look", put->attempt, end, &look) < 0)
			return err_set(e, ERR_TIMEOUT, "canceled, and what became of the file is not known: %s", look.text);
	}
	if (*end == PUT_SAME)
		return 0;
	return err_set(e, ERR_CANCELED, "canceled; %s is as it was", put->path);
}

/* Its shell was ended: what became of the attempt? The connection is there, so it is looked at once. 0 = it is done. */
static int after_cut(struct put *put, enum put_end *end, struct err *e)
{
	struct err look;

	if (put_once(put, "bb_look", put->attempt, end, &look) < 0)
		return err_set(e, ERR_TIMEOUT, "%s: its shell was ended on the way, and what became of %s is not known: %s",
			       link_name(put->call), put->path, look.text);
	if (*end == PUT_SAME)
		return 0;
	return err_set(e, ERR_REMOTE, "%s: its shell was ended on the way; %s is as it was", link_name(put->call), put->path);
}

/* Connects again and looks, until that has an answer. 0, or -1. */
static int look_again(struct put *put, enum put_end *end, struct err *e)
{
	do {
		char why[sizeof(e->text)];

		memcpy(why, e->text, sizeof(why));
		if (link_again(put->call, why, 0, e) < 0)
			return -1;
	} while (put_once(put, "bb_look", put->attempt, end, e) < 0 && e->kind == ERR_IO);
	return *end == PUT_OTHER || *end == PUT_SAME ? 0 : -1;
}

/* The connection was lost: what became of the attempt? 0 = *end says it. Whatever keeps us from looking (a log-in that is refused now, a cancel): it is not known. */
static int after_loss(struct put *put, enum put_end *end, struct err *e)
{
	if (look_again(put, end, e) == 0)
		return 0;
	e->kind = ERR_TIMEOUT;
	return err_wrap(e, "what became of %s on %s is not known", put->path, link_name(put->call));
}

static int put_all(struct put *put, struct err *e)
{
	enum put_end end = PUT_DONE;

	for (;; put->attempt++) {
		bool reached = link_of(put->call)->transport != NULL || transport_get(put->call, e) != NULL;

		if (!reached)
			return -1;
		if (put_once(put, "bb_put", put->attempt, &end, e) == 0)
			break;
		if (e->kind == ERR_CANCELED)
			return after_cancel(put, &end, e) < 0 ? -1 : (set_result(put, true), 0);
		if (put->cut)
			return after_cut(put, &end, e) < 0 ? -1 : (set_result(put, true), 0);
		if (e->kind != ERR_IO)
			return -1;
		end = PUT_DONE;
		if (after_loss(put, &end, e) < 0)
			return -1;
		if (end == PUT_SAME) {
			end = PUT_DONE;
			break;
		}
	}
	set_result(put, end == PUT_DONE);
	return 0;
}

static int put_start(struct call *call, struct err *e)
{
	struct put put;
	int result = put_init(&put, call, e);

	if (result == 0)
		result = put_all(&put, e);
	put_done(&put);
	return result;
}

static int put_settle(struct call *call, enum action_settled *how, struct err *e)
{
	enum put_end end = PUT_DONE;
	struct put put;
	int result = put_init(&put, call, e);

	if (result == 0)
		result = put_once(&put, "bb_look", 0, &end, e);
	if (result < 0 && e->kind == ERR_IO && link_of(call)->transport)
		result = after_loss(&put, &end, e);
	if (result == 0 && end == PUT_SAME) {
		*how = SETTLED_FINISHED;
		call_set_seen(call, "the file is as it should be");
		call_settled(call, SETTLED_FINISHED);
		set_result(&put, true);
	} else if (result == 0) {
		*how = SETTLED_NEVER;
		call_set_generation(call, call_generation(call) + 1);
		call_set_seen(call, "the file is as it was, and what was on its way cannot come any more");
	}
	put_done(&put);
	return result;
}

const struct action action_ssh_put = {
	.name = "ssh.put", .target = TARGET_HOST, .effect = EFFECT_CHANGE, .params = put_params, .gives = put_gives,
	.group = &exact_files, .shown = exact_show_file, .exact = exact_file, .start = put_start, .settle = put_settle,
	.help = "put a file in place on a host, whole or not at all",
	.about = "It takes either `content` or `file`",
};
