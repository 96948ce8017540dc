/* SPDX-License-Identifier: MIT */
/* The turnstile. Nothing from here on is about this one witness.
 *
 * The program's files are compiled with -fsanitize=thread and linked without it: their accesses call the functions below instead of
 * ThreadSanitizer's. One thread runs at a time. Each step of the witness' list begins a turn: a thread that comes to its next step waits
 * there until those before it are done. Locks and the like are the program's own, taken without waiting: who would wait gives its turn
 * away. So every execution that is forced is one that real threads can have, and when all wait, it is a deadlock. An old value that a
 * weakly ordered machine may still show is handed to the one load that the witness names, if happens-before (vector clocks) allows it.
 */
#if defined(__SANITIZE_THREAD__)
#error "this file is compiled without -fsanitize=thread; only the program's own files are compiled with it"
#endif
#if !defined(__linux__) || !defined(__GLIBC__)
#error "this test needs Linux and glibc"
#endif

enum { THREADS_MAX = 64, CALLS_MAX = 1024, OBJECTS = 1 << 16, SPINS_MAX = 20000, SPIN_YIELD = 1000, SECONDS_MAX = 60 };
enum { POINTS = sizeof points / sizeof *points, PLACES = sizeof places / sizeof *places, FILES = sizeof files / sizeof *files };
enum { HELD_RIGHT, CHANGED_TOO_MUCH = 2, OTHER_WAY = 3, CANNOT = 77 };

#define SITE __builtin_return_address(0)

/* What the judge, the parent process, hears from the program: memory that both have. */
struct report {
	unsigned next; /* the step that is on */
	unsigned char reached[POINTS];
	enum { FOLLOWS, IMPOSSIBLE, WENT_ASIDE } how;
	int free;  /* threads move as they like from now on */
	int place; /* of the step that was not reached */
	unsigned long long
		met_new; /* threads that came to an atomic operation or a lock in a line that the witness' text did not have */
	char why[512], bad[2048];
};
static struct report *report;

/* Source lines: where the lines of the witness are now ----------------------------------------------------------------------------- */

struct row {
	uintptr_t from;
	int file, line; /* file: one of files[], or … */
};
enum { NO_FILE = -1, OF_LIBRARY = -2, OF_OTHERS = -3 };
static struct row *rows;
static size_t row_count, row_room;
static uintptr_t image_base;
static char *file_paths[FILES];

/* The lines FROM … TO are now where the place was. FROM 0: gone. */
static struct {
	int from, to;
	int changed, moved, gone; /* gone: FROM is the next line that is still there */
} now_at[PLACES];

__attribute__((noreturn, format(printf, 2, 3))) static void end_with(int status, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fprintf(status == HELD_RIGHT ? stdout : stderr, "%s: ", witness_name);
	vfprintf(status == HELD_RIGHT ? stdout : stderr, format, list);
	fputc('\n', status == HELD_RIGHT ? stdout : stderr);
	va_end(list);
	fflush(NULL);
	_exit(status);
}

static void row_add(uintptr_t from, int file, int line)
{
	if (row_count == row_room) {
		row_room = row_room ? 2 * row_room : 4096;
		rows = (struct row *)realloc(rows, row_room * sizeof *rows);
		if (!rows)
			end_with(CANNOT, "no memory");
	}
	rows[row_count++] = (struct row){from, file, line};
}

/* Does PATH end with the file's name as the witness has it? */
static int is_file(const char *path, const char *name)
{
	while (strncmp(name, "./", 2) == 0 || strncmp(name, "../", 3) == 0)
		name = strchr(name, '/') + 1;
	size_t length = strlen(path), tail = strlen(name);
	return length >= tail && strcmp(path + length - tail, name) == 0 && (length == tail || path[length - tail - 1] == '/');
}

static int file_of(const char *path)
{
	for (int i = 0; i < FILES; i++)
		if (is_file(path, files[i].name)) {
			free(file_paths[i]);
			file_paths[i] = strdup(path);
			return i;
		}
	return strncmp(path, "/usr/", 5) == 0 || strstr(path, "/include/c++/") || is_file(path, "onceproof.h") ? OF_LIBRARY
													       : OF_OTHERS;
}

struct section {
	const unsigned char *at, *end;
};
static struct section debug_line, debug_line_str, debug_str;

/* What is read of DWARF (versions 2 to 5): the line tables alone. */
struct reader {
	const unsigned char *at, *end;
	unsigned offset_bytes;
};

static uint64_t get(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;
	if ((size_t)(r->end - r->at) < bytes) {
		r->at = r->end;
		return 0;
	}
	memcpy(&value, r->at, bytes);
	r->at += bytes;
	return value;
}

