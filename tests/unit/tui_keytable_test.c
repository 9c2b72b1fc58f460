/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of actions, the keys file, and the palette over both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tui/term/clip.h"
#include "tui/term/keyfile.h"
#include "tui/term/keytable.h"
#include "tui/part/palette.h"

#define EVERYWHERE (IN_LIVE | IN_HOME | IN_PLAN | IN_REVIEW)

static int reset(void **state)
{
	(void)state;
	keytable_reset();
	return 0;
}

static enum action does(const char *key)
{
	struct press press;

	assert_true(keytable_parse(key, &press));
	return keytable_find(IN_LIVE, &press);
}

static void keytable__only_upper_case_changes_and_no_key_does_two_things(void **state)
{
	(void)state;
	for (const struct action_row *row = keytable(); row->action != ACTION_NONE; row++) {
		struct buf keys = { 0 };
		char *rest, *key;

		assert_ptr_equal(keytable_row(row->action), row);
		assert_ptr_equal(keytable_named(row->where, row->name), row);
		assert_non_null(row->help);
		buf_puts(&keys, row->keys);
		for (key = keys.data ? strtok_r(keys.data, " ", &rest) : NULL; key; key = strtok_r(NULL, " ", &rest)) {
			struct press press;

			assert_true(keytable_parse(key, &press));
			if (row->changes)
				assert_true(press.code == PRESS_CHAR && press.cp >= 'A' && press.cp <= 'Z');
			/* On each screen it is for, it does this and nothing else. */
			for (unsigned where = 1; where < 1u << SCREENS; where <<= 1)
				if (row->where & where)
					assert_int_equal(keytable_find(where, &press), row->action);
		}
		buf_done(&keys);
	}
}

static void keytable__keys_file_binds_and_unbinds(void **state)
{
	struct err e = { 0 };
	struct buf keys = { 0 };

	(void)state;
	assert_int_equal(keytable_read("# mine\n\nx  note\n\tF5 redraw # again\r\nj nothing\nJ stop\nCtrl-P page-up", "keys", &e), 0);
	assert_int_equal(does("x"), ACTION_NOTE);
	assert_int_equal(does("F5"), ACTION_REDRAW);
	assert_int_equal(does("j"), ACTION_NONE);
	assert_int_equal(does("Down"), ACTION_DOWN);
	assert_int_equal(does("J"), ACTION_STOP);
	assert_int_equal(does("Ctrl-P"), ACTION_PAGE_UP);
	assert_string_equal(keytable_key(ACTION_DOWN), "Down");
	keytable_keys(ACTION_NOTE, &keys);
	assert_string_equal(buf_text(&keys), "i, x");
	keytable_reset();
	assert_int_equal(does("j"), ACTION_DOWN);
	assert_int_equal(does("x"), ACTION_NONE);
	buf_done(&keys);
}

/* What a bad line does, and that the good ones around it hold. */
static void bad_line(const char *line, const char *want)
{
	char *text = mem_printf("x note\n%s\nz say\n", line);
	struct err e = { 0 };

	keytable_reset();
	assert_int_equal(keytable_read(text, "/home/gov/keys", &e), 1);
	assert_string_equal(e.text, want);
	assert_int_equal(does("x"), ACTION_NOTE);
	assert_int_equal(does("z"), ACTION_SAY);
	mem_free(text);
}

static void keytable__keys_file_faults_name_the_line(void **state)
{
	(void)state;
	bad_line("q fnd", "/home/gov/keys:2: there is no action \"fnd\"; do you mean \"find\"?");
	bad_line("Hyper-q find", "/home/gov/keys:2: there is no key \"Hyper-q\": a character, or Enter Tab Up PgDn F5 Ctrl-L space …");
	bad_line("? find", "/home/gov/keys:2: \"?\" always does the same and cannot be bound");
	bad_line("Esc leave", "/home/gov/keys:2: \"Esc\" always does the same and cannot be bound");
	bad_line("Ctrl-c leave", "/home/gov/keys:2: \"Ctrl-c\" always does the same and cannot be bound");
	bad_line("s stop", "/home/gov/keys:2: \"stop\" changes something: it takes an upper case letter or F1 to F12, not \"s\"");
	bad_line("Ctrl-S stop", "/home/gov/keys:2: \"stop\" changes something: it takes an upper case letter or F1 to F12, not \"Ctrl-S\"");
	bad_line("f", "/home/gov/keys:2: \"f\" lacks an action behind it");
	bad_line("f find now", "/home/gov/keys:2: a line is KEY ACTION, and nothing more");
	bad_line("Ctrl-M find", "/home/gov/keys:2: there is no key \"Ctrl-M\": a character, or Enter Tab Up PgDn F5 Ctrl-L space …");
}

