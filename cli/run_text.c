/* SPDX-License-Identifier: MIT */
#include "run_text.h"

#include <inttypes.h>
#include <string.h>

static const char *const anomaly_names[] = {"duplicate", "gap", "backwards", "missing last"};

static void anomalies_of(const struct batch_summary *s, uint64_t counts[4])
{
	counts[0] = s->anomalies.duplicate;
	counts[1] = s->anomalies.gap;
	counts[2] = s->anomalies.backwards;
	counts[3] = s->anomalies.missing_last;
}

void rates_add(struct run_rates *r, const struct batch_summary *s, const struct batch_judgement *j)
{
	uint64_t anomalies[4];
	anomalies_of(s, anomalies);
	for (int i = 0; i < 4; i++) {
		r->with[i] += anomalies[i] > 0;
		r->in_all[i] += anomalies[i];
	}
	for (int i = 0; i < PIPELINE_PROMISES; i++)
		r->refuted[i] += (j->refuted >> i) & 1;
	r->doubled += s->models_made > 1;
	r->models += s->models_made;
	r->wasted_bytes += s->wasted_bytes;
	r->miscounted += s->counted != s->evidence.results.count;
	r->not_as_stated += !j->as_stated;
	r->partial += s->partial;
	r->load_ns += s->load_ns;
	r->seconds += s->seconds;
	r->items += s->evidence.results.count;
	r->audio_changes += r->batches > 0 && !s->partial && r->audio_print != s->audio_print;
	r->audio_print = s->audio_print;
	r->batches++;
}

const char *size_text(uint64_t bytes)
{
	static char texts[8][24];
	static unsigned next;
	char *text = texts[next++ % 8];
	if (bytes < 1024)
		snprintf(text, sizeof texts[0], "%" PRIu64 " bytes", bytes);
	else if (bytes < 1u << 20)
		snprintf(text, sizeof texts[0], "%.1f KiB", (double)bytes / 1024);
	else if (bytes < 1u << 30)
		snprintf(text, sizeof texts[0], "%.1f MiB", (double)bytes / (1 << 20));
	else
		snprintf(text, sizeof texts[0], "%.1f GiB", (double)bytes / (1 << 30));
	return text;
}

void print_choice(FILE *out, const struct batch_options *o)
{
	fprintf(out, "initialiser/%s, counter/%s, progress/%s, ", o->initialiser->about.name, o->counter->about.name,
		o->progress->about.name);
	if (o->serial)
		fputs("serial", out);
	else
		fprintf(out, "%u worker%s", o->workers, o->workers == 1 ? "" : "s");
	if (o->model_slots)
		fprintf(out, ", %u model slot%s", o->model_slots, o->model_slots == 1 ? "" : "s");
	if (o->model_wait_ms)
		fprintf(out, ", each load waits %u ms on request", o->model_wait_ms);
}

static void print_failures(FILE *out, const struct batch_summary *s)
{
	for (int i = BATCH_DONE + 1; i < BATCH_REASONS; i++)
		if (s->failed_by[i])
			fprintf(out, "               %" PRIu64 " failed: %s\n", s->failed_by[i],
				batch_reason_text((enum batch_reason)i));
}

static void print_counted(FILE *out, const struct batch_summary *s)
{
	uint64_t finished = s->evidence.results.count;
	fprintf(out, "  counted      %" PRIu64, s->counted);
	if (s->counted == finished)
		fprintf(out, " = done + failed\n");
	else
		fprintf(out, ", but %" PRIu64 " items have ended: %" PRIu64 " %s\n", finished,
			s->counted < finished ? finished - s->counted : s->counted - finished,
			s->counted < finished ? "lost" : "too many");
}

static void print_models(FILE *out, const struct batch_options *o, const struct batch_summary *s)
{
	bool linked = o->initialiser->loading == LOADER_LINK_TIME;
	fprintf(out, "  models       %" PRIu64 " made, of %s", s->models_made, size_text(s->model_bytes));
	if (s->models_made)
		fprintf(out, ", longest load %.3f ms", (double)s->load_ns / 1e6);
	if (linked)
		fputs(", before main; it stays until the process ends", out);
	else if (s->models_alive)
		fprintf(out, "; %" PRIu64 " never released", s->models_alive);
	fputc('\n', out);
	if (s->wasted_bytes)
		fprintf(out, "               %s wasted on extra loads\n", size_text(s->wasted_bytes));
	if (s->loads_failed)
		fprintf(out, "               %" PRIu64 " load%s failed\n", s->loads_failed, s->loads_failed == 1 ? "" : "s");
}

static void print_progress(FILE *out, const struct batch_summary *s)
{
	uint64_t counts[4];
	anomalies_of(s, counts);
	fprintf(out, "  progress     told %" PRIu64 " times, last %" PRIu64 "/%" PRIu64, s->told, s->last_told, s->items);
	const char *between = ": ";
	for (int i = 0; i < 4; i++)
		if (counts[i]) {
			if (i == 3)
				fprintf(out, "%slast number missing", between);
			else
				fprintf(out, "%s%" PRIu64 " %s", between, counts[i], anomaly_names[i]);
			between = ", ";
		}
	fputs(*between == ':' ? ": no anomaly\n" : "\n", out);
}