static uint64_t uleb(struct reader *r)
{
	uint64_t value = 0;
	for (unsigned shift = 0; r->at < r->end; shift += 7) {
		unsigned char byte = *r->at++;
		value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

static int64_t sleb(struct reader *r)
{
	uint64_t value = 0;
	unsigned shift = 0;
	while (r->at < r->end) {
		unsigned char byte = *r->at++;
		value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		shift += 7;
		if (!(byte & 0x80)) {
			if ((byte & 0x40) && shift < 64)
				value |= ~(uint64_t)0 << shift;
			break;
		}
	}
	return (int64_t)value;
}

static const char *text_at(const struct section *section, uint64_t offset)
{
	return section->at && offset < (uint64_t)(section->end - section->at) ? (const char *)section->at + offset : "";
}

static const char *inline_text(struct reader *r)
{
	const char *text = (const char *)r->at;
	size_t length = strnlen(text, (size_t)(r->end - r->at));
	r->at += length < (size_t)(r->end - r->at) ? length + 1 : length;
	return r->at == r->end ? "" : text;
}

/* A value of FORM: a text, or a number. */
static const char *form(struct reader *r, uint64_t kind, uint64_t *number)
{
	*number = 0;
	switch (kind) {
	case 0x08:
		return inline_text(r);
	case 0x0e:
		return text_at(&debug_str, get(r, r->offset_bytes));
	case 0x1f:
		return text_at(&debug_line_str, get(r, r->offset_bytes));
	case 0x0f:
		*number = uleb(r);
		return "";
	case 0x0b:
		*number = get(r, 1);
		return "";
	case 0x05:
		*number = get(r, 2);
		return "";
	case 0x06:
		*number = get(r, 4);
		return "";
	case 0x07:
		*number = get(r, 8);
		return "";
	case 0x1e:
		get(r, 8);
		get(r, 8);
		return "";
	case 0x09:
		for (uint64_t bytes = uleb(r); bytes && r->at < r->end; bytes--)
			r->at++;
		return "";
	default:
		r->at = r->end;
		return "";
	}
}

enum { NAMES_MAX = 4096 };
static const char *folders[NAMES_MAX];
static int file_index[NAMES_MAX];

static void name_file(size_t i, const char *folder, const char *name)
{
	char path[8192];
	const char *root = folders[0] && *folders[0] == '/' ? folders[0] : "";
	if (i >= NAMES_MAX)
		return;
	if (*name == '/' || !folder || !*folder)
		snprintf(path, sizeof path, "%s%s%s", *name == '/' ? "" : root, *name == '/' || !*root ? "" : "/", name);
	else
		snprintf(path, sizeof path, "%s%s%s/%s", *folder == '/' ? "" : root, *folder == '/' || !*root ? "" : "/", folder,
			name);
	file_index[i] = file_of(path);
}

/* Version 5: tables that say what their columns are. */
static size_t read_names(struct reader *r, int of_folders)
{
	uint64_t kinds[16][2], columns = get(r, 1), number;
	for (uint64_t c = 0; c < columns; c++) {
		uint64_t what = uleb(r), how = uleb(r);
		if (c < 16)
			kinds[c][0] = what, kinds[c][1] = how;
	}
	uint64_t count = uleb(r), i;
	for (i = 0; i < count && r->at < r->end && columns <= 16; i++) {
		const char *name = "";
		uint64_t folder = 0;
		for (uint64_t c = 0; c < columns; c++) {
			const char *text = form(r, kinds[c][1], &number);
			if (kinds[c][0] == 1)
				name = text;
			else if (kinds[c][0] == 2)
				folder = number;
		}
		if (of_folders && i < NAMES_MAX)
			folders[i] = name;
		else if (!of_folders)
			name_file((size_t)i, folder && folder < NAMES_MAX ? folders[folder] : NULL, name);
	}
	return (size_t)i;
}

static void read_old_names(struct reader *r)
{
	size_t i = 1;
	folders[0] = "";
	for (const char *name; *(name = inline_text(r)) && i < NAMES_MAX; i++)
		folders[i] = name;
	i = 1;
	for (const char *name; *(name = inline_text(r)); i++) {
		uint64_t folder = uleb(r);
		uleb(r);
		uleb(r);
		name_file(i, folder && folder < NAMES_MAX ? folders[folder] : NULL, name);
	}
}

struct machine {
	uint64_t address;
	uint64_t file;
	int64_t line;
};

static void emit(const struct machine *m)
{
	row_add((uintptr_t)m->address, m->file < NAMES_MAX ? file_index[m->file] : OF_OTHERS, (int)m->line);
}

static void run_lines(struct reader *r, const unsigned char *lengths, unsigned opcodes, unsigned step, int base, unsigned range)
{
	struct machine m = {0, 1, 1};
	while (r->at < r->end) {
		unsigned op = (unsigned)get(r, 1);
		if (op >= opcodes) {
			m.address += (op - opcodes) / range * step;
			m.line += base + (int)((op - opcodes) % range);
			emit(&m);
		} else if (op == 0) {
			uint64_t bytes = uleb(r);
			const unsigned char *next =
				r->at + (bytes < (uint64_t)(r->end - r->at) ? bytes : (uint64_t)(r->end - r->at));
			unsigned what = (unsigned)get(r, 1);
			if (what == 1) {
				row_add((uintptr_t)m.address, NO_FILE, 0);
				m = (struct machine){0, 1, 1};
			} else if (what == 2)
				m.address = get(r, 8);
			r->at = next;
		} else if (op == 1)
			emit(&m);
		else if (op == 2)
			m.address += uleb(r) * step;
		else if (op == 3)
			m.line += sleb(r);
		else if (op == 4)
			m.file = uleb(r);
		else if (op == 8)
			m.address += (255 - opcodes) / range * step;
		else if (op == 9)
			m.address += get(r, 2);
		else
			for (unsigned i = 0; i < lengths[op]; i++)
				uleb(r);
	}
}

static void read_unit(struct reader *all)
{
	struct reader r = {.offset_bytes = 4};
	uint64_t bytes = get(all, 4);
	if (bytes == 0xffffffffu) {
		bytes = get(all, 8);
		r.offset_bytes = 8;
	}
	r.at = all->at;
	r.end = all->at + (bytes < (uint64_t)(all->end - all->at) ? bytes : (uint64_t)(all->end - all->at));
	all->at = r.end;
	unsigned version = (unsigned)get(&r, 2);
	if (version < 2 || version > 5)
		return;
	if (version == 5)
		get(&r, 2);
	uint64_t header = get(&r, r.offset_bytes);
	const unsigned char *begins = header < (uint64_t)(r.end - r.at) ? r.at + header : r.end;
	unsigned step = (unsigned)get(&r, 1);
	if (version >= 4)
		get(&r, 1);
	get(&r, 1);
	int base = (signed char)get(&r, 1);
	unsigned range = (unsigned)get(&r, 1), opcodes = (unsigned)get(&r, 1);
	unsigned char lengths[256] = {0};
	for (unsigned i = 1; i < opcodes; i++)
		lengths[i] = (unsigned char)get(&r, 1);
	for (size_t i = 0; i < NAMES_MAX; i++)
		file_index[i] = OF_OTHERS;
	if (version == 5) {
		read_names(&r, 1);
		read_names(&r, 0);
	} else
		read_old_names(&r);
	r.at = begins;
	if (range)
		run_lines(&r, lengths, opcodes, step, base, range);
}

static int by_address(const void *a, const void *b)
{
	const struct row *x = (const struct row *)a, *y = (const struct row *)b;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	/* The end of a piece gives way to the beginning of the next. */
	return (y->file == NO_FILE) - (x->file == NO_FILE);
}

static int note_base(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	(void)bytes;
	*(uintptr_t *)arg = info->dlpi_addr;
	return 1;
}

static void read_program(void)
{
	struct stat about;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &about) != 0)
		end_with(CANNOT, "/proc/self/exe cannot be read: %s", strerror(errno));
	const unsigned char *image = (const unsigned char *)mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image == MAP_FAILED)
		end_with(CANNOT, "/proc/self/exe cannot be mapped: %s", strerror(errno));
	const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)(const void *)image;
	const ElfW(Shdr) *sections = (const ElfW(Shdr) *)(const void *)(image + head->e_shoff);
	const char *names = (const char *)image + sections[head->e_shstrndx].sh_offset;
	for (int i = 0; i < head->e_shnum; i++) {
		const char *name = names + sections[i].sh_name;
		struct section it = {image + sections[i].sh_offset, image + sections[i].sh_offset + sections[i].sh_size};
		if (sections[i].sh_flags & SHF_COMPRESSED)
			continue;
		if (strcmp(name, ".debug_line") == 0)
			debug_line = it;
		else if (strcmp(name, ".debug_line_str") == 0)
			debug_line_str = it;
		else if (strcmp(name, ".debug_str") == 0)
			debug_str = it;
	}
	struct reader all = {debug_line.at, debug_line.end, 4};
	while (all.at && all.at < all.end)
		read_unit(&all);
	qsort(rows, row_count, sizeof *rows, by_address);
	dl_iterate_phdr(note_base, &image_base);
	for (int i = 0; i < FILES; i++)
		if (!file_paths[i])
			end_with(CHANGED_TOO_MUCH,
				"%s is not part of this program, or has no line numbers; "
				"compile it with -g (not compressed: -gz=none), and see the head of this file",
				files[i].name);
}

