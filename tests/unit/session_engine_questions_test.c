/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_engine.h"

/*
 * Each choice of each question: what it needs, what is stored in one transaction with the answer, and what comes of
 * it. A question that offers a choice without a row here fails.
 */

#define WAY_BACK "runbook { id = 't', bellbook = 1, title = 'T', way_back = { runbook = 'back', with = { 'n' }, open = 'always' }, params = { n = { type = 'integer', default = 1 } } }\n"
#define DID "done = function(s) return ssh.read('app1', 'did one').out == 'yes\\n' end"
#define ONE "change 'one' { title = 'One', why = 'w', "
#define NEXT "manual 'next' { title = 'Next', why = 'w', text = 'Do it' }\n"

/* What the person stands before. */
enum scene { ASKED_STEP, ASKED_DONE, FAILED, UNDONE, DOUBT, DOUBT_GONE, RESULT_EXIT, RESULT_OUT, BY_HAND, BY_HAND_DONE, BY_HAND_WAITS, CHANGED, FLEET_CHANGED, HOSTKEY, QUESTION,
	WHEEL_TAKE, WHEEL_GIVE, PARAM_CHOICE, SCENES };

static const struct {
	const char *of, *runbook;
} scenes[SCENES] = {
	[ASKED_STEP] = {"step", ONE "run = function(s) ssh.run('app1', 'do one!') end, " DID " }\n" NEXT},
	[ASKED_DONE] = {"step", ONE "run = function(s) ssh.run('app1', 'do one!') end, done = function(s) return true end }\n" NEXT},
	[FAILED] = {"failure", WAY_BACK ONE "run = function(s) ssh.run('app1', 'refuse') end, undo = function(s) ssh.run('app1', 'do undo!') end, " DID " }\n" NEXT},
	[UNDONE] = {"failure", WAY_BACK ONE "run = function(s) ssh.run('app1', 'refuse') end, undo = function(s) ssh.run('app1', 'do undo!') end, " DID " }\n" NEXT},
	[DOUBT] = {"doubt", ONE "run = function(s) ssh.run('app1', 'do one! vanish') end, done = function(s) return true end }\n" NEXT},
	[DOUBT_GONE] = {"doubt", ONE "run = function(s) ssh.run('app1', 'do one! vanish') end, done = function(s) return true end }\n" NEXT},
	[RESULT_EXIT] = {"result", ONE "run = function(s) ssh.run('app1', 'do one! vanish') end, done = function(s) return true end }\n" NEXT},
	[RESULT_OUT] = {"result", ONE "run = function(s) s:note(ssh.run('app1', 'do one! vanish').out) end, done = function(s) return true end }\n" NEXT},
	[BY_HAND] = {"manual", WAY_BACK "manual 'one' { title = 'One', why = 'w', text = 'Do it', " DID " }\n" NEXT},
	[BY_HAND_DONE] = {"manual", "manual 'one' { title = 'One', why = 'w', text = 'Do it', done = function(s) return true end }\n" NEXT},
	[BY_HAND_WAITS] = {"manual", "manual 'one' { title = 'One', why = 'w', text = 'Do it' }\n" NEXT},
	[CHANGED] = {"change", ONE "run = function(s) ssh.run('app1', 'do one!') end, " DID " }\n" NEXT},
	[FLEET_CHANGED] = {"change", ONE "run = function(s) ssh.run('app1', 'do one!') end, " DID " }\n" NEXT},
	[HOSTKEY] = {"hostkey", ONE "run = function(s) ssh.run('app1', 'do one! hostkey') end, " DID " }\n" NEXT},
	[QUESTION] = {"question", ONE "run = function(s) s:note('said ' .. s:ask { text = 'Which?', type = 'choice', choices = { 'red', { value = 'stop', stops = 'nothing fits' } } }) end, "
		"done = function(s) return true end }\n" NEXT},
	[WHEEL_TAKE] = {"wheel", NEXT},
	[WHEEL_GIVE] = {"wheel", NEXT},
	[PARAM_CHOICE] = {"parameter", "runbook { id = 't', bellbook = 1, title = 'T', params = { n = { type = 'choice', choices = { 'a', 'b' }, ask = 'Which?' } } }\n" NEXT},
};

