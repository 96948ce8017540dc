/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../support/say.h"
#include "clock.h"

enum { BAR_WIDTH = 40, BAR_PAUSE_NS = 30 * 1000 * 1000 };

static void write_all(struct sink *s, int fd, const char *text, size_t length)
{
	/* relaxed, here and below: read for good after the tellers were joined. After a failure, such as a reader that left, nothing more
	 * is written: no line after a broken one. */
	while (length > 0 && atomic_load_explicit(&s->error, memory_order_relaxed) == 0) {
		ssize_t put = write(fd, text, length);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			atomic_store_explicit(&s->error, errno ? errno : EIO, memory_order_relaxed);
			return;
		}
		text += put;
		length -= (size_t)put;
	}
}

int sink_open(struct sink *s, const struct batch_options *options)
{
	*s = (struct sink){.fd = -1, .bar = options->bar, .start_ns = now_ns()};
	atomic_init(&s->last, SINK_NOTHING);
	if (options->progress_path) {
		int how = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
		s->fd = open(options->progress_path, how | O_EXCL, 0666);
		s->made = s->fd >= 0;
		if (s->fd < 0 && errno == EEXIST)
			s->fd = open(options->progress_path, how, 0666);
		if (s->fd < 0) {
			int why = errno;
			complain("%s: cannot write progress: %s: name a file in a directory that you may write to",
				options->progress_path, strerror(why));
			return why;
		}
	}
	pthread_mutex_init(&s->lock, NULL);
	return 0;
}

void sink_begin(struct sink *s, uint64_t total)
{
	s->start_ns = now_ns();
	if (s->fd < 0)
		return;
	char line[96];
	int length = snprintf(line, sizeof line, "{\"event\":\"begin\",\"total\":%" PRIu64 "}\n", total);
	write_all(s, s->fd, line, (size_t)length);
}

void sink_abandon(struct sink *s, const struct batch_options *options)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->made)
		unlink(options->progress_path);
	pthread_mutex_destroy(&s->lock);
}

/* Puts a telling in its place and notes what is wrong with it. relaxed throughout: the exchange gives every telling one place in the
 * word's modification order, and the counts are read after the tellers were joined. */
static void record(struct sink *s, uint64_t done)
{
	uint64_t before = atomic_exchange_explicit(&s->last, done, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->told, 1, memory_order_relaxed);
	if (before == SINK_NOTHING) {
		if (done > 1)
			atomic_fetch_add_explicit(&s->gap, 1, memory_order_relaxed);
	} else if (done == before) {
		atomic_fetch_add_explicit(&s->duplicate, 1, memory_order_relaxed);
	} else if (done < before) {
		atomic_fetch_add_explicit(&s->backwards, 1, memory_order_relaxed);
	} else if (done > before + 1) {
		atomic_fetch_add_explicit(&s->gap, 1, memory_order_relaxed);
	}
}

static void draw(struct sink *s, uint64_t done, uint64_t total)
{
	uint64_t part = total == 0 ? 0 : done < total ? done * BAR_WIDTH / total : BAR_WIDTH;
	char bar[BAR_WIDTH + 1];
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)part);
	bar[BAR_WIDTH] = '\0';
	char line[BAR_WIDTH + 64];
	int length = snprintf(line, sizeof line, "\r[%s] %" PRIu64 "/%" PRIu64 "\033[K", bar, done, total);
	write_all(s, STDERR_FILENO, line, (size_t)length);
}

void sink_tell(void *arg, uint64_t done, uint64_t total)
{
	struct sink *s = arg;
	if (s->fd < 0 && !s->bar) {
		record(s, done);
		return;
	}
	pthread_mutex_lock(&s->lock);
	record(s, done);
	uint64_t now = now_ns();
	if (s->fd >= 0) {
		char line[128];
		int length = snprintf(line, sizeof line, "{\"t_us\":%.1f,\"done\":%" PRIu64 ",\"total\":%" PRIu64 "}\n",
			(double)(now - s->start_ns) / 1e3, done, total);
		write_all(s, s->fd, line, (size_t)length);
	}
	if (s->bar && (now - s->bar_ns > BAR_PAUSE_NS || done == total)) {
		s->bar_ns = now;
		draw(s, done, total);
	}
	pthread_mutex_unlock(&s->lock);
}

int sink_close(struct sink *s, uint64_t finished, uint64_t total, struct batch_summary *summary)
{
	/* relaxed: every teller was joined or is this thread. */
	uint64_t last = atomic_load_explicit(&s->last, memory_order_relaxed);
	summary->last_told = last == SINK_NOTHING ? 0 : last;
	summary->told = atomic_load_explicit(&s->told, memory_order_relaxed);
	summary->anomalies.duplicate = atomic_load_explicit(&s->duplicate, memory_order_relaxed);
	summary->anomalies.gap = atomic_load_explicit(&s->gap, memory_order_relaxed);
	summary->anomalies.backwards = atomic_load_explicit(&s->backwards, memory_order_relaxed);
	summary->anomalies.missing_last = summary->last_told != finished;
	if (s->bar) {
		draw(s, summary->last_told, total);
		write_all(s, STDERR_FILENO, "\n", 1);
	}
	if (s->fd >= 0 && close(s->fd) != 0)
		atomic_store_explicit(&s->error, errno, memory_order_relaxed);
	pthread_mutex_destroy(&s->lock);
	return atomic_load_explicit(&s->error, memory_order_relaxed);
}
