/* record.c - the commands that read the journal: sessions, log, verify. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
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
	if (json_count(sessions))
		puts("SESSION is the number of the session's first event in the journal: numbers grow, with gaps, and never change.");
	buf_done(&out);
	json_free(sessions);
	return EXIT_OK;
}

int cmd_check_session(const struct options *o, int64_t session)
{
	struct err e = {0};
	struct json *sessions = export_sessions(o->journal, false, 0, &e);
	size_t n = json_count(sessions), named = 0;
	struct buf text = {0};
	bool there = false;

	for (size_t i = 0; i < n && !there; i++)
		there = json_int(json_item(sessions, i), "session", 0) == session;
	if (!there) {
		buf_printf(&text, "there is no session %lld in the journal %s", (long long)session, o->journal);
		for (size_t i = 0; i < n && named < 8; i++, named++)
			buf_printf(&text, "%s%lld", i ? ", " : "; the newest there are: ", (long long)json_int(json_item(sessions, i), "session", 0));
		buf_puts(&text, n ? ". bellbook sessions lists all" : ": it is empty, or not there yet");
		(void)cmd_fail(EXIT_USAGE, buf_text(&text));
		buf_done(&text);
	}
	json_free(sessions);
	return there ? EXIT_OK : EXIT_USAGE;
}

#define CHECK_MAX ((off_t)64 << 20)	/* larger journals are not checked as a whole first: `bellbook verify` does */

/* First bad event of the journal, with words; 0 when none is known. */
static int64_t first_bad(const struct options *o, char **words)
{
	struct verify_report report = {0};
	struct err e = {0};
	struct stat st;

	*words = NULL;
	if (stat(o->journal, &st) < 0 || st.st_size > CHECK_MAX)
		return 0;
	if (store_verify(o->journal, &report, &e) == 0 && report.bad_seq)
		*words = mem_strdup(report.text);
	return report.bad_seq;
}

/* Words in the log itself, for those who get it as a file; JSON lines stay JSON. */
static void say(enum export_format format, const char *text)
{
	if (format != EXPORT_JSONL)
		printf("%s%s\n\n", format == EXPORT_MD ? "> " : "!! ", text);
}

/* What stands before the damage. */
static int log_damaged(const struct options *o, int64_t session, enum export_format format, int64_t bad, const char *words)
{
	struct err e = {0};
	char *head = mem_printf("The journal is NOT INTACT at event %lld: %s. What follows stands before that event, and fits its hashes.", (long long)bad, words);
	char *tail = mem_printf("Here it ends, before event %lld. What stands behind is not shown, as nothing vouches for it. Keep the file %s as evidence; it was not touched.", (long long)bad, o->journal);
	char *fault;
	int result;

	if (session >= bad) {
		fault = mem_printf("the journal %s is NOT INTACT at event %lld: %s. Session %lld stands behind that, where nothing vouches for it; the file was not touched", o->journal, (long long)bad, words, (long long)session);
		result = cmd_fail(EXIT_FAILED, fault);
	} else {
		say(format, head);
		if (export_log_before(o->journal, (struct export_range){ .session = session, .before = bad }, format, export_to_file, stdout, &e) < 0)
			(void)cmd_fail_err(&e);
		if (format != EXPORT_JSONL)
			putchar('\n');
		say(format, tail);
		(void)fflush(stdout);
		fault = mem_printf("the journal %s is NOT INTACT at event %lld: %s. Shown is what stands before it; the file was not touched", o->journal, (long long)bad, words);
		result = cmd_fail(EXIT_FAILED, fault);
	}
	mem_free(head);
	mem_free(tail);
	mem_free(fault);
	return result;
}

int cmd_log(struct options *o)
{
	enum export_format format = EXPORT_TEXT;
	struct err e = {0};
	int64_t session, bad;
	char *words;
	int result;

	if (o->count != 1 || !str_to_int(o->args[0], 1, INT64_MAX, &session))
		return cmd_fail(EXIT_USAGE, "log needs the number of a session; bellbook sessions lists them");
	if (o->json)
		format = EXPORT_JSONL;
	else if (o->format && !export_format_parse(o->format, &format))
		return cmd_fail(EXIT_USAGE, "formats are text, md, jsonl, html and cast");
	bad = first_bad(o, &words);
	if (bad) {
		result = log_damaged(o, session, format, bad, words);
		mem_free(words);
		return result;
	}
	if (export_log(o->journal, session, format, export_to_file, stdout, &e) < 0) {
		(void)fflush(stdout);
		return e.kind == ERR_NOTFOUND && (result = cmd_check_session(o, session)) ? result : cmd_fail_err(&e);
	}
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
