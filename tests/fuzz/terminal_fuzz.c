/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as what a host writes to a shell's terminal. The first two bytes are its size; a byte
 * 0xfe cuts the output, and the two behind it are another size. No cell may steer the terminal it is shown on, and
 * the words of the output must not depend on the cuts.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/strip.h"
#include "base/utf8.h"
#include "tui/term/vt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cells(const struct vt *vt)
{
	struct canvas *canvas;
	int rows, cols;

	vt_size(vt, &rows, &cols);
	canvas = canvas_new(rows, cols, false);
	vt_draw(vt, 0, 0, canvas, (struct area){ 0, 0, rows, cols });
	for (int i = 0; i < rows * cols; i++) {
		const struct cell *cell = &canvas->cells[i];

		assert(cell->cp == 0 || (utf8_is_safe(cell->cp) && utf8_width(cell->cp) > 0));
		for (int k = 0; k < CANVAS_COMBINING; k++)
			assert(cell->combining[k] == 0 || utf8_is_safe(cell->combining[k]));
	}
	canvas_free(canvas);
}

static void check_words(const char *bytes, size_t len)
{
	struct strip whole = { 0 }, cut = { 0 };
	struct buf one = { 0 }, other = { 0 };

	strip_feed(&whole, bytes, len, &one);
	for (size_t at = 0; at < len; at += 3)
		strip_feed(&cut, bytes + at, len - at < 3 ? len - at : 3, &other);
	assert(one.len == other.len && memcmp(buf_text(&one), buf_text(&other), one.len) == 0);
	assert(!memchr(buf_text(&one), '\033', one.len));
	buf_done(&one);
	buf_done(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf answers = { 0 };
	struct vt *vt;

	if (size < 2)
		return 0;
	vt = vt_new(data[0] % 40, data[1] % 90);
	check_words((const char *)data + 2, size - 2);
	for (size_t at = 2; at < size; at += 3) {
		const uint8_t *end = memchr(data + at, 0xfe, size - at);
		size_t len = end ? (size_t)(end - (data + at)) : size - at;

		vt_feed(vt, data + at, len);
		at += len;
		if (at + 2 < size)
			vt_resize(vt, data[at + 1] % 40, data[at + 2] % 90);
	}
	check_cells(vt);
	vt_answers(vt, &answers);
	buf_done(&answers);
	vt_free(vt);
	return 0;
}
