/* SPDX-License-Identifier: MIT */
#include "advise_evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../reports/host.h"
#include "../reports/result.h"
#include "cli.h"

/* The results that are part of the program; the build says where the file is. */
extern const char advise_shipped[];
extern const size_t advise_shipped_bytes;
__asm__(".pushsection .rodata\n"
	".global advise_shipped\n"
	"advise_shipped:\n"
	".incbin \"" ONCEPROOF_SHIPPED_PRICES "\"\n"
	".Ladvise_shipped_end:\n"
	".balign 8\n"
	".global advise_shipped_bytes\n"
	"advise_shipped_bytes:\n"
	".quad .Ladvise_shipped_end - advise_shipped\n"
	".popsection\n");

enum { RESULT_BYTES_MAX = 256 << 20 };

/* Of a result that nobody named, such as that of a filter or of a run cut short, so much must be there: what was not measured cannot be
 * taken. */
#define SAVED_SHARE 0.75

static void *must(void *memory)
{
	if (memory)
		return memory;
	complain("advise: out of memory");
	exit(EXIT_USAGE);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static double number_of(const json_t *object, const char *key, double otherwise)
{
	const json_t *value = json_object_get(object, key);
	double number = json_is_number(value) ? json_number_value(value) : otherwise;
	return isfinite(number) ? number : otherwise;
}

static struct evidence_row *find_row(const struct evidence *e, const char *name)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->rows[i].name, name) == 0)
			return &e->rows[i];
	return NULL;
}

/* The row that a line of the JSON belongs to, made at its first line; NULL for names of another shape. */
static struct evidence_row *row_of(struct evidence *e, const char *name)
{
	const char *threads = strstr(name, "/threads:");
	char *end = NULL;
	unsigned long n = threads ? strtoul(threads + 9, &end, 10) : 0;
	if (n == 0 || n > 65536 || *end)
		return NULL;
	struct evidence_row *row = find_row(e, name);
	if (row)
		return row;
	e->rows = must(realloc(e->rows, (e->count + 1) * sizeof *e->rows));
	row = &e->rows[e->count++];
	*row = (struct evidence_row){.name = must(strdup(name)),
		.operands = (size_t)(threads - name),
		.threads = (unsigned)n,
		.ns = NAN,
		.overhead = NAN};
	return row;
}

/* An interval of zeroes is what too few processes give. */
static void read_median(struct evidence_row *row, const json_t *line)
{
	double ns = number_of(line, "wall_ns_per_op", NAN);
	if (!(ns >= 0))
		return;
	row->ns = row->low = row->high = ns;
	double low = number_of(line, "low", 0), high = number_of(line, "high", 0);
	if (low > 0 && low <= ns && high >= ns) {
		row->low = low;
		row->high = high;
	}
	row->overhead = number_of(line, "overhead", NAN);
	row->overhead_low = number_of(line, "overhead_low", row->overhead);
	row->overhead_high = number_of(line, "overhead_high", row->overhead);
}

static void read_rows(struct evidence *e, const json_t *lines)
{
	size_t i;
	json_t *line;
	json_array_foreach(lines, i, line) {
		struct evidence_row *row = row_of(e, text_of(line, "run_name"));
		if (!row)
			continue;
		const char *aggregate = json_string_value(json_object_get(line, "aggregate_name"));
		const char *broken = json_string_value(json_object_get(line, "broken"));
		if (broken)
			row->broken = broken;
		if (json_is_true(json_object_get(line, "error_occurred"))) {
			const char *why = text_of(line, "error_message");
			row->skipped = strncmp(why, "skipped: ", 9) == 0 ? why + 9 : why;
		} else if (aggregate) {
			if (strcmp(aggregate, "median") == 0)
				read_median(row, line);
		} else {
			row->lost += number_of(line, "lost", 0);
			row->ops += number_of(line, "ops", 0);
		}
	}
}

