/* SPDX-License-Identifier: MIT */
/* See journal.h. A stretch lies between two positions in the one order of all executions, which does not depend on how many processes
 * there are. Its `from` is compared as a whole before it is taken: a program that does not repeat itself is not taken for another.
 */
#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "exploring.h"
#include "isolate.h"
#include "journal_frame.h"
#include "snapshot.h"

enum {
	CHUNK = 64,          /* bytes of a search's state that are told or left out together */
	FULL_EVERY = 64,     /* a state is told as a whole again */
	BETWEEN_CLOCKS = 16, /* executions */
	COST_SHARE = 25,     /* telling takes at most one part in this many of the time */
};
#define NO_BASE UINT64_MAX

/* Where an exploration is, and what it has counted there. */
struct position {
	uint64_t turns; /* executions, also those that do not count */
	uint64_t kind;  /* of the search: a hash of its name */
	uint64_t runs, number, phase_executions, phase_blocked, phase_cut;
	uint64_t executions, blocked, cut, abandoned, diverged;
	uint64_t spent, wasted, order;
	uint64_t behaviours, sampling, findings, promotions, isolated;
};

/* A stretch as it is told: this, the findings' executions, the new behaviours, then the state of the search, by difference. */
struct stretch {
	struct position from, to;
	uint64_t outcomes[EXPLORE_OUTCOMES_MAX], phase_outcomes[EXPLORE_OUTCOMES_MAX];
	uint64_t seq_cst, counted_loops, late_waits, weak_exchanges, bounded_turns;
	double seconds;
	uint64_t hashes;
	uint64_t base;        /* turns of the position whose state this one differs from; NO_BASE: none */
	uint64_t state_bytes; /* of the whole state */
	uint64_t told_bytes;  /* of the difference */
};

struct told_finding {
	uint64_t key, executions;
};

/* A state, and the turns behind which it was the search's. */
struct known_state {
	struct search_state state;
	uint64_t turns; /* NO_BASE: none */
};

struct journal {
	int fd; /* -1: nobody listens any more */
	double every_s;
	struct stretch **stretches; /* by from.turns, of one place in the order in which they came */
	size_t count;
	bool refused; /* they are of another exploration */
	/* The stretch that is being made. */
	bool making;
	struct position from;
	uint64_t lasting;
	unsigned uncontrolled, since_clock;
	uint64_t *hashes;
	size_t hash_count, hash_room;
	double began, next; /* when it began; when it is to be told, not earlier */
	/* One that ends where the exploration is. It is told when it is known that this is not the end of all: what the last execution left
	 * is looked at, so it has to be made. */
	struct search_state ready;
	uint64_t ready_turns;
	struct known_state told, taken;
	unsigned since_full;
	uint64_t taken_turns;
	double taken_seconds;
};

/* Talking --------------------------------------------------------------------------------------------------------------------------------- */

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

static bool tell(int fd, enum journal_type type, const void *payload, size_t bytes)
{
	struct journal_frame frame = {.magic = JOURNAL_MAGIC, .type = type, .bytes = bytes};
	frame.check = journal_check(&frame, payload);
	return send_all(fd, &frame, sizeof frame) && send_all(fd, payload, bytes);
}

/* The parts of a stretch, behind its head. */
static struct told_finding *findings_of(const struct stretch *s)
{
	return (struct told_finding *)(uintptr_t)(s + 1);
}

static uint64_t *hashes_of(const struct stretch *s)
{
	return (uint64_t *)(uintptr_t)(findings_of(s) + s->to.findings);
}

static const char *told_of(const struct stretch *s)
{
	return (const char *)(hashes_of(s) + s->hashes);
}

static bool is_whole(const struct stretch *s, uint64_t bytes)
{
	if (bytes < sizeof *s || s->to.findings > FINDINGS_KEPT_MAX || s->hashes > bytes || s->told_bytes > bytes ||
		s->state_bytes > JOURNAL_BYTES_MAX || s->to.turns <= s->from.turns)
		return false;
	return bytes == sizeof *s + s->to.findings * sizeof(struct told_finding) + s->hashes * sizeof(uint64_t) + s->told_bytes;
}

