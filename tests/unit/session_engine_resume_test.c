/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_engine.h"

/*
 * A walk is recorded: after each transaction the journal is copied, and what was on the hosts is kept, then and just
 * before the next one. Each of these is what a kill leaves behind. Each is taken over, walked to its end by the same
 * people, and must come to the same.
 */

static const char walk[] =
	"runbook { id = 't', bellbook = 1, title = 'T', params = { n = { type = 'integer', ask = 'N?' } } }\n"
	"observe 'see' { title = 'See', gives = { 'seen' }, run = function(s) s.seen = ssh.read('app1', 'did none').out s:note('it is ' .. s.seen) end }\n"
	"change 'many' { title = 'Many', why = 'w', needs = { 'seen' }, gives = { 'out' },\n"
	"	run = function(s)\n"
	"		s.out = ssh.run('app1', 'do first!').out\n"
	"		each({ 'app1', 'app2' }, function(h) s:note(h .. ' printed ' .. ssh.run(h, 'do many! ' .. s.params.n .. ' wait').out) end)\n"
	"		sleep('5s', 'for the mail')\n"
	"		s:warn('now is ' .. type(now()))\n"
	"		if s:ask { text = 'Which?', type = 'choice', choices = { 'red', 'blue' } } == 'blue' then ssh.run('app2', 'do blue!') end\n"
	"	end,\n"
	"	done = function(s) return ssh.read('app1', 'did many').out == 'yes\\n' and s.out == 'it ran\\n' end }\n"
	"change 'fails' { title = 'Fails', why = 'w', run = function(s) ssh.run('app1', 'do fails! exit 3') end, undo = function(s) ssh.run('app2', 'do undo!') end, done = function(s) return false end }\n"
	"change 'doubt' { title = 'Doubt', why = 'w', run = function(s) s:note('status ' .. ssh.run('app1', 'do doubt! vanish', { check = false }).code) ssh.run('app2', 'do behind!') end,\n"
	"	done = function(s) return true end }\n"
	"irreversible 'drop' { title = 'Drop', why = 'w', target = 'all', run = function(s) ssh.run('app1', 'do drop!') end, done = function(s) return ssh.read('app1', 'did drop').out == 'yes\\n' end }\n"
	"manual 'hand' { title = 'Hand', why = 'w', text = 'Do it' }\n";

struct people {
	struct view ann, ben;
	int failures;		/* of step fails, answered */
};

static void say_to(struct bench *bench, struct people *people, const struct model_ask *ask)
{
	static const struct { const char *of, *value, *more; } says[] = {
		{"parameter", "7", ""}, {"step", "\"go\"", ""}, {"question", "\"blue\"", ""}, {"doubt", "\"ran\"", ",\"why\":\"seen\""}, {"manual", "\"done\"", ""},
		{"approval", "\"all\"", ",\"why\":\"seen\""},
	};
	const struct model_step *step = model_step_find(bench->engine.model, ask->step);
	const char *of = ask->of;

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		if (str_is(of, says[i].of)) {
			assert_true(answer(bench, str_is(of, "approval") ? &people->ben : &people->ann, of, says[i].value, says[i].more));
			return;
		}
	if (str_is(of, "result"))
		assert_true(answer(bench, &people->ann, of, str_is(ask->name, "exit") ? "4" : "\"\"", ""));
	else if (str_is(of, "failure") && step && str_is(step->reason, "undone"))
		assert_true(answer(bench, &people->ann, of, "\"skip\"", ",\"why\":\"seen\""));
	else if (str_is(of, "failure"))
		assert_true(answer(bench, &people->ann, of, step && step->attempt == 1 ? "\"retry\"" : "\"undo\"", ""));
	else
		fail_msg("nobody knows what to say to a question of %s", of);
}

/* To the end of the session. */
static void people_walk(struct bench *bench)
{
	struct people people = {0};

	view_open(bench, &people.ann, 0, "driver");
	view_open(bench, &people.ben, 1, "navigator");
	for (int i = 0; i < 200 && !bench->engine.closed; i++) {
		if (bench->engine.model->ask_count) {
			say_to(bench, &people, &bench->engine.model->asks[0]);
		} else {
			world.go = true;
			if (bench->engine.worker)
				double_wake(bench->engine.worker);
			later(bench, 6 * TIME_SECOND);
			world.go = false;
		}
	}
	if (!bench->engine.closed)
		fail_msg("the session does not end:\n%.3000s", buf_text(&bench->log));
	view_close(bench, &people.ann);
	view_close(bench, &people.ben);
}

/* ---- cuts ---- */

struct cut {
	int64_t seq;		/* of the last event */
	bool late;		/* just before the next transaction, not just after this one */
	struct world world;
	char *path;		/* owned */
};

