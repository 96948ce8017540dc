/* SPDX-License-Identifier: MIT */
/* The main of an explored program: runs the program's own main again and again in one process, and prints one JSON object on stdout
 * (explore/answer.c has its shape; with `output`, what the program printed). Linked with the program by program_build.c.
 * Exit status: 0 done, 2 misuse, 3 the program ended it.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "explore/amend.h"
#include "explore/crash.h"
#include "explore/explore.h"
#include "explore/files.h"
#include "explore/isolate.h"
#include "explore/orders.h"
#include "explore/process.h"
#include "explore/snapshot.h"

enum {
	WORDS_MAX = 16,
	INPUT_MAX = 64 << 20,
	FILE_MAX = 64 << 20,
	STATUSES_MAX = EXPLORE_OUTCOMES_MAX,
	TOLD_OUTPUT_MAX = 64 * 1024
};

static const uint64_t memory_limit_bytes = (uint64_t)2 << 30;

/* Written for each program by program_build.c. */
extern const struct snapshot_range explored_ranges[], explored_code;
extern const struct process_table explored_begins[], explored_ends[];
extern const char explored_notes[];
extern int explored_main(int argc, char **argv, char **environment);

struct arguments {
	const char *replay, *input;
	struct explore_options explore;
	const char *words[WORDS_MAX + 1];
	unsigned word_count;
	bool progress, orders, same_input;
	bool failing_status; /* an exit status that is not 0 is a finding */
	char **own;          /* of the program: argv[1], … */
	unsigned own_count;
};

static const struct argp_option options[] = {
	{"model", 'm', "sc|rc11", 0, "memory model (default rc11)", 0},
	{"strategy", 'S', "NAME", 0, "auto, or a search's name", 0},
	{"executions", 'n', "N", 0, "budget (default 20000)", 0},
	{"seed", 's', "N", 0, "seed of everything (default 1)", 0},
	{"time-limit", 't', "SECONDS", 0, "stop after this time", 0},
	{"shard", 'I', "I/N", 0, "explore this part only", 0},
	{"jobs", 'j', "N", 0, "processes at once; the results are the same (default 1)", 0},
	{"option", 'o', "KEY=VALUE", 0, "option of the search", 0},
	{"steps", 'T', "N", 0, "the budget is smaller where that many steps in all make fewer executions", 0},
	{"soon", 'N', NULL, 0, "auto: only so much more after a finding that others which come as easily are found, too", 0},
	{"no-leaks", 'L', NULL, 0, "memory that nothing points to in the end is no finding", 0},
	{"failing-status", 'F', NULL, 0, "an exit status that is not 0 is a forbidden outcome", 0},
	{"journal", 'J', "FD", 0, "a socket for what was done (explore/journal.h)", 0},
	{"journal-every", 'E', "SECONDS", 0, "how often something is told there", 0},
	{"first", 'f', NULL, 0, "stop at the first finding", 0},
	{"progress", 'p', NULL, 0, "lines of progress on stderr", 0},
	{"orders", 'O', NULL, 0, "tell which orders the program names, as `orders` of the answer", 0},
	{"weaken", 'W', "SITE=ORDER[,FAILED]", 0, "an atomic operation behaves as if it named this order", 0},
	{"atomic", 'A', "SITE=ORDER[,SITE]", 0, "a plain access behaves as an atomic one (see explore/amend.h)", 0},
	{"lock", 'G', "LOCK=FROM-TO[,FROM-TO...]", 0, "code is under a lock (likewise)", 0},
	{"replay", 'r', "FILE", 0, "repeat the schedule of a witness", 0},
	{"input", 'i', "FILE", 0, "the program's standard input (default: empty; -: this one's own)", 0},
	{"isolate", 'P', "WHY", OPTION_ARG_OPTIONAL, "each execution in a process of its own; the first option, if at all", 0},
	{"same-input", 'Q', NULL, 0, "the standard input is the program's already", 0},
	{0},
};

