// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Messages of filters that this kernel cannot make, as recorded: filters in hardware are exchanged with their flags,
 * and unknown properties are refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <string.h>

#include "hook/filter_message.h"

static struct elfmap_msg msg;
static struct netlink_request recorded;

/* Starts a message as the kernel dumps it: dev 7 ingress, protocol all, pref 3 chain 2 handle 0x5, kind bpf. */
static struct rtattr *start(void)
{
	netlink__start(&recorded, RTM_NEWTFILTER, 0, sizeof(recorded.tc));
	recorded.tc.tcm_ifindex = 7;
	recorded.tc.tcm_handle = 5;
	recorded.tc.tcm_parent = 0xfffffff2;
	recorded.tc.tcm_info = 3u << 16 | htons(ETH_P_ALL);
	netlink__put_string(&recorded, TCA_KIND, "bpf");
	netlink__put_u32(&recorded, TCA_CHAIN, 2);
	return netlink__nest(&recorded, TCA_OPTIONS);
}

static void put_program(__u32 flags, __u32 hardware)
{
	netlink__put_string(&recorded, TCA_BPF_NAME, "x.o:[a]");
	netlink__put_u32(&recorded, TCA_BPF_ID, 42);
	netlink__put_u32(&recorded, TCA_BPF_FLAGS, flags);
	netlink__put_u32(&recorded, TCA_BPF_FLAGS_GEN, hardware);
}

static struct elfmap_filter read_recorded(struct rtattr *options)
{
	struct elfmap_filter filter = {};

	netlink__end_nest(&recorded, options);
	assert_true(elfmap_filter__read(&recorded.header, &filter));
	return filter;
}

static __u32 sent(const struct elfmap_filter *filter, __u16 type)
{
	const struct rtattr *attributes[TCA_MAX + 1], *options[TCA_BPF_MAX + 1];
	struct netlink_request request;

	netlink__start(&request, RTM_NEWTFILTER, 0, sizeof(request.tc));
	elfmap_filter__put_options(&request, filter, 9);
	netlink__sort(TCA_RTA(&request.tc), TCA_PAYLOAD(&request.header), attributes, TCA_MAX);
	netlink__sort(RTA_DATA(attributes[TCA_OPTIONS]), RTA_PAYLOAD(attributes[TCA_OPTIONS]), options, TCA_BPF_MAX);
	return netlink__number(options[type]);
}

static void test_hardware_flags_are_kept(void **state)
{
	static const struct {
		__u32 dumped, sent;
	} rows[] = {
		{TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_IN_HW, TCA_CLS_FLAGS_SKIP_SW},
		{TCA_CLS_FLAGS_SKIP_HW | TCA_CLS_FLAGS_NOT_IN_HW, TCA_CLS_FLAGS_SKIP_HW},
		{TCA_CLS_FLAGS_IN_HW, 0},
		{TCA_CLS_FLAGS_NOT_IN_HW, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rtattr *options = start();
		struct elfmap_filter filter;

		put_program(TCA_BPF_FLAG_ACT_DIRECT, rows[i].dumped);
		filter = read_recorded(options);
		assert_int_equal(elfmap_filter__check_exchange(&filter, &msg), 0);
		assert_int_equal(filter.hook.prog, 42);
		assert_int_equal(filter.hook.chain, 2);
		assert_int_equal(filter.hook.prio, 3);
		assert_int_equal(filter.hook.handle, 5);
		assert_int_equal(sent(&filter, TCA_BPF_FLAGS_GEN), rows[i].sent);
		assert_int_equal(sent(&filter, TCA_BPF_FLAGS), TCA_BPF_FLAG_ACT_DIRECT);
		assert_int_equal(sent(&filter, TCA_BPF_FD), 9);
		assert_int_equal(sent(&filter, TCA_BPF_CLASSID), 0);
	}
}

static void test_class_is_kept(void **state)
{
	struct rtattr *options = start();
	struct elfmap_filter filter;

	(void)state;
	put_program(0, TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_IN_HW);
	netlink__put_u32(&recorded, TCA_BPF_CLASSID, 0x10004);
	filter = read_recorded(options);
	assert_int_equal(elfmap_filter__check_exchange(&filter, &msg), 0);
	assert_false(filter.hook.is_direct);
	assert_int_equal(sent(&filter, TCA_BPF_CLASSID), 0x10004);
	assert_int_equal(sent(&filter, TCA_BPF_FLAGS), 0);
}

static void refuses(const struct elfmap_filter *filter, const char *text)
{
	assert_int_equal(elfmap_filter__check_exchange(filter, &msg), -EEXIST);
	assert_string_equal(msg.text, text);
}

static void test_other_properties_are_refused(void **state)
{
	static const char action[8] = "\10\0\1\0abc"; /* one attribute */
	struct elfmap_filter filter;
	struct rtattr *options;

	(void)state;
	options = start();
	put_program(0, 0);
	netlink__put(&recorded, TCA_BPF_ACT, action, sizeof(action));
	filter = read_recorded(options);
	refuses(&filter, "prio 3 handle 0x5 has tc actions, which would be lost; replace it with tc");
	options = start();
	put_program(0, 0);
	netlink__put(&recorded, TCA_BPF_POLICE, action, sizeof(action));
	filter = read_recorded(options);
	refuses(&filter, "prio 3 handle 0x5 has a police action, which would be lost; replace it with tc");
	options = start();
	put_program(TCA_BPF_FLAG_ACT_DIRECT | 2, 0);
	filter = read_recorded(options);
	refuses(&filter, "prio 3 handle 0x5 has unknown flags 0x2; replace it with tc");
	options = start();
	put_program(0, 1u << 20);
	filter = read_recorded(options);
	refuses(&filter, "prio 3 handle 0x5 has unknown flags 0x100000; replace it with tc");
	options = start();
	put_program(0, 0);
	netlink__put_u32(&recorded, TCA_BPF_ID + 3, 1);
	filter = read_recorded(options);
	refuses(&filter, "prio 3 handle 0x5 has the unknown property 14; replace it with tc");
	options = start();
	netlink__put(&recorded, TCA_BPF_OPS, action, sizeof(action));
	filter = read_recorded(options);
	refuses(&filter, "prio 3 handle 0x5 runs classic BPF; replace it with tc");
}

static void test_other_messages(void **state)
{
	struct elfmap_filter filter = {};
	struct rtattr *options = start();

	(void)state;
	netlink__end_nest(&recorded, options);
	recorded.tc.tcm_handle = 0; /* the head of a priority */
	assert_false(elfmap_filter__read(&recorded.header, &filter));
	recorded.tc.tcm_handle = 5;
	recorded.header.nlmsg_type = RTM_DELTFILTER;
	assert_false(elfmap_filter__read(&recorded.header, &filter));
	recorded.header.nlmsg_type = RTM_NEWTFILTER;
	recorded.header.nlmsg_len = NLMSG_LENGTH(4);
	assert_false(elfmap_filter__read(&recorded.header, &filter));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hardware_flags_are_kept),
		cmocka_unit_test(test_class_is_kept),
		cmocka_unit_test(test_other_properties_are_refused),
		cmocka_unit_test(test_other_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
