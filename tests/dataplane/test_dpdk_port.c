/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports over virtual devices: found, started, counted, watched and restarted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "child.h"
#include "eal.h"
#include "port_fixture.h"

#define FRAME_BYTES 64
#define BURST	    32

/* Of ethdev's interface for drivers: how a driver reports an event. */
struct rte_eth_dev;
struct rte_eth_dev *rte_eth_dev_allocated(const char *name);
int rte_eth_dev_callback_process(struct rte_eth_dev *device, enum rte_eth_event_type event,
				 void *reply);

static void missing_port(const void *argument)
{
	const char *const *missing = argument;
	const struct pt_config_port config = {.name = (char *)missing[0]};
	struct message message = {};
	struct port port;

	start_eal(missing[2]);
	expect(port_find(&port, &config, &message) == -ENODEV);
	expect_has(message.text, missing[0]);
	expect_has(message.text, missing[1]);
	eal_stop();
}

static void what_a_missing_port_lacks_is_told(void **state)
{
	const char *const cases[][3] = {
		{"net_nul1", "did you mean net_null1? There are: net_null0, net_null1",
		 "--vdev=net_null0 --vdev=net_null1"},
		{"somewhere", "EAL has no such device, it has net_null0;", "--vdev=net_null0"},
		{"somewhere", "EAL has no such device, it has none;", ""},
		{"lo", "`--vdev=net_af_xdp0,iface=lo` in `eal:` makes one", "--vdev=net_null0"},
		{"ffff:ff:1f.7",
		 access("/sys/bus/pci/devices", F_OK) ? "there is no PCI bus here"
						      : "no PCI device has this",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		child_run(missing_port, cases[i]);
}

/* Polls all queues once, and gives back what they bring. */
static __u32 poll_and_free(const struct port *port)
{
	struct rte_mbuf *mbufs[BURST];
	__u32 all = 0;

	for (__u16 queue = 0; queue < port->queues.receive; queue++) {
		__u16 count = rte_eth_rx_burst(port->id, queue, mbufs, BURST);

		rte_pktmbuf_free_bulk(mbufs, count);
		all += count;
	}
	return all;
}

static void null_port(const void *argument)
{
	struct pt_engine_port status;
	struct port_queues most;
	struct port port;
	__u64 received;

	(void)argument;
	start_eal("--vdev=net_null0 --vdev=net_null1");
	find_and_start(&port, "net_null1", 2);
	most = port_queues_max(&port);
	expect(most.receive == PORT_QUEUES_MAX && most.transmit == PORT_QUEUES_MAX);
	port.nic_base = 1000;
	expect(port.queues.receive == 2 && port.queues.transmit >= 1);
	received = poll_and_free(&port);
	expect(received == 2 * BURST);
	status = status_of(&port);
	expect(status.nic_packets == 1000 + received, "%llu", status.nic_packets);
	expect(status.up);
	expect(!strcmp(status.name, "net_null1") && !strcmp(status.driver, "net_null"));
	expect(!strcmp(status.mode, "2 queues, RSS; lcore 1: 0"), "%s", status.mode);
	port_stop(&port);
	eal_stop();
}

static void a_port_has_queues_and_counts_what_arrives(void **state)
{
	(void)state;
	child_run(null_port, NULL);
}

static void ring_port(const void *argument)
{
	struct rte_mempool *pool;
	struct rte_ring *in, *out;
	struct rte_mbuf *mbuf, *got;
	void *left;
	struct port port;

	(void)argument;
	start_eal("");
	in = rte_ring_create("in", BURST, SOCKET_ID_ANY, 0);
	out = rte_ring_create("out", BURST, SOCKET_ID_ANY, 0);
	pool = rte_pktmbuf_pool_create("pool", BURST, 0, 0, 2048, SOCKET_ID_ANY);
	expect(in && out && pool);
	expect(rte_eth_from_rings("test", &in, 1, &out, 1, SOCKET_ID_ANY) >= 0);
	find_and_start(&port, "net_ring_test", 1);
	expect(port.multi_segs);
	mbuf = rte_pktmbuf_alloc(pool);
	rte_pktmbuf_append(mbuf, FRAME_BYTES);
	expect(rte_ring_enqueue(in, mbuf) == 0);
	expect(rte_eth_rx_burst(port.id, 0, &got, 1) == 1 && got == mbuf);
	expect(rte_eth_tx_burst(port.id, 0, &got, 1) == 1);
	expect(rte_ring_dequeue(out, &left) == 0 && left == mbuf);
	expect(port_nic_packets(&port) == 1);
	port_stop(&port);
	eal_stop();
}

static void a_port_of_rings_passes_packets(void **state)
{
	(void)state;
	child_run(ring_port, NULL);
}

struct pcap_head {
	__u32 magic;
	__u16 major, minor;
	__u32 zone, accuracy, longest, link;
};

struct pcap_packet {
	__u32 seconds, microseconds, captured, bytes;
	__u8 frame[FRAME_BYTES];
};

#define CAPTURED 100

static void write_capture(const char *path)
{
	const struct pcap_head head = {0xa1b2c3d4, 2, 4, 0, 0, 65535, 1};
	struct pcap_packet packet = {.captured = FRAME_BYTES, .bytes = FRAME_BYTES};
	FILE *file = fopen(path, "w");

	expect(file, "%s", path);
	expect(fwrite(&head, sizeof(head), 1, file) == 1);
	for (__u8 i = 0; i < CAPTURED; i++) {
		memset(packet.frame, i, sizeof(packet.frame));
		expect(fwrite(&packet, sizeof(packet), 1, file) == 1);
	}
	fclose(file);
}

static void read_capture(const char *path)
{
	struct pcap_packet packet;
	struct pcap_head head;
	FILE *file = fopen(path, "r");

	expect(file && fread(&head, sizeof(head), 1, file) == 1);
	for (__u8 i = 0; i < CAPTURED; i++) {
		expect(fread(&packet, sizeof(packet), 1, file) == 1, "packet %u", i);
		expect(packet.bytes == FRAME_BYTES && packet.frame[0] == i);
	}
	expect(fgetc(file) == EOF);
	fclose(file);
}

static void pcap_port(const void *argument)
{
	struct rte_mbuf *mbufs[BURST];
	struct port port;
	__u16 count;

	(void)argument;
	hide_folder("/tmp");
	write_capture("/tmp/in.pcap");
	start_eal("--vdev=net_pcap0,rx_pcap=/tmp/in.pcap,tx_pcap=/tmp/out.pcap");
	find_and_start(&port, "net_pcap0", 1);
	while ((count = rte_eth_rx_burst(port.id, 0, mbufs, BURST)))
		expect(rte_eth_tx_burst(port.id, 0, mbufs, count) == count);
	expect(port_nic_packets(&port) == CAPTURED);
	port_stop(&port);
	read_capture("/tmp/out.pcap");
	eal_stop();
}

static void a_port_of_captures_passes_packets(void **state)
{
	(void)state;
	child_run(pcap_port, NULL);
}

static void unpolled_queues(const void *argument)
{
	struct message message = {};
	struct port port;

	(void)argument;
	hide_folder("/tmp");
	write_capture("/tmp/in.pcap");
	start_eal("--vdev=net_pcap0,rx_pcap=/tmp/in.pcap,rx_pcap=/tmp/in.pcap");
	find(&port, "net_pcap0");
	expect(port_queues_max(&port).receive == 2);
	expect(port_start(&port, (struct port_queues){1, 1}, &message) == -EINVAL);
	expect_has(message.text, "the device has 2 receive queues, and only 1 of them");
	expect(port_start(&port, (struct port_queues){2, 1}, &message) == 0, "%s", message.text);
	port_stop(&port);
	eal_stop();
}

static void a_port_whose_queues_would_not_all_be_polled_is_refused(void **state)
{
	(void)state;
	child_run(unpolled_queues, NULL);
}

static void memif_ports(const void *argument)
{
	struct port server, client;
	struct rte_mbuf *mbuf, *got;
	char devices[256];
	int received = 0;

	(void)argument;
	snprintf(devices, sizeof(devices),
		 "--vdev=net_memif0,role=server,socket=peertag-test-%d,socket-abstract=yes "
		 "--vdev=net_memif1,role=client,socket=peertag-test-%d,socket-abstract=yes",
		 getpid(), getpid());
	start_eal(devices);
	find_and_start(&server, "net_memif0", 1);
	expect(!status_of(&server).up);
	expect_has(status_of(&server).mode, "the link is down");
	find_and_start(&client, "net_memif1", 1);
	wait_until_up(&server);
	wait_until_up(&client);
	mbuf = rte_pktmbuf_alloc(client.pool);
	memset(rte_pktmbuf_append(mbuf, FRAME_BYTES), 7, FRAME_BYTES);
	expect(rte_eth_tx_burst(client.id, 0, &mbuf, 1) == 1);
	for (int i = 0; i < PORT_WAIT_MS && !received; i++, usleep(1000))
		received = rte_eth_rx_burst(server.id, 0, &got, 1);
	expect(received == 1 && got->pkt_len == FRAME_BYTES);
	expect(*rte_pktmbuf_mtod(got, __u8 *) == 7);
	rte_pktmbuf_free(got);
	port_stop(&client);
	port_stop(&server);
	eal_stop();
}

static void a_port_is_up_when_its_peer_is_there(void **state)
{
	(void)state;
	child_run(memif_ports, NULL);
}

static void demand_reset(const void *argument)
{
	struct message message = {};
	bool restart = false;
	struct port port;
	__u64 before;

	(void)argument;
	start_eal("--vdev=net_null0 --vdev=net_null1");
	find_and_start(&port, "net_null1", 2);
	before = poll_and_free(&port);
	expect(!port_check(&port, &restart) && !restart);
	rte_eth_dev_callback_process(rte_eth_dev_allocated("net_null1"), RTE_ETH_EVENT_INTR_RESET,
				     NULL);
	expect(port_check(&port, &restart) && restart);
	expect_has(status_of(&port).mode, "asks to be reset");
	expect(port_restart(&port, &message) == 0, "%s", message.text);
	expect(status_of(&port).up && port.queues.receive == 2);
	expect(!port_check(&port, &restart) && !restart);
	expect(port_nic_packets(&port) == before);
	expect(poll_and_free(&port) == 2 * BURST && port_nic_packets(&port) == before + 2 * BURST);
	port_stop(&port);
	eal_stop();
}

static void a_device_that_asks_for_a_reset_goes_on_and_keeps_its_count(void **state)
{
	(void)state;
	child_run(demand_reset, NULL);
}

static void lack_memory(const void *argument)
{
	struct message message = {};
	struct port port;

	(void)argument;
	start_eal("-m 8 --vdev=net_null0");
	find(&port, "net_null0");
	expect(port_start(&port, (struct port_queues){8, 8}, &message) == -ENOMEM);
	expect_has(message.text, "port net_null0: no memory for packets: needs ");
	expect_has(message.text, "EAL has ");
	port_stop(&port);
	eal_stop();
}

static void a_port_without_memory_says_how_much_it_needs(void **state)
{
	(void)state;
	child_run(lack_memory, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_missing_port_lacks_is_told),
		cmocka_unit_test(a_port_has_queues_and_counts_what_arrives),
		cmocka_unit_test(a_port_of_rings_passes_packets),
		cmocka_unit_test(a_port_of_captures_passes_packets),
		cmocka_unit_test(a_port_whose_queues_would_not_all_be_polled_is_refused),
		cmocka_unit_test(a_port_is_up_when_its_peer_is_there),
		cmocka_unit_test(a_device_that_asks_for_a_reset_goes_on_and_keeps_its_count),
		cmocka_unit_test(a_port_without_memory_says_how_much_it_needs),
	};

	if (geteuid()) {
		fputs("skipped: needs root\n", stderr);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
