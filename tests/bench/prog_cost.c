// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures the cost of a classifier per packet, net of an empty one.
 *
 *   prog_cost [ROUNDS]
 *
 * Programs run in a loop of the kernel (BPF_PROG_TEST_RUN). Each round runs every program thousands of
 * times; the minimum of all rounds counts, since disturbances only add time. Objects are loaded several
 * times, because the addresses of code and maps matter. See the table of subjects: a row is a program, a
 * frame and a limit.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../prog/classifier.h"
#include "../prog/frames.h"
#include "../prog/test.h"
#include "cgroup_filter.h"
#include "l2_redirect.h"
#include "map/cgroup.h"
#include "timing.h"

#define REPEAT 5000 /* runs of a program in a round */
#define LOADS 4	    /* number of loads of each object, for ROUNDS / LOADS rounds each */

#define REFERENCE "sockex2 port" /* limits in ns are for a machine on which it takes REFERENCE_NS */
#define REFERENCE_NS 22.0

/* ---- frames -------------------------------------------------------------------------------------------------- */

static void udp4(struct frame *frame)
{
	frame__ipv4(frame, A4, B4);
	frame__udp(frame, 4000, 53);
	frame__payload(frame, 64);
	frame__seal(frame);
}

static void build_udp(struct frame *frame)
{
	frame__ethernet(frame);
	udp4(frame);
}

static void build_vlan(struct frame *frame)
{
	frame__ethernet(frame);
	frame__tag(frame, ETH_P_8021Q, 10);
	udp4(frame);
}

static void build_ipip(struct frame *frame)
{
	frame__ethernet(frame);
	frame__ipv4(frame, C4, C4);
	udp4(frame);
}

static void build_udp6(struct frame *frame)
{
	frame__ethernet(frame);
	frame__ipv6(frame, A6, B6);
	frame__udp(frame, 4000, 53);
	frame__payload(frame, 64);
	frame__seal(frame);
}

static void build_icmp6(struct frame *frame)
{
	frame__ethernet(frame);
	frame__ipv6(frame, A6, B6);
	frame__icmp(frame, IPPROTO_ICMPV6, 128, 1);
	frame__payload(frame, 64);
	frame__seal(frame);
}

static void build_vip(struct frame *frame)
{
	frame__ethernet(frame);
	frame__ipv4(frame, A4, "10.10.1.102");
	frame__udp(frame, 4000, 53);
	frame__payload(frame, 64);
	frame__seal(frame);
}

enum frame_kind {
	UDP,
	VLAN,
	IPIP,
	UDP6,
	ICMP6,
	VIP,
};

static const struct {
	const char *name;
	void (*build)(struct frame *frame);
} frame_kinds[] = {
	[UDP] = {"UDP", build_udp},    /* IPv4 */
	[VLAN] = {"VLAN", build_vlan}, /* the same after a VLAN tag */
	[IPIP] = {"IPIP", build_ipip}, /* the same in a tunnel */
	[UDP6] = {"UDP/IPv6", build_udp6}, [ICMP6] = {"ICMPv6", build_icmp6},
	[VIP] = {"VIP", build_vip}, /* UDP to 10.10.1.102 */
};

/* ---- set-ups: entries that user space would write --------------------------------------------------------------- */

/* Sets KEY in map NAME of a classifier. */
static void put(const struct classifier *classifier, const char *name, const void *key, const void *value)
{
	if (bpf_map_update_elem(classifier__map(classifier, name), key, value, BPF_ANY))
		fail_msg("map %s: %s", name, strerror(errno));
}

static void fill_bare(const struct classifier *classifier)
{
	__u64 nothing[64] = {};

	put(classifier, "by_word", nothing, nothing);
	put(classifier, "lru", nothing, nothing);
	put(classifier, "percpu", nothing, nothing);
}

static void fill_device(const struct classifier *classifier)
{
	__u32 slot = 0, loopback = 1;

	put(classifier, "device", &slot, &loopback);
}

