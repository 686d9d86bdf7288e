/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration: what a file gives, and the exact words in which an ugly one is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <peertag/config.h>

static char path[] = "/tmp/peertag-test-config-XXXXXX";

static int load(const char *text, struct pt_config **ret, char *message, size_t bytes)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
	return pt_config_load(path, ret, message, bytes);
}

static struct pt_config *load_good(const char *text)
{
	struct pt_config *config = NULL;
	char message[512] = "";

	if (load(text, &config, message, sizeof(message)))
		fail_msg("refused: %s", message);
	return config;
}

static const struct {
	const char *text;
	const char *message; /* behind "PATH:" */
} ugly[] = {
	/* Unknown keys. */
	{"overlaps: refuse\n", "1: unknown key \"overlaps\": did you mean \"overlap\"?"},
	{"site: sea1\n\n# comment\nrigistry: /x\n",
	 "4: unknown key \"rigistry\": did you mean \"registry\"?"},
	{"tag:\n  mark: true\n  dscpp: true\n",
	 "3: unknown key in tag \"dscpp\": did you mean \"dscp\"?"},
	{"tag: {zzzzzz: 1}\n",
	 "1: unknown key in tag \"zzzzzz\": it is one of mark, mark_mask, dscp, vlan"},
	{"engines:\n  - name: xdp\n    ports:\n      - name: eth0\n        fordward: pass\n",
	 "5: unknown key in ports \"fordward\": did you mean \"forward\"?"},
	{"site: a\nsite: b\n", "2: key \"site\" is given twice"},
	{"? [a, b]\n: 1\n", "1: a key must be a word"},
	/* Words. */
	{"allow_special: maybe\n",
	 "1: allow_special is \"maybe\": it is one of true, false, on, off, yes, no"},
	{"allow_special: 1\n",
	 "1: allow_special is \"1\": it is one of true, false, on, off, yes, no"},
	{"allow_special:\n",
	 "1: allow_special is \"\": it is one of true, false, on, off, yes, no"},
	{"allow_special: treu\n", "1: allow_special is \"treu\": did you mean \"true\"?"},
	{"overlap: nestd\n", "1: overlap is \"nestd\": did you mean \"nested\"?"},
	{"engines: [{name: x, table: trie}]\n", "1: table is \"trie\": it is one of lpm, flat"},
	{"engines: [{name: x, ports: [{name: e, mode: skb}]}]\n",
	 "1: mode is \"skb\": it is one of auto, native, generic"},
	/* Numbers and times. */
	{"max_connections: 0\n", "1: max_connections is 0: it is 1 to 1048576"},
	{"max_connections: 1048577\n", "1: max_connections is 1048577: it is 1 to 1048576"},
	{"max_connections: -5\n", "1: max_connections is \"-5\": it is a whole number"},
	{"max_connections: 16k\n", "1: max_connections is \"16k\": it is a whole number"},
	{"max_connections: 0x\n", "1: max_connections is \"0x\": it is a whole number"},
	{"max_connections: 0100\n",
	 "1: max_connections is \"0100\": write it without the leading 0"},
	{"max_prefixes: 99999999999999999999\n",
	 "1: max_prefixes is \"99999999999999999999\": it is a whole number"},
	{"max_prefixes: 4294967297\n", "1: max_prefixes is 4294967297: it is 1 to 33554432"},
	{"series_limit: 0\n", "1: series_limit is 0: it is 1 to 1000000000"},
	{"tag: {mark_mask: 0}\n", "1: mark_mask is 0: it is 1 to 4294967295"},
	{"tag: {mark_mask: 0x1ffffffff}\n", "1: mark_mask is 8589934591: it is 1 to 4294967295"},
	{"latency:\n  min_hosts: 5\n", "2: min_hosts is 5: it is 10 to 128"},
	{"latency: {window: 60}\n",
	 "1: window is \"60\": it is a time from 1s to 24h, as in 60s, 5m"},
	{"latency: {window: 0s}\n",
	 "1: window is \"0s\": it is a time from 1s to 24h, as in 60s, 5m"},
	{"latency: {window: 25h}\n",
	 "1: window is \"25h\": it is a time from 1s to 24h, as in 60s, 5m"},
	{"latency: {window: -1m}\n",
	 "1: window is \"-1m\": it is a time from 1s to 24h, as in 60s, 5m"},
	{"alerts: {silent_after: 600}\n",
	 "1: silent_after is \"600\": it is a time from 1s to 24h, as in 60s, 5m"},
	{"api_mode: 0888\n",
	 "1: api_mode is \"0888\": it is the mode of a file in octal, as in 0660"},
	{"api_mode: 1777\n",
	 "1: api_mode is \"1777\": it is the mode of a file in octal, as in 0660"},
	/* Shapes. */
	{"- site\n", "1: wants keys and values: {key: value}"},
	{"tag: on\n", "1: tag wants keys and values: {key: value}"},
	{"engines: xdp\n", "1: engines wants a list: [...]"},
	{"site: [a]\n", "1: site wants one value"},
	{"registry: \"\"\n", "1: registry is empty"},
	{"site: \"a\\tb\"\n", "1: site holds a control character"},
	{"engines:\n  - table: lpm\n", "2: an entry of engines has no \"name\""},
	{"engines: [{name: x, ports: [{mode: auto}]}]\n", "1: an entry of ports has no \"name\""},
	{"site: a\n---\nsite: b\n", "3: a second document begins here: join them"},
	{"site: *nobody\n", "1: not YAML: found undefined alias"},
	{"site: a\n\tb: c\n", "2: not YAML: found a tab character that violates indentation while "
			      "scanning a plain scalar"},
	{"site: [a\n",
	 "2: not YAML: did not find expected ',' or ']' while parsing a flow sequence"},
	/* What does not go together. */
	{"listen: 0.0.0.0:9471\n",
	 "1: listen is \"0.0.0.0:9471\", which others can reach, and this listener asks nobody who "
	 "he is: did you mean \"127.0.0.1:9471\"? Put a proxy in front for remote access"},
	{"listen: \"[2001:db8::1]:80\"\n",
	 "1: listen is \"[2001:db8::1]:80\", which others can reach, and this listener asks nobody "
	 "who he is: did you mean \"127.0.0.1:80\"? Put a proxy in front for remote access"},
	{"listen: 9471\n", "1: listen is \"9471\": it is ADDRESS:PORT, as in \"127.0.0.1:9471\" or "
			   "\"[::1]:9471\", or \"\" for none"},
	{"listen: localhost:9471\n",
	 "1: listen is \"localhost:9471\": it is ADDRESS:PORT, as in \"127.0.0.1:9471\" or "
	 "\"[::1]:9471\", or \"\" for none"},
	{"listen: 127.0.0.1:65536\n",
	 "1: listen is \"127.0.0.1:65536\": it is ADDRESS:PORT, as in \"127.0.0.1:9471\" or "
	 "\"[::1]:9471\", or \"\" for none"},
	{"listen: ::1:9471\n", "1: listen is \"::1:9471\": it is ADDRESS:PORT, as in "
			       "\"127.0.0.1:9471\" or \"[::1]:9471\", or \"\" for none"},
	{"engines:\n- {name: xdp}\n- {name: xdp}\n", "3: there is an engine \"xdp\" already"},
	{"engines: [{name: ../x}]\n", "1: engine name \"../x\": letters, digits, - and _ only"},
	{"engines:\n- name: a\n  ports: [{name: e0}]\n- name: b\n  ports: [{name: e1}, {name: e0}]\n",
	 "5: engine \"a\" has a port \"e0\" already"},
	{"engines: [{name: a, ports: [{name: e0, forward: pas}]}]\n",
	 "1: forward is \"pas\": did you mean \"pass\"?"},
	{"engines: [{name: a, ports: [{name: lan0, forward: wan1}, {name: wan0}]}]\n",
	 "1: forward is \"wan1\": did you mean \"wan0\"?"},
	{"engines: [{name: a, ports: [{name: lan0, forward: lan0}]}]\n",
	 "1: forward is \"lan0\": it is pass, drop, or another port of engine \"a\""},
	{"engines:\n- name: d\n  eal: -l 1\n  ports: [{name: 0000:8a:00.0}]\n",
	 "4: port \"0000:8a:00.0\": DPDK owns the device, so nothing can pass to the host: forward is "
	 "drop or another port"},
	{"engines:\n- name: a\n  ports:\n  - {name: e0, forward: drop, egress: on}\n",
	 "4: port \"e0\": egress needs forward: pass, the host sends nothing otherwise"},
	{"tag: {vlan: true}\nengines: [{name: a, ports: [{name: e0}]}]\n",
	 "1: vlan tags do not go with port \"e0\" (forward: pass): the host would not know the VLAN; "
	 "use mark, or forward the port to another"},
	{"api: /0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
	 "567890123456789012345678\n",
	 "1: api: a socket's path has 107 bytes at most"},
	{"run_dir: /01234567890123456789012345678901234567890123456789012345678901234567890123456789"
	 "\nengines: [{name: engine-of-the-northern-building}]\n",
	 "1: run_dir: the path of the socket engine-engine-of-the-northern-building.sock in it would "
	 "exceed 107 bytes"},
};

