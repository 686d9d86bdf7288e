/* SPDX-License-Identifier: BSD-3-Clause */
#include "classify.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peertag/packet.h>

#include "capture.h"
#include "message.h"
#include "offline.h"

static const char usage_text[] =
	"usage: %s classify --snapshot FILE [--table flat|lpm] [--tag CARRIER,...]\n"
	"       [--mark-mask M] [--write OUT.pcap] [-v] CAPTURE\n"
	"\n"
	"Runs the frames of CAPTURE (pcap or pcapng, also gzipped, Ethernet) through\n"
	"%s.\n"
	"Prints one JSON document.\n"
	"\n"
	"  --snapshot FILE    the compiled registry: a file, or the number of an open descriptor\n"
	"  --table flat|lpm   the compiled table, or what the platform brings; flat if not said\n"
	"  --tag CARRIER,...  write tags: mark, dscp, vlan\n"
	"  --mark-mask M      the bits of the mark that are ours\n"
	"  --write OUT.pcap   store the packets as they would leave\n";

struct arguments {
	const char *snapshot;
	const char *write;
	const char *capture;
	enum pt_config_table table;
	struct pt_config_tag tag;
	bool verbose;
};

/* Frames that are run together. The capture has each only until the next is read. */
struct burst {
	struct pcap_pkthdr headers[PT_OFFLINE_BURST_MAX];
	__u8 *bytes[PT_OFFLINE_BURST_MAX];
	__u32 room[PT_OFFLINE_BURST_MAX];
	__u32 count;
};

struct classify {
	const struct pt_snapshot *snapshot;
	size_t snapshot_bytes;
	enum pt_config_table table;
	struct pt_offline *offline;
	struct capture *capture;
	struct capture_writer *writer;
	struct burst burst;
	__u64 native_packets;
};

static int parse_carriers(char *text, bool carrier[PT_CARRIERS])
{
	char *rest = text, *word;
	int i;

	while ((word = strsep(&rest, ","))) {
		for (i = 0; i < PT_CARRIERS && strcmp(word, pt_carrier_name(i)); i++)
			;
		if (i < PT_CARRIERS)
			carrier[i] = true;
		else if (*word)
			return -EINVAL;
	}
	return 0;
}

static int parse_table(const char *text, enum pt_config_table *ret)
{
	for (enum pt_config_table table = PT_TABLE_FLAT; table <= PT_TABLE_LPM; table++) {
		if (strcmp(text, pt_config_table_name(table)))
			continue;
		*ret = table;
		return 0;
	}
	return -EINVAL;
}

static int parse_mask(const char *text, __u32 *ret)
{
	char *end;
	unsigned long long mask = strtoull(text, &end, 0);

	if (end == text || *end || mask > 0xffffffff)
		return -EINVAL;
	*ret = mask;
	return 0;
}

