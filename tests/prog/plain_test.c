// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The fast path of tc-progs/lib/plain.h in the running kernel: it parses the packets that it is for, leaves
 * all others, and never differs from packet__innermost().
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>

#include "classifier.h"
#include "probe.h"
#include "test.h"

#define MUTANTS 20000

/* ---- frames -------------------------------------------------------------------------------------- */

/* Tags, then IP headers by family from the outside to the inside: "44" is IPIP. */
static void build(struct frame *frame, int tags, const char *families)
{
	frame__ethernet(frame);
	for (int i = 0; i < tags; i++)
		frame__tag(frame, i ? ETH_P_8021Q : ETH_P_8021AD, 100 + i);
	for (; *families; families++) {
		if (*families == '4')
			frame__ipv4(frame, families[1] ? C4 : A4, families[1] ? C4 : B4);
		else
			frame__ipv6(frame, families[1] ? "2001:db8::c" : A6, families[1] ? "2001:db8::d" : B6);
	}
	frame__udp(frame, 4000, 53);
	frame__payload(frame, 40);
	frame__seal(frame);
}

static bool is_plain(const struct frame *frame, struct packet *ret_pkt)
{
	struct probe probe;

	classifier__run(plain, frame, NULL);
	probe = take_probe();
	*ret_pkt = probe.packet;
	return probe.verdict == PACKET_OK;
}

/* Either it leaves the frame to packet__innermost(), or both agree. Returns which. */
static bool assert_same(const struct frame *frame)
{
	struct packet pkt;
	struct probe general;

	if (!is_plain(frame, &pkt))
		return false;
	classifier__run(innermost, frame, NULL);
	general = take_probe();
	assert_int_equal(general.verdict, PACKET_OK);
	assert_int_equal(pkt.family, general.packet.family);
	assert_memory_equal(pkt.daddr, general.packet.daddr, sizeof(pkt.daddr));
	return true;
}

/* ---- tests --------------------------------------------------------------------------------------- */

static void test_plain(void **state)
{
	static const char *const families[] = {"4", "6", "44", "46", "446"};
	struct frame frame;

	(void)state;
	for (int tags = 0; tags <= 2; tags++)
		for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
			build(&frame, tags, families[i]);
			assert_true(assert_same(&frame));
		}
}

static void assert_not_plain(struct frame *frame)
{
	struct packet pkt;

	frame__seal(frame);
	assert_false(is_plain(frame, &pkt));
}

static void test_not_plain(void **state)
{
	static const char *const families[] = {"444", "64", "66"};
	struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		build(&frame, 0, families[i]);
		assert_not_plain(&frame);
	}
	build(&frame, 3, "4");
	assert_not_plain(&frame);
	frame__ethernet(&frame);
	frame__arp(&frame);
	assert_not_plain(&frame);
	for (size_t i = 0; i < 2; i++) {
		frame__ethernet(&frame);
		frame__ipv4_with(&frame, A4, B4, 0, i ? 0x2000 : 0x0001); /* the first fragment, a later one */
		frame__udp(&frame, 4000, 53);
		assert_not_plain(&frame);
	}
	frame__ethernet(&frame);
	frame__ipv4_with(&frame, A4, B4, 4, 0);
	assert_not_plain(&frame);
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__extension(&frame, IPPROTO_HOPOPTS, 0);
	assert_not_plain(&frame);
	frame__ethernet(&frame);
	frame__ipv4(&frame, C4, C4);
	frame__gre(&frame, 0);
	frame__ipv4(&frame, A4, B4);
	assert_not_plain(&frame);
}

/* One byte less than the length in each header. */
static void test_truncated(void **state)
{
	static const char *const families[] = {"4", "6", "44", "46"};
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		build(&frame, 1, families[i]);
		frame.size--;
		assert_false(is_plain(&frame, &pkt));
	}
}

/* Random bits in the headers, and a random end. A test run requires a complete IP header. */
static void mutate(struct frame *frame)
{
	for (long changes = random() % 3; changes >= 0; changes--)
		frame->bytes[12 + random() % 80] ^= 1u << random() % 8;
	if (random() % 4 == 0)
		frame->size -= (size_t)random() % (frame->size - ETH_HLEN - 40);
}

static void test_random_frames(void **state)
{
	static const char *const families[] = {"4", "6", "44", "46", "64", "66", "444"};
	struct frame frame;
	size_t taken = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < MUTANTS; i++) {
		build(&frame, (int)(random() % 4), families[(size_t)random() % (sizeof(families) / sizeof(*families))]);
		mutate(&frame);
		taken += assert_same(&frame);
	}
	assert_in_range(taken, MUTANTS / 10, MUTANTS * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, load_probe, unload_probe),
		cmocka_unit_test_setup_teardown(test_not_plain, load_probe, unload_probe),
		cmocka_unit_test_setup_teardown(test_truncated, load_probe, unload_probe),
		cmocka_unit_test_setup_teardown(test_random_frames, load_probe, unload_probe),
	};

	return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
