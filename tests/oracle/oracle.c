/* SPDX-License-Identifier: BSD-3-Clause */
#include "oracle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *oracle_outcome_name(enum oracle_outcome outcome)
{
	static const char *const names[] = {"matched", "unmatched", "not_ip", "unsupported",
					    "malformed"};

	return names[outcome];
}

/* All prefixes of one family and one length. */
struct bucket {
	struct entry {
		uint8_t addr[16];
		uint32_t connection;
	} * entries;
	size_t count, room;
	bool sorted;
};

struct oracle_table {
	struct bucket ipv4[33];
	struct bucket ipv6[129];
};

struct oracle_table *oracle_table_new(void)
{
	struct oracle_table *table = calloc(1, sizeof(*table));

	if (!table)
		abort();
	return table;
}

void oracle_table_free(struct oracle_table *table)
{
	if (!table)
		return;
	for (int length = 0; length <= 32; length++)
		free(table->ipv4[length].entries);
	for (int length = 0; length <= 128; length++)
		free(table->ipv6[length].entries);
	free(table);
}

static struct bucket *table_bucket(struct oracle_table *table, int family, int length)
{
	return family == 4 ? &table->ipv4[length] : &table->ipv6[length];
}

/* The first `length` bits of the address, the others 0. */
static void addr_cut(int family, const uint8_t *addr, int length, uint8_t ret_addr[16])
{
	memset(ret_addr, 0, 16);
	for (int bit = 0; bit < length && bit < (family == 4 ? 32 : 128); bit++)
		ret_addr[bit / 8] |= addr[bit / 8] & (0x80 >> bit % 8);
}

static int entry_compare(const void *a, const void *b)
{
	return memcmp(((const struct entry *)a)->addr, ((const struct entry *)b)->addr, 16);
}

static struct entry *bucket_find(struct bucket *bucket, const struct entry *key)
{
	if (!bucket->count)
		return NULL;
	if (!bucket->sorted)
		qsort(bucket->entries, bucket->count, sizeof(*key), entry_compare);
	bucket->sorted = true;
	return bsearch(key, bucket->entries, bucket->count, sizeof(*key), entry_compare);
}

void oracle_table_add(struct oracle_table *table, int family, const uint8_t *addr, int length,
		      uint32_t connection)
{
	struct bucket *bucket = table_bucket(table, family, length);
	struct entry entry = {.connection = connection};

	addr_cut(family, addr, length, entry.addr);
	if (bucket->count == bucket->room) {
		bucket->room = bucket->room ? bucket->room * 2 : 16;
		bucket->entries = realloc(bucket->entries, bucket->room * sizeof(entry));
		if (!bucket->entries)
			abort();
	}
	bucket->entries[bucket->count++] = entry;
	bucket->sorted = false;
}

uint32_t oracle_table_lookup(struct oracle_table *table, int family, const uint8_t *addr)
{
	struct entry key = {0};

	for (int length = family == 4 ? 32 : 128; length >= 0; length--) {
		struct entry *found;

		addr_cut(family, addr, length, key.addr);
		found = bucket_find(table_bucket(table, family, length), &key);
		if (found)
			return found->connection;
	}
	return 0;
}

/* A frame read byte by byte; behind the end it reads 0 and remembers that it was cut. */
struct reader {
	const uint8_t *frame;
	size_t size;
	size_t pos;
	bool cut;
};

static unsigned int read_byte(struct reader *reader)
{
	if (reader->pos >= reader->size) {
		reader->cut = true;
		return 0;
	}
	return reader->frame[reader->pos++];
}

static unsigned int read_word(struct reader *reader)
{
	unsigned int high = read_byte(reader);

	return high << 8 | read_byte(reader);
}

