/* SPDX-License-Identifier: MIT */
/* The other side of test_child.c: what a program can do to harm. */
#ifndef ONCEPROOF_TEST_CHILD_H
#define ONCEPROOF_TEST_CHILD_H

#include <stdbool.h>

/* Does harm of the kind HOW, to ARGUMENT where it needs one; an exit status: 0 as it should be, 77 too dangerous here. */
int hostile_main(const char *how, const char *argument);

/* From now on nobody gets a namespace here, nor is anybody root in what there is; without LANDLOCK that is refused, too. False: it cannot be
 * arranged. */
bool refuse_namespaces(bool landlock);

#endif
