/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What runs in a signal handler here calls write, tcsetattr, signal and raise only: all are async-signal-safe. */
#include "tui/term/tty.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "journal/store/store_bus.h"

static struct {
	int fd;
	struct termios saved, raw;
	char words[256];
	size_t words_len;
	volatile sig_atomic_t ready;	/* saved is filled */
	volatile sig_atomic_t changed;	/* raw is set now */
} tty = { .fd = -1 };

void tty_restore(void)
{
	if (!tty.ready || !tty.changed)
		return;
	tty.changed = 0;
	if (tty.words_len > 0 && write(tty.fd, tty.words, tty.words_len) < 0)
		tty.words_len = 0;	/* the terminal is gone */
	tcsetattr(tty.fd, TCSANOW, &tty.saved);
}

void tty_hangup(void)
{
	int flags = tty.ready ? fcntl(tty.fd, F_GETFL) : -1;

	if (flags < 0)
		return;
	/* Not our terminal any more, perhaps: a write must neither stop us (TOSTOP) nor wait for a line that is dead. */
	signal(SIGTTOU, SIG_IGN);
	(void)fcntl(tty.fd, F_SETFL, flags | O_NONBLOCK);
	(void)tcflush(tty.fd, TCOFLUSH);
	tty_restore();
}

static void crashed(int signo)
{
	tty_restore();
	signal(signo, SIG_DFL);
	raise(signo);
}

static void catch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGABRT, SIGFPE, SIGILL };
	struct sigaction action = { .sa_handler = crashed };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	store_bus_farewell(tty_restore);	/* SIGBUS is the journal's, and mostly no end */
}

int tty_save(int fd, struct err *e)
{
	if (tcgetattr(fd, &tty.saved) != 0)
		return err_errno(e, "the terminal");
	if (!tty.ready) {
		catch_crashes();
		atexit(tty_restore);
	}
	tty.fd = fd;
	tty.ready = 1;
	return 0;
}

void tty_raw(bool keep_signals)
{
	if (!tty.ready)
		return;
	tty.raw = tty.saved;
	tty.raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
	if (!keep_signals)
		tty.raw.c_lflag &= ~(tcflag_t)ISIG;
	tty.raw.c_iflag &= ~(tcflag_t)(IXON | INLCR | IGNCR | ISTRIP);
	tty.raw.c_cc[VMIN] = 1;
	tty.raw.c_cc[VTIME] = 0;
	tty.changed = 1;
	tcsetattr(tty.fd, TCSADRAIN, &tty.raw);
}

void tty_adopt(void)
{
	if (tty.ready && tcgetattr(tty.fd, &tty.raw) == 0)
		tty.changed = 1;
}

void tty_release(void)
{
	tty.changed = 0;
}

void tty_last_words(const char *bytes, size_t len)
{
	if (len > sizeof(tty.words))
		len = 0;
	if (len > 0)
		memcpy(tty.words, bytes, len);
	tty.words_len = len;
}

void tty_suspend(void)
{
	bool was_raw = tty.changed;

	tty_restore();
	raise(SIGSTOP);
	if (!was_raw)
		return;
	/* The shell may have changed the modes meanwhile; what is saved is what it had when we began. */
	tty.changed = 1;
	tcsetattr(tty.fd, TCSADRAIN, &tty.raw);
}
