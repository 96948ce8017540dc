/* SPDX-License-Identifier: MIT */
/* Last include of a progress implementation's file: checks the operations' signatures, makes the measured loop in this translation
 * unit, and offers PROGRESS_EXPORT. No include guard: one file, one use. */
#include "../measure.h"
#include "progress.h"

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total);
static void progress_step(struct progress *p, const struct progress_source *mine);
static void progress_poll(struct progress *p, const struct progress_source *any);
static void progress_finish(struct progress *p, const struct progress_source *any);
static void progress_close(struct progress *p);

MEASURED static void progress_loop_step(struct progress *p, const struct progress_source *mine, uint64_t ops)
{
	for (uint64_t i = 0; i < ops; i++) {
		progress_step(p, mine);
		measure_keep(p);
	}
}

#define PROGRESS_EXPORT(id, ...)                                                               \
	extern const struct progress_implementation progress_##id;                             \
	const struct progress_implementation progress_##id = {.about.family = FAMILY_PROGRESS, \
		.about.name = #id,                                                             \
		.bytes = sizeof(struct progress),                                              \
		.align = _Alignof(struct progress),                                            \
		.open = progress_open,                                                         \
		.step = progress_step,                                                         \
		.poll = progress_poll,                                                         \
		.finish = progress_finish,                                                     \
		.close = progress_close,                                                       \
		.loop_step = progress_loop_step,                                               \
		__VA_ARGS__}