static const struct row *row_of(uintptr_t pc)
{
	size_t low = 0, high = row_count;
	uintptr_t at = pc - image_base;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (rows[middle].from <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low && rows[low - 1].file != NO_FILE ? &rows[low - 1] : NULL;
}

/* White space does not count. */
static unsigned hash_of(const char *text)
{
	unsigned hash = 2166136261u;
	for (; *text; text++)
		if (*text != ' ' && *text != '\t' && *text != '\r' && *text != '\n' && *text != '\f')
			hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

struct source {
	unsigned *hash;
	char **text;
	unsigned char *weight; /* a line with a word in it says more than a brace; 0: blank */
	unsigned char *closes; /* ends a function: a brace in the first column */
	int count;
};

static struct source source_read(int file)
{
	struct source s = {NULL, NULL, NULL, NULL, 0};
	const char *root = getenv("ONCEPROOF_SOURCES");
	char path[8192], *line = NULL;
	size_t room = 0;
	snprintf(path, sizeof path, "%s%s%s", root ? root : "", root ? "/" : "", files[file].name);
	FILE *in = root ? fopen(path, "r") : fopen(file_paths[file], "r");
	if (!in)
		in = fopen(files[file].name, "r");
	if (!in)
		end_with(CHANGED_TOO_MUCH,
			"%s cannot be read: run the test where the sources are, or set ONCEPROOF_SOURCES to their folder",
			files[file].name);
	while (getline(&line, &room, in) >= 0) {
		size_t n = (size_t)s.count + 1, words = strcspn(line, "\r\n") - strspn(line, " \t{};");
		s.hash = (unsigned *)realloc(s.hash, n * sizeof *s.hash);
		s.text = (char **)realloc(s.text, n * sizeof *s.text);
		s.weight = (unsigned char *)realloc(s.weight, n);
		s.closes = (unsigned char *)realloc(s.closes, n);
		if (!s.hash || !s.text || !s.weight || !s.closes)
			end_with(CANNOT, "no memory");
		s.hash[n - 1] = hash_of(line);
		s.closes[n - 1] = *line == '}';
		line[strcspn(line, "\r\n")] = '\0';
		s.text[n - 1] = strdup(line + strspn(line, " \t"));
		s.weight[n - 1] = !line[strspn(line, " \t")] ? 0 : words < 256 && line[strspn(line, " \t{};")] ? 8 : 1;
		s.count++;
	}
	free(line);
	fclose(in);
	return s;
}

static struct source sources[FILES];

/* The middle of both texts, where neither beginnings nor ends are alike: FROM … TO of the kept lines, the same many lines and EXTRA more
 * now. The longest common subsequence, where lines with words weigh more than braces. */
static void align_middle(const struct kept_file *kept, const struct source *s, int from, int to, int extra, int *at)
{
	size_t width = (size_t)(to - from + extra) + 1;
	unsigned *best = (unsigned *)calloc((size_t)(to - from + 1) * width, sizeof *best);
	if (!best)
		end_with(CANNOT, "no memory");
	for (int i = to - from; i-- > 0;)
		for (int j = to - from + extra; j-- > 0;) {
			unsigned down = best[(size_t)(i + 1) * width + (size_t)j],
				 right = best[(size_t)i * width + (size_t)j + 1];
			unsigned both = kept->hash[from + i] == s->hash[from + j]
						? best[(size_t)(i + 1) * width + (size_t)j + 1] + s->weight[from + j]
						: 0;
			best[(size_t)i * width + (size_t)j] = both > down && both > right ? both : down > right ? down : right;
		}
	for (int i = 0, j = 0; i < to - from && j < to - from + extra;) {
		unsigned here = best[(size_t)i * width + (size_t)j];
		if (here == best[(size_t)i * width + (size_t)j + 1])
			j++;
		else if (here == best[(size_t)(i + 1) * width + (size_t)j])
			i++;
		else
			at[from + i++] = from + ++j;
	}
	free(best);
}

enum { MIDDLE_MAX = 6000 };

/* Which line of the source is each line of the witness' text now? 0: none. */
static void align(const struct kept_file *kept, const struct source *s, int *at)
{
	int shorter = kept->count < s->count ? kept->count : s->count, front = 0, back = 0;
	for (; front < shorter && kept->hash[front] == s->hash[front]; front++)
		at[front] = front + 1;
	for (; back < shorter - front && kept->hash[kept->count - 1 - back] == s->hash[s->count - 1 - back]; back++)
		at[kept->count - 1 - back] = s->count - back;
	if (kept->count - front - back <= MIDDLE_MAX && s->count - front - back <= MIDDLE_MAX)
		align_middle(kept, s, front, kept->count - back, s->count - kept->count, at);
}

static int is_taken(const int *to, int count, int line)
{
	for (int i = 0; i < count; i++)
		if (to[i] == line)
			return 1;
	return 0;
}

enum { MOVED_MAX = 60, REPLACED_MAX = 8 };

/* A line that is not where it was: moved a little; else replaced: what stands between its old neighbours now. */
static void seek(int place, const struct kept_file *kept, const struct source *s, const int *to, int at)
{
	int before = 0, after = s->count + 1, expected, best = 0, low = at, high = at + 1;
	while (low > 0 && !to[low - 1])
		low--;
	while (high < kept->count && !to[high])
		high++;
	before = low > 0 ? to[low - 1] : 0;
	after = high < kept->count ? to[high] : after;
	expected = before + 1;
	for (int line = 1; line <= s->count; line++)
		if (s->hash[line - 1] == kept->hash[at] && abs(line - expected) <= MOVED_MAX &&
			!is_taken(to, kept->count, line) && (!best || abs(line - expected) < abs(best - expected)))
			best = line;
	if (best) {
		now_at[place].moved = 1;
		now_at[place].from = now_at[place].to = best;
		return;
	}
	now_at[place].changed = 1;
	/* As many lines as there were: each for its own. */
	if (after - before == high - low + 1) {
		now_at[place].from = now_at[place].to = before + 1 + at - low;
		return;
	}
	while (before + 1 < after && s->weight[before] == 0)
		before++;
	while (after - 1 > before && s->weight[after - 2] == 0)
		after--;
	if (after - before - 1 >= 1 && after - before - 1 <= REPLACED_MAX) {
		now_at[place].from = before + 1;
		now_at[place].to = after - 1;
		return;
	}
	/* It is gone: its thread stops at what came behind it, in the same function. */
	for (; high < kept->count && (!to[high] || s->weight[to[high] - 1] < 8); high++)
		if (to[high] && s->closes[to[high] - 1])
			return;
	if (high < kept->count) {
		now_at[place].from = now_at[place].to = to[high];
		now_at[place].gone = 1;
	}
}

static int file_named(const char *name)
{
	for (int i = 0; i < FILES; i++)
		if (strcmp(files[i].name, name) == 0)
			return i;
	return NO_FILE;
}

/* Lines of each file that the witness' text did not have. */
static unsigned char *is_new[FILES];

static void find_places(void)
{
	for (int file = 0; file < FILES; file++) {
		const struct kept_file *kept = &files[file];
		int *to = (int *)calloc((size_t)kept->count + 1, sizeof *to);
		sources[file] = source_read(file);
		is_new[file] = (unsigned char *)calloc((size_t)sources[file].count + 2, 1);
		if (!to || !is_new[file])
			end_with(CANNOT, "no memory");
		align(kept, &sources[file], to);
		for (int line = 1; line <= sources[file].count; line++)
			is_new[file][line] = !is_taken(to, kept->count, line);
		for (int place = 0; place < PLACES; place++) {
			int at = places[place].line - 1;
			if (file_named(places[place].file) != file || at < 0 || at >= kept->count)
				continue;
			if (to[at])
				now_at[place].from = now_at[place].to = to[at];
			else
				seek(place, kept, &sources[file], to, at);
			if (!now_at[place].from)
				end_with(CHANGED_TOO_MUCH,
					"%s:%d `%s` in %s is no longer there: the code has changed too much; make a new witness: "
					"%s",
					places[place].file, places[place].line, places[place].text, places[place].function,
					witness_again);
		}
		free(to);
	}
}

/* "main.c:13 `counter++`", as it is now. */
static const char *place_words(int place)
{
	static char words[2][600];
	static int which;
	int line = now_at[place].from;
	const struct source *s = &sources[file_named(places[place].file)];
	snprintf(words[which ^= 1], sizeof words[0], "%s:%d `%.200s`", places[place].file, line,
		line <= s->count ? s->text[line - 1] : "");
	return words[which];
}