struct stage {
	struct bench bench;
	struct view ann, ben;
};

static void leave_all(struct stage *stage)
{
	for (size_t i = 0; i < 8; i++)
		stage->bench.views[i] = NULL;
	close(stage->ann.fd);
	close(stage->ben.fd);
	buf_done(&stage->ann.in);
	buf_done(&stage->ben.in);
}

static void come_all(struct stage *stage)
{
	view_open(&stage->bench, &stage->ann, 0, "");
	view_open(&stage->bench, &stage->ben, 1, "navigator");
}

/* Killed, and taken over with other files. */
static void edit(struct stage *stage, const char *runbook, const char *fleet)
{
	int64_t session = stage->bench.engine.session;
	char *text = mem_printf("%s%s", HEAD, runbook ? runbook : ""), *fleet_text = mem_printf(FLEET_TEXT, fleet ? fleet : "");

	leave_all(stage);
	bench_kill(&stage->bench);
	if (runbook)
		folder_file(strrchr(stage->bench.runbook, '/') + 1, text);
	if (fleet)
		folder_file(strrchr(stage->bench.fleet, '/') + 1, fleet_text);
	bench_resume(&stage->bench, session);
	come_all(stage);
	mem_free(text);
	mem_free(fleet_text);
}

#define WHY ",\"why\":\"seen\""

static void stage_open(struct stage *stage, enum scene scene)
{
	struct bench *bench = &stage->bench;

	bench_open(bench, scenes[scene].runbook, "");
	come_all(stage);
	if (scene == FAILED || scene == UNDONE || scene == DOUBT || scene == DOUBT_GONE || scene == RESULT_EXIT || scene == RESULT_OUT || scene == HOSTKEY || scene == QUESTION)
		assert_true(answer(bench, &stage->ann, "step", "\"go\"", ""));
	if (scene == UNDONE)
		assert_true(answer(bench, &stage->ann, "failure", "\"undo\"", ""));
	if (scene == RESULT_EXIT || scene == RESULT_OUT)
		assert_true(answer(bench, &stage->ann, "doubt", "\"ran\"", WHY));
	if (scene == RESULT_OUT)
		assert_true(answer(bench, &stage->ann, "result", "0", ""));
	if (scene == BY_HAND_WAITS)
		assert_true(answer(bench, &stage->ann, "manual", "\"wait\"", ",\"owner\":\"cal\""));
	if (scene == CHANGED)
		edit(stage, ONE "run = function(s) ssh.run('app1', 'do one! anew') end, " DID " }\n" NEXT, NULL);
	if (scene == FLEET_CHANGED)
		edit(stage, NULL, ", mastodon = { domain = 'other.example' }");
	if (scene == DOUBT_GONE) {
		edit(stage, NEXT, NULL);
		assert_true(answer(bench, &stage->ann, "change", "\"accept\"", WHY));
	}
	if (scene == WHEEL_TAKE)
		assert_true(view_say(bench, &stage->ben, "{\"do\":\"take\"}"));
	if (scene == WHEEL_GIVE)
		assert_true(view_say(bench, &stage->ann, "{\"do\":\"give\",\"to\":\"ben\"}"));
}

static void stage_close(struct stage *stage)
{
	leave_all(stage);
	bench_close(&stage->bench);
}

