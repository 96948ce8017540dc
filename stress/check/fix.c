/* SPDX-License-Identifier: MIT */
/* Which change would mend a finding? Candidates in order of how small they are, each verified by exploring the changed program again; what
 * holds is made smaller as long as it holds.
 *
 * Stronger orders are monotone: if all of them as seq_cst do not help, no choice of them does. So a family begins with its strongest
 * member, and one exploration says whether it is worth more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../explored.h"
#include "../program_parts.h"
#include "fix_parts.h"

enum {
	GROW_MAX = 4,            /* times that a change takes in accesses that were not known before */
	MUTEXES_MAX = 2,         /* of the program's own that are tried around the same lines */
	WAYS_MAX = 9,            /* of fix_lock_order() */
	SMALL_EXECUTIONS = 20000 /* of one try */
};

struct search {
	struct fixing f;
	struct fix_change best;
	struct fix_trial verified; /* of best */
	bool found;
	bool learned; /* the last try showed accesses that were not known to race */
};

/* Makes CHANGE the best if it holds and is better founded than what there is. Returns whether it holds. */
static bool consider(struct search *s, const struct fix_change *change)
{
	struct fix_trial trial;
	s->learned = false;
	if (!fix_try(&s->f, change, &trial))
		return false;
	bool holds = trial.holds;
	if (holds && (!s->found || (trial.proved && !s->verified.proved))) {
		fix_trial_close(&s->verified);
		s->best = *change;
		s->verified = trial;
		s->found = true;
	} else {
		if (!holds)
			s->learned = fix_traces_add(&s->f.traces, trial.answer);
		fix_trial_close(&trial);
	}
	return holds;
}

/* Is the best one good enough to look for no other? */
static bool done(const struct search *s)
{
	return s->found && s->verified.proved;
}

/* Takes CHANGE for the best if it holds as well as the best does. */
static bool replace(struct search *s, const struct fix_change *change)
{
	struct fix_trial trial;
	if (!fix_try(&s->f, change, &trial))
		return false;
	bool as_good = trial.holds && (trial.proved || !s->verified.proved);
	if (as_good) {
		fix_trial_close(&s->verified);
		s->best = *change;
		s->verified = trial;
	} else {
		fix_trial_close(&trial);
	}
	return as_good;
}

static unsigned edits_made(const struct fix_change *change)
{
	unsigned count = 0;
	for (unsigned i = 0; i < change->count; i++)
		count += !change->edit[i].off;
	return count;
}

/* Leaves out the edits of variables, or single ones, that are not needed. */
static void leave_out(struct search *s, bool by_variable)
{
	for (unsigned i = 0; i < s->best.count; i++) {
		struct fix_change smaller = s->best;
		bool seen = false;
		for (unsigned j = 0; j < i && by_variable; j++)
			seen |= smaller.edit[j].address == smaller.edit[i].address;
		if (seen || smaller.edit[i].off)
			continue;
		for (unsigned j = 0; j < smaller.count; j++)
			if (j == i || (by_variable && smaller.edit[j].address == smaller.edit[i].address))
				smaller.edit[j].off = true;
		if (edits_made(&smaller))
			replace(s, &smaller);
	}
}

/* Names weaker orders where they do: all at once, else one by one. */
static void weaken(struct search *s, enum fix_order order)
{
	struct fix_change weaker = s->best;
	for (unsigned i = 0; i < weaker.count; i++)
		fix_set_order(&weaker.edit[i], order);
	if (replace(s, &weaker))
		return;
	for (unsigned i = 0; i < s->best.count && edits_made(&s->best) > 1; i++) {
		weaker = s->best;
		fix_set_order(&weaker.edit[i], order);
		if (!weaker.edit[i].off)
			replace(s, &weaker);
	}
}

/* An update that has both halves may need only one. */
static void halve(struct search *s)
{
	static const enum fix_order halves[] = {FIX_ACQUIRE, FIX_RELEASE};
	for (unsigned i = 0; i < s->best.count; i++)
		for (size_t h = 0; h < 2; h++) {
			struct fix_change weaker = s->best;
			const struct fix_edit *e = &weaker.edit[i];
			if (e->off || !e->reads || !e->writes || strcmp(e->order, "acq_rel") != 0)
				continue;
			fix_set_order(&weaker.edit[i], halves[h]);
			replace(s, &weaker);
		}
}

/* Families of changes ----------------------------------------------------------------------------------------------------------------------- */

