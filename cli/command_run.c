/* SPDX-License-Identifier: MIT */
/* `onceproof run`: batches through the pipeline, every shared part chosen by name. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../impl/pipeline/batch_json.h"
#include "../impl/support/file.h"
#include "../reports/render.h"
#include "../reports/result.h"
#include "cli.h"
#include "run_text.h"

enum { DEFAULT_WORKERS = 8, SWEEP_BATCHES = 20, REPEAT_MAX = 1000000, SERIAL_NUMBERS = 9999 };

struct run_options {
	struct common common;
	struct batch_options batch;
	const char *out; /* --out or NULL */
	uint64_t repeat; /* 0: not given */
	bool no_files;
	bool sweep;
	uint64_t *fail_lines; /* owned */
};

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
};

static const struct argp_option run_argp_options[] = {
	{NULL, 0, NULL, 0,
		"The shared parts ('onceproof list' shows all; by default the first lesson of each family, bugs included):", 1},
	{"initialiser", 'i', "NAME", 0, "loads the model on first use (default: naive)", 1},
	{"counter", 'c', "NAME", 0, "counts finished items (default: naive)", 1},
	{"progress", 'p', "NAME", 0, "tells the front end (default: plain_global)", 1},
	{NULL, 0, NULL, 0, "The batch:", 2},
	{"workers", 'w', "N", 0, "worker threads (default: 8)", 2},
	{"serial", KEY_SERIAL, NULL, 0, "no threads: one item after the other", 2},
	{"repeat", KEY_REPEAT, "N", 0, "run N batches and say how often each anomaly came", 2},
	{"slots", KEY_SLOTS, "N", 0, "items that may use the model at once (default: as many as workers)", 2},
	{"model-mib", KEY_MODEL_MIB, "MIB", 0, "size of the mock model, and so the time of its load (default: 4)", 2},
	{"model-wait-ms", KEY_MODEL_WAIT, "MS", 0, "add a sleep to each load (default: none)", 2},
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
	b->fail_lines = run->fail_lines;
}