/* needs: w a reason, o an owner, d a day. stored: in one transaction with the answer, NULL = nothing else; then: until nothing more comes; & stands between parts. state of step one, -1 = any. */
static const struct row {
	enum scene scene;
	const char *value, *needs, *stored, *then;
	int state;
} rows[] = {
	{ASKED_STEP, "\"go\"", "", "step.begun bellbook one&\"part\":\"run\"", "call.begun", STEP_OK},
	{ASKED_STEP, "\"skip\"", "w", "step.ended ann one&\"state\":\"skipped\"", "step.entered bellbook next", STEP_SKIPPED},
	{ASKED_STEP, "\"defer\"", "wod", "deferred ann one&\"owner\":\"ben\"", "\"state\":\"deferred\"", STEP_DEFERRED},
	{ASKED_STEP, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_READY},
	{ASKED_DONE, "\"go\"", "", "step.begun bellbook one&\"part\":\"run\"", "call.begun", STEP_OK},
	{ASKED_DONE, "\"skip\"", "w", "step.ended ann one&\"state\":\"skipped\"", "step.entered bellbook next", STEP_SKIPPED},
	{ASKED_DONE, "\"defer\"", "wod", "deferred ann one&\"owner\":\"ben\"", "\"state\":\"deferred\"", STEP_DEFERRED},
	{ASKED_DONE, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_READY},
	{ASKED_DONE, "\"already\"", "", "step.ended ann one {\"already\":true&\"state\":\"ok\"", "step.entered bellbook next", STEP_OK},
	{FAILED, "\"retry\"", "", "step.begun bellbook one&\"part\":\"run\"", "step.ended bellbook one&\"state\":\"failed\"", STEP_FAILED},
	{FAILED, "\"undo\"", "", "step.begun bellbook one&\"part\":\"undo\"", "\"reason\":\"undone\"", STEP_FAILED},
	{FAILED, "\"skip\"", "w", "step.ended ann one&\"state\":\"skipped\"", "step.entered bellbook next", STEP_SKIPPED},
	{FAILED, "\"defer\"", "wod", "deferred ann one&\"owner\":\"ben\"", "\"state\":\"deferred\"", STEP_DEFERRED},
	{FAILED, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_FAILED},
	{FAILED, "\"back\"", "w", NULL, "\"by\":\"ann\"", STEP_FAILED},
	{UNDONE, "\"retry\"", "", "step.begun bellbook one&\"part\":\"run\"", "step.ended bellbook one&\"state\":\"failed\"", STEP_FAILED},
	{UNDONE, "\"skip\"", "w", "step.ended ann one&\"state\":\"skipped\"", "step.entered bellbook next", STEP_SKIPPED},
	{UNDONE, "\"defer\"", "wod", "deferred ann one&\"owner\":\"ben\"", "\"state\":\"deferred\"", STEP_DEFERRED},
	{UNDONE, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_FAILED},
	{UNDONE, "\"back\"", "w", NULL, "\"by\":\"ann\"", STEP_FAILED},
	{DOUBT, "\"probe\"", "", NULL, "\"of\":\"doubt\"", STEP_IN_DOUBT},
	{DOUBT, "\"check\"", "", NULL, "own check (done) says: done", STEP_IN_DOUBT},
	{DOUBT, "\"ran\"", "w", NULL, "\"of\":\"result\"", STEP_IN_DOUBT},
	{DOUBT, "\"cut\"", "w", NULL, "it began and was cut off, says ann: seen", STEP_FAILED},
	{DOUBT, "\"rerun\"", "w", NULL, "\"how\":\"rerun\"", STEP_IN_DOUBT},
	{DOUBT, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_IN_DOUBT},
	{DOUBT_GONE, "\"probe\"", "", NULL, "\"of\":\"doubt\"", -1},
	{DOUBT_GONE, "\"ran\"", "w", NULL, "call.ended ann one&\"outcome\":\"ok\"", -1},
	{DOUBT_GONE, "\"never\"", "w", NULL, "call.ended ann one&\"outcome\":\"canceled\"", -1},
	{DOUBT_GONE, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", -1},
	{RESULT_EXIT, "0", "", NULL, "\"name\":\"out\"", STEP_IN_DOUBT},
	{RESULT_EXIT, "255", "", NULL, "\"name\":\"out\"", STEP_IN_DOUBT},
	{RESULT_OUT, "\"it printed\"", "", "call.ended ann one&\"outcome\":\"ok\"", "step.ended bellbook one&\"state\":\"ok\"", STEP_OK},
	{RESULT_OUT, "\"\"", "", "call.ended ann one&\"outcome\":\"ok\"", "step.ended bellbook one&\"state\":\"ok\"", STEP_OK},
	{BY_HAND, "\"done\"", "", "step.begun bellbook one", "the check after it (done) says that it is not done", STEP_FAILED},
	{BY_HAND, "\"other\"", "o", "step.begun bellbook one", "step.ended bellbook one", STEP_FAILED},
	{BY_HAND, "\"wait\"", "o", NULL, "\"name\":\"ben\"", STEP_READY},
	{BY_HAND, "\"skip\"", "w", "step.ended ann one&\"state\":\"skipped\"", "step.entered bellbook next", STEP_SKIPPED},
	{BY_HAND, "\"defer\"", "wod", "deferred ann one&\"owner\":\"ben\"", "\"state\":\"deferred\"", STEP_DEFERRED},
	{BY_HAND, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_READY},
	{BY_HAND, "\"back\"", "w", NULL, "\"by\":\"ann\"", STEP_READY},
	{BY_HAND_DONE, "\"done\"", "", "step.begun bellbook one", "step.ended bellbook one&\"state\":\"ok\"", STEP_OK},
	{BY_HAND_DONE, "\"other\"", "o", "step.begun bellbook one", "\"reason\":\"done by ben\"", STEP_OK},
	{BY_HAND_DONE, "\"wait\"", "o", NULL, "\"name\":\"ben\"", STEP_READY},
	{BY_HAND_DONE, "\"skip\"", "w", "step.ended ann one&\"state\":\"skipped\"", "step.entered bellbook next", STEP_SKIPPED},
	{BY_HAND_DONE, "\"defer\"", "wod", "deferred ann one&\"owner\":\"ben\"", "\"state\":\"deferred\"", STEP_DEFERRED},
	{BY_HAND_DONE, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_READY},
	{BY_HAND_DONE, "\"already\"", "", "step.ended ann one {\"already\":true&\"state\":\"ok\"", "step.entered bellbook next", STEP_OK},
	{BY_HAND_WAITS, "\"done\"", "", "step.begun bellbook one", "step.ended bellbook one&\"state\":\"ok\"", STEP_OK},
	{BY_HAND_WAITS, "\"other\"", "o", "step.begun bellbook one", "\"reason\":\"done by ben\"", STEP_OK},
	{BY_HAND_WAITS, "\"wait\"", "o", NULL, "\"name\":\"ben\"", STEP_READY},
	{BY_HAND_WAITS, "\"skip\"", "w", "step.ended ann one&\"state\":\"skipped\"", "step.entered bellbook next", STEP_SKIPPED},
	{BY_HAND_WAITS, "\"defer\"", "wod", "deferred ann one&\"owner\":\"ben\"", "\"state\":\"deferred\"", STEP_DEFERRED},
	{BY_HAND_WAITS, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_READY},
	{CHANGED, "\"accept\"", "", "runbook.changed ann one", "\"of\":\"step\"", STEP_READY},
	{CHANGED, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_READY},
	{FLEET_CHANGED, "\"accept\"", "", "runbook.changed ann", "", STEP_READY},
	{FLEET_CHANGED, "\"abort\"", "w", NULL, "session.closed bellbook&\"outcome\":\"aborted\"", STEP_READY},
	{HOSTKEY, "\"trust\"", "", NULL, "call.ended bellbook one&\"outcome\":\"ok\"", STEP_OK},
	{HOSTKEY, "\"refuse\"", "", NULL, "call.ended bellbook one&\"outcome\":\"failed\"", STEP_FAILED},
	{QUESTION, "\"red\"", "", NULL, "note bellbook one", STEP_OK},
	{QUESTION, "\"stop\"", "", NULL, "nothing fits", STEP_SKIPPED},
	{WHEEL_TAKE, "\"give\"", "", "wheel.passed ann -&\"how\":\"given\"&\"to\":\"ben\"", "", -1},
	{WHEEL_TAKE, "\"refuse\"", "", NULL, "", -1},
	{WHEEL_GIVE, "\"accept\"", "", "wheel.passed ben -&\"how\":\"accepted\"&\"to\":\"ben\"", "", -1},
	{WHEEL_GIVE, "\"decline\"", "", NULL, "", -1},
	{PARAM_CHOICE, "\"a\"", "", "param.set ann&\"value\":\"a\"", "step.entered", -1},
	{PARAM_CHOICE, "\"b\"", "", "param.set ann&\"value\":\"b\"", "step.entered", -1},
};

static int faults;

/* All rows are tried before the test fails. */
static void __attribute__((format(printf, 1, 2))) fault(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	faults++;
}

static char *members(const char *needs, char without)
{
	struct buf out = {0};

	for (; *needs; needs++)
		if (*needs != without)
			buf_puts(&out, *needs == 'w' ? WHY : *needs == 'o' ? ",\"owner\":\"ben\"" : ",\"due\":\"3d\"");
	return buf_take(&out);
}

/* Refused, in words, and nothing of it stored. */
static void is_refused(struct stage *stage, const struct row *row, struct view *view, const char *value, char without)
{
	char *more = members(row->needs, without);

	if (answer(&stage->bench, view, scenes[row->scene].of, value, more))
		fault("%s of %s was taken: with %s", value, scenes[row->scene].of, more);
	if (stage->bench.log.len || !*view->why)
		fault("%s of %s was refused without words, or stored:\n%s", value, scenes[row->scene].of, buf_text(&stage->bench.log));
	mem_free(more);
}

/* True when each of the parts is in the text. */
static bool has_all(const char *text, const char *parts)
{
	char *copy = mem_strdup(parts), *rest = copy, *part;
	bool all = true;

	while ((part = strsep(&rest, "&")) != NULL)
		all = all && strstr(text, part);
	mem_free(copy);
	return all;
}

static void transaction_has(const struct bench *bench, const struct row *row)
{
	const char *begin = strstr(buf_text(&bench->log), "answered "), *end = begin ? strstr(begin, "\n\n") : NULL;
	char *text = begin ? mem_printf("%.*s", end ? (int)(end - begin) : (int)strlen(begin), begin) : mem_strdup("");

	if (!*text || (row->stored ? !has_all(text, row->stored) : strchr(text, '\n') != NULL))
		fault("%s of %s: “%s” is not all that is stored with the answer:\n%s", row->value, scenes[row->scene].of, row->stored ? row->stored : "", text);
	mem_free(text);
}

static void row_holds(const struct row *row)
{
	const char *of = scenes[row->scene].of;
	struct stage stage;
	struct view *view = row->scene == WHEEL_GIVE ? &stage.ben : &stage.ann, *other = view == &stage.ann ? &stage.ben : &stage.ann;
	char *more = members(row->needs, '\0'), *again;

	stage_open(&stage, row->scene);
	is_refused(&stage, row, other, row->value, '\0');
	is_refused(&stage, row, view, "{}", '\0');
	for (const char *need = row->needs; *need; need++)
		is_refused(&stage, row, view, row->value, *need);
	again = mem_printf("{\"do\":\"answer\",\"seq\":%lld,\"value\":%s%s}", (long long)ask_of(&stage.bench, of)->seq, row->value, more);
	if (!view_say(&stage.bench, view, again))
		fault("%s of %s was refused: %s", row->value, of, view->why);
	transaction_has(&stage.bench, row);
	if (!has_all(buf_text(&stage.bench.log), row->then))
		fault("%s of %s: “%s” did not come of it:\n%.3000s", row->value, of, row->then, buf_text(&stage.bench.log));
	if (row->state >= 0 && (int)state_of(&stage.bench, "one") != row->state)
		fault("%s of %s: the step is %s", row->value, of, step_state_name(state_of(&stage.bench, "one")));
	/* Its answer can be given once. */
	assert_false(view_say(&stage.bench, view, again));
	mem_free(again);
	mem_free(more);
	stage_close(&stage);
}

static void each_choice_does_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		row_holds(&rows[i]);
	assert_int_equal(faults, 0);
}

