/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A site asked from outside, again and again, while a session works on it.
 * Each ask has its beat and keeps it: an answer that takes a while does not hold
 * up the next request, because members do not wait for each other either. Only a
 * site that is slow is asked less often, or our requests would pile up before the
 * few threads that it has. What is found is told in counts, each for a stretch of time in which the site was
 * in one state; a request is in one of them alone, so that nothing is counted
 * twice whatever becomes of this process.
 */
#include <curl/curl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "actions/worker/builtin.h"
#include "actions/do/exact.h"
#include "actions/do/outside_ask.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define IN_FLIGHT 64			/* requests that wait at one time */
#define LIMIT_US (30 * TIME_SECOND)	/* for one answer */
#define TOLD_US (60 * TIME_SECOND)	/* while nothing changes */
#define TOLD_BAD_US (10 * TIME_SECOND)
#define TURNS_MAX 200			/* changes told at once; a site that flickers on is told of each TOLD_BAD_US */
#define SLOW_TOLD 20
#define BODY_MAX 2048			/* of an answer, for who looked */
#define WORDS 200
#define CAUSES 6				/* told apart in one stretch; more are counted together */

enum state { STATE_NONE, STATE_ANSWERS, STATE_WAITS, STATE_REFUSES, STATE_UNSEEN };

struct request {
	CURL *curl;
	struct outside_ask *ask;
	int64_t wall_us, mono_us;
	char words[CURL_ERROR_SIZE];
	struct buf body;	/* of a look alone */
	struct request *next;
};

/* What refusals said, and how often. */
struct cause {
	char text[WORDS];
	int64_t count;
};

/* What was found since it was told last. */
struct window {
	int64_t from_us, to_us;		/* wall clock; 0 = nothing yet */
	int64_t counts[SEEN_US_REFUSED + 1];
	int64_t waited, longest_us;
	char words[WORDS];
	struct cause causes[CAUSES];	/* of the refusals alone; the first without a count ends them */
	struct json *slow;		/* owned; NULL = none */
};

struct watch {
	struct call *call;
	CURLM *multi;
	int epoll;
	int64_t curl_us;		/* boot clock: when curl wants to be called; 0 = not */
	struct outside_ask asks[OUTSIDE_ASKS];
	int count, in_flight;
	struct request *requests;
	int64_t slow_us, limit_us, until_us;	/* until: wall clock; 0 = one look */
	struct json *looks;		/* owned: of a look; else NULL */
	struct json *found[OUTSIDE_ASKS];	/* owned: what each ask of it found, in their order whoever answers first */
	struct window window;
	enum state state;		/* that was told last */
	int turns;
	int64_t told_us;		/* boot clock */
};

