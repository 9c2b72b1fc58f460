/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before the first command as another user a host is asked, over its
 * persistent shell, what sudo makes of it. Only so is a refusal known as one:
 * the status of sudo is also that of the command.
 *
 * Whoever drives is asked for the password once for each log-in name: it is
 * tried on the other hosts where that name's sudo asks, since most people have
 * one. A host that does not take it gets a question, and a memory, of its own.
 * It reaches the session through call_ask, which registers it as a secret
 * before it comes here; it is kept in locked memory of this process alone.
 */
#define _GNU_SOURCE
#include "actions/transport/sudo.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "actions/worker/call_int.h"
#include "actions/transport/link.h"
#include "actions/transport/shell.h"
#include "actions/ssh/ssh_config.h"
#include "actions/do/ssh_file.h"
#include "actions/ssh/ssh_memory.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define TRIES 3
#define MARK "bellbook:sudo"
#define WORDS_MAX 200

struct sudo_known {
	char *user;		/* owned */
	enum sudo_way way;
	struct sudo_known *next;
};

/* One search for a password. */
struct asking {
	struct call *call;
	const char *user;	/* to become */
	char *login;		/* owned; who we are there */
	char *shared, *own;	/* owned; keys in ssh_memory: of the name, and of the name on this host */
};

#define NOEXEC "sudo there starts the shell and lets it start no program (noexec in its sudoers)"

/* As root no sudo is needed, and where there is one, its rules and its environment count first. A refusal without a word is one, too. */
static const char probe[] =
	"if command -v sudo >/dev/null 2>&1; then\n"
	"	bb_w=$(LC_ALL=C sudo -n -H -u \"$bb_u\" -- sh -c '" SUDO_TRY "' 2>&1 </dev/null)\n"
	"	case $? in 124) bb_w= ;; 123) bb_w='" NOEXEC "' ;; *) bb_w=\"${bb_w:- }\" ;; esac\n"
	"else\n"
	"	bb_w='sudo: not found'\n"
	"fi\n"
	"if [ -z \"$bb_w\" ]; then echo '" MARK " plain'\n"
	"elif [ \"$(id -u)\" != 0 ]; then printf '%s\\n' '" MARK " refused' \"$bb_w\"\n"
	"elif ! bb_i=$(id -u -- \"$bb_u\" 2>/dev/null); then printf '%s\\n' '" MARK " refused' \"unknown user $bb_u\"\n"
	"elif [ \"$bb_i\" = 0 ]; then echo '" MARK " direct'\n"
	"else echo '" MARK " su'\n"
	"fi\n";

/* One try, without a ticket used or left; the password is the first line of stdin. */
static const char trial[] =
	"IFS= read -r bb_p || exit 125\n"
	"bb_w=$(printf '%s\\n' \"$bb_p\" | LC_ALL=C sudo -S -k -p '' -H -u \"$bb_u\" -- sh -c '" SUDO_TRY "' 2>&1 >/dev/null)\n"
	"case $? in\n"
	"124) echo '" MARK " taken' ;;\n"
	"123) printf '%s\\n' '" MARK " refused' '" NOEXEC "' ;;\n"
	"*) printf '%s\\n' '" MARK " refused' \"$bb_w\" ;;\n"
	"esac\n";

void sudo_done(struct sudo *sudo)
{
	ssh_memory_wipe(sudo->password);
	sudo->password = NULL;
}

void sudo_known_free(struct sudo_known *known)
{
	while (known) {
		struct sudo_known *next = known->next;

		mem_free(known->user);
		mem_free(known);
		known = next;
	}
}

void sudo_forget(struct call *call)
{
	struct link *link = link_of(call);

	sudo_known_free(link->sudo);
	link->sudo = NULL;
}

static const struct sudo_known *find_known(struct call *call, const char *user)
{
	const struct sudo_known *known = link_of(call)->sudo;

	while (known && !str_is(known->user, user))
		known = known->next;
	return known;
}

static void learn(struct call *call, const char *user, enum sudo_way way)
{
	struct link *link = link_of(call);
	struct sudo_known *known = mem_alloc(sizeof(*known));

	known->user = mem_strdup(user);
	known->way = way;
	known->next = link->sudo;
	link->sudo = known;
}

/* The first line of sudo's that says why; the rest is noise around it. Appends. */
static void reason_of(const char *words, struct buf *out)
{
	static const char *const noise[] = { "unable to resolve host", "error initializing audit plugin", "no password was provided", NULL };
	const char *at = words;

	while (*at) {
		size_t len = strcspn(at, "\n");
		char *line = mem_dup(at, len < WORDS_MAX ? len : WORDS_MAX);
		bool fine = strspn(line, " \t\r") < strlen(line);

		for (const char *const *text = noise; *text; text++)
			fine = fine && !strstr(line, *text);
		if (fine)
			buf_puts(out, line);
		mem_free(line);
		if (fine)
			return;
		at += len + (at[len] == '\n');
	}
	buf_puts(out, "it gave no reason");
}

