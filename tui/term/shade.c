/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/term/shade.h"

struct rgb { int red, green, blue; };

static const int levels[] = { 0, 95, 135, 175, 215, 255 };

/* The sixteen as xterm has them; a person's theme may differ. */
static const struct rgb sixteen[] = {
	{ 0, 0, 0 }, { 205, 0, 0 }, { 0, 205, 0 }, { 205, 205, 0 }, { 0, 0, 238 }, { 205, 0, 205 }, { 0, 205, 205 },
	{ 229, 229, 229 }, { 127, 127, 127 }, { 255, 0, 0 }, { 0, 255, 0 }, { 255, 255, 0 }, { 92, 92, 255 },
	{ 255, 0, 255 }, { 0, 255, 255 }, { 255, 255, 255 },
};

static int distance(struct rgb a, struct rgb b)
{
	return (a.red - b.red) * (a.red - b.red) + (a.green - b.green) * (a.green - b.green)
		+ (a.blue - b.blue) * (a.blue - b.blue);
}

static struct rgb rgb_of(int number)
{
	int grey = 8 + (number - 232) * 10;

	if (number < 16)
		return sixteen[number < 0 ? 0 : number];
	if (number >= 232)
		return (struct rgb){ grey, grey, grey };
	number -= 16;
	return (struct rgb){ levels[number / 36], levels[number / 6 % 6], levels[number % 6] };
}

static int nearest_level(int value)
{
	int best = 0;

	for (int i = 1; i < 6; i++)
		if ((levels[i] - value) * (levels[i] - value) < (levels[best] - value) * (levels[best] - value))
			best = i;
	return best;
}

int shade_of_rgb(int red, int green, int blue)
{
	struct rgb wanted = { red, green, blue };
	int cube = 16 + 36 * nearest_level(red) + 6 * nearest_level(green) + nearest_level(blue);
	int grey = (red + green + blue) / 3;

	grey = grey < 8 ? 232 : grey > 238 ? 255 : 232 + (grey - 3) / 10;
	return distance(rgb_of(grey), wanted) < distance(rgb_of(cube), wanted) ? grey : cube;
}

int shade_for(int number, int colors, bool *bold)
{
	struct rgb wanted = rgb_of(number);
	int best = number < 16 ? number : 0;

	*bold = false;
	if (colors >= 256)
		return number;
	for (int i = 1; number >= 16 && i < 16; i++)
		if (distance(sixteen[i], wanted) < distance(sixteen[best], wanted))
			best = i;
	if (colors >= 16)
		return best;
	*bold = best >= 8;
	return best & 7;
}
