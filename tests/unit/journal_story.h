/* journal_story.h - a synthetic session as JSON lines, and a model as text, for the tests of journal/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_JOURNAL_STORY_H
#define TESTS_UNIT_JOURNAL_STORY_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "journal/event/event.h"
#include "journal/feed/feed.h"
#include "journal/model/model.h"

#define STORY_START_US 1763751127000000LL	/* 2025-11-21T18:52:07Z */

/* Seconds after the start, kind, who, place, data, text. Seq counts from 1; the session is 1. */
struct story_event {
	int second;
	const char *kind, *who, *step;
	int attempt;
	const char *call, *host, *data, *text;
};

static const struct story_event story[] = {
	{ 0, "session.opened", "ann", "", 0, "", "",
	  "{'runbook':{'id':'es','title':'Rebuild the search index','about':'Search, made new.','digest':'d1','bellbook':1},"
	  "'fleet':{'name':'prod','digest':'f1'},'process':{'pid':4711,'started':5,'boot':'b'},'dry_run':false,'steps':["
	  "{'id':'count','kind':'observe','title':'How much?','why':'w1','phase':'Look'},"
	  "{'id':'stop','kind':'change','title':'Stop the workers','why':'w2','phase':'Do','back':'Start them.','takes':'1m','downtime':'begins'},"
	  "{'id':'index','kind':'change','title':'Index','why':'w3','phase':'Do','downtime':'ends'},"
	  "{'id':'tell','kind':'manual','title':'Tell the users','phase':'After'},"
	  "{'id':'wipe','kind':'irreversible','title':'Drop the old index','phase':'After'}]}", "" },		/* 1 */
	{ 0, "joined", "ann", "", 0, "", "", "{'uid':1001,'role':'driver','view':'live'}", "" },		/* 2 */
	{ 1, "param.set", "ann", "", 0, "", "", "{'name':'workers','value':2,'source':'given'}", "" },		/* 3 */
	{ 1, "param.set", "ann", "", 0, "", "", "{'name':'token','value':'[secret token]','source':'secret'}", "" }, /* 4 */
	{ 2, "step.entered", "bellbook", "count", 0, "", "", "{'index':1,'total':5}", "" },			/* 5 */
	{ 2, "step.begun", "bellbook", "count", 1, "", "", "{}", "" },						/* 6 */
	{ 2, "call.begun", "bellbook", "count", 1, "1", "db1",
	  "{'action':'pg.one','args':{},'effect':'read','shown':'select count(*) from statuses'}", "" },	/* 7 */
	{ 3, "call.ended", "bellbook", "count", 1, "1", "db1", "{'outcome':'ok','took_us':900000,'result':5}", "" }, /* 8 */
	{ 3, "step.ended", "bellbook", "count", 1, "", "", "{'state':'ok','took_us':1000000,'gives':{'total':5}}", "" }, /* 9 */
	{ 4, "step.entered", "bellbook", "stop", 0, "", "", "{'index':2,'total':5}", "" },			/* 10 */
	{ 4, "asked", "bellbook", "stop", 0, "", "",
	  "{'of':'step','text':'Stop the workers?','type':'choice','default':'go','choices':[{'value':'go','label':'Go'},"
	  "{'value':'skip','label':'Skip','why':true,'help':'Leaves it out.'}]}", "" },				/* 11 */
	{ 9, "joined", "bob", "", 0, "", "", "{'uid':1002,'role':'navigator','view':'plain'}", "" },		/* 12 */
	{ 14, "answered", "ann", "stop", 0, "", "", "{'seq':11,'value':'go'}", "" },				/* 13 */
	{ 14, "downtime.began", "bellbook", "stop", 0, "", "", "{}", "" },					/* 14 */
	{ 14, "step.begun", "bellbook", "stop", 1, "", "", "{}", "" },						/* 15 */
	{ 14, "call.begun", "bellbook", "stop", 1, "1/app1/1", "app1",
	  "{'action':'ssh.run','args':{},'effect':'change','shown':'systemctl stop sidekiq','as':'root','job':'j1'}", "" }, /* 16 */
	{ 14, "call.begun", "bellbook", "stop", 1, "1/app2/1", "app2",
	  "{'action':'ssh.run','args':{},'effect':'change','shown':'systemctl stop sidekiq','as':'root','job':'j2'}", "" }, /* 17 */
	{ 15, "call.output", "bellbook", "stop", 1, "1/app1/1", "app1", "{'stream':'out'}", "stop" },		/* 18 */
	{ 15, "call.output", "bellbook", "stop", 1, "1/app2/1", "app2", "{'stream':'err'}", "Failed to stop sidekiq.service: Unit not loaded.\nSee the " }, /* 19 */
	{ 16, "call.output", "bellbook", "stop", 1, "1/app1/1", "app1", "{'stream':'out'}", "ping\r\nstopped\n" }, /* 20 */
	{ 16, "call.progress", "bellbook", "stop", 1, "1/app1/1", "app1", "{'done':1,'total':4,'unit':'threads'}", "" }, /* 21 */
	{ 17, "call.ended", "bellbook", "stop", 1, "1/app1/1", "app1", "{'outcome':'ok','exit':0,'took_us':3000000}", "" }, /* 22 */
	{ 17, "call.ended", "bellbook", "stop", 1, "1/app2/1", "app2",
	  "{'outcome':'failed','exit':5,'took_us':3000000,'error':'exit status 5'}", "" },			/* 23 */
	{ 17, "step.ended", "bellbook", "stop", 1, "", "", "{'state':'failed','reason':'app2: exit status 5'}", "" }, /* 24 */
	{ 17, "asked", "bellbook", "stop", 0, "", "",
	  "{'of':'failure','text':'What now?','type':'choice','choices':[{'value':'retry','label':'Again'},"
	  "{'value':'defer','label':'Later','why':true}]}", "" },						/* 25 */
	{ 20, "note", "bob", "stop", 0, "", "", "{}", "app2 was reinstalled on Tuesday" },			/* 26 */
	{ 30, "answered", "ann", "stop", 0, "", "",
	  "{'seq':25,'value':'defer','why':'unit is missing','owner':'bob','due':'2025-11-24'}", "" },		/* 27 */
	{ 30, "step.ended", "bellbook", "stop", 1, "", "",
	  "{'state':'deferred','reason':'unit is missing','owner':'bob','due':'2025-11-24'}", "" },		/* 28 */
	{ 31, "step.entered", "bellbook", "index", 0, "", "", "{'index':3,'total':5}", "" },			/* 29 */
	{ 31, "step.begun", "bellbook", "index", 1, "", "", "{}", "" },						/* 30 */
	{ 31, "call.begun", "bellbook", "index", 1, "1", "app1", "{'action':'ssh.job','effect':'change','shown':'tootctl search deploy'}", "" }, /* 31 */
	{ 40, "link.changed", "bellbook", "index", 1, "", "app1", "{'state':'lost','text':'timed out'}", "" },	/* 32 */
	{ 41, "worker.lost", "bellbook", "", 0, "", "", "{'pid':4712,'calls':[31]}", "" },			/* 33 */
	{ 42, "call.settled", "bellbook", "index", 1, "1", "app1", "{'how':'running','by':'job'}", "" },	/* 34 */
	{ 43, "asked", "bellbook", "index", 1, "", "", "{'of':'question','text':'Fast or slow?','type':'text'}", "" },	/* 35 */
	{ 53, "answered", "ann", "index", 1, "", "", "{'seq':35,'value':'slow'}", "" },				/* 36 */
	{ 60, "call.ended", "bellbook", "index", 1, "1", "app1", "{'outcome':'ok','exit':0}", "" },		/* 37 */
	{ 61, "step.ended", "bellbook", "index", 1, "", "", "{'state':'warn','reason':'slow'}", "" },		/* 38 */
	{ 61, "downtime.ended", "bellbook", "index", 0, "", "", "{}", "" },					/* 39 */
	{ 62, "said", "bob", "", 0, "", "", "{}", "well done" },						/* 40 */
	{ 62, "left", "bob", "", 0, "", "", "{'uid':1002,'role':'navigator','view':'plain'}", "" },		/* 41 */
	{ 63, "warned", "bellbook", "", 0, "", "", "{'text':'disk of app1 is 91 % full'}", "" },		/* 42 */
	{ 64, "session.paused", "ann", "", 0, "", "", "{'why':'tea'}", "" },					/* 43 */
	{ 65, "session.continued", "ann", "", 0, "", "", "{}", "" },						/* 44 */
	{ 66, "step.entered", "bellbook", "tell", 0, "", "", "{'index':4,'total':5}", "" },			/* 45 */
	{ 67, "step.ended", "bellbook", "tell", 0, "", "", "{'state':'skipped','reason':'told already'}", "" },	/* 46 */
	{ 68, "step.entered", "bellbook", "wipe", 0, "", "", "{'index':5,'total':5}", "" },			/* 47 */
	{ 69, "lesson", "ann", "wipe", 0, "", "", "{}", "Check the unit first." },				/* 48 */
	{ 70, "session.closed", "ann", "", 0, "", "", "{'outcome':'aborted','reason':'enough for today'}", "" }, /* 49 */
};

