// SPDX-License-Identifier: MIT
// <onceproof/once.h> from C++: a loader may throw, be cancelled, be a lambda; accessors may live in namespaces.
#include <onceproof/once.h>

#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <semaphore.h>
#include <stdexcept>

#define MUST(condition) \
	((condition) ? (void)0 : (std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), std::_Exit(1)))

namespace words
{
struct model {
	int loads;
};
static model the_one;
static int throwing;

static model *load_model()
{
	if (throwing) {
		throwing--;
		throw std::runtime_error("not now");
	}
	the_one.loads++;
	return &the_one;
}
ONCE_DEFINE(model, the_model, load_model);
} // namespace words

static void exceptions_pass_and_are_retried()
{
	words::throwing = 2;
	for (int i = 0; i < 2; i++) {
		bool caught = false;
		try {
			words::the_model();
		} catch (const std::runtime_error &) {
			caught = true;
		}
		MUST(caught);
	}
	MUST(words::the_model() == &words::the_one && words::the_one.loads == 1);
	MUST(words::the_model_reset() == &words::the_one);
	MUST(words::the_model()->loads == 2);
}

static once object = ONCE_INIT;
static sem_t entered, go_on;
static int value;

// What it throws is not for the thread that waits for it: that one loads.
static void *throw_here(void *)
{
	sem_post(&entered);
	while (sem_wait(&go_on) != 0)
		;
	throw 1;
}

static void *cancelled_here(void *)
{
	sem_post(&entered);
	while (sem_wait(&go_on) != 0)
		;
	pthread_testcancel();
	return nullptr;
}

static void *load_well(void *)
{
	return &value;
}

static void *thread_throws(void *)
{
	try {
		once_get(&object, throw_here, nullptr);
	} catch (int thrown) {
		return thrown == 1 ? &value : nullptr;
	}
	return nullptr;
}

static void *thread_cancelled(void *)
{
	return once_get(&object, cancelled_here, nullptr);
}

static void *thread_gets(void *)
{
	return once_get(&object, load_well, nullptr);
}

static pthread_t started(void *(*body)(void *))
{
	pthread_t thread;
	MUST(pthread_create(&thread, nullptr, body, nullptr) == 0);
	return thread;
}

static void *ended(pthread_t thread)
{
	void *result;
	MUST(pthread_join(thread, &result) == 0);
	return result;
}

static void whoever_waits_goes_on(void *(*body)(void *), bool cancel)
{
	pthread_t first = started(body);
	while (sem_wait(&entered) != 0)
		;
	pthread_t second = started(thread_gets);
	if (cancel)
		MUST(pthread_cancel(first) == 0);
	sem_post(&go_on);
	MUST(ended(first) == (cancel ? PTHREAD_CANCELED : &value));
	MUST(ended(second) == &value);
	MUST(once_reset(&object) == &value);
}

static void lambdas_load()
{
	int loads = 0;
	auto load = [](void *arg) -> void * {
		++*static_cast<int *>(arg);
		return arg;
	};
	MUST(once_get(&object, load, &loads) == &loads);
	MUST(once_get(&object, load, &loads) == &loads && loads == 1);
	MUST(once_peek(&object) == &loads);
	MUST(once_reset(&object) == &loads);
}

int main()
{
	MUST(sem_init(&entered, 0, 0) == 0 && sem_init(&go_on, 0, 0) == 0);
	exceptions_pass_and_are_retried();
	whoever_waits_goes_on(thread_throws, false);
	whoever_waits_goes_on(thread_cancelled, true);
	lambdas_load();
	std::puts("all as expected");
}
