/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands on this host, through a real worker process. */
#define _GNU_SOURCE
#include "actions_fixture.h"

#include <dirent.h>
#include <signal.h>

static void here_run__tells_output_apart_and_exit_status(void **state)
{
	struct told *told = run(*state, "here.run", "j-apart", "{'cmd':'echo one; echo two >&2; exit 3'}");

	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->exit, 3);
	assert_string_equal(buf_text(&told->out), "one\n");
	assert_string_equal(buf_text(&told->err), "two\n");
}

static void here_run__tells_the_signal_that_ended_it(void **state)
{
	struct told *told = run(*state, "here.run", "j-signal", "{'cmd':'kill -SEGV $$'}");

	assert_string_equal(told->outcome, "ok");
	assert_string_equal(told->signal, "SEGV");
	assert_int_equal(told->exit, -1);
}

static void here_run__quotes_a_list_of_words(void **state)
{
	struct told *told = run(*state, "here.run", "j-words", "{'cmd':['printf','[%s]','a b','$HOME','it\\u0027s']}");

	assert_string_equal(buf_text(&told->out), "[a b][$HOME][it's]");
}

static void here_run__passes_env_cwd_and_stdin(void **state)
{
	struct told *told = run(*state, "here.run", "j-env",
				"{'cmd':'pwd; printf %s \\u0022$A\\u0022; cat','cwd':'/usr','env':{'A':'x\\ny '},'stdin':'a\\\\b\\n'}");

	assert_string_equal(buf_text(&told->out), "/usr\nx\ny a\\b\n");
	assert_int_equal(told->exit, 0);
}

static void here_run__refuses_the_same_job_twice(void **state)
{
	struct told *told = run(*state, "here.run", "j-twice", "{'cmd':'echo x >>$HOME/twice'}");
	char *text;

	assert_string_equal(told->outcome, "ok");
	told = run(*state, "here.run", "j-twice", "{'cmd':'echo x >>$HOME/twice'}");
	assert_string_equal(told->outcome, "failed");
	assert_non_null(strstr(told->error, "not started a second time"));
	assert_false(told->not_run);
	text = slurp(at_home("twice"));
	assert_string_equal(text, "x\n");
	mem_free(text);
}

static void here_run__gives_fifty_megabytes_whole(void **state)
{
	struct told *told = run(*state, "here.run", "j-flood",
				"{'cmd':'yes 0123456789abcde | head -c 50000000; yes error | head -c 3000000 >&2'}");

	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->out.len, 50000000);
	assert_int_equal(told->err.len, 3000000);
	for (size_t i = 0; i < told->out.len; i++)
		assert_true(told->out.data[i] == "0123456789abcde\n"[i % 16]);
}

static void here_read__gives_output_and_status_many_times(void **state)
{
	for (int i = 0; i < 50; i++) {
		struct told *told = run(*state, "here.read", "r", "{'cmd':'printf a; printf b >&2; exit 7'}");

		assert_string_equal(told->outcome, "ok");
		assert_int_equal(told->exit, 7);
		assert_string_equal(buf_text(&told->out), "a");
		assert_string_equal(buf_text(&told->err), "b");
	}
}

static void here_read__survives_hostile_commands(void **state)
{
	/* $$ is a shell of the command's own: nothing is repeated, and the signal is told. */
	struct told *told = run(*state, "here.read", "r", "{'cmd':'echo x; kill -SEGV $$; echo y'}");

	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->how), "");
	assert_string_equal(told->signal, "SEGV");
	assert_string_equal(buf_text(&told->out), "x\n");
	/* The shared shell is killed: it is run again by one of its own, of which the signal is told too. */
	told = run(*state, "here.read", "r", "{'cmd':'d=$; eval kill -SEGV $d$d; echo y'}");
	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->how), "again ");
	assert_string_equal(told->signal, "SEGV");
	told = run(*state, "here.read", "r", "{'cmd':'if'}");
	assert_string_equal(told->outcome, "ok");
	assert_int_not_equal(told->exit, 0);
	told = run(*state, "here.read", "r", "{'cmd':'exec 1>&- 2>&-'}");
	assert_int_equal(told->exit, 0);
	told = run(*state, "here.read", "r", "{'cmd':'cat; exit 4'}");
	assert_int_equal(told->exit, 4);
	told = run(*state, "here.read", "r", "{'cmd':'echo fine'}");
	assert_string_equal(buf_text(&told->out), "fine\n");
}

