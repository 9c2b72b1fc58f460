/* plain_people.h - private to tui/plain/plain*.c: the plain view's part about the others. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PLAIN_PLAIN_PEOPLE_H
#define TUI_PLAIN_PLAIN_PEOPLE_H

#include "tui/plain/plain_int.h"

/* Commands about people. */
void plain_take(struct plain *plain, const char *text);
void plain_give(struct plain *plain, const char *text);
void plain_disagree(struct plain *plain, const char *text);
void plain_withdraw(struct plain *plain, const char *text);
void plain_invite(struct plain *plain, const char *text);
void plain_dismiss(struct plain *plain, const char *text);

/* Tells of agreement, the wheel and guests. */
void plain_tell_people(struct plain *plain, const struct event *ev);

#endif
