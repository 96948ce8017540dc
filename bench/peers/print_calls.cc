// SPDX-License-Identifier: MIT
// For scripts. One line per peer that is there: object file, family and name, and the library calls that its measured loops declare; with
// --missing, one per peer that is not: family, name and reason.
#include <cstdio>
#include <cstring>

#include "peers.h"

int main(int argc, char **argv)
{
	const bool list_missing = argc > 1 && strcmp(argv[1], "--missing") == 0;
	for (const bench::peer &each : bench::peers()) {
		const char *family = family_name(each.about->family);
		if (list_missing && each.missing)
			printf("%s/%s: %s\n", family, each.about->name, each.missing);
		else if (!list_missing && !each.missing)
			printf("%s.o %s/%s %s\n", each.file, family, each.about->name,
				each.about->calls ? each.about->calls : "");
	}
	return 0;
}
