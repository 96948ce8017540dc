/* SPDX-License-Identifier: MIT */
/* The manifest's reader, the voice and the front end's judgement, each on its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "manifest.h"
#include "model.h"
#include "sink.h"
#include "voice.h"

/* Opens TEXT as a manifest in memory. */
static int open_text(struct manifest *m, const char *text, size_t bytes)
{
	struct batch_options options = {.text = text, .text_bytes = bytes};
	return manifest_open(m, &options);
}

static void expect_item(struct manifest *m, uint64_t index, uint64_t number, enum batch_reason fault, const char *text)
{
	struct line line = {0};
	assert_true(manifest_next(m, &line));
	assert_int_equal(line.index, index);
	assert_int_equal(line.number, number);
	assert_int_equal(line.fault, fault);
	if (text) {
		assert_int_equal(line.length, strlen(text));
		assert_memory_equal(line.text, text, line.length);
	}
	line_free(&line);
}

static void expect_end(struct manifest *m)
{
	struct line line = {0};
	assert_false(manifest_next(m, &line));
	assert_int_equal(m->error, 0);
	line_free(&line);
	manifest_close(m);
}

static void lines_become_items(void **state)
{
	(void)state;
	static const char text[] = "\xef\xbb\xbf"
				   "one\r\n\n  \t \ntwo \xc3\xa9\n\xff"
				   "bad\n\xe3\x80\x80\nlast";
	struct manifest m;
	assert_int_equal(open_text(&m, text, sizeof text - 1), 0);
	assert_int_equal(m.items, 6);
	expect_item(&m, 1, 1, BATCH_DONE, "one");
	expect_item(&m, 2, 3, BATCH_BLANK, NULL);
	expect_item(&m, 3, 4, BATCH_DONE, "two \xc3\xa9");
	expect_item(&m, 4, 5, BATCH_NOT_UTF8, NULL);
	expect_item(&m, 5, 6, BATCH_BLANK, NULL); /* an ideographic space */
	expect_item(&m, 6, 7, BATCH_DONE, "last");
	expect_end(&m);
}

static void last_line_needs_no_newline(void **state)
{
	(void)state;
	struct manifest m;
	assert_int_equal(open_text(&m, "a\nb", 3), 0);
	assert_int_equal(m.items, 2);
	expect_item(&m, 1, 1, BATCH_DONE, "a");
	expect_item(&m, 2, 2, BATCH_DONE, "b");
	expect_end(&m);
}

/* Lines around the limit, one of them longer than the reader's buffer. */
static void long_lines_fail_alone(void **state)
{
	(void)state;
	size_t bytes = 3 * BATCH_LINE_MAX + 64;
	char *text = malloc(bytes);
	assert_non_null(text);
	size_t used = 0;
	memset(text, 'x', bytes);
	used += BATCH_LINE_MAX;
	text[used++] = '\n';
	used += BATCH_LINE_MAX + 1;
	text[used++] = '\n';
	memcpy(text + used, "short\n", 6);
	used += 6;
	struct manifest m;
	assert_int_equal(open_text(&m, text, used), 0);
	assert_int_equal(m.items, 3);
	expect_item(&m, 1, 1, BATCH_DONE, NULL);
	expect_item(&m, 2, 2, BATCH_TOO_LONG, NULL);
	expect_item(&m, 3, 3, BATCH_DONE, "short");
	expect_end(&m);
	free(text);
}

/* What is taken off a line, a byte-order mark before it and a CR behind, neither hides that it is too long nor makes it so. */
static void what_is_taken_off_does_not_count(void **state)
{
	(void)state;
	static const struct {
		bool mark;
		size_t text; /* bytes before the first CR */
		bool cr;
		size_t more; /* bytes after it */
		enum batch_reason fault;
	} cases[] = {
		{false, BATCH_LINE_MAX, true, 0, BATCH_DONE},
		{false, BATCH_LINE_MAX, true, 1, BATCH_TOO_LONG},
		{false, BATCH_LINE_MAX, true, 100000, BATCH_TOO_LONG},
		{false, BATCH_LINE_MAX + 1, true, 0, BATCH_TOO_LONG},
		{true, BATCH_LINE_MAX, false, 0, BATCH_DONE},
		{true, BATCH_LINE_MAX, true, 0, BATCH_DONE},
		{true, BATCH_LINE_MAX, true, 1, BATCH_TOO_LONG},
		{true, BATCH_LINE_MAX + 1, false, 0, BATCH_TOO_LONG},
		{true, 3 * BATCH_LINE_MAX, false, 0, BATCH_TOO_LONG},
	};
	char *text = malloc(4 * BATCH_LINE_MAX);
	assert_non_null(text);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t used = cases[i].mark ? 3 : 0;
		memcpy(text, "\xef\xbb\xbf", used);
		memset(text + used, 'x', cases[i].text);
		used += cases[i].text;
		if (cases[i].cr)
			text[used++] = '\r';
		memset(text + used, 'x', cases[i].more);
		used += cases[i].more;
		memcpy(text + used, "\nlast\n", 6);
		struct manifest m;
		assert_int_equal(open_text(&m, text, used + 6), 0);
		struct line line = {0};
		assert_true(manifest_next(&m, &line));
		assert_int_equal(line.fault, cases[i].fault);
		if (line.fault == BATCH_DONE)
			assert_int_equal(line.length, BATCH_LINE_MAX);
		line_free(&line);
		expect_item(&m, 2, 2, BATCH_DONE, "last");
		expect_end(&m);
	}
	free(text);
}

