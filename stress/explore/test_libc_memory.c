/* SPDX-License-Identifier: MIT */
/* Memory and string functions of explored code: each does what libc's does, and tells of exactly what it reads and writes; also where
 * memory races. Random arguments are held against libc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "heap.h"
#include "libc_memory.h"
#include "test_runtime.h"

enum { ROOM = 256 };

/* Two buffers for the function under test, and the same for libc. */
struct buffers {
	_Alignas(16) char to[ROOM], from[ROOM];
};
static struct buffers ours, theirs;
static struct stream numbers;

static unsigned below(unsigned n)
{
	return stream_below(&numbers, n);
}

/* A character as the functions take it. */
static int letter(void)
{
	return "abcABC\0,"[below(8)];
}

/* Texts of few letters, so that they are often alike. */
static void fill_at_random(void)
{
	for (size_t i = 0; i < ROOM; i++) {
		ours.to[i] = (char)letter();
		ours.from[i] = (char)letter();
	}
	if (below(2))
		memcpy(ours.to + 8, ours.from + 8, 100);
	ours.to[ROOM / 2 - 1] = ours.from[ROOM / 2 - 1] = 0;
	theirs = ours;
	noted_count = 0;
}

/* How often each byte of OURS was told to be read or written. */
static unsigned told(bool write, const void *address)
{
	unsigned count = 0;
	for (unsigned i = 0; i < noted_count; i++)
		count += noted[i].write == write && (uintptr_t)address - noted[i].address < noted[i].bytes;
	return count;
}

/* Exactly BYTES from ADDRESS on are read or written, in this buffer. */
static void expect_told(bool write, const char *buffer, const char *address, size_t bytes, const char *name)
{
	for (const char *at = buffer; at < buffer + ROOM; at++)
		if ((told(write, at) != 0) != (at >= address && at < address + bytes))
			fail_msg("%s: byte %td is %s %u times; expected are %zu from %td on", name, at - buffer,
				write ? "written" : "read", told(write, at), bytes, address - buffer);
}

static void expect_same(const char *name)
{
	if (memcmp(&ours, &theirs, sizeof ours))
		fail_msg("%s: other memory", name);
	assert_int_equal(unfinished_writes, 0);
	/* In racing memory, nothing goes beyond a granule. */
	for (unsigned i = 0; i < noted_count; i++)
		if (races_promoted(noted[i].address, noted[i].bytes) &&
			noted[i].address / 8 != (noted[i].address + noted[i].bytes - 1) / 8)
			fail_msg("%s: %zu bytes at once", name, noted[i].bytes);
}

/* Pointers into OURS and THEIRS are the same if they are as far in. */
static ptrdiff_t in(const struct buffers *buffers, const void *at)
{
	return at ? (const char *)at - (const char *)buffers : -1;
}

static void same_pointer(const char *name, const void *mine, const void *libcs)
{
	if (in(&ours, mine) != in(&theirs, libcs))
		fail_msg("%s: returned %td, not %td", name, in(&ours, mine), in(&theirs, libcs));
	expect_same(name);
}

static size_t sign(int n)
{
	return (size_t)((n > 0) - (n < 0));
}

static void same_number(const char *name, size_t mine, size_t libcs)
{
	if (mine != libcs)
		fail_msg("%s: returned %zd, not %zd", name, mine, libcs);
	expect_same(name);
}

static void copying(void)
{
	unsigned to = below(60), from = below(60), bytes = below(60);
	int last = letter();
	fill_at_random();
	same_pointer("memcpy", explored_memcpy(ours.to + to, ours.from + from, bytes),
		memcpy(theirs.to + to, theirs.from + from, bytes));
	expect_told(true, ours.to, ours.to + to, bytes, "memcpy");
	expect_told(false, ours.from, ours.from + from, bytes, "memcpy");
	fill_at_random();
	same_pointer("memmove", explored_memmove(ours.to + to, ours.to + from, bytes),
		memmove(theirs.to + to, theirs.to + from, bytes));
	expect_told(true, ours.to, ours.to + to, bytes, "memmove");
	expect_told(false, ours.to, ours.to + from, bytes, "memmove");
	fill_at_random();
	same_pointer("mempcpy", explored_mempcpy(ours.to + to, ours.from + from, bytes),
		mempcpy(theirs.to + to, theirs.from + from, bytes));
	fill_at_random();
	char *behind = memccpy(theirs.to + to, theirs.from + from, last, bytes);
	same_pointer("memccpy", explored_memccpy(ours.to + to, ours.from + from, last, bytes), behind);
	expect_told(false, ours.from, ours.from + from, behind ? (size_t)(behind - theirs.to) - to : bytes, "memccpy");
	fill_at_random();
	same_pointer("memset", explored_memset(ours.to + to, last, bytes), memset(theirs.to + to, last, bytes));
	expect_told(true, ours.to, ours.to + to, bytes, "memset");
	fill_at_random();
	explored_bcopy(ours.to + from, ours.to + to, bytes);
	memmove(theirs.to + to, theirs.to + from, bytes);
	explored_bzero(ours.from + from, bytes);
	memset(theirs.from + from, 0, bytes);
	explored_explicit_bzero(ours.to + from, bytes);
	memset(theirs.to + from, 0, bytes);
	expect_same("bcopy, bzero");
}

