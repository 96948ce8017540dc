/* SPDX-License-Identifier: MIT */
/* What the suites of families (junit.c) and those of users' code (junit_check.c) share. */
#ifndef ONCEPROOF_JUNIT_PARTS_H
#define ONCEPROOF_JUNIT_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct junit_totals {
	size_t tests, failures, errors, skipped;
	double seconds;
};

/* Writes the attributes of a suite and ends its tag. */
void junit_attributes(FILE *out, const struct junit_totals *totals);

/* Is SUBJECT a user's: one that CHECKS (`checks[]`) has a conclusion about, or no implementation of a family? */
bool junit_checked(const json_t *checks, const char *subject);

/* One suite for each such subject of REPORT, a case for each of its results; their sum. OUT is NULL: only counts. */
struct junit_totals junit_check_suites(FILE *out, const json_t *report);

#endif
