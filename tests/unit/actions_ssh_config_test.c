/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ssh -G says, also when somebody hostile wrote the configuration. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "actions/ssh/ssh_config.h"
#include "actions/ssh/ssh_fit.h"
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
	assert_false(ssh_config_path(config, "/x/%T", &out));
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
	refuses("hostname a'b\nuser a\nport 22\n");
	refuses("hostname a\nuser a\177\nport 22\n");
}

static void ssh_config_parse__takes_the_user_of_a_domain(void **state)
{
	struct ssh_config *config = parse("hostname a\nuser CORP\\deploy\nport 22\n");

	(void)state;
	assert_non_null(config);
	assert_string_equal(ssh_config_user(config), "CORP\\deploy");
	assert_false(ssh_config_is_plain(ssh_config_user(config)));
	ssh_config_free(config);
}

/* Text with its tokens replaced, or "-". */
static void expands(const struct ssh_config *config, const char *text, const char *wanted)
{
	struct buf out = {0};

	if (ssh_config_path(config, text, &out))
		assert_string_equal(buf_text(&out), wanted);
	else
		assert_string_equal("-", wanted);
	buf_done(&out);
}

static void ssh_config_path__knows_every_token_of_a_file(void **state)
{
	struct ssh_config *config = parse("hostname 10.0.0.7\nuser deploy\nport 2222\nproxyjump u@jump:2200\n"
					  "controlpath /0123abcd/ops.example.org/ops\n");
	struct ssh_config *plain = parse("hostname h\nuser u\nport 22\nhostkeyalias other\ncontrolpath /%C/%l/%L\n");

	(void)state;
	setenv("HOME", "/home/ann", 1);
	setenv("ODD", "%h/${HOME}", 1);
	expands(config, "~/.ssh/id_%L", "/home/ann/.ssh/id_ops");
	expands(config, "/x/%l", "/x/ops.example.org");
	expands(config, "/x/%C", "/x/0123abcd");
	expands(config, "/x/%j", "/x/u@jump:2200");
	expands(config, "/x/%k", "/x/web");
	expands(config, "%d/%h/%n/%p/%r/%%", "/home/ann/10.0.0.7/web/2222/deploy/%");
	expands(config, "~root/key", "/root/key");
	expands(config, "~", "/home/ann");
	expands(config, "~nobody-of-that-name/key", "-");
	/* What a variable holds is not read again. */
	expands(config, "/x/${ODD}", "/x/%h/${HOME}");
	/* An ssh that did not compute them leaves them unknown. */
	expands(plain, "/x/%L", "-");
	expands(plain, "/x/%k%j", "/x/other");
	ssh_config_free(plain);
	ssh_config_free(config);
}

/* NULL when libssh2 may connect, else the words. */
static const char *unfit(const char *more, const char *builtin)
{
	static struct err e;
	char *text = mem_printf("hostname h\nuser deploy\nport 22\nbatchmode no\n%s", more);
	struct ssh_config *config = parse(text);
	struct ssh_config *plain = builtin ? parse(builtin) : NULL;
	const char *words = NULL;

	assert_non_null(config);
	if (ssh_fit_compare(config, plain, &e) < 0) {
		assert_int_equal(e.kind, ERR_USAGE);
		words = e.text;
	}
	ssh_config_free(plain);
	ssh_config_free(config);
	mem_free(text);
	return words;
}

static void ssh_fit__hands_over_what_libssh2_does_not_do(void **state)
{
	static const char *const lines[] = {
		"bindaddress 10.0.0.9\n", "setenv A=b\n", "requiredrsasize 3072\n", "bindinterface eth1\n", "knownhostscommand /bin/x %H\n", "revokedhostkeys /etc/krl\n",
		"verifyhostkeydns ask\n", "proxyusefdpass yes\n", "nohostauthenticationforlocalhost yes\n",
		"preferredauthentications password,publickey\n", "userknownhostsfile /home/a b/known\n",
		"globalknownhostsfile known\n", "identityfile /home/j\366rg/id\n", "refuseconnection moved to web2\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!unfit(lines[i], NULL))
			fail_msg("taken: %s", lines[i]);
	}
	assert_non_null(strstr(unfit("bindaddress 10.0.0.9\n", NULL), "web: BindAddress of its ssh_config"));
}

static void ssh_fit__takes_what_concerns_no_command(void **state)
{
	(void)state;
	assert_null(unfit("bindaddress none\nrequiredrsasize 1024\nverifyhostkeydns false\nproxyusefdpass no\nsendenv LANG\nsendenv LC_*\n"
			  "localforward 80 [h]:80\ncanonicalizePermittedcnames none\nremotecommand tmux\nforwardagent yes\n"
			  "preferredauthentications publickey,password\nuserknownhostsfile /a ~/b ${HOME}/c\n"
			  "globalknownhostsfile none\nidentityfile /my keys/id\n", NULL));
}

static void ssh_fit__asks_of_an_unknown_keyword_whether_it_was_set(void **state)
{
	(void)state;
	assert_non_null(unfit("quantumtunnel yes\n", NULL));
	assert_non_null(unfit("quantumtunnel yes\n", "hostname h\nuser u\nport 22\nquantumtunnel no\n"));
	assert_null(unfit("quantumtunnel no\n", "hostname h\nuser u\nport 22\nquantumtunnel no\n"));
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
		cmocka_unit_test(ssh_config_parse__takes_the_user_of_a_domain),
		cmocka_unit_test(ssh_config_path__knows_every_token_of_a_file),
		cmocka_unit_test(ssh_fit__hands_over_what_libssh2_does_not_do),
		cmocka_unit_test(ssh_fit__takes_what_concerns_no_command),
		cmocka_unit_test(ssh_fit__asks_of_an_unknown_keyword_whether_it_was_set),
		cmocka_unit_test(ssh_config_parse__refuses_ports_out_of_range),
		cmocka_unit_test(ssh_config_parse__survives_any_bytes),
		cmocka_unit_test(ssh_config_has_word__finds_whole_words_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
