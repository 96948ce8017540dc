/* SPDX-License-Identifier: MIT */
#include "advise_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../reports/node.h"
#include "advise_words.h"

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
	const struct candidate *cheapest = d->cheapest, *dearest = d->dearest;
	char price[WORDS_BYTES], share[WORDS_BYTES];
	if (!cheapest)
		snprintf(text, bytes, "nothing of it was measured: the simplest that keeps what is needed");
	else if (!d->matters && cheapest == d->taken)
		snprintf(text, bytes, "it does not matter: the simplest that keeps what is needed, and the cheapest");
	else if (!d->matters)
		snprintf(text, bytes, "it does not matter: the simplest that keeps what is needed; the cheapest is %s, %s",
			cheapest->subject, price_text(price, cheapest->item_ns, cheapest->low, cheapest->high));
	else if (dearest == d->taken)
		snprintf(text, bytes, "it matters, and there is no cheaper one that keeps what is needed");
	else
		snprintf(text, bytes, "it matters: %s keeps as much and takes %s, %s of an item", dearest->subject,
			price_text(price, dearest->item_ns, dearest->low, dearest->high),
			share_text(share, dearest->item_ns / q->item_ns));
}

/* What the counter would be, and cost, if the gaps between numbers were asked for otherwise; a phrase. */
static void say_variant(const struct advice *a, char *text, size_t bytes)
{
	const struct decision *d = &a->decisions[FAMILY_COUNTER], *other = &a->variant;
	const struct need *need = a->question.need;
	const struct candidate *c = other->taken;
	char price[WORDS_BYTES], times[WORDS_BYTES];
	int used = snprintf(text, bytes, "%s (--need %s): ", need->variant_says, need->variant);
	text += used;
	bytes -= (size_t)used;
	if (!c) {
		snprintf(text, bytes, "no implementation");
	} else if (d->taken && strcmp(c->subject, d->taken->subject) == 0) {
		snprintf(text, bytes, "the same");
	} else if (isnan(c->item_ns)) {
		snprintf(text, bytes, "%s, not measured", c->subject);
	} else {
		used = snprintf(text, bytes, "%s, %s of an item; %s, %u %s", c->subject,
			price_text(price, c->item_ns, c->low, c->high), other->operation, other->threads,
			thread_word(other->threads));
		/* Quotients of prices of one kind only. */
		const bool alike = d->threads == other->threads && d->operation && strcmp(d->operation, other->operation) == 0;
		const double ratio = alike && d->taken && d->taken->item_ns > 0 ? c->item_ns / d->taken->item_ns : NAN;
		if (ratio >= 1.05 && used < (int)bytes)
			snprintf(text + used, bytes - (size_t)used, "; %s times the price", times_text(times, ratio));
		else if (ratio > 0 && ratio < 1 / 1.05 && used < (int)bytes)
			snprintf(text + used, bytes - (size_t)used, "; %s times cheaper", times_text(times, 1 / ratio));
	}
}

static void print_taken(const struct advice *a, const struct decision *d)
{
	const struct candidate *c = d->taken;
	const struct question *q = &a->question;
	char price[WORDS_BYTES], share[WORDS_BYTES], why[400];
	if (!c) {
		printf("  %-34s no implementation keeps what is needed\n", family_name(d->family));
		return;
	}
	printf("  %-34s ", c->subject);
	if (isnan(c->item_ns)) {
		printf("not measured");
	} else {
		printf("%s of an item, %s of it; %s, %u %s", price_text(price, c->item_ns, c->low, c->high),
			share_text(share, c->item_ns / q->item_ns), d->operation, d->threads, thread_word(d->threads));
		if (d->threads != q->threads)
			printf(" (the nearest to %u that was measured)", q->threads);
	}
	if (candidate_header(c))
		printf("; #include <%s>", candidate_header(c));
	say_why(d, q, why, sizeof why);
	printf("\n  %-34s %s\n", "", why);
	if (d->family == FAMILY_COUNTER && q->need->variant) {
		say_variant(a, why, sizeof why);
		printf("  %-34s %s\n", "", why);
	}
}

