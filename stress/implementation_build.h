/* SPDX-License-Identifier: MIT */
/* A user's implementation of a family, made a part of the workers that run the lessons: under the same names, in a private folder, so that
 * engine_run (engine.h) finds them there.
 */
#ifndef ONCEPROOF_IMPLEMENTATION_BUILD_H
#define ONCEPROOF_IMPLEMENTATION_BUILD_H

#include "described.h"
#include "program_build.h"

enum implementation_part {
	IMPLEMENTATION_NATIVE,
	IMPLEMENTATION_EXPLORE,
	IMPLEMENTATION_TSAN,
	IMPLEMENTATION_SHARED,
	IMPLEMENTATION_PARTS
};

struct implementation_file {
	struct program_source source; /* as given, and … */
	struct program_host host;     /* … what it is linked to */
	enum family family;
	char symbol[160], *text;      /* "counter_mine"; the file's text */
	struct private_folder folder; /* the workers by their names, and the registry that names this one implementation */
	char *registry;               /* path of that C file */
	struct described described;   /* entry.file is the path as given, entry.number REGISTERED_BY_USER */
	struct program_build built[IMPLEMENTATION_PARTS];
	bool made[IMPLEMENTATION_PARTS];
};

/* Looks for the export line in SOURCE's files, builds the native worker and asks it what the implementation says of itself. 0, or EXIT_USAGE
 * after one complaint; then FILE holds nothing. SOURCE is borrowed as long as FILE is open. */
int implementation_open(const struct program_source *source, struct implementation_file *file);

/* Builds one more part, unless it is there. EXPLORE, TSAN: a worker below file->folder.path. SHARED: a shared object, see
 * implementation_load. 0, or EXIT_USAGE after one complaint. */
int implementation_part(struct implementation_file *file, enum implementation_part part);

/* For programs that run users' code and nothing else: takes the shared object at PATH into the registry. Returns its entry, or NULL after a
 * complaint. Its name has "@FILE" behind it where the registry has one of that name already. */
const struct registered *implementation_load(const char *path);

/* Removes everything. Safe on zeroed memory. */
void implementation_close(struct implementation_file *file);

#endif
