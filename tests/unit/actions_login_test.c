/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a login prints around our commands is nobody's output: every channel, both ssh transports, several login shells. */
#define _GNU_SOURCE
#include "actions_sshd.h"

#define OUTSIDE "prints this at each log-in"
/* A login that wraps the command: SHELL is what runs it. */
#define AROUND "echo hello from the wrapper; echo no terminal here >&2\n" \
	"sh -c \"$SSH_ORIGINAL_COMMAND\"\n" \
	"echo good-bye; echo logout >&2\n"

/* True when the machine has that shell; CI has them all. */
static bool has_shell(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", name);
	if (access(path, X_OK) == 0)
		return true;
	assert_null(getenv("CI"));
	print_message("no %s on this machine\n", name);
	return false;
}

static int times_in(const struct buf *text, const char *what)
{
	int count = 0;

	for (const char *at = buf_text(text); (at = strstr(at, what)); at++)
		count++;
	return count;
}

/* Adds what was noted to notes. */
static struct told *good(struct told *told, struct buf *notes)
{
	if (!str_is(told->outcome, "ok"))
		fail_msg("%s: %s", told->outcome, told->error);
	buf_append(notes, told->notes.data, told->notes.len);
	return told;
}

/* A job long enough for a watch beside it, a read, a file there and back. */
static void use_host(struct fixture *f, const char *host, struct buf *notes)
{
	static int used;	/* a job's name is good for once */
	char args[400], job[40];
	struct told *told;

	for (int i = 0; i < 3; i++) {
		snprintf(job, sizeof(job), "job-%d", ++used);
		told = good(run_on(f, host, "ssh.run", job,
				   "{'cmd':'sleep 0.3; echo 0123456789; echo ERROR the disk is full >&2; exit 3'}"), notes);
		assert_string_equal(buf_text(&told->out), "0123456789\n");
		assert_string_equal(buf_text(&told->err), "ERROR the disk is full\n");
		assert_int_equal(told->exit, 3);
	}
	told = good(run_on(f, host, "ssh.read", "r", "{'cmd':'echo one; echo two >&2; exit 4'}"), notes);
	assert_string_equal(buf_text(&told->out), "one\n");
	assert_string_equal(buf_text(&told->err), "two\n");
	assert_int_equal(told->exit, 4);
	snprintf(job, sizeof(job), "job-%d", ++used);
	snprintf(args, sizeof(args), "{'path':'%s/%s.file','content':'12345678'}", home, job);
	good(run_on(f, host, "ssh.put", job, args), notes);
	snprintf(args, sizeof(args), "{'path':'%s/%s.file'}", home, job);
	assert_string_equal(buf_text(&good(run_on(f, host, "ssh.get", "g", args), notes)->out), "12345678");
}

/* Both transports, with home/login as the login; text is what it prints, which is noted once for each host. */
static void use_login(struct fixture *f, const char *login, const char *text)
{
	static const char *const hosts[] = { "login", "login-rsa" };
	struct buf notes = {0};

	write_text("login", login);
	for (int i = 0; i < 2; i++) {
		buf_clear(&notes);
		use_host(f, hosts[i], &notes);
		assert_int_equal(times_in(&notes, OUTSIDE), 1);
		assert_int_equal(times_in(&notes, text), 1);
	}
	buf_done(&notes);
}

static void login_text__of_a_wrapper_before_and_after_is_nobodys_output(void **state)
{
	use_login(*state, AROUND, "hello from the wrapper\n");
}

static void login_text__of_bashrc_is_nobodys_output(void **state)
{
	if (!has_shell("bash"))
		return;
	/* What bash itself would do as the login shell under sshd; the account's own may be one, too. */
	write_text(".bashrc", "[ -z \"$INNER\" ] || { echo motd of bash; echo stty: not a tty >&2; }\n");
	use_login(*state, "unset SHLVL\nexport INNER=1\nexec bash -c \"$SSH_ORIGINAL_COMMAND\"\n", "motd of bash\n");
	assert_int_equal(unlink(at_home(".bashrc")), 0);
}

