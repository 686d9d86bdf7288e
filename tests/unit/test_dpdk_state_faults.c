/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the file of the DPDK engine's counters may turn out to be: cut off, damaged, another's, not
 * a file; and a file system that is full. Nothing that is found is replaced, nor read beyond.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "state_fixture.h"

#define CAPACITY 20
#define LANES	 2
#define NOBODY	 65534
#define FLIPS	 3000
#define HEADS	 20000

/* A good file, and what is in it. */
struct good {
	struct place place;
	struct random random;
	size_t bytes;
	char *image;
	char *mapped; /* the file itself */
};

static void good_write(struct good *good)
{
	int fd = open(good->place.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, good->image, good->bytes), good->bytes);
	close(fd);
}

static int good_setup(void **argument)
{
	struct good *good = calloc(1, sizeof(*good));
	struct state *state;
	int fd;

	place_init(&good->place);
	random_init(&good->random);
	state = place_open(&good->place, CAPACITY, LANES);
	state_scribble(state, &good->random);
	good->bytes = state->bytes;
	good->image = malloc(state->bytes);
	memcpy(good->image, state->file, state->bytes);
	state_free(state);
	fd = open(good->place.path, O_RDWR);
	good->mapped = mmap(NULL, good->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(good->mapped != MAP_FAILED);
	close(fd);
	*argument = good;
	return 0;
}

static int good_teardown(void **argument)
{
	struct good *good = *argument;

	place_done(&good->place);
	munmap(good->mapped, good->bytes);
	free(good->image);
	free(good);
	return 0;
}

/* Both who wants it as it is, and who wants another size. */
static void check_refused(const struct good *good, int error)
{
	struct message message;

	for (uint32_t more = 0; more < 2; more++) {
		assert_int_equal(place_refuses(&good->place, CAPACITY + more, LANES, &message),
				 error);
		assert_non_null(strstr(message.text, good->place.path));
		assert_non_null(strstr(message.text, "move it away"));
		assert_true(place_has_only(&good->place, "c"));
	}
}

/* One field of the head, or of what is behind it, that is not what it should be. */
struct damage {
	size_t offset;
	size_t bytes;
	uint64_t value;
	int error;
};

#define FIELD(name) offsetof(struct state_file, name), sizeof(((struct state_file *)NULL)->name)

static const struct damage damages[] = {
	{FIELD(magic), 0, -EBADMSG},
	{FIELD(magic), 0x7067747374617431, -EBADMSG},
	{FIELD(abi), 0, -EPROTONOSUPPORT},
	{FIELD(abi), STATE_ABI + 1, -EPROTONOSUPPORT},
	{FIELD(capacity), 0, -EBADMSG},
	{FIELD(capacity), CAPACITY + 1, -EBADMSG},
	{FIELD(capacity), CAPACITY - 2, -EBADMSG},
	{FIELD(capacity), UINT32_MAX, -EBADMSG},
	{FIELD(lane_count), 0, -EBADMSG},
	{FIELD(lane_count), LANES - 1, -EBADMSG},
	{FIELD(lane_count), LANES + 1, -EBADMSG},
	{FIELD(lane_count), UINT32_MAX, -EBADMSG},
	{FIELD(reserved), 1, -EBADMSG},
	{FIELD(owners_offset), 0, -EBADMSG},
	{FIELD(owners_offset), 4097, -EBADMSG},
	{FIELD(owners_offset), UINT64_MAX, -EBADMSG},
	{FIELD(lanes_offset), 4096, -EBADMSG},
	{FIELD(lanes_offset), 1ull << 63, -EBADMSG},
	/* The first owner: in_use is neither, or nobody's is in use. */
	{4100, 4, 2, -EBADMSG},
	{4096, 8, 1ull << 32, -EBADMSG},
};

static void a_damaged_file_is_refused_and_stays_as_it_is(void **argument)
{
	struct good *good = *argument;
	char *before = malloc(good->bytes);

	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		memcpy(good->mapped + damages[i].offset, &damages[i].value, damages[i].bytes);
		memcpy(before, good->mapped, good->bytes);
		check_refused(good, damages[i].error);
		assert_memory_equal(before, good->mapped, good->bytes);
		memcpy(good->mapped, good->image, good->bytes);
	}
	free(before);
	memset(good->mapped + offsetof(struct state_file, ports[31]), 'x', STATE_PORT_BYTES);
	check_refused(good, -EBADMSG);
}

