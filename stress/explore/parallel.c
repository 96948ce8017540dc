/* SPDX-License-Identifier: MIT */
/* One search in several processes, with the results of one.
 *
 * The executions of a phase have an order: samplers number them, the exhaustive search has its stack. Here that order is a list of
 * pieces. Children that are forked from the present state each take a piece, make up to PIECE_TURNS executions of it, and tell what they
 * counted and, of the exhaustive search, what is left of the piece, which stays in its place of the list. The parent takes counts over
 * strictly from the front of the list. So it is at every moment in the state in which it would be had it made all these executions
 * itself, but for what is under way behind the front; to go on alone it forgets that.
 *
 * A piece is *plain* if it adds nothing but numbers: known findings once more, outcomes, behaviours. Where one is not (a new finding, a
 * race that makes further accesses steps, a call out of control, a new exit status; what ended the budget; the end of the search), the
 * parent goes on alone from in front of it, as if there had been no others. So nothing that can be told depends on how many processes
 * there are, nor on who was faster.
 *
 * Searches that learn from each execution (rff), and bounded search, are left to one process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exploring.h"
#include "isolate.h"
#include "orders.h"
#include "snapshot.h"

enum {
	PIECE_TURNS = 4096,    /* executions of one piece, at most */
	PIECE_TURNS_MIN = 512, /* of the pieces of short samplings */
	PIECES_AHEAD = 8,      /* for each process: how much may wait behind the front */
	WORTH_IT = 2048,       /* executions to go */
	JOBS_MAX = 256,
	POLL_MS = 100,
	DESCRIPTORS_FROM = 500, /* explored programs see the lowest ones that are free */
	ALONE_DOUBLED_MAX = 16,
};

/* Messages: an order is followed by `bytes` of what is left to explore; a tally by `hashes` hashes, the search if it is told, and
 * `bytes` of what is left. */
struct task {
	uint64_t from, to; /* of a sampler: numbers */
	uint64_t bytes;
};

struct tally {
	bool plain;
	bool useless; /* the child is not in the state of the others any more */
	bool seq_cst, counted_loops, late_waits, weak_exchanges, bounded_turns;
	uint64_t turns, runs;
	uint64_t executions, blocked, cut, abandoned;
	uint64_t outcomes[EXPLORE_OUTCOMES_MAX];
	uint64_t wasted_first, wasted_last; /* uncounted executions in a row, at either end */
	struct search_progress progress;
	uint64_t hashes, search_bytes, bytes;
	unsigned finding_count;
	struct {
		uint64_t key, executions;
	} finding[FINDINGS_KEPT_MAX];
};

