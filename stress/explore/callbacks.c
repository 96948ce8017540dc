/* SPDX-License-Identifier: MIT */
/* The functions that -fsanitize=thread makes a program call (interface: LLVM's tsan_interface.h; gcc's and clang's differences are in
 * the notes at each). Called at every access, so the common way through is short.
 *
 * Reads and atomics enter through a few instructions that keep the caller's registers (runtime->registers), for spin.c.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "amend.h"
#include "orders.h"
#include "runtime_private.h"
#include "snapshot.h"

enum { ENDLESS_TURNS = 1000000, ENDLESS_ROUNDS = 20 };

#define CALLBACK __attribute__((visibility("default"), used))
#define SITE __builtin_return_address(0)

/* A thread that makes no step for very long: others get a turn, and in the end it is taken for endless. */
static __attribute__((noinline)) void endless(const void *site)
{
	struct inner_thread *own = inner_thread();
	own->turns = 0;
	own->rounds++;
	if (runtime->deadline_ns && runtime_clock_ns() > runtime->deadline_ns)
		runtime_stop(ENDING_CUT);
	if (own->rounds < ENDLESS_ROUNDS) {
		runtime_yield(STEP_YIELD, site);
		return;
	}
	own->endless = site;
	own->spin_count = 0;
	runtime_stuck();
}

uint64_t runtime_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void runtime_enter(void)
{
	struct inner_thread *own = inner_thread();
	if (__builtin_expect(own->under_way_count != 0, 0))
		racing_complete();
	if (__builtin_expect(own->record >= 0, 0))
		record_complete();
	if (__builtin_expect(++own->turns > ENDLESS_TURNS, 0))
		endless(SITE);
}

static inline bool on_own_stack(uintptr_t address)
{
	const struct inner_thread *own = inner_thread();
	return address - own->stack_low < own->stack_bytes;
}

/* On the stack of another thread, or among its thread-local variables: they go as long as it runs. (The first thread's stay.) */
static __attribute__((noinline)) void check_ended(uintptr_t address, size_t bytes, bool write, const void *site)
{
	for (unsigned t = 1; t < runtime->moment.threads; t++) {
		const struct inner_thread *its = &inner()->thread[t];
		size_t local_bytes;
		bool local = address - (uintptr_t)fiber_tls(t + 1, &local_bytes) < local_bytes;
		if (!runtime->thread[t].ended || (!local && address - its->stack_low >= its->stack_bytes))
			continue;
		struct place place =
			runtime_place(site, "%s %zu byte%s", write ? "writes" : "reads", bytes, bytes == 1 ? "" : "s");
		runtime_finding(FINDING_USE_AFTER_FREE, &place, 1, "thread %u %s a %s variable of thread %u, which has ended: %s",
			runtime->current, write ? "writes" : "reads", local ? "thread-local" : "local", t,
			local ? "it is gone with it" : "its stack is gone");
	}
}

static inline __attribute__((always_inline)) void plain(uintptr_t address, size_t bytes, bool write, const void *site)
{
	if (!runtime || !runtime->running)
		return;
	runtime_enter();
	if (heap_owns(address))
		heap_check(address, bytes, write, site);
	if ((__builtin_expect(address - inner()->stacks_low < inner()->stacks_bytes, 0) ||
		    __builtin_expect(address - inner()->locals_low < inner()->locals_bytes, 0)) &&
		!on_own_stack(address))
		check_ended(address, bytes, write, site);
	if (write) {
		snapshot_save(address, bytes);
		if (!on_own_stack(address))
			spin_effect();
	}
	bool known = write && __builtin_expect(inner()->knows, 0) && racing_knows(address, bytes);
	if (runtime->quiet) {
		if (known)
			racing_store_known(address, bytes, site);
		return;
	}
	if (__builtin_expect(amended != NULL, 0) && amend_plain(address, bytes, write, site))
		return;
	if (races_any_promoted() && races_promoted(address, bytes)) {
		racing_access(address, bytes, write, site);
		return;
	}
	if (__builtin_expect(runtime->recording, 0) && !on_own_stack(address))
		record_plain(address, bytes, write, site);
	unsigned self = runtime->current;
	struct race race;
	if (__builtin_expect(races_access(address, bytes, write, false, false, self, graph_clock(runtime->graph, self),
				     runtime->graph->done[self], site, &race),
		    0))
		findings_race(&race, address, bytes, write, false, site);
	if (known)
		racing_store_known(address, bytes, site);
}

void runtime_access(const void *address, size_t bytes, bool write, const void *site)
{
	amend_step(site);
	if (bytes)
		plain((uintptr_t)address, bytes, write, site);
}

void runtime_wrote(void)
{
	runtime_enter();
}

/* Plain accesses ------------------------------------------------------------------------------------------------------------------- */