static bool has_row(enum scene scene, const char *value)
{
	char quoted[40];

	snprintf(quoted, sizeof(quoted), "\"%s\"", value);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].scene == scene && str_is(rows[i].value, quoted))
			return true;
	return false;
}

static void each_choice_that_is_offered_is_tested(void **state)
{
	(void)state;
	for (int scene = 0; scene < SCENES; scene++) {
		struct stage stage;
		const struct model_ask *ask;
		size_t n = 0;

		stage_open(&stage, (enum scene)scene);
		ask = ask_of(&stage.bench, scenes[scene].of);
		for (size_t i = 0; i < ask->choice_count; i++)
			if (!has_row((enum scene)scene, ask->choices[i].value))
				fault("%s offers %s, which has no row", ask->of, ask->choices[i].value);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			n += (int)rows[i].scene == scene;
		if (ask->choice_count && n != ask->choice_count)
			fault("%s offers %zu choices, and has %zu rows", ask->of, ask->choice_count, n);
		stage_close(&stage);
	}
	assert_int_equal(faults, 0);
}

/* ---- values ---- */

static const struct { const char *type, *bad[3], *good; } types[] = {
	{"integer", {"\"x\"", "1.5", "true"}, "3"},
	{"number", {"\"x\"", "true", NULL}, "1.5"},
	{"boolean", {"\"x\"", "1", NULL}, "true"},
	{"duration", {"\"soon\"", "5", NULL}, "\"5m\""},
	{"text", {"1", "true", "{}"}, "\"x\""},
};

