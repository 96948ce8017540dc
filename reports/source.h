/* SPDX-License-Identifier: MIT */
/* Source lines of findings. They are kept in the finding (locations[].source, sources[]), so that a report shows them on another machine
 * and when the files have changed, and so that no renderer opens a file that a report from elsewhere names. */
#ifndef ONCEPROOF_SOURCE_H
#define ONCEPROOF_SOURCE_H

#include <jansson.h>

/* Sets what FINDING lacks: `source` of each of its locations (the line without the white space around it, "" where it cannot be had), and
 * `sources[]` {file, lines[] {line, text}}: the lines around each place and step, in order; a gap in the numbers is a gap in the text.
 * The text of implementations is part of the program and not repeated there. At most 400 lines a file are taken, and none of what is
 * larger than 8 MiB, no regular file, or no text. */
void finding_sources(json_t *finding);

/* Line LINE of FILE as `sources[]` of FINDING or the registry has it, or NULL. The caller frees it. */
char *finding_source_line(const json_t *finding, const char *file, int line);

/* The lines of FILE that FINDING is about, with those around them, as in `sources[]`: an array of {line, text}, empty where there are none.
 * New reference. */
json_t *finding_lines(const json_t *finding, const char *file);

/* FILE without "./" in front, and without the current folder. Borrowed: a part of FILE. */
const char *relative_file(const char *file);

#endif
