/* SPDX-License-Identifier: MIT */
/* Happens-before ---------------------------------------------------------------------------------------------------------------------- */

static void join_clock(struct clock *to, const struct clock *from)
{
	for (int i = 0; i < thread_count; i++)
		if (to->at[i] < from->at[i])
			to->at[i] = from->at[i];
}

/* What SELF did so far is known to whoever takes CLOCK over. */
static void publish(struct thread *self, struct clock *clock)
{
	join_clock(clock, &self->clock);
	self->clock.at[self->id]++;
}

struct message {
	uint64_t value;
	int writer;
	unsigned epoch;
	int total; /* sequentially consistent */
	struct clock clock;
};
static struct clock total; /* of the sequentially consistent fences */

enum {
	RELAXED = __ATOMIC_RELAXED,
	CONSUME = __ATOMIC_CONSUME,
	ACQUIRE = __ATOMIC_ACQUIRE,
	RELEASE = __ATOMIC_RELEASE,
	PLAIN = -1
};

static int acquires(int order)
{
	order &= 0xff;
	return order == ACQUIRE || order == CONSUME || order >= __ATOMIC_ACQ_REL;
}

static int releases(int order)
{
	order &= 0xff;
	return order >= RELEASE;
}

static uint64_t value_at(const volatile void *a, size_t bytes)
{
	switch (bytes) {
	case 1:
		return __atomic_load_n((const volatile uint8_t *)a, __ATOMIC_SEQ_CST);
	case 2:
		return __atomic_load_n((const volatile uint16_t *)a, __ATOMIC_SEQ_CST);
	case 4:
		return __atomic_load_n((const volatile uint32_t *)a, __ATOMIC_SEQ_CST);
	default:
		return __atomic_load_n((const volatile uint64_t *)a, __ATOMIC_SEQ_CST);
	}
}

