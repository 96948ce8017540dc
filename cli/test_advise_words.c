/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "advise_words.h"

static void lengths_have_no_exponents(void **unused)
{
	(void)unused;
	char text[WORDS_BYTES];
	assert_string_equal(length_text(text, 530), "530 ns");
	assert_string_equal(length_text(text, 999.7), "1000 ns");
	assert_string_equal(length_text(text, 1234), "1.23 us");
	assert_string_equal(length_text(text, 5e13), "50000 s");
	assert_string_equal(price_text(text, 500, 300, 1200), "500 ns (300 to 1200)");
	assert_string_equal(price_text(text, 1200, 900, 2000), "1.2 us (0.9 to 2)");
}

static void what_is_too_small_is_told_as_that(void **unused)
{
	(void)unused;
	char text[WORDS_BYTES];
	assert_string_equal(price_text(text, 0.2, 0.05, 0.3), "0.2 ns (under 0.1 to 0.3)");
	assert_string_equal(price_text(text, 0.07, 0.06, 0.08), "under 0.1 ns");
	assert_string_equal(share_text(text, 0.00001), "under 0.01 %");
}

static void shares_have_no_exponents(void **unused)
{
	(void)unused;
	char text[WORDS_BYTES];
	assert_string_equal(share_text(text, 0.012), "1.2 %");
	assert_string_equal(share_text(text, 0.994), "99 %");
	assert_string_equal(share_text(text, 0.997), "100 %");
	assert_string_equal(share_text(text, 3), "300 %");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lengths_have_no_exponents),
		cmocka_unit_test(what_is_too_small_is_told_as_that), cmocka_unit_test(shares_have_no_exponents)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
