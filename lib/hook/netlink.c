// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One rtnetlink exchange: sends a request and reads the reply to its end; errors have the kernel's message. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/netlink.h"

#define REPLY_BYTES (64u << 10) /* the kernel never sends more at once */
#define RECEIVE_TRIES 3

int netlink__open(struct elfmap_msg *msg)
{
	const int on = 1;
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (sock < 0)
		return elfmap_msg__set(msg, -errno, "cannot open a netlink socket: %s", strerror(errno));
	/* Optional: without them errors have less detail. */
	setsockopt(sock, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(sock, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return sock;
}

/* ---- a request ---------------------------------------------------------------------------------------- */

void netlink__start(struct netlink_request *request, __u16 type, __u16 flags, size_t body)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = flags;
	request->header.nlmsg_len = NLMSG_LENGTH(body);
}

void netlink__put(struct netlink_request *request, __u16 type, const void *data, size_t size)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)((char *)request + at);

	request->header.nlmsg_len = at + RTA_SPACE(size);
	if (request->header.nlmsg_len > sizeof(*request))
		return;
	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attribute), data, size);
}

void netlink__put_u32(struct netlink_request *request, __u16 type, __u32 value)
{
	netlink__put(request, type, &value, sizeof(value));
}

void netlink__put_string(struct netlink_request *request, __u16 type, const char *text)
{
	netlink__put(request, type, text, strlen(text) + 1);
}

struct rtattr *netlink__nest(struct netlink_request *request, __u16 type)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	netlink__put(request, type | NLA_F_NESTED, NULL, 0);
	return (struct rtattr *)((char *)request + at);
}

void netlink__end_nest(struct netlink_request *request, struct rtattr *nest)
{
	if (request->header.nlmsg_len <= sizeof(*request))
		nest->rta_len = (unsigned short)((char *)request + request->header.nlmsg_len - (char *)nest);
}

/* ---- the reply ----------------------------------------------------------------------------------------- */

/* The kernel's message with an error, or "". */
static void read_complaint(const struct nlmsghdr *message, char *text, size_t size)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);
	size_t skip = sizeof(*error), length = NLMSG_PAYLOAD(message, 0);
	const struct rtattr *sorted[NLMSGERR_ATTR_MSG + 1];

	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	*text = '\0';
	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || skip >= length)
		return;
	netlink__sort((const struct rtattr *)((const char *)error + skip), length - skip, sorted, NLMSGERR_ATTR_MSG);
	netlink__copy_text(sorted[NLMSGERR_ATTR_MSG], text, size);
}

static int take_error(const struct nlmsghdr *message, struct elfmap_msg *msg)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);
	char words[256];

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
		return elfmap_msg__set(msg, -EBADMSG, "netlink: the reply is truncated");
	if (!error->error)
		return 0;
	read_complaint(message, words, sizeof(words));
	return elfmap_msg__set(msg, error->error, "%s%s%s%s", strerror(-error->error), *words ? " (" : "", words,
			       *words ? ")" : "");
}

/* 1: more messages follow. */
static int take_replies(const char *bytes, size_t size, const struct netlink_request *request, netlink_each *each,
			void *context, struct elfmap_msg *msg)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)bytes;
	int err = 0;

	for (; !err && NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
		if (message->nlmsg_seq != request->header.nlmsg_seq)
			continue;
		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			return elfmap_msg__set(msg, -EINTR, "the list changed while it was read; try again");
		if (message->nlmsg_type == NLMSG_ERROR)
			return take_error(message, msg);
		if (message->nlmsg_type == NLMSG_DONE)
			return 0;
		err = each ? each(context, message) : 0;
	}
	return err ?: 1;
}

static int send_request(int sock, const struct netlink_request *request, struct elfmap_msg *msg)
{
	ssize_t size;

	do
		size = send(sock, request, request->header.nlmsg_len, 0);
	while (size < 0 && errno == EINTR);
	return size < 0 ? elfmap_msg__set(msg, -errno, "netlink: %s", strerror(errno)) : 0;
}

/* Tries again after an error: the kernel has already executed the request, so this must not be reported as its failure.
 * With ENOBUFS the reply is lost. A negative errno. */
static ssize_t receive(int sock, char *reply)
{
	ssize_t size = -1;

	for (int tries = 0; size < 0 && tries < RECEIVE_TRIES; tries++) {
		do
			size = recv(sock, reply, REPLY_BYTES, 0);
		while (size < 0 && errno == EINTR);
		if (size < 0 && errno == ENOBUFS)
			break;
	}
	return size < 0 ? -errno : size;
}

int netlink__talk(int sock, struct netlink_request *request, netlink_each *each, void *context, struct elfmap_msg *msg)
{
	static __u32 sequence;
	char *reply;
	int err = 1;

	request->header.nlmsg_flags |= NLM_F_REQUEST;
	if ((request->header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->header.nlmsg_flags |= NLM_F_ACK;
	request->header.nlmsg_seq = ++sequence;
	if (request->header.nlmsg_len > sizeof(*request))
		return elfmap_msg__set(msg, -EMSGSIZE, "netlink: the request is too large");
	reply = malloc(REPLY_BYTES);
	if (!reply)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = send_request(sock, request, msg) ?: 1;
	while (err == 1) {
		ssize_t size = receive(sock, reply);

		err = size > 0 ? take_replies(reply, (size_t)size, request, each, context, msg)
			       : elfmap_msg__set(msg, (int)size ?: -EIO, "netlink: %s",
						 strerror(size ? -(int)size : EIO));
	}
	free(reply);
	return err;
}

void netlink__sort(const struct rtattr *at, size_t size, const struct rtattr *sorted[], int max)
{
	memset(sorted, 0, sizeof(*sorted) * ((size_t)max + 1));
	for (; RTA_OK(at, size); at = RTA_NEXT(at, size))
		if ((at->rta_type & NLA_TYPE_MASK) <= max)
			sorted[at->rta_type & NLA_TYPE_MASK] = at;
}

__u32 netlink__number(const struct rtattr *at)
{
	__u32 value = 0;

	if (at && RTA_PAYLOAD(at) >= sizeof(value))
		memcpy(&value, RTA_DATA(at), sizeof(value));
	return value;
}

void netlink__copy_text(const struct rtattr *at, char *text, size_t size)
{
	size_t length = at ? strnlen(RTA_DATA(at), RTA_PAYLOAD(at)) : 0;

	length = length < size ? length : size - 1;
	if (length)
		memcpy(text, RTA_DATA(at), length);
	text[length] = '\0';
}
