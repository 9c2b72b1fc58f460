/* secret.h - values that must never be stored, told or logged, and the net that catches them when they turn up in text. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MIN 6	/* shorter values are refused: masking them would mask half of every text */

/* A named secret value; locked in memory where possible, left out of core dumps, wiped when freed. */
struct secret;

/* Copies value (caller wipes its own). ERR_USAGE when shorter than SECRET_MIN or longer than 64 KiB. Caller owns. */
struct secret *secret_new(const char *name, const char *value, size_t len, struct err *e);

/* As secret_new, but also 1 byte will do: a shorter value than SECRET_MIN can be used, and no redactor finds it. */
struct secret *secret_new_any(const char *name, const char *value, size_t len, struct err *e);

/* Wipes and frees; NULL is fine. */
void secret_free(struct secret *secret);

/* Borrowed name. */
const char *secret_name(const struct secret *secret);

/* Borrowed bytes; only transports call this. */
const char *secret_reveal(const struct secret *secret, size_t *len);

/* Takes a variable out of this process's environment and wipes its value there, for /proc has it, too. Nobody may hold a pointer to it; no other thread may run. */
void secret_forget_env(const char *variable);

/* Process-wide protection: no core dumps with secrets in them (PR_SET_DUMPABLE 0, RLIMIT_CORE 0). Call once at start of a process that will hold secrets. */
void secret_protect_process(void);

/* Redactor: replaces registered secrets by [secret NAME] in byte streams, also when a secret is split over chunks. Found are the plain value and each line of
 * several, as URLs, JSON, HTML, shells and programming languages escape them, also one of these in another; base64 in all three alignments, wrapped, and of
 * base64; and, up to 4096 bytes, dumps. docs/runbooks.md says what is not. */
struct redactor;
struct redact_stream;

/* Empty redactor. Caller owns. */
struct redactor *redactor_new(void);

/* Frees and wipes. NULL is fine. All its streams must be freed before. */
void redactor_free(struct redactor *redactor);

/* Registers a secret in all its forms (copied), unless it is shorter than SECRET_MIN. The same name may have several values. */
void redactor_add(struct redactor *redactor, const struct secret *secret);

/* Longest registered form minus 1: how many bytes a stream may hold back. 0 when nothing is registered. */
size_t redactor_hold(const struct redactor *redactor);

/* Whole text at once: appends the redacted text to out; returns the number of replacements. */
size_t redactor_text(const struct redactor *redactor, struct buf *out, const char *text, size_t len);

/* A stream of chunks (one per output stream of a call). Keeps working when secrets are added later. Caller owns; free before the redactor. */
struct redact_stream *redact_stream_new(const struct redactor *redactor);
void redact_stream_free(struct redact_stream *stream);

/* Feeds len bytes; appends to out what is surely no part of a secret; holds back only a suffix that is a proper prefix of a registered form. Returns replacements. */
size_t redact_stream_feed(struct redact_stream *stream, struct buf *out, const char *bytes, size_t len);

/* How many bytes fed so far are held back now. */
size_t redact_stream_held(const struct redact_stream *stream);

/* The stream ended: appends what was held back. */
size_t redact_stream_end(struct redact_stream *stream, struct buf *out);

#endif
