/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_document.h"
#include "config_rules.h"
#include "config_schema.h"

#include <errno.h>
#include <peertag/latency.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (1u << 20)

static const cyaml_config_t cyaml = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_DEFAULT};

/* A configuration while it is made. */
struct loading {
	struct config_document document;
	struct config_file *file;
	const yaml_node_t *root; /* NULL: an empty file */
	struct pt_config *config;
};

struct range {
	__u64 least;
	__u64 most;
	__u64 fallback; /* where the key is absent */
};

static const yaml_node_t *value_of(const struct loading *loading, const char *key)
{
	return document_value(&loading->document, loading->root, key);
}

static int load_number(const struct loading *loading, const yaml_node_t *map, const char *key,
		       __u64 value, struct range range, __u64 *ret_value)
{
	const yaml_node_t *node = document_value(&loading->document, map, key);

	if (node && (value < range.least || value > range.most))
		return document_refuse(&loading->document, node, "%s is %llu: it is %llu to %llu",
				       key, value, range.least, range.most);
	*ret_value = node ? value : range.fallback;
	return 0;
}

static int load_u32(const struct loading *loading, const yaml_node_t *map, const char *key,
		    __u64 value, struct range range, __u32 *ret_value)
{
	__u64 checked = 0;
	int error = load_number(loading, map, key, value, range, &checked);

	if (!error)
		*ret_value = checked;
	return error;
}

static int load_limits(const struct loading *loading)
{
	const struct range connections = {1, 1u << 20, 16384};
	const struct range prefixes = {1, 1u << 25, 2000000};
	const struct range series = {1, 1000000000, 2000000};
	const struct config_file *file = loading->file;
	int error;

	error = load_u32(loading, loading->root, "max_connections", file->max_connections,
			 connections, &loading->config->max_connections);
	if (!error)
		error = load_u32(loading, loading->root, "max_prefixes", file->max_prefixes,
				 prefixes, &loading->config->max_prefixes);
	if (!error)
		error = load_number(loading, loading->root, "series_limit", file->series_limit,
				    series, &loading->config->series_limit);
	return error;
}

static int load_tag(const struct loading *loading)
{
	const struct range mask = {1, 0xffffffff, 0xffffffff};
	const yaml_node_t *map = value_of(loading, "tag");
	const struct file_tag *from = &loading->file->tag;
	struct pt_config_tag *to = &loading->config->tag;

	memcpy(to->carrier, from->carrier, sizeof(to->carrier));
	if (!document_value(&loading->document, map, "mark"))
		to->carrier[PT_CARRIER_MARK] = true;
	return load_u32(loading, map, "mark_mask", from->mark_mask, mask, &to->mark_mask);
}

/* "90s", "5m", "1h" in seconds; 0 if it is none of these. */
static __u32 duration_s(const char *text)
{
	char *unit;
	unsigned long number = strtoul(text, &unit, 10);

	if (unit == text || unit - text > 6 || text[0] == '-' || text[0] == '+' || text[0] == ' ' ||
	    !*unit || unit[1])
		return 0;
	switch (*unit) {
	case 's':
		return number;
	case 'm':
		return number * 60;
	case 'h':
		return number * 3600;
	default:
		return 0;
	}
}

/* `text` is the value of `key` in the map, NULL where it is absent. */
static int load_duration(const struct loading *loading, const yaml_node_t *map, const char *key,
			 const char *text, __u32 *seconds)
{
	if (text)
		*seconds = duration_s(text);
	if (*seconds >= 1 && *seconds <= 86400)
		return 0;
	return document_refuse(&loading->document, document_value(&loading->document, map, key),
			       "%s is \"%s\": it is a time from 1s to 24h, as in 60s, 5m", key,
			       text);
}

static int load_latency(const struct loading *loading)
{
	/* Hosts are told apart by one of PT_LATENCY_HOST_BITS bits: far above half, few are. */
	const struct range hosts = {10, PT_LATENCY_HOST_BITS / 2, 10};
	const struct range slots = {1, PT_LATENCY_SLOTS_MAX, 4096};
	const yaml_node_t *map = value_of(loading, "latency");
	struct pt_config *config = loading->config;
	int error;

	config->latency_window_s = 60;
	error = load_duration(loading, map, "window", loading->file->latency.window,
			      &config->latency_window_s);
	if (!error)
		error = load_u32(loading, map, "min_hosts", loading->file->latency.min_hosts, hosts,
				 &config->latency_min_hosts);
	if (!error)
		error = load_u32(loading, map, "slots", loading->file->latency.slots, slots,
				 &config->latency_slots);
	return error;
}

