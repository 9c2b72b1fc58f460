/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/front.h"

bool front_is_early(const struct front *front, int64_t now_us)
{
	return now_us < front->guard_us || front->unseen;
}

int64_t front_number(void)
{
	static int64_t last;

	return ++last;
}
