/* SPDX-License-Identifier: MIT */
/* Why the right one costs what it costs: sentences for a learner, each made of rows and of what was measured of the machine, and left out
 * where these are missing. What a sentence claims is what its numbers show; for each comparison there are words for every outcome. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "facts_parts.h"
#include "markup.h"
#include "node.h"

/* Where the numbers come from, and what the comparisons of right with wrong came to: [0] cheaper, [1] the same, [2] dearer. */
struct place {
	const json_t *facts, *measured;
	const char *host;
	size_t verdicts[3];
	bool *unsure; /* set when a price has no interval */
};

/* So many increments in the time that a cache line takes there and back, and a move serves four of them. */
static const double MANY_PER_TRIP = 8;

static bool sane(double ns)
{
	return ns >= 1e-3 && ns <= 1e12;
}

static double ns_of(const json_t *row)
{
	return node_number(row, "ns", 0);
}

static struct words time_of(const json_t *row)
{
	return time_words(ns_of(row));
}

static const json_t *cost(const struct place *place, const char *subject, const char *operation, int threads)
{
	const json_t *row = threads > 0 ? facts_cost(place->facts, subject, operation, threads, place->host) : NULL;
	if (!row || !sane(ns_of(row)) || *node_string(row, "broken") || node_get(row, "implausible"))
		return NULL;
	*place->unsure = *place->unsure || !node_get(row, "low");
	return row;
}

/* The same where nothing speaks against calling the implementation right. */
static const json_t *right_cost(
	const struct place *place, const char *subject, const char *promise, const char *operation, int threads)
{
	const json_t *about = facts_subject(place->facts, subject);
	return about && facts_right(about, promise) ? cost(place, subject, operation, threads) : NULL;
}

static const json_t *tally(const struct place *place, const char *operation, int threads)
{
	return right_cost(place, "counter/tally", "no_lost_update", operation, threads);
}

static const json_t *naive(const struct place *place, const char *operation, int threads)
{
	return cost(place, "counter/naive", operation, threads);
}

/* What the machine's study or look measured as KEY (its INNER member, where one is named), else the floor's row; 0: neither. */
static double machine_ns(const struct place *place, const char *key, const char *inner, const char *row, int threads)
{
	const json_t *value = node_get(place->measured, key);
	double ns = inner ? node_number(value, inner, 0) : json_number_value(value);
	return sane(ns) ? ns : ns_of(cost(place, "floor", row, threads));
}

static double round_trip(const struct place *place)
{
	return machine_ns(place, "ping_pong", "median_ns", "ping_pong", 2);
}

__attribute__((format(printf, 2, 3))) static void say(json_t *sentences, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	node_append(sentences, json_vsprintf(format, values));
	va_end(values);
}

/* facts_dearer() of a right one and a wrong one, noted for the title. */
static int weigh(struct place *place, const json_t *right, const json_t *wrong)
{
	int dearer = facts_dearer(right, wrong, 1);
	place->verdicts[dearer + 1]++;
	return dearer;
}

static struct words count_of(int threads)
{
	return number_words((uint64_t)threads);
}

/* The same at the beginning of a sentence. */
static struct words first_count_of(int threads)
{
	struct words words = count_of(threads);
	words.text[0] = (char)toupper((unsigned char)words.text[0]);
	return words;
}

/* Two digits of it, for a number that is only about right: "1,400". */
static struct words roughly(double number)
{
	double step = pow(10, floor(log10(fmax(number, 1))) - 1);
	return number < 100 ? count_words(number) : count_words(round(number / step) * step);
}

/* Getting the instance ------------------------------------------------------------------------------------------------------------------ */