static bool parse_shard(const char *text, struct explore_options *o)
{
	char rest;
	return sscanf(text, "%u/%u%c", &o->shard, &o->shards, &rest) == 2 && o->shard >= 1 && o->shard <= o->shards;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	char *end = NULL;
	switch (key) {
	case 'm':
		if (strcmp(arg, "sc") != 0 && strcmp(arg, "rc11") != 0)
			argp_error(state, "the model is sc or rc11, not '%s'", arg);
		a->explore.model = strcmp(arg, "sc") == 0 ? MODEL_SC : MODEL_RC11;
		break;
	case 'S':
		a->explore.strategy = arg;
		break;
	case 'n':
		a->explore.executions = strtoull(arg, &end, 10);
		break;
	case 's':
		a->explore.seed = strtoull(arg, &end, 10);
		break;
	case 't':
		a->explore.time_limit_s = strtod(arg, &end);
		break;
	case 'I':
		if (!parse_shard(arg, &a->explore))
			argp_error(state, "a shard is I/N with 1 <= I <= N, not '%s'", arg);
		break;
	case 'j':
		a->explore.jobs = (unsigned)strtoul(arg, &end, 10);
		break;
	case 'o':
		if (a->word_count == WORDS_MAX)
			argp_error(state, "too many options of the search");
		a->words[a->word_count++] = arg;
		break;
	case 'T':
		a->explore.steps_in_all = strtoull(arg, &end, 10);
		break;
	case 'N':
		a->explore.soon = true;
		break;
	case 'L':
		a->explore.no_leaks = true;
		break;
	case 'F':
		a->failing_status = true;
		break;
	case 'J':
		a->explore.journal_fd = (int)strtol(arg, &end, 10);
		break;
	case 'E':
		a->explore.journal_every_s = strtod(arg, &end);
		break;
	case 'f':
		a->explore.first_only = true;
		break;
	case 'p':
		a->progress = true;
		break;
	case 'O':
		if (orders_watch() != 0)
			argp_error(state, "no memory for the orders");
		a->orders = true;
		break;
	case 'W':
		if (orders_weaken_text(arg) != 0)
			argp_error(state, "'%s' is not SITE=ORDER", arg);
		break;
	case 'A':
		if (amend_atomic_text(arg) != 0)
			argp_error(state, "'%s' is not SITE=ORDER[,SITE]", arg);
		break;
	case 'G':
		if (amend_lock_text(arg) != 0)
			argp_error(state, "'%s' is not LOCK=FROM-TO", arg);
		break;
	case 'r':
		a->replay = arg;
		break;
	case 'i':
		a->input = arg;
		break;
	case 'P':
		/* Memory may have been mapped by the options before: see main. */
		if (!isolate_on())
			argp_error(state, "--isolate is the first option");
		break;
	case 'Q':
		a->same_input = true;
		break;
	case ARGP_KEY_ARGS:
		a->own = state->argv + state->next;
		a->own_count = (unsigned)(state->argc - state->next);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (end && (end == arg || *end))
		argp_error(state, "'%s' is not a number", arg);
	return 0;
}

/* The program -------------------------------------------------------------------------------------------------------------------------- */

/* What is kept of it over executions. */
struct stage {
	char **argv; /* fresh for each execution: a program may change them */
	unsigned argc;
	char *words;          /* the texts behind argv, and … */
	const char *pristine; /* … as they were given */
	size_t word_bytes;
	/* Exit statuses seen, in the order in which they came; the last place stands for all further ones. A scenario file names its
	 * outcomes: those count apart. */
	struct {
		int status;
		char name[sizeof process->outcome];
	} ends[STATUSES_MAX];
	unsigned end_count;
	bool named;
	char label[32];
	bool failing_status; /* one that is not 0 is forbidden */
	char *output;        /* of the first execution with a finding */
	size_t output_bytes;
	bool has_output;
};

static bool stage_open(struct stage *stage, const struct arguments *a)
{
	static const char name[] = "program";
	stage->argc = a->own_count + 1;
	stage->word_bytes = sizeof name;
	for (unsigned i = 0; i < a->own_count; i++)
		stage->word_bytes += strlen(a->own[i]) + 1;
	char *pristine = malloc(stage->word_bytes);
	stage->words = malloc(stage->word_bytes);
	stage->argv = calloc(stage->argc + 1, sizeof *stage->argv);
	stage->output = malloc(PROCESS_OUTPUT_MAX);
	if (!pristine || !stage->words || !stage->argv || !stage->output)
		return false;
	char *at = stpcpy(pristine, name) + 1;
	for (unsigned i = 0; i < a->own_count; i++)
		at = stpcpy(at, a->own[i]) + 1;
	stage->pristine = pristine;
	return true;
}

static void keep_output(struct stage *stage)
{
	stage->output_bytes = process->output_bytes < PROCESS_OUTPUT_MAX ? process->output_bytes : PROCESS_OUTPUT_MAX;
	memcpy(stage->output, process->output, stage->output_bytes);
}

static void reset(void *arg)
{
	struct stage *stage = arg;
	/* What is there is still the former execution's. */
	if (!stage->has_output && runtime->findings && process->begun) {
		keep_output(stage);
		stage->has_output = true;
	}
	process_reset();
	memcpy(stage->words, stage->pristine, stage->word_bytes);
	char *at = stage->words;
	for (unsigned i = 0; i < stage->argc; i++, at += strlen(at) + 1)
		stage->argv[i] = at;
	stage->argv[stage->argc] = NULL;
}

static void body(void *arg)
{
	const struct stage *stage = arg;
	/* One execution that does not come back is enough. */
	if (*process->stopped)
		runtime_stop(ENDING_CUT);
	process_main(explored_main, (int)stage->argc, stage->argv, environ);
}

/* Programs tell of themselves by their exit status: it is counted, and no finding unless that was asked for. */
static unsigned outcome(void *arg)
{
	struct stage *stage = arg;
	int status = process->status < 0 ? 0 : process->status;
	unsigned i = 0;
	while (i < stage->end_count && (stage->ends[i].status != status || strcmp(stage->ends[i].name, process->outcome) != 0))
		i++;
	if (i == stage->end_count && i < STATUSES_MAX) {
		stage->ends[i].status = status;
		snprintf(stage->ends[i].name, sizeof stage->ends[i].name, "%s", process->outcome);
		stage->named |= *process->outcome != '\0';
		stage->end_count++;
	}
	return i < STATUSES_MAX ? i : STATUSES_MAX - 1;
}

static bool forbidden(void *arg, unsigned index)
{
	const struct stage *stage = arg;
	return stage->failing_status && index < stage->end_count && stage->ends[index].status != 0;
}

static const char *label(void *arg, unsigned index)
{
	struct stage *stage = arg;
	if (index < stage->end_count && *stage->ends[index].name)
		return stage->ends[index].name;
	snprintf(stage->label, sizeof stage->label, "exit status %d", index < stage->end_count ? stage->ends[index].status : -1);
	return stage->label;
}

/* What is told in the end of what was first or ever. An execution with open files is like no other: they are the system's. */
static uint64_t lasting(void *arg)
{
	const struct stage *stage = arg;
	uint64_t files = process->files_opened ? process->begun : 0;
	return files << 8 | stage->end_count << 2 | (uint64_t)process->input_ever << 1 | (uint64_t)(process->stop != 0);
}

/* The place in the standard input is its own from now on. */
static int forked(void *arg)
{
	(void)arg;
	snapshot_forked();
	crash_guard_child();
	int input = open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC);
	if (input < 0 || dup2(input, STDIN_FILENO) < 0)
		return errno;
	close(input);
	return 0;
}

