/* SPDX-License-Identifier: MIT */
/* Scenarios: a few functions of yours, declared as set-up, actors and check. C11 and C++17, gcc and clang; nothing to link but threads.
 *
 *   #include <onceproof.h>
 *   static void set_up(void) { ... }         runs first, alone
 *   static void push_one(void) { ... }       an actor: runs in a thread of its own, at the same time as the other actors
 *   static void pop_one(void) { ... }        another one
 *   static void check(void) { ONCEPROOF_EXPECT(depth(&s) == 1, "one was pushed, none was popped"); }   runs last, alone
 *   ONCEPROOF_SCENARIO(push_and_pop, .set_up = set_up, .actors = {push_one, pop_one}, .check = check);
 *
 * `onceproof check mine.c` explores each scenario of the file: all orders that its actors can meet in. Without onceproof,
 * `cc mine.c -pthread && ./a.out` runs each scenario some thousand times with real threads (./a.out --help). State may be static: each
 * execution begins with set_up, which puts it back.
 *
 * A failed assert() says as much as ONCEPROOF_EXPECT, which adds a sentence. The header brings a main(); where a file has its own, write
 * `#define ONCEPROOF_OWN_MAIN` above the #include. Scenarios may be spread over several files.
 */
#ifndef ONCEPROOF_ONCEPROOF_H
#define ONCEPROOF_ONCEPROOF_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What this header does with the compiler's extensions is not the user's to be warned of. */
#pragma GCC system_header

