/* SPDX-License-Identifier: MIT */
/* Locks ------------------------------------------------------------------------------------------------------------------------------- */

static void takes(struct thread *self, struct object *o)
{
	join_clock(&self->clock, &o->clock);
	o->owner = self->id + 1;
	o->owner_file = self->file;
	o->owner_line = self->line;
}

static int take_mutex(struct thread *self, pthread_mutex_t *m, int timed)
{
	int why;
	while ((why = real.mutex_trylock(m)) == EBUSY) {
		struct object *o = object_of(m);
		/* PTHREAD_MUTEX_ERRORCHECK: the one kind that says so. */
		if (o->owner == self->id + 1 && (m->__data.__kind & 3) == PTHREAD_MUTEX_ERRORCHECK_NP)
			return EDEADLK;
		if (wait_for(self, m, "a mutex", timed))
			return ETIMEDOUT;
	}
	if (why == 0 || why == EOWNERDEAD)
		takes(self, object_of(m));
	return why;
}

static int give_mutex(struct thread *self, pthread_mutex_t *m)
{
	struct object *o = object_of(m);
	int why = real.mutex_unlock(m);
	if (why == 0) {
		publish(self, &o->clock);
		o->owner = 0;
		wake(m);
	}
	return why;
}

static int lock_mutex(const void *pc, pthread_mutex_t *m, const char *operation, int timed, int tries)
{
	struct thread *self = me;
	int why;
	if (!self) {
		while ((why = real.mutex_trylock(m)) == EBUSY && !tries)
			syscall(SYS_sched_yield);
		return why;
	}
	comes_to(self, pc, CALLS, operation);
	heap_check(self, (uintptr_t)m, "locks");
	if (tries) {
		why = real.mutex_trylock(m);
		if (why == 0)
			takes(self, object_of(m));
	} else
		why = take_mutex(self, m, timed);
	has_done(self, pc, m, 0, why == 0);
	return why;
}

static int unlock_mutex(const void *pc, pthread_mutex_t *m)
{
	struct thread *self = me;
	if (!self)
		return real.mutex_unlock(m);
	comes_to(self, pc, CALLS, "unlock");
	heap_check(self, (uintptr_t)m, "unlocks");
	return give_mutex(self, m);
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
	return lock_mutex(SITE, m, "lock", 0, 0);
}

int pthread_mutex_trylock(pthread_mutex_t *m)
{
	return lock_mutex(SITE, m, "trylock", 0, 1);
}

int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *time)
{
	(void)time;
	return lock_mutex(SITE, m, "lock", 1, 0);
}

int pthread_mutex_unlock(pthread_mutex_t *m)
{
	return unlock_mutex(SITE, m);
}

static int as_thrd(int why)
{
	return why == 0 ? thrd_success : why == EBUSY ? thrd_busy : why == ETIMEDOUT ? thrd_timedout : thrd_error;
}

/* glibc's mtx_t and cnd_t are those of pthread. */
int mtx_lock(mtx_t *m)
{
	return as_thrd(lock_mutex(SITE, (pthread_mutex_t *)(void *)m, "lock", 0, 0));
}

int mtx_trylock(mtx_t *m)
{
	return as_thrd(lock_mutex(SITE, (pthread_mutex_t *)(void *)m, "trylock", 0, 1));
}

int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict time)
{
	(void)time;
	return as_thrd(lock_mutex(SITE, (pthread_mutex_t *)(void *)m, "lock", 1, 0));
}

int mtx_unlock(mtx_t *m)
{
	return as_thrd(unlock_mutex(SITE, (pthread_mutex_t *)(void *)m));
}

static int lock_rw(const void *pc, pthread_rwlock_t *l, int write, int tries)
{
	struct thread *self = me;
	int why;
	if (self)
		comes_to(self, pc, CALLS, write ? "write lock" : "read lock");
	while ((why = write ? real.trywrlock(l) : real.tryrdlock(l)) == EBUSY && !tries) {
		if (self)
			wait_for(self, l, "a read-write lock", 0);
		else
			syscall(SYS_sched_yield);
	}
	if (self && why == 0) {
		struct object *o = object_of(l);
		takes(self, o);
		if (write)
			join_clock(&self->clock, &o->readers);
		o->count += !write;
	}
	if (self)
		has_done(self, pc, l, 0, why == 0);
	return why;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	return lock_rw(SITE, l, 0, 0);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	return lock_rw(SITE, l, 1, 0);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
	return lock_rw(SITE, l, 0, 1);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
	return lock_rw(SITE, l, 1, 1);
}

