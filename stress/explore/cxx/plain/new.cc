// SPDX-License-Identifier: MIT
// operator new and delete: the explorer's heap, with the place of the caller.
#include <new>

#include "../runtime.h"

static const std::size_t least = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

static void *make(std::size_t bytes, std::size_t alignment, bool throws, const void *site)
{
	for (;;) {
		void *made = explored_new(bytes, alignment, site);
		std::new_handler handler = made ? nullptr : std::get_new_handler();
		if (made || (!handler && !throws))
			return made;
		if (!handler)
			throw std::bad_alloc();
		handler();
	}
}

static void *make_or_not(std::size_t bytes, std::size_t alignment, const void *site) noexcept
{
	try {
		return make(bytes, alignment, false, site);
	} catch (...) {
		return nullptr;
	}
}

#define NEW(name)                                                                           \
	void *name(std::size_t bytes)                                                       \
	{                                                                                   \
		return make(bytes, least, true, CALLER);                                    \
	}                                                                                   \
	void *name(std::size_t bytes, const std::nothrow_t &) noexcept                      \
	{                                                                                   \
		return make_or_not(bytes, least, CALLER);                                   \
	}                                                                                   \
	void *name(std::size_t bytes, std::align_val_t at)                                  \
	{                                                                                   \
		return make(bytes, std::size_t(at), true, CALLER);                          \
	}                                                                                   \
	void *name(std::size_t bytes, std::align_val_t at, const std::nothrow_t &) noexcept \
	{                                                                                   \
		return make_or_not(bytes, std::size_t(at), CALLER);                         \
	}
NEW(operator new)
NEW(operator new[])

#define DELETE(...)                              \
	void __VA_ARGS__ noexcept                \
	{                                        \
		explored_delete(memory, CALLER); \
	}
DELETE(operator delete(void *memory))
DELETE(operator delete(void *memory, std::size_t))
DELETE(operator delete(void *memory, const std::nothrow_t &))
DELETE(operator delete(void *memory, std::align_val_t))
DELETE(operator delete(void *memory, std::size_t, std::align_val_t))
DELETE(operator delete(void *memory, std::align_val_t, const std::nothrow_t &))
DELETE(operator delete[](void *memory))
DELETE(operator delete[](void *memory, std::size_t))
DELETE(operator delete[](void *memory, const std::nothrow_t &))
DELETE(operator delete[](void *memory, std::align_val_t))
DELETE(operator delete[](void *memory, std::size_t, std::align_val_t))
DELETE(operator delete[](void *memory, std::align_val_t, const std::nothrow_t &))
