/* SPDX-License-Identifier: MIT */
/* Exact detection of data races by happens-before, as in FastTrack (Flanagan and Freund, PLDI 2009) with these differences: an access is
 * kept for as long as it can still race, however many there are; kinds, bytes and threads are told apart; and the clock is the number of
 * a thread's events.
 *
 * An access by thread u after its event number e happens before what thread t does now if and only if t knows of u's event e + 1. It is
 * forgotten when a later access covers it: happens after it, touches the same bytes, and conflicts with whatever it conflicts with. What
 * races with the forgotten one then races with the later one too.
 *
 * Memory is shadowed in blocks of 64 granules of 8 bytes. A hash finds a block; each granule has a cell, which holds two records and a
 * list of further ones; and a block has one more cell, for accesses to the whole of it, so that ranges cost little. Whatever belongs to
 * an earlier execution is told by its generation, so forgetting everything costs nothing.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "contexts.h"
#include "races.h"

enum {
	GRANULE_SHIFT = 3,
	BLOCK_SHIFT = 9,
	BLOCK_BYTES = 1 << BLOCK_SHIFT,
	CELLS = BLOCK_BYTES >> GRANULE_SHIFT,
	INLINE_RECORDS = 2,
	CHUNK_RECORDS = 4,
	BLOCKS_MAX = 1 << 22,
	CHUNKS_MAX = 1 << 22,
	SLOTS_FIRST = 1 << 12,
	KEY_BITS = 38, /* of a block's number: addresses of 47 bits */
	GENERATION_BITS = 26,
	SITE_BITS = 47,
	KEPT_BLOCKS = 1 << 12, /* shadow memory beyond is given back after an execution: 10 MiB */
	KEPT_CHUNKS = 1 << 15,
};

/* A record's `meta`: epoch in bits 0 to 31, bytes of the granule in 32 to 39, thread in 40 to 45, then the kind. 0: no record. */
#define META_MASK (UINT64_C(0xff) << 32)
#define META_THREAD (UINT64_C(0x3f) << 40)
#define META_ATOMIC (UINT64_C(1) << 46)
#define META_WRITE (UINT64_C(1) << 47)
#define META_FREED (UINT64_C(1) << 48)
#define META_RACED (UINT64_C(1) << 49) /* has raced: the quick test must not take it for an answer */
#define META_USED (UINT64_C(1) << 50)
#define META_KIND (META_ATOMIC | META_WRITE | META_FREED)

struct record {
	uint64_t meta;
	uint64_t origin; /* site, and the context above it */
};

struct cell {
	uint32_t generation;
	uint32_t chunk; /* further records; 0: none */
	struct record record[INLINE_RECORDS];
};

struct chunk {
	uint32_t next;
	uint32_t unused;
	struct record record[CHUNK_RECORDS];
};

struct block {
	uint64_t number;  /* address >> BLOCK_SHIFT */
	uint64_t touched; /* bit i: cell i is of this execution */
	struct cell whole;
};

struct slot {
	uint64_t tag; /* generation and block number; of an earlier generation: empty */
	uint64_t block;
};

/* All mutable state; mapped, so that restoring a program's data leaves it alone. */
struct shadow {
	uint64_t generation;
	uint64_t slots;          /* a power of two */
	unsigned shift;          /* 64 - log2(slots) */
	uint32_t blocks, chunks; /* used in this execution; number 0 is not given out */
	struct slot *slot;
	struct block *block;
	struct cell *cell; /* those of block b from b * CELLS on */
	struct chunk *chunk;
};

static struct shadow *all; /* set once, by races_start */

/* The access that is being noted. */
struct access {
	uint64_t meta, origin;
	const uint32_t *clock;
	uint64_t granule; /* the one in question */
	bool raced, covered;
	struct record *same; /* by the same instruction at other bytes of the granule, with no event in between */
	struct race *race;
};