static bool has_any(const char *words, const char *const *texts)
{
	for (; *texts; texts++) {
		if (strstr(words, *texts))
			return true;
	}
	return false;
}

static bool wants_password(const char *words)
{
	static const char *const texts[] = {
		"a password is required", "a terminal is required to read the password", "no askpass program",
		"authentication is required", NULL,
	};

	return has_any(words, texts);
}

static bool is_wrong_password(const char *words)
{
	static const char *const texts[] = { "incorrect password", "incorrect authentication", "no password was provided", "try again", NULL };

	return has_any(words, texts);
}

/* What the person who reads it can do. */
static const char *advice(const char *words)
{
	if (strstr(words, "must have a tty"))
		return " (requiretty in its sudoers; an exception for this log-in helps)";
	if (strstr(words, "noexec"))
		return "; EXEC: before what this log-in may run helps";
	if (strstr(words, "unknown user") || strstr(words, "does not exist"))
		return " (there is no such account on that host)";
	if (strstr(words, "sudo: not found"))
		return " (install sudo there, or log in as that user)";
	return "";
}

static int refuse(struct call *call, const char *user, const char *words, struct err *e)
{
	struct buf reason = {0};

	reason_of(words, &reason);
	err_set(e, ERR_USAGE, "%s: it was not run as %s: %s%s", link_name(call), user, buf_text(&reason), advice(words));
	buf_done(&reason);
	return call_not_run(call);
}

/* What one of our scripts said: the word behind the mark, and what follows. */
struct said {
	struct buf word, words;
};

static void said_done(struct said *said)
{
	buf_done(&said->word);
	buf_done(&said->words);
}

/* Runs one of our scripts for that user. */
static int ask_host(struct call *call, const char *user, const char *script, const struct buf *feed, struct said *said,
		    struct err *e)
{
	struct buf text = {0}, out = {0}, errout = {0};
	struct run *run;
	int result = -1;

	buf_puts(&text, "bb_u=");
	str_shell_quote(&text, user);
	buf_putc(&text, '\n');
	buf_puts(&text, script);
	run = run_framed(call, buf_text(&text), feed, e);
	if (run)
		result = run_finish(run, call, &out, &errout, e);
	run_close(run, call);
	if (result == 0 && ssh_file_line(&out, MARK, &said->word))
		buf_puts(&said->words, strchr(buf_text(&out), '\n') ? strchr(buf_text(&out), '\n') + 1 : "");
	else if (result == 0)
		result = err_set(e, ERR_IO, "%s answers nonsense", link_name(call));
	buf_done(&text);
	buf_done(&out);
	buf_done(&errout);
	return result;
}

/* The way without a password into *way. 0, 1 = sudo wants one, -1. */
static int find_way(struct call *call, const char *user, enum sudo_way *way, struct err *e)
{
	struct said said = { .word = {0} };
	int result = ask_host(call, user, probe, NULL, &said, e);

	if (result < 0)
		;
	else if (str_is(buf_text(&said.word), "plain"))
		*way = SUDO_PLAIN;
	else if (str_is(buf_text(&said.word), "direct"))
		*way = SUDO_DIRECT;
	else if (str_is(buf_text(&said.word), "su"))
		*way = SUDO_SU;
	else if (wants_password(buf_text(&said.words)))
		result = 1;
	else
		result = refuse(call, user, buf_text(&said.words), e);
	said_done(&said);
	return result;
}

/* 1 = sudo takes it, 0 = it is wrong, -1. */
static int try_password(const struct asking *asking, const char *password, struct err *e)
{
	struct said said = { .word = {0} };
	struct buf feed = {0};
	int result = -1;

	buf_room(&feed, strlen(password) + 2);
	buf_puts(&feed, password);
	buf_putc(&feed, '\n');
	if (ask_host(asking->call, asking->user, trial, &feed, &said, e) == 0) {
		if (str_is(buf_text(&said.word), "taken"))
			result = 1;
		else if (is_wrong_password(buf_text(&said.words)))
			result = 0;
		else
			result = refuse(asking->call, asking->user, buf_text(&said.words), e);
	}
	explicit_bzero(feed.data, feed.cap);
	buf_done(&feed);
	said_done(&said);
	return result;
}

static int ask_person(const struct asking *asking, bool wrong, char **answer, struct err *e)
{
	const char *host = link_name(asking->call);
	char *text = mem_printf("%ssudo on %s asks %s for a password, to run commands as %s:",
				wrong ? "That was not it. " : "", host, asking->login, asking->user);
	int result = call_ask(asking->call, "secret", text,
			      "It is kept in the memory of this session alone, and given to sudo on every host that asks this "
			      "log-in for one. It is never stored; after a resume it is asked for again.", answer, e);

	mem_free(text);
	if (result < 0 || **answer)
		return result;
	err_set(e, ERR_USAGE, "%s: it was not run as %s: sudo wants a password, and none was given", host, asking->user);
	return call_not_run(asking->call);
}

