/* SPDX-License-Identifier: MIT */
/* The orders that a program's atomic operations name, and what happens if one of them names a weaker one. */
#ifndef ONCEPROOF_EXPLORE_ORDERS_H
#define ONCEPROOF_EXPLORE_ORDERS_H

#include <jansson.h>

#include "runtime.h"

/* One atomic operation or fence of the program, by its instruction. */
struct order_site {
	const void *site; /* return address of its callback */
	uint8_t tag;      /* enum step_tag */
	uint8_t order;    /* as the program names it */
	uint8_t order_failed;
	bool fails;      /* it has a failure order of its own: a compare-and-swap */
	bool weakened;   /* these are used instead: */
	uint8_t instead; /* ORDER_PLAIN for a fence: as if it were not there */
	uint8_t instead_failed;
};

/* From now on sites are noted as they are met. 0, or an errno value. */
int orders_watch(void);

/* The operation at SITE behaves as if it named ORDER, and on failure FAILED. 0, or an errno value (ENOSPC: too many). */
int orders_weaken(const void *site, enum order order, enum order failed);

/* Notes OP and changes its orders if they are weakened. For runtime_atomic and fences. */
void orders_apply(struct operation *op);

/* Are orders watched? */
bool orders_watched(void);

/* How many operations are known so far. */
unsigned orders_known(void);

/* Reads "0xADDRESS=ORDER[,FAILED]" with the address counted from the start of the program, and weakens it. Orders are spelled relaxed,
 * acquire, release, acq_rel, seq_cst, none. 0, or EINVAL. */
int orders_weaken_text(const char *text);

/* The sites met so far as a JSON array of {site ("0x…" from the start of the program), tag, order, order_failed (null: none)}, in order
 * of address. New reference. */
json_t *orders_answer(void);

/* "acquire" …; ORDER_PLAIN is "none". And back; -1: no such order. */
const char *order_name(enum order order);
int order_from_name(const char *name, size_t length);

#endif