static void login_text__of_fish_is_nobodys_output(void **state)
{
	if (!has_shell("fish"))
		return;
	(void)mkdir(at_home(".config"), 0700);
	(void)mkdir(at_home(".config/fish"), 0700);
	write_text(".config/fish/config.fish", "echo motd of fish; echo fish complains >&2\n");
	use_login(*state, "exec fish -c \"$SSH_ORIGINAL_COMMAND\"\n", "motd of fish\n");
}

static void login_text__of_zsh_is_nobodys_output(void **state)
{
	if (!has_shell("zsh"))
		return;
	write_text(".zshenv", "echo motd of zsh; echo zsh complains >&2\n");
	use_login(*state, "exec zsh -c \"$SSH_ORIGINAL_COMMAND\"\n", "motd of zsh\n");
}

static void login_text__of_tcsh_is_nobodys_output(void **state)
{
	if (!has_shell("tcsh"))
		return;
	write_text(".tcshrc", "echo motd of tcsh\n");
	use_login(*state, "exec tcsh -c \"$SSH_ORIGINAL_COMMAND\"\n", "motd of tcsh\n");
}

static void login_text__without_a_line_end_is_nobodys_output(void **state)
{
	use_login(*state, "printf no-end; printf nor-here >&2; exec sh -c \"$SSH_ORIGINAL_COMMAND\"\n", "no-end");
}

static void login_text__does_not_hide_what_a_quiet_login_runs(void **state)
{
	struct fixture *f = *state;
	struct buf notes = {0};

	write_text("login", "exec sh -c \"$SSH_ORIGINAL_COMMAND\"\n");
	use_host(f, "login", &notes);
	assert_string_equal(buf_text(&notes), "");
	buf_done(&notes);
}

static void login_text__is_left_out_when_a_job_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	write_text("login", AROUND);
	begin_on(f, 1, "login", "ssh.run", "again",
		 "{'cmd':'echo one; while [ ! -e $HOME/go-on ]; do sleep 0.05; done; echo two'}");
	UNTIL(f, f->told[1].out.len > 0);
	signal_sessions(SIGKILL);
	UNTIL(f, strstr(buf_text(&f->told[1].links), "back") != NULL);
	write_text("go-on", "");
	told = finish(f, 1);
	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->out), "one\ntwo\n");
	assert_string_equal(buf_text(&told->err), "");
	begin_as(f, 1, "ssh.run", "again", "{'cmd':'true'}",
		 (struct worker_call){ .host = "login", .settle = true });
	told = finish(f, 1);
	assert_string_equal(buf_text(&told->how), "finished ");
	assert_string_equal(buf_text(&told->out), "one\ntwo\n");
}

static void login_text__does_not_keep_a_job_from_being_stopped(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	write_text("login", AROUND);
	begin_on(f, 1, "login", "ssh.run", "stopped", "{'cmd':'echo one; exec sleep 60'}");
	UNTIL(f, f->told[1].out.len > 0);
	worker_cancel(f->worker, 1);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
	assert_string_equal(buf_text(&told->out), "one\n");
}

/*
 * Waits for what has this in its command line, and kills it with its ancestors, so many up: shells of ours, whose own
 * starter says good-bye then. From above: a shell whose child ends tells its end. And a child looks like the shell until
 * its exec: name a program that a shell has begun.
 */
static void kill_with_shells(const char *what, int up)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "while :; do p=$(pgrep -n -f \"%s\") || { sleep 0.02; continue; }; q=$p; "
		 "for n in $(seq %d); do p=$(ps -o ppid= -p $p) || continue 2; q=\"$p $q\"; done; break; done; "
		 "kill -9 $q", what, up);
	sshd_do((const char *const[]){ "sh", "-c", text, NULL });
}

