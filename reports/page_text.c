/* SPDX-License-Identifier: MIT */
/* The assembler copies the files as they are; the build hands over their paths and rebuilds this file when one changes. */
#include "page_text.h"

/* A symbol that is the text of PATH. */
#define EMBED(symbol, path)                                                                                            \
	__asm__(".pushsection .rodata\n.global " #symbol "\n.type " #symbol ", %object\n" #symbol ":\n.incbin \"" path \
		"\"\n.byte 0\n.size " #symbol ", . - " #symbol "\n.popsection\n")

EMBED(page_css, PAGE_CSS);
EMBED(page_js, PAGE_JS);
EMBED(prices_css, PRICES_CSS);
EMBED(charts_js, CHARTS_JS);
EMBED(witness_css, WITNESS_CSS);
EMBED(witness_js, WITNESS_JS);
#ifdef PAGE_CHART_JS
EMBED(page_chart_js, PAGE_CHART_JS);
#else
const char page_chart_js[] = "";
#endif
