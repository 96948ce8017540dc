/* SPDX-License-Identifier: MIT */
/* The pipeline's worker: one batch with one choice of parts in a process of its own, watched by the sanitizer that it was built with.
 * Prints one JSON object on stdout: {batch, claims, refuted, sentences[], impossible, peak_bytes, reports}. Exit status: 0 done,
 * 2 misuse, 77 the choice is impossible.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../impl/pipeline/batch.h"
#include "../impl/pipeline/batch_json.h"
#include "tsan/reports.h"

static const struct argp_option options[] = {
	{"items", 'n', "N", 0, "items of the batch (default 64)", 0},
	{"workers", 'w', "N", 0, "threads (default 4)", 0},
	{"seed", 's', "N", 0, "seed (default 1)", 0},
	{0},
};

struct arguments {
	struct batch_options batch;
	const char *names[3];
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'n':
		a->batch.synthetic_items = strtoull(arg, NULL, 10);
		return 0;
	case 'w':
		a->batch.workers = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case 's':
		a->batch.seed = strtoull(arg, NULL, 10);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num >= 3)
			argp_usage(state);
		a->names[state->arg_num] = arg;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num != 3)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static json_int_t peak_bytes(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_SELF, &usage) == 0 ? (json_int_t)usage.ru_maxrss * 1024 : 0;
}

static const struct registered *find(enum family family, const char *name)
{
	const struct registered *entry = registry_find(family, name);
	if (!entry) {
		fprintf(stderr, "onceproof-batch: no %s '%s'\n", family_name(family), name);
		exit(2);
	}
	return entry;
}

int main(int argc, char **argv)
{
	/* Items of almost no work: the parts meet as often as they can. */
	struct arguments a = {.batch = {.synthetic_items = 64, .workers = 4, .seed = 1, .no_audio = true, .quiet = true,
				      .model_bytes = BATCH_MODEL_MIN, .poll_us = 100}};
	const struct argp argp = {options, parse, "INITIALISER COUNTER PROGRESS", "Runs one batch.", NULL, NULL, NULL};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.batch.initialiser = initialiser_of(find(FAMILY_INITIALISER, a.names[0]));
	a.batch.counter = counter_of(find(FAMILY_COUNTER, a.names[1]));
	a.batch.progress = progress_of(find(FAMILY_PROGRESS, a.names[2]));
	if (a.batch.initialiser->loading == LOADER_LINK_TIME)
		a.batch.model_bytes = 0;

	struct batch_summary summary = {0};
	struct batch_judgement judgement = {0};
	const char *impossible = batch_impossible(&a.batch);
	int why = impossible ? 0 : batch_run(&a.batch, &summary);
	if (!impossible && !why)
		why = batch_check(&a.batch, &summary, &judgement);
	if (why && why != ENOSYS)
		return 2;
	if (why)
		impossible = strerror(why);
	json_t *sentences = json_array();
	for (int p = 0; p < PIPELINE_PROMISES; p++)
		json_array_append_new(sentences, json_string(judgement.sentence[p]));
	json_t *batch = impossible ? json_null() : batch_json(&a.batch, &summary, &judgement);
	json_t *out = json_pack("{s:o, s:I, s:I, s:o, s:s?, s:I, s:o}", "batch", batch, "claims", (json_int_t)batch_claims(&a.batch), "refuted",
		(json_int_t)judgement.refuted, "sentences", sentences, "impossible", impossible, "peak_bytes", peak_bytes(), "reports",
		tsan_reports());
	if (!out || json_dumpf(out, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
		fprintf(stderr, "onceproof-batch: cannot write the result: %s\n", strerror(errno));
		return 2;
	}
	return impossible ? 77 : 0;
}
