/* SPDX-License-Identifier: MIT */
/* The parts of the summary. */
#ifndef ONCEPROOF_MARKDOWN_PARTS_H
#define ONCEPROOF_MARKDOWN_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* WORDS escaped, and cut where they are too long. */
void markdown_text(FILE *out, const char *words);

/* Has the file reached its size? Counts what is left out in *LEFT_OUT, which is told once at the end. */
bool markdown_full(FILE *out, size_t *left_out);

/* The machines, and the prices of the operations that each family is for. */
void markdown_prices(FILE *out, const json_t *facts, size_t *left_out);

#endif
