/* SPDX-License-Identifier: MIT */
/* A configuration that is loaded by whoever needs it first.
 *
 * Two threads both see that it was not loaded yet, and both load it: the second overwrites what the first handed out already.
 *
 * Finds  data-race assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
	char host[32];
	int port;
};

static struct config *config;
static int loads;

static void load_config(void)
{
	struct config *made = malloc(sizeof *made);
	if (!made)
		exit(2);
	strcpy(made->host, "localhost");
	made->port = 8080;
	loads++;
	config = made;
}

static struct config *get_config(void)
{
#ifdef FIXED
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load_config);
#else
	if (config == NULL)
		load_config();
#endif
	return config;
}

static void *serve(void *arg)
{
	const struct config *c = get_config();
	printf("connecting to %s:%d\n", c->host, c->port);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, serve, NULL);
	pthread_create(&b, NULL, serve, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	assert(loads == 1);
	free(config);
	return 0;
}
