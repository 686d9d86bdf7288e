/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon_fixture.h"

#define STEP_US	   10000
#define PATIENCE_S 10

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static struct pt_config *configure(const struct fixture *engine)
{
	const char *folder = engine->folder;
	struct pt_config *config;
	char path[128], message[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/peertag.yaml", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
		"registry: %s/registry.db\napi: %s/api.sock\nlisten: ''\nallow_special: true\n"
		"max_connections: %d\nrun_dir: %s\nlatency: {window: 1s, slots: %d}\n"
		"engines: [{name: fixture, ports: [{name: port}]}]\n",
		folder, folder, CAPACITY, folder, LATENCY_SLOTS);
	fclose(file);
	if (pt_config_load(path, &config, message, sizeof(message)) < 0)
		fail_msg("%s", message);
	return config;
}

static void daemon_start(struct daemon *daemon)
{
	daemon->service = (struct service){.config = daemon->config};
	assert_true(sd_event_new(&daemon->service.loop) >= 0);
	assert_int_equal(service_start(&daemon->service), 0);
}

static void daemon_stop(struct daemon *daemon)
{
	service_stop(&daemon->service);
	sd_event_unref(daemon->service.loop);
}

void daemon_restart(struct daemon *daemon)
{
	daemon_stop(daemon);
	daemon_start(daemon);
}

int daemon_setup(void **state)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));

	if (fixture_setup((void **)&daemon->engine))
		return -1;
	daemon->config = configure(daemon->engine);
	daemon_start(daemon);
	daemon_wait(daemon, daemon_is_ready);
	*state = daemon;
	return 0;
}

static void folder_clear(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
}

int daemon_teardown(void **state)
{
	struct daemon *daemon = *state;

	daemon_stop(daemon);
	pt_config_free(daemon->config);
	folder_clear(daemon->engine->folder);
	*state = daemon->engine;
	free(daemon);
	return fixture_teardown(state);
}

const struct engine *daemon_engine(const struct daemon *daemon)
{
	return engines_at(daemon->service.engines, 0);
}

void daemon_step(struct daemon *daemon)
{
	assert_true(sd_event_run(daemon->service.loop, STEP_US) >= 0);
}

void daemon_run_for(struct daemon *daemon, unsigned int ms)
{
	double end = now_s() + ms / 1e3;

	while (now_s() < end)
		daemon_step(daemon);
}

void daemon_wait(struct daemon *daemon, bool (*holds)(const struct daemon *daemon))
{
	double end = now_s() + PATIENCE_S;

	while (!holds(daemon)) {
		assert_true(now_s() < end);
		daemon_step(daemon);
	}
}

bool daemon_is_ready(const struct daemon *daemon)
{
	return engines_ready(daemon->service.engines);
}

bool daemon_engine_is_up(const struct daemon *daemon)
{
	return daemon_engine(daemon)->up;
}

bool daemon_engine_is_down(const struct daemon *daemon)
{
	return !daemon_engine(daemon)->up;
}

static int api_connect(const struct daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", daemon->config->api);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void api_send(int fd, const char *request)
{
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
}

/* What is there to be read now, appended to *text of *bytes bytes. False: that was the end. */
static bool api_receive(int fd, char **text, size_t *bytes)
{
	char piece[4096];
	ssize_t got;

	while ((got = read(fd, piece, sizeof(piece))) > 0) {
		*text = realloc(*text, *bytes + got + 1);
		memcpy(*text + *bytes, piece, got);
		*bytes += got;
		(*text)[*bytes] = '\0';
	}
	return got < 0 && errno == EAGAIN;
}

/* The body of the answer, which HTTP 1.0 ends by closing. */
static char *api_answer(struct daemon *daemon, int fd)
{
	double end = now_s() + PATIENCE_S;
	char *text = NULL, *body;
	size_t bytes = 0;

	while (api_receive(fd, &text, &bytes)) {
		assert_true(now_s() < end);
		daemon_step(daemon);
	}
	close(fd);
	assert_non_null(text);
	body = strstr(text, "\r\n\r\n");
	assert_non_null(body);
	memmove(text, body + 4, strlen(body + 4) + 1);
	return text;
}

char *daemon_get(struct daemon *daemon, const char *path, const char *accept)
{
	int fd = api_connect(daemon);
	char request[512];

	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nAccept: %s\r\n\r\n", path,
		 accept ? accept : "*/*");
	api_send(fd, request);
	return api_answer(daemon, fd);
}

int daemon_post_only(struct daemon *daemon, const char *path, const char *document)
{
	int fd = api_connect(daemon);
	char request[1024];

	snprintf(request, sizeof(request), "POST %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s",
		 path, strlen(document), document);
	api_send(fd, request);
	return fd;
}

void daemon_post(struct daemon *daemon, const char *path, const char *document)
{
	char *answer = api_answer(daemon, daemon_post_only(daemon, path, document));

	if (strstr(answer, "\"error\""))
		fail_msg("POST %s: %s", path, answer);
	free(answer);
}

int daemon_listen(struct daemon *daemon)
{
	int fd = api_connect(daemon);

	api_send(fd, "GET /v1/events HTTP/1.0\r\n\r\n");
	daemon_run_for(daemon, 100);
	free(daemon_heard(fd));
	return fd;
}

char *daemon_heard(int listener)
{
	char *text = strdup("");
	size_t bytes = 0;

	assert_true(api_receive(listener, &text, &bytes));
	return text;
}

void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("%s\nis not in\n%s", part, text);
}
