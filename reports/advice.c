/* SPDX-License-Identifier: MIT */
#include "advice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

const struct advice advices[] = {
	{"data-race", "DataRace", "Data race",
		"Two threads access the same memory at the same time, at least one of them writes, and nothing orders the two: "
		"what is read is undefined, and the compiler and the processor may move or merge the accesses.",
		"Take the same lock around both accesses, or make the object atomic. Where one access publishes data for the "
		"other, store with memory_order_release and load with memory_order_acquire.",
		"pthread_mutex_lock(&lock);      // the same lock wherever `count` is used\n"
		"count++;\n"
		"pthread_mutex_unlock(&lock);\n"
		"\n"
		"atomic_fetch_add(&count, 1);    // or: one atomic step, with `atomic_int count`\n",
		"error", "362"},
	{"forbidden-outcome", "ForbiddenOutcome", "Forbidden outcome",
		"The threads ended with a result that the program rules out: between two steps that belong together, another "
		"thread came in between, or an order that was taken for granted is not guaranteed.",
		"Make the steps that belong together one: hold a lock from the first to the last of them, or use one "
		"read-modify-write operation (atomic_fetch_add, atomic_compare_exchange) instead of a load and a store.",
		"int seen = atomic_load(&n);       // another thread can come in between\n"
		"atomic_store(&n, seen + 1);\n"
		"\n"
		"atomic_fetch_add(&n, 1);          // one step\n",
		"error", "362"},
	{"assertion", "FailedAssertion", "Failed assertion",
		"Under this interleaving an assertion of the program fails: what it takes for granted does not hold in every "
		"order of the threads' steps.",
		"Look at the last steps before the failure: the value was changed, or was not yet visible, between the check or "
		"the write that should guarantee it and the assertion. Put both under one lock, or order them with "
		"release and acquire.",
		"atomic_store_explicit(&ready, 1, memory_order_release);      // after the data\n"
		"if (atomic_load_explicit(&ready, memory_order_acquire))      // before reading it\n"
		"\tassert(data == 42);\n",
		"error", "617"},
	{"deadlock", "WaitingInACircle", "Deadlock",
		"Threads wait for one another in a circle, or for something that nobody will do any more: none of them ever goes "
		"on.",
		"Where threads wait for each other's locks: take the locks in the same order in every thread, and release every "
		"lock on every way "
		"out. Where they wait for a condition: change it under the lock, signal after each change, and broadcast where "
		"several threads "
		"wait for different things. Do not wait (join, wait on a condition, call back) while holding a lock that the "
		"other one needs.",
		"pthread_mutex_lock(&a);           // everywhere first a, then b\n"
		"pthread_mutex_lock(&b);\n",
		"error", "833"},
	{"livelock", "EndlessLoopOfThreads", "Livelock",
		"Threads keep running but repeat the same steps for ever: each waits in a loop for a change that no other thread "
		"will make.",
		"Make sure that what the loop waits for is stored by some thread in every case, and that two threads which give "
		"way "
		"to each other do not do so for ever: let one of them win (a lock, a ticket, an order).",
		"while (!atomic_load(&done))       // every way out of the other thread must set `done`\n"
		"\tsched_yield();\n",
		"error", "835"},
	{"lost-wakeup", "LostWakeup", "Lost wake-up",
		"A thread waits for a signal that was sent before it waited, so nobody wakes it: a condition variable does not "
		"remember signals.",
		"Change and check the condition under the same mutex, signal after the change, and wait in a loop that checks "
		"the "
		"condition first.",
		"pthread_mutex_lock(&lock);\n"
		"while (!ready)                    // checked under the lock that guards it\n"
		"\tpthread_cond_wait(&cond, &lock);\n"
		"pthread_mutex_unlock(&lock);\n",
		"error", "833"},
	{"use-after-free", "UseAfterFree", "Use after free",
		"A thread uses memory that another one has already released: the memory may belong to somebody else by then.",
		"Release memory only when no thread can reach it any more: join the users first, count references, or hand over "
		"ownership under a lock. Take what was removed out of the shared structure before it is freed.",
		"pthread_join(worker, NULL);       // first the last user\n"
		"free(shared);\n",
		"error", "416"},
	{"double-free", "DoubleFree", "Double free",
		"The same memory is released twice, by two threads or on two ways through the program: the allocator's own data "
		"is "
		"broken from then on.",
		"Let exactly one thread release it: take the pointer and set it to NULL in one step (atomic_exchange, or under a "
		"lock), and release what was taken.",
		"free(atomic_exchange(&shared, NULL));\n", "error", "415"},
	{"leak", "LeakedMemoryOrThread", "Leak",
		"Memory that nobody can reach any more, or a thread that nobody joined, is never released.",
		"Release it on every way out. Where two threads can both make the object and only one is kept, the other "
		"has to be released by the thread that lost.",
		"if (!atomic_compare_exchange_strong(&instance, &expected, mine))\n"
		"\tfree(mine);               // another thread's was first\n",
		"error", "401"},
	{"misuse", "MisusedInterface", "Misuse of an interface",
		"A function of the thread library is called in a way that its specification leaves undefined: for example "
		"unlocking a mutex that another thread holds, destroying one in use, or waiting without the mutex.",
		"Call it as its manual page says: the thread that locks unlocks, objects are initialised once before "
		"and destroyed once after all use, and every thread is joined or detached once.",
		"pthread_join(worker, NULL);       // nobody uses it any more\n"
		"pthread_mutex_destroy(&lock);\n",
		"error", "667"},
	{"crash", "CrashUnderInterleaving", "Crash", "The program ends by a signal or by abort() under this interleaving.",
		"Look at the value that the failing line uses, and at the step that made it so: a pointer was read before it was "
		"set, or after it was taken back. Guard both with one lock, or publish the pointer with release and read it with "
		"acquire.",
		"struct object *o = atomic_load_explicit(&shared, memory_order_acquire);\n"
		"if (o)\n"
		"\tuse(o);\n",
		"error", "362"},
	{"nondeterminism", "NondeterministicProgram", "Nondeterminism",
		"The program takes another way although every thread did the same steps in the same order: something outside of "
		"the threads decides (time, addresses, random numbers, uninitialised memory), so a search proves nothing.",
		"Take out what differs from run to run, or make it an input: seed random numbers, initialise memory, do not "
		"order by address, do not branch on the clock.",
		"srand(1);                         // not srand(time(NULL))\n", "warning", "758"},
};
const size_t advice_count = sizeof advices / sizeof *advices;