static void a_question_of_a_runbook_takes_what_its_type_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char *runbook = mem_printf(ONE "run = function(s) s:ask { text = 'How?', type = '%s' } end, done = function(s) return true end }\n" NEXT, types[i].type);
		struct stage stage;

		bench_open(&stage.bench, runbook, "");
		come_all(&stage);
		assert_true(answer(&stage.bench, &stage.ann, "step", "\"go\"", ""));
		for (size_t k = 0; k < 3 && types[i].bad[k]; k++)
			if (answer(&stage.bench, &stage.ann, "question", types[i].bad[k], ""))
				fail_msg("%s was taken as %s", types[i].bad[k], types[i].type);
		if (!answer(&stage.bench, &stage.ann, "question", types[i].good, ""))
			fail_msg("%s was not taken as %s: %s", types[i].good, types[i].type, stage.ann.why);
		assert_int_equal(state_of(&stage.bench, "one"), STEP_OK);
		stage_close(&stage);
		mem_free(runbook);
	}
}

static const struct { const char *param, *bad, *good; } params[] = {
	{"type = 'integer', min = 2", "1", "\"2\""},
	{"type = 'number', max = 2", "2.5", "1.5"},
	{"type = 'boolean'", "\"perhaps\"", "true"},
	{"type = 'duration'", "\"soon\"", "\"5m\""},
	{"type = 'text', pattern = '%l+'", "\"A\"", "\"a\""},
	{"type = 'choice', choices = { 'a', 'b' }", "\"c\"", "\"b\""},
	{"type = 'secret'", "\"short\"", "\"hunter22\""},
};

