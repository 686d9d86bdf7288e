/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A registered connection: what the user wrote, its id and its counter index.
 *
 * Threading: built by one thread, immutable from the moment a view holds it; references are counted
 * atomically, so views and threads share it.
 */
#ifndef CONTROL_CONNECTION_H
#define CONTROL_CONNECTION_H

#include "error.h"
#include "prefix.h"

#include <stdatomic.h>

#define CONNECTION_TEXT_MAX   128 /* bytes of a name, partner, city, site, label key or value */
#define CONNECTION_RTT_MAX_MS 60000

enum ownership {
	OWNERSHIP_CUSTOMER,
	OWNERSHIP_PARTNER,
};

struct connection_prefix {
	struct prefix prefix;
	uint8_t ownership; /* enum ownership */
	bool latency;
	uint32_t line; /* of the file it came from, 0 = not from a file */
};

struct connection_tag {
	uint32_t mark; /* 0 = not given: the id */
	uint16_t vlan; /* 0 = not given */
	uint8_t dscp;
	bool has_dscp;
};

struct connection_label {
	char *key;
	char *value;
};

struct connection {
	atomic_uint references;
	uint32_t id;	  /* 0 = not registered yet */
	uint32_t counter; /* index of its counters in every engine */
	/*
	 * The first generation in which that index is this connection's: an engine that runs an
	 * earlier one still counts another there. 0: from before this process began.
	 */
	uint64_t since;
	uint32_t line; /* of the file it came from, 0 = not from a file */
	char *name;
	char *partner;
	char country[3];
	char state[3]; /* "" = not given */
	char *city;    /* NULL = not given, as the sites */
	char *primary_site;
	char *backup_site;
	bool monitor;
	uint32_t rtt_threshold_ms; /* 0 = not given */
	struct connection_tag tag;
	struct connection_label *labels; /* sorted by key */
	size_t label_count;
	struct connection_prefix *prefixes; /* sorted by prefix_compare, each once */
	size_t prefix_count;
	size_t prefix_capacity;
	uint64_t fingerprint; /* of all above but lines and counter, by connection_register */
};

/* What encoding leaves out or adds. */
enum connection_form {
	CONNECTION_AS_WRITTEN = 0,
	CONNECTION_WITH_MARK = 1 << 0, /* tag.mark also where it is the id: export */
	CONNECTION_WITH_ID = 1 << 1,   /* "id": show */
	CONNECTION_NO_PREFIXES = 1 << 2,
};

struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);

/*
 * From the JSON of the contract. Adds everything that is wrong to @errors, and a prefix written
 * twice to @warnings. Returns what could be read, so that a whole file can be judged further even
 * if this connection is refused; NULL when it has no usable name. @line 0: not from a file.
 */
struct connection *connection_decode(const json_t *document, uint32_t line,
				     struct error_list *errors, struct error_list *warnings);

/* @form is a set of enum connection_form. NULL without memory. */
json_t *connection_encode(const struct connection *connection, unsigned form);
json_t *connection_prefix_encode(const struct connection_prefix *prefix);

/* One line of JSON without the newline, to be freed. */
char *connection_line(const struct connection *connection, unsigned form);

/* Building, before anybody else sees it. */

/* One prefix from its JSON: a string or an object. False and an error added: refused. */
bool connection_prefix_decode(const json_t *document, struct connection_prefix *ret_prefix,
			      struct error *error);
bool connection_add_prefix(struct connection *connection, const struct connection_prefix *prefix);
/* Sorts the prefixes and drops repeated ones, with a warning each. */
void connection_sort_prefixes(struct connection *connection, struct error_list *warnings);
/* A copy with the same id and counter and no line. */
struct connection *connection_copy(const struct connection *connection);
/* Gives it its place in a registry; forgets lines; an explicit mark equal to the id is none. */
void connection_register(struct connection *connection, uint32_t id, uint32_t counter);

enum connection_role {
	ROLE_NONE,
	ROLE_PRIMARY,
	ROLE_BACKUP,
};

/* What the site is to it; "" is no site. */
enum connection_role connection_role(const struct connection *connection, const char *site);

/* The mark that its packets carry. */
uint32_t connection_mark(const struct connection *connection);
const struct connection_prefix *connection_find_prefix(const struct connection *connection,
						       const struct prefix *prefix);
/* All but ids, counters, prefixes and lines. */
bool connection_same_attributes(const struct connection *a, const struct connection *b);
bool connection_prefix_same(const struct connection_prefix *a, const struct connection_prefix *b);

/* A growable array that holds a reference to each. */
struct connection_set {
	struct connection **items;
	size_t count;
	size_t capacity;
};

void connection_set_init(struct connection_set *set);
void connection_set_done(struct connection_set *set);
/* Takes over the caller's reference, also when it fails. */
bool connection_set_add(struct connection_set *set, struct connection *connection);

#endif
