/* plain_int.h - private to tui/plain/plain*.c: the state of the plain view. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PLAIN_PLAIN_INT_H
#define TUI_PLAIN_PLAIN_INT_H

#include "tui/plain/plain.h"
#include "tui/live/scene.h"

#define PLAIN_OUTPUT_LINES 20		/* lines of a call printed as they come */
#define PLAIN_TAIL_LINES 5		/* last lines printed when a call failed */
#define PLAIN_PROGRESS_US ((int64_t)60000000)
#define PLAIN_PROGRESS_PERCENT 10.0
#define PLAIN_WAIT_US ((int64_t)15000000)	/* a wait that goes on is told again */

/* What the line being typed is for. */
enum plain_mode {
	PLAIN_NORMAL,	/* an answer or a command */
	PLAIN_MORE,	/* why, owner or due of the answer in the making */
	PLAIN_MENU,	/* what Ctrl-C meant */
	PLAIN_ABORT,	/* why abort */
	PLAIN_CANCEL,	/* why cancel the call */
	PLAIN_RUN,	/* whether a command is to run by hand */
	PLAIN_SHELL,	/* a line for the shell that is open */
};

/* What was told of a call. */
struct told {
	int64_t call;
	int64_t lines;		/* completed output lines already printed or passed over */
	int64_t printed;
	double percent;
	int64_t progress_us;
	uint64_t gist;		/* of a meter's words; 0 = it had an amount */
	bool progress;		/* something was told */
};

struct plain {
	struct scene *scene;
	struct buf out;
	struct json **intents;	/* owned, first to send first */
	size_t intent_count;
	int64_t session;
	enum plain_mode mode;
	int64_t shown;		/* question on the screen; 0 = none */
	int64_t others;		/* question of another that was told last */
	int64_t sent;		/* question whose answer is under way; 0 = none */
	unsigned faults;	/* answers and intents that came to nothing */
	int waiting;		/* intents without a reply yet */
	struct answer answer;
	int64_t cancel;		/* call that PLAIN_CANCEL is about */
	struct told *told;
	size_t told_count;
	int64_t now_us;		/* when the event that is told came here */
	bool outside_bad;	/* it was told that the site does not answer as it should, seen from outside */
	char *entered;		/* owned: step whose title alone was told so far; NULL = none */
	char *looked;		/* owned: step, try and side of the probe told last; NULL = none yet */
	int64_t shell;		/* call of the shell opened here; 0 = none */
	bool shell_asked;	/* one is under way, and has not said a word */
	bool shell_waits;	/* a line was sent, and nothing came since: a script's next one waits */
	char *shell_prompt;	/* owned: unfinished line of it that was told, NULL = none */
	char *shell_sent;	/* owned: line that it will echo, NULL = none */
	struct json *wish;	/* owned: command by hand that a yes is asked for */
	bool summed;		/* the summary was printed */
	enum ending ending;
};

/* Starts a line with the clock of at_us; 0 = without. */
void plain_stamp(struct plain *plain, int64_t at_us);

/* Text through utf8_safe. */
void plain_safe(struct plain *plain, const char *text);

/* The same of what a host may have said: without colours and the like. */
void plain_words(struct plain *plain, const char *text);

/* Says in words what an event means; called after the scene took it in. */
void plain_tell(struct plain *plain, const struct event *ev, int64_t now_us);

/* The step's title, reasons and ways back, in lines. */
void plain_tell_step(struct plain *plain, const struct model_step *step);

/* The question with everything that is known, and how to answer it. */
void plain_tell_question(struct plain *plain, const struct question *question);

/* Where the session stands; printed once after history was read, and by "where". */
void plain_tell_summary(struct plain *plain);

/* All steps with their states. */
void plain_tell_steps(struct plain *plain);

/* Last n lines of what the call printed. */
void plain_tell_output(struct plain *plain, const struct model_call *call, size_t n);

/* What was told of a call so far; made when new. Borrowed until the next call. */
struct told *plain_told(struct plain *plain, int64_t call);

/* Runs a command line ("note TEXT"); false when it is none. */
bool plain_command(struct plain *plain, const char *line);

/* True when the line begins with the name of a command. */
bool plain_is_command_word(const char *line);

/* Looks back, each a command of plain_command.c with the text behind its name: append what they say to the view's output. */
void plain_look_record(struct plain *plain, const char *text);
void plain_look_hosts(struct plain *plain, const char *text);
void plain_look_step(struct plain *plain, const char *text);
void plain_look_find(struct plain *plain, const char *text);
void plain_look_copy(struct plain *plain, const char *text);
void plain_look_talk(struct plain *plain, const char *text);
void plain_look_parameters(struct plain *plain, const char *text);

/* Queues {"do":name}, with a member when key is not NULL. */
void plain_send(struct plain *plain, const char *name, const char *key, const char *text);

/* Queues an intent. Takes it. */
void plain_send_json(struct plain *plain, struct json *intent);

#endif
