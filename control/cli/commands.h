/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line as one table: parsing, help and completion are all made of it, and so is the
 * HTTP request of every command that is no more than one.
 *
 * Threading: constant tables.
 */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum exit_code {
	EXIT_DONE,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_NOT_FOUND,
	EXIT_REFUSED,
	EXIT_UNREACHABLE,
};

enum parameter_kind {
	PARAMETER_END,
	PARAMETER_POSITION, /* must be there, in this order */
	PARAMETER_OPTIONAL, /* a position that may be left out */
	PARAMETER_LIST,	    /* a position that takes one or more words */
	PARAMETER_REST,	    /* takes all words that are left, as they are */
	PARAMETER_REQUIRED, /* a word and its value, in any order, must be there */
	PARAMETER_KEYWORD,  /* the same, may be left out */
	PARAMETER_FLAG,	    /* a word alone */
};

enum value_form {
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_CHOICE, /* one of the words in parameter.value, which | separates */
	VALUE_SWITCH, /* on or off */
	VALUE_PREFIX, /* appended to the list of prefixes */
	VALUE_LABEL,  /* takes two words, a key and a value */
};

struct parameter {
	enum parameter_kind kind;
	enum value_form form;
	const char *word;  /* as typed; NULL for a position */
	const char *value; /* the value's name in the help */
	const char *key;   /* where the value goes in the arguments; a dot enters an object */
	const char *of;	   /* the word whose latest value this one describes */
	bool repeats;
};

struct invocation;

struct command {
	const char *object;
	const char *verb; /* NULL: the object alone is the command */
	const struct parameter *parameters;
	const char *summary;

	/* Either it runs by itself, ... */
	enum exit_code (*run)(struct invocation *invocation);
	/* ... or it is a request, whose answer is shown. */
	const char *method;
	const char *path;  /* with a slash at its end: the argument "name" follows */
	const char *query; /* arguments that go into the query, separated by commas */
	json_t *(*body)(const json_t *arguments);
	void (*show)(const json_t *arguments, const json_t *answer);
	bool sends_file;    /* the body is the file named by the argument "file" */
	unsigned least;	    /* arguments that there must be */
	bool empty_removes; /* an empty value takes the key away */
};

/* One call of a command, parsed. */
struct invocation {
	bool json;
	bool wants_help;
	bool wants_version;
	const char *config_path; /* NULL: the default */
	const char *socket_path; /* NULL: from the configuration */
	const struct command *command;
	json_t *arguments;
};

/* In the order of the help; the last has no object. */
extern const struct command commands[];

/* The word typed alone stands for the whole one if it begins no other; 0, 1 or more of `words`. */
size_t word_match(const char *const *words, size_t count, const char *text, const char **ret_word);

/* All objects, or the verbs of `object`, each once, into `words`. Returns how many. */
size_t command_objects(const char **words, size_t capacity);
size_t command_verbs(const char *object, const char **words, size_t capacity);
/* Exact names; a verb of NULL is that of a command without one. NULL if there is none. */
const struct command *command_get(const char *object, const char *verb);

#define COMMAND_WORDS_MAX 64

#endif
