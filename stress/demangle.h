/* SPDX-License-Identifier: MIT */
/* Names of C++ as people write them. */
#ifndef ONCEPROOF_DEMANGLE_H
#define ONCEPROOF_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/* NAME of a symbol as text: "_ZN4bank7depositEi" is "bank::deposit", without parameters and result; any other name stays as it is.
 * Thread-safe. */
void demangle(const char *name, char *text, size_t bytes);

#endif
