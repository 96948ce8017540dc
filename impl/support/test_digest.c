/* SPDX-License-Identifier: MIT */
/* SHA-256 against the examples of FIPS 180-4, in one piece and in many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "digest.h"

static void known_digests(void **state)
{
	(void)state;
	static const struct {
		const char *text, *digest;
	} known[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		for (size_t part = 1; part < 65; part += 7) {
			struct digest d;
			char text[DIGEST_TEXT_BYTES];
			digest_begin(&d);
			for (size_t at = 0, all = strlen(known[i].text); at < all; at += part)
				digest_add(&d, known[i].text + at, all - at < part ? all - at : part);
			digest_end(&d, text);
			assert_string_equal(text, known[i].digest);
		}
}

static void a_million(void **state)
{
	(void)state;
	struct digest d;
	char text[DIGEST_TEXT_BYTES], many[1000];
	memset(many, 'a', sizeof many);
	digest_begin(&d);
	for (int i = 0; i < 1000; i++)
		digest_add(&d, many, sizeof many);
	digest_end(&d, text);
	assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void texts_and_files(void **state)
{
	(void)state;
	struct digest d;
	char one[DIGEST_TEXT_BYTES], other[DIGEST_TEXT_BYTES];
	digest_begin(&d);
	digest_add_text(&d, "ab");
	digest_add_text(&d, "c");
	digest_end(&d, one);
	digest_begin(&d);
	digest_add_text(&d, "a");
	digest_add_text(&d, "bc");
	digest_end(&d, other);
	assert_string_not_equal(one, other);
	digest_begin(&d);
	assert_int_equal(digest_add_file(&d, "/proc/self/nothing"), ENOENT);
	assert_int_equal(digest_add_file(&d, "/"), EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests), cmocka_unit_test(a_million), cmocka_unit_test(texts_and_files)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
