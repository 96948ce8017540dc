/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/file.h"
#include "../support/say.h"

struct waiting_line {
	size_t length; /* 0: free */
	char text[OUTPUT_LINE];
};

char *output_path(const char *directory, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static void note(struct output *o, int why)
{
	int none = 0;
	/* relaxed: the value alone matters; the first error stays. */
	atomic_compare_exchange_strong_explicit(&o->error, &none, why, memory_order_relaxed, memory_order_relaxed);
}

static int write_all(int fd, const void *data, size_t length)
{
	const char *at = data;
	while (length > 0) {
		ssize_t put = write(fd, at, length);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return errno ? errno : EIO;
		at += put;
		length -= (size_t)put;
	}
	return 0;
}

static void journal_write(struct output *o, const struct journal *j, const char *line, size_t length)
{
	int why = j->fd < 0 ? 0 : write_all(j->fd, line, length);
	if (why)
		note(o, why);
}

static int journal_open(struct journal *j, const char *directory, const char *name)
{
	char *path = output_path(directory, name);
	if (!path)
		return ENOMEM;
	unlink(path); /* left by a run that was killed in just this moment */
	j->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
	int why = j->fd < 0 ? errno : 0;
	if (why)
		complain("%s: cannot create: %s: choose another output directory", path, strerror(why));
	free(path);
	return why;
}

static int reorder_open(struct reorder *r, unsigned users)
{
	*r = (struct reorder){.window = 4 * (size_t)users + 16, .next = 1, .users = users};
	r->slots = calloc(r->window, sizeof *r->slots);
	if (!r->slots)
		return ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->moved, NULL);
	return 0;
}

int output_open(struct output *o, const struct batch_options *options, unsigned users)
{
	*o = (struct output){.lock_fd = -1,
		.results.fd = -1,
		.log.fd = -1,
		.audio = !options->no_audio && options->item_cost_ns == 0,
		.replace = options->force};
	if (!options->output)
		return 0;
	bool missing = access(options->output, F_OK) != 0;
	o->lock_fd = batch_lock_directory(options->output, options->force);
	if (o->lock_fd < 0)
		return -o->lock_fd;
	o->made_directory = missing;
	int why = (o->directory = strdup(options->output)) ? 0 : ENOMEM;
	if (!why && options->order == BATCH_SUBMISSION)
		why = reorder_open(&o->reorder, users);
	if (why) {
		complain("%s: not enough memory: ask for fewer workers with --workers", options->output);
		output_abandon(o);
	}
	return why;
}

/* The files of lines: where they are opened, and their names once all have been. */
static const char *const journals[][2] = {{"results.new", "results.partial.jsonl"}, {"log.new", "log.jsonl"}};

int output_begin(struct output *o)
{
	if (!o->directory)
		return 0;
	int why = 0;
	if (o->audio) {
		why = mkdirat(o->lock_fd, "audio", 0777) == 0 ? 0 : errno;
		o->made_audio = !why;
		struct stat info;
		if (why == EEXIST)
			why = fstatat(o->lock_fd, "audio", &info, 0) != 0 ? errno : S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
		if (why)
			complain("%s/audio: cannot create: %s: choose another output directory", o->directory, strerror(why));
	}
	if (!why)
		why = journal_open(&o->results, o->directory, journals[0][0]);
	if (!why)
		why = journal_open(&o->log, o->directory, journals[1][0]);
	if (why)
		return why;
	if (o->replace)
		batch_clear_directory(o->lock_fd);
	if (o->audio) /* cleared, and gone if it was empty then */
		mkdirat(o->lock_fd, "audio", 0777);
	for (int i = 0; i < 2 && !why; i++)
		why = renameat(o->lock_fd, journals[i][0], o->lock_fd, journals[i][1]) == 0 ? 0 : errno;
	if (why)
		complain("%s: cannot create its files: %s: choose another output directory", o->directory, strerror(why));
	return why;
}

void output_log(struct output *o, const char *line, size_t length)
{
	journal_write(o, &o->log, line, length);
}

/* Writes what is due, and on until the next one that is missing. */
static void flush_due(struct output *o)
{
	struct reorder *r = &o->reorder;
	for (;;) {
		struct waiting_line *slot = &r->slots[r->next % r->window];
		if (slot->length == 0)
			return;
		journal_write(o, &o->results, slot->text, slot->length);
		slot->length = 0;
		r->next++;
	}
}