static void a_late_nul_byte_fails_its_line(void **state)
{
	(void)state;
	size_t bytes = 70 * 1024;
	char *text = malloc(bytes);
	assert_non_null(text);
	for (size_t i = 0; i < bytes; i++)
		text[i] = i % 100 == 99 ? '\n' : 'y';
	text[bytes - 50] = '\0';
	struct manifest m;
	assert_int_equal(open_text(&m, text, bytes), 0);
	struct line line = {0};
	unsigned nul = 0;
	while (manifest_next(&m, &line))
		nul += line.fault == BATCH_NUL_BYTE;
	assert_int_equal(nul, 1);
	line_free(&line);
	manifest_close(&m);
	free(text);
}

static void what_is_no_manifest_is_refused(void **state)
{
	(void)state;
	struct manifest m;
	assert_int_equal(open_text(&m, "", 0), ENODATA);
	assert_int_equal(open_text(&m, "\n\r\n\n", 4), ENODATA);
	assert_int_equal(open_text(&m,
				 "\x7f"
				 "ELF\0\0\n",
				 7),
		EINVAL);
	assert_int_equal(open_text(&m,
				 "\xff\xfe"
				 "a\0",
				 4),
		EINVAL);
	assert_int_equal(open_text(&m, "\xe9t\xe9\n\xe9\n", 6), EINVAL);
	struct batch_options options = {.manifest = "/nonexistent/manifest"};
	assert_int_equal(manifest_open(&m, &options), ENOENT);
	options.manifest = "/";
	assert_int_equal(manifest_open(&m, &options), EISDIR);
}

static void utf8_is_strict(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{"a", true},
		{"\xc2\x80", true},
		{"\xdf\xbf", true},
		{"\xe0\xa0\x80", true},
		{"\xef\xbf\xbf", true},
		{"\xf0\x90\x80\x80", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"\x80", false},
		{"\xc0\xaf", false},
		{"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false},
		{"\xed\xa0\x80", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false},
		{"\xc3", false},
		{"\xe2\x82", false},
		{"\xf0\x9f\x98", false},
		{"\xe2(\xa1", false},
		{"\xff", false},
	};
	bool blank;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(utf8_valid(cases[i].text, strlen(cases[i].text), &blank), cases[i].valid);
}

static void the_shipped_manifest_is_sound(void **state)
{
	(void)state;
	struct batch_options options = {0};
	struct manifest m;
	assert_int_equal(manifest_open(&m, &options), 0);
	assert_in_range(m.items, 180, 220);
	struct line line = {0};
	bool beyond_the_first_plane = false;
	while (manifest_next(&m, &line)) {
		assert_int_equal(line.fault, BATCH_DONE);
		for (size_t at = 0; at < line.length;)
			beyond_the_first_plane |= utf8_next(line.text, line.length, &at) > 0xffff;
	}
	assert_true(beyond_the_first_plane);
	line_free(&line);
	manifest_close(&m);
}

