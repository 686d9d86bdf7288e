/* SPDX-License-Identifier: BSD-3-Clause */
#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

STAILQ_HEAD(job_queue, job);

struct writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t submitted;
	struct job_queue waiting;  /* under the lock */
	struct job_queue finished; /* under the lock */
	bool stopping;		   /* under the lock */
	int wake;		   /* eventfd: something is finished */
	sd_event_source *source;
};

/* The next job to run, or NULL to stop. */
static struct job *writer_take(struct writer *writer)
{
	struct job *job;

	pthread_mutex_lock(&writer->lock);
	while (STAILQ_EMPTY(&writer->waiting) && !writer->stopping)
		pthread_cond_wait(&writer->submitted, &writer->lock);
	job = STAILQ_FIRST(&writer->waiting);
	if (job)
		STAILQ_REMOVE_HEAD(&writer->waiting, link);
	pthread_mutex_unlock(&writer->lock);
	return job;
}

static void *writer_main(void *argument)
{
	struct writer *writer = argument;
	struct job *job;

	while ((job = writer_take(writer))) {
		job->run(job);
		pthread_mutex_lock(&writer->lock);
		STAILQ_INSERT_TAIL(&writer->finished, job, link);
		pthread_mutex_unlock(&writer->lock);
		eventfd_write(writer->wake, 1);
	}
	return NULL;
}

static void writer_deliver(struct writer *writer)
{
	struct job_queue finished = STAILQ_HEAD_INITIALIZER(finished);
	struct job *job;

	pthread_mutex_lock(&writer->lock);
	STAILQ_CONCAT(&finished, &writer->finished);
	pthread_mutex_unlock(&writer->lock);

	while ((job = STAILQ_FIRST(&finished))) {
		STAILQ_REMOVE_HEAD(&finished, link);
		job->done(job);
	}
}

static int writer_woken(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	eventfd_t count;

	(void)source;
	(void)events;
	eventfd_read(fd, &count);
	writer_deliver(userdata);
	return 0;
}

/* Signals are the loop's: the thread is born with all of them blocked. */
static int writer_start(struct writer *writer)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&writer->thread, NULL, writer_main, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int writer_new(sd_event *loop, struct writer **ret_writer)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->submitted, NULL);
	STAILQ_INIT(&writer->waiting);
	STAILQ_INIT(&writer->finished);

	writer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = writer->wake < 0 ? -errno : 0;
	if (r < 0)
		goto fail;
	r = sd_event_add_io(loop, &writer->source, writer->wake, EPOLLIN, writer_woken, writer);
	if (r < 0)
		goto fail;
	r = writer_start(writer);
	if (r < 0)
		goto fail;

	*ret_writer = writer;
	return 0;
fail:
	sd_event_source_unref(writer->source);
	if (writer->wake >= 0)
		close(writer->wake);
	free(writer);
	return r;
}

void writer_free(struct writer *writer)
{
	struct job *job;

	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->submitted);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);

	writer_deliver(writer);
	while ((job = STAILQ_FIRST(&writer->waiting))) { /* what the last ones led to */
		STAILQ_REMOVE_HEAD(&writer->waiting, link);
		job->run(job);
		job->done(job);
	}
	sd_event_source_disable_unref(writer->source);
	close(writer->wake);
	free(writer);
}

void writer_submit(struct writer *writer, struct job *job)
{
	pthread_mutex_lock(&writer->lock);
	STAILQ_INSERT_TAIL(&writer->waiting, job, link);
	pthread_cond_signal(&writer->submitted);
	pthread_mutex_unlock(&writer->lock);
}