static void here_read__passes_bytes_as_they_are(void **state)
{
	struct told *told = run(*state, "here.read", "r", "{'cmd':'printf \\u0027\\\\000\\\\377\\\\033[2J\\\\036x\\u0027'}");

	assert_int_equal(told->out.len, 8);
	assert_memory_equal(told->out.data, "\0\377\033[2J\036x", 8);
}

static void here_read__stops_when_cancelled(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	struct err e;

	begin(f, 1, "here.read", "r", "{'cmd':'echo $$; exec sleep 1000'}");
	UNTIL(f, f->told[1].out.len > 0);
	worker_cancel(f->worker, 1);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
	told = run(f, "here.read", "r", "{'cmd':'echo fine'}");
	assert_string_equal(buf_text(&told->out), "fine\n");
	(void)e;
}

/* True when no process of the group, or a zombie only, is left. */
static bool is_gone(pid_t pid)
{
	struct proc_id id;
	struct err e;

	return proc_identify(pid, &id, &e) < 0 || !proc_is_alive(&id);
}

static void cancel__ends_the_whole_process_group(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	long one, two;

	begin(f, 1, "here.run", "j-cancel", "{'cmd':'sleep 1000 & echo $$ $!; wait'}");
	UNTIL(f, f->told[1].out.len > 0 && strchr(buf_text(&f->told[1].out), '\n'));
	assert_int_equal(sscanf(buf_text(&f->told[1].out), "%ld %ld", &one, &two), 2);
	worker_cancel(f->worker, 1);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
	assert_string_equal(told->signal, "TERM");
	assert_true(is_gone((pid_t)one));
	assert_true(is_gone((pid_t)two));
}

static void cancel__kills_what_ignores_term(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin(f, 1, "here.run", "j-deaf",
	      "{'cmd':'trap \\u0022\\u0022 TERM; echo deaf; while :; do sleep 1000; done','grace':0.05}");
	UNTIL(f, f->told[1].out.len > 0);
	worker_cancel(f->worker, 1);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
	assert_string_equal(told->signal, "KILL");
}

static void timeout__is_unknown_and_the_job_goes_on(void **state)
{
	struct fixture *f = *state;
	struct told *told = NULL;
	char job[40], args[160];

	/* One that had no time to begin is another matter. */
	for (int tenths = 1; !told || told->out.len == 0; tenths *= 2) {
		snprintf(job, sizeof(job), "j-timeout-%d", tenths);
		snprintf(args, sizeof(args), "{'cmd':'echo begun; until [ -e $HOME/go-timeout ]; do sleep 0.01; done; echo late',"
			 "'timeout':%d.%d}", tenths / 10, tenths % 10);
		told = run(f, "here.run", job, args);
		assert_string_equal(told->outcome, "unknown");
	}
	begin_as(f, 1, "here.run", job, "{'cmd':'x'}", (struct worker_call){ .settle = true, .out_offset = 6 });
	UNTIL(f, f->told[1].how.len > 0);
	assert_string_equal(buf_text(&f->told[1].how), "running ");
	fclose(fopen(at_home("go-timeout"), "w"));
	told = finish(f, 1);
	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->out), "late\n");
}

static void lost_worker__leaves_the_job_running_once(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	struct err e;
	char *text;

	begin(f, 1, "here.run", "j-lost",
	      "{'cmd':'echo effect >>$HOME/effects; echo begun; until [ -e $HOME/go-lost ]; do sleep 0.01; done; echo ended; exit 5'}");
	UNTIL(f, f->told[1].out.len > 0);
	kill(worker_pid(f->worker), SIGKILL);
	UNTIL(f, f->lost == 1);
	assert_int_equal(worker_pid(f->worker), 0);
	assert_int_equal(worker_restart(f->worker, &e), 0);
	begin_as(f, 2, "here.run", "j-lost", "{'cmd':'x'}", (struct worker_call){ .settle = true, .out_offset = 6 });
	UNTIL(f, f->told[2].how.len > 0);
	assert_string_equal(buf_text(&f->told[2].how), "running ");
	fclose(fopen(at_home("go-lost"), "w"));
	told = finish(f, 2);
	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->exit, 5);
	assert_string_equal(buf_text(&told->out), "ended\n");
	text = slurp(at_home("effects"));
	assert_string_equal(text, "effect\n");
	mem_free(text);
}

