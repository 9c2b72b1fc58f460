/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files that a runbook was loaded from: their digest, and whether one is another now. A session runs what it loaded, whatever comes to the files meanwhile. */
#include "session/lua/lua_sources.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

void lua_sources_add(struct script *script, const char *path, const char *shown, const char *text, size_t len)
{
	struct buf *sources = &script->sources;

	buf_puts(sources, shown);
	buf_putc(sources, '\0');
	script->source = mem_more(script->source, script->source_count, sizeof(*script->source));
	script->source[script->source_count++] = (struct source){.path = mem_strdup(path), .shown = mem_strdup(shown), .from = sources->len, .len = len};
	buf_append(sources, text, len);
}

void lua_sources_digest(struct script *script)
{
	unsigned char digest[SHA256_LEN];
	struct buf hex = {0};

	sha256_of(script->sources.data, script->sources.len, digest);
	str_hex(&hex, digest, sizeof(digest));
	(void)str_copy(script->book.digest, sizeof(script->book.digest), buf_text(&hex));
	buf_done(&hex);
}

void lua_sources_done(struct script *script)
{
	for (size_t i = 0; i < script->source_count; i++) {
		mem_free(script->source[i].path);
		mem_free(script->source[i].shown);
	}
	mem_free(script->source);
	buf_done(&script->sources);
}

/* True when the file has these bytes and no more. */
static bool has(const char *path, const char *bytes, size_t len)
{
	struct err ignored = {0};
	int fd = file_open(path, O_RDONLY, 0, &ignored);
	char part[8192];
	size_t at = 0;
	ssize_t n = 0;
	bool same = fd >= 0;

	while (same && (n = read(fd, part, sizeof(part))) > 0) {
		same = (size_t)n <= len - at && memcmp(part, bytes + at, (size_t)n) == 0;
		at += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return same && n == 0 && at == len;
}

const char *script_changed(const struct script *script)
{
	for (size_t i = 0; i < script->source_count; i++)
		if (!has(script->source[i].path, script->sources.data + script->source[i].from, script->source[i].len))
			return script->source[i].shown;
	return NULL;
}
