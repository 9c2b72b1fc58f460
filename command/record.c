/* record.c - the commands that read the journal: sessions, log, verify. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/export/export.h"
#include "journal/store/health.h"
#include "journal/store/store.h"

int cmd_sessions(struct options *o)
{
	struct err e = {0};
	struct index_filter filter;
	struct json *sessions = NULL;
	struct index *index;
	struct buf out = {0};
	int status;

	if (o->count)
		return cmd_fail(EXIT_USAGE, "sessions takes options alone; bellbook search looks for words");
	if (cmd_filter(o, &filter, &e) < 0)
		return cmd_fail_err(&e);
	index = cmd_index(o, INDEX_FACTS, &e);
	if (index)
		sessions = export_sessions_found(index, o->journal, &filter, &e);
	status = index && index_is_lacking(index) ? EXIT_FAILED : EXIT_OK;
	index_close(index);
	if (!sessions && e.kind == ERR_NOTFOUND)
		sessions = json_new_array();
	if (!sessions)
		return cmd_fail_err(&e);
	if (o->json) {
		(void)cmd_print_json(sessions);
		return status;
	}
	export_sessions_text(sessions, &out);
	fputs(buf_text(&out), stdout);
	if (json_count(sessions))
		puts("SESSION is the number of the session's first event in the journal: numbers grow, with gaps, and never change.");
	buf_done(&out);
	json_free(sessions);
	return status;
}

int cmd_check_session(const struct options *o, int64_t session)
{
	struct err e = {0};
	struct json *sessions = export_sessions(o->journal, false, 0, &e);
	size_t n = json_count(sessions), named = 0;
	struct buf text = {0};
	bool there = false;

	if (!sessions && e.text[0] && e.kind != ERR_NOTFOUND)
		return cmd_fail_err(&e);
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

/* What is wrong with the journal. */
struct fault {
	int64_t bad;	/* first bad event; 0 = none is known, -1 = what is damaged is the file around the events */
	bool cut;	/* it is the first one missing at the end */
	bool rows;	/* the events can be read nonetheless */
	char *words;	/* owned */
};

static struct fault look_for_fault(const struct options *o, int64_t session)
{
	struct verify_report report = {0};
	struct fault fault = {0};
	struct err e = {0};
	struct stat st;

	if (stat(o->journal, &st) < 0)
		return fault;
	if (st.st_size > CHECK_MAX) {
		fault.cut = health_is_cut(o->journal, &e);
		fault.rows = !fault.cut && health_is_unindexed(o->journal, session, &e);
		fault.bad = fault.cut ? INT64_MAX : fault.rows ? -1 : 0;
		fault.words = fault.bad ? mem_strdup(e.text) : NULL;
	} else if (store_verify(o->journal, &report, &e) < 0) {
		fault.bad = e.kind == ERR_CORRUPT ? -1 : 0;
		fault.rows = report.events > 0;
		fault.words = e.kind == ERR_CORRUPT ? mem_strdup(e.text) : NULL;
	} else if (report.bad_seq) {
		fault.bad = report.bad_seq;
		fault.cut = report.cut;
		fault.words = report.cut ? mem_printf("%s is cut: %s", o->journal, report.text) : mem_strdup(report.text);
	}
	return fault;
}

/* Words in the log itself, for those who get it as a file; JSON lines stay JSON. */
static void say(enum export_format format, const char *text)
{
	if (format != EXPORT_JSONL)
		printf("%s%s\n\n", format == EXPORT_MD ? "> " : "!! ", text);
}

/* What stands before the damage. */
static int log_damaged(const struct options *o, int64_t session, enum export_format format, const struct fault *fault)
{
	struct err e = {0};
	char *head = mem_printf("The journal is NOT INTACT at event %lld: %s. What follows stands before that event, and fits its hashes.", (long long)fault->bad, fault->words);
	char *tail = mem_printf("Here it ends, before event %lld. What stands behind is not shown, as nothing vouches for it. Keep the file %s as evidence; it was not touched.", (long long)fault->bad, o->journal);
	char *said;
	int result;

	if (session >= fault->bad) {
		said = mem_printf("the journal %s is NOT INTACT at event %lld: %s. Session %lld stands behind that, where nothing vouches for it; the file was not touched", o->journal, (long long)fault->bad, fault->words, (long long)session);
		result = cmd_fail(EXIT_FAILED, said);
	} else {
		say(format, head);
		if (export_log_before(o->journal, (struct export_range){ .session = session, .before = fault->bad }, format, export_to_file, stdout, &e) < 0)
			(void)cmd_fail_err(&e);
		if (format != EXPORT_JSONL)
			putchar('\n');
		say(format, tail);
		(void)fflush(stdout);
		said = mem_printf("the journal %s is NOT INTACT at event %lld: %s. Shown is what stands before it; the file was not touched", o->journal, (long long)fault->bad, fault->words);
		result = cmd_fail(EXIT_FAILED, said);
	}
	mem_free(head);
	mem_free(tail);
	mem_free(said);
	return result;
}

