/* dialogs_people.h - dialogs about the others: agreement with its buttons, questions of others, invitations; and what is told of our keys. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_DIALOGS_PEOPLE_H
#define TUI_LIVE_DIALOGS_PEOPLE_H

#include "tui/live/ui.h"

/* Words of the i-th button of an agreement's dialog, NULL behind the last. Static. */
const char *dialogs_button(size_t i);

/* Shows a question that is another's: to be read, not answered. */
void dialogs_watch(struct ui *ui, const struct scene *scene, const struct question *question);

/* Opens the dialogs of withdraw, invite, dismiss, take; false for other actions. arg: what was typed in the palette, or NULL. */
bool dialogs_people(struct ui *ui, const struct scene *scene, enum action action, const char *arg, int64_t now_us);

/* Tab and what follows from it in an agreement's dialog; false: the dialog has the key. */
bool dialogs_people_press(struct ui *ui, const struct scene *scene, const struct press *press);

/* Enter in a field of these dialogs; false: it is another's. */
bool dialogs_people_enter(struct ui *ui, int64_t now_us);

/* {"do":"here"} when the others should hear of a key or of typing, NULL when not. Caller owns. */
struct json *dialogs_people_here(struct ui *ui, const struct scene *scene, int64_t now_us);

#endif
