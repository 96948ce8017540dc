/* SPDX-License-Identifier: MIT */
/* The study "sizes": what implementations weigh, in memory and in code. */
#ifndef ONCEPROOF_BENCH_SIZES_H
#define ONCEPROOF_BENCH_SIZES_H

#include <cstddef>

#include <jansson.h>

namespace bench
{

struct plan;

/* {counted {} (what each number is, in a sentence), notes[], rows[]}. Each row: subject, missing (why nothing is known, or null), operation
 * ("get", "increment", "step"), file; bytes_instance and its parts bytes_struct, bytes_heap, bytes_static; bytes_thread and its parts
 * bytes_seat, bytes_thread_heap, bytes_thread_local; code_bytes, function_bytes, fast_path_bytes, fast_path_how ("executed", "whole
 * function"), fast_path_all_bytes, fast_path_instructions. Numbers that could not be found are null. Opens every implementation once and
 * uses it from several threads. A new reference. */
json_t *study_sizes(const plan &plan);

/* Bytes of heap in use by the C library's accounts, or -1 where its malloc keeps none (a sanitizer's). Freed chunks that the calling thread
 * keeps for itself count as used: heap_drain() takes those out first, so that what is allocated next shows. */
long long heap_in_use();
void heap_drain();

} // namespace bench
#endif