static bool is_vlan(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/*
 * Each of these reads on from where the reader stands. ORACLE_UNMATCHED means: an IP header, of the
 * verdict's family, at the verdict's offset.
 */
static enum oracle_outcome read_ipv4(struct reader *reader, struct oracle_verdict *verdict)
{
	size_t remain = reader->size - reader->pos;
	const uint8_t *header = reader->frame + reader->pos;
	unsigned int header_size, total;

	if (remain < 20)
		return ORACLE_MALFORMED;
	if (header[0] / 16 != 4)
		return ORACLE_MALFORMED;
	header_size = header[0] % 16 * 4;
	if (header_size < 20 || header_size > remain)
		return ORACLE_MALFORMED;
	total = header[2] * 256u + header[3];
	if (total != 0 && total < header_size)
		return ORACLE_MALFORMED;
	verdict->family = 4;
	verdict->ip_offset = reader->pos;
	return ORACLE_UNMATCHED;
}

static enum oracle_outcome read_ipv6(struct reader *reader, struct oracle_verdict *verdict)
{
	if (reader->size - reader->pos < 40)
		return ORACLE_MALFORMED;
	if (reader->frame[reader->pos] / 16 != 6)
		return ORACLE_MALFORMED;
	verdict->family = 6;
	verdict->ip_offset = reader->pos;
	return ORACLE_UNMATCHED;
}

static enum oracle_outcome read_pppoe(struct reader *reader, struct oracle_verdict *verdict)
{
	unsigned int version_type = read_byte(reader);
	unsigned int code = read_byte(reader);
	unsigned int protocol;

	read_word(reader); /* session */
	read_word(reader); /* length */
	protocol = read_word(reader);
	if (reader->cut || version_type != 0x11 || code != 0)
		return ORACLE_MALFORMED;
	if (protocol == 0x0021)
		return read_ipv4(reader, verdict);
	if (protocol == 0x0057)
		return read_ipv6(reader, verdict);
	return ORACLE_NOT_IP;
}

static enum oracle_outcome read_mpls(struct reader *reader, struct oracle_verdict *verdict)
{
	bool bottom = false;

	for (int labels = 0; labels < 8 && !bottom; labels++) {
		read_word(reader);
		bottom = read_byte(reader) & 1;
		read_byte(reader); /* time to live */
		if (reader->cut)
			return ORACLE_MALFORMED;
	}
	if (!bottom)
		return ORACLE_UNSUPPORTED;
	if (reader->pos == reader->size)
		return ORACLE_MALFORMED;
	if (reader->frame[reader->pos] / 16 == 4)
		return read_ipv4(reader, verdict);
	if (reader->frame[reader->pos] / 16 == 6)
		return read_ipv6(reader, verdict);
	return ORACLE_NOT_IP;
}

static enum oracle_outcome read_frame(struct reader *reader, struct oracle_verdict *verdict)
{
	unsigned int type;

	if (reader->size < 14)
		return ORACLE_MALFORMED;
	reader->pos = 12;
	type = read_word(reader);
	for (int tags = 1; is_vlan(type); tags++) {
		if (tags == 3)
			return ORACLE_UNSUPPORTED;
		read_word(reader);
		type = read_word(reader);
		if (reader->cut)
			return ORACLE_MALFORMED;
	}
	if (type == 0x8864)
		return read_pppoe(reader, verdict);
	if (type == 0x8847 || type == 0x8848)
		return read_mpls(reader, verdict);
	if (type == 0x0800)
		return read_ipv4(reader, verdict);
	if (type == 0x86dd)
		return read_ipv6(reader, verdict);
	return ORACLE_NOT_IP;
}

void oracle_classify(struct oracle_table *table, const uint8_t *frame, size_t size,
		     struct oracle_verdict *ret_verdict)
{
	struct reader reader = {.frame = frame, .size = size};
	struct oracle_verdict verdict = {0};
	const uint8_t *source, *destination;

	verdict.outcome = read_frame(&reader, &verdict);
	if (verdict.family) {
		source = frame + verdict.ip_offset + (verdict.family == 4 ? 12 : 8);
		destination = source + (verdict.family == 4 ? 4 : 16);
		verdict.source = oracle_table_lookup(table, verdict.family, source);
		verdict.destination = oracle_table_lookup(table, verdict.family, destination);
		if (verdict.source || verdict.destination)
			verdict.outcome = ORACLE_MATCHED;
	}
	*ret_verdict = verdict;
}

/*
 * A checksum that was right is right again, one that was wrong stays wrong by the same amount: the
 * sum of all words of the header, modulo 65535, does not change.
 */
static void write_dscp_ipv4(uint8_t *ip, unsigned int dscp)
{
	unsigned int old = ip[1], new = dscp * 4 + old % 4;
	unsigned int checksum = (ip[10] * 256u + ip[11] + 65535 + old - new) % 65535;

	ip[1] = new;
	ip[10] = checksum / 256;
	ip[11] = checksum % 256;
}

void oracle_write_dscp(uint8_t *frame, const struct oracle_verdict *verdict, unsigned int dscp)
{
	uint8_t *ip = frame + verdict->ip_offset;
	unsigned int class;

	if (verdict->family == 4) {
		write_dscp_ipv4(ip, dscp);
		return;
	}
	class = ip[0] % 16 * 16 + ip[1] / 16; /* dscp, and two bits of congestion notification */
	class = dscp * 4 + class % 4;
	ip[0] = 0x60 + class / 16;
	ip[1] = class % 16 * 16 + ip[1] % 16;
}

void oracle_push_vlan(const uint8_t *frame, size_t size, unsigned int vlan, uint8_t *ret_frame)
{
	memcpy(ret_frame, frame, 12);
	ret_frame[12] = 0x81;
	ret_frame[13] = 0x00;
	ret_frame[14] = vlan / 256;
	ret_frame[15] = vlan % 256;
	memcpy(ret_frame + 16, frame + 12, size - 12);
}
