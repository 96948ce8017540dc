/* SPDX-License-Identifier: MIT */
/* Changes of single accesses: stronger orders, plain accesses made atomic, a read and a write made one update. */
#include <string.h>

#include "../../reports/node.h"
#include "fix_parts.h"

enum { PAIRS_MAX = 64 };

/* Variables ------------------------------------------------------------------------------------------------------------------------------- */

bool fix_overlaps(const struct fix_variables *v, const struct fix_step *s)
{
	for (unsigned i = 0; i < v->count; i++)
		if (s->address < v->address[i] + v->bytes[i] && v->address[i] < s->address + s->bytes)
			return true;
	return false;
}

static void add_variable(struct fix_variables *v, const struct fix_step *s)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->address[i] == s->address) {
			v->bytes[i] = s->bytes > v->bytes[i] ? s->bytes : v->bytes[i];
			return;
		}
	if (v->count == FIX_VARIABLES_MAX)
		return;
	v->address[v->count] = s->address;
	v->bytes[v->count++] = s->bytes;
}

static bool is_access(const struct fix_step *s)
{
	return (s->kind == FIX_PLAIN || s->kind == FIX_ATOMIC) && s->bytes && !s->foreign;
}

void fix_racing(const struct fix_traces *t, struct fix_variables *v)
{
	v->count = 0;
	for (size_t i = 0; i < t->count; i++)
		if (t->step[i].racing && is_access(&t->step[i]) && fix_matters(t, &t->step[i]))
			add_variable(v, &t->step[i]);
}

/* Is there another step in the trace of S that makes its object shared: of another thread, and one of the two writes? */
static bool is_shared(const struct fix_traces *t, const struct fix_step *s)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *o = &t->step[i];
		if (o->trace == s->trace && o->thread != s->thread && is_access(o) && (o->writes || s->writes) &&
			s->address < o->address + o->bytes && o->address < s->address + s->bytes)
			return true;
	}
	return false;
}

void fix_shared(const struct fix_traces *t, struct fix_variables *v)
{
	v->count = 0;
	for (size_t i = 0; i < t->count; i++)
		if (is_access(&t->step[i]) && fix_matters(t, &t->step[i]) && !fix_overlaps(v, &t->step[i]) &&
			is_shared(t, &t->step[i]))
			add_variable(v, &t->step[i]);
}

/* Edits ----------------------------------------------------------------------------------------------------------------------------------- */

/* The edit of KIND for what STEP does in its line, made if it is new; NULL: there is no room, or it has no line. */
static struct fix_edit *edit_for(
	struct fix_traces *t, struct fix_change *change, enum fix_edit_kind kind, const struct fix_step *step)
{
	struct source_place place;
	const char *tag = step->kind == FIX_PLAIN ? "" : step->tag, *was = step->kind == FIX_PLAIN ? "" : step->order;
	if (!fix_place(t, step, &place))
		return NULL;
	for (unsigned i = 0; i < change->count; i++) {
		struct fix_edit *e = &change->edit[i];
		if (e->kind == kind && e->line == place.line && strcmp(e->tag, tag) == 0 && strcmp(e->was, was) == 0 &&
			e->writes == step->writes && strcmp(e->file, place.file) == 0)
			return e;
	}
	if (change->count == FIX_EDITS_MAX)
		return NULL;
	struct fix_edit *e = &change->edit[change->count++];
	*e = (struct fix_edit){.kind = kind,
		.line = place.line,
		.last_line = place.line,
		.tag = tag,
		.was = was,
		.reads = step->reads,
		.writes = step->writes,
		.address = step->address,
		.failed_too = strcmp(step->tag, "compare_exchange") == 0};
	memcpy(e->file, place.file, sizeof e->file);
	memcpy(e->function, place.function, sizeof e->function);
	fix_name(t, step, e->variable, sizeof e->variable);
	return e;
}

static bool add_site(struct fix_edit *e, uint64_t site, uint64_t second)
{
	for (unsigned i = 0; i < e->site_count; i++)
		if (e->site[i] == site && e->second[i] == second)
			return true;
	if (e->site_count == FIX_SITES_MAX)
		return false;
	e->site[e->site_count] = site;
	e->second[e->site_count++] = second;
	return true;
}

/* Orders ---------------------------------------------------------------------------------------------------------------------------------- */

static int strength(const char *order)
{
	return strcmp(order, "seq_cst") == 0 ? 3 : strcmp(order, "acq_rel") == 0 ? 2 : strcmp(order, "relaxed") == 0 ? 0 : 1;
}

