/* SPDX-License-Identifier: MIT */
/* Thread-specific data: pthread_key_* and tss_*.
 *
 * Creating and deleting keys are operations on one object, the table, so that numbers follow its order. Values are private to a thread
 * and orders nothing.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>

#include "sync.h"

/* The table has no address in the program; this one is nobody else's. */
enum { KEYS_MAX = PTHREAD_KEYS_MAX, HOST = GRAPH_THREADS_MAX, TABLE_AT = 8 };

/* A key's number of creation is never used again, so values of former keys and executions are recognised by theirs. */
struct key {
	uint64_t creation; /* 0: free */
	bool lasts;        /* made by the host: exists in every execution */
	void (*destructor)(void *);
};

struct value {
	uint64_t creation;
	uint32_t generation; /* of the execution */
	void *value;
};

struct keys {
	uint64_t creations;
	uint32_t used; /* keys below this number may be in use */
	struct key key[KEYS_MAX];
	uint32_t set[GRAPH_THREADS_MAX + 1]; /* by thread: keys below this number may have a value */
	uint32_t set_generation[GRAPH_THREADS_MAX + 1];
	struct value value[GRAPH_THREADS_MAX + 1][KEYS_MAX];
};

static struct keys *keys; /* set once, by the first use */

static bool ready(void)
{
	if (keys)
		return true;
	void *made = mmap(NULL, sizeof *keys, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (made == MAP_FAILED)
		return false;
	keys = made;
	return true;
}

void sync_keys_clear(void)
{
	if (!keys)
		return;
	for (uint32_t k = 0; k < keys->used; k++)
		if (!keys->key[k].lasts)
			keys->key[k].creation = 0;
	while (keys->used && !keys->key[keys->used - 1].creation)
		keys->used--;
}

/* The host's values last; a thread's are its execution's. */
static struct value *value_of(unsigned thread, uint32_t k)
{
	struct value *v = &keys->value[thread][k];
	uint32_t generation = thread == HOST || !sync_state ? 0 : sync_state->generation;
	if (v->creation != keys->key[k].creation || v->generation != generation)
		*v = (struct value){.creation = keys->key[k].creation, .generation = generation};
	return v;
}

static bool exists(uint32_t k)
{
	return keys && k < keys->used && keys->key[k].creation != 0;
}

static enum applied apply_change(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value + 1;
	return APPLIED_WRITE;
}

static void change_table(const void *site)
{
	runtime_enter();
	struct sync_object *o = sync_object((const void *)TABLE_AT, SYNC_KEYS, NULL);
	struct operation op = sync_operation(o, STEP_OTHER, ORDER_RELAXED, apply_change, site);
	sync_perform(o, &op, NULL);
}

static int create(uint32_t *number, void (*destructor)(void *), const void *site)
{
	bool host = !runtime_on();
	if (!ready())
		return ENOMEM;
	if (!host)
		change_table(site);
	uint32_t k = 0;
	while (k < KEYS_MAX && keys->key[k].creation)
		k++;
	if (k == KEYS_MAX)
		return EAGAIN;
	keys->key[k] = (struct key){.creation = ++keys->creations, .lasts = host, .destructor = destructor};
	if (k >= keys->used)
		keys->used = k + 1;
	if (host)
		*number = k;
	else
		sync_write(number, &k, sizeof k, site);
	return 0;
}

static int delete (uint32_t k, const void *site)
{
	if (runtime_on() && keys)
		change_table(site);
	if (!exists(k))
		return EINVAL;
	keys->key[k].creation = 0;
	return 0;
}

static void *get(uint32_t k)
{
	return exists(k) ? value_of(runtime_on() ? runtime->current : HOST, k)->value : NULL;
}

static int set(uint32_t k, const void *value)
{
	unsigned self = runtime_on() ? runtime->current : HOST;
	if (!exists(k))
		return EINVAL;
	value_of(self, k)->value = (void *)value;
	uint32_t generation = sync_state ? sync_state->generation : 0;
	if (keys->set_generation[self] != generation)
		keys->set[self] = 0;
	keys->set_generation[self] = generation;
	if (k >= keys->set[self])
		keys->set[self] = k + 1;
	return 0;
}

/* Runs each destructor once; were there any? */
static bool destroy_round(unsigned self)
{
	bool any = false;
	for (uint32_t k = 0; k < keys->set[self]; k++) {
		if (!exists(k))
			continue;
		struct value *v = value_of(self, k);
		void *value = v->value;
		if (!value)
			continue;
		v->value = NULL;
		if (!keys->key[k].destructor)
			continue;
		keys->key[k].destructor(value);
		runtime_enter();
		any = true;
	}
	return any;
}

void sync_keys_end(void)
{
	unsigned self = runtime->current;
	if (!keys || keys->set_generation[self] != sync_state->generation)
		return;
	for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++)
		if (!destroy_round(self))
			return;
}

void sync_each_value(void (*see)(void *value, void *arg), void *arg)
{
	if (!keys || !sync_state)
		return;
	for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++) {
		/* What an ended thread kept is lost; the first one's lasts as long as the program. */
		if (keys->set_generation[t] != sync_state->generation || (t && runtime->thread[t].ended))
			continue;
		for (uint32_t k = 0; k < keys->set[t]; k++)
			if (exists(k) && value_of(t, k)->value)
				see(value_of(t, k)->value, arg);
	}
}

int explored_pthread_key_create(pthread_key_t *k, void (*destructor)(void *));
int explored_pthread_key_create(pthread_key_t *k, void (*destructor)(void *))
{
	return create(k, destructor, SYNC_SITE);
}

int explored_pthread_key_delete(pthread_key_t k);
int explored_pthread_key_delete(pthread_key_t k)
{
	return delete (k, SYNC_SITE);
}

void *explored_pthread_getspecific(pthread_key_t k);
void *explored_pthread_getspecific(pthread_key_t k)
{
	return get(k);
}

int explored_pthread_setspecific(pthread_key_t k, const void *value);
int explored_pthread_setspecific(pthread_key_t k, const void *value)
{
	return set(k, value);
}

int explored_tss_create(tss_t *k, tss_dtor_t destructor);
int explored_tss_create(tss_t *k, tss_dtor_t destructor)
{
	return create(k, destructor, SYNC_SITE) == 0 ? thrd_success : thrd_error;
}

void explored_tss_delete(tss_t k);
void explored_tss_delete(tss_t k)
{
	delete (k, SYNC_SITE);
}

void *explored_tss_get(tss_t k);
void *explored_tss_get(tss_t k)
{
	return get(k);
}

int explored_tss_set(tss_t k, void *value);
int explored_tss_set(tss_t k, void *value)
{
	return set(k, value) == 0 ? thrd_success : thrd_error;
}