#ifdef __cplusplus
extern "C" {
#endif

#define ONCEPROOF_ACTORS_MAX 16
#define ONCEPROOF_LABELS_MAX 16

/* In this order, as C++ wants it; all may be left out but `actors` or `worker`. Functions may occur several times. */
struct onceproof_scenario {
	const char *name, *file; /* these three by ONCEPROOF_SCENARIO */
	int line;
	void (*set_up)(void);
	void (*actors[ONCEPROOF_ACTORS_MAX])(void); /* a thread each */
	void (*worker)(unsigned self);              /* WORKERS further threads, with 0, 1, … */
	unsigned workers;
	void (*check)(void);
	void (*tear_down)(void); /* also where the check is done: what it does not free is a leak */
	/* Of what the check names by onceproof_outcome(): only these may come; or: these may not. */
	const char *allowed[ONCEPROOF_LABELS_MAX], *forbidden[ONCEPROOF_LABELS_MAX];
};

/* Declares the scenario ID at file scope; a name for the command line and for reports. */
#define ONCEPROOF_SCENARIO(id, ...)                                            \
	static const struct onceproof_scenario onceproof_scenario_##id = {     \
		.name = #id, .file = __FILE__, .line = __LINE__, __VA_ARGS__}; \
	static const struct onceproof_scenario *const onceproof_listed_##id ONCEPROOF_LISTED_ = &onceproof_scenario_##id

/* Ends the execution as a failed one, with a sentence (as for printf), unless CONDITION holds. */
#define ONCEPROOF_EXPECT(condition, ...) \
	((condition) ? (void)0 : onceproof_fail_(#condition, __FILE__, __LINE__, __func__, __VA_ARGS__))

/* Names what this execution came to, as for printf: onceproof_outcome("%d %d", a, b). Called once, by the check. Outcomes are counted and
 * told; `allowed` and `forbidden` of the scenario judge them. */
static void onceproof_outcome(const char *format, ...) __attribute__((format(printf, 1, 2), unused));

/* What follows is private ------------------------------------------------------------------------------------------------------------- */

#define ONCEPROOF_LISTED_ __attribute__((used, section("onceproof_scenarios")))
extern const struct onceproof_scenario *const onceproof_first_[] __asm__("__start_onceproof_scenarios")
	__attribute__((weak, visibility("hidden")));
extern const struct onceproof_scenario *const onceproof_end_[] __asm__("__stop_onceproof_scenarios")
	__attribute__((weak, visibility("hidden")));

/* There in a program that the explorer runs: then this process makes one execution. */
void onceproof_tell_outcome(const char *label) __attribute__((weak));
/* Fails as assert() does, NDEBUG or not. */
#ifdef __GLIBC__
extern void __assert_fail(const char *, const char *, unsigned, const char *) __attribute__((noreturn));
#endif

/* With -std=c11, <semaphore.h> keeps this one back. */
#ifndef __cplusplus
extern int sem_timedwait(sem_t *, const struct timespec *);
#endif

enum { ONCEPROOF_TEXT_MAX_ = 256, ONCEPROOF_OUTCOMES_MAX_ = 64, ONCEPROOF_PATIENCE_S_ = 60 };

/* Shared by all files of a program; written by the main thread only. */
struct onceproof_state_ {
	const struct onceproof_scenario *now;
	unsigned long counts[ONCEPROOF_OUTCOMES_MAX_];
	char labels[ONCEPROOF_OUTCOMES_MAX_][64];
	unsigned outcomes;
};
extern struct onceproof_state_ onceproof_state_;
__attribute__((weak)) struct onceproof_state_ onceproof_state_;

__attribute__((noreturn, format(printf, 5, 6), unused)) static void onceproof_fail_(
	const char *condition, const char *file, int line, const char *function, const char *format, ...)
{
	char why[ONCEPROOF_TEXT_MAX_], text[2 * ONCEPROOF_TEXT_MAX_];
	va_list list;
	va_start(list, format);
	vsnprintf(why, sizeof why, format, list);
	va_end(list);
	snprintf(text, sizeof text, "%s%s%s", condition, *condition ? ": " : "", why);
#ifdef __GLIBC__
	__assert_fail(text, file, (unsigned)line, function);
#else
	fprintf(stderr, "%s:%d: %s: Assertion `%s' failed.\n", file, line, function, text);
	abort();
#endif
}

static inline int onceproof_has_(const char *const *labels, const char *label)
{
	for (unsigned i = 0; i < ONCEPROOF_LABELS_MAX && labels[i]; i++)
		if (strcmp(labels[i], label) == 0)
			return 1;
	return 0;
}

static inline void onceproof_count_(const char *label)
{
	struct onceproof_state_ *state = &onceproof_state_;
	unsigned i = 0;
	while (i < state->outcomes && strcmp(state->labels[i], label) != 0)
		i++;
	/* The last place is for all that have no place of their own. */
	if (i == state->outcomes && i < ONCEPROOF_OUTCOMES_MAX_)
		snprintf(state->labels[state->outcomes++], sizeof state->labels[0], "%s",
			i < ONCEPROOF_OUTCOMES_MAX_ - 1 ? label : "all others");
	state->counts[i < ONCEPROOF_OUTCOMES_MAX_ ? i : ONCEPROOF_OUTCOMES_MAX_ - 1]++;
}

static void onceproof_outcome(const char *format, ...)
{
	const struct onceproof_scenario *now = onceproof_state_.now;
	char label[sizeof onceproof_state_.labels[0]];
	va_list list;
	va_start(list, format);
	vsnprintf(label, sizeof label, format, list);
	va_end(list);
	if (onceproof_tell_outcome)
		onceproof_tell_outcome(label);
	else
		onceproof_count_(label);
	if (!now)
		return;
	if (onceproof_has_(now->forbidden, label))
		onceproof_fail_("", now->file, now->line, now->name, "the outcome '%s' is forbidden", label);
	if (now->allowed[0] && !onceproof_has_(now->allowed, label))
		onceproof_fail_("", now->file, now->line, now->name, "the outcome '%s' is not among the allowed ones", label);
}

/* Defined in every file that has no main of its own; the linker keeps one of each. */
#ifndef ONCEPROOF_OWN_MAIN

/* A scenario file, for whoever reads the symbols. */
extern const char onceproof_scenario_file __attribute__((weak));
const char onceproof_scenario_file = 1;

static inline unsigned onceproof_actors_(const struct onceproof_scenario *scenario)
{
	unsigned count = 0;
	while (count < ONCEPROOF_ACTORS_MAX && scenario->actors[count])
		count++;
	return count;
}

static inline unsigned onceproof_threads_(const struct onceproof_scenario *scenario)
{
	return onceproof_actors_(scenario) + (scenario->worker ? scenario->workers : 0);
}

/* One thread, for as many executions as there are. */
struct onceproof_thread_ {
	const struct onceproof_scenario *scenario;
	struct onceproof_race_ *race; /* NULL: one execution, at once */
	unsigned number;
	pthread_t id;
};

/* How threads are lined up: main gives the number of the round, then they wait for each other, so that whoever comes late is waited for. */
struct onceproof_race_ {
	unsigned long round; /* release: publishes what set_up did; acquired by the threads. ~0ul: no more */
	unsigned long ready; /* of all rounds together. relaxed: only lines up, orders nothing */
	unsigned long done;  /* the same; each takes over what those before it did: the last one's word to main stands for all */
	unsigned count;
	int patient; /* more threads than processors: give way while waiting */
	sem_t all_done;
};

static inline void onceproof_act_(const struct onceproof_thread_ *thread)
{
	unsigned actors = onceproof_actors_(thread->scenario);
	if (thread->number < actors)
		thread->scenario->actors[thread->number]();
	else
		thread->scenario->worker(thread->number - actors);
}

static inline double onceproof_seconds_(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void onceproof_wait_(const struct onceproof_race_ *race, unsigned long turn)
{
	if (race->patient || turn > 2000)
		sched_yield();
}

static inline int onceproof_line_up_(struct onceproof_race_ *race, unsigned long round, unsigned *random)
{
	unsigned long now, turn = 0;
	while ((now = __atomic_load_n(&race->round, __ATOMIC_ACQUIRE)) < round)
		onceproof_wait_(race, turn++);
	if (now == ~0ul)
		return 0;
	turn = 0;
	__atomic_fetch_add(&race->ready, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&race->ready, __ATOMIC_RELAXED) < round * race->count)
		onceproof_wait_(race, turn++);
	/* Threads that always start together always meet in the same places: half of the time one comes a little later. */
	*random ^= *random << 13, *random ^= *random >> 17, *random ^= *random << 5; /* xorshift32 (Marsaglia 2003) */
	for (volatile unsigned i = *random & 0x80 ? *random >> 8 & 0x3f : 0; i > 0; i = i - 1)
		;
	return 1;
}

static inline void *onceproof_run_thread_(void *arg)
{
	struct onceproof_thread_ *thread = (struct onceproof_thread_ *)arg;
	struct onceproof_race_ *race = thread->race;
	unsigned random = 2463534242u + thread->number * 7919u;
	if (!race)
		onceproof_act_(thread);
	for (unsigned long round = 1; race && onceproof_line_up_(race, round, &random); round++) {
		onceproof_act_(thread);
		if (__atomic_add_fetch(&race->done, 1, __ATOMIC_ACQ_REL) == round * race->count)
			sem_post(&race->all_done);
	}
	return NULL;
}

static inline int onceproof_create_(struct onceproof_thread_ *threads, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int why = pthread_create(&threads[i].id, NULL, onceproof_run_thread_, &threads[i]);
		if (why) {
			fprintf(stderr, "%s: %s: thread %u cannot be started: %s\n", threads->scenario->file,
				threads->scenario->name, i + 1, strerror(why));
			return 0;
		}
	}
	return 1;
}

static inline void onceproof_finish_(const struct onceproof_scenario *scenario)
{
	if (scenario->check)
		scenario->check();
	if (scenario->tear_down)
		scenario->tear_down();
}

/* One execution, as the explorer wants it. */
static inline int onceproof_once_(const struct onceproof_scenario *scenario, struct onceproof_thread_ *threads, unsigned count)
{
	if (scenario->set_up)
		scenario->set_up();
	if (!onceproof_create_(threads, count))
		return 2;
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i].id, NULL);
	onceproof_finish_(scenario);
	return 0;
}

