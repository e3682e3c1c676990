/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads tc-progs/dst_stats.c, and checks the exact contents of its maps. All functions assert.
 */
#ifndef DST_MAPS_H
#define DST_MAPS_H

#include <stdbool.h>

#include "classifier.h"
#include "dst_stats.h"

/* The object under test, loaded by dst_maps__load(). */
struct dst_maps {
	struct classifier classifier;
	int ingress; /* programs */
	int egress;
	int stats; /* maps */
	int errs;
};
extern struct dst_maps under_test;

/* For cmocka's setup and teardown: both objects, with empty maps for each test. */
int dst_maps__load(void **state);
int dst_maps__load_lru(void **state);
int dst_maps__unload(void **state);

/* The sum over all CPUs. False and zeros if there is no entry. */
bool find_entry(enum dst_direction direction, const char *address, struct dst_value *ret_total);
void assert_entry(enum dst_direction direction, const char *address, __u64 packets, __u64 bytes);
void assert_no_entry(enum dst_direction direction, const char *address);
size_t count_entries(void);

/* Every cell of dst_errs, in the order of enum dst_error. */
void assert_errors(__u64 too_short, __u64 non_ip, __u64 depth, __u64 malformed, __u64 insert_fail);

/* A UDP datagram without payload: 42 bytes, or 62. */
void build_udp(struct frame *frame, const char *from, const char *to);

#endif
