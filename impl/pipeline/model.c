/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"

#define MODEL_MAGIC UINT64_C(0x6f6e636570726f66)

static uint64_t checksum(const uint64_t *weights)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < MODEL_PREFIX; i++)
		sum = (sum ^ weights[i]) * 0x100000001b3u;
	return sum;
}

/* The same weights in every instance, a longer model continuing a shorter one. Four weights of 16 bits to a word, each nearly Gaussian,
 * as trained weights are: a sum of twelve uniform numbers of 12 bits, which cannot carry into its neighbour. */
static void fill(uint64_t *weights, size_t count)
{
	enum { DRAWS = 12 };
	for (size_t i = 0; i < count; i++) {
		uint64_t sum = 0;
		for (uint64_t draw = 0; draw < DRAWS; draw++)
			sum += mix64(i * DRAWS + draw) & UINT64_C(0x0fff0fff0fff0fff);
		weights[i] = sum;
	}
}

static struct model *make(struct model_maker *maker)
{
	struct model *model = calloc(1, sizeof *model);
	if (!model)
		return NULL;
	model->bytes = maker->bytes;
	model->weights = malloc(maker->bytes);
	if (!model->weights) {
		free(model);
		return NULL;
	}
	fill(model->weights, maker->bytes / sizeof *model->weights);
	model->checksum = checksum(model->weights);
	model->magic = MODEL_MAGIC;
	return model;
}

void *model_load(void *arg, int *error)
{
	struct model_maker *maker = arg;
	uint64_t start = now_ns();
	/* relaxed, here and below: counters that guard nothing; see struct model_maker. */
	uint64_t attempt = atomic_fetch_add_explicit(&maker->attempts, 1, memory_order_relaxed);
	struct timespec wait = {maker->wait_ms / 1000, (long)(maker->wait_ms % 1000) * 1000000};
	if (maker->wait_ms)
		nanosleep(&wait, NULL);
	struct model *model = attempt < maker->failing_loads ? NULL : make(maker);
	uint64_t took = now_ns() - start;
	if (!model) {
		*error = attempt < maker->failing_loads ? EIO : ENOMEM;
		atomic_fetch_add_explicit(&maker->failed, 1, memory_order_relaxed);
		if (maker->told)
			maker->told(maker->told_arg, NULL, took);
		return NULL;
	}
	*error = 0;
	model->load_ns = took;
	model->instance = atomic_fetch_add_explicit(&maker->made, 1, memory_order_relaxed) + 1;
	uint64_t longest = atomic_load_explicit(&maker->longest_ns, memory_order_relaxed);
	while (took > longest && !atomic_compare_exchange_weak_explicit(
					 &maker->longest_ns, &longest, took, memory_order_relaxed, memory_order_relaxed))
		;
	/* relaxed push: nobody follows the list before all loaders have been joined. */
	model->next = atomic_load_explicit(&maker->all, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&maker->all, &model->next, model, memory_order_relaxed, memory_order_relaxed))
		;
	if (maker->told)
		maker->told(maker->told_arg, model, took);
	return model;
}

void model_unload(void *arg, void *instance)
{
	struct model_maker *maker = arg;
	struct model *model = instance;
	free(model->weights);
	model->weights = NULL;
	model->magic = 0;
	/* relaxed: as in model_load(). The header stays in the maker's list until the end. */
	atomic_fetch_add_explicit(&maker->destroyed, 1, memory_order_relaxed);
}

void model_maker_close(struct model_maker *maker)
{
	/* relaxed: the loaders were joined. */
	struct model *model = atomic_exchange_explicit(&maker->all, NULL, memory_order_relaxed);
	while (model) {
		struct model *next = model->next;
		free(model->weights);
		free(model);
		model = next;
	}
}

bool model_whole(const struct model *model)
{
	return model->magic == MODEL_MAGIC && model->weights && model->bytes >= BATCH_MODEL_MIN &&
	       checksum(model->weights) == model->checksum;
}