static void looking_for_bytes(void)
{
	unsigned at = below(60), bytes = below(60), part = below(4);
	int value = letter();
	fill_at_random();
	char *end = theirs.to + at + bytes, *found = memchr(theirs.to + at, value, bytes);
	same_pointer("memchr", explored_memchr(ours.to + at, value, bytes), found);
	expect_told(false, ours.to, ours.to + at, (size_t)((found ? found + 1 : end) - theirs.to) - at, "memchr");
	same_pointer("memrchr", explored_memrchr(ours.to + at, value, bytes), memrchr(theirs.to + at, value, bytes));
	same_pointer("rawmemchr", explored_rawmemchr(ours.to + at, 0), rawmemchr(theirs.to + at, 0));
	same_pointer("memmem", explored_memmem(ours.to + at, bytes, ours.from + at, part),
		memmem(theirs.to + at, bytes, theirs.from + at, part));
	fill_at_random();
	same_number("memcmp", sign(explored_memcmp(ours.to + at, ours.from + at, bytes)),
		sign(memcmp(theirs.to + at, theirs.from + at, bytes)));
	same_number(
		"bcmp", !explored_bcmp(ours.to + at, ours.from + at, bytes), !memcmp(theirs.to + at, theirs.from + at, bytes));
}

static void copying_texts(void)
{
	unsigned to = below(60), from = below(60), bytes = below(60);
	fill_at_random();
	size_t length = strlen(theirs.from + from), limited = strnlen(theirs.from + from, bytes);
	same_pointer("strcpy", explored_strcpy(ours.to + to, ours.from + from), strcpy(theirs.to + to, theirs.from + from));
	expect_told(true, ours.to, ours.to + to, length + 1, "strcpy");
	expect_told(false, ours.from, ours.from + from, length + 1, "strcpy");
	fill_at_random();
	same_pointer("stpcpy", explored_stpcpy(ours.to + to, ours.from + from), stpcpy(theirs.to + to, theirs.from + from));
	fill_at_random();
	limited = strnlen(theirs.from + from, bytes);
	same_pointer("strncpy", explored_strncpy(ours.to + to, ours.from + from, bytes),
		memcpy(memset(theirs.to + to, 0, bytes), theirs.from + from, limited));
	expect_told(true, ours.to, ours.to + to, bytes, "strncpy");
	expect_told(false, ours.from, ours.from + from, limited < bytes ? limited + 1 : bytes, "strncpy");
	fill_at_random();
	same_pointer("stpncpy", explored_stpncpy(ours.to + to, ours.from + from, bytes),
		stpncpy(theirs.to + to, theirs.from + from, bytes));
	fill_at_random();
	same_pointer("strcat", explored_strcat(ours.to + to, ours.from + from), strcat(theirs.to + to, theirs.from + from));
	fill_at_random();
	same_pointer("strncat", explored_strncat(ours.to + to, ours.from + from, bytes),
		strncat(theirs.to + to, theirs.from + from, bytes));
	fill_at_random();
	char *copy = explored_strdup(ours.from + from), *part = explored_strndup(ours.from + from, bytes);
	assert_string_equal(copy, theirs.from + from);
	assert_int_equal(strlen(part), strnlen(theirs.from + from, bytes));
	assert_memory_equal(part, theirs.from + from, strlen(part));
	expect_same("strdup");
}