#define PLAIN_READ(name, bytes)                          \
	KEEP_REGISTERS(#name);                           \
	CALLBACK void checked_##name(uintptr_t address); \
	CALLBACK void checked_##name(uintptr_t address)  \
	{                                                \
		amend_access(SITE);                      \
		plain(address, bytes, false, SITE);      \
	}
#define PLAIN_WRITE(name, bytes)                   \
	CALLBACK void name(uintptr_t address);     \
	CALLBACK void name(uintptr_t address)      \
	{                                          \
		amend_access(SITE);                \
		plain(address, bytes, true, SITE); \
	}
#define PLAIN(kind, bytes)                            \
	PLAIN_READ(__tsan_##kind##read##bytes, bytes) \
	PLAIN_WRITE(__tsan_##kind##write##bytes, bytes)

PLAIN(, 1)
PLAIN(, 2)
PLAIN(, 4)
PLAIN(, 8)
PLAIN(, 16)
PLAIN(volatile_, 1)
PLAIN(volatile_, 2)
PLAIN(volatile_, 4)
PLAIN(volatile_, 8)
PLAIN(volatile_, 16)
PLAIN(unaligned_, 2)
PLAIN(unaligned_, 4)
PLAIN(unaligned_, 8)
PLAIN(unaligned_, 16)
PLAIN(unaligned_volatile_, 2)
PLAIN(unaligned_volatile_, 4)
PLAIN(unaligned_volatile_, 8)
PLAIN(unaligned_volatile_, 16)

/* gcc's for structures. */
CALLBACK void __tsan_read_range(uintptr_t address, size_t bytes);
CALLBACK void __tsan_read_range(uintptr_t address, size_t bytes)
{
	amend_access(SITE);
	plain(address, bytes, false, SITE);
}

CALLBACK void __tsan_write_range(uintptr_t address, size_t bytes);
CALLBACK void __tsan_write_range(uintptr_t address, size_t bytes)
{
	amend_access(SITE);
	plain(address, bytes, true, SITE);
}

/* From clang 16 on. */
#define READ_WRITE(name, bytes)                     \
	CALLBACK void name(uintptr_t address);      \
	CALLBACK void name(uintptr_t address)       \
	{                                           \
		amend_access(SITE);                 \
		plain(address, bytes, false, SITE); \
		plain(address, bytes, true, SITE);  \
	}
READ_WRITE(__tsan_read_write1, 1)
READ_WRITE(__tsan_read_write2, 2)
READ_WRITE(__tsan_read_write4, 4)
READ_WRITE(__tsan_read_write8, 8)
READ_WRITE(__tsan_read_write16, 16)

CALLBACK void *__tsan_memcpy(void *to, const void *from, size_t bytes);
CALLBACK void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	amend_access(SITE);
	plain((uintptr_t)from, bytes, false, SITE);
	plain((uintptr_t)to, bytes, true, SITE);
	return memcpy(to, from, bytes);
}

CALLBACK void *__tsan_memmove(void *to, const void *from, size_t bytes);
CALLBACK void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	amend_access(SITE);
	plain((uintptr_t)from, bytes, false, SITE);
	plain((uintptr_t)to, bytes, true, SITE);
	return memmove(to, from, bytes);
}

CALLBACK void *__tsan_memset(void *to, int value, size_t bytes);
CALLBACK void *__tsan_memset(void *to, int value, size_t bytes)
{
	amend_access(SITE);
	plain((uintptr_t)to, bytes, true, SITE);
	return memset(to, value, bytes);
}

/* Calls ---------------------------------------------------------------------------------------------------------------------------- */

CALLBACK void __tsan_init(void);
CALLBACK void __tsan_init(void)
{
}

CALLBACK void __tsan_func_entry(const void *caller);
CALLBACK void __tsan_func_entry(const void *caller)
{
	if (!runtime || !runtime->running)
		return;
	amend_access(caller);
	struct thread *self = runtime_thread();
	if (self->depth < CALLS_MAX)
		self->calls[self->depth] = caller;
	self->depth++;
}

CALLBACK void __tsan_func_exit(void);
CALLBACK void __tsan_func_exit(void)
{
	if (runtime && runtime->running && runtime_thread()->depth)
		runtime_thread()->depth--;
}

/* C++ writes virtual table pointers. */
PLAIN_WRITE(__tsan_vptr_read, 8)
CALLBACK void __tsan_vptr_update(void **at, void *value);
CALLBACK void __tsan_vptr_update(void **at, void *value)
{
	amend_access(SITE);
	if (*at != value)
		plain((uintptr_t)at, sizeof value, true, SITE);
}

/* Atomics -------------------------------------------------------------------------------------------------------------------------- */

/* The order of an update's read half, when it writes nothing. */
static uint8_t reading_half(uint8_t order)
{
	return order == ORDER_ACQ_REL ? ORDER_ACQUIRE : order == ORDER_RELEASE ? ORDER_RELAXED : order;
}

static uint64_t mask_of(uint32_t bytes)
{
	return bytes == 8 ? UINT64_MAX : (1ull << bytes * 8) - 1;
}

static enum applied apply_exchange(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)value;
	*written = op->operand;
	return APPLIED_WRITE;
}