static void cancel__counts_for_the_worker_after_a_lost_one(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	struct err e;

	begin(f, 1, "here.run", "j-stop", "{'cmd':'echo begun; while :; do sleep 1000; done'}");
	UNTIL(f, f->told[1].out.len > 0);
	kill(worker_pid(f->worker), SIGKILL);
	worker_cancel(f->worker, 1);
	UNTIL(f, f->lost == 1);
	assert_int_equal(worker_restart(f->worker, &e), 0);
	begin_as(f, 1, "here.run", "j-stop", "{'cmd':'x'}", (struct worker_call){ .settle = true, .out_offset = 6 });
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
}

static void lost_shell__is_replaced_and_the_job_followed(void **state)
{
	struct fixture *f = *state;
	/* The job kills the shell that waits for it; its own runner is $PPID. */
	struct told *told = run(f, "here.run", "j-shell",
				"{'cmd':'p() { read -r s </proc/$1/stat; s=${s##*) }; set -- $s; echo $2; }; a=$(p $PPID); "
				"echo begun; kill -9 $a; echo effect >>$HOME/shell-effects; sleep 0.1; echo ended; exit 6'}");
	char *text = slurp(at_home("shell-effects"));

	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->exit, 6);
	assert_string_equal(buf_text(&told->out), "begun\nended\n");
	assert_string_equal(text, "effect\n");
	mem_free(text);
}

static void settle__finds_a_finished_job(void **state)
{
	struct fixture *f = *state;
	struct told *told = run(f, "here.run", "j-done", "{'cmd':'echo abc; exit 9'}");

	begin_as(f, 2, "here.run", "j-done", "{'cmd':'x'}", (struct worker_call){ .settle = true, .out_offset = 1 });
	told = finish(f, 2);
	assert_string_equal(buf_text(&told->how), "finished ");
	assert_int_equal(told->exit, 9);
	assert_string_equal(buf_text(&told->out), "bc\n");
}

static void settle__of_a_job_that_never_was_lets_it_start_once(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin_as(f, 1, "here.run", "j-never", "{'cmd':'x'}", (struct worker_call){ .settle = true });
	told = finish(f, 1);
	assert_string_equal(buf_text(&told->how), "never ");
	assert_false(told->ended);
	told = run(f, "here.run", "j-never", "{'cmd':'echo now'}");
	assert_string_equal(told->outcome, "ok");
	assert_string_equal(buf_text(&told->out), "now\n");
	told = run(f, "here.run", "j-never", "{'cmd':'echo again'}");
	assert_string_equal(told->outcome, "failed");
}

static void settle__of_a_job_whose_runner_was_killed_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct told *told = run(f, "here.run", "j-killed", "{'cmd':'kill -9 $PPID; exec true'}");

	assert_string_equal(told->outcome, "unknown");
	begin_as(f, 1, "here.run", "j-killed", "{'cmd':'x'}", (struct worker_call){ .settle = true });
	told = finish(f, 1);
	assert_string_equal(buf_text(&told->how), "unknown ");
	assert_false(told->ended);
}

static int entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2;
}

static void forget__leaves_nothing(void **state)
{
	struct fixture *f = *state;

	for (int i = 1; i < CALLS; i++) {
		char job[20];

		snprintf(job, sizeof(job), "f-%d", i);
		begin(f, (uint64_t)i, "here.run", job, "{'cmd':'echo x'}");
		finish(f, (uint64_t)i);
		assert_true(entries(at_home(".bellbook/jobs")) > 0);
		worker_forget(f->worker, "here.run", "", job, true);
	}
	UNTIL(f, !exists(".bellbook/jobs/f-1+1") && !exists(".bellbook/jobs/f-7+1"));
}

static void forget__is_done_when_the_session_ends_at_once(void **state)
{
	struct fixture *f = *state;
	struct err e;

	run(f, "here.run", "f-last", "{'cmd':'echo x'}");
	assert_true(exists(".bellbook/jobs/f-last+1"));
	worker_forget(f->worker, "here.run", "", "f-last", true);
	worker_free(f->worker);
	f->worker = worker_new(f->loop, server, &(const struct worker_events){0}, f, &e);
	assert_false(exists(".bellbook/jobs/f-last+1"));
}

