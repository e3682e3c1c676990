// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads and writes the messages of a filter of kind bpf. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/filter_message.h"

#define SETTABLE (TCA_CLS_FLAGS_SKIP_HW | TCA_CLS_FLAGS_SKIP_SW)
#define REPORTED (TCA_CLS_FLAGS_IN_HW | TCA_CLS_FLAGS_NOT_IN_HW) /* by the kernel, of what it did */
#define MESSAGE_BYTES (64u << 10)

/* ---- reading --------------------------------------------------------------------------------------------- */

static __u32 find_unknown(const struct rtattr *options)
{
	const struct rtattr *at = RTA_DATA(options);
	size_t size = RTA_PAYLOAD(options);

	for (; RTA_OK(at, size); at = RTA_NEXT(at, size))
		if ((at->rta_type & NLA_TYPE_MASK) > TCA_BPF_ID)
			return at->rta_type & NLA_TYPE_MASK;
	return 0;
}

static void read_options(const struct rtattr *options, struct elfmap_filter *filter)
{
	const struct rtattr *sorted[TCA_BPF_MAX + 1];
	struct elfmap_hook *hook = &filter->hook;
	__u32 flags;

	if (!options)
		return;
	netlink__sort(RTA_DATA(options), RTA_PAYLOAD(options), sorted, TCA_BPF_MAX);
	netlink__copy_text(sorted[TCA_BPF_NAME], hook->name, sizeof(hook->name));
	hook->prog = netlink__number(sorted[TCA_BPF_ID]);
	hook->classid = netlink__number(sorted[TCA_BPF_CLASSID]);
	flags = netlink__number(sorted[TCA_BPF_FLAGS]);
	hook->is_direct = flags & TCA_BPF_FLAG_ACT_DIRECT;
	filter->unknown_flags = flags & ~(__u32)TCA_BPF_FLAG_ACT_DIRECT;
	flags = netlink__number(sorted[TCA_BPF_FLAGS_GEN]);
	filter->flags = flags & SETTABLE;
	filter->unknown_flags |= flags & ~(__u32)(SETTABLE | REPORTED);
	filter->has_actions = sorted[TCA_BPF_ACT] && RTA_PAYLOAD(sorted[TCA_BPF_ACT]);
	filter->is_police = sorted[TCA_BPF_POLICE];
	filter->is_classic = sorted[TCA_BPF_OPS];
	filter->unknown = find_unknown(options);
}

bool elfmap_filter__read(const struct nlmsghdr *message, struct elfmap_filter *filter)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *sorted[TCA_MAX + 1];

	if (message->nlmsg_type != RTM_NEWTFILTER || message->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)) || !tc->tcm_handle)
		return false;
	netlink__sort(TCA_RTA(tc), TCA_PAYLOAD(message), sorted, TCA_MAX);
	netlink__copy_text(sorted[TCA_KIND], filter->kind, sizeof(filter->kind));
	filter->hook.chain = netlink__number(sorted[TCA_CHAIN]);
	filter->hook.prio = tc->tcm_info >> 16;
	filter->hook.handle = tc->tcm_handle;
	if (!strcmp(filter->kind, "bpf"))
		read_options(sorted[TCA_OPTIONS], filter);
	return true;
}

/* ---- exchanging ------------------------------------------------------------------------------------------ */

static int refuse(const struct elfmap_filter *filter, const char *what, struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -EEXIST, "prio %u handle 0x%x has %s, which would be lost; replace it with tc",
			       filter->hook.prio, filter->hook.handle, what);
}

int elfmap_filter__check_exchange(const struct elfmap_filter *filter, struct elfmap_msg *msg)
{
	if (filter->is_classic)
		return elfmap_msg__set(msg, -EEXIST, "prio %u handle 0x%x runs classic BPF; replace it with tc",
				       filter->hook.prio, filter->hook.handle);
	if (filter->has_actions)
		return refuse(filter, "tc actions", msg);
	if (filter->is_police)
		return refuse(filter, "a police action", msg);
	if (filter->unknown_flags)
		return elfmap_msg__set(msg, -EEXIST, "prio %u handle 0x%x has unknown flags 0x%x; replace it with tc",
				       filter->hook.prio, filter->hook.handle, filter->unknown_flags);
	if (filter->unknown)
		return elfmap_msg__set(msg, -EEXIST,
				       "prio %u handle 0x%x has the unknown property %u; replace it with tc",
				       filter->hook.prio, filter->hook.handle, filter->unknown);
	return 0;
}

void elfmap_filter__put_options(struct netlink_request *request, const struct elfmap_filter *filter, int prog)
{
	const struct elfmap_hook *hook = &filter->hook;
	struct rtattr *options = netlink__nest(request, TCA_OPTIONS);

	netlink__put_u32(request, TCA_BPF_FD, (__u32)prog);
	netlink__put_string(request, TCA_BPF_NAME, hook->name);
	if (hook->classid)
		netlink__put_u32(request, TCA_BPF_CLASSID, hook->classid);
	if (hook->is_direct)
		netlink__put_u32(request, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	if (filter->flags)
		netlink__put_u32(request, TCA_BPF_FLAGS_GEN, filter->flags);
	netlink__end_nest(request, options);
}

/* ---- changes by others ----------------------------------------------------------------------------------- */

int elfmap_filter__watch(void)
{
	const unsigned int group = RTNLGRP_TC;
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (sock < 0)
		return -errno;
	if (setsockopt(sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group))) {
		close(sock);
		return -EOPNOTSUPP;
	}
	return sock;
}

static bool is_at(const struct nlmsghdr *message, const struct elfmap_hook *hook, struct elfmap_filter *filter)
{
	const struct tcmsg *tc = NLMSG_DATA(message);

	*filter = (struct elfmap_filter){};
	if (!elfmap_filter__read(message, filter))
		return false;
	if (hook->block ? tc->tcm_ifindex != (int)TCM_IFINDEX_MAGIC_BLOCK || tc->tcm_block_index != hook->block
			: tc->tcm_ifindex != hook->ifindex || tc->tcm_parent != elfmap_hook__parent(hook))
		return false;
	return filter->hook.chain == hook->chain && filter->hook.prio == hook->prio &&
	       filter->hook.handle == hook->handle;
}

bool elfmap_filter__find_change(int watch, const struct elfmap_hook *hook, __u32 expected, __u32 own, __u32 *ret_other)
{
	char *bytes = watch >= 0 ? malloc(MESSAGE_BYTES) : NULL;
	struct elfmap_filter filter;
	bool found = false;
	ssize_t length;

	while (bytes && (length = recv(watch, bytes, MESSAGE_BYTES, 0)) > 0) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)bytes;
		size_t size = (size_t)length;

		for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
			if (!is_at(message, hook, &filter) || !filter.hook.prog || filter.hook.prog == expected ||
			    filter.hook.prog == own)
				continue;
			*ret_other = filter.hook.prog;
			found = true;
		}
	}
	free(bytes);
	return found;
}
