/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ssh -G says, also when somebody hostile wrote the configuration. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "actions/ssh_config.h"
#include "base/mem.h"

static const char good[] =
	"host web\nuser deploy\nhostname 10.0.0.7\nport 2222\nidentityfile ~/.ssh/one\nidentityfile /keys/%r@%h\n"
	"identitiesonly yes\nstricthostkeychecking true\nserveraliveinterval 20\nconnecttimeout none\n"
	"userknownhostsfile /a /b\nciphers aes128-ctr,aes256-ctr\nproxyjump app1,app2\n";

static struct ssh_config *parse(const char *text)
{
	struct err e;
	struct ssh_config *config = ssh_config_parse("web", text, strlen(text), &e);

	if (!config)
		print_message("%s\n", e.text);
	return config;
}

static void refuses(const char *text)
{
	struct err e = {0};

	assert_null(ssh_config_parse("web", text, strlen(text), &e));
	assert_int_equal(e.kind, ERR_USAGE);
}

static void ssh_config_parse__gives_address_user_port(void **state)
{
	struct ssh_config *config = parse(good);

	(void)state;
	assert_non_null(config);
	assert_string_equal(ssh_config_name(config), "web");
	assert_string_equal(ssh_config_address(config), "10.0.0.7");
	assert_string_equal(ssh_config_user(config), "deploy");
	assert_int_equal(ssh_config_port(config), 2222);
	ssh_config_free(config);
}

static void ssh_config_text__takes_none_as_missing(void **state)
{
	struct ssh_config *config = parse(good);

	(void)state;
	assert_string_equal(ssh_config_text(config, "connecttimeout", "-"), "-");
	assert_int_equal(ssh_config_int(config, "connecttimeout", 7), 7);
	assert_int_equal(ssh_config_int(config, "serveraliveinterval", 7), 20);
	assert_true(ssh_config_is(config, "identitiesonly"));
	assert_true(ssh_config_is(config, "stricthostkeychecking"));
	assert_false(ssh_config_is(config, "user"));
	assert_false(ssh_config_is(config, "nosuchthing"));
	ssh_config_free(config);
}

static void ssh_config_list__keeps_every_identity_file(void **state)
{
	struct ssh_config *config = parse(good);
	const struct json *files = ssh_config_list(config, "identityfile");

	(void)state;
	assert_int_equal(json_count(files), 2);
	assert_string_equal(json_as_text(json_item(files, 0)), "~/.ssh/one");
	assert_string_equal(json_as_text(json_item(files, 1)), "/keys/%r@%h");
	assert_null(ssh_config_list(config, "certificatefile"));
	ssh_config_free(config);
}

static void ssh_config_path__expands_home_tokens_and_variables(void **state)
{
	struct ssh_config *config = parse(good);
	struct buf out = {0};

	(void)state;
	setenv("HOME", "/home/ann", 1);
	setenv("KEYS", "/k", 1);
	unsetenv("NOTSET");
	assert_true(ssh_config_path(config, "~/.ssh/id", &out));
	assert_string_equal(buf_text(&out), "/home/ann/.ssh/id");
	buf_clear(&out);
	assert_true(ssh_config_path(config, "${KEYS}/%r@%h:%p-%n%%", &out));
	assert_string_equal(buf_text(&out), "/k/deploy@10.0.0.7:2222-web%");
	buf_clear(&out);
	assert_false(ssh_config_path(config, "${NOTSET}/x", &out));
	assert_false(ssh_config_path(config, "${KEYS", &out));
	assert_false(ssh_config_path(config, "/x/%C", &out));
	assert_false(ssh_config_path(config, "/x/%", &out));
	buf_done(&out);
	ssh_config_free(config);
}

static void ssh_config_parse__refuses_names_that_are_options(void **state)
{
	(void)state;
	refuses("hostname -oProxyCommand=reboot\nuser a\nport 22\n");
	refuses("hostname h\nuser -l\nport 22\n");
	refuses("hostname\nuser a\nport 22\n");
	refuses("user a\nport 22\n");
	refuses("");
}

static void ssh_config_parse__refuses_shell_and_control_characters(void **state)
{
	(void)state;
	refuses("hostname a;reboot\nuser a\nport 22\n");
	refuses("hostname a$(reboot)\nuser a\nport 22\n");
	refuses("hostname a`x`\nuser a\nport 22\n");
	refuses("hostname a b\nuser a\nport 22\n");
	refuses("hostname a\nuser a\033[2J\nport 22\n");
	refuses("hostname a\nuser a'b\nport 22\n");
}

static void ssh_config_parse__refuses_ports_out_of_range(void **state)
{
	(void)state;
	refuses("hostname a\nuser a\nport 0\n");
	refuses("hostname a\nuser a\nport 65536\n");
	refuses("hostname a\nuser a\nport 22x\n");
	refuses("hostname a\nuser a\nport -1\n");
}

static void ssh_config_parse__survives_any_bytes(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char text[200];
		size_t len = (size_t)rand_r(&seed) % sizeof(text);
		struct ssh_config *config;
		struct err e;

		for (size_t i = 0; i < len; i++)
			text[i] = "hostname usrp 22\n\n\0\377-%a"[(size_t)rand_r(&seed) % 24];
		config = ssh_config_parse("web", text, len, &e);
		if (config)
			assert_true(*ssh_config_address(config) != '-');
		ssh_config_free(config);
	}
}

static void ssh_config_has_word__finds_whole_words_only(void **state)
{
	(void)state;
	assert_true(ssh_config_has_word("aes128-ctr,aes256-ctr", "aes256-ctr"));
	assert_true(ssh_config_has_word("a", "a"));
	assert_false(ssh_config_has_word("aes128-ctr,aes256-ctr", "aes256"));
	assert_false(ssh_config_has_word("", "a"));
	assert_false(ssh_config_has_word("password-x", "password"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ssh_config_parse__gives_address_user_port),
		cmocka_unit_test(ssh_config_text__takes_none_as_missing),
		cmocka_unit_test(ssh_config_list__keeps_every_identity_file),
		cmocka_unit_test(ssh_config_path__expands_home_tokens_and_variables),
		cmocka_unit_test(ssh_config_parse__refuses_names_that_are_options),
		cmocka_unit_test(ssh_config_parse__refuses_shell_and_control_characters),
		cmocka_unit_test(ssh_config_parse__refuses_ports_out_of_range),
		cmocka_unit_test(ssh_config_parse__survives_any_bytes),
		cmocka_unit_test(ssh_config_has_word__finds_whole_words_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
