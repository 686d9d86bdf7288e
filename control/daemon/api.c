/* SPDX-License-Identifier: BSD-3-Clause */
#include "api.h"
#include "alerting.h"
#include "latency_document.h"
#include "lookup.h"
#include "metrics.h"
#include "page.h"
#include "status.h"
#include "tally.h"
#include "task.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A path, which may end in a connection's name, and what a method of it does. */
struct route {
	const char *method;
	const char *path; /* with a slash at its end: a name follows */
	/* One of the two: answered at once, or by the writer thread. */
	void (*answer)(struct service *service, struct http_request *request, char *name);
	bool (*task)(struct task *task);
	bool writes;
};

static void respond_text(struct http_request *request, unsigned status, const char *text)
{
	http_respond(request, status, "text/plain; charset=utf-8", strdup(text), strlen(text));
}

static void respond_no_connection(struct http_request *request, const char *name)
{
	struct error error;

	error_set(&error, ERROR_NOT_FOUND, "there is no connection \"%s\"", name);
	error_set_hint(&error, "`peertag connection show` lists them");
	error_name(error.connection, name);
	http_respond_error(request, &error);
}

static void get_health(struct service *service, struct http_request *request, char *name)
{
	(void)service;
	(void)name;
	respond_text(request, 200, "ok\n");
}

static void get_ready(struct service *service, struct http_request *request, char *name)
{
	bool ready = engines_ready(service->engines);

	(void)name;
	respond_text(request, ready ? 200 : 503,
		     ready ? "ready\n" : "not ready: an engine does not run the desired set\n");
}

static void get_page(struct service *service, struct http_request *request, char *name)
{
	(void)service;
	(void)name;
	page_answer(request);
}

static ssize_t read_scrape(void *closure, char *buffer, size_t bytes)
{
	return scrape_read(closure, buffer, bytes);
}

static void close_scrape(void *closure)
{
	scrape_free(closure);
}

static void get_metrics(struct service *service, struct http_request *request, char *name)
{
	const char *accept = http_header(request, "Accept");
	bool openmetrics = accept && strstr(accept, "application/openmetrics-text");
	struct scrape *scrape = scrape_new(service->view, service->engines, service->latency,
					   service->config, openmetrics);

	(void)name;
	if (!scrape) {
		respond_text(request, 503, "out of memory\n");
		return;
	}
	http_respond_stream(request,
			    openmetrics ? METRICS_TYPE_OPENMETRICS : METRICS_TYPE_PROMETHEUS,
			    read_scrape, close_scrape, scrape);
}

struct status_question {
	struct service *service;
	struct http_request *request;
};

static void answer_status(void *closure)
{
	struct status_question *question = closure;
	const struct service *service = question->service;

	json_t *status = status_json(service->view, service->engines, service->config->site);

	json_object_set_new(status, "alerts", alerting_json(service->alerting));
	http_respond_json(question->request, 200, status);
	free(question);
}

/* The devices' own counts come from the engines: they are asked, so that the books balance. */
static void get_status(struct service *service, struct http_request *request, char *name)
{
	struct status_question *question = malloc(sizeof(*question));

	(void)name;
	if (!question) {
		respond_text(request, 503, "out of memory\n");
		return;
	}
	*question = (struct status_question){service, request};
	engines_ask(service->engines, &(struct engines_question){
					      .request = {.verb = PT_ENGINE_STATUS},
					      .done = answer_status,
					      .closure = question,
				      });
}

static ssize_t read_tally(void *closure, char *buffer, size_t bytes)
{
	return tally_read(closure, buffer, bytes);
}

static void close_tally(void *closure)
{
	tally_free(closure);
}

/* The connection that ?name= asks for; NULL: all. False: there is none of it, and that was
 * answered. */
static bool find_asked(struct service *service, struct http_request *request,
		       const struct connection **ret_only)
{
	char *wanted = http_argument(request, "name");

	*ret_only = wanted ? view_find(service->view, wanted) : NULL;
	if (wanted && !*ret_only) {
		respond_no_connection(request, wanted);
		free(wanted);
		return false;
	}
	free(wanted);
	return true;
}

