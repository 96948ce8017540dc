/* SPDX-License-Identifier: MIT */
#include "node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/say.h"

json_t *node_must(json_t *node)
{
	if (!node) {
		complain("results: out of memory; run fewer scenarios at a time (--shard I/N) and merge");
		exit(EXIT_USAGE);
	}
	return node;
}

/* Length of the UTF-8 sequence at AT (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), or 0 if it is none. */
static size_t utf8_length(const unsigned char *at)
{
	if (at[0] < 0x80)
		return 1;
	size_t length = at[0] >= 0xc2 && at[0] <= 0xdf ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4 : 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
		(at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return length;
}

json_t *node_text(const char *text)
{
	if (!text)
		return json_null();
	json_t *whole = json_string(text);
	if (whole)
		return whole;
	char *repaired = malloc(strlen(text) * 3 + 1);
	if (!repaired)
		return node_must(NULL);
	char *out = repaired;
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		size_t length = utf8_length(at);
		memcpy(out, length ? (const char *)at : "\xef\xbf\xbd", length ? length : 3);
		out += length ? length : 3;
		at += length ? length : 1;
	}
	*out = '\0';
	whole = node_must(json_string(repaired));
	free(repaired);
	return whole;
}

json_t *node_count(uint64_t value)
{
	if (value <= INT64_MAX)
		return node_must(json_integer((json_int_t)value));
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, value);
	return node_text(text);
}

void node_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, node_must(value)) != 0)
		node_must(NULL);
}

json_t *node_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, node_must(value)) != 0)
		node_must(NULL);
	return value;
}

json_t *node_get(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

const char *node_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(node_get(object, key));
	return text ? text : "";
}

double node_number(const json_t *object, const char *key, double fallback)
{
	const json_t *value = node_get(object, key);
	return json_is_number(value) ? json_number_value(value) : fallback;
}
