/* SPDX-License-Identifier: MIT */
/* What test_header.sh compiles, as C and as C++: all that <onceproof/tally.h> offers. */
#include <onceproof/tally.h>

static struct tally done = TALLY_INITIALISER;
static uint64_t shown;

static void show(void *arg, uint64_t number)
{
	(void)arg;
	shown = number;
}

static struct teller teller = TELLER_INITIALISER(&done, show, NULL, TELLER_MS(100));
static struct tally_percpu everywhere = TALLY_PERCPU_INITIALISER;

int main(void)
{
	struct tally_seat *seat = tally_join(&done);
	if (!seat || tally_value(&done) != 0)
		return 1;
	tally_add(seat);
	teller_add(&teller, seat);
	tally_add_batched(seat);
	tally_put(seat, tally_own(seat) + 1);
	if (tally_step(&done) != 1 || tally_ticket(seat) != 1)
		return 2;
	tally_leave(seat);
	teller_tell(&teller);
	if (shown != 6 || tally_value_fenced(&done) != 6 ||
		tally_value(&done) - tally_approximate(&done) > tally_approximate_error(&done))
		return 3;
	tally_close(&done);
	int why = tally_percpu_open(&everywhere);
	tally_percpu_add(&everywhere);
	if ((why != 0 && why != ENOSYS) || tally_percpu_value(&everywhere) != 1)
		return 4;
	tally_percpu_close(&everywhere);
	return 0;
}
