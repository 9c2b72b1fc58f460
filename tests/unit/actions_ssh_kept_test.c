/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the machine's own `ssh -vvv -G` says is kept as long as it would say it again, and no longer. */
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

#include "actions/ssh/ssh_kept.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

#define LATER ((int64_t)10 * 1000000)	/* as if everything had been there for a while */

static char home[] = "/tmp/bellbook-kept.XXXXXX";

static const char *at_home(const char *name)
{
	static char path[8][300];
	static int turn;
	char *out = path[turn++ % 8];

	snprintf(out, 300, "%s/%s", home, name);
	return out;
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(at_home(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void slurp(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	size_t got;

	assert_non_null(file);
	while ((got = fread(buf_room(out, 4096), 1, 4096, file)) > 0)
		buf_added(out, got);
	fclose(file);
}

static int create(const char *name)
{
	int fd = open(at_home(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* Asks ssh about the host under home/config, as bellbook does, and lets what it said be kept. */
static void ask(const char *host, int64_t after_us, struct buf *out)
{
	const char *argv[] = { "ssh", "-vvv", "-G", "-F", at_home("config"), "--", host, NULL };
	struct proc_spawn spawn = { .argv = argv, .in = -1, .out = create("out"), .err = create("err") };
	struct buf words = {0};
	struct err e;
	pid_t pid = proc_start(&spawn, &e);

	close(spawn.out);
	close(spawn.err);
	assert_true(pid > 0);
	assert_int_equal(proc_wait(pid), 0);
	buf_clear(out);
	slurp(at_home("out"), out);
	slurp(at_home("err"), &words);
	ssh_kept_put(host, at_home("config"), out, &words, time_wall_us() + after_us);
	buf_done(&words);
}

/* True when what is kept for the host is what was said. */
static bool is_kept(const char *host, const struct buf *said)
{
	struct buf kept = {0};
	bool found = ssh_kept_get(host, at_home("config"), &kept);

	if (found)
		assert_string_equal(buf_text(&kept), buf_text(said));
	else
		assert_int_equal(kept.len, 0);
	buf_done(&kept);
	return found;
}

/* With this configuration an answer is kept, or is not. */
static bool keeps(const char *config)
{
	struct buf said = {0};
	bool kept;

	write_text("config", config);
	ask("web", LATER, &said);
	kept = is_kept("web", &said);
	buf_done(&said);
	return kept;
}

static void ssh_kept__says_what_ssh_said_of_that_host_under_that_file(void **state)
{
	struct buf said = {0}, other = {0};

	(void)state;
	write_text("config", "Host web\n\tUser deploy\n\tPort 2222\n");
	ask("web", LATER, &said);
	assert_non_null(strstr(buf_text(&said), "user deploy\n"));
	assert_true(is_kept("web", &said));
	assert_false(is_kept("db", &said));
	assert_false(ssh_kept_get("web", NULL, &other));
	assert_false(ssh_kept_get("web", at_home("other"), &other));
	buf_done(&said);
}

static void ssh_kept__is_void_when_the_file_changes(void **state)
{
	struct buf said = {0};

	(void)state;
	write_text("config", "Host web\n\tUser deploy\n");
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	write_text("config", "Host web\n\tUser deplox\n");
	assert_false(is_kept("web", &said));
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	assert_int_equal(unlink(at_home("config")), 0);
	assert_false(is_kept("web", &said));
	buf_done(&said);
}

static void ssh_kept__is_void_when_a_file_comes_that_is_included(void **state)
{
	char config[400];
	struct buf said = {0};

	(void)state;
	(void)mkdir(at_home("more.d"), 0700);
	snprintf(config, sizeof(config), "Include %s\nHost web\n\tPort 3\n", at_home("more.d/*.conf"));
	write_text("config", config);
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	write_text("more.d/1.conf", "Host web\n\tUser first\n");
	assert_false(is_kept("web", &said));
	ask("web", LATER, &said);
	assert_non_null(strstr(buf_text(&said), "user first\n"));
	assert_true(is_kept("web", &said));
	write_text("more.d/0.conf", "Host web\n\tUser zero\n");
	assert_false(is_kept("web", &said));
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	write_text("more.d/1.conf", "Host web\n\tPort 7\n");
	assert_false(is_kept("web", &said));
	buf_done(&said);
}

static void ssh_kept__follows_a_link_to_where_it_leads(void **state)
{
	struct buf said = {0};

	(void)state;
	(void)unlink(at_home("config"));
	write_text("one", "Host web\n\tUser one\n");
	write_text("two", "Host web\n\tUser two\n");
	assert_int_equal(symlink("one", at_home("config")), 0);
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	assert_int_equal(unlink(at_home("config")), 0);
	assert_int_equal(symlink("two", at_home("config")), 0);
	assert_false(is_kept("web", &said));
	assert_int_equal(unlink(at_home("config")), 0);
	buf_done(&said);
}

static void ssh_kept__is_nothing_that_depends_on_more_than_files(void **state)
{
	char text[400];

	(void)state;
	assert_true(keeps("Match host web user root\n\tPort 5\n"));
	assert_false(keeps("Match exec \"true\"\n\tPort 5\n"));
	assert_false(keeps("Match host db exec \"true\"\n\tPort 5\n"));
	assert_false(keeps("Host web\n\tIdentityFile ${HOME}/key\n"));
	assert_false(keeps("CanonicalizeHostname yes\nCanonicalDomains example.invalid\n"));
	snprintf(text, sizeof(text), "Include %s\n", at_home("more*/x.conf"));
	assert_false(keeps(text));
	snprintf(text, sizeof(text), "Include=%s\n", at_home("more?d/x.conf"));
	assert_false(keeps(text));
	assert_true(keeps("Host web\n\tPort 5\n"));
}

static void ssh_kept__is_nothing_that_may_still_be_written(void **state)
{
	struct buf said = {0};

	(void)state;
	write_text("config", "Host web\n\tUser fresh\n");
	ask("web", 0, &said);
	assert_false(is_kept("web", &said));
	buf_done(&said);
}

static void ssh_kept__is_nothing_of_a_script_in_its_place(void **state)
{
	char *path = mem_strdup(getenv("PATH")), *with = mem_printf("%s/bin:%s", home, path);
	struct buf said = {0};

	(void)state;
	(void)mkdir(at_home("bin"), 0700);
	write_text("bin/ssh", "#!/bin/sh\nPATH=/usr/bin:/bin exec ssh \"$@\"\n");
	assert_int_equal(chmod(at_home("bin/ssh"), 0700), 0);
	write_text("config", "Host web\n\tUser deploy\n");
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	setenv("PATH", with, 1);
	assert_false(is_kept("web", &said));
	ask("web", LATER, &said);
	assert_false(is_kept("web", &said));
	setenv("PATH", path, 1);
	mem_free(path);
	mem_free(with);
	buf_done(&said);
}

/* The one file that is kept. */
static void kept_file(char out[static 600])
{
	DIR *dir = opendir(at_home("cache/bellbook/ssh"));
	struct dirent *entry;

	assert_non_null(dir);
	*out = '\0';
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		assert_string_equal(out, "");
		snprintf(out, 600, "%s/%s", at_home("cache/bellbook/ssh"), entry->d_name);
	}
	closedir(dir);
	assert_string_not_equal(out, "");
}

static void ssh_kept__is_private_and_survives_any_damage(void **state)
{
	struct buf said = {0}, text = {0};
	char path[600];
	struct stat st;

	(void)state;
	write_text("config", "Host web\n\tUser deploy\n");
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	kept_file(path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(at_home("cache/bellbook/ssh"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* What others may write may say what others want. */
	assert_int_equal(chmod(path, 0666), 0);
	assert_false(is_kept("web", &said));
	assert_int_equal(chmod(path, 0600), 0);
	assert_true(is_kept("web", &said));
	slurp(path, &text);
	for (size_t cut = 0; cut < text.len; cut += 97) {
		assert_int_equal(truncate(path, (off_t)(text.len - cut - 1)), 0);
		assert_false(is_kept("web", &said));
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_false(is_kept("web", &said));
	/* And is put right by the next answer. */
	ask("web", LATER, &said);
	assert_true(is_kept("web", &said));
	buf_done(&text);
	buf_done(&said);
}

static void ssh_kept_strip__leaves_what_ssh_itself_says(void **state)
{
	struct buf words = {0};

	(void)state;
	buf_puts(&words, "OpenSSH_9.2p1\ndebug1: Reading configuration data x\nx: line 3: Bad configuration option: nix\n"
			 "debug3: more\nx: terminating, 1 bad configuration options\n");
	ssh_kept_strip(&words);
	assert_string_equal(buf_text(&words), "x: line 3: Bad configuration option: nix\n"
					      "x: terminating, 1 bad configuration options\n");
	buf_done(&words);
}

static int prepare(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	return setenv("XDG_CACHE_HOME", at_home("cache"), 1);
}

static int sweep_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int sweep(void **state)
{
	(void)state;
	return nftw(home, sweep_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Each test begins with nothing kept. */
static int empty(void **state)
{
	(void)state;
	(void)nftw(at_home("cache"), sweep_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ssh_kept__says_what_ssh_said_of_that_host_under_that_file, empty),
		cmocka_unit_test_setup(ssh_kept__is_void_when_the_file_changes, empty),
		cmocka_unit_test_setup(ssh_kept__is_void_when_a_file_comes_that_is_included, empty),
		cmocka_unit_test_setup(ssh_kept__follows_a_link_to_where_it_leads, empty),
		cmocka_unit_test_setup(ssh_kept__is_nothing_that_depends_on_more_than_files, empty),
		cmocka_unit_test_setup(ssh_kept__is_nothing_that_may_still_be_written, empty),
		cmocka_unit_test_setup(ssh_kept__is_nothing_of_a_script_in_its_place, empty),
		cmocka_unit_test_setup(ssh_kept__is_private_and_survives_any_damage, empty),
		cmocka_unit_test(ssh_kept_strip__leaves_what_ssh_itself_says),
	};

	return cmocka_run_group_tests(tests, prepare, sweep);
}
