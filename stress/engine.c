/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "../reports/result.h"
#include "check/engines.h"
#include "child.h"

static const char *never_missing(void)
{
	return NULL;
}

static const char *sanitizer_missing(void)
{
#ifdef ONCEPROOF_HAS_TSAN
	return NULL;
#else
	return "this build has no ThreadSanitizer worker: the compiler's runtime for it was missing, or the harness itself is "
	       "built with a sanitizer";
#endif
}

static const char *explorer_missing(void)
{
#ifdef ONCEPROOF_HAS_EXPLORER
	return NULL;
#else
	return "this build has no explorer: the harness itself is built with a sanitizer, or this is no x86-64";
#endif
}

static const char *valgrind_missing(void)
{
	const char *path = getenv("PATH");
	for (const char *at = path; at && *at; at += strcspn(at, ":"), at += *at == ':') {
		char file[4096];
		snprintf(file, sizeof file, "%.*s/valgrind", (int)strcspn(at, ":"), at);
		if (access(file, X_OK) == 0)
			return NULL;
	}
	return "valgrind is not installed (Debian package: valgrind)";
}

/* ThreadSanitizer does not model atomic_thread_fence, does not intercept call_once (gcc 12's and clang 14's accuse a correct one) and does
 * not see into inline assembly. valgrind's tools take every C11 atomic for a plain access, and the
 * atomic fast path inside pthread_once is one (helgrind 3.19 accuses a correct use). */
enum {
	TSAN_BLIND = FEATURE_FENCE | FEATURE_CALL_ONCE | FEATURE_INLINE_ASM,
	VALGRIND_BLIND =
		FEATURE_ATOMIC | FEATURE_FENCE | FEATURE_CALL_ONCE | FEATURE_INLINE_ASM | FEATURE_FUTEX | FEATURE_PTHREAD_ONCE,
};

static const char *const tsan_environment[] = {
	"TSAN_OPTIONS=exitcode=0:history_size=7:report_signal_unsafe=0:report_thread_leaks=0:detect_deadlocks=1", NULL};
static const char *const helgrind_words[] = {
	"valgrind", "--tool=helgrind", "--fair-sched=yes", "--xml=yes", "--error-exitcode=0", NULL};
static const char *const drd_words[] = {"valgrind", "--tool=drd", "--fair-sched=yes", "--xml=yes", "--error-exitcode=0", NULL};

static const struct engine native = {
	.name = "native",
	.about = "real threads at full speed over arrays of states; sees outcomes, not data races; a clean run is luck as well "
		 "as merit",
	.actors_max = SCENARIO_ACTORS_MAX,
	.executions = 2000000,
	.executions_one = 50000,
	.missing = never_missing,
	.worker = "onceproof-worker",
	.watchdog_s = 120,
};
static const struct engine tsan = {
	.name = "tsan",
	.about = "the same scenarios under ThreadSanitizer: reports data races that happened-before tracking finds in the "
		 "executions seen; silent "
		 "on ordering bugs without a data race",
	.sees_races = true,
	.blind = {TSAN_BLIND, TSAN_BLIND},
	.actors_max = SCENARIO_ACTORS_MAX,
	.executions = 40000,
	.executions_one = 5000,
	.missing = sanitizer_missing,
	.worker = "onceproof-worker_tsan",
	.environment = tsan_environment,
	.fixed_addresses = true,
	.watchdog_s = 120,
	.findings = tsan_findings,
};
static const struct engine explore = {
	.name = "explore",
	.fresh_threads = true,
	.about = "one execution after the other under schedules that a search decides, with a memory model of its own: "
		 "deterministic; says `proved` where it has seen them all",
	.sees_races = true,
	.blind = {FEATURE_INLINE_ASM, FEATURE_INLINE_ASM},
	.actors_max = SCENARIO_ACTORS_MAX,
	.executions = 2000000,
	.executions_one = 2000000,
	.missing = explorer_missing,
	.worker = "onceproof-explore",
	.fixed_addresses = true,
	.watchdog_s = 120,
	.run = explored_run,
};
static const struct engine sequential = {
	.name = "sequential",
	.about = "one thread moves at a time, in an order that the scenario forces by parking threads inside their callbacks; "
		 "deterministic",
	.scripts = true,
	.actors_max = SCENARIO_ACTORS_MAX,
	.executions = 1,
	.executions_one = 1,
	.missing = never_missing,
	.worker = "onceproof-worker",
	.watchdog_s = 60,
};
static const struct engine helgrind = {
	.name = "helgrind",
	.about = "valgrind's lock-set and happens-before checker, as a cross-check; decides nothing about atomics",
	.sees_races = true,
	.blind = {VALGRIND_BLIND, VALGRIND_BLIND},
	.actors_max = 2,
	.executions = 60,
	.executions_one = 20,
	.missing = valgrind_missing,
	.worker = "onceproof-worker",
	.wrapper = helgrind_words,
	.watchdog_s = 120,
	.findings = valgrind_findings,
};
static const struct engine drd = {
	.name = "drd",
	.about = "valgrind's second race checker, as a cross-check; decides nothing about atomics",
	.sees_races = true,
	.blind = {VALGRIND_BLIND, VALGRIND_BLIND},
	.actors_max = 2,
	.executions = 60,
	.executions_one = 20,
	.missing = valgrind_missing,
	.worker = "onceproof-worker",
	.wrapper = drd_words,
	.watchdog_s = 120,
	.findings = valgrind_findings,
};

