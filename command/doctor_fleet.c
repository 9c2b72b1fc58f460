/* doctor_fleet.c - what bellbook doctor says of the fleet file, of ssh, and of the hosts. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "actions/ssh/ssh_config.h"
#include "base/mem.h"
#include "base/str.h"
#include "session/lua/script.h"

static void agent(struct doctor *doctor)
{
	const char *const argv[] = {"ssh-add", "-l", NULL};
	struct buf out = {0};
	int status, count = 0;
	char *text;

	if (!getenv("SSH_AUTH_SOCK")) {
		doctor_tell(doctor, FINDING_OK, "ssh agent", "none: passphrases and passwords are asked for in the session", NULL);
		return;
	}
	status = doctor_run(argv, false, 5, &out);
	for (const char *at = buf_text(&out); status == 0 && (at = strchr(at, '\n')) != NULL; at++)
		count++;
	text = mem_printf("%d key%s", count, count == 1 ? "" : "s");
	if (status == 0)
		doctor_tell(doctor, FINDING_OK, "ssh agent", text, NULL);
	else if (status == 1)
		doctor_tell(doctor, FINDING_WARN, "ssh agent", "it holds no key", "ssh-add adds one; or keys are read from their files.");
	else
		doctor_tell(doctor, FINDING_WARN, "ssh agent", "SSH_AUTH_SOCK names one that does not answer", "Log in again with -A, or start one; or unset SSH_AUTH_SOCK.");
	mem_free(text);
	buf_done(&out);
}

/* Host named on the command line, or of a role named there, or all. */
static bool is_wanted(const struct options *o, const struct json *fleet, const char *host)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct json *role = json_at(json_at(fleet, "roles"), o->args[i]);

		if (str_is(o->args[i], host))
			return true;
		for (size_t k = 0; k < json_count(role); k++)
			if (str_is(json_as_text(json_item(role, k)), host))
				return true;
	}
	return o->count == 0;
}

/* "deploy@10.0.0.7:22" by ssh -G, without connecting. NULL after a finding. Caller owns. */
static char *resolve(struct doctor *doctor, const struct json *fleet, const char *host, const char *what)
{
	const char *config = json_text(fleet, "ssh_config", getenv("BELLBOOK_SSH_CONFIG"));
	const char *argv[] = {"ssh", "-G", "-F", config, "--", host, NULL};
	const char *const usual[] = {"ssh", "-G", "--", host, NULL};
	struct ssh_config *found = NULL;
	struct buf out = {0};
	struct err e = {0};
	char *where = NULL, *text;
	int status = doctor_run(config ? argv : usual, true, 10, &out);

	if (status == 0)
		found = ssh_config_parse(host, buf_text(&out), out.len, &e);
	if (found) {
		where = mem_printf("%s@%s:%d", ssh_config_user(found), ssh_config_address(found), ssh_config_port(found));
	} else {
		text = mem_printf("ssh cannot make sense of it: %.300s", status == 0 ? e.text : buf_text(&out));
		doctor_tell(doctor, FINDING_FAIL, what, text, "Try `ssh -G HOST`: bellbook finds hosts as ssh does.");
		mem_free(text);
	}
	ssh_config_free(found);
	buf_done(&out);
	return where;
}

