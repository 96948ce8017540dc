/* SPDX-License-Identifier: MIT */
/* onceproof doctor: is this machine fit, and does each engine really go red on a known bug and stay green on its fix? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../reports/host.h"
#include "../reports/node.h"
#include "../reports/render.h"
#include "../reports/result.h"
#include "../stress/check/canary.h"
#include "../stress/child.h"
#include "../stress/engine.h"
#include "cli.h"

enum { KEY_CANARY = 256 };
static const struct argp_option choices[] = {{"canary", KEY_CANARY, NULL, 0,
						     "with the compiler that check would take (CC) and COMPILER FLAGS: does each "
						     "engine see seeded bugs and spare their fixes?",
						     0},
	{0}};

enum level { LEVEL_OK, LEVEL_NOTE, LEVEL_BAD };

struct doctor {
	struct common common;
	json_t *report;
	json_t *checks; /* borrowed from report: [{check, level, says}] */
	bool text;
	enum level worst;
	bool engine_wrong;
	bool canary;
	struct program_source source; /* the user's compiler flags */
};

static void note(struct doctor *d, const char *check, enum level level, const char *says)
{
	static const char *const words[] = {"ok", "note", "BAD"};
	static const char *const colors[] = {"\033[32m", "\033[33m", "\033[1;31m"};
	bool color = use_color(&d->common, STDOUT_FILENO);
	if (d->text)
		printf("%s%-5s%s %-22s %s\n", color ? colors[level] : "", words[level], color ? "\033[0m" : "", check, says);
	json_array_append_new(d->checks, json_pack("{s:s, s:s, s:s}", "check", check, "level", words[level], "says", says));
	if (level > d->worst)
		d->worst = level;
}

static void check_compiler(struct doctor *d, const char *name, bool needed)
{
	char *const argv[] = {(char *)name, (char *)"--version", NULL};
	struct child_options options = {.argv = argv, .timeout_s = 20, .output_max = 4096};
	struct child_result child;
	if (child_run(&options, &child) != 0) {
		note(d, name, needed ? LEVEL_BAD : LEVEL_NOTE,
			needed ? "not installed: apt-get install gcc" : "not installed; the clang preset needs it");
		return;
	}
	child.out[strcspn(child.out, "\n")] = '\0';
	note(d, name, LEVEL_OK, child.out);
	child_free(&child);
}

static void check_cores(struct doctor *d)
{
	const json_t *host = json_object_get(d->report, "host");
	long long usable = json_integer_value(json_object_get(host, "cores_usable"));
	double quota = json_number_value(json_object_get(host, "cpu_quota"));
	char says[256];
	if (quota > 0 && quota < (double)usable) {
		snprintf(says, sizeof says,
			"%lld usable, but a quota of %.2f: threads are throttled in turn, timings will mislead", usable, quota);
		note(d, "cores", LEVEL_NOTE, says);
	} else if (usable < 2) {
		note(d, "cores", LEVEL_NOTE,
			"1 usable: threads only take turns, so native stress sees few races (tsan, explore and sequential still "
			"do); "
			"every benchmark with two "
			"threads is oversubscribed");
	} else {
		snprintf(says, sizeof says, "%lld usable, no quota below that", usable);
		note(d, "cores", LEVEL_OK, says);
	}
}

static void check_load(struct doctor *d)
{
	double load = 0;
	char says[256];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (getloadavg(&load, 1) != 1)
		return;
	bool busy = load > 0.5 * (double)cores;
	snprintf(says, sizeof says, "%.2f on %ld cores%s", load, cores,
		busy ? ": others use this machine now; timings will be worse than they could be" : "");
	note(d, "load", busy ? LEVEL_NOTE : LEVEL_OK, says);
}

static double clock_cost_ns(void)
{
	enum { READS = 100000 };
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < READS; i++)
		clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / READS;
}

static void check_clock(struct doctor *d)
{
	char source[64] = "unknown", says[256];
	FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
	if (file && fgets(source, sizeof source, file))
		source[strcspn(source, "\n")] = '\0';
	if (file)
		fclose(file);
	double cost = clock_cost_ns();
	bool slow = cost > 500;
	snprintf(says, sizeof says, "%s, %.0f ns per reading%s", source, cost,
		slow ? ": slow (a system call each); short windows are blurred" : "");
	note(d, "clock", slow ? LEVEL_NOTE : LEVEL_OK, says);
}

