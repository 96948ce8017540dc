/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_memory_programs.h"

static char *block;
static char text[32], copy[32];
static atomic_int flag;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct node {
	struct node *next;
	int value;
};
static struct node *list;

/* Right use ------------------------------------------------------------------------------------------------------------------------- */

static void push(void)
{
	struct node *node = malloc(sizeof *node);
	node->value = 1;
	pthread_mutex_lock(&lock);
	node->next = list;
	list = node;
	pthread_mutex_unlock(&lock);
}

static void shares_a_list(void)
{
	list = NULL;
	TOGETHER(push, push);
	int count = 0;
	while (list) {
		struct node *node = list;
		list = node->next;
		count += node->value;
		free(node);
	}
	must(count == 2);
}

static void write_text(void)
{
	char *made = strdup("made by one thread");
	made = realloc(made, 100);
	strcat(made, ", read by another");
	block = made;
	/* release: pairs with the acquire in read_text(); publishes the text. */
	atomic_store_explicit(&flag, 1, memory_order_release);
}

static void read_text(void)
{
	/* acquire: pairs with the release in write_text(). */
	if (!atomic_load_explicit(&flag, memory_order_acquire)) {
		memory_sees(0);
		return;
	}
	memory_sees(1);
	must(!strcmp(block, "made by one thread, read by another"));
	must(snprintf(copy, sizeof copy, "%zu", strlen(block)) == 2);
	free(block);
	block = NULL;
}

static void hands_over_a_text(void)
{
	block = NULL;
	atomic_init(&flag, 0);
	TOGETHER(write_text, read_text);
	free(block);
	block = NULL;
}

static void keeps_its_memory(void)
{
	block = malloc(10);
	list = NULL;
	push();
	struct node *node = calloc(1, sizeof *node);
	node->next = list;
	list = node;
}

static void *return_memory(void *arg)
{
	free(arg);
	return malloc(8);
}

static void passes_memory_by_create_and_join(void)
{
	pthread_t thread;
	void *result;
	must(!pthread_create(&thread, NULL, return_memory, malloc(4)));
	must(!pthread_join(thread, &result));
	free(result);
}

/* Errors ------------------------------------------------------------------------------------------------------------------------------ */

static void use_block(void)
{
	block[3] = 1;
}

static void free_block(void)
{
	free(block);
}

static void frees_too_early(void)
{
	block = malloc(16);
	TOGETHER(use_block, free_block);
}

static void frees_twice(void)
{
	block = malloc(16);
	TOGETHER(free_block, free_block);
}

static void compare_block(void)
{
	/* relaxed: no order at all, on purpose. */
	if (atomic_load_explicit(&flag, memory_order_relaxed))
		must(memcmp(block, "12345678", 9) != 2);
}

static void free_after_flag(void)
{
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
	free(block);
}

static void compares_freed_memory(void)
{
	block = malloc(16);
	strcpy(block, "12345678");
	atomic_init(&flag, 0);
	TOGETHER(compare_block, free_after_flag);
}

static void set_text(void)
{
	memset(text, 'b', 16);
}

static void copy_text(void)
{
	memcpy(copy, text, sizeof copy);
	bool old = copy[0] == 'a' || copy[15] == 'a', new = copy[0] == 'b' || copy[15] == 'b';
	memory_sees(old && new ? 2 : new);
}

static void copies_what_is_set(void)
{
	strcpy(text, "aaaaaaaaaaaaaaaa");
	TOGETHER(set_text, copy_text);
}

static void print_text(void)
{
	sprintf(text, "%d", 22);
}

static void measure_text(void)
{
	memory_sees((unsigned)strlen(text));
}

static void measures_what_is_printed(void)
{
	memset(text, 0, sizeof text);
	strcpy(text, "1");
	TOGETHER(print_text, measure_text);
}

static char *_Atomic zeroes;

static void publish_zeroes(void)
{
	/* relaxed: orders nothing, so that the zeroes themselves race. */
	atomic_store_explicit(&zeroes, calloc(1, 16), memory_order_relaxed);
}

static void read_zeroes(void)
{
	char *made = atomic_load_explicit(&zeroes, memory_order_relaxed);
	if (made)
		must(made[5] == 0);
}

static void publishes_without_order(void)
{
	atomic_init(&zeroes, NULL);
	TOGETHER(publish_zeroes, read_zeroes);
	free(zeroes);
	zeroes = NULL;
}

static void loses_a_node(void)
{
	block = NULL; /* what another program left here could be the node's address */
	list = NULL;
	push();
	list = NULL;
}

/* The second one is forgotten. */
static void publish_if_first(void)
{
	char *made = malloc(24);
	pthread_mutex_lock(&lock);
	if (!block)
		block = made;
	pthread_mutex_unlock(&lock);
}

static void loses_the_second_of_two(void)
{
	block = NULL;
	TOGETHER(publish_if_first, publish_if_first);
}

static void writes_behind_its_block(void)
{
	char *name = malloc(4);
	strcpy(name, "four");
	free(name);
}

static void frees_a_static(void)
{
	free(text);
}

static void frees_a_local(void)
{
	int local = 1;
	void *volatile at = &local;
	free(at);
}

const struct memory_program memory_programs[] = {
	{.name = "shares a list", .body = shares_a_list},
	{.name = "hands over a text", .body = hands_over_a_text, .sees = 1 << 0 | 1 << 1},
	{.name = "keeps its memory", .body = keeps_its_memory},
	{.name = "passes memory by create and join", .body = passes_memory_by_create_and_join},
	{.name = "frees too early", .body = frees_too_early, .finds = "block of 16 bytes", .kind = FINDING_USE_AFTER_FREE},
	{.name = "frees twice", .body = frees_twice, .finds = "has freed already", .kind = FINDING_DOUBLE_FREE},
	{.name = "compares freed memory",
		.body = compares_freed_memory,
		.finds = "block of 16 bytes",
		.kind = FINDING_USE_AFTER_FREE},
	{.name = "copies what is set",
		.body = copies_what_is_set,
		.sees = 1 << 0 | 1 << 1 | 1 << 2,
		.finds = "nothing orders the two",
		.kind = FINDING_DATA_RACE},
	{.name = "measures what is printed",
		.body = measures_what_is_printed,
		.sees = 1 << 1 | 1 << 2,
		.finds = "nothing orders the two",
		.kind = FINDING_DATA_RACE},
	{.name = "publishes without order",
		.body = publishes_without_order,
		.finds = "nothing orders the two",
		.kind = FINDING_DATA_RACE},
	{.name = "loses a node", .body = loses_a_node, .finds = "16 bytes in 1 block", .kind = FINDING_LEAK},
	{.name = "loses the second of two",
		.body = loses_the_second_of_two,
		.finds = "24 bytes in 1 block",
		.kind = FINDING_LEAK},
	{.name = "writes behind its block",
		.body = writes_behind_its_block,
		.finds = "of a block of 4 bytes",
		.kind = FINDING_MISUSE},
	{.name = "frees a static", .body = frees_a_static, .finds = "a static object", .kind = FINDING_MISUSE},
	{.name = "frees a local", .body = frees_a_local, .finds = "an object on a stack", .kind = FINDING_MISUSE},
};
const unsigned memory_program_count = sizeof memory_programs / sizeof *memory_programs;
