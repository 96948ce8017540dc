/* SPDX-License-Identifier: MIT */
/* The sections of the page, top to bottom. Each writes whole HTML elements; all text goes through fill(). */
#ifndef ONCEPROOF_HTML_PARTS_H
#define ONCEPROOF_HTML_PARTS_H

#include <jansson.h>
#include <stdio.h>

#include "facts.h"

void html_matrix_right(FILE *out, const json_t *facts);
void html_matrix_fast(FILE *out, const json_t *facts);
void html_matrix_pipeline(FILE *out, const json_t *facts);

/* Every implementation, one after the other. */
void html_subjects(FILE *out, const json_t *facts);

/* One finding with its source lines, for html_subjects. SEEN: where it was seen, an array of texts. */
void html_finding(FILE *out, const json_t *finding, const json_t *seen, const json_t *facts);

/* The words, and what a green page does not prove. */
void html_glossary(FILE *out);

/* Machine, seed, command. */
void html_machine(FILE *out, const json_t *report);

/* An element that the page's script fills with a chart; KIND and KEY say which, LABEL is what a screen reader says. */
void html_chart(FILE *out, const char *kind, const char *key, const char *label);

/* A matrix's cell for STANDING: symbol, and its word for those who cannot see it. */
void html_standing(FILE *out, enum standing standing);

#endif
