/* SPDX-License-Identifier: MIT */
/* A digest of bytes, so that two things that are not the same are not taken for the same, by accident or by design. */
#ifndef ONCEPROOF_DIGEST_H
#define ONCEPROOF_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DIGEST_TEXT_BYTES = 65 };

/* SHA-256 (FIPS 180-4). digest_begin, any number of digest_add, then digest_end. Not thread-safe per digest. */
struct digest {
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};

void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *from, size_t bytes);
/* A text with its end, so that "ab", "c" is not "a", "bc"; NULL is another than "". */
void digest_add_text(struct digest *d, const char *text);
/* All that is in the file PATH, and how long it is. 0, or an errno value: EINVAL for what is no plain file, which stays untouched. */
int digest_add_file(struct digest *d, const char *path);
/* As 64 hexadecimal digits. */
void digest_end(struct digest *d, char text[DIGEST_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
