/* SPDX-License-Identifier: MIT */
/* The one result format ("onceproof/1"). In memory it is a Jansson tree of exactly the shape of results.json, so that workers,
 * `merge` and the renderers all speak the same thing; the functions here are the only makers of its nodes.
 *
 * report    {schema, host, seed, partial, results[], contracts[], batches[], benchmarks}
 * result    {subject, scenario, engine, compiler, verdict, expected, as_expected, findings[], outcomes[], executions, blocked, seconds,
 *            peak_bytes, evidence}
 * finding   {kind, message, refutes[], locations[], interleaving[], replay, witness (its file)}; location {file, line, function, thread, access,
 *            source (the line's text)}; sources[] {file, lines[] {line, text}}: the lines around its places (reports/source.h)
 * outcome   {label, grade, count, why, refutes[]}
 * contract  {subject, promise, claim, status, by}
 * check     {subject, kind ("program", "scenario-file", "implementation", "executable"), compiler, flags[], verdict, engine, evidence,
 *            seconds, cached, findings, known, vanished[], expected ("bug" or "clean"), exit_status}:
 *            `checks[]` of a report has one for each subject and build. Findings of check
 *            also have `fingerprint` ("data-race:0123456789abcdef": the same although lines move), `baseline` ("new" or "known", where
 *            there is one) and `fixes[]` {change, edits[] {file, line, change}, verdict, executions, evidence}
 * benchmarks is Google Benchmark's own object {context, benchmarks[]}, rows renamed.
 *
 * Makers return a new reference; "steals" means that the function takes over the reference. Out of memory ends the process with a
 * message: a result that silently lacks a part would be worse. Not thread-safe per tree.
 */
#ifndef ONCEPROOF_RESULT_H
#define ONCEPROOF_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../impl/contract.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An empty report of this machine: host filled in, partial false. */
json_t *report_new(uint64_t seed);

/* A result without findings or outcomes, verdict "inconclusive" until result_judge. COMPILER like "gcc 12.2.0". */
json_t *result_new(const char *subject, const char *scenario, const char *engine, const char *compiler);

/* Sets verdict and evidence (a sentence saying what the verdict rests on), and from them and EXPECTED ("bug" or "clean") as_expected:
 * bug -> expected is bug, and each finding refutes something, but nothing that the result's `claims` (if set) names; proved -> expected is clean; not-found -> true if clean, null if a bug was expected; else null. */
void result_judge(json_t *result, const char *verdict, const char *expected, const char *evidence);

/* Adds a finding and returns it, borrowed. KIND is one of the finding kinds. REFUTES: promise bits of FAMILY. */
json_t *result_add_finding(json_t *result, const char *kind, const char *message, enum family family, uint32_t refutes);

/* Adds a place to a finding; FILE relative to the source tree; THREAD like "T1"; ACCESS like "write of 8 bytes" or NULL. */
void finding_add_location(
	json_t *finding, const char *file, int line, const char *function, const char *thread, const char *access);

void result_add_outcome(json_t *result, const char *label, const char *grade, uint64_t count, const char *why, enum family family,
	uint32_t refutes);

/* The names of the promise bits of a family, as an array of strings. */
json_t *promise_names(enum family family, uint32_t bits);

/* Writes JSON (two-space indent, keys in order of making) aside and renames; "-" is stdout. 0, or an errno value. */
int report_write(const json_t *report, const char *path);

/* Reads and checks a results file: schema and shape. NULL after one complaint that names the file and what is wrong with it. */
json_t *report_read(const char *path);

/* "gcc 12.2.0" or "clang 14.0.6": the compiler of the program that calls it (static inline, so that each build has its own). */
#define ONCEPROOF_STRING_(x) #x
#define ONCEPROOF_STRING(x) ONCEPROOF_STRING_(x)
static inline const char *compiler_name(void)
{
#if defined(__clang__)
	return "clang " ONCEPROOF_STRING(__clang_major__) "." ONCEPROOF_STRING(__clang_minor__) "." ONCEPROOF_STRING(
		__clang_patchlevel__);
#else
	return "gcc " ONCEPROOF_STRING(__GNUC__) "." ONCEPROOF_STRING(__GNUC_MINOR__) "." ONCEPROOF_STRING(__GNUC_PATCHLEVEL__);
#endif
}

#ifdef __cplusplus
}
#endif
#endif