/* Asks until sudo takes it. 0 with *password (the caller's), or -1. */
static int ask_until_right(const struct asking *asking, bool wrong, char **password, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		int result = ask_person(asking, wrong, password, e);

		if (result == 0)
			result = try_password(asking, *password, e);
		if (result == 1)
			return 0;
		ssh_memory_wipe(*password);
		*password = NULL;
		if (result < 0)
			return -1;
		wrong = true;
	}
	err_set(e, ERR_USAGE, "%s: it was not run as %s: sudo there refused the password of %s %d times",
		link_name(asking->call), asking->user, asking->login, TRIES);
	return call_not_run(asking->call);
}

/* A password that worked before: on this host, else on another. 1 = *password is right (the caller's), 0 = none is, -1. */
static int remembered(const struct asking *asking, char **password, bool *refused, struct err *e)
{
	const char *const keys[] = { asking->own, asking->shared };
	int result = 0;

	*refused = false;
	for (size_t i = 0; i < 2 && result == 0; i++) {
		*password = ssh_memory_get(keys[i]);
		if (!*password)
			continue;
		result = try_password(asking, *password, e);
		if (result == 1)
			break;
		*refused = true;
		ssh_memory_wipe(*password);
		*password = NULL;
		/* What another host took may still be right there. */
		if (i == 0 && result == 0)
			ssh_memory_set(asking->own, NULL);
	}
	return result;
}

/* Our turn is taken. */
static int find_password(const struct asking *asking, bool may_ask, char **password, struct err *e)
{
	char *shared;
	bool refused;
	int result = remembered(asking, password, &refused, e);

	if (result != 0)
		return result < 0 ? -1 : 0;
	if (!may_ask)
		return err_set(e, ERR_USAGE, "%s: sudo wants a password", link_name(asking->call));
	if (ask_until_right(asking, refused, password, e) < 0)
		return -1;
	shared = ssh_memory_get(asking->shared);
	ssh_memory_set(asking->own, *password);
	if (!shared)
		ssh_memory_set(asking->shared, *password);
	ssh_memory_wipe(shared);
	return 0;
}

/* Who we are on the host, as we know it: a host's word could ask for the password of another. Caller owns; NULL. */
static char *login_name(struct call *call, struct err *e)
{
	struct passwd entry, *found = NULL;
	struct ssh_config *config;
	char room[1024];
	char *name = NULL;

	if (!*call_host(call)) {
		if (getpwuid_r(geteuid(), &entry, room, sizeof(room), &found) == 0 && found)
			return mem_strdup(entry.pw_name);
		return mem_printf("uid %ld", (long)geteuid());
	}
	config = ssh_config_load(call, e);
	if (config)
		name = mem_strdup(ssh_config_user(config));
	ssh_config_free(config);
	return name;
}

static int get_password(struct call *call, const char *user, bool may_ask, char **password, struct err *e)
{
	struct asking asking = { .call = call, .user = user, .login = login_name(call, e) };
	int64_t began = time_mono_us();
	int result = -1;

	if (!asking.login)
		return -1;
	asking.shared = mem_printf("sudo %s", asking.login);
	asking.own = mem_printf("sudo %s on %s", asking.login, call_host(call));
	/* One asks, and the others find the answer. */
	if (ssh_memory_enter(call, asking.shared, e) == 0) {
		/* Another's question took that long. */
		if (call->deadline_us)
			call->deadline_us += time_mono_us() - began;
		result = find_password(&asking, may_ask, password, e);
		ssh_memory_leave(asking.shared);
	}
	mem_free(asking.login);
	mem_free(asking.shared);
	mem_free(asking.own);
	return result;
}

int sudo_prepare(struct call *call, bool may_ask, struct sudo *sudo, struct err *e)
{
	const struct json *args = call_args(call);
	const char *user = json_text(args, "as", NULL);
	const struct sudo_known *known;
	int result;

	*sudo = (struct sudo){ .way = SUDO_PLAIN };
	if (!user || json_at(args, "sudo_password"))
		return 0;
	if (!*user || *user == '-')
		return err_set(e, ERR_USAGE, "as: \"%s\" is no name of a user", user);
	known = find_known(call, user);
	if (known && known->way != SUDO_PASSWORD) {
		sudo->way = known->way;
		return 0;
	}
	result = known ? 1 : find_way(call, user, &sudo->way, e);
	if (result == 1) {
		sudo->way = SUDO_PASSWORD;
		result = get_password(call, user, may_ask, &sudo->password, e);
	}
	if (result == 0 && !known)
		learn(call, user, sudo->way);
	return result;
}
