/* SPDX-License-Identifier: MIT */
/* Threads and turns ------------------------------------------------------------------------------------------------------------------ */

struct clock {
	unsigned at[THREADS_MAX];
};

enum state { READY, HELD, WAITING, SPINNING, ENDED };

struct thread {
	int id, number; /* number: in the witness; -1: a thread that it does not know */
	enum state state;
	pthread_t handle;
	int has_handle, joined;
	void *(*start)(void *);
	void *arg;
	int children;
	unsigned own;       /* its next step: index in points[] */
	const void *object; /* what it waits for, … */
	const char *what;   /* … in words */
	int signalled, timed, timed_out;
	unsigned long since; /* when it began to wait, or to spin */
	unsigned spins;
	uint64_t ring[8];
	unsigned ring_at;
	int file, line;      /* where it is */
	int parked;          /* goes no further before the end of the list */
	int came;            /* it was at another line before */
	unsigned stale;      /* the load that comes is to show the value of so many stores ago */
	unsigned char *lent; /* where an old value lies for one plain load, and what belongs there */
	unsigned char kept[16];
	size_t lent_bytes;
	uintptr_t stack_low, stack_bytes;
	const void *calls[CALLS_MAX]; /* where they came from */
	unsigned depth;
	struct clock clock, fence, pending; /* pending: what an acquire fence would take over */
};

static struct thread threads[THREADS_MAX];
static int thread_count;
static __thread struct thread *me;
static int turn; /* id of the thread that runs */
static unsigned seen[POINTS];
static unsigned long effects, waits;

static struct {
	__typeof__(pthread_create) *create;
	__typeof__(pthread_join) *join;
	void (*exit)(void *);
	__typeof__(pthread_mutex_trylock) *mutex_trylock;
	__typeof__(pthread_mutex_unlock) *mutex_unlock;
	__typeof__(pthread_rwlock_tryrdlock) *tryrdlock;
	__typeof__(pthread_rwlock_trywrlock) *trywrlock;
	__typeof__(pthread_rwlock_unlock) *rwlock_unlock;
	__typeof__(pthread_spin_trylock) *spin_trylock;
	__typeof__(pthread_spin_unlock) *spin_unlock;
	__typeof__(pthread_barrier_init) *barrier_init;
	__typeof__(sem_trywait) *sem_trywait;
	__typeof__(sem_post) *sem_post;
	__typeof__(free) *free;
} real;

static void await_turn(const struct thread *self)
{
	int now;
	while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != self->id)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
}

