/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as what a view sends to a running session, from the socket on: the lines, the JSON, what
 * people, questions and detours make of it. The session is a real one with a journal, all but its worker: that is a
 * double which starts nothing, so that no intent can run a command here. The first byte picks how the bytes are cut
 * (at line ends, or anywhere) and whether a hello comes before them; @ stands for the number of the newest question.
 * With FUZZ_SHOW set, what the session says is shown.
 */
#define _GNU_SOURCE	/* as session.c */
#include "session/walk/session.c" /* its engine, with the worker below */

#include <assert.h>
#include <ftw.h>
#include <sys/socket.h>

#include "journal/store/place.h"
#include "tests/lib/worker_double.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char folder[64], runbook[80], fleet[80], journal[80];

/* ---- the worker: every call fails once it has begun ---- */

static bool double_answers(struct worker *worker, struct double_call *call)
{
	worker->events->output(worker->arg, call->number, "out", "some text\n", 10);
	worker->events->ended(worker->arg, call->number, "failed", "there are no hosts here", false, NULL);
	return true;
}

static void double_forgets(const char *job)
{
	(void)job;
}

/* ---- the session ---- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert(file && fputs(text, file) >= 0);
	fclose(file);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *tmp = getenv("TMPDIR");

	(void)argc;
	(void)argv;
	snprintf(folder, sizeof(folder), "%.40s/intents.XXXXXX", tmp ? tmp : "/dev/shm");
	assert(mkdtemp(folder));
	atexit(remove_folder);
	snprintf(runbook, sizeof(runbook), "%s/t.lua", folder);
	snprintf(fleet, sizeof(fleet), "%s/fleet.lua", folder);
	snprintf(journal, sizeof(journal), "%s/j.db", folder);
	write_file(runbook,
		   "runbook { id = 't', bellbook = 1, title = 'T', params = { n = { type = 'integer', ask = 'How many?', min = 1 } },\n"
		   "  roles = { web = '1+' } }\n"
		   "change 'one' { title = 'One', why = 'w', run = function(s) ssh.run('app1', 'true') end, done = function(s) return false end, undo = function(s) end }\n"
		   "manual 'hand' { title = 'Hand', why = 'w', question = 'Done?', text = 'Do it' }\n"
		   "irreversible 'drop' { title = 'Drop', why = 'w', target = 'params.n', run = function(s) end, done = function(s) return false end }\n");
	write_file(fleet, "fleet { name = 'f', hosts = { app1 = {}, app2 = {} }, roles = { web = { 'app1', 'app2' } } }\n");
	setenv("BELLBOOK_BALLAST", "0", 1);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	setenv("BELLBOOK_LUA_SECONDS", "60", 1);
	return 0;
}

static void fresh_journal(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".ballast", NULL};
	char path[100];

	for (size_t i = 0; ends[i]; i++) {
		snprintf(path, sizeof(path), "%s%s", journal, ends[i]);
		unlink(path);
	}
}

static void turn(struct engine *engine, int rounds)
{
	struct err e = {0};

	for (int i = 0; i < rounds; i++)
		assert(loop_once(engine->loop, 0, &e) == 0);
}

/* What the session says: whole lines of JSON, whatever it was asked. *asked becomes the newest question. */
static void hear(int fd, struct buf *in, int64_t *asked)
{
	ssize_t n;
	char *end;

	while ((n = recv(fd, buf_room(in, 65536), 65536, MSG_DONTWAIT)) > 0)
		buf_added(in, (size_t)n);
	while (in->len && (end = memchr(in->data, '\n', in->len)) != NULL) {
		struct err e = {0};
		struct json *line = json_parse(in->data, (size_t)(end - in->data), &e);

		assert(line && json_type_of(line) == JSON_IS_OBJECT);
		if (getenv("FUZZ_SHOW"))
			fprintf(stderr, "%.*s\n", (int)(end - in->data), in->data);
		if (str_is(json_text(line, "kind", NULL), "asked"))
			*asked = json_int(line, "seq", 0);
		json_free(line);
		buf_consume(in, (size_t)(end - in->data) + 1);
	}
}

/* Bytes to send at once. */
static size_t piece(uint8_t how, const uint8_t *data, size_t size)
{
	size_t step = (size_t)(how >> 1) * 8 + 1;
	const uint8_t *end = how >> 1 ? NULL : memchr(data, '\n', size);

	if (how >> 1 == 0)
		step = end ? (size_t)(end - data) + 1 : size;
	return step < size ? step : size;
}

static void put(int fd, const uint8_t *data, size_t size, int64_t asked)
{
	struct buf out = {0};

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '@')
			buf_printf(&out, "%lld", (long long)asked);
		else
			buf_putc(&out, (char)data[i]);
	}
	(void)!send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_done(&out);
}

static void talk(struct engine *engine, const uint8_t *data, size_t size)
{
	static const char hello[] = "{\"do\":\"hello\",\"v\":1}\n";
	struct err e = {0};
	int64_t asked = 0;
	int fd = place_connect(journal, engine->session, &e);
	struct buf in = {0};

	assert(fd >= 0);
	if (!(data[0] & 1))
		(void)!send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
	turn(engine, 3);
	hear(fd, &in, &asked);
	for (size_t at = 1, n; at < size; at += n) {
		n = piece(data[0], data + at, size - at);
		put(fd, data + at, n, asked);
		turn(engine, 6);
		hear(fd, &in, &asked);
	}
	turn(engine, 6);
	hear(fd, &in, &asked);
	close(fd);
	turn(engine, 3);
	buf_done(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_options options = {.journal = journal, .runbook = runbook, .fleet = fleet};
	struct engine engine = {0};
	struct err e = {0};

	if (size == 0)
		return 0;
	fresh_journal();
	if (engine_open(&engine, &options, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	turn(&engine, 6);
	talk(&engine, data, size);
	engine_close(&engine);
	return 0;
}
