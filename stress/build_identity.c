/* SPDX-License-Identifier: MIT */
#include "build_identity.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../impl/support/digest.h"
#include "../reports/node.h"

/* The whole file; the caller frees it. NULL: it cannot be read. */
static char *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "re");
	struct stat info;
	char *text = NULL;
	if (file && fstat(fileno(file), &info) == 0 && (text = malloc((size_t)info.st_size + 1))) {
		*bytes = fread(text, 1, (size_t)info.st_size, file);
		if (*bytes != (size_t)info.st_size) {
			free(text);
			text = NULL;
		}
	}
	if (file)
		fclose(file);
	return text;
}

/* What differs from build to build without being loaded for the program's own sake: the file's header, which says where the debug
 * information lies, and notes, among them the build's number. */
static void wipe(char *file, size_t bytes, const Elf64_Phdr *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].p_type == PT_NOTE && parts[i].p_offset < bytes && parts[i].p_filesz <= bytes - parts[i].p_offset)
			memset(file + parts[i].p_offset, 0, parts[i].p_filesz);
	memset(file, 0, sizeof(Elf64_Ehdr));
}

static bool add_program(struct digest *d, const char *program)
{
	size_t bytes = 0;
	char *file = read_file(program, &bytes);
	Elf64_Ehdr head;
	if (!file || bytes < sizeof head) {
		free(file);
		return false;
	}
	memcpy(&head, file, sizeof head);
	bool good = memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_phoff < bytes &&
		    head.e_phnum <= (bytes - head.e_phoff) / sizeof(Elf64_Phdr);
	Elf64_Phdr *parts = good ? calloc(head.e_phnum + 1u, sizeof *parts) : NULL;
	if (!parts) {
		free(file);
		return false;
	}
	memcpy(parts, file + head.e_phoff, head.e_phnum * sizeof *parts);
	wipe(file, bytes, parts, head.e_phnum);
	for (size_t i = 0; i < head.e_phnum; i++)
		if (parts[i].p_type == PT_LOAD && parts[i].p_offset <= bytes && parts[i].p_filesz <= bytes - parts[i].p_offset) {
			digest_add(d, &parts[i].p_vaddr, sizeof parts[i].p_vaddr);
			digest_add(d, file + parts[i].p_offset, parts[i].p_filesz);
		}
	free(parts);
	free(file);
	return true;
}

static void end(struct digest *d, bool good, char text[BUILD_IDENTITY_BYTES])
{
	char whole[DIGEST_TEXT_BYTES];
	digest_end(d, whole);
	snprintf(text, BUILD_IDENTITY_BYTES, "%.*s", good ? BUILD_IDENTITY_BYTES - 1 : 0, whole);
}

void build_identity(const char *program, char text[BUILD_IDENTITY_BYTES])
{
	struct digest d;
	digest_begin(&d);
	bool good = add_program(&d, program);
	end(&d, good, text);
}

void build_identity_of_program(const char *program, const json_t *recipe, char text[BUILD_IDENTITY_BYTES])
{
	static const char *const lists[] = {"flags", "arguments"};
	struct digest d;
	const json_t *word;
	size_t i;
	digest_begin(&d);
	bool good = add_program(&d, program);
	for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
		digest_add_text(&d, lists[k]);
		json_array_foreach(node_get(recipe, lists[k]), i, word)
			digest_add_text(&d, json_string_value(word));
	}
	json_array_foreach(node_get(recipe, "files"), i, word)
		good &= json_is_string(word) && digest_add_file(&d, json_string_value(word)) == 0;
	const char *input = json_string_value(node_get(recipe, "input"));
	digest_add_text(&d, input ? "input" : NULL);
	good &= !input || digest_add_file(&d, input) == 0;
	end(&d, good, text);
}
