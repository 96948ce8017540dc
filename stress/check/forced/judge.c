/* SPDX-License-Identifier: MIT */
/* The judge --------------------------------------------------------------------------------------------------------------------------- */

/* In a scenario file: one execution is wanted, not thousands. */
void onceproof_tell_outcome(const char *label);
void onceproof_tell_outcome(const char *label)
{
	(void)label;
}

static void judge(int status)
{
	char words[1300] = "";
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM && !*report->bad)
		end_with(OTHER_WAY, "the program did not end within %d s; the step that was on: T%d at %s", (int)SECONDS_MAX,
			report->next < POINTS ? points[report->next].thread : 0,
			report->next < POINTS ? place_words(points[report->next].place) : "its end");
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT && *report->why && !*report->bad)
		end_with(CANNOT, "%s", report->why);
	if (*report->why)
		snprintf(words, sizeof words, " (not as in the witness from step %u of %u on, T%d at %s: %s)", report->next + 1,
			(unsigned)POINTS, report->next < POINTS ? points[report->next].thread : 0,
			report->next < POINTS ? place_words(points[report->next].place) : "its end", report->why);
	if (*report->bad)
		end_with(1, "the bug is there: %s%s", report->bad, words);
	if (WIFSIGNALED(status))
		end_with(1, "the bug is there: the program was ended by signal %d (%s)%s", WTERMSIG(status),
			strsignal(WTERMSIG(status)), words);
	if (WEXITSTATUS(status) != good_status)
		end_with(1, "the bug is there: the program ended with exit status %d%s", WEXITSTATUS(status), words);
	if (report->how == FOLLOWS) {
		unsigned p = 0;
		while (p < POINTS && report->reached[p])
			p++;
		if (p == POINTS)
			end_with(HELD_RIGHT, "passed: the interleaving was forced, and the program ended well");
		report->how = report->met_new >> (points[p].thread & 63) & 1 ? IMPOSSIBLE : WENT_ASIDE;
		report->next = p;
		report->place = points[p].place;
		snprintf(report->why, sizeof report->why, "the program has ended before it");
	}
	/* A thread that does the same in another order passes by. */
	for (unsigned p = 0; p < POINTS && report->how == WENT_ASIDE; p++)
		if (now_at[points[p].place].moved && points[p].thread == points[report->next < POINTS ? report->next : 0].thread)
			report->how = IMPOSSIBLE;
	unsigned step = report->next < POINTS ? report->next : POINTS - 1;
	if (report->how == IMPOSSIBLE)
		end_with(HELD_RIGHT, "passed: the interleaving is no longer possible at step %u of %u, T%d at %s: %s", step + 1,
			(unsigned)POINTS, points[step].thread, place_words(points[step].place), report->why);
	if (now_at[report->place].changed || now_at[report->place].gone)
		end_with(CHANGED_TOO_MUCH,
			"step %u of %u is not reached, T%d at %s, where the witness has `%s`: the code has changed too much; "
			"make a new "
			"witness: %s",
			step + 1, (unsigned)POINTS, points[step].thread, place_words(report->place), places[report->place].text,
			witness_again);
	end_with(OTHER_WAY,
		"the program went another way at step %u of %u: T%d should reach %s, but: %s; if that is as it should be, make a "
		"new witness: %s",
		step + 1, (unsigned)POINTS, points[step].thread, place_words(report->place), report->why, witness_again);
}

static void resolve(void *slot, const char *name)
{
	void *found_at = dlsym(RTLD_NEXT, name);
	memcpy(slot, &found_at, sizeof found_at);
}

/* In the process that is the program: the thread of main is the first. */
static void become_program(int fd)
{
	report = (struct report *)mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	objects = (struct object *)mmap(
		NULL, OBJECTS * sizeof *objects, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (report == MAP_FAILED || objects == MAP_FAILED)
		_exit(CANNOT);
	close(fd);
	unsetenv("ONCEPROOF_TURNSTILE");
	read_program();
	find_places();
	void *frames[2];
	backtrace(frames, 2); /* loads the unwinder */
	alarm(SECONDS_MAX);
	struct thread *self = &threads[thread_count++];
	*self = (struct thread){.file = OF_OTHERS};
	self->own = next_own(self, 0);
	self->clock.at[0] = 1;
	note_stack(self);
	me = self;
}

static void start_program(int fd)
{
	static char number[32], name[] = "program";
	const char *argv[sizeof arguments / sizeof *arguments + 1] = {name};
	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	snprintf(number, sizeof number, "%d", fd);
	setenv("ONCEPROOF_TURNSTILE", number, 1);
	int input = open(input_file ? input_file : "/dev/null", O_RDONLY);
	if (input < 0 || dup2(input, STDIN_FILENO) < 0) {
		fprintf(stderr, "%s: its input, %s: %s\n", witness_name, input_file ? input_file : "/dev/null", strerror(errno));
		_exit(CANNOT);
	}
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(CANNOT);
}

__attribute__((constructor(101))) static void turnstile_begins(void)
{
	resolve(&real.create, "pthread_create");
	resolve(&real.join, "pthread_join");
	resolve(&real.exit, "pthread_exit");
	resolve(&real.mutex_trylock, "pthread_mutex_trylock");
	resolve(&real.mutex_unlock, "pthread_mutex_unlock");
	resolve(&real.tryrdlock, "pthread_rwlock_tryrdlock");
	resolve(&real.trywrlock, "pthread_rwlock_trywrlock");
	resolve(&real.rwlock_unlock, "pthread_rwlock_unlock");
	resolve(&real.spin_trylock, "pthread_spin_trylock");
	resolve(&real.spin_unlock, "pthread_spin_unlock");
	resolve(&real.barrier_init, "pthread_barrier_init");
	resolve(&real.sem_trywait, "sem_trywait");
	resolve(&real.sem_post, "sem_post");
	resolve(&real.free, "free");
	const char *own = getenv("ONCEPROOF_TURNSTILE");
	if (own) {
		become_program(atoi(own));
		return;
	}
	read_program();
	find_places();
	int fd = memfd_create("turnstile", 0), status;
	if (fd < 0 || ftruncate(fd, sizeof *report) != 0)
		end_with(CANNOT, "no memory to share: %s", strerror(errno));
	report = (struct report *)mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (report == MAP_FAILED)
		end_with(CANNOT, "no memory to share: %s", strerror(errno));
	pid_t child = fork();
	if (child == 0)
		start_program(fd);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child < 0)
		end_with(CANNOT, "no process: %s", strerror(errno));
	judge(status);
}
