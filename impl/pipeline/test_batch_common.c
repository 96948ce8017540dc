/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "test_batch.h"

static char directory[] = "batch-test-XXXXXX";

struct batch_options batch_of(const char *initialiser, const char *counter, const char *progress)
{
	const struct registered *i = registry_find(FAMILY_INITIALISER, initialiser), *c = registry_find(FAMILY_COUNTER, counter),
				*p = registry_find(FAMILY_PROGRESS, progress);
	assert_non_null(i);
	assert_non_null(c);
	assert_non_null(p);
	struct batch_options options = {
		.initialiser = initialiser_of(i), .counter = counter_of(c), .progress = progress_of(p), .workers = 4};
	if (options.initialiser->loading == LOADER_RUN_TIME)
		options.model_bytes = 64 * 1024;
	return options;
}

struct batch_judgement run_and_check(const struct batch_options *options, struct batch_summary *summary)
{
	struct batch_judgement judgement;
	assert_int_equal(batch_run(options, summary), 0);
	assert_int_equal(batch_check(options, summary, &judgement), 0);
	return judgement;
}

const char *scratch(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", directory, name);
	return path;
}

int scratch_make(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

int scratch_remove(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
