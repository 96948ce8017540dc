/* SPDX-License-Identifier: MIT */
/* A report for the tests, with something of everything, and a scratch folder. */
#ifndef ONCEPROOF_TEST_SUPPORT_H
#define ONCEPROOF_TEST_SUPPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Text that tries to leave every place it could be put in: HTML, an attribute, a script block, XML, a Markdown table. */
extern const char hostile[];

/* Results of four implementations, contracts of every standing but "broken", batches, costs, a source text. */
json_t *sample_report(void);

/* Adds a contract to REPORT. */
void add_contract(
	json_t *report, const char *subject, const char *promise, const char *claim, const char *status, const char *by);

/* The same with HOSTILE wherever a report can hold text from outside. */
json_t *hostile_report(void);

/* A path in this test's own folder, which ends with the process. Valid until the eighth call after it. */
const char *scratch(const char *name);

/* The whole text of PATH; freed by the caller. Fails the test when it cannot be read. */
char *read_text(const char *path);

#endif
