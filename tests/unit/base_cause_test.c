/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"

/* Outputs as the programs print them, and the words that a person must see; what must not be seen stands in `never`. */
static const struct {
	const char *name, *err, *out, *first, *also, *never;
} cases[] = {
	{ "ruby-build without a network",
		"Downloading ruby-4.0.5.tar.gz...\n-> curl -q -fL -o ruby-4.0.5.tar.gz https://cache.ruby-lang.org/pub/ruby/4.0/ruby-4.0.5.tar.gz\n"
		"curl: (6) Could not resolve host: cache.ruby-lang.org\nerror: failed to download ruby-4.0.5.tar.gz\n\n"
		"BUILD FAILED (Debian GNU/Linux 13 on x86_64 using ruby-build 20260105)\n",
		"", "curl: (6) Could not resolve host: cache.ruby-lang.org", "error: failed to download ruby-4.0.5.tar.gz", "BUILD FAILED" },
	{ "yarn 4, package not there", "",
		"➤ YN0000: · Yarn 4.12.0\n➤ YN0000: ┌ Resolution step\n➤ YN0002: │ react@npm:19 doesn't provide x (p1), requested by y\n"
		"➤ YN0035: │ no-such-thing@npm:1.2.3: Package not found\n➤ YN0035: │   Response Code: 404 (Not Found)\n"
		"➤ YN0035: │   Request Method: GET\n➤ YN0035: │   Request URL: https://registry.yarnpkg.com/no-such-thing\n"
		"➤ YN0000: └ Completed in 1s 204ms\n➤ YN0000: · Failed with errors in 1s 300ms\n",
		"YN0035: no-such-thing@npm:1.2.3: Package not found", NULL, "Request URL" },
	{ "yarn 4, name service", "", "➤ YN0001: │ RequestError: getaddrinfo EAI_AGAIN registry.yarnpkg.com\n    at ClientRequest.<anonymous> (/x.cjs:195:14340)\n"
		"➤ YN0000: · Failed with errors in 10s\n", "YN0001: RequestError: getaddrinfo EAI_AGAIN registry.yarnpkg.com", NULL, "Failed with errors" },
	{ "yarn 1, engine", "error html-minifier@1.0.0: The engine \"node\" is incompatible with this module. Expected version \">=20\". Got \"18.19.1\"\n"
		"error Found incompatible module.\n", "yarn install v1.22.22\ninfo Visit https://yarnpkg.com/en/docs/cli/install for documentation\n",
		"error html-minifier@1.0.0: The engine \"node\" is incompatible", NULL, "info Visit" },
	{ "vite, disk full", "", "vite v7.1.0 building for production...\ntransforming...\n[31merror during build:[39m\n"
		"Error: No space left on device (os error 28)\n    at Object.write (node:fs:1)\n  errors: [Getter/Setter]\n}\nBuild with Vite failed! ❌\n",
		"Error: No space left on device (os error 28)", NULL, "Getter" },
	{ "vite not there", "Usage Error: Couldn't find a script named \"vite\".\n\n$ yarn run [--inspect] <scriptName> ...\n", "Building with Vite ⚡️\n",
		"Usage Error: Couldn't find a script named \"vite\".", NULL, NULL },
	{ "vite killed", "bin/rails aborted!\n", "transforming (4012) app/javascript/x.ts\nKilled\nBuild with Vite failed! pid 4711 SIGKILL (signal 9)\n", "Killed", "SIGKILL", NULL },
	{ "rollup", "error during build:\n[vite]: Rollup failed to resolve import \"lodash/fp\" from \"/home/mastodon/live/app/javascript/a.ts\".\nThis is most likely unintended.\n    at x\n", "",
		"[vite]: Rollup failed to resolve import \"lodash/fp\"", NULL, NULL },
	{ "a native gem", "Gem::Ext::BuildError: ERROR: Failed to build gem native extension.\n\n    current directory: /x/charlock_holmes-0.7.9/ext\n"
		"/home/mastodon/.rbenv/versions/3.3.8/bin/ruby extconf.rb\nchecking for -licui18n... no\nwhich: no brew\ntranscoder.c:1:10: fatal error: unicode/ucnv.h: No such file or directory\n"
		"compilation terminated.\nmake: *** [Makefile:245: transcoder.o] Error 1\n\nGem files will remain installed in /x for inspection.\n"
		"Results logged to /x/gem_make.out\n\n  /x.rb:119:in 'run'\nAn error occurred while installing charlock_holmes (0.7.9), and Bundler cannot\ncontinue.\n", "",
		"transcoder.c:1:10: fatal error: unicode/ucnv.h", "installing charlock_holmes (0.7.9)", "Gem files will remain" },
	{ "bundler, gems not there", "/usr/lib/ruby/bundler/spec_set.rb:91:in 'block in materialize': Could not find rails-8.1.3, pg-1.6.2 in locally installed gems (Bundler::GemNotFound)\n"
		"\tfrom /usr/lib/ruby/bundler/spec_set.rb:84:in 'map!'\n\tfrom bin/rails:4:in '<main>'\n", "", "Could not find rails-8.1.3, pg-1.6.2 in locally installed gems (Bundler::GemNotFound)", NULL, "from bin/rails" },
	{ "a migration behind a lock", "[strong_migrations] DANGER: No lock timeout set\nbin/rails aborted!\nStandardError: An error has occurred, this and all later migrations canceled: (StandardError)\n\n"
		"PG::LockNotAvailable: ERROR:  canceling statement due to lock timeout\n/home/mastodon/live/db/migrate/1_x.rb:7:in 'change'\n\nCaused by:\n"
		"ActiveRecord::LockWaitTimeout: PG::LockNotAvailable: ERROR:  canceling statement due to lock timeout (ActiveRecord::LockWaitTimeout)\nTasks: TOP => db:migrate\n(See full trace by running task with --trace)\n",
		"== 1 X: migrating ====\n", "PG::LockNotAvailable: ERROR:  canceling statement due to lock timeout", NULL, "all later migrations" },
	{ "a unique index", "bin/rails aborted!\nStandardError: An error has occurred, all later migrations canceled: (StandardError)\n\n"
		"PG::UniqueViolation: ERROR:  could not create unique index \"index_x\"\nDETAIL:  Key (lower(username::text))=(eve) is duplicated.\n/x.rb:3:in 'up'\n", "",
		"PG::UniqueViolation: ERROR:  could not create unique index \"index_x\"", "DETAIL:  Key (lower(username::text))=(eve) is duplicated.", "canceled" },
	{ "the settings are not there", "Mastodon now requires that these variables are set:\n  - ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY\n  - ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT\n\nRun 'bin/rails db:encryption:init'\n",
		"I, [2026-11-29T13:00:29.085184 #397]  INFO -- : [dotenv] Loaded [33m.env.production[0m\n", "Mastodon now requires that these variables are set:", "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", "dotenv" },
	{ "pg_dump without rights", "pg_dump: error: query failed: ERROR:  permission denied for table accounts\npg_dump: detail: Query was: LOCK TABLE public.accounts IN ACCESS SHARE MODE\n", "",
		"pg_dump: error: query failed: ERROR:  permission denied for table accounts", NULL, NULL },
	{ "a server that speaks German", "pg_dump: error: query failed: FEHLER:  keine Berechtigung für Tabelle accounts\npg_dump: detail: Query was: LOCK TABLE public.accounts IN ACCESS SHARE MODE\n", "",
		"pg_dump: error: query failed: FEHLER:  keine Berechtigung", NULL, NULL },
	{ "the same with a psql that does, too", "psql:x.sql:3: HINWEIS:  Relation »a« existiert bereits, wird übersprungen\npsql:x.sql:9: FEHLER:  Wert zu lang für Typ character varying(5)\nKONTEXT:  x\n", "",
		"psql:x.sql:9: FEHLER:  Wert zu lang", NULL, "HINWEIS" },
	{ "French", "one\nERREUR:  droit refusé pour la table accounts\nINSTRUCTION :  SELECT 1\ntwo\n", "", "ERREUR:  droit refusé", NULL, "two" },
	{ "Russian", "one\nОШИБКА:  нет доступа к таблице accounts\ntwo\n", "", "ОШИБКА:  нет доступа", NULL, "two" },
	{ "Japanese", "one\n致命的エラー:  データベース\"x\"は現在接続を受け付けません\ntwo\n", "", "致命的エラー:", NULL, "two" },
	{ "pg_dump too old", "pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 17.5; pg_dump version: 15.13\n", "",
		"pg_dump: error: aborting because of server version mismatch", "pg_dump version: 15.13", NULL },
	{ "psql, wrong password", "psql: error: connection to server at \"localhost\" (::1), port 5432 failed: FATAL:  password authentication failed for user \"mastodon\"\n"
		"connection to server at \"localhost\" (::1), port 5432 failed: FATAL:  password authentication failed for user \"mastodon\"\n", "", "psql: error: connection to server", NULL, NULL },
	{ "git without access", "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n", "",
		"ERROR: Repository not found.", "fatal: Could not read from remote repository.", "and the repository exists" },
	{ "git, files in the way", "error: Your local changes to the following files would be overwritten by checkout:\n\tapp/models/user.rb\n\tconfig/x.yml\nPlease commit your changes or stash them before you switch branches.\nAborting\n", "",
		"error: Your local changes to the following files would be overwritten by checkout:", "app/models/user.rb", NULL },
	{ "git's warning is no cause", "warning: unable to access '/root/.config/git/attributes': Permission denied\nfatal: unable to access 'https://github.com/mastodon/mastodon.git/': Could not resolve host: github.com\n", "",
		"fatal: unable to access 'https://github.com/mastodon/mastodon.git/': Could not resolve host: github.com", NULL, "attributes" },
	{ "sudo, no such user", "sudo: unknown user toot\nsudo: error initializing audit plugin sudoers_audit\n", "", "sudo: unknown user toot", NULL, "audit plugin" },
	{ "sudo wants a terminal", "sudo: sorry, you must have a tty to run sudo\n", "", "sudo: sorry, you must have a tty to run sudo", NULL, NULL },
	{ "tar, disk full", "tar: /var/backups/x.tar.gz: Wrote only 4096 of 10240 bytes\ntar: Child returned status 1\ntar: /var/backups/x.tar.gz: Cannot write: No space left on device\ntar: Error is not recoverable: exiting now\n", "",
		"tar: /var/backups/x.tar.gz: Cannot write: No space left on device", NULL, "not recoverable" },
	{ "redis-cli", "Could not connect to Redis at 127.0.0.1:6379: Connection refused\n", "", "Could not connect to Redis at 127.0.0.1:6379: Connection refused", NULL, NULL },
	{ "Redis answers on stdout", "", "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.\n", "MISCONF Redis is configured", NULL, NULL },
	{ "node", "node:internal/modules/cjs/loader:1143\n  throw err;\n  ^\n\nError: Cannot find module 'pg'\nRequire stack:\n- /home/mastodon/live/streaming/index.js\n    at Module._resolveFilename (node:internal/x)\n"
		"  code: 'MODULE_NOT_FOUND',\n}\n\nNode.js v24.1.0\n", "", "Error: Cannot find module 'pg'", NULL, "Node.js v24" },
	{ "systemd", "Failed to restart nosuch.service: Unit nosuch.service not found.\n", "", "Failed to restart nosuch.service: Unit nosuch.service not found.", NULL, NULL },
	{ "npm", "npm error code EACCES\nnpm error syscall mkdir\nnpm error path /usr/lib/node_modules\nnpm error A complete log of this run can be found in: /root/.npm/_logs/x.log\n", "", "npm error code EACCES", NULL, "complete log" },
	{ "a web request's log", "", "I, [2026-11-29T13:00:29.085184 #397]  INFO -- : [7d6aaa53-0000-4000-8000-0123456789ab] method=GET path=/ error=denied status=500\n"
		"F, [2026-11-29T13:00:29.085184 #397] FATAL -- : [7d6aaa53-0000-4000-8000-0123456789ab] NoMethodError (undefined method 'x' for nil)\n", "NoMethodError (undefined method 'x' for nil)", NULL, "method=GET" },
	{ "nothing that is known: the last paragraph", "step one\nstep two\n\nthe gizmo is askew\nturn it round\n", "much\n", "the gizmo is askew\nturn it round", NULL, "step two" },
	{ "only output", "", "no\nway\n", "no\nway", NULL, NULL },
	{ "nothing at all", "", "", "", NULL, NULL },
	{ "sequences in one another", "\033\033[31merror: \033]0;t\033[1mno\030 way \033$(Bout\033P;x\033\\\n", "", "error: no way out", NULL, NULL },
	{ "a bar that grows in place", "", "10 %\r50 %\rcannot go on\r\n", "cannot go on", NULL, "50 %" },
};