static void give_turn(const struct thread *to)
{
	__atomic_store_n(&turn, to->id, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static struct thread *by_number(int number)
{
	for (int i = 0; i < thread_count; i++)
		if (threads[i].number == number)
			return &threads[i];
	return NULL;
}

static struct thread *wanted(void)
{
	return !report->free && report->next < POINTS ? by_number(points[report->next].thread) : NULL;
}

/* Can it move now, as far as the witness is concerned, too? */
static int ready(const struct thread *t)
{
	return t->state == READY || (t->state == HELD && (report->free || (!t->parked && t->own <= report->next))) ||
	       (t->state == SPINNING && t->since != effects);
}

static const char *thread_name(const struct thread *t)
{
	static char names[4][24];
	static unsigned which;
	char *name = names[which++ % 4];
	if (t->number >= 0)
		snprintf(name, sizeof names[0], "T%d", t->number);
	else
		snprintf(name, sizeof names[0], "a further thread");
	return name;
}

struct object {
	const volatile void *address;
	int owner; /* id + 1 */
	int owner_file, owner_line;
	unsigned count, arrived, round, once;
	struct clock clock, readers; /* what its releases, those of readers apart, publish */
	struct message *messages;
	unsigned message_count, message_room;
	struct access *accesses;
};
static struct object *objects;

static struct object *object_of(const volatile void *address)
{
	size_t i = (size_t)(((uintptr_t)address >> 2) * 0x9e3779b97f4a7c15u >> 48) % OBJECTS, tries = 0;
	while (objects[i].address && objects[i].address != address && ++tries < OBJECTS)
		i = (i + 1) % OBJECTS;
	if (tries == OBJECTS) {
		snprintf(report->why, sizeof report->why, "more memory is touched than this test keeps account of");
		_exit(CANNOT);
	}
	objects[i].address = address;
	return &objects[i];
}

static void where_words(const struct thread *t, char *text, size_t bytes)
{
	if (t->file >= 0 && t->line > 0)
		snprintf(text, bytes, "%s:%d `%.120s`", files[t->file].name, t->line,
			t->line <= sources[t->file].count ? sources[t->file].text[t->line - 1] : "");
	else
		snprintf(text, bytes, "code that the witness is not about");
}

static void waiting_words(const struct thread *t, char *text, size_t bytes)
{
	char where[400];
	where_words(t, where, sizeof where);
	const struct object *object = t->object ? object_of(t->object) : NULL;
	if (t->state == SPINNING)
		snprintf(text, bytes, "%s goes round and round at %s", thread_name(t), where);
	else if (object && object->owner && t->what && strcmp(t->what, "a signal") != 0 && object->owner_file >= 0)
		snprintf(text, bytes, "%s waits for %s at %s, held by %s since %s:%d", thread_name(t), t->what, where,
			thread_name(&threads[object->owner - 1]), files[object->owner_file].name, object->owner_line);
	else
		snprintf(text, bytes, "%s waits for %s at %s", thread_name(t), t->what ? t->what : "another", where);
}

__attribute__((noreturn)) static void found(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(report->bad, sizeof report->bad, format, list);
	va_end(list);
	fflush(NULL);
	_exit(EXIT_FAILURE);
}

__attribute__((noreturn)) static void nobody_can_move(void)
{
	char text[1600] = "", one[500];
	for (int i = 0; i < thread_count; i++) {
		if (threads[i].state == ENDED)
			continue;
		waiting_words(&threads[i], one, sizeof one);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? "; " : "", one);
	}
	found("nobody can move: %s", text);
}

/* The schedule cannot be gone on with: the threads move as they like from here on. */
static void leave(const struct thread *t)
{
	const struct point *p = &points[report->next];
	char text[480];
	report->free = 1;
	if (report->how == IMPOSSIBLE)
		return;
	report->place = p->place;
	if (t && (t->state == WAITING || t->state == SPINNING)) {
		waiting_words(t, text, sizeof text);
		report->how = IMPOSSIBLE;
	} else {
		snprintf(text, sizeof text, "T%d %s", p->thread, t ? "has ended" : "does not exist");
		report->how = t && report->met_new >> (p->thread & 63) & 1 ? IMPOSSIBLE : WENT_ASIDE;
	}
	snprintf(report->why, sizeof report->why, "%s", text);
}

/* Somebody who may move although it is not their step: they have no later one here, or are on their way to it. */
static struct thread *helper(const struct thread *self)
{
	if (self->state == READY)
		return &threads[self->id];
	for (int i = 0; i < thread_count; i++)
		if (threads[i].state == READY)
			return &threads[i];
	for (int i = 0; i < thread_count; i++)
		if (threads[i].state == SPINNING && threads[i].since != effects)
			return &threads[i];
	return NULL;
}

static struct thread *somebody(struct thread *self)
{
	if (fails >= 0 && by_number(fails) && ready(by_number(fails)))
		return by_number(fails);
	if (self->state == READY)
		return self;
	for (unsigned p = 0; p < POINTS; p++)
		for (int i = 0; i < thread_count; i++)
			if (threads[i].state == HELD && threads[i].own == p)
				return &threads[i];
	for (int i = 1; i <= thread_count; i++) {
		struct thread *t = &threads[(self->id + i) % thread_count];
		if (ready(t))
			return t;
	}
	for (int i = 0; i < thread_count; i++)
		if (threads[i].state == WAITING && threads[i].timed) {
			threads[i].timed_out = 1;
			return &threads[i];
		}
	return NULL;
}

static struct thread *next_thread(struct thread *self)
{
	while (!report->free && report->next < POINTS) {
		struct thread *t = wanted(), *other;
		if (t && ready(t))
			return t;
		/* Whoever has done its turn is held at a later step. */
		if (t && t->state == HELD && report->reached[report->next]) {
			report->next++;
			continue;
		}
		if (t && t->state == WAITING && t->timed && t->own == report->next &&
			strcmp(points[t->own].operation, "cond timeout") == 0) {
			t->timed_out = 1;
			return t;
		}
		if (t && t->state == ENDED && !report->reached[report->next]) {
			leave(t);
			break;
		}
		other = helper(self);
		if (other)
			return other;
		if (t && t->state == WAITING && t->timed) {
			t->timed_out = 1;
			return t;
		}
		if (t && report->reached[report->next])
			report->next++;
		else
			leave(t);
	}
	report->free = 1;
	return somebody(self);
}

static int all_have_ended(void)
{
	int ended = 1;
	for (int i = 0; i < thread_count; i++)
		ended &= threads[i].state == ENDED;
	return ended;
}

/* Gives the turn to whoever is next, and returns when it is SELF's again. */
static void move_on(struct thread *self)
{
	struct thread *next = next_thread(self);
	if (!next && self->state == ENDED && all_have_ended())
		return;
	if (!next)
		nobody_can_move();
	if (next == self)
		return;
	give_turn(next);
	if (self->state != ENDED)
		await_turn(self);
}

static int wait_for(struct thread *self, const void *object, const char *what, int timed)
{
	self->state = WAITING;
	self->object = object;
	self->what = what;
	self->timed = timed;
	self->timed_out = 0;
	move_on(self);
	self->state = READY;
	self->object = NULL;
	return self->timed_out;
}

static void wake(const void *object)
{
	effects++;
	for (int i = 0; i < thread_count; i++)
		if (threads[i].state == WAITING && threads[i].object == object)
			threads[i].state = READY;
}

/* What a thread does ------------------------------------------------------------------------------------------------------------------ */

/* The innermost line of the program: what a library does for it happens at the line that called the library. */
static void locate(struct thread *self, const void *pc)
{
	const struct row *row = row_of((uintptr_t)pc - 1);
	int last_file = self->file, last_line = self->line;
	self->file = OF_OTHERS;
	self->line = 0;
	if (!row) {
		void *frames[32];
		/* The unwinder's own locks are nobody's. */
		me = NULL;
		int count = backtrace(frames, 32);
		me = self;
		for (int i = 0; i < count; i++) {
			const struct row *it = row_of((uintptr_t)frames[i] - 1);
			if (it && it->file >= 0) {
				row = it;
				break;
			}
		}
	}
	for (unsigned d = self->depth < CALLS_MAX ? self->depth : CALLS_MAX; (!row || row->file == OF_LIBRARY) && d-- > 0;)
		row = row_of((uintptr_t)self->calls[d] - 1);
	if (row && row->file >= 0) {
		self->file = row->file;
		self->line = row->line;
	}
	self->came = self->file != last_file || self->line != last_line;
}

static int is_at(const struct thread *self, int place)
{
	return self->file >= 0 && self->line >= now_at[place].from && self->line <= now_at[place].to &&
	       strcmp(files[self->file].name, places[place].file) == 0;
}

static int matches(const struct thread *self, const struct point *p, unsigned what, const char *operation)
{
	if (!is_at(self, p->place))
		return 0;
	if (now_at[p->place].gone)
		return self->came;
	if (p->what == ANY)
		return 1;
	return p->what & CALLS ? (what & CALLS) && (!*p->operation || strcmp(operation, p->operation) == 0)
			       : (what & p->what) != 0;
}

static void give_back(struct thread *self)
{
	if (self->lent)
		memcpy(self->lent, self->kept, self->lent_bytes);
	self->lent = NULL;
}

static unsigned next_own(const struct thread *self, unsigned from)
{
	while (from < POINTS && points[from].thread != self->number)
		from++;
	return from;
}

/* Are there no others that have not been joined? Then the witness keeps no count. */
static int is_alone(const struct thread *self)
{
	for (int i = 0; i < thread_count; i++)
		if (&threads[i] != self && !threads[i].joined)
			return 0;
	return 1;
}

/* SELF is about to do something. Returns when it may. */
static void comes_to(struct thread *self, const void *pc, unsigned what, const char *operation)
{
	unsigned char now[POINTS + 1];
	self->stale = 0;
	give_back(self);
	locate(self, pc);
	if (*operation && self->file >= 0 && is_new[self->file][self->line])
		report->met_new |= self->number >= 0 ? 1ull << self->number : 0;
	const struct thread *other = wanted();
	if (other && other != self && ready(other))
		move_on(self);
	while (self->parked && !report->free) {
		self->state = HELD;
		move_on(self);
	}
	self->state = READY;
	if (self->own >= POINTS || report->free || (is_alone(self) && strcmp(operation, "creates a thread") != 0))
		return;
	for (unsigned p = self->own; p < POINTS; p = next_own(self, p + 1)) {
		now[p] = (unsigned char)matches(self, &points[p], what, operation);
		seen[p] += now[p];
	}
	/* One step of the program may be what were several: an update of an object that has become atomic. */
	while (self->own < POINTS && !report->free && now[self->own] && seen[self->own] == points[self->own].nth) {
		while (!report->free && report->next < self->own) {
			self->state = HELD;
			move_on(self);
		}
		self->state = READY;
		if (!report->free) {
			report->reached[self->own] = 1;
			self->stale = points[self->own].stale;
			self->parked = points[self->own].parks;
		}
		self->own = next_own(self, self->own + 1);
	}
}

/* SELF did something: to others (EFFECT), or looked at something again and again, as those do who wait in a loop. */
static void has_done(struct thread *self, const void *pc, const volatile void *address, uint64_t value, int effect)
{
	uint64_t key = ((uintptr_t)pc * 31 + (uintptr_t)address) * 0x9e3779b97f4a7c15u + value;
	if (effect) {
		effects++;
		self->spins = 0;
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		if (self->ring[i] == key) {
			if (++self->spins < SPINS_MAX)
				return;
			self->spins = 0;
			self->state = SPINNING;
			self->since = effects;
			move_on(self);
			self->state = READY;
			return;
		}
	self->ring[self->ring_at++ % 8] = key;
	self->spins = 0;
}
