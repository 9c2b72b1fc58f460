/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as a runbook file. It loads, or says in clean text why not; what loads can be
 * shown, takes parameters and a fleet, and each of its functions can be begun: whatever it calls is refused.
 */
#define _GNU_SOURCE	/* memfd_create */
#include "tests/fuzz/lua_file.h"

#include <string.h>

#include "base/utf8.h"
#include "session/walk/plan.h"
#include "session/lua/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_call(void *arg, struct script_task *task, const char *path, const char *name, const char *host, const struct json *args)
{
	int *calls = arg;

	(void)name;
	(void)host;
	(void)args;
	script_answer(task, path, ++*calls % 3 == 0, NULL, "remote", "the fuzzer does nothing");
}

static void on_ended(void *arg, struct script_task *task, const char *error, const struct json *result, const struct json *gives)
{
	(void)arg;
	(void)task;
	(void)error;
	(void)result;
	(void)gives;
}

/* A function that never stops calling is left alone after a while. */
static void run(struct script *script, size_t step, enum script_fn fn)
{
	static const struct script_handlers handlers = {.call = on_call, .ended = on_ended};
	struct json *vars = json_new_object();
	struct script_task *task;
	int calls = 0;

	task = script_task_start(script, step, fn, vars, &handlers, &calls);
	(void)task;
	json_free(vars);
	script_run(script);
}

static void use(struct script *script)
{
	const struct script_book *book = script_book(script);
	struct json *fleet = json_new_object(), *params = json_new_object();
	struct json *value = json_new_text("3", 1);
	struct buf text = {0};
	struct err e = {0};

	plan_text(book, false, NULL, &text);
	plan_text(book, true, NULL, &text);
	assert(utf8_valid(buf_text(&text), text.len));
	json_free(plan_json(book));
	for (size_t i = 0; i < book->param_count; i++) {
		struct json *fine = script_param_check(script, &book->params[i], value, &e);

		if (fine)
			json_put(params, book->params[i].name, fine);
	}
	json_put(fleet, "hosts", json_new_object());
	json_put(fleet, "roles", json_new_object());
	(void)script_bind(script, fleet, params, &e);
	for (size_t i = 0; i < book->step_count && i < 8; i++)
		for (int fn = 0; fn < FN_COUNT; fn++)
			if (book->steps[i].has[fn])
				run(script, i, (enum script_fn)fn);
	json_free(value);
	json_free(fleet);
	json_free(params);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct script *script;
	char path[40];
	int fd = lua_file(data, size, path);

	lua_time();
	script = script_load(path, &e);
	if (!script || script_check_calls(script, &e) < 0)
		check_words(&e);
	if (script)
		use(script);
	script_free(script);
	close(fd);
	return 0;
}