int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
	struct thread *self = me;
	if (self) {
		struct object *o = object_of(l);
		comes_to(self, SITE, CALLS, "rwlock unlock");
		publish(self, o->count ? &o->readers : &o->clock);
		o->count -= o->count > 0;
		o->owner = 0;
	}
	int why = real.rwlock_unlock(l);
	if (self)
		wake(l);
	return why;
}

static int lock_spin(const void *pc, pthread_spinlock_t *l, int tries)
{
	struct thread *self = me;
	int why;
	if (self)
		comes_to(self, pc, CALLS, tries ? "spin trylock" : "spin lock");
	while ((why = real.spin_trylock(l)) == EBUSY && !tries) {
		if (self)
			wait_for(self, (const void *)(uintptr_t)l, "a spin lock", 0);
		else
			syscall(SYS_sched_yield);
	}
	if (self && why == 0)
		takes(self, object_of(l));
	if (self)
		has_done(self, pc, l, 0, why == 0);
	return why;
}

int pthread_spin_lock(pthread_spinlock_t *l)
{
	return lock_spin(SITE, l, 0);
}

int pthread_spin_trylock(pthread_spinlock_t *l)
{
	return lock_spin(SITE, l, 1);
}

int pthread_spin_unlock(pthread_spinlock_t *l)
{
	struct thread *self = me;
	if (self) {
		comes_to(self, SITE, CALLS, "spin unlock");
		publish(self, &object_of(l)->clock);
		object_of(l)->owner = 0;
	}
	int why = real.spin_unlock(l);
	if (self)
		wake((const void *)(uintptr_t)l);
	return why;
}

/* Condition variables: the program's own are not touched, their waiters wait here. */
static int wait_cond(const void *pc, const void *c, pthread_mutex_t *m, int timed)
{
	struct thread *self = me;
	if (!self)
		return EINVAL;
	comes_to(self, pc, CALLS, "cond wait");
	heap_check(self, (uintptr_t)c, "waits on");
	self->signalled = 0;
	self->since = ++waits;
	int given = give_mutex(self, m), late = 0;
	if (given)
		return given;
	while (!self->signalled && !late)
		late = wait_for(self, c, "a signal", timed);
	comes_to(self, pc, CALLS, late ? "cond timeout" : "cond woken");
	comes_to(self, pc, CALLS, "lock");
	int why = take_mutex(self, m, 0);
	return why ? why : late ? ETIMEDOUT : 0;
}

static int signal_cond(const void *pc, const void *c, int all)
{
	struct thread *self = me, *first;
	if (!self)
		return 0;
	comes_to(self, pc, CALLS, all ? "cond broadcast" : "cond signal");
	heap_check(self, (uintptr_t)c, "signals");
	do {
		first = NULL;
		for (int i = 0; i < thread_count; i++) {
			struct thread *t = &threads[i];
			if (t->state != WAITING || t->object != c || t->signalled)
				continue;
			/* The witness' next steps say who was woken; else who came first. */
			if (!first || t->own < first->own || (t->own == first->own && t->since < first->since))
				first = t;
		}
		if (first) {
			first->signalled = 1;
			first->state = READY;
		}
	} while (all && first);
	has_done(self, pc, c, 0, 1);
	return 0;
}

int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	return wait_cond(SITE, c, m, 0);
}

int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *time)
{
	(void)time;
	return wait_cond(SITE, c, m, 1);
}

int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t id, const struct timespec *time)
{
	(void)id, (void)time;
	return wait_cond(SITE, c, m, 1);
}

int pthread_cond_signal(pthread_cond_t *c)
{
	return signal_cond(SITE, c, 0);
}

int pthread_cond_broadcast(pthread_cond_t *c)
{
	return signal_cond(SITE, c, 1);
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
	return as_thrd(wait_cond(SITE, c, (pthread_mutex_t *)(void *)m, 0));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict time)
{
	(void)time;
	return as_thrd(wait_cond(SITE, c, (pthread_mutex_t *)(void *)m, 1));
}

int cnd_signal(cnd_t *c)
{
	return as_thrd(signal_cond(SITE, c, 0));
}

int cnd_broadcast(cnd_t *c)
{
	return as_thrd(signal_cond(SITE, c, 1));
}