/* One engine on a broken implementation and on its fix. */
static void check_engine(struct doctor *d, const char *programs, const char *name, enum family family, const char *scenario,
	const char *broken, const char *fixed)
{
	const struct engine *engine = engine_find(name);
	const struct scenario *what = scenario_find(family, scenario);
	const struct registered *red = registry_find(family, broken), *green = registry_find(family, fixed);
	char says[512];
	if (!engine || !what || !red || !green) {
		snprintf(says, sizeof says, "%s on %s and %s: not in this build", scenario, broken, fixed);
		note(d, name, LEVEL_BAD, says);
		d->engine_wrong = true;
		return;
	}
	const char *missing = engine->missing();
	if (missing || child_interrupted) {
		if (!child_interrupted)
			note(d, name, LEVEL_NOTE, missing);
		return;
	}
	struct stress_plan plan = {.seed = d->common.seed, .effort = 1};
	json_t *bad = engine_run(engine, red, what, &plan, programs), *good = engine_run(engine, green, what, &plan, programs);
	if (child_interrupted) {
		json_decref(bad);
		json_decref(good);
		return;
	}
	const char *bad_verdict = json_string_value(json_object_get(bad, "verdict"));
	const char *good_verdict = json_string_value(json_object_get(good, "verdict"));
	bool went_red = strcmp(bad_verdict, "bug") == 0;
	bool stayed_green = strcmp(good_verdict, "not-found") == 0 || strcmp(good_verdict, "proved") == 0;
	const char *odd = went_red ? json_string_value(json_object_get(good, "evidence"))
				   : json_string_value(json_object_get(bad, "evidence"));
	snprintf(says, sizeof says, "%s: %s %s, %s %s%s%s", scenario, broken, went_red ? "goes red" : bad_verdict, fixed,
		stayed_green ? "stays green" : good_verdict, went_red && stayed_green ? "" : ": ",
		went_red && stayed_green ? "" : odd);
	bool skipped = strcmp(bad_verdict, "skipped") == 0;
	/* Threads that only take turns on one CPU meet in the middle of an increment too rarely to count on it. */
	const json_t *cores = json_object_get(json_object_get(d->report, "host"), "cores_usable");
	if (!went_red && stayed_green && strcmp(name, "native") == 0 && json_integer_value(cores) < 2) {
		skipped = true;
		snprintf(says, sizeof says,
			"%s: one CPU only, so threads take turns and races stay unseen; use tsan, explore and sequential",
			scenario);
	}
	note(d, name, went_red && stayed_green ? LEVEL_OK : skipped ? LEVEL_NOTE : LEVEL_BAD, says);
	d->engine_wrong |= !skipped && !(went_red && stayed_green);
	json_array_append_new(json_object_get(d->report, "results"), bad);
	json_array_append_new(json_object_get(d->report, "results"), good);
}

static const uint32_t canary_engines[] = {CHECK_EXPLORE, CHECK_TSAN, CHECK_NATIVE, CHECK_HELGRIND, CHECK_DRD};
enum { CANARY_ENGINES = sizeof canary_engines / sizeof *canary_engines };

/* One field of the table. */
static void show_canary(const struct doctor *d, enum canary_state state, const json_t *cell)
{
	static const char *const words[] = {"seen", "BLIND", "ACCUSES", "not here", "-"};
	char field[32];
	double seconds = json_number_value(node_get(cell, "seconds"));
	bool wrong = state == CANARY_BLIND || state == CANARY_ACCUSES, color = use_color(&d->common, STDOUT_FILENO);
	if (state == CANARY_NOT_HERE || state == CANARY_NOT_MEANT)
		snprintf(field, sizeof field, "%s", words[state]);
	else
		snprintf(field, sizeof field, "%s %.1f s", words[state], seconds);
	printf("%s%-15s%s", color && wrong ? "\033[1;31m" : "", field, color && wrong ? "\033[0m" : "");
	fflush(stdout);
}

/* What is wrong or missing, a line for each engine: with its first canary. */
static void tell_canaries(const struct doctor *d, const json_t *cells)
{
	for (size_t e = 0; e < CANARY_ENGINES; e++) {
		const json_t *cell;
		size_t i;
		json_array_foreach(cells, i, cell) {
			const char *state = node_string(cell, "state");
			const json_t *told = node_get(cell, strcmp(state, "accuses") == 0 ? "fix" : "bug");
			if (strcmp(node_string(cell, "engine"), check_engine_name(canary_engines[e])) != 0 ||
				!node_get(cell, "what"))
				continue;
			if (d->text)
				printf("%s: %s (%s; %s). What to do: %s.\n", node_string(cell, "engine"), state,
					node_string(cell, "canary"), node_string(told, "evidence"), node_string(cell, "what"));
			break;
		}
	}
}

