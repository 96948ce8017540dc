/* SPDX-License-Identifier: MIT */
/* An object whose thread is started before the object is complete.
 *
 * The new thread may run at once and sees a period of zero.
 *
 * Finds  data-race crash
 */
#include <pthread.h>
#include <stdio.h>

struct sampler {
	pthread_t thread;
	int period, samples;
};

static void *sample(void *arg)
{
	struct sampler *s = arg;
	s->samples = 1000 / s->period;
	return NULL;
}

static int sampler_open(struct sampler *s)
{
#ifdef FIXED
	s->period = 50;
	return pthread_create(&s->thread, NULL, sample, s);
#else
	int why = pthread_create(&s->thread, NULL, sample, s);
	s->period = 50;
	return why;
#endif
}

int main(void)
{
	static struct sampler s;
	if (sampler_open(&s) != 0)
		return 2;
	pthread_join(s.thread, NULL);
	printf("%d samples\n", s.samples);
	return 0;
}