/* Of a file that is damaged around its events: these were read by their rows, and compared with their hashes. */
static int log_by_rows(const struct options *o, int64_t session, enum export_format format, const struct fault *fault)
{
	static const char words[] = "What follows was read row by row, without what is damaged, and fits its hashes";
	char *head = mem_printf("%s. %s.", fault->words, words);
	struct err e = {0};

	say(format, head);
	if (export_log(o->journal, session, format, export_to_file, stdout, &e) < 0)
		(void)cmd_fail_err(&e);
	(void)fflush(stdout);
	mem_free(head);
	head = mem_printf("%s. %s; the file was not touched", fault->words, e.text[0] ? "Shown is what can be read" : words);
	(void)cmd_fail(EXIT_FAILED, head);
	mem_free(head);
	return EXIT_FAILED;
}

/* What there is of a journal that held more. */
static int log_cut(const struct options *o, int64_t session, enum export_format format, const struct fault *fault)
{
	char *head = mem_printf("The journal %s. What follows is what there is, and fits its hashes.", fault->words);
	char *advice = store_cut_advice(o->journal), *said = mem_printf("the journal %s. %s", fault->words, advice);
	struct err e = {0};

	say(format, head);
	if (export_log(o->journal, session, format, export_to_file, stdout, &e) < 0)
		(void)cmd_fail_err(&e);
	if (format != EXPORT_JSONL)
		putchar('\n');
	say(format, advice);
	(void)fflush(stdout);
	(void)cmd_fail(EXIT_FAILED, said);
	mem_free(head);
	mem_free(advice);
	mem_free(said);
	return EXIT_FAILED;
}

static int log_whole(const struct options *o, int64_t session, enum export_format format)
{
	struct err e = {0};
	int result;

	if (export_log(o->journal, session, format, export_to_file, stdout, &e) < 0) {
		(void)fflush(stdout);
		return e.kind == ERR_NOTFOUND && (result = cmd_check_session(o, session)) ? result : cmd_fail_err(&e);
	}
	return fflush(stdout) == 0 ? EXIT_OK : cmd_fail(EXIT_FAILED, "the log could not be written");
}

int cmd_log(struct options *o)
{
	enum export_format format = EXPORT_TEXT;
	struct fault fault;
	int64_t session;
	int result;

	if (o->count != 1 || !str_to_int(o->args[0], 1, INT64_MAX, &session))
		return cmd_fail(EXIT_USAGE, "log needs the number of a session; bellbook sessions lists them");
	if (o->json)
		format = EXPORT_JSONL;
	else if (o->format && !export_format_parse(o->format, &format))
		return cmd_fail(EXIT_USAGE, "formats are text, md, jsonl, html and cast");
	fault = look_for_fault(o, session);
	if (fault.bad < 0 && fault.rows)
		result = log_by_rows(o, session, format, &fault);
	else if (fault.bad < 0)
		result = cmd_fail(EXIT_FAILED, fault.words);
	else if (fault.cut)
		result = log_cut(o, session, format, &fault);
	else if (fault.bad)
		result = log_damaged(o, session, format, &fault);
	else
		result = log_whole(o, session, format);
	mem_free(fault.words);
	return result;
}

int cmd_verify(struct options *o)
{
	const char *journal = o->count ? o->args[0] : o->journal;
	struct verify_report report = {0};
	struct err e = {0};
	struct json *value;

	if (store_verify(journal, &report, &e) < 0)
		return cmd_fail_err(&e);
	if (o->json) {
		value = json_new_object();
		json_set_int(value, "events", report.events);
		json_set_int(value, "payloads", report.payloads);
		json_set_int(value, "purged", report.purged);
		json_set_int(value, "bad_seq", report.bad_seq);
		json_set_text(value, "head", report.head);
		json_set_text(value, "text", report.text);
		json_set_bool(value, "cut", report.cut);
		cmd_print_json(value);
	} else if (report.bad_seq) {
		printf("NOT INTACT: event %lld: %s\n", (long long)report.bad_seq, report.text);
		if (report.cut) {
			char *advice = store_cut_advice(journal);

			puts(advice);
			mem_free(advice);
		}
	} else {
		printf("intact: %lld events, %lld payloads (%lld purged), head %s\n", (long long)report.events, (long long)report.payloads, (long long)report.purged, report.head);
		puts("A chain that was cut at its end or rewritten as a whole shows only while the file ending in -lock or -ballast is beside it: keep the head elsewhere.");
	}
	return report.bad_seq ? EXIT_FAILED : EXIT_OK;
}