static enum applied apply_add(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = (value + op->operand) & mask_of(op->bytes);
	return APPLIED_WRITE;
}

static enum applied apply_sub(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = (value - op->operand) & mask_of(op->bytes);
	return APPLIED_WRITE;
}

static enum applied apply_and(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = value & op->operand;
	return APPLIED_WRITE;
}

static enum applied apply_or(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = value | op->operand;
	return APPLIED_WRITE;
}

static enum applied apply_xor(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = value ^ op->operand;
	return APPLIED_WRITE;
}

static enum applied apply_nand(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = ~(value & op->operand) & mask_of(op->bytes);
	return APPLIED_WRITE;
}

static enum applied apply_compare(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	return value == op->expected ? APPLIED_WRITE : APPLIED_READ;
}

static bool off(void)
{
	return !runtime || !runtime->running;
}

static void check_heap(uint64_t address, uint32_t bytes, bool write, const void *site)
{
	if (heap_owns(address))
		heap_check(address, bytes, write, site);
}

static uint64_t atomic_load(uint64_t address, uint32_t bytes, int order, const void *site)
{
	struct operation op = {.kind = EVENT_READ,
		.tag = STEP_LOAD,
		.order = order_of_number(order),
		.bytes = bytes,
		.address = address,
		.location = UINT32_MAX,
		.site = site};
	amend_access(site);
	check_heap(address, bytes, false, site);
	uint64_t value;
	if (__builtin_expect(amended != NULL, 0) && amend_atomic(address, bytes, false, &value, site))
		return value;
	return runtime_atomic(&op, NULL);
}

static void atomic_store(uint64_t address, uint32_t bytes, uint64_t value, int order, const void *site)
{
	struct operation op = {.kind = EVENT_WRITE,
		.tag = STEP_STORE,
		.order = order_of_number(order),
		.bytes = bytes,
		.address = address,
		.location = UINT32_MAX,
		.operand = value & mask_of(bytes),
		.site = site};
	amend_access(site);
	check_heap(address, bytes, true, site);
	if (__builtin_expect(amended != NULL, 0) && amend_atomic(address, bytes, true, &op.operand, site))
		return;
	runtime_atomic(&op, NULL);
}

typedef enum applied apply_function(const struct operation *op, uint64_t value, uint64_t *written);

static uint64_t atomic_update(
	uint64_t address, uint32_t bytes, enum step_tag tag, apply_function *apply, uint64_t operand, int order, const void *site)
{
	struct operation op = {.kind = EVENT_UPDATE,
		.tag = (uint8_t)tag,
		.order = order_of_number(order),
		.order_failed = reading_half(order_of_number(order)),
		.bytes = bytes,
		.address = address,
		.location = UINT32_MAX,
		.operand = operand & mask_of(bytes),
		.apply = apply,
		.site = site};
	amend_access(site);
	check_heap(address, bytes, true, site);
	return runtime_atomic(&op, NULL);
}

/* Returns the value found. */
static uint64_t atomic_compare(
	uint64_t address, uint32_t bytes, uint64_t expected, uint64_t desired, int order, int failed, const void *site)
{
	struct operation op = {.kind = EVENT_UPDATE,
		.tag = STEP_COMPARE_EXCHANGE,
		.order = order_of_number(order),
		.order_failed = order_of_number(failed),
		.bytes = bytes,
		.address = address,
		.location = UINT32_MAX,
		.operand = desired & mask_of(bytes),
		.expected = expected & mask_of(bytes),
		.apply = apply_compare,
		.site = site};
	amend_access(site);
	check_heap(address, bytes, true, site);
	return runtime_atomic(&op, NULL);
}

