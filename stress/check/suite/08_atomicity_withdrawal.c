/* SPDX-License-Identifier: MIT */
/* A withdrawal that looks at the balance, unlocks, and takes the money later.
 *
 * Each access is protected and nothing races; but two withdrawals can both find enough, and the account is overdrawn.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int balance = 100;

static bool withdraw(int amount)
{
	pthread_mutex_lock(&lock);
	bool enough = balance >= amount;
#ifndef FIXED
	pthread_mutex_unlock(&lock);
#endif
	if (enough) {
#ifndef FIXED
		pthread_mutex_lock(&lock);
#endif
		balance -= amount;
#ifndef FIXED
		pthread_mutex_unlock(&lock);
#endif
	}
#ifdef FIXED
	pthread_mutex_unlock(&lock);
#endif
	return enough;
}

static void *customer(void *arg)
{
	withdraw(70);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, customer, NULL);
	pthread_create(&b, NULL, customer, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	assert(balance >= 0);
	return 0;
}
