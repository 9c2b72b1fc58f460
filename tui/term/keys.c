/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rule that matters: bytes that are no key never become a key. A terminal's late answer, a cut arrow key
 * on a slow link or a mouse report must not end in a stray letter, so an unknown sequence is dropped whole.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "tui/term/keys.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#define SEQUENCE_MAX 64		/* a longer CSI sequence is garbage */

static const char paste_end[] = "\033[201~";
static const char report[] = "\033[0n";

struct keys {
	struct buf in;
	size_t at;		/* in.data[at..] is not decoded yet */
	int64_t fed_us;		/* when bytes last came */
	bool burst;		/* what was read last belongs to one */
	bool read;		/* something was read before, at read_us */
	int64_t read_us, enter_us;	/* enter_us: of an Enter that came alone, when entered */
	bool entered;
	int64_t held_us;	/* an Enter alone is given out from then on, 0 = none waits: on a slow line a paste comes in pieces */
	bool reports;		/* answers of the terminal are given out */
	bool pasting;
	struct buf paste;	/* what keys_next gave out last, or a paste that has not ended */
	char skip;		/* dropping a string sequence until ST or (']') BEL; 0 = no */
};

/* What the front of the buffer is. */
enum front {
	FRONT_MORE,	/* cannot be told yet */
	FRONT_PRESS,
	FRONT_DROP,	/* consumed, no press */
};

struct keys *keys_new(void)
{
	return mem_alloc(sizeof(struct keys));
}

void keys_free(struct keys *keys)
{
	if (!keys)
		return;
	if (keys->in.data)
		explicit_bzero(keys->in.data, keys->in.cap);
	if (keys->paste.data)
		explicit_bzero(keys->paste.data, keys->paste.cap);
	buf_done(&keys->in);
	buf_done(&keys->paste);
	mem_free(keys);
}

void keys_reports(struct keys *keys)
{
	keys->reports = true;
}

void keys_feed(struct keys *keys, const char *bytes, size_t len, int64_t now_us)
{
	if (keys->at > 0) {
		buf_consume(&keys->in, keys->at);
		keys->at = 0;
	}
	buf_append(&keys->in, bytes, len);
	keys->fed_us = now_us;
}

/* How many line ends there are. */
static size_t line_ends(const char *bytes, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += bytes[i] == '\r' || bytes[i] == '\n';
	return count;
}

/* How many bytes somebody typed: answers of the terminal come between keys and say nothing about them. */
static size_t typed_bytes(const struct keys *keys, const char *bytes, size_t len)
{
	size_t typed = len, size = sizeof(report) - 1;

	for (size_t i = 0; keys->reports && i + size <= len; i++)
		if (memcmp(bytes + i, report, size) == 0)
			typed -= size;
	return typed;
}

void keys_read(struct keys *keys, const char *bytes, size_t len, int64_t now_us)
{
	size_t enters = line_ends(bytes, len), typed = typed_bytes(keys, bytes, len);
	bool close = keys->read && now_us - keys->read_us < KEYS_BURST_US;
	bool again = keys->entered && now_us - keys->enter_us < KEYS_REPEAT_US;

	keys_feed(keys, bytes, len, now_us);
	if (typed == 0)
		return;
	keys->burst = (keys->burst && close) || (enters > 0 && (typed > 1 || close || again)) || (keys->held_us > now_us);
	keys->held_us = enters == 1 && typed == 1 && !keys->burst ? now_us + KEYS_BURST_US : 0;
	/* Another key between two Enters: it is not held. */
	keys->entered = enters > 0 && enters == typed;
	if (keys->entered)
		keys->enter_us = now_us;
	keys->read = true;
	keys->read_us = now_us;
}

bool keys_stops(const struct press *press, enum keys_place place)
{
	if (!press->burst || press->code == PRESS_PASTE || press->code == PRESS_MOUSE || press->code == PRESS_REPORT)
		return false;
	if (press->code == PRESS_ENTER)
		return true;
	if (press->code >= PRESS_UP && press->code <= PRESS_PAGE_DOWN)
		return false;
	return place == KEYS_FIELD ? false : place != KEYS_LIST || press->code != PRESS_CHAR || press->cp < '0' || press->cp > '9';
}

