/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "capture.h"

#define SNAPLEN 262144

struct capture {
	pcap_t *pcap; /* owns the stream, and that the gzip reader */
	char *path;
};

struct capture_writer {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	char *path;
};

static ssize_t gzip_read(void *cookie, char *to, size_t bytes)
{
	return gzread(cookie, to, bytes);
}

static int gzip_close(void *cookie)
{
	return gzclose(cookie) == Z_OK ? 0 : -1;
}

/* zlib hands on what is not gzipped as it is. */
static FILE *stream_open(const char *path)
{
	static const cookie_io_functions_t functions = {.read = gzip_read, .close = gzip_close};
	gzFile file = gzopen(path, "rbe");
	FILE *stream;

	if (!file)
		return NULL;
	stream = fopencookie(file, "r", functions);
	if (!stream)
		gzclose(file);
	return stream;
}

static int capture_check_link(const struct capture *capture, struct message *message)
{
	int type = pcap_datalink(capture->pcap);
	const char *name = pcap_datalink_val_to_name(type);

	if (type == DLT_EN10MB)
		return 0;
	return message_set(message, -EPROTOTYPE,
			   "cannot classify %s: its link type is %s (%d), not Ethernet",
			   capture->path, name ? name : "unknown", type);
}

int capture_open(const char *path, struct capture **ret, struct message *message)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *stream = stream_open(path);
	struct capture *capture;
	int error;

	if (!stream)
		return message_set(message, -errno, "cannot open %s: %s", path, strerror(errno));
	capture = calloc(1, sizeof(*capture));
	if (capture)
		capture->path = strdup(path);
	if (!capture || !capture->path) {
		fclose(stream);
		capture_close(capture);
		return message_set(message, -ENOMEM, "out of memory");
	}
	capture->pcap =
		pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture->pcap) {
		fclose(stream);
		capture_close(capture);
		return message_set(message, -EBADMSG, "cannot read %s: %s", path, why);
	}
	error = capture_check_link(capture, message);
	if (error) {
		capture_close(capture);
		return error;
	}
	*ret = capture;
	return 0;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture->path);
	free(capture);
}

int capture_next(struct capture *capture, const struct pcap_pkthdr **ret_header,
		 const __u8 **ret_frame, struct message *message)
{
	struct pcap_pkthdr *header;
	int result = pcap_next_ex(capture->pcap, &header, ret_frame);

	if (result == 1) {
		*ret_header = header;
		return 1;
	}
	if (result == PCAP_ERROR_BREAK)
		return 0;
	return message_set(message, -EBADMSG, "cannot read on in %s: %s", capture->path,
			   pcap_geterr(capture->pcap));
}

int capture_writer_open(const char *path, struct capture_writer **ret, struct message *message)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return message_set(message, -ENOMEM, "out of memory");
	writer->path = strdup(path);
	writer->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN,
							    PCAP_TSTAMP_PRECISION_NANO);
	if (writer->pcap && writer->path)
		writer->dumper = pcap_dump_open(writer->pcap, path);
	if (!writer->dumper) {
		message_set(message, -EIO, "cannot write %s: %s", path,
			    writer->pcap ? pcap_geterr(writer->pcap) : "out of memory");
		if (writer->pcap)
			pcap_close(writer->pcap);
		free(writer->path);
		free(writer);
		return -EIO;
	}
	*ret = writer;
	return 0;
}

int capture_writer_close(struct capture_writer *writer, struct message *message)
{
	int error;

	if (!writer)
		return 0;
	error = pcap_dump_flush(writer->dumper) || ferror(pcap_dump_file(writer->dumper))
			? message_set(message, -EIO, "cannot write all of %s: %s", writer->path,
				      strerror(errno))
			: 0;
	pcap_dump_close(writer->dumper);
	pcap_close(writer->pcap);
	free(writer->path);
	free(writer);
	return error;
}

void capture_write(struct capture_writer *writer, const struct pcap_pkthdr *header,
		   const __u8 *frame, __u32 bytes, __u32 added)
{
	struct pcap_pkthdr written = *header;

	written.caplen = bytes;
	written.len = header->len + added;
	pcap_dump((u_char *)writer->dumper, &written, frame);
}
