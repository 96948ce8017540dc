// SPDX-License-Identifier: MIT
#include "code.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <map>
#include <set>
#include <ucontext.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bench
{

namespace
{

struct symbol {
	std::string name;
	uint64_t address, size;
	int type;    /* STT_FUNC … */
	int file;    /* which of `files`, -1 for a global symbol */
	bool writes; /* in a section that can be written for good */
};

struct symbol_table {
	std::vector<symbol> symbols;
	std::vector<std::string> files;
};

/* The loaded object that an address lies in. */
struct object {
	uint64_t address;
	uint64_t bias = 0;
	std::string path;
};

} // namespace

static int find_object(dl_phdr_info *info, size_t, void *arg)
{
	object *wanted = static_cast<object *>(arg);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) &part = info->dlpi_phdr[i];
		const uint64_t from = info->dlpi_addr + part.p_vaddr;
		if (part.p_type != PT_LOAD || wanted->address < from || wanted->address >= from + part.p_memsz)
			continue;
		wanted->bias = info->dlpi_addr;
		wanted->path = info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
		return 1;
	}
	return 0;
}

/* Can the section be written once the program runs? Relocated constants cannot. */
static bool is_written(Elf *elf, size_t names, size_t index)
{
	Elf_Scn *section = index < SHN_LORESERVE ? elf_getscn(elf, index) : nullptr;
	GElf_Shdr header;
	if (!section || !gelf_getshdr(section, &header) || !(header.sh_flags & SHF_WRITE))
		return false;
	const char *name = elf_strptr(elf, names, header.sh_name);
	return name && strncmp(name, ".data.rel.ro", 12) != 0;
}

/* Local symbols stand behind the name of their source file; globals come last. */
static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr &header, symbol_table *table)
{
	Elf_Data *data = elf_getdata(section, nullptr);
	size_t names = 0;
	if (!data || header.sh_entsize == 0 || elf_getshdrstrndx(elf, &names) != 0)
		return;
	int file = -1;
	for (int i = 0; i < static_cast<int>(header.sh_size / header.sh_entsize); i++) {
		GElf_Sym entry;
		if (!gelf_getsym(data, i, &entry))
			continue;
		const char *name = elf_strptr(elf, header.sh_link, entry.st_name);
		const int type = GELF_ST_TYPE(entry.st_info);
		if (type == STT_FILE) {
			table->files.emplace_back(name ? name : "");
			file = static_cast<int>(table->files.size()) - 1;
		} else if ((type == STT_FUNC || type == STT_OBJECT || type == STT_TLS) && entry.st_shndx != SHN_UNDEF) {
			const bool local = GELF_ST_BIND(entry.st_info) == STB_LOCAL;
			table->symbols.push_back({name ? name : "", entry.st_value, entry.st_size, type, local ? file : -1,
				is_written(elf, names, entry.st_shndx)});
		}
	}
}

static symbol_table load_symbols(const std::string &path)
{
	symbol_table table;
	elf_version(EV_CURRENT);
	const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return table;
	if (Elf *elf = elf_begin(file, ELF_C_READ_MMAP, nullptr)) {
		for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf, section));) {
			GElf_Shdr header;
			if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
				read_symbols(elf, section, header, &table);
		}
		elf_end(elf);
	}
	close(file);
	return table;
}

static const symbol_table &symbols_of(const std::string &path)
{
	static std::map<std::string, symbol_table> tables;
	auto found = tables.find(path);
	return found != tables.end() ? found->second : tables.emplace(path, load_symbols(path)).first->second;
}

/* Made for measuring, or to name a peer's version; no part of what is measured. */
static bool is_ours(const std::string &name)
{
	for (const char *part : {"loop_", "increment_call", "7version"})
		if (name.find(part) != std::string::npos)
			return true;
	return name == "version" || name.compare(0, 5, "text.") == 0;
}

file_sizes sizes_of_file(const void *function)
{
	object here = {reinterpret_cast<uint64_t>(function), 0, ""};
	file_sizes sizes;
	if (!dl_iterate_phdr(find_object, &here))
		return sizes;
	const symbol_table &table = symbols_of(here.path);
	const uint64_t address = here.address - here.bias;
	const auto at = std::find_if(table.symbols.begin(), table.symbols.end(), [&](const symbol &one) {
		return one.type == STT_FUNC && address >= one.address && address < one.address + one.size;
	});
	if (at == table.symbols.end())
		return sizes;
	sizes.known = true;
	sizes.function_bytes = sizes.code_bytes = at->size;
	if (at->file < 0)
		return sizes;
	sizes.file = table.files[static_cast<size_t>(at->file)];
	sizes.code_bytes = 0;
	std::set<uint64_t> seen; /* two names of one function count once */
	for (const symbol &one : table.symbols) {
		if (one.file != at->file || is_ours(one.name) || (one.type != STT_TLS && !seen.insert(one.address).second))
			continue;
		if (one.type == STT_FUNC)
			sizes.code_bytes += one.size;
		else if (one.type == STT_TLS)
			sizes.thread_bytes += one.size;
		else
			sizes.static_bytes += one.writes ? one.size : 0;
	}
	return sizes;
}