static struct cut *cuts;	/* owned */
static size_t cut_count;

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "r"), *out;
	struct buf text = {0};
	size_t n;

	if (!in)
		return;
	while ((n = fread(buf_room(&text, 65536), 1, 65536, in)) > 0)
		buf_added(&text, n);
	fclose(in);
	out = fopen(to, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(buf_text(&text), 1, text.len, out), text.len);
	fclose(out);
	buf_done(&text);
}

static void keep(struct bench *bench, bool late)
{
	struct cut *cut;
	char *from = mem_printf("%s-wal", bench->journal), *to;

	cuts = mem_grow(cuts, cut_count + 1, sizeof(*cuts));
	cut = &cuts[cut_count];
	*cut = (struct cut){.seq = late ? cuts[cut_count - 1].seq : latest_seq, .late = late, .world = world};
	cut->path = mem_printf("%s/cut%zu.db", folder, cut_count++);
	copy_file(bench->journal, cut->path);
	to = mem_printf("%s-wal", cut->path);
	copy_file(from, to);
	mem_free(from);
	mem_free(to);
}

static void before(struct bench *bench)
{
	keep(bench, true);
}

static void after(struct bench *bench)
{
	keep(bench, false);
}

/* ---- what it came to ---- */

struct outcome {
	struct buf text;	/* steps and variables */
	struct buf calls;	/* identities of the calls that were begun, each between newlines */
	const char *twice;	/* of calls, the one that was begun twice; NULL = none */
};

static bool count_call(void *arg, const struct event *ev)
{
	struct outcome *outcome = arg;
	char *key;

	if (ev->kind != EVENT_CALL_BEGUN)
		return true;
	key = mem_printf("\n%s %d %s\n", ev->step, ev->attempt, ev->call);
	if (strstr(buf_text(&outcome->calls), key))
		fail_msg("call %s was begun twice", key);
	buf_puts(&outcome->calls, key);
	mem_free(key);
	return true;
}

static void outcome_of(struct bench *bench, struct outcome *outcome)
{
	const struct model *model = bench->engine.model;
	char *vars = json_print(bench->engine.vars), *params = json_print(model->params);
	struct err e = {0};

	*outcome = (struct outcome){0};
	buf_printf(&outcome->text, "%s; %s; %s\n", model->outcome, vars, params);
	for (size_t i = 0; i < model->step_count; i++)
		buf_printf(&outcome->text, "%s %s %d %s\n", model->steps[i].id, step_state_name(model->steps[i].state), model->steps[i].attempt, model->steps[i].reason);
	for (size_t i = 0; i < world.count; i++)
		if (world.jobs[i].begun != 1)
			fail_msg("job %s was begun %d times", world.jobs[i].name, world.jobs[i].begun);
	buf_printf(&outcome->text, "%zu jobs\n", world.count);
	if (store_each(bench->engine.store, (struct store_range){.session = bench->engine.session}, count_call, outcome, &e) < 0)
		fail_msg("%s", e.text);
	mem_free(vars);
	mem_free(params);
}

static void outcome_done(struct outcome *outcome)
{
	buf_done(&outcome->text);
	buf_done(&outcome->calls);
}

static void resumed_at_every_event_a_walk_comes_to_the_same(void **state)
{
	struct bench bench;
	struct outcome whole, one;
	int64_t session;

	(void)state;
	bench_open(&bench, walk, "");
	session = bench.engine.session;
	keep(&bench, false);	/* session.opened alone */
	bench.storing = before;
	bench.stored = after;
	people_walk(&bench);
	bench.storing = bench.stored = NULL;
	outcome_of(&bench, &whole);
	bench_kill(&bench);
	assert_contains(buf_text(&whole.text), "fails skipped 3 seen");
	for (size_t i = 0; i + 1 < cut_count; i++) {
		world = cuts[i].world;
		mem_set(&bench.journal, cuts[i].path);
		bench_start(&bench, &(struct session_options){.resume = session});
		people_walk(&bench);
		outcome_of(&bench, &one);
		if (!str_is(buf_text(&one.text), buf_text(&whole.text)))
			fail_msg("killed %s event %lld:\n%sand without that:\n%s", cuts[i].late ? "long after" : "just after", (long long)cuts[i].seq, buf_text(&one.text), buf_text(&whole.text));
		outcome_done(&one);
		bench_kill(&bench);
		buf_clear(&bench.log);
	}
	printf("# %zu cuts\n", cut_count);
	outcome_done(&whole);
	while (cut_count)
		mem_free(cuts[--cut_count].path);
	mem_free(cuts);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resumed_at_every_event_a_walk_comes_to_the_same),
	};

	return cmocka_run_group_tests_name("session_engine_resume", tests, bench_setup, folder_teardown);
}
