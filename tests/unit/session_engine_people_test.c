/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_engine.h"

/* Who may do what: each row of the table in docs/protocol.md, and the rules below it. */

static const char steps[] =
	"change 'gone' { title = 'Gone', why = 'w', run = function(s) end, done = function(s) return false end }\n"
	"change 'owed' { title = 'Owed', why = 'w', run = function(s) end, done = function(s) return false end }\n"
	"irreversible 'drop' { title = 'Drop', why = 'w', target = 'all of it', done = function(s) return true end,\n"
	"	run = function(s) ssh.run('app1', 'do drop! wait') end }\n"
	"change 'one' { title = 'One', why = 'w', run = function(s) ssh.run('app1', 'do one!') end, done = function(s) return true end }\n";

/* ann drives, ben navigates, cal observes, gus was invited. */
struct crew {
	struct bench bench;
	struct view views[4];
};
enum { ANN, BEN, CAL, GUS };
static const char *const roles[] = {"driver", "navigator", "observer", "guest"};

static void crew_open(struct crew *crew, const char *fleet)
{
	struct bench *bench = &crew->bench;

	bench_open(bench, steps, fleet);
	view_open(bench, &crew->views[ANN], 0, "");
	view_open(bench, &crew->views[BEN], 1, "navigator");
	view_open(bench, &crew->views[CAL], 2, "observer");
	assert_true(view_say(bench, &crew->views[ANN], "{\"do\":\"invite\",\"to\":\"gus\"}"));
	view_open(bench, &crew->views[GUS], 3, "guest");
	for (int i = 0; i < 4; i++)
		assert_string_equal(crew->views[i].role, roles[i]);
	assert_true(answer(bench, &crew->views[ANN], "step", "\"skip\"", ",\"why\":\"x\""));
	assert_true(answer(bench, &crew->views[ANN], "step", "\"defer\"", ",\"why\":\"x\",\"owner\":\"ben\",\"due\":\"3d\""));
}

static void crew_close(struct crew *crew)
{
	for (int i = 0; i < 4; i++)
		if (crew->views[i].fd > 0)
			view_close(&crew->bench, &crew->views[i]);
	bench_close(&crew->bench);
}

static bool say(struct crew *crew, int who, const char *intent)
{
	return view_say(&crew->bench, &crew->views[who], intent);
}

/* What has happened before the intent of a row. */
enum before { STEP_ASKED, PAUSED, APPROVAL_ASKED, AGREED, COMMAND_RUNS, SHELL_OPEN, WHEEL_ASKED_FOR, WHEEL_OFFERED };

static void prepare(struct crew *crew, enum before before)
{
	struct bench *bench = &crew->bench;

	crew_open(crew, "");
	if (before == PAUSED || before == AGREED)
		assert_true(before == AGREED || say(crew, ANN, "{\"do\":\"pause\"}"));
	if (before == APPROVAL_ASKED || before == AGREED || before == COMMAND_RUNS)
		assert_true(answer(bench, &crew->views[ANN], "step", "\"go\"", ""));
	if (before == AGREED)
		assert_true(say(crew, ANN, "{\"do\":\"pause\"}"));
	if (before == AGREED || before == COMMAND_RUNS)
		assert_true(answer(bench, &crew->views[BEN], "approval", "\"all of it\"", ",\"why\":\"seen\""));
	if (before == SHELL_OPEN)
		assert_true(say(crew, ANN, "{\"do\":\"detour\",\"id\":1,\"host\":\"app1\",\"shell\":true,\"rows\":24,\"cols\":80,\"term\":\"xterm\"}"));
	if (before == WHEEL_ASKED_FOR)
		assert_true(say(crew, BEN, "{\"do\":\"take\"}"));
	if (before == WHEEL_OFFERED)
		assert_true(say(crew, ANN, "{\"do\":\"give\",\"to\":\"ben\"}"));
}

