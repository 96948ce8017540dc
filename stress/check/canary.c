/* SPDX-License-Identifier: MIT */
#include "canary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "../private_folder.h"
#include "engines.h"

enum { BUDGET_S = 20 };

struct canary {
	const char *name, *text;
	uint32_t engines; /* those that must see it */
};

/* Each bug shows in every run, or (for the explorer) is one that needs a schedule; none takes the machine's speed to show. */
static const struct canary canaries[] = {
	{"data race",
		"#include <pthread.h>\n"
		"static int count;\n"
		"static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;\n"
		"static void *add(void *unused)\n"
		"{\n"
		"#ifdef FIXED\n"
		"	pthread_mutex_lock(&lock);\n"
		"#endif\n"
		"	count++;\n"
		"#ifdef FIXED\n"
		"	pthread_mutex_unlock(&lock);\n"
		"#endif\n"
		"	return unused;\n"
		"}\n"
		"int main(void)\n"
		"{\n"
		"	pthread_t other;\n"
		"	(void)lock;\n"
		"	if (pthread_create(&other, NULL, add, NULL) != 0)\n"
		"		return 0;\n"
		"	add(NULL);\n"
		"	pthread_join(other, NULL);\n"
		"	return 0;\n"
		"}\n",
		CHECK_EXPLORE | CHECK_TSAN | CHECK_HELGRIND | CHECK_DRD},
	{"lost update",
		"#undef NDEBUG\n"
		"#include <assert.h>\n"
		"#include <pthread.h>\n"
		"#include <stdatomic.h>\n"
		"static atomic_int count;\n"
		"static void *add(void *unused)\n"
		"{\n"
		"#ifdef FIXED\n"
		"	atomic_fetch_add(&count, 1);\n"
		"#else\n"
		"	atomic_store(&count, atomic_load(&count) + 1);\n"
		"#endif\n"
		"	return unused;\n"
		"}\n"
		"int main(void)\n"
		"{\n"
		"	pthread_t other;\n"
		"	if (pthread_create(&other, NULL, add, NULL) != 0)\n"
		"		return 0;\n"
		"	add(NULL);\n"
		"	pthread_join(other, NULL);\n"
		"	assert(atomic_load(&count) == 2);\n"
		"	return 0;\n"
		"}\n",
		CHECK_EXPLORE},
	{"deadlock",
		"#include <pthread.h>\n"
		"static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};\n"
		"static void both(int first)\n"
		"{\n"
		"	pthread_mutex_lock(&locks[first]);\n"
		"	pthread_mutex_lock(&locks[!first]);\n"
		"	pthread_mutex_unlock(&locks[!first]);\n"
		"	pthread_mutex_unlock(&locks[first]);\n"
		"}\n"
		"static void *other_way(void *unused)\n"
		"{\n"
		"#ifdef FIXED\n"
		"	both(0);\n"
		"#else\n"
		"	both(1);\n"
		"#endif\n"
		"	return unused;\n"
		"}\n"
		"int main(void)\n"
		"{\n"
		"	pthread_t other;\n"
		"	if (pthread_create(&other, NULL, other_way, NULL) != 0)\n"
		"		return 0;\n"
		"	both(0);\n"
		"	pthread_join(other, NULL);\n"
		"	return 0;\n"
		"}\n",
		CHECK_EXPLORE},
	{"use after free",
		"#include <pthread.h>\n"
		"#include <stdlib.h>\n"
		"static volatile int *block;\n"
		"static void *use(void *unused)\n"
		"{\n"
		"	*block = 1;\n"
		"	return unused;\n"
		"}\n"
		"int main(void)\n"
		"{\n"
		"	pthread_t other;\n"
		"	block = malloc(sizeof *block);\n"
		"	if (!block)\n"
		"		return 0;\n"
		"#ifndef FIXED\n"
		"	free((void *)block);\n"
		"#endif\n"
		"	if (pthread_create(&other, NULL, use, NULL) != 0)\n"
		"		return 0;\n"
		"	pthread_join(other, NULL);\n"
		"#ifdef FIXED\n"
		"	free((void *)block);\n"
		"#endif\n"
		"	return 0;\n"
		"}\n",
		CHECK_EXPLORE | CHECK_TSAN},
	/* The other thread cannot have set it: it needs the lock. */
	{"missing wait",
		"#undef NDEBUG\n"
		"#include <assert.h>\n"
		"#include <pthread.h>\n"
		"static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;\n"
		"static pthread_cond_t done = PTHREAD_COND_INITIALIZER;\n"
		"static int ready;\n"
		"static void *set(void *unused)\n"
		"{\n"
		"	pthread_mutex_lock(&lock);\n"
		"	ready = 1;\n"
		"	pthread_cond_signal(&done);\n"
		"	pthread_mutex_unlock(&lock);\n"
		"	return unused;\n"
		"}\n"
		"int main(void)\n"
		"{\n"
		"	pthread_t other;\n"
		"	pthread_mutex_lock(&lock);\n"
		"	if (pthread_create(&other, NULL, set, NULL) != 0)\n"
		"		return 0;\n"
		"#ifdef FIXED\n"
		"	while (!ready)\n"
		"		pthread_cond_wait(&done, &lock);\n"
		"#endif\n"
		"	assert(ready == 1);\n"
		"	pthread_mutex_unlock(&lock);\n"
		"	pthread_join(other, NULL);\n"
		"	return 0;\n"
		"}\n",
		CHECK_EXPLORE | CHECK_NATIVE},
};
const size_t canary_count = sizeof canaries / sizeof *canaries;

