/* SPDX-License-Identifier: MIT */
/* What the two halves of race detection share; the interface for everybody else is in runtime.h. */
#ifndef ONCEPROOF_EXPLORE_RACES_H
#define ONCEPROOF_EXPLORE_RACES_H

#include "runtime.h"

/* Makes the set of racing addresses; again is harmless. 0, or an errno value. */
int races_promoted_start(void);

#endif
