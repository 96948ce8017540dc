/* SPDX-License-Identifier: MIT */
/* Manifests: one item a line, UTF-8. Read as a stream, in memory that does not depend on the number of items.
 *
 * A byte-order mark and the CR of CR LF are dropped. An empty line is no item. A line of nothing but spaces, one that is not UTF-8, one
 * with a NUL byte and one longer than BATCH_LINE_MAX are items that fail, each with its reason. A manifest without any usable item, or
 * with binary data at its start, is refused as a whole before anything starts. Numbers of lines count from 1, as editors do; numbers
 * of items count from 1 without the empty lines.
 */
#ifndef ONCEPROOF_MANIFEST_H
#define ONCEPROOF_MANIFEST_H

#include "batch.h"

/* One item. Owned buffer; reused from item to item. */
struct line {
	char *text; /* length bytes, not terminated */
	size_t length, capacity;
	uint64_t index, number;  /* of the item, of the line */
	enum batch_reason fault; /* BATCH_DONE: usable text */
};
void line_free(struct line *line);

struct manifest {
	uint64_t items;     /* in all, known after open */
	uint64_t synthetic; /* generated items; then nothing below is used */
	const char *memory; /* text in memory, or NULL: fd */
	size_t memory_bytes, memory_at;
	int fd;          /* -1: none */
	char *buffer;    /* owned */
	size_t used, at; /* of buffer */
	uint64_t index, number;
	uint64_t bytes, counted; /* read; to be read, once they have been counted */
	int error;               /* errno value of a failed read; ESTALE: the manifest is not the one whose items were counted */
};

/* Opens what OPTIONS name, counts its items and goes back to the start. Input that cannot be read twice is first copied to an unnamed
 * temporary file: the front end shows "3/10", so the 10 must be known. 0, or an errno value after a complaint (EINTR: *stop was set). */
int manifest_open(struct manifest *m, const struct batch_options *options);

/* The next item, or false at the end (m->error says whether the end is a failure). One thread at a time. */
bool manifest_next(struct manifest *m, struct line *line);

/* What to call the manifest in a complaint. */
const char *manifest_name(const struct batch_options *options);

void manifest_close(struct manifest *m);

/* Is TEXT valid UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF)? *blank: it holds nothing but spaces. */
bool utf8_valid(const char *text, size_t length, bool *blank);

/* Decodes the code point at *at of valid UTF-8 and moves *at past it. */
uint32_t utf8_next(const char *text, size_t length, size_t *at);

#endif
