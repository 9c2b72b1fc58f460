/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job.sh under dash, busybox ash and bash: every interleaving of its head, by stopping a script at the points named #@ in it. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "job_sh.h"

static const char *const dash[] = { "dash", NULL };
static const char *const ash[] = { "busybox", "sh", NULL };
static const char *const bash[] = { "bash", "--posix", NULL };

static const char *const *shell;	/* the one under test */
static char home[200];
static char *text;			/* job.sh with its points made real */

static pid_t begun[64];			/* verbs of the test that have not been waited for */
static size_t begun_count;

/* A verb of job.sh that runs. */
struct verb {
	pid_t pid;
	int out;
	char said[300];
};

static struct buf stopping_text(void)
{
	struct buf out = {0};

	for (const char *at = job_sh; *at;) {
		size_t len = strcspn(at, "\n");
		size_t tabs = strspn(at, "\t");

		if (str_starts(at + tabs, "#@"))
			buf_printf(&out, "[ \"$STOP\" != %.*s ] || { echo >\"$HOME/at\"; read -r bb_x <\"$HOME/go\"; }\n",
				   (int)(len - tabs - 2), at + tabs + 2);
		else
			buf_append(&out, at, len + 1);
		at += len + (at[len] == '\n');
	}
	return out;
}

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", home, name);
}

static int set_up(void **state)
{
	struct buf made = stopping_text();
	char *path;

	shell = *state;
	text = buf_take(&made);
	snprintf(home, sizeof(home), "%s/bellbook.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(home));
	setenv("HOME", home, 1);
	path = path_of("at");
	assert_int_equal(mkfifo(path, 0600), 0);
	mem_free(path);
	path = path_of("go");
	assert_int_equal(mkfifo(path, 0600), 0);
	mem_free(path);
	alarm(600);	/* only ever reached when a test fails */
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Lets every stopped script go on. */
static void release_all(void)
{
	char *path = path_of("at");
	int at = open(path, O_RDWR | O_NONBLOCK);
	int go;

	mem_free(path);
	path = path_of("go");
	go = open(path, O_RDWR | O_NONBLOCK);
	for (int i = 0; go >= 0 && i < 8; i++)
		(void)!write(go, "\n", 1);
	mem_free(path);
	for (size_t i = 0; i < begun_count; i++)
		kill(-begun[i], SIGKILL);
	begun_count = 0;
	close(at);
	close(go);
}

static int tear_down(void **state)
{
	/* After a failed test scripts may still be stopped. */
	(void)state;
	alarm(0);
	release_all();
	nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mem_free(text);
	return 0;
}

/* Starts "VERB JOB ARG…" (words at blanks; the command, if any, last), to stop at the point named stop ("" = nowhere). */
static struct verb begin(const char *stop, const char *words, const char *command)
{
	static const char run[] = "eval \"$1\"; shift; bb \"$@\"";
	const char *argv[20] = { NULL };
	struct proc_spawn spawn = { .argv = argv, .in = -1, .err = -1, .new_session = true };
	char *copy = mem_strdup(words);
	struct verb verb = { .pid = -1 };
	char *save = NULL;
	int n = 0, fds[2];
	struct err e;

	for (int i = 0; shell[i]; i++)
		argv[n++] = shell[i];
	argv[n++] = "-c";
	argv[n++] = run;
	argv[n++] = "bellbook";
	argv[n++] = text;
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	argv[n] = command;
	setenv("STOP", stop, 1);
	assert_int_equal(proc_pipe(fds, &e), 0);
	spawn.out = fds[1];
	verb.pid = proc_start(&spawn, &e);
	assert_true(verb.pid > 0);
	if (begun_count < sizeof(begun) / sizeof(begun[0]))
		begun[begun_count++] = verb.pid;
	verb.out = fds[0];
	close(fds[1]);
	mem_free(copy);
	return verb;
}

/* Waits for its end; what it said, without the last newline. */
static const char *finish(struct verb *verb)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(verb->out, verb->said + len, sizeof(verb->said) - 1 - len)) > 0)
		len += (size_t)got;
	verb->said[len] = '\0';
	verb->said[strcspn(verb->said, "\n")] = '\0';
	close(verb->out);
	proc_wait(verb->pid);
	for (size_t i = 0; i < begun_count; i++) {
		if (begun[i] == verb->pid)
			begun[i] = begun[--begun_count];
	}
	return verb->said;
}

static struct verb done;

static const char *verb(const char *words, const char *command)
{
	done = begin("", words, command);
	return finish(&done);
}

