/* SPDX-License-Identifier: MIT */
/* Words that say nothing about a text and are left out of its index. Loaded when they are first asked for. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Is WORD one of them? Thread-safe. */
bool words_skip(const char *word);

/* How often the list was loaded. */
unsigned words_loads(void);

#endif
