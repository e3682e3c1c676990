/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the parts of flood: the run, for which one thread sends and another receives. */
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
#define MAX_SOURCES 64 /* that a receiver distinguishes */
#define MAX_SIZE 1400  /* of a payload */

struct payload {
	uint64_t cookie;
	uint64_t number;
	uint64_t tag;
};

/* A group of packets with the same source, mark and tag. */
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
	uint8_t times[MAX_NUMBERS]; /* arrivals by number, at most 2; used by the receiving thread */
	uint64_t strange;	    /* packets of other senders */
	uint64_t arrived;	    /* numbers that arrived at least once */
	double took;		    /* seconds of sending */
	double cpu;		    /* CPU seconds of the sender, which include the receive path */
	int send_error;
	int receive_error;
	sem_t started; /* the first packets are sent, or sending failed */
	atomic_bool enough;
	atomic_bool all_sent;
	atomic_uint_fast64_t sent;
};

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Moves the calling thread to NETNS: a name, a path, or "-" for its own. 0 or a negative errno. */
int enter(const char *netns);

/* Opens the queues of all receivers before the first packet is sent, so that none is lost.
 * Prints an error for a queue that cannot be opened; 0 or a negative errno. */
int open_receivers(struct flood *flood);

/* The threads. Each stores its result, 0 or a negative errno, in send_error or receive_error. */
void *sending(void *flood);
void *receiving(void *flood);

#endif