/* Waits until a script has come to its point. */
static void wait_stopped(void)
{
	char *path = path_of("at");
	int fd = open(path, O_RDONLY);
	char c;

	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	mem_free(path);
}

static void go_on(void)
{
	char *path = path_of("go");
	int fd = open(path, O_WRONLY);

	assert_int_equal(write(fd, "\n", 1), 1);
	close(fd);
	mem_free(path);
}

#define EFFECT "echo x >>$HOME/effects; exit 3"

/* How often the command ran. */
static int effects(void)
{
	char *path = path_of("effects");
	struct stat st;
	int count = stat(path, &st) == 0 ? (int)st.st_size / 2 : 0;

	mem_free(path);
	return count;
}

static void start__runs_once_and_refuses_a_second_time(void **state)
{
	(void)state;
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M ended 3");
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M refused");
	assert_string_equal(verb("look j M", NULL), "M finished 1 3");
	assert_string_equal(verb("poll j M 1", NULL), "M finished 1 3");
	assert_int_equal(effects(), 1);
}

static void two_starts__run_once(void **state)
{
	struct verb first = begin("start-before-runner", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M ended 3");
	go_on();
	assert_string_equal(finish(&first), "M refused");
	assert_int_equal(effects(), 1);
}

static void late_starter__is_ruled_out_by_look(void **state)
{
	struct verb late = begin("start-before-runner", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("look j M", NULL), "M never 2");
	go_on();
	assert_string_equal(finish(&late), "M void");
	assert_int_equal(effects(), 0);
	assert_string_equal(verb("start j 2 M 0", EFFECT), "M ended 3");
	assert_int_equal(effects(), 1);
}

static void starter__before_its_runner_is_ruled_out(void **state)
{
	struct verb late = begin("start-before-runner", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("look j M", NULL), "M never 2");
	assert_string_equal(verb("start j 2 M 0", EFFECT), "M ended 3");
	go_on();
	assert_string_equal(finish(&late), "M void");
	assert_int_equal(effects(), 1);
}

static void starter__killed_before_its_runner_never_ran(void **state)
{
	struct verb dead = begin("start-before-runner", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	kill(-dead.pid, SIGKILL);
	finish(&dead);
	assert_string_equal(verb("look j M", NULL), "M never 2");
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M void");
	assert_int_equal(effects(), 0);
}

static void runner__before_its_claim_is_ruled_out(void **state)
{
	struct verb late = begin("run-before-claim", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("look j M", NULL), "M never 2");
	go_on();
	assert_string_equal(finish(&late), "M void");
	assert_int_equal(effects(), 0);
	assert_string_equal(verb("start j 2 M 0", EFFECT), "M ended 3");
}

static void claim__being_written_is_told_as_such(void **state)
{
	struct verb slow = begin("run-in-claim", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("look j M", NULL), "M writing");
	assert_string_equal(verb("look j M", NULL), "M writing");
	go_on();
	assert_string_equal(finish(&slow), "M ended 3");
	assert_string_equal(verb("look j M", NULL), "M finished 1 3");
	assert_int_equal(effects(), 1);
}

static void two_looks__give_two_generations_and_one_start_runs(void **state)
{
	struct verb slow = begin("look-before-void", "look j M", NULL);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("look j M", NULL), "M never 2");
	go_on();
	/* It stops again before the second claim. */
	wait_stopped();
	go_on();
	assert_string_equal(finish(&slow), "M never 3");
	assert_string_equal(verb("start j 2 M 0", EFFECT), "M void");
	assert_string_equal(verb("start j 3 M 0", EFFECT), "M ended 3");
	assert_string_equal(verb("start j 3 M 0", EFFECT), "M refused");
	assert_int_equal(effects(), 1);
}

static void two_starts__at_one_claim_run_once(void **state)
{
	struct verb first = begin("run-in-claim", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M refused");
	go_on();
	assert_string_equal(finish(&first), "M ended 3");
	assert_int_equal(effects(), 1);
}

static void void_claim__being_written_stops_the_runner(void **state)
{
	struct verb slow = begin("void-in-claim", "look j M", NULL);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M refused");
	assert_string_equal(verb("look j M", NULL), "M writing");
	go_on();
	assert_string_equal(finish(&slow), "M never 2");
	assert_int_equal(effects(), 0);
}

/* The number at the beginning of a claim. */
static pid_t claimed_pid(void)
{
	char *path = path_of(".bellbook/jobs/j+1");
	FILE *file = fopen(path, "r");
	long pid = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld", &pid), 1);
	fclose(file);
	mem_free(path);
	return (pid_t)pid;
}

static void runner__killed_after_its_claim_is_unknown(void **state)
{
	struct verb dead = begin("run-claimed", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_true(str_starts(verb("look j M", NULL), "M running 1 "));
	kill(claimed_pid(), SIGKILL);
	assert_string_equal(finish(&dead), "M lost 137");
	assert_true(str_starts(verb("look j M", NULL), "M unknown "));
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M refused");
	assert_string_equal(verb("start j 2 M 0", "true"), "M ended 0");
}

static void runner__between_the_end_and_its_status_still_runs(void **state)
{
	struct verb slow = begin("run-before-rc", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_int_equal(effects(), 1);
	assert_true(str_starts(verb("look j M", NULL), "M running 1 "));
	assert_string_equal(verb("forget - M j", NULL), "M running");
	go_on();
	assert_string_equal(finish(&slow), "M ended 3");
}

static void runner__survives_its_starter(void **state)
{
	struct verb dead = begin("run-claimed", "start j 1 M 0", EFFECT);
	struct verb poll;

	(void)state;
	wait_stopped();
	kill(-dead.pid, SIGKILL);
	finish(&dead);
	go_on();
	do {
		poll = begin("", "look j M", NULL);
	} while (str_starts(finish(&poll), "M running"));
	assert_string_equal(poll.said, "M finished 1 3");
	assert_int_equal(effects(), 1);
}

static void claim__of_another_boot_is_unknown(void **state)
{
	struct verb running = begin("run-claimed", "start j 1 M 0", EFFECT);
	char *path = path_of(".bellbook/jobs/j+1");
	char *fake = path_of(".bellbook/jobs/k+1");
	FILE *file;

	(void)state;
	wait_stopped();
	file = fopen(fake, "w");
	fprintf(file, "%ld 1 another-boot\n", (long)claimed_pid());
	fclose(file);
	assert_string_equal(verb("look k M", NULL), "M unknown the host was restarted since");
	go_on();
	finish(&running);
	mem_free(path);
	mem_free(fake);
}

static void feed__cut_short_runs_nothing(void **state)
{
	(void)state;
	/* stdin is /dev/null: the end line never comes. */
	assert_string_equal(verb("start j 1 M 1", EFFECT), "M cut");
	assert_int_equal(effects(), 0);
	assert_string_equal(verb("look j M", NULL), "M never 2");
}

static void forget__keeps_the_fence_of_a_job_that_was_ruled_out(void **state)
{
	struct verb late = begin("start-before-runner", "start j 1 M 0", EFFECT);

	(void)state;
	wait_stopped();
	assert_string_equal(verb("look j M", NULL), "M never 2");
	assert_string_equal(verb("start j 2 M 0", EFFECT), "M ended 3");
	assert_string_equal(verb("forget - M j", NULL), "M kept");
	go_on();
	assert_string_equal(finish(&late), "M void");
	assert_int_equal(effects(), 1);
}

static void forget__leaves_nothing_of_many_jobs(void **state)
{
	char *path = path_of(".bellbook/jobs");

	(void)state;
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M ended 3");
	assert_string_equal(verb("start j.1 1 M 0", "true"), "M ended 0");
	assert_string_equal(verb("start k 1 M 0", "true"), "M ended 0");
	assert_string_equal(verb("forget - M j", NULL), "M gone");
	assert_string_equal(verb("poll j.1 M 1", NULL), "M finished 1 0");
	assert_string_equal(verb("forget - M j.1 k gone-before", NULL), "M gone");
	assert_int_equal(rmdir(path), 0);
	assert_string_equal(verb("forget - M j", NULL), "M gone");
	mem_free(path);
}

static void start__makes_the_folder_again_when_somebody_removes_it(void **state)
{
	struct verb slow = begin("start-before-runner", "start j 1 M 0", EFFECT);
	char *path = path_of(".bellbook/jobs");

	(void)state;
	wait_stopped();
	assert_int_equal(rmdir(path), 0);
	go_on();
	wait_stopped();
	go_on();
	assert_string_equal(finish(&slow), "M ended 3");
	assert_int_equal(effects(), 1);
	mem_free(path);
}

/* Runs a script of sh in a mount namespace where $HOME is a full disk of 64 KiB; its output. NULL when this machine has no such namespaces. */
static const char *on_small_disk(struct verb *verb_out, const char *script)
{
	char *all = mem_printf("mount -t tmpfs -o size=64k none \"$HOME\" || exit 99; bb() { %s %s -c "
			       "'eval \"$1\"; shift; bb \"$@\"' bellbook \"$0\" \"$@\" 2>&1; }; %s",
			       shell[0], shell[1] ? shell[1] : "", script);
	const char *argv[] = { "unshare", "-Urm", "sh", "-c", all, text, NULL };
	struct proc_spawn spawn = { .argv = argv, .in = -1, .err = -1, .new_session = true };
	size_t len = 0;
	ssize_t got;
	int fds[2], status;
	struct err e;

	setenv("STOP", "", 1);
	assert_int_equal(proc_pipe(fds, &e), 0);
	spawn.out = fds[1];
	verb_out->pid = proc_start(&spawn, &e);
	close(fds[1]);
	while ((got = read(fds[0], verb_out->said + len, sizeof(verb_out->said) - 1 - len)) > 0)
		len += (size_t)got;
	verb_out->said[len] = '\0';
	close(fds[0]);
	status = verb_out->pid > 0 ? proc_wait(verb_out->pid) : 99;
	mem_free(all);
	return status == 0 ? verb_out->said : NULL;
}

static void full_disk__stops_the_job_before_it_starts(void **state)
{
	struct verb run;
	const char *said = on_small_disk(&run, "cat /dev/zero >$HOME/big 2>/dev/null; bb start j 1 M 0 'echo ran'; rm $HOME/big; "
					       "ls $HOME/.bellbook/jobs; bb start j 1 M 0 'echo ran'");

	(void)state;
	if (!said)
		skip();
	assert_string_equal(said, "M full\nM ended 0\nran\n");
}

static void full_disk__made_by_the_job_does_not_lose_its_status(void **state)
{
	struct verb run;
	const char *said = on_small_disk(&run, "bb start j 1 M 0 'cat /dev/zero >$HOME/big 2>/dev/null; exit 5'; bb look j M");

	(void)state;
	if (!said)
		skip();
	assert_string_equal(said, "M ended 5\nM finished 1 5\n");
}

static void home__that_is_not_writable_is_told(void **state)
{
	char *path = path_of("file");

	(void)state;
	fclose(fopen(path, "w"));
	setenv("HOME", path, 1);
	assert_true(str_starts(verb("start j 1 M 0", EFFECT), "M nowhere mkdir: "));
	assert_true(str_starts(verb("look j M", NULL), "M nowhere mkdir: "));
	setenv("HOME", home, 1);
	mem_free(path);
}

/* Whose folder it is could have our files written where he likes. */
static void folder__of_somebody_else_is_not_used(void **state)
{
	char *outer = path_of(".bellbook"), *elsewhere = path_of("elsewhere");

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	assert_int_equal(symlink(elsewhere, outer), 0);
	assert_int_equal(lchown(outer, 65534, 65534), 0);
	assert_true(str_starts(verb("start j 1 M 0", EFFECT), "M nowhere use "));
	assert_int_equal(unlink(outer), 0);
	assert_int_equal(mkdir(outer, 0777), 0);
	assert_int_equal(chown(outer, 65534, 65534), 0);
	assert_true(str_starts(verb("start j 1 M 0", EFFECT), "M nowhere use "));
	assert_true(str_starts(verb("look j M", NULL), "M nowhere use "));
	assert_int_equal(effects(), 0);
	/* Nor is anything made in it. */
	/* A link of our own to a larger disk is what people have. */
	assert_int_equal(rmdir(outer), 0);
	assert_int_equal(symlink(elsewhere, outer), 0);
	assert_string_equal(verb("start j 1 M 0", EFFECT), "M ended 3");
	mem_free(outer);
	mem_free(elsewhere);
}

/* Runs a verb with the place that a fleet file names. */
static const char *verb_at(const char *place, const char *verbs)
{
	char *plain = text;
	const char *said;

	text = mem_printf("%s\nbb_jobs_at '%s'\n", plain, place);
	said = verb(verbs, EFFECT);
	mem_free(text);
	text = plain;
	return said;
}

static void place__that_is_named_has_the_jobs(void **state)
{
	char *place = path_of("place"), *claim = path_of("place/j+1"), *other = path_of(".bellbook");

	(void)state;
	assert_string_equal(verb_at(place, "start j 1 M 0"), "M ended 3");
	assert_int_equal(access(claim, F_OK), 0);
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(effects(), 1);
	mem_free(place);
	mem_free(claim);
	mem_free(other);
}

static void place__that_others_can_write_or_own_is_not_used(void **state)
{
	char *outer = path_of("outer"), *place = path_of("outer/place");

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(outer, 0700) + mkdir(place, 0700) + chmod(place, 0770), 0);
	assert_true(strstr(verb_at(place, "start j 1 M 0"), "others can write to it"));
	assert_int_equal(chmod(place, 0700) + chmod(outer, 0777), 0);
	assert_true(strstr(verb_at(place, "start j 1 M 0"), "others can write to it"));
	/* In a folder like /var/tmp nobody renames what is another's. */
	assert_int_equal(chmod(outer, 01777), 0);
	assert_string_equal(verb_at(place, "start j 1 M 0"), "M ended 3");
	assert_int_equal(chown(place, 65534, 65534), 0);
	assert_true(strstr(verb_at(place, "start k 1 M 0"), "belongs to somebody else"));
	assert_int_equal(chown(place, 0, 0) + chown(outer, 65534, 65534), 0);
	assert_true(strstr(verb_at(place, "start k 1 M 0"), "belongs to somebody else"));
	assert_true(str_starts(verb_at(outer, "start k 1 M 0"), "M nowhere use "));
	assert_true(str_starts(verb_at("/proc/none/place", "start k 1 M 0"), "M nowhere mkdir: "));
	assert_int_equal(effects(), 1);
	mem_free(outer);
	mem_free(place);
}

static mode_t mode_of(const char *name)
{
	char *path = path_of(name);
	struct stat st;

	if (stat(path, &st) < 0)
		fail_msg("%s is not there", path);
	mem_free(path);
	return st.st_mode & 07777;
}

/* Ours can be read by us, and by nobody else; the command has what the log-in has. */
static void files__are_for_us_alone_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0277, 0777 };
	static const char *const files[] = { "j+1", "j+2", "j+out", "j+err" };

	(void)state;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t before = umask(masks[i]);
		char *want = mem_printf("test $(umask) -eq %03o && >$HOME/made", (unsigned)masks[i]);

		assert_string_equal(verb("look j M", NULL), "M never 2");
		assert_string_equal(verb("start j 2 M 0", want), "M ended 0");
		assert_string_equal(verb("look j M", NULL), "M finished 2 0");
		umask(before);
		assert_int_equal(mode_of("made"), 0666 & ~masks[i]);
		assert_int_equal(mode_of(".bellbook"), 0700);
		assert_int_equal(mode_of(".bellbook/jobs"), 0700);
		for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
			char *name = mem_printf(".bellbook/jobs/%s", files[k]), *path = path_of(name);

			assert_int_equal(mode_of(name), 0600);
			assert_int_equal(unlink(path), 0);
			mem_free(name);
			mem_free(path);
		}
		mem_free(want);
		want = path_of("made");
		assert_int_equal(unlink(want), 0);
		mem_free(want);
	}
}

