/* SPDX-License-Identifier: MIT */
#include "fiber.h"

#include <asm/prctl.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "the explorer's fibers are written for x86-64"
#endif

enum { PAGE_BYTES = 4096, HWCAP2_FSGSBASE = 1 << 1 };
enum { CALLS_BYTES = 512 }; /* how far below the lowest point where a fiber was left its calls may have gone meanwhile */

/* Where the stacks are asked for: a fixed place, so that addresses are the same in every run. Elsewhere if it is taken. */
#define STACKS_AT ((void *)0x200000000000)

struct fiber {
	void *stack_pointer; /* valid while it does not run */
	uintptr_t thread_pointer;
	void *parked_errno; /* &errno of the parked thread */
	void (*entry)(void *arg);
	void *arg;
	bool has_storage;
	char *lowest; /* how far down its stack was used when it was left, at most */
};

/* All mutable state; mapped, so that restoring a program's data leaves it alone. */
struct fibers {
	struct fiber fiber[FIBERS_MAX];
	unsigned current;
	bool has_wrfsbase;
	char *stacks;
	size_t stack_bytes, stride;
	const char *tls_image; /* initial values of the main program's thread-local variables */
	size_t tls_file_bytes, tls_bytes, tls_offset;
};

static struct fibers *all; /* set once, by fiber_start */

/* fiber_swap(&save, restore): saves the callee-saved registers on the stack and the stack pointer in *save, goes on at `restore`.
 * The x87 control word and MXCSR are left alone: they are the same for every fiber. */
void fiber_swap(void **save, void *restore);
__asm__(".text\n"
	".globl fiber_swap\n"
	".hidden fiber_swap\n"
	".type fiber_swap, @function\n"
	".p2align 4\n"
	"fiber_swap:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size fiber_swap, . - fiber_swap\n");

static inline void set_thread_pointer(uintptr_t pointer)
{
	if (all->has_wrfsbase)
		__asm__ volatile("wrfsbase %0" ::"r"(pointer) : "memory");
	else
		syscall(SYS_arch_prctl, ARCH_SET_FS, pointer);
}

static uintptr_t thread_pointer(void)
{
	uintptr_t pointer;
	__asm__("movq %%fs:0, %0" : "=r"(pointer));
	return pointer;
}

/* The main program's thread-local segment: its image, and where it lies below the thread pointer (variant II of the ELF TLS ABI). */
static int find_tls(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		if (header->p_type != PT_TLS)
			continue;
		all->tls_image = (const char *)(info->dlpi_addr + header->p_vaddr);
		all->tls_file_bytes = header->p_filesz;
		all->tls_bytes = header->p_memsz;
		size_t align = header->p_align ? header->p_align : 1;
		/* The block ends at the thread pointer and starts at an address congruent to p_vaddr modulo its alignment. */
		all->tls_offset = (header->p_memsz + align - 1) & ~(align - 1);
	}
	return 1; /* the first object is the main program */
}

