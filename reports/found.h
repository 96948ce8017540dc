/* SPDX-License-Identifier: MIT */
/* The findings of a report, each once: what SARIF, annotations, summary and page have in common. */
#ifndef ONCEPROOF_FOUND_H
#define ONCEPROOF_FOUND_H

#include <jansson.h>
#include <stdbool.h>

/* An array of {finding, result, seen[], level, known}, the most important first. A finding that several results of one subject have
 * (several engines, compilers or scenarios) stands there once, as the one of them that can show the most; `seen` says where:
 * "explore program (gcc 12.2.0)". `level` is "error" (it fails the run), "warning" or "note" (stated beforehand, or of an engine that
 * only informs); `known`: it is in the baseline. New reference; its parts are those of REPORT. */
json_t *found_gather(const json_t *report);

/* The places of an ENTRY of found_gather: the finding's locations; where it has none, the last step of its interleaving that has a place
 * (in the implementation's own file, if any is), or line 1 of the subject's file. New reference. */
json_t *found_places(const json_t *entry);

/* Was REPORT compared with a baseline? */
bool found_baseline(const json_t *report);

/* The file that SUBJECT is: an implementation's, or a user's; NULL if that is not known. Borrowed. */
const char *found_subject_file(const char *subject);

/* Is RESULT of an engine that decides nothing? helgrind and drd take atomics for plain accesses. */
bool found_informs_only(const json_t *result);

/* The conclusion of `checks[]` that RESULT belongs to: of its subject and compiler, or else of its subject. NULL: there is none. Borrowed. */
const json_t *found_check(const json_t *report, const json_t *result);

/* The findings of the baseline that were not seen: `vanished[]` of all checks, each {fingerprint, kind, message, subject}. New reference. */
json_t *found_vanished(const json_t *report);

/* FILE of a finding as others know it: relative to where names begin, without "./"; in a GitHub workflow relative to the repository,
 * also when the step runs in a folder below it. The caller frees it. */
char *found_file(const char *file);

#endif