/* A read whose shell is ended is repeated on a channel of its own; ended there too, its status would be the wrapper's. */
static void login_text__is_no_answer_of_a_read_whose_shell_is_ended(void **state)
{
	static const char *const hosts[] = { "login", "login-rsa" };
	struct fixture *f = *state;
	char args[80], sleeps[40];

	/* Others may run this test at the same time. */
	snprintf(args, sizeof(args), "{'cmd':'echo one; sleep 31.%d; exit 3'}", (int)getpid());
	snprintf(sleeps, sizeof(sleeps), "slee[p] 31.%d$", (int)getpid());
	write_text("login", AROUND);
	for (int i = 0; i < 2; i++) {
		struct told *told;

		begin_on(f, 1, hosts[i], "ssh.read", "r", args);
		UNTIL(f, f->told[1].out.len > 0);
		kill_with_shells(sleeps, 2);
		UNTIL(f, strstr(buf_text(&f->told[1].how), "again") && f->told[1].out.len > 0);
		kill_with_shells(sleeps, 2);
		told = finish(f, 1);
		assert_string_equal(told->outcome, "failed");
		assert_has(told->error, "was ended before it could tell how the command ended");
	}
}

static void login_text__between_the_live_output_of_a_job_is_not_told_as_its_own(void **state)
{
	static const char *const hosts[] = { "login", "login-rsa" };
	struct fixture *f = *state;
	char job[30], args[300], watch[60];
	struct told *told;

	write_text("login", AROUND);
	for (int i = 0; i < 2; i++) {
		snprintf(job, sizeof(job), "cut-%d-%d", i, getpid());
		snprintf(watch, sizeof(watch), "^tai[l] .* -f -- .*/%s[+]err$", job);
		snprintf(args, sizeof(args), "{'cmd':'echo one; while [ ! -e $HOME/go-%s ]; do sleep 0.05; done; echo two; echo bad >&2'}", job);
		begin_on(f, 1, hosts[i], "ssh.run", job, args);
		UNTIL(f, f->told[1].out.len > 0);
		kill_with_shells(watch, 2);
		UNTIL(f, times_in(&f->told[1].out, "good-bye") == 1);
		snprintf(args, sizeof(args), "go-%s", job);
		write_text(args, "");
		told = finish(f, 1);
		assert_string_equal(told->outcome, "ok");
		assert_string_equal(buf_text(&told->out), "one\ntwo\n");
		assert_string_equal(buf_text(&told->err), "bad\n");
	}
}

static void login__that_ends_before_the_command_is_told_in_its_words(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	write_text("login", "echo This account is currently not available.; exit 1\n");
	told = run_on(f, "login", "ssh.read", "r", "{'cmd':'true'}");
	assert_string_equal(told->outcome, "failed");
	assert_non_null(strstr(told->error, "This account is currently not available."));
}

/* Puts a program before that of the host: the shells of ours that run it are killed before or after it, as told. */
static void write_killer(const char *name, const char *text)
{
	char path[40];

	(void)mkdir(at_home("bin"), 0700);
	snprintf(path, sizeof(path), "bin/%s", name);
	write_text(path, text);
	assert_int_equal(chmod(at_home(path), 0700), 0);
}

#define KILL "p=$PPID; kill -9 $(ps -o ppid= -p $p) $p"
#define OUR_BIN "PATH=$HOME/bin:$PATH; export PATH\n"

