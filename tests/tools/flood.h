/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of flood share: the run, which one thread sends for and another receives for. */
#ifndef FLOOD_H
#define FLOOD_H

#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define MAX_NUMBERS (1u << 26)
#define MAX_RECEIVERS 8
#define MAX_SOURCES 64 /* told apart by a receiver */
#define MAX_SIZE 1400  /* of a payload */

struct payload {
	uint64_t cookie;
	uint64_t number;
	uint64_t tag;
};

/* What some packets have in common. */
struct source {
	struct sockaddr_in6 address; /* IPv4 mapped */
	uint32_t mark;
	uint64_t tag;
	uint64_t received;
};

struct receiver {
	const char *netns;
	uint16_t port;
	int fd;
	uint64_t received;
	uint32_t overflow;
	struct source sources[MAX_SOURCES];
	size_t nr_sources;
};

struct flood {
	const char *from;
	struct sockaddr_storage to;
	socklen_t to_size;
	uint16_t port;
	double rate;
	uint64_t packets;
	double seconds;
	size_t size;
	char **command; /* NULL: none */
	struct receiver receivers[MAX_RECEIVERS];
	size_t nr_receivers;

	uint64_t cookie;
	uint8_t times[MAX_NUMBERS]; /* by number: how often it arrived, at most 2; the receiving thread's */
	uint64_t strange;	    /* packets that are none of ours */
	uint64_t arrived;	    /* numbers that did, at least once */
	double took;		    /* seconds of sending */
	double cpu;		    /* seconds of it that the sender had a CPU; its packets are received in them, too */
	int send_error;
	int receive_error;
	sem_t started; /* the first packets are on their way, or sending failed */
	atomic_bool enough;
	atomic_bool all_sent;
	atomic_uint_fast64_t sent;
};

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The calling thread goes to NETNS: a name, a path, or "-" for where it is. 0 or a negative errno. */
int enter(const char *netns);

/* Opens the queues of all receivers, before anything is sent, so that nothing gets lost before it.
 * Complains about the one that fails; 0 or a negative errno. */
int open_receivers(struct flood *flood);

/* The threads. Each leaves its result, 0 or a negative errno, in send_error or receive_error. */
void *sending(void *flood);
void *receiving(void *flood);

#endif
