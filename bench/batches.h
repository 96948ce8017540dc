/* SPDX-License-Identifier: MIT */
/* Batches of the pipeline as the price list runs them: nothing written, an item's work a wait of given length, every part by choice. */
#ifndef ONCEPROOF_BENCH_BATCHES_H
#define ONCEPROOF_BENCH_BATCHES_H

#include "bench.h"
#include "probe.h"

namespace bench
{

/* An initialiser, a counter and a progress that work together. */
struct choice {
	std::string name; /* "atomic+sharded_store+monotone" */
	const initialiser_implementation *initialiser = nullptr;
	const counter_implementation *counter = nullptr;
	const progress_implementation *progress = nullptr;
	std::string missing; /* why it cannot run; else empty */
};

/* The choices that people make, one that nobody should, and the three that this project gives away. */
const std::vector<choice> &batch_choices();

/* Nothing: a batch whose model is there, that counts nothing and tells nothing. */
const choice &no_choice();

/* What the worker's own work on an item takes: NS, or nothing at all. */
enum { NO_WORK = -1 };

/* A batch of CHOICE with so many workers, each item a wait of ITEM_NS (NO_WORK: none), its model as small as can be. */
batch_options batch_of(const choice &choice, unsigned workers, int64_t item_ns);

struct timed_batch {
	batch_summary summary = {};
	double wall_s = 0, cpu_s = 0;
};

/* Throws unmeasurable when it cannot run. */
timed_batch time_batch(batch_options &options, uint64_t items);

/* What a batch costs apart from its items, and what an item adds. */
struct batch_cost {
	double start_s = 0, start_cpu_s = 0; /* threads, model, first items, joins: a batch of one item per worker */
	double each_s = 0;
};

/* Batches of one item per worker, then larger ones until the items outweigh the start. */
batch_cost rehearse(batch_options &options);

/* Which claim of the chosen parts the batch refutes, in a sentence; or "". */
std::string broken_claim(const batch_options &options, const batch_summary &summary);

/* Two batches of the same items, one after the other in an order drawn at random: what drifts, drifts for both. */
struct pair {
	double with_s = 0, without_s = 0;
	double with_cpu_s = 0;
	batch_summary summary = {}; /* of the first */
	double overhead() const
	{
		return with_s / without_s - 1;
	}
};
pair time_pair(batch_options &with, batch_options &without, uint64_t items, uint64_t *random);

/* The next number of a generator (splitmix64). */
uint64_t draw(uint64_t *random);

} // namespace bench
#endif
