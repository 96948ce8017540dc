/* SPDX-License-Identifier: MIT */
/* UTF-8 as RFC 3629 defines it. */
#include "manifest.h"

/* Length of the sequence at TEXT, its code point in *code; 0 when malformed. */
static size_t decode(const unsigned char *text, size_t left, uint32_t *code)
{
	unsigned char first = text[0];
	if (first < 0x80) {
		*code = first;
		return 1;
	}
	size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || left < length)
		return 0;
	uint32_t value = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3fu);
	}
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code = value;
	return length;
}

static bool is_space(uint32_t code)
{
	return code == ' ' || (code >= 9 && code <= 13) || code == 0x85 || code == 0xa0 || code == 0x1680 ||
	       (code >= 0x2000 && code <= 0x200b) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
	       code == 0x3000 || code == 0xfeff;
}

bool utf8_valid(const char *text, size_t length, bool *blank)
{
	*blank = true;
	for (size_t at = 0; at < length;) {
		uint32_t code;
		size_t step = decode((const unsigned char *)text + at, length - at, &code);
		if (step == 0)
			return false;
		if (!is_space(code))
			*blank = false;
		at += step;
	}
	return true;
}

uint32_t utf8_next(const char *text, size_t length, size_t *at)
{
	uint32_t code = 0;
	size_t step = decode((const unsigned char *)text + *at, length - *at, &code);
	*at += step ? step : 1;
	return code;
}
