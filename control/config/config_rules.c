/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_rules.h"

#include "suggest.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <peertag/counters.h>

#define SOCKET_PATH_BYTES sizeof(((struct sockaddr_un *)NULL)->sun_path)

/* One engine or port of the file, with the node that it is written at. */
struct place {
	const struct config_document *document;
	const struct pt_config *config;
	size_t engine;
	size_t port;
};

static const yaml_node_t *engine_node(const struct place *place)
{
	const yaml_node_t *root = document_root(place->document);

	return document_item(place->document, document_value(place->document, root, "engines"),
			     place->engine);
}

/* The value of `key` of the port, or where it is absent, the port. */
static const yaml_node_t *port_node(const struct place *place, const char *key)
{
	const yaml_node_t *ports = document_value(place->document, engine_node(place), "ports");
	const yaml_node_t *port = document_item(place->document, ports, place->port);
	const yaml_node_t *value = document_value(place->document, port, key);

	return value ? value : port;
}

static const struct pt_config_engine *engine_of(const struct place *place)
{
	return &place->config->engines[place->engine];
}

static const struct pt_config_port *port_of(const struct place *place)
{
	return &engine_of(place)->ports[place->port];
}

static bool split_listen(const char *listen, char *address, size_t bytes, const char **ret_port)
{
	const char *colon = strrchr(listen, ':');
	size_t length = colon ? colon - listen : 0;

	if (!colon || length == 0 || length >= bytes)
		return false;
	if (listen[0] == '[' && listen[length - 1] == ']') {
		listen++;
		length -= 2;
	} else if (memchr(listen, ':', length)) {
		return false;
	}
	memcpy(address, listen, length);
	address[length] = '\0';
	*ret_port = colon + 1;
	return true;
}

static bool port_number_good(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 5 && !text[digits] && text[0] != '0' && atoi(text) <= 65535;
}

/* 1, 0, or -1 for what is no address. */
static int address_is_loopback(const char *address)
{
	struct in_addr ipv4;
	struct in6_addr ipv6;

	if (inet_pton(AF_INET, address, &ipv4) == 1)
		return ntohl(ipv4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, address, &ipv6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&ipv6);
	return -1;
}

static int check_listen(const struct config_document *document, const struct pt_config *config)
{
	const yaml_node_t *node = document_value(document, document_root(document), "listen");
	char address[INET6_ADDRSTRLEN];
	const char *port = NULL;

	if (!*config->listen)
		return 0;
	if (!split_listen(config->listen, address, sizeof(address), &port) ||
	    !port_number_good(port) || address_is_loopback(address) < 0)
		return document_refuse(document, node,
				       "listen is \"%s\": it is ADDRESS:PORT, as in "
				       "\"127.0.0.1:9471\" or \"[::1]:9471\", or \"\" for none",
				       config->listen);
	if (!address_is_loopback(address))
		return document_refuse(
			document, node,
			"listen is \"%s\", which others can reach, and this listener "
			"asks nobody who he is: did you mean \"127.0.0.1:%s\"? Put a "
			"proxy in front for remote access",
			config->listen, port);
	return 0;
}

static int check_sockets(const struct config_document *document, const struct pt_config *config)
{
	const yaml_node_t *root = document_root(document);
	char path[SOCKET_PATH_BYTES];

	if (strlen(config->api) >= SOCKET_PATH_BYTES)
		return document_refuse(document, document_value(document, root, "api"),
				       "api: a socket's path has %zu bytes at most",
				       SOCKET_PATH_BYTES - 1);
	for (size_t i = 0; i < config->engine_count; i++)
		if (pt_config_engine_socket(config, config->engines[i].name, path, sizeof(path)))
			return document_refuse(document, document_value(document, root, "run_dir"),
					       "run_dir: the path of the socket engine-%s.sock in "
					       "it would exceed %zu bytes",
					       config->engines[i].name, SOCKET_PATH_BYTES - 1);
	return 0;
}

