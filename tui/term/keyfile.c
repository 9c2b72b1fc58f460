/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/term/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "tui/term/keytable.h"

#define KEYFILE_MAX ((size_t)64 << 10)

char *keyfile_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config == '/')
		return mem_printf("%s/bellbook/keys", config);
	return home && *home == '/' ? mem_printf("%s/.config/bellbook/keys", home) : NULL;
}

static int read_all(const char *path, struct buf *text, struct err *e)
{
	int fd = access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR) ? -1 : file_open(path, O_RDONLY, 0, e);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	size_t n;

	if (!file)
		return e->kind == ERR_NONE ? 0 : -1;
	n = fread(buf_room(text, KEYFILE_MAX + 1), 1, KEYFILE_MAX + 1, file);
	buf_added(text, n);
	if (ferror(file)) {
		fclose(file);
		return err_set(e, ERR_IO, "%s cannot be read", path);
	}
	fclose(file);
	return n > KEYFILE_MAX ? err_set(e, ERR_USAGE, "%s is no keys file: it is too long", path) : 0;
}

int keyfile_load(struct err *e)
{
	char *path = keyfile_path();
	struct buf text = { 0 };
	int code = 0, bad;

	if (!path)
		return 0;
	keytable_reset();
	code = read_all(path, &text, e);
	if (code == 0) {
		bad = keytable_read(buf_text(&text), path, e);
		code = bad > 0 ? -1 : 0;
		if (bad > 1)
			err_wrap(e, "%d lines do not count; the first is", bad);
	}
	buf_done(&text);
	mem_free(path);
	return code;
}