static enum front press_is(struct press *press, enum press_code code, uint32_t cp)
{
	*press = (struct press){ .code = code, .cp = cp };
	return FRONT_PRESS;
}

/* Final byte of CSI and SS3 cursor keys. */
static enum front cursor_key(char final, struct press *press)
{
	static const struct {
		char final;
		enum press_code code;
	} table[] = {
		{ 'A', PRESS_UP }, { 'B', PRESS_DOWN }, { 'C', PRESS_RIGHT }, { 'D', PRESS_LEFT },
		{ 'H', PRESS_HOME }, { 'F', PRESS_END }, { 'Z', PRESS_BACKTAB }, { 'M', PRESS_ENTER },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].final == final)
			return press_is(press, table[i].code, 0);
	if (final >= 'P' && final <= 'S')
		return press_is(press, PRESS_F, (uint32_t)(final - 'P') + 1);
	return FRONT_DROP;
}

/* CSI NUMBER ~ */
static enum front numbered_key(int number, struct press *press)
{
	switch (number) {
	case 1: case 7:
		return press_is(press, PRESS_HOME, 0);
	case 2:
		return press_is(press, PRESS_INSERT, 0);
	case 3:
		return press_is(press, PRESS_DELETE, 0);
	case 4: case 8:
		return press_is(press, PRESS_END, 0);
	case 5:
		return press_is(press, PRESS_PAGE_UP, 0);
	case 6:
		return press_is(press, PRESS_PAGE_DOWN, 0);
	default:
		break;
	}
	if (number >= 11 && number <= 15)
		return press_is(press, PRESS_F, (uint32_t)number - 10);
	if (number >= 17 && number <= 21)
		return press_is(press, PRESS_F, (uint32_t)number - 11);
	if (number == 23 || number == 24)
		return press_is(press, PRESS_F, (uint32_t)number - 12);
	return FRONT_DROP;
}

/* CSI < BUTTON ; COLUMN ; ROW M; 'm' is the release, which means nothing here. */
static enum front mouse_report(const char *params, size_t len, char final, struct press *press)
{
	int numbers[3] = { 0 }, at = 0;

	for (size_t i = 1; i < len; i++) {
		if (params[i] == ';' && ++at > 2)
			return FRONT_DROP;
		if (params[i] == ';')
			continue;
		if (params[i] < '0' || params[i] > '9' || numbers[at] > 9999)
			return FRONT_DROP;
		numbers[at] = numbers[at] * 10 + (params[i] - '0');
	}
	if (final != 'M' || at != 2 || numbers[1] < 1 || numbers[2] < 1)
		return FRONT_DROP;
	*press = (struct press){ .code = PRESS_MOUSE, .cp = (uint32_t)numbers[0], .row = numbers[2] - 1, .col = numbers[1] - 1 };
	return FRONT_PRESS;
}

/* ";5" behind the number: 1 + what was held down. */
static enum front with_mods(enum front front, const char *rest, size_t len, struct press *press)
{
	if (front == FRONT_PRESS && len == 2 && rest[0] == ';' && rest[1] >= '2' && rest[1] <= '8')
		press->mods = (unsigned)(rest[1] - '1');
	return front;
}

static enum front csi_end(struct keys *keys, const char *params, size_t len, char final, struct press *press)
{
	int number = 0;
	size_t i = 0;
	bool private = len > 0 && (params[0] < '0' || params[0] > '9');

