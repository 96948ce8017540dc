/* SPDX-License-Identifier: MIT */
/* What the explorer found, as JSON for the main program, which judges it and turns addresses into source lines.
 *
 * {model, strategy, options[], budget, first_only, plan, seed, executions, blocked, abandoned, cut, diverged, distinct, outcomes[count by index], exhausted, bound,
 *  out_of_time, caveat, probability[p1, p2, p3] (empty: no statement), seconds, peak_bytes, processes (that took part, this one among
 *  them), skip (null), findings[]}; with a journal also resumed (executions that were not made again)
 * finding   {kind, message, outcome (index, -1: none), after_race, executions, first, stale, preemptions, places[], schedule[],
 *            steps[], told (how many of them show it)}
 * place     {thread, role, frames[]}
 * step      {at, thread, tag, order, address, global, bytes, write, plain, read, written, source, stale, blocked, note, frames[]}
 * schedule  [[thread, kind, tag, source thread, source number, place thread, place number, choice], …]
 *
 * A frame is a return address as text, "0x…", counted from the start of the program in memory, innermost first; null where it lies in
 * a library. In messages, roles and notes such an address is marked, "@0x…". `global` is the address counted likewise if it lies in the program, else null. Values are decimal texts, for JSON's
 * integers end at 2^63 - 1. `at` is the step's row of the schedule, null for what is none. `source` is the index of the step that stored what was read; -1: it was there before the first; null:
 * nothing was read. `where` is kept for runtimes that can name a place; it is null here.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "exploring.h"

/* Steps of all witnesses together that are told (those of a finding that has more than are left are not), and of each the ones behind what
 * shows it. Schedules are whole anyway. */
enum { STEPS_TOLD_MAX = 15000, STEPS_SHORT = 1000, STEPS_BEHIND = 500 };

static const char *const tag_names[STEP_TAGS] = {
	[STEP_NONE] = "",
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
	[STEP_RACY_READ] = "racy read",
	[STEP_RACY_WRITE] = "racy write",
	[STEP_THREAD_BEGIN] = "begins",
	[STEP_THREAD_CREATE] = "creates a thread",
	[STEP_THREAD_JOIN] = "join",
	[STEP_THREAD_END] = "ends",
	[STEP_THREAD_CANCEL] = "cancel",
	[STEP_THREAD_DETACH] = "detach",
	[STEP_LOCK] = "lock",
	[STEP_TRYLOCK] = "trylock",
	[STEP_UNLOCK] = "unlock",
	[STEP_READ_LOCK] = "read lock",
	[STEP_WRITE_LOCK] = "write lock",
	[STEP_RW_UNLOCK] = "rwlock unlock",
	[STEP_SPIN_LOCK] = "spin lock",
	[STEP_SPIN_TRYLOCK] = "spin trylock",
	[STEP_SPIN_UNLOCK] = "spin unlock",
	[STEP_COND_WAIT] = "cond wait",
	[STEP_COND_WAKE] = "cond woken",
	[STEP_COND_SIGNAL] = "cond signal",
	[STEP_COND_BROADCAST] = "cond broadcast",
	[STEP_COND_TIMEOUT] = "cond timeout",
	[STEP_BARRIER_WAIT] = "barrier wait",
	[STEP_BARRIER_LEAVE] = "barrier leave",
	[STEP_ONCE] = "once",
	[STEP_ONCE_DONE] = "once done",
	[STEP_SEM_WAIT] = "sem wait",
	[STEP_SEM_TRYWAIT] = "sem trywait",
	[STEP_SEM_POST] = "sem post",
	[STEP_FUTEX_WAIT] = "futex wait",
	[STEP_FUTEX_WAKE] = "futex wake",
	[STEP_FUTEX_WOKEN] = "futex woken",
	[STEP_SLEEP] = "sleep",
	[STEP_YIELD] = "yield",
	[STEP_CHOICE] = "choice",
	[STEP_OTHER] = "step",
};

static const char *const order_names[] = {
	[ORDER_PLAIN] = "",
	[ORDER_RELAXED] = "relaxed",
	[ORDER_ACQUIRE] = "acquire",
	[ORDER_RELEASE] = "release",
	[ORDER_ACQ_REL] = "acq_rel",
	[ORDER_SEQ_CST] = "seq_cst",
};

/* Where this program lies in memory. */
struct image {
	uintptr_t start, end;
};