static void put__whose_shell_is_killed_is_told_as_what_it_became(void **state)
{
	static const char *const hosts[] = { "login", "login-rsa" };
	char args[300], job[20], name[40];

	write_text("login", OUR_BIN AROUND);
	for (int i = 0; i < 4; i++) {
		bool late = i % 2;
		struct told *told;

		write_killer("mv", late ? "#!/bin/sh\n/bin/mv \"$@\"; " KILL "\n" : "#!/bin/sh\n" KILL "\n");
		snprintf(job, sizeof(job), "cut-put-%d", i);
		snprintf(name, sizeof(name), "cut-put-%d.file", i);
		snprintf(args, sizeof(args), "{'path':'%s/%s','content':'12345678'}", home, name);
		told = run_on(*state, hosts[i / 2], "ssh.put", job, args);
		assert_string_equal(told->outcome, late ? "ok" : "failed");
		assert_int_equal(exists(name), late);
		if (!late)
			assert_has(told->error, "its shell was ended on the way; ");
		if (!late)
			assert_has(told->error, ".file is as it was");
	}
	assert_int_equal(unlink(at_home("bin/mv")), 0);
}

static void get__whose_shell_is_killed_says_so(void **state)
{
	static const char *const hosts[] = { "login", "login-rsa" };
	char args[300];

	write_text("login", OUR_BIN AROUND);
	write_text("cut-get", "12345678");
	write_killer("cat", "#!/bin/sh\nhead -c 4; " KILL "\n");
	for (int i = 0; i < 2; i++) {
		struct told *told;

		snprintf(args, sizeof(args), "{'path':'%s/cut-get','to':'%s/cut-got'}", home, home);
		told = run_on(*state, hosts[i], "ssh.get", "g", args);
		assert_string_equal(told->outcome, "failed");
		assert_has(told->error, "cut-get: its shell was ended before all of it was read");
		assert_false(exists("cut-got"));
	}
	assert_int_equal(unlink(at_home("bin/cat")), 0);
}

/* ---- a login that reads what is meant for the shell ---- */

/* As use_host, but each of them as the first on a connection of its own. */
static void use_each_first(struct fixture *f, const char *host, int number)
{
	char args[300], job[20];
	struct told *told;

	told = run_on(f, host, "ssh.read", "r", "{'cmd':'cat; echo bad >&2; exit 4','stdin':'fed'}");
	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->out), "fed");
	assert_string_equal(buf_text(&told->err), "bad\n");
	assert_int_equal(told->exit, 4);
	signal_sessions(SIGKILL);
	snprintf(job, sizeof(job), "eaten-%d", number);
	snprintf(args, sizeof(args), "{'path':'%s/%s.file','content':'12345678'}", home, job);
	assert_string_equal(run_on(f, host, "ssh.put", job, args)->outcome, "ok");
	signal_sessions(SIGKILL);
	snprintf(args, sizeof(args), "{'path':'%s/%s.file'}", home, job);
	assert_string_equal(buf_text(&run_on(f, host, "ssh.get", "g", args)->out), "12345678");
	signal_sessions(SIGKILL);
	snprintf(job, sizeof(job), "eaten-job-%d", number);
	told = run_on(f, host, "ssh.run", job, "{'cmd':'sleep 0.3; echo one; exit 3'}");
	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->out), "one\n");
	assert_int_equal(told->exit, 3);
}

static void eaten__a_line_or_a_key_of_a_greeter_is_none_of_ours(void **state)
{
	static const char *const greeters[] = {
		"IFS= read -r line; ", "read one; read two; read three; ", "head -c 1 >/dev/null; ",
	};
	static const char *const hosts[] = { "login", "login-rsa" };
	char login[200];

	for (int i = 0; i < 6; i++) {
		snprintf(login, sizeof(login), "echo press a key; %s exec sh -c \"$SSH_ORIGINAL_COMMAND\"\n", greeters[i / 2]);
		write_text("login", login);
		use_each_first(*state, hosts[i % 2], i);
		signal_sessions(SIGKILL);
	}
}