static void cause_find__names_what_went_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf found = {0};
		const char *text;

		cause_find(cases[i].err, cases[i].out, &found);
		text = buf_text(&found);
		if (strncmp(text, cases[i].first, strlen(cases[i].first)) != 0 && !(strchr(cases[i].first, '(') && strstr(text, cases[i].first)))
			fail_msg("%s: begins with\n%s\nand not with\n%s", cases[i].name, text, cases[i].first);
		if (cases[i].also && !strstr(text, cases[i].also))
			fail_msg("%s: \"%s\" is not in\n%s", cases[i].name, cases[i].also, text);
		if (cases[i].never && strstr(text, cases[i].never))
			fail_msg("%s: \"%s\" is in\n%s", cases[i].name, cases[i].never, text);
		buf_done(&found);
	}
}

static size_t lines_of(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void cause_find__is_short_and_clean_whatever_comes(void **state)
{
	struct buf text = {0}, found = {0};

	(void)state;
	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "error: \033[31mline\033[0m %d \033]0;title\a\001\xff\n", i);
	for (int i = 0; i < 5000; i++)
		buf_putc(&text, 'x');
	cause_find(buf_text(&text), NULL, &found);
	assert_true(lines_of(buf_text(&found)) <= CAUSE_LINES);
	assert_true(found.len <= CAUSE_LINES * (CAUSE_LINE_BYTES + 4));
	assert_null(strchr(buf_text(&found), '\033'));
	assert_null(strchr(buf_text(&found), '\001'));
	buf_done(&text);
	buf_clear(&found);
	cause_find("\033", "\033[", &found);
	cause_find("\033]", "\033(", &found);
	cause_find(NULL, NULL, &found);
	assert_int_equal(found.len, 0);
	buf_done(&found);
}