static bool keep(struct journal *j, struct stretch *s)
{
	struct stretch **more = realloc(j->stretches, (j->count + 1) * sizeof *more);
	if (!more)
		return false;
	j->stretches = more;
	size_t at = j->count++;
	for (; at && more[at - 1]->from.turns > s->from.turns; at--)
		more[at] = more[at - 1];
	more[at] = s;
	return true;
}

static bool receive_stretches(struct journal *j)
{
	if (!tell(j->fd, JOURNAL_HELLO, NULL, 0))
		return false;
	for (struct journal_frame frame; receive_all(j->fd, &frame, sizeof frame);) {
		if (frame.magic != JOURNAL_MAGIC || frame.bytes > JOURNAL_BYTES_MAX)
			return false;
		if (frame.type == JOURNAL_END)
			return true;
		struct stretch *s = malloc(frame.bytes + 1);
		if (!s || !receive_all(j->fd, s, frame.bytes)) {
			free(s);
			return false;
		}
		if (frame.type != JOURNAL_STRETCH || frame.check != journal_check(&frame, s) || !is_whole(s, frame.bytes) ||
			!keep(j, s))
			free(s);
	}
	return false;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void forget_stretches(struct journal *j)
{
	for (size_t i = 0; i < j->count; i++)
		free(j->stretches[i]);
	free(j->stretches);
	j->stretches = NULL;
	j->count = 0;
}

struct journal *journal_open(int fd, double every_s)
{
	struct journal *j = calloc(1, sizeof *j);
	if (!j)
		return NULL;
	j->fd = fd;
	j->every_s = every_s;
	j->told.turns = j->taken.turns = NO_BASE;
	j->next = now() + every_s;
	if (receive_stretches(j))
		return j;
	journal_close(j);
	return NULL;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	forget_stretches(j);
	free(j->hashes);
	free(j->ready.bytes);
	free(j->told.state.bytes);
	free(j->taken.state.bytes);
	free(j);
}

uint64_t journal_taken(const struct journal *j)
{
	return j ? j->taken_turns : 0;
}

double journal_seconds(const struct journal *j)
{
	return j ? j->taken_seconds : 0;
}

/* Positions -------------------------------------------------------------------------------------------------------------------------------- */

static struct position position(const struct exploration *x, const struct phase *phase)
{
	const struct explore_result *result = x->result;
	uint64_t number = phase->number, shards = x->options->shards, shard = x->options->shard - 1;
	/* Other shards' numbers are passed over, sooner or later. */
	if (phase->kind->independent)
		number += (shard + shards - number % shards) % shards;
	return (struct position){.turns = x->turns,
		.kind = journal_mix(0, phase->kind->name, strlen(phase->kind->name)),
		.runs = phase->runs,
		.number = number,
		.phase_executions = phase->executions,
		.phase_blocked = phase->blocked,
		.phase_cut = phase->cut,
		.executions = result->executions,
		.blocked = result->blocked,
		.cut = result->cut,
		.abandoned = result->abandoned,
		.diverged = result->diverged,
		.spent = x->spent,
		.wasted = x->wasted,
		.order = x->order,
		.behaviours = x->behaviours.count,
		.sampling = x->behaviours.sampling,
		.findings = result->finding_count,
		.promotions = x->promotions,
		.isolated = isolate_on()};
}

/* Could the search go on from what it saves now? */
static bool can_save(const struct phase *phase)
{
	if (phase->kind == &search_dpor)
		return search_dpor_steady(phase->search);
	/* SURW counts in its first execution. */
	return !phase->kind->independent || phase->executions;
}

/* Making stretches ------------------------------------------------------------------------------------------------------------------------- */

/* A stretch begins here, if one can. */
static void start(struct exploration *x, struct phase *phase)
{
	struct journal *j = x->journal;
	j->hash_count = 0;
	j->since_clock = 0;
	j->making = j->fd >= 0 && can_save(phase) && !phase->diverged && (!x->uncontrolled_count || isolate_on());
	if (!j->making)
		return;
	j->from = position(x, phase);
	j->lasting = exploration_lasting(x);
	j->uncontrolled = x->uncontrolled_count;
	j->began = now();
}

void journal_begin(struct exploration *x, struct phase *phase)
{
	struct journal *j = x->journal;
	if (!j)
		return;
	j->told.turns = NO_BASE;
	start(x, phase);
}

void journal_behaviour(struct exploration *x, uint64_t hash)
{
	struct journal *j = x->journal;
	if (!j || !j->making)
		return;
	if (j->hash_count == j->hash_room) {
		size_t room = j->hash_room ? j->hash_room * 2 : 4096;
		uint64_t *more = realloc(j->hashes, room * sizeof *more);
		if (!more) {
			j->making = false;
			return;
		}
		j->hashes = more;
		j->hash_room = room;
	}
	j->hashes[j->hash_count++] = hash;
}

/* Has the execution that just ended added nothing but numbers? What does not count tells no findings, and still it may leave something. */
static bool is_plain(const struct exploration *x, const struct phase *phase)
{
	const struct journal *j = x->journal;
	bool odd = x->wasted && (runtime->findings || phase->kind->independent);
	return !odd && !phase->diverged && !x->no_memory && can_save(phase) && x->result->finding_count == j->from.findings &&
	       x->promotions == j->from.promotions && x->uncontrolled_count == j->uncontrolled &&
	       exploration_lasting(x) == j->lasting;
}

/* Appends to TO what STATE has and BASE has not, by chunks: [first, count, bytes] … */
static void add_difference(struct search_state *to, const struct search_state *state, const struct search_state *base)
{
	size_t chunks = (state->count + CHUNK - 1) / CHUNK;
	for (size_t first = 0, end; first < chunks; first = end) {
		bool same = base && (first + 1) * CHUNK <= base->count && (first + 1) * CHUNK <= state->count &&
			    memcmp(state->bytes + first * CHUNK, base->bytes + first * CHUNK, CHUNK) == 0;
		end = first + 1;
		if (same)
			continue;
		for (; end < chunks; end++)
			if (base && (end + 1) * CHUNK <= base->count && (end + 1) * CHUNK <= state->count &&
				memcmp(state->bytes + end * CHUNK, base->bytes + end * CHUNK, CHUNK) == 0)
				break;
		uint64_t where[2] = {first, end - first};
		size_t from = first * CHUNK, until = end * CHUNK < state->count ? end * CHUNK : state->count;
		search_state_add(to, where, sizeof where);
		search_state_add(to, state->bytes + from, until - from);
	}
}

static void add_findings(struct search_state *to, const struct explore_result *result)
{
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct told_finding told = {result->findings[i].finding.key, result->findings[i].executions};
		search_state_add(to, &told, sizeof told);
	}
}

