/* SPDX-License-Identifier: MIT */
/* The steps of a replayed execution, for the table of its witness. */
#include <string.h>

#include "runtime_private.h"

static struct recorded *append(const void *site)
{
	struct inner *in = inner();
	if (in->recorded_count == RECORDED_MAX)
		return NULL;
	struct recorded *r = &in->recorded[in->recorded_count++];
	memset(r, 0, sizeof *r);
	r->thread = runtime->current;
	r->frame_count = runtime_frames(runtime->current, site, r->frame);
	return r;
}

void record_event(const struct operation *op, event_id id)
{
	const struct graph *g = runtime->graph;
	const struct event *e = &g->events[id];
	struct recorded *r = append(op->site);
	if (!r)
		return;
	r->tag = op->tag;
	r->order = e->order;
	r->event = id;
	r->address = op->bytes ? op->address : 0;
	r->bytes = op->bytes;
	r->blocked = e->blocked;
	r->has_read = e->kind == EVENT_READ || e->kind == EVENT_UPDATE;
	r->write = e->kind == EVENT_WRITE || e->kind == EVENT_UPDATE;
	r->has_written = r->write && op->order != ORDER_PLAIN;
	r->written = r->write ? e->value : 0;
	r->source = e->source;
	if (r->has_read) {
		r->read = g->events[e->source].value;
		r->stale = g->locations[e->location].last != (e->kind == EVENT_UPDATE ? id : e->source);
		if (r->stale)
			graph_explain(g, id, r->note, sizeof r->note);
	}
	/* As far as a number shows it: the first half. */
	if (r->bytes == sizeof(struct wide_value)) {
		r->read = r->has_read ? wide_value(r->read).low : 0;
		r->written = r->write ? wide_value(r->written).low : 0;
	}
	if (op->tag == STEP_CHOICE)
		__builtin_snprintf(r->note, sizeof r->note, "alternative %u of %u", (unsigned)e->value, (unsigned)op->operand);
}

static uint64_t value_at(uintptr_t address, uint32_t bytes)
{
	uint64_t value = 0;
	memcpy(&value, (const void *)address, bytes < 8 ? bytes : 8);
	return value;
}

void record_plain(uintptr_t address, size_t bytes, bool write, const void *site)
{
	struct recorded *r = append(site);
	if (!r)
		return;
	r->plain = true;
	r->write = write;
	r->address = address;
	r->bytes = (uint32_t)bytes;
	if (bytes > 8)
		return;
	if (!write) {
		r->has_read = true;
		r->read = value_at(address, r->bytes);
		return;
	}
	inner_thread()->record = (int32_t)inner()->recorded_count - 1;
}

/* A plain write that was recorded has taken place. */
void record_complete(void)
{
	struct inner_thread *own = inner_thread();
	struct recorded *r = &inner()->recorded[own->record];
	own->record = -1;
	r->has_written = true;
	r->written = value_at(r->address, r->bytes);
}

const struct recorded *runtime_recorded(uint32_t *count)
{
	/* Racing stores had no value yet when they were recorded. */
	for (uint32_t i = 0; i < inner()->recorded_count; i++) {
		struct recorded *r = &inner()->recorded[i];
		if (r->event && r->write && r->order == ORDER_PLAIN) {
			r->has_written = true;
			r->written = runtime->graph->events[r->event].value;
		}
	}
	*count = inner()->recorded_count;
	return inner()->recorded;
}

uint32_t runtime_told(const struct finding *finding)
{
	const struct inner *in = inner();
	uint32_t told = finding->noted;
	if (finding->kind != FINDING_DATA_RACE)
		return in->recorded_count;
	/* Racing stores are looked at before their pieces are recorded. */
	for (unsigned i = 0; i < PIECES_MAX && told < in->recorded_count; i++, told++) {
		const struct recorded *r = &in->recorded[told];
		if (!r->write || r->thread != finding->place[0].thread || r->frame[0] != finding->place[0].frame[0])
			break;
	}
	return told;
}
