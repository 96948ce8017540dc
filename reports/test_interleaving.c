/* SPDX-License-Identifier: MIT */
/* The table of an interleaving: columns, switches, stale reads, narrow terminals, hostile text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interleaving.h"
#include "node.h"
#include "test_support.h"

static json_t *add(json_t *steps, int number, const char *thread, int line, const char *source, const char *operation,
	const char *where, const char *read, const char *written)
{
	return node_append(steps,
		json_pack("{s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s?, s:s?, s:n, s:s}", "step", number, "thread", thread,
			"file", "impl/counter/30_load_store.c", "line", line, "function", "counter_increment", "source", source,
			"operation", operation, "where", where, "read", read, "written", written, "from", "note", ""));
}

/* Two threads that both read 0, and one of them reads what the other one did only at the end. */
static json_t *lost_update(void)
{
	json_t *finding = json_pack("{s:[], s:i}", "interleaving", "hidden_steps", 7), *steps = node_get(finding, "interleaving");
	add(steps, 4, "T2", 20, "uint64_t value = atomic_load(&c->value);", "load relaxed", "[a]", "0", NULL);
	node_set(add(steps, 5, "T1", 20, "uint64_t value = atomic_load(&c->value);", "load relaxed", "[a]", "0", NULL), "switch",
		json_true());
	add(steps, 6, "T1", 21, "atomic_store(&c->value, value + 1);", "store relaxed", "[a]", NULL, "1");
	json_t *last =
		add(steps, 9, "T2", 22, "return atomic_load(&c->flag);", "load relaxed", "[b]", "18446744073709551615", NULL);
	node_set(last, "switch", json_true());
	node_set(last, "stale", json_true());
	node_set(last, "from", json_integer(6));
	node_set(last, "note",
		node_text("nothing orders this read behind the newer store of T1, so it may still return the old one"));
	return finding;
}

static char *table(const json_t *finding, unsigned width, bool color)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	const struct interleaving_look look = {.width = width, .color = color, .indent = " "};
	interleaving_text(out, finding, &look);
	fclose(out);
	return text;
}

static void threads_are_columns(void **state)
{
	(void)state;
	json_t *finding = lost_update();
	char *text = table(finding, 100, false);
	assert_string_equal(text,
		"  step │ T1                                          │ T2\n"
		" ──────┼─────────────────────────────────────────────┼─────────────────────────────────────────────\n"
		"     4 │                                             │ 30_load_store.c:20\n"
		"       │                                             │ uint64_t value = atomic_load(&c->value);\n"
		"       │                                             │   load relaxed [a] = 0\n"
		" →   5 │ 30_load_store.c:20\n"
		"       │ uint64_t value = atomic_load(&c->value);\n"
		"       │   load relaxed [a] = 0\n"
		"     6 │ :21  atomic_store(&c->value, value + 1);\n"
		"       │   store relaxed [a] := 1\n"
		" →   9 │                                             │ :22  return atomic_load(&c->flag);\n"
		"       │                                             │   load relaxed [b] = 0xffffffffffffffff\n"
		"       │                                             │   (stale: of step 6)\n"
		"       │                                             │   nothing orders this read behind the newer\n"
		"       │                                             │   store of T1, so it may still return the\n"
		"       │                                             │   old one\n"
		" → another thread goes on. 7 steps that no other thread could notice are not shown.\n");
	free(text);
	json_decref(finding);
}

/* Without room for columns, the steps stand below one another, and nothing is lost. */
static void narrow_tables_are_lists(void **state)
{
	(void)state;
	json_t *finding = lost_update();
	char *text = table(finding, 50, false);
	assert_null(strstr(text, "┼"));
	assert_non_null(strstr(text, " T2\n"));
	assert_non_null(strstr(text, "store relaxed [a] := 1"));
	free(text);
	json_decref(finding);
}

/* No line is longer than the terminal, whatever the width; escape sequences do not count. */
static void lines_keep_the_width(void **state)
{
	(void)state;
	for (unsigned width = 60; width <= 240; width += 7) {
		json_t *finding = lost_update();
		char *text = table(finding, width, true);
		unsigned characters = 0;
		bool escape = false;
		for (const char *at = text; *at; at++) {
			if (*at == '\n') {
				assert_in_range(characters, 0, width);
				characters = 0;
				continue;
			}
			escape |= *at == '\033';
			characters += !escape && ((unsigned char)*at & 0xc0) != 0x80;
			escape &= *at != 'm';
		}
		free(text);
		json_decref(finding);
	}
}

static void words_say_what_happened(void **state)
{
	(void)state;
	json_t *finding = lost_update(), *steps = node_get(finding, "interleaving");
	static const char *const expected[] = {"load relaxed [a] = 0", "load relaxed [a] = 0", "store relaxed [a] := 1",
		"load relaxed [b] = 0xffffffffffffffff (stale: of step 6)"};
	for (size_t i = 0; i < 4; i++) {
		char *words = interleaving_words(json_array_get(steps, i));
		assert_string_equal(words, expected[i]);
		free(words);
	}
	json_t *both = add(steps, 10, "T3", 1, "", "fetch_add acq_rel", "count", "4", "5");
	node_set(both, "times", json_integer(3));
	char *words = interleaving_words(both);
	assert_string_equal(words, "fetch_add acq_rel count = 4 → 5 (3 times)");
	free(words);
	json_t *threads = interleaving_threads(steps);
	assert_int_equal(json_array_size(threads), 3);
	assert_string_equal(json_string_value(json_array_get(threads, 0)), "T1");
	assert_string_equal(json_string_value(json_array_get(threads, 2)), "T3");
	json_decref(threads);
	json_decref(finding);
}

/* What a report holds may have been written by anybody. */
static void hostile_text_moves_no_cursor(void **state)
{
	(void)state;
	json_t *finding = lost_update(), *steps = node_get(finding, "interleaving");
	size_t i;
	json_t *step;
	json_array_foreach(steps, i, step) {
		node_set(step, "source", node_text(hostile));
		node_set(step, "thread", node_text(hostile));
		node_set(step, "operation", node_text(hostile));
		node_set(step, "note", node_text(hostile));
		node_set(step, "file", node_text(hostile));
		node_set(step, "read", node_text(hostile));
	}
	for (unsigned width = 40; width < 200; width += 50) {
		char *text = table(finding, width, false);
		for (const char *at = text; *at; at++)
			assert_true((unsigned char)*at >= 0x20 || *at == '\n');
		free(text);
	}
	json_decref(finding);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_columns),
		cmocka_unit_test(narrow_tables_are_lists),
		cmocka_unit_test(lines_keep_the_width),
		cmocka_unit_test(words_say_what_happened),
		cmocka_unit_test(hostile_text_moves_no_cursor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