static bool send_all(int fd, const void *from, size_t bytes)
{
	for (ssize_t done; bytes; from = (const char *)from + done, bytes -= (size_t)done) {
		done = send(fd, from, bytes, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			done = 0;
		else if (done <= 0)
			return false;
	}
	return true;
}

static bool receive_all(int fd, void *to, size_t bytes)
{
	for (ssize_t done; bytes; to = (char *)to + done, bytes -= (size_t)done) {
		done = recv(fd, to, bytes, 0);
		if (done < 0 && errno == EINTR)
			done = 0;
		else if (done <= 0)
			return false;
	}
	return true;
}

/* BYTES from FD in a new block; NULL if there are none or they do not come. */
static void *receive_block(int fd, uint64_t bytes)
{
	void *block = bytes ? malloc(bytes) : NULL;
	if (block && !receive_all(fd, block, bytes)) {
		free(block);
		return NULL;
	}
	return block;
}

uint64_t exploration_lasting(const struct exploration *x)
{
	uint64_t host = x->program->lasting ? x->program->lasting(x->program->arg) : 0;
	uint64_t here = races_promotions() + runtime->lasting + snapshot_unseen_pages() + orders_known();
	return here * 0x9e3779b97f4a7c15u ^ host;
}

/* The child --------------------------------------------------------------------------------------------------------------------------- */

struct child {
	struct exploration *x;
	struct phase *phase;
	struct search *pristine; /* samplers: the search as it was */
	uint64_t lasting;
	int fd;
};

/* Back to having done nothing. false: no memory. */
static bool prepare(struct child *c, const struct task *order, const struct search_rest *rest)
{
	struct exploration *x = c->x;
	struct phase *phase = c->phase;
	explore_free(x->result);
	*x->result = (struct explore_result){0};
	behaviours_clear(&x->behaviours);
	x->wasted = 0;
	x->stopped = false;
	x->seq_cst = runtime->counted_loops = runtime->late_waits = runtime->weak_exchanges = runtime->bounded_turns = false;
	phase->runs = phase->executions = phase->blocked = phase->cut = 0;
	phase->number = order->from;
	phase->ended = false;
	if (c->pristine) {
		memcpy(phase->search, c->pristine, phase->kind->bytes);
		return true;
	}
	search_dpor_progress(phase->search);
	search_dpor_forget(phase->search);
	return rest && search_dpor_push(phase->search, rest);
}

/* The executions of ORDER. */
static void work(struct child *c, const struct task *order, struct tally *t)
{
	struct exploration *x = c->x;
	struct phase *phase = c->phase;
	unsigned shard = x->options->shard - 1, shards = x->options->shards;
	bool counted = false, odd = false;
	while (t->turns < PIECE_TURNS && !phase->ended && !x->stopped && !t->useless) {
		while (c->pristine && phase->number < order->to && phase->number % shards != shard)
			phase->number++;
		if (c->pristine && phase->number >= order->to)
			break;
		phase_step(x, phase);
		if (phase->ended)
			break;
		t->turns++;
		/* What does not count tells no findings, and still it may leave something behind. */
		odd |= x->wasted && (runtime->findings || c->pristine);
		counted |= !x->wasted;
		t->wasted_first += !counted;
		t->useless = exploration_lasting(x) != c->lasting || !(c->pristine || search_dpor_steady(phase->search));
	}
	t->wasted_last = x->wasted;
	/* Did it leave traces that no later execution may find? */
	snapshot_look();
	t->useless |= exploration_lasting(x) != c->lasting;
	t->plain = !odd && !t->useless && !x->stopped && !phase->diverged && !x->uncontrolled_count &&
		   x->result->finding_count < FINDINGS_KEPT_MAX && !x->behaviours.sampling;
}

static void count(const struct child *c, struct tally *t)
{
	const struct explore_result *result = c->x->result;
	t->seq_cst = c->x->seq_cst;
	t->counted_loops = runtime->counted_loops;
	t->late_waits = runtime->late_waits;
	t->weak_exchanges = runtime->weak_exchanges;
	t->bounded_turns = runtime->bounded_turns;
	t->runs = c->phase->runs;
	t->executions = result->executions;
	t->blocked = result->blocked;
	t->cut = result->cut;
	t->abandoned = result->abandoned;
	memcpy(t->outcomes, result->outcomes, sizeof t->outcomes);
	t->finding_count = result->finding_count;
	for (unsigned i = 0; i < result->finding_count; i++) {
		t->finding[i].key = result->findings[i].finding.key;
		t->finding[i].executions = result->findings[i].executions;
	}
	t->hashes = c->x->behaviours.count;
	if (!c->pristine)
		t->progress = search_dpor_progress(c->phase->search);
}

static bool tell(const struct child *c, struct tally *t)
{
	const struct behaviours *b = &c->x->behaviours;
	struct search_rest *rest = c->pristine || t->useless ? NULL : search_dpor_rest(c->phase->search);
	uint64_t *hashes = malloc((t->hashes + 1) * sizeof *hashes);
	size_t n = 0;
	for (uint32_t i = 0; hashes && i < b->room; i++)
		if (b->slot[i])
			hashes[n++] = b->slot[i];
	t->search_bytes = c->phase->kind == &search_pct ? c->phase->kind->bytes : 0;
	t->bytes = rest ? search_rest_bytes(rest) : 0;
	bool told = hashes && (rest || c->pristine || t->useless) && send_all(c->fd, t, sizeof *t) &&
		    send_all(c->fd, hashes, n * sizeof *hashes) && send_all(c->fd, c->phase->search, t->search_bytes) &&
		    (!rest || send_all(c->fd, rest, t->bytes));
	free(hashes);
	free(rest);
	return told && !t->useless;
}

static void obey(struct child *c)
{
	for (struct task order; receive_all(c->fd, &order, sizeof order);) {
		struct tally t = {0};
		struct search_rest *rest = receive_block(c->fd, order.bytes);
		bool ready = prepare(c, &order, rest);
		free(rest);
		if (!ready)
			return;
		work(c, &order, &t);
		count(c, &t);
		if (!tell(c, &t))
			return;
	}
}

static void be_child(struct exploration *x, struct phase *phase, pid_t parent, int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Who waits for the parent interrupts it; it ends its children. */
	signal(SIGINT, SIG_IGN);
	if (getppid() != parent || (x->program->forked && x->program->forked(x->program->arg) != 0))
		return;
	struct explore_result own = {0};
	struct child c = {.x = x, .phase = phase, .lasting = exploration_lasting(x), .fd = fd};
	x->result = &own;
	x->journal = NULL;
	/* What was seen so far is the parent's. */
	x->behaviours = (struct behaviours){0};
	if (phase->kind->independent) {
		c.pristine = malloc(phase->kind->bytes);
		if (!c.pristine)
			return;
		memcpy(c.pristine, phase->search, phase->kind->bytes);
	}
	obey(&c);
}

/* Pieces ------------------------------------------------------------------------------------------------------------------------------ */

enum state { FREE, TAKEN, DONE };

/* A piece of the list. What is left of a piece that is done stands right behind it and is one level deeper than it. */
struct piece {
	struct piece *next;
	enum state state;
	unsigned level;
	uint64_t from, to;        /* of a sampler */
	struct search_rest *rest; /* else: what the piece is */
	struct tally *tally;      /* of what was done */
	uint64_t *hashes;
	struct search *search;
};

struct worker {
	pid_t pid; /* 0: it is no more */
	int fd;
	struct piece *piece; /* NULL: it waits for one */
};

struct crew {
	struct exploration *x;
	struct phase *phase;
	struct search *pristine; /* of PCT, when the others were forked */
	struct piece *first;
	uint64_t next, end, step; /* of a sampler: numbers that are in no piece yet */
	uint64_t limit;           /* of an exhaustive search: executions that are wanted */
	uint64_t ahead;           /* executions in pieces that are done */
	double scale;             /* how much longer pieces are made than they are thought to be, since most ended early */
	struct worker worker[JOBS_MAX];
	unsigned jobs;
	bool broken; /* somebody died, or there is no memory */
};

static void piece_free(struct piece *p)
{
	free(p->rest);
	free(p->tally);
	free(p->hashes);
	free(p->search);
	free(p);
}

/* A new piece in *PLACE, in front of what is there. REST becomes its own. */
static struct piece *insert(struct piece **place, unsigned level, struct search_rest *rest)
{
	struct piece *p = calloc(1, sizeof *p);
	if (!p || !rest) {
		free(p);
		free(rest);
		return NULL;
	}
	p->next = *place;
	p->level = level;
	p->rest = rest;
	*place = p;
	return p;
}

/* Those that follow P and are of its level belong to the same whole: what is free of them can be one piece. */
static void join(struct crew *c, struct piece *p)
{
	struct piece *then = p->next;
	while (then && then->state == FREE && then->level == p->level) {
		struct search_rest *whole = search_rest_join(p->rest, then->rest);
		if (!whole) {
			c->broken = true;
			return;
		}
		free(p->rest);
		p->rest = whole;
		p->next = then->next;
		piece_free(then);
		then = p->next;
	}
}

/* Leaves of P about as much as one turn takes, if what follows is enough for others. */
static void cut_down(struct crew *c, struct piece *p)
{
	if (search_rest_items(p->rest) < 2)
		return;
	double whole = phase_estimate(c->phase), share = search_rest_share(p->rest) / c->jobs;
	if (whole > 0 && share > c->scale * PIECE_TURNS / whole)
		share = c->scale * PIECE_TURNS / whole;
	struct search_rest *first, *then;
	if (!search_rest_split(p->rest, share, &first, &then)) {
		c->broken = true;
		return;
	}
	free(p->rest);
	p->rest = first;
	c->broken |= !insert(&p->next, p->level, then);
}

/* The next piece of a sampling. The last executions are the parent's own. */
static struct piece *number_piece(struct crew *c, struct piece **place)
{
	if (c->end - c->next <= c->step)
		return NULL;
	struct piece *p = calloc(1, sizeof *p);
	if (!p) {
		c->broken = true;
		return NULL;
	}
	p->from = c->next;
	c->next = p->to = c->next + c->step;
	*place = p;
	return p;
}

/* The first piece that nobody has; NULL if there is none, or none that could be of use. */
static struct piece *pick(struct crew *c)
{
	struct piece **place = &c->first;
	for (; *place && (*place)->state != FREE; place = &(*place)->next)
		/* What is behind it will be forgotten. */
		if ((*place)->state == DONE && !(*place)->tally->plain)
			return NULL;
	if (*place != c->first && c->ahead > (uint64_t)PIECES_AHEAD * PIECE_TURNS * c->jobs)
		return NULL;
	if (c->phase->kind->independent)
		return number_piece(c, place);
	struct piece *p = *place;
	if (p) {
		join(c, p);
		cut_down(c, p);
	}
	return p;
}

static bool hand_out(struct crew *c)
{
	bool anybody = false;
	for (unsigned i = 0; i < c->jobs && !c->broken; i++) {
		struct worker *w = &c->worker[i];
		struct piece *p = w->pid && !w->piece ? pick(c) : NULL;
		if (p && !c->broken) {
			struct task order = {p->from, p->to, p->rest ? search_rest_bytes(p->rest) : 0};
			p->state = TAKEN;
			w->piece = p;
			c->broken |= !send_all(w->fd, &order, sizeof order) || !send_all(w->fd, p->rest, order.bytes);
			if (i + 1 > c->x->result->processes)
				c->x->result->processes = i + 1;
		}
		anybody |= w->piece != NULL;
	}
	return anybody && !c->broken;
}

/* Reads what W tells of its piece. */
static void hear(struct crew *c, struct worker *w)
{
	struct piece *p = w->piece;
	struct tally *t = p->tally = malloc(sizeof *t);
	w->piece = NULL;
	p->state = DONE;
	if (!t || !receive_all(w->fd, t, sizeof *t)) {
		c->broken = true;
		return;
	}
	p->hashes = receive_block(w->fd, t->hashes * sizeof *p->hashes);
	p->search = receive_block(w->fd, t->search_bytes);
	struct search_rest *rest = receive_block(w->fd, t->bytes);
	if ((t->hashes && !p->hashes) || (t->search_bytes && !p->search) || (t->bytes && !rest)) {
		free(rest);
		c->broken = true;
		return;
	}
	c->ahead += t->turns;
	if (rest && t->plain && search_rest_items(rest)) {
		c->broken |= !insert(&p->next, p->level + 1, rest);
		c->scale = c->scale > 0.5 ? c->scale / 2 : c->scale;
	} else {
		free(rest);
		if (t->turns < PIECE_TURNS / 4 && c->scale < 1024)
			c->scale *= 2;
	}
	/* Out of step with the others: of no more use. */
	if (t->useless) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		close(w->fd);
		w->pid = 0;
	}
}

