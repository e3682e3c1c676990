// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/l2_redirect.c in the running kernel, section redirect: where frames are sent, their new
 * headers, and that all others pass unchanged. Every run checks that exactly one counter has changed.
 * l2_forward_test.c tests ends of tunnels and the guard, tests/lab/l2_redirect.bats the arrival.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "l2_maps.h"
#include "test.h"

#define VIP4 "10.10.1.102"
#define VIP6 "fdfa:ce::66"
#define REMOTE4 "10.2.1.102"
#define LOCAL4 "10.2.1.1"
#define REMOTE6 "2001:db8:2::66"
#define LOCAL6 "2001:db8:2::1"

static struct l2_vip vip_to(enum l2_action action, const char *remote, const char *local)
{
	struct l2_vip vip = {.action = action, .tunnel_id = 10000};

	if (remote)
		set_ip(vip.remote, remote);
	if (local)
		set_ip(vip.local, local);
	return vip;
}

/* VIPs of both families with the same action, with lo in slot 0. */
static void set_vips(const struct l2_vip *vip)
{
	set_vip("10.10.1.0/24", vip);
	set_vip("fdfa:ce::/32", vip);
	set_device(0, LOOPBACK);
}

static const char *vips[] = {VIP4, VIP6};

static void build_to_vip(struct frame *frame, size_t family)
{
	build_datagram(frame, family ? A6 : A4, vips[family]);
}

/* ---- left alone ----------------------------------------------------------------------------------- */

/* A5: packets for other addresses are unchanged. */
static void test_others_are_left_alone(void **state)
{
	struct l2_vip vip = vip_to(L2_TUNNEL, REMOTE4, NULL);
	struct frame frame;

	(void)state;
	set_vips(&vip);
	build_datagram(&frame, A4, "10.10.2.1");
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
	build_datagram(&frame, VIP4, A4); /* from a VIP, but not to one */
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
	build_datagram(&frame, A6, "fdfa:cf::66");
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
}

static void test_frames_that_cannot_be_parsed(void **state)
{
	struct l2_vip vip = vip_to(L2_TUNNEL, REMOTE4, NULL);
	struct frame frame;

	(void)state;
	set_vips(&vip);
	frame__ethernet(&frame);
	frame__arp(&frame);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, non_ip);
	build_short(&frame, A4, VIP4, 19);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, too_short);
	build_short(&frame, A6, VIP6, 39);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, too_short);
	build_to_vip(&frame, 0);
	frame.bytes[14] = 0x44;
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, malformed);
	build_to_vip(&frame, 1);
	frame.bytes[14] = 0x40;
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, malformed);
	frame__ethernet(&frame);
	for (int i = 0; i < 4; i++)
		frame__tag(&frame, ETH_P_8021Q, 1);
	frame__ipv4(&frame, A4, VIP4);
	frame__seal(&frame);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, depth);
}

/* A2, and entries without an action. */
static void test_unset_takes_the_usual_path(void **state)
{
	struct l2_vip vip = vip_to(L2_TUNNEL, REMOTE4, NULL);
	struct frame frame;

	(void)state;
	build_to_vip(&frame, 0);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
	set_vips(&vip);
	set_device(0, 0);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, unset);
	set_device(0, LOOPBACK);
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, tunnel);
	vip.action = L2_NORMAL;
	set_vip("10.10.1.0/24", &vip);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, unset);
	vip.action = L2_HERE;
	set_vip("10.10.1.0/24", &vip);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
}

/* The kernel would drop it without counting it anywhere. */
static void test_removed_device(void **state)
{
	struct l2_vip vip = vip_to(L2_DEVICE, NULL, NULL);
	struct frame frame;

	(void)state;
	set_vips(&vip);
	build_to_vip(&frame, 0);
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, device);
	set_device(0, NO_DEVICE);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, gone);
	set_device(0, LOOPBACK);
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, device);
}

