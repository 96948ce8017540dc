/* SPDX-License-Identifier: MIT */
/* The heap of explored code: where blocks lie and what they hold, errors in their use, and leaks. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "heap.h"
#include "libc_memory.h"
#include "test_runtime.h"

enum { BLOCKS = 300 };

/* The last finding, which must be the only one and of this kind. */
static const struct finding *found(enum finding_kind kind)
{
	assert_int_equal(runtime->findings, 1);
	assert_int_equal(runtime->finding[0].kind, kind);
	runtime->findings = 0;
	return &runtime->finding[0];
}

static void access_bytes(unsigned t, const void *address, size_t bytes, bool write)
{
	run_thread(t);
	runtime_access(address, bytes, write, (void *)(uintptr_t)(0x1000 + t));
}

/* --- where blocks lie ------------------------------------------------------------------------------------------------------------- */

static size_t size_of(unsigned t, unsigned i)
{
	struct stream random = execution_random(t, i);
	return stream_below(&random, i % 20 ? 100 : 100000);
}

/* Each thread allocates and frees; how threads take turns is decided by SEED. */
static void allocate_in_turn(uint64_t seed, void *blocks[3][BLOCKS])
{
	struct stream random = execution_random(7, seed);
	unsigned done[3] = {0};
	new_execution();
	for (unsigned left = 3 * BLOCKS; left;) {
		unsigned t = stream_below(&random, 3);
		if (done[t] == BLOCKS)
			continue;
		run_thread(t);
		unsigned i = done[t]++;
		blocks[t][i] = explored_malloc(size_of(t, i));
		if (i >= 2 && i % 3 == 0)
			explored_free(blocks[t][i - 2]);
		left--;
	}
}

static void addresses_depend_on_the_thread_alone(void **state)
{
	(void)state;
	void *first[3][BLOCKS], *again[3][BLOCKS];
	allocate_in_turn(0, first);
	for (uint64_t seed = 0; seed < 50; seed++) {
		allocate_in_turn(seed, again);
		assert_memory_equal(first, again, sizeof first);
	}
}

static void blocks_lie_apart_and_aligned(void **state)
{
	(void)state;
	void *blocks[3][BLOCKS];
	allocate_in_turn(1, blocks);
	for (unsigned t = 0; t < 3; t++)
		for (unsigned i = 0; i < BLOCKS; i++) {
			assert_int_equal((uintptr_t)blocks[t][i] % 16, 0);
			assert_true(heap_owns((uintptr_t)blocks[t][i]));
			if (i)
				assert_true((char *)blocks[t][i - 1] + size_of(t, i - 1) + 16 <= (char *)blocks[t][i]);
		}
}

static void every_address_finds_its_block(void **state)
{
	(void)state;
	void *blocks[3][BLOCKS];
	for (uint64_t seed = 0; seed < 3; seed++) {
		/* Hints of the last execution are wrong now. */
		new_execution();
		run_thread(0);
		explored_malloc(1 + 1000 * seed);
		for (unsigned i = 0; i < BLOCKS; i++)
			blocks[0][i] = explored_malloc(size_of((unsigned)seed, i));
		for (unsigned pass = 0; pass < 2; pass++)
			for (unsigned i = 0; i < BLOCKS; i++)
				for (size_t at = 0; at < size_of((unsigned)seed, i); at += at < 200 ? 1 : 997) {
					uintptr_t start;
					size_t bytes;
					unsigned t;
					assert_non_null(heap_block((uintptr_t)blocks[0][i] + at, &start, &bytes, &t));
					assert_int_equal(start, (uintptr_t)blocks[0][i]);
					assert_int_equal(bytes, size_of((unsigned)seed, i));
					assert_int_equal(t, 0);
					heap_check((uintptr_t)blocks[0][i] + at, 1, true, NULL);
				}
	}
	assert_int_equal(runtime->findings, 0);
}

/* --- what they hold ----------------------------------------------------------------------------------------------------------------- */

static void fresh_memory_is_always_the_same(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 15, 100, 5000, 65536, 65537, 200000, 1000, 900000, 3000000, 64};
	enum { SIZES = sizeof sizes / sizeof *sizes };
	for (unsigned execution = 0; execution < 40; execution++) {
		struct stream random = execution_random(1, execution);
		new_execution();
		for (unsigned i = 0; i < SIZES; i++) {
			size_t bytes = sizes[stream_below(&random, SIZES)];
			bool zeroed = stream_below(&random, 4) == 0;
			unsigned char *block = zeroed ? explored_calloc(1, bytes) : explored_malloc(bytes);
			assert_non_null(block);
			for (size_t at = 0; at < bytes; at++)
				if (block[at] != (zeroed || at >= 65536 ? 0 : 0xbe))
					fail_msg("execution %u, byte %zu of %zu is %#x", execution, at, bytes, block[at]);
			memset(block, 0x55, bytes);
		}
	}
}

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
	fclose(file);
	return pages * (size_t)getpagesize();
}

