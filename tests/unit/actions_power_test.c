/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The power goes after each line of job.sh: what was not synced is gone, or some
 * of it is, as a file system does.
 *
 * job.sh runs with a `sync` of ours, which notes what of $HOME is on the disk
 * now (the content of a file, the names in a folder), and with a call of `line N`
 * behind each line, which keeps a copy of the disk and of the memory as they
 * are then. This program is both: see main. One log, out of the power's reach,
 * gets what happens outside in its order: the effect of the command, what was
 * told, and the lines. Afterwards each copy is a host that has started again,
 * and is asked.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
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

#define JOBS ".bellbook/jobs"

static const char *const dash[] = { "dash", NULL };
static const char *const ash[] = { "busybox", "sh", NULL };
static const char *const bash[] = { "bash", "--posix", NULL };
static const char *const folders[] = { "", ".bellbook", JOBS };	/* of $HOME, the outer first */

static const char *const *shell;
static char top[200];		/* of the test: home, disk, cuts, log, bin */

static char *below(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A path below top; caller frees. */
static char *below(const char *format, ...)
{
	va_list args;
	char rest[300];
	char *path;

	va_start(args, format);
	vsnprintf(rest, sizeof(rest), format, args);
	va_end(args);
	path = mem_printf("%s/%s", top, rest);
	return path;
}

/* A PATH in which the programs of that folder below top come first; caller frees. */
static char *path_with(const char *folder)
{
	return mem_printf("%s/%s:%s", top, folder, getenv("OLD_PATH"));
}

static bool slurp(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "r");
	size_t got;

	buf_clear(text);
	if (!file)
		return false;
	while ((got = fread(buf_room(text, 4096), 1, 4096, file)) > 0)
		buf_added(text, got);
	fclose(file);
	return true;
}

static void spit(const char *path, const char *mode, const void *bytes, size_t len)
{
	FILE *file = fopen(path, mode);

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
		abort();
}

static void copy_file(const char *from, const char *to)
{
	struct buf text = {0};

	if (slurp(from, &text))
		spit(to, "w", buf_text(&text), text.len);
	buf_done(&text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Calls what with each name in a folder. */
static void each_name(const char *folder, void (*what)(const char *name, void *arg), void *arg)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!str_is(entry->d_name, ".") && !str_is(entry->d_name, ".."))
			what(entry->d_name, arg);
	}
	if (dir)
		closedir(dir);
}

/* ---- the disk: content.NAME for each file synced, names.N for each folder ---- */

static void add_name(const char *name, void *arg)
{
	buf_printf(arg, "/%s/", name);
}

static void sync_one(const char *path)
{
	char *home = below("home");
	const char *rest = path + strlen(home);
	struct stat st;

	if (str_starts(path, home) && stat(path, &st) == 0) {
		const char *name = strrchr(path, '/') + 1;
		struct buf names = {0};

		for (int i = 0; i < 3; i++) {
			char *to = below("disk/names.%d", i);

			if (S_ISDIR(st.st_mode) && str_is(*rest == '/' ? rest + 1 : rest, folders[i])) {
				each_name(path, add_name, &names);
				spit(to, "w", buf_text(&names), names.len);
			}
			mem_free(to);
		}
		if (S_ISREG(st.st_mode)) {
			char *to = below("disk/content.%s", name);

			copy_file(path, to);
			mem_free(to);
		}
		buf_done(&names);
	}
	mem_free(home);
}

/* The program `sync`: with files. */
static int tool_sync(char **argv)
{
	struct stat st;
	int result = 0;

	for (argv++; *argv; argv++) {
		if (str_is(*argv, "--"))
			continue;
		if (stat(*argv, &st) < 0)
			result = 1;
		sync_one(*argv);
	}
	return result;
}

struct copying {
	char *from, *to;
};

static void copy_one(const char *name, void *arg)
{
	const struct copying *copying = arg;
	char *from = mem_printf("%s/%s", copying->from, name), *to = mem_printf("%s/%s", copying->to, name);

	copy_file(from, to);
	mem_free(from);
	mem_free(to);
}

static void copy_folder(char *from, char *to)
{
	mkdir(to, 0700);
	each_name(from, copy_one, &(struct copying){ from, to });
	mem_free(from);
	mem_free(to);
}

