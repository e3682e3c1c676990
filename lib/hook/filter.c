// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc's filters through rtnetlink. Not through libbpf, which can give a filter neither a name nor a
 * chain, and so would make filters that `tc filter show` tells from those of tc.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "hook/filter.h"
#include "hook/netlink.h"

static __u32 parent_of(bool egress)
{
	return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

struct listing {
	struct elfmap_filters filters;
	struct elfmap_filter like; /* what all of them have in common */
};

static int add_filter(struct elfmap_filters *list, const struct elfmap_filter *filter)
{
	/* Room for 1, 2, 4, ... */
	if (!(list->nr & (list->nr - 1))) {
		struct elfmap_filter *grown = reallocarray(list->at, list->nr ? 2 * list->nr : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->at = grown;
	}
	list->at[list->nr++] = *filter;
	return 0;
}

static void read_options(const struct rtattr *options, struct elfmap_filter *filter)
{
	const struct rtattr *sorted[TCA_BPF_MAX + 1];

	if (!options)
		return;
	netlink__sort(RTA_DATA(options), RTA_PAYLOAD(options), sorted, TCA_BPF_MAX);
	netlink__copy_text(sorted[TCA_BPF_NAME], filter->name, sizeof(filter->name));
	filter->prog = netlink__number(sorted[TCA_BPF_ID]);
	filter->classid = netlink__number(sorted[TCA_BPF_CLASSID]);
	filter->has_actions = sorted[TCA_BPF_ACT] || sorted[TCA_BPF_POLICE];
	filter->direct_action = netlink__number(sorted[TCA_BPF_FLAGS]) & TCA_BPF_FLAG_ACT_DIRECT;
}

static void read_filter(const struct nlmsghdr *message, struct elfmap_filter *filter)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *sorted[TCA_MAX + 1];

	netlink__sort(TCA_RTA(tc), TCA_PAYLOAD(message), sorted, TCA_MAX);
	netlink__copy_text(sorted[TCA_KIND], filter->kind, sizeof(filter->kind));
	filter->chain = netlink__number(sorted[TCA_CHAIN]);
	filter->prio = tc->tcm_info >> 16;
	filter->protocol = (__u16)tc->tcm_info;
	filter->handle = tc->tcm_handle;
	if (!strcmp(filter->kind, "bpf"))
		read_options(sorted[TCA_OPTIONS], filter);
}

/* A priority is a row of its own, without a handle, before its filters. */
static int list_filter(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	struct elfmap_filter filter = listing->like;

	if (message->nlmsg_type != RTM_NEWTFILTER || message->nlmsg_len < NLMSG_LENGTH(sizeof(struct tcmsg)))
		return 0;
	read_filter(message, &filter);
	return filter.handle ? add_filter(&listing->filters, &filter) : 0;
}

int elfmap_filters__read(int sock, int ifindex, bool egress, struct elfmap_filters *ret_filters, struct elfmap_msg *msg)
{
	struct listing listing = {.like = {.ifindex = ifindex, .egress = egress}};
	struct netlink_request request;
	int err;

	netlink__start(&request, RTM_GETTFILTER, NLM_F_DUMP, sizeof(request.tc));
	request.tc.tcm_ifindex = ifindex;
	request.tc.tcm_parent = parent_of(egress);
	err = netlink__talk(sock, &request, list_filter, &listing, msg);
	if (err) {
		free(listing.filters.at);
		return err;
	}
	*ret_filters = listing.filters;
	return 0;
}

/* ---- changing ------------------------------------------------------------------------------------------- */

static void start(struct netlink_request *request, __u16 type, __u16 flags, const struct elfmap_filter *filter)
{
	netlink__start(request, type, flags, sizeof(request->tc));
	request->tc.tcm_family = AF_UNSPEC;
	request->tc.tcm_ifindex = filter->ifindex;
	request->tc.tcm_parent = parent_of(filter->egress);
	request->tc.tcm_handle = filter->handle;
	request->tc.tcm_info = TC_H_MAKE(filter->prio << 16, filter->protocol ?: htons(ETH_P_ALL));
	netlink__put_string(request, TCA_KIND, "bpf");
	if (filter->chain)
		netlink__put_u32(request, TCA_CHAIN, filter->chain);
}

/* The kernel's echo of the new filter: what it chose where it was left the choice. */
static int take_place(void *context, const struct nlmsghdr *message)
{
	struct elfmap_filter *filter = context, made = {};

	if (message->nlmsg_type != RTM_NEWTFILTER || message->nlmsg_len < NLMSG_LENGTH(sizeof(struct tcmsg)))
		return 0;
	read_filter(message, &made);
	filter->prio = made.prio;
	filter->handle = made.handle;
	filter->prog = made.prog;
	return 0;
}

int elfmap_filter__set(int sock, struct elfmap_filter *filter, int prog_fd, bool exists, struct elfmap_msg *msg)
{
	struct netlink_request request;
	struct rtattr *options;

	if (filter->has_actions)
		return elfmap_msg__set(
			msg, -EEXIST,
			"prio %u handle 0x%x has actions of tc's, which would be lost; exchange it with tc",
			filter->prio, filter->handle);
	start(&request, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_ECHO | (exists ? 0 : NLM_F_EXCL), filter);
	options = netlink__nest(&request, TCA_OPTIONS);
	netlink__put_u32(&request, TCA_BPF_FD, (__u32)prog_fd);
	netlink__put_string(&request, TCA_BPF_NAME, filter->name);
	if (filter->classid)
		netlink__put_u32(&request, TCA_BPF_CLASSID, filter->classid);
	if (filter->direct_action)
		netlink__put_u32(&request, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	netlink__end_nest(&request, options);
	return netlink__talk(sock, &request, take_place, filter, msg);
}

int elfmap_filter__delete(int sock, const struct elfmap_filter *filter, struct elfmap_msg *msg)
{
	struct netlink_request request;

	start(&request, RTM_DELTFILTER, 0, filter);
	return netlink__talk(sock, &request, NULL, NULL, msg);
}

/* ---- clsact --------------------------------------------------------------------------------------------- */

struct qdisc_search {
	int ifindex;
	char kind[16]; /* of what stands where clsact goes; "": nothing */
};

static int find_qdisc(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *sorted[TCA_MAX + 1];
	struct qdisc_search *search = context;

	if (message->nlmsg_type != RTM_NEWQDISC || message->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)) ||
	    tc->tcm_ifindex != search->ifindex || tc->tcm_parent != TC_H_CLSACT)
		return 0;
	netlink__sort(TCA_RTA(tc), TCA_PAYLOAD(message), sorted, TCA_MAX);
	netlink__copy_text(sorted[TCA_KIND], search->kind, sizeof(search->kind));
	return 0;
}