static void get_counters(struct service *service, struct http_request *request, char *name)
{
	const struct connection *only;
	struct tally *tally;

	(void)name;
	if (!find_asked(service, request, &only))
		return;
	tally = tally_new(service->view, service->engines, only);
	if (tally)
		http_respond_stream(request, "application/json", read_tally, close_tally, tally);
	else
		respond_text(request, 503, "out of memory\n");
}

static ssize_t read_latency(void *closure, char *buffer, size_t bytes)
{
	return latency_document_read(closure, buffer, bytes);
}

static void close_latency(void *closure)
{
	latency_document_free(closure);
}

static void get_latency(struct service *service, struct http_request *request, char *name)
{
	const struct connection *only;
	struct latency_document *document;

	(void)name;
	if (!find_asked(service, request, &only))
		return;
	document = latency_document_new(service->view, service->latency, service->config, only);
	if (document)
		http_respond_stream(request, "application/json", read_latency, close_latency,
				    document);
	else
		respond_text(request, 503, "out of memory\n");
}

/* True if the argument `key` is absent or equal to `value`. */
static bool argument_admits(struct http_request *request, const char *key, const char *value)
{
	char *wanted = http_argument(request, key);
	bool admits = !wanted || !strcmp(wanted, value);

	free(wanted);
	return admits;
}

static void get_connections(struct service *service, struct http_request *request, char *name)
{
	char *brief = http_argument(request, "brief");
	unsigned form =
		CONNECTION_WITH_ID | CONNECTION_WITH_MARK | (brief ? CONNECTION_NO_PREFIXES : 0);
	json_t *list = json_array();

	(void)name;
	for (size_t i = 0; i < service->view->by_name.count; i++) {
		const struct connection *connection = service->view->by_name.items[i];

		if (argument_admits(request, "partner", connection->partner) &&
		    argument_admits(request, "country", connection->country) &&
		    argument_admits(request, "state", connection->state))
			json_array_append_new(list, connection_encode(connection, form));
	}
	free(brief);
	http_respond_json(request, 200, list);
}

static void get_connection(struct service *service, struct http_request *request, char *name)
{
	const struct connection *connection = view_find(service->view, name);

	if (connection)
		http_respond_json(
			request, 200,
			connection_encode(connection, CONNECTION_WITH_ID | CONNECTION_WITH_MARK));
	else
		respond_no_connection(request, name);
}

static void get_lookup(struct service *service, struct http_request *request, char *name)
{
	char *address = http_argument(request, "address");

	(void)name;
	lookup_answer(service, request, address ? address : "");
	free(address);
}

static void get_events(struct service *service, struct http_request *request, char *name)
{
	char *counters = http_argument(request, "counters");
	struct counter_feed *feed = counters ? counter_feed_new(service) : NULL;

	(void)name;
	if (counters && !feed)
		respond_text(request, 503, "out of memory\n");
	else if (!events_subscribe(service->events, request, feed))
		respond_text(request, 503, "too many listeners\n");
	free(counters);
}

static const struct route routes[] = {
	{"GET", "/", get_page, NULL, false},
	{"GET", "/healthz", get_health, NULL, false},
	{"GET", "/readyz", get_ready, NULL, false},
	{"GET", "/metrics", get_metrics, NULL, false},
	{"GET", "/v1/status", get_status, NULL, false},
	{"GET", "/v1/counters", get_counters, NULL, false},
	{"GET", "/v1/latency", get_latency, NULL, false},
	{"GET", "/v1/lookup", get_lookup, NULL, false},
	{"GET", "/v1/events", get_events, NULL, false},
	{"GET", "/v1/export", NULL, task_export, false},
	{"GET", "/v1/history", NULL, task_history, false},
	{"GET", "/v1/connections", get_connections, NULL, false},
	{"GET", "/v1/connections/", get_connection, NULL, false},
	{"POST", "/v1/connections", NULL, task_add, true},
	{"PUT", "/v1/connections/", NULL, task_replace, true},
	{"PATCH", "/v1/connections/", NULL, task_patch, true},
	{"DELETE", "/v1/connections/", NULL, task_delete, true},
	{"POST", "/v1/check", NULL, task_check, false},
	{"POST", "/v1/diff", NULL, task_diff, false},
	{"POST", "/v1/apply", NULL, task_apply, true},
	{"POST", "/v1/rollback", NULL, task_rollback, true},
};

