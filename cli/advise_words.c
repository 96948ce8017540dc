/* SPDX-License-Identifier: MIT */
#include "advise_words.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

/* A unit, and the least of it that is told with digits. */
struct unit {
	double ns;
	const char *name;
	double least;
};

static const struct unit *unit_of(double ns)
{
	static const struct unit units[] = {{1, "ns", 0.1}, {1e3, "us", 0.001}, {1e6, "ms", 0.001}, {1e9, "s", 0.001}};
	size_t i = 0;
	while (i + 1 < sizeof units / sizeof *units && ns >= units[i + 1].ns)
		i++;
	return &units[i];
}

/* NS in UNIT, without its name. */
static int put_number(char *text, size_t bytes, const struct unit *unit, double ns)
{
	const double number = ns / unit->ns;
	if (fabs(number) < unit->least)
		return snprintf(text, bytes, "under %g", unit->least);
	/* An end of an interval may lie in the next unit; %.3g would tell it as 1.2e+03. */
	return snprintf(text, bytes, fabs(number) < 999.5 ? "%.3g" : "%.0f", number);
}

const char *length_text(char text[WORDS_BYTES], double ns)
{
	return price_text(text, ns, ns, ns);
}

const char *price_text(char text[WORDS_BYTES], double ns, double low, double high)
{
	const struct unit *unit = unit_of(ns);
	char middle[32], from[32], to[32];
	put_number(middle, sizeof middle, unit, ns);
	put_number(from, sizeof from, unit, low);
	put_number(to, sizeof to, unit, high);
	if (high > low && high / unit->ns >= unit->least)
		snprintf(text, WORDS_BYTES, "%s %s (%s to %s)", middle, unit->name, from, to);
	else
		snprintf(text, WORDS_BYTES, "%s %s", middle, unit->name);
	return text;
}

const char *share_text(char text[WORDS_BYTES], double share)
{
	if (share < 0.0001)
		return "under 0.01 %";
	snprintf(text, WORDS_BYTES, share < 0.995 ? "%.2g %%" : "%.0f %%", 100 * share);
	return text;
}

const char *times_text(char text[WORDS_BYTES], double times)
{
	if (!(times <= 99999))
		return "over 99999";
	if (times < 0.001)
		return "under 0.001";
	snprintf(text, WORDS_BYTES, times < 1 ? "%.2g" : times < 9.95 ? "%.1f" : "%.0f", times);
	return text;
}