/* Does each engine see the bugs that it should, with the user's compiler and flags? An exit status. */
static int watch_canaries(struct doctor *d)
{
	json_t *cells = node_must(json_array());
	bool wrong = false, seen = false;
	int status = 0;
	d->source.helpers = helper_folder();
	d->source.verbosity = d->common.verbosity;
	node_set(d->report, "canaries", cells);
	if (d->text) {
		printf("%-16s", "");
		for (size_t e = 0; e < CANARY_ENGINES; e++)
			printf("%-15s", check_engine_name(canary_engines[e]));
		puts("");
	}
	for (size_t canary = 0; canary < canary_count && !status; canary++) {
		if (d->text)
			printf("%-16s", canary_name(canary));
		for (size_t e = 0; e < CANARY_ENGINES && !status && !child_interrupted; e++) {
			enum canary_state state;
			json_t *cell;
			status = canary_run(canary, canary_engines[e], &d->source, d->common.seed, &state, &cell);
			wrong |= state == CANARY_BLIND || state == CANARY_ACCUSES;
			seen |= state == CANARY_AS_IT_SHOULD;
			if (d->text && !status)
				show_canary(d, state, cell);
			node_append(cells, cell);
		}
		if (d->text)
			puts("");
	}
	if (child_interrupted) {
		complain("doctor: interrupted: nothing is said about the engines");
		return EXIT_INCONCLUSIVE;
	}
	if (status)
		return status;
	tell_canaries(d, cells);
	if (d->text)
		puts(wrong     ? "Not every engine is to be believed with this compiler and these flags."
			: seen ? "Each engine that is here sees the bugs that it should, and spares their fixes."
			       : "No engine can run here.");
	return wrong ? EXIT_BROKEN : seen ? EXIT_HOLDS : EXIT_USAGE;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor *d = state->input;
	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = &d->common;
		return 0;
	}
	if (key == KEY_CANARY) {
		d->canary = true;
		return 0;
	}
	if (key == ARGP_KEY_ARG) {
		complain("doctor: '%s': it takes no arguments", arg);
		exit(EXIT_USAGE);
	}
	return ARGP_ERR_UNKNOWN;
}

static int run(int argc, char **argv)
{
	struct doctor d = {.common = common_defaults()};
	const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {choices, parse, "[--canary [-- COMPILER FLAGS]]",
		"Is this machine fit, and does each engine really go red on a known bug and stay green on its fix?\v"
		"Exit status: 0 fit (notes are advice), 1 an engine is wrong about a known answer (with --canary: is blind, or "
		"accuses "
		"what is right), 2 something needed is missing.",
		children, NULL, NULL};
	/* What stands behind `--` is the compiler's, and argp must not see it. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			d.source.flags = argv + i + 1;
			d.source.flag_count = (size_t)(argc - i - 1);
			argc = i;
		}
	command_parse(&argp, argc, argv, &d);
	if (d.common.shards > 1) {
		complain("doctor: --shard has no meaning here");
		return EXIT_USAGE;
	}
	if (d.source.flags && !d.canary) {
		complain("doctor: compiler flags are for --canary");
		return EXIT_USAGE;
	}
	d.text = !(d.common.json && strcmp(d.common.json, "-") == 0);
	d.report = report_new(d.common.seed);
	d.checks = json_array();
	json_object_set_new(d.report, "checks", d.checks);
	child_catch_interrupts();
	if (d.canary) {
		int seen = watch_canaries(&d);
		if (d.common.json && report_write(d.report, d.common.json) != 0)
			seen = EXIT_USAGE;
		json_decref(d.report);
		return seen;
	}
	const char *programs = helper_folder();

	char says[128];
	snprintf(says, sizeof says, "onceproof %s, built by %s", ONCEPROOF_VERSION, compiler_name());
	note(&d, "program", LEVEL_OK, says);
	check_compiler(&d, "gcc", true);
	check_compiler(&d, "clang", false);
	check_cores(&d);
	check_load(&d);
	check_clock(&d);
	check_engine(&d, programs, "native", FAMILY_COUNTER, "two_increments", "naive", "atomic");
	check_engine(&d, programs, "tsan", FAMILY_COUNTER, "two_increments", "naive", "atomic");
	check_engine(&d, programs, "explore", FAMILY_COUNTER, "two_increments", "naive", "atomic");
	check_engine(&d, programs, "sequential", FAMILY_INITIALISER, "suspended_load", "naive", "atomic");
	check_engine(&d, programs, "helgrind", FAMILY_COUNTER, "two_increments", "naive", "mutex");
	check_engine(&d, programs, "drd", FAMILY_COUNTER, "two_increments", "naive", "mutex");

	if (child_interrupted) {
		complain("doctor: interrupted: nothing is said about this machine");
		json_decref(d.report);
		return EXIT_INCONCLUSIVE;
	}
	int status = d.engine_wrong ? EXIT_BROKEN : d.worst == LEVEL_BAD ? EXIT_USAGE : EXIT_HOLDS;
	if (d.text)
		puts(status == EXIT_HOLDS ? "Fit." : "Not fit: see the lines marked BAD.");
	if (d.common.json && report_write(d.report, d.common.json) != 0)
		status = EXIT_USAGE;
	if (d.common.junit && render_junit(d.report, d.common.junit) != 0)
		status = EXIT_USAGE;
	if (d.common.sarif && render_sarif(d.report, d.common.sarif) != 0)
		status = EXIT_USAGE;
	json_decref(d.report);
	return status;
}

extern const struct command command_doctor;
const struct command command_doctor = {"doctor", "is this machine fit, and does each engine go red on a known bug", run};