#define ATOMIC_UPDATE(bits, type, word, tag, apply, builtin)                                                            \
	KEEP_REGISTERS("__tsan_atomic" #bits "_" #word);                                                                \
	CALLBACK type checked___tsan_atomic##bits##_##word(type *at, type operand, int order);                          \
	CALLBACK type checked___tsan_atomic##bits##_##word(type *at, type operand, int order)                           \
	{                                                                                                               \
		return off() ? builtin(at, operand, __ATOMIC_SEQ_CST)                                                   \
			     : (type)atomic_update((uint64_t)at, bits / 8, tag, apply, (uint64_t)operand, order, SITE); \
	}

#define ATOMICS(bits, type)                                                                                                    \
	KEEP_REGISTERS("__tsan_atomic" #bits "_load");                                                                         \
	CALLBACK type checked___tsan_atomic##bits##_load(const type *at, int order);                                           \
	CALLBACK type checked___tsan_atomic##bits##_load(const type *at, int order)                                            \
	{                                                                                                                      \
		return off() ? __atomic_load_n(at, __ATOMIC_SEQ_CST) : (type)atomic_load((uint64_t)at, bits / 8, order, SITE); \
	}                                                                                                                      \
	CALLBACK void __tsan_atomic##bits##_store(type *at, type value, int order);                                            \
	CALLBACK void __tsan_atomic##bits##_store(type *at, type value, int order)                                             \
	{                                                                                                                      \
		if (off())                                                                                                     \
			__atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                         \
		else                                                                                                           \
			atomic_store((uint64_t)at, bits / 8, (uint64_t)value, order, SITE);                                    \
	}                                                                                                                      \
	ATOMIC_UPDATE(bits, type, exchange, STEP_EXCHANGE, apply_exchange, __atomic_exchange_n)                                \
	ATOMIC_UPDATE(bits, type, fetch_add, STEP_FETCH_ADD, apply_add, __atomic_fetch_add)                                    \
	ATOMIC_UPDATE(bits, type, fetch_sub, STEP_FETCH_SUB, apply_sub, __atomic_fetch_sub)                                    \
	ATOMIC_UPDATE(bits, type, fetch_and, STEP_FETCH_AND, apply_and, __atomic_fetch_and)                                    \
	ATOMIC_UPDATE(bits, type, fetch_or, STEP_FETCH_OR, apply_or, __atomic_fetch_or)                                        \
	ATOMIC_UPDATE(bits, type, fetch_xor, STEP_FETCH_XOR, apply_xor, __atomic_fetch_xor)                                    \
	ATOMIC_UPDATE(bits, type, fetch_nand, STEP_FETCH_NAND, apply_nand, __atomic_fetch_nand)                                \
	COMPARE_BOOL(bits, type, strong)                                                                                       \
	COMPARE_BOOL(bits, type, weak)                                                                                         \
	KEEP_REGISTERS("__tsan_atomic" #bits "_compare_exchange_val");                                                         \
	CALLBACK type checked___tsan_atomic##bits##_compare_exchange_val(                                                      \
		type *at, type expected, type desired, int order, int failed);                                                 \
	CALLBACK type checked___tsan_atomic##bits##_compare_exchange_val(                                                      \
		type *at, type expected, type desired, int order, int failed)                                                  \
	{                                                                                                                      \
		if (!off())                                                                                                    \
			return (type)atomic_compare(                                                                           \
				(uint64_t)at, bits / 8, (uint64_t)expected, (uint64_t)desired, order, failed, SITE);           \
		__atomic_compare_exchange_n(at, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
		return expected;                                                                                               \
	}

/* gcc's: the value found goes to *EXPECTED, a plain object of the program. A weak one fails only for a reason: spurious failures are not explored. */
#define COMPARE_BOOL(bits, type, strength)                                                                                      \
	KEEP_REGISTERS("__tsan_atomic" #bits "_compare_exchange_" #strength);                                                   \
	CALLBACK bool checked___tsan_atomic##bits##_compare_exchange_##strength(                                                \
		type *at, type *expected, type desired, int order, int failed);                                                 \
	CALLBACK bool checked___tsan_atomic##bits##_compare_exchange_##strength(                                                \
		type *at, type *expected, type desired, int order, int failed)                                                  \
	{                                                                                                                       \
		if (off())                                                                                                      \
			return __atomic_compare_exchange_n(at, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);   \
		runtime->weak_exchanges |= sizeof(#strength) == sizeof("weak");                                                 \
		plain((uintptr_t)expected, sizeof(type), false, SITE);                                                          \
		type wanted = *expected;                                                                                        \
		type found =                                                                                                    \
			(type)atomic_compare((uint64_t)at, bits / 8, (uint64_t)wanted, (uint64_t)desired, order, failed, SITE); \
		if (found == wanted)                                                                                            \
			return true;                                                                                            \
		plain((uintptr_t)expected, sizeof found, true, SITE);                                                           \
		*expected = found;                                                                                              \
		return false;                                                                                                   \
	}

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

CALLBACK void __tsan_atomic_thread_fence(int order);
CALLBACK void __tsan_atomic_thread_fence(int order)
{
	if (off()) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		return;
	}
	amend_access(SITE);
	struct operation op = {.tag = STEP_FENCE, .order = order_of_number(order), .site = SITE};
	if (orders_watched())
		orders_apply(&op);
	/* A relaxed fence orders nothing. */
	if (!runtime->quiet && op.order > ORDER_RELAXED)
		runtime_step(STEP_FENCE, EVENT_FENCE, op.order, SITE);
}

CALLBACK void __tsan_atomic_signal_fence(int order);
CALLBACK void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