#define CASE(name, sh) { #name " (" #sh ")", name, set_up, tear_down, (void *)(uintptr_t)sh }
#define ALL(sh) \
	CASE(start__runs_once_and_refuses_a_second_time, sh), \
	CASE(two_starts__run_once, sh), \
	CASE(late_starter__is_ruled_out_by_look, sh), \
	CASE(starter__before_its_runner_is_ruled_out, sh), \
	CASE(starter__killed_before_its_runner_never_ran, sh), \
	CASE(runner__before_its_claim_is_ruled_out, sh), \
	CASE(claim__being_written_is_told_as_such, sh), \
	CASE(two_looks__give_two_generations_and_one_start_runs, sh), \
	CASE(two_starts__at_one_claim_run_once, sh), \
	CASE(void_claim__being_written_stops_the_runner, sh), \
	CASE(runner__killed_after_its_claim_is_unknown, sh), \
	CASE(runner__between_the_end_and_its_status_still_runs, sh), \
	CASE(runner__survives_its_starter, sh), \
	CASE(claim__of_another_boot_is_unknown, sh), \
	CASE(feed__cut_short_runs_nothing, sh), \
	CASE(forget__keeps_the_fence_of_a_job_that_was_ruled_out, sh), \
	CASE(forget__leaves_nothing_of_many_jobs, sh), \
	CASE(start__makes_the_folder_again_when_somebody_removes_it, sh), \
	CASE(full_disk__stops_the_job_before_it_starts, sh), \
	CASE(full_disk__made_by_the_job_does_not_lose_its_status, sh), \
	CASE(folder__of_somebody_else_is_not_used, sh), \
	CASE(place__that_is_named_has_the_jobs, sh), \
	CASE(place__that_others_can_write_or_own_is_not_used, sh), \
	CASE(files__are_for_us_alone_whatever_the_umask, sh), \
	CASE(home__that_is_not_writable_is_told, sh)

int main(void)
{
	const struct CMUnitTest tests[] = { ALL(dash), ALL(ash), ALL(bash) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
