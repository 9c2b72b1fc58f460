/* doctor_journal.c - what bellbook doctor says of the journal. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/doctor.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/export/export.h"
#include "journal/store/health.h"
#include "journal/store/store.h"
#include "journal/store/place.h"

#define MIB ((int64_t)1 << 20)
#define SPACE_FAIL (64 * MIB)
#define SPACE_WARN (1024 * MIB)

/* Where it lies, and who may read and write there. False when nothing more can be said. */
static bool place(struct doctor *doctor, const struct health *health)
{
	const char *path = doctor->o->journal, *slash = strrchr(path, '/');
	char *dir = slash ? mem_dup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
	char *text = mem_printf("%s%s", path, health->exists ? "" : " (made by the first session)");
	bool dir_ok = access(dir, W_OK | X_OK) == 0;
	struct err e = {0};
	struct stat st;

	if (!dir_ok)
		doctor_tell(doctor, FINDING_FAIL, "journal", text, "Its folder is not there, or you may not write in it. Name another with --journal or BELLBOOK_JOURNAL, or ask its owner.");
	else if (health->exists && access(path, R_OK | W_OK) < 0)
		doctor_tell(doctor, FINDING_FAIL, "journal", text, "You may not read and write it. In a team the folder belongs to a group, setgid, and you to that group: man bellbook, SHARING.");
	else
		doctor_tell(doctor, FINDING_OK, "journal", text, NULL);
	mem_free(text);
	mem_free(dir);
	if (dir_ok && place_check(path, &e) < 0)
		doctor_tell(doctor, FINDING_FAIL, "journal permissions", e.text, "Until then nobody can join a session of this journal.");
	else if (dir_ok && health->exists && stat(path, &st) == 0 && (st.st_mode & 0007))
		doctor_tell(doctor, FINDING_WARN, "journal permissions", "everybody on this computer may read it", "It holds what commands printed. chmod o-rwx it.");
	else if (dir_ok)
		doctor_tell(doctor, FINDING_OK, "journal permissions", "safe to share sessions in", NULL);
	return dir_ok;
}

static void space(struct doctor *doctor, const struct health *health)
{
	char *text = mem_printf("%lld MiB free, journal %lld MiB", (long long)(health->space / MIB), (long long)(health->size > 0 ? health->size / MIB : 0));
	enum finding finding = health->space < 0 || health->space >= SPACE_WARN ? FINDING_OK : health->space >= SPACE_FAIL ? FINDING_WARN : FINDING_FAIL;

	doctor_tell(doctor, finding, "journal space", text, "A session stops when the journal cannot be written. Free some space there first.");
	mem_free(text);
	if (!health->exists)
		return;
	text = mem_printf("%lld KiB kept for closing records", (long long)(health->ballast / 1024));
	if (health->ballast)
		doctor_tell(doctor, FINDING_OK, "journal ballast", text, NULL);
	else
		doctor_tell(doctor, FINDING_WARN, "journal ballast", "there is none: on a full disk the end of a session could not be recorded", "It is made by the next session that has room for it.");
	mem_free(text);
}

static void sqlite_version(struct doctor *doctor, const struct health *health)
{
	char *text = mem_printf("%s%s", health->sqlite, health->wal_bug ? ", with the WAL-reset bug: bellbook's own lock keeps clear of it, other programs do not" : "");

	/* A fact of every Debian 12: nothing to do, but to know. */
	doctor_tell(doctor, FINDING_OK, "SQLite", text, NULL);
	mem_free(text);
}

static void whole(struct doctor *doctor)
{
	struct err e = {0};
	char *advice;

	if (health_check(doctor->o->journal, &e) == 0 && health_is_cut(doctor->o->journal, &e)) {
		advice = store_cut_advice(doctor->o->journal);
		doctor_tell(doctor, FINDING_FAIL, "journal chain", e.text, advice);
		mem_free(advice);
	} else if (e.text[0])
		doctor_tell(doctor, FINDING_FAIL, "journal chain", e.text, "Nothing was written to it. bellbook verify names the first bad event, bellbook log shows what stands before it; keep the file, and use another one.");
	else
		doctor_tell(doctor, FINDING_OK, "journal chain", "its end is intact (bellbook verify checks all of it)", NULL);
}

static void unfinished(struct doctor *doctor)
{
	struct err e = {0};
	struct json *open = export_sessions(doctor->o->journal, true, 0, &e);

	for (size_t i = 0; i < json_count(open); i++) {
		const struct json *one = json_item(open, i);
		char *text;

		if (json_bool(one, "running", false))
			continue;
		text = mem_printf("%lld (%s) is not over, and no process carries it", (long long)json_int(one, "session", 0), json_text(one, "title", ""));
		doctor_tell(doctor, FINDING_WARN, "session", text, "bellbook resume takes it over where it stopped; it may also be stopped there.");
		mem_free(text);
	}
	json_free(open);
}

void doctor_journal(struct doctor *doctor)
{
	struct health health;

	health_look(doctor->o->journal, &health);
	if (!place(doctor, &health))
		return;
	space(doctor, &health);
	sqlite_version(doctor, &health);
	if (!health.exists)
		return;
	if (health.busy)
		doctor_tell(doctor, FINDING_FAIL, "journal lock", "somebody has held it for two seconds", "No session can write meanwhile. `fuser -v` on the file ending in -lock says who.");
	else
		doctor_tell(doctor, FINDING_OK, "journal lock", "free", NULL);
	whole(doctor);
	unfinished(doctor);
}
