/* SPDX-License-Identifier: BSD-3-Clause */
#include "hugepages.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define HUGEPAGES_DIR "/sys/kernel/mm/hugepages"

static __u64 read_number(const char *folder, const char *name)
{
	unsigned long long number = 0;
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), HUGEPAGES_DIR "/%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

static __u64 difference(__u64 a, __u64 b)
{
	return a > b ? a - b : 0;
}

static int by_size(const void *a, const void *b)
{
	const struct hugepages *left = a, *right = b;

	return left->page_bytes < right->page_bytes ? -1 : left->page_bytes > right->page_bytes;
}

size_t hugepages_read(struct hugepages ret[HUGEPAGE_SIZES_MAX])
{
	unsigned long long kilobytes;
	struct dirent *entry;
	size_t count = 0;
	DIR *dir = opendir(HUGEPAGES_DIR);

	while (dir && count < HUGEPAGE_SIZES_MAX && (entry = readdir(dir))) {
		const char *folder = entry->d_name;

		if (sscanf(folder, "hugepages-%llukB", &kilobytes) != 1)
			continue;
		ret[count++] = (struct hugepages){
			.page_bytes = kilobytes << 10,
			.free = difference(read_number(folder, "free_hugepages"),
					   read_number(folder, "resv_hugepages")) +
				difference(read_number(folder, "nr_overcommit_hugepages"),
					   read_number(folder, "surplus_hugepages")),
			.total = read_number(folder, "nr_hugepages"),
		};
	}
	if (dir)
		closedir(dir);
	qsort(ret, count, sizeof(*ret), by_size);
	return count;
}

__u64 hugepages_free_bytes(void)
{
	struct hugepages sizes[HUGEPAGE_SIZES_MAX];
	size_t count = hugepages_read(sizes);
	__u64 bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += sizes[i].free * sizes[i].page_bytes;
	return bytes;
}

__u64 memory_available_bytes(void)
{
	unsigned long long kilobytes = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes << 10;
}
