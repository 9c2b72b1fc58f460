/* doctor.c - bellbook doctor: looks at everything that a walk needs, and says what to do about what is wrong. Changes nothing. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/doctor.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "command/command.h"
#include "tui/term/keyfile.h"
#include "tui/term/term.h"

#define OUT_MAX ((size_t)64 << 10)

static const char *const words[] = {[FINDING_OK] = "ok", [FINDING_WARN] = "warn", [FINDING_FAIL] = "FAIL"};

void doctor_tell(struct doctor *doctor, enum finding finding, const char *what, const char *text, const char *advice)
{
	struct buf line = {0}, safe = {0};
	struct json *one;

	doctor->counts[finding]++;
	if (doctor->o->json) {
		one = json_new_object();
		json_set_text(one, "check", what);
		json_set_text(one, "state", words[finding]);
		json_set_text(one, "text", text);
		json_set_text(one, "do", finding == FINDING_OK ? NULL : advice);
		json_add(doctor->all, one);
		return;
	}
	buf_printf(&line, "%-4s  %s: %s", words[finding], what, text);
	utf8_safe(&safe, line.data, line.len, false);
	puts(buf_text(&safe));
	if (advice && finding != FINDING_OK) {
		buf_clear(&safe);
		utf8_safe(&safe, advice, strlen(advice), false);
		printf("      %s\n", buf_text(&safe));
	}
	fflush(stdout);
	buf_done(&line);
	buf_done(&safe);
}

/* Reads until the end; false when it takes too long. */
static bool read_all(int fd, int64_t until, struct buf *out)
{
	char bytes[4096];
	ssize_t n = 1;

	while (n > 0) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int64_t left = until - time_mono_us();

		if (left <= 0 || poll(&ready, 1, (int)(left / 1000) + 1) <= 0)
			return false;
		n = read(fd, bytes, sizeof(bytes));
		if (n > 0 && out->len + (size_t)n <= OUT_MAX)
			buf_append(out, bytes, (size_t)n);
	}
	return true;
}

int doctor_run(const char *const *argv, bool errors, int seconds, struct buf *out)
{
	struct err e;
	int fds[2], status;
	bool whole;
	pid_t pid;

	if (proc_pipe(fds, &e) < 0)
		return -1;
	pid = proc_start(&(struct proc_spawn){.argv = argv, .in = -1, .out = fds[1], .err = errors ? fds[1] : -1, .new_group = true, .die_with_parent = true}, &e);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -1;
	}
	whole = read_all(fds[0], time_mono_us() + seconds * TIME_SECOND, out);
	close(fds[0]);
	if (!whole)
		kill(-pid, SIGKILL);
	status = proc_wait(pid);
	return whole && status < 256 ? status : -1;
}

/* ---- what lies here ---- */

static void terminal(struct doctor *doctor)
{
	const char *name = getenv("TERM");
	struct winsize size = {0};
	char *text;
	int fd = isatty(STDIN_FILENO) ? STDIN_FILENO : isatty(STDERR_FILENO) ? STDERR_FILENO : -1;

	if (fd < 0) {
		doctor_tell(doctor, FINDING_OK, "terminal", "none here: walks use lines of text or JSON", NULL);
		return;
	}
	if (!name || !term_is_known(name)) {
		text = mem_printf("its type (TERM=%s) is not known here", name && *name ? name : "");
		doctor_tell(doctor, FINDING_WARN, "terminal", text, "Walks use lines of text. For the full screen set TERM to what the terminal is (xterm-256color), or install ncurses-term.");
	} else if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row && (size.ws_row < 24 || size.ws_col < 80)) {
		text = mem_printf("%s, %d×%d", name, size.ws_col, size.ws_row);
		doctor_tell(doctor, FINDING_WARN, "terminal", text, "The full screen is made for 80×24 and more; make the window larger, or use --plain.");
	} else {
		text = mem_printf("%s, %d×%d", name, size.ws_col, size.ws_row);
		doctor_tell(doctor, FINDING_OK, "terminal", text, NULL);
	}
	mem_free(text);
}

