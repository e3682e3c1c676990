/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A minimal rtnetlink client: one request and its reply, attributes in both directions. Distributions do not ship a
 * static libmnl, and the command is linked statically.
 */
#ifndef ELFMAP_NETLINK_H
#define ELFMAP_NETLINK_H

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "elfmap.h"

#define NETLINK_REQUEST_MAX 4096

/* A request under construction. HEADER.nlmsg_len grows with each attribute; type and flags are the
 * caller's, NLM_F_REQUEST is added on sending. */
struct netlink_request {
	struct nlmsghdr header;
	union {
		struct tcmsg tc;
		struct ifinfomsg link;
		char body[NETLINK_REQUEST_MAX];
	};
};

/* Opens a socket with extended error messages and strict checking of requests. A descriptor to close(), or a negative
 * errno. */
int netlink__open(struct elfmap_msg *msg);

/* Starts a request of TYPE (RTM_...) with a fixed part of BODY zero bytes. */
void netlink__start(struct netlink_request *request, __u16 type, __u16 flags, size_t body);
/* Appends an attribute. A request that is too large is refused on sending. */
void netlink__put(struct netlink_request *request, __u16 type, const void *data, size_t size);
void netlink__put_u32(struct netlink_request *request, __u16 type, __u32 value);
void netlink__put_string(struct netlink_request *request, __u16 type, const char *text);
/* Attributes added between nest() and end_nest() are nested in that of nest(). */
struct rtattr *netlink__nest(struct netlink_request *request, __u16 type);
void netlink__end_nest(struct netlink_request *request, struct rtattr *nest);

typedef int netlink_each(void *context, const struct nlmsghdr *message);

/* Sends REQUEST and calls EACH (may be NULL) for every message of the reply; a negative errno from it ends the reading.
 * 0, or the kernel's negative errno with its message in MSG. -EINTR: a dump changed while it was read; it was read to
 * its end. */
int netlink__talk(int sock, struct netlink_request *request, netlink_each *each, void *context, struct elfmap_msg *msg);

/* Sorts the SIZE bytes of attributes at AT by type; types above MAX are ignored. */
void netlink__sort(const struct rtattr *at, size_t size, const struct rtattr *sorted[], int max);
__u32 netlink__number(const struct rtattr *at); /* 0: AT is NULL or too short */
/* "" for NULL; cut to fit. */
void netlink__copy_text(const struct rtattr *at, char *text, size_t size);

#endif
