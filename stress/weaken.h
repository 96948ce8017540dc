/* SPDX-License-Identifier: MIT */
/* Which memory orders does a program need? Each atomic operation is made to behave, at run time, as if it named a weaker order, and
 * everything is explored again.
 */
#ifndef ONCEPROOF_WEAKEN_H
#define ONCEPROOF_WEAKEN_H

#include <jansson.h>
#include <stddef.h>

/* What is explored: some items (scenarios of a subject; or one program), each by a child. */
struct weaken {
	size_t items;
	/* Explores ITEM with the worker's further options WORDS (NULL-terminated). A judged result (findings with kind and refutes[];
	 * `exhausted`; executions) with the member `orders` where WORDS ask for it; NULL: it could not be had. New reference. */
	json_t *(*explore)(void *arg, size_t item, const char *const *words);
	const char *(*item_name)(void *arg, size_t item);
	const char *module; /* the program whose addresses `orders` has */
	const char *
		file; /* only operations in this source file, or in a header of include/onceproof; NULL: all that have a source line */
	/* A step is about to be taken; may be NULL. */
	void (*began)(void *arg, size_t step, const char *what);
	void *arg;
};

/* One object per operation, in order of file and line:
 * {file, line, function, text, operation, order, order_failed|null, half ("", "success", "failure"), verdict, could_be|null, executions,
 *  tried[]: {order, verdict ("breaks", "holds", "open"), item|null, finding|null, executions}}
 *
 * verdict  needed      every next weaker order breaks something: `tried` has the finding, with its witness
 *          weaker      a weaker order holds: all executions of every item were explored with it; `could_be` is the weakest such
 *          open        a weaker order was not refuted, and not exhausted either
 *          weakest     there is no weaker order
 * New reference; NULL: nothing could be explored. */
json_t *weaken_all(const struct weaken *what);

#endif
