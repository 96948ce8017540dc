/* SPDX-License-Identifier: MIT */
/* The parts of facts_gather(); see facts.h for what they make. */
#ifndef ONCEPROOF_FACTS_PARTS_H
#define ONCEPROOF_FACTS_PARTS_H

#include <jansson.h>

json_t *facts_costs(const json_t *report);
json_t *facts_choices(const json_t *report);

/* Sets headline, sentences and tone of FACTS, whose other members stand already. */
void facts_headline(json_t *facts, const json_t *report);

#endif
