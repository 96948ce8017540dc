/* SPDX-License-Identifier: MIT */
/* The page of findings: one file that needs nothing else. */
#include <string.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "advice.h"
#include "found.h"
#include "html_parts.h"
#include "markup.h"
#include "node.h"
#include "page_text.h"
#include "render.h"

int render_witness_page(const json_t *report, const char *path)
{
	struct draft draft;
	int why = draft_open(&draft, path);
	if (!why) {
		json_t *found = found_gather(report);
		const json_t *entry;
		size_t i;
		fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>onceproof</title>\n<style>",
			draft.stream);
		fputs(page_css, draft.stream);
		fputs("</style></head><body><main>\n", draft.stream);
		json_array_foreach(found, i, entry)
			html_finding(draft.stream, node_get(entry, "finding"), node_get(entry, "seen"), report);
		fputs("</main></body></html>\n", draft.stream);
		json_decref(found);
		why = draft_commit(&draft);
	}
	if (why)
		complain("%s: cannot write the page: %s; an earlier file is as it was", path, strerror(why));
	return why;
}
