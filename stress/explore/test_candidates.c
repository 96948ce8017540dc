/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "test_oracle.h"

enum { OPS = TEST_THREADS * TEST_OPS, INITIAL_STORE = 0 };

struct candidates {
	const struct test_program *program;
	struct graph *g;
	unsigned count;
	struct {
		const struct test_op *op;
		unsigned thread, index;
	} op[OPS];
	unsigned source[OPS]; /* of loading operations: 1 + the operation whose store they return, or INITIAL_STORE */
	unsigned order[OPS];  /* of adding */
	event_id event[OPS];
	unsigned place[OPS], places[OPS]; /* of plain stores: how many stores of the location come before, and how many could */
};

static bool stores(const struct test_op *op)
{
	return op->kind == TEST_STORE || op->kind == TEST_ADD || op->kind == TEST_EXCHANGE;
}

static bool loads(const struct test_op *op)
{
	return op->kind == TEST_LOAD || op->kind == TEST_ADD || op->kind == TEST_EXCHANGE;
}

/* An order of adding that is consistent with program order and the sources chosen; false: there is none. */
static bool sort(struct candidates *c, unsigned rotate)
{
	bool added[OPS] = {false};
	for (unsigned n = 0; n < c->count; n++) {
		unsigned k = 0, i = 0;
		for (; k < c->count; k++) {
			i = (k + rotate) % c->count;
			bool first = !added[i] && (c->op[i].index == 0 || added[i - 1]);
			if (first && (!loads(c->op[i].op) || c->source[i] == INITIAL_STORE || added[c->source[i] - 1]))
				break;
		}
		if (k == c->count)
			return false;
		added[i] = true;
		c->order[n] = i;
	}
	return true;
}

/* The store behind which operation I's goes, by its place. */
static event_id place_of(struct candidates *c, unsigned i, uint32_t location)
{
	struct graph *g = c->g;
	event_id after = g->locations[location].initial;
	for (unsigned skip = c->place[i]; skip; skip--)
		after = g->events[after].after;
	c->places[i] = 1;
	for (event_id s = g->events[g->locations[location].initial].after; s; s = g->events[s].after)
		c->places[i]++;
	return after;
}

static void add(struct candidates *c, unsigned i)
{
	struct graph *g = c->g;
	const struct test_op *op = c->op[i].op;
	unsigned thread = c->op[i].thread;
	if (op->kind == TEST_FENCE) {
		c->event[i] = graph_fence(g, thread, op->order);
		return;
	}
	uint32_t location = graph_find(g, test_address(op->location), 8);
	event_id source = 0;
	if (loads(op))
		source = c->source[i] == INITIAL_STORE ? g->locations[location].initial : c->event[c->source[i] - 1];
	if (op->kind == TEST_LOAD)
		c->event[i] = graph_read(g, thread, location, op->order, source);
	else if (op->kind == TEST_STORE)
		c->event[i] = graph_write(g, thread, location, op->order, op->operand, place_of(c, i, location));
	else
		c->event[i] = graph_update(g, thread, location, op->order, source,
			op->operand + (op->kind == TEST_ADD ? g->events[source].value : 0));
}

static void build(struct candidates *c)
{
	graph_clear(c->g);
	for (unsigned l = 0; l < c->program->locations; l++)
		graph_location(c->g, test_address(l), 8, &(uint64_t){0});
	for (unsigned n = 0; n < c->count; n++)
		add(c, c->order[n]);
}

/* The next combination of places; the last one added turns fastest, for the number of places depends on those before it. */
static bool next_places(struct candidates *c)
{
	for (unsigned n = c->count; n-- > 0;) {
		unsigned i = c->order[n];
		if (c->op[i].op->kind == TEST_STORE && ++c->place[i] < c->places[i])
			return true;
		c->place[i] = 0;
	}
	return false;
}

/* The next combination of sources. */
static bool next_sources(struct candidates *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		const struct test_op *op = c->op[i].op;
		if (!loads(op))
			continue;
		while (++c->source[i] <= c->count) {
			const struct test_op *source = c->op[c->source[i] - 1].op;
			if (source != op && stores(source) && source->location == op->location)
				return true;
		}
		c->source[i] = INITIAL_STORE;
	}
	return false;
}

void oracle_candidates(const struct test_program *program, struct graph *g, unsigned rotate, void (*each)(void *arg), void *arg)
{
	struct candidates c = {.program = program, .g = g};
	for (unsigned t = 0; t < program->threads; t++)
		for (unsigned i = 0; i < program->count[t]; i++, c.count++) {
			c.op[c.count].op = &program->op[t][i];
			c.op[c.count].thread = t;
			c.op[c.count].index = i;
		}
	do {
		if (!sort(&c, rotate))
			continue;
		memset(c.place, 0, sizeof c.place);
		do {
			build(&c);
			each(arg);
		} while (next_places(&c));
	} while (next_sources(&c));
}
