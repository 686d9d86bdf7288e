/* SPDX-License-Identifier: BSD-3-Clause */
/* The verifier of snapshots: every promise of the header, broken one by one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peertag/snapshot.h>

#define CAPACITY 8

/* Three classes of two connections, three rules a family. */
struct image {
	struct pt_snapshot header;
	struct pt_class classes[3];
	struct pt_rule4 rules4[3];
	__u8 pad[4];
	struct pt_rule6 rules6[3];
};
_Static_assert(offsetof(struct image, rules6) % 8 == 0, "the layout that the header asks for");

static struct image good_image(void)
{
	struct image image = {
		.header = {.magic = PT_SNAPSHOT_MAGIC,
			   .abi = PT_SNAPSHOT_ABI,
			   .bytes = sizeof(struct image),
			   .generation = 1,
			   .default_class = {0, 3},
			   .class_count = 3,
			   .counters = 2,
			   .rule_count = {3, 3},
			   .classes_offset = offsetof(struct image, classes),
			   .rules_offset = {offsetof(struct image, rules4),
					    offsetof(struct image, rules6)}},
		.classes = {{1, 7, 0, 0, 1, 0, PT_DSCP_NONE, 0},
			    {2, 9, 1, 0, 2, 4094, 63, 0},
			    {3, 7, 0, 1, 1, 0, 0, 0}},
		.rules4 = {{0x0a000000, 1, 8, {}},
			   {0x0a000000, 3, 16, {}},
			   {0xcb007101, 2, 32, {}}},
		.rules6 = {{{0x20, 0x01}, 1, 16, {}},
			   {{0x20, 0x01}, 3, 32, {}},
			   {{0x20, 0x02, [15] = 1}, 2, 128, {}}},
	};

	return image;
}

static void seal(struct image *image)
{
	image->header.checksum = pt_snapshot_checksum(&image->header);
}

static int verify(const struct image *image)
{
	const char *why = NULL;
	int error = pt_snapshot_verify(image, sizeof(*image), CAPACITY, &why);

	if (error)
		assert_non_null(why);
	return error;
}

static void a_good_snapshot_is_accepted(void **state)
{
	struct image image = good_image();

	(void)state;
	seal(&image);
	assert_int_equal(verify(&image), 0);
}

static void an_empty_snapshot_is_accepted(void **state)
{
	struct pt_snapshot header = {.magic = PT_SNAPSHOT_MAGIC,
				     .abi = PT_SNAPSHOT_ABI,
				     .bytes = sizeof(header),
				     .generation = 1,
				     .classes_offset = sizeof(header),
				     .rules_offset = {sizeof(header), sizeof(header)}};
	const char *why;

	(void)state;
	header.checksum = pt_snapshot_checksum(&header);
	assert_int_equal(pt_snapshot_verify(&header, sizeof(header), 0, &why), 0);
}

/* A word of the image, and a value that makes it wrong though the checksum fits. */
struct breakage {
	const char *what;
	size_t offset;
	size_t bytes;
	__u64 value;
	int error;
};

#define BREAK(member, value, error)                                                                \
	{                                                                                          \
#member, offsetof(struct image, member), sizeof(((struct image *)0)->member),      \
			value, error                                                               \
	}

