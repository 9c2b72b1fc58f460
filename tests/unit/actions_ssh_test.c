/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ssh transports against a real sshd, through a real worker process. */
#define _GNU_SOURCE
#include "actions_sshd.h"

#include <dirent.h>

#include "base/sha256.h"

static struct told *read_on(struct fixture *f, const char *host, const char *args)
{
	return run_on(f, host, "ssh.read", "r", args);
}

/* Waits for a question and answers it. */
static void answer(struct fixture *f, uint64_t call, const char *of, const char *value)
{
	UNTIL(f, f->told[call].ask != 0 || f->told[call].ended);
	assert_int_equal(f->told[call].ended, false);
	assert_string_equal(f->told[call].of, of);
	worker_answer(f->worker, call, f->told[call].ask, value, strlen(value));
	f->told[call].ask = 0;
}

/* ---- commands ---- */

static void ssh_read__tells_output_apart_and_exit_status(void **state)
{
	for (int i = 0; i < 20; i++) {
		struct told *told = read_on(*state, "plain", "{'cmd':'echo one; echo two >&2; exit 3'}");

		assert_string_equal(told->outcome, "ok");
		assert_int_equal(told->exit, 3);
		assert_string_equal(buf_text(&told->out), "one\n");
		assert_string_equal(buf_text(&told->err), "two\n");
		assert_int_equal(told->links.len, 0);
	}
}

static void ssh_run__tells_the_signal(void **state)
{
	struct told *told = run_on(*state, "plain", "ssh.run", "j-signal", "{'cmd':'kill -SEGV $$'}");

	assert_string_equal(told->outcome, "ok");
	assert_string_equal(told->signal, "SEGV");
}

static void flood(struct fixture *f, const char *host)
{
	struct told *told = read_on(f, host, "{'cmd':'yes 0123456789abcde | head -c 48000000; yes error | head -c 3000000 >&2'}");

	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->out.len, 48000000);
	assert_int_equal(told->err.len, 3000000);
	for (size_t i = 0; i < told->out.len; i++)
		assert_true(told->out.data[i] == "0123456789abcde\n"[i % 16]);
}

static void ssh_read__gives_a_flood_whole(void **state)
{
	flood(*state, "plain");
}

static void ssh_read__gives_a_flood_whole_through_ssh(void **state)
{
	flood(*state, "rsa");
}

static void ssh_read__refuses_names_that_are_options(void **state)
{
	struct told *told = read_on(*state, "-oProxyCommand=touch evil", "{'cmd':'true'}");

	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "no name of a host");
	assert_false(exists("evil"));
}

static void ssh_read__goes_through_a_proxy_command(void **state)
{
	struct told *told = read_on(*state, "proxied", "{'cmd':'echo hi'}");

	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->out), "hi\n");
}

/* ---- host keys ---- */

static void hostkey__unknown_is_asked_and_can_be_refused(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin_on(f, 1, "unknown", "ssh.read", "r", "{'cmd':'true'}");
	answer(f, 1, "hostkey", "refuse");
	told = finish(f, 1);
	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "was not trusted");
	assert_has(told->error, "nothing was sent");
	assert_has(told->asked, "SHA256:");
	assert_has(told->asked, "ssh-ed25519");
	assert_false(exists("known.unknown"));
}

static void hostkey__trusted_is_stored_and_not_asked_again(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	char *text;

	begin_on(f, 1, "unknown", "ssh.read", "r", "{'cmd':'true'}");
	answer(f, 1, "hostkey", "trust");
	assert_string_equal(finish(f, 1)->outcome, "ok");
	text = slurp(at_home("known.unknown"));
	assert_has(text, "[127.0.0.1]:");
	mem_free(text);
	assert_int_equal(signal_sessions(SIGKILL) > 0, true);
	told = read_on(f, "unknown", "{'cmd':'echo hi'}");
	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->ask, 0);
}

static void hostkey__accept_new_stores_a_hashed_name_unasked(void **state)
{
	struct told *told = read_on(*state, "accept", "{'cmd':'true'}");
	char *text;

	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->ask, 0);
	text = slurp(at_home("known.accept"));
	assert_true(str_starts(text, "|1|"));
	assert_null(strstr(text, "127.0.0.1"));
	mem_free(text);
}

static void hostkey__unknown_is_refused_when_strict(void **state)
{
	struct told *told = read_on(*state, "strict", "{'cmd':'true'}");

	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "is not known");
	assert_has(told->error, "StrictHostKeyChecking");
	assert_has(told->error, "nothing was sent");
	assert_int_equal(told->ask, 0);
}

