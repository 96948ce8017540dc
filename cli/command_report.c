/* SPDX-License-Identifier: MIT */
/* onceproof report: everything, to one offline page. Each part is a subcommand of its own, run as a child that leaves its results in a
 * file; a part that fails or is interrupted costs that part only. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../impl/support/file.h"
#include "../reports/merge.h"
#include "../reports/render.h"
#include "../reports/result.h"
#include "../stress/child.h"
#include "cli.h"

enum size { SIZE_QUICK, SIZE_DEFAULT, SIZE_FULL };
enum { PARTS_MAX = 256, WORDS_MAX = 32 };

struct arguments {
	struct common common;
	enum size size;
	const char *out;
	/* What the parts delivered. */
	json_t *parts[PARTS_MAX];
	size_t part_count;
	int status; /* the worst exit status of a part that decides */
	bool interrupted;
	char self[PATH_MAX], folder[PATH_MAX], seed[32];
	double started;
};

enum { KEY_QUICK = 0x100, KEY_FULL };

static const struct argp_option options[] = {
	{"quick", KEY_QUICK, NULL, 0, "at most about 6 minutes on two cores", 0},
	{"full", KEY_FULL, NULL, 0, "everything, up to an hour", 0},
	{"out", 'o', "DIR", 0, "where the report goes (default: onceproof-report)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->common;
		return 0;
	case KEY_QUICK:
	case KEY_FULL:
		if (a->size != SIZE_DEFAULT && a->size != (key == KEY_QUICK ? SIZE_QUICK : SIZE_FULL)) {
			complain("report: --quick and --full exclude each other");
			exit(EXIT_USAGE);
		}
		a->size = key == KEY_QUICK ? SIZE_QUICK : SIZE_FULL;
		return 0;
	case 'o':
		a->out = arg;
		return 0;
	case ARGP_KEY_ARG:
		complain("report: '%s': it takes no arguments; --out names the folder", arg);
		exit(EXIT_USAGE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void say(const struct arguments *a, const char *what)
{
	if (a->common.verbosity >= 0)
		fprintf(stderr, "onceproof: report: %4.0f s  %s\n", now_s() - a->started, what);
}

/* Runs `onceproof WORDS... --seed --json FILE` and keeps its results. WHAT names the part in messages. */
static void run_part(struct arguments *a, const char *what, const char *const *words)
{
	if (a->interrupted || a->part_count == PARTS_MAX)
		return;
	char json[PATH_MAX + 32], seed[48];
	char *argv[WORDS_MAX];
	size_t n = 0;
	argv[n++] = a->self;
	for (size_t i = 0; words[i] && n < WORDS_MAX - 6; i++)
		argv[n++] = (char *)words[i];
	snprintf(json, sizeof json, "--json=%s/part.json", a->folder);
	snprintf(seed, sizeof seed, "--seed=%s", a->seed);
	argv[n++] = json;
	argv[n++] = seed;
	argv[n++] = (char *)"-q";
	argv[n] = NULL;
	const char *file = json + strlen("--json=");
	unlink(file);
	struct child_options child_options = {.argv = argv, .grace_s = 60};
	struct child_result child;
	int why = child_run(&child_options, &child);
	if (why) {
		complain("report: %s: cannot be started: %s", what, strerror(why));
		a->status = EXIT_USAGE;
		return;
	}
	a->interrupted = child_interrupted;
	int status = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : EXIT_USAGE;
	/* The parts' own words: a broken contract is explained there. */
	if (child.err_length && !a->interrupted)
		fwrite(child.err, 1, child.err_length, stderr);
	json_t *part = access(file, F_OK) == 0 ? report_read(file) : NULL;
	if (part)
		a->parts[a->part_count++] = part;
	else if (!a->interrupted)
		complain("report: %s: left no results (exit status %d); the report goes on without it", what, status);
	if (!part && !a->interrupted)
		status = EXIT_USAGE;
	if (status == EXIT_BROKEN || (status != EXIT_HOLDS && a->status == EXIT_HOLDS))
		a->status = status;
	unlink(file);
	child_free(&child);
}

/* Real items show what the model's load does to a batch. Counting and telling take nanoseconds, so threads meet there only when items
 * are short and many: the same bugs, given more chances; with two workers, because fair locks crawl where threads outnumber CPUs. */
static void run_batch(struct arguments *a, bool short_items, const char *initialiser, const char *counter, const char *progress)
{
	static const char *const repeats[] = {"3", "10", "50"};
	char what[256];
	snprintf(what, sizeof what, "batch %s + %s + %s", initialiser, counter, progress);
	const char *words[] = {"run", "--initialiser", initialiser, "--counter", counter, "--progress", progress, "--workers",
		short_items ? "2" : "8", "--no-audio", "--no-files", "--repeat", repeats[a->size],
		short_items ? "--items=20000" : NULL, "--item-cost-ns=1000", NULL};
	run_part(a, what, words);
}

/* Every implementation once, beside parts that are right, and the bug as it ships: all three naive. */
static void run_batches(struct arguments *a)
{
	run_batch(a, false, "naive", "naive", "plain_global");
	run_batch(a, false, "atomic", "atomic", "monotone");
	run_batch(a, true, "naive", "naive", "plain_global");
	run_batch(a, true, "atomic", "atomic", "monotone");
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct implementation *about = onceproof_registry[i].about;
		bool same = strcmp(about->name, about->family == FAMILY_PROGRESS ? "monotone" : "atomic") == 0;
		if (same)
			continue;
		run_batch(a, about->family != FAMILY_INITIALISER, about->family == FAMILY_INITIALISER ? about->name : "atomic",
			about->family == FAMILY_COUNTER ? about->name : "atomic",
			about->family == FAMILY_PROGRESS ? about->name : "monotone");
	}
	const char *sweep[] = {"run", "--sweep", "load", "--initialiser", "naive", "--no-files",
		a->size == SIZE_QUICK ? "--repeat=3" : "--repeat=10", NULL};
	run_part(a, "double loads against the model's load time", sweep);
}

static void run_all(struct arguments *a)
{
	static const char *const efforts[] = {"0.25", "1", "3"};
	const char *list[] = {"list", NULL};
	run_part(a, "list", list);
	say(a, "is it right? scenarios by native, tsan, explore and sequential");
	char witness[PATH_MAX + 32];
	snprintf(witness, sizeof witness, "--witness=%s/witness", a->out);
	const char *stress[] = {"stress", "--effort", efforts[a->size], witness, a->size == SIZE_FULL ? "--full" : NULL, NULL};
	run_part(a, "stress", stress);
	if (a->size != SIZE_QUICK) {
		say(a, "cross-checks by helgrind and drd");
		const char *cross[] = {"stress", "--engine=helgrind,drd", "counter/*", "initialiser/*/first_use",
			"progress/*/two_workers", NULL};
		run_part(a, "cross-checks", cross);
	}
	say(a, "in the pipeline? batches with the bug and with each fix");
	run_batches(a);
	say(a, "how fast? benchmarks");
	const char *bench[] = {"bench", a->size == SIZE_QUICK ? "--quick" : a->size == SIZE_FULL ? "--full" : NULL, NULL};
	run_part(a, "benchmarks", bench);
}

/* The lessons' text goes along, so that the page can show the lines that findings name. */
static void embed_sources(json_t *report)
{
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(report, "implementations"), i, entry)
		for (size_t r = 0; r < onceproof_registry_count; r++) {
			const char *file = json_string_value(json_object_get(entry, "file"));
			if (file && strcmp(file, onceproof_registry[r].file) == 0)
				json_object_set_new(entry, "source", json_string(onceproof_registry[r].source));
		}
}

static json_t *join_parts(struct arguments *a)
{
	json_t *report = a->part_count ? report_merge(a->parts, a->part_count) : report_new(a->common.seed);
	embed_sources(report);
	json_object_set_new(report, "seed", json_integer((json_int_t)a->common.seed));
	json_object_set_new(report, "seconds", json_real(now_s() - a->started));
	json_object_set_new(report, "command",
		json_sprintf("onceproof report%s --seed=%s",
			a->size == SIZE_QUICK  ? " --quick"
			: a->size == SIZE_FULL ? " --full"
					       : "",
			a->seed));
	if (a->interrupted)
		json_object_set_new(report, "partial", json_true());
	return report;
}

/* A partial report goes beside an earlier whole one, never over it. */
static int write_report(const struct arguments *a, const json_t *report)
{
	const char *mark = json_is_true(json_object_get(report, "partial")) ? ".partial" : "";
	char path[PATH_MAX + 64];
	int failed = 0;
	snprintf(path, sizeof path, "%s/results%s.json", a->out, mark);
	failed |= report_write(report, path);
	snprintf(path, sizeof path, "%s/junit%s.xml", a->out, mark);
	failed |= render_junit(report, path);
	snprintf(path, sizeof path, "%s/results%s.sarif", a->out, mark);
	failed |= render_sarif(report, path);
	snprintf(path, sizeof path, "%s/summary%s.md", a->out, mark);
	failed |= render_markdown(report, path);
	snprintf(path, sizeof path, "%s/index%s.html", a->out, mark);
	failed |= render_html(report, path);
	if (!failed && a->common.json)
		failed |= report_write(report, a->common.json);
	if (!failed && a->common.junit)
		failed |= render_junit(report, a->common.junit);
	if (!failed && a->common.sarif)
		failed |= render_sarif(report, a->common.sarif);
	if (!failed && !(a->common.json && strcmp(a->common.json, "-") == 0))
		printf("%s/index%s.html\n", a->out, mark);
	/* A whole report supersedes the partial one of an earlier, interrupted run. */
	static const char *const partial[] = {
		"results.partial.json", "junit.partial.xml", "results.partial.sarif", "summary.partial.md", "index.partial.html"};
	for (size_t i = 0; !failed && !*mark && i < sizeof partial / sizeof *partial; i++) {
		snprintf(path, sizeof path, "%s/%s", a->out, partial[i]);
		unlink(path);
	}
	return failed ? EXIT_USAGE : EXIT_HOLDS;
}

/* Makes and locks the output folder; the lock ends with this process, however it ends. */
static int open_folder(struct arguments *a)
{
	int why = make_directories(a->out);
	char lock[PATH_MAX + 16];
	snprintf(lock, sizeof lock, "%s/.lock", a->out);
	int fd = why ? -1 : open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	if (fd < 0) {
		complain("report: %s: cannot be written: %s; choose another folder with --out", a->out,
			strerror(why ? why : errno));
		return EXIT_USAGE;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		complain("report: %s: another report is being made there; wait for it, or choose another folder with --out",
			a->out);
		return EXIT_USAGE;
	}
	return EXIT_HOLDS;
}

static int run(int argc, char **argv)
{
	struct arguments a = {.common = common_defaults(), .size = SIZE_DEFAULT, .out = "onceproof-report", .started = now_s()};
	const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {options, parse, NULL,
		"Runs everything and writes one offline page (index.html), summary.md, results.json, results.sarif and "
		"junit.xml.\v"
		"Exit status: 0 contracts as stated, 1 a contract broken, 2 usage or environment, 3 inconclusive or interrupted.",
		children, NULL, NULL};
	command_parse(&argp, argc, argv, &a);
	if (a.common.shards > 1) {
		complain("report: --shard has no meaning here: shard `onceproof stress`, then `onceproof merge` the results");
		return EXIT_USAGE;
	}
	int status = open_folder(&a);
	if (status)
		return status;
	const char *temporary = getenv("TMPDIR");
	snprintf(a.folder, sizeof a.folder, "%s/onceproof-report-XXXXXX", temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(a.folder)) {
		complain("%s: cannot make a temporary folder: %s (set TMPDIR)", a.folder, strerror(errno));
		return EXIT_USAGE;
	}
	ssize_t length = readlink("/proc/self/exe", a.self, sizeof a.self - 1);
	a.self[length > 0 ? length : 0] = '\0';
	snprintf(a.seed, sizeof a.seed, "%llu", (unsigned long long)a.common.seed);
	child_catch_interrupts();
	run_all(&a);
	rmdir(a.folder);
	say(&a, "writing the page");
	json_t *report = join_parts(&a);
	status = write_report(&a, report);
	json_decref(report);
	for (size_t i = 0; i < a.part_count; i++)
		json_decref(a.parts[i]);
	if (status == EXIT_HOLDS && a.interrupted) {
		complain("report: interrupted: the page has what was measured so far, marked partial");
		return a.status == EXIT_BROKEN ? EXIT_BROKEN : EXIT_INCONCLUSIVE;
	}
	return status ? status : a.status;
}

extern const struct command command_report;
const struct command command_report = {
	"report", "everything, to one offline HTML page with summary.md, results.json, results.sarif and junit.xml", run};