/* Puts the stretch that ends here, where the search's state is STATE, into `ready`. */
static void make_ready(struct exploration *x, const struct phase *phase, const struct search_state *state)
{
	struct journal *j = x->journal;
	const struct explore_result *result = x->result;
	struct stretch s = {.from = j->from,
		.to = position(x, phase),
		.seq_cst = x->seq_cst,
		.counted_loops = runtime->counted_loops,
		.late_waits = runtime->late_waits,
		.weak_exchanges = runtime->weak_exchanges,
		.bounded_turns = runtime->bounded_turns,
		.seconds = now() - j->began,
		.hashes = j->hash_count,
		.base = j->told.turns,
		.state_bytes = state->count};
	if (j->since_full >= FULL_EVERY)
		s.base = NO_BASE;
	memcpy(s.outcomes, result->outcomes, sizeof s.outcomes);
	memcpy(s.phase_outcomes, phase->outcomes, sizeof s.phase_outcomes);
	j->ready.count = 0;
	search_state_add(&j->ready, &s, sizeof s);
	add_findings(&j->ready, result);
	search_state_add(&j->ready, j->hashes, j->hash_count * sizeof *j->hashes);
	size_t before = j->ready.count;
	add_difference(&j->ready, state, s.base == NO_BASE ? NULL : &j->told.state);
	if (j->ready.failed || j->ready.count > JOURNAL_BYTES_MAX) {
		j->ready.count = 0;
		return;
	}
	s.told_bytes = j->ready.count - before;
	memcpy(j->ready.bytes, &s, sizeof s);
	j->ready_turns = s.to.turns;
	j->since_full = s.base == NO_BASE ? 0 : j->since_full + 1;
	j->told.state.count = 0;
	search_state_add(&j->told.state, state->bytes, state->count);
	j->told.turns = j->told.state.failed ? NO_BASE : s.to.turns;
}