	if (len > 0 && params[0] == '<' && (final == 'M' || final == 'm'))
		return mouse_report(params, len, final, press);
	for (; i < len && params[i] >= '0' && params[i] <= '9' && number < 10000; i++)
		number = number * 10 + (params[i] - '0');
	if (private && params[0] != ';')
		return FRONT_DROP;
	if (final == 'n')
		return keys->reports && len == 1 && number == 0 ? press_is(press, PRESS_REPORT, 0) : FRONT_DROP;
	/* ESC [ 12 ; 40 R is a terminal's answer (where the cursor is), not F3. */
	if (final != '~')
		return final == 'M' || final == 'R' || number > 1 ? FRONT_DROP
			: with_mods(cursor_key(final, press), params + i, len - i, press);
	if (number == 200) {
		keys->pasting = true;
		buf_clear(&keys->paste);
		return FRONT_DROP;
	}
	return with_mods(numbered_key(number, press), params + i, len - i, press);
}

/* text[0..len) starts with ESC [ */
static enum front csi(struct keys *keys, const char *text, size_t len, size_t *used, struct press *press)
{
	size_t i = 2;

	if (len < 3)
		return FRONT_MORE;
	if (text[2] == '[') {		/* Linux console: F1 is ESC [ [ A */
		if (len < 4)
			return FRONT_MORE;
		*used = 4;
		if (text[3] < 'A' || text[3] > 'E')
			return FRONT_DROP;
		return press_is(press, PRESS_F, (uint32_t)(text[3] - 'A') + 1);
	}
	if (text[2] == 'M') {		/* old mouse report: three bytes follow, which may be letters */
		*used = 6;
		return len < 6 ? FRONT_MORE : FRONT_DROP;
	}
	while (i < len && text[i] >= 0x20 && text[i] <= 0x3f && i < SEQUENCE_MAX)
		i++;
	if (i == len)
		return FRONT_MORE;
	if (text[i] < 0x40 || text[i] > 0x7e) {		/* broken off: what broke it is looked at anew */
		*used = i;
		return FRONT_DROP;
	}
	*used = i + 1;
	return csi_end(keys, text + 2, i - 2, text[i], press);
}

static enum front utf8(const char *text, size_t len, size_t *used, struct press *press);

/* text[0] is ESC. */
static enum front escape(struct keys *keys, const char *text, size_t len, size_t *used, struct press *press)
{
	*used = 1;
	if (len < 2)
		return FRONT_MORE;
	switch (text[1]) {
	case '[':
		return csi(keys, text, len, used, press);
	case 'O':
		if (len < 3)
			return FRONT_MORE;
		*used = 3;
		return cursor_key(text[2], press);
	case ']': case 'P': case '^': case '_': case 'X':
		keys->skip = text[1];
		*used = 2;
		return FRONT_DROP;
	case '\033':
		return press_is(press, PRESS_ESC, 0);
	default:
		break;
	}
	enum front front = utf8(text + 1, len - 1, used, press);

	*used += 1;
	if (front == FRONT_PRESS)
		press->code = press->code == PRESS_CHAR ? PRESS_ALT : press->code;
	return front;
}

static size_t utf8_expect(unsigned char lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 1;
}

/* One character, control or not, ESC excepted. */
static enum front utf8(const char *text, size_t len, size_t *used, struct press *press)
{
	unsigned char lead = (unsigned char)text[0];
	size_t want = utf8_expect(lead);
	uint32_t cp;

	*used = 1;
	if (lead == '\r' || lead == '\n')
		return press_is(press, PRESS_ENTER, 0);
	if (lead == '\t')
		return press_is(press, PRESS_TAB, 0);
	if (lead == 0x7f || lead == 0x08)
		return press_is(press, PRESS_BACKSPACE, 0);
	if (lead < 0x20)
		return press_is(press, PRESS_CTRL, (uint32_t)lead + '@');
	if (want > len) {
		size_t good = 1;

		while (good < len && ((unsigned char)text[good] & 0xc0) == 0x80)
			good++;
		if (good == len)
			return FRONT_MORE;
	}
	*used = utf8_decode(text, len, &cp);
	if (*used == 1 && lead >= 0x80)
		return FRONT_DROP;
	if (cp >= 0x80 && cp < 0xa0)	/* C1 */
		return FRONT_DROP;
	return press_is(press, PRESS_CHAR, cp);
}

