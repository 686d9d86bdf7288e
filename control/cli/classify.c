/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peertag classify: a registry file compiled as the daemon would, handed to the real engine's
 * program, and its answer told with names in place of ids.
 */
#include "../registry/check.h"
#include "../registry/compile.h"
#include "field.h"
#include "offline_engine.h"
#include "output.h"
#include "policy.h"
#include "programs.h"
#include "table.h"

#include <string.h>
#include <unistd.h>

static enum exit_code fail_memory(const struct invocation *invocation)
{
	return output_failure(invocation, EXIT_FAILED, "internal", NULL, "out of memory");
}

struct engine {
	const char *title;
	const char *program;
	const char *other;	/* the other one's program, */
	const char *other_hint; /* if that is there */
};

/* The one that is asked for; XDP unless it is said. */
static const struct engine *engine_of(const struct invocation *invocation)
{
	static const struct engine xdp = {"XDP", "peertag-xdp", "peertag-dpdk", "--engine dpdk is"};
	static const struct engine dpdk = {"DPDK", "peertag-dpdk", "peertag-xdp",
					   "--engine xdp is"};

	return strcmp(field_text(invocation->arguments, "engine"), "dpdk") ? &xdp : &dpdk;
}

static bool is_built_in(const struct invocation *invocation, enum exit_code *ret_code)
{
	const struct engine *engine = engine_of(invocation);

	if (offline_engine_found(engine->program))
		return true;
	*ret_code = output_failure(
		invocation, EXIT_FAILED, "unavailable",
		offline_engine_found(engine->other) ? engine->other_hint : "build it: ./run build",
		"the %s engine is not built in: there is no program %s beside this one or in "
		"/usr/sbin",
		engine->title, engine->program);
	return false;
}

/* The registry file as a view, or NULL: the error was printed. */
static struct view *read_registry(const struct invocation *invocation, const struct policy *policy,
				  enum exit_code *ret_code)
{
	struct view *view = NULL;
	struct input input;
	struct error error;
	json_t *answer;

	if (!input_read_file(field_text(invocation->arguments, "registry"), &input, &error)) {
		*ret_code = output_error(invocation, &error);
		return NULL;
	}
	if (!check_input(&input, policy)) {
		*ret_code = fail_memory(invocation);
	} else if (input.errors.count) {
		error_list_get(&input.errors, 0, &error);
		answer = json_pack("{s:o, s:o}", "error", error_json(&error), "errors",
				   error_list_json(&input.errors));
		*ret_code = output_refusal(invocation, answer);
		json_decref(answer);
	} else {
		view = view_from_input(&input);
		if (!view)
			*ret_code = fail_memory(invocation);
	}
	input_done(&input);
	return view;
}

/* {NAME: counts} of {ID: counts}; an id that the registry has not is kept as it is. */
static void name_connections(json_t *document, const struct view *view)
{
	json_t *named = json_object(), *counts;
	const char *id;

	json_object_foreach (json_object_get(document, "connections"), id, counts) {
		const struct connection *connection = view_find_id(view, strtoul(id, NULL, 10));

		json_object_set(named, connection ? connection->name : id, counts);
	}
	json_object_set_new(document, "connections", named);
}

static void print_numbers(const char *title, json_t *numbers)
{
	const char *key;
	json_t *number;

	printf("%-10s", title);
	json_object_foreach (numbers, key, number)
		printf(" %s %" JSON_INTEGER_FORMAT, key, json_integer_value(number));
	printf("\n");
}

static void print_document(const json_t *document)
{
	struct table *table = table_new("CONNECTION >RECEIVE-PACKETS >RECEIVE-BYTES "
					">TRANSMIT-PACKETS >TRANSMIT-BYTES");
	const char *name;
	json_t *counts;

	printf("%-10s %s, table %s\n", "engine", field_text(document, "engine"),
	       field_text(document, "table"));
	print_numbers("received", json_object_get(document, "received"));
	print_numbers("outcomes", json_object_get(document, "outcomes"));
	print_numbers("tagged", json_object_get(document, "tagged"));
	if (field_number(document, "native_packets"))
		printf("%-10s %s, which the kernel's test run refuses\n", "native",
		       field_plural(field_number(document, "native_packets"), "packet", "packets"));
	json_object_foreach (json_object_get(document, "connections"), name, counts) {
		table_text(table, "%s", name);
		table_number(table, field_number(counts, "receive.packets"));
		table_number(table, field_number(counts, "receive.bytes"));
		table_number(table, field_number(counts, "transmit.packets"));
		table_number(table, field_number(counts, "transmit.bytes"));
	}
	if (table_rows(table))
		printf("\n");
	table_print(table, stdout);
	table_free(table);
}

/* An error beside a document: what came before it in the capture is told all the same. */
static enum exit_code tell(const struct invocation *invocation, json_t *document,
			   const struct view *view, const struct error *error)
{
	name_connections(document, view);
	if (!invocation->json)
		print_document(document);
	if (error->code == ERROR_NONE)
		return invocation->json ? output_document(document) : output_finish(EXIT_DONE);
	output_finish(EXIT_FAILED);
	json_object_set_new(document, "error", error_json(error));
	return output_refusal(invocation, document);
}

static enum exit_code classify(const struct invocation *invocation, const struct view *view,
			       const struct pt_config_tag *tag)
{
	struct offline_run run = {
		.engine = engine_of(invocation)->program,
		.table = strcmp(field_text(invocation->arguments, "table"), "lpm") ? PT_TABLE_FLAT
										   : PT_TABLE_LPM,
		.tag = tag,
		.capture = field_text(invocation->arguments, "capture"),
		.write = json_string_value(json_object_get(invocation->arguments, "write")),
	};
	struct compiled compiled;
	enum exit_code code;
	struct error error;
	json_t *document;

	run.snapshot_fd = compile(view, tag, &compiled);
	if (run.snapshot_fd == 0) {
		run.snapshot_fd = compiled_memfd(&compiled);
		compiled_done(&compiled);
	}
	if (run.snapshot_fd < 0)
		return output_failure(invocation, EXIT_FAILED, "internal", NULL,
				      "cannot compile the registry: %s",
				      strerror(-run.snapshot_fd));
	document = offline_engine_run(&run, &error);
	code = document ? tell(invocation, document, view, &error)
			: output_error(invocation, &error);
	json_decref(document);
	close(run.snapshot_fd);
	return code;
}

enum exit_code run_classify(struct invocation *invocation)
{
	struct pt_config_tag tag;
	struct policy policy;
	struct view *view;
	enum exit_code code = EXIT_FAILED;

	if (!is_built_in(invocation, &code) || !policy_load(invocation, &policy, &tag, &code))
		return code;
	view = read_registry(invocation, &policy, &code);
	if (!view)
		return code;
	code = classify(invocation, view, &tag);
	view_unref(view);
	return code;
}
