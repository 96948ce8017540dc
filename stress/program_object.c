/* SPDX-License-Identifier: MIT */
/* Reads a relocatable object: which names it wants, which sections hold static data (libelf). */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program_parts.h"

static bool named(const char *name, const char *stem)
{
	size_t length = strlen(stem);
	return strncmp(name, stem, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

static void sort_section(const char *name, const GElf_Shdr *header, struct program_object *out)
{
	if (!(header->sh_flags & SHF_ALLOC) || header->sh_flags & SHF_TLS)
		return;
	if (header->sh_flags & SHF_EXECINSTR)
		words_add(&out->code, "%s", name);
	else if (named(name, ".init_array"))
		words_add(&out->begins, "%s", name);
	else if (named(name, ".fini_array"))
		words_add(&out->ends, "%s", name);
	else if (header->sh_flags & SHF_WRITE && header->sh_type == SHT_NOBITS)
		words_add(&out->bss, "%s", name);
	else if (header->sh_flags & SHF_WRITE && header->sh_type == SHT_PROGBITS)
		words_add(&out->data, "%s", name);
}

/* ".init_array.00101" before ".init_array.65535", and those without a priority last, as the linker has it. */
static int by_priority(const void *a, const void *b)
{
	const char *one = strrchr(*(char *const *)a, '.') + 1, *other = strrchr(*(char *const *)b, '.') + 1;
	unsigned long first = *one >= '0' && *one <= '9' ? strtoul(one, NULL, 10) : ULONG_MAX;
	unsigned long second = *other >= '0' && *other <= '9' ? strtoul(other, NULL, 10) : ULONG_MAX;
	return (first > second) - (first < second);
}

/* Marks the symbols that some call names. A call is what is relocated as one: R_X86_64_PLT32 (System V ABI for AMD64, 4.4.1). */
static void find_calls(Elf *elf, Elf_Scn *symbols, bool *called, size_t count)
{
	size_t link = elf_ndxscn(symbols);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header;
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA || header.sh_link != link)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		GElf_Rela rela;
		for (int i = 0; data && gelf_getrela(data, i, &rela); i++)
			if (GELF_R_TYPE(rela.r_info) == R_X86_64_PLT32 && GELF_R_SYM(rela.r_info) < count)
				called[GELF_R_SYM(rela.r_info)] = true;
	}
}

static void sort_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct program_object *out)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	bool *called = calloc(count + 1, sizeof *called);
	if (!called)
		return;
	find_calls(elf, section, called, count);
	for (size_t i = 1; i < count; i++) {
		GElf_Sym symbol;
		if (!gelf_getsym(data, (int)i, &symbol) || GELF_ST_BIND(symbol.st_info) == STB_LOCAL)
			continue;
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (!name || !*name || strcmp(name, "_GLOBAL_OFFSET_TABLE_") == 0)
			continue;
		out->fences |= strcmp(name, "__tsan_atomic_thread_fence") == 0;
		if (strncmp(name, "__tsan_", 7) == 0)
			out->instrumented = true;
		else if (GELF_ST_BIND(symbol.st_info) == STB_WEAK && symbol.st_shndx == SHN_UNDEF)
			words_add(&out->weak, "%s", name);
		if (strncmp(name, "__tsan_", 7) != 0)
			words_add(symbol.st_shndx != SHN_UNDEF ? &out->defined
				  : called[i]                  ? &out->called
							       : &out->mentioned,
				"%s", name);
	}
	free(called);
}

int program_object(const char *path, struct program_object *out, char *why, size_t bytes)
{
	elf_version(EV_CURRENT);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	size_t names;
	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) != 0) {
		snprintf(why, bytes, "%s", fd < 0 ? strerror(errno) : elf_errmsg(-1));
		elf_end(elf);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header;
		if (!gelf_getshdr(section, &header))
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		if (name)
			sort_section(name, &header, out);
		if (header.sh_type == SHT_SYMTAB)
			sort_symbols(elf, section, &header, out);
	}
	elf_end(elf);
	close(fd);
	if (out->begins.count)
		qsort(out->begins.at, out->begins.count, sizeof *out->begins.at, by_priority);
	if (out->ends.count)
		qsort(out->ends.at, out->ends.count, sizeof *out->ends.at, by_priority);
	return 0;
}

void program_object_free(struct program_object *object)
{
	words_free(&object->defined);
	words_free(&object->called);
	words_free(&object->mentioned);
	words_free(&object->weak);
	words_free(&object->data);
	words_free(&object->bss);
	words_free(&object->code);
	words_free(&object->begins);
	words_free(&object->ends);
}
