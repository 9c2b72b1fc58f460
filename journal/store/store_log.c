/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_log.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "journal/store/store_mend.h"

/*
 * SQLite keeps -wal and -shm open and does not look at their names again. When somebody removes them
 * (they look like debris beside the journal), it writes on into a file that nobody will ever find, and
 * the next process begins a log of its own: one of the two is lost. So a writer looks at both names
 * before each transaction. As it still has the removed log open, nothing is lost yet: it moves all of
 * it into the journal, opens anew and compares with what it told (store_mend.c).
 *
 * Several processes may have the removed log open. The first one moves all of it, which empties it;
 * the others see that theirs is empty and only open anew. A log that stands in the place of one that
 * is not empty came from elsewhere: whoever put it there has to take it away first.
 *
 * They may also be cut (truncate, or a shell's > with a wrong name). The journal only grows, so its size is
 * remembered (store_still_there). The log is emptied by each process that moved all of it into the
 * journal; how much of it must be there is what its shared index says. What was cut off is in no other
 * place: nothing is stored until it is back, and then all that was told is compared. A -shm that is
 * shorter than what is mapped would end the process at its next look into it (SIGBUS); all of it can be
 * made anew from the log, so what is left is removed.
 */

#define INDEX_REGION (32 << 10)		/* bytes of -shm that SQLite maps at a time */
#define INDEX_PAGE_SIZE 14		/* where the index's header has two bytes: the size of a page, 1 = 65,536 … */
#define INDEX_FRAMES 16			/* … and four: how many of them are in the log … */
#define INDEX_MOVED 96			/* … and how many of those are in the journal, too (sqlite.org/walformat.html) */
#define INDEX_FIRST 4062			/* frames that the first region tells of; each other one 4,096 */
#define INDEX_HASH (16 << 10)		/* where a region's hash table is: two bytes for each frame, the others are 0 */
#define LOG_HEADER 32
#define FRAME_HEADER 24

static char *name_of(const struct store *store, const char *suffix)
{
	return mem_printf("%s%s", store->path, suffix);
}

/* 0, or -1 when there is none. */
static int stat_of(const struct store *store, const char *suffix, struct stat *st)
{
	char *name = name_of(store, suffix);
	int rc = lstat(name, st);

	mem_free(name);
	return rc;
}

int store_log_remember(struct store *store, struct err *e)
{
	char *name = name_of(store, "-wal");
	struct stat st;

	store_log_forget(store);
	store->log_fd = file_open(name, O_RDONLY | O_NOFOLLOW, 0, e);
	mem_free(name);
	if (store->log_fd < 0)
		return -1;
	/* Never opened here: a descriptor of -shm, once closed, would drop SQLite's locks on it. */
	if (stat_of(store, "-shm", &st) < 0)
		return err_errno(e, "%s-shm", store->path);
	store->shm_inode = st.st_ino;
	store->shm_device = st.st_dev;
	store->shm_size = st.st_size;
	return store_still_there(store, e);
}

void store_log_forget(struct store *store)
{
	if (store->log_fd >= 0)
		close(store->log_fd);
	store->log_fd = -1;
}

static bool log_is_named(const struct store *store)
{
	struct stat open_st, named;

	return fstat(store->log_fd, &open_st) == 0 && stat_of(store, "-wal", &named) == 0 && open_st.st_ino == named.st_ino && open_st.st_dev == named.st_dev;
}

/* False also when it is shorter than what is mapped of it. */
static bool shm_is_whole(const struct store *store)
{
	struct stat named;

	return stat_of(store, "-shm", &named) == 0 && named.st_ino == store->shm_inode && named.st_dev == store->shm_device && named.st_size >= store->shm_size;
}

/* A part of it is of no use to anybody who comes; nobody knows the whole by its name then, and all make it anew. */
static void drop_cut_shm(const struct store *store)
{
	char *name = name_of(store, "-shm");
	struct stat named;

	if (lstat(name, &named) == 0 && named.st_ino == store->shm_inode && named.st_dev == store->shm_device)
		(void)unlink(name);
	mem_free(name);
}

