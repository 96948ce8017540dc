/* SPDX-License-Identifier: MIT */
/* What the tests of the suite share. */
#ifndef ONCEPROOF_EXPLORE_SUITE_RUN_H
#define ONCEPROOF_EXPLORE_SUITE_RUN_H

#include "../explore.h"
#include "suite.h"

/* Explores PROGRAM; 0, or an errno value. The result is the caller's to free, also after an error. */
int suite_explore(const struct suite_program *program, const struct explore_options *options, struct explore_result *result);

/* Is NAME asked for on the command line? Without words, all are; else those whose name holds one of the words. */
bool suite_selected(int argc, char **argv, const char *name);

/* Says what is wrong with NAME; 1. */
unsigned suite_complain(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The findings of RESULT, to stderr. */
void suite_print_findings(const struct explore_result *result);

#endif