/* What a load and a branch is next to a lock. */
static void lock_price(json_t *to, const struct place *place, int many)
{
	double plain = machine_ns(place, "load_branch_ns", NULL, "load_branch", 1),
	       step = machine_ns(place, "lock_xadd_ns", NULL, "lock_xadd", 1);
	const json_t *one = cost(place, "initialiser/mutex", "get", 1),
		     *all = many > 1 ? cost(place, "initialiser/mutex", "get", many) : NULL;
	if (plain > 0)
		say(to,
			"Once the model is there, a get only asks whether the pointer is set: a load, and a branch that the CPU "
			"guesses right. That takes %s here.",
			time_words(plain).text);
	if (plain > 0 && step > 1.5 * plain)
		say(to,
			"One atomic step (lock xadd) takes %s, %s as much, and a mutex takes such a step going in and another "
			"going out.",
			time_words(step).text, ratio_words(step / plain).text);
	if (one && all && facts_dearer(all, one, 1) > 0)
		say(to,
			"Behind a mutex a get costs %s alone and %s with %s threads, which wait for one another and for the "
			"lock’s cache line.",
			time_of(one).text, time_of(all).text, count_of(many).text);
	else if (one)
		say(to, "Behind a mutex a get costs %s alone.", time_of(one).text);
}

static void once_price(json_t *to, struct place *place, int many)
{
	const json_t *right = right_cost(place, "initialiser/once", "exactly_once", "get", 1),
		     *wrong = cost(place, "initialiser/naive", "get", 1),
		     *all = many > 1 ? right_cost(place, "initialiser/once", "exactly_once", "get", many) : NULL;
	static const char *const words[] = {
		"costs even less than the bug", "costs the same as the bug", "still costs more than the bug"};
	if (!right || !wrong)
		return;
	say(to,
		"initialiser/once makes the others wait during the first use alone. From then on it is a load and a branch, too, "
		"and %s: %s, the bug %s.",
		words[weigh(place, right, wrong) + 1], time_of(right).text, time_of(wrong).text);
	if (all && facts_dearer(all, right, many) == 0)
		say(to, "%s threads get %s as far as one: a line that nobody writes can be in all cores at once.",
			first_count_of(many).text, ratio_words(ns_of(right) / ns_of(all)).text);
}

/* Counting -------------------------------------------------------------------------------------------------------------------------------- */

/* How far MANY threads get together, next to one alone. */
static void racy_scaling(json_t *to, const json_t *alone, const json_t *all, int many)
{
	struct words gain = ratio_words(ns_of(alone) / ns_of(all)), count = first_count_of(many), together = time_of(all),
		     one = time_of(alone);
	if (facts_dearer(all, alone, 1) > 0)
		say(to, "%s threads together are slower than one: %s an increment, where one alone takes %s.", count.text,
			together.text, one.text);
	else if (facts_dearer(all, alone, many) > 0)
		say(to, "%s threads get only %s as far as one: %s an increment, where one alone takes %s.", count.text, gain.text,
			together.text, one.text);
	else if (facts_dearer(all, alone, many) == 0)
		say(to,
			"%s threads get %s as far as one, and nothing shows that they share the line: %s an increment, where one "
			"alone takes %s.",
			count.text, gain.text, together.text, one.text);
	else
		say(to,
			"%s threads get %s as far as one: %s an increment, where one alone takes %s. That is faster than "
			"expected, and the line’s moves do not explain it.",
			count.text, gain.text, together.text, one.text);
}

/* The bug, with several threads: one line that all of them write. */
static void racy_price(json_t *to, const struct place *place, int many)
{
	const json_t *alone = naive(place, "increment", 1), *all = naive(place, "increment", many);
	double trip = round_trip(place), lost = node_number(all, "lost", 0);
	if (!all)
		return;
	if (trip > 0)
		say(to,
			"A plain ++ writes to a word that all threads write to. For that a core needs the word’s cache line to "
			"itself, and the line takes %s to another core and back.",
			time_words(trip).text);
	if (alone)
		racy_scaling(to, alone, all, many);
	if (trip > 0 && trip / ns_of(all) >= MANY_PER_TRIP)
		say(to,
			"Not every increment moves the line: the threads make about %s in the time of one trip. A store waits "
			"for the line in the core’s store buffer, and meanwhile the thread reads its own count back from there.",
			roughly(trip / ns_of(all)).text);
	else if (trip > 0)
		say(to, "The threads make only %.1f increments in the time of one trip: nearly each of them waits for the line.",
			trip / ns_of(all));
	if (lost > 0)
		say(to, "What one thread has not shown yet, another overwrites. Increments lost here: %s.",
			lost < 1 ? share_words(lost, 1).text : "nearly all");
}

