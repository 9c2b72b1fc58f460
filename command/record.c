/* record.c - the commands that read the journal: sessions, log, verify. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "journal/export.h"
#include "journal/store.h"

int cmd_sessions(struct options *o)
{
	struct err e = {0};
	struct index_filter filter;
	struct json *sessions = NULL;
	struct index *index;
	struct buf out = {0};

	if (o->count)
		return cmd_fail(EXIT_USAGE, "sessions takes options alone; bellbook search looks for words");
	if (cmd_filter(o, &filter, &e) < 0)
		return cmd_fail_err(&e);
	index = cmd_index(o, INDEX_FACTS, &e);
	if (index)
		sessions = export_sessions_found(index, o->journal, &filter, &e);
	index_close(index);
	if (!sessions && e.kind == ERR_NOTFOUND)
		sessions = json_new_array();
	if (!sessions)
		return cmd_fail_err(&e);
	if (o->json)
		return cmd_print_json(sessions);
	export_sessions_text(sessions, &out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	json_free(sessions);
	return EXIT_OK;
}

int cmd_log(struct options *o)
{
	enum export_format format = EXPORT_TEXT;
	struct err e = {0};
	int64_t session;
	int damaged;

	if (o->count != 1 || !str_to_int(o->args[0], 1, INT64_MAX, &session))
		return cmd_fail(EXIT_USAGE, "log needs the number of a session; bellbook sessions lists them");
	if (o->json)
		format = EXPORT_JSONL;
	else if (o->format && !export_format_parse(o->format, &format))
		return cmd_fail(EXIT_USAGE, "formats are text, md and jsonl");
	damaged = cmd_check_journal(o);
	if (damaged)
		return damaged;
	if (export_log(o->journal, session, format, export_to_file, stdout, &e) < 0)
		return cmd_fail_err(&e);
	return fflush(stdout) == 0 ? EXIT_OK : cmd_fail(EXIT_FAILED, "the log could not be written");
}

int cmd_verify(struct options *o)
{
	struct verify_report report = {0};
	struct err e = {0};
	struct json *value;

	if (store_verify(o->count ? o->args[0] : o->journal, &report, &e) < 0)
		return cmd_fail_err(&e);
	if (o->json) {
		value = json_new_object();
		json_set_int(value, "events", report.events);
		json_set_int(value, "payloads", report.payloads);
		json_set_int(value, "purged", report.purged);
		json_set_int(value, "bad_seq", report.bad_seq);
		json_set_text(value, "head", report.head);
		json_set_text(value, "text", report.text);
		cmd_print_json(value);
	} else if (report.bad_seq) {
		printf("NOT INTACT: event %lld: %s\n", (long long)report.bad_seq, report.text);
	} else {
		printf("intact: %lld events, %lld payloads (%lld purged), head %s\n", (long long)report.events, (long long)report.payloads, (long long)report.purged, report.head);
		puts("A chain that was cut at its end or rewritten as a whole cannot be seen from the file alone: keep the head elsewhere.");
	}
	return report.bad_seq ? EXIT_FAILED : EXIT_OK;
}
