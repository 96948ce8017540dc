/* SPDX-License-Identifier: MIT */
/* Results that are kept for comparing: whole files of the JSON that bench.h describes, in
 * ${XDG_DATA_HOME:-$HOME/.local/share}/onceproof/bench/NAME.json, each written aside and renamed, so that what is there is whole.
 *
 * Functions throw std::runtime_error with what was tried, why it failed and what to do. */
#ifndef ONCEPROOF_BENCH_STORE_H
#define ONCEPROOF_BENCH_STORE_H

#include <map>
#include <string>
#include <vector>

namespace bench
{

/* Fewer processes than this on a side and a comparison of some hundred rows has nothing that it could say. */
enum { SAVED_PROCESSES = 10 };

/* More than anybody has time for, and few enough for all pairs of two sides to be compared. */
enum { PROCESSES_MAX = 1000 };

/* `format` in the context of what is written now. Another number cannot be compared with it. */
enum { SAVED_FORMAT = 1 };

/* The file of NAME. What has a '/' in it, or ends in ".json", is a path already. */
std::string store_path(const std::string &name);

/* store_path, once it is certain that a file can be written there now: so that nobody measures for minutes in vain. */
std::string store_prepare(const std::string &name);

/* Keeps JSON, a whole result, under NAME. */
void store_save(const std::string &name, const std::string &json);

/* Keeps JSON as `latest`, where there is a place for it; that there is none is no error: nobody asked for it. */
void store_keep_latest(const std::string &json);

/* A row as it was saved: one value for each process that measured it. */
struct saved_row {
	std::string name, floor;
	unsigned threads = 1;
	std::map<unsigned, double> ns;            /* process -> median of its repetitions, ns per operation */
	std::map<unsigned, double> ratio;         /* process -> the same over its own floor; empty without a floor */
	std::string skipped, broken, implausible; /* reasons, or empty */
};

struct saved {
	std::string from; /* NAME or path as the user gave it */
	std::string version, plan, window_ms, compiler, cpu_model, date, clock;
	unsigned cores = 0, processes = 0;
	bool partial = false, loaded = false;
	std::vector<saved_row> rows;
};

/* Reads and checks what store_save or `onceproof bench --json` wrote. */
saved read_saved(const std::string &name);

} // namespace bench
#endif
