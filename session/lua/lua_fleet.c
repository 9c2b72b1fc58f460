/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

/* The fleet file: one table, evaluated where nothing else exists but `fleet` and `secret`. */

#define FLEET_MAX ((size_t)1 << 20)

struct fleet {
	struct script state;	/* only L, used, budget and exhausted are in use */
	struct json *value;	/* owned: what fleet{} was given */
	struct json *secrets;	/* owned */
	const char *shown;
	int line;
	int unnamed;
};

static const char fleet_key;

static struct fleet *fleet_of(lua_State *L)
{
	struct fleet *fleet;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &fleet_key);
	fleet = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return fleet;
}

static void *fleet_memory(void *arg, void *old, size_t old_size, size_t size)
{
	struct fleet *fleet = arg;
	size_t had = old ? old_size : 0;

	if (size == 0) {
		fleet->state.used -= had;
		mem_free(old);
		return NULL;
	}
	if (size > had && fleet->state.used + (size - had) > SCRIPT_MEMORY)
		return NULL;
	fleet->state.used = fleet->state.used - had + size;
	return mem_grow(old, 1, size);
}

static void fleet_hook(lua_State *L, lua_Debug *at)
{
	if (fleet_of(L)->state.budget-- > 0)
		return;
	fleet_of(L)->state.exhausted = true;
	/* There is no pcall in a fleet file. */
	lua_getinfo(L, "Sl", at);
	luaL_error(L, "%s:%d: the fleet file goes on without end", at->short_src, at->currentline);
}

static int define(lua_State *L)
{
	struct fleet *fleet = fleet_of(L);
	struct err e = {0};
	lua_Debug at;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (fleet->value)
		return luaL_error(L, "fleet { … } stands once in the file");
	fleet->value = lua_to_json(L, 1, &e);
	if (!fleet->value)
		return luaL_error(L, "fleet: %s", e.text);
	if (lua_getstack(L, 1, &at) && lua_getinfo(L, "l", &at))
		fleet->line = at.currentline;
	return 0;
}

/* secret.env "VAR", secret.file "path", secret.command "cmd", secret.ask "What is it?": a reference; the name is the text's, made unique. */
static int reference(lua_State *L)
{
	struct fleet *fleet = fleet_of(L);
	const char *how = lua_tostring(L, lua_upvalueindex(1)), *what = luaL_checkstring(L, 1);
	struct json *entry = json_new_object();
	char *name = str_is(how, "env") ? mem_strdup(what) : mem_printf("%s %d", how, ++fleet->unnamed);

	json_set_text(entry, how, what);
	json_put(fleet->secrets, name, entry);
	lua_pushstring(L, name);
	mem_free(name);
	lua_push_secret(L, lua_tostring(L, -1));
	return 1;
}

static int open_fleet(lua_State *L)
{
	static const char *const ways[] = {"env", "file", "command", "ask"};
	struct fleet *fleet = lua_touserdata(L, 1);

	lua_pushlightuserdata(L, fleet);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &fleet_key);
	lua_json_open(L);
	lua_newtable(L);
	lua_pushcfunction(L, define);
	lua_setfield(L, -2, "fleet");
	lua_newtable(L);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		lua_pushstring(L, ways[i]);
		lua_pushcclosure(L, reference, 1);
		lua_setfield(L, -2, ways[i]);
	}
	lua_setfield(L, -2, "secret");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &fleet->value);
	return 0;
}

struct fleet_text {
	struct fleet *fleet;
	const char *text;
	size_t len;
};

static int run_fleet(lua_State *L)
{
	struct fleet_text *in = lua_touserdata(L, 1);
	char *name = mem_printf("@%s", in->fleet->shown);
	int result = luaL_loadbufferx(L, in->text, in->len, name, "t");

	mem_free(name);
	if (result != LUA_OK)
		return lua_error(L);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &in->fleet->value);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 0);
	return 0;
}

/* ---- shape ---- */

static int check_object(const struct fleet *fleet, const char *key, const char *shape, struct err *e)
{
	const struct json *value = json_at(fleet->value, key);

	if (!value || json_type_of(value) == JSON_IS_OBJECT || (json_type_of(value) == JSON_IS_ARRAY && json_count(value) == 0))
		return 0;
	return err_set(e, ERR_USAGE, "%s:%d: fleet.%s must be a table like %s", fleet->shown, fleet->line, key, shape);
}

