/* SPDX-License-Identifier: MIT */
/* The parts of facts_gather(); see facts.h for what they make. */
#ifndef ONCEPROOF_FACTS_PARTS_H
#define ONCEPROOF_FACTS_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

json_t *facts_costs(const json_t *report);
json_t *facts_choices(const json_t *report);

/* The machines that the prices come from; see facts.h. */
json_t *facts_machines(const json_t *report);

json_t *facts_distributions(const json_t *report);
json_t *facts_goals(const json_t *report);

/* shorts of FACTS, whose costs, machines and subjects stand already; and a sentence for each that compares right and wrong. */
json_t *facts_shorts(const json_t *facts);
void facts_short_sentences(json_t *sentences, const json_t *shorts);

/* Of two costs: -1, TIMES the first is cheaper than the second; 1, it is dearer; 0, their intervals (or without these, what identical code
 * varies by) do not tell them apart. */
int facts_dearer(const json_t *one, const json_t *other, double times);

/* As many threads as an operation was measured with and run at once on HOST; 0: it was not measured. */
int facts_most_threads(const json_t *facts, const char *family, const char *operation, const char *host);

/* why of FACTS, whose costs, machines and subjects stand already; or JSON's null where no numbers carry a sentence. */
json_t *facts_why(const json_t *facts);

/* Sets headline, sentences and tone of FACTS, whose other members stand already. */
void facts_headline(json_t *facts, const json_t *report);

/* The median of an array of numbers, which is sorted on the way; -1 for an empty one. */
double numbers_median(json_t *numbers);

/* The parts of a benchmark row's name, "counter/mutex/increment/threads:2"; a floor has subject "floor". BYTES of room for each text.
 * False if NAME has another shape. */
bool row_name_split(const char *name, char *subject, char *operation, size_t bytes, int *threads);

#endif
