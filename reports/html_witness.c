/* SPDX-License-Identifier: MIT */
/* The page of findings: each with its source, its interleaving step by step, what to change and how to see it again. Whole without its
 * script, which only walks through the steps. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "advice.h"
#include "fingerprint.h"
#include "found.h"
#include "html_parts.h"
#include "interleaving.h"
#include "markup.h"
#include "node.h"
#include "page_text.h"
#include "render.h"
#include "source.h"

enum { FINDINGS_MAX = 100, VERDICTS_MAX = 60, COLOURS = 6 };

/* Threads have a colour of their own beside their name, by their number: it is the class of what belongs to them. */
static struct words thread_class(const char *name)
{
	struct words class;
	snprintf(class.text, sizeof class.text, "t%d", *name == 'T' ? atoi(name + 1) % COLOURS : 0);
	return class;
}

/* ---- source */

/* Files that FINDING is about, in the order in which it names them. New reference. */
static json_t *files_of(const json_t *finding)
{
	static const char *const lists[] = {"locations", "interleaving"};
	json_t *files = node_must(json_array()), *place, *one;
	size_t i, k;
	for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
		json_array_foreach(node_get(finding, lists[l]), i, place) {
			bool there = !*node_string(place, "file");
			json_array_foreach(files, k, one)
				there |= strcmp(json_string_value(one), node_string(place, "file")) == 0;
			if (!there)
				node_append(files, node_text(node_string(place, "file")));
		}
	return files;
}

/* Is PLACE (of a finding or of a step) at LINE of FILE? */
static bool is_at(const json_t *place, const char *file, int line)
{
	return (int)node_number(place, "line", 0) == line && strcmp(node_string(place, "file"), file) == 0;
}

/* Who did what at LINE, as labels behind it: the finding's places first, then other threads that come by in the interleaving. True if the
 * finding names the line. */
static bool line_labels(FILE *out, const json_t *finding, const char *file, int line)
{
	json_t *shown = node_must(json_object());
	const json_t *place;
	bool named = false;
	size_t i;
	json_array_foreach(node_get(finding, "locations"), i, place) {
		const char *thread = node_string(place, "thread");
		if (!is_at(place, file, line))
			continue;
		named = true;
		node_set(shown, thread, json_true());
		fill(out, "<span class=\"who $\"><b>$</b> $</span>", thread_class(thread).text, thread,
			node_string(place, "access"));
	}
	json_array_foreach(node_get(finding, "interleaving"), i, place) {
		const char *thread = node_string(place, "thread");
		if (!is_at(place, file, line) || node_get(shown, thread))
			continue;
		node_set(shown, thread, json_true());
		fill(out, "<span class=\"who $\"><b>$</b></span>", thread_class(thread).text, thread);
	}
	json_decref(shown);
	return named;
}

static void source_line(FILE *out, const json_t *finding, const char *file, const json_t *entry)
{
	char *labels = NULL, number[16];
	size_t bytes;
	FILE *to = open_memstream(&labels, &bytes);
	int line = (int)node_number(entry, "line", 0);
	if (!to)
		node_must(NULL);
	bool named = line_labels(to, finding, file, line);
	if (fclose(to) != 0)
		node_must(NULL);
	snprintf(number, sizeof number, "%d", line);
	fill(out, "<span class=\"line$\" data-line=\"$\"><span class=\"number\">$$</span><span class=\"text\">$</span>",
		named ? " named" : "", number, named ? "▸ " : "", number, node_string(entry, "text"));
	fputs(labels, out);
	fputs("</span>\n", out);
	free(labels);
}

static void source_file(FILE *out, const json_t *finding, const char *file)
{
	json_t *lines = finding_lines(finding, file), *entry;
	int last = 0;
	size_t i;
	if (json_array_size(lines)) {
		fill(out,
			"<figure class=\"code\"><figcaption><code>$</code></figcaption><pre class=\"source\" tabindex=\"0\" "
			"aria-label=\"Source of $\" data-file=\"$\">",
			file, file, file);
		json_array_foreach(lines, i, entry) {
			int line = (int)node_number(entry, "line", 0);
			if (i > 0 && line != last + 1)
				fputs("<span class=\"gap\">⋮</span>\n", out);
			last = line;
			source_line(out, finding, file, entry);
		}
		fputs("</pre></figure>\n", out);
	}
	json_decref(lines);
}

