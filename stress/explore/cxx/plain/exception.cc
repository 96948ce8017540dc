// SPDX-License-Identifier: MIT
// Exceptions that threads share: std::exception_ptr, as libstdc++ has it (Itanium C++ ABI, exception handling, chapter 2, and its own
// dependent exceptions). The library counts who still needs an exception by atomic operations that nobody sees. Here, whoever gives up its
// part releases what it did with the exception, and who destroys it acquires that: without that order the destruction would look like a
// race with what the others have read.
#include <cstddef>
#include <cxxabi.h>
#include <exception>
#include <unwind.h>

#include "../runtime.h"

namespace
{
// In front of a thrown object.
struct header {
	int users;
	int shared;          // padding: others had a part
	std::uint64_t order; // padding: what explored_count counts
	std::type_info *type;
	void (*destroy)(void *);
	void (*unexpected)();
	void (*terminate)();
	char *next; // the next one that is caught, by its field `type`
	int handlers, selector;
	const unsigned char *action, *data;
	void *catch_at;
	void *adjusted;
	_Unwind_Exception unwind;
};
// An exception that is thrown once more: the same without the first three; `type` is the other one's object.
const std::size_t before_type = offsetof(header, type);
static_assert(sizeof(header) == 128 && before_type == 16, "libstdc++ on x86-64");

struct globals {
	char *caught; // the innermost, by its field `type`
	unsigned uncaught;
};

// "GNUCC++", and 0 or 1: thrown once more. Other languages and the end of a thread have others.
const _Unwind_Exception_Class ours = 0x474e5543432b2b00;

header *of_object(void *object)
{
	return static_cast<header *>(object) - 1;
}

header *of_type_field(char *field)
{
	return reinterpret_cast<header *>(field - before_type);
}
} // namespace

extern "C" {
globals *cxa_globals() __asm__("__cxa_get_globals");
void *cxa_allocate_dependent() __asm__("__cxa_allocate_dependent_exception");
void cxa_free_dependent(void *) __asm__("__cxa_free_dependent_exception");
void cxa_free(void *object) __asm__("__cxa_free_exception");
void __cxa_end_catch();
void explored_cxx___cxa_end_catch();
}

static void give_up(void *object, const void *site)
{
	header *h = of_object(object);
	h->shared = 1;
	explored_count(&h->order, site);
	if (--h->users)
		return;
	if (h->destroy)
		h->destroy(object);
	cxa_free(object);
}

// A catch of the first throw gives up its part inside of the library; only that of an exception that others had matters.
void explored_cxx___cxa_end_catch()
{
	char *caught = cxa_globals()->caught;
	header *h = caught ? of_type_field(caught) : nullptr;
	if (h && h->unwind.exception_class == ours && h->handlers == 1 && (h->users != 1 || h->shared))
		explored_count(&h->order, CALLER);
	__cxa_end_catch();
}

static void cleanup_dependent(_Unwind_Reason_Code, _Unwind_Exception *unwind)
{
	char *field = reinterpret_cast<char *>(unwind + 1) - (sizeof(header) - before_type);
	header *h = of_type_field(field);
	void *object = h->type;
	cxa_free_dependent(field);
	give_up(object, CALLER);
}

// Those members of std::exception_ptr that headers leave to the library.
extern "C" {
void construct(void **self, void *object) noexcept __asm__("_ZNSt15__exception_ptr13exception_ptrC1EPv");
void construct_base(void **self, void *object) noexcept __asm__("_ZNSt15__exception_ptr13exception_ptrC2EPv");
void add_user(void **self) noexcept __asm__("_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv");
void release(void **self) noexcept __asm__("_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv");
void *get(void *const *self) noexcept __asm__("_ZNKSt15__exception_ptr13exception_ptr6_M_getEv");
const std::type_info *type_of(void *const *self) noexcept
	__asm__("_ZNKSt15__exception_ptr13exception_ptr20__cxa_exception_typeEv");
}

void add_user(void **self) noexcept
{
	if (*self)
		of_object(*self)->users++;
}

void construct(void **self, void *object) noexcept
{
	*self = object;
	add_user(self);
}

void construct_base(void **self, void *object) noexcept
{
	construct(self, object);
}

void release(void **self) noexcept
{
	if (*self)
		give_up(*self, CALLER);
	*self = nullptr;
}

void *get(void *const *self) noexcept
{
	return *self;
}

const std::type_info *type_of(void *const *self) noexcept
{
	return of_object(*self)->type;
}

namespace std
{
exception_ptr current_exception() noexcept
{
	char *caught = cxa_globals()->caught;
	header *h = caught ? of_type_field(caught) : nullptr;
	if (!h || (h->unwind.exception_class | 1) != (ours | 1))
		return exception_ptr();
	void *object = h->unwind.exception_class == ours ? static_cast<void *>(h + 1) : h->type;
	of_object(object)->shared = 1;
	return exception_ptr(object);
}

void rethrow_exception(exception_ptr pointer)
{
	void *object = get(reinterpret_cast<void **>(&pointer));
	char *field = static_cast<char *>(cxa_allocate_dependent());
	header *h = of_type_field(field);
	of_object(object)->users++;
	h->type = static_cast<type_info *>(object);
	h->unexpected = of_object(object)->unexpected;
	h->terminate = get_terminate();
	h->unwind.exception_class = ours | 1;
	h->unwind.exception_cleanup = cleanup_dependent;
	cxa_globals()->uncaught++;
	_Unwind_RaiseException(&h->unwind);
	// Nobody catches it.
	__cxxabiv1::__cxa_begin_catch(&h->unwind);
	terminate();
}
} // namespace std
