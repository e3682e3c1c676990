// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rules are changed while another CPU filters packets: each packet meets one rule or the other, never a mixture,
 * and is counted once.
 */
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup_frames.h"
#include "cgroups.h"
#include "classifier.h"
#include "test.h"

#define CHANGES 200000 /* at least */
#define REPEAT 10000   /* packets between two checks of the other thread's progress */

struct change {
	int map;
	const void *key;
	__u64 rules[2];
	atomic_bool stop;
	__u64 done;
};

static void *change(void *context)
{
	struct change *change = context;

	while (!atomic_load(&change->stop) || change->done < CHANGES)
		if (bpf_map_update_elem(change->map, change->key, &change->rules[change->done++ % 2], BPF_EXIST))
			abort();
	return NULL;
}

/* Sends packets through PROGRAM while rules change. Returns their number. */
static __u64 filter_under_change(int program, struct change *changes)
{
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, run, .repeat = REPEAT);
	__u64 packets = 0;
	pthread_t thread;

	build(&frame, UDP4_53);
	run.data_in = frame.bytes;
	run.data_size_in = frame.size;
	assert_int_equal(pthread_create(&thread, NULL, change, changes), 0);
	while (packets < 300 * REPEAT) {
		assert_int_equal(bpf_prog_test_run_opts(program, &run), 0);
		packets += REPEAT;
	}
	atomic_store(&changes->stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return packets;
}

/* One rule accepts the packet, the other does not match. A mixture would drop it. */
static void assert_whole(const struct cgroup_totals *totals, __u64 hits, __u64 packets)
{
	assert_int_equal(totals->dropped, 0);
	assert_int_equal(totals->accepted, hits);
	assert_int_equal(totals->accepted + totals->passed, packets);
	assert_int_equal(totals->unmatched, totals->passed);
	assert_true(totals->accepted > 0);
	assert_true(totals->passed > 0);
}

static void test_rules_in_slots(void **state)
{
	const struct cgroup_rule rules[] = {
		{.verdict = ok, .family = 4, .protocol = udp, .port_first = 53},
		{.verdict = drop, .family = 6, .protocol = tcp, .port_first = 80},
	};
	struct classifier classifier;
	struct change changes = {};
	struct cgroup_totals totals;
	int leaf = cgroups__open(LEAF);
	__u64 packets, hits;
	__u32 slot = 0;

	(void)state;
	classifier__load(&classifier, "tc-progs/cgroup_filter.o");
	changes.map = classifier__map(&classifier, "cgroup_rules");
	changes.key = &slot;
	memcpy(changes.rules, rules, sizeof(changes.rules));
	assert_int_equal(bpf_map_update_elem(classifier__map(&classifier, "cgroup_acl"), &slot, &leaf, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(changes.map, &slot, &rules[0], BPF_ANY), 0);
	packets = filter_under_change(classifier__program(&classifier, "filter"), &changes);
	totals = cgroup_frames__totals(classifier__map(&classifier, "cgroup_totals"));
	hits = cgroup_frames__count(classifier__map(&classifier, "cgroup_hits"), 0).packets;
	assert_whole(&totals, hits, packets);
	classifier__unload(&classifier);
	close(leaf);
}

static void test_rules_by_id(void **state)
{
	const struct cgroup_id_rule rules[] = {
		{.verdict = ok, .family = 4, .protocol = udp, .port_first = 53},
		{.verdict = drop, .family = 6, .protocol = tcp, .port_first = 80},
	};
	struct classifier classifier;
	struct change changes = {};
	struct cgroup_totals totals;
	__u64 id = cgroups__id(LEAF), packets, hits;

	(void)state;
	classifier__load(&classifier, "tc-progs/cgroup_id_filter.o");
	changes.map = classifier__map(&classifier, "cgroup_id_rules");
	changes.key = &id;
	memcpy(changes.rules, rules, sizeof(changes.rules));
	assert_int_equal(bpf_map_update_elem(changes.map, &id, &rules[0], BPF_ANY), 0);
	packets = filter_under_change(classifier__program(&classifier, "filter"), &changes);
	totals = cgroup_frames__totals(classifier__map(&classifier, "cgroup_id_totals"));
	hits = cgroup_frames__count(classifier__map(&classifier, "cgroup_id_hits"), 0).packets;
	assert_whole(&totals, hits, packets);
	classifier__unload(&classifier);
}

static int run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_in_slots),
		cmocka_unit_test(test_rules_by_id),
	};

	return cmocka_run_group_tests_name("cgroup filters under change", tests, NULL, NULL);
}

int main(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		puts("1..0 # SKIP with one CPU nothing happens at a time");
		return 0;
	}
	return cgroups__run(run_group);
}
