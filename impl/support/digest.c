/* SPDX-License-Identifier: MIT */
#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first 32 bits of the fractions of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1,
	0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
	0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
	0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585,
	0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee,
	0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turned(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

static void take_block(struct digest *d)
{
	uint32_t w[64], s[8];
	for (unsigned i = 0; i < 16; i++) {
		const unsigned char *at = d->block + 4 * (size_t)i;
		w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	}
	for (unsigned i = 16; i < 64; i++) {
		uint32_t a = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t b = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10;
		w[i] = w[i - 16] + a + w[i - 7] + b;
	}
	memcpy(s, d->state, sizeof s);
	for (unsigned i = 0; i < 64; i++) {
		uint32_t e = turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25);
		uint32_t one = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
		uint32_t a = turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22);
		uint32_t two = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
		memmove(s + 1, s, 7 * sizeof *s);
		s[4] += one;
		s[0] = one + two;
	}
	for (unsigned i = 0; i < 8; i++)
		d->state[i] += s[i];
}

void digest_begin(struct digest *d)
{
	*d = (struct digest){
		.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void digest_add(struct digest *d, const void *from, size_t bytes)
{
	for (const unsigned char *at = from; bytes;) {
		size_t used = d->bytes % sizeof d->block, part = sizeof d->block - used < bytes ? sizeof d->block - used : bytes;
		memcpy(d->block + used, at, part);
		d->bytes += part;
		at += part;
		bytes -= part;
		if (used + part == sizeof d->block)
			take_block(d);
	}
}

void digest_add_text(struct digest *d, const char *text)
{
	digest_add(d, text ? "t" : "n", 1);
	if (text)
		digest_add(d, text, strlen(text) + 1);
}

int digest_add_file(struct digest *d, const char *path)
{
	char chunk[65536];
	uint64_t total = 0;
	struct stat info;
	/* Looked at first: whoever opens a pipe with a name takes its reader's place. */
	if (stat(path, &info) != 0)
		return errno;
	if (!S_ISREG(info.st_mode))
		return S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	for (ssize_t got; (got = read(fd, chunk, sizeof chunk)) != 0;) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int why = errno;
			close(fd);
			return why;
		}
		digest_add(d, chunk, (size_t)got);
		total += (uint64_t)got;
	}
	close(fd);
	digest_add(d, &total, sizeof total);
	return 0;
}

void digest_end(struct digest *d, char text[DIGEST_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t bits = d->bytes * 8;
	unsigned char length[8];
	for (unsigned i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	digest_add(d, "\x80", 1);
	while (d->bytes % sizeof d->block != 56)
		digest_add(d, "", 1);
	digest_add(d, length, sizeof length);
	for (unsigned i = 0; i < 64; i++)
		text[i] = digits[d->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
	text[64] = '\0';
}