const char *canary_name(size_t canary)
{
	return canaries[canary].name;
}

/* The canary, or its fix, under one engine: a new result. NULL after one complaint: it cannot be built. */
static json_t *run_one(
	const struct canary *canary, char *file, bool fixed, uint32_t engine, const struct program_source *user, uint64_t seed)
{
	char *const files[] = {file};
	char **flags = calloc(user->flag_count + 2, sizeof *flags);
	if (!flags) {
		complain("out of memory");
		return NULL;
	}
	for (size_t i = 0; i < user->flag_count; i++)
		flags[i] = user->flags[i];
	flags[user->flag_count] = (char *)(fixed ? "-DFIXED" : "-UFIXED");
	struct check_subject subject = {.name = canary->name, .scenario = "program", .source = *user};
	subject.source.files = files;
	subject.source.file_count = 1;
	subject.source.flags = flags;
	subject.source.flag_count = user->flag_count + 1;
	const struct check_plan plan = {.seed = seed,
		.seed_given = true,
		.budget_s = BUDGET_S,
		.jobs = 1,
		.shard = 1,
		.shards = 1,
		.engines = engine,
		.helpers = user->helpers,
		.verbosity = user->verbosity};
	json_t *results = node_must(json_array());
	int status = check_program(&subject, &plan, results);
	json_t *result = status ? NULL : json_incref(json_array_get(results, 0));
	json_decref(results);
	free(flags);
	return result;
}

static int write_file(const struct private_folder *folder, const struct canary *canary, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/canary.c", folder->path);
	FILE *file = fopen(path, "we");
	bool good = file && fputs(canary->text, file) >= 0;
	good = file && fclose(file) == 0 && good;
	if (!good)
		complain("%s: cannot be written: %s", path, strerror(errno));
	return good ? 0 : EXIT_USAGE;
}

static enum canary_state judge(const json_t *bug, const json_t *fix)
{
	const char *red = node_string(bug, "verdict"), *green = node_string(fix, "verdict");
	if (strcmp(red, "skipped") == 0)
		return CANARY_NOT_HERE;
	if (strcmp(red, "bug") != 0)
		return CANARY_BLIND;
	return strcmp(green, "proved") == 0 || strcmp(green, "not-found") == 0 ? CANARY_AS_IT_SHOULD : CANARY_ACCUSES;
}

static json_t *said(const json_t *result)
{
	json_t *said = node_must(json_object());
	node_set(said, "verdict", node_text(node_string(result, "verdict")));
	node_set(said, "evidence", node_text(node_string(result, "evidence")));
	return said;
}

static const char *what_to_do(enum canary_state state, uint32_t engine)
{
	if (state == CANARY_ACCUSES)
		return "with these flags it accuses what is right: believe none of its findings; try without the flags";
	if (state == CANARY_NOT_HERE)
		return "it cannot run here, and says nothing about anything";
	if (state != CANARY_BLIND)
		return NULL;
	return engine == CHECK_NATIVE
		       ? "a program that always fails does not: look at what the compiler and the flags replace (assert, abort)"
	       : engine & (CHECK_HELGRIND | CHECK_DRD)
		       ? "look for a valgrind of another version, and flags that replace functions of pthread"
		       : "a flag, an included file or the compiler switches instrumentation or reports off: leave flags out one "
			 "by one";
}

int canary_run(size_t number, uint32_t engine, const struct program_source *source, uint64_t seed, enum canary_state *state,
	json_t **cell)
{
	static const char *const words[] = {"as it should be", "blind", "accuses", "not here", "not meant"};
	const struct canary *canary = &canaries[number];
	struct private_folder folder = {0};
	char file[4200];
	*cell = node_must(json_object());
	node_set(*cell, "engine", node_text(check_engine_name(engine)));
	node_set(*cell, "canary", node_text(canary->name));
	*state = CANARY_NOT_MEANT;
	json_t *bug = NULL, *fix = NULL;
	int status = 0;
	if (canary->engines & engine) {
		double before = check_clock();
		status = private_folder_make(&folder);
		if (!status)
			status = write_file(&folder, canary, file, sizeof file);
		bug = status ? NULL : run_one(canary, file, false, engine, source, seed);
		fix = bug ? run_one(canary, file, true, engine, source, seed) : NULL;
		if (!fix)
			status = EXIT_USAGE;
		else
			*state = judge(bug, fix);
		node_set(*cell, "seconds", json_real(check_clock() - before));
		private_folder_remove(&folder);
	}
	node_set(*cell, "state", node_text(words[*state]));
	if (bug)
		node_set(*cell, "bug", said(bug));
	if (fix)
		node_set(*cell, "fix", said(fix));
	if (what_to_do(*state, engine))
		node_set(*cell, "what", node_text(what_to_do(*state, engine)));
	json_decref(bug);
	json_decref(fix);
	return status;
}
