/* dialogs.h - the boxes over the live view: questions, lists, fields, texts. What changes something is picked or typed there. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_DIALOGS_H
#define TUI_LIVE_DIALOGS_H

#include "tui/live/ui.h"

/* Opens dialogs, closes the one that is open. */
void dialogs_close(struct ui *ui);
void dialogs_question(struct ui *ui, const struct scene *scene, const struct question *question, int64_t guard_us);
void dialogs_sure(struct ui *ui, enum dialog_use use, const char *title, const char *text, const char *label);
void dialogs_field(struct ui *ui, enum dialog_use use, const char *title, const char *text);
/* An empty list; an option more of it. */
void dialogs_list(struct ui *ui, const char *title, const char *text);
void dialogs_option(struct ui *ui, struct dialog_option option, const char *label, const char *help);
/* Text to be read. */
void dialogs_text(struct ui *ui, const char *title, const char *text);
/* What came of a session that is over; a key opens its way back, where it has one and the person may. */
void dialogs_ending(struct ui *ui, const struct scene *scene, int64_t session);
/* {"do":name} with a member when text is not empty, queued. */
void dialogs_send(struct ui *ui, const char *name, const char *key, const char *text);
/* The steps that were left out, to go back to one of them: number alone, 0 = any. */
void dialogs_enter(struct ui *ui, const struct scene *scene, long number, int64_t now_us);
void dialogs_record(struct ui *ui, const struct scene *scene);
void dialogs_hosts(struct ui *ui, const struct scene *scene, int64_t now_us);

/* Why the last Enter came to nothing, in the box. */
void dialogs_error(struct ui *ui, const char *text);

/* A key that means nothing here is said; over a question what is typed on with it is for nobody. */
void dialogs_stray(struct ui *ui, const struct press *press, int64_t now_us);

/* A key while a dialog is open; false when the dialog has no use for it and the table may have it. */
bool dialogs_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us);

#endif
