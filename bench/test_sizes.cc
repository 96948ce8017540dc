// SPDX-License-Identifier: MIT
// What implementations weigh: accounts of the heap, lengths of instructions and the symbol table, each on something of known size; then
// every implementation has its numbers or a reason.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

extern "C" {
#include "../reports/node.h"
}
#include "bench.h"
#include "code.h"
#include "sizes.h"

static int failed;

static void need(bool ok, const std::string &what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s\n", what.c_str());
	failed = 1;
}

static void the_heap_is_counted()
{
	if (bench::heap_in_use() < 0) {
		puts("this malloc keeps no account: heap was not counted");
		return;
	}
	/* Freed chunks wait in the thread's own lists, where they count as used: the account would not move. */
	for (size_t bytes : {24u, 100u, 500u, 1000u, 5000u}) {
		void *freed[7];
		for (void *&one : freed)
			one = malloc(bytes);
		for (void *one : freed)
			free(one);
		bench::heap_drain();
		const long long before = bench::heap_in_use();
		void *volatile taken = malloc(bytes);
		const long long grown = bench::heap_in_use() - before;
		free(taken);
		need(grown >= static_cast<long long>(bytes) && grown <= static_cast<long long>(bytes) + 32,
			"malloc(" + std::to_string(bytes) + ") took " + std::to_string(grown));
	}
}

#if defined(__x86_64__)
/* Functions whose instructions are known: a jump over three bytes, a call through a pointer, a loop that runs twice. */
__asm__(".pushsection .text\n"
	".type known_jump, @function\n"
	"known_jump: xor %eax, %eax\n je 1f\n nop\n nop\n nop\n 1: ret\n"
	".size known_jump, . - known_jump\n"
	".type known_call, @function\n"
	"known_call: lea known_jump(%rip), %rax\n call *%rax\n ret\n"
	".size known_call, . - known_call\n"
	".type known_loop, @function\n"
	"known_loop: mov $2, %ecx\n 1: dec %ecx\n jne 1b\n ret\n"
	".size known_loop, . - known_loop\n"
	".popsection\n");
extern "C" void known_jump();
extern "C" void known_call();
extern "C" void known_loop();

/* BYTES: on its path; SIZE: of the function. */
static void need_path(void (*function)(), uint64_t instructions, uint64_t bytes, uint64_t size, const std::string &what)
{
	const bench::code_path path = bench::walk(reinterpret_cast<const void *>(function), function);
	if (!path.instructions) {
		puts("the trap flag does not trap here: no path was walked");
		return;
	}
	need(path.instructions == instructions && path.own_bytes == bytes && path.all_bytes == bytes,
		what + ": " + std::to_string(path.instructions) + " instructions, " + std::to_string(path.own_bytes) + " bytes");
	const bench::file_sizes sizes = bench::sizes_of_file(reinterpret_cast<const void *>(function));
	need(sizes.known && sizes.function_bytes == size, what + ": in the symbol table");
}

static void paths_are_walked()
{
	need_path(known_jump, 3, 2 + 2 + 1, 8, "a jump that is taken");
	need_path(known_call, 6, 7 + 2 + 1 + 5, 10, "a call through a pointer");
	need_path(known_loop, 6, 5 + 2 + 2 + 1, 10, "a loop counts its bytes once");
	const bench::code_path other = bench::walk(reinterpret_cast<const void *>(known_jump), known_loop);
	need(!other.instructions, "a function that is not called has no path");
}
#else
static void paths_are_walked()
{
}
#endif

static double at(const json_t *row, const char *key)
{
	return json_number_value(json_object_get(row, key));
}

static const json_t *row_of(const json_t *study, const char *subject)
{
	size_t i;
	const json_t *row;
	json_array_foreach(json_object_get(study, "rows"), i, row)
		if (strcmp(node_string(row, "subject"), subject) == 0)
			return row;
	need(false, std::string("no row of ") + subject);
	return nullptr;
}

static void check_row(const json_t *row)
{
	const std::string subject = node_string(row, "subject");
	if (!json_is_null(json_object_get(row, "missing")))
		return;
	for (const char *key : {"operation", "file", "bytes_struct", "bytes_heap", "bytes_static", "bytes_instance", "bytes_seat",
		     "bytes_thread_heap", "bytes_thread_local", "bytes_thread", "code_bytes", "function_bytes", "fast_path_bytes",
		     "fast_path_how", "fast_path_all_bytes", "fast_path_instructions"}) {
		const json_t *value = json_object_get(row, key);
		need(value, subject + " has no " + key);
		need(!json_is_number(value) || (json_number_value(value) >= 0 && json_number_value(value) < 1 << 20),
			subject + ": " + key);
	}
	/* The number goes with the file, also where two families have one of the same name. */
	const std::string file = node_string(row, "file"), name = subject.substr(subject.find('/') + 1);
	if (!json_is_null(json_object_get(row, "code_bytes")) && name.compare(0, 5, "peer_") != 0)
		need(file.size() > 5 && file.substr(3) == name + ".c", subject + " is in " + file);
	need(json_is_null(json_object_get(row, "fast_path_instructions")) ||
			at(row, "fast_path_bytes") <= at(row, "fast_path_all_bytes"),
		subject + ": own code is part of all");
	need(json_is_null(json_object_get(row, "code_bytes")) || at(row, "code_bytes") >= at(row, "function_bytes"),
		subject + ": the operation is part of the file");
}

static void everybody_is_weighed()
{
	bench::plan plan;
	json_t *study = bench::study_sizes(plan);
	size_t i, subjects = 0, missing = 0;
	json_t *row;
	for (enum family family : {FAMILY_INITIALISER, FAMILY_COUNTER, FAMILY_PROGRESS})
		subjects += bench::subjects_of(family).size();
	need(json_array_size(json_object_get(study, "rows")) == subjects, "a row for each implementation");
	json_array_foreach(json_object_get(study, "rows"), i, row) {
		check_row(row);
		missing += !json_is_null(json_object_get(row, "missing"));
	}
	printf("%zu implementations weighed, %zu missing\n", subjects - missing, missing);
	/* What must hold of any compiler's work. */
	const json_t *atomic = row_of(study, "counter/atomic"), *mutex = row_of(study, "counter/mutex");
	const json_t *sharded = row_of(study, "counter/sharded");
	need(at(mutex, "bytes_struct") > at(atomic, "bytes_struct"), "a mutex has room in its counter");
	if (!json_is_null(json_object_get(atomic, "fast_path_instructions")))
		need(at(mutex, "fast_path_instructions") > at(atomic, "fast_path_instructions"), "a lock takes instructions");
	if (!json_is_null(json_object_get(sharded, "bytes_thread")))
		need(at(sharded, "bytes_thread") >= 64 && at(atomic, "bytes_thread_heap") == 0, "a shard per thread, or none");
	if (!json_is_null(json_object_get(atomic, "bytes_thread_local")))
		need(at(row_of(study, "initialiser/thread_cached"), "bytes_thread_local") > 0, "thread-local variables");
	json_decref(study);

	bench::interrupted = true;
	study = bench::study_sizes(plan);
	bench::interrupted = false;
	need(json_is_true(json_object_get(study, "partial")), "after Ctrl-C");
	json_decref(study);
}

int main()
{
	the_heap_is_counted();
	paths_are_walked();
	everybody_is_weighed();
	return failed;
}