static void looking_into_texts(void)
{
	unsigned at = below(60), other = below(60), limit = below(60);
	int value = letter();
	fill_at_random();
	same_number("strlen", explored_strlen(ours.to + at), strlen(theirs.to + at));
	expect_told(false, ours.to, ours.to + at, strlen(theirs.to + at) + 1, "strlen");
	fill_at_random();
	size_t length = strnlen(theirs.to + at, limit);
	same_number("strnlen", explored_strnlen(ours.to + at, limit), length);
	expect_told(false, ours.to, ours.to + at, length < limit ? length + 1 : limit, "strnlen");
	fill_at_random();
	char *found = strchrnul(theirs.to + at, value);
	same_pointer("strchrnul", explored_strchrnul(ours.to + at, value), found);
	expect_told(false, ours.to, ours.to + at, (size_t)(found - theirs.to) - at + 1, "strchrnul");
	same_pointer("strchr", explored_strchr(ours.to + at, value), strchr(theirs.to + at, value));
	same_pointer("index", explored_index(ours.to + at, value), strchr(theirs.to + at, value));
	same_pointer("strrchr", explored_strrchr(ours.to + at, value), strrchr(theirs.to + at, value));
	same_pointer("rindex", explored_rindex(ours.to + at, value), strrchr(theirs.to + at, value));
	ours.from[other + limit % 4] = theirs.from[other + limit % 4] = 0;
	noted_count = 0;
	found = strstr(theirs.to + at, theirs.from + other);
	length = found ? (size_t)(found - theirs.to) - at + strlen(theirs.from + other) : strlen(theirs.to + at) + 1;
	same_pointer("strstr", explored_strstr(ours.to + at, ours.from + other), found);
	if (!races_any_promoted())
		expect_told(false, ours.to, ours.to + at, length, "strstr");
	same_pointer("strcasestr", explored_strcasestr(ours.to + at, ours.from + other),
		strcasestr(theirs.to + at, theirs.from + other));
	noted_count = 0;
	size_t inside = strspn(theirs.to + at, theirs.from + other), set = strlen(theirs.from + other);
	same_number("strspn", explored_strspn(ours.to + at, ours.from + other), inside);
	/* A copy of racing memory is always of a whole text. */
	if (!races_any_promoted())
		expect_told(false, ours.to, ours.to + at, inside + 1, "strspn");
	expect_told(false, ours.from, ours.from + other, set + 1, "strspn");
	same_number("strcspn", explored_strcspn(ours.to + at, ours.from + other), strcspn(theirs.to + at, theirs.from + other));
	same_pointer("strpbrk", explored_strpbrk(ours.to + at, ours.from + other), strpbrk(theirs.to + at, theirs.from + other));
}

static void comparing_texts(void)
{
	unsigned at = below(60), limit = below(60), same = 0;
	fill_at_random();
	const char *a = theirs.to + at, *b = theirs.from + at;
	while (a[same] && a[same] == b[same])
		same++;
	same_number("strcmp", sign(explored_strcmp(ours.to + at, ours.from + at)), sign(strcmp(a, b)));
	expect_told(false, ours.to, ours.to + at, same + 1, "strcmp");
	expect_told(false, ours.from, ours.from + at, same + 1, "strcmp");
	noted_count = 0;
	same_number("strncmp", sign(explored_strncmp(ours.to + at, ours.from + at, limit)), sign(strncmp(a, b, limit)));
	expect_told(false, ours.to, ours.to + at, same < limit ? same + 1 : limit, "strncmp");
	same_number("strcasecmp", sign(explored_strcasecmp(ours.to + at, ours.from + at)), sign(strcasecmp(a, b)));
	same_number(
		"strncasecmp", sign(explored_strncasecmp(ours.to + at, ours.from + at, limit)), sign(strncasecmp(a, b, limit)));
}

static void cutting_texts(void)
{
	static const char *const sets[] = {",", "a,", "", "xyz", "abcABC,"};
	unsigned at = below(60);
	const char *set = sets[below(5)];
	char *rest = NULL, *their_rest = NULL;
	fill_at_random();
	char *token = explored_strtok_r(ours.to + at, set, &rest), *wanted = strtok_r(theirs.to + at, set, &their_rest);
	for (unsigned i = 0; i < 10; i++) {
		same_pointer("strtok_r", token, wanted);
		same_pointer("strtok_r", rest, their_rest);
		token = explored_strtok_r(NULL, set, &rest);
		wanted = strtok_r(NULL, set, &their_rest);
	}
	fill_at_random();
	rest = ours.to + at;
	their_rest = theirs.to + at;
	for (unsigned i = 0; i < 10; i++) {
		token = explored_strsep(&rest, set);
		wanted = strsep(&their_rest, set);
		same_pointer("strsep", token, wanted);
		same_pointer("strsep", rest, their_rest);
	}
}

static void printing(void)
{
	unsigned to = below(60), room = below(60), number = below(1000000);
	fill_at_random();
	same_number("snprintf", (size_t)explored_snprintf(ours.to + to, room, "%u %s", number, "text"),
		(size_t)snprintf(theirs.to + to, room, "%u %s", number, "text"));
	fill_at_random();
	same_number(
		"sprintf", (size_t)explored_sprintf(ours.to + to, "%u", number), (size_t)sprintf(theirs.to + to, "%u", number));
	expect_told(true, ours.to, ours.to + to, strlen(ours.to + to) + 1, "sprintf");
	char *made;
	int length = explored_asprintf(&made, "%*d", (int)below(3000), (int)number);
	same_number("asprintf", (size_t)length, strlen(made));
}

