/* SPDX-License-Identifier: MIT */
/* How a search's journal travels: from the process that explores to the one that keeps it in a file (stress/checkpoint.h), and back when
 * the search goes on. A frame is this header and `bytes` bytes behind it, in the order of this machine: a checkpoint is no exchange format.
 */
#ifndef ONCEPROOF_EXPLORE_JOURNAL_FRAME_H
#define ONCEPROOF_EXPLORE_JOURNAL_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	JOURNAL_MAGIC = 0x4a50434f, /* "OCPJ" */
	JOURNAL_BYTES_MAX = 256 << 20,
};

enum journal_type {
	JOURNAL_IDENTITY = 1, /* of a file: what it is a checkpoint of, as JSON; the first frame */
	JOURNAL_RESULT,       /* of a file: a result that is final, as JSON */
	JOURNAL_STRETCH,      /* a stretch of a search (journal.c) */
	JOURNAL_HELLO,        /* the explorer asks for the stretches that there are; */
	JOURNAL_END,          /* behind the last of them */
};

struct journal_frame {
	uint32_t magic, type;
	uint64_t key; /* of the search within the file */
	uint64_t bytes;
	uint64_t check; /* journal_check() */
};

/* FNV-1a (Fowler, Noll, Vo) by words of 8 bytes: it has to tell a torn write from a whole one, and nothing worse. */
static inline uint64_t journal_mix(uint64_t hash, const void *from, size_t bytes)
{
	const char *at = from;
	for (; bytes; at += 8) {
		uint64_t word = 0;
		size_t part = bytes < 8 ? bytes : 8;
		memcpy(&word, at, part);
		bytes -= part;
		hash = (hash ^ word) * UINT64_C(0x100000001b3);
		hash ^= hash >> 32;
	}
	return hash;
}

static inline uint64_t journal_check(const struct journal_frame *frame, const void *payload)
{
	uint64_t head[3] = {(uint64_t)frame->magic << 32 | frame->type, frame->key, frame->bytes};
	return journal_mix(journal_mix(UINT64_C(0xcbf29ce484222325), head, sizeof head), payload, (size_t)frame->bytes);
}

#endif
