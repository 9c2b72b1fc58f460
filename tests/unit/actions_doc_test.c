/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A section of bellbook-runbook(7) is made of the tables of actions: tools/actions-doc writes it, this test tells when it is stale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actions/worker/action_doc.h"
#include "base/buf.h"

#define PAGE "man/bellbook-runbook.7"
#define HEAD ".\\\" Made by tools/actions-doc from the tables in actions/. Do not edit up to the end mark.\n"
#define TAIL ".\\\" End of what is made of the tables.\n"

static void read_page(struct buf *out)
{
	FILE *file = fopen(PAGE, "rb");
	size_t got;

	assert_non_null(file);
	while ((got = fread(buf_room(out, 4096), 1, 4096, file)) > 0)
		buf_added(out, got);
	fclose(file);
}

static void write_page(const struct buf *page)
{
	FILE *file = fopen(PAGE, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(page->data, 1, page->len, file), page->len);
	assert_int_equal(fclose(file), 0);
}

static void manual__says_what_the_tables_say(void **state)
{
	struct buf page = {0}, wanted = {0};
	const char *head, *tail;

	(void)state;
	read_page(&page);
	head = strstr(buf_text(&page), HEAD);
	tail = strstr(buf_text(&page), TAIL);
	assert_true(head && tail && head < tail);
	buf_append(&wanted, page.data, (size_t)(head + strlen(HEAD) - page.data));
	action_doc_manual(&wanted);
	buf_puts(&wanted, tail);
	if (getenv("GENERATE"))
		write_page(&wanted);
	else if (strcmp(buf_text(&wanted), buf_text(&page)) != 0)
		fail_msg("%s is stale: run tools/actions-doc (from the top of the tree)", PAGE);
	buf_done(&page);
	buf_done(&wanted);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual__says_what_the_tables_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
