// SPDX-License-Identifier: MIT
// What ends a program besides exceptions.
#include "../runtime.h"

extern "C" {
[[noreturn]] void explored___assert_fail(const char *what, const char *file, unsigned line, const char *function);
void __cxa_pure_virtual();
void __cxa_deleted_virtual();

void __cxa_pure_virtual()
{
	explored_terminated("it calls a pure virtual function, of an object that is not made yet or destroyed already");
}

void __cxa_deleted_virtual()
{
	explored_terminated("it calls a deleted virtual function");
}
}

// -D_GLIBCXX_ASSERTIONS
namespace std
{
[[noreturn]] void __glibcxx_assert_fail(const char *file, int line, const char *function, const char *what) noexcept;
void __glibcxx_assert_fail(const char *file, int line, const char *function, const char *what) noexcept
{
	explored___assert_fail(what ? what : "?", file ? file : "?", static_cast<unsigned>(line), function);
}
} // namespace std