static inline void onceproof_gather_(const struct onceproof_scenario *scenario, struct onceproof_race_ *race)
{
	struct timespec until;
	int why;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ONCEPROOF_PATIENCE_S_;
	while ((why = sem_timedwait(&race->all_done, &until)) != 0 && errno == EINTR)
		;
	if (why == 0)
		return;
	fprintf(stderr, "%s:%d: %s: its actors did not return within %d s: do they wait for each other?\n", scenario->file,
		scenario->line, scenario->name, ONCEPROOF_PATIENCE_S_);
	abort();
}

/* Many executions: ROUNDS of them, or as many as SECONDS allow. */
static inline int onceproof_often_(const struct onceproof_scenario *scenario, struct onceproof_thread_ *threads, unsigned count,
	unsigned long rounds, double seconds)
{
	struct onceproof_race_ race;
	double until = onceproof_seconds_() + seconds;
	unsigned long round = 0;
	memset(&race, 0, sizeof race);
	race.count = count;
	race.patient = (long)count > sysconf(_SC_NPROCESSORS_ONLN);
	sem_init(&race.all_done, 0, 0);
	printf("%s: ", scenario->name);
	fflush(stdout);
	for (unsigned i = 0; i < count; i++)
		threads[i].race = &race;
	if (!onceproof_create_(threads, count))
		return 2;
	while (round < rounds && (round % 64 || onceproof_seconds_() < until)) {
		if (scenario->set_up)
			scenario->set_up();
		__atomic_store_n(&race.round, ++round, __ATOMIC_RELEASE);
		if (count)
			onceproof_gather_(scenario, &race);
		onceproof_finish_(scenario);
	}
	__atomic_store_n(&race.round, ~0ul, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i].id, NULL);
	printf("%lu executions by %u threads, none failed\n", round, count);
	for (unsigned i = 0; i < onceproof_state_.outcomes; i++)
		printf("  %-24s %lu\n", onceproof_state_.labels[i], onceproof_state_.counts[i]);
	return fflush(stdout) == 0 ? 0 : 2;
}

