/* SPDX-License-Identifier: MIT */
#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "../reports/node.h"
#include "explore/journal_frame.h"

enum {
	DESCRIPTORS_FROM = 700, /* explored programs see the lowest ones that are free */
	POLL_MS = 20,
};

/* Where a whole frame's payload lies in the file. */
struct place {
	uint64_t key;
	off_t at;
	uint64_t bytes;
};

struct checkpoint {
	char *path;
	int fd;
	double every_s;
	pthread_mutex_t lock; /* guards what follows */
	off_t end;            /* behind the last whole frame */
	json_t *results;
	size_t found_results, found_bytes;
	struct place *stretches;
	size_t stretch_count;
	bool told; /* that it cannot be written */
};

/* The file --------------------------------------------------------------------------------------------------------------------------------- */

static bool read_at(int fd, void *to, size_t bytes, off_t at)
{
	for (ssize_t got; bytes; to = (char *)to + got, at += got, bytes -= (size_t)got) {
		got = pread(fd, to, bytes, at);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return false;
	}
	return true;
}

static bool write_at(int fd, const void *from, size_t bytes, off_t at)
{
	for (ssize_t put; bytes; from = (const char *)from + put, at += put, bytes -= (size_t)put) {
		put = pwrite(fd, from, bytes, at);
		if (put < 0 && errno == EINTR)
			put = 0;
		else if (put <= 0)
			return false;
	}
	return true;
}

/* Appends a frame; under the lock. A frame that does not fit is taken back as a whole. */
static void append(struct checkpoint *c, enum journal_type type, uint64_t key, const void *payload, uint64_t bytes)
{
	struct journal_frame frame = {.magic = JOURNAL_MAGIC, .type = type, .key = key, .bytes = bytes};
	frame.check = journal_check(&frame, payload);
	errno = 0;
	/* The head comes last: until it is there, nothing is. */
	if (write_at(c->fd, payload, bytes, c->end + (off_t)sizeof frame) && write_at(c->fd, &frame, sizeof frame, c->end)) {
		c->end += (off_t)(sizeof frame + bytes);
		return;
	}
	int why = errno ? errno : ENOSPC;
	if (ftruncate(c->fd, c->end) != 0)
		why = errno;
	/* No complaint that counts: the exploration and its result do not suffer. */
	if (!c->told)
		fprintf(stderr,
			"onceproof: %s: the checkpoint cannot be written: %s; the exploration goes on, and what the file has "
			"stays "
			"good\n",
			c->path, strerror(why));
	c->told = true;
}

static bool note_stretch(struct checkpoint *c, uint64_t key, off_t at, uint64_t bytes)
{
	struct place *more = realloc(c->stretches, (c->stretch_count + 1) * sizeof *more);
	if (!more)
		return false;
	c->stretches = more;
	more[c->stretch_count++] = (struct place){key, at, bytes};
	return true;
}

/* The next whole frame at c->end, in a block of its own; NULL: there is none. */
static char *next_frame(struct checkpoint *c, struct journal_frame *frame, off_t size)
{
	if (!read_at(c->fd, frame, sizeof *frame, c->end) || frame->magic != JOURNAL_MAGIC || frame->bytes > JOURNAL_BYTES_MAX ||
		c->end + (off_t)(sizeof *frame + frame->bytes) > size)
		return NULL;
	char *payload = malloc(frame->bytes + 1);
	if (payload && read_at(c->fd, payload, frame->bytes, c->end + (off_t)sizeof *frame) &&
		frame->check == journal_check(frame, payload)) {
		payload[frame->bytes] = '\0';
		return payload;
	}
	free(payload);
	return NULL;
}

static const char *brief(const json_t *value, char *text, size_t bytes)
{
	char *dump = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	snprintf(text, bytes, "%s", dump ? dump : "nothing");
	if (dump && strlen(dump) >= bytes)
		memcpy(text + bytes - 4, "...", 4);
	free(dump);
	return text;
}

/* Is the file of the same run? Complains about the first member that is not. */
static bool same_identity(const struct checkpoint *c, const char *text, const json_t *identity)
{
	json_t *there = json_loads(text, 0, NULL);
	const char *name = NULL;
	json_t *wanted;
	bool same = json_is_object(there);
	if (!same)
		complain("%s: is no checkpoint: its first part cannot be read; name another file", c->path);
	json_object_foreach((json_t *)identity, name, wanted) {
		char one[80], other[80];
		const json_t *its = json_object_get(there, name);
		if (!same || json_equal(its, wanted))
			continue;
		complain("%s: is a checkpoint of something else: %s is %s there and %s here; nothing of it was used: give the "
			 "same "
			 "code and options, or remove the file",
			c->path, name, brief(its, one, sizeof one), brief(wanted, other, sizeof other));
		same = false;
	}
	json_decref(there);
	return same;
}

static bool take_frame(struct checkpoint *c, const struct journal_frame *frame, const char *payload)
{
	json_t *result;
	switch (frame->type) {
	case JOURNAL_RESULT:
		result = json_loads(payload, 0, NULL);
		if (result)
			json_array_append_new(c->results, result);
		c->found_results += result != NULL;
		return true;
	case JOURNAL_STRETCH:
		c->found_bytes += frame->bytes;
		return note_stretch(c, frame->key, c->end + (off_t)sizeof *frame, frame->bytes);
	default:
		return true;
	}
}

