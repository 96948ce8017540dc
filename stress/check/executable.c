/* SPDX-License-Identifier: MIT */
#include "executable.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"

/* The executable --------------------------------------------------------------------------------------------------------------------- */

/* FOLDER/NAME without "." and "..", whether or not it exists. */
static char *joined(const char *folder, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX];
	if (name[0] == '/' || !*folder)
		snprintf(path, sizeof path, "%s", name);
	else
		snprintf(path, sizeof path, "%s/%s", folder, name);
	return strdup(realpath(path, real) ? real : path);
}

/* The source files that the debug information names, those of the system apart. */
static void read_sources(Dwarf *dwarf, struct words *files)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	while (dwarf && dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		Dwarf_Attribute attribute;
		const char *name = dwarf_diename(&die), *folder = "";
		if (dwarf_attr(&die, DW_AT_comp_dir, &attribute))
			folder = dwarf_formstring(&attribute);
		char *path = name ? joined(folder ? folder : "", name) : NULL;
		if (path && (program_is_cxx(path) || (strlen(path) > 2 && strcmp(path + strlen(path) - 2, ".c") == 0)) &&
			access(path, R_OK) == 0 && !words_have(files, path))
			words_add(files, "%s", path);
		free(path);
	}
}

/* Libraries that it needs beyond those that every program has, as flags of the linker. */
static void read_libraries(Elf *elf, struct words *link)
{
	static const char *const usual[] = {"libc.so", "libm.so", "libpthread.so", "libgcc_s.so", "libstdc++.so", "ld-linux",
		"libtsan.so", "libasan.so", "libubsan.so", NULL};
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header;
		GElf_Dyn entry;
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNAMIC)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getdyn(data, i, &entry); i++) {
			const char *text = elf_strptr(elf, header.sh_link, entry.d_un.d_val);
			if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) {
				words_add(link, "-L%s", text);
				words_add(link, "-Wl,-rpath,%s", text);
			}
			if (entry.d_tag != DT_NEEDED)
				continue;
			size_t u = 0;
			while (usual[u] && strncmp(text, usual[u], strlen(usual[u])) != 0)
				u++;
			if (!usual[u])
				words_add(link, "-l:%s", text);
		}
	}
}

static int read_program(const char *path, struct executable *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	elf_version(EV_CURRENT);
	Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	GElf_Ehdr header;
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) ||
		(header.e_type != ET_EXEC && header.e_type != ET_DYN)) {
		complain("--exe: %s: %s", path, fd < 0 ? strerror(errno) : "is no executable program");
		elf_end(elf);
		if (fd >= 0)
			close(fd);
		return EXIT_USAGE;
	}
	Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	read_sources(dwarf, &out->files);
	read_libraries(elf, &out->link);
	if (dwarf)
		dwarf_end(dwarf);
	elf_end(elf);
	close(fd);
	if (!out->files.count)
		snprintf(
			out->why, sizeof out->why, "%s has no debug information that names its files (compile it with -g)", path);
	return 0;
}

/* The database ----------------------------------------------------------------------------------------------------------------------- */

/* compile_commands.json in the folder of PATH, or above it, or in the current one. The caller frees it; NULL: there is none. */
static char *find_database(const char *path)
{
	char folder[PATH_MAX], file[PATH_MAX + 32];
	if (realpath(path, folder))
		for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
			*slash = '\0';
			snprintf(file, sizeof file, "%s/compile_commands.json", folder);
			if (access(file, R_OK) == 0)
				return strdup(file);
		}
	static const char *const usual[] = {"compile_commands.json", "build/compile_commands.json"};
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (access(usual[i], R_OK) == 0)
			return strdup(usual[i]);
	return NULL;
}

/* The words of a command as a shell reads them: blanks, quotes and backslashes; nothing is expanded. */
static void split(const char *command, struct words *words)
{
	char *word = malloc(strlen(command) + 1);
	size_t length = 0;
	bool in_word = false;
	char quote = '\0';
	for (const char *at = command; word; at++) {
		if (!*at || (!quote && (*at == ' ' || *at == '\t' || *at == '\n'))) {
			word[length] = '\0';
			if (in_word)
				words_add(words, "%s", word);
			length = 0;
			in_word = false;
			if (!*at)
				break;
		} else if (quote && *at == quote) {
			quote = '\0';
		} else if (!quote && (*at == '"' || *at == '\'')) {
			quote = *at;
			in_word = true;
		} else {
			if (*at == '\\' && quote != '\'' && at[1])
				at++;
			word[length++] = *at;
			in_word = true;
		}
	}
	free(word);
}

static void words_of(const json_t *entry, struct words *words)
{
	size_t i;
	const json_t *word;
	if (json_is_array(node_get(entry, "arguments")))
		json_array_foreach(node_get(entry, "arguments"), i, word)
			words_add(words, "%s", json_is_string(word) ? json_string_value(word) : "");
	else
		split(node_string(entry, "command"), words);
}