/* C4 is a tunnel endpoint of this host; 10.10.1.0/24 is sent into a tunnel; lo is the device. */
static void fill_redirect(const struct classifier *classifier)
{
	struct l2_prefix prefix = {.prefixlen = 96 + 24};
	struct l2_vip vip = {.action = L2_TUNNEL, .tunnel_id = 10000};
	struct l2_end end = {.action = L2_END_DEVICE};
	__u32 slot = 0, loopback = 1;

	inet_pton(AF_INET6, "::ffff:10.10.1.0", prefix.address);
	inet_pton(AF_INET6, "::ffff:10.2.1.102", vip.remote);
	inet_pton(AF_INET6, "::ffff:" C4, end.address);
	put(classifier, "tun_iface", &slot, &loopback);
	put(classifier, "l2_vips", &prefix, &vip);
	put(classifier, "l2_ends", &slot, &end);
}

/* ---- cgroups: the packet of a test run is sent by the calling process ----------------------------------------- */

static int open_cgroup(const char *name)
{
	struct elfmap_msg msg;
	int fd = -1;

	if (elfmap_cgroup__open(name, &fd, &msg))
		fail_msg("cgroup %s: %s", name, msg.text);
	return fd;
}

/* A path relative to the root of cgroup2. */
static char *cgroup_path(const char *name)
{
	struct elfmap_msg msg;
	char root[2048];
	char *path;

	if (elfmap_cgroup__find(root, sizeof(root), &msg))
		fail_msg("%s", msg.text);
	assert_true(asprintf(&path, "%s/%s", root, name) > 0);
	return path;
}

static int open_own_cgroup(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[2048], name[2048] = "", *path;
	int fd;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "0::/%2047[^\n]", name) == 1)
			break;
	if (file)
		fclose(file);
	path = cgroup_path(name);
	fd = open_cgroup(path);
	free(path);
	return fd;
}

static void set_rule(const struct classifier *classifier, int cgroup, struct cgroup_rule rule)
{
	__u32 slot = 0;

	put(classifier, "cgroup_acl", &slot, &cgroup);
	put(classifier, "cgroup_rules", &slot, &rule);
	close(cgroup);
}

static void fill_rule(const struct classifier *classifier)
{
	set_rule(classifier, open_own_cgroup(), (struct cgroup_rule){.verdict = ok});
}

static void fill_port_rule(const struct classifier *classifier)
{
	set_rule(classifier, open_own_cgroup(),
		 (struct cgroup_rule){.verdict = ok, .family = 4, .protocol = udp, .port_first = 53});
}

/* The rule is for a cgroup without processes. Slots hold removed cgroups. */
static void fill_other_rule(const struct classifier *classifier)
{
	char name[64], *path;

	snprintf(name, sizeof(name), "elfmap_bench_%d", (int)getpid());
	path = cgroup_path(name);
	if (mkdir(path, 0755))
		fail_msg("%s: %s", path, strerror(errno));
	set_rule(classifier, open_cgroup(path), (struct cgroup_rule){.verdict = ok});
	rmdir(path);
	free(path);
}

static void fill_id_rule(const struct classifier *classifier, struct cgroup_id_rule rule)
{
	int cgroup = open_own_cgroup();
	struct elfmap_msg msg;
	__u64 id = 0;

	if (elfmap_cgroup__id(cgroup, &id, &msg))
		fail_msg("%s", msg.text);
	put(classifier, "cgroup_id_rules", &id, &rule);
	close(cgroup);
}

static void fill_plain_id_rule(const struct classifier *classifier)
{
	fill_id_rule(classifier, (struct cgroup_id_rule){.verdict = ok});
}

static void fill_port_id_rule(const struct classifier *classifier)
{
	fill_id_rule(classifier,
		     (struct cgroup_id_rule){.verdict = ok, .family = 4, .protocol = udp, .port_first = 53});
}

/* ---- the table ----------------------------------------------------------------------------------------------------
 */

