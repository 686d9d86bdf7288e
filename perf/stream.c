/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams of addresses, and the right answers to them. */
#include <errno.h>
#include <stdlib.h>

#include "draft.h"
#include "zipf.h"

#define POPULAR_PERCENT 80

struct maker {
	const struct workload *workload;
	struct random random;
	struct zipf zipf;
	__u32 *ranked; /* which prefix has which rank */
};

const char *stream_name(enum stream_kind kind)
{
	switch (kind) {
	case STREAM_UNIFORM:
		return "uniform";
	case STREAM_ZIPF:
		return "zipf";
	case STREAM_KINDS:
		break;
	}
	return "?";
}

__u32 stream_count(enum pt_family family)
{
	return family == PT_IPV4 ? 1 << 20 : 1 << 19;
}

static workload_addr addr_within(struct maker *maker, __u32 index)
{
	struct workload_prefix prefix = workload_prefix(maker->workload, index);

	return prefix.addr | (random_addr(&maker->random) & ~addr_mask(prefix.len));
}

/* Any address that is routed somewhere: 1.0.0.0 to 223.255.255.255, 2000::/3. */
static workload_addr addr_unicast(struct maker *maker)
{
	if (maker->workload->family == PT_IPV4)
		return (workload_addr)((1u << 24) + random_below(&maker->random, 223u << 24)) << 96;
	return (workload_addr)1 << 125 | random_addr(&maker->random) >> 3;
}

static workload_addr addr_next(struct maker *maker, enum stream_kind kind)
{
	if (kind == STREAM_ZIPF) {
		if (random_chance(&maker->random, POPULAR_PERCENT))
			return addr_within(maker,
					   maker->ranked[zipf_next(&maker->zipf, &maker->random)]);
		return addr_unicast(maker);
	}
	if (maker->workload->family == PT_IPV4)
		return random_addr(&maker->random);
	return addr_within(maker, random_below(&maker->random, maker->workload->count));
}

/* Popular prefixes are anywhere in the address space. */
static int rank_prefixes(struct maker *maker)
{
	__u32 count = maker->workload->count;

	maker->ranked = calloc(count, sizeof(*maker->ranked));
	if (!maker->ranked || zipf_init(&maker->zipf, count))
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++) {
		__u32 other = random_below(&maker->random, i + 1);

		maker->ranked[i] = maker->ranked[other];
		maker->ranked[other] = i;
	}
	return 0;
}

static void stream_set(struct stream *stream, __u32 index, workload_addr addr)
{
	if (stream->family == PT_IPV4)
		stream->addrs4[index] = addr >> 96;
	else
		for (int byte = 0; byte < 16; byte++)
			stream->addrs6[index][byte] = addr >> (120 - 8 * byte);
}

int stream_new(const struct workload *workload, enum stream_kind kind, __u32 count, __u64 seed,
	       struct stream **ret_stream)
{
	struct maker maker = {.workload = workload, .random = {seed + kind}};
	size_t bytes = workload->family == PT_IPV4 ? 4 : 16;
	struct stream *stream = calloc(1, sizeof(*stream));

	if (stream)
		stream->addrs = aligned_alloc(64, (count * bytes + 63) / 64 * 64);
	if (!stream || !stream->addrs || rank_prefixes(&maker)) {
		stream_free(stream);
		stream = NULL;
		goto out;
	}
	stream->family = workload->family;
	stream->count = count;
	for (__u32 i = 0; i < count; i++)
		stream_set(stream, i, addr_next(&maker, kind));
	*ret_stream = stream;
out:
	zipf_done(&maker.zipf);
	free(maker.ranked);
	return stream ? 0 : -ENOMEM;
}

void stream_free(struct stream *stream)
{
	if (stream)
		free(stream->addrs);
	free(stream);
}

workload_addr stream_addr(const struct stream *stream, __u32 index)
{
	workload_addr addr = 0;

	if (stream->family == PT_IPV4)
		return (workload_addr)stream->addrs4[index] << 96;
	for (int byte = 0; byte < 16; byte++)
		addr = addr << 8 | stream->addrs6[index][byte];
	return addr;
}

/* What begins at `first`, or, where something began there already, replaces it. */
static void reference_add(struct reference *reference, workload_addr first, __u32 class)
{
	struct reference_interval *end = &reference->intervals[reference->count];

	if (reference->count && end[-1].first == first)
		end[-1].class = class;
	else
		reference->intervals[reference->count++] =
			(struct reference_interval){.first = first, .class = class};
}

/* Leaves the prefixes that end before `next`: behind each, the one around it goes on. */
static int reference_leave(struct reference *reference, const struct workload_prefix *open,
			   int depth, workload_addr next)
{
	while (depth > 0) {
		workload_addr last = open[depth - 1].addr | ~addr_mask(open[depth - 1].len);

		if (last >= next)
			return depth;
		depth--;
		reference_add(reference, last + 1, depth ? open[depth - 1].class : 0);
	}
	return depth;
}

int reference_new(const struct workload *workload, struct reference **ret_reference)
{
	struct reference *reference = calloc(1, sizeof(*reference));
	struct workload_prefix open[129]; /* those that the sweep is in, outermost first */
	int depth = 0;

	if (reference)
		reference->intervals =
			calloc(2 * (size_t)workload->count + 1, sizeof(*reference->intervals));
	if (!reference || !reference->intervals) {
		reference_free(reference);
		return -ENOMEM;
	}
	reference_add(reference, 0, 0);
	for (__u32 i = 0; i < workload->count; i++) {
		struct workload_prefix prefix = workload_prefix(workload, i);

		depth = reference_leave(reference, open, depth, prefix.addr);
		open[depth++] = prefix;
		reference_add(reference, prefix.addr, prefix.class);
	}
	/* Behind the highest address there is nothing, so what ends there is not left. */
	reference_leave(reference, open, depth, ~(workload_addr)0);
	*ret_reference = reference;
	return 0;
}

void reference_free(struct reference *reference)
{
	if (reference)
		free(reference->intervals);
	free(reference);
}

__u32 reference_lookup(const struct reference *reference, workload_addr addr)
{
	__u32 low = 0, high = reference->count - 1;

	while (low < high) {
		__u32 middle = low + (high - low + 1) / 2;

		if (reference->intervals[middle].first <= addr)
			low = middle;
		else
			high = middle - 1;
	}
	return reference->intervals[low].class;
}

double reference_answer(const struct reference *reference, const struct stream *stream,
			__u32 *ret_classes)
{
	__u32 hits = 0;

	for (__u32 i = 0; i < stream->count; i++) {
		ret_classes[i] = reference_lookup(reference, stream_addr(stream, i));
		hits += ret_classes[i] != 0;
	}
	return stream->count ? (double)hits / stream->count : 0;
}