static void forget__is_done_at_the_end_beside_long_jobs(void **state)
{
	struct fixture *f = *state;
	struct err e;

	run(f, "here.run", "f-beside", "{'cmd':'echo x'}");
	begin(f, 2, "here.run", "f-long", "{'cmd':'until [ -e $HOME/go-beside ]; do sleep 0.01; done'}");
	UNTIL(f, exists(".bellbook/jobs/f-long+1"));
	worker_forget(f->worker, "here.run", "", "f-beside", true);
	worker_free(f->worker);
	f->worker = worker_new(f->loop, server, &(const struct worker_events){0}, f, &e);
	assert_false(exists(".bellbook/jobs/f-beside+1"));
	assert_true(exists(".bellbook/jobs/f-long+1"));
	fclose(fopen(at_home("go-beside"), "w"));
}

/* The secret's bytes in any argv of any process. */
static bool is_in_any_argv(const char *value)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while ((entry = readdir(proc))) {
		char path[300];
		struct buf text = {0};

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		slurp_to(path, &text);
		found |= text.len > 0 && memmem(text.data, text.len, value, strlen(value));
		buf_done(&text);
	}
	closedir(proc);
	return found;
}

static char *wanted;
static bool found_in_file;

static int look_in(const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct buf text = {0};

	(void)st;
	(void)at;
	if (type != FTW_F)
		return 0;
	slurp_to(path, &text);
	found_in_file |= text.len > 0 && memmem(text.data, text.len, wanted, strlen(wanted));
	buf_done(&text);
	return 0;
}

static void secrets__reach_the_command_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct secret *secret = secret_new("db", "hunter2\\ \"'$x\nline", 18, &e);
	struct told *told;

	worker_secret(f->worker, secret);
	wanted = mem_strdup("hunter2");
	begin(f, 1, "here.run", "j-secret",
	      "{'cmd':'printf %s \\u0022$PW\\u0022 | od -An -tx1; cat | od -An -tx1; until [ -e $HOME/go-secret ]; do sleep 0.01; done',"
	      "'env':{'PW':{'$secret':'db'}},'stdin':{'$secret':'db'}}");
	UNTIL(f, f->told[1].out.len > 100);
	assert_false(is_in_any_argv("hunter2"));
	found_in_file = false;
	nftw(home, look_in, 16, FTW_PHYS);
	assert_false(found_in_file);
	fclose(fopen(at_home("go-secret"), "w"));
	told = finish(f, 1);
	assert_string_equal(buf_text(&told->out),
			    " 68 75 6e 74 65 72 32 5c 20 22 27 24 78 0a 6c 69\n 6e 65\n"
			    " 68 75 6e 74 65 72 32 5c 20 22 27 24 78 0a 6c 69\n 6e 65\n");
	told = run(f, "here.read", "r", "{'cmd':'[ \\u0022$PW\\u0022 = \\u0022$(cat)\\u0022 ]','env':{'PW':{'$secret':'db'}},'stdin':{'$secret':'db'}}");
	assert_int_equal(told->exit, 0);
	told = run(f, "here.run", "j-nosecret", "{'cmd':'true','env':{'PW':{'$secret':'other'}}}");
	assert_string_equal(told->outcome, "failed");
	mem_free(wanted);
	secret_free(secret);
}

static void sudo__runs_and_stops_as_another_user(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	long one, two;

	if (geteuid() != 0)
		skip();
	told = run(f, "here.run", "j-sudo", "{'cmd':'id -un; pwd; printf %s $A; cat','as':'nobody','env':{'A':'b '},'cwd':'/usr','stdin':'in'}");
	assert_string_equal(buf_text(&told->out), "nobody\n/usr\nbin");
	begin(f, 1, "here.run", "j-sudo2", "{'cmd':'sleep 1000 & echo $$ $!; wait','as':'nobody'}");
	UNTIL(f, strchr(buf_text(&f->told[1].out), '\n'));
	assert_int_equal(sscanf(buf_text(&f->told[1].out), "%ld %ld", &one, &two), 2);
	worker_cancel(f->worker, 1);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
	assert_true(is_gone((pid_t)one));
	assert_true(is_gone((pid_t)two));
}

static void sudo__takes_its_password_and_the_command_its_own_secrets(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct secret *secret = secret_new("p", "sesame99", 8, &e);
	struct told *told;

	if (geteuid() != 0)
		skip();
	worker_secret(f->worker, secret);
	secret_free(secret);
	/* root needs no password, so the line of it must be skipped. */
	told = run(f, "here.run", "j-sudo3", "{'cmd':'echo $PW; cat','as':'nobody','env':{'PW':{'$secret':'p'}},'stdin':'in','sudo_password':{'$secret':'p'}}");
	assert_string_equal(buf_text(&told->out), "sesame99\nin");
}

