/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/model/model_int.h"

/* Numbers of a runbook may be anything; a view must be able to count on these. */
static double number(const struct json *data, const char *key)
{
	const struct json *value = json_at(data, key);
	double n = json_type_of(value) == JSON_IS_INT ? (double)json_as_int(value, 0) : json_as_real(value, -1);

	return isfinite(n) && n >= 0 && n <= 1e15 ? n : -1;
}

/* Every second point goes; the first and the newest stay. */
static void thin_out(struct model_meter *meter)
{
	size_t kept = 0;

	for (size_t i = 0; i < meter->count; i++)
		if (i % 2 == 0 || i + 1 == meter->count)
			meter->points[kept++] = meter->points[i];
	meter->count = kept;
}

static void add_point(struct model_meter *meter, int64_t at_us, double done)
{
	/* A clock that was set back must not turn the history round. */
	if (meter->count && at_us < meter->points[meter->count - 1].at_us)
		meter->count = 0;
	if (meter->count && at_us == meter->points[meter->count - 1].at_us)
		meter->count--;
	if (!meter->points)
		meter->points = mem_array(MODEL_POINTS, sizeof(*meter->points));
	if (meter->count == MODEL_POINTS)
		thin_out(meter);
	meter->points[meter->count++] = (struct model_point){ .at_us = at_us, .done = done };
}

void model_meter_take(struct model_meter *meter, int64_t at_us, const struct json *data)
{
	double done = number(data, "done"), total = number(data, "total"), percent = number(data, "percent");
	bool first = meter->moved_us == 0;

	if (done < 0 && percent >= 0) {
		done = percent > 100 ? 100 : percent;
		total = 100;
	}
	meter->stalled = json_bool(data, "stalled", false);
	if (meter->stalled && !first)
		return;
	if (first || (done >= 0 ? done : -1) != meter->done)
		meter->moved_us = at_us;
	meter->done = done;
	meter->total = total;
	mem_set(&meter->text, json_text(data, "text", NULL));
	mem_set(&meter->unit, json_text(data, "unit", percent >= 0 && total == 100 ? "percent" : NULL));
	if (done >= 0)
		add_point(meter, at_us, done);
}

void model_meter_clear(struct model_meter *meter)
{
	mem_free(meter->unit);
	mem_free(meter->text);
	mem_free(meter->points);
	*meter = (struct model_meter){ .done = -1, .total = -1 };
}
