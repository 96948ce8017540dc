/* SPDX-License-Identifier: MIT */
/* What `onceproof run` says to people. */
#ifndef ONCEPROOF_RUN_TEXT_H
#define ONCEPROOF_RUN_TEXT_H

#include <stdio.h>

#include "../impl/pipeline/batch.h"

/* Sums over several batches of one choice. */
struct run_rates {
	uint64_t batches, partial;
	uint64_t not_as_stated;
	uint64_t doubled, models, wasted_bytes; /* batches with more than one model; models and bytes in all */
	uint64_t miscounted;                    /* batches whose counter ended on a wrong number */
	uint64_t with[4], in_all[4];            /* progress anomalies: batches that have them, and how many; in struct order */
	uint64_t refuted[PIPELINE_PROMISES];
	uint64_t load_ns; /* sum of the longest loads */
	double seconds;
	uint64_t items;
	uint64_t audio_print;   /* of the last batch */
	uint64_t audio_changes; /* batches whose audio differs from the one before */
};

void rates_add(struct run_rates *rates, const struct batch_summary *summary, const struct batch_judgement *judgement);

/* "16.0 MiB"; valid until the eighth call after this one. */
const char *size_text(uint64_t bytes);

/* "initialiser/naive, counter/naive, progress/plain_global, 8 workers, model of 4.0 MiB". */
void print_choice(FILE *out, const struct batch_options *options);

/* One batch in full. */
void print_batch(FILE *out, const struct batch_options *options, const struct batch_summary *summary,
	const struct batch_judgement *judgement);

/* One batch in a line. */
void print_batch_line(FILE *out, uint64_t number, const struct batch_summary *summary, const struct batch_judgement *judgement);

void print_rates(FILE *out, const struct batch_options *options, const struct run_rates *rates);

/* One row of the sweep's chart. */
void print_sweep_head(FILE *out, uint64_t batches);
void print_sweep_row(FILE *out, uint64_t model_bytes, const struct run_rates *rates);

#endif