/* Over to the parent ------------------------------------------------------------------------------------------------------------------ */

static struct explored_finding *known(const struct explore_result *result, uint64_t key)
{
	for (unsigned i = 0; i < result->finding_count; i++)
		if (result->findings[i].finding.key == key)
			return &result->findings[i];
	return NULL;
}

/* Can the parent take over what was done of P, the first piece, and be as if it had done it? */
static bool takes(const struct crew *c, const struct piece *p)
{
	const struct tally *t = p->tally;
	const struct exploration *x = c->x;
	bool takes = t->plain && x->wasted + t->wasted_first <= WASTED_MAX;
	/* What comes last, it does itself: what the last execution left is looked at. */
	takes &= c->phase->kind->independent ? true : p->next && t->runs < c->limit;
	for (unsigned i = 0; i < t->finding_count && takes; i++)
		takes = known(x->result, t->finding[i].key) || x->result->finding_count == FINDINGS_KEPT_MAX;
	return takes;
}

static void take_numbers(struct crew *c, const struct tally *t)
{
	struct explore_result *result = c->x->result;
	struct phase *phase = c->phase;
	result->executions += t->executions;
	result->blocked += t->blocked;
	result->cut += t->cut;
	result->abandoned += t->abandoned;
	phase->executions += t->executions;
	phase->blocked += t->blocked;
	phase->cut += t->cut;
	phase->runs += t->runs;
	c->x->spent += t->runs;
	c->x->wasted = t->wasted_first == t->turns ? c->x->wasted + t->turns : t->wasted_last;
	for (unsigned i = 0; i < EXPLORE_OUTCOMES_MAX; i++) {
		result->outcomes[i] += t->outcomes[i];
		phase->outcomes[i] += t->outcomes[i];
	}
	for (unsigned i = 0; i < t->finding_count; i++) {
		struct explored_finding *found = known(result, t->finding[i].key);
		if (found)
			found->executions += t->finding[i].executions;
	}
	c->x->seq_cst |= t->seq_cst;
	runtime->counted_loops |= t->counted_loops;
	runtime->late_waits |= t->late_waits;
	runtime->weak_exchanges |= t->weak_exchanges;
	runtime->bounded_turns |= t->bounded_turns;
}

