/* SPDX-License-Identifier: MIT */
/* What makes a finding the same one from run to run, although lines move and threads are numbered otherwise.
 *
 * A fingerprint is made of the kind and of what the finding is about: for each place its file, its function and the text of its line
 * with white space squeezed; without places, of subject, scenario and message. No line numbers, no thread numbers, no order, and not
 * which of two accesses was the write: at "n++" that depends on the schedule, and TSan's words differ from the explorer's. Places that
 * only led there ("called from here"), or that only join a thread of a deadlock, are left out. So all engines have one name for a finding. */
#ifndef ONCEPROOF_FINGERPRINT_H
#define ONCEPROOF_FINGERPRINT_H

#include <jansson.h>

enum { FINGERPRINT_MAX = 64 };

/* Sets `fingerprint` ("data-race:0123456789abcdef") of every finding of RESULT, where it is missing. Findings that would share one
 * although they are about other lines (two lines with the same text in one function) are counted in the order of their lines. Reads
 * source lines (reports/source.h): call it while the files are as they were. */
void result_fingerprints(json_t *result);

/* The fingerprint of FINDING of RESULT: the one it has, else the one it would have were it alone. */
void finding_fingerprint(const json_t *result, const json_t *finding, char text[FINGERPRINT_MAX]);

#endif
