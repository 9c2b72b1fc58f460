/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* MAP_ANONYMOUS */
#include "journal/store/store_bus.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The shared index of the journal's log (-shm) is mapped, and whoever looks behind the end of a file that was
 * cut gets SIGBUS. A reader then gets a page of zeros in that place, its own: SQLite finds nothing in it, or
 * makes the index anew from the log, and whatever it says is not believed, as the count tells
 * (store_settled). The file is opened again then, by all readers of this process at once, since they share
 * what is mapped.
 *
 * A writer cannot: what it would write into a page of its own nobody else would see. A session has a way to
 * go on (session/watch/bus.c); any other process that writes ends with words.
 */

static const char words[] = "bellbook: a file of the journal (its -shm, most likely) was cut from outside while this process wrote, and it ends here. What it had told is "
			    "stored; look with bellbook log whether the last of it is, and do it again if not.\n";

static struct {
	volatile sig_atomic_t count, writers;
	void (*farewell)(void);
	size_t page;
} bus;

static void end(int signo, bool ours)
{
	ssize_t n = 0;

	if (bus.farewell)
		bus.farewell();
	if (ours) {
		n = write(STDERR_FILENO, words, sizeof(words) - 1);
		(void)n;
		_exit(1);
	}
	signal(signo, SIG_DFL);
	raise(signo);
}

/* mmap is a system call alone here: safe in a handler on Linux. */
static void on_bus(int signo, siginfo_t *info, void *context)
{
	void *at = (void *)((uintptr_t)info->si_addr & ~((uintptr_t)bus.page - 1));

	(void)context;
	if (info->si_code != BUS_ADRERR) {
		end(signo, false);
		return;
	}
	if (bus.writers > 0 || mmap(at, bus.page, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		end(signo, true);
	bus.count = bus.count + 1;
}

void store_bus_arm(void)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO }, now;

	if (sigaction(SIGBUS, NULL, &now) < 0 || (now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_DFL)
		return;
	bus.page = (size_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

void store_bus_writers(int more)
{
	bus.writers = bus.writers + more;
}

unsigned store_bus_count(void)
{
	return (unsigned)bus.count;
}

void store_bus_farewell(void (*fn)(void))
{
	bus.farewell = fn;
	store_bus_arm();
}
