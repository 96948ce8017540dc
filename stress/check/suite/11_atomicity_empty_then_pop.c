/* SPDX-License-Identifier: MIT */
/* A stack that is asked whether it is empty, and popped in a second critical section.
 *
 * Two consumers both hear that there is something; the second one pops from an empty stack.
 *
 * Finds  crash
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

struct node {
	int value;
	struct node *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct node only = {.value = 7};
static struct node *top = &only;

static bool stack_empty(void)
{
	pthread_mutex_lock(&lock);
	bool empty = top == NULL;
	pthread_mutex_unlock(&lock);
	return empty;
}

static int stack_pop(void)
{
	pthread_mutex_lock(&lock);
#ifdef FIXED
	if (!top) {
		pthread_mutex_unlock(&lock);
		return -1;
	}
#endif
	struct node *n = top;
	top = n->next;
	pthread_mutex_unlock(&lock);
	return n->value;
}

static void *consumer(void *arg)
{
	if (!stack_empty())
		printf("%d\n", stack_pop());
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, consumer, NULL);
	pthread_create(&b, NULL, consumer, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
