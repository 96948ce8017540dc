// SPDX-License-Identifier: MIT
#include "sizes.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <malloc.h>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

extern "C" {
#include "../reports/node.h"
}
#include "../impl/counter/counter.h"
#include "../impl/initialiser/initialiser.h"
#include "../impl/progress/progress.h"
#include "bench.h"
#include "code.h"

namespace bench
{

long long heap_in_use()
{
	const struct mallinfo2 now = mallinfo2();
	const long long bytes = static_cast<long long>(now.uordblks + now.hblkhd);
	return bytes ? bytes : -1;
}

/* glibc keeps up to seven freed chunks of each size per thread, and calls them used. So allocate, and keep, until nine in a row have come
 * from elsewhere; no list refills itself so often. Kept for good: freed, they would be back. */
void heap_drain()
{
	enum { SMALLEST = 24, LARGEST = 1032, STEP = 16, FRESH = 9, TRIES = 200 };
	for (size_t size = SMALLEST; size <= LARGEST; size += STEP)
		for (int fresh = 0, tries = 0; fresh < FRESH && tries < TRIES; tries++) {
			static void *kept; /* a chain of all, so that no tool finds them lost */
			const long long before = heap_in_use();
			void *more = before < 0 ? nullptr : malloc(size);
			if (!more)
				return;
			memcpy(more, &kept, sizeof kept);
			kept = more;
			fresh = heap_in_use() > before ? fresh + 1 : 0;
		}
}

namespace
{

/* One implementation in use: what the study asks of each family. */
struct used {
	virtual ~used() = default;
	virtual int open() = 0;
	virtual int enter(unsigned thread) = 0; /* in the thread: takes a seat where there are any, and does the operation once */
	virtual void act() = 0;                 /* the operation again, in the main thread, seat 0 */
	virtual const void *entry() const = 0;  /* the operation */
	const char *operation = "";
	size_t bytes = 0, seat_bytes = 0;
};

constexpr unsigned THREADS = 16; /* memory may come for several at once */

class used_counter : public used
{
      public:
	explicit used_counter(const implementation *about)
	    : how_(reinterpret_cast<const counter_implementation *>(about)), memory_(how_->counter_bytes, how_->counter_align),
	      seats_(how_->seat_bytes, how_->seat_align, THREADS + 1)
	{
		operation = "increment";
		bytes = how_->counter_bytes;
		seat_bytes = how_->seat_bytes;
	}
	~used_counter() override
	{
		if (open_)
			how_->close(it());
	}
	int open() override
	{
		const int error = how_->open(it());
		open_ = error == 0;
		return error;
	}
	int enter(unsigned thread) override
	{
		const int error = how_->join(it(), seat(thread));
		if (!error)
			how_->increment(it(), seat(thread));
		return error;
	}
	void act() override
	{
		how_->increment(it(), seat(0));
	}
	const void *entry() const override
	{
		return reinterpret_cast<const void *>(how_->increment);
	}

      private:
	counter *it() const
	{
		return static_cast<counter *>(memory_.at(0));
	}
	counter_seat *seat(unsigned i) const
	{
		return static_cast<counter_seat *>(seats_.at(i));
	}
	const counter_implementation *how_;
	block memory_, seats_;
	bool open_ = false;
};

class used_initialiser : public used
{
      public:
	explicit used_initialiser(const implementation *about)
	    : how_(reinterpret_cast<const initialiser_implementation *>(about)), memory_(how_->bytes, how_->align)
	{
		operation = "get";
		bytes = how_->bytes;
	}
	~used_initialiser() override
	{
		if (open_)
			how_->close(it());
	}
	int open() override
	{
		static const initialiser_loader loader = {
			[](void *, int *) -> void * { return &instance; }, [](void *, void *) {}, nullptr};
		const int error = how_->open(it(), &loader);
		open_ = error == 0;
		return error;
	}
	int enter(unsigned) override
	{
		int error = 0;
		return how_->get(it(), &error) ? 0 : error ? error : ENOMEM;
	}
	void act() override
	{
		int error = 0;
		how_->get(it(), &error);
	}
	const void *entry() const override
	{
		return reinterpret_cast<const void *>(how_->get);
	}

