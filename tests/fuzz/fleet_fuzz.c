/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as a fleet file. It loads, or says in clean text why not; what loads has its
 * shape and can be printed and bound to a runbook.
 */
#define _GNU_SOURCE	/* memfd_create */
#include "tests/fuzz/lua_file.h"

#include <string.h>

#include "base/mem.h"
#include "session/lua/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char runbook[] = "runbook { id = \"t\", bellbook = 1, title = \"T\", roles = { web = \"1+\", db = \"1\" } }\n"
	"observe \"a\" { title = \"A\", run = function(s) return #s.fleet.roles.web end }\n";

static void use(const struct json *fleet)
{
	char *text = json_print(fleet);
	struct json *params = json_new_object();
	struct script *script;
	struct err e = {0};
	char path[40];
	int fd = lua_file((const uint8_t *)runbook, sizeof(runbook) - 1, path);

	assert(json_type_of(json_at(fleet, "hosts")) == JSON_IS_OBJECT);
	assert(json_text(fleet, "path", NULL) && json_text(fleet, "digest", NULL));
	assert(utf8_valid(text, strlen(text)));
	script = script_load(path, &e);
	assert(script);
	(void)script_bind(script, fleet, params, &e);
	script_free(script);
	close(fd);
	json_free(params);
	mem_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct json *fleet;
	char path[40];
	int fd = lua_file(data, size, path);

	lua_time();
	fleet = fleet_load(path, &e);
	if (fleet)
		use(fleet);
	else
		check_words(&e);
	json_free(fleet);
	close(fd);
	return 0;
}