static void hostkey__changed_is_refused_with_both_fingerprints(void **state)
{
	struct told *told = read_on(*state, "changed", "{'cmd':'true'}");
	const char *first;

	assert_string_equal(told->outcome, "failed");
	assert_int_equal(told->ask, 0);
	assert_has(told->error, "CHANGED");
	assert_has(told->error, "nothing was sent");
	first = strstr(told->error, "SHA256:");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "SHA256:"));
	assert_has(buf_text(&told->notes), "line 3");
	assert_has(buf_text(&told->notes), "ssh-keygen");
}

static void hostkey__revoked_is_refused(void **state)
{
	struct told *told = read_on(*state, "revoked", "{'cmd':'true'}");

	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "revoked");
	assert_has(told->error, "nothing was sent");
}

static void hostkey__is_found_under_hashed_names_and_patterns(void **state)
{
	assert_string_equal(read_on(*state, "hashed", "{'cmd':'true'}")->outcome, "ok");
	assert_string_equal(read_on(*state, "alias", "{'cmd':'true'}")->outcome, "ok");
}

/* ---- log-ins ---- */

static void login__with_a_wrong_key_is_denied(void **state)
{
	struct told *told = read_on(*state, "wrong", "{'cmd':'true'}");

	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "does not let");
	assert_int_equal(told->ask, 0);
}

static void login__asks_for_a_passphrase_until_it_is_right_and_once(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin_on(f, 1, "enc", "ssh.read", "r", "{'cmd':'true'}");
	answer(f, 1, "secret", "not-this-one");
	answer(f, 1, "secret", PASSPHRASE);
	assert_string_equal(finish(f, 1)->outcome, "ok");
	assert_has(f->told[1].asked, "That was not it");
	/* A new connection asks nobody. */
	signal_sessions(SIGKILL);
	told = read_on(f, "enc", "{'cmd':'echo again'}");
	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->ask, 0);
}

static void login__uses_the_agent(void **state)
{
	struct told *told = read_on(*state, "agent", "{'cmd':'echo hi'}");

	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->links.len, 0);
}

static void login__with_rsa_falls_back_to_ssh_and_says_so(void **state)
{
	struct told *told = read_on(*state, "rsa", "{'cmd':'echo one; echo two >&2; exit 255'}");

	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->exit, 255);
	assert_string_equal(buf_text(&told->out), "one\n");
	assert_string_equal(buf_text(&told->err), "two\n");
	assert_string_equal(buf_text(&told->links), "fallback ");
	assert_has(buf_text(&told->link_text), "RSA");
	/* The same connection serves the next call. */
	told = read_on(*state, "rsa", "{'cmd':'echo hi'}");
	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->links.len, 0);
}

/* ---- losses ---- */

static void lose(struct fixture *f, const char *host)
{
	struct told *told;

	begin_on(f, 1, host, "ssh.read", "r", "{'cmd':'echo one; [ -e $HOME/lost ] || { touch $HOME/lost; exec sleep 20; }'}");
	UNTIL(f, f->told[1].out.len > 0 && exists("lost"));
	assert_true(signal_sessions(SIGKILL) > 0);
	told = finish(f, 1);
	unlink(at_home("lost"));
	assert_string_equal(told->outcome, "ok");
	assert_has(buf_text(&told->links), "lost back");
	assert_has(buf_text(&told->link_text), "lost: it was closed at the other end");
	assert_has(buf_text(&told->how), "again");
}

static void ssh_read__is_repeated_when_the_session_is_killed(void **state)
{
	lose(*state, "plain");
}

static void ssh_read__is_repeated_when_the_session_is_killed_through_ssh(void **state)
{
	lose(*state, "rsa");
}

static void ssh_run__goes_on_when_the_session_is_killed(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	char *text;

	begin_on(f, 1, "plain", "ssh.run", "j-lost",
		 "{'cmd':'echo one; echo x >>$HOME/effects; while [ ! -e $HOME/go-on ]; do sleep 0.05; done; echo two'}");
	UNTIL(f, f->told[1].out.len > 0);
	signal_sessions(SIGKILL);
	UNTIL(f, strstr(buf_text(&f->told[1].links), "back") != NULL);
	write_text("go-on", "");
	told = finish(f, 1);
	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->out), "one\ntwo\n");
	text = slurp(at_home("effects"));
	assert_string_equal(text, "x\n");
	mem_free(text);
}