static bool is_cut_index(const char *name, off_t *size)
{
	struct stat st;

	*size = lstat(name, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
	return *size > 3 && *size % INDEX_REGION != 0;	/* SQLite itself makes it 3 bytes long at first … */
}

/* SQLite would make it as long as it must be, and believe its header: then the index says nothing of pages that the log has. */
static int remove_cut_index(const struct store *store, struct err *e)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	char *name = name_of(store, "-shm");
	off_t size, again;
	int rc = 0;

	if (is_cut_index(name, &size)) {
		nanosleep(&nap, NULL);	/* … and longer page by page */
		if (is_cut_index(name, &again) && again == size && unlink(name) < 0 && errno != ENOENT)
			rc = err_errno(e, "%s was cut short from outside, and cannot be removed", name);
	}
	mem_free(name);
	return rc;
}

/* A reader takes the lock for a moment: a writer may be making the file just now, and be slow. */
static int lock_reader(struct store *store, struct err *e)
{
	return store->mode == STORE_READ ? store_lock(store, e) : 0;
}

static void unlock_reader(struct store *store)
{
	if (store->mode != STORE_READ || store->lock_fd < 0)
		return;
	close(store->lock_fd);	/* with it, it would be taken for a writer */
	store->lock_fd = -1;
}

int store_log_clear_index(struct store *store, struct err *e)
{
	char *name = name_of(store, "-shm");
	off_t size;
	int rc = 0;

	if (is_cut_index(name, &size)) {
		rc = lock_reader(store, e) < 0 ? -1 : remove_cut_index(store, e);
		unlock_reader(store);
	}
	mem_free(name);
	return rc;
}

int store_log_drop_index(struct store *store, struct err *e)
{
	char *name = name_of(store, "-shm");
	struct stat named;
	int rc = lock_reader(store, e);

	/* another one stands there already when it is not the one that is mapped */
	if (rc == 0 && lstat(name, &named) == 0 && named.st_ino == store->stamp.shm_inode && store_log_index_lacks(store) && unlink(name) < 0)
		rc = err_errno(e, "%s was cut short from outside, and cannot be removed", name);
	unlock_reader(store);
	mem_free(name);
	return rc;
}

static void remember_shm_size(struct store *store)
{
	struct stat named;

	if (stat_of(store, "-shm", &named) == 0 && named.st_size > store->shm_size)
		store->shm_size = named.st_size;
}

static sqlite3_file *file_of(const struct store *store)
{
	sqlite3_file *file = NULL, *log = NULL;

	/* A connection without an open log would never let go of the index that it was made to map. */
	if (!store->db || sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || !log || !log->pMethods)
		return NULL;
	if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file->pMethods || file->pMethods->iVersion < 2)
		return NULL;
	return file;
}

static volatile void *region_of(sqlite3_file *file, int number)
{
	volatile void *region = NULL;

	return file->pMethods->xShmMap(file, number, INDEX_REGION, 0, &region) == SQLITE_OK ? region : NULL;
}

static volatile void *region_at(volatile void *region, size_t offset)
{
	return (volatile char *)region + offset;
}

/* What the index says: bytes that the log must have (0 = nothing is known), and whether all of it is in the journal, too. */
static off_t log_due(const struct store *store, bool *moved)
{
	sqlite3_file *file = file_of(store);
	volatile void *region;
	uint32_t page, frames;

	*moved = false;
	if (!file || !shm_is_whole(store) || !(region = region_of(file, 0)))
		return 0;
	page = *(volatile uint16_t *)region_at(region, INDEX_PAGE_SIZE);
	frames = *(volatile uint32_t *)region_at(region, INDEX_FRAMES);
	*moved = *(volatile uint32_t *)region_at(region, INDEX_MOVED) == frames;
	return frames ? LOG_HEADER + (off_t)frames * (FRAME_HEADER + (page == 1 ? 65536 : page)) : 0;
}

/* How many frames the region of the index tells of. */
static uint32_t frames_in(volatile void *region)
{
	volatile uint16_t *slot = region_at(region, INDEX_HASH);
	uint32_t n = 0;

	for (size_t i = 0; i < (INDEX_REGION - INDEX_HASH) / sizeof(*slot); i++)
		n += slot[i] != 0;
	return n;
}

/*
 * An index that was cut and made longer again, by SQLite itself in another process, has its header still, and zeros
 * where frames should be: those are not found then. True for a moment also while it is being made anew.
 */
