/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/script.h"

#include "base/mem.h"
#include "base/str.h"
#include "session/lua/lua_int.h"

/*
 * A task that only looks ahead: each of its branches knows whether it is behind
 * a change that was noted instead of done. What each() runs side by side does
 * not stand behind one another: every host is looked at as if it were alone.
 */

static struct branch *branch_at(const struct script_task *task, const char *path)
{
	for (struct branch *branch = task->branches; branch; branch = branch->next)
		if (branch->path && !branch->over && str_is(branch->path, path))
			return branch;
	return NULL;
}

bool script_ahead_changed(const struct script_task *task, const char *path)
{
	const struct branch *branch = branch_at(task, path);

	return branch && branch->changed;
}

char *script_ahead_note(struct script_task *task, const char *path)
{
	struct branch *branch = branch_at(task, path);

	if (!branch)
		return mem_strdup("");
	branch->changed = true;
	return mem_printf("%s%08d", branch->order, branch->counter);
}