/* Reads what there is, up to the first frame that is not whole; what is behind it goes. */
static bool take_over(struct checkpoint *c, const json_t *identity, off_t size)
{
	struct journal_frame frame;
	for (char *payload; (payload = next_frame(c, &frame, size)); c->end += (off_t)(sizeof frame + frame.bytes)) {
		bool first = c->end == 0;
		bool good = first ? frame.type == JOURNAL_IDENTITY : take_frame(c, &frame, payload);
		if (first && !good)
			complain("%s: is no checkpoint; name another file", c->path);
		else if (!good)
			complain("%s: out of memory", c->path);
		good = good && (!first || same_identity(c, payload, identity));
		free(payload);
		if (!good)
			return false;
	}
	if (c->end == 0) {
		/* Not even the first frame: killed right at the beginning, or somebody else's file. */
		struct journal_frame begun = {0};
		char text = '{';
		if (size > 0 && (!read_at(c->fd, &begun, sizeof begun, 0) ||
					(size > (off_t)sizeof begun && !read_at(c->fd, &text, 1, sizeof begun)) ||
					(begun.magic != JOURNAL_MAGIC && begun.magic) || text != '{')) {
			complain("%s: is no checkpoint; name another file", c->path);
			return false;
		}
	}
	if (c->end < size && ftruncate(c->fd, c->end) != 0) {
		complain("%s: the checkpoint cannot be written: %s", c->path, strerror(errno));
		return false;
	}
	return true;
}

static bool start(struct checkpoint *c, const json_t *identity, bool resume)
{
	struct stat info;
	c->fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (c->fd < 0 || fstat(c->fd, &info) != 0) {
		complain("%s: the checkpoint cannot be opened: %s; name a file in a folder that you may write to", c->path,
			strerror(errno));
		return false;
	}
	if (!S_ISREG(info.st_mode)) {
		complain("%s: is no regular file, and cannot be a checkpoint", c->path);
		return false;
	}
	if (flock(c->fd, LOCK_EX | LOCK_NB) != 0) {
		complain("%s: another onceproof is using this checkpoint; wait for its end, or name another file", c->path);
		return false;
	}
	/* Somebody may have written while this one waited for the lock. */
	if (fstat(c->fd, &info) == 0 && info.st_size > 0 && !resume) {
		complain("%s: is there already: --resume goes on from it; else remove it, or name another file", c->path);
		return false;
	}
	if (!take_over(c, identity, info.st_size))
		return false;
	if (c->end > 0)
		return true;
	char *text = json_dumps(identity, JSON_COMPACT);
	if (text)
		append(c, JOURNAL_IDENTITY, 0, text, strlen(text));
	free(text);
	return true;
}

struct checkpoint *checkpoint_open(const char *path, const json_t *identity, bool resume, double every_s)
{
	struct checkpoint *c = calloc(1, sizeof *c);
	if (!c || !(c->path = strdup(path)) || !(c->results = json_array())) {
		complain("%s: out of memory", path);
		exit(EXIT_USAGE);
	}
	c->fd = -1;
	c->every_s = every_s;
	pthread_mutex_init(&c->lock, NULL);
	if (start(c, identity, resume))
		return c;
	checkpoint_close(c);
	return NULL;
}

json_t *checkpoint_identity(const char *path)
{
	struct checkpoint c = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
	struct stat info;
	struct journal_frame frame;
	char *payload =
		c.fd >= 0 && fstat(c.fd, &info) == 0 && S_ISREG(info.st_mode) ? next_frame(&c, &frame, info.st_size) : NULL;
	json_t *identity = payload && frame.type == JOURNAL_IDENTITY ? json_loads(payload, 0, NULL) : NULL;
	free(payload);
	if (c.fd >= 0)
		close(c.fd);
	return identity;
}

