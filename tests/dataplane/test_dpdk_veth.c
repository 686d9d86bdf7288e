/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports over the kernel's interfaces, one end of a veth pair each, with real frames: the far end
 * sends, the port transmits back what it receives.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "eal.h"
#include "hugepages.h"
#include "port_fixture.h"

#define ETHERTYPE   0x88b5 /* for experiments */
#define FRAME_BYTES 60
#define FRAMES	    100
#define BURST	    32

struct wire {
	struct port port;
	int far; /* a raw socket on the other end */
};

static const char *const drivers[] = {"net_af_packet0", "net_af_xdp0"};

/* Both ends anew: what was there is gone. */
static void veth_add(struct wire *wire)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE)};

	shell("ip link add near type veth peer name far");
	shell("ip link set near up && ip link set far up");
	close(wire->far);
	address.sll_ifindex = if_nametoindex("far");
	wire->far = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETHERTYPE));
	expect(wire->far >= 0 && !bind(wire->far, (struct sockaddr *)&address, sizeof(address)));
}

static void wire_open_with(struct wire *wire, const char *memory, const char *driver,
			   const char *options)
{
	char device[128];

	expect(unshare(CLONE_NEWNET) == 0, "%s", strerror(errno));
	shell("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	wire->far = -1;
	veth_add(wire);
	snprintf(device, sizeof(device), "--vdev=%s,iface=near%s", driver, options);
	start_eal_with(memory, device);
	find_and_start(&wire->port, "near", 1);
	wait_until_up(&wire->port);
}

static void wire_open(struct wire *wire, const char *driver, const char *options)
{
	wire_open_with(wire, "--no-huge -m 128", driver, options);
}

static void wire_close(struct wire *wire)
{
	port_stop(&wire->port);
	eal_stop();
	close(wire->far);
}

static void echo(const struct port *port)
{
	struct rte_mbuf *mbufs[BURST];
	__u16 count = rte_eth_rx_burst(port->id, 0, mbufs, BURST);
	__u16 sent = rte_eth_tx_burst(port->id, 0, mbufs, count);

	rte_pktmbuf_free_bulk(mbufs + sent, count - sent);
}

/* Frames that came back by now, in their order. */
static int receive_far(const struct wire *wire, int expected)
{
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	__u8 frame[2048];

	while (recvfrom(wire->far, frame, sizeof(frame), 0, (struct sockaddr *)&from, &length) >
	       0) {
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		expect(frame[14] == expected, "frame %u instead of %d", frame[14], expected);
		expected++;
	}
	return expected;
}

static void exchange(const struct wire *wire)
{
	__u8 frame[FRAME_BYTES] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, ETHERTYPE >> 8, ETHERTYPE & 0xff};
	__u64 before = port_nic_packets(&wire->port);
	socklen_t length = sizeof(int);
	int back = 0, error;

	/* That it was down once is still noted. */
	getsockopt(wire->far, SOL_SOCKET, SO_ERROR, &error, &length);
	for (int i = 0; i < FRAMES; i++) {
		frame[14] = i;
		expect(send(wire->far, frame, sizeof(frame), 0) == sizeof(frame), "%s",
		       strerror(errno));
	}
	for (int i = 0; i < PORT_WAIT_MS && back < FRAMES; i++, usleep(1000)) {
		echo(&wire->port);
		back = receive_far(wire, back);
	}
	expect(back == FRAMES, "%d of %d came back", back, FRAMES);
	expect(port_nic_packets(&wire->port) >= before + FRAMES);
}

static void pass_frames(const void *driver)
{
	struct pt_engine_port status;
	struct wire wire;

	wire_open(&wire, driver, "");
	exchange(&wire);
	status = status_of(&wire.port);
	expect(!strcmp(status.name, "near") && !strcmp(status.mode, "1 queue; lcore 1: 0"), "%s",
	       status.mode);
	expect(!strncmp(status.driver, driver, strlen(status.driver)));
	wire_close(&wire);
}

static void change_link(const void *driver)
{
	struct wire wire;

	wire_open(&wire, driver, "");
	shell("ip link set near down");
	wait_until(&wire.port, "near is down");
	shell("ip link set near up");
	wait_until_up(&wire.port);
	shell("ip link set far down");
	wait_until(&wire.port, "near has no carrier");
	shell("ip link set far up");
	wait_until_up(&wire.port);
	exchange(&wire);
	wire_close(&wire);
}

