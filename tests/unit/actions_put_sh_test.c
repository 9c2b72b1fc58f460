/* SPDX-License-Identifier: GPL-3.0-or-later */
/* put.sh, stopped at each of its points while somebody looks: nothing comes late. On sh, and on busybox where it is there. */
#define _GNU_SOURCE
#include "actions_fixture.h"

#include <fcntl.h>
#include <poll.h>

#include "base/proc.h"
#include "base/sha256.h"
#include "put_sh.h"

static const char *shell = "sh";
static size_t cut;	/* so many bytes of the content do not arrive */

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(at_home(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *name, const char *wanted)
{
	char *text = slurp(at_home(name));

	assert_string_equal(text, wanted);
	mem_free(text);
}

/* The text of put.sh, which waits at a point (NULL: nowhere) until the file "go" is there, having made "here". */
static void script_of(struct buf *script, const char *point, const char *call)
{
	const char *at = put_sh;
	char *mark = mem_printf("#@%s\n", point ? point : "-");
	const char *found = strstr(at, mark);

	assert_true(!point || found);
	if (found) {
		buf_append(script, at, (size_t)(found - at));
		buf_printf(script, ": >'%s/here'; while [ ! -e '%s/go' ]; do sleep 0.01; done\n", home, home);
		at = found;
	}
	buf_puts(script, at);
	buf_printf(script, "\n%s\n", call);
	mem_free(mark);
}

/* Starts `VERB M HOME/target job+1 N MODE OWNER` with the hash and content on stdin; its answer comes into the file `to`. */
static pid_t start(const char *verb, const char *n, const char *content, const char *point, const char *to)
{
	struct buf script = {0}, in = {0};
	char *call = mem_printf("bb_%s M '%s/target' job+1 %s '' ''", verb, home, n);
	char *in_path = mem_printf("%s/in.%s", home, to), *out_path = mem_printf("%s/%s", home, to);
	const char *argv[5] = { shell, "-c" };
	int words = 2;
	struct proc_spawn spawn = { .argv = argv, .err = -1 };
	unsigned char sum[SHA256_LEN];
	struct err e;
	pid_t pid;

	sha256_of(content, strlen(content), sum);
	str_hex(&in, sum, sizeof(sum));
	buf_putc(&in, '\n');
	buf_append(&in, content, strlen(content) - cut);
	write_file(in_path + strlen(home) + 1, buf_text(&in));
	script_of(&script, point, call);
	if (str_is(shell, "busybox")) {
		argv[1] = "sh";
		argv[words++] = "-c";
	}
	argv[words] = buf_text(&script);
	spawn.in = open(in_path, O_RDONLY | O_CLOEXEC);
	spawn.out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	pid = proc_start(&spawn, &e);
	assert_true(pid > 0);
	close(spawn.in);
	close(spawn.out);
	buf_done(&script);
	buf_done(&in);
	mem_free(call);
	mem_free(in_path);
	mem_free(out_path);
	return pid;
}

static void run_all(const char *verb, const char *n, const char *content, const char *wanted)
{
	assert_int_equal(proc_wait(start(verb, n, content, NULL, "answer")), 0);
	assert_file("answer", wanted);
}

static void await_here(void)
{
	for (int i = 0; i < 2000 && !exists("here"); i++)
		poll(NULL, 0, 5);
	assert_true(exists("here"));
}

/* Files of ours that are still beside the target. */
static int remains(void)
{
	struct buf command = {0};
	char *text;
	int count;

	buf_printf(&command, "ls -A '%s' | grep -c '^[.]bellbook+' >'%s/count'", home, home);
	(void)proc_wait(proc_start(&(struct proc_spawn){ .argv = (const char *const[]){ "sh", "-c", buf_text(&command), NULL },
							 .in = -1, .out = -1, .err = -1 }, &(struct err){0}));
	text = slurp(at_home("count"));
	count = (int)strtol(text, NULL, 10);
	mem_free(text);
	buf_done(&command);
	return count;
}

static int clear_home(void **state)
{
	struct buf command = {0};

	shell = *state;
	buf_printf(&command, "rm -rf '%s'/* '%s'/.bellbook*", home, home);
	(void)proc_wait(proc_start(&(struct proc_spawn){ .argv = (const char *const[]){ "sh", "-c", buf_text(&command), NULL },
							 .in = -1, .out = -1, .err = -1 }, &(struct err){0}));
	buf_done(&command);
	return 0;
}

static void put__makes_changes_and_says_same(void **state)
{
	struct stat st;

	(void)state;
	run_all("put", "1", "one", "M done 644\n");
	assert_file("target", "one");
	run_all("put", "1", "one", "M same 644\n");
	chmod(at_home("target"), 0751);
	run_all("put", "1", "two", "M done 751\n");
	assert_int_equal(stat(at_home("target"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0751);
	assert_int_equal(remains(), 0);
}

static void put__after_a_look_finds_the_void_and_goes(void **state)
{
	(void)state;
	write_file("target", "old");
	run_all("look", "-", "new", "M other\n");
	run_all("put", "1", "new", "M void\n");
	assert_file("target", "old");
	run_all("look", "1", "new", "M other\n");
	run_all("put", "2", "new", "M void\n");
	assert_file("target", "old");
}

static void put__one_attempt_void_leaves_the_next_free(void **state)
{
	(void)state;
	write_file("target", "old");
	run_all("look", "1", "new", "M other\n");
	run_all("put", "1", "new", "M void\n");
	run_all("put", "2", "new", "M done 644\n");
	assert_file("target", "new");
	assert_int_equal(remains(), 0);
}

/* Stops a put at a point, looks, lets it go on: what look said stays true. */
static void meet(const char *point, const char *n, const char *said)
{
	pid_t pid;

	write_file("target", "old");
	pid = start("put", "1", "new", point, "slow");
	await_here();
	run_all("look", n, "new", said);
	write_file("go", "");
	(void)proc_wait(pid);
	assert_file("target", "old");
}

static void look__while_a_file_was_just_made(void **state)
{
	(void)state;
	meet("put-created", "-", "M other\n");
	assert_file("slow", "M void\n");
}

static void look__at_one_attempt_while_its_file_was_just_made(void **state)
{
	(void)state;
	meet("put-created", "1", "M other\n");
	assert_file("slow", "M void\n");
}

static void look__just_before_the_rename_makes_it_fail(void **state)
{
	(void)state;
	meet("put-before-rename", "-", "M other\n");
	assert_file("slow", "M failed put it in its place\n");
}

static void look__after_the_rename_says_same(void **state)
{
	(void)state;
	run_all("put", "1", "new", "M done 644\n");
	run_all("look", "-", "new", "M same 644\n");
	assert_int_equal(remains(), 0);
}

static void put__between_void_and_look_is_seen_or_stopped(void **state)
{
	pid_t pid;

	(void)state;
	write_file("target", "old");
	pid = start("look", "-", "new", "look-fenced", "slow");
	await_here();
	run_all("put", "1", "new", "M void\n");
	write_file("go", "");
	(void)proc_wait(pid);
	assert_file("slow", "M other\n");
	assert_file("target", "old");
}

static void put__of_cut_content_changes_nothing(void **state)
{
	(void)state;
	write_file("target", "old");
	cut = 2;
	run_all("put", "1", "new", "M cut\n");
	cut = 0;
	assert_file("target", "old");
	assert_int_equal(remains(), 0);
}

/* cmocka wants the state to be writable. */
static char plain_name[] = "sh", busybox_name[] = "busybox";

#define ON(name, test, state) { name "/" #test, test, clear_home, clear_home, state }
#define BOTH(test) ON("sh", test, plain_name), ON("busybox", test, busybox_name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(put__makes_changes_and_says_same),
		BOTH(put__after_a_look_finds_the_void_and_goes),
		BOTH(put__one_attempt_void_leaves_the_next_free),
		BOTH(look__while_a_file_was_just_made),
		BOTH(look__at_one_attempt_while_its_file_was_just_made),
		BOTH(look__just_before_the_rename_makes_it_fail),
		BOTH(look__after_the_rename_says_same),
		BOTH(put__between_void_and_look_is_seen_or_stopped),
		BOTH(put__of_cut_content_changes_nothing),
	};
	int failed;

	fixture_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return fixture_close(failed);
}