static void *reserve(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

int races_start(void)
{
	if (all)
		return 0;
	int why = contexts_start();
	if (!why)
		why = races_promoted_start();
	if (why)
		return why;
	struct shadow *made = reserve(sizeof *made);
	if (!made)
		return errno;
	made->slots = SLOTS_FIRST;
	made->shift = 64 - (unsigned)__builtin_ctzll(SLOTS_FIRST);
	made->slot = reserve(made->slots * sizeof *made->slot);
	made->block = reserve(BLOCKS_MAX * sizeof *made->block);
	made->cell = reserve((size_t)BLOCKS_MAX * CELLS * sizeof *made->cell);
	made->chunk = reserve(CHUNKS_MAX * sizeof *made->chunk);
	if (!made->slot || !made->block || !made->cell || !made->chunk)
		return ENOMEM;
	made->generation = 1;
	made->blocks = made->chunks = 1;
	all = made;
	return 0;
}

/* Gives the memory back that lies behind the first KEEP of USED elements. */
static void trim(void *array, size_t element_bytes, size_t keep, size_t used)
{
	uintptr_t from = ((uintptr_t)array + keep * element_bytes + 4095) & ~(uintptr_t)4095,
		  to = (uintptr_t)array + used * element_bytes;
	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

void races_clear(void)
{
	contexts_clear();
	trim(all->cell, CELLS * sizeof *all->cell, KEPT_BLOCKS, all->blocks);
	trim(all->block, sizeof *all->block, KEPT_BLOCKS, all->blocks);
	trim(all->chunk, sizeof *all->chunk, KEPT_CHUNKS, all->chunks);
	all->blocks = all->chunks = 1;
	if (++all->generation >> GENERATION_BITS == 0)
		return;
	/* The generations are used up: what carries one is wiped. */
	trim(all->cell, CELLS * sizeof *all->cell, 0, BLOCKS_MAX);
	memset(all->slot, 0, all->slots * sizeof *all->slot);
	all->generation = 1;
}

static inline struct slot *slot_of(uint64_t number, uint64_t tag)
{
	uint64_t i = number * 0x9e3779b97f4a7c15u >> all->shift;
	while (all->slot[i].tag != tag && all->slot[i].tag >> KEY_BITS == all->generation)
		i = (i + 1) & (all->slots - 1);
	return &all->slot[i];
}

static inline uint64_t tag_of(uint64_t number)
{
	return number | all->generation << KEY_BITS;
}

/* Doubles the table. Without memory for it the old one goes on until it is full. */
static void grow(void)
{
	struct slot *old = all->slot, *slot = reserve(all->slots * 2 * sizeof *slot);
	if (!slot)
		return;
	munmap(old, all->slots * sizeof *old);
	all->slot = slot;
	all->slots *= 2;
	all->shift--;
	for (uint32_t b = 1; b < all->blocks; b++) {
		uint64_t tag = tag_of(all->block[b].number);
		*slot_of(all->block[b].number, tag) = (struct slot){tag, b};
	}
}

/* The block with NUMBER, made if it is new; 0: there is no room. */
static uint64_t block_of(uint64_t number)
{
	uint64_t tag = tag_of(number);
	struct slot *slot = slot_of(number, tag);
	if (slot->tag == tag)
		return slot->block;
	if (all->blocks * UINT64_C(2) >= all->slots) {
		grow();
		slot = slot_of(number, tag);
	}
	if (all->blocks == BLOCKS_MAX || all->blocks + UINT64_C(1) >= all->slots) {
		runtime_uncontrolled("too much memory for the detection of races");
		return 0;
	}
	uint32_t b = all->blocks++;
	all->block[b] = (struct block){.number = number};
	*slot = (struct slot){tag, b};
	return b;
}

/* What an access of each kind conflicts with: bits for plain read, atomic read, plain write, atomic write. Freeing is a plain write. */
static inline unsigned conflicts(uint64_t meta)
{
	if (meta & META_WRITE)
		return meta & META_ATOMIC ? 1 | 4 : 15;
	return meta & META_ATOMIC ? 4 : 4 | 8;
}

static inline unsigned kind_bit(uint64_t meta)
{
	return 1u << ((meta & META_ATOMIC ? 1 : 0) + (meta & META_WRITE ? 2 : 0));
}

static inline unsigned thread_of(uint64_t meta)
{
	return (unsigned)(meta >> 40) & 0x3f;
}

/* Does A conflict with whatever B conflicts with, on all of B's bytes? A freed block stays known as one. */
static inline bool covers(uint64_t a, uint64_t b)
{
	return !(b & META_MASK & ~a) && !(conflicts(b) & ~conflicts(a)) && !(b & META_FREED & ~a);
}

static void describe(struct access *a, const struct record *r)
{
	uint64_t site = r->origin & ((UINT64_C(1) << SITE_BITS) - 1);
	unsigned both = (unsigned)((r->meta & a->meta & META_MASK) >> 32);
	*a->race = (struct race){
		.thread = thread_of(r->meta),
		.write = (r->meta & META_WRITE) != 0,
		.atomic = (r->meta & META_ATOMIC) != 0,
		.freed = (r->meta & META_FREED) != 0,
		.address = (a->granule << GRANULE_SHIFT) + (unsigned)__builtin_ctz(both),
		.bytes = (unsigned)(32 - __builtin_clz(both) - __builtin_ctz(both)),
	};
	a->race->frame_count = context_frames((uint32_t)(r->origin >> SITE_BITS), (const void *)site, a->race->frame);
}

/* Holds the access A against record R of the cell, which may be dropped (DROP) or make a record of A needless (COVER). */
static inline void meet(struct access *a, struct record *r, bool drop, bool cover)
{
	unsigned u = thread_of(r->meta);
	uint32_t epoch = (uint32_t)r->meta;
	bool own = !((r->meta ^ a->meta) & META_THREAD);
	if (own || a->clock[u] > epoch) {
		if (own && cover && epoch == (uint32_t)a->meta && covers(r->meta, a->meta))
			a->covered = true;
		else if (drop && covers(a->meta, r->meta))
			r->meta = 0;
		else if (own && drop && cover && !((r->meta ^ a->meta) & (META_KIND | UINT32_MAX)) && r->origin == a->origin)
			a->same = r;
		return;
	}
	if (!(r->meta & a->meta & META_MASK) || !(conflicts(a->meta) & kind_bit(r->meta)))
		return;
	r->meta |= META_RACED;
	if (!a->raced)
		describe(a, r);
	a->raced = true;
}

/* The same for all records of a cell. Returns a free place for a new record, or NULL. *LAST: where a new chunk is to be linked. *LEFT:
 * how many records remain. */
static inline struct record *meet_all(struct access *a, struct cell *cell, bool drop, bool cover, uint32_t **last, unsigned *left)
{
	struct record *room = NULL, *r = cell->record;
	unsigned count = INLINE_RECORDS;
	*last = &cell->chunk;
	*left = 0;
	for (;;) {
		for (unsigned i = 0; i < count; i++) {
			if (r[i].meta)
				meet(a, &r[i], drop, cover);
			if (r[i].meta)
				++*left;
			else if (!room)
				room = &r[i];
		}
		if (!**last)
			return room;
		struct chunk *chunk = &all->chunk[**last];
		*last = &chunk->next;
		r = chunk->record;
		count = CHUNK_RECORDS;
	}
}

static void note(const struct access *a, struct record *room, uint32_t *last)
{
	uint64_t meta = a->meta | (a->raced ? META_RACED : 0);
	if (a->same) {
		a->same->meta |= meta;
		return;
	}
	if (!room) {
		if (all->chunks == CHUNKS_MAX) {
			runtime_uncontrolled("too many accesses for the detection of races");
			return;
		}
		struct chunk *chunk = &all->chunk[all->chunks];
		*chunk = (struct chunk){0};
		*last = all->chunks++;
		room = chunk->record;
	}
	*room = (struct record){meta, a->origin};
}

/* Notes A in a cell that the execution has not used so far. */
static inline void note_first(const struct access *a, struct cell *cell)
{
	cell->generation = (uint32_t)all->generation;
	cell->chunk = 0;
	cell->record[0] = (struct record){a->meta | (a->raced ? META_RACED : 0), a->origin};
	cell->record[1].meta = 0;
}

static inline bool is_new(const struct cell *cell)
{
	return cell->generation != (uint32_t)all->generation;
}

/* A is an access to some bytes of granule A->granule, in block B. */
static void access_granule(struct access *a, uint64_t b)
{
	struct block *block = &all->block[b];
	uint64_t index = a->granule % CELLS;
	struct cell *cell = &all->cell[b * CELLS + index];
	uint32_t *last;
	unsigned left;
	a->covered = false;
	a->same = NULL;
	if (!is_new(&block->whole))
		meet_all(a, &block->whole, false, true, &last, &left);
	if (is_new(cell)) {
		if (a->covered)
			return;
		note_first(a, cell);
		block->touched |= UINT64_C(1) << index;
		return;
	}
	struct record *room = meet_all(a, cell, true, true, &last, &left);
	if (!a->covered)
		note(a, room, last);
}

/* A is an access to the whole of block B, whose first granule is FIRST. */
static void access_block(struct access *a, uint64_t b, uint64_t first)
{
	struct block *block = &all->block[b];
	struct record *room = NULL;
	uint32_t *last = NULL;
	unsigned left;
	bool fresh = is_new(&block->whole), covered;
	a->covered = false;
	a->same = NULL;
	a->meta |= META_MASK;
	a->granule = first;
	if (!fresh)
		room = meet_all(a, &block->whole, true, true, &last, &left);
	covered = a->covered;
	for (uint64_t rest = block->touched; rest; rest &= rest - 1) {
		unsigned index = (unsigned)__builtin_ctzll(rest);
		struct cell *cell = &all->cell[b * CELLS + index];
		uint32_t *link;
		a->granule = first + index;
		meet_all(a, cell, true, false, &link, &left);
		if (!left) {
			cell->generation = 0;
			block->touched &= ~(UINT64_C(1) << index);
		}
	}
	if (fresh)
		note_first(a, &block->whole);
	else if (!covered)
		note(a, room, last);
}

/* The part FROM .. TO - 1 of a range, which lies in one block. false: there is no room for the block. */
static bool access_part(struct access *a, uintptr_t from, uintptr_t to)
{
	uint64_t b = block_of(from >> BLOCK_SHIFT);
	if (!b)
		return false;
	if (to - from == BLOCK_BYTES) {
		access_block(a, b, from >> GRANULE_SHIFT);
		return true;
	}
	for (a->granule = from >> GRANULE_SHIFT; a->granule << GRANULE_SHIFT < to; a->granule++) {
		uintptr_t low = a->granule << GRANULE_SHIFT;
		unsigned skip = low < from ? (unsigned)(from - low) : 0, end = low + 8 > to ? (unsigned)(to - low) : 8;
		a->meta = (a->meta & ~META_MASK) | (uint64_t)((1u << end) - (1u << skip)) << 32;
		access_granule(a, b);
	}
	return true;
}

static __attribute__((noinline)) bool access_slowly(
	uintptr_t address, size_t bytes, uint64_t meta, const uint32_t *clock, const void *site, struct race *race)
{
	struct access a = {.meta = meta, .clock = clock, .race = race};
	a.origin = ((uintptr_t)site & ((UINT64_C(1) << SITE_BITS) - 1)) | (uint64_t)context_now(thread_of(meta)) << SITE_BITS;
	uintptr_t end = address + bytes;
	while (address < end) {
		uintptr_t next = (address | (BLOCK_BYTES - 1)) + 1;
		if (!access_part(&a, address, next < end ? next : end))
			break;
		address = next;
	}
	return a.raced;
}

bool races_access(uintptr_t address, size_t bytes, bool write, bool atomic, bool freed, unsigned thread, const uint32_t *clock,
	uint32_t number, const void *site, struct race *race)
{
	uint64_t meta = META_USED | number | (uint64_t)thread << 40 | (write ? META_WRITE : 0) | (atomic ? META_ATOMIC : 0) |
			(freed ? META_FREED : 0);
	unsigned skip = address % 8;
	if (skip + bytes <= 8) {
		/* What the thread has done since its last event in the same way, or as a write, says nothing new: whoever came in between
		 * and raced with it has marked it. */
		uint64_t number_of_block = address >> BLOCK_SHIFT, tag = tag_of(number_of_block);
		uint64_t mask = (uint64_t)((1u << (skip + bytes)) - (1u << skip)) << 32;
		const struct slot *slot = &all->slot[number_of_block * 0x9e3779b97f4a7c15u >> all->shift];
		if (slot->tag == tag) {
			const struct cell *cell = &all->cell[slot->block * CELLS + (address >> GRANULE_SHIFT) % CELLS];
			uint64_t same = ~(META_MASK | (write ? 0 : META_WRITE));
			if (!is_new(cell))
				for (unsigned i = 0; i < INLINE_RECORDS; i++)
					if (!((cell->record[i].meta ^ meta) & same) && !(mask & ~cell->record[i].meta))
						return false;
		}
	}
	return access_slowly(address, bytes, meta, clock, site, race);
}