/* The program `line N STATUS`: keeps disk and memory. It ends with that status, so that the script sees the one before it. */
static int tool_line(char **argv)
{
	struct buf log = {0};
	char *path = below("log"), *folder;
	int number = 0;

	slurp(path, &log);
	for (const char *at = buf_text(&log); (at = strstr(at, "line ")); at++)
		number++;
	folder = below("cut.%d", number);
	mkdir(folder, 0700);
	mem_free(folder);
	copy_folder(below("disk"), below("cut.%d/disk", number));
	copy_folder(below("home/" JOBS), below("cut.%d/live", number));
	buf_clear(&log);
	buf_printf(&log, "line %s\n", argv[1]);
	spit(path, "a", log.data, log.len);
	buf_done(&log);
	mem_free(path);
	return (int)strtol(argv[2], NULL, 10);
}

/* ---- the script ---- */

static int count(const char *line, size_t len, char c)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += line[i] == c;
	return n;
}

/* True when a command may follow in the next line: it ends a command, and no quote is open behind it. */
static bool ends_command(const char *line, size_t len)
{
	static const char *const open[] = { "{", "then", "do", "else", "in", ")", "|", "&&", "||", "\\", ";;", "&", "(" };

	if (len == 0 || *line == '#' || count(line, len, '"') % 2 || count(line, len, '\'') % 2)
		return false;
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		size_t n = strlen(open[i]);

		if (len >= n && memcmp(line + len - n, open[i], n) == 0)
			return false;
	}
	return true;
}

static void script_with_lines(struct buf *out)
{
	int number = 0;

	for (const char *at = job_sh; *at;) {
		size_t len = strcspn(at, "\n"), tabs = strspn(at, "\t");

		buf_append(out, at, len + (at[len] == '\n'));
		number++;
		/* Only in functions and in the runner: what is at the left margin is read once and runs nothing. */
		if (tabs > 0 && ends_command(at + tabs, len - tabs))
			buf_printf(out, "line %d $?\n", number);
		at += len + (at[len] == '\n');
	}
}

/* Runs `bb VERBS…` with $HOME and what it says appended to to. */
static void run_verbs(const char *script, const char *home, const char *verbs, const char *to)
{
	const char *argv[8] = { NULL };
	char *text = mem_printf("%s\n%s\n", script, verbs);
	struct proc_spawn spawn = { .argv = argv, .in = -1, .err = -1, .new_session = true };
	struct err e;
	pid_t pid;
	int n = 0;

	for (int i = 0; shell[i]; i++)
		argv[n++] = shell[i];
	argv[n++] = "-c";
	argv[n] = text;
	setenv("HOME", home, 1);
	spawn.out = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid = proc_start(&spawn, &e);
	if (pid <= 0)
		fail_msg("%s", e.text);
	proc_wait(pid);
	close(spawn.out);
	mem_free(text);
}

/* ---- a host that has started again ---- */

enum keeps { KEEPS_FOLDERS = 1, KEEPS_NAMES = 2, KEEPS_CLAIMS = 4, KEEPS_OUTPUT = 8, KEEPS_ALL = 16 };

struct after {
	int cut;
	int keeps;		/* what of the memory had come to the disk by itself */
	struct buf state;	/* in words, to know it again */
};

static bool has_name(struct after *after, int folder, const char *name)
{
	char *path = below("cut.%d/disk/names.%d", after->cut, folder), *wanted = mem_printf("/%s/", name);
	struct buf names = {0};
	bool has;

	slurp(path, &names);
	has = strstr(buf_text(&names), wanted) != NULL;
	buf_done(&names);
	mem_free(path);
	mem_free(wanted);
	return has;
}

/* One file of the folder of jobs. */
static void restore_one(const char *name, void *arg)
{
	struct after *after = arg;
	bool is_output = str_ends(name, "+out") || str_ends(name, "+err");
	char *from = NULL, *to = below("again/" JOBS "/%s", name);
	struct buf text = {0};

	if ((after->keeps & KEEPS_NAMES) || has_name(after, 2, name)) {
		if (after->keeps & (is_output ? KEEPS_OUTPUT : KEEPS_CLAIMS))
			from = below("cut.%d/live/%s", after->cut, name);
		else
			from = below("cut.%d/disk/content.%s", after->cut, name);
		slurp(from, &text);
		spit(to, "w", buf_text(&text), text.len);
		buf_printf(&after->state, "%s=%s;", name, buf_text(&text));
	}
	buf_done(&text);
	mem_free(from);
	mem_free(to);
}

