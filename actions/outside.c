/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/outside.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define BODY_MAX ((size_t)1 << 20)	/* more of a page is not waited for */
#define CERT_SOON 14			/* days */

struct look {
	CURL *curl;
	size_t got;
	bool cut;
	char words[CURL_ERROR_SIZE];
};

/* The page itself is nobody's business here. */
static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct look *look = arg;

	(void)bytes;
	look->got += size * count;
	look->cut = look->got > BODY_MAX;
	return look->cut ? 0 : size * count;
}

static void prepare(struct look *look, const char *url, int64_t limit_us)
{
	const char *authorities = getenv("SSL_CERT_FILE");

	curl_easy_setopt(look->curl, CURLOPT_URL, url);
	curl_easy_setopt(look->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(look->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(look->curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(look->curl, CURLOPT_MAXREDIRS, 3L);
	curl_easy_setopt(look->curl, CURLOPT_TIMEOUT_MS, (long)(limit_us / 1000));
	curl_easy_setopt(look->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(look->curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(look->curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (authorities && *authorities)
		curl_easy_setopt(look->curl, CURLOPT_CAINFO, authorities);
	curl_easy_setopt(look->curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(look->curl, CURLOPT_USERAGENT, "bellbook/1 (looks whether the site is up)");
	curl_easy_setopt(look->curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(look->curl, CURLOPT_WRITEDATA, look);
	curl_easy_setopt(look->curl, CURLOPT_ERRORBUFFER, look->words);
}

/* Days until the server's own certificate expires; false when curl does not know. */
static bool days_left(CURL *curl, int64_t *days)
{
	static const char mark[] = "Expire date:";
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info || info->num_of_certs < 1)
		return false;
	for (const struct curl_slist *line = info->certinfo[0]; line; line = line->next) {
		time_t until;

		if (!str_starts(line->data, mark))
			continue;
		until = curl_getdate(line->data + sizeof(mark) - 1, NULL);
		if (until < 0)
			return false;
		*days = ((int64_t)until - time_wall_us() / TIME_SECOND) / 86400;
		return true;
	}
	return false;
}

static void tell_answer(struct look *look, struct json *out)
{
	curl_off_t took = 0;
	long status = 0, redirects = 0;
	char *at = NULL;
	int64_t days;
	bool good;

	curl_easy_getinfo(look->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(look->curl, CURLINFO_STARTTRANSFER_TIME_T, &took);
	curl_easy_getinfo(look->curl, CURLINFO_REDIRECT_COUNT, &redirects);
	curl_easy_getinfo(look->curl, CURLINFO_EFFECTIVE_URL, &at);
	good = status >= 200 && status < 300;
	json_set_int(out, "status", status);
	json_set_int(out, "took_us", took);
	if (redirects > 0)
		json_set_text(out, "moved", at);
	json_set_text(out, "tls", at && str_starts(at, "https:") ? "checked" : "none");
	if (days_left(look->curl, &days)) {
		json_set_int(out, "cert_days", days);
		if (days < CERT_SOON)
			json_set_text(out, "text", "its certificate expires soon");
		good = good && days >= CERT_SOON;
	}
	json_set_text(out, "state", good ? "ok" : "attention");
}

static void tell_failure(const struct look *look, CURLcode code, int64_t limit_us, struct json *out)
{
	char *text;

	if (code == CURLE_OPERATION_TIMEDOUT)
		text = mem_printf("no answer in %lld s", (long long)(limit_us / TIME_SECOND));
	else if (code == CURLE_PEER_FAILED_VERIFICATION)
		text = mem_printf("its certificate is NOT trusted here: %s", *look->words ? look->words : curl_easy_strerror(code));
	else
		text = mem_strdup(*look->words ? look->words : curl_easy_strerror(code));
	json_set_text(out, "state", code == CURLE_PEER_FAILED_VERIFICATION ? "attention" : "silent");
	json_set_text(out, "text", text);
	mem_free(text);
}

struct json *outside_look(const char *url, int64_t limit_us)
{
	struct json *out = json_new_object();
	struct look look = {.curl = curl_easy_init()};
	CURLcode code;

	json_set_text(out, "url", url);
	if (!look.curl) {
		json_set_text(out, "state", "silent");
		json_set_text(out, "text", "curl cannot be used here");
		return out;
	}
	prepare(&look, url, limit_us);
	code = curl_easy_perform(look.curl);
	if (code == CURLE_OK || look.cut)
		tell_answer(&look, out);
	else
		tell_failure(&look, code, limit_us, out);
	curl_easy_cleanup(look.curl);
	return out;
}
