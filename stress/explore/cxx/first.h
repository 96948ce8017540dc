/* SPDX-License-Identifier: MIT */
/* Included in front of each C++ file that is explored: std::string is compiled with the program instead of being called in the library, so
 * that its accesses are seen (as libstdc++ itself does it for its checks of strings, and from C++20 on). */
#if __has_include(<bits/c++config.h>)
#include <bits/c++config.h>
#undef _GLIBCXX_EXTERN_TEMPLATE
#define _GLIBCXX_EXTERN_TEMPLATE -1
#endif

/* Waiting on atomics, in C++20. Whoever notifies looks by a mere load whether somebody waits; behind a store that is no seq_cst one, C++ lets
 * that load miss a waiter who has not seen the store, and the waiter sleeps on. No machine that libstdc++ is made for does that, and no
 * program can help it: here the look is an update, which misses nobody. */
#if __cplusplus > 201703L && defined _GLIBCXX_RELEASE && _GLIBCXX_RELEASE < 15 && __has_include(<bits/atomic_wait.h>)
#define __atomic_load(at, to, order)                                                                         \
	((order) == __ATOMIC_SEQ_CST ? (void)(*(to) = __atomic_fetch_add(const_cast<int *>(at), 0, order))      \
				     : (void)__atomic_load(at, to, order))
#include <bits/atomic_wait.h>
#undef __atomic_load
#endif
