/* store_bus.h - a file that SQLite has mapped was cut from outside: whoever reads goes on, whoever writes ends with words. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_BUS_H
#define JOURNAL_STORE_STORE_BUS_H

/* From now on SIGBUS comes here, when nobody else takes it already. */
void store_bus_arm(void);

/* One more connection of this process writes, or (-1) one less. */
void store_bus_writers(int more);

/* How often a look went behind the end of a mapped file. What was read meanwhile is worth nothing. */
unsigned store_bus_count(void);

/* Arms it, and fn is called before the process ends by SIGBUS: it gives the terminal back, async-signal-safe. */
void store_bus_farewell(void (*fn)(void));

#endif
