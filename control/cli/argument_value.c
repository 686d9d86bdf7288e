/* SPDX-License-Identifier: BSD-3-Clause */
#include "argument_value.h"

#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value on its way into the arguments. */
struct storing {
	struct invocation *invocation;
	const struct parameter *parameter;
	const char *text;
	char *why;
	size_t bytes;
};

static const char *name_of(const struct parameter *parameter)
{
	return parameter->word ? parameter->word : parameter->value;
}

static json_t *parse_number(const struct storing *storing)
{
	bool hexadecimal = !strncmp(storing->text, "0x", 2);
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(storing->text, &end, hexadecimal ? 16 : 10);
	if (isdigit((unsigned char)*storing->text) && !*end && !errno && number <= INT64_MAX)
		return json_integer(number);
	snprintf(storing->why, storing->bytes, "%s is \"%s\": it is a whole number",
		 name_of(storing->parameter), storing->text);
	return NULL;
}

/* The value is one of the words that | separates. */
static json_t *parse_choice(const struct storing *storing)
{
	const char *choice = storing->parameter->value;
	size_t length = strlen(storing->text);

	while (choice) {
		size_t bytes = strcspn(choice, "|");

		if (bytes == length && !strncmp(choice, storing->text, length))
			return json_string(storing->text);
		choice = choice[bytes] ? choice + bytes + 1 : NULL;
	}
	snprintf(storing->why, storing->bytes, "%s is \"%s\": it is %s",
		 name_of(storing->parameter), storing->text, storing->parameter->value);
	return NULL;
}

static json_t *parse_switch(const struct storing *storing)
{
	json_t *choice;

	if (!storing->text)
		return json_true();
	choice = parse_choice(storing);
	if (!choice)
		return NULL;
	json_decref(choice);
	return json_boolean(!strcmp(storing->text, "on"));
}

static json_t *parse_text(const struct storing *storing)
{
	json_t *value = json_string(storing->text);

	if (!value)
		snprintf(storing->why, storing->bytes, "%s is not UTF-8",
			 name_of(storing->parameter));
	return value;
}

static json_t *parse_value(const struct storing *storing)
{
	if (storing->text && !*storing->text && storing->invocation->command &&
	    storing->invocation->command->empty_removes)
		return json_null();
	switch (storing->parameter->form) {
	case VALUE_NUMBER:
		return parse_number(storing);
	case VALUE_CHOICE:
		return parse_choice(storing);
	case VALUE_SWITCH:
		return parse_switch(storing);
	case VALUE_TEXT:
	case VALUE_PREFIX:
	case VALUE_LABEL:
		break;
	}
	return parse_text(storing);
}

/* Takes over `value`. */
static bool put(const struct storing *storing, json_t *object, const char *key, json_t *value)
{
	if (!value)
		return false;
	if (!json_object_get(object, key))
		return !json_object_set_new(object, key, value);
	json_decref(value);
	snprintf(storing->why, storing->bytes, "%s is given twice", name_of(storing->parameter));
	return false;
}

/* The object called `key` in the arguments, made if it is not there. */
static json_t *enter(const struct storing *storing, const char *key, size_t length)
{
	char name[32];
	json_t *object;

	snprintf(name, sizeof(name), "%.*s", (int)length, key);
	object = json_object_get(storing->invocation->arguments, name);
	if (object)
		return object;
	object = json_object();
	json_object_set_new(storing->invocation->arguments, name, object);
	return object;
}

static bool store_prefix(const struct storing *storing)
{
	json_t *arguments = storing->invocation->arguments, *value = parse_text(storing);
	json_t *list = json_object_get(arguments, storing->parameter->key);

	if (!value)
		return false;
	if (!list) {
		list = json_array();
		json_object_set_new(arguments, storing->parameter->key, list);
	}
	return !json_array_append_new(list, json_pack("{s:o}", "prefix", value));
}

/* What is said of the latest prefix. */
static bool store_detail(const struct storing *storing)
{
	const json_t *list = json_object_get(storing->invocation->arguments, "prefixes");
	size_t count = json_array_size(list);

	if (count)
		return put(storing, json_array_get(list, count - 1), storing->parameter->key,
			   parse_value(storing));
	snprintf(storing->why, storing->bytes, "%s stands behind the %s that it describes",
		 storing->parameter->word, storing->parameter->of);
	return false;
}

static bool store_label(struct storing *storing, const char *value)
{
	json_t *labels = enter(storing, storing->parameter->key, strlen(storing->parameter->key));
	json_t *key = parse_text(storing);
	bool stored;

	if (!key)
		return false;
	storing->text = value;
	stored = put(storing, labels, json_string_value(key), parse_value(storing));
	json_decref(key);
	return stored;
}

static bool store_argument(const struct storing *storing)
{
	const char *key = storing->parameter->key, *dot = strchr(key, '.');

	if (dot)
		return put(storing, enter(storing, key, dot - key), dot + 1, parse_value(storing));
	return put(storing, storing->invocation->arguments, key, parse_value(storing));
}

static bool is_global(const struct parameter *parameter)
{
	const struct parameter *option = global_options;

	while (option->kind != PARAMETER_END && option != parameter)
		option++;
	return option->kind != PARAMETER_END;
}

static bool store_global(struct invocation *invocation, const char *key, const char *text)
{
	if (!strcmp(key, "json"))
		invocation->json = true;
	else if (!strcmp(key, "help"))
		invocation->wants_help = true;
	else if (!strcmp(key, "version"))
		invocation->wants_version = true;
	else if (!strcmp(key, "config"))
		invocation->config_path = text;
	else if (!strcmp(key, "socket"))
		invocation->socket_path = text;
	return true;
}

bool argument_store(struct invocation *invocation, const struct parameter *parameter,
		    const char *text, const char *second, char *why, size_t bytes)
{
	struct storing storing = {invocation, parameter, text, why, bytes};

	if (is_global(parameter))
		return store_global(invocation, parameter->key, text);
	if (parameter->of)
		return store_detail(&storing);
	if (parameter->form == VALUE_PREFIX)
		return store_prefix(&storing);
	if (parameter->form == VALUE_LABEL)
		return store_label(&storing, second);
	return store_argument(&storing);
}