/* In a paste: true when it is complete and *press is filled. */
static bool paste_next(struct keys *keys, int64_t now_us, struct press *press)
{
	const char *text = keys->in.data + keys->at;
	size_t len = keys->in.len - keys->at, n = 0;
	bool ended = false;

	while (n < len) {
		size_t left = len - n, match = sizeof(paste_end) - 1;

		if (text[n] == '\033') {
			if (memcmp(text + n, paste_end, left < match ? left : match) == 0) {
				ended = left >= match;
				break;
			}
		}
		n++;
	}
	size_t room = KEYS_PASTE_MAX - keys->paste.len;

	if (n > 0)
		buf_append(&keys->paste, text, n < room ? n : room);
	keys->at += n + (ended ? sizeof(paste_end) - 1 : 0);
	if (!ended && now_us - keys->fed_us < KEYS_CUT_US)
		return false;
	if (!ended)
		keys->at = keys->in.len;
	keys->pasting = false;
	*press = (struct press){ .code = PRESS_PASTE, .text = buf_text(&keys->paste),
		.len = keys->paste.len };
	return true;
}

/* Drops a string sequence (OSC, DCS …) up to its end; false when the end has not come. */
static bool skip_string(struct keys *keys, int64_t now_us)
{
	while (keys->at < keys->in.len) {
		char c = keys->in.data[keys->at];

		if (c == '\033' && keys->at + 1 == keys->in.len)
			break;
		keys->at++;
		if (c == '\033' && keys->in.data[keys->at] == '\\')
			keys->at++;
		else if (c != '\033' && c != '\007')
			continue;
		keys->skip = 0;
		return true;
	}
	if (now_us - keys->fed_us < KEYS_CUT_US)
		return false;
	keys->at = keys->in.len;
	keys->skip = 0;
	return true;
}

/* The front has waited long enough: a lone ESC is a press, anything else cut off is dropped. */
static bool front_late(struct keys *keys, int64_t now_us, struct press *press, bool *given)
{
	const char *text = keys->in.data + keys->at;
	size_t len = keys->in.len - keys->at;
	bool alone = len == 1 && text[0] == '\033';

	if (now_us - keys->fed_us < (alone ? KEYS_ESC_US : KEYS_CUT_US))
		return false;
	keys->at = keys->in.len;
	*given = alone;
	if (alone)
		press_is(press, PRESS_ESC, 0);
	return true;
}

static bool next(struct keys *keys, int64_t now_us, struct press *press)
{
	while (keys->pasting || keys->skip || keys->at < keys->in.len) {
		size_t used = 0;
		enum front front;
		bool given = false;

		if (keys->pasting)
			return paste_next(keys, now_us, press);
		if (keys->skip) {
			if (!skip_string(keys, now_us))
				return false;
			continue;
		}
		const char *text = keys->in.data + keys->at;
		size_t len = keys->in.len - keys->at;

		front = text[0] == '\033' ? escape(keys, text, len, &used, press)
			: utf8(text, len, &used, press);
		if (front == FRONT_MORE) {
			if (!front_late(keys, now_us, press, &given))
				return false;
			if (given)
				return true;
			continue;
		}
		keys->at += used;
		if (front == FRONT_PRESS)
			return true;
	}
	return false;
}

bool keys_next(struct keys *keys, int64_t now_us, struct press *press)
{
	if (now_us < keys->held_us)
		return false;
	keys->held_us = 0;
	if (!next(keys, now_us, press))
		return false;
	press->burst = keys->burst;
	return true;
}

int64_t keys_wait(const struct keys *keys, int64_t now_us)
{
	size_t len = keys->in.len - keys->at;
	int64_t wait = KEYS_CUT_US;

	if (keys->held_us > now_us)
		return keys->held_us - now_us;
	if (!keys->pasting && !keys->skip && len == 0)
		return -1;
	if (!keys->pasting && !keys->skip && len == 1 && keys->in.data[keys->at] == '\033')
		wait = KEYS_ESC_US;
	wait -= now_us - keys->fed_us;
	return wait > 0 ? wait : 0;
}
