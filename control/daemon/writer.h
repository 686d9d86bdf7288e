/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer thread: whatever takes long (parsing a file, SQLite, compiling a snapshot) runs here,
 * one job after the other, so that the event loop never waits for it.
 *
 * Threading: writer_submit() from the loop's thread. A job's run() is called on the writer thread,
 * its done() on the loop's thread afterwards; the job belongs to whoever is called.
 */
#ifndef CONTROL_WRITER_H
#define CONTROL_WRITER_H

#include <sys/queue.h>
#include <systemd/sd-event.h>

struct job {
	STAILQ_ENTRY(job) link;
	void (*run)(struct job *job);
	void (*done)(struct job *job);
};

struct writer;

/* Returns 0 or -errno. */
int writer_new(sd_event *loop, struct writer **ret_writer);
/* Finishes the jobs that were submitted, and delivers them. */
void writer_free(struct writer *writer);
void writer_submit(struct writer *writer, struct job *job);

#endif