static void test_inconsistent_entries(void **state)
{
	struct l2_vip bad[] = {
		vip_to(L2_TUNNEL, NULL, NULL),	     vip_to(L2_IPIP, REMOTE4, NULL), vip_to(L2_IPIP, NULL, LOCAL4),
		vip_to(L2_IPIP, REMOTE4, LOCAL6),    vip_to(77, REMOTE4, LOCAL4),    vip_to(L2_DEVICE, NULL, NULL),
		vip_to(L2_TUNNEL, REMOTE4, REMOTE4),
	};
	struct frame frame;

	(void)state;
	bad[5].device = L2_DEVICES;
	bad[6].device = ~0u;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		set_vips(&bad[i]);
		build_to_vip(&frame, 0);
		run_unchanged(redirect, &frame, TC_ACT_UNSPEC, invalid);
	}
}

/* ---- which VIP -------------------------------------------------------------------------------------- */

static void test_longest_prefix(void **state)
{
	struct l2_vip tunnel = vip_to(L2_TUNNEL, REMOTE4, NULL), device = vip_to(L2_DEVICE, NULL, NULL),
		      none = vip_to(L2_NORMAL, NULL, NULL);
	struct frame frame;

	(void)state;
	set_vips(&tunnel);
	set_vip("10.10.1.64/26", &device);
	set_vip("10.10.1.102/32", &none);
	set_vip("0.0.0.0/0", &device);
	build_datagram(&frame, A4, "10.10.1.1");
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, tunnel);
	build_datagram(&frame, A4, "10.10.1.101");
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, device);
	build_datagram(&frame, A4, VIP4);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, unset);
	build_datagram(&frame, A4, "192.0.2.200");
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, device);
	build_datagram(&frame, A6, "2001:db8::9"); /* an IPv4 default route does not match IPv6 */
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
}

/* Only the destination decides, with any headers before or after. */
static void test_headers_before_and_after(void **state)
{
	struct l2_vip vip = vip_to(L2_DEVICE, NULL, NULL);
	struct frame frame;

	(void)state;
	set_vips(&vip);
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021AD, 7);
	frame__tag(&frame, ETH_P_8021Q, 8);
	frame__ipv6(&frame, A6, VIP6);
	frame__extension(&frame, IPPROTO_HOPOPTS, 1);
	frame__ipv6_fragment(&frame, 0x0101);
	frame__payload(&frame, 16);
	frame__seal(&frame);
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, device); /* with its tags */
	frame__ethernet(&frame);
	frame__ipv4_with(&frame, A4, VIP4, 40, 0x00ff); /* a later fragment, with options */
	frame__payload(&frame, 16);
	frame__seal(&frame);
	run_unchanged(redirect, &frame, TC_ACT_REDIRECT, device);
}

/* Tunnel packets to the far end, although a VIP's prefix contains its address. */
static void test_far_end_is_not_tunnelled(void **state)
{
	struct l2_vip vip = vip_to(L2_IPIP, "10.10.1.7", "10.10.1.1");
	struct frame frame;

	(void)state;
	set_vips(&vip);
	build_datagram(&frame, A4, "10.10.1.7");
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
	build_datagram(&frame, A4, "10.10.1.8");
	run_l2(redirect, &frame, TC_ACT_REDIRECT, ipip);
	run_unchanged(redirect, &frame, TC_ACT_UNSPEC, passed);
}

/* ---- to a device, to a tunnel ------------------------------------------------------------------------ */

static void test_new_link_destination(void **state)
{
	static const mac to = {2, 0, 0, 0, 0, 9};
	enum l2_action actions[] = {L2_DEVICE, L2_TUNNEL};
	struct frame frame, before;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct l2_vip vip = vip_to(actions[i], REMOTE4, NULL);

		memcpy(vip.to, to, sizeof(to));
		set_vips(&vip);
		build_to_vip(&frame, i);
		before = frame;
		if (actions[i] == L2_DEVICE)
			run_l2(redirect, &frame, TC_ACT_REDIRECT, device);
		else
			run_l2(redirect, &frame, TC_ACT_REDIRECT, tunnel);
		memcpy(before.bytes, to, sizeof(to));
		assert_int_equal(frame.size, before.size);
		assert_memory_equal(frame.bytes, before.bytes, before.size);
	}
}

