/* common.c - how a command tells its faults and its results. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/common.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "journal/store/health.h"
#include "journal/store/store.h"

int cmd_fail(enum exit_code code, const char *text)
{
	struct buf out = {0};

	utf8_safe(&out, text, strlen(text), true);
	fprintf(stderr, "bellbook: %s\n", buf_text(&out));
	buf_done(&out);
	return (int)code;
}

int cmd_fail_err(const struct err *e)
{
	return cmd_fail(e->kind == ERR_USAGE || e->kind == ERR_NOTFOUND ? EXIT_USAGE : EXIT_FAILED, e->text);
}

int cmd_check_cut(const struct options *o)
{
	struct err why = {0};
	char *advice, *text;

	if (!health_is_cut(o->journal, &why))
		return EXIT_OK;
	advice = store_cut_advice(o->journal);
	text = mem_printf("the journal %s. %s", why.text, advice);
	(void)cmd_fail(EXIT_FAILED, text);
	mem_free(text);
	mem_free(advice);
	return EXIT_FAILED;
}

int cmd_print_json(struct json *value)
{
	char *text = json_print(value);

	puts(text);
	mem_free(text);
	json_free(value);
	return EXIT_OK;
}
