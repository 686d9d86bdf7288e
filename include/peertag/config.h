/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file, as control, the engines and the command line read it.
 * Threading: a loaded configuration is immutable.
 */
#ifndef PEERTAG_CONFIG_H
#define PEERTAG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <peertag/types.h>

#define PT_CONFIG_PATH "/etc/peertag/peertag.yaml"

enum pt_config_mode {
	PT_MODE_AUTO, /* native, or generic where the driver cannot, and says so */
	PT_MODE_NATIVE,
	PT_MODE_GENERIC,
};

enum pt_config_forward {
	PT_FORWARD_PASS, /* to the host */
	PT_FORWARD_DROP, /* a mirror or tap */
	PT_FORWARD_PORT, /* out of pt_config_port.forward_port */
};

enum pt_config_table {
	PT_TABLE_FLAT, /* the table that control compiles: peertag/table.h */
	PT_TABLE_LPM,  /* what the platform brings: the kernel's LPM trie, rte_lpm */
};

static inline const char *pt_config_table_name(enum pt_config_table table)
{
	return table == PT_TABLE_LPM ? "lpm" : "flat";
}

struct pt_config_port {
	char *name;
	enum pt_config_mode mode;
	enum pt_config_forward forward;
	char *forward_port; /* PT_FORWARD_PORT: another port's name */
	bool egress;	    /* classify what the host sends; false unless forward is pass */
};

struct pt_config_engine {
	char *name;
	enum pt_config_table table;
	char *eal; /* DPDK: arguments passed through; NULL if absent */
	struct pt_config_port *ports;
	size_t port_count;
};

struct pt_config_tag {
	bool carrier[PT_CARRIERS];
	__u32 mark_mask;
};

struct pt_config {
	char *path;	 /* the file, NULL if these are the defaults */
	char *site;	 /* "" if not given */
	char *registry;	 /* path of the database */
	char *api;	 /* path of the unix socket */
	__u32 api_mode;	 /* of the socket, 0666 */
	char *api_group; /* who may write besides root; NULL: the group peertagd runs as */
	char *listen;	 /* ADDRESS:PORT; "" for none */
	char *run_dir;
	char *pins;
	bool overlap_nested;
	bool allow_special;
	__u32 max_connections;
	__u32 max_prefixes;
	__u64 series_limit;
	struct pt_config_tag tag;
	__u32 latency_min_hosts;
	__u32 latency_window_s;
	__u32 latency_slots;
	__u32 alerts_silent_after_s;
	struct pt_config_engine *engines;
	size_t engine_count;
};

/*
 * Reads the file at `path`; NULL means PT_CONFIG_PATH, and then a missing file means the defaults.
 * Returns 0 and *ret, which pt_config_free() frees; else -errno, and in `message` (of `bytes`
 * bytes) one line with file, line, what is wrong and what would be right.
 */
int pt_config_load(const char *path, struct pt_config **ret, char *message, size_t bytes);
void pt_config_free(struct pt_config *config);

/* The engine called `name`, or NULL. */
const struct pt_config_engine *pt_config_engine(const struct pt_config *config, const char *name);

/* Writes RUN_DIR/engine-NAME.sock into `path`. Returns 0 or -ENAMETOOLONG. */
int pt_config_engine_socket(const struct pt_config *config, const char *name, char *path,
			    size_t bytes);

#endif