/* Uses all of what was accepted: what lies beyond the file would be a signal. */
static void walk(const struct good *good, struct state *state)
{
	char *end = (char *)state->file + good->bytes;
	struct totals totals;
	uint32_t slot;

	assert_true((char *)&state->owners.owners[state->capacity] <= (char *)state->lanes);
	assert_true((char *)state->lanes + state->lane_count * pt_lane_bytes(state->capacity) <=
		    end);
	totals_read(&totals, state, state->capacity);
	assert_true(state_port_slot(state, "another port", &slot) <= 0);
	state->owners.zero(state->owners.counters, 0, state->capacity);
}

/* Opens it as it is said to be; what is accepted can be walked through. */
static bool try_open(const struct good *good, uint32_t capacity, uint32_t lane_count)
{
	struct message message = {};
	struct state *state;

	if (state_open(good->place.path, capacity, lane_count, &state, &message)) {
		assert_non_null(strstr(message.text, good->place.path));
		return false;
	}
	walk(good, state);
	state_free(state);
	return true;
}

static void flip(struct good *good, size_t bit)
{
	const struct state_file *head = (const struct state_file *)good->mapped;

	good->mapped[bit / 8] ^= 1 << bit % 8;
	if (!try_open(good, head->capacity, head->lane_count))
		assert_true(place_has_only(&good->place, "c"));
	/* The numbers that say where everything is are never believed wrong. */
	else if (bit / 8 < offsetof(struct state_file, registry))
		assert_int_equal(pt_lane_bytes(head->capacity), pt_lane_bytes(CAPACITY));
	memcpy(good->mapped, good->image, good->bytes);
}

static void no_flipped_bit_leads_astray(void **argument)
{
	struct good *good = *argument;

	for (size_t bit = 0; bit < 8 * sizeof(struct state_file); bit++)
		flip(good, bit);
	for (int i = 0; i < FLIPS; i++)
		flip(good, random_below(&good->random, 8 * good->bytes));
}

static void no_head_leads_astray(void **argument)
{
	static const uint64_t numbers[] = {
		0,	    1,	       2,	   CAPACITY,	      LANES,
		4096,	    8192,      12288,	   1ull << 31,	      UINT32_MAX,
		1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX - 4095, UINT64_MAX};
	struct good *good = *argument;
	struct state_file *head = (struct state_file *)good->mapped;
	size_t count = sizeof(numbers) / sizeof(*numbers);

	for (int i = 0; i < HEADS; i++) {
		head->capacity = numbers[random_below(&good->random, count)];
		head->lane_count = numbers[random_below(&good->random, count)];
		head->owners_offset = numbers[random_below(&good->random, count)];
		head->lanes_offset = numbers[random_below(&good->random, count)];
		if (try_open(good, head->capacity, head->lane_count))
			assert_true(head->capacity == CAPACITY && head->lane_count == LANES);
		memcpy(good->mapped, good->image, good->bytes);
	}
}

static void a_file_of_another_length_is_refused(void **argument)
{
	struct good *good = *argument;
	size_t length;

	for (length = 0; length < 4200; length += length < 64 ? 1 : 59) {
		assert_int_equal(truncate(good->place.path, length), 0);
		check_refused(good, -EBADMSG);
		good_write(good);
	}
	for (int i = 0; i < 300; i++) {
		assert_int_equal(
			truncate(good->place.path, random_below(&good->random, good->bytes)), 0);
		check_refused(good, -EBADMSG);
		good_write(good);
	}
	assert_int_equal(truncate(good->place.path, good->bytes + 1), 0);
	check_refused(good, -EBADMSG);
	assert_int_equal(truncate(good->place.path, 1ull << 40), 0);
	check_refused(good, -EBADMSG);
}

static void make_garbage(struct good *good)
{
	memset(good->mapped, 0x5a, good->bytes);
}

static void make_folder(struct good *good)
{
	unlink(good->place.path);
	assert_int_equal(mkdir(good->place.path, 0700), 0);
}

static void make_pipe(struct good *good)
{
	unlink(good->place.path);
	assert_int_equal(mkfifo(good->place.path, 0600), 0);
}

static void make_socket(struct good *good)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(good->place.path);
	strcpy(address.sun_path, good->place.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void make_dangling_link(struct good *good)
{
	unlink(good->place.path);
	assert_int_equal(symlink("nothing", good->place.path), 0);
}

static void make_writable_by_others(struct good *good)
{
	assert_int_equal(chmod(good->place.path, 0606), 0);
}

static void make_foreign(struct good *good)
{
	assert_int_equal(geteuid() ? 0 : chown(good->place.path, NOBODY, NOBODY), 0);
}

struct stranger {
	const char *words;
	void (*make)(struct good *good);
	int error;
};

static const struct stranger strangers[] = {
	{"not a file of counters", make_garbage, -EBADMSG},
	{"not a file", make_folder, -EISDIR},
	{"not a file", make_pipe, -EPERM},
	{"not a file", make_socket, -ENXIO},
	{"not a file", make_dangling_link, -ELOOP},
	{"others may write", make_writable_by_others, -EPERM},
	{"another user", make_foreign, -EPERM},
};

static void what_is_not_its_own_file_is_refused(void **argument)
{
	struct good *good = *argument;
	struct message message;

	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		if (strangers[i].make == make_foreign && geteuid())
			continue;
		strangers[i].make(good);
		check_refused(good, strangers[i].error);
		place_refuses(&good->place, CAPACITY, LANES, &message);
		assert_non_null(strstr(message.text, strangers[i].words));
		rmdir(good->place.path);
		unlink(good->place.path);
		good_write(good);
	}
	state_free(place_open(&good->place, CAPACITY, LANES));
}