static void memory_is_given_back(void **state)
{
	(void)state;
	size_t before = resident_bytes();
	run_thread(1);
	memset(explored_malloc(100 << 20), 1, 100 << 20);
	for (unsigned i = 0; i < 500000; i++)
		explored_malloc(16);
	assert_true(resident_bytes() > before + (100 << 20));
	new_execution();
	assert_true(resident_bytes() < before + (8 << 20));
}

static void sizes_at_the_limits(void **state)
{
	(void)state;
	void *a = explored_malloc(0), *b = explored_malloc(0);
	assert_non_null(a);
	assert_ptr_not_equal(a, b);
	errno = 0;
	assert_null(explored_malloc(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(explored_malloc((size_t)PTRDIFF_MAX));
	assert_null(explored_calloc(SIZE_MAX / 2, 3));
	assert_null(explored_reallocarray(NULL, SIZE_MAX / 2, 3));
	assert_int_equal(uncontrolled, 0);
	assert_null(explored_malloc((size_t)1 << 31));
	assert_int_equal(uncontrolled, 1);
	assert_non_null(explored_malloc(600u << 20)); /* untouched: costs nothing */
	assert_null(explored_malloc(600u << 20));
	assert_non_null(explored_malloc(300u << 20));
	new_execution();
	assert_non_null(explored_malloc(600u << 20));
}

static void alignments(void **state)
{
	(void)state;
	void *p;
	for (size_t alignment = 8; alignment <= 1 << 20; alignment *= 2) {
		explored_malloc(1);
		assert_int_equal((uintptr_t)explored_aligned_alloc(alignment, 3) % alignment, 0);
		assert_int_equal((uintptr_t)explored_memalign(alignment - 1, 3) % alignment, 0);
		assert_int_equal(explored_posix_memalign(&p, alignment, 3), 0);
		assert_int_equal((uintptr_t)p % alignment, 0);
	}
	assert_int_equal((uintptr_t)explored_valloc(3) % (uintptr_t)getpagesize(), 0);
	p = explored_pvalloc(3);
	assert_int_equal((uintptr_t)p % (uintptr_t)getpagesize(), 0);
	assert_int_equal(explored_malloc_usable_size(p), getpagesize());
	assert_int_equal(explored_posix_memalign(&p, 24, 3), EINVAL);
	assert_int_equal(explored_posix_memalign(&p, 4, 3), EINVAL);
	assert_int_equal(explored_posix_memalign(&p, 16, (size_t)1 << 40), ENOMEM);
	assert_null(explored_aligned_alloc(3, 3));
}

static void reallocation_moves_and_keeps(void **state)
{
	(void)state;
	char *small = explored_realloc(NULL, 10);
	memcpy(small, "012345678", 10);
	char *large = explored_realloc(small, 1000);
	assert_ptr_not_equal(small, large);
	assert_string_equal(large, "012345678");
	assert_int_equal(explored_malloc_usable_size(large), 1000);
	char *least = explored_realloc(large, 4);
	assert_memory_equal(least, "0123", 4);
	assert_null(explored_realloc(least, 0));
	assert_true(ENDS(explored_realloc(least, 5)));
	found(FINDING_DOUBLE_FREE);
	char *kept = explored_malloc(4);
	assert_null(explored_realloc(kept, (size_t)1 << 40));
	explored_free(kept);
	assert_int_equal(runtime->findings, 0);
}

static void copies_of_texts(void **state)
{
	(void)state;
	char *copy = explored_strdup("text");
	assert_string_equal(copy, "text");
	assert_int_equal(explored_malloc_usable_size(copy), 5);
	copy = explored_strndup("text", 2);
	assert_string_equal(copy, "te");
	assert_int_equal(explored_asprintf(&copy, "%d-%s", 42, "x"), 4);
	assert_string_equal(copy, "42-x");
	assert_true(heap_owns((uintptr_t)copy));
	explored_free(copy);
	assert_int_equal(runtime->findings, 0);
}

/* --- errors --------------------------------------------------------------------------------------------------------------------------- */

static void use_after_free(void **state)
{
	(void)state;
	run_thread(1);
	char *block = explored_malloc(64);
	run_thread(2);
	explored_free(block);
	assert_true(ENDS(access_bytes(1, block + 8, 4, true)));
	const struct finding *f = found(FINDING_USE_AFTER_FREE);
	assert_string_equal(f->message, "thread 1 writes 4 bytes at offset 8 of a block of 64 bytes that thread 2 has freed");
	assert_int_equal(f->place_count, 3);
	assert_int_equal(f->place[0].thread, 1);
	assert_ptr_equal(f->place[0].frame[0], (void *)0x1001);
	assert_int_equal(f->place[1].thread, 2);
	assert_string_equal(f->place[1].role, "freed it");
	assert_int_equal(f->place[2].thread, 1);
	assert_string_equal(f->place[2].role, "allocated 64 bytes");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(f->place[i].frame_count, 1);
	assert_false(ENDS(access_bytes(1, explored_malloc(64), 64, true)));
}

static void double_free(void **state)
{
	(void)state;
	run_thread(1);
	char *block = explored_malloc(24);
	explored_free(block);
	run_thread(2);
	assert_true(ENDS(explored_free(block)));
	const struct finding *f = found(FINDING_DOUBLE_FREE);
	assert_string_equal(f->message, "thread 2 frees a block of 24 bytes that thread 1 has freed already");
	assert_int_equal(f->place_count, 3);
	explored_free(NULL);
	assert_int_equal(runtime->findings, 0);
}

static int static_object;

static void frees_of_what_was_not_allocated(void **state)
{
	(void)state;
	char *block = explored_malloc(24);
	assert_true(ENDS(explored_free(block + 8)));
	found(FINDING_MISUSE);
	assert_true(ENDS(explored_free(block + 1000)));
	found(FINDING_MISUSE);
	assert_true(ENDS(explored_free(&static_object)));
	assert_non_null(strstr(found(FINDING_MISUSE)->message, "a static object"));
	assert_true(ENDS(explored_free(stack_of(1) + 3)));
	assert_non_null(strstr(found(FINDING_MISUSE)->message, "on a stack"));
	assert_true(ENDS(explored_realloc(&static_object, 8)));
	found(FINDING_MISUSE);
	explored_free(block);
	/* What a function of libc allocated. */
	explored_free(malloc(8));
	explored_free(explored_realloc(malloc(8), 80));
	assert_int_equal(runtime->findings, 0);
}

static void accesses_outside(void **state)
{
	(void)state;
	char *block = explored_malloc(24), *second = explored_malloc(24);
	assert_false(ENDS(access_bytes(0, block, 24, true)));
	assert_false(ENDS(access_bytes(0, block + 23, 1, true)));
	static const struct {
		ptrdiff_t at;
		size_t bytes;
	} outside[] = {{24, 1}, {23, 2}, {-1, 1}, {0, 25}, {20, 8}, {100, 4}, {1 << 20, 1}};
	for (volatile size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
		assert_true(ENDS(access_bytes(0, block + outside[i].at, outside[i].bytes, i % 2)));
		found(FINDING_MISUSE);
	}
	assert_true(ENDS(access_bytes(0, explored_malloc(0), 1, false)));
	assert_string_equal(
		found(FINDING_MISUSE)->message, "thread 0 reads 1 bytes outside of any block, at offset 0 of a block of 0 bytes");
	/* A pointer of an earlier execution. */
	new_execution();
	assert_true(ENDS(access_bytes(0, second, 1, true)));
	found(FINDING_MISUSE);
}

static void note_access(unsigned t, const void *address, bool write)
{
	struct race race;
	assert_false(races_access((uintptr_t)address, 4, write, false, false, t, clocks[t], clocks[t][t], (void *)0x77, &race));
}

static void a_free_that_comes_too_early(void **state)
{
	(void)state;
	char *block = explored_malloc(600);
	make_event(0, 0);
	make_event(1, 0);
	note_access(1, block + 516, false);
	run_thread(0);
	explored_free(block);
	const struct finding *f = found(FINDING_USE_AFTER_FREE);
	assert_string_equal(f->message, "thread 0 frees a block of 600 bytes that thread 1 reads, and nothing orders the two");
	assert_int_equal(f->place_count, 3);
	assert_ptr_equal(f->place[1].frame[0], (void *)0x77);
	/* In order. */
	new_execution();
	block = explored_malloc(600);
	make_event(0, 0);
	make_event(1, 0);
	note_access(1, block + 516, false);
	make_event(1, 1);
	make_event(0, 1);
	run_thread(0);
	explored_free(block);
	assert_int_equal(runtime->findings, 0);
	/* The free itself is an access: whoever did not know of it. */
	struct race race;
	assert_true(races_access((uintptr_t)block, 1, false, false, false, 2, clocks[2], 0, NULL, &race));
	assert_true(race.freed);
}

static void the_host_uses_the_ordinary_heap(void **state)
{
	(void)state;
	char *explored = explored_malloc(10);
	strcpy(explored, "explored");
	char *second = explored_malloc(10);
	run_host();
	char *own = explored_malloc(10);
	assert_false(heap_owns((uintptr_t)own));
	own = explored_realloc(own, 20);
	assert_false(heap_owns((uintptr_t)own));
	explored_free(own);
	/* It cleans up after an execution. */
	explored_free(second);
	own = explored_realloc(explored, 20);
	assert_false(heap_owns((uintptr_t)own));
	assert_string_equal(own, "explored");
	explored_free(own);
	assert_int_equal(runtime->findings, 0);
	explored_free(explored);
	found(FINDING_DOUBLE_FREE);
}

/* --- leaks --------------------------------------------------------------------------------------------------------------------------- */

static void *root;

/* Nothing else may remember the address: neither a register nor a stack that is looked through holds it. */
static __attribute__((noinline)) void **made(size_t bytes)
{
	void **block = explored_malloc(bytes);
	memset(block, 0, bytes);
	return block;
}

static void all_end(void)
{
	for (unsigned t = 0; t < 3; t++)
		runtime->thread[t].ended = runtime->thread[t].joined = true;
}

static void nothing_leaks(void)
{
	heap_leaks();
	if (runtime->findings)
		fail_msg("%s", runtime->finding[0].message);
}

static void what_is_lost_is_reported(void **state)
{
	(void)state;
	all_end();
	nothing_leaks();
	made(40);
	heap_leaks();
	const struct finding *f = found(FINDING_LEAK);
	assert_string_equal(f->message, "40 bytes in 1 block are never freed, and nothing points to them any more");
	assert_int_equal(f->place[0].frame_count, 1);
	explored_free(made(40));
	for (unsigned i = 0; i < 3; i++)
		made(8);
	heap_leaks();
	assert_string_equal(
		found(FINDING_LEAK)->message, "64 bytes in 4 blocks are never freed, and nothing points to them any more");
	explored_malloc(1); /* another site */
	heap_leaks();
	assert_int_equal(runtime->findings, 2);
}

static void what_is_freed_is_not(void **state)
{
	(void)state;
	all_end();
	void **block = made(40);
	explored_free(block);
	nothing_leaks();
}

static void what_static_data_points_to_is_kept(void **state)
{
	(void)state;
	all_end();
	root = made(40);
	nothing_leaks();
	root = (char *)root + 39; /* into it */
	nothing_leaks();
	root = (char *)root + 1; /* behind it */
	heap_leaks();
	found(FINDING_LEAK);
	root = NULL;
}

static void what_a_block_points_to_is_kept(void **state)
{
	(void)state;
	all_end();
	void **list = root = made(16);
	for (unsigned i = 0; i < 100; i++) {
		run_thread(i % 3);
		*list = made(16);
		list = *list;
	}
	nothing_leaks();
	/* A freed block keeps nothing. */
	explored_free(root);
	heap_leaks();
	assert_string_equal(
		found(FINDING_LEAK)->message, "16 bytes in 1 block are never freed, and nothing points to them any more");
	root = NULL;
}

static void rings_are_lost_too(void **state)
{
	(void)state;
	all_end();
	void **a = made(32), **b = made(48), **c = made(64);
	*a = b;
	*b = c;
	*c = a;
	c[1] = c;
	heap_leaks();
	assert_string_equal(
		found(FINDING_LEAK)->message, "32 bytes in 1 block are never freed, and nothing points to them any more");
	/* What leads into the ring is what was lost. */
	*made(80) = b;
	heap_leaks();
	assert_string_equal(
		found(FINDING_LEAK)->message, "80 bytes in 1 block are never freed, and nothing points to them any more");
}

static void threads_keep_blocks(void **state)
{
	(void)state;
	run_thread(1);
	stack_of(2)[STACK_WORDS - 1] = (uintptr_t)made(8);
	storage_of(2)[5] = (uintptr_t)made(8);
	runtime->thread[1].result = made(8);
	storage_of(1)[0] = (uintptr_t)made(8);
	nothing_leaks();
	/* Below the stack pointer there is nothing any more. */
	stack_of(2)[0] = stack_of(2)[STACK_WORDS - 1];
	stack_of(2)[STACK_WORDS - 1] = 0;
	heap_leaks();
	found(FINDING_LEAK);
	stack_of(2)[STACK_WORDS - 1] = stack_of(2)[0];
	nothing_leaks();
	/* An ended thread has its result, until it is joined; the first one's storage stays. */
	runtime->thread[1].ended = runtime->thread[0].ended = true;
	heap_leaks();
	assert_string_equal(
		found(FINDING_LEAK)->message, "16 bytes in 2 blocks are never freed, and nothing points to them any more");
	runtime->thread[1].joined = true;
	heap_leaks();
	assert_string_equal(
		found(FINDING_LEAK)->message, "24 bytes in 3 blocks are never freed, and nothing points to them any more");
}

static void thread_specific_values_keep_blocks(void **state)
{
	(void)state;
	all_end();
	storage_of(0)[0] = (uintptr_t)made(40);
	nothing_leaks();
	storage_of(0)[0] = 0;
	heap_leaks();
	found(FINDING_LEAK);
}

static void the_environment_keeps_blocks(void **state)
{
	(void)state;
	all_end();
	char **before = environ;
	char **own = explored_calloc(3, sizeof *own);
	own[0] = explored_strdup("A=1");
	own[1] = explored_strdup("B=2");
	environ = own;
	nothing_leaks();
	environ = before;
	heap_leaks();
	found(FINDING_LEAK);
}

static void what_libc_was_given_is_kept(void **state)
{
	(void)state;
	all_end();
	setvbuf(stderr, (char *)made(BUFSIZ), _IOLBF, BUFSIZ);
	nothing_leaks();
	setvbuf(stderr, NULL, _IONBF, 0);
	heap_leaks();
	found(FINDING_LEAK);
}

static void many_sites_and_much_memory(void **state)
{
	(void)state;
	all_end();
	for (unsigned i = 0; i < 20000; i++)
		made(32);
	root = explored_malloc(50 << 20);
	heap_leaks();
	assert_string_equal(found(FINDING_LEAK)->message,
		"640000 bytes in 20000 blocks are never freed, and nothing points to them any more");
	root = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(addresses_depend_on_the_thread_alone, runtime_set_up),
		cmocka_unit_test_setup(blocks_lie_apart_and_aligned, runtime_set_up),
		cmocka_unit_test_setup(every_address_finds_its_block, runtime_set_up),
		cmocka_unit_test_setup(fresh_memory_is_always_the_same, runtime_set_up),
		cmocka_unit_test_setup(memory_is_given_back, runtime_set_up),
		cmocka_unit_test_setup(sizes_at_the_limits, runtime_set_up),
		cmocka_unit_test_setup(alignments, runtime_set_up),
		cmocka_unit_test_setup(reallocation_moves_and_keeps, runtime_set_up),
		cmocka_unit_test_setup(copies_of_texts, runtime_set_up),
		cmocka_unit_test_setup(use_after_free, runtime_set_up),
		cmocka_unit_test_setup(double_free, runtime_set_up),
		cmocka_unit_test_setup(frees_of_what_was_not_allocated, runtime_set_up),
		cmocka_unit_test_setup(accesses_outside, runtime_set_up),
		cmocka_unit_test_setup(a_free_that_comes_too_early, runtime_set_up),
		cmocka_unit_test_setup(the_host_uses_the_ordinary_heap, runtime_set_up),
		cmocka_unit_test_setup(what_is_lost_is_reported, runtime_set_up),
		cmocka_unit_test_setup(what_is_freed_is_not, runtime_set_up),
		cmocka_unit_test_setup(what_static_data_points_to_is_kept, runtime_set_up),
		cmocka_unit_test_setup(what_a_block_points_to_is_kept, runtime_set_up),
		cmocka_unit_test_setup(rings_are_lost_too, runtime_set_up),
		cmocka_unit_test_setup(threads_keep_blocks, runtime_set_up),
		cmocka_unit_test_setup(thread_specific_values_keep_blocks, runtime_set_up),
		cmocka_unit_test_setup(the_environment_keeps_blocks, runtime_set_up),
		cmocka_unit_test_setup(what_libc_was_given_is_kept, runtime_set_up),
		cmocka_unit_test_setup(many_sites_and_much_memory, runtime_set_up),
	};
	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
