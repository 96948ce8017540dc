/* SPDX-License-Identifier: MIT */
/* What every implementation of every family says about itself.
 *
 * A family (initialiser, counter, progress) has a contract header with the operations, and one numbered file per implementation. The
 * build turns the folder listing into the registry: the set of files is the list, nothing is registered by hand.
 */
#ifndef ONCEPROOF_IMPL_CONTRACT_H
#define ONCEPROOF_IMPL_CONTRACT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum family { FAMILY_INITIALISER, FAMILY_COUNTER, FAMILY_PROGRESS, FAMILY_PIPELINE, FAMILY_COUNT };

/* Language and library features that some checking engine cannot see; each engine declares its blind spots in these bits. */
enum feature {
	FEATURE_ATOMIC = 1u << 0,       /* C11 atomics or the __atomic builtins */
	FEATURE_FENCE = 1u << 1,        /* atomic_thread_fence as the only ordering */
	FEATURE_CALL_ONCE = 1u << 2,    /* C11 call_once */
	FEATURE_INLINE_ASM = 1u << 3,   /* memory written by inline assembly (restartable sequences) */
	FEATURE_FUTEX = 1u << 4,        /* the futex system call */
	FEATURE_TLS = 1u << 5,          /* thread-local storage or thread-specific data */
	FEATURE_PTHREAD_ONCE = 1u << 6, /* pthread_once */
};

/* How many live objects of an implementation a process can have. */
enum instances { INSTANCES_MANY, INSTANCES_ONE_PER_PROCESS };

/* One promise of a family: its name in results and what it means. */
struct promise_info {
	const char *name;    /* "exactly_once" */
	const char *meaning; /* one sentence */
};

/* Common head of every descriptor. Strings are borrowed and static. */
struct implementation {
	enum family family;
	const char *name;   /* "naive": the file's name without number and suffix */
	const char *lesson; /* one sentence */
	uint32_t claims;    /* promise bits that it keeps */
	uint32_t missing;   /* promise bits whose operation it offers and may break; in neither set: not offered */
	uint32_t features;  /* enum feature bits that it uses */
	enum instances instances;
	const char *calls; /* library calls that its measured loops may make, separated by spaces; NULL: none */
};

/* A file of impl/ and the descriptor that it exports; the build generates the table. */
struct registered {
	int number;                         /* reading order, from the file name; REGISTERED_BY_USER: a file of their own */
	const char *file;                   /* "impl/counter/10_naive.c", from the top of the source tree */
	const struct implementation *about; /* first member of the family's own descriptor */
	const char *source;                 /* the file's text */
};

enum { REGISTERED_BY_USER = -1 };

/* All implementations, by family and then by number, then those that a user brought. Safe from any thread; registry_add before there are any. */
extern const struct registered *onceproof_registry;
extern size_t onceproof_registry_count;

/* Appends ENTRY, which is borrowed for good. 0 or an errno value. */
int registry_add(const struct registered *entry);

/* "initialiser", "counter", "progress", "pipeline". */
const char *family_name(enum family family);

/* The promises of a family, bit i at index i; *count is set to their number. */
const struct promise_info *family_promises(enum family family, size_t *count);

/* "claimed", "missing" or "not_offered" for one promise bit. */
const char *implementation_claim(const struct implementation *about, uint32_t promise);

/* The entry called NAME (without the family) in FAMILY, or NULL. */
const struct registered *registry_find(enum family family, const char *name);

/* A pause for spin loops: a plain instruction and nothing that an engine could hook. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

#ifdef __cplusplus
}
#endif
#endif