/* @ is the open question, ^ the newest call, ~ what is owed. may: first letters of the roles that may; event: what is stored then. */
static const struct row {
	const char *name, *intent, *may, *event;
	enum before before;
} rows[] = {
	{"answer a step", "{\"do\":\"answer\",\"seq\":@,\"value\":\"skip\",\"why\":\"x\"}", "d", "answered", STEP_ASKED},
	{"answer for the wheel", "{\"do\":\"answer\",\"seq\":@,\"value\":\"refuse\"}", "d", "answered", WHEEL_ASKED_FOR},
	{"answer an offer of the wheel", "{\"do\":\"answer\",\"seq\":@,\"value\":\"accept\"}", "n", "wheel.passed", WHEEL_OFFERED},
	{"agree", "{\"do\":\"answer\",\"seq\":@,\"value\":\"all of it\",\"why\":\"x\"}", "n", "approval.given", APPROVAL_ASKED},
	{"say", "{\"do\":\"say\",\"text\":\"x\"}", "dno", "said", STEP_ASKED},
	{"note", "{\"do\":\"note\",\"text\":\"x\"}", "dno", "note", STEP_ASKED},
	{"settle", "{\"do\":\"settle\",\"seq\":~,\"how\":\"x\"}", "dno", "debt.settled", STEP_ASKED},
	{"pause", "{\"do\":\"pause\"}", "dn", "session.paused", STEP_ASKED},
	{"continue", "{\"do\":\"continue\"}", "d", "session.continued", PAUSED},
	{"cancel", "{\"do\":\"cancel\",\"call\":^}", "d", "note", COMMAND_RUNS},
	{"abort", "{\"do\":\"abort\",\"why\":\"x\"}", "d", "session.closed", STEP_ASKED},
	{"enter", "{\"do\":\"enter\",\"step\":\"gone\"}", "d", "step.entered", STEP_ASKED},
	{"detour, a command", "{\"do\":\"detour\",\"host\":\"app1\",\"cmd\":\"true\"}", "d", "call.begun", STEP_ASKED},
	{"detour, a shell", "{\"do\":\"detour\",\"host\":\"app1\",\"shell\":true,\"rows\":24,\"cols\":80,\"term\":\"xterm\"}", "d", "call.begun", STEP_ASKED},
	{"detour.input", "{\"do\":\"detour.input\",\"id\":1,\"call\":^,\"bytes\":\"eA==\"}", "d", "", SHELL_OPEN},
	{"detour.size", "{\"do\":\"detour.size\",\"id\":1,\"call\":^,\"rows\":30,\"cols\":90}", "d", "", SHELL_OPEN},
	{"detour.end", "{\"do\":\"detour.end\",\"call\":^}", "d", "note", SHELL_OPEN},
	{"take", "{\"do\":\"take\"}", "n", "asked", STEP_ASKED},
	{"give", "{\"do\":\"give\",\"to\":\"ben\"}", "d", "asked", STEP_ASKED},
	{"withdraw a request", "{\"do\":\"withdraw\"}", "d", "withdrawn", APPROVAL_ASKED},
	{"withdraw what one agreed to", "{\"do\":\"withdraw\"}", "n", "approval.voided", AGREED},
	{"disagree", "{\"do\":\"disagree\",\"seq\":@,\"why\":\"x\"}", "n", "withdrawn", APPROVAL_ASKED},
	{"invite", "{\"do\":\"invite\",\"to\":\"dee\"}", "d", "invited", STEP_ASKED},
	{"dismiss", "{\"do\":\"dismiss\",\"to\":\"gus\"}", "d", "dismissed", STEP_ASKED},
	{"an intent that is none", "{\"do\":\"rejoice\"}", "", "", STEP_ASKED},
};

static char *filled(const struct crew *crew, const struct row *row)
{
	const struct model *model = crew->bench.engine.model;
	const struct model_ask *ask = row->before == WHEEL_ASKED_FOR || row->before == WHEEL_OFFERED ? ask_find(&crew->bench, "wheel") : model->ask_count ? &model->asks[0] : NULL;
	struct buf out = {0};

	for (const char *p = row->intent; *p; p++) {
		if (*p == '@')
			buf_printf(&out, "%lld", (long long)(ask ? ask->seq : 0));
		else if (*p == '^')
			buf_printf(&out, "%lld", (long long)(model->call_count ? model->calls[model->call_count - 1].seq : 0));
		else if (*p == '~')
			buf_printf(&out, "%lld", (long long)latest[EVENT_DEFERRED]);
		else
			buf_putc(&out, *p);
	}
	return buf_take(&out);
}

