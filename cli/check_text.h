/* SPDX-License-Identifier: MIT */
/* What `onceproof check` tells people. */
#ifndef ONCEPROOF_CHECK_TEXT_H
#define ONCEPROOF_CHECK_TEXT_H

#include <jansson.h>

#include "stress_text.h"

/* A result: its findings, the witness first, each with what to change; then the engine's own verdict in a line. VERY FEW are shown whole, the
 * rest in a line each, unless the text is verbose. */
void check_text_result(const struct stress_text *text, const json_t *result);

/* The one verdict of CHECK, an element of `checks[]`, with what the baseline said. Also where only results are wanted (-q). */
void check_text_verdict(const struct stress_text *text, const json_t *check);

/* Of several builds: a table, and where they disagree. */
void check_text_matrix(const struct stress_text *text, const json_t *checks);

#endif
