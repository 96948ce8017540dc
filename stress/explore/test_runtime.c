/* SPDX-License-Identifier: MIT */
#include "test_runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sync.h"

/* Mapped: the test's static data is a root of the search for leaks. */
struct here {
	struct runtime runtime;
	unsigned fiber;
	uintptr_t stack[FIBERS_MAX][STACK_WORDS], storage[FIBERS_MAX][STACK_WORDS];
	struct noted noted[NOTED_MAX];
};

static struct here *here;
struct runtime *runtime;
struct noted *noted;
unsigned noted_count, unfinished_writes, uncontrolled;
uint32_t clocks[GRAPH_THREADS_MAX][GRAPH_THREADS_MAX];
jmp_buf *stopped_at;
static struct graph graph;

void new_execution(void)
{
	races_clear();
	heap_clear();
	memset(clocks, 0, sizeof clocks);
	memset(here, 0, sizeof *here);
	noted_count = unfinished_writes = uncontrolled = 0;
	runtime->graph = &graph;
	runtime->running = true;
	runtime->moment.threads = 3;
	for (unsigned t = 0; t < 3; t++)
		runtime->thread[t].exists = true;
	run_thread(0);
}

int runtime_set_up(void **state)
{
	(void)state;
	if (!here) {
		here = mmap(NULL, sizeof *here, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		runtime = &here->runtime;
		noted = here->noted;
	}
	int why = races_start();
	if (!why)
		why = heap_start();
	if (why)
		return why;
	races_forget_promoted();
	new_execution();
	return 0;
}

void run_host(void)
{
	here->fiber = 0;
	runtime->current = 0;
}

void run_thread(unsigned t)
{
	here->fiber = t + 1;
	runtime->current = t;
}

void make_event(unsigned t, unsigned from)
{
	for (unsigned u = 0; u < GRAPH_THREADS_MAX; u++)
		if (clocks[from][u] > clocks[t][u])
			clocks[t][u] = clocks[from][u];
	graph.done[t] = ++clocks[t][t];
}

uintptr_t *stack_of(unsigned n)
{
	return here->stack[n];
}

uintptr_t *storage_of(unsigned n)
{
	return here->storage[n];
}

/* What the real ones do is not looked at here. --------------------------------------------------------------------------------------- */

unsigned fiber_current(void)
{
	return here ? here->fiber : 0;
}

void *fiber_tls(unsigned n, size_t *bytes)
{
	*bytes = sizeof here->storage[n];
	return here->storage[n];
}

void fiber_stack(unsigned n, uintptr_t *low, uintptr_t *high)
{
	*low = (uintptr_t)here->stack[n];
	*high = *low + sizeof here->stack[n];
}

/* The upper half is in use. */
uintptr_t fiber_stack_pointer(unsigned n)
{
	return (uintptr_t)&here->stack[n][STACK_WORDS / 2];
}

const uint32_t *graph_clock(const struct graph *g, unsigned thread)
{
	(void)g;
	return clocks[thread];
}

void runtime_enter(void)
{
}

void sync_forget(void)
{
}

void sync_each_value(void (*see)(void *value, void *arg), void *arg)
{
	see((void *)here->storage[0][0], arg);
}

void runtime_access(const void *address, size_t bytes, bool write, const void *site)
{
	if (!bytes)
		return;
	heap_check((uintptr_t)address, bytes, write, site);
	if (noted_count < NOTED_MAX)
		noted[noted_count++] = (struct noted){(uintptr_t)address, bytes, write};
	unfinished_writes += write;
}

void runtime_wrote(void)
{
	unfinished_writes = 0;
}

struct place runtime_place(const void *site, const char *format, ...)
{
	struct place place = {.thread = runtime->current, .frame_count = 1};
	va_list args;
	place.frame[0] = site;
	va_start(args, format);
	vsnprintf(place.role, sizeof place.role, format, args);
	va_end(args);
	return place;
}

bool runtime_finding(enum finding_kind kind, const struct place *places, unsigned count, const char *format, ...)
{
	struct finding *finding = &runtime->finding[runtime->findings++];
	va_list args;
	*finding = (struct finding){.kind = kind, .place_count = count};
	memcpy(finding->place, places, count * sizeof *places);
	va_start(args, format);
	vsnprintf(finding->message, sizeof finding->message, format, args);
	va_end(args);
	return true;
}

void runtime_stop(enum ending how)
{
	longjmp(*stopped_at, how == ENDING_FINDING ? 1 : 2);
}

void runtime_uncontrolled(const char *name)
{
	(void)name;
	uncontrolled++;
}
