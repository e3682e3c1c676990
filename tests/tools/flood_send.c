// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sending half of flood, at a rate. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "flood.h"

#define SEND_BATCH 64	/* well below the backlog of a CPU (net.core.netdev_max_backlog) */
#define PAUSE_NS 200000 /* between checks whether a packet is due */

static double now(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The number of packets to send now, ELAPSED seconds after the first; -1: the run is complete. */
static int due(struct flood *flood, uint64_t sent, double elapsed)
{
	double batch = SEND_BATCH;

	if (sent >= flood->packets && elapsed >= flood->seconds && atomic_load(&flood->enough))
		return -1;
	if (flood->rate > 0 && elapsed * flood->rate - (double)sent < batch)
		batch = elapsed * flood->rate - (double)sent;
	/* Not more packets than requested, if their number ends the run. */
	if (!flood->command && sent < flood->packets && elapsed >= flood->seconds &&
	    (double)(flood->packets - sent) < batch)
		batch = (double)(flood->packets - sent);
	return batch < 1 ? 0 : (int)batch;
}

/* An ICMP error for an earlier packet is reported for the next one, which has not been sent. */
static bool is_passing(int error)
{
	return error == ECONNREFUSED || error == EINTR || error == EAGAIN || error == ENOBUFS;
}

static int send_packets(struct flood *flood, int fd)
{
	static __thread uint8_t bytes[SEND_BATCH][MAX_SIZE];
	struct mmsghdr messages[SEND_BATCH] = {};
	struct iovec parts[SEND_BATCH];
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	double start = now(CLOCK_MONOTONIC);
	uint64_t sent = 0;
	int nr;

	for (size_t i = 0; i < SEND_BATCH; i++) {
		parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = flood->size};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while ((nr = due(flood, sent, now(CLOCK_MONOTONIC) - start)) >= 0) {
		if (!nr) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (sent + nr > MAX_NUMBERS)
			return -EOVERFLOW;
		for (int i = 0; i < nr; i++) {
			struct payload payload = {.cookie = flood->cookie, .number = sent + i};

			memcpy(bytes[i], &payload, sizeof(payload));
		}
		nr = sendmmsg(fd, messages, nr, 0);
		if (nr < 0 && !is_passing(errno))
			return -errno;
		if (nr <= 0)
			continue;
		sent += nr;
		if (!atomic_exchange(&flood->sent, sent))
			sem_post(&flood->started);
	}
	flood->took = now(CLOCK_MONOTONIC) - start;
	flood->cpu = now(CLOCK_THREAD_CPUTIME_ID);
	return 0;
}

static int send_from_there(struct flood *flood)
{
	int err = enter(flood->from), fd;

	if (err)
		return err;
	fd = socket(flood->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)&flood->to, flood->to_size) ? -errno : 0;
	prctl(PR_SET_TIMERSLACK, 1000);
	err = err ?: send_packets(flood, fd);
	close(fd);
	return err;
}

/* Both threads get a high priority if permitted, to keep the rate on a busy machine. */
void *sending(void *arg)
{
	struct flood *flood = arg;

	setpriority(PRIO_PROCESS, 0, -10);
	flood->send_error = send_from_there(flood);
	atomic_store(&flood->all_sent, true);
	if (!atomic_load(&flood->sent))
		sem_post(&flood->started);
	return NULL;
}