/* Another execution was made: what is ready may be told. */
static void tell_ready(struct journal *j)
{
	if (!j->ready.count)
		return;
	if (j->fd >= 0 && !tell(j->fd, JOURNAL_STRETCH, j->ready.bytes, j->ready.count))
		j->fd = -1;
	j->ready.count = 0;
}

/* The stretch ends here and a new one begins; RESTS as in journal_note_shared. */
static void finish(struct exploration *x, struct phase *phase, struct search_rest *const *rests, uint64_t count)
{
	struct journal *j = x->journal;
	double began = now();
	struct search_state state = {0};
	/* What nobody has seen yet may be seen by later executions. */
	if (x->turns > j->from.turns && snapshot_is_clean()) {
		if (rests)
			search_dpor_save_rests(phase->search, rests, count, &state);
		else if (phase->kind->save)
			phase->kind->save(phase->search, &state);
		if (!state.failed)
			make_ready(x, phase, &state);
		free(state.bytes);
	}
	start(x, phase);
	double cost = j->began - began;
	j->next = j->began + (cost * COST_SHARE > j->every_s ? cost * COST_SHARE : j->every_s);
}

void journal_note(struct exploration *x, struct phase *phase, uint64_t turns)
{
	struct journal *j = x->journal;
	if (!j || !turns)
		return;
	tell_ready(j);
	if (!j->making || !is_plain(x, phase)) {
		start(x, phase);
		return;
	}
	if (++j->since_clock < BETWEEN_CLOCKS)
		return;
	j->since_clock = 0;
	if (now() >= j->next)
		finish(x, phase, NULL, 0);
}

void journal_split(struct exploration *x, struct phase *phase)
{
	struct journal *j = x->journal;
	if (!j || !j->making || x->turns == j->from.turns)
		return;
	finish(x, phase, NULL, 0);
}

void journal_note_shared(struct exploration *x, struct phase *phase, struct search_rest *const *rests, uint64_t count)
{
	struct journal *j = x->journal;
	if (!j)
		return;
	tell_ready(j);
	if (!j->making) {
		start(x, phase);
	} else if (now() >= j->next) {
		finish(x, phase, rests, count);
		/* Pieces that are taken over are never the last ones. */
		tell_ready(j);
	}
}

/* Taking stretches ------------------------------------------------------------------------------------------------------------------------- */

