// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The receiving half of flood, which counts the arrivals of each packet. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "flood.h"

#define RECEIVE_BATCH 256  /* packets a system call */
#define QUEUE (256 << 20)  /* bytes of a receiver's queue: enough for seconds without a CPU */
#define QUIET_MS 50	   /* without a packet after the last one was sent: all have arrived */
#define LOSSY_QUIET_MS 500 /* the same if some are missing */

static int set(int fd, int option, int value)
{
	return setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) ? -errno : 0;
}

/* A socket for both families. */
static int open_receiver(struct receiver *receiver)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(receiver->port)};
	int err = enter(receiver->netns), off = 0;

	if (err)
		return err;
	receiver->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (receiver->fd < 0)
		return -errno;
	if (setsockopt(receiver->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)))
		return -errno;
	err = set(receiver->fd, SO_RCVBUFFORCE, QUEUE);
	err = err ?: set(receiver->fd, SO_RXQ_OVFL, 1);
	err = err ?: set(receiver->fd, SO_RCVMARK, 1);
	if (!err && bind(receiver->fd, (const struct sockaddr *)&any, sizeof(any)))
		err = -errno;
	return err;
}

int open_receivers(struct flood *flood)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), err = home < 0 ? -errno : 0;

	for (size_t i = 0; !err && i < flood->nr_receivers; i++) {
		struct receiver *receiver = &flood->receivers[i];

		err = open_receiver(receiver);
		if (err)
			complain("at %s port %u: %s", receiver->netns, receiver->port, strerror(-err));
		if (setns(home, CLONE_NEWNET))
			err = err ?: -errno;
	}
	if (home >= 0)
		close(home);
	return err;
}

static struct source *find_source(struct receiver *receiver, const struct source *like)
{
	struct source *source = receiver->sources;

	for (; source < receiver->sources + receiver->nr_sources; source++) {
		if (!memcmp(&source->address.sin6_addr, &like->address.sin6_addr, sizeof(struct in6_addr)) &&
		    source->address.sin6_port == like->address.sin6_port && source->mark == like->mark &&
		    source->tag == like->tag)
			return source;
	}
	if (receiver->nr_sources == MAX_SOURCES)
		return NULL;
	*source = *like;
	receiver->nr_sources++;
	return source;
}

static uint32_t take_control(struct msghdr *message, int type, uint32_t otherwise)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		uint32_t value;

		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != type)
			continue;
		memcpy(&value, CMSG_DATA(at), sizeof(value));
		return value;
	}
	return otherwise;
}

static int take_packet(struct flood *flood, struct receiver *receiver, struct mmsghdr *packet)
{
	struct msghdr *message = &packet->msg_hdr;
	struct source like = {.address = *(struct sockaddr_in6 *)message->msg_name};
	struct payload payload;
	struct source *source;

	receiver->overflow = take_control(message, SO_RXQ_OVFL, receiver->overflow);
	memcpy(&payload, message->msg_iov->iov_base, sizeof(payload));
	if (packet->msg_len < sizeof(payload) || payload.cookie != flood->cookie || payload.number >= MAX_NUMBERS) {
		flood->strange++;
		return 0;
	}
	like.mark = take_control(message, SO_MARK, 0);
	like.tag = payload.tag;
	source = find_source(receiver, &like);
	if (!source)
		return -E2BIG;
	source->received++;
	receiver->received++;
	flood->arrived += !flood->times[payload.number];
	if (flood->times[payload.number] < 2)
		flood->times[payload.number]++;
	return 0;
}

/* Receives all packets in the queue. */
static int drain(struct flood *flood, struct receiver *receiver)
{
	static __thread struct payload payloads[RECEIVE_BATCH];
	static __thread struct sockaddr_in6 addresses[RECEIVE_BATCH];
	static __thread uint64_t controls[RECEIVE_BATCH][16];
	struct mmsghdr messages[RECEIVE_BATCH];
	struct iovec parts[RECEIVE_BATCH];
	int nr, err = 0;

	do {
		for (size_t i = 0; i < RECEIVE_BATCH; i++) {
			parts[i] = (struct iovec){.iov_base = &payloads[i], .iov_len = sizeof(payloads[i])};
			messages[i] = (struct mmsghdr){.msg_hdr = {
							       .msg_name = &addresses[i],
							       .msg_namelen = sizeof(addresses[i]),
							       .msg_iov = &parts[i],
							       .msg_iovlen = 1,
							       .msg_control = controls[i],
							       .msg_controllen = sizeof(controls[i]),
						       }};
		}
		nr = recvmmsg(receiver->fd, messages, RECEIVE_BATCH, 0, NULL);
		if (nr < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		for (int i = 0; !err && i < nr; i++)
			err = take_packet(flood, receiver, &messages[i]);
	} while (!err && nr == RECEIVE_BATCH);
	return err;
}

static int receive_packets(struct flood *flood)
{
	struct pollfd fds[MAX_RECEIVERS];
	int err = 0, ready, quiet_ms = 0;

	for (size_t i = 0; i < flood->nr_receivers; i++)
		fds[i] = (struct pollfd){.fd = flood->receivers[i].fd, .events = POLLIN};
	while (!err) {
		bool over = atomic_load(&flood->all_sent);

		ready = poll(fds, flood->nr_receivers, QUIET_MS);
		quiet_ms = over && !ready ? quiet_ms + QUIET_MS : 0;
		if (quiet_ms && (flood->arrived == atomic_load(&flood->sent) || quiet_ms >= LOSSY_QUIET_MS))
			return 0;
		for (size_t i = 0; !err && i < flood->nr_receivers; i++)
			if (fds[i].revents)
				err = drain(flood, &flood->receivers[i]);
	}
	return err;
}

void *receiving(void *arg)
{
	struct flood *flood = arg;

	setpriority(PRIO_PROCESS, 0, -10);
	flood->receive_error = receive_packets(flood);
	return NULL;
}