static int note_image(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	(void)bytes;
	struct image *image = arg;
	*image = (struct image){UINTPTR_MAX, 0};
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		if (part->p_type != PT_LOAD)
			continue;
		uintptr_t from = info->dlpi_addr + part->p_vaddr;
		if (from < image->start)
			image->start = from;
		if (from + part->p_memsz > image->end)
			image->end = from + part->p_memsz;
	}
	return 1; /* the first is the program itself */
}

static json_t *number_text(const char *format, uint64_t value)
{
	char text[32];
	snprintf(text, sizeof text, format, value);
	return json_string(text);
}

/* TEXT for the main program: addresses in this program, "0x…", are counted from its start and marked, "@0x…". What is not UTF-8 (text of
 * the explored program, or cut in the middle of a letter) becomes '?'. */
static json_t *told(const struct image *image, const char *text)
{
	char *copy = NULL;
	size_t bytes;
	FILE *out = open_memstream(&copy, &bytes);
	json_t *whole = json_string(text);
	bool valid = whole != NULL;
	json_decref(whole);
	while (out && *text) {
		char *end;
		unsigned long long address = strncmp(text, "0x", 2) == 0 ? strtoull(text, &end, 16) : 0;
		if (address >= image->start && address < image->end) {
			fprintf(out, "@0x%llx", address - image->start);
			text = end;
			continue;
		}
		fputc(valid || (unsigned char)*text < 0x80 ? *text : '?', out);
		text++;
	}
	json_t *node = json_string(out && fclose(out) == 0 ? copy : "");
	free(copy);
	return node;
}

static json_t *in_image(const struct image *image, uintptr_t address)
{
	return address >= image->start && address < image->end ? number_text("0x%" PRIx64, address - image->start) : json_null();
}

static json_t *frames(const struct image *image, const void *const *frame, unsigned count)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < count && i < FRAMES_MAX; i++)
		json_array_append_new(list, in_image(image, (uintptr_t)frame[i]));
	return list;
}

/* Index of the step that stored what RECORDED[AT] read: the event, and of several steps of one event the last. */
static json_t *source_step(const struct recorded *recorded, uint32_t at)
{
	if (!recorded[at].has_read)
		return json_null();
	for (uint32_t i = at; recorded[at].source && i-- > 0;)
		if (recorded[i].event == recorded[at].source)
			return json_integer(i);
	return json_integer(-1);
}

static json_t *step(const struct image *image, const struct recorded *recorded, uint32_t at, json_t *row)
{
	const struct recorded *it = &recorded[at];
	return json_pack("{s:o, s:i, s:s, s:s, s:o, s:o, s:n, s:i, s:b, s:b, s:o, s:o, s:o, s:b, s:b, s:o, s:o}", "at", row,
		"thread", (int)it->thread, "tag", it->tag < STEP_TAGS && tag_names[it->tag] ? tag_names[it->tag] : "step",
		"order", it->order <= ORDER_SEQ_CST ? order_names[it->order] : "", "address",
		number_text("0x%" PRIx64, it->address), "global", in_image(image, it->address), "where", "bytes", (int)it->bytes,
		"write", it->write, "plain", it->plain, "read", it->has_read ? number_text("%" PRIu64, it->read) : json_null(),
		"written", it->has_written ? number_text("%" PRIu64, it->written) : json_null(), "source",
		source_step(recorded, at), "stale", it->stale, "blocked", it->blocked, "note", told(image, it->note), "frames",
		frames(image, it->frame, it->frame_count));
}

/* The row of SCHEDULE that IT is, at FROM or behind; rows that were not recorded are passed over. */
static json_t *find_row(const struct schedule *schedule, const struct recorded *it, uint32_t *from)
{
	if (it->plain)
		return json_null();
	for (uint32_t i = *from; i < schedule->count; i++)
		if (schedule->steps[i].thread == it->thread && schedule->steps[i].tag == it->tag) {
			*from = i + 1;
			return json_integer(i);
		}
	return json_null();
}

static json_t *steps(const struct image *image, const struct schedule *schedule, const struct recorded *recorded, uint32_t count)
{
	json_t *list = json_array();
	uint32_t from = 0;
	for (uint32_t i = 0; i < count && i < STEPS_TOLD_MAX; i++)
		json_array_append_new(list, step(image, recorded, i, find_row(schedule, &recorded[i], &from)));
	return list;
}

