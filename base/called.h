/* called.h - how this program is begun by whoever reads its words: "bellbook", or what BELLBOOK_CALLED says. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_CALLED_H
#define BASE_CALLED_H

#include "base/buf.h"

/* Appends it, cleaned, for commands that are to be typed as they are shown. */
void called(struct buf *out);

#endif
