/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures: pcap and pcapng, also gzipped, of Ethernet frames, with nanoseconds.
 * Threading: one thread at a time for each.
 */
#ifndef PEERTAG_DATAPLANE_CAPTURE_H
#define PEERTAG_DATAPLANE_CAPTURE_H

#include <peertag/types.h>

#include "message.h"

struct pcap_pkthdr;
struct capture;
struct capture_writer;

/* Opens a file for reading. Returns 0 and *ret, which capture_close() frees, or -errno and why. */
int capture_open(const char *path, struct capture **ret, struct message *message);
void capture_close(struct capture *capture);

/*
 * The next frame, valid until the next call. Returns 1 and *ret_header, *ret_frame; 0 at the end;
 * or -errno and why: a file that is broken there was fine up to there.
 */
int capture_next(struct capture *capture, const struct pcap_pkthdr **ret_header,
		 const __u8 **ret_frame, struct message *message);

/* Opens a file for writing. capture_writer_close() says whether all of it is written. */
int capture_writer_open(const char *path, struct capture_writer **ret, struct message *message);
int capture_writer_close(struct capture_writer *writer, struct message *message);

/* Adds a frame of `bytes` bytes with the time of `header`; `added` bytes longer than it was. */
void capture_write(struct capture_writer *writer, const struct pcap_pkthdr *header,
		   const __u8 *frame, __u32 bytes, __u32 added);

#endif