static const struct breakage breakages[] = {
	BREAK(header.magic, 0x3267617472656570ull, -EBADMSG),
	BREAK(header.abi, PT_SNAPSHOT_ABI + 1, -EPROTONOSUPPORT),
	BREAK(header.reserved, 1, -EBADMSG),
	BREAK(header.generation, 0, -EBADMSG),
	BREAK(header.default_class[PT_IPV4], 4, -EBADMSG),
	BREAK(header.default_class[PT_IPV6], ~0u, -EBADMSG),
	BREAK(header.class_count, 2, -EBADMSG),
	BREAK(header.class_count, 4, -EBADMSG),
	BREAK(header.class_count, ~0u, -EBADMSG),
	BREAK(header.counters, 1, -EBADMSG),
	BREAK(header.counters, CAPACITY + 1, -ENOSPC),
	BREAK(header.rule_count[PT_IPV4], 2, -EBADMSG),
	BREAK(header.rule_count[PT_IPV4], ~0u, -EBADMSG),
	BREAK(header.rule_count[PT_IPV6], 4, -EBADMSG),
	BREAK(header.rule_count[PT_IPV6], ~0u, -EBADMSG),
	BREAK(header.classes_offset, 0, -EBADMSG),
	BREAK(header.classes_offset, ~0ull, -EBADMSG),
	BREAK(header.rules_offset[PT_IPV4], 96, -EBADMSG),
	BREAK(header.rules_offset[PT_IPV6], ~0ull, -EBADMSG),
	BREAK(classes[0].class, 2, -EBADMSG),
	BREAK(classes[0].connection, 0, -EBADMSG),
	BREAK(classes[0].connection, 8, -EBADMSG), /* shares its counter with class 3, of 7 */
	BREAK(classes[1].counter, 2, -EBADMSG),
	BREAK(classes[1].counter, 0, -EBADMSG), /* the counter of another connection */
	BREAK(classes[1].counter, ~0u, -EBADMSG),
	BREAK(classes[1].mark, 0, -EBADMSG),
	BREAK(classes[1].vlan, 4095, -EBADMSG),
	BREAK(classes[1].dscp, 64, -EBADMSG),
	BREAK(classes[2].reserved, 1, -EBADMSG),
	BREAK(rules4[0].class, 0, -EBADMSG),
	BREAK(rules4[0].class, 4, -EBADMSG),
	BREAK(rules4[0].len, 0, -EBADMSG),
	BREAK(rules4[0].len, 6, -EBADMSG), /* 10.0.0.0/6 has a bit below */
	BREAK(rules4[2].len, 33, -EBADMSG),
	BREAK(rules4[1].len, 8, -EBADMSG), /* there twice */
	BREAK(rules4[2].addr, 0x09000000, -EBADMSG),
	BREAK(rules4[1].reserved[2], 1, -EBADMSG),
	BREAK(rules6[0].class, 4, -EBADMSG),
	BREAK(rules6[0].len, 0, -EBADMSG),
	BREAK(rules6[0].len, 15, -EBADMSG),
	BREAK(rules6[1].len, 129, -EBADMSG),
	BREAK(rules6[1].len, 16, -EBADMSG),
	BREAK(rules6[2].len, 127, -EBADMSG),
	BREAK(rules6[0].addr[15], 1, -EBADMSG),
	BREAK(rules6[2].addr[0], 0x1f, -EBADMSG),
	BREAK(rules6[1].reserved[0], 1, -EBADMSG),
};

static void every_broken_promise_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(breakages) / sizeof(*breakages); i++) {
		const struct breakage *breakage = &breakages[i];
		struct image image = good_image();

		memcpy((char *)&image + breakage->offset, &breakage->value, breakage->bytes);
		seal(&image);
		if (verify(&image) != breakage->error)
			fail_msg("%s = %llx: %d instead of %d", breakage->what,
				 (unsigned long long)breakage->value, verify(&image),
				 breakage->error);
	}
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct image image = good_image();
	__u8 *bytes = (__u8 *)&image;

	(void)state;
	seal(&image);
	for (size_t bit = 0; bit < sizeof(image) * 8; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		if (verify(&image) == 0)
			fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(verify(&image), 0);
}

/* From memory of exactly that length, so that a read past the end is found by a sanitizer. */
static void every_truncation_is_refused(void **state)
{
	struct image image = good_image();
	const char *why;

	(void)state;
	seal(&image);
	for (size_t bytes = 0; bytes < sizeof(image); bytes++) {
		void *copy = malloc(bytes ? bytes : 1);

		assert_non_null(copy);
		memcpy(copy, &image, bytes);
		assert_int_equal(pt_snapshot_verify(copy, bytes, CAPACITY, &why), -EBADMSG);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_snapshot_is_accepted),
		cmocka_unit_test(an_empty_snapshot_is_accepted),
		cmocka_unit_test(every_broken_promise_is_refused),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(every_truncation_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