static void tally_in_loop(json_t *to, struct place *place, int many)
{
	const json_t *right = tally(place, "increment", many), *wrong = naive(place, "increment", many),
		     *atomic = right_cost(place, "counter/atomic", "no_lost_update", "increment", many);
	if (!right || !wrong)
		return;
	say(to, "counter/tally gives each thread a count in a cache line of its own. Nobody else writes there, so a plain store "
		"will do: no lock, and no move while nobody reads.");
	int dearer = weigh(place, right, wrong);
	if (dearer < 0)
		say(to, "With %s threads it costs %s, the bug %s: the right one costs %s less.", count_of(many).text,
			time_of(right).text, time_of(wrong).text, ratio_words(ns_of(wrong) / ns_of(right)).text);
	else if (dearer == 0)
		say(to, "With %s threads it costs %s and the bug %s, which is the same.", count_of(many).text,
			time_of(right).text, time_of(wrong).text);
	else
		say(to, "With %s threads it costs %s and the bug %s: here the right one costs %s as much.", count_of(many).text,
			time_of(right).text, time_of(wrong).text, ratio_words(ns_of(right) / ns_of(wrong)).text);
	if (atomic && facts_dearer(atomic, right, 1) > 0)
		say(to, "An atomic add is right, too, but needs the line for every step: %s.", time_of(atomic).text);
}

/* A call between two increments gives the stores time to leave the buffer. */
static void tally_in_calls(json_t *to, struct place *place, int many)
{
	const json_t *right = tally(place, "increment_call", many), *wrong = naive(place, "increment_call", many),
		     *alone = naive(place, "increment_call", 1);
	if (!right || !wrong)
		return;
	int dearer = weigh(place, right, wrong);
	if (dearer < 0)
		say(to, "With one increment per call%s the bug costs %s and the right one %s, %s less.",
			alone && facts_dearer(wrong, alone, many) > 0 ? ", which gives stores the time to leave the buffer," : "",
			time_of(wrong).text, time_of(right).text, ratio_words(ns_of(wrong) / ns_of(right)).text);
	else
		say(to, "With one increment per call the bug costs %s and the right one %s, %s.", time_of(wrong).text,
			time_of(right).text, dearer ? "which is more" : "which is the same");
}

/* What is paid instead, and by whom. */
static void reading(json_t *to, const struct place *place)
{
	static const char *const operations[][2] = {
		{"read", "at rest"}, {"read_dirty_8", "just after another core wrote to eight of them"}};
	bool told = false, paid = false;
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		const json_t *right = tally(place, operations[i][0], 1), *wrong = naive(place, operations[i][0], 1);
		if (!right || !wrong)
			continue;
		int dearer = facts_dearer(right, wrong, 1);
		if (!told)
			say(to, "Whoever reads adds up the lines of all threads.");
		say(to, "A read %s costs %s, the bug’s one word %s%s.", operations[i][1], time_of(right).text,
			time_of(wrong).text,
			dearer > 0   ? ""
			: dearer < 0 ? ", which is more"
				     : ", which is the same");
		told = true;
		paid = paid || dearer > 0;
	}
	if (paid)
		say(to, "So the price is paid once for each look at the count, and not once for each item.");
}