      private:
	initialiser *it() const
	{
		return static_cast<initialiser *>(memory_.at(0));
	}
	static inline int instance;
	const initialiser_implementation *how_;
	block memory_;
	bool open_ = false;
};

class used_progress : public used
{
      public:
	explicit used_progress(const implementation *about)
	    : how_(reinterpret_cast<const progress_implementation *>(about)), memory_(how_->bytes, how_->align)
	{
		operation = "step";
		bytes = how_->bytes;
	}
	~used_progress() override
	{
		if (open_)
			how_->close(it());
	}
	int open() override
	{
		const int error = how_->open(it(), &sink_, UINT64_MAX);
		open_ = error == 0;
		return error;
	}
	int enter(unsigned) override
	{
		how_->step(it(), &source_);
		return 0;
	}
	void act() override
	{
		how_->poll(it(), &source_); /* a channel's front end reads, so that it never fills */
		how_->step(it(), &source_);
	}
	const void *entry() const override
	{
		return reinterpret_cast<const void *>(how_->step);
	}

      private:
	progress *it() const
	{
		return static_cast<progress *>(memory_.at(0));
	}
	const progress_implementation *how_;
	block memory_;
	bool open_ = false;
	uint64_t counted_ = 0, shown_ = 0;
	/* One thread at a time uses them here. */
	progress_sink sink_ = {[](void *arg, uint64_t done, uint64_t) { *static_cast<uint64_t *>(arg) = done; }, &shown_};
	progress_source source_ = {[](void *arg) { return ++*static_cast<uint64_t *>(arg); },
		[](void *arg) { return *static_cast<uint64_t *>(arg); }, &counted_};
};

} // namespace

static std::unique_ptr<used> use(const implementation *about)
{
	switch (about->family) {
	case FAMILY_COUNTER:
		return std::make_unique<used_counter>(about);
	case FAMILY_INITIALISER:
		return std::make_unique<used_initialiser>(about);
	default:
		return std::make_unique<used_progress>(about);
	}
}

/* Heap that THREADS threads take which each call ENTER and then stay; *ERROR is set when one failed. Throws std::system_error. */
static long long heap_of_threads(const std::function<int(unsigned)> &enter, int *error)
{
	std::atomic<unsigned> inside{0};
	std::atomic<bool> leave{false};
	std::atomic<int> failed{0};
	std::vector<std::thread> threads;
	threads.reserve(THREADS);
	auto finish = [&] {
		leave.store(true, std::memory_order_relaxed); // relaxed, here and below: the joins order everything else
		for (std::thread &thread : threads)
			thread.join();
	};
	const long long before = heap_in_use();
	try {
		for (unsigned i = 1; i <= THREADS; i++) {
			threads.emplace_back([&, i] {
				free(malloc(1)); /* what malloc keeps for a thread is there now */
				if (int why = enter(i))
					failed.store(why, std::memory_order_relaxed);
				inside.fetch_add(1, std::memory_order_release); // release: pairs with the acquire below
				for (unsigned round = 0; !leave.load(std::memory_order_relaxed); round++)
					wait_a_little(round);
			});
			while (inside.load(std::memory_order_acquire) != i) // acquire: one after the other
				std::this_thread::yield();
		}
	} catch (...) {
		finish();
		throw;
	}
	const long long after = heap_in_use();
	finish();
	*error = failed.load(std::memory_order_relaxed);
	return after - before;
}

static void set_bytes(json_t *row, const char *key, bool known, long long bytes)
{
	node_set(row, key, known ? node_must(json_integer(bytes)) : node_must(json_null()));
}

/* Code and statics, from the symbol table. The whole instance is known when the heap is. */
static void set_code(json_t *row, const used &subject, const code_path &path)
{
	const file_sizes sizes = sizes_of_file(subject.entry());
	set_bytes(row, "code_bytes", sizes.known, static_cast<long long>(sizes.code_bytes));
	set_bytes(row, "function_bytes", sizes.known, static_cast<long long>(sizes.function_bytes));
	set_bytes(row, "bytes_static", sizes.known, static_cast<long long>(sizes.static_bytes));
	set_bytes(row, "bytes_thread_local", sizes.known, static_cast<long long>(sizes.thread_bytes));
	node_set(row, "file", sizes.file.empty() ? node_must(json_null()) : node_text(sizes.file.c_str()));
	const uint64_t fast = path.instructions ? path.own_bytes : sizes.function_bytes;
	set_bytes(row, "fast_path_bytes", path.instructions || sizes.known, static_cast<long long>(fast));
	node_set(row, "fast_path_how",
		path.instructions ? node_text("executed")
		: sizes.known     ? node_text("whole function")
				  : node_must(json_null()));
	set_bytes(row, "fast_path_all_bytes", path.instructions, static_cast<long long>(path.all_bytes));
	set_bytes(row, "fast_path_instructions", path.instructions, static_cast<long long>(path.instructions));
}

static double sum_of(const json_t *row, std::initializer_list<const char *> parts)
{
	double sum = 0;
	for (const char *part : parts)
		sum += node_number(row, part, 0); /* an unknown part adds nothing, and is null itself */
	return sum;
}

/* Throws std::system_error when a thread cannot be started. */
static const char *weigh(json_t *row, used &subject)
{
	enum { WARM = 3 };
	heap_drain();
	const long long before = heap_in_use();
	int error = subject.open();
	const long long after = heap_in_use();
	if (error)
		return strerror(error);
	error = subject.enter(0);
	if (error)
		return strerror(error);
	const long long threads_own = heap_of_threads([](unsigned) { return 0; }, &error);
	/* What the first threads left to malloc can serve the others: less than nothing is nothing. */
	const long long thread_heap =
		std::max(0LL, heap_of_threads([&](unsigned i) { return subject.enter(i); }, &error) - threads_own) / THREADS;
	if (error)
		return strerror(error);
	for (int i = 0; i < WARM; i++)
		subject.act();
	node_set(row, "operation", node_text(subject.operation));
	set_bytes(row, "bytes_struct", true, static_cast<long long>(subject.bytes));
	set_bytes(row, "bytes_heap", before >= 0, after - before);
	set_bytes(row, "bytes_seat", true, static_cast<long long>(subject.seat_bytes));
	set_bytes(row, "bytes_thread_heap", before >= 0, thread_heap);
	set_code(row, subject, walk(subject.entry(), [&] { subject.act(); }));
	const double instance = sum_of(row, {"bytes_struct", "bytes_heap", "bytes_static"});
	set_bytes(row, "bytes_instance", before >= 0, static_cast<long long>(instance));
	const double thread = sum_of(row, {"bytes_seat", "bytes_thread_heap", "bytes_thread_local"});
	set_bytes(row, "bytes_thread", before >= 0, static_cast<long long>(thread));
	return nullptr;
}

static json_t *weigh_subject(const subject &each)
{
	json_t *row = node_must(json_object());
	node_set(row, "subject", node_text(each.name.c_str()));
	std::string missing = each.missing;
	try {
		if (missing.empty()) {
			std::unique_ptr<used> subject = use(each.about);
			if (const char *why = weigh(row, *subject))
				missing = why;
		}
	} catch (const std::exception &error) {
		missing = error.what();
	}
	node_set(row, "missing", missing.empty() ? json_null() : node_text(missing.c_str()));
	return row;
}

static json_t *what_is_counted()
{
	static const char *const sentences[][2] = {
		{"bytes_instance", "the struct, heap that opening takes (as malloc accounts for it), and the file's writable "
				   "static variables"},
		{"bytes_thread", "a thread's seat, heap that its joining and first operation take (a sixteenth of what sixteen "
				 "take), and the file's thread-local variables"},
		{"code_bytes",
			"all functions of the source file but the measured loops; not what it shares with others, nor libraries"},
		{"fast_path_bytes", "the different instructions that one warm operation on one thread executes, of this "
				    "program's own code; of "
				    "`step` with a plain counter and front end behind it. Where fast_path_how is `whole "
				    "function` it could not be "
				    "followed (restartable sequences), and all of the operation's function counts"},
		{"fast_path_all_bytes", "the same, with those of libraries"},
		{"fast_path_instructions",
			"instructions that one such operation executes in user space, with those of libraries"},
	};
	json_t *counted = node_must(json_object());
	for (const auto &sentence : sentences)
		node_set(counted, sentence[0], node_text(sentence[1]));
	return counted;
}

json_t *study_sizes(const plan &)
{
	mallopt(M_ARENA_MAX, 1); /* one heap for all threads, and one account of it */
	mallopt(M_MXFAST, 0);    /* what is freed is free in that account */
	json_t *study = node_must(json_object()), *rows = node_must(json_array()), *notes = node_must(json_array());
	node_set(study, "counted", what_is_counted());
	node_set(study, "notes", notes);
	node_set(study, "rows", rows);
	int error;
	heap_of_threads([](unsigned) { return 0; }, &error); /* what the first threads of a process leave behind is there now */
	if (heap_in_use() < 0)
		node_append(notes, node_text("Heap is not counted: this malloc keeps no account."));
	if (!sizes_of_file(reinterpret_cast<const void *>(study_sizes)).known)
		node_append(notes, node_text("Code is not counted: this program has no symbol table (it was stripped)."));
	for (enum family family : {FAMILY_INITIALISER, FAMILY_COUNTER, FAMILY_PROGRESS})
		for (const subject &each : subjects_of(family)) {
			if (interrupted.load(std::memory_order_relaxed)) { // relaxed: a flag alone
				node_set(study, "partial", node_must(json_true()));
				return study;
			}
			node_append(rows, weigh_subject(each));
		}
	return study;
}

} // namespace bench
