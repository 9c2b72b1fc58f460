/* dialogs_stop.h - the box that stops: a running command, or the session. It tells what runs now, also while it stands. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_DIALOGS_STOP_H
#define TUI_LIVE_DIALOGS_STOP_H

#include "tui/live/ui.h"

/* Opens it; menu: also pause and leave, for Ctrl-C. Looks that have only just begun are not listed: they end before anybody could answer. */
void dialogs_stop(struct ui *ui, const struct scene *scene, bool menu);

/* After the scene changed, or time has passed: marks what ended meanwhile, adds what runs by now behind the rest, so that no number changes; closes the question
 * why a command is to be stopped once it has ended. Does nothing to other boxes. */
void dialogs_stop_update(struct ui *ui, const struct scene *scene, int64_t now_us);

/* Enter on one of its options: asks why, or says that the command has ended. False when the option is none of its own. */
bool dialogs_stop_picked(struct ui *ui, const struct scene *scene, const struct dialog_option *option);

#endif
