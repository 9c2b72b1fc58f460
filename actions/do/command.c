/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What runs on the host is one shell text. Everything in it can be seen there
 * with ps, so secrets are no part of it: they come as lines on stdin, first the
 * password for sudo, then one line per value ("=" and the value, newlines and
 * backslashes written for printf %b), which the text reads into variables.
 */
#define _GNU_SOURCE
#include "actions/do/command.h"

#include <signal.h>
#include <string.h>

#include "actions/worker/call_int.h"
#include "actions/transport/link.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

static const char reader[] =
	"bb_get() { IFS= read -r bb_v || bb_not 'its input was cut short'; bb_v=${bb_v#=}; "
	"case $bb_v in *\\\\*) bb_v=$(printf '%b.' \"$bb_v\"); bb_v=${bb_v%.};; esac; }\n";

void command_done(struct command *command)
{
	if (command->feed.data)
		explicit_bzero(command->feed.data, command->feed.cap);
	buf_done(&command->feed);
	buf_done(&command->script);
	sudo_done(&command->sudo);
}

int command_prepare(struct call *call, struct command *command, bool may_ask, struct err *e)
{
	return sudo_prepare(call, may_ask, &command->sudo, e);
}

/* ---- what was not run ---- */

/* "bellbook:NONCE:": no command prints it by chance, and a session that resumes knows it too. */
static void put_mark(const struct call *call, struct buf *out)
{
	unsigned char digest[SHA256_LEN];
	char *seed = mem_printf("not run %s", call_job(call));

	sha256_of(seed, strlen(seed), digest);
	buf_puts(out, "bellbook:");
	str_hex(out, digest, 8);
	buf_putc(out, ':');
	mem_free(seed);
}

/* bb_not WORDS: ends a script that cannot run what it is for. */
static void put_not(const struct call *call, struct buf *out)
{
	buf_puts(out, "bb_not() { printf '%s not run: %s\\n' ");
	put_mark(call, out);
	buf_printf(out, " \"$1\" >&2; exit %d; }\n", COMMAND_NOT_RUN);
}

bool command_was_not_run(struct call *call, const struct buf *text, struct err *e)
{
	struct buf mark = {0};
	const char *at;

	put_mark(call, &mark);
	at = text->len ? memmem(text->data, text->len, mark.data, mark.len) : NULL;
	if (at) {
		size_t left = text->len - (size_t)(at - text->data);
		const char *end = memchr(at, '\n', left);
		char *line;

		at += mark.len;
		line = mem_dup(at, end ? (size_t)(end - at) : left - mark.len);
		err_set(e, ERR_USAGE, "%s: it was%s", link_name(call), line);
		mem_free(line);
		(void)call_not_run(call);
		/* Rights may have changed: the next try looks anew. */
		sudo_forget(call);
	}
	buf_done(&mark);
	return at != NULL;
}

/* ---- what is run ---- */

static bool is_name(const char *name)
{
	static const char allowed[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	return *name && strspn(name, allowed) == strlen(name) && !strchr("0123456789", *name);
}

/* Room in feed without leaving a copy of it behind in freed memory. */
static void feed_room(struct buf *feed, size_t extra)
{
	struct buf larger = {0};

	if (feed->cap - feed->len > extra)
		return;
	buf_room(&larger, (feed->len + extra) * 2);
	buf_append(&larger, buf_text(feed), feed->len);
	if (feed->data)
		explicit_bzero(feed->data, feed->cap);
	buf_done(feed);
	*feed = larger;
}

/* One value as a line of the feed. */
static int feed_value(struct command *command, const char *what, const char *bytes, size_t len, struct err *e)
{
	if (memchr(bytes, '\0', len))
		return err_set(e, ERR_USAGE, "%s holds a NUL byte, which a shell cannot pass on", what);
	feed_room(&command->feed, len * 5 + 2);
	buf_putc(&command->feed, '=');
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			buf_puts(&command->feed, "\\0012");
		else if (bytes[i] == '\\')
			buf_puts(&command->feed, "\\\\");
		else
			buf_putc(&command->feed, bytes[i]);
	}
	buf_putc(&command->feed, '\n');
	return 0;
}

