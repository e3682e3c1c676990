// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The row of tc filters. It uses rtnetlink rather than libbpf, which supports neither names nor chains; so `tc filter
 * show` shows these filters like those of tc.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "hook/filter_message.h"
#include "hook/netlink.h"
#include "hook/rows.h"

struct filters {
	struct elfmap_filter *at; /* in the order in which packets meet them, chain by chain */
	size_t nr;
	struct elfmap_hook like; /* the common members */
};

/* ---- reading -------------------------------------------------------------------------------------------- */

static int add_filter(void *context, const struct nlmsghdr *message)
{
	struct filters *filters = context;
	struct elfmap_filter filter = {.hook = filters->like};

	if (!elfmap_filter__read(message, &filter))
		return 0;
	struct elfmap_filter *grown = elfmap_array__grow(filters->at, filters->nr, sizeof(*grown));

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
	request->tc.tcm_ifindex = hook->block ? (int)TCM_IFINDEX_MAGIC_BLOCK : hook->ifindex;
	request->tc.tcm_parent = hook->block ?: elfmap_hook__parent(hook); /* tcm_block_index */
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
		__u32 ingress_block, egress_block; /* shared; 0: none */
		char kind[16];
	} * at;
	size_t nr;
};

/* A class has filters like a qdisc. */
static int add_qdisc(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *sorted[TCA_MAX + 1];
	struct qdiscs *qdiscs = context;
	struct qdisc *grown;

	if ((message->nlmsg_type != RTM_NEWQDISC && message->nlmsg_type != RTM_NEWTCLASS) ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)) || !tc->tcm_handle)
		return 0;
	grown = elfmap_array__grow(qdiscs->at, qdiscs->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	qdiscs->at = grown;
	grown += qdiscs->nr++;
	*grown = (struct qdisc){.ifindex = tc->tcm_ifindex, .handle = tc->tcm_handle, .parent = tc->tcm_parent};
	netlink__sort(TCA_RTA(tc), TCA_PAYLOAD(message), sorted, TCA_MAX);
	netlink__copy_text(sorted[TCA_KIND], grown->kind, sizeof(grown->kind));
	grown->ingress_block = netlink__number(sorted[TCA_INGRESS_BLOCK]);
	grown->egress_block = netlink__number(sorted[TCA_EGRESS_BLOCK]);
	return 0;
}

/* All qdiscs, or with TYPE RTM_GETTCLASS the classes of device IFINDEX. free() RET_QDISCS->at, also on failure. */
static int read_qdiscs(int sock, __u16 type, int ifindex, struct qdiscs *ret_qdiscs, struct elfmap_msg *msg)
{
	struct netlink_request request;

	*ret_qdiscs = (struct qdiscs){};
	netlink__start(&request, type, NLM_F_DUMP, sizeof(request.tc));
	request.tc.tcm_ifindex = ifindex;
	return netlink__talk(sock, &request, add_qdisc, ret_qdiscs, msg);
}

/* The qdisc at the place of clsact; its kind is "" if there is none. */
static int find_clsact(int sock, int ifindex, struct qdisc *ret_qdisc, struct elfmap_msg *msg)
{
	struct netlink_request request;
	struct qdiscs qdiscs = {};
	int err;

	*ret_qdisc = (struct qdisc){};
	netlink__start(&request, RTM_GETQDISC, NLM_F_ECHO, sizeof(request.tc)); /* only then the reply has it */
	request.tc.tcm_ifindex = ifindex;
	request.tc.tcm_parent = TC_H_CLSACT;
	err = netlink__talk(sock, &request, add_qdisc, &qdiscs, msg);
	if (!err && qdiscs.nr)
		*ret_qdisc = qdiscs.at[0];
	free(qdiscs.at);
	return err == -ENOENT ? 0 : err;
}

static __u32 block_of(const struct qdisc *qdisc, enum elfmap_direction direction)
{
	return direction == ELFMAP_EGRESS ? qdisc->egress_block : qdisc->ingress_block;
}

static void start_clsact(struct netlink_request *request, __u16 type, __u16 flags, int ifindex)
{
	netlink__start(request, type, flags, sizeof(request->tc));
	request->tc.tcm_ifindex = ifindex;
	request->tc.tcm_parent = TC_H_CLSACT;
	request->tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	netlink__put_string(request, TCA_KIND, "clsact");
}

static int refuse_block(const struct elfmap_hook *hook, __u32 block, struct elfmap_msg *msg)
{
	return elfmap_msg__set(
		msg, -EBUSY,
		"its %s is the shared block %u, whose filters run on several devices; to change them all: 'tc "
		"filter' with 'block %u' in place of 'dev %s %s'",
		elfmap_hook__direction(hook), block, block, hook->dev, elfmap_hook__direction(hook));
}

/* Ensures a qdisc for the direction: clsact, or for ingress an existing ingress qdisc. With that qdisc egress is
 * refused: the kernel would accept such filters, but run them at ingress. */
static int add_clsact(int sock, const struct elfmap_hook *hook, bool *ret_made, struct elfmap_msg *msg)
{
	struct netlink_request request;
	struct elfmap_msg why;
	struct qdisc qdisc;
	int err;

	start_clsact(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, hook->ifindex);
	err = netlink__talk(sock, &request, NULL, NULL, &why);
	*ret_made = !err;
	if (err && err != -EEXIST)
		return elfmap_msg__set(msg, err, "a clsact qdisc cannot be added: %s", why.text);
	if (!err)
		return 0;
	err = find_clsact(sock, hook->ifindex, &qdisc, msg);
	if (err)
		return err;
	if (block_of(&qdisc, hook->direction))
		return refuse_block(hook, block_of(&qdisc, hook->direction), msg);
	if (hook->direction != ELFMAP_EGRESS || !strcmp(qdisc.kind, "clsact"))
		return 0;
	return elfmap_msg__set(
		msg, -EBUSY,
		"has a qdisc '%s' in place of clsact, so it has no egress; add --tcx, which needs no qdisc, or "
		"replace it, with its filters: 'tc qdisc del dev %s %s', 'tc qdisc add dev %s clsact'",
		qdisc.kind, hook->dev, qdisc.kind, hook->dev);
}

static bool is_empty(int sock, const struct elfmap_hook *hook, enum elfmap_direction direction)
{
	struct elfmap_hook place = {.ifindex = hook->ifindex, .direction = direction};
	struct filters filters = {};
	bool empty = !read_filters(sock, &place, &filters, NULL) && !filters.nr;

	free(filters.at);
	return empty;
}

/* Another command may have added filters since clsact was made: they would go with it. */
static void delete_unused_clsact(int sock, const struct elfmap_hook *hook)
{
	struct netlink_request request;

	if (!is_empty(sock, hook, ELFMAP_INGRESS) || !is_empty(sock, hook, ELFMAP_EGRESS))
		return;
	start_clsact(&request, RTM_DELQDISC, 0, hook->ifindex);
	netlink__talk(sock, &request, NULL, NULL, NULL);
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
	like.parent = elfmap_hook__parent(&like);
	like.block = direction ? block_of(qdisc, direction) : 0;
	err = read_filters(survey->sock, &like, &filters, msg);
	for (size_t i = 0; !err && i < filters.nr; i++) /* without an id: classic BPF */
		if (!strcmp(filters.at[i].kind, "bpf") && filters.at[i].hook.prog)
			err = elfmap_survey__add(survey, &filters.at[i].hook);
	free(filters.at);
	return err == -ENODEV || err == -EINVAL ? 0 : err; /* removed since; or the class has no filters */
}

/* The filters of a classful qdisc and of its classes. */
static int list_classes(struct elfmap_survey *survey, const struct qdisc *qdisc, struct elfmap_msg *msg)
{
	struct qdiscs classes = {};
	int err = list_parent(survey, qdisc, ELFMAP_NO_DIRECTION, msg);

	if (!err && qdisc->parent == TC_H_ROOT)
		err = read_qdiscs(survey->sock, RTM_GETTCLASS, qdisc->ifindex, &classes, msg);
	for (size_t i = 0; !err && i < classes.nr; i++)
		err = list_parent(survey, &classes.at[i], ELFMAP_NO_DIRECTION, msg);
	free(classes.at);
	return err == -ENODEV ? 0 : err;
}

static int list_qdisc(struct elfmap_survey *survey, const struct qdisc *qdisc, struct elfmap_msg *msg)
{
	bool is_clsact = !strcmp(qdisc->kind, "clsact");
	int err;

	if (!is_clsact && strcmp(qdisc->kind, "ingress") != 0)
		return list_classes(survey, qdisc, msg);
	err = list_parent(survey, qdisc, ELFMAP_INGRESS, msg);
	if (!err && is_clsact)
		err = list_parent(survey, qdisc, ELFMAP_EGRESS, msg);
	return err;
}

/* A qdisc that cannot be read does not hide the others. */
static int list(struct elfmap_survey *survey, struct elfmap_msg *msg)
{
	struct qdiscs qdiscs;
	int first = read_qdiscs(survey->sock, RTM_GETQDISC, 0, &qdiscs, msg);

	for (size_t i = 0; i < qdiscs.nr && first != -ENOMEM; i++) {
		int err = list_qdisc(survey, &qdiscs.at[i], first ? NULL : msg);

		first = first ?: err;
	}
	free(qdiscs.at);
	return first;
}

/* ---- finding -------------------------------------------------------------------------------------------- */

static bool is_meant(const struct elfmap_hook *wanted, const struct elfmap_filter *filter)
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

static int choose(const struct filters *filters, const struct elfmap_hook *wanted, struct elfmap_filter *ret_filter,
		  struct elfmap_msg *msg)
{
	const struct elfmap_filter *found = NULL;
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

/* Looks at the place that the kernel really has: an ingress qdisc would return its ingress filters for egress. */
static int find_with(int sock, const struct elfmap_hook *wanted, struct elfmap_filter *ret_filter,
		     struct elfmap_msg *msg)
{
	struct elfmap_hook place = *wanted;
	struct filters filters = {};
	struct qdisc qdisc = {};
	bool exists = true;
	int err = 0;

	if (wanted->direction && !wanted->block) {
		err = find_clsact(sock, wanted->ifindex, &qdisc, msg);
		exists = !strcmp(qdisc.kind, "clsact") ||
			 (wanted->direction == ELFMAP_INGRESS && !strcmp(qdisc.kind, "ingress"));
		place.block = block_of(&qdisc, wanted->direction);
	}
	if (!err && exists)
		err = read_filters(sock, &place, &filters, msg);
	err = err ?: choose(&filters, wanted, ret_filter, msg);
	free(filters.at);
	return err;
}

static int find(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct elfmap_filter filter;
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
	struct elfmap_filter *filter = context;

	elfmap_filter__read(message, filter);
	return 0;
}

/* Sends REQUEST, which sets a filter. The kernel's echo contains the prio and handle that it chose. */
static int set(int sock, const struct elfmap_hook *hook, struct netlink_request *request,
	       struct elfmap_filter *ret_echo, struct elfmap_msg *msg)
{
	int err = netlink__talk(sock, request, take_filter, ret_echo, msg);

	return err ? explain_set(hook, err, msg) : 0;
}

/* A new filter. */
static int add(int sock, const struct elfmap_hook *hook, int prog, struct elfmap_filter *ret_echo,
	       struct elfmap_msg *msg)
{
	const struct elfmap_filter filter = {.hook = *hook};
	struct netlink_request request;

	start_at(&request, RTM_NEWTFILTER, NLM_F_ECHO | NLM_F_CREATE | NLM_F_EXCL, hook);
	elfmap_filter__put_options(&request, &filter, prog);
	return set(sock, hook, &request, ret_echo, msg);
}

static int attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct elfmap_filter made = {.hook = *wanted};
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = add_clsact(sock, wanted, &made.hook.made_qdisc, msg);
	if (!err) {
		err = add(sock, wanted, prog, &made, msg);
		if (err && made.hook.made_qdisc)
			delete_unused_clsact(sock, wanted);
	}
	close(sock);
	if (!err)
		*ret_hook = made.hook;
	return err;
}

/* The filter at the exact place of HOOK. -ENOENT */
static int get(int sock, const struct elfmap_hook *hook, struct elfmap_filter *ret_filter, struct elfmap_msg *msg)
{
	struct netlink_request request;

	*ret_filter = (struct elfmap_filter){.hook = *hook};
	start_at(&request, RTM_GETTFILTER, 0, hook);
	return netlink__talk(sock, &request, take_filter, ret_filter, msg);
}

static int refuse_other(const struct elfmap_hook *there, struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ESTALE, "prio %u handle 0x%x: another command has attached program %u; try again",
			       there->prio, there->handle, there->prog);
}

/* The kernel does not compare, so elfmap's commands take turns in a network namespace. */
static int lock_namespace(void)
{
	int lock = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	while (lock >= 0 && flock(lock, LOCK_EX) && errno == EINTR)
		;
	return lock;
}

static int check_there(const struct elfmap_filter *there, __u32 expected, struct elfmap_msg *msg)
{
	if (expected && there->hook.prog != expected)
		return refuse_other(&there->hook, msg);
	return elfmap_filter__check_exchange(there, msg);
}

/* Has another command changed the filter since it was read? Then its program is put back, if it is still loaded. */
static int check_since(int sock, int watch, const struct elfmap_hook *hook, __u32 expected, int prog,
		       struct elfmap_msg *msg)
{
	__u32 own = elfmap_program__id(prog), other = 0;
	struct elfmap_filter there;
	int err, before;

	err = get(sock, hook, &there, NULL);
	if (err) /* the exchange is done; what cannot be looked at is not undone */
		return 0;
	if (there.hook.prog != own)
		return refuse_other(&there.hook, msg);
	if (!elfmap_filter__find_change(watch, hook, expected, own, &other))
		return 0;
	before = bpf_prog_get_fd_by_id(other);
	if (before >= 0) {
		struct netlink_request request;

		start_at(&request, RTM_NEWTFILTER, NLM_F_ECHO, hook);
		elfmap_filter__put_options(&request, &there, before);
		set(sock, hook, &request, &there, NULL);
		close(before);
	}
	there.hook.prog = other;
	return refuse_other(&there.hook, msg);
}

static int exchange_with(int sock, const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int watch = elfmap_filter__watch();
	struct netlink_request request;
	struct elfmap_filter there;
	int err;

	err = get(sock, hook, &there, msg);
	if (!err && hook->block && there.hook.prog == elfmap_program__id(prog)) {
		close(watch);
		return 0; /* exchanged with another device of the block */
	}
	err = err ?: check_there(&there, expected, msg);
	if (!err) {
		expected = there.hook.prog;
		there.hook = *hook;
		start_at(&request, RTM_NEWTFILTER, NLM_F_ECHO, hook);
		elfmap_filter__put_options(&request, &there, prog);
		err = set(sock, hook, &request, &there, msg);
	}
	err = err ?: check_since(sock, watch, hook, expected, prog, msg);
	if (watch >= 0)
		close(watch);
	return err;
}

static int exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int err, lock, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	lock = lock_namespace();
	err = exchange_with(sock, hook, expected, prog, msg);
	if (lock >= 0)
		close(lock);
	close(sock);
	return err;
}

static int detach(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg)
{
	struct netlink_request request;
	struct elfmap_filter there = {};
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = find_with(sock, wanted, &there, msg);
	if (!err && there.hook.block && !wanted->block)
		err = refuse_block(wanted, there.hook.block, msg);
	if (!err && wanted->prog && there.hook.prog != wanted->prog)
		err = refuse_other(&there.hook, msg);
	if (!err) {
		start_at(&request, RTM_DELTFILTER, 0, &there.hook);
		err = netlink__talk(sock, &request, NULL, NULL, msg);
	}
	if (!err && wanted->made_qdisc)
		delete_unused_clsact(sock, wanted);
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
