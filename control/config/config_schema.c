/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_schema.h"

#include <peertag/counters.h>

#define NAME_MAX_BYTES	128
#define PATH_MAX_BYTES	4095
#define PORT_NAME_BYTES 63
#define ENGINES_MAX	16

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define STRICT	 (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define TEXT(name, structure, flags, min, max)                                                     \
	CYAML_FIELD_STRING_PTR(#name, flags | CYAML_FLAG_POINTER, struct structure, name, min, max)
#define NUMBER(name, structure) CYAML_FIELD_UINT(#name, OPTIONAL, struct structure, name)
#define WORD(name, structure, member, words)                                                       \
	CYAML_FIELD_ENUM(name, STRICT, struct structure, member, words, COUNT(words))
#define BOOLEAN(name, structure, member)                                                           \
	CYAML_FIELD_ENUM(name, STRICT | CYAML_FLAG_CASE_INSENSITIVE, struct structure, member,     \
			 booleans, COUNT(booleans))

/* libcyaml's own boolean takes every other word for true. */
static const cyaml_strval_t booleans[] = {
	{"true", true}, {"false", false}, {"on", true},
	{"off", false}, {"yes", true},	  {"no", false},
};

static const cyaml_strval_t overlaps[] = {{"refuse", false}, {"nested", true}};

static const cyaml_strval_t modes[] = {
	{"auto", PT_MODE_AUTO},
	{"native", PT_MODE_NATIVE},
	{"generic", PT_MODE_GENERIC},
};

static const cyaml_strval_t tables[] = {{"lpm", PT_TABLE_LPM}, {"flat", PT_TABLE_FLAT}};

static const cyaml_schema_field_t port_fields[] = {
	TEXT(name, file_port, 0, 1, PORT_NAME_BYTES),
	WORD("mode", file_port, mode, modes),
	TEXT(forward, file_port, OPTIONAL, 1, PORT_NAME_BYTES),
	BOOLEAN("egress", file_port, egress),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t port_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_port, port_fields),
};

static const cyaml_schema_field_t engine_fields[] = {
	TEXT(name, file_engine, 0, 1, 32),
	WORD("table", file_engine, table, tables),
	TEXT(eal, file_engine, OPTIONAL, 1, PATH_MAX_BYTES),
	CYAML_FIELD_SEQUENCE("ports", OPTIONAL | CYAML_FLAG_POINTER, struct file_engine, ports,
			     &port_schema, 0, PT_PORTS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t engine_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_engine, engine_fields),
};

static const cyaml_schema_field_t tag_fields[] = {
	BOOLEAN("mark", file_tag, carrier[PT_CARRIER_MARK]),
	NUMBER(mark_mask, file_tag),
	BOOLEAN("dscp", file_tag, carrier[PT_CARRIER_DSCP]),
	BOOLEAN("vlan", file_tag, carrier[PT_CARRIER_VLAN]),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t latency_fields[] = {
	NUMBER(min_hosts, file_latency),
	TEXT(window, file_latency, OPTIONAL, 1, 16),
	NUMBER(slots, file_latency),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t alerts_fields[] = {
	TEXT(silent_after, file_alerts, OPTIONAL, 1, 16),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t file_fields[] = {
	TEXT(site, config_file, OPTIONAL, 0, NAME_MAX_BYTES),
	TEXT(registry, config_file, OPTIONAL, 1, PATH_MAX_BYTES),
	TEXT(api, config_file, OPTIONAL, 1, PATH_MAX_BYTES),
	TEXT(api_mode, config_file, OPTIONAL, 1, 16),
	TEXT(api_group, config_file, OPTIONAL, 1, 64),
	TEXT(listen, config_file, OPTIONAL, 0, 64),
	WORD("overlap", config_file, overlap_nested, overlaps),
	BOOLEAN("allow_special", config_file, allow_special),
	NUMBER(max_connections, config_file),
	NUMBER(max_prefixes, config_file),
	NUMBER(series_limit, config_file),
	CYAML_FIELD_MAPPING("tag", OPTIONAL, struct config_file, tag, tag_fields),
	TEXT(run_dir, config_file, OPTIONAL, 1, PATH_MAX_BYTES),
	TEXT(pins, config_file, OPTIONAL, 1, PATH_MAX_BYTES),
	CYAML_FIELD_MAPPING("latency", OPTIONAL, struct config_file, latency, latency_fields),
	CYAML_FIELD_MAPPING("alerts", OPTIONAL, struct config_file, alerts, alerts_fields),
	CYAML_FIELD_SEQUENCE("engines", OPTIONAL | CYAML_FLAG_POINTER, struct config_file, engines,
			     &engine_schema, 0, ENGINES_MAX),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_file, file_fields),
};
