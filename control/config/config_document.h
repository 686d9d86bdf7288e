/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file as a tree that knows its lines, and the judge of its form: every key and
 * value is held against the schema here, because libcyaml names a wrong line for some mistakes and
 * suggests nothing. What passes is then loaded by libcyaml with the same schema.
 *
 * Threading: the caller's.
 */
#ifndef CONTROL_CONFIG_DOCUMENT_H
#define CONTROL_CONFIG_DOCUMENT_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <yaml.h>

struct config_document {
	yaml_document_t yaml;
	bool loaded;
	const char *path;
	char *message; /* where document_refuse() writes, `bytes` of it */
	size_t bytes;
};

/* Parses `size` bytes of YAML, at most one document. document->path and message are set. */
int document_parse(struct config_document *document, const char *text, size_t size);
void document_done(struct config_document *document);

/* All of these take and give NULL for what is not there. */
const yaml_node_t *document_root(const struct config_document *document);
const yaml_node_t *document_value(const struct config_document *document, const yaml_node_t *map,
				  const char *key);
const yaml_node_t *document_item(const struct config_document *document, const yaml_node_t *list,
				 size_t index);

/* Writes "PATH:LINE: ..." (no line without a node) into the message; -EINVAL. */
int document_refuse(const struct config_document *document, const yaml_node_t *node,
		    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Holds `node` against `schema`; `name` is the key it stands under. Returns 0 or -EINVAL. */
int document_check(const struct config_document *document, const yaml_node_t *node,
		   const cyaml_schema_value_t *schema, const char *name);

#endif