/* Flags that say what is made, not how; and those of tools that stand in the way of the engines. */
static void keep_flags(const struct words *command, const char *file, const char *folder, struct words *flags)
{
	static const char *const drop[] = {"-c", "-S", "-MD", "-MMD", "-MP", "-MG", "-flto*", "-fsanitize*", "-fno-sanitize*",
		"--coverage", "-pg", "-Werror*", "-fpie", "-fPIE", "-pie", "-fprofile*", NULL};
	static const char *const drop_two[] = {"-o", "-MF", "-MT", "-MQ", NULL};
	for (size_t i = 1; i < command->count; i++) {
		const char *word = command->at[i];
		size_t d = 0, two = 0;
		while (drop[d] && !(drop[d][strlen(drop[d]) - 1] == '*' ? strncmp(word, drop[d], strlen(drop[d]) - 1) == 0
									: strcmp(word, drop[d]) == 0))
			d++;
		while (drop_two[two] && strcmp(word, drop_two[two]) != 0)
			two++;
		if (drop_two[two])
			i++;
		if (drop[d] || drop_two[two] || strncmp(word, "-o", 2) == 0)
			continue;
		char *path = word[0] != '-' ? joined(folder, word) : NULL;
		if (!path || strcmp(path, file) != 0)
			words_add(flags, "%s", word);
		free(path);
	}
}

/* The entry of FILE; among several, the one whose output belongs to the target NAME. */
static const json_t *entry_of(const json_t *database, const char *file, const char *name)
{
	const json_t *best = NULL, *entry;
	char folder[256];
	size_t i;
	snprintf(folder, sizeof folder, "/%s.dir/", name);
	json_array_foreach(database, i, entry) {
		char *path = joined(node_string(entry, "directory"), node_string(entry, "file"));
		bool same = path && strcmp(path, file) == 0;
		free(path);
		if (!same)
			continue;
		struct words words = {0};
		words_of(entry, &words);
		bool ours = strstr(node_string(entry, "output"), folder) != NULL;
		for (size_t w = 0; w < words.count; w++)
			ours |= strstr(words.at[w], folder) != NULL;
		words_free(&words);
		if (!best || ours)
			best = entry;
		if (ours)
			break;
	}
	return best;
}

static void read_commands(const json_t *database, const char *path, const char *name, struct executable *out)
{
	struct words known = {0};
	char *copy = strdup(path), *base = copy ? basename(copy) : NULL;
	out->flags = calloc(out->files.count + 1, sizeof *out->flags);
	out->units = calloc(out->files.count + 1, sizeof *out->units);
	for (size_t i = 0; out->flags && out->units && base && i < out->files.count; i++) {
		const json_t *entry = entry_of(database, out->files.at[i], base);
		struct words words = {0};
		if (!entry)
			continue;
		words_of(entry, &words);
		keep_flags(&words, out->files.at[i], node_string(entry, "directory"), &out->flags[known.count]);
		words_free(&words);
		words_add(&known, "%s", out->files.at[i]);
		words_add(&out->folders, "%s", node_string(entry, "directory"));
	}
	free(copy);
	if (known.count < out->files.count && !known.count)
		snprintf(out->why, sizeof out->why, "%s says nothing about the files of %s", name, path);
	words_free(&out->files);
	out->files = known;
	for (size_t i = 0; i < known.count; i++)
		out->units[i] = (struct program_unit){
			.folder = out->folders.at[i], .flags = out->flags[i].at, .flag_count = out->flags[i].count};
}

int executable_read(const char *path, const char *database, struct executable *out)
{
	*out = (struct executable){0};
	int status = read_program(path, out);
	char *found = database ? strdup(database) : find_database(path);
	json_error_t error;
	if (!status && !*out->why && !found)
		snprintf(out->why, sizeof out->why,
			"there is no compile_commands.json beside it (cmake -DCMAKE_EXPORT_COMPILE_COMMANDS=ON, or bear, makes "
			"one)");
	json_t *commands = !status && found && !*out->why ? json_load_file(found, 0, &error) : NULL;
	if (!status && found && !*out->why && !json_is_array(commands)) {
		complain("%s: is no compilation database: %s", found, commands ? "not a list of commands" : error.text);
		status = EXIT_USAGE;
	}
	if (!status && json_is_array(commands))
		read_commands(commands, path, found, out);
	if (!status && !*out->why)
		out->source = (struct program_source){.files = out->files.at,
			.file_count = out->files.count,
			.flags = out->link.at,
			.flag_count = out->link.count,
			.units = out->units};
	json_decref(commands);
	free(found);
	if (status)
		executable_free(out);
	return status;
}

void executable_free(struct executable *it)
{
	for (size_t i = 0; it->flags && i < it->folders.count; i++)
		words_free(&it->flags[i]);
	free(it->flags);
	free(it->units);
	words_free(&it->files);
	words_free(&it->folders);
	words_free(&it->link);
	*it = (struct executable){0};
}