static void freeze(struct fixture *f, const char *host)
{
	struct told *told;

	begin_on(f, 1, host, "ssh.read", "r", "{'cmd':'echo one; [ -e $HOME/lost ] || { touch $HOME/lost; exec sleep 20; }'}");
	UNTIL(f, f->told[1].out.len > 0 && exists("lost"));
	assert_true(signal_sessions(SIGSTOP) > 0);
	told = finish(f, 1);
	signal_sessions(SIGKILL);
	unlink(at_home("lost"));
	assert_string_equal(told->outcome, "ok");
	assert_has(buf_text(&told->link_text), "lost: no answer for 1 s");
}

static void ssh_read__notices_a_frozen_host(void **state)
{
	freeze(*state, "quick");
}

static void ssh_read__notices_a_frozen_host_through_ssh(void **state)
{
	freeze(*state, "rsa");
}

/* ---- cancel ---- */

static void cancel__while_the_host_does_not_greet(void **state)
{
	struct fixture *f = *state;

	kill(sshd_pid, SIGSTOP);
	begin_on(f, 1, "plain", "ssh.read", "r", "{'cmd':'true'}");
	/* ssh -G has ended once its connection is in the listener's queue: nothing to see from here but time. */
	for (int i = 0; i < 10; i++) {
		struct err e;

		assert_int_equal(loop_once(f->loop, TIME_SECOND / 50, &e), 0);
	}
	worker_cancel(f->worker, 1);
	finish(f, 1);
	kill(sshd_pid, SIGCONT);
	assert_string_equal(f->told[1].outcome, "canceled");
}

static void connect__gives_up_on_a_host_that_does_not_greet(void **state)
{
	struct told *told;

	kill(sshd_pid, SIGSTOP);
	told = read_on(*state, "quick", "{'cmd':'true'}");
	kill(sshd_pid, SIGCONT);
	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "no answer for 2 s");
}

static void cancel__at_a_question(void **state)
{
	struct fixture *f = *state;

	begin_on(f, 1, "enc", "ssh.read", "r", "{'cmd':'true'}");
	UNTIL(f, f->told[1].ask != 0);
	worker_cancel(f->worker, 1);
	assert_string_equal(finish(f, 1)->outcome, "canceled");
	assert_string_equal(read_on(f, "plain", "{'cmd':'true'}")->outcome, "ok");
}

static void cancel__in_a_read_ends_the_command(void **state)
{
	struct fixture *f = *state;
	char *pid;

	begin_on(f, 1, "plain", "ssh.read", "r", "{'cmd':'echo $$ >$HOME/pid.new; mv $HOME/pid.new $HOME/pid; echo hi; exec sleep 77'}");
	UNTIL(f, f->told[1].out.len > 0);
	worker_cancel(f->worker, 1);
	assert_string_equal(finish(f, 1)->outcome, "canceled");
	pid = slurp(at_home("pid"));
	UNTIL(f, kill((pid_t)strtol(pid, NULL, 10), 0) < 0 && errno == ESRCH);
	mem_free(pid);
}

/* ---- what jobs leave ---- */

#define OPEN_TRIES 4	/* actions/transport/link.c: how often a connection is tried at once */

/* The host loses power: no session, no server; fd of what is in its place. */
static int switch_off(void)
{
	signal_sessions(SIGKILL);
	kill(sshd_pid, SIGKILL);
	(void)proc_wait(sshd_pid);
	return sshd_replace();
}

static void forget__waits_for_a_host_that_is_off(void **state)
{
	struct fixture *f = *state;
	int fd, tried = 0;

	assert_string_equal(run_on(f, "plain", "ssh.run", "j-off", "{'cmd':'echo x'}")->outcome, "ok");
	assert_true(exists(".bellbook/jobs/j-off+1"));
	fd = switch_off();
	worker_forget(f->worker, "ssh.run", "plain", "j-off", true);
	/* All that one attempt to forget does: the connection that was there, and new ones. */
	while (tried < OPEN_TRIES) {
		int got = -1;

		UNTIL(f, (got = accept(fd, NULL, NULL)) >= 0);
		close(got);
		tried++;
	}
	close(fd);
	sshd_listen();
	worker_sweep(f->worker);
	UNTIL(f, f->swept);
	assert_false(exists(".bellbook/jobs/j-off+1"));
	assert_false(exists(".bellbook/jobs/j-off+out"));
}