static void lose_interface(const void *driver)
{
	bool restart = false;
	struct wire wire;
	__u64 counted;

	wire_open(&wire, driver, "");
	exchange(&wire);
	counted = port_nic_packets(&wire.port);
	shell("ip link del near");
	wait_until(&wire.port, "near is gone");
	expect(!port_check(&wire.port, &restart) && !restart);
	expect(port_nic_packets(&wire.port) >= counted);
	veth_add(&wire);
	wait_and_restart(&wire.port);
	wait_until_up(&wire.port);
	expect(port_nic_packets(&wire.port) >= counted);
	exchange(&wire);
	wire_close(&wire);
}

/* Memory would last for five, if each took some. */
static void lose_interface_often(const void *driver)
{
	struct wire wire;

	wire_open(&wire, driver, "");
	for (int i = 0; i < 8; i++) {
		shell("ip link del near");
		veth_add(&wire);
		wait_and_restart(&wire.port);
		wait_until_up(&wire.port);
		exchange(&wire);
	}
	wire_close(&wire);
}

/* The interface cannot be opened at first, and the port is not lost for that. */
static void fail_to_restart(const void *driver)
{
	struct message message;
	bool restart = false;
	struct wire wire;

	wire_open(&wire, driver, "");
	shell("ip link del near");
	expect(port_restart(&wire.port, &message) < 0);
	expect_has(message.text, "port near: cannot make the device anew");
	expect(!wire.port.started && !status_of(&wire.port).up);
	expect_has(status_of(&wire.port).mode, "it could not be restarted");
	expect(!port_check(&wire.port, &restart) && !restart);
	veth_add(&wire);
	wait_and_restart(&wire.port);
	wait_until_up(&wire.port);
	exchange(&wire);
	wire_close(&wire);
}

static void take_options(const void *options)
{
	struct wire wire;

	wire_open(&wire, "net_af_packet0", options);
	exchange(&wire);
	wire_close(&wire);
}

static void merge_frames(const void *merging)
{
	struct message message;
	struct wire wire;

	wire_open(&wire, "net_af_packet0", "");
	shell("ethtool -K near gro %s", (const char *)merging);
	expect(port_restart(&wire.port, &message) == 0, "%s", message.text);
	expect(!strcmp(merging, "on") == !!strstr(status_of(&wire.port).mode,
						  "merged packets are cut off: ethtool -K near"),
	       "%s", status_of(&wire.port).mode);
	wire_close(&wire);
}

/* Hugepages follow one another for the process, not for hardware. */
static void use_hugepages(const void *argument)
{
	struct wire wire;

	(void)argument;
	wire_open_with(&wire, "--in-memory --iova-mode=pa", "net_af_xdp0", "");
	expect(wire.port.pool->nb_mem_chunks == 1, "%u", wire.port.pool->nb_mem_chunks);
	exchange(&wire);
	wire_close(&wire);
}

static void each_driver(void (*run)(const void *))
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		child_run(run, drivers[i]);
}

static void frames_arrive_and_leave(void **state)
{
	(void)state;
	each_driver(pass_frames);
}

static void a_link_that_goes_down_is_told_and_comes_up_again(void **state)
{
	(void)state;
	each_driver(change_link);
}

static void an_interface_that_comes_back_is_used_again(void **state)
{
	(void)state;
	each_driver(lose_interface);
	each_driver(fail_to_restart);
}

static void an_interface_that_comes_back_often_takes_no_memory(void **state)
{
	(void)state;
	each_driver(lose_interface_often);
}

static void a_packet_socket_has_frames_of_any_length(void **state)
{
	(void)state;
	child_run(take_options, ",framesz=4096,blocksz=8192");
}

static void a_packet_socket_that_gets_merged_frames_says_so(void **state)
{
	(void)state;
	child_run(merge_frames, "on");
	child_run(merge_frames, "off");
}

static void an_af_xdp_socket_has_its_buffers_in_one_piece(void **state)
{
	(void)state;
	if (hugepages_free_bytes() < 64 << 20) {
		print_message("skipped: fewer than 64 MiB of hugepages are free\n");
		skip();
	}
	child_run(use_hugepages, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_and_leave),
		cmocka_unit_test(a_link_that_goes_down_is_told_and_comes_up_again),
		cmocka_unit_test(an_interface_that_comes_back_is_used_again),
		cmocka_unit_test(an_interface_that_comes_back_often_takes_no_memory),
		cmocka_unit_test(an_af_xdp_socket_has_its_buffers_in_one_piece),
		cmocka_unit_test(a_packet_socket_has_frames_of_any_length),
		cmocka_unit_test(a_packet_socket_that_gets_merged_frames_says_so),
	};
	int xdp = socket(AF_XDP, SOCK_RAW, 0);

	if (geteuid() || xdp < 0) {
		fprintf(stderr, "skipped: needs root, and a kernel with AF_XDP\n");
		return 77;
	}
	close(xdp);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