/* Gives up on the item that is due, which nobody is working on, and goes on with the first that has come. */
static void skip_missing(struct output *o)
{
	struct reorder *r = &o->reorder;
	for (size_t i = 0; i < r->window; i++, r->next++)
		if (r->slots[r->next % r->window].length)
			break;
	flush_due(o);
}

/* The window has moved: nobody waits any longer, though they have yet to wake up. */
static void moved(struct reorder *r)
{
	r->waiting = 0;
	r->moves++;
	pthread_cond_broadcast(&r->moved);
}

void output_result(struct output *o, uint64_t index, const char *line, size_t length)
{
	struct reorder *r = &o->reorder;
	if (!r->slots) {
		journal_write(o, &o->results, line, length);
		return;
	}
	pthread_mutex_lock(&r->lock);
	while (index >= r->next + r->window) {
		if (r->waiting + 1 == r->users) {
			/* Everybody would wait: the item that is due will never come. A broken pool, which batch_check names. */
			skip_missing(o);
			moved(r);
			continue;
		}
		r->waiting++;
		for (uint64_t before = r->moves; r->moves == before;)
			pthread_cond_wait(&r->moved, &r->lock);
	}
	struct waiting_line *slot = &r->slots[index % r->window];
	if (index < r->next || slot->length > 0) {
		journal_write(o, &o->results, line, length);
	} else {
		memcpy(slot->text, line, length);
		slot->length = length;
		uint64_t before = r->next;
		flush_due(o);
		if (r->next != before)
			moved(r);
	}
	pthread_mutex_unlock(&r->lock);
}

void output_leave(struct output *o)
{
	struct reorder *r = &o->reorder;
	if (!r->slots)
		return;
	pthread_mutex_lock(&r->lock);
	if (--r->users == r->waiting && r->users > 0) {
		skip_missing(o);
		moved(r);
	}
	pthread_mutex_unlock(&r->lock);
}

int output_audio(struct output *o, uint64_t index, const unsigned char *wav, size_t bytes)
{
	if (!o->directory || !o->audio)
		return 0;
	char path[4096 + 64], aside[4096 + 72];
	snprintf(path, sizeof path, "%s/audio/%06" PRIu64 ".wav", o->directory, index);
	snprintf(aside, sizeof aside, "%s.part", path);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int why = fd < 0 ? errno : write_all(fd, wav, bytes);
	if (fd >= 0 && close(fd) != 0 && !why)
		why = errno;
	if (!why && rename(aside, path) != 0)
		why = errno;
	if (why) {
		unlink(aside);
		note(o, why);
	}
	return why;
}

static void journal_close(struct output *o, struct journal *j)
{
	if (j->fd < 0)
		return;
	if (close(j->fd) != 0)
		note(o, errno);
	j->fd = -1;
}

int output_finish(struct output *o, bool partial)
{
	if (o->reorder.slots)
		for (size_t i = 0; i < o->reorder.window; i++)
			skip_missing(o);
	journal_close(o, &o->results);
	journal_close(o, &o->log);
	/* relaxed, twice: every writer was joined. */
	if (o->directory && !partial && atomic_load_explicit(&o->error, memory_order_relaxed) == 0) {
		char *from = output_path(o->directory, "results.partial.jsonl"), *to = output_path(o->directory, "results.jsonl");
		if (!from || !to)
			note(o, ENOMEM);
		else if (rename(from, to) != 0)
			note(o, errno);
		free(from);
		free(to);
	}
	return atomic_load_explicit(&o->error, memory_order_relaxed);
}

void output_close(struct output *o)
{
	journal_close(o, &o->results);
	journal_close(o, &o->log);
	if (o->reorder.slots) {
		free(o->reorder.slots);
		pthread_cond_destroy(&o->reorder.moved);
		pthread_mutex_destroy(&o->reorder.lock);
	}
	if (o->lock_fd >= 0)
		close(o->lock_fd);
	free(o->directory);
	*o = (struct output){.lock_fd = -1, .results.fd = -1, .log.fd = -1};
}

void output_abandon(struct output *o)
{
	if (o->lock_fd >= 0) {
		for (int i = 0; i < 2; i++)
			unlinkat(o->lock_fd, journals[i][0], 0);
		if (o->made_audio)
			unlinkat(o->lock_fd, "audio", AT_REMOVEDIR);
		if (o->made_directory)
			rmdir(o->directory);
	}
	output_close(o);
}
