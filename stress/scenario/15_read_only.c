/* SPDX-License-Identifier: MIT */
/* After the load, a get writes nothing shared: the object's page is made read-only, and a get that writes to it faults.
 *
 * It sees writes to the object itself. Memory that an implementation keeps elsewhere (a static variable, the heap) is out of its
 * sight.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model.h"

struct read_only {
	struct model_source source;
	struct forced_thread newcomer;
	const struct execution *x;
	bool old_wrote, new_wrote; /* the second one is written by `newcomer`, read once it is done */
	bool odd;                  /* a get gave something else than the load */
};

enum { WROTE_NOTHING, WROTE, NEWCOMER_WROTE, OTHER_INSTANCE };

static const struct outcome_rule outcomes[] = {
	[WROTE_NOTHING] = {"wrote nothing", GRADE_ACCEPTABLE, 0,
		"gets on a read-only object by the thread that loaded and by a new one went through"},
	[WROTE] = {"wrote", GRADE_FORBIDDEN, INITIALISER_READ_ONLY_GET, "a get after the load wrote to the shared object"},
	[NEWCOMER_WROTE] = {"a new thread wrote", GRADE_FORBIDDEN, INITIALISER_READ_ONLY_GET,
		"the first get of a new thread, after the load, wrote to the shared object"},
	[OTHER_INSTANCE] = {"another instance", GRADE_FORBIDDEN, INITIALISER_SAME_INSTANCE,
		"a get after the load gave another instance"},
};

/* The page, for the handler; written while one thread runs. */
static char *page;
static size_t page_bytes;
static _Thread_local sigjmp_buf faulted;

/* A write to the page ends the get; any other fault is a real one, and comes again without a handler. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	char *address = info->si_addr;
	if (address >= page && address < page + page_bytes)
		siglongjmp(faulted, 1);
	signal(number, SIG_DFL);
}

/* Does a get write to its object? One that does is abandoned half-way: nothing of it took place. */
static bool get_writes(const struct execution *x, bool *odd)
{
	struct read_only *local = x->local;
	if (sigsetjmp(faulted, 1) != 0)
		return true;
	struct model_seen seen = model_get(x);
	if (seen.model != &local->source.slot[0] || !seen.whole || seen.error)
		*odd = true;
	return false;
}

static void newcomer_get(void *arg)
{
	struct read_only *local = arg;
	local->new_wrote = get_writes(local->x, &local->odd);
}

/* Both looks, with the page read-only. False: the new thread never came back. */
static bool look(struct read_only *local, const struct execution *x)
{
	struct sigaction catch = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, before;
	sigemptyset(&catch.sa_mask);
	sigaction(SIGSEGV, &catch, &before);
	mprotect(page, page_bytes, PROT_READ);
	local->old_wrote = get_writes(x, &local->odd);
	forced_start(&local->newcomer, newcomer_get, local);
	bool back = forced_settle(&local->newcomer) == FORCED_DONE;
	mprotect(page, page_bytes, PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &before, NULL);
	return back;
}

static unsigned script(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	if (x->subject->instances == INSTANCES_ONE_PER_PROCESS)
		return SCENARIO_SKIPPED; /* its state is not in the object */
	struct read_only *local = x->local;
	size_t unit = (size_t)sysconf(_SC_PAGESIZE);
	page_bytes = (subject->bytes + unit - 1) / unit * unit;
	page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return SCENARIO_SKIPPED;
	struct execution alone = *x;
	alone.object = page;
	local->x = &alone;
	model_source_open(&local->source);
	if (subject->open(alone.object, &local->source.loader) != 0 || !model_get(&alone).model)
		return SCENARIO_SKIPPED;
	if (!look(local, &alone))
		return SCENARIO_SKIPPED;
	subject->close(alone.object);
	munmap(page, page_bytes);
	if (local->old_wrote)
		return WROTE;
	if (local->new_wrote)
		return NEWCOMER_WROTE;
	return local->odd ? OTHER_INSTANCE : WROTE_NOTHING;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_INITIALISER,
		.name = "read_only",
		.shows = "after the load, the thread that loaded and a new one get from an object on a read-only page",
		.checks = INITIALISER_READ_ONLY_GET,
		.local_bytes = sizeof(struct read_only),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = script,
	},
};

SCENARIO_GROUP(read_only, scenarios);
