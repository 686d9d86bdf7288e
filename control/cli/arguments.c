/* SPDX-License-Identifier: BSD-3-Clause */
#include "arguments.h"

#include "argument_value.h"
#include "help.h"
#include "../config/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct parameter global_options[] = {
	{PARAMETER_FLAG, VALUE_SWITCH, "-j", NULL, "json"},
	{PARAMETER_FLAG, VALUE_SWITCH, "--json", NULL, "json"},
	{PARAMETER_KEYWORD, VALUE_TEXT, "-c", "CONFIG", "config"},
	{PARAMETER_KEYWORD, VALUE_TEXT, "--config", "CONFIG", "config"},
	{PARAMETER_KEYWORD, VALUE_TEXT, "-s", "SOCKET", "socket"},
	{PARAMETER_KEYWORD, VALUE_TEXT, "--socket", "SOCKET", "socket"},
	{PARAMETER_FLAG, VALUE_SWITCH, "-h", NULL, "help"},
	{PARAMETER_FLAG, VALUE_SWITCH, "--help", NULL, "help"},
	{PARAMETER_FLAG, VALUE_SWITCH, "-V", NULL, "version"},
	{PARAMETER_FLAG, VALUE_SWITCH, "--version", NULL, "version"},
	{PARAMETER_END},
};

static const struct {
	const char *typed;
	const char *verb;
} verb_aliases[] = {{"delete", "del"}, {"remove", "del"}, {"list", "show"}, {"ls", "show"}};

struct parser {
	char **words;
	size_t count;
	size_t at;
	bool options_ended;
	size_t positions; /* filled so far */
	struct invocation *invocation;
	json_t *error;
};

static bool refuse(struct parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Keeps the first error; its hint is how the command is written. */
static bool refuse(struct parser *parser, const char *format, ...)
{
	const struct command *command = parser->invocation->command;
	char message[512], synopsis[1024];
	va_list arguments;

	if (parser->error)
		return false;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (command)
		help_synopsis(command, synopsis, sizeof(synopsis));
	parser->error = json_pack("{s:s, s:s, s:s+}", "code", "usage", "message", message, "hint",
				  command ? "usage: " : "", command ? synopsis : "peertag help");
	if (!parser->error) /* the user's words are no UTF-8 */
		parser->error = json_pack("{s:s, s:s, s:s}", "code", "usage", "message",
					  "a word is not UTF-8", "hint", "peertag help");
	return false;
}

static char *next_word(struct parser *parser)
{
	return parser->at < parser->count ? parser->words[parser->at++] : NULL;
}

/* Stores `first` (and for a label the next word) as the value of `parameter`. */
static bool take_value(struct parser *parser, const struct parameter *parameter, const char *first)
{
	const char *second = NULL, *name = parameter->word ? parameter->word : parameter->value;
	char why[256];

	if (!first && parameter->kind != PARAMETER_FLAG)
		return refuse(parser, "%s wants %s", name, parameter->value);
	if (parameter->form == VALUE_LABEL) {
		second = next_word(parser);
		if (!second)
			return refuse(parser, "%s wants %s", name, parameter->value);
	}
	if (argument_store(parser->invocation, parameter, first, second, why, sizeof(why)))
		return true;
	return refuse(parser, "%s", why);
}

static bool take_parameter(struct parser *parser, const struct parameter *parameter)
{
	bool alone = parameter->kind == PARAMETER_FLAG;

	return take_value(parser, parameter, alone ? NULL : next_word(parser));
}

static const struct parameter *find_word(const struct parameter *parameters, const char *word,
					 size_t length)
{
	for (const struct parameter *p = parameters; p->kind != PARAMETER_END; p++)
		if (p->word && !strncmp(p->word, word, length) && !p->word[length])
			return p;
	return NULL;
}

/* An option of the command, or else a global one. */
static const struct parameter *find_option(const struct parser *parser, const char *word,
					   size_t length)
{
	const struct command *command = parser->invocation->command;
	const struct parameter *own = NULL;

	if (command)
		own = find_word(command->parameters, word, length);
	return own ? own : find_word(global_options, word, length);
}

/* --word, --word VALUE or --word=VALUE */
static bool parse_long_option(struct parser *parser, const char *word)
{
	size_t length = strcspn(word, "=");
	const struct parameter *option = find_option(parser, word, length);

	if (!option)
		return refuse(parser, "unknown option %.*s", (int)length, word);
	if (!word[length])
		return take_parameter(parser, option);
	if (option->kind == PARAMETER_FLAG)
		return refuse(parser, "%s takes no value", option->word);
	return take_value(parser, option, word + length + 1);
}

/* -b, -n 5, -n5, -bn5 */
static bool parse_short_options(struct parser *parser, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		char name[] = {'-', *letter, '\0'};
		const struct parameter *option = find_option(parser, name, 2);

		if (!option)
			return refuse(parser, "unknown option %s", name);
		if (option->kind != PARAMETER_FLAG && letter[1])
			return take_value(parser, option, letter + 1);
		if (!take_parameter(parser, option))
			return false;
		if (option->kind != PARAMETER_FLAG)
			return true;
	}
	return true;
}