/* Whatever a login reads, however much: what it leaves of the first text is no script. */
static void eaten__before_the_shell_has_begun_nothing_of_a_script_is_sent(void **state)
{
	static const char *const actions[][2] = {
		{ "ssh.read", "{'cmd':'touch $HOME/sent-early'}" }, { "ssh.run", "{'cmd':'touch $HOME/sent-early'}" },
		{ "ssh.put", "{'path':'/tmp/bellbook-never','content':'x'}" }, { "ssh.get", "{'path':'/etc/passwd'}" },
	};
	static const char *const hosts[] = { "login", "login-rsa" };
	struct fixture *f = *state;

	/* It keeps what comes until nothing more does, and ends then. */
	write_text("login", "while IFS= read -r line; do printf '%s\\n' \"$line\" >>\"$HOME/eaten\"; case $line in *printf*) break ;; esac; done\n"
			    "timeout 1 cat >>\"$HOME/eaten\"; echo not today\n");
	for (int i = 0; i < 8; i++) {
		struct told *told = run_on(f, hosts[i / 4], actions[i % 4][0], "eaten-all", actions[i % 4][1]);
		char *eaten = slurp(at_home("eaten"));

		assert_string_equal(told->outcome, "failed");
		assert_has(told->error, "runs no commands, so nothing was run; it says: not today");
		assert_true(told->not_run);
		assert_null(strstr(eaten, "bb_"));
		assert_null(strstr(eaten, "sent-early"));
		mem_free(eaten);
		assert_int_equal(unlink(at_home("eaten")), 0);
	}
}

/* ---- a command with a terminal ---- */

/* The terminal's program would have the account's own shell run the command, which reads its start files again. */
static void use_terminal(struct fixture *f, const char *login, const char *shell)
{
	static const char *const hosts[] = { "login", "login-rsa" };
	static int used;
	char job[20], wanted[80];

	write_text("login", login);
	snprintf(wanted, sizeof(wanted), "hi\r\n%s unset\r\n", shell);
	for (int i = 0; i < 2; i++) {
		struct told *told;

		snprintf(job, sizeof(job), "pty-%d", ++used);
		told = run_on(f, hosts[i], "ssh.run", job,
			      "{'cmd':'tty >/dev/null && echo hi; false; echo $SHELL ${BB_SHELL-unset}; exit 4','pty':true}");
		assert_string_equal(told->outcome, "ok");
		assert_string_equal(buf_text(&told->pty), wanted);
		assert_int_equal(told->exit, 4);
		told = run_on(f, hosts[i], "ssh.read", "r", "{'cmd':'echo $0 >&2; test -t 1','pty':true}");
		assert_string_equal(told->outcome, "ok");
		assert_non_null(strstr(buf_text(&told->pty), "sh\r\n"));
		assert_int_equal(told->exit, 0);
	}
}

static void pty__runs_no_start_files_of_bash(void **state)
{
	if (!has_shell("bash"))
		return;
	write_text(".bashrc", "set -ex\necho hello; seq 1000\ntrap 'echo TRAPPED; exit 9' EXIT; trap 'echo DBG' DEBUG\n");
	use_terminal(*state, "unset SHLVL\nexport SHELL=/bin/bash\nexec bash -c \"$SSH_ORIGINAL_COMMAND\"\n", "/bin/bash");
	assert_int_equal(unlink(at_home(".bashrc")), 0);
}

static void pty__runs_no_start_files_of_zsh(void **state)
{
	if (!has_shell("zsh"))
		return;
	write_text(".zshenv", "echo hello; TRAPEXIT() { echo TRAPPED }\n");
	use_terminal(*state, "export SHELL=/usr/bin/zsh\nexec zsh -c \"$SSH_ORIGINAL_COMMAND\"\n", "/usr/bin/zsh");
	assert_int_equal(unlink(at_home(".zshenv")), 0);
}

static void pty__command_is_a_text_for_sh_on_a_login_with_fish(void **state)
{
	if (has_shell("fish"))
		use_terminal(*state, "export SHELL=/usr/bin/fish\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n", "/usr/bin/fish");
}

static void pty__is_given_to_an_account_whose_shell_runs_nothing(void **state)
{
	use_terminal(*state, "export SHELL=/bin/false\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n", "/bin/false");
}

