/* ssh_folder.h - a folder of ours for sockets, 0700, its name short; what is left of old ones. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_FOLDER_H
#define ACTIONS_SSH_SSH_FOLDER_H

#include "base/err.h"

/* Makes a folder, and sweeps those that killed workers left. purpose: "ssh" or "via", a part of its
 * name. Its path, at most 75 bytes, caller owns; NULL with e. Touches the disk only. From any
 * thread. */
char *ssh_folder_make(const char *purpose, struct err *e);

/* Removes a folder with all that is in it: sockets. Does not free the path. NULL is fine. */
void ssh_folder_remove(const char *path);

#endif