static bool waits_for_ever(const json_t *finding)
{
	const char *kind = node_string(finding, "kind");
	return strcmp(kind, "deadlock") == 0 || strcmp(kind, "lost-wakeup") == 0 || strcmp(kind, "livelock") == 0;
}

static void try_orders(struct search *s)
{
	struct fix_change change;
	if (!fix_orders(&s->f.traces, &change, FIX_SEQ_CST) || !consider(s, &change))
		return;
	struct fix_change weaker;
	/* Those that already name as much are no edits then. */
	if (fix_orders(&s->f.traces, &weaker, FIX_ACQUIRE_RELEASE) && replace(s, &weaker)) {
		leave_out(s, true);
		leave_out(s, false);
		halve(s);
		return;
	}
	leave_out(s, true);
	leave_out(s, false);
	weaken(s, FIX_ACQUIRE_RELEASE);
}

static bool only_updates(const struct fix_change *change)
{
	for (unsigned i = 0; i < change->count; i++)
		if (!change->edit[i].off && change->edit[i].kind != FIX_EDIT_UPDATE)
			return false;
	return true;
}

/* Plain accesses of racing variables. What a try finds may be an access that was not known: then it is one of them. */
static void try_atomics(struct search *s)
{
	struct fix_variables v;
	struct fix_change change;
	bool holds = false;
	s->learned = true;
	for (unsigned i = 0; i < GROW_MAX && !holds && s->learned; i++) {
		fix_racing(&s->f.traces, &v);
		if (!v.count || !fix_atomics(&s->f.traces, &v, &change, FIX_SEQ_CST))
			return;
		holds = consider(s, &change);
	}
	if (!holds)
		return;
	leave_out(s, true);
	weaken(s, FIX_ACQUIRE_RELEASE);
	if (only_updates(&s->best))
		weaken(s, FIX_RELAXED);
}

static void try_updates(struct search *s)
{
	struct fix_variables v;
	struct fix_change change;
	fix_shared(&s->f.traces, &v);
	if (fix_updates(&s->f.traces, &v, &change) && consider(s, &change))
		leave_out(s, false);
}

/* One mutex around accesses to V; MUTEX as in fix_locks(). */
static void try_lock(struct search *s, bool racing, enum fix_shape shape, uint64_t mutex)
{
	struct fix_variables v;
	struct fix_change change;
	bool holds = false;
	s->learned = true;
	for (unsigned i = 0; i < GROW_MAX && !holds && s->learned; i++) {
		if (racing)
			fix_racing(&s->f.traces, &v);
		else
			fix_shared(&s->f.traces, &v);
		if (!v.count || !fix_locks(&s->f, &v, shape, mutex, &change))
			return;
		holds = consider(s, &change);
	}
	if (holds)
		leave_out(s, false);
}

static void try_mutexes(struct search *s, bool racing, enum fix_shape shape)
{
	struct fix_variables v;
	for (unsigned n = 0; n < MUTEXES_MAX && !done(s); n++) {
		if (racing)
			fix_racing(&s->f.traces, &v);
		else
			fix_shared(&s->f.traces, &v);
		uint64_t mutex = fix_mutex(&s->f, &v, shape != FIX_LINES, n);
		if (!mutex)
			return;
		try_lock(s, racing, shape, mutex);
	}
}

static void try_lock_order(struct search *s)
{
	struct fix_change change;
	for (unsigned n = 0; n < WAYS_MAX && !done(s); n++)
		if (fix_lock_order(&s->f, n, &change) && consider(s, &change))
			leave_out(s, false);
}

/* Is a variable looked at without a lock in a function that looks again under one: is the lock meant to be avoided? */
static bool double_checked(const struct search *s)
{
	struct fix_traces *t = (struct fix_traces *)&s->f.traces;
	struct fix_variables v;
	fix_racing(t, &v);
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *a = &t->step[i];
		struct source_place first, second;
		if (a->kind != FIX_PLAIN || a->writes || a->held_count || !fix_overlaps(&v, a) || !fix_place(t, a, &first))
			continue;
		for (size_t j = i + 1; j < t->count && t->step[j].trace == a->trace; j++) {
			const struct fix_step *b = &t->step[j];
			if (b->thread == a->thread && b->held_count && b->address == a->address && b->kind == FIX_PLAIN &&
				fix_place(t, b, &second) && strcmp(first.function, second.function) == 0 &&
				strcmp(first.file, second.file) == 0)
				return true;
		}
	}
	return false;
}

