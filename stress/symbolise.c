/* SPDX-License-Identifier: MIT */
#include "symbolise.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demangle.h"

enum { MODULES_MAX = 16 };

static struct module {
	char *path;
	Dwfl *dwfl;
	Dwfl_Module *module;
} modules[MODULES_MAX];

static Dwfl_Module *module_open(const char *path)
{
	static char *no_debuginfo_path = NULL;
	static const Dwfl_Callbacks callbacks = {.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &no_debuginfo_path};
	for (int i = 0; i < MODULES_MAX; i++) {
		struct module *it = &modules[i];
		if (it->path && strcmp(it->path, path) == 0)
			return it->module;
		if (it->path)
			continue;
		it->path = strdup(path);
		it->dwfl = dwfl_begin(&callbacks);
		if (!it->path || !it->dwfl)
			return NULL;
		dwfl_report_begin(it->dwfl);
		it->module = dwfl_report_offline(it->dwfl, path, path, -1);
		dwfl_report_end(it->dwfl, NULL, NULL);
		return it->module;
	}
	return NULL;
}

/* Makes paths of the build relative to the source tree: from the first part that names one of our folders. */
static void set_file(struct source_place *place, const char *file)
{
	static const char *const tops[] = {"/impl/", "/stress/", "/bench/", "/cli/", "/reports/"};
	/* Files of ours are told relative to the source tree, by -ffile-prefix-map; what is where it says is somebody else's. */
	bool elsewhere = file && file[0] == '/' && access(file, F_OK) == 0;
	for (size_t i = 0; file && !elsewhere && i < sizeof tops / sizeof *tops; i++) {
		const char *at = strstr(file, tops[i]);
		if (at) {
			file = at + 1;
			break;
		}
	}
	/* As its user would write it: relative to where the user is. */
	char here[PATH_MAX];
	size_t length = elsewhere && getcwd(here, sizeof here) ? strlen(here) : 0;
	if (length > 1 && strncmp(file, here, length) == 0 && file[length] == '/')
		file += length + 1;
	snprintf(place->file, sizeof place->file, "%s", file ? file : "");
}

/* gcc says of a lambda that it is an operator(): whose, the tree of its declaration tells. */
static void name_lambda(struct source_place *place, Dwarf_Die *die)
{
	static const unsigned further[] = {DW_AT_abstract_origin, DW_AT_specification};
	Dwarf_Die declared = *die, *scopes = NULL;
	Dwarf_Attribute attribute;
	for (size_t i = 0; i < sizeof further / sizeof *further; i++)
		if (dwarf_attr(&declared, further[i], &attribute))
			dwarf_formref_die(&attribute, &declared);
	int count = dwarf_getscopes_die(&declared, &scopes);
	for (int i = 1; i < count; i++)
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram && dwarf_diename(&scopes[i])) {
			snprintf(place->function, sizeof place->function, "%s::{lambda}", dwarf_diename(&scopes[i]));
			break;
		}
	free(scopes);
}

static void set_function(struct source_place *place, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
	if (!name)
		name = dwarf_diename(die);
	demangle(name ? name : "", place->function, sizeof place->function);
	if (strcmp(place->function, "operator()") == 0)
		name_lambda(place, die);
}

/* The source file that a line-table index of UNIT names. */
static const char *file_of(Dwarf_Die *unit, Dwarf_Word index)
{
	Dwarf_Files *files;
	size_t count;
	if (dwarf_getsrcfiles(unit, &files, &count) != 0 || index >= count)
		return NULL;
	return dwarf_filesrc(files, index, NULL, NULL);
}

/* Compilers give line 0 to code that belongs to no line alone: then the one before it in the same function. */
static Dwarf_Line *line_of(Dwarf_Die *unit, Dwarf_Addr address)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	Dwarf_Lines *lines;
	size_t count, i = 0;
	int number = 0;
	if (!line || dwarf_lineno(line, &number) != 0 || number > 0 || dwarf_getsrclines(unit, &lines, &count) != 0)
		return line;
	while (i < count && dwarf_onesrcline(lines, i) != line)
		i++;
	for (; i < count && i-- > 0;) {
		bool ends = false;
		Dwarf_Line *before = dwarf_onesrcline(lines, i);
		if (dwarf_lineendsequence(before, &ends) != 0 || ends)
			return line;
		if (dwarf_lineno(before, &number) == 0 && number > 0)
			return before;
	}
	return line;
}

static size_t places_in(Dwarf_Die *unit, Dwarf_Addr address, struct source_place *places, size_t max)
{
	Dwarf_Line *line = line_of(unit, address);
	if (!line || max == 0)
		return 0;
	int number = 0;
	dwarf_lineno(line, &number);
	const char *file = dwarf_linesrc(line, NULL, NULL);
	/* Outside of an inlined function dwarf_getscopes goes on with where that one is defined; who calls it is in the tree. */
	Dwarf_Die *scopes = NULL, *innermost = NULL;
	int scope_count = dwarf_getscopes(unit, address, &innermost) > 0 ? dwarf_getscopes_die(&innermost[0], &scopes) : 0;
	free(innermost);
	size_t found = 0;
	for (int i = 0; i < scope_count && found < max; i++) {
		int tag = dwarf_tag(&scopes[i]);
		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		struct source_place *place = &places[found++];
		set_file(place, file);
		set_function(place, &scopes[i]);
		place->line = number;
		if (tag == DW_TAG_subprogram)
			break;
		/* The next one out is where this one was inlined. */
		Dwarf_Attribute attribute;
		Dwarf_Word value = 0;
		number = dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_line, &attribute), &value) == 0 ? (int)value : 0;
		file = dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_file, &attribute), &value) == 0 ? file_of(unit, value)
													 : NULL;
	}
	free(scopes);
	if (found == 0) {
		set_file(&places[0], file);
		places[0].function[0] = '\0';
		places[0].line = number;
		found = 1;
	}
	return found;
}

