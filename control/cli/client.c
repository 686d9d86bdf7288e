/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_SECONDS 5L
#define READ_SECONDS	60L
#define WRITE_SECONDS	900L /* an apply of millions of prefixes, and the engines' turn */

struct client {
	CURL *curl;
	char *socket;
	char reason[CURL_ERROR_SIZE];
};

struct client *client_new(const char *socket)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->curl = curl_easy_init();
	client->socket = strdup(socket);
	if (client->curl && client->socket)
		return client;
	client_free(client);
	return NULL;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	free(client->socket);
	free(client);
}

char *client_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);
	char *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}

static size_t collect(char *piece, size_t size, size_t count, void *closure)
{
	struct response *response = closure;
	size_t bytes = size * count;
	char *body = realloc(response->body, response->bytes + bytes + 1);

	if (!body)
		return 0;
	memcpy(body + response->bytes, piece, bytes);
	response->body = body;
	response->bytes += bytes;
	body[response->bytes] = '\0';
	return bytes;
}

static void refuse_unreachable(const struct client *client, struct error *error)
{
	long reason = 0;

	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &reason);
	error_set(error, ERROR_UNREACHABLE, "cannot reach peertagd at %s: %s", client->socket,
		  reason ? strerror(reason) : client->reason);
	if (reason == EACCES)
		error_set_hint(error, "the socket's mode does not let you in: see api_mode in the "
				      "configuration");
	else
		error_set_hint(error,
			       "start it (systemctl start peertagd), or name the socket of a "
			       "running one with -s SOCKET or -c CONFIG");
}

static void refuse_transfer(const struct client *client, CURLcode code, struct error *error)
{
	const char *reason = *client->reason ? client->reason : curl_easy_strerror(code);

	if (code == CURLE_COULDNT_CONNECT) {
		refuse_unreachable(client, error);
		return;
	}
	error_set(error, ERROR_UNREACHABLE, "peertagd at %s gave no answer: %s", client->socket,
		  reason);
	if (code == CURLE_OPERATION_TIMEDOUT)
		error_set_hint(error, "it may still do what was asked: see `peertag status`");
	else
		error_set_hint(error, "it may have been restarted, and may have done what was "
				      "asked: see `peertag status`");
}

static bool prepare(struct client *client, const char *method, const char *path)
{
	char *url;
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	if (asprintf(&url, "http://peertag%s", path) < 0)
		return false;
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a connection may be named ".." */
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->reason);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	client->reason[0] = '\0';
	free(url);
	return true;
}

static bool no_memory(struct error *error)
{
	return error_set(error, ERROR_INTERNAL, "out of memory");
}

/* No Expect: the daemon looks at the body's length itself. */
static struct curl_slist *request_headers(void)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");

	return curl_slist_append(headers, "Content-Type: application/json");
}

bool client_request(struct client *client, const char *method, const char *path, const char *body,
		    size_t bytes, struct response *ret_response, struct error *error)
{
	struct response response = {.body = calloc(1, 1)};
	struct curl_slist *headers;
	CURL *curl = client->curl;
	CURLcode code;

	if (!response.body || !prepare(client, method, path)) {
		free(response.body);
		return no_memory(error);
	}
	headers = request_headers();
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT,
			 strcmp(method, "GET") ? WRITE_SECONDS : READ_SECONDS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	code = curl_easy_perform(curl);
	curl_slist_free_all(headers);
	if (code == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
		*ret_response = response;
		return true;
	}
	refuse_transfer(client, code, error);
	response_done(&response);
	return false;
}

void response_done(struct response *response)
{
	free(response->body);
	response->body = NULL;
}

struct stream {
	bool (*receive)(void *closure, const char *piece, size_t bytes);
	void *closure;
	bool ended;
};

static size_t pass_on(char *piece, size_t size, size_t count, void *closure)
{
	struct stream *stream = closure;

	stream->ended = !stream->receive(stream->closure, piece, size * count);
	return stream->ended ? 0 : size * count;
}

bool client_stream(struct client *client, const char *path,
		   bool (*receive)(void *closure, const char *piece, size_t bytes), void *closure,
		   struct error *error)
{
	struct stream stream = {receive, closure, false};
	CURL *curl = client->curl;
	CURLcode code;

	if (!prepare(client, "GET", path))
		return no_memory(error);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, pass_on);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &stream);
	code = curl_easy_perform(curl);
	if (stream.ended)
		return true;
	if (code == CURLE_OK)
		code = CURLE_GOT_NOTHING;
	refuse_transfer(client, code, error);
	return false;
}
