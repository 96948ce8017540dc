// SPDX-License-Identifier: MIT
// The standard streams, which several threads may use at once.
#include "../runtime.h"

extern "C" {
#define STREAM(name, symbol) extern char name __asm__(symbol) __attribute__((weak));
STREAM(of_cout, "_ZSt4cout")
STREAM(of_cerr, "_ZSt4cerr")
STREAM(of_clog, "_ZSt4clog")
STREAM(of_cin, "_ZSt3cin")
STREAM(of_wcout, "_ZSt5wcout")
STREAM(of_wcerr, "_ZSt5wcerr")
STREAM(of_wclog, "_ZSt5wclog")
STREAM(of_wcin, "_ZSt4wcin")

extern const void *const explored_cxx_standard[];
const void *const explored_cxx_standard[] = {
	&of_cout, &of_cerr, &of_clog, &of_cin, &of_wcout, &of_wcerr, &of_wclog, &of_wcin, &explored_cxx_standard};
}
