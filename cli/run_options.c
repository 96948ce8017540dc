/* SPDX-License-Identifier: MIT */
#include "run_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "users.h"

enum { DEFAULT_WORKERS = 8, REPEAT_MAX = 1000000 };

enum {
	KEY_REPEAT = 0x2000,
	KEY_FORCE,
	KEY_SERIAL,
	KEY_ORDER,
	KEY_SLOTS,
	KEY_MODEL_MIB,
	KEY_MODEL_WAIT,
	KEY_FAIL_RATE,
	KEY_FAIL_LINES,
	KEY_FAIL_LOADS,
	KEY_NO_AUDIO,
	KEY_NO_FILES,
	KEY_PROGRESS_JSON,
	KEY_SWEEP,
	KEY_ITEM_COST,
	KEY_ITEMS,
	KEY_LOAD,
};

static const struct argp_option run_argp_options[] = {
	{NULL, 0, NULL, 0,
		"The shared parts ('onceproof list' shows all; by default the first lesson of each family, bugs included), or a "
		"file of "
		"your own, ./mine.c:",
		1},
	{"initialiser", 'i', "NAME", 0, "loads the model on first use (default: naive)", 1},
	{"counter", 'c', "NAME", 0, "counts finished items (default: naive)", 1},
	{"progress", 'p', "NAME", 0, "tells the front end (default: plain_global)", 1},
	{NULL, 0, NULL, 0, "The batch:", 2},
	{"load", KEY_LOAD, "FILE", OPTION_HIDDEN, "a shared object with an implementation; see users.h", 1},
	{"workers", 'w', "N", 0, "worker threads (default: 8)", 2},
	{"serial", KEY_SERIAL, NULL, 0, "no threads: one item after the other", 2},
	{"repeat", KEY_REPEAT, "N", 0, "run N batches and say how often each anomaly came", 2},
	{"slots", KEY_SLOTS, "N", 0, "items that may use the model at once (default: as many as workers)", 2},
	{"model-mib", KEY_MODEL_MIB, "MIB", 0, "size of the mock model, and so the time of its load (default: 4)", 2},
	{"model-wait-ms", KEY_MODEL_WAIT, "MS", 0, "add a sleep to each load (default: none)", 2},
	{"items", KEY_ITEMS, "N", 0, "N generated items instead of a manifest", 2},
	{"item-cost-ns", KEY_ITEM_COST, "NS", 0,
		"a busy wait of NS nanoseconds for each item, 0 for none, instead of speech; no audio", 2},
	{"sweep", KEY_SWEEP, "load", 0, "plot double loads against the model's load time; writes no files", 2},
	{NULL, 0, NULL, 0, "Failures on request:", 3},
	{"fail-rate", KEY_FAIL_RATE, "SHARE", 0, "share of items that fail, 0 to 1; which ones depends on the seed", 3},
	{"fail-lines", KEY_FAIL_LINES, "LIST", 0, "lines of the manifest that fail: 3,7-9", 3},
	{"fail-loads", KEY_FAIL_LOADS, "N", 0, "the first N loads of the model fail", 3},
	{NULL, 0, NULL, 0, "Output:", 4},
	{"out", 'o', "DIR", 0, "directory for the results (default: the next free number in onceproof-run/)", 4},
	{"force", KEY_FORCE, NULL, 0, "replace the results of an earlier run in that directory", 4},
	{"order", KEY_ORDER, "ORDER", 0, "of the results: completion (default) or submission", 4},
	{"no-audio", KEY_NO_AUDIO, NULL, 0, "synthesise, but write no WAV files", 4},
	{"no-files", KEY_NO_FILES, NULL, 0, "write no files at all", 4},
	{"progress-json", KEY_PROGRESS_JSON, "FILE", 0, "append the progress to FILE as JSON lines", 4},
	{0},
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* "3,7-9" into an ascending list of numbers. */
static void parse_lines(struct run_options *run, const char *text)
{
	enum { LINES_MAX = 1000000 };
	struct batch_options *b = &run->batch;
	const char *at = text;
	uint64_t last = 0;
	while (true) {
		char *end;
		uint64_t from = strtoull(at, &end, 10), to = from;
		bool ok = *at >= '0' && *at <= '9';
		if (ok && *end == '-') {
			at = end + 1;
			ok = *at >= '0' && *at <= '9';
			to = strtoull(at, &end, 10);
		}
		if (!ok || from <= last || to < from || to - from >= LINES_MAX - b->fail_line_count || (*end && *end != ',')) {
			complain("--fail-lines: '%s' is not an ascending list of lines like 3,7-9", text);
			exit(EXIT_USAGE);
		}
		run->fail_lines =
			realloc(run->fail_lines, (b->fail_line_count + (size_t)(to - from) + 1) * sizeof *run->fail_lines);
		if (!run->fail_lines) {
			complain("--fail-lines: not enough memory");
			exit(EXIT_USAGE);
		}
		for (uint64_t line = from; line <= to; line++)
			run->fail_lines[b->fail_line_count++] = line;
		last = to;
		if (!*end)
			break;
		at = end + 1;
	}
	/* Each list ascends, several of them together may not. */
	qsort(run->fail_lines, b->fail_line_count, sizeof *run->fail_lines, by_number);
	b->fail_lines = run->fail_lines;
}

/* The implementation that NAME is of, or NULL: a file that another process will load, see run_main. */
static const struct registered *choose(struct run_options *run, const char *option, enum family family, const char *name)
{
	const struct registered *part = users_find(option, family, name);
	run->users[family] = part ? NULL : name;
	return part;
}

static error_t run_parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *run = state->input;
	struct batch_options *b = &run->batch;
	const struct registered *part;
	switch (key) {
	case KEY_LOAD:
		if (!implementation_load(arg))
			exit(EXIT_USAGE);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &run->common;
		return 0;
	case ARGP_KEY_ARG:
		if (b->manifest) {
			complain("%s: a second manifest: give one, or join them with cat and pass - for standard input", arg);
			exit(EXIT_USAGE);
		}
		b->manifest = arg;
		return 0;
	case 'i':
		if ((part = choose(run, "--initialiser", FAMILY_INITIALISER, arg)))
			b->initialiser = initialiser_of(part);
		return 0;
	case 'c':
		if ((part = choose(run, "--counter", FAMILY_COUNTER, arg)))
			b->counter = counter_of(part);
		return 0;
	case 'p':
		if ((part = choose(run, "--progress", FAMILY_PROGRESS, arg)))
			b->progress = progress_of(part);
		return 0;
	case 'w':
		b->workers = (unsigned)parse_number("--workers", arg, 1, BATCH_WORKERS_MAX);
		run->workers_given = true;
		return 0;
	case KEY_SERIAL:
		b->serial = true;
		return 0;
	case ARGP_KEY_END:
		if (b->serial && run->workers_given) {
			complain("run: --serial has no worker threads: leave out --workers, or --serial");
			exit(EXIT_USAGE);
		}
		return 0;
	case KEY_REPEAT:
		run->repeat = parse_number("--repeat", arg, 1, REPEAT_MAX);
		return 0;
	case KEY_SLOTS:
		b->model_slots = (unsigned)parse_number("--slots", arg, 1, BATCH_WORKERS_MAX);
		return 0;
	case KEY_MODEL_MIB:
		b->model_bytes = (size_t)(parse_fraction("--model-mib", arg, BATCH_MODEL_MIN / 1048576.0, 4096) * 1048576.0);
		return 0;
	case KEY_MODEL_WAIT:
		b->model_wait_ms = (unsigned)parse_number("--model-wait-ms", arg, 0, 600000);
		return 0;
	case KEY_SWEEP:
		if (strcmp(arg, "load") != 0) {
			complain("--sweep: '%s' cannot be swept: the one sweep there is is 'load'", arg);
			exit(EXIT_USAGE);
		}
		run->sweep = true;
		return 0;
	case KEY_ITEMS:
		b->synthetic_items = parse_number("--items", arg, 1, UINT64_C(1000000000));
		return 0;
	case KEY_ITEM_COST:
		b->item_cost_ns = (int64_t)parse_number("--item-cost-ns", arg, 0, UINT64_C(1000000000));
		if (b->item_cost_ns == 0)
			b->item_cost_ns = -1; /* no work at all; 0 stands for speech */
		return 0;
	case KEY_FAIL_RATE:
		b->failure_rate = parse_fraction("--fail-rate", arg, 0, 1);
		return 0;
	case KEY_FAIL_LINES:
		parse_lines(run, arg);
		return 0;
	case KEY_FAIL_LOADS:
		b->failing_loads = (unsigned)parse_number("--fail-loads", arg, 0, 1000000);
		return 0;
	case 'o':
		run->out = arg;
		return 0;
	case KEY_FORCE:
		b->force = true;
		return 0;
	case KEY_ORDER:
		if (strcmp(arg, "submission") != 0 && strcmp(arg, "completion") != 0) {
			complain("--order: '%s' is not completion or submission", arg);
			exit(EXIT_USAGE);
		}
		b->order = *arg == 's' ? BATCH_SUBMISSION : BATCH_COMPLETION;
		return 0;
	case KEY_NO_AUDIO:
		b->no_audio = true;
		return 0;
	case KEY_NO_FILES:
		run->no_files = true;
		return 0;
	case KEY_PROGRESS_JSON:
		b->progress_path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child run_children[] = {{&common_argp, 0, NULL, 0}, {0}};
const struct argp run_argp = {run_argp_options, run_parse, "[MANIFEST]",
	"Speaks each line of MANIFEST (UTF-8 text, '-' is standard input; by default a list in many scripts that comes with the "
	"program) into a "
	"WAV file, with the model loaded on first use by one implementation, finished items counted by another, and progress "
	"told by a third; "
	"then adds up what happened.\v"
	"Empty lines are no items. Ctrl-C finishes the items in flight and keeps what is done. Exit status: 0 the parts did what "
	"they claim "
	"(also where they claim little), 1 a claim was refuted, 2 usage or environment, 3 interrupted.",
	run_children, NULL, NULL};

struct run_options run_defaults(void)
{
	return (struct run_options){
		.common = common_defaults(),
		.batch.workers = DEFAULT_WORKERS,
		.batch.initialiser = initialiser_of(registry_find(FAMILY_INITIALISER, "naive")),
		.batch.counter = counter_of(registry_find(FAMILY_COUNTER, "naive")),
		.batch.progress = progress_of(registry_find(FAMILY_PROGRESS, "plain_global")),
	};
}

void run_refuse_impossible(const struct run_options *run)
{
	const struct batch_options *b = &run->batch;
	const char *why = batch_impossible(b);
	if (!why && run->sweep && b->initialiser->loading == LOADER_LINK_TIME)
		why = "the model of this initialiser is loaded before main, so its load cannot be swept";
	if (!why && run->sweep && (b->model_bytes || run->out || b->progress_path))
		why = "--sweep chooses the model's size itself and writes no files";
	if (!why && b->synthetic_items && b->manifest)
		why = "--items and a manifest exclude one another";
	if (!why && run->no_files && run->out)
		why = "--no-files and --out exclude one another";
	if (!why && run->common.shards > 1 && !run->repeat)
		why = "--shard divides the batches of --repeat, and there is one batch only";
	if (!why)
		return;
	if (b->progress->needs == PROGRESS_NEEDS_STEP && !b->counter->steps) {
		char with[512] = "";
		for (size_t i = 0; i < onceproof_registry_count; i++) {
			const struct registered *entry = &onceproof_registry[i];
			if (entry->about->family != FAMILY_COUNTER || !counter_of(entry)->steps)
				continue;
			size_t used = strlen(with);
			snprintf(with + used, sizeof with - used, "%s%s", used ? ", " : "", entry->about->name);
		}
		complain("progress/%s with counter/%s: %s: choose one of the counters %s", b->progress->about.name,
			b->counter->about.name, why, with);
	} else {
		complain("initialiser/%s, counter/%s, progress/%s: %s", b->initialiser->about.name, b->counter->about.name,
			b->progress->about.name, why);
	}
	exit(EXIT_USAGE);
}
