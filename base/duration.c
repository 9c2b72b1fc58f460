/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/duration.h"

#include "base/str.h"

bool duration_of_seconds(double seconds, int64_t *us)
{
	/* Also false for a NaN. */
	if (!(seconds >= 0 && seconds <= (double)DURATION_MAX / 1e6))
		return false;
	*us = (int64_t)(seconds * 1e6);
	return true;
}

bool duration_of(const struct json *value, int64_t *us)
{
	switch (json_type_of(value)) {
	case JSON_IS_INT:
		return duration_of_seconds((double)json_as_int(value, -1), us);
	case JSON_IS_REAL:
		return duration_of_seconds(json_as_real(value, -1), us);
	case JSON_IS_TEXT:
		return str_to_duration(json_as_text(value), us);
	case JSON_IS_NULL:
	case JSON_IS_BOOL:
	case JSON_IS_ARRAY:
	case JSON_IS_OBJECT:
		break;
	}
	return false;
}
