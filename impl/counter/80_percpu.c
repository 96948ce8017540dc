/* SPDX-License-Identifier: MIT */
/* counter/80_percpu: a line for each CPU, and an increment that the kernel restarts when it was interrupted.
 *
 * Lesson    lines per thread grow with the threads; lines per CPU do not. On one CPU only preemption or a move to another CPU
 *           can come between "which CPU is this?" and "add one there". A restartable sequence (rseq; Desnoyers, Linux 4.18)
 *           asks the kernel to say so: it then jumps back to the start.
 * Compare   75_sharded_store.c
 * Protocol  a slot is written only by the thread that runs on its CPU, inside the sequence, whose last instruction does the
 *           add. value() reads every slot.
 * Promise   as 70: loses nothing, never runs backwards (each slot only grows), exact at rest; not linearizable (store buffer).
 *           x86-64 with glibc's rseq registration; elsewhere open says ENOSYS. Race detectors cannot see into the assembly.
 * Cost      increment: a handful of plain instructions. value: one line per CPU. Memory: a line per CPU, however many threads.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "counter.h"

#if defined(__x86_64__) && defined(__linux__) && __has_include(<sys/rseq.h>)
#include <stddef.h>
#include <sys/rseq.h>
#define PERCPU_RSEQ 1
#else
#define PERCPU_RSEQ 0
#endif

enum { CACHE_LINE_SHIFT = 6, CACHE_LINE_BYTES = 1 << CACHE_LINE_SHIFT };

struct slot {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t count; /* written by whoever runs on this CPU, read by counter_value() */
};

struct counter {
	struct slot *slots;         /* owned; one for each CPU that the machine is configured for */
	uint64_t cpus;              /* how many; constant */
	_Atomic uint64_t elsewhere; /* increments of threads that have no slot: no rseq registration, or a CPU beyond `cpus` */
};

struct counter_seat {
	char unused;
};

#if PERCPU_RSEQ
/* How many CPUs the machine is configured for. Asked once: the C library reads files to answer. */
static long configured_cpus(void)
{
	static _Atomic long known;
	/* relaxed, both: whoever asks gets the same answer. */
	long cpus = atomic_load_explicit(&known, memory_order_relaxed);
	if (cpus == 0) {
		cpus = sysconf(_SC_NPROCESSORS_CONF);
		atomic_store_explicit(&known, cpus, memory_order_relaxed);
	}
	return cpus;
}
#endif

static int counter_open(struct counter *c)
{
#if PERCPU_RSEQ
	if (__rseq_size == 0)
		return ENOSYS;
	long cpus = configured_cpus();
	if (cpus < 1)
		return ENOSYS;
	c->cpus = (uint64_t)cpus;
	c->slots = aligned_alloc(_Alignof(struct slot), sizeof *c->slots * c->cpus);
	if (!c->slots)
		return ENOMEM;
	for (uint64_t i = 0; i < c->cpus; i++)
		atomic_init(&c->slots[i].count, 0);
	atomic_init(&c->elsewhere, 0);
	return 0;
#else
	(void)c;
	return ENOSYS;
#endif
}

static void counter_close(struct counter *c)
{
	free(c->slots);
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
#if PERCPU_RSEQ
	/* The descriptor (struct rseq_cs, in a section of its own) names the sequence and where to go when it was interrupted. The kernel
	 * goes there only if the signature that glibc registered stands before the target. Everything between "begin" and "end" may run
	 * any number of times; the addition is the last instruction, so it happens once or not at all. The CPU number is compared
	 * unsigned: the negative values of an unregistered thread lie beyond `cpus` too. "%=" makes the labels of each copy unique.
	 * C++ has copies of a function, of which linkers drop all but one: there the flags must be "aw?" and "ax?" (tally.h says why). */
	__asm__ volatile(
		".pushsection __rseq_cs, \"aw\"\n\t"
		".balign 32\n"
		".Lrseq_descriptor%=:\n\t"
		".long 0, 0\n\t" /* version, flags */
		".quad .Lrseq_begin%=, .Lrseq_end%= - .Lrseq_begin%=, .Lrseq_abort%=\n\t"
		".popsection\n\t"
		".pushsection __rseq_cold, \"ax\"\n\t"
		".byte 0x0f, 0xb9, 0x3d\n\t" /* makes the signature part of an undefined instruction; nobody gets here */
		".long %c[signature]\n"
		".Lrseq_abort%=:\n\t"
		"jmp .Lrseq_restart%=\n"
		".Lrseq_elsewhere%=:\n\t"
		"lock addq $1, %[elsewhere]\n\t"
		"jmp .Lrseq_end%=\n\t"
		".popsection\n"
		".Lrseq_restart%=:\n\t"
		"leaq .Lrseq_descriptor%=(%%rip), %%rax\n\t"
		"movq %%rax, %%fs:%c[cs](%[rseq])\n"
		".Lrseq_begin%=:\n\t"
		"movl %%fs:%c[cpu](%[rseq]), %%eax\n\t"
		"cmpq %[cpus], %%rax\n\t"
		"jae .Lrseq_elsewhere%=\n\t"
		"shlq %[line_shift], %%rax\n\t"
		"addq $1, (%[slots], %%rax)\n"
		".Lrseq_end%=:"
		: [elsewhere] "+m"(c->elsewhere)
		: [rseq] "r"(__rseq_offset), [cs] "i"(offsetof(struct rseq, rseq_cs)), [cpu] "i"(offsetof(struct rseq, cpu_id)),
		[cpus] "r"(c->cpus), [slots] "r"(c->slots), [line_shift] "i"(CACHE_LINE_SHIFT), [signature] "i"(RSEQ_SIG)
		: "rax", "cc", "memory");
#else
	/* relaxed: the count guards no other memory. */
	atomic_fetch_add_explicit(&c->elsewhere, 1, memory_order_relaxed);
#endif
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	/* relaxed: as the slots below. */
	uint64_t sum = atomic_load_explicit(&c->elsewhere, memory_order_relaxed);
	for (uint64_t i = 0; i < c->cpus; i++)
		/* relaxed: each slot only grows, and coherence keeps this thread's reads of it in order; so the sum never
		 * runs backwards. */
		sum += atomic_load_explicit(&c->slots[i].count, memory_order_relaxed);
	return sum;
}

#include "counter_export.h"
COUNTER_EXPORT(percpu, .about.lesson = "a line for each CPU, and an increment that the kernel restarts when it was interrupted",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_LINEARIZABLE_VALUE, .about.features = FEATURE_ATOMIC | FEATURE_INLINE_ASM);
