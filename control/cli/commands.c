/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands.h"

#include "body.h"
#include "programs.h"
#include "show.h"

#include <string.h>

#define NAME                                                                                       \
	{                                                                                          \
		PARAMETER_POSITION, VALUE_TEXT, NULL, "NAME", "name"                               \
	}
#define OPTIONAL_NAME                                                                              \
	{                                                                                          \
		PARAMETER_OPTIONAL, VALUE_TEXT, NULL, "NAME", "name"                               \
	}
#define FILE_NAME                                                                                  \
	{                                                                                          \
		PARAMETER_POSITION, VALUE_TEXT, NULL, "FILE", "file"                               \
	}
#define CIDRS                                                                                      \
	{                                                                                          \
		PARAMETER_LIST, VALUE_PREFIX, NULL, "CIDR", "prefixes"                             \
	}
#define FORCE                                                                                      \
	{                                                                                          \
		PARAMETER_FLAG, VALUE_SWITCH, "--force", NULL, "force"                             \
	}
#define END                                                                                        \
	{                                                                                          \
		PARAMETER_END                                                                      \
	}

#define TEXT(word, value, key)                                                                     \
	{                                                                                          \
		PARAMETER_KEYWORD, VALUE_TEXT, word, value, key                                    \
	}
#define NUMBER(word, key)                                                                          \
	{                                                                                          \
		PARAMETER_KEYWORD, VALUE_NUMBER, word, "N", key                                    \
	}
#define SWITCH(word, key)                                                                          \
	{                                                                                          \
		PARAMETER_KEYWORD, VALUE_SWITCH, word, "on|off", key                               \
	}
#define CHOICE(word, value, key)                                                                   \
	{                                                                                          \
		PARAMETER_KEYWORD, VALUE_CHOICE, word, value, key                                  \
	}

/* What a connection may have besides what it must have. */
#define ATTRIBUTES                                                                                 \
	TEXT("state", "SS", "state"), TEXT("city", "C", "city"),                                   \
		TEXT("primary", "SITE", "primary_site"), TEXT("backup", "SITE", "backup_site"),    \
		SWITCH("monitor", "monitor"), NUMBER("rtt_threshold_ms", "rtt_threshold_ms"),      \
		NUMBER("mark", "tag.mark"), NUMBER("dscp", "tag.dscp"),                            \
		NUMBER("vlan", "tag.vlan"),                                                        \
	{                                                                                          \
		PARAMETER_KEYWORD, VALUE_LABEL, "label", "KEY VALUE", "labels", NULL, true         \
	}

#define PREFIX_ATTRIBUTES                                                                          \
	CHOICE("ownership", "customer|partner", "ownership"), SWITCH("latency", "latency")

static const struct parameter none[] = {END};
static const struct parameter name[] = {NAME, END};
static const struct parameter optional_name[] = {OPTIONAL_NAME, END};
static const struct parameter file[] = {FILE_NAME, END};
static const struct parameter file_force[] = {FILE_NAME, FORCE, END};
static const struct parameter name_prefixes[] = {NAME, CIDRS, END};
static const struct parameter name_prefixes_attributes[] = {NAME, CIDRS, PREFIX_ATTRIBUTES, END};

static const struct parameter connection_add[] = {
	NAME,
	{PARAMETER_REQUIRED, VALUE_TEXT, "partner", "P", "partner"},
	{PARAMETER_REQUIRED, VALUE_TEXT, "country", "CC", "country"},
	ATTRIBUTES,
	{PARAMETER_KEYWORD, VALUE_PREFIX, "prefix", "CIDR", "prefixes", NULL, true},
	{PARAMETER_KEYWORD, VALUE_CHOICE, "ownership", "customer|partner", "ownership", "prefix",
	 true},
	{PARAMETER_KEYWORD, VALUE_SWITCH, "latency", "on|off", "latency", "prefix", true},
	END,
};

static const struct parameter connection_set[] = {
	NAME, TEXT("partner", "P", "partner"), TEXT("country", "CC", "country"), ATTRIBUTES, END,
};

static const struct parameter connection_show[] = {
	OPTIONAL_NAME,
	TEXT("partner", "P", "partner"),
	TEXT("country", "CC", "country"),
	TEXT("state", "SS", "state"),
	END,
};

static const struct parameter rollback[] = {
	{PARAMETER_POSITION, VALUE_NUMBER, NULL, "REVISION", "revision"},
	FORCE,
	END,
};

static const struct parameter address[] = {
	{PARAMETER_POSITION, VALUE_TEXT, NULL, "ADDRESS", "address"},
	END,
};

static const struct parameter top[] = {
	{PARAMETER_FLAG, VALUE_SWITCH, "-b", NULL, "batch"},
	NUMBER("-n", "samples"),
	TEXT("-d", "SECONDS", "interval"),
	END,
};

static const struct parameter classify[] = {
	{PARAMETER_REQUIRED, VALUE_TEXT, "--registry", "FILE", "registry"},
	CHOICE("--engine", "xdp|dpdk", "engine"),
	CHOICE("--table", "flat|lpm", "table"),
	TEXT("--write", "OUT.pcap", "write"),
	{PARAMETER_POSITION, VALUE_TEXT, NULL, "CAPTURE", "capture"},
	END,
};

