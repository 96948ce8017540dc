/* SPDX-License-Identifier: MIT */
/* JSON nodes that cannot fail: out of memory ends the process with a message, and text that is not UTF-8 is repaired, not dropped. */
#ifndef ONCEPROOF_NODE_H
#define ONCEPROOF_NODE_H

#include <jansson.h>
#include <stdint.h>

/* NODE itself, or the end of the process when it is NULL. */
json_t *node_must(json_t *node);

/* A string node; every byte that is not part of valid UTF-8 becomes U+FFFD. NULL makes a JSON null. */
json_t *node_text(const char *text);

/* An integer; above INT64_MAX, which Jansson cannot hold, its decimal text. */
json_t *node_count(uint64_t value);

/* Sets KEY of OBJECT; steals VALUE. */
void node_set(json_t *object, const char *key, json_t *value);

/* Appends to ARRAY; steals VALUE and returns it, borrowed. */
json_t *node_append(json_t *array, json_t *value);

/* KEY's text, or "" when OBJECT lacks it or it is no string. Borrowed. */
const char *node_string(const json_t *object, const char *key);

/* KEY's number as a double, or FALLBACK. */
double node_number(const json_t *object, const char *key, double fallback);

/* Jansson reads through pointers to non-const; a renderer has a const report. */
json_t *node_get(const json_t *object, const char *key);

#endif
