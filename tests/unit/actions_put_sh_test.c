/* SPDX-License-Identifier: GPL-3.0-or-later */
/* put.sh, stopped at each of its points while somebody looks: nothing comes late. On sh, and on busybox where it is there. */
#define _GNU_SOURCE
#include "actions_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/proc.h"
#include "base/sha256.h"
#include "get_sh.h"
#include "path_sh.h"
#include "put_sh.h"

static const char *shell = "sh";
static const char *target = "target", *mode = "";	/* what is put */
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
	buf_printf(script, "\n%s\nrmdir() { command rmdir \"$@\" 2>>'%s/words'; }\n%s\n", path_sh, home, call);
	mem_free(mark);
}

/* Starts `VERB M HOME/target job+1 N MODE OWNER` with the hash and content on stdin; its answer comes into the file `to`. */
static pid_t start(const char *verb, const char *n, const char *content, const char *point, const char *to)
{
	struct buf script = {0}, in = {0};
	char *call = mem_printf("bb_%s M '%s/%s' job+1 %s '%s' '' unguessed", verb, home, target, n, mode);
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

/* ---- what others may have laid there ---- */

#define STRANGER 65534

/* False, with words, when this machine's user cannot make files of somebody else's. */
static bool can_be_another(void)
{
	if (geteuid() == 0)
		return true;
	print_message("only root can make links of another owner\n");
	return false;
}

static void link_of(const char *to, const char *name, uid_t owner)
{
	char *path = mem_printf("%s/%s", home, to);

	assert_int_equal(symlink(path, at_home(name)), 0);
	assert_int_equal(lchown(at_home(name), owner, owner), 0);
	mem_free(path);
}

/* A folder that others can write: all, or its owner, who is not we. */
static void shared_folder(const char *name, mode_t bits, uid_t owner)
{
	assert_int_equal(mkdir(at_home(name), 0700), 0);
	assert_int_equal(chmod(at_home(name), bits), 0);
	assert_int_equal(chown(at_home(name), owner, owner), 0);
}

/* failed: what it cannot do with that file; NULL: it is done. */
static void put_to(const char *name, const char *failed)
{
	char *said = failed ? mem_printf("M failed %s %s/%s\n", failed, home, name) : mem_strdup("M done 644\n");

	target = name;
	run_all("put", "1", "evil", said);
	target = "target";
	mem_free(said);
}

/* What is there stays what it is, and nothing is made beside it. */
static void stays(const char *name, mode_t type)
{
	struct stat before, after;

	assert_int_equal(stat(at_home(name), &before), 0);
	assert_int_equal(before.st_mode & S_IFMT, type);
	put_to(name, "replace");
	assert_int_equal(stat(at_home(name), &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(remains(), 0);
}

static void put__replaces_nothing_but_a_plain_file(void **state)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd;

	(void)state;
	assert_int_equal(mkdir(at_home("folder"), 0700), 0);
	stays("folder", S_IFDIR);
	assert_int_equal(mkfifo(at_home("fifo"), 0600), 0);
	stays("fifo", S_IFIFO);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(str_copy(where.sun_path, sizeof(where.sun_path), at_home("socket")));
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	close(fd);
	stays("socket", S_IFSOCK);
	assert_int_equal(symlink("fifo", at_home("link")), 0);
	stays("link", S_IFIFO);
	if (geteuid() != 0)
		return;
	/* As /dev/null. */
	if (mknod(at_home("device"), S_IFCHR | 0666, makedev(1, 3)) < 0)
		print_message("no devices can be made here\n");
	else
		stays("device", S_IFCHR);
}

static void put__over_what_came_meanwhile_replaces_nothing_but_a_plain_file(void **state)
{
	pid_t pid = start("put", "1", "new", "put-before-rename", "slow");
	struct stat st;

	(void)state;
	await_here();
	assert_int_equal(mkfifo(at_home("target"), 0600), 0);
	write_file("go", "");
	(void)proc_wait(pid);
	assert_file("slow", "M failed put it in its place\n");
	assert_int_equal(stat(at_home("target"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(remains(), 0);
}

/* Its clean-up has nothing to say, wherever its words would go. */
static void put__says_nothing_but_its_answer(void **state)
{
	char *words;

	(void)state;
	write_file("words", "");
	run_all("put", "1", "one", "M done 644\n");
	words = slurp(at_home("words"));
	assert_string_equal(words, "");
	mem_free(words);
}

static void put__follows_no_link_of_another_owner_where_others_can_write(void **state)
{
	(void)state;
	if (!can_be_another())
		return;
	write_file("victim", "precious");
	shared_folder("all", 01777, 0);
	shared_folder("theirs", 0755, STRANGER);
	shared_folder("group", 0775, 0);
	link_of("victim", "all/link", STRANGER);
	link_of("victim", "theirs/link", STRANGER);
	link_of("victim", "group/link", STRANGER);
	link_of("", "all/folder", STRANGER);
	link_of("all/folder", "way", 0);
	put_to("all/link", "reach");
	put_to("theirs/link", "reach");
	put_to("group/link", "reach");
	put_to("all/folder/victim", "reach");
	put_to("way/victim", "reach");
	assert_file("victim", "precious");
}

static void put__follows_links_of_our_own_and_in_folders_of_our_own(void **state)
{
	struct stat st;

	(void)state;
	write_file("real", "old");
	shared_folder("all", 01777, geteuid());
	link_of("real", "all/link", geteuid());
	put_to("all/link", NULL);
	assert_file("real", "evil");
	if (!can_be_another())
		return;
	write_file("real", "old");
	link_of("real", "link", STRANGER);
	put_to("link", NULL);
	assert_file("real", "evil");
	assert_int_equal(lstat(at_home("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void put__takes_no_owner_or_mode_from_a_strangers_file(void **state)
{
	struct stat st;

	(void)state;
	if (!can_be_another())
		return;
	shared_folder("all", 01777, 0);
	write_file("all/file", "theirs");
	assert_int_equal(chmod(at_home("all/file"), 0666), 0);
	assert_int_equal(chown(at_home("all/file"), STRANGER, STRANGER), 0);
	put_to("all/file", "replace");
	assert_file("all/file", "theirs");
	/* In a stranger's own folder it is what people want. */
	shared_folder("theirs", 0755, STRANGER);
	write_file("theirs/file", "old");
	assert_int_equal(chown(at_home("theirs/file"), STRANGER, STRANGER), 0);
	put_to("theirs/file", NULL);
	assert_int_equal(stat(at_home("theirs/file"), &st), 0);
	assert_int_equal(st.st_uid, STRANGER);
}

static void look__makes_its_void_through_no_link(void **state)
{
	(void)state;
	if (!can_be_another())
		return;
	write_file("victim", "precious");
	shared_folder("all", 01777, 0);
	link_of("victim", "all/.bellbook+job+1.void", STRANGER);
	target = "all/file";
	run_all("look", "-", "new", "M unsure\n");
	target = "target";
	assert_file("victim", "precious");
}

/* In a folder of theirs others can put anything in the place of our file at any time. */
static void put__gives_mode_and_place_to_its_own_file_alone(void **state)
{
	struct stat st;
	pid_t pid;

	(void)state;
	write_file("victim", "precious");
	assert_int_equal(chmod(at_home("victim"), 0600), 0);
	mode = "666";
	pid = start("put", "1", "new", "put-created", "slow");
	mode = "";
	await_here();
	assert_int_equal(unlink(at_home(".bellbook+job+1+1+unguessed")), 0);
	link_of("victim", ".bellbook+job+1+1+unguessed", geteuid());
	write_file("go", "");
	(void)proc_wait(pid);
	assert_int_equal(stat(at_home("victim"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_file("victim", "precious");
}

static void put__never_goes_into_a_folder_that_came_meanwhile(void **state)
{
	pid_t pid = start("put", "1", "new", "put-before-rename", "slow");

	(void)state;
	await_here();
	assert_int_equal(mkdir(at_home("folder"), 0700), 0);
	link_of("folder", "target", geteuid());
	write_file("go", "");
	(void)proc_wait(pid);
	assert_int_equal(rmdir(at_home("folder")), 0);
}

/* Runs bb_get of a file; its output into "answer", its words into "words". */
static void get(const char *name)
{
	char *script = mem_printf("%s\n%s\nbb_get M '%s/%s' -1 >'%s/answer' 2>'%s/words'\n", path_sh, get_sh, home, name, home, home);
	const char *argv[] = { shell, str_is(shell, "busybox") ? "sh" : "-c", str_is(shell, "busybox") ? "-c" : script, script, NULL };

	(void)proc_wait(proc_start(&(struct proc_spawn){ .argv = argv, .in = -1, .out = -1, .err = -1 }, &(struct err){0}));
	mem_free(script);
}

static void get__follows_no_link_and_no_second_name_where_others_can_write(void **state)
{
	char *words;

	(void)state;
	if (!can_be_another())
		return;
	write_file("victim", "precious");
	shared_folder("all", 01777, 0);
	link_of("victim", "all/link", STRANGER);
	get("all/link");
	assert_file("answer", "");
	words = slurp(at_home("words"));
	assert_non_null(strstr(words, "it is not followed"));
	mem_free(words);
	words = mem_strdup(at_home("victim"));
	assert_int_equal(link(words, at_home("all/second")), 0);
	mem_free(words);
	get("all/second");
	assert_file("answer", "");
	words = slurp(at_home("words"));
	assert_non_null(strstr(words, "another name"));
	mem_free(words);
	get("victim");
	assert_file("answer", "precious");
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
		BOTH(put__replaces_nothing_but_a_plain_file),
		BOTH(put__over_what_came_meanwhile_replaces_nothing_but_a_plain_file),
		BOTH(put__says_nothing_but_its_answer),
		BOTH(put__follows_no_link_of_another_owner_where_others_can_write),
		BOTH(put__follows_links_of_our_own_and_in_folders_of_our_own),
		BOTH(put__takes_no_owner_or_mode_from_a_strangers_file),
		BOTH(look__makes_its_void_through_no_link),
		BOTH(put__gives_mode_and_place_to_its_own_file_alone),
		BOTH(put__never_goes_into_a_folder_that_came_meanwhile),
		BOTH(get__follows_no_link_and_no_second_name_where_others_can_write),
	};
	int failed;

	fixture_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return fixture_close(failed);
}
