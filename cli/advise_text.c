/* SPDX-License-Identifier: MIT */
#include "advise_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LENGTH_BYTES = 32 };

/* "530 ns", "1.2 us". */
static const char *length_text(char text[LENGTH_BYTES], double ns)
{
	if (ns < 1e3)
		snprintf(text, LENGTH_BYTES, "%.3g ns", ns);
	else if (ns < 1e6)
		snprintf(text, LENGTH_BYTES, "%.3g us", ns / 1e3);
	else if (ns < 1e9)
		snprintf(text, LENGTH_BYTES, "%.3g ms", ns / 1e6);
	else
		snprintf(text, LENGTH_BYTES, "%.3g s", ns / 1e9);
	return text;
}

/* "1.2 %". */
static const char *share_text(char text[LENGTH_BYTES], double share)
{
	if (share < 0.0001)
		return "under 0.01 %";
	snprintf(text, LENGTH_BYTES, share < 1 ? "%.2g %%" : "%.0f %%", 100 * share);
	return text;
}

static const char *thread_word(unsigned threads)
{
	return threads == 1 ? "thread" : "threads";
}

/* The name behind "family/". */
static const char *short_name(const struct candidate *c)
{
	return c ? strchr(c->subject, '/') + 1 : "none";
}

static double number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The point of a curve that is nearest to ITEM_NS in magnitude. */
static void read_point(struct batches *batches, const json_t *points, double item_ns)
{
	double nearest = INFINITY;
	size_t i;
	json_t *point;
	json_array_foreach(points, i, point) {
		double at = number_of(point, "item_ns"), far = fabs(log(at / item_ns));
		if (!(far < nearest))
			continue;
		nearest = far;
		batches->item_ns = at;
		batches->overhead = number_of(point, "overhead");
		batches->low = number_of(point, "low");
		batches->high = number_of(point, "high");
		double age = number_of(json_object_get(point, "progress_latency_ns"), "p50");
		if (!isnan(age))
			batches->age_ns = age;
	}
}

struct batches advice_batches(const struct advice *a)
{
	struct batches found = {.item_ns = NAN, .overhead = NAN, .low = NAN, .high = NAN, .age_ns = NAN};
	char name[256];
	snprintf(name, sizeof name, "%s+%s+%s", short_name(a->decisions[FAMILY_INITIALISER].taken),
		short_name(a->decisions[FAMILY_COUNTER].taken), short_name(a->decisions[FAMILY_PROGRESS].taken));
	const json_t *study = evidence_study(a->evidence, "crossings");
	double nearest = INFINITY;
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(study, "choices"), i, entry) {
		const char *choice = json_string_value(json_object_get(entry, "choice"));
		double threads = number_of(entry, "threads"), far = fabs(log(threads / a->question.threads));
		if (!choice || strcmp(choice, name) != 0 || !(far < nearest) || !(number_of(entry, "item_ns") > 0))
			continue;
		nearest = far;
		found.known = true;
		found.choice = choice;
		found.found = json_string_value(json_object_get(entry, "found"));
		found.threads = (unsigned)threads;
		found.crossing_ns = number_of(entry, "item_ns");
		found.crossing_low = number_of(entry, "low");
		found.crossing_high = number_of(entry, "high");
		found.limit = number_of(study, "limit");
		read_point(&found, json_object_get(entry, "points"), a->question.item_ns);
	}
	return found;
}

/* Why this one, in a sentence without its full stop. */
static void say_why(const struct decision *d, const struct question *q, char *text, size_t bytes)
{
	char length[LENGTH_BYTES], share[LENGTH_BYTES];
	if (!d->cheapest)
		snprintf(text, bytes, "nothing of it was measured: the simplest that keeps what is needed");
	else if (!d->matters && d->cheapest == d->taken)
		snprintf(text, bytes, "it does not matter: the simplest that keeps what is needed, and the cheapest");
	else if (!d->matters)
		snprintf(text, bytes, "it does not matter: the simplest that keeps what is needed; the cheapest is %s, %s",
			d->cheapest->subject, length_text(length, d->cheapest->item_ns));
	else if (d->dearest == d->taken)
		snprintf(text, bytes, "it matters, and there is no cheaper one that keeps what is needed");
	else
		snprintf(text, bytes, "it matters: %s keeps as much and takes %s, %s of an item", d->dearest->subject,
			length_text(length, d->dearest->item_ns), share_text(share, d->dearest->item_ns / q->item_ns));
}

