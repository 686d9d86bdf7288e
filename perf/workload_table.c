/* SPDX-License-Identifier: BSD-3-Clause */
/* Real sets, read from files that are not part of the project. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "draft.h"

#define LINE_MAX_BYTES 256
#define ASN_MAX	       (1u << 24) /* larger ones do not occur in the table */

static const struct {
	const char *name, *path;
	bool family[PT_FAMILIES];
} tables[WORKLOAD_TABLES] = {
	[WORKLOAD_MAE_WEST] = {"mae-west", "tables/mae-west-v4.txt", {true, false}},
	[WORKLOAD_ASN] = {"ipasn", "tables/ipasn_20140513.dat.gz", {true, false}},
	[WORKLOAD_COUNTRIES] = {"countries", "connections/countries.jsonl", {true, true}},
};

/* Adds "192.0.2.0/24" or "2001:db8::/32" if it is of the draft's family, and no default route. */
static int add_text(struct draft *draft, const char *text, __u32 class)
{
	enum pt_family family = strchr(text, ':') ? PT_IPV6 : PT_IPV4;
	char copy[64] = "";
	workload_addr addr = 0;
	__u8 bytes[16] = {};
	char *slash, *end;
	unsigned long len;

	if (family != draft->family)
		return 0;
	strncpy(copy, text, sizeof(copy) - 1);
	slash = strchr(copy, '/');
	if (!slash)
		return -EBADMSG;
	*slash = '\0';
	len = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || len > (family == PT_IPV4 ? 32 : 128) ||
	    inet_pton(family == PT_IPV4 ? AF_INET : AF_INET6, copy, bytes) != 1)
		return -EBADMSG;
	for (int byte = 0; byte < 16; byte++)
		addr = addr << 8 | bytes[byte];
	if (len)
		draft_add(draft, addr, len, class);
	return 0;
}

/* Lines of a prefix and, behind a tab, perhaps a number, which is the class for now. */
static int read_lines(struct draft *draft, const char *path)
{
	char line[LINE_MAX_BYTES];
	gzFile file = gzopen(path, "rb");
	int error = 0;

	if (!file)
		return -errno;
	while (!error && gzgets(file, line, sizeof(line))) {
		unsigned long number;
		char *prefix = strtok(line, " \t\r\n");
		char *rest = strtok(NULL, " \t\r\n");

		if (!prefix || *prefix == ';')
			continue;
		number = rest ? strtoul(rest, NULL, 10) : 0;
		error = number < ASN_MAX ? add_text(draft, prefix, number) : -EBADMSG;
	}
	gzclose(file);
	return error;
}

/* Classes in the place of numbers: each number that occurs gets one, in the order they come. */
static int number_classes(struct draft *draft)
{
	__u32 *classes = calloc(ASN_MAX, sizeof(*classes)), count = 0;

	if (!classes)
		return -ENOMEM;
	for (__u32 i = 0; i < draft->count; i++) {
		__u32 *class = &classes[draft->prefixes[i].class];

		if (!*class)
			*class = ++count;
		draft->prefixes[i].class = *class;
	}
	free(classes);
	return 0;
}

static int add_connection(struct draft *draft, const json_t *connection, __u32 class)
{
	const json_t *prefixes = json_object_get(connection, "prefixes");
	int error = 0;

	for (size_t i = 0; !error && i < json_array_size(prefixes); i++) {
		const char *text = json_string_value(json_array_get(prefixes, i));

		error = text ? add_text(draft, text, class) : -EBADMSG;
	}
	return error;
}

static int read_connections(struct draft *draft, const char *path)
{
	FILE *file = fopen(path, "r");
	json_t *connection;
	__u32 class = 0;
	int error = 0;

	if (!file)
		return -errno;
	while (!error && (connection = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL))) {
		error = add_connection(draft, connection, ++class);
		json_decref(connection);
	}
	if (!error && !feof(file))
		error = -EBADMSG;
	fclose(file);
	return error;
}

static int read_table(struct draft *draft, enum workload_table table, const char *path)
{
	int error;

	if (table == WORKLOAD_COUNTRIES)
		return read_connections(draft, path);
	error = read_lines(draft, path);
	if (error)
		return error;
	draft_sort(draft);
	if (table == WORKLOAD_ASN)
		return number_classes(draft);
	draft_classes(draft, workload_classes(draft->count));
	return 0;
}

const char *workload_table_path(enum workload_table table, enum pt_family family)
{
	return tables[table].family[family] ? tables[table].path : NULL;
}

int workload_read(enum workload_table table, enum pt_family family, const char *folder, __u64 seed,
		  struct workload **ret_workload)
{
	struct draft draft;
	char path[4096];
	int error;

	if (!tables[table].family[family])
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/%s", folder, tables[table].path);
	draft_init(&draft, family, seed);
	error = read_table(&draft, table, path);
	if (!error && !draft.count)
		error = -EBADMSG;
	if (!error)
		return draft_finish(&draft, tables[table].name, ret_workload);
	draft_done(&draft);
	return error;
}
