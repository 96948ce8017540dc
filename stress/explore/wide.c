/* SPDX-License-Identifier: MIT */
/* Atomic objects of 16 bytes: a pointer with a tag, mostly. Events carry values of 8 bytes, so such a value goes by a name: a hash of its
 * content, which is the same in every execution and process. That two values share one is left to chance (2^-64).
 */
#include <string.h>

#include "memory.h"
#include "orders.h"
#include "runtime_private.h"

enum { WIDE_SLOTS = 1 << 16 };

struct wide_slot {
	uint64_t generation, name;
	struct wide_value value;
};
struct wide {
	uint64_t generation; /* of the execution: 1 + its number */
	uint32_t count;
	struct wide_slot slot[WIDE_SLOTS];
};
static struct wide *wide; /* set once, when first needed */

static struct wide *table(void)
{
	if (!wide)
		wide = memory_map(sizeof *wide);
	if (!wide) {
		runtime_uncontrolled("no memory for atomic objects of 16 bytes");
		runtime_stop(ENDING_CUT);
	}
	return wide;
}

void wide_clear(void)
{
	if (!wide || !wide->count)
		return;
	wide->generation++;
	wide->count = 0;
}

static struct wide_slot *find(struct wide *w, uint64_t name)
{
	uint32_t at = (uint32_t)(name >> 48) % WIDE_SLOTS;
	while (w->slot[at].generation == w->generation + 1 && w->slot[at].name != name)
		at = (at + 1) % WIDE_SLOTS;
	return &w->slot[at];
}

uint64_t wide_name(struct wide_value value)
{
	uint64_t name = (value.low ^ 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	name = (name ^ name >> 32 ^ value.high) * 0xc4ceb9fe1a85ec53u;
	name ^= name >> 29;
	struct wide *w = table();
	struct wide_slot *slot = find(w, name);
	if (slot->generation == w->generation + 1)
		return name;
	if (++w->count == WIDE_SLOTS / 2) {
		runtime_uncontrolled("more than 32,767 values of atomic objects of 16 bytes");
		runtime_stop(ENDING_CUT);
	}
	*slot = (struct wide_slot){.generation = w->generation + 1, .name = name, .value = value};
	return name;
}

struct wide_value wide_value(uint64_t name)
{
	return find(table(), name)->value;
}

/* What the compilers call ------------------------------------------------------------------------------------------------------------ */

#define CALLBACK __attribute__((visibility("default"), used))
#define SITE __builtin_return_address(0)

typedef unsigned __int128 wide_word; /* as the interface has it */

static struct wide_value split(wide_word word)
{
	return (struct wide_value){.low = (uint64_t)word, .high = (uint64_t)(word >> 64)};
}

static wide_word joined(uint64_t name)
{
	struct wide_value value = wide_value(name);
	return (wide_word)value.high << 64 | value.low;
}

static bool off(void)
{
	return !runtime || !runtime->running;
}

static enum applied apply_exchange(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)value;
	*written = op->operand;
	return APPLIED_WRITE;
}

static enum applied apply_compare(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	return value == op->expected ? APPLIED_WRITE : APPLIED_READ;
}

static wide_word perform(struct operation op, const void *at, int order, const void *site)
{
	op.order = order_of_number(order);
	op.bytes = 16;
	op.address = (uint64_t)at;
	op.location = UINT32_MAX;
	op.site = site;
	if (heap_owns(op.address))
		heap_check(op.address, 16, op.kind != EVENT_READ, site);
	uint64_t value = runtime_atomic(&op, NULL);
	return op.kind == EVENT_WRITE ? 0 : joined(value);
}

KEEP_REGISTERS("__tsan_atomic128_load");
CALLBACK wide_word checked___tsan_atomic128_load(const wide_word *at, int order);
CALLBACK wide_word checked___tsan_atomic128_load(const wide_word *at, int order)
{
	if (off())
		return *at;
	return perform((struct operation){.kind = EVENT_READ, .tag = STEP_LOAD}, at, order, SITE);
}

/* gcc knows this one with its type when it builds with a sanitizer. */
CALLBACK void __tsan_atomic128_store(volatile void *at, wide_word value, int order);
CALLBACK void __tsan_atomic128_store(volatile void *at, wide_word value, int order)
{
	wide_word *to = (wide_word *)(uintptr_t)at;
	if (off())
		*to = value;
	else
		perform((struct operation){.kind = EVENT_WRITE, .tag = STEP_STORE, .operand = wide_name(split(value))}, to, order,
			SITE);
}

KEEP_REGISTERS("__tsan_atomic128_exchange");
CALLBACK wide_word checked___tsan_atomic128_exchange(wide_word *at, wide_word value, int order);
CALLBACK wide_word checked___tsan_atomic128_exchange(wide_word *at, wide_word value, int order)
{
	if (off()) {
		wide_word before = *at;
		*at = value;
		return before;
	}
	return perform(
		(struct operation){
			.kind = EVENT_UPDATE, .tag = STEP_EXCHANGE, .operand = wide_name(split(value)), .apply = apply_exchange},
		at, order, SITE);
}

/* The value that was there. */
static wide_word compare(wide_word *at, wide_word expected, wide_word desired, int order, int failed, const void *site)
{
	if (off()) {
		wide_word before = *at;
		*at = before == expected ? desired : before;
		return before;
	}
	return perform((struct operation){.kind = EVENT_UPDATE,
			       .tag = STEP_COMPARE_EXCHANGE,
			       .order_failed = order_of_number(failed),
			       .operand = wide_name(split(desired)),
			       .expected = wide_name(split(expected)),
			       .apply = apply_compare},
		at, order, site);
}

#define COMPARE_EXCHANGE(strength)                                                                       \
	KEEP_REGISTERS("__tsan_atomic128_compare_exchange_" #strength);                                  \
	CALLBACK bool checked___tsan_atomic128_compare_exchange_##strength(                              \
		wide_word *at, wide_word *expected, wide_word desired, int order, int failed);           \
	CALLBACK bool checked___tsan_atomic128_compare_exchange_##strength(                              \
		wide_word *at, wide_word *expected, wide_word desired, int order, int failed)            \
	{                                                                                                \
		if (!off()) {                                                                            \
			runtime->weak_exchanges |= sizeof(#strength) == sizeof("weak");                  \
			runtime_access(expected, sizeof *expected, false, SITE);                         \
		}                                                                                        \
		wide_word wanted = *expected, found = compare(at, wanted, desired, order, failed, SITE); \
		if (found == wanted)                                                                     \
			return true;                                                                     \
		if (!off())                                                                              \
			runtime_access(expected, sizeof *expected, true, SITE);                          \
		*expected = found;                                                                       \
		return false;                                                                            \
	}

COMPARE_EXCHANGE(strong)
COMPARE_EXCHANGE(weak)

KEEP_REGISTERS("__tsan_atomic128_compare_exchange_val");
CALLBACK wide_word checked___tsan_atomic128_compare_exchange_val(
	wide_word *at, wide_word expected, wide_word desired, int order, int failed);
CALLBACK wide_word checked___tsan_atomic128_compare_exchange_val(
	wide_word *at, wide_word expected, wide_word desired, int order, int failed)
{
	return compare(at, expected, desired, order, failed, SITE);
}
