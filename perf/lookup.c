/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a longest prefix match costs in user space: ours and DPDK's, on one core, in bursts of 64.
 *
 *     lookup [OPTION...] [-- EAL-ARGUMENT...]
 *
 *     --ipv4 N,N,...   sizes of random sets; 0: none   (1000,10000,100000,1000000)
 *     --ipv6 N,N,...                                   (1000,10000,200000)
 *     --classes N      of random sets                  (an eighth of the prefixes, 1000 to 30000)
 *     --seed N                                         (1)
 *     --rounds N                                       (15)
 *     --slow-max N     above, rte_lpm is left out: it takes two minutes for a million (100000)
 *     --data FOLDER    of real tables                  (PEERTAG_DATA, or beside the project)
 *     --no-tables      no real tables
 *     --core N         the core that works             (1)
 *     --quick          small sets, short streams, 3 rounds: to see that it runs
 *
 * Prints a JSON list of items (see report.py) to stdout, and a table to stderr. Exits with 1 if a
 * structure gives a wrong answer.
 */
#include <errno.h>
#include <getopt.h>
#include <rte_eal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contest.h"
#include "hugepages.h"
#include "items.h"

#define SIZES_MAX	16
#define HUGEPAGES_LEAST (2ull << 30) /* with less free than this, EAL works without */
#define QUICK_STREAM	(1 << 16)

static const struct structure *const structures[] = {
	&structure_table4, &structure_table6, &structure_lpm,  &structure_fib_2b,
	&structure_fib_4b, &structure_lpm6,   &structure_fib6, NULL,
};

struct options {
	__u32 sizes[PT_FAMILIES][SIZES_MAX + 1]; /* up to a 0 */
	__u32 classes, slow_max;
	__u64 seed;
	unsigned int rounds;
	const char *data, *core;
	bool tables, quick;
};

static void die(const char *what)
{
	fprintf(stderr, "lookup: %s\n", what);
	exit(1);
}

static int case_stream(struct contest *contest, const struct reference *reference,
		       const struct options *options, enum stream_kind kind, json_t *items)
{
	const struct workload *workload = contest->workload;
	__u32 count = options->quick ? QUICK_STREAM : stream_count(workload->family);
	struct stream *stream = NULL;
	__u32 *classes = calloc(count, sizeof(*classes));
	double hits;
	int error;

	if (!classes || stream_new(workload, kind, count, options->seed, &stream))
		die("no memory for the addresses");
	hits = reference_answer(reference, stream, classes);
	error = contest_verify(contest, stream, classes);
	if (!error) {
		contest_run(contest, stream);
		items_add_lookups(items, contest, kind, hits);
		items_print_lookups(contest, kind, hits);
	}
	stream_free(stream);
	free(classes);
	return error;
}

/* All about one workload. */
static int case_run(const struct workload *workload, const struct options *options, json_t *items)
{
	struct reference *reference = NULL;
	struct contest contest;
	int error = 0;

	if (reference_new(workload, &reference))
		die("no memory for the reference");
	contest_open(&contest, workload, structures, options->slow_max, options->rounds);
	items_add_structures(items, &contest);
	items_print_structures(&contest);
	for (int kind = 0; kind < STREAM_KINDS; kind++)
		if (case_stream(&contest, reference, options, kind, items))
			error = -EBADMSG;
	contest_close(&contest);
	reference_free(reference);
	return error;
}

static int random_run(enum pt_family family, const struct options *options, json_t *items)
{
	struct workload *workload;
	int error = 0;

	for (const __u32 *size = options->sizes[family]; *size; size++) {
		__u32 classes = options->classes ? options->classes : workload_classes(*size);

		if (workload_random(family, *size, classes, options->seed, &workload))
			die("cannot make a random set of that size");
		error |= case_run(workload, options, items);
		workload_free(workload);
	}
	return error;
}