static bool is_in(const char *const *names, const char *name)
{
	while (*names && !str_is(*names, name))
		names++;
	return *names != NULL;
}

/* What a runbook of bellbook reads of the server. A slip of the pen would be a fact that nobody reads, and the usual value taken for it. */
static int check_mastodon(const struct fleet *fleet, struct err *e)
{
	static const char *const keys[] = {"domain", "live", "user", "web", "url", "rbenv", "path", "units", "remote", "settle", "token", "probe_token", "version", NULL};
	struct json *value;
	const char *key;
	void *it = NULL;

	while ((key = json_next(json_at(fleet->value, "mastodon"), &it, &value)) != NULL) {
		const char *near = str_nearest(key, keys);

		if (!is_in(keys, key))
			return err_set(e, ERR_USAGE, "%s:%d: mastodon has no field '%s'%s%s%s (own facts go into extra = { … })", fleet->shown, fleet->line, key,
				       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return 0;
}

/* A host may have facts of its own for runbooks, but nothing that is nearly a field of bellbook's. */
static int check_host_keys(const struct fleet *fleet, const char *host, const struct json *options, struct err *e)
{
	static const char *const keys[] = {"jobs", "transport", NULL};
	struct json *value;
	const char *key;
	void *it = NULL;

	while ((key = json_next(options, &it, &value)) != NULL) {
		const char *near = is_in(keys, key) ? NULL : str_nearest(key, keys);

		if (near)
			return err_set(e, ERR_USAGE, "%s:%d: hosts.%s has no field '%s'; did you mean '%s'?", fleet->shown, fleet->line, host, key, near);
	}
	return 0;
}

/* Who may do what alone, and how long people have. */
static int check_policy(const struct fleet *fleet, struct err *e)
{
	static const char *const keys[] = {"alone", "delay", "expires", "take", "give", NULL};
	struct json *value;
	const char *key;
	void *it = NULL;
	int64_t us;

	while ((key = json_next(json_at(fleet->value, "policy"), &it, &value)) != NULL) {
		const char *near = str_nearest(key, keys), *text = json_as_text(value);

		for (size_t i = 0; !str_is(keys[i], key); i++)
			if (!keys[i])
				return err_set(e, ERR_USAGE, "%s:%d: policy has no field '%s'%s%s%s", fleet->shown, fleet->line, key, near ? "; did you mean '" : "", near ? near : "",
					       near ? "'?" : "");
		if (str_is(key, "alone") ? !str_is(text, "waiver") && !str_is(text, "refuse") : !text || !str_to_duration(text, &us) || us < 0)
			return err_set(e, ERR_USAGE, "%s:%d: policy.%s must be %s", fleet->shown, fleet->line, key, str_is(key, "alone") ? "\"waiver\" or \"refuse\"" : "a duration like \"30s\"");
	}
	return 0;
}

static int check_top(const struct fleet *fleet, struct err *e)
{
	static const char *const keys[] = {"name", "ssh_config", "hosts", "roles", "databases", "search", "cdn", "dns", "mail", "people", "policy", "mastodon", "extra", NULL};
	struct json *value;
	const char *key;
	void *it = NULL;

	while ((key = json_next(fleet->value, &it, &value)) != NULL) {
		const char *near = str_nearest(key, keys);

		for (size_t i = 0; !str_is(keys[i], key); i++)
			if (!keys[i])
				return err_set(e, ERR_USAGE, "%s:%d: fleet has no field '%s'%s%s%s (own facts go into extra = { … })", fleet->shown, fleet->line, key,
					       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	if (!json_text(fleet->value, "name", NULL))
		return err_set(e, ERR_USAGE, "%s:%d: fleet needs name = \"…\"", fleet->shown, fleet->line);
	if (check_object(fleet, "hosts", "{ app1 = {}, db1 = {} }", e) < 0 || check_object(fleet, "roles", "{ web = { \"app1\" } }", e) < 0 ||
	    check_object(fleet, "policy", "{ alone = \"waiver\" }", e) < 0 || check_policy(fleet, e) < 0 ||
	    check_object(fleet, "mastodon", "{ domain = \"toot.example\" }", e) < 0 || check_mastodon(fleet, e) < 0)
		return -1;
	return 0;
}

static int check_host_name(const struct fleet *fleet, const char *host, struct err *e)
{
	if (*host && *host != '-' && !strpbrk(host, " \t\r\n'\"\\;|&$`<>/"))
		return 0;
	return err_set(e, ERR_USAGE, "%s:%d: '%s' is no host name", fleet->shown, fleet->line, host);
}

/* Where a host is to have its jobs: a place that a restart does not empty, as an unfinished job must be found again. */
static int check_jobs(const struct fleet *fleet, const char *host, const struct json *place, struct err *e)
{
	static const char *const emptied[] = {"/tmp/", "/run/", "/var/run/", "/dev/", "/proc/", "/sys/", NULL};
	const char *path = json_as_text(place);
	char *with_end;
	bool fits;

	if (!place)
		return 0;
	with_end = mem_printf("%s/", path ? path : "");
	fits = path && *path == '/' && path[1] && !str_ends(path, "/") && !strstr(with_end, "//") && !strstr(with_end, "/../") && !strstr(with_end, "/./") &&
	       strlen(path) <= 200 && !strpbrk(path, "\t\r\n");
	for (size_t i = 0; emptied[i] && fits; i++) {
		if (!str_starts(with_end, emptied[i]))
			continue;
		mem_free(with_end);
		return err_set(e, ERR_USAGE, "%s:%d: hosts.%s.jobs: %s is emptied when the host starts again, and what ran there could not be told any more",
			       fleet->shown, fleet->line, host, path);
	}
	mem_free(with_end);
	if (fits)
		return 0;
	return err_set(e, ERR_USAGE, "%s:%d: hosts.%s.jobs must be the whole path of a folder on that host, like \"/var/lib/bellbook\"", fleet->shown,
		       fleet->line, host);
}

static int check_roles_of(const struct fleet *fleet, struct err *e)
{
	const struct json *hosts = json_at(fleet->value, "hosts");
	const char *names[257] = {NULL}, *role, *host;
	struct json *list, *options;
	void *it = NULL;
	size_t n = 0;

	while ((host = json_next(hosts, &it, &options)) != NULL) {
		if (check_host_name(fleet, host, e) < 0 || check_host_keys(fleet, host, options, e) < 0 || check_jobs(fleet, host, json_at(options, "jobs"), e) < 0)
			return -1;
		if (n < 256)
			names[n++] = host;
	}
	it = NULL;
	while ((role = json_next(json_at(fleet->value, "roles"), &it, &list)) != NULL) {
		if (json_type_of(list) != JSON_IS_ARRAY && (json_type_of(list) != JSON_IS_OBJECT || json_count(list)))
			return err_set(e, ERR_USAGE, "%s:%d: roles.%s must be a list of hosts, like { \"app1\" }", fleet->shown, fleet->line, role);
		for (size_t i = 0; i < json_count(list); i++) {
			const char *name = json_as_text(json_item(list, i)), *near;

			if (name && json_at(hosts, name))
				continue;
			near = name ? str_nearest(name, names) : NULL;
			return err_set(e, ERR_USAGE, "%s:%d: roles.%s names '%s', which is not in hosts%s%s%s", fleet->shown, fleet->line, role, name ? name : "?",
				       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
	}
	return 0;
}

/* ---- paths ---- */

static char *resolved(const char *path, const char *folder)
{
	const char *home = getenv("HOME");

	if (str_starts(path, "~/") && home)
		return mem_printf("%s/%s", home, path + 2);
	if (*path == '/' || !*path)
		return mem_strdup(path);
	return mem_printf("%s/%s", folder, path);
}

static void resolve_paths(struct fleet *fleet, const char *folder)
{
	struct json *entry;
	void *it = NULL;
	char *path;

	if (json_text(fleet->value, "ssh_config", NULL)) {
		path = resolved(json_text(fleet->value, "ssh_config", ""), folder);
		json_set_text(fleet->value, "ssh_config", path);
		mem_free(path);
	}
	while (json_next(fleet->secrets, &it, &entry)) {
		if (!json_text(entry, "file", NULL))
			continue;
		path = resolved(json_text(entry, "file", ""), folder);
		json_set_text(entry, "file", path);
		mem_free(path);
	}
}

/* ---- the file ---- */

static char *read_all(const char *path, size_t *len, struct err *e)
{
	struct buf text = {0};
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		err_errno(e, "fleet file %s", path);
		return NULL;
	}
	while (text.len <= FLEET_MAX && ((n = read(fd, buf_room(&text, 65536), 65536)) > 0 || (n < 0 && errno == EINTR)))
		buf_added(&text, n > 0 ? (size_t)n : 0);
	if (n < 0)
		err_errno(e, "fleet file %s", path);
	else if (text.len > FLEET_MAX)
		err_set(e, ERR_USAGE, "fleet file %s: larger than 1 MiB", path);
	close(fd);
	if (n < 0 || text.len > FLEET_MAX) {
		buf_done(&text);
		return NULL;
	}
	*len = text.len;
	return buf_take(&text);
}

static int evaluate(struct fleet *fleet, const char *text, size_t len, struct err *e)
{
	struct fleet_text in = {.fleet = fleet, .text = text, .len = len};

	fleet->state.L = lua_newstate(fleet_memory, fleet);
	if (!fleet->state.L)
		return err_set(e, ERR_FULL, "no memory for Lua");
	fleet->secrets = json_new_object();
	fleet->state.budget = SCRIPT_LOAD_BUDGET;
	if (lua_protected(&fleet->state, open_fleet, fleet, e) < 0)
		return -1;
	lua_sethook(fleet->state.L, fleet_hook, LUA_MASKCOUNT, SCRIPT_SLICE);
	if (lua_protected(&fleet->state, run_fleet, &in, e) < 0)
		return strstr(e->text, fleet->shown) ? -1 : err_wrap(e, "%s", fleet->shown);
	if (!fleet->value)
		return err_set(e, ERR_USAGE, "%s: there is no fleet { name = …, hosts = … }", fleet->shown);
	return 0;
}

static void add_facts(struct fleet *fleet, const char *path, const char *text, size_t len)
{
	unsigned char digest[SHA256_LEN];
	struct buf hex = {0};

	sha256_of(text, len, digest);
	str_hex(&hex, digest, sizeof(digest));
	json_set_text(fleet->value, "path", path);
	json_set_text(fleet->value, "digest", buf_text(&hex));
	if (!json_at(fleet->value, "hosts") || json_type_of(json_at(fleet->value, "hosts")) != JSON_IS_OBJECT)
		json_put(fleet->value, "hosts", json_new_object());
	if (!json_at(fleet->value, "roles") || json_type_of(json_at(fleet->value, "roles")) != JSON_IS_OBJECT)
		json_put(fleet->value, "roles", json_new_object());
	json_put(fleet->value, "secrets", fleet->secrets);
	fleet->secrets = NULL;
	buf_done(&hex);
}

/* The folder of a file, by its whole name: what is found from it is used where the working folder is another one. */
static char *folder_of(const char *path, const char *slash)
{
	char *folder = slash ? mem_dup(path, slash > path ? (size_t)(slash - path) : 1) : mem_strdup(".");
	char *absolute = realpath(folder, NULL);

	if (!absolute)
		return folder;
	mem_free(folder);
	return absolute;
}

struct json *fleet_load(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct fleet fleet = {.shown = slash ? slash + 1 : path};
	char *folder = folder_of(path, slash);
	char *absolute = realpath(path, NULL);
	size_t len = 0;
	char *text = read_all(path, &len, e);
	int result = -1;

	if (text && evaluate(&fleet, text, len, e) == 0 && check_top(&fleet, e) == 0 && check_roles_of(&fleet, e) == 0) {
		resolve_paths(&fleet, folder);
		add_facts(&fleet, absolute ? absolute : path, text, len);
		result = 0;
	}
	if (fleet.state.L)
		lua_close(fleet.state.L);
	if (result < 0) {
		json_free(fleet.value);
		fleet.value = NULL;
	}
	json_free(fleet.secrets);
	mem_free(absolute);
	mem_free(folder);
	mem_free(text);
	return fleet.value;
}
