/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peertag: the command line. It parses its words by the table of commands, does the one thing that
 * they ask for, and ends.
 */
#include "arguments.h"
#include "help.h"
#include "output.h"
#include "programs.h"
#include "request.h"

#include <curl/curl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

static enum exit_code refuse(const struct invocation *invocation, json_t *error)
{
	json_t *answer = json_pack("{s:o}", "error", error);

	output_refusal(invocation, answer);
	json_decref(answer);
	return EXIT_USAGE;
}

static enum exit_code print_version(const struct invocation *invocation)
{
	if (invocation->json)
		puts("{\"version\":\"" PEERTAG_VERSION "\"}");
	else
		puts("peertag " PEERTAG_VERSION);
	return output_finish(EXIT_DONE);
}

/* -h behind a command tells of it, and of all commands otherwise. */
static enum exit_code print_help(struct invocation *invocation)
{
	const struct command *command = invocation->command;
	char synopsis[1024];

	if (invocation->json) {
		json_object_clear(invocation->arguments);
		if (command)
			json_object_set_new(invocation->arguments, "object",
					    json_string(command->object));
		return run_help(invocation);
	}
	if (command) {
		help_synopsis(command, synopsis, sizeof(synopsis));
		printf("%s\n        %s\n", synopsis, command->summary);
	} else {
		help_print(stdout);
	}
	return output_finish(EXIT_DONE);
}

static enum exit_code refuse_nothing(const struct invocation *invocation)
{
	if (invocation->json)
		return output_failure(invocation, EXIT_USAGE, "usage", "peertag help",
				      "a command is missing");
	help_print(stderr);
	return EXIT_USAGE;
}

static enum exit_code run(struct invocation *invocation)
{
	if (invocation->wants_version)
		return print_version(invocation);
	if (invocation->wants_help)
		return print_help(invocation);
	if (!invocation->command)
		return refuse_nothing(invocation);
	if (invocation->command->run)
		return invocation->command->run(invocation);
	return request_run(invocation);
}

/* Names are UTF-8 whatever the terminal's locale is, so that columns are measured right. */
static void use_utf8(void)
{
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	if (MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
	struct invocation invocation;
	json_t *error = NULL;
	enum exit_code code;

	use_utf8();
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = arguments_parse(argc - 1, argv + 1, &invocation, &error);
	code = code == EXIT_DONE ? run(&invocation) : refuse(&invocation, error);
	invocation_done(&invocation);
	curl_global_cleanup();
	return code;
}
