/* SPDX-License-Identifier: BSD-3-Clause */
#include "http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_BLOCK (64 * 1024)

struct stream {
	struct http_request *request;
	http_stream_read *read;
	void (*close)(void *closure);
	void *closure;
};

void request_resume(struct http_request *request)
{
	if (!request->suspended)
		return;
	request->suspended = false;
	MHD_resume_connection(request->connection);
	/* An MHD that has no thread of its own notices when it is run next. */
	sd_event_source_set_time_relative(request->listener->timer, 0);
	sd_event_source_set_enabled(request->listener->timer, SD_EVENT_ONESHOT);
}

static void request_respond(struct http_request *request, unsigned status, const char *type,
			    struct MHD_Response *response)
{
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (request->allowed[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request->allowed);
	for (size_t i = 0; i < request->header_count; i++)
		MHD_add_response_header(response, request->headers[i].key,
					request->headers[i].value);
	request->status = status;
	request->response = response;
	request_resume(request);
}

void http_allow(struct http_request *request, const char *method)
{
	size_t used = strlen(request->allowed);

	snprintf(request->allowed + used, sizeof(request->allowed) - used, "%s%s", used ? ", " : "",
		 method);
}

void http_set_header(struct http_request *request, const char *key, const char *value)
{
	if (request->header_count == HTTP_HEADERS_MAX)
		return;
	request->headers[request->header_count].key = key;
	request->headers[request->header_count].value = value;
	request->header_count++;
}

void http_respond(struct http_request *request, unsigned status, const char *type, char *text,
		  size_t bytes)
{
	request_respond(request, status, type,
			MHD_create_response_from_buffer(bytes, text, MHD_RESPMEM_MUST_FREE));
}

void http_respond_json(struct http_request *request, unsigned status, json_t *document)
{
	char *text = document ? json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

	json_decref(document);
	if (!text) {
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		text = strdup("{\"error\":{\"code\":\"internal\",\"message\":\"out of memory\"}}");
	}
	http_respond(request, status, "application/json", text, strlen(text));
}

void http_respond_error(struct http_request *request, const struct error *error)
{
	http_respond_json(request, http_status_of(error->code),
			  json_pack("{s:o}", "error", error_json(error)));
}

static ssize_t stream_read(void *closure, uint64_t position, char *buffer, size_t bytes)
{
	struct stream *stream = closure;
	ssize_t n;

	(void)position;
	if (stream->request->listener->http->closing)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = stream->read(stream->closure, buffer, bytes);
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		stream->request->suspended = true;
		MHD_suspend_connection(stream->request->connection);
	}
	return n;
}

static void stream_free(void *closure)
{
	struct stream *stream = closure;

	if (stream->close)
		stream->close(stream->closure);
	free(stream);
}

void http_respond_stream(struct http_request *request, const char *type, http_stream_read *read,
			 void (*close)(void *closure), void *closure)
{
	struct stream *stream = malloc(sizeof(*stream));

	*stream = (struct stream){request, read, close, closure};
	request_respond(request, MHD_HTTP_OK, type,
			MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
							  stream_read, stream, stream_free));
}

void http_stream_more(struct http_request *request)
{
	request_resume(request);
}
