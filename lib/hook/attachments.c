// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Asks the kernel for everything that runs programs on the devices of this network namespace: filters
 * and XDP through rtnetlink (libbpf finds a filter only by its handle), tcx and links through bpf().
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook/attachments.h"
#include "hook/netlink.h"

#define ATTACH_TCX_INGRESS 46 /* younger than some <linux/bpf.h> */
#define ATTACH_TCX_EGRESS 47
#define LINK_TYPE_TCX 11
#define MAX_TCX 64

int elfmap_attachments__add(struct elfmap_attachments *list, const struct elfmap_attachment *attachment)
{
	/* Room for 16, 32, 64, ... */
	if (!(list->nr & (list->nr - 1)) && (list->nr >= 16 || !list->nr)) {
		struct elfmap_attachment *grown = reallocarray(list->at, list->nr ? 2 * list->nr : 16, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->at = grown;
	}
	list->at[list->nr++] = *attachment;
	return 0;
}

/* ---- devices, their qdiscs and filters ------------------------------------------------------------ */

struct qdisc {
	int ifindex;
	__u32 handle;
	char kind[16];
};

struct survey {
	struct elfmap_attachments *list;
	struct qdisc *qdiscs;
	size_t nr_qdiscs;
	struct device {
		int ifindex;
		char name[IF_NAMESIZE];
	} * devices;
	size_t nr_devices;
	struct elfmap_attachment filter; /* what the filters that are being dumped have in common */
};

static int add_xdp(struct survey *survey, const struct device *device, const struct rtattr *nest)
{
	static const int ids[] = {IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID};
	struct elfmap_attachment at = {.kind = ELFMAP_AT_XDP};
	const struct rtattr *xdp[IFLA_XDP_MAX + 1];
	int err = 0;

	memcpy(at.dev, device->name, sizeof(at.dev));
	netlink__sort(RTA_DATA(nest), RTA_PAYLOAD(nest), xdp, IFLA_XDP_MAX);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids) && !err; i++) {
		at.prog = netlink__number(xdp[ids[i]]);
		if (at.prog)
			err = elfmap_attachments__add(survey->list, &at);
	}
	return err;
}

static int take_device(void *context, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const struct rtattr *attributes[IFLA_XDP + 1];
	struct survey *survey = context;
	struct device *grown;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	netlink__sort(IFLA_RTA(link), IFLA_PAYLOAD(message), attributes, IFLA_XDP);
	grown = reallocarray(survey->devices, survey->nr_devices + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	survey->devices = grown;
	grown += survey->nr_devices++;
	*grown = (struct device){.ifindex = link->ifi_index};
	netlink__copy_text(attributes[IFLA_IFNAME], grown->name, sizeof(grown->name));
	return attributes[IFLA_XDP] ? add_xdp(survey, grown, attributes[IFLA_XDP]) : 0;
}

static int take_qdisc(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *attributes[TCA_MAX + 1];
	struct survey *survey = context;
	struct qdisc *grown;

	if (message->nlmsg_type != RTM_NEWQDISC || !tc->tcm_handle)
		return 0;
	netlink__sort(TCA_RTA(tc), TCA_PAYLOAD(message), attributes, TCA_MAX);
	grown = reallocarray(survey->qdiscs, survey->nr_qdiscs + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	survey->qdiscs = grown;
	grown += survey->nr_qdiscs++;
	*grown = (struct qdisc){.ifindex = tc->tcm_ifindex, .handle = tc->tcm_handle};
	netlink__copy_text(attributes[TCA_KIND], grown->kind, sizeof(grown->kind));
	return 0;
}

static int take_filter(void *context, const struct nlmsghdr *message)
{
	const struct rtattr *attributes[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1];
	const struct tcmsg *tc = NLMSG_DATA(message);
	struct survey *survey = context;
	struct elfmap_attachment at = survey->filter;
	char kind[16];

	if (message->nlmsg_type != RTM_NEWTFILTER)
		return 0;
	netlink__sort(TCA_RTA(tc), TCA_PAYLOAD(message), attributes, TCA_MAX);
	netlink__copy_text(attributes[TCA_KIND], kind, sizeof(kind));
	if (strcmp(kind, "bpf") != 0 || !attributes[TCA_OPTIONS])
		return 0;
	netlink__sort(RTA_DATA(attributes[TCA_OPTIONS]), RTA_PAYLOAD(attributes[TCA_OPTIONS]), bpf, TCA_BPF_MAX);
	at.prog = netlink__number(bpf[TCA_BPF_ID]);
	if (!at.prog)
		return 0; /* classic BPF */
	at.pref = TC_H_MAJ(tc->tcm_info) >> 16;
	at.handle = tc->tcm_handle;
	at.chain = netlink__number(attributes[TCA_CHAIN]);
	netlink__copy_text(bpf[TCA_BPF_NAME], at.name, sizeof(at.name));
	return elfmap_attachments__add(survey->list, &at);
}

/* A device or qdisc that has gone, or that we may not see, has none; -ENOMEM. */
static int dump(int sock, struct netlink_request *request, netlink_each *each, struct survey *survey)
{
	int err = netlink__talk(sock, request, each, survey, NULL);

	return err == -ENOMEM ? err : 0;
}

static int dump_filters(struct survey *survey, int sock, const struct qdisc *qdisc, __u32 parent, const char *direction)
{
	struct netlink_request request;

	survey->filter = (struct elfmap_attachment){.kind = ELFMAP_AT_FILTER, .direction = direction, .parent = parent};
	for (size_t i = 0; i < survey->nr_devices; i++)
		if (survey->devices[i].ifindex == qdisc->ifindex)
			memcpy(survey->filter.dev, survey->devices[i].name, IF_NAMESIZE);
	netlink__start(&request, RTM_GETTFILTER, NLM_F_DUMP, sizeof(request.tc));
	request.tc.tcm_ifindex = qdisc->ifindex;
	request.tc.tcm_parent = parent;
	return dump(sock, &request, take_filter, survey);
}

static int read_filters(struct survey *survey, int sock)
{
	int err = 0;

	for (size_t i = 0; i < survey->nr_qdiscs && !err; i++) {
		const struct qdisc *qdisc = &survey->qdiscs[i];
		bool clsact = !strcmp(qdisc->kind, "clsact");

		if (clsact || !strcmp(qdisc->kind, "ingress"))
			err = dump_filters(survey, sock, qdisc, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), "ingress");
		else
			err = dump_filters(survey, sock, qdisc, qdisc->handle, NULL);
		if (clsact && !err)
			err = dump_filters(survey, sock, qdisc, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), "egress");
	}
	return err;
}

