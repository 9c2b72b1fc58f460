/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/keep.h"

#include "base/mem.h"
#include "journal/store/place.h"

/*
 * A file says that a process carries a session, and files are removed: by a cleaner, by a person who
 * takes them for debris, by a restore. Then nobody finds the session, and the next resume could take
 * it for left alone. So the process looks, before it stores anything and by a timer, whether the
 * files are those that it made. What is gone is made anew. What another process holds is lost for
 * good: that process carries the session now. The journal has the last word of it: store_carry.c.
 */

struct keep {
	char *journal;		/* owned */
	int64_t session;
	struct lease *lease;	/* owned */
	struct place_socket socket;
	bool listens;
};

struct keep *keep_take(const char *journal, int64_t session, struct err *e)
{
	struct lease *lease = lease_take(journal, session, NULL, e);
	struct keep *keep;

	if (!lease)
		return NULL;
	keep = mem_alloc(sizeof(*keep));
	*keep = (struct keep){ .journal = mem_strdup(journal), .session = session, .lease = lease };
	return keep;
}

int keep_listen(struct keep *keep, struct err *e)
{
	int fd = place_listen(keep->journal, keep->session, e);

	keep->socket = (struct place_socket){ 0 };
	keep->listens = fd >= 0 && place_listening(keep->journal, keep->session, &keep->socket) == 0;
	return fd;
}

static int cannot(const struct keep *keep, struct err *e)
{
	err_wrap(e, "what shows that session %lld runs cannot be kept", (long long)keep->session);
	e->kind = ERR_DENIED;
	return -1;
}

int keep_look(struct keep *keep, struct keep_news *news, struct err *e)
{
	int anew = lease_keep(keep->lease, e), socket;

	*news = (struct keep_news){ .anew = anew > 0, .fd = -1 };
	if (anew < 0)
		return lease_is_taken(keep->lease) ? -1 : cannot(keep, e);
	if (!keep->listens)
		return 0;
	socket = keep->socket.inode ? place_listening(keep->journal, keep->session, &keep->socket) : -1;
	news->anew = anew || socket;
	if (socket >= 0)
		return 0;
	news->fd = keep_listen(keep, e);
	keep->listens = true;	/* what failed is tried again */
	return news->fd < 0 ? cannot(keep, e) : 0;
}

bool keep_is_named(const struct keep *keep)
{
	return lease_is_named(keep->lease);
}

bool keep_is_taken(const struct keep *keep)
{
	return lease_is_taken(keep->lease);
}

void keep_drop(struct keep *keep)
{
	if (!keep)
		return;
	if (keep->socket.inode && place_listening(keep->journal, keep->session, &keep->socket) >= 0)
		place_unlisten(keep->journal, keep->session);
	lease_drop(keep->lease);
	mem_free(keep->journal);
	mem_free(keep);
}