static void config_refuses_an_ugly_file_in_these_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ugly) / sizeof(ugly[0]); i++) {
		struct pt_config *config = NULL;
		char message[512] = "", expected[512];

		snprintf(expected, sizeof(expected), "%s:%s", path, ugly[i].message);
		assert_int_equal(load(ugly[i].text, &config, message, sizeof(message)), -EINVAL);
		assert_string_equal(message, expected);
		assert_null(config);
	}
}

static void config_cuts_a_message_that_does_not_fit(void **state)
{
	struct pt_config *config = NULL;
	char message[8];

	(void)state;
	memset(message, 'x', sizeof(message));
	assert_int_equal(load("nonsense: 1\n", &config, message, sizeof(message)), -EINVAL);
	assert_int_equal(strlen(message), sizeof(message) - 1);
}

static void an_empty_file_gives_the_defaults(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "{}\n", "---\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct pt_config *config = load_good(texts[i]);

		assert_string_equal(config->path, path);
		assert_string_equal(config->site, "");
		assert_string_equal(config->registry, "/var/lib/peertag/registry.db");
		assert_string_equal(config->api, "/run/peertag/api.sock");
		assert_int_equal(config->api_mode, 0666);
		assert_null(config->api_group);
		assert_string_equal(config->listen, "127.0.0.1:9471");
		assert_string_equal(config->run_dir, "/run/peertag");
		assert_string_equal(config->pins, "/sys/fs/bpf/peertag");
		assert_false(config->overlap_nested);
		assert_false(config->allow_special);
		assert_int_equal(config->max_connections, 16384);
		assert_int_equal(config->max_prefixes, 2000000);
		assert_int_equal(config->series_limit, 2000000);
		assert_true(config->tag.carrier[PT_CARRIER_MARK]);
		assert_false(config->tag.carrier[PT_CARRIER_DSCP]);
		assert_false(config->tag.carrier[PT_CARRIER_VLAN]);
		assert_int_equal(config->tag.mark_mask, 0xffffffff);
		assert_int_equal(config->latency_min_hosts, 10);
		assert_int_equal(config->latency_window_s, 60);
		assert_int_equal(config->alerts_silent_after_s, 600);
		assert_int_equal(config->engine_count, 0);
		pt_config_free(config);
	}
}