/* Said honestly: where the bug is no slower, or quicker. */
static void cheap_bug(json_t *to, const struct place *place, int many)
{
	static const char *const words[] = {
		"the right one is cheaper still", "the right one costs the same", "cheaper than the right one"};
	static const char *const operations[][2] = {{"increment", "in a hot loop"}, {"increment_call", "with a call for each"}};
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		const json_t *right = tally(place, operations[i][0], 1), *wrong = naive(place, operations[i][0], 1);
		if (right && wrong)
			say(to, "%s costs %s %s; %s: %s.",
				json_array_size(to) ? "It" : "On one thread the bug loses nothing, and an increment",
				time_of(wrong).text, operations[i][1], words[facts_dearer(right, wrong, 1) + 1],
				time_of(right).text);
	}
	const json_t *racy = naive(place, "increment", many),
		     *atomic = right_cost(place, "counter/atomic", "no_lost_update", "increment", many);
	double trip = round_trip(place);
	if (many > 1 && racy && atomic && facts_dearer(racy, atomic, 1) < 0 && trip / ns_of(racy) >= MANY_PER_TRIP)
		say(to,
			"With %s threads in a hot loop it is cheap, %s next to an atomic add’s %s, for the very reason that "
			"makes it wrong: its stores wait where no other core can see them.",
			count_of(many).text, time_of(racy).text, time_of(atomic).text);
}

/* All together ------------------------------------------------------------------------------------------------------------------------------ */

/* SENTENCES, which it takes over, under LEAD; nothing where there are none. */
static void add_point(json_t *points, const char *lead, json_t *sentences)
{
	if (json_array_size(sentences))
		node_append(points, json_pack("{s:s, s:O}", "lead", lead, "sentences", sentences));
	json_decref(sentences);
}

static json_t *points_of(struct place *place)
{
	json_t *points = node_must(json_array()), *to = node_must(json_array());
	int gets = facts_most_threads(place->facts, "initialiser", "get", place->host),
	    many = facts_most_threads(place->facts, "counter", "increment", place->host);
	if (gets) {
		lock_price(to, place, gets);
		once_price(to, place, gets);
	}
	add_point(points, "A get.", to);
	to = node_must(json_array());
	if (many > 1)
		racy_price(to, place, many);
	add_point(points, "The racy increment.", to);
	to = node_must(json_array());
	if (many > 1) {
		tally_in_loop(to, place, many);
		tally_in_calls(to, place, many);
	}
	add_point(points, "The right increment.", to);
	to = node_must(json_array());
	reading(to, place);
	add_point(points, "What it asks for instead: reading.", to);
	to = node_must(json_array());
	cheap_bug(to, place, many);
	add_point(points, "Where the bug is cheap.", to);
	to = node_must(json_array());
	if (*place->unsure)
		say(to, "Some of these prices come from too few processes for an interval. Read such differences as hints.");
	add_point(points, "How sure is it?", to);
	return points;
}

/* As far as the comparisons carry it. */
static const char *title_of(const struct place *place)
{
	if (place->verdicts[0] && !place->verdicts[2])
		return "Why the right one costs less";
	if (place->verdicts[0])
		return "Why the right one costs less here and more there";
	return place->verdicts[2] || !place->verdicts[1] ? "What the right one costs, and why"
							 : "Why the right one costs no more";
}

json_t *facts_why(const json_t *facts)
{
	size_t i;
	const json_t *machine;
	json_array_foreach(node_get(facts, "machines"), i, machine) {
		bool unsure = false;
		struct place place = {.unsure = &unsure,
			.facts = facts,
			.measured = node_get(machine, "measured"),
			.host = node_string(machine, "key")};
		json_t *points = points_of(&place), *why = NULL;
		/* What machines cost alone explains nothing: right and wrong must have been compared. */
		if (place.verdicts[0] + place.verdicts[1] + place.verdicts[2])
			why = node_must(json_pack("{s:s, s:s, s:O}", "title", title_of(&place), "label",
				node_string(machine, "label"), "points", points));
		json_decref(points);
		if (why)
			return why;
	}
	return node_must(json_null());
}