static void keyfile__is_found_and_a_fault_is_told(void **state)
{
	char dir[] = "/tmp/keyfile.XXXXXX";
	char *below, *path;
	struct err e = { 0 };
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_int_equal(keyfile_load(&e), 0);
	below = mem_printf("%s/bellbook", dir);
	assert_int_equal(mkdir(below, 0700), 0);
	path = keyfile_path();
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("x note\ny nothin\nz nix\n", file);
	fclose(file);
	assert_int_equal(keyfile_load(&e), -1);
	assert_non_null(strstr(e.text, "2 lines do not count; the first is: "));
	assert_non_null(strstr(e.text, "/bellbook/keys:2: there is no action \"nothin\"; do you mean \"nothing\"?"));
	assert_int_equal(does("x"), ACTION_NOTE);
	unlink(path);
	rmdir(below);
	rmdir(dir);
	unsetenv("XDG_CONFIG_HOME");
	mem_free(below);
	mem_free(path);
}

static enum palette_did type(struct palette *palette, const char *text)
{
	struct keys *keys = keys_new();
	struct press press;
	enum palette_did did = PALETTE_GOES_ON;

	keys_feed(keys, text, strlen(text), 0);
	while (did == PALETTE_GOES_ON && keys_next(keys, KEYS_CUT_US, &press))
		did = palette_press(palette, &press);
	keys_free(keys);
	return did;
}

static void steps(void *arg, enum action action, struct buf *out)
{
	(void)arg;
	if (action == ACTION_STEP)
		buf_puts(out, "1 stop web\n2 copy \033[31mdata\n12 start\n");
}

/* Types into a fresh palette; wants it to run this, with that. */
static void runs(bool keys, const char *text, enum action action, const char *arg)
{
	struct palette *palette = mem_alloc(sizeof(*palette));

	palette_open(palette, IN_LIVE, keys, steps, NULL);
	assert_int_equal(type(palette, text), PALETTE_RUNS);
	assert_int_equal(palette->run, action);
	if (arg)
		assert_string_equal(palette->arg, arg);
	else
		assert_null(palette->arg);
	palette_close(palette);
	mem_free(palette);
}

static void palette__runs_what_is_named_or_picked(void **state)
{
	(void)state;
	runs(false, "find\r", ACTION_FIND, NULL);
	runs(false, "pau\r", ACTION_PAUSE, NULL);
	runs(false, "find  out of disk\r", ACTION_FIND, "out of disk");
	runs(false, "mou\t\033[B\r", ACTION_MOUSE, "off");
	runs(false, "mouse on\r", ACTION_MOUSE, "on");
	runs(false, "slow\r", ACTION_SLOW, NULL);
	runs(false, "step 12\r", ACTION_STEP, "12");
	runs(false, "step \033[B\t\r", ACTION_STEP, "2 copy ^[[31mdata");
	runs(false, "say hello there\r", ACTION_SAY, "hello there");
}

static void palette__help_is_found_by_key_and_by_word(void **state)
{
	(void)state;
	runs(true, "X\r", ACTION_STOP, NULL);
	runs(true, "P\r", ACTION_PAUSE, NULL);
	runs(true, "PgUp\r", ACTION_PAGE_UP, NULL);
	runs(true, "journal\r", ACTION_NOTE, NULL);
}

