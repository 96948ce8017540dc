/* SPDX-License-Identifier: MIT */
/* A tally inside a struct on the heap: it is aligned to two lines, and so is the struct.
 *
 *   cc -O2 job.c -pthread && ./a.out
 */
#include <onceproof/tally.h>
#include <stdio.h>
#include <string.h>

struct job {
	const char *name;
	struct tally done;
};

/* A new job, or NULL. malloc() and calloc() do not align enough, and compilers count on it; C++17's new does. */
static struct job *job_new(const char *name)
{
	struct job *job = (struct job *)aligned_alloc(TALLY_PAIR_BYTES, sizeof *job);
	if (!job)
		return NULL;
	memset(job, 0, sizeof *job); /* zeroed memory is TALLY_INITIALISER */
	job->name = name;
	return job;
}

/* No thread counts any more. */
static void job_free(struct job *job)
{
	tally_close(&job->done);
	free(job);
}

int main(void)
{
	struct job *job = job_new("scan");
	struct tally_seat *seat = job ? tally_join(&job->done) : NULL;
	if (!seat)
		return 1;
	for (int i = 0; i < 10; i++)
		tally_add(seat);
	tally_leave(seat);
	printf("%s: %llu\n", job->name, (unsigned long long)tally_value(&job->done));
	job_free(job);
	return 0;
}