static void a_parameter_takes_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		char *runbook = mem_printf("runbook { id = 't', bellbook = 1, title = 'T', params = { n = { %s, ask = 'N?' } } }\n" NEXT, params[i].param);
		struct stage stage;

		bench_open(&stage.bench, runbook, "");
		come_all(&stage);
		if (answer(&stage.bench, &stage.ann, "parameter", params[i].bad, ""))
			fail_msg("%s was taken: %s", params[i].bad, params[i].param);
		assert_int_equal(stage.bench.log.len, 0);
		if (!answer(&stage.bench, &stage.ann, "parameter", params[i].good, ""))
			fail_msg("%s was not taken: %s: %s", params[i].good, params[i].param, stage.ann.why);
		assert_logged(&stage.bench, "param.set");
		assert_false(logged(&stage.bench, "hunter22"));
		(void)ask_of(&stage.bench, "manual");
		stage_close(&stage);
		mem_free(runbook);
	}
}

static void a_typed_password_goes_to_the_host_and_not_into_the_journal(void **state)
{
	struct stage stage;

	(void)state;
	bench_open(&stage.bench, ONE "run = function(s) ssh.run('app1', 'do one! password') end, " DID " }\n" NEXT, "");
	come_all(&stage);
	assert_true(answer(&stage.bench, &stage.ann, "step", "\"go\"", ""));
	assert_true(answer(&stage.bench, &stage.ann, "secret", "\"hunter22\"", ""));
	assert_logged(&stage.bench, "answered ann one");
	assert_false(logged(&stage.bench, "hunter22"));
	assert_int_equal(state_of(&stage.bench, "one"), STEP_OK);
	stage_close(&stage);
}

