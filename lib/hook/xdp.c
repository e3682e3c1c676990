// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The row of XDP: what rtnetlink tells of the devices. */
#include "hook/netlink.h"
#include "hook/rows.h"

static int add_device(void *context, const struct nlmsghdr *message)
{
	static const int ids[] = {IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID};
	const struct rtattr *attributes[IFLA_XDP + 1], *xdp[IFLA_XDP_MAX + 1];
	const struct ifinfomsg *link = NLMSG_DATA(message);
	struct elfmap_survey *survey = context;
	struct elfmap_hook hook;
	int err = 0;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	netlink__sort(IFLA_RTA(link), IFLA_PAYLOAD(message), attributes, IFLA_XDP);
	if (!attributes[IFLA_XDP])
		return 0;
	netlink__sort(RTA_DATA(attributes[IFLA_XDP]), RTA_PAYLOAD(attributes[IFLA_XDP]), xdp, IFLA_XDP_MAX);
	hook = elfmap_survey__start(survey, &elfmap_hook_xdp, link->ifi_index);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids) && !err; i++) {
		hook.prog = netlink__number(xdp[ids[i]]);
		if (hook.prog)
			err = elfmap_survey__add(survey, &hook);
	}
	return err;
}

static int list(struct elfmap_survey *survey, struct elfmap_msg *msg)
{
	struct netlink_request request;

	netlink__start(&request, RTM_GETLINK, NLM_F_DUMP, sizeof(request.link));
	return netlink__talk(survey->sock, &request, add_device, survey, msg);
}

const struct elfmap_hook_kind elfmap_hook_xdp = {
	.name = "xdp",
	.prog_type = BPF_PROG_TYPE_XDP,
	.has = ELFMAP_HOOK_DEVICE,
	.link_type = BPF_LINK_TYPE_XDP,
	.list = list,
};