/* Takes over the first piece. */
static void take(struct crew *c)
{
	struct piece *p = c->first;
	const struct tally *t = p->tally;
	struct phase *phase = c->phase;
	take_numbers(c, t);
	for (uint64_t i = 0; i < t->hashes; i++)
		if (!exploration_add_behaviour(c->x, p->hashes[i]))
			c->x->no_memory = c->x->stopped = true;
	c->x->turns += t->turns;
	if (phase->kind->independent) {
		phase->number = p->to;
	} else {
		phase->number += t->runs;
		search_dpor_advance(phase->search, &t->progress);
		c->limit -= c->limit == UINT64_MAX ? 0 : t->runs;
	}
	if (p->search)
		search_pct_absorb(phase->search, c->pristine, p->search);
	snapshot_passed(t->turns);
	c->ahead -= t->turns;
	/* What was left of it is one of the others now. */
	for (struct piece *its = p->next; its && its->level > p->level; its = its->next)
		its->level--;
	c->first = p->next;
	piece_free(p);
}

/* The stack of an exhaustive search is what nobody has done for the parent: COUNT parts, the top first. NULL: no memory. */
static struct search_rest **left_to_do(const struct crew *c, size_t *count)
{
	*count = 0;
	for (const struct piece *p = c->first; p; p = p->next)
		++*count;
	struct search_rest **whole = malloc((*count + 1) * sizeof(struct search_rest *));
	*count = 0;
	for (struct piece *p = c->first; p && whole;) {
		whole[(*count)++] = p->rest;
		struct piece *next = p->next;
		/* What is left of a piece is part of it. */
		while (p->state == DONE && next && next->level > p->level)
			next = next->next;
		p = next;
	}
	return whole;
}

