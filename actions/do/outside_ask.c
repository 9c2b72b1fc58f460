/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* explicit_bzero */
#include "actions/do/outside_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define AGENT "User-Agent: bellbook-outside/1 (asks whether the site answers)"
#define CONNECT_MS 10000L

static const char *text_of(const struct json *ask, const char *key, const char *usual)
{
	const char *text = json_text(ask, key, usual);

	/* What stands in a header may not begin another one. */
	return text && strpbrk(text, "\r\n") ? NULL : text;
}

static void add_header(struct outside_ask *ask, const char *line)
{
	struct curl_slist *longer = curl_slist_append(ask->headers, line);

	if (longer)
		ask->headers = longer;
}

static int read_headers(const struct json *value, struct outside_ask *ask, struct err *e)
{
	const struct json *headers = json_at(value, "headers");
	struct json *item;
	const char *name;
	void *it = NULL;

	add_header(ask, AGENT);
	while ((name = json_next(headers, &it, &item))) {
		const char *text = json_as_text(item);
		char *line;

		if (!text || strpbrk(text, "\r\n") || strpbrk(name, "\r\n: "))
			return err_set(e, ERR_USAGE, "asks: headers are a table of texts of one line");
		line = mem_printf("%s: %s", name, text);
		add_header(ask, line);
		mem_free(line);
	}
	return 0;
}

static int read_token(struct call *call, const struct json *value, struct outside_ask *ask, struct err *e)
{
	const struct json *token = json_at(value, "token");
	const char *bytes;
	size_t len;
	char *line;

	if (!token)
		return 0;
	if (ask->any_certificate)
		return err_set(e, ERR_USAGE, "asks: a token is not sent to a site whose certificate is not trusted here");
	bytes = call_reveal(call, token, &len, e);
	if (!bytes)
		return err_wrap(e, "asks: token");
	if (!len || memchr(bytes, '\n', len) || memchr(bytes, '\r', len))
		return err_set(e, ERR_USAGE, "asks: the token is not one line");
	line = mem_printf("Authorization: Bearer %.*s", (int)len, bytes);
	add_header(ask, line);
	explicit_bzero(line, strlen(line));
	mem_free(line);
	return 0;
}

static int read_want(const struct json *value, struct outside_ask *ask, struct err *e)
{
	const struct json *want = json_at(value, "want");

	for (size_t i = 0; i < json_count(want); i++) {
		const struct json *one = json_item(want, i);

		if (json_type_of(one) != JSON_IS_INT || ask->want_count == OUTSIDE_WANTS)
			return err_set(e, ERR_USAGE, "asks: want is a list of at most %d numbers like 200", OUTSIDE_WANTS);
		ask->want[ask->want_count++] = (long)json_as_int(one, 0);
	}
	if (!ask->want_count)
		ask->want[ask->want_count++] = 200;
	return 0;
}

static int read_ask(struct call *call, const struct json *value, struct outside_ask *ask, struct err *e)
{
	const char *url = text_of(value, "url", ""), *method = text_of(value, "method", json_at(value, "body") ? "POST" : "GET");
	const char *body = json_text(value, "body", NULL);

	if (!url || !(str_starts(url, "https://") || str_starts(url, "http://")))
		return err_set(e, ERR_USAGE, "asks: url is missing, or not one of http or https");
	if (!method || !*method || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(method))
		return err_set(e, ERR_USAGE, "asks: method is a word like GET or POST");
	ask->url = mem_strdup(url);
	ask->method = mem_strdup(method);
	ask->name = mem_strdup(json_text(value, "name", url));
	ask->body = body ? mem_strdup(body) : NULL;
	ask->any_certificate = json_bool(value, "any_certificate", false);
	if (!json_at(value, "every") || !duration_of(json_at(value, "every"), &ask->every_us) || ask->every_us < TIME_SECOND)
		ask->every_us = TIME_SECOND;
	if (read_headers(value, ask, e) < 0 || read_token(call, value, ask, e) < 0)
		return -1;
	return read_want(value, ask, e);
}