/* ---- curl and the one descriptor that is waited for ---- */

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *arg, void *known)
{
	struct watch *watch = arg;
	struct epoll_event ev = {.data.fd = fd};

	(void)curl;
	(void)known;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(watch->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
	if (epoll_ctl(watch->epoll, EPOLL_CTL_MOD, fd, &ev) < 0)
		(void)epoll_ctl(watch->epoll, EPOLL_CTL_ADD, fd, &ev);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct watch *watch = arg;

	(void)multi;
	watch->curl_us = ms < 0 ? 0 : time_mono_us() + ms * 1000;
	return 0;
}

static void serve_curl(struct watch *watch)
{
	struct epoll_event ready[16];
	int running = 0, n = epoll_wait(watch->epoll, ready, 16, 0);

	for (int i = 0; i < n; i++) {
		int bits = (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (ready[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		(void)curl_multi_socket_action(watch->multi, ready[i].data.fd, bits, &running);
	}
	if (watch->curl_us && time_mono_us() >= watch->curl_us) {
		watch->curl_us = 0;
		(void)curl_multi_socket_action(watch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

/* ---- requests ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct request *request = arg;
	size_t room = BODY_MAX - request->body.len;

	if (request->body.len < BODY_MAX)
		buf_append(&request->body, bytes, size * count < room ? size * count : room);
	return size * count;
}

static void request_free(struct watch *watch, struct request *request)
{
	struct request **at = &watch->requests;

	while (*at && *at != request)
		at = &(*at)->next;
	if (*at)
		*at = request->next;
	(void)curl_multi_remove_handle(watch->multi, request->curl);
	curl_easy_cleanup(request->curl);
	buf_done(&request->body);
	mem_free(request);
	watch->in_flight--;
}

static void begin(struct watch *watch, struct outside_ask *ask)
{
	struct request *request;
	CURL *curl = curl_easy_init();

	if (!curl)
		return;
	request = mem_alloc(sizeof(*request));
	request->curl = curl;
	request->ask = ask;
	request->wall_us = time_wall_us();
	request->mono_us = time_mono_us();
	request->next = watch->requests;
	watch->requests = request;
	watch->in_flight++;
	outside_ask_prepare(ask, curl, watch->limit_us, request->words);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, (char *)request);
	if (curl_multi_add_handle(watch->multi, curl) != CURLM_OK)
		request_free(watch, request);
}

/* Boot clock: when that of its requests was made which has waited longest; 0 = none waits. */
static int64_t waits_since(const struct watch *watch, const struct outside_ask *ask)
{
	int64_t at = 0;

	for (const struct request *request = watch->requests; request; request = request->next) {
		if (request->ask == ask)
			at = at && at < request->mono_us ? at : request->mono_us;
	}
	return at;
}

/* Those whose beat it is; returns when the next one is due. */
static int64_t begin_due(struct watch *watch)
{
	int64_t now = time_mono_us(), next = now + TIME_SECOND;

	for (int i = 0; i < watch->count; i++) {
		struct outside_ask *ask = &watch->asks[i];

		if (outside_ask_is_due(ask, now, waits_since(watch, ask), watch->slow_us) && watch->in_flight < IN_FLIGHT)
			begin(watch, ask);
		next = ask->next_us < next ? ask->next_us : next;
	}
	return next;
}

/* ---- what was found ---- */

static struct json *causes_of(const struct window *window)
{
	struct json *list = json_new_array();

	for (int i = 0; i < CAUSES && window->causes[i].count; i++) {
		struct json *one = json_new_object();

		json_set_text(one, "text", window->causes[i].text);
		json_set_int(one, "count", window->causes[i].count);
		json_add(list, one);
	}
	return list;
}

static void tell(struct watch *watch, enum state state)
{
	static const char *const names[] = {"answers", "answers", "waits", "refuses", "unseen"};
	struct window *window = &watch->window;
	struct json *data = json_new_object();
	const int64_t *counts = window->counts;

	json_set_int(data, "from_us", window->from_us);
	json_set_int(data, "to_us", window->to_us);
	json_set_text(data, "state", names[state]);
	json_set_int(data, "asked", counts[SEEN_ANSWER] + counts[SEEN_REFUSED] + counts[SEEN_ODD] + counts[SEEN_US_REFUSED]);
	json_set_int(data, "answered", counts[SEEN_ANSWER]);
	json_set_int(data, "refused", counts[SEEN_REFUSED]);
	json_set_int(data, "odd", counts[SEEN_ODD]);
	json_set_int(data, "unseen", counts[SEEN_US_REFUSED]);
	json_set_int(data, "waited", window->waited);
	json_set_int(data, "longest_us", window->longest_us);
	json_set_text(data, "words", window->words[0] ? window->words : NULL);
	if (window->causes[0].count)
		json_put(data, "causes", causes_of(window));
	if (window->slow)
		json_put(data, "slow", window->slow);
	*window = (struct window){0};
	call_progress(watch->call, data);
	watch->told_us = time_mono_us();
}

static void note_slow(struct window *window, const struct request *request, int64_t took)
{
	struct json *one;

	window->waited++;
	if (!window->slow)
		window->slow = json_new_array();
	if (json_count(window->slow) >= SLOW_TOLD)
		return;
	one = json_new_object();
	json_set_int(one, "at_us", request->wall_us);
	json_set_int(one, "took_us", took);
	json_add(window->slow, one);
}

static void note_cause(struct window *window, const char *text)
{
	int at = 0;

	while (at < CAUSES - 1 && window->causes[at].count && !str_is(window->causes[at].text, text))
		at++;
	if (!window->causes[at].count++)
		str_copy(window->causes[at].text, sizeof(window->causes[at].text), text);
	else if (!str_is(window->causes[at].text, text))
		str_copy(window->causes[at].text, sizeof(window->causes[at].text), "others");
}

static void count(struct watch *watch, const struct request *request, enum outside_seen seen, const char *text)
{
	struct window *window = &watch->window;
	int64_t took = time_mono_us() - request->mono_us;

	window->counts[seen]++;
	window->from_us = window->from_us && window->from_us < request->wall_us ? window->from_us : request->wall_us;
	window->to_us = window->to_us > request->wall_us ? window->to_us : request->wall_us;
	window->longest_us = took > window->longest_us ? took : window->longest_us;
	if (*text)
		str_copy(window->words, sizeof(window->words), text);
	if (seen == SEEN_REFUSED)
		note_cause(window, text);
	if (watch->slow_us && took > watch->slow_us && seen != SEEN_US_REFUSED)
		note_slow(window, request, took);
}

static void add_look(struct watch *watch, const struct request *request, CURLcode code, enum outside_seen seen, const char *text)
{
	struct json *one = json_new_object();
	struct buf safe = {0};
	struct curl_header *header = NULL;
	const char *kind = NULL;
	long status = 0;

	curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(request->curl, CURLINFO_CONTENT_TYPE, &kind);
	json_set_text(one, "name", request->ask->name);
	json_set_int(one, "status", code == CURLE_OK ? status : 0);
	json_set_bool(one, "wanted", seen == SEEN_ANSWER);
	json_set_bool(one, "certificate", code == CURLE_PEER_FAILED_VERIFICATION);
	json_set_int(one, "took_us", time_mono_us() - request->mono_us);
	json_set_text(one, "kind", kind);
	json_set_text(one, "text", *text ? text : NULL);
	if (curl_easy_header(request->curl, "WWW-Authenticate", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		json_set_text(one, "auth", header->value);
	utf8_safe(&safe, buf_text(&request->body), request->body.len, true);
	json_set_text(one, "body", buf_text(&safe));
	buf_done(&safe);
	json_free(watch->found[request->ask - watch->asks]);
	watch->found[request->ask - watch->asks] = one;
}

/* The state that its asks say together: one that is refused counts for all. */
static enum state state_now(const struct watch *watch)
{
	bool answers = false, refused = false, unseen = false;
	int64_t now = time_mono_us();

	for (int i = 0; i < watch->count; i++) {
		answers = answers || watch->asks[i].last == SEEN_ANSWER || watch->asks[i].last == SEEN_ODD;
		refused = refused || watch->asks[i].last == SEEN_REFUSED;
		unseen = unseen || watch->asks[i].last == SEEN_US_REFUSED;
	}
	if (refused)
		return STATE_REFUSES;
	for (const struct request *request = watch->requests; request && watch->slow_us; request = request->next) {
		if (now - request->mono_us > watch->slow_us)
			return STATE_WAITS;
	}
	return answers ? STATE_ANSWERS : unseen ? STATE_UNSEEN : STATE_NONE;
}

/* When the request that has waited longest was made; now when none waits. */
static int64_t oldest(const struct watch *watch)
{
	int64_t at = time_wall_us();

	for (const struct request *request = watch->requests; request; request = request->next)
		at = request->wall_us < at ? request->wall_us : at;
	return at;
}

/* What was counted before the state changed is told as that, and what changed it at once. */
static void turn(struct watch *watch, enum state before)
{
	enum state now = state_now(watch);
	int64_t pause = watch->turns > TURNS_MAX || now == STATE_REFUSES || now == STATE_WAITS ? TOLD_BAD_US : TOLD_US;
	bool told = now != before && now != STATE_NONE && watch->turns++ < TURNS_MAX;

	if (watch->looks || (!told && time_mono_us() - watch->told_us < pause) || now == STATE_NONE)
		return;
	/* That nobody is answered shows by time alone: no answer begins it. */
	if (told && now == STATE_WAITS && watch->window.from_us)
		tell(watch, before == STATE_NONE ? STATE_ANSWERS : before);
	if (!watch->window.from_us)
		watch->window.from_us = watch->window.to_us = now == STATE_WAITS ? oldest(watch) : time_wall_us();
	tell(watch, now);
	watch->state = now;
}

/* One answer. A state that it changes begins with it: what came before is told first. */
static void end_request(struct watch *watch, struct request *request, CURLcode code)
{
	char text[WORDS];
	enum outside_seen seen = outside_ask_judge(request->ask, request->curl, code, request->words, text, sizeof(text));
	enum outside_seen last = request->ask->last;
	enum state before = watch->state;

	if (watch->looks) {
		add_look(watch, request, code, seen, text);
		request_free(watch, request);
		return;
	}
	request->ask->last = seen;
	if (state_now(watch) != before && watch->window.from_us && watch->turns < TURNS_MAX)
		tell(watch, before == STATE_NONE ? STATE_ANSWERS : before);
	if (seen == SEEN_US_REFUSED && last == SEEN_US_REFUSED)
		request->ask->next_us = time_mono_us() + OUTSIDE_PAUSE * request->ask->every_us;
	count(watch, request, seen, text);
	request_free(watch, request);
	turn(watch, before);
}

static void take_ended(struct watch *watch)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(watch->multi, &left))) {
		char *request = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &request);
		end_request(watch, (struct request *)(void *)request, msg->data.result);
	}
}

/* ---- the loop ---- */

static int loop_watch(struct watch *watch, struct err *e)
{
	watch->told_us = time_mono_us();
	while (watch->looks ? watch->in_flight > 0 : time_wall_us() < watch->until_us) {
		int64_t now = time_mono_us(), next = watch->looks ? now + TIME_SECOND : begin_due(watch);
		int64_t until = watch->curl_us && watch->curl_us < next ? watch->curl_us : next;

		now = time_mono_us();
		if (call_wait(watch->call, watch->epoll, POLLIN, until > now ? until - now : 0, e) < 0)
			return -1;
		serve_curl(watch);
		take_ended(watch);
		if (!watch->looks)
			turn(watch, watch->state);
	}
	return 0;
}

static int open_watch(struct watch *watch, struct err *e)
{
	int64_t us;

	watch->limit_us = duration_of(json_at(call_args(watch->call), "timeout"), &us) && us > 0 ? us : LIMIT_US;
	watch->count = outside_asks_read(watch->call, watch->asks, e);
	if (watch->count < 0)
		return -1;
	watch->epoll = epoll_create1(EPOLL_CLOEXEC);
	watch->multi = curl_multi_init();
	if (watch->epoll < 0 || !watch->multi)
		return err_set(e, ERR_IO, "curl cannot be used here");
	curl_multi_setopt(watch->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(watch->multi, CURLMOPT_SOCKETDATA, watch);
	curl_multi_setopt(watch->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(watch->multi, CURLMOPT_TIMERDATA, watch);
	return 0;
}

static void close_watch(struct watch *watch)
{
	while (watch->requests)
		request_free(watch, watch->requests);
	if (watch->multi)
		(void)curl_multi_cleanup(watch->multi);
	if (watch->epoll >= 0)
		close(watch->epoll);
	if (watch->count > 0)
		outside_asks_done(watch->asks, watch->count);
	for (int i = 0; i < OUTSIDE_ASKS; i++)
		json_free(watch->found[i]);
	json_free(watch->looks);
	json_free(watch->window.slow);
}

static int look_start(struct call *call, struct err *e)
{
	struct watch watch = {.call = call, .epoll = -1, .looks = json_new_array()};
	int result = open_watch(&watch, e);

	for (int i = 0; result == 0 && i < watch.count; i++)
		begin(&watch, &watch.asks[i]);
	if (result == 0)
		result = loop_watch(&watch, e);
	if (result == 0) {
		struct json *value = json_new_object();

		for (int i = 0; i < watch.count; i++) {
			json_add(watch.looks, watch.found[i] ? watch.found[i] : json_new_object());
			watch.found[i] = NULL;
		}
		json_put(value, "looks", watch.looks);
		watch.looks = NULL;
		call_set_result(call, value);
	}
	close_watch(&watch);
	return result;
}

/* Whoever is asked is looked at, but not asked yet: the session begins with that when it is stored (session/watch/outside.c). */
static int watch_start(struct call *call, struct err *e)
{
	struct outside_ask asks[OUTSIDE_ASKS];
	int n = outside_asks_read(call, asks, e);

	if (n < 0)
		return -1;
	outside_asks_done(asks, n);
	call_set_result(call, json_new_object());
	return 0;
}

static int finish_start(struct call *call, struct err *e)
{
	(void)e;
	call_set_result(call, json_new_object());
	return 0;
}

static int run_start(struct call *call, struct err *e)
{
	struct watch watch = {
		.call = call, .epoll = -1, .slow_us = json_int(call_args(call), "slow_us", 0), .until_us = json_int(call_args(call), "until_us", 0),
	};
	int result = open_watch(&watch, e);

	if (result == 0)
		result = loop_watch(&watch, e);
	if (watch.window.from_us)
		tell(&watch, watch.state);
	close_watch(&watch);
	if (result == 0)
		call_set_result(call, json_new_object());
	return result;
}

#define ASKS "what is asked: a list of tables"
#define ASK_IS \
	"Each has `url`, and may have `name`, `method`, `body`, `headers` (texts), `token` (a secret, sent as bearer), `want` (a list of " \
	"numbers, usually 200), `any_certificate` (not with a token), and for a watch `every`"

static const struct action_group site = {
	.title = "The site from outside",
	.about = "It is asked over HTTP(S), from this computer, without redirects and cookies",
};

static const struct action_param look_params[] = {
	{"asks", ARG_TABLES, .required = true, .help = ASKS, .more = ASK_IS},
	{"timeout", ARG_DURATION, .unit = "s", .help = "for each answer (30s)"},
	{.name = NULL},
};

static const struct action_param watch_params[] = {
	{"asks", ARG_TABLES, .required = true, .help = ASKS, .more = ASK_IS},
	{"slow", ARG_DURATION, .unit = "s", .help = "an answer that took longer was waited for (3s)"},
	{"limit", ARG_DURATION, .unit = "s", .help = "it ends after so long, whatever comes (24h)"},
	{"unproven", ARG_TEXT, .help = "words for what the answers do not prove, for those who read the counts"},
	{.name = NULL},
};

static const struct action_param run_params[] = {
	{"asks", ARG_TABLES, .required = true, .help = ASKS},
	{"slow_us", ARG_INT, .required = true, .unit = "us", .help = "as slow"},
	{"until_us", ARG_INT, .required = true, .unit = "us", .help = "wall clock when it ends"},
	{.name = NULL},
};

static const struct action_param no_params[] = {
	{.name = NULL},
};

static const struct action_gives look_gives[] = {
	{"looks", ARG_TABLES, NULL,
	 "for each ask: name, status (0: no answer), wanted, kind, auth, certificate (whether it was that), took_us, body (its beginning), text (what was wrong)"},
	{.name = NULL},
};

static const struct action_gives no_gives[] = {
	{.name = NULL},
};

const struct action action_outside_look = {
	.name = "outside.look", .target = TARGET_HERE, .effect = EFFECT_READ, .params = look_params, .gives = look_gives,
	.group = &site,
	.shown = exact_show_asks, .start = look_start,
	.help = "ask a site once, each ask by itself",
};

const struct action action_outside_watch = {
	.name = "outside.watch", .target = TARGET_HERE, .effect = EFFECT_READ, .params = watch_params, .gives = no_gives,
	.group = &site,
	.shown = exact_show_asks, .watch = WATCH_BEGINS, .watcher = &action_outside_run, .start = watch_start,
	.help = "ask a site from here on, once a second, until the walk ends; refused and slow answers are counted",
	.about = "It also ends by `outside.finish`, and after `limit`; a process that takes the session over goes on. While an answer is waited for "
		 "longer than `slow`, only each tenth beat of that ask is sent, so that a site that cannot keep up is not buried under them. Counted "
		 "are requests that were refused (5xx, no connection), that took longer than `slow`, and that were not seen, because something "
		 "before the site refused the asker (403, 429). Clock, record, account and end tell the counts beside the downtime of the steps, "
		 "and `unproven`. In a dry run nothing is begun",
};

const struct action action_outside_finish = {
	.name = "outside.finish", .target = TARGET_HERE, .effect = EFFECT_READ, .params = no_params, .gives = no_gives,
	.group = &site,
	.shown = exact_show_name, .watch = WATCH_ENDS, .start = finish_start,
	.help = "end outside.watch",
};

/* The target is a site: a lane of its own, which no command waits for. */
const struct action action_outside_run = {
	.name = "outside.run", .target = TARGET_SERVICE, .effect = EFFECT_READ, .params = run_params, .gives = no_gives,
	.shown = exact_show_asks, .by_hand = true, .start = run_start,
	.help = "what outside.watch begins",
};
