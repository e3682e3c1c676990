// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/cgroup_id_filter.c in the running kernel: the level on which cgroups are looked up, and the same rules as
 * in cgroup_filter.c.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>

#include "cgroup_frames.h"
#include "cgroups.h"
#include "classifier.h"
#include "test.h"

#define HITS CGROUP_IDS

static struct classifier classifier;
static int program;

static void put(const char *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(classifier__map(&classifier, map), key, value, BPF_ANY))
		fail_msg("map %s: %s", map, strerror(errno));
}

static void set(enum test_cgroup cgroup, struct cgroup_id_rule rule)
{
	__u64 id = cgroups__id(cgroup);

	put("cgroup_id_rules", &id, &rule);
}

static void unset_rule(enum test_cgroup cgroup)
{
	__u64 id = cgroups__id(cgroup);

	assert_int_equal(bpf_map_delete_elem(classifier__map(&classifier, "cgroup_id_rules"), &id), 0);
}

static void set_policy(struct cgroup_id_policy policy)
{
	__u32 only = 0;

	put("cgroup_id_policy", &only, &policy);
}

static struct cgroup_totals totals(void)
{
	return cgroup_frames__totals(classifier__map(&classifier, "cgroup_id_totals"));
}

static struct cgroup_count hits(__u32 counter)
{
	return cgroup_frames__count(classifier__map(&classifier, "cgroup_id_hits"), counter);
}

static int load(void **state)
{
	(void)state;
	classifier__load(&classifier, "tc-progs/cgroup_id_filter.o");
	program = classifier__program(&classifier, "filter");
	return 0;
}

/* After every test: one verdict and one reason for each packet. */
static int unload(void **state)
{
	struct cgroup_totals all = totals();
	__u64 reasons = cgroup_frames__reasons(&all);

	(void)state;
	for (__u32 counter = 0; counter < CGROUP_IDS; counter++)
		reasons += hits(counter).packets;
	assert_int_equal(all.passed + all.accepted + all.dropped, reasons);
	classifier__unload(&classifier);
	return 0;
}

static void test_without_a_level_the_senders_own_cgroup(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(TOP, (struct cgroup_id_rule){.verdict = drop});
	set(OTHER, (struct cgroup_id_rule){.verdict = drop});
	classifier__run(program, &frame, NULL);
	assert_int_equal(totals().unmatched, 1);
	set(LEAF, (struct cgroup_id_rule){.verdict = ok});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_OK);
	set(LEAF, (struct cgroup_id_rule){}); /* an entry of zeros is not a rule */
	classifier__run(program, &frame, NULL);
	assert_int_equal(totals().unmatched, 2);
}

/* TOP is on one level, LEAF on the next; on deeper levels a sender in LEAF belongs to LEAF. */
static void test_one_level_for_all(void **state)
{
	__u8 level_of_top = 0;
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(TOP, (struct cgroup_id_rule){.verdict = drop});
	for (__u8 level = 1; level < 40; level++) {
		set_policy((struct cgroup_id_policy){.level = level});
		if (classifier__ask(program, &frame, NULL) != TC_ACT_SHOT)
			continue;
		assert_int_equal(level_of_top, 0);
		level_of_top = level;
	}
	assert_int_not_equal(level_of_top, 0);
	unset_rule(TOP);
	set(LEAF, (struct cgroup_id_rule){.verdict = drop});
	for (__u8 level = 1; level < 40; level++) {
		set_policy((struct cgroup_id_policy){.level = level});
		assert_int_equal(classifier__ask(program, &frame, NULL),
				 level > level_of_top ? TC_ACT_SHOT : TC_ACT_UNSPEC);
	}
}

static void test_policy(void **state)
{
	struct frame frame;

	(void)state;
	set_policy((struct cgroup_id_policy){.unmatched = drop, .no_socket = ok, .unparsable = ok});
	build(&frame, SHORT4);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	set(LEAF, (struct cgroup_id_rule){.verdict = next, .protocol = tcp});
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_OK);
	build(&frame, UDP4_53);
	assert_int_equal(classifier__ask(program, &frame, NULL), TC_ACT_SHOT);
	assert_int_equal(totals().unmatched, 2);
	assert_int_equal(totals().too_short, 1);
}

static void test_counters(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, UDP4_53);
	set(LEAF, (struct cgroup_id_rule){.verdict = next});
	classifier__run(program, &frame, NULL);
	set(LEAF, (struct cgroup_id_rule){.verdict = next, .counter = HITS - 1});
	classifier__run(program, &frame, NULL);
	classifier__run(program, &frame, NULL);
	assert_int_equal(hits(0).packets, 1);
	assert_int_equal(hits(HITS - 1).packets, 2);
	assert_int_equal(hits(HITS - 1).bytes, 2 * frame.size);
	assert_int_equal(totals().passed, 3);
}

static void test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_cgroup_cases; i++) {
		const struct cgroup_case *test = &cgroup_cases[i];
		struct cgroup_id_rule rule = {
			.verdict = drop,
			.family = test->rule.family,
			.protocol = test->rule.protocol,
			.port_first = test->rule.port_first,
			.port_last = test->rule.port_last,
		};
		struct frame frame;
		int verdict;

		set(LEAF, rule);
		build(&frame, test->frame);
		verdict = classifier__ask(program, &frame, NULL);
		if (verdict != (test->matches ? TC_ACT_SHOT : TC_ACT_UNSPEC))
			fail_msg("case %zu, %s: verdict %d", i, test->what, verdict);
	}
}

static void test_without_link_layer(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, L3_IN_ETHERNET);
	set(LEAF, (struct cgroup_id_rule){.verdict = drop, .protocol = udp, .port_first = 53});
	classifier__run(program, &frame, NULL);
	assert_int_equal(classifier__ask(classifier__program(&classifier, "filter_l3"), &frame, NULL), TC_ACT_SHOT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, load, unload)

static int run_group(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_a_level_the_senders_own_cgroup),
		TEST(test_one_level_for_all),
		TEST(test_policy),
		TEST(test_counters),
		TEST(test_conditions),
		TEST(test_without_link_layer),
	};

	return cmocka_run_group_tests_name("cgroup_id_filter", tests, NULL, NULL);
}

int main(void)
{
	return cgroups__run(run_group);
}