static void print_judgement(FILE *out, const struct batch_options *o, const struct batch_judgement *j)
{
	size_t count;
	const struct promise_info *promises = family_promises(FAMILY_PIPELINE, &count);
	for (size_t i = 0; i < count; i++)
		if (j->refuted & 1u << i)
			fprintf(out, "  %s %s: %s\n", j->broken & 1u << i ? "BROKEN      " : "seen        ", promises[i].name,
				j->sentence[i]);
	const char *const claims[] = {j->initialiser, j->counter, j->progress};
	for (int i = 0; i < 3; i++)
		if (claims[i][0])
			fprintf(out, "  BROKEN       %s\n", claims[i]);
	if (j->as_stated && (j->refuted & ~batch_claims(o)))
		fputs("  verdict      as stated: nothing that this choice claims was refuted\n", out);
	else
		fputs(j->as_stated ? "  verdict      as stated\n" : "  verdict      a claim was refuted\n", out);
}

void print_batch(FILE *out, const struct batch_options *o, const struct batch_summary *s, const struct batch_judgement *j)
{
	fprintf(out, "  items        %" PRIu64 " = %" PRIu64 " done + %" PRIu64 " failed + %" PRIu64 " not started%s\n", s->items,
		s->done, s->failed, s->not_started, s->partial ? "  (stopped early)" : "");
	print_failures(out, s);
	print_counted(out, s);
	print_models(out, o, s);
	print_progress(out, s);
	fprintf(out, "  throughput   %" PRIu64 " items in %.3f s, %.0f a second; %s of audio\n", s->evidence.results.count,
		s->seconds, s->seconds > 0 ? (double)s->evidence.results.count / s->seconds : 0.0, size_text(s->audio_bytes));
	if (o->output)
		fprintf(out, "  files        %s\n", o->output);
	print_judgement(out, o, j);
}

void print_batch_line(FILE *out, uint64_t number, const struct batch_summary *s, const struct batch_judgement *j)
{
	uint64_t counts[4];
	anomalies_of(s, counts);
	fprintf(out,
		"  batch %-5" PRIu64 " %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64 " not started, counted %" PRIu64
		", %" PRIu64 " models",
		number, s->done, s->failed, s->not_started, s->counted, s->models_made);
	for (int i = 0; i < 4; i++)
		if (counts[i])
			fprintf(out, ", %" PRIu64 " %s", counts[i], anomaly_names[i]);
	fprintf(out, "%s\n", j->as_stated ? "" : ", A CLAIM WAS REFUTED");
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

void print_rates(FILE *out, const struct batch_options *o, const struct run_rates *r)
{
	uint64_t n = r->batches;
	fprintf(out, "  batches           %" PRIu64 ", %" PRIu64 " items, %.0f items a second\n", n, r->items,
		r->seconds > 0 ? (double)r->items / r->seconds : 0.0);
	fprintf(out, "  several models    %5.1f %% of batches; %.2f models made on average, %s wasted in all\n",
		percent(r->doubled, n), n ? (double)r->models / (double)n : 0, size_text(r->wasted_bytes));
	fprintf(out, "  wrong count       %5.1f %% of batches\n", percent(r->miscounted, n));
	for (int i = 0; i < 4; i++)
		fprintf(out, "  %-17s %5.1f %% of batches, %" PRIu64 " in all\n", anomaly_names[i], percent(r->with[i], n),
			r->in_all[i]);
	if (o->item_cost_ns == 0)
		fprintf(out, "  audio             %s\n",
			r->partial         ? "not compared: stopped early"
			: r->audio_changes ? "NOT the same bytes in every batch"
					   : "the same bytes in every batch");
	size_t count;
	const struct promise_info *promises = family_promises(FAMILY_PIPELINE, &count);
	for (size_t i = 0; i < count; i++)
		if (r->refuted[i])
			fprintf(out, "  refuted           %s in %" PRIu64 " batches%s\n", promises[i].name, r->refuted[i],
				batch_claims(o) & 1u << i ? ", though this choice claims it"
							  : ", which this choice does not claim");
	if (r->not_as_stated)
		fprintf(out, "  verdict           a claim was refuted in %" PRIu64 " of %" PRIu64 " batches\n", r->not_as_stated,
			n);
	else
		fputs("  verdict           as stated\n", out);
}

void print_sweep_head(FILE *out, uint64_t batches)
{
	fprintf(out,
		"Share of batches that made more than one model, by the time that a load takes (%" PRIu64 " batches a row):\n\n",
		batches);
	fputs("        model   longest load   0 %                      50 %                    100 %\n", out);
}

void print_sweep_row(FILE *out, uint64_t model_bytes, const struct run_rates *r)
{
	enum { WIDTH = 50 };
	char bar[WIDTH + 1];
	memset(bar, ' ', WIDTH);
	memset(bar, '#', r->batches ? (size_t)(r->doubled * WIDTH / r->batches) : 0);
	bar[WIDTH] = '\0';
	fprintf(out, "  %11s  %10.1f us   |%s| %5.1f %%, %.2f models on average\n", size_text(model_bytes),
		r->batches ? (double)r->load_ns / (double)r->batches / 1e3 : 0, bar, percent(r->doubled, r->batches),
		r->batches ? (double)r->models / (double)r->batches : 0);
}