static void test_tags_stay_outside_tunnels(void **state)
{
	struct l2_vip vip = vip_to(L2_TUNNEL, REMOTE6, LOCAL6);
	struct frame frame, plain;

	(void)state;
	set_vips(&vip);
	build_datagram(&plain, A4, VIP4);
	for (int tags = 1; tags <= 3; tags++) {
		frame__ethernet(&frame);
		for (int i = 0; i < tags; i++)
			frame__tag(&frame, ETH_P_8021Q, 100 + i);
		frame__ipv4(&frame, A4, VIP4);
		frame__udp(&frame, 4000, 53);
		frame__payload(&frame, 30);
		frame__seal(&frame);
		run_l2(redirect, &frame, TC_ACT_REDIRECT, tunnel);
		assert_int_equal(frame.size, plain.size);
		assert_memory_equal(frame.bytes, plain.bytes, plain.size);
	}
}

/* A8: no redirect without a key. */
static void test_tunnel_key_refused(void **state)
{
	struct l2_vip vip = vip_to(L2_TUNNEL, REMOTE4, NULL);
	struct frame frame;

	(void)state;
	vip.tunnel_flags = 0x8000;
	set_vips(&vip);
	for (size_t family = 0; family < 2; family++) {
		build_to_vip(&frame, family);
		run_l2(redirect, &frame, TC_ACT_SHOT, key_failed);
	}
	vip.tunnel_flags = BPF_F_ZERO_CSUM_TX | BPF_F_DONT_FRAGMENT;
	set_vips(&vip);
	build_to_vip(&frame, 0);
	run_l2(redirect, &frame, TC_ACT_REDIRECT, tunnel);
}

/* ---- the outer header made by the program ---------------------------------------------------------------- */