/* Surroundings ------------------------------------------------------------------------------------------------------------------------- */

static FILE *said; /* the real stderr */

_Noreturn static void fail(const char *what, const char *why)
{
	fprintf(said, "onceproof-explore: %s: %s\n", what, why);
	fflush(said);
	_exit(2);
}

/* The standard input is a file in memory, so that it can be read again. PATH "-": what it is now. */
static void set_input(const char *path)
{
	bool own = path && strcmp(path, "-") == 0;
	int to = memfd_create("input", MFD_CLOEXEC);
	int from = own ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char chunk[65536];
	size_t total = 0;
	if (path && from < 0)
		fail(path, strerror(errno));
	for (ssize_t got; from >= 0 && (got = read(from, chunk, sizeof chunk)) != 0;) {
		if (got < 0)
			fail(path, strerror(errno));
		total += (size_t)got;
		if (total > INPUT_MAX)
			fail(path, "is longer than 64 MiB");
		if (write(to, chunk, (size_t)got) != got)
			fail(path, strerror(errno));
	}
	if (from >= 0)
		close(from);
	lseek(to, 0, SEEK_SET);
	if (to < 0 || dup2(to, STDIN_FILENO) < 0)
		fail("the standard input", strerror(errno));
	close(to);
}

static void set_environment(void)
{
	static char *fixed[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"HOME=/", (char *)"LANG=C",
		(char *)"LC_ALL=C", (char *)"TZ=UTC0", NULL};
	clearenv();
	for (char **setting = fixed; *setting; setting++)
		putenv(*setting);
	process->environment = fixed;
}