static bool path_matches(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);

	if (length < 2 || pattern[length - 1] != '/')
		return !strcmp(pattern, path);
	return !strncmp(pattern, path, length) && path[length] && !strchr(path + length, '/');
}

/* NULL: nothing has this path, or *ret_known and nothing of it this method. */
static const struct route *route_find(const char *method, const char *path, bool *ret_known)
{
	*ret_known = false;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!path_matches(routes[i].path, path))
			continue;
		*ret_known = true;
		if (!strcmp(routes[i].method, strcmp(method, "HEAD") ? method : "GET"))
			return &routes[i];
	}
	return NULL;
}

/* Whether a Host header names an address or localhost; a port may follow. */
static bool host_is_address(const char *host)
{
	bool bracketed = host[0] == '[';
	size_t length = strcspn(host += bracketed, bracketed ? "]" : ":");
	unsigned char address[sizeof(struct in6_addr)];
	char name[INET6_ADDRSTRLEN];

	if (length >= sizeof(name))
		return false;
	memcpy(name, host, length);
	name[length] = '\0';
	return inet_pton(bracketed ? AF_INET6 : AF_INET, name, address) == 1 ||
	       !strcasecmp(name, "localhost");
}

/* On the TCP port a web page must not reach us under a name of its own (DNS rebinding). */
static bool host_is_honest(const struct http_request *request)
{
	const char *host = http_header(request, "Host");

	return http_role(request) != HTTP_REMOTE_READER || !host || host_is_address(host);
}

static void refuse(struct http_request *request, unsigned status, enum error_code code,
		   const char *message, const char *hint)
{
	struct error error;

	error_set(&error, code, "%s", message);
	error_set_hint(&error, "%s", hint);
	http_respond_json(request, status, json_pack("{s:o}", "error", error_json(&error)));
}

static void refuse_method(struct http_request *request)
{
	bool remote = http_role(request) == HTTP_REMOTE_READER;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (path_matches(routes[i].path, http_path(request)) &&
		    (!remote || !strcmp(routes[i].method, "GET")))
			http_allow(request, routes[i].method);
	refuse(request, 405, ERROR_FORBIDDEN, "this path does not take this method here",
	       remote ? "changes go through the unix socket" : "see the HTTP API in the README");
}

static bool api_head(void *closure, struct http_request *request)
{
	bool known;
	const struct route *route = route_find(http_method(request), http_path(request), &known);

	(void)closure;
	if (!host_is_honest(request))
		refuse(request, 403, ERROR_FORBIDDEN,
		       "this port answers to an address or localhost",
		       "use http://127.0.0.1:PORT/");
	else if (!route && !known)
		refuse(request, 404, ERROR_NOT_FOUND, "there is nothing at this path",
		       "see the HTTP API in the README");
	else if (!route ||
		 (http_role(request) == HTTP_REMOTE_READER && strcmp(route->method, "GET")))
		refuse_method(request);
	else if (route->writes && http_role(request) != HTTP_WRITER)
		refuse(request, 403, ERROR_FORBIDDEN, "you may read, not change the registry",
		       "be root or in the service's group");
	else
		return true;
	return false;
}

static void api_request(void *closure, struct http_request *request)
{
	struct service *service = closure;
	const char *path = http_path(request);
	bool known;
	const struct route *route = route_find(http_method(request), path, &known);
	size_t length = strlen(route->path);
	char *name = NULL;

	if (length > 1 && route->path[length - 1] == '/') {
		name = http_unescape(path + length, strlen(path + length));
		if (!name) {
			respond_no_connection(request, path + length);
			return;
		}
	}
	if (route->task) {
		task_start(service, request, route->task, name);
		return;
	}
	route->answer(service, request, name);
	free(name);
}

const struct http_handler api_handler = {.head = api_head, .request = api_request};