static json_t *schedule_list(const struct schedule *schedule)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < schedule->count; i++) {
		const struct schedule_step *it = &schedule->steps[i];
		json_array_append_new(list, json_pack("[i, i, i, i, I, i, I, I]", it->thread, it->kind, it->tag,
						    it->source_thread, (json_int_t)it->source_number, it->place_thread,
						    (json_int_t)it->place_number, (json_int_t)it->choice));
	}
	return list;
}

static json_t *finding_answer(const struct image *image, const struct finding *finding)
{
	json_t *places = json_array();
	for (unsigned i = 0; i < finding->place_count; i++) {
		const struct place *place = &finding->place[i];
		json_array_append_new(
			places, json_pack("{s:i, s:o, s:o}", "thread", (int)place->thread, "role", told(image, place->role),
					"frames", frames(image, place->frame, place->frame_count)));
	}
	return json_pack("{s:s, s:o, s:i, s:b, s:o}", "kind", finding_kind_name(finding->kind), "message",
		told(image, finding->message), "outcome", finding->outcome == UINT32_MAX ? -1 : (int)finding->outcome,
		"after_race", finding->after_race, "places", places);
}

static json_int_t peak_bytes(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_SELF, &usage) == 0 ? (json_int_t)usage.ru_maxrss * 1024 : 0;
}

static json_t *probabilities(const struct explore_result *result)
{
	json_t *list = json_array();
	for (int depth = 1; depth <= 3 && result->probability_depth[depth] > 0; depth++)
		json_array_append_new(list, json_real(result->probability_depth[depth]));
	return list;
}

json_t *explore_answer(
	const struct explore_program *program, const struct explore_options *options, const struct explore_result *result)
{
	struct image image;
	dl_iterate_phdr(note_image, &image);
	json_t *outcomes = json_array(), *findings = json_array();
	for (unsigned i = 0; i < program->outcome_count; i++)
		json_array_append_new(outcomes, json_integer((json_int_t)result->outcomes[i]));
	uint32_t room[] = {STEPS_TOLD_MAX, STEPS_TOLD_MAX}; /* of short and of long ones */
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct explored_finding *it = &result->findings[i];
		json_t *finding = finding_answer(&image, &it->finding);
		uint32_t count = it->recorded_count < it->told + STEPS_BEHIND ? it->recorded_count : it->told + STEPS_BEHIND;
		uint32_t *its = &room[count > STEPS_SHORT];
		count = count <= *its ? count : i ? 0 : *its;
		*its -= count;
		json_object_set_new(finding, "executions", json_integer((json_int_t)it->executions));
		json_object_set_new(finding, "first", json_integer((json_int_t)it->first));
		json_object_set_new(finding, "stale", json_integer(it->stale));
		json_object_set_new(finding, "preemptions", json_integer(it->preemptions));
		json_object_set_new(finding, "schedule", schedule_list(&it->schedule));
		json_object_set_new(finding, "told", json_integer((json_int_t)it->told));
		json_object_set_new(finding, "steps", steps(&image, &it->schedule, it->recorded, count));
		json_array_append_new(findings, finding);
	}
	json_t *answer = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "model",
		options->model == MODEL_SC ? "sc" : "rc11", "strategy", options->strategy, "plan", result->plan, "seed",
		(json_int_t)options->seed, "executions", (json_int_t)result->executions, "blocked", (json_int_t)result->blocked,
		"abandoned", (json_int_t)result->abandoned, "cut", (json_int_t)result->cut, "diverged",
		(json_int_t)result->diverged, "distinct", (json_int_t)result->distinct);
	json_t *rest = json_pack("{s:o, s:b, s:s, s:b, s:o, s:o, s:f, s:I, s:I, s:n, s:o}", "outcomes", outcomes, "exhausted",
		result->exhausted, "bound", result->bound, "out_of_time", result->out_of_time, "caveat",
		told(&image, result->caveat), "probability", probabilities(result), "seconds", result->seconds, "peak_bytes",
		peak_bytes(), "processes", (json_int_t)result->processes + 1, "skip", "findings", findings);
	json_object_update(answer, rest);
	json_decref(rest);
	json_t *words = json_array();
	for (const char *const *word = options->search_options; word && *word; word++)
		json_array_append_new(words, json_string(*word));
	json_object_set_new(answer, "options", words);
	json_object_set_new(answer, "budget", json_integer((json_int_t)options->executions));
	json_object_set_new(answer, "threads", json_integer((json_int_t)result->threads));
	json_object_set_new(answer, "first_only", json_boolean(options->first_only));
	if (options->journal_fd > 0)
		json_object_set_new(answer, "resumed", json_integer((json_int_t)result->resumed));
	return answer;
}