static void restore(struct after *after)
{
	char *again = below("again"), *outer = below("again/.bellbook"), *jobs = below("again/" JOBS);
	char *live = below("cut.%d/live", after->cut);

	remove_tree(again);
	mkdir(again, 0700);
	if ((after->keeps & KEEPS_FOLDERS) || has_name(after, 0, ".bellbook"))
		mkdir(outer, 0700);
	if (((after->keeps & KEEPS_FOLDERS) || has_name(after, 1, "jobs")) && mkdir(jobs, 0700) == 0)
		each_name(live, restore_one, after);
	mem_free(again);
	mem_free(outer);
	mem_free(jobs);
	mem_free(live);
}

/* What job.sh says there. */
static void ask_again(struct buf *answer)
{
	char *home = below("again"), *to = below("answer"), *bin = path_with("still");

	(void)unlink(to);
	setenv("PATH", bin, 1);
	run_verbs(job_sh, home, "bb look j M", to);
	slurp(to, answer);
	mem_free(home);
	mem_free(to);
	mem_free(bin);
}

/* Nothing that happened outside before the power went may be forgotten. */
static void judge(struct after *after, const char *before, int *asked)
{
	bool ran = strstr(before, "effect\n") != NULL;
	bool told = strstr(before, "M ended 3\n") || strstr(before, "M finished");
	struct buf answer = {0}, out = {0};
	char *path = below("again/" JOBS "/j+out");

	ask_again(&answer);
	++*asked;
	slurp(path, &out);
	mem_free(path);
	if (ran && str_starts(buf_text(&answer), "M never"))
		fail_msg("cut %d, keeps %d: it ran, and \"%s\"; on the disk: %s", after->cut, after->keeps,
			 buf_text(&answer), buf_text(&after->state));
	if (told && (!str_starts(buf_text(&answer), "M finished") || !str_is(buf_text(&out), "hello\n")))
		fail_msg("cut %d, keeps %d: its end was told, and \"%s\"; on the disk: %s", after->cut, after->keeps,
			 buf_text(&answer), buf_text(&after->state));
	if (str_starts(buf_text(&answer), "M finished") && !str_is(buf_text(&out), "hello\n"))
		fail_msg("cut %d, keeps %d: an end without its output; on the disk: %s", after->cut, after->keeps,
			 buf_text(&after->state));
	if (!str_starts(buf_text(&answer), "M never") && !str_starts(buf_text(&answer), "M finished 1 3\n") &&
	    !str_starts(buf_text(&answer), "M finished 2 3\n") && !str_starts(buf_text(&answer), "M unknown") &&
	    !str_starts(buf_text(&answer), "M writing"))
		fail_msg("cut %d, keeps %d: \"%s\"", after->cut, after->keeps, buf_text(&answer));
	buf_done(&answer);
	buf_done(&out);
}

/* Each way in which the host may come back from one cut. States that were judged with the same past are left out. */
static void judge_cut(int cut, const char *before, struct buf *seen, int *asked)
{
	for (int keeps = 0; keeps < KEEPS_ALL; keeps++) {
		struct after after = { .cut = cut, .keeps = keeps };
		struct buf key = {0};

		/* The content of a file whose name is gone counts for nothing. */
		if (!(keeps & KEEPS_FOLDERS) && (keeps & KEEPS_NAMES))
			continue;
		restore(&after);
		buf_printf(&key, "<%d %d %s>", strstr(before, "effect\n") != NULL,
			   strstr(before, "M ended") || strstr(before, "M finished"), buf_text(&after.state));
		if (!seen->len || !strstr(buf_text(seen), buf_text(&key))) {
			buf_append(seen, key.data, key.len);
			judge(&after, before, asked);
		}
		buf_done(&key);
		buf_done(&after.state);
	}
}

