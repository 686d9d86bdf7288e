/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration file may say, as libcyaml loads it; config.c turns it into struct
 * pt_config. A key that is absent leaves zero or NULL.
 */
#ifndef CONTROL_CONFIG_SCHEMA_H
#define CONTROL_CONFIG_SCHEMA_H

#include <cyaml/cyaml.h>
#include <peertag/config.h>

struct file_port {
	char *name;
	enum pt_config_mode mode;
	char *forward;
	bool egress;
};

struct file_engine {
	char *name;
	enum pt_config_table table;
	char *eal;
	struct file_port *ports;
	unsigned ports_count;
};

struct file_tag {
	bool carrier[PT_CARRIERS];
	uint64_t mark_mask;
};

struct file_latency {
	uint64_t min_hosts;
	char *window;
	uint64_t slots;
};

struct file_alerts {
	char *silent_after;
};

struct config_file {
	char *site;
	char *registry;
	char *api;
	char *api_mode;
	char *api_group;
	char *listen;
	char *run_dir;
	char *pins;
	bool overlap_nested;
	bool allow_special;
	uint64_t max_connections;
	uint64_t max_prefixes;
	uint64_t series_limit;
	struct file_tag tag;
	struct file_latency latency;
	struct file_alerts alerts;
	struct file_engine *engines;
	unsigned engines_count;
};

extern const cyaml_schema_value_t config_schema;

#endif