/* Where no file can be shown, at least the places. */
static void place_list(FILE *out, const json_t *finding)
{
	size_t i;
	const json_t *place;
	fputs("<ul class=\"places\">\n", out);
	json_array_foreach(node_get(finding, "locations"), i, place) {
		char line[16];
		snprintf(line, sizeof line, "%.0f", node_number(place, "line", 0));
		fill(out, "<li><b>$</b> $: <code>$:$</code> in <code>$</code> <code>$</code></li>\n",
			node_string(place, "thread"), node_string(place, "access"), node_string(place, "file"), line,
			node_string(place, "function"), node_string(place, "source"));
	}
	fputs("</ul>\n", out);
}

static void sources(FILE *out, const json_t *finding)
{
	json_t *files = files_of(finding), *file;
	size_t i;
	bool any = false;
	fputs("<div class=\"files\">\n", out);
	json_array_foreach(files, i, file) {
		json_t *lines = finding_lines(finding, json_string_value(file));
		any |= json_array_size(lines) > 0;
		json_decref(lines);
		source_file(out, finding, json_string_value(file));
	}
	if (!any)
		place_list(out, finding);
	fputs("</div>\n", out);
	json_decref(files);
}

/* ---- what to change */

static void fix_item(FILE *out, const json_t *fix)
{
	size_t i;
	const json_t *edit;
	const char *verdict = node_string(fix, "verdict");
	double executions = node_number(fix, "executions", 0);
	fill(out, "<li><span class=\"badge v-$\">$</span> <b>$</b>", verdict, verdict, node_string(fix, "change"));
	if (executions > 0)
		fill(out, ", $ execution$", count_words(executions).text, executions > 1 ? "s" : "");
	if (json_array_size(node_get(fix, "edits")))
		fputs("<ul>", out);
	json_array_foreach(node_get(fix, "edits"), i, edit) {
		char line[16];
		snprintf(line, sizeof line, "%.0f", node_number(edit, "line", 0));
		fill(out, "<li><code>$:$</code> <code>$</code></li>", node_string(edit, "file"), line,
			node_string(edit, "change"));
	}
	fputs(i ? "</ul></li>\n" : "</li>\n", out);
}

/* FIRST: the first finding of its kind on the page; later ones do not show the example again. */
static void change(FILE *out, const json_t *finding, const struct advice *about, bool first)
{
	const json_t *fixes = node_get(finding, "fixes"), *fix;
	size_t i;
	fputs("<section class=\"change\"><h3>What to change</h3>\n", out);
	if (json_array_size(fixes)) {
		fputs("<p>Each of these was tried, and the program explored again:</p>\n<ul class=\"fixes\">\n", out);
		json_array_foreach(fixes, i, fix)
			fix_item(out, fix);
		fputs("</ul>\n", out);
	}
	fill(out, "<p>$</p>\n", about->change);
	if (*about->example)
		fill(out,
			"<details class=\"examples\"$><summary>For example</summary><pre class=\"example\" tabindex=\"0\" "
			"aria-label=\"Example\">$</pre></details>\n",
			first && json_array_size(fixes) == 0 ? " open" : "", about->example);
	fputs("</section>\n", out);
}

/* ---- one finding */

static void again(FILE *out, const json_t *entry)
{
	const json_t *finding = node_get(entry, "finding"), *seen = node_get(entry, "seen"), *one;
	char fingerprint[FINGERPRINT_MAX];
	size_t i;
	fputs("<section class=\"again\"><h3>See it again</h3>\n", out);
	if (*node_string(finding, "replay"))
		fill(out, "<p><code class=\"command\">$</code></p>\n", node_string(finding, "replay"));
	fputs("<dl class=\"meta\"><div><dt>Seen by</dt><dd>", out);
	json_array_foreach(seen, i, one)
		fill(out, "$$", i ? ", " : "", json_string_value(one));
	finding_fingerprint(node_get(entry, "result"), finding, fingerprint);
	fill(out, "</dd></div><div><dt>Fingerprint</dt><dd><code>$</code></dd></div></dl></section>\n", fingerprint);
}

