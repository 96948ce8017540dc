/* SPDX-License-Identifier: MIT */
/* One line per implementation: object file, family, and the library calls that its measured loops declare. For test_disassembly.sh. */
#include <stdio.h>
#include <string.h>

#include "../impl/contract.h"

int main(void)
{
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		const char *slash = strrchr(entry->file, '/');
		printf("%s.o %s/%s %s\n", slash ? slash + 1 : entry->file, family_name(entry->about->family), entry->about->name,
			entry->about->calls ? entry->about->calls : "");
	}
	return 0;
}
