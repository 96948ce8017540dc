/* SPDX-License-Identifier: MIT */
/* Files that the build puts into the program. */
#ifndef ONCEPROOF_PAGE_TEXT_H
#define ONCEPROOF_PAGE_TEXT_H

/* reports/page/page.css, prices.css, page.js, charts.js, and Chart.js as the build found it; "" where it found none. */
extern const char page_css[], prices_css[], page_js[], charts_js[], page_chart_js[];

/* reports/page/witness.css and witness.js: what the page of findings has beside page.css. */
extern const char witness_css[], witness_js[];

#endif
