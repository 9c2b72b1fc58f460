/* runbook.c - the commands about runbooks: list, show, check; and where runbooks are found. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "command/usual.h"
#include "session/walk/plan.h"
#include "session/lua/script.h"
#include "session/walk/session.h"

/* Folders that may hold runbooks, most important first. Each is owned by the caller. */
static size_t runbook_folders(char *folders[4])
{
	const char *given = getenv("BELLBOOK_RUNBOOKS"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t n = 0;

	if (given)
		folders[n++] = mem_strdup(given);
	if (config && *config)
		folders[n++] = mem_printf("%s/bellbook/runbooks", config);
	else if (home && *home)
		folders[n++] = mem_printf("%s/.config/bellbook/runbooks", home);
	if (len > 0) {
		char *slash;

		exe[len] = '\0';
		slash = strstr(exe, "/build/");
		if (slash) {
			*slash = '\0';
			folders[n++] = mem_printf("%s/runbooks", exe);
		}
	}
	folders[n++] = mem_strdup(BELLBOOK_DATADIR "/runbooks");
	return n;
}

char *cmd_find_runbook(const char *name, struct err *e)
{
	char *folders[4], *found = NULL;
	size_t n;

	if (strchr(name, '/') || str_ends(name, ".lua")) {
		char *real = realpath(name, NULL);

		if (!real)
			err_errno(e, "runbook %s", name);
		return real;
	}
	n = runbook_folders(folders);
	for (size_t i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s.lua", folders[i], name);

		if (!found && access(path, R_OK) == 0)
			found = realpath(path, NULL);
		mem_free(path);
		mem_free(folders[i]);
	}
	if (!found)
		err_set(e, ERR_NOTFOUND, "there is no runbook %s; bellbook list shows what there is", name);
	return found;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The first folder that has a name wins; its own come first, by name, wherever the folders lie. */
size_t cmd_all_runbooks(char ***paths)
{
	char *folders[4], **list = NULL;
	size_t n = runbook_folders(folders), count = 0;

	for (size_t i = 0; i < n; i++) {
		DIR *dir = opendir(folders[i]);
		const struct dirent *entry;
		size_t first = count;

		while (dir && (entry = readdir(dir)) != NULL) {
			bool known = false;

			if (!str_ends(entry->d_name, ".lua") || entry->d_name[0] == '.')
				continue;
			for (size_t k = 0; k < count; k++)
				known = known || str_is(strrchr(list[k], '/') + 1, entry->d_name);
			if (known)
				continue;
			list = mem_more(list, count, sizeof(*list));
			list[count++] = mem_printf("%s/%s", folders[i], entry->d_name);
		}
		if (dir)
			closedir(dir);
		if (count > first)
			qsort(list + first, count - first, sizeof(*list), by_name);
		mem_free(folders[i]);
	}
	*paths = list;
	return count;
}

static void list_one(const struct options *o, const char *path, struct json *all)
{
	struct err e = {0};
	struct script *script = script_load(path, &e);
	struct buf line = {0};

	if (!script) {
		buf_printf(&line, "  BROKEN: %s", e.text);
	} else if (o->json) {
		json_add(all, plan_json(script_book(script)));
	} else {
		buf_printf(&line, "  %-18s %3zu steps  %s", script_book(script)->id, script_book(script)->step_count, script_book(script)->title);
	}
	if (line.len) {
		struct buf shown = {0};

		utf8_safe(&shown, line.data, line.len, false);
		puts(buf_text(&shown));
		buf_done(&shown);
	}
	buf_done(&line);
	script_free(script);
}

int cmd_list(struct options *o)
{
	char **paths;
	size_t n = cmd_all_runbooks(&paths);
	struct json *all = json_new_array();

	for (size_t i = 0; i < n; i++) {
		list_one(o, paths[i], all);
		mem_free(paths[i]);
	}
	mem_free(paths);
	if (o->json)
		return cmd_print_json(all);
	json_free(all);
	return EXIT_OK;
}

/* What earlier sessions say about it; a runbook can be read without. Caller owns. */
static struct json *past_of(const struct options *o, const char *runbook)
{
	struct err e = {0};
	struct index *index = cmd_index(o, INDEX_FACTS, &e);
	struct json *past = json_new_object();

	if (!index && e.kind != ERR_NOTFOUND)
		fprintf(stderr, "bellbook: how long it usually takes cannot be told: %s\n", e.text);
	json_put(past, "usual", usual_runbook(index, runbook));
	json_put(past, "steps", usual_steps(index, runbook));
	index_close(index);
	return past;
}

static void show_text(const struct options *o, const struct script_book *book)
{
	struct json *past = past_of(o, book->id);
	struct buf out = {0};

	plan_text(book, str_is(o->format, "md"), past, &out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	json_free(past);
}

int cmd_show(struct options *o)
{
	struct err e = {0};
	struct script *script;
	char *path;

	if (o->count != 1)
		return cmd_fail(EXIT_USAGE, "show needs one runbook");
	path = cmd_find_runbook(o->args[0], &e);
	script = path ? script_load(path, &e) : NULL;
	mem_free(path);
	if (!script)
		return cmd_fail_err(&e);
	if (o->json)
		cmd_print_json(plan_json(script_book(script)));
	else
		show_text(o, script_book(script));
	script_free(script);
	return EXIT_OK;
}

/* all: where JSON goes, else lines are printed. */
static int check_one(const struct options *o, const char *path, struct json *all)
{
	struct session_options options = {.runbook = path, .fleet = o->fleet};
	struct err e = {0};
	struct buf line = {0};

	if (o->json) {
		struct json *one = json_new_object();
		bool ok = session_check(&options, &e) == 0;

		json_set_text(one, "runbook", path);
		json_set_bool(one, "ok", ok);
		json_set_text(one, "error", ok ? NULL : e.text);
		json_add(all, one);
		return ok ? 0 : -1;
	}
	if (session_check(&options, &e) < 0) {
		utf8_safe(&line, e.text, strlen(e.text), false);
		puts(buf_text(&line));
		buf_done(&line);
		return -1;
	}
	printf("%s: ok\n", strrchr(path, '/') + 1);
	return 0;
}

static int print_types(const struct options *o)
{
	struct buf out = {0};

	if (o->count)
		return cmd_fail(EXIT_USAGE, "check --types looks at no file: it prints types for editors");
	script_types(&out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	return EXIT_OK;
}

int cmd_check(struct options *o)
{
	struct err e = {0};
	struct json *all = json_new_array();
	char **paths;
	size_t n = 0;
	int bad = 0;

	if (o->types) {
		json_free(all);
		return print_types(o);
	}
	for (size_t i = 0; i < o->count; i++) {
		char *path = cmd_find_runbook(o->args[i], &e);

		if (!path) {
			json_free(all);
			return cmd_fail_err(&e);
		}
		bad += check_one(o, path, all) < 0;
		mem_free(path);
	}
	if (!o->count)
		n = cmd_all_runbooks(&paths);
	for (size_t i = 0; i < n; i++) {
		bad += check_one(o, paths[i], all) < 0;
		mem_free(paths[i]);
	}
	if (n)
		mem_free(paths);
	if (o->json)
		cmd_print_json(all);
	else
		json_free(all);
	return bad ? EXIT_FAILED : EXIT_OK;
}
