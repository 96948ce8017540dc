/* SPDX-License-Identifier: MIT */
/* Bad on purpose: calls library functions that it does not declare. */
#include <pthread.h>

#include "template.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	pthread_mutex_lock(&mutex);
	uint64_t step = ++c->value;
	pthread_mutex_unlock(&mutex);
	return step;
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(undeclared, .about.lesson = "");