/* ---- a login that lets one stream through ---- */

/* Both transports; the note says in these words what the login does. */
static void use_one_stream(struct fixture *f, const char *login, const char *words)
{
	static const char *const hosts[] = { "login", "login-rsa" };
	struct buf notes = {0};

	write_text("login", login);
	for (int i = 0; i < 2; i++) {
		buf_clear(&notes);
		use_host(f, hosts[i], &notes);
		assert_int_equal(times_in(&notes, words), 1);
	}
	buf_done(&notes);
}

static void one_stream__errors_thrown_away_are_brought_all_the_same(void **state)
{
	use_one_stream(*state, "exec sh -c \"$SSH_ORIGINAL_COMMAND\" 2>/dev/null\n", "throws away what is printed on stderr");
}

static void one_stream__of_start_files_that_throw_stderr_away_is_enough(void **state)
{
	use_one_stream(*state, "exec 2>/dev/null\necho motd\nsh -c \"$SSH_ORIGINAL_COMMAND\"\necho good-bye\n", "motd\n");
}

static void one_stream__errors_in_the_output_are_told_apart(void **state)
{
	use_one_stream(*state, "exec sh -c \"$SSH_ORIGINAL_COMMAND\" 2>&1\n", "prints stderr on stdout");
}

static void one_stream__through_a_logging_wrapper_is_told_apart(void **state)
{
	use_one_stream(*state, "echo motd; sh -c \"$SSH_ORIGINAL_COMMAND\" 2>&1 | tee -a \"$HOME/session.log\"\n",
		       "prints stderr on stdout");
}

/* What commands print, byte for byte; their status, and what they read. */
static void keep_bytes(struct fixture *f, const char *login)
{
	struct told *told;

	write_text("login", login);
	for (int n = 0; n < 2; n++) {
		told = run_on(f, "login", "ssh.read", "r",
			      "{'cmd':'cat; printf no-end; { echo two:; echo; } >&2; exit 77','stdin':'fed: '}");
		assert_string_equal(told->outcome, "ok");
		assert_string_equal(buf_text(&told->out), "fed: no-end");
		assert_string_equal(buf_text(&told->err), "two:\n\n");
		assert_int_equal(told->exit, 77);
	}
	told = run_on(f, "login", "ssh.read", "r", "{'cmd':'yes 0123456789abcde | head -c 3000000; yes error | head -c 600000 >&2'}");
	assert_int_equal(told->out.len, 3000000);
	assert_int_equal(told->err.len, 600000);
}

static void one_stream__without_stderr_changes_no_byte(void **state)
{
	keep_bytes(*state, "exec sh -c \"$SSH_ORIGINAL_COMMAND\" 2>/dev/null\n");
}

static void one_stream__for_both_changes_no_byte(void **state)
{
	keep_bytes(*state, "exec sh -c \"$SSH_ORIGINAL_COMMAND\" 2>&1\n");
}

static void one_stream__job_is_found_again_stopped_and_ends_live(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	write_text("login", "exec sh -c \"$SSH_ORIGINAL_COMMAND\" 2>/dev/null\n");
	begin_on(f, 1, "login", "ssh.run", "one-again",
		 "{'cmd':'echo one; echo bad >&2; while [ ! -e $HOME/one-go-on ]; do sleep 0.05; done; echo two; exit 5'}");
	/* Its output comes while it runs. */
	UNTIL(f, f->told[1].out.len > 0);
	signal_sessions(SIGKILL);
	UNTIL(f, strstr(buf_text(&f->told[1].links), "back") != NULL);
	write_text("one-go-on", "");
	told = finish(f, 1);
	unlink(at_home("one-go-on"));
	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->exit, 5);
	assert_string_equal(buf_text(&told->out), "one\ntwo\n");
	assert_string_equal(buf_text(&told->err), "bad\n");
	begin_on(f, 1, "login", "ssh.run", "one-stopped", "{'cmd':'echo one; exec sleep 60'}");
	UNTIL(f, f->told[1].out.len > 0);
	worker_cancel(f->worker, 1);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
	begin_on(f, 1, "login", "ssh.read", "r", "{'cmd':'echo one; exec sleep 60'}");
	UNTIL(f, f->told[1].out.len > 0);
	worker_cancel(f->worker, 1);
	assert_string_equal(finish(f, 1)->outcome, "canceled");
}