const struct engine *const engines[] = {&native, &tsan, &explore, &sequential, &helgrind, &drd};
const size_t engine_count = sizeof engines / sizeof *engines;

const struct engine *engine_find(const char *name)
{
	for (size_t i = 0; i < engine_count; i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}

uint32_t engine_blind_spots(const struct engine *engine)
{
#ifdef __clang__
	return engine->blind[1];
#else
	return engine->blind[0];
#endif
}

bool engine_runs(const struct engine *engine, const struct scenario *scenario)
{
	return engine->scripts == (scenario->script != NULL) && scenario->actor_count <= engine->actors_max &&
	       (engine->fresh_threads || !scenario->ends_threads);
}

const char *feature_names(uint32_t features)
{
	static const char *const names[] = {
		"atomics", "fences", "call_once", "inline assembly", "futex", "thread-local storage", "pthread_once"};
	static char text[128];
	text[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (features >> i & 1)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? ", " : "", names[i]);
	return text;
}

/* Promise bits of the family that ENGINE can refute through SCENARIO. race_free is every family's last promise. */
static uint32_t checkable(const struct engine *engine, const struct scenario *scenario)
{
	size_t count;
	family_promises(scenario->family, &count);
	uint32_t race_free = 1u << (count - 1);
	uint32_t checks = scenario->checks;
	for (unsigned i = 0; i < scenario->outcome_count; i++)
		checks |= scenario->outcomes[i].refutes;
	/* The explorer looks for races in every execution, whatever the scenario is about. */
	if (engine->run)
		checks |= race_free;
	return engine->sees_races ? checks : checks & ~race_free;
}

uint64_t engine_planned(const struct engine *engine, const struct registered *subject, const struct scenario *scenario,
	const struct stress_plan *plan)
{
	bool one = subject->about->instances == INSTANCES_ONE_PER_PROCESS;
	double executions = (double)(one ? engine->executions_one : engine->executions) * plan->effort;
	/* More threads take more room and time for each execution. */
	if (scenario->actor_count > 2 && !engine->fresh_threads)
		executions /= 5;
	return executions < 1 || engine->scripts ? 1 : (uint64_t)executions;
}

/* The last line that a child wrote to stderr, for an explanation. */
static const char *last_words(const struct child_result *child)
{
	char *text = child->err;
	size_t length = child->err_length;
	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		text[--length] = '\0';
	const char *line = strrchr(text, '\n');
	return line ? line + 1 : *text ? text : "it said nothing";
}

static void add_outcomes(json_t *result, const struct registered *subject, const struct scenario *scenario, const json_t *answer)
{
	for (unsigned i = 0; i < scenario->outcome_count; i++) {
		const struct outcome_rule *rule = &scenario->outcomes[i];
		json_int_t count = json_integer_value(json_array_get(json_object_get(answer, "outcomes"), i));
		enum grade grade = outcome_grade(rule, subject->about);
		uint32_t refutes = rule->refutes & (subject->about->claims | subject->about->missing);
		result_add_outcome(result, rule->label, grade_name(grade), (uint64_t)count, rule->why, scenario->family, refutes);
		if (count == 0 || grade != GRADE_FORBIDDEN)
			continue;
		char message[512];
		snprintf(message, sizeof message, "outcome '%s': %s (%lld of %lld executions)", rule->label, rule->why,
			(long long)count, (long long)json_integer_value(json_object_get(answer, "executions")));
		result_add_finding(result, "forbidden-outcome", message, scenario->family, refutes);
	}
}

void engine_judge_end(json_t *result, double watchdog_s, const struct child_result *child, const char *expected)
{
	char why[1024];
	if (child->interrupted) {
		result_judge(result, "inconclusive", expected, "interrupted");
	} else if (child->timed_out) {
		snprintf(why, sizeof why, "watchdog: no end within %.0f s (a deadlock, a livelock or an overloaded machine)",
			watchdog_s);
		result_judge(result, "inconclusive", expected, why);
	} else if (strstr(child->err, "unexpected memory mapping")) {
		result_judge(result, "skipped", expected,
			"ThreadSanitizer could not start: address-space randomisation is too wide for this compiler's runtime "
			"and switching it "
			"off was refused; run `sysctl vm.mmap_rnd_bits=28`, or let the container change its personality (Docker: "
			"--security-opt seccomp=unconfined)");
	} else if (WIFSIGNALED(child->status)) {
		snprintf(why, sizeof why, "the worker was ended by signal %d (%s)", WTERMSIG(child->status),
			strsignal(WTERMSIG(child->status)));
		/* Killed from outside (out of memory, a limit) says nothing about the subject; a fault does. */
		bool fault = WTERMSIG(child->status) != SIGKILL && WTERMSIG(child->status) != SIGTERM &&
			     WTERMSIG(child->status) != SIGXCPU;
		if (fault)
			result_add_finding(result, "crash", why, FAMILY_INITIALISER, 0);
		result_judge(result, fault ? "bug" : "inconclusive", expected, why);
	} else {
		snprintf(why, sizeof why, "the worker gave no result (exit status %d): %s", WEXITSTATUS(child->status),
			last_words(child));
		result_judge(result, "inconclusive", expected, why);
	}
}

static size_t seen_outcomes(const json_t *answer)
{
	size_t seen = 0, i;
	json_t *count;
	json_array_foreach(json_object_get(answer, "outcomes"), i, count)
		seen += json_integer_value(count) > 0;
	return seen;
}

static void judge_answer(json_t *result, const struct engine *engine, const struct registered *subject,
	const struct scenario *scenario, const json_t *answer, const struct child_result *child, const char *tool_output,
	const char *expected)
{
	static const char *const copied[] = {"executions", "seconds", "peak_bytes"};
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		json_object_set(result, copied[i], json_object_get(answer, copied[i]));
	const char *skip = json_string_value(json_object_get(answer, "skip"));
	if (skip) {
		result_judge(result, "skipped", expected, skip);
		return;
	}
	add_outcomes(result, subject, scenario, answer);
	size_t forbidden = json_array_size(json_object_get(result, "findings"));
	char why[1024];
	uint32_t blind = engine_blind_spots(engine) & subject->about->features;
	if (blind && !forbidden) {
		snprintf(why, sizeof why, "%s built by %s is blind to %s, which this implementation uses; its raw report is kept",
			engine->name, compiler_name(), feature_names(blind));
		json_t *probe = json_deep_copy(result);
		size_t accused = engine->findings ? engine->findings(probe, subject, answer, tool_output) : 0;
		json_object_set(result, "raw_findings", json_object_get(probe, "findings"));
		if (accused)
			json_object_set_new(result, "raw_report", json_string(tool_output ? tool_output : child->err));
		json_decref(probe);
		result_judge(result, "skipped", expected, why);
		return;
	}
	if (blind) {
		/* Its outcomes were judged, data races were not. */
		size_t promises;
		family_promises(scenario->family, &promises);
		uint32_t checks = checkable(engine, scenario) & ~(1u << (promises - 1));
		json_object_set_new(result, "checks", promise_names(scenario->family, checks));
		json_object_set_new(result, "claimed", promise_names(scenario->family, checks & subject->about->claims));
		json_object_set_new(result, "missing", promise_names(scenario->family, checks & subject->about->missing));
	}
	size_t reported = engine->findings && !blind ? engine->findings(result, subject, answer, tool_output) : 0;
	long long executions = json_integer_value(json_object_get(answer, "executions"));
	if (forbidden + reported > 0) {
		snprintf(why, sizeof why, "%zu finding%s in %lld execution%s", forbidden + reported,
			forbidden + reported == 1 ? "" : "s", executions, executions == 1 ? "" : "s");
		result_judge(result, "bug", expected, why);
	} else if (json_is_true(json_object_get(answer, "out_of_time"))) {
		snprintf(why, sizeof why, "the time limit stopped it after %lld executions", executions);
		result_judge(result, "inconclusive", expected, why);
	} else if (engine->scripts) {
		result_judge(result, "not-found", expected, "one forced order was run; other orders were not");
	} else {
		long long cpus = json_integer_value(json_object_get(answer, "cpus"));
		char turns[64] = "";
		if (cpus < scenario->actor_count)
			snprintf(turns, sizeof turns, " by %u threads taking turns on %lld CPU%s", scenario->actor_count, cpus,
				cpus == 1 ? "" : "s");
		snprintf(why, sizeof why,
			"%lld executions sampled%s, %zu distinct outcome%s; sampling proves nothing and has no probability bound",
			executions, turns, seen_outcomes(answer), seen_outcomes(answer) == 1 ? "" : "s");
		result_judge(result, "not-found", expected, why);
	}
}

/* A private file for a tool's own output; the caller unlinks it. NULL after a complaint. */
static char *tool_file(void)
{
	const char *folder = getenv("TMPDIR");
	char *path = NULL;
	if (asprintf(&path, "%s/onceproof-XXXXXX", folder && *folder ? folder : "/tmp") < 0)
		return NULL;
	int fd = mkstemp(path);
	if (fd < 0) {
		complain("%s: cannot make a temporary file: %s (set TMPDIR)", path, strerror(errno));
		free(path);
		return NULL;
	}
	close(fd);
	return path;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	if (!file || getdelim(&text, &room, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

static void run_worker(json_t *result, const struct engine *engine, const struct registered *subject,
	const struct scenario *scenario, const struct stress_plan *plan, const char *programs, const char *expected)
{
	enum { WORDS_MAX = 24 };
	char *words[WORDS_MAX], worker[4096], name[128], executions[32], seed[32], limit[64], xml[4200];
	size_t n = 0;
	char *tool = engine->wrapper ? tool_file() : NULL;
	for (size_t i = 0; engine->wrapper && engine->wrapper[i]; i++)
		words[n++] = (char *)engine->wrapper[i];
	if (tool) {
		snprintf(xml, sizeof xml, "--xml-file=%s", tool);
		words[n++] = xml;
	}
	snprintf(worker, sizeof worker, "%s/%s", programs, engine->worker);
	snprintf(name, sizeof name, "%s/%s", family_name(subject->about->family), subject->about->name);
	snprintf(executions, sizeof executions, "--executions=%llu",
		(unsigned long long)engine_planned(engine, subject, scenario, plan));
	snprintf(seed, sizeof seed, "--seed=%llu", (unsigned long long)plan->seed);
	snprintf(limit, sizeof limit, "--time-limit=%g", plan->time_limit_s);
	words[n++] = worker;
	words[n++] = name;
	words[n++] = (char *)scenario->name;
	words[n++] = executions;
	words[n++] = seed;
	words[n++] = limit;
	if (engine->wrapper) {
		words[n++] = (char *)"--line-up=pthread";
		words[n++] = (char *)"--no-pin";
	}
	words[n] = NULL;
	/* What a tool writes by name has to last. */
	struct child_limits limits = *check_limits();
	limits.contain = !tool;
	struct child_options options = {.argv = words,
		.limits = subject->number == REGISTERED_BY_USER ? &limits : NULL,
		.environment = (char *const *)(uintptr_t)engine->environment,
		.timeout_s = engine->watchdog_s * (plan->effort > 1 ? plan->effort : 1) + plan->time_limit_s,
		.fixed_addresses = engine->fixed_addresses};
	struct child_result child;
	int why = child_run(&options, &child);
	if (why) {
		char text[4352];
		snprintf(text, sizeof text, "%s: cannot be started: %s", words[0], strerror(why));
		result_judge(result, "inconclusive", expected, text);
	} else {
		json_t *answer =
			child.timed_out || child.interrupted ? NULL : json_loads(child.out, JSON_REJECT_DUPLICATES, NULL);
		char *tool_output = tool ? read_all(tool) : NULL;
		bool whole = answer && WIFEXITED(child.status) &&
			     (WEXITSTATUS(child.status) == 0 || WEXITSTATUS(child.status) == EXIT_SKIPPED);
		if (whole)
			judge_answer(result, engine, subject, scenario, answer, &child, tool_output, expected);
		else
			engine_judge_end(result, options.timeout_s, &child, expected);
		json_decref(answer);
		free(tool_output);
		child_free(&child);
	}
	if (tool)
		unlink(tool);
	free(tool);
}

json_t *engine_result(
	const struct engine *engine, const struct registered *subject, const struct scenario *scenario, const char **expected)
{
	char name[128];
	snprintf(name, sizeof name, "%s/%s", family_name(subject->about->family), subject->about->name);
	json_t *result = result_new(name, scenario->name, engine->name, compiler_name());
	uint32_t checks = checkable(engine, scenario);
	*expected = checks & subject->about->missing ? "bug" : "clean";
	json_object_set_new(result, "checks", promise_names(scenario->family, checks));
	json_object_set_new(result, "claimed", promise_names(scenario->family, checks & subject->about->claims));
	json_object_set_new(result, "missing", promise_names(scenario->family, checks & subject->about->missing));
	json_object_set_new(result, "claims", promise_names(scenario->family, subject->about->claims));
	return result;
}

json_t *engine_run(const struct engine *engine, const struct registered *subject, const struct scenario *scenario,
	const struct stress_plan *plan, const char *programs)
{
	const char *expected;
	json_t *result = engine_result(engine, subject, scenario, &expected);
	const char *missing = engine->missing();
	if (missing)
		result_judge(result, "skipped", expected, missing);
	else if (engine->run)
		engine->run(result, engine, subject, scenario, plan, programs, expected);
	else
		run_worker(result, engine, subject, scenario, plan, programs, expected);
	return result;
}
