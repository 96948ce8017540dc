/* SPDX-License-Identifier: MIT */
/* What a report says, worked out once for all renderers: per implementation, per choice of the pipeline, and in one headline. Nothing
 * here is known beforehand; every word and number comes from the report. */
#ifndef ONCEPROOF_FACTS_H
#define ONCEPROOF_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "../impl/contract.h"

/* What a cell of the first matrix says. */
enum standing {
	STANDING_HOLDS,     /* claimed and upheld */
	STANDING_AS_STATED, /* missing and refuted: broken, as its file says */
	STANDING_BROKEN,    /* a contract broken: claimed and refuted, or missing and proved to hold */
	STANDING_SEEN,      /* missing, and seen to break by real threads or a detector; not shown by a forced order yet */
	STANDING_UNSHOWN,   /* claimed or missing, and nothing decided */
	STANDING_NOT_OFFERED,
};
struct standing_look {
	const char *symbol, *word, *css;
};
extern const struct standing_look standing_looks[];

/* A Jansson object:
 * subjects[]  {subject, family, name, file, lesson, source, claims{promise: claim}, contracts{promise: contract}, results[], costs[]},
 *             in reading order; costs: rows as below.
 * costs[]     {subject, family, implementation, peer, operation, threads, host, ns, low, high, ratio, ratio_low, ratio_high, processes, repetitions,
 *             least, most, modes[] {ns, share}, floor, label, lost, extra_loads, backwards, oversubscribed, disturbed, unpinned, implausible,
 *             broken, skipped}: one per row, thread count and machine (host is "" where there is only one); floors have family "floor".
 *             ns is the median over processes and low to high its 95 % interval; without processes (older files, too few) it is the
 *             median of the repetitions, and there is no interval. lost, extra_loads, backwards: shares of the operations.
 *             broken: the claim that a repetition refuted, in a sentence. skipped: why there is no ns.
 * machines[]  {key (the costs' host), label ("" or "A"), cpu, class, cores, compiler, version, plan, date, processes, window_ms, dropped, loaded, partial,
 *             peers[], measured {}}: where the prices come from; measured is context.machine (bench/bench.h) where there is one.
 *             studies {} what studies found there.
 * distributions[] {subject, family, implementation, operation, threads, host, count, p50, p90, p99, p999, max, curve[] [nines, ns]}: latencies of
 *             single operations; nines is -log10(1 - share), 3 for 99.9 %.
 * shorts[]    {what ("An increment"), threads, host, label, verdict, lines[] {cost, kind ("wrong", "right", "peer"), word}}: for each machine what the
 *             bug costs, the cheapest right one, and what people take instead; verdict compares the first two, as far as their intervals carry it.
 * why         {title, label (the machine's), points[] {lead, sentences[]}}: what explains these prices, in the words that the numbers of the
 *             first machine with such rows allow; null where they allow none.
 * goals[]     the report's, those that were judged.
 * choices[]   batches grouped by choice and workers: {initialiser, counter, progress, workers, host, batches, items, done, failed,
 *             not_started, miscounted, models_most, model_bytes, load_ns, swept, flawed, loaded_twice, wasted_bytes, anomalies{}, throughput, throughput_least,
 *             throughput_most, judged, broken, seen[]}; throughput: finished items in a second, the median of the batches, and where there are
 *             several, the least and the most of them; seen: what the broken ones did.
 * cores       that threads could use; 0 if unknown.
 * headline    one line. sentences[]: what it rests on. broken[]: a sentence for each broken contract.
 * tone        "broken", "partial", "holds" or "empty".
 * REPORT is borrowed; the facts share its nodes. A new reference. */
json_t *facts_gather(const json_t *report);

/* How many contracts the report breaks: broken standings, results whose as_expected is false, batches that are not as stated,
 * benchmark rows that refuted a claim. */
size_t facts_broken(const json_t *report);

/* The subject called "family/name" in facts, or NULL. Borrowed. */
json_t *facts_subject(const json_t *facts, const char *subject);

/* The standing of one promise of a subject of facts. */
enum standing facts_standing(const json_t *subject, const char *promise);

/* Does SUBJECT break one of the promises without which its speed buys nothing? */
bool facts_wrong(const json_t *subject);

/* What a choice of the pipeline is asked. The last four are the kinds of anomalies. */
enum choice_question { CHOICE_LOADS, CHOICE_COUNT, CHOICE_DUPLICATE, CHOICE_GAP, CHOICE_BACKWARDS, CHOICE_MISSING_LAST };
extern const char *const choice_anomalies[]; /* names in results, by question */

/* How the batches of CHOICE answer: held, broken as one of its parts says, a contract broken, unshown (not claimed, and not seen to
 * break), or not offered by its parts. */
enum standing facts_choice_standing(const json_t *facts, const json_t *choice, enum choice_question question);

/* The cost row of a subject (or of family "floor") on HOST ("": the only machine), or NULL. Borrowed. */
json_t *facts_cost(const json_t *facts, const char *subject, const char *operation, int threads, const char *host);

/* Has this cost a range, the least and the most of its repetitions, in the place of an interval? What several processes measured has an
 * interval, or it has none because they were too few; repetitions of one process say less than either. */
bool facts_ranged(const json_t *cost);

/* The machine whose rows are marked with HOST, or NULL. Borrowed. */
const json_t *facts_machine(const json_t *facts, const char *host);

/* Its label: "" for the only one, "A", "B"; HOST itself when it is not known. Borrowed. */
const char *facts_machine_label(const json_t *facts, const char *host);

/* The entry of HOST's peers[] {name, version, missing} for a subject, or NULL. Borrowed. */
const json_t *facts_peer(const json_t *facts, const char *subject, const char *host);

/* Is SUBJECT a fix: does it claim PROMISE, the one that its family is about? */
bool facts_fix(const json_t *subject, const char *promise);

/* Does nothing speak against calling SUBJECT right: a fix, with no claim refuted and no data race that it admits? */
bool facts_right(const json_t *subject, const char *promise);

/* Does one of the outcomes seen or findings of RESULT refute PROMISE? */
bool result_refutes(const json_t *result, const char *promise);

/* How many of RESULT's executions showed an outcome that refutes PROMISE (NULL: any). */
double result_refuting_count(const json_t *result, const char *promise);

/* The family of "family/name", or FAMILY_COUNT. */
enum family subject_family(const char *subject);

/* Does the JSON array of strings LIST hold TEXT? */
bool list_has(const json_t *list, const char *text);

#endif