static uint32_t read32(const unsigned char *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static void the_voice_makes_wav_files(void **state)
{
	(void)state;
	struct model_maker maker = {.bytes = BATCH_MODEL_MIN};
	int error;
	struct model *model = model_load(&maker, &error);
	assert_non_null(model);
	static unsigned char wav[WAV_MAX], again[WAV_MAX];
	static const char text[] = "\xce\x9b\xcf\x8c\xce\xb3\xce\xbf\xcf\x82 42";
	size_t bytes = voice_speak(wav, model->weights, text, sizeof text - 1);
	assert_memory_equal(wav, "RIFF", 4);
	assert_int_equal(read32(wav + 4), bytes - 8);
	assert_memory_equal(wav + 8, "WAVEfmt ", 8);
	assert_int_equal(read32(wav + 16), 16);
	assert_int_equal(read32(wav + 20), 1 | 1 << 16); /* PCM, mono */
	assert_int_equal(read32(wav + 24), 24000);
	assert_int_equal(read32(wav + 28), 48000);
	assert_int_equal(read32(wav + 32), 2 | 16 << 16); /* 2 bytes a frame, 16 bits a sample */
	assert_memory_equal(wav + 36, "data", 4);
	assert_int_equal(read32(wav + 40), bytes - WAV_HEADER);
	int loudest = 0;
	for (size_t i = WAV_HEADER; i < bytes; i += 2) {
		int value = abs((int16_t)(wav[i] | wav[i + 1] << 8));
		loudest = value > loudest ? value : loudest;
	}
	assert_in_range(loudest, 4000, 32000);
	assert_int_equal(voice_speak(again, model->weights, text, sizeof text - 1), bytes);
	assert_memory_equal(wav, again, bytes);
	/* The same bytes for this text on every machine and with every compiler: a golden hash. */
	uint64_t hash = 0;
	for (size_t i = 0; i < bytes; i++)
		hash = mix64(hash ^ wav[i]);
	assert_int_equal(hash, UINT64_C(0xf4f08f1d9dc27780));
	assert_true(voice_speak(again, model->weights, "other", 5) != bytes || memcmp(wav, again, bytes) != 0);
	char *endless = malloc(BATCH_LINE_MAX);
	assert_non_null(endless);
	memset(endless, 'a', BATCH_LINE_MAX);
	assert_in_range(voice_speak(again, model->weights, endless, BATCH_LINE_MAX), VOICE_RATE / 2, WAV_MAX);
	free(endless);
	model_unload(&maker, model);
	model_maker_close(&maker);
}

/* Every size of model gives the same audio, and the maker's books balance. */
static void models_are_counted_and_alike(void **state)
{
	(void)state;
	struct model_maker small = {.bytes = BATCH_MODEL_MIN}, large = {.bytes = 1 << 20, .failing_loads = 1};
	int error = 0;
	assert_null(model_load(&large, &error));
	assert_int_equal(error, EIO);
	struct model *a = model_load(&small, &error), *b = model_load(&large, &error), *c = model_load(&large, &error);
	assert_true(model_whole(a) && model_whole(b) && model_whole(c));
	assert_memory_equal(a->weights, b->weights, BATCH_MODEL_MIN);
	assert_int_equal(c->instance, 2);
	b->weights[MODEL_PREFIX - 1] ^= 1;
	assert_false(model_whole(b));
	model_unload(&large, b);
	assert_int_equal(large.made, 2);
	assert_int_equal(large.failed, 1);
	assert_int_equal(large.destroyed, 1);
	model_maker_close(&small);
	model_maker_close(&large); /* the leak of c is the leak checker's to find, if this missed it */
}

static struct batch_summary tell_all(const uint64_t *numbers, size_t count, uint64_t total)
{
	struct batch_options options = {0};
	struct sink sink;
	struct batch_summary summary = {0};
	assert_int_equal(sink_open(&sink, &options), 0);
	sink_begin(&sink, total);
	for (size_t i = 0; i < count; i++)
		sink_tell(&sink, numbers[i], total);
	assert_int_equal(sink_close(&sink, total, total, &summary), 0);
	return summary;
}

static void expect_anomalies(
	struct batch_anomalies a, uint64_t duplicate, uint64_t gap, uint64_t backwards, uint64_t missing_last)
{
	assert_int_equal(a.duplicate, duplicate);
	assert_int_equal(a.gap, gap);
	assert_int_equal(a.backwards, backwards);
	assert_int_equal(a.missing_last, missing_last);
}

static void the_front_end_sees_each_anomaly(void **state)
{
	(void)state;
	expect_anomalies(tell_all((const uint64_t[]){1, 2, 3, 4}, 4, 4).anomalies, 0, 0, 0, 0);
	expect_anomalies(tell_all((const uint64_t[]){0, 1, 2}, 3, 2).anomalies, 0, 0, 0, 0);
	expect_anomalies(tell_all((const uint64_t[]){1, 2, 2, 3}, 4, 3).anomalies, 1, 0, 0, 0);
	expect_anomalies(tell_all((const uint64_t[]){2, 3}, 2, 3).anomalies, 0, 1, 0, 0);
	expect_anomalies(tell_all((const uint64_t[]){1, 2, 3, 4, 6, 5, 7}, 7, 7).anomalies, 0, 2, 1, 0);
	expect_anomalies(tell_all((const uint64_t[]){1, 2}, 2, 3).anomalies, 0, 0, 0, 1);
	expect_anomalies(tell_all((const uint64_t[]){1, 3, 2}, 3, 3).anomalies, 0, 1, 1, 1);
	expect_anomalies(tell_all(NULL, 0, 3).anomalies, 0, 0, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_items),
		cmocka_unit_test(last_line_needs_no_newline),
		cmocka_unit_test(long_lines_fail_alone),
		cmocka_unit_test(what_is_taken_off_does_not_count),
		cmocka_unit_test(a_late_nul_byte_fails_its_line),
		cmocka_unit_test(what_is_no_manifest_is_refused),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(the_shipped_manifest_is_sound),
		cmocka_unit_test(the_voice_makes_wav_files),
		cmocka_unit_test(models_are_counted_and_alike),
		cmocka_unit_test(the_front_end_sees_each_anomaly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
