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
#include "run_options.h"
#include "run_text.h"
#include "users.h"

enum { SWEEP_BATCHES = 20, SERIAL_NUMBERS = 9999 };

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
	sigaction(SIGHUP, &action, NULL);
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
	bool begun;      /* a batch has been able to start */
};

static void worsen(struct running *r, int status)
{
	/* A broken contract stays the news; then what could not run; then what was cut short. */
	if (r->status == EXIT_HOLDS || status == EXIT_BROKEN || (status == EXIT_USAGE && r->status == EXIT_INCONCLUSIVE))
		r->status = status;
}

/* The first batch can start: only now is there a run to announce, and an earlier one to replace. */
static void announce(void *arg)
{
	struct running *r = arg;
	if (r->begun)
		return;
	r->begun = true;
	if (r->lock >= 0 && r->run->batch.force)
		batch_clear_directory(r->lock);
	if (!r->out)
		return;
	print_choice(r->out, &r->run->batch);
	fprintf(r->out, ", seed %" PRIu64 "\n", r->run->common.seed);
	if (r->run->sweep)
		print_sweep_head(r->out, r->run->repeat);
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
	if (s->not_started && asked_to_stop())
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
	if (r->out && rates.batches && r->directory)
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
	uint64_t batches = r->run->repeat;
	bool go_on = true;
	/* The first use is what matters here: items cost nothing. */
	b->item_cost_ns = -1;
	for (size_t bytes = BATCH_MODEL_MIN; go_on && bytes <= (size_t)16 << 20; bytes *= 4) {
		struct run_rates rates = {0};
		b->model_bytes = bytes;
		for (uint64_t i = 0; go_on && i < batches && !asked_to_stop(); i++) {
			struct batch_summary summary;
			struct batch_judgement judgement = {0};
			go_on = one_batch(r, &summary, &judgement);
			rates_add(&rates, &summary, &judgement);
		}
		if (r->out && r->begun) {
			print_sweep_row(r->out, bytes, &rates);
			fflush(r->out);
		}
	}
	if (asked_to_stop())
		worsen(r, EXIT_INCONCLUSIVE);
}

static int write_reports(const struct running *r)
{
	const struct common *common = &r->run->common;
	int why = common->json ? report_write(r->report, common->json) : 0;
	int junit = common->junit ? render_junit(r->report, common->junit) : 0;
	return why ? why : junit;
}

static bool names_files(const struct run_options *run)
{
	bool any = false;
	for (int family = 0; family < FAMILY_PIPELINE; family++)
		any |= run->users[family] != NULL;
	return any;
}

/* This process does not load users' code: another one does all that was asked for. */
static int run_elsewhere(struct run_options *run, int argc, char **argv)
{
	static const char *const options[] = {"--initialiser", "--counter", "--progress"};
	static struct users users;
	int status = 0;
	for (int family = 0; family < FAMILY_PIPELINE && !status; family++)
		if (run->users[family])
			status = users_add(&users, options[family], (enum family)family, run->users[family]);
	if (!status)
		status = users_run(&users, argc, argv);
	users_close(&users);
	free(run->fail_lines);
	return status;
}

static int run_main(int argc, char **argv)
{
	struct run_options run = run_defaults();
	struct batch_options *b = &run.batch;
	int misuse = command_parse(&run_argp, argc, argv, &run);
	if (misuse)
		return misuse;
	if (names_files(&run))
		return run_elsewhere(&run, argc, argv);
	run_refuse_impossible(&run);
	if (run.common.sarif) {
		complain("run: --sarif: batches have anomalies, but no findings with places in the source; use --json or "
			 "--junit, or "
			 "`onceproof stress --sarif`");
		return EXIT_USAGE;
	}
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
		if (several && r.lock < 0) {
			json_decref(r.report);
			free(r.directory);
			free(run.fail_lines);
			return EXIT_USAGE;
		}
	}
	b->begun = announce;
	b->begun_arg = &r;
	if (run.sweep && !run.repeat)
		run.repeat = SWEEP_BATCHES;
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
	bool told = r.report && write_reports(&r) != 0;
	if (told)
		worsen(&r, EXIT_USAGE);
	if (r.lock >= 0)
		close(r.lock);
	json_decref(r.report);
	free(r.directory);
	free(run.fail_lines);
	if ((fflush(stdout) != 0 || ferror(stdout)) && !(told && json_only)) {
		complain("standard output: cannot write: %s", strerror(errno));
		worsen(&r, EXIT_USAGE);
	}
	return r.status;
}

const struct command command_run = {"run", "batches through the pipeline, with every shared part chosen by name", run_main};
