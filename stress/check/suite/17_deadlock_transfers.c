/* SPDX-License-Identifier: MIT */
/* Transfers between accounts, each with a lock.
 *
 * A transfer locks the account that it takes from first: two transfers in opposite directions wait for each other.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <stdio.h>

struct account {
	int number, balance;
	pthread_mutex_t lock;
};

static struct account one = {1, 100, PTHREAD_MUTEX_INITIALIZER}, two = {2, 100, PTHREAD_MUTEX_INITIALIZER};

static void transfer(struct account *from, struct account *to, int amount)
{
	struct account *first = from, *second = to;
#ifdef FIXED
	if (first->number > second->number) {
		first = to;
		second = from;
	}
#endif
	pthread_mutex_lock(&first->lock);
	pthread_mutex_lock(&second->lock);
	from->balance -= amount;
	to->balance += amount;
	pthread_mutex_unlock(&second->lock);
	pthread_mutex_unlock(&first->lock);
}

static void *there(void *arg)
{
	transfer(&one, &two, 30);
	return arg;
}

static void *back(void *arg)
{
	transfer(&two, &one, 20);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, there, NULL);
	pthread_create(&b, NULL, back, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	printf("%d %d\n", one.balance, two.balance);
	return 0;
}