static void locale(struct doctor *doctor)
{
	bool there = setlocale(LC_CTYPE, "") != NULL;
	const char *codeset = nl_langinfo(CODESET);
	char *text;

	if (!there)
		doctor_tell(doctor, FINDING_WARN, "locale", "the one that LANG or LC_ALL names is not installed here", "Letters outside ASCII show as signs. LANG=C.UTF-8 is there on every Debian.");
	else if (!str_is(codeset, "UTF-8")) {
		text = mem_printf("%s, not UTF-8", codeset);
		doctor_tell(doctor, FINDING_WARN, "locale", text, "Letters outside ASCII show as signs. Set LANG=C.UTF-8, or another UTF-8 locale.");
		mem_free(text);
	} else
		doctor_tell(doctor, FINDING_OK, "locale", codeset, NULL);
}

static bool is_in_path(const char *name)
{
	const char *path = getenv("PATH");
	bool found = false;

	while (path && *path && !found) {
		size_t len = strcspn(path, ":");
		char *full = mem_printf("%.*s/%s", (int)len, path, name);

		found = access(full, X_OK) == 0;
		mem_free(full);
		path += len + (path[len] == ':');
	}
	return found;
}

static void programs(struct doctor *doctor)
{
	static const struct { const char *name, *package; } needed[] = {
		{"ssh", "openssh-client"}, {"setsid", "util-linux"}, {"find", "findutils"}, {"sh", "dash"}, {"script", "bsdutils"},
	};
	struct buf missing = {0}, packages = {0};
	char *advice;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (is_in_path(needed[i].name))
			continue;
		buf_printf(&missing, "%s%s", missing.len ? ", " : "not found: ", needed[i].name);
		buf_printf(&packages, " %s", needed[i].package);
	}
	advice = mem_printf("apt-get install%s", buf_text(&packages));
	doctor_tell(doctor, missing.len ? FINDING_FAIL : FINDING_OK, "programs", missing.len ? buf_text(&missing) : "ssh, setsid, find, sh, script", advice);
	mem_free(advice);
	buf_done(&missing);
	buf_done(&packages);
}

static void keys(struct doctor *doctor)
{
	struct err e = {0};

	if (keyfile_load(&e) < 0)
		doctor_tell(doctor, FINDING_WARN, "keys file", e.text, "That line is passed over, all others hold. bellbook keys shows what is bound.");
}

static void runbooks(struct doctor *doctor)
{
	const char *const argv[] = {"/proc/self/exe", "check", "--json", NULL};
	struct err e;
	struct buf out = {0};
	struct json *list;
	size_t good = 0;
	char *text;

	(void)doctor_run(argv, false, 60, &out);
	list = json_parse(buf_text(&out), out.len, &e);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_item(list, i);

		if (json_bool(one, "ok", false))
			good++;
		else
			doctor_tell(doctor, FINDING_WARN, "runbook", json_text(one, "error", "cannot be read"), "It cannot be run before that is mended. bellbook check says the same.");
	}
	text = mem_printf("%zu can be run", good);
	doctor_tell(doctor, good ? FINDING_OK : FINDING_WARN, "runbooks", good ? text : "none found", "Put them into ~/.config/bellbook/runbooks, or name their folder in BELLBOOK_RUNBOOKS.");
	mem_free(text);
	json_free(list);
	buf_done(&out);
}

int cmd_doctor(struct options *o)
{
	struct doctor doctor = {.o = o, .all = json_new_array()};

	terminal(&doctor);
	locale(&doctor);
	programs(&doctor);
	keys(&doctor);
	doctor_journal(&doctor);
	doctor_people(&doctor);
	runbooks(&doctor);
	doctor_fleet(&doctor);
	if (o->json)
		return cmd_print_json(doctor.all), doctor.counts[FINDING_FAIL] ? EXIT_FAILED : EXIT_OK;
	json_free(doctor.all);
	printf("\n%d ok, %d to look at, %d wrong\n", doctor.counts[FINDING_OK], doctor.counts[FINDING_WARN], doctor.counts[FINDING_FAIL]);
	return doctor.counts[FINDING_FAIL] ? EXIT_FAILED : EXIT_OK;
}
