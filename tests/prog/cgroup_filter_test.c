// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/cgroup_filter.c in the running kernel: which senders and packets a rule matches, the order of rules, and
 * that each packet is counted with one verdict and one reason.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup_frames.h"
#include "cgroups.h"
#include "classifier.h"
#include "test.h"

static struct classifier classifier;
static int program;

static void put(const char *map, __u32 key, const void *value)
{
	if (bpf_map_update_elem(classifier__map(&classifier, map), &key, value, BPF_ANY))
		fail_msg("map %s: %s", map, strerror(errno));
}

static void set_rule(__u32 slot, struct cgroup_rule rule)
{
	put("cgroup_rules", slot, &rule);
}

static void set_cgroup(__u32 slot, enum test_cgroup cgroup)
{
	int fd = cgroups__open(cgroup);

	put("cgroup_acl", slot, &fd);
	close(fd);
}

static void set(__u32 slot, enum test_cgroup cgroup, struct cgroup_rule rule)
{
	set_cgroup(slot, cgroup);
	set_rule(slot, rule);
}

static void set_policy(struct cgroup_policy policy)
{
	put("cgroup_policy", 0, &policy);
}

static struct cgroup_totals totals(void)
{
	return cgroup_frames__totals(classifier__map(&classifier, "cgroup_totals"));
}

static struct cgroup_count hits(__u32 slot)
{
	return cgroup_frames__count(classifier__map(&classifier, "cgroup_hits"), slot);
}

static int load(void **state)
{
	(void)state;
	classifier__load(&classifier, "tc-progs/cgroup_filter.o");
	program = classifier__program(&classifier, "filter");
	return 0;
}

/* After every test: one verdict and one reason for each packet. */
static int unload(void **state)
{
	struct cgroup_totals all = totals();
	__u64 reasons = cgroup_frames__reasons(&all);

	(void)state;
	for (__u32 slot = 0; slot < CGROUP_SLOTS; slot++)
		reasons += hits(slot).packets;
	assert_int_equal(all.passed + all.accepted + all.dropped, reasons);
	assert_int_equal(all.failures, 0);
	classifier__unload(&classifier);
	return 0;
}

/* ---- whose packets ---------------------------------------------------------------------------------------------- */

static void test_nothing_configured(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	classifier__run(program, &frame, NULL);
	assert_int_equal(totals().passed, 1);
	assert_int_equal(totals().unmatched, 1);
	set_cgroup(0, LEAF); /* a cgroup without a rule */
	classifier__run(program, &frame, NULL);
	assert_int_equal(totals().unmatched, 2);
	set_policy((struct cgroup_policy){.unmatched = drop, .no_socket = ok, .unparsable = ok});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(totals().dropped, 1);
	assert_int_equal(totals().unmatched, 3);
}

static void test_own_cgroup_and_ancestors(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(0, OTHER, (struct cgroup_rule){.verdict = drop});
	classifier__run(program, &frame, NULL);
	assert_int_equal(hits(0).packets, 0);
	set_cgroup(0, LEAF);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	set_cgroup(0, TOP);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(hits(0).packets, 2);
	assert_int_equal(hits(0).bytes, 2 * frame.size);
	assert_int_equal(totals().dropped, 2);
	assert_int_equal(totals().unmatched, 1);
}

static void test_verdicts(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(0, LEAF, (struct cgroup_rule){.verdict = next});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_UNSPEC);
	set_rule(0, (struct cgroup_rule){.verdict = ok});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_OK);
	set_rule(0, (struct cgroup_rule){.verdict = drop});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(totals().bad_verdicts, 0);
	set_rule(0, (struct cgroup_rule){.verdict = 77});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_UNSPEC);
	assert_int_equal(totals().bad_verdicts, 1);
	assert_int_equal(totals().passed, 2);
	assert_int_equal(totals().accepted, 1);
	assert_int_equal(totals().dropped, 1);
	assert_int_equal(hits(0).packets, 4);
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

static void test_the_first_match_decides(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(0, OTHER, (struct cgroup_rule){.verdict = drop});
	set(1, LEAF, (struct cgroup_rule){.verdict = drop, .protocol = tcp});
	set(2, OTHER, (struct cgroup_rule){.verdict = drop, .protocol = udp});
	set(3, TOP, (struct cgroup_rule){.verdict = ok, .protocol = udp});
	set(4, LEAF, (struct cgroup_rule){.verdict = drop});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_OK);
	assert_int_equal(hits(3).packets, 1);
	build(&frame, TCP4_80);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(hits(1).packets, 1);
	build(&frame, ICMP4);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(hits(4).packets, 1);
}