/* The name becomes part of files' names, on BPF file systems too, which know no dots. */
static int check_engine_name(const struct place *place)
{
	const char *name = engine_of(place)->name;
	const yaml_node_t *node = document_value(place->document, engine_node(place), "name");

	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_", *c))
			return document_refuse(place->document, node,
					       "engine name \"%s\": letters, digits, - and _ only",
					       name);
	for (size_t i = 0; i < place->engine; i++)
		if (!strcmp(place->config->engines[i].name, name))
			return document_refuse(place->document, node,
					       "there is an engine \"%s\" already", name);
	return 0;
}

static int check_port_unique(const struct place *place)
{
	const char *name = port_of(place)->name;

	for (size_t e = 0; e <= place->engine; e++) {
		const struct pt_config_engine *engine = &place->config->engines[e];
		size_t count = e == place->engine ? place->port : engine->port_count;

		for (size_t p = 0; p < count; p++)
			if (!strcmp(engine->ports[p].name, name))
				return document_refuse(place->document, port_node(place, "name"),
						       "engine \"%s\" has a port \"%s\" already",
						       engine->name, name);
	}
	return 0;
}

static int refuse_forward(const struct place *place)
{
	const char *choices[PT_PORTS_MAX + 2];
	const char *given = port_of(place)->forward_port, *near;
	size_t count = 0;

	choices[count++] = "pass";
	choices[count++] = "drop";
	for (size_t i = 0; i < engine_of(place)->port_count; i++)
		if (i != place->port && strlen(engine_of(place)->ports[i].name) <= 32)
			choices[count++] = engine_of(place)->ports[i].name;
	near = suggest_word(choices, count, given);
	if (near)
		return document_refuse(place->document, port_node(place, "forward"),
				       "forward is \"%s\": did you mean \"%s\"?", given, near);
	return document_refuse(
		place->document, port_node(place, "forward"),
		"forward is \"%s\": it is pass, drop, or another port of engine \"%s\"", given,
		engine_of(place)->name);
}

/* DPDK may put out of a device that is none of its listed ports, if EAL is told to probe it. */
static bool forward_port_exists(const struct place *place)
{
	const struct pt_config_engine *engine = engine_of(place);
	const char *name = port_of(place)->forward_port;

	for (size_t i = 0; i < engine->port_count; i++)
		if (i != place->port && !strcmp(engine->ports[i].name, name))
			return true;
	return engine->eal && strcmp(name, port_of(place)->name) && strstr(engine->eal, name);
}

static int check_forward(const struct place *place)
{
	const struct pt_config_port *port = port_of(place);

	if (port->forward == PT_FORWARD_PORT && !forward_port_exists(place))
		return refuse_forward(place);
	if (port->forward == PT_FORWARD_PASS && engine_of(place)->eal)
		return document_refuse(place->document, port_node(place, "forward"),
				       "port \"%s\": DPDK owns the device, so nothing can pass to "
				       "the host: forward is drop or another port",
				       port->name);
	if (port->egress && port->forward != PT_FORWARD_PASS)
		return document_refuse(place->document, port_node(place, "egress"),
				       "port \"%s\": egress needs forward: pass, the host sends "
				       "nothing otherwise",
				       port->name);
	return 0;
}

static int check_vlan(const struct place *place)
{
	const yaml_node_t *tag =
		document_value(place->document, document_root(place->document), "tag");

	if (!place->config->tag.carrier[PT_CARRIER_VLAN] ||
	    port_of(place)->forward != PT_FORWARD_PASS)
		return 0;
	return document_refuse(
		place->document, document_value(place->document, tag, "vlan"),
		"vlan tags do not go with port \"%s\" (forward: pass): the host would "
		"not know the VLAN; use mark, or forward the port to another",
		port_of(place)->name);
}

static int check_engine(struct place *place)
{
	int error = check_engine_name(place);

	for (place->port = 0; !error && place->port < engine_of(place)->port_count; place->port++) {
		error = check_port_unique(place);
		if (!error)
			error = check_forward(place);
		if (!error)
			error = check_vlan(place);
	}
	return error;
}

int config_rules_check(const struct config_document *document, const struct pt_config *config)
{
	struct place place = {.document = document, .config = config};
	int error = check_listen(document, config);

	for (; !error && place.engine < config->engine_count; place.engine++)
		error = check_engine(&place);
	return error ? error : check_sockets(document, config);
}
