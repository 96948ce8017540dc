/* SPDX-License-Identifier: MIT */
/* What was explored, as a short text: results of other code must not be put together, nor a search go on with it. */
#ifndef ONCEPROOF_BUILD_IDENTITY_H
#define ONCEPROOF_BUILD_IDENTITY_H

#include <jansson.h>

enum { BUILD_IDENTITY_BYTES = 33 };

/* Digest of what the executable PROGRAM puts into memory: code and data, without debug information, so that the folder in which it was
 * built does not matter. "" if it cannot be read. Thread-safe. */
void build_identity(const char *program, char text[BUILD_IDENTITY_BYTES]);

/* The same with what belongs to a user's program: its source files, whose lines findings name, flags, arguments and input. RECIPE has
 * `files`, `flags`, `arguments`, `input` as witnesses keep them. */
void build_identity_of_program(const char *program, const json_t *recipe, char text[BUILD_IDENTITY_BYTES]);

#endif
