/* SPDX-License-Identifier: MIT */
/* Renderers: each turns a report (reports/result.h) into one file, written aside and renamed. REPORT is borrowed and not changed.
 * Every one returns 0 or an errno value after a complaint. All text of the report is treated as untrusted and escaped. */
#ifndef ONCEPROOF_RENDER_H
#define ONCEPROOF_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Puts into every finding of REPORT what renderers show and only this machine has: its fingerprint (reports/fingerprint.h) and the
 * source lines around its places (reports/source.h). For commands that have just made REPORT; findings that have them keep them. */
void report_complete(json_t *report);

/* One self-contained offline page. */
int render_html(const json_t *report, const char *path);

/* Markdown that fits a CI job summary (under 1 MiB). */
int render_markdown(const json_t *report, const char *path);

/* SARIF 2.1.0 with one run: a rule for each kind of finding (reports/advice.h), a result for each finding, its interleaving as code flow.
 * At most 5,000 results; a notification says so. */
int render_sarif(const json_t *report, const char *path);

/* Workflow commands of GitHub Actions ("::error file=…::…"): one for each finding, the most important first; at most ten of a level, as
 * GitHub shows no more, and one line that counts the rest. 0 or an errno value. */
int render_github(const json_t *report, FILE *out);

/* Is this a step of a GitHub workflow (GITHUB_ACTIONS=true)? */
bool github_actions(void);

/* The findings for a job summary: verdicts, interleavings, what to change, replay. APPEND adds to what PATH has ($GITHUB_STEP_SUMMARY),
 * which stays below 1 MiB in all: whole findings are left out from the end, and counted. */
int render_summary(const json_t *report, const char *path, bool append);

/* One self-contained offline page of the findings: source, interleaving step by step, what to change, replay. */
int render_witness_page(const json_t *report, const char *path);

/* JUnit XML: one <testsuites> root with one <testsuite> per family and per subject of a user; a test case per result and per contract. Failed where as_expected
 * is false or a contract is broken, skipped where the verdict decides nothing. */
int render_junit(const json_t *report, const char *path);

#endif