static bool parse_option(struct parser *parser, const char *word)
{
	if (!strcmp(word, "--")) {
		parser->options_ended = true;
		return true;
	}
	return word[1] == '-' ? parse_long_option(parser, word) : parse_short_options(parser, word);
}

/* A lone "-" is standard input, no option. */
static bool is_option(const struct parser *parser, const char *word)
{
	return !parser->options_ended && word[0] == '-' && word[1];
}

static bool is_position(const struct parameter *parameter)
{
	return parameter->kind == PARAMETER_POSITION || parameter->kind == PARAMETER_OPTIONAL ||
	       parameter->kind == PARAMETER_LIST;
}

/* The position that the next word would fill, or NULL. */
static const struct parameter *open_position(const struct parser *parser)
{
	size_t skip = parser->positions;

	for (const struct parameter *p = parser->invocation->command->parameters;
	     p->kind != PARAMETER_END; p++)
		if (is_position(p) && (p->kind == PARAMETER_LIST || skip-- == 0))
			return p;
	return NULL;
}

static bool refuse_word(struct parser *parser, const char *word, size_t found)
{
	const struct command *command = parser->invocation->command;
	const char *choices[COMMAND_WORDS_MAX], *near;
	size_t count = 0;

	for (const struct parameter *p = command->parameters; p->kind != PARAMETER_END; p++)
		if (p->word && count < COMMAND_WORDS_MAX)
			choices[count++] = p->word;
	near = suggest_word(choices, count, word);
	if (found > 1)
		return refuse(parser, "\"%s\" begins more than one word", word);
	if (near)
		return refuse(parser, "unknown word \"%s\": did you mean \"%s\"?", word, near);
	return refuse(parser, "unknown word \"%s\"", word);
}

/* The keyword that `word` is, or unless `exact` begins. */
static const struct parameter *match_keyword(const struct parser *parser, const char *word,
					     bool exact, size_t *ret_found)
{
	const struct parameter *parameters = parser->invocation->command->parameters;
	const char *choices[COMMAND_WORDS_MAX], *whole = NULL;
	size_t count = 0;

	*ret_found = 0;
	if (exact)
		return find_word(parameters, word, strlen(word));
	for (const struct parameter *p = parameters; p->kind != PARAMETER_END; p++)
		if (p->word && p->word[0] != '-' && count < COMMAND_WORDS_MAX)
			choices[count++] = p->word;
	*ret_found = word_match(choices, count, word, &whole);
	return *ret_found == 1 ? find_word(parameters, whole, strlen(whole)) : NULL;
}

/* A list takes what can be a prefix, so that a mistyped keyword behind it is seen as one. */
static bool position_takes(const struct parameter *position, const char *word)
{
	return position && (position->kind != PARAMETER_LIST || strpbrk(word, ".:/"));
}

static bool take_position(struct parser *parser, const struct parameter *position, const char *word)
{
	if (position->kind != PARAMETER_LIST)
		parser->positions++;
	return take_value(parser, position, word);
}

static bool parse_word(struct parser *parser, const char *word)
{
	const struct parameter *position = open_position(parser), *keyword;
	size_t found;

	if (position && position->kind == PARAMETER_POSITION)
		return take_position(parser, position, word);
	keyword = match_keyword(parser, word, true, &found);
	if (!keyword && position_takes(position, word))
		return take_position(parser, position, word);
	if (!keyword)
		keyword = match_keyword(parser, word, false, &found);
	return keyword ? take_parameter(parser, keyword) : refuse_word(parser, word, found);
}

/* What no single word can tell. */
static bool check_together(struct parser *parser)
{
	const struct command *command = parser->invocation->command;
	const json_t *arguments = parser->invocation->arguments;

	if (json_object_size(arguments) < command->least)
		return refuse(parser, "there is nothing to set");
	if (command->query && !strcmp(command->method, "GET") &&
	    json_object_get(arguments, "name") && json_object_size(arguments) > 1)
		return refuse(parser, "a NAME stands alone, it is only one");
	return true;
}