static void cause_command__is_the_program_not_its_settings(void **state)
{
	static const struct {
		const char *shown, *words;
	} some[] = {
		{ "git fetch --tags", "git fetch --tags" },
		{ "PGPASSWORD=\"$(sed -n \"s/^\\(export \\)\\{0,1\\}DB_PASS=//p\" .env.production | tail -n 1)\" psql -XAtq -c 'SELECT 1'", "psql -XAtq -c 'SELECT 1'" },
		{ "umask 077 && A=1 pg_dump -Fc", "pg_dump -Fc" },
		{ "mkdir -p tmp/bellbook && echo begun >tmp/x && bundle exec rails assets:precompile", "echo begun >tmp/x && bundle exec rails assets:precompile" },
		{ "redis-cli -n 0 EVAL 'local p = 1\nreturn p' 0", "redis-cli -n 0 EVAL 'local p = 1…" },
		{ "cd /x; make", "make" },
		{ "A=1", "A=1" },
		{ "umask 077", "umask 077" },
		{ "\nsay() { printf x; }\nsay y\n", "say() { printf x; }…" },
		{ "", "" },
		{ "cd /home | cat", "cd /home | cat" },
		{ "\"unclosed", "\"unclosed" },
	};
	struct buf words = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		buf_clear(&words);
		cause_command(some[i].shown, &words);
		assert_string_equal(buf_text(&words), some[i].words);
	}
	buf_clear(&words);
	cause_command("012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", &words);
	assert_int_equal(words.len, CAUSE_COMMAND_BYTES + strlen("…"));
	buf_done(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cause_find__names_what_went_wrong),
		cmocka_unit_test(cause_find__is_short_and_clean_whatever_comes),
		cmocka_unit_test(cause_command__is_the_program_not_its_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