/* A report of a newer version may have kinds that this one does not know. */
static const struct advice unknown = {"finding", "OtherFinding", "Finding",
	"The engines found a fault that this version of onceproof has no words for.",
	"Look at the places and at the interleaving; a newer onceproof may say more.", "", "error", ""};

size_t advice_index(const char *kind)
{
	for (size_t i = 0; i < advice_count; i++)
		if (strcmp(advices[i].kind, kind) == 0)
			return i;
	return advice_count;
}

const struct advice *advice_for(const char *kind)
{
	size_t at = advice_index(kind);
	return at < advice_count ? &advices[at] : &unknown;
}

/* "line 13 release and line 30 acquire: proved, 212 executions" */
static void write_fix(FILE *out, const json_t *fix)
{
	double executions = node_number(fix, "executions", 0);
	fprintf(out, "%s: %s", node_string(fix, "change"), node_string(fix, "verdict"));
	if (executions > 0)
		fprintf(out, ", %.0f execution%s", executions, executions == 1 ? "" : "s");
}

char *advice_fix_words(const json_t *fix)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		node_must(NULL);
	write_fix(out, fix);
	if (fclose(out) != 0)
		node_must(NULL);
	return text;
}

char *advice_words(const json_t *finding)
{
	char *text = NULL;
	size_t bytes, i;
	const json_t *fix;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		node_must(NULL);
	json_array_foreach(node_get(finding, "fixes"), i, fix) {
		fputs(i ? "; or " : "Verified: ", out);
		write_fix(out, fix);
	}
	fputs(i ? "." : advice_for(node_string(finding, "kind"))->change, out);
	if (fclose(out) != 0)
		node_must(NULL);
	return text;
}
