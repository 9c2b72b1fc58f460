/* actions_terminal_test.c - a shell on a terminal of this computer: keys, sizes, ends, floods both ways. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions_fixture.h"

/* Opens a shell as call 1. */
static void open_shell(struct fixture *f)
{
	begin(f, 1, "here.shell", "", "{'rows':24,'cols':80,'term':'xterm-256color'}");
}

static void type(struct fixture *f, const char *keys)
{
	worker_type(f->worker, 1, keys, strlen(keys));
}

/* True when the terminal has shown the text. */
static bool shows(struct fixture *f, const char *text)
{
	return f->told[1].pty.len > 0 && strstr(buf_text(&f->told[1].pty), text);
}

static void here_shell__has_a_terminal_that_follows_its_size(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	open_shell(f);
	type(f, "echo $(stty size) $TERM a$((1+1))b\n");
	UNTIL(f, shows(f, "24 80 xterm-256color a2b"));
	worker_resize(f->worker, 1, 50, 132);
	type(f, "trap 'echo c$((1+1))d' WINCH; echo $(stty size) e$((1+1))f\n");
	UNTIL(f, shows(f, "50 132 e2f"));
	worker_resize(f->worker, 1, 10, 40);
	/* A shell that was not yet back at its prompt when the signal came runs the trap after the next line. */
	type(f, "\n");
	UNTIL(f, shows(f, "c2d"));
	type(f, "exit 5\n");
	told = finish(f, 1);
	assert_string_equal(told->outcome, "ok");
	assert_int_equal(told->exit, 5);
	assert_int_equal(told->out.len + told->err.len, 0);
}

/* The first line of a file of /proc about a process; false when it is gone. */
static bool proc_line(long pid, const char *what, char line[static 512])
{
	char path[40];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), "/proc/%ld/%s", pid, what);
	file = fopen(path, "r");
	if (!file)
		return false;
	read = fgets(line, 512, file) != NULL;
	fclose(file);
	return read;
}

/*
 * True once a shell has put a command into the foreground of its terminal, and it runs. A shell's
 * child is in front before its exec; until then it has the shell's handler of HUP and would outlive one.
 */
static bool has_in_front(long pid, const char *name)
{
	char line[512];
	const char *rest;
	long group = 0, front = 0;

	if (!proc_line(pid, "stat", line))
		return false;
	/* state, parent, group, session, terminal, group in front */
	rest = strrchr(line, ')');
	if (!rest || sscanf(rest, ") %*c %*d %ld %*d %*d %ld", &group, &front) != 2 || front == group)
		return false;
	return proc_line(front, "comm", line) && strcspn(line, "\n") == strlen(name) && strncmp(line, name, strlen(name)) == 0;
}

static void here_shell__hangs_up_when_cancelled(void **state)
{
	struct fixture *f = *state;
	struct told *told;
	const char *at;
	struct proc_id id;
	struct err e;
	long pid;

	open_shell(f);
	type(f, "echo p''id=$$.\nsleep 1000\n");
	UNTIL(f, shows(f, "pid=") && (at = strstr(buf_text(&f->told[1].pty), "pid=")) && strspn(at + 4, "0123456789") > 0 &&
	      at[4 + strspn(at + 4, "0123456789")] == '.');
	pid = strtol(strstr(buf_text(&f->told[1].pty), "pid=") + 4, NULL, 10);
	UNTIL(f, has_in_front(pid, "sleep"));	/* who is hung up is who has it */
	worker_cancel(f->worker, 1);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "canceled");
	UNTIL(f, proc_identify((pid_t)pid, &id, &e) < 0 || !proc_is_alive(&id));
}

static void here_shell__is_interrupted_in_the_middle_of_a_flood(void **state)
{
	struct fixture *f = *state;

	open_shell(f);
	type(f, "yes 0123456789abcdef\n");
	UNTIL(f, f->told[1].pty.len > 2000000);
	type(f, "\x03");
	type(f, "echo a$((1+1))b; exit 3\n");
	assert_int_equal(finish(f, 1)->exit, 3);
	assert_true(shows(f, "a2b"));
}

static void here_shell__says_when_typing_is_lost(void **state)
{
	struct fixture *f = *state;
	size_t len = 600000;
	char *keys = mem_alloc(len);

	memset(keys, 'x', len);
	open_shell(f);
	/* Not the shell itself: a hang-up between its line and an exec would be lost with its handler. */
	type(f, "stty -echo raw; exec sh -c 'echo a$((1+1))b; sleep 1000'\n");
	UNTIL(f, shows(f, "a2b"));
	worker_type(f->worker, 1, keys, len);
	worker_type(f->worker, 1, keys, len);
	worker_type(f->worker, 1, keys, len);
	UNTIL(f, f->told[1].notes.len > 0);
	assert_non_null(strstr(buf_text(&f->told[1].notes), "is lost"));
	worker_cancel(f->worker, 1);
	assert_string_equal(finish(f, 1)->outcome, "canceled");
	mem_free(keys);
}

static void typing__to_a_call_without_a_terminal_does_nothing(void **state)
{
	struct fixture *f = *state;

	begin(f, 1, "here.read", "r", "{'cmd':'echo a; sleep 0.1; echo b; cat'}");
	type(f, "x\n");
	worker_resize(f->worker, 1, 5, 5);
	worker_type(f->worker, 7, "x", 1);
	assert_string_equal(finish(f, 1)->outcome, "ok");
	assert_string_equal(buf_text(&f->told[1].out), "a\nb\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(here_shell__has_a_terminal_that_follows_its_size),
		CASE(here_shell__hangs_up_when_cancelled),
		CASE(here_shell__is_interrupted_in_the_middle_of_a_flood),
		CASE(here_shell__says_when_typing_is_lost),
		CASE(typing__to_a_call_without_a_terminal_does_nothing),
	};
	int failed;

	fixture_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return fixture_close(failed);
}
