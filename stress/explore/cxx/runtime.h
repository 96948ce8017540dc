/* SPDX-License-Identifier: MIT */
/* Parts of the C++ library, made for explored programs. stress/program_cxx.c links them with a user's program in front of the compiler's
 * own libstdc++.a, from which the rest comes as it is; all of them call the C library and pthread by their usual names, which become the
 * explorer's (taken_*.txt) when the program is made.
 *
 * There are two kinds. Those in instrumented/ stand for what the program could have written itself: their accesses are seen, and they are
 * compiled without line numbers, so that a finding names the line that called them. Those in plain/ speak to the explorer.
 */
#ifndef ONCEPROOF_EXPLORE_CXX_RUNTIME_H
#define ONCEPROOF_EXPLORE_CXX_RUNTIME_H

#include <cstddef>
#include <cstdint>

extern "C" {
/* heap_functions.c. BYTES may be 0. SITE: the caller's. nullptr: no memory. */
void *explored_new(std::size_t bytes, std::size_t alignment, const void *site);
void explored_delete(void *memory, const void *site);
/* sync_guard.c: as __cxa_guard_acquire and so on (Itanium C++ ABI, 3.3.3). */
int explored_guard_acquire(std::uint64_t *guard, const void *site);
void explored_guard_release(std::uint64_t *guard, bool done, const void *site);
/* sync_guard.c: an update that acquires and releases, of a counter that the library keeps at AT. */
void explored_count(void *at, const void *site);
/* process.c: the explored code has the library read BYTES. */
void explored_reads(const void *at, std::size_t bytes, const void *site);
/* process.c: std::terminate was called. */
[[noreturn]] void explored_terminated(const char *why);
}

#define CALLER __builtin_return_address(0)

#endif
