/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/kept.h"

#include <string.h>

#include "base/mem.h"
#include "tui/live/dialogs.h"
#include "tui/live/ui.h"

static void copy_answer(struct answer *to, const struct answer *from)
{
	*to = (struct answer){ .seq = from->seq };
	if (from->value)
		to->value = json_copy_of(from->value);
	mem_set(&to->why, from->why);
	mem_set(&to->owner, from->owner);
	mem_set(&to->due, from->due);
}

void kept_drop(struct ui *ui)
{
	struct kept *kept = &ui->kept;

	answer_done(&kept->answer);
	mem_free(kept->title);
	mem_free(kept->text);
	mem_free(kept->line);
	*kept = (struct kept){ 0 };
}

void kept_take(struct ui *ui)
{
	const struct dialog *dialog = &ui->dialog;
	struct kept *kept = &ui->kept;

	kept_drop(ui);
	if (dialog->hidden || dialog->use == USE_FIND)
		return;
	kept->is = true;
	kept->use = (int)dialog->use;
	kept->seq = ui->matter.seq;
	kept->call = ui->matter.call;
	kept->buttons = ui->matter.buttons;
	copy_answer(&kept->answer, &ui->matter.answer);
	kept->title = mem_strdup(dialog->title);
	kept->text = mem_strdup(dialog->text);
	kept->line = mem_strdup(ui->dialog.edit.len ? ui->dialog.edit.text : "");
}

bool kept_back(struct ui *ui, const char *why)
{
	struct kept *kept = &ui->kept;
	struct dialog *dialog = &ui->dialog;

	if (!kept->is || dialog->kind != DIALOG_NONE || ui->palette.is_open)
		return false;
	dialogs_field(ui, (enum dialog_use)kept->use, kept->title, kept->text);
	ui->matter.seq = kept->seq;
	ui->matter.call = kept->call;
	ui->matter.buttons = kept->buttons;
	copy_answer(&ui->matter.answer, &kept->answer);
	edit_paste(&ui->dialog.edit, kept->line, strlen(kept->line));
	dialogs_error(ui, why);
	kept_drop(ui);
	return true;
}
