/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/do/glance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"

static const struct glance_times at = { 1000 * TIME_SECOND, 1001 * TIME_SECOND };

static void assert_reads(const char *text, const char *want)
{
	struct json *got = glance_read(text, strlen(text), &at);
	char *print = json_print(got);

	assert_string_equal(print, want);
	mem_free(print);
	json_free(got);
}

static void glance_read__keeps_the_fullest_disk(void **state)
{
	(void)state;
	assert_reads("clock 1000\ndisk 1000 600 /\ndisk 2000 600 /srv/a b\ndisk 10 9 /boot\nmemory 100\navailable 40\nload 0.30\ncpus 2\nsudo yes\nend\n",
		"{\"cpus\":2,\"disk_free_kb\":600,\"disk_mount\":\"/srv/a b\",\"disk_pct\":70,\"load\":\"0.30\",\"memory_pct\":60,\"problems\":[],\"skew_s\":0,"
		"\"state\":\"ok\",\"sudo\":\"yes\"}");
}

/* As df: rounded up, and no overflow on sizes that no disk has. */
static void glance_read__rounds_a_disk_as_df_does(void **state)
{
	(void)state;
	assert_reads("clock 1000\ndisk 97953204 77931880 /\nend\n",
		"{\"disk_free_kb\":77931880,\"disk_mount\":\"/\",\"disk_pct\":21,\"problems\":[],\"skew_s\":0,\"state\":\"ok\"}");
	assert_reads("clock 1000\ndisk 10000 9999 /\nend\n",
		"{\"disk_free_kb\":9999,\"disk_mount\":\"/\",\"disk_pct\":1,\"problems\":[],\"skew_s\":0,\"state\":\"ok\"}");
}

static void glance_read__says_what_is_wrong(void **state)
{
	(void)state;
	assert_reads("clock 700\ndisk 1000 50 /\nmemory 100\navailable 1\nload 40.00\ncpus 2\nend\n",
		"{\"cpus\":2,\"disk_free_kb\":50,\"disk_mount\":\"/\",\"disk_pct\":95,\"load\":\"40.00\",\"memory_pct\":99,\"problems\":[\"disk / is 95% full\","
		"\"memory is 99% in use\",\"load 40.00 on 2 processors\",\"its clock is 299 s behind\"],\"skew_s\":-299,\"state\":\"attention\"}");
}

static void glance_read__says_that_there_is_no_place_for_jobs(void **state)
{
	(void)state;
	assert_reads("clock 1000\njobs /home/x is not there\nend\n",
		"{\"problems\":[\"no place for jobs: /home/x is not there\"],\"skew_s\":0,\"state\":\"attention\"}");
}

static void glance_read__bears_nonsense(void **state)
{
	static const char *const odd[] = {
		"", "\n\n", "end", "disk", "disk 5", "disk 5 6 /\n", "disk 5 6\n", "disk x 2 /\n", "disk 0 0 /\n", "clock 99999999999999999999\n",
		"load 1e999\nload \033[31m\n", "memory -5\navailable 7\n", "\xff\xfe disk\n", "cpus \n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct json *got = glance_read(odd[i], strlen(odd[i]), &at);

		assert_null(json_at(got, "disk_pct"));
		assert_null(json_at(got, "load"));
		assert_null(json_at(got, "skew_s"));
		json_free(got);
	}
	assert_reads("load 0.10\n", "{\"load\":\"0.10\",\"problems\":[\"its answer is cut short\"],\"state\":\"attention\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(glance_read__keeps_the_fullest_disk),
		cmocka_unit_test(glance_read__rounds_a_disk_as_df_does),
		cmocka_unit_test(glance_read__says_what_is_wrong),
		cmocka_unit_test(glance_read__says_that_there_is_no_place_for_jobs),
		cmocka_unit_test(glance_read__bears_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