void checkpoint_close(struct checkpoint *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	json_decref(c->results);
	free(c->stretches);
	free(c->path);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

size_t checkpoint_results(const struct checkpoint *c)
{
	return c->found_results;
}

size_t checkpoint_bytes(const struct checkpoint *c)
{
	return c->found_bytes;
}

/* Results ---------------------------------------------------------------------------------------------------------------------------------- */

json_t *checkpoint_result(struct checkpoint *c, const char *subject, const char *scenario, const char *engine)
{
	json_t *found = NULL, *result;
	size_t i;
	if (!c)
		return NULL;
	pthread_mutex_lock(&c->lock);
	json_array_foreach(c->results, i, result) {
		if (strcmp(node_string(result, "subject"), subject) == 0 &&
			strcmp(node_string(result, "scenario"), scenario) == 0 &&
			strcmp(node_string(result, "engine"), engine) == 0)
			found = result;
	}
	found = found ? json_deep_copy(found) : NULL;
	pthread_mutex_unlock(&c->lock);
	return found;
}

void checkpoint_keep(struct checkpoint *c, const json_t *result)
{
	char *text = c ? json_dumps(result, JSON_COMPACT) : NULL;
	if (!text)
		return;
	pthread_mutex_lock(&c->lock);
	append(c, JOURNAL_RESULT, 0, text, strlen(text));
	pthread_mutex_unlock(&c->lock);
	free(text);
}

/* Searches --------------------------------------------------------------------------------------------------------------------------------- */

struct checkpoint_listener {
	struct checkpoint *c;
	uint64_t key;
	int fd;
	pthread_t thread;
	atomic_bool ended; /* the worker is no more: what is on the way is taken, and nothing waited for */
};

static bool send_all(int fd, const void *from, size_t bytes)
{
	for (ssize_t done; bytes; from = (const char *)from + done, bytes -= (size_t)done) {
		done = send(fd, from, bytes, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			done = 0;
		else if (done <= 0)
			return false;
	}
	return true;
}

/* False at the end: the other side is closed, or the worker ended and there is nothing more. */
static bool receive_all(struct checkpoint_listener *l, void *to, size_t bytes)
{
	while (bytes) {
		bool ended = atomic_load_explicit(&l->ended, memory_order_acquire); /* acquire: what it sent before is there */
		ssize_t got = recv(l->fd, to, bytes, MSG_DONTWAIT);
		if (got > 0) {
			to = (char *)to + got;
			bytes -= (size_t)got;
		} else if (got == 0 || (errno != EAGAIN && errno != EINTR) || ended) {
			return false;
		} else {
			struct pollfd polled = {l->fd, POLLIN, 0};
			poll(&polled, 1, POLL_MS);
		}
	}
	return true;
}

/* Sends the stretches of this search that were in the file when it was opened. */
static bool answer(struct checkpoint_listener *l)
{
	struct checkpoint *c = l->c;
	/* What is told from now on was done by the worker itself. */
	for (size_t i = 0; i < c->stretch_count; i++) {
		const struct place *place = &c->stretches[i];
		if (place->key != l->key)
			continue;
		struct journal_frame frame;
		char *payload = malloc(place->bytes + 1);
		bool sent = payload && read_at(c->fd, &frame, sizeof frame, place->at - (off_t)sizeof frame) &&
			    read_at(c->fd, payload, place->bytes, place->at) && send_all(l->fd, &frame, sizeof frame) &&
			    send_all(l->fd, payload, place->bytes);
		free(payload);
		if (!sent)
			return false;
	}
	const struct journal_frame end = {.magic = JOURNAL_MAGIC, .type = JOURNAL_END};
	return send_all(l->fd, &end, sizeof end);
}

static bool hear(struct checkpoint_listener *l)
{
	struct journal_frame frame;
	if (!receive_all(l, &frame, sizeof frame) || frame.magic != JOURNAL_MAGIC || frame.bytes > JOURNAL_BYTES_MAX)
		return false;
	char *payload = malloc(frame.bytes + 1);
	bool good = payload && receive_all(l, payload, frame.bytes) && frame.check == journal_check(&frame, payload);
	if (good && frame.type == JOURNAL_STRETCH) {
		pthread_mutex_lock(&l->c->lock);
		append(l->c, JOURNAL_STRETCH, l->key, payload, frame.bytes);
		pthread_mutex_unlock(&l->c->lock);
	}
	free(payload);
	return good && (frame.type != JOURNAL_HELLO || answer(l));
}

static void *listen_to(void *arg)
{
	while (hear(arg))
		continue;
	return NULL;
}

static int far_away(int fd)
{
	int far = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_FROM);
	if (far < 0)
		return fd;
	close(fd);
	return far;
}

int checkpoint_channel_open(struct checkpoint *c, const char *name, struct checkpoint_channel *channel)
{
	*channel = (struct checkpoint_channel){0};
	if (!c)
		return 0;
	int pair[2];
	struct checkpoint_listener *l = calloc(1, sizeof *l);
	if (!l || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		free(l);
		return errno;
	}
	l->c = c;
	l->key = journal_mix(UINT64_C(0xcbf29ce484222325), name, strlen(name));
	l->fd = far_away(pair[0]);
	channel->fd = far_away(pair[1]);
	int why = pthread_create(&l->thread, NULL, listen_to, l);
	if (why) {
		close(l->fd);
		close(channel->fd);
		free(l);
		*channel = (struct checkpoint_channel){0};
		return why;
	}
	channel->listener = l;
	snprintf(channel->store[0], sizeof channel->store[0], "--journal=%d", channel->fd);
	snprintf(channel->store[1], sizeof channel->store[1], "--journal-every=%g", c->every_s);
	channel->words[0] = channel->store[0];
	channel->words[1] = channel->store[1];
	return 0;
}

void checkpoint_channel_close(struct checkpoint_channel *channel)
{
	struct checkpoint_listener *l = channel->listener;
	if (!l)
		return;
	close(channel->fd);
	/* release: pairs with the acquire in receive_all(). */
	atomic_store_explicit(&l->ended, true, memory_order_release);
	pthread_join(l->thread, NULL);
	close(l->fd);
	free(l);
	*channel = (struct checkpoint_channel){0};
}