/* Is what races the variable of a loop, by which a thread was told its number? It is not meant to be shared at all. */
static bool shares_loop(struct search *s)
{
	struct fix_variables v;
	struct fix_change change;
	fix_racing(&s->f.traces, &v);
	if (!v.count || !fix_atomics(&s->f.traces, &v, &change, FIX_SEQ_CST))
		return false;
	for (unsigned i = 0; i < change.count; i++) {
		const struct fix_edit *e = &change.edit[i];
		char *line = e->kind == FIX_EDIT_UPDATE ? source_line(e->file, e->last_line) : NULL;
		bool loop = line && strncmp(line, "for", 3) == 0;
		free(line);
		if (loop)
			return true;
	}
	return false;
}

static void try_all(struct search *s)
{
	struct fix_variables racing;
	fix_racing(&s->f.traces, &racing);
	bool races = racing.count > 0, avoids = races && double_checked(s);
	if (shares_loop(s))
		return;
	try_orders(s);
	if (!done(s) && races && !avoids)
		try_mutexes(s, true, FIX_LINES);
	if (!done(s) && races)
		try_atomics(s);
	if (!done(s) && races && avoids)
		try_mutexes(s, true, FIX_LINES);
	if (!done(s) && s->f.waits)
		try_lock_order(s);
	if (!done(s))
		try_updates(s);
	static const enum fix_shape shapes[] = {FIX_LINES, FIX_RANGES, FIX_CALLERS};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		for (int only_races = races; only_races >= 0 && !done(s); only_races--) {
			if (shapes[i] != FIX_LINES || !only_races)
				try_mutexes(s, only_races, shapes[i]);
			if (!done(s))
				try_lock(s, only_races, shapes[i], 0);
		}
}

/* No one change mends everything: one for FINDING alone, which leaves only others that were there before. */
static void try_alone(struct search *s, const json_t *finding)
{
	struct fixing *f = &s->f;
	size_t i, at = 0;
	const json_t *it, *raw = node_get(f->traces.answer, "findings");
	json_array_foreach(node_get(f->baseline, "findings"), i, it)
		if (fix_same(it, finding))
			f->target = it;
	/* Findings that are the same were put together: the answer's first of that kind that its steps belong to. */
	while (f->target && at < json_array_size(raw) && !fix_shows(&f->traces, at, f->target))
		at++;
	if (!f->target || at == json_array_size(raw) || json_array_size(node_get(f->baseline, "findings")) < 2)
		return;
	fix_traces_forget(&f->traces);
	f->traces.only = (int)at;
	f->waits = waits_for_ever(f->target);
	try_all(s);
}

/* The answer ---------------------------------------------------------------------------------------------------------------------------- */

static json_t *fix_node(struct search *s)
{
	qsort(s->best.edit, s->best.count, sizeof *s->best.edit, fix_by_place);
	json_t *fix = node_must(json_object()), *brief = fix_change_short(&s->f.traces, &s->best);
	const struct fix_trial *v = &s->verified;
	const char *with = json_string_value(brief), *plural = v->executions == 1 ? "" : "s";
	node_set(fix, "change", fix_change_words(&s->f.traces, &s->best));
	node_set(fix, "edits", fix_change_edits(&s->f.traces, &s->best));
	node_set(fix, "verdict", node_text(v->proved ? "proved" : "not-found"));
	node_set(fix, "executions", json_integer(v->executions));
	size_t others = json_array_size(node_get(v->result, "findings"));
	if (others)
		node_set(fix, "evidence",
			node_must(json_sprintf("%s: %s for this finding, %lld execution%s; %zu other finding%s stay%s", with,
				v->proved ? "proved" : "not found again", v->executions, plural, others, others == 1 ? "" : "s",
				others == 1 ? "s" : "")));
	else if (!v->proved)
		node_set(fix, "evidence",
			node_must(json_sprintf("%s: not found again in %lld execution%s", with, v->executions, plural)));
	else
		node_set(fix, "evidence",
			node_must(json_sprintf("%s: proved%s%s%s, %lld execution%s", with, *v->bound ? " within a bound (" : "",
				v->bound, *v->bound ? ")" : "", v->executions, plural)));
	json_decref(brief);
	return fix;
}