static void pty__is_given_on_request(void **state)
{
	struct told *told = run(*state, "here.run", "j-pty", "{'cmd':'tty >/dev/null && echo yes; exit 4','pty':true}");

	assert_int_equal(told->exit, 4);
	assert_string_equal(buf_text(&told->pty), "yes\r\n");
}

static void progress__tells_the_last_segment(void **state)
{
	struct told *told = run(*state, "here.run", "j-progress", "{'cmd':'printf \\u002710%%\\\\r20%%\\\\r30%%\\\\rrest\\u0027'}");

	assert_string_equal(buf_text(&told->progress), "30%|");
}

static void calls__run_beside_a_long_job(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin(f, 2, "here.run", "j-long", "{'cmd':'until [ -e $HOME/go-long ]; do sleep 0.01; done; echo end'}");
	told = run(f, "here.read", "r", "{'cmd':'echo beside'}");
	assert_string_equal(buf_text(&told->out), "beside\n");
	assert_false(f->told[2].ended);
	fclose(fopen(at_home("go-long"), "w"));
	told = finish(f, 2);
	assert_string_equal(buf_text(&told->out), "end\n");
}

static void pause__stops_the_flow_until_it_ends(void **state)
{
	struct fixture *f = *state;
	struct err e;
	size_t before;

	begin(f, 1, "here.read", "r", "{'cmd':'yes | head -c 20000000'}");
	UNTIL(f, f->told[1].out.len > 0);
	worker_pause(f->worker, true);
	before = f->told[1].out.len;
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_once(f->loop, 10000, &e), 0);
	assert_int_equal(f->told[1].out.len, before);
	worker_pause(f->worker, false);
	finish(f, 1);
	assert_int_equal(f->told[1].out.len, 20000000);
}

static void call__with_bad_arguments_fails_in_words(void **state)
{
	struct told *told = run(*state, "here.run", "j-bad", "{'cmd':'true','cdw':'/'}");

	assert_string_equal(told->outcome, "failed");
	assert_string_equal(told->error, "here.run: unknown \"cdw\"; did you mean \"cwd\"?");
	told = run(*state, "here.run", "../j", "{'cmd':'true'}");
	assert_string_equal(told->outcome, "failed");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(here_run__tells_output_apart_and_exit_status),
		CASE(here_run__tells_the_signal_that_ended_it),
		CASE(here_run__quotes_a_list_of_words),
		CASE(here_run__passes_env_cwd_and_stdin),
		CASE(here_run__refuses_the_same_job_twice),
		CASE(here_run__gives_fifty_megabytes_whole),
		CASE(here_read__gives_output_and_status_many_times),
		CASE(here_read__survives_hostile_commands),
		CASE(here_read__passes_bytes_as_they_are),
		CASE(here_read__stops_when_cancelled),
		CASE(cancel__ends_the_whole_process_group),
		CASE(cancel__kills_what_ignores_term),
		CASE(timeout__is_unknown_and_the_job_goes_on),
		CASE(cancel__counts_for_the_worker_after_a_lost_one),
		CASE(lost_worker__leaves_the_job_running_once),
		CASE(lost_shell__is_replaced_and_the_job_followed),
		CASE(settle__finds_a_finished_job),
		CASE(settle__of_a_job_that_never_was_lets_it_start_once),
		CASE(settle__of_a_job_whose_runner_was_killed_is_unknown),
		CASE(forget__leaves_nothing),
		CASE(forget__is_done_when_the_session_ends_at_once),
		CASE(forget__is_done_at_the_end_beside_long_jobs),
		CASE(secrets__reach_the_command_and_nothing_else),
		CASE(sudo__runs_and_stops_as_another_user),
		CASE(sudo__takes_its_password_and_the_command_its_own_secrets),
		CASE(pty__is_given_on_request),
		CASE(progress__tells_the_last_segment),
		CASE(calls__run_beside_a_long_job),
		CASE(pause__stops_the_flow_until_it_ends),
		CASE(call__with_bad_arguments_fails_in_words),
	};
	int failed;

	fixture_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return fixture_close(failed);
}