static void everything(void)
{
	copying();
	looking_for_bytes();
	copying_texts();
	looking_into_texts();
	comparing_texts();
	cutting_texts();
	printing();
	assert_int_equal(runtime->findings, 0);
}

static void ordinary_memory(void **state)
{
	for (unsigned i = 0; i < 500; i++) {
		numbers = execution_random(11, i);
		runtime_set_up(state);
		everything();
	}
}

static void racing_memory(void **state)
{
	for (unsigned i = 0; i < 500; i++) {
		numbers = execution_random(12, i);
		runtime_set_up(state);
		for (unsigned granules = 1 + below(8); granules; granules--)
			races_promote((uintptr_t)&ours + below(sizeof ours), 1 + below(40));
		everything();
	}
}

/* In the host they are libc's, and tell nothing. */
static void the_host(void **state)
{
	(void)state;
	run_host();
	fill_at_random();
	explored_memcpy(ours.to, ours.from, 10);
	explored_strlen(ours.to);
	explored_snprintf(ours.to, ROOM, "%d", 5);
	assert_int_equal(noted_count, 0);
	assert_string_equal(ours.to, "5");
}

static void too_little_room(void **state)
{
	(void)state;
	fill_at_random();
	strcpy(ours.from, "0123456789");
	strcpy(ours.to, "01234");
	assert_true(ENDS(explored___memcpy_chk(ours.to, ours.from, 11, 10)));
	assert_true(ENDS(explored___memmove_chk(ours.to, ours.from, 11, 10)));
	assert_true(ENDS(explored___mempcpy_chk(ours.to, ours.from, 11, 10)));
	assert_true(ENDS(explored___memset_chk(ours.to, 0, 11, 10)));
	assert_true(ENDS(explored___explicit_bzero_chk(ours.to, 11, 10)));
	assert_true(ENDS(explored___strcpy_chk(ours.to, ours.from, 10)));
	assert_true(ENDS(explored___stpcpy_chk(ours.to, ours.from, 10)));
	assert_true(ENDS(explored___strncpy_chk(ours.to, ours.from, 11, 10)));
	assert_true(ENDS(explored___stpncpy_chk(ours.to, ours.from, 11, 10)));
	assert_true(ENDS(explored___strcat_chk(ours.to, ours.from, 15)));
	assert_true(ENDS(explored___strncat_chk(ours.to, ours.from, 5, 10)));
	assert_true(ENDS(explored___sprintf_chk(ours.to, 0, 10, "%s", ours.from)));
	assert_true(ENDS(explored___snprintf_chk(ours.to, 11, 0, 10, "%s", "")));
	assert_int_equal(runtime->findings, 13);
	for (unsigned i = 0; i < 13; i++)
		assert_int_equal(runtime->finding[i].kind, FINDING_MISUSE);
	assert_false(ENDS(explored___memcpy_chk(ours.to + 64, ours.from, 10, 10)));
	assert_false(ENDS(explored___strcpy_chk(ours.to + 64, ours.from, 11)));
	assert_false(ENDS(explored___strcat_chk(ours.to, ours.from, 16)));
	assert_false(ENDS(explored___snprintf_chk(ours.to, 10, 0, 10, "%s", ours.from)));
	assert_string_equal(ours.to, "012345678");
	assert_false(ENDS(explored___sprintf_chk(ours.to, 0, 11, "%s", ours.from)));
	assert_false(ENDS(explored___sprintf_chk(ours.to, 0, SIZE_MAX, "%s", ours.from)));
}

static void writes_behind_a_block(void **state)
{
	(void)state;
	char *block = explored_malloc(10);
	assert_false(ENDS(explored_strcpy(block, "012345678")));
	assert_true(ENDS(explored_strcpy(block, "0123456789")));
	assert_true(ENDS(explored_memset(block, 0, 11)));
	assert_true(ENDS(explored_sprintf(block, "%d", 1234567890)));
	explored_memset(block, 'x', 10);
	assert_true(ENDS(explored_strlen(block)));
	explored_free(block);
	assert_true(ENDS(explored_memcmp(block, "0", 1)));
	assert_int_equal(runtime->findings, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ordinary_memory, runtime_set_up),
		cmocka_unit_test_setup(racing_memory, runtime_set_up),
		cmocka_unit_test_setup(the_host, runtime_set_up),
		cmocka_unit_test_setup(too_little_room, runtime_set_up),
		cmocka_unit_test_setup(writes_behind_a_block, runtime_set_up),
	};
	return cmocka_run_group_tests_name("libc_memory", tests, NULL, NULL);
}