/* A name that somebody else put there, of a file that must not be written. */
static void links_to_other_files_are_not_followed(void **argument)
{
	struct good *good = *argument;
	char other[128];
	struct message message;

	snprintf(other, sizeof(other), "%s/other", good->place.folder);
	assert_int_equal(rename(good->place.path, other), 0);
	for (int way = 0; way < 4; way++) {
		const char *path = way & 1 ? good->place.temporary : good->place.path;

		assert_int_equal(way & 2 ? link(other, path) : symlink("other", path), 0);
		assert_int_equal(place_refuses(&good->place, CAPACITY, LANES, &message),
				 way & 2 ? -EPERM : -ELOOP);
		assert_non_null(strstr(message.text, path));
		assert_memory_equal(good->mapped, good->image, good->bytes);
		assert_int_equal(unlink(path), 0);
	}
	unlink(other);
}

static void a_folder_that_is_missing_is_named(void **argument)
{
	struct good *good = *argument;
	struct place place = good->place;
	struct message message;

	snprintf(place.path, sizeof(place.path), "%s/missing/c", place.folder);
	assert_int_equal(place_refuses(&place, CAPACITY, LANES, &message), -ENOENT);
	assert_non_null(strstr(message.text, place.path));
	assert_int_equal(place_refuses(&place, 0, LANES, &message), -EINVAL);
	assert_int_equal(place_refuses(&place, CAPACITY, 0, &message), -EINVAL);
}

/* A megabyte, in a namespace of our own. */
static bool mount_small(const char *folder)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", folder, "tmpfs", 0, "size=1m,mode=0700") == 0;
}

/* Leaves no room at all. */
static void fill_up(const struct place *place)
{
	char path[128], page[4096] = {};
	int fd;

	snprintf(path, sizeof(path), "%s/c.rest", place->folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	while (write(fd, page, sizeof(page)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void a_full_file_system_is_an_error_and_never_a_signal(void **argument)
{
	struct good *good = *argument;
	struct message message;
	struct state *state;

	if (!mount_small(good->place.folder)) {
		print_message("# only root can mount: %s\n", strerror(errno));
		skip();
	}
	good_write(good);
	assert_int_equal(place_refuses(&good->place, 100000, 4, &message), -ENOSPC);
	assert_non_null(strstr(message.text, "13639680 bytes are needed"));
	/* 2^64 bytes, were they counted in 64 bits. */
	assert_int_equal(place_refuses(&good->place, (1u << 31) - 256, 1 << 28, &message), -EINVAL);
	assert_true(place_has_only(&good->place, "c"));
	state = place_open(&good->place, CAPACITY, LANES);
	assert_memory_equal(state->file, good->image, good->bytes);
	state_free(state);

	/* A worker that counts for the first time where nobody has counted before. */
	state = place_open(&good->place, 5000, 4);
	fill_up(&good->place);
	state_scribble(state, &good->random);
	state_free(state);

	/* A copy with holes in it has no room for what they would hold. */
	memset(good->image + 16384, 0, good->bytes - 16384);
	unlink(good->place.path);
	good_write(good);
	assert_int_equal(truncate(good->place.path, 16384), 0);
	assert_int_equal(truncate(good->place.path, good->bytes), 0);
	fill_up(&good->place);
	assert_int_equal(place_refuses(&good->place, CAPACITY, LANES, &message), -ENOSPC);
	umount2(good->place.folder, MNT_DETACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, good_setup, good_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_damaged_file_is_refused_and_stays_as_it_is),
		TEST(no_flipped_bit_leads_astray),
		TEST(no_head_leads_astray),
		TEST(a_file_of_another_length_is_refused),
		TEST(what_is_not_its_own_file_is_refused),
		TEST(links_to_other_files_are_not_followed),
		TEST(a_folder_that_is_missing_is_named),
		TEST(a_full_file_system_is_an_error_and_never_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
