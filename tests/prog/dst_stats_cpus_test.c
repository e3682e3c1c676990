// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/dst_stats.c in the running kernel, on two CPUs at once: the first packets to a new
 * destination race, and both must be counted.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "dst_maps.h"
#include "test.h"

#define RACES 3000
#define PACKETS_PER_RACE 3

struct racer {
	pthread_t thread;
	int cpu;
	int err;
	atomic_int *arrived; /* number of arrivals at a start, of both threads, over all races */
};

static const char *nth_address(int n, char *text)
{
	struct in_addr address = {.s_addr = htonl(0x0a000000 + n)};

	return inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

static int send_packets(int n)
{
	struct frame frame;
	char text[INET_ADDRSTRLEN];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.bytes, .repeat = PACKETS_PER_RACE);

	build_udp(&frame, A4, nth_address(n, text));
	run.data_size_in = frame.size;
	return bpf_prog_test_run_opts(under_test.ingress, &run);
}

/* Continues after an error, because the other thread waits. */
static void *race(void *argument)
{
	struct racer *racer = argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(racer->cpu, &cpus);
	racer->err = -pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (int i = 0; i < RACES; i++) {
		atomic_fetch_add(racer->arrived, 1);
		while (atomic_load(racer->arrived) < 2 * (i + 1))
			;
		racer->err = racer->err ?: send_packets(i);
	}
	return NULL;
}

static int nth_cpu(int n)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &cpus) && n-- == 0)
			return cpu;
	}
	return -1;
}

static void test_first_packets_race(void **state)
{
	char text[INET_ADDRSTRLEN];
	atomic_int arrived = 0;
	struct racer racers[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		racers[i] = (struct racer){.cpu = nth_cpu(i), .arrived = &arrived};
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
		assert_int_equal(racers[i].err, 0);
	}
	for (int i = 0; i < RACES; i++)
		assert_entry(DST_INGRESS, nth_address(i, text), 2 * PACKETS_PER_RACE, 2 * PACKETS_PER_RACE * 42);
	assert_int_equal(count_entries(), RACES);
	assert_errors(0, 0, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"test_first_packets_race", test_first_packets_race, dst_maps__load, dst_maps__unload, NULL},
		{"test_first_packets_race_lru", test_first_packets_race, dst_maps__load_lru, dst_maps__unload, NULL},
	};

	if (nth_cpu(1) < 0) {
		puts("1..0 # SKIP one CPU cannot race with itself");
		return 0;
	}
	return cmocka_run_group_tests_name("dst_stats on two CPUs", tests, NULL, NULL);
}