static int tables_run(const struct options *options, json_t *items)
{
	int result = 0;

	for (int table = 0; table < WORKLOAD_TABLES; table++)
		for (int family = 0; family < PT_FAMILIES; family++) {
			struct workload *workload;
			int error = workload_read(table, family, options->data, options->seed,
						  &workload);

			if (error == -ENOENT && !workload_table_path(table, family))
				continue;
			if (error) {
				fprintf(stderr, "skipped: %s/%s: %s\n", options->data,
					workload_table_path(table, family), strerror(-error));
				continue;
			}
			result |= case_run(workload, options, items);
			workload_free(workload);
		}
	return result;
}

/* In memory that is like the packets' memory where there is enough of it. */
static void eal_start(const struct options *options, int argc, char **argv)
{
	bool huge = hugepages_free_bytes() >= HUGEPAGES_LEAST;
	char *arguments[64] = {"lookup",
			       "-l",
			       (char *)options->core,
			       "--no-pci",
			       "--no-telemetry",
			       "--log-level=warning",
			       "--force-max-simd-bitwidth=512"};
	int count = 7;

	if (argc > 50)
		die("that many EAL arguments");
	if (argc == 0) {
		arguments[count++] = huge ? "--in-memory" : "--no-huge";
		arguments[count++] = "-m";
		arguments[count++] = huge ? "1024" : "8192";
		fprintf(stderr, "lookup: memory in pages of %s\n",
			huge ? "2 MiB or more" : "4 KiB");
	}
	for (int i = 0; i < argc; i++)
		arguments[count++] = argv[i];
	if (rte_eal_init(count, arguments) < 0)
		die("cannot start EAL");
}

static void sizes_parse(char *text, __u32 sizes[SIZES_MAX + 1])
{
	int count = 0;

	for (char *word = strtok(text, ","); word && count < SIZES_MAX; word = strtok(NULL, ","))
		sizes[count++] = strtoul(word, NULL, 10);
	sizes[count] = 0;
}

static void quick_set(struct options *options)
{
	options->quick = true;
	options->rounds = 3;
	options->tables = false;
	for (int family = 0; family < PT_FAMILIES; family++)
		options->sizes[family][2] = 0;
}

static const struct option long_options[] = {
	{"ipv4", required_argument, NULL, '4'},
	{"ipv6", required_argument, NULL, '6'},
	{"classes", required_argument, NULL, 'n'},
	{"seed", required_argument, NULL, 's'},
	{"rounds", required_argument, NULL, 'r'},
	{"slow-max", required_argument, NULL, 'm'},
	{"data", required_argument, NULL, 'd'},
	{"no-tables", no_argument, NULL, 't'},
	{"core", required_argument, NULL, 'c'},
	{"quick", no_argument, NULL, 'q'},
	{},
};

static void option_set(struct options *options, int option)
{
	switch (option) {
	case '4':
		return sizes_parse(optarg, options->sizes[PT_IPV4]);
	case '6':
		return sizes_parse(optarg, options->sizes[PT_IPV6]);
	case 'n':
		options->classes = strtoul(optarg, NULL, 10);
		return;
	case 's':
		options->seed = strtoull(optarg, NULL, 0);
		return;
	case 'r':
		options->rounds = strtoul(optarg, NULL, 10);
		return;
	case 'm':
		options->slow_max = strtoul(optarg, NULL, 10);
		return;
	case 'd':
		options->data = optarg;
		return;
	case 't':
		options->tables = false;
		return;
	case 'c':
		options->core = optarg;
		return;
	case 'q':
		return quick_set(options);
	default:
		die("the head of perf/lookup.c says what the options are");
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.sizes = {{1000, 10000, 100000, 1000000}, {1000, 10000, 200000}},
		.slow_max = 100000,
		.seed = 1,
		.rounds = 15,
		.data = getenv("PEERTAG_DATA") ? getenv("PEERTAG_DATA") : PEERTAG_DATA_DEFAULT,
		.core = "1",
		.tables = true,
	};
	json_t *items = json_array();
	int option, error;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		option_set(&options, option);
	if (!options.rounds)
		die("at least 1 round");
	eal_start(&options, argc - optind, argv + optind);
	error = random_run(PT_IPV4, &options, items) | random_run(PT_IPV6, &options, items);
	if (options.tables)
		error |= tables_run(&options, items);
	json_dumpf(items, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(5));
	puts("");
	json_decref(items);
	rte_eal_cleanup();
	return error ? 1 : 0;
}