/* Lets one in, who finds nobody there; true when the sweep is over. */
static bool refuse(const struct fixture *f, int fd, int *count)
{
	int got = accept(fd, NULL, NULL);

	if (got >= 0) {
		close(got);
		++*count;
	}
	return f->swept;
}

/* How many came before the sweep was over. */
static int refuse_until_swept(struct fixture *f, int fd)
{
	int count = 0;

	UNTIL(f, refuse(f, fd, &count));
	close(fd);
	return count;
}

static void forget__asks_once_about_what_was_not_begun(void **state)
{
	struct fixture *f = *state;
	int fd = switch_off();

	worker_forget(f->worker, "ssh.run", "plain", "j-never", false);
	worker_sweep(f->worker);
	assert_true(refuse_until_swept(f, fd) <= 2 * OPEN_TRIES);
	assert_string_equal(f->left, "");
	sshd_listen();
}

static void forget__tells_where_something_stays_and_goes_on(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_string_equal(run_on(f, "plain", "ssh.run", "j-stays", "{'cmd':'echo x'}")->outcome, "ok");
	fd = switch_off();
	worker_forget(f->worker, "ssh.run", "plain", "j-stays", true);
	worker_sweep(f->worker);
	refuse_until_swept(f, fd);
	assert_string_equal(f->left, "plain");
	sshd_listen();
	UNTIL(f, !exists(".bellbook/jobs/j-stays+1") && !exists(".bellbook/jobs/j-stays+out"));
}

/* ---- secrets, remains ---- */

/* True when the command line or environment of any process has the text. */
static bool shows_in_proc(const char *text)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while ((entry = readdir(dir))) {
		char path[300];
		char *line;
		struct buf bytes = {0};
		FILE *file;
		size_t got;

		if (*entry->d_name < '0' || *entry->d_name > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		file = fopen(path, "r");
		while (file && (got = fread(buf_room(&bytes, 65536), 1, 65536, file)) > 0)
			buf_added(&bytes, got);
		if (file)
			fclose(file);
		line = bytes.data;
		found |= bytes.len > 0 && memmem(line, bytes.len, text, strlen(text)) != NULL;
		buf_done(&bytes);
	}
	closedir(dir);
	return found;
}

static void secrets__never_show_in_a_command_line(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct secret *secret = secret_new("TOKEN", "sentinel-31415926", 17, &e);
	char args[600];
	char *text;

	worker_secret(f->worker, secret);
	secret_free(secret);
	begin_on(f, 1, "rsa", "ssh.run", "j-secret",
		 "{'cmd':'printf %s $TOKEN | wc -c; while [ ! -e $HOME/seen ]; do sleep 0.05; done','env':{'TOKEN':{'$secret':'TOKEN'}}}");
	UNTIL(f, f->told[1].out.len > 0);
	assert_true(shows_in_proc("bellbook-ssh."));	/* it would be seen */
	assert_false(shows_in_proc("sentinel-31415926"));
	assert_false(shows_in_proc(PASSPHRASE));
	write_text("seen", "");
	assert_string_equal(buf_text(&finish(f, 1)->out), "17\n");
	snprintf(args, sizeof(args), "{'content':{'$secret':'TOKEN'},'path':'%s/token','mode':'600'}", home);
	assert_string_equal(run_on(f, "plain", "ssh.put", "p-secret", args)->outcome, "ok");
	text = slurp(at_home("token"));
	assert_string_equal(text, "sentinel-31415926");
	mem_free(text);
}

static int ours_in(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += str_starts(entry->d_name, "bellbook-ssh.");
	if (dir)
		closedir(dir);
	return count;
}

static void worker_free__leaves_no_master_and_no_directory(void **state)
{
	struct fixture *f = *state;
	char master[400];

	snprintf(master, sizeof(master), "%s/bellbook-ssh.", sshd_runtime);
	assert_string_equal(read_on(f, "rsa", "{'cmd':'true'}")->outcome, "ok");
	assert_int_equal(ours_in(sshd_runtime), 1);
	assert_true(shows_in_proc(master));
	worker_free(f->worker);
	f->worker = NULL;
	assert_int_equal(ours_in(sshd_runtime), 0);
	UNTIL(f, !shows_in_proc(master));
}

static void worker_killed__its_directory_goes_with_the_next_one(void **state)
{
	struct fixture *f = *state;
	struct err e;

	assert_string_equal(read_on(f, "rsa", "{'cmd':'true'}")->outcome, "ok");
	kill(worker_pid(f->worker), SIGKILL);
	UNTIL(f, f->lost == 1);
	assert_int_equal(worker_restart(f->worker, &e), 0);
	assert_string_equal(read_on(f, "rsa", "{'cmd':'true'}")->outcome, "ok");
	assert_int_equal(ours_in(sshd_runtime), 1);
}

