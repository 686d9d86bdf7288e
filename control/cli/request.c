/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include "../registry/file.h"
#include "output.h"

#include <peertag/config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends "?key=value" or "&key=value" to *path; true and false are written as such. */
static bool add_query(char **path, const char *key, const json_t *value)
{
	char number[32] = "";
	char *escaped, *longer;
	int length;

	if (json_is_integer(value))
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
	else if (json_is_boolean(value))
		strcpy(number, json_is_true(value) ? "true" : "false");
	escaped = client_escape(json_is_string(value) ? json_string_value(value) : number);
	if (!escaped)
		return false;
	length =
		asprintf(&longer, "%s%c%s=%s", *path, strchr(*path, '?') ? '&' : '?', key, escaped);
	free(escaped);
	if (length < 0)
		return false;
	free(*path);
	*path = longer;
	return true;
}

static bool add_queries(char **path, const char *keys, const json_t *arguments)
{
	char key[32];

	while (keys && *keys) {
		size_t length = strcspn(keys, ",");
		const json_t *value;

		snprintf(key, sizeof(key), "%.*s", (int)length, keys);
		value = json_object_get(arguments, key);
		if (value && !add_query(path, key, value))
			return false;
		keys += length + (keys[length] == ',');
	}
	return true;
}

/* A path that ends in a slash goes on with the name, or ends before the slash without one. */
static char *make_path(const struct invocation *invocation)
{
	const char *path = invocation->command->path;
	const char *name = json_string_value(json_object_get(invocation->arguments, "name"));
	size_t length = strlen(path);
	char *escaped, *whole;

	if (path[length - 1] != '/')
		return strdup(path);
	if (!name)
		return strndup(path, length - 1);
	escaped = client_escape(name);
	if (!escaped)
		return NULL;
	if (asprintf(&whole, "%s%s", path, escaped) < 0)
		whole = NULL;
	free(escaped);
	return whole;
}

bool request_make(const struct invocation *invocation, struct request *ret_request)
{
	const struct command *command = invocation->command;
	struct request request = {.method = command->method, .path = make_path(invocation)};
	json_t *body;

	if (!request.path || !add_queries(&request.path, command->query, invocation->arguments))
		goto failed;
	if (command->body) {
		body = command->body(invocation->arguments);
		request.body = body ? json_dumps(body, JSON_COMPACT) : NULL;
		json_decref(body);
		if (!request.body)
			goto failed;
		request.bytes = strlen(request.body);
	}
	*ret_request = request;
	return true;
failed:
	request_done(&request);
	return false;
}

void request_done(struct request *request)
{
	free(request->path);
	free(request->body);
}

static enum exit_code fail_memory(const struct invocation *invocation)
{
	return output_failure(invocation, EXIT_FAILED, "internal", NULL, "out of memory");
}

struct client *request_client(const struct invocation *invocation, enum exit_code *ret_code)
{
	struct pt_config *config = NULL;
	struct client *client;
	char message[512];

	if (!invocation->socket_path &&
	    pt_config_load(invocation->config_path, &config, message, sizeof(message)) < 0) {
		*ret_code = output_failure(
			invocation, EXIT_FAILED, "configuration",
			"name the daemon's socket with -s, or another file with -c", "%s", message);
		return NULL;
	}
	client = client_new(config ? config->api : invocation->socket_path);
	pt_config_free(config);
	if (!client)
		*ret_code = fail_memory(invocation);
	return client;
}

enum exit_code request_refused(const struct invocation *invocation, const struct response *response)
{
	json_t *answer = json_loadb(response->body, response->bytes, 0, NULL);
	enum exit_code code;

	if (json_object_get(answer, "error"))
		code = output_refusal(invocation, answer);
	else
		code = output_failure(invocation, EXIT_FAILED, "internal", NULL,
				      "peertagd answered %ld with what this program cannot read: "
				      "%.200s",
				      response->status, response->body);
	json_decref(answer);
	return code;
}

static json_t *read_answer(const struct invocation *invocation, const struct response *response,
			   enum exit_code *ret_code)
{
	json_t *answer = NULL;

	if (response->status >= 200 && response->status <= 299)
		answer = response->bytes ? json_loadb(response->body, response->bytes,
						      JSON_DECODE_ANY, NULL)
					 : json_null();
	if (!answer)
		*ret_code = request_refused(invocation, response);
	return answer;
}

json_t *request_send(const struct invocation *invocation, struct client *client,
		     const struct request *request, enum exit_code *ret_code)
{
	struct response response;
	struct error error;
	json_t *answer;

	if (!client_request(client, request->method, request->path, request->body, request->bytes,
			    &response, &error)) {
		*ret_code = output_error(invocation, &error);
		return NULL;
	}
	answer = read_answer(invocation, &response, ret_code);
	response_done(&response);
	return answer;
}

static enum exit_code show(const struct invocation *invocation, const json_t *answer)
{
	if (invocation->json)
		return output_document(answer);
	invocation->command->show(invocation->arguments, answer);
	fflush(stdout);
	output_warnings(json_object_get(answer, "warnings"));
	return output_finish(EXIT_DONE);
}

static bool read_body(const struct invocation *invocation, struct request *request,
		      enum exit_code *ret_code)
{
	const char *path = json_string_value(json_object_get(invocation->arguments, "file"));
	struct error error;

	if (!invocation->command->sends_file)
		return true;
	if (file_read(path, &request->body, &request->bytes, &error))
		return true;
	*ret_code = output_error(invocation, &error);
	return false;
}

enum exit_code request_run(const struct invocation *invocation)
{
	enum exit_code code = EXIT_FAILED;
	struct request request;
	struct client *client;
	json_t *answer = NULL;

	if (!request_make(invocation, &request))
		return fail_memory(invocation);
	client = request_client(invocation, &code);
	if (client && read_body(invocation, &request, &code))
		answer = request_send(invocation, client, &request, &code);
	if (answer)
		code = show(invocation, answer);
	json_decref(answer);
	client_free(client);
	request_done(&request);
	return code;
}