static int parse_option(int option, struct arguments *arguments)
{
	switch (option) {
	case 's':
		arguments->snapshot = optarg;
		return 0;
	case 'l':
		return parse_table(optarg, &arguments->table);
	case 't':
		return parse_carriers(optarg, arguments->tag.carrier);
	case 'm':
		return parse_mask(optarg, &arguments->tag.mark_mask);
	case 'w':
		arguments->write = optarg;
		return 0;
	case 'v':
		arguments->verbose = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {{"snapshot", required_argument, NULL, 's'},
						{"table", required_argument, NULL, 'l'},
						{"tag", required_argument, NULL, 't'},
						{"mark-mask", required_argument, NULL, 'm'},
						{"write", required_argument, NULL, 'w'},
						{"verbose", no_argument, NULL, 'v'},
						{}};
	int option;

	while ((option = getopt_long(argc, argv, "v", options, NULL)) != -1)
		if (parse_option(option, arguments))
			return -EINVAL;
	if (optind + 1 != argc || !arguments->snapshot)
		return -EINVAL;
	arguments->capture = argv[optind];
	return 0;
}

/* A number is a descriptor that was inherited; anything else a path. */
static int snapshot_descriptor(const char *name)
{
	char *end;
	long fd = strtol(name, &end, 10);
	int opened;

	if (*name && !*end && fd >= 0)
		return fd;
	opened = open(name, O_RDONLY | O_CLOEXEC);
	return opened < 0 ? -errno : opened;
}

static int snapshot_map(struct classify *classify, const char *name, struct message *message)
{
	int fd = snapshot_descriptor(name);
	struct stat stat;
	void *image;

	if (fd < 0)
		return message_set(message, fd, "cannot open the snapshot %s: %s", name,
				   strerror(-fd));
	if (fstat(fd, &stat))
		return message_set(message, -errno, "cannot read the snapshot %s: %s", name,
				   strerror(errno));
	image = mmap(NULL, stat.st_size ? stat.st_size : 1, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		return message_set(message, -errno, "cannot read the snapshot %s: %s", name,
				   strerror(errno));
	classify->snapshot = image;
	classify->snapshot_bytes = stat.st_size;
	return 0;
}

static int classify_open(struct classify *classify, const struct arguments *arguments,
			 struct message *message)
{
	struct pt_offline_options options = {
		.table = arguments->table,
		.tag = arguments->tag,
		.forward = pt_offline_engine.passes ? PT_FORWARD_PASS : PT_FORWARD_PORT,
		.verbose = arguments->verbose,
	};
	int error = snapshot_map(classify, arguments->snapshot, message);

	classify->table = arguments->table;
	if (!error)
		error = capture_open(arguments->capture, &classify->capture, message);
	if (!error)
		error = pt_offline_open(classify->snapshot, classify->snapshot_bytes, &options,
					&classify->offline, message->text, sizeof(message->text));
	if (!error && arguments->write)
		error = capture_writer_open(arguments->write, &classify->writer, message);
	return error;
}

static void burst_free(struct burst *burst)
{
	for (__u32 i = 0; i < PT_OFFLINE_BURST_MAX; i++)
		free(burst->bytes[i]);
}

/* There is room for one more. Returns 0 or -errno. */
static int burst_add(struct burst *burst, const struct pcap_pkthdr *header, const __u8 *frame)
{
	__u8 **bytes = &burst->bytes[burst->count];
	__u32 *room = &burst->room[burst->count];

	if (header->caplen > PT_OFFLINE_FRAME_MAX)
		return -EMSGSIZE;
	if (header->caplen > *room || !*bytes) {
		free(*bytes);
		*bytes = malloc(header->caplen + 1);
		*room = *bytes ? header->caplen : 0;
	}
	if (!*bytes)
		return -ENOMEM;
	memcpy(*bytes, frame, header->caplen);
	burst->headers[burst->count++] = *header;
	return 0;
}

static void classify_result(struct classify *classify, const struct pcap_pkthdr *header,
			    const struct pt_offline_result *result)
{
	classify->native_packets += result->native;
	if (classify->writer)
		capture_write(classify->writer, header, result->frame, result->bytes,
			      result->tagged[PT_CARRIER_VLAN] ? PT_VLAN_BYTES : 0);
}

/* Runs what is in the burst, which may be nothing, and empties it. */
static int classify_burst(struct classify *classify, struct message *message)
{
	struct pt_offline_result results[PT_OFFLINE_BURST_MAX];
	struct pt_offline_frame frames[PT_OFFLINE_BURST_MAX];
	struct burst *burst = &classify->burst;
	__u32 count = burst->count;
	int error;

	for (__u32 i = 0; i < count; i++)
		frames[i] = (struct pt_offline_frame){.bytes = burst->bytes[i],
						      .size = burst->headers[i].caplen};
	burst->count = 0;
	error = count ? pt_offline_run(classify->offline, frames, count, results) : 0;
	if (error)
		return message_set(message, error, "cannot run %u frames: %s", count,
				   strerror(-error));
	for (__u32 i = 0; i < count; i++)
		classify_result(classify, &burst->headers[i], &results[i]);
	return 0;
}

static int classify_frame(struct classify *classify, const struct pcap_pkthdr *header,
			  const __u8 *frame, struct message *message)
{
	int error = burst_add(&classify->burst, header, frame);

	if (error)
		return message_set(message, error, "cannot run a frame of %u bytes: %s",
				   header->caplen, strerror(-error));
	return classify->burst.count == PT_OFFLINE_BURST_MAX ? classify_burst(classify, message)
							     : 0;
}

/* Whatever ends it, the frames that were read until then are run. */
static int classify_run(struct classify *classify, struct message *message)
{
	const struct pcap_pkthdr *header;
	struct message later = {};
	const __u8 *frame;
	int result, last;

	while ((result = capture_next(classify->capture, &header, &frame, message)) > 0) {
		result = classify_frame(classify, header, frame, message);
		if (result)
			break;
	}
	last = classify_burst(classify, &later);
	if (last && !result)
		*message = later;
	return result ? result : last;
}

static json_t *json_count(struct pt_count count)
{
	return json_pack("{s:I,s:I}", "packets", (json_int_t)count.packets, "bytes",
			 (json_int_t)count.bytes);
}

static json_t *json_outcomes(const struct pt_port_counters *port)
{
	json_t *outcomes = json_object();

	for (int outcome = 0; outcome < PT_OUTCOMES; outcome++)
		json_object_set_new(outcomes, pt_outcome_name(outcome),
				    json_integer(port->received[outcome].packets));
	return outcomes;
}

static json_t *json_tagged(const struct pt_port_counters *port)
{
	json_t *tagged = json_object();
	json_int_t failed = 0;

	for (int carrier = 0; carrier < PT_CARRIERS; carrier++) {
		json_object_set_new(tagged, pt_carrier_name(carrier),
				    json_integer(port->tagged[carrier]));
		failed += port->tag_failures[carrier];
	}
	json_object_set_new(tagged, "failed", json_integer(failed));
	return tagged;
}

/* Those with any count, by id. The classes of a connection share a counter. */
static json_t *json_connections(const struct classify *classify)
{
	const struct pt_counters *counters = pt_offline_counters(classify->offline);
	const struct pt_class *classes = pt_snapshot_classes(classify->snapshot);
	const __u32 *ids = pt_snapshot_connections(classify->snapshot);
	json_t *connections = json_object();
	char id[16];

	for (__u32 i = 0; i < classify->snapshot->class_count; i++) {
		struct pt_connection_counters sum = {};

		pt_counters_connection(counters, classes[i].counter, &sum);
		if (!sum.direction[PT_RECEIVE].packets && !sum.direction[PT_TRANSMIT].packets)
			continue;
		snprintf(id, sizeof(id), "%u", ids[i]);
		json_object_set_new(connections, id,
				    json_pack("{s:o,s:o}", "receive",
					      json_count(sum.direction[PT_RECEIVE]), "transmit",
					      json_count(sum.direction[PT_TRANSMIT])));
	}
	return connections;
}

static int classify_print(const struct classify *classify)
{
	struct pt_port_counters port = {};
	json_t *document;
	int error;

	pt_counters_port(pt_offline_counters(classify->offline), 0, &port);
	document = json_pack("{s:s,s:s,s:o,s:o,s:o,s:I,s:o}", "engine", pt_offline_engine.name,
			     "table", pt_config_table_name(classify->table), "received",
			     json_count(pt_count_total(port.received)), "outcomes",
			     json_outcomes(&port), "tagged", json_tagged(&port), "native_packets",
			     (json_int_t)classify->native_packets, "connections",
			     json_connections(classify));
	error = !document || json_dumpf(document, stdout, JSON_COMPACT) || puts("") < 0 ||
		fflush(stdout);
	json_decref(document);
	return error ? -EIO : 0;
}

/* A capture with a broken end is classified as far as it goes, printed, and then an error. */
static int classify(const struct arguments *arguments, struct message *message)
{
	struct classify classify = {};
	struct message later = {};
	int error = classify_open(&classify, arguments, message);
	int written;

	if (!error) {
		error = classify_run(&classify, message);
		if (classify_print(&classify) && !error)
			error = message_set(message, -EIO, "cannot write the result");
	}
	written = capture_writer_close(classify.writer, &later);
	if (written && !error) {
		error = written;
		*message = later;
	}
	burst_free(&classify.burst);
	capture_close(classify.capture);
	pt_offline_close(classify.offline);
	return error;
}

static int print_usage(FILE *stream)
{
	return fprintf(stream, usage_text, pt_offline_engine.program, pt_offline_engine.how) < 0;
}

int classify_main(int argc, char **argv)
{
	struct arguments arguments = {.tag.mark_mask = 0xffffffff};
	struct message message = {};

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return print_usage(stdout);
	if (parse_arguments(argc, argv, &arguments)) {
		print_usage(stderr);
		return 2;
	}
	if (classify(&arguments, &message) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", pt_offline_engine.program, message.text);
	return 1;
}