static void print_batches(const struct advice *a)
{
	struct batches b = advice_batches(a);
	char item[WORDS_BYTES], from[WORDS_BYTES], low[WORDS_BYTES], high[WORDS_BYTES], age[WORDS_BYTES];
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
	if (e->passed_over)
		puts(e->passed_over);
	if (e->from == EVIDENCE_SHIPPED)
		printf("%s: `onceproof bench --quick` measures it. Until then, from %s:\n",
			e->passed_over ? "So nothing is known of this machine" : "This machine was not measured",
			e->this_machine ? "one like it" : "another machine");
	else if (!e->this_machine)
		puts("These results are of another machine or compiler than this one's.");
	printf("Evidence: %s: %s", e->file, *e->date ? e->date : "no date");
	printf(", %s (%s%s%u cores), %s", e->cpu, e->class, *e->class ? "; " : "", e->cores, e->compiler);
	if (*e->plan)
		printf(", plan %s", e->plan);
	if (e->processes)
		printf(", %u processes", e->processes);
	if (e->dropped)
		printf(", %u repetition%s lacking", e->dropped, e->dropped == 1 ? "" : "s");
	else if (e->partial)
		printf(", cut short");
	printf("%s.\n", e->loaded ? ", while others used the machine" : "");
	puts("Prices are wall time of hot loops times the cores they had, with 95 % intervals where there are enough processes: "
	     "with work in\n"
	     "between, threads meet less often, so for long items they are upper bounds.");
}

/* Those of KIND on a line, with how many times the price of what was taken each has. */
static void print_together(const struct decision *d, enum verdict_kind kind, const char *what)
{
	char times[WORDS_BYTES];
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
			printf(" %s", times_text(times, c->item_ns / d->taken->item_ns));
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
			print_together(d, AS_CHEAP, "as good here and not as simple (times the price; -v has all prices)");
		if (!verbose)
			print_together(d, PEER, "other people's, measured beside (times the price; -v has all prices)");
	}
}

static void print_question(const struct question *q)
{
	char item[WORDS_BYTES];
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

#define LINE "%-14s %-18s %-18s %-18s %-24s %s\n"

void advice_print_head(void)
{
	printf(LINE, "need", "initialiser", "counter", "progress", "of an item", "what it asks");
}

void advice_print_line(const struct advice *a)
{
	double sum = 0, low = 0, high = 0;
	for (enum family family = 0; family <= FAMILY_PROGRESS; family++) {
		const struct candidate *c = a->decisions[family].taken;
		sum += c ? c->item_ns : NAN;
		low += c ? c->low : NAN;
		high += c ? c->high : NAN;
	}
	const double item_ns = a->question.item_ns;
	char share[WORDS_BYTES], from[WORDS_BYTES], to[WORDS_BYTES], text[3 * WORDS_BYTES] = "not measured";
	if (high > low)
		snprintf(text, sizeof text, "%s (%s to %s)", share_text(share, sum / item_ns), share_text(from, low / item_ns),
			share_text(to, high / item_ns));
	else if (!isnan(sum))
		snprintf(text, sizeof text, "%s", share_text(share, sum / item_ns));
	printf(LINE, a->question.need->name, short_name(a->decisions[FAMILY_INITIALISER].taken),
		short_name(a->decisions[FAMILY_COUNTER].taken), short_name(a->decisions[FAMILY_PROGRESS].taken), text,
		a->question.need->meaning);
}

static json_t *real_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* Names of files and what they hold may be no UTF-8: that is repaired. */
static json_t *text_or_null(const char *text)
{
	return text && *text ? node_text(text) : json_null();
}

static json_t *evidence_json(const struct evidence *e)
{
	static const char *const from[] = {"given", "saved", "shipped"};
	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:i, s:o, s:o, s:i, s:i, s:b, s:b, s:o}", "from", from[e->from], "file",
		node_text(e->file), "this_machine", e->this_machine, "date", text_or_null(e->date), "cpu", text_or_null(e->cpu),
		"class", text_or_null(e->class), "cores", (int)e->cores, "compiler", text_or_null(e->compiler), "plan",
		text_or_null(e->plan), "processes", (int)e->processes, "dropped", (int)e->dropped, "partial", e->partial,
		"loaded", e->loaded, "passed_over", text_or_null(e->passed_over));
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

static json_t *variant_json(const struct advice *a)
{
	const struct candidate *c = a->variant.taken;
	if (!c)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "need", a->question.need->variant, "subject", c->subject,
		"header", text_or_null(candidate_header(c)), "item_ns", real_or_null(c->item_ns), "low", real_or_null(c->low),
		"high", real_or_null(c->high), "row", c->price.known ? json_string(c->price.row->name) : json_null(),
		"row_threads", c->price.known ? json_integer(a->variant.threads) : json_null());
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
	return json_pack("{s:{s:s, s:s, s:i, s:f, s:f}, s:o, s:o, s:o, s:o, s:o}", "question", "need", q->need->name, "meaning",
		q->need->meaning, "threads", (int)q->threads, "item_ns", q->item_ns, "reads_per_s", q->reads_per_s, "evidence",
		evidence_json(a->evidence), "take", take, "variant", variant_json(a), "batch", batches_json(a), "rejected",
		rejected);
}
