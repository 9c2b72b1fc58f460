/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an answer, or none, says of the site; and what it only says of this computer. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "actions/do/outside_ask.h"
#include "base/time.h"

#define LIMIT_US (300 * INT64_C(1000))

/* The name is asked for, and the time is over before anybody has said an address. */
static int late(void *state, void *reserved, void *arg)
{
	int64_t until = time_mono_us() + 2 * LIMIT_US;

	(void)state;
	(void)reserved;
	(void)arg;
	while (time_mono_us() < until)
		continue;
	return 0;
}

/* Sends it and gives what that says of the site. */
static enum outside_seen ask_of(CURL *curl, const char *url, char *text, size_t size)
{
	struct outside_ask ask = { .name = (char[]){ "POST /inbox" }, .method = (char[]){ "POST" }, .want = { 401 }, .want_count = 1 };
	char words[CURL_ERROR_SIZE], address[128];

	snprintf(address, sizeof(address), "%s", url);
	ask.url = address;
	outside_ask_prepare(&ask, curl, LIMIT_US, words);
	return outside_ask_judge(&ask, curl, curl_easy_perform(curl), words, text, size);
}

static void judge__a_name_that_nobody_tells_in_time_is_no_refusal(void **state)
{
	CURL *curl = curl_easy_init();
	char text[512];

	(void)state;
	curl_easy_setopt(curl, CURLOPT_RESOLVER_START_FUNCTION, late);
	assert_int_equal(ask_of(curl, "http://social.practice.test/inbox", text, sizeof(text)), SEEN_US_REFUSED);
	assert_non_null(strstr(text, "esolv"));
	curl_easy_cleanup(curl);
}

static void judge__a_site_that_says_nothing_in_time_refuses(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CURL *curl = curl_easy_init();
	char url[64], text[512];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/inbox", ntohs(at.sin_port));
	assert_int_equal(ask_of(curl, url, text, sizeof(text)), SEEN_REFUSED);
	close(fd);
	assert_int_equal(ask_of(curl, url, text, sizeof(text)), SEEN_REFUSED);
	curl_easy_cleanup(curl);
}

/* How long it took is no part of the cause: else each refusal would have one of its own. */
static void judge__the_words_of_a_refusal_are_the_same_each_time(void **state)
{
	static const char *const said[][2] = {
		{ "Failed to connect to a.test port 443 after 12 ms: Couldn't connect to server", "POST /inbox: Failed to connect to a.test port 443: Couldn't connect to server" },
		{ "Operation timed out after 30001 milliseconds with 0 bytes received", "POST /inbox: Operation timed out with 0 bytes received" },
		{ "Connection timeout after 10003 ms", "POST /inbox: Connection timeout" },
		{ "Connection died after the answer", "POST /inbox: Connection died after the answer" },
		{ "gone after 3 tries", "POST /inbox: gone after 3 tries" },
	};
	struct outside_ask ask = { .name = (char[]){ "POST /inbox" } };
	CURL *curl = curl_easy_init();
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		assert_int_equal(outside_ask_judge(&ask, curl, CURLE_RECV_ERROR, said[i][0], text, sizeof(text)), SEEN_REFUSED);
		assert_string_equal(text, said[i][1]);
	}
	curl_easy_cleanup(curl);
}

/* How often it is asked in so many seconds, in which its first request is not answered. */
static int asked_in(int seconds, int64_t slow_us)
{
	struct outside_ask ask = { .every_us = TIME_SECOND };
	int64_t first = 1000 * TIME_SECOND;
	int count = 0;

	ask.next_us = first;
	for (int64_t now = first; now < first + seconds * TIME_SECOND; now += TIME_SECOND / 10)
		count += outside_ask_is_due(&ask, now, count ? first : 0, slow_us) ? 1 : 0;
	return count;
}

static void due__each_beat_until_an_answer_is_slow_then_each_tenth(void **state)
{
	(void)state;
	assert_int_equal(asked_in(3, 3 * TIME_SECOND), 3);
	assert_int_equal(asked_in(4, 3 * TIME_SECOND), 4);
	assert_int_equal(asked_in(13, 3 * TIME_SECOND), 4);
	assert_int_equal(asked_in(34, 3 * TIME_SECOND), 4 + 3);
	assert_int_equal(asked_in(34, 0), 34);
}

/* Its beat is the same as before, and at once. */
static void due__once_it_was_answered_it_is_asked_again(void **state)
{
	struct outside_ask ask = { .every_us = TIME_SECOND, .next_us = TIME_SECOND };

	(void)state;
	assert_true(outside_ask_is_due(&ask, TIME_SECOND, 0, TIME_SECOND));
	assert_false(outside_ask_is_due(&ask, 3 * TIME_SECOND, TIME_SECOND, TIME_SECOND));
	assert_false(outside_ask_is_due(&ask, 3 * TIME_SECOND + 1, 0, TIME_SECOND));
	assert_true(outside_ask_is_due(&ask, 4 * TIME_SECOND, 0, TIME_SECOND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judge__a_name_that_nobody_tells_in_time_is_no_refusal),
		cmocka_unit_test(judge__a_site_that_says_nothing_in_time_refuses),
		cmocka_unit_test(judge__the_words_of_a_refusal_are_the_same_each_time),
		cmocka_unit_test(due__each_beat_until_an_answer_is_slow_then_each_tenth),
		cmocka_unit_test(due__once_it_was_answered_it_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