#define STORY_COUNT (sizeof(story) / sizeof(story[0]))

/* Data are written with ' for ". */
static inline char *story_data(const char *data)
{
	char *text = mem_strdup(data);

	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	return text;
}

/* Event i of the story; strings borrowed from it and from the arena. */
static inline struct event story_event(struct arena *arena, size_t i)
{
	const struct story_event *from = &story[i];
	const struct event_type *type = event_type_find(from->kind);
	char *data = story_data(from->data);
	struct event ev = {
		.seq = (int64_t)i + 1,
		.session = 1,
		.at_us = STORY_START_US + from->second * 1000000LL,
		.kind = type->kind,
		.kind_number = (int)type->kind,
		.v = type->v,
		.who = from->who,
		.step = from->step,
		.attempt = from->attempt,
		.call = from->call,
		.host = from->host,
		.data = arena_dup(arena, data, strlen(data)),
		.bytes = from->text[0] ? from->text : NULL,
		.len = strlen(from->text),
	};

	mem_free(data);
	return ev;
}

static inline void story_put_step(struct buf *out, const struct model_step *step)
{
	buf_printf(out, "step %s|%s|%s|%s|%s|%s|%s|%s %s %s %s %d %lld %lld %lld %lld %lld %lld\n", step->id, step->title,
		   step->why, step->phase, step->back, step->takes, step->downtime, step->about,
		   step_kind_name(step->kind), step_state_name(step->state), step->reason, step->attempt,
		   (long long)step->entered_us, (long long)step->begun_us, (long long)step->ended_us,
		   (long long)step->took_us, (long long)step->waited_us, (long long)step->wait_since_us);
}

