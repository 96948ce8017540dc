/* SPDX-License-Identifier: MIT */
#include "test_once.h"

struct shared *other_get(void)
{
	return the_shared();
}

struct shared *other_reset(void)
{
	return the_shared_reset();
}

int other_reenters(void)
{
	return the_shared() ? 0 : errno;
}