static void palette__every_action_can_be_found(void **state)
{
	(void)state;
	for (unsigned where = 1; where < 1u << SCREENS; where <<= 1)
		for (const struct action_row *row = keytable(); row->action != ACTION_NONE; row++) {
			struct palette *palette = mem_alloc(sizeof(*palette));

			palette_open(palette, where, false, NULL, NULL);
			assert_int_equal(type(palette, row->name), PALETTE_GOES_ON);
			if (row->where & where)
				assert_int_equal(palette->items[0].action, row->action);
			else
				assert_true(palette->count == 0 || palette->items[0].action != row->action);
			palette_close(palette);
			mem_free(palette);
		}
}

static void palette__says_why_and_closes(void **state)
{
	struct palette *palette = mem_alloc(sizeof(*palette));

	(void)state;
	palette_open(palette, EVERYWHERE, false, NULL, NULL);
	assert_int_equal(type(palette, "xyzzy\r"), PALETTE_GOES_ON);
	assert_string_equal(palette->error, "nothing here is called that; Esc closes");
	assert_int_equal(type(palette, "\025redraw now\r"), PALETTE_GOES_ON);
	assert_string_equal(palette->error, "\"redraw\" takes nothing behind it");
	assert_int_equal(type(palette, "\025\t"), PALETTE_GOES_ON);
	assert_int_equal(type(palette, "\003"), PALETTE_CLOSED);
	palette_close(palette);
	mem_free(palette);
}

static void clip__speaks_osc_52_whole_or_in_pieces(void **state)
{
	struct buf out = { 0 };
	char long_text[2000];

	(void)state;
	clip_sequence(&out, "hello", 5, false);
	assert_string_equal(buf_text(&out), "\033]52;c;aGVsbG8=\007");
	buf_clear(&out);
	memset(long_text, 'x', sizeof(long_text));
	clip_sequence(&out, long_text, sizeof(long_text), true);
	for (const char *at = buf_text(&out); *at;) {
		const char *stop = strstr(at, "\033\\");

		assert_int_equal(strncmp(at, "\033P", 2), 0);
		assert_non_null(stop);
		assert_true(stop - at < 768);
		at = stop + 2;
	}
	assert_true(clip_terminal_can("xterm-256color") && clip_terminal_can("tmux"));
	assert_false(clip_terminal_can("linux") || clip_terminal_can("vt100") || clip_terminal_can(NULL));
	buf_done(&out);
}

static void clip__saves_for_the_person_alone(void **state)
{
	char dir[] = "/tmp/clip.XXXXXX";
	char *path = NULL, *command;
	struct err e = { 0 };
	struct stat info;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_STATE_HOME", dir, 1);
	assert_int_equal(clip_save("one\n", 3, "output", &path, &e), 0);
	mem_free(path);
	assert_int_equal(clip_save("two\n", 3, "output", &path, &e), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_size, 4);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_non_null(strstr(path, "/bellbook/copies/session-3-output.txt"));
	unlink(path);
	for (const char *const *part = (const char *const[]){ "bellbook/copies", "bellbook", "", NULL }; *part; part++) {
		command = mem_printf("%s/%s", dir, *part);
		assert_int_equal(rmdir(command), 0);
		mem_free(command);
	}
	unsetenv("XDG_STATE_HOME");
	mem_free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(keytable__only_upper_case_changes_and_no_key_does_two_things, reset),
		cmocka_unit_test_setup(keytable__keys_file_binds_and_unbinds, reset),
		cmocka_unit_test_setup(keytable__keys_file_faults_name_the_line, reset),
		cmocka_unit_test_setup(keyfile__is_found_and_a_fault_is_told, reset),
		cmocka_unit_test_setup(palette__runs_what_is_named_or_picked, reset),
		cmocka_unit_test_setup(palette__help_is_found_by_key_and_by_word, reset),
		cmocka_unit_test_setup(palette__every_action_can_be_found, reset),
		cmocka_unit_test_setup(palette__says_why_and_closes, reset),
		cmocka_unit_test_setup(clip__speaks_osc_52_whole_or_in_pieces, reset),
		cmocka_unit_test_setup(clip__saves_for_the_person_alone, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