/* The first stretch that begins at TURNS or later. */
static size_t first_from(const struct journal *j, uint64_t turns)
{
	size_t low = 0, high = j->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (j->stretches[middle]->from.turns < turns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool journal_is_ahead(const struct exploration *x)
{
	const struct journal *j = x->journal;
	if (!j)
		return false;
	for (size_t i = first_from(j, x->turns); i < j->count; i++)
		if (j->stretches[i]->from.isolated == isolate_on())
			return true;
	return false;
}

/* The state at the end of S, from the one that it differs from. */
static bool restore(const struct journal *j, const struct stretch *s, struct search_state *state)
{
	const struct search_state *base = s->base == NO_BASE ? NULL : &j->taken.state;
	if (base && j->taken.turns != s->base)
		return false;
	if (base)
		search_state_add(state, base->bytes, base->count < s->state_bytes ? base->count : s->state_bytes);
	static const char zeros[CHUNK];
	while (state->count < s->state_bytes && !state->failed)
		search_state_add(state, zeros, s->state_bytes - state->count < CHUNK ? s->state_bytes - state->count : CHUNK);
	struct search_state_reader from = {told_of(s), s->told_bytes, false};
	for (uint64_t where[2]; from.left && search_state_take(&from, where, sizeof where);) {
		if (where[0] > s->state_bytes / CHUNK || where[1] > s->state_bytes / CHUNK + 1)
			return false;
		uint64_t at = where[0] * CHUNK, bytes = where[1] * CHUNK;
		bytes = at + bytes > s->state_bytes ? s->state_bytes - at : bytes;
		if (state->failed || !search_state_take(&from, state->bytes + at, bytes))
			return false;
	}
	return !from.failed && !state->failed;
}

static bool load(struct exploration *x, struct phase *phase, const struct stretch *s)
{
	struct journal *j = x->journal;
	struct search_state state = {0};
	bool loaded = restore(j, s, &state);
	struct search_state_reader reader = {state.bytes, state.count, false};
	if (loaded && phase->kind->load)
		loaded = phase->kind->load(phase->search, &reader);
	if (!loaded) {
		free(state.bytes);
		return false;
	}
	free(j->taken.state.bytes);
	j->taken = (struct known_state){state, s->to.turns};
	return true;
}

static void set_numbers(struct exploration *x, struct phase *phase, const struct stretch *s)
{
	struct explore_result *result = x->result;
	const struct position *to = &s->to;
	result->executions = to->executions;
	result->blocked = to->blocked;
	result->cut = to->cut;
	result->abandoned = to->abandoned;
	phase->runs = to->runs;
	phase->number = to->number;
	phase->executions = to->phase_executions;
	phase->blocked = to->phase_blocked;
	phase->cut = to->phase_cut;
	x->spent = to->spent;
	x->wasted = to->wasted;
	x->turns = to->turns;
	memcpy(result->outcomes, s->outcomes, sizeof s->outcomes);
	memcpy(phase->outcomes, s->phase_outcomes, sizeof s->phase_outcomes);
	x->seq_cst |= s->seq_cst != 0;
	runtime->counted_loops |= s->counted_loops != 0;
	runtime->late_waits |= s->late_waits != 0;
	runtime->weak_exchanges |= s->weak_exchanges != 0;
	runtime->bounded_turns |= s->bounded_turns != 0;
	for (uint64_t i = 0; i < to->findings; i++)
		for (unsigned k = 0; k < result->finding_count; k++)
			if (result->findings[k].finding.key == findings_of(s)[i].key)
				result->findings[k].executions = findings_of(s)[i].executions;
	for (uint64_t i = 0; i < s->hashes; i++)
		if (!behaviours_add(&x->behaviours, hashes_of(s)[i]))
			x->no_memory = x->stopped = true;
	snapshot_passed(to->turns - s->from.turns);
}

bool journal_take(struct exploration *x, struct phase *phase)
{
	struct journal *j = x->journal;
	if (!j || !j->count)
		return false;
	const struct stretch *longest = NULL;
	bool tried = false;
	for (size_t i = first_from(j, x->turns); i < j->count && j->stretches[i]->from.turns == x->turns; i++) {
		const struct stretch *s = j->stretches[i];
		if (s->from.isolated != isolate_on())
			continue;
		const struct position here = position(x, phase);
		if (memcmp(&s->from, &here, sizeof here) != 0) {
			/* Where a phase ends and another begins is no execution: it may be the next one's. */
			if (s->from.kind == here.kind && s->from.order == here.order) {
				j->refused = true;
				forget_stretches(j);
				return false;
			}
			continue;
		}
		tried = true;
		if (!longest || s->to.turns > longest->to.turns)
			longest = s;
	}
	if (!tried || !can_save(phase) || !load(x, phase, longest))
		return false;
	set_numbers(x, phase, longest);
	j->taken_turns += longest->to.turns - longest->from.turns;
	j->taken_seconds += longest->seconds;
	start(x, phase);
	j->told.turns = NO_BASE;
	j->next = now() + j->every_s;
	return true;
}