static bool index_lacks(const struct store *store)
{
	sqlite3_file *file = file_of(store);
	volatile void *region = file ? region_of(file, 0) : NULL;
	uint32_t left = region ? *(volatile uint32_t *)region_at(region, INDEX_FRAMES) : 0, has = INDEX_FIRST;

	for (int number = 1; region && left > 0; number++, has = 4096) {
		if (frames_in(region) < (left < has ? left : has))
			return true;
		left -= left < has ? left : has;
		region = left ? region_of(file, number) : NULL;
	}
	return false;
}

#define LACK_LOOKS 4

bool store_log_index_lacks(const struct store *store)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	int looks = 0;

	while (index_lacks(store) && ++looks < LACK_LOOKS)
		nanosleep(&nap, NULL);
	return looks == LACK_LOOKS;
}

/* True when the log that is open here lacks bytes; how many there are, and should be. */
static bool log_is_cut(const struct store *store, off_t *size, off_t *due, bool *moved)
{
	struct stat st;

	*due = log_due(store, moved);
	*size = fstat(store->log_fd, &st) == 0 ? st.st_size : *due;
	return *size < *due;
}

bool store_log_is_well(const struct store *store)
{
	off_t size, due;
	bool moved;

	return store->log_fd < 0 || (log_is_named(store) && shm_is_whole(store) && !index_lacks(store) && !log_is_cut(store, &size, &due, &moved));
}

static int say_gone(struct store *store, const char *which, struct err *e)
{
	store->broken = store->log_gone = true;
	return err_set(e, ERR_NOTFOUND, "%s%s was removed, replaced or cut while in use: what it held is moved into the journal before anything else is stored", store->path, which);
}

int store_log_cut_index(struct store *store, struct err *e)
{
	drop_cut_shm(store);
	return say_gone(store, "-shm", e);
}

int store_log_check(struct store *store, struct err *e)
{
	off_t size, due;
	bool moved;

	if (store->log_fd < 0)
		return 0;
	if (!log_is_named(store))
		return say_gone(store, "-wal", e);
	if (!shm_is_whole(store) || store_log_index_lacks(store))
		return store_log_cut_index(store, e);
	remember_shm_size(store);
	if (!log_is_cut(store, &size, &due, &moved))
		return 0;
	if (moved)
		return say_gone(store, "-wal", e);
	store->broken = store->cut = true;
	return err_set(e, ERR_NOTFOUND, "%s-wal was cut short while in use: %lld of its %lld bytes are there. Put all of them back into it (from a copy), and it goes on; if they are lost, "
		"end process %d (kill) and go on in another journal; bellbook verify says what this one still holds", store->path, (long long)size, (long long)due, (int)store->pid);
}

int store_log_look(struct store *store, struct err *e)
{
	int rc;

	if (store_log_is_well(store))
		return 0;
	/* Without the lock another process might have been emptying it just now. */
	if (store_lock(store, e) < 0)
		return -1;
	rc = store_log_check(store, e);
	store_unlock(store);
	return rc;
}

/* 1 when there is something to move and the way is free, 0 when there is nothing, -1. */
static int to_move(const struct store *store, struct err *e)
{
	struct stat held, named;
	off_t size, due;
	bool moved;

	if (store->log_fd < 0 || !store->db || log_is_named(store))
		return 0;
	if (fstat(store->log_fd, &held) < 0)
		return err_errno(e, "%s-wal", store->path);
	/* one that was cut is not to be moved: what was put in its place is compared with what was told */
	if (held.st_size == 0 || log_is_cut(store, &size, &due, &moved))
		return 0;
	if (stat_of(store, "-wal", &named) == 0 && named.st_size > 0)
		return err_set(e, ERR_NOTFOUND, "another file was put in the place of %s-wal while in use. Move it away: what the first one held is then moved into the journal, "
			"and bellbook goes on. Do not end process %d before: it alone has it", store->path, (int)store->pid);
	return 1;
}

int store_log_save(struct store *store, struct err *e)
{
	bool all = true;
	int rc;

	if (store_lock(store, e) < 0)
		return -1;
	rc = to_move(store, e);
	if (rc > 0)
		rc = store_checkpoint_locked(store, true, &all, e);
	store_unlock(store);
	if (rc == 0 && !all)
		return err_set(e, ERR_IO, "%s: a reader keeps its removed log from being moved into it", store->path);
	return rc < 0 ? -1 : 0;
}