static void print_taken(const struct advice *a, const struct decision *d)
{
	const struct candidate *c = d->taken;
	const struct question *q = &a->question;
	char length[LENGTH_BYTES], share[LENGTH_BYTES], why[400];
	if (!c) {
		printf("  %-34s no implementation keeps what is needed\n", family_name(d->family));
		return;
	}
	printf("  %-34s ", c->subject);
	if (isnan(c->item_ns)) {
		printf("not measured");
	} else {
		printf("%s of an item", length_text(length, c->item_ns));
		if (c->high > c->low)
			printf(" (%.3g to %.3g)", c->low, c->high);
		printf(", %s of it; %s, %u %s", share_text(share, c->item_ns / q->item_ns), d->operation, d->threads,
			thread_word(d->threads));
		if (d->threads != q->threads)
			printf(" (the nearest to %u that was measured)", q->threads);
	}
	if (candidate_header(c))
		printf("; #include <%s>", candidate_header(c));
	say_why(d, q, why, sizeof why);
	printf("\n  %-34s %s\n", "", why);
}

static void print_batches(const struct advice *a)
{
	struct batches b = advice_batches(a);
	char item[LENGTH_BYTES], from[LENGTH_BYTES], low[LENGTH_BYTES], high[LENGTH_BYTES], age[LENGTH_BYTES];
	if (!b.known)
		return;
	printf("\nWhole batches of %s, %u %s: with items of %s it adds %.2g %%", b.choice, b.threads, thread_word(b.threads),
		length_text(item, b.item_ns), 100 * b.overhead);
	if (!isnan(b.low))
		printf(" (%.2g to %.2g)", 100 * b.low, 100 * b.high);
	printf(" to a batch that counts nothing;\nless than %.2g %% from items of %s on (between %s and %s)", 100 * b.limit,
		length_text(from, b.crossing_ns), length_text(low, b.crossing_low), length_text(high, b.crossing_high));
	if (!isnan(b.age_ns))
		printf("; the front end's news is %s old (median)", length_text(age, b.age_ns));
	puts(".");
}

void advice_print_evidence(const struct evidence *e)
{
	if (e->from == EVIDENCE_SHIPPED && !e->this_machine)
		puts("This machine was not measured: `onceproof bench` does it. Until then, from another machine:");
	else if (e->from == EVIDENCE_SHIPPED)
		puts("Nothing whole was saved on this machine: `onceproof bench` measures it. Until then, from one like it:");
	else if (!e->this_machine)
		puts("These results are of another machine or compiler than this one's.");
	printf("Evidence: %s: %s", e->file, *e->date ? e->date : "no date");
	printf(", %s (%s%s%u cores), %s", e->cpu, e->class, *e->class ? "; " : "", e->cores, e->compiler);
	if (*e->plan)
		printf(", plan %s", e->plan);
	if (e->processes)
		printf(", %u processes", e->processes);
	printf("%s%s.\n", e->partial ? ", cut short" : "", e->loaded ? ", while others used the machine" : "");
	puts("Prices are wall time of hot loops times the cores they had, with 95 % intervals: with work in between, threads "
	     "meet less often,\n"
	     "so for long items they are upper bounds.");
}

/* Those of KIND on a line, with how many times the price of what was taken each has. */
static void print_together(const struct decision *d, enum verdict_kind kind, const char *what)
{
	bool begun = false;
	for (size_t i = 0; i < d->count; i++) {
		const struct candidate *c = &d->list[i];
		if (c->kind != kind || c == d->taken)
			continue;
		if (begun)
			printf(", %s", short_name(c));
		else
			printf("  %s, %s: %s", family_name(d->family), what, short_name(c));
		begun = true;
		if (!isnan(c->item_ns) && d->taken && d->taken->item_ns > 0)
			printf(" %.*f", c->item_ns < 10 * d->taken->item_ns, c->item_ns / d->taken->item_ns);
	}
	if (begun)
		putchar('\n');
}

static void print_rejected(const struct advice *a, bool verbose)
{
	puts("\nNot taken");
	for (enum family family = 0; family <= FAMILY_PROGRESS; family++) {
		const struct decision *d = &a->decisions[family];
		for (size_t i = 0; i < d->count; i++) {
			const struct candidate *c = &d->list[i];
			bool together = !verbose && ((c->kind == AS_CHEAP && !d->matters) || c->kind == PEER);
			if (c != d->taken && !together)
				printf("  %-34s %s\n", c->subject, c->reason);
		}
		if (!verbose && !d->matters)
			print_together(d, AS_CHEAP, "as good here and not as simple (times the price)");
		if (!verbose)
			print_together(d, PEER, "other people's, measured beside (times the price)");
	}
}

static void print_question(const struct question *q)
{
	char item[LENGTH_BYTES];
	printf("%u %s, items of %s, %.3g reads a second; %s: %s\n", q->threads, thread_word(q->threads),
		length_text(item, q->item_ns), q->reads_per_s, q->need->name, q->need->meaning);
}

