/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_document.h"

#include "suggest.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHOICES_MAX 32
#define TEXT_MAX    60 /* of the user's own words in a message */

static int refuse_at(const struct config_document *document, size_t line, const char *format,
		     va_list arguments)
{
	int used;

	if (line)
		used = snprintf(document->message, document->bytes, "%s:%zu: ", document->path,
				line);
	else
		used = snprintf(document->message, document->bytes, "%s: ", document->path);
	if (used >= 0 && (size_t)used < document->bytes)
		vsnprintf(document->message + used, document->bytes - used, format, arguments);
	return -EINVAL;
}

int document_refuse(const struct config_document *document, const yaml_node_t *node,
		    const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	refuse_at(document, node ? node->start_mark.line + 1 : 0, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int refuse_line(const struct config_document *document, size_t line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	refuse_at(document, line, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int refuse_syntax(const struct config_document *document, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		return refuse_line(document, 0, "not YAML: %s at byte %zu", parser->problem,
				   parser->problem_offset);
	return refuse_line(document, parser->problem_mark.line + 1, "not YAML: %s%s%s",
			   parser->problem, parser->context ? " " : "",
			   parser->context ? parser->context : "");
}

/* A second document would be ignored in silence. */
static int refuse_second(const struct config_document *document, yaml_parser_t *parser)
{
	yaml_document_t second;
	const yaml_node_t *root;
	int error = 0;

	if (!yaml_parser_load(parser, &second))
		return refuse_syntax(document, parser);
	root = yaml_document_get_root_node(&second);
	if (root)
		error = document_refuse(document, root, "a second document begins here: join them");
	yaml_document_delete(&second);
	return error;
}

int document_parse(struct config_document *document, const char *text, size_t size)
{
	yaml_parser_t parser;
	int error = 0;

	document->loaded = false;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	if (!yaml_parser_load(&parser, &document->yaml)) {
		error = refuse_syntax(document, &parser);
	} else {
		document->loaded = true;
		if (document_root(document))
			error = refuse_second(document, &parser);
	}
	yaml_parser_delete(&parser);
	return error;
}

void document_done(struct config_document *document)
{
	if (document->loaded)
		yaml_document_delete(&document->yaml);
	document->loaded = false;
}

/* libyaml's readers take a document that they could write to, and do not. */
static yaml_node_t *node_at(const struct config_document *document, int index)
{
	return yaml_document_get_node((yaml_document_t *)&document->yaml, index);
}

const yaml_node_t *document_root(const struct config_document *document)
{
	const yaml_node_t *root = yaml_document_get_root_node((yaml_document_t *)&document->yaml);

	/* A lone "---" is a document with an empty scalar. */
	if (root && root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0)
		return NULL;
	return root;
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static bool key_is(const yaml_node_t *node, const char *key)
{
	return node->type == YAML_SCALAR_NODE && !strcmp(scalar(node), key);
}

const yaml_node_t *document_value(const struct config_document *document, const yaml_node_t *map,
				  const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++)
		if (key_is(node_at(document, pair->key), key))
			return node_at(document, pair->value);
	return NULL;
}

const yaml_node_t *document_item(const struct config_document *document, const yaml_node_t *list,
				 size_t index)
{
	if (!list || list->type != YAML_SEQUENCE_NODE)
		return NULL;
	if (index >= (size_t)(list->data.sequence.items.top - list->data.sequence.items.start))
		return NULL;
	return node_at(document, list->data.sequence.items.start[index]);
}

/* "did you mean ...", or else all that there is to choose from. */
static int refuse_choice(const struct config_document *document, const yaml_node_t *node,
			 const char *what, const char *const *choices, size_t count)
{
	const char *near = suggest_word(choices, count, scalar(node));
	char list[512] = "";
	size_t used = 0;

	if (near)
		return document_refuse(document, node, "%s \"%.*s\": did you mean \"%s\"?", what,
				       TEXT_MAX, scalar(node), near);
	for (size_t i = 0; i < count && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
				 choices[i]);
	return document_refuse(document, node, "%s \"%.*s\": it is one of %s", what, TEXT_MAX,
			       scalar(node), list);
}

static int refuse_key(const struct config_document *document, const yaml_node_t *node,
		      const cyaml_schema_value_t *schema, const char *name)
{
	const char *choices[CHOICES_MAX];
	char what[128];
	size_t count = 0;

	for (const cyaml_schema_field_t *field = schema->mapping.fields;
	     field->key && count < CHOICES_MAX; field++)
		choices[count++] = field->key;
	snprintf(what, sizeof(what), "unknown key%s%s", *name ? " in " : "", name);
	return refuse_choice(document, node, what, choices, count);
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_value_t *schema, const char *key)
{
	for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key; field++)
		if (!strcmp(field->key, key))
			return field;
	return NULL;
}

static int check_pair(const struct config_document *document, const yaml_node_t *map,
		      const yaml_node_pair_t *pair, const cyaml_schema_value_t *schema,
		      const char *name)
{
	const yaml_node_t *key = node_at(document, pair->key);
	const cyaml_schema_field_t *field;

	if (key->type != YAML_SCALAR_NODE)
		return document_refuse(document, key, "a key must be a word");
	field = find_field(schema, scalar(key));
	if (!field)
		return refuse_key(document, key, schema, name);
	for (const yaml_node_pair_t *other = map->data.mapping.pairs.start; other < pair; other++)
		if (key_is(node_at(document, other->key), field->key))
			return document_refuse(document, key, "key \"%s\" is given twice",
					       field->key);
	return document_check(document, node_at(document, pair->value), &field->value, field->key);
}

static int check_map(const struct config_document *document, const yaml_node_t *node,
		     const cyaml_schema_value_t *schema, const char *name)
{
	int error;

	if (node->type != YAML_MAPPING_NODE)
		return document_refuse(document, node, "%s%swants keys and values: {key: value}",
				       name, *name ? " " : "");
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		error = check_pair(document, node, pair, schema, name);
		if (error)
			return error;
	}
	for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key; field++)
		if (!(field->value.flags & CYAML_FLAG_OPTIONAL) &&
		    !document_value(document, node, field->key))
			return document_refuse(document, node, "an entry of %s has no \"%s\"", name,
					       field->key);
	return 0;
}

static int check_list(const struct config_document *document, const yaml_node_t *node,
		      const cyaml_schema_value_t *schema, const char *name)
{
	const yaml_node_t *item;
	int error;

	if (node->type != YAML_SEQUENCE_NODE)
		return document_refuse(document, node, "%s wants a list: [...]", name);
	for (size_t i = 0; (item = document_item(document, node, i)); i++) {
		if (i >= schema->sequence.max)
			return document_refuse(document, item, "%s: more than %u entries", name,
					       schema->sequence.max);
		error = document_check(document, item, schema->sequence.entry, name);
		if (error)
			return error;
	}
	return 0;
}

static int check_enum(const struct config_document *document, const yaml_node_t *node,
		      const cyaml_schema_value_t *schema, const char *name)
{
	const char *choices[CHOICES_MAX];
	bool any_case = schema->flags & CYAML_FLAG_CASE_INSENSITIVE;
	char what[128];
	size_t count = 0;

	for (; count < schema->enumeration.count && count < CHOICES_MAX; count++) {
		choices[count] = schema->enumeration.strings[count].str;
		if (!(any_case ? strcasecmp : strcmp)(choices[count], scalar(node)))
			return 0;
	}
	snprintf(what, sizeof(what), "%s is", name);
	return refuse_choice(document, node, what, choices, count);
}

/* Decimal or 0x; a leading zero would be octal to libcyaml and decimal to the reader. */
static int check_number(const struct config_document *document, const yaml_node_t *node,
			const char *name)
{
	const char *text = scalar(node);
	bool hexadecimal = !strncmp(text, "0x", 2);
	char *end;

	errno = 0;
	(void)strtoull(text, &end, hexadecimal ? 16 : 10);
	if (!isdigit((unsigned char)*text) || *end || errno || (hexadecimal && !text[2]))
		return document_refuse(document, node, "%s is \"%.*s\": it is a whole number", name,
				       TEXT_MAX, text);
	if (text[0] == '0' && text[1] && !hexadecimal)
		return document_refuse(document, node,
				       "%s is \"%.*s\": write it without the leading 0", name,
				       TEXT_MAX, text);
	return 0;
}

static int check_text(const struct config_document *document, const yaml_node_t *node,
		      const cyaml_schema_value_t *schema, const char *name)
{
	size_t length = node->data.scalar.length;

	if (length < schema->string.min)
		return document_refuse(document, node, "%s is empty", name);
	if (length > schema->string.max)
		return document_refuse(document, node, "%s is %zu bytes long: %u at most", name,
				       length, schema->string.max);
	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)scalar(node)[i]))
			return document_refuse(document, node, "%s holds a control character",
					       name);
	return 0;
}

int document_check(const struct config_document *document, const yaml_node_t *node,
		   const cyaml_schema_value_t *schema, const char *name)
{
	if (schema->type == CYAML_MAPPING)
		return check_map(document, node, schema, name);
	if (schema->type == CYAML_SEQUENCE)
		return check_list(document, node, schema, name);
	if (node->type != YAML_SCALAR_NODE)
		return document_refuse(document, node, "%s wants one value", name);
	if (schema->type == CYAML_ENUM)
		return check_enum(document, node, schema, name);
	if (schema->type == CYAML_UINT)
		return check_number(document, node, name);
	return check_text(document, node, schema, name);
}
