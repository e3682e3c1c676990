// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists routes that run BPF programs, from dumps of both families. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/lwtunnel.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "hook/lwt.h"
#include "hook/netlink.h"

/* One nexthop of a route. */
struct nexthop {
	const struct rtmsg *route;
	const struct rtattr *destination;
	__u32 table;
	int ifindex;
};

static void write_words(const struct nexthop *nexthop, const char *direction, char *words, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "default", dev[IF_NAMESIZE] = "", table[32] = "", length[16] = "";

	if (nexthop->destination &&
	    inet_ntop(nexthop->route->rtm_family, RTA_DATA(nexthop->destination), address, sizeof(address)))
		snprintf(length, sizeof(length), "/%u", nexthop->route->rtm_dst_len);
	if (nexthop->table != RT_TABLE_MAIN)
		snprintf(table, sizeof(table), " table %u", nexthop->table);
	if (!if_indextoname((unsigned int)nexthop->ifindex, dev))
		strcpy(dev, "''");
	snprintf(words, size, "%s%s%s dev %s encap bpf %s", address, length, table, dev, direction);
}

static int add_nexthop(struct elfmap_routes *routes, const struct nexthop *nexthop, const struct rtattr *encap)
{
	static const char *const directions[] = {[LWT_BPF_IN] = "in", [LWT_BPF_OUT] = "out", [LWT_BPF_XMIT] = "xmit"};
	const struct rtattr *programs[LWT_BPF_MAX + 1], *program[LWT_BPF_PROG_MAX + 1];

	netlink__sort(RTA_DATA(encap), RTA_PAYLOAD(encap), programs, LWT_BPF_MAX);
	for (int i = LWT_BPF_IN; i <= LWT_BPF_XMIT; i++) {
		struct elfmap_route *grown;

		if (!programs[i])
			continue;
		grown = elfmap_array__grow(routes->at, routes->nr, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		routes->at = grown;
		grown += routes->nr++;
		netlink__sort(RTA_DATA(programs[i]), RTA_PAYLOAD(programs[i]), program, LWT_BPF_PROG_MAX);
		netlink__copy_text(program[LWT_BPF_PROG_NAME], grown->name, sizeof(grown->name));
		write_words(nexthop, directions[i], grown->words, sizeof(grown->words));
	}
	return 0;
}

static bool is_bpf(const struct rtattr *type, const struct rtattr *encap)
{
	__u16 value = 0;

	if (type && RTA_PAYLOAD(type) >= sizeof(value))
		memcpy(&value, RTA_DATA(type), sizeof(value));
	return encap && value == LWTUNNEL_ENCAP_BPF;
}

static int add_nexthops(struct elfmap_routes *routes, struct nexthop nexthop, const struct rtattr *multipath)
{
	const struct rtnexthop *at = RTA_DATA(multipath);
	int err = 0, size = (int)RTA_PAYLOAD(multipath);

	while (!err && size >= (int)sizeof(*at) && RTNH_OK(at, size)) {
		const struct rtattr *attributes[RTA_MAX + 1];

		netlink__sort(RTNH_DATA(at), at->rtnh_len - RTNH_LENGTH(0), attributes, RTA_MAX);
		nexthop.ifindex = at->rtnh_ifindex;
		if (is_bpf(attributes[RTA_ENCAP_TYPE], attributes[RTA_ENCAP]))
			err = add_nexthop(routes, &nexthop, attributes[RTA_ENCAP]);
		size -= (int)RTNH_ALIGN(at->rtnh_len);
		at = RTNH_NEXT(at);
	}
	return err;
}

static int add_route(void *context, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	const struct rtattr *attributes[RTA_MAX + 1];
	struct elfmap_routes *routes = context;
	struct nexthop nexthop;

	if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_LENGTH(sizeof(*route)))
		return 0;
	netlink__sort(RTM_RTA(route), RTM_PAYLOAD(message), attributes, RTA_MAX);
	nexthop = (struct nexthop){
		.route = route,
		.destination = attributes[RTA_DST],
		.table = netlink__number(attributes[RTA_TABLE]) ?: route->rtm_table,
		.ifindex = (int)netlink__number(attributes[RTA_OIF]),
	};
	if (is_bpf(attributes[RTA_ENCAP_TYPE], attributes[RTA_ENCAP]))
		return add_nexthop(routes, &nexthop, attributes[RTA_ENCAP]);
	return attributes[RTA_MULTIPATH] ? add_nexthops(routes, nexthop, attributes[RTA_MULTIPATH]) : 0;
}

int elfmap_routes__list(struct elfmap_routes *ret_routes, struct elfmap_msg *msg)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	struct elfmap_routes routes = {};
	int err = 0, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	for (size_t i = 0; !err && i < sizeof(families); i++) {
		struct netlink_request request;

		netlink__start(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
		request.body[0] = (char)families[i]; /* rtm_family */
		err = netlink__talk(sock, &request, add_route, &routes, msg);
		if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
			err = 0; /* this kernel lacks the family */
	}
	close(sock);
	if (err)
		free(routes.at);
	else
		*ret_routes = routes;
	return err;
}
