// SPDX-License-Identifier: MIT
// Local static variables, and the ends of thread-local ones.
#include "../runtime.h"

extern "C" {
int __cxa_guard_acquire(std::uint64_t *guard);
void __cxa_guard_release(std::uint64_t *guard) noexcept;
void __cxa_guard_abort(std::uint64_t *guard) noexcept;
int __cxa_thread_atexit(void (*end)(void *), void *object, void *module) noexcept;
int __cxa_thread_atexit_impl(void (*end)(void *), void *object, void *module);

int __cxa_guard_acquire(std::uint64_t *guard)
{
	return explored_guard_acquire(guard, CALLER);
}

void __cxa_guard_release(std::uint64_t *guard) noexcept
{
	explored_guard_release(guard, true, CALLER);
}

void __cxa_guard_abort(std::uint64_t *guard) noexcept
{
	explored_guard_release(guard, false, CALLER);
}

int __cxa_thread_atexit(void (*end)(void *), void *object, void *module) noexcept
{
	return __cxa_thread_atexit_impl(end, object, module);
}
}