int fiber_start(size_t stack_bytes)
{
	if (all)
		return 0;
	struct fibers *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return errno;
	made->stack_bytes = stack_bytes;
	made->stride = stack_bytes + PAGE_BYTES;
	made->stacks = mmap(STACKS_AT, made->stride * FIBERS_MAX, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (made->stacks == MAP_FAILED)
		return errno;
	for (unsigned n = 0; n < FIBERS_MAX; n++)
		if (mprotect(made->stacks + made->stride * n, PAGE_BYTES, PROT_NONE) != 0)
			return errno;
	made->has_wrfsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
	made->fiber[0].thread_pointer = thread_pointer();
	made->fiber[0].has_storage = true;
	all = made;
	dl_iterate_phdr(find_tls, NULL);
	return 0;
}

struct lent {
	_Atomic uintptr_t pointer; /* 0 until the real thread has said where its storage is */
	void *errno_at;
};

static void *park(void *arg)
{
	struct lent *lent = arg;
	lent->errno_at = &errno;
	/* release: pairs with the acquire in borrow_storage(); errno_at is written before. */
	atomic_store_explicit(&lent->pointer, thread_pointer(), memory_order_release);
	/* It always returns -1, after a signal. */
	while (pause() != 0)
		continue;
	return NULL;
}

/* A real thread whose storage fiber N uses from now on. */
static int borrow_storage(struct fiber *fiber)
{
	struct lent lent = {0};
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int why = pthread_create(&thread, &attr, park, &lent);
	pthread_attr_destroy(&attr);
	if (why)
		return why;
	/* acquire: pairs with the release in park(). */
	while (!(fiber->thread_pointer = atomic_load_explicit(&lent.pointer, memory_order_acquire)))
		usleep(10);
	fiber->parked_errno = lent.errno_at;
	fiber->has_storage = true;
	return 0;
}

int fiber_lend(unsigned count)
{
	int why = 0;
	for (unsigned n = 1; n <= count && n < FIBERS_MAX && !why; n++)
		if (!all->fiber[n].has_storage)
			why = borrow_storage(&all->fiber[n]);
	return why;
}

void *fiber_tls(unsigned n, size_t *bytes)
{
	*bytes = all->tls_bytes;
	return (void *)(all->fiber[n].thread_pointer - all->tls_offset);
}

/* Where a prepared fiber begins. */
static void begin(void)
{
	struct fiber *fiber = &all->fiber[all->current];
	fiber->entry(fiber->arg);
	__builtin_trap();
}

/* A new thread's stack holds zeroes, as a real one's does: what is left in it would make a program's uninitialised variables, and the
 * states of loops that are compared (spin.c), depend on the executions before. */
static void clear_stack(unsigned n)
{
	uintptr_t low, high;
	fiber_stack(n, &low, &high);
	struct fiber *fiber = &all->fiber[n];
	if (!fiber->lowest)
		fiber->lowest = (char *)high;
	char *from = (uintptr_t)fiber->lowest - low > CALLS_BYTES ? fiber->lowest - CALLS_BYTES : (char *)low;
	memset(from, 0, high - (uintptr_t)from);
	fiber->lowest = (char *)high;
}

int fiber_prepare(unsigned n, void (*entry)(void *arg), void *arg)
{
	struct fiber *fiber = &all->fiber[n];
	if (!fiber->has_storage) {
		int why = borrow_storage(fiber);
		if (why)
			return why;
	}
	if (all->tls_bytes) {
		size_t bytes;
		char *tls = fiber_tls(n, &bytes);
		memcpy(tls, all->tls_image, all->tls_file_bytes);
		memset(tls + all->tls_file_bytes, 0, bytes - all->tls_file_bytes);
	}
	*(int *)fiber->parked_errno = 0;
	fiber->entry = entry;
	fiber->arg = arg;
	clear_stack(n);
	/* The frame that fiber_swap() restores: six registers and the address of begin(). The ABI wants the stack pointer to be 8
	 * below a multiple of 16 when a function is entered. */
	void **top = (void **)(all->stacks + all->stride * (n + 1));
	*--top = NULL;
	*--top = (void *)begin;
	for (int i = 0; i < 6; i++)
		*--top = NULL;
	fiber->stack_pointer = top;
	return 0;
}

void fiber_switch(unsigned to)
{
	struct fiber *from = &all->fiber[all->current], *next = &all->fiber[to];
	all->current = to;
	char *here = __builtin_frame_address(0);
	if (here < from->lowest)
		from->lowest = here;
	set_thread_pointer(next->thread_pointer);
	fiber_swap(&from->stack_pointer, next->stack_pointer);
}

unsigned fiber_current(void)
{
	return all ? all->current : 0;
}

void fiber_stack(unsigned n, uintptr_t *low, uintptr_t *high)
{
	*low = (uintptr_t)all->stacks + all->stride * n + PAGE_BYTES;
	*high = (uintptr_t)all->stacks + all->stride * (n + 1);
}

uintptr_t fiber_stack_pointer(unsigned n)
{
	return (uintptr_t)all->fiber[n].stack_pointer;
}

bool fiber_is_guard(uintptr_t address)
{
	uintptr_t from = (uintptr_t)all->stacks;
	return address >= from && address < from + all->stride * FIBERS_MAX && (address - from) % all->stride < PAGE_BYTES;
}