/* The buttons do nothing without the script, which shows them. */
static void stepper(FILE *out)
{
	fputs("<div class=\"stepper\" hidden><button type=\"button\" data-go=\"first\">Start</button>"
	      "<button type=\"button\" data-go=\"back\">◀ Back</button>"
	      "<button type=\"button\" data-go=\"on\">Next ▶</button>"
	      "<output aria-live=\"polite\">Step through it, also with the arrow keys</output></div>\n"
	      "<div class=\"memory\" hidden><span>memory</span></div>\n",
		out);
}

static void one_finding(FILE *out, const json_t *entry, size_t number, bool first)
{
	const json_t *finding = node_get(entry, "finding");
	const struct advice *about = advice_for(node_string(finding, "kind"));
	const char *level = node_string(entry, "level");
	bool known = json_is_true(node_get(entry, "known")), steps = json_array_size(node_get(finding, "interleaving")) > 0;
	char id[24];
	snprintf(id, sizeof id, "%zu", number);
	fill(out, "<article class=\"witness\" id=\"finding-$\" aria-labelledby=\"title-$\">\n<h2 id=\"title-$\">$ ", id, id, id,
		about->title);
	fill(out, "<small>in $$</small></h2>\n", node_string(node_get(entry, "result"), "subject"),
		known                   ? ", known to the baseline"
		: strcmp(level, "note") ? ""
					: ", for information");
	fill(out, "<p class=\"what\">$.</p>\n<p class=\"meaning\">$</p>\n", node_string(finding, "message"), about->meaning);
	fill(out, "<div class=\"stage$\">\n", steps ? "" : " alone");
	sources(out, finding);
	if (steps) {
		fputs("<div class=\"walk\">\n", out);
		stepper(out);
		html_interleaving(out, finding);
		fputs("</div>\n", out);
	}
	fputs("</div>\n<div class=\"below\">\n", out);
	change(out, finding, about, first);
	again(out, entry);
	fputs("</div>\n</article>\n", out);
}

/* ---- the page */

/* "A data race in queue.c", "3 findings in 2 subjects", "queue.c: proved" */
static char *headline(const json_t *report, const json_t *found)
{
	size_t count = json_array_size(found), i, known = 0;
	const json_t *checks = node_get(report, "checks"), *one, *first = json_array_get(found, 0);
	const char *subject = node_string(node_get(first, "result"), "subject"), *verdict = "";
	bool same = true;
	json_array_foreach(found, i, one) {
		same &= strcmp(node_string(node_get(one, "result"), "subject"), subject) == 0;
		known += json_is_true(node_get(one, "known"));
	}
	char *text = NULL;
	int length;
	if (count == 0) {
		checks = json_array_size(checks) ? checks : node_get(report, "results");
		subject = node_string(json_array_get(checks, 0), "subject");
		verdict = node_string(json_array_get(checks, 0), "verdict");
		length = json_array_size(checks) == 1
				 ? asprintf(&text, "%s: no finding (%s)", subject, verdict)
				 : asprintf(&text, "No finding in %s runs", count_words((double)json_array_size(checks)).text);
	} else if (count == 1) {
		length = asprintf(&text, "%s in %s", advice_for(node_string(node_get(first, "finding"), "kind"))->title, subject);
	} else {
		length = asprintf(
			&text, "%s findings%s%s", count_words((double)count).text, same ? " in " : "", same ? subject : "");
	}
	if (length < 0)
		node_must(NULL);
	if (known && known == count) {
		char *longer = NULL;
		if (asprintf(&longer, "%s, %s", text, known == 1 ? "known" : "all known") < 0)
			node_must(NULL);
		free(text);
		text = longer;
	}
	return text;
}

