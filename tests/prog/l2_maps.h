/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads tc-progs/l2_redirect.c, fills its tables, and checks exactly what it does with a frame. All
 * functions assert.
 */
#ifndef L2_MAPS_H
#define L2_MAPS_H

#include "classifier.h"
#include "l2_redirect.h"

#define LOOPBACK 1 /* the device that always exists */
#define NO_DEVICE 99999

/* The programs loaded by l2_maps__load(). */
extern int redirect, forward, guard;

/* For cmocka's setup and teardown: empty maps for each test. */
int l2_maps__load(void **state);
int l2_maps__unload(void **state);

void set_device(__u32 slot, __u32 number);
/* PREFIX is written "10.0.0.0/8" or "2001:db8::/32". */
void set_vip(const char *prefix, const struct l2_vip *vip);
void set_end(__u32 slot, const char *address, enum l2_end_action action, __u32 device);
/* ADDRESS in the maps' notation. */
void set_ip(ip to, const char *address);

/* Runs the program on FRAME, replaces FRAME with the output, and asserts the verdict and that only
 * COUNTER (a member of struct l2_counts) has changed, by one. */
#define run_l2(program, frame, verdict, counter) \
	run_and_count(program, frame, verdict, __builtin_offsetof(struct l2_counts, counter))
void run_and_count(int program, struct frame *frame, int verdict, size_t counter);

/* The same; the frame must be unchanged. */
#define run_unchanged(program, frame, verdict, counter) \
	run_and_compare(program, frame, verdict, __builtin_offsetof(struct l2_counts, counter))
void run_and_compare(int program, const struct frame *frame, int verdict, size_t counter);

/* A UDP datagram with a few bytes in it. */
void build_datagram(struct frame *frame, const char *from, const char *to);
/* One in an IP header that goes from OUTER_FROM to OUTER_TO. */
void build_tunnelled(struct frame *frame, const char *outer_from, const char *outer_to, const char *from,
		     const char *to);

/* One truncated after L3_LENGTH bytes, with a tag: a test run refuses untagged frames that are shorter than
 * an IP header. */
void build_short(struct frame *frame, const char *from, const char *to, size_t l3_length);

/* The bytes after the link header of FRAME must equal those after the link header of ORIGINAL, from OFFSET on. */
void assert_packet(const struct frame *frame, size_t offset, const struct frame *original);

#endif
