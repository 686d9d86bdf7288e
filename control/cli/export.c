/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"
#include "programs.h"
#include "request.h"

#include <stdio.h>
#include <string.h>

/* With -j the lines become one array, which is a registry file as well. */
static enum exit_code print_array(const struct invocation *invocation, char *lines)
{
	json_t *array = json_array();
	enum exit_code code;
	char *line;

	while ((line = strsep(&lines, "\n"))) {
		json_t *connection = *line ? json_loads(line, 0, NULL) : NULL;

		if (*line && json_array_append_new(array, connection)) {
			json_decref(array);
			return output_failure(invocation, EXIT_FAILED, "internal", NULL,
					      "peertagd exported a line that is not JSON");
		}
	}
	code = output_document(array);
	json_decref(array);
	return code;
}

static enum exit_code print_answer(const struct invocation *invocation, struct response *response)
{
	if (response->status != 200)
		return request_refused(invocation, response);
	if (invocation->json)
		return print_array(invocation, response->body);
	fwrite(response->body, 1, response->bytes, stdout);
	return output_finish(EXIT_DONE);
}

enum exit_code run_export(struct invocation *invocation)
{
	enum exit_code code = EXIT_FAILED;
	struct client *client = request_client(invocation, &code);
	struct response response;
	struct error error;

	if (!client)
		return code;
	if (client_request(client, "GET", "/v1/export", NULL, 0, &response, &error)) {
		code = print_answer(invocation, &response);
		response_done(&response);
	} else {
		code = output_error(invocation, &error);
	}
	client_free(client);
	return code;
}
