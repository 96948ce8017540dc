/* SPDX-License-Identifier: MIT */
/* `onceproof advise`: which implementations to take for a given load, from what was measured and what each one promises. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reports/result.h"
#include "advise_text.h"
#include "cli.h"

struct advise_options {
	struct common common;
	struct question question;
	const char *results; /* --results FILE or NULL */
	bool list;
};

enum { KEY_THREADS = 0x2200, KEY_ITEM_US, KEY_READS, KEY_NEED, KEY_RESULTS, KEY_LIST, THREADS_MAX = 4096 };

static const struct argp_option advise_argp_options[] = {
	{"threads", KEY_THREADS, "N", 0, "threads that work on items and count them (default: this machine's cores)", 0},
	{"item-us", KEY_ITEM_US, "U", 0, "microseconds that one item takes its thread (default 1000)", 0},
	{"reads-per-s", KEY_READS, "R", 0, "how often a second the front end reads the value (default 10)", 0},
	{"need", KEY_NEED, "WHAT", 0, "exact (default), unique, dense, linearizable or approximate: see below", 0},
	{"results", KEY_RESULTS, "FILE", 0, "advise from this result of `onceproof bench` (a name given to --save, or a file)",
		0},
	{"list", KEY_LIST, NULL, 0, "a line for each need: what it asks for, and what to take", 0},
	{0},
};

static const struct need *parse_need(const char *name)
{
	const struct need *need = advise_need(name);
	if (need)
		return need;
	complain("--need: '%s' is not exact, unique, dense, linearizable or approximate", name);
	exit(EXIT_USAGE);
}

static error_t advise_parse(int key, char *arg, struct argp_state *state)
{
	struct advise_options *options = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		return 0;
	case KEY_THREADS:
		options->question.threads = (unsigned)parse_number("--threads", arg, 1, THREADS_MAX);
		return 0;
	case KEY_ITEM_US:
		/* From a nanosecond to an hour. */
		options->question.item_ns = 1e3 * parse_fraction("--item-us", arg, 0.001, 3.6e9);
		return 0;
	case KEY_READS:
		options->question.reads_per_s = parse_fraction("--reads-per-s", arg, 0, 1e9);
		return 0;
	case KEY_NEED:
		options->question.need = parse_need(arg);
		return 0;
	case KEY_RESULTS:
		options->results = arg;
		return 0;
	case KEY_LIST:
		options->list = true;
		return 0;
	case ARGP_KEY_ARG:
		complain("advise: '%s': it takes options only", arg);
		exit(EXIT_USAGE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static unsigned usable_cores(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return count > 0 ? (unsigned)count : 1;
}

static struct advice advise(const struct evidence *evidence, const struct question *question)
{
	struct advice advice = {.question = *question, .evidence = evidence};
	struct decision *d = advice.decisions;
	d[FAMILY_INITIALISER] = advise_decide(evidence, question, FAMILY_INITIALISER, NULL);
	d[FAMILY_COUNTER] = advise_decide(evidence, question, FAMILY_COUNTER, NULL);
	d[FAMILY_PROGRESS] = advise_decide(evidence, question, FAMILY_PROGRESS, d[FAMILY_COUNTER].taken);
	if (question->need->variant) {
		struct question other = *question;
		other.need = advise_need(question->need->variant);
		advice.variant = advise_decide(evidence, &other, FAMILY_COUNTER, NULL);
	}
	return advice;
}

static void advice_close(struct advice *advice)
{
	for (enum family family = 0; family <= FAMILY_PROGRESS; family++)
		decision_close(&advice->decisions[family]);
	decision_close(&advice->variant);
}

/* Prints, or adds to REPORT, or both. */
static void answer(const struct advise_options *options, const struct evidence *evidence, bool print, json_t *report)
{
	json_t *list = json_array();
	const size_t count = options->list ? advise_need_count : 1;
	if (print && options->list)
		advice_print_head();
	for (size_t i = 0; i < count; i++) {
		struct question question = options->question;
		if (options->list)
			question.need = &advise_needs[i];
		struct advice advice = advise(evidence, &question);
		if (print && options->list)
			advice_print_line(&advice);
		else if (print)
			advice_print(&advice, options->common.verbosity);
		json_array_append_new(list, advice_json(&advice));
		advice_close(&advice);
	}
	if (print && options->list && options->common.verbosity >= 0) {
		putchar('\n');
		advice_print_evidence(evidence);
	}
	json_object_set_new(report, "advice", list);
}

static int advise_run(int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {.options = advise_argp_options,
		.parser = advise_parse,
		.children = children,
		.doc = "Says which initialiser (loads a thing once), counter (of finished items) and progress (tells the count) "
		       "to take "
		       "for a batch of items that threads work on: with the price of each, and why not the others.\v"
		       "What can be needed of the counter:\n"
		       "  exact         its value never runs backwards and ends at the number of items\n"
		       "  unique        as exact; increments return numbers, all different, with gaps\n"
		       "  dense         as unique, but without gaps: the numbers are 1 to N\n"
		       "  linearizable  as exact; each value read is the count at a moment of the read\n"
		       "  approximate   its value may be a little off, and updates may be lost\n"
		       "\n"
		       "Only what promises all that is needed is taken. Where the simplest such costs less than 1 % of an item, "
		       "it "
		       "is that one: the choice does not matter. Else it is the cheapest; of those that are as cheap, one that "
		       "comes as a header to take along.\n"
		       "\n"
		       "Prices come from FILE, else from the newest result that `onceproof bench` kept of this machine and "
		       "compiler, "
		       "else from dated results that come with the program; the answer says which, and why.\n"
		       "\n"
		       "Example: 8 threads, items of 1.5 us that each want a number of their own:\n"
		       "  onceproof advise --threads 8 --item-us 1.5 --need unique"};
	struct advise_options options = {.common = common_defaults()};
	options.question =
		(struct question){.need = &advise_needs[0], .threads = usable_cores(), .item_ns = 1e6, .reads_per_s = 10};
	if (command_parse(&argp, argc, argv, &options) != 0)
		return EXIT_USAGE;
	if (options.common.junit || options.common.sarif || options.common.shards > 1) {
		complain("advise: --junit, --sarif and --shard have no meaning here: it runs nothing");
		return EXIT_USAGE;
	}
	struct evidence evidence;
	int status = evidence_open(&evidence, options.results);
	if (status)
		return status;
	json_t *report = report_new(options.common.seed);
	const bool print = !options.common.json || strcmp(options.common.json, "-") != 0;
	answer(&options, &evidence, print, report);
	if (options.common.json && report_write(report, options.common.json) != 0)
		status = EXIT_USAGE; /* report_write() has said why */
	json_decref(report);
	evidence_close(&evidence);
	if (status == EXIT_HOLDS && (fflush(stdout) != 0 || ferror(stdout))) {
		complain("advise: cannot write to stdout: %s", strerror(errno));
		status = EXIT_USAGE;
	}
	return status;
}

const struct command command_advise = {"advise", "which implementations to take, and on which evidence", advise_run};