/* A row: NAME runs SECTION of OBJECT (below $BUILD), after SET_UP has filled its maps, on FRAME, and
 * must return VERDICT. COUNTS names a map that must have an entry afterwards, so that a program that
 * does nothing fails. LIMIT is a multiple of the cost of the row named PEER with the same frame (or with
 * its only one), or net nanoseconds at REFERENCE_NS without a peer; 0: for information. */
struct subject {
	const char *name;
	const char *object;
	const char *section;
	enum frame_kind frame;
	int verdict;
	void (*set_up)(const struct classifier *classifier);
	const char *counts;
	const char *peer;
	double limit;
};

#define BARE "tests/bench/peers/bare.o"
#define SOCKEX2 "tests/bench/peers/sockex2.o"
#define SOCKEX3 "tests/bench/peers/sockex3.o"
#define CGRP2_TC "tests/bench/peers/cgrp2_tc.o"
#define L2_TRACE "tests/bench/peers/l2_redirect_trace.o"
#define DST_STATS "tc-progs/dst_stats.o"
#define L2_REDIRECT "tc-progs/l2_redirect.o"
#define PARSER "tc-progs/parser.o"
#define PARSER_PERCPU "tc-progs/parser_percpu.o"
#define CGROUP_FILTER "tc-progs/cgroup_filter.o"
#define CGROUP_ID_FILTER "tc-progs/cgroup_id_filter.o"
#define DST_STATS_LRU "tc-progs/dst_stats_lru.o"