static void test_the_list_ends_at_a_slot_without_rule(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(1, LEAF, (struct cgroup_rule){.verdict = drop});
	classifier__run(program, &frame, NULL);
	assert_int_equal(totals().unmatched, 1);
	set(0, OTHER, (struct cgroup_rule){.verdict = drop});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	set(0, LEAF,
	    (struct cgroup_rule){.verdict = ok, .protocol = tcp}); /* no match: the next rules see a parsed packet */
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	set_rule(1, (struct cgroup_rule){});
	classifier__run(program, &frame, NULL);
	assert_int_equal(totals().unmatched, 2);
}

static void test_the_last_slot(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	for (__u32 slot = 0; slot < CGROUP_SLOTS; slot++)
		set(slot, OTHER, (struct cgroup_rule){.verdict = drop});
	classifier__run(program, &frame, NULL);
	set_cgroup(CGROUP_SLOTS - 1, LEAF);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(hits(CGROUP_SLOTS - 1).packets, 1);
	for (__u32 slot = 0; slot < CGROUP_SLOTS - 1; slot++)
		set(slot, LEAF, (struct cgroup_rule){.verdict = ok, .family = 6});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	set_rule(CGROUP_SLOTS - 1, (struct cgroup_rule){.verdict = ok, .family = 6});
	classifier__run(program, &frame, NULL);
}

static void test_empty_slots_are_skipped_and_counted(void **state)
{
	__u32 first = 0;
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(0, LEAF, (struct cgroup_rule){.verdict = drop});
	set(1, LEAF, (struct cgroup_rule){.verdict = ok});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(totals().empty_slots, 0);
	assert_int_equal(bpf_map_delete_elem(classifier__map(&classifier, "cgroup_acl"), &first), 0);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_OK);
	assert_int_equal(totals().empty_slots, 1);
	assert_int_equal(hits(1).packets, 1);
}

/* ---- which packets ---------------------------------------------------------------------------------------------- */

static void test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_cgroup_cases; i++) {
		const struct cgroup_case *test = &cgroup_cases[i];
		struct cgroup_rule rule = test->rule;
		struct frame frame;
		int verdict;

		rule.verdict = drop;
		set(0, LEAF, rule);
		build(&frame, test->frame);
		verdict = classifier__ask(program, &frame, NULL);
		if (verdict != (test->matches ? TC_ACT_SHOT : TC_ACT_UNSPEC))
			fail_msg("case %zu, %s: verdict %d", i, test->what, verdict);
	}
}

/* A packet that cannot be parsed is not a mismatch: a rule with conditions might match it. */
static void test_unparsable(void **state)
{
	static const enum frame_kind kinds[] = {SHORT4, DEEP6, BAD_VERSION4};
	struct frame frame;

	(void)state;
	set_policy((struct cgroup_policy){.unmatched = ok, .no_socket = ok, .unparsable = drop});
	set(0, LEAF, (struct cgroup_rule){.verdict = next, .protocol = tcp});
	for (int i = 0; i < 3; i++) {
		build(&frame, kinds[i]);
		assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
		set_cgroup(0, OTHER); /* not evaluated */
		assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_OK);
		set(0, LEAF, (struct cgroup_rule){.verdict = next});
		assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_UNSPEC);
		set_rule(0, (struct cgroup_rule){.verdict = next, .protocol = tcp});
	}
	assert_int_equal(totals().too_short, 1);
	assert_int_equal(totals().too_deep, 1);
	assert_int_equal(totals().malformed, 1);
	assert_int_equal(hits(0).packets, 3);
}

static void test_gso_packets_count_as_on_the_wire(void **state)
{
	struct __sk_buff context = {.gso_segs = 3, .gso_size = 100, .wire_len = 500};
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(0, LEAF, (struct cgroup_rule){.verdict = next});
	classifier__run(program, &frame, &context);
	assert_int_equal(hits(0).packets, 3);
	assert_int_equal(hits(0).bytes, 500);
	assert_int_equal(totals().passed, 3);
}

static void test_without_link_layer(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, L3_IN_ETHERNET);
	set(0, LEAF, (struct cgroup_rule){.verdict = drop, .protocol = udp, .port_first = 53});
	classifier__run(program, &frame, NULL);
	assert_int_equal(classifier__ask(classifier__program(&classifier, "filter_l3"), &frame, NULL), TC_ACT_SHOT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, load, unload)

static int run_group(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_configured),
		TEST(test_own_cgroup_and_ancestors),
		TEST(test_verdicts),
		TEST(test_the_first_match_decides),
		TEST(test_the_list_ends_at_a_slot_without_rule),
		TEST(test_the_last_slot),
		TEST(test_empty_slots_are_skipped_and_counted),
		TEST(test_conditions),
		TEST(test_unparsable),
		TEST(test_gso_packets_count_as_on_the_wire),
		TEST(test_without_link_layer),
	};

	return cmocka_run_group_tests_name("cgroup_filter", tests, NULL, NULL);
}

int main(void)
{
	return cgroups__run(run_group);
}
