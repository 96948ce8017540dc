/* SPDX-License-Identifier: MIT */
/* The pipeline's worker: small batches with one choice of parts in a process of its own, watched by the sanitizer that it was built
 * with. The model's size goes round from batch to batch: while a long load lasts, every worker asks for the model; after a short one
 * the later workers find it loaded, without anything else that orders them after the loader.
 * Prints one JSON object on stdout: {batch (the last one), batches, refuted, sentences[], parts[] (claims of parts that were
 * broken), impossible, peak_bytes, reports}. Exit
 * status: 0 done, 2 misuse, 77 the choice is impossible.
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
	{"batches", 'b', "N", 0, "batches to run (default 24)", 0},
	{"items", 'n', "N", 0, "items of each batch (default 32)", 0},
	{"workers", 'w', "N", 0, "threads (default 4)", 0},
	{"seed", 's', "N", 0, "seed (default 1)", 0},
	{0},
};

enum { MANY_ITEMS = 5000, MANY_COST_NS = 1000 };

struct arguments {
	struct batch_options batch;
	uint64_t batches, items;
	const char *names[3];
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'b':
		a->batches = strtoull(arg, NULL, 10);
		return 0;
	case 'n':
		a->items = strtoull(arg, NULL, 10);
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
	struct arguments a = {
		.batches = 24, .items = 32, .batch = {.workers = 4, .seed = 1, .no_audio = true, .quiet = true, .poll_us = 100}};
	const struct argp argp = {options, parse, "INITIALISER COUNTER PROGRESS", "Runs one batch.", NULL, NULL, NULL};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.batch.initialiser = initialiser_of(find(FAMILY_INITIALISER, a.names[0]));
	a.batch.counter = counter_of(find(FAMILY_COUNTER, a.names[1]));
	a.batch.progress = progress_of(find(FAMILY_PROGRESS, a.names[2]));
	struct batch_summary summary = {0};
	struct batch_judgement judgement = {0}, all = {0};
	const char *impossible = batch_impossible(&a.batch);
	static const char *const names_of[] = {"initialiser", "counter", "progress"};
	static const size_t model_bytes[] = {BATCH_MODEL_MIN, 64 * 1024, 1024 * 1024};
	uint64_t batches = 0;
	json_t *parts = json_object(); /* claims that a part broke, each once */
	int why = 0;
	for (; !impossible && !why && batches < a.batches; batches++) {
		if (a.batch.initialiser->loading == LOADER_RUN_TIME)
			a.batch.model_bytes = model_bytes[batches % (sizeof model_bytes / sizeof *model_bytes)];
		a.batch.seed++;
		/* Without a sanitizer there is time for many short items, so that counting and telling meet often. */
		bool many = !tsan_is_on() && batches % 2;
		a.batch.synthetic_items = many ? MANY_ITEMS : a.items;
		a.batch.item_cost_ns = many ? MANY_COST_NS : 0;
		why = batch_run(&a.batch, &summary);
		if (!why)
			why = batch_check(&a.batch, &summary, &judgement);
		for (int p = 0; !why && p < PIPELINE_PROMISES; p++)
			if (judgement.refuted >> p & 1)
				memcpy(all.sentence[p], judgement.sentence[p], sizeof all.sentence[p]);
		all.refuted |= why ? 0 : judgement.refuted;
		const char *broken[] = {judgement.initialiser, judgement.counter, judgement.progress};
		for (int part = 0; !why && part < 3; part++)
			if (*broken[part] && !json_object_get(parts, names_of[part]))
				json_object_set_new(parts, names_of[part], json_string(broken[part]));
	}
	if (why && why != ENOSYS)
		return 2;
	if (why)
		impossible = strerror(why);
	json_t *sentences = json_array();
	for (int p = 0; p < PIPELINE_PROMISES; p++)
		json_array_append_new(sentences, json_string(all.sentence[p]));
	json_t *broken_parts = json_array(), *sentence;
	const char *part;
	json_object_foreach(parts, part, sentence)
		json_array_append(broken_parts, sentence);
	json_decref(parts);
	json_t *batch = impossible ? json_null() : batch_json(&a.batch, &summary, &judgement);
	json_t *out = json_pack("{s:o, s:o, s:I, s:I, s:o, s:s?, s:I, s:o}", "batch", batch, "parts", broken_parts, "batches",
		(json_int_t)batches, "refuted", (json_int_t)all.refuted, "sentences", sentences, "impossible", impossible,
		"peak_bytes", peak_bytes(), "reports", tsan_reports());
	if (!out || json_dumpf(out, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
		fprintf(stderr, "onceproof-batch: cannot write the result: %s\n", strerror(errno));
		return 2;
	}
	return impossible ? 77 : 0;
}