static void put_back(struct crew *c)
{
	size_t count;
	struct search_rest **whole = left_to_do(c, &count);
	if (!whole) {
		c->x->no_memory = c->x->stopped = true;
		return;
	}
	search_dpor_forget(c->phase->search);
	while (count)
		if (!search_dpor_push(c->phase->search, whole[--count]))
			c->x->no_memory = c->x->stopped = true;
	free(whole);
}

/* Pieces were taken over. */
static void tell_journal(struct crew *c)
{
	size_t count = 0;
	struct search_rest **whole = NULL;
	if (!c->x->journal)
		return;
	if (!c->phase->kind->independent && !(whole = left_to_do(c, &count)))
		return;
	journal_note_shared(c->x, c->phase, whole, count);
	free(whole);
}

/* All of them -------------------------------------------------------------------------------------------------------------------------- */

static int out_of_the_way(int fd)
{
	int far = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_FROM);
	if (far < 0)
		return fd;
	close(fd);
	return far;
}

static bool hire(struct crew *c)
{
	pid_t parent = getpid();
	for (unsigned i = 0; i < c->jobs; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
			return false;
		pair[0] = out_of_the_way(pair[0]);
		pair[1] = out_of_the_way(pair[1]);
		/* Not fork(): that would take the storage of parked threads, which fibers use, for free memory. Nobody holds a lock now. */
		pid_t pid = _Fork();
		if (pid == 0) {
			for (unsigned k = 0; k < i; k++)
				close(c->worker[k].fd);
			close(pair[0]);
			be_child(c->x, c->phase, parent, pair[1]);
			_exit(0);
		}
		close(pair[1]);
		c->worker[i] = (struct worker){.pid = pid < 0 ? 0 : pid, .fd = pair[0]};
		if (pid < 0) {
			close(pair[0]);
			return false;
		}
	}
	return true;
}

