/* SPDX-License-Identifier: MIT */
/* A teller for a number of one's own, here bytes: it is asked whether it is time, and then told the number.
 *
 *   cc -O2 bytes.c && ./a.out <FILE
 */
#include <onceproof/tally.h>
#include <stdio.h>

static void show(void *arg, uint64_t bytes)
{
	(void)arg;
	printf("\r%llu bytes", (unsigned long long)bytes);
	fflush(stdout);
}

static struct teller teller = TELLER_INITIALISER(NULL, show, NULL, TELLER_MS(100));

int main(void)
{
	static char block[65536];
	struct teller_pace pace = {0, 0, 0, 0}; /* this thread's own, zeroed at first */
	uint64_t bytes = 0;
	for (size_t got; (got = fread(block, 1, sizeof block, stdin)) > 0;) {
		bytes += got;
		if (teller_due(&teller, &pace))
			teller_offer(&teller, bytes);
	}
	teller_offer(&teller, bytes); /* the last word */
	putchar('\n');
	return ferror(stdin) ? 1 : 0;
}
