/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

enum exit_code output_finish(enum exit_code code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	/* Whoever read it had enough: head, less. */
	if (errno == EPIPE)
		return code;
	fprintf(stderr, "peertag: cannot write the output: %s\n", strerror(errno));
	return EXIT_FAILED;
}

enum exit_code output_document(const json_t *document)
{
	json_dumpf(document, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	putchar('\n');
	return output_finish(EXIT_DONE);
}

/* "peertag: line 3: message (hint)", of an error or a warning. */
static void print_error(const json_t *error, const char *kind)
{
	json_int_t line = json_integer_value(json_object_get(error, "line"));
	const char *hint = text_of(error, "hint");

	fprintf(stderr, "peertag: %s", kind);
	if (line)
		fprintf(stderr, "line %" JSON_INTEGER_FORMAT ": ", line);
	fprintf(stderr, "%s\n", text_of(error, "message"));
	if (*hint)
		fprintf(stderr, "peertag: %s\n", hint);
}

void output_warnings(const json_t *warnings)
{
	json_t *warning;
	size_t i;

	json_array_foreach (warnings, i, warning)
		print_error(warning, "warning: ");
}

static enum exit_code exit_code_of(const char *code)
{
	for (enum error_code known = ERROR_NONE; known <= ERROR_INTERNAL; known++) {
		if (strcmp(error_code_name(known), code))
			continue;
		if (known == ERROR_NOT_FOUND)
			return EXIT_NOT_FOUND;
		if (known == ERROR_UNREACHABLE)
			return EXIT_UNREACHABLE;
		if (known == ERROR_FORBIDDEN || known == ERROR_TOO_LARGE)
			return EXIT_REFUSED;
		return error_code_refuses(known) ? EXIT_REFUSED : EXIT_FAILED;
	}
	return EXIT_FAILED;
}

enum exit_code output_refusal(const struct invocation *invocation, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	json_t *all = json_object_get(answer, "errors"), *one;
	size_t i;

	if (invocation->json) {
		output_document(answer);
	} else if (json_array_size(all) > 1) {
		json_array_foreach (all, i, one)
			print_error(one, "");
	} else {
		print_error(error, "");
	}
	return exit_code_of(text_of(error, "code"));
}

enum exit_code output_error(const struct invocation *invocation, const struct error *error)
{
	json_t *answer = json_pack("{s:o}", "error", error_json(error));
	enum exit_code code = output_refusal(invocation, answer);

	json_decref(answer);
	return code;
}

enum exit_code output_failure(const struct invocation *invocation, enum exit_code exit_code,
			      const char *code, const char *hint, const char *format, ...)
{
	char message[1024];
	va_list arguments;
	json_t *answer;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	answer = json_pack("{s:{s:s, s:s, s:s*}}", "error", "code", code, "message", message,
			   "hint", hint);
	if (!answer) /* the user's words are no UTF-8 */
		answer = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message",
				   "a word is not UTF-8");
	output_refusal(invocation, answer);
	json_decref(answer);
	return exit_code;
}
