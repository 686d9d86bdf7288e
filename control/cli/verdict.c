/* SPDX-License-Identifier: BSD-3-Clause */
/* peertag check: the rules of the registry on a file, without a daemon. */
#include "../registry/check.h"
#include "field.h"
#include "output.h"
#include "policy.h"
#include "programs.h"

static void print_finding(const char *file, const char *kind, const json_t *finding)
{
	json_int_t line = field_number(finding, "line");
	const char *hint = field_text(finding, "hint");

	printf("%s:", file);
	if (line)
		printf("%" JSON_INTEGER_FORMAT ":", line);
	printf(" %s: %s%s%s%s\n", kind, field_text(finding, "message"), *hint ? " (" : "", hint,
	       *hint ? ")" : "");
}

static void print_verdict(const char *file, const json_t *document)
{
	json_t *finding;
	size_t i;

	json_array_foreach (json_object_get(document, "warnings"), i, finding)
		print_finding(file, "warning", finding);
	json_array_foreach (json_object_get(document, "errors"), i, finding)
		print_finding(file, "error", finding);
	printf("%s: %s, %" JSON_INTEGER_FORMAT " IPv4 and %" JSON_INTEGER_FORMAT " IPv6 prefixes: ",
	       file,
	       field_plural(field_number(document, "connections"), "connection", "connections"),
	       field_number(document, "prefixes.ipv4"), field_number(document, "prefixes.ipv6"));
	if (field_true(document, "ok"))
		printf("ok\n");
	else
		printf("%s\n", field_plural(json_array_size(json_object_get(document, "errors")),
					    "error", "errors"));
}

static enum exit_code tell(const struct invocation *invocation, const char *file,
			   const struct input *input)
{
	json_t *document = check_document(input);
	enum exit_code code;

	if (!document)
		return output_failure(invocation, EXIT_FAILED, "internal", NULL, "out of memory");
	if (invocation->json)
		code = output_document(document);
	else
		print_verdict(file, document);
	code = output_finish(field_true(document, "ok") ? EXIT_DONE : EXIT_REFUSED);
	json_decref(document);
	return code;
}

enum exit_code run_check(struct invocation *invocation)
{
	const char *file = field_text(invocation->arguments, "file");
	struct policy policy;
	struct input input;
	struct error error;
	enum exit_code code;

	if (!policy_load(invocation, &policy, NULL, &code))
		return code;
	if (!input_read_file(file, &input, &error))
		return output_error(invocation, &error);
	if (check_input(&input, &policy))
		code = tell(invocation, file, &input);
	else
		code = output_failure(invocation, EXIT_FAILED, "internal", NULL, "out of memory");
	input_done(&input);
	return code;
}