#if defined(__x86_64__)

namespace
{

/* What the handler knows. One walk at a time; a handler runs in the thread that is walked. */
struct walk_state {
	enum { STEPS_MAX = 20000 };
	uint64_t entry = 0, entry_stack = 0;
	bool inside = false, over = false, gave_up = false;
	size_t count = 0;
	struct step {
		uint64_t at, top; /* the next instruction, and the word on top of the stack */
	} steps[STEPS_MAX];
};

} // namespace

static walk_state walked;
enum { TRAP_FLAG = 0x100 };

/* After each instruction, with the machine about to execute the next one. The word on top of the stack may be one that a sanitizer keeps
 * programs out of. */
__attribute__((no_sanitize("address"))) static void on_step(int, siginfo_t *, void *context)
{
	auto *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
	const uint64_t at = static_cast<uint64_t>(registers[REG_RIP]), stack = static_cast<uint64_t>(registers[REG_RSP]);
	if (at == walked.entry && !walked.inside) {
		walked.inside = true;
		walked.entry_stack = stack;
	}
	walked.over |= walked.inside && stack > walked.entry_stack; /* the return address is off the stack */
	walked.gave_up |= walked.count == walk_state::STEPS_MAX;
	if (walked.over || walked.gave_up)
		registers[REG_EFL] &= ~static_cast<greg_t>(TRAP_FLAG);
	if (walked.count < walk_state::STEPS_MAX && (walked.inside || walked.over))
		walked.steps[walked.count++] = {at, *reinterpret_cast<const uint64_t *>(stack)};
}

/* Bytes of the instruction at STEP, from where the next one was: jumps and calls by their first bytes (Intel's manual, volume 2). */
static uint64_t length_of(const walk_state::step &step, const walk_state::step &next)
{
	const auto *code = reinterpret_cast<const unsigned char *>(step.at);
	uint64_t prefix = 0;
	while (code[prefix] == 0xf2 || code[prefix] == 0xf3 || code[prefix] == 0x3e || (code[prefix] & 0xf0) == 0x40)
		prefix++; /* bnd, notrack, REX */
	const unsigned char first = code[prefix], second = code[prefix + 1];
	if ((first >= 0x70 && first <= 0x7f) || first == 0xeb || first == 0xe3)
		return prefix + 2;
	if (first == 0x0f && second >= 0x80 && second <= 0x8f)
		return prefix + 6;
	if (first == 0xe9 || first == 0xe8)
		return prefix + 5;
	if (first == 0xc3)
		return prefix + 1;
	if (first == 0xff && (second & 0x38) == 0x10) /* a call through a pointer leaves its end on the stack */
		return next.top - step.at;
	if (first == 0xff && (second & 0x38) == 0x20) /* a jump through a register, or through a word of the linker's table */
		return prefix + (second >= 0xc0 ? 2 : 6);
	return next.at > step.at && next.at - step.at <= 15 ? next.at - step.at : 1;
}

/* Bytes of different instructions, and of those whose code belongs to the object of ENTRY. */
static code_path summed(const walk_state &walk)
{
	code_path path;
	object own = {walk.entry, 0, ""};
	dl_iterate_phdr(find_object, &own);
	std::map<uint64_t, uint64_t> lengths;
	for (size_t i = 0; i + 1 < walk.count; i++)
		lengths[walk.steps[i].at] = length_of(walk.steps[i], walk.steps[i + 1]);
	for (const auto &[at, bytes] : lengths) {
		object here = {at, 0, ""};
		path.all_bytes += bytes;
		if (dl_iterate_phdr(find_object, &here) && here.path == own.path)
			path.own_bytes += bytes;
	}
	path.instructions = walk.count - 1;
	return path;
}

static __attribute__((noinline)) void run_trapped(const std::function<void()> &call)
{
	__writeeflags(__readeflags() | TRAP_FLAG);
	call();
	__writeeflags(__readeflags() & ~static_cast<unsigned long long>(TRAP_FLAG));
}

code_path walk(const void *entry, const std::function<void()> &call)
{
	struct sigaction action = {}, before;
	action.sa_sigaction = on_step;
	action.sa_flags = SA_SIGINFO;
	if (sigaction(SIGTRAP, &action, &before) != 0)
		return {};
	walked.entry = reinterpret_cast<uint64_t>(entry);
	walked.inside = walked.over = walked.gave_up = false;
	walked.count = 0;
	run_trapped(call);
	sigaction(SIGTRAP, &before, nullptr);
	return walked.over && !walked.gave_up && walked.count > 1 ? summed(walked) : code_path();
}

#else

code_path walk(const void *, const std::function<void()> &)
{
	return {};
}

#endif

} // namespace bench
