/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* A source line of the witness, as it was. */
struct place {
	const char *file;
	int line;
	const char *function, *text;
};

/* A step where a thread's turn begins: its NTH of this kind at this place, from when it began (main's: from when it has company). */
enum { READS = 1, WRITES = 2, CALLS = 4, ANY = 7 };
struct point {
	int thread, place;
	unsigned what;
	const char *operation; /* of CALLS */
	unsigned nth;
	unsigned stale; /* it reads the value of so many stores ago */
	int parks;      /* behind it the thread goes no further until the others have come to the end of the list */
};

/* Who creates a thread, and which of its threads it is; by number. */
struct creator {
	int parent, nth;
};

/* A file's text, a number for each line. */
struct kept_file {
	const char *name;
	int count;
	const unsigned *hash;
};
