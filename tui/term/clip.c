/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/term/clip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define SCREEN_PIECE ((size_t)600)	/* GNU screen gives up on longer strings */

bool clip_terminal_can(const char *term)
{
	static const char *const starts[] = { "xterm", "tmux", "screen", "rxvt", "alacritty", "foot", "kitty", "wezterm",
		"st-", "contour", "iterm", "mintty", "vte", "gnome", "konsole", "ghostty" };

	for (size_t i = 0; term && i < sizeof(starts) / sizeof(starts[0]); i++)
		if (str_starts(term, starts[i]))
			return true;
	return false;
}

void clip_sequence(struct buf *out, const char *text, size_t len, bool screen)
{
	struct buf whole = { 0 };

	buf_puts(&whole, "\033]52;c;");
	str_base64(&whole, text, len);
	buf_puts(&whole, "\007");
	for (size_t at = 0; screen && at < whole.len; at += SCREEN_PIECE) {
		size_t piece = whole.len - at < SCREEN_PIECE ? whole.len - at : SCREEN_PIECE;

		buf_puts(out, "\033P");
		buf_append(out, whole.data + at, piece);
		buf_puts(out, "\033\\");
	}
	if (!screen)
		buf_append(out, whole.data, whole.len);
	buf_done(&whole);
}

/* Makes the directory and those above it, 0700. */
static int make_directory(const char *path, struct err *e)
{
	char *part = mem_strdup(path);

	for (char *at = part + 1; ; at++) {
		char kept = *at;

		if (kept != '/' && kept != '\0')
			continue;
		*at = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST) {
			err_errno(e, "%s", part);
			mem_free(part);
			return -1;
		}
		*at = kept;
		if (!kept)
			break;
	}
	mem_free(part);
	return 0;
}

static char *directory(struct err *e)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && *state == '/')
		return mem_printf("%s/bellbook/copies", state);
	if (home && *home == '/')
		return mem_printf("%s/.local/state/bellbook/copies", home);
	err_set(e, ERR_USAGE, "there is no home directory to keep a copy in");
	return NULL;
}

static int write_all(const char *path, const char *text, struct err *e)
{
	/* A new file under a new name, then renamed: never through somebody else's link, never half of it. */
	char *fresh = mem_printf("%s.%ld", path, (long)getpid());
	int fd = file_open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, e);
	size_t len = strlen(text);
	int code = -1;

	if (fd < 0) {
		mem_free(fresh);
		return -1;
	}
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		text += n;
		len -= (size_t)n;
	}
	if (close(fd) != 0 || len > 0 || rename(fresh, path) != 0) {
		err_errno(e, "%s", path);
		unlink(fresh);
	} else {
		code = 0;
	}
	mem_free(fresh);
	return code;
}

int clip_save(const char *text, int64_t session, const char *name, char **path, struct err *e)
{
	char *dir = directory(e);
	int code;

	*path = NULL;
	if (!dir)
		return -1;
	*path = mem_printf("%s/session-%lld-%s.txt", dir, (long long)session, name);
	code = make_directory(dir, e) == 0 ? write_all(*path, text, e) : -1;
	mem_free(dir);
	if (code != 0) {
		mem_free(*path);
		*path = NULL;
	}
	return code;
}