/* Peers and single steps. The first row is subtracted from all others. */
static const struct subject subjects[] = {
	{"an empty classifier", BARE, "empty", UDP, TC_ACT_UNSPEC, NULL, NULL, NULL, 0},
	{"bare HASH look-up", BARE, "hash", UDP, TC_ACT_UNSPEC, fill_bare, NULL, NULL, 0},
	{"bare LRU_HASH look-up, 40 bytes, count", BARE, "count_lru", UDP, TC_ACT_UNSPEC, fill_bare, NULL, NULL, 0},
	{"bare PERCPU_HASH, 40 bytes, count", BARE, "count_percpu", UDP, TC_ACT_UNSPEC, fill_bare, NULL, NULL, 0},
	{"bare set_tunnel_key", BARE, "tunnel_key", UDP, TC_ACT_UNSPEC, NULL, NULL, NULL, 0},

	{"sockex2 port", SOCKEX2, "classifier", UDP, 0, NULL, "by_destination", NULL, 0},
	{"sockex2 port", SOCKEX2, "classifier", VLAN, 0, NULL, "by_destination", NULL, 0},
	{"sockex2 port", SOCKEX2, "classifier", IPIP, 0, NULL, "by_destination", NULL, 0},
	{"sockex2 port", SOCKEX2, "classifier", UDP6, 0, NULL, "by_destination", NULL, 0},
	{"dst_stats", DST_STATS, "ingress", UDP, TC_ACT_UNSPEC, NULL, "dst_stats", "sockex2 port", 0.55},
	{"dst_stats", DST_STATS, "ingress", VLAN, TC_ACT_UNSPEC, NULL, "dst_stats", "sockex2 port", 0.55},
	{"dst_stats", DST_STATS, "ingress", IPIP, TC_ACT_UNSPEC, NULL, "dst_stats", "sockex2 port", 0.55},
	{"dst_stats", DST_STATS, "ingress", UDP6, TC_ACT_UNSPEC, NULL, "dst_stats", "sockex2 port", 0},
	{"dst_stats_lru", DST_STATS_LRU, "ingress", UDP, TC_ACT_UNSPEC, NULL, "dst_stats", "sockex2 port", 0},

	{"sockex3 port", SOCKEX3, "classifier", UDP, 0, NULL, "by_flow", NULL, 0},
	{"sockex3 port", SOCKEX3, "classifier", VLAN, 0, NULL, "by_flow", NULL, 0},
	{"sockex3 port", SOCKEX3, "classifier", IPIP, 0, NULL, "by_flow", NULL, 0},
	{"sockex3 port", SOCKEX3, "classifier", UDP6, 0, NULL, "by_flow", NULL, 0},

	{"parser", PARSER, "classifier", UDP, TC_ACT_UNSPEC, NULL, "parser_flows4", "sockex3 port", 0.85},
	{"parser", PARSER, "classifier", VLAN, TC_ACT_UNSPEC, NULL, "parser_flows4", "sockex3 port", 0.85},
	{"parser", PARSER, "classifier", IPIP, TC_ACT_UNSPEC, NULL, "parser_flows4", "sockex3 port", 0.85},
	{"parser", PARSER, "classifier", UDP6, TC_ACT_UNSPEC, NULL, "parser_flows6", "sockex3 port", 0},
	{"parser_percpu", PARSER_PERCPU, "classifier", UDP, TC_ACT_UNSPEC, NULL, "parser_flows4", "sockex3 port", 0.65},
	{"parser_percpu", PARSER_PERCPU, "classifier", VLAN, TC_ACT_UNSPEC, NULL, "parser_flows4", "sockex3 port",
	 0.65},
	{"parser_percpu", PARSER_PERCPU, "classifier", IPIP, TC_ACT_UNSPEC, NULL, "parser_flows4", "sockex3 port",
	 0.65},
	{"parser_percpu", PARSER_PERCPU, "classifier", UDP6, TC_ACT_UNSPEC, NULL, "parser_flows6", "sockex3 port", 0},

	{"test_cgrp2_tc port", CGRP2_TC, "filter", ICMP6, TC_ACT_OK, NULL, NULL, NULL, 0},
	{"cgroup_filter, no rule", CGROUP_FILTER, "filter", UDP, TC_ACT_UNSPEC, NULL, NULL, NULL, 10},
	{"cgroup_filter, another's rule", CGROUP_FILTER, "filter", UDP, TC_ACT_UNSPEC, fill_other_rule, NULL, NULL, 10},
	{"cgroup_filter, a rule", CGROUP_FILTER, "filter", UDP, TC_ACT_OK, fill_rule, NULL, NULL, 10},
	{"cgroup_filter, a rule for a port", CGROUP_FILTER, "filter", UDP, TC_ACT_OK, fill_port_rule, NULL, NULL, 10},
	{"cgroup_id_filter, a rule", CGROUP_ID_FILTER, "filter", UDP, TC_ACT_OK, fill_plain_id_rule, NULL,
	 "bare HASH look-up", 3},
	{"cgroup_id_filter, a rule for a port", CGROUP_ID_FILTER, "filter", UDP, TC_ACT_OK, fill_port_id_rule, NULL,
	 "bare HASH look-up", 3},

	{"tc_l2_redirect port, forward", L2_TRACE, "forward", IPIP, TC_ACT_REDIRECT, fill_device, NULL, NULL, 0},
	{"tc_l2_redirect port, tunnel", L2_TRACE, "tunnel", VIP, TC_ACT_REDIRECT, fill_device, NULL, NULL, 0},
	{"l2_redirect, forward", L2_REDIRECT, "forward", IPIP, TC_ACT_REDIRECT, fill_redirect, NULL, NULL, 8},
	{"l2_redirect, tunnel", L2_REDIRECT, "redirect", VIP, TC_ACT_REDIRECT, fill_redirect, NULL,
	 "bare set_tunnel_key", 1.6},
	{"l2_redirect, not a VIP", L2_REDIRECT, "redirect", UDP, TC_ACT_UNSPEC, fill_redirect, NULL, NULL, 0},
};

#define NR_SUBJECTS (sizeof(subjects) / sizeof(*subjects))

/* ---- measuring ------------------------------------------------------------------------------------------------------
 */

struct state {
	struct classifier classifier;
	struct frame frame;
	int program;
	double ns; /* the minimum of a run so far */
};

static struct state states[NR_SUBJECTS];

/* Runs a program REPEAT times, and returns the time of one run. Uses a clock of user space, because the
 * kernel reports whole nanoseconds. */