int outside_asks_read(struct call *call, struct outside_ask asks[OUTSIDE_ASKS], struct err *e)
{
	const struct json *list = json_at(call_args(call), "asks");
	int n = 0;

	memset(asks, 0, OUTSIDE_ASKS * sizeof(*asks));
	if (json_count(list) == 0 || json_count(list) > OUTSIDE_ASKS)
		return err_set(e, ERR_USAGE, "asks: from 1 to %d can be asked", OUTSIDE_ASKS);
	for (size_t i = 0; i < json_count(list); i++) {
		if (read_ask(call, json_item(list, i), &asks[n++], e) < 0) {
			outside_asks_done(asks, n);
			return -1;
		}
	}
	return n;
}

void outside_asks_done(struct outside_ask *asks, int n)
{
	for (int i = 0; i < n; i++) {
		for (struct curl_slist *line = asks[i].headers; line; line = line->next)
			explicit_bzero(line->data, strlen(line->data));
		curl_slist_free_all(asks[i].headers);
		mem_free(asks[i].name);
		mem_free(asks[i].method);
		mem_free(asks[i].url);
		mem_free(asks[i].body);
	}
}

void outside_ask_prepare(const struct outside_ask *ask, CURL *curl, int64_t limit_us, char *words)
{
	const char *authorities = getenv("SSL_CERT_FILE");

	words[0] = '\0';
	curl_easy_setopt(curl, CURLOPT_URL, ask->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
	curl_easy_setopt(curl, CURLOPT_NOBODY, str_is(ask->method, "HEAD") ? 1L : 0L);
	if (ask->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(ask->body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body);
	}
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, ask->headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(limit_us / 1000));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, ask->any_certificate ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, ask->any_certificate ? 0L : 2L);
	if (authorities && *authorities)
		curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
}

/* The time was over while the site's name was still being looked up: no request has left this computer. A connection that is used again has no look-up of its own, and an address. */
static bool is_nameless(CURL *curl, CURLcode code)
{
	curl_off_t looked_up = 0;
	const char *address = NULL;

	curl_easy_getinfo(curl, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
	curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
	return code == CURLE_OPERATION_TIMEDOUT && looked_up == 0 && (!address || !*address);
}

/* The network of this computer, or its names: the site has no part in it. */
static bool is_ours(CURL *curl, CURLcode code)
{
	long number = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
	return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY || is_nameless(curl, code) ||
	       (code == CURLE_COULDNT_CONNECT && (number == ENETUNREACH || number == ENETDOWN));
}

/* Curl's words without how long it took: "after 12 ms" and "after 13 ms" are one cause. */
static void put_words(const char *name, const char *words, char *text, size_t size)
{
	const char *at = strstr(words, " after "), *end = at ? at + strlen(" after ") : NULL;
	size_t digits = end ? strspn(end, "0123456789") : 0;

	if (digits) {
		end += digits;
		end += str_starts(end, " milliseconds") ? strlen(" milliseconds") : str_starts(end, " ms") ? strlen(" ms") : 0;
	}
	if (digits && end[-1] == 's')
		snprintf(text, size, "%s: %.*s%s", name, (int)(at - words), words, end);
	else
		snprintf(text, size, "%s: %s", name, words);
}

bool outside_ask_is_due(struct outside_ask *ask, int64_t now, int64_t oldest_us, int64_t slow_us)
{
	bool waits = slow_us && oldest_us && now - oldest_us > slow_us;

	if (ask->next_us > now)
		return false;
	ask->next_us = ask->next_us + ask->every_us > now ? ask->next_us + ask->every_us : now + ask->every_us;
	if (waits && now - ask->begun_us < OUTSIDE_PAUSE * ask->every_us)
		return false;
	ask->begun_us = now;
	return true;
}

enum outside_seen outside_ask_judge(const struct outside_ask *ask, CURL *curl, CURLcode code, const char *words, char *text, size_t size)
{
	long status = 0;

	text[0] = '\0';
	if (code != CURLE_OK && code != CURLE_WRITE_ERROR) {
		put_words(ask->name, *words ? words : curl_easy_strerror(code), text, size);
		return is_ours(curl, code) ? SEEN_US_REFUSED : SEEN_REFUSED;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	for (int i = 0; i < ask->want_count; i++) {
		if (ask->want[i] == status)
			return SEEN_ANSWER;
	}
	snprintf(text, size, "%s answers %ld", ask->name, status);
	if (status == 403 || status == 429)
		return SEEN_US_REFUSED;
	return status >= 500 ? SEEN_REFUSED : SEEN_ODD;
}