static const char documented[] =
	"site: sea1\n"
	"registry: /var/lib/peertag/registry.db\n"
	"api: /run/peertag/api.sock\n"
	"listen: 127.0.0.1:9471\n"
	"overlap: refuse            # or nested\n"
	"allow_special: false\n"
	"max_connections: 16384     # counter memory: this x 32 bytes x CPUs\n"
	"max_prefixes: 2000000\n"
	"series_limit: 2000000\n"
	"tag: {mark: true, mark_mask: 0xffffffff, dscp: false, vlan: false}     # a comment\n"
	"run_dir: /run/peertag\n"
	"pins: /sys/fs/bpf/peertag\n"
	"latency: {min_hosts: 10, window: 60s}\n"
	"engines:\n"
	"  - {name: xdp, table: flat, ports: [{name: enp65s0f0, mode: auto, forward: pass}]}\n"
	"  - {name: dpdk, table: flat, eal: \"-l 2-5 -a 0000:8a:00.0 -a 0000:8a:00.1\", ports: "
	"[{name: 0000:8a:00.0, forward: 0000:8a:00.1}]}\n";

static void the_documented_file_is_read_as_written(void **state)
{
	struct pt_config *config = load_good(documented);
	const struct pt_config_engine *engine = pt_config_engine(config, "dpdk");

	(void)state;
	assert_string_equal(config->site, "sea1");
	assert_int_equal(config->engine_count, 2);
	assert_string_equal(config->engines[0].name, "xdp");
	assert_int_equal(config->engines[0].table, PT_TABLE_FLAT);
	assert_null(config->engines[0].eal);
	assert_string_equal(config->engines[0].ports[0].name, "enp65s0f0");
	assert_int_equal(config->engines[0].ports[0].mode, PT_MODE_AUTO);
	assert_int_equal(config->engines[0].ports[0].forward, PT_FORWARD_PASS);
	assert_true(config->engines[0].ports[0].egress);
	assert_non_null(engine);
	assert_string_equal(engine->eal, "-l 2-5 -a 0000:8a:00.0 -a 0000:8a:00.1");
	assert_string_equal(engine->ports[0].name, "0000:8a:00.0");
	assert_int_equal(engine->ports[0].forward, PT_FORWARD_PORT);
	assert_string_equal(engine->ports[0].forward_port, "0000:8a:00.1");
	assert_false(engine->ports[0].egress);
	assert_null(pt_config_engine(config, "none"));
	pt_config_free(config);
}