/* Runs verbs, and lets the power go after each line that they went through. */
static void lose_power(const char *verbs)
{
	struct buf script = {0}, log = {0}, before = {0}, seen = {0};
	char *home = below("home"), *path = below("log"), *bin = path_with("bin");
	int cut = 0, asked = 0;

	script_with_lines(&script);
	setenv("PATH", bin, 1);
	run_verbs(buf_text(&script), home, verbs, path);
	assert_true(slurp(path, &log));
	assert_non_null(strstr(buf_text(&log), "effect\n"));
	assert_non_null(strstr(buf_text(&log), "M ended 3\n"));
	for (const char *at = buf_text(&log); *at; at += strcspn(at, "\n") + 1) {
		if (str_starts(at, "line "))
			judge_cut(cut++, buf_text(&before), &seen, &asked);
		buf_append(&before, at, strcspn(at, "\n") + 1);
	}
	assert_true(cut > 20);
	assert_true(asked > 5);
	buf_done(&script);
	buf_done(&log);
	buf_done(&before);
	buf_done(&seen);
	mem_free(home);
	mem_free(path);
	mem_free(bin);
}

static void link_self(const char *name)
{
	char *path = below("%s", name);
	char self[400] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(symlink(self, path), 0);
	mem_free(path);
}

static int set_up(void **state)
{
	static const char *const made[] = { "home", "disk", "bin", "still", "none" };
	char *path;

	shell = *state;
	snprintf(top, sizeof(top), "%s/bellbook.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(top));
	setenv("POWER_TOP", top, 1);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		path = below("%s", made[i]);
		assert_int_equal(mkdir(path, 0700), 0);
		mem_free(path);
	}
	link_self("bin/sync");
	link_self("bin/line");
	path = below("still/sync");
	assert_int_equal(symlink("/bin/true", path), 0);
	mem_free(path);
	path = below("log");
	setenv("LOG", path, 1);
	mem_free(path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	setenv("PATH", getenv("OLD_PATH"), 1);
	remove_tree(top);
	return 0;
}

#define START(generation) "bb start j " generation " M 0 'echo effect >>\"$LOG\"; echo hello; exit 3'"

static void power__lost_after_any_line_of_a_job_is_never_taken_for_not_started(void **state)
{
	(void)state;
	lose_power(START("1"));
}

static void power__lost_after_a_job_was_ruled_out_does_not_hide_the_next(void **state)
{
	(void)state;
	lose_power("bb look j M; " START("2"));
}

static void power__lost_after_an_end_was_looked_up_keeps_it(void **state)
{
	(void)state;
	lose_power(START("1") "; bb look j M; bb poll j M 1");
}

static void sync__that_is_missing_lets_no_job_start(void **state)
{
	static const char *const tools[] = { "sh", "mkdir", "rmdir", "rm", "head", "setsid", "stat", "id" };
	struct buf answer = {0};
	char *home = below("home"), *to = below("answer"), *none = below("none");

	(void)state;
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		char *path = below("none/%s", tools[i]), *real = mem_printf("/usr/bin/%s", tools[i]);

		assert_int_equal(symlink(access(real, X_OK) == 0 ? real : real + 4, path), 0);
		mem_free(path);
		mem_free(real);
	}
	for (int i = 0; shell[i]; i++) {
		char *path = below("none/%s", shell[i]), *real = mem_printf("/bin/%s", shell[i]);

		(void)!symlink(real, path);
		mem_free(path);
		mem_free(real);
	}
	setenv("PATH", none, 1);
	run_verbs(job_sh, home, START("1"), to);
	setenv("PATH", getenv("OLD_PATH"), 1);
	assert_true(slurp(to, &answer));
	assert_true(str_starts(buf_text(&answer), "M cannot sync"));
	assert_int_not_equal(access(getenv("LOG"), F_OK), 0);
	buf_done(&answer);
	mem_free(home);
	mem_free(to);
	mem_free(none);
}

#define CASE(name, sh) { #name " (" #sh ")", name, set_up, tear_down, (void *)(uintptr_t)sh }
#define ALL(sh) \
	CASE(power__lost_after_any_line_of_a_job_is_never_taken_for_not_started, sh), \
	CASE(power__lost_after_a_job_was_ruled_out_does_not_hide_the_next, sh), \
	CASE(power__lost_after_an_end_was_looked_up_keeps_it, sh), \
	CASE(sync__that_is_missing_lets_no_job_start, sh)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { ALL(dash), ALL(ash), ALL(bash) };
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];

	if (getenv("POWER_TOP"))
		str_copy(top, sizeof(top), getenv("POWER_TOP"));
	if (str_is(name, "sync"))
		return tool_sync(argv);
	if (str_is(name, "line") && argc == 3)
		return tool_line(argv);
	setenv("OLD_PATH", getenv("PATH"), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