static void dismiss(struct crew *c)
{
	for (unsigned i = 0; i < c->jobs; i++) {
		if (!c->worker[i].pid)
			continue;
		kill(c->worker[i].pid, SIGKILL);
		waitpid(c->worker[i].pid, NULL, 0);
		close(c->worker[i].fd);
	}
}

static void listen_to_all(struct crew *c)
{
	struct pollfd polled[JOBS_MAX];
	for (unsigned i = 0; i < c->jobs; i++)
		polled[i] = (struct pollfd){.fd = c->worker[i].piece ? c->worker[i].fd : -1, .events = POLLIN};
	if (poll(polled, c->jobs, POLL_MS) <= 0)
		return;
	for (unsigned i = 0; i < c->jobs && !c->broken; i++)
		if (polled[i].revents)
			hear(c, &c->worker[i]);
}

static void show_progress(const struct crew *c)
{
	const struct exploration *x = c->x;
	if (x->options->progress)
		x->options->progress(x->options->progress_arg, x->result->executions + x->result->blocked + c->ahead,
			behaviours_count(&x->behaviours), phase_estimate(c->phase));
}

/* Until the first piece is one that the parent has to do; returns how many executions that takes, UINT64_MAX: all that are left. */
static uint64_t run(struct crew *c, unsigned *taken)
{
	while (!c->x->stopped && !c->broken) {
		while (c->first && c->first->state == DONE) {
			if (!takes(c, c->first))
				return c->first->tally->turns;
			take(c);
			++*taken;
			tell_journal(c);
		}
		if (!hand_out(c))
			return c->broken ? PIECE_TURNS : UINT64_MAX;
		listen_to_all(c);
		exploration_look_at_clock(c->x, true);
		show_progress(c);
	}
	return PIECE_TURNS;
}

/* Is there so much to do that others are a help, and would they do the same as this one? */
static bool worth_it(const struct exploration *x, const struct phase *phase, uint64_t left)
{
	if (phase->ended || x->stopped || x->uncontrolled_count || isolate_on() || journal_is_ahead(x))
		return false;
	if (phase->kind->independent)
		/* SURW has counted by now. */
		return phase->executions && left / x->options->shards >= WORTH_IT;
	if (phase->kind != &search_dpor || !search_dpor_steady(phase->search) || left < WORTH_IT)
		return false;
	return phase_estimate(phase) - (double)phase->runs >= WORTH_IT;
}

void parallel_run(struct exploration *x, struct phase *phase, uint64_t left, uint64_t turns)
{
	x->alone -= x->alone < turns ? x->alone : turns;
	if (x->alone || !worth_it(x, phase, left))
		return;
	journal_split(x, phase);
	struct crew c = {.x = x, .phase = phase, .scale = 1, .limit = left};
	c.jobs = x->options->jobs < JOBS_MAX ? x->options->jobs : JOBS_MAX;
	unsigned taken = 0;
	if (phase->kind->independent) {
		uint64_t each = left / x->options->shards / (4 * c.jobs);
		each = each < PIECE_TURNS_MIN ? PIECE_TURNS_MIN : each > PIECE_TURNS ? PIECE_TURNS : each;
		c.step = each * x->options->shards;
		c.next = phase->number;
		c.end = phase->number + left;
		c.pristine = malloc(phase->kind->bytes);
		c.broken = !c.pristine;
		if (c.pristine)
			memcpy(c.pristine, phase->search, phase->kind->bytes);
	} else {
		c.broken = !insert(&c.first, 0, search_dpor_rest(phase->search));
	}
	if (!c.broken && hire(&c))
		x->alone = run(&c, &taken);
	else
		x->alone = PIECE_TURNS;
	dismiss(&c);
	if (!phase->kind->independent && c.first)
		put_back(&c);
	while (c.first) {
		struct piece *next = c.first->next;
		piece_free(c.first);
		c.first = next;
	}
	free(c.pristine);
	/* Whoever is never of any use is asked less and less often. */
	x->failures = taken ? 0 : x->failures + (x->failures < ALONE_DOUBLED_MAX);
	if (x->alone != UINT64_MAX)
		x->alone <<= x->failures;
}