static bool check_complete(struct parser *parser)
{
	const struct command *command = parser->invocation->command;

	for (const struct parameter *p = command->parameters; p->kind != PARAMETER_END; p++) {
		bool needed = p->kind == PARAMETER_POSITION || p->kind == PARAMETER_LIST ||
			      p->kind == PARAMETER_REQUIRED;

		if (needed && !json_object_get(parser->invocation->arguments, p->key))
			return refuse(parser, "%s%s%s is missing", p->word ? p->word : "",
				      p->word ? " " : "", p->value);
	}
	return check_together(parser);
}

static bool refuse_choice(struct parser *parser, const char *what, const char *word,
			  const char **choices, size_t count)
{
	const char *near = suggest_word(choices, count, word);
	char list[512] = "";
	size_t used = 0;

	if (near)
		return refuse(parser, "unknown %s \"%s\": did you mean \"%s\"?", what, word, near);
	for (size_t i = 0; i < count && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
				 choices[i]);
	return refuse(parser, "unknown %s \"%s\": it is one of %s", what, word, list);
}

/* The whole word that `word` stands for, or NULL and an error. */
static const char *choose(struct parser *parser, const char *what, const char *word,
			  const char **choices, size_t count)
{
	const char *whole = NULL;
	size_t found = word_match(choices, count, word, &whole);

	if (found == 1)
		return whole;
	if (found > 1)
		refuse(parser, "\"%s\" begins more than one %s", word, what);
	else
		refuse_choice(parser, what, word, choices, count);
	return NULL;
}

static const char *verb_alias(const char *word)
{
	for (size_t i = 0; i < sizeof(verb_aliases) / sizeof(verb_aliases[0]); i++)
		if (!strcmp(verb_aliases[i].typed, word))
			return verb_aliases[i].verb;
	return word;
}

static bool parse_options(struct parser *parser)
{
	while (parser->at < parser->count && is_option(parser, parser->words[parser->at]))
		if (!parse_option(parser, next_word(parser)))
			return false;
	return true;
}

/* The verb, where the object has any; without one it is show, as in iproute2. */
static bool parse_verb(struct parser *parser, const char *object)
{
	const char *verbs[COMMAND_WORDS_MAX], *word, *verb = "show";
	size_t count = command_verbs(object, verbs, COMMAND_WORDS_MAX);
	struct invocation *invocation = parser->invocation;

	if (!count) {
		invocation->command = command_get(object, NULL);
		return true;
	}
	if (!parse_options(parser))
		return false;
	word = next_word(parser);
	if (word && !strcmp(word, "help")) {
		invocation->command = command_get("help", NULL);
		return !json_object_set_new(invocation->arguments, "object", json_string(object));
	}
	if (word)
		verb = choose(parser, "verb", verb_alias(word), verbs, count);
	if (verb)
		invocation->command = command_get(object, verb);
	if (!invocation->command)
		return refuse(parser, "%s wants a verb", object);
	return true;
}

static bool take_rest(struct parser *parser, const struct parameter *rest)
{
	json_t *words = json_array();
	const char *word;

	while ((word = next_word(parser)))
		json_array_append_new(words, json_string(word));
	return !json_object_set_new(parser->invocation->arguments, rest->key, words);
}

static bool parse_arguments(struct parser *parser)
{
	const struct parameter *first = parser->invocation->command->parameters;
	const char *word;

	if (first->kind == PARAMETER_REST)
		return take_rest(parser, first);
	while ((word = next_word(parser)))
		if (!(is_option(parser, word) ? parse_option(parser, word)
					      : parse_word(parser, word)))
			return false;
	return parser->invocation->wants_help || check_complete(parser);
}

static bool parse_command(struct parser *parser)
{
	const char *objects[COMMAND_WORDS_MAX], *object, *word;
	size_t count = command_objects(objects, COMMAND_WORDS_MAX);

	if (!parse_options(parser))
		return false;
	word = next_word(parser);
	if (!word)
		return true;
	object = choose(parser, "command", word, objects, count);
	return object && parse_verb(parser, object) && parse_arguments(parser);
}

enum exit_code arguments_parse(int count, char **words, struct invocation *ret_invocation,
			       json_t **ret_error)
{
	struct parser parser = {.words = words, .count = count, .invocation = ret_invocation};

	*ret_invocation = (struct invocation){.arguments = json_object()};
	if (parse_command(&parser))
		return EXIT_DONE;
	/* How the error is to be printed may be said behind it. */
	for (int i = 0; i < count; i++)
		if (!strcmp(words[i], "-j") || !strcmp(words[i], "--json"))
			ret_invocation->json = true;
	*ret_error = parser.error;
	return EXIT_USAGE;
}

void invocation_done(struct invocation *invocation)
{
	json_decref(invocation->arguments);
}