static int add_env(struct call *call, struct command *command, struct buf *script, struct err *e)
{
	const struct json *env = json_at(call_args(call), "env");
	struct json *value;
	const char *name;
	void *it = NULL;

	while ((name = json_next(env, &it, &value))) {
		const char *bytes;
		size_t len;

		if (!is_name(name))
			return err_set(e, ERR_USAGE, "env: \"%s\" is no name of a variable", name);
		bytes = call_reveal(call, value, &len, e);
		if (!bytes)
			return err_wrap(e, "env %s", name);
		if (json_as_text(value)) {
			buf_printf(script, "export %s=", name);
			str_shell_quote(script, bytes);
			buf_putc(script, '\n');
			continue;
		}
		if (feed_value(command, name, bytes, len, e) < 0)
			return -1;
		buf_printf(script, "bb_get; export %s=\"$bb_v\"\n", name);
	}
	return 0;
}

/*
 * script runs $SHELL, the account's own shell: that would read its start files
 * (bash does under sshd, zsh does always), may read no sh at all, or be one
 * that runs nothing. The command sees the variable as it was.
 */
static void add_pty(struct buf *script, const char *text)
{
	struct buf command = {0};

	buf_printf(&command, "SHELL=${BB_SHELL:-/bin/sh}; unset BB_SHELL; %s", text);
	buf_puts(script, "BB_SHELL=$SHELL SHELL=/bin/sh script -qefc ");
	str_shell_quote(script, buf_text(&command));
	buf_puts(script, " /dev/null\n");
	buf_done(&command);
}

/* What runs at last; text: the command, as sh reads it. It needs no sh of its own: the script's does nothing else. */
static void add_run(struct buf *script, const char *text, bool pty, bool piped)
{
	if (pty) {
		add_pty(script, text);
		return;
	}
	if (piped) {
		buf_puts(script, "printf '%s' \"$bb_v\" | sh -c ");
		str_shell_quote(script, text);
	} else {
		buf_puts(script, text);
	}
	buf_putc(script, '\n');
}

/* The lines that read the stdin data, and the data. */
static int add_stdin(struct call *call, struct command *command, struct buf *script, bool *piped, struct err *e)
{
	const struct json *data = json_at(call_args(call), "stdin");
	const char *bytes;
	size_t len;

	*piped = data != NULL;
	if (!data)
		return 0;
	bytes = call_reveal(call, data, &len, e);
	if (!bytes)
		return err_wrap(e, "stdin");
	if (len > LIMIT_STDIN)
		return err_set(e, ERR_USAGE, "stdin of %zu bytes: at most 1 MiB goes with a command; send it as a file", len);
	if (feed_value(command, "stdin", bytes, len, e) < 0)
		return -1;
	buf_puts(script, "bb_get\n");
	return 0;
}

/* The script as the user that runs it sees it. */
static int add_inner(struct call *call, struct command *command, struct buf *script, struct err *e)
{
	const struct json *args = call_args(call);
	const char *cwd = json_text(args, "cwd", NULL);
	struct buf text = {0}, words = {0};
	bool piped;
	int result = -1;

	if (add_env(call, command, script, e) == 0 && add_stdin(call, command, script, &piped, e) == 0 &&
	    action_command(args, &text, e) == 0) {
		if (cwd) {
			buf_puts(script, "cd -- ");
			str_shell_quote(script, cwd);
			buf_printf(&words, "the folder %s is not there, or not for this user", cwd);
			buf_puts(script, " || bb_not ");
			str_shell_quote(script, buf_text(&words));
			buf_putc(script, '\n');
		}
		add_run(script, buf_text(&text), json_bool(args, "pty", false), piped);
		result = 0;
	}
	buf_done(&text);
	buf_done(&words);
	return result;
}