static void row_holds(const struct row *row, int who)
{
	bool may = strchr(row->may, *roles[who]) != NULL;
	struct crew crew;
	char *intent, kind[40];

	prepare(&crew, row->before);
	intent = filled(&crew, row);
	if (say(&crew, who, intent) != may)
		fail_msg("%s by the %s was %s: %s", row->name, roles[who], may ? "refused" : "accepted", crew.views[who].why);
	snprintf(kind, sizeof(kind), "%s ", row->event);
	if (may)
		assert_logged(&crew.bench, *row->event ? kind : "");
	else if (crew.bench.log.len)
		fail_msg("%s by the %s was refused, and stored:\n%s", row->name, roles[who], buf_text(&crew.bench.log));
	if (!may && !*crew.views[who].why)
		fail_msg("%s by the %s was refused without words", row->name, roles[who]);
	mem_free(intent);
	crew_close(&crew);
}

static void who_may_do_what(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int who = ANN; who <= GUS; who++)
			row_holds(&rows[i], who);
}

/* The rows above are these. Whoever changes the table changes them, too. */
static void the_table_of_the_document_is_the_one_tested(void **state)
{
	static const char table[] =
		"| role | answers | says, notes, settles debts | pauses | agrees, takes the wheel | the rest |\n"
		"|---|---|---|---|---|---|\n"
		"| driver | yes | yes | yes | waiver only | yes |\n"
		"| navigator | wheel, approval | yes | yes | yes | |\n"
		"| observer | | yes | | | |\n"
		"| guest | | | | | watches, until the time is up or `dismiss` |\n";
	const char *repo = getenv("REPO");
	char *path = mem_printf("%s/docs/protocol.md", repo ? repo : ".");
	FILE *file = fopen(path, "r");
	struct buf text = {0};

	(void)state;
	assert_non_null(file);
	buf_added(&text, fread(buf_room(&text, 1 << 20), 1, 1 << 20, file));
	fclose(file);
	assert_contains(buf_text(&text), table);
	buf_done(&text);
	mem_free(path);
}

/* ---- the rules below the table ---- */

static void a_key_is_neither_stored_nor_replied_to(void **state)
{
	struct crew crew;

	(void)state;
	crew_open(&crew, "");
	for (int who = ANN; who <= GUS; who++) {
		struct view *view = &crew.views[who];

		buf_clear(&crew.bench.log);
		view->accepted = view->refused = 0;
		assert_int_equal(send(view->fd, "{\"do\":\"here\",\"typing\":true}\n", 29, MSG_NOSIGNAL), 29);
		turn(&crew.bench);
		assert_int_equal(view->accepted + view->refused, 0);
		assert_int_equal(crew.bench.log.len, 0);
	}
	crew_close(&crew);
}

static void only_what_was_put_off_is_settled(void **state)
{
	struct crew crew;

	(void)state;
	crew_open(&crew, "");
	assert_false(say(&crew, ANN, "{\"do\":\"settle\",\"seq\":1,\"how\":\"x\"}"));
	assert_contains(crew.views[ANN].why, "nothing that was put off has that number");
	assert_int_equal(crew.bench.log.len, 0);
	crew_close(&crew);
}

/* To the first step without a way back, alone: ann is asked to type it. */
static void alone_open(struct bench *bench, struct view *ann, const char *fleet)
{
	bench_open(bench, steps, fleet);
	view_open(bench, ann, 0, "");
	assert_true(answer(bench, ann, "step", "\"skip\"", ",\"why\":\"x\""));
	assert_true(answer(bench, ann, "step", "\"skip\"", ",\"why\":\"x\""));
	assert_true(answer(bench, ann, "step", "\"go\"", ""));
	(void)ask_of(bench, "approval");
}

#define AGREES "\"all of it\"", ",\"why\":\"seen\""

static void alone_nobody_agrees(void **state)
{
	struct bench bench;
	struct view ann;

	(void)state;
	alone_open(&bench, &ann, "");
	later(&bench, 60 * TIME_SECOND);
	assert_false(answer(&bench, &ann, "approval", AGREES));
	assert_contains(ann.why, "another person must agree");
	assert_int_equal(bench.log.len, 0);
	view_close(&bench, &ann);
	bench_close(&bench);
}

