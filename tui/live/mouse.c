/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/mouse.h"

#include "base/mem.h"
#include "tui/live/dialogs.h"
#include "tui/live/look.h"

#define WHEEL_LINES 3
#define BUTTON_LEFT 0
#define BUTTON_UP 64
#define BUTTON_DOWN 65

void mouse_clear(struct ui *ui)
{
	ui->hit_count = 0;
}

void mouse_mark(struct ui *ui, struct area area, enum hit_kind kind, int64_t value)
{
	if (ui->hit_count < UI_HITS)
		ui->hits[ui->hit_count++] = (struct hit){ area, kind, value };
}

static void wheel(struct ui *ui, const struct scene *scene, bool up, int64_t now_us)
{
	struct press key = { .code = up ? PRESS_UP : PRESS_DOWN };

	for (int i = 0; i < (ui->palette.is_open || ui->dialog.kind != DIALOG_NONE ? 1 : WHEEL_LINES); i++)
		if (ui->palette.is_open || ui->dialog.kind != DIALOG_NONE)
			ui_press(ui, scene, &key, now_us);
		else
			ui_act(ui, scene, up ? ACTION_UP : ACTION_DOWN, NULL, now_us);
}

/* What lies on top was drawn last. */
static const struct hit *hit_at(const struct ui *ui, int row, int col)
{
	for (size_t i = ui->hit_count; i-- > 0;) {
		const struct area *area = &ui->hits[i].area;

		if (row >= area->row && row < area->row + area->rows && col >= area->col && col < area->col + area->cols)
			return &ui->hits[i];
	}
	return NULL;
}

static void click(struct ui *ui, const struct scene *scene, const struct hit *hit, int64_t now_us)
{
	bool over = ui->palette.is_open || ui->dialog.kind != DIALOG_NONE;

	if (hit->kind == HIT_OPTION && ui->palette.is_open) {
		if (hit->value < (int64_t)ui->palette.count)
			ui->palette.pick = (long)hit->value;
	} else if (hit->kind == HIT_OPTION && !front_is_early(&ui->dialog.front, now_us)) {
		if (hit->value < (int64_t)ui->dialog.option_count)
			ui->dialog.pick = (long)hit->value;
	} else if (hit->kind == HIT_STEP && !over) {
		char *number = mem_printf("%lld", (long long)hit->value + 1);

		look_at(ui, scene, number, now_us);
		mem_free(number);
	} else if (hit->kind == HIT_CALL && !over) {
		look_output(ui, hit->value);
	}
}

void mouse_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	const struct hit *hit;

	if (!ui->mouse)
		return;
	if (press->cp == BUTTON_UP || press->cp == BUTTON_DOWN) {
		wheel(ui, scene, press->cp == BUTTON_UP, now_us);
		return;
	}
	hit = press->cp == BUTTON_LEFT ? hit_at(ui, press->row, press->col) : NULL;
	if (hit)
		click(ui, scene, hit, now_us);
}