static int load_alerts(const struct loading *loading)
{
	struct pt_config *config = loading->config;

	config->alerts_silent_after_s = 600;
	return load_duration(loading, value_of(loading, "alerts"), "silent_after",
			     loading->file->alerts.silent_after, &config->alerts_silent_after_s);
}

static int load_api_mode(const struct loading *loading)
{
	const char *text = loading->file->api_mode ? loading->file->api_mode : "0666";
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (text[strspn(text, "01234567")] || end == text || mode > 0777)
		return document_refuse(
			&loading->document, value_of(loading, "api_mode"),
			"api_mode is \"%s\": it is the mode of a file in octal, as in "
			"0660",
			text);
	loading->config->api_mode = mode;
	return 0;
}

/* The string itself, which libcyaml allocated, or a copy of the fallback. */
static char *take(char **from, const char *fallback)
{
	char *text = *from;

	*from = NULL;
	return text ? text : strdup(fallback);
}

static char *take_optional(char **from)
{
	char *text = *from;

	*from = NULL;
	return text;
}

static int load_texts(const struct loading *loading)
{
	struct config_file *file = loading->file;
	struct pt_config *config = loading->config;

	config->site = take(&file->site, "");
	config->registry = take(&file->registry, "/var/lib/peertag/registry.db");
	config->run_dir = take(&file->run_dir, "/run/peertag");
	config->listen = take(&file->listen, "127.0.0.1:9471");
	config->pins = take(&file->pins, "/sys/fs/bpf/peertag");
	config->api_group = take_optional(&file->api_group);
	config->api = take_optional(&file->api);
	if (!config->site || !config->registry || !config->run_dir || !config->listen ||
	    !config->pins)
		return -ENOMEM;
	if (!config->api && asprintf(&config->api, "%s/api.sock", config->run_dir) < 0) {
		config->api = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void load_port(const struct loading *loading, const yaml_node_t *node,
		      struct file_port *from, struct pt_config_port *to)
{
	const yaml_node_t *egress = document_value(&loading->document, node, "egress");

	to->name = take_optional(&from->name);
	to->mode = from->mode;
	if (!from->forward || !strcmp(from->forward, "pass")) {
		to->forward = PT_FORWARD_PASS;
	} else if (!strcmp(from->forward, "drop")) {
		to->forward = PT_FORWARD_DROP;
	} else {
		to->forward = PT_FORWARD_PORT;
		to->forward_port = take_optional(&from->forward);
	}
	to->egress = egress ? from->egress : to->forward == PT_FORWARD_PASS;
}

static int load_engine(const struct loading *loading, const yaml_node_t *node,
		       struct file_engine *from, struct pt_config_engine *to)
{
	const yaml_node_t *ports = document_value(&loading->document, node, "ports");

	to->name = take_optional(&from->name);
	to->table = from->table;
	to->eal = take_optional(&from->eal);
	to->ports = calloc(from->ports_count + 1, sizeof(*to->ports));
	if (!to->ports)
		return -ENOMEM;
	to->port_count = from->ports_count;
	for (unsigned i = 0; i < from->ports_count; i++)
		load_port(loading, document_item(&loading->document, ports, i), &from->ports[i],
			  &to->ports[i]);
	return 0;
}

static int load_engines(const struct loading *loading)
{
	const yaml_node_t *list = value_of(loading, "engines");
	struct config_file *file = loading->file;
	struct pt_config *config = loading->config;
	int error = 0;

	config->engines = calloc(file->engines_count + 1, sizeof(*config->engines));
	if (!config->engines)
		return -ENOMEM;
	config->engine_count = file->engines_count;
	for (unsigned i = 0; !error && i < file->engines_count; i++)
		error = load_engine(loading, document_item(&loading->document, list, i),
				    &file->engines[i], &config->engines[i]);
	return error;
}

static int load_config(const struct loading *loading)
{
	int error;

	loading->config->overlap_nested = loading->file->overlap_nested;
	loading->config->allow_special = loading->file->allow_special;
	error = load_texts(loading);
	if (!error)
		error = load_api_mode(loading);
	if (!error)
		error = load_limits(loading);
	if (!error)
		error = load_tag(loading);
	if (!error)
		error = load_latency(loading);
	if (!error)
		error = load_alerts(loading);
	if (!error)
		error = load_engines(loading);
	if (!error)
		error = config_rules_check(&loading->document, loading->config);
	return error;
}

/* What the schema's check let through, libcyaml loads; an empty file has nothing to load. */
static int load_file(struct loading *loading, const char *text, size_t size)
{
	struct config_file empty = {};
	void *data = NULL;
	cyaml_err_t code;
	int error;

	loading->root = document_root(&loading->document);
	loading->file = &empty;
	if (!loading->root)
		return load_config(loading);
	error = document_check(&loading->document, loading->root, &config_schema, "");
	if (error)
		return error;
	code = cyaml_load_data((const uint8_t *)text, size, &cyaml, &config_schema, &data, NULL);
	if (code == CYAML_ERR_OOM)
		return -ENOMEM;
	if (code != CYAML_OK)
		return document_refuse(&loading->document, loading->root, "cannot be read: %s",
				       cyaml_strerror(code));
	loading->file = data;
	error = load_config(loading);
	cyaml_free(&cyaml, &config_schema, data, 0);
	return error;
}

/* The whole file in memory, NUL terminated. */
static int read_whole(FILE *stream, char **ret_text, size_t *ret_size)
{
	char *text = malloc(FILE_BYTES_MAX + 1);
	size_t size;

	if (!text)
		return -ENOMEM;
	errno = 0;
	size = fread(text, 1, FILE_BYTES_MAX + 1, stream);
	if (ferror(stream) || size > FILE_BYTES_MAX) {
		free(text);
		return ferror(stream) && errno ? -errno : -EFBIG;
	}
	text[size] = '\0';
	*ret_text = text;
	*ret_size = size;
	return 0;
}

/* *ret_text stays NULL where the default file is absent: that stands for an empty one. */
static int read_file(const char *path, char **ret_text, size_t *ret_size)
{
	FILE *stream = fopen(path ? path : PT_CONFIG_PATH, "re");
	int error;

	*ret_text = NULL;
	*ret_size = 0;
	if (!stream)
		return !path && errno == ENOENT ? 0 : -errno;
	error = read_whole(stream, ret_text, ret_size);
	fclose(stream);
	return error;
}

static int load(const char *path, const char *text, size_t size, struct loading *loading)
{
	int error;

	loading->config = calloc(1, sizeof(*loading->config));
	if (!loading->config)
		return -ENOMEM;
	if (text) {
		loading->config->path = strdup(path);
		if (!loading->config->path)
			return -ENOMEM;
	}
	error = document_parse(&loading->document, text ? text : "", size);
	if (!error)
		error = load_file(loading, text, size);
	document_done(&loading->document);
	return error;
}

int pt_config_load(const char *path, struct pt_config **ret, char *message, size_t bytes)
{
	const char *name = path ? path : PT_CONFIG_PATH;
	struct loading loading = {
		.document = {.path = name, .message = message, .bytes = bytes},
	};
	size_t size;
	char *text;
	int error = read_file(path, &text, &size);

	if (!error)
		error = load(name, text, size, &loading);
	free(text);
	if (!error) {
		*ret = loading.config;
		return 0;
	}
	pt_config_free(loading.config);
	if (error != -EINVAL)
		snprintf(message, bytes, "cannot read the configuration %s: %s", name,
			 strerror(-error));
	return error;
}

static void free_engine(struct pt_config_engine *engine)
{
	for (size_t i = 0; i < engine->port_count; i++) {
		free(engine->ports[i].name);
		free(engine->ports[i].forward_port);
	}
	free(engine->ports);
	free(engine->name);
	free(engine->eal);
}

void pt_config_free(struct pt_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->engine_count; i++)
		free_engine(&config->engines[i]);
	free(config->engines);
	free(config->path);
	free(config->site);
	free(config->registry);
	free(config->api);
	free(config->api_group);
	free(config->listen);
	free(config->run_dir);
	free(config->pins);
	free(config);
}

const struct pt_config_engine *pt_config_engine(const struct pt_config *config, const char *name)
{
	for (size_t i = 0; i < config->engine_count; i++)
		if (!strcmp(config->engines[i].name, name))
			return &config->engines[i];
	return NULL;
}

int pt_config_engine_socket(const struct pt_config *config, const char *name, char *path,
			    size_t bytes)
{
	int length = snprintf(path, bytes, "%s/engine-%s.sock", config->run_dir, name);

	return length < 0 || (size_t)length >= bytes ? -ENAMETOOLONG : 0;
}