/* ---- files ---- */

static void put_args(char *args, size_t size, const char *content, const char *name, const char *more)
{
	snprintf(args, size, "{'content':'%s','path':'%s/%s'%s}", content, home, name, more);
}

static void ssh_put__writes_whole_files_with_mode(void **state)
{
	struct told *told;
	struct stat st;
	char args[600];
	char *text;

	put_args(args, sizeof(args), "one\\ntwo", "put 'it", ",'mode':'0640'");
	for (char *at = strstr(args, "put 'it"); *at != 'i'; at++)
		if (*at == '\'')
			*at = '$';
	told = run_on(*state, "plain", "ssh.put", "p1", args);
	assert_string_equal(told->outcome, "ok");
	text = slurp(at_home("put $it"));
	assert_string_equal(text, "one\ntwo");
	mem_free(text);
	assert_int_equal(stat(at_home("put $it"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void ssh_put__keeps_the_mode_and_a_link(void **state)
{
	struct stat st;
	char args[600];
	char *text;

	write_text("real", "old");
	chmod(at_home("real"), 0604);
	assert_int_equal(symlink("real", at_home("link")), 0);
	put_args(args, sizeof(args), "new", "link", "");
	assert_string_equal(run_on(*state, "rsa", "ssh.put", "p2", args)->outcome, "ok");
	assert_int_equal(lstat(at_home("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	text = slurp(at_home("real"));
	assert_string_equal(text, "new");
	mem_free(text);
	assert_int_equal(stat(at_home("real"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
}

static void ssh_put__settles_by_what_is_there(void **state)
{
	struct fixture *f = *state;
	char args[600];

	write_text("settled", "wanted");
	put_args(args, sizeof(args), "wanted", "settled", "");
	begin_as(f, 1, "ssh.put", "p3", args, (struct worker_call){ .host = "plain", .settle = true });
	assert_string_equal(buf_text(&finish(f, 1)->how), "finished ");
	assert_string_equal(f->told[1].outcome, "ok");
	put_args(args, sizeof(args), "other", "settled", "");
	begin_as(f, 1, "ssh.put", "p4", args, (struct worker_call){ .host = "plain", .settle = true });
	assert_string_equal(buf_text(&finish(f, 1)->how), "never ");
	/* It may be started now, under the same name. */
	assert_string_equal(run_on(f, "plain", "ssh.put", "p4", args)->outcome, "ok");
}

static void ssh_put__says_why_not(void **state)
{
	struct told *told = run_on(*state, "plain", "ssh.put", "p5", "{'content':'x','path':'/proc/nope'}");

	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "cannot create a file in /proc");
	told = run_on(*state, "plain", "ssh.put", "p6", "{'content':'x','path':'relative'}");
	assert_has(told->error, "from / on");
	told = run_on(*state, "plain", "ssh.put", "p7", "{'path':'/tmp/x'}");
	assert_has(told->error, "either content or file");
	told = run_on(*state, "plain", "ssh.put", "p8", "{'content':'x','path':'/tmp/x','mode':'rw'}");
	assert_has(told->error, "0644");
}

static void ssh_get__brings_large_files_unchanged(void **state)
{
	char args[800];
	char *sent, *got;
	struct buf bytes = {0};
	unsigned char *at = (unsigned char *)buf_room(&bytes, 5000000);
	FILE *file;

	random_bytes(at, 5000000);
	file = fopen(at_home("big"), "w");
	assert_int_equal(fwrite(at, 1, 5000000, file), 5000000);
	fclose(file);
	snprintf(args, sizeof(args), "{'file':'%s/big','path':'%s/big.there','mode':'600'}", home, home);
	assert_string_equal(run_on(*state, "plain", "ssh.put", "p9", args)->outcome, "ok");
	snprintf(args, sizeof(args), "{'path':'%s/big.there','to':'%s/big.back'}", home, home);
	assert_string_equal(run_on(*state, "rsa", "ssh.get", "g1", args)->outcome, "ok");
	sent = slurp(at_home("big"));
	got = slurp(at_home("big.back"));
	assert_memory_equal(sent, got, 5000000);
	mem_free(sent);
	mem_free(got);
	buf_done(&bytes);
}

static void ssh_get__replaces_nothing_but_a_plain_file_here(void **state)
{
	static const char *const names[] = { "get.fifo", "get.folder", "get.link" };
	char args[300];
	struct stat st;

	write_text("get.there", "12345678");
	assert_int_equal(mkfifo(at_home("get.fifo"), 0600), 0);
	assert_int_equal(mkdir(at_home("get.folder"), 0700), 0);
	assert_int_equal(symlink("get.fifo", at_home("get.link")), 0);
	for (int i = 0; i < 3; i++) {
		struct told *told;

		snprintf(args, sizeof(args), "{'path':'%s/get.there','to':'%s/%s'}", home, home, names[i]);
		told = run_on(*state, "plain", "ssh.get", "g4", args);
		assert_string_equal(told->outcome, "failed");
		assert_has(told->error, i == 1 ? "get.folder is a directory" : "is no plain file");
		assert_int_equal(lstat(at_home(names[i]), &st), 0);
		assert_false(S_ISREG(st.st_mode));
	}
}

static void ssh_get__refuses_more_than_max(void **state)
{
	struct told *told;
	char args[600];

	write_text("small", "0123456789");
	snprintf(args, sizeof(args), "{'path':'%s/small','max':9}", home);
	told = run_on(*state, "plain", "ssh.get", "g2", args);
	assert_string_equal(told->outcome, "failed");
	assert_has(told->error, "more than max");
	assert_int_equal(told->out.len, 0);
	snprintf(args, sizeof(args), "{'path':'%s/small','max':10}", home);
	assert_string_equal(buf_text(&run_on(*state, "plain", "ssh.get", "g3", args)->out), "0123456789");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		ON_SSHD(ssh_read__tells_output_apart_and_exit_status),
		ON_SSHD(ssh_run__tells_the_signal),
		ON_SSHD(ssh_read__gives_a_flood_whole),
		ON_SSHD(ssh_read__gives_a_flood_whole_through_ssh),
		ON_SSHD(ssh_read__refuses_names_that_are_options),
		ON_SSHD(ssh_read__goes_through_a_proxy_command),
		ON_SSHD(hostkey__unknown_is_asked_and_can_be_refused),
		ON_SSHD(hostkey__trusted_is_stored_and_not_asked_again),
		ON_SSHD(hostkey__accept_new_stores_a_hashed_name_unasked),
		ON_SSHD(hostkey__unknown_is_refused_when_strict),
		ON_SSHD(hostkey__changed_is_refused_with_both_fingerprints),
		ON_SSHD(hostkey__revoked_is_refused),
		ON_SSHD(hostkey__is_found_under_hashed_names_and_patterns),
		ON_SSHD(login__with_a_wrong_key_is_denied),
		ON_SSHD(login__asks_for_a_passphrase_until_it_is_right_and_once),
		ON_SSHD(login__uses_the_agent),
		ON_SSHD(login__with_rsa_falls_back_to_ssh_and_says_so),
		ON_SSHD(ssh_read__is_repeated_when_the_session_is_killed),
		ON_SSHD(ssh_read__is_repeated_when_the_session_is_killed_through_ssh),
		ON_SSHD(ssh_run__goes_on_when_the_session_is_killed),
		ON_SSHD(ssh_read__notices_a_frozen_host),
		ON_SSHD(ssh_read__notices_a_frozen_host_through_ssh),
		ON_SSHD(cancel__while_the_host_does_not_greet),
		ON_SSHD(connect__gives_up_on_a_host_that_does_not_greet),
		ON_SSHD(cancel__at_a_question),
		ON_SSHD(cancel__in_a_read_ends_the_command),
		ON_SSHD(forget__waits_for_a_host_that_is_off),
		ON_SSHD(forget__asks_once_about_what_was_not_begun),
		ON_SSHD(forget__tells_where_something_stays_and_goes_on),
		ON_SSHD(secrets__never_show_in_a_command_line),
		ON_SSHD(worker_free__leaves_no_master_and_no_directory),
		ON_SSHD(worker_killed__its_directory_goes_with_the_next_one),
		ON_SSHD(ssh_put__writes_whole_files_with_mode),
		ON_SSHD(ssh_put__keeps_the_mode_and_a_link),
		ON_SSHD(ssh_put__settles_by_what_is_there),
		ON_SSHD(ssh_put__says_why_not),
		ON_SSHD(ssh_get__brings_large_files_unchanged),
		ON_SSHD(ssh_get__refuses_more_than_max),
		ON_SSHD(ssh_get__replaces_nothing_but_a_plain_file_here),
	};

	return sshd_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
