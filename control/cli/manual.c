/* SPDX-License-Identifier: BSD-3-Clause */
/* peertag(8) in the form that scdoc reads: its commands are those of the table. */
#include "help.h"
#include "output.h"
#include "programs.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
	"peertag(8)\n\n"
	"# NAME\n\n"
	"peertag - registers Peering Service connections and shows what they send\n\n"
	"# SYNOPSIS\n\n"
	"*peertag* [*-j*] [*-c* _CONFIG_] [*-s* _SOCKET_] _OBJECT_ _VERB_ [_ARGS_]\n\n"
	"# DESCRIPTION\n\n"
	"peertag asks *peertagd*, over its unix socket, to register connections, and shows what\n"
	"the engines count for them. Data goes to standard output, messages to standard error.\n"
	"Objects, "
	"verbs and words may be shortened as long as they begin only one: *peertag conn sh*.\n\n"
	"# OPTIONS\n\n"
	"*-j*, *--json*\n"
	"\tOne JSON document on standard output, errors too.\n\n"
	"*-c*, *--config* _CONFIG_\n"
	"\tThe configuration; /etc/peertag/peertag.yaml if not given. Commands that need no\n"
	"\tdaemon take their rules and limits from it, all others the daemon's socket.\n\n"
	"*-s*, *--socket* _SOCKET_\n"
	"\tThe daemon's socket, instead of the configuration's.\n\n"
	"*-h*, *--help*; *-V*, *--version*\n"
	"\tHow a command is written; the version.\n\n"
	"# COMMANDS\n\n";

static const char tail[] =
	"# FILES OF CONNECTIONS\n\n"
	"_FILE_ holds JSON Lines, one connection a line, or one JSON array, or CSV with the\n"
	"header "
	"name,partner,country,state,prefix. A lone - is standard input.\n\n"
	"# EXIT STATUS\n\n"
	"0 done, 1 failed, 2 usage, 3 no such thing, 4 refused by a rule, 5 daemon unreachable.\n\n"
	"# FILES\n\n"
	"/etc/peertag/peertag.yaml, /run/peertag/api.sock\n";

/* What scdoc would take for markup is escaped. */
static void print_plain(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*#\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

enum exit_code run_manual(struct invocation *invocation)
{
	char synopsis[1024];

	(void)invocation;
	fputs(head, stdout);
	for (const struct command *command = commands; command->object; command++) {
		help_synopsis(command, synopsis, sizeof(synopsis));
		print_plain(synopsis);
		printf("\n\t");
		print_plain(command->summary);
		printf("\n\n");
	}
	fputs(tail, stdout);
	return output_finish(EXIT_DONE);
}