void advice_print(const struct advice *a, int verbosity)
{
	if (verbosity < 0) {
		for (enum family family = 0; family <= FAMILY_PROGRESS; family++)
			if (a->decisions[family].taken)
				puts(a->decisions[family].taken->subject);
		return;
	}
	print_question(&a->question);
	puts("\nTake");
	for (enum family family = 0; family <= FAMILY_PROGRESS; family++)
		print_taken(a, &a->decisions[family]);
	print_batches(a);
	putchar('\n');
	advice_print_evidence(a->evidence);
	print_rejected(a, verbosity > 0);
}

void advice_print_head(void)
{
	printf("%-14s %-18s %-18s %-18s %-12s %s\n", "need", "initialiser", "counter", "progress", "of an item", "what it asks");
}

void advice_print_line(const struct advice *a)
{
	double sum = 0;
	for (enum family family = 0; family <= FAMILY_PROGRESS; family++)
		sum += a->decisions[family].taken ? a->decisions[family].taken->item_ns : NAN;
	char text[LENGTH_BYTES];
	const char *share = isnan(sum) ? "not measured" : share_text(text, sum / a->question.item_ns);
	printf("%-14s %-18s %-18s %-18s %-12s %s\n", a->question.need->name, short_name(a->decisions[FAMILY_INITIALISER].taken),
		short_name(a->decisions[FAMILY_COUNTER].taken), short_name(a->decisions[FAMILY_PROGRESS].taken), share,
		a->question.need->meaning);
}

static json_t *real_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *evidence_json(const struct evidence *e)
{
	static const char *const from[] = {"given", "saved", "shipped"};
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:i, s:o, s:o, s:i, s:b, s:b}", "from", from[e->from], "file", e->file,
		"this_machine", e->this_machine, "date", text_or_null(e->date), "cpu", text_or_null(e->cpu), "class",
		text_or_null(e->class), "cores", (int)e->cores, "compiler", text_or_null(e->compiler), "plan",
		text_or_null(e->plan), "processes", (int)e->processes, "partial", e->partial, "loaded", e->loaded);
}

static json_t *taken_json(const struct advice *a, const struct decision *d)
{
	const struct candidate *c = d->taken;
	char why[400];
	say_why(d, &a->question, why, sizeof why);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:s, s:o, s:o}", "family", family_name(d->family), "subject",
		c->subject, "header", text_or_null(candidate_header(c)), "item_ns", real_or_null(c->item_ns), "low",
		real_or_null(c->low), "high", real_or_null(c->high), "share", real_or_null(c->item_ns / a->question.item_ns),
		"matters", d->matters, "why", why, "row", c->price.known ? json_string(c->price.row->name) : json_null(),
		"row_threads", c->price.known ? json_integer(d->threads) : json_null());
}

static json_t *batches_json(const struct advice *a)
{
	struct batches b = advice_batches(a);
	if (!b.known)
		return json_null();
	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "choice", b.choice, "threads",
		(int)b.threads, "limit", real_or_null(b.limit), "found", text_or_null(b.found), "crossing_ns",
		real_or_null(b.crossing_ns), "crossing_low", real_or_null(b.crossing_low), "crossing_high",
		real_or_null(b.crossing_high), "item_ns", real_or_null(b.item_ns), "overhead", real_or_null(b.overhead), "low",
		real_or_null(b.low), "high", real_or_null(b.high), "age_ns", real_or_null(b.age_ns));
}

json_t *advice_json(const struct advice *a)
{
	static const char *const kinds[] = {"taken", "lacks-promise", "unfit", "dearer", "as-cheap", "unmeasured", "peer"};
	json_t *take = json_array(), *rejected = json_array();
	for (enum family family = 0; family <= FAMILY_PROGRESS; family++) {
		const struct decision *d = &a->decisions[family];
		if (d->taken)
			json_array_append_new(take, taken_json(a, d));
		for (size_t i = 0; i < d->count; i++)
			if (&d->list[i] != d->taken)
				json_array_append_new(
					rejected, json_pack("{s:s, s:s, s:s, s:o}", "subject", d->list[i].subject, "kind",
							  kinds[d->list[i].kind], "reason", d->list[i].reason, "item_ns",
							  real_or_null(d->list[i].item_ns)));
	}
	const struct question *q = &a->question;
	return json_pack("{s:{s:s, s:s, s:i, s:f, s:f}, s:o, s:o, s:o, s:o}", "question", "need", q->need->name, "meaning",
		q->need->meaning, "threads", (int)q->threads, "item_ns", q->item_ns, "reads_per_s", q->reads_per_s, "evidence",
		evidence_json(a->evidence), "take", take, "batch", batches_json(a), "rejected", rejected);
}
