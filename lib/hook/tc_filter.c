// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The row of tc filters. It uses rtnetlink rather than libbpf, which supports neither names nor chains; so `tc filter
 * show` shows these filters like those of tc.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "hook/netlink.h"
#include "hook/rows.h"

struct filter {
	struct elfmap_hook hook;
	char kind[16];	  /* "bpf", or another classifier's */
	bool has_actions; /* of tc, after the program */
};

struct filters {
	struct filter *at; /* in the order in which packets meet them, chain by chain */
	size_t nr;
	struct elfmap_hook like; /* the common members */
};

static __u32 parent_of(const struct elfmap_hook *hook)
{
	if (!hook->direction)
		return hook->parent;
	return TC_H_MAKE(TC_H_CLSACT, hook->direction == ELFMAP_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static void read_options(const struct rtattr *options, struct filter *filter)
{
	const struct rtattr *sorted[TCA_BPF_MAX + 1];
	struct elfmap_hook *hook = &filter->hook;

	if (!options)
		return;
	netlink__sort(RTA_DATA(options), RTA_PAYLOAD(options), sorted, TCA_BPF_MAX);
	netlink__copy_text(sorted[TCA_BPF_NAME], hook->name, sizeof(hook->name));
	hook->prog = netlink__number(sorted[TCA_BPF_ID]);
	hook->classid = netlink__number(sorted[TCA_BPF_CLASSID]);
	hook->is_direct = netlink__number(sorted[TCA_BPF_FLAGS]) & TCA_BPF_FLAG_ACT_DIRECT;
	filter->has_actions = sorted[TCA_BPF_ACT] || sorted[TCA_BPF_POLICE];
}

/* Each priority has a message without a handle before its filters: false. */
static bool read_filter(const struct nlmsghdr *message, struct filter *filter)
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

static int add_filter(void *context, const struct nlmsghdr *message)
{
	struct filters *filters = context;
	struct filter filter = {.hook = filters->like};

	if (!read_filter(message, &filter))
		return 0;
	struct filter *grown = elfmap_array__grow(filters->at, filters->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	filters->at = grown;
	filters->at[filters->nr++] = filter;
	return 0;
}

static void start(struct netlink_request *request, __u16 type, __u16 flags, const struct elfmap_hook *hook)
{
	netlink__start(request, type, flags, sizeof(request->tc));
	request->tc.tcm_family = AF_UNSPEC;
	request->tc.tcm_ifindex = hook->ifindex;
	request->tc.tcm_parent = parent_of(hook);
}

/* A request for one filter. Protocol 0 matches an existing filter of any protocol. */
static void start_at(struct netlink_request *request, __u16 type, __u16 flags, const struct elfmap_hook *hook)
{
	__u16 protocol = flags & NLM_F_CREATE ? htons(ETH_P_ALL) : 0;

	start(request, type, flags, hook);
	request->tc.tcm_handle = hook->handle;
	request->tc.tcm_info = TC_H_MAKE(hook->prio << 16, protocol);
	netlink__put_string(request, TCA_KIND, "bpf");
	if (hook->chain)
		netlink__put_u32(request, TCA_CHAIN, hook->chain);
}

/* All filters at the place of HOOK, which may have no qdisc. free() ret_filters->at. */
static int read_filters(int sock, const struct elfmap_hook *hook, struct filters *ret_filters, struct elfmap_msg *msg)
{
	struct filters filters = {.like = *hook};
	struct netlink_request request;
	int err;

	filters.like.prog = 0;
	*filters.like.name = '\0';
	start(&request, RTM_GETTFILTER, NLM_F_DUMP, hook);
	err = netlink__talk(sock, &request, add_filter, &filters, msg);
	if (err)
		free(filters.at);
	else
		*ret_filters = filters;
	return err;
}

/* ---- qdiscs --------------------------------------------------------------------------------------------- */

struct qdiscs {
	struct qdisc {
		int ifindex;
		__u32 handle;
		__u32 parent;
		char kind[16];
	} * at;
	size_t nr;
};

static int add_qdisc(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *sorted[TCA_MAX + 1];
	struct qdiscs *qdiscs = context;
	struct qdisc *grown;

	if (message->nlmsg_type != RTM_NEWQDISC || message->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)) || !tc->tcm_handle)
		return 0;
	grown = elfmap_array__grow(qdiscs->at, qdiscs->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	qdiscs->at = grown;
	grown += qdiscs->nr++;
	*grown = (struct qdisc){.ifindex = tc->tcm_ifindex, .handle = tc->tcm_handle, .parent = tc->tcm_parent};
	netlink__sort(TCA_RTA(tc), TCA_PAYLOAD(message), sorted, TCA_MAX);
	netlink__copy_text(sorted[TCA_KIND], grown->kind, sizeof(grown->kind));
	return 0;
}

/* The qdiscs of one device, or of all with IFINDEX 0. free() RET_QDISCS->at, also on failure. */
static int read_qdiscs(int sock, int ifindex, struct qdiscs *ret_qdiscs, struct elfmap_msg *msg)
{
	struct netlink_request request;

	*ret_qdiscs = (struct qdiscs){};
	netlink__start(&request, RTM_GETQDISC, NLM_F_DUMP, sizeof(request.tc));
	request.tc.tcm_ifindex = ifindex;
	return netlink__talk(sock, &request, add_qdisc, ret_qdiscs, msg);
}

/* The kind of the qdisc at the place of clsact; "": none. */
static int find_clsact(int sock, int ifindex, char kind[16], struct elfmap_msg *msg)
{
	struct qdiscs qdiscs;
	int err = read_qdiscs(sock, ifindex, &qdiscs, msg);

	*kind = '\0';
	for (size_t i = 0; !err && i < qdiscs.nr; i++)
		if (qdiscs.at[i].ifindex == ifindex && qdiscs.at[i].parent == TC_H_CLSACT)
			memcpy(kind, qdiscs.at[i].kind, sizeof(qdiscs.at[i].kind));
	free(qdiscs.at);
	return err;
}

static void start_clsact(struct netlink_request *request, __u16 type, __u16 flags, int ifindex)
{
	netlink__start(request, type, flags, sizeof(request->tc));
	request->tc.tcm_ifindex = ifindex;
	request->tc.tcm_parent = TC_H_CLSACT;
	request->tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	netlink__put_string(request, TCA_KIND, "clsact");
}

/* Ensures a qdisc for the direction: clsact, or for ingress an existing ingress qdisc. With that qdisc egress is
 * refused: the kernel would accept such filters, but run them at ingress. */
static int add_clsact(int sock, const struct elfmap_hook *hook, bool *ret_made, struct elfmap_msg *msg)
{
	struct netlink_request request;
	char kind[16];
	int err;

	start_clsact(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, hook->ifindex);
	err = netlink__talk(sock, &request, NULL, NULL, msg);
	*ret_made = !err;
	if (err != -EEXIST || hook->direction != ELFMAP_EGRESS)
		return err == -EEXIST ? 0 : err;
	err = find_clsact(sock, hook->ifindex, kind, msg);
	if (!err && strcmp(kind, "clsact") != 0)
		err = elfmap_msg__set(
			msg, -EBUSY,
			"has a qdisc '%s' in place of clsact, so it has no egress; add --tcx, which needs "
			"no qdisc, or replace it, with its filters: 'tc qdisc del dev %s %s', 'tc qdisc add "
			"dev %s clsact'",
			kind, hook->dev, kind, hook->dev);
	return err;
}

static void delete_clsact(int sock, int ifindex)
{
	struct netlink_request request;

	start_clsact(&request, RTM_DELQDISC, 0, ifindex);
	netlink__talk(sock, &request, NULL, NULL, NULL);
}

static bool is_empty(int sock, const struct elfmap_hook *hook, enum elfmap_direction direction)
{
	struct elfmap_hook place = {.ifindex = hook->ifindex, .direction = direction};
	struct filters filters = {};
	bool empty = !read_filters(sock, &place, &filters, NULL) && !filters.nr;

	free(filters.at);
	return empty;
}

/* ---- listing -------------------------------------------------------------------------------------------- */

static int list_parent(struct elfmap_survey *survey, const struct qdisc *qdisc, enum elfmap_direction direction,
		       struct elfmap_msg *msg)
{
	struct elfmap_hook like = elfmap_survey__start(survey, &elfmap_hook_tc_filter, qdisc->ifindex);
	struct filters filters = {};
	int err;

	like.direction = direction;
	like.parent = qdisc->handle;
	like.parent = parent_of(&like);
	err = read_filters(survey->sock, &like, &filters, msg);
	for (size_t i = 0; !err && i < filters.nr; i++) /* without an id: classic BPF */
		if (!strcmp(filters.at[i].kind, "bpf") && filters.at[i].hook.prog)
			err = elfmap_survey__add(survey, &filters.at[i].hook);
	free(filters.at);
	return err == -ENODEV ? 0 : err; /* removed since */
}

static int list_qdisc(struct elfmap_survey *survey, const struct qdisc *qdisc, struct elfmap_msg *msg)
{
	bool is_clsact = !strcmp(qdisc->kind, "clsact");
	int err;

	if (!is_clsact && strcmp(qdisc->kind, "ingress") != 0)
		return list_parent(survey, qdisc, ELFMAP_NO_DIRECTION, msg);
	err = list_parent(survey, qdisc, ELFMAP_INGRESS, msg);
	if (!err && is_clsact)
		err = list_parent(survey, qdisc, ELFMAP_EGRESS, msg);
	return err;
}

/* A qdisc that cannot be read does not hide the others. */
static int list(struct elfmap_survey *survey, struct elfmap_msg *msg)
{
	struct qdiscs qdiscs;
	int first = read_qdiscs(survey->sock, 0, &qdiscs, msg);

	for (size_t i = 0; i < qdiscs.nr && first != -ENOMEM; i++) {
		int err = list_qdisc(survey, &qdiscs.at[i], first ? NULL : msg);

		first = first ?: err;
	}
	free(qdiscs.at);
	return first;
}

/* ---- finding -------------------------------------------------------------------------------------------- */

static bool is_meant(const struct elfmap_hook *wanted, const struct filter *filter)
{
	const struct elfmap_hook *hook = &filter->hook;

	if (hook->chain != wanted->chain || (wanted->prio && hook->prio != wanted->prio) ||
	    (wanted->handle && hook->handle != wanted->handle))
		return false;
	if (wanted->prio && wanted->handle)
		return true; /* the exact place */
	return !strcmp(filter->kind, "bpf") && !strcmp(hook->name, wanted->name);
}

static int refuse_several(const struct filters *filters, const struct elfmap_hook *wanted, struct elfmap_msg *msg)
{
	char places[256] = "";

	for (size_t i = 0; i < filters->nr; i++) {
		size_t used = strlen(places);

		if (is_meant(wanted, &filters->at[i]))
			snprintf(places + used, sizeof(places) - used, "%sprio %u handle 0x%x", used ? ", " : "",
				 filters->at[i].hook.prio, filters->at[i].hook.handle);
	}
	return elfmap_msg__set(msg, -ENOTUNIQ,
			       "several filters have the name '%s': %s; select one with prio and handle", wanted->name,
			       places);
}

static int choose(const struct filters *filters, const struct elfmap_hook *wanted, struct filter *ret_filter,
		  struct elfmap_msg *msg)
{
	const struct filter *found = NULL;
	size_t nr = 0;

	for (size_t i = 0; i < filters->nr; i++)
		if (is_meant(wanted, &filters->at[i])) {
			found = &filters->at[i];
			nr++;
		}
	if (!nr)
		return elfmap_msg__set(msg, -ENOENT, "there is no such filter; 'tc filter show' lists them");
	if (nr > 1)
		return refuse_several(filters, wanted, msg);
	if (strcmp(found->kind, "bpf") != 0)
		return elfmap_msg__set(msg, -EEXIST, "prio %u handle 0x%x is a filter of kind '%s'", found->hook.prio,
				       found->hook.handle, found->kind);
	*ret_filter = *found;
	return 0;
}

static int find_with(int sock, const struct elfmap_hook *wanted, struct filter *ret_filter, struct elfmap_msg *msg)
{
	struct filters filters = {};
	char kind[16] = "clsact";
	int err = 0;

	/* An ingress qdisc would return its ingress filters for egress. */
	if (wanted->direction == ELFMAP_EGRESS)
		err = find_clsact(sock, wanted->ifindex, kind, msg);
	if (!err && !strcmp(kind, "clsact"))
		err = read_filters(sock, wanted, &filters, msg);
	err = err ?: choose(&filters, wanted, ret_filter, msg);
	free(filters.at);
	return err;
}

static int find(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct filter filter;
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = find_with(sock, wanted, &filter, msg);
	close(sock);
	if (!err)
		*ret_hook = filter.hook;
	return err;
}

/* ---- changing ------------------------------------------------------------------------------------------- */

static int explain_set(const struct elfmap_hook *hook, int err, struct elfmap_msg *msg)
{
	struct elfmap_msg why;

	if (!msg)
		return err;
	why = *msg;
	return elfmap_msg__set(msg, err, "the kernel rejects the filter (%s prio %u): %s",
			       elfmap_hook__direction(hook) ?: "classful", hook->prio, why.text);
}

static int take_filter(void *context, const struct nlmsghdr *message)
{
	struct filter *filter = context;

	read_filter(message, filter);
	return 0;
}

/* The kernel's echo contains the prio and handle that it chose. */
static int set(int sock, const struct elfmap_hook *hook, int prog, __u16 flags, struct filter *ret_echo,
	       struct elfmap_msg *msg)
{
	struct netlink_request request;
	struct rtattr *options;

	start_at(&request, RTM_NEWTFILTER, NLM_F_ECHO | flags, hook);
	options = netlink__nest(&request, TCA_OPTIONS);
	netlink__put_u32(&request, TCA_BPF_FD, (__u32)prog);
	netlink__put_string(&request, TCA_BPF_NAME, hook->name);
	if (hook->classid)
		netlink__put_u32(&request, TCA_BPF_CLASSID, hook->classid);
	if (hook->is_direct)
		netlink__put_u32(&request, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	netlink__end_nest(&request, options);
	return netlink__talk(sock, &request, take_filter, ret_echo, msg);
}

static int attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct filter made = {.hook = *wanted};
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = add_clsact(sock, wanted, &made.hook.made_qdisc, msg);
	if (!err) {
		err = set(sock, wanted, prog, NLM_F_CREATE | NLM_F_EXCL, &made, msg);
		if (err)
			explain_set(wanted, err, msg);
		if (err && made.hook.made_qdisc)
			delete_clsact(sock, wanted->ifindex);
	}
	close(sock);
	if (!err)
		*ret_hook = made.hook;
	return err;
}

/* The filter at the exact place of HOOK. -ENOENT */
static int get(int sock, const struct elfmap_hook *hook, struct filter *ret_filter, struct elfmap_msg *msg)
{
	struct netlink_request request;

	*ret_filter = (struct filter){.hook = *hook};
	start_at(&request, RTM_GETTFILTER, 0, hook);
	return netlink__talk(sock, &request, take_filter, ret_filter, msg);
}

static int refuse_other(const struct elfmap_hook *there, struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ESTALE, "prio %u handle 0x%x: another command has attached program %u; try again",
			       there->prio, there->handle, there->prog);
}

/* The kernel does not compare: a change between the two calls is not detected. */
static int exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	struct filter there;
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = get(sock, hook, &there, msg);
	if (!err && expected && there.hook.prog != expected)
		err = refuse_other(&there.hook, msg);
	else if (!err && there.has_actions)
		err = elfmap_msg__set(msg, -EEXIST,
				      "prio %u handle 0x%x has tc actions, which would be lost; replace it with tc",
				      hook->prio, hook->handle);
	err = err ?: set(sock, hook, prog, 0, &there, msg);
	close(sock);
	return err ? explain_set(hook, err, msg) : 0;
}

static int detach(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg)
{
	struct netlink_request request;
	struct filter there = {};
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = find_with(sock, wanted, &there, msg);
	if (!err && wanted->prog && there.hook.prog != wanted->prog)
		err = refuse_other(&there.hook, msg);
	if (!err) {
		start_at(&request, RTM_DELTFILTER, 0, &there.hook);
		err = netlink__talk(sock, &request, NULL, NULL, msg);
	}
	if (!err && wanted->made_qdisc && is_empty(sock, wanted, ELFMAP_INGRESS) &&
	    is_empty(sock, wanted, ELFMAP_EGRESS))
		delete_clsact(sock, wanted->ifindex);
	close(sock);
	if (!err)
		*ret_gone = there.hook;
	return err;
}

const struct elfmap_hook_kind elfmap_hook_tc_filter = {
	.name = "filter",
	.prog_type = BPF_PROG_TYPE_SCHED_CLS,
	.has = ELFMAP_HOOK_DEVICE | ELFMAP_HOOK_DIRECTION | ELFMAP_HOOK_PLACE,
	.list = list,
	.find = find,
	.attach = attach,
	.exchange = exchange,
	.detach = detach,
};
