/* SPDX-License-Identifier: MIT */
/* The mock synthesiser: text in, babble out, 24 kHz, 16 bit, mono. Integer arithmetic only, so that the same text and weights give the
 * same bytes on every machine and with every compiler. */
#ifndef ONCEPROOF_VOICE_H
#define ONCEPROOF_VOICE_H

#include <stddef.h>
#include <stdint.h>

enum {
	VOICE_RATE = 24000,                      /* samples a second */
	VOICE_SAMPLES_MAX = VOICE_RATE * 9 / 10, /* of one item */
	WAV_HEADER = 44,
	WAV_MAX = WAV_HEADER + VOICE_SAMPLES_MAX * 2,
};

/* Speaks valid UTF-8 into WAV, which has room for WAV_MAX bytes: a RIFF header, then samples, little endian. WEIGHTS: MODEL_PREFIX of
 * them. Returns the length in bytes. */
size_t voice_speak(unsigned char *wav, const uint64_t *weights, const char *text, size_t length);

#endif
