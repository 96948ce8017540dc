/* SPDX-License-Identifier: MIT */
/* Threads ----------------------------------------------------------------------------------------------------------------------------- */

static int number_of(const struct thread *parent)
{
	for (unsigned i = 1; i < sizeof creators / sizeof *creators; i++)
		if (creators[i].parent == parent->number && creators[i].nth == parent->children)
			return (int)i;
	return -1;
}

static void note_stack(struct thread *t)
{
	pthread_attr_t attr;
	void *low;
	size_t bytes;
	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &low, &bytes) == 0) {
		t->stack_low = (uintptr_t)low;
		t->stack_bytes = bytes;
	}
	pthread_attr_destroy(&attr);
}

static void thread_ends(void *arg)
{
	struct thread *self = (struct thread *)arg;
	give_back(self);
	self->state = ENDED;
	wake(self);
	me = NULL;
	move_on(self);
}

static void *thread_begins(void *arg)
{
	struct thread *self = (struct thread *)arg;
	void *result;
	note_stack(self);
	await_turn(self);
	me = self;
	pthread_cleanup_push(thread_ends, self);
	result = self->start(self->arg);
	pthread_cleanup_pop(1);
	return result;
}

static int create(const void *pc, pthread_t *handle, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	struct thread *self = me;
	if (!self)
		return real.create(handle, attr, start, arg);
	comes_to(self, pc, CALLS, "creates a thread");
	if (thread_count == THREADS_MAX)
		return EAGAIN;
	struct thread *t = &threads[thread_count];
	*t = (struct thread){.id = thread_count, .number = number_of(self), .start = start, .arg = arg, .file = OF_OTHERS};
	self->children++;
	t->own = next_own(t, 0);
	t->clock = self->clock;
	t->clock.at[t->id] = 1;
	self->clock.at[self->id]++;
	thread_count++;
	int why = real.create(&t->handle, attr, thread_begins, t);
	if (why) {
		t->state = ENDED;
		return why;
	}
	t->has_handle = 1;
	*handle = t->handle;
	has_done(self, pc, NULL, 0, 1);
	return 0;
}

int pthread_create(pthread_t *handle, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	return create(SITE, handle, attr, start, arg);
}

static int join(const void *pc, pthread_t handle, void **result)
{
	struct thread *self = me, *t = NULL;
	for (int i = 0; self && i < thread_count; i++)
		if (threads[i].has_handle && !threads[i].joined && pthread_equal(threads[i].handle, handle))
			t = &threads[i];
	if (!t)
		return real.join(handle, result);
	comes_to(self, pc, CALLS, "join");
	char text[40];
	snprintf(text, sizeof text, "%s to end", thread_name(t));
	while (t->state != ENDED)
		wait_for(self, t, text, 0);
	t->joined = 1;
	join_clock(&self->clock, &t->clock);
	has_done(self, pc, NULL, 0, 1);
	return real.join(handle, result);
}

int pthread_join(pthread_t handle, void **result)
{
	return join(SITE, handle, result);
}

void pthread_exit(void *result)
{
	/* The thread of main has nobody who notices. */
	if (me && me->id == 0)
		thread_ends(me);
	real.exit(result);
	abort();
}

struct c11_start {
	thrd_start_t start;
	void *arg;
};

static void *c11_begins(void *arg)
{
	struct c11_start it = *(struct c11_start *)arg;
	free(arg);
	return (void *)(intptr_t)it.start(it.arg);
}

int thrd_create(thrd_t *handle, thrd_start_t start, void *arg)
{
	struct c11_start *it = (struct c11_start *)malloc(sizeof *it);
	if (!it)
		return thrd_nomem;
	*it = (struct c11_start){start, arg};
	return create(SITE, handle, NULL, c11_begins, it) == 0 ? thrd_success : thrd_error;
}

int thrd_join(thrd_t handle, int *result)
{
	void *got;
	if (join(SITE, handle, &got) != 0)
		return thrd_error;
	if (result)
		*result = (int)(intptr_t)got;
	return thrd_success;
}

void thrd_exit(int result)
{
	pthread_exit((void *)(intptr_t)result);
}

/* Who gives way, or sleeps, waits for others. */
static void gives_way(const void *pc)
{
	struct thread *self = me;
	if (!self)
		return;
	comes_to(self, pc, CALLS, "yield");
	self->spins += SPIN_YIELD;
	self->ring[0] = ((uintptr_t)pc * 31) * 0x9e3779b97f4a7c15u;
	has_done(self, pc, NULL, 0, 0);
}

int sched_yield(void)
{
	gives_way(SITE);
	return 0;
}

void thrd_yield(void)
{
	gives_way(SITE);
}

int thrd_sleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	gives_way(SITE);
	return 0;
}

int usleep(useconds_t us)
{
	(void)us;
	gives_way(SITE);
	return 0;
}

unsigned sleep(unsigned seconds)
{
	(void)seconds;
	gives_way(SITE);
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	gives_way(SITE);
	return 0;
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *time, struct timespec *left)
{
	(void)id, (void)flags, (void)time, (void)left;
	gives_way(SITE);
	return 0;
}