static void alone_with_a_waiver_it_counts_after_thirty_seconds(void **state)
{
	struct bench bench;
	struct view ann;

	(void)state;
	alone_open(&bench, &ann, ", policy = { alone = 'waiver' }");
	later(&bench, 29 * TIME_SECOND);
	assert_false(answer(&bench, &ann, "approval", AGREES));
	assert_contains(ann.why, "you are alone");
	later(&bench, TIME_SECOND);
	assert_false(answer(&bench, &ann, "approval", "\"all\"", ",\"why\":\"seen\""));
	assert_contains(ann.why, "type exactly all of it");
	assert_false(answer(&bench, &ann, "approval", "\"all of it\"", ""));
	assert_contains(ann.why, "needs a reason");
	assert_true(answer(&bench, &ann, "approval", AGREES));
	assert_logged(&bench, "\"waiver\":true");
	assert_int_equal(state_of(&bench, "drop"), STEP_RUNNING);
	view_close(&bench, &ann);
	bench_close(&bench);
}

/* A second person who could agree is no guest and no program of the driver's. */
static void beside_a_second_person_nobody_waives(void **state)
{
	static const struct { const char *role; const char *why; } seconds[] = {{"navigator", "one is here"}, {"observer", "as observer"}, {"guest", NULL}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bench bench;
		struct view ann, other;

		alone_open(&bench, &ann, ", policy = { alone = 'waiver' }");
		assert_true(view_say(&bench, &ann, "{\"do\":\"invite\",\"to\":\"ben\"}"));
		view_open(&bench, &other, 1, seconds[i].role);
		later(&bench, 31 * TIME_SECOND);
		assert_int_equal(answer(&bench, &ann, "approval", AGREES), !seconds[i].why);
		assert_contains(ann.why, seconds[i].why ? seconds[i].why : "");
		view_close(&bench, &other);
		view_close(&bench, &ann);
		bench_close(&bench);
	}
}

static void an_account_that_may_be_the_driver_does_not_agree(void **state)
{
	struct crew crew;
	struct view *ben = &crew.views[BEN];

	(void)state;
	prepare(&crew, APPROVAL_ASKED);
	view_close(&crew.bench, ben);
	login = 0;
	view_open(&crew.bench, ben, 1, "navigator");
	login = -1;
	assert_string_equal(ben->role, "navigator");
	assert_false(answer(&crew.bench, ben, "approval", AGREES));
	assert_contains(ben->why, "you may be the one who drives");
	crew_close(&crew);
}

static void an_account_that_nobody_vouches_for_observes(void **state)
{
	static const char *const wishes[] = {"", "driver", "navigator", "observer"};
	struct crew crew;
	struct view dee;

	(void)state;
	crew_open(&crew, "");
	for (size_t i = 0; i < 4; i++) {
		doubt = "it has no account here";
		view_open(&crew.bench, &dee, 4, wishes[i]);
		doubt = NULL;
		assert_string_equal(dee.role, "observer");
		assert_false(view_say(&crew.bench, &dee, "{\"do\":\"take\"}"));
		view_close(&crew.bench, &dee);
	}
	crew_close(&crew);
}

static void a_request_dies_after_ten_minutes(void **state)
{
	struct crew crew;

	(void)state;
	prepare(&crew, APPROVAL_ASKED);
	later(&crew.bench, 599 * TIME_SECOND);
	(void)ask_of(&crew.bench, "approval");
	later(&crew.bench, 2 * TIME_SECOND);
	assert_null(ask_find(&crew.bench, "approval"));
	(void)ask_of(&crew.bench, "step");
	assert_int_equal(begun_of("drop"), 0);
	crew_close(&crew);
}