static inline int onceproof_run_(const struct onceproof_scenario *scenario, unsigned long rounds, double seconds)
{
	unsigned count = onceproof_threads_(scenario);
	struct onceproof_thread_ *threads = (struct onceproof_thread_ *)calloc(count + 1, sizeof *threads);
	if (!threads)
		return 2;
	for (unsigned i = 0; i < count; i++) {
		threads[i].scenario = scenario;
		threads[i].number = i;
	}
	onceproof_state_.now = scenario;
	onceproof_state_.outcomes = 0;
	memset(onceproof_state_.counts, 0, sizeof onceproof_state_.counts);
	int status = onceproof_tell_outcome ? onceproof_once_(scenario, threads, count)
					    : onceproof_often_(scenario, threads, count, rounds, seconds);
	free(threads);
	return status;
}

static inline int onceproof_before_(const struct onceproof_scenario *one, const struct onceproof_scenario *other)
{
	int files = strcmp(one->file, other->file);
	return files < 0 || (files == 0 && one->line < other->line);
}

/* The scenario that stands behind LAST in the files, by their names and lines; the linker has them in any order. NULL: there is none. */
static inline const struct onceproof_scenario *onceproof_next_(const struct onceproof_scenario *last)
{
	const struct onceproof_scenario *next = NULL;
	for (const struct onceproof_scenario *const *it = onceproof_first_; it < onceproof_end_; it++)
		if ((!last || onceproof_before_(last, *it)) && (!next || onceproof_before_(*it, next)))
			next = *it;
	return next;
}

static inline int onceproof_help_(const char *program, int status)
{
	fprintf(status ? stderr : stdout,
		"Usage: %s [--list] [--rounds=N] [--seconds=S] [SCENARIO...]\n"
		"Runs each scenario N times (20000) or S seconds long (1), whatever ends first; --list names them.\n",
		program);
	return status;
}

int main(int argc, char **argv) __attribute__((weak));
int main(int argc, char **argv)
{
	unsigned long rounds = 20000;
	double seconds = 1;
	int first = 1, found = 0;
	char *end = NULL;
	for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
		if (strcmp(argv[first], "--list") == 0) {
			for (const struct onceproof_scenario *it = onceproof_next_(NULL); it; it = onceproof_next_(it))
				printf("%s\n", it->name);
			return fflush(stdout) == 0 ? 0 : 2;
		}
		if (strncmp(argv[first], "--rounds=", 9) == 0)
			rounds = strtoul(argv[first] + 9, &end, 10);
		else if (strncmp(argv[first], "--seconds=", 10) == 0)
			seconds = strtod(argv[first] + 10, &end);
		else
			return onceproof_help_(argv[0], strcmp(argv[first], "--help") == 0 ? 0 : 2);
		if (*end)
			return onceproof_help_(argv[0], 2);
	}
	for (const struct onceproof_scenario *it = onceproof_next_(NULL); it; it = onceproof_next_(it)) {
		int wanted = first == argc;
		for (int i = first; i < argc; i++)
			wanted |= strcmp(argv[i], it->name) == 0;
		found += wanted;
		int status = wanted ? onceproof_run_(it, rounds, seconds) : 0;
		if (status)
			return status;
	}
	if (found)
		return 0;
	fprintf(stderr, "%s: there is no scenario %s%s\n", argv[0], first < argc ? argv[first] : "in it",
		first < argc ? "; --list names them" : ": declare one with ONCEPROOF_SCENARIO");
	return 2;
}

#endif

#ifdef __cplusplus
}
#endif
#endif