/* Nothing can be known there, so nothing is begun. */
static void one_stream__without_stdout_ends_in_words(void **state)
{
	static const char *const actions[][2] = {
		{ "ssh.read", "{'cmd':'touch $HOME/never'}" }, { "ssh.run", "{'cmd':'touch $HOME/never'}" },
		{ "ssh.put", "{'path':'/tmp/bellbook-never','content':'x'}" }, { "ssh.get", "{'path':'/etc/passwd'}" },
	};
	static const char *const hosts[] = { "login", "login-rsa" };

	write_text("login", "exec sh -c \"$SSH_ORIGINAL_COMMAND\" >/dev/null\n");
	for (int i = 0; i < 4; i++) {
		struct told *told = run_on(*state, hosts[i % 2], actions[i][0], "one-none", actions[i][1]);

		assert_string_equal(told->outcome, "failed");
		assert_has(told->error, "throws away what is printed on stdout, so nothing was run");
		assert_true(told->not_run);
	}
	assert_false(exists("never"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		ON_SSHD(login_text__of_a_wrapper_before_and_after_is_nobodys_output),
		ON_SSHD(login_text__of_bashrc_is_nobodys_output),
		ON_SSHD(login_text__of_fish_is_nobodys_output),
		ON_SSHD(login_text__of_zsh_is_nobodys_output),
		ON_SSHD(login_text__of_tcsh_is_nobodys_output),
		ON_SSHD(login_text__without_a_line_end_is_nobodys_output),
		ON_SSHD(login_text__does_not_hide_what_a_quiet_login_runs),
		ON_SSHD(login_text__is_left_out_when_a_job_is_found_again),
		ON_SSHD(login_text__does_not_keep_a_job_from_being_stopped),
		ON_SSHD(login_text__is_no_answer_of_a_read_whose_shell_is_ended),
		ON_SSHD(login_text__between_the_live_output_of_a_job_is_not_told_as_its_own),
		ON_SSHD(put__whose_shell_is_killed_is_told_as_what_it_became),
		ON_SSHD(get__whose_shell_is_killed_says_so),
		ON_SSHD(login__that_ends_before_the_command_is_told_in_its_words),
		ON_SSHD(eaten__a_line_or_a_key_of_a_greeter_is_none_of_ours),
		ON_SSHD(eaten__before_the_shell_has_begun_nothing_of_a_script_is_sent),
		ON_SSHD(pty__runs_no_start_files_of_bash),
		ON_SSHD(pty__runs_no_start_files_of_zsh),
		ON_SSHD(pty__command_is_a_text_for_sh_on_a_login_with_fish),
		ON_SSHD(pty__is_given_to_an_account_whose_shell_runs_nothing),
		ON_SSHD(one_stream__errors_thrown_away_are_brought_all_the_same),
		ON_SSHD(one_stream__of_start_files_that_throw_stderr_away_is_enough),
		ON_SSHD(one_stream__errors_in_the_output_are_told_apart),
		ON_SSHD(one_stream__through_a_logging_wrapper_is_told_apart),
		ON_SSHD(one_stream__without_stderr_changes_no_byte),
		ON_SSHD(one_stream__for_both_changes_no_byte),
		ON_SSHD(one_stream__job_is_found_again_stopped_and_ends_live),
		ON_SSHD(one_stream__without_stdout_ends_in_words),
	};

	return sshd_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
