/* SPDX-License-Identifier: MIT */
/* The options of `onceproof run`. */
#ifndef ONCEPROOF_RUN_OPTIONS_H
#define ONCEPROOF_RUN_OPTIONS_H

#include "../impl/pipeline/batch.h"
#include "cli.h"

struct run_options {
	struct common common;
	struct batch_options batch;
	const char *users[FAMILY_PIPELINE]; /* by family: a user's file that is not loaded yet; NULL: none */
	const char *out;                    /* --out or NULL */
	uint64_t repeat;                    /* 0: not given */
	bool no_files;
	bool workers_given;
	bool sweep;
	uint64_t *fail_lines; /* owned */
};

/* Parser; the input is a struct run_options. Exits with 2 on misuse. */
extern const struct argp run_argp;

/* What holds before parsing: naive parts, eight workers. */
struct run_options run_defaults(void);

/* Refuses what cannot go together, with exit status 2. */
void run_refuse_impossible(const struct run_options *run);

#endif
