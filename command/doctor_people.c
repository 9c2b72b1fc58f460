/* doctor_people.c - what bellbook doctor says of who counts as a second person on this computer, and what is not proved. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/doctor.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/people/account.h"

#define GROUPS_MAX 512

/* The first number in a file of /proc; -1 when it is not there. */
static int64_t number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	long long number = -1;

	if (file && fscanf(file, "%lld", &number) != 1)
		number = -1;
	if (file)
		fclose(file);
	return number;
}

/* Which membership lets this account become any other; NULL = none that is known. Static or the group's, borrowed. */
static const char *way_to_root(void)
{
	static const char *const names[] = {"sudo", "wheel", "admin", "docker", "lxd", "incus", "libvirt", "disk"};
	gid_t groups[GROUPS_MAX];
	int count = getgroups(GROUPS_MAX, groups);

	for (int i = 0; i < count; i++) {
		const struct group *group = getgrgid(groups[i]);

		for (size_t k = 0; group && k < sizeof(names) / sizeof(names[0]); k++)
			if (str_is(group->gr_name, names[k]))
				return names[k];
	}
	return NULL;
}

static void own_account(struct doctor *doctor)
{
	const char *way = geteuid() == 0 ? NULL : way_to_root();
	char *name = account_name(getuid()), *doubt = account_doubt(getuid());
	char *text = doubt ? mem_strdup(doubt) : geteuid() == 0 ? mem_printf("%s may become any other", name)
		: way ? mem_printf("%s is in the group %s, and may so become any other", name, way) : mem_printf("%s", name);

	doctor_tell(doctor, doubt ? FINDING_WARN : FINDING_OK, "account", text,
		    "Such an account never counts as a second person. Walk from one that belongs to a person.");
	mem_free(text);
	mem_free(doubt);
	mem_free(name);
}

/* What users may do here without any rights, and that it gets them nowhere. */
static void namespaces(struct doctor *doctor)
{
	int64_t most = number_in("/proc/sys/user/max_user_namespaces"), open = number_in("/proc/sys/kernel/unprivileged_userns_clone");
	const char *inside = account_namespace();

	if (inside)
		doctor_tell(doctor, FINDING_WARN, "user namespaces", inside, "No second person is believed here: steps without a way back need a session outside.");
	else if (most == 0 || open == 0)
		doctor_tell(doctor, FINDING_OK, "user namespaces", "users cannot make them here", NULL);
	else
		doctor_tell(doctor, FINDING_OK, "user namespaces", "users may make them and take on the uids of /etc/subuid: to bellbook such a uid is nobody", NULL);
}

static void logins(struct doctor *doctor)
{
	int64_t login = number_in("/proc/self/loginuid");
	char *name, *text;

	if (login < 0 || login >= UINT32_MAX) {
		doctor_tell(doctor, FINDING_WARN, "logins", "the kernel does not say who logged in: whoever becomes another account is known by the program that did it (sudo, su), no longer than that runs",
			    "pam_loginuid in the PAM settings of sshd and login, and a kernel with audit, say it. A second person proves more when nobody has sudo to another's account.");
		return;
	}
	name = account_name((uid_t)login);
	text = mem_printf("the kernel knows that you logged in as %s; other accounts from that login are no second person", name);
	doctor_tell(doctor, FINDING_OK, "logins", text, NULL);
	mem_free(text);
	mem_free(name);
}

void doctor_people(struct doctor *doctor)
{
	own_account(doctor);
	namespaces(doctor);
	logins(doctor);
}

static bool has_account(struct doctor *doctor, const char *name)
{
	char *text;

	if (!name || getpwnam(name))
		return true;
	text = mem_printf("%s, whom the fleet file names, has no account here", name);
	doctor_tell(doctor, FINDING_WARN, "people", text, "people in the fleet file are names of accounts on this computer.");
	mem_free(text);
	return false;
}

void doctor_team(struct doctor *doctor, const struct json *fleet)
{
	const struct json *people = json_at(fleet, "people");
	bool list = json_type_of(people) == JSON_IS_ARRAY, all = true;
	struct json *value;
	const char *name;
	void *it = NULL;

	if (json_count(people) == 0) {
		doctor_tell(doctor, FINDING_OK, "people", "the fleet file names none: every account that may write the journal may drive and agree", NULL);
		return;
	}
	for (size_t i = 0; list && i < json_count(people); i++)
		all = has_account(doctor, json_as_text(json_item(people, i))) && all;
	while (!list && (name = json_next(people, &it, &value)) != NULL)
		all = has_account(doctor, name) && all;
	if (all)
		doctor_tell(doctor, FINDING_OK, "people", "whom the fleet file names has an account here", NULL);
}
