/* SPDX-License-Identifier: MIT */
#include "orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { SITES_MAX = 4096 };

struct orders {
	unsigned count;
	uint16_t slot[SITES_MAX * 2]; /* 1 + index, by hash of the site */
	struct order_site site[SITES_MAX];
};

static struct orders *orders; /* set once, by orders_watch */

static const char *const names[] = {
	[ORDER_PLAIN] = "none",
	[ORDER_RELAXED] = "relaxed",
	[ORDER_ACQUIRE] = "acquire",
	[ORDER_RELEASE] = "release",
	[ORDER_ACQ_REL] = "acq_rel",
	[ORDER_SEQ_CST] = "seq_cst",
};

const char *order_name(enum order order)
{
	return names[order];
}

int order_from_name(const char *name, size_t length)
{
	for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
		if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
			return i;
	return -1;
}

int orders_watch(void)
{
	if (orders)
		return 0;
	void *made = memory_map(sizeof *orders);
	if (!made)
		return ENOMEM;
	orders = made;
	return 0;
}

bool orders_watched(void)
{
	return orders != NULL;
}

unsigned orders_known(void)
{
	return orders ? orders->count : 0;
}

/* The entry of SITE, made if it is new; NULL: the table is full. */
static struct order_site *entry(const void *site, bool *made)
{
	uint32_t at = (uint32_t)(((uint64_t)site * 0x9e3779b97f4a7c15u) >> 51);
	*made = false;
	for (;; at = (at + 1) % (SITES_MAX * 2)) {
		if (orders->slot[at] && orders->site[orders->slot[at] - 1].site == site)
			return &orders->site[orders->slot[at] - 1];
		if (orders->slot[at])
			continue;
		if (orders->count == SITES_MAX)
			return NULL;
		*made = true;
		orders->slot[at] = (uint16_t)++orders->count;
		struct order_site *s = &orders->site[orders->count - 1];
		s->site = site;
		return s;
	}
}

int orders_weaken(const void *site, enum order order, enum order failed)
{
	int why = orders_watch();
	bool made;
	struct order_site *s = why ? NULL : entry(site, &made);
	if (!s)
		return why ? why : ENOSPC;
	s->weakened = true;
	s->instead = (uint8_t)order;
	s->instead_failed = (uint8_t)failed;
	return 0;
}

void orders_apply(struct operation *op)
{
	bool made;
	struct order_site *s = entry(op->site, &made);
	if (!s)
		return;
	if (s->tag == STEP_NONE) {
		s->tag = op->tag;
		s->order = op->order;
		s->order_failed = op->order_failed;
		s->fails = op->tag == STEP_COMPARE_EXCHANGE;
	}
	if (!s->weakened)
		return;
	op->order = s->instead;
	op->order_failed = s->instead_failed;
	if (!s->fails)
		op->order_failed = s->instead == ORDER_ACQ_REL   ? ORDER_ACQUIRE
				   : s->instead == ORDER_RELEASE ? ORDER_RELAXED
								 : s->instead;
}

static uint64_t program_start(void)
{
	extern const char __executable_start[];
	return (uint64_t)(uintptr_t)__executable_start;
}

int orders_weaken_text(const char *text)
{
	char *end;
	uint64_t address = strtoull(text, &end, 16);
	if (end == text || *end != '=')
		return EINVAL;
	const char *order = end + 1;
	size_t length = strcspn(order, ",");
	const char *failed = order[length] ? order + length + 1 : order;
	int first = order_from_name(order, length);
	int second = order_from_name(failed, strlen(failed) < length || order[length] ? strlen(failed) : length);
	if (first < 0 || second < 0)
		return EINVAL;
	return orders_weaken((const void *)(uintptr_t)(program_start() + address), (enum order)first, (enum order)second);
}

static int by_address(const void *a, const void *b)
{
	const struct order_site *x = *(const struct order_site *const *)a, *y = *(const struct order_site *const *)b;
	return (x->site > y->site) - (x->site < y->site);
}

json_t *orders_answer(void)
{
	static const char *const kinds[STEP_TAGS] = {
		[STEP_LOAD] = "load",
		[STEP_STORE] = "store",
		[STEP_EXCHANGE] = "exchange",
		[STEP_FETCH_ADD] = "fetch_add",
		[STEP_FETCH_SUB] = "fetch_sub",
		[STEP_FETCH_AND] = "fetch_and",
		[STEP_FETCH_OR] = "fetch_or",
		[STEP_FETCH_XOR] = "fetch_xor",
		[STEP_FETCH_NAND] = "fetch_nand",
		[STEP_COMPARE_EXCHANGE] = "compare_exchange",
		[STEP_FENCE] = "fence",
	};
	json_t *all = json_array();
	const struct order_site *sorted[SITES_MAX];
	unsigned count = 0;
	for (unsigned i = 0; orders && i < orders->count; i++)
		if (orders->site[i].tag)
			sorted[count++] = &orders->site[i];
	qsort(sorted, count, sizeof *sorted, by_address);
	for (unsigned i = 0; i < count; i++) {
		char address[32];
		snprintf(address, sizeof address, "0x%llx",
			(unsigned long long)((uint64_t)(uintptr_t)sorted[i]->site - program_start()));
		json_array_append_new(
			all, json_pack("{s:s, s:s, s:s, s:s?}", "site", address, "tag",
				     kinds[sorted[i]->tag] ? kinds[sorted[i]->tag] : "other", "order", names[sorted[i]->order],
				     "order_failed", sorted[i]->fails ? names[sorted[i]->order_failed] : NULL));
	}
	return all;
}