static const struct parameter optional_port[] = {
	{PARAMETER_OPTIONAL, VALUE_TEXT, NULL, "PORT", "port"},
	END,
};

static const struct parameter help_words[] = {
	{PARAMETER_OPTIONAL, VALUE_TEXT, NULL, "OBJECT", "object"},
	END,
};

static const struct parameter completion[] = {
	{PARAMETER_REST, VALUE_TEXT, NULL, "WORD...", "words"},
	END,
};

#define CONNECTION_PATH "/v1/connections/"

const struct command commands[] = {
	{"connection", "add", connection_add, "register a connection", .method = "POST",
	 .path = "/v1/connections", .body = body_connection, .show = show_result},
	{"connection", "show", connection_show, "all connections, or one whole", .method = "GET",
	 .path = CONNECTION_PATH, .query = "partner,country,state", .show = show_connections},
	{"connection", "set", connection_set, "change what is named; an empty VALUE removes it",
	 .method = "PATCH", .path = CONNECTION_PATH, .body = body_patch, .show = show_result,
	 .least = 2, .empty_removes = true},
	{"connection", "del", name, "remove a connection with its prefixes", .method = "DELETE",
	 .path = CONNECTION_PATH, .show = show_result},
	{"prefix", "add", name_prefixes_attributes, "add prefixes to a connection",
	 .method = "PATCH", .path = CONNECTION_PATH, .body = body_prefixes_add,
	 .show = show_result},
	{"prefix", "set", name_prefixes_attributes, "change what is said of prefixes",
	 .method = "PATCH", .path = CONNECTION_PATH, .body = body_prefixes_set, .show = show_result,
	 .least = 3},
	{"prefix", "del", name_prefixes, "remove prefixes from a connection", .method = "PATCH",
	 .path = CONNECTION_PATH, .body = body_prefixes_del, .show = show_result},
	{"check", NULL, file, "verdict on every prefix of a file; needs no daemon", run_check},
	{"diff", NULL, file, "what apply would change", .method = "POST", .path = "/v1/diff",
	 .show = show_difference, .sends_file = true},
	{"apply", NULL, file_force, "make the file the whole registry, all or nothing",
	 .method = "POST", .path = "/v1/apply", .query = "force", .show = show_result,
	 .sends_file = true},
	{"export", NULL, none, "the registry as JSON Lines", run_export},
	{"history", NULL, none, "the revisions that are kept", .method = "GET",
	 .path = "/v1/history", .show = show_history},
	{"rollback", NULL, rollback, "make an old revision the new one", .method = "POST",
	 .path = "/v1/rollback", .query = "force", .body = body_rollback, .show = show_result},
	{"status", NULL, none, "daemon, registry, engines and ports", .method = "GET",
	 .path = "/v1/status", .show = show_status},
	{"counters", NULL, optional_name, "packets and bytes of connections", .method = "GET",
	 .path = "/v1/counters", .query = "name", .show = show_counters},
	{"top", NULL, top, "live view; -b prints tables instead", run_top},
	{"lookup", NULL, address, "whose address is this", .method = "GET", .path = "/v1/lookup",
	 .query = "address", .show = show_lookup},
	{"monitor", NULL, none, "events as JSON lines, until interrupted", run_monitor},
	{"classify", NULL, classify, "run a capture through the real engine, offline",
	 run_classify},
	{"port", "show", none, "the engines' ports and what they count", .method = "GET",
	 .path = "/v1/status", .show = show_ports},
	{"port", "add", optional_port, "attach a port (not available yet)", run_unavailable},
	{"port", "detach", optional_port, "detach a port (not available yet)", run_unavailable},
	{"latency", NULL, optional_name, "round-trip times of what is selected for it",
	 .method = "GET", .path = "/v1/latency", .query = "name", .show = show_latency},
	{"doctor", NULL, optional_port, "what is wrong here (not available yet)", run_unavailable},
	{"completion", NULL, completion, "the completion script of bash; or of these words",
	 run_completion},
	{"manual", NULL, none, "the manual page, as scdoc reads it", run_manual},
	{"help", NULL, help_words, "this text, or all of an object", run_help},
	{NULL},
};

size_t word_match(const char *const *words, size_t count, const char *text, const char **ret_word)
{
	size_t length = strlen(text), found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(words[i], text)) {
			*ret_word = words[i];
			return 1;
		}
		if (length && !strncmp(words[i], text, length)) {
			*ret_word = words[i];
			found++;
		}
	}
	return found;
}

size_t command_objects(const char **words, size_t capacity)
{
	size_t count = 0;

	for (const struct command *command = commands; command->object; command++)
		if (count < capacity && (!count || strcmp(words[count - 1], command->object)))
			words[count++] = command->object;
	return count;
}

size_t command_verbs(const char *object, const char **words, size_t capacity)
{
	size_t count = 0;

	for (const struct command *command = commands; command->object; command++)
		if (count < capacity && command->verb && !strcmp(command->object, object))
			words[count++] = command->verb;
	return count;
}

const struct command *command_get(const char *object, const char *verb)
{
	for (const struct command *command = commands; command->object; command++)
		if (!strcmp(command->object, object) && !command->verb == !verb &&
		    (!verb || !strcmp(command->verb, verb)))
			return command;
	return NULL;
}