static void verdict_item(FILE *out, const json_t *of)
{
	const char *verdict = node_string(of, "verdict"), *scenario = node_string(of, "scenario"),
		   *engine = node_string(of, "engine");
	bool program = !*scenario || strcmp(scenario, "program") == 0;
	fill(out, "<li><span class=\"badge v-$\">$</span> <b>$</b>$$", verdict, verdict, node_string(of, "subject"),
		program ? "" : " ", program ? "" : scenario);
	fill(out, "<small>$$$", engine, *engine && *node_string(of, "compiler") ? ", " : "", node_string(of, "compiler"));
	size_t i;
	const json_t *flag;
	json_array_foreach(node_get(of, "flags"), i, flag)
		fill(out, " $", json_is_string(flag) ? json_string_value(flag) : "");
	fill(out, ": $</small></li>\n", node_string(of, "evidence"));
}

static void opening(FILE *out, const json_t *report, const json_t *found, const char *title)
{
	const json_t *rows = node_get(report, "checks"), *one;
	size_t i;
	bool broken = false;
	json_array_foreach(found, i, one)
		broken |= *node_string(one, "level") != 'n' && !json_is_true(node_get(one, "known"));
	fill(out, "<header class=\"top\">\n<p class=\"name\"><b>onceproof</b> $</p>\n<nav aria-label=\"Findings\">",
		node_string(node_get(report, "host"), "onceproof"));
	for (i = 0; i < json_array_size(found) && i < 8 && json_array_size(found) > 1; i++) {
		char number[24];
		snprintf(number, sizeof number, "%zu", i + 1);
		fill(out, "<a href=\"#finding-$\">$. $</a> ", number, number,
			advice_for(node_string(node_get(json_array_get(found, i), "finding"), "kind"))->title);
	}
	fill(out,
		"</nav>\n<div class=\"tools\" id=\"tools\"></div>\n</header>\n<main>\n<section id=\"answer\" class=\"answer "
		"tone-$\" "
		"aria-labelledby=\"headline\">\n<h1 id=\"headline\">$</h1>\n",
		broken ? "broken" : "holds", title);
	if (json_is_true(node_get(report, "partial")))
		fputs("<p class=\"partial\"><b>Partial:</b> the run ended before everything was checked. What is missing is not "
		      "judged.</p>\n",
			out);
	rows = json_array_size(rows) ? rows : node_get(report, "results");
	fputs("<ul class=\"verdict-list\">\n", out);
	json_array_foreach(rows, i, one)
		if (i < VERDICTS_MAX)
			verdict_item(out, one);
	if (i > VERDICTS_MAX)
		fill(out, "<li>… and $ more</li>\n", count_words((double)(i - VERDICTS_MAX)).text);
	fputs("</ul>\n</section>\n", out);
}

static bool first_of_kind(const json_t *found, size_t index)
{
	const char *kind = node_string(node_get(json_array_get(found, index), "finding"), "kind");
	for (size_t i = 0; i < index; i++)
		if (strcmp(node_string(node_get(json_array_get(found, i), "finding"), "kind"), kind) == 0)
			return false;
	return true;
}

static void page(FILE *out, const json_t *report)
{
	json_t *found = found_gather(report), *entry;
	char nonce[HTML_NONCE_MAX] = "", *title = headline(report, found);
	size_t i;
	html_nonce(nonce);
	html_head(out, title, nonce, witness_css);
	opening(out, report, found, title);
	json_array_foreach(found, i, entry)
		if (i < FINDINGS_MAX)
			one_finding(out, entry, i + 1, first_of_kind(found, i));
	if (i > FINDINGS_MAX)
		fill(out, "<p class=\"note\">… and $ more findings: results.json has them all.</p>\n",
			count_words((double)(i - FINDINGS_MAX)).text);
	fputs("</main>\n<footer><p>Made by onceproof. This page is whole: it loads nothing.</p></footer>\n", out);
	fill(out, "<script nonce=\"$\">\n", nonce);
	fputs(witness_js, out);
	fputs("</script>\n</body>\n</html>\n", out);
	free(title);
	json_decref(found);
}

int render_witness_page(const json_t *report, const char *path)
{
	struct draft draft;
	int why = draft_open(&draft, path);
	if (!why) {
		page(draft.stream, report);
		why = draft_commit(&draft);
	}
	if (why)
		complain("%s: cannot write the page: %s; an earlier file is as it was", path, strerror(why));
	return why;
}