static inline void story_put_ask(struct buf *out, const struct model_ask *ask)
{
	buf_printf(out, "ask %lld %s|%s|%s|%s|%s|%s|%s|%s|%s %d %d %lld\n", (long long)ask->seq, ask->of, ask->step,
		   ask->host, ask->text, ask->details, ask->type, ask->expect, ask->name,
		   ask->default_value ? ask->default_value : "(none)", ask->secret, ask->needs_why, (long long)ask->at_us);
	for (size_t i = 0; i < ask->choice_count; i++)
		buf_printf(out, " choice %s|%s|%s %d\n", ask->choices[i].value, ask->choices[i].label,
			   ask->choices[i].help, ask->choices[i].needs_why);
}

static inline void story_put_call(struct buf *out, const struct model_call *call)
{
	buf_printf(out, "call %lld %s|%s|%s|%s|%s|%s %d %d %d %s|%s %.17g %lld %lld %lld\n", (long long)call->seq, call->step,
		   call->path, call->host, call->action, call->shown, call->as, call->attempt, (int)call->state,
		   call->exit_code, call->error, call->progress, call->percent, (long long)call->begun_us,
		   (long long)call->ended_us, (long long)call->out_bytes);
}

/* All of a model but its arrays. */
static inline void story_put_head(struct buf *out, const struct model *model)
{
	char *params = json_print(model->params);

	buf_printf(out, "%lld %d %s|%s|%s|%s|%s|%s %d %lld %lld %lld %s\n", (long long)model->session, (int)model->state,
		   model->runbook, model->title, model->about, model->fleet, model->who, model->outcome, model->dry_run,
		   (long long)model->opened_us, (long long)model->closed_us, (long long)model->process_pid, params);
	buf_printf(out, "driver %s, down %lld %lld, %lld %lld %lld gap %d\n", model->driver ? model->driver : "(none)",
		   (long long)model->down_since_us, (long long)model->down_total_us, (long long)model->failures,
		   (long long)model->warnings, (long long)model->notes, model->gap);
	mem_free(params);
}

/* Everything in a model as text, but last_seq and last_us. Caller owns. */
static inline char *story_dump(const struct model *model)
{
	struct buf out = {0};

	story_put_head(&out, model);
	for (size_t i = 0; i < model->step_count; i++)
		story_put_step(&out, &model->steps[i]);
	for (size_t i = 0; i < model->call_count; i++)
		story_put_call(&out, &model->calls[i]);
	for (size_t i = 0; i < model->ask_count; i++)
		story_put_ask(&out, &model->asks[i]);
	for (size_t i = 0; i < model->people_count; i++) {
		const struct model_person *person = &model->people[i];

		buf_printf(&out, "person %s|%s|%s %u %d %lld\n", person->who, person->role, person->view,
			   (unsigned)person->uid, person->count, (long long)person->since_us);
	}
	return buf_take(&out);
}

#endif