/* Descriptors 1 and 2 go nowhere: what the program prints is kept by output.c. */
static void close_output(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0)
		fail("/dev/null", strerror(errno));
	process->first_file = nowhere;
	close(nowhere);
}

/* Between two executions the exploration ends, and what was seen is told. May run on any thread: it touches nothing else. */
static void on_interrupt(int number)
{
	(void)number;
	process->stop = 1;
}

static void limit(void)
{
	struct sigaction interrupt = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | SA_ONSTACK};
	sigaction(SIGINT, &interrupt, NULL);
	struct rlimit file = {FILE_MAX, FILE_MAX}, none = {0, 0};
	setrlimit(RLIMIT_FSIZE, &file);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

void explored_exit(int status);

/* The C library ends the process from within one of its functions (argp_parse, a failed getopt …). A child can end as if the program had
 * called exit itself: what the library has half done is gone with it. */
static void ended_inside(int status, void *arg)
{
	(void)arg;
	if (runtime_on() && isolate_is_child())
		explored_exit(status);
	if (runtime_on()) {
		fprintf(said,
			"onceproof-explore: the program ended inside of a library function that the explorer does not control\n");
		fflush(said);
		_exit(3);
	}
}

static void show_progress(void *arg, uint64_t executions, uint64_t distinct, double estimate)
{
	(void)arg;
	fprintf(said, "progress %llu %llu %.0f\n", (unsigned long long)executions, (unsigned long long)distinct, estimate);
	fflush(said);
}

/* The answer --------------------------------------------------------------------------------------------------------------------------- */

static void add_doubt(json_t *answer, const char *text)
{
	const char *before = json_string_value(json_object_get(answer, "caveat"));
	json_object_set_new(answer, "caveat", json_sprintf("%s%s%s", before ? before : "", before && *before ? "; " : "", text));
}

static void add_doubts(json_t *answer, const struct arguments *a)
{
	for (const char *note = explored_notes; *note; note += strlen(note) + 1) {
		char text[512];
		snprintf(text, sizeof text, "outside of its control: %s", note);
		add_doubt(answer, text);
	}
	if (process->stop) {
		json_object_set_new(answer, "out_of_time", json_false());
		json_object_set_new(answer, "exhausted", json_false());
		add_doubt(answer, *process->stopped ? process->stopped : "interrupted");
	}
	if (process->input_ever && !a->input)
		add_doubt(answer, "it reads its standard input, which is empty here (--input names a file)");
}

/* Text for JSON: what is not ASCII is shown as '?'. */
static json_t *output_text(const struct stage *stage)
{
	size_t bytes = stage->output_bytes < TOLD_OUTPUT_MAX ? stage->output_bytes : TOLD_OUTPUT_MAX;
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)stage->output[i];
		if ((c < ' ' && c != '\n' && c != '\t') || c > '~')
			stage->output[i] = '?';
	}
	return json_stringn(stage->output, bytes);
}

