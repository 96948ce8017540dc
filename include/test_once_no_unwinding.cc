// SPDX-License-Identifier: MIT
// <onceproof/once.h> from C++ where cancellation runs cleanup handlers and unwinds nothing, as on musl: made here of a list of handlers, as
// musl keeps one, and a thread that ends by the bare system call.
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MUST(condition) \
	((condition) ? (void)0 : (std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), std::_Exit(1)))

struct handler {
	void (*run)(void *);
	void *arg;
	handler *below;
};
static thread_local handler *handlers;

#undef pthread_cleanup_push
#undef pthread_cleanup_pop
// clang-format off
#define pthread_cleanup_push(function, argument)                   \
	do {                                                       \
		handler pushed = {function, argument, handlers};   \
		handlers = &pushed;
#define pthread_cleanup_pop(execute)           \
		handlers = pushed.below;       \
		if (execute)                   \
			pushed.run(pushed.arg); \
	} while (0)
// clang-format on
#define ONCE_CANCEL_UNWINDS_ 0
#include <onceproof/once.h>

static void cancelled()
{
	while (handler *top = handlers) {
		handlers = top->below;
		top->run(top->arg);
	}
	syscall(SYS_exit, 0);
}

static once object = ONCE_INIT;
static sem_t entered, go_on;
static int value;

static void stop()
{
	sem_post(&entered);
	while (sem_wait(&go_on) != 0)
		;
}

static void *cancelled_here(void *)
{
	stop();
	cancelled();
	return nullptr;
}

static void *throws_here(void *)
{
	stop();
	throw 1;
}

static void *load_well(void *)
{
	return &value;
}

static void *thread_cancelled(void *)
{
	return once_get(&object, cancelled_here, nullptr);
}

static void *thread_throws(void *)
{
	try {
		once_get(&object, throws_here, nullptr);
	} catch (int thrown) {
		return thrown == 1 && !handlers ? &value : nullptr; // no handler is left with its address in a frame that is gone
	}
	return nullptr;
}

static void *thread_gets(void *)
{
	return once_get(&object, load_well, nullptr);
}

static bool sleeps()
{
#ifdef ONCE_FUTEX_
	return __atomic_load_n(&object.state, __ATOMIC_RELAXED) & ONCE_ASLEEP_;
#else
	return __atomic_load_n(&object.asleep, __ATOMIC_RELAXED) > 0;
#endif
}

// What a cancelled thread returned is not told by this C library.
static void whoever_waits_goes_on(void *(*body)(void *), bool returns)
{
	pthread_t first, second;
	void *result;
	MUST(pthread_create(&first, nullptr, body, nullptr) == 0);
	while (sem_wait(&entered) != 0)
		;
	MUST(pthread_create(&second, nullptr, thread_gets, nullptr) == 0);
	// Until it sleeps: then somebody must wake it. relaxed: nothing is read on its word.
	while (!sleeps())
		sched_yield();
	sem_post(&go_on);
	MUST(pthread_join(first, &result) == 0 && (!returns || result == &value));
	MUST(pthread_join(second, &result) == 0 && result == &value);
	MUST(once_reset(&object) == &value);
}

int main()
{
	alarm(50); // who is not woken sleeps for ever
	MUST(sem_init(&entered, 0, 0) == 0 && sem_init(&go_on, 0, 0) == 0);
	whoever_waits_goes_on(thread_throws, true);
	whoever_waits_goes_on(thread_cancelled, false);
	std::puts("all as expected");
}
