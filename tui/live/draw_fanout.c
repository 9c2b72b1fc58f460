/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "tui/live/draw_int.h"
#include "tui/part/fanout.h"
#include "tui/live/mouse.h"

#define HOST_COLUMNS 16

const char *draw_call_state(enum call_state state, enum role *role)
{
	static const struct {
		const char *word;
		enum role role;
	} words[] = {
		[CALL_RUNNING] = { "RUN", ROLE_RUN }, [CALL_OK] = { "ok", ROLE_OK },
		[CALL_FAILED] = { "FAIL", ROLE_FAIL }, [CALL_CANCELED] = { "stop", ROLE_WARN },
		[CALL_UNKNOWN] = { "DOUBT", ROLE_DOUBT },
	};

	*role = words[state].role;
	return words[state].word;
}

static const char *call_word(const struct model_call *call, enum call_state state, enum role *role)
{
	const char *word = draw_call_state(state, role);

	if (!call->silent)
		return word;
	*role = ROLE_WARN;
	return call->lost_us ? "LOST" : "SILENT";
}

/* Caller owns. */
static char *silent_words(const struct model_call *call)
{
	char clock[TIME_TEXT];
	char *why = draw_words(call->silent), *words;

	words = mem_printf("no answer since %s%s%s", time_format_clock(call->silent_us, clock), *why ? ": " : "", why);
	mem_free(why);
	return words;
}

/* The first line of what was to be seen, and how many follow. Caller owns. */
static char *told_words(const struct scene *scene, const struct model_call *call)
{
	struct output *output = scene_output(scene, call->seq);
	size_t count = output ? output_count(output) : 0;
	const char *first = count ? output_at(output, 0)->text : output ? output_partial(output, false) : "";

	if (!*first)
		return mem_strdup("(no output)");
	return count > 1 ? mem_printf("%s (and %zu more lines)", first, count - 1) : mem_strdup(first);
}

/* What is worth a look behind a host's name. Caller owns. */
static char *host_words(const struct scene *scene, const struct fanout *fanout, const struct model_call *call)
{
	char *why, *words;

	if (call->silent)
		return silent_words(call);
	if (!fanout_is_bad(fanout, call) && call->told && call->state != CALL_RUNNING)
		return told_words(scene, call);
	if (!fanout_is_bad(fanout, call))
		return call->progress && *call->progress ? draw_words(call->progress) : draw_safe(call->shown);
	why = fanout_why(scene, call);
	words = call->exit_code > 0 ? mem_printf("status %d%s%s", call->exit_code, *why ? ": " : "", why)
		: mem_strdup(why);
	mem_free(why);
	return words;
}

static void host_line(struct frame *frame, struct area area, const struct fanout *fanout, size_t i, bool focus)
{
	const struct model_call *call = fanout->calls[i];
	enum role role;
	const char *word = call_word(call, call->state == CALL_OK && fanout_is_bad(fanout, call) ? CALL_FAILED : call->state, &role);
	char *host = draw_safe(call->host);
	char *text = host_words(frame->scene, fanout, call);
	int col = area.col;

	canvas_put(frame->canvas, area.row, col, focus ? '>' : ' ', ROLE_BOLD);
	canvas_text(frame->canvas, area.row, col + 1, 5, role, word);
	col += 7 + canvas_text(frame->canvas, area.row, col + 7, HOST_COLUMNS, focus ? ROLE_BOLD : ROLE_TEXT, host);
	if (col < area.col + 7 + HOST_COLUMNS)
		col = area.col + 7 + HOST_COLUMNS;
	if (call->percent >= 0 && call->state == CALL_RUNNING)
		canvas_printf(frame->canvas, (struct area){ area.row, col, 1, 5 }, ROLE_TEXT, "%3.0f%%", call->percent);
	if (call->state == CALL_RUNNING)
		col += 5;
	canvas_text(frame->canvas, area.row, col + 1, area.col + area.cols - col - 1, ROLE_TEXT, text);
	mem_free(host);
	mem_free(text);
}

/* " ok    app1 app2 app4": the hosts that are done, in as few rows as they need, one when there is no room. */
static int done_line(struct frame *frame, struct area area, const struct fanout *fanout)
{
	struct buf names = { 0 };
	int rows;

	for (size_t i = fanout->count - fanout->done; i < fanout->count; i++) {
		char *host = draw_safe(fanout->calls[i]->host);

		buf_printf(&names, "%s%s", names.len > 0 ? " " : "", host);
		mem_free(host);
	}
	canvas_text(frame->canvas, area.row, area.col + 1, 5, ROLE_OK, "ok");
	rows = canvas_wrap(frame->canvas, (struct area){ area.row, area.col + 7, area.rows > 2 ? 2 : 1, area.cols - 7 },
		ROLE_TEXT, buf_text(&names));
	buf_done(&names);
	return rows;
}

int draw_fanout(struct frame *frame, struct area area, const struct model_step *step, const struct model_call *focus)
{
	struct fanout fanout;
	int row = 0, most;
	bool fold;
	size_t open, shown = 0;
	char *words;

	fanout_init(&fanout, frame->scene, step);
	/* What failed is worth more room than the output of one of them. */
	most = fanout.failed > 0 ? area.rows - 2 : area.rows / 2;
	if (fanout.count == 0 || most < 2) {
		fanout_done(&fanout);
		return 0;
	}
	words = fanout_words(&fanout);
	canvas_text(frame->canvas, area.row, area.col, area.cols, fanout.failed > 0 ? ROLE_FAIL : ROLE_BOLD, words);
	mem_free(words);
	open = fanout.count - fanout.done;
	fold = fanout.done > 0 && (most > 5 || open < 3);
	if (fanout.done > 0 && fanout.calls[fanout.count - 1]->told) {
		open = fanout.count;
		fold = false;
	}
	most -= 1 + fold;
	for (row = 1; shown < open && most > 0; shown++, row++, most--) {
		struct area line = { area.row + row, area.col, 1, area.cols };

		if (most == 1 && open - shown > 1) {
			canvas_printf(frame->canvas, line, ROLE_DIM, "       ... %zu more (%s: table)", open - shown,
				keytable_key(ACTION_HOSTS));
			shown = open;
		} else {
			host_line(frame, line, &fanout, shown, fanout.calls[shown] == focus);
			mouse_mark(frame->ui, line, HIT_CALL, fanout.calls[shown]->seq);
		}
	}
	if (fold)
		row += done_line(frame, (struct area){ area.row + row, area.col, most + 1, area.cols }, &fanout);
	fanout_done(&fanout);
	return row;
}