static void start_clsact(struct netlink_request *request, __u16 type, __u16 flags, int ifindex)
{
	netlink__start(request, type, flags, sizeof(request->tc));
	request->tc.tcm_ifindex = ifindex;
	request->tc.tcm_parent = TC_H_CLSACT;
	request->tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	netlink__put_string(request, TCA_KIND, "clsact");
}

/* The kernel would take filters for egress into an old ingress qdisc, and run them at ingress. */
static int check_egress(int sock, int ifindex, struct elfmap_msg *msg)
{
	struct qdisc_search search = {.ifindex = ifindex};
	struct netlink_request request;
	int err;

	netlink__start(&request, RTM_GETQDISC, NLM_F_DUMP, sizeof(request.tc));
	request.tc.tcm_ifindex = ifindex;
	err = netlink__talk(sock, &request, find_qdisc, &search, msg);
	if (!err && strcmp(search.kind, "clsact") != 0)
		err = elfmap_msg__set(msg, -EEXIST, "has a qdisc '%s' where clsact belongs", search.kind);
	return err;
}

int elfmap_clsact__add(int sock, int ifindex, bool egress, bool *ret_made, struct elfmap_msg *msg)
{
	struct netlink_request request;
	int err;

	start_clsact(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
	err = netlink__talk(sock, &request, NULL, NULL, msg);
	if (!err)
		*ret_made = true;
	if (err != -EEXIST)
		return err;
	err = egress ? check_egress(sock, ifindex, msg) : 0;
	if (!err)
		*ret_made = false;
	return err;
}

int elfmap_clsact__delete(int sock, int ifindex, struct elfmap_msg *msg)
{
	struct netlink_request request;

	start_clsact(&request, RTM_DELQDISC, 0, ifindex);
	return netlink__talk(sock, &request, NULL, NULL, msg);
}
