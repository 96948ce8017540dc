/* SPDX-License-Identifier: MIT */
/* Hidden state of the C library: random numbers, environment, locale, options. Each execution begins with it as it was. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "runtime.h"

#define TAKEN __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

/* Random numbers: one sequence for all threads, as in the C library, so who draws first matters. The generator is the one of the C
 * standard's example with more state (Knuth's constants); programs may rely on no other property than that a seed repeats it. */
enum { RANDOM_SEED = 1 };

static enum applied draw(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->expected ? op->operand : (uint32_t)(value * 1664525u + 1013904223u);
	return APPLIED_WRITE;
}

/* The state before the draw; SEEDS: sets it to SEED instead. */
static uint32_t random_step(bool seeds, uint32_t seed, const void *site)
{
	struct operation op = {.kind = EVENT_UPDATE,
		.tag = STEP_OTHER,
		.order = ORDER_RELAXED,
		.order_failed = ORDER_RELAXED,
		.chain = true,
		.bytes = 4,
		.address = (uintptr_t)&process->random_cell,
		.operand = seed,
		.expected = seeds,
		.apply = draw,
		.site = site};
	return (uint32_t)runtime_perform(&op, RANDOM_SEED, NULL, NULL, NULL);
}

static enum applied count(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = (uint32_t)(value + 1);
	return APPLIED_WRITE;
}

void process_effect(const void *site)
{
	if (!runtime_on() || !process)
		return;
	runtime_enter();
	process->turns++;
	struct operation op = {.kind = EVENT_UPDATE,
		.tag = STEP_OTHER,
		.order = ORDER_RELAXED,
		.order_failed = ORDER_RELAXED,
		.chain = true,
		.bytes = 4,
		.address = (uintptr_t)&process->effect_cell,
		.apply = count,
		.site = site};
	runtime_perform(&op, 0, NULL, NULL, NULL);
}

static long draw_31_bits(const void *site)
{
	uint32_t state = random_step(false, 0, site);
	/* The high bits of two steps: the low ones of such a generator repeat soon. */
	return (long)((state >> 1 ^ state * 2654435761u >> 3) & 0x7fffffff);
}

TAKEN int explored_rand(void);
int explored_rand(void)
{
	return runtime_on() && process ? (int)draw_31_bits(SITE) : rand();
}

TAKEN long explored_random(void);
long explored_random(void)
{
	return runtime_on() && process ? draw_31_bits(SITE) : random();
}

TAKEN long explored_lrand48(void);
long explored_lrand48(void)
{
	return runtime_on() && process ? draw_31_bits(SITE) : lrand48();
}

TAKEN double explored_drand48(void);
double explored_drand48(void)
{
	return runtime_on() && process ? (double)draw_31_bits(SITE) / 2147483648.0 : drand48();
}

TAKEN void explored_srand(unsigned seed);
void explored_srand(unsigned seed)
{
	if (runtime_on() && process)
		random_step(true, seed, SITE);
	else
		srand(seed);
}

TAKEN void explored_srandom(unsigned seed);
void explored_srandom(unsigned seed)
{
	explored_srand(seed);
}

TAKEN void explored_srand48(long seed);
void explored_srand48(long seed)
{
	explored_srand((unsigned)seed);
}

TAKEN int explored_rand_r(unsigned *seed);
int explored_rand_r(unsigned *seed)
{
	if (runtime_on()) {
		runtime_access(seed, sizeof *seed, false, SITE);
		runtime_access(seed, sizeof *seed, true, SITE);
	}
	int drawn = rand_r(seed);
	if (runtime_on())
		runtime_wrote();
	return drawn;
}

/* strtok: its place in the text is shared by all threads, and races. */
char *explored_strtok_r(char *text, const char *delimiters, char **place);
TAKEN char *explored_strtok(char *text, const char *delimiters);
char *explored_strtok(char *text, const char *delimiters)
{
	return runtime_on() && process ? explored_strtok_r(text, delimiters, &process->token) : strtok(text, delimiters);
}

/* Environment and locale: reading races with changing, as POSIX says. */
static void touch(enum hidden what, bool write, const void *site)
{
	if (runtime_on() && process)
		runtime_access(&process->hidden_cell[what], sizeof process->hidden_cell[what], write, site);
}

