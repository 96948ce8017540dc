/* SPDX-License-Identifier: MIT */
/* Last include of an initialiser's file: checks the operations' signatures, makes the measured loop in this translation unit, and
 * offers INITIALISER_EXPORT. No include guard: one file, one use. */
#include "../measure.h"
#include "initialiser.h"

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader);
static void *initialiser_get(struct initialiser *it, int *error);
static void initialiser_close(struct initialiser *it);

MEASURED static void *initialiser_loop_get(struct initialiser *it, uint64_t ops)
{
	void *last = NULL;
	int error = 0;
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		last = initialiser_get(it, &error);
		measure_keep(last);
	}
	return last;
}

#define INITIALISER_EXPORT(id, ...)                                                                     \
	extern const struct initialiser_implementation initialiser_##id;                                \
	const struct initialiser_implementation initialiser_##id = {.about.family = FAMILY_INITIALISER, \
		.about.name = #id,                                                                      \
		.bytes = sizeof(struct initialiser),                                                    \
		.align = _Alignof(struct initialiser),                                                  \
		.open = initialiser_open,                                                               \
		.get = initialiser_get,                                                                 \
		.close = initialiser_close,                                                             \
		.loop_get = initialiser_loop_get,                                                       \
		__VA_ARGS__}