static __u16 sum_words(const void *bytes, size_t size)
{
	const __u8 *at = bytes;
	__u32 sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void assert_outer4(const struct frame *frame, __u8 protocol, __u8 tos, __u8 ttl)
{
	struct iphdr header;

	memcpy(&header, frame->bytes + ETH_HLEN, sizeof(header));
	assert_int_equal(frame->bytes[12] << 8 | frame->bytes[13], ETH_P_IP);
	assert_int_equal(header.version, 4);
	assert_int_equal(header.ihl, 5);
	assert_int_equal(header.tos, tos);
	assert_int_equal(ntohs(header.tot_len), frame->size - ETH_HLEN);
	assert_int_equal(ntohs(header.frag_off), 0x4000);
	assert_int_equal(header.ttl, ttl);
	assert_int_equal(header.protocol, protocol);
	assert_int_equal(header.saddr, inet_addr(LOCAL4));
	assert_int_equal(header.daddr, inet_addr(REMOTE4));
	assert_int_equal(sum_words(&header, sizeof(header)), 0xffff);
}

static void assert_outer6(const struct frame *frame, __u8 protocol, __u8 tos, __u8 ttl)
{
	struct ipv6hdr header;
	ip remote, local;

	set_ip(remote, REMOTE6);
	set_ip(local, LOCAL6);
	memcpy(&header, frame->bytes + ETH_HLEN, sizeof(header));
	assert_int_equal(frame->bytes[12] << 8 | frame->bytes[13], ETH_P_IPV6);
	assert_int_equal(header.version, 6);
	assert_int_equal(header.priority << 4 | header.flow_lbl[0] >> 4, tos);
	assert_int_equal(ntohs(header.payload_len), frame->size - ETH_HLEN - sizeof(header));
	assert_int_equal(header.hop_limit, ttl);
	assert_int_equal(header.nexthdr, protocol);
	assert_memory_equal(&header.saddr, local, sizeof(local));
	assert_memory_equal(&header.daddr, remote, sizeof(remote));
}

static void test_ipip_encapsulation(void **state)
{
	struct frame frame, before;

	(void)state;
	for (size_t outer = 0; outer < 2; outer++) {
		struct l2_vip vip = vip_to(L2_IPIP, outer ? REMOTE6 : REMOTE4, outer ? LOCAL6 : LOCAL4);

		vip.tos = 0x28 | 1; /* the ECN bits are those of the packet */
		vip.ttl = outer ? 0 : 9;
		set_vips(&vip);
		for (size_t inner = 0; inner < 2; inner++) {
			__u8 protocol = inner ? IPPROTO_IPV6 : IPPROTO_IPIP;

			build_to_vip(&frame, inner);
			frame.bytes[15] = inner ? 0x20 : 2; /* ECT(0) */
			before = frame;
			run_l2(redirect, &frame, TC_ACT_REDIRECT, ipip);
			assert_packet(&frame, ETH_HLEN + (outer ? 40 : 20), &before);
			if (outer)
				assert_outer6(&frame, protocol, 0x2a, L2_TTL);
			else
				assert_outer4(&frame, protocol, 0x2a, 9);
		}
	}
}

/* The outer length is that of the packet, without the link layer's padding. */
static void test_ipip_of_padded_and_tagged(void **state)
{
	struct l2_vip vip = vip_to(L2_IPIP, REMOTE4, LOCAL4);
	struct frame frame;

	(void)state;
	set_vips(&vip);
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021Q, 5);
	frame__ipv4(&frame, A4, VIP4);
	frame__udp(&frame, 1, 2);
	frame__seal(&frame);
	frame.size = 64;
	run_l2(redirect, &frame, TC_ACT_REDIRECT, ipip);
	assert_int_equal(frame.size, 64 - 4 + 20);
	assert_int_equal(frame.bytes[16] << 8 | frame.bytes[17], 20 + 20 + 8);
	assert_int_equal(frame.bytes[14 + 20], 0x45);
}

static void set_mtu(int mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_mtu = mtu};

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &request), 0);
	close(fd);
}

static void build_long(struct frame *frame, size_t l3_length)
{
	frame__ethernet(frame);
	frame__ipv4(frame, A4, VIP4);
	frame__payload(frame, l3_length - 20);
	frame__seal(frame);
}

static void test_too_big_for_the_device(void **state)
{
	struct l2_vip ipip = vip_to(L2_IPIP, REMOTE4, LOCAL4), device = vip_to(L2_DEVICE, NULL, NULL);
	struct frame frame;

	(void)state;
	set_mtu(1400);
	set_vips(&ipip);
	build_long(&frame, 1380);
	run_l2(redirect, &frame, TC_ACT_REDIRECT, ipip);
	build_long(&frame, 1381);
	run_l2(redirect, &frame, TC_ACT_SHOT, too_big);
	set_vips(&device);
	build_long(&frame, 1400);
	run_l2(redirect, &frame, TC_ACT_REDIRECT, device);
	build_long(&frame, 1401);
	run_l2(redirect, &frame, TC_ACT_SHOT, too_big);
	set_mtu(65536);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, l2_maps__load, l2_maps__unload)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_others_are_left_alone),      TEST(test_frames_that_cannot_be_parsed),
		TEST(test_unset_takes_the_usual_path), TEST(test_removed_device),
		TEST(test_inconsistent_entries),       TEST(test_longest_prefix),
		TEST(test_headers_before_and_after),   TEST(test_far_end_is_not_tunnelled),
		TEST(test_new_link_destination),       TEST(test_tags_stay_outside_tunnels),
		TEST(test_tunnel_key_refused),	       TEST(test_ipip_encapsulation),
		TEST(test_ipip_of_padded_and_tagged),  TEST(test_too_big_for_the_device),
	};

	return cmocka_run_group_tests_name("l2_redirect", tests, NULL, NULL);
}
