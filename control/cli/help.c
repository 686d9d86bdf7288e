/* SPDX-License-Identifier: BSD-3-Clause */
#include "help.h"

#include "programs.h"
#include "output.h"
#include "../config/suggest.h"

#include <stdarg.h>
#include <string.h>

struct text {
	char *at;
	size_t left;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int bytes;

	va_start(arguments, format);
	bytes = vsnprintf(text->at, text->left, format, arguments);
	va_end(arguments);
	if (bytes < 0 || (size_t)bytes >= text->left)
		bytes = text->left - 1;
	text->at += bytes;
	text->left -= bytes;
}

static void add_word(struct text *text, const struct parameter *parameter)
{
	add(text, "%s%s%s", parameter->word ? parameter->word : "",
	    parameter->word && parameter->value ? " " : "",
	    parameter->value ? parameter->value : "");
}

/* "[prefix CIDR [ownership customer|partner]]..." with what describes it inside. */
static void add_keyword(struct text *text, const struct parameter *parameter,
			const struct parameter *all)
{
	add(text, " [");
	add_word(text, parameter);
	for (const struct parameter *p = all; p->kind != PARAMETER_END; p++) {
		if (!p->of || !parameter->word || strcmp(p->of, parameter->word))
			continue;
		add(text, " [");
		add_word(text, p);
		add(text, "]");
	}
	add(text, parameter->repeats ? "]..." : "]");
}

void help_synopsis(const struct command *command, char *buffer, size_t bytes)
{
	struct text text = {buffer, bytes};

	add(&text, "peertag %s%s%s", command->object, command->verb ? " " : "",
	    command->verb ? command->verb : "");
	for (const struct parameter *p = command->parameters; p->kind != PARAMETER_END; p++) {
		if (p->of)
			continue;
		if (p->kind == PARAMETER_POSITION || p->kind == PARAMETER_REQUIRED ||
		    p->kind == PARAMETER_LIST) {
			add(&text, " ");
			add_word(&text, p);
			add(&text, "%s", p->kind == PARAMETER_LIST ? "..." : "");
		} else {
			add_keyword(&text, p, command->parameters);
		}
	}
}

static void print_line(FILE *stream, const struct command *command)
{
	char name[64];

	snprintf(name, sizeof(name), "%s %s", command->object, command->verb ? command->verb : "");
	fprintf(stream, "  %-20s %s\n", name, command->summary);
}

void help_print(FILE *stream)
{
	fprintf(stream,
		"usage: peertag [-j] [-c CONFIG] [-s SOCKET] OBJECT VERB [ARGS]\n\n"
		"  -j, --json           one JSON document on standard output, errors too\n"
		"  -c, --config CONFIG  the configuration (default /etc/peertag/peertag.yaml)\n"
		"  -s, --socket SOCKET  peertagd's socket (default: as the configuration says)\n"
		"  -h, --help           how one command is written\n"
		"  -V, --version        the version\n\n");
	for (const struct command *command = commands; command->object; command++)
		print_line(stream, command);
	fprintf(stream, "\nWords may be shortened: peertag conn sh. All of an object: "
			"peertag OBJECT help.\n"
			"FILE is JSON Lines, a JSON array or CSV; - is standard input.\n"
			"Exit: 0 done, 1 failed, 2 usage, 3 no such thing, 4 refused by a rule, "
			"5 daemon unreachable.\n");
}

void help_print_object(FILE *stream, const char *object)
{
	char synopsis[1024];

	for (const struct command *command = commands; command->object; command++) {
		if (strcmp(command->object, object))
			continue;
		help_synopsis(command, synopsis, sizeof(synopsis));
		fprintf(stream, "%s\n        %s\n", synopsis, command->summary);
	}
}

/* The table for programs: of all objects, or of one. */
static enum exit_code output_commands(const char *object)
{
	json_t *list = json_array();
	char synopsis[1024];
	enum exit_code code;

	for (const struct command *command = commands; command->object; command++) {
		if (object && strcmp(command->object, object))
			continue;
		help_synopsis(command, synopsis, sizeof(synopsis));
		json_array_append_new(list,
				      json_pack("{s:s, s:s?, s:s, s:s}", "object", command->object,
						"verb", command->verb, "synopsis", synopsis,
						"summary", command->summary));
	}
	code = output_document(list);
	json_decref(list);
	return code;
}

enum exit_code run_help(struct invocation *invocation)
{
	const char *words[COMMAND_WORDS_MAX], *whole = NULL;
	const char *asked = json_string_value(json_object_get(invocation->arguments, "object"));
	size_t count = command_objects(words, COMMAND_WORDS_MAX);

	if (asked && word_match(words, count, asked, &whole) != 1)
		return output_failure(invocation, EXIT_USAGE, "usage", "peertag help",
				      "there is no command \"%s\"", asked);
	if (invocation->json)
		return output_commands(whole);
	if (whole)
		help_print_object(stdout, whole);
	else
		help_print(stdout);
	return output_finish(EXIT_DONE);
}

enum exit_code run_unavailable(struct invocation *invocation)
{
	const struct command *command = invocation->command;

	return output_failure(
		invocation, EXIT_FAILED, "unavailable", "peertag help lists what there is",
		"peertag %s%s%s is not available yet in version " PEERTAG_VERSION, command->object,
		command->verb ? " " : "", command->verb ? command->verb : "");
}