/* What ends agreement to a step that has not begun: each alone. */
static void agreement_ends(void **state)
{
	static const struct { const char *what; int who; const char *intent, *why; } ends[] = {
		{"time", -1, NULL, "it is too old"},
		{"taken back", BEN, "{\"do\":\"withdraw\",\"why\":\"x\"}", "ben took it back: x"},
		{"left", BEN, NULL, "ben, who agreed, left"},
		{"the wheel", ANN, "{\"do\":\"give\",\"to\":\"ben\"}", "the wheel passed to another person"},
		{"by hand", ANN, "{\"do\":\"detour\",\"host\":\"app2\",\"cmd\":\"true\"}", "somebody went to a host by hand in between"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct crew crew;

		prepare(&crew, AGREED);
		assert_int_equal(begun_of("drop"), 0);
		if (ends[i].intent)
			assert_true(say(&crew, ends[i].who, ends[i].intent));
		else if (ends[i].who == BEN)
			view_close(&crew.bench, &crew.views[BEN]), crew.views[BEN].fd = 0;
		else
			later(&crew.bench, 601 * TIME_SECOND);
		if (ask_find(&crew.bench, "wheel"))
			assert_true(answer(&crew.bench, &crew.views[BEN], "wheel", "\"accept\"", ""));
		if (!logged(&crew.bench, "approval.voided") || !logged(&crew.bench, ends[i].why))
			fail_msg("%s: it stands; stored was:\n%s", ends[i].what, buf_text(&crew.bench.log));
		assert_true(view_say(&crew.bench, &crew.views[str_is(ends[i].what, "the wheel") ? BEN : ANN], "{\"do\":\"continue\"}"));
		assert_int_equal(begun_of("drop"), 0);
		crew_close(&crew);
	}
}

static void agreement_does_not_outlive_the_process(void **state)
{
	struct crew crew;
	int64_t session;

	(void)state;
	prepare(&crew, AGREED);
	session = crew.bench.engine.session;
	for (int i = 0; i < 4; i++) {
		close(crew.views[i].fd);
		buf_done(&crew.views[i].in);
		crew.bench.views[i] = NULL;
		crew.views[i].fd = 0;
	}
	buf_clear(&crew.bench.log);
	bench_resume(&crew.bench, session);
	assert_logged(&crew.bench, "approval.voided");
	view_open(&crew.bench, &crew.views[ANN], 0, "");
	assert_int_equal(crew.bench.engine.model->state, SESSION_RUNNING);
	assert_int_equal(begun_of("drop"), 0);
	(void)ask_of(&crew.bench, "step");
	crew_close(&crew);
}

static void without_its_last_navigator_a_session_stands_before_such_a_step(void **state)
{
	(void)state;
	for (int waives = 0; waives < 2; waives++) {
		struct crew crew;

		crew_open(&crew, waives ? ", policy = { alone = 'waiver' }" : "");
		assert_true(say(&crew, ANN, "{\"do\":\"enter\",\"step\":\"gone\"}"));
		view_close(&crew.bench, &crew.views[BEN]);
		crew.views[BEN].fd = 0;
		assert_true(answer(&crew.bench, &crew.views[ANN], "step", "\"skip\"", ",\"why\":\"x\""));
		assert_int_equal(logged(&crew.bench, "session.paused"), !waives);
		assert_int_equal(ask_find(&crew.bench, "step") != NULL, waives);
		crew_close(&crew);
	}
}

static void a_wheel_that_was_asked_for_passes_without_an_answer(void **state)
{
	struct crew crew;

	(void)state;
	prepare(&crew, WHEEL_ASKED_FOR);
	later(&crew.bench, 19 * TIME_SECOND);
	assert_string_equal(crew.views[BEN].role, "navigator");
	later(&crew.bench, 2 * TIME_SECOND);
	assert_logged(&crew.bench, "\"how\":\"no answer\"");
	assert_string_equal(crew.views[BEN].role, "driver");
	assert_string_equal(crew.views[ANN].role, "navigator");
	crew_close(&crew);
}

static void a_wheel_that_was_offered_stays_without_an_answer(void **state)
{
	struct crew crew;

	(void)state;
	prepare(&crew, WHEEL_OFFERED);
	later(&crew.bench, 61 * TIME_SECOND);
	assert_null(ask_find(&crew.bench, "wheel"));
	assert_false(logged(&crew.bench, "wheel.passed"));
	assert_string_equal(crew.views[ANN].role, "driver");
	crew_close(&crew);
}

static void without_a_driver_nothing_begins_and_a_navigator_takes_the_wheel(void **state)
{
	static const char looks[] = "observe 'see' { title = 'See', run = function(s) ssh.read('app1', 'did it') end }\n"
		"observe 'more' { title = 'More', run = function(s) ssh.read('app1', 'did it') end }\n"
		"change 'last' { title = 'Last', why = 'w', run = function(s) end, done = function(s) return false end }\n";
	struct bench bench;
	struct view ben;

	(void)state;
	bench_open(&bench, looks, "");
	view_open(&bench, &ben, 1, "navigator");
	later(&bench, 60 * TIME_SECOND);
	assert_int_equal(state_of(&bench, "see"), STEP_READY);
	assert_int_equal(world.reads, 0);
	assert_true(view_say(&bench, &ben, "{\"do\":\"take\"}"));
	assert_string_equal(ben.role, "driver");
	assert_int_equal(state_of(&bench, "more"), STEP_OK);
	(void)ask_of(&bench, "step");
	view_close(&bench, &ben);
	bench_close(&bench);
}

static void views_of_the_driver_drive_but_those_that_came_to_look(void **state)
{
	static const struct { int who; const char *wish, *role; } views[] = {
		{0, "", "driver"}, {0, "driver", "driver"}, {0, "navigator", "navigator"}, {0, "observer", "observer"},
		{1, "", "navigator"}, {1, "driver", "navigator"}, {1, "observer", "observer"},
	};
	struct crew crew;

	(void)state;
	crew_open(&crew, "");
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		struct view view;

		view_open(&crew.bench, &view, views[i].who, views[i].wish);
		assert_string_equal(view.role, views[i].role);
		assert_int_equal(answer(&crew.bench, &view, "step", "\"nonsense\"", ""), false);
		assert_contains(view.why, str_is(view.role, "driver") ? "is not one of the choices" : "ann drives");
		view_close(&crew.bench, &view);
	}
	crew_close(&crew);
}