TAKEN char *explored_getenv(const char *name);
char *explored_getenv(const char *name)
{
	touch(HIDDEN_ENVIRONMENT, false, SITE);
	return getenv(name);
}

TAKEN char *explored_secure_getenv(const char *name);
char *explored_secure_getenv(const char *name)
{
	touch(HIDDEN_ENVIRONMENT, false, SITE);
	return getenv(name);
}

static void changes_environment(const void *site)
{
	touch(HIDDEN_ENVIRONMENT, true, site);
	if (runtime_on() && process)
		process->environment_changed = true;
}

TAKEN int explored_setenv(const char *name, const char *value, int overwrite);
int explored_setenv(const char *name, const char *value, int overwrite)
{
	changes_environment(SITE);
	return setenv(name, value, overwrite);
}

TAKEN int explored_unsetenv(const char *name);
int explored_unsetenv(const char *name)
{
	changes_environment(SITE);
	return unsetenv(name);
}

TAKEN int explored_putenv(char *setting);
int explored_putenv(char *setting)
{
	changes_environment(SITE);
	return putenv(setting);
}

TAKEN int explored_clearenv(void);
int explored_clearenv(void)
{
	changes_environment(SITE);
	return clearenv();
}

TAKEN char *explored_setlocale(int category, const char *locale);
char *explored_setlocale(int category, const char *locale)
{
	touch(HIDDEN_LOCALE, locale != NULL, SITE);
	if (runtime_on() && process && locale)
		process->locale_changed = true;
	return setlocale(category, locale);
}

/* Options: getopt's place in the arguments. */
static void begins_options(const void *site)
{
	touch(HIDDEN_OPTIONS, true, site);
	/* 0 makes the C library forget where it was (getopt(3), "Notes"). */
	if (runtime_on() && process && !process->options_read && optind == 1)
		optind = 0;
	if (runtime_on() && process)
		process->options_read = true;
}

TAKEN int explored_getopt(int argc, char *const argv[], const char *options);
int explored_getopt(int argc, char *const argv[], const char *options)
{
	begins_options(SITE);
	return getopt(argc, argv, options);
}

TAKEN int explored_getopt_long(int argc, char *const argv[], const char *options, const struct option *longs, int *index);
int explored_getopt_long(int argc, char *const argv[], const char *options, const struct option *longs, int *index)
{
	begins_options(SITE);
	return getopt_long(argc, argv, options, longs, index);
}

TAKEN int explored_getopt_long_only(int argc, char *const argv[], const char *options, const struct option *longs, int *index);
int explored_getopt_long_only(int argc, char *const argv[], const char *options, const struct option *longs, int *index)
{
	begins_options(SITE);
	return getopt_long_only(argc, argv, options, longs, index);
}

/* Sorting: the comparison is explored code, the moves of elements are the library's. */
TAKEN void explored_qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
void explored_qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (runtime_on()) {
		runtime_access(base, count * size, false, SITE);
		runtime_access(base, count * size, true, SITE);
	}
	qsort(base, count, size, compare);
	if (runtime_on())
		runtime_wrote();
}

/* Back to the start ------------------------------------------------------------------------------------------------------------------ */

static void reset_environment(void)
{
	clearenv();
	for (char **setting = process->environment; setting && *setting; setting++)
		putenv(*setting);
}

static void reset_input(void)
{
	rewind(stdin);
	lseek(STDIN_FILENO, 0, SEEK_SET);
}

void process_reset(void)
{
	struct process *p = process;
	p->begun++;
	p->status = -1;
	p->outcome[0] = '\0';
	p->output_bytes = 0;
	p->token = NULL;
	p->at_exit.count = p->at_quick_exit.count = 0;
	if (p->input_read)
		reset_input();
	if (p->environment_changed)
		reset_environment();
	if (p->locale_changed)
		setlocale(LC_ALL, "C");
	if (p->files_opened)
		close_range((unsigned)p->first_file, ~0u, 0);
	if (p->options_read) {
		optind = 1;
		opterr = 1;
		optopt = '?';
		optarg = NULL;
	}
	p->input_read = p->environment_changed = p->locale_changed = p->files_opened = p->options_read = false;
}

void process_give_up(const char *format, uint64_t number)
{
	if (process->stop)
		return;
	snprintf(process->stopped, sizeof process->stopped, format, (unsigned long long)number);
	process->stop = 1;
}