/* The password as the first line of the feed, before the values. */
static int feed_password(struct command *command, const char *bytes, size_t len, struct err *e)
{
	struct buf values = command->feed;

	if (memchr(bytes, '\n', len) || memchr(bytes, '\0', len))
		return err_set(e, ERR_USAGE, "sudo_password: a password is one line");
	buf_init(&command->feed);
	feed_room(&command->feed, len + values.len + 32);
	buf_append(&command->feed, bytes, len);
	/* sudo reads byte by byte, and not at all when it needs no password: the script skips to this line. */
	buf_puts(&command->feed, "\nbellbook:feed\n");
	buf_append(&command->feed, values.data, values.len);
	if (values.data)
		explicit_bzero(values.data, values.cap);
	buf_done(&values);
	command->fed = true;
	return 0;
}

/*
 * sudo -S takes the next lines of its stdin for further tries when a password
 * is wrong, so that values and stdin of the command would be eaten, and up to
 * three failures be counted. So the same command is asked for twice. The first
 * time stdin ends behind the password: one try; a script that gets to run finds
 * no feed behind the password and ends with 124. Only then is the password
 * given with the feed behind it. -k: the password counts for that command
 * alone; no ticket is used and none is left, so nothing depends on what else
 * this user does with sudo meanwhile.
 */
static const char asker[] =
	"IFS= read -r bb_p || bb_not 'its input was cut short'\n"
	"bb_w=$(printf '%s\n' \"$bb_p\" | LC_ALL=C sudo -S -k -p '' -H -u \"$bb_u\" -- sh -c \"$bb_s\" 2>&1 >/dev/null)\n"
	"bb_r=$?\n"
	"[ $bb_r = 124 ] || {\n"
	"	[ $bb_r != 123 ] || bb_not \"$bb_noexec\"\n"
	"	printf '%s\n' \"$bb_w\" >&2\n"
	"	case $bb_w in\n"
	"	*'incorrect password'* | *'no password was provided'*) bb_not \"sudo refused the password for $bb_u; it was asked once\" ;;\n"
	"	*) bb_not \"sudo refused to run this as $bb_u\" ;;\n"
	"	esac\n"
	"}\n"
	"{ printf '%s\n' \"$bb_p\"; cat; } | sudo -S -k -p '' -H -u \"$bb_u\" -- sh -c \"$bb_s\"\n";

static int as_with_password(struct call *call, struct command *command, const char *script, struct err *e)
{
	const struct json *given = json_at(call_args(call), "sudo_password");
	const char *password = command->sudo.password;
	size_t len = password ? strlen(password) : 0;
	struct buf inner = {0};

	if (given)
		password = call_reveal(call, given, &len, e);
	if (!password)
		return err_wrap(e, "sudo_password");
	if (feed_password(command, password, len, e) < 0)
		return -1;
	buf_puts(&inner, "bb_v=\nwhile IFS= read -r bb_v && [ \"$bb_v\" != bellbook:feed ]; do :; done\n"
			 "[ \"$bb_v\" = bellbook:feed ] || { " SUDO_TRY "; }\n");
	buf_puts(&inner, script);
	buf_puts(&command->script, "bb_s=");
	str_shell_quote(&command->script, buf_text(&inner));
	buf_putc(&command->script, '\n');
	buf_puts(&command->script, asker);
	buf_done(&inner);
	return 0;
}

/*
 * sudo ends with 1 when it refuses, as many a command does, and su with 126 or 127, too. So what runs says
 * first that it runs: it writes into its stdin, which is the end of a pipe that
 * only it has, and goes on with an empty one. A sudo that stands between (one
 * that logs what is typed) lets nothing through: whether it does is asked of it
 * when it matters.
 */
static const char teller[] =
	"bb_try() { bb_become sh -c \"$1\" 0>&1 1>&3 3>&-; printf ' %s' \"$?\"; }\n"
	"exec 3>&1\n"
	"bb_r=$(bb_try \"printf r >&0 2>/dev/null; exec </dev/null; $bb_s\")\n"
	"case $bb_r in\n"
	"' 0') ;;\n"
	"' '*) bb_w=$(bb_try 'printf r >&0 2>/dev/null; exit 124' 2>/dev/null)\n"
	"	[ \"$bb_w\" = ' 124' ] || bb_not \"sudo refused to run this as $bb_u\" ;;\n"
	"esac\n"
	"exit \"${bb_r##* }\"\n";