static int wait_sem(const void *pc, sem_t *s, int timed, int tries)
{
	struct thread *self = me;
	int done;
	if (self)
		comes_to(self, pc, CALLS, tries ? "sem trywait" : "sem wait");
	while ((done = real.sem_trywait(s)) != 0 && errno == EAGAIN && !tries) {
		if (!self)
			syscall(SYS_sched_yield);
		else if (wait_for(self, s, "a semaphore", timed)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	if (self && done == 0)
		join_clock(&self->clock, &object_of(s)->clock);
	if (self) {
		int why = errno;
		has_done(self, pc, s, 0, done == 0);
		errno = why;
	}
	return done;
}

int sem_wait(sem_t *s)
{
	return wait_sem(SITE, s, 0, 0);
}

int sem_trywait(sem_t *s)
{
	return wait_sem(SITE, s, 0, 1);
}

int sem_timedwait(sem_t *restrict s, const struct timespec *restrict time)
{
	(void)time;
	return wait_sem(SITE, s, 1, 0);
}

int sem_post(sem_t *s)
{
	struct thread *self = me;
	if (self) {
		comes_to(self, SITE, CALLS, "sem post");
		heap_check(self, (uintptr_t)s, "posts");
		publish(self, &object_of(s)->clock);
	}
	int done = real.sem_post(s);
	if (self)
		wake(s);
	return done;
}

int pthread_barrier_init(pthread_barrier_t *restrict b, const pthread_barrierattr_t *restrict attr, unsigned count)
{
	if (objects)
		object_of(b)->count = count;
	return real.barrier_init ? real.barrier_init(b, attr, count) : 0;
}

int pthread_barrier_wait(pthread_barrier_t *b)
{
	struct thread *self = me;
	struct object *o = object_of(b);
	if (!self)
		return EINVAL;
	comes_to(self, SITE, CALLS, "barrier wait");
	publish(self, &o->clock);
	unsigned round = o->round;
	int last = ++o->arrived == o->count;
	if (last) {
		o->arrived = 0;
		o->round++;
		wake(b);
	}
	while (o->round == round)
		wait_for(self, b, "a barrier", 0);
	comes_to(self, SITE, CALLS, "barrier leave");
	join_clock(&self->clock, &o->clock);
	return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

static void once(const void *pc, void *control, void (*run)(void))
{
	struct thread *self = me;
	struct object *o = object_of(control);
	if (!self) {
		if (!o->once)
			o->once = 2, run();
		return;
	}
	comes_to(self, pc, CALLS, "once");
	while (o->once == 1)
		wait_for(self, control, "the one call", 0);
	if (o->once == 0) {
		o->once = 1;
		takes(self, o);
		run();
		comes_to(self, pc, CALLS, "once done");
		publish(self, &o->clock);
		o->owner = 0;
		o->once = 2;
		wake(control);
	}
	join_clock(&self->clock, &o->clock);
}

int pthread_once(pthread_once_t *control, void (*run)(void))
{
	once(SITE, control, run);
	return 0;
}

void call_once(once_flag *flag, void (*run)(void))
{
	once(SITE, flag, run);
}

/* What initialises the static objects of C++ functions. */
int __cxa_guard_acquire(unsigned char *guard);
int __cxa_guard_acquire(unsigned char *guard)
{
	struct thread *self = me;
	if (self)
		comes_to(self, SITE, CALLS, "once");
	while (!guard[0] && guard[1] && self)
		wait_for(self, guard, "the initialisation of a static object", 0);
	if (self)
		join_clock(&self->clock, &object_of(guard)->clock);
	return guard[0] ? 0 : (guard[1] = 1);
}

void __cxa_guard_release(unsigned char *guard);
void __cxa_guard_release(unsigned char *guard)
{
	guard[1] = 0;
	guard[0] = 1;
	if (me) {
		publish(me, &object_of(guard)->clock);
		wake(guard);
	}
}

void __cxa_guard_abort(unsigned char *guard);
void __cxa_guard_abort(unsigned char *guard)
{
	guard[1] = 0;
	if (me)
		wake(guard);
}

#if WATCHES_HEAP
static size_t freed_room;

void free(void *block)
{
	struct thread *self = me;
	if (!block)
		return;
	if (!self) {
		if (real.free)
			real.free(block);
		return;
	}
	comes_to(self, SITE, WRITES, "free");
	heap_check(self, (uintptr_t)block, "frees");
	if (watches_races)
		race_check(self, (uintptr_t)block, malloc_usable_size(block), FREES, 0);
	if (freed_count == freed_room) {
		freed_room = freed_room ? 2 * freed_room : 256;
		freed = (struct freed *)realloc(freed, freed_room * sizeof *freed);
		if (!freed)
			_exit(CANNOT);
	}
	freed[freed_count++] =
		(struct freed){(uintptr_t)block, (uintptr_t)block + malloc_usable_size(block), self->id, self->file, self->line};
	effects++;
}
#endif
