/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
/* cmocka.h needs the ones above. */
#include <cmocka.h>

#include "runtime.h"
#include "snapshot.h"

enum { PAGE = 4096, PAGES = 64 };

static uint64_t *memory; /* two ranges with a gap: pages 0 .. 15 and 32 .. 63 */
static struct snapshot_range ranges[3];

static int open_memory(void **state)
{
	(void)state;
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < PAGES * PAGE / 8; i++)
		memory[i] = i;
	ranges[0] = (struct snapshot_range){(uintptr_t)memory, (uintptr_t)memory + 16 * PAGE};
	ranges[1] = (struct snapshot_range){0, 0}; /* a section that the program does not have */
	ranges[2] = (struct snapshot_range){(uintptr_t)memory + 32 * PAGE, (uintptr_t)memory + PAGES * PAGE};
	return snapshot_start(ranges, 3);
}

static size_t changed(void)
{
	size_t count = 0;
	for (size_t i = 0; i < PAGES * PAGE / 8; i++)
		count += memory[i] != i;
	return count;
}

/* What was saved comes back as it was before the first save, over and over; what was not saved stays. */
static void test_undo_log(void **state)
{
	(void)state;
	for (int execution = 0; execution < 1000; execution++) {
		char *bytes = (char *)memory;
		size_t at = (size_t)execution * 37 % (15 * PAGE);
		for (int twice = 0; twice < 2; twice++) {
			runtime_save(bytes + at, 21);
			memset(bytes + at, 'a' + twice, 21);
		}
		/* Across the end, and wholly outside. */
		runtime_save(bytes + PAGES * PAGE - 4, 100);
		memset(bytes + PAGES * PAGE - 4, 'x', 4);
		runtime_save(&execution, sizeof execution);
		assert_int_not_equal(changed(), 0);
		snapshot_restore();
		assert_int_equal(changed(), 0);
		assert_int_equal(snapshot->count, 0);
	}
	memory[7]++;
	snapshot_restore();
	assert_int_equal(changed(), 1);
	memory[7]--;
	assert_int_equal(snapshot_unseen_pages(), 0);
}

/* A granule costs one entry of the log, however often it is written. */
static void test_once_per_execution(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		runtime_save(&memory[3], 8);
	assert_int_equal(snapshot->count, 1);
	runtime_save((char *)&memory[3] + 4, 8);
	assert_int_equal(snapshot->count, 2);
	snapshot_restore();
}

/* Writes that nobody told of are found and undone, but only within the ranges. */
static void test_comparison(void **state)
{
	(void)state;
	snapshot_compare();
	memory[5] = 99;
	memory[40 * PAGE / 8] = 99;
	memory[20 * PAGE / 8] = 99;
	snapshot_restore();
	assert_int_equal(changed(), 1);
	assert_int_equal(snapshot_unseen_pages(), 2);
	/* From now on the pages are put back also in executions that end without a comparison. */
	for (int execution = 0; execution < 100; execution++) {
		memory[6] = 98;
		runtime_save(&memory[7], 8);
		memory[7] = 98;
		snapshot_restore();
		assert_int_equal(changed(), 1);
	}
	assert_int_equal(snapshot_unseen_pages(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undo_log),
		cmocka_unit_test(test_once_per_execution),
		cmocka_unit_test(test_comparison),
	};
	return cmocka_run_group_tests(tests, open_memory, NULL);
}
