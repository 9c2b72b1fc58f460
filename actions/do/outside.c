/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/do/outside.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"

#define CERT_SOON 14			/* days */
#define VERSION_MAX 60			/* bytes; "4.6.5", "4.7.0-nightly.2026-05-01+fork" */
#define VERSION_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-_"

struct look {
	CURL *curl;
	struct buf *keep;	/* borrowed: where the answer goes, NULL = it is nobody's business */
	size_t got;
	bool cut;
	char words[CURL_ERROR_SIZE];
};

/* A page itself is nobody's business here. */
static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct look *look = arg;

	look->got += size * count;
	look->cut = look->got > LIMIT_READ;
	if (look->keep && !look->cut)
		buf_append(look->keep, bytes, size * count);
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

/* Another address of the same page: what lies in a cache under this one was never asked for. Caller owns. */
static char *afresh(const char *url)
{
	unsigned char random[8];
	struct buf hex = {0};
	char *out;

	random_bytes(random, sizeof(random));
	str_hex(&hex, random, sizeof(random));
	out = mem_printf("%s%cbellbook=%s", url, strchr(url, '?') ? '&' : '?', buf_text(&hex));
	buf_done(&hex);
	return out;
}

/* Status of one more request on the same connection; 0 when nobody answered. */
static long status_of(struct look *look, const char *url)
{
	long status = 0;
	CURLcode code;

	look->got = 0;
	look->cut = false;
	look->words[0] = '\0';
	curl_easy_setopt(look->curl, CURLOPT_URL, url);
	code = curl_easy_perform(look->curl);
	if (code == CURLE_OK || look->cut)
		curl_easy_getinfo(look->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Takes text. */
static void tell_fault(struct json *out, char *text)
{
	json_set_text(out, "state", "attention");
	json_set_text(out, "text", text);
	mem_free(text);
}

/* A proxy gives a page out for days while nobody is behind it: so it is asked once more under an address that nobody has asked for. */
static void look_afresh(struct look *look, const char *url, struct json *out)
{
	char *other = afresh(url);
	long status = status_of(look, other);

	json_set_int(out, "fresh_status", status);
	if (!str_is(json_text(out, "state", ""), "ok"))
		;
	else if (!status)
		tell_fault(out, mem_printf("this page came out of a cache: asked afresh there is no answer (%s)", *look->words ? look->words : "nothing came"));
	else if (status >= 500)
		tell_fault(out, mem_printf("this page came out of a cache: asked afresh the site answers %ld", status));
	mem_free(other);
}

/* That path of the site. Caller owns. */
static char *page_of(const char *url, const char *path)
{
	return mem_printf("%s%s%s", url, str_ends(url, "/") ? "" : "/", path);
}

/* Which version runs, by the site's own word; a site that does not say it has no fault. */
static void look_version(struct look *look, const char *url, struct json *out)
{
	char *page = page_of(url, "api/v2/instance"), *other = afresh(page);
	struct buf body = {0};
	struct err ignored;
	struct json *answer;
	const char *version;

	look->keep = &body;
	if (status_of(look, other) == 200) {
		answer = json_parse(buf_text(&body), body.len, &ignored);
		version = json_text(answer, "version", "");
		if (*version && strlen(version) <= VERSION_MAX && strspn(version, VERSION_CHARS) == strlen(version))
			json_set_text(out, "version", version);
		json_free(answer);
	}
	look->keep = NULL;
	buf_done(&body);
	mem_free(other);
	mem_free(page);
}

/* What a proxy answers when nobody behind it does. 501 is none of them: a server that takes no POST. */
static bool is_refusal(long status)
{
	return status == 500 || (status >= 502 && status <= 504);
}

/* What another server would do, without a signature: a Mastodon that lives refuses it with 401. */
static void look_inbox(struct look *look, const char *url, struct json *out)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/activity+json");
	char *inbox = page_of(url, "inbox");
	long status;

	curl_easy_setopt(look->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(look->curl, CURLOPT_POSTFIELDS, "{}");
	curl_easy_setopt(look->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(look->curl, CURLOPT_FOLLOWLOCATION, 0L);
	status = status_of(look, inbox);
	json_set_int(out, "inbox_status", status);
	if (!str_is(json_text(out, "state", ""), "ok"))
		;
	else if (!status)
		tell_fault(out, mem_printf("pages come, but a POST to the inbox has no answer (%s)", *look->words ? look->words : "nothing came"));
	else if (is_refusal(status))
		tell_fault(out, mem_printf("pages come, but a POST to the inbox is answered %ld: members and other servers are refused", status));
	else if ((status == 403 || status == 429) && !json_at(out, "text"))
		json_set_text(out, "text", status == 403 ? "a POST to the inbox is answered 403: a proxy does not want us, so whether the web behind it works was not seen"
							 : "a POST to the inbox is answered 429: too many requests, so whether the web behind it works was not seen");
	curl_slist_free_all(headers);
	mem_free(inbox);
}

struct json *outside_look(const char *url, bool mastodon, int64_t limit_us)
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
	if (code == CURLE_OK || look.cut) {
		tell_answer(&look, out);
		look_afresh(&look, url, out);
		if (mastodon) {
			look_version(&look, url, out);
			look_inbox(&look, url, out);
		}
	} else {
		tell_failure(&look, code, limit_us, out);
	}
	curl_easy_cleanup(look.curl);
	return out;
}
