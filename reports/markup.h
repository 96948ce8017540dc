/* SPDX-License-Identifier: MIT */
/* Text for HTML, XML and Markdown. Everything that comes out of a report passes through one of the escapes here. */
#ifndef ONCEPROOF_MARKUP_H
#define ONCEPROOF_MARKUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A short text by value, so that it can stand in an argument list. */
struct words {
	char text[64];
};

/* Writes TEXT for HTML or XML content and for attributes in double quotes: & < > " ' become references; characters that XML 1.0
 * forbids become U+FFFD. */
void markup_escape(FILE *out, const char *text);

/* Writes FORMAT with each '$' replaced by the next of VALUES, escaped. VALUES ends with NULL and has as many texts as FORMAT has '$'. */
void markup_fill(FILE *out, const char *format, const char *const *values);
#define fill(out, format, ...) markup_fill(out, format, (const char *const[]){__VA_ARGS__, NULL})

/* Writes TEXT as plain text within one line of Markdown, also inside a table: nothing in it can start markup, a link or HTML. A
 * zero-width space breaks what GitHub and others would link or notify by themselves: addresses of pages and people, "www.", "@user". */
void markdown_escape(FILE *out, const char *text);

/* Writes NODE as JSON that is safe inside <script type="application/json">: no '<', '>', '&' and no line separators unescaped. */
void markup_json(FILE *out, const json_t *node);

/* TEXT as the value of an id attribute: "counter/naive" -> "counter-naive"; other characters than letters, digits, '-' and '_' go to
 * their code in hexadecimal. */
struct words anchor_words(const char *text);

/* 1234567 -> "1,234,567". */
struct words count_words(double count);

/* Nanoseconds with three digits and a unit: "0.26 ns", "2.5 µs". */
struct words time_words(double nanoseconds);

/* Two times in the larger one's unit: "0.32–0.35 ns". Without the unit where UNIT is false. */
struct words interval_words(double low, double high, bool unit);

/* "1.04×", "42.0×", "310×". */
struct words ratio_words(double ratio);

/* "0.98–1.05×" */
struct words ratio_interval_words(double low, double high);

/* Bytes with a binary unit: "24 KiB". */
struct words bytes_words(double bytes);

/* A share in words that stay true: "2.4 %", "1 in 41,000", "never", "always". */
struct words share_words(double part, double whole);

/* "one" to "twelve", then digits. */
struct words number_words(uint64_t number);

#endif
