/* SPDX-License-Identifier: MIT */
/* Results of engines as lines for people; shared by `stress` and `explore`. */
#ifndef ONCEPROOF_STRESS_TEXT_H
#define ONCEPROOF_STRESS_TEXT_H

#include <jansson.h>

#include "cli.h"

struct stress_text {
	bool lines;         /* one line per result on stdout */
	bool verbose;       /* outcomes and locations too */
	bool tables;        /* findings with their interleavings */
	bool deterministic; /* the same seed gives the same results */
	bool color;
	bool status;    /* a moving line on stderr */
	unsigned width; /* of the terminal */
};

/* LINES: false writes nothing to stdout. */
struct stress_text stress_text_new(const struct common *common, bool lines);

void stress_text_began(const struct stress_text *text, size_t index, size_t count, const char *engine, const char *subject,
	const char *scenario);
void stress_text_ended(const struct stress_text *text, const json_t *result);

/* A finding with its places, its interleaving and how to see it again. */
void stress_text_finding(const struct stress_text *text, const json_t *finding);

/* Contracts in numbers, every broken one, and how to repeat the run. */
void stress_text_summary(const struct stress_text *text, const json_t *report, uint64_t seed);

/* 1: a contract is broken or a result is not as expected; 3: something stayed inconclusive; else 0. */
int stress_exit_status(const json_t *report);

#endif