static double run(size_t row, unsigned int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = states[row].frame.bytes, .data_size_in = states[row].frame.size,
		    .repeat = repeat);
	double start = now_ns(), end;
	int err = bpf_prog_test_run_opts(states[row].program, &opts);

	end = now_ns();
	if (err)
		fail_msg("%s: test run: %s", subjects[row].name, strerror(-err));
	if ((int)opts.retval != subjects[row].verdict)
		fail_msg("%s, %s: verdict %d instead of %d", subjects[row].name, frame_kinds[subjects[row].frame].name,
			 (int)opts.retval, subjects[row].verdict);
	return (end - start) / repeat;
}

static void check_counted(size_t row)
{
	const struct subject *subject = &subjects[row];
	__u64 key[64];

	if (subject->counts &&
	    bpf_map_get_next_key(classifier__map(&states[row].classifier, subject->counts), NULL, key))
		fail_msg("%s, %s: nothing in %s", subject->name, frame_kinds[subject->frame].name, subject->counts);
}

static void load_all(void)
{
	for (size_t row = 0; row < NR_SUBJECTS; row++) {
		const struct subject *subject = &subjects[row];
		struct state *state = &states[row];

		classifier__load(&state->classifier, subject->object);
		state->program = classifier__program(&state->classifier, subject->section);
		frame_kinds[subject->frame].build(&state->frame);
		if (subject->set_up)
			subject->set_up(&state->classifier);
		run(row, 2);
		check_counted(row);
	}
}

static void unload_all(void)
{
	for (size_t row = 0; row < NR_SUBJECTS; row++)
		classifier__unload(&states[row].classifier);
}

static void measure(unsigned int rounds)
{
	for (unsigned int round = 0; round < rounds; round++) {
		for (size_t row = 0; row < NR_SUBJECTS; row++) {
			double ns = run(row, REPEAT);

			if (!states[row].ns || ns < states[row].ns)
				states[row].ns = ns;
		}
	}
}

/* ---- the report
 * ------------------------------------------------------------------------------------------------------- */

static double net_of(size_t row)
{
	return states[row].ns - states[0].ns;
}

/* The row named NAME with FRAME, or else the first one of this name. */
static size_t find_peer(const char *name, enum frame_kind frame)
{
	size_t first = NR_SUBJECTS;

	for (size_t row = 0; row < NR_SUBJECTS; row++) {
		if (strcmp(subjects[row].name, name) != 0)
			continue;
		if (subjects[row].frame == frame)
			return row;
		if (first == NR_SUBJECTS)
			first = row;
	}
	if (first == NR_SUBJECTS)
		fail_msg("no row %s", name);
	return first;
}

/* The cost of a row on the machine that the limits are for. */
static double at_reference(double net)
{
	return net * REFERENCE_NS / net_of(find_peer(REFERENCE, UDP));
}

/* Compared as printed, with two decimals. */
static void print_verdict(const struct subject *subject, double net)
{
	double judged = at_reference(net);

	if (subject->peer) {
		judged = net / net_of(find_peer(subject->peer, subject->frame));
		printf("  %5.2f of %s", judged, subject->peer);
	}
	if (subject->limit > 0)
		printf("%s limit %.2f: %s", subject->peer ? "," : " ", subject->limit,
		       judged < subject->limit + 0.005 ? "ok" : "OVER");
}

static void report(void)
{
	printf("  %-40s %-9s %8s %8s  (at 22: scaled to %s at %.0f ns, for rows without a peer)\n", "", "frame",
	       "net ns", "at 22", REFERENCE, REFERENCE_NS);
	for (size_t row = 0; row < NR_SUBJECTS; row++) {
		const struct subject *subject = &subjects[row];
		double ns = row ? net_of(row) : states[0].ns;

		printf("  %-40s %-9s %8.1f %8.1f", subject->name, frame_kinds[subject->frame].name, ns,
		       at_reference(ns));
		if (!row)
			printf("  subtracted from all others");
		print_verdict(subject, ns);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 400;

	setpriority(PRIO_PROCESS, 0, -20);
	for (unsigned int load = 0; load < LOADS && load < rounds; load++) {
		load_all();
		measure((rounds + LOADS - 1) / LOADS);
		unload_all();
	}
	report();
	return EXIT_SUCCESS;
}
