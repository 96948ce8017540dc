/* SPDX-License-Identifier: MIT */
#include "markup.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void markup_escape(FILE *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		switch (*at) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		case '\r':
			fputs("&#13;", out);
			break;
		case 0xef: /* U+FFFE and U+FFFF are no characters */
			if (at[1] == 0xbf && at[2] >= 0xbe) {
				fputs(replacement, out);
				at += 2;
			} else {
				putc(*at, out);
			}
			break;
		default:
			if ((*at < ' ' && *at != '\t' && *at != '\n') || *at == 127)
				fputs(replacement, out);
			else
				putc(*at, out);
		}
	}
}

void markup_fill(FILE *out, const char *format, const char *const *values)
{
	for (; *format; format++) {
		if (*format != '$')
			putc(*format, out);
		else if (*values)
			markup_escape(out, *values++);
	}
}

/* Would a renderer that links by itself begin at AT of TEXT: "https://" (at the colon), "www." (at the point), "@user", an address? */
static bool starts_link(const char *text, const char *at)
{
	if (*at == '@')
		return true;
	if (*at == ':')
		return at[1] == '/' || (at - text >= 6 && strncasecmp(at - 6, "mailto", 6) == 0) ||
		       (at - text >= 4 && strncasecmp(at - 4, "xmpp", 4) == 0);
	return *at == '.' && at - text >= 3 && strncasecmp(at - 3, "www", 3) == 0;
}

void markdown_escape(FILE *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at == '<')
			fputs("&lt;", out);
		else if (*at == '>')
			fputs("&gt;", out);
		else if (*at == '&')
			fputs("&amp;", out);
		else if (*at < ' ' || *at == 127)
			putc(' ', out);
		else if (starts_link(text, (const char *)at))
			fprintf(out, "%c&#8203;", *at);
		else if (strchr("\\`*_[]()#|~!", *at))
			fprintf(out, "\\%c", *at);
		else
			putc(*at, out);
	}
}

void markup_json(FILE *out, const json_t *node)
{
	/* Outside of strings JSON has none of the three, so a replacement anywhere is one inside a string. JSON_ENSURE_ASCII takes care of
	 * the line separators. */
	char *text = json_dumps(node, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
	if (!text)
		node_must(NULL);
	for (const char *at = text; *at; at++) {
		if (*at == '<' || *at == '>' || *at == '&')
			fprintf(out, "\\u%04x", *at);
		else
			putc(*at, out);
	}
	free(text);
}

struct words anchor_words(const char *text)
{
	struct words anchor = {""};
	size_t used = 0;
	for (; *text && used + 4 < sizeof anchor.text; text++) {
		if (isalnum((unsigned char)*text) || *text == '-' || *text == '_')
			anchor.text[used++] = *text;
		else if (*text == '/')
			anchor.text[used++] = '-';
		else
			used += (size_t)snprintf(anchor.text + used, 4, "%02x", (unsigned char)*text);
	}
	return anchor;
}

struct words count_words(double count)
{
	struct words digits, grouped;
	snprintf(digits.text, 40, "%.0f", count);
	size_t length = strlen(digits.text), used = 0;
	for (size_t i = 0; i < length; i++) {
		grouped.text[used++] = digits.text[i];
		size_t left = length - i - 1;
		if (left && left % 3 == 0 && isdigit((unsigned char)digits.text[i]))
			grouped.text[used++] = ',';
	}
	grouped.text[used] = '\0';
	return grouped;
}

/* Three significant digits without an exponent. */
static void three_digits(char *text, size_t bytes, double value)
{
	double size = fabs(value);
	snprintf(text, bytes, "%.*f", size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 || size == 0 ? 2 : 3, value);
}

/* The unit in which NANOSECONDS is said, and by what it is divided for that. */
static const char *time_unit(double nanoseconds, double *divisor)
{
	static const char *const units[] = {"ns", "µs", "ms", "s"};
	size_t unit = 0;
	for (*divisor = 1; fabs(nanoseconds / *divisor) >= 999.5 && unit < 3; unit++)
		*divisor *= 1000;
	return units[unit];
}

struct words time_words(double nanoseconds)
{
	struct words words;
	char digits[32];
	double divisor;
	const char *unit = time_unit(nanoseconds, &divisor);
	three_digits(digits, sizeof digits, nanoseconds / divisor);
	snprintf(words.text, sizeof words.text, "%s %s", digits, unit);
	return words;
}

struct words interval_words(double low, double high, bool unit)
{
	struct words words;
	char from[24], to[24];
	double divisor;
	const char *name = time_unit(high, &divisor);
	three_digits(from, sizeof from, low / divisor);
	three_digits(to, sizeof to, high / divisor);
	snprintf(words.text, sizeof words.text, "%s–%s%s%s", from, to, unit ? " " : "", unit ? name : "");
	return words;
}

struct words ratio_interval_words(double low, double high)
{
	struct words words;
	char from[24], to[24];
	three_digits(from, sizeof from, low);
	three_digits(to, sizeof to, high);
	snprintf(words.text, sizeof words.text, "%s–%s×", from, to);
	return words;
}

struct words ratio_words(double ratio)
{
	struct words words;
	char digits[32];
	three_digits(digits, sizeof digits, ratio);
	snprintf(words.text, sizeof words.text, "%s×", digits);
	return words;
}

struct words bytes_words(double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;
	while (fabs(bytes) >= 1024 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	struct words words;
	snprintf(words.text, sizeof words.text, bytes < 10 && unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return words;
}

/* Two or three digits that never round up to all of it. */
static void percent_words(char *text, size_t bytes, double percent)
{
	snprintf(text, bytes, "%.*f %%", percent >= 99 || percent < 9.95 ? percent < 0.995 ? 2 : 1 : 0, percent);
}

struct words share_words(double part, double whole)
{
	struct words words;
	if (part <= 0 || whole <= 0)
		snprintf(words.text, sizeof words.text, "never");
	else if (part >= whole)
		snprintf(words.text, sizeof words.text, "always");
	else if (part / whole >= 0.001)
		percent_words(words.text, sizeof words.text, fmin(99.9, 100 * part / whole));
	else
		snprintf(words.text, sizeof words.text, "1 in %.40s", count_words(round(whole / part)).text);
	return words;
}

struct words number_words(uint64_t number)
{
	static const char *const names[] = {
		"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"};
	struct words words;
	if (number < sizeof names / sizeof *names)
		snprintf(words.text, sizeof words.text, "%s", names[number]);
	else
		snprintf(words.text, sizeof words.text, "%" PRIu64, number);
	return words;
}