/* ---- bpf() ---------------------------------------------------------------------------------------- */

static int add_tcx(struct survey *survey, const struct device *device, int where, const char *direction)
{
	struct elfmap_attachment at = {.kind = ELFMAP_AT_TCX, .direction = direction};
	__u32 ids[MAX_TCX] = {};
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = ids, .prog_cnt = MAX_TCX);
	int err = 0;

	if (bpf_prog_query_opts(device->ifindex, (enum bpf_attach_type)where, &opts))
		return 0; /* an older kernel has no tcx */
	memcpy(at.dev, device->name, sizeof(at.dev));
	for (__u32 i = 0; i < opts.prog_cnt && i < MAX_TCX && !err; i++) {
		at.prog = ids[i];
		err = elfmap_attachments__add(survey->list, &at);
	}
	return err;
}

/* A link of a device is shown with the device, if that is one of ours. */
static bool is_known(const struct elfmap_attachments *list, const struct bpf_link_info *info)
{
	enum elfmap_attachment_kind kind = info->type == BPF_LINK_TYPE_XDP ? ELFMAP_AT_XDP : ELFMAP_AT_TCX;

	if (info->type != BPF_LINK_TYPE_XDP && info->type != LINK_TYPE_TCX)
		return false;
	for (size_t i = 0; i < list->nr; i++)
		if (list->at[i].kind == kind && list->at[i].prog == info->prog_id)
			return true;
	return false;
}

static int add_links(struct elfmap_attachments *list)
{
	__u32 id = 0;
	int err = 0;

	while (!err && !bpf_link_get_next_id(id, &id)) {
		struct elfmap_attachment at = {.kind = ELFMAP_AT_LINK, .id = id};
		struct bpf_link_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue; /* gone since */
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.prog_id && !is_known(list, &info)) {
			at.prog = info.prog_id;
			at.type = info.type;
			err = elfmap_attachments__add(list, &at);
		}
		close(fd);
	}
	return err;
}

/* ------------------------------------------------------------------------------------------------- */

static int read_devices(struct survey *survey)
{
	int sock = netlink__open(NULL), err;
	struct netlink_request request;

	if (sock < 0)
		return 0;
	netlink__start(&request, RTM_GETLINK, NLM_F_DUMP, sizeof(request.link));
	err = dump(sock, &request, take_device, survey);
	netlink__start(&request, RTM_GETQDISC, NLM_F_DUMP, sizeof(request.tc));
	err = err ?: dump(sock, &request, take_qdisc, survey);
	err = err ?: read_filters(survey, sock);
	close(sock);
	for (size_t i = 0; i < survey->nr_devices && !err; i++)
		err = add_tcx(survey, &survey->devices[i], ATTACH_TCX_INGRESS, "ingress")
			      ?: add_tcx(survey, &survey->devices[i], ATTACH_TCX_EGRESS, "egress");
	return err;
}

int elfmap_attachments__read(struct elfmap_attachments *list)
{
	struct survey survey = {.list = list};
	int err = read_devices(&survey);

	err = err ?: add_links(list);
	free(survey.qdiscs);
	free(survey.devices);
	return err;
}