/* Was it made on a machine like this? */
static bool is_this_machine(const struct evidence *e)
{
	json_t *host = host_describe();
	const json_t *machine = json_object_get(e->context, "machine");
	double cores = number_of(machine, "allowed", e->cores);
	bool same = strcmp(e->cpu, text_of(host, "cpu")) == 0 && cores == number_of(host, "cores_usable", -1) &&
		    strcmp(e->compiler, compiler_name()) == 0;
	json_decref(host);
	return same;
}

/* Takes over ROOT, a result or a report with one; false (and nothing taken) when it is neither. */
static bool adopt(struct evidence *e, json_t *root)
{
	json_t *result = root;
	if (json_is_object(json_object_get(root, "benchmarks")))
		result = json_object_get(root, "benchmarks");
	if (!json_is_array(json_object_get(result, "benchmarks")) || !json_is_object(json_object_get(result, "context")))
		return false;
	e->root = json_incref(result);
	json_decref(root);
	e->context = json_object_get(e->root, "context");
	const json_t *machine = json_object_get(e->context, "machine");
	e->date = text_of(e->context, "date");
	e->cpu = text_of(json_object_get(machine, "cpu_model") ? machine : e->context, "cpu_model");
	e->class = text_of(machine, "class");
	e->compiler = text_of(e->context, "compiler");
	e->plan = text_of(e->context, "plan");
	double cores = number_of(machine, "cores", number_of(e->context, "num_cpus", 1));
	e->cores = cores >= 1 && cores <= 65536 ? (unsigned)cores : 1;
	e->processes = (unsigned)number_of(e->context, "processes", 0);
	e->partial = strcmp(text_of(e->context, "partial"), "true") == 0 ||
		     json_is_true(json_object_get(e->context, "partial")) || number_of(e->context, "dropped", 0) > 0;
	e->loaded = json_is_true(json_object_get(machine, "loaded"));
	read_rows(e, json_object_get(e->root, "benchmarks"));
	e->this_machine = is_this_machine(e);
	return true;
}

/* The share of a family's implementations that were measured with one number of threads, at best. */
static double covered_share(const struct evidence *e, enum family family)
{
	static const char *const operations[] = {
		[FAMILY_INITIALISER] = "get", [FAMILY_COUNTER] = "increment", [FAMILY_PROGRESS] = "step"};
	double best = 0;
	for (size_t i = 0; i < e->count; i++) {
		bool seen = false;
		for (size_t k = 0; k < i && !seen; k++)
			seen = e->rows[k].threads == e->rows[i].threads;
		size_t all = 0, measured = 0;
		for (size_t r = 0; r < onceproof_registry_count && !seen; r++) {
			const struct implementation *about = onceproof_registry[r].about;
			char subject[96];
			if (about->family != family)
				continue;
			snprintf(subject, sizeof subject, "%s/%s", family_name(family), about->name);
			all++;
			measured += evidence_price(e, subject, operations[family], e->rows[i].threads).known;
		}
		best = fmax(best, all ? (double)measured / (double)all : 0);
	}
	return best;
}

/* Has it something of each family to advise from? LEAST: the share that must have been measured. */
static bool is_enough(const struct evidence *e, double least)
{
	for (enum family family = 0; family <= FAMILY_PROGRESS; family++)
		if (!(covered_share(e, family) > least))
			return false;
	return true;
}

void evidence_close(struct evidence *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->rows[i].name);
	free(e->rows);
	free(e->file);
	json_decref(e->root);
	*e = (struct evidence){0};
}

/* Reads the open file FD. NULL with *why set. Ends FD. */
static json_t *read_json(int fd, const char **why)
{
	static char text[JSON_ERROR_TEXT_LENGTH + 32];
	struct stat info;
	json_t *root = NULL;
	FILE *stream = NULL;
	json_error_t error;
	if (fstat(fd, &info) != 0)
		*why = strerror(errno);
	else if (S_ISDIR(info.st_mode))
		*why = strerror(EISDIR);
	else if (info.st_size > RESULT_BYTES_MAX)
		*why = "it is too large to be a result";
	else if (!(stream = fdopen(fd, "r")))
		*why = strerror(errno);
	else if (!(root = json_loadf(stream, JSON_REJECT_DUPLICATES, &error))) {
		snprintf(text, sizeof text, "line %d: %s", error.line, error.text);
		*why = text;
	}
	if (stream)
		fclose(stream);
	else
		close(fd);
	return root;
}

