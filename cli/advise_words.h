/* SPDX-License-Identifier: MIT */
/* Lengths of time, shares and quotients as words of `onceproof advise`. What is too small for its digits is told as that, never as 0. */
#ifndef ONCEPROOF_ADVISE_WORDS_H
#define ONCEPROOF_ADVISE_WORDS_H

enum { WORDS_BYTES = 96 };

/* "530 ns", "1.2 us", "under 0.1 ns". Each returns TEXT, as those below. */
const char *length_text(char text[WORDS_BYTES], double ns);

/* The same with its interval, in its unit: "1.2 us (1.1 to 1.3)"; LOW and HIGH equal: none is known, and none is told;
 * nor one of which no end has digits. */
const char *price_text(char text[WORDS_BYTES], double ns, double low, double high);

/* "1.2 %", "under 0.01 %". */
const char *share_text(char text[WORDS_BYTES], double share);

/* "20", "3.4", "0.62", "0.043", "under 0.001"; "over 99999" for what is compared with nothing. */
const char *times_text(char text[WORDS_BYTES], double times);

#endif
