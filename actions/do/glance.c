/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/do/glance.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "glance_sh.h"

#define DISK_FULL 90	/* percent from which a person should look */
#define MEMORY_FULL 95
#define LOAD_PER_CPU 4
#define SKEW_MAX 2	/* seconds; a certificate or a token minds more, but the answer's way is in it */

struct facts {
	int64_t clock, memory, available, cpus;
	int64_t disk_size, disk_free;
	char *mount, *load, *sudo;	/* owned */
	char *jobs;			/* owned: why it has no place for them */
	bool whole;
};

char *glance_command(bool sudo, const char *jobs)
{
	struct buf out = {0};

	buf_printf(&out, "BB_SUDO=%d BB_JOBS=", sudo);
	str_shell_quote(&out, jobs ? jobs : "");
	buf_printf(&out, "\n%s", glance_sh);
	return buf_take(&out);
}

static int percent(int64_t used, int64_t whole)
{
	return whole > 0 ? (int)((double)used * 100.0 / (double)whole + 0.5) : 0;
}

/* As df has it: rounded up. */
static int disk_percent(int64_t size, int64_t free_kb)
{
	int64_t used = size - free_kb;

	return size > 0 ? (int)(used / size * 100 + (used % size * 100 + size - 1) / size) : 0;
}

/* "SIZE FREE MOUNT", the size without what is kept for root; the fullest is kept. */
static void read_disk(struct facts *facts, char *rest)
{
	char *free_text = strchr(rest, ' '), *mount = free_text ? strchr(free_text + 1, ' ') : NULL;
	int64_t size, free_kb;

	if (!mount)
		return;
	*free_text++ = '\0';
	*mount++ = '\0';
	if (!str_to_int(rest, 1, INT64_MAX / 128, &size) || !str_to_int(free_text, 0, size, &free_kb))
		return;
	if (facts->mount && disk_percent(size, free_kb) <= disk_percent(facts->disk_size, facts->disk_free))
		return;
	facts->disk_size = size;
	facts->disk_free = free_kb;
	mem_set(&facts->mount, mount);
}

static bool is_load(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text) && strlen(text) < 12;
}

static void read_line(struct facts *facts, char *line)
{
	const struct { const char *name; int64_t *out; } numbers[] = {
		{"clock", &facts->clock}, {"memory", &facts->memory}, {"available", &facts->available}, {"cpus", &facts->cpus},
	};
	char *rest = strchr(line, ' ');

	facts->whole = str_is(line, "end");
	if (!rest)
		return;
	*rest++ = '\0';
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (str_is(line, numbers[i].name))
			(void)str_to_int(rest, 0, INT64_MAX / 1000000, numbers[i].out);
	if (str_is(line, "disk"))
		read_disk(facts, rest);
	else if (str_is(line, "load") && is_load(rest))
		mem_set(&facts->load, rest);
	else if (str_is(line, "sudo"))
		mem_set(&facts->sudo, rest);
	else if (str_is(line, "jobs"))
		mem_set(&facts->jobs, rest);
}

static void add_problem(struct json *problems, char *text)
{
	json_add(problems, json_new_text(text, strlen(text)));
	mem_free(text);
}

/* Seconds that the host's clock is off beyond what the way of the answer explains. */
static int64_t skew(const struct facts *facts, const struct glance_times *times)
{
	int64_t first = times->asked_us / TIME_SECOND - 1, last = times->answered_us / TIME_SECOND + 1;

	return facts->clock < first ? facts->clock - first : facts->clock > last ? facts->clock - last : 0;
}

static void judge(struct json *out, const struct facts *facts, const struct glance_times *times)
{
	struct json *problems = json_new_array();
	int disk = disk_percent(facts->disk_size, facts->disk_free);
	int memory = percent(facts->memory - facts->available, facts->memory);

	if (!facts->whole)
		add_problem(problems, mem_strdup("its answer is cut short"));
	if (facts->mount && disk >= DISK_FULL)
		add_problem(problems, mem_printf("disk %s is %d%% full", facts->mount, disk));
	if (facts->memory > 0 && memory >= MEMORY_FULL)
		add_problem(problems, mem_printf("memory is %d%% in use", memory));
	if (facts->load && facts->cpus > 0 && strtod(facts->load, NULL) > (double)(facts->cpus * LOAD_PER_CPU))
		add_problem(problems, mem_printf("load %s on %lld processors", facts->load, (long long)facts->cpus));
	if (facts->clock > 0 && llabs(skew(facts, times)) > SKEW_MAX)
		add_problem(problems, mem_printf("its clock is %lld s %s", llabs(skew(facts, times)), skew(facts, times) > 0 ? "ahead" : "behind"));
	if (facts->jobs)
		add_problem(problems, mem_printf("no place for jobs: %s", facts->jobs));
	json_set_text(out, "state", json_count(problems) ? "attention" : "ok");
	json_put(out, "problems", problems);
}

struct json *glance_read(const char *text, size_t len, const struct glance_times *times)
{
	struct facts facts = {0};
	struct json *out = json_new_object();
	char *copy = mem_dup(text, len);

	for (char *line = copy, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		read_line(&facts, line);
	}
	if (facts.mount) {
		json_set_int(out, "disk_pct", disk_percent(facts.disk_size, facts.disk_free));
		json_set_int(out, "disk_free_kb", facts.disk_free);
		json_set_text(out, "disk_mount", facts.mount);
	}
	if (facts.memory > 0)
		json_set_int(out, "memory_pct", percent(facts.memory - facts.available, facts.memory));
	json_set_text(out, "load", facts.load);
	if (facts.cpus > 0)
		json_set_int(out, "cpus", facts.cpus);
	if (facts.clock > 0)
		json_set_int(out, "skew_s", skew(&facts, times));
	json_set_text(out, "sudo", facts.sudo);
	judge(out, &facts, times);
	mem_free(facts.mount);
	mem_free(facts.load);
	mem_free(facts.sudo);
	mem_free(facts.jobs);
	mem_free(copy);
	return out;
}