/* libdw reads lazily and without locks. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static size_t find_places(const char *path, uint64_t offset, struct source_place *places, size_t max)
{
	Dwfl_Module *module = module_open(path);
	if (!module)
		return 0;
	Dwarf_Addr start = 0, bias = 0;
	dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	/* Unit by unit: clang writes no address ranges table, which the quick look-up needs. */
	for (Dwarf_Die *unit = NULL; (unit = dwfl_module_nextcu(module, unit, &bias)) != NULL;)
		if (dwarf_haspc(unit, start + offset - bias) > 0)
			return places_in(unit, start + offset - bias, places, max);
	return 0;
}

size_t symbolise(const char *path, uint64_t offset, struct source_place *places, size_t max)
{
	pthread_mutex_lock(&one_at_a_time);
	size_t count = find_places(path, offset, places, max);
	pthread_mutex_unlock(&one_at_a_time);
	return count;
}

/* Has UNIT lines of FILE? */
static bool unit_has(Dwarf_Die *unit, const char *file)
{
	Dwarf_Files *files;
	size_t count;
	struct source_place place;
	if (dwarf_getsrcfiles(unit, &files, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		set_file(&place, dwarf_filesrc(files, i, NULL, NULL));
		if (strcmp(place.file, file) == 0)
			return true;
	}
	return false;
}

static void see_rows(Dwarf_Die *unit, uint64_t shift,
	void (*see)(void *arg, uint64_t from, uint64_t to, const struct source_place *places, size_t count), void *arg)
{
	enum { PLACES_MAX = 8 };
	Dwarf_Lines *lines;
	size_t count;
	if (dwarf_getsrclines(unit, &lines, &count) != 0)
		return;
	for (size_t i = 0; i + 1 < count; i++) {
		Dwarf_Addr from, to;
		bool ends = false;
		struct source_place places[PLACES_MAX];
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		if (dwarf_lineaddr(line, &from) != 0 || dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &to) != 0 ||
			dwarf_lineendsequence(line, &ends) != 0 || ends || to <= from)
			continue;
		size_t found = places_in(unit, from, places, PLACES_MAX);
		if (found)
			see(arg, from - shift, to - shift, places, found);
	}
}

void symbolise_rows(const char *path, const char *file,
	void (*see)(void *arg, uint64_t from, uint64_t to, const struct source_place *places, size_t count), void *arg)
{
	pthread_mutex_lock(&one_at_a_time);
	Dwfl_Module *module = module_open(path);
	Dwarf_Addr start = 0, bias = 0;
	if (module)
		dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	for (Dwarf_Die *unit = NULL; module && (unit = dwfl_module_nextcu(module, unit, &bias)) != NULL;)
		if (unit_has(unit, file))
			see_rows(unit, start - bias, see, arg);
	pthread_mutex_unlock(&one_at_a_time);
}

/* Looks at every symbol: the nearest one may be a mark of the linker's. */
static bool find_data(const char *path, uint64_t offset, char *name, size_t bytes)
{
	Dwfl_Module *module = module_open(path);
	Dwarf_Addr start = 0;
	int count = module ? dwfl_module_getsymtab(module) : 0;
	if (count <= 0)
		return false;
	dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		const char *found = dwfl_module_getsym_info(module, i, &symbol, &address, NULL, NULL, NULL);
		if (!found || !*found || GELF_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF)
			continue;
		if (start + offset < address || start + offset - address >= symbol.st_size)
			continue;
		demangle(found, name, bytes);
		size_t length = strlen(name);
		if (start + offset != address)
			snprintf(name + length, bytes - length, "+%" PRIu64, (uint64_t)(start + offset - address));
		return true;
	}
	return false;
}

bool symbolise_data(const char *path, uint64_t offset, char *name, size_t bytes)
{
	pthread_mutex_lock(&one_at_a_time);
	bool found = find_data(path, offset, name, bytes);
	pthread_mutex_unlock(&one_at_a_time);
	return found;
}

void symbolise_build_id(const char *path, char *text, size_t bytes)
{
	const unsigned char *id = NULL;
	GElf_Addr address;
	*text = '\0';
	pthread_mutex_lock(&one_at_a_time);
	Dwfl_Module *module = module_open(path);
	int length = module ? dwfl_module_build_id(module, &id, &address) : 0;
	for (int i = 0; i < length && (size_t)(2 * i + 3) <= bytes; i++)
		snprintf(text + 2 * i, bytes - (size_t)(2 * i), "%02x", id[i]);
	pthread_mutex_unlock(&one_at_a_time);
}