static int set_if(volatile void *a, size_t bytes, uint64_t *expected, uint64_t value)
{
	uint8_t e1 = (uint8_t)*expected;
	uint16_t e2 = (uint16_t)*expected;
	uint32_t e4 = (uint32_t)*expected;
	int done;
	switch (bytes) {
	case 1:
		done = __atomic_compare_exchange_n(
			(volatile uint8_t *)a, &e1, (uint8_t)value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		*expected = e1;
		return done;
	case 2:
		done = __atomic_compare_exchange_n(
			(volatile uint16_t *)a, &e2, (uint16_t)value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		*expected = e2;
		return done;
	case 4:
		done = __atomic_compare_exchange_n(
			(volatile uint32_t *)a, &e4, (uint32_t)value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		*expected = e4;
		return done;
	default:
		return __atomic_compare_exchange_n(
			(volatile uint64_t *)a, expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
}

static void append(struct object *o, struct message message)
{
	if (o->message_count == o->message_room) {
		o->message_room = o->message_room ? 2 * o->message_room : 8;
		o->messages = (struct message *)realloc(o->messages, o->message_room * sizeof *o->messages);
		if (!o->messages)
			_exit(CANNOT);
	}
	o->messages[o->message_count++] = message;
}

/* SELF is about to store to O. For loads of old values: the value of the last message is what lies in memory. */
static void remember(struct thread *self, struct object *o, size_t bytes, int order, const struct clock *clock)
{
	if (stale_points == 0 || bytes > 8)
		return;
	if (!o->message_count)
		append(o, (struct message){.writer = 0});
	o->messages[o->message_count - 1].value = value_at(o->address, bytes);
	append(o, (struct message){.writer = self->id,
			  .epoch = self->clock.at[self->id],
			  .total = order == __ATOMIC_SEQ_CST,
			  .clock = *clock});
}

/* The message of STALE stores ago, if SELF may still read it; else the last. */
static const struct message *old_message(const struct thread *self, const struct object *o, int order)
{
	if (!self->stale || !o->message_count)
		return NULL;
	if (self->stale >= o->message_count)
		return NULL;
	unsigned at = o->message_count - 1 - self->stale;
	for (unsigned i = at + 1; i < o->message_count; i++)
		if (o->messages[i].epoch <= self->clock.at[o->messages[i].writer] ||
			(order == __ATOMIC_SEQ_CST && o->messages[i].total))
			return NULL;
	return &o->messages[at];
}

static void no_longer_old(struct thread *self)
{
	char where[400];
	where_words(self, where, sizeof where);
	if (report->free && report->how != FOLLOWS)
		return;
	report->how = IMPOSSIBLE;
	snprintf(report->why, sizeof report->why,
		"%s cannot read the old value any more at %s: the newer one is ordered before it", thread_name(self), where);
}

/* Races: accesses of the lines that the witness names. */
struct access {
	struct access *next;
	uintptr_t from, to;
	int thread, write, atomic, file, line;
	unsigned epoch;
};

enum { FREES = 2, BLOCKS_MAX = 4096 };

static void race_check(struct thread *self, uintptr_t from, size_t bytes, int write, int atomic)
{
	int of_interest = write == FREES;
	for (unsigned i = 0; i < sizeof race_places / sizeof *race_places && race_places[i] >= 0; i++)
		of_interest |= is_at(self, race_places[i]);
	if (!of_interest || bytes == 0)
		return;
	for (uintptr_t block = from / 16; block <= (from + bytes - 1) / 16 && block < from / 16 + BLOCKS_MAX; block++) {
		struct object *o = object_of((const void *)(block * 16 + 1));
		struct access *it, *mine = NULL;
		for (it = o->accesses; it; it = it->next) {
			if (it->thread == self->id && it->write == write && it->atomic == atomic && it->from == from &&
				it->to == from + bytes)
				mine = it;
			if (it->thread == self->id || it->to <= from || it->from >= from + bytes || (it->atomic && atomic) ||
				(!it->write && !write) || it->epoch <= self->clock.at[it->thread])
				continue;
			found("a data race: %s %s at %s:%d, %s %s it at %s:%d, and nothing orders the two", thread_name(self),
				write == FREES ? "frees"
				: write        ? "writes"
					       : "reads",
				self->file >= 0 ? files[self->file].name : "?", self->line, thread_name(&threads[it->thread]),
				it->write == FREES ? "freed"
				: it->write        ? "wrote"
						   : "read",
				it->file >= 0 ? files[it->file].name : "?", it->line);
		}
		if (!mine) {
			mine = (struct access *)calloc(1, sizeof *mine);
			if (!mine)
				_exit(CANNOT);
			mine->next = o->accesses;
			o->accesses = mine;
		}
		*mine = (struct access){mine->next, from, from + bytes, self->id, write, atomic, self->file, self->line,
			self->clock.at[self->id]};
	}
}

/* Memory that was freed, kept from being given out again. */
static struct freed {
	uintptr_t from, to;
	int thread, file, line;
} * freed;
static size_t freed_count;

static const struct freed *freed_at(uintptr_t address)
{
	for (size_t i = 0; i < freed_count; i++)
		if (address >= freed[i].from && address < freed[i].to)
			return &freed[i];
	return NULL;
}

static void heap_check(const struct thread *self, uintptr_t address, const char *does)
{
	const struct freed *it = watches_heap && freed_count ? freed_at(address) : NULL;
	char where[400];
	if (!it)
		return;
	where_words(self, where, sizeof where);
	found("%s: %s %s memory at %s that %s freed at %s:%d",
		it->from == address && !strcmp(does, "frees") ? "double free" : "use after free", thread_name(self), does, where,
		thread_name(&threads[it->thread]), it->file >= 0 ? files[it->file].name : "?", it->line);
}

static void plain(const void *pc, const volatile void *address, size_t bytes, int write)
{
	struct thread *self = me;
	uintptr_t at = (uintptr_t)address;
	if (!self || (!watches_stacks && at - self->stack_low < self->stack_bytes))
		return;
	comes_to(self, pc, write ? WRITES : READS, "");
	heap_check(self, at, write ? "writes" : "reads");
	if (watches_races)
		race_check(self, at, bytes, write, 0);
	if (stale_points > 0 && bytes <= 8 && (bytes & (bytes - 1)) == 0) {
		static const struct clock none;
		struct object *o = object_of(address);
		const struct message *old = write ? NULL : old_message(self, o, PLAIN);
		if (write)
			remember(self, o, bytes, PLAIN, &none);
		else if (self->stale && !old)
			no_longer_old(self);
		else if (old) {
			memcpy(self->kept, (const void *)at, bytes);
			memcpy((void *)at, &old->value, bytes);
			self->lent = (unsigned char *)at;
			self->lent_bytes = bytes;
		}
	}
	uint64_t value = 0;
	if (!write && bytes)
		memcpy(&value, (const void *)at, bytes < 8 ? bytes : 8);
	has_done(self, pc, address, value, write);
}

static uint64_t atomic_read(const void *pc, const volatile void *address, size_t bytes, int order)
{
	struct thread *self = me;
	if (!self)
		return value_at(address, bytes);
	comes_to(self, pc, READS, "load");
	heap_check(self, (uintptr_t)address, "reads");
	if (watches_races)
		race_check(self, (uintptr_t)address, bytes, 0, 1);
	struct object *o = object_of(address);
	const struct message *old = old_message(self, o, order & 0xff);
	if (self->stale && !old)
		no_longer_old(self);
	const struct clock *from = old ? &old->clock : &o->clock;
	join_clock(acquires(order) ? &self->clock : &self->pending, from);
	uint64_t value = old ? old->value : value_at(address, bytes);
	has_done(self, pc, address, value, 0);
	return value;
}

static void atomic_write(const void *pc, volatile void *address, size_t bytes, uint64_t value, int order)
{
	struct thread *self = me;
	uint64_t old = value_at(address, bytes);
	if (self) {
		comes_to(self, pc, WRITES, "store");
		heap_check(self, (uintptr_t)address, "writes");
		if (watches_races)
			race_check(self, (uintptr_t)address, bytes, 1, 1);
		struct object *o = object_of(address);
		o->clock = self->fence;
		if (releases(order))
			join_clock(&o->clock, &self->clock);
		remember(self, o, bytes, order & 0xff, &o->clock);
		self->clock.at[self->id]++;
		old = value_at(address, bytes);
	}
	while (!set_if(address, bytes, &old, value))
		;
	if (self)
		has_done(self, pc, address, value, 1);
}

enum update { EXCHANGE, ADD, SUB, AND, OR, XOR, NAND, COMPARE };

static uint64_t updated(enum update how, uint64_t value, uint64_t operand)
{
	switch (how) {
	case ADD:
		return value + operand;
	case SUB:
		return value - operand;
	case AND:
		return value & operand;
	case OR:
		return value | operand;
	case XOR:
		return value ^ operand;
	case NAND:
		return ~(value & operand);
	default:
		return operand;
	}
}

/* A read-modify-write. Returns what was there. */
static uint64_t atomic_update(const void *pc, volatile void *address, size_t bytes, enum update how, uint64_t expected,
	uint64_t operand, int order, int failed)
{
	struct thread *self = me;
	uint64_t mask = bytes == 8 ? ~(uint64_t)0 : ((uint64_t)1 << bytes * 8) - 1;
	if (self) {
		comes_to(self, pc, READS | WRITES, "update");
		heap_check(self, (uintptr_t)address, "writes");
	}
	uint64_t old = value_at(address, bytes), now = old;
	int write = how != COMPARE || old == (expected & mask);
	if (self) {
		if (watches_races)
			race_check(self, (uintptr_t)address, bytes, write, 1);
		struct object *o = object_of(address);
		join_clock(acquires(write ? order : failed) ? &self->clock : &self->pending, &o->clock);
		if (write) {
			join_clock(&o->clock, releases(order) ? &self->clock : &self->fence);
			remember(self, o, bytes, order & 0xff, &o->clock);
			self->clock.at[self->id]++;
		}
	}
	do {
		write = how != COMPARE || old == (expected & mask);
		now = updated(how, old, operand) & mask;
	} while (write && !set_if(address, bytes, &old, now));
	if (!self)
		return old;
	has_done(self, pc, address, old, write && now != old);
	return old;
}

static void fence(const void *pc, int order)
{
	struct thread *self = me;
	if (!self)
		return;
	comes_to(self, pc, CALLS, "fence");
	if (acquires(order))
		join_clock(&self->clock, &self->pending);
	if ((order & 0xff) == __ATOMIC_SEQ_CST) {
		join_clock(&self->clock, &total);
		join_clock(&total, &self->clock);
	}
	if (releases(order)) {
		self->fence = self->clock;
		self->clock.at[self->id]++;
	}
	has_done(self, pc, NULL, 0, 1);
}