_Noreturn static void finish(json_t *answer, struct stage *stage, const struct arguments *a, FILE *to)
{
	if (!stage->has_output)
		keep_output(stage);
	json_t *statuses = json_array(), *labels = json_array();
	for (unsigned i = 0; i < stage->end_count; i++) {
		json_array_append_new(statuses, json_integer(stage->ends[i].status));
		json_array_append_new(labels, json_string(label(stage, i)));
	}
	if (answer) {
		add_doubts(answer, a);
		json_object_set_new(answer, "statuses", statuses);
		if (stage->named)
			json_object_set(answer, "labels", labels);
		json_object_set_new(answer, "output", output_text(stage));
		if (isolate_on())
			json_object_set_new(answer, "isolated", json_string(isolate_why()));
		json_object_set_new(answer, "unseen_pages", json_integer(snapshot_unseen_pages()));
		if (a->orders)
			json_object_set_new(answer, "orders", orders_answer());
	}
	if (!answer || json_dumpf(answer, to, JSON_COMPACT) != 0 || putc('\n', to) == EOF || fflush(to) != 0)
		fail("the result cannot be written", strerror(errno));
	files_end();
	/* Parked threads lend their storage until the end, and the program's destructors have run: nothing of that again. */
	_exit(0);
}

static int start(const struct arguments *a)
{
	unsigned ranges = 0;
	while (explored_ranges[ranges].from != UINTPTR_MAX)
		ranges++;
	const struct runtime_options first = {.model = a->explore.model, .steps_max = 10000};
	int why = crash_start();
	if (!why)
		why = runtime_start(&first);
	if (!why)
		why = crash_guard(explored_code.from, explored_code.to, memory_limit_bytes);
	/* What a child changes needs no putting back. */
	if (!why && isolate_on())
		return files_start();
	if (!why)
		why = snapshot_start(explored_ranges, ranges);
	if (!why)
		snapshot_compare();
	return why;
}

int main(int argc, char **argv)
{
	struct arguments a = {.explore = {.model = MODEL_RC11,
				      .strategy = "auto",
				      .seed = 1,
				      .executions = 20000,
				      .shard = 1,
				      .shards = 1,
				      .minimise = true}};
	const struct argp argp = {options, parse, "[ARGUMENT OF THE PROGRAM...]", "Explores one program.", NULL, NULL, NULL};
	argp_err_exit_status = 2;
	/* Before anything is mapped. */
	if (argc > 1 && strncmp(argv[1], "--isolate", 9) == 0 && isolate_start(argv[1] + 9 + (argv[1][9] == '=')) != 0)
		return 2;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
	a.explore.search_options = a.words;
	a.explore.progress = a.progress ? show_progress : NULL;
	said = fdopen(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), "w");
	FILE *to = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w");
	if (!said || !to || process_start() != 0)
		return 2;
	isolate_prepare(argv, fileno(to), fileno(said));
	struct stage stage = {.failing_status = a.failing_status};
	struct schedule schedule = {0};
	char text[256];
	if (!stage_open(&stage, &a))
		fail("cannot start", strerror(ENOMEM));
	/* The witness may be a file in the current folder, or a descriptor: read before anything is closed. */
	if (a.replay && explore_read_witness(a.replay, &schedule, text, sizeof text) != 0)
		fail(a.replay, text);
	if (a.same_input)
		lseek(STDIN_FILENO, 0, SEEK_SET);
	else
		set_input(a.input);
	set_environment();
	close_output();
	limit();
	on_exit(ended_inside, NULL);
	process->begins = explored_begins;
	process->ends = explored_ends;
	a.explore.stop = &process->stop;
	/* Processes of one search would share the memory that is for its own children. */
	if (isolate_on())
		a.explore.jobs = 1;
	int why = start(&a);
	if (why)
		fail("cannot start", strerror(why));
	struct explore_program program = {.reset = reset,
		.body = body,
		.outcome = outcome,
		.forbidden = forbidden,
		.label = label,
		.outcome_count = STATUSES_MAX,
		.arg = &stage,
		.lasting = lasting,
		.forked = forked};
	if (a.replay) {
		uint32_t diverged;
		enum ending how = explore_replay(&program, &a.explore, &schedule, &diverged);
		finish(explore_replay_answer(&program, &a.explore, how, diverged), &stage, &a, to);
	}
	struct explore_result result;
	why = explore(&program, &a.explore, &result);
	if (why)
		fail("cannot explore", strerror(why));
	finish(explore_answer(&program, &a.explore, &result), &stage, &a, to);
}
