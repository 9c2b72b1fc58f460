/* keyfile.h - the person's own keys: finds and reads the keys file; a fault in it never keeps a view from starting. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_KEYFILE_H
#define TUI_TERM_KEYFILE_H

#include "base/err.h"

/* $XDG_CONFIG_HOME/bellbook/keys, else ~/.config/bellbook/keys. Caller owns; NULL when there is no home. */
char *keyfile_path(void);

/* Binds what the file says. 0, also when there is none; -1 with the first fault in words: all other lines hold. Blocks on the disk. */
int keyfile_load(struct err *e);

#endif
