/* SPDX-License-Identifier: MIT */
/* A count behind a peer's lock. Included by a peer's file, between PEER_BEGIN and PEER_END, after
 *
 *   struct lock        the lock
 *   struct hold        what one holder keeps while it waits and holds; lives on its stack
 *   int  lock_open(struct lock *l)      0 or an errno value
 *   void lock_close(struct lock *l)
 *   void lock_enter(struct lock *l, struct hold *h)         and lock_leave
 *   void lock_enter_shared(struct lock *l, struct hold *h)  and lock_leave_shared: for readers; the same as the others where there is no
 *                                                           such distinction
 *
 * No include guard: one file, one use. */

struct counter {
	struct lock lock;
	uint64_t value; /* guarded by `lock` */
};

struct counter_seat {
	char unused;
};

static int counter_open(struct counter *c)
{
	c->value = 0;
	return lock_open(&c->lock);
}

static void counter_close(struct counter *c)
{
	lock_close(&c->lock);
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
}

static inline uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	struct hold hold;
	(void)seat;
	lock_enter(&c->lock, &hold);
	uint64_t step = ++c->value;
	lock_leave(&c->lock, &hold);
	return step;
}

static inline uint64_t counter_value(struct counter *c)
{
	struct hold hold;
	lock_enter_shared(&c->lock, &hold);
	uint64_t value = c->value;
	lock_leave_shared(&c->lock, &hold);
	return value;
}