json_t *explore_replay_answer(
	const struct explore_program *program, const struct explore_options *options, enum ending how, uint32_t diverged)
{
	static const char *const endings[] = {
		[ENDING_COMPLETE] = "complete",
		[ENDING_BLOCKED] = "blocked",
		[ENDING_FINDING] = "finding",
		[ENDING_ABANDONED] = "abandoned",
		[ENDING_DIVERGED] = "diverged",
		[ENDING_CUT] = "cut",
	};
	struct explore_result one = {.executions = 1, .blocked = how == ENDING_BLOCKED, .cut = how == ENDING_CUT};
	json_t *answer = explore_answer(program, options, &one), *findings = json_object_get(answer, "findings");
	struct image image;
	dl_iterate_phdr(note_image, &image);
	uint32_t count = 0;
	const struct recorded *recorded = runtime_recorded(&count);
	for (unsigned i = 0; i < runtime->findings; i++) {
		json_t *finding = finding_answer(&image, &runtime->finding[i]);
		json_object_set_new(finding, "told", json_integer(runtime_told(&runtime->finding[i])));
		json_array_append_new(findings, finding);
	}
	struct finding forbidden;
	unsigned outcome;
	if (explore_forbidden(program, how, &forbidden, &outcome))
		json_array_append_new(findings, finding_answer(&image, &forbidden));
	json_object_set_new(answer, "ending", json_string(endings[how]));
	json_object_set_new(answer, "diverged", diverged == UINT32_MAX ? json_null() : json_integer(diverged));
	json_object_set_new(answer, "steps", steps(&image, &(struct schedule){0}, recorded, count));
	return answer;
}

/* One row of a schedule; false: it is not one. */
static bool read_row(const json_t *row, struct schedule_step *step)
{
	static const json_int_t most[] = {
		GRAPH_THREADS_MAX - 1, 255, STEP_TAGS - 1, GRAPH_NOBODY, UINT32_MAX, GRAPH_NOBODY, UINT32_MAX, UINT32_MAX};
	enum { COLUMNS = sizeof most / sizeof *most };
	json_int_t value[COLUMNS];
	if (json_array_size(row) != COLUMNS)
		return false;
	for (size_t i = 0; i < COLUMNS; i++) {
		const json_t *cell = json_array_get(row, i);
		value[i] = json_integer_value(cell);
		if (!json_is_integer(cell) || value[i] < 0 || value[i] > most[i])
			return false;
	}
	*step = (struct schedule_step){(uint16_t)value[0], (uint8_t)value[1], (uint8_t)value[2], (uint16_t)value[3],
		(uint32_t)value[4], (uint16_t)value[5], (uint32_t)value[6], (uint32_t)value[7]};
	return true;
}

int explore_read_witness(const char *path, struct schedule *schedule, char *why, size_t bytes)
{
	json_error_t error;
	json_t *witness = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	const json_t *rows = json_object_get(witness, "schedule");
	*schedule = (struct schedule){0};
	if (!witness) {
		snprintf(why, bytes, "line %d: %s", error.line, error.text);
		return -1;
	}
	size_t count = json_array_size(rows);
	int status = -1;
	if (!json_is_array(rows) || count > UINT32_MAX) {
		snprintf(why, bytes, "it has no schedule: is it a witness of onceproof?");
	} else if (!(schedule->steps = calloc(count + 1, sizeof *schedule->steps))) {
		snprintf(why, bytes, "%s", strerror(ENOMEM));
	} else {
		status = 0;
		for (size_t i = 0; i < count && status == 0; i++) {
			if (read_row(json_array_get(rows, i), &schedule->steps[i]))
				continue;
			snprintf(why, bytes, "step %zu of its schedule is malformed", i + 1);
			status = -1;
		}
		schedule->count = (uint32_t)count;
	}
	if (status != 0) {
		free(schedule->steps);
		*schedule = (struct schedule){0};
	}
	json_decref(witness);
	return status;
}