static int open_given(struct evidence *e, const char *path)
{
	const char *why = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	json_t *root = fd < 0 ? NULL : read_json(fd, &why);
	if (fd < 0)
		why = strerror(errno);
	if (root && !adopt(e, root)) {
		json_decref(root);
		why = "it has no benchmarks";
	} else if (root && !is_enough(e, 0)) {
		evidence_close(e);
		why = "it lacks rows of initialisers, of counters or of progress";
	}
	if (why) {
		complain("--results: %s: %s; give what `onceproof bench --json FILE` wrote", path, why);
		return EXIT_USAGE;
	}
	e->from = EVIDENCE_GIVEN;
	e->file = must(strdup(path));
	return 0;
}

/* The folder in which `bench` keeps results; owned by the caller, NULL without a home. */
static char *store_folder(void)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *folder = NULL;
	int length = -1;
	if (data && *data == '/')
		length = asprintf(&folder, "%s/onceproof/bench", data);
	else if (home && *home)
		length = asprintf(&folder, "%s/.local/share/onceproof/bench", home);
	else
		return NULL;
	return must(length < 0 ? NULL : folder);
}

/* Takes the saved result NAME in place of what E has when it is of this machine, has enough, and is newer; whole ones come before partial
 * ones. What cannot be read is passed over: the user did not name it. */
static void consider(struct evidence *e, int folder, const char *folder_name, const char *name)
{
	const char *why = NULL;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	json_t *root = fd < 0 ? NULL : read_json(fd, &why);
	struct evidence other = {0};
	if (!root)
		return;
	if (!adopt(&other, root)) {
		json_decref(root);
		return;
	}
	bool better =
		other.this_machine && is_enough(&other, SAVED_SHARE) &&
		(!e->root || (e->partial && !other.partial) || (e->partial == other.partial && strcmp(other.date, e->date) > 0));
	if (!better) {
		evidence_close(&other);
		return;
	}
	evidence_close(e);
	*e = other;
	e->from = EVIDENCE_SAVED;
	if (asprintf(&e->file, "%s/%s", folder_name, name) < 0)
		e->file = must(NULL);
}

static void open_saved(struct evidence *e)
{
	char *folder = store_folder();
	DIR *dir = folder ? opendir(folder) : NULL;
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		size_t length = strlen(entry->d_name);
		if (entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0)
			consider(e, dirfd(dir), folder, entry->d_name);
	}
	if (dir)
		closedir(dir);
	free(folder);
}

int evidence_open(struct evidence *e, const char *path)
{
	*e = (struct evidence){0};
	if (path)
		return open_given(e, path);
	open_saved(e);
	if (e->root)
		return 0;
	json_error_t error;
	json_t *root = json_loadb(advise_shipped, advise_shipped_bytes, 0, &error);
	if (!root || !adopt(e, root)) {
		complain("advise: the results that come with this program cannot be read: measure this machine with `onceproof "
			 "bench`");
		return EXIT_USAGE;
	}
	e->from = EVIDENCE_SHIPPED;
	e->file = must(strdup("results that come with this program"));
	return 0;
}

struct price evidence_price(const struct evidence *e, const char *subject, const char *operation, unsigned threads)
{
	char name[256];
	snprintf(name, sizeof name, "%s%s%s/threads:%u", subject, *operation ? "/" : "", operation, threads);
	struct price price = {.row = find_row(e, name)};
	if (!price.row || !isfinite(price.row->ns))
		return price;
	const double cores = threads < e->cores ? threads : e->cores;
	price.known = true;
	price.ns = price.row->ns * cores;
	price.low = price.row->low * cores;
	price.high = price.row->high * cores;
	return price;
}

const json_t *evidence_study(const struct evidence *e, const char *name)
{
	return json_object_get(json_object_get(e->root, "studies"), name);
}