/* With a feed stdin is taken: it is asked for twice. */
static const char feeder[] =
	"bb_become sh -c 'exit 124' </dev/null\n"
	"[ $? = 124 ] || bb_not \"sudo refused to run this as $bb_u\"\n"
	"bb_become sh -c \"$bb_s\"\n";

static void as_without_password(struct command *command, const char *script)
{
	struct buf *out = &command->script;

	if (command->sudo.way == SUDO_SU)
		buf_puts(out, "bb_become() { shift 2; su -s /bin/sh -c \"$1\" -- \"$bb_u\"; }\n");
	else
		buf_puts(out, "bb_become() { sudo -n -H -u \"$bb_u\" -- \"$@\"; }\n");
	buf_puts(out, "bb_s=");
	str_shell_quote(out, script);
	buf_putc(out, '\n');
	buf_puts(out, command->fed || command->streams ? feeder : teller);
}

int command_as(struct call *call, struct command *command, const char *script, struct err *e)
{
	struct buf *out = &command->script;

	if (command->sudo.way == SUDO_DIRECT) {
		buf_puts(out, script);
		return 0;
	}
	put_not(call, out);
	buf_puts(out, "bb_noexec='sudo there starts the shell and lets it start no program (noexec in its sudoers)'\nbb_u=");
	str_shell_quote(out, json_text(call_args(call), "as", "root"));
	buf_putc(out, '\n');
	if (json_at(call_args(call), "sudo_password") || command->sudo.way == SUDO_PASSWORD)
		return as_with_password(call, command, script, e);
	as_without_password(command, script);
	return 0;
}

int command_build(struct call *call, struct command *command, struct err *e)
{
	struct buf inner = {0};
	struct buf body = {0};
	int result = add_inner(call, command, &body, e);

	if (result == 0) {
		command->fed = command->feed.len > 0;
		if (command->fed || json_at(call_args(call), "cwd"))
			put_not(call, &inner);
		if (command->fed)
			buf_puts(&inner, reader);
		buf_append(&inner, body.data, body.len);
		if (json_at(call_args(call), "as"))
			result = command_as(call, command, buf_text(&inner), e);
		else
			buf_append(&command->script, inner.data, inner.len);
	}
	buf_done(&body);
	buf_done(&inner);
	if (result == 0 && command->script.len > LIMIT_SCRIPT)
		return err_set(e, ERR_USAGE, "a command of %zu bytes: at most %zu can be run; send it as a file",
			       command->script.len, LIMIT_SCRIPT);
	return result;
}

/* Those that end a process and that no ordinary exit status is likely to mean. */
static const struct {
	int signo;
	const char *name;
} signals[] = {
	{ SIGHUP, "HUP" }, { SIGINT, "INT" }, { SIGQUIT, "QUIT" }, { SIGILL, "ILL" },
	{ SIGTRAP, "TRAP" }, { SIGABRT, "ABRT" }, { SIGBUS, "BUS" }, { SIGFPE, "FPE" },
	{ SIGKILL, "KILL" }, { SIGUSR1, "USR1" }, { SIGSEGV, "SEGV" }, { SIGUSR2, "USR2" },
	{ SIGPIPE, "PIPE" }, { SIGALRM, "ALRM" }, { SIGTERM, "TERM" }, { SIGXCPU, "XCPU" },
	{ SIGXFSZ, "XFSZ" }, { SIGSYS, "SYS" },
};

static const char *signal_of(int status)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (status == 128 + signals[i].signo)
			return signals[i].name;
	}
	return NULL;
}

int command_status(int code, const char *name)
{
	for (size_t i = 0; *name && i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (str_is(name, signals[i].name))
			return 128 + signals[i].signo;
	}
	return code;
}

struct json *command_result(int status)
{
	struct json *result = json_new_object();
	const char *name = signal_of(status);

	json_set_int(result, "exit", name ? -1 : status);
	json_set_text(result, "signal", name);
	return result;
}