/* ---- calls in doubt ---- */

static void a_status_is_a_number_from_0_to_255(void **state)
{
	static const char *const bad[] = {"-1", "256", "\"0\"", "1.5"};
	struct stage stage;

	(void)state;
	stage_open(&stage, RESULT_EXIT);
	for (size_t i = 0; i < 4; i++)
		assert_false(answer(&stage.bench, &stage.ann, "result", bad[i], ""));
	assert_int_equal(stage.bench.log.len, 0);
	stage_close(&stage);
}

/* What the host knows beats what anybody says: each answer, and then it can be seen. */
static void what_the_host_knows_beats_what_is_said(void **state)
{
	static const char *const said[] = {"\"probe\"", "\"ran\"", "\"cut\"", "\"rerun\""};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct stage stage;

		stage_open(&stage, DOUBT);
		world.clear = true;
		assert_true(answer(&stage.bench, &stage.ann, "doubt", said[i], WHY));
		assert_int_equal(state_of(&stage.bench, "one"), STEP_OK);
		assert_int_equal(begun_of("one"), 1);
		assert_null(ask_find(&stage.bench, "result"));
		stage_close(&stage);
	}
}

static void what_did_not_run_is_begun_anew_under_another_job(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, DOUBT);
	assert_int_equal(world.count, 1);
	assert_true(answer(&stage.bench, &stage.ann, "doubt", "\"rerun\"", WHY));
	assert_int_equal(world.count, 2);
	assert_int_equal(world.jobs[0].begun, 1);
	assert_int_equal(world.jobs[1].begun, 1);
	assert_contains(world.jobs[1].name, ".again1");
	(void)ask_of(&stage.bench, "doubt");
	stage_close(&stage);
}

static void calls_in_doubt_are_asked_about_one_after_the_other(void **state)
{
	struct stage stage;

	(void)state;
	bench_open(&stage.bench, ONE "run = function(s) each({ 'app1', 'app2' }, function(h) ssh.run(h, 'do one! vanish') end) end, done = function(s) return true end }\n" NEXT, "");
	come_all(&stage);
	assert_true(answer(&stage.bench, &stage.ann, "step", "\"go\"", ""));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stage.bench.engine.model->ask_count, 1);
		assert_string_equal(ask_of(&stage.bench, "doubt")->host, i ? "app2" : "app1");
		assert_true(answer(&stage.bench, &stage.ann, "doubt", "\"ran\"", WHY));
		assert_true(answer(&stage.bench, &stage.ann, "result", "0", ""));
		assert_true(answer(&stage.bench, &stage.ann, "result", "\"\"", ""));
	}
	assert_int_equal(state_of(&stage.bench, "one"), STEP_OK);
	stage_close(&stage);
}

static int setup(void **state)
{
	int result = bench_setup(state);

	folder_file("back.lua", "runbook { id = 'back', bellbook = 1, title = 'Back', params = { n = { type = 'integer' } } }\nmanual 'm' { title = 'M', why = 'w', text = 'Do it' }\n");
	return result;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_choice_does_what_it_says),
		cmocka_unit_test(each_choice_that_is_offered_is_tested),
		cmocka_unit_test(a_question_of_a_runbook_takes_what_its_type_says),
		cmocka_unit_test(a_parameter_takes_what_it_says),
		cmocka_unit_test(a_typed_password_goes_to_the_host_and_not_into_the_journal),
		cmocka_unit_test(a_status_is_a_number_from_0_to_255),
		cmocka_unit_test(what_the_host_knows_beats_what_is_said),
		cmocka_unit_test(what_did_not_run_is_begun_anew_under_another_job),
		cmocka_unit_test(calls_in_doubt_are_asked_about_one_after_the_other),
	};

	return cmocka_run_group_tests_name("session_engine_questions", tests, setup, folder_teardown);
}