void fix_set_order(struct fix_edit *e, enum fix_order order)
{
	static const char *const names[] = {"relaxed", "acquire", "release", "acq_rel", "seq_cst"};
	bool loads = e->reads && !e->writes, stores = e->writes && !e->reads;
	if (order == FIX_ACQUIRE_RELEASE && (loads || stores))
		order = loads ? FIX_ACQUIRE : FIX_RELEASE;
	e->order = names[order];
	e->order_failed = !e->failed_too                 ? NULL
			  : order == FIX_ACQUIRE_RELEASE ? "acquire"
			  : order == FIX_RELEASE         ? "relaxed"
							 : e->order;
}

/* Is what happens at the site of some edit one line's doing alone? A function of a library may serve several. */
static bool own_sites(struct fix_traces *t, const struct fix_change *change)
{
	for (size_t i = 0; i < t->count; i++)
		for (unsigned e = 0; e < change->count; e++)
			for (unsigned n = 0; n < change->edit[e].site_count; n++) {
				struct source_place place;
				if (t->step[i].frame[0] == change->edit[e].site[n] && fix_place(t, &t->step[i], &place) &&
					(place.line < change->edit[e].line || place.line > change->edit[e].last_line))
					return false;
			}
	return true;
}

bool fix_orders(struct fix_traces *t, struct fix_change *change, enum fix_order order)
{
	change->count = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i];
		if (s->kind != FIX_ATOMIC && s->kind != FIX_FENCE)
			continue;
		struct fix_edit like = {.reads = s->reads, .writes = s->writes};
		fix_set_order(&like, order);
		if (strength(like.order) <= strength(s->order))
			continue;
		struct fix_edit *e = edit_for(t, change, FIX_EDIT_ORDER, s);
		if (!e || !add_site(e, s->frame[0], 0))
			return false;
		fix_set_order(e, order);
	}
	return change->count > 0 && own_sites(t, change);
}

/* Plain accesses, and updates --------------------------------------------------------------------------------------------------------------- */

/* The thread's next step after AT that others could notice, or a plain access to V; NULL: none is known. */
static const struct fix_step *next_step(const struct fix_traces *t, const struct fix_variables *v, size_t at)
{
	const struct fix_step *s = &t->step[at];
	for (size_t i = at + 1; i < t->count && t->step[i].trace == s->trace; i++) {
		const struct fix_step *n = &t->step[i];
		if (n->thread == s->thread && (n->kind != FIX_PLAIN || fix_overlaps(v, n)))
			return n;
	}
	return NULL;
}

struct pairs {
	unsigned count;
	struct {
		uint64_t read, write, again; /* again: a read of what was written, right behind; 0: there is none */
		unsigned together, reads, writes, agains;
	} pair[PAIRS_MAX];
};

static bool same_function(struct fix_traces *t, const struct fix_step *a, const struct fix_step *b)
{
	struct source_place x, y;
	return a->frame_count == b->frame_count && fix_place(t, a, &x) && fix_place(t, b, &y) &&
	       strcmp(x.function, y.function) == 0 && strcmp(x.file, y.file) == 0;
}

/* The read of what the write W wrote, in the same line and right behind; NULL: there is none. */
static const struct fix_step *read_back(struct fix_traces *t, const struct fix_variables *v, const struct fix_step *w)
{
	struct source_place x, y;
	const struct fix_step *n = next_step(t, v, (size_t)(w - t->step));
	bool same = n && n->kind == FIX_PLAIN && w->kind == FIX_PLAIN && n->reads && !n->writes && n->address == w->address &&
		    n->bytes == w->bytes && fix_place(t, w, &x) && fix_place(t, n, &y) && x.line == y.line;
	return same && same_function(t, w, n) ? n : NULL;
}

/* Reads of V that are always followed by the same write to the same object, and such writes that always follow them. */
static void find_pairs(struct fix_traces *t, const struct fix_variables *v, enum fix_step_kind kind, struct pairs *p)
{
	p->count = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i], *n = next_step(t, v, i);
		if (s->kind != kind || !s->reads || s->writes || !fix_overlaps(v, s) || !n || n->kind != kind || !n->writes ||
			n->reads || n->address != s->address || n->bytes != s->bytes || !same_function(t, s, n))
			continue;
		unsigned at = 0;
		while (at < p->count && (p->pair[at].read != s->frame[0] || p->pair[at].write != n->frame[0]))
			at++;
		if (at == PAIRS_MAX)
			return;
		if (at == p->count) {
			p->pair[p->count].read = s->frame[0];
			p->pair[p->count].write = n->frame[0];
			p->pair[p->count].together = p->pair[p->count].reads = p->pair[p->count].writes = 0;
			p->pair[p->count].again = p->pair[p->count].agains = 0;
			p->count++;
		}
		p->pair[at].together++;
		const struct fix_step *back = read_back(t, v, n);
		/* In a loop the next turn's read comes right behind, too. */
		if (back && back->frame[0] != s->frame[0])
			p->pair[at].again = back->frame[0];
	}
	for (size_t i = 0; i < t->count; i++)
		for (unsigned at = 0; at < p->count; at++) {
			p->pair[at].reads += t->step[i].frame[0] == p->pair[at].read && !t->step[i].writes && next_step(t, v, i);
			p->pair[at].writes += t->step[i].frame[0] == p->pair[at].write && t->step[i].writes;
			p->pair[at].agains += t->step[i].frame[0] == p->pair[at].again && !t->step[i].writes;
		}
}