/* What bellbook hosts saw of it. */
static void judge(struct doctor *doctor, const struct json *seen, const char *what, const char *where)
{
	const struct json *problems = json_at(seen, "problems");
	const char *sudo = json_text(seen, "sudo", "");
	char *text;

	if (!seen || str_is(json_text(seen, "state", ""), "silent")) {
		text = mem_printf("%s is not reached: %s", where, seen ? json_text(seen, "text", "no answer") : "no answer");
		doctor_tell(doctor, FINDING_FAIL, what, text, "Try `ssh` to it from here.");
		mem_free(text);
		return;
	}
	text = mem_printf("%s, disk %lld%%, clock %+lld s, load %s%s%s", where, (long long)json_int(seen, "disk_pct", 0), (long long)json_int(seen, "skew_s", 0),
			  json_text(seen, "load", "unknown"), *sudo ? ", sudo " : "", str_is(sudo, "root") ? "not needed" : sudo);
	doctor_tell(doctor, FINDING_OK, what, text, NULL);
	mem_free(text);
	for (size_t i = 0; i < json_count(problems); i++)
		doctor_tell(doctor, FINDING_WARN, what, json_as_text(json_item(problems, i)), "Better mend it before a walk than in it.");
	if (str_is(sudo, "no"))
		doctor_tell(doctor, FINDING_WARN, what, "sudo asks for a password there, or is not allowed", "Steps that become another user need sudo_password, or NOPASSWD in sudoers.");
	if (str_is(sudo, "tty"))
		doctor_tell(doctor, FINDING_WARN, what, "sudo there wants a terminal, which no command of a runbook has (requiretty)", "In its sudoers, as root by visudo: Defaults:NAME !requiretty, for who logs in.");
}

static const struct json *seen_of(const struct json *list, const char *host)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (str_is(json_text(json_item(list, i), "host", ""), host))
			return json_item(list, i);
	return NULL;
}

/* Lines of `bellbook hosts --sudo --json`: all hosts side by side. Caller owns. */
static struct json *look(const struct options *o, const char *path, size_t hosts)
{
	const char *argv[sizeof(o->args) / sizeof(o->args[0]) + 8] = {"/proc/self/exe", "hosts", "--sudo", "--json", "--fleet", path};
	struct json *list = json_new_array(), *one;
	struct buf out = {0};
	struct err e;

	for (size_t i = 0; i < o->count; i++)
		argv[6 + i] = o->args[i];
	(void)doctor_run(argv, false, 20 + (int)hosts, &out);
	for (const char *at = buf_text(&out), *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		one = json_parse(at, (size_t)(end - at), &e);
		if (one)
			json_add(list, one);
	}
	buf_done(&out);
	return list;
}

static void hosts(struct doctor *doctor, const struct json *fleet, const char *path)
{
	const struct json *all = json_at(fleet, "hosts");
	struct json *value, *seen = look(doctor->o, path, json_count(all));
	const char *host;
	void *it = NULL;

	while (all && (host = json_next(all, &it, &value)) != NULL) {
		char *what, *where;

		if (!is_wanted(doctor->o, fleet, host))
			continue;
		what = mem_printf("host %s", host);
		where = resolve(doctor, fleet, host, what);
		if (where)
			judge(doctor, seen_of(seen, host), what, where);
		mem_free(where);
		mem_free(what);
	}
	json_free(seen);
}

void doctor_fleet(struct doctor *doctor)
{
	struct err e = {0};
	struct json *fleet;
	char *owned, *text;
	const char *path = cmd_fleet(doctor->o, &owned);

	if (!path) {
		doctor_tell(doctor, FINDING_WARN, "fleet file", "there is none: runbooks can only work on this computer",
			    "Put one at ~/.config/bellbook/fleet.lua, or name it with --fleet or BELLBOOK_FLEET; man bellbook-fleet tells how it looks.");
		agent(doctor);
		mem_free(owned);
		return;
	}
	fleet = fleet_load(path, &e);
	text = mem_printf("%s, %zu hosts", path, json_count(json_at(fleet, "hosts")));
	doctor_tell(doctor, fleet ? FINDING_OK : FINDING_FAIL, "fleet file", fleet ? text : e.text, "man bellbook-fleet tells how it looks.");
	mem_free(text);
	if (fleet)
		doctor_team(doctor, fleet);
	agent(doctor);
	if (fleet && json_count(json_at(fleet, "hosts")))
		hosts(doctor, fleet, path);
	json_free(fleet);
	mem_free(owned);
}