static error_t run_parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *run = state->input;
	struct batch_options *b = &run->batch;
	switch (key) {
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
		b->initialiser = initialiser_of(parse_implementation("--initialiser", FAMILY_INITIALISER, arg));
		return 0;
	case 'c':
		b->counter = counter_of(parse_implementation("--counter", FAMILY_COUNTER, arg));
		return 0;
	case 'p':
		b->progress = progress_of(parse_implementation("--progress", FAMILY_PROGRESS, arg));
		return 0;
	case 'w':
		b->workers = (unsigned)parse_number("--workers", arg, 1, BATCH_WORKERS_MAX);
		return 0;
	case KEY_SERIAL:
		b->serial = true;
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
static const struct argp run_argp = {run_argp_options, run_parse, "[MANIFEST]",
	"Speaks each line of MANIFEST (UTF-8 text, '-' is standard input; by default a list in many scripts that comes with the "
	"program) into a "
	"WAV file, with the model loaded on first use by one implementation, finished items counted by another, and progress "
	"told by a third; "
	"then adds up what happened.\v"
	"Empty lines are no items. Ctrl-C finishes the items in flight and keeps what is done. Exit status: 0 the parts did what "
	"they claim "
	"(also where they claim little), 1 a claim was refuted, 2 usage or environment, 3 interrupted.",
	run_children, NULL, NULL};

static int stop_asked;

static void ask_to_stop(int signal_number)
{
	(void)signal_number;
	/* relaxed: a request; nothing is published with it. */
	__atomic_store_n(&stop_asked, 1, __ATOMIC_RELAXED);
}

static bool asked_to_stop(void)
{
	return __atomic_load_n(&stop_asked, __ATOMIC_RELAXED) != 0; /* relaxed: as above */
}

/* The first signal ends in order, the second at once. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = (int)SA_RESETHAND};
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* A fresh numbered directory below onceproof-run/, owned by the caller; NULL after a complaint. */
static char *fresh_directory(void)
{
	int why = make_directories("onceproof-run");
	for (int i = 1; !why && i <= SERIAL_NUMBERS; i++) {
		char *path;
		if (asprintf(&path, "onceproof-run/%03d", i) < 0)
			break;
		if (mkdir(path, 0777) == 0)
			return path;
		why = errno == EEXIST ? 0 : errno;
		free(path);
	}
	complain("onceproof-run: cannot make a directory for this run: %s: choose one with --out",
		why ? strerror(why) : "all numbers are taken");
	return NULL;
}

/* What of a run is under way. */
struct running {
	struct run_options *run;
	FILE *out;       /* for people; NULL: nobody reads */
	json_t *report;  /* NULL unless asked for */
	char *directory; /* owned; NULL: no files */
	int lock;        /* on the directory, with several batches in it; or -1 */
	int status;      /* exit status so far */
};

static void worsen(struct running *r, int status)
{
	/* A broken contract stays the news; then what could not run; then what was cut short. */
	if (r->status == EXIT_HOLDS || status == EXIT_BROKEN || (status == EXIT_USAGE && r->status == EXIT_INCONCLUSIVE))
		r->status = status;
}

static void say_bad_text(const struct batch_options *b, const struct batch_summary *s)
{
	uint64_t bad = s->failed_by[BATCH_BLANK] + s->failed_by[BATCH_NOT_UTF8] + s->failed_by[BATCH_TOO_LONG] +
		       s->failed_by[BATCH_NUL_BYTE];
	if (bad)
		complain("%s: %" PRIu64 " of %" PRIu64 " items have text that cannot be spoken and failed (first: line %" PRIu64
			 ")%s",
			b->manifest && strcmp(b->manifest, "-") != 0 ? b->manifest : "manifest", bad, s->items, s->first_bad_line,
			b->output ? ": results.jsonl says why; correct them and run again" : ": correct them and run again");
}

/* Runs one batch and judges it. False: stop here. */
static bool one_batch(struct running *r, struct batch_summary *s, struct batch_judgement *j)
{
	const struct batch_options *b = &r->run->batch;
	int why = batch_run(b, s);
	if (why && s->evidence.results.count == 0) {
		worsen(r, why == EINTR ? EXIT_INCONCLUSIVE : EXIT_USAGE);
		return false;
	}
	int unread = batch_check(b, s, j);
	if (r->report && !unread) {
		json_t *json = batch_json(b, s, j);
		if (!json || json_array_append_new(json_object_get(r->report, "batches"), json) != 0) {
			complain("not enough memory for the results: ask for fewer batches with --repeat");
			worsen(r, EXIT_USAGE);
			return false;
		}
		if (s->partial)
			json_object_set_new(r->report, "partial", json_true());
	}
	if (!unread && !j->as_stated)
		worsen(r, EXIT_BROKEN);
	if (why || unread)
		worsen(r, EXIT_USAGE);
	else if (s->partial)
		worsen(r, EXIT_INCONCLUSIVE);
	return !why && !unread && !s->partial;
}

static void say_partial(const struct running *r, const struct batch_summary *s)
{
	if (s->not_started)
		complain("interrupted: %" PRIu64 " of %" PRIu64 " items are finished, %" PRIu64 " were not started%s%s",
			s->done + s->failed, s->items, s->not_started, r->directory ? "; what is done is in " : "",
			r->directory ? r->directory : "");
}

static void run_single(struct running *r)
{
	struct batch_options *b = &r->run->batch;
	struct batch_summary summary;
	struct batch_judgement judgement = {0};
	b->output = r->directory;
	one_batch(r, &summary, &judgement);
	if (summary.workers == 0 || (summary.evidence.results.count == 0 && !summary.partial))
		return;
	if (r->out)
		print_batch(r->out, b, &summary, &judgement);
	say_bad_text(b, &summary);
	say_partial(r, &summary);
}

static void run_several(struct running *r)
{
	struct batch_options *b = &r->run->batch;
	struct run_rates rates = {0};
	struct batch_summary summary = {0};
	bool go_on = true;
	for (uint64_t i = 1; go_on && i <= r->run->repeat && !asked_to_stop(); i++) {
		if (i % r->run->common.shards != r->run->common.shard % r->run->common.shards)
			continue;
		char *folder = NULL;
		if (r->directory && asprintf(&folder, "%s/batch-%04" PRIu64, r->directory, i) < 0)
			folder = NULL;
		struct batch_judgement judgement = {0};
		b->output = folder;
		go_on = one_batch(r, &summary, &judgement);
		if (summary.evidence.results.count > 0) {
			rates_add(&rates, &summary, &judgement);
			if (r->out && r->run->common.verbosity > 0)
				print_batch_line(r->out, i, &summary, &judgement);
			if (rates.batches == 1)
				say_bad_text(b, &summary);
		}
		b->output = NULL;
		free(folder);
	}
	if (r->out && rates.batches)
		print_rates(r->out, b, &rates);
	if (r->out && r->directory)
		fprintf(r->out, "  files             %s/batch-*\n", r->directory);
	if (asked_to_stop()) {
		complain("interrupted: %" PRIu64 " of %" PRIu64 " batches were begun; what is done is kept", rates.batches,
			r->run->repeat);
		worsen(r, EXIT_INCONCLUSIVE);
	}
}

static void run_sweep(struct running *r)
{
	struct batch_options *b = &r->run->batch;
	uint64_t batches = r->run->repeat ? r->run->repeat : SWEEP_BATCHES;
	bool go_on = true;
	/* The first use is what matters here: items cost nothing. */
	b->item_cost_ns = -1;
	if (r->out)
		print_sweep_head(r->out, batches);
	for (size_t bytes = BATCH_MODEL_MIN; go_on && bytes <= (size_t)16 << 20; bytes *= 4) {
		struct run_rates rates = {0};
		b->model_bytes = bytes;
		for (uint64_t i = 0; go_on && i < batches && !asked_to_stop(); i++) {
			struct batch_summary summary;
			struct batch_judgement judgement = {0};
			go_on = one_batch(r, &summary, &judgement);
			rates_add(&rates, &summary, &judgement);
		}
		if (r->out) {
			print_sweep_row(r->out, bytes, &rates);
			fflush(r->out);
		}
	}
	if (asked_to_stop())
		worsen(r, EXIT_INCONCLUSIVE);
}

/* Refuses what cannot go together, with exit status 2. */
static void refuse_impossible(const struct run_options *run)
{
	const struct batch_options *b = &run->batch;
	const char *why = batch_impossible(b);
	if (!why && run->sweep && b->initialiser->loading == LOADER_LINK_TIME)
		why = "the model of this initialiser is loaded before main, so its load cannot be swept";
	if (!why && run->sweep && (b->model_bytes || run->out || b->progress_path))
		why = "--sweep chooses the model's size itself and writes no files";
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

static int write_reports(const struct running *r)
{
	const struct common *common = &r->run->common;
	int why = common->json ? report_write(r->report, common->json) : 0;
	if (why)
		complain("%s: cannot write: %s: name a file in a directory that you may write to", common->json, strerror(why));
	int junit = common->junit ? render_junit(r->report, common->junit) : 0;
	return why ? why : junit;
}

static int run_main(int argc, char **argv)
{
	struct run_options run = {.common = common_defaults()};
	struct batch_options *b = &run.batch;
	b->workers = DEFAULT_WORKERS;
	b->initialiser = initialiser_of(registry_find(FAMILY_INITIALISER, "naive"));
	b->counter = counter_of(registry_find(FAMILY_COUNTER, "naive"));
	b->progress = progress_of(registry_find(FAMILY_PROGRESS, "plain_global"));
	int misuse = command_parse(&run_argp, argc, argv, &run);
	if (misuse)
		return misuse;
	refuse_impossible(&run);
	catch_signals();
	b->seed = run.common.seed;
	b->stop = &stop_asked;
	bool several = run.repeat > 0 && !run.sweep;
	bool json_only = run.common.json && strcmp(run.common.json, "-") == 0;
	b->bar = !run.repeat && !run.sweep && run.common.verbosity >= 0 && isatty(STDERR_FILENO);
	struct running r = {.run = &run, .out = json_only ? NULL : stdout, .lock = -1};
	if (run.common.json || run.common.junit)
		r.report = report_new(run.common.seed);
	if (!run.no_files && !run.sweep) {
		r.directory = run.out ? strdup(run.out) : fresh_directory();
		if (!r.directory)
			return EXIT_USAGE;
		r.lock = several ? batch_lock_directory(r.directory, b->force) : -1;
		if (several && r.lock < 0)
			return EXIT_USAGE;
	}
	if (r.out) {
		print_choice(r.out, b);
		fprintf(r.out, ", seed %" PRIu64 "\n", run.common.seed);
	}
	if (run.sweep)
		run_sweep(&r);
	else if (several)
		run_several(&r);
	else
		run_single(&r);
	/* A fresh directory of a run that could not start is no use to anybody. */
	if (r.directory && !run.out) {
		rmdir(r.directory);
		rmdir("onceproof-run");
	}
	if (r.report && write_reports(&r) != 0)
		worsen(&r, EXIT_USAGE);
	if (r.lock >= 0)
		close(r.lock);
	json_decref(r.report);
	free(r.directory);
	free(run.fail_lines);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("standard output: cannot write: %s", strerror(errno));
		worsen(&r, EXIT_USAGE);
	}
	return r.status;
}

const struct command command_run = {"run", "batches through the pipeline, with every shared part chosen by name", run_main};