static void values_that_differ_from_the_defaults_arrive(void **state)
{
	struct pt_config *config =
		load_good("api_mode: 0660\napi_group: edge\nlisten: \"[::1]:80\"\noverlap: nested\n"
			  "allow_special: YES\nmax_connections: 0x10\nrun_dir: /tmp/other\n"
			  "tag: {mark: off, mark_mask: 0xff00, dscp: on, vlan: yes}\n"
			  "latency: {min_hosts: 20, window: 5m}\nalerts: {silent_after: 1h}\n"
			  "engines: [{name: a, ports: [{name: e0, forward: e1, mode: generic}, "
			  "{name: e1, forward: drop}]}]\n");
	const struct pt_config_port *ports = config->engines[0].ports;
	char socket[64];

	(void)state;
	assert_int_equal(config->api_mode, 0660);
	assert_string_equal(config->api_group, "edge");
	assert_string_equal(config->listen, "[::1]:80");
	assert_true(config->overlap_nested);
	assert_true(config->allow_special);
	assert_int_equal(config->max_connections, 16);
	assert_string_equal(config->api, "/tmp/other/api.sock");
	assert_false(config->tag.carrier[PT_CARRIER_MARK]);
	assert_true(config->tag.carrier[PT_CARRIER_DSCP]);
	assert_true(config->tag.carrier[PT_CARRIER_VLAN]);
	assert_int_equal(config->tag.mark_mask, 0xff00);
	assert_int_equal(config->latency_min_hosts, 20);
	assert_int_equal(config->latency_window_s, 300);
	assert_int_equal(config->alerts_silent_after_s, 3600);
	assert_int_equal(config->engines[0].table, PT_TABLE_FLAT);
	assert_int_equal(ports[0].mode, PT_MODE_GENERIC);
	assert_int_equal(ports[0].forward, PT_FORWARD_PORT);
	assert_string_equal(ports[0].forward_port, "e1");
	assert_int_equal(ports[1].forward, PT_FORWARD_DROP);
	assert_false(ports[1].egress);
	assert_int_equal(pt_config_engine_socket(config, "a", socket, sizeof(socket)), 0);
	assert_string_equal(socket, "/tmp/other/engine-a.sock");
	assert_int_equal(pt_config_engine_socket(config, "a", socket, 10), -ENAMETOOLONG);
	pt_config_free(config);
}

static void egress_can_be_switched_off(void **state)
{
	struct pt_config *config =
		load_good("engines: [{name: a, ports: [{name: e0, egress: off}]}]\nlisten: \"\"\n");

	(void)state;
	assert_false(config->engines[0].ports[0].egress);
	assert_string_equal(config->listen, "");
	pt_config_free(config);
}

static void a_file_that_was_named_must_be_there(void **state)
{
	struct pt_config *config = NULL;
	char message[256];

	(void)state;
	assert_int_equal(pt_config_load("/nowhere/peertag.yaml", &config, message, sizeof(message)),
			 -ENOENT);
	assert_string_equal(message, "cannot read the configuration /nowhere/peertag.yaml: No such "
				     "file or directory");
	assert_int_equal(pt_config_load("/tmp", &config, message, sizeof(message)), -EISDIR);
}

/* Any cut of a good file is read or refused, never a crash; sanitizers watch. */
static void every_truncation_is_survived(void **state)
{
	char text[sizeof(documented)];

	(void)state;
	for (size_t length = 0; length < sizeof(documented); length++) {
		struct pt_config *config = NULL;
		char message[256] = "";

		memcpy(text, documented, length);
		text[length] = '\0';
		if (load(text, &config, message, sizeof(message)))
			assert_true(*message);
		else
			pt_config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_refuses_an_ugly_file_in_these_words),
		cmocka_unit_test(config_cuts_a_message_that_does_not_fit),
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(the_documented_file_is_read_as_written),
		cmocka_unit_test(values_that_differ_from_the_defaults_arrive),
		cmocka_unit_test(egress_can_be_switched_off),
		cmocka_unit_test(a_file_that_was_named_must_be_there),
		cmocka_unit_test(every_truncation_is_survived),
	};
	int descriptor = mkstemp(path);
	int failed;

	if (descriptor < 0)
		return 1;
	close(descriptor);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
