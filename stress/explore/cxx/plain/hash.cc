// SPDX-License-Identifier: MIT
// Hashes of bytes: the library's, after the bytes were read.
#include "../runtime.h"

extern "C" {
std::size_t library_hash(const void *at, std::size_t bytes, std::size_t seed) __asm__("_ZSt11_Hash_bytesPKvmm");
std::size_t explored_cxx__ZSt11_Hash_bytesPKvmm(const void *at, std::size_t bytes, std::size_t seed);

std::size_t explored_cxx__ZSt11_Hash_bytesPKvmm(const void *at, std::size_t bytes, std::size_t seed)
{
	explored_reads(at, bytes, CALLER);
	return library_hash(at, bytes, seed);
}
}
