/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long it took before: on walks of this fleet that went the way which the settings choose now. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tui/plan/plan_int.h"
#include "tui/part/when.h"

#define WALKS 60	/* newest ones that are looked at */

const char *plan_value(const struct plan *plan, const char *name)
{
	const char *given = json_text(plan->values, name, NULL);

	return given ? given : json_text(plan_param(plan, name), "default", NULL);
}

/* Calls with each setting by which steps are left out, each once. */
static bool each_way(const struct plan *plan, bool (*fn)(const struct plan *plan, const char *name, void *arg), void *arg)
{
	const struct json *steps = json_at(plan->data, "steps"), *params = json_at(plan->data, "params");

	for (size_t i = 0; i < json_count(params); i++) {
		const char *name = json_text(json_item(params, i), "name", "");
		bool used = false;

		for (size_t k = 0; k < json_count(steps) && !used; k++)
			used = json_at(json_at(json_item(steps, k), "only"), name) != NULL;
		if (used && !fn(plan, name, arg))
			return false;
	}
	return true;
}

static bool same_value(const struct plan *plan, const char *name, void *arg)
{
	const struct json *const *walk = arg;

	return str_is(json_text(json_at(*walk, "params"), name, ""), plan_value(plan, name));
}

static bool is_alike(const struct plan *plan, const struct json *walk)
{
	return str_is(json_text(walk, "fleet", NULL), json_text(json_at(plan->data, "fleet"), "name", NULL)) && each_way(plan, same_value, &walk);
}

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

struct json *plan_past(const struct plan *plan, const char *key, const char *step)
{
	const struct json *walks = json_at(plan->data, "walks");
	int64_t values[WALKS];
	struct json *span;
	size_t n = 0;

	for (size_t i = 0; i < json_count(walks) && n < WALKS; i++) {
		const struct json *walk = json_item(walks, i), *from = step ? json_at(walk, "steps") : walk;

		if (is_alike(plan, walk) && json_at(from, step ? step : key))
			values[n++] = json_int(from, step ? step : key, 0);
	}
	if (!n)
		return NULL;
	qsort(values, n, sizeof(*values), by_size);
	span = json_new_object();
	json_set_int(span, "n", (int64_t)n);
	json_set_int(span, "median_us", n % 2 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2);
	json_set_int(span, "min_us", values[0]);
	json_set_int(span, "max_us", values[n - 1]);
	return span;
}

static bool name_way(const struct plan *plan, const char *name, void *arg)
{
	const char *value = plan_value(plan, name);

	if (value)
		buf_printf(arg, ", %s %s", name, value);
	return true;
}

void plan_past_words(const struct plan *plan, const struct json *past, struct buf *out)
{
	long long n = (long long)json_int(past, "n", 0);
	char median[TIME_TEXT], least[TIME_TEXT], most[TIME_TEXT];

	buf_puts(out, when_span(json_int(past, "median_us", 0), median));
	if (n > 1)
		buf_printf(out, " (%s to %s)", when_span(json_int(past, "min_us", 0), least), when_span(json_int(past, "max_us", 0), most));
	buf_printf(out, n > 1 ? ", as on %lld walks of this fleet" : ", as on the only walk of this fleet", n);
	(void)each_way(plan, name_way, out);
}
