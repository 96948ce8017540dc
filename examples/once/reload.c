/* SPDX-License-Identifier: MIT */
/* Taking an instance out while others ask for it, and a load that fails: `onceproof check reload.c` tries all orders, with futexes; with
 * -DONCE_NO_FUTEX behind `--`, the other way to wait. */
#include <onceproof.h>
#include <onceproof/once.h>

enum { WHOLE = 42 };

struct settings {
	int value;
};

static struct once settings;
static struct settings made[4];
static int loads, unloads, failing; /* `loads`: written by who loads, one after the other */
static void *got[2];                /* each by one actor */

static void *load(void *arg)
{
	(void)arg;
	if (failing) {
		failing = 0;
		errno = EAGAIN;
		return NULL;
	}
	made[loads].value = WHOLE;
	return &made[loads++];
}

static void set_up(void)
{
	settings = (struct once)ONCE_INIT;
	loads = unloads = failing = 0;
	memset(made, 0, sizeof made);
}

static void set_up_to_fail(void)
{
	set_up();
	failing = 1;
}

static void get(void **to)
{
	errno = 0;
	*to = once_get(&settings, load, NULL);
	ONCEPROOF_EXPECT(*to || errno == EAGAIN, "no settings, and errno is %d", errno);
}

static void get_first(void)
{
	get(&got[0]);
}

static void get_second(void)
{
	get(&got[1]);
}

static void take(void)
{
	struct settings *old = once_reset(&settings);
	if (!old)
		return;
	ONCEPROOF_EXPECT(old->value == WHOLE, "settings that are not whole were handed over");
	unloads++;
}

static void check(void)
{
	take();
	ONCEPROOF_EXPECT(loads == unloads, "%d loaded, %d taken out", loads, unloads);
	ONCEPROOF_EXPECT(got[0] || got[1], "one load failed, and two calls say so");
}

ONCEPROOF_SCENARIO(taken_while_asked_for, .set_up = set_up, .actors = {get_first, take, get_second}, .check = check);
ONCEPROOF_SCENARIO(failed_once, .set_up = set_up_to_fail, .actors = {get_first, get_second}, .check = check);
