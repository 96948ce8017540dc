/* SPDX-License-Identifier: MIT */
/* The rows of litmus.def, twice: as C11 code and as data. */
#include "litmus.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "suite.h"

static _Atomic int x, y, z;
static int registers[LITMUS_REGISTERS]; /* each is written by one thread, and read when that has ended */

/* As code. */
#define R(TARGET, LOCATION, ORDER) registers[TARGET] = atomic_load_explicit(&LOCATION, memory_order_##ORDER);
#define W(LOCATION, VALUE, ORDER) atomic_store_explicit(&LOCATION, VALUE, memory_order_##ORDER);
#define F(ORDER) atomic_thread_fence(memory_order_##ORDER);
#define X(TARGET, LOCATION, VALUE, ORDER) registers[TARGET] = atomic_exchange_explicit(&LOCATION, VALUE, memory_order_##ORDER);
#define A(TARGET, LOCATION, VALUE, ORDER) registers[TARGET] = atomic_fetch_add_explicit(&LOCATION, VALUE, memory_order_##ORDER);
#define C(TARGET, LOCATION, EXPECTED, VALUE, ORDER) registers[TARGET] = swap_##ORDER(&LOCATION, EXPECTED, VALUE);
#define SWAP(ORDER)                                                                                                              \
	static int swap_##ORDER(_Atomic int *location, int expected, int value)                                                  \
	{                                                                                                                        \
		atomic_compare_exchange_strong_explicit(location, &expected, value, memory_order_##ORDER, memory_order_relaxed); \
		return expected;                                                                                                 \
	}
SWAP(relaxed)
SWAP(acq_rel)
SWAP(seq_cst)
#define THREAD(ID, BODY)           \
	static void *ID(void *arg) \
	{                          \
		(void)arg;         \
		BODY return NULL;  \
	}
#define LITMUS(ID, NAME, WHY, THREADS, REGISTERS, T0, T1, T2, T3, AFTER, RC11, RC11_OUTCOMES, SC, SC_OUTCOMES) \
	THREAD(ID##_0, T0)                                                                                     \
	THREAD(ID##_1, T1)                                                                                     \
	THREAD(ID##_2, T2)                                                                                     \
	THREAD(ID##_3, T3)                                                                                     \
	static void ID##_after(void)                                                                           \
	{                                                                                                      \
		AFTER                                                                                          \
	}
#include "litmus.def"
#undef LITMUS
#undef R
#undef W
#undef F
#undef X
#undef A
#undef C

/* As data. Consume is taken as acquire. */
enum {
	ORDER_relaxed = ORDER_RELAXED,
	ORDER_consume = ORDER_ACQUIRE,
	ORDER_acquire = ORDER_ACQUIRE,
	ORDER_release = ORDER_RELEASE,
	ORDER_acq_rel = ORDER_ACQ_REL,
	ORDER_seq_cst = ORDER_SEQ_CST
};
enum { LOCATION_x, LOCATION_y, LOCATION_z };
#define R(TARGET, LOCATION, ORDER) {LITMUS_READ, TARGET, LOCATION_##LOCATION, 0, 0, (enum order)ORDER_##ORDER},
#define W(LOCATION, VALUE, ORDER) {LITMUS_WRITE, 0, LOCATION_##LOCATION, VALUE, 0, (enum order)ORDER_##ORDER},
#define F(ORDER) {LITMUS_FENCE, 0, 0, 0, 0, (enum order)ORDER_##ORDER},
#define X(TARGET, LOCATION, VALUE, ORDER) {LITMUS_EXCHANGE, TARGET, LOCATION_##LOCATION, VALUE, 0, (enum order)ORDER_##ORDER},
#define A(TARGET, LOCATION, VALUE, ORDER) {LITMUS_ADD, TARGET, LOCATION_##LOCATION, VALUE, 0, (enum order)ORDER_##ORDER},
#define C(TARGET, LOCATION, EXPECTED, VALUE, ORDER) \
	{LITMUS_SWAP, TARGET, LOCATION_##LOCATION, VALUE, EXPECTED, (enum order)ORDER_##ORDER},
#define LITMUS(ID, NAME, WHY, THREADS, REGISTERS, T0, T1, T2, T3, AFTER, RC11, RC11_OUTCOMES, SC, SC_OUTCOMES) \
	{NAME, WHY, THREADS, REGISTERS, {ID##_0, ID##_1, ID##_2, ID##_3}, ID##_after,                          \
		{{T0{0}}, {T1{0}}, {T2{0}}, {T3{0}}, {AFTER{0}}},                                              \
		{[MODEL_SC] = {SC, SC_OUTCOMES}, [MODEL_RC11] = {RC11, RC11_OUTCOMES}}},

const struct litmus litmus_tests[] = {
#include "litmus.def"
};
const unsigned litmus_test_count = sizeof litmus_tests / sizeof *litmus_tests;

const struct litmus *litmus_find(const char *name)
{
	for (unsigned i = 0; i < litmus_test_count; i++)
		if (!strcmp(litmus_tests[i].name, name))
			return &litmus_tests[i];
	return NULL;
}

/* Interpreted tests: the same operations, as data. */
static _Atomic int *const locations[LITMUS_LOCATIONS] = {&x, &y, &z};
static const memory_order orders[] = {[ORDER_RELAXED] = memory_order_relaxed,
	[ORDER_ACQUIRE] = memory_order_acquire,
	[ORDER_RELEASE] = memory_order_release,
	[ORDER_ACQ_REL] = memory_order_acq_rel,
	[ORDER_SEQ_CST] = memory_order_seq_cst};

static void interpret_one(const struct litmus_operation *o)
{
	_Atomic int *location = locations[o->location];
	memory_order order = orders[o->order];
	int value = (int)o->operand, expected = (int)o->expected;
	switch (o->kind) {
	case LITMUS_READ:
		registers[o->target] = atomic_load_explicit(location, order);
		break;
	case LITMUS_WRITE:
		atomic_store_explicit(location, value, order);
		break;
	case LITMUS_FENCE:
		atomic_thread_fence(order);
		break;
	case LITMUS_EXCHANGE:
		registers[o->target] = atomic_exchange_explicit(location, value, order);
		break;
	case LITMUS_ADD:
		registers[o->target] = atomic_fetch_add_explicit(location, value, order);
		break;
	case LITMUS_SWAP:
		atomic_compare_exchange_strong_explicit(location, &expected, value, order, memory_order_relaxed);
		registers[o->target] = expected;
		break;
	case LITMUS_NONE:
		break;
	}
}

static void *interpret(void *arg)
{
	for (const struct litmus_operation *o = arg; o->kind; o++)
		interpret_one(o);
	return NULL;
}

void litmus_body(void *arg)
{
	const struct litmus *test = arg;
	pthread_t threads[LITMUS_THREADS];
	/* relaxed, here and in `after`: no other thread exists. */
	atomic_store_explicit(&x, 0, memory_order_relaxed);
	atomic_store_explicit(&y, 0, memory_order_relaxed);
	atomic_store_explicit(&z, 0, memory_order_relaxed);
	for (unsigned i = 0; i < LITMUS_REGISTERS; i++)
		registers[i] = 0;
	for (unsigned i = 0; i < test->threads; i++)
		must(!pthread_create(&threads[i], NULL, test->thread[i] ? test->thread[i] : interpret,
			(void *)(uintptr_t)test->operations[i]));
	for (unsigned i = 0; i < test->threads; i++)
		must(!pthread_join(threads[i], NULL));
	if (test->after)
		test->after();
	else
		interpret((void *)(uintptr_t)test->operations[LITMUS_THREADS]);
}

unsigned litmus_outcome(const struct litmus *test)
{
	unsigned outcome = 0;
	for (unsigned i = test->registers; i-- > 0;)
		outcome = outcome * LITMUS_VALUES + (unsigned)registers[i];
	return outcome;
}
