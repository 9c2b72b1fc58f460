/* wire.h - frames on a stream socket: a type, a call number and bytes. Bad input is ERR_CORRUPT, never a crash. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

#include <stddef.h>
#include <stdint.h>

#define WIRE_HEADER 16			/* u32 length of the bytes, u32 type, u64 id; little endian */
#define WIRE_MAX LIMIT_FRAME		/* longest bytes of one frame */

struct frame {
	uint32_t type;
	uint64_t id;
	const char *bytes;	/* borrowed until the next wire_* call on the same buffer */
	size_t len;
};

/* Appends one frame to out. len > WIRE_MAX is our own bug (assert). */
void wire_put(struct buf *out, uint32_t type, uint64_t id, const void *bytes, size_t len);

/* Looks for a whole frame at *offset of in: 1 and *frame with *offset moved behind it, 0 when more bytes are needed, -1 ERR_CORRUPT. */
int wire_get(const struct buf *in, size_t *offset, struct frame *frame, struct err *e);

/* Non-blocking read of what is there (at most about 1 MiB) into in: > 0 bytes read, 0 nothing now, -1 with ERR_IO; *eof is set when the far side closed. */
long wire_read(int fd, struct buf *in, int *eof, struct err *e);

/* Non-blocking write of what goes from the front of out (consumed): 0 ok (out may keep a rest), -1 ERR_IO (EPIPE included; SIGPIPE is never raised). */
int wire_flush(int fd, struct buf *out, struct err *e);

/* Blocking: writes all of out. 0 or -1. */
int wire_flush_all(int fd, struct buf *out, struct err *e);

#endif
