/* SPDX-License-Identifier: MIT */
/* The compilers' callbacks ------------------------------------------------------------------------------------------------------------ */

#define ACCESS(name, bytes, write)                  \
	void name(void *address);                   \
	void name(void *address)                    \
	{                                           \
		plain(SITE, address, bytes, write); \
	}
#define ACCESSES(kind, bytes)                        \
	ACCESS(__tsan_##kind##read##bytes, bytes, 0) \
	ACCESS(__tsan_##kind##write##bytes, bytes, 1)
ACCESSES(, 1)
ACCESSES(, 2)
ACCESSES(, 4)
ACCESSES(, 8)
ACCESSES(, 16)
ACCESSES(volatile_, 1)
ACCESSES(volatile_, 2)
ACCESSES(volatile_, 4)
ACCESSES(volatile_, 8)
ACCESSES(volatile_, 16)
ACCESSES(unaligned_, 2)
ACCESSES(unaligned_, 4)
ACCESSES(unaligned_, 8)
ACCESSES(unaligned_, 16)
ACCESSES(unaligned_volatile_, 2)
ACCESSES(unaligned_volatile_, 4)
ACCESSES(unaligned_volatile_, 8)
ACCESSES(unaligned_volatile_, 16)
ACCESS(__tsan_vptr_read, 8, 0)

#define BOTH(bytes)                                   \
	void __tsan_read_write##bytes(void *address); \
	void __tsan_read_write##bytes(void *address)  \
	{                                             \
		plain(SITE, address, bytes, 0);       \
		plain(SITE, address, bytes, 1);       \
	}
BOTH(1)
BOTH(2)
BOTH(4)
BOTH(8)
BOTH(16)

void __tsan_read_range(void *address, size_t bytes);
void __tsan_read_range(void *address, size_t bytes)
{
	plain(SITE, address, bytes, 0);
}

void __tsan_write_range(void *address, size_t bytes);
void __tsan_write_range(void *address, size_t bytes)
{
	plain(SITE, address, bytes, 1);
}

void __tsan_vptr_update(void **address, void *value);
void __tsan_vptr_update(void **address, void *value)
{
	if (*address != value)
		plain(SITE, address, sizeof *address, 1);
}

#define COPY(name)                                            \
	void *name(void *to, const void *from, size_t bytes); \
	void *name(void *to, const void *from, size_t bytes)  \
	{                                                     \
		if (me && bytes) {                            \
			plain(SITE, from, bytes, 0);          \
			give_back(me);                        \
			plain(SITE, to, bytes, 1);            \
		}                                             \
		return memmove(to, from, bytes);              \
	}
COPY(__tsan_memcpy)
COPY(__tsan_memmove)

void *__tsan_memset(void *to, int value, size_t bytes);
void *__tsan_memset(void *to, int value, size_t bytes)
{
	if (me && bytes)
		plain(SITE, to, bytes, 1);
	return memset(to, value, bytes);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	if (!me)
		return;
	if (me->depth < CALLS_MAX)
		me->calls[me->depth] = caller;
	me->depth++;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
	if (!me)
		return;
	give_back(me);
	if (me->depth)
		me->depth--;
}

#define UPDATE(bits, type, name, how)                                                             \
	type __tsan_atomic##bits##_##name(volatile void *a, type v, int order);                   \
	type __tsan_atomic##bits##_##name(volatile void *a, type v, int order)                    \
	{                                                                                         \
		return (type)atomic_update(SITE, a, sizeof v, how, 0, (uint64_t)v, order, order); \
	}
#define SWAP(bits, type, name)                                                                                             \
	int __tsan_atomic##bits##_##name(volatile void *a, void *expected, type v, int order, int failed);                 \
	int __tsan_atomic##bits##_##name(volatile void *a, void *expected, type v, int order, int failed)                  \
	{                                                                                                                  \
		type wanted_value, old;                                                                                    \
		memcpy(&wanted_value, expected, sizeof v);                                                                 \
		old = (type)atomic_update(SITE, a, sizeof v, COMPARE, (uint64_t)wanted_value, (uint64_t)v, order, failed); \
		memcpy(expected, &old, sizeof v);                                                                          \
		return old == wanted_value;                                                                                \
	}
#define ATOMICS(bits, type)                                                                                       \
	type __tsan_atomic##bits##_load(const volatile void *a, int order);                                       \
	type __tsan_atomic##bits##_load(const volatile void *a, int order)                                        \
	{                                                                                                         \
		return (type)atomic_read(SITE, a, sizeof(type), order);                                           \
	}                                                                                                         \
	void __tsan_atomic##bits##_store(volatile void *a, type v, int order);                                    \
	void __tsan_atomic##bits##_store(volatile void *a, type v, int order)                                     \
	{                                                                                                         \
		atomic_write(SITE, a, sizeof v, (uint64_t)v, order);                                              \
	}                                                                                                         \
	UPDATE(bits, type, exchange, EXCHANGE)                                                                    \
	UPDATE(bits, type, fetch_add, ADD)                                                                        \
	UPDATE(bits, type, fetch_sub, SUB)                                                                        \
	UPDATE(bits, type, fetch_and, AND)                                                                        \
	UPDATE(bits, type, fetch_or, OR)                                                                          \
	UPDATE(bits, type, fetch_xor, XOR)                                                                        \
	UPDATE(bits, type, fetch_nand, NAND)                                                                      \
	SWAP(bits, type, compare_exchange_strong)                                                                 \
	SWAP(bits, type, compare_exchange_weak)                                                                   \
	type __tsan_atomic##bits##_compare_exchange_val(volatile void *a, type e, type v, int order, int failed); \
	type __tsan_atomic##bits##_compare_exchange_val(volatile void *a, type e, type v, int order, int failed)  \
	{                                                                                                         \
		return (type)atomic_update(SITE, a, sizeof v, COMPARE, (uint64_t)e, (uint64_t)v, order, failed);  \
	}
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	fence(SITE, order);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