/* The read at SITE is of what an update wrote: returns whether it is no step of its own. */
static bool is_read_back(const struct pairs *p, uint64_t site)
{
	for (unsigned i = 0; i < p->count; i++)
		if (site && p->pair[i].again == site && p->pair[i].agains <= p->pair[i].together &&
			p->pair[i].together == p->pair[i].reads && p->pair[i].together == p->pair[i].writes)
			return true;
	return false;
}

/* The write that belongs to the read at SITE, or the read that belongs to the write; 0: none. */
static uint64_t other_half(const struct pairs *p, uint64_t site, bool write)
{
	for (unsigned i = 0; i < p->count; i++)
		if ((write ? p->pair[i].write : p->pair[i].read) == site && p->pair[i].together == p->pair[i].reads &&
			p->pair[i].together == p->pair[i].writes)
			return write ? p->pair[i].read : p->pair[i].write;
	return 0;
}

static uint64_t third_part(const struct pairs *p, uint64_t read)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->pair[i].read == read && is_read_back(p, p->pair[i].again))
			return p->pair[i].again;
	return 0;
}

static bool fits(const struct fix_step *s)
{
	return (s->bytes == 1 || s->bytes == 2 || s->bytes == 4 || s->bytes == 8) && s->address % s->bytes == 0;
}

/* The line of an update is where it writes; its first is where it reads. */
static bool add_update(
	struct fix_traces *t, struct fix_change *change, const struct fix_step *read, uint64_t write, uint64_t again)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *w = &t->step[i];
		if (w->frame[0] != write || !w->writes || w->kind != read->kind)
			continue;
		struct source_place place;
		struct fix_edit *e = edit_for(t, change, FIX_EDIT_UPDATE, w);
		if (!e || !fix_place(t, read, &place) || !add_site(e, read->frame[0], write))
			return false;
		for (unsigned n = 0; n < e->site_count; n++)
			if (e->site[n] == read->frame[0])
				e->third[n] = again;
		e->reads = e->writes = true;
		if (place.line < e->line)
			e->line = place.line;
		if (place.line > e->last_line)
			e->last_line = place.line;
		return true;
	}
	return false;
}

bool fix_atomics(struct fix_traces *t, const struct fix_variables *v, struct fix_change *change, enum fix_order order)
{
	struct pairs pairs;
	find_pairs(t, v, FIX_PLAIN, &pairs);
	change->count = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i];
		if (s->kind != FIX_PLAIN || s->foreign || !fix_overlaps(v, s))
			continue;
		if (!fits(s))
			return false;
		uint64_t other = other_half(&pairs, s->frame[0], s->writes);
		if ((other && s->writes) || (!s->writes && is_read_back(&pairs, s->frame[0])))
			continue;
		if (other) {
			if (!add_update(t, change, s, other, third_part(&pairs, s->frame[0])))
				return false;
			continue;
		}
		struct fix_edit *e = edit_for(t, change, FIX_EDIT_ATOMIC, s);
		if (!e || !add_site(e, s->frame[0], 0))
			return false;
	}
	for (unsigned i = 0; i < change->count; i++)
		fix_set_order(&change->edit[i], order);
	return change->count > 0;
}

bool fix_updates(struct fix_traces *t, const struct fix_variables *v, struct fix_change *change)
{
	struct pairs pairs;
	find_pairs(t, v, FIX_ATOMIC, &pairs);
	change->count = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i];
		uint64_t other = s->kind == FIX_ATOMIC && s->reads && !s->writes ? other_half(&pairs, s->frame[0], false) : 0;
		if (other && !add_update(t, change, s, other, 0))
			return false;
	}
	for (unsigned i = 0; i < change->count; i++)
		fix_set_order(&change->edit[i], FIX_ACQUIRE_RELEASE);
	return change->count > 0;
}