static void whom_the_fleet_does_not_name_comes_as_a_guest_when_invited(void **state)
{
	struct bench bench;
	struct view ann, cal;

	(void)state;
	bench_open(&bench, steps, ", people = { 'ann', 'ben' }");
	view_open(&bench, &ann, 0, "");
	view_open(&bench, &cal, 2, "navigator");
	assert_true(cal.gone);
	assert_contains(cal.why, "attach as a guest");
	view_close(&bench, &cal);
	view_open(&bench, &cal, 2, "guest");
	assert_true(cal.gone);
	assert_contains(cal.why, "by invitation");
	view_close(&bench, &cal);
	assert_true(view_say(&bench, &ann, "{\"do\":\"invite\",\"to\":\"cal\",\"for\":\"10m\"}"));
	view_open(&bench, &cal, 2, "guest");
	assert_string_equal(cal.role, "guest");
	later(&bench, 599 * TIME_SECOND);
	assert_false(cal.gone);
	later(&bench, 2 * TIME_SECOND);
	assert_true(cal.gone);
	assert_contains(cal.why, "your time as a guest is up");
	view_close(&bench, &cal);
	view_close(&bench, &ann);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_do_what),
		cmocka_unit_test(a_key_is_neither_stored_nor_replied_to),
		cmocka_unit_test(only_what_was_put_off_is_settled),
		cmocka_unit_test(alone_nobody_agrees),
		cmocka_unit_test(alone_with_a_waiver_it_counts_after_thirty_seconds),
		cmocka_unit_test(beside_a_second_person_nobody_waives),
		cmocka_unit_test(an_account_that_may_be_the_driver_does_not_agree),
		cmocka_unit_test(an_account_that_nobody_vouches_for_observes),
		cmocka_unit_test(a_request_dies_after_ten_minutes),
		cmocka_unit_test(agreement_ends),
		cmocka_unit_test(agreement_does_not_outlive_the_process),
		cmocka_unit_test(without_its_last_navigator_a_session_stands_before_such_a_step),
		cmocka_unit_test(a_wheel_that_was_asked_for_passes_without_an_answer),
		cmocka_unit_test(a_wheel_that_was_offered_stays_without_an_answer),
		cmocka_unit_test(without_a_driver_nothing_begins_and_a_navigator_takes_the_wheel),
		cmocka_unit_test(views_of_the_driver_drive_but_those_that_came_to_look),
		cmocka_unit_test(whom_the_fleet_does_not_name_comes_as_a_guest_when_invited),
		cmocka_unit_test(the_table_of_the_document_is_the_one_tested),
	};

	return cmocka_run_group_tests_name("session_engine_people", tests, bench_setup, folder_teardown);
}
