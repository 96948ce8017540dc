/* SPDX-License-Identifier: MIT */
/* A formant synthesiser in the manner of the first software voices: a glottal pulse restarts two sine waves, which decay until the next
 * one (compare Kaegi and Tempelaars, "VOSIM: a new sound synthesis system", 1978). Each code point is a sound: a vowel's pitch and
 * formants, with a hiss before it, all taken from the model's weights. */
#include "voice.h"

#include <stdbool.h>
#include <string.h>

#include "manifest.h"
#include "model.h"

enum { SOUND = VOICE_RATE * 36 / 1000, EDGE = VOICE_RATE / 200 }; /* samples of one sound, and of a rise or fall */

/* sin(2 pi phase / 2^32) * 2^14, by the parabola 4x(1-x) on each half wave. */
static int32_t sine(uint32_t phase)
{
	int32_t x = (int32_t)(phase >> 16 & 0x7fff); /* position in the half wave, 15 bits */
	int32_t y = (int32_t)(((int64_t)x * (0x8000 - x)) >> 14);
	return phase >> 31 ? -y : y;
}

static uint32_t step_of(uint32_t hertz)
{
	return (uint32_t)(((uint64_t)hertz << 32) / VOICE_RATE);
}

struct sound {
	uint32_t pitch, first, second; /* phase steps a sample */
	int32_t loudness;              /* 0: a pause; else up to 2^10 */
	int32_t hiss;                  /* samples of noise at its start */
};

static struct sound sound_of(const uint64_t *weights, uint32_t code)
{
	if (code <= ' ' || code == 0xa0 || code == 0x3000)
		return (struct sound){step_of(100), step_of(500), step_of(1500), 0, 0};
	uint64_t w = weights[(code * 2654435761u >> 8) % MODEL_PREFIX];
	return (struct sound){
		.pitch = step_of(95 + (uint32_t)(w & 63)),
		.first = step_of(280 + (uint32_t)(w >> 8) % 520),
		.second = step_of(900 + (uint32_t)(w >> 20) % 1500),
		.loudness = 640 + (int32_t)(w >> 40 & 255),
		.hiss = (w >> 50 & 3) == 0 ? SOUND / 3 : 0,
	};
}

/* State that runs on from one sound to the next, so that the joins do not click. */
struct voice {
	uint32_t pitch, first, second; /* phases */
	int32_t decay;                 /* 2^14 at a pulse, falling */
	int32_t gain;                  /* moves towards the sound's loudness */
	uint32_t noise;
};

static int16_t sample(struct voice *v, const struct sound *s, int32_t at)
{
	uint32_t before = v->pitch;
	v->pitch += s->pitch;
	if (v->pitch < before) {
		v->first = v->second = 0;
		v->decay = 1 << 14;
	}
	v->first += s->first;
	v->second += s->second;
	v->decay -= v->decay >> 7;
	v->gain += s->loudness > v->gain ? (s->loudness - v->gain + 63) / 64 : -((v->gain - s->loudness + 63) / 64);
	int32_t wave;
	if (at < s->hiss) {
		v->noise = v->noise * 1664525u + 1013904223u;
		wave = (int32_t)(v->noise >> 18) - (1 << 13);
	} else {
		wave = (int32_t)(((int64_t)(sine(v->first) * 2 + sine(v->second)) * v->decay) >> 15);
	}
	return (int16_t)((wave * v->gain) >> 10);
}

static void put16(unsigned char *to, uint32_t value)
{
	to[0] = (unsigned char)value;
	to[1] = (unsigned char)(value >> 8);
}

static void put32(unsigned char *to, uint32_t value)
{
	put16(to, value & 0xffff);
	put16(to + 2, value >> 16);
}

static void header(unsigned char *wav, uint32_t samples)
{
	memcpy(wav, "RIFF....WAVEfmt ", 16);
	put32(wav + 4, WAV_HEADER - 8 + samples * 2);
	put32(wav + 16, 16); /* bytes of the fmt chunk */
	put16(wav + 20, 1);  /* PCM */
	put16(wav + 22, 1);  /* channels */
	put32(wav + 24, VOICE_RATE);
	put32(wav + 28, VOICE_RATE * 2); /* bytes a second */
	put16(wav + 32, 2);              /* bytes of a frame */
	put16(wav + 34, 16);             /* bits of a sample */
	memcpy(wav + 36, "data", 4);
	put32(wav + 40, samples * 2);
}

size_t voice_speak(unsigned char *wav, const uint64_t *weights, const char *text, size_t length)
{
	struct voice voice = {.noise = 1};
	uint32_t made = 0;
	int32_t edge = 0;
	for (size_t at = 0; at < length && made + SOUND <= VOICE_SAMPLES_MAX;) {
		struct sound sound = sound_of(weights, utf8_next(text, length, &at));
		for (int32_t i = 0; i < SOUND; i++, made++) {
			int32_t value = sample(&voice, &sound, i);
			if (edge < EDGE)
				value = value * edge++ / EDGE;
			put16(wav + WAV_HEADER + 2 * made, (uint32_t)value & 0xffff);
		}
	}
	/* Falls to silence instead of breaking off. */
	for (uint32_t i = 0; i < EDGE && i < made; i++) {
		unsigned char *at = wav + WAV_HEADER + 2 * (made - 1 - i);
		int32_t value = (int16_t)(at[0] | at[1] << 8);
		put16(at, (uint32_t)(value * (int32_t)i / EDGE) & 0xffff);
	}
	header(wav, made);
	return WAV_HEADER + 2 * (size_t)made;
}
