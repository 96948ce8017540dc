/* SPDX-License-Identifier: MIT */
/* The sections of the page, top to bottom. Each writes whole HTML elements; all text goes through fill(). */
#ifndef ONCEPROOF_HTML_PARTS_H
#define ONCEPROOF_HTML_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "facts.h"

enum { HTML_NONCE_MAX = 33 };

/* A page may run the scripts that carry this number and nothing else: no handler in an attribute, no file from anywhere. */
void html_nonce(char nonce[HTML_NONCE_MAX]);

/* From the doctype to the start of the body; STYLE is CSS that comes after the page's own. */
void html_head(FILE *out, const char *title, const char *nonce, const char *style);

void html_matrix_right(FILE *out, const json_t *facts);

/* What it costs: where it was measured, the short list, the price list; then what the others below have for it. */
void html_fast(FILE *out, const json_t *facts, const json_t *report);

/* The bug, a fix and what else people take, as bars: for each machine, a get and an increment. */
void html_short(FILE *out, const json_t *facts);

/* Why they cost that. Nothing where the numbers explain nothing. */
void html_why(FILE *out, const json_t *facts);

/* Latency distributions: percentiles as a table and a plot. Nothing where none was measured. */
void html_latency(FILE *out, const json_t *facts);

/* Memory and code size; the goals. Nothing where there are none. */
void html_sizes(FILE *out, const json_t *facts);
void html_goals(FILE *out, const json_t *facts);

/* Up to which item cost the choice matters. Nothing where it was not measured. */
void html_crossings(FILE *out, const json_t *facts);

void html_matrix_pipeline(FILE *out, const json_t *facts);

/* Every implementation, one after the other. */
void html_subjects(FILE *out, const json_t *facts);

/* One finding with its source lines, for html_subjects. SEEN: where it was seen, an array of texts. */
void html_finding(FILE *out, const json_t *finding, const json_t *seen, const json_t *facts);

/* The interleaving of FINDING as a table, one column per thread; nothing where it has none. The page's script takes from the rows' data-
 * attributes which line a step is at and what it reads and writes. */
void html_interleaving(FILE *out, const json_t *finding);

/* The words, and what a green page does not prove. */
void html_glossary(FILE *out);

/* The machine as measured, seed, command. */
void html_machine(FILE *out, const json_t *facts, const json_t *report);

/* An element that the page's script fills with a chart; KIND and KEY say which, LABEL is what a screen reader says. */
void html_chart(FILE *out, const char *kind, const char *key, const char *label);

/* "no_lost_update" with places where a narrow column may break it: after '_' and '+'. */
void html_breakable(FILE *out, const char *name);

/* A link to the part of SUBJECT (of facts) below, by its name. */
void html_link(FILE *out, const json_t *subject);

/* The name in "family/name"; a peer's without what all peers begin with. Borrowed. */
const char *html_plain_name(const char *subject);

/* The first cell of a row about the implementation NAME ("counter/mutex") on HOST: a link where there is one, a mark where it is wrong, the
 * package of a peer, and with MACHINE the machine where there are several. */
void html_row_head(FILE *out, const json_t *facts, const char *name, const char *host, bool machine);

/* A matrix's cell for STANDING: symbol, and its word for those who cannot see it. */
void html_standing(FILE *out, enum standing standing);

#endif