/* The change holds when nothing is found any more: it mends every finding of RESULT. NULL: only this one. */
static void attach(const json_t *result, json_t *finding, json_t *fix)
{
	size_t i;
	json_t *other;
	json_array_foreach(result ? node_get(result, "findings") : NULL, i, other)
		if (other != finding && json_array_size(node_get(other, "fixes")) == 0)
			node_set(other, "fixes", node_must(json_pack("[O]", fix)));
	node_set(finding, "fixes", node_must(json_pack("[o]", fix)));
}

/* Explores the program as it is: what it does in each finding's execution is what candidates are made from. false: nothing was found. */
static bool look(struct search *s, double limit_s)
{
	struct fixing *f = &s->f;
	struct check_plan plan = *f->plan;
	json_t *answer = fix_explore(f, NULL, limit_s, false);
	plan.witness_folder = NULL;
	plan.shard = plan.shards = 1;
	f->baseline = result_new(f->subject->name, f->subject->scenario, "explore", f->file->built.compiler);
	if (!answer)
		return false;
	size_t i;
	const json_t *status;
	json_array_foreach(node_get(answer, "statuses"), i, status)
		f->ever_zero |= json_integer_value(status) == 0;
	/* Takes findings out that nobody asked for. */
	check_explore_judge(f->subject, &plan, f->file, answer, f->baseline);
	fix_traces_open(&f->traces, f->file->built.program, &f->subject->source, answer);
	f->traces.cxx = f->file->built.cxx;
	const json_t *finding;
	json_array_foreach(node_get(f->baseline, "findings"), i, finding)
		f->waits |= waits_for_ever(finding);
	return json_array_size(node_get(f->baseline, "findings")) > 0;
}

/* More executions than a try has, where there is time: what was not found may be proved then. */
static void verify_longer(struct search *s)
{
	s->f.executions = 0;
	if (s->found && !s->verified.proved) {
		struct fix_trial trial;
		if (!fix_try(&s->f, &s->best, &trial))
			return;
		if (trial.holds || trial.broken) {
			fix_trial_close(&s->verified);
			s->verified = trial;
			s->found = trial.holds;
		} else {
			fix_trial_close(&trial);
		}
	}
}

/* Without optimisation every access stands in its own line: a compiler that knows of no other thread keeps plain variables in registers, as
 * it could not do once they are atomic or under a lock. What is free of races there is so in any build. Some programs do not link that
 * way (inline functions without a body of their own); then as the user builds it. */
static bool build(struct explore_file *file)
{
	const char *optimise = file->optimise;
	/* In C++ the accesses of all std::atomic objects would stand in the same functions of the library then. */
	for (size_t i = 0; i < file->file_count; i++)
		if (program_is_cxx(file->files[i]))
			return explore_file_build(file) == 0;
	file->optimise = "-O0";
	complaints_off(true);
	int status = explore_file_build(file);
	complaints_off(false);
	file->optimise = optimise;
	return status == 0 || explore_file_build(file) == 0;
}

void check_fix(
	const struct check_subject *subject, const struct check_plan *plan, const json_t *result, json_t *finding, double limit_s)
{
	const struct program_source *source = &subject->source;
	struct explore_file file = {.files = source->files,
		.file_count = source->file_count,
		.flags = source->flags,
		.flag_count = source->flag_count,
		.units = source->units,
		.compiler = source->compiler,
		.optimise = source->optimise,
		.helpers = plan->helpers,
		.arguments = subject->arguments,
		.argument_count = subject->argument_count,
		.input = subject->input};
	struct search *s = json_array_size(node_get(finding, "fixes")) ? NULL : calloc(1, sizeof *s);
	double began = check_clock();
	/* What is loaded twice is lost once: a change that leaves a leak behind is none, whatever the check was asked for. */
	struct check_plan own = *plan;
	if (!own.promises)
		own.promises = check_program_promises();
	plan = &own;
	if (!s || !build(&file)) {
		free(s);
		return;
	}
	s->f = (struct fixing){.subject = subject, .plan = plan, .file = &file, .until = began + limit_s};
	if (look(s, limit_s / 3)) {
		s->f.executions = SMALL_EXECUTIONS;
		try_all(s);
		if (!s->found)
			try_alone(s, finding);
		verify_longer(s);
		if (s->found)
			attach(s->f.target ? NULL : result, finding, fix_node(s));
	}
	fix_trial_close(&s->verified);
	fix_traces_close(&s->f.traces);
	json_decref(s->f.baseline);
	for (size_t i = 0; i < s->f.text_count; i++)
		free(s->f.texts[i]);
	free(s->f.texts);
	free(s);
	explore_file_close(&file);
}
