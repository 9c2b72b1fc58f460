/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: measure [-n TIMES] [-m] [-l] [-o FILE] [-t SECONDS] COMMAND [ARGUMENT...]
 *
 * What a command costs, with all that it starts: this process is the reaper of
 * orphans, so daemons that a command leaves behind (a bellbook session and its
 * worker) are counted too, when they end. One line of JSON: seconds until the
 * command itself ended, seconds until the last of them ended, CPU seconds of
 * all, and the exit status; with -n a list of such lines. -m also samples the
 * memory of all of them together every few ms (PSS: shared pages are shared
 * out), which costs time, so take that from another run. -l leaves orphans
 * alone (ssh's ControlPersist). -o FILE takes the command's output, /dev/null
 * otherwise. After -t SECONDS, or a SIGTERM, all of them are killed, and
 * the status is 124.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_MS 5
#define PIDS_MAX 32768

struct dialog_options {
	long times, limit;
	bool memory, leave;
	const char *output;
	char **argv;
};

struct cost {
	double wall, all, cpu;
	long peak_kb, processes;
	int status;
};

/* One line of /proc/PID/stat that we need. */
struct process {
	pid_t pid, parent;
	bool ours;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void fail(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(125);
}

/* ---- memory ---- */

static bool read_process(struct process *process, const char *name)
{
	char path[64], text[512], *end;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	end = strrchr(text, ')');
	*process = (struct process){ .pid = (pid_t)strtol(name, NULL, 10) };
	return end && sscanf(end, ") %*c %d", &process->parent) == 1;
}

static size_t read_processes(struct process *all)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	size_t n = 0;

	while (dir && n < PIDS_MAX && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) && read_process(&all[n], entry->d_name))
			n++;
	if (dir)
		closedir(dir);
	return n;
}

static bool is_ours(const struct process *all, size_t n, const struct process *process)
{
	pid_t self = getpid();

	/* As deep as a tree of ours gets. */
	for (int depth = 0; depth < 12; depth++) {
		pid_t parent = process->parent;
		size_t i = 0;

		if (parent == self)
			return true;
		while (i < n && all[i].pid != parent)
			i++;
		if (i == n)
			return false;
		process = &all[i];
	}
	return false;
}

/* KB of a process: its share of shared pages counted, or all of them when that may not be read. */
static long memory_of(pid_t pid)
{
	char path[64], line[256];
	long kb = 0, pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %ld kB", &kb) == 1)
			break;
	if (file)
		fclose(file);
	if (kb > 0)
		return kb;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%*d %ld", &pages) == 1)
		kb = pages * (sysconf(_SC_PAGESIZE) / 1024);
	if (file)
		fclose(file);
	return kb;
}

static void sample(struct process *all, struct cost *cost)
{
	size_t n = read_processes(all);
	long kb = 0, count = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_ours(all, n, &all[i]))
			continue;
		kb += memory_of(all[i].pid);
		count++;
	}
	if (kb > cost->peak_kb)
		cost->peak_kb = kb;
	if (count > cost->processes)
		cost->processes = count;
}

/* ---- running ---- */

static volatile sig_atomic_t late;

/* Time is over, or whoever measures is gone. */
static void on_end(int signo)
{
	(void)signo;
	late = 1;
}

/* Again until nobody is left: one may be forking. */
static void kill_all(struct process *all)
{
	size_t n = read_processes(all);

	for (size_t i = 0; i < n; i++)
		if (is_ours(all, n, &all[i]))
			kill(all[i].pid, SIGKILL);
	alarm(1);
}

static pid_t start(const struct dialog_options *o)
{
	pid_t pid = vfork();
	int fd;

	if (pid < 0)
		fail("fork");
	if (pid > 0)
		return pid;
	fd = open("/dev/null", O_RDONLY);
	dup2(fd, 0);
	fd = open(o->output ? o->output : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(fd, 1);
	execvp(o->argv[0], o->argv);
	fprintf(stderr, "measure: %s: %s\n", o->argv[0], strerror(errno));
	_exit(127);
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits for pid and, unless they are left alone, for all orphans. */
static void wait_all(const struct dialog_options *o, pid_t pid, double began, struct cost *cost)
{
	static struct process all[PIDS_MAX];
	bool ended = false;

	for (;;) {
		struct rusage used;
		int status;
		pid_t got = wait4(o->leave ? pid : -1, &status, o->memory ? WNOHANG : 0, &used);

		if (got == 0 && !late) {
			sample(all, cost);
			poll(NULL, 0, SAMPLE_MS);
			continue;
		}
		if (got < 0 && errno != EINTR)
			break;
		if (late)
			kill_all(all);
		if (got <= 0)
			continue;
		cost->cpu += seconds(used.ru_utime) + seconds(used.ru_stime);
		if (got == pid) {
			cost->wall = now() - began;
			cost->status = status_of(status);
			ended = true;
			if (o->leave)
				break;
		}
	}
	if (!ended)
		fail("wait");
	cost->all = now() - began;
	if (late)
		cost->status = 124;
}

static struct cost run(const struct dialog_options *o)
{
	struct cost cost = {0};
	double began;
	pid_t pid;

	alarm((unsigned)o->limit);
	began = now();
	pid = start(o);
	wait_all(o, pid, began, &cost);
	alarm(0);
	return cost;
}

static void usage(void)
{
	fputs("usage: measure [-n TIMES] [-m] [-l] [-o FILE] [-t SECONDS] COMMAND [ARGUMENT...]\n", stderr);
	exit(125);
}

static struct dialog_options read_options(int argc, char **argv)
{
	struct dialog_options o = { .times = 1, .limit = 600 };
	int c;

	while ((c = getopt(argc, argv, "+n:mlo:t:")) != -1) {
		if (c == 'n')
			o.times = strtol(optarg, NULL, 10);
		else if (c == 'm')
			o.memory = true;
		else if (c == 'l')
			o.leave = true;
		else if (c == 't')
			o.limit = strtol(optarg, NULL, 10);
		else if (c == 'o')
			o.output = optarg;
		else
			usage();
	}
	o.argv = argv + optind;
	if (!o.argv[0] || o.times < 1 || o.limit < 1)
		usage();
	return o;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_end };
	struct dialog_options o = read_options(argc, argv);

	if (prctl(PR_SET_CHILD_SUBREAPER, o.leave ? 0 : 1) < 0)
		fail("prctl");
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM);
	for (long i = 0; i < o.times && !late; i++) {
		struct cost cost = run(&o);

		printf("{\"wall\":%.6f,\"all\":%.6f,\"cpu\":%.6f,\"peak_kb\":%ld,\"processes\":%ld,\"status\":%d}\n",
		       cost.wall, cost.all, cost.cpu, cost.peak_kb, cost.processes, cost.status);
	}
	return 0;
}
