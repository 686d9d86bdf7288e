/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completion: the shell's function hands over the words so far, the last of them unfinished, and
 * this prints what it can become, by the table of commands. Names come from the daemon, if it runs.
 */
#include "arguments.h"
#include "field.h"
#include "output.h"
#include "programs.h"
#include "request.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char script[] =
	"# bash completion of peertag: eval \"$(peertag completion)\"\n"
	"_peertag()\n"
	"{\n"
	"\tlocal line\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tCOMPREPLY+=(\"$(printf %q \"$line\")\")\n"
	"\tdone < <(\"$1\" completion \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	"}\n"
	"complete -o default -F _peertag peertag\n";

struct completing {
	struct invocation *invocation; /* of the words, as far as they are understood */
	const json_t *words;
	size_t count; /* without the unfinished one */
	size_t at;
	const char *unfinished;
};

static const char *word_at(const struct completing *completing, size_t at)
{
	return json_string_value(json_array_get(completing->words, at));
}

static void offer(const struct completing *completing, const char *word, size_t bytes)
{
	size_t length = strlen(completing->unfinished);

	if (length <= bytes && !strncmp(word, completing->unfinished, length))
		printf("%.*s\n", (int)bytes, word);
}

static void offer_all(const struct completing *completing, const char **words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		offer(completing, words[i], strlen(words[i]));
}

static void offer_choices(const struct completing *completing, const char *choices)
{
	while (*choices) {
		size_t bytes = strcspn(choices, "|");

		offer(completing, choices, bytes);
		choices += bytes + (choices[bytes] == '|');
	}
}

static void offer_names(const struct completing *completing)
{
	struct client *client;
	struct response response;
	struct error error;
	json_t *answer, *connection;
	enum exit_code code;
	size_t i;

	client = request_client(completing->invocation, &code);
	if (!client)
		return;
	if (client_request(client, "GET", "/v1/connections?brief=1", NULL, 0, &response, &error)) {
		answer = json_loads(response.body, 0, NULL);
		json_array_foreach (answer, i, connection)
			offer(completing, field_text(connection, "name"),
			      strlen(field_text(connection, "name")));
		json_decref(answer);
		response_done(&response);
	}
	client_free(client);
}

static void offer_value(const struct completing *completing, const struct parameter *parameter)
{
	if (parameter->form == VALUE_CHOICE || parameter->form == VALUE_SWITCH)
		offer_choices(completing, parameter->value);
	else if (!strcmp(parameter->value, "NAME"))
		offer_names(completing);
}

static const struct parameter *find_word(const struct parameter *parameters, const char *word)
{
	for (const struct parameter *p = parameters; p->kind != PARAMETER_END; p++)
		if (p->word && !strcmp(p->word, word))
			return p;
	return NULL;
}

static bool wants_option(const struct completing *completing)
{
	return completing->unfinished[0] == '-';
}

/* Reads the global options; true if the unfinished word is the value of one. */
static bool skip_options(struct completing *completing)
{
	while (completing->at < completing->count) {
		const struct parameter *option =
			find_word(global_options, word_at(completing, completing->at));

		if (!option)
			return false;
		completing->at++;
		if (option->kind == PARAMETER_FLAG)
			continue;
		if (completing->at == completing->count)
			return true;
		if (!strcmp(option->key, "config"))
			completing->invocation->config_path = word_at(completing, completing->at);
		else
			completing->invocation->socket_path = word_at(completing, completing->at);
		completing->at++;
	}
	return false;
}

/* The whole of the next word, or NULL after offering what it can become. */
static const char *choose(struct completing *completing, const char **words, size_t count)
{
	const char *whole = NULL;

	if (skip_options(completing))
		return NULL;
	if (completing->at == completing->count && wants_option(completing)) {
		for (const struct parameter *p = global_options; p->kind != PARAMETER_END; p++)
			offer(completing, p->word, strlen(p->word));
		return NULL;
	}
	if (completing->at == completing->count) {
		offer_all(completing, words, count);
		return NULL;
	}
	if (word_match(words, count, word_at(completing, completing->at++), &whole) != 1)
		return NULL;
	return whole;
}

static const struct command *choose_command(struct completing *completing)
{
	const char *words[COMMAND_WORDS_MAX], *object, *verb;
	size_t count = command_objects(words, COMMAND_WORDS_MAX);

	object = choose(completing, words, count);
	if (!object)
		return NULL;
	count = command_verbs(object, words, COMMAND_WORDS_MAX);
	if (!count)
		return command_get(object, NULL);
	verb = choose(completing, words, count);
	return verb ? command_get(object, verb) : NULL;
}

static const struct parameter *position_at(const struct command *command, size_t at)
{
	for (const struct parameter *p = command->parameters; p->kind != PARAMETER_END; p++) {
		bool position = p->kind == PARAMETER_POSITION || p->kind == PARAMETER_OPTIONAL ||
				p->kind == PARAMETER_LIST;

		if (position && (p->kind == PARAMETER_LIST || at-- == 0))
			return p;
	}
	return NULL;
}

/* What the finished words of a command have filled. */
struct filled {
	uint64_t words; /* a bit for each parameter with a word */
	size_t positions;
	const struct parameter *open; /* the word whose value is the unfinished one */
};

static struct filled read_arguments(struct completing *completing, const struct command *command)
{
	struct filled filled = {};

	while (completing->at < completing->count) {
		const struct parameter *word =
			find_word(command->parameters, word_at(completing, completing->at++));
		size_t values;

		if (!word) {
			filled.positions++;
			continue;
		}
		filled.words |= 1ull << (word - command->parameters);
		values = word->kind == PARAMETER_FLAG ? 0 : word->form == VALUE_LABEL ? 2 : 1;
		if (completing->at + values > completing->count)
			filled.open = word;
		completing->at += values;
	}
	return filled;
}

static void offer_arguments(struct completing *completing, const struct command *command)
{
	struct filled filled = read_arguments(completing, command);
	const struct parameter *position = position_at(command, filled.positions);

	if (filled.open) {
		offer_value(completing, filled.open);
		return;
	}
	if (position)
		offer_value(completing, position);
	if (position && position->kind == PARAMETER_POSITION && !wants_option(completing))
		return;
	for (const struct parameter *p = command->parameters; p->kind != PARAMETER_END; p++)
		if (p->word && (p->repeats || !(filled.words >> (p - command->parameters) & 1)))
			offer(completing, p->word, strlen(p->word));
}

enum exit_code run_completion(struct invocation *invocation)
{
	const json_t *words = json_object_get(invocation->arguments, "words");
	struct completing completing = {.invocation = invocation, .words = words};
	const struct command *command;

	if (!json_array_size(words)) {
		fputs(script, stdout);
		return output_finish(EXIT_DONE);
	}
	completing.count = json_array_size(words) - 1;
	completing.unfinished = word_at(&completing, completing.count);
	command = choose_command(&completing);
	if (command)
		offer_arguments(&completing, command);
	return output_finish(EXIT_DONE);
}
