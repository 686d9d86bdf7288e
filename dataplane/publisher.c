/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kept.h"
#include "publisher.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A snapshot in memory. */
struct image {
	void *bytes;
	size_t size;
};

struct publisher {
	const char *kept_path;
	const struct publisher_events *events;
	void *host;
	const struct host_engine *functions;
	void *engine;
	struct pt_snapshot_limits limits;

	/* Written by the loop's thread while no publish runs, by the publishing thread while one
	 * does; the eventfd hands them over. */
	int fd;
	int result;
	struct message message;
	struct image held; /* the last one that was published: engines may look up in it */

	/* The loop's alone. */
	bool busy;
	eventfd_t signals;
	int event_fd;
	pthread_t thread;
	sd_event_source *source;
};

static int image_publish(const struct publisher *publisher, const struct image *image,
			 struct message *message)
{
	const char *why;
	int error = pt_snapshot_verify(image->bytes, image->size, &publisher->limits, &why);

	if (error)
		return message_set(message, error, "refused the snapshot: %s", why);
	return publisher->functions->publish(publisher->engine, image->bytes, message);
}

static void image_unmap(struct image *image)
{
	if (image->bytes)
		munmap(image->bytes, image->size);
	*image = (struct image){};
}

/* The engine looks up in `image` now, and nobody in the one before. */
static void publisher_hold(struct publisher *publisher, const struct image *image)
{
	publisher->functions->settle(publisher->engine);
	image_unmap(&publisher->held);
	publisher->held = *image;
}

/* Maps a sealed memfd: private, since old kernels map no sealed file shared. */
static int image_map(int fd, struct image *ret, struct message *message)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat stat;
	void *image;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return message_set(
			message, -EPERM,
			"refused the snapshot: it is not a memfd sealed against writing");
	if (fstat(fd, &stat))
		return message_set(message, -errno, "cannot read the snapshot: %s",
				   strerror(errno));
	if (stat.st_size == 0)
		return message_set(message, -EBADMSG, "refused the snapshot: it is empty");
	image = mmap(NULL, stat.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (image == MAP_FAILED)
		return message_set(message, -errno, "cannot map the snapshot: %s", strerror(errno));
	*ret = (struct image){image, stat.st_size};
	return 0;
}

int publisher_publish(struct publisher *publisher, void *bytes, size_t size,
		      struct message *message)
{
	struct image image = {bytes, size};
	int error = image_publish(publisher, &image, message);

	if (error)
		image_unmap(&image);
	else
		publisher_hold(publisher, &image);
	return error;
}

/*
 * An engine that publishes but cannot keep has still published: that is a warning. The older set
 * goes, since a start with it would count for owners that were.
 */
static void image_keep(const struct publisher *publisher, const struct image *image)
{
	int error = kept_save(publisher->kept_path, image->bytes, image->size);

	if (!error)
		return;
	unlink(publisher->kept_path);
	fprintf(stderr,
		"warning: cannot keep the snapshot in %s: %s; after its next start the engine "
		"waits for control\n",
		publisher->kept_path, strerror(-error));
}

static void signal_loop(struct publisher *publisher)
{
	eventfd_write(publisher->event_fd, 1);
}

static void *publisher_run(void *argument)
{
	struct publisher *publisher = argument;
	struct image image = {};

	publisher->result = image_map(publisher->fd, &image, &publisher->message);
	if (publisher->result == 0)
		publisher->result = image_publish(publisher, &image, &publisher->message);
	if (publisher->result == 0)
		image_keep(publisher, &image);
	signal_loop(publisher);
	if (publisher->result == 0)
		publisher_hold(publisher, &image);
	else
		image_unmap(&image);
	signal_loop(publisher);
	return NULL;
}

/* The first signal is the answer; the second, that the thread is at its end. */
static int publisher_on_event(sd_event_source *source, int fd, uint32_t events, void *argument)
{
	struct publisher *publisher = argument;
	eventfd_t signals;

	(void)source;
	(void)events;
	if (eventfd_read(fd, &signals))
		return 0;
	if (publisher->signals == 0)
		publisher->events->answered(publisher->host, publisher->result,
					    &publisher->message);
	publisher->signals += signals;
	if (publisher->signals < 2)
		return 0;
	pthread_join(publisher->thread, NULL);
	close(publisher->fd);
	publisher->busy = false;
	publisher->events->ended(publisher->host);
	return 0;
}

int publisher_start(struct publisher *publisher, int fd)
{
	int error;

	publisher->fd = fd;
	publisher->signals = 0;
	publisher->message.text[0] = '\0';
	error = -pthread_create(&publisher->thread, NULL, publisher_run, publisher);
	publisher->busy = !error;
	return error;
}

bool publisher_busy(const struct publisher *publisher)
{
	return publisher->busy;
}

void publisher_set_engine(struct publisher *publisher, const struct host_engine *functions,
			  void *engine, const struct pt_snapshot_limits *limits)
{
	publisher->functions = functions;
	publisher->engine = engine;
	publisher->limits = *limits;
}

int publisher_new(sd_event *loop, const char *kept_path, const struct publisher_events *events,
		  void *host, struct publisher **ret)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	int error;

	if (!publisher)
		return -ENOMEM;
	publisher->kept_path = kept_path;
	publisher->events = events;
	publisher->host = host;
	publisher->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = publisher->event_fd < 0
			? -errno
			: sd_event_add_io(loop, &publisher->source, publisher->event_fd, EPOLLIN,
					  publisher_on_event, publisher);
	if (error < 0) {
		publisher_free(publisher);
		return error;
	}
	*ret = publisher;
	return 0;
}

void publisher_stop(struct publisher *publisher)
{
	if (!publisher->busy)
		return;
	pthread_join(publisher->thread, NULL);
	close(publisher->fd);
	publisher->busy = false;
}

void publisher_free(struct publisher *publisher)
{
	if (!publisher)
		return;
	publisher_stop(publisher);
	image_unmap(&publisher->held);
	sd_event_source_unref(publisher->source);
	if (publisher->event_fd >= 0)
		close(publisher->event_fd);
	free(publisher);
}
