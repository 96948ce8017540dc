// SPDX-License-Identifier: MIT
// Peer    package=libtbb-dev module=tbb
// tbb::enumerable_thread_specific of oneTBB with a thread-specific key of its own, so that no hash table is searched. Its elements are meant to
// be added up when all have ended; so that one who asks before gets no torn number, they are atomic, read and written by plain instructions.
#include <atomic>
#include <new>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/version.h>

#include "peer.h"

PEER_BEGIN

// One thread's count. Copied by the container, at rest.
struct share {
	std::atomic<uint64_t> counted{0};
	share() = default;
	share(const share &from) : counted(from.get())
	{
	}
	uint64_t get() const
	{
		return counted.load(std::memory_order_relaxed); // relaxed: a number alone
	}
	void add_one()
	{
		counted.store(get() + 1, std::memory_order_relaxed); // relaxed: its thread is the only writer
	}
};

struct counter {
	tbb::enumerable_thread_specific<share, tbb::cache_aligned_allocator<share>, tbb::ets_key_per_instance> shares;
};

struct counter_seat {
	char unused;
};

int counter_open(counter *c)
{
	new (c) counter;
	return 0;
}

void counter_close(counter *c)
{
	c->~counter();
}

int counter_join(counter *, counter_seat *)
{
	return 0; // an element belongs to whoever counts, not to who takes the seat
}

void counter_leave(counter *, counter_seat *)
{
}

inline uint64_t counter_increment(counter *c, counter_seat *)
{
	c->shares.local().add_one();
	return 0;
}

inline uint64_t counter_value(counter *c)
{
	uint64_t sum = 0;
	c->shares.combine_each([&sum](const share &each) { sum += each.get(); });
	return sum;
}

const char *version()
{
	return TBB_runtime_version();
}

PEER_END

#include "counter_export.hpp"
COUNTER_PEER(peer_tbb_ets_key, made.about.lesson = "a count per thread, found through a thread-specific key",
	made.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST,
	made.about.missing = COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE | COUNTER_RACE_FREE,
	made.about.calls =
		"* pthread_self pthread_getspecific pthread_setspecific _ZSt11_Hash_bytesPKvmm _ZN3tbb6detail* memset");
PEER(counter_peer_tbb_ets_key, "oneTBB", peer::version, "its value is meant for when all have ended");
