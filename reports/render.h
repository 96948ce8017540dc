/* SPDX-License-Identifier: MIT */
/* Renderers: each turns a report (reports/result.h) into one file, written aside and renamed. REPORT is borrowed and not changed.
 * Every one returns 0 or an errno value after a complaint. All text of the report is treated as untrusted and escaped. */
#ifndef ONCEPROOF_RENDER_H
#define ONCEPROOF_RENDER_H

#include <jansson.h>

/* One self-contained offline page. */
int render_html(const json_t *report, const char *path);

/* Markdown that fits a CI job summary (under 1 MiB). */
int render_markdown(const json_t *report, const char *path);

/* JUnit XML: one <testsuites> root with one <testsuite> per family; a test case per result and per contract. Failed where as_expected
 * is false or a contract is broken, skipped where the verdict decides nothing. */
int render_junit(const json_t *report, const char *path);

#endif
